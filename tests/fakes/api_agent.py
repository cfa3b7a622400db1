"""The API agent run once in this process, against a server over a real socket; and what it printed, read."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.agents.api.__main__ import attempt_once, parse_options
from harness.agents.api.profile import PROFILE
from harness.agents.api.report import Report
from harness.agents.failures import diagnose
from harness.agents.stream import StreamReader
from harness.domain.agent import Agent as Runnable
from harness.domain.reply import Ended, Exit, Reply, Transcript

from .messages_api import MessagesApi
from .messages_replies import Call

PROMPT = """\
You are one step of a loop.

## Files

- spec: {root}/specs/a/spec.md
- feature's log: {root}/logs/a.log
- done marker: {root}/logs/a.done

## Spec of `a`

Do it.

## Learnings

<<<LEARNINGS
LEARNINGS

## Prior log

<<<PRIOR_LOG
| an old note
PRIOR_LOG
"""


@dataclass
class Said:
    """What the agent printed."""

    code: int
    events: list[dict[str, Any]]
    transcript: Transcript

    def of(self, kind: str, subtype: str = "") -> list[dict[str, Any]]:
        return [one for one in self.events if one["type"] == kind and subtype in ("", one.get("subtype"))]

    @property
    def result(self) -> dict[str, Any]:
        (result,) = self.of("result")
        assert self.events[-1] is result
        return result

    @property
    def tool_results(self) -> list[dict[str, Any]]:
        return [block for event in self.of("user") for block in event["message"]["content"]]

    @property
    def failure(self) -> Any:
        """What the runner makes of it."""
        reply = Reply(Exit(Ended.EXITED, self.code), self.transcript)
        agent = Runnable(PROFILE.name, PROFILE.dialect, (), "", (), {}, Path("/"))
        return diagnose(reply, agent, time.time())


Agent = Callable[..., Said]


def run_agent(root: Path, api: MessagesApi | str, *words: str, prompt: str = PROMPT, **flags: object) -> Said:
    """Do one attempt in `root`, the present folder; words and keywords become the command line."""
    url = api if isinstance(api, str) else api.url
    given = {"model": "claude-opus-5-5", "server": "anthropic", "base_url": url, "patience": 0.0, **flags}
    line = [*words]
    for name, value in given.items():
        line += [f"--{name.replace('_', '-')}", str(value)]
    out = io.StringIO()
    options = parse_options(line)
    prompt = prompt.format(root=root) if "{root}" in prompt else prompt
    code = asyncio.run(attempt_once(options, prompt, Report(out, "here")))
    lines = out.getvalue().splitlines()
    reader = StreamReader(PROFILE.dialect)
    for one in lines:
        reader.feed(one.encode())
    return Said(code, [json.loads(one) for one in lines], reader.transcript(Exit(Ended.EXITED, code)))


def bash(command: str) -> Call:
    """A call of the shell."""
    return Call("bash", {"command": command})
