"""What the agents print is read into one transcript: recorded runs, damaged runs, endless runs."""

import json
import pickle

import pytest
from helpers.laws import examples
from helpers.marks import in_short
from helpers.recorded import DIALECTS, dialect_of, exit_of, lines_of, names, read, reply, reply_of
from hypothesis import given
from hypothesis import strategies as st

from harness.agents.stream import StreamReader
from harness.domain.reply import Cost, Ended, Exit, RateLimit

# --- results --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "results", "is_error", "text"),
    [
        ("trivial", 1, False, "Hello from mock."),
        ("v197-sess-1", 1, False, "ok"),
        ("bg-forever-40min", 2, False, "After."),
        ("json-schema", 1, False, '{"name":"x"}'),
        ("empty-text", 1, False, ""),
        ("max-turns-2", 1, True, ""),
        ("sigint-bash", 1, True, ""),
        ("sigterm-bash", 0, False, ""),
        ("codex/cx-last-message", 1, False, "final words"),
        ("codex/cx-tool-fails", 1, False, "It failed."),
        ("codex/cx-sigterm", 0, False, ""),
        ("gemini/gm-tool", 1, False, "Done."),
        ("gemini/gm-k-term-group", 0, False, ""),
        ("opencode/oc-tool", 1, False, "Done."),
        ("opencode/oc-defperm-ext", 0, False, ""),
        ("opencode/oc-529", 1, True, ""),
    ],
)
def test_the_last_result_decides(name, results, is_error, text):
    transcript = reply_of(name).transcript
    assert (transcript.results, transcript.is_error, transcript.text) == (results, is_error, text)


@pytest.mark.parametrize(
    ("name", "status", "kind", "api_error"),
    [
        ("e529-mr2", 529, "server_error", ""),
        ("v197-e429-mr1", 429, "rate_limit", ""),
        ("usage-limit-oauth-5h", 429, "rate_limit", "usage_limit_reached"),
        ("conn-refused", None, "server_error", "connection_failed"),
        ("e400-credit", 400, "billing_error", ""),
        ("no-auth", None, "authentication_failed", ""),
        ("e429-once-then-ok", None, "", ""),
        ("sigterm-retry-wait", 529, "overloaded", ""),
        ("sigterm-bash", None, "", ""),
        ("codex/cx-401", 401, "", ""),
        ("codex/cx-429-rate", 429, "", ""),
        ("gemini/gm-429-daily", 429, "", ""),
        ("gemini/gm-503", 503, "", ""),
        ("gemini/gm-400-badkey", 400, "", ""),
        ("opencode/oc-429", 429, "APIError", ""),
    ],
)
def test_the_error_is_that_of_the_end_and_is_forgotten_when_the_model_answers(name, status, kind, api_error):
    transcript = reply_of(name).transcript
    assert (transcript.api_status, transcript.error_kind, transcript.api_error) == (status, kind, api_error)


def test_sessions_are_known_in_every_dialect():
    assert reply_of("bad-resume").transcript.session_id
    assert reply_of("codex/cx-trivial").transcript.session_id == "01a1fc31-6a78-7fc2-b37d-686321f50776"
    assert reply_of("gemini/gm-trivial").transcript.session_id
    assert reply_of("opencode/oc-trivial").transcript.session_id.startswith("ses_")


def test_the_text_of_an_error_is_not_the_answer_of_an_earlier_turn():
    good = {"type": "result", "is_error": False, "result": "Done."}
    transcript = reply([good, {"type": "result", "is_error": True, "result": "it broke"}], "claude").transcript
    assert (transcript.text, transcript.error_text) == ("", "it broke")


def test_a_closed_window_is_kept_with_its_reset_and_an_open_one_is_not():
    assert reply_of("usage-limit-oauth-5h").transcript.rate_limit == RateLimit("five_hour", 1795233189.0)
    assert reply_of("rate-limit-event-allowed").transcript.rate_limit is None


@pytest.mark.parametrize("resets_at", [None, "soon", True, 0, -1, 1e300, float("nan"), 1795233189000, [], {}])
def test_a_reset_that_is_no_time_counts_as_absent(resets_at):
    info = {"status": "rejected", "rateLimitType": "five_hour", "resetsAt": resets_at}
    event = {"type": "rate_limit_event", "rate_limit_info": info}
    assert reply([event], "claude", 1).transcript.rate_limit == RateLimit("five_hour", None)


# --- alive, busy, finished ------------------------------------------------------------------------------------------


def replay(name, ask):
    """What `ask(reader)` said after each line, repetitions left out."""
    reader, said = StreamReader(dialect_of(name)), []
    for line in lines_of(name):
        reader.feed(line)
        if not said or said[-1] is not ask(reader):
            said.append(ask(reader))
    return said


