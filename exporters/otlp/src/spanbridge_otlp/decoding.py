"""OTLP's protobuf messages as spans: the inverse of `encoding`, for what comes from any exporter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spanbridge.conventions.otel_span import OtelEvent, OtelLink, OtelSpan
from spanbridge_otlp.encoding import HAS_REMOTE, IS_REMOTE, KINDS, STATUS_CODES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

_KINDS: dict[int, Any] = {number: kind for kind, number in KINDS.items()}
_STATUS_CODES: dict[int, Any] = {number: code for code, number in STATUS_CODES.items()}


def decode_spans(request: ExportTraceServiceRequest | bytes) -> list[OtelSpan]:
    """All spans of a request, as a message or serialised. Raises `google.protobuf.message.DecodeError` where it is none."""
    if isinstance(request, bytes):
        request = ExportTraceServiceRequest.FromString(request)
    spans: list[OtelSpan] = []
    for group in request.resource_spans:
        resource = _decode_attributes(group.resource.attributes)
        for scope in group.scope_spans:
            spans += (_decode_span(span, resource, scope.scope.name) for span in scope.spans)
    return spans


def _decode_span(span: Span, resource: dict[str, Any], scope: str) -> OtelSpan:
    return OtelSpan(
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex() or None,
        span.name,
        _KINDS.get(span.kind, "internal"),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        _decode_attributes(span.attributes),
        [OtelEvent(event.name, event.time_unix_nano, _decode_attributes(event.attributes)) for event in span.events],
        [OtelLink(link.trace_id.hex(), link.span_id.hex(), _decode_attributes(link.attributes)) for link in span.links],
        _STATUS_CODES.get(span.status.code, "unset"),
        span.status.message,
        resource,
        scope,
        None if not span.flags & HAS_REMOTE else bool(span.flags & IS_REMOTE),
    )


def _decode_attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _decode_value(pair.value) for pair in pairs}


def _decode_value(value: AnyValue) -> Any:
    """A value of any kind; bytes as hex, and a mapping as a dict."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    content: Any = getattr(value, kind)
    if kind == "array_value":
        return [_decode_value(item) for item in content.values]
    if kind == "kvlist_value":
        return _decode_attributes(content.values)
    return content.hex() if kind == "bytes_value" else content
