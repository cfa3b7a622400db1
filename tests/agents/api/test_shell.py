"""The tools of the API agent: a shell that always comes back, an editor that stays in its folder."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
import threading
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.agents.api.arguments import Bash, Create, Insert, Refused, Replace, View, read_bash, read_edit
from harness.agents.api.clip import LIMIT, Clip, clipped
from harness.agents.api.editor import Editor
from harness.agents.api.shell import MARK, Shell, scrub
from harness.agents.api.tools import Toolbox, ToolResult

LINUX = Path("/proc/self/stat").exists()
ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "LC_ALL": "C.UTF-8"}
PATIENCE = 20  # seconds that a command may take before the test fails
SOON = 0.5  # seconds after which a command is ended that never would; enough for its first words
TOOL = "str_replace_based_edit_tool"


# --- a shell, and the proof that it left nobody -------------------------------------------------------------------


def alive(place: Path) -> set[int]:
    """The living processes that carry this test's mark, whatever session or parent they have."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*") if LINUX else ():
        with suppress(OSError):
            if f"TEST_PLACE={place}\0".encode() in (folder / "environ").read_bytes():
                found.add(int(folder.name))
    return found


@asynccontextmanager
async def opened(place: Path, **environ: str):
    shell = Shell(place, {**ENVIRON, "TEST_PLACE": str(place), **environ})
    try:
        yield shell
    finally:
        await shell.close()
        assert alive(place) == set()


def outcomes(place: Path, *commands: str, timeout: float = PATIENCE):
    """Run commands one after the other in one shell."""

    async def story():
        async with opened(place) as shell:
            return [await shell.run(command, timeout) for command in commands]

    return asyncio.run(story())


def texts(place: Path, *commands: str) -> list[str]:
    return [outcome.text for outcome in outcomes(place, *commands)]


def calls(place: Path, *given: tuple[str, object], **options: float) -> list[ToolResult]:
    """Run tool calls one after the other in one toolbox."""

    async def story():
        tools = Toolbox([place], {**ENVIRON, "TEST_PLACE": str(place)}, **options)
        try:
            return [await tools.run(name, arguments) for name, arguments in given]
        finally:
            await tools.close()
            assert alive(place) == set()

    return asyncio.run(story())


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


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


@pytest.mark.parametrize(
    "command",
    [
        "echo before; sleep 1000",
        "echo before; kill -STOP $$",
        "echo before; (setsid sleep 1000 &); setsid sh -c 'sleep 1000 & sleep 1000'",
        "echo before; set -m; sleep 1000 & sleep 1000 | sleep 1000",
        "echo before; exec sleep 1000",
        "echo before; while :; do :; done",
        "echo before; f() { sleep 1000 & [ $1 = 0 ] || { f $(($1-1)) & f $(($1-1)); }; wait; }; f 4",
    ],
    ids=["sleep", "stopped", "other sessions", "job control", "exec", "busy", "many"],
)
def test_a_timeout_ends_all_that_was_started_and_keeps_the_output(place, command):
    async def story():
        async with opened(place) as shell:
            outcome = await shell.run(command, SOON)
            return outcome, alive(place)

    outcome, left = asyncio.run(story())
    assert (outcome.text, outcome.timed_out, outcome.ended, outcome.code) == ("before\n", True, True, None)
    assert left == set()


def test_a_command_deaf_to_term_is_killed(place):
    (outcome,) = outcomes(place, "trap '' TERM; echo before; sleep 1000; sleep 1000", timeout=SOON)
    assert (outcome.text, outcome.timed_out) == ("before\n", True)


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


def test_closing_brings_a_running_command_back(place):
    async def story():
        async with opened(place) as shell:
            task = asyncio.create_task(shell.run("touch begun; sleep 1000", PATIENCE))
            while not (place / "begun").exists():
                await asyncio.sleep(0.01)
            await shell.close()
            with pytest.raises(RuntimeError):
                await shell.run("true", PATIENCE)
            return await task

    assert asyncio.run(story()).ended


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


@given(st.lists(st.binary(max_size=300), max_size=20), st.integers(200, 2_000))
def test_a_clip_never_exceeds_its_limit_and_keeps_what_fits(parts, limit):
    clip = Clip(limit)
    for part in parts:
        clip.feed(part)
    text, cut = clip.text()
    assert len(text.encode()) <= limit
    assert cut >= 0 and clip.size == sum(map(len, parts))


