"""Many rows in one statement.

Each step of a statement releases the interpreter, and behind a busy application every release can cost the 5 ms until it is given back.
So one step writes as many rows as keep the interpreter for about a slice, or in a backlog very many (`pacing`).
"""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanbridge.pacing import Pace


_LARGER = 16 if sqlite3.sqlite_version_info >= (3, 32) else 4
"""How much larger the large steps are; older libraries take 999 parameters a statement, newer ones 32,766."""


class RowInserter:
    """Collects the rows of one table and inserts them, `rows_per_step` (a power of two) or 16 times as many together."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        table: str,
        columns: Sequence[str],
        *,
        rows_per_step: int,
        pace: Pace,
        verb: str = "INSERT",
    ) -> None:
        self._connection = connection
        self._insert = f"{verb} INTO {table} ({', '.join(columns)}) VALUES "
        self._width = len(columns)
        self._small_step = rows_per_step
        self._pace = pace
        self._begin_step()

    def add(self, row: tuple[Any, ...]) -> None:
        """Values of exactly the classes str, int, float and bytearray are bound at once.

        For a value of any other class, None and bytes too, sqlite3 looks for an adapter, which costs as much as all else of its column.
        """
        parameters = self._parameters
        parameters += row
        if len(parameters) == self._full:
            self._connection.execute(_statement(self._insert, self._width, self._rows), parameters)
            self._pace.pause()
            self._begin_step()

    def _begin_step(self) -> None:
        self._parameters: list[Any] = []
        self._rows = self._small_step * _LARGER if self._pace.hurries else self._small_step
        self._full = self._rows * self._width

    def finish(self) -> None:
        """Inserts the rows that are left, in steps whose sizes are powers of two: few statements, which SQLite keeps prepared."""
        parameters = self._parameters
        at = 0
        size = self._rows
        while at < len(parameters):
            size //= 2
            end = at + size * self._width
            if end <= len(parameters):
                self._connection.execute(_statement(self._insert, self._width, size), parameters[at:end])
                at = end
        self._parameters = []


@cache
def _statement(insert: str, width: int, rows: int) -> str:
    return insert + ", ".join([f"({', '.join('?' * width)})"] * rows)
