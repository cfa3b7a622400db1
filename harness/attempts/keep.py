"""Keep what came of an attempt: its note, its claim and the checks on it, the verdict, the receipt."""

from __future__ import annotations

from dataclasses import replace

from harness.agents.failures import diagnose
from harness.attempts.accept import accept
from harness.attempts.attempt import Attempt, Gathered, Judged, Weighed
from harness.attempts.earlier import blame, find_touched
from harness.attempts.intake import gather, quarantine_appeared
from harness.attempts.judging import find_judging
from harness.attempts.land import Landing, land
from harness.attempts.moves import CHECKS, COMMIT, Mover, tell_unstaged, watch_commit, watch_head
from harness.attempts.no_secrets import check_for_secrets
from harness.attempts.order import Delivery
from harness.attempts.park import clear, park
from harness.attempts.prove import (
    begin_of_making,
    find_changed,
    find_changed_in_review,
    fix,
    plan_checkout,
    settle_checks,
)
from harness.attempts.replay import plan_replay
from harness.attempts.review import keep_reviews, plan_reviews
from harness.attempts.second_look import look_again
from harness.attempts.snapshots import Kept, keep_left
from harness.attempts.write_down import ask, describe_end, line_for_silent_agent, tell_outcome, write_outcome
from harness.decide.blocked import find_blocked, find_nearly_blocked
from harness.decide.judge import judge, judge_claim
from harness.decide.judge_files import Judgement
from harness.domain.gist import digest_gist
from harness.domain.reply import Ended, Fault, Limit, Reply
from harness.domain.text import counted, listed, one_line
from harness.domain.verdict import CheckRun, Claim, Evidence, Outcome, Verdict
from harness.records.events import Blocked
from harness.records.lessons import redact_file
from harness.run.run import Run
from harness.run.spending import price
from harness.system import files
from harness.workspace.checks import digest_failures

CLAIM = "claim.done"  # in the folder of an attempt: one that did not stand


def keep(run: Run, attempt: Attempt, delivery: Delivery) -> Attempt | Judged:
    """Keep what came back of an attempt, written down before it is told; returns what it was worth.

    Where the agent claims to be done, it returns the attempt again: the checks of the claim are its order then.
    """
    run.heartbeat.phase("keeping", feature=attempt.slug, attempt=attempt.number)
    if delivery.reply is not None:
        attempt = receive(run, attempt, delivery.reply)
        if attempt.order.claimed:
            run.heartbeat.phase("checking", feature=attempt.slug, attempt=attempt.number)
            checks = counted(len(attempt.order.checks), "check")
            run.tell(f"{attempt.slug}: claims to be done; running {checks}")
            return attempt
    else:
        run.workspace.forget()
        run.workspace.index.reached = not ran_apart(run, attempt, delivery)
        when = "during a review" if attempt.order.questions else "during the checks"
        quarantine_appeared(run, attempt, when)
        watch_head(run, Mover(attempt.slug, attempt.number, CHECKS, apart=ran_apart(run, attempt, delivery)))
    assert attempt.found is not None
    found, weighed = attempt.found, attempt.weighed or weigh(run, attempt, attempt.found, delivery)
    if attempt.weighed is None:
        attempt = send_to_reviewers(run, attempt, found, weighed)
        if attempt.order.questions:
            return attempt
    judged, landing = conclude(run, attempt, found, weighed, delivery)
    act(run, judged, landing)
    write_down(run, judged, keep_left(run, judged, landing))
    clear(run, attempt.slug)
    attempt.workspace.close()
    run.in_flight.pop(attempt.slug, None)
    run.heartbeat.over(attempt.slug)
    run.inform_messenger()
    run.logs.pack(attempt.slug, newest=attempt.number, keep=run.settings.keep_transcripts)
    return judged


def ran_apart(run: Run, attempt: Attempt, delivery: Delivery) -> bool:
    """Whether no check saw the project's repository, and no reviewer."""
    if attempt.order.questions:
        return all(run.site.sandbox_for(one.agent) is not None for one in attempt.order.questions)
    in_tree = delivery.in_tree or any(one.in_tree for one in attempt.order.earlier)
    return delivery.checked_in.clean and not in_tree


