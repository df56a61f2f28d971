"""Spans in memory, for tests."""

from __future__ import annotations

import time
from threading import Condition, RLock
from typing import TYPE_CHECKING

from spanbridge import forks
from spanbridge.protocols import Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanbridge.model.span import SpanRecord
    from spanbridge.protocols import ExportResult


class InMemoryExporter:
    """Keeps every ended span until `clear`. All methods may be called from any thread.

    Args:
        max_spans: How many spans are kept; what comes then is rejected, and counted as "memory_full".
        with_running: Whether spans that still run are kept too, as they were last written, in `running`.
    """

    name = "memory"

    def __init__(self, max_spans: int = 100_000, *, with_running: bool = False) -> None:
        self.accepts_running = with_running
        self._max_spans = max_spans
        self._records: list[SpanRecord] = []
        self._running: dict[tuple[str, str], SpanRecord] = {}
        self._make_lock()
        forks.register(self)

    def _make_lock(self) -> None:
        self._lock = RLock()  # a signal's handler may read in the middle of a read
        self._changed = Condition(self._lock)

    @property
    def spans(self) -> list[SpanRecord]:
        """Copies of the spans, in the order in which they came; changing them changes nothing here."""
        with self._changed:
            records = tuple(self._records)
        return [record.own_copy() for record in records]

    @property
    def running(self) -> list[SpanRecord]:
        """Copies of the spans that were written as running and have not ended, in the order in which they came."""
        with self._changed:
            records = tuple(self._running.values())
        return [record.own_copy() for record in records]

    def clear(self) -> None:
        """Forgets the spans."""
        with self._changed:
            self._records.clear()
            self._running.clear()

    def wait_for(self, count: int = 1, *, name: str | None = None, timeout: float = 5.0) -> list[SpanRecord]:
        """The spans (with `name`: those of that name), as soon as there are `count` of them.

        Raises TimeoutError, which says what came, after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                found = [record for record in self._records if name is None or record.name == name]
                if len(found) >= count:
                    break
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    came = ", ".join(str(record.name) for record in self._records) or "none"
                    wanted = f"{count} span(s)" if name is None else f"{count} span(s) named {name!r}"
                    raise TimeoutError(f"{wanted} did not come within {timeout} s; there are: {came}")
        return [record.own_copy() for record in found]

    def export(self, batch: Sequence[SpanRecord], /) -> ExportResult | None:
        with self._changed:
            ended = [record for record in batch if record.phase == "ended"]
            if len(self._records) + len(self._running) + len(batch) > self._max_spans:
                return Rejected("memory_full")
            for record in batch:
                key = record.trace_id, record.span_id
                self._running.pop(key, None)
                if record.phase == "running":
                    self._running[key] = record
            self._records.extend(ended)
            self._changed.notify_all()
        return None

    def flush(self, _deadline: float, /) -> None:
        """Every span is there when `export` returns."""

    def shutdown(self, _deadline: float, /) -> None:
        """Keeps the spans: a test reads them after the shutdown."""

    def locks(self) -> tuple[RLock, ...]:
        """For `forks`."""
        return (self._lock,)

    def forget_parent(self, *, was_at_work: bool) -> None:  # noqa: ARG002 - the lock is all that is given up
        """For `forks`: a child keeps the spans that its parent had."""
        self._make_lock()
