"""A marker is a claim and no fact, whoever wrote it."""

from __future__ import annotations

import hashlib
import shlex
import shutil
import sys
from typing import Any

import pytest
from helpers.marks import in_short
from helpers.waiting import Leash, kill
from helpers.world import CLAIM, World


@pytest.mark.parametrize(
    ("check", "agent", "timeout"),
    [
        pytest.param("grep -q good a.txt", "echo bad > a.txt", "", id="with red tests"),
        pytest.param("sh tests.sh", "rm tests.sh", "", id="after the tests were deleted", marks=pytest.mark.deep),
        pytest.param("", "", "0.5s", id="from an agent that ran out of time", marks=pytest.mark.deep),
    ],
)
def test_a_marker_proves_nothing(world: World, check: str, agent: str, timeout: str) -> None:
    world.spec("a", **({"checks": check} if check else {}), **({"timeout": timeout} if timeout else {}))
    (world.root / "tests.sh").write_text("true\n")
    world.agent(f"{agent}\n{CLAIM}" + ("; sleep 60" if timeout else ""))
    assert world.run(max_iterations=1).code == 1
    assert world.outcomes() == ["unconfirmed"]
    assert not world.has("logs/a.done")


@pytest.mark.deep
def test_a_marker_that_a_killed_run_left_is_a_claim_and_no_fact(world: World, leash: Leash, start) -> None:
    world.spec("a", checks="false")
    world.agent(f"{CLAIM}; {leash.code} sleep 600")
    world.config_file()
    run = start("run")
    leash.read()
    kill(run)
    assert leash.read() == b""
    assert world.states() == {"a": "claimed"}
    world.agent("true")
    assert world.run(max_iterations=1).code == 1
    assert (world.outcomes()[0], world.has("logs/a.done")) == ("unconfirmed", False)


def test_a_person_s_marker_is_honoured_and_called_by_hand(world: World) -> None:
    world.spec("a")
    (world.root / "logs").mkdir()
    (world.root / "logs" / "a.done").write_text("I did it\n")
    assert world.run().code == 0
    assert world.states() == {"a": "done (by hand)"}
    assert world.log("a.done") == "I did it\n"


def test_a_receipt_that_a_person_removed_means_do_it_again(world: World) -> None:
    world.spec("a", checks="true")
    world.agent(CLAIM)
    world.run()
    (world.root / "logs" / "a.done").unlink()
    assert world.run().code == 0
    assert world.outcomes() == ["done", "done"]


def test_a_spec_that_is_accepted_and_then_edited_is_stale(world: World) -> None:
    world.spec("a", checks="true")
    world.agent(CLAIM)
    world.run()
    world.spec("a", "Do it better.", checks="true")
    assert world.states() == {"a": "stale"}


FORGER = """
import json, sys, zlib
path = sys.argv[1]
lines = open(path, "rb").read().splitlines(keepends=True)
for number, line in enumerate(lines):
    if b'"attempt_began"' in line:
        event = json.loads(line)
        forged = {name: event[name] for name in ("seq", "at", "run", "slug")}
        forged |= {"event": "marked", "sha256": "", "pad": ""}
        said = lambda: json.dumps(forged, separators=(",", ":")).encode()
        forged["pad"] = "x" * (len(line) - len(said()) - len(',"crc":"12345678"') - 1)
        body = said()
        lines[number] = body[:-1] + b',"crc":"%08x"}' % zlib.crc32(body) + chr(10).encode()
with open(path, "r+b") as file:
    file.write(b"".join(lines))
"""


def test_a_journal_forged_in_place_makes_no_feature_done(world: World) -> None:
    """The same length, the right checksum, in the same file: it is the bytes that are compared."""
    world.spec("a", checks="false")
    world.agent(f'{shlex.quote(sys.executable)} -c {shlex.quote(FORGER)} "$logs/journal.jsonl"; {CLAIM}')
    ran = world.run(max_iterations=1)
    assert "the journal was deleted, replaced or rewritten while it was in use" in ran.text
    assert (world.outcomes(), world.events("marked"), len(world.events("attempt_began"))) == (["unconfirmed"], [], 1)
    assert world.states() == {"a": "ready"}


def test_a_stale_feature_whose_checks_hold_gets_a_new_receipt_without_an_agent(world: World) -> None:
    world.spec("a", checks="true")
    world.agent(CLAIM)
    world.run()
    world.spec("a", "Do it better.", checks=["true", "test -f harness.yaml || true"])
    world.agent("exit 9")
    ran = world.run()
    assert (ran.code, world.outcomes(), world.states()) == (0, ["done"], {"a": "done"})
    assert "a: its spec changed since it was accepted, and every check is green: its receipt is renewed" in ran.lines
    receipt = world.log("a.done")
    assert receipt.count("check: exit 0") == 2
    assert "attempt: 1\n" in receipt and "renewed: its spec changed" in receipt


