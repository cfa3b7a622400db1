"""The sandbox-exec profile for macOS: what an agent may see and write, in Apple's profile language. Pure, and untested.

Of two rules about one thing the later wins. Nothing can be mounted there, so the agent sees the real logs/, of which
it may touch its feature's files alone, and writes them itself. Sources: sandbox(7), the profiles of Chromium and Codex.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.sandbox.bubblewrap import Mounts

PROGRAM = "/usr/bin/sandbox-exec"

_BASE = """\
(version 1)
(deny default)
(allow process-exec process-fork)
(allow process-info* signal (target same-sandbox))
(allow sysctl-read ipc-posix-sem ipc-posix-shm pseudo-tty file-ioctl system-socket)
(allow mach-lookup
  (global-name "com.apple.SecurityServer") (global-name "com.apple.SystemConfiguration.configd")
  (global-name "com.apple.bsd.dirhelper") (global-name "com.apple.dnssd.service") (global-name "com.apple.logd")
  (global-name "com.apple.networkd") (global-name "com.apple.ocspd") (global-name "com.apple.securityd.xpc")
  (global-name "com.apple.system.logger") (global-name "com.apple.system.notification_center")
  (global-name "com.apple.system.opendirectoryd.libinfo") (global-name "com.apple.system.opendirectoryd.membership")
  (global-name "com.apple.trustd") (global-name "com.apple.trustd.agent"))
(allow iokit-open (iokit-registry-entry-class "RootDomainUserClient"))
(allow file-read*)
(deny file-read* (subpath "/Users") (subpath "/Volumes") (subpath "/private/tmp") (subpath "/private/var/folders")
  (subpath "/private/var/root") (literal "/private/etc/master.passwd"))
(allow file-read-metadata)
(allow file-write* (literal "/dev/null") (literal "/dev/zero") (literal "/dev/tty") (literal "/dev/ptmx")
  (regex #"^/dev/ttys[0-9]+$") (regex #"^/dev/fd/"))
"""


def compose_profile(
    mounts: Mounts, *, scratch: Path, logs: Path, own: Iterable[Path] = (), absent: Iterable[Path] = ()
) -> str:
    """Return the profile; every path must be real, without links.

    `scratch` is its temporary folder; of `logs` it may touch `own` alone; `absent` must not come to be.
    """
    writable, absent = (mounts.workspace, *mounts.writable, scratch), tuple(absent)
    rules = [
        _rule("allow file-read*", (*mounts.readable, *writable)),
        _rule("allow file-write*", writable),
        _rule("deny file-write*", (*mounts.protected, *absent)),
        _rule("deny file-write-unlink", _around((*mounts.protected, *absent), writable), kind="literal"),
        _rule("deny file-read* file-write*", (*mounts.masked, *mounts.emptied)),
        _rule("deny file-read* file-write*", (logs,)),
        _rule("allow file-read* file-write*", own),
        "(allow network*)" if mounts.network else "",
    ]
    return _BASE + "\n".join(filter(None, rules)) + "\n"


def _around(paths: Iterable[Path], writable: tuple[Path, ...]) -> list[Path]:
    """Return the folders that hold these and could be renamed away, with what is read-only in them."""
    found = {folder for path in paths for folder in path.parents}
    return sorted(folder for folder in found if any(folder.is_relative_to(one) for one in writable))


def _rule(what: str, paths: Iterable[Path], kind: str = "subpath") -> str:
    """Return a rule about files, and folders with all in them (`literal`: folders alone); "" for none."""
    names = " ".join(f"({kind} {_quote(path)})" for path in paths)
    return f"({what} {names})" if names else ""


def _quote(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
