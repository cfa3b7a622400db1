"""Each command does what its help says, through the real command line."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.files import tree
from helpers.waiting import until
from helpers.world import CLAIM, World, say

from harness import __version__
from harness.decide.next import stand
from harness.domain.errors import StorageError
from harness.domain.feature import Feature
from harness.domain.look import FeatureHistory, Look, Markers, Rules
from harness.domain.verdict import Outcome
from harness.records.halt_file import local_time
from harness.records.journal import Journal, read_journal
from harness.records.run_lock import find_holder, hold_lock

SCRIPT = Path(sys.executable).with_name("harness")
GOOD = """\
Log people in.

## Acceptance criteria
- [ ] `sh test.sh` exits 0

## Out of scope
- Passwords.
"""
COMMANDS = (
    "run", "dry-run", "demo", "verify", "init", "new", "lint", "status", "why", "log", "config", "doctor",
    "answer", "accept", "reset", "halt", "resume",
)  # fmt: skip


@pytest.fixture
def claude(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `claude` of a few lines on PATH, and a home of its own; gives that home."""
    program = tmp_path / "bin" / "claude"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && { echo "2.1.329 (Claude Code)"; exit; }\nprompt=$(cat)\n'
        'done=$(printf %s "$prompt" | grep -o "/[^ ]*[.]done" | head -n 1)\necho "did it" > "$done"\n'
        """echo '{"type":"result","subtype":"success","is_error":false,"result":"ok","num_turns":1}'\n"""
    )
    program.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    for name in [name for name in os.environ if name.startswith(("ANTHROPIC_", "CLAUDE"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("IS_SANDBOX", "1")
    return home


def proven(world: World, *slugs: str) -> None:
    """Bring features to their receipts, each with the check `sh test.sh`."""
    (world.root / "test.sh").write_text("true\n")
    for slug in slugs:
        world.spec(slug, GOOD, checks="sh test.sh")
    world.agent(CLAIM)
    world.config_file()
    assert world.run().code == 0


def blocked(world: World, slug: str = "a") -> None:
    """Bring a feature to its question."""
    world.spec(slug)
    world.agent('echo "BLOCKED: which port?" >> "$log"')
    world.config_file()
    assert world.run().code == 4


# --- the command line itself --------------------------------------------------------------------------------------


def test_the_version_is_told_by_the_module_and_by_the_script(world: World) -> None:
    told = subprocess.run([SCRIPT, "--version"], cwd=world.root, capture_output=True, text=True, check=True).stdout
    assert told == world.command("--version").stdout == f"harness {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_says_what_it_does_with_an_example(harness, command: str) -> None:
    ran = harness(command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert f"harness {command}" in ran.out.partition("Options:")[2]


def test_the_help_lists_every_command_and_the_exit_codes(harness) -> None:
    ran = harness("--help")
    assert [command for command in COMMANDS if f"\n  {command} " not in ran.out] == []
    assert "Exit codes: 0 all done, 1 limit reached, 2 cannot start" in ran.out
    assert harness().out == ran.out


def test_a_completion_script_can_be_shown(world: World) -> None:
    ran = subprocess.run(
        ["bash", "-c", f'"{SCRIPT}" --show-completion; exit $?'],
        cwd=world.root, env=world.environ | {"SHELL": "/bin/bash"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "_HARNESS_COMPLETE=complete_bash" in ran.stdout


def test_bash_completes_commands_and_options(world: World) -> None:
    def complete(words: str) -> list[str]:
        environ = {"_HARNESS_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        ran = subprocess.run([SCRIPT], cwd=world.root, env=world.environ | environ, capture_output=True, text=True)
        return ran.stdout.split()

    assert complete("harness sta") == ["status"]
    assert "--keep-going" in complete("harness run --k")


@pytest.mark.parametrize("words", [["--help"], ["status"], ["cost"]], ids=" ".join)
def test_who_only_looks_imports_nothing_heavy(world: World, words: list[str]) -> None:
    world.spec("a")
    code = (
        "import sys; from harness.cli.funnel import start; code = start(sys.argv[1:]);"
        "print([name for name in ('anthropic', 'genai_prices', 'watchfiles', 'jinja2') if name in sys.modules], code)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=world.root, env=world.environ, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert ran.stdout.splitlines()[-1] == "[] 0"


REPORTS = {
    ("run", "--max-iterations", "1"): {"halt", "code", "because", "advice", "features", "iterations"},
    ("dry-run",): {"queue", "next", "prompts", "loads", "agent"},
    ("verify",): {"features", "drifted"},
    ("lint",): {"features", "findings"},
    ("status",): {"features", "done", "run", "last_end", "limits", "halt", "warnings"},
    ("why",): {"next", "last_end", "limits", "features"},
    ("why", "a"): {"next", "feature", "history"},
    ("config",): {"settings", "file"},
    ("doctor",): {"ok", "checks"},
    ("cost",): {"rows", "total", "month", "proven", "dollars_per_proven", "warnings"},
}


def test_json_is_one_document_on_stdout(world: World, harness) -> None:
    proven(world, "a")
    world.spec("b", GOOD)
    missing = {words: keys - set(harness(*words, "--json").json) for words, keys in REPORTS.items()}
    assert {words: keys for words, keys in missing.items() if keys} == {}


def test_a_command_finds_the_project_from_a_folder_within(world: World, harness, monkeypatch) -> None:
    proven(world, "a")
    (world.root / "src" / "deep").mkdir(parents=True)
    monkeypatch.chdir(world.root / "src" / "deep")
    assert harness("status", "--json").json["done"] == 1


# --- init, new, lint ----------------------------------------------------------------------------------------------


def test_init_sets_a_folder_up_and_doing_it_twice_changes_nothing(world: World, harness) -> None:
    (world.root / ".gitignore").write_text("*.pyc")
    first = harness("init")
    before = tree(world.root)
    again = harness("init")
    assert (first.code, again.code, tree(world.root)) == (0, 0, before)
    assert (world.root / ".gitignore").read_text().splitlines()[0] == "*.pyc"
    assert "/logs/" in (world.root / ".gitignore").read_text().splitlines()
    assert again.out.startswith("everything is there already\n")
    assert harness("config").code == 0
    assert [one["level"] for one in harness("lint", "--json").json["findings"] if one["level"] == "error"] == []


def test_init_leaves_what_a_person_wrote(world: World, harness) -> None:
    world.spec("mine")
    (world.root / "harness.yaml").write_text("timeout: 5m\n")
    assert harness("init").code == 0
    assert (world.root / "harness.yaml").read_text() == "timeout: 5m\n"
    assert [path.name for path in (world.root / "specs").iterdir()] == ["mine"]


def test_new_writes_a_skeleton_that_nothing_proves_until_it_is_filled_in(world: World, harness) -> None:
    ran = harness("new", "password-reset")
    assert (ran.code, ran.out) == (0, "wrote specs/password-reset/spec.md: fill it in, then `harness lint`\n")
    assert "# Password reset" in (world.root / "specs/password-reset/spec.md").read_text()
    assert [one["level"] for one in harness("lint", "--json").json["findings"] if one["level"] == "error"] == []
    assert world.run(agent="command", max_iterations=1).code == 1
    assert harness("new", "Password-Reset").code == 2


def test_lint_is_0_for_a_good_spec_and_1_with_file_and_line_for_a_bad_one(world: World, harness) -> None:
    world.spec("good", GOOD, checks="sh test.sh")
    assert harness("lint").code == 0
    world.spec("bad", "No criteria here.")
    ran = harness("lint")
    assert ran.code == 1
    assert "specs/bad/spec.md:1: error: there are no acceptance criteria [no-criteria]\n    hint: add" in ran.out
    assert ran.out.splitlines()[-1].startswith("2 specs: 1 error")


def test_lint_tells_every_broken_spec_in_one_go(world: World, harness) -> None:
    world.spec("a", GOOD, depends_on="nosuch")
    world.spec("b", GOOD, nosuch=1)
    found = harness("lint", "--json").json["findings"]
    assert {one["slug"] for one in found if one["level"] == "error"} == {"a", "b"}


# --- status, why, log ---------------------------------------------------------------------------------------------


def test_status_shows_where_every_feature_stands(world: World, harness) -> None:
    proven(world, "proved")
    world.spec("waits", depends_on="ready")
    world.spec("ready")
    (world.root / "logs" / "hand.done").write_text("I did it\n")
    world.spec("hand")
    world.spec("broken", nosuch=1)
    ran = harness("status", "--json")
    states = {row["slug"]: row["state"] for row in ran.json["features"]}
    assert states == {
        "proved": "done", "hand": "done (by hand)", "ready": "ready", "waits": "waiting", "broken": "broken",
    }  # fmt: skip
    assert (ran.code, ran.json["done"], ran.json["run"]) == (0, 2, None)
    assert "2 of 5 done" in harness("status").out


def test_status_names_the_run_that_is_on(world: World, harness, start) -> None:
    world.spec("a")
    world.agent("sleep 600")
    world.config_file()
    run = start("run")
    assert any("a: attempt 1 begins" in line for line in run.stderr)
    shown = harness("status", "--json").json
    assert (shown["run"]["pid"], shown["run"]["working_on"]) == (run.pid, ["a"])
    assert f"a run is on: pid {run.pid} on " in harness("status").out
    assert (shown["features"][0]["attempts"], shown["features"][0]["dollars"]) == (1, None)  # unknown is never 0


def test_who_only_looks_writes_nothing(world: World, harness) -> None:
    blocked(world)
    before = tree(world.root)
    for words in ("status", "why", "why a", "log a", "config", "lint", "doctor", "dry-run", "answer b x", "new a"):
        harness(*words.split())
        assert tree(world.root) == before, words


def test_nobody_who_looks_makes_a_folder_for_logs(world: World, harness) -> None:
    world.spec("a")
    before = tree(world.root)
    for command in ("status", "why", "lint", "config", "doctor", "dry-run"):
        harness(command)
    assert tree(world.root) == before


def test_why_tells_from_the_files_why_it_stopped_and_what_comes_next(world: World, harness) -> None:
    blocked(world)
    world.spec("b", depends_on="a")
    told = harness("why").out
    assert "the last run ended with exit 4 at " in told
    assert "HALT is present, set by harness" in told
    assert "waits for an answer: which port?" in told
    assert "waits for a" in told
    harness("answer", "a", "8080")
    assert "next: a (its question was answered)" in harness("why").out


def test_why_of_one_feature_tells_its_history(world: World, harness) -> None:
    world.spec("a", GOOD, checks="test -f a.txt")
    world.agent('[ "$attempt" = 2 ] && touch a.txt; ' + CLAIM)
    world.run()
    told = harness("why", "a", "--json").json
    kinds = [(event["event"], event.get("outcome")) for event in told["history"]]
    assert ("attempt_ended", "unconfirmed") in kinds
    assert ("attempt_ended", "done") in kinds
    assert "claimed done, but `test -f a.txt` failed" in harness("why", "a").out


TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d \w+"


def killed(world: World, run: subprocess.Popen[str], event: str, number: int = 1) -> None:
    """Kill a run with -9 once its journal holds so many events of a kind, and wait until its supervisor is gone."""
    try:
        until(lambda: world.has("logs/journal.jsonl") and len(world.events(event)) >= number)
    finally:
        run.kill()
        run.communicate()
    until(lambda: find_holder(world.root / "logs" / ".lock", world.root) is None)


def test_an_attempt_is_on_while_its_run_is_and_was_cut_off_when_that_is_killed(world: World, harness, start) -> None:
    world.spec("a")
    world.agent('[ "$attempt" = 1 ] && note one || sleep 600')
    world.config_file()
    world.run(max_iterations=1)
    run = start("run")
    until(lambda: len(world.events("attempt_began")) == 2)
    status, why = harness("status").out, harness("why", "a").out
    assert re.search(rf"^a +working +2 .* attempt 2 is on since {TIME}$", status, re.MULTILINE)
    assert re.search(rf"^now: a \(attempt 2 is on since {TIME}\)$", why, re.MULTILINE)
    assert "last run" not in status + why
    assert (harness("why", "--json").json["last_end"], harness("status", "--json").json["last_end"]) == (None, None)
    killed(world, run, "attempt_began", 2)
    assert re.search(r"^a +ready +2 .* attempt 2 was cut off$", harness("status").out, re.MULTILINE)
    assert "\nnext: a (attempt 2 was cut off)\n" in harness("why", "a").out


def test_an_attempt_of_a_killed_run_is_not_on_because_somebody_else_holds_the_lock(world: World, harness) -> None:
    world.spec("a")
    killed(world, begun(world, "sleep 600"), "attempt_began")
    lock = hold_lock(world.root / "logs" / ".lock", world.root)
    report = harness("status", "--json").json
    lock.close()
    assert (report["run"]["working_on"], report["features"][0]["because"]) == ([], "attempt 1 was cut off")


def begun(world: World, code: str, **settings: object) -> subprocess.Popen[str]:
    """Start a run of an agent that is so many words of shell."""
    world.agent(code)
    world.config_file(**settings)
    return world.start("run")


def test_a_run_that_was_killed_has_no_end_and_the_one_before_it_is_not_told(world: World, harness) -> None:
    world.spec("a")
    world.run(max_iterations=1)
    before = world.events("run_began")[0]["run"]
    killed(world, begun(world, "sleep 600"), "attempt_began", 2)
    last, end = world.events("run_began")[-1], harness("why", "--json").json["last_end"]
    assert (end["run"], end["halt"], end["code"], end["began"]) == (last["run"], None, None, last["at"])
    assert end["run"] != before
    assert end["at"] == world.events("attempt_began")[-1]["at"]
    told = rf"^the last run began at {TIME} and has no end: it was killed; last sign at {TIME}$"
    assert re.search(told, harness("why").out, re.MULTILINE)
    assert re.search(rf"^last run: killed; last sign at {TIME}$", harness("status").out, re.MULTILINE)


def test_status_says_how_the_last_run_ended(world: World, harness) -> None:
    world.spec("a")
    world.config_file()
    assert "last run" not in harness("status").out
    (world.root / "HALT").touch()
    assert harness("run").code == 3
    told = rf"^last run: ended with exit 3 at {TIME}: a HALT file is present \(`.*/HALT` is present\)$"
    assert re.search(told, harness("status").out, re.MULTILINE)
    end = harness("status", "--json").json["last_end"]
    assert (end["halt"], end["code"], end == harness("why", "--json").json["last_end"]) == ("PAUSED", 3, True)


def test_status_names_the_error_that_ended_the_last_run_in_the_middle(world: World, harness, monkeypatch) -> None:
    def fail(*given: object) -> None:
        raise StorageError("`logs` cannot be written: no space left on device", "free some space")

    monkeypatch.setattr("harness.loop.take_stock", fail)
    world.spec("a")
    world.config_file()
    ran = harness("run")
    end = harness("status", "--json").json["last_end"]
    assert (ran.code, end["code"], end["halt"]) == (2, 2, "CANNOT_START")
    told = (
        rf"^last run: ended with exit 2 at {TIME}: `logs` cannot be written: no space left on device; free some space$"
    )
    assert re.search(told, harness("status").out, re.MULTILINE)
    assert "killed" not in harness("why").out


@pytest.mark.parametrize("on_limit", ["wait", "halt"])
def test_a_limit_that_a_killed_run_had_met_is_told_until_it_resets(world: World, harness, on_limit: str) -> None:
    world.spec("a")
    resets = float(round(time.time()) + 3600)
    killed(world, begun(world, say(resets), dialect="claude", on_limit="wait"), "waiting")
    world.config_file(dialect="claude", on_limit=on_limit)
    limit = f"command met a limit that holds until {local_time(resets)}"
    status, why, dry = harness("status").out, harness("why").out, harness("dry-run").out
    assert [limit in told.splitlines() for told in (status, why)] == [True, True]
    assert [bool(re.search(rf"a +ready .*{limit}$", told, re.MULTILINE)) for told in (why, dry)] == [True, True]
    waits = f"a run waits until {local_time(resets)}: usage limit: used up"
    ends = "usage limit: used up"
    assert f"next: {waits}; " in why if on_limit == "wait" else f"next: nothing: {ends}; " in why
    assert (f"\n{waits}\n" if on_limit == "wait" else f"a run would end at once: {ends} (exit 6)") in dry
    limits = harness("status", "--json").json["limits"]
    assert limits == [{"agent": "command", "slug": "a", "until": resets, "says": limit}]


def test_a_limit_of_an_agent_that_another_stands_in_for_keeps_nobody_waiting(world: World, harness) -> None:
    world.spec("a")
    (world.root / "script.yaml").write_text("features: {default: [{note: a note that is long enough to count}]}\n")
    killed(world, begun(world, say(time.time() + 3600), dialect="claude", on_limit="wait"), "waiting")
    world.config_file(agents=["command", "scripted"], script="script.yaml", dialect="claude")
    told = harness("why").out
    assert "; another agent stands in\n" in told
    assert "\nnext: a (attempt 1 ended in somebody else's fault)\n" in told


def test_why_tells_what_befell_the_run_between_the_attempts_of_a_feature(world: World, harness) -> None:
    world.spec("a")
    (world.root / "logs").mkdir()
    now = 1_795_266_900.0
    journal = Journal(world.root / "logs", "r", lambda: now)
    journal.append("clock_jumped", seconds=-7200.0)  # before its first attempt
    journal.append("attempt_began", slug="a", attempt=1, agent="claude", because="not begun")
    journal.append("attempt_began", slug="b", attempt=1, agent="claude", because="not begun")
    journal.append("waiting", seconds=45.04, until=now + 45, because="overloaded: busy")
    journal.append("clock_jumped", seconds=36000.0)
    journal.append("agent_changed", was="claude", agent="api", because="usage limit: used up", until=now + 3600)
    journal.append("attempt_began", slug="a", attempt=2, agent="api", because="attempt 1 failed")
    journal.append("waiting", seconds=15.0, until=now + 15, because="after its last")
    journal.close()
    lines = [re.sub(r"^\S+Z +", "", line) for line in harness("why", "a").out.splitlines() if "Z  " in line]
    assert [re.sub("  +", "  ", line) for line in lines] == [
        "attempt_began  attempt 1, by claude, not begun",
        f"waiting  45s, until {local_time(now + 45)}: overloaded: busy",
        "clock_jumped  the clock jumped ahead by 10h: this machine slept, or its clock was set",
        f"agent_changed  api goes on instead of claude until {local_time(now + 3600)}: usage limit: used up",
        "attempt_began  attempt 2, by api, attempt 1 failed",
    ]
    told = harness("why", "a", "--json").json["history"]
    assert [one.get("agent") for one in told if one["event"] == "attempt_began"] == ["claude", "api"]
    assert [one["until"] for one in told if one["event"] == "waiting"] == [now + 45]


def test_why_does_not_name_an_agent_that_is_always_the_same(world: World, harness) -> None:
    world.spec("a")
    world.run(max_iterations=2)
    assert "by command" not in harness("why", "a").out


def test_why_a_feature_is_ready_reads_well_after_every_outcome() -> None:
    a = Feature("a", Path("a"))
    looks = {str(one): Look((a,), Markers(), {"a": FeatureHistory(attempts=12, outcome=one)}) for one in Outcome}
    assert {one: stand(a, look, Rules()).because for one, look in looks.items()} == {
        "done": "attempt 12 was done, but its `.done` is gone",
        "progressed": "attempt 12 made progress",
        "unconfirmed": "attempt 12 was unconfirmed",
        "blocked": "attempt 12 asked a question",
        "stalled": "attempt 12 brought no progress",
        "timed_out": "attempt 12 ran out of time",
        "failed": "attempt 12 failed",
        "interrupted": "attempt 12 was interrupted",
        "fault": "attempt 12 ended in somebody else's fault",
    }


def test_log_prints_the_notes_without_control_sequences(world: World, harness) -> None:
    world.spec("a")
    assert (harness("log", "a").code, harness("log", "a").out) == (0, "")
    (world.root / "logs").mkdir()
    (world.root / "logs" / "a.log").write_text("one \x1b[31mred\x1b[0m\x07 line\n")
    assert harness("log", "a").out == "one red line\n"


def test_log_f_follows_until_ctrl_c(world: World, start) -> None:
    world.spec("a")
    (world.root / "logs").mkdir()
    log = world.root / "logs" / "a.log"
    log.write_text("before\n")
    following = start("log", "a", "-f")
    assert following.stdout.readline() == "before\n"
    with log.open("a") as file:
        file.write("after\n")
    assert following.stdout.readline() == "after\n"
    following.send_signal(signal.SIGINT)
    assert following.communicate(timeout=20) == ("", "")
    assert following.returncode in (0, 130)


# --- config -------------------------------------------------------------------------------------------------------


def test_flags_win_over_variables_over_the_file_over_defaults(world: World, harness, monkeypatch) -> None:
    (world.root / "harness.yaml").write_text("timeout: 5m\nmodel: from-file\nstuck_limit: 4\n")
    monkeypatch.setenv("HARNESS_MODEL", "from-variable")
    monkeypatch.setenv("HARNESS_STUCK_LIMIT", "6")
    shown = harness("config", "--stuck-limit", "7", "--json").json["settings"]
    names = ("timeout", "model", "stuck_limit", "pause")
    assert {name: (shown[name]["value"], shown[name]["origin"]) for name in names} == {
        "timeout": ("5m", "harness.yaml"),
        "model": ("from-variable", "HARNESS_MODEL"),
        "stuck_limit": ("7", "--stuck-limit"),
        "pause": ("2s", "default"),
    }
    assert "timeout" in harness("config").out


def test_the_defaults_are_those_of_the_manual(world: World, harness) -> None:
    shown = harness("config", "--json").json["settings"]
    names = ("timeout", "idle_timeout", "max_iterations", "max_attempts", "pause", "stuck_limit", "stuck_bytes",
             "fault_backoff", "outage_limit", "sandbox", "commit", "agent")  # fmt: skip
    assert [shown[name]["value"] for name in names] == [
        "30m", "10m", "200", "30", "2s", "3", "32", "15s", "2h", "none", "done", "auto",
    ]  # fmt: skip


def test_unknown_variables_are_one_warning_and_no_error(world: World, harness, monkeypatch) -> None:
    world.spec("a", checks="true")
    world.agent(CLAIM)
    world.config_file()
    monkeypatch.setenv("HARNESS_TIMEOT", "5m")
    monkeypatch.setenv("HARNESS_ZZZ", "1")
    warning = "`HARNESS_TIMEOT` is not a setting of harness; did you mean `HARNESS_TIMEOUT`? (and 1 more)"
    assert harness("status", "--json").json["warnings"] == [warning]
    assert harness("config").out.count(warning) == 1
    ran = harness("run")
    assert (ran.code, ran.err.count("HARNESS_TIMEOT`")) == (0, 1)


def test_an_unknown_key_is_an_error_with_a_suggestion(world: World, harness) -> None:
    world.spec("a")
    (world.root / "harness.yaml").write_text("time_out: 5m\n")
    ran = harness("run")
    assert ran.code == 2
    assert "unknown key `time_out`" in ran.err
    assert "did you mean `timeout`?" in ran.err


# --- dry-run ------------------------------------------------------------------------------------------------------


def test_dry_run_writes_nothing_and_starts_no_agent(world: World, harness) -> None:
    world.spec("a", GOOD, checks="true")
    world.agent('touch "$logs/../started"; ' + CLAIM)
    world.config_file()
    world.repository()
    before = tree(world.root)
    for words in ((), ("a",), ("--all",), ("--json",), ("--no-checks",)):
        assert harness("dry-run", *words).code == 0
    assert tree(world.root) == before


def test_dry_run_shows_the_exact_prompt_of_the_next_attempt(world: World, harness) -> None:
    world.spec("a", GOOD, checks="sh test.sh")
    world.agent("note one")
    world.config_file()
    world.run(max_iterations=1)
    text = harness("dry-run", "--json").json["prompts"][0]["text"]
    world.run(max_iterations=1)
    assert text == world.prompt("a", 2)


def test_dry_run_shows_the_exact_prompt_for_claude_too(world: World, harness, claude: Path) -> None:
    world.spec("a", "See @specs/a/spec.md for more.")
    text = harness("dry-run", "--json").json["prompts"][0]["text"]
    assert harness("run").code == 0
    assert text == world.prompt("a", 1)


def test_dry_run_shows_the_queue_with_the_reasons(world: World, harness) -> None:
    proven(world, "done-already")
    world.spec("second", depends_on="first")
    world.spec("first")
    report = harness("dry-run", "--json").json
    queue = [(row["slug"], row["state"], row["next"]) for row in report["queue"]]
    assert queue == [("first", "ready", True), ("second", "waiting", False)]
    assert report["queue"][1]["because"] == "waits for first"
    assert [prompt["slug"] for prompt in report["prompts"]] == ["first"]


def test_dry_run_tells_sections_sizes_and_what_was_cut(world: World, harness) -> None:
    world.spec("a")
    (world.root / "logs").mkdir()
    (world.root / "logs" / "learnings.md").write_text("a lesson learnt\n" * 5000)
    world.config_file()
    prompt = harness("dry-run", "--json").json["prompts"][0]
    cut = {one["name"]: one["cut"] for one in prompt["sections"]}
    assert cut == {"instructions": 0, "spec": 0, "learnings": 4800 * 16, "prior log": 0, "observed": 0}
    assert sum(one["bytes"] for one in prompt["sections"]) == prompt["bytes"] == len(prompt["text"].encode())


def test_dry_run_says_when_a_check_is_green_before_any_work(world: World, harness) -> None:
    world.spec("a", checks=["true", "false"])
    world.config_file()
    told = harness("dry-run").out
    assert "check already green before any work: true" in told
    assert "check red (exit 1 in " in told


def test_dry_run_names_the_hooks_that_the_agent_would_execute(world: World, harness, claude: Path) -> None:
    world.spec("a")
    (world.root / ".claude").mkdir()
    (world.root / ".claude" / "settings.json").write_text('{"hooks": {"PreToolUse": [], "Stop": []}}')
    (world.root / "CLAUDE.md").write_text("Be brief.")
    told = harness("dry-run").out
    assert "the agent would load .claude/settings.json (hooks that will be executed: PreToolUse, Stop)" in told
    assert "the agent would load CLAUDE.md" in told


def test_dry_run_says_that_there_is_no_agent(world: World, harness, monkeypatch) -> None:
    world.spec("a")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    ran = harness("dry-run")
    assert "no agent found: `claude` is not on PATH" in ran.out + ran.err


# --- answer, accept, reset, halt, resume --------------------------------------------------------------------------


def test_answer_removes_the_halt_that_harness_wrote_for_the_question_and_no_other(world: World, harness) -> None:
    blocked(world)
    (world.root / "HALT").write_text("a person paused it\n")
    ran = harness("answer", "a", "8080")
    assert ran.code == 0
    assert (world.root / "HALT").read_text() == "a person paused it\n"
    assert world.states() == {"a": "ready"}
    assert harness("resume").code == 0
    world.agent('grep -q 8080 "$log" && { ' + CLAIM + "; }")
    assert world.run().code == 0


def test_answer_reaches_a_run_that_is_on(world: World, harness, start) -> None:
    world.spec("a")
    world.spec("b")
    world.agent(
        'case "$slug$attempt" in\n'
        'a1) echo "BLOCKED: which port?" >> "$log" ;;\n'
        'b1) while [ ! -e "$logs/a.answer" ]; do sleep 0.02; done; ' + CLAIM + " ;;\n"
        '*) grep -q 8080 "$log" && { ' + CLAIM + "; } ;;\nesac"
    )
    world.config_file(keep_going=True)
    run = start("run")
    assert any("b: attempt 1 begins" in line for line in run.stderr)
    assert harness("answer", "a", "8080").out == "answered: the run takes it up at its next look\n"
    assert run.wait(20) == 0
    assert world.outcomes("a") == ["blocked", "done"]


def test_accept_makes_a_feature_done_and_says_that_a_person_did(world: World, harness) -> None:
    blocked(world)
    ran = harness("accept", "a", "checked by hand on staging")
    assert (ran.code, ran.out) == (0, "`a` counts as done, accepted by a person\n")
    assert world.log("a.done").splitlines()[0] == "checked by hand on staging"
    assert (world.states(), world.has("logs/a.blocked")) == ({"a": "done (accepted)"}, False)
    assert world.run().code == 0
    assert world.log("a.done").splitlines()[0] == "checked by hand on staging"


def test_reset_begins_a_feature_anew_and_keeps_log_attempts_and_numbers(world: World, harness) -> None:
    proven(world, "a")
    ran = harness("reset", "a")
    assert (ran.code, world.states()) == (0, {"a": "ready"})
    assert ran.out.startswith("`a` begins anew, 1 marker moved to logs/.kept; its log and its attempts stay")
    assert "did a" in world.log("a.log")
    assert world.run().code == 0
    assert sorted(path.name for path in (world.root / "logs/attempts/a").iterdir()) == ["0001", "0002"]


def test_halt_pauses_and_resume_goes_on(world: World, harness) -> None:
    world.spec("a", checks="true")
    world.agent(CLAIM)
    world.config_file()
    assert (harness("halt").code, world.has("HALT")) == (0, True)
    assert harness("run").code == 3
    assert harness("resume").out == "removed HALT; go on with `harness run`\n"
    assert harness("resume").out == "no HALT file is present; start with `harness run`\n"
    assert harness("run").code == 0


def test_halt_now_says_now_and_keeps_the_word_of_a_person(world: World, harness) -> None:
    world.spec("a")
    (world.root / "HALT").write_text("because I said so\n")
    harness("halt")
    assert (world.root / "HALT").read_text() == "because I said so\n"
    harness("halt", "--now")
    assert (world.root / "HALT").read_text().split()[0] == "now"


def test_resume_removes_halt_in_the_logs_folder_too(world: World, harness) -> None:
    world.spec("a")
    (world.root / "logs").mkdir()
    (world.root / "logs" / "HALT").touch()
    (world.root / "HALT").touch()
    assert harness("resume").code == 0
    assert (world.has("HALT"), world.has("logs/HALT")) == (False, False)


# --- verify -------------------------------------------------------------------------------------------------------


def test_verify_is_0_while_every_check_is_green_and_1_when_one_drifted(world: World, harness) -> None:
    proven(world, "a", "b")
    receipt = world.log("a.done")
    assert harness("verify").code == 0
    (world.root / "test.sh").write_text("exit 3\n")
    ran = harness("verify", "a")
    assert ran.code == 1
    assert "`sh test.sh`: exit 3 in " in ran.out
    assert ran.out.splitlines()[-1] == "1 of 1 drifted"
    assert world.log("a.done") == receipt
    assert [event["green"] for event in world.events("verified")] == [True, True, False]


def test_verify_tells_a_spec_that_changed_since(world: World, harness) -> None:
    proven(world, "a")
    world.spec("a", GOOD + "- One thing more.\n", checks="sh test.sh")
    ran = harness("verify", "--json")
    assert (ran.code, ran.json["features"][0]["result"]) == (1, "stale")


def test_verify_of_a_feature_that_is_not_accepted_is_no_success(world: World, harness) -> None:
    proven(world, "a")
    world.spec("b", GOOD, checks="false")
    ran = harness("verify", "b")
    assert ran.code != 0
    assert "`b`" in ran.out + ran.err


def test_verify_that_checked_nothing_because_of_halt_is_no_success(world: World, harness) -> None:
    proven(world, "a")
    (world.root / "test.sh").write_text("exit 3\n")
    harness("halt", "--now")
    assert harness("verify").code != 0


def test_verify_that_is_interrupted_is_130_and_no_drift(world: World, start) -> None:
    proven(world, "a")
    os.mkfifo(world.root / "waiting")
    (world.root / "test.sh").write_text("echo > waiting; sleep 600\n")
    verifying = start("verify")
    (world.root / "waiting").read_text()
    verifying.send_signal(signal.SIGINT)
    verifying.communicate(timeout=20)
    assert verifying.returncode == 130
    assert world.events("verified") == []


# --- doctor -------------------------------------------------------------------------------------------------------


def test_doctor_is_content_with_a_project_that_is_ready(world: World, harness, claude: Path, monkeypatch) -> None:
    world.spec("a")
    world.repository()
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-a-secret-of-mine")
    ran = harness("doctor", "--json")
    states = {one["name"]: one["state"] for one in ran.json["checks"]}
    assert (ran.code, "fail" in states.values()) == (0, False)
    assert {"specs", "agent", "credentials", "git", "disk", "lock", "sandbox", "clock"} <= set(states)
    assert "2.1.329" in ran.out
    assert "ANTHROPIC_API_KEY is set" in ran.out
    assert "secret" not in ran.out + harness("doctor").out


def test_doctor_never_prints_a_stored_credential(world: World, harness, claude: Path) -> None:
    world.spec("a")
    stored = claude / ".claude" / ".credentials.json"
    stored.parent.mkdir()
    stored.write_text('{"token": "a-secret-of-mine"}')
    ran = harness("doctor")
    assert "~/.claude/.credentials.json is there" in ran.out
    assert "a-secret-of-mine" not in ran.out


def _no_claude(world: World, claude: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")


def _no_credentials(world: World, claude: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pass


def _halt(world: World, claude: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.root / "HALT").touch()


def _broken_spec(world: World, claude: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.spec("b", nosuch=1)


def _no_folder(world: World, claude: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.root / "logs").write_text("x")


def _broken_program(world: World, claude: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = claude.parent / "bin" / "claude"
    program.write_text("#!/bin/sh\necho it broke >&2; exit 1\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(
    ("damage", "name", "says"),
    [
        pytest.param(_no_claude, "agent", "`claude` is not on PATH", id="no agent"),
        pytest.param(_broken_program, "agent", "it broke", id="an agent that does not start"),
        pytest.param(_no_credentials, "credentials", "none found for claude", id="no credentials"),
        pytest.param(_halt, "halt", "HALT` is present", id="HALT"),
        pytest.param(_broken_spec, "specs", "unknown key `nosuch`", id="a broken spec"),
        pytest.param(_no_folder, "disk", "is not a folder", id="a file as logs"),
    ],
)
def test_doctor_is_2_with_a_hint_for_each_failure(
    world: World, harness, claude: Path, monkeypatch, damage, name: str, says: str
) -> None:
    world.spec("a")
    damage(world, claude, monkeypatch)
    ran = harness("doctor", "--json")
    failures = {one["name"]: one for one in ran.json["checks"] if one["state"] == "fail"}
    assert ran.code == 2
    assert says in failures[name]["says"]
    assert all(one["hint"] for one in failures.values())
    assert harness("doctor").out.count("hint: ") >= len(failures)


# --- run ----------------------------------------------------------------------------------------------------------


def test_run_with_json_tells_the_end_on_stdout_and_the_events_on_stderr(world: World, harness) -> None:
    world.spec("a", checks="true")
    world.agent(CLAIM)
    world.config_file()
    ran = harness("run", "--json")
    end = ran.json
    assert (ran.code, end["halt"], end["code"], end["iterations"]) == (0, "ALL_DONE", 0, 1)
    assert [(row["slug"], row["state"]) for row in end["features"]] == [("a", "done")]
    assert "a: attempt 1 begins" in ran.err


def test_quiet_shows_only_what_needs_a_person_and_run_log_has_it_all(world: World, harness) -> None:
    world.spec("a", checks="true")
    world.agent(CLAIM)
    world.config_file()
    loud, lines = harness("run", "--verbose"), world.log("run.log").splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == [line.split(" ", 1)[1] for line in loud.err.splitlines()]
    harness("reset", "a")
    assert len(harness("run", "--quiet").err.splitlines()) < 4


def test_what_an_agent_says_reaches_no_terminal_with_its_control_sequences(world: World, harness) -> None:
    world.spec("a", checks="true")
    world.agent("printf '\\033]0;owned\\007\\033[31mred\\033[0m said\\n'; " + CLAIM)
    world.config_file()
    ran = harness("run", "--verbose")
    assert "red said" in ran.err
    assert "\x1b" not in ran.err + world.log("run.log")
    assert all("\x1b" not in json.dumps(event) for event in read_journal(world.root / "logs" / "journal.jsonl"))
