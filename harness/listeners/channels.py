"""Tell people and programs outside: a webhook, a command at the end, and through apprise the channels of people.

Nothing here raises, changes how a run ends, or takes longer than its bound. Addresses hold secrets and are never shown.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.domain.errors import StorageError
from harness.domain.listener import Failure
from harness.domain.text import one_line
from harness.settings.options import Settings
from harness.system.capture import Captured, capture, path_outside
from harness.system.environment import clean_environment

TRIES = 3
PAUSE = 1.0  # seconds before the second try; doubles
ANSWER = 8.0  # seconds for one try
BOUND = 30.0  # seconds for all of them
COMMAND_BOUND = 60.0  # seconds for `on_finish`
DESKTOP = ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS")  # what a command needs to reach the screen
MISSING = "`notify` needs apprise, which is not installed: `pip install apprise`"


@dataclass(slots=True)
class Notifier:
    """Whom the settings name, and how they are reached."""

    settings: Settings
    root: Path
    environ: Mapping[str, str]
    written: tuple[Path, ...] = ()  # folders besides the project that agents may write: no program is run from there
    failed: set[str] = field(default_factory=set)  # channels that failed before: they get one try from then on

    @property
    def listens(self) -> bool:
        """Whether anybody wants to hear what happens in the middle."""
        return bool(self.settings.webhook or self.settings.notify)

    @property
    def wanted(self) -> bool:
        """Whether anybody wants to hear of the end."""
        return self.listens or bool(self.settings.on_finish)

    def problem(self) -> str:
        """Return what keeps a channel from ever being reached, "" when nothing is known to."""
        return MISSING if self.settings.notify and importlib.util.find_spec("apprise") is None else ""

    def send(self, message: Mapping[str, Any]) -> list[Failure]:
        """Tell webhook and channels; `message` has `event`, `text`, and what belongs to it. Returns what failed."""
        failures: list[Failure] = []
        if self.settings.webhook:
            tries = 1 if "webhook" in self.failed and message["event"] != "finished" else TRIES
            order = {"webhook": self.settings.webhook, "body": message}
            failures += self._carry("webhook", {**order, "tries": tries, "pause": PAUSE, "timeout": ANSWER})
        if self.settings.notify and not self.problem():
            title = f"harness: {message['event']} in {self.root.name}"
            order = {"apprise": self.settings.notify, "title": title, "body": message["text"]}
            failures += self._carry("notify", order)
        self.failed |= {failure.channel for failure in failures}
        return [replace(failure, told=message["event"]) for failure in failures]

    def finish(self, result: Mapping[str, Any], run: str) -> list[Failure]:
        """Run the command of `on_finish` with the result on its stdin. Returns what failed."""
        if not self.settings.on_finish:
            return []
        ran = _run(
            ("/bin/sh", "-c", self.settings.on_finish),
            cwd=self.root,
            env={
                **clean_environment(self.environ, self.settings.env_pass, DESKTOP),
                "PATH": path_outside(self.environ.get("PATH", os.defpath), self.root, *self.written),
                "HARNESS_EVENT": "finished",
                "HARNESS_HALT": str(result.get("halt", "")),
                "HARNESS_EXIT": str(result.get("code", "")),
                "HARNESS_RUN_ID": run,
            },
            timeout=COMMAND_BOUND,
            stdin=json.dumps(result, default=str).encode() + b"\n",
            cap=64 * 1024,
        )
        return [replace(failure, told="finished") for failure in _judge("on_finish", ran, COMMAND_BOUND)]

    def _carry(self, channel: str, order: Mapping[str, Any]) -> list[Failure]:
        ran = _run(
            (sys.executable, "-P", str(Path(__file__).with_name("send.py"))),
            cwd=self.root,
            env=clean_environment(self.environ, DESKTOP),
            timeout=BOUND,
            stdin=json.dumps(order, default=str).encode(),
            cap=64 * 1024,
        )
        try:
            return [Failure(str(one["channel"]), str(one["why"])) for one in json.loads(ran.stdout)["failed"]]
        except (ValueError, KeyError, TypeError):
            return [Failure(channel, f"no answer within {BOUND:g}s" if ran.timed_out else "it could not be asked")]


def _run(argv: tuple[str, ...], **how: Any) -> Captured:  # noqa: ANN401
    """Run the sender; what keeps it from starting is a failure like any other."""
    try:
        return capture(argv, **how)
    except StorageError as error:
        return Captured(126, b"", error.message.encode())


def _judge(channel: str, ran: Captured, bound: float) -> list[Failure]:
    if ran.timed_out:
        return [Failure(channel, f"ended after {bound:g}s")]
    if ran.code:
        words = one_line(ran.stderr.decode("utf-8", "replace"), 160)
        return [Failure(channel, f"exit {ran.code}" + (f": {words}" if words else ""))]
    return []
