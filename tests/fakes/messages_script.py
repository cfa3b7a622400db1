"""What the scripted model is asked, and scripts that choose what it answers. No HTTP in here."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from .messages_faults import (
    bad_gateway,
    billing_error,
    compaction_unavailable,
    conflict,
    credit_too_low,
    cut_short,
    forbidden,
    gateway_timeout,
    http_date,
    no_answer,
    other_service,
    overloaded,
    prompt_too_long,
    ramp_limited,
    rate_limited,
    request_timeout,
    server_error,
    should_retry,
    spend_limit,
    too_large,
    torn,
    unauthorized,
    unavailable,
    unknown_model,
    usage_limit,
    usage_limits_reached,
    web_page,
)
from .messages_replies import Broken, Call, Fault, Foreign, How, Reply, Tokens, Turn

__all__ = [  # all that a test needs, by one name
    "Broken",
    "Call",
    "Fault",
    "Foreign",
    "How",
    "Places",
    "Reply",
    "Request",
    "Script",
    "Tokens",
    "Turn",
    "bad_gateway",
    "billing_error",
    "by_conversation",
    "compaction_unavailable",
    "conflict",
    "credit_too_low",
    "cut_short",
    "forbidden",
    "gateway_timeout",
    "http_date",
    "in_order",
    "no_answer",
    "other_service",
    "overloaded",
    "prompt_too_long",
    "ramp_limited",
    "rate_limited",
    "request_timeout",
    "server_error",
    "should_retry",
    "spend_limit",
    "summarize",
    "too_large",
    "torn",
    "unauthorized",
    "unavailable",
    "unknown_model",
    "usage_limit",
    "usage_limits_reached",
    "web_page",
    "work_on_feature",
]

# --- what the model is asked --------------------------------------------------------------------------------------

EDITOR = "str_replace_based_edit_tool"
CODING_TOOLS = frozenset({"Bash", "Edit", "Write", "bash", EDITOR})
SUMMARY = re.compile(r"Conversation (?P<session>\w+), (?P<steps>\d+) steps so far\.\n\n")
KEPT = 4000  # characters of the prompt that a summary keeps


@dataclass(frozen=True, slots=True)
class Request:
    """One call of `/v1/messages`; `number` counts from 1 among the main ones, and is 0 for a side request."""

    body: Mapping[str, Any]
    headers: Mapping[str, str]  # lower case
    number: int = 0

    @property
    def tools(self) -> frozenset[str]:
        """The names of the tools it offers."""
        return frozenset(str(tool.get("name")) for tool in self.body.get("tools", ()))

    @property
    def main(self) -> bool:
        """True for the work itself; a title, a probe or a quota check offers no tool that could do any."""
        return bool(self.tools & CODING_TOOLS)

    @property
    def prompt(self) -> str:
        """What the client was given on stdin: the first user message without the reminders around it.

        An agent with the service's own tools may have put the prompt's beginning into `system`, after its own words.
        Of a conversation that was compacted it is what the summary kept.
        """
        if summary := self._summary:
            return SUMMARY.sub("", summary, count=1)
        if EDITOR in self.tools:
            return "".join(_texts(self.body.get("system", ()))[1:] + _texts(self.body["messages"][0]["content"]))
        texts = _texts(self.body["messages"][0]["content"])
        return "\n".join(text for text in texts if not text.startswith("<system-reminder>"))

    @property
    def step(self) -> int:
        """How many times the model has spoken in this conversation."""
        noted = SUMMARY.match(self._summary)
        before = int(noted["steps"]) - 1 if noted else 0  # the summary itself stands there as if it were said
        return before + sum(message["role"] == "assistant" for message in self.body["messages"])

    @property
    def results(self) -> tuple[Mapping[str, Any], ...]:
        """The tool results that came back since the model last spoke."""
        said = [n for n, message in enumerate(self.body["messages"]) if message["role"] == "assistant"]
        since = self.body["messages"][said[-1] + 1 :] if said else ()
        return tuple(b for message in since for b in _blocks(message["content"]) if b["type"] == "tool_result")

    @property
    def session(self) -> str:
        """The same for every request of one conversation: the client's session, or else a digest of the prompt."""
        noted = SUMMARY.match(self._summary)
        of_prompt = noted["session"] if noted else hashlib.sha256(self.prompt.encode()).hexdigest()[:16]
        return self.headers.get("x-claude-code-session-id") or of_prompt

    @property
    def compacts(self) -> bool:
        """True when a summary is asked for, not a turn."""
        return bool(self.body.get("compaction"))

    @property
    def _summary(self) -> str:
        first = _blocks(self.body["messages"][0]["content"])
        return (first[0].get("content") or "") if first and first[0]["type"] == "compaction" else ""


