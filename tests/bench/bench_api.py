"""The API agent: what its caching saves, what it adds to a turn, and how much memory a long attempt takes.

    python tests/bench/bench_api.py

The server is the scripted one of the tests with its account of the cache: byte prefixes, minimum lengths, lifetimes on
a clock that is moved. Prices are those of the price list for the model named.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from measure import Figure, environ, main, project

sys.path.insert(0, str(Path(__file__).parent.parent))

from fakes.messages_api import MessagesApi
from fakes.messages_blocks import count_tokens, read_blocks
from fakes.messages_cache import CacheAccount
from fakes.messages_replies import Call, Reply, Turn
from fakes.messages_script import Request

from harness.agents.prices import PriceBook
from harness.agents.prompt import compose_prompt
from harness.domain.feature import Feature
from harness.domain.paths import Paths
from harness.domain.reply import Usage
from harness.system.shipped import shipped_template

MODEL = "claude-opus-5-5"
FEATURES, ATTEMPTS, TURNS = 10, 4, 12
STABLE = 6_000  # tokens of tools, system and the feature's own part of the prompt
FIXED = 1_740  # of those, tools, system text and the list of files
BETWEEN_TURNS, BETWEEN_ATTEMPTS = 20.0, 45.0  # seconds on the cache's clock
OUTPUT = "seq 1 400"  # what a tool gives back: some 1,500 bytes


def work(request: Request) -> Reply:
    """Eleven turns of tools, then the end."""
    if request.step < TURNS - 1:
        return Turn("A sentence about what comes next, as models say it.", (Call("bash", {"command": OUTPUT}),))
    return Turn("That is all for this step.")


def write_prompt(root: Path, number: int, attempt: int) -> str:
    """The prompt that harness composes for an attempt; the log grows from attempt to attempt."""
    slug = f"feature-{number}"
    paths = Paths(root, root / "specs", root / "logs")
    paths.logs.mkdir(exist_ok=True)
    with paths.log(slug).open("a") as log:
        log.write(f"## attempt {attempt}\n" + "- did a step, ran the suite, and wrote down what is left\n" * 20)
    sentence = f"The {number}th feature says what is wanted, in words that stand in no other spec. "
    spec = sentence * (4 * (STABLE - FIXED) // len(sentence))
    feature = Feature(slug, root / "specs" / slug / "spec.md")
    return compose_prompt(shipped_template("prompt.md"), feature, spec, ["make test"], paths, "").text


async def attempts(api: MessagesApi, account: CacheAccount, root: Path, ttl: str) -> list[int]:
    """Every attempt of every feature, in this process; gives back where in the ledger each began."""
    from harness.agents.api.__main__ import attempt_once, parse_options
    from harness.agents.api.report import Report

    line = ["--model", MODEL, "--base-url", api.url, "--cache-ttl", ttl]
    began = []
    for number in range(FEATURES):
        for attempt in range(ATTEMPTS):
            began.append(len(account.ledger))
            prompt = write_prompt(root, number, attempt)
            await attempt_once(parse_options(line), prompt, Report(io.StringIO(), "bench"))
            account.advance(BETWEEN_ATTEMPTS)
    return began


@dataclass
class Ran:
    """A whole run: what was charged, where each attempt begins in the ledger, and its stable prefix in tokens."""

    account: CacheAccount = field(default_factory=CacheAccount)
    began: list[int] = field(default_factory=list)
    stable: list[int] = field(default_factory=list)

    @property
    def dollars(self) -> float:
        """What the input cost."""
        book = PriceBook(())
        usages = [Usage(c.input, 0, c.read, c.write_5m + c.write_1h, c.write_1h) for c in self.account.ledger]
        return sum(book.cost(MODEL, usage) or 0.0 for usage in usages)


def run_all(ttl: str) -> Ran:
    """Every attempt of every feature against a cache of its own."""
    ran = Ran()

    def script(request: Request) -> Reply:
        ran.account.advance(BETWEEN_TURNS)
        if request.step == 0:
            first = request.body["messages"][0]
            part = first | {"content": first["content"][:1]}
            ran.stable.append(count_tokens(read_blocks({**request.body, "messages": [part]})))
        return work(request)

    with project() as made, contextlib.chdir(made.root), MessagesApi(script, cache=ran.account) as api:
        os.environ["ANTHROPIC_API_KEY"] = "key-of-a-bench"
        ran.began = asyncio.run(attempts(api, ran.account, made.root, ttl))
    return ran


def measure_cache() -> list[Figure]:
    """Side by side: the same run with and without breakpoints."""
    kept, none = run_all("5m"), run_all("off")
    second = [n for n in range(len(kept.began)) if n % ATTEMPTS == 1]
    missed = [100 * (1 - min(1.0, kept.account.ledger[kept.began[n]].read / kept.stable[n])) for n in second]
    note = f"${kept.dollars:.2f} instead of ${none.dollars:.2f}; {len(kept.account.ledger)} calls"
    what = "of the stable prefix, not read from the cache by a 2nd attempt"
    return [
        Figure("input cost with caching, of that without", "%", [100 * kept.dollars / none.dollars], 25, note=note),
        Figure(what, "%", missed, 5, "max", f"{kept.stable[0]} tokens"),
    ]


@contextlib.contextmanager
def agent(api: MessagesApi, root: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """The agent as a process of its own, its prompt given."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "harness.agents.api", "--model", MODEL, "--base-url", api.url, *words],
        cwd=root,
        env=environ(ANTHROPIC_API_KEY="key-of-a-bench"),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    process.stdin.write(b"Work.\n")
    process.stdin.close()
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def measure_turns(turns: int = 300) -> list[Figure]:
    """From one request to the next, with a tool that takes no time; the server's own share is taken off."""
    asked: list[float] = []

    def script(request: Request) -> Reply:
        asked.append(time.perf_counter())
        return Turn("On.", (Call("bash", {"command": ":"}),)) if len(asked) <= turns else Turn("Done.")

    with project() as made, MessagesApi(script) as api, agent(api, made.root) as process:
        process.wait()
    gaps = [(after - before) * 1000 for before, after in pairwise(asked)]
    return [Figure("from one turn to the next, server and tool included", "ms", gaps, 20, note=f"p99 {p99(gaps):.1f}")]


def p99(samples: list[float]) -> float:
    return statistics.quantiles(samples, n=100)[98]


def measure_memory(turns: int = 500) -> list[Figure]:
    """The most memory the agent ever held, with 100 KiB of output a turn."""
    big = Call("bash", {"command": "head -c 102400 /dev/zero | tr '\\0' x"})
    most = 0.0

    def script(request: Request) -> Reply:
        nonlocal most
        most = max(most, peak(process.pid))
        return Turn("", (big,)) if request.number <= turns else Turn("Done.")

    with project() as made, MessagesApi(script) as api, agent(api, made.root, "--compact-at", "150000") as process:
        process.wait()
        calls = len(api.requests)
    return [Figure(f"memory at its most, {turns} turns of 100 KiB", "MB", [most], 150, note=f"{calls} calls")]


def peak(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1000
    return 0.0


def measure() -> list[Figure]:
    """All of it."""
    return [*measure_cache(), *measure_turns(), *measure_memory()]


if __name__ == "__main__":
    main(measure())
