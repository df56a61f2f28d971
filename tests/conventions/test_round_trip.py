"""Every attribute of every span type survives: out as an OpenTelemetry span, and back in as the same record."""

from __future__ import annotations

from typing import Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import Required, get_type_hints, is_typeddict

from otel_records import OTHER_ID, TRACE_ID, record
from spanbridge.conventions import genai
from spanbridge.conventions.reading import read_span
from spanbridge.conventions.writing import write_span
from spanbridge.model.attributes import ATTRIBUTES
from spanbridge.model.span import CORRELATION_FIELDS, ENTITY_FIELDS, SpanRecord, Status
from spanbridge.model.span_types import SpanType
from spanbridge.model.usage import Usage

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
whole_numbers = st.integers(-(2**63), 2**64 - 1)
numbers = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | whole_numbers | numbers | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)


def survives(original: SpanRecord) -> None:
    """Asserts that `original` comes back as it was."""
    span = write_span(original)
    assert_attributes_are_valid(span.attributes)
    for part in (*span.events, *span.links):
        assert_attributes_are_valid(part.attributes)

    assert read_span(span).to_dict() == original.to_dict()


def assert_attributes_are_valid(attributes: dict[str, Any]) -> None:
    """Keys are text that is not empty; values are what OpenTelemetry's attributes hold."""
    for key, value in attributes.items():
        assert key
        if isinstance(value, list):
            assert value
            assert len({type(item) for item in value}) == 1, (key, value)
        items = value if isinstance(value, list) else [value]
        assert all(type(item) in (str, bool, int, float) for item in items), (key, value)
        assert all(-(2**63) <= item < 2**63 for item in items if type(item) is int), (key, value)


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of an attribute's declared type, as they are read back: plain JSON."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Required:
        return values_of(arguments[0])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is Union or type(hint).__name__ == "UnionType":
        return st.one_of([values_of(item) for item in arguments if item is not Usage])
    if origin is list:
        return st.lists(values_of(arguments[0]), min_size=1, max_size=3)
    if origin is dict or hint is dict:
        return st.dictionaries(texts, values, min_size=1, max_size=3)
    if is_typeddict(hint):
        fields = get_type_hints(hint, include_extras=True)
        return st.fixed_dictionaries({name: values_of(field) for name, field in fields.items()})
    return {
        str: texts,
        int: st.integers(0, 2**62),
        float: st.floats(0, 1e6) | st.integers(0, 1000),
        bool: st.booleans(),
        type(None): st.none(),
        Any: values,
    }.get(hint, texts)


@pytest.mark.parametrize("span_type", SpanType)
@settings(max_examples=6)
@given(data=st.data())
def test_every_typed_attribute_survives(span_type: SpanType, data: st.DataObject) -> None:
    """All attributes of a type at once, each with a value of its declared type."""
    hints = get_type_hints(ATTRIBUTES[span_type], include_extras=True)
    attributes = {name: data.draw(values_of(hint), label=name) for name, hint in hints.items()}

    survives(record(span_type, attributes=attributes, name=data.draw(texts)))


@pytest.mark.parametrize("span_type", SpanType)
@settings(max_examples=6)
@given(data=st.data())
def test_attributes_of_any_type_and_name_survive(span_type: SpanType, data: st.DataObject) -> None:
    """Typed attributes with values of other types, and names that conventions and we use ourselves."""
    table = genai.table_of(span_type)
    names = (
        st.sampled_from(sorted({*table.names, *table.taken, *genai.OWN_KEYS, genai.SPAN_TYPE, "spanbridge.x"})) | texts
    )

    survives(record(span_type, attributes=data.draw(st.dictionaries(names, values, max_size=6))))


