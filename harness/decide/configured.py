"""Files that a test runner loads since an option or its configuration names them: set-up, plug-ins, presets. Pure."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import PurePosixPath

from harness.decide.words import find_words, is_named, is_pattern

EXACT = "="  # begins a word that is the whole path of a file
_CONFIGURATION = re.compile(
    r"package\.json|pyproject\.toml|setup\.cfg|tox\.(ini|toml)|\.?pytest\.(ini|toml)|\.?mypy\.ini|\.?pylintrc(\.toml)?"
    r"|\.(mocharc|nycrc|c8rc|eslintrc|babelrc|swcrc|rspec)(\..*)?|bunfig\.toml|\.?nextest\.toml|phpunit\.xml(\.dist)?"
    r"|(jest|vitest|vite|karma|playwright|cypress|ava|wdio|nightwatch|eslint|babel|web-test-runner)"
    r"\.(config|conf|setup|workspace|preset)\..*"
)
_SECTIONS = ("jest", "mocha", "ava", "vitest", "c8", "nyc", "tap", "xo", "eslintConfig")  # of a package.json
_TABLES = ("pytest", "mypy", "pylint", "coverage", "tox", "pyright")  # of a pyproject.toml, below `tool`
_OF_CFG = re.compile(r"\[(tool:pytest|pytest|mypy|pylint|coverage|flake8|tox|testenv)\b")
_NOT_OURS = ("node_modules/", "vendor/", "site-packages/")
_KEY = re.compile(
    r"""(?<![\w-])["']?(?:setupFiles(?:AfterEnv)?|global(?:Setup|Teardown)|resolver|transform|testEnvironment|environment"""
    r"""|reporters?|runner|testRunner|testSequencer|testResultsProcessor|snapshot(?:Serializers|Resolver|Environment)"""
    r"""|dependencyExtractor|preset|presets|extends|projects|workspace|plugins|load-plugins|preload|loader|require|import"""
    r"""|bootstrap|supportFile|runtime|snapshotFormat|watchPlugins|configFile|config)["']?\s*[:=]\s*"""
    r"""(\[[^\]]{0,2000}\]|\{[^}]{0,2000}\}|(?:\n[ \t]+-[^\n]*|\n[ \t]+[\w.]+(?=\n|$))+"""
    r"""|["'][^"'\n]*["']|[\w.]+\([^)\n]*\)|[^\n,;}]*)"""
)
_IMPORTED = re.compile(
    r"""(?:\bfrom|\bimport|\brequire\(|\bimport\(|\brequire\.resolve\()\s*["'](\.{1,2}/[^"'\n]+)["']"""
)
_RELATIVE = re.compile(r"(?<![\w/.])(?:\.{1,2}|<rootDir>)/[\w./@-]+")
_TOOL = re.compile(
    r"\b(?:pytest|py\.test|jest|vitest|mocha|ava|karma|playwright|cypress|wdio|nightwatch|jasmine|tap|c8|nyc|eslint|oxlint"
    r"|stylelint|prettier|biome|ruff|mypy|pyright|pylint|flake8|tsc|tsx|ts-node|coverage|rspec|rubocop|phpunit|golangci-lint"
    r"|nextest|behave|robot|bats|(?:go|cargo|deno|bun) test|go vet)\b|(?<!\S)--test\b"
)
_OPTION = re.compile(
    r"""(?<![\w-])(?:-r|-c|--require|--import|--(?:experimental-)?loader|--preload|--config(?:-file|-path)?|--rcfile"""
    r"""|--setupFiles(?:AfterEnv)?|--globalSetup|--globalTeardown|--resolver|--transform|--env(?:ironment)?|--preset"""
    r"""|--(?:test-)?reporters?|--runner|--testRunner|--projects?|--plugin|--bootstrap|--file|--rulesdir|--resolve-plugins\S*"""
    r"""|-exec|-toolexec|-overlay|-modfile)[= ]+["']?([\w./@~$<>{}()-]+)"""
)
_PLUGIN = re.compile(r"(?:(?<![\w-])-p[ =]?|\bPYTEST_PLUGINS=)(?!no:)[\"']?([A-Za-z_][\w.,]*)")
_PLUGINS = re.compile(r"^pytest_plugins\b[^=\n]*=\s*(\[[^\]]*\]|\([^)]*\)|\{[^}]*\}|[^\n]+)", re.MULTILINE)
_QUOTED = re.compile(r"""["']([\w.]+)["']""")
_MODULE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_ENDS = (
    ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".py", ".rb", ".php", ".json", ".jsonc", ".yml",
    ".yaml", ".toml", ".ini", ".cfg", ".mod", ".sh",
)  # fmt: skip


