"""The queue between the callers' threads and the pipeline: bounded in bytes, without locks.

Callers append events; the pipeline takes them. No lock stands here that a signal handler or a finaliser could meet again:
`deque.extend` with a tuple is one C call, and `counter += n` on an attribute is not interrupted, because CPython 3.10 to 3.13 hands the
interpreter over only at calls and backward jumps (`tests/tracing/test_intake.py` hammers it).

Events carry only what changed. Their parts wait one after the other in the queue, the kind first: a tuple for each event would be a
tenth of what waits, and one object more that the caller's garbage collections visit. Only a START has one: to queue its many parts one
by one costs more.

    START, (span_id, trace, parent_id, type, name, time, inherited, entity, input, attributes, metadata, rare, size)
    SET, span_id, attributes, output, changes, size
    END, span_id, time, status, error
    FLUSH, reply
"""

from __future__ import annotations

import _thread
import contextlib
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class EventKind:
    """The first part of an event."""

    __slots__ = ("part_count",)

    def __init__(self, part_count: int) -> None:
        self.part_count = part_count
        """How many parts follow."""


START, SET, END, FLUSH = EventKind(1), EventKind(5), EventKind(4), EventKind(1)

SPAN_OVERHEAD_BYTES = 1024
"""What an open or queued span costs beside its payloads: events, record, table entry."""
EVENT_OVERHEAD_BYTES = 256
WAKE_BYTES = 4 * 1024 * 1024
"""Backlog at which the pipeline is woken before its interval is over; a quarter of the queue where that is less."""


class Intake:
    """Events on their way to one pipeline, and the counters that callers write."""

    def __init__(self, max_bytes: int, start_threads: Callable[[], None]) -> None:
        """`start_threads` is called from a caller's thread when the first event waits and nobody would take it."""
        self.max_bytes = max_bytes
        self.events: deque[Any] = deque()
        self.pending_bytes = 0
        self.started = 0
        # `counts[reason] += 1` on a defaultdict is not interrupted either; `counts.get(...)` would be a call.
        self.dropped: dict[str, int] = defaultdict(int)
        self.ignored: dict[str, int] = defaultdict(int)
        self.closed = False
        self.backlog_bytes = min(WAKE_BYTES, max_bytes // 4)
        self.wake_bytes = -1
        """Backlog above which a caller wakes the pipeline; -1 while the pipeline is parked or not started."""
        self.is_awaited = False
        """Whether somebody waits for what the pipeline does with its events: a flush or a shutdown."""
        self._start_threads = start_threads
        self._signal = _thread.allocate_lock()
        self._signal.acquire()

    def close(self) -> None:
        """Takes nothing more: what is closed has no room."""
        self.closed = True
        self.max_bytes = -1

    def drop(self, reason: str) -> None:
        """Counts a span that will not be recorded."""
        self.dropped[reason] += 1

    def ignore(self, reason: str) -> None:
        """Counts a call that changed nothing."""
        self.ignored[reason] += 1

    def wake(self) -> None:
        """Called by whoever appended an event and found `pending_bytes > wake_bytes`."""
        self.wake_bytes = self.max_bytes
        self._start_threads()
        self.signal()

    def signal(self) -> None:
        """Ends the pipeline's wait. Never blocks."""
        # Released already: the pipeline has not looked yet.
        with contextlib.suppress(RuntimeError):
            self._signal.release()

    def wait(self, timeout_s: float) -> None:
        """The pipeline's pause: until a signal, or until `timeout_s` is over (-1: for ever)."""
        self._signal.acquire(True, timeout_s)
