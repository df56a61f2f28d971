"""Queries of the SQLite store. Lists read the rows of `traces` only; payloads are read for the spans that are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

import orjson

from spanbridge.model.span import CORRELATION_FIELDS, ENTITY_FIELDS, SpanRecord, Status
from spanbridge.model.span_types import SpanType
from spanbridge.storage.reading import Page, Position, StoreSummary, Tail, TraceQuery, TraceSummary
from spanbridge.storage.sqlite_writer import LAST_SEQUENCE, RUNNING_DURATION, SPAN_COLUMNS, indexed_text, read_details

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

DAMAGED_KEY = "spanbridge.damaged"
"""The key in the `metadata` of a span whose stored row is damaged; its value says what was found."""

_SUMMARY_COLUMNS = (
    "trace_id",
    "span_id",
    "external_parent_span_id",
    "name",
    "type",
    "status",
    "started_at",
    "ended_at",
    "duration_ns",
    "span_count",
    "error_count",
    "input_tokens",
    "output_tokens",
    "cost",
    "environment",
    "service_name",
    *ENTITY_FIELDS,
    *CORRELATION_FIELDS,
)
_ORDER_COLUMNS = {"started_at": "started_at", "duration": "duration_ns", "tokens": "tokens", "cost": "cost"}
_SPANS = (
    f"SELECT {', '.join(SPAN_COLUMNS)}, service_name, environment, source "  # noqa: S608 - our own names
    "FROM spans LEFT JOIN origins ON origins.id = origin"
)
_TYPES = {item.value: item for item in SpanType}
_STATUSES = {item.value: item for item in Status}


def list_statement(query: TraceQuery) -> tuple[str, list[Any]]:
    """The SQL of a list and its parameters: one row more than the page holds tells whether there is a next one."""
    conditions: list[str] = []
    parameters: list[Any] = []

    def where(condition: str, *values: Any) -> None:
        conditions.append(condition)
        parameters.extend(values)

    for column, value in query.equal.items():
        where(f"{column} = ?", value)
    terms = [("tag", tag) for tag in query.tags]
    terms += [(f"metadata.{path}", indexed_text(text)) for path, text in query.metadata]
    if query.model is not None:
        terms.append(("model", query.model))
    for term in terms:
        where("number IN (SELECT trace_number FROM trace_terms WHERE field = ? AND value = ?)", *term)
    if query.has_error is not None:
        where("has_error = ?", query.has_error)
    if query.started_after is not None:
        where("started_at >= ?", query.started_after)
    if query.started_before is not None:
        where("started_at < ?", query.started_before)
    if query.min_duration_ns is not None:
        where("duration_ns >= ?", query.min_duration_ns)
    if query.min_tokens is not None:
        where("tokens >= ?", query.min_tokens)
    if query.min_cost is not None:
        where("cost >= ?", query.min_cost)
    column = order = _ORDER_COLUMNS[query.order]
    if conditions and not (query.equal or terms or query.has_error is not None):
        # Only ranges: SQLite would walk the whole index of the order to save a sort. The "+" takes that index from its choice.
        ranges = {condition.partition(" ")[0] for condition in conditions}
        order = column if column in ranges else f"+{column}"
    if query.position is not None:
        where(f"({column}, number) {'<' if query.descending else '>'} (?, ?)", *query.position)
    direction = "DESC" if query.descending else "ASC"
    columns = f"{', '.join(_SUMMARY_COLUMNS)}, number, priced_count, {column} AS position"
    indexed, recent = (
        f"SELECT * FROM (SELECT {columns} FROM traces WHERE {' AND '.join((f'is_indexed = {flag}', *conditions))} "  # noqa: S608 - our own names
        f"ORDER BY {by} {direction}, number {direction} LIMIT ?)"
        for flag, by in ((1, order), (0, column))
    )
    statement = f"{indexed} UNION ALL {recent} ORDER BY position {direction}, number {direction} LIMIT ?"
    arm = [*parameters, query.limit + 1]
    return statement, [*arm, *arm, query.limit + 1]


def list_traces(connection: sqlite3.Connection, query: TraceQuery) -> Page:
    statement, parameters = list_statement(query)
    rows = connection.execute(statement, parameters).fetchall()
    next_cursor = None
    if len(rows) > query.limit:
        rows.pop()
        next_cursor = query.cursor(Position(rows[-1][-1], rows[-1][-3]))
    numbers = orjson.dumps([row[-3] for row in rows]).decode()
    tags = _terms(connection, "tag", numbers)
    models = _terms(connection, "model", numbers)
    traces: list[TraceSummary] = []
    for *values, number, priced_count, _ in rows:
        fields = dict(zip(_SUMMARY_COLUMNS, values, strict=True))
        if fields["duration_ns"] == RUNNING_DURATION:
            fields["duration_ns"] = None
        if not priced_count:
            fields["cost"] = None
        traces.append(TraceSummary(**fields, tags=tags.get(number, ()), models=models.get(number, ())))
    return Page(traces, next_cursor)


def _terms(connection: sqlite3.Connection, field: str, numbers: str) -> dict[int, tuple[str, ...]]:
    rows = connection.execute(
        "SELECT trace_number, trace_terms.value FROM json_each(?) AS wanted CROSS JOIN trace_terms "
        "ON trace_number = wanted.value AND field = ? ORDER BY trace_number, trace_terms.value",
        (numbers, field),
    )
    result: dict[int, tuple[str, ...]] = {}
    for number, value in rows:
        result[number] = (*result.get(number, ()), value)
    return result


def trace_number(connection: sqlite3.Connection, trace_id: str) -> int | None:
    arms = (f"SELECT number FROM traces WHERE is_indexed = {flag} AND trace_id = ?" for flag in (0, 1))  # noqa: S608 - ours
    row = connection.execute(" UNION ALL ".join(arms), (trace_id, trace_id)).fetchone()
    return None if row is None else row[0]


def trace_ids_with_prefix(connection: sqlite3.Connection, prefix: str, limit: int) -> list[str]:
    # "g" is greater than every hexadecimal digit.
    arms = (
        f"SELECT trace_id FROM traces WHERE is_indexed = {flag} AND trace_id >= ? AND trace_id < ?"  # noqa: S608 - ours
        for flag in (0, 1)
    )
    rows = connection.execute(
        f"{' UNION ALL '.join(arms)} ORDER BY trace_id LIMIT ?", (*(prefix, prefix + "g") * 2, limit)
    )
    return [trace_id for (trace_id,) in rows]


def spans_of_trace(connection: sqlite3.Connection, number: int, trace_id: str) -> list[SpanRecord]:
    """All spans of a trace in the order of their writing."""
    rows = connection.execute(f"{_SPANS} WHERE trace_number = ? ORDER BY sequence", (number,))
    return [_record(row, trace_id) for row in rows]


def span_of_trace(connection: sqlite3.Connection, number: int, trace_id: str, span_id: str) -> SpanRecord | None:
    row = connection.execute(f"{_SPANS} WHERE trace_number = ? AND span_id = ?", (number, span_id)).fetchone()
    return None if row is None else _record(row, trace_id)


def tail(connection: sqlite3.Connection, after: int, limit: int) -> Tail:
    rows = connection.execute(f"{_SPANS} WHERE sequence > ? ORDER BY sequence LIMIT ?", (after, limit)).fetchall()
    trace_ids = dict(
        connection.execute(
            "SELECT number, trace_id FROM json_each(?) AS wanted CROSS JOIN traces ON number = wanted.value",
            (orjson.dumps(sorted({row[1] for row in rows})).decode(),),
        )
    )
    spans = [_record(row, trace_ids[row[1]]) for row in rows]
    return Tail(spans, rows[-1][0] if rows else after)


def last_sequence(connection: sqlite3.Connection) -> int:
    return connection.execute(LAST_SEQUENCE).fetchone()[0]


def aggregate(connection: sqlite3.Connection, size_bytes: int) -> StoreSummary:
    """Reads every row of `traces` once."""
    by_status = dict(connection.execute("SELECT status, count(*) FROM traces GROUP BY status ORDER BY status"))
    spans, errors, input_tokens, output_tokens, cost, priced, oldest, newest = connection.execute(
        """
        SELECT coalesce(sum(span_count), 0), coalesce(sum(error_count), 0), coalesce(sum(input_tokens), 0),
               coalesce(sum(output_tokens), 0), total(cost), total(priced_count), min(started_at), max(started_at)
        FROM traces
        """
    ).fetchone()
    return StoreSummary(
        traces=sum(by_status.values()),
        spans=spans,
        traces_by_status=by_status,
        error_count=errors,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cost=cost if priced else None,
        size_bytes=size_bytes,
        oldest=oldest,
        newest=newest,
    )


def _record(row: Sequence[Any], trace_id: str) -> SpanRecord:
    """A span from its row: `SPAN_COLUMNS`, then its origin. A damaged row gives a marked span, never an error."""
    fields = dict(zip((*SPAN_COLUMNS, "service_name", "environment", "source"), row, strict=True))
    document = fields["document"]
    damage = ""
    if type(document) is not bytes or crc32(document) != fields["crc32"]:
        damage = "the content does not match its checksum"
        document = b'{"name":"<damaged>"}'
    span_type = _TYPES.get(fields["type"])
    status = _STATUSES.get(fields["status"])
    details = read_details(fields["details"])
    if span_type is None or status is None or details is None or fields["source"] is None:
        damage = damage or "the row holds unknown values"
    record = SpanRecord.from_document(
        document,
        trace_id=trace_id,
        span_id=fields["span_id"],
        parent_span_id=fields["parent_span_id"],
        type=span_type or SpanType.GENERIC,
        status=status or Status.ABANDONED,
        phase="running" if status is Status.RUNNING else "ended",
        started_at=fields["started_at"],
        ended_at=fields["ended_at"],
        service_name=fields["service_name"] or "",
        environment=fields["environment"] or "",
        source=fields["source"] or "",
        **(details or {}),
    )
    if damage:
        content: dict[str, Any] = orjson.loads(document)
        content["metadata"] = {**content.get("metadata", {}), DAMAGED_KEY: damage}
        record.document = orjson.dumps(content)
    return record
