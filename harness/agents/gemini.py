"""Gemini CLI, headless: all that harness knows about it. Observed with 0.61.0, not documented by its makers."""

from __future__ import annotations

import json
from dataclasses import replace

from harness.agents.draft import (
    LONGEST_TEXT,
    Draft,
    Event,
    Trouble,
    compose_call,
    dict_of,
    name_of,
    text_of,
)
from harness.agents.error_patterns import USAGE_PRINTED, ErrorTexts, Wording
from harness.agents.language import Language, find_status
from harness.agents.profile import Credential, Loads, Profile
from harness.agents.providers import GEMINI
from harness.agents.start import Line
from harness.domain.agent import Access, CostSource, Dialect, Home
from harness.domain.provider import Redirected
from harness.domain.reply import FaultKind, LimitKind, Usage

# --- what its lines mean ----------------------------------------------------------------------------------------------

_STATUS = r'"code": ?([45]\d\d)\b'


def read_gemini(event: Event, draft: Draft) -> str:
    """Gemini CLI's `--output-format stream-json`. The first message is an echo of the prompt."""
    kind = event.get("type")
    if kind == "init":
        if draft.introduce(name_of(event.get("model"))):
            draft.session_id = name_of(event.get("session_id"))
    elif kind == "message":
        draft.in_turn = True
        if event.get("role") != "assistant":
            draft.text = ""
            return ""
        piece = text_of(event.get("content"))
        draft.text = (draft.text + piece if event.get("delta") is True else piece)[-LONGEST_TEXT:]
        return piece
    elif kind == "tool_use":
        draft.in_turn, draft.text = True, ""
        draft.call(name_of(event.get("tool_id")))
        return compose_call(name_of(event.get("tool_name")), dict_of(event.get("parameters")))
    elif kind == "tool_result":
        draft.calls.pop(name_of(event.get("tool_id")), None)
    elif kind == "result":
        return _gemini_result(event, draft)
    return ""


def _gemini_result(event: Event, draft: Draft) -> str:
    stats = dict_of(event.get("stats"))
    rest, cached = draft.prompt(stats, "input_tokens", "cached")
    used = Usage(
        input_tokens=rest,
        output_tokens=draft.tokens(stats, "output_tokens"),
        cache_read_tokens=cached,
    )
    if event.get("status") == "success":
        draft.conclude()
        draft.sum_up(used)
        return ""
    error = dict_of(event.get("error"))
    kind, words = name_of(error.get("type")), text_of(error.get("message"))
    draft.terminal_reason = "max_turns" if kind == "FatalTurnLimitedError" else ""
    draft.conclude(Trouble(words, find_status(_STATUS, words), "" if kind == "unknown" else kind))
    draft.sum_up(used)
    return words


def add_exit_status(trouble: Trouble, code: int | None) -> Trouble:
    """Gemini's exit code is the HTTP status & 255 (429 -> 173), and its only place for some of them."""
    if trouble.status is not None or code is None or not 400 <= code + 256 <= 511:
        return trouble
    return replace(trouble, status=code + 256)


# --- its errors; sources: recorded runs of 0.61.0 ---------------------------------------------------------------------

_ERRORS = (
    Wording(r"input token count .* exceeds|max session turns", None, anywhere=True),
    Wording(r"exhausted your daily quota", LimitKind.USAGE, anywhere=True),
    Wording(r"API_KEY_INVALID|API key not valid|must specify the GEMINI_API_KEY", LimitKind.AUTH, anywhere=True),
    Wording(r"model is overloaded", FaultKind.OVERLOAD, anywhere=True),
    Wording(
        r"fetch failed|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTFOUND|EAI_AGAIN",
        FaultKind.NETWORK,
        anywhere=True,
    ),
)
_EXIT_CODES = {
    41: Wording("", LimitKind.AUTH),
    55: Wording("", LimitKind.REFUSED, "add `--skip-trust` to `agent_args`", says="the folder is not trusted"),
}
_TEXTS = ErrorTexts(_ERRORS, (USAGE_PRINTED,), _EXIT_CODES)
LANGUAGE = Language(read_gemini, _STATUS, _TEXTS, CostSource.DERIVED, add_exit_status)

# --- what it is -------------------------------------------------------------------------------------------------------


def redirect(inside: Redirected) -> Redirected:
    """Say in its settings that the address is no gateway's, which it would refuse without a person.

    Observed with 0.61.0: "Invalid auth method selected".
    """
    if not inside.has_stand_in:
        return inside
    settings = json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}})
    return replace(
        inside,
        env={**inside.env, "GEMINI_CLI_SYSTEM_SETTINGS_PATH": "/tmp/gemini.json"},
        files={**inside.files, "gemini.json": settings},
    )


_LOGIN, _KEYS = ".gemini/oauth_creds.json", ".gemini/.env"
PROFILE = Profile(
    name="gemini",
    dialect=Dialect.GEMINI,
    program="gemini",
    # Without --skip-trust it exits 55.
    command_line=Line(
        "gemini",
        ("--yolo", "--skip-trust", "--output-format", "stream-json"),
        model_args=("-m", "{model}"),
        last_args=("-p", "Follow the instructions above."),
    ),
    passes=("GEMINI_*", "GOOGLE_*"),
    own={"GEMINI_CLI_NO_RELAUNCH": "true"},  # it would start itself again as a second process
    home=Home(
        reads=tuple(f".gemini/{name}" for name in ("settings.json", "GEMINI.md", "extensions", "google_accounts.json",
                    "installation_id", ".env")),
        writes=(_LOGIN,),
    ),
    access=Access(
        providers=(GEMINI,),
        logins=(_LOGIN, _KEYS),
        login_hosts=("cloudcode-pa.googleapis.com", "oauth2.googleapis.com", "generativelanguage.googleapis.com"),
        startup_hosts=("play.googleapis.com",),
        redirect=redirect,
    ),
    credentials=(Credential("GEMINI_API_KEY", "gemini"), Credential("GOOGLE_API_KEY", "gemini")),
    loads=Loads(instructions=("GEMINI.md",), settings=(".gemini/settings.json",)),
)  # fmt: skip
