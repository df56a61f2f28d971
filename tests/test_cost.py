"""Costs: what a model call's tokens are worth, or the reason why that is unknown."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timezone
from decimal import Decimal, localcontext

import genai_prices
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spanbridge.cost import RATE_KEYS, PriceTable
from spanbridge.errors import ConfigurationError
from spanbridge.model.usage import Usage, UsageDict, normalize_usage


def nanoseconds(year: int, month: int, day: int, hour: int = 12) -> int:
    return int(datetime(year, month, day, hour, tzinfo=timezone.utc).timestamp()) * 1_000_000_000


NOW = nanoseconds(2026, 6, 1)
SHIPPED = PriceTable()
MINE = PriceTable(
    {
        "my-model": {
            "input_mtok": 10,
            "output_mtok": 100,
            "cache_read_mtok": 1,
            "cache_write_mtok": 12,
            "cache_write_1h_mtok": 20,
        }
    }
)


def cost_of_mine(usage: Usage) -> float | str | None:
    """The cost or reason of `usage` in MINE."""
    context = MINE.cost(model="my-model", provider=None, usage=normalize_usage(usage) or {}, started_at=NOW)
    return context["reason"] if context["estimated_cost"] is None else context["estimated_cost"]


def test_cost_of_a_known_model() -> None:
    """A call of a known model costs its tokens at list price, and says where the price is from."""
    cost = SHIPPED.cost(
        model="gpt-4o", provider="openai", usage={"input_tokens": 812, "output_tokens": 96}, started_at=NOW
    )

    assert cost == {
        "estimated_cost": 0.00299,
        "cost_unit": "usd",
        "reason": None,
        "source": "genai_prices",
        "provider": "openai",
        "model": "gpt-4o",
    }


@pytest.mark.parametrize(
    ("model", "usage", "reason"),
    [
        (None, {"input_tokens": 1}, "no_model"),
        ("", {"input_tokens": 1}, "no_model"),
        ("gpt-4o", None, "no_usage"),
        ("gpt-4o", {}, "no_usage"),
        ("gpt-4o", {"output_tokens": 5}, "no_input_tokens"),
        ("a-model-that-nobody-sells", {"input_tokens": 1}, "no_matching_model"),
        ("m" * 10_000, {"input_tokens": 1}, "no_matching_model"),
    ],
)
def test_unknown_cost_has_a_reason(model: str | None, usage: UsageDict | None, reason: str) -> None:
    """What cannot be priced has no cost and a stable reason; it never costs zero."""
    cost = SHIPPED.cost(model=model, provider="openai", usage=usage, started_at=NOW)

    assert (cost["estimated_cost"], cost.get("reason")) == (None, reason)


def test_a_missing_rate_is_no_cost() -> None:
    """Tokens of a kind that the row has no rate for leave the call without cost, and the reason names the kind."""
    table = PriceTable({"embedder": {"input_mtok": 1}})
    details = {
        "cache_read": {"input_details": {"cache_read": 1}},
        "cache_write": {"input_details": {"cache_write": 1}},
        "cache_write_1h": {"input_details": {"cache_write": 1, "cache_write_1h": 1}},
        "output": {"output_tokens": 1},
    }

    reasons = {
        meter: table.cost(model="embedder", provider=None, usage={"input_tokens": 10, **usage}, started_at=NOW)
        for meter, usage in details.items()
    }

    assert {meter: cost["reason"] for meter, cost in reasons.items()} == {
        meter: f"no_price_for_{meter}" for meter in details
    }
    assert {cost["estimated_cost"] for cost in reasons.values()} == {None}


def test_no_token_is_priced_twice() -> None:
    """Details are parts of their total: each token is priced once, at its own rate, and the undetailed rest as text."""
    usage = Usage(
        input_tokens=10_000,
        output_tokens=1_000,
        input_details={"cache_read": 6_000, "cache_write": 2_000, "cache_write_5m": 500, "cache_write_1h": 1_000},
        output_details={"reasoning": 400},
    )

    cost = cost_of_mine(usage)

    assert cost == (2_000 * 10 + 6_000 * 1 + 1_000 * 12 + 1_000 * 20 + 1_000 * 100) / 1_000_000


def test_totals_come_from_details() -> None:
    """Usage without totals is priced by the sum of its details."""
    usage = Usage(input_details={"text": 100, "cache_read": 50}, output_details={"text": 7, "reasoning": 3})

    assert cost_of_mine(usage) == (100 * 10 + 50 * 1 + 10 * 100) / 1_000_000


def test_modalities_without_a_rate_are_text() -> None:
    """Audio, images and reasoning cost as much as text where the row names no rate of their own."""
    usage = Usage(
        input_tokens=100,
        output_tokens=100,
        input_details={"audio": 30, "image": 20},
        output_details={"audio": 10, "image": 10, "reasoning": 10},
    )

    assert cost_of_mine(usage) == (100 * 10 + 100 * 100) / 1_000_000


def test_modalities_have_their_rates() -> None:
    """Audio, images and reasoning cost their own rates where the row names them."""
    rates = {
        "input_mtok": 1,
        "output_mtok": 2,
        "input_audio_mtok": 10,
        "input_image_mtok": 20,
        "output_audio_mtok": 30,
        "output_image_mtok": 40,
        "output_reasoning_mtok": 50,
    }
    usage: UsageDict = {
        "input_tokens": 10,
        "output_tokens": 10,
        "input_details": {"audio": 3, "image": 2},
        "output_details": {"audio": 1, "image": 2, "reasoning": 3},
    }

    cost = PriceTable({"m": rates}).cost(model="m", provider=None, usage=usage, started_at=NOW)

    assert cost["estimated_cost"] == (5 * 1 + 3 * 10 + 2 * 20 + 4 * 2 + 1 * 30 + 2 * 40 + 3 * 50) / 1_000_000


def test_cached_audio_is_cached() -> None:
    """Audio tokens that were also read from the cache are priced once, at the cache's rate."""
    usage = Usage(input_tokens=100, input_details={"audio": 80, "cache_read": 60})

    assert cost_of_mine(usage) == (60 * 1 + 40 * 10) / 1_000_000


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input_tokens=10, input_details={"cache_read": 11}),
        Usage(input_tokens=10, input_details={"cache_read": 6, "cache_write": 6}),
        Usage(input_tokens=10, input_details={"audio": 6, "image": 6}),
        Usage(input_tokens=10, output_tokens=5, output_details={"reasoning": 6}),
    ],
)
def test_details_beyond_their_total_are_no_cost(usage: Usage) -> None:
    """A total that is smaller than the details it must include gives no cost rather than a guess."""
    assert cost_of_mine(usage) == "details_exceed_total"


