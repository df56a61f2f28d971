"""Log records and spans: ids on records, records with spans; through logging and structlog as applications set them up."""

from __future__ import annotations

import io
import json
import logging
import logging.handlers
import queue
import threading

import pytest
import structlog

import spanbridge as sb
from spanbridge.testing import capture_spans

log = logging.getLogger("app.tools")


@pytest.fixture
def lines():
    """What a handler of the application's prints, in `%(levelname)s %(message)s %(trace_id)s %(span_id)s`."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s [%(trace_id)s %(span_id)s]"))
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    yield lambda: stream.getvalue().splitlines()
    log.removeHandler(handler)
    log.setLevel(logging.NOTSET)


@pytest.fixture
def instrumented():
    """`instrument_logging` for the test."""
    sb.instrument_logging()
    yield
    sb.uninstrument_logging()


def logs(span):
    """(level, message) of what is stored with a span."""
    return [
        (event["attributes"]["level"], event["attributes"]["message"])
        for event in span.events
        if event["name"] == "log"
    ]


def test_ids_on_records(captured_spans, lines, instrumented):
    """The current span's, as they are stored; nothing outside of spans."""
    log.info("before")
    with sb.agent_run("agent"), sb.tool_call("tool") as tool:
        log.info("inside %s", 1)

    assert lines() == ["INFO before [ ]", f"INFO inside 1 [{tool.trace_id} {tool.span_id}]"]


def test_records_are_stored_from_warning_on(captured_spans, lines, instrumented):
    """With the span that is current, with its time, logger, extra and exception."""
    with sb.agent_run("agent"), sb.tool_call("tool"):
        log.info("not worth it")
        log.warning("slow: %d s", 3, extra={"attempt": 2})
        try:
            raise ValueError("broken")
        except ValueError:
            log.exception("failed")

    agent, tool = captured_spans.spans
    assert logs(agent) == []
    assert logs(tool) == [("WARNING", "slow: 3 s"), ("ERROR", "failed")]
    warning, error = tool.events
    assert warning["attributes"]["logger"] == "app.tools"
    assert warning["attributes"]["extra"] == {"attempt": 2}
    assert tool.started_at <= warning["time"] <= error["time"] <= tool.ended_at
    exception = error["attributes"]["exception"]
    assert (exception["type"], exception["message"]) == ("ValueError", "broken")
    assert "raise ValueError" in exception["stack"]
    assert "extra" not in error["attributes"]


def test_records_pass_the_redaction(tmp_path, lines, instrumented):
    """In the message, in what is extra, and in the exception."""
    sb.configure(store=f"sqlite:///{tmp_path}/traces.db")
    secret = "AKIA" + "IOSFODNN7EXAMPL3"
    with sb.tool_call("tool"):
        try:
            raise ValueError(f"key {secret} refused")
        except ValueError:
            log.exception("calling with %s", secret, extra={"api_key": "hunter2hunter2"})
    assert sb.shutdown(30)

    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"calling with" in stored
    assert secret.encode() not in stored
    assert b"hunter2hunter2" not in stored


@pytest.mark.parametrize(
    ("message", "arguments", "stored"),
    [
        ("%d items", ("many",), "%d items [its arguments cannot be formatted]"),
        ("%s and %s", ("one",), "%s and %s [its arguments cannot be formatted]"),
        ({"a": 1}, (), "{'a': 1}"),
    ],
)
def test_odd_messages(captured_spans, message, arguments, stored, monkeypatch):
    """What cannot be formatted is stored as it was written."""
    monkeypatch.setattr(logging, "raiseExceptions", False)
    handler = sb.SpanLogHandler()
    log.addHandler(handler)
    with sb.tool_call("tool"):
        log.warning(message, *arguments)
    log.removeHandler(handler)

    assert logs(captured_spans.spans[0]) == [("WARNING", stored)]


def test_a_message_that_raises(captured_spans, instrumented, monkeypatch):
    """Nothing of it reaches the application."""

    class Raises:
        def __str__(self):
            raise RuntimeError("no text")

        __repr__ = __str__

    monkeypatch.setattr(logging, "raiseExceptions", False)
    with sb.tool_call("tool"):
        log.warning(Raises(), extra={"thing": Raises()})

    (span,) = captured_spans.spans
    assert logs(span)[0][1].endswith("Raises> [its arguments cannot be formatted]")


def test_outside_of_spans_and_where_nothing_is_recorded(lines, instrumented):
    """Nothing is stored, nothing breaks."""
    log.warning("unconfigured")
    with capture_spans(sampling=0.0) as captured:
        log.warning("no span")
        with sb.tool_call("sampled out"):
            log.warning("no record")
        assert captured.spans == []
    with sb.tool_call("unconfigured"):
        log.warning("unconfigured")

    assert {line.partition("[")[2] for line in lines()} == {" ]"}


def test_a_level_of_one_s_own(captured_spans):
    """By name or number, also one of the application's; another call replaces the one before."""
    logging.addLevelName(35, "NOTICE")
    sb.instrument_logging("ERROR")
    sb.instrument_logging("notice")
    with sb.tool_call("tool"):
        log.warning("below")
        log.log(35, "notice")
        log.error("above")
    sb.instrument_logging(None)
    with sb.tool_call("tool"):
        log.error("ids only")
    sb.uninstrument_logging()
    sb.uninstrument_logging()

    first, second = captured_spans.spans
    assert logs(first) == [("NOTICE", "notice"), ("ERROR", "above")]
    assert logs(second) == []


@pytest.mark.parametrize("make", [sb.SpanLogHandler, sb.StructlogProcessor, sb.instrument_logging])
@pytest.mark.parametrize("level", ["LOUD", 1.5, True.__class__])
def test_unknown_levels(make, level):
    """Named, with the fix."""
    with pytest.raises(sb.ConfigurationError, match="log level"):
        make(level)


