"""The reviews of a claim whose checks passed: what is asked, what came back, and what it means for the claim."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from harness.agents.failures import diagnose
from harness.agents.loads import find_steering
from harness.agents.review_prompt import DIFF_LIMIT
from harness.attempts.attempt import Attempt, Gathered, Planned
from harness.attempts.judging import find_base
from harness.attempts.order import Answered, Asked
from harness.attempts.write_down import find_names_of_work, names_to_commit
from harness.decide.judge import failed
from harness.decide.review import (
    Judged,
    clean_name,
    compose_red,
    decide_blocks,
    find_places,
    identify,
    name_review,
    parse_answer,
    say_review,
)
from harness.domain.agent import Agent
from harness.domain.errors import HarnessError
from harness.domain.listener import Tone
from harness.domain.reply import Ended, Limit, Reply
from harness.domain.review import PASS, Comment, Review
from harness.domain.text import one_line
from harness.domain.units import format_duration
from harness.domain.verdict import CheckRun
from harness.records.events import Reviewed
from harness.run.reviews import compose_question, read_criteria, reviewer_for
from harness.run.run import Run
from harness.run.spending import check_prices, limits_for_review, price
from harness.system.command import Bounds
from harness.workspace.clean_checkout import CheckoutPlan
from harness.workspace.repositories import real_path
from harness.workspace.shown_diff import show_diff
from harness.workspace.steering import find_names
from harness.workspace.workspace import Candidate

LONGEST_DIFF = 8 << 20  # bytes that are looked at
MOST_NAMES = 20  # of files that are left out
FOLDER = "review-"  # below that of the attempt, with a number
STOPPED, KILLED = "stopped before it ended", "its run was killed before it ended"


# --- what is asked ------------------------------------------------------------------------------------------------


def plan_reviews(run: Run, attempt: Attempt, found: Gathered) -> tuple[Planned, ...]:
    """Return what is asked about a claim whose checks passed; () where nobody is to be asked."""
    reviews = run.reviews_for(attempt.feature)
    if not reviews:
        return ()
    candidate, why = _find_candidate(run, attempt, found)
    if candidate is None:
        return tuple(Planned(review, problem=why) for review in reviews)
    diff, number = _read_diff(run, attempt, found, candidate), _find_free(run, attempt)
    left_out = find_names(run.workspace.commits.list_names(candidate.commit), find_steering())[:MOST_NAMES]
    subject = _Subject(candidate, diff, find_places(diff), left_out, len(reviews))
    return tuple(_plan(run, attempt, subject, review, folder) for folder, review in enumerate(reviews, number))


def _find_free(run: Run, attempt: Attempt) -> int:
    """Return the number of the first folder for a review that is free.

    What is in one of which nothing is written down was cut off with its run: nobody knows what it has cost.
    """
    number = 1
    while os.path.lexists(attempt.folder / f"{FOLDER}{number}"):
        if (attempt.number, number) not in run.history.of(attempt.slug).review_folders:
            run.write(Reviewed(slug=attempt.slug, attempt=attempt.number, number=number, problem=KILLED, asked=True))
            run.tally.spent = run.tally.spent.plus(None)
            run.tell(f"{attempt.slug}: a review was cut off with its run: what it has cost is unknown", Tone.NOTICE)
        number += 1
    return number


def _find_candidate(run: Run, attempt: Attempt, found: Gathered) -> tuple[Candidate | None, str]:
    """Return the commit that a claim would become, or one of the working tree; or why there is none."""
    if not run.workspace.has_git:
        return None, f"{run.workspace.why_no_git}, so there is no diff to read"
    if attempt.order.plan is not None:
        return attempt.order.plan.candidate, ""
    names, commits = names_to_commit(run, attempt, found), run.workspace.commits
    made = (
        attempt.workspace.prepare_commit(attempt.slug, found.words, attempt.number, names)
        if run.commits
        else commits.candidate_of_tree(found.after)
    )
    return made, "" if made is not None else "git cannot make a commit of the work to read"


def _read_diff(run: Run, attempt: Attempt, found: Gathered, candidate: Candidate) -> str:
    """Return the diff from before the work on a feature to its claim."""
    base, names = find_base(run, attempt, candidate.base), find_names_of_work(run, attempt, found)
    said = show_diff(run.workspace.heads.git, base, candidate.tree, names, run.workspace.prefix)
    return said[:LONGEST_DIFF].decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is reviewed: the commit, the diff to it with its lines, by so many questions."""

    candidate: Candidate
    diff: str
    places: Mapping[str, Sequence[range]]
    left_out: tuple[str, ...]  # names of files that are not there for a reviewer
    questions: int


