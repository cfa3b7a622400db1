"""Keep the machine awake while a run is on: a small child of systemd-inhibit or caffeinate, where there is one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.domain.text import one_line
from harness.system.capture import Held, find_program, hold, path_outside
from harness.system.environment import clean_environment

NEEDS = ("DBUS_SESSION_BUS_ADDRESS", "HARNESS_RUN_ID")


class Awake:
    """Holds sleep off, or knows why not: `problem()` says it once."""

    def __init__(self, held: Held | None, problem: str = "") -> None:
        """`held` is the child that does it; without one, `problem` is the sentence that says why, if there is any."""
        self._held = held
        self._problem = problem

    def problem(self) -> str:
        """Return once why the machine may fall asleep, "" while it may not; cheap enough to be asked all the time."""
        if self._held is not None and (ended := self._held.ended()) is not None:
            words = one_line(ended.stderr.decode("utf-8", "replace"), 120) or f"exit {ended.code}"
            self._held, self._problem = None, f"nothing keeps this machine awake: `{ended.name}` failed: {words}"
        said, self._problem = self._problem, ""
        return said


@contextmanager
def stay_awake(
    word: str, *, why: str, run: str, cwd: Path, written: Sequence[Path], environ: Mapping[str, str]
) -> Iterator[Awake]:
    """Hold sleep off while the block runs; `word` is `auto` or `off`. It is released on a kill -9 of harness, too."""
    argv = () if word == "off" else _find_argv(why, environ, written)
    if not argv:
        yield Awake(None, "" if word == "off" else "nothing keeps this machine awake: no systemd-inhibit or caffeinate")
        return
    path = path_outside(environ.get("PATH", os.defpath), *written)
    env = {**clean_environment(environ, NEEDS), "PATH": path}
    env["HARNESS_RUN_ID"] = run  # what is left of it is swept at the next start
    with hold(argv, cwd=cwd, env=env) as held:
        yield Awake(held)


def _find_argv(why: str, environ: Mapping[str, str], written: Sequence[Path]) -> tuple[str, ...]:
    """Return the command line that holds sleep off until its stdin ends, or until this process does."""
    if inhibit := find_program("systemd-inhibit", environ, *written):
        return (inhibit, "--what=sleep:idle", "--who=harness", f"--why={why}", "--mode=block", "cat")
    if sys.platform == "darwin" and (caffeinate := find_program("caffeinate", environ, *written)):
        return (caffeinate, "-i", "-w", str(os.getpid()))
    return ()