TIERED = [("anthropic", "claude-sonnet-4-5"), ("google", "gemini-2.5-pro")]
MODELS = [
    *TIERED,
    ("openai", "gpt-4o"),
    ("openai", "o3-mini"),
    ("anthropic", "claude-3-5-haiku-latest"),
    ("aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ("deepseek", "deepseek-chat"),
    ("google", "gemini-2.5-flash"),
    ("openai", "gpt-4o-realtime-preview"),
    ("perplexity", "sonar-pro"),
]


@given(
    model=st.sampled_from(MODELS),
    parts=st.lists(st.integers(0, 100_000), min_size=7, max_size=7),
    started_at=st.sampled_from([nanoseconds(2024, 1, 15), nanoseconds(2025, 3, 1, 18), NOW]),
)
def test_costs_agree_with_the_price_library(model: tuple[str, str], parts: list[int], started_at: int) -> None:
    """Wherever a cost is given it is the one that genai_prices computes, at any date, in any tier."""
    provider, name = model
    text, read, write, write_1h, audio, output, reasoning = parts
    usage: UsageDict = {
        "input_tokens": text + read + write + write_1h + audio,
        "output_tokens": output + reasoning,
        "input_details": {
            "cache_read": read,
            "cache_write": write + write_1h,
            "cache_write_1h": write_1h,
            "audio": audio,
        },
        "output_details": {"reasoning": reasoning},
    }
    expected = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=usage["input_tokens"],
            output_tokens=usage["output_tokens"],
            cache_read_tokens=read,
            cache_write_tokens=write + write_1h,
            cache_write_1h_tokens=write_1h,
            input_audio_tokens=audio,
            cache_audio_read_tokens=0,
            output_reasoning_tokens=reasoning,
        ),
        name,
        provider_id=provider,
        genai_request_timestamp=datetime.fromtimestamp(started_at / 1e9, tz=timezone.utc),
    ).total_price

    cost = SHIPPED.cost(model=name, provider=provider, usage=usage, started_at=started_at)

    if cost["estimated_cost"] is None:
        assert str(cost.get("reason")).startswith("no_price_for_cache_")
    else:
        assert cost["estimated_cost"] == pytest.approx(float(expected), rel=1e-9, abs=1e-11)


