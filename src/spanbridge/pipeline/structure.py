"""What the application's processors may make of a record's structure: a value that does not fit is replaced by the one before.

Content other than the name may be anything: it is encoded as `span.set` would. The structure is what the exits index, compare and count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spanbridge.containment import warn
from spanbridge.model.identifiers import is_span_id, is_trace_id
from spanbridge.model.span import Status
from spanbridge.model.span_types import SpanType

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanbridge.model.span import SpanRecord


def structure_of(record: SpanRecord) -> tuple[Any, ...]:
    """The values that the others go back to."""
    return tuple([getattr(record, field) for field in _KINDS])


def reset_structure(record: SpanRecord, before: tuple[Any, ...]) -> None:
    """Undoes what a processor did that dropped the span, or failed."""
    for field, value in zip(_KINDS, before, strict=True):
        setattr(record, field, value)


def restore_structure(record: SpanRecord, before: tuple[Any, ...]) -> None:
    """Makes every field of the structure what exits expect; strings become the `Status` and `SpanType` that they name."""
    for (field, convert), valid in zip(_KINDS.items(), before, strict=True):
        value = getattr(record, field)
        if value is valid or (type(value) is type(valid) is str and value == valid):
            continue
        try:
            setattr(record, field, convert(value))
        except Exception:  # noqa: BLE001 - a processor's value may raise anything when it is looked at
            setattr(record, field, valid)
            warn(f"structure {field}", f"a processor gave a span a {field} that is none; the one before stays")


def _fitting(fits: Callable[[Any], bool]) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        if not fits(value):
            raise ValueError
        return value

    return convert


def _is_time(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _is_count(value: Any) -> bool:
    return type(value) is int and abs(value) < 2**63


def _is_number(value: Any) -> bool:
    return type(value) is float or _is_count(value)


def _or_none(fits: Callable[[Any], bool]) -> Callable[[Any], Any]:
    return _fitting(lambda value: value is None or fits(value))


def _redactions(value: Any) -> dict[str, int]:
    if type(value) is not dict:
        raise ValueError
    counts: dict[Any, Any] = value  # pyright: ignore[reportUnknownVariableType]
    return {str.__str__(rule): int(count) for rule, count in counts.items()}


_is_text: Callable[[Any], bool] = lambda value: type(value) is str  # noqa: E731 - one of a row of predicates

_KINDS: dict[str, Callable[[Any], Any]] = {
    "name": _fitting(_is_text),
    "trace_id": _fitting(is_trace_id),
    "span_id": _fitting(is_span_id),
    "parent_span_id": _or_none(is_span_id),
    "external_parent_span_id": _or_none(is_span_id),
    "type": SpanType,
    "is_event": bool,
    "started_at": _fitting(_is_time),
    "ended_at": _or_none(_is_time),
    "status": Status,
    "service_name": _fitting(_is_text),
    "environment": _fitting(_is_text),
    "source": _fitting(_is_text),
    "redactions": _redactions,
    "model": _or_none(_is_text),
    "input_tokens": _or_none(_is_count),
    "output_tokens": _or_none(_is_count),
    "cost": _or_none(_is_number),
    "billed_input_tokens": _fitting(_is_count),
    "billed_output_tokens": _fitting(_is_count),
    "billed_cost": _fitting(_is_number),
}
