"""The exporter: records to OpenTelemetry spans, spans to requests, answers to results. Queue, retries and counting are the runner's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from spanbridge.conventions.writing import write_span
from spanbridge.errors import ConfigurationError
from spanbridge.pacing import Pace
from spanbridge.protocols import Delivered
from spanbridge_otlp import answers
from spanbridge_otlp.encoding import encode_spans
from spanbridge_otlp.log_delivery import LogDelivery
from spanbridge_otlp.settings import GRPC, OTLPSettings, resolve, resolve_logs
from spanbridge_otlp.signals import LOGS, TRACES, Signal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from spanbridge.conventions.otel_span import OtelSpan
    from spanbridge.model.span import SpanRecord
    from spanbridge.protocols import ExportResult


BACKLOG_RECORDS = 256
"""A batch of as many was not recorded a moment ago: more wait behind it."""


class Transport(Protocol):
    """Sends encoded requests of one signal to one endpoint."""

    def send(self, request: bytes) -> ExportResult: ...

    def close(self) -> None: ...


class OTLPExporter:
    """Sends ended spans to an OTLP receiver.

    What is not given comes from OpenTelemetry's variables (OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT, ...), then from
    the defaults. Raises ConfigurationError for a value that is wrong, and for gRPC where grpcio is not installed; nothing is sent before
    the first batch.

    Args:
        preset: A backend by its name, with endpoint, headers and variables of its own: see `PRESETS`.
        endpoint: The receiver's address: over HTTP `/v1/traces` is added where it does not end so, over gRPC it is host and port.
        protocol: "http/protobuf" (the default) or "grpc".
        headers: Sent with each request; over those of a preset or a variable.
        timeout_s: Seconds that one request may take.
        compression: "none", "gzip" or "deflate".
        certificate: File with the authorities that the receiver's certificate is checked against (PEM).
        client_key: File with the key of `client_certificate` (PEM).
        client_certificate: File with a certificate of ours, where the receiver asks for one (PEM).
        insecure: gRPC: without TLS; absent: as the endpoint's scheme says.
        resource_attributes: Attributes of the process, over those of OTEL_RESOURCE_ATTRIBUTES and of the spans.
        logs: Whether log records that are stored with spans are sent as log records too; they stay events of their spans.
        max_request_bytes: A batch that is larger is sent in parts; a single span is sent whatever its size.
        name: In `stats()`.
    """

    kind = "otlp"
    """Whatever its name: a bridge that would send the spans to OpenTelemetry too asks for it."""
    accepts_running = False
    only_reads = True

    def __init__(
        self,
        preset: str | None = None,
        *,
        endpoint: str | None = None,
        protocol: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        compression: str | None = None,
        certificate: str | Path | None = None,
        client_key: str | Path | None = None,
        client_certificate: str | Path | None = None,
        insecure: bool | None = None,
        resource_attributes: Mapping[str, Any] | None = None,
        logs: bool | None = None,
        max_request_bytes: int | None = None,
        name: str = "otlp",
    ) -> None:
        arguments = {key: value for key, value in locals().items() if key not in ("self", "name")}
        self.name = name
        self.settings: OTLPSettings = resolve(arguments)
        self._transport = _make_transport(self.settings, TRACES)
        logs_settings = resolve_logs(arguments)
        self._logs = None
        if logs_settings is not None:
            self._logs = LogDelivery(logs_settings, _make_transport(logs_settings, LOGS), name)

    def export(self, batch: Sequence[SpanRecord], /) -> ExportResult:
        """Sends a batch in one request; one that is too large is given back to be divided."""
        settings = self.settings
        request = encode_spans(_paced(batch), settings.variable_attributes, settings.resource_attributes)
        if len(batch) > 1 and len(request) > settings.max_request_bytes:
            return answers.TOO_LARGE.about("a batch is larger than max_request_bytes")
        result = self._transport.send(request)
        if self._logs is not None and isinstance(result, Delivered):
            self._logs.send_of(batch)
        return result

    def flush(self, deadline: float, /) -> bool:
        """Delivers log records that wait; every batch of spans has been answered when `export` returns."""
        return self._logs is None or self._logs.flush(deadline)

    def shutdown(self, deadline: float, /) -> None:
        """Delivers log records that wait, until `deadline`, and closes the connections."""
        self._transport.close()
        if self._logs is not None:
            self._logs.shutdown(deadline)

    def accounts(self) -> dict[str, Any]:
        """The account of the log records, as of an exit of their own."""
        return {} if self._logs is None else self._logs.accounts()

    def examine(self) -> Iterator[tuple[str, str, str, str]]:
        """What `spanbridge doctor` shows: where it sends and how; no secrets. Whether anything arrives, its canary tells."""
        settings = self.settings
        endpoint = f"{settings.protocol} to {settings.shown_endpoint} ({settings.origins['endpoint']})"
        yield "endpoint", "on", f"{endpoint}, timeout {settings.timeout_s:g} s, compression: {settings.compression}", ""
        names = ", ".join(settings.headers)
        yield "headers", "on" if names else "off", f"{names or 'none are sent'} ({settings.origins['headers']})", ""
        if self._logs is None:
            fix = "set OTEL_EXPORTER_OTLP_LOGS_ENDPOINT, or give endpoint=, to send them"
            yield "log records", "off", "those that are stored with spans are not sent as log records", fix
        else:
            yield "log records", "on", f"those that are stored with spans, to {self._logs.settings.shown_endpoint}", ""
        attributes = ", ".join({**settings.variable_attributes, **settings.resource_attributes})
        yield (
            "resource",
            "on",
            f"service.name and deployment.environment.name of the spans{attributes and ', '}{attributes}",
            "",
        )

    def __repr__(self) -> str:
        return f"OTLPExporter({self.settings.protocol} to {self.settings.shown_endpoint})"


def _paced(batch: Sequence[SpanRecord]) -> Iterator[OtelSpan]:
    """The spans of a batch, with pauses between: the application finds the interpreter free. A backlog is worked off without."""
    pace = Pace(hurries=len(batch) >= BACKLOG_RECORDS)
    for record in batch:
        yield write_span(record)
        pace.pause()


def _make_transport(settings: OTLPSettings, signal: Signal) -> Transport:
    if settings.protocol != GRPC:
        from spanbridge_otlp.http import HTTPTransport  # noqa: PLC0415 - each protocol loads its own libraries

        return HTTPTransport(settings, signal)
    try:
        from spanbridge_otlp.grpc import GRPCTransport  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"OTLP over gRPC needs the package {error.name!r}: install spanbridge[otlp-grpc], or use protocol='http/protobuf'."
        ) from error
    return GRPCTransport(settings, signal)
