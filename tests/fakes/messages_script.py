"""What the scripted model says: turns and faults, and scripts that choose among them. No HTTP in here."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePosixPath
from typing import Any

# --- what the model is asked --------------------------------------------------------------------------------------

CODING_TOOLS = frozenset({"Bash", "Edit", "Write", "bash", "str_replace_based_edit_tool"})


@dataclass(frozen=True, slots=True)
class Request:
    """One call of `/v1/messages`; `number` counts from 1 among the main ones, and is 0 for a side request."""

    body: Mapping[str, Any]
    headers: Mapping[str, str]  # lower case
    number: int = 0

    @property
    def main(self) -> bool:
        """True for the work itself; a title, a probe or a quota check offers no tool that could do any."""
        return any(tool.get("name") in CODING_TOOLS for tool in self.body.get("tools", ()))

    @property
    def prompt(self) -> str:
        """What the client was given on stdin: the first user message without the reminders around it."""
        texts = [block["text"] for block in _blocks(self.body["messages"][0]) if block["type"] == "text"]
        return "\n".join(text for text in texts if not text.startswith("<system-reminder>"))

    @property
    def step(self) -> int:
        """How many times the model has spoken in this conversation."""
        return sum(message["role"] == "assistant" for message in self.body["messages"])

    @property
    def results(self) -> tuple[Mapping[str, Any], ...]:
        """The tool results that came back since the model last spoke."""
        said = [n for n, message in enumerate(self.body["messages"]) if message["role"] == "assistant"]
        since = self.body["messages"][said[-1] + 1 :] if said else ()
        return tuple(b for message in since for b in _blocks(message) if b["type"] == "tool_result")

    @property
    def session(self) -> str:
        """The same for every request of one conversation: the client's session, or else the prompt itself."""
        return self.headers.get("x-claude-code-session-id") or self.prompt


def _blocks(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


# --- what it answers ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a turn says it used."""

    input: int = 1000
    output: int = 50
    cache_read: int = 300
    cache_write: int = 200


@dataclass(frozen=True, slots=True)
class Call:
    """One use of a tool."""

    tool: str
    input: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """One whole answer: words, then tool calls."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    tokens: Tokens = Tokens()
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fault:
    """An HTTP error instead of an answer."""

    status: int
    kind: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)


class How(Enum):
    """The ways an answer breaks off."""

    RESET = "the connection is reset"
    CLOSED = "the connection is closed, the body not finished"
    ENDED = "the body is finished, the message is not"
    ERROR = "an `error` event says: overloaded"
    STALLED = "nothing more comes, and the connection stays open"


@dataclass(frozen=True, slots=True)
class Broken:
    """An answer that breaks off `after` so many events of its stream; None: before the status line."""

    how: How
    after: int | None = 4
    turn: Turn = Turn("Let me have a look at that before I")


Reply = Turn | Fault | Broken
Script = Callable[[Request], Reply]

# --- faults by name (facts/agent-clis.md §1.4 and §1.5, facts/anthropic-sdk.md §3.2) ------------------------------


def rate_limited(retry_after: int | None = None) -> Fault:
    """Too many requests a minute: passes by itself."""
    after = {} if retry_after is None else {"retry-after": str(retry_after)}
    return Fault(429, "rate_limit_error", "This request would exceed your organization's rate limit.", after)


def overloaded() -> Fault:
    """The service has no room."""
    return Fault(529, "overloaded_error", "Overloaded")


def server_error() -> Fault:
    """The service is broken."""
    return Fault(500, "api_error", "Internal server error")


def unauthorized() -> Fault:
    """The key is not known."""
    return Fault(401, "authentication_error", "invalid x-api-key")


def credit_too_low() -> Fault:
    """The account is empty."""
    text = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to add credits."
    return Fault(400, "invalid_request_error", text)


def billing_error() -> Fault:
    """The account cannot pay."""
    return Fault(402, "billing_error", "There is an issue with your organization's billing.")


def prompt_too_long() -> Fault:
    """The conversation no longer fits the model."""
    return Fault(400, "invalid_request_error", "prompt is too long: 1200000 tokens > 1000000 maximum")


def usage_limit(resets_at: int, window: str = "five_hour") -> Fault:
    """A subscription's window is used up until `resets_at` (epoch seconds)."""
    short = {"five_hour": "5h", "seven_day": "7d"}[window]
    unified = {
        "status": "rejected",
        "reset": str(resets_at),
        "representative-claim": window,
        f"{short}-status": "rejected",
        f"{short}-utilization": "1.0",
        f"{short}-reset": str(resets_at),
        "overage-status": "rejected",
        "overage-disabled-reason": "org_level_disabled",
    }
    headers = {f"anthropic-ratelimit-unified-{name}": value for name, value in unified.items()}
    return Fault(429, "rate_limit_error", "This request would exceed your account's rate limit.", headers)


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

    Without a `done_line` it claims nothing. It keeps no state: how far it is can be read off the conversation.
    """

    def answer(request: Request) -> Reply:
        places = Places.read(request.prompt)
        files = {f"{places.root}/{path}": text for path, text in code_files.items()}
        turns = [Turn("First the spec and what is there.", tuple(_read(path) for path in (places.spec, *files)))]
        if files:
            turns.append(Turn("Now the code.", tuple(_write(path, text) for path, text in files.items())))
        if note:
            turns.append(Turn("A note for whoever comes next.", (_append(note, places.log),)))
        if done_line:
            turns.append(Turn("It is verified.", (_append(done_line, places.done),)))
        turns.append(Turn("The feature is done." if done_line else "More next time."))

        failed = [result["content"] for result in request.results if result.get("is_error")]
        assert not failed or request.step == 1, f"a tool of the agent failed: {failed}"  # 1: files not there yet
        return turns[request.step]

    return answer


@dataclass(frozen=True, slots=True)
class Places:
    """Where a feature's files are, as its prompt says (DESIGN §3)."""

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


def _read(path: str) -> Call:
    return Call("Read", {"file_path": path})


def _write(path: str, text: str) -> Call:
    return Call("Write", {"file_path": path, "content": text})


def _append(text: str, path: str) -> Call:
    command = f"printf '%s\\n' {shlex.quote(text)} >> {shlex.quote(path)}"
    return Call("Bash", {"command": command, "description": "Append to a file"})
