"""The list prices that `genai_prices` ships, read from its data without importing the package.

Its import takes half a second of CPU where nothing is compiled yet: pydantic, an HTTP client, and one generated file of 1.6 MB with the
models of all providers (`genai_prices/data.py`), which the interpreter compiles without letting go. Here that file is read as text: each
provider's own fields at once, its models when one of them is asked for; together some 30 ms. The classes below are those that the file
names, with the fields and answers of `genai_prices.types`; a test compares them with the package's own, over all of its models.

Prices that the application has given to the package (`UpdatePrices`, `set_custom_snapshot`) come first. Where the file has another shape
than the one read here, the package reads its own data.
"""

from __future__ import annotations

import datetime
import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, Protocol, cast

from spanbridge.lazily import lazily
from spanbridge.pacing import short_turns


def shipped_prices() -> list[Provider]:
    """The providers with their models and prices."""
    given = getattr(sys.modules.get("genai_prices.data_snapshot"), "_custom_snapshot", None)
    if given is not None:
        return given.providers
    try:
        return read_providers(_data_file().read_text(encoding="utf-8"))
    except Exception:  # noqa: BLE001 - whatever is not as expected: the package reads its own data
        return _of_the_package()


def read_providers(data: str) -> list[Provider]:
    """The providers in the text of `genai_prices/data.py`. Raises an error of any type where it has another shape."""
    head, *blocks = data.split("\n    Provider(\n")
    if not head.endswith(" = ["):
        raise ValueError("this is not the expected file")
    providers: list[Provider] = []
    for block in blocks:
        own, _, models = block.partition("        models=[")
        models, _, rest = models.partition("\n        ],\n    ),")
        if rest not in {"", "\n]\n"} or not models.startswith(_MODEL):
            raise ValueError("providers have another shape")
        providers.append(Provider(_evaluated(f"dict({_EXTRACTORS.sub('', own)})"), models))
    return providers


_MODEL = "\n            ModelInfo("
_EXTRACTORS = re.compile(r"^        extractors=\[\n.*?^        \],\n", re.MULTILINE | re.DOTALL)
"""How to read a provider's answers, which is no matter here."""


def _data_file() -> Path:
    spec = find_spec("genai_prices")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("genai_prices is no folder")
    return Path(spec.submodule_search_locations[0]) / "data.py"


def _of_the_package() -> list[Provider]:
    with short_turns():
        from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415

        return cast("list[Provider]", get_snapshot().providers)


def _evaluated(expression: str) -> Any:
    return eval(expression, _NAMES)  # noqa: S307 - the source of an installed package, which its import would run as well


class Provider:
    """Who sells models."""

    def __init__(self, own: dict[str, Any], models: str) -> None:
        self.id: str = own["id"]
        self.model_match: Clause | None = own.get("model_match")
        self.provider_match: Clause | None = own.get("provider_match")
        self.fallback_model_providers: list[str] = own.get("fallback_model_providers") or []
        self._source = models
        if unknown := own.keys() - _PROVIDER_FIELDS:
            raise ValueError(f"providers have new fields: {unknown}")

    @lazily
    def models(self) -> list[ModelInfo]:
        """The models, in the order in which they are tried."""
        try:
            with short_turns():
                models = [
                    _evaluated(f"ModelInfo({model.removesuffix(',')}") for model in self._source.split(_MODEL)[1:]
                ]
        except Exception:  # noqa: BLE001 - as in `shipped_prices`
            return next(provider.models for provider in _of_the_package() if provider.id == self.id)
        self._source = ""
        return models

    def find_model(self, model_ref: str, *, all_providers: list[Provider] | None = None) -> ModelInfo | None:
        """The model of that name, here or at the providers whose models this one sells."""
        name = model_ref.lower()
        places = [
            self,
            *(other for wanted in self.fallback_model_providers for other in all_providers or () if other.id == wanted),
        ]
        for spelling in dict.fromkeys((name, _COMPACT_DATE.sub(_dashed, name))):
            for place in places:
                for model in place.models:
                    if model.match.is_match(spelling):
                        return model
        return None


_PROVIDER_FIELDS = frozenset(
    {
        "api_pattern",
        "description",
        "fallback_model_providers",
        "id",
        "model_match",
        "name",
        "price_comments",
        "pricing_urls",
        "provider_match",
    }
)
_COMPACT_DATE = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")


