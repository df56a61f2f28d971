import json

import pytest

import spanbridge as sb
from spanbridge.model.attributes import ATTRIBUTES
from spanbridge.model.span_types import SPAN_TYPES, SpanType
from spanbridge.testing import capture_spans


@pytest.mark.parametrize("table", [SPAN_TYPES, ATTRIBUTES], ids=["SPAN_TYPES", "ATTRIBUTES"])
def test_tables_are_complete(table):
    """Every span type has a row in every table, and no table has another."""
    assert set(table) == set(SpanType)


@pytest.mark.parametrize("span_type", SpanType)
def test_each_type_has_an_opener(span_type):
    """The opener of a type is named after it, here and on an instance, and opens spans of that type."""
    with capture_spans(include_model_chunks=True) as captured:
        with getattr(sb, span_type.value)("one"):
            pass
        with getattr(captured.observability, span_type.value)("two"):
            pass

        assert [(span.name, span.type) for span in captured.spans] == [("one", span_type), ("two", span_type)]


@pytest.mark.parametrize("span_type", SpanType)
def test_entity_attributes_exist(span_type):
    """An attribute that names a type's entity is one of its typed attributes."""
    attribute = SPAN_TYPES[span_type].entity_id_attribute

    assert attribute is None or attribute in ATTRIBUTES[span_type].__annotations__


@pytest.mark.parametrize("span_type", SpanType)
def test_values_are_strings(span_type):
    """A type compares, prints and encodes as its string."""
    assert span_type == span_type.value == str(span_type) == f"{span_type}"
    assert json.loads(json.dumps([span_type])) == [span_type.value]
    assert span_type.value == span_type.name.lower()
