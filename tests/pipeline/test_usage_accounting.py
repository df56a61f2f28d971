from itertools import product

import pydantic
import pytest

import spanbridge as sb

PRICES = {"m": {"input_mtok": 1_000_000.0, "output_mtok": 10_000_000.0}, "e": {"input_mtok": 1_000_000.0}}
"""A unit of money per input token, ten per output token."""


@pytest.fixture
def observed():
    memory = sb.InMemoryExporter()
    with sb.Observability(store=False, exporters=[memory], prices=PRICES) as observability:
        yield observability, memory


def usage(tokens):
    return sb.Usage(input_tokens=tokens, output_tokens=tokens)


def billed(memory):
    spans = memory.spans
    return tuple(
        sum(getattr(span, f"billed_{field}") for span in spans) for field in ("input_tokens", "output_tokens", "cost")
    )


@pytest.mark.parametrize(("generation", "step", "inference"), list(product([False, True], repeat=3)))
@pytest.mark.parametrize("flushed", [False, True])
def test_billed_once(generation, step, inference, flushed, observed):
    """Whichever of generation, step and inference report usage, a trace's sums count each token once: the outermost report."""
    observability, memory = observed
    with observability.agent_run("a"), observability.model_generation(model="m") as outer:
        for _ in range(2):
            with observability.model_step(model="m") as middle:
                with observability.model_inference(model="m") as inner:
                    if inference:
                        inner.set(usage=usage(5))
                if flushed:
                    observability.flush()
                if step:
                    middle.set(usage=usage(5))
        if generation:
            outer.set(usage=usage(10))
    observability.flush()

    expected = (10, 10, 110.0) if generation or step or inference else (0, 0, 0.0)
    assert billed(memory) == expected


@pytest.mark.parametrize("reports", [("model_generation",), ("model_step",), ("model_inference",)])
def test_a_report_of_ones_own_is_kept(reports, observed):
    """Every span shows the tokens that it reported itself, billed or not."""
    observability, memory = observed
    with (
        observability.model_generation(model="m", usage=usage(3)),
        observability.model_inference(model="m", usage=usage(3)),
    ):
        pass
    observability.flush()

    assert [(span.input_tokens, span.cost, span.attributes["usage"]["input_tokens"]) for span in memory.spans] == [
        (3, 33.0, 3)
    ] * 2
    assert billed(memory) == (3, 3, 33.0)


@pytest.mark.parametrize("flushed", [False, True])
@pytest.mark.parametrize(
    ("step", "inference", "expected"),
    [
        ({}, {}, ("m", "acme")),
        ({"model": "e"}, {}, ("e", None)),
        ({}, {"model": "e"}, ("e", None)),
        ({}, {"response_model": "e"}, (None, None)),
        ({}, {"provider": "other"}, (None, "other")),
    ],
)
def test_a_part_of_a_call_that_names_no_model_is_one_of_its_generations(step, inference, expected, flushed, observed):
    """Else what only the innermost reports had no price, and an exit no model for it. Its own names stand, also alone."""
    observability, memory = observed
    with (
        observability.model_generation(model="m", provider="acme"),
        observability.model_step(**step),
        observability.model_inference(usage=usage(2), **inference),
    ):
        if flushed:
            observability.flush()
    observability.flush()

    (span,) = [span for span in memory.spans if span.type == "model_inference"]
    assert (span.attributes.get("model"), span.attributes.get("provider")) == expected
    assert span.cost == (22.0 if expected == ("m", "acme") else None)


def test_siblings_add_up(observed):
    """Model spans that do not contain each other are all billed, embeddings and classifiers too."""
    observability, memory = observed
    with observability.agent_run("a"):
        with (
            observability.model_generation(model="m", usage=usage(1)),
            observability.tool_call("t"),
            observability.model_generation(model="m", usage=usage(2)),
        ):
            pass
        with observability.rag_embedding(model="e", usage=sb.Usage(input_tokens=4)):
            pass
        with observability.classifier_evaluation(model="m", usage=usage(8)):
            pass
    observability.flush()

    assert billed(memory) == (15, 11, 11.0 + 22.0 + 4.0 + 88.0)


def test_a_generation_inside_an_agent_of_its_own(observed):
    """A step below a tool below a generation is another's: it is billed."""
    observability, memory = observed
    with (
        observability.model_generation(model="m", usage=usage(1)),
        observability.tool_call("t"),
        observability.model_step(model="m", usage=usage(2)),
    ):
        pass
    observability.flush()

    assert billed(memory)[:2] == (3, 3)


