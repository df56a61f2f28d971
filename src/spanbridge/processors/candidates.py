"""What was found out about texts: which probes match, which JSON they hold, where their secrets are. Texts come again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spanbridge.processors import json_text
from spanbridge.processors.text_search import SHORTEST_SECRET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanbridge.processors.text_rule import Budget, Span
    from spanbridge.processors.text_search import TextSearch

MAX_JSON_LEVELS = 4
"""How often JSON in a string in JSON is read; what lies deeper is still read as text."""
_LONG_KEY = 16
"""Characters from which a key may be a credential itself."""
_SHORT = 4096
"""Characters of a text of which what was found out is remembered."""
_MAX_REMEMBERED = 1024
"""Texts whose secrets and JSON are remembered."""
_MAX_TEXTS = 10_000
"""Texts whose probes are remembered."""

Region = tuple[int, int, Any]


def is_text(key: str) -> bool:
    """Whether a key may hold a secret, as text does: it is long, or more than a name (`password=hunter2`)."""
    size = len(key)
    return size >= _LONG_KEY or (size >= SHORTEST_SECRET and not key.isidentifier())


class Candidates(dict[str, "Sequence[int] | None"]):
    """The indexes of the probes that match in a text, by the text, which is looked at when it is first asked for."""

    def __init__(self, search: TextSearch) -> None:
        super().__init__()
        self._search = search
        self._regions: dict[str, list[Region]] = {}
        self._spans: dict[str, list[Span]] = {}
        self._long: tuple[str, Sequence[int] | None] = ("", None)
        """The last long text: it is asked for twice. Other long ones are not kept, because many spans may share what is found out."""

    def __missing__(self, text: str) -> Sequence[int] | None:
        long_text, matched = self._long
        if text is long_text:
            return matched
        matched = self._search.candidates(text)
        if len(text) > _SHORT:
            self._long = text, matched
        else:
            if len(self) >= _MAX_TEXTS:
                self.clear()
            self[text] = matched
        return matched

    def regions(self, text: str) -> list[Region]:
        """The JSON documents in a text, as `json_text.regions` finds them."""
        regions = self._regions.get(text)
        if regions is None:
            regions = list(json_text.regions(text))
            if len(text) <= _SHORT and len(self._regions) < _MAX_REMEMBERED:
                self._regions[text] = regions
        return regions

    def spans(self, text: str, matched: Sequence[int], budget: Budget) -> list[Span]:
        """The secrets in a text, given its probes. A short text comes again often: the same instructions, the same question."""
        spans = self._spans.get(text)
        if spans is None:
            spans = self._search.spans(text, budget, matched)
            if len(text) <= _SHORT and len(self._spans) < _MAX_REMEMBERED:
                self._spans[text] = spans
        return spans
