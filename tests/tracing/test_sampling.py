import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import _sampling_experimental as consistent

import spanbridge as sb

RATIOS = st.floats(0, 1)
TRACE_IDS = st.integers(1, 2**128 - 1)


def sampling_input(trace_id):
    return sb.SamplingInput(f"{trace_id:032x}", "n", sb.SpanType.AGENT_RUN, {}, {})


@given(TRACE_IDS, RATIOS.filter(lambda ratio: ratio == 0 or ratio > 2**-50))
def test_ratio_agrees_with_opentelemetry(trace_id, ratio):
    """The decision is that of OpenTelemetry's consistent probability sampling, trace by trace."""
    theirs = consistent.composite_sampler(consistent.composable_traceid_ratio_based(ratio))

    assert (
        sb.RatioSampling(ratio).should_sample(sampling_input(trace_id))
        == theirs.should_sample(None, trace_id, "n").decision.is_sampled()
    )


@given(TRACE_IDS, RATIOS, RATIOS)
def test_ratios_are_nested(trace_id, one, other):
    """A trace that a smaller ratio keeps is kept by every larger one, so services with different ratios share traces."""
    smaller, larger = sorted([one, other])

    assert sb.RatioSampling(smaller).should_sample(sampling_input(trace_id)) <= sb.RatioSampling(larger).should_sample(
        sampling_input(trace_id)
    )


@given(TRACE_IDS)
def test_extremes(trace_id):
    """0 keeps nothing and 1 keeps everything."""
    assert not sb.RatioSampling(0).should_sample(sampling_input(trace_id))
    assert sb.RatioSampling(1).should_sample(sampling_input(trace_id))


@pytest.mark.parametrize("ratio", [-0.1, 1.1, float("nan"), "0.5", True, None])
def test_wrong_ratios(ratio):
    """What is no ratio is an error that names the value."""
    with pytest.raises(sb.ConfigurationError, match="is not a number from 0 to 1"):
        sb.RatioSampling(ratio)


def record(sampling, *roots):
    memory = sb.InMemoryExporter()
    with sb.Observability(store=False, exporters=[memory], sampling=sampling) as observability:
        for root in roots:
            root(observability)
        observability.flush()
        return memory.spans, observability.stats()["spans"]


def tree(observability):
    with observability.agent_run("root", plan="free", metadata={"m": [1]}), observability.tool_call("child") as tool:
        tool.set(output=1)
        observability.start_span("generic", "by hand").end()


def test_a_trace_is_dropped_whole():
    """Children share their root's fate, and all are counted."""
    spans, stats = record(sb.NeverSampling(), tree)

    assert spans == []
    assert stats == {"started": 3, "open": 0, "stored": 0, "abandoned": 0, "dropped": {"sample_rate": 3}}


def test_a_trace_is_kept_whole():
    """The sampler is asked once per trace."""
    asked = []
    spans, stats = record(lambda given: asked.append(given) or True, tree)

    assert len(spans) == stats["stored"] == 3
    (given,) = asked
    assert (given.name, given.type, given.attributes, given.metadata) == (
        "root",
        "agent_run",
        {"plan": "free"},
        {"m": [1]},
    )
    assert given.trace_id == spans[0].trace_id


def test_a_callable_decides():
    """A function of the input is a sampler."""

    def paid(observability):
        with observability.agent_run("paid", plan="paid"):
            pass

    spans, stats = record(lambda given: given.attributes["plan"] == "paid", tree, paid)

    assert [span.name for span in spans] == ["paid"]
    assert stats["dropped"] == {"sample_rate": 3}


def test_a_sampler_that_raises_keeps(contained_places):
    """An error of the sampler keeps the trace and is counted."""
    spans, _ = record(lambda given: 1 / 0, tree)

    assert len(spans) == 3
    assert contained_places() == {"sampler"}
