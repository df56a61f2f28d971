"""The store that always works: one SQLite file, private to its user, shared safely by any number of processes.

One connection writes, one read-only connection reads; both are opened at their first use and belong to the process that opened them.
The schema and what it is for stand in `migrations`, the writing in `sqlite_writer`, the queries in `sqlite_reader`.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from spanbridge.errors import FilterError, StoreError, TraceNotFoundError
from spanbridge.storage import sqlite_reader
from spanbridge.storage.files import create_private, identity, is_local, make_private
from spanbridge.storage.location import sqlite_path
from spanbridge.storage.migrations import SCHEMA_VERSION, migrate, schema_version
from spanbridge.storage.reading import Page, StoreSummary, Tail, Trace, TraceQuery, sort_spans
from spanbridge.storage.sqlite_writer import BatchWriter, delete_traces, transaction

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from spanbridge.model.span import SpanRecord
    from spanbridge.storage.reading import Time

MAX_BYTES = 1024**3
"""The default bound of the file; the write-ahead log beside it comes on top, with at most some 16 MiB."""
PAGE_BYTES = 8 * 1024
"""With rows of 2 KB the file is a fifth smaller than in SQLite's default of 4 KB; in larger pages a small commit costs more."""
BUSY_TIMEOUT_S = 5.0
"""How long a write waits for other processes."""
CHECKPOINT_PAGES = 2000
"""Pages of write-ahead log (16 MiB) after which a commit moves them into the file."""
FORK_WAIT_S = 2.0
"""How long a fork waits for a commit that is under way."""
MIN_PREFIX = 4
"""The shortest prefix by which a trace id is found."""

_EXPIRE_SPANS_PER_TRANSACTION = 500

_REASONS = (
    ("is locked", "store_locked"),
    ("is full", "store_full"),
    ("readonly database", "store_read_only"),
    ("malformed", "store_damaged"),
    ("not a database", "store_damaged"),
)


class _Reader(NamedTuple):
    connection: sqlite3.Connection
    file: tuple[int, int] | None
    """Device and inode that it was opened on."""


class _Writer(NamedTuple):
    connection: sqlite3.Connection
    file: tuple[int, int] | None
    writer: BatchWriter


