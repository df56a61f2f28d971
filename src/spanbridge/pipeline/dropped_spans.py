"""Spans that the application dropped at their end: where their children belong."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spanbridge.model.span import SpanRecord

MAX_REMEMBERED = 10_000
"""Dropped spans whose late children still find the next ancestor."""
MAX_LEVELS = 100
"""Dropped spans between a span and its parent; beyond it, as where a processor wrote ids in a circle, the span becomes a root."""


class DroppedSpans:
    """By id, the parent and the external parent of each."""

    def __init__(self) -> None:
        self._parents: OrderedDict[str, tuple[str | None, str | None]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._parents)

    def __contains__(self, span_id: str | None) -> bool:
        return span_id in self._parents

    def add(self, record: SpanRecord) -> None:
        """Remembers a span that was dropped."""
        self._parents[record.span_id] = (record.parent_span_id, record.external_parent_span_id)
        if len(self._parents) > MAX_REMEMBERED:
            self._parents.popitem(last=False)

    def reattach(self, record: SpanRecord) -> SpanRecord:
        """Puts the record, in place, under its nearest ancestor that was not dropped."""
        parents = self._parents
        if record.parent_span_id in parents:
            for _ in range(MAX_LEVELS):
                record.parent_span_id, record.external_parent_span_id = parents[record.parent_span_id]
                if record.parent_span_id not in parents:
                    return record
            record.parent_span_id = None
        return record
