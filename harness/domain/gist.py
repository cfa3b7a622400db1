"""What a text says, without what differs each time it is said: times, hashes, places in the file system. Pure."""

from __future__ import annotations

import re
from hashlib import sha256

_CHANGES = re.compile(
    r"""(?x)
      \x1b\[[0-9;]*[A-Za-z]                                            # colours
    | \d{4}-\d\d-\d\d(?:[T\ ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?   # moments
    | \b\d\d?:\d\d:\d\d(?:[.,]\d+)?\b
    | \b\d+(?:[.,]\d+)?\ ?(?:ns|us|µs|ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b  # durations
    | \b0x[0-9a-fA-F]+\b                                               # addresses
    | \b(?=[0-9a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,}\b                      # hashes
    | \b(?:seed|pid|port|line\ id|session|run)[=:\ ]+\d+\b             # numbers that are drawn
    | (?<![\w.])/(?:[^\s/:'"]+/)+                                      # the folders of an absolute path
    """
)


def gist(text: str) -> str:
    """Return the text in small letters, its blanks as one, without what changes from one telling to the next."""
    return " ".join(_CHANGES.sub("", text).lower().split())


def digest_gist(*texts: str) -> str:
    """Return a digest that is equal for texts that say the same; "" where they say nothing."""
    said = "\0".join(map(gist, texts))
    return sha256(said.encode("utf-8", "replace")).hexdigest()[:16] if said.strip("\0") else ""
