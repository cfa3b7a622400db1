"""Git in a sandbox that lives on: one helper for a run, in which nothing of an agent's lives on, and no lie."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.marks import in_short
from helpers.waiting import HANGS, PATIENCE, until
from helpers.world import GIT, Listener

from harness.run.open import open_run
from harness.run.run import Run
from harness.settings.load import load_config
from harness.system.helper import Helper
from harness.workspace import confined_git
from harness.workspace.confined_git import ran_alone

TOLD = b'{"event":"version","evt":"3"}\n{"event":"start","argv":["git"]}\n%s{"event":"atexit","code":0}\n'
STARTED = b'{"event":"child_start","child_class":"hook","argv":[".git/hooks/pre-commit"]}\n'


@pytest.mark.parametrize(
    ("trace", "alone"),
    [
        pytest.param(TOLD % b"", True, id="git alone"),
        pytest.param(TOLD % STARTED, False, id="a program"),
        pytest.param(TOLD % b'{"event":"exec","exe":"x"}\n', False, id="it became another program"),
        pytest.param(TOLD % STARTED + TOLD % b"", False, id="a program that forged the end"),
        pytest.param((TOLD % b"").rpartition(b'{"event":"at')[0], False, id="an end that is missing"),
        pytest.param((TOLD % b"").partition(b"\n")[2], False, id="a beginning that is missing"),
        pytest.param(b"", False, id="a git that is too old to tell"),
        pytest.param(None, False, id="a trace that was too long"),
        pytest.param(TOLD % b'{"event":"cmd_name","name":"\\"event\\":\\"child_start\\""}\n', True, id="a file's name"),
    ],
)
def test_git_ran_alone_where_its_whole_trace_says_so(trace: bytes | None, alone: bool) -> None:
    assert ran_alone(trace) == alone


@pytest.fixture
def helpers(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Every helper of the test, each with the commands of git that it ran."""
    made: list[list[str]] = []

    class Counted(Helper):
        def __init__(self, *given: Any) -> None:
            made.append([])
            self.ran = made[-1]
            super().__init__(*given)

        def run(self, argv: Any, **more: Any) -> Any:
            self.ran.append(confined_git.kind_of(argv))
            return super().run(argv, **more)

    monkeypatch.setattr(confined_git, "Helper", Counted)
    return made


@contextmanager
def opened(confined: Any, **more: str) -> Iterator[Run]:
    """A run over a repository in the sandbox."""
    confined.spec("a")
    (confined.root / "code").mkdir()
    (confined.root / "code/kept.txt").write_text("old\n")
    (confined.root / ".gitignore").write_text("logs/\n")
    confined.repository()
    environ = {**confined.environment, **more}
    config = load_config(confined.root, confined.settings, environ)
    with open_run(config, Listener(), environ=environ) as run:
        yield run


def change(run: Run, text: str) -> None:
    (run.paths.root / "code/kept.txt").write_text(f"{text}\n")
    run.workspace.forget()


@pytest.mark.parametrize("network", in_short(["host", "none", "broker"], "broker"))
def test_one_helper_makes_all_looks_and_commits(confined: Any, helpers: list[list[str]], network: str) -> None:
    confined.settings |= {"sandbox_network": network}
    with opened(confined) as run:
        assert run.workspace.snapshot().clean
        for number in range(3):
            change(run, f"work {number}")
            assert set(run.workspace.snapshot().files) == {"code/kept.txt"}
            assert run.workspace.commit("a", "done", number).made
    writes = ["update-index", "write-tree", "commit-tree", "update-ref"]
    first = ["status", "read-tree", *writes, "reset"]  # then the index is kept, and once asked what it holds
    assert helpers == [["status", *first, "status", "write-tree", *writes, "status", *writes]]
    assert confined.git("rev-list", "--count", "HEAD") == "4"


@pytest.mark.parametrize(
    "with_hook", in_short({"in the helper": False, "in a sandbox of its own": True}, "in a sandbox of its own")
)
@pytest.mark.deep
def test_a_project_in_a_folder_of_its_repository_is_committed_too(confined: Any, with_hook: bool) -> None:
    confined.root.parent.joinpath("other.txt").write_text("1\n")
    for line in (["init", "-q"], ["add", "other.txt"], ["commit", "-qm", "begin"]):
        subprocess.run(["git", *line], cwd=confined.root.parent, env={**os.environ, **GIT}, check=True)
    if with_hook:
        place = confined.root.parent / ".git/hooks/pre-commit"
        place.write_text("#!/bin/sh\ntrue\n")
        place.chmod(0o755)
    confined.spec("a")
    confined.spec("b")
    confined.agent('echo made > made-$slug.txt; note hi; echo ok > "$done"')
    assert confined.go().code == 0
    assert confined.events("commit_failed") == []
    assert confined.git("show", "--name-only", "--format=") == "project/made-b.txt"


