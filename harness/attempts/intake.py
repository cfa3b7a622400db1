"""What an attempt left on disk: note, claim, changed files; gathered before it is judged, and cleaned."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from harness.agents.failures import find_remarks
from harness.attempts.accept import write_marker
from harness.attempts.attempt import Attempt, Gathered
from harness.attempts.moves import Mover, tell_unstaged, watch_head
from harness.attempts.prove import begin_of_work
from harness.attempts.quarantined import (
    quarantine_marker,
    restore_links,
    tell_all_found,
    tell_env_files,
    tell_quarantined,
)
from harness.domain.errors import HarnessError
from harness.domain.listener import Tone
from harness.domain.reply import Reply
from harness.domain.text import plain, some_of
from harness.records.events import Foreign, Tampered, Vanished
from harness.records.lessons import mend_learnings, redact_file, redact_log
from harness.run.markers import read_names
from harness.run.run import Run
from harness.run.unread import explain_unread
from harness.system import files
from harness.workspace.brought import list_brought
from harness.workspace.guard import FOLDERS, LONGEST_PATH
from harness.workspace.private_logs import import_private_logs, quarantined_as
from harness.workspace.quarantine import put_git_back, quarantine_absent, quarantine_changes
from harness.workspace.workspace import Snapshot, changed_files

CLAIM_LIMIT = 4096  # bytes of a claim that are read
SHOWN = 5  # names that a remark has room for


def gather(run: Run, attempt: Attempt, reply: Reply, *, harmed: bool) -> Gathered:
    """Gather what an attempt left; `harmed` says that it took the journal away too."""
    slug = attempt.slug
    remarks = _take_over(run, attempt)
    learnings, since = run.logs.learnings, run.logs.last_end(attempt.learnings)
    note, lessons = run.logs.notes(slug).take_note(attempt.log), learnings.take_note(since)
    remarks += [*find_remarks(reply), *mend_learnings(learnings, lessons, run.redactor)]
    run.logs.mark_learnings()
    remarks += redact_log(run.logs.notes(slug), note, run.redactor)
    note = replace(note, text=run.redactor.text(note.text))
    for name, taken in ((f"{slug}.log", note), ("learnings.md", lessons)):
        if taken.tampered:
            back = "the old text is restored" if taken.restored else "the old text is lost, and so is the copy of it"
            remarks.append(f"it had cut or rewritten {name}: {back}, what it wrote is kept")
            run.write(Tampered(slug=slug, attempt=attempt.number, file=name))
    remarks += _explain_unread(os.listdir(run.paths.logs), slug)  # noqa: PTH208
    quarantine_foreign(run, attempt, harmed=harmed)
    moved_head = watch_head(run, Mover(slug, attempt.number, crashed=attempt.crashed))
    remarks += moved_head.remarks
    done = run.paths.done(slug)
    claimed = files.exists(done) or files.is_link(done)
    after = attempt.workspace.snapshot_after(attempt.before, moved_head.elsewhere if moved_head.head else None)
    tell_unstaged(run, slug)
    moved = attempt.before.head != after.head
    if attempt.before.head and not after.head:
        remarks.append("git does not work here any more: the changes cannot be committed")
    own = moved and bool(after.head)  # commits of its own
    committed = run.workspace.heads.find_changed(attempt.before.head, after.head) if own else ()
    after = leave_what_was_ignored(run, attempt, after, committed)
    specs = run.paths.specs  # what is committed there is in no look at the tree
    ever = list_brought(run.workspace.heads.git, [attempt.before.head], [after.head]).files if own else {}
    gone = set(ever).difference(committed)  # by a later one
    seen = [one for one in ever if one in gone or one in after.files or specs in (run.workspace.top / one).parents]
    outside = [one for one in ever if not (run.workspace.top / one).is_relative_to(run.paths.root)]
    remarks += _tell_committed(run, slug, outside, "outside of the project", "look before you push")
    in_logs = [one for one in ever if (run.workspace.top / one).is_relative_to(run.paths.logs)]
    remarks += _tell_committed(run, slug, in_logs, "which are harness's own", "`git rm --cached` takes them out of git")
    obeyed = _find_obeyed(run, (one for one in seen if one not in moved_head.elsewhere))
    remarks += _tell_committed(run, slug, obeyed, "which programs obey", "`git restore` would bring that back")
    names = tuple(sorted({*changed_files(attempt.before, after), *committed}.difference(moved_head.elsewhere)))
    changed = names or (("(a commit)",) if moved else ())
    words = run.redactor.text(_read_claim(done)) if claimed else ""
    return Gathered(reply, note, changed, after, words, claimed, remarks, committed=committed)


def leave_what_was_ignored(run: Run, attempt: Attempt, after: Snapshot, committed: Collection[str]) -> Snapshot:
    """Return the snapshot without files that are older than the work on the feature, and that git ignored until then.

    They are a person's: no commit is to hold them because an attempt changed what is ignored.
    """
    new = after.files.keys() - attempt.before.files.keys()
    changed = [name for name in after.files if after.files[name] != attempt.before.files.get(name)]
    if not attempt.before.head or not any(name.rpartition("/")[2] == ".gitignore" for name in (*changed, *committed)):
        return after
    since, top = begin_of_work(run, attempt), run.workspace.top
    older = [name for name in new if files.changed_at(top / name) < since]
    names = run.workspace.find_never_held(older, attempt.before.head) if older else ()
    if not names:
        return after
    run.tell(f"{attempt.slug}: not committed, {some_of(names, SHOWN)}: there before, and ignored by git", Tone.NOTICE)
    return replace(after, files={name: stamp for name, stamp in after.files.items() if name not in names})


def _find_obeyed(run: Run, names: Iterable[str]) -> list[str]:
    """Return which of the names, from the top of the work tree, programs obey in the project, as they are shown."""
    top, root, obeys = run.workspace.top, run.paths.root, run.guard.tree.obeyed.obeys
    within = [(top / name).relative_to(root) for name in names if (top / name).is_relative_to(root)]
    steps = {name: [name, *name.parents][:-1] for name in within}
    obeyed = [name for name in within if any(obeys(str(at)) for at in steps[name])]
    return [run.paths.shown(root / name) for name in obeyed]


def _tell_committed(run: Run, slug: str, names: Sequence[str], what: str, advice: str) -> list[str]:
    """Tell which files are in the agent's own commits, `what` they are and what to do; a remark on them."""
    if not names:
        return []
    said = f"{some_of(names, SHOWN)}, {what}"
    run.tell(f"{slug}: its own commits hold {said}: {advice}", Tone.BAD)
    return [f"its own commits hold {said}: a later one has to take that back"]


