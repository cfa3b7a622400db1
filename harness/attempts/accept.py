"""A claim becomes a receipt: the feature's work is committed, the journal says so, the marker stands."""

from __future__ import annotations

import re
from dataclasses import replace

from harness.attempts.attempt import Attempt, Judged
from harness.attempts.land import Landing
from harness.decide.assumed import find_assumed
from harness.decide.proof import say_names
from harness.domain.errors import StorageError
from harness.domain.listener import Tone
from harness.domain.look import FeatureHistory
from harness.domain.units import format_size
from harness.domain.verdict import CheckedIn
from harness.records.events import Accepted, CommitFailed, Committed, Marked
from harness.records.journal import utc
from harness.records.receipt import CLEAN, LACKS, REFUSED, Proof, compose_receipt, digest
from harness.run.criteria import say_criteria
from harness.run.run import Run
from harness.system import files
from harness.workspace.workspace import Snapshot

NO_SPACE = 1 << 20  # bytes free with which git can do nothing
FULL = re.compile("no space left|out of disk ?space|quota exceeded", re.IGNORECASE)  # how git and the system say so


def accept(run: Run, judged: Judged, landing: Landing) -> None:
    """Turn a claim into a receipt: journal `committed` and `accepted`, write the marker, journal `marked`."""
    attempt, feature, found = judged.attempt, judged.attempt.feature, judged.found
    said, clean = found.reply.transcript, run.redactor.text  # what others wrote: in harness's own words is no secret
    checked_in = replace(landing.settled.checked_in, written_outside=run.settings.sandbox_write)
    history = run.history.of(feature.slug)
    proof = Proof(
        spec=feature.sha256,
        commit=tell_commit(run, attempt, landing, found.after),
        checked=clean(say_where(checked_in, landing.left_out)) if judged.checks else "",
        checks=tuple(replace(one, command=clean(one.command)) for one in judged.checks),
        criteria=tuple(map(clean, say_criteria(run, feature, judged.checks, history.before))),
        assumed=tuple(dict.fromkeys((*history.assumed, *find_assumed(found.note.text)))),
        judge=tuple(map(clean, (*judged.judgement.lines, *_say_allowed(history)))),
        review=tuple(map(clean, (*judged.reviewed, *_say_other_tree(run, judged, landing)))),
        findings=tuple(clean(str(one)) for one in judged.judgement.findings),
        not_looked_at=judged.judgement.not_looked_at,
        before={clean(command): green for command, green in history.before.items()},
    )
    text = compose_receipt(
        clean(found.words),
        proof,
        attempt=attempt.number,
        agent=" ".join(filter(None, (attempt.agent.name, clean(said.agent_version)))),
        model=clean(said.model or attempt.agent.model),
        at=utc(run.clock()),
    )
    run.write(Accepted(slug=feature.slug, attempt=attempt.number, sha256=digest(text), receipt=text))
    write_marker(run, feature.slug, text)
    run.tally.accepted.append(feature.slug)


def _say_other_tree(run: Run, judged: Judged, landing: Landing) -> tuple[str, ...]:
    """Return that the commit is not what was reviewed, where a hook or another commit made it another tree."""
    reviewed = {one.tree for one in judged.attempt.planned if one.tree and not one.problem}
    if not reviewed or not landing.commit.made or run.workspace.commits.tree_of(landing.commit.head) in reviewed:
        return ()
    return ("the commit is not the tree that was reviewed: a hook, or a commit made meanwhile, changed it",)


def _say_allowed(record: FeatureHistory) -> list[str]:
    """Return a line for each file that a person let stand, or land."""
    said = "land" if record.parked else "stand as it is"
    return [f"{name}: a person let it {said}" for name in sorted(record.allowed)]


def say_where(checked_in: CheckedIn, left_out: tuple[str, ...]) -> str:
    """Return where the checks of a receipt ran, in one line."""
    if checked_in.clean:
        set_up = f", set up by {', '.join(f'`{one}`' for one in checked_in.set_up_by)}" if checked_in.set_up_by else ""
        besides = f", with the project's {', '.join(checked_in.brought)}" if checked_in.brought else ""
        written = checked_in.written_outside
        outside = f"; agents write {', '.join(written)}, which it sees" if written else ""
        return f"{CLEAN}{set_up}{besides}{outside}"
    because = f" ({checked_in.because})" if checked_in.because else ""
    lacks = f"{LACKS}{say_names(left_out)}" if left_out else ""
    return f"in the working tree{because}{lacks}"


def write_marker(run: Run, slug: str, text: str) -> None:
    """Put the receipt in the claim's place and write down that it stands."""
    done = run.paths.done(slug)
    if files.is_dir(done) and not files.is_link(done):  # an agent can make a folder of that name
        files.move(done, run.paths.kept / f"{slug}.done.folder")
    files.write_atomic(done, text)
    run.markers.add(done.name)
    run.write(Marked(slug=slug, sha256=digest(text)))


def tell_commit(run: Run, attempt: Attempt, landing: Landing, checked: Snapshot) -> str:
    """Write down and tell what became of the commit, and return the receipt's line about it.

    Without one it names the tree as its checks began on it: `checked`.
    """
    commit, tree = landing.commit, f"tree: {checked.digest} at commit {checked.head or 'none'}"
    if not run.commits:
        return tree
    if commit.remark:
        run.tell(f"{attempt.slug}: {commit.remark}", Tone.NOTICE)
    if commit.failure:
        refuse_full_disk(run, attempt, commit.failure)
        run.write(CommitFailed(slug=attempt.slug, attempt=attempt.number, why=commit.failure))
        run.tell(f"{attempt.slug}: proven, but not committed: {commit.failure}", Tone.BAD)
        return f"{tree} ({REFUSED})"
    if commit.unsigned:
        run.tell(f"{attempt.slug}: committed, but not signed: {commit.unsigned}", Tone.BAD)
    if commit.made:
        run.write(Committed(slug=attempt.slug, attempt=attempt.number, commit=commit.head))
        apart = run.history.on_branches() - run.tally.left_in_tree
        if shared := sorted(run.history.open_work_besides(attempt.slug, apart=apart).intersection(commit.names)):
            said = f"the commit has {say_names(shared)} as a whole, with what another feature's attempts changed there"
            run.tell(f"{attempt.slug}: {said}", Tone.NOTICE)
    return f"commit: {commit.head or 'none'}"


def refuse_full_disk(run: Run, attempt: Attempt, failure: str) -> None:
    """Raise StorageError where git had no room: the claim is checked, and committed, when there is some again."""
    free = files.free_bytes(run.paths.root)
    if free < NO_SPACE or FULL.search(failure):
        left = f"the disk has {format_size(free)} left"
        raise StorageError(f"cannot commit {attempt.slug}, {left}: {failure}", "free some, then run again")
