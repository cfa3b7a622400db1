"""Trust on the command line: who is asked, what is remembered, and that no command forgets to ask."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.trust import Stranger
from helpers.waiting import PATIENCE
from helpers.world import World

from harness.cli.app import app
from harness.cli.funnel import start

# Commands that act on nothing that a project says outside of it: each has its reason beside it.
FREE = {
    "accept", "allow", "answer", "halt", "rename", "reset", "resume", "undo",  # carry a person's decision into logs/
    "restore",  # writes what git holds, as `undo` does
    "clean",  # forgets what harness keeps
    "attempts", "config", "cost", "diff", "lint", "log", "show", "status", "why",  # read
    "init", "new",  # write what is not there yet
    "chaos", "demo",  # bring a project of their own
    "trust",  # what it is about
}  # fmt: skip
WORDS = {"service": ["install"], "land": ["a"]}


@pytest.fixture
def stranger(world: World, tmp_path: Path) -> Stranger:
    (tmp_path / "home").mkdir()
    made = Stranger(world.root, {}, tmp_path / "home")
    made.spec("a", checks=["touch ran"])
    made.config_file(on_finish="touch ran")
    return made


@pytest.mark.parametrize("name", sorted({one.name or one.callback.__name__ for one in app.registered_commands} - FREE))
def test_a_command_that_is_not_known_to_be_free_needs_trust(stranger: Stranger, name: str) -> None:
    ran = stranger.command(name, *WORDS.get(name, []))
    assert (ran.returncode, stranger.has("ran"), stranger.has("logs")) == (2, False, False)
    assert ran.stderr == (
        "error: this project asks for what reaches outside the sandbox, and you have not trusted it with that:\n"
        "  - `on_finish` runs as you: `touch ran`\n"
        "  - without a sandbox of harness, agents do as you, with all that you may do, what the specs say\n"
        "  - a check runs `touch ran`\n"
        "hint: `harness trust`, if you want that; `--trust` or `HARNESS_TRUST=1` for one command\n"
    )
    assert list(stranger.home.iterdir()) == []


def on_terminal(world: Stranger, answer: str, *words: str) -> tuple[int, str]:
    """Run a command as on a terminal where a person answers; gives its exit code and what it said."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "harness", *words], cwd=world.root, env=world.environ, stdin=theirs, stderr=theirs,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs)
    said = b""
    try:
        while b"[y/N]" not in said:
            said += os.read(ours, 4096)
        os.write(ours, answer.encode())
        while more := os.read(ours, 4096):
            said += more
    except OSError:  # its end of the terminal is closed
        pass
    finally:
        os.close(ours)
    return child.wait(PATIENCE), said.decode()


def test_on_a_terminal_a_person_is_asked_and_a_yes_is_remembered(stranger: Stranger) -> None:
    code, said = on_terminal(stranger, "\n", "dry-run", "--no-checks")
    assert (code, "- `on_finish` runs as you: `touch ran`" in said, "not trusted: nothing was done" in said) == (
        2, True, True
    )  # fmt: skip
    assert on_terminal(stranger, "y\n", "dry-run", "--no-checks")[0] == 0
    assert stranger.command("dry-run", "--no-checks").returncode == 0


def test_trust_shows_remembers_and_forgets(stranger: Stranger) -> None:
    before = stranger.command("trust", "--show", "--json")
    asks = json.loads(before.stdout)["asks"]
    assert (before.returncode, [(one["what"], one["trusted"]) for one in asks]) == (
        1, [("on_finish", False), ("unconfined", False), ("check", False)]
    )  # fmt: skip
    done = stranger.command("trust")
    assert done.stdout.splitlines() == [
        f"`{stranger.root}` asks you to trust it with this:",
        "trusted  `on_finish` runs as you: `touch ran`",
        "trusted  without a sandbox of harness, agents do as you, with all that you may do, what the specs say",
        "trusted  a check runs `touch ran`",
    ]
    after = json.loads(stranger.command("trust", "--show", "--json").stdout)
    assert after["trusted"] and Path(after["file"]).is_relative_to(stranger.home)
    assert "touch" not in Path(after["file"]).read_text()
    assert json.loads(stranger.command("trust", "--forget", "--json").stdout)["trusted"] is False
    assert stranger.command("trust", "--show", "--forget").returncode == 2


def test_where_nothing_can_be_remembered_the_way_out_is_named(stranger: Stranger) -> None:
    ran = stranger.command("trust", HOME="")
    assert ran.returncode == 2
    assert ran.stderr == (
        "error: there is no home folder to remember in what you trust\n"
        "hint: `--trust` or `HARNESS_TRUST=1` trusts it for one command\n"
    )


def test_what_the_project_does_not_ask_for_any_more_is_forgotten(stranger: Stranger) -> None:
    stranger.command("trust")
    stranger.config_file()
    assert stranger.command("trust", "--show").returncode == 0
    stranger.command("trust")
    stranger.config_file(on_finish="touch ran")
    assert stranger.command("trust", "--show").returncode == 1


def test_the_command_that_trusts_is_told_with_the_flags_that_count(stranger: Stranger) -> None:
    ran = stranger.command("dry-run", "--sandbox", "none", "--specs-dir", "specs")
    assert "`harness trust --specs-dir specs --sandbox none`" in ran.stderr


def test_a_project_that_asks_for_nothing_needs_no_trust(stranger: Stranger) -> None:
    stranger.config_file()
    said = stranger.command("trust", HARNESS_SANDBOX="bwrap").stdout
    assert said == f"`{stranger.root}` asks for nothing outside the sandbox: no trust is needed\n"


def test_what_init_wrote_is_trusted_and_what_was_there_is_not(
    stranger: Stranger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = Stranger(tmp_path / "fresh", {}, stranger.home)
    fresh.root.mkdir()
    assert fresh.command("init").returncode == 0
    assert fresh.command("dry-run").returncode == 0
    assert stranger.command("init").returncode == 0
    assert stranger.command("dry-run").returncode == 2
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "")
    assert start(["init"]) == 0
