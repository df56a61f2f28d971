"""One batch of records into the SQLite store: its spans, and the rows of their traces.

A span counts once, however often it is written: what its earlier row added to its trace is taken off before the new row's share is
added. Most spans are written once, so a writer looks up earlier rows only for the spans that it wrote as running itself. Where that
was not enough (another process wrote the span, or a batch is written again), or where a value does not fit its column, the transaction
is rolled back and the batch written once more with care: every span is looked up and every value made to fit.

All is done in few statements, each of them for many rows; see `rows`.
"""

from __future__ import annotations

import sqlite3
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import orjson

from spanbridge.errors import StoreError
from spanbridge.model.span import SpanRecord
from spanbridge.pacing import Pace
from spanbridge.storage.connections import transaction
from spanbridge.storage.rows import RowInserter
from spanbridge.storage.span_rows import SPAN_COLUMNS, decode_or_empty, details_of, storable
from spanbridge.storage.trace_rows import RECENT_FIELDS, RECENT_TERMS, TRACE_COLUMNS, TraceRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RECENT_TRACES = 500
"""How many traces may stand outside the indexes behind the filters; see `migrations`."""
SPANS_PER_STEP = 16
TRACES_PER_STEP = 8
BACKLOG_RECORDS = 512
"""A larger batch is written without pauses, in large steps: beside an application that lets the interpreter rest, one holds fewer."""
_ROW_BYTES = 300
"""What a span takes in the file beside its content, about."""
_MAX_REMEMBERED = 10_000
"""How many running spans and how many origins one writer remembers; with more it forgets them and looks them up."""

LAST_SEQUENCE = (
    "SELECT max(value, coalesce((SELECT max(sequence) FROM spans), 0)) FROM counters WHERE name = 'sequence'"
)
# Numbers go up from the largest row's; only where rows are deleted must theirs be remembered.
_REMEMBER_SEQUENCE = f"UPDATE counters SET value = ({LAST_SEQUENCE}) WHERE name = 'sequence'"  # noqa: S608 - our own names
# What is read is gathered into one JSON text: rows that come one by one take a step each.
_READ_TRACES = f"""
    SELECT ({LAST_SEQUENCE}), (
        SELECT json_group_array(json_array(trace_id, number, is_indexed, json(fields), json(terms))) FROM (
            SELECT trace_id, number, 0 AS is_indexed, fields, terms
            FROM json_each(:wanted) AS wanted CROSS JOIN recent_traces ON trace_id = wanted.value
            UNION ALL
            SELECT trace_id, number, 1, json_array({", ".join(f"traces.{name}" for name in TRACE_COLUMNS)}), (
                SELECT json_group_array(json_array(field, trace_terms.value)) FROM trace_terms WHERE trace_number = number
            )
            FROM json_each(:wanted) AS wanted CROSS JOIN traces ON trace_id = wanted.value
        )
    )
"""  # noqa: S608 - our own names
_READ_SPANS = """
    SELECT json_group_array(json_array(trace_number, span_id, sequence, parent_span_id, status, started_at, details))
    FROM json_each(?) AS wanted
    CROSS JOIN spans ON trace_number = json_extract(wanted.value, '$[0]') AND span_id = json_extract(wanted.value, '$[1]')
"""
_DELETE_SPANS = "DELETE FROM spans WHERE sequence IN (SELECT value FROM json_each(?))"
_INSERT_ORIGIN = "INSERT OR IGNORE INTO origins (service_name, environment, source) VALUES (?, ?, ?)"
_READ_ORIGIN = "SELECT id FROM origins WHERE service_name = ? AND environment = ? AND source = ?"
_TRACE_COLUMN_LIST = ", ".join(("number", "trace_id", *TRACE_COLUMNS))
_INDEX_RECENT = (
    f"INSERT INTO traces ({_TRACE_COLUMN_LIST}) SELECT {_TRACE_COLUMN_LIST} FROM {RECENT_FIELDS}",  # noqa: S608 - our own names
    f"INSERT OR IGNORE INTO trace_terms (trace_number, field, value) "  # noqa: S608 - as above
    f"SELECT trace_number, field, value FROM {RECENT_TERMS}",
    "DELETE FROM recent_traces",
)
_UNFIT = (
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    OverflowError,
    UnicodeEncodeError,
    TypeError,
)
"""What a span that is there already, or a value that does not fit its column, raises."""

