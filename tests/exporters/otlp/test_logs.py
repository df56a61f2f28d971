"""Log records that are stored with spans arrive as log records of OTLP, under their spans' ids."""

from __future__ import annotations

import copy
import logging
import os
import subprocess
import sys

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

import spanbridge as sb
from otlp_receivers import Answer, http_receiver, rotel
from spanbridge.conventions.logs import severity_number
from spanbridge_otlp import OTLPExporter
from spanbridge_otlp.settings import resolve_logs

log = logging.getLogger("shop")


@pytest.fixture(autouse=True)
def stored_logs():
    """Log records from warning on are stored with spans."""
    sb.instrument_logging()
    yield
    sb.uninstrument_logging()


def attributes_of(record) -> dict:
    """The attributes of a log record."""
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in record.attributes}


def failing_tool() -> str:
    """A span with two stored log records; its id."""
    with sb.tool_call("search") as tool:
        log.info("not stored")
        log.warning("the key %s was slow", "sk-proj-" + "a1B2c3D4e5" * 4, extra={"order": 5, "deep": {"a": 1}})
        try:
            raise ValueError("bad")
        except ValueError:
            log.exception("failed")
    return tool.span_id


def test_records_are_only_read(receiver, exporter) -> None:
    """What is sent is the records that all exits share: they stay as they were, also those with log records."""
    memory = sb.InMemoryExporter()
    with sb.Observability(store=False, exporters=[memory]) as observability:
        with observability.model_generation(model="m", input=[{"role": "user", "content": "q"}], tags=["t"]) as span:
            log.warning("slow")
            span.set(output={"role": "assistant", "content": "a"})
        observability.flush()
    (record,) = memory.spans
    before = copy.deepcopy(vars(record))
    exporter.export([record])

    assert vars(record) == before
    assert exporter.only_reads
    (sent,) = receiver.spans
    assert [event.name for event in sent.events] == ["log"]


def test_stored_log_records(receiver, exporter, configured) -> None:
    """Severity, redacted text, extra, exception and ids; the span keeps its events."""
    configured(exporter)
    span_id = failing_tool()
    sb.flush()
    warning, error = receiver.wait_for_logs(2)
    (span,) = receiver.spans

    assert [(item.severity_number, item.severity_text) for item in (warning, error)] == [(13, "WARNING"), (17, "ERROR")]
    assert warning.body.string_value == "the key [REDACTED] was slow"
    assert {warning.span_id.hex(), error.span_id.hex()} == {span_id}
    assert warning.trace_id.hex() == span.trace_id
    said = attributes_of(warning)
    assert (said["logger.name"], said["order"], said["deep"]) == ("shop", 5, '{"a":1}')
    assert attributes_of(error)["exception.type"] == "ValueError"
    assert "ValueError: bad" in attributes_of(error)["exception.stacktrace"]
    assert [event.time_ns for event in span.events] == [warning.time_unix_nano, error.time_unix_nano]
    (group,) = receiver.log_requests[0].resource_logs
    resource = {pair.key: pair.value.string_value for pair in group.resource.attributes}
    assert (resource["service.name"], resource["deployment.environment.name"]) == ("shop", "test")


@pytest.fixture
def levels():
    """Levels of the application's own; `logging` cannot forget them."""
    for number, name in ((5, "TRACE"), (25, "NOTICE"), (35, "ALERT"), (70, "DISASTER")):
        logging.addLevelName(number, name)


@pytest.mark.parametrize(
    ("level", "text", "number"),
    [
        (logging.WARNING, "WARNING", 13),
        (logging.CRITICAL, "CRITICAL", 21),
        (35, "ALERT", 15),
        (45, "Level 45", 19),
        (70, "DISASTER", 24),
    ],
)
def test_levels(level, text, number, http, configured, levels) -> None:
    """Levels of one's own stand between OpenTelemetry's as they do between Python's."""
    configured(OTLPExporter(endpoint=http.endpoint))
    with sb.generic("g"):
        log.log(level, "said")
    sb.flush()
    (record,) = http.wait_for_logs(1)

    assert (record.severity_text, record.severity_number) == (text, number)


@pytest.mark.parametrize(
    ("name", "number"),
    [("TRACE", 3), ("DEBUG", 5), ("INFO", 9), ("NOTICE", 11), ("ERROR", 17), ("NOTSET", 0), ("", 0), ("unheard of", 0)],
)
def test_names_of_levels(name, number, levels) -> None:
    """Names that `logging` does not know have no severity."""
    assert severity_number(name) == number


