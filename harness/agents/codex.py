"""Codex, headless: all that harness knows about it. Observed with 0.169.0, not documented by its makers."""

from __future__ import annotations

from dataclasses import replace

from harness.agents.draft import Draft, Event, Trouble, compose_call, dict_of, name_of, text_of
from harness.agents.error_patterns import OPTION, ErrorTexts, Wording
from harness.agents.language import Language, find_status
from harness.agents.profile import Credential, Loads, Profile
from harness.agents.providers import OPENAI
from harness.agents.start import Line
from harness.domain.agent import Access, CostSource, Dialect, Home
from harness.domain.provider import Redirected
from harness.domain.reply import FaultKind, LimitKind, Usage

# --- what its lines mean ----------------------------------------------------------------------------------------------

_STATUS = r"\b(?:unexpected|last) status:? ([45]\d\d)\b"


def read_codex(event: Event, draft: Draft) -> str:
    """Codex's `exec --json`. Its usage is the thread's, so a resumed thread counts its past again."""
    kind = name_of(event.get("type"))
    if kind == "thread.started":
        draft.session_id = name_of(event.get("thread_id"))
    elif kind == "turn.started":
        draft.in_turn = True
    elif kind.startswith("item."):
        return _codex_item(kind, dict_of(event.get("item")), draft)
    elif kind == "error":
        words = text_of(event.get("message"))
        draft.trouble = Trouble(words, find_status(_STATUS, words), retrying=words.startswith("Reconnecting"))
        return words
    elif kind == "turn.completed":
        draft.conclude()
        told = dict_of(event.get("usage"))
        rest, cached = draft.prompt(told, "input_tokens", "cached_input_tokens")
        used = Usage(
            input_tokens=rest,
            output_tokens=draft.tokens(told, "output_tokens"),
            cache_read_tokens=cached,
            cache_write_tokens=draft.tokens(told, "cache_write_input_tokens"),
        )
        draft.sum_up(used)
    elif kind == "turn.failed":
        words = text_of(dict_of(event.get("error")).get("message"))
        draft.conclude(Trouble(words, find_status(_STATUS, words)))
        return words
    return ""


def _codex_item(kind: str, item: Event, draft: Draft) -> str:
    draft.recover()
    draft.in_turn = True
    call_id, sort = name_of(item.get("id")), name_of(item.get("type"))
    if sort == "agent_message":
        draft.text = text_of(item.get("text")) or draft.text
        return draft.text
    if kind == "item.completed":
        draft.calls.pop(call_id, None)
        return ""
    if kind == "item.started" and sort not in ("reasoning", "todo_list", "error"):
        draft.call(call_id)
        return compose_call("" if sort == "command_execution" else sort.replace("_", " "), item)
    return ""


# --- its errors; sources: recorded runs of 0.169.0 --------------------------------------------------------------------

_ERRORS = (
    Wording(r"context window|input_too_large", None, anywhere=True),
    Wording(r"hit your usage limit", LimitKind.USAGE, anywhere=True),
    Wording(r"Quota exceeded|insufficient_quota", LimitKind.CREDIT, anywhere=True),
    Wording(r"Missing environment variable|not logged in", LimitKind.AUTH, anywhere=True),
    Wording(r"rate limit (?:exceeded|reached)", FaultKind.RATE, anywhere=True),
    Wording(r"\bat capacity\b|experiencing high demand", FaultKind.OVERLOAD, anywhere=True),
    Wording(
        r"stream disconnected|waiting for network|Connection failed|error sending request",
        FaultKind.NETWORK,
        anywhere=True,
    ),
)
_REFUSALS = (
    OPTION,
    Wording(r"No prompt provided via stdin", LimitKind.REFUSED),
    Wording(r"Not inside a trusted directory", LimitKind.REFUSED, "add `--skip-git-repo-check` to `agent_args`"),
)
LANGUAGE = Language(read_codex, _STATUS, ErrorTexts(_ERRORS, _REFUSALS), CostSource.DERIVED)

# --- what it is -------------------------------------------------------------------------------------------------------


def redirect(inside: Redirected) -> Redirected:
    """Tell the address in its configuration, from which alone it takes one (since 0.119)."""
    address, argv = inside.addresses.get(OPENAI.name), inside.argv
    if address is None or "exec" not in argv:
        return inside
    at = argv.index("exec") + 1
    return replace(inside, argv=(*argv[:at], "-c", f'openai_base_url="{address}"', *argv[at:]))


_LOGIN = ".codex/auth.json"
PROFILE = Profile(
    name="codex",
    dialect=Dialect.CODEX,
    program="codex",
    # `-` reads the prompt from stdin; without --skip-git-repo-check it refuses to work outside a repository.
    command_line=Line(
        "codex",
        ("exec", "--json", "--dangerously-bypass-approvals-and-sandbox", "--skip-git-repo-check"),
        model_args=("-m", "{model}"),
        last_args=("-",),
    ),
    passes=("CODEX_*", "OPENAI_*"),
    home=Home(
        reads=tuple(f".codex/{name}" for name in ("config.toml", "AGENTS.md", "prompts", "rules", "skills")),
        writes=(_LOGIN,),
    ),
    access=Access(
        providers=(OPENAI,),
        logins=(_LOGIN,),
        login_hosts=("chatgpt.com", "auth.openai.com", "api.openai.com"),
        startup_hosts=("github.com", "api.github.com"),
        redirect=redirect,
    ),
    credentials=(Credential("OPENAI_API_KEY", "openai"), Credential("CODEX_API_KEY", "openai")),
    loads=Loads(instructions=("AGENTS.md",), settings=(".codex/config.toml",)),
)
