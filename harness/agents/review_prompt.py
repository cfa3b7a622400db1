"""The prompt of a reviewer: what to look for, the spec, its criteria, and the diff as data."""

from __future__ import annotations

from collections.abc import Sequence

from harness.agents.prompt import render
from harness.domain.review import Review
from harness.domain.text import fenced, plain
from harness.system.shipped import shipped_template

DIFF_LIMIT = 192 * 1024  # characters


def compose_review_prompt(
    review: Review, slug: str, spec: str, criteria: Sequence[str], diff: str, left_out: Sequence[str] = ()
) -> str:
    """Return the prompt for one question; `left_out` are the names of files that the reviewer does not see.

    A diff that is too long is cut at the end of a line, which the prompt says.
    """
    shown = diff if len(diff) <= DIFF_LIMIT else diff[:DIFF_LIMIT].rpartition("\n")[0]
    values: dict[str, object] = {
        "question": review.question,
        "slug": slug,
        "spec": spec.strip(),
        "criteria": list(criteria),
        "diff": fenced(plain(shown)),
        "cut": len(shown) < len(diff),
        "size": len(diff),
        "shown": len(shown),
        "left_out": ", ".join(f"`{name}`" for name in left_out),
    }
    return render(shipped_template("review.md"), values)
