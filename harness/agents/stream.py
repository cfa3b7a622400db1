"""Reads what an agent prints, line by line, into one Transcript; the meaning of the lines is in `dialects`."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable

from harness.agents.dialects import LANGUAGES
from harness.agents.draft import Draft, Event, Trouble
from harness.domain.agent import Dialect
from harness.domain.reply import Cost, Ended, Exit, Transcript
from harness.domain.text import one_line, plain

LONGEST_PLAIN_LINE = 1_000
KEPT_LINES = 20  # plain lines: the last words of an agent that prints no JSON
ERROR_LINES = 5  # of those, how many may hold its error
LONGEST_ERROR = 8_192
SHELL_SIGNALS = (129, 130, 137, 143)  # 128 + HUP, INT, KILL, TERM: it was ended, and did not fail by itself


class StreamReader:
    """Understands one process's stdout. It never raises, whatever comes, and keeps no more than a few lines."""

    def __init__(self, dialect: Dialect) -> None:
        """`dialect` says whose lines they are. Raises ValueError for one that nobody reads."""
        if dialect not in LANGUAGES:
            raise ValueError(f"unknown dialect `{dialect}`")
        self._language = LANGUAGES[dialect]
        self._draft = Draft()
        self._plain: deque[str] = deque(maxlen=KEPT_LINES)
        self._events = 0
        self._bad_lines = 0
        self._last_words = ""

    def feed(self, line: bytes) -> str:
        """Take one line of stdout; give back what it says to a person, in one line, or ""."""
        text = line.decode("utf-8", "replace").strip()
        if not text:
            return ""
        words = self._read_plain(text) if self._language.read is None else self._read_event(text, self._language.read)
        self._last_words = words or self._last_words
        return words

    def busy(self) -> bool:
        """Whether a tool call is running: its result has not come yet."""
        return bool(self._draft.calls)

    def finished(self) -> bool:
        """Whether a final result was printed, no turn began after it, and no background task is alive."""
        draft = self._draft
        if draft.overflows > 1:
            return True  # opencode was seen to compact and overflow for ever: 561 requests in 114 s
        return draft.results > 0 and not draft.in_turn and not draft.background_tasks

    def transcript(self, exit: Exit) -> Transcript:
        """All that was read; `exit` gives the error of an agent that died before its stream told of one."""
        draft = self._draft
        trouble = draft.trouble or Trouble()
        if not draft.trouble and not draft.results:
            trouble = self._find_trouble(exit)
        add_status = self._language.exit_status
        if add_status is not None and (draft.is_error or (not draft.results and _failed(exit))):
            trouble = add_status(trouble, exit.code)
        usage, is_sum = draft.used()
        known = draft.dollars if is_sum or not draft.results else None
        cost = Cost() if known is None or draft.doubt else Cost(round(known, 9), draft.cost_source)
        return Transcript(
            agent_version=draft.agent_version,
            model=draft.model,
            session_id=draft.session_id,
            api_key_source=draft.api_key_source,
            results=draft.results,
            is_error=draft.is_error,
            text=plain("\n".join(self._plain) if self._language.read is None else draft.text),
            error_text=plain(trouble.text)[-LONGEST_ERROR:],
            api_error=trouble.api_error,
            api_status=trouble.status,
            error_kind=trouble.kind,
            terminal_reason=draft.terminal_reason,
            num_turns=draft.num_turns,
            denials=tuple(draft.denials),
            rate_limit=draft.rate_limit,
            background_tasks=draft.background_tasks,
            usage=usage,
            requests=0 if is_sum else draft.requests,
            cost=cost,
            counted=not draft.doubt,
            events=self._events,
            bad_lines=self._bad_lines,
            last_words=self._last_words,
            notices=(*draft.notices, *filter(None, [draft.doubt])),
            prefix=tuple(sorted(draft.prefix.items())),
        )

    def _read_plain(self, text: str) -> str:
        self._plain.append(plain(text[:LONGEST_PLAIN_LINE]))
        return one_line(text)

    def _read_event(self, text: str, read: Callable[[Event, Draft], str]) -> str:
        try:
            event = json.loads(text)
        except (ValueError, RecursionError):  # torn, or nested thousands deep
            event = None
        if not isinstance(event, dict):
            self._bad_lines += 1
            self._read_plain(text)
            return ""
        self._events += 1
        return one_line(read(event, self._draft))

    def _find_trouble(self, exit: Exit) -> Trouble:
        """The error of a run that failed without a word of it in the stream: stderr, or the end of a plain stdout."""
        if exit.ended is Ended.NOT_STARTED:
            return Trouble(exit.error)
        if not _failed(exit):
            return Trouble()
        text = plain(exit.stderr_tail).strip()
        if not text and not self._events:
            text = "\n".join(list(self._plain)[-ERROR_LINES:])
        return Trouble(text, self._language.find_status(text))


def _failed(exit: Exit) -> bool:
    """Whether it failed by itself; what a killed agent had complained of before may long be over."""
    return exit.ended is Ended.EXITED and (exit.code or 0) > 0 and exit.code not in SHELL_SIGNALS
