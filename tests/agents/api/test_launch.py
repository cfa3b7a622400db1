"""What the API agent cannot start without is told before anything is run."""

from __future__ import annotations

import pytest

from harness.agents.api.launch import check_start
from harness.agents.from_settings import api_options
from harness.domain.errors import AgentError
from harness.settings.options import Settings


@pytest.mark.parametrize(
    ("settings", "environ"),
    [
        ({}, {}),
        ({}, {"ANTHROPIC_API_KEY": "sk-a\nb"}),
        ({"base_url": "http://localhost:abc"}, {}),
        ({"base_url": "http://[::1"}, {}),
        ({"base_url": "localhost:11434"}, {}),
        ({"base_url": "http://"}, {}),
        ({"base_url": "http://me:secret@localhost"}, {}),
        ({"api_key_env": "MY_KEY"}, {"ANTHROPIC_API_KEY": "k"}),
    ],
    ids=["no-key", "key-of-two-lines", "port", "bracket", "no-scheme", "no-host", "password", "key-named-elsewhere"],
)
def test_what_cannot_work_is_told_before_anything_is_run(settings: dict[str, str], environ: dict[str, str]) -> None:
    with pytest.raises(AgentError) as caught:
        check_start(api_options(Settings(**settings)), "m", environ)
    assert "secret" not in caught.value.message