@given(st.text(alphabet="ab\u00e4\U0001f600", max_size=2_000), st.integers(200, 1_000))
def test_a_clipped_text_begins_and_ends_as_the_whole(text, limit):
    short, cut = clipped(text, limit)
    assert len(short.encode()) <= limit
    assert (short == text) == (cut == 0)
    assert short[:10] == text[:10] and short[-10:] == text[-10:]


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


# --- arguments ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "call"),
    [
        ({"command": "ls"}, Bash("ls")),
        ({"command": "ls", "restart": False, "timeout": 5}, Bash("ls", 5.0)),
        ({"command": "ls", "restart": None, "timeout": None}, Bash("ls")),
    ],
    ids=str,
)
def test_good_arguments_of_bash_are_read(given, call):
    assert read_bash(given) == call


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (None, "the arguments must be an object, not null"),
        ("ls", "the arguments must be an object, not a string"),
        ({}, "`command` is missing; pass the command to run, or `restart: true`"),
        ({"command": " \n"}, "`command` is empty; pass the command to run"),
        ({"command": 3}, "`command` must be a string, not a number"),
        (
            {"command": "a\0b"},
            "`command` contains a NUL character, which no shell can take; write it as \\0 inside printf",
        ),
        ({"command": "\ud800"}, "`command` contains half a surrogate pair, which is no valid text"),
        ({"command": "x" * 1_048_577}, "`command` is 1 MiB long, more than 1 MiB; do it in smaller parts"),
        ({"restart": "yes"}, "`restart` is true or false, not a string"),
        (
            {"restart": True, "command": "ls"},
            "`restart` and `command` cannot go together; restart first, then send the command",
        ),
        (
            {"comand": "ls"},
            "bash has no argument `comand`; allowed are `command`, `restart`, `timeout`; did you mean `command`?",
        ),
        ({"command": "ls", "timeout": 0}, "`timeout` must be a number of seconds above 0"),
        ({"command": "ls", "timeout": True}, "`timeout` must be a number of seconds above 0"),
        ({"command": "ls", "timeout": float("nan")}, "`timeout` must be a number of seconds above 0"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_bad_arguments_of_bash_are_refused_in_one_sentence(given, sentence):
    with pytest.raises(Refused) as refused:
        read_bash(given)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("given", "edit"),
    [
        ({"command": "view", "path": "f"}, View("f")),
        ({"command": "view", "path": "f", "view_range": [2.0, -1]}, View("f", (2, -1))),
        ({"command": "create", "path": "f", "file_text": ""}, Create("f", "")),
        ({"command": "str_replace", "path": "f", "old_str": "a"}, Replace("f", "a", "")),
        ({"command": "insert", "path": "f", "insert_line": 0, "insert_text": "a"}, Insert("f", 0, "a")),
    ],
    ids=["view", "view a range", "create", "delete a place", "insert"],
)
def test_good_arguments_of_the_editor_are_read(given, edit):
    assert read_edit(given) == edit


