"""Limits, outages and agents that stand in: what the run does about them, by clocks that tests move."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from helpers.world import CLAIM, World, say

from harness.domain.errors import AgentError
from harness.records.halt_file import local_time
from harness.run.interrupts import Interrupts

NOW = 1_795_266_900.0


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
        return {"wall": lambda: self.wall, "steady": lambda: self.steady, "jitter": lambda: 0.5}


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
    assert "usage limit: used up; the attempt does not count" in ran.text


@pytest.mark.deep
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


@pytest.mark.deep
def test_a_clock_that_jumps_in_an_outage_is_told_and_the_wait_is_no_longer_for_it(world: World, clocks: Clocks) -> None:
    world.spec("a")
    world.agent(f'if [ "$attempt" = 1 ]; then echo "API Error: 529 Overloaded."; exit 1; fi; {CLAIM}')
    clocks.jumps = [-7200.0]
    ran = world.run(fault_backoff="200s", max_iterations=1, clocks=clocks.given)
    assert [e["seconds"] for e in world.events("clock_jumped")] == [-7200.0]
    assert "the clock jumped back by 2h: this machine slept, or its clock was set" in ran.text
    assert (world.outcomes(), clocks.waits) == (["fault", "done"], [175.0])


@pytest.mark.deep
def test_a_clock_that_falls_back_by_years_makes_nobody_wait_for_years(world: World, clocks: Clocks) -> None:
    world.spec("a")
    world.agent(f'if [ "$attempt" = 1 ]; then {say(NOW + 3600)}; fi; {CLAIM}')
    clocks.jumps = [-NOW]
    ran = world.run(dialect="claude", on_limit="wait", clocks=clocks.given, max_iterations=1)
    assert (ran.code, world.outcomes(), clocks.waits) == (0, ["fault", "done"], [5.0])


def test_halt_ends_a_wait(world: World, clocks: Clocks, monkeypatch) -> None:
    world.spec("a")
    world.agent(say(NOW + 3600))
    monkeypatch.setattr(Interrupts, "wait", lambda control, seconds: (world.root / "HALT").touch())
    assert world.run(dialect="claude", on_limit="wait", clocks=clocks.given).code == 3
    assert clocks.wall == NOW


@pytest.mark.deep
def test_ctrl_c_ends_a_wait(world: World, clocks: Clocks, monkeypatch) -> None:
    world.spec("a")
    world.agent(say(NOW + 3600))
    monkeypatch.setattr(Interrupts, "wait", lambda control, seconds: control._on_signal(2, None))
    assert world.run(dialect="claude", on_limit="wait", clocks=clocks.given).code == 130


@pytest.mark.deep
def test_the_time_of_the_run_ends_a_wait(world: World, clocks: Clocks) -> None:
    world.spec("a")
    world.agent(say(NOW + 36000))
    assert world.run(dialect="claude", on_limit="wait", max_time="1h", clocks=clocks.given).code == 1
    assert clocks.steady == 4600.0


@pytest.mark.deep
def test_a_run_that_was_killed_in_a_wait_goes_on_waiting(world: World, clocks: Clocks) -> None:
    world.spec("a")
    world.agent(f'if [ "$attempt" = 1 ]; then {say(NOW + 3600)}; fi; {CLAIM}')
    world.run(dialect="claude", on_limit="wait", clocks=clocks.given, max_time="10s")
    cut_journal(world, "halted")
    clocks.wall = NOW + 100
    world.run(dialect="claude", on_limit="wait", clocks=clocks.given, max_iterations=1)
    assert clocks.wall == NOW + 3630
    assert world.outcomes() == ["fault", "done"]


@pytest.mark.deep
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
    assert "agent scripted takes over from command (usage limit: used up)" in ran.text


@pytest.mark.deep
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


@pytest.mark.deep
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


@pytest.mark.deep
def test_a_limit_that_a_killed_run_had_met_stops_the_next_one_too(world: World, clocks: Clocks) -> None:
    world.spec("a")
    world.agent(say(NOW + 3600))
    world.run(dialect="claude", clocks=clocks.given)
    (world.root / "HALT").unlink()
    cut_journal(world, "halted")
    ran = world.run(dialect="claude", clocks=clocks.given)
    assert (ran.code, world.outcomes(), world.has("HALT")) == (6, ["fault"], True)
    assert "resuming: command had met a limit that holds until 2026-" in ran.text


@pytest.mark.deep
def test_who_stood_in_goes_on_after_a_kill(world: World, clocks: Clocks) -> None:
    for slug in "ab":
        world.spec(slug, checks="true")
    chain(world, say(NOW + 3600))
    world.run(clocks=clocks.given, max_iterations=1)
    cut_journal(world, "halted")
    assert world.run(clocks=clocks.given).code == 0
    assert names(world) == ["command", "scripted", "scripted"]
