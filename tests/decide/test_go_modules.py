"""Which module stands in the place of another one is as it was before the work."""

from __future__ import annotations

import pytest

from harness.decide.go_modules import restore_replaced

OLD = """\
module example.com/calc

require example.com/must v0.0.0 // the assertions
require (
	example.com/other v1.0.0
)

replace example.com/must => ./must
"""
NAMES = {
    "as it was": (OLD, OLD),
    "a new version of the language": (OLD + "\ngo 1.21\n", OLD + "\ngo 1.21\n"),
    "a new module of its own": (OLD + "replace example.com/new => ./new\n", OLD + "replace example.com/new => ./new\n"),
    "the same in a block": (
        OLD.replace("replace example.com/must => ./must", "replace (\n\texample.com/must   => ./must // here\n)"),
        OLD.replace("replace example.com/must => ./must", "replace (\n\texample.com/must   => ./must // here\n)"),
    ),
    "elsewhere": (OLD.replace("./must", "./loose"), OLD),
    "replaced now": (OLD + "replace example.com/other => ./loose\n", OLD),
    "no more": (OLD.replace("replace example.com/must => ./must\n", ""), OLD),
    "in a block": (
        OLD + "replace (\n\texample.com/other v1.0.0 => ./loose\n\texample.com/new => ./new\n)\n",
        OLD.replace("replace example.com/must => ./must\n", "")
        + "replace (\n\texample.com/new => ./new\n)\nreplace example.com/must => ./must\n",
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_what_replaces_a_module_that_was_known_is_as_it_was(name: str) -> None:
    now, restored = NAMES[name]
    assert restore_replaced(OLD, now) == restored
