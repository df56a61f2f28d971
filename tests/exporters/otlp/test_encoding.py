"""Our encoder writes what protobuf's own messages read."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from spanbridge.conventions.otel_span import OtelEvent, OtelLink, OtelSpan
from spanbridge_otlp.decoding import decode_spans
from spanbridge_otlp.encoding import KINDS, SDK_ATTRIBUTES, STATUS_CODES, encode_spans

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=200)
scalars = (
    texts,
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
)
values = st.one_of(*scalars, *(st.lists(scalar, min_size=1, max_size=3) for scalar in scalars))
attributes = st.dictionaries(texts.filter(bool), values, max_size=4)
trace_ids = st.binary(min_size=16, max_size=16).filter(any).map(bytes.hex)
span_ids = st.binary(min_size=8, max_size=8).filter(any).map(bytes.hex)
times = st.integers(0, 2**64 - 1)
spans = st.builds(
    OtelSpan,
    trace_id=trace_ids,
    span_id=span_ids,
    parent_span_id=st.none() | span_ids,
    name=texts,
    kind=st.sampled_from(sorted(KINDS)),
    start_ns=times,
    end_ns=times,
    attributes=attributes,
    events=st.lists(st.builds(OtelEvent, texts, times, attributes), max_size=2),
    links=st.lists(st.builds(OtelLink, trace_ids, span_ids, attributes), max_size=2),
    status=st.sampled_from(sorted(STATUS_CODES)),
    status_message=st.just(""),
    resource=st.fixed_dictionaries({"service.name": texts.filter(bool)}),
    scope=st.just("spanbridge"),
    parent_is_remote=st.sampled_from((None, False, True)),
)


@settings(max_examples=80)
@given(st.lists(spans, max_size=3))
def test_what_is_written_is_read(given_spans) -> None:
    """Any span comes out of protobuf's own parser as it went in, and whole requests stay in order within a resource."""
    read = decode_spans(encode_spans(given_spans, {}, {}))

    for span in read:
        span.resource = {key: value for key, value in span.resource.items() if key not in SDK_ATTRIBUTES}
    assert sorted(map(repr, read)) == sorted(map(repr, given_spans))


def test_large_values() -> None:
    """Lengths of more than one byte: long texts, many spans, a long status message."""
    span = OtelSpan("1" * 32, "2" * 16, None, "n" * 300, "client", 1, 2, {"k" * 200: "v" * 100_000, "n": 2**62})
    span.status, span.status_message = "error", "m" * 5_000

    first, *_ = read = decode_spans(encode_spans([span] * 300, {}, {}))

    assert len(read) == 300
    assert (first.name, first.attributes, first.status_message) == (span.name, span.attributes, span.status_message)


def test_equal_values_of_different_types() -> None:
    """True, 1, 1.0 and lists of them under one name stay what they are, in any order."""
    values = [True, 1, 1.0, "1", [True], [1], [1.0], ["1"], 0, False, 0.0, -1, 1024, 1025]
    spans = [
        OtelSpan("1" * 32, "2" * 16, None, "n", "client", 1, 2, {"k": value}) for value in [*values, *values[::-1]]
    ]

    read = decode_spans(encode_spans(spans, {}, {}))

    assert [repr(span.attributes["k"]) for span in read] == [repr(span.attributes["k"]) for span in spans]