RANGE = "`view_range` must be two whole numbers, the first line and the last one, -1 for the end"
LINE = "`insert_line` must be a whole number from 0 (before the first line) on"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"path": "f"}, "`command` is missing; it is one of `view`, `create`, `str_replace`, `insert`"),
        (
            {"command": "undo_edit"},
            "`command` is `undo_edit`, but must be one of `view`, `create`, `str_replace`, `insert`",
        ),
        (
            {"command": ["view"]},
            "`command` is `['view']`, but must be one of `view`, `create`, `str_replace`, `insert`",
        ),
        ({"command": "view"}, "`view` needs the argument `path`"),
        ({"command": "view", "path": ""}, "`path` is empty; pass a path, absolute or relative to the workspace"),
        ({"command": "view", "path": "a\0"}, "`path` contains a NUL character, which no file name can have"),
        (
            {"command": "view", "path": "f", "old_str": "a"},
            "`view` has no argument `old_str`; allowed are `command`, `path`, `view_range`",
        ),
        ({"command": "view", "path": "f", "view_range": [1]}, RANGE),
        ({"command": "view", "path": "f", "view_range": "1-2"}, RANGE),
        ({"command": "view", "path": "f", "view_range": [True, 2]}, RANGE),
        ({"command": "view", "path": "f", "view_range": [1.5, 2]}, RANGE),
        ({"command": "view", "path": "f", "view_range": [float("inf"), 2]}, RANGE),
        (
            {"command": "view", "path": "f", "view_range": [0, 2]},
            "`view_range` starts at 0, but lines are counted from 1",
        ),
        (
            {"command": "view", "path": "f", "view_range": [3, 2]},
            "`view_range` ends at 2, before its start 3; use -1 for the end",
        ),
        ({"command": "create", "path": "f"}, "`create` needs the argument `file_text`"),
        (
            {"command": "str_replace", "path": "f", "old_str": "", "new_str": "b"},
            "`old_str` is empty; pass the text to replace, or use `insert` or `create`",
        ),
        (
            {"command": "str_replace", "path": "f", "old_str": "b", "new_str": "b"},
            "`old_str` and `new_str` are the same; nothing would change",
        ),
        ({"command": "insert", "path": "f", "insert_line": -1, "insert_text": ""}, LINE),
        ({"command": "insert", "path": "f", "insert_line": "1", "insert_text": ""}, LINE),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_bad_arguments_of_the_editor_are_refused_in_one_sentence(given, sentence):
    with pytest.raises(Refused) as refused:
        read_edit(given)
    assert str(refused.value) == sentence


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
KEYS = st.sampled_from(["command", "path", "restart", "timeout", "view_range", "old_str", "insert_line", "insert_text"])


@given(JSON | st.dictionaries(KEYS, JSON | st.sampled_from(["view", "insert", "str_replace", "create"])))
def test_whatever_comes_is_read_or_refused(given):
    for read in (read_bash, read_edit):
        with suppress(Refused):
            read(given)


# --- the editor ---------------------------------------------------------------------------------------------------


def edit(place: Path, *edits) -> str:
    """Carry out commands of the editor; gives the last reply."""
    editor = Editor([place])
    return [editor.run(one) for one in edits][-1]


def refusal(place: Path, one) -> str:
    with pytest.raises(Refused) as refused:
        edit(place, one)
    return str(refused.value)


def test_a_file_is_shown_with_line_numbers(place):
    (place / "f").write_text("one\n\ttvå\n\nfour")
    assert edit(place, View("f")) == "     1\tone\n     2\t\ttvå\n     3\t\n     4\tfour"
    assert edit(place, View(str(place / "f"), (2, 3))) == "     2\t\ttvå\n     3\t"
    assert edit(place, View("f", (4, -1))) == edit(place, View("f", (4, 99))) == "     4\tfour"
    assert refusal(place, View("f", (5, 6))) == f"`view_range` starts at line 5, but {place}/f has 4 lines"


def test_an_empty_file_says_so(place):
    (place / "f").touch()
    assert edit(place, View("f")) == "(empty file)"


def test_a_folder_is_shown_two_levels_deep(place):
    for name in ("a/b/c/d", ".git/x", "node_modules/x/y", "z.txt", "a/k"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).touch()
    (place / "link").symlink_to("/etc")
    assert edit(place, View(".")).splitlines() == [
        f"{place}, two levels deep, without hidden entries:",
        "a/",
        "  b/",
        "  k",
        "link@",
        "node_modules/",
        "  (left out)",
        "z.txt",
    ]


def test_a_long_file_ends_with_how_to_see_the_rest(place):
    (place / "f").write_text("x" * 99 + "\n" + "".join(f"{n:099}\n" for n in range(5_000)))
    text = edit(place, View("f"))
    assert LIMIT * 0.9 < len(text) <= LIMIT
    assert text.endswith(
        f"[lines 1-{text.count(chr(10))} of 5,001: the rest is too long for one result; use `view_range`]"
    )


def test_a_huge_file_is_shown_in_part_only(place):
    (place / "f").write_text("".join(f"line {n}\n" for n in range(1, 1_000_000)))
    assert refusal(place, View("f")).startswith(f"{place}/f is 11.3 MiB, more than 8 MiB; pass a `view_range`")
    assert edit(place, View("f", (999_998, 2_000_000))) == "999998\tline 999998\n999999\tline 999999"
    assert "was not found" in refusal(place, View("f", (2_000_000, 2_000_001)))
    assert "larger than 8 MiB" in refusal(place, Replace("f", "line 7\n", ""))


