"""Usage and cost of a transcript in the making."""

from __future__ import annotations

from collections.abc import Callable

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


def _claude(usage: object, **more: object) -> list[dict]:
    return [{"type": "result", "usage": usage, "total_cost_usd": 187.0, "num_turns": 1, **more}]


def _since(**usage: object) -> list[dict]:
    return _claude({}, model_usage_since_last_result={"m": {"inputTokens": 5, "costUSD": 187.0, **usage}})


IMPOSSIBLE = {
    "claude-negative": ("claude", _claude({"input_tokens": -5})),
    "claude-nan": ("claude", _claude({"output_tokens": float("nan")})),
    "claude-text": ("claude", _claude({"output_tokens": "12"})),
    "claude-huge": ("claude", _claude({"output_tokens": 10**400})),
    "claude-too-long-an-answer": ("claude", [message(1, 9_000_000), *_claude({"input_tokens": 5})]),
    "claude-too-much-for-a-turn": ("claude", _since(outputTokens=9_000_000)),
    "claude-too-much-read-in-a-turn": ("claude", _since(cacheReadInputTokens=300_000_000)),
    "codex-negative": ("codex", [{"type": "turn.completed", "usage": {"input_tokens": -1}}]),
    "codex-more-cached": ("codex", [{"type": "turn.completed", "usage": {"cached_input_tokens": 9}}]),
    "gemini-negative": ("gemini", [{"type": "result", "status": "success", "stats": {"output_tokens": -1}}]),
    "opencode-infinite": ("opencode", [{"type": "step_finish", "part": {"tokens": {"output": float("inf")}}}]),
    "opencode-too-long": ("opencode", [{"type": "step_finish", "part": {"tokens": {"output": 9_000_000}, "cost": 1}}]),
}


@pytest.mark.parametrize(("dialect", "lines"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_where_the_tokens_cannot_be_true_the_cost_is_unknown_which_is_told_once(
    dialect: str, lines: list[dict]
) -> None:
    said = read([*lines, *lines], dialect).transcript(Exit(Ended.EXITED, 0))
    assert (said.cost, said.counted) == (Cost(), False)
    (notice,) = said.notices
    assert notice.startswith("it told of") and notice.endswith("tokens, which cannot be: what it cost is not known")


@pytest.mark.parametrize("dollars", [-1, float("nan"), 1e9, "1"])
def test_dollars_that_cannot_be_true_are_none(dollars: object) -> None:
    said = read(_claude({"input_tokens": 5}, total_cost_usd=dollars), "claude").transcript(Exit(Ended.EXITED, 0))
    assert (said.cost, said.usage) == (Cost(), Usage(5))


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


def _codex(tokens: int) -> dict:
    return {"type": "turn.completed", "usage": {"input_tokens": tokens, "output_tokens": tokens}}


def _gemini(tokens: int) -> dict:
    return {"type": "result", "status": "success", "stats": {"input_tokens": tokens, "output_tokens": tokens}}


@pytest.mark.parametrize(("dialect", "result"), [("codex", _codex), ("gemini", _gemini)])
def test_a_later_sum_that_is_smaller_is_not_believed(dialect: str, result: Callable[[int], dict]) -> None:
    said = reply([result(100), result(0)], dialect).transcript
    assert (said.usage, said.notices) == (
        Usage(100, 100),
        ("a later result counts less than an earlier one: it is not believed",),
    )
    said = reply([result(100), result(150)], dialect).transcript
    assert (said.usage, said.notices) == (Usage(150, 150), ())
