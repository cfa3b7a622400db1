"""What a request out of a sandbox comes to: a call of a model, a call of a listed host, or a refusal. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness.domain.hosts import Target, is_listed, parse_target
from harness.domain.text import shown
from harness.sandbox.network.credentials import Route
from harness.sandbox.network.heads import Fields, Head, is_straight, onward, put_key


@dataclass(frozen=True, slots=True)
class Ways:
    """Where the command inside may go: `own` is where it sees us, `routes` are by their names."""

    own: Target
    routes: Mapping[str, Route]
    hosts: frozenset[Target]


@dataclass(frozen=True, slots=True)
class Call:
    """A request that will be passed on: where, as what, and what must not come back."""

    head: Head
    scheme: str
    target: Target
    path: str
    fields: Fields
    secrets: tuple[str, ...] = ()
    checked: bool = True  # whether the address must be a public one

    @property
    def shown(self) -> str:
        """Where it goes, without what is asked there."""
        return f"{self.target}{shown(self.path.partition('?')[0])}"


# What is compressed could not be looked through, nor what comes in ranges of a few bytes.
_UNSEEN = {"accept-encoding", "range", "if-range", "request-range"}


class Refused(Exception):
    """What is asked for is not allowed: a status, a sentence for who asked, and the host that is not listed."""

    def __init__(self, status: int, sentence: str, asked: str = "") -> None:
        """`asked` is "" where it was no host."""
        super().__init__(sentence)
        self.status, self.sentence, self.asked = status, sentence, asked


def plan(head: Head, ways: Ways) -> Call:
    """Return what a request comes to. Raises Refused."""
    if "upgrade" in head.get("connection").lower() and head.get("upgrade"):
        raise Refused(426, "connections cannot be upgraded here")
    if head.target.startswith("/"):
        return _plan_route(head, head.target, ways)
    scheme, mark, rest = head.target.partition("://")
    authority, slash, path = rest.partition("/")
    if scheme.lower() != "http" or not mark:
        raise Refused(400, "this is neither a path nor an address of http://")
    if parse_target(authority, 80) in (ways.own, Target("localhost", ways.own.port)):
        return _plan_route(head, slash + path, ways)
    target = check(authority, ways, 80)
    fields = [(name, value) for name, value in onward(head.fields) if name.lower() != "host"]
    return Call(head, "http", target, f"/{path}", [("Host", authority), *fields])


def check(asked: str, ways: Ways, port: int | None = None) -> Target:
    """Return the host that is asked for, `port` where it names none. Raises Refused for one that is not listed."""
    target = parse_target(asked, port)
    if target is not None and is_listed(target, ways.hosts):
        return target
    name = shown(asked) if target is None else str(target)
    sentence = f"`{name}` is not in `sandbox_hosts` of harness.yaml, so it cannot be reached from here"
    raise Refused(403, sentence, name)


def _plan_route(head: Head, path: str, ways: Ways) -> Call:
    """Return a call of a model's server: with the key in its place, and nothing compressed on the way back."""
    name, _, rest = path.removeprefix("/").partition("/")
    name, mark, query = name.partition("?")
    route = ways.routes.get(name)
    if route is None or not is_straight(path):
        raise Refused(403, "there is no way here: a host is reached by proxy, and listed in `sandbox_hosts`")
    parts = urlsplit(route.upstream)
    target = Target(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
    onto = parts.path.rstrip("/") + (f"/{rest}" if rest or not mark else "") + (f"?{query}" if mark else "")
    fields, onto = put_key(onward(head.fields), onto or "/", route.keys)
    ours = {name.lower() for name, _ in route.headers} | {"host"}
    secrets = (*route.keys.values(), *(value for _, value in route.headers))
    ours |= _UNSEEN if secrets else set()
    fields = [(name, value) for name, value in fields if name.lower() not in ours]
    fields += [("Accept-Encoding", "identity")] if secrets else []
    host = parts.netloc.rpartition("@")[2]
    return Call(head, parts.scheme, target, onto, [("Host", host), *fields, *route.headers], secrets, checked=False)
