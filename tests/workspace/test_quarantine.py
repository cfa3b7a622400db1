"""What an agent planted below the workspace leads harness nowhere: links, fifos, folders, forged repositories."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.waiting import wait_until_ready
from helpers.world import BUBBLEWRAP, FINISH

from harness.domain.errors import AgentError, StorageError
from harness.domain.paths import Paths
from harness.records.halt_file import read_halt
from harness.sandbox import open as gate
from harness.sandbox.bubblewrap import Mounts
from harness.sandbox.mounts import find_mounts, find_tools
from harness.settings.load import load_config
from harness.system import untrusted
from harness.system.capture import find_program
from harness.system.secrets import MOST, read_redactor
from harness.workspace.in_place import InPlace
from harness.workspace.quarantine import find_absent, find_git, quarantine

needs_bwrap = pytest.mark.skipif(not BUBBLEWRAP, reason="needs bubblewrap")
in_the_sandbox = pytest.mark.xdist_group("sandbox")
needs_renameat2 = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "renameat2"), reason="needs Linux")
SECRET = "decoy-of-the-home-0123456789"


@pytest.fixture
def place(tmp_path: Path) -> Paths:
    """A project, and a home beside it that holds a secret."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home/settings.json").write_text(SECRET)
    root = tmp_path / "project"
    root.mkdir()
    return Paths(root, root / "specs", root / "logs")


# --- what is set aside ----------------------------------------------------------------------------------------------


def test_a_link_is_set_aside_and_not_what_it_leads_to(place: Paths, tmp_path: Path) -> None:
    home, settings = tmp_path / "home", place.root / ".claude/settings.json"
    (place.root / ".claude").symlink_to(home)
    assert quarantine(place, tmp_path / "attempt", settings) == (
        place.root / ".claude", tmp_path / "attempt/foreign/.claude",
    )  # fmt: skip
    assert ((home / "settings.json").read_text(), (place.root / ".claude").is_symlink()) == (SECRET, False)


def test_a_file_is_set_aside_under_a_name_that_is_free(place: Paths, tmp_path: Path) -> None:
    for text in ("one", "two"):
        (place.root / ".mcp.json").write_text(text)
        quarantine(place, tmp_path, place.root / ".mcp.json")
    assert [path.read_text() for path in sorted((tmp_path / "foreign").iterdir())] == ["one", "two"]


@pytest.mark.parametrize("made", ["nothing", "a file on the way", "an empty folder"])
def test_where_nothing_stands_nothing_is_moved(place: Paths, tmp_path: Path, made: str) -> None:
    if made == "a file on the way":
        (place.root / ".claude").write_text("")
    if made == "an empty folder":
        (place.root / ".claude").mkdir()
    assert untrusted.move_out(place.root, place.root / ".claude/settings.json", tmp_path / "aside") is None


RACER = """
import ctypes, os, sys
root, outside = sys.argv[1:]
os.chdir(root)
libc = ctypes.CDLL(None)
print("up", flush=True)
while True:  # a folder and a link change places, at once, again and again
    for name in (".claude", "other"):
        try:
            fd = os.open(name, os.O_DIRECTORY | os.O_NOFOLLOW)
            os.close(os.open("settings.json", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
            os.close(fd)
        except FileNotFoundError:
            links = [os.path.islink(one) for one in (".claude", "other")]
            os.mkdir(name) if any(links) else os.symlink(outside, name)
        except OSError:
            pass
    for _ in range(50):
        libc.renameat2(-100, b".claude", -100, b"other", 2)
"""


def race(place: Paths, tmp_path: Path, take: Any, rounds: int) -> int:
    """How often a file outside was taken away while somebody swaps the folder on the way to it."""
    outside, escapes = tmp_path / "home", 0
    line = [sys.executable, "-I", "-S", "-c", RACER, str(place.root), str(outside)]
    with subprocess.Popen(line, stdout=subprocess.PIPE) as racer:
        assert racer.stdout is not None
        racer.stdout.readline()
        try:
            for number in range(rounds):
                with suppress(OSError, StorageError):
                    take(place.root, place.root / ".claude/settings.json", tmp_path / "aside" / str(number))
                if not (outside / "settings.json").exists():
                    escapes += 1
                    (outside / "settings.json").write_text(SECRET)
        finally:
            racer.kill()
    return escapes


