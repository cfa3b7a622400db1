"""The environment of agents and checks is what they need and what is let through."""

from __future__ import annotations

from harness.system.environment import clean_environment


def test_the_environment_is_what_is_needed_and_what_is_let_through() -> None:
    given = {"PATH": "p", "LC_ALL": "C", "MY_KEY": "k", "CLAUDE_X": "c", "HARNESS_MODEL": "m", "HARNESS_X": "h"}
    assert clean_environment(given, ("CLAUDE_*",), ("HARNESS_*",)) == {"PATH": "p", "LC_ALL": "C", "CLAUDE_X": "c"}
