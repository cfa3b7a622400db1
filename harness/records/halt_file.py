"""The HALT file: what a person's says, and what harness writes into its own: why, since when, what to do."""

from __future__ import annotations

import os
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from harness.domain.halt import Halt, HaltFile, Stop
from harness.domain.paths import Paths
from harness.domain.text import one_line, plain
from harness.system import files

BY_HARNESS = "written by harness"
LONGEST = 2_000  # characters of why, and of what to do
MOST = 32 << 10  # bytes of a HALT that are read: more than any of ours has

# A run that these end needs a person: HALT keeps the next one from starting until somebody has looked.
WRITES_HALT = (Halt.BLOCKED, Halt.MOVED, Halt.STUCK, Halt.QUOTA, Halt.BUDGET)


def compose_halt(stop: Stop, *, run: str, at: str) -> str:
    """Return the text of the HALT file for the end of a run."""
    lines = [
        f"harness stopped: {stop.halt.sentence}",
        "",
        f"why:    {one_line(stop.because, LONGEST)}",
        f"since:  {at} (run {run})",
    ]
    if stop.resets_at is not None:
        lines.append(f"resets: {local_time(stop.resets_at)}")
    lines += [f"{'money:' if number == 0 else '':7} {sum}" for number, sum in enumerate(stop.sums)]
    lines += [
        f"do:     {one_line(stop.advice or stop.halt.advice, LONGEST)}",
        "resume: harness resume && harness run",
        "",
        _signature(stop.halt, stop.slug),
    ]
    return "\n".join(lines) + "\n"


def digest_halt(text: str) -> str:
    """Return what is written down of a HALT that harness wrote, "" for none: its words alone anybody could write."""
    return sha256(plain(text).encode("utf-8", "replace")).hexdigest() if text else ""


def _signature(halt: Halt, slug: str) -> str:
    """Return the line that tells a HALT of harness from a person's; nobody's words in it begin a line."""
    return f"{BY_HARNESS} (exit {halt.code}, {halt.name.lower()}{slug and ', '}{slug})"


def read_halt(paths: Paths) -> HaltFile | None:
    """Return the HALT that is present, `now` first; None when there is none."""
    found = [request for path in paths.halts if (request := _read_halt_file(path)) is not None]
    return min(found, key=lambda request: not request.now, default=None)


def _read_halt_file(path: Path) -> HaltFile | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:  # unreadable, a folder, a strange thing: present is present; in a closed folder nobody knows
        return HaltFile(path, now=False) if os.path.lexists(path) else None
    try:
        text = plain(os.read(fd, MOST).decode("utf-8", "replace"))
    except OSError:
        text = ""
    finally:
        os.close(fd)
    words = text.split(maxsplit=1)
    now = bool(words) and words[0].lower().strip(".!") == "now"
    return HaltFile(path, now=now, text=text, by_harness=f"\n{BY_HARNESS} (" in text)


def local_time(moment: float) -> str:
    """Return epoch seconds as a person's clock shows them, with the zone."""
    return datetime.fromtimestamp(moment).astimezone().strftime("%Y-%m-%d %H:%M %Z")


def remove_halt(paths: Paths, *, about: str = "") -> tuple[Path, ...]:
    """Remove HALT; with `about`, only one that harness wrote for that feature's question alone. Returns what went."""
    removed = []
    for path in paths.halts:
        request = read_halt(Paths(path.parent, paths.specs, path.parent))
        if request is None or (about and _signature(Halt.BLOCKED, about) not in request.text.splitlines()):
            continue
        if files.is_dir(path) and not files.is_link(path):  # an agent can make one, which nobody can write to
            files.move(path, paths.kept / "HALT")
        else:
            files.remove(path)
        removed.append(path)
    return tuple(removed)
