"""The distributions installed on this machine: read from their metadata into an SQLite database, and asked by the agent's tools."""

from __future__ import annotations

import csv
import re
import sqlite3
from importlib.metadata import distributions
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from importlib.metadata import Distribution

MAX_ROWS = 50

_SCHEMA = """
CREATE TABLE distributions (name TEXT PRIMARY KEY, version TEXT, summary TEXT, file_count INTEGER, size_bytes INTEGER);
CREATE TABLE requirements (name TEXT, required TEXT, PRIMARY KEY (name, required));
"""


class Package(NamedTuple):
    """One installed distribution."""

    name: str
    version: str
    summary: str
    file_count: int
    size_bytes: int
    """Of its files, as far as it recorded their sizes."""
    requires: list[str]
    """What it requires without extras."""


def installed_packages() -> Iterator[Package]:
    """Every distribution once, the one that would be imported where several have a name."""
    seen: set[str] = set()
    for distribution in distributions():
        # A damaged installation has no name.
        name = _field(distribution, "Name")
        if name and normalize(name) not in seen:
            seen.add(normalize(name))
            yield _package(normalize(name), distribution)


def normalize(name: str) -> str:
    """A distribution's name in the one spelling that all of its spellings share."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _field(distribution: Distribution, field: str) -> str:
    """A field of the metadata; empty where it is not there."""
    metadata = distribution.metadata
    return metadata[field] if field in metadata else ""  # noqa: SIM401 - the metadata of Python 3.10 and 3.11 has no `get`


def _package(name: str, distribution: Distribution) -> Package:
    # Read as text: `distribution.files` makes a path object of every file.
    record = (distribution.read_text("RECORD") or "").splitlines()
    sizes = [int(row[2]) if len(row) > 2 and row[2].isdigit() else 0 for row in csv.reader(record)]
    requires: set[str] = set()
    for requirement in distribution.requires or []:
        required = re.match(r"[A-Za-z0-9][\w.-]*", requirement)
        if required and "extra ==" not in requirement:
            requires.add(normalize(required[0]))
    return Package(
        name, _field(distribution, "Version"), _field(distribution, "Summary"), len(sizes), sum(sizes), sorted(requires)
    )


class PackageDatabase:
    """The distributions in an SQLite database in memory, and the tools that ask it."""

    def __init__(self, packages: Iterable[Package]) -> None:
        self._connection = sqlite3.connect(":memory:", check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript(_SCHEMA)
        for package in packages:
            self._connection.execute("INSERT INTO distributions VALUES (?, ?, ?, ?, ?)", package[:5])
            pairs = [(package.name, required) for required in package.requires]
            self._connection.executemany("INSERT INTO requirements VALUES (?, ?)", pairs)
        self._connection.commit()
        # From here on the model writes the SQL.
        self._connection.execute("PRAGMA query_only = ON")

    def close(self) -> None:
        self._connection.close()

    def list_distributions(self, prefix: str = "", limit: int = MAX_ROWS) -> list[str]:
        """The names of the installed distributions that begin with `prefix`."""
        rows = self._connection.execute(
            "SELECT name FROM distributions WHERE substr(name, 1, length(:prefix)) = :prefix ORDER BY name LIMIT :limit",
            {"prefix": normalize(prefix), "limit": min(limit, MAX_ROWS)},
        )
        return [name for (name,) in rows]

    def describe_distribution(self, name: str) -> dict[str, Any]:
        """Version, summary, size and requirements of a distribution."""
        row = self._connection.execute("SELECT * FROM distributions WHERE name = ?", (normalize(name),)).fetchone()
        if row is None:
            return {"error": f"{name} is not installed"}
        requires = self._connection.execute(
            "SELECT required FROM requirements WHERE name = ? ORDER BY 1", (row["name"],)
        )
        return {**dict(row), "requires": [required for (required,) in requires]}

    def query_packages(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a SELECT over `distributions` and `requirements`."""
        return [dict(row) for row in self._connection.execute(sql).fetchmany(MAX_ROWS)]

    def most_demanding(self) -> str | None:
        """The distribution with the most requirements; None where none has any."""
        row = self._connection.execute(
            "SELECT name FROM requirements GROUP BY name ORDER BY count(*) DESC, name LIMIT 1"
        ).fetchone()
        return None if row is None else row["name"]

    def totals(self) -> dict[str, int]:
        """How many distributions, files, bytes and requirements there are."""
        row = self._connection.execute(
            "SELECT count(*) AS distributions, coalesce(sum(file_count), 0) AS files, coalesce(sum(size_bytes), 0) AS size_bytes, "
            "(SELECT count(*) FROM requirements) AS requirements FROM distributions"
        ).fetchone()
        return dict(row)


TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": "list_distributions",
            "description": "The names of the Python distributions that are installed on this machine.",
            "parameters": {
                "type": "object",
                "properties": {
                    "prefix": {"type": "string", "description": "Only names that begin with it."},
                    "limit": {"type": "integer", "minimum": 1, "maximum": MAX_ROWS},
                },
            },
        },
    },
    {
        "type": "function",
        "function": {
            "name": "describe_distribution",
            "description": "Version, summary, number of files, size in bytes and requirements of one installed distribution.",
            "parameters": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
        },
    },
    {
        "type": "function",
        "function": {
            "name": "query_packages",
            "description": "Runs one SELECT on SQLite tables distributions(name, version, summary, file_count, size_bytes) "
            "and requirements(name, required).",
            "parameters": {"type": "object", "properties": {"sql": {"type": "string"}}, "required": ["sql"]},
        },
    },
]
"""The tools as a model is offered them; each is a method of `PackageDatabase`."""
