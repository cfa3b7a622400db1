"""Files of tasks that a check asks for by name: targets, recipes, scripts, sessions, environments. Pure.

Those that came are additions, like new tests: they stand beside the old ones, which are as they were.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True)
class Task:
    """A part of a file of tasks; `names` are none for what is no task."""

    names: tuple[str, ...]
    text: str


_JSON = {"package.json": "scripts", "composer.json": "scripts", "deno.json": "tasks", "deno.jsonc": "tasks"}
_MAKE = re.compile(r"(?![\s#.])([^\s:=#][^:=#\n]*?)\s*::?(?![=:])")
_JUST = re.compile(r"(?!set\s|alias\s|export\s|import\s|mod\s)@?([A-Za-z_][\w-]*)(?:\s[^\n:]*)?:(?!=)")
_EARTH = re.compile(r"([a-z][\w-]*):\s*$")
_TOX = re.compile(r"\[testenv:([^\]]+)\]")
_TABLE = re.compile(r"\[(?:env|envs|tool\.poe\.tasks|tool\.tox\.env|tasks)\.[\"']?([\w-]+)[^\]]*\]")
_TASKFILE = re.compile(r"  [\"']?([\w.:-]+)[\"']?:(?:\s|$)")
_RAKE = re.compile(r"(?:multi)?task\s*\(?\s*[:\"']?([\w-]+)")
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (r"(gnu)?makefile|.*\.mk", _MAKE),
    (r"\.?justfile|.*\.just", _JUST),
    (r"earthfile", _EARTH),
    (r"tox\.ini", _TOX),
    (r"tox\.toml|hatch\.toml|poe_tasks\.toml|pixi\.toml", _TABLE),
    (r"taskfile(\.dist)?\.ya?ml", _TASKFILE),
    (r"rakefile(\.rb)?", _RAKE),
)
_SECTIONS = (_TOX, _TABLE)  # that go on to the next heading
_PYTHON = re.compile(r"noxfile\.py|tasks\.py|dodo\.py")
# What make takes for a command, an option or a flag of its own, or a program of what it runs.
_OBEYED = re.compile(
    r"SHELL|\.?SHELLFLAGS|(GNU)?MAKE\w*|MFLAGS|VPATH|PATH|HOME|CDPATH|IFS|ENV|BASH_\w+|LD_\w+|PYTHON\w+|PYTEST\w*|NODE_\w+"
    r"|NPM\w*|GO\w+|CARGO\w*|RUST\w*|JAVA\w*|CLASSPATH|PERL5\w*|RUBY\w*|[A-Z]{1,8}FLAGS|LDLIBS|LOADLIBES|CC|CXX|CPP|AR|AS|LD"
    r"|RM|YACC|LEX|FC|PC|CO|GET|TEX"
)
_WORD = re.compile(r"[\w.@/-]+")
_GOAL = re.compile(r"^\.DEFAULT_GOAL\s*[:?]?:?=\s*(\S+)", re.MULTILINE)
_SETS = re.compile(r"([A-Za-z_]\w*)\s*[:?]?:?=(?!=)")


def split_tasks(name: str, text: str) -> list[Task] | None:
    """Return the parts of a file of tasks, one after the other; None for another file."""
    last = PurePosixPath(name).name
    if last in _JSON:
        scripts = _read_json(last, text)
        return None if scripts is None else [Task((one,), str(said)) for one, said in scripts.items()]
    if _PYTHON.fullmatch(last):
        return _split_python(text)
    heading = next((row for kind, row in _KINDS if re.fullmatch(kind, last.lower())), None)
    return None if heading is None else list(_split_text(text, heading))


def add_tasks(name: str, old: str, new: str) -> tuple[str, frozenset[str]]:
    """Return the old text of a file with the tasks that came in the new one, and their names; none where none came."""
    last = PurePosixPath(name).name
    was, now = split_tasks(name, old), split_tasks(name, new)
    if was is None or now is None or last in _JSON:
        return old, frozenset()  # of these, what only comes is kept everywhere (`judge_sections.py`)
    known = {one for task in was for one in task.names}
    words = set(re.findall(r"[\w.-]+", old))
    came = [task for task in now if task.names and _is_new(task, known)]
    rest = [task for task in now if not task.names and task not in was]
    besides = [task for task in rest if came and _is_free(last, task.text, words, old)]
    text = _join(last, old, [*besides, *came])
    names = frozenset(one for task in came for one in task.names)
    return (text, names) if came else (old, frozenset())


def find_reached(name: str, text: str, words: Collection[str]) -> str:
    """Return what of a file of tasks runs where some words ask for tasks: these, those that they need, and the rest.

    All of it where they ask for none of them by name.
    """
    tasks = split_tasks(name, text)
    if not tasks:
        return text
    rest = [task.text for task in tasks if not task.names and not task.text.startswith(".PHONY")]
    assigned = {word for text in rest if _SETS.match(text) for word in _WORD.findall(text)}
    named = [task for task in tasks if task.names]
    asked = [task for task in named if not set(words).isdisjoint(task.names)]
    if not asked:
        usual = {"test"} if PurePosixPath(name).name in _JSON else {*_GOAL.findall(text)}
        usual = usual or {name for task in named[:1] for name in task.names}
        asked = [one for one in named if not usual.isdisjoint(one.names)]
    reached = list[Task]()
    while asked:
        task = asked.pop()
        reached.append(task)
        around = {f"{when}{one}" for one in task.names for when in ("pre", "post")}
        said = {*_WORD.findall(task.text), *around, *(assigned if "$" in task.text or "{{" in task.text else ())}
        asked += [one for one in named if one not in reached and one not in asked and not said.isdisjoint(one.names)]
    return "\n".join([*rest, *(task.text for task in reached or named)])


def find_needed(name: str, text: str) -> str:
    """Return what the targets of a Makefile are made of: the words after their names."""
    last = PurePosixPath(name).name.lower()
    if not re.fullmatch(_KINDS[0][0], last):
        return ""
    heads = (task.text.partition("\n")[0] for task in split_tasks(name, text) or () if task.names)
    return "\n".join(re.split(r"[;#]", head.partition(":")[2])[0] for head in heads)


def _read_json(last: str, text: str) -> dict[str, object] | None:
    with suppress(ValueError, RecursionError):
        found = json.loads(text)
        scripts = found.get(_JSON[last]) if isinstance(found, dict) else None
        return scripts if isinstance(scripts, dict) else {}
    return None


def _split_text(text: str, heading: re.Pattern[str]) -> Iterator[Task]:
    """Yield the parts of a text: a task begins with a heading, and goes on with what is set in below it."""
    names, lines, inside = tuple[str, ...](), list[str](), heading is not _TASKFILE
    for line in text.splitlines(keepends=True):
        if heading is _TASKFILE and line[:1].strip():
            inside = line.startswith("tasks:")
        found = heading.match(line) if inside and line.strip() else None
        if found is None and (not line.strip() or ((names or heading in _SECTIONS) and _goes_on(line, heading))):
            lines.append(line)
            continue
        if lines:
            yield Task(names, "".join(lines))
        names, lines = _names_of(found[1]) if found is not None else (), [line]
    if lines:
        yield Task(names, "".join(lines))


def _goes_on(line: str, heading: re.Pattern[str]) -> bool:
    if heading in _SECTIONS:
        return not line.startswith("[")
    if heading is _TASKFILE:
        return line.startswith("   ")
    return line[:1].isspace() or (heading is _RAKE and line.startswith("end"))


def _names_of(said: str) -> tuple[str, ...]:
    names = re.split(r"[\s,]+", said.strip())
    return tuple(names) if all(re.fullmatch(r"[\w./@+:-]+", one) for one in names) else ()


def _split_python(text: str) -> list[Task] | None:
    with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        lines, parts = text.splitlines(keepends=True), list[Task]()
        for node in ast.parse(text).body:
            above = [one.lineno for one in getattr(node, "decorator_list", [])]
            said = "".join(lines[min([node.lineno, *above]) - 1 : node.end_lineno])
            names = tuple(_names_of_function(node)) if isinstance(node, ast.FunctionDef) else ()
            parts.append(Task(names, said if said.endswith("\n") else f"{said}\n"))
        return parts
    return None


def _names_of_function(node: ast.FunctionDef) -> Iterator[str]:
    plain = node.name.removeprefix("task_")
    yield from dict.fromkeys((node.name, plain, plain.replace("_", "-")))
    for call in node.decorator_list:
        for word in call.keywords if isinstance(call, ast.Call) else ():
            if word.arg == "name" and isinstance(word.value, ast.Constant):
                yield str(word.value.value)


def _is_new(task: Task, known: Collection[str]) -> bool:
    return not any(one in known or one.startswith((".", "-")) for one in task.names)


def _is_free(last: str, text: str, words: Collection[str], old: str) -> bool:
    """Whether what is no task sets only what nothing knew before: a variable, or an import; in a new file, anything."""
    if last == "tox.ini" and not old:
        return text.startswith(("[tox]", "[testenv]"))
    if not old.strip():
        return True
    if _PYTHON.fullmatch(last):
        return text.startswith(("import ", "from "))
    found = _SETS.match(text.strip())
    return found is not None and "\n" not in text.strip() and found[1] not in words and not _OBEYED.fullmatch(found[1])


def _join(last: str, old: str, came: Iterable[Task]) -> str:
    added = "".join(task.text if task.text.endswith("\n") else f"{task.text}\n" for task in came)
    if re.fullmatch(_KINDS[5][0], last.lower()) and (found := re.search(r"^tasks:[^\n]*\n", old, re.MULTILINE)):
        return old[: found.end()] + added + old[found.end() :]
    between = "" if not old or old.endswith("\n") else "\n"
    return f"{old}{between}\n{added}" if old else added
