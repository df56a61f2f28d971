"""The prefilter on native engines: re2, which is there at once, and Hyperscan, to which new text costs a tenth.

Hyperscan's automaton takes long to make, so it searches once so much was searched that it pays, or at once where the machine has it from
before.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from functools import lru_cache
from typing import TYPE_CHECKING
from weakref import WeakSet

from spanbridge.containment import contain
from spanbridge.interpreter_end import leak, leaving
from spanbridge.lazily import lazily
from spanbridge.processors.found_probes import Found
from spanbridge.processors.hyperscan_search import HyperscanSearch
from spanbridge.processors.re2_search import MAX_MEMORY_BYTES, Re2Search, load_re2
from spanbridge.processors.re_prefilter import MAX_MATCH_BYTES, RePrefilter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from spanbridge.processors.matcher import Probe

LOOK_BYTES = 256 * 1024
"""How much is searched in one call, which cannot be broken off: what re2 has never seen the like of may take tenths of a second."""
START_BYTES = 64 * 1024
"""How much is searched before Hyperscan's automaton is made: short programs do without."""
LEAVING_S = 5.0
"""How long the end of the process waits for native calls that run; mostly there is none, or it takes microseconds."""


class NativePrefilter:
    """As of `matcher.Prefilter`. Raises ImportError or EngineUnusable where there is no native engine for these probes."""

    max_bytes = LOOK_BYTES
    """What is searched in one call; -1: nothing any more, see `leave_native_code`."""

    def __init__(self, probes: Sequence[Probe], max_memory_bytes: int = MAX_MEMORY_BYTES) -> None:
        load_re2()  # or else there is no engine, whoever made one before
        self._probes = probes
        self._engines = _engines_for(tuple(probes), max_memory_bytes)

    def match(self, data: bytes) -> Sequence[int]:
        """As `Prefilter.match`."""
        if len(data) > self.max_bytes:
            return self._match_pieces(data)
        return self._engines.match(data)

    def match_each(self, pieces: Sequence[bytes]) -> Found:
        """As `Prefilter.match_each`."""
        if sum(map(len, pieces)) + len(pieces) > self.max_bytes:
            return Found([self.match(piece) for piece in pieces])
        return self._engines.match_each(pieces)

    def make_hyperscan(self) -> None:
        """Makes Hyperscan's automaton here and now, rather than on a thread of its own when it pays."""
        self._engines.use_hyperscan(make=True)

    @property
    def engine(self) -> str:
        """Which library searches first: "re2" or "hyperscan"."""
        return self._engines.name

    def _match_pieces(self, data: bytes) -> Sequence[int]:
        """As `match`, of much; without native code where it is left."""
        if self.max_bytes < 0:
            return RePrefilter(self._probes).match(data)
        starts = range(0, len(data), LOOK_BYTES - MAX_MATCH_BYTES)
        return sorted({number for start in starts for number in self.match(data[start : start + LOOK_BYTES])})


class _Engines:
    """The engines for some probes, the same for all filters with these."""

    def __init__(self, probes: tuple[Probe, ...], max_memory_bytes: int) -> None:
        self._probes = probes
        self._max_memory_bytes = max_memory_bytes
        self._searched_bytes = 0
        self._is_begun = False
        self.name = "re2"
        self.match: Callable[[bytes], Sequence[int]] = self._match_and_count
        """The numbers of the probes that match somewhere in data."""
        self.match_each: Callable[[Sequence[bytes]], Found] = self._match_together
        """The same of pieces of data."""
        self.use_hyperscan(make=False)
        if self.name == "re2":
            self._re2  # noqa: B018 - is made now, and raises now

    @lazily
    def _re2(self) -> Re2Search:
        return Re2Search(self._probes, self._max_memory_bytes)

    def _match_and_count(self, data: bytes) -> Sequence[int]:
        self._searched_bytes += len(data)
        if self._searched_bytes >= START_BYTES and not self._is_begun:
            self._is_begun = True
            try:
                threading.Thread(
                    target=self.use_hyperscan, kwargs={"make": True}, name="spanbridge-hyperscan", daemon=True
                ).start()
            except RuntimeError:  # none can be started any more, or not now
                self._is_begun = False
        return self._re2.match(data)

    def _match_together(self, pieces: Sequence[bytes]) -> Found:
        return Found([()] * len(pieces), self._match_and_count(b"\n".join(pieces)))

    def use_hyperscan(self, *, make: bool) -> None:
        """Has Hyperscan search from now on; re2 goes on where it cannot."""
        try:
            hyperscan = HyperscanSearch(self._probes, lambda: self._re2, make=make)
            self.match, self.match_each, self.name = hyperscan.match, hyperscan.match_each, "hyperscan"
        except (ImportError, LookupError):
            pass
        except Exception as error:  # noqa: BLE001 - of the library, for probes that it does not take; of a machine without a home folder
            contain("Hyperscan's automaton", error)

    def after_fork_in_child(self) -> None:
        """The thread that makes Hyperscan's automaton is the parent's, and a lock of re2's automaton may stay taken for ever."""
        self._is_begun = False
        parents = self.__dict__.pop("_re2", None)
        if parents is not None:
            leak(parents)
            load_re2().purge()  # it keeps patterns that it compiled


_all: WeakSet[_Engines] = WeakSet()


@lru_cache(maxsize=4)
def _engines_for(probes: tuple[Probe, ...], max_memory_bytes: int) -> _Engines:
    engines = _Engines(probes, max_memory_bytes)
    _all.add(engines)
    return engines


def _after_fork_in_child() -> None:
    for engines in _all:
        engines.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def leave_native_code() -> None:
    """Called when the interpreter is about to end: `re` searches from now on, and whoever is in native code is waited for."""
    NativePrefilter.max_bytes = -1
    deadline = time.monotonic() + LEAVING_S
    while _is_native_code_in_use() and time.monotonic() < deadline:
        time.sleep(0.001)


leaving.append(leave_native_code)
_CALLERS = (NativePrefilter.match.__code__, NativePrefilter.match_each.__code__, _Engines.use_hyperscan.__code__)


def _is_native_code_in_use() -> bool:
    """Whether a thread may be in a call of re2 or Hyperscan."""
    for innermost in sys._current_frames().values():  # pyright: ignore[reportPrivateUsage] - the documented one
        frame: FrameType | None = innermost
        while frame is not None and frame.f_code is not RePrefilter.match.__code__:
            if frame.f_code in _CALLERS:
                return True
            frame = frame.f_back
    return False
