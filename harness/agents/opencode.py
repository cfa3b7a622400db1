"""opencode, headless: all that harness knows about it. Observed with 1.18.33, not documented by its makers."""

from __future__ import annotations

import json
from dataclasses import replace

from harness.agents.draft import (
    Draft,
    Event,
    Trouble,
    compose_call,
    dict_of,
    dollars_of,
    name_of,
    status_of,
    text_of,
)
from harness.agents.error_patterns import USAGE_PRINTED, ErrorTexts, Wording
from harness.agents.language import Language
from harness.agents.profile import Credential, Loads, Profile
from harness.agents.providers import ANTHROPIC, GEMINI, OPENAI
from harness.agents.start import Line
from harness.domain.agent import Access, CostSource, Dialect, Home
from harness.domain.provider import Redirected
from harness.domain.reply import FaultKind, LimitKind, Usage

# --- what its lines mean ----------------------------------------------------------------------------------------------


def read_opencode(event: Event, draft: Draft) -> str:
    """opencode's `run --format json`. A tool is told of when it is over, so an open step stands for a running call."""
    kind, part = event.get("type"), dict_of(event.get("part"))
    draft.session_id = draft.session_id or name_of(event.get("sessionID"))
    if kind == "step_start":
        draft.recover()
        draft.in_turn = True
        draft.call("step")
    elif kind == "text":
        draft.text = text_of(part.get("text")) or draft.text
        return draft.text
    elif kind == "tool_use":
        state = dict_of(part.get("state"))
        if "rejected permission" in text_of(state.get("error")):
            draft.deny(name_of(part.get("tool")))
        return compose_call(name_of(part.get("tool")), dict_of(state.get("input")))
    elif kind == "step_finish":
        _opencode_step(part, draft)
    elif kind == "error":
        return _opencode_error(dict_of(event.get("error")), draft)
    return ""


def _opencode_step(part: Event, draft: Draft) -> None:
    tokens = dict_of(part.get("tokens"))
    cache = dict_of(tokens.get("cache"))
    step = Usage(
        input_tokens=draft.tokens(tokens, "input"),
        output_tokens=draft.tokens(tokens, "output") + draft.tokens(tokens, "reasoning"),
        cache_read_tokens=draft.tokens(cache, "read"),
        cache_write_tokens=draft.tokens(cache, "write"),
    )
    draft.check(step)
    draft.usage += step
    cost = dollars_of(part.get("cost"))
    if cost is not None:
        draft.dollars = (draft.dollars or 0.0) + cost
    draft.calls.clear()
    if part.get("reason") == "stop":
        draft.conclude()


def _opencode_error(error: Event, draft: Draft) -> str:
    facts, kind = dict_of(error.get("data")), name_of(error.get("name"))
    words = text_of(facts.get("message")) or kind
    draft.overflows += kind == "ContextOverflowError"
    draft.conclude(Trouble(words, status_of(facts.get("statusCode")), kind))
    return words


# --- its errors; sources: recorded runs of 1.18.33 --------------------------------------------------------------------

_ERRORS = (
    Wording(r"credit balance is too low", LimitKind.CREDIT, anywhere=True),
    Wording(r"invalid x-api-key", LimitKind.AUTH, anywhere=True),
    Wording(r"Unable to connect|ECONNREFUSED|ECONNRESET|ENOTFOUND", FaultKind.NETWORK, anywhere=True),
)
_REFUSALS = (USAGE_PRINTED, Wording(r"You must provide a message", LimitKind.REFUSED, anywhere=True))
LANGUAGE = Language(read_opencode, "", ErrorTexts(_ERRORS, _REFUSALS), CostSource.REPORTED)

# --- what it is -------------------------------------------------------------------------------------------------------

# What it calls a provider, and what it wants behind the address.
_PROVIDERS = {ANTHROPIC.name: ("anthropic", "/v1"), OPENAI.name: ("openai", ""), GEMINI.name: ("google", "/v1beta")}


def redirect(inside: Redirected) -> Redirected:
    """Tell the addresses in its configuration, whose inline form is merged over the others.

    A configuration that cannot be understood is left as it is, and so is a provider that it does not know.
    """
    known = {name: address for name, address in inside.addresses.items() if name in _PROVIDERS}
    try:
        whole = json.loads(inside.env.get("OPENCODE_CONFIG_CONTENT") or "{}")
        for name, address in known.items():
            called, version = _PROVIDERS[name]
            options = whole.setdefault("provider", {}).setdefault(called, {}).setdefault("options", {})
            options["baseURL"] = f"{address}{version}"
    except (ValueError, AttributeError, TypeError):  # no JSON, or of another shape
        return inside
    return replace(inside, env={**inside.env, "OPENCODE_CONFIG_CONTENT": json.dumps(whole)}) if known else inside


_LOGIN = ".local/share/opencode/auth.json"
PROFILE = Profile(
    name="opencode",
    dialect=Dialect.OPENCODE,
    program="opencode",
    command_line=Line("opencode", ("run", "--format", "json", "--auto"), model_args=("-m", "{model}")),
    passes=("OPENCODE_*", "ANTHROPIC_*", "OPENAI_*", "GEMINI_*", "GOOGLE_*", "OPENROUTER_*"),
    home=Home(reads=(".config/opencode",), writes=(_LOGIN,)),
    access=Access(
        providers=(ANTHROPIC, OPENAI, GEMINI),
        logins=(_LOGIN,),
        login_hosts=("api.anthropic.com", "api.openai.com", "opencode.ai", "generativelanguage.googleapis.com",
                     "models.dev"),
        redirect=redirect,
    ),
    credentials=(Credential("ANTHROPIC_API_KEY", "anthropic"), Credential("OPENAI_API_KEY", "openai")),
    loads=Loads(instructions=("AGENTS.md",), settings=("opencode.json", "opencode.jsonc", ".opencode/opencode.json")),
)  # fmt: skip
