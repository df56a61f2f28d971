"""One batch of records into the SQLite store: spans, and each trace once.

A span counts once, however often it is written: what its earlier row added to its trace is taken off before the new row's share is
added. Most spans are written once, so a writer looks up earlier rows only for the spans that it wrote as running itself. Where that
was not enough (another process wrote the span, or a batch is written again), or where a value does not fit its column, the transaction
is rolled back and the batch written once more with care: every span is looked up and every value made to fit.
"""

from __future__ import annotations

import contextlib
import sqlite3
from hashlib import sha256
from math import isfinite
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import orjson

from spanbridge.model.span import CORRELATION_FIELDS, ENTITY_FIELDS, SpanRecord
from spanbridge.pacing import Pace
from spanbridge.storage.reading import metadata_paths, scalar_text

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

RUNNING_DURATION = -1
"""`traces.duration_ns` of a trace whose root has not ended: a number, so that lists can be ordered by it and continued."""
RECENT_TRACES = 500
"""How many traces may stand outside the indexes behind the filters; see `migrations`."""
MAX_METADATA_PATHS = 256
"""How many metadata values of one trace can be found by a filter; all of them are stored."""
MAX_INTEGER = 2**63 - 1
MAX_TOKENS = 2**53
"""A token count beyond it is left out: no model reports it, and sums of such numbers would pass 64 bits."""
_ROW_BYTES = 300
"""What a span takes in the file beside its content, about."""
_MAX_REMEMBERED = 10_000
"""How many running spans and how many origins one writer remembers; with more it forgets them and looks them up."""

_DETAILS: dict[str, Any] = {
    "external_parent_span_id": None,
    "is_event": False,
    "redactions": {},
    "model": None,
    "input_tokens": None,
    "output_tokens": None,
    "cost": None,
    "billed_input_tokens": 0,
    "billed_output_tokens": 0,
    "billed_cost": 0.0,
}
"""Fields of a record that stand in `spans.details` where they differ from these values."""
SPAN_COLUMNS = (
    "sequence",
    "trace_number",
    "span_id",
    "parent_span_id",
    "type",
    "status",
    "started_at",
    "ended_at",
    "origin",
    "details",
    "crc32",
    "document",
)
_CONTENT_COLUMNS = (*ENTITY_FIELDS, *CORRELATION_FIELDS)
_OPTIONAL_COLUMNS = frozenset(_CONTENT_COLUMNS) | {"external_parent_span_id"}
ROOT_COLUMNS = (
    "span_id",
    "is_root",
    "external_parent_span_id",
    "name",
    "type",
    "status",
    "started_at",
    "ended_at",
    "duration_ns",
    "environment",
    "service_name",
    *_CONTENT_COLUMNS,
)
SUM_COLUMNS = (
    "span_count",
    "error_count",
    "has_error",
    "input_tokens",
    "output_tokens",
    "tokens",
    "cost",
    "priced_count",
)


def _insert(table: str, columns: Sequence[str], *, verb: str = "INSERT") -> str:
    return f"{verb} INTO {table} ({', '.join(columns)}) VALUES ({', '.join(map(_parameter, columns))})"


def _parameter(column: str) -> str:
    # Most traces have few of these. 0 stands for None, which sqlite3 binds at several times the cost; no text equals the number 0.
    return "nullif(?, 0)" if column in _OPTIONAL_COLUMNS else "?"


