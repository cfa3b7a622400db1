"""Runs with a broker: the model answers, the key stays outside, and nothing is left."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from fakes.messages_api import MessagesApi
from fakes.messages_script import work_on_feature
from fakes.outside import Outside, begin_chunks, list_open
from helpers.keys import KEY
from helpers.waiting import until
from helpers.world import BUBBLEWRAP

from harness.domain.errors import AgentError

FINISH = 'note "did $slug"; echo finished > $done'
PYTHON = shlex.quote(sys.executable)
LOOK_FOR_KEY = """
import glob, sys, os
key = sys.argv[1][::-1].encode()
places = [*glob.glob("/proc/*/environ"), *glob.glob("/proc/*/cmdline"), *glob.glob("/tmp/**", recursive=True)]
for home in ("~/**", "~/.*/**"):
    places += glob.glob(os.path.expanduser(home), recursive=True)
found = [place for place in places if os.path.isfile(place) and key in open(place, "rb").read()]
print("found" if found else "nowhere", len(places) > 3, found)
"""
CALL = """
import os, urllib.request as u
key = {"x-api-key": os.environ["ANTHROPIC_API_KEY"]}
asked = u.Request(os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages", b"{}", key)
print(u.urlopen(asked).read().decode())
"""


@pytest.fixture
def brokered(world: Any, tmp_path: Path, outside: Outside) -> Any:
    """A world whose runs have a broker, with a home of its own, a key, and a server for the key."""
    if not BUBBLEWRAP:
        pytest.skip("BUBBLEWRAP IS NOT INSTALLED")
    (tmp_path / "home").mkdir()
    (tmp_path / "look.py").write_text(LOOK_FOR_KEY)
    (tmp_path / "call.py").write_text(CALL)
    here = {"sandbox_read": [str(tmp_path / "look.py"), str(tmp_path / "call.py")]}
    world.settings |= {"sandbox": "bwrap", "sandbox_network": "broker", "env_pass": ["ANTHROPIC_*"], **here}
    kept = {name: value for name, value in world.environ.items() if not name.lower().endswith("_proxy")}
    home = {"HOME": str(tmp_path / "home"), "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": outside.url}
    world.environment = {**kept, **home}
    world.go = lambda *wanted, **flags: world.run(*wanted, environ=world.environment, **flags)
    return world


def test_a_call_of_the_model_has_the_key_and_nothing_inside_has(
    brokered: Any, outside: Outside, tmp_path: Path
) -> None:
    brokered.spec("hello")
    look = f"{PYTHON} {tmp_path}/look.py {KEY[::-1]}"
    brokered.agent(f'echo "$({PYTHON} {tmp_path}/call.py) $({look}) $ANTHROPIC_API_KEY" > said.txt; {FINISH}')
    ran = brokered.go()
    assert ran.code == 0, ran.text
    answered, found, looked, *_, word = (brokered.root / "said.txt").read_text().split()
    assert (answered, found, looked) == ("fine", "nowhere", "True")
    assert outside.requests[0][1]["x-api-key"] == KEY
    assert (word.startswith("sk-ant-api03-"), word == KEY) == (True, False)
    alone = "sandbox: bwrap: agents and checks see only this project and their tools, with the network of"
    assert f"{alone} only `sandbox_hosts`; keys stay outside" in ran.lines
    assert " hello#1 POST " in brokered.log("network.txt")


@pytest.mark.deep
def test_a_host_that_is_refused_is_told_to_the_next_attempt(brokered: Any) -> None:
    brokered.spec("hello")
    get = f"{PYTHON} -c 'import urllib.request as u; u.urlopen(\"https://evil.example/x?y=1\")'"
    brokered.agent(f'test "$attempt" -gt 1 || {get}; {get}; note "tried"; echo "$HARNESS_ATTEMPT" >> tried.txt')
    brokered.go(max_iterations="2")
    remark = "it asked for evil.example:443, which `sandbox_hosts` of harness.yaml does not list: refused"
    assert [event["remarks"] for event in brokered.events("attempt_ended")] == [[remark], [remark]]
    assert f"The last attempt: {remark}." in brokered.prompt("hello", 2)
    assert "hello#1 CONNECT evil.example:443 refused: `evil.example:443` is not in `sandbox_hosts`" in brokered.log(
        "network.txt"
    )


def test_a_check_reaches_listed_hosts_and_has_no_key(brokered: Any, outside: Outside) -> None:
    get = f"{PYTHON} -c 'import urllib.request as u; u.urlopen(\"{outside.url}/straight\")'"
    by_proxy = f"NO_PROXY= no_proxy= {get.replace('straight', 'proxied')}"
    checks = [get, by_proxy, 'test -z "$ANTHROPIC_API_KEY"', "! " + by_proxy.replace(str(outside.port), "1")]
    brokered.spec("hello", checks=checks)
    brokered.agent(FINISH)
    ran = brokered.go(sandbox_hosts=[f"127.0.0.1:{outside.port}"], checks_must_fail_first="off")
    assert ran.code == 0, ran.text + brokered.log("attempts/hello/0001/checks.log")
    assert [line for line, *_ in outside.requests] == ["GET /straight HTTP/1.1", "GET /proxied HTTP/1.1"]
    log = brokered.log("network.txt")
    assert f" check TCP 127.0.0.1:{outside.port} open " in log
    assert f" check GET 127.0.0.1:{outside.port}/proxied 200 " in log


@pytest.mark.deep
def test_an_agent_is_started_as_without_a_broker(brokered: Any) -> None:
    """Its environment is its own, a broken pipe ends it, and its strays, its end and its TERM are counted as ever."""
    brokered.spec("hello")
    brokered.agent('sh -c "kill -PIPE \\$\\$; echo ignored" >> said.txt; ls /proc/self/fd >> said.txt; env >> said.txt;'
                   "setsid sleep 1000 & exit 3")  # fmt: skip
    brokered.go(max_iterations="1")
    said = (brokered.root / "said.txt").read_text().splitlines()
    assert said[:4] == ["0", "1", "2", "3"]
    assert not [line for line in said if line.startswith("LC_CTYPE")] or "LC_CTYPE" in os.environ
    (ended,) = brokered.events("attempt_ended")
    assert (ended["exit"], ended["strays"]) == (3, 1)
    brokered.agent('trap "note heard the TERM; exit 0" TERM; while :; do sleep 0.05; done')
    brokered.go(timeout="0.7s", max_iterations="1")
    assert "heard the TERM" in brokered.log("hello.log")


@pytest.mark.deep
def test_a_run_that_ends_at_its_time_leaves_no_thread_and_no_socket(brokered: Any, outside: Outside) -> None:
    outside.answer = lambda one: begin_chunks(one)(b"x") or one.connection.recv(1)
    brokered.spec("hello")
    brokered.agent(f"{PYTHON} {brokered.root.parent}/call.py & sleep 1000")
    brokered.go(timeout="1s", max_iterations="1")
    before = list_open()
    brokered.go(timeout="1s", max_iterations="1")
    until(lambda: list_open() <= before)
    assert brokered.outcomes() == ["timed_out", "timed_out"]


@pytest.mark.deep
def test_a_login_is_inside_where_there_is_no_key_and_stays_outside_where_there_is(
    brokered: Any, tmp_path: Path
) -> None:
    brokered.spec("hello")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/codex").write_text("#!/bin/sh\ncat $HOME/.codex/auth.json && env | grep -i https_proxy\n")
    (tmp_path / "bin/codex").chmod(0o755)
    (tmp_path / "home/.codex").mkdir()
    (tmp_path / "home/.codex/auth.json").write_text("a login\n")
    brokered.environment["PATH"] = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    del brokered.environment["ANTHROPIC_API_KEY"], brokered.environment["ANTHROPIC_BASE_URL"]
    brokered.settings |= {"agent": "codex", "max_iterations": "1"}
    ran = brokered.go()
    assert "but ~/.codex/auth.json itself is inside, since codex has no key in the environment" in ran.text
    assert "agent codex (a login HTTPS_PROXY" in ran.text
    brokered.environment["OPENAI_API_KEY"] = "sk-proj-not-a-real-key-1"
    with pytest.raises(AgentError, match=r"agent `codex` cannot start inside the sandbox: .*auth.json"):
        brokered.go(sandbox="auto")


@pytest.mark.parametrize("word", ["auto", "bwrap", "none", "container"])
def test_without_bubblewrap_no_key_is_given_to_anybody(world: Any, tmp_path: Path, word: str) -> None:
    world.spec("hello")
    for name in ("git", "sh", "cat"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    with pytest.raises(AgentError, match=r"`sandbox_network: broker` needs|`bwrap` is not on PATH"):
        world.run(sandbox=word, sandbox_network="broker", environ={**world.environ, "PATH": str(tmp_path)})


@pytest.mark.deep
def test_the_api_agent_does_a_feature_through_the_broker(brokered: Any) -> None:
    brokered.spec("hello", checks=["grep -q hello hello.txt"])
    brokered.repository()
    work = work_on_feature({"hello.txt": "hello\n"}, note="- said hello", done_line="hello.txt says hello")
    with MessagesApi(work) as api:
        brokered.environment["ANTHROPIC_BASE_URL"] = api.url
        brokered.settings |= {"agent": "api", "api_server": "anthropic"}
        ran = brokered.go(max_iterations="2")
        assert (ran.code, brokered.outcomes()) == (0, ["done"]), ran.text
        assert {request.headers["authorization"] for request in api.requests} == {f"Bearer {KEY}"}
    assert brokered.log("hello.done").startswith("hello.txt says hello\n")
    assert brokered.events("attempt_ended")[0]["remarks"] == []
