"""SIGTERM, where nobody handles it: newer versions of ddtrace do, older ones lose what they hold."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def before_default_exit(end: Callable[[], object]) -> Callable[[], None]:
    """Calls `end` before a SIGTERM ends the process as it would have; returns what takes that back.

    Nothing is done where a handler is there already, and outside of the main thread.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        return lambda: None

    def handle(_number: int, _frame: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # also a second one, while this works, ends the process
        end()
        os.kill(os.getpid(), signal.SIGTERM)

    def take_back() -> None:
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is handle:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    signal.signal(signal.SIGTERM, handle)
    return take_back
