"""What is to be committed holds no secret that harness knows: a check of every claim, beside the project's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from harness.attempts.attempt import Attempt, Gathered
from harness.attempts.write_down import names_to_commit
from harness.domain.verdict import CheckRun
from harness.run.run import Run
from harness.system import untrusted

LONGEST = 4 << 20  # bytes of a file that are searched
IN_ALL = 64 << 20
MOST = 200  # files of an agent's own commits that are searched
COMMAND = "harness: no secret in what would be committed"


def check_for_secrets(run: Run, attempt: Attempt, found: Gathered) -> tuple[CheckRun, ...]:
    """Return a red check where a changed file holds the value of a secret that its last commit does not hold.

    Shapes of tokens are no reason: a test may need one. Only values of the environment and of `.env*` files count.
    """
    if not run.commits or not found.claimed:
        return ()
    left, lines = IN_ALL, [f"`{name}` {run.redactor.TOO_LARGE}" for name in run.redactor.unread]
    for name in sorted(names_to_commit(run, attempt, found)):
        content = untrusted.read_plain(attempt.workspace.root / name, min(LONGEST, left)) or b""
        left -= len(content)
        lines += _compare(run, name, content, partial(attempt.workspace.committed, name))
    heads, before = run.workspace.heads, attempt.before.head
    for name in found.committed[:MOST]:
        content = heads.read_file(found.after.head, name)[: min(LONGEST, left)]
        left -= len(content)
        lines += _compare(run, f"the agent's own commit of {name}", content, partial(heads.read_file, before, name))
    hint = "take it out of the file, and read it from the environment"
    return (CheckRun(COMMAND, 1, 0.0, "\n".join((*lines, hint))),) if lines else ()


def _compare(run: Run, what: str, content: bytes, read_old: Callable[[], bytes]) -> list[str]:
    """Return what is to be said of a file: it holds a secret that it did not hold before."""
    secrets = set(run.redactor.names_in(content))
    new = secrets - set(run.redactor.names_in(read_old())) if secrets else ()
    return [f"{what} holds the value of {', '.join(sorted(new))}"] if new else []
