"""What the end-to-end tests stand on: the real command, a fresh project and a home of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

WANTED = "HARNESS_TEST_CLAUDE"
HOW = f"{WANTED}=$(.ci/claude-code.sh | tail -n 1) pytest -m e2e"


@pytest.fixture(scope="session")
def claude() -> Path:
    """The real Claude Code; without it the test is skipped, and the summary says so in red."""
    if not os.environ.get(WANTED):
        pytest.skip(f"no real Claude Code: {HOW}")
    command = Path(os.environ[WANTED]).resolve()
    assert os.access(command, os.X_OK), f"{WANTED} is `{command}`, which cannot be executed"
    return command


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [report for report in terminalreporter.getreports("skipped") if WANTED in str(report.longrepr)]
    if skipped:
        line = f"{len(skipped)} END-TO-END TESTS DID NOT RUN: {HOW}"
        terminalreporter.write_line(line, red=True, bold=True)
