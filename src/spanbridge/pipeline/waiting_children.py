"""Ended spans that wait for their parent's end before they go to exits that cannot take anything back.

A processor or a span filter decides about a span at its end, when its children have ended already. In the store and on the console they
are attached to the next ancestor then; what went to a collector or a file stays as it was sent. So there a span goes out when it is
known whether its parent does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanbridge.pipeline.delivery import RECORD_OVERHEAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from spanbridge.model.span import SpanRecord


class WaitingChildren:
    """Bounded in bytes: beyond it those that wait longest go out as they are."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._by_parent: dict[str, list[SpanRecord]] = {}

    def __len__(self) -> int:
        return sum([len(children) for children in tuple(self._by_parent.values())])

    def sort_out(self, records: Sequence[SpanRecord], is_open: Callable[[str], bool]) -> list[SpanRecord]:
        """What goes on now, of `records` and of what waits; the rest waits. Their parents are attached again before."""
        ready: list[SpanRecord] = []
        for record in (*self._of_ended_parents(is_open), *records):
            parent_id = record.parent_span_id
            if record.phase == "ended" and parent_id is not None and is_open(parent_id):
                self._by_parent.setdefault(parent_id, []).append(record)
                self._bytes += _size(record)
            else:
                ready.append(record)
        while self._bytes > self._max_bytes:
            ready += self._take(next(iter(self._by_parent)))
        return ready

    def reattach(self, reparented: Mapping[str, str | None]) -> None:
        """The spans in `reparented` were dropped: their children wait for its parent."""
        for parent_id in reparented.keys() & self._by_parent.keys():
            ancestor = reparented[parent_id]
            while ancestor is not None and ancestor in reparented:
                ancestor = reparented[ancestor]
            for record in self._by_parent[parent_id]:
                record.parent_span_id = ancestor

    def release(self) -> list[SpanRecord]:
        """All that waits."""
        return [record for parent_id in tuple(self._by_parent) for record in self._take(parent_id)]

    def _of_ended_parents(self, is_open: Callable[[str], bool]) -> list[SpanRecord]:
        ended = [parent_id for parent_id in self._by_parent if not is_open(parent_id)]
        return [record for parent_id in ended for record in self._take(parent_id)]

    def _take(self, parent_id: str) -> list[SpanRecord]:
        children = self._by_parent.pop(parent_id)
        self._bytes -= sum(map(_size, children))
        return children


def _size(record: SpanRecord) -> int:
    return len(record.document) + RECORD_OVERHEAD_BYTES
