import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge.model.payload import snapshot
from spanbridge.model.span import CONTENT_FIELDS, SpanRecord, Status, chunks
from spanbridge.model.span_types import SpanType

IDS = {"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331"}
CONTAINERS = {"attributes": {}, "metadata": {}, "tags": [], "events": [], "links": []}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def make(**content):
    return SpanRecord(
        **IDS,
        type=SpanType.TOOL_CALL,
        started_at=1,
        ended_at=11,
        content={field: snapshot(value) for field, value in content.items()},
    )


def finished(**content):
    record = make(**content)
    record.encode_document()
    record.release_content()
    return record


@given(st.dictionaries(st.sampled_from(["input", "output"]), JSON_VALUES))
def test_content_reads_back(content):
    """A payload is read as the plain value that was recorded, before and after the record is finished."""
    record, done = make(**content), finished(**content)

    for field, value in content.items():
        assert getattr(record, field) == getattr(done, field) == value


@pytest.mark.parametrize("make_record", [make, finished])
def test_absent_fields(make_record):
    """An absent field is None, or an empty container where it is one."""
    record = make_record(name="n")

    assert {field: getattr(record, field) for field in CONTENT_FIELDS} == {
        **dict.fromkeys(CONTENT_FIELDS),
        **CONTAINERS,
        "name": "n",
    }


def test_payloads_are_decoded_when_read(monkeypatch):
    """A record that nobody reads decodes nothing."""
    record = make(input={"a": 1}, output={"b": 2})
    decoded = []
    monkeypatch.setattr("spanbridge.model.span.decode", lambda data: decoded.append(data) or {"input": 1})

    record.encode_document()
    before = list(decoded)

    assert before == []
    assert record.input == 1
    assert len(decoded) == 1


def test_a_finished_record_is_decoded_once(monkeypatch):
    """Reading any field of a finished record, absent ones too, decodes it once, and gives the same objects each time."""
    from spanbridge.model import span as module

    record = finished(attributes={"a": [1]})
    decode = module.decode
    decoded = []
    monkeypatch.setattr(module, "decode", lambda data: decoded.append(data) or decode(data))
    attributes = record.attributes

    assert record.error is None
    assert record.input is None
    assert record.attributes is attributes
    assert len(decoded) == 1


@given(JSON_VALUES, st.sampled_from(["input", "output", "attributes", "metadata"]))
def test_assigned_values_are_written(value, field):
    """What a processor assigns is what is written; of another kind than its readers expect, it is nothing."""
    record = make(input="before", attributes={"a": 1})
    setattr(record, field, value)
    record.encode_document()

    fits = field not in CONTAINERS or (isinstance(value, type(CONTAINERS[field])) and value)
    expected = value if fits else CONTAINERS[field]
    assert getattr(record, field) == expected


def test_changes_in_place_are_written():
    """A value that was read may be changed in place, at any depth."""
    record = make(input={"a": {"b": [1]}}, attributes={"x": 1}, tags=["t"])
    record.input["a"]["b"].append(2)
    record.attributes["y"] = {"z": 3}
    record.tags.append("u")
    record.encode_document()

    done = SpanRecord.from_document(record.document, **IDS, type=SpanType.TOOL_CALL, started_at=1)
    assert done.input == {"a": {"b": [1, 2]}}
    assert done.attributes == {"x": 1, "y": {"z": 3}}
    assert done.tags == ["t", "u"]


def test_anything_may_be_assigned():
    """A processor may assign what is no JSON: it is recorded as `span.set` would."""
    record = make()
    record.output = {"bytes": b"\xff", "set": {1}, "object": object()}
    record.encode_document()

    assert record.output == {"bytes": {"bytes": 1}, "set": [1], "object": "<builtins.object>"}


def test_what_was_changed_is_to_be_processed_again():
    """The filter's mark goes from a field that is read, because it may change, or assigned."""
    record = make(input="a", output="b", metadata={"c": 1})
    record.processed = {"input", "output", "metadata"}
    record.input = "new"
    _ = record.metadata

    assert record.processed == {"output"}


def test_assigning_none_takes_a_field_away():
    """None leaves no trace in the document."""
    record = make(input="secret", output="kept")
    record.input = None
    record.encode_document()

    assert b"secret" not in record.document
    assert b"input" not in record.document


def test_assigning_a_record_that_was_read_back():
    """A record from a store may be changed by its reader: other fields stay, and what was assigned stays."""
    record = finished(input="a", output="b")
    record.input = "changed"

    assert (record.input, record.output) == ("changed", "b")


def test_to_dict():
    """Every field stands under its name, as plain values."""
    record = finished(name="search", input={"q": "x"}, user_id="u1")
    record.status = Status.ERROR

    result = record.to_dict()

    assert set(CONTENT_FIELDS) <= set(result)
    assert {
        key: result[key]
        for key in ("name", "type", "status", "started_at", "ended_at", "input", "user_id", "tags", "error")
    } == {
        "name": "search",
        "type": "tool_call",
        "status": "error",
        "started_at": 1,
        "ended_at": 11,
        "input": {"q": "x"},
        "user_id": "u1",
        "tags": [],
        "error": None,
    }
    assert type(result["status"]) is type(result["type"]) is str


def test_duration():
    """The duration is None while the span runs."""
    record = make()

    assert record.duration_ns == 10
    record.ended_at = None
    assert record.duration_ns is None


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda record: pickle.loads(pickle.dumps(record))])
def test_copies(duplicate):
    """A record can be copied and pickled."""
    record = finished(name="n", input={"a": [1]})

    assert duplicate(record).to_dict() == record.to_dict()


def test_many_threads_read_one_finished_record():
    """Exporters on several threads read the same record: each sees all fields, complete."""
    content = {"name": "n", "input": {"a": 1}, "output": [1, 2], "metadata": {"m": 1}, "tags": ["t"]}
    expected = finished(**content).to_dict()
    start = threading.Barrier(8)

    def read(records):
        start.wait()
        return [record.to_dict() for record in records]

    records = [finished(**content) for _ in range(200)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(read, [records] * 8))

    assert all(result == expected for seen in results for result in seen)


def test_status_compares_as_its_string():
    """Statuses and their strings are interchangeable."""
    assert Status.OK == "ok"
    assert f"{Status.RUNNING}" == "running"
    assert {Status.ERROR: 1}["error"] == 1


@given(sizes=st.lists(st.integers(1, 50), max_size=20), max_bytes=st.integers(1, 100))
def test_chunks_hold_every_record_once(sizes, max_bytes):
    """In their order, with what they encode to, and no more together than asked for unless one alone is larger."""
    records = [make(input="x" * size) for size in sizes]

    parts = list(chunks(records, max_bytes))

    assert [id(record) for part, _ in parts for record in part] == list(map(id, records))
    assert [document for _, documents in parts for document in documents] == [r.encode_fields() for r in records]
    assert all(len(documents) == 1 or sum(map(len, documents)) <= max_bytes for _, documents in parts)
