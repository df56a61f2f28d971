"""Queries of the SQLite store. Lists read the rows of `traces` only; payloads are read for the spans that are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from spanbridge.model.span import CORRELATION_FIELDS, ENTITY_FIELDS
from spanbridge.storage.filters import Position, TraceQuery
from spanbridge.storage.reading import Page, StoreSummary, Tail, TraceSummary
from spanbridge.storage.span_rows import SPAN_COLUMNS, model_text, record_of
from spanbridge.storage.sqlite_writer import LAST_SEQUENCE
from spanbridge.storage.trace_rows import RECENT_FIELDS, RECENT_TERMS, RUNNING_DURATION, indexed_text, visible_nul

if TYPE_CHECKING:
    import sqlite3

    from spanbridge.model.span import SpanRecord

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
_SUMMED = ("status", "span_count", "error_count", "input_tokens", "output_tokens", "cost", "priced_count", "started_at")
_AGGREGATE = f"""
    SELECT status, count(*), sum(span_count), sum(error_count), sum(input_tokens), sum(output_tokens), total(cost),
           sum(priced_count), min(started_at), max(started_at)
    FROM ({" UNION ALL ".join(f"SELECT {', '.join(_SUMMED)} FROM {table}" for table in ("traces", RECENT_FIELDS))})
    GROUP BY status ORDER BY status
