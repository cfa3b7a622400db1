"""Money: what is spent is known or said to be unknown, no line is crossed unseen, and `harness cost` explains it."""

from __future__ import annotations

import json
import math
import os
import signal
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import yaml
from helpers.recorded import read
from helpers.world import Listener, World
from hypothesis import given
from hypothesis import strategies as st

from harness.agents.prices import PriceBook
from harness.decide.budget import Expected, expect, line_for, over, over_its_own, warnings
from harness.decide.budget import lines as lines_of
from harness.decide.next import stand, what_next
from harness.domain.errors import AgentError
from harness.domain.feature import Feature
from harness.domain.look import FeatureHistory, Halt, Look, Markers, Rules, Spend, State, Stop, Sum, Work
from harness.domain.reply import Ended, Exit, ModelPrice, Reply, Usage
from harness.loop import run_loop
from harness.reports.cost import find_misses, read_expenses
from harness.run.open import open_run
from harness.run.preflight import announce
from harness.settings.load import load_config

# --- prices -------------------------------------------------------------------------------------------------------

MILLION = Usage(1_000_000, 0, 0, 0)
MINE = ModelPrice("mine", 1.0, 2.0)


@pytest.mark.parametrize(
    "name",
    [
        "claude-opus-5-5",
        "Claude-Opus-5-5",
        "claude-opus-5-5[1m]",
        "anthropic/claude-opus-5-5",
        "openrouter/anthropic/claude-opus-5-5",
    ],
)
def test_a_model_is_known_under_the_names_that_agents_use(name: str) -> None:
    book = PriceBook()
    assert book.cost(name, MILLION) == book.cost("claude-opus-5-5", MILLION) > 0


@pytest.mark.parametrize("name", ["", "<synthetic>", "my-local-thing:30b", "scripted"])
def test_an_unknown_model_has_no_price_and_that_is_not_zero(name: str) -> None:
    assert (PriceBook().knows(name), PriceBook().cost(name, MILLION), PriceBook().window(name)) == (False, None, None)


@pytest.mark.parametrize(
    ("price", "usage", "dollars"),
    [
        pytest.param(MINE, Usage(1_000_000, 500_000), 2.0, id="input and output"),
        pytest.param(MINE, Usage(0, 0, 1_000_000, 1_000_000, 500_000), 2.0, id="cache figures left out are input's"),
        pytest.param(ModelPrice("mine", 1, 2, 0.1), Usage(0, 0, 1_000_000), 0.1, id="read"),
        pytest.param(
            ModelPrice("mine", 1, 2, 0.1, 1.25, 2.0), Usage(0, 0, 0, 1_000_000, 400_000), 1.55, id="5m and 1h writes"
        ),
        pytest.param(ModelPrice("mine", 0, 0), MILLION, 0.0, id="a model of one's own may be free"),
        pytest.param(ModelPrice("claude-opus-5-5", 100, 0), MILLION, 100.0, id="own prices win"),
    ],
)
def test_a_person_s_own_price_is_used(price: ModelPrice, usage: Usage, dollars: float) -> None:
    assert PriceBook((price,)).cost(price.model, usage) == pytest.approx(dollars)


def test_the_library_s_prices_tell_writes_of_5_minutes_and_an_hour_apart() -> None:
    book, each = PriceBook(), 100_000
    short, long = Usage(cache_write_tokens=each), Usage(cache_write_tokens=each, cache_write_1h_tokens=each)
    model = "claude-opus-5-5"
    assert book.cost(model, Usage(0, 0, each)) < book.cost(model, Usage(each)) < book.cost(model, short)
    assert book.cost(model, short) < book.cost(model, long)
    assert book.cost(model, short + long) == pytest.approx(book.cost(model, short) + book.cost(model, long))


