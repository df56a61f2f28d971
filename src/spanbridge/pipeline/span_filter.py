"""An application's choice of spans, made when they have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanbridge.containment import contain
from spanbridge.model.span import SpanRecord

if TYPE_CHECKING:
    from collections.abc import Callable


class SpanFilter:
    """A function `record -> bool`, contained: a span that it cannot decide about passes."""

    def __init__(self, function: Callable[[SpanRecord], bool], place: str, count_error: Callable[[], None]) -> None:
        """`place` names it in the log; `count_error` is called for each exception."""
        self._function = function
        self._place = place
        self._count_error = count_error

    def passes(self, record: SpanRecord) -> bool:
        """Whether the application wants the span; it looks at a copy of its own."""
        try:
            return bool(self._function(own_copy(record)))
        except BaseException as error:  # noqa: BLE001 - SystemExit or CancelledError would end the pipeline's thread
            contain(self._place, error)
            self._count_error()
            return True


def own_copy(record: SpanRecord) -> SpanRecord:
    """A finished record once more: what is read from it, or done to it, concerns no exit."""
    fields = vars(record).copy()
    for name in _DECODED:
        fields.pop(name, None)
    copy = SpanRecord(record.trace_id, record.span_id, record.type, record.started_at, {})
    vars(copy).update(fields)
    copy.phase, copy.status = record.phase, record.status  # of an open span they stand on its class
    return copy


_DECODED = ("_content", "_live", "_encoded")
"""What a finished record may hold beside its document."""
