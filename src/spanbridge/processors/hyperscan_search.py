"""Hyperscan: an automaton for all patterns' beginnings that is complete before its first search: new text costs what known text costs.

It tells where beginnings end; whether the whole pattern stands there is for `re` to say, or for re2 where there are many such places. To
make the automaton takes about a second, in which the interpreter lock is free; to read it from a file takes some milliseconds.
"""

from __future__ import annotations

import importlib
import re
import threading
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from spanbridge.lazily import lazily
from spanbridge.processors import automaton_file
from spanbridge.processors.beginnings import Group, by_beginning
from spanbridge.processors.found_probes import Found

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from spanbridge.processors.matcher import Probe
    from spanbridge.processors.re2_search import Re2Search

FEW_ENDS, BYTES_PER_END, BYTES_PER_DONE = 16, 256, 64
"""At so many places, and one more for so many bytes, one beginning may end; where there are more, re2 searches instead. What each of them
costs is less where the beginning is all."""
_MAX_REPEATED = 16
"""As of `beginnings`: whole patterns take twenty times as long to make an automaton of."""
_OPEN_FROM = 40
"""As of `beginnings`: from there on it makes most patterns' ends a part of the automaton, and ordinary text has hardly a beginning."""
_CASELESS = "(?i)"
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


class HyperscanSearch:
    """Looks for some probes, with the help of re2."""

    def __init__(self, probes: Sequence[Probe], re2: Callable[[], Re2Search], *, make: bool) -> None:
        """`make`: makes the automaton, and keeps it for later processes; else one from before is read.

        Raises:
            ImportError: The library has no wheel.
            LookupError: There is no automaton from before.
            hyperscan.error: The library does not take the probes.
        """
        # By name, because it is not everywhere; here, because its import takes a hundredth of a second that only who filters should pay.
        library: Any = importlib.import_module("hyperscan")
        groups = sorted(by_beginning(probes, _MAX_REPEATED, _OPEN_FROM), key=_has_others)
        self._re2 = re2
        self._first_with_others = sum(not group.others for group in groups)
        self._done = [group.done for group in groups]
        self._others = [_Others(group) if group.others else None for group in groups]
        file = automaton_file.path_for(library.__version__, *(group.pattern for group in groups))
        self._database = _make(library, groups, file) if make else _read(library, file)
        self._stopped: type[BaseException] = library.ScanTerminated
        self._local = _Scratch(library, self._database)

    def match(self, data: bytes) -> list[int]:
        """The numbers of the probes that match somewhere in `data`, in any order."""
        ends = self._ends_in(data)
        if ends is None:
            return self._re2().match(data)
        found: list[int] = []
        for index, places in ends.items():
            found += self._done[index]
            others = self._others[index]
            if others is not None:
                found += others.in_data(data, places)
        return [*{*found}] if len(found) > 1 else found  # one may be in several groups

    def match_each(self, pieces: Sequence[bytes]) -> Found:
        """As `match`, of each of some pieces; one look at all of them tells most."""
        data = b"\n".join(pieces)
        ends = self._ends_in(data)
        if ends is None:
            return Found([self.match(piece) for piece in pieces])
        if not ends:
            nothing: list[tuple[()]] = [()] * len(pieces)
            return Found(nothing, ends=nothing)
        stops = [*accumulate(len(piece) + 1 for piece in pieces)]
        found: list[list[int]] = [[] for _ in pieces]
        found_at: list[list[int]] = [[] for _ in pieces]
        for index, places in ends.items():
            if done := self._done[index]:
                for place in places:
                    piece = bisect_right(stops, place - 1)
                    found[piece] += done
                    found_at[piece].append(place)
            others = self._others[index]
            if others is not None:
                others.in_each(data, places, stops, found, found_at)
        for piece, places in enumerate(found_at):
            if places:
                start = stops[piece] - len(pieces[piece]) - 1
                found_at[piece] = sorted({place - start for place in places})
        return Found([[*{*here}] if len(here) > 1 else here for here in found], ends=found_at)

    def _ends_in(self, data: bytes) -> _Ends | None:
        """Where the beginnings end; None where there are too many of one."""
        ends = _Ends(
            self._first_with_others, FEW_ENDS + len(data) // BYTES_PER_END, FEW_ENDS + len(data) // BYTES_PER_DONE
        )
        try:
            self._database.scan(data, _note, 0, ends, self._local.scratch)
        except self._stopped:
            return None
        return ends