def test_many_small_requests_are_not_priced_as_one_long_prompt() -> None:
    book, usage = PriceBook(), Usage(3_000_000)
    assert book.cost("gemini-2.5-pro", usage) == 2 * book.cost("gemini-2.5-pro", usage, requests=30)
    assert book.cost("gemini-2.5-pro", usage, requests=0) == book.cost("gemini-2.5-pro", usage, requests=30)


def test_the_source_tells_the_newest_price_that_is_in_force() -> None:
    said = PriceBook(today=lambda: date(2026, 6, 1)).source
    assert said.startswith("genai-prices 0.")
    assert date(2026, 1, 1) < date.fromisoformat(said.rpartition(" ")[2]) <= date(2026, 6, 1)


# --- deciding -----------------------------------------------------------------------------------------------------

A = Feature("a", Path("a"))
CLAUDE, CODEX = ("claude", ""), ("codex", "gpt")
TEN = tuple((CLAUDE, cost / 10) for cost in range(1, 11))


@pytest.mark.parametrize(
    ("costs", "rules", "dollars", "because"),
    [
        pytest.param((), Rules(), 0.5, "`expected_cost`: there is no history yet", id="no history"),
        pytest.param(TEN[:4], Rules(expected_cost=2), 2, "`expected_cost`: there is no history yet", id="too little"),
        pytest.param(TEN, Rules(), 0.9, "9 of 10 here cost no more", id="p90"),
        pytest.param(TEN[:5], Rules(), 0.5, "5 of 5 here cost no more", id="five are enough"),
        pytest.param(((CODEX, 9.0),) * 9 + TEN, Rules(), 0.9, "9 of 10 here cost no more", id="the same model"),
        pytest.param(((CODEX, 9.0),) * 9 + TEN[:4], Rules(), 9.0, "13 of 13 here cost no more", id="else all"),
        pytest.param(TEN, Rules(max_cost_per_attempt=0.3), 0.3, "`max_cost_per_attempt`", id="it stops by itself"),
    ],
)
def test_what_the_next_attempt_is_expected_to_cost(costs, rules, dollars, because) -> None:
    spend = Spend(costs=costs, asked={(None, None): CLAUDE})
    expected = expect(spend, rules, A)
    assert (expected.dollars, expected.because) == (dollars, because)


NOVEMBER = {"month_name": "2026-11"}


@pytest.mark.parametrize(
    ("spend", "rules", "because"),
    [
        pytest.param(Spend(run=Sum(4.0, 4)), Rules(max_cost=5), None, id="there is room"),
        pytest.param(Spend(run=Sum(4.5, 4)), Rules(max_cost=5), None, id="just enough room"),
        pytest.param(
            Spend(run=Sum(4.6, 4)),
            Rules(max_cost=5),
            "the run has cost $4.60 of $5.00 (`max_cost`), and the next attempt is expected to cost $0.50 "
            "(`expected_cost`: there is no history yet)",
            id="the next would cross it",
        ),
        pytest.param(
            Spend(run=Sum(5.1, 4)), Rules(max_cost=5), "the run has cost $5.10 of $5.00 (`max_cost`)", id="reached"
        ),
        pytest.param(
            Spend(run=Sum(4.0, 4, 2)),
            Rules(max_cost=5),
            "the run has cost $4.00 and 2 attempts of unknown cost, counted as $0.50 each: $5.00 of $5.00 (`max_cost`)",
            id="unknown counts as expected",
        ),
        pytest.param(Spend(month=Sum(89.5, 9), **NOVEMBER), Rules(monthly_budget=100), None, id="a month has room"),
        pytest.param(
            Spend(month=Sum(90.0, 9), **NOVEMBER),
            Rules(monthly_budget=100),
            "the month 2026-11 has cost $90.00 of $100.00 (`monthly_budget`, where runs stop at 90%)",
            id="the month stops at its share",
        ),
        pytest.param(Spend(run=Sum(999.0, 1)), Rules(), None, id="no line, no end"),
    ],
)
def test_a_run_ends_before_it_crosses_a_line(spend: Spend, rules: Rules, because: str | None) -> None:
    stop = over(spend, rules, A)
    assert (stop.because if stop else None) == because
    assert stop is None or (stop.halt is Halt.BUDGET and "raise `m" in stop.advice)


