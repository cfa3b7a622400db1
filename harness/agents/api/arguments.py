"""What a model passes to a tool, checked before anything runs: each failure is one sentence. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from harness.domain.text import shown, suggest
from harness.domain.units import format_size

LONGEST_COMMAND = 1 << 20  # bytes; bash reads its script from a pipe byte by byte, 0.3 s for this much
LONGEST_TEXT = 8 << 20  # bytes, as large as a file that can be edited
LONGEST_PATH = 4096  # bytes: PATH_MAX


class Refused(Exception):
    """A tool call that will not be carried out; the message is a sentence for the model."""


@dataclass(frozen=True, slots=True)
class Bash:
    """A command for the shell; `timeout` in seconds."""

    command: str
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Restart:
    """A wish for a fresh shell."""


@dataclass(frozen=True, slots=True)
class View:
    """A file or a folder to look at; `span` is the first and the last line, -1 = to the end."""

    path: str
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Create:
    """A file to write as a whole."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Replace:
    """The one place where `old` stands, which becomes `new`."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Insert:
    """Lines that come after line `line`, 0 = at the start."""

    path: str
    line: int
    text: str


Edit = View | Create | Replace | Insert

_EDITOR_KEYS = {  # command -> required keys, optional keys
    "view": (("path",), ("view_range",)),
    "create": (("path", "file_text"), ()),
    "str_replace": (("path", "old_str"), ("new_str",)),
    "insert": (("path", "insert_line", "insert_text"), ()),
}


def read_bash(arguments: object) -> Bash | Restart:
    """Return what a call of `bash` asks for; raises Refused."""
    given = _read_object(arguments)
    _check_keys(given, "bash", (), ("command", "restart", "timeout"))
    restart = given.get("restart", False)
    if not isinstance(restart, bool):
        raise Refused(f"`restart` is true or false, not {_kind(restart)}")
    if restart and "command" in given:
        raise Refused("`restart` and `command` cannot go together; restart first, then send the command")
    if restart:
        return Restart()
    if "command" not in given:
        raise Refused("`command` is missing; pass the command to run, or `restart: true`")
    command = _read_text(given, "command", LONGEST_COMMAND)
    if not command.strip():
        raise Refused("`command` is empty; pass the command to run")
    if "\0" in command:
        raise Refused("`command` contains a NUL character, which no shell can take; write it as \\0 inside printf")
    return Bash(command, _read_timeout(given))


def read_edit(arguments: object) -> Edit:
    """Return what a call of the editor asks for; raises Refused."""
    given = _read_object(arguments)
    command = given.get("command")
    names = ", ".join(f"`{name}`" for name in _EDITOR_KEYS)
    if command is None:
        raise Refused(f"`command` is missing; it is one of {names}")
    if not isinstance(command, str) or command not in _EDITOR_KEYS:
        raise Refused(f"`command` is `{shown(str(command))}`, but must be one of {names}")
    required, optional = _EDITOR_KEYS[command]
    _check_keys(given, f"`{command}`", required, optional, besides=("command",))
    path = _read_path(given)
    if command == "view":
        return View(path, _read_span(given))
    if command == "create":
        return Create(path, _read_text(given, "file_text", LONGEST_TEXT))
    if command == "insert":
        return Insert(path, _read_line(given), _read_text(given, "insert_text", LONGEST_TEXT))
    return _read_replace(given, path)


def _read_object(arguments: object) -> dict[str, object]:
    """The arguments by name; one that is null was not passed."""
    if not isinstance(arguments, Mapping):
        raise Refused(f"the arguments must be an object, not {_kind(arguments)}")
    return {str(key): value for key, value in arguments.items() if value is not None}


def _check_keys(
    given: Mapping[str, object],
    whose: str,
    required: Collection[str],
    optional: Collection[str],
    besides: Collection[str] = (),
) -> None:
    allowed = (*besides, *required, *optional)
    for key in given:
        if key not in allowed:
            names = ", ".join(f"`{name}`" for name in allowed)
            raise Refused(f"{whose} has no argument `{shown(key)}`; allowed are {names}{suggest(key, allowed)}")
    for key in required:
        if key not in given:
            raise Refused(f"{whose} needs the argument `{key}`")


def _read_text(given: Mapping[str, object], key: str, limit: int) -> str:
    value = given[key]
    if not isinstance(value, str):
        raise Refused(f"`{key}` must be a string, not {_kind(value)}")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise Refused(f"`{key}` contains half a surrogate pair, which is no valid text") from None
    if size > limit:
        raise Refused(f"`{key}` is {format_size(size)} long, more than {format_size(limit)}; do it in smaller parts")
    return value


def _read_path(given: Mapping[str, object]) -> str:
    path = _read_text(given, "path", LONGEST_PATH)
    if not path.strip():
        raise Refused("`path` is empty; pass a path, absolute or relative to the workspace")
    if "\0" in path:
        raise Refused("`path` contains a NUL character, which no file name can have")
    return path


def _read_replace(given: Mapping[str, object], path: str) -> Replace:
    old = _read_text(given, "old_str", LONGEST_TEXT)
    new = _read_text({"new_str": "", **given}, "new_str", LONGEST_TEXT)
    if not old:
        raise Refused("`old_str` is empty; pass the text to replace, or use `insert` or `create`")
    if old == new:
        raise Refused("`old_str` and `new_str` are the same; nothing would change")
    return Replace(path, old, new)


def _read_line(given: Mapping[str, object]) -> int:
    line = _whole(given["insert_line"])
    if line is None or line < 0:
        raise Refused("`insert_line` must be a whole number from 0 (before the first line) on")
    return line


def _read_span(given: Mapping[str, object]) -> tuple[int, int] | None:
    value = given.get("view_range")
    if value is None:
        return None
    numbers = [_whole(number) for number in value] if isinstance(value, list | tuple) else []
    first, last = numbers if len(numbers) == 2 else (None, None)
    if first is None or last is None:
        raise Refused("`view_range` must be two whole numbers, the first line and the last one, -1 for the end")
    if first < 1:
        raise Refused(f"`view_range` starts at {_brief(first)}, but lines are counted from 1")
    if last < first and last != -1:
        raise Refused(f"`view_range` ends at {_brief(last)}, before its start {_brief(first)}; use -1 for the end")
    return first, last


def _read_timeout(given: Mapping[str, object]) -> float | None:
    value = given.get("timeout")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise Refused("`timeout` must be a number of seconds above 0")
    return float(min(value, 1e9))


def _whole(value: object) -> int | None:
    """The whole number that this is, also as 3.0; None when it is something else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value.is_integer() else None
    return value


def _brief(number: int) -> str:
    return str(number) if abs(number) < 10**18 else "a huge number"


def _kind(value: object) -> str:
    """What this is, in the words of JSON."""
    if isinstance(value, bool):
        return "a boolean"
    names = {str: "a string", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return "null" if value is None else names.get(type(value), "something else")
