"""Log records that are stored with spans arrive as log records of OTLP, under their spans' ids."""

from __future__ import annotations

import logging

import pytest

import spanbridge as sb
from otlp_receivers import Answer, http_receiver, rotel
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
    assert len([message for message in caplog.messages if "sends no log records" in message]) == 1


def test_log_records_wait(receiver, protocol, exporter, configured) -> None:
    """What did not arrive goes with the next batch, or at the end; the spans do not wait for it."""
    receiver.log_answers = [Answer("UNAVAILABLE" if protocol == "grpc" else 503)] * 2
    configured(exporter)
    for _ in range(2):
        failing_tool()
        sb.flush()
    assert (len(receiver.spans), receiver.logs) == (2, [])

    sb.shutdown()

    assert len(receiver.logs) == 4


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
    ],
)
def test_where_they_go(arguments, variables, expected) -> None:
    """Beside the spans, unless a variable says otherwise; nowhere, where only an address for traces is known."""
    settings = resolve_logs(arguments, {f"OTEL_EXPORTER_OTLP_{name}": value for name, value in variables.items()})

    assert (settings and settings.endpoint) == expected
