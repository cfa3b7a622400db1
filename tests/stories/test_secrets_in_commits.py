"""Each commit that comes onto the branch is searched for secrets, whoever made it and however large it is."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.marks import SANDBOXES
from helpers.world import CLAIM, GIT, World

from harness.attempts import no_secrets

KEY = "Zk9vQx7LmP2sWd8RtY"
HOLDS = "holds the value of API_TOKEN"


@pytest.fixture
def mine(world: World) -> World:
    """A project with a secret."""
    (world.root / ".env").write_text(f"API_TOKEN={KEY}\n")
    (world.root / ".gitignore").write_text(".env\n/logs/\n/HALT\n")
    world.settings |= {"max_iterations": 1}
    world.spec("a", checks="test -f a.txt")
    return world


def hook(world: World, name: str, code: str) -> None:
    path = world.root / ".git/hooks" / name
    path.write_text(f"#!/bin/sh\n{code}\n")
    path.chmod(0o755)


def test_a_secret_that_a_hook_puts_into_a_commit_is_taken_back_with_it(mine: World) -> None:
    (mine.root / "build.sh").write_text("echo built > bundle.js\n")
    mine.repository()
    hook(mine, "pre-commit", "sh build.sh && git add bundle.js")
    mine.agent(f"echo 'cp .env bundle.js' > build.sh; echo a > a.txt; {CLAIM}")
    ran = mine.run()
    assert mine.outcomes() == ["unconfirmed"], ran.text
    said = f"bundle.js {HOLDS} in what git committed: it is taken back"
    assert f"a: {said}" in ran.text and said in mine.events("attempt_ended")[0]["observed"]
    assert mine.git("log", "--format=%s") == "begin"


@pytest.mark.deep
@pytest.mark.parametrize("sandbox", SANDBOXES)
def test_a_secret_that_a_hook_puts_into_a_file_before_it_refuses_is_not_committed(mine: World, sandbox: str) -> None:
    mine.settings["sandbox"] = sandbox
    mine.repository()
    hook(mine, "pre-commit", "[ -e .git/hooks/../once ] && exit 0; touch .git/once; cat .env >> a.txt; exit 1")
    mine.agent(f"echo a > a.txt; {CLAIM}")
    ran = mine.run()
    assert mine.outcomes() == ["unconfirmed"], ran.text
    assert f"a.txt {HOLDS} in what git committed" in mine.events("attempt_ended")[0]["observed"]
    assert mine.git("log", "--format=%s") == "begin"


@pytest.mark.deep
def test_a_secret_in_a_commit_that_a_hook_makes_beside_ours_is_told(mine: World) -> None:
    mine.repository()
    code = "[ -e .once ] || { touch .once; git add -f .env; git commit -qnm env; }"
    hook(mine, "post-commit", code)
    mine.agent(f"echo a > a.txt; {CLAIM}")
    ran = mine.run()
    assert f"a: a commit that somebody made while it was committed {HOLDS}" in ran.text


@pytest.mark.deep
def test_a_secret_in_a_commit_that_a_check_makes_is_told(mine: World) -> None:
    mine.spec("a", checks="test -f a.txt && git add -f .env && git -c user.name=x -c user.email=x@x commit -qm env")
    mine.repository()
    mine.agent(f"echo a > a.txt; {CLAIM}")
    assert f"a: a commit that somebody made while its checks ran {HOLDS}" in mine.run().text


def test_a_commit_that_is_tried_again_is_searched_as_the_files_are_by_then(mine: World) -> None:
    mine.spec("b", checks="test -f b.txt")
    mine.settings |= {"max_iterations": 2, "keep_going": True, "stuck_limit": 1}
    mine.repository()
    mine.git("config", "user.useConfigOnly", "true")
    nobody = {name: value for name, value in mine.environ.items() if name not in GIT or "CONFIG" in name}
    more = 'cat .env >> a.txt; echo "BLOCKED: which colour?" >> $log'
    mine.agent(f"case $slug in a) echo a > a.txt; {CLAIM};; b) {more};; esac")
    assert "a: proven, but not committed" in mine.run(environ=nobody).text
    assert f"a: still not committed: a.txt {HOLDS}" in mine.run().text
    assert mine.git("log", "--format=%s") == "begin"


LARGE = "yes 0123456789abcdef | head -c 20000000 > data.txt"  # more than is kept of what git says elsewhere


@pytest.mark.deep
@pytest.mark.parametrize(
    "own",
    [
        f"cp .env c; git add c; git commit -qm 1; {LARGE}; git rm -q c; git add data.txt; git commit -qm 2",
        f"{LARGE}; cat .env >> data.txt; git add data.txt; git commit -qm 1",
        "git switch -qc other; cp .env c; git add c; git commit -qm 1; git switch -q -",
        'git tag -am "with $(cat .env)" v1',
    ],
    ids=["before a large one", "at the end of a large file", "on another branch", "in a tag"],
)
def test_a_secret_in_a_commit_of_an_agents_own_is_told_however_it_lies(mine: World, own: str) -> None:
    mine.repository()
    mine.agent(f"{own}; echo a > a.txt; {CLAIM}")
    assert f"a: a commit of its own {HOLDS}" in mine.run().text


def test_what_was_not_searched_is_told(mine: World, monkeypatch: Any) -> None:
    monkeypatch.setattr(no_secrets, "IN_ALL", 5000)
    mine.repository()
    mine.agent(f"seq 9999 > c; git add c; git commit -qm 1; echo a > a.txt; {CLAIM}")
    ran = mine.run()
    assert "a: not searched for secrets: 1 object of its commits (more than 4.9 KiB" in ran.text, ran.text


@pytest.mark.deep
def test_a_secret_that_an_agent_moved_with_its_file_is_no_news(mine: World) -> None:
    (mine.root / "old.txt").write_text(KEY)
    mine.repository()
    mine.agent(f"mkdir sub; git mv old.txt sub/new.txt; git commit -qm move; echo a > a.txt; {CLAIM}")
    ran = mine.run()
    assert (ran.code, HOLDS in ran.text) == (0, False), ran.text


@pytest.mark.deep
def test_a_claim_is_refused_for_a_secret_that_an_earlier_attempt_committed(mine: World) -> None:
    mine.settings |= {"max_iterations": 2}
    mine.repository()
    mine.agent(
        f"[ $attempt = 1 ] && {{ cp .env c; git add c; git commit -qm 1; note did; }} || {{ echo a > a.txt; {CLAIM}; }}"
    )
    ran = mine.run()
    assert mine.outcomes() == ["progressed", "unconfirmed"], ran.text


@pytest.mark.deep
def test_an_undo_that_brings_a_secret_back_says_so(mine: World, harness: Any) -> None:
    (mine.root / "conf.txt").write_text(f"{KEY}\n")
    mine.repository()
    mine.agent(f"echo 'from the environment' > conf.txt; echo a > a.txt; {CLAIM}")
    assert mine.run().code == 0
    said = f"conf.txt {HOLDS} again: that goes out with the next push"
    assert said in harness("undo", "a", "--dry-run").out
    assert said in harness("undo", "a").out