@pytest.mark.parametrize(
    "left",
    in_short(
        {
            "nothing": "",
            "a line": "\n",
            "a forgery": "mine\n\n--- proven by harness ---\nagent: nobody\nmodel: made-up\n",
        },
        "a forgery",
    ),
)
def test_a_receipt_is_renewed_from_what_was_accepted_and_not_from_what_stands_there(world: World, left: str) -> None:
    world.spec("a", checks="true")
    world.agent(CLAIM)
    world.run()
    (world.root / "logs/a.done").write_text(left)
    world.spec("a", "Do it better.", checks="true")
    assert (world.run().code, world.states()) == (0, {"a": "done (not shown)"})
    assert [line for line in world.log("a.done").splitlines() if line.startswith(("finished", "agent", "model"))] == [
        "finished a",
        "agent: command",
        "model: not said",
    ]


def test_a_stale_feature_whose_checks_fail_is_worked_on_again_and_told_why(world: World) -> None:
    world.spec("a", checks="true")
    world.agent(CLAIM)
    world.run()
    world.spec("a", "Do it better.", checks="test -f better.txt")
    world.agent("touch better.txt; " + CLAIM)
    ran = world.run()
    assert (ran.code, world.outcomes(), world.states()) == (0, ["done", "done"], {"a": "done"})
    assert "Since then its spec changed" in world.log("attempts/a/0002/prompt.md")
    assert "a: worked on again: its spec changed since it was accepted, and `test -f better.txt`: exit 1" in ran.text
    assert "check: exit 0" in world.log("attempts/a/a.done")


@pytest.mark.deep
def test_a_stale_feature_is_left_alone_while_halt_stands_and_what_a_person_accepted_stays(
    world: World, harness
) -> None:
    world.spec("a", checks="true")
    world.spec("b", checks="false")
    world.agent(CLAIM)
    world.run("a")
    harness("accept", "b", "I looked")
    for slug in ("a", "b"):
        world.spec(slug, "Do it better.", checks="false")
    (world.root / "HALT").touch()
    assert (world.run().code, world.states()["a"]) == (3, "stale")
    (world.root / "HALT").unlink()
    world.agent("note 'thought about it for a long while'")
    world.run(max_iterations=1)
    assert world.states() == {"a": "ready", "b": "stale"}


@pytest.mark.deep
def test_what_is_done_may_be_archived_though_others_depend_on_it(world: World, harness) -> None:
    world.spec("base", checks="true")
    world.agent(CLAIM)
    world.run()
    shutil.rmtree(world.root / "specs/base")
    world.spec("next", checks="true", depends_on=["base"])
    (world.root / "specs/order.txt").write_text("base\nnext\n")
    ran = world.run()
    assert (ran.code, world.states()) == (0, {"next": "done (not shown)"})
    assert "specs/order.txt:1: `base` is done, and its spec is gone: the line can go, too" in ran.text
    assert world.run("next").code == 0
    for gone in ("logs/base.done", "logs/next.done", "specs/order.txt"):
        (world.root / gone).unlink()
    assert "depends on `base`, which is no feature" in harness("status", "--json").out


@pytest.mark.deep
def test_a_receipt_is_bound_to_the_checks_that_ran_where_a_spec_is_edited_while_a_run_is_on(world: World) -> None:
    world.spec("a", checks="test -f a.txt")
    world.spec("b", checks="test -f b.txt")
    old = hashlib.sha256((world.root / "specs/b/spec.md").read_bytes()).hexdigest()
    edit = f"sed -i s/b.txt/c.txt/ {world.root}/specs/b/spec.md"
    world.agent(f'test "$slug" = b || {edit}; echo x > $slug.txt; ' + CLAIM)
    ran = world.run()
    assert (ran.code, ran.halt.name) == (1, "STALE"), ran.text
    assert f"spec: sha256 {old}" in world.log("b.done") and ": test -f b.txt" in world.log("b.done")
    assert world.states()["b"] == "stale"
    world.agent("echo x > c.txt; " + CLAIM)
    ran = world.run()
    assert (ran.code, world.states()["b"]) == (0, "done"), ran.text
    assert ": test -f c.txt" in world.log("b.done")


def test_a_receipt_says_which_check_proves_which_criterion(world: World, harness: Any) -> None:
    listed = "- [ ] there is a.txt,\n  and it is not empty\n- [ ] it is short\n- [ ] nothing breaks\n"
    body = f"## Acceptance criteria\n\n{listed}"
    checks = [{"run": "test -s a.txt", "proves": [1, 2]}, {"run": "true # all", "proves": [2, 7]}]
    world.spec("a", body, checks=checks)
    world.agent(f"echo x > a.txt; {CLAIM}")
    assert world.run().code == 0
    assert [line for line in world.log("a.done").splitlines() if line.startswith("criterion: ")] == [
        "criterion: 1, `test -s a.txt` (red before, green after): there is a.txt, and it is not empty",
        "criterion: 2, `test -s a.txt` (red before, green after), `true # all` (green before and after): it is short",
        "criterion: 3, not shown: nothing breaks",
        "criterion: 7, not in the list: a check says that it proves it",
    ]
    assert '"3, not shown: nothing breaks"' in harness("status", "--json").out
    assert "no check proves criterion 3" in harness("lint").out
