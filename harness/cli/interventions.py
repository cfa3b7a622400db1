"""What a person decides by command: answer, accept, reset, halt, resume. While a run is on, a file carries it."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from harness.decide.blocked import ALLOW
from harness.domain.errors import UsageError
from harness.domain.look import LAND
from harness.domain.text import counted, list_some
from harness.records.env_files import open_redactor
from harness.records.events import Accepted, FeatureReset, Marked, Renamed
from harness.records.halt_file import read_halt, remove_halt
from harness.records.journal import Journal, utc
from harness.records.links_out import refuse_links
from harness.records.receipt import compose_acceptance, digest, parse_receipt
from harness.records.run_lock import Lock, find_holder, hold_lock
from harness.reports.view import RECEIPT_LIMIT, read_view
from harness.run.doubts import dependants_of, say_dependants
from harness.run.run import prepare_logs
from harness.settings.load import Config
from harness.system import files

SHOWN = 5  # names of files that are told


def answer_question(config: Config, slug: str, text: str) -> str:
    """Leave the answer for the next look, and remove a HALT that harness wrote for this question alone."""
    if not text.strip():
        raise UsageError("the answer is empty", 'say `harness answer SLUG "text"`')
    view = read_view(config)
    view.feature(slug)
    if slug not in view.look.markers.blocked:
        raise UsageError(f"`{slug}` has no open question", "`harness why` shows which features wait for an answer")
    refuse_links(config.paths)
    files.write_atomic(config.paths.answer(slug), text.strip() + "\n")
    removed = remove_halt(config.paths, about=slug)
    went = f", {config.paths.shown(removed[0])} is removed" if removed else ""
    if find_holder(config.paths.lock, config.paths.root):
        return f"answered{went}: the active run will work on it again"
    return f"answered{went}: go on with `harness run`"


def allow_files(config: Config, slug: str, names: Sequence[str]) -> str:
    """Answer a question about files that judge a feature: these may stand as its work made them."""
    record = read_view(config).record(slug)
    about = {} if record.parked else record.judging
    named = [os.path.normpath(name) for name in names]
    if not about or any(name not in about for name in named):
        hint = "`harness why` shows what each feature waits for"
        hint = f"it is about {list_some(list(about), SHOWN)}" if about else hint
        raise UsageError(f"`{slug}` has no open question about {list_some(named, SHOWN)}", hint)
    if left := [name for name in about if name not in named]:
        raise UsageError(f"the question is about {list_some(left, SHOWN)}, too", "name all of them, or answer in words")
    return answer_question(config, slug, shlex.join([ALLOW, *named]))


def let_land(config: Config, slug: str) -> str:
    """Answer that the proven work on a feature, which waits, may land."""
    record = read_view(config).record(slug)
    if record.is_landing:
        if not record.claim_pending:  # it failed, and its run was killed before it could ask again
            files.write_atomic(config.paths.answer(slug), LAND + "\n")
        return f"`{slug}` goes on to land"
    if not record.parked or not record.question:
        raise UsageError(f"`{slug}` does not wait for `harness land`", "`harness status` shows what does")
    return answer_question(config, slug, LAND)


def accept_feature(config: Config, slug: str, why: str) -> str:
    """Write a person's own `.done`. Raises LockHeld while a run is on."""
    if not why.strip():
        raise UsageError("say why it counts as done", 'e.g. `harness accept SLUG "checked by hand"`')
    view = read_view(config)
    feature, changed = view.feature(slug), sorted(view.record(slug).changed)
    if view.record(slug).parked_commit:
        hint = f"`harness land {slug}` lands it"
        raise UsageError(f"the work on `{slug}` is on the branch `harness/{slug}`, and not in the tree", hint)
    with hold_journal(config) as journal:
        text = open_redactor(config.paths, os.environ).text(why)
        text = compose_acceptance(text, spec=feature.sha256, at=utc(time.time()))
        journal.append(Accepted(slug=slug, sha256=digest(text), receipt=text, by="a person"))
        files.write_atomic(config.paths.done(slug), text)
        journal.append(Marked(slug=slug, sha256=digest(text)))
        for path in (config.paths.blocked(slug), config.paths.answer(slug)):
            files.remove(path)
        remove_halt(config.paths, about=slug)
    said = f"`{slug}` counts as done, accepted by a person"
    if not changed:
        return said
    then = "is in no commit" if config.settings.commit == "never" else "is committed by the next run that commits"
    return f"{said}; what its attempts changed ({list_some(changed, SHOWN)}) {then}"


