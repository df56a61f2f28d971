"""Forks of the process that runs a test."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from spanbridge import forks

if TYPE_CHECKING:
    from collections.abc import Callable

HANGS_AFTER_S = 60


def needs_fork(test: Any) -> Any:
    """Marks a test that forks."""
    test = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")(test)
    return pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")(test)


def in_child(use: Callable[[], bool]) -> bool:
    """Whether `use` returned True in a forked child. One that hangs is ended."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(HANGS_AFTER_S)
            status = 0 if use() else 2
        finally:
            os._exit(status)
    _, code = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(code) == 0


def until_a_fork_waits() -> None:
    """What a thread does in the middle of something."""
    while not forks.is_waiting():
        pass