_INSERT_SPAN = _insert("spans", SPAN_COLUMNS)
_INSERT_ORIGIN = _insert("origins", ("service_name", "environment", "source"), verb="INSERT OR IGNORE")
_INSERT_TRACE = _insert("traces", ("number", "trace_id", *ROOT_COLUMNS, *SUM_COLUMNS, "is_indexed"))
_INSERT_TERM = _insert("trace_terms", ("trace_number", "field", "value"), verb="INSERT OR IGNORE")
_UPDATE_ROOT = (
    f"UPDATE traces SET {', '.join(f'{name} = {_parameter(name)}' for name in ROOT_COLUMNS)} WHERE number = ?"  # noqa: S608 - our own names
)
_SET_SUMS = f"UPDATE traces SET {', '.join(f'{name} = ?' for name in SUM_COLUMNS)} WHERE number = ?"  # noqa: S608 - our own names
# An UPDATE rewrites the entries of every index whose columns it names: sums that did not change are left out.
_ADD_SPANS = "UPDATE traces SET span_count = span_count + ? WHERE number = ?"
_ADD_ERRORS = "UPDATE traces SET error_count = error_count + ?, has_error = error_count + ? > 0 WHERE number = ?"
_ADD_BILLED = """
    UPDATE traces SET input_tokens = input_tokens + ?, output_tokens = output_tokens + ?, tokens = tokens + ?,
    cost = cost + ?, priced_count = priced_count + ? WHERE number = ?
"""
_KNOWN_TRACES = " UNION ALL ".join(
    "SELECT trace_id, number, span_id, is_root, started_at FROM json_each(?) AS wanted "  # noqa: S608 - our own numbers
    f"CROSS JOIN traces ON traces.trace_id = wanted.value AND is_indexed = {flag}"
    for flag in (0, 1)
)
_KNOWN_SPAN = """
    SELECT sequence, parent_span_id, status, started_at, details FROM spans WHERE trace_number = ? AND span_id = ?
"""
LAST_SEQUENCE = (
    "SELECT max(value, coalesce((SELECT max(sequence) FROM spans), 0)) FROM counters WHERE name = 'sequence'"
)
# Numbers go up from the largest row's; only where rows are deleted must theirs be remembered.
_REMEMBER_SEQUENCE = f"UPDATE counters SET value = ({LAST_SEQUENCE}) WHERE name = 'sequence'"  # noqa: S608 - our own names
_ROWS_BETWEEN_PAUSES = 16
_BACKLOG_RECORDS = 1000
"""A larger batch is written without pauses: spans wait behind it."""
_UNFIT = (
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    OverflowError,
    UnicodeEncodeError,
    TypeError,
)
"""What a span that is there already, or a value that does not fit its column, raises."""


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE") -> Generator[None]:
    """A transaction that ends in COMMIT, or in ROLLBACK where anything is raised.

    A transaction that reads before it writes fails as soon as another process writes in between, and no timeout helps: hence IMMEDIATE.
    """
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # On a full disk SQLite may have rolled back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


class _KnownTrace(NamedTuple):
    trace_id: str
    number: int
    span_id: str
    is_root: int
    started_at: int


class _KnownSpan(NamedTuple):
    sequence: int
    parent_span_id: str | None
    status: str
    started_at: int
    details: dict[str, Any]


class _Sums:
    """What spans add to their trace."""

    __slots__ = ("cost", "error_count", "input_tokens", "output_tokens", "priced_count", "span_count")

    def __init__(self) -> None:
        self.span_count = 0
        self.error_count = 0
        self.input_tokens = 0
        self.output_tokens = 0
        self.cost = 0.0
        self.priced_count = 0

    def add(self, status: str, details: dict[str, Any], sign: int = 1) -> None:
        """Adds the share of one span; with sign -1 takes it off."""
        self.span_count += sign
        if status == "error":
            self.error_count += sign
        if details:
            self.input_tokens += sign * (details.get("billed_input_tokens") or 0)
            self.output_tokens += sign * (details.get("billed_output_tokens") or 0)
            self.cost += sign * (details.get("billed_cost") or 0.0)
            if details.get("cost") is not None:
                self.priced_count += sign

    def values(self) -> tuple[Any, ...]:
        """The values of `SUM_COLUMNS`."""
        return (
            self.span_count,
            self.error_count,
            int(self.error_count > 0),
            self.input_tokens,
            self.output_tokens,
            self.input_tokens + self.output_tokens,
            self.cost,
            self.priced_count,
        )


