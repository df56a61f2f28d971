"""Every span accounted for: started = open + stored + abandoned + dropped(reason).

Callers count `started` and what they drop (`tracing/intake.py`); what is done with is counted here; what is open is not derived from
these but counted where it is, from the queue to the exit. With the store off, "stored" counts what was handed to the exporters.
Per exit: handed over = delivered + pending + rejected(reason) + expired, the same for each exit, the store among them.

After a shutdown nothing is open or pending: what nobody has counted was lost to its deadline. So what a late thread still gets done is
counted as that, once, and no longer as lost.
"""

from __future__ import annotations

import time
from collections import Counter
from threading import RLock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanbridge.tracing.intake import Intake

MAX_READINGS = 20
READING_PAUSE_S = 0.0002
MAX_REASON_CHARACTERS = 64
MAX_REASONS = 32
"""Reasons that one exit counts apart; what comes then counts as "other"."""
LATE = "shutdown_deadline"
"""The reason of what a shutdown could not wait for."""


def printable(reason: Any) -> str:
    """A reason that an exporter gave, on one line and short; what is no text gives its type."""
    text = str.__str__(reason) if isinstance(reason, str) else type(reason).__name__
    return "".join([letter if letter.isprintable() else "?" for letter in text[:MAX_REASON_CHARACTERS]])


class SpanAccount:
    """What became of the spans that were started."""

    def __init__(self) -> None:
        self._lock = RLock()
        self.stored = 0
        self.abandoned = 0
        self.dropped: Counter[str] = Counter()
        self.is_closed = False
        """Whether what is not counted is lost: the exits have ended."""

    def add_stored(self, ended: int, abandoned: int = 0) -> None:
        """Spans that reached their floor: the store, or the exporters where it is off."""
        with self._lock:
            self.stored += ended
            self.abandoned += abandoned

    def add_dropped(self, reason: str, count: int = 1) -> None:
        """Spans that will not reach it."""
        with self._lock:
            self.dropped[reason] += count

    def close(self) -> None:
        """From now on what is not counted is lost."""
        self.is_closed = True

    def report(
        self, intake: Intake, count_on_way: Callable[[], int], count_at_store: Callable[[], int]
    ) -> dict[str, Any]:
        """The counts, as `stats()["spans"]`; the functions count the spans that are on their way to the store, and at its exit.

        Spans move while they are counted, and no lock stops them: a reading in which one was caught in between is taken again, a bounded
        number of times. So counts that do not add up while nothing moves are a fault of spanbridge's, and show.
        """
        for _ in range(MAX_READINGS):
            reading = self._read(intake, count_on_way, count_at_store)
            if reading["started"] == reading["open"] + _counted(reading):
                return reading
            time.sleep(READING_PAUSE_S)
        return self._read(intake, count_on_way, count_at_store)

    def _read(
        self, intake: Intake, count_on_way: Callable[[], int], count_at_store: Callable[[], int]
    ) -> dict[str, Any]:
        with self._lock:
            reading: dict[str, Any] = {
                "started": intake.started,
                "open": 0,
                "stored": self.stored,
                "abandoned": self.abandoned,
                "dropped": dict(self.dropped + Counter(intake.dropped)),
            }
        at_store = count_at_store()
        if not self.is_closed:
            reading["open"] = count_on_way() + at_store
            return reading
        _add(reading["dropped"], f"store_{LATE}", at_store)
        _add(reading["dropped"], LATE, reading["started"] - _counted(reading))
        return reading


def _counted(reading: dict[str, Any]) -> int:
    return reading["stored"] + reading["abandoned"] + sum(reading["dropped"].values())


def _add(counts: dict[str, int], reason: str, count: int) -> None:
    if count:
        counts[reason] = counts.get(reason, 0) + count


class ExitAccount:
    """What became of the ended spans that were handed to one exit."""

    def __init__(self) -> None:
        self.delivered = 0
        self.pending = 0
        self.expired = 0
        self.rejected: Counter[str] = Counter()
        self.is_closed = False
        """Whether what is pending counts as rejected, because nobody waits for it any more."""

    def reason(self, word: Any) -> str:
        """`word`, an exporter's, as one to count under: fit to print, and one of a bounded number."""
        text = printable(word)
        return text if text in self.rejected or len(self.rejected) < MAX_REASONS else "other"

    def report(self) -> dict[str, Any]:
        """One entry of `stats()["exporters"]`."""
        pending, rejected = self.pending, dict(self.rejected)
        if self.is_closed:
            _add(rejected, LATE, pending)
            pending = 0
        return {"delivered": self.delivered, "pending": pending, "rejected": rejected, "expired": self.expired}
