"""Connections to the file of a SQLite store, and transactions on them."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from typing import TYPE_CHECKING, NamedTuple

from spanbridge import forks
from spanbridge.storage.files import is_local

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

BUSY_TIMEOUT_S = 5.0
"""How long a write waits for other processes."""
PAGE_BYTES = 8 * 1024
"""With rows of 2 KB the file is a fifth smaller than in SQLite's default of 4 KB. Pages of 16 KB make a large commit a little cheaper and a
small one, as most are, a fifth dearer."""
CHECKPOINT_PAGES = 2000
"""Pages of write-ahead log (16 MiB) after which a commit moves them into the file; fewer where the file's bound is small."""
LOG_SHARE = 8
"""Of the file's bound, the part that the log may have."""
_TRY_S = 0.1
"""How long one try to begin a write waits; between two of them it is seen whether a fork waits."""


class Handle(NamedTuple):
    """A connection, and the device and inode of the file that it was opened on."""

    connection: sqlite3.Connection
    file: tuple[int, int] | None


def open_reading(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing."""
    return _connect(path, "ro", BUSY_TIMEOUT_S)


def open_untouched(path: Path) -> sqlite3.Connection:
    """A connection for a look at a file that may be another program's: nothing is set up, and no log is left behind."""
    return _connect(path, "rw", BUSY_TIMEOUT_S)


def open_writing(path: Path, max_bytes: int) -> sqlite3.Connection:
    """A connection that is set up for cheap writes; the schema is not looked at. The log stays small beside a file of `max_bytes`."""
    checkpoint_pages = min(CHECKPOINT_PAGES, max(16, max_bytes // LOG_SHARE // PAGE_BYTES))
    is_wal = is_local(path)
    connection = _connect(path, "rw", BUSY_TIMEOUT_S)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        if connection.execute("PRAGMA page_count").fetchone() == (0,):
            # Nothing that a power failure could take is in a new file: making it does not wait for the disk.
            connection.execute("PRAGMA synchronous = OFF")
        _set_journal_mode(connection, "wal" if is_wal else "truncate")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {checkpoint_pages}")
        connection.execute(f"PRAGMA journal_size_limit = {checkpoint_pages * PAGE_BYTES}")
        if is_wal:
            # Only beginning a write waits for others; with a rollback journal its commit waits too, for readers.
            connection.execute(f"PRAGMA busy_timeout = {round(min(_TRY_S, BUSY_TIMEOUT_S) * 1000)}")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path, mode: str, timeout_s: float) -> sqlite3.Connection:
    # Not `sqlite3.connect`, which ddtrace and OpenTelemetry wrap: writing a span must not make spans.
    connection = sqlite3.Connection(
        f"{path.as_uri()}?mode={mode}", uri=True, timeout=timeout_s, isolation_level=None, check_same_thread=False
    )
    # A damaged file must not make SQLite run what it holds.
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _set_journal_mode(connection: sqlite3.Connection, mode: str) -> None:
    """Sets the journal mode; SQLite does not wait for other processes here, so this does."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            (current,) = connection.execute("PRAGMA journal_mode").fetchone()
            if current != mode:
                connection.execute(f"PRAGMA journal_mode = {mode}").fetchone()
            return
        except sqlite3.OperationalError as error:  # noqa: PERF203 - the loop waits
            if "locked" not in str(error) or time.monotonic() > deadline or forks.is_waiting():
                raise
            time.sleep(0.01)


@contextlib.contextmanager
def snapshot(connection: sqlite3.Connection) -> Generator[None]:
    """All reads inside it see one moment of the file."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """A transaction that ends in COMMIT, or in ROLLBACK where anything is raised."""
    _begin(connection)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # On a full disk SQLite may have rolled back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _begin(connection: sqlite3.Connection) -> None:
    """Waits for other writers up to `BUSY_TIMEOUT_S`, or until a fork waits for this one."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            # A transaction that reads before it writes fails as soon as another process writes in between, and no timeout helps.
            connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:  # noqa: PERF203 - the loop waits
            if "locked" not in str(error) or time.monotonic() > deadline or forks.is_waiting():
                raise
