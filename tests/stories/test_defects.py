"""The defects of the bash original (B1 to B11), each as the behaviour that is right; more of it is in test_loop."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
from helpers.recorded import STREAMS
from helpers.waiting import PATIENCE, Leash, kill
from helpers.world import CLAIM, World

# --- B1: the breaker never tripped --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("note", "code"), [pytest.param(32, 5, id="32 bytes are silence"), pytest.param(33, 1, id="33 bytes are a note")]
)
def test_only_what_the_agent_wrote_into_its_log_counts_as_progress(world: World, note: int, code: int) -> None:
    world.spec("a")
    world.agent(f'seq 1000; seq 1000 >&2; head -c {note} /dev/zero | tr "\\0" x >> "$log"')
    assert world.run(max_iterations=3).code == code
    assert {event["note_bytes"] for event in world.events("attempt_ended")} == {note}


def test_work_on_harness_s_own_files_and_on_ignored_ones_is_no_progress(world: World) -> None:
    world.spec("a")
    (world.root / ".gitignore").write_text("build/\n")
    world.repository()
    world.agent('mkdir -p build; for file in build/x "$logs/x" "$learnings"; do echo "$attempt" >> "$file"; done')
    assert world.run().code == 5
    assert world.outcomes() == ["stalled"] * 3


# --- B2: BLOCKED was sticky and triggered itself ------------------------------------------------------------------


def test_an_old_question_in_the_log_blocks_nothing(world: World) -> None:
    world.spec("a")
    (world.root / "logs").mkdir()
    (world.root / "logs" / "a.log").write_text("BLOCKED: which port?\n")
    world.agent('if [ "$attempt" = 1 ]; then note "going on"; else ' + CLAIM + "; fi")
    assert world.run().code == 0
    assert world.outcomes() == ["progressed", "done"]


@pytest.mark.parametrize("dialect", ["text", "claude"])
def test_a_question_that_is_only_said_on_stdout_blocks_nothing(world: World, dialect: str) -> None:
    world.spec("a", "BLOCKED: this line stands in the spec, and the agent echoes its prompt.")
    world.agent('printf "%s\\n" "$prompt" "BLOCKED: said aloud"; echo "BLOCKED: said aloud" >&2; ' + CLAIM)
    assert world.run(dialect=dialect).code == 0
    assert not world.has("logs/a.blocked")


@pytest.mark.parametrize("line", ["BLOCKED: which port?", "- BLOCKED: which port?", "**BLOCKED:** which port?"])
def test_a_question_is_understood_as_people_write_it(world: World, line: str) -> None:
    world.spec("a")
    world.agent(f'echo "{line}" >> "$log"')
    assert world.run().code == 4
    assert world.log("a.blocked") == "which port?\n"


def test_a_feature_that_is_proven_in_the_same_attempt_is_not_blocked(world: World) -> None:
    world.spec("a", checks="true")
    world.agent('echo "BLOCKED: which port?" >> "$log"; ' + CLAIM)
    assert world.run().code == 0
    assert not world.has("logs/a.blocked")


def test_removing_the_blocked_marker_by_hand_arms_the_feature_again(world: World) -> None:
    world.spec("a")
    world.agent('if [ "$attempt" = 1 ]; then echo "BLOCKED: which port?" >> "$log"; else ' + CLAIM + "; fi")
    assert world.run().code == 4
    (world.root / "logs" / "a.blocked").unlink()
    (world.root / "HALT").unlink()
    assert world.run().code == 0


# --- B3: .done was simply trusted ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("check", "agent", "timeout"),
    [
        pytest.param("grep -q good a.txt", "echo bad > a.txt", "", id="with red tests"),
        pytest.param("sh tests.sh", "rm tests.sh", "", id="after the tests were deleted"),
        pytest.param("", "", "0.5s", id="from an agent that ran out of time"),
    ],
)
def test_a_marker_proves_nothing(world: World, check: str, agent: str, timeout: str) -> None:
    world.spec("a", **({"checks": check} if check else {}), **({"timeout": timeout} if timeout else {}))
    (world.root / "tests.sh").write_text("true\n")
    world.agent(f"{agent}\n{CLAIM}" + ("; sleep 60" if timeout else ""))
    assert world.run(max_iterations=1).code == 1
    assert world.outcomes() == ["unconfirmed"]
    assert not world.has("logs/a.done")


def test_a_marker_that_a_killed_run_left_is_a_claim_and_no_fact(world: World, leash: Leash, start) -> None:
    world.spec("a", checks="false")
    world.agent(f"{CLAIM}; {leash.code} sleep 600")
    world.config_file()
    run = start("run")
    leash.read()
    kill(run)
    assert leash.read() == b""
    assert world.states() == {"a": "claimed"}
    world.agent("true")
    assert world.run(max_iterations=1).code == 1
    assert (world.outcomes()[0], world.has("logs/a.done")) == ("unconfirmed", False)


# --- B4: the prompt went through argv -----------------------------------------------------------------------------


@pytest.mark.parametrize("newline", ["\n", ""], ids=["many lines", "one line"])
def test_400_kb_of_learnings_stop_nobody(world: World, newline: str) -> None:
    world.spec("a")
    (world.root / "logs").mkdir()
    (world.root / "logs" / "learnings.md").write_text(f"{'mind the gap ' * 5}{newline}" * 6000 + "the newest lesson\n")
    world.agent('printf %s "$prompt" | wc -c > size.txt; ' + CLAIM)
    assert world.run().code == 0
    assert int((world.root / "size.txt").read_text()) < 48_000
    assert "the newest lesson\nLEARNINGS" in world.prompt("a", 1)


def test_a_spec_beyond_the_limit_of_an_argument_reaches_the_agent_whole(world: World) -> None:
    world.spec("a", "Grow. " * 40_000 + "The last word.")
    world.agent('case "$prompt" in *"The last word."*) ' + CLAIM + "; esac")
    assert world.run(max_iterations=1).code == 0


# --- B5: a quota was read out of prose ----------------------------------------------------------------------------

HARMLESS = """\
The server answers 429 when the rate limit is hit, see lines 418-429 of limits.py.
The old version printed: Claude AI usage limit reached|1795233189
Test name: You've hit your limit - resets 2pm (Asia/Shanghai), credit balance is too low
{"type":"result","is_error": false} and authentication_failed and "is_error":true
import { Ratelimit } from "@upstash/ratelimit"
"""
TOLD = {
    "text": 'cat "$logs/../prose.txt" | tee -a "$log"; cat prose.txt >&2; ',
    "claude": """\
