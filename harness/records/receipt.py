"""The `.done` marker: a claim is the agent's line; a receipt is that line and what harness proved. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from harness.domain.text import one_line, plain
from harness.domain.verdict import CheckRun

_RULE = "--- proven by harness ---"
_UNVERIFIED = "--- accepted by harness, unverified: no checks ---"
LONGEST = 2_000  # characters of a command, and of words that a person wrote
REFUSED = "git refused to commit it"
RED_BEFORE, GREEN_BEFORE = "red before, green after", "green before and after"
NOT_WITHOUT = "the checks did not run without that"
CLEAN = "in a clean checkout of the commit"
LACKS = "; not in the commit: "
_CHECK = re.compile(rf"check: exit \S+ in \S+ s \(({GREEN_BEFORE}|{RED_BEFORE})\): (.*)")
_KEPT_KEYS = ("flaky", "judge", "finding", "not looked at", "review", "assumed", "attempt", "agent", "model")
_KEPT = tuple(f"{key}: " for key in _KEPT_KEYS)  # lines that a renewal keeps
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
    checked: str = ""  # where its checks ran
    in_tree: bool = False  # that is the working tree
    lacks: str = ""  # what the commit does not hold, as `checked` ends
    unjudged: bool = False  # its work changed what judges it, and nothing was put back
    assumed: tuple[str, ...] = ()  # by its attempts, instead of asking
    review: tuple[str, ...] = ()  # what reviewers said of its claim
    findings: tuple[str, ...] = ()  # of rules, in the text of its change
    criteria: tuple[str, ...] = ()  # of its spec, each with the checks that prove it
    flaky: tuple[str, ...] = ()  # checks that ended otherwise before, on the same files
    shown: bool = True  # False where every check was green before the work: none of them shows that it was done


@dataclass(frozen=True, slots=True)
class Proof:
    """What a receipt rests on: the spec's SHA-256, a line about the commit, where its checks ran, how they ended.

    `before` says of the commands that ran before the work whether they were green then, `judge` what became of the
    files that judge the claim; `assumed` is what its attempts assumed instead of asking, `criteria`
    by which check each is proven, `review` what reviewers said.
    """

    spec: str
    commit: str
    checks: tuple[CheckRun, ...]
    checked: str = ""
    before: Mapping[str, bool] = field(default_factory=dict)
    judge: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    criteria: tuple[str, ...] = ()
    review: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()  # of rules, in the text of the change
    not_looked_at: str = ""  # of it, for such

    def lines(self) -> list[str]:
        """Return its lines, one `key: value` each."""
        flaky = (f"{one.command}: {one.flaky}, then {one.ending}" for one in self.checks if one.flaky)
        return [
            f"spec: sha256 {self.spec}",
            self.commit,
            *_say_each("checked", filter(None, [self.checked])),
            *map(self._prove, self.checks),
            *_say_each("flaky", flaky),
            *_say_each("criterion", self.criteria),
            *_say_each("judge", self.judge),
            *_say_each("review", self.review),
            *_say_each("finding", self.findings),
            *_say_each("not looked at", filter(None, [self.not_looked_at])),
            *_say_each("assumed", self.assumed),
        ]

    def _prove(self, run: CheckRun) -> str:
        was = self.before.get(run.command)
        says = "" if was is None else f" ({GREEN_BEFORE if was else RED_BEFORE})"
        return f"check: exit {run.code} in {run.seconds:.2f} s{says}: {one_line(run.command, LONGEST)}"


def _say_each(key: str, said: Iterable[str]) -> list[str]:
    return [f"{key}: {one_line(one, LONGEST)}" for one in said]


def _read_each(key: str, lines: Sequence[str]) -> tuple[str, ...]:
    """Return what the lines with a key say."""
    return tuple(line.removeprefix(f"{key}: ") for line in lines if line.startswith(f"{key}: "))


def compose_receipt(words: str, proof: Proof, *, attempt: int, agent: str, model: str, at: str) -> str:
    """Return the text of a receipt: line 1 the agent's words, then the proof, one `key: value` a line."""
    lines = [one_line(words) or "(the agent left no words)", "", _RULE if proof.checks else _UNVERIFIED]
    lines += proof.lines()
    lines += [
        f"attempt: {attempt}",
        f"agent: {one_line(agent)}",
        f"model: {one_line(model) or 'not said'}",
        f"at: {at}",
    ]
    return "\n".join(lines) + "\n"


def read_before(text: str, commands: Iterable[str]) -> dict[str, bool]:
    """Return which of the commands were green before the work by a receipt, without those of which it says nothing."""
    found = filter(None, map(_CHECK.fullmatch, text.split("\n")))
    was_green = {one[2]: one[1] == GREEN_BEFORE for one in found}
    return {one: was_green[line] for one in commands if (line := one_line(one, LONGEST)) in was_green}


def renew_receipt(text: str, proof: Proof, *, why: str, at: str) -> str:
    """Return a receipt for the spec as it is now: its words and its agent are the old one's, the checks are new."""
    lines = text.splitlines()
    kept = [line for line in lines[3:] if line.startswith(_KEPT)]
    asked = "; reviewers were not asked again" if any(line.startswith("review: ") for line in kept) else ""
    renewed = f"renewed: {why}, and its checks passed without an agent{asked}"
    return "\n".join([lines[0], "", _RULE, *proof.lines(), *map(plain, kept), renewed, f"at: {at}"]) + "\n"


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
        checked=fields.get("checked", ""),
        in_tree=not fields.get("checked", "").startswith(CLEAN),
        lacks="".join(fields.get("checked", "").partition(LACKS)[1:]),
        unjudged=any(line.startswith("judge: ") and line.endswith(NOT_WITHOUT) for line in lines),
        findings=_read_each("finding", lines[3:]),
        criteria=_read_each("criterion", lines[3:]),
        flaky=_read_each("flaky", lines[3:]),
        assumed=_read_each("assumed", lines[3:]),
        review=_read_each("review", lines[3:]),
        shown=_is_shown([line for line in lines if line.startswith("check: ")]),
        attempt=int(attempt) if attempt.isdecimal() else 0,
    )


def _is_shown(checks: Sequence[str]) -> bool:
    found = [_CHECK.match(one) for one in checks]
    return not checks or not all(one is not None and one[1] == GREEN_BEFORE for one in found)


def digest(text: str) -> str:
    """Return the SHA-256 of a marker's text: equal ones were written together."""
    return sha256(text.encode("utf-8", "replace")).hexdigest()
