"""What a reply means: every recorded run by its class, prose that must never trip, questions, remarks."""

from datetime import datetime

import pytest
from helpers.laws import examples
from helpers.recorded import DIALECTS, NOW, diagnosis, dialect_of, meaning, names, reply, reply_of
from helpers.wordings import AUTH, CREDIT, NETWORK, OVERLOAD, PROSE, RATE, REFUSED, SERVER, USAGE, WORDINGS
from hypothesis import given
from hypothesis import strategies as st

from harness.agents.failures import find_remarks
from harness.domain.reply import Ended, Exit, Fault, Limit, LimitKind, RateLimit, Reply, Transcript


def at(when):
    """Epoch seconds of a day and a time of November 2026, UTC."""
    return datetime.fromisoformat(f"2026-11-{when}+00:00").timestamp()


# --- recorded runs --------------------------------------------------------------------------------------------------


LIMITS = {
    "usage-limit-oauth-5h": (USAGE, 1795233189.0),
    "usage-limit-oauth-noshouldretry": (USAGE, 1795233190.0),
    "watchdog-usage-limit": (USAGE, 1795230951.0),
    "oauth-allowed-headers-429-mr1": (USAGE, 1795234528.0),
    "e400-credit": (CREDIT, None),
    "e401-mr1": (AUTH, None),
    "e401-oauth": (AUTH, None),
    "bad-oauth-revoked": (AUTH, None),
    "no-auth": (AUTH, None),
    "root-refused": (REFUSED, None),
    "bad-flag": (REFUSED, None),
    "bad-settings": (REFUSED, None),
    "bad-mcp-file": (REFUSED, None),
    "big-stdin-12mb": (REFUSED, None),
    "empty-stdin": (REFUSED, None),
    "sess-4-same-id": (REFUSED, None),
    "stream-no-verbose": (REFUSED, None),
    "codex/cx-429-usage-limit": (USAGE, at("21T04:42")),
    "codex/cx-usage-limit-3days": (USAGE, at("24T03:45")),
    "codex/cx-429-quota": (CREDIT, None),
    "codex/cx-failed-quota": (CREDIT, None),
    "codex/cx-401": (AUTH, None),
    "codex/cx-403": (AUTH, None),
    "codex/cx-no-key": (AUTH, None),
    "codex/cx-bad-flag": (REFUSED, None),
    "codex/cx-empty-stdin": (REFUSED, None),
    "gemini/gm-429-daily": (USAGE, None),
    "gemini/gm-429-daily-json": (USAGE, None),
    "gemini/gm-400-badkey": (AUTH, None),
    "gemini/gm-401": (AUTH, None),
    "gemini/gm-no-auth": (AUTH, None),
    "gemini/gm-untrusted": (REFUSED, None),
    "gemini/gm-bad-flag": (REFUSED, None),
    "gemini/gm-bad-format": (REFUSED, None),
    "opencode/oc-400-credit": (CREDIT, None),
    "opencode/oc-401": (AUTH, None),
    "opencode/oc-text-401": (AUTH, None),
    "opencode/oc-bad-flag": (REFUSED, None),
    "opencode/oc-no-prompt": (REFUSED, None),
}
FAULTS = {
    "e429-mr0": RATE,
    "e429-default-noretryafter": RATE,
    "retry-after-61-apikey": RATE,
    "usage-limit-text-only-429": RATE,  # a server's prose, without a window: it may pass at any time
    "v197-e429-mr1": RATE,
    "v197-retry-after-3600": RATE,
    "e500-mr2": SERVER,
    "e529-mr2": OVERLOAD,
    "fallback-529": OVERLOAD,
    "sigterm-retry-wait": OVERLOAD,
    "conn-refused": NETWORK,
    "reset-before-mr2": NETWORK,
    "hang-before-timeout5s-mr1": NETWORK,
    "codex/cx-429-rate": RATE,
    "codex/cx-500": OVERLOAD,
    "codex/cx-500-retries0": OVERLOAD,
    "codex/cx-503": OVERLOAD,
    "codex/cx-failed-overloaded": OVERLOAD,
    "codex/cx-reset-mid": NETWORK,
    "codex/cx-hang-mid-idle5s": NETWORK,
    "codex/cx-connrefused": NETWORK,
    "gemini/gm-503": OVERLOAD,
    "opencode/oc-429": RATE,
    "opencode/oc-500": SERVER,
    "opencode/oc-529": OVERLOAD,
}


