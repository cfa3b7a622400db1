"""Random histories of agents, checks, hooks, people and kills, on real git: no receipt is ever untrue.

After every run: a receipt that says `commit: C`, checked in a clean checkout, holds in a fresh clone of C. If the run
ended with 0, C is on the branch, and the checks of all receipts pass in a fresh clone of its last commit.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.laws import examples
from helpers.marks import needs_bwrap
from helpers.world import CLAIM, World
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from harness.domain.errors import HarnessError

SLUGS = ("a", "b")
AGENTS = {
    "works": "echo $slug >> $slug.txt",
    "works in what git ignores": "mkdir -p lib; echo $slug > lib/$slug.txt",
    "breaks the other": "rm -f a.txt b.txt; echo $slug > $slug.txt",
    "breaks all by a file that no check names": "echo no > allowed; echo $slug > $slug.txt",
    "commits by itself": "echo $slug > $slug.txt; git add $slug.txt; git commit -qm own",
    "amends": "echo $slug > $slug.txt; git add $slug.txt; git commit -q --amend -m amended",
    "detaches HEAD": "git checkout -q --detach; echo $slug > $slug.txt",
    "switches": "git checkout -q -b side-$slug; echo $slug > $slug.txt",
    "resets": "git reset -q --hard HEAD~1; echo $slug > $slug.txt",
    "leaves a merge": "echo $slug > $slug.txt; cp .git/HEAD .git/MERGE_HEAD; git rev-parse HEAD > .git/MERGE_HEAD",
    "does nothing": ":",
    "adds by force": "mkdir -p lib; echo $slug > lib/$slug.txt; git add -f lib/$slug.txt",
    "hides": "git update-index --assume-unchanged a.txt; echo $slug > $slug.txt",
}
CHECKS = {
    "plain": "test -f {0}.txt || test -f lib/{0}.txt",
    "writes a report": "echo r >> report.txt; test -f {0}.txt || test -f lib/{0}.txt",
    "asks git": 'git log -1 >/dev/null && test -z "$(git status --porcelain)" && test -f {0}.txt',
    "needs another": "! grep -q no allowed && test -f {0}.txt",
}
HOOKS = {
    "none": "",
    "refuses": "exit 1",
    "mends": "grep -qs ok note.md || { echo ok > note.md; git add note.md; exit 1; }",
    "spoils": "echo no > allowed; git add allowed",
    "gives somebody time to commit": "[ -e meanwhile.txt ] || { export GIT_INDEX_FILE=.git/of-somebody; "
    "git read-tree HEAD; echo m > meanwhile.txt; git add meanwhile.txt; rm -f .git/of-somebody.lock; "
    "git update-ref HEAD $(git commit-tree -m meanwhile -p HEAD $(git write-tree)); rm -f .git/of-somebody; }",
    "goes on after it": "",
}


class Person:
    """What a person does between two runs."""

    def __init__(self, world: World) -> None:
        self.world = world

    def commit_something(self) -> None:
        with (self.world.root / "mine.txt").open("a") as file:
            file.write("mine\n")
        self._commit()

    def leave_a_file(self) -> None:
        (self.world.root / "left.txt").write_text(str(time.time()))

    def break_a(self) -> None:
        (self.world.root / "a.txt").unlink(missing_ok=True)
        self._commit()

    def allow_again(self) -> None:
        (self.world.root / "allowed").write_text("yes\n")
        self._commit()

    def commit_by_hand(self) -> None:
        self._commit()

    def back_to_main(self) -> None:
        for name in ("MERGE_HEAD",):
            (self.world.root / ".git" / name).unlink(missing_ok=True)
        self._git("checkout", "-q", "-f", "main")

    def _commit(self) -> None:
        self._git("add", "-A")
        self._git("commit", "-q", "--no-verify", "-m", "a person's")

    def _git(self, *words: str) -> None:
        try:
            self.world.git(*words)
        except subprocess.CalledProcessError:
            return


PEOPLE: list[Callable[[Person], None]] = [
    Person.commit_something, Person.leave_a_file, Person.break_a, Person.allow_again, Person.commit_by_hand,
    Person.back_to_main,
]  # fmt: skip
NIGHT = st.tuples(
    st.sampled_from(sorted(AGENTS)),
    st.sampled_from(sorted(HOOKS)),
    st.lists(st.sampled_from(PEOPLE), max_size=2),
    st.sampled_from([0, 0, 0, 0, 0.4, 0.8]),  # seconds until the run is killed, 0 for never
)


@pytest.mark.slow
@needs_bwrap
@pytest.mark.parametrize("part", range(6))
@settings(examples(50), suppress_health_check=list(HealthCheck), print_blob=True)
@given(st.lists(NIGHT, min_size=1, max_size=3), st.tuples(*[st.sampled_from(sorted(CHECKS))] * 2))
def test_no_receipt_is_untrue_whatever_happens(part: int, nights: list, kinds: tuple[str, str]) -> None:
    play(nights, kinds)


@needs_bwrap
@settings(examples(5), suppress_health_check=list(HealthCheck), print_blob=True)
@given(st.lists(NIGHT, min_size=1, max_size=2), st.tuples(*[st.sampled_from(sorted(CHECKS))] * 2))
def test_a_few_histories_leave_no_untrue_receipt(nights: list, kinds: tuple[str, str]) -> None:
    play(nights, kinds)


def play(nights: list, kinds: tuple[str, str]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="history-"))
    try:
        (folder / "home").mkdir()
        (folder / "project").mkdir()
        world = World(folder / "project")
        begin(world, kinds)
        for agent, hook, people, kill in nights:
            note(f"{agent}, hook {hook}, then {[one.__name__ for one in people]}, killed after {kill}")
            code = run_once(world, agent, hook, kill)
            look_at_receipts(world, folder, code)
            for one in people:
                one(Person(world))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def begin(world: World, kinds: tuple[str, str]) -> None:
    for slug, kind in zip(SLUGS, kinds, strict=True):
        world.spec(slug, checks=CHECKS[kind].format(slug))
    (world.root / ".gitignore").write_text("lib/\nharness.yaml\n")  # a run that is killed commits as the others do
    (world.root / "allowed").write_text("yes\n")
    world.git("init", "-q", "-b", "main")
    for words in (("add", "-A"), ("commit", "-qm", "begin"), ("commit", "-q", "--allow-empty", "-m", "more")):
        world.git(*words)


def run_once(world: World, agent: str, hook: str, kill: float) -> int:
    """Run harness to its end, or until it is killed; returns its exit code."""
    path = world.root / ".git/hooks/pre-commit"
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    after = path.with_name("post-commit")
    after.unlink(missing_ok=True)
    if hook == "goes on after it":
        after.write_text(
            "#!/bin/sh\n[ -e later.txt ] || { echo l > later.txt; git add later.txt; git commit -qm later; }\n"
        )
        after.chmod(0o755)
    if HOOKS[hook]:
        path.write_text(f"#!/bin/sh\n{HOOKS[hook]}\n")
        path.chmod(0o755)
    (world.root / "HALT").unlink(missing_ok=True)
    world.agent(AGENTS[agent] + "; " + CLAIM)
    home = world.root.parent / "home"
    world.settings |= {"sandbox": "bwrap", "stuck_limit": 2, "max_iterations": 4, "pause": 0}
    if not kill:
        try:
            return world.run(environ={**world.environ, "HOME": str(home)}).code
        except HarnessError as error:  # a start that is refused is an end, too
            note(f"refused: {error}")
            return 2
    world.config_file()
    run = world.start("run", HOME=str(home), HARNESS_SANDBOX="")
    time.sleep(kill)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    (world.root / "harness.yaml").unlink()
    return -9


def look_at_receipts(world: World, folder: Path, code: int) -> None:
    """Assert what every receipt says, in fresh clones."""
    proven = {}
    for slug in SLUGS:
        done = world.root / f"logs/{slug}.done"
        text = done.read_text() if done.is_file() else ""
        if "--- proven by harness ---" in text and "checked: in a clean checkout of the commit" in text:
            commit = re.search(r"^commit: (\w+)$", text, re.MULTILINE)
            assert commit is not None, text
            proven[slug] = commit[1], re.findall(r"^check: exit 0 in [^:]*: (.*)$", text, re.MULTILINE)
    for slug, (commit, checks) in proven.items():
        assert passes(world.root, commit, checks, folder / f"clone-{slug}"), f"{slug}: a clone of {commit} fails"
    if code == 0:
        for slug, (commit, checks) in proven.items():
            assert is_ancestor(world.root, commit), f"{slug}: {commit} is not in what is checked out, exit 0"
            assert passes(world.root, "HEAD", checks, folder / f"head-{slug}"), f"{slug}: HEAD fails, exit 0"


def passes(root: Path, commit: str, checks: list[str], place: Path) -> bool:
    oid = subprocess.run(["git", "rev-parse", commit], cwd=root, capture_output=True, text=True, check=True).stdout
    subprocess.run(["git", "clone", "-q", "--shared", "--no-checkout", root, place], check=True)
    try:
        subprocess.run(["git", "-C", place, "checkout", "-q", "--detach", oid.strip()], check=True)
        return all(subprocess.run(["bash", "-ec", one], cwd=place, check=False).returncode == 0 for one in checks)
    finally:
        shutil.rmtree(place)


def is_ancestor(root: Path, commit: str) -> bool:
    return subprocess.run(["git", "merge-base", "--is-ancestor", commit, "HEAD"], cwd=root, check=False).returncode == 0
