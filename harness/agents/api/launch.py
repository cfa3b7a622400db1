"""How the API agent is started: its command line, the environment it needs, and what it cannot start without."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from harness.domain.errors import AgentError
from harness.domain.reply import ModelPrice
from harness.system import files

KEY = "ANTHROPIC_API_KEY"
DEFAULT_MODEL = "claude-opus-5-5"
PATIENCE = 900.0  # seconds of outage that one attempt sits out at most; the run waits out the rest, charging nobody


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """What the settings say about the API agent; durations in seconds, dollars, tokens, 0 for none."""

    base_url: str
    api_key_env: str
    api_server: str
    fallback_models: tuple[str, ...]
    effort: str
    thinking: str
    max_tokens: int
    context_window: int
    compact_at: int
    cache_ttl: str
    tool_timeout: float
    api_timeout: float


def base_url(options: ApiOptions, environ: Mapping[str, str]) -> str:
    """Return the address of the server, "" for Anthropic's own."""
    return options.base_url or environ.get("ANTHROPIC_BASE_URL", "")


def is_anthropic(options: ApiOptions, environ: Mapping[str, str]) -> bool:
    """Whether the server understands all that Anthropic's does: typed tools, caching, compaction, token counts."""
    if options.api_server != "auto":
        return options.api_server == "anthropic"
    try:
        host = urlsplit(base_url(options, environ)).hostname or "anthropic.com"
    except ValueError:  # told by `check_start`
        host = ""
    return host == "anthropic.com" or host.endswith(".anthropic.com")


def find_key(options: ApiOptions, environ: Mapping[str, str]) -> str:
    """Return what a request would be authorized by, in a word for people; "" when there is nothing."""
    names = (options.api_key_env,) if options.api_key_env else (KEY, "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_PROFILE")
    for name in names:
        if environ.get(name):
            return name
    profile = Path(environ.get("HOME", "/nonexistent")) / ".config" / "anthropic"
    if not options.api_key_env and files.is_dir(profile):
        return "~/.config/anthropic"
    return ""


def check_start(options: ApiOptions, model: str, environ: Mapping[str, str]) -> None:
    """Raise AgentError, with one hint, when the agent could not make its first call."""
    anthropic = is_anthropic(options, environ)
    if (options.api_key_env or anthropic) and not find_key(options, environ):
        name = options.api_key_env or KEY
        raise AgentError(
            f"agent `api`: there is no key, `{name}` is not set",
            f"`export {name}=…`, or name another variable with `api_key_env` in harness.yaml",
        )
    key = environ.get(options.api_key_env or KEY, "").strip()
    if not key.isprintable():
        raise AgentError(
            f"agent `api`: `{options.api_key_env or KEY}` holds a control character", "copy the key anew, in one line"
        )
    url = base_url(options, environ)
    if url:
        _check_address(url)
    if not model and not anthropic:
        raise AgentError("agent `api`: no model is named", f"name one that `{url}` has, with `--model` or `model:`")


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise AgentError(f"agent `api`: `{url}` is no address", "write `base_url: http://localhost:11434` or the like")
    if parts.username or parts.password:
        raise AgentError(
            "agent `api`: the server's address holds a name or a password, which any process here could read",
            "leave it out, and name the variable that holds the key with `api_key_env`",
        )


def write_price(price: ModelPrice) -> str:
    """Return a price as one argument; `read_price` reads it."""
    return json.dumps(asdict(price))


def read_price(argument: str) -> ModelPrice:
    """Return the price that `write_price` wrote."""
    return ModelPrice(**json.loads(argument))


def command_line(
    options: ApiOptions,
    *,
    model: str,
    environ: Mapping[str, str],
    also: tuple[Path, ...] = (),
    prices: tuple[str, ...] = (),
    max_cost: float | None = None,
    timeout: float = 0.0,
    long_cache: bool = False,
) -> tuple[str, ...]:
    """Return the arguments; the prompt goes to stdin. `also` are folders besides its own that it may write."""
    line = [sys.executable, "-P", "-X", "utf8", "-m", "harness.agents.api", "--model", model or DEFAULT_MODEL]
    line += ["--server", "anthropic" if is_anthropic(options, environ) else "compatible"]
    patience = min(PATIENCE, timeout / 2) if timeout else PATIENCE
    ttl = ("1h" if long_cache else "5m") if options.cache_ttl == "auto" else options.cache_ttl
    named: dict[str, object] = {
        "--base-url": options.base_url,
        "--api-key-env": options.api_key_env,
        "--effort": options.effort,
        "--thinking": options.thinking,
        "--max-tokens": options.max_tokens,
        "--context-window": options.context_window,
        "--compact-at": options.compact_at,
        "--cache-ttl": ttl,
        "--tool-timeout": f"{options.tool_timeout:g}",
        "--api-timeout": f"{min(options.api_timeout, timeout / 2) if timeout else options.api_timeout:g}",
        "--patience": f"{patience:g}",
        "--max-cost": "" if max_cost is None else f"{max_cost:.6f}",
    }
    for name, value in named.items():
        line += [name, str(value)] if value not in ("", 0) else []
    for option, values in (("--fallback-model", options.fallback_models), ("--also", also), ("--price", prices)):
        for one in values:
            line += [option, str(one)]
    return tuple(line)