@pytest.mark.parametrize("name", names())
def test_every_recorded_run_has_its_meaning_and_most_have_none(name):
    assert meaning(reply_of(name), dialect_of(name)) == LIMITS.get(name, FAULTS.get(name))


def test_the_tables_name_recorded_runs_only():
    assert (LIMITS.keys() | FAULTS.keys()) <= set(names())


def test_a_limit_is_told_in_the_words_of_the_agent_with_a_way_out():
    assert diagnosis(reply_of("usage-limit-oauth-5h"), "claude", NOW) == Limit(
        LimitKind.USAGE,
        "You've hit your 5-hour limit · resets 3:53am (UTC)",
        1795233189.0,
        "wait for the reset, then `harness resume` and `harness run`",
    )
    root = diagnosis(reply_of("root-refused"), "claude", NOW)
    assert root.text.startswith("--dangerously-skip-permissions cannot be used with root/sudo")
    assert all(word in root.hint for word in ("ordinary user", "IS_SANDBOX=1", "permission_mode: acceptEdits"))
    assert diagnosis(reply_of("gemini/gm-untrusted"), "gemini", NOW).text == "the folder is not trusted"
    assert diagnosis(reply_of("codex/cx-bad-flag"), "codex", NOW).text == "error: unexpected argument '--nope' found"
    assert diagnosis(reply_of("codex/cx-503"), "codex") == Fault(
        OVERLOAD, "Selected model is at capacity. Please try a different model."
    )


# --- structured events ----------------------------------------------------------------------------------------------


INIT = {"type": "system", "subtype": "init", "model": "m"}
GOOD = {"type": "result", "subtype": "success", "is_error": False, "num_turns": 3, "result": "Done."}
TOLD = {"type": "assistant", "message": {"id": "m", "content": [{"type": "text", "text": "On it."}]}}


def rejected(resets_at=1795233189, **info):
    window = {"status": "rejected", "resetsAt": resets_at, "rateLimitType": "five_hour"} | info
    return {"type": "rate_limit_event", "rate_limit_info": {key: value for key, value in window.items() if value}}


def retry(status, error):
    return {"type": "system", "subtype": "api_retry", "attempt": 2, "error_status": status, "error": error}


def failed(text="it failed", **fields):
    return {"type": "result", "subtype": "success", "is_error": True, "result": text} | fields


