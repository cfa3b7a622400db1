"""Done features whose commit git refused: it is tried again, and one that a person made meanwhile is recognised."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from harness.attempts.earlier import proven_features
from harness.attempts.held_out import recheck_feature
from harness.attempts.moves import COMMIT, Mover, watch_commit
from harness.attempts.no_secrets import find_secrets, take_back_secrets
from harness.attempts.recheck import plan_head
from harness.attempts.renew import COMMITTED, REFUSED_RED, renew, reopen
from harness.domain.feature import Feature
from harness.domain.halt import Halt, Stop
from harness.domain.listener import Tone
from harness.records.events import Committed
from harness.records.receipt import parse_receipt
from harness.run.run import Run
from harness.workspace.workspace import Commit

ACCEPTED = "accepted by a person"


def retry_commits(run: Run) -> bool:
    """Commit what git refused before, if it lets us now; returns whether anything came of it."""
    waits = not run.commits or run.in_flight or run.tally.moved is not None
    if waits or run.asked_to_stop() is not None or run.interrupts.halt() is not None:
        return False
    refused = [one for one in proven_features(run) if run.history.of(one.slug).refused]
    made = [_retry(run, feature) for feature in refused] + [_commit_accepted(run, slug) for slug in _accepted(run)]
    return any(made)


def _accepted(run: Run) -> list[str]:
    """Return the features that a person accepted and whose files are in no commit."""
    accepted = [slug for slug, one in run.history.histories.items() if one.to_commit and slug in run.history.known]
    if not accepted or not (snapshot := run.workspace.recent_snapshot()).head:
        return []
    return [slug for slug in accepted if run.history.of(slug).to_commit & snapshot.files.keys()]


def _commit_accepted(run: Run, slug: str) -> bool:
    """Commit what the attempts on a feature left that a person accepted; returns whether a commit was made."""
    record = run.history.of(slug)
    commit = _commit(run, slug, ACCEPTED, record.attempts, frozenset(record.to_commit))
    if not commit.made:
        return False
    watch_commit(run, Mover(slug, record.attempts, COMMIT, apart=True), commit.head, commit.base)
    run.tell(f"{slug}: what its attempts made is committed, {ACCEPTED}: {commit.head[:12]}")
    return True


def _retry(run: Run, feature: Feature) -> bool:
    slug, names = feature.slug, run.history.of(feature.slug).landed
    receipt = parse_receipt(run.journal.last_receipt(slug))
    waits = names & run.workspace.snapshot().files.keys()
    if waits and not _commit(run, slug, receipt.words, receipt.attempt, names).made:
        return False
    found = recheck_feature(run, feature, plan_head(run))
    if found.stopped or run.tally.moved is not None:
        return False
    if all(one.green for one in found.runs):
        renew(run, feature, found, COMMITTED)
    else:
        reopen(run, feature, found.runs, REFUSED_RED)
    return True


def _commit(run: Run, slug: str, words: str, attempt: int, names: Collection[str]) -> Commit:
    """Commit files as they are now, which may be another than was checked: none of it may hold a secret."""
    secrets, commit = "; ".join(find_secrets(run, names)), Commit()
    if not secrets:
        commit = run.workspace.commit(slug, words, attempt, names)
    if commit.made:
        commit, secrets = take_back_secrets(run, slug, commit)
    if commit.made:
        run.write(Committed(slug=slug, attempt=attempt, commit=commit.head))
        if secrets:
            run.tell(f"{slug}: {secrets}", Tone.BAD)
    else:
        why = secrets or commit.failure or "nothing to commit"
        run.tell_once(f"{slug}: still not committed: {why}", Tone.BAD)
    return commit


def stop_for_refused(run: Run, stop: Stop) -> Stop:
    """Return another end than that all is done, where a feature that was asked for is not committed."""
    if stop.halt is not Halt.ALL_DONE or run.settings.commit == "never":
        return stop
    wanted = {one.slug for one in run.specs.among_wanted(run.specs.last)}
    done = [one.slug for one in proven_features(run) if one.slug in wanted]
    lost = _find_uncommitted(run, done)
    open_ones = [slug for slug in done if run.history.of(slug).refused or slug in lost]
    open_ones += sorted(wanted.intersection(_accepted(run)))
    return Stop.over(Halt.NOT_COMMITTED, open_ones) if open_ones else stop


def _find_uncommitted(run: Run, slugs: Iterable[str]) -> set[str]:
    """Return the features whose commit somebody took off the branch, and whose files wait to be committed again."""
    last = {slug: one.commits[-1][1] for slug in slugs if (one := run.history.of(slug)).commits}
    off = run.workspace.heads.find_lost(list(last.values()), "")
    waiting = run.workspace.snapshot().files.keys() if off else ()
    return {slug for slug, commit in last.items() if commit in off and run.history.of(slug).landed & set(waiting)}