@pytest.mark.deep
def test_the_agents_of_a_run_come_and_go_and_the_helper_stays(confined: Any, helpers: list[list[str]]) -> None:
    for slug in ("a", "b", "c"):
        confined.spec(slug)
    (confined.root / ".gitignore").write_text("logs/\n")
    confined.repository()
    confined.agent('note hi; echo "$slug" > "made-$slug"; touch "$HOME/x" /tmp/x; echo ok > "$done"')
    assert confined.go(pause="0.6s").code == 0
    assert confined.git("log", "--format=%s", "-3").splitlines() == ["c: ok", "b: ok", "a: ok"]
    assert (len(helpers), helpers[0].count("update-ref")) == (1, 3)


# --- programs that git starts: an agent may have written them -------------------------------------------------------

LIE = r"""
printf '[core]\n attributesFile = %s/lies\n' "$HOME" > "$HOME/.gitconfig"
printf '[filter "lie"]\n clean = git cat-file blob HEAD:%%f\n' >> "$HOME/.gitconfig"
echo '* filter=lie' > "$HOME/lies"
"""
STAY = """
(setsid sh -c 'while :; do date > code/beat.txt; sleep 0.01; done' >/dev/null 2>&1 3>&- &)
"""
STAY_AND_KILL = """
cat > code/killer.sh <<'END'
while :; do for one in /proc/[0-9]*; do
    case $(cat $one/cmdline 2>/dev/null | tr '\\0' ' ') in *status*|*inside.py*) kill -9 ${one#/proc/} ;; esac
done; done
END
(setsid sh code/killer.sh >/dev/null 2>&1 3>&- &)
"""


def hook(confined: Any, script: str, name: str = "pre-commit") -> None:
    """A hook of the person's that runs a script of the project, as husky's do, which an agent wrote."""
    place = confined.root / ".git/hooks" / name
    place.parent.mkdir(exist_ok=True)
    place.write_text(f"#!/bin/sh\n. code/{name}.sh\n")
    place.chmod(0o755)
    (confined.root / f"code/{name}.sh").write_text(script)


@pytest.mark.parametrize(
    "script",
    in_short({"settings": LIE, "a process": STAY, "a process that kills": STAY_AND_KILL}, "a process that kills"),
)
def test_a_hook_falsifies_no_later_look(confined: Any, helpers: list[list[str]], script: str) -> None:
    with opened(confined, GIT_CONFIG_GLOBAL=f"{confined.environment['HOME']}/.gitconfig") as run:
        hook(confined, script + "echo ran >> code/ran.txt\n")
        change(run, "one")
        assert run.workspace.commit("a", "done", 1).made
        assert (confined.root / "code/ran.txt").read_text() == "ran\n"
        (confined.root / "code/beat.txt").unlink(missing_ok=True)
        time.sleep(1.1)  # the index is older than the file now: a filter would be asked
        change(run, "two")
        seen = run.workspace.snapshot()
        assert (bool(seen.head), "code/kept.txt" in seen.files) == (True, True)
        assert not (confined.root / "code/beat.txt").exists()
        assert not RUN_HOOKS & {kind for kinds in helpers for kind in kinds}


RUN_HOOKS = {"commit"}


@pytest.mark.deep
def test_a_commit_with_hooks_has_a_sandbox_of_its_own_and_the_looks_share_theirs(
    confined: Any, helpers: list[list[str]]
) -> None:
    with opened(confined) as run:
        hook(confined, "true\n")
        for number in range(3):
            change(run, f"work {number}")
            assert run.workspace.commit("a", "done", number).made
    assert (len(helpers), RUN_HOOKS & set(helpers[0])) == (1, set())


OWN_FILE = """exec 3>code/version.txt
echo "files:" >&3
git diff --cached --name-only >&3
git rev-parse --short HEAD >/dev/null
git add code/version.txt
"""
SWAP = """err=$( { git diff --cached --name-only 2>&1 1>&4; } 3>&1 4>/dev/null )
test -z "$err"
"""


@pytest.mark.parametrize(
    "script", in_short({"a file of its own": OWN_FILE, "swapped descriptors": SWAP}, "swapped descriptors")
)
def test_a_hook_finds_its_descriptors_as_without_harness(confined: Any, script: str) -> None:
    with opened(confined) as run:
        hook(confined, script)
        change(run, "one")
        assert run.workspace.commit("a", "done", 1).made
    if script == OWN_FILE:
        assert confined.git("show", "HEAD:code/version.txt") == "files:\ncode/kept.txt\ncode/pre-commit.sh"


