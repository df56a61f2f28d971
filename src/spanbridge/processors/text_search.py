"""All text rules of one filter behind one prefilter: which may match in some bytes, and where in a text they do."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate, groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from orjson import loads

from spanbridge.lazily import lazily
from spanbridge.processors.announcements import ANNOUNCEMENT_RULES
from spanbridge.processors.chunked_text import EVENT_PROBE, joined_lists, joined_texts
from spanbridge.processors.code_lists import CODE_RULES
from spanbridge.processors.command_lines import COMMAND_RULE
from spanbridge.processors.credential_patterns import FORMATS
from spanbridge.processors.encoded_text import encoded_rules
from spanbridge.processors.filter_options import own_names_rule, own_rule, recognizer_rule, stems_of
from spanbridge.processors.form_passwords import FORM_RULES
from spanbridge.processors.found_probes import Look, list_place
from spanbridge.processors.html_tables import html_table_rule
from spanbridge.processors.key_names import classifier_with
from spanbridge.processors.keyword_rule import keyword_rule
from spanbridge.processors.matcher import Prefilter, Probe, make_prefilter
from spanbridge.processors.native_words import NATIVE_RULES
from spanbridge.processors.pattern_rules import PATTERN_RULES, named_value_rules
from spanbridge.processors.personal_data import PERSONAL_DATA
from spanbridge.processors.placeholders import left_by_masker
from spanbridge.processors.re_prefilter import RePrefilter
from spanbridge.processors.source_calls import CALL_RULES
from spanbridge.processors.special_settings import SETTING_RULES
from spanbridge.processors.structures import STRUCTURE_PROBES
from spanbridge.processors.tables import insert_rule, table_rule
from spanbridge.processors.terminal_output import TERMINAL_RULES
from spanbridge.processors.text_rule import Budget, Span, TextRule, format_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from spanbridge.processors.filter_options import Recognizer
    from spanbridge.processors.masking_styles import Masker

_START, _END = itemgetter(0), itemgetter(1)  # of a span
WITHHELD = "[WITHHELD]"
SHORTEST_SECRET = 6
"""Characters; no built-in rule finds anything in a shorter text."""
_SHORT = 32
_MAX_CLEAN = 4096
"""Short texts without a finding that are remembered: roles, types, names of tools come again in every span."""
_LONG = 16 * 1024
"""Bytes of a piece beyond which the engine looks at it alone: `re` would hold the interpreter lock for too long."""
_FORMAT_RULES = tuple(format_rule(row) for row in FORMATS)


class TextSearch:
    """Finds secrets in text, and masks them."""

    def __init__(
        self,
        masker: Masker,
        extra_keys: Sequence[str],
        extra_patterns: Iterable[tuple[str, str]],
        kinds: frozenset[str],
        recognizers: Sequence[Recognizer] = (),
        allow_keys: Sequence[str] = (),
    ) -> None:
        """`kinds`: of personal data."""
        self.classify = classifier_with(extra_keys, allow_keys)
        own = (
            *(own_rule(name, pattern) for name, pattern in extra_patterns),
            *map(recognizer_rule, recognizers),
        )
        self._meets_masks = bool(own) or masker.shows
        """Whether a rule may find something in what stands for a value."""
        self.shortest = 1 if own else SHORTEST_SECRET
        """Characters; shorter texts are not looked at."""
        stems = stems_of(extra_keys)
        rules = (
            *own,
            *_FORMAT_RULES,
            *FORM_RULES,
            *PATTERN_RULES,
            *NATIVE_RULES,
            *ANNOUNCEMENT_RULES,
            *CODE_RULES,
            *CALL_RULES,
            *SETTING_RULES,
            *TERMINAL_RULES,
            COMMAND_RULE,
            keyword_rule(self.classify, stems),
            *([own_names_rule(stems, self.classify)] if stems else []),
            *named_value_rules(self.classify),
            table_rule(self.classify),
            html_table_rule(self.classify),
            insert_rule(self.classify),
            *encoded_rules(self._search_decoded),
        )
        rules += tuple(rule for kind, found in PERSONAL_DATA.items() if kind in kinds for rule in found)
        self.kinds = kinds
        """The kinds of personal data that are looked for."""
        self.finds_numbers = bool(kinds or own)
        """Whether digits alone may be something; no built-in rule finds them."""
        self.probes: tuple[Probe, ...] = (
            *(probe for rule in rules for probe in rule.probes),
            *STRUCTURE_PROBES,
            EVENT_PROBE,
        )
        """What the prefilter looks for."""
        self._rule_of: list[TextRule | None] = [rule for rule in rules for _ in rule.probes]
        self._number_of = [number for rule in rules for number in range(len(rule.probes))]
        self._rule_of += [None] * (len(STRUCTURE_PROBES) + 1)
        self._events = (len(self._rule_of) - 1,)
        # Rules without a probe are tried on everything, before the others: under negative indexes, from the list's end.
        always = [rule for rule in own if not rule.probes]
        self._always = range(-len(always), 0)
        self._rule_of += always
        self._masker = masker
        self._clean: set[str] = set()

    @lazily
    def _prefilter(self) -> Prefilter:
        # When it is first needed: not every filter that is made is used.
        return make_prefilter(self.probes)

    @lazily
    def _locator(self) -> RePrefilter:
        return self._prefilter if isinstance(self._prefilter, RePrefilter) else RePrefilter(self.probes)

    @property
    def is_for_many(self) -> bool:
        """Whether one look at much costs no more than looks at its parts: the standard library goes through all for each literal in any."""
        return not isinstance(self._prefilter, RePrefilter)

    @lazily
    def match(self) -> Callable[[bytes], Sequence[int] | None]:
        """The indexes of the probes that match somewhere in bytes; empty or None for clean ones."""
        return self._match_always if self._always else self._prefilter.match

    def _match_always(self, data: bytes) -> Sequence[int]:
        return [*self._always, *(self._prefilter.match(data) or ())]

    def look(self, documents: Sequence[bytes]) -> list[Look | None]:
        """What is found in each of some documents of encoded JSON, also in the texts that stand there in pieces; None for clean ones.

        One look of the engine at all of them, and hardly more: it lets go of the interpreter for each look, and beside a busy application
        waits to get it back. The mere names of a stream's events are nothing.
        """
        lists = joined_lists(b"\n".join(documents))
        pieces = [*documents, *(text for _, text in lists)]
        found, anywhere, ends = self._prefilter.match_each(pieces)
        if not (anywhere or self._always or any(found)):
            return [None] * len(documents)
        if anywhere:
            found, ends = self._told_apart(found, anywhere, pieces), None
        probes = [{*self._always, *here} for here in found[: len(documents)]]
        lists_found: list[list[int]] = [[] for _ in documents]
        if lists:
            stops = [*accumulate(len(data) + 1 for data in documents)]
            for (start, _), here in zip(lists, found[len(documents) :], strict=True):
                if here:
                    number = bisect_right(stops, start)
                    probes[number].update(here)
                    lists_found[number].append(start - stops[number] + len(documents[number]) + 1)
        return [
            self._look_at(
                data,
                probes[number],
                None if ends is None else sorted((*ends[number], *map(list_place, lists_found[number]))),
            )
            for number, data in enumerate(documents)
        ]

    def _look_at(self, data: bytes, probes: set[int], ends: Sequence[int] | None) -> Look | None:
        if not probes:
            return None
        if self._events[0] in probes:
            if len(probes) == 1:
                found = self._match_joined("\n".join(joined_texts(loads(data))).encode("utf-8", "surrogatepass"))
                return Look(None) if found else None
            ends = None
        return Look(None if self._always else ends)

    def match_lists(self, data: bytes) -> Sequence[int] | None:
        """That of a stream's events, where a probe matches in the strings of a list together."""
        joined = joined_lists(data) if b"[" in data else ()
        return self._events if joined and self.match(b"\n".join([text for _, text in joined])) else None

    def _match_joined(self, text: bytes) -> Sequence[int] | None:
        matched = self.match(text)
        return None if not matched or tuple(matched) == self._events else matched

    def _told_apart(
        self, found: Sequence[Sequence[int]], anywhere: Sequence[int], pieces: Sequence[bytes]
    ) -> Sequence[Sequence[int]]:
        """What is found in each piece, with those of the probes `anywhere` that match in it."""
        numbers = frozenset(anywhere)
        located = self._locator.locate(numbers, [piece if len(piece) <= _LONG else b"" for piece in pieces])
        return [
            [*here, *(numbers.intersection(self._prefilter.match(piece) or ()) if len(piece) > _LONG else others)]
            for here, others, piece in zip(found, located, pieces, strict=True)
        ]

    def candidates(self, text: str) -> Sequence[int] | None:
        """The indexes of the probes that match in a text."""
        short = len(text) <= _SHORT
        if short and text in self._clean:
            return None
        data = searched_bytes(text)
        matched = self.match(data) or self.match_lists(data)
        if short and not matched:
            if len(self._clean) >= _MAX_CLEAN:
                self._clean.clear()
            self._clean.add(text)
        return matched

    def _search_decoded(self, text: str, budget: Budget) -> list[Span]:
        matched = self.candidates(text)
        return self.spans(text, budget, matched) if matched else []

    def spans(self, text: str, budget: Budget, matched: Sequence[int]) -> list[Span]:
        """The secrets in a text that is not JSON, in order, none overlapping another; `matched`: its candidates."""
        found: list[Span] = []
        for rule, indexes in groupby(sorted(matched), self._rule_of.__getitem__):
            if rule is not None:
                narrowed = rule.narrowed
                find = narrowed(tuple(map(self._number_of.__getitem__, indexes))) if narrowed else rule.find
                found.extend(find(text, budget))
                budget.pause()
        if not found:
            return found
        # By their starts, of the same start the longest first.
        found.sort(key=_END, reverse=True)
        found.sort(key=_START)
        result: list[Span] = []
        for span in found:
            if self.is_masked(text[span.start : span.end]) or (self._meets_masks and self._masker.holds(text, span)):
                continue
            if result and span.start < result[-1].end:
                if span.end > result[-1].end:
                    result[-1] = result[-1]._replace(end=span.end)
                continue
            result.append(span)
        return result

    def is_masked(self, value: str) -> bool:
        """Whether `value` is what this filter, or another, put in place of a secret."""
        marker = self._masker.marker
        return value == WITHHELD or (marker in value and left_by_masker(value.replace(marker, "")))

    def mask(self, rule: str, value: str, scope: str) -> str:
        """What stands for `value` in the trace `scope`."""
        return self._masker.mask(rule, value, scope)


def searched_bytes(text: str) -> bytes:
    """A text as the engines read it, with the texts that stand in pieces in JSON inside of it."""
    data = encode_text(text)
    return b"\n".join((data, *(joined for _, joined in joined_lists(data)))) if '["' in text or "[\\" in text else data


def encode_text(text: str) -> bytes:
    """A text as the engines read it; never fails."""
    return text.encode("utf-8", "surrogatepass")
