"""Log records and spans: ids on records, records with spans; through logging and structlog as applications set them up."""

from __future__ import annotations

import io
import json
import logging
import logging.config
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


def test_uninstrumented(captured_spans, lines):
    """Everything is as before, also where somebody has put another method around ours."""
    before = logging.Logger.callHandlers
    sb.instrument_logging()
    sb.uninstrument_logging()
    assert logging.Logger.callHandlers is before

    sb.instrument_logging()
    ours = logging.Logger.callHandlers
    logging.Logger.callHandlers = lambda self, record: ours(self, record)
    sb.uninstrument_logging()
    with sb.tool_call("tool"):
        record = log.makeRecord("app", logging.ERROR, "file", 1, "text", (), None)
        log.callHandlers(record)
    logging.Logger.callHandlers = before

    assert not hasattr(record, "trace_id")
    assert logs(captured_spans.spans[0]) == []


def test_the_application_s_logging_stays_as_it_is(captured_spans, instrumented, capsys):
    """What it logs without a handler still reaches the last resort; `basicConfig` and `dictConfig` work afterwards."""
    logger = logging.getLogger("unconfigured.application")
    root = logging.getLogger()
    handlers, root.handlers[:] = list(root.handlers), []
    try:
        with sb.tool_call("tool"):
            logger.warning("to the last resort")
            stream = io.StringIO()
            logging.basicConfig(stream=stream, format="%(message)s")
            logger.warning("configured")
            logging.config.dictConfig({"version": 1, "disable_existing_loggers": False, "root": {"handlers": []}})
            logger.propagate = False
            logger.warning("not propagated")
    finally:
        logger.propagate = True
        root.handlers[:] = handlers

    assert "to the last resort" in capsys.readouterr().err
    assert stream.getvalue() == "configured\n"
    assert [message for _, message in logs(captured_spans.spans[0])] == [
        "to the last resort",
        "configured",
        "not propagated",
    ]


def test_ids_that_are_there_already(captured_spans, lines, instrumented):
    """Those of the application's, and of a record that comes out of a queue, stay."""
    theirs = {"trace_id": "theirs", "span_id": "own"}
    with sb.tool_call("tool"):
        log.warning("mine", extra=theirs)
        record = logging.makeLogRecord(
            {"name": "app.tools", "levelno": 30, "levelname": "WARNING", "msg": "x", **theirs}
        )
        sb.TraceContextFilter().filter(record)

    assert lines() == ["WARNING mine [theirs own]"]
    assert (record.trace_id, record.span_id) == ("theirs", "own")


@pytest.mark.parametrize("exc_info", [False, True, (None, None, None), ValueError("one")])
def test_exc_info_of_any_kind(captured_spans, exc_info):
    """What `logging` and others put there."""
    handler = sb.SpanLogHandler()
    record = logging.makeLogRecord(
        {"name": "app", "levelno": 30, "levelname": "WARNING", "msg": "x", "exc_info": exc_info}
    )
    with sb.tool_call("tool"):
        assert handler.handle(record)

    (span,) = captured_spans.spans
    assert logs(span) == [("WARNING", "x")]
    assert ("exception" in span.events[0]["attributes"]) == isinstance(exc_info, ValueError)


def test_a_record_is_stored_once(captured_spans, instrumented):
    """Also where a handler of ours stands beside, or structlog logs through logging."""
    handler = sb.SpanLogHandler()
    log.addHandler(handler)
    structured = structlog.wrap_logger(
        log,
        processors=[sb.StructlogProcessor(), structlog.processors.KeyValueRenderer()],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    with sb.tool_call("tool"):
        log.warning("once")
        structured.warning("through logging", order=1)
    log.removeHandler(handler)

    (once, structured_one) = logs(captured_spans.spans[0])
    assert once == ("WARNING", "once")
    assert "through logging" in structured_one[1]


def test_what_quotes_a_hidden_exception(captured_spans, instrumented):
    """Logged by a span outside: with the exception, with it as an argument, or while it is handled."""
    with sb.agent_run("agent"):
        try:
            with sb.tool_call("tool", hide_input=True):
                raise ValueError("PLAIN" + "TEXT")
        except ValueError as error:
            log.exception("first: %s", error)
            log.error(f"second: {error}")
            kept = error
        log.error("third: %s", kept)
        log.error("fourth")

    agent, _ = captured_spans.spans
    assert [message for _, message in logs(agent)] == ["[hidden]", "[hidden]", "[hidden]", "fourth"]
    assert b"PLAINTEXT" not in agent.document


def test_text_that_is_no_unicode(captured_spans, instrumented):
    """One record with an undecodable file name leaves the others as they are."""
    with sb.tool_call("tool"):
        log.warning("caf\udce9.txt", extra={"first": {"a": 1}})
        log.warning("fine", extra={"second": {"b": 2}})

    first, second = captured_spans.spans[0].events
    assert first["attributes"]["message"] == "caf\\udce9.txt"
    assert [event["attributes"]["extra"] for event in (first, second)] == [{"first": {"a": 1}}, {"second": {"b": 2}}]


def test_a_span_that_logs_for_ever(captured_spans, instrumented, monkeypatch):
    """Its log ends somewhere, so that other spans have room; what is left out is counted."""
    from spanbridge.pipeline import open_record

    monkeypatch.setattr(open_record, "MAX_EVENTS", 10)
    with sb.tool_call("tool"):
        for number in range(25):
            log.warning("number %d", number)

    assert len(logs(captured_spans.spans[0])) == 10
    assert sb.stats()["ignored"] == {"event_overflow": 15}


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


def test_hidden_spans(captured_spans, lines, instrumented):
    """A record goes to the span that is seen in place of the hidden one, and names it."""
    with sb.agent_run("agent") as agent, sb.workflow_run("hidden", internal=True):
        log.warning("who am I")

    assert lines() == [f"WARNING who am I [{agent.trace_id} {agent.span_id}]"]
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
