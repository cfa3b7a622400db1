"""What a model passes to a tool is read, or refused in one sentence."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.agents.api.arguments import Bash, Create, Insert, Refused, Replace, View, read_bash, read_edit


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
