"""What the work on a feature changed, file by file, before and after; and what the rules find in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from harness.attempts.attempt import Attempt, Gathered
from harness.attempts.judging import LARGEST, find_base
from harness.attempts.write_down import names_to_commit
from harness.decide.calls import Called, follow
from harness.decide.judge_files import NOTHING, Role, find_role
from harness.domain.finding import Finding, Level
from harness.domain.obeyed import is_allowed
from harness.domain.text import counted, list_some
from harness.findings.change import Change
from harness.findings.look import MOST_TESTS, Surroundings, look
from harness.run.run import Run
from harness.system import untrusted
from harness.system.redact import Redactor
from harness.workspace.blobs import read_files

MOST_FILES = 1000  # of a claim that are looked at
IN_ALL = 16 << 20  # bytes of them, as they are
MOST_TOLD = 50  # findings that are written down
MOST_UNREAD = 5  # files that are named
OUTSIDE = "outside-paths"
_BY_SHAPE = Redactor()
_SHAPE = re.compile(rb"\[redacted ([^\]\n]+)\]")


@dataclass(frozen=True, slots=True)
class Found:
    """What the rules find in a claim: what makes it red, what is to be known, and how many files nobody looked at."""

    strict: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    not_looked_at: str = ""


@dataclass(slots=True)
class _Read:
    """Files of a claim: those that were read, those whose `before` may be a person's own, and how many were left."""

    changes: list[Change] = field(default_factory=list)
    unsure: set[str] = field(default_factory=set)
    left: int = 0


def look_at_changes(run: Run, attempt: Attempt, found: Gathered) -> Found:
    """Return what the rules find in what the work on a feature changed; what a spec `may_change` is left out."""
    guards = run.settings.guards
    if guards.off:
        return Found()
    head = found.after.head if attempt.order.plan is None else attempt.order.plan.candidate.base
    base = find_base(run, attempt, head)
    called = follow((check.command for check in attempt.order.checks), lambda _: "")
    read = _read_changes(run, attempt, found, base, called)
    if not read.changes and not read.left:
        return Found()
    around = Surroundings(called, lambda: _read_tests(run, base), _find_shapes)
    looked = look(read.changes, around, guards)
    all_found = [
        one for one in looked.findings if one.file not in read.unsure or guards.level_of(one.rule) is Level.STRICT
    ]
    if guards.level_of(OUTSIDE) is not Level.OFF:
        all_found += _find_outside(read.changes, attempt.feature.paths)
    strict = tuple(one for one in all_found if guards.level_of(one.rule) is Level.STRICT)
    warnings = [one for one in all_found if one not in strict]
    left = (
        f"{counted(len(warnings) - MOST_TOLD, 'more finding')}" if warnings[MOST_TOLD:] else "",
        f"{counted(read.left, 'file')} too large, or too many" if read.left else "",
        f"{list_some(looked.unread, MOST_UNREAD)}: no code that can be read" if looked.unread else "",
    )
    return Found(strict, tuple(warnings[:MOST_TOLD]), "; ".join(filter(None, left)))


def _find_outside(changes: Sequence[Change], paths: Sequence[str]) -> list[Finding]:
    """Return the files that are in none of the paths of a spec; none where it names no paths."""
    names = [one.name for one in changes if one.before != one.now and paths and not is_allowed(one.name, paths)]
    return [Finding(name, 0, "it is in none of the spec's `paths`", OUTSIDE) for name in names]


def _read_changes(run: Run, attempt: Attempt, found: Gathered, base: str, called: Called) -> _Read:
    record, prefix, read = run.history.of(attempt.slug), run.workspace.prefix, _Read()
    own = {*names_to_commit(run, attempt, found), *found.committed, *record.changed}
    names = sorted(
        name
        for name in own
        if name.startswith(prefix) and not is_allowed(name.removeprefix(prefix), attempt.feature.may_change)
    )
    read.left, names = max(0, len(names) - MOST_FILES), names[:MOST_FILES]
    was = read_files(run.workspace.commits.git, base, names, LARGEST) if run.workspace.has_git else {}
    judging, room = {one.name: one for one in found.judging}, IN_ALL
    persons = attempt.before.files.keys() - record.changed
    for name in names:
        shown, path = name.removeprefix(prefix), run.workspace.top / name
        now = untrusted.read_plain(path, LARGEST + 1) if room > 0 else b""
        room -= len(now or b"")
        if room < 0 or (name not in was and run.workspace.has_git and base):
            read.left += 1
        elif shown not in record.allowed or name in judging:  # a person lets others stand as they are
            if name not in was or name in persons:
                read.unsure.add(shown)
            role = judging[name].role if name in judging else find_role(shown, called, run.settings.judge)
            read.changes.append(Change(shown, was.get(name), now, role, _is_executable(path)))
    return read


def _is_executable(path: Path) -> bool:
    with suppress(OSError):
        return bool(path.lstat().st_mode & 0o111)
    return False


def _read_tests(run: Run, base: str) -> Iterator[tuple[str, bytes]]:
    """Yield the tests of the project as they were before the work."""
    prefix = run.workspace.prefix
    names = (name for name in run.workspace.commits.list_names(base) if name.startswith(prefix)) if base else ()
    tests = [name for name in names if find_role(name.removeprefix(prefix), NOTHING) is Role.TEST][:MOST_TESTS]
    for name, content in read_files(run.workspace.commits.git, base, tests, LARGEST).items():
        if content is not None:
            yield name.removeprefix(prefix), content


def _find_shapes(content: bytes) -> list[str]:
    """Return the kinds of tokens that a text holds by their shapes."""
    cleaned = _BY_SHAPE.raw(content)
    return [] if cleaned is content else [one.decode() for one in _SHAPE.findall(cleaned)]
