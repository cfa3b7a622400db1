"""Files that say how checks run: scripts, build files, configuration. By patterns: these files have many languages."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from harness.decide.judge_files import Role
from harness.domain.finding import Finding
from harness.domain.text import one_line
from harness.findings.change import Change
from harness.findings.python_syntax import parse

_BUILD = re.compile(
    r"package\.json|GNUmakefile|[Mm]akefile|.*\.mk|\.?justfile|pyproject\.toml|setup\.cfg|tox\.ini|noxfile\.py|Cargo\.toml"
    r"|Taskfile\.ya?ml|Rakefile|\.gitlab-ci\.yml|pom\.xml|build\.gradle(\.kts)?"
)
_WORKFLOW = re.compile(r"(.*/)?\.(github/workflows|circleci)/[^/]+\.ya?ml")
_COMMENT = re.compile(r"^\s*(#(?!!)|//|;|\*)")
_IGNORED = re.compile(
    r"\|\|\s*(?:true|:|exit 0|/bin/true)(?=[\s\"';)]|$)|\bset \+e\b|--passWithNoTests\b|\bpassWithNoTests\W+true\b"
    r"|--exit-zero\b|\bcontinue-on-error:\s*true\b|\ballow_failure:\s*true\b|\bignore_(?:errors|outcome|failures?)\s*=\s*[Tt]rue\b"
    r"|<testFailureIgnore>true"
)
_RUNS_TESTS = re.compile(
    r"\b(?:pytest|py\.test|addopts|jest|vitest|mocha|ava|(?:go|cargo|npm|deno|bun) test|unittest|nextest|node --test"
    r"|ctest|rspec|phpunit|surefire|tap)\b"
)
_NARROWED = re.compile(
    r"(?<=[\s\"'])(?:-k[ =]\s*(?:\"[^\"]*\"|'[^']*'|\S+)|--deselect[ =]\S+|--ignore(?:-glob)?[ =]\S+"
    r"|-m[ =]\s*[\"']?not \w+"
    r"|--testNamePattern[ =]\S+|-t \S+|--test-name-pattern[ =]\S+|--testPathIgnorePatterns[ =]?\S+|--skip[ =]\S+"
    r"|-(?:run|skip)[ =]\S+|--grep[ =]\S+|--invert\b|--test-only\b|--last-failed\b|--lf\b)"
)
_KEYS = re.compile(
    r"\b(?:testPathIgnorePatterns|testNamePattern|modulePathIgnorePatterns|collect_ignore(?:_glob)?|autotests\s*=\s*false)",
    re.MULTILINE,
)
_NOT_TESTED = re.compile(r"^\s*(?:harness|test)\s*=\s*false\b")
_THRESHOLD = re.compile(
    r"(?:^|[\s{,\"'<-])(fail[-_]under|cov-fail-under|branches|functions|lines|statements|check-coverage-\w+|threshold|target"
    r"|minimum|score|break)[\"']?\s*[=:>]\s*[\"']?(\d+(?:\.\d+)?)%?"
)
_OF_COVERAGE = re.compile(
    r"fail.under|coverageThreshold|thresholds|check-coverage|codecov|coverage|nyc|mutation|stryker", re.IGNORECASE
)
_RAISED = re.compile(
    r"(?:^|[\s{,\"'-])(max[-_](?:complexity|warnings|branches|statements|args)|complexity)[\"']?\s*[=: ]\s*[\"']?(\d+)"
)
_LINT_OFF = re.compile(r"(?<![@\w/-])(@?[\w/-]+)[\"']?\s*:\s*\[?\s*(?:[\"']off[\"']|0)(?=\s*[,\]}\n])")
_LINTERS = re.compile(r"\.eslintrc(\..*)?|eslint\.config\..*|\.oxlintrc\.json|tslint\.json")
_PLUGINS = re.compile(
    r"(?<=\s)-p[ =](?!no:)\w[\w.]*|\bpytest_plugins\b|\bsetupFiles(?:AfterEnv)?\b|\bglobalSetup\b"
    r"|(?<=\s)--require[ =]\S+"
)
_RUN_BY_PYTHON = re.compile(r"(sitecustomize|usercustomize)\.py|.*\.pth")
_EXPECTED = re.compile(r"(.*/)?(__snapshots__|snapshots?|goldens?|expected|approved|__image_snapshots__)/.*"
                       r"|.*\.(snap|golden|approved|expected)(\.\w+)?|(.*/)?(expected|golden)[-_.][^/]*")  # fmt: skip
_SAID = 60
LONGEST_LINE = 2000  # characters of one that are read


def look_at_settings(change: Change) -> Iterator[Finding]:
    """Yield what a file that says how checks run came to say, which it did not before; and what tests compare with."""
    last = PurePosixPath(change.name).name
    yield from _look_at_hooks(change, last)
    if change.before is not None and change.now is not None and change.role in (Role.DATA, Role.TEST):
        if _EXPECTED.fullmatch(change.name) and not change.name.endswith((".py", ".js", ".ts", ".go", ".rs", ".java")):
            yield Finding(change.name, 0, "what tests compare with was rewritten", "expected-changed")
        return
    is_setting = change.role in (Role.CONFIG, Role.SCRIPT) or _BUILD.fullmatch(last) is not None
    is_setting |= change.before is not None and _WORKFLOW.fullmatch(change.name) is not None
    if not is_setting or not change.new or last == "conftest.py":
        return
    for rule, says, words in (
        ("failure-ignored", "a failure is let pass", _new_words(change, _IGNORED)),
        ("selection-narrowed", "fewer tests are asked for", _find_narrowed(change)),
        ("test-hook", "something else has a say in how tests run", _find_plugins(change)),
    ):
        yield from (Finding(change.name, line, f"{says}: `{one_line(what, _SAID)}`", rule) for line, what in words)
    yield from _look_at_numbers(change)
    yield from _look_at_ends(change, last)
    if _LINTERS.fullmatch(last):
        for line, what in _new_words(change, _LINT_OFF):
            yield Finding(
                change.name, line, f"a rule of the linter is off: `{one_line(what, _SAID)}`", "suppression-added"
            )


_MAKES = re.compile(r"GNUmakefile|[Mm]akefile|.*\.mk")
_IN_MAKE = re.compile(r"^\t@?-@?\S.*|^\.IGNORE\b.*|^MAKEFLAGS\s*[:+?]?=.{0,100}-\w{0,9}[ik].*", re.MULTILINE)
_WHAT_IS_A_TEST = re.compile(r"\b(?:python_(?:files|functions|classes)|testMatch|testRegex)\b[^\n]*")


def _look_at_ends(change: Change, last: str) -> Iterator[Finding]:
    """Yield where errors of a Makefile or the end of a script came to count for nothing, or no runner is called."""
    if change.before is None:
        return
    if _MAKES.fullmatch(last):
        for line, what in _new_words(change, _IN_MAKE):
            if _RUNS_TESTS.search(what) or not what.startswith(("-", "@-")):
                yield Finding(change.name, line, f"a failure is let pass: `{one_line(what, _SAID)}`", "failure-ignored")
    old, new = ([line.strip() for _, line in _lines(text) if line.strip()] for text in (change.old, change.new))
    if change.role is Role.SCRIPT and new[-1:] in (["exit 0"], ["true"], [":"]) and old[-1:] != new[-1:]:
        yield Finding(change.name, 0, f"a failure is let pass: it ends with `{new[-1]}`", "failure-ignored")
    called = [found[0] for line in old if (found := _RUNS_TESTS.search(line)) is not None]
    if called and not _WORKFLOW.fullmatch(change.name) and not any(map(_RUNS_TESTS.search, new)):
        yield Finding(change.name, 0, f"it called `{called[0]}`, and does not any more", "selection-narrowed")
    if change.old and (others := list(_new_words(change, _WHAT_IS_A_TEST))):
        line, what = others[0]
        yield Finding(change.name, line, f"other files are tests: `{one_line(what, _SAID)}`", "selection-narrowed")


def _find_narrowed(change: Change) -> Iterator[tuple[int, str]]:
    lines = change.new.splitlines()
    for line, what in _new_words(change, _NARROWED):
        if _runs_tests(lines, line):
            yield line, what
    yield from _new_words(change, _KEYS)
    if change.name.endswith("Cargo.toml"):
        for line, what in _new_words(change, _NOT_TESTED):
            head = next((one.strip() for one in reversed(lines[:line]) if one.lstrip().startswith("[")), "")
            if head in ("[lib]", "[[test]]"):
                yield line, what


def _find_plugins(change: Change) -> Iterator[tuple[int, str]]:
    lines = change.new.splitlines()
    for line, what in _new_words(change, _PLUGINS):
        if not what.startswith(("-p", "--require")) or _runs_tests(lines, line):
            yield line, what


def _runs_tests(lines: Sequence[str], number: int) -> bool:
    """Whether a line, or one of the three before it, names a test runner."""
    return any(map(_RUNS_TESTS.search, lines[max(0, number - 4) : number]))


def _new_words(change: Change, pattern: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """Yield what fits a pattern now more often than before, with its line; not in comments."""
    left = Counter(found[0].strip() for line in _lines(change.old) for found in pattern.finditer(line[1]))
    for number, line in _lines(change.new):
        for found in pattern.finditer(line):
            what = found[0].strip()
            left[what] -= 1
            if left[what] < 0:
                yield number, what


def _lines(text: str) -> Iterator[tuple[int, str]]:
    lines = ((number, line[:LONGEST_LINE]) for number, line in enumerate(text.splitlines(), 1))
    yield from ((number, line) for number, line in lines if not _COMMENT.match(line))


def _look_at_numbers(change: Change) -> Iterator[Finding]:
    if change.before is None:
        return
    for pattern, falls, word in ((_THRESHOLD, True, "lower"), (_RAISED, False, "higher")):
        if pattern is _THRESHOLD and not _OF_COVERAGE.search(change.old):
            continue
        was, now = _numbers(change.old, pattern), _numbers(change.new, pattern)
        for key, values in now.items():
            before = was.get(key, [])
            for (line, value), (_, old) in zip(values, before, strict=False):
                if len(values) == len(before) and (value < old if falls else value > old):
                    says = f"a threshold is {word}: `{key}` was {old:g}, is {value:g}"
                    yield Finding(change.name, line, says, "threshold-lowered")
        for key in was.keys() - now.keys() if falls else ():
            if key in ("fail_under", "fail-under", "cov-fail-under"):
                yield Finding(change.name, 0, f"a threshold is gone: `{key}`", "threshold-lowered")


def _numbers(text: str, pattern: re.Pattern[str]) -> dict[str, list[tuple[int, float]]]:
    found = dict[str, list[tuple[int, float]]]()
    for number, line in _lines(text):
        for one in pattern.finditer(line):
            found.setdefault(one[1], []).append((number, float(one[2])))
    return found


# --- what runs with tests -----------------------------------------------------------------------------------------


def _look_at_hooks(change: Change, last: str) -> Iterator[Finding]:
    if _RUN_BY_PYTHON.fullmatch(last) and change.now is not None and change.before != change.now:
        yield Finding(change.name, 0, "Python runs this file before any test", "test-hook")
    if last == "conftest.py" and change.now is not None:
        known = set(_hooks(change.old))
        for name, line in _hooks(change.new).items():
            if name not in known:
                yield Finding(change.name, line, f"`{name}` has a say in every test from here on", "test-hook")


def _hooks(text: str) -> dict[str, int]:
    """Return what a conftest.py defines that tests do not ask for: hooks that can change a verdict, and their lines."""
    if (tree := parse(text)) is None:
        return {}
    functions = (one for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
    return {one.name: one.lineno for one in functions if _JUDGING_HOOKS.fullmatch(one.name)} | {
        target.id: one.lineno
        for one in tree.body
        if isinstance(one, ast.Assign)
        for target in one.targets
        if isinstance(target, ast.Name) and target.id in ("collect_ignore", "collect_ignore_glob")
    }


_JUDGING_HOOKS = re.compile(
    r"pytest_(runtest_\w+|collection_modifyitems|sessionfinish|pyfunc_call|ignore_collect|collect_file|pycollect_\w+"
    r"|assertrepr_\w+|exception_interact|cmdline_\w+|deselected|itemcollected|collection_finish|load_initial_conftests)"
)
