from itertools import count

import pytest

from spanbridge.model.payload import snapshot
from spanbridge.model.span import SpanRecord, Status
from spanbridge.model.span_types import SpanType

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SECOND = 1_000_000_000


@pytest.fixture
def make_span():
    """Makes records as the pipeline hands them to exporters; each starts a second after the one before and takes 20 ms."""
    numbers = count(1)

    def make(
        name: str = "span",
        *,
        parent: SpanRecord | None = None,
        trace_id: str = TRACE_ID,
        type: SpanType = SpanType.GENERIC,
        status: Status = Status.OK,
        span_id: str | None = None,
        phase: str = "ended",
        **fields,
    ) -> SpanRecord:
        content_fields = {"input", "output", "error", "metadata", "tags", "links", "session_id"} & set(fields)
        content = {"name": name, **{field: snapshot(fields.pop(field)) for field in content_fields}}
        content["attributes"] = {key: snapshot(value) for key, value in fields.pop("attributes", {}).items()}
        number = next(numbers)
        running = status is Status.RUNNING
        fields.setdefault("started_at", number * SECOND)
        fields.setdefault("ended_at", None if running else fields["started_at"] + SECOND // 50)
        fields.setdefault("parent_span_id", parent and parent.span_id)
        record = SpanRecord(
            trace_id=trace_id if parent is None else parent.trace_id,
            span_id=span_id or f"{number:016x}",
            type=type,
            status=status,
            phase="running" if running and phase == "ended" else phase,
            content=content,
            **fields,
        )
        record.encode_document()
        return record

    return make