def is_configuration(name: str) -> bool:
    """Whether a file is one of those in which test runners are told what to load."""
    return _CONFIGURATION.fullmatch(name.rpartition("/")[2]) is not None and not name.startswith(_NOT_OURS)


def find_configured(name: str, text: str) -> set[str]:
    """Return the files that a configuration of tests names."""
    last = PurePosixPath(name).name
    text = _take_sections(last, text)
    found = {word for value in _KEY.findall(text) for word in _read_paths(value)}
    found |= {word for path in _IMPORTED.findall(text) for word in _read_paths(path)}
    dotted = {
        one for value in _KEY.findall(text) if last.endswith((".ini", ".cfg", ".toml", "rc")) for one in _modules(value)
    }
    return found | dotted | find_options(text, everywhere=not last.endswith(_ENDS[:8]))


def find_options(text: str, *, everywhere: bool = False) -> set[str]:
    """Return the files that options name, in lines that call a test runner, or `everywhere`."""
    lines = [line for line in text.replace("\\\n", " ").split("\n") if everywhere or _TOOL.search(line)]
    named = {word for line in lines for value in _OPTION.findall(line) for word in _read_paths(value)}
    return named | {word for line in lines for value in _PLUGIN.findall(line) for word in _modules(value)}


def find_plugins(conftest: str) -> frozenset[str]:
    """Return the files that a conftest.py has pytest load: modules and packages, by their paths from the project."""
    return frozenset(
        word for found in _PLUGINS.findall(conftest) for one in _QUOTED.findall(found) for word in _modules(one)
    )


def is_loaded(name: str, loaded: Collection[str]) -> bool:
    """Whether options or configuration name a file, with or without the end of its name."""
    bare = str(PurePosixPath(name).with_suffix(""))
    ends = (name, bare, bare.removesuffix("/index"))
    return f"{EXACT}{name}" in loaded or any(is_named(word, one) for word in loaded if word[0] != EXACT for one in ends)


def find_loaded(names: Iterable[str], loaded: Collection[str]) -> list[str]:
    """Return those of many files that are loaded."""
    last = {word.rpartition("/")[2] for word in loaded}
    likely = (name for name in names if last and not last.isdisjoint(_ways_to_end(name)))
    return [name for name in likely if is_loaded(name, loaded)]


def _ways_to_end(name: str) -> tuple[str, ...]:
    """Return by what a file may be named: its name, that without its end, its folder for an index; a whole path."""
    above, _, last = name.rpartition("/")
    return last, last.rpartition(".")[0], above.rpartition("/")[2], f"{EXACT}{name}"


def _take_sections(last: str, text: str) -> str:
    """Return what of a file that holds much besides is of tools that test."""
    with suppress(ValueError, RecursionError, AttributeError):
        if last == "package.json":
            found = json.loads(text)
            return json.dumps({name: found[name] for name in _SECTIONS if name in found}, indent=1)
        if last == "pyproject.toml":
            tools = tomllib.loads(text).get("tool", {})
            return json.dumps({name: _join(tools[name]) for name in _TABLES if name in tools}, indent=1, default=str)
        if last == "setup.cfg":
            return "".join(one for one in re.split(r"^(?=\[)", text, flags=re.MULTILINE) if _OF_CFG.match(one))
        return text
    return ""


def _join(said: object) -> object:
    """Return a table in which options that are a list are one line."""
    if not isinstance(said, dict):
        return said
    return {
        name: " ".join(map(str, one)) if name == "addopts" and isinstance(one, list) else _join(one)
        for name, one in said.items()
    }


def _read_paths(value: str) -> Iterable[str]:
    """Yield the paths in a value, from what is sure of them on; not the names of packages."""
    here = {word for path in _RELATIVE.findall(value) for word in find_words(path)}
    for word in find_words(value):
        plain = word.lstrip("/")
        if not is_pattern(word) and plain[:1] not in "@-" and (plain.endswith(_ENDS) or "/" in plain or word in here):
            yield word


def _modules(value: str) -> set[str]:
    """Return the files of the modules that a value names, by their dotted names."""
    paths = {one.replace(".", "/") for one in _MODULE.findall(value)}
    return {f"{EXACT}{under}{one}{end}" for one in paths for under in ("", "src/") for end in (".py", "/__init__.py")}
