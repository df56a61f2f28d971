"""What tokens cost: the user's price table first, then the list prices that `genai_prices` ships; no network.

A cost is either right for all the tokens that were reported, or absent with a stable reason:

    no_model                the span names no model
    no_usage                the span reports no tokens
    no_input_tokens         only output was reported, so a cost would be a part of the real one
    no_matching_model       neither table knows the model at that provider
    prices_not_loaded       the process was about to exit
    self_hosted             the provider is a runtime on one's own machines, which has no list price
    details_exceed_total    cached, audio or image tokens are more than the total that must include them
    no_price_for_<meter>    tokens that the matched row has no rate for; the meters are input, output, cache_read,
                            cache_write and cache_write_1h

Prices are the standard ones (neither batch nor priority) that were valid when the span started. Where a row has several
tiers, the highest whose threshold the total input exceeds holds for all tokens, as providers bill it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from math import isfinite
from sys import float_info
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from spanbridge.errors import ConfigurationError
from spanbridge.list_prices import shipped_prices

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanbridge.list_prices import ModelInfo, Provider
    from spanbridge.model.attributes import CostContext
    from spanbridge.model.usage import InputTokenDetails, OutputTokenDetails, UsageDict

RATE_KEYS = (
    "input_mtok",
    "output_mtok",
    "cache_read_mtok",
    "cache_write_mtok",
    "cache_write_5m_mtok",
    "cache_write_1h_mtok",
    "input_audio_mtok",
    "input_image_mtok",
    "output_reasoning_mtok",
    "output_audio_mtok",
    "output_image_mtok",
)
"""The keys of a price row: currency units per million tokens."""

# OpenTelemetry's `gen_ai.provider.name`, its older `gen_ai.system` and common spellings, where genai_prices would not
# recognise them or would take them for another provider ("azure.ai.openai" for OpenAI).
_PROVIDER_IDS = {
    "az.ai.inference": "azure",
    "az.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "azure_ai": "azure",
    "azure-openai": "azure",
    "azure_openai": "azure",
    "fireworks_ai": "fireworks",
    "gcp.gen_ai": "google",
    "togetherai": "together",
    "x_ai": "x-ai",
}

# A model that runs here has its maker's name, but not its maker's price.
_SELF_HOSTED = frozenset({"llama_cpp", "llamacpp", "lm_studio", "lmstudio", "ollama", "sglang", "vllm"})

_PATH = re.compile(
    r"^.*/"
)  # openai/gpt-4o, models/gemini-2.5-pro, arn:aws:bedrock:...:inference-profile/us.anthropic...
_BEDROCK = re.compile(r"^(?:(?:global|us|us-gov|eu|apac|jp|au|ca)\.)?[a-z][a-z0-9]*\.(?=[a-z])|-v\d+(?::\d+)?$")
_DATE = re.compile(r"[-@](?:\d{4}-\d{2}-\d{2}|\d{8}|\d{2}-\d{4})$|-latest$")
_BEDROCK_ID = re.compile(r"^(?:.*/)?(?:[a-z-]+\.)?[a-z][a-z0-9]*\.[a-z].*-v\d+(?::\d+)?$")

_MAX_NAME_LENGTH = 256
_MAX_CACHED_MODELS = 1024


class _Rates(NamedTuple):
    """Millionths of a millionth of a currency unit per token, with one row's fallbacks applied; None: unknown.

    Nearly all are whole in this unit, and what whole rates come to is exact.

    A price list names the rate of a modality or of reasoning only where it differs, so audio, images and reasoning are
    priced as text without one. Cache rates have no such default.
    """

    input: float | None
    output: float | None
    cache_read: float | None
    cache_write: float | None
    cache_write_5m: float | None
    cache_write_1h: float | None
    input_audio: float | None
    input_image: float | None
    reasoning: float | None
    output_audio: float | None
    output_image: float | None
    request: float
    """Per request."""


class _Band(NamedTuple):
    """The rates of one tier: for requests with more than `above` input tokens."""

    above: int
    rates: _Rates


class _Match(NamedTuple):
    """What a (provider, model) pair resolved to."""

    source: Literal["user_prices", "genai_prices"]
    provider: str | None
    model: str
    currency: str
    bands: list[_Band] | None
    """The rates, highest tier first; None: they depend on the time, see `info`."""
    info: ModelInfo | None
    dated_bands: dict[int, list[_Band]]
    """Rates of `info`, by the identity of their price object, which `info` keeps alive."""


class PriceTable:
    """Prices tokens. Made once per configuration; used on the pipeline's thread only.

    Args:
        prices: The user's own rows, which replace the shipped ones: "model" or "provider/model" to rates in currency
            units per million tokens (`RATE_KEYS`; `input_mtok` is required) and `currency`, an ISO 4217 code ("usd" by
            default).
        shipped: Gives the shipped list prices, or None while it cannot. Called when the user's rows do not have a model.

    Raises:
        ConfigurationError: A row has an unknown key, lacks `input_mtok`, or a rate is not a number of 0 or more.
    """

    def __init__(
        self,
        prices: Mapping[str, Mapping[str, float | str]] | None = None,
        shipped: Callable[[], list[Provider] | None] | None = None,
    ) -> None:
        self._user_rows = _parse_user_prices({} if prices is None else prices)
        self._shipped = shipped or shipped_prices
        self._matches: dict[tuple[str | None, str], _Match | str] = {}

    def cost(self, *, model: str | None, provider: str | None, usage: UsageDict | None, started_at: int) -> CostContext:
        """The cost of `usage` at the prices that held at `started_at` (nanoseconds since the epoch).

        Args:
            model: The model that answered, or else the one requested, in any usual spelling.
            provider: The provider as OpenTelemetry names it. None or unknown: found by the model's name alone.
            usage: Totals that include their details, as `normalize_usage` returns them.
            started_at: When the call started, in nanoseconds since the epoch.
        """
        if not model:
            return _no_cost("no_model")
        if not usage:
            return _no_cost("no_usage")
        match = self._matches.get((provider, model)) or self._match(model, provider)
        if isinstance(match, str):
            return _no_cost(match)
        source, priced_provider, priced_model, currency, bands, _, _ = match
        cost = _spend(_bands_at(match, started_at) if bands is None else bands, usage)
        context: CostContext = {
            "estimated_cost": None if isinstance(cost, str) else cost,
            "cost_unit": currency,
            "reason": cost if isinstance(cost, str) else None,
            "source": source,
            "model": priced_model,
        }
        if priced_provider is not None:
            context["provider"] = priced_provider
        return context

    def _match(self, model: str, provider: str | None) -> _Match | str:
        if len(model) > _MAX_NAME_LENGTH or len(provider or "") > _MAX_NAME_LENGTH:
            return "no_matching_model"
        # Names come from outside: the cache starts again before they could fill the memory.
        if len(self._matches) >= _MAX_CACHED_MODELS:
            self._matches.clear()
        match = self._resolve(model.strip().lower(), (provider or "").strip().lower())
        if match == "prices_not_loaded":
            return match
        self._matches[provider, model] = match
        return match

    def _resolve(self, model: str, provider: str) -> _Match | str:
        names = _spellings(model)
        for name in names:
            for key in (f"{provider}/{name}", f"{_PROVIDER_IDS.get(provider, provider)}/{name}", name):
                if key in self._user_rows:
                    return self._user_rows[key]._replace(provider=provider or None, model=name)
        if provider in _SELF_HOSTED:
            return "self_hosted"
        providers = self._shipped()
        if providers is None:
            return "prices_not_loaded"
        for candidate, info in _candidates(providers, model, provider, names):
            if info is not None:
                return _match_of(candidate, info)
        return "no_matching_model"


def _spellings(model: str) -> list[str]:
    """`model` as it is, then without path, without Bedrock's geography, vendor and version, then without date."""
    names = [model]
    for noise in (_PATH, _BEDROCK, _DATE):
        names += [noise.sub("", name) for name in names]
    return [name for name in dict.fromkeys(names) if name]


