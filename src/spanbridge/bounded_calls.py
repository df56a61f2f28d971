"""Calls of others' code that may take longer than who calls has time."""

from __future__ import annotations

import sys
import time
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class BoundedCalls:
    """Calls a function on threads of their own, one call at a time: however often it is called, one that hangs holds one thread."""

    def __init__(self, function: Callable[[float], bool], thread_name: str) -> None:
        """`function` gets the deadline, raises nothing, and says whether it was done."""
        self._function = function
        self._thread_name = thread_name
        self._thread: Thread | None = None

    def __call__(self, deadline: float) -> bool:
        """Whether the function was done until `deadline` (monotonic clock); False too where a call before has not returned by then."""
        before, results = self._thread, list[bool]()
        if before is not None:
            before.join(max(0.0, deadline - time.monotonic()))
            if before.is_alive():
                return False
        thread = Thread(target=lambda: results.append(self._function(deadline)), name=self._thread_name, daemon=True)
        try:
            if not sys.is_finalizing():
                thread.start()
        except RuntimeError:
            pass
        if thread.ident is None:  # none can be started, or not any more
            return self._function(deadline)
        self._thread = thread
        thread.join(max(0.0, deadline - time.monotonic()))
        return results == [True]
