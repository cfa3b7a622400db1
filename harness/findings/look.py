"""All that the rules find in a change, file by file and over all of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from harness.decide.judge_files import Called, Role, shadows_runner
from harness.domain.finding import Finding, Guards, Level
from harness.domain.units import format_size
from harness.findings.change import Branch, Change, Outline
from harness.findings.code import find_language
from harness.findings.languages import find_calls_in, outline_code
from harness.findings.lost_tests import compare_tests
from harness.findings.python import find_calls, outline_python
from harness.findings.settings_of_tests import look_at_settings

LARGE = 1 << 20  # bytes of a file that nobody reads
LONGEST = 512 << 10  # bytes of a source file that is read
MOST_TESTS = 200  # files of tests that are read for inputs
MOST_TOLD = 50  # findings
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


def find_findings(changes: Sequence[Change], around: Surroundings, guards: Guards) -> list[Finding]:
    """Return what the rules that are on find in a change, in the order of its files."""
    changes = [one for one in changes if one.before != one.now]
    outlines = {one.name: _outline(one) for one in changes if not _GENERATED.fullmatch(one.name)}
    found = [finding for one in changes for finding in _look_at(one, around)]
    found += compare_tests({name: both for name, both in outlines.items() if both[0].tests or both[1].tests})
    found += _compare_marks(outlines)
    if guards.level_of("special-cased") is not Level.OFF:
        found += _find_special_cases(changes, outlines, around.tests)
    exact = {name: both[1].exact for name, both in outlines.items()}
    told = (one if exact.get(one.file, True) or one.rule in _NOT_BY_SYNTAX else _by_pattern(one) for one in found)
    return sorted({one for one in told if guards.level_of(one.rule) is not Level.OFF})


_NOT_BY_SYNTAX = {"secret", "binary", "large-file", "program-shadowed"}


def _by_pattern(one: Finding) -> Finding:
    return Finding(one.file, one.line, one.says + BY_PATTERN, one.rule)


def _outline(change: Change) -> tuple[Outline, Outline]:
    of_tests = change.role in (Role.TEST, Role.DATA) or PurePosixPath(change.name).name == "conftest.py"
    return _outline_text(change.name, change.old, of_tests), _outline_text(change.name, change.new, of_tests)


def _outline_text(name: str, text: str, of_tests: bool) -> Outline:
    if not text or len(text) > LONGEST:
        return Outline(parsed=not text)
    if name.endswith((".py", ".pyi")):
        return outline_python(name, text, of_tests=of_tests)
    language = find_language(name)
    return outline_code(name, language, text, of_tests=of_tests) if language else Outline()


def _compare_marks(outlines: dict[str, tuple[Outline, Outline]]) -> Iterator[Finding]:
    """Yield the marks that are new: in their file, and not moved there from another one."""
    known = {name: Counter((one.rule, one.what) for one in old.marks) for name, (old, _) in outlines.items()}
    came = list[tuple[str, int, str, tuple[str, str]]]()
    for name, (_, new) in outlines.items():
        for one in new.marks:
            key = (one.rule, one.what)
            if known[name][key] > 0:
                known[name][key] -= 1
            else:
                came.append((name, one.line, one.says, key))
    left = sum(known.values(), Counter[tuple[str, str]]())
    for name, line, says, key in came:
        if left[key] > 0:
            left[key] -= 1
        else:
            yield Finding(name, line, says, key[0])


def _look_at(change: Change, around: Surroundings) -> Iterator[Finding]:
    yield from look_at_settings(change)
    if change.now is None:
        return
    path = PurePosixPath(change.name)
    is_called = path.name in around.called.words and _PROGRAMS.fullmatch(path.name) is not None
    if change.before is None and ((is_called and change.executable) or shadows_runner(change.name, around.called)):
        says = f"it takes the place of `{path.stem}`, which a check calls"
        yield Finding(change.name, 0, says, "program-shadowed")
    if len(change.now) > LARGE and len(change.now) > len(change.before or b""):
        yield Finding(change.name, 0, f"it has {format_size(len(change.now))}", "large-file")
    elif change.is_binary and change.before is None and change.role is None and not _ASSETS.fullmatch(path.name):
        yield Finding(change.name, 0, "it is binary: nobody can read it in a diff", "binary")
    if not change.is_binary and (new := set(around.shapes(change.now)) - set(around.shapes(change.before or b""))):
        yield Finding(change.name, 0, f"it holds what has the shape of {', '.join(sorted(new))}", "secret")


# --- answers that are known beforehand ----------------------------------------------------------------------------

_TRIVIAL = {"0", "1", "-1", "2", "''", '""', "None", "True", "False", "true", "false", "null", "nil", "[]", "{}", "()"}


def _find_special_cases(
    changes: Sequence[Change], outlines: dict[str, tuple[Outline, Outline]], tests: Tests
) -> Iterator[Finding]:
    came = list[tuple[str, Branch]]()
    for name, (old, new) in outlines.items():
        known = {(one.inputs, one.answer) for one in old.branches}
        came += [(name, one) for one in new.branches if (one.inputs, one.answer) not in known and not _is_trivial(one)]
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
