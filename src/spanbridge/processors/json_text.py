"""JSON inside text: found, read, and changed only where a value changed; everything else stays as it was written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

_DECODER = json.JSONDecoder()
_CANDIDATE = re.compile(
    r"""\{\s{0,64}"|\[\s{0,64}["{\[]|"(?:\\{1,15}"){0,3}\s{0,8}(?:\{|\[\s{0,8}(?:\\{1,15}"|\{|\[))"""
)
_SPACE = re.compile(r"[ \t\r\n]*")
_MAX_FAILURES = 8
"""Places that look like JSON and are not, after which the rest of a text is no longer tried: keeps the work linear."""

Visit = Callable[[Any], Any]


def regions(text: str) -> Iterator[tuple[int, int, Any]]:
    """Start, end and value of each JSON document in `text`; not the ones inside others."""
    failures = 0
    at = 0
    while failures < _MAX_FAILURES and (match := _CANDIDATE.search(text, at)) is not None:
        start = match.start()
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            failures += 1
            at = start + 1
            continue
        if isinstance(value, str) and value.lstrip()[:1] not in ("{", "[", '"'):
            at = start + 1
            continue
        yield start, end, value
        at = end


def splice(text: str, start: int, old: Any, new: Any, visit: Visit) -> tuple[str, int]:
    """The JSON value at `start` with `new` in place of `old`, and where it ended; `visit` redacts a value that a repeated key hides."""
    if new is old:
        end = _DECODER.raw_decode(text, start)[1]
        return text[start:end], end
    if type(old) is dict and type(new) is dict and len(old) == len(new):  # pyright: ignore[reportUnknownArgumentType]
        return _splice_mapping(text, start, old, new, visit)  # pyright: ignore[reportUnknownArgumentType]
    if type(old) is list and type(new) is list and len(old) == len(new):  # pyright: ignore[reportUnknownArgumentType]
        parts = ["["]
        at = start + 1
        for old_item, new_item in zip(old, new, strict=True):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            at = _space(text, at, parts)
            part, at = splice(text, at, old_item, new_item, visit)
            parts.append(part)
            at = _punctuation(text, at, parts)
        return "".join(parts), at
    end = _DECODER.raw_decode(text, start)[1]
    return json.dumps(new, ensure_ascii=text.isascii()), end


def _splice_mapping(text: str, start: int, old: dict[str, Any], new: dict[str, Any], visit: Visit) -> tuple[str, int]:
    renamed = dict(zip(old, new, strict=True))
    parts = ["{"]
    at = start + 1
    while True:
        at = _space(text, at, parts)
        key, end = _DECODER.raw_decode(text, at)
        name = renamed[key]
        parts.append(text[at:end] if name == key else json.dumps(name, ensure_ascii=text.isascii()))
        at = _space(text, end, parts)
        parts.append(":")
        at = _space(text, at + 1, parts)
        value, end = _DECODER.raw_decode(text, at)
        if value != old[key]:
            # Of a repeated key `old` holds the last value only: the others are redacted as they are met.
            part, at = splice(text, at, value, visit({key: value})[key], visit)
        elif old[key] is new[name]:
            part, at = text[at:end], end
        else:
            part, at = splice(text, at, old[key], new[name], visit)
        parts.append(part)
        at = _punctuation(text, at, parts)
        if parts[-1] == "}":
            return "".join(parts), at


def _space(text: str, at: int, parts: list[str]) -> int:
    if text[at : at + 1] > " ":
        return at
    match = _SPACE.match(text, at)
    if match is None or match.end() == at:
        return at
    parts.append(match[0])
    return match.end()


def _punctuation(text: str, at: int, parts: list[str]) -> int:
    """The comma or bracket after an item."""
    at = _space(text, at, parts)
    parts.append(text[at])
    return at + 1