def test_through_a_collector(protocol, configured, tmp_path) -> None:
    """A real collector takes them and passes them on."""
    with http_receiver() as behind, rotel(behind, tmp_path) as running:
        endpoint = running.http_endpoint if protocol == "http/protobuf" else running.grpc_endpoint
        configured(OTLPExporter(endpoint=endpoint, protocol=protocol))
        failing_tool()
        sb.flush()

        assert [item.body.string_value for item in behind.wait_for_logs(2)][1] == "failed"


def test_a_receiver_without_log_records(receiver, protocol, exporter, configured, caplog) -> None:
    """It is told once and not asked again; spans go on."""
    receiver.log_answers = [Answer("UNIMPLEMENTED" if protocol == "grpc" else 404)]
    configured(exporter)
    for _ in range(2):
        failing_tool()
        sb.flush()

    assert receiver.log_requests == []
    assert len(receiver.spans) == 2
    assert len([message for message in caplog.messages if "takes no log records" in message]) == 1
    assert sb.stats()["exporters"]["otlp logs"]["rejected"] == {"not_taken": 4}


def counts() -> dict:
    """The account of the log records."""
    return sb.stats()["exporters"]["otlp logs"]


def refusing(protocol: str, *, final: bool = False) -> Answer:
    """An answer that asks for patience, or one that says no."""
    return Answer(("INVALID_ARGUMENT" if final else "UNAVAILABLE") if protocol == "grpc" else 400 if final else 503)


def test_log_records_wait(receiver, protocol, exporter, configured) -> None:
    """What did not arrive is tried again by itself, in requests of a bounded size; the spans do not wait for it."""
    receiver.log_answers = [refusing(protocol)] * 2
    configured(exporter)
    for _ in range(2):
        failing_tool()

    assert sb.flush() is True
    assert (len(receiver.spans), len(receiver.logs)) == (2, 4)
    assert counts() == {"delivered": 4, "pending": 0, "rejected": {}, "expired": 0}


def test_a_receiver_of_small_requests(http, configured, caplog) -> None:
    """Many large log records go in parts that the receiver takes, also after it took none for a while; each arrives once."""
    limit = 300_000
    http.log_answers = [Answer(503)] * 3
    http.always_logs = lambda data: Answer(413) if len(data) > limit else Answer()
    configured(OTLPExporter(endpoint=http.endpoint))
    for number in range(60):
        with sb.generic("g"):
            log.warning("%d %s", number, "y" * 30_000)
    assert sb.flush(timeout=20) is True

    assert sorted(int(item.body.string_value.split()[0]) for item in http.logs) == list(range(60))
    assert (counts()["delivered"], sb.stats()["exporters"]["otlp"]["delivered"]) == (60, 60)


def test_max_request_bytes(http, configured) -> None:
    """The setting holds for log records too."""
    configured(OTLPExporter(endpoint=http.endpoint, max_request_bytes=100_000))
    for number in range(20):
        with sb.generic("g"):
            log.warning("%d %s", number, "y" * 30_000)
    assert sb.flush() is True

    assert len(http.logs) == 20
    assert max(request.ByteSize() for request in http.log_requests) <= 100_000


@pytest.mark.parametrize("guilty", [{2}, {0, 1, 2, 3}, {7}])
def test_one_that_is_refused(guilty, http, configured) -> None:
    """A log record that the receiver does not accept takes no others with it."""
    http.always_logs = lambda data: Answer(400) if b"BAD" in data else Answer()
    configured(OTLPExporter(endpoint=http.endpoint))
    with sb.generic("g"):
        for number in range(8):
            log.warning("%d %s", number, "BAD" if number in guilty else "good")
    sb.flush()

    assert sorted(int(item.body.string_value[0]) for item in http.logs) == sorted(set(range(8)) - guilty)
    assert (counts()["delivered"], counts()["rejected"]) == (8 - len(guilty), {"bad_request": len(guilty)})
    assert sb.stats()["exporters"]["otlp"]["delivered"] == 1


def test_partial_success_of_log_records(receiver, exporter, configured) -> None:
    """The part that was refused is counted."""
    response = ExportLogsServiceResponse()
    response.partial_success.rejected_log_records = 1
    receiver.log_answers = [Answer(body=response.SerializeToString())]
    configured(exporter)
    failing_tool()
    sb.flush()

    assert (counts()["delivered"], counts()["rejected"]) == (1, {"partial_success": 1})


def test_a_pause_that_is_asked_for(http, configured) -> None:
    """A receiver that asks for time for its log records is left alone that long, and spans go on."""
    http.log_answers = [Answer(429, headers={"Retry-After": "60"})]
    configured(OTLPExporter(endpoint=http.endpoint))
    for _ in range(3):
        failing_tool()
        assert sb.flush(timeout=0.5) is False

    assert (len(http.wait_for(3)), http.logs, http.log_answers) == (3, [], [])
    assert counts()["pending"] == 6
    sb.shutdown(timeout=0.5)
    account = counts()
    assert (account["delivered"] + account["rejected"]["shutdown_deadline"], account["pending"]) == (6, 0)
    assert account["delivered"] == len(http.logs)