def take_naively(root: Path, path: Path, folder: Path) -> None:
    """Look whether a link is on the way, then move: what the race is lost by."""
    folder.mkdir(parents=True)
    if not path.parent.is_symlink():
        path.rename(folder / path.name)


@needs_renameat2
def test_a_racer_gets_no_file_from_outside_moved(place: Paths, tmp_path: Path) -> None:
    assert race(place, tmp_path, untrusted.move_out, 1000) == 0


@needs_renameat2
def test_the_racer_wins_against_a_look_before_the_move(place: Paths, tmp_path: Path) -> None:
    assert race(place, tmp_path, take_naively, 8_000) > 0


@needs_bwrap
@in_the_sandbox
def test_a_link_to_the_home_costs_the_person_nothing(confined: Any, tmp_path: Path) -> None:
    mine = tmp_path / "home/.claude/settings.json"
    mine.parent.mkdir()
    mine.write_text("{}")
    confined.spec("hello")
    confined.agent(f"ln -s {mine.parent} .claude; {FINISH}")
    assert confined.go().code == 0
    assert (mine.read_text(), os.path.lexists(confined.root / ".claude")) == ("{}", False)
    assert [event["marker"] for event in confined.events("foreign")] == [".claude"]


# --- repositories that lead elsewhere -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "forged", ["gitdir: {home}", "gitdir: {home}/other/.git", "gitdir: evil"], ids=["a home", "a repository", "a fake"]
)
def test_a_git_file_that_nobody_knows_of_opens_no_folder(place: Paths, tmp_path: Path, forged: str) -> None:
    home, evil = tmp_path / "home", place.root / "evil"
    subprocess.run(["git", "init", "-q", home / "other"], check=True)
    evil.mkdir()
    (evil / "commondir").write_text(str(home))
    (evil / "gitdir").write_text(f"{place.root}/.git")
    (place.root / ".git").write_text(forged.format(home=home))
    assert find_git(place.root) == (place.root, [])


def test_a_git_link_opens_no_folder(place: Paths, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path / "home/other"], check=True)
    (place.root / ".git").symlink_to(tmp_path / "home/other/.git")
    assert find_git(place.root) == (place.root, [])


