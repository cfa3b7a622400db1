"""Words for a person, in whatever dialect they come."""

import pytest
from helpers.recorded import dialect_of, exit_of, lines_of

from harness.agents.stream import StreamReader


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("success-tool", ["I will write it.", "Bash echo hi > out.txt && cat out.txt", "Done.", "Done."]),
        ("codex/cx-tool", ["/bin/bash -lc 'echo hi > out.txt && cat out.txt'", "Done."]),
        ("gemini/gm-tool", ["run_shell_command echo hi > out.txt && cat out.txt", "Done."]),
        ("opencode/oc-tool", ["Working.", "bash echo hi > out.txt && cat out.txt", "Done."]),
        (
            "fallback-ok",
            ["API error 529, trying again (1)", "API error 529, trying again (2)", "falling back to claude-haiku-4-5"],
        ),
        ("overflow-forever", ["Bash echo a", "Bash echo b", "compacting the conversation"]),
    ],
)
def test_words_for_a_person_come_line_by_line(name, words):
    reader = StreamReader(dialect_of(name))
    said = [said for line in lines_of(name) if (said := reader.feed(line))]
    assert said[: len(words)] == words
    assert reader.transcript(exit_of(name)).last_words == said[-1]


def test_words_are_one_short_line_that_a_terminal_cannot_be_fooled_with():
    words = StreamReader("text").feed(b"\x1b]0;pwned\x07a\tb \x1b[31mred\x1b[0m\x00 \xe2\x80\xae\xff " + b"x" * 500)
    assert words.startswith("a b red") and len(words) == 200
    assert words.isprintable()