def test_a_receiver_that_stalls_on_log_records(http, configured) -> None:
    """Spans are delivered and counted while log records hang, however long."""
    http.always_logs = http.stall
    configured(OTLPExporter(endpoint=http.endpoint, timeout_s=20))
    for number in range(5):
        failing_tool()
        http.wait_for(number + 1)
    assert sb.flush(timeout=0.2) is False

    assert sb.stats()["exporters"]["otlp"]["delivered"] == 5
    assert counts()["pending"] == 10
    http.stalled.set()
    assert sb.flush(timeout=20) is True
    assert counts()["delivered"] == 10


def test_too_many(http, configured, monkeypatch) -> None:
    """Log records that wait are bounded, and what does not fit is counted."""
    monkeypatch.setattr("spanbridge_otlp.log_delivery.MAX_WAITING_BYTES", 100_000)
    http.always_logs = lambda data: Answer(503)
    configured(OTLPExporter(endpoint=http.endpoint))
    for _ in range(20):
        with sb.generic("g"):
            log.warning("y" * 20_000)
    sb.flush(timeout=0.3)
    sb.shutdown(timeout=0.3)

    assert counts()["rejected"]["queue_overflow"] > 10
    assert sum(counts()["rejected"].values()) == 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child(http, configured) -> None:
    """A child sends its own log records, and none of its parent's."""
    http.log_answers = [Answer(429, headers={"Retry-After": "60"})]
    configured(OTLPExporter(endpoint=http.endpoint))
    failing_tool()
    sb.flush(timeout=0.2)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with sb.generic("g"):
                log.warning("the child's")
            code = 0 if sb.flush(timeout=10) and counts()["delivered"] == 1 else 2
        finally:
            os._exit(code)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [item.body.string_value for item in http.wait_for_logs(1)] == ["the child's"]
    sb.shutdown(timeout=0.2)


AT_EXIT = """
import logging, sys
import spanbridge as sb
from spanbridge_otlp import OTLPExporter

sb.configure(store=False, exporters=[OTLPExporter(endpoint=sys.argv[1])])
sb.instrument_logging()
with sb.generic("g"):
    logging.getLogger("shop").warning("the last")
"""


def test_at_exit(http) -> None:
    """What is recorded just before the process ends arrives, without a word."""
    command = [sys.executable, "-c", AT_EXIT, http.endpoint]

    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    assert [item.body.string_value for item in http.wait_for_logs(1)] == ["the last"]
    assert "failed" not in result.stderr


def test_events_that_are_no_log_records(http, configured) -> None:
    """An event of the application's that happens to be named so stays an event."""
    configured(OTLPExporter(endpoint=http.endpoint))
    with sb.generic("g") as span:
        span.event("log", {"level": 5})
    sb.flush()

    assert http.wait_for(1)[0].events[0].attributes == {"level": 5}
    assert http.log_requests == []


@pytest.mark.parametrize(
    ("arguments", "variables", "expected"),
    [
        ({}, {}, "http://localhost:4318/v1/logs"),
        ({"endpoint": "http://c/v1/traces"}, {}, "http://c/v1/logs"),
        ({"logs": False}, {}, None),
        ({}, {"ENDPOINT": "http://c"}, "http://c/v1/logs"),
        ({}, {"TRACES_ENDPOINT": "http://c/in"}, None),
        ({}, {"TRACES_ENDPOINT": "http://c/in", "LOGS_ENDPOINT": "http://l/in"}, "http://l/in"),
        ({}, {"TRACES_ENDPOINT": "http://c/in", "ENDPOINT": "http://g"}, "http://g/v1/logs"),
        ({"preset": "phoenix"}, {"TRACES_ENDPOINT": "http://c/in"}, "http://localhost:6006/v1/logs"),
        ({}, {"TRACES_PROTOCOL": "grpc", "ENDPOINT": "c:4317"}, "https://c:4317"),
        ({}, {"TRACES_PROTOCOL": "grpc", "LOGS_PROTOCOL": "http/protobuf", "ENDPOINT": "http://c"}, "http://c/v1/logs"),
        ({}, {"TRACES_PROTOCOL": "grpc", "LOGS_ENDPOINT": "http://c/in"}, "http://c/in"),
    ],
)
def test_where_they_go(arguments, variables, expected) -> None:
    """Beside the spans, unless a variable says otherwise; nowhere, where only an address for traces is known."""
    settings = resolve_logs(arguments, {f"OTEL_EXPORTER_OTLP_{name}": value for name, value in variables.items()})

    assert (settings and settings.endpoint) == expected
