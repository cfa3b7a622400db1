"""Run harness, and kill it with KILL just before or just after its Nth change of the disk.

    python step_killer.py N before|after run ...

Counted are fsync, write, rename, mkdir, unlink, ftruncate and the start of a process, in this process alone. What was
done at step N is appended to the file named by STEP_KILLER_REPORT.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

STEP, WHEN = int(sys.argv[1]), sys.argv[2]
NAMES = ("fsync", "write", "rename", "replace", "mkdir", "unlink", "remove", "ftruncate", "rmdir")
count = 0


def die(name: str) -> None:
    frames = [frame for frame in traceback.extract_stack() if "/harness/" in frame.filename]
    way = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-6:]))
    fd = os.open(os.environ["STEP_KILLER_REPORT"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    real["write"](fd, f"{STEP} {WHEN} {name}: {way}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)


def counted(name: str, call: Any) -> Any:
    def wrapped(*given: Any, **named: Any) -> Any:
        global count
        count += 1
        here = count == STEP
        if here and WHEN == "before":
            die(name)
        came = call(*given, **named)
        if here:
            die(name)
        return came

    return wrapped


real = {name: getattr(os, name) for name in NAMES}
for each, function in real.items():
    setattr(os, each, counted(each, function))
subprocess.Popen.__init__ = counted("Popen", subprocess.Popen.__init__)  # type: ignore[method-assign]

if __name__ == "__main__":
    from harness.cli.funnel import start

    code = start(sys.argv[3:])
    if report := os.environ.get("STEP_KILLER_TOTAL"):
        Path(report).write_text(str(count), "ascii")
    sys.exit(code)
