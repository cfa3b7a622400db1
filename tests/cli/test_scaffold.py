"""`harness init` and `harness new`: what they write, and what they leave alone."""

from __future__ import annotations

from helpers.files import tree
from helpers.world import World


def test_init_sets_a_folder_up_and_doing_it_twice_changes_nothing(world: World, harness) -> None:
    (world.root / ".gitignore").write_text("*.pyc")
    first = harness("init")
    before = tree(world.root)
    again = harness("init")
    assert (first.code, again.code, tree(world.root)) == (0, 0, before)
    assert (world.root / ".gitignore").read_text().splitlines()[0] == "*.pyc"
    assert "/logs/" in (world.root / ".gitignore").read_text().splitlines()
    assert again.out.startswith("everything is there already\n")
    assert harness("config").code == 0
    assert [one["level"] for one in harness("lint", "--json").json["findings"] if one["level"] == "error"] == []


def test_init_leaves_what_a_person_wrote(world: World, harness) -> None:
    world.spec("mine")
    (world.root / "harness.yaml").write_text("timeout: 5m\n")
    assert harness("init").code == 0
    assert (world.root / "harness.yaml").read_text() == "timeout: 5m\n"
    assert [path.name for path in (world.root / "specs").iterdir()] == ["mine"]


def test_new_writes_a_skeleton_that_nothing_proves_until_it_is_filled_in(world: World, harness) -> None:
    ran = harness("new", "password-reset")
    assert (ran.code, ran.out) == (0, "wrote specs/password-reset/spec.md: fill it in, then `harness lint`\n")
    assert "# Password reset" in (world.root / "specs/password-reset/spec.md").read_text()
    assert [one["level"] for one in harness("lint", "--json").json["findings"] if one["level"] == "error"] == []
    assert world.run(agent="command", max_iterations=1).code == 1
    assert harness("new", "Password-Reset").code == 2


def test_init_proposes_what_may_judge_and_is_not_known_to(world: World, harness) -> None:
    for name in ("ci/gate.py", "expected/a.txt", "app/main.py", "verify.sh", "tests/test_a.py", "node_modules/ci/x.js"):
        (world.root / name).parent.mkdir(parents=True, exist_ok=True)
        (world.root / name).write_text("x\n")
    told = harness("init").out
    assert "look at `judge`, found here: `ci/**`, `expected/**` and `verify.sh`" in told
    line = '# judge: ["ci/**", "expected/**", "verify.sh"]'
    text = (world.root / "harness.yaml").read_text()
    assert line in text
    (world.root / "harness.yaml").write_text(text.replace(line, line.removeprefix("# ")))
    assert harness("config", "--json").json["settings"]["judge"]["value"] == "[ci/**, expected/**, verify.sh]"
