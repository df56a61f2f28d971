"""Sizes of what is kept: the last step of the chain, after redaction, because a cut inside a secret hides it from its pattern.

Cuts are visible: a string ends with `…[N more characters]`, a list with `"…[N more items]"` (a list of events with an event of that
name), a mapping has a key `"…"` with `[N more keys]`, a deep subtree becomes `{"truncated": {"depth": n}}`, a field that makes a span too
large `{"truncated": {"bytes": n}}`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spanbridge.model.payload import decode, encode, truncated

if TYPE_CHECKING:
    from spanbridge.model.span import SpanRecord

# A span that was written while it ran comes again: what was cut then is not cut again.
_CUT_STRING = re.compile(r"…\[\d{1,12} more characters\]")
_CUT_LIST = re.compile(r"…\[(\d{1,12}) more items\]")
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_NOT_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))
_SAME_BRACKETS = bytes.maketrans(b"{}", b"[]")
MAX_VALUES = 200_000
"""Values of one span that are looked at for cutting; a field with more becomes a marker, which takes no time."""


@dataclass(frozen=True)
class Limits:
    """Upper bounds of what one span keeps.

    Args:
        max_string_length: Characters of any one string.
        max_depth: Levels of nesting within a field.
        max_items: Items of any one list or mapping.
        max_span_bytes: Bytes of all content of a span as JSON; the largest fields go first.
    """

    max_string_length: int = 131_072
    max_depth: int = 64
    max_items: int = 1000
    max_span_bytes: int = 2 * 1024 * 1024

    def apply(self, record: SpanRecord) -> None:
        """Cuts what exceeds a limit, and writes the record's document."""
        if self._may_exceed(record.encode_document()):
            record.document = b""
            self._cut(record)
            record.encode_document()

    def _may_exceed(self, document: bytes) -> bool:
        """Whether a limit may be exceeded, told from the encoded bytes at little cost; a false alarm costs time only."""
        size = len(document)
        if size > self.max_string_length or size > self.max_span_bytes:
            return True
        # `replace` finds them faster than `translate` or `count` goes through all bytes.
        if size > 2 * self.max_items and size - len(document.replace(b",", b"")) >= self.max_items:
            return True
        # No deeper than it has opening brackets.
        if 2 * size - len(document.replace(b"{", b"")) - len(document.replace(b"[", b"")) <= self.max_depth:
            return False
        brackets = _STRING.sub(b"", document).translate(_SAME_BRACKETS, _NOT_BRACKETS)
        for _ in range(self.max_depth):
            if not brackets:
                return False
            # Takes the innermost level away.
            brackets = brackets.replace(b"[]", b"")
        return bool(brackets)

    def _cut(self, record: SpanRecord) -> None:
        encoded: dict[str, bytes] = {}
        left = _ValuesLeft()
        for field, snapshot in dict(record.content()).items():
            before = encode(snapshot)
            if self._may_exceed(before):
                after = self._trimmed(field, before, record, left)
                record.replace_encoded(field, after)
                encoded[field] = after
            else:
                encoded[field] = before
        # As they stand in the document: `"field":value,`.
        excess = 1 + sum(len(field) + 4 + len(value) for field, value in encoded.items()) - self.max_span_bytes
        for field in sorted(encoded, key=lambda name: len(encoded[name]), reverse=True):
            if excess <= 0:
                return
            marker = _marker(field, encoded[field], record)
            record.replace_encoded(field, marker)
            excess -= len(encoded[field]) - len(marker)

    def _trimmed(self, field: str, before: bytes, record: SpanRecord, left: _ValuesLeft) -> bytes:
        try:
            value = self._trim(decode(before), 0, left)
            if field in _SHAPED:
                _shape_marker(value)
            return encode(value)
        except _TooManyValues:
            return _marker(field, before, record)

    def _trim(self, value: Any, depth: int, left: _ValuesLeft) -> Any:
        left.take()
        if isinstance(value, str):
            extra = len(value) - self.max_string_length
            if extra <= 0 or _CUT_STRING.fullmatch(value, self.max_string_length):
                return value
            return f"{value[: self.max_string_length]}…[{extra} more characters]"
        if isinstance(value, (list, dict)) and depth >= self.max_depth:
            return {"truncated": {"depth": self.max_depth}}
        if isinstance(value, list):
            items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
            kept = [self._trim(item, depth + 1, left) for item in items[: self.max_items]]
            more = len(items) - len(kept)
            if more:
                earlier = _left_out_earlier(items[self.max_items])
                more += 0 if earlier is None else earlier - 1
            return [*kept, f"…[{more} more items]"] if more else kept
        if isinstance(value, dict):
            result: dict[str, Any] = {}
            members: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
            for key, item in members.items():
                if len(result) == self.max_items:
                    if key == "…" and len(members) == self.max_items + 1:
                        result[key] = item
                        break
                    result["…"] = f"[{len(members) - self.max_items} more keys]"
                    break
                result[key] = self._trim(item, depth + 1, left)
            return result
        return value


def _shape_marker(items: Any) -> None:
    """Makes a mapping of the marker at the end of a list that was cut, with the fields that readers look for."""
    if isinstance(items, list) and items and isinstance(items[-1], str):
        before: Any = items[-2] if len(items) > 1 else {}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        time: Any = before.get("time", 0) if isinstance(before, dict) else 0  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        items[-1] = {"name": items[-1], "time": time, "attributes": {}}


def _left_out_earlier(item: Any) -> int | None:
    """How many items a marker stands for, if `item` is one: of a span that was written while it ran, and comes again."""
    text: Any = item.get("name") if isinstance(item, dict) else item  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    found = _CUT_LIST.fullmatch(text) if isinstance(text, str) else None
    return None if found is None else int(found[1])


class _TooManyValues(Exception):  # noqa: N818 - it states a fact
    """A span holds more values than are looked at."""


class _ValuesLeft:
    """How many values of one span may still be looked at."""

    def __init__(self) -> None:
        self._count = MAX_VALUES

    def take(self) -> None:
        self._count -= 1
        if self._count < 0:
            raise _TooManyValues


_LISTS = frozenset({"tags", "events", "links"})
_SHAPED = frozenset({"events", "links"})
"""Those of mappings, as their marker is then: its text is the `name`."""


def _marker(field: str, encoded: bytes, record: SpanRecord) -> bytes:
    """What stands for a whole field, in the field's own shape."""
    if field == "name":
        return b'"%b"' % record.type.value.encode()
    return b"[]" if field in _LISTS else truncated(len(encoded))
