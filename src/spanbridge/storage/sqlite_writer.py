"""One batch of records into the SQLite store: spans, payloads, and each trace once.

All functions run inside the caller's transaction. A span counts once, however often it is written: what its earlier row added to its
trace is taken off before the new row's share is added.
"""

from __future__ import annotations

from hashlib import sha256
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import orjson

from spanbridge.model.span import CORRELATION_FIELDS, ENTITY_FIELDS, SpanRecord
from spanbridge.storage.reading import metadata_paths, scalar_text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

RUNNING_DURATION = -1
"""`traces.duration_ns` of a trace whose root has not ended: a number, so that lists can be ordered by it and continued."""
RECENT_TRACES = 500
"""How many traces may stand outside the indexes behind the filters; see `migrations`."""
MAX_METADATA_PATHS = 256
"""How many metadata values of one trace can be found by a filter; all of them are stored."""

_PLAIN_COLUMNS = (
    "span_id",
    "parent_span_id",
    "external_parent_span_id",
    "started_at",
    "ended_at",
    "model",
    "input_tokens",
    "output_tokens",
    "cost",
    "billed_input_tokens",
    "billed_output_tokens",
    "billed_cost",
    "service_name",
    "environment",
    "source",
)
"""Fields of a record that are stored as they are: read in one call, which costs a third of reading them one by one."""
SPAN_COLUMNS = ("sequence", "trace_number", "type", "status", "is_event", "redactions", *_PLAIN_COLUMNS)
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
    *ENTITY_FIELDS,
    *CORRELATION_FIELDS,
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
    return f"{verb} INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


_INSERT_SPAN = _insert("spans", SPAN_COLUMNS)
_INSERT_PAYLOAD = _insert("payloads", ("sequence", "crc32", "document"))
_INSERT_TRACE = _insert("traces", ("number", "trace_id", *ROOT_COLUMNS, *SUM_COLUMNS, "is_indexed"))
_INSERT_TERM = _insert("trace_terms", ("trace_number", "field", "value"), verb="INSERT OR IGNORE")
_UPDATE_ROOT = f"UPDATE traces SET {', '.join(f'{name} = ?' for name in ROOT_COLUMNS)} WHERE number = ?"  # noqa: S608 - our own names
_SET_SUMS = f"UPDATE traces SET {', '.join(f'{name} = ?' for name in SUM_COLUMNS)} WHERE number = ?"  # noqa: S608 - our own names
# An UPDATE rewrites the entries of every index whose columns it names: sums that did not change are left out.
_ADD_SPANS = "UPDATE traces SET span_count = span_count + ? WHERE number = ?"
_ADD_ERRORS = "UPDATE traces SET error_count = error_count + ?1, has_error = error_count + ?1 > 0 WHERE number = ?2"
_ADD_BILLED = """
    UPDATE traces SET input_tokens = input_tokens + ?1, output_tokens = output_tokens + ?2, tokens = tokens + ?1 + ?2,
    cost = cost + ?3, priced_count = priced_count + ?4 WHERE number = ?5
"""
_KNOWN_TRACES = """
    SELECT trace_id, number, span_id, is_root, started_at
    FROM json_each(?) AS wanted CROSS JOIN traces ON traces.trace_id = wanted.value
"""
_KNOWN_SPANS = """
    SELECT trace_number, span_id, sequence, parent_span_id, status, started_at, model,
           billed_input_tokens, billed_output_tokens, billed_cost, cost
    FROM json_each(?) AS wanted CROSS JOIN spans
    ON spans.trace_number = json_extract(wanted.value, '$[0]') AND spans.span_id = json_extract(wanted.value, '$[1]')
"""


class _KnownTrace(NamedTuple):
    trace_id: str
    number: int
    span_id: str
    is_root: int
    started_at: int


class _KnownSpan(NamedTuple):
    trace_number: int
    span_id: str
    sequence: int
    parent_span_id: str | None
    status: str
    started_at: int
    model: str | None
    billed_input_tokens: int
    billed_output_tokens: int
    billed_cost: float
    cost: float | None


