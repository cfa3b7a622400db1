"""What the scripted service knows about models."""

from __future__ import annotations

import re
from typing import Any

WINDOW = 1_000_000  # tokens of input
OUTPUT = 128_000  # tokens of output
EFFORTS = ("low", "medium", "high", "xhigh", "max")

_OLD = re.compile(r"claude-(opus|sonnet|haiku)-4-[015]|claude-3")  # the last that let themselves be prefilled
_THINKS_ALWAYS = re.compile(r"claude-(opus-5-5|(fable|mythos)-5-[12])$")


def takes_prefill(model: str) -> bool:
    """Whether a conversation may end with words of the assistant."""
    return bool(_OLD.match(model))


def thinks_always(model: str) -> bool:
    """Whether thinking can be neither turned off nor given a budget, and no tool be forced."""
    return bool(_THINKS_ALWAYS.match(model))


def info(model: str, window: int) -> dict[str, Any]:
    """The answer of `GET /v1/models/{model}`, with the fields of the SDK's `ModelInfo`."""
    always = thinks_always(model)
    line = next((name for name in ("haiku", "sonnet", "opus", "fable", "mythos") if name in model), None)
    return {
        "id": model,
        "type": "model",
        "display_name": model.replace("-", " ").title(),
        "created_at": "2026-09-22T00:00:00Z",
        "deprecated_at": None,
        "retires_at": None,
        "lifecycle": "active",
        "line": line,
        "max_input_tokens": window,
        "max_tokens": OUTPUT,
        "capabilities": {
            **{name: _can() for name in ("batch", "citations", "image_input", "pdf_input", "structured_outputs")},
            "code_execution": _can(),
            "context_management": _can(),
            "compaction": _can(summarize=_can()),
            "effort": _can(**{effort: _can() for effort in EFFORTS}),
            "server_tools": _can(code_execution=_can(), web_search=_can()),
            "thinking": _can(
                types={
                    "adaptive": _can(),
                    "between_tools": _can(not always),
                    "disabled": _can(not always),
                    "enabled": _can(not always),
                }
            ),
        },
    }


def _can(supported: bool = True, **parts: Any) -> dict[str, Any]:
    return {"supported": supported, **parts}
