"""The tools as the model sees them: declarations, results, and errors in place of exceptions."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from helpers.api_tools import ENVIRON, TOOL, calls

from harness.agents.api.clip import LIMIT
from harness.agents.api.tools import Toolbox, ToolResult

SOON = 0.5  # seconds after which a command is ended that never would; enough for its first words


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
