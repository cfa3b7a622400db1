"""Runs in the sandbox: work still works, and what an agent planted is obeyed by nobody."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from helpers.marks import needs_bwrap
from helpers.waiting import wait_until_ready
from helpers.world import FINISH, SECRET

from harness.agents.table import all_agents
from harness.domain.errors import AgentError, ConfigError
from harness.system.shipped import shipped_template
from harness.workspace.quarantine import find_absent


def test_a_confined_attempt_becomes_a_receipt_and_a_commit(confined: Any) -> None:
    confined.spec("hello", checks=["test -f made.txt", 'test -z "$(ls logs)"'])
    confined.repository()
    confined.agent(FINISH)
    ran = confined.go()
    assert (ran.code, confined.outcomes()) == (0, ["done"]), ran.text
    assert confined.log("hello.log") == "did hello, and this makes the note long enough to count\n"
    assert confined.log("learnings.md") == "- 2026-11-21: a lesson\n"
    assert confined.log("hello.done").startswith("finished\n")
    assert confined.git("show", "--name-only", "--format=") == "made.txt"
    assert "sandbox: bwrap: agents and checks see only this project and their tools, with your network" in ran.lines


def test_a_check_is_confined_too(confined: Any, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("")
    confined.spec("hello", checks=[f"test ! -e {tmp_path}/outside"])
    confined.agent(FINISH)
    assert confined.go().code == 0


def test_a_file_that_would_be_obeyed_outside_is_set_aside(confined: Any) -> None:
    confined.spec("hello")
    confined.repository()
    confined.agent(
        "mkdir -p .claude; echo '{\"hooks\": {}}' > .claude/settings.json; echo 'sandbox: none' > harness.yaml;"
        f"echo ../evil > .git/commondir; {FINISH}"
    )
    ran = confined.go()
    assert ran.code == 0, ran.text
    assert not any(confined.has(name) for name in (".claude/settings.json", "harness.yaml", ".git/commondir"))
    assert {event["marker"] for event in confined.events("foreign")} == {
        ".claude", "harness.yaml", ".git/commondir"
    }  # fmt: skip
    assert confined.log("attempts/hello/0001/foreign/harness.yaml.quarantined") == "sandbox: none\n"


def test_the_marker_of_another_feature_is_nobodys_claim(confined: Any) -> None:
    confined.spec("hello")
    confined.spec("other")
    confined.agent(f"echo mine, $PAY_TOKEN > $logs/other.done; {FINISH}")
    confined.environment |= {"PAY_TOKEN": "q8Zr7Lm2-x9-not-for-logs", "HARNESS_ENV_PASS": "PAY_TOKEN"}
    ran = confined.go("hello")
    assert (ran.code, confined.has("logs/other.done")) == (0, False)
    assert confined.log("attempts/hello/0001/foreign/other.done") == "mine, [redacted PAY_TOKEN]\n"
    assert "hello: `other.done` was left in logs/; it is quarantined in logs/attempts/hello/0001/foreign" in ran.lines


@pytest.mark.deep
def test_a_term_reaches_the_agent_itself(confined: Any) -> None:
    confined.spec("hello")
    confined.agent('trap "note heard the TERM; exit 0" TERM; while :; do sleep 0.05; done')
    ran = confined.go(timeout="0.7s", max_iterations="1")
    assert (confined.outcomes(), confined.log("hello.log")[:14]) == (["timed_out"], "heard the TERM"), ran.text


@pytest.mark.deep
def test_strays_are_counted_without_bwrap_itself(confined: Any) -> None:
    confined.spec("hello")
    confined.agent(f"setsid sleep 1000 & setsid sleep 1000 & {FINISH}")
    confined.go()
    assert confined.events("attempt_ended")[0]["strays"] == 2


@pytest.mark.deep
def test_what_a_killed_run_left_in_the_cell_is_judged_at_the_next_start(confined: Any) -> None:
    confined.spec("hello", checks=["test -f made.txt"])
    confined.agent(f"{FINISH}; touch ready; exec sleep 1000")
    confined.config_file(sandbox="bwrap")
    home = {"HOME": confined.environment["HOME"], "HARNESS_SANDBOX": ""}
    run = confined.start("run", **home)
    wait_until_ready(confined, run)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    assert not confined.has("logs/hello.done")
    ran = confined.command("run", **home)
    assert ran.returncode == 0, ran.stderr
    assert confined.outcomes() == ["done"]
    assert confined.log("hello.log").count("did hello") == 1


@pytest.mark.deep
def test_settings_that_a_cut_off_attempt_left_are_not_obeyed(confined: Any) -> None:
    confined.spec("hello")
    confined.agent("echo 'sandbox: none' > harness.yaml; touch ready; exec sleep 1000")
    flags = ("run", "--agent", "command", "--sandbox", "bwrap")
    home = {"HOME": confined.environment["HOME"], "HARNESS_COMMAND": shlex.join(confined.settings["command"])}
    run = confined.start(*flags, **home)
    wait_until_ready(confined, run)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    ran = confined.command(*flags, **home)
    assert (ran.returncode, confined.has("harness.yaml")) == (2, False)
    assert "`harness.yaml` appeared during attempt 1 of hello, which was cut off" in ran.stderr


@pytest.mark.deep
def test_memory_is_bounded_where_that_is_asked_for(confined: Any) -> None:
    confined.spec("hello")
    confined.agent("if dd if=/dev/null of=/dev/null bs=1G count=1 2>/dev/null; then note plenty; else note bounded; fi")
    confined.go(max_iterations="1")
    confined.go(max_iterations="1", sandbox_memory="512M")
    assert [line.split(",")[0] for line in confined.log("hello.log").splitlines()] == ["plenty", "bounded"]


def test_specs_behind_a_link_are_held_too(confined: Any) -> None:
    confined.spec("hello")
    (confined.root / "specs").rename(confined.root / "wanted")
    (confined.root / "specs").symlink_to("wanted")
    confined.agent(f'(echo planted >> wanted/hello/spec.md) 2>/dev/null && note "edited it"; {FINISH}')
    assert confined.go().code == 0
    assert "planted" not in (confined.root / "wanted/hello/spec.md").read_text()


def test_what_is_absent_is_looked_for_where_it_would_be_obeyed(tmp_path: Path) -> None:
    (tmp_path / "harness.yaml").write_text("")
    (tmp_path / ".git").mkdir()
    absent = find_absent(tmp_path, all_agents().guarded)
    assert str(tmp_path / "harness.yaml") not in absent
    assert {str(tmp_path / name) for name in (".mcp.json", ".git/commondir", ".git/hooks")} <= set(absent)


@pytest.mark.deep
@needs_bwrap
def test_a_link_to_the_home_costs_the_person_nothing(confined: Any, tmp_path: Path) -> None:
    mine = tmp_path / "home/.claude/settings.json"
    mine.parent.mkdir()
    mine.write_text("{}")
    confined.spec("hello")
    confined.agent(f"ln -s {mine.parent} .claude; {FINISH}")
    assert confined.go().code == 0
    assert (mine.read_text(), os.path.lexists(confined.root / ".claude")) == ("{}", False)
    assert [event["marker"] for event in confined.events("foreign")] == [".claude"]


@needs_bwrap
@pytest.mark.deep
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


@needs_bwrap
@pytest.mark.deep
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
@pytest.mark.deep
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


def test_no_word_of_a_line_lets_a_file_in_but_those_that_trust_asks_about(confined: Any, tmp_path: Path) -> None:
    """A model is a word of the agent's line, and a check's text is one of the shell's."""
    key = tmp_path / "home/key"
    key.write_text("of a person")
    codex = tmp_path / "tools/codex"
    codex.parent.mkdir()
    codex.write_text(f'#!/bin/sh\ncat "{key}" > seen\necho "$*" >> seen\n')
    codex.chmod(0o755)
    confined.environment["PATH"] = f"{codex.parent}:{os.environ['PATH']}"
    confined.spec("hello", agent="codex", model=str(key), checks=[str(key)])
    confined.go(max_iterations=1, model=str(key), permission_mode=str(key), setting_sources=str(key))
    seen = (confined.root / "seen").read_text()
    assert (str(key) in seen, "of a person" in seen) == (True, False)


