"""Ended spans that wait for their parent's end before they go to an exit that cannot take anything back.

A processor or a span filter decides about a span at its end, when its children have ended already. In the store and on the console they
are attached to the next ancestor then; what went to a collector or a file stays as it was sent. So there a span goes out when it is
known whether its parent does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spanbridge.model.span import SpanRecord

RECORD_OVERHEAD_BYTES = 768


class Parents(Protocol):
    """What the pipeline knows of the spans that are waited for."""

    def is_open(self, span_id: str) -> bool:
        """Whether the span of that id has not ended."""
        ...

    def reattach(self, record: SpanRecord) -> SpanRecord:
        """Puts a record, in place, under its nearest ancestor that was not dropped."""
        ...

    def count_early(self, count: int) -> None:
        """So many records had to go before their parent ended."""
        ...


class WaitingChildren:
    """Those of one exit, bounded in bytes: beyond it the ones that wait longest go out as they are."""

    def __init__(self, max_bytes: int, parents: Parents, reattach: Callable[[SpanRecord], SpanRecord]) -> None:
        """
        Args:
            max_bytes: Of the documents that wait.
            parents: What is known of the spans that are waited for.
            reattach: Puts a record, or a copy, under its nearest ancestor that this exit gets.
        """
        self._max_bytes = max_bytes
        self._parents = parents
        self._reattach = reattach
        self._bytes = 0
        self._by_parent: dict[str, list[SpanRecord]] = {}

    def sort_out(self, records: Sequence[SpanRecord], *, everything: bool = False) -> list[SpanRecord]:
        """What goes on now, of `records` and of what waits, under its parent; the rest waits, unless `everything` is to go."""
        is_open = self._parents.is_open
        ready: list[SpanRecord] = []
        ended = [parent_id for parent_id in self._by_parent if everything or not is_open(parent_id)]
        taken = [record for parent_id in ended for record in self._take(parent_id)]
        for record in map(self._reattach, (*taken, *records)):
            parent_id = record.parent_span_id
            if everything or record.phase != "ended" or parent_id is None or not is_open(parent_id):
                ready.append(record)
            else:
                self._by_parent.setdefault(parent_id, []).append(record)
                self._bytes += _size(record)
        while self._bytes > self._max_bytes:
            early = self._take(next(iter(self._by_parent)))
            self._parents.count_early(len(early))
            ready += early
        return ready

    def _take(self, parent_id: str) -> list[SpanRecord]:
        children = self._by_parent.pop(parent_id)
        self._bytes -= sum(map(_size, children))
        return children


def _size(record: SpanRecord) -> int:
    return len(record.document) + RECORD_OVERHEAD_BYTES
