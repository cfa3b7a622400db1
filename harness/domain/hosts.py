"""Which hosts may be reached: their names as a person lists them and as a request asks for them, their addresses. Pure.

A name is `[a-z0-9.-]+` and nothing else, compared as a whole after lower-casing: no patterns, no escapes, no unicode,
so that no two readers can see two hosts in one name.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

DEFAULT_PORTS = (80, 443)
LONGEST = 253  # characters of a name, as the DNS has it
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TARGET = re.compile(r"([A-Za-z0-9.-]+)(?::([0-9]{1,5}))?")
_CARRIERS = tuple(map(IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")))


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """A host and a port, as they are compared and dialled."""

    host: str
    port: int

    def __str__(self) -> str:
        """As one writes it."""
        return f"{self.host}:{self.port}"


def parse_listed(text: str) -> tuple[Target, ...]:
    """Return what one entry of `sandbox_hosts` allows: `pypi.org` is its ports 80 and 443. Raises ValueError."""
    found = _TARGET.fullmatch(text)
    if found is None or "*" in text:
        raise ValueError(f"must be host names such as `pypi.org` or `localhost:5432`, and `{text}` is not one")
    host, port = _normal(found[1]), int(found[2] or 443)
    if not _is_sound(host):
        raise ValueError(f"must be host names such as `pypi.org` or `localhost:5432`, and `{text}` is not one")
    if not 0 < port < 65536:
        raise ValueError(f"must have ports from 1 to 65535, and that of `{text}` is not")
    return (Target(host, port),) if found[2] else tuple(Target(host, one) for one in DEFAULT_PORTS)


def parse_target(text: str, port: int | None = None) -> Target | None:
    """Return the host and port that a request names, `port` where it names none; None for what is no plain name."""
    found = _TARGET.fullmatch(text)
    if found is None or (found[2] is None and port is None):
        return None
    target = Target(_normal(found[1]), int(found[2] or port or 0))
    return target if _is_sound(target.host) and 0 < target.port < 65536 else None


def is_listed(target: Target, listed: Collection[Target]) -> bool:
    """Whether a host may be reached: it stands in the list as it is."""
    return target in listed


def is_loopback(host: str) -> bool:
    """Whether a name means this machine."""
    return host == "localhost" or (_is_address(host) and IPv4Address(host).is_loopback)


def may_dial(host: str, address: str) -> bool:
    """Whether an address that a listed name led to may be dialled: a public one; of `localhost`, the loopback's."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if host == "localhost":
        return found.is_loopback
    return host == address or _is_public(found)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped
        if inner is not None:
            return _is_public(inner)
        if any(address in network for network in _CARRIERS):  # an IPv4 address in disguise
            return False
    return address.is_global and not address.is_multicast


def _normal(name: str) -> str:
    return name.lower().removesuffix(".")


def _is_sound(host: str) -> bool:
    labels = host.split(".")
    if len(host) > LONGEST or not all(map(_LABEL.fullmatch, labels)):
        return False
    is_number = labels[-1].isdigit() or re.fullmatch(r"0x[0-9a-f]*", labels[-1]) is not None
    return not is_number or _is_address(host)  # `127.1` and `0x7f000001` are addresses to some readers


def _is_address(host: str) -> bool:
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True