# Several fields in one call: it costs a third of reading them one by one.
_row_fields = attrgetter("parent_span_id", "type", "status", "started_at", "ended_at", "document")
_origin_fields = attrgetter("service_name", "environment", "source")


class _KnownSpan(NamedTuple):
    sequence: int
    parent_span_id: str | None
    status: str
    started_at: int
    details: dict[str, Any]


_Key = tuple[str, str]
"""Trace id and span id."""


class BatchWriter:
    """Writes batches through one connection, each in one transaction of its own."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._pace = Pace()
        self._running: set[_Key] = set()
        """Spans that this writer wrote as running: their rows will be replaced. The others are taken for new."""
        self._origins: dict[tuple[str, str, str], int] = {}
        self.written_bytes = 0
        """What the last batch takes in the file, about."""
        self._uncounted_traces = RECENT_TRACES
        """Traces that became recent since the recent ones were counted."""

    def write(self, batch: Sequence[SpanRecord]) -> None:
        """Writes the batch, whole or not at all.

        Raises:
            StoreError: Even with care something in it cannot be written ("invalid_span").
            sqlite3.Error: The file cannot be written now.
        """
        try:
            self._write(batch, careful=False)
        except _UNFIT:
            try:
                self._write([storable(record) for record in batch], careful=True)
            except _UNFIT as error:
                raise StoreError(f"a span cannot be stored: {error}", reason="invalid_span") from error

    def _write(self, batch: Sequence[SpanRecord], *, careful: bool) -> None:
        self._pace = Pace(hurries=len(batch) > BACKLOG_RECORDS)
        writes: dict[_Key, SpanRecord] = {}
        drops: dict[_Key, SpanRecord] = {}
        trace_ids: set[str] = set()
        started: list[_Key] = []
        for record in batch:
            trace_id = record.trace_id
            trace_ids.add(trace_id)
            key = (trace_id, record.span_id)
            phase = record.phase
            if phase == "ended":
                writes[key] = record
            elif phase == "dropped":
                writes.pop(key, None)
                drops[key] = record
                continue
            elif key not in writes or writes[key].phase == "running":
                writes[key] = record
                started.append(key)
            if drops:
                drops.pop(key, None)
        running = self._running
        try:
            with transaction(self._connection):
                sequence, traces = self._read_traces(trace_ids)
                wanted = (*writes, *drops) if careful else (*(running.intersection(writes) if running else ()), *drops)
                known = self._read_spans(traces, wanted) if traces and wanted else {}
                if known:
                    self._replace_spans(writes, traces, known)
                self._insert_spans(writes, traces, sequence)
                if drops:
                    self._drop_spans(drops, traces, known)
                self._write_traces(traces.values())
        except BaseException:
            # The rows of new origins were rolled back.
            self._origins.clear()
            raise
        if running:
            running.difference_update(writes, drops)
        running.update(key for key in started if key in writes and writes[key].phase == "running")
        if len(running) > _MAX_REMEMBERED:
            running.clear()

    def _read_traces(self, trace_ids: set[str]) -> tuple[int, dict[str, TraceRow]]:
        """The last sequence number, and the traces that are there already."""
        parameters = {"wanted": orjson.dumps(list(trace_ids)).decode()}
        sequence, text = self._connection.execute(_READ_TRACES, parameters).fetchone()
        return sequence, {row[0]: TraceRow(*row) for row in orjson.loads(text)}

    def _read_spans(self, traces: dict[str, TraceRow], keys: Iterable[_Key]) -> dict[_Key, _KnownSpan]:
        """The rows that these spans already have."""
        wanted = [(traces[trace_id].number, span_id) for trace_id, span_id in keys if trace_id in traces]
        (text,) = self._connection.execute(_READ_SPANS, (orjson.dumps(wanted).decode(),)).fetchone()
        trace_ids = {trace.number: trace.trace_id for trace in traces.values()}
        return {
            (trace_ids[number], span_id): _KnownSpan._make((*columns, decode_or_empty(details)))
            for number, span_id, *columns, details in orjson.loads(text)
        }

    def _replace_spans(
        self, writes: dict[_Key, SpanRecord], traces: dict[str, TraceRow], known: dict[_Key, _KnownSpan]
    ) -> None:
        """Deletes the rows that will be written anew and takes off what they added; late repetitions leave `writes`."""
        replaced: list[int] = []
        for key, row in known.items():
            record = writes.get(key)
            if record is None:
                continue
            if record.phase == "running" and row.status != "running":
                # The end is known already: a late repetition of an earlier write.
                del writes[key]
                continue
            replaced.append(row.sequence)
            trace = traces[key[0]]
            trace.add(row.status, row.details, -1)
            model = row.details.get("model")
            if (row.parent_span_id, row.started_at) != (record.parent_span_id, record.started_at) or (
                model is not None and model != details_of(record).get("model")
            ):
                trace.must_recompute = True
        self._connection.execute(_DELETE_SPANS, (orjson.dumps(replaced).decode(),))

    def _insert_spans(self, writes: dict[_Key, SpanRecord], traces: dict[str, TraceRow], sequence: int) -> None:
        """Writes rows of `spans` and adds their shares to their traces; new traces join `traces`."""
        inserter = RowInserter(self._connection, "spans", SPAN_COLUMNS, rows_per_step=SPANS_PER_STEP, pace=self._pace)
        add_row = inserter.add
        origins = self._origins
        size = 0
        for key, record in writes.items():
            sequence += 1
            trace_id, span_id = key
            trace = traces.get(trace_id)
            if trace is None:
                trace = traces[trace_id] = TraceRow(trace_id, sequence)
            parent_span_id, span_type, status, started_at, ended_at, document = _row_fields(record)
            status = str(status)
            details = details_of(record)
            origin_fields = _origin_fields(record)
            size += len(document)
            add_row(
                (
                    sequence,
                    trace.number,
                    span_id,
                    parent_span_id,
                    str(span_type),
                    status,
                    started_at,
                    ended_at,
                    origins.get(origin_fields) or self._add_origin(origin_fields),
                    orjson.dumps(details).decode() if details else "",
                    crc32(document),
                    bytearray(document),
                )
            )
            if details or status == "error":
                trace.add(status, details)
            else:
                trace.span_count += 1
            if parent_span_id is None:
                trace.place_root(record)
            elif started_at < trace.first_started_at:
                trace.first = record
                trace.first_started_at = started_at
        inserter.finish()
        self.written_bytes = size + _ROW_BYTES * len(writes)

    def _add_origin(self, fields: tuple[str, str, str]) -> int:
        self._connection.execute(_INSERT_ORIGIN, fields)
        (number,) = self._connection.execute(_READ_ORIGIN, fields).fetchone()
        if len(self._origins) >= _MAX_REMEMBERED:
            self._origins.clear()
        self._origins[fields] = number
        return number

    def _drop_spans(
        self, drops: dict[_Key, SpanRecord], traces: dict[str, TraceRow], known: dict[_Key, _KnownSpan]
    ) -> None:
        """Deletes dropped spans and attaches their children to the nearest ancestor that was not dropped in this batch."""
        connection = self._connection
        connection.execute(_REMEMBER_SEQUENCE)
        dropped = [known[key].sequence for key in drops if key in known]
        connection.execute(_DELETE_SPANS, (orjson.dumps(dropped).decode(),))
        for key, record in drops.items():
            trace_id, span_id = key
            trace = traces.get(trace_id)
            if trace is None:
                continue
            heir = record
            passed = {span_id}
            while heir.parent_span_id not in passed and (trace_id, heir.parent_span_id) in drops:
                heir = drops[trace_id, heir.parent_span_id]  # pyright: ignore[reportArgumentType] - it is a key of `drops`
                passed.add(heir.span_id)
            moved = connection.execute(
                "SELECT sequence, details FROM spans WHERE trace_number = ? AND parent_span_id = ?",
                (trace.number, span_id),
            ).fetchall()
            for sequence, text in moved:
                details = decode_or_empty(text)
                details["external_parent_span_id"] = heir.external_parent_span_id
                connection.execute(
                    "UPDATE spans SET parent_span_id = ?, details = ? WHERE sequence = ?",
                    (heir.parent_span_id, orjson.dumps(details).decode(), sequence),
                )
            if key in known or moved:
                trace.must_recompute = True

    def _write_traces(self, traces: Iterable[TraceRow]) -> None:
        """Writes the rows of changed traces, all as recent ones."""
        columns = ("number", "trace_id", "fields", "terms")
        verb = "INSERT OR REPLACE"
        inserter = RowInserter(
            self._connection, "recent_traces", columns, rows_per_step=TRACES_PER_STEP, pace=self._pace, verb=verb
        )
        moved: list[int] = []
        emptied: list[int] = []
        recent_count = 0
        for trace in traces:
            if trace.must_recompute:
                rebuilt = self._recompute(trace)
                if rebuilt is None:
                    emptied.append(trace.number)
                    continue
                rebuilt.is_indexed = trace.is_indexed
                trace = rebuilt  # noqa: PLW2901 - it takes its place
            elif trace.root is None and trace.first is None:
                continue
            is_new = trace.values is None or trace.is_indexed
            recent_count += is_new
            if trace.is_indexed:
                moved.append(trace.number)
            trace.update()
            inserter.add(trace.recent_row())
        inserter.finish()
        if moved:
            delete_indexed(self._connection, moved)
        if emptied:
            delete_traces(self._connection, emptied)
        if recent_count:
            self._index_traces(recent_count)

    def _recompute(self, trace: TraceRow) -> TraceRow | None:
        """The row of a trace from all its spans, for what increments cannot tell; None where no span is left."""
        connection = self._connection
        rebuilt = TraceRow(trace.trace_id, trace.number)
        rows = connection.execute("SELECT status, details FROM spans WHERE trace_number = ?", (trace.number,))
        for status, text in rows.fetchall():
            details = decode_or_empty(text)
            rebuilt.add(status, details)
        if rebuilt.span_count == 0:
            return None
        *values, text, document = connection.execute(
            """
            SELECT span_id, parent_span_id, type, status, started_at, ended_at, service_name, environment, details, document
            FROM spans LEFT JOIN origins ON origins.id = origin
            WHERE trace_number = ? ORDER BY parent_span_id IS NOT NULL, started_at, sequence LIMIT 1
            """,
            (trace.number,),
        ).fetchone()
        names = (
            "span_id",
            "parent_span_id",
            "type",
            "status",
            "started_at",
            "ended_at",
            "service_name",
            "environment",
        )
        rebuilt.place_root(
            SpanRecord.from_document(
                document,
                trace_id=trace.trace_id,
                external_parent_span_id=decode_or_empty(text).get("external_parent_span_id"),
                **dict(zip(names, values, strict=True)),
            )
        )
        return rebuilt

    def _index_traces(self, added_count: int) -> None:
        """Lets the recent traces enter the indexes where they have become too many. Other processes add to them too: they are counted."""
        self._uncounted_traces += added_count
        if self._uncounted_traces <= RECENT_TRACES // 10:
            return
        self._uncounted_traces = 0
        (recent_count,) = self._connection.execute("SELECT count(*) FROM recent_traces").fetchone()
        if recent_count > RECENT_TRACES:
            for statement in _INDEX_RECENT:
                self._connection.execute(statement)


def delete_indexed(connection: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Takes traces out of the indexes, inside the caller's transaction."""
    parameters = (orjson.dumps(numbers).decode(),)
    connection.execute("DELETE FROM traces WHERE number IN (SELECT value FROM json_each(?))", parameters)
    connection.execute("DELETE FROM trace_terms WHERE trace_number IN (SELECT value FROM json_each(?))", parameters)


def delete_traces(connection: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Deletes traces with all that belongs to them, inside the caller's transaction."""
    connection.execute(_REMEMBER_SEQUENCE)
    delete_indexed(connection, numbers)
    parameters = (orjson.dumps(numbers).decode(),)
    connection.execute("DELETE FROM recent_traces WHERE number IN (SELECT value FROM json_each(?))", parameters)
    connection.execute("DELETE FROM spans WHERE trace_number IN (SELECT value FROM json_each(?))", parameters)
