"""What a receiver's answers do: to a batch, to the counts, and to what people are told."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

import spanbridge as sb
from otlp_receivers import Answer, free_ports, http_receiver, partial_success
from spanbridge.protocols import Delivered, Rejected, Retry
from spanbridge_otlp import OTLPExporter
from spanbridge_otlp.answers import AUTHORIZATION_PAUSE_S, GRPC_ANSWERS, HTTP_ANSWERS, retry_after_s
from spanbridge_otlp.decoding import decode_spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def test_success(exporter, receiver, make_span) -> None:
    """An empty answer with success means that the whole batch has arrived."""
    assert exporter.export([make_span("one"), make_span("two")]) == Delivered()
    assert len(receiver.spans) == 2


KEY = "sk-proj-" + "a1B2c3D4e5" * 4


def test_partial_success(exporter, receiver, make_span) -> None:
    """The part that a receiver refused is counted; what it says of it is told, redacted, on one line and short."""
    receiver.answers.append(Answer(body=partial_success(2, f"over quota,\nkey {KEY} " + "x" * 5000)))

    result = exporter.export([make_span(), make_span(), make_span()])

    assert (result.rejected, result.reason) == (2, "partial_success")
    assert "refused them: 'over quota, key [REDACTED] xxx" in result.advice
    assert "\n" not in result.advice
    assert len(result.advice) < 400


def test_a_warning_without_a_refusal(exporter, receiver, make_span, caplog) -> None:
    """A receiver that took everything and has something to say is heard, once."""
    receiver.always = lambda request: Answer(body=partial_success(0, f"deprecated endpoint, key {KEY}"))

    assert [exporter.export([make_span()]) for _ in range(2)] == [Delivered(), Delivered()]
    (line,) = caplog.messages
    assert "took everything, and warns: 'deprecated endpoint, key [REDACTED]'" in line


def test_partial_success_is_counted(receiver, exporter, configured) -> None:
    """Every span is accounted for, the refused ones by their reason."""
    receiver.always = lambda request: Answer(body=partial_success(1))
    configured(exporter)
    with sb.workflow_run("w"):
        pass
    sb.flush()

    assert sb.stats()["exporters"]["otlp"] == {
        "delivered": 0,
        "pending": 0,
        "rejected": {"partial_success": 1},
        "expired": 0,
    }


@pytest.mark.parametrize("status", sorted({*HTTP_ANSWERS, 301, 402, 418, 520}))
def test_every_status_of_http(status, http, make_span) -> None:
    """Each status is retried or rejected, with a reason, and with one line that names it and a fix."""
    exporter = OTLPExporter(endpoint=http.endpoint)
    http.answers.append(Answer(status, b"your key is sk-secret", {"Location": "http://127.0.0.1:9/"}))

    result = exporter.export([make_span()])

    assert isinstance(result, (Retry, Rejected))
    assert isinstance(result, Retry) == (status in {401, 403, 408, 429, 500, 502, 503, 504, 520})
    assert str(status) in result.advice or status == 408
    assert "sk-secret" not in result.advice
    assert len(http.requests) == 1  # no redirect is followed
    exporter.shutdown(0)


@pytest.mark.parametrize("code", sorted({*GRPC_ANSWERS, "NOT_FOUND", "FAILED_PRECONDITION"}))
def test_every_code_of_grpc(code, make_span) -> None:
    """Each code is retried or rejected, with a reason and a fix."""
    from otlp_receivers import grpc_receiver

    with grpc_receiver() as receiver:
        exporter = OTLPExporter(endpoint=receiver.endpoint, protocol="grpc")
        receiver.answers.append(Answer(code, b"your key is sk-secret"))

        result = exporter.export([make_span()])

        final = {"INVALID_ARGUMENT", "UNIMPLEMENTED", "NOT_FOUND", "FAILED_PRECONDITION"}
        assert isinstance(result, Rejected if code in final else Retry)
        assert result.advice
        assert "sk-secret" not in result.advice
        exporter.shutdown(0)


@pytest.mark.parametrize(
    ("header", "expected"),
    [("7", 7.0), (" 0 ", 0.0), ("-3", None), ("1.5", None), ("soon", None), ("9" * 400, 999_999_999.0), (None, None)],
)
def test_pauses_that_a_header_asks_for(header, expected) -> None:
    """Seconds are taken as they are, anything that is neither seconds nor a date asks for nothing."""
    assert retry_after_s(header) == expected


def test_pause_until_a_date() -> None:
    """A date asks for the time until then; one that is over asks for no pause."""
    now = datetime(2026, 11, 21, 12, 0, 0, tzinfo=timezone.utc)
    at = format_datetime(now + timedelta(seconds=90), usegmt=True)

    assert retry_after_s(at, now.timestamp) == 90.0
    assert retry_after_s(at, (now + timedelta(hours=1)).timestamp) == 0.0


def test_pause_over_http(http, make_span) -> None:
    """Retry-After goes to the runner, which keeps it."""
    exporter = OTLPExporter(endpoint=http.endpoint)
    http.answers.append(Answer(429, headers={"Retry-After": "3"}))

    result = exporter.export([make_span()])

    assert (result.after_s, result.reason) == (3.0, "rate_limited")
    exporter.shutdown(0)


@pytest.mark.parametrize("place", ["google.rpc.retryinfo-bin", "grpc-status-details-bin"])
def test_pause_over_grpc(place, make_span) -> None:
    """RetryInfo goes to the runner, from both places where servers put it."""
    from google.protobuf.any_pb2 import Any
    from google.rpc.error_details_pb2 import RetryInfo
    from google.rpc.status_pb2 import Status

    from otlp_receivers import grpc_receiver

    info = RetryInfo()
    info.retry_delay.FromMilliseconds(2500)
    packed = Any()
    packed.Pack(info)
    data = info if place.startswith("google") else Status(code=8, details=[packed])
    with grpc_receiver() as receiver:
        exporter = OTLPExporter(endpoint=receiver.endpoint, protocol="grpc")
        receiver.answers.append(Answer("RESOURCE_EXHAUSTED", headers={place: data.SerializeToString().hex()}))

        assert exporter.export([make_span()]).after_s == 2.5
        exporter.shutdown(0)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<html>log in</html>", {"Content-Type": "text/html; charset=utf-8"}),
        Answer(200, b"\xff\xff\xff", {}),
        Answer(200, b"[1, 2]", {"Content-Type": "application/json"}),
        Answer(200, b"{not json", {"Content-Type": "application/json"}),
        Answer(200, b'{"partialSuccess": {"rejectedSpans": "many"}}', {"Content-Type": "application/json"}),
    ],
)
def test_garbage_is_no_success(answer, http, make_span) -> None:
    """A proxy's page or a broken message with status 200 does not mean that the spans have arrived."""
    exporter = OTLPExporter(endpoint=http.endpoint)
    http.answers.append(answer)

    result = exporter.export([make_span()])

    assert isinstance(result, Retry)
    assert result.reason == "garbled_answer"
    exporter.shutdown(0)


