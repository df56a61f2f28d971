"""An OpenTelemetry span as plain data: between our record and whatever carries it (protobuf, a live SDK span, a file)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Kind = Literal["internal", "server", "client", "producer", "consumer"]
StatusCode = Literal["unset", "ok", "error"]
SCOPE = "spanbridge"
"""The scope of the spans that we write."""


class OtelEvent(NamedTuple):
    """Something that happened at one moment of a span; `time_ns` since the epoch."""

    name: str
    time_ns: int
    attributes: dict[str, Any]


class OtelLink(NamedTuple):
    """A relation to another span, ids as lower-case hex."""

    trace_id: str
    span_id: str
    attributes: dict[str, Any]


@dataclass(slots=True)
class OtelSpan:
    """One ended span. Attribute values are text, numbers, switches, or lists of one of these."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: Kind
    start_ns: int
    end_ns: int
    attributes: dict[str, Any]
    events: list[OtelEvent] = field(default_factory=list[OtelEvent])
    links: list[OtelLink] = field(default_factory=list[OtelLink])
    status: StatusCode = "unset"
    status_message: str = ""
    resource: dict[str, Any] = field(default_factory=dict[str, Any])
    """Attributes of the process that recorded it: service.name, deployment.environment.name, ..."""
    scope: str = SCOPE
    """The instrumentation that recorded it."""
    parent_is_remote: bool | None = False
    """Whether the parent is in another process; None where nobody knows."""
