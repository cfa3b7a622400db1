"""The line in dollars is not crossed by a call."""

from __future__ import annotations

import pytest

from harness.agents.api.meter import Meter
from harness.domain.reply import Usage


def test_the_meter_stops_before_the_call_that_would_cross_the_line() -> None:
    meter = Meter(lambda model, usage: usage.output_tokens / 100, line=1.0)
    for _ in range(3):
        assert not meter.exhausted()
        meter.add("m", Usage(output_tokens=30))
    assert meter.exhausted() == "$0.9000 of $1.0000 is spent, and another call costs about $0.3000"
    assert meter.spent == pytest.approx(0.9)


def test_the_model_is_told_once_that_its_budget_is_nearly_used_up() -> None:
    meter = Meter(lambda model, usage: 0.1, line=1.0)
    told = []
    for _ in range(9):
        meter.add("m", Usage())
        told.append(bool(meter.warning()))
    assert told.count(True) == 1
    assert told.index(True) == 4  # three more calls would reach 80 %


def test_an_unknown_price_is_never_nothing() -> None:
    meter = Meter(lambda model, usage: None)
    meter.add("m", Usage(output_tokens=3))
    assert meter.spent is None
    assert meter.usage == {"m": Usage(output_tokens=3)}
