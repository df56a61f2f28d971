import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge.model.payload import snapshot
from spanbridge.model.span import SpanRecord
from spanbridge.model.span_types import SpanType
from spanbridge.processors import limits
from spanbridge.processors.limits import Limits

KEYS = st.text(max_size=8).filter(lambda key: key != "…")  # the marker's own key
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(KEYS, inner, max_size=12),
    max_leaves=40,
)
CONTENT = st.fixed_dictionaries(
    {"name": st.text(max_size=40)},
    optional={
        "input": JSON_VALUES,
        "output": JSON_VALUES,
        "attributes": st.dictionaries(KEYS, JSON_VALUES),
        "metadata": st.dictionaries(KEYS, JSON_VALUES),
        "tags": st.lists(st.text(max_size=20)),
        "user_id": st.text(),
    },
)


def record_of(**content):
    encoded = {
        field: {key: snapshot(item) for key, item in value.items()}
        if field in {"attributes", "metadata"}
        else snapshot(value)
        for field, value in content.items()
    }
    return SpanRecord(trace_id="1" * 32, span_id="2" * 16, type=SpanType.TOOL_CALL, started_at=1, content=encoded)


def cut(limits, **content):
    record = record_of(**content)
    limits.apply(record)
    return record


def test_nothing_is_changed_within_the_limits():
    """What is within the limits is written as it came."""
    record = cut(Limits(), name="n", input={"a": [1, "x" * 1000]}, metadata={"m": 1})

    assert record.to_dict()["input"] == {"a": [1, "x" * 1000]}
    assert json.loads(record.document) == {"name": "n", "input": {"a": [1, "x" * 1000]}, "metadata": {"m": 1}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("x" * 100, "x" * 100),
        ("x" * 107, "x" * 100 + "…[7 more characters]"),
        ("ä" * 107, "ä" * 100 + "…[7 more characters]"),
        ({"a": ["😀" * 101]}, {"a": ["😀" * 100 + "…[1 more characters]"]}),
    ],
)
def test_long_strings(value, expected):
    """A string is cut by its characters, and says how many are gone."""
    assert cut(Limits(max_string_length=100), name="n", input=value).input == expected


def test_long_lists_and_mappings():
    """Lists and mappings keep their first items, and say how many are gone."""
    record = cut(
        Limits(max_items=3),
        name="n",
        input=[1, 2, 3, 4, 5],
        output={"a": 1, "b": 2, "c": 3, "d": 4},
        metadata={"x": [1, 2, 3]},
    )

    assert record.input == [1, 2, 3, "…[2 more items]"]
    assert record.output == {"a": 1, "b": 2, "c": 3, "…": "[1 more keys]"}
    assert record.metadata == {"x": [1, 2, 3]}


def test_deep_values():
    """A subtree below the limit is a marker; what lies above it stays."""
    record = cut(Limits(max_depth=2), name="n", input={"a": {"b": {"c": 1}}, "x": 1}, output=[[1]])

    assert record.input == {"a": {"b": {"truncated": {"depth": 2}}}, "x": 1}
    assert record.output == [[1]]


def test_large_spans():
    """Of a span that is too large, the largest fields become markers with their size; small ones stay."""
    record = cut(Limits(max_span_bytes=5000), name="n", input="x" * 4000, output="y" * 3000, metadata={"m": 1})

    assert record.input == {"truncated": {"bytes": 4002}}
    assert record.output == "y" * 3000
    assert record.metadata == {"m": 1}


def test_a_large_name_and_tags_keep_their_type():
    """A name that is too large is replaced by the type, tags by an empty list."""
    record = cut(Limits(max_span_bytes=4096), name="n" * 5000, tags=["t" * 5000])

    assert (record.name, record.tags) == ("tool_call", [])


SMALL = Limits(max_string_length=10, max_depth=3, max_items=4, max_span_bytes=1000)


@given(CONTENT)
def test_every_limit_holds(content):
    """Whatever a span holds, no string, list, mapping, depth or size goes beyond its limit, markers aside."""
    record = cut(SMALL, **content)

    assert len(record.document) <= SMALL.max_span_bytes
    for field, value in json.loads(record.document).items():
        check(value, 0, field)


def check(value, depth, where):
    if isinstance(value, str):
        assert len(value) <= SMALL.max_string_length or "…[" in value or where == "name", where
    elif isinstance(value, (list, dict)):
        if isinstance(value, dict) and set(value) == {"truncated"}:
            return
        assert depth < SMALL.max_depth, where
        assert len(value) <= SMALL.max_items + 1
        for key in value:
            inner = value[key] if isinstance(value, dict) else key
            if key != "…":
                check(inner, depth + 1, where)


@given(CONTENT)
def test_cutting_twice_is_cutting_once(content):
    """A span that was written while it ran is cut again at its end: the markers keep saying what was cut first."""
    once = cut(SMALL, **content).document
    record = SpanRecord(
        trace_id="1" * 32,
        span_id="2" * 16,
        type=SpanType.TOOL_CALL,
        started_at=1,
        content={field: snapshot(value) for field, value in json.loads(once).items()},
    )
    SMALL.apply(record)

    assert json.loads(record.document) == json.loads(once)


@pytest.mark.parametrize("text", ["]" * 500, '"]}\\' * 100, "[{" * 500])
def test_brackets_in_strings_do_not_count(text):
    """They neither hide a deep value nor make a flat one deep."""
    deep = [[[["x"]]]]
    flat = [[text], [text]]

    record = cut(Limits(max_depth=3), name="n", input=[text, deep], output=flat)

    assert record.input == [text, [[{"truncated": {"depth": 3}}]]]
    assert record.output == flat


@pytest.mark.parametrize("depth", [1, 5, 64])
def test_a_value_as_deep_as_the_limit_stays(depth):
    """The limit is the number of levels; the next one is a marker."""
    value = "x"
    for _ in range(depth):
        value = [value]

    record = cut(Limits(max_depth=depth), name="n", input=value, output=[value])

    assert record.input == value
    assert json.dumps(record.output).count("truncated") == 1


def test_a_field_with_too_many_values_is_a_marker(monkeypatch):
    """Cutting has a bound; what is within the limits stays, however many values it has."""
    monkeypatch.setattr(limits, "MAX_VALUES", 500)
    large = [[str(n)] * 10 for n in range(100)]

    record = cut(Limits(max_items=50), name="n", input=large, output=["y"] * 60, metadata={"m": 1})

    assert record.input == {"truncated": {"bytes": len(json.dumps(large, separators=(",", ":")))}}
    assert record.metadata == {"m": 1}