@pytest.mark.parametrize(
    ("body", "kind", "rejected"),
    [
        (b"{}", "application/json", 0),
        (b"", "application/json", 0),
        (b'{"partialSuccess": {"rejectedSpans": "3"}, "traceIds": []}', "application/json; charset=utf-8", 3),
        (b"", "text/plain", 0),
        (b"OK", "text/plain", 0),
        (b"{}", "", 0),
        (b'{"partialSuccess": {"rejectedSpans": 2}}', "text/plain", 2),
    ],
)
def test_answers_of_backends(body, kind, rejected, http, make_span) -> None:
    """Some answer protobuf with JSON, or with fields of their own, or with nothing."""
    exporter = OTLPExporter(endpoint=http.endpoint)
    http.answers.append(Answer(200, body, {"Content-Type": kind}))

    result = exporter.export([make_span()])

    assert isinstance(result, Delivered)
    assert result.rejected == rejected
    exporter.shutdown(0)


def test_nobody_listens(protocol, make_span) -> None:
    """A refused connection is tried again; people are told the address and what to do."""
    (port,) = free_ports(1)
    exporter = OTLPExporter(endpoint=f"http://user:pw@127.0.0.1:{port}?key=secret", protocol=protocol, timeout_s=2)

    result = exporter.export([make_span()])

    assert isinstance(result, Retry)
    assert result.reason in {"unreachable", "timeout"}
    assert str(port) in result.advice
    assert "start the collector" in result.advice or "slow" in result.advice
    assert "secret" not in result.advice
    assert "pw@" not in result.advice
    exporter.shutdown(0)


