"""What went wrong with a call, by kind, and how long to wait."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.agents.api.failure import LONGEST_WAIT, Failure, Kind, classify, find_retry_after, find_wait

FAILURES = [
    (429, "rate_limit_error", "", "slow down", Kind.RATE),
    (429, "rate_limit_error", "enforced_spend_limit_reached", "spend", Kind.SPEND),
    (429, "rate_limit_error", "contract_spend_limit_reached", "spend", Kind.SPEND),
    (400, "invalid_request_error", "", "You have reached your specified API usage limits.", Kind.SPEND),
    (400, "invalid_request_error", "", "Your credit balance is too low to access the Anthropic API.", Kind.CREDIT),
    (400, "invalid_request_error", "", "prompt is too long: 9 tokens > 8 maximum", Kind.TOO_LONG),
    (400, "invalid_request_error", "", "messages: at least one message is required", Kind.REQUEST),
    (401, "authentication_error", "", "invalid x-api-key", Kind.AUTH),
    (402, "billing_error", "", "", Kind.CREDIT),
    (403, "permission_error", "", "", Kind.AUTH),
    (404, "not_found_error", "", "model: nope", Kind.MODEL),
    (408, "", "", "", Kind.UNAVAILABLE),
    (409, "conflict_error", "", "", Kind.UNAVAILABLE),
    (413, "request_too_large", "", "", Kind.TOO_LONG),
    (500, "api_error", "", "", Kind.UNAVAILABLE),
    (502, "", "", "<html>", Kind.UNAVAILABLE),
    (503, "", "", "", Kind.UNAVAILABLE),
    (529, "overloaded_error", "", "", Kind.OVERLOAD),
    (None, "overloaded_error", "", "Overloaded", Kind.OVERLOAD),
    (None, "", "", "Connection error.", Kind.NETWORK),
    (405, "", "", "", Kind.STRANGE),
]


@pytest.mark.parametrize(
    ("status", "kind", "code", "text", "means"), FAILURES, ids=[f"{one[0]}-{one[2] or one[1]}" for one in FAILURES]
)
def test_a_failure_is_named_for_what_it_is(status: int | None, kind: str, code: str, text: str, means: Kind) -> None:
    assert classify(status, kind, code, text).kind is means


@pytest.mark.parametrize("kind", [kind for kind in Kind if not kind.passes], ids=lambda kind: kind.name.lower())
def test_what_a_person_must_mend_is_never_tried_again(kind: Kind) -> None:
    assert find_wait(Failure(kind, "no", should_retry=True), 1, 0, 900, 0.5) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "300", "retry-after": "5"}, 0.3),
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "Sat, 21 Nov 2026 03:00:10 GMT"}, 10.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Mon, 01 Jan 2026 00:00:00 +99999999999999"}, None),
        ({"retry-after": "-3"}, None),
        ({}, None),
    ],
    ids=["milliseconds-win", "seconds", "a-date", "nonsense", "a-date-of-nowhere", "negative", "nothing"],
)
def test_the_wait_that_a_server_asks_for_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert find_retry_after(headers, 1795230000.0) == seconds


@pytest.mark.parametrize(("says", "waits"), [("true", True), ("false", False)])
def test_the_servers_own_word_about_a_retry_counts(says: str, waits: bool) -> None:
    failure = classify(529, "overloaded_error", headers={"x-should-retry": says})
    assert (find_wait(failure, 1, 0, 900, 0.5) is not None) == waits


PASSING = st.sampled_from([kind for kind in Kind if kind.passes])


@given(PASSING, st.integers(1, 50), st.floats(0, 1000), st.floats(0, 1), st.none() | st.floats(0, 1e6))
def test_no_wait_is_longer_than_the_cache_lives_or_than_the_patience(
    kind: Kind, tries: int, waited: float, random: float, asked: float | None
) -> None:
    wait = find_wait(Failure(kind, "no", retry_after=asked), tries, waited, 900.0, random)
    if waited >= 900:
        assert wait is None
    elif wait is not None:
        assert 0 <= wait <= LONGEST_WAIT
        assert asked is not None or wait <= 900 - waited
        assert asked is None or wait >= min(asked, LONGEST_WAIT) - 1e-6


def test_a_wait_beyond_the_patience_is_not_begun() -> None:
    assert find_wait(Failure(Kind.RATE, "", retry_after=3600), 1, 0, 900, 0.5) is None
