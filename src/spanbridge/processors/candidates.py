"""Which probes match in which of the texts of some values: all looked at together, then told apart."""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spanbridge.processors import chunked_text, json_text
from spanbridge.processors.text_search import SHORTEST_SECRET, encode_text, searched_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from spanbridge.processors.text_rule import Budget, Span
    from spanbridge.processors.text_search import TextSearch

MAX_JSON_LEVELS = 4
"""How often JSON in a string in JSON is read; what lies deeper is still read as text."""
_LONG_KEY = 16
"""Characters from which a key may be a credential itself."""
_SHORT = 4096
_MAX_SPANS = 1024
"""Texts, and characters of each, whose secrets are remembered."""

Region = tuple[int, int, Any]


def is_text(key: str) -> bool:
    """Whether a key may hold a secret, as text does: it is long, or more than a name (`password=hunter2`)."""
    size = len(key)
    return size >= _LONG_KEY or (size >= SHORTEST_SECRET and not key.isidentifier())


class Candidates(dict[str, "Sequence[int] | None"]):
    """The indexes of the probes that match in a text, by the text; one that was not learned is looked at alone when it is asked for."""

    def __init__(self, search: TextSearch) -> None:
        super().__init__()
        self._search = search
        self._regions: dict[str, list[Region]] = {}
        self._spans: dict[str, list[Span]] = {}
        self.has_learned = False
        """Whether looks of the engine are to be few: then none is made that can be spared."""

    def __missing__(self, text: str) -> Sequence[int] | None:
        self[text] = matched = self._search.candidates(text)
        return matched

    def learn(self, values: Iterable[Any]) -> None:
        """Looks at all texts of JSON values, and of the JSON in those of them that hold something: few looks, each at much."""
        self.has_learned = True
        for _ in range(MAX_JSON_LEVELS + 1):
            texts = self._new_texts(values)
            if not texts:
                return
            pieces = [searched_bytes(text) for text in texts]
            for text, piece, found in zip(texts, pieces, self._search.match_each(pieces), strict=True):
                self[text] = found or self._search.match_lists(piece)
            values = [
                value
                for text in texts
                if self[text] and json_text.holds_json(text)
                for _, _, value in self.regions(text)
            ]

    def of_part(self, part: str, matched: Sequence[int]) -> Sequence[int] | None:
        """The probes that match in a part of a text in which `matched` match."""
        # Without a look of the engine where looks are few; elsewhere one costs less.
        return self._search.locate(matched, (encode_text(part),))[0] if self.has_learned else self[part]

    def regions(self, text: str) -> list[Region]:
        """The JSON documents in a text, as `json_text.regions` finds them."""
        regions = self._regions.get(text)
        if regions is None:
            regions = self._regions[text] = list(json_text.regions(text))
        return regions

    def spans(self, text: str, matched: Sequence[int], budget: Budget) -> list[Span]:
        """The secrets in a text, given its probes. A short text comes again often: the same instructions, the same question."""
        spans = self._spans.get(text)
        if spans is None:
            spans = self._search.spans(text, budget, matched)
            if len(text) <= _SHORT and len(self._spans) < _MAX_SPANS:
                self._spans[text] = spans
        return spans

    def _new_texts(self, values: Iterable[Any]) -> list[str]:
        # A dict, for its order.
        texts: dict[str, None] = {}
        stack = list(values)
        while stack:
            value = stack.pop()
            cls = type(value)
            if cls is str:
                if len(value) >= self._search.shortest and value not in self:
                    texts[value] = None
            elif cls is dict:
                for key in value:
                    if is_text(key) and key not in self:
                        texts[key] = None
                stack.extend(value.values())
            elif cls is list:
                stack.extend(value)
                for run in chunked_text.runs(value):
                    texts[run.text] = None
        return list(texts)
