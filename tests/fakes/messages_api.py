"""A Messages API on loopback whose model follows a script: as strict as the service, and able to misbehave like it.

    with MessagesApi(work_on_feature({"hello.txt": "hello\\n"})) as api:
        run_claude(ANTHROPIC_BASE_URL=api.url)
    assert "BLOCKED" not in api.requests[0].prompt

What the model says is in `messages_script`, what the service refuses in `messages_rules`, what its cache charges in
`messages_cache`, how all of it looks on the wire in `messages_wire`, the traffic in `messages_http`. Here they meet.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from helpers.waiting import PATIENCE

from . import messages_models as models
from . import messages_wire as wire
from .messages_blocks import Block, Reader, count_tokens, read_blocks
from .messages_cache import CacheAccount, Charge
from .messages_http import Server
from .messages_rules import find_mistake
from .messages_script import (
    Broken,
    Fault,
    Reply,
    Request,
    Script,
    Turn,
    in_order,
    prompt_too_long,
    summarize,
    unknown_model,
)
from .messages_signatures import Signatures

SIDE_ANSWER = Turn(json.dumps({"title": "Scripted work"}))
WARMED = Turn(stop_reason="max_tokens")  # of a request that wants no output, only the cache filled
SHOWN = ("summarized", "updates")  # the displays at which thinking can be read


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets: the reply, and of a turn the whole message and what it is charged."""

    identity: str
    reply: Reply
    whole: wire.Event | None = None
    charge: Charge | None = None


ENDLESS = 700  # requests: what takes more is a loop


