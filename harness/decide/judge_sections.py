"""Files in which only some sections judge a claim: these as they were, all others as they are now. Pure."""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any

from harness.decide.go_modules import restore_replaced

_TOOLS = ("pytest", "coverage", "ruff", "mypy", "pyright", "tox", "hatch.envs", "pylint", "isort", "flake8", "bandit",
          "poe", "taskipy", "pdm.scripts", "nox", "black")  # fmt: skip
_OF_TOML = tuple(f"tool.{tool}" for tool in _TOOLS)
_OF_CFG = ("tool:pytest", "pytest", "coverage", "flake8", "mypy", "pycodestyle", "tox", "isort", "pylint", "testenv")
_OF_PACKAGE = ("jest", "mocha", "ava", "vitest", "c8", "nyc", "tap", "xo", "eslintConfig", "prettier", "lint-staged")
_OF_LIB = ("test", "doctest", "harness")  # of a Cargo.toml
_OF_CARGO_PACKAGE = ("autotests",)
# Files of tools that run tasks, which hold much besides.
_TASKS_IN_JSON: dict[str, tuple[str, tuple[str, ...]]] = {
    "composer.json": ("scripts", ()),
    "deno.json": ("tasks", ("test", "lint", "bench")),
}
_TABLES_OF_TOOLS = {"hatch.toml": ("envs",), "pixi.toml": ("tasks", "activation")}
OF_TOOLS = frozenset((*_TASKS_IN_JSON, *_TABLES_OF_TOOLS))
_HEADER = re.compile(r"^[ \t]*\[\[?[ \t]*([^\]\n]+?)[ \t]*\]\]?[^\n]*$", re.MULTILINE)


def restore_sections(name: str, old: str, new: str) -> str | None:
    """Return the new text of a file with the sections that judge as the old text has them.

    The new text itself where these are the same; None where it cannot be told which they are: then all of it judges.
    """
    kind = PurePosixPath(name).name
    with suppress(ValueError, RecursionError, AttributeError, TypeError, configparser.Error):
        if kind in ("go.mod", "go.work"):
            return restore_replaced(old, new)
        if kind == "package.json":
            return _restore_package(old or "{}", new)
        if kind in _TASKS_IN_JSON:
            return _restore_tasks(old or "{}", new, *_TASKS_IN_JSON[kind])
        if kind in _TABLES_OF_TOOLS:
            return _restore_tables(old, new, _TABLES_OF_TOOLS[kind])
        if kind == "pyproject.toml":
            return _restore_tables(old, new, _OF_TOML)
        if kind == "Cargo.toml":
            return _restore_cargo(old, new)
        if kind == "setup.cfg":
            (was_cfg, _), (now_cfg, others) = (_read_cfg(text) for text in (old, new))
            spliced = new if was_cfg == now_cfg else _splice(old, new, _OF_CFG)
            return spliced if _read_cfg(spliced) == (was_cfg, others) else None
    return None


def _restore_tables(old: str, new: str, names: Sequence[str]) -> str | None:
    """Return a TOML file with the tables of these names as they were."""
    was, now = (_judging_toml(tomllib.loads(text), names) for text in (old, new))
    spliced = new if was == now else _splice(old, new, names)
    found = _judging_toml(tomllib.loads(spliced), names)
    return spliced if found == was and _is_else(spliced, new, names) else None


def _restore_tasks(old: str, new: str, tasks: str, others: Sequence[str]) -> str:
    """Return a JSON file with its tasks as they were, beside those that only came, and with `others` as before."""
    was, now = json.loads(old), json.loads(new)
    kept = {name: said for name, said in now.items() if name not in others}
    kept |= {name: was[name] for name in others if name in was}
    if old_tasks := was.get(tasks):
        kept[tasks] = {**(now.get(tasks) or {}), **old_tasks}
    return new if kept == now else json.dumps(kept, indent=2) + "\n"


def _judging_cargo(text: str) -> dict[str, Any]:
    """Return what of a Cargo.toml says which tests are built and run."""
    found = tomllib.loads(text)
    lib, package, profile = (found.get(name) or {} for name in ("lib", "package", "profile"))
    return {
        "test": found.get("test"),
        "profile": profile.get("test"),
        "lib": {key: lib[key] for key in _OF_LIB if key in lib},
        "package": {key: package[key] for key in _OF_CARGO_PACKAGE if key in package},
    }