class _TraceChange:
    """What one batch changes in one trace."""

    __slots__ = ("first", "known", "models", "number", "recompute", "root", "sums")

    def __init__(self, known: _KnownTrace | None, number: int) -> None:
        self.known = known
        self.number = number
        self.root: SpanRecord | None = None
        self.first: SpanRecord | None = None
        self.sums = _Sums()
        self.models: set[str] = set()
        self.recompute = False

    def new_root(self) -> SpanRecord | None:
        """The record whose fields the trace's row must take over, if any: the earliest root, else the earliest span."""
        known = self.known
        if known is None:
            return self.root or self.first
        record = self.root
        if record is not None and not known.is_root:
            return record
        if record is None and not known.is_root:
            record = self.first
        if record is not None and (record.span_id == known.span_id or record.started_at < known.started_at):
            return record
        return None


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
        """Traces inserted since the recent ones were counted."""

    def write(self, batch: Sequence[SpanRecord]) -> None:
        """Writes the batch, whole or not at all."""
        self._pace = Pace(hurries=len(batch) > _BACKLOG_RECORDS)
        try:
            self._write(batch, careful=False)
        except _UNFIT:
            self._write([storable(record) for record in batch], careful=True)

    def _write(self, batch: Iterable[SpanRecord], *, careful: bool) -> None:
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
                known = self._read_known_traces(trace_ids)
                wanted = (*writes, *drops) if careful else (*(running.intersection(writes) if running else ()), *drops)
                rows = self._read_known_spans(known, wanted) if known and wanted else {}
                changes = self._write_spans(writes, known, rows)
                if drops:
                    self._drop_spans(drops, changes, known, rows)
                self._write_traces(changes)
        except BaseException:
            # The rows of new origins were rolled back.
            self._origins.clear()
            raise
        if running:
            running.difference_update(writes, drops)
        running.update(key for key in started if key in writes and writes[key].phase == "running")
        if len(running) > _MAX_REMEMBERED:
            running.clear()

    def _read_known_traces(self, trace_ids: set[str]) -> dict[str, _KnownTrace]:
        wanted = orjson.dumps(list(trace_ids)).decode()
        rows = self._connection.execute(_KNOWN_TRACES, (wanted, wanted))
        return {row[0]: _KnownTrace._make(row) for row in rows}

    def _read_known_spans(self, known: dict[str, _KnownTrace], keys: Iterable[_Key]) -> dict[_Key, _KnownSpan]:
        """The rows that these spans already have."""
        rows: dict[_Key, _KnownSpan] = {}
        for key in keys:
            trace_id, span_id = key
            if trace_id in known:
                row = self._connection.execute(_KNOWN_SPAN, (known[trace_id].number, span_id)).fetchone()
                if row is not None:
                    rows[key] = _KnownSpan._make((*row[:-1], decode_or_empty(row[-1])))
        return rows

    def _write_spans(
        self, writes: dict[_Key, SpanRecord], known: dict[str, _KnownTrace], rows: dict[_Key, _KnownSpan]
    ) -> dict[str, _TraceChange]:
        """Writes the rows of `spans`; returns what they change in their traces."""
        connection = self._connection
        changes: dict[str, _TraceChange] = {}
        (sequence,) = connection.execute(LAST_SEQUENCE).fetchone()
        inserted: list[tuple[Any, ...]] = []
        replaced: list[tuple[Any, ...]] = []
        origins = self._origins
        size = 0
        for key, record in writes.items():
            sequence += 1
            trace_id, span_id = key
            change = changes.get(trace_id)
            if change is None:
                trace = known.get(trace_id)
                change = changes[trace_id] = _TraceChange(trace, sequence if trace is None else trace.number)
            parent_span_id = record.parent_span_id
            started_at = record.started_at
            document = record.document
            # Exactly str, int, float and bytearray: for a value of any other class, None and bytes too, sqlite3 looks for an adapter,
            # which costs as much as the rest of its column.
            status = str(record.status)
            details = (
                _details(record)
                if record.redactions or not vars(record).keys().isdisjoint(_DETAIL_NAMES)
                else _NO_DETAILS
            )
            if rows and (row := rows.get(key)) is not None:
                if record.phase == "running" and row.status != "running":
                    # The end is known already: a late repetition of an earlier write.
                    continue
                replaced.append((row.sequence,))
                change.sums.add(row.status, row.details, -1)
                model = row.details.get("model")
                if (row.parent_span_id, row.started_at) != (parent_span_id, started_at) or (
                    model is not None and model != details.get("model")
                ):
                    change.recompute = True

            self._pace.pause()
            size += len(document)
            origin_fields = _origin_fields(record)
            inserted.append(
                (
                    sequence,
                    change.number,
                    span_id,
                    parent_span_id,
                    str(record.type),
                    status,
                    started_at,
                    record.ended_at,
                    origins.get(origin_fields) or self._add_origin(origin_fields),
                    orjson.dumps(details).decode() if details else "",
                    crc32(document),
                    bytearray(document),
                )
            )

            if details:
                change.sums.add(status, details)
                if "model" in details:
                    change.models.add(details["model"])
            elif status == "error":
                change.sums.add(status, details)
            else:
                change.sums.span_count += 1
            if parent_span_id is None:
                if change.root is None or started_at < change.root.started_at:
                    change.root = record
            elif change.first is None or started_at < change.first.started_at:
                change.first = record

        self.written_bytes = size + _ROW_BYTES * len(inserted)
        if replaced:
            self._execute_many("DELETE FROM spans WHERE sequence = ?", replaced)
        self._execute_many(_INSERT_SPAN, inserted)
        return changes

    def _execute_many(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        for start in range(0, len(rows), _ROWS_BETWEEN_PAUSES):
            self._connection.executemany(statement, rows[start : start + _ROWS_BETWEEN_PAUSES])
            self._pace.pause()

    def _add_origin(self, fields: tuple[str, str, str]) -> int:
        self._connection.execute(_INSERT_ORIGIN, fields)
        (number,) = self._connection.execute(
            "SELECT id FROM origins WHERE service_name = ? AND environment = ? AND source = ?", fields
        ).fetchone()
        if len(self._origins) >= _MAX_REMEMBERED:
            self._origins.clear()
        self._origins[fields] = number
        return number

    def _drop_spans(
        self,
        drops: dict[_Key, SpanRecord],
        changes: dict[str, _TraceChange],
        known: dict[str, _KnownTrace],
        rows: dict[_Key, _KnownSpan],
    ) -> None:
        """Deletes dropped spans and attaches their children to the nearest ancestor that was not dropped in this batch."""
        connection = self._connection
        connection.execute(_REMEMBER_SEQUENCE)
        for key, record in drops.items():
            trace_id, span_id = key
            change = changes.get(trace_id)
            if change is None:
                trace = known.get(trace_id)
                if trace is None:
                    continue
                change = changes[trace_id] = _TraceChange(trace, trace.number)
            heir = record
            passed = {span_id}
            while heir.parent_span_id not in passed and (trace_id, heir.parent_span_id) in drops:
                heir = drops[trace_id, heir.parent_span_id]  # pyright: ignore[reportArgumentType] - it is a key of `drops`
                passed.add(heir.span_id)
            row = rows.get(key)
            if row is not None:
                connection.execute("DELETE FROM spans WHERE sequence = ?", (row.sequence,))
            moved = connection.execute(
                "SELECT sequence, details FROM spans WHERE trace_number = ? AND parent_span_id = ?",
                (change.number, span_id),
            ).fetchall()
            for sequence, text in moved:
                details = decode_or_empty(text)
                details["external_parent_span_id"] = heir.external_parent_span_id
                connection.execute(
                    "UPDATE spans SET parent_span_id = ?, details = ? WHERE sequence = ?",
                    (heir.parent_span_id, orjson.dumps(details).decode(), sequence),
                )
            if row is not None or moved:
                change.recompute = True

    def _write_traces(self, changes: dict[str, _TraceChange]) -> None:
        connection = self._connection
        inserted: list[tuple[Any, ...]] = []
        updated: list[tuple[Any, ...]] = []
        spans: list[tuple[Any, ...]] = []
        errors: list[tuple[Any, ...]] = []
        billed: list[tuple[Any, ...]] = []
        terms: list[tuple[Any, ...]] = []
        recomputed: list[int] = []
        for trace_id, change in changes.items():
            self._pace.pause()
            number = change.number
            sums = change.sums
            terms += [(number, "model", model) for model in change.models]
            record = change.new_root()
            if record is not None:
                content = decode_or_empty(record.document)
                terms += _root_terms(number, content)
                if change.known is None:
                    inserted.append((number, trace_id, *_root_fields(record, content), *sums.values(), 0))
                else:
                    updated.append((*_root_fields(record, content), number))
            if change.recompute:
                recomputed.append(number)
            elif change.known is not None:
                if sums.span_count:
                    spans.append((sums.span_count, number))
                if sums.error_count:
                    errors.append((sums.error_count, sums.error_count, number))
                if sums.input_tokens or sums.output_tokens or sums.cost or sums.priced_count:
                    tokens = sums.input_tokens + sums.output_tokens
                    billed.append((sums.input_tokens, sums.output_tokens, tokens, sums.cost, sums.priced_count, number))
        if inserted:
            self._execute_many(_INSERT_TRACE, inserted)
            self._index_traces(len(inserted))
        if updated:
            self._execute_many(_UPDATE_ROOT, updated)
            self._execute_many(
                "DELETE FROM trace_terms WHERE trace_number = ? AND field <> 'model'", [row[-1:] for row in updated]
            )
        for statement, rows in (
            (_ADD_SPANS, spans),
            (_ADD_ERRORS, errors),
            (_ADD_BILLED, billed),
            (_INSERT_TERM, terms),
        ):
            self._execute_many(statement, rows)
        for number in recomputed:
            _recompute_trace(connection, number)

    def _index_traces(self, inserted_count: int) -> None:
        """Lets the recent traces enter the indexes where they have become too many. Other processes add to them too: they are counted."""
        self._uncounted_traces += inserted_count
        if self._uncounted_traces <= RECENT_TRACES // 10:
            return
        self._uncounted_traces = 0
        (recent_count,) = self._connection.execute("SELECT count(*) FROM traces WHERE is_indexed = 0").fetchone()
        if recent_count > RECENT_TRACES:
            self._connection.execute("UPDATE traces SET is_indexed = 1 WHERE is_indexed = 0")


def _root_terms(number: int, content: dict[str, Any]) -> list[tuple[int, str, str]]:
    """The rows of `trace_terms` that come from the root's content."""
    terms = [(number, "tag", scalar_text(tag)) for tag in content.get("tags", ())]
    metadata = content.get("metadata")
    if metadata:
        paths = metadata_paths(metadata)[:MAX_METADATA_PATHS]
        terms += [(number, f"metadata.{path}", indexed_text(value)) for path, value in paths]
    return terms


def _root_fields(record: SpanRecord, content: dict[str, Any]) -> tuple[Any, ...]:
    """The values of `ROOT_COLUMNS` (0 for None, see `_parameter`). A trace without a root is running, whatever its earliest span says."""
    is_root = record.parent_span_id is None
    ended_at = record.ended_at if is_root else None
    return (
        record.span_id,
        int(is_root),
        record.external_parent_span_id or 0,
        scalar_text(content.get("name", "")),
        str(record.type),
        str(record.status) if is_root else "running",
        record.started_at,
        ended_at,
        RUNNING_DURATION if ended_at is None else ended_at - record.started_at,
        record.environment,
        record.service_name,
        *[0 if (value := content.get(field)) is None else scalar_text(value) for field in _CONTENT_COLUMNS],
    )


# Several fields in one call: it costs a third of reading them one by one.
_origin_fields = attrgetter("service_name", "environment", "source")
_details_fields = attrgetter(*_DETAILS)
_DETAIL_NAMES = frozenset(_DETAILS) - {"redactions"}
_NO_DETAILS: dict[str, Any] = {}


def _details(record: SpanRecord) -> dict[str, Any]:
    values = zip(_DETAILS.items(), _details_fields(record), strict=True)
    return {name: value for (name, default), value in values if value != default}


def read_details(text: str) -> dict[str, Any] | None:
    """All fields in `_DETAILS` from a stored text; None where it is damaged."""
    details: Any = {}
    if text:
        try:
            details = orjson.loads(text)
        except orjson.JSONDecodeError:
            return None
    return {**_DETAILS, "redactions": {}, **details} if isinstance(details, dict) else None


def storable(record: SpanRecord) -> SpanRecord:
    """A copy whose fields fit their columns: a wrong time becomes the nearest that fits, a wrong number is left out."""
    return SpanRecord.from_document(
        record.document,
        phase=record.phase,
        type=record.type,
        status=record.status,
        started_at=_time(record.started_at) or 0,
        ended_at=_time(record.ended_at),
        is_event=bool(record.is_event),
        redactions={_text(name): _count(count) or 0 for name, count in record.redactions.items()},
        input_tokens=_count(record.input_tokens),
        output_tokens=_count(record.output_tokens),
        cost=_amount(record.cost),
        billed_input_tokens=_count(record.billed_input_tokens) or 0,
        billed_output_tokens=_count(record.billed_output_tokens) or 0,
        billed_cost=_amount(record.billed_cost) or 0.0,
        **{name: _text(getattr(record, name)) for name in _TEXT_FIELDS},
    )


_TEXT_FIELDS = (
    "trace_id",
    "span_id",
    "parent_span_id",
    "external_parent_span_id",
    "service_name",
    "environment",
    "source",
    "model",
)


def _time(value: Any) -> int | None:
    return max(0, min(int(value), MAX_INTEGER)) if _is_number(value) else None


def _count(value: Any) -> int | None:
    return int(value) if _is_number(value) and 0 <= value <= MAX_TOKENS else None


def _amount(value: Any) -> float | None:
    return float(value) if _is_number(value) and abs(value) <= MAX_TOKENS else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int) or (isinstance(value, float) and isfinite(value))


