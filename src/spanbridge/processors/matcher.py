"""The prefilter: one pass over encoded bytes that tells which rules may match there.

Two engines, the same verdicts: google-re2's `Set` (linear time, all probes at once, the interpreter lock released) and, where it has no
wheel, the standard library's `re` behind literal gates. Probes are patterns of bounded length without boundaries or look-around, so that
one search serves decoded text and JSON alike, in which a line break before a word is the letter `n` and quotes hide behind backslashes.
"""

from __future__ import annotations

import importlib
import re
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

CHUNK_BYTES = 32 * 1024
"""How much `re` searches before it lets other threads run: it holds the interpreter lock for a whole call."""
MAX_MATCH_BYTES = 1024
"""No probe matches more; chunks overlap by as much."""
MAX_MEMORY_BYTES = 64 * 1024 * 1024
"""What re2 may take for its automaton; where that is too little, `re` searches."""
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
    owners: tuple[str, ...] = ()
    """Lower-case words of which one stands before the gate, perhaps with a separator: the part of the pattern before `rest`."""


class Prefilter(Protocol):
    """Which probes match somewhere in `data`: their indexes, in any order; empty or None for clean data."""

    def match(self, data: bytes, /) -> Sequence[int] | None: ...


class EngineUnusable(Exception):  # noqa: N818 - the caller takes the other engine
    """This engine cannot search for these probes."""


class Re2Prefilter:
    """All probes in one automaton."""

    def __init__(self, probes: Sequence[Probe], max_memory_bytes: int) -> None:
        # By name, because the package has no types; here, because it takes milliseconds that only who filters should pay.
        module: Any = importlib.import_module("re2")
        options = module.Options()
        options.encoding = module.Options.Encoding.LATIN1
        options.max_mem = max_memory_bytes
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
        self._probes: dict[bytes, list[_Gated]] = {}
        for index, probe in enumerate(probes):
            gated = _Gated(
                index,
                probe.reach,
                re.compile(probe.pattern.encode()),
                re.compile(probe.rest.encode()) if probe.rest else None,
                tuple(owner.encode() for owner in probe.owners),
            )
            for gate in probe.gates:
                self._probes.setdefault(gate.encode(), []).append(gated)
        self._gates = _Gates(self._probes)

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
        for gate in self._gates.within(lower):
            for probe in self._probes[gate]:
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
    owners: tuple[bytes, ...]


_FEW = 4
_BY_FREQUENCY = b"etaoinsrhld:cu_.mfp0123456789g-wybv/=kxjqz+~$@"
"""Characters of English text and JSON, the most frequent ones first."""


class _Gates:
    """Which of some hundred literals stand in lower-case data.

    Looking for each on its own costs a pass for each. One pattern stops at the rarest character of every literal instead, which passes over
    most of the data at the speed of `re` for a set of characters; what stands around such a character is then compared with the literals.
    """

    def __init__(self, gates: Collection[bytes]) -> None:
        self._always = [gate for gate in gates if not gate]
        self._not_ascii = [gate for gate in gates if not gate.isascii()]
        self._alone: list[bytes] = []
        self._around: dict[int, list[tuple[int, bytes]]] = {}
        plain = [gate for gate in gates if gate and gate.isascii()]
        uses = Counter(max(gate, key=_BY_FREQUENCY.find) for gate in plain if len(gate) > 1)
        # Stopping everywhere at a character costs more than a pass for each of a few literals.
        anchors = bytes(anchor for anchor, count in uses.items() if count >= _FEW)
        for gate in plain:
            at = max(range(len(gate)), key=lambda index: (gate[index] in anchors, _BY_FREQUENCY.find(gate[index])))
            if len(gate) == 1 or gate[at] not in anchors:
                self._alone.append(gate)
            else:
                self._around.setdefault(gate[at], []).append((at, gate))
        self._pattern = re.compile(b"|".join(_around(*group) for group in self._around.items()) or rb"(?!)")

    def within(self, lower: bytes) -> list[bytes]:
        """The literals that `lower` holds."""
        found = {gate for gate in self._alone if gate in lower}
        for match in self._pattern.finditer(lower):
            at = match.start()
            for offset, gate in self._around[lower[at]]:
                if gate not in found and lower.startswith(gate, at - offset):
                    found.add(gate)
        if not lower.isascii():
            found.update(gate for gate in self._not_ascii if gate in lower)
        return [*self._always, *found]


def _around(anchor: int, group: Sequence[tuple[int, bytes]]) -> bytes:
    """One character with what stands before and after it in the literals of its group; matches the character alone."""
    character = re.escape(bytes((anchor,)))
    # One look at a neighbour spares most of the comparisons.
    choices: list[bytes] = []
    if inner := [(at, gate) for at, gate in group if at]:
        sides = {b"(?<=%b)(?=%b)" % (re.escape(gate[: at + 1]), re.escape(gate[at + 1 :])) for at, gate in inner}
        before = b"(?<=%b%b)" % (_any_of({gate[at - 1] for at, gate in inner}), character)
        choices.append(b"%b(?:%b)" % (before, b"|".join(sorted(sides))))
    if first := [gate[1:] for at, gate in group if not at]:
        choices.append(b"(?=%b)(?=%b)" % (_any_of({rest[0] for rest in first}), b"|".join(map(re.escape, first))))
    return b"%b(?:%b)" % (character, b"|".join(choices))


def _any_of(characters: set[int]) -> bytes:
    return b"[%b]" % re.escape(bytes(sorted(characters)))


def _near(data: bytes, lower: bytes, gate: bytes, probe: _Gated) -> bool:
    """Whether a probe matches at most its reach before some place where `gate` stands."""
    at = lower.find(gate)
    while at >= 0:
        if probe.rest is None or probe.rest.match(data, at):
            start = max(0, at - (probe.reach or 0))
            if probe.owners:
                before = lower[start:at]
                if before.endswith(probe.owners) or (before[-1:] in _JOINTS and before[:-1].endswith(probe.owners)):
                    return True
            elif any(probe.pattern.match(data, place) for place in range(start, at + 1)):
                return True
        at = lower.find(gate, at + 1)
    return False


_JOINTS = (b" ", b"_", b".", b"-")


def make_prefilter(probes: Sequence[Probe], max_memory_bytes: int = MAX_MEMORY_BYTES) -> Prefilter:
    """The fast engine where it can be imported, else the other."""
    try:
        return Re2Prefilter(probes, max_memory_bytes)
    except (ImportError, EngineUnusable):
        return RePrefilter(probes)
