"""Spans and log records as OTLP's requests, written as bytes.

Protobuf's own messages would do (`decoding` uses them, and the tests compare): filling them for each attribute costs the process two to
three times as much, and of all that an exporter does this is the most. The fields are those of opentelemetry/proto/{trace,logs}/v1,
whose numbers are stable. A field is its tag (number and wire type), and for text, bytes and messages the length, then the value.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from importlib.metadata import version
from struct import Struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from spanbridge.conventions.logs import OtelLog
    from spanbridge.conventions.otel_span import OtelSpan

SCOPE = "spanbridge"
VERSION = version("spanbridge")
SDK_ATTRIBUTES = {
    "telemetry.sdk.name": "spanbridge",
    "telemetry.sdk.language": "python",
    "telemetry.sdk.version": VERSION,
}
KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
"""Span.SpanKind."""
STATUS_CODES = {"unset": 0, "ok": 1, "error": 2}
"""Status.StatusCode."""

_FIXED64 = Struct("<Q").pack
_DOUBLE = Struct("<d").pack


class _Varints(dict[int, bytes]):
    """Numbers as they stand in a message: seven bits a byte, the lowest first; the eighth says that another follows.

    They are written when they are first asked for, and those of up to two bytes are kept: a look-up costs a fifth of a call.
    """

    def __missing__(self, number: int) -> bytes:
        groups = bytearray()
        rest = number
        while rest > 127:
            groups.append(rest & 127 | 128)
            rest >>= 7
        groups.append(rest)
        written = bytes(groups)
        if number < 1 << 14:
            self[number] = written
        return written


_VARINT = _Varints()
HAS_REMOTE, IS_REMOTE = 0x100, 0x200
"""Span.flags: whether it is known if the parent is remote, and whether it is. The lowest bit: sampled."""
_FLAGS = {
    remote: b"\x85\x01" + Struct("<I").pack(flags)
    for remote, flags in ((None, 1), (False, HAS_REMOTE | 1), (True, HAS_REMOTE | IS_REMOTE | 1))
}


def encode_spans(
    spans: Iterable[OtelSpan], variable_attributes: Mapping[str, str], resource_attributes: Mapping[str, Any]
) -> bytes:
    """One request with all of `spans`, which are taken one at a time, grouped by their resource.

    Args:
        variable_attributes: Of the resource; what a span says of its service and environment wins over them.
        resource_attributes: Of the resource; they win over everything.
    """
    return _encode(((span.resource, _span(span)) for span in spans), variable_attributes, resource_attributes)


def encode_logs(
    logs: Iterable[tuple[dict[str, Any], bytes]],
    variable_attributes: Mapping[str, str],
    resource_attributes: Mapping[str, Any],
) -> bytes:
    """One ExportLogsServiceRequest, as `encode_spans` writes spans, of resources and what `encode_log` made."""
    return _encode(logs, variable_attributes, resource_attributes)


def _encode(
    items: Iterable[tuple[dict[str, Any], bytes]],
    variable_attributes: Mapping[str, str],
    resource_attributes: Mapping[str, Any],
) -> bytes:
    # By identity: the spans of one service share their resource.
    resources: dict[int, dict[str, Any]] = {}
    groups: dict[int, list[bytes]] = defaultdict(list)
    for resource, encoded in items:
        resources[id(resource)] = resource
        groups[id(resource)] += (b"\x12", _VARINT[len(encoded)], encoded)
    request: list[bytes] = []
    for group, encoded in groups.items():
        said = {key: value for key, value in resources[group].items() if value}
        resource = {**SDK_ATTRIBUTES, **variable_attributes, **said, **resource_attributes}
        request += _group(attributes(b"\x0a", resource), encoded)
    return b"".join(request)


def _group(resource: bytes, encoded: list[bytes]) -> Iterable[bytes]:
    """The parts of ResourceSpans, or ResourceLogs, which have the same form: a resource, our scope, and what belongs to them.

    They are joined once, with all others: each join copies all that the batch holds.
    """
    scope = _field(b"\x0a", _text(b"\x0a", SCOPE) + _text(b"\x12", VERSION))
    scope_size = len(scope) + sum(map(len, encoded))
    head = _field(b"\x0a", resource) + b"\x12" + _VARINT[scope_size]
    return (b"\x0a", _VARINT[len(head) + scope_size], head, scope, *encoded)


def _span(span: OtelSpan) -> bytes:
    parts = [
        b"\x0a\x10",
        bytes.fromhex(span.trace_id),
        b"\x12\x08",
        bytes.fromhex(span.span_id),
        _name(span.name),
        b"\x30",
        _VARINT[KINDS[span.kind]],
        b"\x39",
        _FIXED64(span.start_ns),
        b"\x41",
        _FIXED64(span.end_ns),
        _FLAGS[span.parent_is_remote],
        *_attributes(b"\x4a", span.attributes),
    ]
    if span.parent_span_id is not None:
        parts += (b"\x22\x08", bytes.fromhex(span.parent_span_id))
    for event in span.events:
        content = (b"\x09", _FIXED64(event.time_ns), _text(b"\x12", event.name), attributes(b"\x1a", event.attributes))
        parts.append(_field(b"\x5a", b"".join(content)))
    for link in span.links:
        ids = b"\x0a\x10" + bytes.fromhex(link.trace_id) + b"\x12\x08" + bytes.fromhex(link.span_id)
        parts.append(_field(b"\x6a", ids + attributes(b"\x22", link.attributes)))
    if span.status != "unset":
        status = b"\x18" + _VARINT[STATUS_CODES[span.status]]
        parts.append(_field(b"\x7a", _text(b"\x12", span.status_message) + status))
    return b"".join(parts)


def encode_log(log: OtelLog) -> bytes:
    """A LogRecord."""
    return b"".join(
        (
            b"\x09",
            _FIXED64(log.time_ns),
            b"\x10",
            _VARINT[log.severity_number],
            _text(b"\x1a", log.severity_text),
            _field(b"\x2a", any_value(log.body)),
            attributes(b"\x32", log.attributes),
            b"\x45\x01\x00\x00\x00\x4a\x10",  # flags: sampled; then the trace id
            bytes.fromhex(log.trace_id),
            b"\x52\x08",
            bytes.fromhex(log.span_id),
            b"\x59",
            _FIXED64(log.time_ns),
        )
    )


def attributes(tag: bytes, values: Mapping[str, Any]) -> bytes:
    """KeyValue messages, each a field with `tag`."""
    return b"".join(_attributes(tag, values))


def _attributes(tag: bytes, values: Mapping[str, Any]) -> list[bytes]:
    """As `attributes`, in parts: each join copies what a payload holds."""
    parts: list[bytes] = []
    add = parts.append
    known = _KNOWN[tag]
    for name, value in values.items():
        cls: Any = type(value)
        if cls is str:
            if len(value) <= SHORT_TEXT:
                add(known[name, value])
                continue
            data = value.encode()
            key = _key(name)
            size = _VARINT[len(data)]
            inner = 1 + len(size) + len(data)
            any_size = _VARINT[inner]
            parts += (tag, _VARINT[len(key) + 1 + len(any_size) + inner], key, b"\x12", any_size, b"\x0a", size, data)
        elif cls is bool or (cls is int and -SMALL_NUMBER <= value <= SMALL_NUMBER):
            add(known[name, cls, value])
        elif cls is list and len(value) <= SHORT_LIST and all(map(_is_short, value)):
            add(known[name, list, tuple(value)])
        else:
            add(_key_value(tag, name, value))
    return parts


def _is_short(item: Any) -> bool:
    return type(item) is str and len(item) <= SHORT_TEXT


SHORT_TEXT = 40
"""Characters of a text that is likely to come again: types, operations, models, ids of agents and sessions."""
SHORT_LIST = 8
"""Items of a list that is: of JSON keys, reasons, tags."""
SMALL_NUMBER = 1024
MAX_KNOWN = 4096


class _Known(dict[Any, bytes]):
    """KeyValue messages that are likely to come again, fields with one tag: by name and text, or by name, class and value.

    The class tells values apart that are equal: 1 and True. They are written when they are first asked for.
    """

    def __init__(self, tag: bytes) -> None:
        self._tag = tag

    def __missing__(self, key: tuple[Any, ...]) -> bytes:
        if len(self) >= MAX_KNOWN:
            self.clear()
        self[key] = written = _key_value(self._tag, key[0], key[-1])
        return written


_KNOWN = {tag: _Known(tag) for tag in (b"\x0a", b"\x1a", b"\x22", b"\x32", b"\x4a")}


def _key_value(tag: bytes, name: str, value: Any) -> bytes:
    return _field(tag, _key(name) + _field(b"\x12", any_value(value)))


def any_value(value: Any) -> bytes:
    """The content of an AnyValue."""
    if isinstance(value, str):
        data = value.encode()
        return b"\x0a" + _VARINT[len(data)] + data
    if isinstance(value, bool):
        return b"\x10\x01" if value else b"\x10\x00"
    if isinstance(value, int):
        return b"\x18" + _VARINT[value & 0xFFFF_FFFF_FFFF_FFFF]
    if isinstance(value, float):
        return b"\x21" + _DOUBLE(value)
    items: Iterable[Any] = value
    return _field(b"\x2a", b"".join([_field(b"\x0a", any_value(item)) for item in items]))


@lru_cache(4096)
def _key(name: str) -> bytes:
    """KeyValue.key: few names come again and again."""
    return _text(b"\x0a", name)


@lru_cache(1024)
def _name(name: str) -> bytes:
    """Span.name: few come again and again, as they should."""
    return _text(b"\x2a", name)


def _text(tag: bytes, text: str) -> bytes:
    return _field(tag, text.encode())


def _field(tag: bytes, content: bytes) -> bytes:
    return tag + _VARINT[len(content)] + content
