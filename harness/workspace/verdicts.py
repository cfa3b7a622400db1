"""How checks ended on commits that were checked out clean: a known commit is not checked twice."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

from harness.domain.errors import StorageError
from harness.domain.feature import Check
from harness.domain.verdict import CheckRun
from harness.system import files, untrusted
from harness.workspace.clean_checkout import CheckoutPlan
from harness.workspace.left_out import CACHES

LIMIT = 8 << 20  # bytes of the file: then it begins anew
BELIEVED = 3600.0  # seconds that a later run believes a verdict: a check may ask what time it is
MOST_BROUGHT = 200_000  # files that are looked at for what changed among them; with more nothing is known


class Verdicts:
    """The verdicts of one project; green ones outlive the run in a file, where there is a place for it.

    One is valid for a commit, the checks that ran one after another on it with their time limits, the environment,
    each file that was brought in beside it, and what set the checkout up.
    """

    def __init__(
        self,
        file: Path | None = None,
        environ: Mapping[str, str] = MappingProxyType({}),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`environ` is the environment that checks run in; `file` lies where no confined agent can write."""
        kept = sorted((name, value) for name, value in environ.items() if name != "HARNESS_RUN_ID")
        self._around = sha256(repr(kept).encode("utf-8", "surrogateescape")).hexdigest()
        self._file, self._clock = file, clock
        self._known: dict[str, tuple[CheckRun, ...]] = {}
        self._on_files: dict[str, tuple[CheckRun, ...]] = {}  # whatever commit holds them
        self._trees = set[str]()  # of which that is known: no other is worth a look at what was brought in
        for line in (untrusted.read_plain(file, LIMIT) or b"").splitlines() if file else ():
            with suppress(ValueError, KeyError, TypeError, RecursionError):
                said = json.loads(line)
                if 0 <= clock() - said["at"] <= BELIEVED:
                    runs = tuple(CheckRun(command, 0, float(took)) for command, took in said["green"])
                    self._known[said["key"]] = runs

    def find(self, plan: CheckoutPlan, checks: Sequence[Check]) -> tuple[CheckRun, ...] | None:
        """Return how these checks ended on this tree, one after another; None where that is not known."""
        stamp = self._stamp(plan) if self._known else None
        return None if stamp is None else self._known.get(self._key(stamp, plan, checks))

    def find_on_same_files(self, plan: CheckoutPlan, checks: Sequence[Check]) -> tuple[CheckRun, ...]:
        """Return how these checks ended in this run, on any commit with these files; () where that is not known."""
        stamp = self._stamp(plan) if plan.candidate.tree in self._trees else None
        return () if stamp is None else self._on_files.get(self._key(stamp, plan, checks, whole=False), ())

    def remember(self, plan: CheckoutPlan, checks: Sequence[Check], runs: Sequence[CheckRun]) -> None:
        """Keep how these checks ended on this tree, in a clean checkout."""
        if len(runs) != len(checks) or any(one.stopped for one in runs):
            return
        if (stamp := self._stamp(plan)) is None:
            return
        key = self._key(stamp, plan, checks)
        self._on_files[self._key(stamp, plan, checks, whole=False)] = tuple(runs)
        self._trees.add(plan.candidate.tree)
        new = self._known.get(key) is None
        self._known[key] = tuple(runs)
        if self._file is None or not new or not all(one.green for one in runs):
            return
        green = [(one.command, round(one.seconds, 3)) for one in runs]
        line = json.dumps({"key": key, "at": self._clock(), "green": green}) + "\n"
        with suppress(StorageError, OSError):  # a verdict that is not kept costs a run of the checks, no more
            files.make_folder(self._file.parent)
            if files.exists(self._file) and self._file.stat().st_size > LIMIT:
                self._file.unlink()
            with self._file.open("ab") as file:
                file.write(line.encode("utf-8", "replace"))

    def _stamp(self, plan: CheckoutPlan) -> str | None:
        """Return what tells whether the files beside a commit are as they were, None where they are too many."""
        stamp, seen = sha256(), 0
        for path in (*plan.brought, *plan.held):
            stamp.update(repr(str(path)).encode("utf-8", "surrogateescape"))
            for said in _look(path):
                if (seen := seen + 1) > MOST_BROUGHT:
                    return None
                stamp.update(said)
        return stamp.hexdigest()

    def _key(self, stamp: str, plan: CheckoutPlan, checks: Sequence[Check], *, whole: bool = True) -> str:
        """Return what a verdict is valid for: for the `whole`, that names the commit, or for its files."""
        commands = [(one.command, one.timeout) for one in checks]
        candidate = plan.candidate
        words = (
            candidate.commit if whole else "",
            candidate.tree,
            commands,
            self._around,
            stamp,
            plan.set_up_by,
        )
        return sha256(repr(words).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _look(path: Path) -> Iterator[bytes]:
    """Yield what tells whether something is as it was: each file in it, but for caches."""
    with suppress(OSError):
        found = path.stat()
        yield _describe(str(path), found)
        waiting = [str(path)] if stat.S_ISDIR(found.st_mode) else []
        while waiting:
            with os.scandir(waiting.pop()) as entries:
                for entry in sorted(entries, key=lambda one: one.name):
                    if entry.name not in CACHES:
                        yield _describe(entry.path, entry.stat(follow_symlinks=False))
                        if entry.is_symlink() and files.exists(Path(entry)):
                            yield _describe(f"{entry.path} leads to", entry.stat())
                        waiting += [entry.path] if entry.is_dir(follow_symlinks=False) else []


def _describe(name: str, found: os.stat_result) -> bytes:
    is_file = not stat.S_ISDIR(found.st_mode)
    said = (found.st_mode, found.st_ino, *((found.st_size, found.st_ctime_ns) if is_file else ()))
    return os.fsencode(f"{name}\0{said}\0")