def test_the_month_says_when_the_next_begins() -> None:
    stop = over(Spend(month=Sum(90.0, 9), month_name="2026-12"), Rules(monthly_budget=100), A)
    assert datetime.fromtimestamp(stop.resets_at, UTC) == datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rules", "line"),
    [
        (Rules(), None),
        (Rules(max_cost_per_attempt=2), 2),
        (Rules(max_cost=10), 6),
        (Rules(max_cost=10, max_cost_per_feature=4), 3),
        (Rules(max_cost=10, monthly_budget=100), 5),
        (Rules(max_cost=10, max_cost_per_feature=4, max_cost_per_attempt=1), 1),
    ],
    ids=["none", "attempt", "run", "feature", "month", "the smallest"],
)
def test_an_attempt_s_own_line_is_what_is_left(rules: Rules, line: float | None) -> None:
    spend = Spend(run=Sum(4.0, 4), month=Sum(85.0, 99))
    assert line_for(A, Sum(1.0, 1), spend, rules) == line


@pytest.mark.parametrize(("spent", "told"), [(3.9, []), (4.0, ["max_cost"]), (5.0, ["max_cost"])])
def test_four_fifths_of_a_line_are_told(spent: float, told: list[str]) -> None:
    found = lines_of(Spend(run=Sum(spent, 1)), Rules(max_cost=5))
    assert [line.setting for line, _ in warnings(found, Expected(0.5, ""))] == told


def look(*slugs: str, rich: frozenset[str] = frozenset(), **given) -> Look:
    histories = {slug: FeatureHistory(attempts=1, spent=Sum(9.0, 1)) for slug in rich}
    features = tuple(Feature(slug, Path(slug)) for slug in slugs)
    return Look(features, given.pop("markers", Markers()), histories, **given)


PER_FEATURE = Rules(max_cost_per_feature=5)


def test_a_feature_over_its_line_has_a_word_of_its_own() -> None:
    standing = stand(A, look("a", rich=frozenset("a")), PER_FEATURE)
    assert standing.state is State.OVER_BUDGET
    assert standing.because == "it has cost $9.00 of $5.00 (`max_cost_per_feature`)"


@pytest.mark.parametrize(
    ("seen", "rules", "halt"),
    [
        pytest.param(look("a", "b", rich=frozenset("a")), PER_FEATURE, Halt.BUDGET, id="one feature halts the run"),
        pytest.param(
            look("a", rich=frozenset("a"), pending_stop=Stop(Halt.QUOTA, "x")), PER_FEATURE, Halt.QUOTA, id="6 before 7"
        ),
        pytest.param(
            look("a", "b", rich=frozenset("a"), markers=Markers(blocked=frozenset("b"))),
            Rules(max_cost_per_feature=5, keep_going=True),
            Halt.BUDGET,
            id="7 before 4 at the end",
        ),
        pytest.param(
            look("a", "b", rich=frozenset("a"), iterations=9),
            Rules(max_cost_per_feature=5, keep_going=True, max_iterations=9),
            Halt.BUDGET,
            id="7 before 1",
        ),
        pytest.param(look("a", spend=Spend(run=Sum(5, 1))), Rules(max_cost=5), Halt.BUDGET, id="the run's line"),
        pytest.param(
            look("a", spend=Spend(run=Sum(5, 1)), markers=Markers(done=frozenset("a"))),
            Rules(max_cost=5),
            Halt.ALL_DONE,
            id="done wins",
        ),
    ],
)
def test_where_the_budget_stands_in_the_order_of_halts(seen: Look, rules: Rules, halt: Halt) -> None:
    assert what_next(seen, rules).halt is halt


