"""Which server gets what: the key, the marks, the tools."""

from __future__ import annotations

import json

import pytest
from fakes.api_agent import Agent, bash
from fakes.messages_api import MessagesApi
from fakes.messages_replies import Turn

pytestmark = pytest.mark.xdist_group("anthropic")


def test_another_server_does_not_get_anthropics_key(agent: Agent) -> None:
    with MessagesApi([Turn("Done.")]) as api:
        agent(api, server="compatible", model="llama")
    assert "key-of-a-test" not in json.dumps(dict(api.requests[0].headers))


def test_another_server_gets_plain_tools_and_no_marks(agent: Agent) -> None:
    with MessagesApi([Turn("", (bash("true"),)), Turn("Done.")]) as api:
        said = agent(api, server="compatible", model="llama")
    assert said.code == 0
    body = api.requests[1].body
    assert "cache_control" not in json.dumps(body)
    assert all("input_schema" in tool for tool in body["tools"])
    assert api.side_requests == []
