"""What has to be left before the interpreter ends: native code that does not stand its end.

A daemon thread that wants the interpreter back after its end is ended by CPython (up to 3.13), which unwinds its stack. C stands that; in
C++ it means `std::terminate`, and the process aborts.
"""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

leaving: list[Callable[[], None]] = []
"""Called in order when the last deliveries are made; each in a short and bounded time."""


def deliver_first(deliver: Callable[[], None]) -> None:
    """Has `deliver` called at the end, before whatever was registered so far: handlers run in the reverse order of their registration."""
    atexit.unregister(deliver)
    atexit.register(deliver)


def leak(value: object) -> None:
    """Keeps `value` alive for ever: even at the interpreter's end nothing closes it."""
    import ctypes  # noqa: PLC0415 - only in a forked child

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))


def _leave() -> None:
    for leave in leaving:
        leave()


atexit.register(_leave)
