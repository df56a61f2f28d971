"""The prefilter: one pass over encoded bytes that tells which rules may match there.

Two engines, the same verdicts: google-re2's `Set` (linear time, all probes at once, the interpreter lock released) and, where it has no
wheel, the standard library's `re` behind literal gates. Probes are patterns of bounded length without boundaries or look-around, so that
one search serves decoded text and JSON alike, in which a line break before a word is the letter `n` and quotes hide behind backslashes.
"""

from __future__ import annotations

import importlib
import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CHUNK_BYTES = 32 * 1024
"""How much `re` searches before it lets other threads run: it holds the interpreter lock for a whole call."""
MAX_MATCH_BYTES = 1024
"""No probe matches more; chunks overlap by as much."""
_RE2_MEMORY_BYTES = 64 * 1024 * 1024
_CANARY = b"\xff\xfe\xff"
"""No UTF-8 holds these bytes."""


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


class Prefilter(Protocol):
    """Which probes match somewhere in `data`: their indexes, in any order; empty or None for clean data."""

    def match(self, data: bytes, /) -> Sequence[int] | None: ...


class EngineUnusable(Exception):  # noqa: N818 - the caller takes the other engine
    """This engine cannot search for these probes."""


class Re2Prefilter:
    """All probes in one automaton."""

    def __init__(self, probes: Sequence[Probe], max_mem: int = _RE2_MEMORY_BYTES) -> None:
        # By name, because the package has no types; here, because it takes milliseconds that only who filters should pay.
        module: Any = importlib.import_module("re2")
        options = module.Options()
        options.encoding = module.Options.Encoding.LATIN1
        options.max_mem = max_mem
        options.log_errors = False
        automaton = module.Set.SearchSet(options)
        try:
            for probe in probes:
                automaton.Add(probe.pattern.encode())
            automaton.Add(_CANARY)
            automaton.Compile()
        except module.error as error:
            raise EngineUnusable from error
        # The wrapper around the native set costs as much as the search of a short text.
        self.match: Callable[[bytes], Sequence[int]] = getattr(automaton, "_set", automaton).Match
        # A set whose memory is too small says "no match" to everything, without an error. That depends on the patterns alone: a search
        # that runs out of memory while it runs starts its cache anew and goes on (re2/dfa.cc: only too small a budget at the start fails).
        if len(probes) not in self.match(_CANARY):
            raise EngineUnusable


class RePrefilter:
    """Each probe on its own, run only on chunks that hold one of its literals."""

    def __init__(self, probes: Sequence[Probe]) -> None:
        gates = sorted({gate for probe in probes for gate in probe.gates})
        self._gates: list[tuple[bytes, bytes, list[_Gated]]] = []
        for gate in gates:
            gated = [
                _Gated(
                    index,
                    probe.reach,
                    re.compile(probe.pattern.encode()),
                    re.compile(probe.rest.encode()) if probe.rest else None,
                )
                for index, probe in enumerate(probes)
                if gate in probe.gates
            ]
            self._gates.append((gate.encode(), _hint(gate.encode()), gated))

    def match(self, data: bytes) -> list[int]:
        """As `Prefilter.match`."""
        found: set[int] = set()
        if len(data) <= CHUNK_BYTES:
            self._search(data, found)
        else:
            for start in range(0, len(data), CHUNK_BYTES):
                self._search(data[start : start + CHUNK_BYTES + MAX_MATCH_BYTES], found)
                time.sleep(0)
        return sorted(found)

    def _search(self, data: bytes, found: set[int]) -> None:
        lower = data.lower()
        # Most gates end a word by one of these: looking at the words' ends once is far less than a search for each gate.
        hints = {part[-2:] + separator for separator in _SEPARATORS for part in lower.split(separator)[:-1]}
        if not data.isascii():
            hints.add(_NOT_ASCII)
        hints.add(b"")
        for gate, hint, probes in self._gates:
            if hint not in hints or gate not in lower:
                continue
            for probe in probes:
                if probe.number not in found and (
                    probe.pattern.search(data) if probe.reach is None else _near(data, lower, gate, probe)
                ):
                    found.add(probe.number)


class _Gated(NamedTuple):
    """A probe behind one of its gates."""

    number: int
    reach: int | None
    pattern: re.Pattern[bytes]
    rest: re.Pattern[bytes] | None


_SEPARATORS = (b"_", b"-", b".", b"=", b"/", b"@")
_NOT_ASCII = b"\x80"


def _hint(gate: bytes) -> bytes:
    """What is cheap to know of data that holds `gate`: two letters and a separator, or that it is not ASCII."""
    if not gate.isascii():
        return _NOT_ASCII
    at = min((gate.find(separator) for separator in _SEPARATORS if gate.find(separator) >= 2), default=-1)
    return gate[at - 2 : at + 1] if at >= 0 and gate[at - 2 : at].isalnum() else b""


def _near(data: bytes, lower: bytes, gate: bytes, probe: _Gated) -> bool:
    """Whether a probe matches at most its reach before some place where `gate` stands."""
    at = lower.find(gate)
    while at >= 0:
        if probe.rest is None or probe.rest.match(data, at):
            for start in range(max(0, at - (probe.reach or 0)), at + 1):
                if probe.pattern.match(data, start):
                    return True
        at = lower.find(gate, at + 1)
    return False


def make_prefilter(probes: Sequence[Probe]) -> Prefilter:
    """The fast engine where it can be imported, else the other."""
    try:
        return Re2Prefilter(probes)
    except (ImportError, EngineUnusable):
        return RePrefilter(probes)
