"""Keys that stay outside the sandbox: what a command gets in their place, and where its calls go instead. Pure.

A provider's key is replaced by a random word of the same shape, and its address by the broker's. What the broker then
needs to know is a `Route`: the upstream, and which word stands for which key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from harness.system.redact import find_secrets


@dataclass(frozen=True, slots=True)
class Provider:
    """Whose key it is: the variables that hold one, each with how its values begin; the variable and the default of the
    address; the variable of headers that are sent with each call ("" for none)."""

    name: str
    keys: Mapping[str, str]
    variable: str
    upstream: str
    headers: str = ""


PROVIDERS = (
    Provider(
        "anthropic",
        {"ANTHROPIC_API_KEY": "sk-ant-api03-", "ANTHROPIC_AUTH_TOKEN": "sk-ant-", "CLAUDE_CODE_OAUTH_TOKEN":
         "sk-ant-oat01-"},
        "ANTHROPIC_BASE_URL",
        "https://api.anthropic.com",
        "ANTHROPIC_CUSTOM_HEADERS",
    ),
    Provider("openai", {"OPENAI_API_KEY": "sk-proj-", "CODEX_API_KEY": "sk-proj-"}, "OPENAI_BASE_URL",
             "https://api.openai.com/v1"),
    Provider("gemini", {"GEMINI_API_KEY": "AIzaSy", "GOOGLE_API_KEY": "AIzaSy"}, "GOOGLE_GEMINI_BASE_URL",
             "https://generativelanguage.googleapis.com"),
)  # fmt: skip
KEY_VARIABLES = frozenset(key for provider in PROVIDERS for key in provider.keys)
LENGTH = 40  # random characters of a stand-in

# The files of a home that hold an agent's login, and the hosts that such a login needs.
LOGINS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "claude": ((".claude/.credentials.json",), ("api.anthropic.com", "console.anthropic.com", "platform.claude.com")),
    "codex": ((".codex/auth.json",), ("chatgpt.com", "auth.openai.com", "api.openai.com")),
    "gemini": ((".gemini/oauth_creds.json", ".gemini/.env"), ("cloudcode-pa.googleapis.com", "oauth2.googleapis.com",
               "generativelanguage.googleapis.com")),
    "opencode": ((".local/share/opencode/auth.json",), ("api.anthropic.com", "api.openai.com", "opencode.ai",
                 "generativelanguage.googleapis.com", "models.dev")),
    "api": ((".config/anthropic",), ("api.anthropic.com", "platform.claude.com")),
}  # fmt: skip

# What an agent's program asks for by itself when it starts; observed with codex 0.169 and gemini 0.61.
STARTUP_HOSTS = {"codex": ("github.com", "api.github.com"), "gemini": ("play.googleapis.com",)}

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FTP_PROXY")
_PROXY_FREE = "localhost,127.0.0.1,::1"


@dataclass(frozen=True, slots=True)
class Route:
    """Where calls of one provider go: the upstream's address, the key that each stand-in is for, headers to add."""

    name: str
    upstream: str
    keys: Mapping[str, str]
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Substituted:
    """What a command gets inside: arguments, environment, routes; the names of what is kept from it without a route;
    files in its /tmp."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    routes: tuple[Route, ...] = ()
    kept: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def holds_key(self) -> bool:
        """Whether calls are authorized outside, so that no login is needed inside."""
        return any(route.keys or route.headers for route in self.routes)


@dataclass(slots=True)
class _Making:
    """What is substituted, in the making."""

    argv: list[str]
    env: dict[str, str]
    relay: str
    word: Callable[[], str]
    routes: list[Route] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, upstream: str, keys: Iterable[tuple[str, str]], headers: str = "") -> str:
        """Put stand-ins in the place of keys, and return the address of the new route."""
        known = {}
        for variable, shape in keys:
            if value := self.env.get(variable, "").strip():
                stand_in = shape + self.word()
                known[stand_in] = value
                self.env[variable] = stand_in
        told = tuple(_parse_headers(self.env.pop(headers, ""))) if headers else ()
        self.routes.append(Route(name, upstream.rstrip("/"), known, told))
        return f"{self.relay}/{name}"


def substitute_for_agent(
    name: str,
    argv: tuple[str, ...],
    env: Mapping[str, str],
    *,
    relay: str,
    word: Callable[[], str],
    passed: tuple[str, ...] = (),
) -> Substituted:
    """Return what an agent gets inside, where `relay` is the broker's address and `word` gives random letters.

    `passed` are the patterns of variables that a person lets through by name: a secret among them that is no provider's
    key goes in as it is.
    """
    making = _Making(list(argv), dict(env), relay, word)
    if name == "api":
        _substitute_api(making)
    for provider in PROVIDERS:
        has_key = any(env.get(key) for key in provider.keys)
        if any(route.name == provider.name for route in making.routes) or not (has_key or env.get(provider.variable)):
            continue
        upstream = env.get(provider.variable) or provider.upstream
        making.env[provider.variable] = making.add(provider.name, upstream, provider.keys.items(), provider.headers)
    if name == "codex":
        _substitute_codex(making)
    if name == "gemini":
        _substitute_gemini(making)
    if name == "opencode":
        _substitute_opencode(making)
    if name == "claude":  # it would ask hosts that are refused, and each is told to the next attempt
        making.env.setdefault("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
    inside = _with_proxy(making.env, relay)
    ours = {stand_in for route in making.routes for stand_in in route.keys}
    left = [one for one in find_secrets(inside) if inside[one] not in ours]
    kept = tuple(one for one in left if one in KEY_VARIABLES or not _matches(one, passed))
    inside = {one: value for one, value in inside.items() if one not in kept}
    return Substituted(tuple(making.argv), inside, tuple(making.routes), kept, making.files)


def substitute_for_check(argv: tuple[str, ...], env: Mapping[str, str], *, relay: str) -> Substituted:
    """Return what a check gets inside: no provider's key, and no route to one."""
    return Substituted(argv, _with_proxy({name: env[name] for name in env if name not in KEY_VARIABLES}, relay))