def _plan(run: Run, attempt: Attempt, subject: _Subject, review: Review, number: int) -> Planned:
    tree, spent = subject.candidate.tree, None if attempt.found is None else attempt.found.reply.transcript.cost.dollars
    try:
        limits = limits_for_review(run, attempt.feature, spent, subject.questions)
        agent = reviewer_for(run, review, limits)
        check_prices(run, [agent])
        said = repr((tree, review.question, attempt.feature.sha256, agent.name, agent.model))
        key = sha256(said.encode("utf-8", "replace")).hexdigest()[:16]
        size = len(subject.diff)
        shown = f"of the first {DIFF_LIMIT} of {size} characters of the diff" if size > DIFF_LIMIT else ""
        planned = Planned(review, key=key, tree=tree, agent=agent, places=subject.places, shown=shown)
        if (known := run.history.of(attempt.slug).reviews.get(key)) is not None:
            return replace(planned, known=known)
        why = "" if subject.diff else "there is no diff to read"
        why = why or ("nothing is left of the budget" if limits.max_cost is not None and limits.max_cost <= 0 else "")
        if why := why or _why_closed(run, agent):
            return replace(planned, problem=why)
        return replace(planned, number=number, asked=_ask_for(run, attempt, subject, planned, number))
    except HarnessError as error:
        name = review.agent or run.settings.agent
        return Planned(review, tree=tree, problem=f"{name}: {error.message}; {error.hint}")


def _why_closed(run: Run, agent: Agent) -> str:
    """Return the limit that an agent met when it was asked before, while that holds."""
    until, said = run.tally.closed_reviewers.get(agent.name, (0.0, ""))
    if until is None or run.clock() < until:
        return said
    opens = run.failover.turn.closed_until.get(agent.name)
    return f"a limit that {agent.name} met at its work" if opens is not None and run.clock() < opens else ""


def _ask_for(run: Run, attempt: Attempt, subject: _Subject, planned: Planned, number: int) -> Asked:
    assert planned.agent is not None
    workspace, settings, review, agent = run.workspace, run.settings, planned.review, planned.agent
    top, specs = real_path(workspace.top), real_path(run.paths.specs)
    return Asked(
        review=review,
        agent=agent,
        prompt=compose_question(run, attempt.feature, review, agent, subject.diff, subject.left_out),
        bounds=Bounds(
            timeout=settings.check_timeout if review.timeout is None else review.timeout,
            idle_timeout=settings.idle_timeout,
        ),
        plan=attempt.order.plan or CheckoutPlan(subject.candidate),
        folder=attempt.folder / f"{FOLDER}{number}",
        prefix=workspace.prefix,
        specs=str(specs.relative_to(top)) if specs.is_relative_to(top) else "",
    )


# --- what came back -----------------------------------------------------------------------------------------------


def keep_reviews(run: Run, attempt: Attempt, answers: Sequence[Answered]) -> Judged:
    """Write down what reviewers said and what it cost, tell it, and return what it means for the claim."""
    red, lines, waiting = list[CheckRun](), list[str](), list(answers)
    for planned in attempt.planned:
        answer = None if planned.asked is None else waiting.pop(0) if waiting else Answered(problem=STOPPED)
        event = run.write(_judge(run, attempt, planned, answer))
        run.tally.spent = run.tally.spent.plus(event.dollars) if event.asked else run.tally.spent
        whose = _say_whose(run, planned, event)
        if event.problem == STOPPED:
            red.append(CheckRun(name_review(planned.review), None, event.seconds, stopped=True))
        red += compose_red(planned.review, whose, event.comments)
        said = say_review(planned.review, whose, event.comments, event.problem, planned.shown)
        for line in said:
            run.tell(f"{attempt.slug}: review: {line}", _choose_tone(event))
        lines += said
    return Judged(tuple(red), tuple(lines))