def test_keep_going_goes_on_with_features_that_have_money_left() -> None:
    decision = what_next(look("a", "b", rich=frozenset("a")), Rules(max_cost_per_feature=5, keep_going=True))
    assert isinstance(decision, Work)
    assert decision.feature.slug == "b"


dollars = st.floats(0, 20, allow_nan=False)


@given(st.lists(dollars, max_size=60), st.floats(0.01, 50), dollars)
def test_a_line_is_crossed_by_no_more_than_the_last_attempt_cost_above_what_was_expected(real, limit, stated) -> None:
    rules, spent, costs, excess = Rules(max_cost=limit, expected_cost=stated), Sum(), (), 0.0
    for cost in real:
        spend = Spend(run=spent, costs=costs)
        if over(spend, rules, A) is not None:
            break
        excess = max(0.0, cost - expect(spend, rules, A).dollars)
        spent, costs = spent.plus(cost), (*costs, (CLAUDE, cost))
    assert spent.dollars <= limit + excess + 1e-6


@given(st.lists(st.none() | dollars, max_size=20), st.floats(0.01, 50))
def test_an_attempt_of_unknown_cost_never_leaves_more_to_spend(costs, limit) -> None:
    spent = Sum()
    for cost in costs:
        spent = spent.plus(cost)
    rules, more = Rules(max_cost=limit), spent.plus(None)
    assert line_for(A, Sum(), Spend(run=more), rules) <= line_for(A, Sum(), Spend(run=spent), rules)
    assert over(Spend(run=spent), rules, A) is None or over(Spend(run=more), rules, A) is not None
    assert math.isclose(more.dollars, spent.dollars)


@given(dollars, st.floats(0.01, 50))
def test_a_feature_is_over_its_line_or_has_a_line_left(spent, limit) -> None:
    rules, sum_ = Rules(max_cost_per_feature=limit), Sum(spent, 1)
    assert over_its_own(A, sum_, Spend(), rules) is not None or line_for(A, sum_, Spend(), rules) > 0


# --- stories ------------------------------------------------------------------------------------------------------

NOTE = "a note that is long enough to count as progress"


def scripted(world: World, *steps: dict, **others: list[dict]) -> None:
    """Let the scripted agent play these steps for every feature, the last one again and again."""
    features = {"default": [{"note": NOTE, **step} for step in steps], **others}
    (world.root / "script.yaml").write_text(yaml.safe_dump({"features": features}))
    world.settings = {"agent": "scripted", "script": "script.yaml"}


def test_a_run_stops_before_the_attempt_that_would_cross_its_line(world: World) -> None:
    world.spec("a")
    scripted(world, {"cost": 0.4})
    ran = world.run(max_cost=1.5)
    assert (ran.code, world.outcomes()) == (7, ["progressed"] * 3)
    halt = (world.root / "HALT").read_text()
    assert (
        "why:    the run has cost $1.20 of $1.50 (`max_cost`), and the next attempt is expected to cost $0.50" in halt
    )
    assert "money:  the run has cost $1.20 of $1.50 (`max_cost`)" in halt
    assert "do:     raise `max_cost`" in halt
    assert "budget: $1.50 for the run\n" in ran.text + "\n"
    assert "genai" not in ran.text


def test_another_run_may_cost_as_much_again(world: World) -> None:
    world.spec("a")
    scripted(world, {"cost": 0.4})
    world.run(max_cost=1)
    (world.root / "HALT").unlink()
    assert world.run(max_cost=1).code == 7
    assert len(world.outcomes()) == 4


def test_four_fifths_are_told_once_and_written_down(world: World) -> None:
    world.spec("a")
    scripted(world, {"cost": 0.1})
    ran = world.run(max_cost=1, expected_cost="0.01", max_iterations=10)
    assert [line for line in ran.lines if line.startswith("budget: the run")] == [
        "budget: the run has cost $0.80 of $1.00 (`max_cost`)"
    ]
    assert [(e["line"], e["spent"], e["limit"]) for e in world.events("budget_warning")] == [("max_cost", 0.8, 1.0)]


