"""`python -m harness.agents.api`: the prompt on stdin, JSON lines on stdout, works in the folder it is started in."""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import os
import random
import signal
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.agents.api.asking import ModelCalls, Options
from harness.agents.api.conversation import Caching, Conversation, digest, split_prompt
from harness.agents.api.failure import CallFailed, Ending, Failure, Kind
from harness.agents.api.launch import KEY, read_price
from harness.agents.api.meter import Meter
from harness.agents.api.preflight import fit
from harness.agents.api.report import Report
from harness.agents.api.shell import scrub
from harness.agents.api.tools import Toolbox
from harness.agents.api.work import Attempt
from harness.agents.prices import PriceBook

if TYPE_CHECKING:
    from harness.agents.api.client import Client

PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4  # linux/prctl.h


def main(argv: Sequence[str] | None = None) -> int:
    """Do one attempt; 0 when the model came to its own end, 1 otherwise."""
    options = parse_options(argv)
    _guard()
    if options.check:
        return asyncio.run(_check(options))
    prompt = sys.stdin.buffer.read().decode("utf-8", "replace")
    report = Report(sys.stdout, str(uuid.uuid4()))
    try:
        return asyncio.run(attempt_once(options, prompt, report))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def parse_options(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the command line, read."""
    parser = argparse.ArgumentParser(prog="python -m harness.agents.api", description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--fallback-model", action="append", default=[], metavar="MODEL")
    parser.add_argument("--server", choices=("anthropic", "compatible"), default="anthropic")
    parser.add_argument("--base-url", default="")
    parser.add_argument("--api-key-env", default="", metavar="VARIABLE")
    parser.add_argument("--effort", default="")
    parser.add_argument("--thinking", default="")
    parser.add_argument("--max-tokens", type=int, default=32_000)
    parser.add_argument("--context-window", type=int, default=0, metavar="TOKENS")
    parser.add_argument("--compact-at", type=int, default=0, metavar="TOKENS")
    parser.add_argument("--cache-ttl", choices=("5m", "1h", "off"), default="5m")
    parser.add_argument("--tool-timeout", type=float, default=120.0, metavar="SECONDS")
    parser.add_argument("--api-timeout", type=float, default=600.0, metavar="SECONDS")
    parser.add_argument("--patience", type=float, default=900.0, metavar="SECONDS", help="of outage, in all")
    parser.add_argument("--max-cost", type=float, metavar="DOLLARS")
    parser.add_argument("--price", action="append", type=read_price, default=[], metavar="JSON")
    parser.add_argument("--also", action="append", type=Path, default=[], metavar="FOLDER", help="may be written too")
    parser.add_argument("--check", action="store_true", help="only see whether the server lets us in; free")
    return parser.parse_args(argv)


def _guard() -> None:
    """Keep the key from the commands that the model runs, and do not outlive whoever started us (Linux)."""
    if sys.platform == "linux":
        library = ctypes.CDLL(None, use_errno=True)
        library.prctl(PR_SET_DUMPABLE, 0)  # /proc/<pid>/environ of this process is root's alone then
        library.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _connect(options: argparse.Namespace) -> Client:
    from harness.agents.api.client import NO_KEY, Client

    key = (os.environ.get(options.api_key_env or KEY) or "").strip() or None
    anthropic = options.server == "anthropic"
    host = urlsplit(options.base_url).hostname or ""
    if host in ("localhost", "::1") or host.startswith("127."):
        os.environ["NO_PROXY"] = ",".join(filter(None, (os.environ.get("NO_PROXY"), host)))
    if not anthropic and options.base_url and not options.api_key_env:
        key = NO_KEY  # a server of one's own gets nothing that was not meant for it
        os.environ.pop("ANTHROPIC_CUSTOM_HEADERS", None)
    return Client(base_url=options.base_url, api_key=key, beta=anthropic, timeout=options.api_timeout)


async def _check(options: argparse.Namespace) -> int:
    """Say in one line whether the server lets us in, by counting the tokens of one word: that is free."""
    client = _connect(options)
    try:
        await client.count({"model": options.model, "messages": [{"role": "user", "content": "hi"}]})
        print(f"the server accepts the key and knows {options.model}")
        return 0
    except CallFailed as failed:
        failure = failed.failure
        if failure.status == 404 and failure.kind is Kind.STRANGE and options.server == "compatible":
            failure = await _knock(client, options.model)
        if failure.kind is Kind.REQUEST:
            print("the server answers, but does not count tokens")
            return 0
        print(failure.text)
        return 1
    finally:
        await client.close()


async def _knock(client: Client, model: str) -> Failure:
    """Return what the server says to a request without a message: one that knows the Messages API refuses it."""
    try:
        await client.call({"model": model, "max_tokens": 1, "messages": []})
    except CallFailed as failed:
        return failed.failure
    return Failure(Kind.REQUEST, "it answers whatever it is asked")


async def attempt_once(options: argparse.Namespace, prompt: str, report: Report) -> int:
    """Do the attempt; SIGTERM and SIGINT end it at once, with a last line that tells what it cost."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    anthropic = options.server == "anthropic"
    caching = Caching(options.cache_ttl) if anthropic and options.cache_ttl != "off" else None
    conversation = Conversation(split_prompt(prompt), caching)
    book = PriceBook(tuple(options.price))
    meter = Meter(book.cost, options.max_cost)
    root = Path.cwd()
    toolbox = Toolbox(
        (root, *options.also), scrub(os.environ, options.api_key_env or KEY), timeout=options.tool_timeout
    )
    declarations = toolbox.declarations(typed=anthropic)
    report.began(
        model=options.model,
        tools=[str(tool["name"]) for tool in declarations],
        cwd=str(root),
        key=options.api_key_env or KEY,
        prefix={"tools": digest(declarations), "system": digest(conversation.system)},
    )
    client = _connect(options)
    asking = ModelCalls(
        conversation=conversation,
        client=client,
        tools=declarations,
        meter=meter,
        report=report,
        options=_options(options),
        random=random.random,
    )
    attempt = Attempt(asking, toolbox)
    try:
        window = options.context_window or book.window(options.model)
        await fit(asking, prompt, window, ask_server=anthropic)
        text, reason = await attempt.work()
        report.ended(meter, turns=attempt.turns, text=text, stop_reason=reason)
        return 0
    except Ending as ending:
        report.failed(meter, ending, turns=attempt.turns)
        return 1
    except asyncio.CancelledError:
        report.failed(meter, Ending("it was stopped", "aborted", asking.trouble), turns=attempt.turns)
        return 143
    except BrokenPipeError:
        raise
    except Exception as error:  # a mistake of ours: what was spent is told all the same
        report.failed(meter, Ending(f"{type(error).__name__}: {error}", "crashed"), turns=attempt.turns)
        raise
    finally:
        await toolbox.close()
        await client.close()


def _options(options: argparse.Namespace) -> Options:
    anthropic = options.server == "anthropic"
    return Options(
        models=(options.model, *options.fallback_model),
        max_tokens=options.max_tokens,
        effort=options.effort,
        thinking=options.thinking,
        compact_at=options.compact_at,
        patience=options.patience,
        compaction=anthropic,
    )


if __name__ == "__main__":
    sys.exit(main())
