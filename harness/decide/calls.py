"""What the checks of a feature call: their words, and those of the scripts and targets that they lead to. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import PurePosixPath

from harness.decide.configured import find_options
from harness.decide.tasks import find_needed, find_reached
from harness.decide.words import find_folders, find_words, is_named, is_pattern, leave_open

MOST_FOLLOWED = 40  # files that are read to see what checks call
MOST_ROUNDS = 5  # of what is asked for in turn
MOST_FOLDERS = 24  # in which they are looked for
LONGEST = 2000  # characters of a command that are read
MOST_ALIKE = 3  # files of which one is meant, by the end of its path


@dataclass(frozen=True, slots=True)
class Called:
    """The words of some checks, and of the scripts and targets that they lead to, as names of files are written."""

    words: frozenset[str]
    indirect: frozenset[str]  # those that stand in such a script or target
    compared: frozenset[str] = frozenset()  # files with which a command compares what it is piped
    loaded: frozenset[str] = frozenset()  # files that test runners load since an option or configuration names them
    run: frozenset[tuple[str, str]] = frozenset()  # those that are commands of a script or a target, and its file
    captured: frozenset[str] = frozenset()  # those of commands whose output a check or a script reads
    included: frozenset[str] = frozenset()  # files that a build file is made of


_PACKAGE = ("package.json",)
_DENO = ("deno.json", "deno.jsonc")
_MAKE = ("gnumakefile", "makefile")
# Programs that find what they run in a file of the project, by its name in small letters.
LEADS: dict[str, tuple[str, ...]] = {
    "make": _MAKE,
    "gmake": _MAKE,
    "MAKE": _MAKE,
    "just": ("justfile", ".justfile"),
    "npm": _PACKAGE,
    "pnpm": _PACKAGE,
    "yarn": _PACKAGE,
    "bun": (*_PACKAGE, "bunfig.toml"),
    "deno": (*_DENO, *_PACKAGE),
    "composer": ("composer.json",),
    "tox": ("tox.ini", "tox.toml", "setup.cfg"),
    "nox": ("noxfile.py",),
    "poe": ("poe_tasks.toml", "poe_tasks.yaml", "poe_tasks.json"),
    "hatch": ("hatch.toml",),
    "pixi": ("pixi.toml",),
    "task": ("taskfile.yml", "taskfile.yaml", "taskfile.dist.yml", "taskfile.dist.yaml"),
    "rake": ("rakefile", "rakefile.rb"),
    "invoke": ("tasks.py",),
    "inv": ("tasks.py",),
    "doit": ("dodo.py",),
    "earthly": ("earthfile",),
    "turbo": ("turbo.json",),
    "nx": ("nx.json",),
    "pre-commit": (".pre-commit-config.yaml",),
}
_HERE_ALONE = frozenset(("make", "gmake", "MAKE", "tox", "nox", "doit", "earthly"))  # that do not look in folders above
_BUILD_FILES = frozenset(name for names in LEADS.values() for name in names)
# As they are most often written.
_SPELLED = {
    "gnumakefile": ("GNUmakefile",),
    "makefile": ("makefile", "Makefile"),
    "justfile": ("justfile", "Justfile"),
    "taskfile.yml": ("Taskfile.yml",),
    "taskfile.yaml": ("Taskfile.yaml",),
    "taskfile.dist.yml": ("Taskfile.dist.yml",),
    "taskfile.dist.yaml": ("Taskfile.dist.yaml",),
    "rakefile": ("Rakefile", "rakefile"),
    "earthfile": ("Earthfile",),
}
_SCRIPTS = (".sh", ".bash", ".zsh", ".py", ".js", ".mjs", ".cjs", ".ts", ".rb", ".pl", ".ps1", ".mk", ".just")
_PIPED = re.compile(r"\|\s*(?:diff|cmp|comm)\b([^|;&\n]*)")
_INCLUDE = re.compile(r"^(?:[-s]?include|import\??)\s+([^#\n]+)", re.MULTILINE)  # of make and just
_MOD = re.compile(r"^mod\??\s+(\w+)(?:\s+[\"']([^\"'\n]+)[\"'])?", re.MULTILINE)  # of just
_OF_TASK = re.compile(r"^includes:[^\n]*\n((?:[ \t]+[^\n]*\n?|\n)*)", re.MULTILINE)


def may_lead(name: str, called: Collection[str]) -> bool:
    """Whether a program among some words finds in a file of this name what it runs."""
    last = name.rpartition("/")[2].lower()
    return any(last in names and tool in called for tool, names in LEADS.items())


def takes_place_of(name: str, other: str, called: Collection[str]) -> bool:
    """Whether a program among some words would find the other file if there were not this one."""
    (place, _, last), (above, _, old) = (one.lower().rpartition("/") for one in (name, other))
    tools = [tool for tool, names in LEADS.items() if tool in called and last in names and old in names]
    within = above == place or (place.startswith(f"{above}/") if above else True)
    return bool(tools) and (above == place or (within and not _HERE_ALONE.issuperset(tools)))


def follow(
    commands: Iterable[str], read: Callable[[str], str], list_names: Callable[[], Collection[str]] = tuple
) -> Called:
    """Return what commands call; `read` gives the text of a file of the project, "" where there is none.

    `list_names` gives all files of the project: some are named by a pattern, or by the end of their path.
    """
    commands = tuple(commands)
    words = {word for command in commands for word in find_words(command)}
    trail = _Trail(read, list_names, tuple({f"{one}/": 0 for text in commands for one in sorted(find_folders(text))}))
    trail.captured = {word for command in commands for word in find_captured(command)}
    trail.loaded = {word for command in commands for word in find_options(command)}
    trail.asked = words
    trail.walk(words)
    piped = (found for command in commands for found in _PIPED.findall(command) if "-" in found.split())
    compared = frozenset(word for found in piped for word in find_words(found))
    return Called(
        frozenset(words | trail.found),
        frozenset(trail.found),
        compared,
        loaded=frozenset(trail.loaded),
        run=frozenset(trail.find_run()),
        captured=frozenset(trail.captured),
        included=frozenset(trail.included),
    )


@dataclass(slots=True)
class _Trail:
    """The files that were read, and what stands in them."""

    read: Callable[[str], str]
    list_names: Callable[[], Collection[str]]
    folders: tuple[str, ...]
    found: set[str] = field(default_factory=set)
    included: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)  # by the checks themselves
    captured: set[str] = field(default_factory=set)
    loaded: set[str] = field(default_factory=set)
    functions: dict[str, set[str]] = field(default_factory=dict)  # of a script, by the word that led to it
    texts: dict[str, str] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)  # those whose words were taken up
    names: Collection[str] | None = None

    def walk(self, words: Iterable[str]) -> None:
        """Read what the words lead to, and what that leads to."""
        waiting, seen = [(word, "") for word in _in_turn(words)], set[tuple[str, str, int]]()
        while waiting:
            word, place = waiting.pop()
            for name in (*_spell(word), *([word] if _may_be_script(word) else [])):
                asked = (name, place, len(self.folders))
                if asked in seen or len(seen) >= MOST_FOLLOWED:
                    continue
                seen.add(asked)
                for path in self._find_files(name, place):
                    self.functions.setdefault(word, set()).update(_FUNCTION.findall(self.texts[path]))
                    if path not in self.taken:
                        above = path.rpartition("/")[0]
                        waiting += [(one, f"{above}/" if above else "") for one in _in_turn(self._take(path))]

    def find_run(self) -> set[tuple[str, str]]:
        """Return the words that are commands in what is asked for; not what a script reads the output of, or tests."""
        words, run = set(self.asked), set[tuple[str, str]]()
        for _ in range(MOST_ROUNDS):
            reached = {path: find_reached(path, text, words) for path, text in self.taken.items()}
            new = {word for text in reached.values() for word in find_words(text)} - words
            words |= new
            if not new:
                break
        for path, text in reached.items():
            if _is_shell(path, text):
                run |= {(word, path) for word in _find_commands(leave_open(text)[0])}
            elif PurePosixPath(path).name.lower() in _BUILD_FILES:
                run |= {(word, path) for word in find_words(text)}
        return {one for one in run if not is_pattern(one[0]) and not self._is_read(one[0])}

    def _is_read(self, word: str) -> bool:
        """Whether a script reads what the script of this word prints, or a function that it makes."""
        return word in self.captured or not self.captured.isdisjoint(self.functions.get(word, ()))

    def _find_files(self, word: str, place: str) -> list[str]:
        """Return the files to which a word leads: from the root, from where checks go, from beside what names it."""
        paths = [] if is_pattern(word) else [f"{folder}{word}" for folder in dict.fromkeys(("", *self.folders, place))]
        there = [path for path in paths if self._read(path)]
        return there or [path for path in self._find_alike(word) if self._read(path)]

    def _find_alike(self, word: str) -> list[str]:
        if not ("/" in word or "." in word):
            return []
        alike = sorted(name for name in self._list() if is_named(word, name) and _may_be_script(name))
        return alike[:MOST_FOLLOWED] if is_pattern(word) else alike if len(alike) <= MOST_ALIKE else []

    def _find_workspaces(self, path: str, text: str) -> set[str]:
        """Return the folders of the packages that a package is made of: scripts run there, too."""
        patterns, above = find_workspaces(path, text), path.rpartition("/")[0]
        packages = (name for name in self._list() if name.endswith(f"/{_PACKAGE[0]}")) if patterns else ()
        folders = {name.rpartition("/")[0] for name in packages}
        prefix = f"{above}/" if above else ""
        return {one for one in folders if any(is_named(f"{prefix}{pattern}", one) for pattern in patterns)}

    def _list(self) -> Collection[str]:
        if self.names is None:
            self.names = frozenset(self.list_names())
        return self.names

    def _read(self, path: str) -> bool:
        if path not in self.texts and (not self._list() or path in self._list()):
            self.texts[path] = self.read(path)
        return bool(self.texts.get(path))

    def _take(self, path: str) -> set[str]:
        """Take up what stands in a file, and return the words of it that are new."""
        self.taken[path] = self.texts[path]
        text = _commands_in(path, self.texts[path])
        found = find_words(text) | _find_modules(path, text)
        gone_to = sorted(find_folders(text) | self._find_workspaces(path, self.texts[path]))
        self.folders = tuple(dict.fromkeys((*self.folders, *(f"{one}/" for one in gone_to))))
        self.folders = self.folders[:MOST_FOLDERS]
        self.included |= _find_included(path, text)
        self.loaded |= find_options(text)
        self.captured |= find_captured(text, redirected=PurePosixPath(path).suffix in (".sh", ".bash", ".zsh", ""))
        self.captured |= find_words(find_needed(path, text))
        new = found - self.found
        self.found |= found
        return new


def _in_turn(words: Iterable[str]) -> list[str]:
    """Return words so that the last is to be taken first: patterns come after those that name one file."""
    return sorted(words, key=lambda word: (not is_pattern(word), word))


def _spell(word: str) -> list[str]:
    return [name for led in LEADS.get(word, ()) for name in _SPELLED.get(led, (led,))]


def _may_be_script(word: str) -> bool:
    return word.endswith(_SCRIPTS) or ("/" in word and "." not in PurePosixPath(word).name)


def _commands_in(path: str, text: str) -> str:
    name = PurePosixPath(path).name
    if name not in (*_PACKAGE, *_DENO, "composer.json"):
        return text
    with suppress(ValueError, RecursionError):
        found = json.loads(text)
        scripts = found.get("tasks" if name in _DENO else "scripts") if isinstance(found, dict) else None
        return "\n".join(map(str, scripts.values())) if isinstance(scripts, dict) else ""
    return text if name.endswith("c") else ""


def find_workspaces(path: str, text: str) -> list[str]:
    """Return the patterns by which a package.json names the folders of its packages."""
    if PurePosixPath(path).name in _PACKAGE:
        with suppress(ValueError, RecursionError, AttributeError):
            named = json.loads(text).get("workspaces") or []
            named = named.get("packages") or [] if isinstance(named, dict) else named
            return [one.strip("./") for one in named if isinstance(one, str) and one.strip("./")]
    return []


# --- what a build file is made of ---------------------------------------------------------------------------------


def _find_included(path: str, text: str) -> set[str]:
    last = PurePosixPath(path).name.lower()
    if last.startswith("taskfile"):
        return {word for found in _OF_TASK.findall(text) for word in find_words(found) if "." in word or "/" in word}
    if last in (*_MAKE, "justfile", ".justfile") or last.endswith((".mk", ".just")):
        return {word for found in _INCLUDE.findall(text) for word in find_words(found)} | _find_modules(path, text)
    return set()


def _find_modules(path: str, text: str) -> set[str]:
    """Return the files in which a module of just may lie."""
    if not PurePosixPath(path).name.lower().endswith(("justfile", ".just")):
        return set()
    usual = {f"{name}{end}" for name, _ in _MOD.findall(text) for end in (".just", "/mod.just", "/justfile")}
    return usual | {word for _, named in _MOD.findall(text) for word in find_words(named)}


# --- what a script runs -------------------------------------------------------------------------------------------

_FUNCTION = re.compile(r"^[ \t]*(?:function[ \t]+)?([\w-]+)[ \t]*\(\)", re.MULTILINE)
_JOINED = re.compile(r"(\|\||&&|[;&|\n])")  # what stands between commands
_TO_OTHER = re.compile(r"\d*>&[\d-]|&>")
_READER = re.compile(
    r"[ \t]*(?:while[ \t]+)?(?:IFS=\S*[ \t]+)?(?:[efz]?grep|diff|cmp|comm|sed|awk|cut|wc|sort|uniq|tr|jq|read)\b"
)
_KEPT = re.compile(r"(?<![\d&=-])>{1,2}[ \t]*(?!&|/dev/)\S")
_COMMAND = re.compile(
    r"[\s@+!({-]*"
    r"(?:(?:if|then|else|do|while|until|exec|time|command|env|sudo|nice|xargs|timeout[ \t]+[\w.]+|[A-Za-z_]\w*=\S*)"
    r"[ \t]+)*"
    r"(?:(?:(?:[\w./-]*/)?(?:ba|da|z|k)?sh|\.|source|\0)[ \t]+(?:-\w+[ \t]+)*[\"']?)*"
    r"[\"']*([\w./@%+~*?\0-]+)"
)
_IN_TURN = re.compile(r"\bfor[ \t]+\w+[ \t]+in[ \t]+([^;\n]{0,300})")


def _is_shell(path: str, text: str) -> bool:
    """Whether a file is written in the language of the shell: a script, or the recipes of a build file."""
    name = PurePosixPath(path).name.lower()
    if name in (*_MAKE, *_PACKAGE, *_DENO, "composer.json", "justfile", ".justfile"):
        return True
    if not PurePosixPath(name).suffix:
        return not text.startswith("#!") or "sh" in text.partition("\n")[0]
    return name.endswith((".sh", ".bash", ".zsh", ".mk", ".just"))


def find_captured(text: str, *, redirected: bool = False) -> set[str]:
    """Return the words of commands whose output is read; with `redirected` also of those that write into a file."""
    outer, inner = leave_open(text)
    parts = _split(outer)
    read = [one for (one, joined), (after, _) in pairwise(parts) if joined == "|" and _READER.match(after)]
    kept = [one for one, _ in parts if _KEPT.search(one)] if redirected else []
    return {word for part in (*inner, *read, *kept) for word in find_words(part)}


def _find_commands(text: str) -> set[str]:
    """Return the words of a script that are commands of it, and not an argument, or something that it reads."""
    named = (found[1] for one, _ in _split(text) if (found := _COMMAND.match(one)) is not None)
    return {word for found in (*named, *_IN_TURN.findall(text)) for word in find_words(found)}


def _split(text: str) -> list[tuple[str, str]]:
    """Return the commands of a script, each with what joins it to the next."""
    parts = _JOINED.split(_TO_OTHER.sub(" ", text))
    return [(one[:LONGEST], joined) for one, joined in zip(parts[::2], (*parts[1::2], ""), strict=True)]
