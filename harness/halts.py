"""The HALT file that harness writes: why, since when, what to do, and the command that resumes. Pure."""

from __future__ import annotations

from datetime import datetime

from harness.domain import Halt, Stop

# A run that these end needs a person: HALT keeps the next one from starting until somebody has looked.
WRITES_HALT = (Halt.BLOCKED, Halt.STUCK, Halt.QUOTA, Halt.BUDGET)


def compose_halt(stop: Stop, *, run: str, at: str) -> str:
    """Return the text of the HALT file for the end of a run."""
    subject = f", {stop.slug}" if stop.slug else ""
    lines = [
        f"harness stopped: {stop.halt.sentence}",
        "",
        f"why:    {stop.because}",
        f"since:  {at} (run {run})",
    ]
    if stop.resets_at is not None:
        lines.append(f"resets: {local_time(stop.resets_at)}")
    lines += [
        f"do:     {stop.advice or stop.halt.advice}",
        "resume: harness resume && harness run",
        "",
        f"written by harness (exit {stop.halt.code}, {stop.halt.name.lower()}{subject})",
    ]
    return "\n".join(lines) + "\n"


def local_time(moment: float) -> str:
    """Return epoch seconds as a person's clock shows them, with the zone."""
    return datetime.fromtimestamp(moment).astimezone().strftime("%Y-%m-%d %H:%M %Z")
