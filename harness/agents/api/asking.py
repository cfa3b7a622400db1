"""Asking the model for one answer: outages waited out, other models tried, every call metered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from harness.agents.api.answer import Answer
from harness.agents.api.client import COMPACTION, Client
from harness.agents.api.conversation import Conversation, list_actions
from harness.agents.api.failure import (
    LONGEST_WAIT,
    TORN,
    CallFailed,
    Ending,
    Failure,
    Kind,
    find_next_month,
    find_wait,
)
from harness.agents.api.meter import Meter
from harness.agents.api.report import Report

MOST_TOKENS = 128_000  # of one answer; no model gives more
OVERLOADS = 3  # failures in a row for want of room, before the next model is tried
TORN_ANSWERS = 3  # answers that cannot be read, before it is given up: each is paid for
HEARTBEAT = 15.0  # seconds between the lines that say it is alive, while it waits for the server


@dataclass(frozen=True, slots=True)
class Options:
    """How an attempt is done. `effort` and `thinking` empty for the model's own; `compact_at` tokens, 0 for never."""

    models: tuple[str, ...]
    max_tokens: int = 32_000
    effort: str = ""
    thinking: str = ""
    compact_at: int = 150_000
    patience: float = 900.0  # seconds of outage in all
    compaction: bool = True  # the server can summarize by itself


