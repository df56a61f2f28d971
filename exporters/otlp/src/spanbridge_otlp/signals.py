"""What OTLP carries: for each signal its path, its variables' word, its method over gRPC and the message of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

if TYPE_CHECKING:
    from google.protobuf.message import Message


class Signal(NamedTuple):
    """One signal."""

    name: str
    path: str
    variable: str
    """As in OTEL_EXPORTER_OTLP_TRACES_ENDPOINT."""
    method: str
    response: type[Message]


TRACES = Signal(
    "traces",
    "/v1/traces",
    "TRACES",
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    ExportTraceServiceResponse,
)
LOGS = Signal(
    "logs",
    "/v1/logs",
    "LOGS",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    ExportLogsServiceResponse,
)
