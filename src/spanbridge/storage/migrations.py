"""The schema of the SQLite store: numbered steps, one transaction each; `PRAGMA user_version` is the number of the last one.

    spans            one row per span; its content last, as one JSON document with its CRC32, so that the short columns are read without it
    origins          service name, environment and source: the same for all spans of a process, so a span holds their number
    traces           one row per trace: its root's fields and the sums of its spans; all that a list reads, with an index for each filter
    trace_terms      what a trace can have several of, by field: "tag" (of the root), "model" (of all spans), "metadata.<dotted path>"
    recent_traces    the same of the traces that were written last, without indexes: the columns of `traces` as one JSON array, and one
                     array of `[field, value]` pairs; `trace_rows` has the queries that show them as if they were `traces` and `trace_terms`
    counters         `sequence`: the largest number that a deleted span row had

A span row's number (`sequence`) grows with every write and is never given twice: a running span that is written again gets a new one.
A trace's number is that of the first row written for it, so that rows of one trace lie close together: trace ids are random, and a
b-tree that is filled at random places costs several times as much as one that is filled at its end.

A trace changes most while it is new, and each change of an indexed row is a change of many indexes. So a trace is written as one row of
`recent_traces`, which every list reads whole; there are a few hundred. Together they move to `traces` and its indexes, where each page is
then written once for all. A trace that is written again later moves back, and stands in one of the two at any time.

Every column costs each span some 500 instructions. What most spans do not have (a model and its tokens, redactions, an external
parent) is therefore not a column but a key in `details`, a JSON object, or empty text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanbridge.errors import StoreError
from spanbridge.storage.connections import transaction

if TYPE_CHECKING:
    import sqlite3

APPLICATION_ID = 0x53504252
""""SPBR": marks a SQLite file as a spanbridge store."""

_TRACE_COLUMNS = {
    "span_id": "TEXT NOT NULL",
    "is_root": "INTEGER NOT NULL",
    "external_parent_span_id": "TEXT",
    "name": "TEXT NOT NULL",
    "type": "TEXT NOT NULL",
    "status": "TEXT NOT NULL",
    "started_at": "INTEGER NOT NULL",
    "ended_at": "INTEGER",
    "duration_ns": "INTEGER NOT NULL",
    "environment": "TEXT NOT NULL",
    "service_name": "TEXT NOT NULL",
    "entity_type": "TEXT",
    "entity_id": "TEXT",
    "entity_name": "TEXT",
    "user_id": "TEXT",
    "organization_id": "TEXT",
    "session_id": "TEXT",
    "thread_id": "TEXT",
    "run_id": "TEXT",
    "request_id": "TEXT",
    "resource_id": "TEXT",
    "span_count": "INTEGER NOT NULL",
    "error_count": "INTEGER NOT NULL",
    "has_error": "INTEGER NOT NULL",
    "input_tokens": "INTEGER NOT NULL",
    "output_tokens": "INTEGER NOT NULL",
    "tokens": "INTEGER NOT NULL",
    "cost": "REAL NOT NULL",
    "priced_count": "INTEGER NOT NULL",
}
# An index for every filter of `list_traces`; each ends with the start time, so that a filtered list comes in its default order without
# sorting. Those of optional fields hold only the traces that have the field.
_FIELDS = ("status", "type", "name", "environment", "service_name", "has_error")
_OPTIONAL_FIELDS = (
    "entity_type",
    "entity_id",
    "entity_name",
    "user_id",
    "organization_id",
    "session_id",
    "thread_id",
    "run_id",
    "request_id",
    "resource_id",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
        "INSERT INTO counters VALUES ('sequence', 0)",
        "CREATE TABLE origins (id INTEGER PRIMARY KEY, service_name TEXT, environment TEXT, source TEXT)",
        "CREATE UNIQUE INDEX origins_by_fields ON origins (service_name, environment, source)",
        """
        CREATE TABLE spans (
            sequence INTEGER PRIMARY KEY,
            trace_number INTEGER NOT NULL,
            span_id TEXT NOT NULL,
            parent_span_id TEXT,
            type TEXT NOT NULL,
            status TEXT NOT NULL,
            started_at INTEGER NOT NULL,
            ended_at INTEGER,
            origin INTEGER NOT NULL,
            details TEXT NOT NULL,
            crc32 INTEGER NOT NULL,
            document BLOB NOT NULL
        )
        """,
        "CREATE UNIQUE INDEX spans_by_id ON spans (trace_number, span_id)",
        f"""
        CREATE TABLE traces (
            number INTEGER PRIMARY KEY,
            trace_id TEXT NOT NULL,
            {", ".join(f"{name} {kind}" for name, kind in _TRACE_COLUMNS.items())}
        )
        """,
        "CREATE UNIQUE INDEX traces_by_id ON traces (trace_id)",
        "CREATE INDEX traces_by_started_at ON traces (started_at)",
        "CREATE INDEX traces_by_duration ON traces (duration_ns)",
        "CREATE INDEX traces_by_tokens ON traces (tokens)",
        "CREATE INDEX traces_by_cost ON traces (cost)",
        *(f"CREATE INDEX traces_by_{field} ON traces ({field}, started_at)" for field in _FIELDS),
        *(
            f"CREATE INDEX traces_by_{field} ON traces ({field}, started_at) WHERE {field} IS NOT NULL"
            for field in _OPTIONAL_FIELDS
        ),
        """
        CREATE TABLE trace_terms (
            trace_number INTEGER, field TEXT, value TEXT, PRIMARY KEY (trace_number, field, value)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX trace_terms_by_value ON trace_terms (field, value, trace_number)",
        """
        CREATE TABLE recent_traces (
            number INTEGER PRIMARY KEY, trace_id TEXT NOT NULL, fields TEXT NOT NULL, terms TEXT NOT NULL
        )
        """,
        "CREATE UNIQUE INDEX recent_traces_by_id ON recent_traces (trace_id)",
        f"PRAGMA application_id = {APPLICATION_ID}",
    ),
)

SCHEMA_VERSION = len(MIGRATIONS)


def schema_version(connection: sqlite3.Connection, address: str) -> int:
    """The file's schema version, 0 for an empty file; StoreError for a newer schema and for a file that is not a store."""
    # One statement, so that all three are of one moment: another process may just be making the schema.
    version, application_id, tables = connection.execute(
        "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master) "
        "FROM pragma_user_version, pragma_application_id"
    ).fetchone()
    if (version, application_id, tables) == (0, 0, 0):
        return 0
    if application_id != APPLICATION_ID:
        raise StoreError(f"{address} is a SQLite database of another program; name another file as the store")
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{address} has schema version {version}, written by a newer spanbridge; this one knows versions up to "
            f"{SCHEMA_VERSION}: upgrade spanbridge, or name another file as the store"
        )
    return version


def migrate(connection: sqlite3.Connection, address: str) -> None:
    """Brings the file to `SCHEMA_VERSION`. Safe while other processes do the same; `connection` is in autocommit mode."""
    if schema_version(connection, address) == SCHEMA_VERSION:
        return
    for number, statements in enumerate(MIGRATIONS, start=1):
        with transaction(connection):
            # Only inside the transaction is it sure that no other process has taken this step meanwhile.
            if schema_version(connection, address) < number:
                for statement in statements:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")
