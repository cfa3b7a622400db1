"""What people outside hear at once: a question, a limit, silence, no progress, money; each from one event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.domain.listener import Failure
from harness.domain.look import Halt
from harness.domain.reply import Ended, LimitKind
from harness.domain.units import format_duration
from harness.domain.verdict import Outcome
from harness.listeners.channels import Notifier

Message = dict[str, Any]  # `event` is its kind, `text` a sentence, and what belongs to it


class Messages:
    """Turns events of the journal into messages, and sends them."""

    def __init__(self, notifier: Notifier) -> None:
        """Nothing was heard yet."""
        self._notifier = notifier
        self._parked: set[str] = set()
        self._in_outage = False

    def hear(self, event: Mapping[str, Any]) -> list[Failure]:
        """Send what this event means to people outside, if anything; return the channels that failed."""
        failures = []
        for message in self._compose(event):
            if self._notifier.listens:
                about = {"project": str(self._notifier.root), "run": event["run"], "at": event["at"]}
                failures += self._notifier.send({**message, **about})
        return failures

    def problem(self) -> str:
        """Return what keeps a channel from ever being reached, "" when nothing is known to."""
        return self._notifier.problem()

    def _compose(self, event: Mapping[str, Any]) -> Iterator[Message]:
        match event["event"]:
            case "blocked":
                slug, question = event["slug"], event["question"]
                text = f'{slug} is blocked: {question}\nanswer it with `harness answer {slug} "text"`'
                yield {"event": "blocked", "text": text, **_of_attempt(event), "question": question}
            case "attempt_ended":
                self._in_outage = event["outcome"] == Outcome.FAULT and not event.get("limit")
                yield from self._tell_of_attempt(event)
            case "parked":
                self._parked.add(event["slug"])
                yield {"event": "stuck", "text": event["text"], "slug": event["slug"], "streak": event["streak"]}
            case "budget_warning":
                about = {name: event[name] for name in ("line", "limit", "spent", "unknown", "slug") if name in event}
                yield {"event": "budget", "text": event["text"], **about}
            case "halted":
                yield from self._tell_of_end(event)

    def _tell_of_attempt(self, event: Mapping[str, Any]) -> Iterator[Message]:
        limit = event.get("limit")
        if limit and limit["kind"] != LimitKind.REFUSED:
            text = f"{limit['kind']}: {limit['text']}"
            about = {"kind": limit["kind"], "resets_at": limit["resets_at"]}
            yield {"event": "limit", "text": text, **_of_attempt(event), **about}
        if event.get("ended") == Ended.IDLE:
            idle = format_duration(self._notifier.settings.idle_timeout)
            text = f"{event['slug']}: attempt {event['attempt']} printed nothing for {idle} and was ended"
            yield {"event": "silent", "text": text, **_of_attempt(event)}

    def _tell_of_end(self, event: Mapping[str, Any]) -> Iterator[Message]:
        """Tell of a run that ends stuck, or of an outage that lasted too long; `finished` follows with the result."""
        halt = Halt[event["halt"]]
        text = f"{halt.sentence}: {event['because']}"
        if halt is Halt.STUCK and event["slug"] not in self._parked:
            yield {"event": "stuck", "text": text, "slug": event["slug"] or None}
        if halt is Halt.QUOTA and self._in_outage:
            yield {"event": "limit", "text": text, "kind": "outage", "resets_at": event["resets_at"]}


def _of_attempt(event: Mapping[str, Any]) -> dict[str, Any]:
    return {"slug": event["slug"], "attempt": event["attempt"]}
