"""What stands in place of a secret."""

from __future__ import annotations

import hmac
import os
import re
from typing import TYPE_CHECKING, Literal

from spanbridge.processors.placeholders import is_placeholder

if TYPE_CHECKING:
    from spanbridge.processors.text_rule import Span

Style = Literal["full", "partial", "indexed"]
STYLES: tuple[str, ...] = ("full", "partial", "indexed")
_SHOWN = 3
_SHORTEST_PARTIAL = 13
_TOKEN_DIGITS = 10


class Masker:
    """Makes the replacement of a value in one of the styles."""

    def __init__(
        self, style: Style, marker: str, index_key: bytes | None = None, *, across_traces: bool = False
    ) -> None:
        self.marker = marker
        self._style = style
        own = {"indexed": r"|\[[A-Z][A-Z0-9_]*_[0-9a-f]{10}\]", "partial": r"|\S{3}…\S{3}"}.get(style, "")
        self._masks = re.compile(re.escape(marker) + own)
        self._across_traces = across_traces
        # A key of this process alone, unless one is given: a token says nothing about its value to who has not the key.
        self._key = index_key or os.urandom(32)

    @property
    def shows(self) -> bool:
        """Whether the style tells something of values, and so has masks that are not the marker."""
        return self._style != "full"

    def holds(self, text: str, span: Span) -> bool:
        """Whether a span of a text lies within what stands for a value there."""
        near = self._masks.finditer(text, max(0, span.start - _AROUND), span.end + _AROUND)
        return any(mask.start() <= span.start and span.end <= mask.end() for mask in near)

    def mask(self, rule: str, value: str, scope: str) -> str:
        """What stands for `value`, which `rule` found in the trace `scope`."""
        if self._style == "partial" and len(value) >= _SHORTEST_PARTIAL:
            shown = f"{value[:_SHOWN]}…{value[-_SHOWN:]}"
            # It must be known as a mask when it is met again.
            return shown if is_placeholder(shown) and not set(shown) & _BREAKS_TEXT else self.marker
        if self._style == "indexed":
            text = value if self._across_traces else f"{scope}\0{value}"
            digest = hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256")
            return f"[{rule.upper()}_{digest.hex()[:_TOKEN_DIGITS]}]"
        return self.marker


def quoted(mask: str, text: str, span: Span) -> str:
    """What stands for a span of a text: the mask, in quotes where a number stood behind a quoted name. JSON stays JSON."""
    name = _QUOTED_NAME.search(text, max(0, span.start - _NEAR), span.start)
    is_number = name is not None and _NUMBER.fullmatch(text, span.start, span.end) and not _NUMBER.fullmatch(mask)
    return f"{name[1]}{mask}{name[1]}" if name and is_number else mask


_QUOTED_NAME = re.compile(r"""(\\{0,7}["'])\s{0,4}:\s{0,4}\Z""")
_NEAR = 20
"""Characters from the end of a name to its value."""
_NUMBER = re.compile(r"-?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,4})?")
_AROUND = 80
"""Characters of the longest mask, the marker aside."""
_BREAKS_TEXT = frozenset("\\\"'`<>{}[]&%;,@:/?#= ")
"""Characters that a shown head or tail could break the text around it with."""
