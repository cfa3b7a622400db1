"""All that the rules find in a change, file by file and over all of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from harness.decide.calls import Called
from harness.decide.judge_files import Role, shadows_runner
from harness.domain.finding import RULES, Finding, Guards, Level
from harness.domain.units import format_size
from harness.findings.change import Branch, Change, Mark, Outline
from harness.findings.code import find_language
from harness.findings.languages import find_calls_in, outline_code
from harness.findings.lost_tests import compare_tests
from harness.findings.python import find_calls, outline_python
from harness.findings.settings_of_tests import look_at_settings

LARGE = 1 << 20  # bytes of a file that nobody reads
LONGEST = 512 << 10  # characters of a source file that is read
LONGEST_LINE = 5000  # characters of a line of one that a person wrote
MOST_TESTS = 200  # files of tests that are read for inputs
MOST_ALIKE = 5  # findings by one rule in one file
BY_PATTERN = " (by a pattern, not by its syntax)"
_ASSETS = re.compile(
    r".*\.(png|jpe?g|gif|ico|webp|avif|bmp|tiff?|woff2?|ttf|otf|eot|pdf|mp[34]|ogg|wav|webm|icns|psd|gz|bz2|xz|zip|zst"
    r"|br|bin|dat|db|sqlite3?|parquet|npy|npz|mo|pack|idx)",
    re.IGNORECASE,
)
_PROGRAMS = re.compile(
    r"pytest|npm|npx|node|go|cargo|make|python3?|tox|nox|yarn|pnpm|mypy|ruff|jest|vitest|mocha|tsc|eslint|mvn|gradle|rspec"
    r"|phpunit|just|bun|deno|sh|bash|env|grep|diff|test|uv|poetry|hatch|pre-commit"
)
_GENERATED = re.compile(
    r"(.*/)?(vendor|node_modules|third_party|dist|generated)/.*|.*(\.min\.js|_pb2\.py|\.pb\.go|\.lock|lock\.json)"
)

Tests = Callable[[], Iterable[tuple[str, bytes]]]
Shapes = Callable[[bytes], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else the rules ask: what checks call, the tests of the project, and which tokens a text holds by shape."""

    called: Called
    tests: Tests = tuple
    shapes: Shapes = lambda _: ()


@dataclass(frozen=True, slots=True)
class Looked:
    """What the rules find in a change, in the order of its files; and which files of code could not be read."""

    findings: tuple[Finding, ...]
    unread: tuple[str, ...]


def look(changes: Sequence[Change], around: Surroundings, guards: Guards) -> Looked:
    """Return what the rules that are on find in a change."""
    changes = [one for one in changes if one.before != one.now]
    outlined = [Outlined(one) for one in changes]
    found = [finding for one in changes for finding in _look_at(one, around)]
    tests = (one for one in outlined if one.of_tests or one.name.endswith(".rs"))
    found += compare_tests({one.name: (one.old, one.now) for one in tests if one.old.tests or one.now.tests})
    found += _compare_marks(outlined)
    if guards.level_of("special-cased") is not Level.OFF:
        found += _find_special_cases(changes, outlined, around.tests)
    exact = {one.name: one.now.exact for one in outlined}
    told = (one if exact.get(one.file, True) or one.rule in _NOT_BY_SYNTAX else _by_pattern(one) for one in found)
    called = around.called.words
    programs = {one.name for one in changes if one.before is None and {one.name, PurePosixPath(one.name).name} & called}
    told = (one for one in told if one.rule != "exit-on-import" or one.file not in programs)
    kept = {one for one in told if guards.level_of(one.rule) is not Level.OFF and not _is_generated(one)}
    unread = tuple(one.name for one in outlined if not one.now.parsed and not _GENERATED.fullmatch(one.name))
    return Looked(tuple(_sum_up(sorted(kept))), unread)


def _is_generated(one: Finding) -> bool:
    """Whether a finding is of no interest since nobody wrote the file; what makes checks worthless always is."""
    return RULES[one.rule] is not Level.STRICT and _GENERATED.fullmatch(one.file) is not None


def _sum_up(found: Sequence[Finding]) -> list[Finding]:
    """Return the findings, of many by one rule in one file the first few, and how many more there are."""
    alike = Counter((one.file, one.rule) for one in found)
    seen, kept = Counter[tuple[str, str]](), list[Finding]()
    for one in found:
        key = (one.file, one.rule)
        seen[key] += 1
        if alike[key] <= MOST_ALIKE or seen[key] < MOST_ALIKE:
            kept.append(one)
        elif seen[key] == MOST_ALIKE:
            kept.append(
                Finding(one.file, one.line, f"{alike[key] - seen[key] + 1} more like these from here on", one.rule)
            )
    return kept


_NOT_BY_SYNTAX = {"secret", "binary", "large-file", "program-shadowed"}


def _by_pattern(one: Finding) -> Finding:
    return Finding(one.file, one.line, one.says + BY_PATTERN, one.rule)


