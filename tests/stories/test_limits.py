"""What an agent says about limits: words are no limit, events are."""

from __future__ import annotations

import shlex

import pytest
from helpers.marks import in_short
from helpers.recorded import STREAMS
from helpers.world import CLAIM, World

HARMLESS = """\
The server answers 429 when the rate limit is hit, see lines 418-429 of limits.py.
The old version printed: Claude AI usage limit reached|1795233189
Test name: You've hit your limit - resets 2pm (Asia/Shanghai), credit balance is too low
{"type":"result","is_error": false} and authentication_failed and "is_error":true
import { Ratelimit } from "@upstash/ratelimit"
"""
TOLD = {
    "text": 'cat "$logs/../prose.txt" | tee -a "$log"; cat prose.txt >&2; ',
    "claude": """\
python3 - <<'PYTHON'
import json
text = open("prose.txt").read()
print(json.dumps({"type": "assistant", "message": {"id": "1", "content": [{"type": "text", "text": text}]}}))
print(json.dumps({"type": "result", "subtype": "success", "is_error": False, "num_turns": 1, "result": text}))
PYTHON
cat prose.txt >> "$log"; cat prose.txt >&2
""",
}


@pytest.mark.parametrize("dialect", in_short(TOLD.keys(), *list(TOLD)[:1]))
def test_harmless_prose_about_limits_halts_nothing(world: World, dialect: str) -> None:
    world.spec("a")
    (world.root / "prose.txt").write_text(HARMLESS)
    world.agent(TOLD[dialect] + 'if [ "$attempt" = 2 ]; then ' + CLAIM + "; fi")
    assert world.run(dialect=dialect).code == 0
    assert world.outcomes() == ["progressed", "done"]


@pytest.mark.parametrize(
    ("stream", "exit", "kind"),
    [
        pytest.param("usage-limit-oauth-5h", 1, "usage limit", id="a window that is used up", marks=pytest.mark.deep),
        pytest.param("usage-limit-oauth-5h", 0, "usage limit", id="the same with exit 0"),
        pytest.param("e400-credit", 0, "credit", id="no credit, with exit 0"),
        pytest.param("no-auth", 1, "authentication", id="nobody logged in", marks=pytest.mark.deep),
    ],
)
def test_a_real_limit_halts_whatever_the_exit_code(world: World, stream: str, exit: int, kind: str) -> None:
    world.spec("a")
    world.agent(f"cat {shlex.quote(str(STREAMS / stream))}.jsonl; exit {exit}")
    ran = world.run(dialect="claude")
    assert (ran.code, world.outcomes()) == (6, ["fault"])
    assert f"why:    {kind}: " in (world.root / "HALT").read_text()
    assert ("resets: " in (world.root / "HALT").read_text()) == (kind == "usage limit")


@pytest.mark.parametrize("text", ["You've hit your limit · resets 2pm (Asia/Shanghai)", "Credit balance is too low"])
def test_a_limit_told_in_plain_text_by_a_failed_run_halts(world: World, text: str) -> None:
    world.spec("a")
    world.agent(f'echo "{text}"; exit 1')
    assert world.run().code == 6
    assert text in (world.root / "HALT").read_text()