def test_a_submodule_is_known_by_its_repository(tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.invalid", "-c", "protocol.file.allow=always", "-C"]
    for name in ("inner", "outer"):
        subprocess.run(["git", "init", "-q", tmp_path / name], check=True)
        subprocess.run([*git, tmp_path / name, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    subprocess.run([*git, tmp_path / "outer", "submodule", "--quiet", "add", tmp_path / "inner", "sub"], check=True)
    sub = tmp_path / "outer/sub"
    assert find_git(sub) == (sub, [(tmp_path / "outer/.git/modules/sub").resolve()])


def test_a_repository_that_appears_is_looked_for(place: Paths) -> None:
    assert str(place.root / ".git") in find_absent(place.root)


def test_a_tool_folder_that_is_a_link_out_of_the_project_is_not_let_in(place: Paths, tmp_path: Path) -> None:
    (place.root / ".venv").symlink_to(tmp_path / "home")
    environ = {"PATH": f"{place.root}/.venv:/usr/bin", "VIRTUAL_ENV": f"{place.root}/.venv"}
    assert tmp_path / "home" not in find_tools(environ, Path("/nonexistent"), place.root)


def test_our_own_programs_are_not_looked_for_in_the_project(place: Paths, tmp_path: Path) -> None:
    for folder in (place.root / "bin", tmp_path / "bin"):
        folder.mkdir()
        (folder / "git").write_text("")
        (folder / "git").chmod(0o755)
    environ = {"PATH": f"{place.root}/bin:.:{tmp_path}/bin"}
    assert find_program("git", environ, place.root) == f"{tmp_path}/bin/git"
    assert find_program("git", {"PATH": f"{place.root}/bin"}, place.root) == ""


# --- files that are read --------------------------------------------------------------------------------------------


def test_strange_env_files_are_passed_over_and_the_persons_own_is_read(place: Paths) -> None:
    (place.root / ".env").write_text("API_KEY=a-long-enough-secret-1\n")
    os.mkfifo(place.root / ".env.fifo")
    (place.root / ".env.folder").mkdir()
    (place.root / ".env.loop").symlink_to(".env.loop")
    with (place.root / ".env.huge").open("wb") as huge:
        huge.truncate(10 << 30)
    for number in range(MOST + 5):
        (place.root / f".env.{number}").write_text(f"KEY_{number}=another-long-secret-{number:04d}\n")
    redactor = read_redactor(place.root, {})
    assert "a-long-enough-secret-1" not in redactor.text("it is a-long-enough-secret-1")


@pytest.mark.parametrize("kind", ["fifo", "folder", "link", "huge", "dead link to a device"])
def test_a_strange_halt_is_a_halt(place: Paths, tmp_path: Path, kind: str) -> None:
    if kind == "fifo":
        os.mkfifo(place.halt)
    elif kind == "folder":
        place.halt.mkdir()
    elif kind == "huge":
        with place.halt.open("wb") as huge:
            huge.truncate(10 << 30)
    else:
        place.halt.symlink_to(tmp_path / "home/settings.json" if kind == "link" else "/dev/full")
    request = read_halt(place)
    assert request is not None and not request.now


def dig(folder: Path) -> None:
    """Make twelve hundred folders in one another, and a file at the end."""
    fd = os.open(folder, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=fd)
        inner = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(os.open("end", os.O_CREAT, dir_fd=fd))
    os.close(fd)


def test_a_thousand_folders_in_one_another_are_looked_at_and_removed(place: Paths, tmp_path: Path) -> None:
    dig(place.root)
    (place.root / "top").write_text("")
    (place.root / "closed").mkdir(mode=0)
    (place.root / "link").symlink_to(tmp_path / "home")
    try:
        assert "top" in InPlace(place, {"PATH": os.environ["PATH"]}).snapshot().files
    finally:
        untrusted.remove_tree(place.root)
    assert (place.root.exists(), (tmp_path / "home/settings.json").read_text()) == (False, SECRET)


@needs_bwrap
@in_the_sandbox
def test_a_thousand_folders_in_the_private_home_end_no_run(confined: Any, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(
        tempfile, "tempdir", str(tmp_path / "temporary")
    )  # other tests make and remove theirs meanwhile
    confined.spec("hello", checks=["test -f made.txt"])
    digging = "import os\nfor _ in range(1200): os.mkdir('d'); os.chdir('d')"
    confined.agent(f'(cd ~ && python3 -c "{digging}"); {FINISH}')
    assert confined.go().code == 0
    assert not list(Path(tempfile.gettempdir()).glob("harness-*/scratch-*/home/d"))


# --- commits --------------------------------------------------------------------------------------------------------

SIGNER = """#!/bin/sh
cat > /dev/null
echo signed >> "{ran}"
echo "[GNUPG:] SIG_CREATED " >&2
printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nxx\\n-----END PGP SIGNATURE-----\\n'
"""


@needs_bwrap
@in_the_sandbox
def test_a_commit_is_made_inside_and_signed_outside(confined: Any, tmp_path: Path) -> None:
    signer, ran = tmp_path / "signer", tmp_path / "ran"
    signer.write_text(SIGNER.format(ran=ran))
    signer.chmod(0o755)
    confined.spec("hello")
    confined.repository()
    for key, value in (("commit.gpgsign", "true"), ("gpg.program", str(signer)), ("core.hooksPath", ".husky")):
        confined.git("config", key, value)
    hook = f"#!/bin/sh\\nif test -e {tmp_path}/signer; then echo outside; else echo inside; fi > hook.txt"
    confined.agent(f"mkdir .husky; printf '{hook}\\n' > .husky/pre-commit; chmod +x .husky/pre-commit; {FINISH}")
    ran_to_end = confined.go()
    assert ran_to_end.code == 0, ran_to_end.text
    assert (confined.root / "hook.txt").read_text() == "inside\n"
    commit = confined.git("cat-file", "commit", "HEAD")
    assert ("gpgsig" in commit, ran.read_text(), "a tester" in commit) == (True, "signed\n", True)
    assert confined.git("show", "-s", "--format=%s").startswith("hello: finished")


@needs_bwrap
@in_the_sandbox
def test_a_commit_that_cannot_be_signed_stands_and_is_told(confined: Any) -> None:
    confined.spec("hello")
    confined.repository()
    for key, value in (("commit.gpgsign", "true"), ("gpg.program", "/bin/false")):
        confined.git("config", key, value)
    confined.agent(FINISH)
    ran = confined.go()
    assert (ran.code, confined.git("rev-list", "--count", "HEAD")) == (0, "2")
    assert "hello: committed, but not signed: " in ran.text


def test_why_git_does_not_serve_is_told_in_its_own_words(world: Any) -> None:
    world.spec("a", checks="true")
    world.agent('echo "a note that is long enough to count as one" >> $log; echo done > $done')
    world.repository()
    (world.root / ".git/config").write_text("[core\n")
    ran = world.run()
    assert (ran.code, [line for line in ran.lines if line.startswith("commits: ")]) == (
        0, ["commits: off: git says: fatal: bad config line 1 in file .git/config"]
    )  # fmt: skip


# --- what others run of an agent's ----------------------------------------------------------------------------------

FORGE = """
mkdir -p evil
cp -r .git/objects .git/refs evil/ 2>/dev/null
printf '[core]\\n\\tfsmonitor = %s\\n[commit]\\n\\tgpgsign = true\\n[gpg]\\n\\tprogram = %s\\n' \\
  "$PWD/evil.sh" "$PWD/evil.sh" > evil/config
printf '#!/bin/sh\\ntouch {ran}\\nexit 1\\n' > evil.sh; chmod +x evil.sh
echo ../evil > .git/commondir
ln -s {home} .mcp.json
"""
FORGED = (".git/commondir", ".mcp.json")


def forger(tmp_path: Path, where: str) -> str:
    """Shell code of an agent that writes a script, which forges a repository and a link when somebody else runs it."""
    script = FORGE.format(ran=tmp_path / "ran", home=tmp_path / "home")
    written = f"cat > {where} <<'THE_END'\n#!/bin/sh\n{script}\nexit 0\nTHE_END\n"
    return f"mkdir -p $(dirname {where}); {written}chmod +x {where}"


def standing(world: Any) -> list[str]:
    return [name for name in FORGED if os.path.lexists(world.root / name)]


@needs_bwrap
@in_the_sandbox
@pytest.mark.parametrize("by", ["a check", "a hook"])
def test_what_a_check_or_a_hook_forges_is_set_aside(confined: Any, tmp_path: Path, by: str) -> None:
    confined.spec("hello", checks=["sh check.sh" if by == "a check" else "test -f made.txt"])
    (confined.root / ".gitignore").write_text("evil*\n.mcp.json\nlogs/\nspecs/\n")
    confined.repository()
    confined.git("config", "core.hooksPath", ".husky")
    where = "check.sh" if by == "a check" else ".husky/post-commit"
    confined.agent(f"{forger(tmp_path, where)}\n{FINISH}")
    ran = confined.go()
    assert (ran.code, standing(confined)) == (0, []), ran.text
    assert {event["marker"] for event in confined.events("foreign")} == set(FORGED)
    confined.spec("other")
    confined.git("config", "core.hooksPath", ".none")
    confined.agent(f"test -e .mcp.json && note it is mounted; {FINISH}; echo more > more.txt")
    assert confined.go().code == 0
    assert ((tmp_path / "ran").exists(), "mounted" in confined.log("other.log")) == (False, False)


@needs_bwrap
@in_the_sandbox
def test_what_a_check_forges_when_it_is_run_again_is_set_aside(confined: Any, tmp_path: Path) -> None:
    confined.spec("hello", checks=["sh check.sh"])
    confined.repository()
    confined.agent(f"echo true > check.sh; {FINISH}")
    assert confined.go().code == 0
    script = FORGE.format(ran=tmp_path / "ran", home=tmp_path / "home")
    (confined.root / "check.sh").write_text(script)
    confined.config_file(sandbox="bwrap")
    ran = confined.command("verify", HOME=confined.environment["HOME"], HARNESS_SANDBOX="")
    assert (ran.returncode, standing(confined)) == (0, []), ran.stdout + ran.stderr
    assert {event["marker"] for event in confined.events("foreign")} == set(FORGED)
    assert (confined.root / "logs/.kept/foreign/.mcp.json").is_symlink()


@needs_bwrap
@in_the_sandbox
@pytest.mark.parametrize("to", ["a home", "a process", "itself", "a folder of the project"])
def test_a_guarded_path_that_is_a_link_is_not_mounted(confined: Any, tmp_path: Path, to: str) -> None:
    (tmp_path / "home/secret").write_text(SECRET)
    leads = {"a home": tmp_path / "home/secret", "a process": "/proc/2/status", "itself": ".mcp.json"}
    (confined.root / ".mcp.json").symlink_to(leads.get(to, "logs"))
    (confined.root / ".claude").symlink_to(tmp_path / "home")
    confined.spec("hello")
    look = f"grep -s {SECRET} .mcp.json .claude/secret || cat .mcp.json/journal.jsonl"
    confined.agent(f"({look}) > /dev/null 2>&1 && note it can be read; {FINISH}")
    ran = confined.go(sandbox="auto")
    assert (ran.code, "sandbox: bwrap" in ran.text) == (0, True), ran.text
    assert "can be read" not in confined.log("hello.log")


@needs_bwrap
@in_the_sandbox
def test_walls_that_cannot_be_built_here_alone_leave_nobody_unconfined(
    confined: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    describe = gate.find_mounts

    def with_one_too_many(*given: Any, **named: Any) -> Mounts:
        mounts = describe(*given, **named)
        return replace(mounts, protected=(*mounts.protected, Path("/proc/2/nothing")))

    monkeypatch.setattr(gate, "find_mounts", with_one_too_many)
    confined.spec("hello")
    confined.agent(FINISH)
    with pytest.raises(AgentError, match=r"cannot be built around this project.*/proc/2/nothing"):
        confined.go(sandbox="auto")
    assert not confined.has("made.txt")


@needs_bwrap
@in_the_sandbox
def test_the_folders_above_the_logs_stay_where_they_are(confined: Any, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    confined.spec("hello")
    confined.agent(f"mv build build.old && mkdir build && ln -s {outside} build/harness; {FINISH}")
    ran = confined.go(logs_dir="build/harness", max_iterations="1")
    assert (list(outside.iterdir()), (confined.root / "build/harness").is_symlink()) == ([], False), ran.text
    assert (confined.root / "build/harness/journal.jsonl").exists()


def worktrees(world: Any, tmp_path: Path) -> Path:
    """Make the project a worktree beside another one; returns where their repository keeps what is theirs."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.invalid", "-C", tmp_path / "main"]
    subprocess.run(["git", "init", "-q", tmp_path / "main"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    for name in ("mine", "other"):
        subprocess.run([*git, "worktree", "add", "-q", tmp_path / name], check=True)
    shutil.move(tmp_path / "mine/.git", world.root / ".git")
    admin = (tmp_path / "main/.git/worktrees").resolve()
    (admin / "mine/gitdir").write_text(f"{world.root}/.git\n")
    for key, value in (("user.name", "a tester"), ("user.email", "t@example.invalid")):
        subprocess.run([*git, "config", key, value], check=True)
    (world.root / ".gitignore").write_text("logs/\n")
    world.git("add", "-A")
    world.git("commit", "-q", "-m", "start")
    return admin


@needs_bwrap
@in_the_sandbox
def test_a_worktree_says_nothing_of_where_others_are(confined: Any, tmp_path: Path) -> None:
    confined.spec("hello", checks=["test -f made.txt"])
    admin = worktrees(confined, tmp_path)
    names = [admin / name for name in ("mine/gitdir", "mine/commondir", "other/gitdir", "other/commondir")]
    before = [name.read_text() for name in names]
    tries = "; ".join(f"echo evil > {name}; mv {name} {name}.old" for name in names)
    confined.agent(f"({tries}; mv {admin}/other {admin}/third; mv {admin} {admin}.old) 2>/dev/null; {FINISH}")
    ran = confined.go()
    assert (ran.code, [name.read_text() for name in names]) == (0, before), ran.text
    assert confined.git("show", "--name-only", "--format=") == "made.txt"


def test_what_other_worktrees_keep_is_held_in_the_main_one_too(tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.invalid", "-C", tmp_path / "main"]
    subprocess.run(["git", "init", "-q", tmp_path / "main"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    subprocess.run([*git, "worktree", "add", "-q", tmp_path / "side"], check=True)
    root = (tmp_path / "main").resolve()
    (root / "specs").mkdir()
    config = load_config(root, {"agent": "scripted"}, {})
    mounts = find_mounts(config, {"PATH": "/usr/bin"}, root=root, home=tmp_path / "home")
    assert {root / ".git/worktrees/side", root / ".git/config", root / "specs"} <= set(mounts.protected)


# --- links that lead round and round --------------------------------------------------------------------------------


def test_links_that_lead_nowhere_end_no_look(place: Paths) -> None:
    (place.root / ".venv").mkdir()
    (place.root / ".venv/bin").symlink_to("bin")
    for number in range(1500):
        (place.root / f"{number}").symlink_to(f"{number + 1}")
    for name in ("bin", "0"):
        environ = {"PATH": f"{place.root}/.venv/{name}:{place.root}/0", "VIRTUAL_ENV": f"{place.root}/0"}
        find_tools(environ, Path("/nonexistent"), place.root)
        find_tools(environ, Path("/nonexistent"), place.root / "elsewhere")
    for forged in ("gitdir: .venv/bin/x", "gitdir: 0", "gitdir: a\0b"):
        (place.root / ".git").write_text(forged)
        assert find_git(place.root) == (place.root, [])
    (place.root / ".mcp.json").symlink_to(".mcp.json")
    (place.root / "specs").symlink_to("specs")
    config = replace(load_config(place.root, {"agent": "scripted"}, {}), paths=place)
    mounts = find_mounts(config, {}, root=place.root, home=Path("/nonexistent"))
    assert not [path for path in mounts.protected if path.name in (".mcp.json", "specs")]


# --- a run that was killed ------------------------------------------------------------------------------------------


@needs_bwrap
@in_the_sandbox
def test_a_forged_repository_of_a_killed_run_costs_no_claim(confined: Any, tmp_path: Path) -> None:
    confined.spec("hello", checks=["test -f made.txt"])
    confined.repository()
    confined.agent(
        f"{FINISH}; echo ../evil > .git/commondir; ln -s /proc/2/status .mcp.json; touch ready; exec sleep 1000"
    )
    confined.config_file(sandbox="bwrap")
    confined.git("add", "-A")
    confined.git("commit", "-q", "-m", "settings")
    home = {"HOME": confined.environment["HOME"], "HARNESS_SANDBOX": ""}
    run = confined.start("run", **home)
    wait_until_ready(confined, run)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    ran = confined.command("run", **home)
    assert (ran.returncode, standing(confined), confined.outcomes()) == (0, [], ["done"]), ran.stdout + ran.stderr
    assert {event["marker"] for event in confined.events("foreign")} == set(FORGED)
    assert "`.git/commondir` appeared during attempt 1 of hello, which was cut off" in ran.stdout + ran.stderr
