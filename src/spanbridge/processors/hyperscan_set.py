"""Hyperscan: an automaton for many patterns that is complete before its first search, so that new text costs what known text costs.

To make it takes some tenths of a second, in which the interpreter lock is free; to read it from a file takes some milliseconds.
"""

from __future__ import annotations

import importlib
import re
import threading
from typing import TYPE_CHECKING, Any

from spanbridge.processors import automaton_file

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

MAX_ENDS = 512
"""Matches of one pattern that are told."""
_CASELESS = "(?i)"
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


class HyperscanSet:
    """Some patterns of bytes, looked for together."""

    def __init__(self, database: Any, search: Callable[[bytes], Sequence[int]]) -> None:
        """`search`: tells in another way which patterns match."""
        library = _library()
        self._database = database
        self._search = search
        self._stopped: type[BaseException] = library.ScanTerminated
        self._local = _Scratch(library, database)

    def ends(self, data: bytes) -> dict[int, list[int]]:
        """Where matches end, by the index of their pattern: all ends that there are, or none, where they are too many to be told.

        Of a pattern that the database tells once: the first end.
        """
        found: dict[int, list[int]] = {}
        try:
            self._database.scan(data, _note, 0, found, self._local.scratch)
        except self._stopped:
            return {number: [] for number in self._search(data)}
        return found


def made_before(patterns: Sequence[str]) -> Any:
    """The database of the patterns that this machine has from before; None where it has none. Raises ImportError without the library."""
    library = _library()
    data = automaton_file.read(_file(patterns))
    try:
        return library.loadb(data, library.HS_MODE_BLOCK) if data else None
    except library.error:  # of another platform
        return None


def make(patterns: Sequence[str], once: Collection[int]) -> Any:
    """Makes the database of the patterns and keeps it. Of the patterns `once` it tells the first end alone.

    Raises ImportError without the library, `hyperscan.error` for what it does not take.
    """
    library = _library()
    database = library.Database(mode=library.HS_MODE_BLOCK)
    database.compile(
        expressions=[_expression(pattern) for pattern in patterns],
        ids=[*range(len(patterns))],
        flags=[
            (library.HS_FLAG_CASELESS if pattern.startswith(_CASELESS) else 0)
            | (library.HS_FLAG_SINGLEMATCH if number in once else 0)
            for number, pattern in enumerate(patterns)
        ],
    )
    automaton_file.write(_file(patterns), library.dumpb(database))
    return database


def _file(patterns: Sequence[str]) -> Path:
    return automaton_file.path_for(_library().__version__, *patterns)


def _library() -> Any:
    # By name, because it is not everywhere; here, because its import takes a hundredth of a second that only who filters should pay.
    return importlib.import_module("hyperscan")


class _Scratch(threading.local):
    """What each thread needs to search."""

    def __init__(self, library: Any, database: Any) -> None:
        self.scratch = library.Scratch(database)


def _expression(pattern: str) -> bytes:
    """A pattern of bytes, not of the characters that the library would read them as."""
    return _NOT_ASCII.sub(lambda match: b"\\x%02x" % match[0][0], pattern.removeprefix(_CASELESS).encode())


def _note(number: int, _start: int, end: int, _flags: int, found: dict[int, list[int]]) -> bool:
    ends = found.get(number)
    if ends is None:
        found[number] = [end]
        return False
    ends.append(end)
    return len(ends) > MAX_ENDS  # stops the search