class MessagesApi:
    """The server, from `with` to its end.

    A script that breaks, or runs out of replies, fails the test at the end; so does a request that was refused, unless
    the test `may_reject`.
    """

    def __init__(
        self,
        script: Script | Sequence[Reply],
        *,
        cache: CacheAccount | None = None,
        compaction: Script = summarize,
        window: int = models.WINDOW,
        may_reject: bool = False,
    ) -> None:
        """`script` gives one reply for each main request: a callable, or the replies in their order.

        With `cache` a turn's own input tokens do not count: the account says what was used. `compaction` answers the
        requests for a summary. `window` in tokens is that of every model.
        """
        self.requests: list[Request] = []  # the work
        self.side_requests: list[Request] = []  # titles, probes, quota checks: answered, not scripted
        self.compactions: list[Request] = []  # requests for a summary
        self.other_requests: list[str] = []  # `METHOD /path` of everything else
        self.rejections: list[str] = []  # what was wrong with a request, in the service's words
        self.problems: list[str] = []
        self.unknown_models: set[str] = set()
        self.count_fault: Fault | None = None  # what every wish to count tokens gets
        self.closing = threading.Event()
        self.cache = cache
        self.window = window
        self._script = script if callable(script) else in_order(script)
        self._compaction = compaction
        self._may_reject = may_reject
        self._signatures = Signatures()
        self._reader = Reader()
        self._answers = 0
        self._heads: list[str | None] = []
        self._arrived = threading.Condition()
        self._server = Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="messages-api")

    @property
    def url(self) -> str:
        """What ANTHROPIC_BASE_URL is set to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def wait_for_request(self, number: int = 1, timeout: float = PATIENCE) -> Request:
        """The `number`-th main request, as soon as it is there; fails after `timeout` seconds."""
        with self._arrived:
            arrived = self._arrived.wait_for(lambda: len(self.requests) >= number, timeout)
        seen = (self.other_requests, self.rejections, self.problems)
        assert arrived, f"request {number} did not come in {timeout} s; seen: {seen}"
        return self.requests[number - 1]

    def answer(self, body: dict[str, Any], headers: dict[str, str]) -> Answer:
        """Keep the request and look up what is said to it; one at a time, so that numbers mean something."""
        with self._arrived:
            self._answers += 1
            identity = f"{self._answers:04}"
            if fault := self._refuse(self._find_mistake(body, headers)):
                return Answer(identity, fault)
            blocks = self._reader.read(body)
            reply = self._beyond(body["model"], blocks) or self._reply(Request(body, headers))
            if isinstance(reply, Turn):
                return self._speak(identity, reply, reply, body, blocks)
            if isinstance(reply, Broken) and reply.after is not None:
                return self._speak(identity, reply, reply.turn, body, blocks)
            return Answer(identity, reply)

    def begin(self, answer: Answer) -> None:
        """The first byte of an answer goes out: from now on others can read what it put into the cache."""
        if self.cache and answer.charge:
            self.cache.begin(answer.charge)

    def count(self, body: dict[str, Any], headers: dict[str, str]) -> int | Fault:
        """How many tokens a request would be."""
        if self.count_fault:
            return self.count_fault
        with self._arrived:
            fault = self._refuse(find_mistake(body, headers, signatures=self._signatures, counting=True))
        if not fault and body["model"] in self.unknown_models:
            fault = unknown_model(body["model"])
        return fault or count_tokens(read_blocks(body))

    def model(self, name: str) -> dict[str, Any] | Fault:
        """What is known about a model."""
        return unknown_model(name) if name in self.unknown_models else models.info(name, self.window)

    def _find_mistake(self, body: dict[str, Any], headers: dict[str, str]) -> Fault | None:
        heads = [headers.get(name) for name in ("anthropic-version", "anthropic-beta")]
        known = self._reader.count_known(body) if heads == self._heads else 0
        mistake = find_mistake(body, headers, signatures=self._signatures, read=self._reader.read, known=known)
        self._heads = [] if mistake else heads
        return mistake

    def _refuse(self, mistake: Fault | None) -> Fault | None:
        if mistake:
            self.rejections.append(mistake.message)
        return mistake

    def _beyond(self, model: str, blocks: Sequence[Block]) -> Fault | None:
        """What is right in form and cannot be done."""
        if model in self.unknown_models:
            return unknown_model(model)
        tokens = count_tokens(blocks)
        return prompt_too_long(tokens, self.window) if tokens > self.window else None

    def _reply(self, request: Request) -> Reply:
        if request.compacts:
            self.compactions.append(request)
            return self._ask(self._compaction, request)
        if not request.main or request.body["max_tokens"] == 0:
            self.side_requests.append(request)
            return SIDE_ANSWER if request.body["max_tokens"] else WARMED
        request = Request(request.body, request.headers, number=len(self.requests) + 1)
        self.requests.append(request)
        self._arrived.notify_all()
        return self._ask(self._script, request)

    def _ask(self, script: Script, request: Request) -> Reply:
        try:
            assert request.number <= ENDLESS, "the conversation never ends"
            return script(request)
        except Exception as mistake:
            self.problems.append(f"request {request.number}: {mistake!r}")
            return Fault(400, "invalid_request_error", f"the script failed: {mistake}", {"x-should-retry": "false"})

    def _speak(self, identity: str, reply: Reply, turn: Turn, body: dict[str, Any], blocks: Sequence[Block]) -> Answer:
        """Sign what is to be signed, and reckon what it costs."""
        thinking = summary = charge = None
        if turn.thinking is not None:
            text = turn.thinking if (body.get("thinking") or {}).get("display") in SHOWN else ""
            signature = self._signatures.sign_thinking(body["model"], blocks, text)
            thinking = {"type": "thinking", "thinking": text, "signature": signature}
        if turn.summary is not None:
            signature, encrypted = self._signatures.sign_summary(blocks, turn.summary)
            summary = {"type": "compaction", "content": turn.summary, "signature": signature}
            summary["encrypted_content"] = encrypted
        content = wire.content(turn, identity, thinking, summary)
        if turn.ending == "pause_turn":
            self._signatures.pause(content)
        usage = wire.usage_of(turn.tokens)
        if self.cache:
            charge = self.cache.open(body, blocks)
            charge.output = wire.output_tokens(turn)
            usage = charge.usage()
        return Answer(identity, reply, wire.message(turn, body["model"], identity, content, usage), charge)

    def __enter__(self) -> MessagesApi:
        """Begin to answer."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close every connection and wait for every thread; then say what went wrong, unless the test already did."""
        self.closing.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()
        refused = [] if self._may_reject else [f"refused: {mistake}" for mistake in self.rejections]
        assert error or not (self.problems or refused), "\n".join([*self.problems, *refused])
