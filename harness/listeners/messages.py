"""What people outside hear at once: a question, a limit, silence, no progress, money; each from one event."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.domain.halt import Halt
from harness.domain.listener import Failure
from harness.domain.reply import Ended, LimitKind
from harness.domain.units import format_duration
from harness.domain.verdict import Outcome
from harness.listeners.channels import Notifier
from harness.records.events import AttemptEnded, Blocked, BudgetWarned, Event, Halted, Parked

Message = dict[str, Any]  # `event` is its kind, `text` a sentence, and what belongs to it


class Messages:
    """Turns events of the journal into messages, and sends them."""

    def __init__(self, notifier: Notifier) -> None:
        """Nothing was heard yet."""
        self._notifier = notifier
        self._parked: set[str] = set()
        self._in_outage = False

    def hear(self, event: Event) -> list[Failure]:
        """Send what this event means to people outside, if anything; return the channels that failed."""
        failures = []
        for message in self._compose(event):
            if self._notifier.listens:
                about = {"project": str(self._notifier.root), "run": event.run, "at": event.at}
                failures += self._notifier.send({**message, **about})
        return failures

    def problem(self) -> str:
        """Return what keeps a channel from ever being reached, "" when nothing is known to."""
        return self._notifier.problem()

    def _compose(self, event: Event) -> Iterator[Message]:
        match event:
            case Blocked(slug=slug, question=question):
                text = f'{slug} is blocked: {question}\nanswer it with `harness answer {slug} "text"`'
                yield {"event": "blocked", "text": text, **_of_attempt(event), "question": question}
            case AttemptEnded():
                self._in_outage = event.outcome is Outcome.FAULT and event.limit is None
                yield from self._tell_of_attempt(event)
            case Parked():
                self._parked.add(event.slug)
                yield {"event": "stuck", "text": event.text, "slug": event.slug, "streak": event.streak}
            case BudgetWarned():
                about = {"line": event.line, "limit": event.limit, "spent": event.spent, "unknown": event.unknown}
                about |= {"slug": event.slug} if event.slug else {}
                yield {"event": "budget", "text": event.text, **about}
            case Halted(halt=Halt() as halt):
                yield from self._tell_of_end(event, halt)

    def _tell_of_attempt(self, event: AttemptEnded) -> Iterator[Message]:
        limit = event.limit
        if limit is not None and limit.kind is not LimitKind.REFUSED:
            text = f"{limit.kind}: {limit.text}"
            about = {"kind": limit.kind, "resets_at": limit.resets_at}
            yield {"event": "limit", "text": text, **_of_attempt(event), **about}
        if event.ended is Ended.IDLE:
            idle = format_duration(self._notifier.settings.idle_timeout)
            text = f"{event.slug}: attempt {event.attempt} printed nothing for {idle} and was ended"
            yield {"event": "silent", "text": text, **_of_attempt(event)}

    def _tell_of_end(self, event: Halted, halt: Halt) -> Iterator[Message]:
        """Tell of a run that ends stuck, or of an outage that lasted too long; `finished` follows with the result."""
        text = f"{halt.sentence}: {event.because}"
        if halt is Halt.STUCK and event.slug not in self._parked:
            yield {"event": "stuck", "text": text, "slug": event.slug or None}
        if halt is Halt.QUOTA and self._in_outage:
            yield {"event": "limit", "text": text, "kind": "outage", "resets_at": event.resets_at}


def _of_attempt(event: Blocked | AttemptEnded) -> dict[str, Any]:
    return {"slug": event.slug, "attempt": event.attempt}
