"""Faults by name, in the service's own words."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from email.utils import formatdate
from typing import Any

from .messages_replies import Broken, Call, Fault, Foreign, How, Turn

# --- it passes by itself ------------------------------------------------------------------------------------------


def rate_limited(retry_after: float | str | None = None, *, milliseconds: int | None = None) -> Fault:
    """Too many requests a minute. `retry_after` in seconds, or an HTTP date (`http_date`)."""
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    headers |= {} if milliseconds is None else {"retry-after-ms": str(milliseconds)}
    return Fault(429, "rate_limit_error", "This request would exceed your organization's rate limit.", headers)


def http_date(seconds: float) -> str:
    """So many seconds from now, as `retry-after` may say it."""
    return formatdate(time.time() + seconds, usegmt=True)


def should_retry(fault: Fault, answer: bool) -> Fault:
    """The same, with the service's own word on whether to try again."""
    return replace(fault, headers={**fault.headers, "x-should-retry": str(answer).lower()})


def ramp_limited(retry_after: int = 5) -> Fault:
    """The load grew too fast."""
    return replace(rate_limited(retry_after), code="ramp_limit_exceeded")


def overloaded() -> Fault:
    """The service has no room."""
    return Fault(529, "overloaded_error", "Overloaded")


def compaction_unavailable() -> Fault:
    """A summary could not be made just now."""
    return Fault(529, "overloaded_error", "The compaction could not be completed.", code="compaction_unavailable")


def server_error() -> Fault:
    """The service is broken."""
    return Fault(500, "api_error", "Internal server error")


def unavailable() -> Fault:
    """The service is away."""
    return Fault(503, "api_error", "Service unavailable")


def gateway_timeout() -> Fault:
    """The service took too long."""
    return Fault(504, "timeout_error", "Request timed out")


def request_timeout() -> Fault:
    """The request took too long to come in."""
    return Fault(408, "timeout_error", "Request timeout")


def conflict() -> Fault:
    """Something else is at work on the same thing."""
    return Fault(409, "conflict_error", "Conflict")


# --- a person must mend it ----------------------------------------------------------------------------------------


def unauthorized() -> Fault:
    """The key is not known."""
    return Fault(401, "authentication_error", "invalid x-api-key")


def forbidden() -> Fault:
    """The key is known, and may not."""
    return Fault(403, "permission_error", "Your API key does not have permission to use the specified resource.")


def unknown_model(model: str) -> Fault:
    """There is no such model."""
    return Fault(404, "not_found_error", f"model: {model}")


def too_large() -> Fault:
    """The body is over 32 MB."""
    return Fault(413, "request_too_large", "Request exceeds the maximum size")


def prompt_too_long(tokens: int = 1_200_000, window: int = 1_000_000) -> Fault:
    """The conversation no longer fits the model."""
    return Fault(400, "invalid_request_error", f"prompt is too long: {tokens} tokens > {window} maximum")


def credit_too_low() -> Fault:
    """The account is empty."""
    text = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to add credits."
    return Fault(400, "invalid_request_error", text)


def billing_error() -> Fault:
    """The account cannot pay."""
    return Fault(402, "billing_error", "There is an issue with your organization's billing.")


def spend_limit(code: str = "enforced_spend_limit_reached") -> Fault:
    """The month's money is spent; no `retry-after` says until when. Also `contract_spend_limit_reached`."""
    return Fault(429, "rate_limit_error", "Your organization has reached its monthly spend limit.", code=code)


def usage_limits_reached(access: str = "2026-12-01 at 00:00 UTC") -> Fault:
    """The limit that the account set itself; only the text says until when."""
    text = f"You have reached your specified API usage limits. You will regain access on {access}."
    return Fault(400, "invalid_request_error", text)


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


# --- it is not the service, or not a whole answer -----------------------------------------------------------------


def bad_gateway() -> Foreign:
    """A proxy's page in place of an error."""
    return Foreign(502, "<html><body><h1>502 Bad Gateway</h1></body></html>\n")


def web_page() -> Foreign:
    """A captive portal, a login: 200 and HTML."""
    return Foreign(200, "<!doctype html><title>Sign in</title><p>Please sign in to use this network.</p>\n")


def other_service() -> Foreign:
    """Another API on the same port: 200 and JSON that says nothing here."""
    answer = {"object": "chat.completion", "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}}]}
    return Foreign(200, json.dumps(answer), "application/json")


def no_answer() -> Broken:
    """The connection is accepted, the request read, and that is all."""
    return Broken(How.STALLED, None)


def torn(tool: str, given: Mapping[str, Any]) -> Turn:
    """A call whose input is no JSON, in a turn that looks whole."""
    return Turn("Let me see.", (Call(tool, given, json.dumps(given).replace(":", "", 1)),))


def cut_short(tool: str, given: Mapping[str, Any], keep: float = 0.6) -> Turn:
    """A call whose input ends in the middle because the answer reached `max_tokens`."""
    whole = json.dumps(given)
    return Turn("Let me see.", (Call(tool, given, whole[: int(len(whole) * keep)]),), stop_reason="max_tokens")