@contextlib.contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """The endpoint of a server that hands its one connection to `answer`."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join(60)


@pytest.mark.parametrize("answer", [b"garbage\r\n\r\n", b"220 mail.example ESMTP\r\n", b"HTTP/1.1 what\r\n\r\n"])
def test_something_else_listens(answer, make_span) -> None:
    """A port of another protocol answers: to start the collector would not help."""
    with answering(lambda connection: connection.sendall(answer)) as endpoint:
        exporter = OTLPExporter(endpoint=endpoint, timeout_s=10)
        result = exporter.export([make_span()])
        exporter.shutdown(0)

    assert isinstance(result, Retry)
    assert result.reason == "garbled_answer"
    assert "something else than HTTP" in result.advice
    assert "start the collector" not in result.advice


def test_a_receiver_that_stalls(receiver, protocol, make_span) -> None:
    """A request ends with its timeout."""
    exporter = OTLPExporter(endpoint=receiver.endpoint, protocol=protocol, timeout_s=0.2)
    receiver.always = receiver.stall

    result = exporter.export([make_span()])

    assert isinstance(result, Retry)
    assert result.reason == "timeout"
    exporter.shutdown(0)


def test_a_receiver_that_drips(make_span) -> None:
    """An answer that comes in drops ends with the timeout, not with the last drop."""
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        with contextlib.suppress(OSError):
            while not stop.wait(0.05):
                connection.sendall(b"x")

    with answering(drip) as endpoint:
        exporter = OTLPExporter(endpoint=endpoint, timeout_s=0.5)
        result = exporter.export([make_span()])
        stop.set()
    assert isinstance(result, Retry)
    exporter.shutdown(0)


@pytest.mark.parametrize(
    ("status", "code", "reason"), [(400, "INVALID_ARGUMENT", "bad_request"), (413, None, "too_large")]
)
def test_one_span_takes_no_other_with_it(
    status, code, reason, receiver, protocol, exporter, configured, caplog
) -> None:
    """A batch that is refused for one span is halved until that span is found: all others arrive, and are counted as delivered."""
    code = code or "RESOURCE_EXHAUSTED"

    def refuse_one(request):
        guilty = any(span.name == "guilty" for span in decode_spans(request.message))
        body = b"Received message larger than max (9 vs. 8)" if code == "RESOURCE_EXHAUSTED" else b""
        return Answer(code if protocol == "grpc" else status, body) if guilty else Answer()

    receiver.always = refuse_one
    memory = configured(exporter, write_interval_ms=5000)
    for number in range(40):
        with sb.generic("guilty" if number == 17 else f"span {number}"):
            pass
    assert sb.flush(timeout=20)

    assert sorted(span.name for span in receiver.spans) == sorted(f"span {n}" for n in range(40) if n != 17)
    assert sb.stats()["exporters"]["otlp"] == {
        "delivered": 39,
        "pending": 0,
        "rejected": {reason: 1},
        "expired": 0,
    }
    assert len(memory.spans) == 40
    assert any(f"rejected 1 records: {reason}. " in message for message in caplog.messages)


def test_a_server_error_that_one_span_causes(http, configured, contained_places) -> None:
    """A 500 is tried again; where one span causes it, that span is found, and the others arrive."""
    http.always = lambda request: Answer(
        500 if any(span.name == "guilty" for span in decode_spans(request.message)) else 200
    )
    configured(OTLPExporter(endpoint=http.endpoint), write_interval_ms=5000)
    for name in ("a", "b", "guilty", "c"):
        with sb.generic(name):
            pass

    assert sb.flush(timeout=20)
    assert sorted(span.name for span in http.spans) == ["a", "b", "c"]
    assert sb.stats()["exporters"]["otlp"]["rejected"] == {"export_error": 1}


def test_batches_are_split_by_bytes(receiver, protocol, configured) -> None:
    """No request is larger than allowed, unless a single span is; every span arrives once."""
    limit = 20_000
    configured(
        OTLPExporter(endpoint=receiver.endpoint, protocol=protocol, max_request_bytes=limit), write_interval_ms=5000
    )
    for number in range(30):
        with sb.generic(f"span {number}", input="x" * (2_000 if number != 7 else 50_000)):
            pass

    assert sb.flush(timeout=20)
    assert sorted(span.name for span in receiver.spans) == sorted(f"span {number}" for number in range(30))
    for request in receiver.requests:
        assert request.message.ByteSize() <= limit or len(decode_spans(request.message)) == 1
    assert len(receiver.requests) < 12


def test_an_outage_loses_nothing(receiver, exporter, configured, contained_places) -> None:
    """While a receiver is away spans wait, in order; the store has them meanwhile, and they arrive when it is back."""
    receiver.answers += [Answer("UNAVAILABLE" if "grpc" in repr(exporter) else 503)] * 2
    memory = configured(exporter)
    with sb.agent_run("support", input="Where is order 7?"):
        pass

    memory.wait_for(1)
    assert receiver.wait_for(1)[0].name == "invoke_agent support"
    assert sb.flush()
    assert sb.stats()["exporters"]["otlp"]["delivered"] == 1


def test_a_refused_key_is_waited_for_and_told(receiver, protocol, exporter, configured, caplog) -> None:
    """One line says what to do; spans are kept, and at the end they are counted."""
    receiver.always = lambda request: Answer("UNAUTHENTICATED" if protocol == "grpc" else 401, b"sk-secret")
    configured(exporter)
    with caplog.at_level(logging.WARNING, "spanbridge"):
        with sb.agent_run("support"):
            pass
        receiver.wait_for_requests(1)
        sb.shutdown(timeout=1)

    (line,) = [message for message in caplog.messages if "retries" in message]
    assert "unauthorized" in line
    assert "OTEL_EXPORTER_OTLP_HEADERS" in line
    assert "sk-secret" not in caplog.text
    assert len(receiver.requests) == 1
    assert sb.stats()["exporters"]["otlp"]["rejected"] == {"shutdown_deadline": 1}
    assert AUTHORIZATION_PAUSE_S > 1


def test_a_connection_that_was_closed_is_opened_again(http, make_span) -> None:
    """A receiver may close connections that rest; the next batch finds another."""
    exporter = OTLPExporter(endpoint=http.endpoint)
    http.answers.append(Answer(headers={"Connection": "close"}))

    assert exporter.export([make_span()]) == Delivered()
    assert exporter.export([make_span()]) == Delivered()
    exporter.shutdown(0)


def test_doctor_says_what_is_wrong(tmp_path) -> None:
    """The canary does not arrive: the doctor names the status and the fix."""
    from spanbridge.configuration.doctor import examine

    with http_receiver() as receiver:
        receiver.always = lambda request: Answer(404)
        checks = examine({"exporters": [OTLPExporter(endpoint=receiver.endpoint)], "store": False})
    by_part = {check.part: check for check in checks}

    assert by_part["exporter otlp: endpoint"].state == "on"
    assert by_part["canary at otlp"].state == "problem"
    assert "404" in by_part["canary at otlp"].fix
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in by_part["canary at otlp"].fix


def test_doctor_shows_no_secret(monkeypatch) -> None:
    """The doctor shows names of headers, and the address without its credentials."""
    from spanbridge.configuration.doctor import examine

    with http_receiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint.replace("//", "//user:hunter2@"))
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=sk-very-secret")
        checks = examine({"exporters": ["otlp"], "store": False})
    text = "\n".join(f"{check.part} {check.state} {check.why} {check.fix}" for check in checks)

    assert "x-api-key" in text
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in text
    assert "sk-very-secret" not in text
    assert "hunter2" not in text
    assert next(check for check in checks if check.part == "canary at otlp").state == "on"
    assert receiver.spans[0].name.startswith("execute_tool spanbridge doctor canary")