@dataclass(frozen=True)
class Outlined:
    """A file of a change with its outlines; how it was before is read when it is asked for."""

    change: Change

    @property
    def name(self) -> str:
        """Its path from the project."""
        return self.change.name

    @property
    def of_tests(self) -> bool:
        """Whether tests are looked for in it; Rust has them beside the code, too."""
        return self.change.role in (Role.TEST, Role.DATA) or PurePosixPath(self.name).name == "conftest.py"

    @cached_property
    def old(self) -> Outline:
        """As it was."""
        return self._outline(self.change.old)

    @cached_property
    def now(self) -> Outline:
        """As it is."""
        return self._outline(self.change.new)

    def _outline(self, text: str) -> Outline:
        language, is_python = find_language(self.name), self.name.endswith((".py", ".pyi"))
        if not text or not (language or is_python):
            return Outline()
        if len(text) > LONGEST or (language and max(map(len, text.splitlines()), default=0) > LONGEST_LINE):
            return Outline(parsed=False)
        with suppress(RecursionError):
            if is_python:
                return outline_python(self.name, text, of_tests=self.of_tests)
            return outline_code(self.name, language, text, of_tests=self.of_tests)
        return Outline(parsed=False)


def _compare_marks(outlined: Sequence[Outlined]) -> Iterator[Finding]:
    """Yield the marks that are new: in their file, and not moved there from another one."""
    left, came = Counter[tuple[str, str]](), list[tuple[str, Mark]]()
    for one in outlined:
        own = Counter((mark.rule, mark.what) for mark in one.old.marks) if one.now.marks else Counter[tuple[str, str]]()
        for mark in one.now.marks:
            if own[mark.rule, mark.what] > 0:
                own[mark.rule, mark.what] -= 1
            else:
                came.append((one.name, mark))
        left += own
    if came:
        left += Counter((mark.rule, mark.what) for one in outlined if not one.now.marks for mark in one.old.marks)
    for name, mark in came:
        if left[mark.rule, mark.what] > 0:
            left[mark.rule, mark.what] -= 1
        else:
            yield Finding(name, mark.line, mark.says, mark.rule)


def _look_at(change: Change, around: Surroundings) -> Iterator[Finding]:
    yield from look_at_settings(change)
    if change.now is None:
        return
    path = PurePosixPath(change.name)
    is_called = path.name in around.called.words and _PROGRAMS.fullmatch(path.name) is not None
    if change.before is None and ((is_called and change.executable) or shadows_runner(change.name, around.called)):
        name = path.parent.name if path.name in ("__init__.py", "__main__.py") else path.stem
        says = f"it takes the place of `{name}`, which a check calls"
        yield Finding(change.name, 0, says, "program-shadowed")
    if len(change.now) > LARGE and len(change.now) > len(change.before or b""):
        yield Finding(change.name, 0, f"it is larger than {format_size(LARGE)}", "large-file")
    elif change.is_binary and change.before is None and change.role is None and not _ASSETS.fullmatch(path.name):
        yield Finding(change.name, 0, "it is binary: nobody can read it in a diff", "binary")
    if not change.is_binary and change.role not in (Role.TEST, Role.DATA):
        known = set((change.before or b"").splitlines())
        if kinds := set(around.shapes(b"\n".join(line for line in change.now.splitlines() if line not in known))):
            yield Finding(change.name, 0, f"it holds what has the shape of {', '.join(sorted(kinds))}", "secret")


# --- answers that are known beforehand ----------------------------------------------------------------------------

_TRIVIAL = {"0", "1", "-1", "2", "''", '""', "None", "True", "False", "true", "false", "null", "nil", "[]", "{}", "()"}


def _find_special_cases(changes: Sequence[Change], outlined: Sequence[Outlined], tests: Tests) -> Iterator[Finding]:
    came = list[tuple[str, Branch]]()
    for file in outlined:
        known = {(one.inputs, one.answer) for one in file.old.branches} if file.now.branches else set()
        branches = (one for one in file.now.branches if (one.inputs, one.answer) not in known)
        came += [(file.name, one) for one in branches if not _is_trivial(one)]
    if not came:
        return
    asked = set[tuple[tuple[str, ...], str]]()
    changed = {one.name: one.now for one in changes if one.role is Role.TEST and one.now is not None}
    texts = {**dict(tests()), **changed}
    for name, content in list(texts.items())[:MOST_TESTS]:
        text = content.decode("utf-8", "replace")
        if len(text) <= LONGEST:
            language = find_language(name)
            asked.update(
                find_calls(text) if name.endswith(".py") else find_calls_in(language, text) if language else ()
            )
    for name, one in came:
        if (one.inputs, one.answer) in asked:
            says = f"the input {', '.join(one.inputs)} of a test is answered with what it expects: {one.answer}"
            yield Finding(name, one.line, says.replace("`", "'"), "special-cased")


def _is_trivial(one: Branch) -> bool:
    return len(one.inputs) == 1 and (one.inputs[0] in _TRIVIAL or one.answer in _TRIVIAL)
