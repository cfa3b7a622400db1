"""A reviewer as a check: another agent reads the diff of a claim whose checks passed."""

from __future__ import annotations

import json
from typing import Any

from helpers.world import CLAIM

ASKED = "is every error path handled"
BODY = "Do it.\n\n## Acceptance criteria\n\n- it greets\n- it never fails\n"


def find(criterion: int | None = 1, verdict: str = "pass", line: int | None = 1, file: str | None = "a.py") -> Any:
    return {"criterion": criterion, "verdict": verdict, "file": file, "line": line, "sentence": f"It is {verdict}."}


FINE = [find(1), find(2)]
BAD = [find(1), find(2, "fail")]


def begin(world: Any, answer: Any, work: str = "echo x > a.py", **review: Any) -> Any:
    """A claim whose check passes, and a reviewer that answers with this."""
    said = answer if isinstance(answer, str) else f"cat <<'END'\n{json.dumps(answer)}\nEND"
    world.spec("a", BODY, checks=["test -f a.py", {"review": ASKED, **review}])
    world.repository()
    world.agent(f'if [ -n "$HARNESS_REVIEW" ]; then {said}\nexit; fi; {work}; {CLAIM}')
    world.settings["max_attempts"] = 4
    return world.run()


def test_a_finding_stands_in_the_receipt_and_blocks_nothing(world: Any) -> None:
    ran = begin(world, BAD)
    assert (ran.code, world.outcomes()) == (0, ["done"]), ran.text
    receipt = world.log("a.done")
    assert f"review: `{ASKED}` by command: 1 finding, 1 passed\n" in receipt
    assert "review: fail, criterion 2, a.py:1: It is fail.\n" in receipt


def test_a_reviewer_that_blocks_has_the_claim_mended(world: Any) -> None:
    work = 'if [ "$attempt" = 1 ]; then echo x > a.py; else echo y > a.py; fi'
    ran = begin(world, f"if grep -q x a.py; then echo '{json.dumps(BAD)}'; else echo '{json.dumps(FINE)}'; fi", work,
                blocking=True)  # fmt: skip
    assert (ran.code, world.outcomes()) == (0, ["unconfirmed", "done"]), ran.text
    assert "criterion 2, a.py:1: It is fail." in world.prompt("a", 2)
    assert f"review: `{ASKED}` by command: no finding, 2 passed\n" in world.log("a.done")
