"""What a sandbox shows of /etc: a list; shadow, ssh, pip.conf and npmrc with their tokens are not on it.

The files are copied into one folder, which is mounted: forty mounts of their own cost each start of a sandbox as much
as all others together. A copy is made anew when its file has changed, as `resolv.conf` does with the network.
"""

from __future__ import annotations

import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from harness.domain.errors import StorageError
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
        """Copy what has changed; returns what is to be mounted on its place in our folder.

        Folders, and files for a copy of which there is no room.
        """
        files.make_folder(self.folder)
        mounted = list[str]()
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
                mounted.append(name)
            elif stat.S_ISREG(found.st_mode):
                stamp = (found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev)
                mounted += [] if self._copied.get(name) == stamp or self._copy(name, stamp) else [name]
        return tuple(mounted)

    def _copy(self, name: str, stamp: tuple[int, ...]) -> bool:
        """Copy a file; returns whether that is all there is to do: what we cannot read, nobody reads inside."""
        try:
            content = (self.source / name).read_bytes()
        except OSError:
            return True
        try:
            files.write_atomic(self.folder / name, content, sync=False)
        except StorageError:
            (self.folder / name).touch()
            return False
        self._copied[name] = stamp
        return True