def test_children_that_end_after_their_generation(observed):
    """Usage that an inference reports after its generation has ended with its own report is not billed again; without one it is."""
    observability, memory = observed
    for outer_usage, expected in ((usage(5), (5, 5, 55.0)), (None, (5, 5, 55.0))):
        memory.clear()
        outer = observability.start_span("model_generation", model="m")
        inner = observability.start_span("model_inference", model="m", parent=outer)
        outer.end(usage=outer_usage)
        inner.end(usage=usage(5))
        observability.flush()

        assert billed(memory) == expected


def cost_of(observed, **attributes):
    observability, memory = observed
    with observability.model_generation(**attributes):
        pass
    (span,) = memory.wait_for()
    return span, span.attributes["cost_context"]


def test_the_providers_cost_wins(observed):
    """A cost that the provider reported is kept, and billed."""
    span, cost = cost_of(observed, model="m", usage=usage(1), cost_context={"estimated_cost": 0.5})

    assert (cost["estimated_cost"], cost["reason"], cost["source"]) == (0.5, None, "provider")
    assert span.cost == span.billed_cost == 0.5


def test_an_unknown_model_has_a_reason(observed):
    """A model without a price has no cost and a reason, never zero."""
    span, cost = cost_of(observed, model="no-such-model-at-all", usage=usage(1))

    assert cost["estimated_cost"] is None
    assert cost["reason"]
    assert span.cost is None
    assert (span.billed_input_tokens, span.billed_cost) == (1, 0.0)


def test_no_usage_has_a_reason(observed):
    """A generation without usage has no cost and says why."""
    span, cost = cost_of(observed, model="m")

    assert cost == {"estimated_cost": None, "reason": "no_usage"}
    assert (span.input_tokens, span.cost) == (None, None)


