"""A span record as a row of `spans`, and back."""

from __future__ import annotations

from math import isfinite
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from zlib import crc32

import orjson

from spanbridge.model.span import SpanRecord, Status
from spanbridge.model.span_types import SpanType

if TYPE_CHECKING:
    from collections.abc import Sequence

SPAN_COLUMNS = (
    "sequence",
    "trace_number",
    "span_id",
    "parent_span_id",
    "type",
    "status",
    "started_at",
    "ended_at",
    "origin",
    "details",
    "crc32",
    "document",
)
DAMAGED_KEY = "spanbridge.damaged"
"""The key in the `metadata` of a span whose stored row is damaged; its value says what was found."""
MAX_TOKENS = 2**53
"""A token count beyond it is left out: no model reports it, and sums of such numbers would pass 64 bits."""
MAX_MODEL_CHARACTERS = 200
"""A longer name of a model is cut where it stands beside the content, for lists and filters; the span's attributes keep it whole."""
_MAX_INTEGER = 2**63 - 1

_DETAILS: dict[str, Any] = {
    "external_parent_span_id": None,
    "is_event": False,
    "redactions": {},
    "model": None,
    "input_tokens": None,
    "output_tokens": None,
    "cost": None,
    "billed_input_tokens": 0,
    "billed_output_tokens": 0,
    "billed_cost": 0.0,
}
"""Fields of a record that stand in `spans.details` where they differ from these values."""
_DETAIL_NAMES = tuple(_DETAILS)
_DEFAULTS = tuple(_DETAILS.values())
# Several fields in one call: it costs a third of reading them one by one.
_detail_values = attrgetter(*_DETAILS)
_NO_DETAILS: dict[str, Any] = {}
_TYPES = {item.value: item for item in SpanType}
_STATUSES = {item.value: item for item in Status}


def details_of(record: SpanRecord) -> dict[str, Any]:
    """What stands in `spans.details`, most often nothing; the caller must not change it."""
    values = _detail_values(record)
    if values == _DEFAULTS:
        return _NO_DETAILS
    details = {name: value for name, default, value in zip(_DETAIL_NAMES, _DEFAULTS, values) if value != default}  # noqa: B905 - faster
    model = details.get("model")
    if model is not None:
        details["model"] = model_text(model)
    return details


def model_text(model: Any) -> Any:
    """The name of a model as it is listed and found by."""
    return model[:MAX_MODEL_CHARACTERS]


def decode_or_empty(document: bytes | str | None) -> dict[str, Any]:
    """A stored JSON object; empty where it is missing or damaged."""
    try:
        content = orjson.loads(document or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return content if isinstance(content, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def record_of(row: Sequence[Any], trace_id: str) -> SpanRecord:
    """A span from its row: `SPAN_COLUMNS`, then its origin. A damaged row gives a marked span, never an error."""
    fields = dict(zip((*SPAN_COLUMNS, "service_name", "environment", "source"), row, strict=True))
    document = fields["document"]
    damage = ""
    if type(document) is not bytes or crc32(document) != fields["crc32"]:
        damage = "the content does not match its checksum"
        document = b'{"name":"<damaged>"}'
    span_type = _TYPES.get(fields["type"])
    status = _STATUSES.get(fields["status"])
    details = _read_details(fields["details"])
    if span_type is None or status is None or details is None or fields["source"] is None:
        damage = damage or "the row holds unknown values"
    record = SpanRecord.from_document(
        document,
        trace_id=trace_id,
        span_id=fields["span_id"],
        parent_span_id=fields["parent_span_id"],
        type=span_type or SpanType.GENERIC,
        status=status or Status.ABANDONED,
        phase="running" if status is Status.RUNNING else "ended",
        started_at=fields["started_at"],
        ended_at=fields["ended_at"],
        service_name=fields["service_name"] or "",
        environment=fields["environment"] or "",
        source=fields["source"] or "",
        **(details or {}),
    )
    if damage:
        content: dict[str, Any] = orjson.loads(document)
        content["metadata"] = {**content.get("metadata", {}), DAMAGED_KEY: damage}
        record.document = orjson.dumps(content)
    return record


def _read_details(text: str) -> dict[str, Any] | None:
    """All fields in `_DETAILS` from a stored text; None where it is damaged."""
    details: Any = {}
    if text:
        try:
            details = orjson.loads(text)
        except orjson.JSONDecodeError:
            return None
    return {**_DETAILS, "redactions": {}, **details} if isinstance(details, dict) else None


def storable(record: SpanRecord) -> SpanRecord:
    """A copy whose fields fit their columns: a wrong time becomes the nearest that fits, a wrong number is left out."""
    return SpanRecord.from_document(
        record.document,
        phase=record.phase,
        type=record.type,
        status=record.status,
        started_at=_time(record.started_at) or 0,
        ended_at=_time(record.ended_at),
        is_event=bool(record.is_event),
        redactions={_text(name): _count(count) or 0 for name, count in record.redactions.items()},
        input_tokens=_count(record.input_tokens),
        output_tokens=_count(record.output_tokens),
        cost=_amount(record.cost),
        billed_input_tokens=_count(record.billed_input_tokens) or 0,
        billed_output_tokens=_count(record.billed_output_tokens) or 0,
        billed_cost=_amount(record.billed_cost) or 0.0,
        **{name: _text(getattr(record, name)) for name in _OPTIONAL_TEXTS},
        **{name: _text(getattr(record, name)) or "" for name in _TEXTS},
    )


_OPTIONAL_TEXTS = ("parent_span_id", "external_parent_span_id", "model")
_TEXTS = ("trace_id", "span_id", "service_name", "environment", "source")


def _time(value: Any) -> int | None:
    return max(0, min(int(value), _MAX_INTEGER)) if _is_number(value) else None


def _count(value: Any) -> int | None:
    return int(value) if _is_number(value) and 0 <= value <= MAX_TOKENS else None


def _amount(value: Any) -> float | None:
    return float(value) if _is_number(value) and abs(value) <= MAX_TOKENS else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int) or (isinstance(value, float) and isfinite(value))


def _text(value: Any) -> Any:
    return None if value is None else str(value).encode("utf-8", "replace").decode()