@given(
    st.decimals(0, 10_000, places=6),
    st.decimals(0, 10_000, places=6),
    st.integers(0, 10**12),
    st.integers(0, 10**12),
)
def test_costs_are_exact(input_rate: Decimal, output_rate: Decimal, input_tokens: int, output_tokens: int) -> None:
    """What is printed is what multiplying by hand gives, to the last digit: no noise of binary fractions."""
    table = PriceTable({"mine": {"input_mtok": float(input_rate), "output_mtok": float(output_rate)}})
    cost = table.cost(
        model="mine",
        provider=None,
        usage={"input_tokens": input_tokens, "output_tokens": output_tokens},
        started_at=NOW,
    )

    with localcontext() as context:
        context.prec = 50
        expected = (input_rate * input_tokens + output_rate * output_tokens) / 1_000_000
    assert cost["estimated_cost"] == float(expected)


@example(1e305, 1.0, 0)
@example(1e200, 1.0, 7)
@given(st.floats(0, 1e12), st.floats(0, 1e12), st.integers(0, 10**6))
def test_any_rate_has_a_cost(input_rate: float, output_rate: float, tokens: int) -> None:
    """Also one with more digits than prices have: it is as exact as a float."""
    table = PriceTable({"mine": {"input_mtok": input_rate, "output_mtok": output_rate}})
    usage: UsageDict = {"input_tokens": tokens, "output_tokens": tokens}
    cost = table.cost(model="mine", provider=None, usage=usage, started_at=NOW)

    expected = tokens * (input_rate + output_rate) / 1_000_000
    assert cost["estimated_cost"] == pytest.approx(expected, rel=1e-9, abs=1e-11)


@pytest.mark.parametrize(("provider", "model"), TIERED)
def test_the_highest_tier_holds_for_all_tokens(provider: str, model: str) -> None:
    """One input token beyond a threshold moves the whole call to the higher rate."""
    below, above = (
        SHIPPED.cost(model=model, provider=provider, usage={"input_tokens": tokens}, started_at=NOW)["estimated_cost"]
        for tokens in (200_000, 200_001)
    )

    assert below is not None
    assert above is not None
    assert above == pytest.approx(2 * below, rel=1e-4)


def test_prices_are_those_of_the_day() -> None:
    """A call is priced at what held when it started, not at today's price."""
    usage: UsageDict = {"input_tokens": 1_000_000, "output_tokens": 0}

    before, after = (
        SHIPPED.cost(model="o3", provider="openai", usage=usage, started_at=at)["estimated_cost"]
        for at in (nanoseconds(2025, 5, 1), nanoseconds(2025, 7, 1))
    )

    assert (before, after) == (10.0, 2.0)