class _Others:
    """The probes with one beginning of which it is not all."""

    def __init__(self, group: Group) -> None:
        self._wholes = group.others
        self._back = group.back

    def in_data(self, data: bytes, ends: Sequence[int]) -> list[int]:
        """The numbers of those that match in `data`, in which their beginning ends at these places, all that there are."""
        left = self._wholes
        found: list[int] = []
        for end in ends:
            rest_at = end - self._back
            if self._any_rest(data, rest_at):
                # Mostly there is one, and this was it.
                here = [whole.number for whole in left if len(left) == 1 or _match(whole.rest)(data, rest_at)]
                found += here
                left = [whole for whole in left if whole.number not in here]
                if not left:
                    break
        return found

    def in_each(
        self,
        data: bytes,
        ends: Sequence[int],
        stops: Sequence[int],
        found: Sequence[list[int]],
        found_at: Sequence[list[int]],
    ) -> None:
        """As `in_data`, of each of the pieces of `data` that end before `stops`: adds the numbers to what is found in it, and where the
        beginnings end."""
        any_rest, is_one = self._any_rest, len(self._wholes) == 1
        for end in ends:
            rest_at = end - self._back
            piece = bisect_right(stops, rest_at)
            stop = stops[piece] - 1
            if any_rest(data, rest_at, stop):
                found[piece].extend(
                    whole.number for whole in self._wholes if is_one or _match(whole.rest)(data, rest_at, stop)
                )
                found_at[piece].append(end)

    @lazily
    def _any_rest(self) -> Callable[..., object]:
        """Whether what one of them goes on with stands there: mostly none does."""
        flags = _CASELESS if self._wholes[0].rest.startswith(_CASELESS) else ""
        return _match(flags + "|".join(whole.rest.removeprefix(flags) for whole in self._wholes))


@lru_cache(maxsize=1024)
def _match(pattern: str) -> Callable[..., object]:
    return re.compile(pattern.encode()).match


def _has_others(group: Group) -> bool:
    return bool(group.others)


def _read(library: Any, file: Path) -> Any:
    """The database that was kept there."""
    data = automaton_file.read(file)
    if data is None:
        raise LookupError
    try:
        return library.loadb(data, library.HS_MODE_BLOCK)
    except library.error as error:  # of another platform
        raise LookupError from error


def _make(library: Any, groups: Sequence[Group], file: Path) -> Any:
    database = library.Database(mode=library.HS_MODE_BLOCK)
    database.compile(
        expressions=[_expression(group.pattern) for group in groups],
        ids=[*range(len(groups))],
        flags=[library.HS_FLAG_CASELESS if group.pattern.startswith(_CASELESS) else 0 for group in groups],
    )
    automaton_file.write(file, library.dumpb(database))
    return database


def _expression(pattern: str) -> bytes:
    """A pattern of bytes, not of the characters that the library would read them as."""
    return _NOT_ASCII.sub(lambda match: b"\\x%02x" % match[0][0], pattern.removeprefix(_CASELESS).encode())


class _Ends(dict[int, list[int]]):
    """Where beginnings end, by their index, and how many ends one may have: from the index `first_with_others` on, fewer."""

    def __init__(self, first_with_others: int, most: int, most_done: int) -> None:
        super().__init__()
        self.first_with_others = first_with_others
        self.most = most
        self.most_done = most_done


def _note(number: int, _start: int, end: int, _flags: int, found: _Ends) -> bool:
    ends = found.get(number)
    if ends is None:
        found[number] = [end]
        return False
    ends.append(end)
    # More stop the search.
    return len(ends) > (found.most if number >= found.first_with_others else found.most_done)


class _Scratch(threading.local):
    """What each thread needs to search."""

    def __init__(self, library: Any, database: Any) -> None:
        self.scratch = library.Scratch(database)
