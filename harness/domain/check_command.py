"""What a check's command line says about itself: how it is run, whether it could fail, what it needs. Pure.

Sources: POSIX.1-2024, Shell Command Language, 2.9 (lists) and `set -e`; bash(1), `pipefail`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator

# Every part counts: a list ends at its first failure, a pipe fails with any of its commands.
BASH = ("bash", "--noprofile", "--norc", "-o", "errexit", "-o", "pipefail", "-c")
SH = ("/bin/sh", "-e", "-c")  # where there is no bash: in a pipe only the last command counts
_ALWAYS_GREEN = {"true", ":", "echo", "printf"}
_GROUPS = {"(", ")", "{", "}"}


def why_it_cannot_fail(command: str) -> str:
    """Return what makes a check green whatever happens, in a few words; "" where it can fail.

    Said only of what is certain: a line that cannot be read as words is taken to be sound.
    """
    try:
        parts = list(split_commands(command))
    except ValueError:
        return ""
    for (operator, words), (after, _) in zip(parts, [*parts[1:], ("", ())], strict=True):
        if operator == "||" and _is_always_green(words):
            return f"`|| {' '.join(words)}` turns every failure into success"
        if after == "&":
            return f"`{' '.join(words)} &` runs in the background, and its exit code is lost"
        if words[:1] == ("set",) and any((word.startswith("+") and "e" in word) or word == "+o" for word in words[1:]):
            return f"`{' '.join(words)}` lets failures pass"
    commands = [words for _, words in parts if words]
    if commands and all(_is_always_green(words) for words in commands):
        return f"`{' '.join(commands[-1])}` always succeeds"
    return ""


def may_want_failure(command: str) -> bool:
    """Return whether a check may be green because something in it fails: `! pytest broken`, `if …`, `… || …`."""
    return _TURNS.search(command) is not None


_TURNS = re.compile(r"(?:^|[;&|(]|\b(?:then|do|else))\s*(?:!|if|while|until)\s|\|\|")


def only_reads(command: str) -> bool:
    """Return whether a check does nothing but look at files for words of its own: `grep -q size docs/cli.md`.

    It runs nothing of the project, so that only what it looks at says how it ends.
    """
    if re.search(r"[`<>]|\$\(", command):
        return False
    try:
        parts = [[word for word in words if word != "!"] for _, words in split_commands(command)]
    except ValueError:
        return False
    return any(parts) and all(map(_is_reading, filter(None, parts)))


def _is_reading(words: list[str]) -> bool:
    if words[0] in _BY_WORDS:
        return not any(map(_BY_A_FILE.fullmatch, words[1:]))
    return words[0] in ("cd", "test", "[", "ls", "stat", "cat", "head", "tail", "wc", "sort", "uniq")


_BY_WORDS = {"grep", "egrep", "fgrep", "rg", "jq"}
_BY_A_FILE = re.compile(r"-\w*f\w*|--(?:from-)?file\b.*")  # of words that are not its own


def find_missing(command: str, is_there: Callable[[str], bool]) -> str:
    """Return the first program that a check runs by its name and that is not there; "" where all are.

    Said only of what is certain: nothing of a line that changes PATH, defines functions or holds more than commands.
    """
    if _MAKES_ITS_OWN.search(command):
        return ""
    try:
        parts = [list(words) for _, words in split_commands(command)]
    except ValueError:
        return ""
    for words in parts:
        while words and (words[0] in _BEFORE_A_COMMAND or _ASSIGNMENT.match(words[0])):
            words.pop(0)
        if words and words[0] not in _OF_THE_SHELL and _NAME.fullmatch(words[0]) and not is_there(words[0]):
            return words[0]
    return ""


_MAKES_ITS_OWN = re.compile(
    r"PATH|activate|\(\)|<<|\b(?:function|case|alias|hash|source|nvm|direnv|eval)\b|(?:^|[;&|]\s*)\.\s"
)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_NAME = re.compile(r"[A-Za-z0-9][\w.+-]*")
_BEFORE_A_COMMAND = {"!", "if", "then", "elif", "else", "while", "until", "do", "time"}
_OF_THE_SHELL = {
    "for", "select", "fi", "done", "esac", "bg", "bind", "break", "builtin", "caller", "cd", "command", "compgen",
    "complete", "compopt", "continue", "coproc", "declare", "dirs", "disown", "echo", "enable", "exec", "exit",
    "export", "false", "fc", "fg", "getopts", "help", "history", "in", "jobs", "kill", "let", "local", "logout",
    "mapfile", "popd", "printf", "pushd", "pwd", "read", "readarray", "readonly", "return", "set", "shift", "shopt",
    "suspend", "test", "times", "trap", "true", "type", "typeset", "ulimit", "umask", "unalias", "unset", "wait",
}  # fmt: skip


def _is_always_green(words: tuple[str, ...]) -> bool:
    return bool(words) and (words[0] in _ALWAYS_GREEN or words == ("exit", "0"))


_WITHIN_A_WORD = re.compile(r"(?<=[^\s;&|()<>])#")  # no comment, though shlex takes it for one
_MARK = "\ue000"


def split_commands(command: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each command with the operator before it. Raises ValueError where quotes do not match."""
    marked = _WITHIN_A_WORD.sub(_MARK, command.replace("\\\n", " "))
    # The line end stays: a comment ends there.
    lexer = shlex.shlex(marked.replace("\n", "\n; "), posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, "#"
    before, words = "", list[str]()
    for token in (one.replace(_MARK, "#") for one in lexer):
        if token in _GROUPS or (token and set(token) <= set(";&|")):
            yield before, tuple(words)
            before, words = token, []
        else:
            words.append(token)
    yield before, tuple(words)
