"""A run whose agent has just ended: the desk of its main thread, open, with real files and real git below."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from helpers.world import GIT, Listener, World

from harness.attempts.attempt import Attempt, Gathered
from harness.attempts.begin import begin, prepare
from harness.domain.look import FeatureHistory
from harness.domain.reply import Ended, Exit, Reply, Transcript
from harness.listeners.channels import Notifier
from harness.listeners.messages import Messages
from harness.records.notes import Note
from harness.run.checkouts import plan_for
from harness.run.look import look_around
from harness.run.open import open_run
from harness.run.preflight import announce
from harness.run.run import Run
from harness.settings.load import load_config
from harness.workspace.clean_checkout import CheckoutPlan
from harness.workspace.workspace import changed_files

REPLY = Reply(Exit(Ended.EXITED, 0), Transcript(results=1))
APP = "app/"  # where the project lies in its repository


@dataclass
class Desk:
    """An open run, and the attempt that has just ended in it."""

    top: Path
    run: Run
    attempt: Attempt

    @property
    def record(self) -> FeatureHistory:
        """What is remembered of the feature; a test may write here."""
        return self.run.history.of(self.attempt.slug)

    def write(self, files: dict[str, str | None]) -> None:
        """Write files of the project, or delete those that are None; `../` leads out of it."""
        for name, text in files.items():
            path = self.top / APP / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            if text is not None:
                path.write_bytes(text.encode("utf-8", "surrogateescape"))

    def clean(self) -> None:
        """Bring the working tree to the last commit."""
        git(self.top, "checkout", "-q", "--force", "HEAD", "--", ".")
        git(self.top, "clean", "-fdq", "--exclude=logs", "--exclude=HALT")

    def commit(self, files: dict[str, str | None]) -> None:
        """Commit these files and no others."""
        self.clean()
        self.write(files)
        git(self.top, "add", "--all")
        git(self.top, "commit", "-qm", "more")

    def leave(self, files: dict[str, str | None], **given: Any) -> Gathered:
        """Return what an attempt left that changed these files and no others."""
        self.clean()
        self.write(files)
        after = self.run.workspace.snapshot()
        changed = changed_files(self.attempt.before, after)
        return Gathered(REPLY, Note("", 0), changed, after, "did it", True, [], **given)

    def plan(self, found: Gathered) -> CheckoutPlan:
        """Return the clean checkout of a claim."""
        made = self.run.workspace.prepare_commit("a", "did it", 1, found.changed)
        assert made is not None
        return plan_for(self.run, made)

    def ordered(self, **given: Any) -> Attempt:
        """Return the attempt with another order."""
        return replace(self.attempt, order=replace(self.attempt.order, **given))

    def meant(self, **given: Any) -> Attempt:
        """Return the attempt at another spec."""
        return replace(self.attempt, feature=replace(self.attempt.feature, **given))

    def read(self, what: str) -> str:
        """Return the content of what git names: `COMMIT:FILE`, or a blob; "" where there is none."""
        said = subprocess.run(
            ["git", "cat-file", "blob", what], cwd=self.top, capture_output=True, text=True, check=False
        )
        return said.stdout


def git(top: Path, *words: str) -> str:
    """Run git in a repository."""
    ran = subprocess.run(
        ["git", *words], cwd=top, env={**GIT, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )
    return ran.stdout.strip()


@contextmanager
def open_desk(top: Path, files: dict[str, str], checks: list[str], **settings: Any) -> Iterator[Desk]:
    """Open a run in a project with these files in its last commit, and begin an attempt at its feature `a`."""
    world = World(top / APP)
    world.root.mkdir(parents=True)
    world.agent("true")
    world.spec("a", checks=checks)
    for name, text in files.items():
        path = world.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    for words in (["init", "-q"], ["add", "--all"], ["commit", "-qm", "begin"]):
        git(top, *words)
    config = load_config(world.root, {"pause": "0", **world.settings, **settings}, world.environ)
    messages = Messages(Notifier(config.settings, world.root, world.environ))
    with open_run(config, Listener(), messages, environ=world.environ, wanted=("a",)) as run:
        announce(run)
        (feature,) = look_around(run, []).features
        prepared = prepare(run, feature)
        assert prepared is not None
        yield Desk(top, run, begin(run, feature, prepared, "a test"))