python3 - <<'PYTHON'
import json
text = open("prose.txt").read()
print(json.dumps({"type": "assistant", "message": {"id": "1", "content": [{"type": "text", "text": text}]}}))
print(json.dumps({"type": "result", "subtype": "success", "is_error": False, "num_turns": 1, "result": text}))
PYTHON
cat prose.txt >> "$log"; cat prose.txt >&2
""",
}


@pytest.mark.parametrize("dialect", TOLD)
def test_harmless_prose_about_limits_halts_nothing(world: World, dialect: str) -> None:
    world.spec("a")
    (world.root / "prose.txt").write_text(HARMLESS)
    world.agent(TOLD[dialect] + 'if [ "$attempt" = 2 ]; then ' + CLAIM + "; fi")
    assert world.run(dialect=dialect).code == 0
    assert world.outcomes() == ["progressed", "done"]


@pytest.mark.parametrize(
    ("stream", "exit", "kind"),
    [
        pytest.param("usage-limit-oauth-5h", 1, "usage limit", id="a window that is used up"),
        pytest.param("usage-limit-oauth-5h", 0, "usage limit", id="the same with exit 0"),
        pytest.param("e400-credit", 0, "credit", id="no credit, with exit 0"),
        pytest.param("no-auth", 1, "authentication", id="nobody logged in"),
    ],
)
def test_a_real_limit_halts_whatever_the_exit_code(world: World, stream: str, exit: int, kind: str) -> None:
    world.spec("a")
    world.agent(f"cat {shlex.quote(str(STREAMS / stream))}.jsonl; exit {exit}")
    ran = world.run(dialect="claude")
    assert (ran.code, world.outcomes()) == (6, ["fault"])
    assert f"why:    {kind}: " in (world.root / "HALT").read_text()
    assert ("resets: " in (world.root / "HALT").read_text()) == (kind == "usage limit")


@pytest.mark.parametrize("text", ["You've hit your limit · resets 2pm (Asia/Shanghai)", "Credit balance is too low"])
def test_a_limit_told_in_plain_text_by_a_failed_run_halts(world: World, text: str) -> None:
    world.spec("a")
    world.agent(f'echo "{text}"; exit 1')
    assert world.run().code == 6
    assert text in (world.root / "HALT").read_text()


# --- B6: what the agent started was waited for, or survived -------------------------------------------------------


@pytest.mark.parametrize("stdout", ["", "> /dev/null"], ids=["holding stdout", "with stdout closed"])
def test_a_grandchild_in_a_session_of_its_own_ends_with_a_good_attempt(world: World, leash: Leash, stdout: str) -> None:
    world.spec("a", timeout="20s")
    world.agent(f"{leash.code} setsid sh -c 'trap \"\" TERM HUP; sleep 600' {stdout} & {CLAIM}")
    assert world.run().code == 0
    assert world.outcomes() == ["done"]
    assert (leash.read(), leash.read()) == (b"working\n", b"")


def test_an_agent_that_ignores_term_is_killed_with_all_it_started(world: World, leash: Leash) -> None:
    world.spec("a")
    world.agent(f"{leash.code} trap '' TERM HUP INT; sleep 600 & echo now > '{world.root}/HALT'; sleep 600; sleep 600")
    assert world.run().code == 3
    assert (leash.read(), leash.read()) == (b"working\n", b"")


# --- B7: stopping waited for the agent, and a kill left it working ------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=["Ctrl-C", "TERM", "hang-up"])
def test_a_signal_ends_the_run_with_its_agent(world: World, leash: Leash, start, number: signal.Signals) -> None:
    world.spec("a")
    world.agent(f"{leash.code} sleep 600 & sleep 600")
    world.config_file()
    run = start("run", "--json")
    leash.read()
    os.killpg(run.pid, number)
    assert json.loads(run.communicate(timeout=PATIENCE)[0])["code"] == 130
    assert (run.returncode, leash.read()) == (130, b"")
    assert [(event["outcome"], event["charged"]) for event in world.events("attempt_ended")] == [("interrupted", False)]
    assert not world.has("HALT")


def test_kill_9_of_harness_leaves_no_agent_and_the_next_run_goes_on(world: World, leash: Leash, start) -> None:
    world.spec("a")
    world.agent(f"[ $attempt = 1 ] && {{ {leash.code} setsid sleep 600 & sleep 600; }}; {CLAIM}")
    world.config_file()
    run = start("run")
    leash.read()
    kill(run)
    assert leash.read() == b""
    assert world.run().code == 0
    assert world.outcomes() == ["interrupted", "done"]
    assert world.has("logs/attempts/a/0002")


@pytest.mark.parametrize("words", [("halt", "--now"), ("halt",)], ids=["now", "after the attempt"])
def test_harness_halt_reaches_a_run_from_another_terminal(world: World, harness, leash: Leash, start, words) -> None:
    world.spec("a")
    world.spec("b")
    world.agent(f'{leash.code} while [ ! -e "{world.root}/logs/HALT" ]; do sleep 0.02; done; ' + CLAIM)
    if "--now" in words:
        world.agent(f"{leash.code} sleep 600")
    world.config_file()
    run = start("run")
    leash.read()
    assert harness(*words).code == 0
    assert run.wait(PATIENCE) == 3
    assert world.outcomes() == ["interrupted" if "--now" in words else "done"]


# --- B8: there was no lock ----------------------------------------------------------------------------------------


def test_a_killed_run_that_nobody_has_buried_yet_is_dead(world: World, leash: Leash, start) -> None:
    world.spec("a")
    world.agent(f"[ $attempt = 1 ] && {{ {leash.code} sleep 600; }}; {CLAIM}")
    world.config_file()
    run = start("run")
    leash.read()
    run.kill()  # and no wait: it stays a zombie, as in a container whose first process reaps nobody
    assert leash.read() == b""
    assert world.run().code == 0


def test_a_second_runner_ends_with_2_and_names_the_first(world: World, harness, leash: Leash, start) -> None:
    world.spec("a")
    world.agent(f'{leash.code} while [ ! -e "{world.root}/go" ]; do sleep 0.02; done; ' + CLAIM)
    world.config_file()
    first = start("run")
    leash.read()
    second = harness("run")
    assert (second.code, second.out) == (2, "")
    assert second.err.startswith(f"error: another run has this project: pid {first.pid} on ")
    assert second.err.splitlines()[1] == "hint: watch it with `harness status`, pause it with `harness halt`"
    assert (harness("accept", "a", "because").code, harness("reset", "a").code) == (2, 2)
    (world.root / "go").touch()
    assert first.wait(PATIENCE) == 0
    assert world.outcomes() == ["done"]


# --- B9: counters lived in memory ---------------------------------------------------------------------------------


def test_attempts_without_progress_are_counted_across_restarts(world: World) -> None:
    world.spec("a")
    world.agent("true")
    assert [world.run(max_iterations=1).code for _ in range(3)] == [1, 1, 5]


def test_what_was_spent_is_added_up_across_restarts(world: World, harness) -> None:
    world.spec("a")
    result = '{"type":"result","subtype":"success","is_error":false,"result":"ok","total_cost_usd":0.25}'
    world.agent(f"note \"attempt $attempt\"; echo '{result}'")
    world.run(max_iterations=1, dialect="claude")
    world.run(max_iterations=1, dialect="claude")
    row = harness("status", "--json").json["features"][0]
    assert (row["attempts"], row["dollars"]) == (2, 0.5)


# --- B10: silence was taken for success ---------------------------------------------------------------------------


def _empty(world: World) -> None:
    (world.root / "specs").mkdir()


def _no_spec_file(world: World) -> None:
    world.spec("a")
    (world.root / "specs" / "b").mkdir()


def _order(line: str) -> Callable[[World], None]:
    def arrange(world: World) -> None:
        world.spec("a")
        (world.root / "specs" / "order.txt").write_text(line + "\n")

    return arrange


def _one(world: World) -> None:
    world.spec("a")


@pytest.mark.parametrize(
    ("arrange", "words", "sentence"),
    [
        pytest.param(_empty, (), "no features found in specs/", id="an empty folder of specs"),
        pytest.param(_one, ("nosuch",), "there is no feature `nosuch`", id="an unknown slug"),
        pytest.param(_one, ("a, b",), "there is no feature `a, b`", id="two slugs in one word"),
        pytest.param(_one, ("--", "-n"), "there is no feature `-n`", id="-n as a slug"),
        pytest.param(_one, ("",), "there is no feature ``", id="an empty slug"),
        pytest.param(_no_spec_file, (), "specs/b has no spec.md", id="a folder without its spec"),
        pytest.param(_order(".."), (), "specs/order.txt:1: `..` is no slug", id=".. in the order file"),
        pytest.param(_order("-n"), (), "specs/order.txt:1: `-n` is no slug", id="-n in the order file"),
        pytest.param(_order("nosuch"), (), "specs/order.txt:1: there is no feature `nosuch`", id="unknown in order"),
        pytest.param(_one, ("--stuck-limit", "abc"), "`--stuck-limit` must be a whole number", id="a flag of abc"),
    ],
)
def test_what_cannot_be_run_is_never_all_done(world: World, harness, arrange, words, sentence: str) -> None:
    world.config_file()
    arrange(world)
    ran = harness("run", *words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: {sentence}")
    assert "\nhint: " in ran.err
    assert not world.has("logs")


@pytest.mark.parametrize("name", ["MAX_ITERATIONS", "TIMEOUT", "KEEP_GOING"])
def test_a_variable_that_is_no_number_ends_with_2(world: World, harness, monkeypatch, name: str) -> None:
    world.spec("a")
    monkeypatch.setenv(f"HARNESS_{name}", "abc")
    ran = harness("run")
    assert ran.code == 2
    assert f"`HARNESS_{name}`" in ran.err
    assert "`abc`" in ran.err
    assert not world.has("logs")


# --- B11: one long line crashed it, and a closed pipe killed every agent ------------------------------------------


def test_a_log_that_is_one_line_of_64_mib_does_no_harm(world: World) -> None:
    world.spec("a")
    (world.root / "logs").mkdir()
    with (world.root / "logs" / "a.log").open("wb") as log:
        for _ in range(64):
            log.write(b"x" * (1 << 20))
    world.agent('if [ "$attempt" = 1 ]; then echo >> "$log"; note "one step"; else ' + CLAIM + "; fi")
    assert world.run().code == 0
    assert world.outcomes() == ["progressed", "done"]
    assert len(world.prompt("a", 1)) < 80_000
    assert "| one step, and this makes" in world.prompt("a", 2)
    assert (world.root / "logs" / "a.log").stat().st_size > 64 << 20


def test_a_reader_that_goes_away_disturbs_nothing(world: World) -> None:
    world.spec("a", checks="true")
    world.spec("b", checks="true")
    world.agent("seq 300; " + CLAIM)
    world.config_file()
    line = f"{shlex.quote(sys.executable)} -m harness run --verbose 2>&1 | head -n 1; echo ${{PIPESTATUS[0]}}"
    shown = subprocess.run(
        ["bash", "-c", line], cwd=world.root, env=world.environ, capture_output=True, text=True, timeout=60, check=True
    )
    assert "harness" in shown.stdout.splitlines()[0]
    assert shown.stdout.splitlines()[-1] == "0"
    assert world.states() == {"a": "done", "b": "done"}


def test_a_reader_of_a_report_may_go_away_too(world: World) -> None:
    for number in range(50):
        world.spec(f"feature-{number}")
    report, closed = os.pipe()
    os.close(report)
    ran = subprocess.run(
        [sys.executable, "-m", "harness", "status", "--json"],
        cwd=world.root, env=world.environ, stdout=closed, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip
    os.close(closed)
    assert (ran.returncode, ran.stderr) == (0, "")
