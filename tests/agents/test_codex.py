"""What the lines of Codex mean."""

from helpers.recorded import read


def test_the_thoughts_of_codex_are_no_tool_call():
    thought = {"type": "item.started", "item": {"id": "1", "type": "reasoning"}}
    assert not read([thought], "codex").busy()
