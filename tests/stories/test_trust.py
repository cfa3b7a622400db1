"""What a project asks for that reaches outside the sandbox is done only for who trusts it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from fakes.outside import Outside
from helpers.trust import OTHER, Stranger
from helpers.world import BUBBLEWRAP, World

from harness.records.trust_file import read_trusted, trust_file, write_trusted


@pytest.fixture
def stranger(world: World, tmp_path: Path) -> Stranger:
    """A project that nobody trusts yet."""
    (tmp_path / "home").mkdir()
    return Stranger(world.root, world.settings, tmp_path / "home")


def own(path: Path, uid: int = OTHER) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(path, uid, uid)


def test_settings_of_another_owner_in_a_folder_above_are_not_obeyed(stranger: Stranger) -> None:
    stranger.config_file(on_finish="touch ran")
    stranger.spec("a", checks=["touch ran"])
    below = stranger.root / "deep" / "below"
    below.mkdir(parents=True)
    own(stranger.root / "harness.yaml")
    ran = Stranger(below, home=stranger.home).command("dry-run")
    assert ran.returncode == 2
    assert f"`{stranger.root / 'harness.yaml'}` belongs to" in ran.stderr and f"(uid {OTHER})" in ran.stderr
    assert "`harness trust`" in ran.stderr
    assert not (stranger.root / "ran").exists() and not (below / "ran").exists()


@pytest.mark.parametrize("command", ["dry-run", "run", "verify"])
def test_an_untrusted_clone_runs_no_check_outside_the_sandbox(stranger: Stranger, command: str) -> None:
    stranger.config_file(sandbox="none")
    stranger.spec("a", checks=["touch ran"])
    ran = stranger.command(command, HARNESS_SANDBOX="")
    assert (ran.returncode, stranger.has("ran"), stranger.has("logs")) == (2, False, False)
    assert "`touch ran`" in ran.stderr and "`sandbox: none`" in ran.stderr and "`harness trust`" in ran.stderr


def test_doctor_sends_no_key_to_an_address_that_an_untrusted_clone_names(stranger: Stranger, outside: Outside) -> None:
    stranger.spec("a")
    stranger.config_file(agent="api", model="m", base_url=outside.url, api_key_env="GITHUB_TOKEN")
    ran = stranger.command("doctor", GITHUB_TOKEN="ghp_a-token-of-a-test")
    assert (ran.returncode, outside.requests) == (2, [])
    assert "`GITHUB_TOKEN`" in ran.stderr and outside.url in ran.stderr


def test_what_was_trusted_is_remembered_until_it_asks_for_more(stranger: Stranger) -> None:
    stranger.config_file(agent="command", command=["true"], max_iterations=1)
    stranger.spec("a", checks=["true"])
    assert stranger.command("dry-run").returncode == 2
    assert stranger.command("trust").returncode == 0
    assert stranger.command("dry-run").returncode == 0
    stranger.config_file(agent="command", command=["true"], max_iterations=2, timeout="5m")
    stranger.spec("a", "Other prose.", checks=["true"])
    assert stranger.command("dry-run").returncode == 0
    stranger.spec("a", checks=["true", "touch ran"])
    ran = stranger.command("dry-run")
    assert (ran.returncode, stranger.has("ran")) == (2, False)
    assert "`touch ran`" in ran.stderr and "`true`" not in ran.stderr
    assert stranger.command("trust", "--forget").returncode == 0
    assert "`true`" in stranger.command("dry-run").stderr


def test_a_flag_or_a_variable_trusts_once_and_leaves_nothing_behind(stranger: Stranger) -> None:
    stranger.spec("a", checks=["false"])
    assert stranger.command("dry-run", "--trust").returncode == 0
    assert stranger.command("dry-run", HARNESS_TRUST="1").returncode == 0
    assert stranger.command("dry-run", HARNESS_TRUST="0").returncode == 2
    assert "HARNESS_TRUST" in stranger.command("dry-run", HARNESS_TRUST="perhaps").stderr
    assert list(stranger.home.iterdir()) == []


def test_settings_below_the_projects_own_are_named_and_not_obeyed(stranger: Stranger) -> None:
    stranger.spec("a")
    stranger.config_file()
    stranger.repository()
    below = Stranger(stranger.root / "src", home=stranger.home)
    below.spec("evil")
    (below.root / "harness.yaml").write_text("max_iterations: 1\n")
    (below.root / ".git").mkdir()  # where the way up would end
    ran = below.command("dry-run", HARNESS_SANDBOX="auto")
    assert ran.returncode == 2
    assert f"lies below the project's own, `{stranger.root / 'harness.yaml'}`" in ran.stderr


@pytest.mark.parametrize("planted", ["ln -s ../specs src/specs", "mkdir src/specs", "touch src/harness.yaml"])
def test_in_a_project_that_appeared_within_another_it_is_said_which_is_looked_at(
    stranger: Stranger, planted: str
) -> None:
    stranger.spec("a")
    stranger.repository()
    (stranger.root / "src/logs").mkdir(parents=True)
    (stranger.root / "src/logs/a.done").write_text("forged\n")
    subprocess.run(planted, shell=True, cwd=stranger.root, check=True)
    below = Stranger(stranger.root / "src", home=stranger.home)
    said = f"lies below the project's own, `{stranger.root}/specs`"
    for words in (["status"], ["why"], ["lint"], ["config"], ["cost"]):
        assert said in below.command(*words).stderr
    for words in (
        ["halt"],
        ["halt", "--now"],
        ["resume"],
        ["accept", "a", "yes"],
        ["reset", "a"],
        ["answer", "a", "b"],
    ):
        ran = below.command(*words)
        assert (ran.returncode, said in ran.stderr) == (2, True)
    assert f"`cd {stranger.root}` for yours" in ran.stderr
    assert not below.has("HALT")
    assert (stranger.command("status").stderr, stranger.command("halt").returncode) == ("", 0)
    below.command("trust")
    assert below.command("halt").returncode == 0


@pytest.mark.skipif(not BUBBLEWRAP, reason="BUBBLEWRAP IS NOT INSTALLED")
def test_plain_specs_in_the_sandbox_need_no_trust(stranger: Stranger) -> None:
    stranger.spec("a", checks=["test -f a.txt"])
    stranger.settings.clear()  # its command names a file outside of the project
    stranger.config_file(timeout="5m", checks=["true"], agent="command", command=["cat"])
    assert stranger.command("dry-run", HARNESS_SANDBOX="auto").returncode == 0


@pytest.mark.skipif(not BUBBLEWRAP, reason="BUBBLEWRAP IS NOT INSTALLED")
@pytest.mark.deep
def test_where_the_sandbox_does_not_work_an_untrusted_project_does_not_run_without(
    stranger: Stranger, tmp_path: Path
) -> None:
    stranger.spec("a", checks=["touch ran"])
    broken = tmp_path / "bin" / "bwrap"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho no namespaces here >&2\nexit 1\n")
    broken.chmod(0o755)
    around = {"HARNESS_SANDBOX": "auto", "PATH": f"{broken.parent}:{os.environ['PATH']}"}
    ran = stranger.command("dry-run", **around)
    assert (ran.returncode, stranger.has("ran")) == (2, False)
    assert "`harness trust --sandbox none`" in ran.stderr
    assert stranger.command("trust", "--sandbox", "none", **around).returncode == 0
    assert (stranger.command("dry-run", **around).returncode, stranger.has("ran")) == (0, True)


@pytest.mark.skipif(not BUBBLEWRAP, reason="BUBBLEWRAP IS NOT INSTALLED")
def test_an_agent_in_the_sandbox_can_trust_nothing(confined: World) -> None:
    home = Path(confined.environment["HOME"])
    record = trust_file(confined.root, confined.environment)
    confined.agent(f'mkdir -p {record.parent}; echo "{{}}" > {record}; rm -f {record}; note "$slug"; echo ok > "$done"')
    confined.spec("a")
    confined.go()
    assert (confined.outcomes("a"), (home / ".local").exists()) == (["done"], False)
    (home / ".local").mkdir()  # of which an agent may write all but what is trusted, be that there or not
    forge = f'mkdir -p {record.parent}; echo "{{}}" > {record}'
    confined.agent(f'{forge}; mv {home}/.local/state {home}/.local/away; {forge}; note "$slug"; echo ok > "$done"')
    confined.spec("c")
    confined.go(sandbox_write=str(home / ".local"))
    assert (confined.outcomes("c"), record.exists()) == (["done"], False)
    write_trusted(confined.root, ["before"], confined.environment)
    confined.agent(f'{forge}; rm -f {record}; note "$slug"; echo ok > "$done"')
    confined.spec("b")
    confined.go(sandbox_write="~/.local")
    assert confined.outcomes("b") == ["done"]
    assert read_trusted(confined.root, confined.environment) == {"before"}


ASKS = "`command` is run as the agent"


@pytest.mark.parametrize("word", ["{key}", "/usr/..{key}", "../home/.ssh/key", "link", "./deep/../link", "far/key"])
def test_a_word_that_leads_out_of_the_project_is_asked_about_however_it_is_written(
    stranger: Stranger, tmp_path: Path, word: str
) -> None:
    key = tmp_path / "home/.ssh/key"
    key.parent.mkdir()
    key.write_text("of a person")
    stranger.spec("a")
    (stranger.root / "deep").mkdir()
    (stranger.root / "link").symlink_to(key)
    (stranger.root / "far").symlink_to("../home/.ssh")
    stranger.config_file(agent="command", command=["cat", word.format(key=key)])
    ran = stranger.command("dry-run", HARNESS_SANDBOX="auto")
    assert (ran.returncode, ASKS in ran.stderr, f"`{key}`" in ran.stderr) == (2, True, True)


def test_a_link_of_the_project_to_another_program_is_asked_about_again_when_it_leads_elsewhere(
    stranger: Stranger, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        program = tmp_path / name / "node_modules/priv/cli.js"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    stranger.spec("a")
    (stranger.root / "run").symlink_to("../one/node_modules/priv/cli.js")
    stranger.config_file(agent="command", command=["./run"])
    assert f"`{tmp_path}/one/node_modules`" in stranger.command("trust", HARNESS_SANDBOX="auto").stdout
    assert stranger.command("dry-run", "--no-checks", HARNESS_SANDBOX="auto").returncode == 0
    (stranger.root / "run").unlink()
    (stranger.root / "run").symlink_to("../two/node_modules/priv/cli.js")
    assert f"`{tmp_path}/two/node_modules`" in stranger.command("dry-run", HARNESS_SANDBOX="auto").stderr


def test_an_agent_that_cannot_start_inside_does_not_start_outside_unasked(crippled: World) -> None:
    around = {"HOME": crippled.environment["HOME"], "PATH": crippled.environment["PATH"], "HARNESS_AGENT": "codex"}
    ran = crippled.command("run", **around, HARNESS_SANDBOX="", HARNESS_TRUST="")
    assert (ran.returncode, crippled.events("run_began")) == (2, [])
    assert "trusted only inside a sandbox, and agent `codex` cannot start inside" in ran.stderr
    assert "`harness trust --sandbox none`" in ran.stderr


@pytest.mark.parametrize(
    "words",
    [
        "reset a",
        *(pytest.param(one, marks=pytest.mark.deep) for one in ("accept a y", "halt", "resume", "new b", "init")),
    ],
)
def test_nothing_is_decided_in_a_project_of_another_user(stranger: Stranger, words: str) -> None:
    stranger.config_file()
    stranger.spec("a")
    for path in (stranger.root / "harness.yaml", stranger.root):
        own(path)
    before = sorted(stranger.root.rglob("*"))
    ran = stranger.command(*words.split())
    assert (ran.returncode, sorted(stranger.root.rglob("*"))) == (2, before)
    assert f"(uid {OTHER})" in ran.stderr and "`harness trust`" in ran.stderr
    assert stranger.command(*words.split(), HARNESS_TRUST="1").returncode == 0