def test_a_feature_over_its_line_is_set_aside_and_the_others_go_on(world: World) -> None:
    world.spec("a")
    world.spec("b")
    scripted(world, {"cost": 0.6}, b=[{"note": NOTE, "done": "it works", "cost": 0.1}])
    world.settings["max_cost_per_feature"] = "1.20"
    ran = world.run(keep_going=True)
    assert (ran.code, ran.stop.slug, world.outcomes()) == (7, "a", ["progressed", "progressed", "done"])
    assert not world.has("HALT")
    world.config_file()
    assert world.states() == {"a": "over budget", "b": "done (unverified)"}


def test_without_keep_going_a_feature_over_its_line_ends_the_run(world: World) -> None:
    world.spec("a")
    world.spec("b")
    scripted(world, {"cost": 0.6})
    assert world.run(max_cost_per_feature=1).code == 7
    assert "`max_cost_per_feature`" in (world.root / "HALT").read_text()
    assert world.outcomes("b") == []


def test_a_reset_does_not_make_a_feature_cheaper(world: World, harness) -> None:
    world.spec("a")
    scripted(world, {"cost": 0.6})
    world.run(max_iterations=1)
    harness("reset", "a")
    assert harness("status", "--json").json["features"][0]["dollars"] == 0.6
    assert harness("cost", "--json").json["month"]["dollars"] == 0.6


def run_at(world: World, moment: str, **flags) -> int:
    """Run with a clock that stands still."""
    stands = datetime.fromisoformat(moment).timestamp()
    config = load_config(world.root, {"pause": "0", **world.settings, **flags}, world.environ)
    with open_run(config, Listener(), environ=world.environ, clock=lambda: stands) as run:
        announce(run)
        return run_loop(run)[0].halt.code


def test_the_month_s_budget_outlives_the_run_and_begins_anew_at_midnight_utc(world: World) -> None:
    world.spec("a")
    scripted(world, {"cost": 0.4})
    bounds = {"monthly_budget": 1, "expected_cost": "0.4", "max_iterations": 1}
    assert [run_at(world, "2026-11-30T23:59:59Z", **bounds) for _ in range(2)] == [1, 7]
    assert "resets: 2026-" in (world.root / "HALT").read_text()
    (world.root / "HALT").unlink()
    assert run_at(world, "2026-11-30T23:59:59Z", **bounds) == 7
    (world.root / "HALT").unlink()
    assert run_at(world, "2026-12-01T00:00:00Z", **bounds) == 1
    assert len(world.outcomes()) == 3


def test_what_a_killed_run_spent_is_counted_once_and_in_its_month(world: World, harness) -> None:
    result = json.dumps({"type": "result", "is_error": False, "total_cost_usd": 0.25})
    world.spec("a")
    world.agent(f"note one; echo '{result}'; if [ $attempt = 2 ]; then touch \"$logs/up\"; sleep 60; fi")
    world.settings["dialect"] = "claude"
    world.config_file(max_iterations=2)
    child = world.start("run")
    while not world.has("logs/up"):
        assert child.poll() is None
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    for stream in (child.stdout, child.stderr):
        stream.close()
    for _ in range(2):
        world.agent("exit 0")
        world.settings["dialect"] = "claude"
        world.run("a", max_iterations=1, monthly_budget="0.99", expected_cost="0.60")
        report = harness("cost", "--json").json
        assert (report["month"]["dollars"], report["total"]["attempts"]) == (0.5, 2)
        (world.root / "HALT").unlink()


def test_what_was_spent_on_a_receipt_is_known_though_the_run_died_right_after_it(world: World, harness) -> None:
    world.spec("a", checks="true")
    scripted(world, {"cost": 0.4, "done": "it works"})
    world.run()
    journal = world.root / "logs" / "journal.jsonl"
    events = journal.read_bytes().splitlines(keepends=True)
    ended = next(number for number, line in enumerate(events) if b'"attempt_ended"' in line)
    journal.write_bytes(b"".join(events[:ended]))
    assert world.run().code == 0
    assert harness("cost", "--json").json["month"]["dollars"] == 0.4


