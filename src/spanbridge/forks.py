"""Forks of a process that is traced: a child must not find anything in the middle, for whoever was at it is not there.

- SQLite's state: its locks would stay taken in the child, whoever opens the file there. A child also shares SQLite's file locks with its
  parent, so it must neither use nor close an inherited connection; it opens its own.
- What a console prints: rich's locks, and those of the stream.
- An import: whoever needs the module in the child would wait for its lock for ever. Threads behind the application's import what they
  need when they first need it.

So a fork waits until nothing of it goes on, and stores let it go first. Where that takes too long, the child's store is cut off: its
records are counted as rejected ("store_forked") instead of being tried for ever.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Protocol

from spanbridge.pacing import short_turns

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Lock, RLock
    from types import FrameType

FORK_WAIT_S = 2.0
"""How long a fork waits for what is going on."""
_LOOK_AGAIN_S = 0.001
_IMPORT_SYSTEM = "<frozen importlib._bootstrap>"


class Forkable(Protocol):
    """A store, or whatever else forks wait for."""

    def locks(self) -> tuple[Lock | RLock, ...]:
        """Held while it is at work, in the order in which they are taken."""
        ...

    def forget_parent(self, *, was_at_work: bool) -> None:
        """Called in the child, before anything else uses it there: what it has is the parent's, its locks too."""
        ...


class _Held(threading.local):
    """What a thread that forks holds meanwhile."""

    def __init__(self) -> None:
        self.locks: list[Lock | RLock] = []


_registered: weakref.WeakSet[Forkable] = weakref.WeakSet()
_waiting: list[bool] = []
"""An item for each thread that forks, or waits to."""
_held = _Held()


def register(forkable: Forkable) -> None:
    """From now on forks wait for it."""
    _registered.add(forkable)


def in_child(do: Callable[[], object]) -> None:
    """From now on every forked child begins with `do`."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=do)


def is_waiting() -> bool:
    """Whether a fork waits: what can be put off should be."""
    return bool(_waiting)


def let_go_first() -> None:
    """Waits while a fork does. Called before such locks are taken: who gives one back and takes it again is quicker than who waits."""
    deadline = time.monotonic() + FORK_WAIT_S
    while _waiting and time.monotonic() < deadline:
        time.sleep(_LOOK_AGAIN_S)


def _hold() -> None:
    _waiting.append(True)
    deadline = time.monotonic() + FORK_WAIT_S
    locks = [lock for forkable in list(_registered) for lock in forkable.locks()]
    with short_turns():  # beside threads that compute, a store waits for the interpreter after each row
        _held.locks.extend(lock for lock in locks if lock.acquire(timeout=max(0.0, deadline - time.monotonic())))
        while _is_importing() and time.monotonic() < deadline:
            time.sleep(_LOOK_AGAIN_S)


def _is_importing() -> bool:
    """Whether another thread imports something that spanbridge's code has asked for."""
    own = threading.get_ident()
    frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage] - it is documented
    return any(_is_import_of_ours(frame) for thread, frame in frames.items() if thread != own)


def _is_import_of_ours(frame: FrameType | None) -> bool:
    imports = False
    while frame is not None:
        if frame.f_code.co_filename == _IMPORT_SYSTEM:
            imports = True
        elif imports and frame.f_globals.get("__name__", "").startswith("spanbridge"):
            return True
        frame = frame.f_back
    return False


def _release() -> None:
    _waiting.pop()
    while _held.locks:
        _held.locks.pop().release()


def _forget() -> None:
    _waiting.clear()
    held = set(map(id, _held.locks))
    _held.locks.clear()
    for forkable in list(_registered):
        forkable.forget_parent(was_at_work=any(id(lock) not in held for lock in forkable.locks()))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold, after_in_parent=_release)
in_child(_forget)
