"""The real Claude Code, against a scripted Messages API on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.messages_api import MessagesApi
from fakes.messages_script import (
    Fault,
    credit_too_low,
    overloaded,
    prompt_too_long,
    rate_limited,
    unauthorized,
    usage_limit,
    work_on_feature,
)

pytestmark = pytest.mark.e2e

FAKE_KEY = "sk-ant-test-this-is-not-a-key"
FAKE_TOKEN = "sk-ant-oat01-test-this-is-not-a-token"
RESET = int(time.time()) + 3600

SPEC = """\
---
checks: ["grep -qx hello hello.txt"]
---
# Say hello

Write `hello.txt` with the one line `hello`.
"""


class Project:
    """A repository with one spec, a home of its own, and an environment without anything of the person who tests."""

    def __init__(self, folder: Path, claude: Path) -> None:
        self.root, self.home, self.claude = folder / "repo", folder / "home", claude
        self.home.mkdir()
        spec = self.root / "specs/hello/spec.md"
        spec.parent.mkdir(parents=True)
        spec.write_text(SPEC, encoding="utf-8")
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=Ask for a hello")

    def environ(self, api: MessagesApi, **more: str) -> dict[str, str]:
        """Everything a command is told; a variable is added or replaced by name."""
        key = {} if "CLAUDE_CODE_OAUTH_TOKEN" in more else {"ANTHROPIC_API_KEY": FAKE_KEY}
        return {
            **key,
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "ANTHROPIC_BASE_URL": api.url,
            "IS_SANDBOX": "1",  # as root, Claude Code refuses bypassPermissions without it
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_TELEMETRY": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_MAX_RETRIES": "0",
            **more,
        }

    def git(self, *arguments: str) -> str:
        who = ["-c", "user.name=Test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
        return subprocess.run(
            ["git", *who, *arguments],
            cwd=self.root,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def ask_claude(self, api: MessagesApi, **more: str) -> list[dict[str, Any]]:
        """Run the command as harness does, without harness, and give back the events it printed."""
        prompt = "\n".join(
            f"- {self.root}/{path}" for path in ("specs/hello/spec.md", "logs/hello.log", "logs/hello.done")
        )
        (self.root / "logs").mkdir()
        ended = subprocess.run(
            [self.claude, "-p", "--output-format=stream-json", "--verbose", "--permission-mode=bypassPermissions"],
            input=f"Files\n{prompt}\n",
            cwd=self.root,
            env=self.environ(api, **more),
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert not ended.stderr
        return [json.loads(line) for line in ended.stdout.splitlines()]


@pytest.fixture
def project(tmp_path: Path, claude: Path) -> Project:
    return Project(tmp_path, claude)


# --- the test bed itself: what the real command makes of the scripted server --------------------------------------


def test_claude_works_on_a_feature_as_scripted(project: Project) -> None:
    with MessagesApi(work_on_feature({"hello.txt": "hello\n"}, note="- said hello", done_line="it works")) as api:
        events = project.ask_claude(api)
    written = [(project.root / path).read_text() for path in ("hello.txt", "logs/hello.log", "logs/hello.done")]
    assert written == ["hello\n", "- said hello\n", "it works\n"]
    assert (events[-1]["result"], len(api.requests)) == ("The feature is done.", 5)


@pytest.mark.parametrize(
    ("fault", "error", "ending"),
    [
        pytest.param(rate_limited(), "rate_limit", (429, None, "api_error"), id="rate limited"),
        pytest.param(rate_limited(3600), "rate_limit", (429, None, "api_error"), id="rate limited for an hour"),
        pytest.param(overloaded(), "server_error", (529, None, "api_error"), id="overloaded"),
        pytest.param(unauthorized(), "authentication_failed", (401, None, "api_error"), id="unauthorized"),
        pytest.param(credit_too_low(), "billing_error", (400, None, "api_error"), id="credit too low"),
        pytest.param(prompt_too_long(), "invalid_request", (400, None, "prompt_too_long"), id="prompt too long"),
    ],
)
def test_claude_reports_a_fault_in_these_words(project: Project, fault: Fault, error: str, ending: tuple) -> None:
    with MessagesApi([fault]) as api:
        *_, said, result = project.ask_claude(api)
    reported = (result["api_error_status"], result.get("api_error"), result["terminal_reason"])
    assert (said["error"], reported, result["is_error"]) == (error, ending, True)


def test_claude_reports_when_a_usage_window_resets(project: Project) -> None:
    with MessagesApi([usage_limit(RESET)]) as api:
        *_, event, _, result = project.ask_claude(api, CLAUDE_CODE_OAUTH_TOKEN=FAKE_TOKEN)
    assert (event["type"], event["rate_limit_info"]["resetsAt"]) == ("rate_limit_event", RESET)
    assert result["api_error"] == "usage_limit_reached"
