"""The `.done` marker: a claim is the agent's line; a receipt is that line and what harness proved. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from harness.domain.text import one_line, plain
from harness.domain.verdict import CheckRun

_RULE = "--- proven by harness ---"
_UNVERIFIED = "--- accepted by harness, unverified: no checks ---"
LONGEST = 2_000  # characters of a command, and of words that a person wrote
REFUSED = "git refused to commit it"
_BY_PERSON = "--- accepted by a person ---"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A marker, read. `kind` is proven, unverified, accepted, or by hand (whatever harness did not write)."""

    kind: str
    words: str
    spec: str = ""
    commit: str = ""
    attempt: int = 0
    refused: bool = False  # git refused to commit it


def compose_receipt(
    words: str,
    *,
    spec: str,
    commit: str,
    checks: Sequence[CheckRun],
    attempt: int,
    agent: str,
    model: str,
    at: str,
) -> str:
    """Return the text of a receipt: line 1 the agent's words, then the proof, one `key: value` a line."""
    lines = [one_line(words) or "(the agent left no words)", "", _RULE if checks else _UNVERIFIED]
    lines += [f"spec: sha256 {spec}", commit]
    lines += [_prove(run) for run in checks]
    lines += [
        f"attempt: {attempt}",
        f"agent: {one_line(agent)}",
        f"model: {one_line(model) or 'not said'}",
        f"at: {at}",
    ]
    return "\n".join(lines) + "\n"


def renew_receipt(text: str, *, spec: str, commit: str, checks: Sequence[CheckRun], at: str) -> str:
    """Return a receipt for the spec as it is now: its words and its agent are the old one's, the checks are new."""
    lines = text.splitlines()
    kept = [line for line in lines[3:] if line.startswith(("attempt: ", "agent: ", "model: "))]
    renewed = "renewed: the spec changed, and its checks passed without an agent"
    proof = [f"spec: sha256 {spec}", commit, *map(_prove, checks)]
    return "\n".join([lines[0], "", _RULE, *proof, *map(plain, kept), renewed, f"at: {at}"]) + "\n"


def _prove(run: CheckRun) -> str:
    return f"check: exit {run.code} in {run.seconds:.2f} s: {one_line(run.command, LONGEST)}"


def compose_acceptance(why: str, *, spec: str, at: str) -> str:
    """Return the text of a marker that a person set by `harness accept`."""
    return "\n".join([one_line(why), "", _BY_PERSON, f"spec: sha256 {spec}", f"at: {at}"]) + "\n"


def parse_receipt(text: str) -> Receipt:
    """Read a marker; what was not written by harness is `by hand`."""
    lines = text.splitlines()
    words = one_line(lines[0], LONGEST) if lines else ""
    kinds = {_RULE: "proven", _UNVERIFIED: "unverified", _BY_PERSON: "accepted"}
    kind = next((kinds[line] for line in lines[1:4] if line in kinds), "by hand")
    fields = dict(line.split(": ", 1) for line in lines[3:] if ": " in line) if kind != "by hand" else {}
    attempt = fields.get("attempt", "0")
    return Receipt(
        kind=kind,
        words=words,
        spec=fields.get("spec", "").removeprefix("sha256 "),
        commit=fields.get("commit", ""),
        refused=REFUSED in fields.get("tree", ""),
        attempt=int(attempt) if attempt.isdecimal() else 0,
    )


def digest(text: str) -> str:
    """Return the SHA-256 of a marker's text: equal ones were written together."""
    return sha256(text.encode("utf-8", "replace")).hexdigest()
