"""The saboteur: an agent that misbehaves in one way per feature, for `harness chaos`. Claude Code's JSON lines.

Started by its path as a process of its own, prompt on stdin. The slug of the feature names the fault; the first
attempt plays it, later ones do the work. It counts its attempts itself, in `.chaos-SLUG`: a sandbox may hide the logs.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECRET = "CHAOS_API_TOKEN"
FLOOD = 2 << 30  # bytes
SMALL = 64 << 20  # bytes of a disk that may be filled: a larger one is somebody's own
HOUR = 3600.0


class Scene:
    """Where the saboteur stands: the files of its feature, and which attempt this is."""

    def __init__(self, prompt: str) -> None:
        """Read the paths from the prompt, as every agent does."""
        found = re.search(r"(/[^\n`'\"]*?\.done)(?=[\s`'\",;)]|$)", prompt)
        if found is None:
            sys.exit("the prompt names no path that ends in .done")
        self.prompt, self.done = prompt, Path(found[1])
        self.slug, self.logs = self.done.stem, self.done.parent
        self.log = self.logs / f"{self.slug}.log"
        count = Path(f".chaos-{self.slug}")
        self.attempt = 1 + (int(count.read_text("utf-8")) if count.exists() else 0)
        count.write_text(str(self.attempt), "utf-8")

    def note(self, text: str) -> None:
        """Append a note."""
        with self.log.open("a", encoding="utf-8") as file:
            file.write(f"{text}, in a note of attempt {self.attempt} that is long enough to count\n")

    def work(self) -> None:
        """Do the work and claim it."""
        Path(f"{self.slug}.txt").write_text("whole\n", "utf-8")
        self.note("did the work")
        self.done.write_text("did the work\n", "utf-8")


def say(text: str) -> None:
    """Say something as a model does."""
    show({"type": "assistant", "message": {"model": "saboteur", "content": [{"type": "text", "text": text}]}})


def show(event: dict[str, Any]) -> None:
    """Print one event."""
    print(json.dumps(event), flush=True)


def end(text: str = "Worked.", **more: Any) -> None:  # noqa: ANN401
    """Print the final result."""
    result = {"subtype": "success", "is_error": False, "num_turns": 1, "result": text, "total_cost_usd": 0}
    show({"type": "result", **result, "usage": {"input_tokens": 0, "output_tokens": 0}, **more})


def hang(scene: Scene) -> None:
    """Say the last word, and stay."""
    scene.work()
    end()
    time.sleep(600)


def torn(scene: Scene) -> None:
    """Print lines that are no JSON."""
    print('{"type":"assistant","message":{"con\n\x00\xff{[[[[\n' + "[" * 100_000, flush=True)
    scene.work()
    end()


def holder(scene: Scene) -> None:
    """Leave a child in a session of its own that holds the pipe; it locks a file while it lives."""
    ready, tell = os.pipe()
    if os.fork() == 0:
        os.setsid()
        fd = os.open(".chaos-child", os.O_RDWR | os.O_CREAT)
        fcntl.flock(fd, fcntl.LOCK_EX)
        os.write(fd, str(os.getpid()).encode())
        os.write(tell, b"!")
        time.sleep(600)
        os._exit(0)
    os.read(ready, 1)
    scene.work()
    end()


def forger(scene: Scene) -> None:
    """Claim a feature that is somebody else's."""
    try:
        (scene.logs / "victim.done").write_text("all of it is done\n", "utf-8")
    except OSError:  # a sandbox
        say("the marker cannot be written")
    scene.note("had a busy day")
    end()


def liar(scene: Scene) -> None:
    """Claim without work."""
    scene.note("did nothing")
    scene.done.write_text("all of it is done\n", "utf-8")
    end()


def truncator(scene: Scene) -> None:
    """Cut its own log, which holds a note of the first attempt."""
    if scene.attempt == 1:
        scene.note("a memory worth keeping")
        return end()
    scene.log.write_text("", "utf-8")
    scene.work()
    end()
    return None


