"""Every span accounted for: started = open + stored + abandoned + dropped(reason).

Callers count `started` and what they drop (`tracing/intake.py`); everything later is counted here. With the store off, "stored" counts
what was handed to the exporters. Per exit: stored = delivered + pending + rejected(reason) + expired.
"""

from __future__ import annotations

from collections import Counter
from threading import RLock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spanbridge.tracing.intake import Intake


class SpanAccount:
    """What became of the spans that were started."""

    def __init__(self) -> None:
        self._lock = RLock()
        self.stored = 0
        self.abandoned = 0
        self.dropped: Counter[str] = Counter()

    def add_stored(self, ended: int, abandoned: int = 0) -> None:
        """Spans that reached their floor: the store, or the exporters where it is off."""
        with self._lock:
            self.stored += ended
            self.abandoned += abandoned

    def add_dropped(self, reason: str, count: int = 1) -> None:
        """Spans that will not reach it."""
        with self._lock:
            self.dropped[reason] += count

    def report(self, intake: Intake) -> dict[str, Any]:
        """The identity, as `stats()["spans"]`."""
        with self._lock:
            dropped = self.dropped + Counter(intake.dropped)
            done = self.stored + self.abandoned + sum(dropped.values())
            return {
                "started": intake.started,
                "open": intake.started - done,
                "stored": self.stored,
                "abandoned": self.abandoned,
                "dropped": dict(dropped),
            }


class ExitAccount:
    """What became of the ended spans that were handed to one exit."""

    def __init__(self) -> None:
        self.delivered = 0
        self.pending = 0
        self.expired = 0
        self.rejected: Counter[str] = Counter()

    def report(self) -> dict[str, Any]:
        """One entry of `stats()["exporters"]`."""
        return {
            "delivered": self.delivered,
            "pending": self.pending,
            "rejected": dict(self.rejected),
            "expired": self.expired,
        }
