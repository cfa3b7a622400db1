"""A transcript in the making, and the tolerant readers of foreign JSON that fill it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from harness.domain.reply import RateLimit, Usage
from harness.domain.text import one_line

Event = Mapping[str, object]

LONGEST_TEXT = 65_536  # characters kept of an answer or an error
LONGEST_NAME = 200
MOST_TOKENS = 10**10  # of one process, in any count: days of work
MOST_DOLLARS = 100_000.0  # of one process
LONGEST_PROMPT = 10_000_000  # tokens of one request: no model reads more
LONGEST_ANSWER = 500_000  # tokens, thinking among them: no model says more
MOST_NAMES = 1_000  # a stream that repeats itself for hours must not fill the memory


@dataclass(frozen=True, slots=True)
class Trouble:
    """The latest error the stream told of; `retrying` while the agent itself has not given up."""

    text: str = ""
    status: int | None = None
    kind: str = ""
    api_error: str = ""
    retrying: bool = False


@dataclass(slots=True)
class Draft:
    """A transcript in the making; `trouble` is None again as soon as the model answers.

    A reader of lines calls `recover` when the model answered, and at a final line `conclude`, then `sum_up` with what
    it says was used; `turn` counts what a single message used, where no final line may come.
    """

    agent_version: str = ""
    model: str = ""
    first_model: str = ""  # as it said at its beginning; it may fall back to another
    session_id: str = ""
    api_key_source: str = ""
    results: int = 0
    is_error: bool = False
    text: str = ""
    trouble: Trouble | None = None
    terminal_reason: str = ""
    num_turns: int | None = None
    denials: dict[str, None] = field(default_factory=dict)
    rate_limit: RateLimit | None = None
    background_tasks: int = 0
    usage: Usage = field(default_factory=Usage)
    dollars: float | None = None
    cost_source: str = "reported"
    doubt: str = ""  # why nobody knows what was used, in a sentence
    turns: dict[str, Usage] = field(default_factory=dict)  # usage by message, while there is no result to tell the sum
    older: Usage = field(default_factory=Usage)  # of the messages beyond MOST_NAMES
    requests: int = 0
    notices: dict[str, None] = field(default_factory=dict)
    prefix: dict[str, str] = field(default_factory=dict)
    calls: dict[str, str] = field(default_factory=dict)  # tool calls without a result yet -> the message they came in
    in_turn: bool = False  # something of a turn was printed after the last result
    overflows: int = 0

    def introduce(self, model: str) -> bool:
        """Take what an agent says of itself; returns whether it says so for the first time, which is what counts."""
        if not self.first_model:
            self.first_model = self.model = model
            return True
        if model == self.first_model:
            self.model = model
        elif model != self.model:
            self.notice(f"a later line calls its model `{model}`: the first one counts")
        return False

    def recover(self) -> None:
        """Forget the trouble: the model answered after it."""
        self.trouble = None
        self.rate_limit = None

    def conclude(self, trouble: Trouble | None = None) -> None:
        """Count a final result; `trouble` is what it failed of, None when it is good.

        A good one while a tool runs is no end: no agent was seen to print one, and a child of it can.
        """
        self.results += 1
        self.is_error = trouble is not None
        self.trouble = trouble
        self.in_turn = trouble is None and bool(self.calls)
        if self.in_turn:
            self.notice("a final result came while a tool was running: it was not taken for the end")
        self.calls.clear()

    def sum_up(self, usage: Usage, dollars: float | None = None) -> bool:
        """Take a result's sum over all that was before it; False where it is less than an earlier one's."""
        before = self.usage
        fewer = usage.prompt_tokens + usage.output_tokens < before.prompt_tokens + before.output_tokens
        if self.results > 1 and (fewer or (dollars or 0.0) < (self.dollars or 0.0)):
            self.notice("a later result counts less than an earlier one: it is not believed")
            return False
        self.usage, self.dollars = usage, dollars
        return True

    def used(self) -> tuple[Usage, bool]:
        """Return what was used, and whether a result summed it up; else it is the sum over the messages."""
        turns = sum(self.turns.values(), self.older)
        if not self.results:
            return turns + self.usage, False
        more = turns.prompt_tokens > self.usage.prompt_tokens or turns.output_tokens > self.usage.output_tokens
        return (turns, False) if self.in_turn and more else (self.usage, True)

    def turn(self, message_id: str, usage: Usage, printed: int) -> None:
        """Remember what a message used; printed again, it counts as printed last.

        Claude Code prints a message block by block, with the output tokens it had at its beginning: `printed`, the
        characters of the block, are then the better figure, at four a token.
        """
        before = self.turns.get(message_id, Usage())
        output = max(usage.output_tokens, before.output_tokens + printed // 4)
        self.turns[message_id] = replace(usage, output_tokens=output)
        self.requests += before == Usage()
        if len(self.turns) > MOST_NAMES:
            oldest = next(iter(self.turns))
            self.older += self.turns.pop(oldest)

    def tokens(self, told: Event, name: str) -> int:
        """Return the count of that name, 0 where there is none or it cannot be one, which makes the usage unknown."""
        value = told.get(name)
        number = number_of(value)
        if value is not None and (number is None or number > MOST_TOKENS):
            self.doubt_usage(value)
        return 0 if number is None else math.floor(number)

    def prompt(self, told: Event, name: str, cached: str) -> tuple[int, int]:
        """Return what no cache had part in, of a prompt whose count is `name`, and what was `cached`."""
        whole, part = self.tokens(told, name), self.tokens(told, cached)
        if part > whole:
            self.doubt_usage(part)
        return max(0, whole - part), part

    def check(self, usage: Usage, requests: int = 1) -> None:
        """Make the usage unknown where so many requests cannot have used that much."""
        if usage.output_tokens > requests * LONGEST_ANSWER:
            self.doubt_usage(usage.output_tokens)
        elif usage.prompt_tokens > requests * LONGEST_PROMPT:
            self.doubt_usage(usage.prompt_tokens)

    def doubt_usage(self, amount: object) -> None:
        """Remember that a count of tokens cannot be true."""
        said = one_line(f"{amount:,}" if isinstance(amount, int) else f"`{amount}`", 40)
        self.doubt = self.doubt or f"it told of {said} tokens, which cannot be: what it cost is not known"

    def deny(self, tool: str) -> None:
        """Remember that a tool was denied."""
        if tool and len(self.denials) < MOST_NAMES:
            self.denials[tool] = None

    def notice(self, sentence: str) -> None:
        """Remember what the agent itself found worth telling."""
        if sentence and len(self.notices) < MOST_NAMES:
            self.notices[sentence] = None

    def call(self, call_id: str, message_id: str = "") -> None:
        """Remember a tool call until its result comes."""
        if len(self.calls) < MOST_NAMES:
            self.calls[call_id] = message_id


# --- values of foreign JSON -----------------------------------------------------------------------------------------


def text_of(value: object, limit: int = LONGEST_TEXT) -> str:
    """The string, cut and without lone surrogates (which no file takes); "" for anything else."""
    if not isinstance(value, str):
        return ""
    return value[:limit].encode("utf-8", "replace").decode("utf-8")


def name_of(value: object) -> str:
    """A short string, on one line and clean: names become facts in receipts, reports and messages. "" otherwise."""
    return one_line(text_of(value, LONGEST_NAME * 8), LONGEST_NAME)


def dict_of(value: object) -> Event:
    """The object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> list[object]:
    """The list; an empty one for anything else."""
    return value if isinstance(value, list) else []


def number_of(value: object) -> float | None:
    """A number from 0 to 1e15; None for anything else, NaN and true included."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e15:
        return None
    return float(value)


def count_of(value: object) -> int:
    """A number of things; 0 for anything else."""
    return math.floor(number_of(value) or 0)


def dollars_of(value: object) -> float | None:
    """What one process can have cost; None for anything else."""
    number = number_of(value)
    return None if number is None or number > MOST_DOLLARS else number


def status_of(value: object) -> int | None:
    """An HTTP status; None for anything else."""
    number = number_of(value)
    return int(number) if number is not None and 100 <= number <= 599 else None


def compose_call(tool: str, arguments: Event) -> str:
    """A tool call in one line: its name, and the argument that tells a person most."""
    told = ("command", "file_path", "filePath", "path", "pattern", "query", "url", "description", "prompt")
    return " ".join((tool, next((name_of(arguments[key]) for key in told if name_of(arguments.get(key))), ""))).strip()
