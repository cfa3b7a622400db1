"""A project made to be killed: harness is ended by kill -9 at chosen moments, started again, and its files are judged.

The agent needs two attempts for a feature. Each of its lines is written to the feature's log first and acknowledged in
a ledger outside the project afterwards, so every acknowledged line must be in a log. Each attempt leaves a child in a
session of its own that sleeps for five minutes, so a survivor is seen.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.records.journal import read_journal
from harness.records.receipt import parse_receipt

AGENT = """
done=$(grep -om1 '/[^ ]*\\.done')
logs=${done%/*}; slug=${done##*/}; slug=${slug%.done}
setsid sleep 300 &
token=$slug.$$.$(date +%s%N)
echo "$token did something, and this makes the note long enough to count" >> "$logs/$slug.log"
echo "note $token" >> ../ledger
if grep -qsE "half|whole" "built/$slug"; then
  echo "whole" > "built/$slug"
  echo "- 2026-01-01: $token taught this" >> "$logs/learnings.md"
  echo "learned $token" >> ../ledger
  echo "all of $slug is built" > "$done"
  echo "claim $slug" >> ../ledger
else
  mkdir -p built; echo half > "built/$slug"  # a kill may have left it empty: it begins again
fi
"""
GIT = {
    "GIT_AUTHOR_NAME": "a tester",
    "GIT_AUTHOR_EMAIL": "tester@example.invalid",
    "GIT_COMMITTER_NAME": "a tester",
    "GIT_COMMITTER_EMAIL": "tester@example.invalid",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
}
HARNESS = (sys.executable, "-m", "harness", "run")
PATIENCE = 60.0  # seconds for a run to end by itself


def carriers(token: str, besides: Collection[int] = ()) -> set[int]:
    """The pids that carry BENCH_TOKEN=token in their environment; a zombie has none."""
    found, wanted = set(), f"BENCH_TOKEN={token}".encode()
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) not in besides:
            try:
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    found.add(int(folder.name))
            except OSError:
                pass
    return found


def wait_for(condition: Callable[[], object], process: subprocess.Popen[Any], patience: float = 20.0) -> bool:
    """Wait until it holds; False when the process ended before."""
    deadline = time.monotonic() + patience
    while not condition():
        if process.poll() is not None:
            return False
        if time.monotonic() > deadline:
            raise TimeoutError("what was waited for did not happen")
        time.sleep(0.001)
    return True


@dataclass
class Victim:
    """A project whose runs are killed."""

    root: Path
    features: int = 5
    checks: bool = True
    git: bool = True
    kills: int = 0

    def __post_init__(self) -> None:
        self.token = f"kill-{os.getpid()}-{time.time_ns()}"
        for number in range(self.features):
            path = self.root / "specs" / f"f{number}" / "spec.md"
            path.parent.mkdir(parents=True)
            front = f'---\nchecks: ["grep -q whole built/f{number}"]\n---\n' if self.checks else ""
            path.write_text(f"{front}# Feature {number}\n\nBuild it.\n", "utf-8")
        self.ledger.touch()
        script = self.root.parent / "agent.sh"
        script.write_text(AGENT, "utf-8")
        settings = f"agent: command\ncommand: [/bin/sh, '{script}']\npause: 0\nenv_pass: [BENCH_TOKEN]\n"
        (self.root / "harness.yaml").write_text(settings + "max_attempts: 0\nmax_iterations: 0\n", "utf-8")
        if self.git:
            for words in (("init", "-q"), ("add", "--all"), ("commit", "-qm", "begin")):
                subprocess.run(["git", *words], cwd=self.root, env=self.environ, check=True)

    @property
    def ledger(self) -> Path:
        return self.root.parent / "ledger"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HARNESS_")}
        alone = {"HARNESS_SANDBOX": "none", "HARNESS_TRUST": "1"}  # the agent keeps its ledger outside the project
        return {**kept, **GIT, **alone, "BENCH_TOKEN": self.token, "TMPDIR": str(self.root.parent)}

    def acknowledged(self, word: str) -> list[str]:
        """What the agent said it had written."""
        return [line.split()[1] for line in self.ledger.read_text("utf-8").splitlines() if line.startswith(word + " ")]

    def start(self, argv: Sequence[str] = HARNESS, **more: str) -> subprocess.Popen[bytes]:
        """Start harness in a session of its own, with `more` in its environment; what it says is kept in `said`."""
        with (self.root.parent / "said").open("ab") as said:
            return subprocess.Popen(
                argv, cwd=self.root, env={**self.environ, **more}, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                start_new_session=True,
            )  # fmt: skip

    def kill(self, harness: subprocess.Popen[bytes]) -> None:
        """End harness itself by kill -9; what it started is its own business."""
        if harness.poll() is None:
            self.kills += 1
            harness.send_signal(signal.SIGKILL)
        harness.wait()

    def finish(self) -> list[str]:
        """Start again until everything is done; return what is wrong with how that went."""
        harness = self.start()
        try:
            code = harness.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill(harness)
            return ["the last run did not end"]
        return [] if code == 0 else [f"the last run ended with {code}"]

    def judge(self) -> list[str]:
        """Everything that is wrong with what is left; nothing may be."""
        return list(self._wrongs())

    def _wrongs(self) -> Iterator[str]:
        if left := carriers(self.token):
            yield f"alive: {[Path(f'/proc/{pid}/cmdline').read_bytes() for pid in left]}"
            for pid in left:
                os.kill(pid, signal.SIGKILL)  # ours alone: they carry our token
        yield from self._wrong_journal()
        yield from self._wrong_texts()
        yield from self._wrong_files()
        if self.git:
            yield from self._wrong_commits()

    def _wrong_journal(self) -> Iterator[str]:
        raw = (self.logs / "journal.jsonl").read_bytes()
        events = read_journal(self.logs / "journal.jsonl")
        if len(events) != raw.count(b"\n") or not raw.endswith(b"\n"):
            yield "torn: the journal has a damaged line"
        numbers = [event["seq"] for event in events]
        if numbers != list(range(1, len(numbers) + 1)):
            yield "journal: its numbers have gaps or repeat"
        for kind in ("accepted", "marked"):
            count = Counter(event["slug"] for event in events if event["event"] == kind)
            for slug in (f"f{number}" for number in range(self.features)):
                if count[slug] != 1:
                    yield f"{kind}: {slug} {count[slug]} times"
        for kind in ("attempt_began", "attempt_ended"):
            used = Counter((event["slug"], event["attempt"]) for event in events if event["event"] == kind)
            for (slug, number), times in used.items():
                if times != 1:
                    yield f"{kind}: {slug} attempt {number} {times} times"
        began, ended = ({(e["slug"], e["attempt"]) for e in events if e["event"] == kind}
                        for kind in ("attempt_began", "attempt_ended"))  # fmt: skip
        if began != ended:
            yield f"journal: began and ended differ: {sorted(began ^ ended)}"
        for kind in ("commit_failed", "tampered", "foreign", "vanished", "by_hand"):
            for event in events:
                if event["event"] == kind:
                    told = {key: event[key] for key in event if key not in ("run", "at", "seq", "event")}
                    yield f"{kind}: {told}"
        for slug, number in sorted(began):
            if not (self.logs / "attempts" / slug / f"{number:04d}" / "outcome.json").exists():
                yield f"missing: no outcome.json of {slug} attempt {number}"

    def _wrong_texts(self) -> Iterator[str]:
        for word, path_of in (("note", lambda slug: f"{slug}.log"), ("learned", lambda slug: "learnings.md")):
            for token in self.acknowledged(word):
                path = self.logs / path_of(token.partition(".")[0])
                if (times := _count(token, path)) != 1:
                    yield f"{'twice' if times else 'lost'}: `{token}` is {times} times in {path.name}"
                if (times := _count(token, self.logs / ".kept" / path.name)) != 1:
                    yield f"shadow: `{token}` is {times} times in .kept/{path.name}"

    def _wrong_files(self) -> Iterator[str]:
        for number in range(self.features):
            done = self.logs / f"f{number}.done"
            kind = parse_receipt(done.read_text("utf-8")).kind if done.exists() else "missing"
            if kind != ("proven" if self.checks else "unverified"):
                yield f"receipt: f{number}.done is {kind}"
        for path in self.logs.rglob("*"):
            if path.name.endswith(".tmp"):
                yield f"leftover: {path.relative_to(self.logs)}"
            if re.fullmatch(r"checks\.log\.\d+", path.name):
                yield f"leftover: {path.relative_to(self.logs)}"
            if path.name == "outcome.json":
                try:
                    json.loads(path.read_bytes())
                except ValueError:
                    yield f"torn: {path.relative_to(self.logs)}"
        for path in self.root.parent.glob("harness-*"):
            yield f"leftover: temporary folder {path.name[:8]}…"

    def _wrong_commits(self) -> Iterator[str]:
        ask = ["git", "log", "--format=%(trailers:key=Harness-Feature,valueonly)"]
        said = subprocess.run(ask, cwd=self.root, env=self.environ, capture_output=True, text=True, check=True)
        count = Counter(said.stdout.split())
        for slug in (f"f{number}" for number in range(self.features)):
            if count[slug] != 1:
                yield f"commits: {slug} {count[slug]} times"
        ask = ["git", "status", "--porcelain"]
        said = subprocess.run(ask, cwd=self.root, env=self.environ, capture_output=True, text=True, check=True)
        rest = [line for line in said.stdout.splitlines() if line[3:] not in ("logs/",)]
        if rest:
            yield f"uncommitted: {rest}"
        for lock in (self.root / ".git").glob("*.lock"):
            yield f"leftover: .git/{lock.name}"


def _count(token: str, path: Path) -> int:
    return path.read_text("utf-8").count(token) if path.exists() else 0


def kill_at_random(victim: Victim, kills: int, chance: random.Random, longest: float = 1.6) -> None:
    """Kill so many runs one after the other, half of the moments just after a claim (the keep phase).

    The other half lie anywhere in a run, up to `longest` seconds after its start.
    """
    while victim.kills < kills:
        harness = victim.start()
        if chance.random() < 0.5:
            claims = len(victim.acknowledged("claim")) + chance.choice((1, 1, 2))
            wait_for(lambda claims=claims: len(victim.acknowledged("claim")) >= claims, harness)
            time.sleep(chance.uniform(0, 0.12))
        else:
            try:
                harness.wait(chance.uniform(0.05, longest))
            except subprocess.TimeoutExpired:
                pass
        ended = harness.poll() is not None
        victim.kill(harness)
        if ended:
            return  # everything is done: there is nothing left to kill
