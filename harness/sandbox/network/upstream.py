"""The way from harness to a server: through the person's own proxy, or to an address that was looked at first.

The only home of TLS. A name is resolved once, and what is dialled is what was checked.
"""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from harness.domain.hosts import Target, is_loopback, may_dial
from harness.sandbox.network.mask import Mask
from harness.system import files

CONNECT_TIMEOUT = 30.0  # seconds for each of: a connection, a proxy's answer, a handshake
_AUTHORITIES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
_HEAD_LIMIT = 64 * 1024  # bytes of what a proxy answers to CONNECT

Watch = Callable[[socket.socket], None]  # is told each socket at once, so that it can be ended from elsewhere


class ServerUnreachable(Exception):
    """A server cannot be reached; the message is a sentence."""


class PrivateAddress(ServerUnreachable):
    """A listed name leads to an address that is nobody's business."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy of the person's own; `authorization` is the header it wants, "" for none."""

    at: Target
    authorization: str


def find_proxy(environ: Mapping[str, str], scheme: str, target: Target) -> Proxy | None:
    """Return the proxy that the environment names for a server; None for the direct way. Raises ServerUnreachable."""
    if is_loopback(target.host):
        return None
    if _is_exempt(target, environ.get("no_proxy") or environ.get("NO_PROXY") or ""):
        return None
    names = [f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY"]
    said = next((environ[name] for name in names if environ.get(name)), "")
    if not said:
        return None
    parts = urlsplit(said if "://" in said else f"http://{said}")
    if parts.scheme != "http" or not parts.hostname:
        raise ServerUnreachable(f"a proxy of the kind {parts.scheme}:// cannot be passed through")
    secret = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode()
    authorization = f"Basic {base64.b64encode(secret).decode()}" if parts.username else ""
    return Proxy(Target(parts.hostname, parts.port or 80), authorization)


def _is_exempt(target: Target, exempt: str) -> bool:
    """Whether a server is reached without the proxy: `NO_PROXY` names it, its port, a domain above it, or all."""
    names = [word.lower() for word in exempt.replace(",", " ").split()]
    above = [target.host, *(target.host[at + 1 :] for at, letter in enumerate(target.host) if letter == ".")]
    forms = {form for name in above for form in (name, f"{name}:{target.port}")}
    return "*" in names or any(name.removeprefix("*").removeprefix(".") in forms for name in names)


def connect(target: Target, proxy: Proxy | None, watch: Watch, *, checked: bool) -> socket.socket:
    """Return a connection to the server; `checked` refuses addresses that are not public. Raises ServerUnreachable."""
    if proxy is None:
        return _dial(target, watch, checked=checked)
    return _open_tunnel(_dial(proxy.at, watch, checked=False), target, proxy)


def connect_to_proxy(proxy: Proxy, watch: Watch) -> socket.socket:
    """Return a connection to the proxy itself, for what it is asked by whole addresses. Raises ServerUnreachable."""
    return _dial(proxy.at, watch, checked=False)


def make_context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Return what TLS is judged by: the system's authorities, and those that the person's variables name."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    for name in _AUTHORITIES:
        if files.is_file(Path(environ.get(name) or "/nonexistent")):
            with suppress(OSError):  # ssl.SSLError among them: a file that holds none
                context.load_verify_locations(environ[name])
    return context


def wrap_tls(connection: socket.socket, host: str, context: ssl.SSLContext, watch: Watch) -> ssl.SSLSocket:
    """Return the connection with TLS, the server's name proven. Raises ServerUnreachable."""
    try:
        secured = context.wrap_socket(connection, server_hostname=host, do_handshake_on_connect=False)
        watch(secured)
        secured.settimeout(CONNECT_TIMEOUT)
        secured.do_handshake()
        secured.settimeout(None)
    except (OSError, ValueError) as error:
        connection.close()
        raise ServerUnreachable(f"no TLS with {host}: {getattr(error, 'verify_message', '') or error}") from error
    return secured


def _dial(target: Target, watch: Watch, *, checked: bool) -> socket.socket:
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ServerUnreachable(f"{target.host} is not known: {getattr(error, 'strerror', None) or error}") from error
    allowed = [one for one in found if not checked or may_dial(target.host, str(one[4][0]))]
    if not allowed:
        raise PrivateAddress(f"{target.host} leads to an address that is not public")
    problem: OSError | None = None
    for family, kind, protocol, _, address in allowed:
        connection = socket.socket(family, kind, protocol)
        watch(connection)
        try:
            connection.settimeout(CONNECT_TIMEOUT)
            connection.connect(address)
            connection.settimeout(None)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        except OSError as error:
            connection.close()
            problem = error
    raise ServerUnreachable(f"{target} does not answer: {getattr(problem, 'strerror', None) or problem}")


def _open_tunnel(connection: socket.socket, target: Target, proxy: Proxy) -> socket.socket:
    """Ask a proxy for a tunnel; its answer is read byte by byte, since what follows is not ours."""
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    lines += [f"Proxy-Authorization: {proxy.authorization}"] if proxy.authorization else []
    answer = b""
    try:
        connection.settimeout(CONNECT_TIMEOUT)
        connection.sendall("\r\n".join((*lines, "", "")).encode())
        while not answer.endswith(b"\r\n\r\n") and len(answer) < _HEAD_LIMIT and (part := connection.recv(1)):
            answer += part
        connection.settimeout(None)
    except OSError as error:
        connection.close()
        raise ServerUnreachable(f"the proxy {proxy.at} does not answer: {error}") from error
    status = answer.split(b"\r\n")[0].decode("latin-1").split(" ", 2)
    if len(status) < 2 or status[1] != "200":
        connection.close()
        said = Mask([proxy.authorization]).text(" ".join(status[1:]))
        raise ServerUnreachable(f"the proxy {proxy.at} refuses {target}: {said[:100]}")
    return connection
