import asyncio
import json

import pytest

import spanbridge as sb
from recording import ScriptedExporter, accounted
from spanbridge.model.span import SpanRecord


@pytest.fixture
def observe():
    """Configures with processors; gives the instance and its memory."""
    open_ones = []

    def configure(*processors, live=False, **settings):
        memory = sb.InMemoryExporter()
        exporters = [memory]
        if live:
            exporters.append(ScriptedExporter())
            exporters[-1].accepts_running = True
        observability = sb.Observability(store=False, exporters=exporters, processors=list(processors), **settings)
        open_ones.append(observability)
        return observability, memory

    yield configure
    for observability in open_ones:
        observability.shutdown()


class Tagging:
    def __init__(self, tag):
        self.name = f"tagging {tag}"
        self.tag = tag

    def process(self, record):
        record.metadata["order"] = [*record.metadata.get("order", []), self.tag]
        return record


def test_order(observe):
    """Processors run in their order, objects and functions alike, and see what those before them changed."""
    observability, memory = observe(Tagging("a"), lambda record: Tagging("b").process(record), Tagging("c"))
    with observability.agent_run("x"):
        pass

    (span,) = memory.wait_for()
    assert span.metadata == {"order": ["a", "b", "c"]}


def test_once_per_span(observe):
    """A span that starts and ends within one write interval is processed once."""
    seen = []
    observability, memory = observe(lambda record: seen.append((record.name, record.phase)) or record)
    with observability.agent_run("x"):
        pass

    memory.wait_for()
    assert seen == [("x", "ended")]


def test_what_a_processor_sees(observe):
    """A processor reads and changes every field as plain values; identity, type and times are there."""
    seen = {}

    def process(record):
        seen.update(record.to_dict())
        record.name, record.output, record.user_id = "renamed", {"new": [1]}, None
        record.attributes["agent_id"] = "changed"
        del record.metadata["gone"]
        return record

    observability, memory = observe(process)
    with observability.agent_run(
        "x", input={"q": 1}, agent_id="a", user_id="u", metadata={"gone": 1, "kept": 2}
    ) as run:
        run.set(output="old")

    (span,) = memory.wait_for()
    assert (seen["name"], seen["input"], seen["output"], seen["user_id"], seen["type"]) == (
        "x",
        {"q": 1},
        "old",
        "u",
        "agent_run",
    )
    assert (seen["trace_id"], seen["span_id"], seen["status"]) == (run.trace_id, run.span_id, "ok")
    assert (span.name, span.input, span.output, span.user_id) == ("renamed", {"q": 1}, {"new": [1]}, None)
    assert (span.attributes, span.metadata) == ({"agent_id": "changed"}, {"kept": 2})


def test_replace(observe):
    """A processor may return another record."""

    def replace(record):
        return SpanRecord(
            trace_id=record.trace_id,
            span_id=record.span_id,
            type=record.type,
            started_at=record.started_at,
            ended_at=record.ended_at,
            content={"name": "another"},
        )

    observability, memory = observe(replace, Tagging("after"), live=True)
    with observability.agent_run("x", input="gone"):
        observability.flush()

    (span,) = memory.wait_for()
    assert (span.name, span.input, span.metadata) == ("another", None, {"order": ["after"]})
    accounted(observability.stats())
    assert observability.stats()["spans"]["stored"] == 1


def test_drop(observe):
    """None drops the span: it is counted, and its children attach to its parent."""
    observability, memory = observe(lambda record: None if record.name.startswith("drop") else record)
    with (
        observability.agent_run("root") as root,
        observability.workflow_step("drop 1"),
        observability.workflow_step("drop 2"),
    ):
        with observability.tool_call("leaf"):
            pass
        with observability.tool_call("drop leaf"):
            pass
    with observability.agent_run("drop root"), observability.tool_call("orphan"):
        pass
    observability.flush()

    spans = {span.name: span for span in memory.spans}
    assert set(spans) == {"root", "leaf", "orphan"}
    assert spans["leaf"].parent_span_id == root.span_id
    assert spans["orphan"].parent_span_id is None
    assert observability.stats()["spans"]["dropped"] == {"processor": 4}
    accounted(observability.stats())


