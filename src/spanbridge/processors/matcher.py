"""The prefilter: one pass over encoded bytes that tells which rules may match there.

Two engines: native ones (linear time, all probes at once, the interpreter lock released; see `native_prefilter`) and, where they have no
wheel, the standard library's `re` behind literal gates. None misses a probe; one may name a probe whose long repetition is longer than it
may be, in which the rules find nothing. Probes are patterns of bounded length without boundaries or
look-around, so that one search serves decoded text and JSON alike, in which a line break before a word is the letter `n` and quotes hide
behind backslashes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from spanbridge.processors.native_prefilter import NativePrefilter
from spanbridge.processors.re2_search import EngineUnusable
from spanbridge.processors.re_prefilter import RePrefilter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanbridge.processors.found_probes import Found


class Probe(NamedTuple):
    """One pattern of the prefilter, in the syntax that both engines share."""

    gates: tuple[str, ...]
    """Lower-case literals; every match holds one of them."""
    pattern: str
    """Matched case-sensitively unless it begins with `(?i)`; then it is ASCII."""
    reach: int | None = None
    """How far before a gate a match can start, which lets `re` try those few places only; None: anywhere."""
    rest: str = ""
    """The part of the pattern from the gate on, where `reach` is not 0: `re` tries it first."""
    owners: tuple[str, ...] = ()
    """Lower-case words of which one stands before the gate, perhaps with a separator: the part of the pattern before `rest`."""


class Prefilter(Protocol):
    """Which probes match somewhere in `data`: their indexes, in any order; empty or None for clean data."""

    def match(self, data: bytes, /) -> Sequence[int] | None: ...

    def match_each(self, pieces: Sequence[bytes], /) -> Found:
        """The same for each of some pieces, in one look at all of them where that is enough."""
        ...


def make_prefilter(probes: Sequence[Probe]) -> Prefilter:
    """The fast engine where it can be imported, else the other."""
    try:
        return NativePrefilter(probes)
    except (ImportError, EngineUnusable):
        return RePrefilter(probes)
