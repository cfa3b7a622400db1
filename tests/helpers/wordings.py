"""The words of agents about limits, and prose that looks like them."""

from datetime import datetime

from harness.domain.reply import FaultKind, LimitKind

USAGE, SPEND, CREDIT, AUTH, REFUSED = LimitKind
RATE, OVERLOAD, SERVER, NETWORK = FaultKind


def at(when):
    """Epoch seconds of a day and a time of November 2026, UTC."""
    return datetime.fromisoformat(f"2026-11-{when}+00:00").timestamp()


# --- the error's own text -------------------------------------------------------------------------------------------


WORDINGS = [
    ("You've hit your limit · resets 2pm (Asia/Shanghai)", (USAGE, at("21T06:00"))),
    ("You've hit your session limit · resets 4:15am (UTC)", (USAGE, at("21T04:15"))),
    ("You’ve hit your weekly limit · resets Nov 23, 10:26am (UTC)", (USAGE, at("23T10:26"))),
    ("Claude AI usage limit reached|1795233189", (USAGE, 1795233189.0)),
    ("You're out of extra usage · resets 9pm", (CREDIT, at("21T21:00"))),
    ("You're out of usage credits", (CREDIT, None)),
    ("Credit balance is too low", (CREDIT, None)),
    ("You've hit your org's monthly usage limit", (SPEND, None)),
    ("You've hit your individual spend limit", (SPEND, None)),
    ("Your usage allocation has been disabled by your admin", (SPEND, None)),
    (
        "API Error: 400 You have reached your specified API usage limits. "
        "You will regain access on 2026-12-01 at 00:00 UTC.",
        (SPEND, 1796083200.0),
    ),
    (
        "API Error: 400 You have reached your specified API usage limits. "
        "You will regain access on 2026-13-41 at 00:00 UTC.",
        (SPEND, None),
    ),
    ("Invalid API key · Fix external API key", (AUTH, None)),
    ("Not logged in · Please run /login", (AUTH, None)),
    ("Failed to authenticate. API Error: 401 OAuth token has expired.", (AUTH, None)),
    ("API Error: Server is temporarily limiting requests (not your usage limit)", RATE),
    ("API Error: Request rejected (429) · This request would exceed your organization's rate limit", RATE),
    ("API Error: 529 Overloaded. This is a server-side issue", OVERLOAD),
    ("API Error: 500 Internal server error. This is a server-side issue", SERVER),
    ("API Error: Connection refused (ECONNREFUSED)", NETWORK),
    ("Request timed out. If the API is slow to answer, set API_TIMEOUT_MS above 5000.", NETWORK),
    ("API Error: 400 messages.1: something odd", None),
    ("Prompt is too long", None),
]


# --- prose that must never trip -------------------------------------------------------------------------------------


PROSE = [
    "The server answers 429 when the rate limit is hit, see lines 418-429.",
    "usage limit reached",
    "Claude AI usage limit reached|1795233189 is what the old version printed",
    "BLOCKED: I need a person",
    '{"type":"result","is_error": false}',
    '{"type":"result","is_error":true,"api_error":"usage_limit_reached","api_error_status":429}',
    '{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1795233189}}',
    'import { Ratelimit } from "@upstash/ratelimit"',
    "You've hit your limit · resets 2pm (Asia/Shanghai)",
    "Your usage allocation has been disabled by your admin",
    "API Error: 529 Overloaded, API Error: 401, Credit balance is too low",
    "Quota exceeded. Check your plan and billing details.",
    "You have exhausted your daily quota on this model.",
    "unexpected status 401 Unauthorized, exceeded retry limit, last status: 429 Too Many Requests",
    "--dangerously-skip-permissions cannot be used with root/sudo privileges",
    "stream disconnected before completion, ECONNREFUSED, fetch failed, authentication_failed",
    "If the prompt says BLOCKED: then stop. | BLOCKED: old | regain access on 2026-12-01 at 00:00 UTC",
]
