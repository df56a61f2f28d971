"""Forks of a process that uses SQLite stores.

A child shares SQLite's file locks and memory with its parent, so it must neither use nor close an inherited connection; it opens its
own. And SQLite's state must not be copied in the middle of a call: its locks would stay taken in the child, whoever opens the file
there. So a fork waits until no store is at work, and stores hurry while it waits. Where that takes too long, the child's store is cut
off: its records are counted as rejected ("store_forked") instead of being tried for ever.
"""

from __future__ import annotations

import os
import time
import weakref
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from threading import Lock

FORK_WAIT_S = 2.0
"""How long a fork waits for stores that are at work."""


class Forkable(Protocol):
    """What a store offers to be forked with."""

    def locks(self) -> tuple[Lock, ...]:
        """Held while SQLite works, in the order in which they are taken."""
        ...

    def forget_parent(self, *, was_at_work: bool) -> None:
        """Called in the child, before anything else uses the store there."""
        ...


_stores: weakref.WeakSet[Forkable] = weakref.WeakSet()
_waiting: list[bool] = []
_held: list[Lock] = []


def register(store: Forkable) -> None:
    """From now on forks wait for it."""
    _stores.add(store)


def is_waiting() -> bool:
    """Whether a fork waits: what can be put off should be."""
    return bool(_waiting)


def _hold() -> None:
    _waiting.append(True)
    deadline = time.monotonic() + FORK_WAIT_S
    locks = [lock for store in list(_stores) for lock in store.locks()]
    _held.extend(lock for lock in locks if lock.acquire(timeout=max(0.0, deadline - time.monotonic())))


def _release() -> None:
    _waiting.clear()
    while _held:
        _held.pop().release()


def _forget() -> None:
    _waiting.clear()
    held = set(map(id, _held))
    _held.clear()
    for store in list(_stores):
        store.forget_parent(was_at_work=any(id(lock) not in held for lock in store.locks()))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_forget)