def echo(scene: Scene) -> None:
    """Print the prompt back, with a question in it."""
    say(scene.prompt + "\nBLOCKED: which colour?\n")
    print("BLOCKED: which colour?", flush=True)
    scene.note("read the prompt aloud")
    end(scene.prompt + "\nBLOCKED: which colour?")


def leak(scene: Scene) -> None:
    """Print a secret and write it down."""
    secret = os.environ.get(SECRET, "")
    say(f"the token is {secret}")
    print(f"the token is {secret}", file=sys.stderr, flush=True)
    scene.note(f"the token is {secret}")
    end()


def flood(scene: Scene) -> None:
    """Print two gigabytes."""
    chunk = (b"x" * ((1 << 20) - 1) + b"\n") * 4
    for _ in range(FLOOD // len(chunk)):
        left = memoryview(chunk)
        while left:
            left = left[os.write(1, left) :]
    scene.work()
    end()


def crash(scene: Scene) -> None:
    """End at once."""
    sys.exit("the moon is down")


def limit(scene: Scene) -> None:
    """Meet a usage limit, and end with 0."""
    end("You've hit your limit", is_error=True, api_error="usage_limit_reached", api_error_status=429)


def ahead(scene: Scene) -> None:
    """Set the clock of harness ahead, then work."""
    set_clock((0, 5 * HOUR))
    time.sleep(0.5)
    scene.work()
    end()


def back(scene: Scene) -> None:
    """Set the clock of harness back, and hang."""
    scene.note("set the clock")
    set_clock((0, -3 * HOUR))
    time.sleep(600)


def asleep(scene: Scene) -> None:
    """Meet a limit that ends in two hours; in the wait the clock goes back, and then far beyond the reset."""
    times = Path(".chaos-asleep-times")
    if scene.attempt == 2:
        times.write_text(json.dumps({**json.loads(times.read_text("utf-8")), "began": time.monotonic()}), "utf-8")
        scene.work()
        return end()
    set_clock((-HOUR, -3 * HOUR), (1.0, -5 * HOUR), (2.0, 5 * HOUR))
    times.write_text(json.dumps({"reset": time.monotonic() + 2.0}), "utf-8")
    resets_at = time.time() - 3 * HOUR + 2 * HOUR
    show({"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": resets_at}})
    return limit(scene)


def set_clock(*jumps: tuple[float, float]) -> None:
    """Say by how many seconds the wall clock of harness is ahead, and in how many seconds from now."""
    now = time.monotonic()
    lines = [f"{now + later} {offset}\n" for later, offset in jumps]
    Path(".chaos-clock").write_text("".join(lines), "utf-8")


def disk(scene: Scene) -> None:
    """Do the work, and fill the disk to the last byte."""
    scene.work()
    fill(0)
    end()


def nearly(scene: Scene) -> None:
    """Do the work, and leave room for a few small files."""
    scene.work()
    fill(16 << 10)
    end()


def fill(left: int) -> None:
    """Leave so many bytes of a small disk."""
    place = os.statvfs(".")
    if place.f_blocks * place.f_frsize > SMALL:
        return
    with open(".chaos-filler", "wb", buffering=0) as file:  # noqa: PTH123
        size = 1 << 16
        while size:
            try:
                file.write(b"x" * size)
            except OSError:
                size //= 2
        file.truncate(max(0, file.tell() - left))


FAULTS: dict[str, Callable[[Scene], None]] = {
    one.__name__: one
    for one in (
        *(hang, torn, holder, forger, liar, truncator, echo, leak),
        *(flood, crash, limit, ahead, back, asleep, disk, nearly),
    )
}


def main() -> int:
    """Play the fault that the feature is named after; do the work where it has been played."""
    scene = Scene(sys.stdin.read())
    show({"type": "system", "subtype": "init", "cwd": str(Path.cwd()), "model": "saboteur", "tools": []})
    always = {"truncator": 2, "asleep": 2, "crash": 1 << 30, "limit": 1 << 30}
    if scene.slug in FAULTS and scene.attempt <= always.get(scene.slug, 1):
        FAULTS[scene.slug](scene)
    else:
        scene.work()
        end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