def test_a_long_folder_ends_with_how_to_see_the_rest(place):
    for number in range(600):
        (place / f"{number:0200}").touch()
    text = edit(place, View("."))
    assert LIMIT * 0.9 < len(text) <= LIMIT and text.endswith("or use `find` in bash]")


def test_text_that_repeats_itself_is_counted_in_no_time(place):
    (place / "f").write_text("a" * 4_000_000)
    sentence = "Found 33 or more matches for replacement text (lines 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, ...). "
    assert refusal(place, Replace("f", "a" * 2_000_000, "b")).startswith(sentence)


def test_create_makes_folders_and_says_when_it_overwrites(place):
    assert edit(place, Create("a/b/f", "x\ny\n")) == f"Created {place}/a/b/f (2 lines, 4 bytes)."
    assert edit(place, Create("a/b/f", "z")) == f"Overwrote the existing file {place}/a/b/f (1 line, 1 byte)."
    assert (place / "a/b/f").read_text() == "z"


def test_the_change_is_shown_in_its_surroundings(place):
    (place / "f").write_text("".join(f"{n}\n" for n in range(1, 21)))
    shown = edit(place, Replace("f", "10\n11\n", "ten\n"))
    assert shown == f"Edited {place}/f:\n" + "\n".join(
        f"{n:6}\t{line}" for n, line in enumerate([6, 7, 8, 9, "ten", 12, 13, 14, 15], 6)
    )


NO_MATCH = "No match found for replacement. Check the text against `view`: it must match exactly, whitespace included"


@pytest.mark.parametrize(
    ("old", "sentence"),
    [
        (
            "bar",
            "Found 3 matches for replacement text (lines 1, 2, 5). Please provide more context to make a unique match.",
        ),
        (
            "aa",
            "Found 2 matches for replacement text (lines 4, 4). Please provide more context to make a unique match.",
        ),
        (
            "def f(x):\n  return x",
            NO_MATCH + " (lines 6-7: the same but for whitespace; line 6 is 'def f(x):').",
        ),
        (
            "retrun x",
            NO_MATCH + " (nearest line 7: '\\treturn x').",
        ),
        (
            "@@@@@@",
            NO_MATCH + ".",
        ),
        (
            "  \n \n",
            NO_MATCH + "; it is nothing but whitespace.",
        ),
    ],
    ids=["several", "overlapping", "whitespace", "near", "nothing near", "blank"],
)
def test_a_text_that_is_not_there_once_is_refused_with_a_hint(place, old, sentence):
    (place / "f").write_text("bar\nbar\n\naaa\nbar\ndef f(x):\n\treturn x\n")
    assert refusal(place, Replace("f", old, "new")) == sentence


@pytest.mark.parametrize(
    ("before", "one", "after"),
    [
        (b"a\nb\n", Insert("f", 0, "x"), b"x\na\nb\n"),
        (b"a\nb\n", Insert("f", 1, "x\ny\n"), b"a\nx\ny\nb\n"),
        (b"a\nb", Insert("f", 2, "x"), b"a\nb\nx\n"),
        (b"", Insert("f", 0, "x"), b"x\n"),
        (b"a\r\nb\r\n", Insert("f", 1, "x"), b"a\r\nx\r\nb\r\n"),
        (b"a\r\nb\r\nc\r\n", Replace("f", "a\nb", "x\ny"), b"x\r\ny\r\nc\r\n"),
        (b"a\r\nb\r\n", Replace("f", "a\r\nb", "x"), b"x\r\n"),
        (b"a\nb\r\nc\r\nd\r\n", Replace("f", "a\nb", "x\ny"), b"x\ny\r\nc\r\nd\r\n"),
        (b"a\r\nb\r\n", Create("f", "x\ny\n"), b"x\r\ny\r\n"),
        (b"a\rb\n", Replace("f", "b", "c"), b"a\rc\n"),
        ("\ufeffä\n".encode(), Replace("f", "ä", "ö"), "\ufeffö\n".encode()),
        (b"a", Replace("f", "a", ""), b""),
    ],
    ids=[
        "at the start", "between", "after a last line without an end", "into nothing", "insert crlf", "crlf",
        "crlf given", "mixed", "create crlf", "lone cr", "bom", "to nothing",
    ],
)  # fmt: skip
def test_an_edit_keeps_the_bytes_around_it_and_the_line_endings(place, before, one, after):
    (place / "f").write_bytes(before)
    edit(place, one)
    assert (place / "f").read_bytes() == after


