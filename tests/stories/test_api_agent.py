"""`harness run --agent api`, whole: the real command, the real child process, a scripted model over a real socket."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from fakes.messages_api import MessagesApi
from fakes.messages_faults import unauthorized
from fakes.messages_replies import Broken, Call, How, Reply, Turn
from fakes.messages_script import Places, Request

MODULE = "def slug(title: str) -> str:\n    return title.lower().replace(' ', '-')\n"
BETTER = (
    "import re\n\n\ndef slug(title: str) -> str:\n    return re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-')\n"
)
SUITE = """\
import pytest

from slugs import slug


@pytest.mark.parametrize(("title", "wanted"), [("Hello World", "hello-world"), ("  A, b & c! ", "a-b-c"), ("x", "x")])
def test_a_title_becomes_a_slug(title: str, wanted: str) -> None:
    assert slug(title) == wanted
"""
CHECK = f"{sys.executable} -m pytest -q -p no:cacheprovider test_slugs.py"


def edit(command: str, path: str, **more: Any) -> Call:
    return Call("str_replace_based_edit_tool", {"command": command, "path": path, **more})


def bash(command: str) -> Call:
    return Call("bash", {"command": command})


def develop(request: Request) -> Reply:
    """A model that needs three attempts: half the work, a false claim, the mended work."""
    prompt, places = request.prompt, Places.read(request.prompt)
    module = f"{places.root}/slugs.py"
    if "note one" not in prompt:
        turns = [
            Turn("I look first.", (bash("ls -a"), edit("view", places.spec))),
            Turn("The module.", (edit("create", module, file_text=MODULE),), thinking="easy"),
            Turn("A note.", (bash(f"echo '- note one: slugs.py is there, the suite has not run' >> {places.log}"),)),
            Turn("More next time."),
        ]
    elif "but a check failed" not in prompt:
        turns = [
            Turn("", (bash(f"echo '- note two: it looks right' >> {places.log}; echo works > {places.done}"),)),
            Turn("It is done."),
        ]
    else:
        assert "assert '--a,-b-&-c!-' == 'a-b-c'" in prompt
        old = MODULE.splitlines(keepends=True)
        turns = [
            Turn("Let me see it fail.", (bash(CHECK),)),
            Turn("", (edit("str_replace", module, old_str="".join(old), new_str=BETTER), bash(CHECK))),
            Turn("", (bash(f"echo '- note three: the suite is green' >> {places.log}; echo slugs > {places.done}"),)),
            Turn("Proven by the suite."),
        ]
    return turns[request.step]


@pytest.fixture
def project(world):
    """A repository with a suite and one spec; the API agent is chosen in harness.yaml."""
    world.spec("slugs", "Write slugs.py so that test_slugs.py passes.", checks=[CHECK])
    (world.root / "test_slugs.py").write_text(SUITE)
    (world.root / "harness.yaml").write_text("agent: api\napi_server: anthropic\npause: 0\nfault_backoff: 0.1s\n")
    world.repository()
    return world


def environ(api: MessagesApi | None = None, **more: str) -> dict[str, str]:
    url = {"ANTHROPIC_BASE_URL": api.url} if api else {}
    return {**url, "ANTHROPIC_API_KEY": "key-of-a-test", **more}


def test_a_feature_comes_to_its_receipt_in_one_attempt(world) -> None:
    def finish(request: Request) -> Reply:
        places = Places.read(request.prompt)
        claim = f"echo made it > made.txt; echo '- a note' >> {places.log}; echo made > {places.done}"
        return [Turn("I make it.", (bash(claim),)), Turn("It is made.")][request.step]

    world.spec("a", checks=["test -f made.txt"])
    world.config_file(agent="api", api_server="anthropic")
    with MessagesApi(finish) as api:
        ran = world.command("run", **environ(api))
    assert (ran.returncode, world.outcomes()) == (0, ["done"]), ran.stderr
    [ended] = world.events("attempt_ended")
    assert (ended["cost_source"], ended["dollars"] > 0) == ("derived", True)
    assert "agent: api" in world.log("a.done")


@pytest.mark.deep
def test_a_real_spec_comes_to_its_receipt_over_three_attempts(project) -> None:
    with MessagesApi(develop) as api:
        ran = project.command("run", "--json", **environ(api))
    assert ran.returncode == 0, ran.stderr
    assert project.outcomes() == ["progressed", "unconfirmed", "done"]
    assert "check: exit 0" in project.log("slugs.done")
    assert "agent: api" in project.log("slugs.done")
    assert project.git("log", "--format=%s", "-1").startswith("slugs")
    assert "slugs.py" in project.git("show", "--stat", "HEAD")
    ended = project.events("attempt_ended")
    assert {event["cost_source"] for event in ended} == {"derived"}
    assert all(event["dollars"] > 0 for event in ended)
    assert len({json.dumps(event["prefix"]) for event in ended}) == 1
    assert "key-of-a-test" not in "".join(
        path.read_text(errors="replace") for path in project.root.rglob("*") if path.is_file()
    )


@pytest.mark.deep
@pytest.mark.skipif(shutil.which("bwrap") is None, reason="BUBBLEWRAP IS NOT INSTALLED")
def test_it_works_in_the_sandbox_too(project, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    with MessagesApi(develop) as api:
        ran = project.command("run", **environ(api, HOME=str(tmp_path / "home"), HARNESS_SANDBOX="bwrap"))
    assert ran.returncode == 0, ran.stderr
    assert project.outcomes() == ["progressed", "unconfirmed", "done"]
    assert [event["confined"] for event in project.events("attempt_began")] == [True] * 3
    assert project.log("slugs.log").count("note") == 3


def test_without_a_key_it_does_not_start(project) -> None:
    ran = project.command("run", **environ(ANTHROPIC_API_KEY="", HOME=str(project.root)))
    assert ran.returncode == 2
    assert ran.stderr.splitlines() == [
        "error: agent `api`: there is no key, `ANTHROPIC_API_KEY` is not set",
        "hint: `export ANTHROPIC_API_KEY=…`, or name another variable with `api_key_env` in harness.yaml",
    ]


@pytest.mark.deep
def test_a_key_that_is_rejected_ends_the_run_with_6(project) -> None:
    with MessagesApi([unauthorized()]) as api:
        ran = project.command("run", **environ(api))
    assert ran.returncode == 6, ran.stderr
    assert "authentication: invalid x-api-key" in (project.root / "HALT").read_text()


@pytest.mark.deep
def test_a_server_that_hangs_is_an_outage_and_charged_to_nobody(project) -> None:
    short = {"HARNESS_API_TIMEOUT": "0.4", "HARNESS_TIMEOUT": "30", "HARNESS_OUTAGE_LIMIT": "0.1s"}
    with MessagesApi(lambda request: Broken(How.STALLED, None)) as api:
        ran = project.command("run", **environ(api, **short))
    assert ran.returncode == 6, ran.stderr
    assert {(ended["outcome"], ended["charged"]) for ended in project.events("attempt_ended")} == {("fault", False)}


@pytest.mark.deep
def test_killed_in_the_middle_it_leaves_nothing_and_its_cost_is_known(project) -> None:
    def script(request: Request) -> Reply:
        return Turn("", (bash("sleep 300 & echo $! > pid; wait"),))

    with MessagesApi(script) as api:
        run = project.start("run", fresh=True, **environ(api))
        pid_file = project.root / "pid"
        while not pid_file.exists() or not pid_file.read_text().strip():
            assert run.poll() is None, run.communicate()
            time.sleep(0.02)
        os.kill(run.pid, signal.SIGKILL)
        run.communicate()
    with MessagesApi(develop) as api:
        ran = project.command("run", **environ(api))
    assert ran.returncode == 0, ran.stderr
    assert not any("sleep\x00300" in _command(one) for one in Path("/proc").iterdir() if one.name.isdecimal())
    first = project.events("attempt_ended")[0]
    assert (first["outcome"], first["cost_source"]) == ("interrupted", "derived")


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_text("utf-8", "replace")
    except OSError:
        return ""


@pytest.mark.deep
def test_the_doctor_knocks_at_the_server(project) -> None:
    with MessagesApi([]) as api:
        good = project.command("doctor", "--json", **environ(api))
        api.unknown_models = {"claude-opus-5-5"}
        bad = project.command("doctor", "--json", **environ(api))
    looks = [next(one for one in json.loads(ran.stdout)["checks"] if one["name"] == "agent") for ran in (good, bad)]
    assert [look["state"] for look in looks] == ["ok", "fail"]
    assert "the server accepts the key" in looks[0]["says"]
