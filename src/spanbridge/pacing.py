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

SLICE_NS = 60_000
"""How long a background thread works without a pause."""
PAUSE_S = 0.00001
"""How long it stops at least: as operating systems sleep, some 60 us, in which a waiting thread wakes up."""
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


def is_awaited() -> bool:
    """Whether somebody waits for background work."""
    return bool(_waiting)


class Pace:
    """The pauses of one piece of background work."""

    __slots__ = ("_until_ns", "hurries")

    def __init__(self, *, hurries: bool = False) -> None:
        """`hurries`: no pauses, and large pieces of work, because there is a backlog."""
        self.hurries = hurries
        self._until_ns = time.perf_counter_ns() + SLICE_NS

    def pause(self) -> bool:
        """Called between two small steps: ends a slice that is long enough; whether it did."""
        if self.hurries or _waiting or time.perf_counter_ns() < self._until_ns:
            return False
        time.sleep(PAUSE_S)
        self._until_ns = time.perf_counter_ns() + SLICE_NS
        return True