def _candidates(
    providers: list[Provider], model: str, provider: str, names: list[str]
) -> Iterator[tuple[Provider, ModelInfo | None]]:
    """Where the model's price may stand, the most specific place first."""
    named = _find_provider(providers, provider)
    vendor = _find_provider(providers, model.partition("/")[0]) if "/" in model else None
    bedrock = _find_provider(providers, "aws") if _BEDROCK_ID.match(model) else None
    for candidate in (named, vendor, bedrock):
        if candidate is not None:
            for name in names:
                yield candidate, candidate.find_model(name, all_providers=providers)
    if named is None:
        for name in names:
            for candidate in providers:
                if candidate.model_match is not None and candidate.model_match.is_match(name):
                    yield candidate, candidate.find_model(name, all_providers=providers)


def _find_provider(providers: Iterable[Provider], name: str) -> Provider | None:
    # Not through the snapshot's own look-up: that one remembers every name that it was ever asked for.
    for wanted in (_PROVIDER_IDS.get(name, name), name.partition(".")[0]):
        if wanted:
            for provider in providers:
                if provider.id == wanted:
                    return provider
            for provider in providers:
                if provider.provider_match is not None and provider.provider_match.is_match(wanted):
                    return provider
    return None


def _match_of(provider: Provider, info: ModelInfo) -> _Match:
    bands = None if isinstance(info.prices, list) else _make_bands(vars(info.prices))
    return _Match("genai_prices", provider.id, info.id, "usd", bands, info, {})


