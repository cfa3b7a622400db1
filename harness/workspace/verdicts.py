"""How checks ended on trees that were checked out clean: a known tree is not checked twice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

from harness.domain.errors import StorageError
from harness.domain.feature import Check
from harness.domain.verdict import CheckRun
from harness.system import files, untrusted
from harness.workspace.clean_checkout import CheckoutPlan

LIMIT = 8 << 20  # bytes of the file: then it begins anew


class Verdicts:
    """The verdicts of one project; green ones outlive the run in a file, where there is a place for it.

    One is valid for a tree, the checks that ran one after another on it with their time limits, the environment,
    what was installed beside the tree, and what set the checkout up.
    """

    def __init__(self, file: Path | None = None, environ: Mapping[str, str] = MappingProxyType({})) -> None:
        """`environ` is the environment that checks run in; `file` lies where no confined agent can write."""
        kept = sorted((name, value) for name, value in environ.items() if name != "HARNESS_RUN_ID")
        self._around = sha256(repr(kept).encode("utf-8", "surrogateescape")).hexdigest()
        self._file = file
        self._known: dict[str, tuple[CheckRun, ...]] = {}
        for line in (untrusted.read_plain(file, LIMIT) or b"").splitlines() if file else ():
            with suppress(ValueError, KeyError, TypeError, RecursionError):
                said = json.loads(line)
                self._known[said["key"]] = tuple(CheckRun(command, 0, float(took)) for command, took in said["green"])

    def find(self, plan: CheckoutPlan, checks: Sequence[Check]) -> tuple[CheckRun, ...] | None:
        """Return how these checks ended on this tree, one after another; None where that is not known."""
        return self._known.get(self._key(plan, checks))

    def remember(self, plan: CheckoutPlan, checks: Sequence[Check], runs: Sequence[CheckRun]) -> None:
        """Keep how these checks ended on this tree, in a clean checkout."""
        if len(runs) != len(checks) or any(one.stopped for one in runs):
            return
        key = self._key(plan, checks)
        new = self._known.get(key) is None
        self._known[key] = tuple(runs)
        if self._file is None or not new or not all(one.green for one in runs):
            return
        line = json.dumps({"key": key, "green": [(one.command, round(one.seconds, 3)) for one in runs]}) + "\n"
        with suppress(StorageError, OSError):  # a verdict that is not kept costs a run of the checks, no more
            files.make_folder(self._file.parent)
            if self._file.exists() and self._file.stat().st_size > LIMIT:
                self._file.unlink()
            with self._file.open("ab") as file:
                file.write(line.encode("utf-8", "replace"))

    def _key(self, plan: CheckoutPlan, checks: Sequence[Check]) -> str:
        stamps = [_stamp(path) for path in (*plan.brought, *plan.held)]
        commands = [(one.command, one.timeout) for one in checks]
        words = (plan.candidate.tree, commands, self._around, stamps, *([plan.set_up_by] if plan.setup else []))
        return sha256(repr(words).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _stamp(path: Path) -> tuple[str, int, int]:
    with suppress(OSError):
        found = path.stat()
        return str(path), found.st_ino, found.st_mtime_ns
    return str(path), 0, 0
