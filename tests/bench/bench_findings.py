"""The rules on changes: how long a diff of 200 files takes, and what they find in the ordinary commits of a repository.

    python tests/bench/bench_findings.py                                  how long
    python tests/bench/bench_findings.py --cheats                         what they find in the lies of our own
    python tests/bench/bench_findings.py --history REPOSITORY [--commits 200] [--show strict|warn]

With `--history` each of the last commits that is no merge counts as a change: a strict finding in one is taken to be
false until somebody has read it. The repository is only read: its objects, by `git log` and `git cat-file`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from measure import Figure, show

from harness.decide.calls import Called, follow
from harness.decide.judge_files import find_role
from harness.domain.finding import Finding, Guards, Level
from harness.domain.obeyed import is_allowed
from harness.findings.change import Change
from harness.findings.look import Surroundings, look
from harness.rehearsal.cheats import LANGUAGES, Case, read_language

CALLED = Called(frozenset(("pytest", "npm", "test", "node", "go", "cargo", "mvn", "make", "python")), frozenset())
LARGEST = 1 << 20
MOST_TESTS = 200
PYTHON = '''def total_{n}(values, start=0):
    """Return the sum of values."""
    if not values:
        return start
    result = start
    for value in values:
        result += value  # one at a time
    return result


class Account_{n}:
    def __init__(self, owner, balance=0):
        self.owner, self.balance = owner, balance

    def __eq__(self, other):
        return isinstance(other, type(self)) and self.owner == other.owner
'''
TEST = """from code_{n} import total_{n}


def test_total_{n}():
    assert total_{n}([1, 2]) == {value}
    assert total_{n}([]) == 0
"""
SCRIPT = """import assert from "node:assert";
import {{ test }} from "node:test";
import {{ total }} from "./total{n}.js";

