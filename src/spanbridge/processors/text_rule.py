"""What a text rule is, the two common ways to make one, and how rules search long texts without holding other threads up."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from string import ascii_letters, digits
from typing import TYPE_CHECKING, NamedTuple

from spanbridge.pacing import PAUSE_S, SLICE_NS, is_awaited
from spanbridge.processors.matcher import Probe
from spanbridge.processors.placeholders import is_placeholder

if TYPE_CHECKING:
    from spanbridge.processors.credential_patterns import Format

SLICE = 64 * 1024
"""Characters that one call searches for starts of matches; `re` holds the interpreter lock for a whole call."""
OVERLAP = 64 * 1024
"""Characters beyond its slice in which a match may end; one that reaches further is matched again without an end."""
_LOOKAHEAD = 64
_FILLED = 0.7
"""The share of one letter in a format that was filled in with it."""
_SAMPLE = 32
"""Characters of a value, spread over it, among which that letter is looked for."""

_ASK_NS = 10_000_000
"""Between two looks at a thread's processor time."""
_MAX_SEEN = 1024
"""Values whose verdict is remembered within a text."""
_SIGNS = ("+", "/")
_BASE64 = f"{ascii_letters}{digits}+/"
_LONG_RUN = 200
"""Characters of base64 around a match of which it is a part; no path in an address has as many without a sign of another kind."""


class Span(NamedTuple):
    """A secret in a text: where it starts, where it ends, and the rule that found it."""

    start: int
    end: int
    rule: str


class BudgetExceeded(Exception):  # noqa: N818 - it states a fact, as the withheld field does
    """Looking at a span took more time than it is given."""


class Budget:
    """Processor time that this thread may spend on one span; None: without bound."""

    def __init__(self, seconds: float | None) -> None:
        # Of this thread alone: a busy machine does not make a span's content be withheld.
        self._end = None if seconds is None else time.thread_time() + seconds
        self._until_ns = time.perf_counter_ns() + SLICE_NS
        self._ask_at_ns = 0
        """When that time is looked at next: each look is a system call."""
        self.level = 0
        """How often the text that is looked at was decoded."""

    def pause(self) -> None:
        """Called between small pieces of work; raises BudgetExceeded when the time is spent."""
        if self._end is None or (now := time.perf_counter_ns()) < self._until_ns:
            return
        if not is_awaited():
            time.sleep(PAUSE_S)
            now = time.perf_counter_ns()
        self._until_ns = now + SLICE_NS
        if now >= self._ask_at_ns:
            self._ask_at_ns = now + _ASK_NS
            if time.thread_time() > self._end:
                raise BudgetExceeded


Find = Callable[[str, Budget], Iterator[Span]]


class TextRule(NamedTuple):
    """One way to find secrets in a text."""

    probes: tuple[Probe, ...]
    find: Find
    narrowed: Callable[[tuple[int, ...]], Find] | None = None
    """The search for what some of the probes stand for alone, given their numbers."""


def slices(text: str, overlap: int = OVERLAP, first: int = 0) -> Iterator[tuple[int, int, int]]:
    """A text from `first` on as (start, stop, end): starts of matches are looked for between start and stop, their ends before end."""
    for start in range(first, max(len(text), 1), SLICE):
        stop = min(start + SLICE, len(text) + 1)
        yield start, stop, min(stop + overlap, len(text))


def matches(pattern: re.Pattern[str], text: str, budget: Budget) -> Iterator[re.Match[str]]:
    """As `pattern.finditer(text)`, slice by slice of a long text."""
    return pattern.finditer(text) if len(text) <= SLICE else _matches_in_slices(pattern, text, budget)


def _matches_in_slices(pattern: re.Pattern[str], text: str, budget: Budget, at: int = 0) -> Iterator[re.Match[str]]:
    done = at
    for start, stop, end in slices(text, first=at):
        budget.pause()
        for match in pattern.finditer(text, max(start, done), end):
            if match.start() >= stop:
                break
            whole = match if match.end() + _LOOKAHEAD < end or end == len(text) else pattern.match(text, match.start())
            if whole is not None:
                yield whole
                done = whole.end()
                if done >= end:
                    break


def next_match(pattern: re.Pattern[str], text: str, at: int, budget: Budget) -> re.Match[str] | None:
    """The first match that starts at `at` or behind it, for who goes on somewhere else than where a match ends."""
    if len(text) - at <= SLICE:
        return pattern.search(text, at)
    return next(_matches_in_slices(pattern, text, budget, at), None)


@lru_cache(maxsize=1024)
def compiled(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """A rule's pattern, when the rule is first needed: compiling all of them takes longer than all else in `configure`."""
    return re.compile(pattern, flags)


def _is_within_data(text: str, start: int, end: int) -> bool:
    """Whether a match is a part of a long run of base64, as of an image: what begins or ends it there is one of its characters."""
    if text[start - 1 : start] not in _SIGNS and text[end : end + 1] not in _SIGNS:
        return False
    before, after = text[max(0, start - _LONG_RUN) : start], text[end : end + _LONG_RUN]
    rest = len(before.rstrip(_BASE64)) + len(after.lstrip(_BASE64))
    return len(before) + len(after) - rest >= _LONG_RUN


def _is_filled(value: str) -> bool:
    """Whether a value of some format has one letter nearly all over: it is an example of the format."""
    if len(set(value)) > (1 - _FILLED) * len(value) + 1:
        return False
    # Such a letter is also in the middle of a sample, sorted.
    sample = sorted(value[:: len(value) // _SAMPLE + 1])
    return value.count(sample[len(sample) // 2]) >= _FILLED * len(value)


def format_rule(row: Format) -> TextRule:
    """A provider's format, a token or a key by its shape."""
    source, check = row.pattern, row.check

    def find(text: str, budget: Budget) -> Iterator[Span]:
        pattern = compiled(source)
        group = "v" if "v" in pattern.groupindex else 0
        seen: dict[str, bool] = {}
        for match in matches(pattern, text, budget):
            value = match[group]
            is_secret = seen.get(value)
            if is_secret is None:
                is_secret = not _is_filled(value) and (check is None or check(value))
                if len(seen) < _MAX_SEEN:
                    seen[value] = is_secret
            if is_secret and not _is_within_data(text, *match.span()):
                yield Span(*match.span(group), row.rule)

    return TextRule((Probe(tuple(row.gate.split("|")), row.probe, row.reach),), find)


def pattern_rule(
    rule: str,
    probes: tuple[Probe, ...],
    pattern: str,
    check: Callable[[str], bool] | None = None,
    flags: int = re.IGNORECASE,
) -> TextRule:
    """Every group `v` of a pattern that is neither a placeholder nor refused by `check`."""

    def find(text: str, budget: Budget) -> Iterator[Span]:
        seen: dict[str, bool] = {}
        for match in matches(compiled(pattern, flags), text, budget):
            value = match["v"]
            is_secret = seen.get(value)
            if is_secret is None:
                is_secret = (check is None or check(value)) and not is_placeholder(value)
                if len(seen) < _MAX_SEEN:
                    seen[value] = is_secret
            if is_secret:
                yield Span(*match.span("v"), rule)

    return TextRule(probes, find)
