"""What tokens cost: a person's own prices, else the library's; unknown is not zero."""

from __future__ import annotations

from datetime import date

import pytest

from harness.agents.prices import PriceBook
from harness.domain.reply import ModelPrice, Usage

MILLION = Usage(1_000_000, 0, 0, 0)
MINE = ModelPrice("mine", 1.0, 2.0)


@pytest.mark.parametrize(
    "name",
    [
        "claude-opus-5-5",
        "Claude-Opus-5-5",
        "claude-opus-5-5[1m]",
        "anthropic/claude-opus-5-5",
        "openrouter/anthropic/claude-opus-5-5",
    ],
)
def test_a_model_is_known_under_the_names_that_agents_use(name: str) -> None:
    book = PriceBook()
    assert book.cost(name, MILLION) == book.cost("claude-opus-5-5", MILLION) > 0


@pytest.mark.parametrize("name", ["", "<synthetic>", "my-local-thing:30b", "scripted"])
def test_an_unknown_model_has_no_price_and_that_is_not_zero(name: str) -> None:
    assert (PriceBook().knows(name), PriceBook().cost(name, MILLION), PriceBook().window(name)) == (False, None, None)


@pytest.mark.parametrize(
    ("price", "usage", "dollars"),
    [
        pytest.param(MINE, Usage(1_000_000, 500_000), 2.0, id="input and output"),
        pytest.param(MINE, Usage(0, 0, 1_000_000, 1_000_000, 500_000), 2.0, id="cache figures left out are input's"),
        pytest.param(ModelPrice("mine", 1, 2, 0.1), Usage(0, 0, 1_000_000), 0.1, id="read"),
        pytest.param(
            ModelPrice("mine", 1, 2, 0.1, 1.25, 2.0), Usage(0, 0, 0, 1_000_000, 400_000), 1.55, id="5m and 1h writes"
        ),
        pytest.param(ModelPrice("mine", 0, 0), MILLION, 0.0, id="a model of one's own may be free"),
        pytest.param(ModelPrice("claude-opus-5-5", 100, 0), MILLION, 100.0, id="own prices win"),
    ],
)
def test_a_person_s_own_price_is_used(price: ModelPrice, usage: Usage, dollars: float) -> None:
    assert PriceBook((price,)).cost(price.model, usage) == pytest.approx(dollars)


def test_the_library_s_prices_tell_writes_of_5_minutes_and_an_hour_apart() -> None:
    book, each = PriceBook(), 100_000
    short, long = Usage(cache_write_tokens=each), Usage(cache_write_tokens=each, cache_write_1h_tokens=each)
    model = "claude-opus-5-5"
    assert book.cost(model, Usage(0, 0, each)) < book.cost(model, Usage(each)) < book.cost(model, short)
    assert book.cost(model, short) < book.cost(model, long)
    assert book.cost(model, short + long) == pytest.approx(book.cost(model, short) + book.cost(model, long))


def test_many_small_requests_are_not_priced_as_one_long_prompt() -> None:
    book, usage = PriceBook(), Usage(3_000_000)
    assert book.cost("gemini-2.5-pro", usage) == 2 * book.cost("gemini-2.5-pro", usage, requests=30)
    assert book.cost("gemini-2.5-pro", usage, requests=0) == book.cost("gemini-2.5-pro", usage, requests=30)


def test_the_source_tells_the_newest_price_that_is_in_force() -> None:
    said = PriceBook(today=lambda: date(2026, 6, 1)).source
    assert said.startswith("genai-prices 0.")
    assert date(2026, 1, 1) < date.fromisoformat(said.rpartition(" ")[2]) <= date(2026, 6, 1)
