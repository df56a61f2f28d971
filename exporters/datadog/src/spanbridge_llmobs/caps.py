"""Sizes: what is larger than LLM Observability takes is cut here, after redaction."""

from __future__ import annotations

from typing import Any

import orjson

MAX_IO_CHARACTERS = 500_000
"""Of a span's input, and of its output. Events over 5 MB lose both."""
MAX_TAG_CHARACTERS = 200
"""Of a tag's key and value together; Datadog cuts there itself, in the midst of what it finds."""
MAX_METADATA_CHARACTERS = 200_000
CUT = "... [truncated]"


class Budget:
    """Characters that are left for one part of a span."""

    def __init__(self, characters: int = MAX_IO_CHARACTERS) -> None:
        self.left = characters

    def text(self, text: str) -> str:
        """`text`, cut where the budget ends."""
        if len(text) <= self.left:
            self.left -= len(text)
            return text
        kept = text[: max(0, self.left)]
        self.left = 0
        return kept + CUT

    @property
    def is_spent(self) -> bool:
        """Whether nothing more fits."""
        return self.left <= 0


def json_text(value: Any) -> str:
    """A plain JSON value as text; a text as it is."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