def lines_busy(name):
    """One character a line: `#` where a tool call is running after it."""
    reader, said = StreamReader(dialect_of(name)), ""
    for line in lines_of(name):
        reader.feed(line)
        said += ".#"[reader.busy()]
    return said


@pytest.mark.parametrize(
    ("name", "busy"),
    [
        ("success-tool", "..#..."),
        ("long-bash-75s", ".#####..."),
        ("v197-bash-timeout-5s", ".###....."),
        ("codex/cx-tool", "..#..."),
        ("gemini/gm-tool", "..#..."),
        ("opencode/oc-tool", "###.##."),
    ],
)
def test_it_is_busy_from_a_tool_call_to_its_result(name, busy):
    assert lines_busy(name) == busy


@pytest.mark.parametrize("name", ["sigkill-bash", "codex/cx-sigkill", "gemini/gm-sigkill"])
def test_it_is_still_busy_when_it_is_killed_in_a_tool(name):
    assert read(lines_of(name), dialect_of(name)).busy()


def test_a_lost_tool_result_is_made_up_for_by_the_next_message():
    lines = [line for line in lines_of("success-tool") if b'"tool_result"' not in line]
    assert not read(lines[:-1], "claude").busy()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("trivial", [False, True]),
        ("v197-bg-forever-15min", [False, True]),
        ("bg-task-forever", [False]),
        ("bg-sigterm-after-result", [False, True]),
        ("bg-forever-40min", [False, True, False, True]),
        ("sigkill-bash", [False]),
        ("codex/cx-trivial", [False, True]),
        ("codex/cx-429-quota", [False, True]),
        ("gemini/gm-trivial", [False, True]),
        ("gemini/gm-k-term-group", [False]),
        ("opencode/oc-tool", [False, True]),
        ("opencode/oc-defperm-ext", [False]),
        ("opencode/oc-401", [True]),
    ],
)
def test_it_is_finished_after_a_result_until_a_further_turn_begins(name, said):
    assert replay(name, StreamReader.finished) == said


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("trivial", {"type": "system", "subtype": "init"}),
        ("trivial", {"type": "assistant", "message": {}}),
        ("trivial", {"type": "user", "message": {}}),
        ("codex/cx-trivial", {"type": "turn.started"}),
        ("codex/cx-trivial", {"type": "item.started", "item": {}}),
        ("gemini/gm-trivial", {"type": "message", "role": "user", "content": "more"}),
        ("gemini/gm-trivial", {"type": "tool_use", "tool_id": "1"}),
        ("opencode/oc-trivial", {"type": "step_start", "part": {}}),
    ],
)
def test_every_sign_of_a_further_turn_takes_the_end_back(name, event):
    assert read(lines_of(name), dialect_of(name)).finished()
    assert not read([*lines_of(name), event], dialect_of(name)).finished()


def test_background_tasks_alive_at_the_end_are_counted():
    assert reply_of("bg-task-forever").transcript.background_tasks == 1
    assert reply_of("bg-forever-40min").transcript.background_tasks == 0


# --- agents that print plain text -----------------------------------------------------------------------------------


def test_a_text_agent_is_known_by_its_last_words():
    transcript = reply([f"line {number}".encode() for number in range(100)], "text").transcript
    assert transcript.text.splitlines()[-1] == transcript.last_words == "line 99"
    assert (transcript.error_text, transcript.events, transcript.bad_lines, transcript.cost) == ("", 0, 0, Cost())


@pytest.mark.parametrize(
    ("code", "stderr", "error"),
    [(0, "a warning", ""), (1, "it broke\n", "it broke"), (1, "", "one\ntwo"), (-15, "late", ""), (143, "late", "")],
    ids=["good", "stderr", "stdout", "killed", "killed through a shell"],
)
def test_the_error_of_a_text_agent_is_looked_for_only_when_it_failed_by_itself(code, stderr, error):
    transcript = reply([b"one", b"two"], "text", code, stderr_tail=stderr).transcript
    assert transcript.error_text == error


def test_an_agent_that_could_not_be_started_has_that_for_its_error():
    transcript = reply([], "claude", None, Ended.NOT_STARTED, error="no such program: clod").transcript
    assert transcript.error_text == "no such program: clod"


def test_an_unknown_dialect_is_refused():
    with pytest.raises(ValueError, match="unknown dialect `klingon`"):
        StreamReader("klingon")


