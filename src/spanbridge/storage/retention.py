"""Keeps the file of a SQLite store within its bound: the oldest ended traces go first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanbridge import forks
from spanbridge.storage.connections import transaction
from spanbridge.storage.sqlite_writer import delete_traces
from spanbridge.storage.trace_rows import RECENT_FIELDS

if TYPE_CHECKING:
    import sqlite3

_SPANS_PER_TRANSACTION = 500

# Traces that never ended come last, but they come: no crash makes the file grow without a bound.
_OLDEST = tuple(
    f"SELECT number, span_count FROM {table} {condition} ORDER BY started_at LIMIT 50"  # noqa: S608 - our own names
    for condition in ("WHERE status <> 'running'", "")
    for table in ("traces", RECENT_FIELDS)
)

_OLDEST_START = " UNION ALL ".join(f"SELECT min(started_at) FROM {table}" for table in ("traces", RECENT_FIELDS))  # noqa: S608 - as above


def oldest_start(connection: sqlite3.Connection) -> int | None:
    """When the oldest trace that is left began, in nanoseconds since the epoch; None where none is."""
    return min((start for (start,) in connection.execute(_OLDEST_START) if start is not None), default=None)


class Retention:
    """The bound of one store's file."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.expired_count = 0
        """Traces deleted so far."""
        self._unchecked_bytes = max_bytes
        """What was written since the size of the file was last looked at."""

    def after_write(self, connection: sqlite3.Connection, written_bytes: int, span_count: int) -> None:
        """Deletes traces while the file is above its bound: at most as many spans as keep up with writes, the next write goes on."""
        self._unchecked_bytes += written_bytes
        if self._unchecked_bytes > self.max_bytes // 100 and self._expire(connection, max(1000, 2 * span_count)):
            self._unchecked_bytes = 0

    def check_again(self) -> None:
        """The next write looks at the size: the file is another one, or other processes may have written."""
        self._unchecked_bytes = self.max_bytes

    def _expire(self, connection: sqlite3.Connection, max_spans: int) -> bool:
        """Whether the file is within its bound now, or nothing is left to delete."""
        while self._is_too_large(connection):
            if max_spans <= 0 or forks.is_waiting():
                return False
            with transaction(connection):
                rows: list[tuple[int, int]] = []
                for oldest in _OLDEST:
                    rows = connection.execute(oldest).fetchall()
                    if rows:
                        break
                deleted = spans = 0
                for number, span_count in rows:
                    delete_traces(connection, [number])
                    deleted += 1
                    spans += span_count
                    if spans >= _SPANS_PER_TRANSACTION or not self._is_too_large(connection):
                        break
            if not deleted:
                break
            self.expired_count += deleted
            max_spans -= spans
        return True

    def _is_too_large(self, connection: sqlite3.Connection) -> bool:
        """Whether the pages in use exceed the bound; free ones will be used again."""
        page_bytes, pages, free_pages = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count")
        )
        return (pages - free_pages) * page_bytes > self.max_bytes
