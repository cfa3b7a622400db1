"""`harness dry-run` shows the queue and the exact prompt, and writes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.files import tree
from helpers.stages import GOOD, proven
from helpers.world import CLAIM, FINISH, World


def test_dry_run_writes_nothing_and_starts_no_agent(world: World, harness) -> None:
    world.spec("a", GOOD, checks="true")
    world.agent('touch "$logs/../started"; ' + CLAIM)
    world.config_file()
    world.repository()
    before = tree(world.root)
    for words in ((), ("a",), ("--all",), ("--json",), ("--no-checks",)):
        assert harness("dry-run", *words).code == 0
    assert tree(world.root) == before


def test_dry_run_shows_the_exact_prompt_of_the_next_attempt(world: World, harness) -> None:
    world.spec("a", GOOD, checks="sh test.sh")
    world.agent("note one")
    world.config_file()
    world.run(max_iterations=1)
    text = harness("dry-run", "--json").json["prompts"][0]["text"]
    world.run(max_iterations=1)
    assert text == world.prompt("a", 2)


@pytest.mark.deep
def test_dry_run_shows_the_exact_prompt_for_claude_too(world: World, harness, claude: Path) -> None:
    world.spec("a", "See @specs/a/spec.md for more.")
    text = harness("dry-run", "--json").json["prompts"][0]["text"]
    assert harness("run").code == 0
    assert text == world.prompt("a", 1)


def test_dry_run_shows_the_queue_with_the_reasons(world: World, harness) -> None:
    proven(world, "done-already")
    world.spec("second", depends_on="first")
    world.spec("first")
    report = harness("dry-run", "--json").json
    queue = [(row["slug"], row["state"], row["next"]) for row in report["queue"]]
    assert queue == [("first", "ready", True), ("second", "waiting", False)]
    assert report["queue"][1]["because"] == "waits for first"
    assert [prompt["slug"] for prompt in report["prompts"]] == ["first"]


def test_dry_run_tells_sections_sizes_and_what_was_cut(world: World, harness) -> None:
    world.spec("a")
    (world.root / "logs").mkdir()
    (world.root / "logs" / "learnings.md").write_text("a lesson learnt\n" * 5000)
    world.config_file()
    prompt = harness("dry-run", "--json").json["prompts"][0]
    cut = {one["name"]: one["cut"] for one in prompt["sections"]}
    assert cut == {"instructions": 0, "spec": 0, "learnings": 4800 * 16, "prior log": 0, "observed": 0}
    assert sum(one["bytes"] for one in prompt["sections"]) == prompt["bytes"] == len(prompt["text"].encode())


def test_dry_run_says_when_a_check_is_green_before_any_work(world: World, harness) -> None:
    world.spec("a", checks=["true", "false"])
    world.config_file()
    told = harness("dry-run").out
    assert "check already green before any work: true" in told
    assert "check red (exit 1 in " in told


def test_dry_run_names_the_hooks_that_the_agent_would_execute(world: World, harness, claude: Path) -> None:
    world.spec("a")
    (world.root / ".claude").mkdir()
    (world.root / ".claude" / "settings.json").write_text('{"hooks": {"PreToolUse": [], "Stop": []}}')
    (world.root / "CLAUDE.md").write_text("Be brief.")
    told = harness("dry-run").out
    assert "the agent would load .claude/settings.json (hooks that will be executed: PreToolUse, Stop)" in told
    assert "the agent would load CLAUDE.md" in told


def test_dry_run_says_that_there_is_no_agent(world: World, harness, monkeypatch) -> None:
    world.spec("a")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    ran = harness("dry-run")
    assert "no agent found: `claude` is not on PATH" in ran.out + ran.err


def test_a_dry_run_confines_the_checks(crippled: Any, tmp_path: Path) -> None:
    crippled.spec("hello", checks=[f"test ! -e {tmp_path / 'needed'}"])
    crippled.agent(FINISH)
    crippled.config_file(sandbox="bwrap")
    ran = crippled.command("dry-run", HOME=crippled.environment["HOME"], HARNESS_SANDBOX="")
    assert "already green" in ran.stdout, ran.stdout + ran.stderr


@pytest.mark.deep
def test_what_a_check_of_a_dry_run_plants_is_set_aside(crippled: Any) -> None:
    plant = "mkdir -p .claude evil && echo '{}' > .claude/settings.json; echo A_TOKEN=x > .env.x; ln -sfn evil specs"
    crippled.spec("hello", checks=[plant])
    (crippled.root / "specs").rename(crippled.root / "wanted")
    (crippled.root / "specs").symlink_to("wanted")
    crippled.agent(FINISH)
    crippled.config_file(sandbox="bwrap")
    said = crippled.command("dry-run", HOME=crippled.environment["HOME"], HARNESS_SANDBOX="")
    assert "`.claude` appeared during the checks, where an agent would obey it" in said.stdout + said.stderr, said
    assert not crippled.has(".claude/settings.json")
    assert crippled.has("logs/.kept/foreign/.claude.quarantined/settings.json.quarantined")
    assert "`.env.x` appeared during the checks: what it holds is taken for no secret" in said.stdout + said.stderr
    assert "the link `specs` was changed during the checks; it is back" in said.stdout + said.stderr
    assert (crippled.root / "specs").readlink() == Path("wanted")


def test_dry_run_and_lint_say_in_the_evening_what_checks_cannot_show(world: World, harness) -> None:
    world.spec("a", GOOD, checks=["true"])
    world.spec("b", GOOD)
    world.spec("c", GOOD, checks=["no-such-program"])
    world.config_file()
    told = harness("dry-run").out
    for said in (
        "\nthis check cannot fail: `true` always succeeds [cannot-fail]; ",
        "\nevery check passes before the work: none can show that it was done [already-green]; ",
        "\nb: no check: a claim is accepted on the agent's word, and the receipt will say unverified [no-checks]; ",
        "\nc: this check cannot run: `no-such-program` is not on PATH [cannot-run]; ",
    ):
        assert said in told, told
    linted = harness("lint").out
    assert all(rule in linted for rule in ("[cannot-fail]", "[no-checks]", "[cannot-run]")), linted


@pytest.mark.deep
def test_a_dry_run_names_the_setting_that_a_clean_checkout_needs(crippled: Any) -> None:
    crippled.spec("hello", checks=["test -f data/big", "no-such-program"])
    (crippled.root / ".gitignore").write_text("data/\n")
    crippled.agent(FINISH)
    crippled.config_file(sandbox="bwrap")
    crippled.repository()
    (crippled.root / "data").mkdir()
    (crippled.root / "data/big").write_text("x")
    ran = crippled.command("dry-run", HOME=crippled.environment["HOME"], HARNESS_SANDBOX="")
    said = "`test -f data/big` passes in the working tree and not in a clean checkout [lacks]; "
    assert said + "git ignores data: `workspace_include: [data]` brings that" in ran.stdout, ran.stdout + ran.stderr
    assert "`no-such-program`: exit 127 in " in ran.stdout
    assert crippled.git("status", "--porcelain") == ""


def test_dry_run_shows_whom_a_claim_is_reviewed_by_and_how_that_begins(world: World, harness) -> None:
    world.spec("a", GOOD, checks=["true", {"review": "any leak", "blocking": True}, {"review": "x", "agent": "claude"}])
    world.config_file()
    one, other = harness("dry-run", "--json", "--no-checks").json["prompts"][0]["reviews"]
    assert (one["agent"], one["blocking"], one["problem"]) == ("command", True, "")
    assert one["begins"].startswith("You review one change to this repository.")
    assert "any leak" in one["begins"]
    said = harness("dry-run", "--no-checks").out
    assert "--- review by command, blocking: any leak ---" in said
    assert f"it could not be asked: {other['problem']}" in said
