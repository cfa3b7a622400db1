"""Limits, outages and agents that fail at once: what the run does about them, by clocks that tests move."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from helpers.world import CLAIM, World, say
from hypothesis import given
from hypothesis import strategies as st

from harness.decide.backoff import JITTER, MANY, after_failures, after_fault, after_limit, opening_of, pick_agent
from harness.domain.errors import AgentError
from harness.domain.look import Halt, Rules, Stop, Wait
from harness.domain.reply import FURTHEST, Limit, LimitKind
from harness.records.halt_file import local_time
from harness.records.history import fold_journal
from harness.run.interrupts import Interrupts

NOW = 1_795_266_900.0
WAITING = Rules(on_limit="wait")


def limit(resets_at: float | None = NOW + 3600, kind: LimitKind = LimitKind.USAGE) -> Limit:
    return Limit(kind, "it is used up", resets_at, "wait")


# --- decisions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("met", "rules", "limits", "halt", "says"),
    [
        pytest.param(limit(), Rules(), 1, Halt.QUOTA, "it is used up", id="the default is to halt"),
        pytest.param(limit(None), WAITING, 1, Halt.QUOTA, "when it resets is not known", id="no reset"),
        pytest.param(limit(NOW), WAITING, 1, Halt.QUOTA, "when it resets is not known", id="a reset in the past"),
        pytest.param(limit(NOW + FURTHEST + 1), WAITING, 1, Halt.QUOTA, "is not known", id="a reset beyond belief"),
        pytest.param(limit(), WAITING, 20, Halt.QUOTA, "20 limits in a row", id="limit after limit"),
        pytest.param(limit(kind=LimitKind.SPEND), WAITING, 1, Halt.QUOTA, "spend limit", id="a spend limit"),
        pytest.param(limit(kind=LimitKind.CREDIT), WAITING, 1, Halt.QUOTA, "credit", id="credit"),
        pytest.param(limit(kind=LimitKind.AUTH), WAITING, 1, Halt.QUOTA, "authentication", id="authentication"),
        pytest.param(limit(kind=LimitKind.REFUSED), WAITING, 1, Halt.CANNOT_START, "refused", id="refused"),
    ],
)
def test_what_cannot_be_waited_for_halts(met: Limit, rules: Rules, limits: int, halt: Halt, says: str) -> None:
    stop = after_limit(met, [opening_of(met, NOW, 0.5)], limits, rules, NOW)
    assert isinstance(stop, Stop)
    assert (stop.halt, says in stop.because) == (halt, True)


kinds, jitters = st.sampled_from(LimitKind), st.floats(0, 1, exclude_max=True)
resets = st.none() | st.floats(NOW - 1e6, NOW + 2 * FURTHEST)


@given(kinds, resets, jitters, st.integers(1, 30), st.sampled_from([0, 3, 20]))
def test_no_call_comes_before_the_reset_nor_long_after(kind, resets_at, jitter, limits, fault_limit) -> None:
    met, rules = limit(resets_at, kind), Rules(on_limit="wait", fault_limit=fault_limit)
    decision = after_limit(met, [opening_of(met, NOW, jitter)], limits, rules, NOW)
    if isinstance(decision, Wait):
        assert kind is LimitKind.USAGE
        assert limits < (fault_limit or MANY)
        assert resets_at is not None
        assert resets_at <= NOW + decision.seconds + 1e-3
        assert decision.seconds <= resets_at - NOW + JITTER


@given(st.dictionaries(st.sampled_from("abc"), st.none() | st.floats(0, 100)), st.floats(0, 100))
def test_no_agent_is_picked_before_its_limit_is_over_and_the_first_wins(closed, now) -> None:
    picked = pick_agent("abc", closed, now)
    is_open = [name for name in "abc" if name not in closed or (closed[name] is not None and closed[name] <= now)]
    assert picked == (is_open[0] if is_open else "")


@given(st.integers(1, 60), st.floats(0, 7199), st.floats(0, 0.999), st.sampled_from([0.0, 0.05, 15.0, 600.0]))
def test_a_wait_grows_is_capped_and_stays_within_the_outage(faults, outage, jitter, backoff) -> None:
    decision = after_fault(faults, outage, Rules(fault_backoff=backoff, fault_limit=0), jitter, "busy")
    assert isinstance(decision, Wait)
    assert 0 <= decision.seconds <= max(270, backoff)
    assert outage + decision.seconds <= 7200


@pytest.mark.parametrize(("faults", "outage"), [(9, 7200), (20, 60)], ids=["too long", "too many in a row"])
def test_an_outage_that_goes_on_is_a_halt(faults: int, outage: float) -> None:
    assert after_fault(faults, outage, Rules(), 0.0, "busy").halt is Halt.QUOTA


@pytest.mark.parametrize(
    ("reasons", "stops"),
    [
        pytest.param(["no such key"] * 2, False, id="twice"),
        pytest.param(["no such key"] * 3, True, id="three times"),
        pytest.param(["pid 41: at 0x7f", "pid 42: at 0x8a", "pid 43: at 0x9b"], True, id="numbers aside"),
        pytest.param(["a", "b", "a"], False, id="different"),
        pytest.param(["a", "b"] * 10, True, id="different, without an end"),
    ],
)
def test_failures_at_once_that_say_the_same_end_the_run(reasons: list[str], stops: bool) -> None:
    assert (after_failures(reasons, Rules(fault_limit=0)) is not None) == stops


COUNTED = ("attempts", "faults", "seconds")
events = st.lists(
    st.sampled_from([
        {"event": "attempt_began", "slug": "a", "attempt": 7},
        {"event": "attempt_ended", "slug": "a", "attempt": 7, "outcome": "fault", "seconds": 2, "dollars": 0.5},
        {"event": "attempt_ended", "slug": "a", "attempt": 7, "outcome": "failed", "charged": True, "dollars": None},
        {"event": "run_began"}, {"event": "run_ended"}, {"event": "waiting", "until": 1.0},
        {"event": "answered", "slug": "a"}, {"event": "halted", "slug": "a"}, {"event": "reset", "slug": "a"},
    ]),
    max_size=20,
)  # fmt: skip


@given(events)
def test_what_a_feature_has_used_in_its_life_never_falls(story) -> None:
    before = (0.0,) * 5
    for end in range(len(story) + 1):
        record = fold_journal(story[:end]).of("a")
        spent = (record.spent.dollars, record.spent.known + record.spent.unknown)
        after = (*(getattr(record, name) for name in COUNTED), *spent)
        assert all(old <= new for old, new in zip(before, after, strict=True))
        before = after


# --- runs -----------------------------------------------------------------------------------------------------------


@dataclass
class Clocks:
    """A wall and a monotonic clock that only waiting moves; `jumps` are seconds that the wall clock runs ahead."""

    wall: float = NOW
    steady: float = 1000.0
    waits: list[float] = field(default_factory=list)
    jumps: list[float] = field(default_factory=list)

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.steady += seconds
        self.wall += seconds + (self.jumps.pop() if self.jumps else 0.0)

    @property
    def given(self) -> dict[str, object]:
        return {"clock": lambda: self.wall, "monotonic": lambda: self.steady, "random": lambda: 0.5}


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    made = Clocks()
    monkeypatch.setattr(Interrupts, "wait", lambda control, seconds: made.wait(seconds))
    return made


def test_a_limit_is_waited_for_and_the_attempt_is_refunded(world: World, clocks: Clocks) -> None:
    world.spec("a")
    world.agent(f'if [ "$attempt" = 1 ]; then {say(NOW + 3600)}; fi; {CLAIM}')
    ran = world.run(dialect="claude", on_limit="wait", clocks=clocks.given, max_iterations=1)
    assert (ran.code, world.outcomes()) == (0, ["fault", "done"])
    assert [(e["until"], e["reset"]) for e in world.events("waiting")] == [(NOW + 3630, True)]
    assert (clocks.wall, max(clocks.waits)) == (NOW + 3630, 5.0)
    assert "usage limit: used up; nothing is charged" in ran.text


def test_a_second_limit_waits_for_its_own_reset_and_one_without_halts(world: World, clocks: Clocks) -> None:
    world.spec("a")
    world.agent(f'case "$attempt" in 1) {say(NOW + 60)};; 2) {say(NOW + 7200)};; *) {say(None)};; esac')
    ran = world.run(dialect="claude", on_limit="wait", clocks=clocks.given)
    assert ran.code == 6
    assert [e["until"] for e in world.events("waiting")] == [NOW + 90, NOW + 7230]
    assert "when it resets is not known" in (world.root / "HALT").read_text()


def test_a_limit_halts_by_default_and_names_the_reset(world: World, clocks: Clocks) -> None:
    world.spec("a")
    world.agent(say(NOW + 3600))
    assert world.run(dialect="claude", clocks=clocks.given).code == 6
    assert "resets: 2026-11-21" in (world.root / "HALT").read_text()
    assert clocks.waits == []


def test_a_clock_that_jumps_is_told_and_the_wait_ends_by_the_wall(world: World, clocks: Clocks) -> None:
    world.spec("a")
    world.agent(f'if [ "$attempt" = 1 ]; then {say(NOW + 36000)}; fi; {CLAIM}')
    clocks.jumps = [36000.0, 0.0]
    ran = world.run(dialect="claude", on_limit="wait", clocks=clocks.given, max_iterations=1)
    assert [e["seconds"] for e in world.events("clock_jumped")] == [36000.0]
    assert "the clock jumped ahead by 10h: this machine slept, or its clock was set" in ran.text
    assert clocks.steady == 1030.0


def test_a_clock_that_jumps_in_an_outage_is_told_and_the_wait_is_no_longer_for_it(world: World, clocks: Clocks) -> None:
    world.spec("a")
    world.agent(f'if [ "$attempt" = 1 ]; then echo "API Error: 529 Overloaded."; exit 1; fi; {CLAIM}')
    clocks.jumps = [-7200.0]
    ran = world.run(fault_backoff="200s", max_iterations=1, clocks=clocks.given)
    assert [e["seconds"] for e in world.events("clock_jumped")] == [-7200.0]
    assert "the clock jumped back by 2h: this machine slept, or its clock was set" in ran.text
    assert (world.outcomes(), clocks.waits) == (["fault", "done"], [175.0])


def test_a_clock_that_falls_back_by_years_makes_nobody_wait_for_years(world: World, clocks: Clocks) -> None:
    world.spec("a")
    world.agent(f'if [ "$attempt" = 1 ]; then {say(NOW + 3600)}; fi; {CLAIM}')
    clocks.jumps = [-NOW]
    ran = world.run(dialect="claude", on_limit="wait", clocks=clocks.given, max_iterations=1)
    assert (ran.code, world.outcomes(), clocks.waits) == (0, ["fault", "done"], [5.0])


def test_a_clock_that_jumps_in_an_attempt_is_told_and_ends_nothing(world: World) -> None:
    jumped = world.root / "jumped"
    world.spec("a")
    world.agent(f'touch "{jumped}"; sleep 0.5; {CLAIM}')
    ran = world.run(timeout="20s", clocks={"clock": lambda: NOW + 36000 * jumped.exists()})
    assert (ran.code, [e["seconds"] > 35000 for e in world.events("clock_jumped")]) == (0, [True])
    assert world.events("attempt_ended")[0]["seconds"] < 20


def test_halt_ends_a_wait(world: World, clocks: Clocks, monkeypatch) -> None:
    world.spec("a")
    world.agent(say(NOW + 3600))
    monkeypatch.setattr(Interrupts, "wait", lambda control, seconds: (world.root / "HALT").touch())
    assert world.run(dialect="claude", on_limit="wait", clocks=clocks.given).code == 3
    assert clocks.wall == NOW


def test_ctrl_c_ends_a_wait(world: World, clocks: Clocks, monkeypatch) -> None:
    world.spec("a")
    world.agent(say(NOW + 3600))
    monkeypatch.setattr(Interrupts, "wait", lambda control, seconds: control._on_signal(2, None))
    assert world.run(dialect="claude", on_limit="wait", clocks=clocks.given).code == 130


def test_the_time_of_the_run_ends_a_wait(world: World, clocks: Clocks) -> None:
    world.spec("a")
    world.agent(say(NOW + 36000))
    assert world.run(dialect="claude", on_limit="wait", max_time="1h", clocks=clocks.given).code == 1
    assert clocks.steady == 4600.0


def test_a_run_that_was_killed_in_a_wait_goes_on_waiting(world: World, clocks: Clocks) -> None:
    world.spec("a")
    world.agent(f'if [ "$attempt" = 1 ]; then {say(NOW + 3600)}; fi; {CLAIM}')
    world.run(dialect="claude", on_limit="wait", clocks=clocks.given, max_time="10s")
    cut_journal(world, "halted")
    clocks.wall = NOW + 100
    world.run(dialect="claude", on_limit="wait", clocks=clocks.given, max_iterations=1)
    assert clocks.wall == NOW + 3630
    assert world.outcomes() == ["fault", "done"]


def test_work_that_is_finished_in_the_same_attempt_waits_for_nothing(world: World, clocks: Clocks) -> None:
    world.spec("a", checks="true")
    world.agent(f"{CLAIM}; {say(NOW + 3600)}")
    assert world.run(dialect="claude", on_limit="wait", clocks=clocks.given).code == 0
    assert clocks.waits == []


def test_faults_in_a_row_end_the_run_and_charge_nothing(world: World, clocks: Clocks) -> None:
    world.spec("a")
    world.agent('echo "API Error: 529 Overloaded."; exit 1')
    ran = world.run(fault_limit="3", clocks=clocks.given)
    assert (ran.code, world.outcomes()) == (6, ["fault"] * 3)
    assert "3 faults in a row (`fault_limit`)" in ran.text


def test_an_agent_that_fails_at_once_three_times_alike_is_a_broken_setup(world: World, harness) -> None:
    world.spec("a")
    world.agent('echo "cannot read /etc/agent.toml (pid $$)" >&2; exit 9')
    ran = world.run()
    assert (ran.code, world.outcomes()) == (6, ["failed"] * 3)
    assert [e["charged"] for e in world.events("attempt_ended")] == [False] * 3
    told = (world.root / "HALT").read_text()
    assert "cannot read /etc/agent.toml" in told
    assert "`logs/attempts/a/0003`" in told


def cut_journal(world: World, event: str) -> None:
    """Leave the journal as a kill before its first event of a kind would have."""
    journal = world.root / "logs" / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[: next(n for n, line in enumerate(lines) if f'"{event}"'.encode() in line)]))


# --- agents that stand in -------------------------------------------------------------------------------------------


SCRIPT = "features: {default: [{note: 'a note that is long enough to count as one', done: finished}]}\n"


def chain(world: World, first: str) -> None:
    """Make the first agent of the chain a shell script, and the second one scripted."""
    world.agent(first)
    (world.root / "script.yaml").write_text(SCRIPT)
    world.settings |= {"agents": ["command", "scripted"], "script": "script.yaml", "dialect": "claude"}


def names(world: World) -> list[str]:
    return [e["agent"] for e in world.events("attempt_began")]


def test_the_next_agent_goes_on_where_a_limit_ends_the_first(world: World, clocks: Clocks) -> None:
    world.spec("a")
    world.spec("b")
    chain(world, say(None))
    ran = world.run(clocks=clocks.given)
    assert (ran.code, names(world)) == (0, ["command", "scripted", "scripted"])
    assert [(e["was"], e["agent"]) for e in world.events("agent_changed")] == [("command", "scripted")]
    assert "agent scripted goes on instead of command (usage limit: used up)" in ran.text


def test_the_first_agent_comes_back_when_its_reset_has_passed(world: World, clocks: Clocks) -> None:
    for slug in "abc":
        world.spec(slug, checks="true")
    chain(world, f'if [ "$slug" = a ]; then {say(NOW + 70)}; fi; {CLAIM}')
    ran = world.run(clocks=clocks.given, pause="45s")
    assert (ran.code, names(world)) == (0, ["command", "scripted", "scripted", "command"])
    assert [e["agent"] for e in world.events("agent_changed")] == ["scripted", "command"]


def test_an_agent_that_cannot_start_does_not_stand_in(world: World, clocks: Clocks) -> None:
    world.spec("a")
    chain(world, say(None))
    (world.root / "script.yaml").unlink()
    ran = world.run(clocks=clocks.given)
    assert (ran.code, names(world)) == (6, ["command"])
    assert "agent scripted cannot stand in: the script `script.yaml` does not exist" in ran.text


def test_a_spec_that_names_its_agent_gets_no_other(world: World, clocks: Clocks) -> None:
    world.spec("a", agent="command")
    chain(world, say(None))
    assert (world.run(clocks=clocks.given).code, names(world)) == (6, ["command"])


def test_when_all_are_closed_the_earliest_reset_is_waited_for(world: World, clocks: Clocks) -> None:
    world.spec("a", checks="true")
    chain(world, f'if [ "$attempt" = 1 ]; then {say(NOW + 3600)}; fi; {CLAIM}')
    stream = "type: result, is_error: true, api_error_status: 401, result: who are you"
    (world.root / "script.yaml").write_text(f"features: {{a: [{{result: false, events: [{{{stream}}}]}}]}}\n")
    ran = world.run(clocks=clocks.given, on_limit="wait")
    assert (ran.code, names(world)) == (0, ["command", "scripted", "command"])
    assert clocks.wall == NOW + 3630


def test_a_name_that_no_agent_has_is_told_at_the_start(world: World) -> None:
    world.spec("a")
    chain(world, CLAIM)
    with pytest.raises(AgentError, match="`agents` names `claud`"):
        world.run(agents=["command", "claud"])


def test_status_and_why_say_what_is_waited_for(world: World, clocks: Clocks, harness, monkeypatch) -> None:
    world.spec("a")
    world.agent(say(NOW + 3600))
    said = []

    def look_in(control: Interrupts, seconds: float) -> None:
        monkeypatch.setattr("harness.reports.view.time.time", lambda: NOW)
        said.extend([harness("status").out, harness("why").out])
        (world.root / "HALT").touch()

    monkeypatch.setattr(Interrupts, "wait", look_in)
    world.run(dialect="claude", on_limit="wait", clocks=clocks.given)
    until = local_time(NOW + 3630)
    assert f"it waits until {until}: usage limit: used up" in said[0]
    assert f"next: nothing: waits until {until}: usage limit: used up; `harness halt` ends the wait" in said[1]


def test_a_limit_that_a_killed_run_had_met_stops_the_next_one_too(world: World, clocks: Clocks) -> None:
    world.spec("a")
    world.agent(say(NOW + 3600))
    world.run(dialect="claude", clocks=clocks.given)
    (world.root / "HALT").unlink()
    cut_journal(world, "halted")
    ran = world.run(dialect="claude", clocks=clocks.given)
    assert (ran.code, world.outcomes(), world.has("HALT")) == (6, ["fault"], True)
    assert "resuming: command had met a limit that holds until 2026-" in ran.text


def test_who_stood_in_goes_on_after_a_kill(world: World, clocks: Clocks) -> None:
    for slug in "ab":
        world.spec(slug, checks="true")
    chain(world, say(NOW + 3600))
    world.run(clocks=clocks.given, max_iterations=1)
    cut_journal(world, "halted")
    assert world.run(clocks=clocks.given).code == 0
    assert names(world) == ["command", "scripted", "scripted"]
