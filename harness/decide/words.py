"""The words of a command, as names of files are written: what shell, make, npm or just put in their place is left open.

A word with a variable in it names any file whose path ends as the word does: `"$PWD/scripts/verify.sh"` is
`scripts/verify.sh`, `verify-$1.sh` is `verify-*.sh`. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_OPEN = "\0"  # stands for what only a run knows
_NESTED = tuple(
    map(
        re.compile,
        (
            r"\$+\(([^()\n]{0,300})\)",  # $(dirname "$0"), $(CURDIR)
            r"[$#]+\{([^{}\n]{0,300})\}",  # ${here}, #{root}
            r"\{\{([^{}\n]{0,300})\}\}",  # of just and Task
            r"`([^`\n]{0,300})`",
        ),
    )
)
_SINGLE = re.compile(r"\$+(\w+|[@<^*?#%!-])|\{([\w.:]{1,60})\}|%\((\w{1,60})\)s|<(\w{1,40})>")
_DEFAULT = re.compile(r":[-=+?]")  # ${NAME:-else}
_QUOTED = re.compile(r"[\"']*\0[\"']*")
_CLASS = re.compile(r"(?<=[\w/.*-])\[[^\]\s\"'/,]{1,20}\]")  # test_[ab].sh
_TOKEN = re.compile(r"[\w./@%+~*?\0{},-]+")
_WORD = re.compile(r"[\w./@%+~*?\0-]+")
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")
_MODULE = re.compile(r"(?:^|\s)-m[ =]+([A-Za-z_][\w.]*)")  # of Python
_FOLDER = re.compile(r"(?:\bcd|-C|--prefix|--cwd|--dir|--directory|--manifest-path)[ =]+[\"']?([\w./@+~\0-]+)")
_OF_PROGRAMS = ("bin", ".bin", "Scripts")
MOST_BRACES = 3  # in a word that is read for each of them


def find_words(text: str) -> set[str]:
    """Return the words of a text; those with `*` or `?` are patterns."""
    modules = (found.strip(".").replace(".", "/") for found in _MODULE.findall(text))
    named = {*_tokens(text), *(f"{one}{end}" for one in modules for end in (".py", "/__main__.py"))}
    words = {word for found in named for word in _ends_of(found)}
    programs = (word.rsplit("/", 2) for word in words if "/" in word)
    return words | {last for *_, folder, last in programs if folder in _OF_PROGRAMS}


def find_folders(text: str) -> set[str]:
    """Return the folders that the commands of a text go to, from where they begin; without that itself."""
    outer, _ = leave_open(text)
    return {
        folder
        for found in _FOLDER.findall(outer)
        for folder in _ends_of(found)
        if folder[0] != "/" and "*" not in folder
    }


def leave_open(text: str) -> tuple[str, list[str]]:
    """Return a text with a mark for each variable and each command whose output is put there, and what these hold."""
    inner = list[str]()

    def take(found: re.Match[str]) -> str:
        inner.append(_DEFAULT.sub(" ", next(filter(None, found.groups()), "")))
        return _OPEN

    for pattern in _NESTED:
        count, rounds = 1, 0
        while count and rounds < 4:
            (text, count), rounds = pattern.subn(take, text), rounds + 1
    return _QUOTED.sub(_OPEN, _SINGLE.sub(take, text)), inner


def is_pattern(word: str) -> bool:
    """Whether a word names files by `*` or `?`."""
    return "*" in word or "?" in word


def is_named(word: str, name: str) -> bool:
    """Whether a word names a file: by the end of its path, by a pattern of that, or by its path in the machine."""
    if is_pattern(word):
        return _as_regex(word).fullmatch(name) is not None
    if word.startswith("/"):
        return ("/" in name or "." in name) and word.endswith(f"/{name}")
    return name == word or name.endswith(f"/{word}")


@lru_cache(maxsize=4096)
def _as_regex(word: str) -> re.Pattern[str]:
    wild = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", word.lstrip("/"))
    return re.compile("(?:.*/)?" + "".join(wild.get(part, re.escape(part)) for part in parts), re.DOTALL)


def _tokens(text: str) -> Iterator[str]:
    outer, inner = leave_open(text)
    for part in (outer, *inner):
        if part is not outer:
            yield from _tokens(part) if len(part) < len(text) else ()
            continue
        for token in _TOKEN.findall(_CLASS.sub("?", part)):
            for one in _expand(token) if "{" in token else (token,):
                yield from _WORD.findall(one)


def _expand(token: str) -> list[str]:
    """Return a word for each of what stands in braces: `{a,b}.sh`."""
    found = _BRACES.search(token)
    if found is None or token.count("{") > MOST_BRACES:
        return [token]
    return [
        one for each in found[1].split(",") for one in _expand(token[: found.start()] + each + token[found.end() :])
    ]


def _ends_of(word: str) -> list[str]:
    """Return what is sure of the end of a path, after the last folder that is left open; nothing if too little is.

    With `/` before it where it may be the end of a path in the machine.
    """
    if word.isalnum():
        return [word]
    parts = word.split("/")
    unknown = [at for at, part in enumerate(parts[:-1]) if _OPEN in part or (part[:1] == "~" and not at)]
    kept = list[str]()
    for part in parts[unknown[-1] + 1 :] if unknown else parts:
        if part == ".." and kept:
            kept.pop()
        elif part not in ("", ".", ".."):
            kept.append(part)
    end = re.sub(r"\0+", "*", "/".join(kept).rstrip("."))
    sure = re.sub(r"[*?/]", "", end)
    if not sure or (_OPEN in word and is_pattern(end) and "." not in sure and "/" not in end and len(sure) < 3):
        return []
    if unknown and not is_pattern(end):
        return [end, f"/{end}"]
    return [f"/{end}" if word.startswith("/") and not unknown else end]