class SQLiteStore:
    """Spans in one SQLite file.

    Args:
        address: `sqlite:///traces.db` (relative), `sqlite:////var/traces.db` (absolute), or a `Path`.
        create: Whether a missing file is created, at the first use; otherwise it is an error.
        max_bytes: The bound of the file. Above it each write deletes some of the oldest ended traces, and their pages are used again.

    Raises:
        ConfigurationError: The address names no file.
        StoreError: The file does not exist (without `create`), or is a symbolic link.

    Before its first write it makes an existing file of this user private (mode 0600); it refuses to write another user's file, one with
    a second name, and (with `create`) one in a folder that other users can write.

    All methods may be called from any thread. After a fork the child opens connections of its own.
    """

    def __init__(self, address: str | Path, *, create: bool = False, max_bytes: int = MAX_BYTES) -> None:
        self.path = address.absolute() if isinstance(address, Path) else sqlite_path(address)
        self.address = f"sqlite:///{self.path}"
        self.max_bytes = max_bytes
        self.expired_count = 0
        """Traces that this object has deleted to keep the file within `max_bytes`."""
        self._unchecked_bytes = 0
        """What was written since the size of the file was last looked at."""
        self._create = create
        self._pid = os.getpid()
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._writer: _Writer | None = None
        self._reader: _Reader | None = None
        if not create:
            self._require_file()
        _stores.add(self)

    # Writing

    def write(self, batch: Sequence[SpanRecord]) -> None:
        """Writes a batch, whole or not at all; StoreError says why not. Writing a span again replaces it."""
        self._check_process()
        with self._write_lock, self._errors("write to"):
            while True:
                handle = self._open_writer()
                handle.writer.write(batch)
                # A file that was deleted or replaced takes commits without a word: then the batch goes into the one at the path.
                if identity(self.path) == handle.file:
                    break
            self._unchecked_bytes += handle.writer.written_bytes
            if self._unchecked_bytes > self.max_bytes // 100:
                self._expire(handle.connection, max_spans=max(1000, 2 * len(batch)))

    def _expire(self, connection: sqlite3.Connection, max_spans: int) -> None:
        """Deletes the oldest ended traces while the file is above its bound, some `max_spans` spans at most: the next write goes on."""
        while self._is_too_large(connection):
            if max_spans <= 0:
                return
            with transaction(connection):
                # Traces that never ended come last, but they come: no crash makes the file grow without a bound.
                for condition in ("is_indexed = 1 AND status <> 'running'", "status <> 'running'", "1"):
                    rows = connection.execute(
                        f"SELECT number, span_count FROM traces WHERE {condition} ORDER BY started_at LIMIT 50"  # noqa: S608 - ours
                    ).fetchall()
                    if rows:
                        break
                deleted = spans = 0
                for number, span_count in rows:
                    delete_traces(connection, [number])
                    deleted += 1
                    spans += span_count
                    if spans >= _EXPIRE_SPANS_PER_TRANSACTION or not self._is_too_large(connection):
                        break
            if not deleted:
                break
            self.expired_count += deleted
            max_spans -= spans
        self._unchecked_bytes = 0

    def _is_too_large(self, connection: sqlite3.Connection) -> bool:
        """Whether the pages in use exceed the bound; free ones will be used again."""
        page_bytes, pages, free_pages = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count")
        )
        return (pages - free_pages) * page_bytes > self.max_bytes

    # Reading

    def list_traces(
        self,
        *,
        status: str | None = None,
        type: str | None = None,
        name: str | None = None,
        entity_type: str | None = None,
        entity_id: str | None = None,
        entity_name: str | None = None,
        user_id: str | None = None,
        organization_id: str | None = None,
        session_id: str | None = None,
        thread_id: str | None = None,
        run_id: str | None = None,
        request_id: str | None = None,
        resource_id: str | None = None,
        tags: str | Sequence[str] | None = None,
        metadata: dict[str, Any] | None = None,
        environment: str | None = None,
        service_name: str | None = None,
        model: str | None = None,
        has_error: bool | None = None,
        started_after: Time | None = None,
        started_before: Time | None = None,
        min_duration_s: float | None = None,
        min_tokens: int | None = None,
        min_cost: float | None = None,
        order: str = "-started_at",
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        """One page of traces, the newest first unless `order` says otherwise. All filters that are given must hold.

        Args:
            status: The root's status ("running", "ok", "error", ...); a trace without a root is running.
            type: The root's type, as in `SpanType`.
            name: The root's name.
            entity_type: What the root stands for, with `entity_id` and `entity_name`.
            entity_id: See `entity_type`.
            entity_name: See `entity_type`.
            user_id: The root's correlation fields, this one and those up to `resource_id`.
            organization_id: See `user_id`.
            session_id: See `user_id`.
            thread_id: See `user_id`.
            run_id: See `user_id`.
            request_id: See `user_id`.
            resource_id: See `user_id`.
            tags: One tag or several; the root has all of them.
            metadata: Values of the root's metadata, nested or by dotted path; they are compared as text.
            environment: The root's environment.
            service_name: The root's service.
            model: A model that any span of the trace used.
            has_error: Whether any span of the trace ended in an error.
            started_after: Inclusive; nanoseconds since the epoch, or a datetime with a time zone.
            started_before: Exclusive; likewise.
            min_duration_s: Seconds from the root's start to its end; a running trace has none.
            min_tokens: Billed tokens, input and output together.
            min_cost: The estimated cost.
            order: One of `ORDERS`, with a leading "-" for the largest first.
            limit: Traces on the page, 1 to 1,000.
            cursor: `next_cursor` of the page before, with the same filters and order.

        Raises:
            FilterError: A value, the order, the limit or the cursor is wrong.
        """
        query = TraceQuery.from_arguments(
            status=status,
            type=type,
            name=name,
            entity_type=entity_type,
            entity_id=entity_id,
            entity_name=entity_name,
            user_id=user_id,
            organization_id=organization_id,
            session_id=session_id,
            thread_id=thread_id,
            run_id=run_id,
            request_id=request_id,
            resource_id=resource_id,
            tags=tags,
            metadata=metadata,
            environment=environment,
            service_name=service_name,
            model=model,
            has_error=has_error,
            started_after=started_after,
            started_before=started_before,
            min_duration_s=min_duration_s,
            min_tokens=min_tokens,
            min_cost=min_cost,
            order=order,
            limit=limit,
            cursor=cursor,
        )
        with self._reading() as connection:
            return sqlite_reader.list_traces(connection, query)

    def get_trace(self, trace_id: str) -> Trace:
        """A trace with all its spans; TraceNotFoundError where there is none."""
        with self._reading() as connection:
            number = sqlite_reader.trace_number(connection, trace_id)
            spans = [] if number is None else sqlite_reader.spans_of_trace(connection, number, trace_id)
        if not spans:
            raise TraceNotFoundError(
                f"{self.path} holds no trace {trace_id!r}; list_traces() gives the ids that it holds"
            )
        return Trace(trace_id, sort_spans(spans))

    def get_span(self, trace_id: str, span_id: str) -> SpanRecord:
        """One span; TraceNotFoundError where there is none."""
        with self._reading() as connection:
            number = sqlite_reader.trace_number(connection, trace_id)
            span = None if number is None else sqlite_reader.span_of_trace(connection, number, trace_id, span_id)
        if span is None:
            raise TraceNotFoundError(f"{self.path} holds no span {span_id!r} in a trace {trace_id!r}")
        return span

    def find_trace_id(self, prefix: str) -> str:
        """The trace id that begins with `prefix`, 4 characters or more.

        Raises:
            FilterError: The prefix is too short, is not hexadecimal, or fits several traces.
            TraceNotFoundError: No trace begins with it.
        """
        text = prefix.lower()
        if len(text) < MIN_PREFIX or not set(text) <= set("0123456789abcdef"):
            raise FilterError(f"trace id {prefix!r}: give its first {MIN_PREFIX} hexadecimal characters or more")
        with self._reading() as connection:
            found = sqlite_reader.trace_ids_with_prefix(connection, text, limit=3)
        if not found:
            raise TraceNotFoundError(f"{self.path} holds no trace whose id begins with {prefix!r}")
        if len(found) > 1:
            raise FilterError(
                f"trace id {prefix!r} fits several traces ({', '.join(found[:2])}, ...): give more characters"
            )
        return found[0]

    def tail(self, after: int = 0, *, limit: int = 1000) -> Tail:
        """Up to `limit` spans written after the sequence number `after`, in the order of their writing.

        A span that was written while it ran comes again, with a new number, whenever it is written again. A span that was already replaced
        or deleted does not come: each one comes in its latest state.
        """
        with self._reading() as connection:
            return sqlite_reader.tail(connection, after, limit)

    def last_sequence(self) -> int:
        """The sequence number of the last write: `tail(last_sequence())` gives what comes from now on."""
        with self._reading() as connection:
            return sqlite_reader.last_sequence(connection)

    def aggregate(self) -> StoreSummary:
        """Counts and sums over the whole store."""
        with self._reading() as connection:
            return sqlite_reader.aggregate(connection, self._size_bytes())

    def close(self) -> None:
        """Closes the connections; a later call opens them again."""
        self._check_process()
        with self._write_lock, self._read_lock:
            self._close_writer()
            self._close_reader()

    def __del__(self) -> None:
        # Who opens a store to read it and lets it go needs no `close`. A forked child lets its parent's connections be.
        if getattr(self, "_pid", None) == os.getpid():
            for handle in (self._writer, self._reader):
                if handle is not None:
                    with contextlib.suppress(sqlite3.Error):
                        handle.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"SQLiteStore({self.address!r})"

    # Connections

    @contextlib.contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        """The read-only connection, inside one snapshot."""
        self._check_process()
        with self._read_lock, self._errors("read"):
            connection = self._open_reader().connection
            with transaction(connection, "BEGIN"):
                yield connection

    def _open_writer(self) -> _Writer:
        if self._writer is not None:
            if self._writer.file == identity(self.path):
                return self._writer
            self._close_writer()
        if self._create:
            create_private(self.path)
        self._require_file()
        make_private(self.path)
        file = identity(self.path)
        connection = self._connect("rw")
        try:
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            _set_journal_mode(connection, "wal" if is_local(self.path) else "truncate")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            connection.execute(f"PRAGMA journal_size_limit = {CHECKPOINT_PAGES * PAGE_BYTES}")
            migrate(connection, str(self.path))
        except BaseException:
            connection.close()
            raise
        self._writer = _Writer(connection, file, BatchWriter(connection))
        self._unchecked_bytes = self.max_bytes
        return self._writer

    def _open_reader(self) -> _Reader:
        if self._reader is not None:
            if self._reader.file == identity(self.path):
                return self._reader
            self._close_reader()
        if self._create and identity(self.path) is None:
            self._prepare_file()
        self._require_file()
        file = identity(self.path)
        connection = self._connect("ro")
        try:
            outdated = schema_version(connection, str(self.path)) < SCHEMA_VERSION
        except BaseException:
            connection.close()
            raise
        self._reader = _Reader(connection, file)
        if outdated:
            self._prepare_file()
        return self._reader

    def _prepare_file(self) -> None:
        """Creates or migrates the file, which only a connection that writes can do."""
        with self._write_lock:
            self._open_writer()

    def _connect(self, mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
        )
        # A damaged file must not make SQLite run what it holds.
        connection.execute("PRAGMA trusted_schema = OFF")
        return connection

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.connection.close()
            self._writer = None

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.connection.close()
            self._reader = None

    def _require_file(self) -> None:
        if identity(self.path) is None:
            raise StoreError(
                f"there is no store at {self.path}: run an application that is traced with this store first "
                "(`spanbridge demo` does), or name another file"
            )

    def _size_bytes(self) -> int:
        """The file and its write-ahead log."""
        total = 0
        for suffix in ("", "-wal"):
            with contextlib.suppress(OSError):
                total += Path(f"{self.path}{suffix}").stat().st_size
        return total

    @contextlib.contextmanager
    def _errors(self, action: str) -> Generator[None]:
        """Turns SQLite's errors into StoreError with the path and the reason."""
        try:
            yield
        except (OverflowError, UnicodeEncodeError) as error:
            # A number beyond 64 bits or half a surrogate pair: no later try will store it.
            raise StoreError(f"cannot {action} the store {self.path}: {error}", reason="invalid_span") from error
        except sqlite3.Error as error:
            text = str(error)
            reason = next((reason for part, reason in _REASONS if part in text), "store_error")
            raise StoreError(f"cannot {action} the store {self.path}: {text}", reason=reason) from error

    # Processes

    def _check_process(self) -> None:
        # A fork below Python (uWSGI) runs no at-fork hooks.
        if self._pid != os.getpid():
            self._forget_parent()

    def _forget_parent(self) -> None:
        """In a forked child: lets the parent's connections and locks be.

        The child shares SQLite's file locks and memory with its parent: using or closing an inherited connection hangs or corrupts.
        """
        for handle in (self._writer, self._reader):
            if handle is not None:
                _leak(handle.connection)
        self._writer = self._reader = None
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._pid = os.getpid()


_stores: weakref.WeakSet[SQLiteStore] = weakref.WeakSet()


_held_for_fork: list[threading.Lock] = []


def _hold_writes() -> None:
    """Before a fork: waits for a commit that is under way, not for long. SQLite's own state must not be copied in the middle of one."""
    deadline = time.monotonic() + FORK_WAIT_S
    for store in list(_stores):
        lock = store._write_lock  # pyright: ignore[reportPrivateUsage]
        if lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            _held_for_fork.append(lock)


def _release_writes() -> None:
    while _held_for_fork:
        _held_for_fork.pop().release()


def _forget_parents() -> None:
    _held_for_fork.clear()
    for store in list(_stores):
        store._forget_parent()  # pyright: ignore[reportPrivateUsage] - the hook of this class


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold_writes, after_in_parent=_release_writes, after_in_child=_forget_parents)


def _leak(value: object) -> None:
    """Keeps `value` alive for ever: even at the interpreter's end nothing closes it."""
    import ctypes  # noqa: PLC0415 - only in a forked child

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))


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
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
