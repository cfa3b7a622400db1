"""Whether a check could fail at all."""

from __future__ import annotations

import pytest

from harness.domain.check_command import find_missing, why_it_cannot_fail


@pytest.mark.parametrize(
    "command",
    ["pytest || true", "pytest||:", "make test || echo failed", "npm test || exit 0", "pytest &", "pytest & sleep 1",
     "set +e; pytest", "true", "echo ok", "set +o pipefail\npytest | tail", "cd app && npm test || true", "exit 0"],
)  # fmt: skip
def test_what_is_green_whatever_happens_is_named(command: str) -> None:
    assert why_it_cannot_fail(command)


@pytest.mark.parametrize(
    "command",
    ["pytest -q 2>&1 | tail -5", "pytest; echo done", "test -f a || test -f b", "cd app && make &> log",
     "grep -q 'a || true' f", "echo start; pytest", "! grep x f",
     "curl -s localhost:80/a?b=1\\&c=2", "test \"$(echo 1)\" = 1", "it's odd", "exit 1"],
)  # fmt: skip
def test_what_can_fail_is_left_alone(command: str) -> None:
    assert why_it_cannot_fail(command) == ""


@pytest.mark.parametrize(
    "command", ["nope -q", "make && nope", "! nope", "A=1 nope x", "if nope; then make; fi", "make | nope"]
)
def test_a_program_that_is_not_there_is_found(command: str) -> None:
    assert find_missing(command, {"make"}.__contains__) == "nope"


@pytest.mark.parametrize(
    "command",
    ["make test", "test -f x && [ -d y ]", "cd app; make", "./nope", "src/nope", "$NOPE x", "PATH=bin:$PATH nope",
     ". .venv/bin/activate && nope", "nope() { make; }; nope", "case x in nope) make;; esac",
     "for nope in a b; do make; done", "make <<E\nnope\nE", "it's odd", "(cd x && make)", "export A=b; make"],
)  # fmt: skip
def test_nothing_is_said_of_what_may_be_there(command: str) -> None:
    assert find_missing(command, {"make"}.__contains__) == ""
