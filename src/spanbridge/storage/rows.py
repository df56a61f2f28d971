"""Many rows in one statement.

Each step of a statement releases the interpreter: behind a busy application every release can cost the 5 ms until it is given back, so
one step writes many rows. Where nothing presses there is a pause between two steps (`pacing`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from spanbridge.pacing import Pace


class RowInserter:
    """Collects the rows of one table and inserts them, `rows_per_step` (a power of two) together."""

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
        self._rows_per_step = rows_per_step
        self._pause = pace.pause
        self._full = rows_per_step * len(columns)
        self._parameters: list[Any] = []

    def add(self, row: tuple[Any, ...]) -> None:
        """Values of exactly the classes str, int, float and bytearray are bound at once.

        For a value of any other class, None and bytes too, sqlite3 looks for an adapter, which costs as much as all else of its column.
        """
        parameters = self._parameters
        parameters += row
        if len(parameters) == self._full:
            self._parameters = []
            self._connection.execute(_statement(self._insert, self._width, self._rows_per_step), parameters)
            self._pause()

    def finish(self) -> None:
        """Inserts the rows that are left, in steps whose sizes are powers of two: few statements, which SQLite keeps prepared."""
        parameters = self._parameters
        at = 0
        size = self._rows_per_step
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