@pytest.mark.deep
def test_a_program_on_path_that_an_agent_made_a_link_lets_nothing_in(confined: Any, tmp_path: Path) -> None:
    other = tmp_path / "other/node_modules/priv"
    other.mkdir(parents=True)
    (other / "cli.js").write_text(f"#!/bin/sh\ncat {other}/key\n")
    (other / "cli.js").chmod(0o755)
    (other / "key").write_text("of a person")
    (confined.root / "bin").mkdir()
    (confined.root / "bin/mine").symlink_to("../../other/node_modules/priv/cli.js")
    confined.environment["PATH"] = f"{confined.root}/bin:{os.environ['PATH']}"
    confined.spec("hello")
    for words in (["mine"], ["/bin/sh", "-c", f"cat {other}/key > seen"]):
        confined.settings |= {"agent": "command", "command": words}
        try:
            confined.go(max_iterations=1)
        except AgentError:
            continue
    assert "of a person" not in "".join(one.read_text() for one in confined.root.rglob("s*") if one.is_file())


@pytest.mark.deep
def test_no_program_that_an_agent_wrote_is_run_outside(confined: Any, tmp_path: Path) -> None:
    """Neither from the project nor from a folder of `sandbox_write`, though they come first on PATH."""
    home, names = tmp_path / "home", "bwrap git cat systemd-inhibit gpg"
    bins = (home / "tools/bin", confined.root / "bin")
    for folder in bins:
        folder.mkdir(parents=True)
    confined.environment["PATH"] = ":".join((*map(str, bins), os.environ["PATH"]))
    program = f'#!/bin/sh\\ntouch {home}/ran-$name\\nexec /usr/bin/$name \\"\\$@\\"\\n'
    plant = f'printf "{program}" > $bin/$name; chmod +x $bin/$name'
    confined.agent(f"for bin in {bins[0]} {bins[1]}; do for name in {names}; do {plant}; done; done; {FINISH}")
    for slug in ("a", "b"):
        confined.spec(slug, checks=["test -f made.txt"])
    confined.repository()
    for slug in ("a", "b"):
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("HOME", str(home))
            confined.go(slug, sandbox_write="~/tools", inhibit_sleep="auto")
    assert sorted(one.name for one in bins[0].iterdir()) == sorted(names.split())
    assert list(home.glob("ran-*")) == []