@settings(max_examples=60)
@given(
    span_type=st.sampled_from(SpanType),
    fields=st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("name", *ENTITY_FIELDS, *CORRELATION_FIELDS), texts),
            "input": values,
            "output": values,
            "metadata": st.dictionaries(texts, values, max_size=3),
            "tags": st.lists(texts, max_size=3),
            "status": st.sampled_from([status for status in Status if status is not Status.RUNNING]),
            "is_event": st.booleans(),
            "source": texts.filter(bool),
            "redactions": st.dictionaries(texts, st.integers(1, 9), max_size=2),
            "error": st.fixed_dictionaries(
                {}, optional={"type": texts, "message": texts, "stack": texts, "causes": st.lists(values, max_size=2)}
            ).filter(bool),
            "events": st.lists(
                st.fixed_dictionaries(
                    {
                        "name": texts | st.just("exception"),
                        "time": st.integers(0, 2**63),
                        "attributes": st.dictionaries(texts | st.just("spanbridge.json"), values, max_size=2),
                    }
                ),
                max_size=2,
            ),
            "links": st.lists(
                st.fixed_dictionaries(
                    {"trace_id": st.just(TRACE_ID) | texts, "span_id": st.just(OTHER_ID)},
                    optional={"type": texts, "attributes": st.dictionaries(texts, values, min_size=1, max_size=2)},
                ),
                max_size=2,
            ),
        },
    ),
)
def test_every_field_survives(span_type: SpanType, fields: dict[str, Any]) -> None:
    """All fields of a record beside its attributes."""
    survives(record(span_type, **fields))


@settings(max_examples=60)
@given(
    fields=st.dictionaries(
        st.sampled_from(
            ["name", "input", "output", "attributes", "metadata", "tags", "error", "events", "links", "user_id"]
        ),
        values.filter(lambda value: value not in (None, {}, [])),
    )
)
def test_what_a_processor_put_in_place_of_a_field_survives(fields: dict[str, Any]) -> None:
    """A processor may assign anything to a field."""
    survives(record(SpanType.AGENT_RUN, **fields))


def test_a_parent_of_another_tracer_between() -> None:
    """Both parents survive; for OpenTelemetry the one between is the parent."""
    original = record(parent_span_id=OTHER_ID, external_parent_span_id="1" * 16)

    assert write_span(original).parent_span_id == "1" * 16
    survives(original)


@pytest.mark.parametrize("count", [40, 41, 200])
@pytest.mark.parametrize("span_type", [SpanType.AGENT_RUN, SpanType.GENERIC, SpanType.MODEL_GENERATION])
def test_many_survive(span_type: SpanType, count: int) -> None:
    """More metadata, or more attributes of one's own, than a backend takes are written as one, and survive."""
    many = {f"key.{number}": number for number in range(count)}
    typed = {"name": "taken", "agent_id": "a1", "provider": "openai"}
    original = record(span_type, metadata=many, attributes={**many, **typed})

    assert len(write_span(original).attributes) < 128
    survives(original)


@pytest.mark.parametrize("parent", ["parent_span_id", "external_parent_span_id"])
def test_both_kinds_of_parent_survive(parent: str) -> None:
    """A parent of ours and one of another tracer's are told from each other, and both are the parent for OpenTelemetry."""
    original = record(**{parent: OTHER_ID})

    assert write_span(original).parent_span_id == OTHER_ID
    survives(original)


def test_no_typed_attribute_takes_the_key_of_a_field() -> None:
    """Under `spanbridge.` a typed attribute and a field of the record never share a key."""
    for span_type in SpanType:
        table = genai.table_of(span_type)
        without_row = table.names - {path[0] for path, _ in table.by_key.values()}

        assert not {genai.PREFIX + name for name in without_row} & genai.OWN_KEYS
        assert not set(table.by_key) & genai.OWN_KEYS


def test_rows_are_for_attributes_that_exist() -> None:
    """Each row of the table names an attribute of some span type, and no key stands for two attributes of one type.

    Parameters of a model's call that are attributes of their own take the rows of those in `parameters`.
    """
    names = {name for span_type in SpanType for name in genai.table_of(span_type).names}

    assert {row.attribute.split(".")[0] for row in genai.ROWS} <= names
    for span_type in SpanType:
        table = genai.table_of(span_type)
        rows = [row for row in genai.ROWS if row.attribute.split(".")[0] in table.names - table.parameters.keys()]
        assert len({row.key for row in rows}) == len(rows)
