import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge.model.identifiers import is_span_id, is_trace_id, new_span_id, new_trace_id, span_id_hex, trace_id_hex


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1))
def test_hex_forms(trace_id, span_id):
    """An id is written with all its digits, in lower case, and reads back as the same number."""
    assert is_trace_id(trace_id_hex(trace_id))
    assert is_span_id(span_id_hex(span_id))
    assert int(trace_id_hex(trace_id), 16) == trace_id
    assert int(span_id_hex(span_id), 16) == span_id


def test_new_ids_are_valid_and_differ():
    """Ids are never zero, fit their width and do not repeat."""
    traces, spans = {new_trace_id() for _ in range(10_000)}, {new_span_id() for _ in range(10_000)}

    assert len(traces) == len(spans) == 10_000
    assert all(0 < trace_id < 2**128 for trace_id in traces)
    assert all(0 < span_id < 2**64 for span_id in spans)


def test_a_seed_of_the_application_does_not_repeat_ids():
    """An application that seeds `random` gets other ids each time."""
    random.seed(1)
    first = new_trace_id()
    random.seed(1)

    assert new_trace_id() != first


@pytest.mark.parametrize(
    "value", [None, 5, b"a" * 32, "", "0" * 32, "A" * 32, "g" * 32, "a" * 31, "a" * 33, "a" * 32 + "\n", "\u0661" * 32]
)
def test_no_trace_ids(value):
    """Anything but 32 lower-case hex digits, not all zero, is no trace id."""
    assert not is_trace_id(value)


@pytest.mark.parametrize(
    "value", [None, 5, b"a" * 16, "", "0" * 16, "A" * 16, "g" * 16, "a" * 15, "a" * 17, "a" * 16 + "\n"]
)
def test_no_span_ids(value):
    """Anything but 16 lower-case hex digits, not all zero, is no span id."""
    assert not is_span_id(value)
