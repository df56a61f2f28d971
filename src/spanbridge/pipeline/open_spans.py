"""The table of open spans: what events change, which spans have ended, which are due to be shown as running."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from spanbridge.containment import contain
from spanbridge.model.span import Status
from spanbridge.pipeline.open_record import OpenRecord
from spanbridge.pipeline.usage import reports_to
from spanbridge.tracing.intake import END, SET, START

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanbridge.pipeline.accounting import SpanAccount
    from spanbridge.tracing.intake import Intake


class OpenSpans:
    """Applies events of callers. Whatever fails here is contained, and the span counted as dropped ("internal_error")."""

    def __init__(
        self,
        intake: Intake,
        account: SpanAccount,
        service_name: str,
        environment: str,
        complete: Callable[[OpenRecord], None],
    ) -> None:
        """`complete` is called for each span as it ends, while its parent is still open."""
        self._complete = complete
        self._intake = intake
        self._account = account
        self._service_name = service_name
        self._environment = environment
        self._open: dict[int, OpenRecord] = {}
        self._unwritten: dict[int, OpenRecord] = {}
        self._changed: dict[int, OpenRecord] = {}
        self.ended: list[OpenRecord] = []
        """Spans that have ended and are not yet processed, in the order of their ends; whoever takes them empties the list."""
        self.now_ns = time.perf_counter_ns()
        """The time of the current turn, on the monotonic clock."""

    def __len__(self) -> int:
        return len(self._open)

    def apply(self, event: tuple[Any, ...]) -> None:
        """Applies a START, SET or END event."""
        try:
            kind = event[0]
            if kind == START:
                self._start(event)
            elif kind == SET:
                self._set(event)
            elif kind == END:
                _, span_id, time_ns, status, error = event
                record = self._open.pop(span_id, None)
                if record is not None:  # else it was opened before a fork, in the parent
                    self._unwritten.pop(span_id, None)
                    self._changed.pop(span_id, None)
                    self._end(record, time_ns, _STATUSES[status], error)
        except Exception as error:  # noqa: BLE001
            contain("applying an event", error)
            if event[0] == START:
                self._open.pop(event[1], None)
                self._unwritten.pop(event[1], None)
                self._intake.pending_bytes -= event[-1]
                self._account.add_dropped("internal_error")

    def end_all(self, ended_at: int, status: Status) -> None:
        """Ends what is still open."""
        for record in reversed(self._open.values()):  # children before their parents
            self._end(record, ended_at, status, None)
        self._open.clear()
        self._unwritten.clear()
        self._changed.clear()

    def due_as_running(self, older_than_ns: int) -> list[OpenRecord]:
        """Spans to be written as running: first seen before `older_than_ns` (monotonic) and not yet written, or changed since they were."""
        due = list(self._changed.values())
        self._changed.clear()
        for span_id, record in list(self._unwritten.items()):  # in the order in which they were seen
            if record.seen_at_ns > older_than_ns:
                break
            del self._unwritten[span_id]
            due.append(record)
        return due

    def _start(self, event: tuple[Any, ...]) -> None:
        span_id, parent_id = event[1], event[3]
        parent = None if parent_id is None else self._open.get(parent_id)
        record = OpenRecord.from_event(event, parent, self._service_name, self._environment)
        if parent is not None:
            record.reports_to = reports_to(record, parent)
        record.seen_at_ns = self.now_ns
        self._open[span_id] = record
        self._unwritten[span_id] = record

    def _set(self, event: tuple[Any, ...]) -> None:
        _, span_id, attributes, output, changes, size = event
        record = self._open.get(span_id)
        if record is None:
            self._intake.pending_bytes -= size
            return
        record.apply_set(attributes, output, changes)
        replaced, record.replaced_bytes = min(record.replaced_bytes, record.held_bytes), 0
        record.held_bytes += size - replaced
        self._intake.pending_bytes -= replaced
        if record.written:
            self._changed[span_id] = record

    def _end(self, record: OpenRecord, ended_at: int, status: Status, error: dict[str, Any] | None) -> None:
        if error is not None:
            try:
                record.apply({"error": error})
            except Exception as failure:  # noqa: BLE001
                contain("recording an exception", failure)
        record.ended_at = record.started_at if record.is_event else max(ended_at, record.started_at)
        record.status = status
        record.phase = "ended"
        self._complete(record)
        self.ended.append(record)


_STATUSES = {status.value: status for status in Status}