@dataclass(slots=True)
class ModelCalls:
    """What is asked, of whom, and what that has cost in time. `random` is in [0, 1), `clock` in seconds only grows."""

    conversation: Conversation
    client: Client
    tools: list[dict[str, Any]]
    meter: Meter
    report: Report
    options: Options
    random: Callable[[], float]
    clock: Callable[[], float] = time.monotonic
    model: int = 0  # which of the models speaks
    answers: int = 0
    waited: float = 0.0  # seconds that outages have cost
    max_tokens: int = 0
    most_tokens: int = MOST_TOKENS  # of one answer; less where the model said so
    trouble: Failure | None = None  # what it is waiting out just now

    def __post_init__(self) -> None:
        """Begin with what the options say."""
        self.max_tokens = self.options.max_tokens

    @property
    def model_name(self) -> str:
        """The model that is asked now."""
        return self.options.models[self.model]

    def more_room(self) -> bool:
        """Ask for longer answers from now on; False where there are none."""
        if self.max_tokens * 2 > self.most_tokens:
            return False
        self.max_tokens *= 2
        return True

    async def ask(self, **more: Any) -> Answer:  # noqa: ANN401
        """Return the model's next answer, however often it takes; waits out what passes. Raises Ending."""
        tries = overloads = torn = 0
        began, outage = self.clock(), 0.0
        while True:
            if why := self.meter.exhausted():
                raise Ending(why, "budget_exhausted")
            try:
                answer = await self._call(more)
            except CallFailed as failed:
                failure = failed.failure
            else:
                self.waited += outage
                self.trouble, self.answers = None, self.answers + 1
                return answer
            tries, outage = tries + 1, self.clock() - began
            torn += failure.code == TORN
            if torn >= TORN_ANSWERS:
                raise Ending(f"{failure.text}, {torn} times", "model_error")
            if failure.kind is Kind.STRANGE and self.answers:
                failure = replace(failure, kind=Kind.NETWORK)  # it did speak the Messages API: something is in between
            if failure.code == "compaction_unavailable" and tries >= OVERLOADS:
                raise self._give_up(failure, tries)  # a note will do
            overloads = overloads + 1 if failure.is_overload and "compaction" not in more else 0
            if failure.kind is Kind.REQUEST and self._ask_for_less(failure):
                continue
            if overloads >= OVERLOADS and self._fall_back():
                tries, overloads = 0, 0
                continue
            if failure.kind is Kind.TOO_LONG and not more and await self._make_room(tries):
                continue
            wait = find_wait(failure, tries, self.waited + outage, self.options.patience, self.random())
            if wait is None:
                raise self._give_up(failure, tries)
            self.report.retrying(failure, tries, wait)
            self.trouble = failure
            await self._with_heartbeat(asyncio.sleep(wait))

    async def _call(self, more: dict[str, Any]) -> Answer:
        model = self.options.models[self.model]
        try:
            answer: Answer = await self._with_heartbeat(self.client.call(self.request(more), betas=self._betas(more)))
        except (CallFailed, asyncio.CancelledError):
            partial = replace(self.client.partial, content=[])
            if partial.usage.prompt_tokens or partial.doubt:
                self._count(partial, model)
            raise
        self._count(answer, model)
        return answer

    def _count(self, answer: Answer, model: str) -> None:
        """Count what was used, and print it: whoever reads the stream after a kill can add it up."""
        self.meter.add(answer.model or model, answer.usage, asked=model, counted=not answer.doubt)
        if answer.doubt and self.meter.uncounted:
            self.report.doubted(answer.doubt)
        self.report.said(answer.as_message())

    async def _with_heartbeat(self, waited_for: Awaitable[Any]) -> Any:  # noqa: ANN401
        """Wait, and say now and then that we live: whoever waits for a line must not take us for dead."""
        task = asyncio.ensure_future(waited_for)
        try:
            while not (await asyncio.wait({task}, timeout=HEARTBEAT))[0]:
                self.report.status("waiting")
            return task.result()
        finally:
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError, CallFailed):
                    await task

    def request(self, more: dict[str, Any]) -> dict[str, Any]:
        """Return the body of the next call."""
        body: dict[str, Any] = {"model": self.options.models[self.model], "max_tokens": self.max_tokens}
        body["tools"] = self.tools
        if self.options.thinking:
            body["thinking"] = {"type": self.options.thinking}
            if self.options.thinking == "adaptive":
                body["thinking"]["display"] = "summarized"
        if self.options.effort:
            body["output_config"] = {"effort": self.options.effort}
        return {**body, **self.conversation.request(), **more}

    def _betas(self, more: dict[str, Any]) -> tuple[str, ...]:
        return (COMPACTION,) if more.get("compaction") or self.conversation.is_compacted else ()

    def _ask_for_less(self, failure: Failure) -> bool:
        """After more room was asked for than the model has: go back to what it took. False when it was not that."""
        if "max_tokens" not in failure.text or self.max_tokens <= self.options.max_tokens:
            return False
        self.max_tokens = self.most_tokens = self.max_tokens // 2
        return True

    def _fall_back(self) -> bool:
        """Take the next model, with the task anew: one model's thinking is not another's. False when there is none."""
        if self.model + 1 >= len(self.options.models):
            return False
        self.model += 1
        self.report.fell_back(self.options.models[self.model])
        self.report.notice(
            f"{self.options.models[self.model - 1]} was overloaded: {self.options.models[self.model]} took over"
        )
        if len(self.conversation.messages) > 1:
            self.conversation.restart(list_actions(self.conversation.messages))
        return True

    async def _make_room(self, tries: int) -> bool:
        """Shorten a conversation that the model cannot take any more; False when that was of no use."""
        if tries > 1 or len(self.conversation.messages) <= 1:
            return False
        self.conversation.restart(list_actions(self.conversation.messages))
        return True

    def _give_up(self, failure: Failure, tries: int) -> Ending:
        """Return the end of an attempt whose call failed for good."""
        asked = failure.retry_after or 0.0
        if failure.kind is Kind.RATE and asked > LONGEST_WAIT:  # a closed window, not a crowded minute
            self.report.limited("api", time.time() + asked)
        if failure.code == "enforced_spend_limit_reached":
            self.report.limited("spend", find_next_month(time.time()))
        if failure.kind is Kind.REQUEST and not self.answers:
            failure = replace(failure, kind=Kind.REFUSED)
        reason = "prompt_too_long" if failure.kind is Kind.TOO_LONG else "api_error"
        said = f" ({tries} tries)" if tries > 1 else ""
        return Ending(f"{failure.text}{said}", reason, failure)
