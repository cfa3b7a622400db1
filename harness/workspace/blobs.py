"""What many files held in a commit, read at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from harness.workspace.git import Git

IN_ALL = 12 << 20  # bytes that are read at once: git's output is kept up to 16 MiB
_ONLY_HERE = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}  # what is not here is not fetched


def read_files(git: Git, commit: str, names: Iterable[str], largest: int) -> Mapping[str, bytes | None]:
    """Return what files, named from the top of the work tree, held in a commit; None for those it has not.

    Left out are files of more than `largest` bytes, those beyond `IN_ALL` together, and all where git does not work.
    """
    plain = [name for name in names if "\n" not in name]
    if not plain or not commit:
        return {}
    asked = b"".join(os.fsencode(f"{commit}:{name}") + b"\n" for name in plain)
    said = git.ask("cat-file", "--batch-check", stdin=asked, **_ONLY_HERE)
    lines = said.stdout.split(b"\n")[:-1]
    if said.code != 0 or len(lines) != len(plain):
        return {}
    found, chosen, left = dict[str, bytes | None](), dict[str, bytes](), IN_ALL
    for name, line in zip(plain, lines, strict=True):
        blob, kind, size = [*line.rsplit(b" ", 2), b"", b""][:3]
        if kind == b"blob" and size.isdigit():
            left -= int(size)
            if int(size) <= largest and left >= 0:
                chosen[name] = blob
        elif line.endswith(b" missing"):
            found[name] = None
    blobs = list(dict.fromkeys(chosen.values()))
    contents = _read(git, blobs) if blobs else {}
    return found | {name: contents[blob] for name, blob in chosen.items() if blob in contents}


def _read(git: Git, blobs: list[bytes]) -> dict[bytes, bytes]:
    said = git.ask("cat-file", "--batch", stdin=b"\n".join(blobs) + b"\n", **_ONLY_HERE).stdout
    found, at = dict[bytes, bytes](), 0
    for blob in blobs:
        head, _, size = said[at : said.find(b"\n", at)].rpartition(b" ")
        begin = said.find(b"\n", at) + 1
        if not head.startswith(blob) or not size.isdigit() or len(said) < begin + int(size):
            break
        found[blob] = said[begin : begin + int(size)]
        at = begin + int(size) + 1
    return found