def _take_over(run: Run, attempt: Attempt) -> list[str]:
    """Import what a confined agent wrote where it sees logs/, and quarantine what would be obeyed outside; remarks."""
    slug, remarks = attempt.slug, list[str]()
    imported = import_private_logs(attempt.folder, run.paths, slug, attempt.log, attempt.learnings)
    for name in imported.rewritten:
        remarks.append(f"it had cut or rewritten {name}: the old text is restored, what it wrote is kept")
        run.write(Tampered(slug=slug, attempt=attempt.number, file=name))
    remarks += [f"it added more to {name} than harness imports: the rest was left out" for name in imported.cut]
    remarks += _explain_unread(imported.quarantined, slug)
    for name in imported.quarantined:
        redact_file(quarantined_as(attempt.folder, name), run.redactor)
        tell_quarantined(run, slug, attempt.number, name, f"`{name}` was left in logs/", attempt.folder / "foreign")
    return remarks + quarantine_appeared(run, attempt, "during the attempt")


def quarantine_appeared(run: Run, attempt: Attempt, when: str) -> list[str]:
    """Quarantine what programs outside would obey and was not so when the attempt began; remarks for the next one.

    What the spec of a feature in flight says that it may change is left.
    """
    found = put_git_back(run.paths, attempt.folder, run.guard)
    found += quarantine_absent(run.paths, attempt.folder, attempt.absent, run.guard.tree.is_obeyed)
    at_work = [attempt.feature, *(begun.feature for begun in run.in_flight.values())]
    may_change = [pattern for feature in at_work for pattern in feature.may_change]
    found += quarantine_changes(run.paths, attempt.folder, run.guard, may_change, run.site.held)
    run.guard.save(run.paths.obeyed)
    tell_all_found(run, attempt.slug, attempt.number, when, found, attempt.folder)
    tell_env_files(run, attempt.slug)
    restore_links(run, attempt.slug, attempt.number, when, attempt.folder)
    for ref in attempt.workspace.remove_replacements():
        run.write(Foreign(slug=attempt.slug, attempt=attempt.number, marker=ref))
        run.tell(f"{attempt.slug}: `{ref}` appeared {when}: git would show another object; it is deleted", Tone.BAD)
    if run.guard.unseen:
        said = f"there are more than {FOLDERS} folders, or folders with a path of {LONGEST_PATH} bytes and more"
        run.tell_once(f"{said}: what lies in these is not looked at", Tone.BAD)
    undone = [run.paths.shown(one.what) for one in found if not one.left]
    said = f"{some_of(undone, SHOWN)} may not be made or changed unless the spec's `may_change` names it"
    return [said] if undone else []


