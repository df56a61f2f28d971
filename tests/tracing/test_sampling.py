import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import _sampling_experimental as consistent
from opentelemetry.trace import TraceState

import spanbridge as sb
from spanbridge.tracing.sampling import contained_sampler

RATIOS = st.floats(0, 1)
TRACE_IDS = st.integers(1, 2**128 - 1)


OT_FIELDS = st.one_of(
    st.integers(0, 2**56 - 1).map(lambda number: f"rv:{number:014x}"),
    st.integers(0, 2**56 - 1).map(lambda number: f"rv:{number:014X}"),
    st.text("0123456789abcdef", max_size=16).map(lambda digits: f"rv:{digits}"),
    st.sampled_from(["th:8", "th:0", "rv:", "rv:zzzzzzzzzzzzzz", "x:" + "y" * 250]),
)
TRACESTATES = st.builds(
    lambda others, fields, last: [*others, *([("ot", ";".join(fields))] if fields else []), *last],
    st.sampled_from([[], [("vendor", "rv:00000000000000")], [("a", "1"), ("b", "ot=rv:00000000000000")]]),
    st.lists(OT_FIELDS, max_size=3, unique_by=lambda field: field[:3]),
    st.sampled_from([[], [("z", "9")]]),
)


def sampling_input(trace_id, **fields):
    return sb.SamplingInput(f"{trace_id:032x}", "n", sb.SpanType.AGENT_RUN, {}, {}, **fields)


@given(TRACE_IDS, RATIOS, TRACESTATES)
def test_ratio_agrees_with_opentelemetry(trace_id, ratio, members):
    """The decision is that of OpenTelemetry's consistent probability sampling, trace by trace, for every ratio and tracestate."""
    theirs = consistent.composite_sampler(consistent.composable_traceid_ratio_based(ratio))
    expected = theirs.should_sample(None, trace_id, "n", trace_state=TraceState(members)).decision.is_sampled()
    ours = sb.RatioSampling(ratio)
    header = ",".join(f"{key}={value}" for key, value in members)

    assert ours.sample_by_context(trace_id, header) is expected
    assert ours.should_sample(sampling_input(trace_id, tracestate=header)) is expected


@given(st.integers(-2, 2), RATIOS)
def test_the_threshold_is_opentelemetrys(offset, ratio):
    """The two agree right at the threshold too, where one unit of rounding would show."""
    theirs = consistent.composite_sampler(consistent.composable_traceid_ratio_based(ratio))
    trace_id = 2**64 + min(max(2**56 - round(ratio * 2**56) + offset, 0), 2**56 - 1)

    assert (
        sb.RatioSampling(ratio).sample_by_context(trace_id)
        is theirs.should_sample(None, trace_id, "n").decision.is_sampled()
    )


def test_explicit_randomness():
    """An incoming `ot=rv:` decides instead of the trace id, with space around it as the standard allows; one that is broken does not."""
    half = sb.RatioSampling(0.5)

    assert half.sample_by_context(1, "a=1, ot=th:8;rv:ffffffffffffff ,b=2")
    assert not half.sample_by_context(2**56 - 1, "ot=rv:00000000000000")
    for broken in (
        "ot=rv:fffffffffffff",
        "ot=rv:+fffffffffffff",
        "rv:ffffffffffffff",
        "vendor=rv:ffffffffffffff",
        "ot",
        "ot=" + "x" * 300 + ";rv:" + "f" * 14,
    ):
        assert not half.sample_by_context(1, broken), broken


@pytest.mark.parametrize("flag", [True, False])
def test_parent_based_follows_the_parent(flag):
    """The flag of an incoming parent decides, whatever the root's sampler would say."""
    for root in (None, 0, 1, sb.NeverSampling(), lambda given: 1 / 0):
        sampler = sb.ParentBasedSampling(root)

        assert sampler.sample_by_context(1, "", flag) is flag
        assert sampler.should_sample(sampling_input(1, parent_sampled=flag)) is flag


def test_parent_based_asks_its_root():
    """A trace that begins here is kept by default, else decided by the root's sampler, by its context if that can."""
    named = sb.ParentBasedSampling(lambda given: given.name == "n")

    assert sb.ParentBasedSampling().sample_by_context(1) is True
    assert sb.ParentBasedSampling().should_sample(sampling_input(1))
    assert sb.ParentBasedSampling(0.5).sample_by_context(1) is False
    assert sb.ParentBasedSampling(0.5).sample_by_context(1, "ot=rv:ffffffffffffff") is True
    assert not sb.ParentBasedSampling(sb.RatioSampling(0.5)).should_sample(sampling_input(1))
    assert named.sample_by_context(1) is None
    assert named.should_sample(sampling_input(1))
    assert repr(sb.ParentBasedSampling(0.5)) == "ParentBasedSampling(RatioSampling(0.5))"


@pytest.mark.parametrize("root", ["always", 2, math.nan, True, sb.RatioSampling, sb.TailSampling(), object()])
def test_wrong_roots(root):
    """What is no sampler is an error."""
    with pytest.raises(sb.ConfigurationError, match="is not a number from 0 to 1"):
        sb.ParentBasedSampling(root)


@pytest.mark.parametrize(
    ("sampler", "decision"),
    [
        (sb.NeverSampling(), False),
        (sb.RatioSampling(0), False),
        (sb.RatioSampling(1), True),
        (sb.ParentBasedSampling(), True),
        (lambda given: True, None),
    ],
    ids=lambda value: getattr(value, "__name__", repr(value)),
)
def test_decided_by_context(sampler, decision):
    """A sampler that needs no more than the context answers without a SamplingInput; a function wants to see it."""
    assert contained_sampler(sampler).by_context(1) is decision


def test_by_context_is_contained(contained_places):
    """A sampler that raises when it is asked early keeps the trace, and is counted; what it returns is taken for its truth."""

    class Odd:
        should_sample = None

        def sample_by_context(self, trace_id, tracestate, parent_sampled):
            return 1 / trace_id

    assert contained_sampler(Odd()).by_context(0) is True
    assert contained_places() == {"sampler"}
    assert contained_sampler(Odd()).by_context(2) is True


def test_everything_kept_asks_nobody():
    """Without a sampler, or with one that keeps all, spans are not slowed down by asking."""
    assert contained_sampler(None) is contained_sampler(sb.AlwaysSampling()) is None
    assert sb.AlwaysSampling().sample_by_context(1) is sb.AlwaysSampling().should_sample(sampling_input(1)) is True
    assert sb.NeverSampling().should_sample(sampling_input(1)) is False


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
