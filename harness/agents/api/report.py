"""What the agent prints: JSON lines in the shapes of Claude Code's stream, so that one reader serves both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TextIO

from harness import __version__
from harness.agents.api.failure import Ending, Failure, Kind
from harness.agents.api.meter import Meter
from harness.domain.reply import Usage

_API_ERRORS = {Kind.SPEND: "spend_limit_reached", Kind.NETWORK: "connection_failed"}


class Report:
    """Prints one event a line, at once; `session` names this process."""

    def __init__(self, out: TextIO, session: str) -> None:
        """`out` is stdout."""
        self._out = out
        self._session = session
        self._answers = 0
        self._doubted = False

    def _print(self, event: Mapping[str, Any]) -> None:
        line = json.dumps({**event, "session_id": self._session}, ensure_ascii=True, separators=(",", ":"))
        self._out.write(line + "\n")
        self._out.flush()

    def began(self, *, model: str, tools: list[str], cwd: str, key: str, prefix: Mapping[str, str]) -> None:
        """Say who works, with which tools, and the digests of what stands before every prompt."""
        told = {"cwd": cwd, "model": model, "tools": tools, "apiKeySource": key, "prefix": dict(prefix)}
        self._print({"type": "system", "subtype": "init", "agent_version": f"api {__version__}", **told})

    def notice(self, text: str) -> None:
        """Say something that belongs into the log."""
        self._print({"type": "system", "subtype": "notice", "text": text})

    def doubted(self, why: str) -> None:
        """Say, once, that nobody knows what was used, and why."""
        if not self._doubted:
            self._doubted = True
            self._print({"type": "system", "subtype": "usage_unknown", "text": why})

    def status(self, status: str) -> None:
        """Say that something is going on."""
        self._print({"type": "system", "subtype": "status", "status": status})

    def said(self, message: Mapping[str, Any]) -> None:
        """Print what the model said; the number keeps two answers apart whose server has but one name for them."""
        self._answers += 1
        named = {**message, "id": f"{message['id']}.{self._answers}"}
        self._print({"type": "assistant", "message": named, "parent_tool_use_id": None})

    def results(self, blocks: list[dict[str, Any]]) -> None:
        """Print what the tools gave back."""
        self._print({"type": "user", "message": {"role": "user", "content": blocks}, "parent_tool_use_id": None})

    def retrying(self, failure: Failure, tries: int, wait: float) -> None:
        """Say that a call failed and will be made again."""
        told = {"error_status": failure.status, "error": failure.kind.value, "message": failure.text[:300]}
        self._print(
            {"type": "system", "subtype": "api_retry", "attempt": tries, "retry_delay_ms": round(wait * 1000), **told}
        )

    def fell_back(self, model: str) -> None:
        """Say that another model goes on."""
        self._print({"type": "system", "subtype": "model_fallback", "fallback_model": model})

    def limited(self, kind: str, resets_at: float | None) -> None:
        """Say that the account's window is closed, and until when (epoch seconds) if that is known."""
        info = {"status": "rejected", "rateLimitType": kind, "resetsAt": resets_at}
        self._print({"type": "rate_limit_event", "rate_limit_info": info})

    def ended(self, meter: Meter, *, turns: int, text: str, stop_reason: str | None) -> None:
        """Print the final result of a good attempt."""
        ending = {"subtype": "success", "is_error": False, "result": text, "terminal_reason": "completed"}
        self._print({"type": "result", **ending, "stop_reason": stop_reason, **_spending(meter, turns)})

    def failed(self, meter: Meter, ending: Ending, *, turns: int) -> None:
        """Print the final result of an attempt that did not come to its own end."""
        budget = ending.reason == "budget_exhausted"
        subtype = "error_max_budget_usd" if budget else "error_during_execution"
        told: dict[str, Any] = {
            "subtype": subtype,
            "terminal_reason": ending.reason,
            "stop_reason": ending.stop or None,
        }
        if failure := ending.failure:
            told |= {"api_error_status": failure.status, "error": failure.kind.value}
            told |= {"api_error": _API_ERRORS.get(failure.kind, "")}
        self._print({"type": "result", **told, "is_error": True, "errors": [ending.text], **_spending(meter, turns)})


def _spending(meter: Meter, turns: int) -> dict[str, Any]:
    unknown = meter.unknown | meter.uncounted
    models = {
        model: {**_camel(usage), "costUSD": None if model in unknown else meter.dollars.get(model, 0.0)}
        for model, usage in meter.usage.items()
    }
    return {"num_turns": turns, "total_cost_usd": meter.spent, "cost_source": "derived", "modelUsage": models}


def _camel(usage: Usage) -> dict[str, int]:
    return {
        "inputTokens": usage.input_tokens,
        "outputTokens": usage.output_tokens,
        "cacheReadInputTokens": usage.cache_read_tokens,
        "cacheCreationInputTokens": usage.cache_write_tokens,
        "cacheCreation1hInputTokens": usage.cache_write_1h_tokens,
    }
