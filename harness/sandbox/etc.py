"""What a sandbox shows of /etc: a list; shadow, ssh, pip.conf and npmrc with their tokens are not on it.

The files are copied into one folder, which is mounted: forty mounts of their own cost each start of a sandbox as much
as all others together. A copy is made anew when its file has changed, as `resolv.conf` does with the network.
"""

from __future__ import annotations

import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from harness.system import files

NEEDED = (
    "passwd", "group", "nsswitch.conf", "hosts", "host.conf", "gai.conf", "resolv.conf", "services", "protocols",
    "localtime", "timezone", "os-release", "lsb-release", "debian_version", "mime.types", "locale.alias", "locale.conf",
    "ssl", "pki", "ca-certificates", "crypto-policies", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives",
    "fonts", "terminfo", "inputrc", "bash.bashrc", "profile", "gitconfig", "java-17-openjdk", "java-21-openjdk",
    "perl", "python3", "python3.11", "python3.12", "python3.13", "magic", "papersize",
)  # fmt: skip


@dataclass(slots=True)
class Etc:
    """Keeps copies of the files in `folder`; `source` is the machine's own."""

    folder: Path
    source: Path = Path("/etc")
    _copied: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def refresh(self) -> tuple[str, ...]:
        """Copy what has changed; returns the folders of /etc, each of which has a place in ours to be mounted on."""
        files.make_folder(self.folder)
        folders = list[str]()
        for name in NEEDED:
            source, copy = self.source / name, self.folder / name
            try:
                found = source.stat()
            except OSError:
                self._copied.pop(name, None)
                with suppress(OSError):
                    copy.unlink(missing_ok=True)
                continue
            if stat.S_ISDIR(found.st_mode):
                copy.mkdir(exist_ok=True)
                folders.append(name)
            elif stat.S_ISREG(found.st_mode):
                self._copy(name, (found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev))
        return tuple(folders)

    def _copy(self, name: str, stamp: tuple[int, ...]) -> None:
        if self._copied.get(name) == stamp:
            return
        with suppress(OSError):  # what we cannot read, nobody reads inside
            files.write_atomic(self.folder / name, (self.source / name).read_bytes(), sync=False)
            self._copied[name] = stamp
