"""The journal, folded: counters that never fall, numbers that are never forgotten."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.records.event_fields import parse_event
from harness.records.history import fold_journal

COUNTED = ("attempts", "faults", "seconds")
events = st.lists(
    st.sampled_from([
        {"event": "attempt_began", "slug": "a", "attempt": 7},
        {"event": "attempt_ended", "slug": "a", "attempt": 7, "outcome": "fault", "seconds": 2, "dollars": 0.5},
        {"event": "attempt_ended", "slug": "a", "attempt": 7, "outcome": "failed", "charged": True, "dollars": None},
        {"event": "run_began"}, {"event": "run_ended"}, {"event": "waiting", "seconds": 1, "until": 1.0},
        {"event": "answered", "slug": "a"}, {"event": "halted", "slug": "a"}, {"event": "reset", "slug": "a"},
    ]),
    max_size=20,
)  # fmt: skip


@given(events)
def test_what_a_feature_has_used_in_its_life_never_falls(story) -> None:
    before = (0.0,) * 5
    for end in range(len(story) + 1):
        record = fold_journal(map(parse_event, story[:end])).of("a")
        spent = (record.spent.dollars, record.spent.known + record.spent.unknown)
        after = (*(getattr(record, name) for name in COUNTED), *spent)
        assert all(old <= new for old, new in zip(before, after, strict=True))
        before = after


def test_a_reset_forgets_counters_but_never_numbers() -> None:
    began = {"event": "attempt_began", "slug": "a", "attempt": 7}
    ended = {"event": "attempt_ended", "slug": "a", "attempt": 7, "outcome": "stalled", "charged": True}
    history = fold_journal(map(parse_event, [began, ended, {"event": "reset", "slug": "a"}]))
    assert (history.of("a").attempts, history.of("a").charged, history.of("a").attempts_without_progress) == (7, 0, 0)
