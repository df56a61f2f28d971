"""Which probes match in which of some pieces of data, and where."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Found(NamedTuple):
    """What one look at some pieces together tells."""

    in_each: Sequence[Sequence[int]]
    """For each piece the indexes of the probes that match there; perhaps one that a piece and the next one make up together."""
    anywhere: Sequence[int] = ()
    """The indexes of others that match in some of the pieces; in which ones is left to be told."""
    ends: Sequence[Sequence[int]] | None = None
    """For each piece the places, in order, of which each match has one behind its first byte and not behind its last: where it ends, or
    where its beginning does, which is not where the secret stands. None: not told."""


class Look(NamedTuple):
    """What a look at a document tells that is not clean."""

    ends: Sequence[int] | None
    """Places in it, as of `Found`, and the `list_place` of each list in whose strings, joined, something matches: what holds none of them
    is clean. None: not told."""


def list_place(start: int) -> int:
    """What stands for a list that starts there, in whose strings together something was found. Another place may be there too: then the
    list is gone through whole for nothing."""
    return start + 1


def ends_within(ends: Sequence[int], start: int, stop: int) -> Sequence[int]:
    """Those of the places of a `Look` that lie between two others."""
    first = bisect_right(ends, start)
    return ends[first : bisect_right(ends, stop, first)]
