"""The prefilter on the standard library: literals that every match of a probe holds, and the probe around each of them."""

from __future__ import annotations

import re
import time
from bisect import bisect_right
from collections import Counter
from itertools import accumulate, chain
from typing import TYPE_CHECKING

from spanbridge.lazily import lazily
from spanbridge.processors.found_probes import Found

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from spanbridge.processors.matcher import Probe

CHUNK_BYTES = 32 * 1024
"""How much is searched before other threads may run: `re` holds the interpreter lock for a whole call."""
MAX_MATCH_BYTES = 1024
"""No probe matches more; chunks overlap by as much."""


class RePrefilter:
    """Each probe on its own, run only on chunks that hold one of its literals; compiled when one of them is met."""

    def __init__(self, probes: Sequence[Probe]) -> None:
        self._gated = [_Gated(number, probe) for number, probe in enumerate(probes)]
        self._plans: dict[frozenset[int], list[tuple[bytes, list[_Gated]]]] = {}

    @lazily
    def _by_gate(self) -> dict[bytes, list[_Gated]]:
        result: dict[bytes, list[_Gated]] = {}
        for probe in self._gated:
            for gate in probe.gates:
                result.setdefault(gate, []).append(probe)
        return result

    @lazily
    def _gates(self) -> _Gates:
        return _Gates(self._by_gate)

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

    def match_each(self, pieces: Sequence[bytes]) -> Found:
        """As `Prefilter.match_each`: piece by piece, because it goes through all of them for each literal in any."""
        return Found([self.match(piece) for piece in pieces])

    def _search(self, data: bytes, found: set[int]) -> None:
        lower = data.lower()
        for gate in self._gates.within(lower):
            for probe in self._by_gate[gate]:
                if probe.number not in found and probe.matches(data, lower, gate):
                    found.add(probe.number)

    def _plan(self, numbers: frozenset[int]) -> list[tuple[bytes, list[_Gated]]]:
        """The gates of some probes, the longest first: they are found at less cost, and explain more."""
        plan = self._plans.get(numbers)
        if plan is None:
            if len(self._plans) >= _MAX_PLANS:
                self._plans.clear()
            probes = [self._gated[number] for number in sorted(numbers)]
            gates = {gate for probe in probes for gate in probe.gates}
            plan = self._plans[numbers] = [
                (gate, [probe for probe in probes if gate in probe.gates])
                for gate in sorted(gates, key=lambda gate: (-len(gate), gate))
            ]
        return plan

    def locate(self, numbers: frozenset[int], pieces: Sequence[bytes]) -> list[list[int]]:
        """For each piece, those of the probes `numbers` that match in it, in no order.

        One pass over all pieces for each of the few literals of these probes: made for what `match` said of the pieces together. Holds
        the interpreter lock throughout, so the pieces should be short.
        """
        data = b"\n".join(pieces)
        lower = data.lower()
        # Where the next piece starts.
        ends = list(accumulate(len(piece) + 1 for piece in pieces))
        found: list[list[int]] = [[] for _ in pieces]
        for gate, probes in self._plan(numbers):
            at = lower.find(gate)
            if at < 0:
                continue
            places: list[int] = []
            while at >= 0:
                places.append(at)
                at = lower.find(gate, at + 1)
            for probe in probes:
                done = 0
                for place in places:
                    if place < done or not probe.matches_at(data, lower, place):
                        continue
                    index = bisect_right(ends, place)
                    done = ends[index]
                    piece = pieces[index]
                    # It may have matched beyond its piece.
                    if probe.number not in found[index] and probe.matches(
                        piece, lower[done - 1 - len(piece) : done - 1], gate
                    ):
                        found[index].append(probe.number)
        return found


class _Gated:
    """A probe behind its gates."""

    def __init__(self, number: int, probe: Probe) -> None:
        self.number = number
        self.probe = probe
        self.reach = probe.reach or 0
        self.gates = tuple(gate.encode() for gate in probe.gates)
        self.owners = tuple(owner.encode() for owner in probe.owners)

    @lazily
    def pattern(self) -> re.Pattern[bytes]:
        return re.compile(self.probe.pattern.encode())

    @lazily
    def rest(self) -> re.Pattern[bytes] | None:
        return re.compile(self.probe.rest.encode()) if self.probe.rest else None

    def matches(self, data: bytes, lower: bytes, gate: bytes) -> bool:
        """Whether the probe matches in `data`, in which `gate` stands."""
        if self.probe.reach is None:
            return self.pattern.search(data) is not None
        at = lower.find(gate)
        while at >= 0:
            if self.matches_at(data, lower, at):
                return True
            at = lower.find(gate, at + 1)
        return False

    @lazily
    def matches_at(self) -> Callable[[bytes, bytes, int], bool]:
        """Whether the probe matches around a gate at this place: as far before it as it reaches."""
        pattern, reach = self.pattern, self.probe.reach
        if reach is None:
            return lambda _data, _lower, _at: True  # anywhere: its piece tells
        if self.owners:
            return self._owned_at
        if reach == 0:
            return lambda data, _, at: pattern.match(data, at) is not None
        rest = self.rest
        return lambda data, _, at: (
            (rest is None or rest.match(data, at) is not None)
            and any(pattern.match(data, place) for place in range(max(0, at - reach), at + 1))
        )

    def _owned_at(self, data: bytes, lower: bytes, at: int) -> bool:
        # The owner first: most of these words have none. Up to two joints may stand between them.
        before = lower[max(0, at - self.reach) : at]
        for _ in range(3):
            if before.endswith(self.owners):
                return self.rest is not None and self.rest.match(data, at) is not None
            if before[-1:] not in _JOINTS:
                return False
            before = before[:-1]
        return False


_MAX_PLANS = 256
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
        # By the anchor and what stands before it; by the anchor and what follows, where a literal begins with it.
        self._before: dict[bytes, list[tuple[int, bytes]]] = {}
        self._after: dict[bytes, list[tuple[int, bytes]]] = {}
        around: dict[int, list[tuple[int, bytes]]] = {}
        plain = [gate for gate in gates if gate and gate.isascii()]
        uses = Counter(max(gate, key=_BY_FREQUENCY.find) for gate in plain if len(gate) > 1)
        # Stopping everywhere at a character costs more than a pass for each of a few literals.
        anchors = bytes(anchor for anchor, count in uses.items() if count >= _FEW)
        for gate in plain:
            at = max(range(len(gate)), key=lambda index: (gate[index] in anchors, _BY_FREQUENCY.find(gate[index])))
            if len(gate) == 1 or gate[at] not in anchors:
                self._alone.append(gate)
            else:
                around.setdefault(gate[at], []).append((at, gate))
                pair, by_pair = (gate[at - 1 : at + 1], self._before) if at else (gate[:2], self._after)
                by_pair.setdefault(pair, []).append((at, gate))
        self._pattern = re.compile(b"|".join(_around(*group) for group in around.items()) or rb"(?!)")

    def within(self, lower: bytes) -> list[bytes]:
        """The literals that `lower` holds."""
        found = {gate for gate in self._alone if gate in lower}
        for match in self._pattern.finditer(lower):
            at = match.start()
            near = self._before.get(lower[at - 1 : at + 1], ()), self._after.get(lower[at : at + 2], ())
            for offset, gate in chain(*near):
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


_JOINTS = (b" ", b"_", b".", b"-", b"/")
