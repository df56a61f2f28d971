"""All text rules of one filter behind one prefilter: which may match in some bytes, and where in a text they do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spanbridge.processors.credential_patterns import FORMATS
from spanbridge.processors.filter_options import own_rule
from spanbridge.processors.key_names import classifier_with, split_words
from spanbridge.processors.keyword_rule import keyword_rule
from spanbridge.processors.matcher import Prefilter, Probe, make_prefilter
from spanbridge.processors.pattern_rules import PATTERN_RULES, named_value_rules
from spanbridge.processors.structures import STRUCTURE_PROBES
from spanbridge.processors.text_rule import Budget, Span, TextRule, format_rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from spanbridge.processors.masking_styles import Masker, Tokens

WITHHELD = "[WITHHELD]"
_SHORT = 32
_MAX_CLEAN = 4096
"""Short texts without a finding that are remembered: roles, types, names of tools come again in every span."""
_FORMAT_RULES = tuple(format_rule(row) for row in FORMATS)


_LEFT_BY_MASKERS = 8
"""Characters that may stand around a marker in what was masked before: a scheme, a prefix, the last few of the secret."""


class TextSearch:
    """Finds secrets in text, and masks them."""

    def __init__(
        self, masker: Masker, extra_keys: Sequence[str], extra_patterns: Iterable[tuple[str, str]], pii: bool
    ) -> None:
        self.classify = classifier_with(extra_keys)
        own = tuple(own_rule(name, pattern) for name, pattern in extra_patterns)
        stems = "|".join(r"[\W_]?".join(map(re.escape, split_words(key))) for key in extra_keys)
        rules = (
            *own,
            *_FORMAT_RULES,
            *PATTERN_RULES,
            keyword_rule(self.classify, stems),
            *named_value_rules(self.classify),
        )
        if pii:
            from spanbridge.processors.personal_data import PERSONAL_DATA  # noqa: PLC0415 - an option, off by default

            rules += PERSONAL_DATA
        self.finds_numbers = pii or bool(own)
        """Whether digits alone may be something; no built-in rule finds them."""
        self.probes: tuple[Probe, ...] = (*(probe for rule in rules for probe in rule.probes), *STRUCTURE_PROBES)
        """What the prefilter looks for."""
        self._prefilter: Prefilter = make_prefilter(self.probes)
        self._rule_of: list[TextRule | None] = [rule for rule in rules for _ in rule.probes]
        self._rule_of += [None] * len(STRUCTURE_PROBES)
        # Rules without a probe are tried on everything, before the others: under negative indexes, from the list's end.
        always = [rule for rule in own if not rule.probes]
        self._always = range(-len(always), 0)
        self._rule_of += always
        self._masker = masker
        self._clean: set[str] = set()
        self.match = self._match_always if always else self._prefilter.match
        """The indexes of the probes that match somewhere in bytes; empty or None for clean ones."""

    def _match_always(self, data: bytes) -> Sequence[int]:
        return [*self._always, *(self._prefilter.match(data) or ())]

    def candidates(self, text: str) -> Sequence[int] | None:
        """The indexes of the probes that match in a text."""
        short = len(text) <= _SHORT
        if short and text in self._clean:
            return None
        matched = self.match(text.encode("utf-8", "surrogatepass"))
        if short and not matched:
            if len(self._clean) >= _MAX_CLEAN:
                self._clean.clear()
            self._clean.add(text)
        return matched

    def spans(self, text: str, budget: Budget, matched: Sequence[int] | None = None) -> list[Span]:
        """The secrets in a text that is not JSON, in order, none overlapping another; `matched`: its candidates, where they are known."""
        found: list[Span] = []
        previous: TextRule | None = None
        for index in sorted(matched or self.candidates(text) or ()):
            rule = self._rule_of[index]
            if rule is not None and rule is not previous:
                found.extend(rule.find(text, budget))
                previous = rule
                budget.pause()
        if not found:
            return found
        found.sort(key=lambda span: (span.start, -span.end))
        result: list[Span] = []
        for span in found:
            if self.is_masked(text[span.start : span.end]):
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
        return value == WITHHELD or (marker in value and len(value.replace(marker, "").strip()) <= _LEFT_BY_MASKERS)

    def mask(self, rule: str, value: str, tokens: Tokens) -> str:
        """What stands for `value`."""
        return self._masker.mask(rule, value, tokens)
