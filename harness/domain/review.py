"""What a reviewer is asked, and what it found: an agent with a fresh context that reads a claim's diff."""

from __future__ import annotations

from dataclasses import dataclass

PASS, FAIL, UNSURE = "pass", "fail", "unsure"  # what a reviewer may say of one thing


@dataclass(frozen=True, slots=True)
class Review:
    """A question to another agent about a claim whose checks passed; "" for the agent and model of the settings.

    One that is `blocking` keeps a claim from standing; `timeout` in seconds, None for that of checks.
    """

    question: str
    agent: str = ""
    model: str = ""
    timeout: float | None = None
    blocking: bool = False


@dataclass(frozen=True, slots=True)
class Comment:
    """One thing that a reviewer said: of which criterion (0: none of them), in which line of which file.

    `blocks` where a claim does not stand because of it; `rounds` how often it kept one from standing before.
    """

    criterion: int = 0
    verdict: str = ""
    file: str = ""
    line: int = 0
    sentence: str = ""
    blocks: bool = False
    rounds: int = 0
