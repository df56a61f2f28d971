"""The prefilter on native engines: the beginnings of all probes in one automaton; where one stands, its whole probe is looked for.

re2 makes its automaton as it goes and has it at once; Hyperscan's is made whole, which takes some tenths of a second, and new text costs a
tenth then. So re2 searches first, and Hyperscan where it is installed, once so much was searched that it pays, or at once where the
machine has its automaton from before.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from spanbridge.containment import contain
from spanbridge.interpreter_end import leaving
from spanbridge.processors import hyperscan_set
from spanbridge.processors.beginnings import Beginning, beginning
from spanbridge.processors.hyperscan_set import HyperscanSet
from spanbridge.processors.re2_search import load_re2, search_for, search_for_all
from spanbridge.processors.re_prefilter import MAX_MATCH_BYTES, RePrefilter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType

    from spanbridge.processors.matcher import Probe

LOOK_BYTES = 256 * 1024
"""How much is searched in one call, which cannot be broken off: what re2 has never seen the like of may take tenths of a second."""
START_BYTES = 64 * 1024
"""How much is searched before Hyperscan's automaton is made: short programs do without."""
FEW_ENDS = 16
"""At so many places `re` tells a whole probe; where its beginning ends more often re2 does, which goes through all of the data once."""
LONG_BEGINNING = 64
"""Bytes; what may begin longer before its end is not looked for from there."""
LEAVING_S = 5.0
"""How long the end of the process waits for native calls that run; mostly there is none, or it takes microseconds."""
MAX_MEMORY_BYTES = 64 * 1024 * 1024
"""What re2 may take for its automaton; where that is too little, `re` searches."""


class NativePrefilter:
    """As of `matcher.Prefilter`. Raises ImportError or EngineUnusable where there is no native engine for these probes."""

    max_bytes = LOOK_BYTES
    """What is searched in one call; -1: nothing any more, see `leave_native_code`."""

    def __init__(self, probes: Sequence[Probe], max_memory_bytes: int = MAX_MEMORY_BYTES) -> None:
        self._probes = probes
        self._beginnings = _beginnings_of(load_re2(), tuple(probe.pattern for probe in probes), max_memory_bytes)

    def match(self, data: bytes) -> Sequence[int]:
        """As `Prefilter.match`."""
        if len(data) > self.max_bytes:
            return self._match_pieces(data)
        begun = self._beginnings.match(data)
        found: list[int] = []
        for index in begun:
            found += self._beginnings.groups[index].in_data(data, begun[index])
            if self.max_bytes < 0:  # since the first look
                return self._match_pieces(data)
        return found

    def make_hyperscan(self) -> None:
        """Makes Hyperscan's automaton here and now, rather than on a thread of its own when it pays."""
        self._beginnings.make()

    @property
    def engine(self) -> str:
        """Which library searches first: "re2" or "hyperscan"."""
        return self._beginnings.engine

    def _match_pieces(self, data: bytes) -> Sequence[int]:
        """As `match`, of much; without native code where it is left."""
        if self.max_bytes < 0:
            return RePrefilter(self._probes).match(data)
        starts = range(0, len(data), LOOK_BYTES - MAX_MATCH_BYTES)
        return sorted({number for start in starts for number in self.match(data[start : start + LOOK_BYTES])})


class _Group:
    """The probes with one beginning."""

    def __init__(self, re2: Any, begins: Beginning) -> None:
        self._re2 = re2
        self._longest_beginning = begins.longest
        self.whole: list[int] = []
        """Those of which the beginning is all."""
        self._others: dict[int, str] = {}

    def add(self, number: int, pattern: str, *, is_whole: bool) -> None:
        if is_whole:
            self.whole.append(number)
        else:
            self._others[number] = pattern

    def in_data(self, data: bytes, ends: Sequence[int]) -> list[int]:
        """The numbers of the probes that match in `data`, in which their beginning ends at all of `ends`, or (none) somewhere."""
        others = self._others
        if not others:
            return self.whole
        if 0 < len(ends) <= FEW_ENDS and self._longest_beginning <= LONG_BEGINNING:
            before = int(self._longest_beginning)
            starts = [start for end in ends for start in range(max(0, end - before), end) if self._any(data, start)]
            found = [
                number for number, pattern in others.items() if any(_match(pattern)(data, start) for start in starts)
            ]
        else:
            found = [number for number, pattern in others.items() if search_for(self._re2, pattern)(data)]
        return self.whole + found

    @property
    def is_whole(self) -> bool:
        """Whether no probe is longer than its beginning."""
        return not self._others

    @cached_property
    def _any(self) -> Callable[[bytes, int], object]:
        """Whether one of the others stands there: mostly none does."""
        flags = _CASELESS if next(iter(self._others.values())).startswith(_CASELESS) else ""
        return _match(flags + "|".join(pattern.removeprefix(flags) for pattern in self._others.values()))