"""  # noqa: S608 - our own names
_INDEXED = ("traces", "trace_terms")
_RECENT = (RECENT_FIELDS, RECENT_TERMS)
"""The tables of traces and of their terms; every list reads both pairs."""


def list_statement(query: TraceQuery) -> tuple[str, list[Any]]:
    """The SQL of a list and its parameters: one row more than the page holds tells whether there is a next one."""
    # Only ranges: SQLite would walk the whole index of the order to save a sort. The "+" takes that index from its choice.
    conditions, parameters, has_only_ranges = _conditions(query, "trace_terms")
    column = order = _ORDER_COLUMNS[query.order]
    if has_only_ranges:
        ranges = {condition.partition(" ")[0] for condition in conditions}
        order = column if column in ranges else f"+{column}"
    direction = "DESC" if query.descending else "ASC"
    columns = f"{', '.join(_SUMMARY_COLUMNS)}, number, priced_count, {column} AS position"
    arms: list[str] = []
    for (traces, terms), by in ((_INDEXED, order), (_RECENT, column)):
        conditions, _, _ = _conditions(query, terms)
        where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
        arms.append(
            f"SELECT * FROM (SELECT {columns} FROM {traces} {where}"  # noqa: S608 - our own names
            f"ORDER BY {by} {direction}, number {direction} LIMIT ?)"
        )
    statement = f"{' UNION ALL '.join(arms)} ORDER BY position {direction}, number {direction} LIMIT ?"
    arm = [*parameters, query.limit + 1]
    return statement, [*arm, *arm, query.limit + 1]


def _conditions(query: TraceQuery, terms_table: str) -> tuple[list[str], list[Any], bool]:
    """What a row must fulfil, the parameters of that, and whether all of it is ranges."""
    conditions: list[str] = []
    parameters: list[Any] = []

    def where(condition: str, *values: Any) -> None:
        conditions.append(condition)
        parameters.extend(values)

    for column, value in query.equal.items():
        where(f"{column} = ?", visible_nul(value))
    terms = [("tag", tag) for tag in query.tags]
    terms += [(f"metadata.{path}", indexed_text(text)) for path, text in query.metadata]
    if query.model is not None:
        terms.append(("model", model_text(query.model)))
    for field, value in terms:
        where(
            f"number IN (SELECT trace_number FROM {terms_table} WHERE field = ? AND value = ?)",  # noqa: S608 - our own names
            visible_nul(field),
            visible_nul(value),
        )
    if query.has_error is not None:
        where("has_error = ?", query.has_error)
    has_only_ranges = not conditions
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
    has_only_ranges = has_only_ranges and bool(conditions)
    if query.position is not None:
        where(f"({_ORDER_COLUMNS[query.order]}, number) {'<' if query.descending else '>'} (?, ?)", *query.position)
    return conditions, parameters, has_only_ranges


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
    """Trace number -> its values of `field`, sorted."""
    rows = connection.execute(
        """
        SELECT trace_number, trace_terms.value FROM json_each(:wanted) AS wanted CROSS JOIN trace_terms
        ON trace_number = wanted.value AND field = :field
        UNION ALL
        SELECT number, json_extract(term.value, '$[1]')
        FROM json_each(:wanted) AS wanted CROSS JOIN recent_traces ON number = wanted.value CROSS JOIN json_each(terms) AS term
        WHERE json_extract(term.value, '$[0]') = :field
        ORDER BY 1, 2
        """,
        {"wanted": numbers, "field": field},
    )
    result: dict[int, tuple[str, ...]] = {}
    for number, value in rows:
        result[number] = (*result.get(number, ()), value)
    return result


def trace_number(connection: sqlite3.Connection, trace_id: str) -> int | None:
    row = connection.execute(
        """
        SELECT number FROM traces WHERE trace_id = :trace_id UNION ALL SELECT number FROM recent_traces WHERE trace_id = :trace_id
        """,
        {"trace_id": trace_id},
    ).fetchone()
    return None if row is None else row[0]


def trace_ids_with_prefix(connection: sqlite3.Connection, prefix: str, limit: int) -> list[str]:
    rows = connection.execute(
        """
        SELECT trace_id FROM traces WHERE trace_id >= :prefix AND trace_id < :end
        UNION ALL
        SELECT trace_id FROM recent_traces WHERE trace_id >= :prefix AND trace_id < :end
        ORDER BY trace_id LIMIT :limit
        """,
        # "g" is greater than every hexadecimal digit.
        {"prefix": prefix, "end": prefix + "g", "limit": limit},
    )
    return [trace_id for (trace_id,) in rows]


def spans_of_trace(connection: sqlite3.Connection, number: int, trace_id: str) -> list[SpanRecord]:
    """All spans of a trace in the order of their writing."""
    rows = connection.execute(f"{_SPANS} WHERE trace_number = ? ORDER BY sequence", (number,))
    return [record_of(row, trace_id) for row in rows]


def span_of_trace(connection: sqlite3.Connection, number: int, trace_id: str, span_id: str) -> SpanRecord | None:
    row = connection.execute(f"{_SPANS} WHERE trace_number = ? AND span_id = ?", (number, span_id)).fetchone()
    return None if row is None else record_of(row, trace_id)


def tail(connection: sqlite3.Connection, after: int, limit: int) -> Tail:
    rows = connection.execute(f"{_SPANS} WHERE sequence > ? ORDER BY sequence LIMIT ?", (after, limit)).fetchall()
    trace_ids = dict(
        connection.execute(
            """
            SELECT number, trace_id FROM json_each(:wanted) AS wanted CROSS JOIN traces ON number = wanted.value
            UNION ALL
            SELECT number, trace_id FROM json_each(:wanted) AS wanted CROSS JOIN recent_traces ON number = wanted.value
            """,
            {"wanted": orjson.dumps(sorted({row[1] for row in rows})).decode()},
        )
    )
    spans = [record_of(row, trace_ids[row[1]]) for row in rows]
    return Tail(spans, rows[-1][0] if rows else after)


def last_sequence(connection: sqlite3.Connection) -> int:
    return connection.execute(LAST_SEQUENCE).fetchone()[0]


def aggregate(connection: sqlite3.Connection, size_bytes: int) -> StoreSummary:
    """Reads every row of `traces` and `recent_traces` once."""
    rows = connection.execute(_AGGREGATE).fetchall()
    by_status = {status: traces for status, traces, *_ in rows}
    spans, errors, input_tokens, output_tokens, cost, priced = (
        sum(row[column] for row in rows) for column in range(2, 8)
    )
    return StoreSummary(
        traces=sum(by_status.values()),
        spans=spans,
        traces_by_status=by_status,
        error_count=errors,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cost=cost if priced else None,
        size_bytes=size_bytes,
        oldest=min((row[8] for row in rows), default=None),
        newest=max((row[9] for row in rows), default=None),
    )
