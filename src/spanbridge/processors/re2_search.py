"""google-re2: an automaton for all patterns' beginnings that is made while it searches, and searches for single patterns.

It is there at once, and goes through what it knows at some microseconds a KB. Each combination of characters that it has not met before
costs a thousand times as much; text of new words, ids and digests is full of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from spanbridge.processors.beginnings import by_beginning

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spanbridge.processors.matcher import Probe

MAX_MEMORY_BYTES = 64 * 1024 * 1024
"""What the automaton may take; where that is too little, `re` searches."""
_MAX_REPEATED = 48
"""As of `beginnings`: the more of a pattern is in the automaton, the less has to be looked at again, and the more states it has."""
_MAX_PATTERN_BYTES = 8 * 1024 * 1024
"""What the automaton of one pattern may take."""
_CANARY = b"\xff\xfe\xff"
"""No UTF-8 holds these bytes."""


class EngineUnusable(Exception):  # noqa: N818 - the caller takes the other engine
    """This engine cannot search for these patterns."""


class Re2Search:
    """Looks for some probes; made in a hundredth of a second when it is first used."""

    def __init__(self, probes: Sequence[Probe], max_memory_bytes: int = MAX_MEMORY_BYTES) -> None:
        """Raises ImportError where the library has no wheel, EngineUnusable where it does not take the probes in so little memory."""
        self._library = load_re2()
        self._groups = by_beginning(probes, _MAX_REPEATED)
        self._begun = _set_of(self._library, [group.pattern for group in self._groups], max_memory_bytes)
        self._searches: dict[str, Callable[[bytes], bool]] = {}

    def match(self, data: bytes) -> list[int]:
        """The numbers of the probes that match somewhere in `data`, in any order."""
        found: list[int] = []
        lower = b""
        for index in self._begun(data):
            group = self._groups[index]
            found += group.done
            for other in group.others:
                lower = lower or data.lower()
                if other.may_be_in(lower) and self.holds(other.pattern, data):
                    found.append(other.number)
        return [*{*found}] if len(found) > 1 else found  # one may be in several groups

    def holds(self, pattern: str, data: bytes) -> bool:
        """Whether a pattern matches somewhere in `data`."""
        search = self._searches.get(pattern)
        if search is None:
            search = self._searches[pattern] = _search_for(self._library, pattern)
        return search(data)


def load_re2() -> Any:
    """The library; raises ImportError where it has no wheel."""
    # By name, because the package has no types; here, because it takes milliseconds that only who filters should pay.
    return importlib.import_module("re2")


def _set_of(re2: Any, patterns: Sequence[str], max_memory_bytes: int) -> Callable[[bytes], Sequence[int]]:
    """What gives the indexes of the patterns that match somewhere in data."""
    automaton = re2.Set.SearchSet(_options(re2, max_memory_bytes))
    try:
        for pattern in patterns:
            automaton.Add(pattern.encode())
        automaton.Add(_CANARY)
        automaton.Compile()
    except re2.error as error:
        raise EngineUnusable from error
    # The wrapper around the native set costs as much as the search of a short text.
    match: Callable[[bytes], Sequence[int]] = getattr(automaton, "_set", automaton).Match
    # A set whose memory is too small says "no match" to everything, without an error. That depends on the patterns alone: a search
    # that runs out of memory while it runs starts its cache anew and goes on (re2/dfa.cc: only too small a budget at the start fails).
    if len(patterns) not in match(_CANARY):
        raise EngineUnusable
    return match


def _search_for(re2: Any, pattern: str) -> Callable[[bytes], bool]:
    compiled = re2.compile(pattern.encode(), _options(re2, _MAX_PATTERN_BYTES))
    try:
        native, unanchored = compiled._regexp.Match, re2._Anchor.UNANCHORED
    except AttributeError:
        return lambda data: compiled.search(data) is not None
    # As above: the wrapper costs more than the search of a short text.
    return lambda data: native(unanchored, data, 0, len(data))[0][0] >= 0


def _options(re2: Any, max_memory_bytes: int) -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = max_memory_bytes
    options.log_errors = False
    return options