@pytest.mark.deep
def test_a_hook_that_ends_every_python_loses_no_commit(confined: Any) -> None:
    kill = "for one in /proc/[0-9]*; do grep -aq python $one/cmdline 2>/dev/null && kill -9 ${one#/proc/}; done; true\n"
    with opened(confined) as run:
        hook(confined, kill, "post-commit")
        for number in range(2):
            change(run, f"work {number}")
            assert run.workspace.commit("a", "done", number).made


@pytest.mark.deep
def test_a_filter_is_obeyed_and_keeps_no_helper(confined: Any, helpers: list[list[str]]) -> None:
    (confined.root / ".gitattributes").write_text("*.txt filter=loud\n")
    with opened(confined) as run:
        confined.git("config", "filter.loud.clean", "tr a-z A-Z")
        change(run, "one")
        assert run.workspace.commit("a", "done", 1).made
        assert confined.git("show", "HEAD:code/kept.txt") == "ONE"
        assert run.workspace.snapshot().clean
    assert [kinds[-1] for kinds in helpers if "update-index" in kinds] == ["update-index"]


@pytest.mark.deep
def test_what_is_read_only_inside_stays_so_when_a_person_replaces_it(confined: Any, helpers: list[list[str]]) -> None:
    with opened(confined) as run:
        hook(confined, 'git config core.evil yes; echo "[core] evil = yes" >> .git/config; true\n')
        assert run.workspace.snapshot().head
        confined.git("config", "core.good", "yes")  # git writes a new file and renames it: the mount inside is gone
        assert "good = yes" in (confined.root / ".git/config").read_text()
        change(run, "one")
        assert run.workspace.commit("a", "done", 1).made
    assert "evil" not in (confined.root / ".git/config").read_text()


@pytest.mark.parametrize("what", in_short(["folder", "file"], "file"))
@pytest.mark.deep
def test_what_was_moved_and_made_anew_is_mounted_anew(confined: Any, what: str) -> None:
    with opened(confined) as run:
        hook(confined, "echo evil > .git/hooks/post-commit; echo evil >> .git/info/exclude; true\n")
        assert run.workspace.snapshot().head
        git = confined.root / ".git"
        if what == "folder":
            (git / "hooks").rename(git / "old-hooks")
            (git / "hooks").mkdir()
            (git / "old-hooks/pre-commit").rename(git / "hooks/pre-commit")
        else:
            (git / "new-info").mkdir()
            (git / "info").rename(git / "old-info")
            (git / "new-info").rename(git / "info")
        change(run, "one")
        assert run.workspace.commit("a", "done", 1).made
        assert not (git / "hooks/post-commit").exists()
        assert not (git / "info/exclude").exists() or "evil" not in (git / "info/exclude").read_text()


# --- a helper that dies, hangs or is not to be had ------------------------------------------------------------------


def pid_of_helper(run: Run) -> int:
    """The helper's process, as the system sees it."""
    own = {run.site.supervisor.pid}
    for _ in range(6):
        for folder in Path("/proc").iterdir():
            if folder.name.isdecimal():
                try:
                    parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                    if parent in own:
                        own.add(int(folder.name))
                        if (
                            b"inside.py" in (folder / "cmdline").read_bytes()
                            and b"bwrap" not in (folder / "cmdline").read_bytes()
                        ):
                            return int(folder.name)
                except (OSError, IndexError):
                    pass
    raise AssertionError("there is no helper")


def test_a_helper_that_was_killed_is_made_again(confined: Any, helpers: list[list[str]]) -> None:
    with opened(confined) as run:
        assert run.workspace.snapshot().clean
        os.kill(pid_of_helper(run), signal.SIGKILL)
        change(run, "one")
        assert set(run.workspace.snapshot().files) == {"code/kept.txt"}
        assert run.workspace.commit("a", "done", 1).made


