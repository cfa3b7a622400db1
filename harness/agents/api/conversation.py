"""What is sent to the model: a history that only grows, byte for byte, and where its cache breakpoints stand. Pure.

A server keeps what it has read under the bytes before each breakpoint. So what never changes comes first (tools, then
the system text), then the feature's files and spec, then the learnings, then what changes each attempt; and nothing
that was sent is ever edited: models that preserve their thinking reject an edited history with a 400.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

Block = dict[str, Any]
Message = dict[str, Any]

NOTED = "\n\nYou have worked on this step already. What you noted about it, for yourself:\n\n"
MANY_BLOCKS = 15  # a server looks back 20 blocks for what it knows; a turn that adds more needs a breakpoint between
SYSTEM = """\
You are a coding agent that works alone in a repository. Nobody is watching and nobody answers questions.

You have two tools. `bash` is one shell that stays open: what you set in one command is there in the next. It starts \
in the root of the repository, has no terminal and no stdin, and a command that runs too long is ended with everything \
it started. `str_replace_based_edit_tool` views, creates and edits text files.

Look before you change something. Run what you wrote and read what it prints; claim nothing that a tool has not \
shown you. Keep the output of commands short: ask for the lines you need. When several calls do not depend on each \
other, make them in one answer. Before you stop, read your last paragraph: if it is a plan or a promise, do that \
work now.
"""


@dataclass(frozen=True, slots=True)
class Parts:
    """A prompt, cut where it changes at different paces; together they are the prompt, any of them may be empty."""

    shared: str  # who the agent is and its steps: the same for every feature
    feature: str  # files, spec, checks: the same for every attempt of a feature
    learnings: str  # changes now and then
    rest: str  # prior log and observations: new each time


def split_prompt(prompt: str) -> Parts:
    """Return the parts of a prompt; a template of one's own without the headings is taken as it is."""
    files = re.search(r"^## Files$", prompt, re.MULTILINE)
    learnings = _find_block(prompt, "LEARNINGS", 0)
    log = _find_block(prompt, "PRIOR_LOG", learnings)
    cuts = [0, files.start() if files and files.start() < learnings else 0, learnings, log, len(prompt)]
    return Parts(*(prompt[start:end] for start, end in pairwise(cuts)))


def _find_block(prompt: str, name: str, after: int) -> int:
    """Return where the section that holds a block begins: at its heading, where there is one right before it."""
    found = re.compile(rf"^<<<{name}\n(?:\| .*\n)*(?:\n)?{name}$", re.MULTILINE).search(prompt, after)
    if found is None:
        return len(prompt)
    heading = prompt.rfind("\n## ", after, found.start())
    between = prompt[heading + 1 : found.start()] if heading >= 0 else ""
    return heading + 1 if between and between.count("\n") < 12 else found.start()


@dataclass(frozen=True, slots=True)
class Caching:
    """Where breakpoints are set: `ttl` is how long what never changes is kept, `5m` or `1h`."""

    ttl: str = "5m"

    @property
    def steady(self) -> Block:
        """The mark for what outlives an attempt."""
        return _mark(self.ttl)


def _mark(ttl: str = "5m") -> Block:
    return {"type": "ephemeral", "ttl": ttl} if ttl == "1h" else {"type": "ephemeral"}


