"""One attempt of the API agent: ask, run the tools, ask again, until the model has nothing more to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from harness.agents.api.answer import Answer
from harness.agents.api.client import COMPACTION, Client
from harness.agents.api.conversation import Conversation, calls_of, recount, words_of
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
from harness.agents.api.tools import Toolbox
from harness.text import one_line

MOST_TOKENS = 128_000  # of one answer; no model gives more
MOST_NUDGES = 3  # empty answers, pauses and cut-off answers in a row that are answered before it is given up
OVERLOADS = 3  # failures in a row for want of room, before the next model is tried
TORN_ANSWERS = 3  # answers that cannot be read, before it is given up: each is paid for
HEARTBEAT = 15.0  # seconds between the lines that say it is alive, while it waits for the server
LEAST_TO_SUMMARIZE = 3  # messages; a conversation as short as this is not worth summarizing
SUMMARIZE = """\
[harness] This conversation has grown too long and begins anew after your answer. Call no tool now. Write the note \
that you will need to go on: what the task is, what is done and verified, what you found out, which files matter, what \
is left, what did not work.
"""


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
    typed_tools: bool = True


@dataclass(slots=True)
class Attempt:
    """One attempt in progress. `random` gives numbers in [0, 1), `clock` seconds that only grow."""

    conversation: Conversation
    client: Client
    toolbox: Toolbox
    meter: Meter
    report: Report
    options: Options
    random: Callable[[], float]
    clock: Callable[[], float] = time.monotonic
    model: int = 0  # which of the models speaks
    turns: int = 0
    waited: float = 0.0  # seconds that outages have cost
    nudges: int = 0  # in a row
    max_tokens: int = 0
    most_tokens: int = MOST_TOKENS  # of one answer; less where the model said so
    compact_at: int = 0
    summarized: int = -2  # the turn after which that was done last
    trouble: Failure | None = None  # what it is waiting out just now
    server_compacts: bool = True

    def __post_init__(self) -> None:
        """Begin with what the options say."""
        self.max_tokens, self.compact_at = self.options.max_tokens, self.options.compact_at
        self.server_compacts = self.options.compaction

    # --- the loop ---

    async def work(self) -> tuple[str, str | None]:
        """Work to the model's own end; return its last words and stop reason. Raises Ending."""
        while True:
            answer = await self.ask()
            self.turns += 1
            match answer.stop_reason:
                case "tool_use" if calls_of(answer.content):
                    self.nudges = 0
                    self.conversation.answer(answer.content)
                    await self.run_tools(answer)
                case "max_tokens":
                    self.go_on_after_cut(answer)
                case "pause_turn" if not calls_of(answer.content):
                    self.nudge(answer, "the model paused", "")
                case "model_context_window_exceeded":
                    self.count_nudge("the model's window was full", "prompt_too_long")
                    self.keep_words(answer)
                    await self.summarize()
                case "refusal":
                    raise Ending(_say_refusal(answer), "refusal", stop="refusal")
                case reason if calls_of(answer.content):
                    self.refuse_calls(answer, reason)
                case reason if words_of(answer.content):
                    return words_of(answer.content), reason
                case _:
                    self.nudge(answer, "the model said nothing", "Please continue.")
            if self.is_long(answer):
                await self.summarize()

    async def run_tools(self, answer: Answer) -> None:
        """Run every call of an answer, in order, and give all results back together."""
        results = []
        for call in calls_of(answer.content):
            result = await self.toolbox.run(str(call["name"]), call["input"])
            block = {"type": "tool_result", "tool_use_id": call["id"], "content": result.text}
            results.append(block | ({"is_error": True} if result.is_error else {}))
        if warning := self.meter.warning():
            results[-1]["content"] += f"\n\n{warning}"
            self.report.notice("the budget of the attempt was nearly used up: the model was told to write its note")
        self.report.results(results)
        self.conversation.reply(results)

    # --- endings that are none ---

    def count_nudge(self, what: str, reason: str = "model_error") -> None:
        """Count an ending that is none. Raises Ending when there were too many in a row."""
        self.nudges += 1
        if self.nudges > MOST_NUDGES:
            raise Ending(f"{what}, {self.nudges} times in a row", reason)

    def nudge(self, answer: Answer, what: str, words: str) -> None:
        """Go on after an answer that ended too early; not for ever."""
        self.count_nudge(what)
        if answer.content:
            self.conversation.answer(answer.content)
        if words:
            self._say(words)

    def _say(self, words: str) -> None:
        block = {"type": "text", "text": words}
        if self.conversation.messages[-1]["role"] == "user":
            self.conversation.extend(block)
        else:
            self.conversation.reply([block])

    def refuse_calls(self, answer: Answer, reason: str | None) -> None:
        """Answer calls that came with another stop reason than `tool_use`: they are never run."""
        self.count_nudge(f"tool calls came with stop reason `{reason}`")
        said = f"not run: the answer ended with `{reason}`; make the call again"
        blocks = [
            {"type": "tool_result", "tool_use_id": call["id"], "content": said, "is_error": True}
            for call in calls_of(answer.content)
        ]
        self.conversation.answer(answer.content)
        self.report.results(blocks)
        self.conversation.reply(blocks)

    def go_on_after_cut(self, answer: Answer) -> None:
        """After `max_tokens`: the same again with more room, then in smaller pieces. What was cut off is never run."""
        self.count_nudge(f"its answers were cut off at {self.max_tokens} tokens", "max_tokens")
        of_no_use = calls_of(answer.content) or not words_of(answer.content)
        if of_no_use and self.max_tokens * 2 <= self.most_tokens:
            self.max_tokens *= 2
            return
        self.keep_words(answer)
        self._say("[harness] Your answer was cut off: it was too long. Go on, in smaller pieces.")

    def keep_words(self, answer: Answer) -> None:
        """Keep the words of a cut-off answer: its thinking and its calls cannot be taken up again."""
        words = words_of(answer.content) or "(cut off)"
        self.conversation.answer([{"type": "text", "text": words}])

    # --- keeping it short ---

    def is_long(self, answer: Answer) -> bool:
        """Whether the conversation is longer than wanted; one that was summarized just now gets more room instead."""
        used = answer.usage.prompt_tokens + answer.usage.output_tokens
        if not self.compact_at or used <= self.compact_at:
            return False
        if self.turns - self.summarized <= 1:
            self.compact_at = 2 * used
            return False
        return len(self.conversation.messages) > LEAST_TO_SUMMARIZE

    async def summarize(self) -> None:
        """Put a summary in the place of the conversation: the server's where it makes one, else a note of the model."""
        self.report.status("compacting")
        self.summarized = self.turns
        if self.conversation.messages[-1]["role"] == "assistant":
            self._say("Go on.")
        if self.server_compacts:
            try:
                answer = await self.ask(compaction={"type": "summarize"})
            except Ending as ending:
                failure = ending.failure
                no_use = failure is not None and failure.kind in (Kind.REQUEST, Kind.REFUSED, Kind.TOO_LONG)
                if not no_use and (failure is None or failure.code != "compaction_unavailable"):
                    raise
                self.report.notice(f"the server does not summarize: {one_line(ending.text)}")
            else:
                if any(block.get("type") == "compaction" and block.get("content") for block in answer.content):
                    self.conversation.compacted(answer.content)
                    return
            self.server_compacts = False
        await self.begin_anew()

    async def begin_anew(self) -> None:
        """Let the model write a note for itself and begin anew with it; without an answer, with a list of its calls."""
        note = recount(self.conversation.messages)
        self.conversation.extend({"type": "text", "text": SUMMARIZE})
        talk = self.conversation.messages
        try:
            answer = await self.ask()
            if self.conversation.messages is talk:  # else it was begun anew meanwhile, and nobody was asked for a note
                note = words_of(answer.content) or note
        except Ending as ending:
            if ending.failure is None or ending.failure.kind not in (Kind.TOO_LONG, Kind.REQUEST, Kind.REFUSED):
                raise
        self.conversation.restart(note)

    # --- asking ---

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
                self.trouble = None
                return answer
            tries, outage = tries + 1, self.clock() - began
            torn += failure.code == TORN
            if torn >= TORN_ANSWERS:
                raise Ending(f"{failure.text}, {torn} times", "model_error")
            if failure.kind is Kind.STRANGE and self.turns:
                failure = replace(failure, kind=Kind.NETWORK)  # it did speak the Messages API: something is in between
            if failure.code == "compaction_unavailable" and tries >= OVERLOADS:
                raise self._give_up(failure, tries)  # a note will do
            overloads = overloads + 1 if failure.for_want_of_room and "compaction" not in more else 0
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
            await self._alive(asyncio.sleep(wait))

    async def _call(self, more: dict[str, Any]) -> Answer:
        model = self.options.models[self.model]
        try:
            answer: Answer = await self._alive(self.client.call(self.request(more), betas=self._betas(more)))
        except (CallFailed, asyncio.CancelledError):
            partial = replace(self.client.partial, content=[])
            if partial.usage.prompt_tokens:
                self._count(partial, model)
            raise
        self._count(answer, model)
        return answer

    def _count(self, answer: Answer, model: str) -> None:
        """Count what was used, and print it: whoever reads the stream after a kill can add it up."""
        self.meter.add(answer.model or model, answer.usage, asked=model)
        self.report.said(answer.as_message())

    async def _alive(self, waited_for: Awaitable[Any]) -> Any:  # noqa: ANN401
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
        body["tools"] = self.toolbox.declarations(typed=self.options.typed_tools)
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
            f"{self.options.models[self.model - 1]} had no room: {self.options.models[self.model]} went on"
        )
        if len(self.conversation.messages) > 1:
            self.conversation.restart(recount(self.conversation.messages))
        return True

    async def _make_room(self, tries: int) -> bool:
        """Shorten a conversation that the model cannot take any more; False when that was of no use."""
        if tries > 1 or len(self.conversation.messages) <= 1:
            return False
        self.conversation.restart(recount(self.conversation.messages))
        return True

    def _give_up(self, failure: Failure, tries: int) -> Ending:
        """Return the end of an attempt whose call failed for good."""
        asked = failure.retry_after or 0.0
        if failure.kind is Kind.RATE and asked > LONGEST_WAIT:  # a closed window, not a crowded minute
            self.report.limited("api", time.time() + asked)
        if failure.code == "enforced_spend_limit_reached":
            self.report.limited("spend", find_next_month(time.time()))
        if failure.kind is Kind.REQUEST and not self.turns:
            failure = replace(failure, kind=Kind.REFUSED)
        reason = "prompt_too_long" if failure.kind is Kind.TOO_LONG else "api_error"
        said = f" ({tries} tries)" if tries > 1 else ""
        return Ending(f"{failure.text}{said}", reason, failure)


def _say_refusal(answer: Answer) -> str:
    category = (answer.stop_details or {}).get("category")
    return "the model refused to answer" + (f" ({category})" if category else "")