class _TraceChange:
    """What one batch adds to one trace."""

    __slots__ = (
        "cost",
        "error_count",
        "first",
        "input_tokens",
        "known",
        "models",
        "number",
        "output_tokens",
        "priced_count",
        "recompute",
        "root",
        "span_count",
    )

    def __init__(self, known: _KnownTrace | None, number: int) -> None:
        self.known = known
        self.number = number
        self.root: SpanRecord | None = None
        self.first: SpanRecord | None = None
        self.span_count = 0
        self.error_count = 0
        self.input_tokens = 0
        self.output_tokens = 0
        self.cost = 0.0
        self.priced_count = 0
        self.models: set[str] = set()
        self.recompute = False

    def take_off(self, row: _KnownSpan) -> None:
        """Removes the share of a row that is about to be replaced."""
        self.span_count -= 1
        self.error_count -= row.status == "error"
        self.input_tokens -= row.billed_input_tokens
        self.output_tokens -= row.billed_output_tokens
        self.cost -= row.billed_cost
        self.priced_count -= row.cost is not None

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

    def sums(self) -> tuple[Any, ...]:
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


def write_batch(connection: sqlite3.Connection, batch: Iterable[SpanRecord]) -> None:
    """Writes the batch inside the caller's transaction."""
    writes: dict[tuple[str, str], SpanRecord] = {}
    drops: dict[tuple[str, str], SpanRecord] = {}
    for record in batch:
        key = (record.trace_id, record.span_id)
        if record.phase == "dropped":
            writes.pop(key, None)
            drops[key] = record
        elif record.phase == "ended" or key not in writes or writes[key].phase == "running":
            writes[key] = record
            drops.pop(key, None)
    known = _read_known_traces(connection, {key[0] for key in (*writes, *drops)})
    rows = _read_known_spans(connection, known, (*writes, *drops)) if known else {}
    changes = _write_spans(connection, writes, known, rows)
    if drops:
        _drop_spans(connection, drops, changes, known, rows)
    _write_traces(connection, changes)


def _read_known_traces(connection: sqlite3.Connection, trace_ids: set[str]) -> dict[str, _KnownTrace]:
    rows = connection.execute(_KNOWN_TRACES, (orjson.dumps(list(trace_ids)).decode(),))
    return {row[0]: _KnownTrace._make(row) for row in rows}


def _read_known_spans(
    connection: sqlite3.Connection, known: dict[str, _KnownTrace], keys: Iterable[tuple[str, str]]
) -> dict[tuple[int, str], _KnownSpan]:
    """The rows that spans of the batch already have, by trace number and span id."""
    wanted = [(known[trace_id].number, span_id) for trace_id, span_id in keys if trace_id in known]
    rows = connection.execute(_KNOWN_SPANS, (orjson.dumps(wanted).decode(),))
    return {(row[0], row[1]): _KnownSpan._make(row) for row in rows}


def _write_spans(
    connection: sqlite3.Connection,
    writes: dict[tuple[str, str], SpanRecord],
    known: dict[str, _KnownTrace],
    rows: dict[tuple[int, str], _KnownSpan],
) -> dict[str, _TraceChange]:
    """Writes the rows of `spans` and `payloads`; returns what they change in their traces."""
    changes: dict[str, _TraceChange] = {}
    (sequence,) = connection.execute("SELECT value FROM counters WHERE name = 'sequence'").fetchone()
    span_rows: list[tuple[Any, ...]] = []
    payload_rows: list[tuple[int, int, bytes]] = []
    replaced: list[tuple[int]] = []
    for (trace_id, span_id), record in writes.items():
        sequence += 1
        change = changes.get(trace_id)
        if change is None:
            trace = known.get(trace_id)
            change = changes[trace_id] = _TraceChange(trace, sequence if trace is None else trace.number)
        parent_span_id = record.parent_span_id
        started_at = record.started_at
        status = str(record.status)
        model = record.model
        row = rows.get((change.number, span_id)) if rows else None
        if row is not None:
            if record.phase == "running" and row.status != "running":
                # The end is known already: a late repetition of an earlier write.
                continue
            replaced.append((row.sequence,))
            change.take_off(row)
            if (row.parent_span_id, row.started_at) != (parent_span_id, started_at) or row.model not in {None, model}:
                change.recompute = True

        document = record.document
        redactions = record.redactions
        span_rows.append(
            (
                sequence,
                change.number,
                # Exactly str and int: sqlite3 looks for an adapter for every value of another class, enumerations and bool too.
                str(record.type),
                status,
                1 if record.is_event else 0,
                orjson.dumps(redactions).decode() if redactions else None,
                *_plain_fields(record),
            )
        )
        payload_rows.append((sequence, crc32(document), document))

        change.span_count += 1
        if status == "error":
            change.error_count += 1
        if model is not None:
            change.models.add(model)
        if record.cost is not None:
            change.priced_count += 1
        change.input_tokens += record.billed_input_tokens
        change.output_tokens += record.billed_output_tokens
        change.cost += record.billed_cost
        if change.first is None or started_at < change.first.started_at:
            change.first = record
        if parent_span_id is None and (change.root is None or started_at < change.root.started_at):
            change.root = record

    if replaced:
        connection.executemany("DELETE FROM spans WHERE sequence = ?", replaced)
        connection.executemany("DELETE FROM payloads WHERE sequence = ?", replaced)
    connection.executemany(_INSERT_SPAN, span_rows)
    connection.executemany(_INSERT_PAYLOAD, payload_rows)
    connection.execute("UPDATE counters SET value = ? WHERE name = 'sequence'", (sequence,))
    return changes


