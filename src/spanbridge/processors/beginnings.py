"""How a pattern begins: its first characters, as far as they are few, and what must follow there.

An automaton that looks for many patterns at once keeps a state for each combination of places at which they can be. While a pattern is
within a long or open repetition, every character leads to another combination, so such an automaton is large, or is never complete.
Beginnings without such repetitions have few combinations. Where one ends, the rest of the pattern has to be looked for.

A repetition with a bound takes a state for each number of times, one without a bound takes one. So an automaton that keeps all its states
goes further if it lets a repetition with a high bound go on; then a beginning also stands where the repetition is longer than it may be.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from spanbridge.processors.matcher import Probe

_FEW_GATES = 3
"""To look for more costs more than it spares."""
_CASELESS = "(?i)"
_TEXTS = (b"a", b"Z", b"7", b" a", b"e 5")
_LITERAL = re.compile(r"[A-Za-z0-9 _]+(?![?*+{])")
"""Some characters that stand once."""
_ATOM = re.compile(r"\\x[0-9A-Fa-f]{2}|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[^()|]", re.DOTALL)
_PLACES = frozenset(("^", "$", r"\b", r"\B"))
"""Atoms without a character."""
_GROUP = re.compile(r"\((?:\?P<\w+>|\?(?P<flags>[a-z-]*):)?")
_REPEAT = re.compile(r"(?:\{(?P<low>\d+)(?P<is_range>,(?P<high>\d*))?\}|(?P<sign>[?*+]))\??")
_SIGNS: dict[str, tuple[int, int | None]] = {"?": (0, 1), "*": (0, None), "+": (1, None)}


class Beginning(NamedTuple):
    """The beginning of a pattern."""

    pattern: str
    """Matches wherever the whole pattern does, and perhaps elsewhere."""
    next: tuple[str, ...]
    """Of which one follows: patterns of one byte; empty where that is not known."""
    rest: str | None
    """What the whole pattern goes on with; None where its beginning is all of it."""
    back: int
    """How many bytes of the rest the beginning has at its end."""


class Whole(NamedTuple):
    """A probe of which the beginning is not all."""

    number: int
    pattern: str
    rest: str
    gates: tuple[bytes, ...]
    """Lower-case literals, a few, one of which is in whatever holds the probe; empty where they are many."""

    def may_be_in(self, lower: bytes) -> bool:
        """Whether data, in lower case, has one of its gates."""
        return not self.gates or any(map(lower.__contains__, self.gates))


class Group(NamedTuple):
    """The probes with one beginning."""

    pattern: str
    """Of the beginning, with what follows it where that is known."""
    back: int
    """How many bytes before its end the rests of the others begin."""
    done: list[int]
    """The numbers of the probes of which it is all."""
    others: list[Whole]


def by_beginning(probes: Iterable[Probe], max_repeated: int, open_from: int | None = None) -> list[Group]:
    """The probes, grouped. One whose alternatives begin in different ways is in several groups."""
    found: dict[tuple[str, int], tuple[list[tuple[str, ...]], list[int], list[Whole]]] = {}
    for number, probe in enumerate(probes):
        gates = tuple(gate.encode() for gate in probe.gates) if len(probe.gates) <= _FEW_GATES else ()
        for begins in beginnings(probe.pattern, max_repeated, open_from):
            nexts, done, others = found.setdefault((begins.pattern, begins.back), ([], [], []))
            nexts.append(begins.next)
            if begins.rest is None:
                done.append(number)
            else:
                others.append(Whole(number, probe.pattern, begins.rest, gates))
    groups: list[Group] = []
    for (pattern, back), (nexts, done, others) in found.items():
        # What follows must be known of all of them.
        following = dict.fromkeys(atom for atoms in nexts for atom in atoms) if all(nexts) else ()
        with_next = f"{pattern}(?:{'|'.join(following)})" if following else pattern
        groups.append(Group(with_next, back + bool(following), done, others))
    return groups


def beginnings(pattern: str, max_repeated: int, open_from: int | None = None) -> list[Beginning]:
    """The beginnings of the alternatives of a pattern in the syntax that the prefilter's engines share: without look-around and references.

    A repetition of what text is made of that is longer than `max_repeated` ends a beginning; quotes and blanks are soon over. One of a
    single character that may be as long as `open_from` is left open.
    """
    flags = _CASELESS if pattern.startswith(_CASELESS) else ""
    reader = _Reader(pattern.removeprefix(flags), max_repeated, open_from)
    alternatives = reader.alternatives()
    reader.require_end()
    if all(item.is_kept for items in alternatives for item in items):
        return [Beginning(flags + _text(alternatives), (), None, 0)]
    return [found for items in alternatives for found in _beginnings_of(flags, items, max_repeated)]


def _beginnings_of(flags: str, items: Sequence[_Item], max_repeated: int) -> Iterator[Beginning]:
    kept = next((index for index, item in enumerate(items) if not item.is_kept), len(items))
    pattern = flags + "".join(item.text for item in items[:kept])
    if kept == len(items):
        yield Beginning(pattern, (), None, 0)
        return
    rest = flags + "".join(item.text for item in items[kept:])
    first = items[kept]
    if first.low and first.atom.is_byte:
        times = min(first.low, max_repeated)
        yield Beginning(f"{pattern}{first.atom.text}{{{times}}}", (), rest, times)
    elif first.is_once and first.atom.alternatives:
        for inner in first.atom.alternatives:
            yield from _beginnings_of(flags, [*items[:kept], *inner, *items[kept + 1 :]], max_repeated)
    else:
        following, may_be_nothing = _first(items[kept:])
        yield Beginning(pattern, () if may_be_nothing or following is None else following, rest, 0)


class _Atom(NamedTuple):
    """What a repetition is of: a character, a class, a group; or some characters that are not repeated."""

    text: str
    is_byte: bool
    """Whether it matches one byte."""
    is_short: bool
    """Whether no repetition in it is too long."""
    first: tuple[str, ...] | None
    """What it may begin with; None where that is not known."""
    may_be_empty: bool
    alternatives: tuple[tuple[_Item, ...], ...]
    """Of a group."""


class _Item(NamedTuple):
    """An atom with its repetition."""

    atom: _Atom
    text: str
    low: int
    is_once: bool
    """Whether it is not repeated."""
    is_kept: bool
    """Whether a beginning may hold it."""

    def with_flags(self, flags: str) -> _Item:
        """The item as it is in a group with these flags."""
        return self._replace(text=f"(?{flags}:{self.text})", atom=self.atom._replace(first=None)) if flags else self


def _text(alternatives: Iterable[Sequence[_Item]]) -> str:
    return "|".join("".join(item.text for item in items) for items in alternatives)


def _first(items: Sequence[_Item]) -> tuple[tuple[str, ...] | None, bool]:
    """What a sequence may begin with, and whether it may match nothing."""
    found: list[tuple[str, ...] | None] = []
    for item in items:
        found.append(item.atom.first)
        if item.low and not item.atom.may_be_empty:
            return _union(found), False
    return _union(found), True


def _union(parts: Iterable[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    known = [*parts]
    return None if None in known else tuple(dict.fromkeys(atom for part in known if part for atom in part))


@lru_cache(maxsize=1024)
def _may_be_text(atom: str) -> bool:
    """Whether repetitions of `atom` go through words."""
    repeated = re.compile(b"(?:%b)+" % atom.encode())
    return any(repeated.fullmatch(text) for text in _TEXTS)


class _Reader:
    def __init__(self, pattern: str, max_repeated: int, open_from: int | None) -> None:
        self._pattern = pattern
        self._max_repeated = max_repeated
        self._open_from = open_from
        self._at = 0

    def alternatives(self) -> list[list[_Item]]:
        """What is divided by `|`, to the end of the group or of the pattern."""
        found = [self._sequence()]
        while self._pattern.startswith("|", self._at):
            self._at += 1
            found.append(self._sequence())
        return found

    def require_end(self) -> None:
        """Raises ValueError where something is left."""
        if self._at < len(self._pattern):
            raise ValueError(f"the pattern {self._pattern!r} cannot be read at {self._at}")

    def _sequence(self) -> list[_Item]:
        items: list[_Item] = []
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            atom = self._atom()
            end = self._at
            low, high = self._repeat()
            repeat = self._pattern[end : self._at]
            is_short = high is not None and high <= self._max_repeated
            is_kept = atom.is_short and (is_short or not _may_be_text(atom.text))
            if not is_kept and atom.is_byte and low <= self._max_repeated and self._may_be_open(high):
                repeat, is_kept = f"{{{low},}}", True
            items.append(_Item(atom, atom.text + repeat, low, low == high == 1, is_kept))
        return items

    def _may_be_open(self, high: int | None) -> bool:
        return self._open_from is not None and (high is None or high >= self._open_from)

    def _atom(self) -> _Atom:
        literal = _LITERAL.match(self._pattern, self._at)
        if literal is not None:
            self._at = literal.end()
            return _Atom(literal[0], len(literal[0]) == 1, True, (literal[0][0],), False, ())
        if self._pattern[self._at] != "(":
            text = self._take(_ATOM)[0]
            # A letter beyond ASCII is some bytes, of which patterns are; a class or an escape matches one.
            is_byte = text not in _PLACES and (len(text) > 1 or text.isascii())
            return _Atom(text, is_byte, True, (text,) if is_byte else None, text in _PLACES, ())
        opening = self._take(_GROUP)
        flags = opening["flags"] or ""
        alternatives = self.alternatives()
        self._at += len(")")
        firsts = [_first(items) for items in alternatives]
        return _Atom(
            f"{opening[0]}{_text(alternatives)})",
            False,
            all(item.is_kept for items in alternatives for item in items),
            None if flags else _union(first for first, _ in firsts),
            any(is_nothing for _, is_nothing in firsts),
            tuple(tuple(item.with_flags(flags) for item in items) for items in alternatives),
        )

    def _repeat(self) -> tuple[int, int | None]:
        """How often what was read may stand here: the least and the greatest number (None: any)."""
        found = _REPEAT.match(self._pattern, self._at)
        if found is None:
            return 1, 1
        self._at = found.end()
        if found["sign"]:
            return _SIGNS[found["sign"]]
        low = int(found["low"])
        if not found["is_range"]:
            return low, low
        return low, int(found["high"]) if found["high"] else None

    def _take(self, token: re.Pattern[str]) -> re.Match[str]:
        found = token.match(self._pattern, self._at)
        assert found is not None  # noqa: S101 - one of them stands wherever the pattern goes on
        self._at = found.end()
        return found