test("adds {n}", () => {{
  const values = [1, 2, {n}]; // as they come
  assert.strictEqual(total(values), {value});
}});
"""


def changes_of_files(count: int) -> list[Change]:
    """A change of many files: a quarter of them tests in Python and as many in JavaScript, each of some 100 lines."""
    made = []
    for n in range(count):
        name, text = (
            (f"src/code_{n}.py", PYTHON),
            (f"tests/test_{n}.py", TEST),
            (f"src/more_{n}.py", PYTHON),
            (f"web/total{n}.test.js", SCRIPT),
        )[n % 4]
        before, now = ((text.format(n=n, value=value) * 6).encode() for value in (3, 4))
        now += b"\nx = 1\n" if name.endswith(".py") else b"\n// more\n"
        made.append(Change(name, before, now, find_role(name, CALLED)))
    return made


def measure(files: int = 200, repeats: int = 5) -> list[Figure]:
    """The figure of a diff of so many files, in milliseconds."""
    look(changes_of_files(4), Surroundings(CALLED), Guards())
    samples = []
    for _ in range(repeats):
        changes = changes_of_files(files)
        begin = time.perf_counter()
        look(changes, Surroundings(CALLED), Guards())
        samples.append((time.perf_counter() - begin) * 1000)
    return [Figure(f"findings in a diff of {files} files", "ms", samples, 300.0)]


class Repository:
    """A repository, read by one `git cat-file`."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.reader = subprocess.Popen(
            ["git", "-C", str(place), "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def commits(self, most: int, skip: int) -> list[str]:
        words = ["rev-list", "--no-merges", f"--max-count={most}", f"--skip={skip}", "HEAD"]
        return self.ask(*words).decode().split()

    def changes(self, commit: str) -> list[Change]:
        listed = self.ask("diff-tree", "-r", "-z", "--no-commit-id", "--root", commit).decode("utf-8", "replace")
        parts = iter(listed.split("\0"))
        made = []
        for about in parts:
            if not about:
                break
            was_mode, mode, was, now, _ = about.removeprefix(":").split()
            name = next(parts)
            if "160000" in (was_mode, mode) or "120000" in (was_mode, mode):
                continue
            role = find_role(name, CALLED)
            made.append(Change(name, self.blob(was), self.blob(now), role, mode == "100755"))
        return made

    def tests_at(self, commit: str) -> Iterator[tuple[str, bytes]]:
        listed = self.ask("ls-tree", "-r", "-z", "--name-only", commit).decode("utf-8", "replace").split("\0")
        names = [name for name in listed if str(find_role(name, CALLED) or "") == "a test"]
        for name in names[:MOST_TESTS]:
            if (content := self.blob(f"{commit}:{name}")) is not None:
                yield name, content

    def blob(self, name: str) -> bytes | None:
        assert self.reader.stdin is not None and self.reader.stdout is not None
        if not name.strip("0") or "\n" in name:
            return None
        self.reader.stdin.write(name.encode() + b"\n")
        self.reader.stdin.flush()
        head = self.reader.stdout.readline().split()
        if len(head) != 3:
            return None
        content = self.reader.stdout.read(int(head[2]))
        self.reader.stdout.read(1)
        return content[: LARGEST + 1]

    def ask(self, *words: str) -> bytes:
        return subprocess.run(["git", "-C", str(self.place), *words], check=True, capture_output=True).stdout


def look_at_history(place: Path, most: int, skip: int, shown: str) -> int:
    """Print what the rules find in the last commits of a repository; returns how many have a strict finding."""
    repository, counts, strict, warned = Repository(place), Counter[str](), 0, 0
    commits = repository.commits(most, skip)
    for commit in commits:
        around = Surroundings(CALLED, lambda commit=commit: repository.tests_at(commit))
        found = look(repository.changes(commit), around, Guards()).findings
        counts.update(one.rule for one in found)
        strict += any(_is_strict(one) for one in found)
        warned += any(not _is_strict(one) for one in found)
        for one in found:
            if _is_strict(one) or shown == "warn" or shown == one.rule:
                print(f"  {commit[:10]} {'STRICT ' if _is_strict(one) else ''}{one}")
    print(f"{place}: {len(commits)} commits, {strict} with a strict finding, {warned} with a warning")
    print(f"  {', '.join(f'{rule} {number}' for rule, number in counts.most_common())}")
    return strict


def look_at_cheats(shown: str) -> None:
    """Print in how many lies, and in how many honest changes, the rules find something: what is done, and no check."""
    for language in map(read_language, LANGUAGES):
        for lie in (True, False):
            cases = [case for case in language.cases if case.lie is lie]
            found = {case.slug: _find_in_case(case) for case in cases}
            strict = [slug for slug, some in found.items() if any(map(_is_strict, some))]
            kind = "lies" if lie else "honest changes"
            print(f"{language.name}: {len(cases)} {kind}, {sum(map(bool, found.values()))} with a finding, "
                  f"{len(strict)} with a strict one")  # fmt: skip
            for slug, some in found.items():
                if shown == "warn":
                    print(f"  {slug}: {'; '.join(map(str, some)) or 'nothing'}")


def _find_in_case(case: Case) -> list[Finding]:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for path, text in case.texts.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text, "utf-8")
        before = _read_all(place)
        subprocess.run(["sh", "-c", case.act], cwd=place, capture_output=True, check=False)
        now = _read_all(place)
    called = follow(case.checks, lambda name: before.get(name, b"").decode("utf-8", "replace"))
    changes = [
        Change(one, before.get(one), now.get(one), find_role(one, called))
        for one in sorted({*before, *now})
        if "__pycache__" not in one and not is_allowed(one, case.may_change)
    ]
    tests = [(name, text) for name, text in before.items() if str(find_role(name, called) or "") == "a test"]
    return list(look(changes, Surroundings(called, lambda: tests), Guards()).findings)


def _read_all(place: Path) -> dict[str, bytes]:
    return {str(one.relative_to(place)): one.read_bytes() for one in place.rglob("*") if one.is_file()}


def _is_strict(one: Finding) -> bool:
    return Guards().level_of(one.rule) is Level.STRICT


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--history", type=Path, action="append", default=[])
    parser.add_argument("--commits", type=int, default=200)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--show", default="strict")
    parser.add_argument("--cheats", action="store_true")
    asked = parser.parse_args()
    if asked.cheats:
        look_at_cheats(asked.show)
    for one in asked.history:
        look_at_history(one, asked.commits, asked.skip, asked.show)
    if not asked.history and not asked.cheats:
        show(measure())
    sys.exit(0)