def _substitute_api(making: _Making) -> None:
    """The API agent is told by arguments where it calls, and which variable holds its key."""
    provider = PROVIDERS[0]
    upstream = _argument(making.argv, "--base-url") or making.env.get(provider.variable) or provider.upstream
    chosen = _argument(making.argv, "--api-key-env")
    keys = ((chosen, "sk-"),) if chosen else tuple(provider.keys.items())
    making.env[provider.variable] = address = making.add(provider.name, upstream, keys, provider.headers)
    for other in provider.keys:
        if chosen and other != chosen:
            making.env.pop(other, None)
    if "--base-url" in making.argv:
        making.argv += ["--base-url", address]  # the last one counts


def _substitute_codex(making: _Making) -> None:
    """Codex takes its address from its configuration alone (since 0.119)."""
    address = next((f"{making.relay}/{route.name}" for route in making.routes if route.name == "openai"), "")
    if address and "exec" in making.argv:
        at = making.argv.index("exec") + 1
        making.argv[at:at] = ["-c", f'openai_base_url="{address}"']


def _substitute_gemini(making: _Making) -> None:
    """Gemini CLI takes an address for a gateway's, which it refuses without a person; its settings say that it is none.

    Observed with 0.61.0: "Invalid auth method selected".
    """
    if any(route.keys for route in making.routes):
        making.files["gemini.json"] = json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}})
        making.env["GEMINI_CLI_SYSTEM_SETTINGS_PATH"] = "/tmp/gemini.json"


def _substitute_opencode(making: _Making) -> None:
    """Opencode takes addresses from its configuration, whose inline form is merged over the others."""
    ways = {"anthropic": ("anthropic", "/v1"), "openai": ("openai", ""), "gemini": ("google", "/v1beta")}
    try:
        whole = json.loads(making.env.get("OPENCODE_CONFIG_CONTENT") or "{}")
    except ValueError:
        return
    if not isinstance(whole, dict) or not making.routes:
        return
    for route in making.routes:
        if route.name not in ways:
            continue
        known_as, version = ways[route.name]
        options = whole.setdefault("provider", {}).setdefault(known_as, {}).setdefault("options", {})
        options["baseURL"] = f"{making.relay}/{route.name}{version}"
    making.env["OPENCODE_CONFIG_CONTENT"] = json.dumps(whole)


def _with_proxy(env: Mapping[str, str], relay: str) -> dict[str, str]:
    """Return the environment with the broker as its proxy; the person's own, and what they exempt from it, are out."""
    inside = {name: value for name, value in env.items() if name.upper() not in _PROXIES}
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        inside[name] = inside[name.lower()] = relay
    inside["NO_PROXY"] = inside["no_proxy"] = _PROXY_FREE
    inside.setdefault("NODE_USE_ENV_PROXY", "1")
    return inside


def _argument(argv: Iterable[str], option: str) -> str:
    """Return the last value of an option, "" when it is not there."""
    found, before = "", ""
    for word in argv:
        found = word if before == option else word.partition("=")[2] if word.startswith(f"{option}=") else found
        before = word
    return found


def _parse_headers(text: str) -> Iterable[tuple[str, str]]:
    """Yield what a variable of headers holds, a `Name: value` a line."""
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip():
            yield name.strip(), value.strip()


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