OPENAI = {
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 4},
}
RESPONSES = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15, "input_tokens_details": {"cached_tokens": 4}}
ANTHROPIC = {
    "input_tokens": 6,  # cached tokens stand beside it
    "output_tokens": 5,
    "cache_read_input_tokens": 4,
    "cache_creation_input_tokens": 0,
    "server_tool_use": None,
}
GEMINI = {"promptTokenCount": 10, "candidatesTokenCount": 5, "cachedContentTokenCount": 4, "totalTokenCount": 15}
BEDROCK = {"inputTokens": 6, "outputTokens": 5, "totalTokens": 15, "cacheReadInputTokens": 4}
LANGCHAIN = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15, "input_token_details": {"cache_read": 4}}
FURTHER_REPORTS = [
    # LiteLLM, which repeats Anthropic's words for what OpenAI's include
    {**OPENAI, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 0},
    # DeepSeek
    {"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 6},
    # Cohere
    {
        "billed_units": {"input_tokens": 1.0},
        "tokens": {"input_tokens": 10.0, "output_tokens": 5.0},
        "cached_tokens": 4.0,
    },
    # the AI SDK, its releases 5, 6 and 6's providers
    {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15, "cachedInputTokens": 4},
    {"inputTokens": 10, "outputTokens": 5, "inputTokenDetails": {"noCacheTokens": 6, "cacheReadTokens": 4}},
    {"inputTokens": {"total": 10, "noCache": 6, "cacheRead": 4}, "outputTokens": {"total": 5, "text": 5}},
    # Pydantic AI
    {"input_tokens": 10, "output_tokens": 5, "cache_read_tokens": 4, "cache_write_tokens": 0, "details": {}},
    # OpenAI's Realtime
    {"input_tokens": 10, "output_tokens": 5, "input_token_details": {"text_tokens": 10, "cached_tokens": 4}},
]


class Report(pydantic.BaseModel, extra="allow"):
    """What clients of providers give: a model."""


@pytest.mark.parametrize("report", [OPENAI, RESPONSES, ANTHROPIC, GEMINI, BEDROCK, LANGCHAIN, *FURTHER_REPORTS])
@pytest.mark.parametrize("form", [dict, lambda report: Report(**report)])
def test_the_usage_of_a_response(report, form, observed):
    """`usage=response.usage` is read for what it means at its provider, whether cached tokens stand in the input or beside it."""
    observability, memory = observed
    with observability.model_generation(model="m") as generation:
        generation.set(usage=form(report))
    observability.flush()

    (span,) = memory.spans
    assert span.attributes["usage"] == {
        "input_tokens": 10,
        "output_tokens": 5,
        "input_details": {"cache_read": 4},
    }
    assert billed(memory)[:2] == (10, 5)


@pytest.mark.parametrize(
    ("report", "usage"),
    [
        ({"prompt_token_count": 10, "generation_token_count": 5}, {"input_tokens": 10, "output_tokens": 5}),
        ({"inputTextTokenCount": 10, "totalOutputTextTokenCount": 5}, {"input_tokens": 10, "output_tokens": 5}),
        ({"promptTokens": 10, "completionTokens": 5}, {"input_tokens": 10, "output_tokens": 5}),
        ({"billed_units": {"input_tokens": 10.0}}, {"input_tokens": 10}),
        (
            {**OPENAI, "total_tokens": 22, "completion_tokens_details": {"reasoning_tokens": 7}},
            {
                "input_tokens": 10,
                "output_tokens": 12,
                "input_details": {"cache_read": 4},
                "output_details": {"reasoning": 7},
            },
        ),
        (
            {**OPENAI, "completion_tokens_details": {"reasoning_tokens": 5}},
            {
                "input_tokens": 10,
                "output_tokens": 5,
                "input_details": {"cache_read": 4},
                "output_details": {"reasoning": 5},
            },
        ),
        (
            {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15, "reasoningTokens": 3},
            {"input_tokens": 10, "output_tokens": 5, "output_details": {"reasoning": 3}},
        ),
    ],
)
def test_counts_in_further_words(report, usage, observed):
    """Bodies of Bedrock's models, billed units, and reasoning that stands beside the output (xAI), which only the total tells."""
    span, _ = cost_of(observed, model="m", usage=report)

    assert span.attributes["usage"] == usage


def test_our_own_words_mean_what_they_say(observed):
    """Usage in our own form is not taken for a provider's, whatever stands beside it."""
    observability, memory = observed
    own = {"input_tokens": 10, "output_tokens": 5, "input_details": {"cache_read": 4}, "cache_read_input_tokens": 4}
    with observability.model_generation(model="m", usage=own):
        pass
    observability.flush()

    assert billed(memory)[:2] == (10, 5)


def test_the_response_model_is_priced(observed):
    """The model that answered has the price; the one that was asked for stands in where it has none."""
    _, cost = cost_of(observed, model="no-such-model-at-all", response_model="m", usage=usage(1))
    observed[1].clear()
    _, other = cost_of(observed, model="m", response_model="no-such-model-at-all", usage=usage(1))

    assert cost["estimated_cost"] == other["estimated_cost"] == 11.0


@pytest.mark.parametrize(
    "wrong",
    [
        "many",
        {"input_tokens": "x"},
        {"input_tokens": 2**63},
        {"input_tokens": -5},
        [],
        5,
        {"input_tokens": float("nan")},
    ],
)
def test_wrong_usage(wrong, observed):
    """Usage that is none is not counted, and nothing else suffers."""
    span, cost = cost_of(observed, model="m", usage=wrong)

    assert (span.input_tokens, span.billed_input_tokens, cost["estimated_cost"]) == (None, 0, None)


@pytest.mark.parametrize(
    "wrong", [{"estimated_cost": "free"}, {"estimated_cost": True}, {"estimated_cost": float("nan")}, "x", [], {}, 5]
)
def test_a_wrong_cost_is_estimated_anew(wrong, observed):
    """A reported cost that is no number is not used."""
    _, cost = cost_of(observed, model="m", usage=usage(1), cost_context=wrong)

    assert cost["estimated_cost"] == 11.0


def test_numbers_that_no_store_takes_do_not_cost_other_spans():
    """A span with absurd numbers is stored, and so are the spans beside it."""
    with sb.Observability(store="sqlite:///traces.db") as observability:
        with observability.agent_run("a") as run:
            for absurd in (2**63, 2**64 - 1, 2**80, -1, float("inf")):
                with observability.model_generation(
                    model="m", usage={"input_tokens": absurd}, cost_context={"estimated_cost": absurd}
                ):
                    pass
                observability.start_span("generic", "g", start_time=absurd).end(end_time=absurd)
        assert observability.flush()
        stats = observability.stats()

        assert stats["spans"]["stored"] == 11
        assert len(observability.store.get_trace(run.trace_id).spans) == 11