def _text(value: Any) -> Any:
    return None if value is None else str(value).encode("utf-8", "replace").decode()


def indexed_text(text: str) -> str:
    """`text`, or its hash where it is long: an index of long texts would be as large as what it points to."""
    return text if len(text) <= 200 else f"sha256:{sha256(text.encode()).hexdigest()}"


def _recompute_trace(connection: sqlite3.Connection, number: int) -> None:
    """Rebuilds the row of a trace from its spans: for what increments cannot express, a root that went or a parent that changed."""
    sums = _Sums()
    models: set[str] = set()
    for status, text in connection.execute("SELECT status, details FROM spans WHERE trace_number = ?", (number,)):
        details = decode_or_empty(text)
        sums.add(status, details)
        if details.get("model") is not None:
            models.add(details["model"])
    if sums.span_count == 0:
        delete_traces(connection, [number])
        return
    *values, text, document = connection.execute(
        """
        SELECT span_id, parent_span_id, type, status, started_at, ended_at, service_name, environment, details, document
        FROM spans LEFT JOIN origins ON origins.id = origin
        WHERE trace_number = ? ORDER BY parent_span_id IS NOT NULL, started_at, sequence LIMIT 1
        """,
        (number,),
    ).fetchone()
    names = ("span_id", "parent_span_id", "type", "status", "started_at", "ended_at", "service_name", "environment")
    record = SpanRecord(
        trace_id="",
        content={},
        external_parent_span_id=decode_or_empty(text).get("external_parent_span_id"),
        **dict(zip(names, values, strict=True)),
    )
    content = decode_or_empty(document)
    connection.execute(_UPDATE_ROOT, (*_root_fields(record, content), number))
    connection.execute(_SET_SUMS, (*sums.values(), number))
    connection.execute("DELETE FROM trace_terms WHERE trace_number = ?", (number,))
    terms = [*_root_terms(number, content), *((number, "model", model) for model in models)]
    connection.executemany(_INSERT_TERM, terms)


def decode_or_empty(document: bytes | str | None) -> dict[str, Any]:
    """A stored JSON object; empty where it is missing or damaged."""
    try:
        content = orjson.loads(document or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return content if isinstance(content, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def delete_traces(connection: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Deletes traces with all that belongs to them, inside the caller's transaction."""
    connection.execute(_REMEMBER_SEQUENCE)
    keys = [(number,) for number in numbers]
    connection.executemany("DELETE FROM spans WHERE trace_number = ?", keys)
    connection.executemany("DELETE FROM trace_terms WHERE trace_number = ?", keys)
    connection.executemany("DELETE FROM traces WHERE number = ?", keys)
