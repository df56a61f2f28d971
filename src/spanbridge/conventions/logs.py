"""Log records that were stored with a span (`sb.instrument_logging()`), as OpenTelemetry's log records."""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from spanbridge.conventions.values import written
from spanbridge.conventions.writing import resource_of
from spanbridge.model.payload import decode

if TYPE_CHECKING:
    from spanbridge.model.span import SpanRecord

LOG_EVENT = "log"
"""The name of the events that stored log records are."""
MAX_SEVERITY = 24
_EXCEPTION_KEYS = {"type": "exception.type", "message": "exception.message", "stack": "exception.stacktrace"}


class OtelLog(NamedTuple):
    """One log record; `time_ns` since the epoch."""

    time_ns: int
    severity_number: int
    severity_text: str
    body: str
    attributes: dict[str, Any]
    trace_id: str
    span_id: str
    resource: dict[str, Any]


def write_logs(record: SpanRecord) -> list[OtelLog]:
    """The log records that are stored with `record`, which has ended."""
    # Most spans have none: told without decoding their content.
    if record.document and b'"name":"log"' not in record.document:
        return []
    events: Any = decode(record.document).get("events") if record.document else record.events
    logs: list[OtelLog] = []
    for event in events if isinstance(events, list) else ():
        if not isinstance(event, dict) or event.get("name") != LOG_EVENT or type(event.get("time")) is not int:
            continue
        said = event.get("attributes")
        if not isinstance(said, dict) or not isinstance(message := said.get("message"), str):
            continue  # an event of the application's that happens to have the name
        level = said.get("level")
        level = level if isinstance(level, str) else ""
        logs.append(
            OtelLog(
                event["time"],
                severity_number(level),
                level,
                message,
                _attributes(said),
                record.trace_id,
                record.span_id,
                resource_of(record.service_name, record.environment),
            )
        )
    return logs


def severity_number(level: str) -> int:
    """The SeverityNumber (https://opentelemetry.io/docs/specs/otel/logs/data-model/#severity-fields) of a level by its name; 0 for one
    that `logging` does not know in this process.

    Python's levels are 10 apart, those of OpenTelemetry 4: DEBUG, 10, is 5; INFO, 20, is 9; a level of one's own between two is between.
    """
    number: Any = logging.getLevelName(level)  # pyright: ignore[reportDeprecated] - what replaces it came with 3.11
    if not isinstance(number, int):
        digits = level.removeprefix("Level ")
        if not digits.isdecimal() or len(digits) > 9:
            return 0
        number = int(digits)
    return min(max(1 + 2 * number // 5, 1), MAX_SEVERITY) if number > 0 else 0


def _attributes(said: dict[str, Any]) -> dict[str, Any]:
    """`extra` by its own names, the exception by those of the conventions, and anything else that the event holds."""
    values: dict[str, Any] = {}
    for name, value in said.items():
        if name == "extra" and isinstance(value, dict):
            values.update(value)
        elif name == "exception" and isinstance(value, dict):
            values.update({_EXCEPTION_KEYS.get(part, f"exception.{part}"): item for part, item in value.items()})
        elif name == "logger":
            values["logger.name"] = value
        elif name not in ("level", "message"):
            values[name] = value
    return written(values)
