"""The table of open spans: what events change, which spans have ended, which are due to be shown as running."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from spanbridge.containment import contain
from spanbridge.model.span import Status
from spanbridge.pipeline.open_record import OpenRecord
from spanbridge.tracing.intake import END, SET, START

if TYPE_CHECKING:
    from collections import deque
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
        self._young: dict[int, OpenRecord] = {}
        """Open spans that were not handed on yet, in the order in which they were seen."""
        self._shown: dict[int, OpenRecord] = {}
        """Open spans that were handed on as running; all of them were seen before the young ones."""
        self._changed: dict[int, OpenRecord] = {}
        """Those of the shown ones that have changed since."""
        self.ended: list[OpenRecord] = []
        """Spans that have ended and are not yet processed, in the order of their ends; whoever takes them empties the list."""
        self.flushes: list[Any] = []
        """What came with FLUSH events; whoever answers them empties the list."""
        self.now_ns = time.perf_counter_ns()
        """The time of the current turn, on the monotonic clock."""

    def __len__(self) -> int:
        return len(self._young) + len(self._shown)

    @property
    def has_news(self) -> bool:
        """Whether an open span was not handed on yet as it is now."""
        return bool(self._young or self._changed)

    def apply(self, events: deque[Any], part_count: int) -> int:
        """Takes events from `events` and applies them, until they have had `part_count` parts or a few more; how many they had."""
        # Every span passes here three times: what is done for all of them stands in line, and no list is made of an event's parts.
        take = events.popleft
        young, shown = self._young, self._shown
        taken = 0
        while taken < part_count:
            kind = take()
            taken += kind.part_count + 1
            event: Any = None
            try:
                if kind is START:
                    event = take()
                    parent_id = event[2]
                    parent = None if parent_id is None else young.get(parent_id) or shown.get(parent_id)
                    young[event[0]] = OpenRecord.from_event(
                        event, parent, self._service_name, self._environment, self.now_ns
                    )
                elif kind is SET:
                    self._set(take(), take(), take(), take(), take())
                elif kind is END:
                    span_id, ended_at, status, error = take(), take(), take(), take()
                    record = young.pop(span_id, None) or self._take_shown(span_id)
                    if record is not None:
                        self._finish(record, ended_at, _STATUSES[status], error)
                else:
                    self.flushes.append(take())
            except Exception as failure:  # noqa: BLE001
                contain("applying an event", failure)
                if event is not None:
                    young.pop(event[0], None)
                    self._intake.pending_bytes -= event[-1]
                    self._account.add_dropped("internal_error")
        return taken

    def find(self, span_id: str) -> OpenRecord | None:
        """The open span of that id."""
        number = int(span_id, 16)
        return self._young.get(number) or self._shown.get(number)

    def find_root(self, trace_id: str) -> OpenRecord | None:
        """An open root of that trace that the exits get. Looks at all open spans: for what is rare."""
        for record in (*self._shown.values(), *self._young.values()):
            if record.trace_id == trace_id and record.parent_span_id is None and record.hidden_as is None:
                return record
        return None

    def end_all(self, ended_at: int, status: Status) -> None:
        """Ends what is still open."""
        for record in (
            *reversed(self._young.values()),
            *reversed(self._shown.values()),
        ):  # children before their parents
            self._finish(record, ended_at, status, None)
        self._young.clear()
        self._shown.clear()
        self._changed.clear()

    def due_as_running(self, older_than_ns: int) -> list[OpenRecord]:
        """Spans to be written as running: first seen before `older_than_ns` (monotonic) and not yet written, or changed since they were."""
        due = [record for record in self._changed.values() if record.hidden_as is None]
        self._changed.clear()
        young, shown = self._young, self._shown
        while young:
            span_id = next(iter(young))
            record = young[span_id]
            if record.seen_at_ns > older_than_ns:
                break
            del young[span_id]
            shown[span_id] = record
            if record.hidden_as is None:
                due.append(record)
        return due

    def _set(self, span_id: int, attributes: Any, output: Any, changes: Any, size: int) -> None:
        record = self._young.get(span_id)
        if record is None:
            record = self._shown.get(span_id)
            if record is None:
                self._intake.pending_bytes -= size
                return
            self._changed[span_id] = record
        record.apply_set(attributes, output, changes)
        if record.refused_event:
            record.refused_event = False
            self._intake.pending_bytes -= size
            self._intake.ignore("event_overflow")
            return
        record.held_bytes += size
        if record.replaced_bytes:
            replaced, record.replaced_bytes = min(record.replaced_bytes, record.held_bytes), 0
            record.held_bytes -= replaced
            self._intake.pending_bytes -= replaced

    def _take_shown(self, span_id: int) -> OpenRecord | None:
        """Takes a span that was handed on as running out of the table; None where it was opened before a fork, in the parent."""
        self._changed.pop(span_id, None)
        return self._shown.pop(span_id, None)

    def _finish(self, record: OpenRecord, ended_at: int, status: Status, error: dict[str, Any] | None) -> None:
        if error is not None:
            try:
                record.apply({"error": error})
            except Exception as failure:  # noqa: BLE001
                contain("recording an exception", failure)
        started_at = record.started_at
        record.ended_at = started_at if record.is_event or ended_at < started_at else ended_at
        record.status = status
        record.phase = "ended"
        self._complete(record)
        if record.reports_to is not None:
            record.reports_to = None  # else it would hold its parent for as long as an exit holds it
        if record.hidden_as is None:
            self.ended.append(record)
        else:
            self._intake.pending_bytes -= record.held_bytes
            self._account.add_dropped(record.hidden_as)


_STATUSES = {status.value: status for status in Status}