# --- damage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [b"{torn", b'{"type":"result","is_err', b"[1]", b"null", b'"words"', b"\xff\xfe", b"[" * 200_000, b"1" * 9_000],
    ids=["torn", "cut", "list", "null", "string", "not UTF-8", "deep", "huge number"],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_line_that_is_no_event_is_counted_and_nothing_else(dialect, line):
    transcript = reply([line, b"", b"  \n"], dialect).transcript
    assert (transcript.bad_lines, transcript.events, transcript.results) == (1, 0, 0)


@pytest.mark.parametrize("name", ["success-tool", "codex/cx-tool", "gemini/gm-tool", "opencode/oc-tool"])
def test_damage_between_the_lines_changes_nothing_but_the_count(name):
    noise = [b"Warning: x", b'{"type":"assistant","mess']
    damaged = [part for line in lines_of(name) for part in (*noise, line)]
    clean, noisy = reply_of(name).transcript, reply(damaged, dialect_of(name)).transcript
    assert noisy.bad_lines == 2 * clean.events
    assert (noisy.text, noisy.usage, noisy.results) == (clean.text, clean.usage, clean.results)


def test_a_lone_surrogate_can_still_be_written_to_a_file():
    result = b'{"type":"result","subtype":"success","is_error":false,"result":"a\\ud800b","session_id":"\\udfff"}'
    transcript = reply([result], "claude").transcript
    assert f"{transcript.text}{transcript.session_id}{transcript.last_words}".encode()


@pytest.mark.parametrize("dialect", in_short([*DIALECTS, "text"], "codex"))
def test_memory_stays_small_however_long_the_stream(dialect):
    reader = StreamReader(dialect)
    for number in range(3_000):
        name = f"{number}-" + "x" * 500
        block = {"type": "tool_use", "id": name, "name": name, "input": {"command": name}}
        for event in (
            {"type": "assistant", "message": {"id": "m", "content": [block, {"type": "text", "text": name}]}},
            {"type": "system", "subtype": "permission_denied", "tool_name": name},
            {"type": "item.started", "item": {"id": name, "type": "command_execution"}},
            {"type": "tool_use", "tool_id": name, "tool_name": name, "part": {"text": name}},
            {"type": "message", "role": "assistant", "content": name, "delta": True},
        ):
            reader.feed(json.dumps(event).encode())
    assert len(pickle.dumps(reader)) < 1_000_000


# --- whatever comes, it never raises --------------------------------------------------------------------------------


EXITS = st.builds(
    Exit,
    st.sampled_from(Ended),
    st.one_of(st.none(), st.integers(-64, 255)),
    stderr_tail=st.text(max_size=80),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just(10**400), st.just("rejected")
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)


def read_all(lines, dialect, exit):
    reader = StreamReader(dialect)
    for line in lines:
        words = reader.feed(line)
        assert len(words) <= 200 and "\n" not in words
        assert isinstance(reader.busy(), bool) and isinstance(reader.finished(), bool)
    transcript = reader.transcript(exit)
    assert (transcript.cost.dollars is None) == (transcript.cost.source == "unknown")
    return transcript


@given(st.lists(st.binary(max_size=80), max_size=8), st.sampled_from([*DIALECTS, "text"]), EXITS)
@examples(150)
def test_arbitrary_bytes_never_raise(lines, dialect, exit):
    read_all(lines, dialect, exit)


def mutate(value, draw):
    """The value with some of its parts gone, or of another type."""
    fate = draw(st.sampled_from(("keep",) * 8 + ("drop", "replace")))
    if fate != "keep":
        return None if fate == "drop" else draw(JSON)
    if isinstance(value, dict):
        return {key: mutate(inner, draw) for key, inner in value.items() if draw(st.integers(0, 15))}
    if isinstance(value, list):
        return [mutate(inner, draw) for inner in value[:3]]
    return value


@given(st.data(), EXITS)
@examples(150)
@pytest.mark.deep
def test_mutated_real_lines_never_raise_in_any_dialect(data, exit):
    name = data.draw(st.sampled_from(names()))
    events = [json.loads(line) for line in lines_of(name) if line.startswith(b"{") and line.endswith(b"}")]
    for event in events:  # the long lists of tools and commands of an `init` are no fields of ours
        for key in [key for key, value in event.items() if isinstance(value, list) and len(value) > 4]:
            del event[key]
    lines = [json.dumps(mutate(event, data.draw)).encode() for event in events[:12]]
    read_all(lines, data.draw(st.sampled_from([dialect_of(name), *DIALECTS])), exit)


@given(st.data())
@examples(100)
def test_real_lines_cut_anywhere_never_raise(data):
    name = data.draw(st.sampled_from(names()))
    lines = [line[: data.draw(st.integers(0, len(line)))] for line in lines_of(name)]
    read_all(lines, dialect_of(name), exit_of(name))
