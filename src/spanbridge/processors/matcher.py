"""The prefilter: one pass over encoded bytes that tells which rules may match there.

Two engines, the same verdicts: google-re2's `Set` (linear time, all probes at once, the interpreter lock released) and, where it has no wheel, the
standard library's `re` behind literal gates. Probes are patterns of bounded length without boundaries or look-around, so that one search
serves decoded text and JSON alike, in which a line break before a word is the letter `n` and a quote may hide behind backslashes.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

CHUNK_BYTES = 32 * 1024
"""How much `re` searches before it lets other threads run: it holds the interpreter lock for a whole call."""
MAX_MATCH_BYTES = 1024
"""No probe matches more; chunks overlap by as much."""
_RE2_MEMORY_BYTES = 64 * 1024 * 1024


class Probe(NamedTuple):
    """One pattern of the prefilter, in the syntax that both engines share."""

    gates: tuple[str, ...]
    """Lower-case literals; every match holds one of them."""
    pattern: str
    """Matched case-sensitively unless it begins with `(?i)`; then it is ASCII."""


class Prefilter(Protocol):
    """Which probes match somewhere in `data`: their indexes, in order; empty for clean data."""

    def match(self, data: bytes, /) -> Sequence[int]: ...


class Re2Prefilter:
    """All probes in one automaton."""

    def __init__(self, probes: Sequence[Probe]) -> None:
        import re2  # noqa: PLC0415 - 8 ms of imports, only for who filters

        module: Any = re2
        options = module.Options()
        options.encoding = module.Options.Encoding.LATIN1
        options.max_mem = _RE2_MEMORY_BYTES
        options.log_errors = False
        automaton = module.Set.SearchSet(options)
        for probe in probes:
            automaton.Add(probe.pattern.encode())
        automaton.Compile()
        self.match = automaton.Match


class RePrefilter:
    """Each probe on its own, run only on chunks that hold one of its literals."""

    def __init__(self, probes: Sequence[Probe]) -> None:
        self._gated: list[tuple[int, tuple[bytes, ...], re.Pattern[bytes]]] = []
        for index, (gates, pattern) in enumerate(probes):
            self._gated.append((index, tuple(gate.encode() for gate in gates), re.compile(pattern.encode())))

    def match(self, data: bytes) -> list[int]:
        if len(data) <= CHUNK_BYTES:
            return [index for index in self._chunk(data, frozenset())]
        found: frozenset[int] = frozenset()
        for start in range(0, len(data), CHUNK_BYTES):
            found = found.union(self._chunk(data[start : start + CHUNK_BYTES + MAX_MATCH_BYTES], found))
            time.sleep(0)
        return sorted(found)

    def _chunk(self, data: bytes, found: frozenset[int]) -> list[int]:
        lower = data.lower()
        matched: list[int] = []
        for index, gates, pattern in self._gated:
            for gate in gates:
                if gate in lower:
                    if index not in found and pattern.search(data):
                        matched.append(index)
                    break
        return matched


def make_prefilter(probes: Sequence[Probe]) -> Prefilter:
    """The fast engine where it can be imported, else the other."""
    try:
        return Re2Prefilter(probes)
    except ImportError:
        return RePrefilter(probes)