def test_claude_code_is_told_what_is_left(world: World) -> None:
    world.spec("a")
    result = json.dumps({"type": "result", "is_error": False, "total_cost_usd": 0.4})
    program = world.root.parent / "bin" / "claude"
    program.parent.mkdir()
    program.write_text(
        f"#!/bin/sh\ncat > /dev/null\necho \"$@\" >> ../args\necho '{NOTE}' >> logs/a.log\necho '{result}'\n"
    )
    program.chmod(0o755)
    world.settings = {"agent": "claude"}
    environ = {**world.environ, "PATH": f"{program.parent}:{world.environ['PATH']}", "IS_SANDBOX": "1"}
    world.run(environ=environ, max_iterations=2, max_cost=5, max_cost_per_attempt="4.80")
    began = [line for line in (world.root.parent / "args").read_text().splitlines() if line.startswith("-p ")]
    assert [line.partition("--max-budget-usd ")[2] for line in began] == ["4.8000", "4.6000"]


def test_a_fault_that_is_refunded_has_cost_its_money(world: World) -> None:
    world.spec("a")
    down = {"type": "result", "is_error": True, "api_error_status": 529, "errors": ["busy"], "total_cost_usd": 0.6}
    scripted(world, {"events": [down], "result": False, "exit": 1})
    ran = world.run(max_cost=1)
    assert (ran.code, world.outcomes()) == (7, ["fault"])


# --- before anything is run ---------------------------------------------------------------------------------------

CODEX_LINES = [
    {"type": "thread.started", "thread_id": "t"},
    {"type": "turn.completed", "usage": {"input_tokens": 1_000_000, "cached_input_tokens": 0, "output_tokens": 0}},
]


def codex(world: World) -> None:
    """Let a shell script print what Codex would."""
    said = "\n".join(json.dumps(line) for line in CODEX_LINES)
    world.agent(f"note one\ncat <<'END'\n{said}\nEND")
    world.settings["dialect"] = "codex"


def test_with_a_budget_an_agent_of_plain_text_does_not_start(world: World) -> None:
    world.spec("a")
    with pytest.raises(AgentError, match="`dialect: text`") as caught:
        world.run(max_cost=5)
    assert (caught.value.exit_code, "`max_iterations`" in caught.value.hint) == (2, True)
    assert world.run(max_iterations=1).code == 1


@pytest.mark.parametrize("setting", ["max_cost", "max_cost_per_feature", "max_cost_per_attempt", "monthly_budget"])
def test_with_a_budget_and_no_price_it_says_which_line_to_add(world: World, setting: str) -> None:
    world.spec("a")
    codex(world)
    with pytest.raises(AgentError) as caught:
        world.run(model="my-model", **{setting: 5})
    assert caught.value.message == "a budget is set, and no price is known for model `my-model`"
    hint = caught.value.hint
    assert hint == (
        "add `prices: {my-model: {input: 1.00, output: 5.00}}` (dollars for a million tokens) to harness.yaml"
    )
    line = hint.split("`")[1]
    (world.root / "harness.yaml").write_text(line + "\n")
    assert world.run(model="my-model", max_iterations=1, **{setting: 5}).code == 1
    assert [(e["dollars"], e["cost_source"], e["prices"]) for e in world.events("attempt_ended")] == [
        (1.0, "derived", "harness.yaml")
    ]


def test_with_a_budget_and_no_model_named_it_asks_for_one(world: World) -> None:
    world.spec("a")
    codex(world)
    with pytest.raises(AgentError, match="does not say which model it uses"):
        world.run(max_cost=5)
    ran = world.run(max_cost=5, model="gpt-5.2", max_iterations=1)
    assert "budget: $5.00 for the run; prices: genai-prices" in ran.text
    assert "`command` cannot be stopped at a line in dollars" in ran.text