def test_uninstrumented(captured_spans):
    """Everything is as before, also where somebody has put another factory around ours."""
    before = logging.getLogRecordFactory(), list(logging.getLogger().handlers)
    sb.instrument_logging()
    sb.uninstrument_logging()
    assert (logging.getLogRecordFactory(), logging.getLogger().handlers) == before

    sb.instrument_logging()
    ours = logging.getLogRecordFactory()
    logging.setLogRecordFactory(lambda *args, **kwargs: ours(*args, **kwargs))
    sb.uninstrument_logging()
    with sb.tool_call("tool"):
        assert not hasattr(log.makeRecord("app", logging.ERROR, "file", 1, "text", (), None), "trace_id")
    logging.setLogRecordFactory(before[0])


def test_filter_alone(captured_spans):
    """On a handler of the application's, for its format."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(sb.TraceContextFilter())
    handler.setFormatter(logging.Formatter("%(trace_id)s/%(span_id)s"))
    log.addHandler(handler)
    with sb.tool_call("tool") as tool:
        log.error("x")
    log.removeHandler(handler)

    assert stream.getvalue() == f"{tool.trace_id}/{tool.span_id}\n"


def test_hidden_spans(captured_spans, instrumented):
    """A record goes to the span that is seen in place of the hidden one, and names it."""
    with sb.agent_run("agent") as agent, sb.workflow_run("hidden", internal=True):
        log.warning("who am I")
        record = logging.getLogRecordFactory()("app", logging.ERROR, "file", 1, "text", (), None)
        assert (record.trace_id, record.span_id) == (agent.trace_id, agent.span_id)

    assert logs(captured_spans.spans[0]) == [("WARNING", "who am I")]


def test_hidden_content(captured_spans, instrumented):
    """A record of a span that hides its input may quote it."""
    with sb.tool_call("tool", input="PLAINTEXT", hide_input=True):
        try:
            raise ValueError("PLAINTEXT")
        except ValueError:
            log.exception("got %s", "PLAINTEXT", extra={"q": "PLAINTEXT"})

    (span,) = captured_spans.spans
    assert logs(span) == [("ERROR", "[hidden]")]
    assert b"PLAINTEXT" not in span.document


def test_our_own_threads_and_our_own_log_make_no_loop(instrumented, caplog):
    """An exporter that logs for each batch, and a processor, and what spanbridge says itself."""

    class Chatty:
        name = "chatty"

        def __init__(self):
            self.batches = 0

        def export(self, batch):
            self.batches += 1
            log.error("exported %d", len(batch))

        def flush(self, deadline):
            """On the thread of whoever flushes."""

        def shutdown(self, deadline):
            log.error("shut down")

    def processor(record):
        log.error("processed")
        return record

    sb.instrument_threads()
    chatty = Chatty()
    with sb.tool_call("unconfigured"), capture_spans(exporters=[chatty], processors=[processor]) as captured:
        with sb.tool_call("tool") as tool:
            tool.event("x", {"at": 1})
            assert sb.flush(30)
            logging.getLogger("spanbridge").warning("of our own")
        (span,) = captured.spans
        assert logs(span) == []
    sb.uninstrument_threads()
    assert chatty.batches <= 3


def test_threads_and_queues_of_the_application(captured_spans, instrumented):
    """Ids are put on where a record is made; a listener on another thread prints them."""
    records = queue.SimpleQueue()
    handler = logging.handlers.QueueHandler(records)
    log.addHandler(handler)
    with sb.tool_call("tool") as tool:
        thread = threading.Thread(target=sb.wrap_context(log.error), args=("from a thread",))
        thread.start()
        thread.join()
    log.removeHandler(handler)

    record = records.get()
    assert (record.trace_id, record.span_id) == (tool.trace_id, tool.span_id)
    assert logs(captured_spans.spans[0]) == [("ERROR", "from a thread")]


def test_structlog(captured_spans):
    """As an application configures it: values as they were logged, rendered to JSON afterwards."""
    stream = io.StringIO()
    structured = structlog.wrap_logger(
        structlog.WriteLogger(stream),
        processors=[sb.StructlogProcessor(), structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
    )
    structured.warning("outside")
    with sb.tool_call("tool") as tool:
        structured.info("fine", order=1)
        structured.warning("slow", seconds=3, api_key="hunter2hunter2")
        try:
            raise ValueError("broken")
        except ValueError:
            structured.exception("failed")

    outside, fine, slow, failed = map(json.loads, stream.getvalue().splitlines())
    assert "trace_id" not in outside
    assert {(line["trace_id"], line["span_id"]) for line in (fine, slow, failed)} == {(tool.trace_id, tool.span_id)}
    (span,) = captured_spans.spans
    assert logs(span) == [("WARNING", "slow"), ("ERROR", "failed")]
    assert span.events[0]["attributes"]["extra"] == {"seconds": 3, "api_key": "[REDACTED]"}
    assert span.events[1]["attributes"]["exception"]["message"] == "broken"


def test_structlog_for_ids_only(captured_spans):
    """Where its events reach a handler of logging, which stores them."""
    stream = io.StringIO()
    structured = structlog.wrap_logger(
        structlog.WriteLogger(stream),
        processors=[sb.StructlogProcessor(level=None), structlog.processors.JSONRenderer()],
    )
    with sb.tool_call("tool") as tool:
        structured.error("failed")

    assert json.loads(stream.getvalue())["span_id"] == tool.span_id
    assert logs(captured_spans.spans[0]) == []


def test_the_package_logs_at_warning():
    """An application that logs everything else at debug has not asked for ours."""
    assert logging.getLogger("spanbridge").getEffectiveLevel() >= logging.WARNING
