"""One attempt of the API agent: ask, run the tools, ask again, until the model has nothing more to do."""

from __future__ import annotations

from dataclasses import dataclass

from harness.agents.api.answer import Answer
from harness.agents.api.asking import ModelCalls
from harness.agents.api.conversation import Conversation, calls_of, list_actions, words_of
from harness.agents.api.failure import Ending, Kind
from harness.agents.api.preflight import BYTES
from harness.agents.api.report import Report
from harness.agents.api.tools import Toolbox
from harness.domain.text import one_line

MOST_NUDGES = 3  # empty answers, pauses and cut-off answers in a row that are answered before it is given up
LONGEST = 8 << 20  # bytes of a request: no model reads as much, whatever a server counts
LEAST_TO_SUMMARIZE = 3  # messages; a conversation as short as this is not worth summarizing
SUMMARIZE = """\
[harness] This conversation has grown too long and begins anew after your answer. Call no tool now. Write the note \
that you will need to go on: what the task is, what is done and verified, what you found out, which files matter, what \
is left, what did not work.
"""


@dataclass(slots=True)
class Attempt:
    """One attempt in progress."""

    asking: ModelCalls
    toolbox: Toolbox
    turns: int = 0
    nudges: int = 0  # in a row
    compact_at: int = 0
    summarized: int = -2  # the turn after which that was done last
    server_compacts: bool = True

    def __post_init__(self) -> None:
        """Begin with what the options say."""
        self.compact_at, self.server_compacts = self.asking.options.compact_at, self.asking.options.compaction

    @property
    def conversation(self) -> Conversation:
        """What was said so far."""
        return self.asking.conversation

    @property
    def report(self) -> Report:
        """Where it is told."""
        return self.asking.report

    # --- the loop ---

    async def work(self) -> tuple[str, str | None]:
        """Work to the model's own end; return its last words and stop reason. Raises Ending."""
        while True:
            answer = await self.asking.ask()
            self.turns += 1
            match answer.stop_reason:
                case "tool_use" if calls_of(answer.content):
                    self.nudges = 0
                    self.conversation.answer(answer.content)
                    await self.run_tools(answer)
                case "max_tokens":
                    self.go_on_after_cut(answer)
                case "pause_turn" if not calls_of(answer.content):
                    self.ask_to_continue(answer, "the model paused", "")
                case "model_context_window_exceeded":
                    self.count_continuation("the model's window was full", "prompt_too_long")
                    self.keep_words(answer)
                    await self.summarize()
                case "refusal":
                    raise Ending(_say_refusal(answer), "refusal", stop="refusal")
                case reason if calls_of(answer.content):
                    self.refuse_calls(answer, reason)
                case reason if words_of(answer.content):
                    return words_of(answer.content), reason
                case _:
                    self.ask_to_continue(answer, "the model said nothing", "Please continue.")
            if self.is_long(answer):
                await self.summarize()

    async def run_tools(self, answer: Answer) -> None:
        """Run every call of an answer, in order, and give all results back together."""
        results = []
        for call in calls_of(answer.content):
            result = await self.toolbox.run(str(call["name"]), call["input"])
            block = {"type": "tool_result", "tool_use_id": call["id"], "content": result.text}
            results.append(block | ({"is_error": True} if result.is_error else {}))
        if warning := self.asking.meter.warning():
            results[-1]["content"] += f"\n\n{warning}"
            self.report.notice("the budget of the attempt was nearly used up: the model was told to write its note")
        self.report.results(results)
        self.conversation.reply(results)

    # --- endings that are none ---

    def count_continuation(self, what: str, reason: str = "model_error") -> None:
        """Count an ending that is none. Raises Ending when there were too many in a row."""
        self.nudges += 1
        if self.nudges > MOST_NUDGES:
            raise Ending(f"{what}, {self.nudges} times in a row", reason)

    def ask_to_continue(self, answer: Answer, what: str, words: str) -> None:
        """Go on after an answer that ended too early; not for ever."""
        self.count_continuation(what)
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
        self.count_continuation(f"tool calls came with stop reason `{reason}`")
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
        self.count_continuation(f"its answers were cut off at {self.asking.max_tokens} tokens", "max_tokens")
        of_no_use = calls_of(answer.content) or not words_of(answer.content)
        if of_no_use and self.asking.more_room():
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
        sent = self.asking.client.sent
        if sent > LONGEST:
            return len(self.conversation.messages) > LEAST_TO_SUMMARIZE
        used = answer.usage.prompt_tokens + answer.usage.output_tokens or sent // BYTES
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
                answer = await self.asking.ask(compaction={"type": "summarize"})
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
        note = list_actions(self.conversation.messages)
        self.conversation.extend({"type": "text", "text": SUMMARIZE})
        talk = self.conversation.messages
        try:
            answer = await self.asking.ask()
            if self.conversation.messages is talk:  # else it was begun anew meanwhile, and nobody was asked for a note
                note = words_of(answer.content) or note
        except Ending as ending:
            if ending.failure is None or ending.failure.kind not in (Kind.TOO_LONG, Kind.REQUEST, Kind.REFUSED):
                raise
        self.conversation.restart(note)


def _say_refusal(answer: Answer) -> str:
    category = (answer.stop_details or {}).get("category")
    return "the model refused to answer" + (f" ({category})" if category else "")