_CASELESS = "(?i)"


@lru_cache(maxsize=1024)
def _match(pattern: str) -> Callable[[bytes, int], object]:
    return re.compile(pattern.encode()).match


class _Beginnings:
    """The search for the beginnings of some patterns, the same for all filters with these patterns."""

    def __init__(self, re2: Any, patterns: Sequence[str], max_memory_bytes: int) -> None:
        groups: dict[str, _Group] = {}
        for number, pattern in enumerate(patterns):
            begins = beginning(pattern)
            groups.setdefault(begins.pattern, _Group(re2, begins)).add(number, pattern, is_whole=begins.is_whole)
        self.groups = list(groups.values())
        """By the index of a beginning."""
        self._patterns = list(groups)
        self._make_re2 = partial(search_for_all, re2, self._patterns, max_memory_bytes)
        self._searched_bytes = 0
        self._is_begun = False
        self.match: Callable[[bytes], Mapping[int, Sequence[int]]] = self._match_by_re2
        """Where beginnings end, by their index; none where that is not known."""
        self.engine = "re2"
        self.use_hyperscan(hyperscan_set.made_before)
        if self.engine == "re2":
            self._re2(b"")  # is made now, and raises now
            self.match = self._match_and_count

    @cached_property
    def _re2(self) -> Callable[[bytes], Sequence[int]]:
        return self._make_re2()

    def _match_by_re2(self, data: bytes) -> Mapping[int, Sequence[int]]:
        return dict.fromkeys(self._re2(data), ())

    def _match_and_count(self, data: bytes) -> Mapping[int, Sequence[int]]:
        self._searched_bytes += len(data)
        if self._searched_bytes >= START_BYTES and not self._is_begun:
            self._is_begun = True
            try:
                threading.Thread(target=self.make, name="spanbridge-hyperscan", daemon=True).start()
            except RuntimeError:  # none can be started any more, or not now
                self._is_begun = False
        return self._match_by_re2(data)

    def make(self) -> None:
        """Makes Hyperscan's automaton, which searches from then on; re2 goes on where it cannot be made."""
        self.match = self._match_by_re2
        once = [index for index, group in enumerate(self.groups) if group.is_whole]
        self.use_hyperscan(lambda patterns: hyperscan_set.make(patterns, once))

    def use_hyperscan(self, get: Callable[[Sequence[str]], Any]) -> None:
        try:
            database = get(self._patterns)
            if database is not None:
                # re2 is made when it is needed.
                self.match = HyperscanSet(database, lambda data: self._re2(data)).ends  # noqa: PLW0108
                self.engine = "hyperscan"
        except ImportError:
            pass
        except Exception as error:  # noqa: BLE001 - of the library, for patterns that it does not take; of a machine without a home folder
            contain("Hyperscan's automaton", error)

    def after_fork_in_child(self) -> None:
        """The thread that made it is the parent's."""
        if self.engine == "re2":
            self._is_begun = False
            self.match = self._match_and_count


_all: WeakSet[_Beginnings] = WeakSet()


@lru_cache(maxsize=4)
def _beginnings_of(re2: Any, patterns: tuple[str, ...], max_memory_bytes: int) -> _Beginnings:
    made = _Beginnings(re2, patterns, max_memory_bytes)
    _all.add(made)
    return made


def _after_fork_in_child() -> None:
    for beginnings in _all:
        beginnings.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def leave_native_code() -> None:
    """Called when the interpreter is about to end: `re` searches from now on, and whoever is in native code is waited for."""
    NativePrefilter.max_bytes = -1
    deadline = time.monotonic() + LEAVING_S
    while _is_native_code_in_use() and time.monotonic() < deadline:
        time.sleep(0.001)


leaving.append(leave_native_code)
_CALLERS = (NativePrefilter.match.__code__, _Beginnings.use_hyperscan.__code__)


def _is_native_code_in_use() -> bool:
    """Whether a thread may be in a call of re2 or Hyperscan."""
    for innermost in sys._current_frames().values():  # pyright: ignore[reportPrivateUsage] - the documented one
        frame: FrameType | None = innermost
        while frame is not None and frame.f_code is not RePrefilter.match.__code__:
            if frame.f_code in _CALLERS:
                return True
            frame = frame.f_back
    return False
