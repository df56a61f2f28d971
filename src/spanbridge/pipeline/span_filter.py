"""An application's choice of spans, made when they have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanbridge.containment import contain

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanbridge.model.span import SpanRecord


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
            return bool(self._function(record.own_copy()))
        except BaseException as error:  # noqa: BLE001 - SystemExit or CancelledError would end the pipeline's thread
            contain(self._place, error)
            self._count_error()
            return True