def receive(run: Run, attempt: Attempt, reply: Reply) -> Attempt:
    """Return the attempt with what its agent left; where there is a claim to check, that is its order."""
    reply = price(reply, attempt.agent, run.prices)
    harmed = run.mend_logs()
    found = gather(run, attempt, reply, harmed=harmed)
    judged_now = reply.exit.ended is not Ended.STOPPED and run.tally.moved is None
    wanted = found.claimed and bool(attempt.order.checks) and judged_now
    found = fix(run, attempt, found) if wanted else found
    plan = plan_checkout(run, attempt, found) if found.claimed and run.tally.moved is None else None
    earlier = find_touched(run, attempt, found) if wanted else ()
    since = begin_of_making(run, attempt)
    judging, looked = find_judging(run, attempt, found, plan) if wanted else ((), None)
    replay = (
        plan_replay(run, attempt, judging, looked, in_tree=plan is None) if looked is not None and judging else None
    )
    known = run.verdicts.find_on_same_files(plan, attempt.order.checks) if plan is not None else ()
    order = replace(attempt.order, claimed=wanted, plan=plan, earlier=earlier, since=since, replay=replay, known=known)
    return replace(attempt, found=replace(found, judging=judging), order=order)


def weigh(run: Run, attempt: Attempt, found: Gathered, delivery: Delivery) -> Weighed:
    """Return what the checks of a claim came to."""
    settled = settle_checks(run, attempt, delivery)
    own = (*blame(run, attempt, delivery.earlier), *find_changed(run, attempt, found, settled))
    checks = (*settled.runs, *own, *check_for_secrets(run, attempt, found))
    judgement = Judgement()
    if attempt.order.checks and all(one.green for one in checks):
        judgement = look_again(run, attempt, found, delivery, settled.runs)
        checks = (*checks, *judgement.red)
    return Weighed(settled, checks, judgement)


def send_to_reviewers(run: Run, attempt: Attempt, found: Gathered, weighed: Weighed) -> Attempt:
    """Return the attempt; where its claim would stand, with the questions that go out to reviewers now."""
    if _judge_claim(run, attempt, found, weighed.checks) not in (Claim.CONFIRMED, Claim.UNVERIFIED):
        return attempt
    planned = plan_reviews(run, attempt, found)
    questions = tuple(one.asked for one in planned if one.asked is not None)
    if questions:
        run.heartbeat.phase("reviewing", feature=attempt.slug, attempt=attempt.number)
        named = listed(dict.fromkeys(one.agent.name for one in questions))
        run.tell(f"{attempt.slug}: its claim goes to review: {counted(len(questions), 'question')} to {named}")
    order = replace(attempt.order, questions=questions)
    return replace(attempt, order=order, weighed=weighed, planned=planned)


def conclude(
    run: Run, attempt: Attempt, found: Gathered, weighed: Weighed, delivery: Delivery
) -> tuple[Judged, Landing | None]:
    """Return the verdict on an attempt, with the evidence for it; a claim that stands is committed."""
    reviewed = keep_reviews(run, attempt, delivery.answers)
    attempt = replace(attempt, order=replace(attempt.order, questions=()))
    settled, judgement = weighed.settled, weighed.judgement
    checks = (*weighed.checks, *reviewed.red, *find_changed_in_review(run, attempt, found))
    landing = None
    stands = _judge_claim(run, attempt, found, checks) in (Claim.CONFIRMED, Claim.UNVERIFIED)
    if stands:
        judgement = park(run, attempt, found, judgement)
    if stands and not judgement.parked_at:
        landing = land(run, attempt, found, settled)
        settled = landing.settled
        checks = (*settled.runs, *filter(None, [landing.refused]))
    found.remarks += filter(None, [settled.remark])
    evidence, verdict = _judge(run, attempt, found, checks, judgement)
    return Judged(attempt, found, checks, evidence, verdict, judgement, reviewed.lines), landing