# OpenTelemetry's well-known values of `gen_ai.provider.name` and the older `gen_ai.system`, and other tools' spellings.
PROVIDERS = [
    ("anthropic", "claude-sonnet-4-5", "anthropic"),
    ("aws.bedrock", "anthropic.claude-3-5-sonnet-20241022-v2:0", "aws"),
    ("amazon-bedrock", "amazon.nova-pro-v1:0", "aws"),
    ("azure.ai.inference", "gpt-4o", "azure"),
    ("azure.ai.openai", "gpt-4o", "azure"),
    ("az.ai.openai", "gpt-4o", "azure"),
    ("azure_openai", "gpt-4o", "azure"),
    ("cohere", "command-r-plus", "cohere"),
    ("deepseek", "deepseek-chat", "deepseek"),
    ("gcp.gemini", "gemini-2.5-pro", "google"),
    ("gcp.gen_ai", "gemini-2.5-pro", "google"),
    ("gcp.vertex_ai", "gemini-2.5-pro", "google"),
    ("gemini", "models/gemini-2.5-pro", "google"),
    ("groq", "llama-3.3-70b-versatile", "groq"),
    ("mistral_ai", "mistral-large-latest", "mistral"),
    ("openai", "gpt-4o", "openai"),
    ("OpenAI", "GPT-4o", "openai"),
    ("openai.responses", "gpt-4o", "openai"),
    ("perplexity", "sonar-pro", "perplexity"),
    ("x_ai", "grok-4", "x-ai"),
    ("xai.chat", "grok-4", "x-ai"),
    ("openrouter", "openai/gpt-4o", "openrouter"),
    # unknown, or none: by the model alone
    ("ibm.watsonx.ai", "gpt-4o", "openai"),
    (None, "gpt-4o", "openai"),
    (None, "claude-sonnet-4-5", "anthropic"),
]


@pytest.mark.parametrize(("provider", "model", "expected"), PROVIDERS)
def test_providers_by_their_usual_names(provider: str | None, model: str, expected: str) -> None:
    """A provider is found under the name that OpenTelemetry gives it, and an unknown one by its model."""
    cost = SHIPPED.cost(model=model, provider=provider, usage={"input_tokens": 1_000}, started_at=NOW)

    assert cost.get("provider") == expected
    assert cost["estimated_cost"]


