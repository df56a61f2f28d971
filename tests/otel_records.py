"""Records that have ended, for tests of the conventions."""

from __future__ import annotations

from typing import Any

from spanbridge.model.payload import snapshot
from spanbridge.model.span import SpanRecord
from spanbridge.model.span_types import SpanType

TRACE_ID, SPAN_ID, OTHER_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "00f067aa0ba902b7"
START = 1_790_000_000_000_000_000


def record(span_type: SpanType = SpanType.GENERIC, **fields: Any) -> SpanRecord:
    """A record that has ended, as exporters get it; content fields and the others by name."""
    content = {"name": "n", "attributes": {}}
    others: dict[str, Any] = {"ended_at": START + 5_000_000, "service_name": "svc", "environment": "test"}
    for field, value in fields.items():
        if isinstance(getattr(SpanRecord, field, None), type(SpanRecord.name)):
            content[field] = value
        else:
            others[field] = value
    made = SpanRecord(
        TRACE_ID,
        SPAN_ID,
        span_type,
        START,
        {field: snapshot(value) for field, value in content.items() if value is not None},
        **others,
    )
    made.encode_document()
    return made
