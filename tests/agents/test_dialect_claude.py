"""What only Claude Code's lines say: who spoke, what was denied, subagents."""

from helpers.recorded import message, read, reply, reply_of

from harness.domain.reply import Ended, Exit


def test_who_spoke_is_read_in_both_versions():
    new, old = reply_of("trivial").transcript, reply_of("v197-sess-1").transcript
    assert (new.agent_version, new.model, new.api_key_source) == ("2.1.329", "claude-opus-5-5", "ANTHROPIC_API_KEY")
    assert (old.agent_version, old.model) == ("2.1.197", "claude-opus-4-8[1m]")
    assert new.session_id == "550a155b-f6b7-4202-92c2-3d522e06d684"


def test_denied_tools_are_named_once():
    assert reply_of("acceptedits-write").transcript.denials == ("Write", "Bash")
    assert reply_of("opencode/oc-defperm-ext").transcript.denials == ("read",)


def test_a_denial_is_known_from_its_event_or_from_the_result_alone():
    event = {"type": "system", "subtype": "permission_denied", "tool_name": "Bash"}
    result = {"type": "result", "is_error": False, "permission_denials": [{"tool_name": "Write"}, {"tool_name": ""}]}
    assert reply([event], "claude", -15, Ended.TIMED_OUT).transcript.denials == ("Bash",)
    assert reply([result], "claude").transcript.denials == ("Write",)


def test_the_model_is_the_one_fallen_back_to():
    fallback = {"type": "system", "subtype": "model_fallback", "fallback_model": "small"}
    reader = read([{"type": "system", "subtype": "init", "model": "large"}, fallback], "claude")
    assert reader.transcript(Exit(Ended.EXITED, 0)).model == "small"


def test_a_call_of_a_subagent_survives_the_words_of_the_main_loop():
    def said(message_id, parent, *blocks):
        message = {"id": message_id, "content": list(blocks)}
        return {"type": "assistant", "message": message, "parent_tool_use_id": parent}

    task = said("1", None, {"type": "tool_use", "id": "task", "name": "Task"})
    inner = said("2", "task", {"type": "tool_use", "id": "bash", "name": "Bash"})
    result = {"type": "user", "message": {"content": [{"type": "tool_result", "tool_use_id": "task"}]}}
    assert read([task, inner, result, said("3", None)], "claude").busy()
    end = {"type": "result", "subtype": "success", "is_error": False}
    assert not read([task, inner, end], "claude").busy()


def test_a_later_result_that_counts_less_undoes_nothing():
    def result(dollars, tokens):
        usage = {"m": {"inputTokens": tokens, "outputTokens": tokens}}
        return {"type": "result", "subtype": "success", "total_cost_usd": dollars, "modelUsage": usage}

    said = read([result(2.5, 100), result(0, 0)], "claude").transcript(Exit(Ended.EXITED, 0))
    assert (said.cost.dollars, said.usage.input_tokens) == (2.5, 100)
    assert said.notices == ("a later result counts less than an earlier one: it is not believed",)
    said = read([result(2.5, 100), result(3.0, 150)], "claude").transcript(Exit(Ended.EXITED, 0))
    assert (said.cost.dollars, said.usage.output_tokens) == (3.0, 150)


INIT = {"type": "system", "subtype": "init", "model": "large", "session_id": "s", "claude_code_version": "2.1.329"}
FORGED = {**INIT, "model": "cheap", "session_id": "other", "claude_code_version": "0.0.1"}


def test_who_an_agent_is_it_says_once():
    said = reply([INIT, INIT, FORGED, {**INIT, "prefix": {"tools": "x"}}], "claude").transcript
    assert (said.model, said.session_id, said.agent_version, said.prefix) == ("large", "s", "2.1.329", ())
    assert said.notices == ("a later line calls its model `cheap`: the first one counts",)
    fallback = {"type": "system", "subtype": "model_fallback", "fallback_model": "small"}
    said = reply([INIT, fallback, {**INIT, "model": "small"}], "claude").transcript
    assert (said.model, said.notices) == ("small", ())


CALL = {"type": "assistant", "message": {"id": "1", "content": [{"type": "tool_use", "id": "bash", "name": "Bash"}]}}
DONE = {"type": "user", "message": {"content": [{"type": "tool_result", "tool_use_id": "bash"}]}}
GOOD = {"type": "result", "subtype": "success", "total_cost_usd": 0, "modelUsage": {}}


def test_a_good_result_while_a_tool_runs_is_not_the_last_word():
    forged = read([INIT, CALL, GOOD], "claude")
    assert (forged.finished(), forged.busy()) == (False, False)  # so that the idle limit counts
    (said,) = forged.transcript(Exit(Ended.IDLE, -9)).notices
    assert said == "a final result came while a tool was running: it was not taken for the end"
    assert read([INIT, CALL, DONE, GOOD], "claude").finished()
    assert read([INIT, CALL, GOOD, DONE, GOOD], "claude").finished()


def test_what_came_after_a_result_counts_where_no_later_one_sums_it_up():
    killed = Exit(Ended.TIMED_OUT, -9)
    said = read([INIT, message(1, 5), GOOD, message(2, 7)], "claude").transcript(killed)
    assert (said.usage.output_tokens, said.requests, said.cost.dollars) == (12, 2, None)
    usage = {"m": {"inputTokens": 9_000, "outputTokens": 90}}
    whole = {**GOOD, "total_cost_usd": 0.5, "modelUsage": usage}
    said = read([INIT, message(1, 5), GOOD, message(2, 7), whole], "claude").transcript(killed)
    assert (said.usage.output_tokens, said.requests, said.cost.dollars) == (90, 0, 0.5)
