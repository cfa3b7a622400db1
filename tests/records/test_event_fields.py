"""Each event as the fields of its line, and back: as it was written, whatever it was that wrote it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.domain.halt import Halt
from harness.domain.reply import Ended, LimitKind
from harness.domain.slugs import check_slug
from harness.domain.verdict import Claim, Outcome
from harness.records.event_fields import LARGEST, describe_event, parse_event
from harness.records.events import (
    KINDS,
    Accepted,
    AttemptBegan,
    AttemptEnded,
    BudgetWarned,
    Committed,
    FeatureEvent,
    Halted,
    Unknown,
    Verified,
    Waiting,
)
from harness.records.history import fold_journal
from harness.records.journal import Journal, read_events, read_journal
from harness.records.notes import Mark
from harness.system.redact import SHORTEST, Redactor

# --- an event and its line ----------------------------------------------------------------------------------------

figures = st.floats(-LARGEST, LARGEST) | st.integers(-int(LARGEST), int(LARGEST))
values = st.recursive(
    st.none() | st.booleans() | st.text() | st.floats() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


SLUGS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True).filter(lambda slug: not check_slug(slug))


def of_type(hint: Any) -> st.SearchStrategy[Any]:
    """Values such as a field of this type holds."""
    inner = get_args(hint)
    if isinstance(hint, UnionType):
        return st.one_of(*map(of_type, inner))
    if get_origin(hint) is tuple:
        return st.lists(of_type(inner[0]), max_size=3).map(tuple)
    if get_origin(hint) is Mapping:
        return st.dictionaries(st.text(), of_type(inner[1]), max_size=3)
    if hint is Any:
        return st.text() | figures | st.booleans()
    if is_dataclass(hint):
        return st.builds(hint, **{name: of_type(one) for name, one in get_type_hints(hint).items()})
    if issubclass(hint, Enum):
        return st.sampled_from(hint)
    plain = {str: st.text(), bool: st.booleans(), NoneType: st.none(), float: figures}
    return plain.get(hint, st.integers(-int(LARGEST), int(LARGEST)))


def events_of(kind: type) -> st.SearchStrategy[Any]:
    """Events of a kind, with any values."""
    hints = {name: hint for name, hint in get_type_hints(kind).items() if name not in ("kind", "left_out")}
    own = {"slug": SLUGS} if issubclass(kind, FeatureEvent) else {}
    return st.builds(kind, **{name: of_type(one) for name, one in hints.items()} | own)


@given(st.one_of(*map(events_of, KINDS.values())))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_event_comes_back_as_it_was_written(event: Any) -> None:
    line = json.loads(json.dumps(describe_event(event)))
    assert (parse_event(line), describe_event(parse_event(line))) == (event, line)


@given(st.sampled_from(sorted(KINDS)), st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_line_of_a_known_kind_is_read_and_folded(kind: str, data: st.DataObject) -> None:
    names = [one.name for one in fields(KINDS[kind])]
    line = data.draw(st.dictionaries(st.sampled_from(names), values)) | {"event": kind}
    event = parse_event(line)
    assert isinstance(event, KINDS[kind] | Unknown)
    told = set(describe_event(event)) - {"seq", "at", "run"}
    assert told <= set(line)  # nothing is told that nobody had said
    fold_journal([event])


@given(st.dictionaries(st.text() | st.sampled_from(["event", "slug", "seq", "at", "run"]), values))
def test_any_line_is_read_and_what_is_not_understood_stays_as_it_is(line: dict[str, Any]) -> None:
    event = parse_event(line)
    assert type(event) is Unknown
    assert describe_event(event) is not line
    assert list(describe_event(event).items()) == list(line.items())


def test_a_line_about_what_cannot_be_a_feature_changes_nothing() -> None:
    for slug in ("../../out", "a/b", "", "x" * 65, "a.done", "\x1b[31m"):
        line = {"event": "accepted", "slug": slug, "receipt": "r"}
        event = parse_event(line)
        assert (type(event), describe_event(event)) == (Unknown, line)


def test_an_event_is_told_with_the_very_fields_of_its_kind() -> None:
    told = {"seq": 0, "at": "", "run": ""}
    assert describe_event(Waiting(seconds=1.5, until=2.0, because="busy")) == {
        **told, "event": "waiting", "seconds": 1.5, "until": 2.0, "because": "busy",
    }  # fmt: skip
    assert describe_event(Waiting(seconds=1, until=2, reset=True))["reset"] is True
    accepted = describe_event(Accepted(slug="a", receipt="r", by="a person"))
    assert list(accepted)[4:] == ["slug", "sha256", "receipt", "by"]
    assert "slug" not in describe_event(BudgetWarned())
    assert describe_event(Halted())["resets_at"] is None
    assert "resets_at" not in describe_event(Halted(left_out=frozenset({"resets_at"})))


def test_a_field_that_a_line_does_not_have_is_not_told_though_it_has_a_default() -> None:
    event = parse_event({"event": "attempt_ended", "slug": "a", "attempt": 1, "seconds": "long"})
    assert isinstance(event, AttemptEnded)
    assert (event.seconds, event.checks, "seconds" in event.left_out) == (0.0, (), True)
    assert set(describe_event(event)) == {"seq", "at", "run", "event", "slug", "attempt"}


OWN_WORDS = (
    *KINDS, *(word for one in (Outcome, Claim, Ended, LimitKind) for word in one), *(one.name for one in Halt),
    "--- proven by harness ---", "proven by harness", "accepted by a person", "spec: sha256", "0" * 64, "usage_limit",
)  # fmt: skip


@given(st.one_of(*map(events_of, KINDS.values())))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_secret_makes_an_event_unreadable_though_it_equals_words_of_harness(event: Any) -> None:
    redactor = Redactor([word for word in OWN_WORDS if len(word) >= SHORTEST])
    again = parse_event(json.loads(json.dumps(redactor.deep(describe_event(event)))))
    assert type(again) is type(event)
    same = {one.name for one in fields(event)} & {
        "slug",
        "outcome",
        "claim",
        "ended",
        "halt",
        "sha256",
        "tree",
        "receipt",
    }
    assert [getattr(again, name) for name in same] == [getattr(event, name) for name in same]
    assert redactor.deep(event) == again


def test_digests_by_which_a_later_run_compares_are_no_secrets() -> None:
    digest = "0f1e2d3c4b5a69780f1e2d3c4b5a6978"
    redactor, mark = Redactor({"A_KEY": digest}), Mark(3, digest)
    for event in (
        AttemptEnded(slug="a", attempt=1, note=digest, failing=digest, tree=digest),
        AttemptBegan(slug="a", attempt=1, spec=digest, log=mark, learnings=mark, sections={"spec": digest}),
        Accepted(slug="a", sha256=digest, receipt=f"spec: sha256 {digest}"),
        Committed(slug="a", commit=digest),
    ):
        assert redactor.deep(describe_event(event)) == describe_event(event)


def test_a_command_that_fails_is_no_word_of_ours() -> None:
    redactor = Redactor({"A_KEY": "hunter2-hunter2"})
    verified = redactor.deep(Verified(slug="a", failing=("curl -H hunter2-hunter2",)))
    assert (verified.slug, verified.failing) == ("a", ("curl -H [redacted A_KEY]",))


def test_an_event_that_held_a_secret_is_given_back_without_it(tmp_path: Path) -> None:
    secret = "hunter2-hunter2-hunter2"
    journal = Journal(tmp_path, "run", lambda: 0.0, Redactor({"PASS": secret}))
    limit = {"kind": "usage limit", "text": f"of {secret}", "resets_at": None, "hint": ""}
    ended = parse_event({"event": "attempt_ended", "slug": secret, "attempt": 1, "limit": limit, "remarks": [secret]})
    written = journal.append(ended)
    journal.close()
    (line,) = read_journal(journal.path)
    assert read_events(journal.path) == [written]
    assert (line["slug"], line["remarks"], line["limit"]["text"]) == (secret, ["[redacted PASS]"], "of [redacted PASS]")
    assert (written.limit.text, written.remarks) == ("of [redacted PASS]", ("[redacted PASS]",))
