"""Wall-clock nanoseconds that never run backwards within a trace.

A trace takes one offset between the wall clock and the monotonic clock when its root starts; all its times are that offset plus the
monotonic clock. A step of the wall clock, or a sleep of the machine (during which the monotonic clock stands still), is noticed at the
next root.
"""

from __future__ import annotations

from time import perf_counter_ns, time_ns

MAX_DRIFT_NS = 1_000_000_000
"""How far wall clock and anchored clock may part before the next root takes a new offset."""

_offset_ns = time_ns() - perf_counter_ns()


def clock_offset_ns() -> int:
    """What to add to `time.perf_counter_ns()` for nanoseconds since the epoch; call it once per trace."""
    global _offset_ns  # noqa: PLW0603 - one anchor per process, replaced whole
    offset = time_ns() - perf_counter_ns()
    if abs(offset - _offset_ns) > MAX_DRIFT_NS:
        _offset_ns = offset
    return _offset_ns


def now_ns() -> int:
    """Nanoseconds since the epoch on the anchored clock."""
    return _offset_ns + perf_counter_ns()