def test_a_feature_s_own_model_needs_a_price_too(world: World) -> None:
    world.spec("a")
    world.spec("b", model="my-model")
    codex(world)
    with pytest.raises(AgentError, match="`my-model`"):
        world.run(max_cost=5, model="gpt-5.2")


# --- what an attempt cost -----------------------------------------------------------------------------------------


def test_without_a_price_a_cost_is_unknown_and_status_says_so(world: World, harness) -> None:
    world.spec("a")
    codex(world)
    world.run(max_iterations=1)
    world.config_file()
    row = harness("status", "--json").json["features"][0]
    assert (row["dollars"], row["unknown_costs"]) == (None, 1)
    world.run(max_iterations=1, model="gpt-5.2")
    assert "+?" in harness("status").out
    assert harness("cost", "--json").json["rows"][0] | {"name": ""} == {
        "name": "", "attempts": 2, "uncached": 2_000_000, "cache_read": 0, "cache_written": 0, "output": 0,
        "hit_rate": 0.0, "dollars": 1.75, "reported": 0, "derived": 1, "unknown": 1,
    }  # fmt: skip


def message(number: int, output: int, text: str = "x") -> dict:
    usage = {
        "input_tokens": 1000, "output_tokens": output, "cache_read_input_tokens": 0,
        "cache_creation_input_tokens": 300, "cache_creation": {"ephemeral_1h_input_tokens": 100},
    }  # fmt: skip
    content = [{"type": "text", "text": text}]
    return {"type": "assistant", "message": {"id": f"m{number}", "model": "m", "content": content, "usage": usage}}


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


def test_an_attempt_that_is_killed_at_its_time_limit_has_a_derived_cost(world: World) -> None:
    init = {"type": "system", "subtype": "init", "model": "claude-opus-5-5"}
    said = "\n".join(json.dumps(line) for line in (init, message(1, 100)))
    world.spec("a")
    world.agent(f"cat <<'END'\n{said}\nEND\nexec sleep 60")
    world.run(max_iterations=1, dialect="claude", timeout="0.3s")
    [ended] = world.events("attempt_ended")
    assert (ended["outcome"], ended["cost_source"]) == ("timed_out", "derived")
    assert ended["dollars"] == pytest.approx(PriceBook().cost("claude-opus-5-5", Usage(1000, 100, 0, 300, 100)))
    assert ended["prices"].startswith("genai-prices")


def test_an_agent_that_could_not_be_started_has_cost_nothing() -> None:
    from harness.run.spending import price

    reply = price(Reply(Exit(Ended.NOT_STARTED)), None, PriceBook())
    assert reply.transcript.cost.dollars == 0.0


# --- harness cost -------------------------------------------------------------------------------------------------


def attempt(number: int, at: str, read: int, written: int = 0, *, parts: dict | None = None, **fields) -> list[dict]:
    """Two events of the journal: an attempt of a minute."""
    parts = {"system": "s1", "spec": "p1", **(parts or {})}
    sections = {name: parts[name] for name in parts if name in ("instructions", "spec", "learnings")}
    prefix = {name: parts[name] for name in parts if name in ("tools", "system")}
    usage = {"input_tokens": 10_000 - read - written, "output_tokens": 5, "cache_read_tokens": read}
    usage |= {"cache_write_tokens": written}
    head = {"slug": "a", "attempt": number, "at": f"2026-11-21T{at}:00.000Z", "run": "r"}
    ended = {"prefix": prefix, "usage": usage, "dollars": 0.5, "seconds": 60.0, "model": "m", "agent": "api"}
    return [
        {**head, "event": "attempt_began", "sections": sections},
        {**head, "event": "attempt_ended", **ended, **fields},
    ]


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        pytest.param(attempt(3, "10:00", 9000), attempt(4, "10:02", 8000), None, id="a small fall is nothing"),
        pytest.param(
            attempt(3, "10:00", 9000), attempt(4, "10:02", 0, parts={"system": "s2", "spec": "p2"}),
            "system changed between attempt 3 and 4", id="the first that changed",
        ),
        pytest.param(
            attempt(3, "10:00", 9000), attempt(4, "10:02", 0, model="n"), "model changed between attempt 3 and 4",
            id="model",
        ),
        pytest.param(
            attempt(3, "10:00", 9000), attempt(4, "10:13", 0),
            "the cache's life passed: 12m between attempt 3 and 4", id="too late",
        ),
        pytest.param(
            attempt(3, "10:00", 9000), attempt(4, "10:02", 0),
            "nothing that harness knows of changed between attempt 3 and 4", id="nothing known",
        ),
    ],
)  # fmt: skip
def test_a_missed_cache_is_told_with_its_reason(first, second, why) -> None:
    found = list(find_misses(read_expenses([*first, *second])))
    assert found == ([] if why is None else [f"a: the cache's hit rate fell from 90% to 0%: {why}"])


