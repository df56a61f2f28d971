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
from typing import NamedTuple

MAX_REPEATED = 16
"""A longer repetition of what text is made of ends the beginning; quotes and blanks are soon over."""
_TEXTS = (b"a", b"Z", b"7", b" a", b"e 5")
_ATOM = re.compile(r"\\x[0-9A-Fa-f]{2}|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[^()|]", re.DOTALL)
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
    longest: float
    """How many bytes it matches at most; infinity where there is no limit."""


def beginning(pattern: str) -> Beginning:
    """The beginning of a pattern in the syntax that the prefilter's engines share: without look-around and references."""
    reader = _Reader(pattern)
    found = reader.alternatives()
    reader.require_end()
    return found


@lru_cache(maxsize=1024)
def _may_be_text(atom: str) -> bool:
    """Whether repetitions of `atom` go through words."""
    repeated = re.compile(b"(?:%b)+" % atom.encode())
    return any(repeated.fullmatch(text) for text in _TEXTS)


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def alternatives(self) -> Beginning:
        """What is divided by `|`, to the end of the group or of the pattern."""
        found = [self._sequence()]
        while self._pattern.startswith("|", self._at):
            self._at += 1
            found.append(self._sequence())
        # Without repetitions, for those which differ behind their beginnings only.
        patterns = dict.fromkeys(part.pattern for part in found)
        return Beginning("|".join(patterns), all(part.is_whole for part in found), max(part.longest for part in found))

    def require_end(self) -> None:
        """Raises ValueError where something is left."""
        if self._at < len(self._pattern):
            raise ValueError(f"the pattern {self._pattern!r} cannot be read at {self._at}")

    def _sequence(self) -> Beginning:
        kept = ""
        is_whole = True
        longest = 0.0
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            atom = self._atom()
            repeat, low, high = self._repeat()
            if not is_whole:
                continue  # read to its end only
            if atom.is_whole and ((high is not None and high <= MAX_REPEATED) or not _may_be_text(atom.pattern)):
                kept += atom.pattern + repeat
                longest += atom.longest * (math.inf if high is None else high)
                continue
            is_whole = False
            if low and atom.is_whole:
                kept += f"{atom.pattern}{{{min(low, MAX_REPEATED)}}}"
                longest += atom.longest * min(low, MAX_REPEATED)
            elif low:
                kept += atom.pattern
                longest += atom.longest
        return Beginning(kept, is_whole, longest)

    def _atom(self) -> Beginning:
        pattern, at = self._pattern, self._at
        if pattern[at] != "(":
            atom = self._take(_ATOM)[0]
            # A letter beyond ASCII is some bytes, of which patterns are; a class or an escape matches one.
            return Beginning(atom, True, len(atom.encode()) if len(atom) == 1 else 1)
        if _FLAGS.match(pattern, at):
            return Beginning(self._take(_FLAGS)[0], True, 0)
        flags = self._take(_GROUP)["flags"] or ""
        inner = self.alternatives()
        self._at += len(")")
        return Beginning(f"(?{flags}:{inner.pattern})", inner.is_whole, inner.longest)

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
