"""Which probes match in which of the texts of some values: all looked at together, then told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spanbridge.processors import json_text
from spanbridge.processors.text_search import encode_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from spanbridge.processors.text_search import TextSearch

MAX_JSON_LEVELS = 4
"""How often JSON in a string in JSON is read; what lies deeper is still read as text."""
SHORTEST_SECRET = 6
"""Characters; no rule finds anything in a shorter text."""
_LONG_KEY = 16
"""Characters from which a key may be a credential itself."""

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

    def __missing__(self, text: str) -> Sequence[int] | None:
        self[text] = matched = self._search.candidates(text)
        return matched

    def learn(self, values: Iterable[Any]) -> None:
        """Looks at all texts of JSON values, and of the JSON in those of them that hold something."""
        for _ in range(MAX_JSON_LEVELS + 1):
            texts = self._new_texts(values)
            if not texts:
                return
            self._look_at(texts)
            values = [
                value
                for text in texts
                if self[text] and ("{" in text or "[" in text)
                for _, _, value in self.regions(text)
            ]

    def regions(self, text: str) -> list[Region]:
        """The JSON documents in a text, as `json_text.regions` finds them."""
        regions = self._regions.get(text)
        if regions is None:
            regions = self._regions[text] = list(json_text.regions(text))
        return regions

    def _new_texts(self, values: Iterable[Any]) -> list[str]:
        # A dict, for its order.
        texts: dict[str, None] = {}
        stack = list(values)
        while stack:
            value = stack.pop()
            cls = type(value)
            if cls is str:
                if len(value) >= SHORTEST_SECRET and value not in self:
                    texts[value] = None
            elif cls is dict:
                for key in value:
                    if is_text(key) and key not in self:
                        texts[key] = None
                stack.extend(value.values())
            elif cls is list:
                stack.extend(value)
        return list(texts)

    def _look_at(self, texts: list[str]) -> None:
        pieces = [encode_text(text) for text in texts]
        matched = self._search.match(b"\n".join(pieces))
        if matched:
            self.update(zip(texts, self._search.locate(matched, pieces), strict=True))
        else:
            self.update(dict.fromkeys(texts))