def told(error, text=""):
    return {"type": "assistant", "error": error, "message": {"content": [{"type": "text", "text": text}]}}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([rejected(), failed()], (USAGE, 1795233189.0), id="a closed window and an error"),
        pytest.param([rejected()], (USAGE, 1795233189.0), id="a closed window and no result"),
        pytest.param([rejected(None), failed()], RATE, id="a closed window without a reset"),
        pytest.param([rejected(None)], RATE, id="a closed window without a reset or a result"),
        pytest.param([rejected(), GOOD], None, id="a closed window that did no harm"),
        pytest.param([rejected(), TOLD], None, id="a closed window, then an answer"),
        pytest.param([rejected(isUsingOverage=True), failed()], None, id="a closed window, paid overage in use"),
        pytest.param([rejected(status="rejected_softly"), failed()], None, id="a window in an unknown state"),
        pytest.param([rejected(), rejected(status="allowed"), failed()], None, id="a window that opened again"),
        pytest.param(
            [rejected(), {"type": "result", "subtype": "error_max_turns", "errors": []}], None, id="but max turns"
        ),
        pytest.param(
            [failed(api_error="usage_limit_reached", api_error_status=429)], (USAGE, None), id="reached, no reset"
        ),
        pytest.param([failed(api_error="something_new", api_error_status=429)], RATE, id="an unknown api_error"),
        pytest.param([told("something_new"), failed()], None, id="an unknown kind of error"),
        pytest.param([told("billing_error"), failed()], (CREDIT, None), id="billing"),
        pytest.param([told("oauth_org_not_allowed"), failed(api_error_status=403)], (AUTH, None), id="org not allowed"),
        pytest.param([failed(api_error_status=403)], (AUTH, None), id="403 alone"),
        pytest.param([told("model_not_found"), failed(api_error_status=404)], (REFUSED, None), id="no such model"),
        pytest.param([failed(api_error_status=500), GOOD], None, id="an error, then a good result"),
        pytest.param([GOOD, failed(api_error_status=500)], SERVER, id="a good result, then an error"),
        pytest.param([failed(api_error_status=502)], SERVER, id="502"),
        pytest.param([failed(api_error_status=529)], OVERLOAD, id="529"),
        pytest.param([failed(api_error_status=400)], None, id="400"),
        pytest.param([failed(api_error_status=413, terminal_reason="image_error")], None, id="413"),
        pytest.param([told("rate_limit"), failed()], RATE, id="2.1.197 tells only the kind"),
        pytest.param([told("overloaded"), TOLD, failed()], None, id="an error that was recovered from"),
        pytest.param([retry(529, "overloaded"), failed()], None, id="a retry does not explain a result"),
        pytest.param([failed(stop_reason="refusal", api_error_status=529)], None, id="refusal"),
    ],
)
@pytest.mark.parametrize("code", [0, 1, 143])
def test_structured_events_decide_whatever_the_exit_code(lines, expected, code):
    assert meaning(reply([INIT, *lines], "claude", code), "claude") == expected


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        pytest.param(retry(529, "overloaded"), OVERLOAD, id="overloaded"),
        pytest.param(retry(500, "server_error"), SERVER, id="server error"),
        pytest.param(retry(429, "rate_limit"), RATE, id="rate limited"),
        pytest.param(retry(None, "unknown"), NETWORK, id="no connection"),
        pytest.param(retry(401, "authentication_failed"), (AUTH, None), id="401"),
        pytest.param(retry(403, "unknown"), (AUTH, None), id="403"),
        pytest.param(TOLD, None, id="an answer"),
    ],
)
@pytest.mark.parametrize("ended", [Ended.TIMED_OUT, Ended.IDLE, Ended.STOPPED, Ended.LOST])
def test_a_killed_run_is_a_fault_only_when_a_retry_was_its_last_word(last, expected, ended):
    lines = [INIT, retry(429, "rate_limit"), TOLD, retry(500, "server_error"), last]
    assert meaning(reply(lines, "claude", None, ended, stderr_tail="Overloaded"), "claude") == expected


@pytest.mark.parametrize(
    ("dialect", "trouble", "answer", "expected"),
    [
        (
            "codex",
            {"type": "error", "message": "Reconnecting... 1/5 (stream disconnected before completion: x)"},
            {"type": "item.completed", "item": {"type": "agent_message", "text": "hi"}},
            NETWORK,
        ),
        (
            "codex",
            {"type": "error", "message": "Reconnecting... 5/5 (unexpected status 401 Unauthorized: no)"},
            {"type": "item.started", "item": {"id": "1", "type": "command_execution"}},
            (AUTH, None),
        ),
        (
            "opencode",
            {"type": "error", "error": {"name": "APIError", "data": {"message": "Overloaded", "statusCode": 529}}},
            {"type": "step_start", "part": {}},
            OVERLOAD,
        ),
    ],
)
def test_other_agents_killed_in_a_retry_are_read_the_same_way(dialect, trouble, answer, expected):
    assert meaning(reply([trouble], dialect, -15, Ended.TIMED_OUT), dialect) == expected
    assert meaning(reply([trouble, answer], dialect, -15, Ended.TIMED_OUT), dialect) is None


# --- prose that must never trip -------------------------------------------------------------------------------------


IDS = [prose[:50] for prose in PROSE]