@pytest.mark.deep
def test_a_command_and_a_script_outside_are_let_in_as_they_were_when_the_run_began(
    confined: Any, tmp_path: Path
) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "key").write_text("of a person")
    (confined.root / "link").symlink_to("../mine")
    confined.agent(f'cat link > "seen$HARNESS_ATTEMPT"; ln -sfn {tmp_path}/key link; note "$HARNESS_ATTEMPT"')
    confined.settings["command"] = [*confined.settings["command"], "link"]
    confined.spec("hello")
    confined.go(max_iterations=2)
    assert [(confined.root / f"seen{number}").read_text() for number in (1, 2)] == ["mine", ""]


@pytest.mark.deep
def test_a_folder_beside_the_project_is_let_in_as_it_is_named(confined: Any, tmp_path: Path) -> None:
    for name in ("shared", "written"):
        (tmp_path / name).mkdir()
    (tmp_path / "shared/file").write_text("shared")
    (confined.root / "link").symlink_to("../elsewhere")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/key").write_text("of a person")
    confined.agent(f"cat ../shared/file > ../written/file; ls {tmp_path}/elsewhere > listed; {FINISH}")
    confined.spec("hello")
    confined.go(sandbox_read=["../shared", "link", "../project/link"], sandbox_write=["../written"])
    assert ((tmp_path / "written/file").read_text(), (confined.root / "listed").read_text()) == ("shared", "")


@pytest.mark.deep
def test_a_hook_is_told_what_git_needs_and_no_other_word_of_the_persons(confined: Any) -> None:
    confined.spec("hello", checks=["test -f made.txt"])
    confined.repository()
    hook = confined.root / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\nenv > seen\n")
    hook.chmod(0o755)
    keys = ("GIT_TOKEN", "GIT_PASSWORD", "GIT_CONFIG_PARAMETERS", "GIT_HTTP_EXTRAHEADER", "SSH_AUTH_SOCK")
    confined.environment |= dict.fromkeys(keys, f"'http.extraheader=Authorization: Basic {SECRET}'")
    confined.agent(FINISH)
    assert confined.go().code == 0
    seen = (confined.root / "seen").read_text()
    assert (SECRET in seen, "GIT_AUTHOR_NAME=a tester" in seen) == (False, True)


