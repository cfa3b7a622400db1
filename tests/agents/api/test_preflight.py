"""Before the first call: what fits, what is cut, what is not sent."""

from __future__ import annotations

import json

import pytest
from fakes.api_agent import PROMPT, Agent
from fakes.messages_api import MessagesApi
from fakes.messages_faults import unauthorized
from fakes.messages_replies import Turn

from harness.domain.reply import LimitKind

pytestmark = pytest.mark.xdist_group("anthropic")


def test_a_prompt_beyond_the_window_loses_its_oldest_notes_and_says_so(agent: Agent) -> None:
    long = PROMPT.replace("| an old note\n", "".join(f"| note {n} {'x' * 90}\n" for n in range(400)))
    with MessagesApi([Turn("Done.")]) as api:
        said = agent(api, prompt=long, context_window=8000)
    assert said.code == 0
    (notice,) = said.transcript.notices
    assert notice.startswith("the prompt was too long for the model: ")
    assert "note 399" in json.dumps(api.requests[0].body)
    assert "note 0 " not in json.dumps(api.requests[0].body)


def test_a_prompt_that_cannot_be_cut_is_not_sent(agent: Agent) -> None:
    with MessagesApi([]) as api:
        said = agent(api, prompt="word " * 50_000, context_window=8000)
    assert said.transcript.terminal_reason == "prompt_too_long"
    assert api.requests == []


def test_a_key_that_is_rejected_is_found_before_anything_is_paid_for(agent: Agent) -> None:
    with MessagesApi([unauthorized()]) as api:
        api.count_fault = unauthorized()
        said = agent(api)
    assert said.failure.kind is LimitKind.AUTH
    assert api.requests == []
