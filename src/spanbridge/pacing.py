"""Work in short slices, for the threads behind the application's.

A thread that wakes up waits for the interpreter for as long as another one works in Python: up to 5 ms. A moment in which that one lets go
of it (as SQLite and re2 do) is mostly too short to wake up in. So whoever works in the background stops now and then, long enough.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

SLICE_NS = 50_000
"""How long a background thread works without a pause."""
PAUSE_S = 0.0002
"""How long it stops: a waiting thread needs some 50 us to wake up."""
CONTENDED_NS = 4_000_000
"""A pause that lasts longer, while the process computes, shows that others want the interpreter all the time."""
CONTENDED_SLICE_NS = 20_000_000
"""How long a background thread works then until it looks again."""
SHORT_TURN_S = 0.0005
"""How long a thread keeps the interpreter from one that waits, in `short_turns`; 5 ms is CPython's own."""


@contextmanager
def short_turns() -> Generator[None]:
    """For long work that cannot pause, as an import: whoever waits for the interpreter gets it soon.

    The interval is the interpreter's, not a thread's. It is put back, unless the application has set another meanwhile.
    """
    before = sys.getswitchinterval()
    if before <= SHORT_TURN_S:
        yield
        return
    sys.setswitchinterval(SHORT_TURN_S)
    ours = sys.getswitchinterval()
    try:
        yield
    finally:
        if sys.getswitchinterval() == ours:
            sys.setswitchinterval(before)


_waiting: set[object] = set()
"""One token for each caller that waits for background work."""


@contextmanager
def awaited() -> Generator[None]:
    """While somebody waits for what is done in the background (a flush, a shutdown), nobody there pauses."""
    token = object()
    _waiting.add(token)
    try:
        yield
    finally:
        _waiting.discard(token)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_waiting.clear)  # who waited in the parent is not there


class Pace:
    """The pauses of one piece of background work.

    Where the application computes without a rest, a pause lasts until the interpreter is given back, some 5 ms, and helps nobody: then
    there are few, and CPython's own turns share the interpreter evenly.
    """

    __slots__ = ("_hurries", "_is_contended", "_until_ns")

    def __init__(self, *, hurries: bool = False) -> None:
        """`hurries`: no pauses, whether anybody waits or not."""
        self._hurries = hurries
        self._is_contended = False
        self._until_ns = time.perf_counter_ns() + SLICE_NS

    @property
    def is_large(self) -> bool:
        """Whether work should be done in large pieces: nobody is held up by it, or each time that the interpreter is let go costs."""
        return self._hurries or self._is_contended or bool(_waiting)

    def pause(self) -> bool:
        """Called between two small steps: ends a slice that is long enough; whether it did."""
        start = time.perf_counter_ns()
        if start < self._until_ns or self._hurries or _waiting:
            return False
        used = time.process_time_ns()
        time.sleep(PAUSE_S)
        end = time.perf_counter_ns()
        waited_ns = end - start
        # Not only late: on a busy machine everything is.
        self._is_contended = waited_ns > CONTENDED_NS and time.process_time_ns() - used > 0.8 * waited_ns
        self._until_ns = end + (CONTENDED_SLICE_NS if self._is_contended else SLICE_NS)
        return True