@dataclass(slots=True)
class Conversation:
    """One attempt's exchange with the model. `caching` None sends no mark: other servers do not know them."""

    parts: Parts
    caching: Caching | None = None
    messages: list[Message] = field(default_factory=list)
    last_end: tuple[int, int] | None = None  # message and block where the turn before the last one ended
    added: int = 0  # blocks since then

    def __post_init__(self) -> None:
        """Begin with the prompt."""
        if not self.messages:
            self.messages = [{"role": "user", "content": self._prompt_blocks()}]

    # --- what is said ---

    def answer(self, content: list[Block]) -> None:
        """Add what the model said, whole."""
        self.last_end = (len(self.messages) - 1, len(self.messages[-1]["content"]) - 1)
        self.messages.append({"role": "assistant", "content": content})
        self.added = len(content)

    def reply(self, blocks: Iterable[Block]) -> None:
        """Add what the model is told: tool results first, then words."""
        content = sorted(blocks, key=lambda block: block["type"] != "tool_result")
        self.messages.append({"role": "user", "content": content})
        self.added += len(content)

    def extend(self, block: Block) -> None:
        """Add words behind what the model is told next, in the same message; nothing of it was sent before."""
        last = self.messages[-1]
        self.messages[-1] = last | {"content": [*last["content"], block]}
        self.added += 1

    def compacted(self, content: list[Block]) -> None:
        """Begin with the server's own summary of everything before."""
        going_on = {"type": "text", "text": "Go on with the task where you left off."}
        self._begin([{"role": "assistant", "content": content}, {"role": "user", "content": [going_on]}])

    def restart(self, note: str) -> None:
        """Begin anew with the prompt and a note about what was done so far."""
        said = f"{NOTED}{note.strip()}\n"
        blocks = [*self._prompt_blocks(), {"type": "text", "text": said}]
        self._begin([{"role": "user", "content": blocks}])

    @property
    def is_compacted(self) -> bool:
        """Whether it begins with the server's own summary."""
        return str(self.messages[0]["role"]) == "assistant"

    def _begin(self, messages: list[Message]) -> None:
        self.messages, self.last_end, self.added = messages, None, 0

    def shorten(self, prompt: str) -> None:
        """Take a shorter prompt, before anything was said."""
        self.parts = split_prompt(prompt)
        self.messages = [{"role": "user", "content": self._prompt_blocks()}]

    def _prompt_blocks(self) -> list[Block]:
        texts = (self.parts.feature, self.parts.learnings, self.parts.rest)
        return [{"type": "text", "text": text} for text in texts if text.strip()] or [
            {"type": "text", "text": "Begin."}
        ]

    # --- how it is sent ---

    @property
    def system(self) -> list[Block]:
        """The system text, in blocks without marks."""
        return [{"type": "text", "text": text} for text in (SYSTEM, self.parts.shared) if text.strip()]

    def request(self) -> dict[str, Any]:
        """Return `system`, `messages` and `cache_control` as they are sent now; nothing kept is changed by it."""
        system, messages = self.system, list(self.messages)
        if self.caching is None:
            return {"system": system, "messages": messages}
        system[-1] = system[-1] | {"cache_control": self.caching.steady}
        for place, mark in self._breakpoints():
            _set_mark(messages, place, mark)
        return {"system": system, "messages": messages, "cache_control": _mark()}

    def _breakpoints(self) -> list[tuple[tuple[int, int], Block]]:
        """Return the two that stand in messages; one is in the system text, and the server moves the fourth itself."""
        assert self.caching is not None
        places: list[tuple[tuple[int, int], Block]] = []
        first = self.messages[0]
        prompt = self._prompt_blocks() if first["role"] == "user" else []
        if prompt and self.parts.feature.strip():
            places.append(((0, 0), self.caching.steady))
        far = self.last_end is not None and self.added > MANY_BLOCKS
        if far and self.last_end is not None and self._can_be_marked(self.last_end):
            places.append((self.last_end, _mark()))
        elif len(prompt) > 1 and self.parts.learnings.strip():
            places.append(((0, 1 if self.parts.feature.strip() else 0), _mark()))
        return [(place, mark) for place, mark in places if place != self._last_block()]

    def _can_be_marked(self, place: tuple[int, int]) -> bool:
        message, block = place
        return place != (0, 0) and self.messages[message]["content"][block]["type"] in ("text", "tool_result")

    def _last_block(self) -> tuple[int, int]:
        return len(self.messages) - 1, len(self.messages[-1]["content"]) - 1


def _set_mark(messages: list[Message], place: tuple[int, int], mark: Block) -> None:
    message, block = place
    content = list(messages[message]["content"])
    content[block] = content[block] | {"cache_control": mark}
    messages[message] = messages[message] | {"content": content}


def digest(value: object) -> str:
    """Return twelve hexadecimal digits that change when what is sent changes by a byte."""
    raw = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return hashlib.sha256(raw).hexdigest()[:12]


def words_of(content: Iterable[Mapping[str, Any]]) -> str:
    """Return the text of an answer, without its thinking and its calls."""
    return "\n".join(str(block["text"]) for block in content if block.get("type") == "text").strip()


def calls_of(content: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the tool calls of an answer, in order."""
    return [block for block in content if block.get("type") == "tool_use"]


def list_actions(messages: Iterable[Message]) -> str:
    """Return what was done so far, told without a model: its words and its calls, the newest 40."""
    lines = []
    kept = ""  # what an earlier note or summary said is not lost
    for message in messages:
        for block in message["content"]:
            if block["type"] == "compaction":
                kept = str(block.get("content") or "")
            elif block["type"] == "text" and str(block["text"]).startswith(NOTED):
                kept = str(block["text"]).removeprefix(NOTED).strip()
        if message["role"] == "assistant":
            if words := words_of(message["content"]):
                lines.append(f"- you said: {words[:600]}")
            lines += [
                f"- you called {call['name']}: {json.dumps(call['input'])[:300]}"
                for call in calls_of(message["content"])
            ]
    told = "\n".join(lines[-40:])
    return "\n\n".join(filter(None, (kept, told))) or "- nothing yet"
