"""Power cuts: what harness has acknowledged is there after the plug was pulled; the journal reads, markers are whole.

    python tests/bench/bench_power.py [--cuts N]

A file system on a loop image is written by harness's own journal and markers; at a random moment the image is copied as
the disk would be found, mounted again (its own journal is replayed), and read. Needs root and loop devices (Linux).
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import Figure, show

from harness.records.events import Accepted
from harness.records.journal import Journal, read_journal
from harness.system import files

SIZE = 24 << 20  # bytes of the image
WRITER = "import sys; sys.path.insert(0, sys.argv[1]); import bench_power; bench_power.write(sys.argv[2])"


def write(folder: str) -> None:
    """Journal an event and set a marker, for ever; each is acknowledged on stdout once it is synced."""
    place = Path(folder)
    journal = Journal(place, "bench", time.time)
    for number in range(1_000_000):
        journal.append(Accepted(slug=f"f{number}", receipt="x" * (number % 400)))
        os.write(1, b"j")
        files.write_atomic(place / f"f{number % 50}.done", f"receipt {number}\n" * 8)
        os.write(1, b"m")


def cut(folder: Path, chance: random.Random) -> tuple[int, list[str]]:
    """One power cut; how much was acknowledged before it, and what is wrong after it."""
    folder = Path(tempfile.mkdtemp(dir=folder))  # a loop device may let go of its file late
    image, copy, place = folder / "image", folder / "copy", folder / "place"
    with image.open("wb") as file:
        file.truncate(SIZE)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    place.mkdir(exist_ok=True)
    _mount(image, place)
    said = folder / "said"
    try:
        with said.open("wb") as out:
            line = [sys.executable, "-c", WRITER, str(Path(__file__).parent), str(place)]
            writer = subprocess.Popen(line, stdout=out, stdin=subprocess.DEVNULL)
        while said.stat().st_size == 0:
            assert writer.poll() is None
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.4))
        writer.send_signal(signal.SIGSTOP)  # a copy takes time, a power cut none
        os.waitid(os.P_PID, writer.pid, os.WSTOPPED)
        acknowledged = said.stat().st_size
        shutil.copyfile(image, copy)
        writer.kill()
        writer.wait()
    finally:
        subprocess.run(["umount", str(place)], check=True)
    _mount(copy, place)
    try:
        return acknowledged, judge(place, acknowledged)
    finally:
        subprocess.run(["umount", str(place)], check=True)
        image.unlink()
        copy.unlink()


def _mount(image: Path, place: Path) -> None:
    subprocess.run(["mount", "-o", "loop", str(image), str(place)], check=True)


def judge(place: Path, acknowledged: int) -> list[str]:
    """What is wrong with what the disk holds; of each pair of acknowledgements the first is an event's."""
    events, wrongs = read_journal(place / "journal.jsonl"), []
    wanted = (acknowledged + 1) // 2
    if len(events) < wanted:
        wrongs.append(f"{wanted - len(events)} acknowledged events are lost")
    if [event["slug"] for event in events] != [f"f{number}" for number in range(len(events))]:
        wrongs.append("the journal has other events than were written")
    marked = acknowledged // 2
    for number in range(max(0, marked - 50), marked):
        text = files.read_text(place / f"f{number % 50}.done")
        told = int(text.split()[1]) if text else -1
        if told < number or text != f"receipt {told}\n" * 8:
            wrongs.append(f"the marker of {number} is torn or lost: {text[:30]!r}")
    return wrongs


def measure(cuts: int = 100, seed: int = 1) -> list[Figure]:
    """So many power cuts; nothing where this machine cannot do them."""
    if os.geteuid() != 0 or not Path("/dev/loop-control").exists() or shutil.which("mkfs.ext4") is None:
        return []
    chance, total, wrongs = random.Random(seed), 0, []
    folder = Path(tempfile.mkdtemp(prefix="bench-power-"))
    try:
        for _ in range(cuts):
            acknowledged, wrong = cut(folder, chance)
            total, wrongs = total + acknowledged, wrongs + wrong
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    note = "; ".join(wrongs[:3]) or f"{total} acknowledged"
    return [Figure(f"wrongs after {cuts} power cuts (ext4)", "count", [len(wrongs)], 0, note=note)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=100)
    figures = measure(parser.parse_args().cuts)
    show(figures)
    sys.exit(any(figure.met is False for figure in figures))
