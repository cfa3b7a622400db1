"""`harness demo`: a small repository with three specs, worked on by the real loop with the scripted agent."""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from harness.domain.errors import HarnessError, UsageError
from harness.domain.text import one_line
from harness.system import files
from harness.system.capture import capture
from harness.system.shipped import shipped_template

_SPECS = {
    "greet": """---
checks: [python3 -m unittest -q test_greet]
priority: 2
---
# Greet somebody by name

## Acceptance criteria
- [ ] `greet("Ada")` in `greet.py` returns `Hello, Ada!`
""",
    "shout": """---
depends_on: greet
checks: [python3 -m unittest -q test_shout]
---
# Greet in capitals, on top of greet

## Acceptance criteria
- [ ] `shout("Ada")` in `shout.py` returns `HELLO, ADA!`
""",
    "count": """---
checks: ["printf 'a b\\\\n' > words.txt && test $(python3 count.py words.txt) = 2"]
---
# Count the words of a file

## Acceptance criteria
- [ ] `python3 count.py FILE` prints the number of words in FILE
""",
}
_FILES = {
    "test_greet.py": """import unittest
from greet import greet


class TestGreet(unittest.TestCase):
    def test_greets_by_name(self):
        self.assertEqual(greet("Ada"), "Hello, Ada!")
""",
    "test_shout.py": """import unittest
from shout import shout


class TestShout(unittest.TestCase):
    def test_shouts(self):
        self.assertEqual(shout("Ada"), "HELLO, ADA!")
""",
    ".gitignore": "__pycache__/\nwords.txt\n/logs/\n/HALT\n",
    "harness.yaml": "agent: scripted\nscript: script.yaml\npause: 0\n",
}
_IDENTITY = ("-c", "user.name=harness demo", "-c", "user.email=demo@example.invalid", "-c", "commit.gpgsign=false")


def make_demo(folder: Path | None, environ: Mapping[str, str]) -> Path:
    """Make the demo's repository in a new temporary folder, or in `folder`, which must be empty or missing."""
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="harness-demo-"))
    elif _is_taken(folder):
        raise UsageError(f"`{folder}` is there already and not an empty folder", "choose a new one with `--dir`")
    specs = {f"specs/{slug}/spec.md": text for slug, text in _SPECS.items()}
    script = files.read_text(shipped_template("demo/script.yaml"))
    make_repository(folder, {**_FILES, **specs, "script.yaml": script}, environ)
    return folder.resolve()


def _is_taken(folder: Path) -> bool:
    """Whether something is there that is not an empty folder. Raises StorageError where it cannot be looked at."""
    with files.storage(folder, "look at"):
        return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))


def make_repository(folder: Path, texts: Mapping[str, str], environ: Mapping[str, str]) -> None:
    """Make a git repository with these files in one commit."""
    for name, text in texts.items():
        _write(folder / name, text)
    for line in (
        ("init", "--quiet"),
        ("config", "user.name", "harness demo"),
        ("config", "user.email", "demo@example.invalid"),
        ("config", "commit.gpgsign", "false"),
        ("add", "--all"),
        (*_IDENTITY, "commit", "--quiet", "--message", "Begin with three specs and their tests"),
    ):
        made = capture(
            ("git", *line),
            cwd=folder,
            env={name: value for name, value in environ.items() if not name.startswith("GIT_")},
            timeout=30.0,
        )
        if made.code != 0:
            words = one_line((made.stderr + made.stdout).decode("utf-8", "replace"), 300)
            raise HarnessError(f"`git {line[0]}` failed in `{folder}`: {words}", "install git, then try again")


def _write(path: Path, text: str) -> None:
    files.make_folder(path.parent)
    files.write_atomic(path, text)


def find_command(started: str, environ: Mapping[str, str]) -> str:
    """Return what a person types, in any folder, to start this harness: its name where PATH leads to it, else its path.

    `started` is the first word of our own command line.
    """
    own = Path(started if Path(started).name == "harness" else Path(sys.executable).with_name("harness"))
    if not own.is_file():
        return f"{shlex.quote(sys.executable)} -m harness"
    found = shutil.which("harness", path=environ.get("PATH"))
    return "harness" if found and own.samefile(found) else shlex.quote(str(own.absolute()))


def tell_where_to_look(folder: Path, command: str) -> list[str]:
    """Return the lines that end the demo; each command works as it is printed. `command` starts harness."""
    look = (
        (f"cd {shlex.quote(str(folder))}", ""),
        ("git log --stat", "one commit for each proven feature"),
        ("cat logs/greet.done", "the receipt: the claim, the check that ran, its result"),
        ("cat logs/learnings.md", "a lesson from `greet` that `shout` made use of"),
        ("cat logs/attempts/greet/0002/prompt.md", "the second prompt, with the check's output at its end"),
        (f"{command} status", "the state of every feature"),
        (f"{command} why greet", "every decision about `greet`"),
    )
    width = max(len(line) for line, _ in look[1:])
    return [
        "",
        "Three features proven. One claim was false: a check caught it, and its output went into the next prompt.",
        "Look around:",
        *(f"  {line.ljust(width)}  # {meaning}" if meaning else f"  {line}" for line, meaning in look),
    ]
