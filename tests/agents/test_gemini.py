"""What the lines and the exit code of Gemini CLI mean."""

import pytest
from helpers.recorded import reply

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
