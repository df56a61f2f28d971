"""`extract` and `inject` beside OpenTelemetry's propagators, on any header."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from opentelemetry import baggage, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import spanbridge as sb
from spanbridge.testing import capture_spans

TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"
MANY = settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])

hexadecimal = st.text("0123456789abcdef", min_size=1, max_size=34)
fields = st.one_of(
    st.sampled_from(["00", "01", "ff", "a" * 32, "b" * 16, "0" * 32, "0" * 16, "A" * 32, ""]), hexadecimal
)
well_formed = st.builds(
    "{}-{}-{}-{}".format,
    st.sampled_from(["00", "00", "01", "cc"]),
    st.text("0123456789abcdef", min_size=32, max_size=32),
    st.text("0123456789abcdef", min_size=16, max_size=16),
    st.text("0123456789abcdef", min_size=2, max_size=2),
)
traceparents = st.one_of(well_formed, st.lists(fields, min_size=3, max_size=6).map("-".join), st.text(max_size=60))
entries = st.one_of(
    st.from_regex(r"[a-z][a-z0-9_*/-]{0,5}=[!-+\--<>-~]{1,8}", fullmatch=True),
    st.from_regex(r"[a-z0-9]{1,4}@[a-z]{1,4}=[a-z]{1,8}", fullmatch=True),
    st.text(max_size=12),
)
lists = st.lists(entries, max_size=6).map(",".join)


@pytest.fixture(autouse=True)
def configured():
    with capture_spans():
        yield


def ours(carrier):
    """What goes on of `carrier`: trace id, span id, whether it is sampled; and the other headers."""
    with sb.extract(carrier):
        headers = sb.inject()
    if not headers:
        return None, headers
    _, trace_id, span_id, flags = headers["traceparent"].split("-")
    return (trace_id, span_id, flags == "01"), headers


def theirs(carrier):
    context = TraceContextTextMapPropagator().extract(carrier)
    found = trace.get_current_span(context).get_span_context()
    if not found.is_valid:
        return None, found
    identity = (f"{found.trace_id:032x}", f"{found.span_id:016x}", bool(found.trace_flags & 1))
    return identity, found


@MANY
@given(traceparents)
@example(TRACEPARENT)
@example(TRACEPARENT.upper())
@example(f"{TRACEPARENT}-")
@example(f"cc{TRACEPARENT[2:]}-more")
@example(f"cc{TRACEPARENT[2:]}.more")
@example(f"ff{TRACEPARENT[2:]}")
@example(TRACEPARENT + "\n")
def test_traceparent(value):
    """The same parent, or none for both."""
    assert ours({"traceparent": value})[0] == theirs({"traceparent": value})[0]


@MANY
@given(
    st.lists(
        st.from_regex(r"[a-z][a-z0-9]{0,5}=[!-+\--<>-~]{1,8}", fullmatch=True),
        max_size=8,
        unique_by=lambda e: e.split("=")[0],
    )
)
def test_well_formed_tracestate(value):
    """The same entries in the same order."""
    carrier = {"traceparent": TRACEPARENT, "tracestate": ",".join(value)}
    _, headers = ours(carrier)
    _, found = theirs(carrier)
    assert headers.get("tracestate", "") == found.trace_state.to_header()


@MANY
@given(lists)
def test_any_tracestate(value):
    """What goes on is well-formed, and never breaks the parent. (OpenTelemetry drops the whole header where we drop the entry.)"""
    identity, headers = ours({"traceparent": TRACEPARENT, "tracestate": value})
    assert identity == ("a" * 32, "b" * 16, True)
    for entry in filter(None, headers.get("tracestate", "").split(",")):
        assert re.fullmatch(r"[a-z0-9][a-z0-9_*/@-]*=[ -~]*[!-~]?", entry)


@MANY
@given(
    st.dictionaries(st.text("abcdef0123456789_", min_size=1, max_size=6), st.text(min_size=1, max_size=12), max_size=6)
)
def test_baggage_that_is_injected(value):
    """Their propagator reads what ours writes, whatever the values hold. (It drops empty values, and strips the others.)"""
    with sb.agent_run("a"):
        headers = sb.inject(baggage=value)
    found = baggage.get_all(W3CBaggagePropagator().extract(headers))
    assert {name: str(text) for name, text in found.items()} == {name: text.strip() for name, text in value.items()}


@MANY
@given(st.lists(st.from_regex(r"[a-z]{1,6}=[a-zA-Z0-9%._-]{1,8}", fullmatch=True), min_size=1, max_size=6))
def test_well_formed_baggage_passes(value):
    """Entry by entry, unchanged: they are not ours to decode."""
    _, headers = ours({"traceparent": TRACEPARENT, "baggage": ",".join(value)})
    assert headers["baggage"] == ",".join(value)


values = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=20), st.binary(max_size=20), traceparents, lists),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.tuples(inner, inner), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
header_names = st.sampled_from(["traceparent", "Tracestate", "BAGGAGE", b"traceparent", "HTTP_TRACEPARENT"])
names = st.one_of(header_names, st.text(max_size=5), st.integers())
carriers = st.one_of(
    values,
    st.dictionaries(names, values, max_size=5),
    st.lists(st.tuples(names, values), max_size=5),
    st.lists(values, max_size=5),
)


@MANY
@given(carriers)
def test_any_carrier(carrier):
    """Nothing raises, and what goes on can be read again."""
    _, headers = ours(carrier)
    assert ours(headers)[1] == headers
    if headers:
        assert theirs(headers)[0] is not None