def _dashed(date: re.Match[str]) -> str:
    """`-20251211` as `-2025-12-11`, where there is such a day."""
    year, month, day = date.groups()
    try:
        datetime.date(int(year), int(month), int(day))
    except ValueError:
        return date[0]
    return f"-{year}-{month}-{day}"


@dataclass
class ModelInfo:
    """A model and its prices."""

    id: str
    match: Clause
    name: str | None = None
    description: str | None = None
    context_window: int | None = None
    price_comments: str | None = None
    deprecated: bool | None = None
    prices: ModelPrice | list[ConditionalPrice] = ()  # pyright: ignore[reportAssignmentType] - all models have some
    price_variants: object = None
    """Prices of other service tiers, which no span names."""

    def get_prices(self, request_timestamp: datetime.datetime) -> ModelPrice:
        """The prices at that time (UTC): the last row that holds then, or else the first."""
        if not isinstance(self.prices, list):
            return self.prices
        for row in reversed(self.prices):
            if row.constraint is None or row.constraint.active(request_timestamp):
                return row.prices
        return self.prices[0].prices


ModelPrice = SimpleNamespace
"""Dollars per million tokens by `cost.RATE_KEYS`, among others; each a number or TieredPrices."""


class Tier(NamedTuple):
    """The price where there are more than `start` input tokens."""

    start: int
    price: float


class TieredPrices(NamedTuple):
    """A price that depends on the number of input tokens."""

    base: float
    tiers: list[Tier]


class ConditionalPrice(NamedTuple):
    """Prices that hold at times."""

    prices: ModelPrice
    constraint: Constraint | None = None


class Constraint(Protocol):
    """When prices hold."""

    def active(self, request_timestamp: datetime.datetime) -> bool:
        """Whether they hold at that time (UTC)."""
        ...


class StartDateConstraint(NamedTuple):
    """From a day on."""

    start_date: datetime.date

    def active(self, request_timestamp: datetime.datetime) -> bool:
        """Whether the day has come."""
        return request_timestamp.date() >= self.start_date


class TimeOfDateConstraint(NamedTuple):
    """At a time of the day (UTC), which may go beyond midnight."""

    start_time: datetime.time
    end_time: datetime.time

    def active(self, request_timestamp: datetime.datetime) -> bool:
        """Whether it is that time."""
        now = request_timestamp.timetz()
        if self.end_time < self.start_time:
            return now >= self.start_time or now < self.end_time
        return self.start_time <= now < self.end_time


class Clause(Protocol):
    """What a name must be like."""

    def is_match(self, text: str) -> bool:
        """Whether `text` is such a name."""
        ...


class ClauseStartsWith(NamedTuple):
    """Names that begin so, in any case."""

    starts_with: str

    def is_match(self, text: str) -> bool:
        """See `Clause`."""
        return text.lower().startswith(self.starts_with.lower())


class ClauseEndsWith(NamedTuple):
    """Names that end so, in any case."""

    ends_with: str

    def is_match(self, text: str) -> bool:
        """See `Clause`."""
        return text.lower().endswith(self.ends_with.lower())


class ClauseContains(NamedTuple):
    """Names with this in them, in any case."""

    contains: str

    def is_match(self, text: str) -> bool:
        """See `Clause`."""
        return self.contains.lower() in text.lower()


class ClauseRegex(NamedTuple):
    """Names in which the expression is found."""

    regex: str

    def is_match(self, text: str) -> bool:
        """See `Clause`."""
        return re.search(self.regex, text) is not None


class ClauseEquals(NamedTuple):
    """This name, in any case."""

    equals: str

    def is_match(self, text: str) -> bool:
        """See `Clause`."""
        return text.lower() == self.equals.lower()


class ClauseOr(NamedTuple):
    """Names that one of the clauses takes."""

    or_: list[Clause]

    def is_match(self, text: str) -> bool:
        """See `Clause`."""
        return any(clause.is_match(text) for clause in self.or_)


class ClauseAnd(NamedTuple):
    """Names that all of the clauses take."""

    and_: list[Clause]

    def is_match(self, text: str) -> bool:
        """See `Clause`."""
        return all(clause.is_match(text) for clause in self.and_)


def _unused(**_fields: object) -> None:
    """Prices that depend on more than the time."""


_NAMES: dict[str, Any] = {
    **globals(),
    "Decimal": float,
    "PriceVariant": _unused,
}
"""What the names in the file stand for."""
