"""The `world`: a small project in a temporary folder, an agent that is a few lines of shell, and the real loop."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from helpers.forks import Forked, can_fork
from helpers.waiting import PATIENCE

from harness.domain.halt import Halt, Stop
from harness.domain.listener import Silent, Tone
from harness.listeners.channels import Notifier
from harness.listeners.messages import Messages
from harness.loop import run_loop
from harness.records.journal import read_journal
from harness.reports.view import name_state, read_view
from harness.run.open import open_run
from harness.run.preflight import announce
from harness.settings.load import load_config
from harness.system.clocks import Clocks

PRELUDE = """
prompt=$(cat)
done=${prompt%%.done*}
done=${done##*[[:space:]]}
done=/${done#*/}.done
logs=${done%/*} slug=${done##*/}
slug=${slug%.done}
log=$logs/$slug.log
learnings=$logs/learnings.md
count() { attempt=$#; }
git() {
    GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null \\
        command git -c user.name='an agent' -c user.email=agent@example.invalid "$@"
}
count "$logs/attempts/$slug"/*
note() { printf '%s\\n' "$*, and this makes the note long enough to count" >> "$log"; }
"""
GIT = {
    "GIT_AUTHOR_NAME": "a tester",
    "GIT_AUTHOR_EMAIL": "tester@example.invalid",
    "GIT_COMMITTER_NAME": "a tester",
    "GIT_COMMITTER_EMAIL": "tester@example.invalid",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
}
BUBBLEWRAP = shutil.which("bwrap") is not None and sys.platform.startswith("linux")
CLAIM = 'note "did $slug"; echo "finished $slug" > "$done"'
FINISH = 'note "did $slug"; echo "- 2026-11-21: a lesson" >> $learnings; echo ok > made.txt; echo finished > $done'
AT_EASE = {"HARNESS_INHIBIT_SLEEP": "off"}  # whether this machine can be kept awake is told in its own test alone
TRUSTED = {"HARNESS_TRUST": "1"}  # a test wrote its project itself; those of trust go without


class Listener(Silent):
    """Keeps every line that a person would have seen."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def tell(self, line: str, tone: Tone = Tone.PLAIN) -> None:
        self.lines.append(line)


@dataclass
class Ran:
    """How a run ended, and what it said."""

    stop: Stop
    lines: list[str]

    @property
    def code(self) -> int:
        return self.stop.halt.code

    @property
    def halt(self) -> Halt:
        return self.stop.halt

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass
class World:
    """A project: specs, an agent, the real loop, real files."""

    root: Path
    settings: dict[str, Any] = field(default_factory=dict)

    def spec(self, slug: str, body: str = "Do it.", **front: Any) -> Path:
        """Write a spec with front matter."""
        path = self.root / "specs" / slug / "spec.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        head = f"---\n{yaml.safe_dump(front)}---\n" if front else ""
        path.write_text(f"{head}# {slug}\n\n{body}\n", "utf-8")
        return path

    def agent(self, code: str) -> None:
        """Make the agent a shell script; it finds $log, $done, $logs, $slug, $attempt, $learnings and `note`."""
        script = self.root.parent / "agent.sh"
        script.write_text(PRELUDE + code + "\n", "utf-8")
        self.settings |= {"agent": "command", "command": ["/bin/sh", str(script)]}

    def git(self, *words: str) -> str:
        """Run git in the project."""
        ran = subprocess.run(
            ["git", "-c", "maintenance.auto=false", *words],
            cwd=self.root,
            env={**os.environ, **GIT},
            capture_output=True,
            text=True,
            check=True,
        )
        return ran.stdout.strip()

    def repository(self) -> None:
        """Make the project a git repository with one commit."""
        self.git("init", "-q")
        self.git("add", "--all")
        self.git("commit", "-qm", "begin", "--allow-empty")

    @property
    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HARNESS_")}
        return {**kept, **GIT, **AT_EASE, **TRUSTED, "HARNESS_SANDBOX": "none"}

    def run(
        self, *wanted: str, environ: Mapping[str, str] | None = None, clocks: Mapping[str, Any] = {}, **flags: Any
    ) -> Ran:
        """Run the real loop in this process, by other clocks if need be; an agent nobody chose is the shell script."""
        listener = Listener()
        given = {"pause": "0", "fault_backoff": "0.05s", **self.settings, **flags}
        config = load_config(self.root, given, environ or self.environ)
        around = environ or self.environ
        messages = Messages(Notifier(config.settings, self.root, around))
        with open_run(config, listener, messages, environ=around, wanted=wanted, clocks=Clocks(**clocks)) as run:
            announce(run)
            stop, _ = run_loop(run)
        return Ran(stop, listener.lines)

    def command(self, *words: str, fresh: bool = False, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run the real command as a child process, to its end."""
        run = self.start(*words, fresh=fresh, **environ)
        try:
            out, err = run.communicate(timeout=PATIENCE)
        except BaseException:
            run.kill()
            raise
        return subprocess.CompletedProcess(["harness", *words], run.wait(), out, err)

    def start(self, *words: str, fresh: bool = False, **environ: str) -> Forked | subprocess.Popen[str]:
        """Start the real command as a child process in a session of its own; `fresh`: its interpreter too starts."""
        around = {**self.environ, **environ}
        if not fresh and can_fork(around):
            return Forked(words, self.root, around)
        return subprocess.Popen(
            [sys.executable, "-m", "harness", *words],
            cwd=self.root,
            env=around,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def config_file(self, **settings: Any) -> None:
        """Write harness.yaml, with the agent among the settings."""
        text = yaml.safe_dump({"pause": 0, **self.settings, **settings})
        (self.root / "harness.yaml").write_text(text, "utf-8")

    def log(self, name: str) -> str:
        """Read a file in logs/."""
        return (self.root / "logs" / name).read_text("utf-8")

    def has(self, name: str) -> bool:
        """Whether a file stands in the project."""
        return (self.root / name).exists()

    def states(self) -> dict[str, str]:
        """The state of each feature, as status shows it."""
        view = read_view(load_config(self.root, {}, self.environ))
        return {feature.slug: name_state(view, feature) for feature in view.look.features}

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The journal's events of one kind."""
        return [e for e in read_journal(self.root / "logs" / "journal.jsonl") if e["event"] == kind]

    def outcomes(self, slug: str | None = None) -> list[str]:
        """The outcomes of all attempts, in order."""
        return [e["outcome"] for e in self.events("attempt_ended") if slug in (None, e["slug"])]

    def prompt(self, slug: str, attempt: int) -> str:
        """The prompt that an attempt got."""
        return self.log(f"attempts/{slug}/{attempt:04d}/prompt.md")


@dataclass
class Command:
    """A command run in this process: exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def say(resets_at: float | None, text: str = "used up", **fields: object) -> str:
    """Shell lines of an agent that ends in a usage limit."""
    window = {"status": "rejected", "rateLimitType": "five_hour", **({"resetsAt": resets_at} if resets_at else {})}
    result = {"type": "result", "is_error": True, "api_error": "usage_limit_reached", "api_error_status": 429}
    lines = ({"type": "rate_limit_event", "rate_limit_info": window}, {**result, "result": text, **fields})
    return "; ".join(f"echo '{json.dumps(line)}'" for line in lines) + "; exit 1"


# --- stories ------------------------------------------------------------------------------------------------------


NOTE = "a note that is long enough to count as progress"


ASK = 'note "tried"; echo "BLOCKED: which client?" >> "$log"'


SECRET = "decoy-of-the-home-0123456789"
