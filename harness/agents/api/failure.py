"""What went wrong with a call, by kind: what may pass, what a person must mend, and how long to wait. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum

from harness.domain.reply import CACHE_LIFE
from harness.domain.units import end_of_month

LONGEST_WAIT = CACHE_LIFE
FIRST_WAIT = 0.5  # seconds; doubles
TORN = "torn"  # the code of a failure that the model made, not the network: it is paid for each time
HIGHEST_STEP = 60.0  # seconds, for waits nobody has named


class Kind(Enum):
    """The kinds of failure, with the words of Claude Code's stream for them."""

    RATE = "rate_limit"
    OVERLOAD = "overloaded"
    UNAVAILABLE = "server_error"
    NETWORK = "unknown"
    AUTH = "authentication_failed"
    CREDIT = "billing_error"
    SPEND = "spend_limit"
    MODEL = "model_not_found"
    STRANGE = "not_the_messages_api"
    TOO_LONG = "prompt_too_long"
    REQUEST = "invalid_request"
    REFUSED = "request_refused"  # already the first one: a setting that this model or server does not take

    @property
    def passes(self) -> bool:
        """Whether it may pass by itself."""
        return self in (Kind.RATE, Kind.OVERLOAD, Kind.UNAVAILABLE, Kind.NETWORK)


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed call; `retry_after` in seconds as the server asked for, None if it did not."""

    kind: Kind
    text: str
    status: int | None = None
    retry_after: float | None = None
    should_retry: bool | None = None  # the server's own word
    code: str = ""

    @property
    def is_overload(self) -> bool:
        """Whether another model may have room: overload and unavailability, no error of the server's own."""
        return self.kind is Kind.OVERLOAD or (self.kind is Kind.UNAVAILABLE and self.status in (503, 504))

    @property
    def retryable(self) -> bool:
        """Whether the same call may be made again."""
        return self.kind.passes if self.should_retry is None or not self.kind.passes else self.should_retry


class CallFailed(Exception):
    """A call that gave no whole answer."""

    def __init__(self, failure: Failure) -> None:
        """Keep what went wrong."""
        super().__init__(failure.text)
        self.failure = failure


def server_fault(sentence: str) -> Failure:
    """Return the failure of a server that does what none should: it is asked again later, and not at once."""
    return Failure(Kind.NETWORK, sentence, should_retry=False)


class Ending(Exception):
    """The attempt is over without the model's own end: `reason` as Claude Code words it, `failure` if a call failed."""

    def __init__(self, text: str, reason: str = "", failure: Failure | None = None, stop: str = "") -> None:
        """Keep what is told."""
        super().__init__(text)
        self.text, self.reason, self.failure, self.stop = text, reason, failure, stop


def classify(
    status: int | None,
    kind: str = "",
    code: str = "",
    text: str = "",
    headers: Mapping[str, str] | None = None,
    now: float = 0.0,
) -> Failure:
    """Return the failure that an HTTP status, the error's type and code, its text and the headers tell of.

    `now` in epoch seconds, for a `retry-after` that is a date. Sources: the Messages API's documentation of errors and
    rate limits; the order is the SDK's advice, code before type before status, the wording last.
    """
    headers = headers or {}
    asked = headers.get("x-should-retry", "").lower()
    return Failure(
        kind=_find_kind(status, kind, code, text),
        text=text or kind or f"HTTP {status}",
        status=status,
        retry_after=find_retry_after(headers, now),
        should_retry={"true": True, "false": False}.get(asked),
        code=code,
    )


_BY_TYPE = {
    "overloaded_error": Kind.OVERLOAD,
    "rate_limit_error": Kind.RATE,
    "api_error": Kind.UNAVAILABLE,
    "timeout_error": Kind.UNAVAILABLE,
    "authentication_error": Kind.AUTH,
    "permission_error": Kind.AUTH,
    "billing_error": Kind.CREDIT,
}
_BY_STATUS = {
    401: Kind.AUTH, 402: Kind.CREDIT, 403: Kind.AUTH, 408: Kind.UNAVAILABLE, 409: Kind.UNAVAILABLE,
    413: Kind.TOO_LONG, 429: Kind.RATE, 529: Kind.OVERLOAD,
}  # fmt: skip


def _find_kind(status: int | None, kind: str, code: str, text: str) -> Kind:
    said = text.lower()
    if (
        code.endswith("spend_limit_reached")
        or "specified api usage limits" in said
        or "workspace api usage limits" in said
    ):
        return Kind.SPEND
    if "credit balance is too low" in said:
        return Kind.CREDIT
    if status == 404 and ("model" in said or kind == "not_found_error"):
        return Kind.MODEL
    if "prompt is too long" in said or kind == "request_too_large":
        return Kind.TOO_LONG
    if status is not None and status in (401, 402, 403):
        return _BY_STATUS[status]
    if kind in _BY_TYPE:
        return _BY_TYPE[kind]
    if status is None:
        return Kind.NETWORK
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return Kind.UNAVAILABLE
    return Kind.STRANGE if status in (404, 405) or status < 400 else Kind.REQUEST


def find_retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds that the server asks to wait: `retry-after-ms`, then `retry-after` in seconds or as a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        try:
            seconds = float(value) * unit
        except ValueError:
            continue
        if 0 <= seconds < 1e8:
            return seconds
    try:
        moment = parsedate_to_datetime(headers.get("retry-after", "")).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    return max(0.0, moment - now) if now else None


def find_next_month(now: float) -> float:
    """Return the epoch seconds of the first of the next month, 00:00 UTC: then an enforced spend limit ends."""
    return end_of_month(f"{datetime.fromtimestamp(now, UTC):%Y-%m}")


def find_wait(failure: Failure, tries: int, waited: float, patience: float, random: float) -> float | None:
    """Return the seconds to wait before the next try, None when it is not worth one.

    `tries` counts those made, from 1; `waited` is how long this outage lasts already, `patience` how long it may;
    `random` is in [0, 1): full jitter, and a little of it on top of what the server asked for. A wait that the server
    asks for is cut to LONGEST_WAIT; one that is longer than what is left of the patience is none.
    """
    if not failure.retryable or waited >= patience:
        return None
    if failure.retry_after is not None:
        if failure.retry_after > patience - waited:
            return None
        return min(failure.retry_after * (1 + random / 10), LONGEST_WAIT)
    wait = random * min(FIRST_WAIT * 2.0 ** min(tries - 1, 20), HIGHEST_STEP)
    return min(max(wait, 0.05), patience - waited)