TEXT = st.text(alphabet="ab \n\té😀", max_size=60)


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("shared")


@given(before=TEXT, old=TEXT.filter(bool), new=TEXT, crlf=st.booleans())
def test_a_replacement_is_what_python_would_do_or_is_refused(shared, before, old, new, crlf):
    def as_file(text: str) -> bytes:
        return text.replace("\n", "\r\n" if crlf else "\n").encode()

    (shared / "f").write_bytes(as_file(before))
    places = [at for at in range(len(before)) if before.startswith(old, at)]
    if crlf and "\n" not in before:
        crlf = False  # then nothing says so
    try:
        edit(shared, Replace("f", old, new))
    except Refused:
        assert len(places) != 1
        assert (shared / "f").read_bytes() == as_file(before)
    else:
        assert len(places) == 1
        assert (shared / "f").read_bytes() == as_file(before.replace(old, new, 1))


@given(lines=st.lists(st.text(alphabet="ab é", max_size=5), max_size=8), at=st.integers(0, 8), new=TEXT)
def test_what_was_inserted_stands_after_its_line_and_taking_it_out_gives_the_old_file(shared, lines, at, new):
    before = "".join(f"{line}\n" for line in lines)
    (shared / "f").write_text(before)
    if at > len(lines):
        assert f"so it can be 0 to {len(lines)}" in refusal(shared, Insert("f", at, new))
        return
    edit(shared, Insert("f", at, new + "§"))
    after = (shared / "f").read_text()
    assert after.split("\n")[at : at + new.count("\n") + 1] == f"{new}§".split("\n")
    edit(shared, Replace("f", f"{new}§\n", ""))
    assert (shared / "f").read_text() == before


def test_an_edit_keeps_the_mode_and_follows_a_link_inside(place):
    (place / "f").write_text("a\n")
    (place / "f").chmod(0o750)
    (place / "link").symlink_to("f")
    edit(place, Replace("link", "a", "b"))
    assert (place / "f").read_text() == "b\n" and (place / "link").is_symlink()
    assert stat.S_IMODE((place / "f").stat().st_mode) == 0o750
    assert {path.name for path in place.iterdir()} == {"f", "link"}


@pytest.mark.parametrize(
    "path",
    [
        "../secret",
        "{outside}/secret",
        "out/secret",
        "file",
        "a/../../secret",
        "./out/../secret",
        "dangling",
        "out/new/f",
    ],
)
def test_a_path_that_leads_outside_is_refused(place, path):
    outside = place.parent / "outside"
    outside.mkdir()
    for secret in (place.parent / "secret", outside / "secret"):
        secret.write_text("secret")
    (place / "out").symlink_to(outside)
    (place / "file").symlink_to(outside / "secret")
    (place / "dangling").symlink_to(outside / "nothing")
    path = path.format(outside=outside)
    for one in (View(path), Create(path, "x"), Replace(path, "secret", "x"), Insert(path, 0, "x")):
        sentence = refusal(place, one)
        assert sentence.startswith(path) and f"is outside the workspace {place}; " in sentence
    assert (outside / "secret").read_text() == "secret" and {p.name for p in outside.iterdir()} == {"secret"}


def test_a_second_root_is_inside(place, tmp_path):
    (tmp_path / "logs").mkdir()
    Editor([place, tmp_path / "logs"]).run(Create(str(tmp_path / "logs" / "x.done"), "done"))
    assert (tmp_path / "logs" / "x.done").read_text() == "done"