def _bands_at(match: _Match, started_at: int) -> list[_Band]:
    """The rates of a model whose prices depend on the time."""
    info = match.info
    if info is None or not info.prices:
        return _NO_BANDS
    prices = info.get_prices(datetime.fromtimestamp(started_at / 1e9, tz=timezone.utc))
    bands = match.dated_bands.get(id(prices))
    if bands is None:
        bands = match.dated_bands[id(prices)] = _make_bands(vars(prices))
    return bands


def _make_bands(prices: Mapping[str, Any]) -> list[_Band]:
    """The tiers of one row, highest first; each value of `prices` is a number or genai_prices' TieredPrices."""
    thresholds = {-1}
    for price in prices.values():
        thresholds.update(tier.start for tier in getattr(price, "tiers", ()))
    return [_Band(above, _rates_above(prices, above)) for above in sorted(thresholds, reverse=True)]


def _rates_above(prices: Mapping[str, Any], threshold: int) -> _Rates:
    def rate(key: str) -> float | None:
        price = prices.get(key)
        if price is None:
            return None
        if hasattr(price, "tiers"):
            reached = [tier for tier in price.tiers if tier.start <= threshold]
            price = max(reached, key=lambda tier: tier.start).price if reached else price.base
        return _in_unit(float(price))

    def first(*keys: str) -> float | None:
        return next((value for key in keys if (value := rate(key)) is not None), None)

    return _Rates(
        input=rate("input_mtok"),
        output=rate("output_mtok"),
        cache_read=rate("cache_read_mtok"),
        cache_write=rate("cache_write_mtok"),
        cache_write_5m=first("cache_write_5m_mtok", "cache_write_mtok"),
        cache_write_1h=rate("cache_write_1h_mtok"),
        input_audio=first("input_audio_mtok", "input_mtok"),
        input_image=first("input_image_mtok", "input_mtok"),
        reasoning=first("output_reasoning_mtok", "output_mtok"),
        output_audio=first("output_audio_mtok", "output_mtok"),
        output_image=first("output_image_mtok", "output_mtok"),
        request=(rate("requests_kcount") or 0) * 1000,
    )


def _in_unit(per_million: float) -> float:
    """A rate per million tokens as `_Rates` holds it; a whole number where it is one."""
    rate = per_million * _MILLION
    if rate >= _MAX_EXACT:
        return min(rate, float_info.max)
    whole = round(rate)
    return whole if whole / _MILLION == per_million else rate


def _amount(cost: float) -> float:
    """What rates have come to, in currency units."""
    # Rounding takes a float's own noise away, and some ten times as long as the exact division of a whole number.
    return cost / _MILLION**2 if type(cost) is int else round(cost / _MILLION**2, 12)


_MILLION = 1_000_000
_MAX_EXACT = 2**53


_NO_BANDS = _make_bands({})
_NO_INPUT_DETAILS: InputTokenDetails = {}
_NO_OUTPUT_DETAILS: OutputTokenDetails = {}