@pytest.mark.deep
def test_git_fetches_nothing_that_is_missing_by_a_program_of_the_repository(confined: Any, tmp_path: Path) -> None:
    confined.spec("hello")
    (confined.root / "leak").write_text("what was")
    confined.repository()
    blob = confined.git("rev-parse", "HEAD:leak")
    (confined.root / ".git/objects" / blob[:2] / blob[2:]).unlink()
    for name, value in {
        "promisor": "true", "url": "../nothere", "uploadpack": f"touch {tmp_path}/ran; git-upload-pack",
    }.items():  # fmt: skip
        confined.git("config", f"remote.origin.{name}", value)
    confined.git("config", "extensions.partialClone", "origin")
    confined.environment |= {"PAY_TOKEN": SECRET}
    confined.agent(f"echo {SECRET} > leak; {FINISH}")
    confined.go(max_iterations=1)
    assert not (tmp_path / "ran").exists()


@pytest.mark.deep
def test_a_link_to_the_specs_or_to_settings_is_as_good_as_they_are(confined: Any) -> None:
    confined.spec("a")
    for name, place, text in (
        ("harness.yaml", "conf/h.yml", "stuck_limit: 3\n"),
        ("templates/prompt.md", "conf/prompt.md", shipped_template("prompt.md").read_text()),
    ):
        (confined.root / place).parent.mkdir(exist_ok=True)
        (confined.root / place).write_text(text)
        (confined.root / name).parent.mkdir(exist_ok=True)
        (confined.root / name).symlink_to(os.path.relpath(confined.root / place, (confined.root / name).parent))
    (confined.root / "docs").mkdir()
    (confined.root / "specs").rename(confined.root / "docs/specs")
    (confined.root / "specs").symlink_to("docs/specs")
    confined.repository()
    evil = "mkdir -p evil/a; echo '# evil' > evil/a/spec.md; rm specs; ln -s evil specs; rm templates/prompt.md"
    confined.agent(f"{evil}; echo evil > templates/prompt.md; for f in conf/*; do echo '# evil' >> $f; done; note hi")
    ran = confined.go(max_iterations=1)
    assert str((confined.root / "specs").readlink()) == "docs/specs"
    assert "a: the link `specs` was changed during the attempt; it is back" in ran.lines
    assert "evil" not in "".join((confined.root / f).read_text() for f in ("conf/h.yml", "templates/prompt.md"))
    assert str((confined.root / "templates/prompt.md").readlink()) == "../conf/prompt.md"


@pytest.mark.deep
def test_a_link_to_the_specs_that_a_killed_run_left_changed_is_put_back(confined: Any) -> None:
    confined.spec("a")
    (confined.root / "specs").rename(confined.root / "real")
    (confined.root / "specs").symlink_to("real")
    confined.agent("note hi")
    confined.go(max_iterations=1)
    journal = confined.root / "logs/journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[: next(n for n, one in enumerate(lines) if b"attempt_began" in one) + 1]))
    (confined.root / "evil/a").mkdir(parents=True)
    (confined.root / "evil/a/spec.md").write_text("# evil\n")
    (confined.root / "specs").unlink()
    (confined.root / "specs").symlink_to("evil")
    with pytest.raises(ConfigError, match=r"the link `specs` was changed during attempt 1 of a, which was cut off"):
        confined.go(max_iterations=1)
    assert str((confined.root / "specs").readlink()) == "real"


def test_a_link_to_the_specs_that_a_check_changes_is_put_back(confined: Any) -> None:
    confined.spec("a", checks=["mkdir -p evil; ln -sfn evil specs; test -f made.txt"])
    (confined.root / "specs").rename(confined.root / "real")
    (confined.root / "specs").symlink_to("real")
    confined.agent(FINISH)
    confined.go(max_iterations=1)
    assert str((confined.root / "specs").readlink()) == "real"
    confined.config_file()
    ran = confined.command("verify", HOME=confined.environment["HOME"], HARNESS_SANDBOX="bwrap")
    assert (ran.returncode, str((confined.root / "specs").readlink())) == (0, "real"), ran.stderr