def reset_feature(config: Config, slug: str) -> str:
    """Set markers aside and start the counters at 0. Raises LockHeld while a run is on."""
    view = read_view(config)
    view.feature(slug)
    paths = config.paths
    with hold_journal(config) as journal:
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        moved = 0
        for path in (paths.done(slug), paths.blocked(slug), paths.answer(slug)):
            if files.exists(path) or files.is_link(path):
                files.move(path, paths.kept / f"{path.name}.{stamp}")
                moved += 1
        journal.append(FeatureReset(slug=slug))
    aside = f", {counted(moved, 'marker')} moved to {paths.shown(paths.kept)}" if moved else ""
    halted = "; HALT is present: `harness resume` removes it" if read_halt(config.paths) is not None else ""
    rests = say_dependants(dependants_of([slug], view.look.features, view.look.markers.done))
    told = f"; {rests}, done as before: `harness verify` tells what still holds" if rests else ""
    parked = f"; its work is on the branch `harness/{slug}`" if view.record(slug).parked_commit else ""
    return f"`{slug}` starts over{aside}; its log, attempts and commits stay{parked}{told}{halted}"


def rename_feature(config: Config, old: str, new: str) -> str:
    """Let the receipt of a feature stand for the name that its spec has now. Raises LockHeld while a run is on."""
    view, paths = read_view(config), config.paths
    feature, slugs = view.feature(new), {one.slug for one in view.look.features}
    if old in slugs:
        raise UsageError(f"`{old}` has a spec of its own still", "rename its folder first")
    text = files.read_text(paths.done(old), RECEIPT_LIMIT) if old in view.history.known else ""
    if not text or digest(text) != view.record(old).marker_sha256:
        raise UsageError(f"`{old}` has no receipt that harness wrote", 'say `harness accept SLUG "why"` instead')
    if parse_receipt(text).spec != feature.sha256:
        hint = f'`harness run` works on it; or `harness accept {new} "why"`'
        raise UsageError(f"the spec of `{new}` is not the text by which `{old}` was accepted", hint)
    if new in view.look.markers.done:
        raise UsageError(f"`{new}` has a `.done` of its own", f"`harness reset {new}` first")
    with hold_journal(config) as journal:
        journal.append(Accepted(slug=new, attempt=parse_receipt(text).attempt, sha256=digest(text), receipt=text))
        files.write_atomic(paths.done(new), text)
        journal.append(Marked(slug=new, sha256=digest(text)))
        journal.append(Renamed(slug=new, was=old))
        files.move(paths.done(old), paths.kept / paths.done(old).name)
        for was, now in ((paths.log(old), paths.log(new)), (paths.attempts(old), paths.attempts(new))):
            if files.exists(was) and not files.exists(now):
                files.move(was, now)
    return f"`{new}` has the receipt, the log and the attempts of `{old}` now"


def set_halt(config: Config, *, now: bool) -> str:
    """Write the HALT file as a person would; while a run is on, in logs/, where no confined agent can reach it."""
    is_on = find_holder(config.paths.lock, config.paths.root) is not None
    path = config.paths.logs / "HALT" if is_on else config.paths.halt
    if now:
        files.write_atomic(path, "now\n")
    elif read_halt(config.paths) is None:
        files.write_atomic(path, "")
    if not is_on:
        return "HALT is present: no run is active, and none will start until `harness resume`"
    then = "the current attempt ends within two seconds" if now else "the attempt in flight may finish"
    return f"`{config.paths.shown(path)}` is present: {then}; go on with `harness resume`"


def remove_halt_files(config: Config) -> str:
    """Remove HALT wherever it is looked for."""
    removed = remove_halt(config.paths)
    if not removed:
        return "no HALT file is present; start with `harness run`"
    return f"removed {' and '.join(config.paths.shown(path) for path in removed)}; go on with `harness run`"


@contextmanager
def hold_journal(config: Config) -> Iterator[Journal]:
    """Give the journal to a command that changes state between runs; only the holder of the lock writes it."""
    refuse_links(config.paths)
    prepare_logs(config.paths)
    lock: Lock = hold_lock(config.paths.lock, config.paths.root)
    try:
        journal = Journal(config.paths.logs, "by-a-person", time.time, open_redactor(config.paths, os.environ))
        try:
            yield journal
        finally:
            journal.close()
    finally:
        lock.close()
