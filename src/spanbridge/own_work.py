"""What spanbridge does itself on the application's threads, a flush that asks the exporters, the doctor: bridges make no spans of it.

On its own threads, whose names begin with "spanbridge-", all is its own work.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from threading import current_thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

_is_own: ContextVar[bool] = ContextVar("spanbridge_own_work", default=False)


@contextmanager
def own_work() -> Generator[None]:
    """What is done in this block is spanbridge's own work."""
    token = _is_own.set(True)
    try:
        yield
    finally:
        _is_own.reset(token)


def is_own_work() -> bool:
    """Whether what is done here and now is."""
    return _is_own.get() or current_thread().name.startswith("spanbridge-")
