"""Recorded streams of real agent commands (tests/streams), and replies made of a few lines; no test in here."""

import json
from datetime import UTC
from functools import cache
from pathlib import Path

from harness.agents.failures import diagnose
from harness.agents.stream import StreamReader
from harness.domain.agent import Agent, Dialect
from harness.domain.reply import Ended, Exit, Fault, Limit, Reply

STREAMS = Path(__file__).parents[1] / "streams"
DIALECTS = ("claude", "codex", "gemini", "opencode")


def dialect_of(name):
    """The dialect of a case: `codex/cx-401` is Codex's, a name without a folder Claude Code's."""
    return name.partition("/")[0] if "/" in name else "claude"


@cache
def lines_of(name):
    return tuple((STREAMS / f"{name}.jsonl").read_bytes().splitlines())


@cache
def names(pattern="**/*.jsonl"):
    return tuple(sorted(str(path.relative_to(STREAMS).with_suffix("")) for path in STREAMS.glob(pattern)))


def exit_of(name):
    """How it ended; what was killed by the recorder (a negative code) counts as timed out."""
    meta = json.loads((STREAMS / f"{name}.meta.json").read_text(encoding="utf-8"))
    size = (STREAMS / f"{name}.jsonl").stat().st_size
    ended = Ended.EXITED if meta["rc"] >= 0 else Ended.TIMED_OUT
    return Exit(ended, meta["rc"], meta["wall"], stdout_bytes=size, stderr_tail=meta["stderr"])


def read(lines, dialect):
    reader = StreamReader(Dialect(dialect))
    for line in lines:
        reader.feed(line if isinstance(line, bytes) else json.dumps(line).encode())
    return reader


def reply_of(name):
    exit = exit_of(name)
    return Reply(exit, read(lines_of(name), dialect_of(name)).transcript(exit))


def reply(lines, dialect, code=0, ended=Ended.EXITED, **exit_fields):
    exit = Exit(ended, code, **exit_fields)
    return Reply(exit, read(lines, dialect).transcript(exit))


NOW = 1795230000.0  # Sat 21 Nov 2026, 03:00 UTC


def diagnosis(reply, dialect, now=NOW, zone=None):
    """What a reply means, of an agent that prints in that dialect."""
    return diagnose(reply, Agent("command", Dialect(dialect), (), "", (), {}, Path("/")), now, zone)


def meaning(reply, dialect):
    """`(kind, resets_at)` of a limit, the kind of a fault, or None."""
    met = diagnosis(reply, dialect, NOW, UTC)
    return (met.kind, met.resets_at) if isinstance(met, Limit) else met.kind if isinstance(met, Fault) else None


def message(number: int, output: int, text: str = "x") -> dict:
    usage = {
        "input_tokens": 1000, "output_tokens": output, "cache_read_input_tokens": 0,
        "cache_creation_input_tokens": 300, "cache_creation": {"ephemeral_1h_input_tokens": 100},
    }  # fmt: skip
    content = [{"type": "text", "text": text}]
    return {"type": "assistant", "message": {"id": f"m{number}", "model": "m", "content": content, "usage": usage}}