def _drop_spans(
    connection: sqlite3.Connection,
    drops: dict[tuple[str, str], SpanRecord],
    changes: dict[str, _TraceChange],
    known: dict[str, _KnownTrace],
    rows: dict[tuple[int, str], _KnownSpan],
) -> None:
    """Deletes dropped spans and attaches their children to the nearest ancestor that was not dropped in this batch."""
    for (trace_id, span_id), record in drops.items():
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
        row = rows.get((change.number, span_id))
        if row is not None:
            connection.execute("DELETE FROM spans WHERE sequence = ?", (row.sequence,))
            connection.execute("DELETE FROM payloads WHERE sequence = ?", (row.sequence,))
        moved = connection.execute(
            "UPDATE spans SET parent_span_id = ?, external_parent_span_id = ? WHERE trace_number = ? AND parent_span_id = ?",
            (heir.parent_span_id, heir.external_parent_span_id, change.number, span_id),
        )
        if row is not None or moved.rowcount:
            change.recompute = True


def _write_traces(connection: sqlite3.Connection, changes: dict[str, _TraceChange]) -> None:
    inserted: list[tuple[Any, ...]] = []
    updated: list[tuple[Any, ...]] = []
    spans: list[tuple[int, int]] = []
    errors: list[tuple[int, int]] = []
    billed: list[tuple[Any, ...]] = []
    terms: list[tuple[int, str, str]] = []
    recomputed: list[int] = []
    for trace_id, change in changes.items():
        number = change.number
        terms += [(number, "model", model) for model in change.models]
        record = change.new_root()
        if record is not None:
            content: dict[str, Any] = orjson.loads(record.document)
            terms += _root_terms(number, content)
            if change.known is None:
                inserted.append((number, trace_id, *_root_fields(record, content), *change.sums(), 0))
            else:
                updated.append((*_root_fields(record, content), number))
        if change.recompute:
            recomputed.append(number)
        elif change.known is not None:
            if change.span_count:
                spans.append((change.span_count, number))
            if change.error_count:
                errors.append((change.error_count, number))
            if change.input_tokens or change.output_tokens or change.cost or change.priced_count:
                billed.append((change.input_tokens, change.output_tokens, change.cost, change.priced_count, number))
    connection.executemany(_INSERT_TRACE, inserted)
    if inserted:
        (recent_count,) = connection.execute("SELECT count(*) FROM traces WHERE is_indexed = 0").fetchone()
        if recent_count > RECENT_TRACES:
            connection.execute("UPDATE traces SET is_indexed = 1 WHERE is_indexed = 0")
    if updated:
        connection.executemany(_UPDATE_ROOT, updated)
        connection.executemany(
            "DELETE FROM trace_terms WHERE trace_number = ? AND field <> 'model'", [row[-1:] for row in updated]
        )
    connection.executemany(_ADD_SPANS, spans)
    connection.executemany(_ADD_ERRORS, errors)
    connection.executemany(_ADD_BILLED, billed)
    connection.executemany(_INSERT_TERM, terms)
    for number in recomputed:
        _recompute_trace(connection, number)


