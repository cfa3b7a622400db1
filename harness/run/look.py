"""How a run looks at the project: what people and agents left is taken in, then things are as they stand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from harness.decide.blocked import find_allowed
from harness.domain.feature import Feature
from harness.domain.listener import Tone
from harness.domain.look import Look, Markers
from harness.domain.text import plain
from harness.records.events import Allowed, Answered, MarkedByHand, SpecChanged
from harness.records.halt_file import remove_halt
from harness.records.history import read_markers
from harness.records.receipt import digest, parse_receipt
from harness.run.markers import parse_names
from harness.run.run import Begun, Run
from harness.run.unread import tell_unread
from harness.system import files

ANSWER_LIMIT = 64 * 1024  # bytes


def look_around(run: Run, ended: Iterable[Begun] = ()) -> Look:
    """Take in what was left since the last look, and return how things stand; `ended` are attempts that did since."""
    take_in_specs(run, ended)
    markers = take_in_markers(run)
    tell_unread(run, markers)
    return look(run, markers)


def look(run: Run, markers: Markers) -> Look:
    """Return all that the next decision depends on; nothing is changed by it. Stale or regressed is not done."""
    tally, turn = run.tally, run.failover.turn
    features = run.specs.among_wanted(run.specs.last)
    history = run.history
    open_again = frozenset(one.slug for one in features if history.is_stale(one) or history.is_regressed(one))
    return Look(
        features=tuple(_mark_unusable(run, feature) for feature in features) if tally.unusable else features,
        markers=replace(markers, done=markers.done - open_again) if open_again else markers,
        histories=run.history.histories,
        halt=run.interrupts.halt(),
        interrupted=run.interrupts.interrupted,
        moved=tally.moved,
        pending_stop=turn.stop,
        wait=turn.wait,
        iterations=tally.iterations,
        elapsed=run.clocks.elapsed,
        begins=run.begins,
        skipped=frozenset(tally.skipped),
        blocked_in_this_run=frozenset(tally.blocked_in_this_run),
        spend=run.spend,
        in_flight=frozenset(run.in_flight),
    )


def _mark_unusable(run: Run, feature: Feature) -> Feature:
    sha256, because = run.tally.unusable.get(feature.slug, ("", ""))
    return replace(feature, problem=because) if because and sha256 == feature.sha256 else feature


# --- specs --------------------------------------------------------------------------------------------------------


def take_in_specs(run: Run, ended: Iterable[Begun]) -> None:
    """Read the specs again, and say what is wrong with them and what changed under an agent's hands.

    A person may edit a spec at any time; what was changed under an agent's hands counts from the next run on.
    """
    reading = run.specs.reread()
    for warning in reading.warnings:
        run.tell_once(warning, Tone.NOTICE)
    for attempt in ended:
        for was, now in run.specs.changes_since(attempt.specs):
            _tell_changed_spec(run, attempt, was, now)
    for attempt in run.in_flight.values():  # told when it comes back
        for was, now in run.specs.changes_since(attempt.specs):
            run.specs.freeze(was, now)


def _tell_changed_spec(run: Run, attempt: Begun, was: Feature, now: Feature | None) -> None:
    """Say that a spec changed during an attempt, and keep the checks it had: an agent must not weaken its proof."""
    slug, what = attempt.feature.slug, run.paths.shown(was.path)
    run.specs.told.add((was.slug, "" if now is None else now.sha256))
    run.write(SpecChanged(slug=was.slug, attempt=attempt.number, during=slug, was=was.sha256))
    run.tell(f"{slug}: `{what}` changed during the attempt; if that was not you, see `git diff {what}`", Tone.BAD)
    if run.specs.freeze(was, now):
        run.tell(f"{was.slug}: this run goes on with the checks it had; start again to use the new", Tone.BAD)


# --- markers ------------------------------------------------------------------------------------------------------


def take_in_markers(run: Run) -> Markers:
    """Return the markers that stand; takes in answers, and markers that a person set by hand while no agent works."""
    markers = find_markers(run)
    if markers.answered:
        _take_answers(run, markers.answered, markers.blocked)
        markers = find_markers(run)
    if not run.in_flight:
        for slug in sorted(markers.done - run.history.known):
            _note_marker_by_hand(run, slug)
    return markers


def find_markers(run: Run) -> Markers:
    """Return the markers that stand, without claims; while an agent works, those that harness knows to stand."""
    found = read_markers(run.paths)
    if run.in_flight:
        answered = found.answered - run.in_flight.keys()
        found = replace(parse_names(run.markers), answered=answered)
    return run.history.without_unchecked_claims(found)


def _take_answers(run: Run, slugs: frozenset[str], blocked: frozenset[str]) -> None:
    for slug in sorted(slugs):
        answer = run.paths.answer(slug)
        if not files.is_plain(answer):
            files.move(answer, run.paths.kept / f"{slug}.answer.strange")
            continue
        text = plain(files.read_text(answer, ANSWER_LIMIT)).strip()
        if not text:
            continue  # a shell that redirects shows an empty file first; it is read again at the next look
        if slug not in blocked and not run.history.of(slug).question:
            files.move(answer, run.paths.kept / f"{slug}.answer")
            run.tell(f"{slug}: an answer came, but there was no question: it was moved to logs/.kept", Tone.NOTICE)
            continue
        _take_answer(run, slug, run.redactor.text(text))


def _take_answer(run: Run, slug: str, text: str) -> None:
    record = run.history.of(slug)
    if allowed := find_allowed(text, record.judging, record.parked):
        run.write(Allowed(slug=slug, files=allowed))
        run.tally.allowed.add(slug)
    run.write(Answered(slug=slug, text=text))
    run.logs.notes(slug).add(f"## A person answered\n\n{text}\n")
    run.tally.blocked_in_this_run.discard(slug)
    run.markers.discard(f"{slug}.blocked")
    files.remove(run.paths.blocked(slug))
    files.remove(run.paths.answer(slug))
    remove_halt(run.paths, about=slug)
    then = "its claim is checked again" if run.history.of(slug).claim_pending else "it will be worked on again"
    run.tell(f"{slug}: its question was answered: {then}", Tone.GOOD)


def _note_marker_by_hand(run: Run, slug: str) -> None:
    text = run.read_marker(slug)
    checks = next((run.checks_for(one) for one in run.specs.last if one.slug == slug), ())
    is_receipt = parse_receipt(text).kind == "proven" and bool(checks)
    run.write(MarkedByHand(slug=slug, sha256=digest(text), receipt=is_receipt))
    if not is_receipt:
        run.tell(f"{slug}: a person set `.done`, it counts as done", Tone.NOTICE)
