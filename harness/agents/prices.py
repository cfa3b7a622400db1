"""What tokens cost: a person's own prices, else those of genai-prices; the only door to that library.

Its import takes a third of a second, so it happens when the first price is asked for. Its tables are for whole prompts
(`input_tokens` there is everything the model read), ours for what no cache had part in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from harness.domain.reply import ModelPrice, Usage

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, Provider

MILLION = 1_000_000


class PriceBook:
    """Looks up what a model costs; a person's own prices win over the library's."""

    def __init__(self, own: tuple[ModelPrice, ...] = (), today: Callable[[], date] | None = None) -> None:
        """`own` as harness.yaml gives them; `today` (UTC) decides which of the library's prices are in force."""
        self._own = {_plain_name(price.model): price for price in own}
        self._today = today or (lambda: datetime.now(UTC).date())
        self._found: dict[str, tuple[Provider, ModelInfo] | None] = {}
        self._source = ""
        self.used = False  # whether the library was asked

    def knows(self, model: str) -> bool:
        """Whether there is a price for the model."""
        return self._own_price(model) is not None or self._find(model) is not None

    def cost(self, model: str, usage: Usage, *, requests: int = 1) -> float | None:
        """Return the dollars of one request, or of `requests` of them with the usage shared evenly; None if unknown.

        A prompt beyond some length has a higher price: 0 requests means a sum over many, each below any such length.
        """
        if (own := self._own_price(model)) is not None:
            return _cost_of(own, usage)
        found = self._find(model)
        return None if found is None else self._listed_cost(*found, usage, requests)

    def window(self, model: str) -> int | None:
        """Return the tokens that the model can take in, None where the library does not say."""
        found = self._find(model)
        return None if found is None else found[1].context_window

    @property
    def source(self) -> str:
        """Where the library's prices come from and how new they are: its version, its newest price in force."""
        if not self._source:
            from genai_prices import __version__

            newest = max((day for day in _start_dates() if day <= self._today()), default=None)
            dated = f", newest price of {newest.isoformat()}" if newest else ""
            self._source = f"genai-prices {__version__}{dated}"
        return self._source

    def source_of(self, model: str) -> str:
        """Where the price came from that a cost was worked out with; "" for a model that was not looked up here."""
        if self._own_price(model) is not None:
            return "harness.yaml"
        return self.source if self._found.get(model) else ""

    def _own_price(self, model: str) -> ModelPrice | None:
        names = [_plain_name(model), *(name for name, _ in _readings(model))]
        return next((self._own[name] for name in names if name in self._own), None)

    def _find(self, model: str) -> tuple[Provider, ModelInfo] | None:
        if model not in self._found:
            self.used = True
            self._found[model] = _look_up(model)
        return self._found[model]

    def _listed_cost(self, provider: Provider, model: ModelInfo, usage: Usage, requests: int) -> float | None:
        from genai_prices import Usage as Listed

        share = requests or max(usage.prompt_tokens, 1)
        now = datetime.combine(self._today(), datetime.now(UTC).timetz())
        try:
            told = Listed(
                input_tokens=usage.prompt_tokens / share,
                output_tokens=usage.output_tokens / share,
                cache_read_tokens=usage.cache_read_tokens / share,
                cache_write_tokens=usage.cache_write_tokens / share,
                cache_write_1h_tokens=min(usage.cache_write_1h_tokens, usage.cache_write_tokens) / share,
            )
            return float(model.calc_price(told, provider, genai_request_timestamp=now).total_price * share)
        except (ValueError, ArithmeticError):
            return None


def _cost_of(price: ModelPrice, usage: Usage) -> float:
    """Return the dollars by a person's own price; a cache figure that was left out is that of input."""
    read = price.input if price.cache_read is None else price.cache_read
    write = price.input if price.cache_write is None else price.cache_write
    write_1h = write if price.cache_write_1h is None else price.cache_write_1h
    long = min(usage.cache_write_1h_tokens, usage.cache_write_tokens)
    dollars = usage.input_tokens * price.input + usage.output_tokens * price.output + usage.cache_read_tokens * read
    return (dollars + (usage.cache_write_tokens - long) * write + long * write_1h) / MILLION


def _plain_name(model: str) -> str:
    """Return the name in small letters, without Claude Code's suffix for a long context."""
    return re.sub(r"\[[^\]]*\]$", "", model.strip().lower())


def _readings(model: str) -> Iterator[tuple[str, str | None]]:
    """Yield how a name can be read: as it is, as provider/model, as a cloud writes it, and without any prefix."""
    name = _plain_name(model)
    yield name, None
    provider, slash, rest = name.partition("/")
    if slash:
        yield rest, provider
        yield name.rpartition("/")[2], None
    if re.match(r"(?:\w+\.)?anthropic\.", name):
        yield name, "aws"


def _look_up(model: str) -> tuple[Provider, ModelInfo] | None:
    from genai_prices.data_snapshot import get_snapshot

    for name, provider in _readings(model):
        try:
            return get_snapshot().find_provider_model(name, None, provider, None)
        except LookupError:
            continue
    return None


def _start_dates() -> Iterator[date]:
    """Yield the day from which each price in the library is in force, where it has one."""
    from genai_prices.data_snapshot import get_snapshot

    for provider in get_snapshot().providers:
        for model in provider.models:
            prices = model.prices if isinstance(model.prices, list) else []
            for one in (*prices, *(model.price_variants or ())):
                day = getattr(one.constraint, "start_date", None)
                if isinstance(day, date):
                    yield day
