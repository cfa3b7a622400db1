"""The words in which agents refuse, run out and fail."""

from datetime import datetime

import pytest
from helpers.recorded import NOW, diagnosis, meaning, reply
from helpers.wordings import AUTH, NETWORK, RATE, REFUSED, SERVER, SPEND, USAGE, WORDINGS

from harness.domain.reply import Ended, Limit


def at(when):
    """Epoch seconds of a day and a time of November 2026, UTC."""
    return datetime.fromisoformat(f"2026-11-{when}+00:00").timestamp()


INIT = {"type": "system", "subtype": "init", "model": "m"}
GOOD = {"type": "result", "subtype": "success", "is_error": False, "num_turns": 3, "result": "Done."}


def failed(text="it failed", **fields):
    return {"type": "result", "subtype": "success", "is_error": True, "result": text} | fields


@pytest.mark.parametrize(("text", "expected"), WORDINGS, ids=[text[:60] for text, _ in WORDINGS])
def test_claude_codes_own_sentences_are_known_on_stdout_stderr_and_in_an_error_result(text, expected):
    assert meaning(reply([b"Working.", text.encode()], "text", 1), "text") == expected
    assert meaning(reply([b"Working."], "text", 1, stderr_tail=f"\x1b[31m{text}\x1b[0m\n"), "text") == expected
    assert meaning(reply([], "claude", 1, stderr_tail=text), "claude") == expected
    assert meaning(reply([text.encode()], "claude", 1), "claude") == expected
    status = next((code for code in (429, 529, 500, 401, 400) if str(code) in text.partition("access")[0]), None)
    assert meaning(reply([INIT, failed(text, api_error_status=status)], "claude", 1), "claude") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("litellm.AuthenticationError: AnthropicException - invalid x-api-key", (AUTH, None)),
        ("litellm.RateLimitError: AnthropicException - slow down", RATE),
        ("litellm.InternalServerError: AnthropicException - Overloaded", SERVER),
        ("litellm.APIConnectionError: connection refused", NETWORK),
        ("ERROR: You've hit your usage limit. Upgrade, or try again at 4:42 AM.", (USAGE, at("21T04:42"))),
        ("I saw a litellm.RateLimitError in the log", None),
    ],
)
def test_the_words_of_other_agents_that_print_plain_text_are_known_at_the_start_of_a_line(text, expected):
    assert meaning(reply([b"Working.", text.encode()], "text", 1), "text") == expected


@pytest.mark.parametrize(("text", "expected"), WORDINGS, ids=[text[:60] for text, _ in WORDINGS])
@pytest.mark.parametrize("ended", [Ended.TIMED_OUT, Ended.STOPPED])
def test_the_same_sentences_mean_nothing_in_a_good_run_or_one_that_was_killed(text, expected, ended):
    assert meaning(reply([text.encode()], "text", 0, stderr_tail=text), "text") is None
    assert meaning(reply([text.encode()], "text", -15, ended, stderr_tail=text), "text") is None
    assert meaning(reply([INIT, GOOD | {"result": text}], "claude", 1, stderr_tail=text), "claude") is None


def test_an_admin_text_inside_a_429_is_no_passing_fault():
    line = failed("API Error: Request rejected (429) · your seat was disabled by your admin", api_error_status=429)
    assert meaning(reply([INIT, line], "claude", 1), "claude") == (SPEND, None)


@pytest.mark.parametrize(
    ("dialect", "code", "stderr", "expected"),
    [
        ("claude", 1, "error: unknown option '--no-such-flag'", (REFUSED, None)),
        ("claude", 1, "a warning\nError: Invalid MCP configuration:\nMCP config file not found: /x", (REFUSED, None)),
        ("claude", 1, "Segmentation fault", None),
        ("claude", 0, "error: unknown option '--no-such-flag'", None),
        ("claude", -15, "error: unknown option '--no-such-flag'", None),
        ("codex", 2, "error: unexpected argument '--nope' found", (REFUSED, None)),
        ("text", 127, "sh: 1: aider: not found", (REFUSED, None)),
        ("text", 1, "error: unknown option '--no-such-flag'", None),
    ],
)
def test_only_known_words_of_an_agent_that_printed_no_event_are_a_refusal(dialect, code, stderr, expected):
    assert meaning(reply([], dialect, code, stderr_tail=stderr), dialect) == expected


def test_after_an_event_it_has_started_and_was_not_refused():
    assert meaning(reply([INIT], "claude", 1, stderr_tail="Error: Settings file not found: x"), "claude") is None


def test_a_program_that_does_not_exist_is_a_refusal():
    limit = diagnosis(reply([], "text", None, Ended.NOT_STARTED, error="no such program: `clod`"), "text", NOW)
    assert limit == Limit(
        REFUSED,
        "no such program: `clod`",
        None,
        "check that the agent's program is installed, executable and in PATH: `harness doctor`",
    )


def test_a_command_that_was_not_found_in_the_middle_of_the_work_is_no_refusal():
    assert meaning(reply([b"Working."], "text", 127, stderr_tail="x: not found", stdout_bytes=9), "text") is None