def _root_terms(number: int, content: dict[str, Any]) -> list[tuple[int, str, str]]:
    """The rows of `trace_terms` that come from the root's content."""
    terms = [(number, "tag", scalar_text(tag)) for tag in content.get("tags", ())]
    metadata = content.get("metadata")
    if metadata:
        paths = metadata_paths(metadata)[:MAX_METADATA_PATHS]
        terms += [(number, f"metadata.{path}", indexed_text(value)) for path, value in paths]
    return terms


def _root_fields(record: SpanRecord, content: dict[str, Any]) -> tuple[Any, ...]:
    """The values of `ROOT_COLUMNS`. A trace without a root is running, whatever its earliest span says."""
    is_root = record.parent_span_id is None
    ended_at = record.ended_at if is_root else None
    return (
        record.span_id,
        int(is_root),
        record.external_parent_span_id,
        scalar_text(content.get("name", "")),
        str(record.type),
        str(record.status) if is_root else "running",
        record.started_at,
        ended_at,
        RUNNING_DURATION if ended_at is None else ended_at - record.started_at,
        record.environment,
        record.service_name,
        *(None if content.get(field) is None else scalar_text(content[field]) for field in _CONTENT_COLUMNS),
    )


_plain_fields = attrgetter(*_PLAIN_COLUMNS)
_CONTENT_COLUMNS = (*ENTITY_FIELDS, *CORRELATION_FIELDS)


def indexed_text(text: str) -> str:
    """`text`, or its hash where it is long: an index of long texts would be as large as what it points to."""
    return text if len(text) <= 200 else f"sha256:{sha256(text.encode()).hexdigest()}"


def _recompute_trace(connection: sqlite3.Connection, number: int) -> None:
    """Rebuilds the row of a trace from its spans: for what increments cannot express, a root that went or a parent that changed."""
    sums = connection.execute(
        """
        SELECT count(*), total(status = 'error'), max(status = 'error'), total(billed_input_tokens),
               total(billed_output_tokens), total(billed_input_tokens + billed_output_tokens),
               total(billed_cost), total(cost IS NOT NULL)
        FROM spans WHERE trace_number = ?
        """,
        (number,),
    ).fetchone()
    if sums[0] == 0:
        delete_traces(connection, [number])
        return
    row = connection.execute(
        """
        SELECT span_id, parent_span_id, external_parent_span_id, type, status, started_at, ended_at, environment,
               service_name, document
        FROM spans LEFT JOIN payloads USING (sequence)
        WHERE trace_number = ? ORDER BY parent_span_id IS NOT NULL, started_at, sequence LIMIT 1
        """,
        (number,),
    ).fetchone()
    names = ("span_id", "parent_span_id", "external_parent_span_id", "type", "status")
    record = SpanRecord(
        trace_id="",
        content={},
        started_at=row[5],
        ended_at=row[6],
        environment=row[7],
        service_name=row[8],
        **dict(zip(names, row, strict=False)),
    )
    content = decode_or_empty(row[9])
    connection.execute(_UPDATE_ROOT, (*_root_fields(record, content), number))
    connection.execute(_SET_SUMS, (*sums, number))
    connection.execute("DELETE FROM trace_terms WHERE trace_number = ?", (number,))
    connection.executemany(_INSERT_TERM, _root_terms(number, content))
    connection.execute(
        "INSERT INTO trace_terms SELECT DISTINCT trace_number, 'model', model FROM spans "
        "WHERE trace_number = ? AND model IS NOT NULL",
        (number,),
    )


def decode_or_empty(document: bytes | None) -> dict[str, Any]:
    """The content of a stored document; empty where it is missing or damaged."""
    try:
        content = orjson.loads(document or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return content if isinstance(content, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def delete_traces(connection: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Deletes traces with all that belongs to them, inside the caller's transaction."""
    keys = [(number,) for number in numbers]
    connection.executemany(
        "DELETE FROM payloads WHERE sequence IN (SELECT sequence FROM spans WHERE trace_number = ?)", keys
    )
    connection.executemany("DELETE FROM spans WHERE trace_number = ?", keys)
    connection.executemany("DELETE FROM trace_terms WHERE trace_number = ?", keys)
    connection.executemany("DELETE FROM traces WHERE number = ?", keys)
