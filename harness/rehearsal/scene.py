"""A scene of `harness chaos`: a toy project, how its run is started (as it is, on a disk that fills, by a clock that
jumps), and what can be seen of it afterwards."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from harness.domain.errors import HarnessError
from harness.domain.verdict import Outcome
from harness.records.events import AttemptEnded, Event, FeatureEvent, Halted, RunBegan
from harness.records.journal import read_events
from harness.records.receipt import Receipt, parse_receipt
from harness.system import files
from harness.system.capture import capture

PATIENCE = 60.0  # seconds for one run
DISK = 4 << 20  # bytes of the small disk
CAP = "ulimit -f 4"  # 2 KiB a file, or 4 where sh counts in KiB
SKEW = Path(__file__).with_name("skew.py")
CLOCK = ".chaos-clock"  # in the project: what the clock of harness is set to, see `skew`
EVERY = 0.7  # seconds between looks at a run that is on

_E = TypeVar("_E", bound=Event)
_F = TypeVar("_F", bound=FeatureEvent)


@dataclass(frozen=True, slots=True)
class Scene:
    """A project after its runs: where it lies, how they ended, what they said, and what `status` said meanwhile."""

    root: Path
    codes: tuple[int, ...]
    said: str
    looks: tuple[dict[str, Any], ...] = ()
    way: str = ""  # how a fault was injected that not every machine allows

    @property
    def code(self) -> int:
        """How the last run ended."""
        return self.codes[-1] if self.codes else -1

    @property
    def logs(self) -> Path:
        """The project's logs."""
        return self.root / "logs"

    def events(self, kind: type[_E]) -> list[_E]:
        """Return the journal's events of a kind."""
        return [one for one in read_events(self.logs / "journal.jsonl") if isinstance(one, kind)]

    def events_of(self, slug: str, kind: type[_F]) -> list[_F]:
        """Return a feature's events of a kind."""
        return [one for one in self.events(kind) if one.slug == slug]

    def ended(self, slug: str, attempt: int = 1) -> AttemptEnded | None:
        """Return how an attempt ended; None if it never did."""
        return next((one for one in self.events_of(slug, AttemptEnded) if one.attempt == attempt), None)

    def outcome(self, slug: str) -> Outcome | None:
        """Return the outcome of a feature's first attempt; None if it never ended."""
        one = self.ended(slug)
        return None if one is None else one.outcome

    def receipt(self, slug: str) -> Receipt:
        """Return the feature's marker, read."""
        return parse_receipt(files.read_text(self.logs / f"{slug}.done"))

    def proven(self, slug: str) -> bool:
        """Whether the feature has a receipt of checks that passed."""
        return self.receipt(slug).kind == "proven"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a scene is played: the project, the command that is harness, and the environment it gets."""

    root: Path
    command: tuple[str, ...]
    environ: Mapping[str, str]
    run: tuple[str, ...] = field(default=("run", "--quiet"))
    patience: float = PATIENCE  # seconds for it

    def start(self, *before: str, root: Path | None = None) -> Scene:
        """Run harness once, `before` put before it, to its end."""
        argv = (*before, *self.command, *self.run)
        ran = capture(argv, cwd=root or self.root, env=self.environ, timeout=self.patience)
        return Scene(self.root, (ran.code,), _text(ran.stdout + ran.stderr))


def play(name: str, stage: Stage) -> Scene:
    """Play a scene that has a stage of its own; every other is one run."""
    match name:
        case "cap":
            return stage.start("/bin/sh", "-c", f'{CAP}; exec "$@"', "sh")
        case "disk":
            return play_full_disk(stage)
        case "clock":
            return play_clock(stage)
    return stage.start()


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


# --- a disk that fills -------------------------------------------------------------------------------------------

# Four starts: the agent fills the disk; it is full still; there is room, and the next agent leaves nearly none; there
# is room again. Played on a disk of its own, and copied out before that goes.
_STORY = """
place=$1 cap=$2; shift 2
cp -a "$place/project" "$place/disk/project" && cd "$place/disk/project" || exit 99
for start in 1 2 3 4; do
    (test $start = 1 && $cap; exec "$@") 2>&1
    echo $? >>"$place/codes"
    test $start = 1 || rm -f .chaos-filler
