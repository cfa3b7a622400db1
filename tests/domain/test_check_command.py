"""Whether a check could fail at all."""

from __future__ import annotations

import pytest

from harness.domain.check_command import why_it_cannot_fail


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
