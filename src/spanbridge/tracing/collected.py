"""What a generator or a stream has produced so far, kept as it was at that moment and within bounds."""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from spanbridge.model.payload import snapshot, string_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ITEMS = 10_000
MAX_ITEM_BYTES = 1024 * 1024
"""Of items that are not text: each is encoded as it passes."""


class Collected:
    """Items in their order: text by reference, everything else as a snapshot.

    What does not fit is left out. Text is left out whole then, all of it: a secret may be split over two items, and a head that ends
    inside of it would hide it from the redaction. Items that are no text stand for themselves, so the first of them stay.
    """

    def __init__(self, max_text_bytes: int) -> None:
        self._items: list[Any] = []
        self._text_bytes_left = max_text_bytes
        self._other_bytes_left = MAX_ITEM_BYTES
        self._text_bytes = 0
        """Of text, once there is no room for it."""
        self._has_other = False
        self._left_out = 0

    def add(self, item: Any) -> None:
        """Keeps `item`, or counts it where there is no room left."""
        if type(item) is str:
            # What `string_bytes` does, without the call.
            size = len(item) if item.isascii() else item.__sizeof__()
            if self._text_bytes_left < size or self._left_out:
                self._leave_out_text(size)
            else:
                self._text_bytes_left -= size
                self._items.append(item)
        elif self._left_out:
            self._left_out += 1
        else:
            data = snapshot(item, MAX_ITEM_BYTES)
            self._has_other = True
            self._other_bytes_left -= len(data) if type(data) is bytes else 16
            if self._other_bytes_left < 0 or len(self._items) >= MAX_ITEMS:
                self._left_out = 1
                self._leave_out_text(0)
            else:
                self._items.append(orjson.Fragment(data) if type(data) is bytes else data)

    def _leave_out_text(self, size: int) -> None:
        """Lets go of all text, that of `size` bytes, which comes now, and what is held."""
        held = [item for item in self._items if type(item) is str]
        if held:
            self._items = [item for item in self._items if type(item) is not str]
            self._text_bytes += sum(map(string_bytes, held))
        self._text_bytes += size
        self._left_out += len(held) + (size > 0)

    def value(self) -> Any:
        """The joined text where all items are text, else the list of them; None where there are none. Markers say what was left out."""
        if not self._left_out:
            return ("".join(self._items) if not self._has_other else self._items) if self._items else None
        if not self._has_other:
            return {"truncated": {"bytes": self._text_bytes}}
        return [*self._items, {"truncated": {"items": self._left_out}}]


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