def test_a_look_that_hangs_in_the_helper_ends_when_everything_has_to_stop(
    confined: Any, helpers: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.workspace.git.LOOK_ON", 0.3)
    monkeypatch.setattr("harness.workspace.git.AT_LEAST", 0.3)
    monkeypatch.setattr("harness.workspace.git.TIMEOUT", 10.0 * HANGS)
    with opened(confined) as run:
        (confined.root / ".gitignore").unlink()
        os.mkfifo(confined.root / ".gitignore")
        began = time.monotonic()
        run.workspace._git.stop = lambda: 5.0 if time.monotonic() > began + 0.5 else None
        assert run.workspace.snapshot().head == ""
        assert helpers == [["status"]]
        (confined.root / ".gitignore").unlink()
        run.workspace._git.stop = lambda: None
        assert run.workspace.snapshot().head


@pytest.mark.deep
def test_a_commit_that_has_to_stop_takes_its_locks_away(
    confined: Any, helpers: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.workspace.git.WRITE_ON", 0.3)
    monkeypatch.setattr("harness.workspace.git.AT_LEAST", 0.3)
    with opened(confined) as run:
        hook(confined, "touch code/ready; sleep 300\n")
        change(run, "one")
        run.workspace._git.stop = lambda: 5.0 if (confined.root / "code/ready").exists() else None
        made = run.workspace.commit("a", "done", 1)
        assert (made.made, made.failure) == (False, "the run was to stop before git was done")
        assert not RUN_HOOKS & set(helpers[0])
    assert list((confined.root / ".git").glob("*.lock")) == []


@pytest.mark.deep
def test_a_helper_that_cannot_start_is_tried_once(confined: Any, helpers: list[list[str]]) -> None:
    with opened(confined) as run:
        run.workspace._git.confined._command = replace(run.workspace._git.confined._command, argv=("/bin/false",))
        for _ in range(2):
            assert run.workspace.snapshot().clean
    assert helpers == [["status"]]


@pytest.mark.deep
def test_a_git_that_does_not_trace_gets_a_sandbox_for_each_call(
    confined: Any, helpers: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confined_git, "TRACE", {"GIT_TRACE2_EVENT": "0"})
    with opened(confined) as run:
        for number in range(2):
            change(run, f"work {number}")
            assert run.workspace.commit("a", "done", number).made
    calls = ["status", "read-tree", "update-index", "write-tree", "commit-tree", "update-ref", "reset"]
    assert helpers == [[one] for one in calls]


def test_no_helper_lives_where_an_agent_works_outside(confined: Any, helpers: list[list[str]]) -> None:
    with opened(confined) as run:
        run.site = replace(run.site, outside={"command": "it cannot start inside"})
        assert run.workspace.snapshot().clean
    assert helpers == []


def test_a_git_of_the_project_is_not_asked(confined: Any) -> None:
    program = confined.root / ".venv/bin/git"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\necho ran >> {confined.root}/ran\nexec /usr/bin/git "$@"\n')
    program.chmod(0o755)
    with opened(confined, PATH=f"{program.parent}:{os.environ['PATH']}") as run:
        assert run.workspace.snapshot().head
    assert not (confined.root / "ran").exists()


def test_the_helper_ends_with_the_run(confined: Any) -> None:
    with opened(confined) as run:
        assert run.workspace.snapshot().head
        pid = pid_of_helper(run)
    until(lambda: not Path(f"/proc/{pid}").exists())


def carriers(token: str) -> list[bytes]:
    """The command lines of all processes that have the token in their environment, but for harness itself."""
    found, said = [], f"GIT_AUTHOR_NAME={token}".encode()
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdecimal() and said in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes())
        except OSError:
            pass
    return [line for line in found if b"-m\0harness" not in line]


@pytest.mark.parametrize(("features", "kills"), [(6, 1), pytest.param(40, 5, marks=pytest.mark.deep)])
@pytest.mark.deep
def test_nothing_is_left_of_a_run_that_is_killed_at_any_moment(
    confined: Any, start: Any, features: int, kills: int
) -> None:
    chance, token = random.Random(3), f"{confined.root}"
    for number in range(features):
        confined.spec(f"f{number:02}")
    confined.agent('note hi; echo "$slug" > "made-$slug"; echo ok > "$done"')
    confined.config_file(commit="done")
    (confined.root / ".gitignore").write_text("logs/\n")
    confined.repository()
    home = {"HOME": confined.environment["HOME"], "HARNESS_SANDBOX": "bwrap", "GIT_AUTHOR_NAME": token}
    seen = 0
    for _ in range(kills):
        run = start("run", **home)
        until(lambda run=run: any(b"inside.py" in line for line in carriers(token)) or run.poll() is not None)
        assert run.poll() is None, run.communicate()
        time.sleep(chance.uniform(0, 0.3))
        seen += len(carriers(token)) > 0
        run.kill()
        run.wait()
        until(lambda: not carriers(token))
    assert seen == kills
    assert start("run", **home).wait(PATIENCE) == 0
    assert int(confined.git("rev-list", "--count", "HEAD")) == features + 1
