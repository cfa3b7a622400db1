"""The API agent as a program: cancelled, it closes its socket and tells its cost."""

from __future__ import annotations

import pytest
from fakes.api_agent import Agent
from fakes.messages_api import MessagesApi
from fakes.messages_replies import Broken, How

pytestmark = pytest.mark.xdist_group("anthropic")


@pytest.mark.deep
def test_a_cancelled_attempt_closes_its_socket_and_tells_its_cost(agent: Agent) -> None:
    import os
    import signal
    import threading

    with MessagesApi([Broken(How.PINGS, 5)]) as api:
        stopper = threading.Timer(0, lambda: (api.wait_for_request(1), os.kill(os.getpid(), signal.SIGTERM)))
        stopper.start()
        said = agent(api)
        stopper.join()
    assert said.code == 143
    assert said.result["terminal_reason"] == "aborted"
    assert said.failure is None