def test_drop_what_was_stored(contained_errors):
    """A span that was stored while it ran and is dropped at its end goes from the store, and its children attach to its parent."""
    observability = sb.Observability(
        store="sqlite:///traces.db",
        processors=[lambda record: None if record.name == "drop" and record.phase == "ended" else record],
    )
    with observability.agent_run("root") as root, observability.workflow_step("drop") as dropped:
        with observability.tool_call("early"):
            pass
        assert observability.flush()
        names = {span.name for span in observability.store.get_trace(root.trace_id).spans}
        with observability.tool_call("late"):
            pass
    observability.shutdown()

    spans = {span.name: span for span in sb.open_store("sqlite:///traces.db").get_trace(root.trace_id).spans}
    assert names == {"root", "drop", "early"}
    assert set(spans) == {"root", "early", "late"}
    assert spans["late"].parent_span_id == root.span_id
    assert spans["early"].parent_span_id in {root.span_id, dropped.span_id}
    accounted(observability.stats())


@pytest.mark.parametrize(
    "error",
    [
        ValueError("s3cret"),
        SystemExit(1),
        KeyboardInterrupt(),
        asyncio.CancelledError("s3cret"),
        GeneratorExit(),
        RecursionError(),
        MemoryError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_raise_withholds(error, observe, contained_places):
    """A processor that raises, whatever it raises, withholds the content, says so, and keeps the structure."""

    def broken(record):
        if record.name == "bad":
            record.attributes["half"] = "s3cret"
            raise error
        return record

    observability, memory = observe(broken)
    with (
        observability.agent_run("root") as root,
        pytest.raises(KeyError),
        observability.model_generation("bad", model="s3cret", input="s3cret", user_id="s3cret") as bad,
    ):
        bad.set(output="s3cret", usage=sb.Usage(input_tokens=3, output_tokens=4), metadata={"s3cret": 1})
        bad.event("s3cret")
        raise KeyError("s3cret")
    observability.flush()

    spans = {span.type.value: span for span in memory.spans}
    span = spans["model_generation"]
    assert spans["agent_run"].attributes == {}
    assert (span.span_id, span.trace_id, span.parent_span_id) == (bad.span_id, root.trace_id, root.span_id)
    assert (span.name, span.status, span.error) == (
        "model_generation",
        "error",
        {"type": "Error", "message": "[withheld]"},
    )
    assert span.attributes == {"withheld": {"processor": "broken", "reason": type(error).__name__}}
    assert span.model is None
    assert "s3cret" not in repr(vars(span)) + str(span.to_dict())
    assert contained_places() == {"processor broken"}
    accounted(observability.stats())


@pytest.mark.parametrize("result", ["x", 5, True, {}, [], SpanRecord, Ellipsis], ids=repr)
def test_a_wrong_result_withholds(result, observe, contained_places):
    """A processor that returns what is no record withholds the content."""
    observability, memory = observe(lambda record: result)
    with observability.agent_run("a", input="s3cret"):
        pass

    (span,) = memory.wait_for()
    assert span.attributes["withheld"]["reason"] == "TypeError"
    assert b"s3cret" not in span.document
    assert contained_places() == {"processor <lambda>"}


@pytest.mark.parametrize(
    "field", ["phase", "span_id", "trace_id", "parent_span_id", "status", "ended_at", "started_at", "type"]
)
def test_a_processor_that_changes_the_structure(field, observe):
    """Whatever a processor does to a record's structure, the pipeline goes on and its account stays exact."""
    values = {"phase": "ended", "status": sb.Status.ERROR, "type": sb.SpanType.GENERIC, "started_at": 1, "ended_at": 2}

    def change(record):
        setattr(record, field, values.get(field, record.span_id if field != "trace_id" else "f" * 32))
        return None if record.name == "drop" and record.phase == "ended" else record

    observability, _memory = observe(change, live=True)
    with observability.agent_run("root"), observability.workflow_step("drop"):
        assert observability.flush()
        with observability.tool_call("leaf"):
            pass
    assert observability.flush()

    accounted(observability.stats())
    assert observability.stats()["spans"]["open"] == 0
    assert observability.stats()["spans"]["stored"] == 2


def test_a_filter_of_ones_own_may_be_the_last(observe):
    """`sensitive_data` may be a processor of the application: it runs after all others."""
    observability, memory = observe(Tagging("a"), sensitive_data=Tagging("filter"))
    with observability.agent_run("x"):
        pass

    (span,) = memory.wait_for()
    assert span.metadata == {"order": ["a", "filter"]}


@pytest.mark.parametrize(
    ("field", "given", "expected"),
    [
        ("status", "error", sb.Status.ERROR),
        ("status", "bad", sb.Status.OK),
        ("status", [], sb.Status.OK),
        ("type", "tool_call", sb.SpanType.TOOL_CALL),
        ("type", None, sb.SpanType.GENERIC),
        ("service_name", 5, "service"),
        ("name", None, "x"),
        ("name", 5, "x"),
        ("name", "", ""),
        ("source", "elsewhere", "elsewhere"),
        ("cost", "free", None),
        ("cost", 0.5, 0.5),
        ("redactions", None, {}),
        ("span_id", "short", None),
        ("started_at", -1, None),
    ],
)
def test_the_structure_stays_sound(field, given, expected, observe, tmp_path):
    """What a processor gives a record's structure becomes what exits expect, or stays what it was: the span reaches every exit."""

    def change(record):
        before.append(getattr(record, field))
        setattr(record, field, given)
        return record

    before = []
    path = tmp_path / "spans.jsonl"
    with sb.Observability(
        store="sqlite:///traces.db", exporters=[sb.JsonLinesExporter(path)], processors=[change], service_name="service"
    ) as observability:
        with observability.generic("x") as span:
            pass
        assert observability.flush()
        stored = observability.store.get_span(span.trace_id, span.span_id)
        accounted(observability.stats())

    value = getattr(stored, field)
    assert value == (before[0] if field in ("span_id", "started_at") else expected)
    assert json.loads(path.read_text())["name"] == ("x" if field != "name" else expected)


def test_a_record_that_was_read_back_is_stored_with_its_content(observe):
    """A processor may return a record whose content is a document; it is redacted and written like any other."""
    document = b'{"name":"from a document","input":{"password":"hunter2","q":1},"unknown":1}'

    def replace(record):
        fields = {"trace_id": record.trace_id, "span_id": record.span_id, "type": record.type}
        return SpanRecord.from_document(document, **fields, started_at=record.started_at, ended_at=record.ended_at)

    observability, memory = observe(replace)
    with observability.agent_run("x"):
        pass

    (span,) = memory.wait_for()
    assert (span.name, span.input) == ("from a document", {"password": "[REDACTED]", "q": 1})
    assert b"unknown" not in span.document


def test_one_record_for_many_spans(observe):
    """A processor that returns the same record again and again does not change what was handed on before."""
    kept = []

    def replace(record):
        kept.append(record)
        return kept[0]

    observability, memory = observe(replace)
    for name in "ab":
        with observability.generic(name, input=name):
            pass
        assert observability.flush()

    assert [(span.name, span.input) for span in memory.spans] == [("a", "a")] * 2


def test_counts_of_a_running_span_are_its_own(observe):
    """What was counted on a running span's record does not grow with the record of its end."""
    observability, _ = observe(live=True)
    seen = observability._pipeline.runners[1].exporter
    records = []
    seen.export = lambda batch: records.extend(batch)
    with observability.generic("x", input={"password": "hunter2"}) as span:
        observability.flush()
        span.set(output={"password": "hunter2"})
    observability.flush()

    assert [sum(record.redactions.values()) for record in records] == [1, 2]


@pytest.mark.parametrize("value", [5, "text", True, 1.5, b"bytes", object(), "mapping", "list"])
@pytest.mark.parametrize("field", ["attributes", "metadata", "tags", "error", "events", "links"])
def test_content_of_another_kind(tmp_path, field, value):
    """What readers take for a mapping or a list is one in every exit, whatever a processor makes of it."""
    kinds = {"mapping": {"k": "v"}, "list": ["item"]}
    value = kinds.get(value, value) if isinstance(value, str) else value
    expected = {"tags": [], "events": [], "links": [], "error": None}.get(field, {})
    if type(value) is (dict if field in {"attributes", "metadata", "error"} else list):
        expected = value

    def assign(record):
        setattr(record, field, value)
        return record

    memory = sb.InMemoryExporter()
    with sb.Observability(store=f"sqlite:///{tmp_path}/t.db", exporters=[memory], processors=[assign]) as observability:
        with observability.agent_run("x", metadata={"m": 1}, tags=["t"]) as span:
            pass
        assert observability.flush()

    stored = sb.open_store(f"sqlite:///{tmp_path}/t.db").get_span(span.trace_id, span.span_id)
    assert getattr(stored, field) == getattr(memory.spans[0], field) == expected
    assert observability.stats()["spans"]["stored"] == 1
