"""The shell of the API agent: it always comes back, and nothing that was started stays."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from helpers.api_tools import ENVIRON, PATIENCE, alive, opened, outcomes, texts
from helpers.marks import LINUX

from harness.agents.api.clip import LIMIT
from harness.agents.api.shell import MARK, scrub

# --- what stays from command to command ---------------------------------------------------------------------------


def test_variables_functions_and_the_folder_stay(place):
    said = texts(place, "x=4; f() { echo f$x; }; mkdir d; cd d", "f", "pwd")
    assert said == ["", "f4\n", f"{place}/d\n"]


def test_stdout_and_stderr_come_in_the_order_of_writing(place):
    assert texts(place, "echo a; echo b >&2; echo c") == ["a\nb\nc\n"]


def test_a_descriptor_that_a_command_opened_stays_open(place):
    assert texts(place, "exec 3>f; echo x >&3", "echo y >&3; cat f") == ["", "x\ny\n"]


@pytest.mark.parametrize(
    ("command", "code", "text"),
    [
        ("(exit 7)", 7, ""),
        ("if", 2, "bash: eval: line 3: syntax error: unexpected end of file\n"),
        ("nosuchcommand", 127, "bash: line 2: nosuchcommand: command not found\n"),
        ("break; continue; echo on", 0, None),
        ("return 3", 2, None),
        ("${x!bad}", 1, None),
        ("cat; read x; echo $x.", 0, ".\n"),
        ("cat <<'E'\n$x 'y' \"z\"\nE", 0, "$x 'y' \"z\"\n"),
        ("cat <<E\nno end", 0, None),
        ("exec >/dev/null 2>&1; echo gone", 0, ""),
        ("exec 1>&- 0<&-", 0, ""),
        ("mkdir d; cd d; rmdir ../d", 0, ""),
        ("printf '\\377\\376'", 0, "\ufffd\ufffd"),
        ("printf '\\033[31mred\\033[0m\\n'", 0, "red\n"),
        ("printf 'a\\0b'", 0, "ab"),
        ("trap 'echo debug' DEBUG; trap - DEBUG", 0, "debug\n"),
        ("eval() { :; }; printf() { :; }; echo mine", 0, "mine\n"),
        ("kill -TERM $BASHPID & wait", 0, None),
        ("sleep 1000 & disown", 0, ""),
        ("ls /proc/self/fd | wc -l" if LINUX else "echo 4", 0, "4\n"),
        ("# nothing", 0, ""),
        ("-n", 127, None),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_a_command_that_is_strange_fails_alone(place, command, code, text):
    strange, after = outcomes(place, command, "echo fine")
    assert (strange.code, strange.ended) == (code, False)
    assert text in (None, strange.text)
    assert (after.code, after.text, after.restarted) == (0, "fine\n", False)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("exit 3", 3),
        ("set -e; false; echo never", 1),
        ("set -u; echo $nothing", 1),
        ("exec true", 0),
        ("kill -9 $$", 137),
        ("exec 10<&- 11>&- 12>&- 13>&-", None),
        ('for n in 10 11 12 13; do eval "echo forged >&$n"; done', None),
        ("ulimit -n 5", None),
        ("set -t", None),
    ],
    ids=["exit", "set -e", "set -u", "exec", "kill", "closed channel", "forged status", "ulimit", "set -t"],
)
def test_a_command_that_ends_the_shell_is_told_and_the_next_one_has_a_fresh_shell(place, command, code):
    _, ended, after = outcomes(place, "cd /; x=1", command, "pwd; echo $x.")
    assert (ended.ended, ended.timed_out) == (True, False)
    assert code in (None, ended.code)
    assert (after.text, after.restarted, after.code) == (f"{place}\n.\n", True, 0)


def test_an_exit_trap_is_heard(place):
    (outcome,) = outcomes(place, "trap 'echo bye' EXIT; exit 4")
    assert (outcome.text, outcome.code, outcome.ended) == ("bye\n", 4, True)


def test_what_ends_the_shell_between_two_commands_is_told_with_the_second(place):
    async def story():
        async with opened(place) as shell:
            await shell.run("(sleep 0.05; kill -9 $$) & x=1", PATIENCE)
            while not shell._bash.gone:
                await asyncio.sleep(0.01)
            return await shell.run("echo $x.", PATIENCE)

    outcome = asyncio.run(story())
    assert (outcome.text, outcome.restarted) == (".\n", True)


def test_a_restart_forgets_everything_and_is_no_surprise(place):
    async def story():
        async with opened(place) as shell:
            await shell.run("x=1; sleep 1000 &", PATIENCE)
            await shell.restart()
            left = alive(place)
            return left, await shell.run("echo $x.", PATIENCE)

    left, outcome = asyncio.run(story())
    assert (left, outcome.text, outcome.restarted) == (set(), ".\n", False)


# --- ending ------------------------------------------------------------------------------------------------------


def test_a_cancelled_command_ends_with_all_it_started(place):
    async def story():
        async with opened(place) as shell:
            task = asyncio.create_task(shell.run("sleep 1000 & touch begun; sleep 1000", PATIENCE))
            while not (place / "begun").exists():
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            left = alive(place)
            return left, await shell.run("echo again", PATIENCE)

    left, outcome = asyncio.run(story())
    assert (left, outcome.text, outcome.restarted) == (set(), "again\n", True)


def test_a_command_that_is_cancelled_twice_ends_at_once(place):
    async def story():
        async with opened(place) as shell:
            task = asyncio.create_task(shell.run("trap '' TERM; touch begun; while :; do sleep 1000; done", PATIENCE))
            while not (place / "begun").exists():
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.sleep(0.05)
            assert not task.done()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return alive(place)

    assert asyncio.run(story()) == set()


def test_a_background_process_that_holds_the_output_makes_nobody_wait(place):
    now, later = outcomes(place, "(until [ -e go ]; do sleep 0.01; done; echo late) & echo now", "touch go; wait")
    assert (now.text, later.text) == ("now\n", "late\n")


def test_a_flood_in_the_background_hinders_no_command(place):
    first, second = outcomes(place, "yes & ", "echo here; kill %1 || kill $!")
    assert (first.ended, second.code) == (False, 0)


def test_a_program_that_makes_the_output_non_blocking_spoils_it_for_nobody(place):
    flood = "head -c 500000 /dev/zero | tr '\\0' x"
    spoil = f"'{sys.executable}' -I -S -c 'import os; os.set_blocking(1, False)'"
    assert [outcome.code for outcome in outcomes(place, spoil, flood)] == [0, 0]


def test_commands_of_several_tasks_run_one_after_the_other(place):
    async def story():
        async with opened(place) as shell:
            first, second = shell.run("x=0; sleep 0.05; x=1", PATIENCE), shell.run("echo $x", PATIENCE)
            return await asyncio.gather(first, second)

    assert asyncio.run(story())[1].text == "1\n"


def test_no_descriptor_is_left_open(place):
    before = len(list(Path("/dev/fd").iterdir()))
    outcomes(place, "echo", "exit 1", "sleep 1000 &", "exit 2", timeout=5)
    assert len(list(Path("/dev/fd").iterdir())) == before


# --- output ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["head -c 50000000 /dev/zero | tr '\\0' x", "yes | head -n 5000000"])
def test_of_a_flood_head_and_tail_are_kept(place, command):
    (outcome,) = outcomes(place, f"echo first; {command}; echo; echo last")
    assert (outcome.text[:6], outcome.text[-6:], outcome.code) == ("first\n", "\nlast\n", 0)
    assert len(outcome.text) < LIMIT and outcome.cut > 9_000_000
    assert f"{outcome.cut:,} bytes cut" in outcome.text


def test_a_long_command_is_run_and_an_output_of_the_same_length_comes_back(place):
    (outcome,) = outcomes(place, f"x={'y' * 200_000}; echo ${{#x}} 'it'\"'\"'s'")
    assert outcome.text == "200000 it's\n"


# --- the environment ----------------------------------------------------------------------------------------------


def test_scrub_lets_no_key_through_under_any_name():
    environ = {
        "ANTHROPIC_BASE_URL": "x",
        "MY_KEY": "sk-123456789",
        "COPY": "sk-123456789",
        "HEADER": "Bearer sk-123456789",
        "CLAUDE_CODE": "1",
        "CLAUDECODE": "1",
        "ANTHROPIC_AUTH_TOKEN": "token-123456",
        "OTHER": "token-123456",
        "PATH": "/bin",
        "PAGER": "less",
        "HARNESS_RUN_ID": "7",
    }
    left = scrub(environ, "MY_KEY")
    assert left == {
        "PATH": "/bin",
        "PAGER": "less",
        "HARNESS_RUN_ID": "7",
        "GIT_PAGER": "cat",
        "GIT_EDITOR": "true",
        "GIT_TERMINAL_PROMPT": "0",
        "DEBIAN_FRONTEND": "noninteractive",
    }


@pytest.mark.parametrize("key", [None, "", "x"], ids=["no key", "empty", "short"])
def test_scrub_with_a_key_that_is_none_leaves_the_rest(key):
    environ = {"PATH": "/usr/bin:x", "CI": "1"} | ({} if key is None else {"KEY": key})
    assert scrub(environ, "KEY").items() >= {"PATH": "/usr/bin:x", "CI": "1"}.items()


def test_a_command_sees_the_environment_it_was_given_and_nothing_of_ours(place, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    (text,) = texts(place, "env")
    names = {line.partition("=")[0] for line in text.splitlines()}
    assert names == {*ENVIRON, "TEST_PLACE", MARK, "PWD", "SHLVL", "_"}
