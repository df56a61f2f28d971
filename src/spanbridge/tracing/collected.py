"""What a generator or a stream has produced so far, kept as it was at that moment and within bounds."""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from spanbridge.model.payload import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ITEMS = 10_000
MAX_ITEM_BYTES = 1024 * 1024
"""Of items that are not text: each is encoded as it passes."""


class Collected:
    """Items in their order: text by reference, everything else as a snapshot."""

    def __init__(self, max_text_bytes: int) -> None:
        self._items: list[Any] = []
        self._text_bytes_left = max_text_bytes
        self._other_bytes_left = MAX_ITEM_BYTES
        self._is_text = True
        self._left_out = 0

    def add(self, item: Any) -> None:
        """Keeps `item`, or counts it where there is no room left."""
        if self._left_out:
            self._left_out += 1
        elif type(item) is str:
            # What `string_bytes` does, without the call.
            self._text_bytes_left -= len(item) if item.isascii() else item.__sizeof__()
            if self._text_bytes_left < 0:
                self._left_out = 1
            else:
                self._items.append(item)
        else:
            data = snapshot(item, MAX_ITEM_BYTES)
            self._is_text = False
            self._other_bytes_left -= len(data) if type(data) is bytes else 16
            if self._other_bytes_left < 0 or len(self._items) >= MAX_ITEMS:
                self._left_out = 1
            else:
                self._items.append(orjson.Fragment(data) if type(data) is bytes else data)

    def value(self) -> Any:
        """The joined text where all items are text, else the list of them; None where there are none. Its end says what was left out."""
        if not self._items and not self._left_out:
            return None
        if self._is_text:
            text = "".join(self._items)
            return f"{text} [{self._left_out} more items]" if self._left_out else text
        left_out = [{"truncated": {"items": self._left_out}}] if self._left_out else []
        return [*self._items, *left_out]


class Reduced:
    """Items as they are, for the application's `reduce_output`."""

    def __init__(self, reduce_output: Callable[[list[Any]], Any]) -> None:
        self._items: list[Any] = []
        self._reduce = reduce_output

    def add(self, item: Any) -> None:
        """Keeps `item`; those beyond `MAX_ITEMS` are left out."""
        if len(self._items) < MAX_ITEMS:
            self._items.append(item)

    def value(self) -> Any:
        """What the application makes of the items."""
        return self._reduce(self._items)