def test_a_folder_that_is_swapped_for_a_link_all_the_time_leads_nowhere(place):
    """Two hundred edits against a thread that swaps: each is inside or refused."""
    outside = place.parent / "outside"
    outside.mkdir()
    (place / "real").mkdir()
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            for target in (place / "real", outside):
                with suppress(OSError):
                    (place / "new").symlink_to(target)
                    (place / "new").rename(place / "d")

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for number in range(200):
            with suppress(Refused):
                edit(place, Create(f"d/{number}", "x"))
    finally:
        stop.set()
        swapping.join()
    assert list(outside.iterdir()) == []


NOT_PLAIN = " is no plain file (a link, fifo, socket or device), which the editor leaves alone"
BINARY = " is a binary file; look at it with `file`, `strings` or `xxd` in bash"
BY_SCRIPT = "; edit it with `sed` or a script in bash"


@pytest.mark.parametrize(
    ("name", "one", "sentence"),
    [
        ("none", View("none"), "File not found: none"),
        ("none", Replace("none", "a", "b"), "File not found: none"),
        ("fifo", View("fifo"), "{place}/fifo" + NOT_PLAIN),
        ("fifo", Create("fifo", "x"), "{place}/fifo" + NOT_PLAIN),
        ("folder", Replace("folder", "a", "b"), "folder is a folder, not a file"),
        ("folder", Create("folder", "a"), "folder is a folder, not a file"),
        (".", Create(".", "a"), ". is a folder, not a file"),
        ("folder", View("folder", (1, 2)), "{place}/folder is a folder; `view_range` is for files"),
        ("binary", View("binary"), "{place}/binary" + BINARY),
        ("binary", Replace("binary", "a", "b"), "{place}/binary" + BINARY),
        ("latin", Insert("latin", 0, "x"), "{place}/latin is not UTF-8 (line 2)" + BY_SCRIPT),
        ("kept", Create("kept", "x"), "{place}/kept is read-only (mode 0444); `chmod` it if that is meant"),
        ("kept", Replace("kept", "a", "x"), "{place}/kept is read-only (mode 0444); `chmod` it if that is meant"),
        ("file/x", Create("kept/x", "x"), "kept/x leads through something that is not a folder"),
        ("long", Create("x" * 300, "x"), "The file name is too long: " + "x" * 300),
        ("loop", View("loop"), "{place}/loop" + NOT_PLAIN),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 7 else "",
)  # fmt: skip
def test_what_cannot_be_edited_is_refused_with_its_reason(place, name, one, sentence):
    os.mkfifo(place / "fifo")
    (place / "folder").mkdir()
    (place / "binary").write_bytes(b"a\0b")
    (place / "latin").write_bytes("a\né\n".encode("latin-1"))
    (place / "kept").write_text("a")
    (place / "kept").chmod(0o444)
    (place / "loop").symlink_to("loop")
    assert refusal(place, one) == sentence.format(place=place)


def test_what_is_not_utf8_can_be_seen(place):
    (place / "f").write_bytes("é\r\n".encode("latin-1"))
    assert edit(place, View("f")) == (
        "     1\t\ufffd\n"
        "[CRLF line endings; write \\n, they are kept]\n"
        "[not UTF-8: some characters are shown as \ufffd]"
    )


# --- the tools as the model sees them -----------------------------------------------------------------------------


def test_the_declarations_are_the_same_bytes_whatever_the_toolbox(place):
    def declared(typed):
        return {json.dumps(Toolbox([root], {}).declarations(typed=typed)) for root in (place, Path("/"))}

    (typed,), (plain,) = declared(True), declared(False)
    assert json.loads(typed) == [
        {"type": "bash_20250124", "name": "bash"},
        {"type": "text_editor_20250728", "name": TOOL},
    ]
    assert [(tool["name"], tool["input_schema"]["additionalProperties"]) for tool in json.loads(plain)] == [
        ("bash", False),
        (TOOL, False),
    ]


def ending(result: ToolResult) -> tuple[str, bool]:
    """The text with the seconds taken out, so that it can be compared."""
    head, _, last = result.text.rpartition("\n")
    assert last.endswith(" s]")
    return f"{head}\n{last.rpartition(',')[0]}]", result.is_error


def test_a_result_of_bash_ends_with_its_exit_code(place):
    good, bad, silent = calls(place, *(("bash", {"command": word}) for word in ("echo a", "echo b; (exit 3)", ":")))
    assert ending(good) == ("a\n[exit code 0]", False)
    assert ending(bad) == ("b\n[exit code 3]", True)
    assert ending(silent) == ("(no output)\n[exit code 0]", False)


def test_a_timeout_an_end_and_a_restart_are_told(place):
    late, fresh, ended, restarted = calls(
        place,
        ("bash", {"command": "echo a; sleep 1000", "timeout": SOON}),
        ("bash", {"command": "echo b"}),
        ("bash", {"command": "exit 3"}),
        ("bash", {"restart": True}),
    )
    assert ending(late) == (
        "a\n[timed out after 0.5s: the command and all else the shell had started were ended]\n"
        f"[the next command gets a fresh shell in {place}]\n[no exit code]",
        True,
    )
    assert ending(fresh) == (
        f"[this is a fresh shell in {place}: the earlier one had ended, with its variables and jobs]\nb\n[exit code 0]",
        False,
    )
    assert ending(ended) == (
        "(no output)\n[the command ended the shell itself (`exit`, `exec`, `set -e`, `set -u` or the like), and all it "
        f"had started was ended with it]\n[the next command gets a fresh shell in {place}]\n[exit code 3]",
        True,
    )
    assert restarted == ToolResult(f"The shell was restarted; it begins in {place}.")


def test_the_editor_works_beside_the_shell(place):
    made, seen, refused = calls(
        place,
        (TOOL, {"command": "create", "path": "f", "file_text": "x\n"}),
        ("bash", {"command": "cat f"}),
        (TOOL, {"command": "view", "path": "/etc/passwd"}),
    )
    assert (made.is_error, ending(seen)[0]) == (False, "x\n[exit code 0]")
    assert refused.is_error and refused.text.startswith("Error: /etc/passwd is outside the workspace ")


@pytest.mark.parametrize(
    ("name", "arguments", "start"),
    [
        ("bahs", {}, f"Error: there is no tool `bahs`; there are `bash` and `{TOOL}`; did you mean `bash`?"),
        (None, {}, "Error: there is no tool `None`"),
        ("bash", "ls", "Error: the arguments must be an object, not a string"),
        ("bash", {}, "Error: `command` is missing"),
        (TOOL, {"command": "view", "path": "none"}, "Error: File not found: none"),
    ],
    ids=["unknown", "no name", "no object", "empty", "no file"],
)
def test_what_cannot_be_done_is_an_error_with_a_sentence(place, name, arguments, start):
    (result,) = calls(place, (name, arguments))
    assert result.is_error and result.text.startswith(start)


def test_a_shell_that_cannot_start_is_an_error_and_the_next_call_tries_again(place):
    async def story():
        tools = Toolbox([place / "later"], ENVIRON)
        gone = await tools.run("bash", {"command": "pwd"})
        (place / "later").mkdir()
        there = await tools.run("bash", {"command": "pwd"})
        await tools.close()
        closed = await tools.run("bash", {"command": "pwd"})
        return gone, there, closed

    gone, there, closed = asyncio.run(story())
    assert gone.is_error and gone.text.startswith(f"Error: bash cannot be started in {place}/later (No such file")
    assert there.text.startswith(f"{place}/later\n")
    assert closed.is_error and "the shell is closed" in closed.text


@pytest.mark.parametrize(
    "command",
    ["head -c 3000000 /dev/zero | tr '\\0' x", "head -c 300000 /dev/urandom", "printf 'ä😀%.0s' {1..90000}; exit 1"],
    ids=["one line", "binary", "wide characters"],
)
def test_no_result_is_larger_than_100_kib(place, command):
    (result,) = calls(place, ("bash", {"command": command}))
    assert LIMIT * 0.9 < len(result.text.encode()) <= LIMIT
    assert "bytes cut out of the middle" in result.text and result.text.endswith(" s]")


def test_a_full_disk_is_told_and_the_file_is_unchanged(place, monkeypatch):
    (place / "f").write_text("a")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.agents.api.within._take_after", full)
    (result,) = calls(place, (TOOL, {"command": "create", "path": "f", "file_text": "b"}))
    assert result == ToolResult(
        "Error: No space left on the disk for f; the file is unchanged. Free some space first", is_error=True
    )
    assert [path.name for path in place.iterdir()] == ["f"] and (place / "f").read_text() == "a"