def _blocks(content: str | Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _texts(content: str | Sequence[Mapping[str, Any]]) -> list[str]:
    return [block["text"] for block in _blocks(content) if block["type"] == "text"]


Script = Callable[[Request], Reply]


def summarize(request: Request) -> Turn:
    """A summary from which any script here can go on: whose conversation, how far, and the prompt from its files on."""
    prompt = request.prompt
    kept = prompt[max(0, prompt.find("Files")) :][:KEPT]
    return Turn(summary=f"Conversation {request.session}, {request.step} steps so far.\n\n{kept}")


# --- scripts ------------------------------------------------------------------------------------------------------


def in_order(replies: Sequence[Reply], then: Script | None = None) -> Script:
    """The n-th main request gets the n-th reply; what comes after them is `then`'s, and without it a mistake."""

    def answer(request: Request) -> Reply:
        if request.number <= len(replies):
            return replies[request.number - 1]
        assert then, f"the script has {len(replies)} replies and this is request {request.number}"
        return then(request)

    return answer


def by_conversation(scripts: Sequence[Script]) -> Script:
    """The n-th conversation gets the n-th script, however many requests each of them takes."""
    sessions: list[str] = []

    def answer(request: Request) -> Reply:
        if request.session not in sessions:
            sessions.append(request.session)
        number = sessions.index(request.session)
        assert number < len(scripts), f"the script has {len(scripts)} conversations and this is one more"
        return scripts[number](request)

    return answer


def work_on_feature(
    code_files: Mapping[str, str],
    note: str = "- did the work and ran it once",
    done_line: str = "the feature works",
) -> Script:
    """An agent that reads its prompt, writes `code_files` (path in the project -> text), its note and its claim.

    Without a `done_line` it claims nothing. It keeps no state: how far it is can be read off the conversation, and
    with which tools it works off the request.
    """

    def answer(request: Request) -> Reply:
        places, hands = Places.read(request.prompt), OWN_TOOLS if EDITOR in request.tools else CLAUDE_CODE
        files = {f"{places.root}/{path}": text for path, text in code_files.items()}
        turns = [Turn("First the spec and what is there.", tuple(hands.read(path) for path in (places.spec, *files)))]
        if files:
            turns.append(Turn("Now the code.", tuple(hands.write(path, text) for path, text in files.items())))
        if note:
            turns.append(Turn("A note for whoever comes next.", (hands.append(note, places.log),)))
        if done_line:
            turns.append(Turn("It is verified.", (hands.append(done_line, places.done),)))
        turns.append(Turn("The feature is done." if done_line else "More next time."))

        failed = [result["content"] for result in request.results if result.get("is_error")]
        assert not failed or request.step == 1, f"a tool of the agent failed: {failed}"  # 1: files not there yet
        return turns[request.step]

    return answer


@dataclass(frozen=True, slots=True)
class Hands:
    """What an agent's tools are called, and how they are told."""

    read: Callable[[str], Call]
    write: Callable[[str, str], Call]
    run: Callable[[str], Call]

    def append(self, text: str, path: str) -> Call:
        """Add a line to a file, with the shell."""
        return self.run(f"printf '%s\\n' {shlex.quote(text)} >> {shlex.quote(path)}")


CLAUDE_CODE = Hands(
    read=lambda path: Call("Read", {"file_path": path}),
    write=lambda path, text: Call("Write", {"file_path": path, "content": text}),
    run=lambda command: Call("Bash", {"command": command, "description": "Append to a file"}),
)
OWN_TOOLS = Hands(
    read=lambda path: Call(EDITOR, {"command": "view", "path": path}),
    write=lambda path, text: Call(EDITOR, {"command": "create", "path": path, "file_text": text}),
    run=lambda command: Call("bash", {"command": command}),
)


@dataclass(frozen=True, slots=True)
class Places:
    """Where a feature's files are, as its prompt says."""

    root: str
    spec: str
    log: str
    done: str

    @classmethod
    def read(cls, prompt: str) -> Places:
        """Find them as any agent would: the first path that ends in `.done` is the marker and names the feature."""
        done = _first_path(r"\.done", prompt)
        slug = PurePosixPath(done).stem
        spec = _first_path(rf"/specs/{re.escape(slug)}/spec\.md", prompt)
        return cls(str(PurePosixPath(spec).parents[2]), spec, _first_path(rf"/{re.escape(slug)}\.log", prompt), done)


def _first_path(ending: str, text: str) -> str:
    found = re.search(rf"(?<![\w.~/-])/[^\s`'\"<>|]*?{ending}(?![\w.-]*\w)", text)
    assert found, f"no absolute path that ends in {ending} in the prompt:\n{text}"
    return found[0]
