"""What stands in place of a secret."""

from __future__ import annotations

import hmac
import os
from collections import OrderedDict
from typing import Literal

from spanbridge.processors.key_names import is_placeholder

Style = Literal["full", "partial", "indexed"]
STYLES: tuple[str, ...] = ("full", "partial", "indexed")
MAX_TRACES = 1000
MAX_VALUES = 1000
"""Values of one trace that get a token of their own; later ones get the marker."""
_SHOWN = 3
_SHORTEST_PARTIAL = 13


class Tokens:
    """The tokens of one trace: `[RULE_n]`, the same for the same value."""

    def __init__(self) -> None:
        self.by_digest: dict[bytes, str] = {}
        self.by_label: dict[str, int] = {}


class Masker:
    """Makes the replacement of a value in one of the styles."""

    def __init__(self, style: Style, marker: str) -> None:
        self.marker = marker
        self._style = style
        # Of this process alone: a token says nothing about its value, and never links two traces or two runs.
        self._key = os.urandom(32)
        self._traces: OrderedDict[str, Tokens] = OrderedDict()

    def tokens(self, trace_id: str) -> Tokens:
        """The tokens of a trace; those of the trace that was used longest ago are forgotten beyond 1,000."""
        tokens = self._traces.get(trace_id)
        if tokens is None:
            tokens = self._traces[trace_id] = Tokens()
            if len(self._traces) > MAX_TRACES:
                self._traces.popitem(last=False)
        else:
            self._traces.move_to_end(trace_id)
        return tokens

    def mask(self, rule: str, value: str, tokens: Tokens) -> str:
        """What stands for `value`, which `rule` found."""
        if self._style == "partial" and len(value) >= _SHORTEST_PARTIAL:
            shown = f"{value[:_SHOWN]}…{value[-_SHOWN:]}"
            # It must be known as a mask when it is met again.
            return shown if is_placeholder(shown) and not set(shown) & _BREAKS_TEXT else self.marker
        if self._style == "indexed":
            digest = hmac.digest(self._key, value.encode("utf-8", "surrogatepass"), "sha256")
            token = tokens.by_digest.get(digest)
            if token is None:
                if len(tokens.by_digest) >= MAX_VALUES:
                    return self.marker
                label = rule.upper()
                tokens.by_label[label] = number = tokens.by_label.get(label, 0) + 1
                token = tokens.by_digest[digest] = f"[{label}_{number}]"
            return token
        return self.marker


_BREAKS_TEXT = frozenset("\\\"'`<>{}[]&%;,@:/?#= ")
"""Characters that a shown head or tail could break the text around it with."""
