"""Keys that stay outside the sandbox: what a command gets in their place, and where its calls go instead. Pure.

A provider's key is replaced by a random word of the same shape, and its address by the broker's. What the broker then
needs to know is a `Route`: the upstream, and which word stands for which key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from harness.domain.agent import Access
from harness.domain.provider import Provider, Redirected
from harness.system.command import Command
from harness.system.redact import find_secrets

LENGTH = 40  # random characters of a stand-in
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
    """An environment in which stand-ins take the place of keys, and the routes that know which is for which."""

    env: dict[str, str]
    relay: str
    word: Callable[[], str]
    routes: list[Route] = field(default_factory=list)

    def add(self, provider: Provider, upstream: str) -> str:
        """Put stand-ins in the place of a provider's keys, and return the address of its route."""
        known = {}
        for variable, shape in provider.keys.items():
            if value := self.env.get(variable, "").strip():
                stand_in = shape + self.word()
                known[stand_in] = value
                self.env[variable] = stand_in
        told = tuple(_parse_headers(self.env.pop(provider.headers, ""))) if provider.headers else ()
        self.routes.append(Route(provider.name, upstream.rstrip("/"), known, told))
        return self.addresses[provider.name]

    @property
    def addresses(self) -> dict[str, str]:
        """Where the broker is reached for each provider."""
        return {route.name: f"{self.relay}/{route.name}" for route in self.routes}


def substitute_for_agent(
    command: Command,
    access: Access,
    providers: Iterable[Provider],
    *,
    relay: str,
    word: Callable[[], str],
    passed: tuple[str, ...] = (),
) -> Substituted:
    """Return what an agent gets inside, where `relay` is the broker's address and `word` gives random letters.

    Of `providers`, which are all that there are, those of its `access` are as the agent has them. `passed` are the
    patterns of variables that a person lets through by name: a secret among them that is no provider's key goes in as
    it is.
    """
    known = {one.name: one for one in providers}
    own = {one.name: one for one in access.providers}
    making = _Making(dict(command.env), relay, word)
    for provider in {**known, **own}.values():
        told = command.env.get(provider.variable)
        if not (provider.settled or told or any(command.env.get(key) for key in provider.keys)):
            continue
        upstream = told if told and not provider.settled else provider.upstream
        making.env[provider.variable] = making.add(provider, upstream)
        for variable in known[provider.name].keys if provider.name in known else ():
            if variable not in provider.keys:
                making.env.pop(variable, None)
    inside = Redirected(command.argv, making.env, making.addresses, any(route.keys for route in making.routes))
    if access.redirect is not None:
        inside = access.redirect(inside)
    env = _with_proxy(inside.env, relay)
    ours = {stand_in for route in making.routes for stand_in in route.keys}
    keys = _key_variables((*known.values(), *own.values()))
    left = [one for one in find_secrets(env) if env[one] not in ours]
    kept = tuple(one for one in left if one in keys or not _matches(one, passed))
    env = {one: value for one, value in env.items() if one not in kept}
    return Substituted(inside.argv, env, tuple(making.routes), kept, inside.files)


def substitute_for_check(command: Command, providers: Iterable[Provider], *, relay: str) -> Substituted:
    """Return what a check gets inside: no provider's key, and no route to one."""
    keys = _key_variables(providers)
    env = {name: value for name, value in command.env.items() if name not in keys}
    return Substituted(command.argv, _with_proxy(env, relay))


def _key_variables(providers: Iterable[Provider]) -> frozenset[str]:
    """Return the variables that hold a provider's key."""
    return frozenset(key for provider in providers for key in provider.keys)


def _with_proxy(env: Mapping[str, str], relay: str) -> dict[str, str]:
    """Return the environment with the broker as its proxy; the person's own, and what they exempt from it, are out."""
    inside = {name: value for name, value in env.items() if name.upper() not in _PROXIES}
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        inside[name] = inside[name.lower()] = relay
    inside["NO_PROXY"] = inside["no_proxy"] = _PROXY_FREE
    inside.setdefault("NODE_USE_ENV_PROXY", "1")
    return inside


def _parse_headers(text: str) -> Iterable[tuple[str, str]]:
    """Yield what a variable of headers holds, a `Name: value` a line."""
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip():
            yield name.strip(), value.strip()


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