def _say_whose(run: Run, planned: Planned, event: Reviewed) -> str:
    name = event.agent or planned.review.agent or run.settings.agent
    model = f" ({event.model})" if event.model else ""
    return f"{name}{model}, unconfined" if event.asked and not event.confined else f"{name}{model}"


def _choose_tone(event: Reviewed) -> Tone:
    if event.blocked or (event.problem and event.blocking):
        return Tone.BAD
    return Tone.NOTICE if event.problem or any(one.verdict != PASS for one in event.comments) else Tone.PLAIN


def _judge(run: Run, attempt: Attempt, planned: Planned, answer: Answered | None) -> Reviewed:
    """Return what is written down of one question."""
    review, agent = planned.review, planned.agent
    reply = None if answer is None else answer.reply
    reply = reply if reply is None or agent is None else price(reply, agent, run.prices)
    comments, problem = planned.known or (), planned.problem
    if answer is not None and agent is not None:
        comments, problem = _read_answer(run, attempt, agent, answer, reply)
    root = str(run.paths.root)
    named = (replace(one, file=clean_name(one.file, root), blocks=False, rounds=0) for one in comments)
    comments = decide_blocks(review, named, planned.places, run.history.of(attempt.slug).rounds)
    event = Reviewed(
        slug=attempt.slug,
        attempt=attempt.number,
        number=planned.number,
        key=planned.key,
        question=review.question,
        blocking=review.blocking,
        tree=planned.tree,
        agent="" if agent is None else agent.name,
        model="" if agent is None else agent.model,
        problem=run.redactor.text(problem),
        asked=reply is not None,
        confined=agent is not None and run.site.sandbox_for(agent) is not None,
        comments=run.redactor.deep(comments),
        blocked=tuple(identify(review, one) for one in comments if one.blocks),
        dollars=0.0,
    )
    if reply is None:
        return event
    said, model = reply.transcript, reply.transcript.model or event.model
    return replace(
        event,
        agent_version=said.agent_version,
        model=model,
        seconds=round(reply.exit.seconds, 3),
        dollars=said.cost.dollars,
        cost_source=said.cost.source,
        prices=run.prices.source_of(model) if said.cost.source == "derived" else "",
        usage=said.usage,
    )


def _read_answer(
    run: Run, attempt: Attempt, agent: Agent, answer: Answered, reply: Reply | None
) -> tuple[tuple[Comment, ...], str]:
    """Return what a reviewer found, or why that is no verdict: the claim is not to blame for it."""
    if reply is None:
        return (), answer.problem
    ended, met = reply.exit, diagnose(reply, agent, run.clock())
    if ended.ended is Ended.STOPPED:
        return (), STOPPED
    if met is not None:
        said = f"{met.kind}: {one_line(met.text)}"
        if isinstance(met, Limit):
            run.tally.closed_reviewers[agent.name] = (met.resets_at, said)
        return (), said
    if ended.ended in (Ended.TIMED_OUT, Ended.IDLE):
        limit = "no output for longer than the idle limit" if ended.ended is Ended.IDLE else "over its time limit"
        return (), f"{agent.name} was ended after {format_duration(round(ended.seconds, 1))}: {limit}"
    if failed(reply):
        words = one_line(reply.transcript.error_text or ended.stderr_tail[-400:])
        return (), f"{agent.name} failed (exit {ended.code}){f': {words}' if words else ''}"
    try:
        return parse_answer(answer.text, len(read_criteria(run, attempt.feature))), ""
    except ValueError as error:
        return (), str(error)