def _restore_cargo(old: str, new: str) -> str | None:
    was = _judging_cargo(old)
    if was == _judging_cargo(new):
        return new
    spliced = _splice(old, new, ("test", "profile.test"))
    for section, keys in (("lib", _OF_LIB), ("package", _OF_CARGO_PACKAGE)):
        lines = "".join(f"{key} = {json.dumps(said)}\n" for key, said in was[section].items())
        parts = [(name, text) for name, text in _read_sections(spliced)]
        spliced = "".join(_with_keys(text, keys, lines) if name == section else text for name, text in parts)
    return spliced if _judging_cargo(spliced) == was else None


def _with_keys(section: str, keys: Iterable[str], lines: str) -> str:
    """Return the text of a section with these lines in the place of what it says of some keys."""
    rest = re.sub(rf"^[ \t]*(?:{'|'.join(keys)})[ \t]*=[^\n]*\n?", "", section, flags=re.MULTILINE)
    head, _, tail = rest.partition("\n")
    return f"{head}\n{lines}{tail}"


def _is_among(section: str, judging: Iterable[str]) -> bool:
    plain = re.sub(r"[\"'\s]", "", section)
    return any(plain == one or plain.startswith((f"{one}.", f"{one}:", f"{one}-")) for one in judging)


def _splice(old: str, new: str, judging: Iterable[str]) -> str:
    """Return the sections of the new text that do not judge, and those of the old one that do."""
    kept = [text for section, text in _read_sections(new) if not _is_among(section, judging)]
    taken = [text for section, text in _read_sections(old) if _is_among(section, judging)]
    return "".join(text if text.endswith("\n") else f"{text}\n" for text in (*kept, *taken) if text)


def _read_sections(text: str) -> list[tuple[str, str]]:
    heads = list(_HEADER.finditer(text))
    ends = [*(one.start() for one in heads[1:]), len(text)]
    first = [("", text[: heads[0].start()] if heads else text)]
    return first + [(one[1], text[one.start() : end]) for one, end in zip(heads, ends, strict=True)]


def _judging_toml(found: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the values of the tables that judge, by their names."""
    values = dict[str, Any]()
    for name in names:
        at: Any = found
        for part in name.split("."):
            at = at.get(part) if isinstance(at, dict) else None
        if at is not None:
            values[name] = at
    return values


def _is_else(spliced: str, new: str, names: Iterable[str]) -> bool:
    """Whether two texts say the same but for what judges."""
    both = [tomllib.loads(text) for text in (spliced, new)]
    for found in both:
        for name in names:
            *above, last = name.split(".")
            at: Any = found
            for part in above:
                at = at.get(part, {}) if isinstance(at, dict) else {}
            if isinstance(at, dict):
                at.pop(last, None)
        found["tool"] = {tool: said for tool, said in found.get("tool", {}).items() if said != {}}
    return both[0] == both[1]


def _read_cfg(text: str) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """Return the sections that judge, and the others."""
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    both = dict[str, dict[str, str]](), dict[str, dict[str, str]]()
    for section in parser.sections():
        both[not _is_among(section, _OF_CFG)][section] = dict(parser.items(section))
    return both


def _restore_package(old: str, new: str) -> str:
    """Return a package.json with the scripts and the settings of tests as they were; scripts that only come stay."""
    was, now = json.loads(old), json.loads(new)
    judging = {name: was[name] for name in _OF_PACKAGE if name in was}
    scripts, came = dict(was.get("scripts") or {}), dict(now.get("scripts") or {})
    around = {f"{when}{name}" for name in ("test", "install", "prepare", *scripts) for when in ("pre", "post")}
    scripts |= {name: said for name, said in came.items() if name not in scripts and name not in around}
    restored = {name: said for name, said in now.items() if name not in _OF_PACKAGE}
    restored |= judging
    if isinstance(kept := was.get("workspaces"), list) and isinstance(there := now.get("workspaces", []), list):
        restored |= {"workspaces": [*there, *(one for one in kept if one not in there)]}  # their tests run, too
    if scripts or "scripts" in now:
        restored["scripts"] = scripts
    return new if restored == now else json.dumps(restored, indent=2) + "\n"