done
cp -a "$place/disk/project" "$place/kept"
"""


def play_full_disk(stage: Stage) -> Scene:
    """Start harness four times in a copy of the project on a small disk that fills; where none can be had, say so."""
    place = stage.root.parent
    files.make_folder(place / "disk")
    way, before = next(find_small_disks(place / "disk", stage.environ), ("", ()))
    cap = "true" if way else CAP
    argv = (*before, "/bin/sh", "-c", _STORY, "sh", str(place), cap, *stage.command, *stage.run)
    ran = capture(argv, cwd=place, env=stage.environ, timeout=2 * PATIENCE)
    codes = tuple(map(int, files.read_text(place / "codes").split()))
    told = f"a disk of {DISK >> 20} MiB ({way})" if way else f"NO SMALL DISK CAN BE MOUNTED HERE, so `{CAP}` instead"
    return Scene(place / "kept", codes, _text(ran.stdout + ran.stderr), way=told)


def find_small_disks(folder: Path, environ: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the ways that work here: a name, and what goes before a command so that it sees a small disk there.

    Each in a mount namespace of its own, which goes with the command: nothing has to be unmounted.
    """
    mount = ("/bin/sh", "-c", f'mount -t tmpfs -o size={DISK} none "$0" && exec "$@"', str(folder))
    ways = {
        "tmpfs, unshare": ("unshare", "-m", *mount),
        "tmpfs, bwrap": ("bwrap", "--dev-bind", "/", "/", "--size", str(DISK), "--tmpfs", str(folder), "--"),
        "tmpfs, unshare as root of a user namespace": ("unshare", "-r", "-m", *mount),
    }
    for name, way in ways.items():
        if capture((*way, "true"), cwd=folder.parent, env=environ).code == 0:
            yield name, way


# --- a clock that jumps ------------------------------------------------------------------------------------------


def play_clock(stage: Stage) -> Scene:
    """Run harness by a clock that the saboteur sets, and ask for its status by the same clock meanwhile."""
    # what follows the interpreter in the command is a Python program, which the skewed one becomes
    skewed = (sys.executable, "-P", str(SKEW), str(stage.root / CLOCK), *stage.command[1:])
    stage = replace(stage, command=skewed)
    with _watching(stage) as looks:
        scene = stage.start()
    return replace(scene, looks=tuple(looks))


@contextmanager
def _watching(stage: Stage) -> Iterator[list[dict[str, Any]]]:
    """Ask for the status again and again while the block runs; what was said while a run was on is in the list."""
    looks: list[dict[str, Any]] = []
    over = threading.Event()
    thread = threading.Thread(target=_watch, args=(stage, looks, over), name="chaos-watch", daemon=True)
    thread.start()
    try:
        yield looks
    finally:
        over.set()
        thread.join(PATIENCE)


def _watch(stage: Stage, looks: list[dict[str, Any]], over: threading.Event) -> None:
    while not over.wait(EVERY):
        if not _is_on(stage):
            continue
        said = capture((*stage.command, "status", "--json"), cwd=stage.root, env=stage.environ, timeout=PATIENCE / 2)
        if _is_on(stage):  # still: what was said is about a run that was alive
            looks.append(_parse(said.stdout))


def _is_on(stage: Stage) -> bool:
    """Whether the journal tells of a run that has begun and not ended."""
    try:
        kinds = set(map(type, read_events(stage.root / "logs" / "journal.jsonl")))
    except HarnessError:
        return False
    return RunBegan in kinds and Halted not in kinds


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        said = json.loads(raw)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