def _spend(bands: list[_Band], usage: UsageDict) -> float | str:
    """What `usage` costs in currency units, or the reason why that is unknown.

    Every token is in one meter only: a cached one in the cache's (also where it is audio), the others in their
    modality's, and what no detail mentions in the text's.
    """
    total = usage.get("input_tokens")
    if total is None:
        return "no_input_tokens" if usage.get("output_tokens") is not None else "no_usage"
    rates = bands[0].rates if len(bands) == 1 else next(band.rates for band in bands if total > band.above)
    output = usage.get("output_tokens", 0)
    if len(usage) == 2 and "output_tokens" in usage and rates.input is not None and rates.output is not None:
        # Totals alone, as most calls report them: what the meters below come to.
        return _amount(rates.request + total * rates.input + output * rates.output)

    details = usage.get("input_details", _NO_INPUT_DETAILS)
    read = details.get("cache_read", 0)
    write_5m = details.get("cache_write_5m", 0)
    write_1h = details.get("cache_write_1h", 0)
    write = max(details.get("cache_write", 0) - write_5m - write_1h, 0)
    fresh = total - read - write - write_5m - write_1h
    audio, image = details.get("audio", 0), details.get("image", 0)
    if fresh < 0 or audio + image > total:
        return "details_exceed_total"
    audio = min(audio, fresh)
    image = min(image, fresh - audio)

    output_details = usage.get("output_details", _NO_OUTPUT_DETAILS)
    reasoning = output_details.get("reasoning", 0)
    output_audio, output_image = output_details.get("audio", 0), output_details.get("image", 0)
    output_text = output - reasoning - output_audio - output_image
    if output_text < 0:
        return "details_exceed_total"

    cost = rates.request
    for meter, tokens, rate in (
        ("input", fresh - audio - image, rates.input),
        ("input", audio, rates.input_audio),
        ("input", image, rates.input_image),
        ("cache_read", read, rates.cache_read),
        ("cache_write", write, rates.cache_write),
        ("cache_write", write_5m, rates.cache_write_5m),
        ("cache_write_1h", write_1h, rates.cache_write_1h),
        ("output", output_text, rates.output),
        ("output", reasoning, rates.reasoning),
        ("output", output_audio, rates.output_audio),
        ("output", output_image, rates.output_image),
    ):
        if tokens:
            if rate is None:
                return f"no_price_for_{meter}"
            cost += tokens * rate
    return _amount(cost)


def _no_cost(reason: str) -> CostContext:
    return {"estimated_cost": None, "cost_unit": "usd", "reason": reason}


def _parse_user_prices(prices: Mapping[str, Mapping[str, float | str]]) -> dict[str, _Match]:
    if not isinstance(prices, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - comes from a configuration file
        raise ConfigurationError(f"prices is {_shown(prices)}, expected a table of models. Fix: {_EXAMPLE}")
    return {key.strip().lower(): _parse_user_row(key, row) for key, row in prices.items()}


def _parse_user_row(model: str, row: Mapping[str, Any]) -> _Match:
    where = f"prices[{model!r}]"
    if not isinstance(row, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - comes from a configuration file
        raise ConfigurationError(f"{where} is {_shown(row)}, expected a table of rates. Fix: {_EXAMPLE}")
    rates = dict(row)
    currency = rates.pop("currency", "usd")
    if not (isinstance(currency, str) and re.fullmatch(r"[A-Za-z]{3}", currency)):
        raise ConfigurationError(
            f"{where}['currency'] is {_shown(currency)}, expected an ISO 4217 code. Fix: write one such as 'usd'"
        )
    for key, rate in rates.items():
        if key not in RATE_KEYS:
            raise ConfigurationError(
                f"{where}[{key!r}] = {_shown(rate)} is an unknown key. Fix: use one of {', '.join(RATE_KEYS)}, currency"
            )
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not isfinite(rate) or rate < 0:
            raise ConfigurationError(
                f"{where}[{key!r}] is {_shown(rate)}, expected a price per million tokens. Fix: write a number >= 0"
            )
    if "input_mtok" not in rates:
        raise ConfigurationError(f"{where} has no 'input_mtok'. Fix: add the price per million input tokens")
    return _Match("user_prices", None, model, currency.lower(), _make_bands(rates), None, {})


_EXAMPLE = 'prices = {"my-model": {"input_mtok": 1.0, "output_mtok": 4.0}}'


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
