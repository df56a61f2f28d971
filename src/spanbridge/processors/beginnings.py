"""How a pattern begins: its first characters, as far as they are few.

An automaton that looks for many patterns at once keeps a state for each combination of places at which they can be. While a pattern is
within a long or open repetition, every character leads to a combination that was not met before, and to make its state costs a thousand
times what it costs to go through it again: random characters, or merely new words, are then searched at a hundredth of the usual speed.
Beginnings without such repetitions have few combinations, and those are soon known.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spanbridge.processors.matcher import Probe

_FEW_GATES = 3
"""To look for more costs more than it spares."""
_TEXTS = (b"a", b"Z", b"7", b" a", b"e 5")
_ATOM = re.compile(r"\\x[0-9A-Fa-f]{2}|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[^()|]", re.DOTALL)
_PLACES = frozenset(("^", "$", r"\b", r"\B"))
"""Atoms without a character."""
_FLAGS = re.compile(r"\(\?[a-z]+\)")
_GROUP = re.compile(r"\((?:\?P<\w+>|\?(?P<flags>[a-z-]*):)?")
_REPEAT = re.compile(r"(?:\{(?P<low>\d+)(?P<is_range>,(?P<high>\d*))?\}|(?P<sign>[?*+]))\??")
_SIGNS: dict[str, tuple[int, int | None]] = {"?": (0, 1), "*": (0, None), "+": (1, None)}


class Beginning(NamedTuple):
    """The beginning of a pattern."""

    pattern: str
    """Matches wherever the whole pattern does, and perhaps elsewhere."""
    is_whole: bool
    """Whether it is all of the pattern."""
    shortest: float
    longest: float
    """How many bytes it matches at least and at most; infinity where there is no limit."""
    first: tuple[str, ...] | None
    """What the pattern may begin with: patterns of one character; None where that is not known."""
    may_be_empty: bool
    """Whether the pattern may match nothing; then what follows it may stand there as well."""
    next: tuple[str, ...]
    """Of which one follows in the whole pattern: patterns of one character; empty where that is not known."""

    def with_next(self) -> Beginning:
        """The beginning with the character that follows it, where that is known."""
        if not self.next:
            return self
        pattern = f"{self.pattern}(?:{'|'.join(self.next)})"
        return self._replace(pattern=pattern, shortest=self.shortest + 1, longest=self.longest + 1, next=())


def beginning(pattern: str, max_repeated: int) -> Beginning:
    """The beginning of a pattern in the syntax that the prefilter's engines share: without look-around and references.

    A repetition of what text is made of that is longer than `max_repeated` ends it; quotes and blanks are soon over.
    """
    return _read(pattern, max_repeated).with_next()


def _read(pattern: str, max_repeated: int) -> Beginning:
    reader = _Reader(pattern, max_repeated)
    found = reader.alternatives()
    reader.require_end()
    return found


class Whole(NamedTuple):
    """A probe of which the beginning is not all."""

    number: int
    pattern: str
    gates: tuple[bytes, ...]
    """Lower-case literals, a few: one of them is in whatever holds the probe. None: that is not known."""


class Group(NamedTuple):
    """The probes with one beginning."""

    begins: Beginning
    done: list[int]
    """The numbers of those of which it is all."""
    others: list[Whole]


def by_beginning(probes: Iterable[Probe], max_repeated: int) -> list[Group]:
    """The probes, grouped."""
    found: dict[str, Group] = {}
    for number, probe in enumerate(probes):
        begins = _read(probe.pattern, max_repeated)
        group = found.get(begins.pattern, Group(begins, [], []))
        if begins.is_whole:
            group.done.append(number)
        else:
            gates = tuple(gate.encode() for gate in probe.gates) if len(probe.gates) <= _FEW_GATES else ()
            group.others.append(Whole(number, probe.pattern, gates))
        # What follows must be known of all of them.
        together = _union((group.begins.next, begins.next)) if group.begins.next and begins.next else ()
        found[begins.pattern] = group._replace(begins=group.begins._replace(next=together or ()))
    return [group._replace(begins=group.begins.with_next()) for group in found.values()]


def may_hold(whole: Whole, lower: bytes) -> bool:
    """Whether data, in lower case, has a gate of the probe."""
    gates = whole.gates
    return not gates or any(map(lower.__contains__, gates))


@lru_cache(maxsize=1024)
def _may_be_text(atom: str) -> bool:
    """Whether repetitions of `atom` go through words."""
    repeated = re.compile(b"(?:%b)+" % atom.encode())
    return any(repeated.fullmatch(text) for text in _TEXTS)


def _union(parts: Iterable[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    """All that is in one of the parts; None where one of them is not known."""
    known = [*parts]
    return None if None in known else tuple(dict.fromkeys(atom for part in known if part for atom in part))


class _Reader:
    def __init__(self, pattern: str, max_repeated: int) -> None:
        self._pattern = pattern
        self._max_repeated = max_repeated
        self._at = 0

    def alternatives(self) -> Beginning:
        """What is divided by `|`, to the end of the group or of the pattern."""
        found = [self._sequence()]
        if not self._pattern.startswith("|", self._at):
            return found[0]
        while self._pattern.startswith("|", self._at):
            self._at += 1
            found.append(self._sequence())
        found = [part.with_next() for part in found]
        # Without repetitions, for those which differ behind their beginnings only.
        patterns = dict.fromkeys(part.pattern for part in found)
        return Beginning(
            "|".join(patterns),
            all(part.is_whole for part in found),
            min(part.shortest for part in found),
            max(part.longest for part in found),
            _union(part.first for part in found),
            any(part.may_be_empty for part in found),
            (),
        )

    def require_end(self) -> None:
        """Raises ValueError where something is left."""
        if self._at < len(self._pattern):
            raise ValueError(f"the pattern {self._pattern!r} cannot be read at {self._at}")

    def _sequence(self) -> Beginning:
        kept = ""
        is_whole = is_open = True
        has_following: bool | None = None
        shortest = longest = 0.0
        begins: list[tuple[str, ...] | None] = []  # with: all up to the first that must stand there
        follows: list[tuple[str, ...] | None] = []  # the same of what is behind the part that is kept
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            atom = self._atom()
            repeat, low, high = self._repeat()
            may_be_empty = low == 0 or atom.may_be_empty
            if is_open:
                begins.append(atom.first)
                is_open = may_be_empty
            if not is_whole:
                if has_following is False:
                    follows.append(atom.first)
                    has_following = not may_be_empty
                continue  # read to its end only
            if atom.is_whole and ((high is not None and high <= self._max_repeated) or not _may_be_text(atom.pattern)):
                kept += atom.pattern + repeat
                shortest += atom.shortest * low
                longest += atom.longest * (math.inf if high is None else high)
                continue
            is_whole = False
            times = min(low, self._max_repeated) if atom.is_whole else min(low, 1)
            kept += f"{atom.pattern}{{{times}}}" if times and atom.is_whole else atom.pattern * times
            shortest += atom.shortest * times
            longest += atom.longest * times
            if low == 0:
                follows.append(atom.first)
                has_following = False
        # What was left out, or what comes in its place, begins with one of these.
        following = (_union(follows) or ()) if has_following else ()
        return Beginning(kept, is_whole, shortest, longest, _union(begins), is_open, following)

    def _atom(self) -> Beginning:
        pattern, at = self._pattern, self._at
        if pattern[at] != "(":
            atom = self._take(_ATOM)[0]
            # A letter beyond ASCII is some bytes, of which patterns are; a class or an escape matches one.
            size = 0 if atom in _PLACES else len(atom.encode()) if len(atom) == 1 else 1
            first = (atom,) if size == 1 else None
            return Beginning(atom, True, size, size, first, size == 0, ())
        if _FLAGS.match(pattern, at):
            return Beginning(self._take(_FLAGS)[0], True, 0, 0, (), True, ())
        flags = self._take(_GROUP)["flags"] or ""
        inner = self.alternatives().with_next()
        self._at += len(")")
        return inner._replace(pattern=f"(?{flags}:{inner.pattern})", first=None if flags else inner.first)

    def _repeat(self) -> tuple[str, int, int | None]:
        """How often what was read may stand here: the sign, the least and the greatest number (None: any)."""
        found = _REPEAT.match(self._pattern, self._at)
        if found is None:
            return "", 1, 1
        self._at = found.end()
        if found["sign"]:
            low, high = _SIGNS[found["sign"]]
            return found[0], low, high
        low = int(found["low"])
        if not found["is_range"]:
            return found[0], low, low
        return found[0], low, int(found["high"]) if found["high"] else None

    def _take(self, token: re.Pattern[str]) -> re.Match[str]:
        found = token.match(self._pattern, self._at)
        assert found is not None  # noqa: S101 - one of them stands wherever the pattern goes on
        self._at = found.end()
        return found
