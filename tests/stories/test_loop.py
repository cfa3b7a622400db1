"""Stories of whole runs: the real loop, a real agent process, real files."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from helpers.world import CLAIM, World

from harness.domain.paths import Paths
from harness.run.interrupts import Ask, Interrupts


def test_two_features_are_proven_in_order(world: World) -> None:
    world.spec("b", checks="test -f b.txt", depends_on="a")
    world.spec("a", checks="test -f a.txt")
    world.agent('echo x > "$slug.txt"; ' + CLAIM)
    assert world.run().code == 0
    assert [e["slug"] for e in world.events("accepted")] == ["a", "b"]
    assert world.states() == {"a": "done", "b": "done"}


def test_a_claim_whose_checks_fail_is_unconfirmed(world: World) -> None:
    world.spec("a", checks="grep -q good a.txt")
    world.agent('if [ "$attempt" = 1 ]; then echo bad > a.txt; else echo good > a.txt; fi; ' + CLAIM)
    assert world.run().code == 0
    assert world.outcomes() == ["unconfirmed", "done"]
    assert "grep -q good a.txt" in world.prompt("a", 2)
    assert world.has("logs/attempts/a/0001/claim.done")


def test_a_claim_without_checks_is_accepted_and_called_unverified(world: World) -> None:
    world.spec("a")
    world.agent(CLAIM)
    assert world.run().code == 0
    assert world.states() == {"a": "done (unverified)"}


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        pytest.param('echo "finished" > "$done"; exit 3', "unconfirmed", id="an agent that failed"),
        pytest.param(': > "$done"', "unconfirmed", id="an empty marker"),
        pytest.param('mkdir "$done"', "unconfirmed", id="a folder as the marker"),
        pytest.param('ln -s /etc/hostname "$done"', "unconfirmed", id="a link as the marker"),
    ],
)
def test_a_hollow_claim_without_checks_is_withdrawn(world: World, code: str, outcome: str) -> None:
    world.spec("a")
    world.agent(code)
    assert world.run(max_iterations=1).code == 1
    assert world.outcomes() == [outcome]
    assert not world.has("logs/a.done")


def test_silence_trips_the_breaker_and_halt_says_why(world: World) -> None:
    world.spec("a")
    world.agent("echo chatter on stdout does not count as progress")
    ran = world.run()
    assert (ran.code, world.outcomes()) == (5, ["stalled"] * 3)
    assert "a: 3 attempts in a row without progress" in (world.root / "HALT").read_text()
    assert world.run().code == 3


def test_removing_halt_gives_a_stuck_feature_fresh_attempts(world: World) -> None:
    world.spec("a")
    world.agent("true")
    world.run()
    (world.root / "HALT").unlink()
    assert world.run().code == 5
    assert len(world.outcomes()) == 6


def test_a_breaker_that_trips_at_the_last_iteration_is_stuck_not_limit(world: World) -> None:
    world.spec("a")
    world.agent("true")
    assert world.run(max_iterations=3).code == 5


@pytest.mark.parametrize("code", ["sleep 0.6; rm HALT", "rm HALT"], ids=["while it is seen", "faster than one looks"])
def test_a_halt_that_an_agent_takes_away_counts_all_the_same(world: World, code: str) -> None:
    world.spec("a")
    world.agent(f"sleep 1; touch HALT; {code}; sleep 0.6; echo 'a note that is long enough to count as one' >> $log")
    ran = world.run()
    assert (ran.code, world.outcomes()) == (3, ["progressed"])
    assert "HALT` was there, and is gone again); exit 3" in ran.text
    assert world.run(max_iterations=1).code == 3


def test_changing_files_without_a_note_is_progress_and_leaves_a_memory(world: World) -> None:
    world.spec("a")
    world.agent('echo "$attempt" > work.txt')
    assert world.run(max_iterations=2).code == 1
    assert world.outcomes() == ["progressed", "progressed"]
    assert "[harness] attempt 1 wrote no note; it changed work.txt" in world.prompt("a", 2)


def test_a_question_blocks_halts_and_its_answer_reaches_the_next_prompt(world: World, harness) -> None:
    world.spec("a")
    world.agent(
        'if grep -q "use port 8080" "$log"; then ' + CLAIM + '; else echo "**BLOCKED: which port?**" >> "$log"; fi'
    )
    assert world.run().code == 4
    assert world.log("a.blocked") == "which port?\n"
    assert "harness answer a" in (world.root / "HALT").read_text()
    assert harness("answer", "a", "use port 8080").code == 0
    assert not world.has("HALT")
    assert world.run().code == 0
    assert "A person answered your question:" in world.prompt("a", 2)


def test_an_old_question_lets_the_others_go_on_and_then_ends_with_4(world: World) -> None:
    world.spec("a")
    world.spec("b")
    world.agent('if [ "$slug" = a ]; then echo "BLOCKED: who?" >> "$log"; else ' + CLAIM + "; fi")
    world.run()
    (world.root / "HALT").unlink()
    ran = world.run()
    assert (ran.code, ran.stop.slug) == (4, "a")
    assert world.has("logs/b.done")
    assert not world.has("HALT")


def test_keep_going_parks_what_is_stuck_and_does_the_rest(world: World) -> None:
    world.spec("a")
    world.spec("b", depends_on="a")
    world.spec("c")
    world.agent('if [ "$slug" = c ]; then ' + CLAIM + "; fi")
    ran = world.run(keep_going=True)
    assert ran.code == 5
    assert not world.has("HALT")
    assert world.outcomes("a") == ["stalled"] * 3
    assert world.outcomes("b") == []
    assert world.has("logs/c.done")


def test_a_person_s_marker_is_honoured_and_called_by_hand(world: World) -> None:
    world.spec("a")
    (world.root / "logs").mkdir()
    (world.root / "logs" / "a.done").write_text("I did it\n")
    assert world.run().code == 0
    assert world.states() == {"a": "done (by hand)"}
    assert world.log("a.done") == "I did it\n"


def test_a_receipt_that_a_person_removed_means_do_it_again(world: World) -> None:
    world.spec("a", checks="true")
    world.agent(CLAIM)
    world.run()
    (world.root / "logs" / "a.done").unlink()
    assert world.run().code == 0
    assert world.outcomes() == ["done", "done"]


def test_markers_for_other_features_are_set_aside(world: World) -> None:
    world.spec("a", checks="true")
    world.spec("b", checks="false")
    world.agent('echo forged > "$logs/b.done"; ' + CLAIM)
    ran = world.run(max_iterations=1)
    assert ran.code == 1
    assert not world.has("logs/b.done")
    assert world.has("logs/attempts/a/0001/foreign/b.done")
    assert "`b.done` appeared during the attempt and is set aside" in ran.text


def test_a_log_that_was_cut_is_restored_and_the_agent_s_words_are_kept(world: World) -> None:
    world.spec("a")
    world.agent(
        'if [ "$attempt" = 1 ]; then note first; else echo "rewritten by the agent, longer than before" > "$log"; fi'
    )
    world.run(max_iterations=2)
    assert world.log("a.log").startswith("first, and this makes")
    assert world.log("a.log").endswith("rewritten by the agent, longer than before\n")
    assert [e["file"] for e in world.events("tampered")] == ["a.log"]


def test_a_deleted_log_is_restored(world: World) -> None:
    world.spec("a")
    world.agent('if [ "$attempt" = 1 ]; then note first; else rm "$log"; fi')
    world.run(max_iterations=2)
    assert world.log("a.log").startswith("first, and this makes")


def test_learnings_of_one_feature_reach_the_next(world: World) -> None:
    world.spec("a")
    world.spec("b")
    world.agent('[ "$slug" = a ] && echo "- 2026-11-21: mind the gap" >> "$learnings"; ' + CLAIM)
    world.run()
    assert "| - 2026-11-21: mind the gap" in world.prompt("b", 1)


def test_attempt_numbers_survive_restarts_and_are_never_reused(world: World) -> None:
    world.spec("a")
    world.agent('note "more work $attempt"')
    for _ in range(3):
        world.run(max_iterations=1)
    (world.root / "logs" / "journal.jsonl").unlink()
    world.run(max_iterations=1)
    assert sorted(p.name for p in (world.root / "logs/attempts/a").iterdir()) == ["0001", "0002", "0003", "0004"]


def test_max_attempts_ends_endless_noted_work_until_a_reset(world: World, harness) -> None:
    world.spec("a")
    world.agent('note "more work $attempt"')
    assert world.run(max_attempts=2).code == 5
    (world.root / "HALT").unlink()
    assert world.run(max_attempts=2).code == 5
    assert len(world.outcomes()) == 2
    (world.root / "HALT").unlink()
    assert harness("reset", "a").code == 0
    assert world.run(max_attempts=2).code == 5
    assert len(world.outcomes()) == 4


def test_a_spec_that_is_accepted_and_then_edited_is_stale(world: World) -> None:
    world.spec("a", checks="true")
    world.agent(CLAIM)
    world.run()
    world.spec("a", "Do it better.", checks="true")
    assert world.states() == {"a": "stale"}


def test_each_proven_feature_is_one_commit_with_trailers(world: World) -> None:
    world.spec("a", checks="test -f a.txt")
    world.spec("b", checks="test -f b.txt")
    (world.root / ".gitignore").write_text("secret.txt\n")
    world.repository()
    world.agent('echo x > "$slug.txt"; echo s > secret.txt; ' + CLAIM)
    assert world.run().code == 0
    shown = world.git("log", "--format=%s|%(trailers:key=Harness-Feature,valueonly,separator=%x2C)", "-2")
    assert shown.splitlines() == ["b: finished b|b", "a: finished a|a"]
    assert world.git("status", "--porcelain") == ""
    assert world.git("show", "--stat", "--format=", "--name-only", "HEAD") == "b.txt"
    assert world.git("rev-parse", "HEAD") in world.log("b.done")


def test_a_dirty_tree_is_never_committed(world: World) -> None:
    world.spec("a", checks="true")
    world.repository()
    (world.root / "mine.txt").write_text("a person's unsaved work")
    world.agent("echo x > a.txt; " + CLAIM)
    ran = world.run()
    assert "commits: off: the tree has 1 uncommitted change" in ran.text
    assert world.git("log", "--format=%s") == "begin"


def test_a_hook_that_refuses_is_told_and_the_feature_stays_done(world: World) -> None:
    world.spec("a", checks="true")
    world.repository()
    hook = world.root / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no commits on Saturdays >&2\nexit 1\n")
    hook.chmod(0o755)
    world.agent("echo x > a.txt; " + CLAIM)
    ran = world.run()
    assert ran.code == 0
    assert "a: proven, but not committed: no commits on Saturdays" in ran.text


def test_halt_present_before_the_run_pauses_it(world: World) -> None:
    world.spec("a")
    (world.root / "HALT").touch()
    assert world.run().code == 3
    assert world.outcomes() == []


def test_halt_during_an_attempt_lets_it_finish(world: World) -> None:
    world.spec("a")
    world.spec("b")
    world.agent(f'touch "{world.root}/HALT"; ' + CLAIM)
    ran = world.run()
    assert (ran.code, world.outcomes()) == (3, ["done"])


def test_a_finished_set_is_0_though_halt_appeared(world: World) -> None:
    world.spec("a")
    world.agent(f'touch "{world.root}/HALT"; ' + CLAIM)
    assert world.run().code == 0


def test_halt_now_ends_the_attempt_and_charges_nothing(world: World) -> None:
    world.spec("a")
    world.agent(f'note begun; echo now > "{world.root}/HALT"; sleep 30')
    ran = world.run()
    assert (ran.code, world.outcomes()) == (3, ["interrupted"])
    assert [e["charged"] for e in world.events("attempt_ended")] == [False]


def test_a_claim_that_was_cut_off_by_now_is_checked_at_the_next_start(world: World) -> None:
    world.spec("a", checks="true")
    world.agent(f'{CLAIM}; echo now > "{world.root}/HALT"; sleep 30')
    assert world.run().code == 3
    assert world.states() == {"a": "claimed"}
    (world.root / "HALT").unlink()
    assert world.run().code == 0
    assert world.states() == {"a": "done"}


def test_the_time_of_the_run_ends_an_attempt_without_charging_it(world: World) -> None:
    world.spec("a")
    world.agent("sleep 30")
    assert world.run(max_time="0.3s").code == 1
    assert world.outcomes() == ["interrupted"]


def test_a_timeout_ends_the_attempt_and_is_told_in_the_next_prompt(world: World) -> None:
    world.spec("a", timeout="0.2s")
    world.agent('note "attempt $attempt"; [ "$attempt" = 1 ] && sleep 30; ' + CLAIM)
    assert world.run().code == 0
    assert world.outcomes() == ["timed_out", "done"]
    assert "over its time limit" in world.prompt("a", 2)


def test_a_spec_that_breaks_in_mid_run_keeps_its_last_good_reading(world: World) -> None:
    path = world.spec("a")
    world.agent(f'if [ "$attempt" = 1 ]; then printf -- "---\\nbad: [\\n" > "{path}"; note one; else ' + CLAIM + "; fi")
    ran = world.run()
    assert ran.code == 0
    assert "going on with `a` as it was" in ran.text


def test_one_slug_brings_what_it_depends_on(world: World) -> None:
    world.spec("a")
    world.spec("b", depends_on="a")
    world.spec("c")
    world.agent(CLAIM)
    assert world.run("b").code == 0
    assert [e["slug"] for e in world.events("accepted")] == ["a", "b"]


def test_the_agent_s_environment_is_clean(world: World) -> None:
    world.spec("a")
    world.agent('env > "$logs/env.txt"; ' + CLAIM)
    extra = {"MY_SECRET": "s", "MYAPP_X": "1", "HARNESS_MODEL": "m", "LC_TIME": "C"}
    world.run(environ={**world.environ, **extra}, env_pass="MYAPP_*")
    names = {line.split("=")[0] for line in world.log("env.txt").splitlines()}
    assert {"PATH", "HOME", "MYAPP_X", "HARNESS_RUN_ID", "LC_TIME"} <= names
    assert not names & {"MY_SECRET", "HARNESS_MODEL"}


def test_an_agent_that_cleans_the_repository_takes_no_history_and_no_receipt_with_it(world: World) -> None:
    world.spec("a", checks="true")
    world.spec("b", checks="test -f b.txt")
    world.repository()
    world.agent(f'if [ "$slug" = b ]; then git clean -fdxq; mkdir -p "$logs"; fi; {CLAIM}')
    ran = world.run(max_iterations=2)
    assert ran.code == 1
    assert world.states() == {"a": "done", "b": "ready"}
    assert world.outcomes() == ["done", "unconfirmed"]
    assert "`a.done` was wiped during the attempt and is put back" in ran.text


def test_what_the_agent_had_said_before_a_kill_is_read_again(world: World) -> None:
    world.spec("a")
    world.agent('note one; echo \'{"type":"result","is_error":false,"num_turns":1,"total_cost_usd":0.25}\'')
    world.settings["dialect"] = "claude"
    world.run(max_iterations=1)
    journal = world.root / "logs" / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    ended = next(number for number, line in enumerate(lines) if b'"attempt_ended"' in line)
    journal.write_bytes(b"".join(lines[:ended]))
    world.agent(CLAIM)
    assert world.run().code == 0
    assert [(e["outcome"], e["dollars"]) for e in world.events("attempt_ended")] == [
        ("progressed", 0.25),
        ("done", None),
    ]


def test_a_spec_that_changed_during_an_attempt_is_told_and_the_checks_are_those_of_its_beginning(world: World) -> None:
    path = world.spec("a", checks="false")
    world.agent(f'printf "# a\\n\\nEasier now.\\n" > "{path}"; ' + CLAIM)
    ran = world.run(max_iterations=1)
    assert world.outcomes() == ["unconfirmed"]
    assert "a: `specs/a/spec.md` changed during the attempt; if that was not you" in ran.text


def test_an_agent_that_weakens_the_checks_proves_nothing_with_them(world: World) -> None:
    for slug in ("a", "b"):
        world.spec(slug, checks=f"test -f {slug}.txt")
    world.agent('sed -i "s/test -f .*txt/test -d ./" specs/*/spec.md; ' + CLAIM)
    ran = world.run(max_iterations=4, stuck_limit=2, keep_going=True)
    assert "done" not in world.outcomes()
    assert "a: this run goes on with the checks it had" in ran.text
    assert "b: this run goes on with the checks it had" in ran.text


def test_an_agent_cannot_answer_its_own_question(world: World) -> None:
    world.spec("a")
    world.agent('echo "BLOCKED: may I?" >> "$log"; echo "yes, you may" > "$logs/a.answer"')
    assert world.run().code == 4
    assert world.events("answered") == []
    assert world.has("logs/attempts/a/0001/foreign/a.answer")


def test_a_project_may_lie_in_a_folder_with_a_space(tmp_path) -> None:
    root = tmp_path / "my project"
    root.mkdir()
    world = World(root)
    world.spec("a", checks="test -f a.txt")
    (root / "script.yaml").write_text("features: {a: [{files: {a.txt: x}, note: wrote a.txt, done: finished}]}\n")
    world.settings |= {"agent": "scripted", "script": "script.yaml"}
    assert world.run().code == 0


def test_a_second_run_is_refused_although_an_agent_wiped_the_logs(world: World, harness, monkeypatch) -> None:
    monkeypatch.setattr("harness.records.run_lock.PATIENCE", 0.2)
    world.spec("a")
    go, seen = world.root / "go", world.root / "seen"
    world.agent(
        f'rm -rf "$logs"; mkdir -p "$logs"; touch "{seen}"; while [ ! -e "{go}" ]; do sleep 0.02; done; {CLAIM}'
    )
    world.config_file()
    first = world.start("run")
    while not seen.exists():
        assert first.poll() is None
    assert harness("run").code == 2
    assert harness("reset", "a").code == 2
    go.touch()
    assert first.wait(30) == 0
    first.communicate()


def test_a_feature_whose_spec_goes_away_in_mid_run_is_skipped_and_told(world: World) -> None:
    world.spec("a")
    world.spec("b")
    world.spec("c")
    world.agent("rm -f specs/b/spec.md; " + CLAIM)
    ran = world.run()
    assert ran.code == 1
    assert world.has("logs/c.done")
    assert "b: cannot be worked on" in ran.text


def test_an_unfinished_merge_is_left_as_it_is(world: World) -> None:
    world.spec("a", checks="true")
    world.repository()
    world.agent(
        "git checkout -q -b side; echo 1 > c.txt; git add c.txt; git commit -qm side; git checkout -q -;"
        "echo 2 > c.txt; git add c.txt; git commit -qm main; git merge side > /dev/null;" + CLAIM
    )
    ran = world.run()
    assert "a: proven, but not committed: a merge is not finished" in ran.text
    assert world.git("status", "--porcelain", "c.txt") == "AA c.txt"


def test_half_done_work_of_a_blocked_feature_is_no_part_of_another_s_commit(world: World) -> None:
    world.spec("a")
    world.spec("b", checks="touch left-by-the-check.txt")
    world.repository()
    world.agent(
        f'[ "$slug" = b ] && {{ echo x > b.txt; {CLAIM}; exit; }}; echo half > half.py; echo "BLOCKED: who?" >> "$log"'
    )
    world.run(keep_going=True)
    assert world.git("show", "--format=", "--name-only", "HEAD") == "b.txt"


def test_a_line_added_to_the_journal_is_taken_out_again(world: World) -> None:
    world.spec("a", checks="true")
    world.agent('echo junk >> "$logs/journal.jsonl"; ' + CLAIM)
    assert world.run().code == 0
    assert world.states() == {"a": "done"}


def test_a_crashed_attempt_without_a_note_is_charged_but_no_stall(world: World) -> None:
    world.spec("a")
    world.agent("true")
    world.run(max_iterations=1)
    journal = world.root / "logs" / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[: next(n for n, line in enumerate(lines) if b'"attempt_ended"' in line)]))
    world.run(max_iterations=0, max_time="0.001s")
    assert [(e["outcome"], e["charged"]) for e in world.events("attempt_ended")] == [("interrupted", True)]


def test_a_person_s_hidden_temporary_file_stays(world: World) -> None:
    world.spec("a")
    (world.root / ".mine.tmp").touch()
    world.run(max_iterations=1)
    assert world.has(".mine.tmp")


def test_what_another_feature_cut_off_a_log_is_put_back(world: World) -> None:
    world.spec("a")
    world.spec("b")
    world.agent(
        f'case "$slug$attempt" in a1) note "first of a"; touch "{world.root}/specs/order.txt";'
        f' printf "b\\na\\n" > "{world.root}/specs/order.txt";;'
        ' b1) : > "$logs/a.log"; ' + CLAIM + ";; *) " + CLAIM + ";; esac"
    )
    ran = world.run()
    assert ran.code == 0
    assert world.log("a.log").startswith("first of a")
    assert "a: its log was cut or rewritten since its last attempt" in ran.text


def test_a_feature_that_git_refused_is_shown_as_not_committed(world: World, harness) -> None:
    world.spec("a", checks="true")
    world.repository()
    hook = world.root / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    world.agent("echo x > a.txt; " + CLAIM)
    world.run()
    assert "proven, NOT COMMITTED: finished a" in harness("status").out


def test_a_dry_run_changes_nothing_that_would_keep_the_run_from_committing(world: World, harness) -> None:
    (world.root / "made.py").write_text("x = 1\n")
    world.spec("a", checks='python3 -c "import made"')
    world.agent(CLAIM)
    world.repository()
    assert harness("dry-run").code == 0
    assert world.git("status", "--short") == ""
    (world.root / "left behind").touch()
    assert "commits: off: the tree has 1 uncommitted change (left behind): commit, stash or ignore them" in (
        world.run().lines
    )


def test_what_a_killed_attempt_did_is_told_as_it_was(world: World) -> None:
    world.spec("a")
    world.agent("touch half; echo ready; sleep 100")
    world.config_file(**world.settings)
    world.repository()
    run = world.start("run")
    stream = world.root / "logs/attempts/a/0001/stream.jsonl"
    while not (world.has("half") and stream.exists() and stream.stat().st_size):
        assert run.poll() is None
        time.sleep(0.02)
    run.kill()
    run.communicate()
    world.agent("true")
    world.run(max_iterations=1)
    (ended,) = [e for e in world.events("attempt_ended") if e["attempt"] == 1]
    assert (ended["outcome"], ended["changed"]) == ("interrupted", ["half"])
    assert ended["seconds"] > 0


def test_a_halt_by_command_lies_where_no_confined_agent_can_reach_it(world: World, harness) -> None:
    world.spec("a")
    world.agent("touch ready; sleep 100")
    world.config_file(**world.settings)
    run = world.start("run")
    while not world.has("ready"):
        assert run.poll() is None
        time.sleep(0.02)
    assert harness("halt", "--now").out.startswith("`logs/HALT` is present: the attempt in flight ends within two")
    run.communicate(timeout=60)
    assert run.returncode == 3
    (world.root / "HALT").mkdir()
    assert harness("resume").out == "removed HALT and logs/HALT; go on with `harness run`\n"
    assert not world.has("HALT")


def test_a_halt_that_was_now_stays_so(tmp_path: Path) -> None:
    control = Interrupts(Paths(tmp_path, tmp_path / "specs", tmp_path / "logs"))
    (tmp_path / "HALT").write_text("now")
    assert control.asked() is Ask.NOW
    (tmp_path / "HALT").write_text("")
    assert control.asked() is Ask.NOW
