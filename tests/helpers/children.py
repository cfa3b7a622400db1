"""Children of every kind: the roles of nasty.py and whether they live, a listener, and Python without site."""

import fcntl
import sys
from pathlib import Path

from helpers.files import REPOSITORY
from helpers.waiting import until

NASTY = REPOSITORY / "tests/fakes/nasty.py"
ROLES = ("main", "child", "deaf", "session", "daemon", "holder", "hydra")
PYTHON = (sys.executable, "-I", "-S")


class Ear:
    """A listener that remembers lines and answers what a test wants."""

    def __init__(self, *, busy=lambda: False, finished=lambda: False, stop=lambda: None):
        self.lines = []
        self.busy, self.finished, self.stop = busy, finished, stop

    def line(self, line):
        self.lines.append(line)


def try_lock(file):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def alive(folder):
    """The roles of nasty.py that live now."""

    def lives(path):
        with path.open("r+") as file:
            return not try_lock(file)

    return {role for role in ROLES if (folder / role).exists() and lives(folder / role)}


def all_beat(folder):
    until(lambda: all((folder / role).exists() and (folder / role).stat().st_size for role in ROLES), "seven beats")


def children_of(parent):
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            try:
                if int((path / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                    found.append(int(path.name))
            except (FileNotFoundError, ProcessLookupError):
                pass
    return found
