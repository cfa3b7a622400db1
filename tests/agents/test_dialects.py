"""Words for a person, and what only one agent's lines mean."""

import pytest
from helpers.recorded import dialect_of, exit_of, lines_of, read, reply

from harness.agents.stream import StreamReader
from harness.domain.reply import Ended


def test_an_answer_of_gemini_is_joined_from_its_pieces_and_begins_anew_after_a_tool():
    def piece(text, delta=True):
        return {"type": "message", "role": "assistant", "content": text, "delta": delta}

    call = {"type": "tool_use", "tool_id": "1", "tool_name": "x"}
    assert reply([piece("old"), call, piece("a"), piece("b")], "gemini").transcript.text == "ab"
    assert reply([piece("old"), piece("whole", delta=False)], "gemini").transcript.text == "whole"


@pytest.mark.parametrize(
    ("lines", "code", "ended", "status"),
    [
        ([], 173, Ended.EXITED, 429),
        ([], 145, Ended.EXITED, 401),
        ([], 53, Ended.EXITED, None),
        ([], 173, Ended.TIMED_OUT, None),
        ([{"type": "result", "status": "success"}], 173, Ended.EXITED, None),
        ([{"type": "result", "status": "error"}], 247, Ended.EXITED, 503),
    ],
)
def test_the_exit_code_of_gemini_tells_the_status_of_a_failed_run(lines, code, ended, status):
    assert reply(lines, "gemini", code, ended).transcript.api_status == status


def test_the_thoughts_of_codex_are_no_tool_call():
    thought = {"type": "item.started", "item": {"id": "1", "type": "reasoning"}}
    assert not read([thought], "codex").busy()


def test_opencode_counts_as_busy_within_a_step_because_it_tells_of_tools_when_they_are_over():
    assert read(lines_of("opencode/oc-sigkill"), "opencode").busy()
    assert not read(lines_of("opencode/oc-tool"), "opencode").busy()


def test_opencode_that_overflows_again_and_again_is_finished():
    overflow = {"type": "error", "error": {"name": "ContextOverflowError", "data": {"message": "too long"}}}
    step = {"type": "step_start", "part": {}}
    assert not read([overflow, step], "opencode").finished()
    assert read([overflow, step, overflow, step], "opencode").finished()


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
