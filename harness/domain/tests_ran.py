"""How many tests ran, as test runners say it at their end; what was skipped did not run. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from harness.domain.text import one_line

_PYTEST = re.compile(r"^=*[ ]?((?:\d+ [a-z]+(?:, )?)+) in [\d.]+ ?s", re.MULTILINE)  # `12 passed, 1 skipped in 0.3s`
_PYTEST_RAN = re.compile(r"(\d+) (passed|failed|xfailed|xpassed)")
_UNITTEST = re.compile(r"^Ran (\d+) tests? in [\d.]+s\n+(?:(?:OK|FAILED) \(.*?skipped=(\d+))?", re.MULTILINE)
_JEST = re.compile(r"^ *Tests:? (?=.*\d (?:passed|failed))(.*)", re.MULTILINE)  # Vitest, too, without `:`
_JEST_RAN = re.compile(r"(\d+) (?:passed|failed)")
_TAP_TESTS = re.compile(r"^(?:#|ℹ) tests (\d+)", re.MULTILINE)  # `node --test`
_TAP_LEFT = re.compile(r"^(?:#|ℹ) (?:skipped|todo) (\d+)", re.MULTILINE)
_MOCHA = re.compile(r"^ +(\d+) (?:passing|failing)", re.MULTILINE)
_CARGO = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed", re.MULTILINE)
_GO_TEST = re.compile(r"^ *--- (?:PASS|FAIL): ", re.MULTILINE)
_GO_VERBOSE = re.compile(r"^(?:=== RUN| *--- PASS: )", re.MULTILINE)
_GO_PACKAGE = re.compile(r"^(?:ok|FAIL)\s+\S+\s+(?:\(cached\)|[\d.]+s)(?!.*no tests to run)", re.MULTILINE)
_RSPEC = re.compile(r"^(\d+) examples?, \d+ failures?(?:, (\d+) pending)?", re.MULTILINE)
_PHPUNIT = re.compile(r"^(?:OK \((\d+) tests?|Tests: (\d+), Assertions)", re.MULTILINE)
_SUREFIRE = re.compile(r"^(?:\[\w+\] )?Tests run: (\d+), Failures: \d+, Errors: \d+, Skipped: (\d+)$", re.MULTILINE)

_ENDS = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        r"^=*[ ]?(?=\d)(?:\d+ [a-z]+(?:, )?)+ in [\d.]+ ?s\b",  # pytest
        r"^Ran \d+ tests? in [\d.]+s\n+(?:OK|FAILED)[^\n]*",  # unittest
        r"^ *Tests:? +[^\n]*\d+ (?:passed|failed)\b[^\n]*",  # Jest, Vitest
        r"^(?:#|ℹ) fail \d+",  # `node --test`
        r"^ +\d+ passing\b[^\n]*(?:\n+ +\d+ pending)?(?:\n+ +\d+ failing)?",  # Mocha
        r"^test result: [^\n]*",  # Cargo
        r"^\d+ examples?, \d+ failures?",  # RSpec
    )
)
_FAILURES = re.compile(r"\b[1-9]\d* (?:failed|failing|failures?)\b|\bfailures=[1-9]|\bfail [1-9]")
_ERRORS = re.compile(r"\b[1-9]\d* errors?\b|\berrors=[1-9]")


def count_tests(output: str) -> int | None:
    """Return how many tests ran by the last lines of a check; None where no test runner says it.

    Go says without `-v` only how many packages had tests: these count then.
    """
    found = [count for read in _READERS if (count := read(output)) is not None]
    return sum(found) if found else None


def say_failed(output: str, *, errors: bool = True) -> str:
    """Return what a test runner says at its end of tests that failed, by the last lines of a check; "" of none.

    Its own end counts, the last that is there: what it runs may be test runners. Without `errors` those do not count: a
    test that is not there is one.
    """
    for pattern in _ENDS:
        last = next(reversed([found[0].strip() for found in pattern.finditer(output)]), "")
        if _FAILURES.search(last) or (errors and _ERRORS.search(last)):
            return one_line(last, 120)
    return ""


def _pytest(text: str) -> int | None:
    said = _PYTEST.findall(text)
    return sum(int(one) for line in said for one, _ in _PYTEST_RAN.findall(line)) if said else None


def _less_second(pattern: re.Pattern[str]) -> Callable[[str], int | None]:
    def read(text: str) -> int | None:
        found = pattern.findall(text)
        return sum(int(ran) - int(left or 0) for ran, left in found) if found else None

    return read


def _jest(text: str) -> int | None:
    found = _JEST.findall(text)
    return sum(int(one) for line in found for one in _JEST_RAN.findall(line)) if found else None


def _tap(text: str) -> int | None:
    found = _TAP_TESTS.findall(text)
    return sum(map(int, found)) - sum(map(int, _TAP_LEFT.findall(text))) if found else None


def _mocha(text: str) -> int | None:
    found = _MOCHA.findall(text)
    return sum(map(int, found)) if found else None


def _cargo(text: str) -> int | None:
    found = _CARGO.findall(text)
    return sum(int(passed) + int(failed) for passed, failed in found) if found else None


def _go(text: str) -> int | None:
    told = _GO_VERBOSE.search(text) is not None  # else it names only those that fail
    return len((_GO_TEST if told else _GO_PACKAGE).findall(text)) or None


def _phpunit(text: str) -> int | None:
    found = _PHPUNIT.findall(text)
    return sum(int(one or other) for one, other in found) if found else None


_READERS = (_pytest, _less_second(_UNITTEST), _jest, _tap, _mocha, _cargo, _go, _less_second(_RSPEC), _phpunit,
            _less_second(_SUREFIRE))  # fmt: skip
