"""Usage and cost of a transcript in the making."""

from __future__ import annotations

import pytest
from helpers.recorded import message, read, reply, reply_of

from harness.domain.reply import Cost, Ended, Exit, Usage

KILLED = Exit(Ended.TIMED_OUT, -9)


def test_a_killed_stream_is_summed_up_by_message_and_the_last_print_counts() -> None:
    said = read([message(1, 1), message(1, 50), message(2, 7)], "claude").transcript(KILLED)
    assert (said.usage, said.requests) == (Usage(2000, 57, 0, 600, 200), 2)


def test_where_the_output_was_counted_at_its_beginning_what_was_printed_counts() -> None:
    said = read([message(1, 1, "x" * 400), message(1, 1, "x" * 40)], "claude").transcript(KILLED)
    assert said.usage.output_tokens == 110


def test_a_result_tells_the_sum_itself() -> None:
    result = {"type": "result", "usage": {"input_tokens": 5}, "total_cost_usd": 0.5}
    assert read([message(1, 1), result], "claude").transcript(Exit(Ended.EXITED, 0)).usage == Usage(5)


def test_a_stream_of_many_messages_is_summed_up_whole() -> None:
    said = read([message(number, 1) for number in range(2500)], "claude").transcript(KILLED)
    assert (said.usage.input_tokens, said.requests) == (2_500_000, 2500)


ONE = Usage(1000, 50, 300, 200)
TWO = Usage(2000, 100, 600, 400)
NOTHING = Usage()


@pytest.mark.parametrize(
    ("name", "usage", "dollars"),
    [
        ("trivial", ONE, 0.00606),
        ("success-tool", TWO, 0.01212),
        ("fallback-ok", ONE, 0.00153),
        ("max-budget", Usage(200_000, 20_000, 600, 400), 1.20212),
        ("hang-mid-idle10s-mr1", Usage(2000, 51, 600, 400), 0.01114),
        ("v197-sess-1", ONE, 0.00765),
        ("v197-sess-2", ONE, 0.00765),
        ("v197-bg-forever-15min", TWO, 0.0153),
        ("bash-timeout-5s", Usage(3000, 150, 900, 600), 0.01818),
        ("bg-forever-40min", Usage(3000, 150, 900, 600), 0.01818),
        ("sess-1", TWO, 0.01212),
        ("sess-2-resume", ONE, 0.00606),
        ("sess-3-resume-fork", ONE, 0.00606),
        ("conn-refused", NOTHING, 0.0),
        ("bad-resume", NOTHING, 0.0),
        ("v197-e429-mr1", NOTHING, 0.0),
        ("sigkill-bash", Usage(1000, 19, 300, 200), None),
        ("root-refused", NOTHING, None),
        ("codex/cx-trivial", Usage(700, 50, 300), None),
        ("codex/cx-tool", Usage(1400, 100, 600), None),
        ("codex/cx-401", NOTHING, None),
        ("gemini/gm-tool", Usage(1400, 100, 600), None),
        ("gemini/gm-maxturns", Usage(700, 50, 300), None),
        ("opencode/oc-trivial", ONE, 0.00459),
        ("opencode/oc-tool", TWO, 0.00918),
        ("opencode/oc-401", NOTHING, None),
        ("opencode/oc-sigkill", NOTHING, None),
    ],
)
def test_usage_and_cost_are_those_of_this_process_and_unknown_is_not_zero(name, usage, dollars):
    transcript = reply_of(name).transcript
    cost = Cost() if dollars is None else Cost(dollars, "reported")
    assert (transcript.usage, transcript.cost) == (usage, cost)


def test_a_stream_that_tells_only_plain_usage_is_believed():
    result = {
        "type": "result",
        "subtype": "success",
        "is_error": False,
        "result": "ok",
        "usage": {"input_tokens": 7, "output_tokens": 3},
        "total_cost_usd": None,
    }
    transcript = reply([result], "claude").transcript
    assert (transcript.usage, transcript.cost) == (Usage(7, 3), Cost())