def quarantine_after_error(run: Run) -> None:
    """Quarantine what the attempts in flight left, where an error ends the run before they are kept."""
    with suppress(HarnessError, OSError):
        run.mend_logs()
    for attempt in list(run.in_flight.values()):
        with suppress(HarnessError, OSError):
            assert isinstance(attempt, Attempt)
            quarantine_appeared(run, attempt, "before the error")


def _explain_unread(names: Iterable[str], slug: str) -> list[str]:
    return explain_unread(names, [slug], ("done", "log"))


def _read_claim(done: Path) -> str:
    """Return the words of a claim; a folder, a link or a device in its place has none."""
    if files.is_link(done) or not files.is_file(done):
        return ""
    return plain(files.read_text(done, CLAIM_LIMIT)).strip()


def quarantine_foreign(run: Run, attempt: Attempt, *, harmed: bool) -> None:
    """Quarantine markers that appeared for other features: they are not a claim of this attempt.

    What harness itself wrote or took away meanwhile is known, and what stands for an attempt in flight is its claim.
    A marker that vanished may be a person's wish to do it again; where the journal went too, it was an agent that
    cleaned the folder (`git clean -fdx`), and the receipts are put back.
    """
    claims = {f"{slug}.done" for slug in (attempt.slug, *run.in_flight)}
    now = read_names(run.paths)
    for name in sorted(now - run.markers - claims):
        slug, kind = name.rsplit(".", 1)
        hint = f'; if you set it, say `harness accept {slug} "why"`' if kind == "done" else ""
        quarantine_marker(run, attempt, name, f"appeared during the attempt and is quarantined{hint}")
    answer = run.paths.answer(attempt.slug)
    if files.exists(answer) and f"{attempt.slug}.blocked" not in run.markers:
        quarantine_marker(run, attempt, answer.name, "appeared before anything was asked: quarantined")
    for name in sorted(run.markers - now):
        slug, kind = name.rsplit(".", 1)
        run.markers.discard(name)
        run.write(Vanished(slug=attempt.slug, attempt=attempt.number, marker=name))
        if harmed and kind == "done" and (receipt := run.journal.last_receipt(slug)):
            write_marker(run, slug, receipt)
            run.tell(f"{attempt.slug}: `{name}` was deleted during the attempt and has been restored", Tone.BAD)
        else:
            run.tell(f"{attempt.slug}: `{name}` vanished during the attempt", Tone.BAD)