@pytest.mark.parametrize(
    ("model", "provider", "canonical"),
    [
        ("gpt-4o-2024-08-06", "openai", "gpt-4o"),
        ("openai/gpt-4o", "openai", "gpt-4o"),
        ("openai/gpt-4o", None, "gpt-4o"),
        ("openai/gpt-4o", "litellm", "gpt-4o"),
        ("claude-sonnet-4-5@20250929", "gcp.vertex_ai", "claude-sonnet-4-5"),
        ("claude-sonnet-4-5-20250929", "anthropic", "claude-sonnet-4-5"),
        ("publishers/google/models/gemini-2.5-pro", "gcp.vertex_ai", "gemini-2.5-pro"),
        (
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "aws.bedrock",
            "regional.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        (
            "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            None,
            "regional.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        (
            "arn:aws:bedrock:us-east-1:1:inference-profile/global.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "aws.bedrock",
            "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
    ],
)
def test_model_variants(model: str, provider: str | None, canonical: str) -> None:
    """Dates, vendor prefixes, paths and Bedrock's geographies lead to the model that is priced."""
    cost = SHIPPED.cost(model=model, provider=provider, usage={"input_tokens": 1_000}, started_at=NOW)

    assert cost.get("model") == canonical


def test_a_known_provider_is_not_priced_as_another() -> None:
    """A model that its known provider does not list has no cost, even where another provider sells one of that name."""
    cost = SHIPPED.cost(model="gpt-4o", provider="anthropic", usage={"input_tokens": 1_000}, started_at=NOW)

    assert (cost["estimated_cost"], cost.get("reason")) == (None, "no_matching_model")


def test_models_on_own_machines_have_no_list_price() -> None:
    """A model in a local runtime does not cost what its maker charges, but what the user says."""
    mine = PriceTable({"ollama/deepseek-r1:8b": {"input_mtok": 0}})
    usage: UsageDict = {"input_tokens": 1_000}

    shipped = SHIPPED.cost(model="deepseek-r1:8b", provider="ollama", usage=usage, started_at=NOW)
    own = mine.cost(model="deepseek-r1:8b", provider="ollama", usage=usage, started_at=NOW)

    assert (shipped["estimated_cost"], shipped.get("reason")) == (None, "self_hosted")
    assert (own["estimated_cost"], own.get("reason")) == (0.0, None)


def test_user_prices_come_first() -> None:
    """A row of the user's replaces the shipped one in all spellings; a row with the provider beats one without."""
    table = PriceTable(
        {
            "gpt-4o": {"input_mtok": 7, "currency": "EUR"},
            "azure/GPT-4o": {"input_mtok": 9},
        }
    )

    costs = [
        table.cost(model=model, provider=provider, usage={"input_tokens": 1_000_000}, started_at=NOW)
        for model, provider in [
            ("gpt-4o", "openai"),
            ("openai/gpt-4o-2024-08-06", None),
            ("gpt-4o", "azure.ai.openai"),
            ("gpt-4o-mini", "openai"),
        ]
    ]

    assert [(cost["estimated_cost"], cost.get("cost_unit"), cost.get("source")) for cost in costs] == [
        (7.0, "eur", "user_prices"),
        (7.0, "eur", "user_prices"),
        (9.0, "usd", "user_prices"),
        (0.15, "usd", "genai_prices"),
    ]


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        ([1], r"prices is \[1\], expected a table of models\. Fix: "),
        ({"m": 3}, r"prices\['m'\] is 3, expected a table of rates\. Fix: "),
        ({"m": {"input_mtok": -1}}, r"prices\['m'\]\['input_mtok'\] is -1, expected a price .* Fix: "),
        ({"m": {"input_mtok": "1"}}, r"prices\['m'\]\['input_mtok'\] is '1', expected a price .* Fix: "),
        ({"m": {"input_mtok": True}}, r"prices\['m'\]\['input_mtok'\] is True, expected a price .* Fix: "),
        ({"m": {"input_mtok": float("nan")}}, r"prices\['m'\]\['input_mtok'\] is nan, expected a price .* Fix: "),
        (
            {"m": {"input_mtok": 1, "output": 2}},
            r"prices\['m'\]\['output'\] = 2 is an unknown key\. Fix: .*output_mtok",
        ),
        ({"m": {"output_mtok": 2}}, r"prices\['m'\] has no 'input_mtok'\. Fix: "),
        ({"m": {"input_mtok": 1, "currency": "euro"}}, r"prices\['m'\]\['currency'\] is 'euro', .* Fix: "),
        ({"m": {"input_mtok": "x" * 500}}, r"is 'x{76}\.\.\., expected"),
    ],
)
def test_wrong_user_prices_are_configuration_errors(prices: object, message: str) -> None:
    """A wrong row is an error that names the key, the value and the fix."""
    with pytest.raises(ConfigurationError, match=message):
        PriceTable(prices)  # type: ignore[arg-type] - that is the point


def test_every_rate_key_is_a_price_key_of_the_library() -> None:
    """The user's rows have the same vocabulary as the shipped ones."""
    prices = genai_prices.types.ModelPrice()

    assert [getattr(prices, key) for key in RATE_KEYS] == [None] * len(RATE_KEYS)


def test_many_model_names_use_bounded_memory() -> None:
    """An application that invents model names does not fill the memory, and known ones are still priced."""
    table = PriceTable({"known": {"input_mtok": 1}})

    for i in range(3_000):
        table.cost(model=f"known-{i}", provider="ollama", usage={"input_tokens": 1}, started_at=NOW)

    assert len(table._matches) <= 1_024
    assert table.cost(model="known", provider="ollama", usage={"input_tokens": 1}, started_at=NOW)["estimated_cost"]


def test_prices_load_when_first_needed() -> None:
    """Making a table, and pricing by the user's rows, does not load the price library."""
    script = (
        "import sys; from spanbridge.cost import PriceTable; table = PriceTable({'m': {'input_mtok': 1}});"
        "table.cost(model='m', provider=None, usage={'input_tokens': 1}, started_at=1);"
        "print('genai_prices' in sys.modules, 'pydantic' in sys.modules)"
    )

    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert output.split() == ["False", "False"]