def claude_lines(prose):
    call = {"type": "tool_use", "id": "t", "name": "Read", "input": {"file_path": prose}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": prose, "is_error": True}
    return [
        INIT,
        {"type": "assistant", "message": {"id": "1", "content": [{"type": "text", "text": prose}, call]}},
        {"type": "user", "message": {"content": [result]}, "tool_use_result": prose},
        {"type": "assistant", "message": {"id": "2", "content": [{"type": "text", "text": prose}]}},
    ]


def codex_lines(prose):
    call = {"id": "1", "type": "command_execution", "command": prose, "aggregated_output": prose, "exit_code": 1}
    return [
        {"type": "thread.started", "thread_id": "t"},
        {"type": "turn.started"},
        {"type": "item.started", "item": call},
        {"type": "item.completed", "item": call},
        {"type": "item.completed", "item": {"id": "2", "type": "agent_message", "text": prose}},
    ]


def gemini_lines(prose):
    return [
        {"type": "init", "model": "g"},
        {"type": "message", "role": "user", "content": prose},
        {"type": "tool_use", "tool_name": "read", "tool_id": "1", "parameters": {"path": prose}},
        {"type": "tool_result", "tool_id": "1", "status": "error", "output": prose, "error": {"message": prose}},
        {"type": "message", "role": "assistant", "content": prose, "delta": True},
    ]


def opencode_lines(prose):
    state = {"status": "error", "input": {"command": prose}, "output": prose, "error": prose}
    return [
        {"type": "step_start", "part": {}},
        {"type": "tool_use", "part": {"tool": "bash", "state": state}},
        {"type": "text", "part": {"text": prose}},
        {"type": "step_finish", "part": {"reason": "tool-calls", "cost": 0.1}},
    ]


LINES = {"claude": claude_lines, "codex": codex_lines, "gemini": gemini_lines, "opencode": opencode_lines}
GOOD_END = {
    "claude": lambda prose: GOOD | {"result": prose},
    "codex": lambda prose: {"type": "turn.completed", "usage": {}},
    "gemini": lambda prose: {"type": "result", "status": "success", "stats": {}},
    "opencode": lambda prose: {"type": "step_finish", "part": {"reason": "stop"}},
}
BAD_END = {
    "claude": {"type": "result", "subtype": "error_during_execution", "is_error": True, "errors": ["it broke"]},
    "codex": {"type": "turn.failed", "error": {"message": "it broke"}},
    "gemini": {"type": "result", "status": "error", "error": {"type": "unknown", "message": "it broke"}},
    "opencode": {"type": "error", "error": {"name": "UnknownError", "data": {"message": "it broke"}}},
}


@pytest.mark.parametrize("prose", PROSE, ids=IDS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_prose_of_a_good_run_never_trips(dialect, prose):
    good = reply([*LINES[dialect](prose), GOOD_END[dialect](prose)], dialect, 0, stderr_tail=prose)
    assert good.transcript.results == 1
    assert meaning(good, dialect) is None


@pytest.mark.parametrize("prose", PROSE, ids=IDS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_prose_of_the_model_or_a_tool_never_trips_in_a_failed_or_killed_run(dialect, prose):
    lines = LINES[dialect](prose)
    failing = reply([*lines, BAD_END[dialect]], dialect, 1, stderr_tail=prose)
    assert failing.transcript.error_text == "it broke"
    assert meaning(failing, dialect) is None
    assert meaning(reply(lines, dialect, 1, stderr_tail="it broke"), dialect) is None
    assert meaning(reply(lines, dialect, -15, Ended.TIMED_OUT, stderr_tail=prose), dialect) is None
    assert meaning(reply(lines, dialect, 143, stderr_tail=prose), dialect) is None


@pytest.mark.parametrize("prose", PROSE, ids=IDS)
def test_prose_of_a_text_agent_never_trips_when_it_is_good_or_speaks_about_limits(prose):
    assert meaning(reply([prose.encode()], "text", 0, stderr_tail=prose), "text") is None
    assert meaning(reply([f"I read that: {prose}".encode()], "text", 1), "text") is None
    assert meaning(reply([prose.encode(), *[b"more"] * 5], "text", 1), "text") is None


# --- laws -----------------------------------------------------------------------------------------------------------


TEXTS = st.one_of(st.sampled_from(PROSE + [text for text, _ in WORDINGS]), st.text(max_size=40))
KINDS = ["", "unknown", "rate_limit", "overloaded", "server_error", "billing_error", "authentication_failed", "new"]
EXITS = st.builds(
    Exit, st.sampled_from(Ended), st.one_of(st.none(), st.integers(-64, 255)), stderr_tail=TEXTS, error=TEXTS
)
WINDOWS = st.one_of(st.none(), st.builds(RateLimit, st.just("five_hour"), st.one_of(st.none(), st.just(1795233189.0))))
TRANSCRIPTS = st.builds(
    Transcript,
    results=st.integers(0, 2),
    is_error=st.booleans(),
    text=TEXTS,
    error_text=TEXTS,
    api_error=st.sampled_from(["", "usage_limit_reached", "connection_failed", "new"]),
    api_status=st.one_of(st.none(), st.integers(100, 599)),
    error_kind=st.sampled_from(KINDS),
    terminal_reason=st.sampled_from(["", "completed", "api_error", "max_turns", "refusal", "new"]),
    num_turns=st.one_of(st.none(), st.integers(0, 3)),
    rate_limit=WINDOWS,
    events=st.integers(0, 9),
)
REPLIES = st.builds(Reply, EXITS, TRANSCRIPTS)


@given(REPLIES, st.sampled_from([*DIALECTS, "text"]))
@examples(300)
def test_nothing_is_both_a_limit_and_a_fault_and_a_good_result_is_neither(reply, dialect):
    found = meaning(reply, dialect)
    if dialect != "text" and reply.transcript.results and not reply.transcript.is_error:
        assert found is None
    if dialect == "text" and reply.exit.code == 0:
        assert found is None
    assert all(isinstance(remark, str) and "\n" not in remark for remark in find_remarks(reply))


@given(st.sampled_from(names()), TEXTS)
@examples(60)
def test_a_good_result_at_the_end_outweighs_all_that_came_before(name, text):
    dialect = dialect_of(name)
    recorded = reply_of(name)
    lines = [*LINES[dialect](text), GOOD_END[dialect](text)]
    healed = reply([b"{torn", *lines], dialect, recorded.exit.code or 0, stderr_tail=recorded.exit.stderr_tail)
    assert meaning(healed, dialect) is None


# --- remarks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "remarks"),
    [
        ("success-tool", ()),
        ("v197-sess-1", ()),
        ("default-mode-bash", ("tools were denied: Bash",)),
        ("empty-text", ("its answer was empty",)),
        ("prompt-slash-compact", ("it made no turn: the prompt may have been taken for a slash command",)),
        ("max-turns-2", ("it reached its maximum number of turns",)),
        ("max-budget", ("it reached the budget it was given for one run",)),
        ("overflow-forever", ("its context grew too long",)),
        ("big-stdin-9mb", ("its prompt was too long",)),
        ("e413", ("its request was too large",)),
        ("stop-refusal", ("the model refused to answer",)),
        ("bad-resume", ("it does not know the session it was told to resume",)),
        ("bg-task-forever", ("1 background task still alive when it ended",)),
        ("sigterm-bash", ("it was ended by signal TERM, not by harness",)),
        ("bg-sigterm-after-result", ()),
        ("codex/cx-400-context", ("its prompt or its context was too long",)),
        ("gemini/gm-maxturns", ("it reached its maximum number of turns",)),
        ("gemini/gm-k-term-group", ("it ended without a final result",)),
        ("opencode/oc-defperm-ext", ("tools were denied: read", "it ended without a final result")),
    ],
)
def test_what_was_unusual_is_remarked_on(name, remarks):
    assert find_remarks(reply_of(name)) == remarks


def test_damage_and_leftovers_are_remarked_on():
    exit = Exit(Ended.EXITED, -11, strays=3, dropped_bytes=9, long_lines=1)
    assert find_remarks(Reply(exit, Transcript(bad_lines=2))) == (
        "2 lines of its output could not be read as JSON",
        "its output was cut: 9 bytes beyond the limit",
        "1 line of its output too long to read",
        "it was ended by signal SEGV, not by harness",
        "3 of the processes it started outlived it and were killed",
    )


def test_every_recorded_line_is_an_event_but_for_gemini_in_its_other_format():
    broken = {name for name in names() if reply_of(name).transcript.bad_lines}
    assert broken == {"gemini/gm-json", "gemini/gm-tool-json"}
