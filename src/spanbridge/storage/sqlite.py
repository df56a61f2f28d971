"""The store that always works: one SQLite file, private to its user, shared safely by any number of processes.

One connection writes, one read-only connection reads; both are opened at their first use and belong to the process that opened them.
The schema and what it is for stand in `migrations`, the writing in `sqlite_writer`, the queries in `sqlite_reader`.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from spanbridge import forks
from spanbridge.errors import FilterError, StoreError, TraceNotFoundError
from spanbridge.interpreter_end import leak
from spanbridge.storage import sqlite_reader
from spanbridge.storage.connections import Handle, open_reading, open_untouched, open_writing, snapshot
from spanbridge.storage.files import create_private, identity, make_private, own_status, require_own_companions
from spanbridge.storage.filters import TraceQuery
from spanbridge.storage.location import sqlite_path
from spanbridge.storage.media_folder import MediaFolder, folder_beside
from spanbridge.storage.migrations import SCHEMA_VERSION, migrate, schema_version
from spanbridge.storage.reading import Page, StoreSummary, Tail, Trace, sort_spans
from spanbridge.storage.retention import Retention, oldest_start
from spanbridge.storage.sqlite_writer import BatchWriter

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from spanbridge.model.span import SpanRecord
    from spanbridge.storage.filters import TraceFilters

MAX_BYTES = 1024**3
"""The default bound of the file; the write-ahead log beside it comes on top, with some 16 MiB or an eighth of a smaller bound."""
MIN_PREFIX = 4
"""The shortest prefix by which a trace id is found."""

_REASONS = (
    ("is locked", "store_locked"),
    ("is full", "store_full"),
    ("readonly database", "store_read_only"),
    ("malformed", "store_damaged"),
    ("not a database", "store_damaged"),
)

_FIXES = {
    "store_full": "make room on the disk, or lower store_max_bytes",
    "store_read_only": "let this user write the file and its folder, or name another file",
    "store_damaged": "move the file and those that begin with its name away and a new one is made, or name another file; "
    "`sqlite3 FILE .recover` may save what it holds",
}


class SQLiteStore:
    """Spans in one SQLite file.

    Args:
        address: `sqlite:///traces.db` (relative), `sqlite:////var/traces.db` (absolute), or a `Path`.
        create: Whether a missing file is created, at the first use; otherwise it is an error.
        max_bytes: The bound of the file. Above it each write deletes some of the oldest ended traces, and their pages are used again.

    Raises:
        ConfigurationError: The address names no file.
        StoreError: The file does not exist (without `create`), or is a symbolic link.

    Before its first write it makes an existing store of this user private (mode 0600); it refuses to write another program's or user's
    file, one with a second name, and (with `create`) one in a folder where other users could replace it. It refuses a log beside the file
    that is another user's.

    All methods may be called from any thread. After a fork the child opens connections of its own.
    """

    def __init__(self, address: str | Path, *, create: bool = False, max_bytes: int = MAX_BYTES) -> None:
        self.path = address.absolute() if isinstance(address, Path) else sqlite_path(address)
        self.address = f"sqlite:///{self.path}"
        self.media = MediaFolder(folder_beside(self.path))
        """Images, audio and documents of the spans, in a folder beside the file."""
        self._retention = Retention(max_bytes)
        self._create = create
        self._pid = os.getpid()
        self._is_cut_off = False
        """Whether this process was forked while the store was at work."""
        self._read_lock = threading.Lock()
        self._write_lock = threading.Lock()
        """Taken after `_read_lock`, where both are needed."""
        self._writer: Handle | None = None
        self._batches: BatchWriter | None = None
        self._reader: Handle | None = None
        if not create:
            self._require_file()
        forks.register(self)

    @property
    def max_bytes(self) -> int:
        """The bound of the file."""
        return self._retention.max_bytes

    @max_bytes.setter
    def max_bytes(self, value: int) -> None:
        self._retention.max_bytes = value

    @property
    def expired_count(self) -> int:
        """Traces that this object has deleted to keep the file within `max_bytes`."""
        return self._retention.expired_count

    # Writing

    def write(self, batch: Sequence[SpanRecord]) -> None:
        """Writes a batch, whole or not at all; StoreError says why not. Writing a span again replaces it."""
        self._check_process()
        with self._write_lock, self._errors("write to"):
            while True:
                handle, writer = self._open_writer()
                writer.write(batch)
                # A file that was deleted or replaced takes commits without a word: then the batch goes into the one at the path.
                if identity(self.path) == handle.file:
                    break
            self._retention.after_write(handle.connection, writer.written_bytes, len(batch))
            with contextlib.suppress(sqlite3.Error):  # the batch is written; there will be another time to tidy
                self.media.tidy(lambda: oldest_start(handle.connection))

    def compact(self) -> None:
        """Writes the file anew without what was deleted or replaced, and empties the write-ahead log.

        Takes as much free disk as the file has, and time; others go on reading, and wait to write.
        """
        self._check_process()
        with self._write_lock, self._errors("compact"):
            connection = self._open_writer()[0].connection
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    # Reading

    def list_traces(self, **filters: Unpack[TraceFilters]) -> Page:
        """One page of traces, the newest first unless `order` says otherwise. All filters that are given must hold.

        `TraceFilters` says what each filter is, and the `order`, `limit` and `cursor`.

        Raises:
            FilterError: A value, the order, the limit or the cursor is wrong.
            TypeError: There is no such filter.
        """
        query = TraceQuery.from_arguments(**filters)
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

    def get_media(self, sha256: str) -> bytes | None:
        """The content that a reference names by its hash; None where it is not kept, not any more, or damaged."""
        return self.media.get(sha256)

    def aggregate(self) -> StoreSummary:
        """Counts and sums over the whole store."""
        with self._reading() as connection:
            return sqlite_reader.aggregate(connection, self._size_bytes())

    def close(self) -> None:
        """Closes the connections; a later call opens them again."""
        self._check_fork()
        with self._read_lock, self._write_lock:
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
            with snapshot(connection):
                yield connection

    def _open_writer(self) -> tuple[Handle, BatchWriter]:
        if self._writer is not None and self._batches is not None:
            if self._writer.file == identity(self.path):
                return self._writer, self._batches
            self._close_writer()
        if self._create:
            create_private(self.path)
        self._require_file()
        self._require_store()
        make_private(self.path)
        file = identity(self.path)
        connection = open_writing(self.path, self.max_bytes)
        try:
            migrate(connection, str(self.path))
            require_own_companions(self.path)
        except BaseException:
            connection.close()
            raise
        self._writer = Handle(connection, file)
        self._batches = BatchWriter(connection)
        self._retention.check_again()
        return self._writer, self._batches

    def _open_reader(self) -> Handle:
        if self._reader is not None:
            if self._reader.file == identity(self.path):
                return self._reader
            self._close_reader()
        if self._create and identity(self.path) is None:
            self._prepare_file()
        self._require_file()
        require_own_companions(self.path)
        file = identity(self.path)
        connection = open_reading(self.path)
        try:
            outdated = schema_version(connection, str(self.path)) < SCHEMA_VERSION
        except BaseException:
            connection.close()
            raise
        self._reader = Handle(connection, file)
        if outdated:
            self._prepare_file()
        return self._reader

    def _prepare_file(self) -> None:
        """Creates or migrates the file, which only a connection that writes can do."""
        with self._write_lock:
            self._open_writer()

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.connection.close()
            self._writer = self._batches = None

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

    def _require_store(self) -> None:
        """Refuses a file that is another program's, before anything of it is changed: its mode, its journal."""
        own_status(self.path)
        with contextlib.closing(open_untouched(self.path)) as connection:
            schema_version(connection, str(self.path))

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
            raise StoreError(f"cannot {action} the store {self.path}: {error}") from error
        except sqlite3.Error as error:
            text = str(error)
            reason = next((reason for part, reason in _REASONS if part in text), "store_error")
            fix = f"; {_FIXES[reason]}" if reason in _FIXES else ""
            raise StoreError(f"cannot {action} the store {self.path}: {text}{fix}", reason=reason) from error

    # Processes

    def _check_process(self) -> None:
        self._check_fork()
        if self._is_cut_off:
            raise StoreError(
                f"this process was forked while another thread was using the store {self.path}, and cannot use it safely: "
                "fork before the application is traced, or start processes by spawn",
                reason="store_forked",
            )
        forks.let_go_first()

    def _check_fork(self) -> None:
        # A fork below Python (uWSGI) runs no at-fork hooks: its locks tell what was going on.
        if self._pid != os.getpid():
            self.forget_parent(was_at_work=any(lock.locked() for lock in self.locks()))

    def locks(self) -> tuple[threading.Lock, ...]:
        """For `forks`."""
        return self._read_lock, self._write_lock

    def forget_parent(self, *, was_at_work: bool) -> None:
        """For `forks`: in a child, lets the parent's connections and locks be."""
        for handle in (self._writer, self._reader):
            if handle is not None:
                leak(handle.connection)
        self._writer = self._batches = self._reader = None
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._is_cut_off = self._is_cut_off or was_at_work
        self._pid = os.getpid()
