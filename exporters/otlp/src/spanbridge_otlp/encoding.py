"""Spans as OTLP's protobuf messages."""

from __future__ import annotations

from collections import defaultdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

    from spanbridge.conventions.otel_span import OtelSpan

SCOPE = "spanbridge"
VERSION = version("spanbridge")
SDK_ATTRIBUTES = {
    "telemetry.sdk.name": "spanbridge",
    "telemetry.sdk.language": "python",
    "telemetry.sdk.version": VERSION,
}

KINDS = {
    "internal": Span.SPAN_KIND_INTERNAL,
    "server": Span.SPAN_KIND_SERVER,
    "client": Span.SPAN_KIND_CLIENT,
    "producer": Span.SPAN_KIND_PRODUCER,
    "consumer": Span.SPAN_KIND_CONSUMER,
}
STATUS_CODES = {"unset": Status.STATUS_CODE_UNSET, "ok": Status.STATUS_CODE_OK, "error": Status.STATUS_CODE_ERROR}
_SAMPLED, _KNOWS_REMOTE = 0x01, 0x100


def encode_spans(
    spans: Sequence[OtelSpan], variable_attributes: Mapping[str, str], resource_attributes: Mapping[str, Any]
) -> ExportTraceServiceRequest:
    """One request with all of `spans`, grouped by their resource.

    Args:
        variable_attributes: Of the resource; what a span says of its service and environment wins over them.
        resource_attributes: Of the resource; they win over everything.
    """
    request = ExportTraceServiceRequest()
    groups: dict[tuple[Any, ...], list[OtelSpan]] = defaultdict(list)
    for span in spans:
        groups[tuple(span.resource.items())].append(span)
    for resource, members in groups.items():
        group = request.resource_spans.add()
        said = {key: value for key, value in resource if value}
        _encode_attributes(
            group.resource.attributes, {**SDK_ATTRIBUTES, **variable_attributes, **said, **resource_attributes}
        )
        scope = group.scope_spans.add()
        scope.scope.name = SCOPE
        scope.scope.version = VERSION
        for span in members:
            _encode_span(scope.spans.add(), span)
    return request


def _encode_span(message: Span, span: OtelSpan) -> None:
    message.trace_id = bytes.fromhex(span.trace_id)
    message.span_id = bytes.fromhex(span.span_id)
    if span.parent_span_id is not None:
        message.parent_span_id = bytes.fromhex(span.parent_span_id)
    message.name = span.name
    message.kind = KINDS[span.kind]
    message.start_time_unix_nano = span.start_ns
    message.end_time_unix_nano = span.end_ns
    message.flags = _SAMPLED | _KNOWS_REMOTE
    _encode_attributes(message.attributes, span.attributes)
    for event in span.events:
        added = message.events.add()
        added.name = event.name
        added.time_unix_nano = event.time_ns
        _encode_attributes(added.attributes, event.attributes)
    for link in span.links:
        linked = message.links.add()
        linked.trace_id = bytes.fromhex(link.trace_id)
        linked.span_id = bytes.fromhex(link.span_id)
        _encode_attributes(linked.attributes, link.attributes)
    if span.status != "unset":
        message.status.code = STATUS_CODES[span.status]
        message.status.message = span.status_message


def _encode_attributes(messages: Any, attributes: Mapping[str, Any]) -> None:
    add = messages.add
    for key, value in attributes.items():
        pair: KeyValue = add()
        pair.key = key
        # Messages are filled in place: building them from arguments costs three times as much.
        if type(value) is str:
            pair.value.string_value = value
        else:
            _encode_value(pair.value, value)


def _encode_value(message: AnyValue, value: Any) -> None:
    if isinstance(value, str):
        message.string_value = value
    elif isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, int):
        message.int_value = value
    elif isinstance(value, float):
        message.double_value = value
    else:
        items: Iterable[Any] = value
        message.array_value.SetInParent()
        for item in items:
            _encode_value(message.array_value.values.add(), item)
