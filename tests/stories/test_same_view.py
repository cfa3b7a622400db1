"""What a person has and a sandbox does not show: it is let in, or told in the evening; never passed over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.forks import Forked
from helpers.marks import in_short
from helpers.world import CLAIM, PRELUDE, World

from harness.domain.errors import AgentError

MAKE = f"echo x > a.txt; {CLAIM}"
ME = "[user]\n\tname = me\n\temail = me@example.com\n"


@pytest.fixture
def mine(confined: Any, tmp_path: Path) -> Any:
    """A confined world with a repository, whose person is whoever their home says."""
    confined.spec("a", checks=["test -f a.txt"])
    confined.agent(MAKE)
    confined.repository()
    for name in [name for name in confined.environment if name.startswith(("GIT_", "XDG_"))]:
        del confined.environment[name]
    confined.home = tmp_path / "home"
    return confined


IDENTITIES = {
    "include": ("[include]\n\tpath = ~/id.inc\n", "id.inc", {}),
    "condition": ('[includeIf "gitdir:/"]\n\tpath = ~/id.inc\n', "id.inc", {}),
    "XDG_CONFIG_HOME": ("", "xdg/git/config", {"XDG_CONFIG_HOME": "{home}/xdg"}),
    "GIT_CONFIG_GLOBAL": ("", "elsewhere", {"GIT_CONFIG_GLOBAL": "{home}/elsewhere"}),
    "variables": ("", "nothing", {
        "GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "me",
        "GIT_CONFIG_KEY_1": "user.email", "GIT_CONFIG_VALUE_1": "me@example.com",
    }),
}  # fmt: skip


@pytest.mark.deep
@pytest.mark.parametrize("where", in_short(IDENTITIES.keys(), "condition"))
def test_a_commit_has_the_identity_that_git_has_outside(mine: Any, where: str) -> None:
    text, name, variables = IDENTITIES[where]
    (mine.home / ".gitconfig").write_text(text)
    (mine.home / name).parent.mkdir(parents=True, exist_ok=True)
    (mine.home / name).write_text(ME)
    mine.environment |= {key: value.format(home=mine.home) for key, value in variables.items()}
    ran = mine.go()
    assert (ran.code, mine.git("log", "-1", "--format=%an <%ae>")) == (0, "me <me@example.com>"), ran.text


@pytest.mark.deep
def test_a_variable_wins_over_the_repository_inside_as_well(mine: Any) -> None:
    (mine.home / ".gitconfig").write_text(ME)
    mine.git("config", "user.email", "local@example.com")
    mine.environment |= {
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.email", "GIT_CONFIG_VALUE_0": "said@example.com"
    }  # fmt: skip
    assert mine.go().code == 0
    assert mine.git("log", "-1", "--format=%ae") == "said@example.com"


@pytest.mark.deep
def test_a_secret_scan_in_the_home_refuses_a_commit(mine: Any) -> None:
    hook(mine.home / ".githooks/pre-commit", "echo a secret >&2; exit 1")
    (mine.home / ".githooks/.token").write_text("decoy")
    (mine.home / ".gitconfig").write_text(f"{ME}[core]\n\thooksPath = ~/.githooks\n")
    mine.agent(f"grep decoy {mine.home}/.githooks/.token && note saw it; {MAKE}")
    ran = mine.go(max_iterations=1)
    assert "claimed done, but `git commit` failed" in ran.text
    assert "a secret" in mine.log("journal.jsonl")
    assert (mine.git("log", "--format=%s"), "saw it" in mine.log("a.log")) == ("begin", False)


@pytest.mark.deep
def test_a_folder_without_hooks_is_not_shown_whatever_git_is_told(mine: Any) -> None:
    (mine.home / ".ssh").mkdir()
    (mine.home / ".ssh/id").write_text("decoy")
    (mine.home / ".gitconfig").write_text(ME)
    mine.git("config", "core.hooksPath", str(mine.home / ".ssh"))
    mine.agent(f"test -e {mine.home}/.ssh && note saw it; {MAKE}")
    mine.go()
    assert "saw it" not in mine.log("a.log")


@pytest.mark.deep
def test_hooks_of_git_that_cannot_be_shown_are_told(mine: Any) -> None:
    hook(mine.home / "pre-commit", "exit 1")
    (mine.home / ".gitconfig").write_text(f"{ME}[core]\n\thooksPath = ~\n")
    said = f"git's hooks in `{mine.home}` are not there inside: commits are made without them"
    assert f"{said}; `sandbox_read` lets them in" in mine.go().lines
    assert said in doctor(mine)


@pytest.mark.deep
def test_nobody_is_a_person_is_told_at_the_start_and_by_doctor(mine: Any) -> None:
    (mine.home / ".gitconfig").write_text("[user]\n\tuseConfigOnly = true\n")
    ran = mine.go(max_iterations=1)
    assert "git cannot commit here: Committer identity unknown" in ran.text
    assert "fail  commits: git says: Author identity unknown" in doctor(mine)


@pytest.mark.deep
def test_why_git_fails_is_told_in_its_own_words(mine: Any) -> None:
    (mine.home / ".gitconfig").write_text(ME)
    (mine.root / ".git/index").write_text("garbage")
    assert "commits: off: git says: fatal: .git/index: index file smaller than expected" in mine.go().lines
    assert "fail  git: git says: fatal: .git/index: index file smaller than expected" in doctor(mine)


@pytest.mark.deep
def test_a_filter_that_is_missing_inside_is_found_by_doctor(mine: Any) -> None:
    hook(mine.home / "tools/clean", "cat")
    (mine.home / ".gitconfig").write_text(f'{ME}[filter "x"]\n\tclean = {mine.home}/tools/clean\n\trequired = true\n')
    (mine.root / ".gitattributes").write_text("*.txt filter=x\n")
    subprocess.run(["git", "add", ".gitattributes"], cwd=mine.root, check=True)
    mine.git("commit", "-qm", "attributes")
    assert "cannot run" in doctor(mine)
    assert "sandbox_read" in doctor(mine)
    assert "ok    commits" in doctor(mine, HARNESS_SANDBOX_READ=str(mine.home / "tools"))


def test_doctor_makes_a_real_commit_that_leaves_nothing(mine: Any) -> None:
    (mine.home / ".gitconfig").write_text(ME)
    before = mine.git("count-objects", "-v"), mine.git("for-each-ref")
    assert "ok    commits: a trial commit in a scratch clone was made as me <me@example.com>" in doctor(mine)
    hook(mine.root / ".git/hooks/commit-msg", "echo no trailers please >&2; exit 1")
    assert "was refused: no trailers please" in doctor(mine)
    assert (mine.git("count-objects", "-v"), mine.git("for-each-ref")) == before
    assert mine.git("status", "--porcelain") == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take a project over")
@pytest.mark.deep
def test_a_project_that_root_may_not_write_inside_begins_no_attempt(mine: Any) -> None:
    give_away(mine)
    mine.config_file(sandbox="bwrap")
    ran = mine.command("run", **around(mine))
    assert (ran.returncode, mine.has("logs/attempts")) == (2, False)
    assert "nothing can be written in the project inside the sandbox" in ran.stderr
    assert "fail  sandbox: nothing can be written" in doctor(mine)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take a repository over")
@pytest.mark.deep
def test_a_repository_that_a_variable_calls_safe_is_tried_as_any_other(mine: Any) -> None:
    (mine.home / ".gitconfig").write_text(ME)
    os.chown(mine.root / ".git", 65534, 65534)
    for folder, _, _ in os.walk(mine.root / ".git"):
        os.chmod(folder, 0o777)  # noqa: PTH101
    safe = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": str(mine.root)}
    assert "ok    commits: a trial commit in a scratch clone was made as me <me@example.com>" in doctor(mine, **safe)


def give_away(mine: Any) -> None:
    """Give the project to another user, whom git trusts."""
    (mine.home / ".gitconfig").write_text(f"{ME}[safe]\n\tdirectory = *\n")
    for folder, _, names in os.walk(mine.root):
        for name in (".", *names):
            os.chown(Path(folder, name), 65534, 65534)


# --- Claude Code's hooks and servers ----------------------------------------------------------------------------------


@pytest.fixture
def hooked(mine: Any) -> Any:
    """A person whose Claude Code, of a few lines of shell, runs a guard before it works, and a helper of the guard."""
    work = f'$HOME/.claude/hooks/guard.sh || {{ note "refused"; exit 1; }}; {MAKE}; echo \'{{"type": "result"}}\''
    hook(mine.home / "bin/claude", f'[ "$1" = --version ] && {{ echo 2.1.329; exit; }}\n{PRELUDE}{work}')
    hook(mine.home / ".claude/hooks/guard.sh", '. "$HOME/.claude/hooks/lib.sh"; touch guarded')
    hook(mine.home / ".claude/hooks/lib.sh", "true")
    name_hook(mine.home / ".claude/settings.json", "~/.claude/hooks/guard.sh")
    (mine.home / ".gitconfig").write_text(ME)
    mine.settings = {"sandbox": "bwrap", "agent": "claude"}
    mine.environment |= {
        "PATH": f"{mine.home}/bin:{os.environ['PATH']}", "IS_SANDBOX": "1", "ANTHROPIC_API_KEY": "key-of-a-test-0123456"
    }  # fmt: skip
    return mine


@pytest.mark.deep
def test_a_guard_of_the_persons_runs_inside_with_what_lies_beside_it(hooked: Any) -> None:
    ran = hooked.go(max_iterations=1)
    assert hooked.has("guarded"), ran.text
    assert hooked.outcomes() == ["done"], ran.text


@pytest.mark.deep
def test_without_a_guard_that_cannot_be_shown_no_attempt_begins(hooked: Any) -> None:
    hook(hooked.home / ".ssh/guard.sh", "true")
    name_hook(hooked.home / ".claude/settings.json", f"sh {hooked.home}/.ssh/guard.sh")
    with pytest.raises(AgentError) as caught:
        hooked.go()
    named = f"needs `{hooked.home}/.ssh/guard.sh`, which the sandbox does not show"
    assert caught.value.message == f"hook PreToolUse of ~/.claude/settings.json {named}"
    hooked.go(max_iterations=1, sandbox_read=[str(hooked.home / ".ssh/guard.sh")])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take a project over")
@pytest.mark.deep
def test_where_no_agent_works_inside_nobody_has_to_write_there(hooked: Any) -> None:
    program = hooked.home / "bin/claude"
    program.write_text(
        program.read_text().replace("#!/bin/sh\n", '#!/bin/sh\n[ "$(uname -n)" != sandbox ] || exit 1\n')
    )
    give_away(hooked)
    ran = hooked.go(sandbox="auto", max_iterations=1)
    assert hooked.outcomes() == ["done"], ran.text


@pytest.mark.deep
def test_a_server_that_a_project_names_in_the_home_is_told(hooked: Any) -> None:
    hook(hooked.home / "tools/server", "true")
    server = {"mcpServers": {"notes": {"command": str(hooked.home / "tools/server")}}}
    (hooked.root / ".mcp.json").write_text(json.dumps(server))
    said = f"MCP server notes needs `{hooked.home}/tools/server`, which the sandbox does not show"
    assert f"{said}; `sandbox_read` lets it in" in hooked.go(max_iterations=1).lines


def name_hook(settings: Path, command: str) -> None:
    """Write settings of Claude Code with one hook."""
    groups = [{"matcher": "Bash", "hooks": [{"type": "command", "command": command}]}]
    settings.write_text(json.dumps({"hooks": {"PreToolUse": groups}}))


# --- the run's own output, and its own HALT ---------------------------------------------------------------------------


@pytest.mark.deep
@pytest.mark.parametrize(
    "line",
    in_short(
        ["harness run > night.out 2>&1", "harness run 2>&1 | cat | tee night.out"],
        "harness run 2>&1 | cat | tee night.out",
    ),
)
def test_the_file_that_a_run_is_redirected_into_is_no_change(world: World, line: str) -> None:
    world.spec("a", checks=["test -f a.txt"])
    world.agent(MAKE)
    world.config_file()
    world.repository()
    bin_ = Path(sys.executable).parent
    subprocess.run(
        ["/bin/sh", "-c", line], cwd=world.root, env={**world.environ, "PATH": f"{bin_}:{os.environ['PATH']}"},
        stdout=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert "commits: one for each proven feature" in (world.root / "night.out").read_text()
    assert world.git("show", "--name-only", "--format=%s").split() == ["a:", "finished", "a", "a.txt"]


def test_a_halt_of_harness_itself_lets_nobody_finish(world: World) -> None:
    world.spec("a")
    world.agent('note tried; echo "BLOCKED: which?" >> "$log"')
    ran = world.run()
    assert (ran.code, world.has("HALT"), "HALT seen" in ran.text) == (4, True, False)


# --- helpers ----------------------------------------------------------------------------------------------------------


def hook(path: Path, code: str) -> None:
    """Write a small program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{code}\n")
    path.chmod(0o755)


def around(mine: Any) -> dict[str, str]:
    """Return what the person's environment holds."""
    return {"HOME": str(mine.home), "HARNESS_SANDBOX": "bwrap"}


def doctor(mine: Any, **environ: str) -> str:
    """Return what doctor says."""
    script = str(mine.root.parent / "agent.sh")
    chosen = {"HARNESS_AGENT": "command", "HARNESS_COMMAND": f"/bin/sh {script}", **environ}
    return Forked(["doctor"], mine.root, {**mine.environment, **around(mine), **chosen}).communicate()[0]
