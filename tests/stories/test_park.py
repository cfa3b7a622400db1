"""Work that a person lands: a feature that touches `park` files is proven, leaves the tree, and waits."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from helpers.marks import SANDBOXES, in_short
from helpers.world import CLAIM, World

from harness.attempts import recover
from harness.workspace import parking as park

MIGRATES = 'mkdir -p migrations; echo "$slug" > migrations/1.sql; echo "$slug" >> app.txt; ' + CLAIM
BOTH = pytest.mark.parametrize("sandbox", SANDBOXES)


@pytest.fixture
def project(world: World, harness, monkeypatch: pytest.MonkeyPatch) -> World:
    world.spec("a", checks="grep a app.txt")
    world.spec("b", checks="test -f b.txt", depends_on=[])
    (world.root / "app.txt").write_text("one\ntwo\nthree\nfour\nfive\n")
    world.agent(f"case $slug in a) {MIGRATES};; *) echo x > $slug.txt; {CLAIM};; esac")
    world.settings["park"] = ["migrations/**"]
    world.config_file()
    world.repository()
    monkeypatch.setenv("HARNESS_SANDBOX", "auto")
    return world


@BOTH
def test_parked_work_is_proven_leaves_the_tree_and_lands_when_a_person_says_so(
    project: World, sandbox: str, harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_SANDBOX", sandbox)
    ran = project.run(sandbox=sandbox)
    assert (ran.code, project.states()) == (4, {"a": "blocked", "b": "done"}), ran.text
    assert "next: look at it, then `harness land a`" in ran.text
    (row, _) = json.loads(harness("status", "--json").out)["features"]
    assert "proven, and it touches migrations/1.sql (`park`): `harness land a` lands it" in row["because"]
    if sandbox != "none":
        assert "it is on the branch `harness/a`" in row["because"]
        assert project.git("show", "harness/a:migrations/1.sql") == "a"
        assert not (project.root / "migrations").exists() and project.git("status", "--short", "app.txt") == ""
    landed = harness("land", "a")
    assert landed.code == 0, landed.out + landed.err
    assert project.states()["a"] == "done"
    assert project.git("show", "HEAD:migrations/1.sql") == "a" and project.git("branch", "--list", "harness/*") == ""
    assert project.git("status", "--short", "--", "app.txt", "migrations") == ""
    assert "proven by harness" in project.log("a.done")
    assert "judge: migrations/1.sql: a person let it land\n" in project.log("a.done")
    assert project.git("rev-parse", "HEAD") in project.log("a.done")
    assert harness("land", "a").code == 2


@pytest.mark.deep
def test_work_does_not_land_where_nothing_is_committed_and_the_tree_stays_as_it_is(project: World, harness) -> None:
    assert project.run(sandbox="auto").code == 4
    (project.root / "notes.txt").write_text("mine\n")
    landed = harness("land", "a")
    assert (
        landed.code == 4 and "it cannot land as it is: commits are off: the tree has 1 uncommitted change" in landed.err
    )
    assert not project.has("migrations") and project.git("show", "harness/a:migrations/1.sql") == "a"
    (project.root / "notes.txt").unlink()
    assert harness("land", "a").code == 0
    assert project.git("show", "HEAD:migrations/1.sql") == "a"


@pytest.mark.deep
def test_what_meets_later_work_waits_on_and_nothing_changes(project: World, harness) -> None:
    assert project.run(sandbox="auto").code == 4
    (project.root / "migrations").mkdir()
    (project.root / "migrations" / "1.sql").write_text("a person's\n")
    project.git("add", "migrations")
    project.git("commit", "-qm", "a person's")
    head = project.git("rev-parse", "HEAD")
    landed = harness("land", "a")
    assert landed.code == 4 and "meets later work in migrations/1.sql" in landed.err, landed.err
    assert project.git("rev-parse", "HEAD") == head and project.states()["a"] == "blocked"
    assert (project.root / "migrations" / "1.sql").read_text() == "a person's\n"
    assert project.git("show", "harness/a:migrations/1.sql") == "a"


@pytest.mark.deep
def test_later_work_beside_it_lands_with_it_and_is_checked_together(project: World, harness) -> None:
    assert project.run(sandbox="auto").code == 4
    (project.root / "app.txt").write_text("zero\none\ntwo\nthree\nfour\nfive\n")
    project.git("commit", "-qam", "a person's")
    assert harness("land", "a").code == 0
    assert project.git("show", "HEAD:app.txt") == "zero\none\ntwo\nthree\nfour\nfive\na"


@pytest.mark.deep
def test_a_person_can_send_parked_work_back_with_words(project: World, harness) -> None:
    assert project.run(sandbox="auto").code == 4
    assert harness("allow", "a", "migrations/1.sql").code == 2
    assert harness("answer", "a", "no migration: keep it in app.txt").code == 0
    project.agent(f"rm -r migrations; {CLAIM}")
    ran = project.run(sandbox="auto")
    assert (ran.code, project.states()) == (0, {"a": "done", "b": "done"}), ran.text
    assert "migrations" not in project.git("ls-files")


@pytest.mark.deep
def test_a_file_with_work_that_was_not_committed_before_stays_in_the_tree(project: World, harness) -> None:
    project.agent(f'case $slug in a) {MIGRATES};; *) echo b >> app.txt; note "BLOCKED: why?";; esac')
    project.spec("a", checks="grep a app.txt", depends_on=[], priority=1)
    project.spec("b", checks="test -f b.txt", priority=9)
    project.settings["keep_going"] = True
    project.git("commit", "-qam", "priorities")
    ran = project.run(sandbox="auto")
    assert ran.code == 4, ran.text
    assert "not committed before the work is in app.txt, too" in project.log("a.blocked")
    assert (project.root / "app.txt").read_text().endswith("five\nb\na\n")
    assert harness("land", "a").code == 0
    assert project.git("show", "HEAD:migrations/1.sql") == "a"


@pytest.mark.parametrize(
    "when", in_short(["before it was taken out", "after it was brought back"], "after it was brought back")
)
def test_parked_work_of_a_run_that_was_killed_lands_all_the_same(
    project: World, harness, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    def die(*given: object) -> None:
        raise KeyboardInterrupt

    target = (park.Parking, "write") if when.startswith("before") else (recover, "_finish")
    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        if when.startswith("after"):
            assert project.run(sandbox="auto").code == 4
        patched.setattr(*target, die)
        if when.startswith("after"):
            harness("land", "a")
        else:
            project.run(sandbox="auto")
    assert (project.root / "migrations" / "1.sql").read_text() == "a\n"
    landed = harness("land", "a")
    assert landed.code == 0, landed.err
    assert project.states()["a"] == "done" and project.git("show", "HEAD:migrations/1.sql") == "a"


@pytest.mark.deep
def test_parked_work_that_deletes_and_moves_files_comes_back_as_it_was(project: World, harness) -> None:
    (project.root / "migrations").mkdir()
    (project.root / "migrations" / "0.sql").write_text("old\n")
    (project.root / "old.txt").write_text("old\n")
    project.git("add", "migrations", "old.txt")
    project.git("commit", "-qm", "more")
    project.agent(
        f"rm migrations/0.sql; mkdir new; mv old.txt new/; ln -s new/old.txt link; echo a >> app.txt; {CLAIM}"
    )
    ran = project.run("a", sandbox="auto")
    assert ran.code == 4, ran.text
    assert (
        project.git("status", "--short", "--", ":!logs", ":!harness.yaml") == "" and (project.root / "old.txt").exists()
    )
    assert harness("land", "a").code == 0
    assert project.git("show", "--name-status", "--format=", "--no-renames", "HEAD").split() == [
        "M", "app.txt", "A", "link", "D", "migrations/0.sql", "A", "new/old.txt", "D", "old.txt",
    ]  # fmt: skip
    assert project.git("status", "--short", "--", ":!logs") == ""


@pytest.mark.deep
@pytest.mark.parametrize("kind", ["a file", "a folder"])
def test_what_lies_where_parked_work_would_come_is_left_alone(project: World, harness, kind: str) -> None:
    assert project.run(sandbox="auto").code == 4
    with (project.root / ".git" / "info" / "exclude").open("a") as ignored:
        ignored.write("migrations\n")
    mine = project.root / ("migrations/1.sql" if kind == "a file" else "migrations")
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("a person's\n")
    landed = harness("land", "a")
    assert landed.code == 4 and "holds what is not committed" in landed.err, landed.err
    assert mine.read_text() == "a person's\n" and project.states()["a"] == "blocked"


@pytest.mark.deep
def test_work_that_a_person_brought_to_the_branch_lands_where_it_is(project: World, harness) -> None:
    assert project.run(sandbox="auto").code == 4
    parked = project.git("rev-parse", "harness/a")
    project.git("update-ref", "HEAD", project.git("commit-tree", "HEAD^{tree}", "-m", "all of it, in other words"))
    refused = harness("land", "a")
    assert refused.code == 4 and "does not hold what" in refused.err, refused.err
    project.git("cherry-pick", parked)
    assert harness("land", "a").code == 0
    assert project.states()["a"] == "done" and project.git("rev-parse", "HEAD") in project.log("a.done")


@pytest.mark.deep
def test_what_a_person_adds_to_the_branch_of_parked_work_does_not_get_lost(project: World, harness) -> None:
    assert project.run(sandbox="auto").code == 4
    project.git("checkout", "-q", "harness/a")
    (project.root / "migrations" / "1.sql").write_text("a, reviewed\n")
    project.git("commit", "-qam", "a person's review")
    project.git("checkout", "-q", "-")
    refused = harness("land", "a")
    assert refused.code == 4 and "which nobody has checked" in refused.err, refused.err
    project.git("merge", "-q", "--no-edit", "harness/a")
    assert harness("land", "a").code == 0
    assert project.git("show", "HEAD:migrations/1.sql") == "a, reviewed"


@pytest.mark.deep
def test_an_agent_whose_parked_work_is_sent_back_goes_on_with_it(project: World, harness) -> None:
    assert project.run(sandbox="auto").code == 4
    first = project.git("rev-parse", "harness/a")
    assert harness("accept", "a", "fine").code == 2
    assert harness("answer", "a", "say more in it").code == 0
    project.agent(f"echo more >> migrations/1.sql; {CLAIM}")
    ran = project.run(sandbox="auto")
    assert ran.code == 4 and "is back in the working tree" in ran.text, ran.text
    assert project.git("show", "harness/a:migrations/1.sql") == "a\nmore"
    assert project.git("rev-parse", f"harness/a-{first[:8]}") == first
    assert harness("land", "a").code == 0


@pytest.mark.deep
def test_checks_that_fail_when_work_lands_use_up_no_attempt(project: World, harness) -> None:
    assert project.run(sandbox="auto").code == 4
    project.settings["checks"] = ["test ! -e broken"]
    project.config_file()
    (project.root / "broken").touch()
    project.git("add", "broken", "harness.yaml")
    project.git("commit", "-qm", "a person's")
    landed = harness("land", "a")
    assert landed.code == 4 and "`harness land a` tries it again" in landed.err, landed.err
    assert project.states()["a"] == "blocked" and project.git("status", "--short", "--", ":!logs") == ""
    project.git("rm", "-q", "broken")
    project.git("commit", "-qm", "mended")
    assert harness("land", "a").code == 0 and project.states()["a"] == "done"
    assert [one["charged"] for one in project.events("attempt_ended") if one["slug"] == "a"] == [True, False, False]


def test_work_that_a_hook_kept_from_landing_lands_without_an_agent_when_the_hook_is_mended(
    project: World, harness
) -> None:
    assert project.run("a", sandbox="auto").code == 4
    hook = project.root / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho no commits today; exit 1\n")
    hook.chmod(0o755)
    failed = harness("land", "a")
    assert failed.code == 4 and "no commits today" in failed.err, failed.err
    because = harness("status", "--json").json["features"][0]["because"]
    assert because.startswith("it did not land: ") and "it is on the branch `harness/a`" in because
    assert not (project.root / "migrations").exists() and project.git("status", "--short", "app.txt") == ""
    hook.unlink()
    landed = harness("land", "a")
    assert landed.code == 0 and project.states()["a"] == "done", landed.err
    assert len(project.events("attempt_began")) == 1


@pytest.mark.deep
def test_no_commit_is_said_to_hold_what_waits_parked_in_the_same_file(project: World) -> None:
    project.agent(f"case $slug in a) {MIGRATES};; *) sed -i 1s/.*/b/ app.txt; echo x > b.txt; {CLAIM};; esac")
    ran = project.run(sandbox="auto")
    assert (ran.code, project.states()) == (4, {"a": "blocked", "b": "done"}), ran.text
    assert project.git("show", "--name-only", "--format=", "HEAD").split() == ["app.txt", "b.txt"]
    assert "as a whole" not in ran.text


@pytest.mark.deep
def test_a_land_that_failed_in_a_run_that_was_killed_is_asked_for_again(
    project: World, harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*given: object) -> None:
        raise KeyboardInterrupt

    assert project.run("a", sandbox="auto").code == 4
    hook = project.root / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        patched.setattr(recover, "wait_again", die)
        harness("land", "a")
    hook.unlink()
    assert harness("land", "a").code == 0
    assert project.states()["a"] == "done" and len(project.events("attempt_began")) == 1


@pytest.mark.deep
def test_work_that_fails_to_land_where_a_person_moved_its_files_leaves_their_tree_as_it_is(
    project: World, harness
) -> None:
    assert project.run(sandbox="auto").code == 4
    project.git("mv", "app.txt", "moved.txt")
    project.git("commit", "-qm", "moved")
    landed = harness("land", "a")
    assert landed.code == 4 and "stays in the working tree" not in landed.err, landed.err
    assert project.git("status", "--short", "--", ":!logs") == "" and not (project.root / "migrations").exists()


@pytest.mark.deep
@pytest.mark.parametrize("kind", ["in a folder that a file replaces", "where git is told not to look"])
def test_what_git_does_not_see_is_not_lost_when_work_lands(project: World, harness, kind: str) -> None:
    (project.root / "docs").mkdir()
    (project.root / "docs" / "a.txt").write_text("a\n")
    project.git("add", "docs")
    project.git("commit", "-qm", "docs")
    project.agent(f"rm -r docs; echo one > docs; {MIGRATES}")
    assert project.run("a", sandbox="auto").code == 4
    if kind.startswith("in a folder"):
        mine = project.root / "docs" / "x.private"
        (project.root / ".git" / "info" / "exclude").write_text("*.private\nlogs\n")
    else:
        mine = project.root / "app.txt"
        project.git("update-index", "--skip-worktree", "app.txt")
    mine.write_text("a person's\n")
    landed = harness("land", "a")
    assert landed.code == 4 and "holds what is not committed" in landed.err, landed.err
    assert mine.read_text() == "a person's\n"


@pytest.mark.deep
def test_parked_work_that_a_killed_run_left_in_the_tree_is_taken_out_at_the_next_start(
    project: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        patched.setattr(park.Parking, "write", die)
        project.run(sandbox="auto")
    assert (project.root / "migrations").exists()
    ran = project.run(sandbox="auto")
    assert ran.code == 4 and "is taken out of the working tree" in ran.text, ran.text
    assert not (project.root / "migrations").exists()
    assert project.git("show", "--name-only", "--format=", "HEAD") == "b.txt"