def _judge(
    run: Run, attempt: Attempt, found: Gathered, checks: tuple[CheckRun, ...], judgement: Judgement
) -> tuple[Evidence, Verdict]:
    feature, reply, history = attempt.feature, found.reply, run.history.of(attempt.slug)
    found.remarks += [] if run.site.sandbox is None else run.site.sandbox.take_refused(attempt.order.key)
    question = judgement.question if judgement.parked_at else find_blocked(found.note.text, history.answered)
    question = question or judgement.question or None
    if question is None and not found.claimed and (line := find_nearly_blocked(found.note.text)):
        found.remarks.append(f"`{one_line(line, 60)}` asks nobody: a question starts a line with `BLOCKED:`")
    met = diagnose(reply, attempt.agent, run.clock() if attempt.ended_at is None else attempt.ended_at)
    evidence = Evidence(
        reply=reply,
        claim=Claim.PARKED if judgement.parked_at else _judge_claim(run, attempt, found, checks),
        limit=met if isinstance(met, Limit) else None,
        fault=met if isinstance(met, Fault) else None,
        question=question,
        note_bytes=0 if digest_gist(found.note.text) == history.note else found.note.size,
        changed=bool(found.changed),
        same_failure=history.failing == digest_failures(checks),
        failing=tuple(one.command for one in checks if not one.green),
        stuck_bytes=run.settings.stuck_bytes if feature.stuck_bytes is None else feature.stuck_bytes,
        crashed=attempt.crashed,
        moved=run.tally.moved is not None,
    )
    verdict = judge(evidence)
    return evidence, replace(verdict, charged=False) if attempt.again else verdict


def _judge_claim(run: Run, attempt: Attempt, found: Gathered, checks: tuple[CheckRun, ...]) -> Claim:
    stopped = found.reply.exit.ended is Ended.STOPPED or any(one.stopped for one in checks)
    stopped |= run.tally.moved is not None
    return judge_claim(
        claimed=found.claimed,
        words=found.words,
        checks=max(len(attempt.order.checks), len(checks)),
        green=bool(checks) and all(one.green for one in checks),
        stopped=stopped,
        reply=found.reply,
    )


def act(run: Run, judged: Judged, landing: Landing | None) -> None:
    """Do what the verdict asks for: seal the claim or withdraw it, ask the question, leave a memory."""
    attempt, found, outcome = judged.attempt, judged.found, judged.verdict.outcome
    if landing is not None:
        made = landing.commit.head if landing.commit.made else ""
        watch_commit(run, Mover(attempt.slug, attempt.number, COMMIT, apart=True), made, landing.commit.base)
        tell_unstaged(run, attempt.slug)
    if outcome is Outcome.DONE and landing is not None:
        parked = run.history.of(attempt.slug).parked
        accept(run, judged, landing)
        if parked:
            run.workspace.parking.forget(attempt.slug, parked)
        if run.workspace.has_hooks():  # which may be an agent's
            quarantine_appeared(run, attempt, "during the commit")
    elif found.claimed and judged.evidence.claim is not Claim.PENDING:
        withdraw(run, attempt)
    if outcome is Outcome.BLOCKED and (question := judged.evidence.question) is not None:
        own = judged.judgement if question == judged.judgement.question else Judgement()
        ask(
            run,
            Blocked(
                slug=attempt.slug, attempt=attempt.number, question=question, judging=own.about, parked=own.parked_at
            ),
        )
        if not own.parked_at:  # beside work that is proven and waits to land, a run goes on
            run.tally.blocked_in_this_run.add(attempt.slug)
    if found.changed and found.note.size == 0 and outcome is not Outcome.DONE:
        run.logs.notes(attempt.slug).add(line_for_silent_agent(attempt, found))


def withdraw(run: Run, attempt: Attempt) -> None:
    """Take a claim away that does not stand; its words stay with the attempt."""
    done = run.paths.done(attempt.slug)
    redact_file(files.move(done, attempt.folder / CLAIM), run.redactor)
    run.markers.discard(done.name)


def write_down(run: Run, judged: Judged, kept: Kept) -> None:
    """Write the end of the attempt into the journal, copy it into its folder, and tell it."""
    ended = replace(describe_end(run, judged), kept=kept.commit, not_kept=kept.left_out)
    write_outcome(run, run.write(ended))
    run.logs.remember_end(judged.attempt.slug)
    tell_outcome(run, judged)