def test_short_prompts_are_not_judged_by_their_hit_rate() -> None:
    small = {"usage": {"input_tokens": 10}}
    events = [*attempt(1, "10:00", 9000), *attempt(2, "10:02", 0, **small)]
    assert list(find_misses(read_expenses(events))) == []


def test_a_journal_of_an_earlier_version_is_read_too() -> None:
    old = {"event": "attempt_ended", "slug": "a", "attempt": 1, "at": "2026-01-01T00:00:00.000Z", "run": "r"}
    began = {**old, "event": "attempt_began"}
    [one, two] = read_expenses([began, old, began, {**old, "dollars": 0.5}])
    assert (one.dollars, one.source, one.usage, one.hit_rate) == (None, "unknown", Usage(), None)
    assert (two.dollars, two.source) == (0.5, "reported")


USED = {
    "input_tokens": 2000,
    "output_tokens": 100,
    "cache_read_input_tokens": 6000,
    "cache_creation_input_tokens": 2000,
}


def test_cost_shows_dollars_tokens_and_what_a_proven_feature_cost(world: World, harness) -> None:
    world.spec("a", checks="true")
    world.spec("b")
    scripted(
        world, {"cost": 0.5, "usage": USED}, a=[{"note": NOTE, "cost": 0.25, "usage": USED}, {"done": "x", "cost": 0.5}]
    )
    world.config_file(monthly_budget=10)
    world.run(max_iterations=3)
    month = datetime.now(UTC).strftime("%Y-%m")
    assert harness("cost").out == (
        "feature  attempts  uncached  read    written  output  hits  cost   known by\n"
        "a        2         2,000     6,000   2,000    100     60%   $0.75  reported\n"
        "b        1         2,000     6,000   2,000    100     60%   $0.50  reported\n"
        "in all   3         4,000     12,000  4,000    200     60%   $1.25  reported\n"
        "\n"
        "1 proven feature: $1.25 each, with what led nowhere\n"
        f"{month} (UTC): $1.25 of $10.00, runs stop at $9.00\n"
    )
    assert [row["name"] for row in harness("cost", "a", "--json").json["rows"]] == ["a"]
    assert [row["name"] for row in harness("cost", "--by", "model", "--json").json["rows"]] == ["scripted"]
    assert harness("cost", "--by", "day", "--json").json["rows"][0]["name"].startswith(month)
    assert harness("cost", "nobody").code == 2
    assert harness("cost", "--by", "moon").code == 2


def test_what_changed_between_attempts_is_written_down(world: World) -> None:
    world.spec("a")
    scripted(world, {"cost": 0.1}, {"learning": "one lesson"}, {})
    world.run(max_iterations=3)
    first, second, third = (e["sections"] for e in world.events("attempt_began"))
    assert list(first) == ["instructions", "spec", "learnings", "prior log", "observed"]
    assert {name for name in first if first[name] != second[name]} == {"prior log"}
    assert {name for name in first if second[name] != third[name]} == {"learnings", "prior log"}
