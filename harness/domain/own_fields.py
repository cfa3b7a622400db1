"""Fields that hold harness's own words and names: they are compared and parsed, and never searched for secrets.

A `.env` file of the project is read for secrets, and an agent can write one: whatever stands in it, a receipt stays a
receipt, a verdict a verdict, a digest a digest.
"""

from __future__ import annotations

OWN_FIELDS = frozenset(
    {
        # which, where, when
        "at", "run", "event", "slug", "spec", "file", "agent", "agents", "was", "by", "told",
        "began", "started", "since", "until", "path", "project", "month", "day",
        # verdicts, states, kinds
        "outcome", "halt", "claim", "ended", "kind", "state", "result", "phase", "origin", "level", "rule", "line",
        # what agents call how they ended: it is looked up
        "api_error", "error_kind", "terminal_reason",
        # digests, commits, versions, and what was redacted when it was composed
        "sha256", "digest", "note", "tree", "commit", "failing", "version", "source", "cost_source", "receipt",
    }
)  # fmt: skip
OWN_LISTS = frozenset({"features", "sections"})  # whose every word is ours; in others are words of others
