"""Which fields a request may have, and which of them need a beta: what anthropic 2.11.0 can send, and Claude Code.

Of blocks and tools only those are here that a coding agent sends; all others are refused.
"""

from __future__ import annotations

from dataclasses import dataclass

OLD_VERSION = "2023-06-01"  # what Claude Code 2.1.329 sends
VERSION = "2026-10-21"  # what the SDK 2.x sends
SAMPLING = frozenset({"temperature", "top_p", "top_k"})  # gone with VERSION

COUNTED = frozenset(
    ["model", "messages", "cache_control", "output_config", "speed", "system", "thinking", "tool_choice", "tools"]
)  # of `count_tokens`
FIELDS = COUNTED | frozenset(
    ["max_tokens", "container", "diagnostics", "inference_geo", "metadata", "service_tier", "stop_sequences", "stream"]
)
BETA_FIELDS: dict[str, tuple[str, ...]] = {  # any of these betas will do
    "compaction": ("compact-2026-09-04",),
    "context_management": ("context-management-2025-06-27", "compact-2026-01-12"),
    "mcp_servers": ("mcp-client-2025-04-04", "mcp-client-2025-11-20", "mcp-client-2026-09-15"),
    "fallbacks": ("server-side-fallback-2026-06-01", "server-side-fallback-2026-07-01"),
    "fallback_credit_token": ("fallback-credit-2026-06-01", "fallback-credit-2026-07-01"),
    "thread": ("message-threads-2026-08-12",),
    "billing_policy": ("user-profiles-billing-2026-10-01",),
}
BETA_COUNTED = frozenset({"compaction", "context_management", "mcp_servers", "billing_policy"})

COMPACT = "compact-2026-09-04"
PARTS: dict[str, dict[str, tuple[str, ...]]] = {  # fields within a field, and the betas of those that need one
    "metadata": {"user_id": ()},
    "output_config": {"effort": (), "format": (), "task_budget": ("task-budgets-2026-03-13",)},
    "thinking": {
        "type": (),
        "budget_tokens": (),
        "display": (),
        "block_binding": ("thinking-binding-controls-2026-08-01",),
    },
    "compaction": {"type": (), "instructions": ()},
    "cache_control": {"type": (), "ttl": ()},
    "system message": {
        "role": (),
        "content": (),
        "clear_at": ("mid-conversation-system-clear-at-2026-08-21",),
        "output_config": ("mid-conversation-output-config-2026-07-01", "per-turn-control-2026-07-01"),
    },
}
DISPLAYS: dict[str, tuple[str, ...]] = {
    "summarized": (),
    "omitted": (),
    "updates": ("thinking-display-updates-2026-08-18",),
}

CLAUDE_CODE_BETAS = frozenset(  # what Claude Code 2.1.329 sends and the SDK does not name
    {
        "advanced-tool-use-2025-11-20",
        "claude-code-20250219",
        "effort-2025-11-24",
        "oauth-2025-04-20",  # with an OAuth token
        "per-turn-control-2026-07-01",
    }
)
BETAS = CLAUDE_CODE_BETAS | frozenset(
    {beta for betas in BETA_FIELDS.values() for beta in betas}
    | {beta for parts in PARTS.values() for betas in parts.values() for beta in betas}
    | {beta for betas in DISPLAYS.values() for beta in betas}
    | {
        "cache-diagnosis-2026-04-07",
        "context-1m-2025-08-07",
        "extended-cache-ttl-2025-04-11",
        "interleaved-thinking-2025-05-14",
        "mid-conversation-tool-changes-2026-07-01",
        "model-context-window-exceeded-2025-08-26",
        "prompt-caching-2024-07-31",
        "structured-outputs-2025-11-13",
        "thinking-token-count-2026-05-13",
        "token-counting-2024-11-01",
        "token-efficient-tools-2025-02-19",
    }
)


@dataclass(frozen=True, slots=True)
class Shape:
    """The keys of a block or a tool; `roles` are the messages a block may stand in."""

    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    roles: tuple[str, ...] = ("user", "assistant")
    betas: tuple[str, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        """All it may have."""
        return self.required | self.optional


def _shape(required: str, optional: str = "", roles: str = "user assistant", betas: tuple[str, ...] = ()) -> Shape:
    return Shape(frozenset(("type", *required.split())), frozenset(optional.split()), tuple(roles.split()), betas=betas)


BLOCKS = {
    "text": _shape("text", "cache_control citations", "user assistant system"),
    "image": _shape("source", "cache_control", "user"),
    "document": _shape("source", "cache_control citations context title"),
    "search_result": _shape("content source title", "cache_control citations", "user"),
    "thinking": _shape("thinking signature", "", "assistant"),
    "redacted_thinking": _shape("data", "", "assistant"),
    "tool_use": _shape("id name input", "cache_control caller", "assistant"),
    "tool_result": _shape("tool_use_id", "cache_control content is_error", "user"),
    "compaction": _shape(
        "",
        "cache_control content encrypted_content signature tool_changes",
        "user assistant system",  # misplaced in all but one of them, which is an error of its own
        betas=(COMPACT, "compact-2026-01-12"),
    ),
}
IN_RESULTS = BLOCKS.keys() & {"text", "image", "document", "search_result"} | {"tool_reference"}

TYPED_TOOLS = {  # type -> the one name it may have
    "bash_20250124": "bash",
    "text_editor_20250728": "str_replace_based_edit_tool",
    "memory_20250818": "memory",
}
_TYPED = "allowed_callers cache_control defer_loading input_examples strict"
TOOLS = {
    "custom": Shape(
        frozenset({"name", "input_schema"}),
        frozenset(f"type description eager_input_streaming {_TYPED}".split()),
    ),
    "bash_20250124": _shape("name", _TYPED),
    "text_editor_20250728": _shape("name", f"max_characters {_TYPED}"),
    "memory_20250818": _shape("name", _TYPED),
}
TOOL_TOKENS = {"bash_20250124": 325, "text_editor_20250728": 700}  # what declaring them adds to a prompt
