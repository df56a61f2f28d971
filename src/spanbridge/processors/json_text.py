"""JSON inside text: found, read, and changed only where a value changed; everything else stays as it was written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from json.scanner import make_scanner
from typing import Any, cast

_scan: Callable[[str, int], tuple[Any, int]] = make_scanner(cast("Any", json.JSONDecoder()))
"""The value at a place of a text, and where it ends; StopIteration where none begins."""
_CANDIDATE = re.compile(
    r"""\{\s{0,64}"|\[\s{0,64}["{\[]|"(?:\\{1,15}"){0,3}\s{0,8}(?:\{|\[\s{0,8}(?:\\{1,15}"|\{|\[))"""
)
_SPACE_INSIDE = re.compile(r"\s")
_SPACE = re.compile(r"[ \t\r\n]*")
_MAX_FAILURES = 8
"""Places that look like JSON and are not, after which the rest of a text is no longer tried: keeps the work linear."""

_CUT_CANDIDATE = re.compile(
    r"""\{\s{0,64}"|\[\s{0,64}["{\[]|"(?P<text>[^"\\]*(?:\\.[^"\\]*)*)(?:(?P<closed>")(?P<name>\s{0,8}:)?|\\?\Z)""",
    re.DOTALL,
)
"""In a document that was cut off: those inside of it that were not, and texts, names among them."""
_LONGEST_ESCAPE = len(r"\u00f1")
_PART_OF_ESCAPE = re.compile(r"\\u[0-9A-Fa-f]{0,3}\Z")

_OTHER_ESCAPES = (r"\u", r"\/")
"""Of which JSON need not be written with."""
_WRITTEN = re.compile(r"\\u[dD][89AaBb][0-9A-Fa-f]{2}\\u[dD][C-Fc-f][0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\?.", re.DOTALL)
"""One character of a string as JSON writes it."""

Visit = Callable[[Any], Any]


def regions(text: str) -> Iterator[tuple[int, int, Any]]:
    """Start, end and value of each JSON document in `text`, not the ones inside others; of one that was cut off the documents and the texts
    inside of it, also the last one, whose end is missing."""
    if text[:1] == text[-1:] == '"' and (whole := _string(text)) is not None:
        yield 0, len(text), whole
        return
    failures = 0
    at = 0
    candidate = _CANDIDATE
    while failures < _MAX_FAILURES and (match := candidate.search(text, at)) is not None:
        start = match.start()
        is_text = candidate is _CUT_CANDIDATE and match["text"] is not None
        try:
            value, end = _read(text, match) if is_text else _scan(text, start)
        except (ValueError, StopIteration, RecursionError) as error:
            failures += 1
            at = start + 1
            if _is_end(error, len(text)):
                candidate = _CUT_CANDIDATE
            continue
        at = end
        if isinstance(value, str) and not holds_document(value):
            if not is_text:
                at = start + 1
                continue
            if match["name"] or not _SPACE_INSIDE.search(value):
                continue
        yield start, end, value


def _is_end(error: Exception, size: int) -> bool:
    """Whether what is wrong with JSON in a text of this size is that it ends."""
    if isinstance(error, json.JSONDecodeError):
        return error.msg.startswith("Unterminated") or error.pos >= size - _LONGEST_ESCAPE
    return isinstance(error, StopIteration) and error.value == size


def _read(text: str, match: re.Match[str]) -> tuple[str, int]:
    """A text in a document that was cut off, perhaps inside of it, and where it ends."""
    if match["closed"]:
        return _scan(text, match.start())
    return json.loads(f'"{_PART_OF_ESCAPE.sub("", match["text"])}"'), len(text)


def holds_document(text: str) -> bool:
    """Whether a string of JSON holds JSON itself."""
    return text.lstrip()[:1] in ("{", "[", '"')


def holds_json(text: str) -> bool:
    """Whether `regions` may find anything in `text`."""
    return "{" in text or "[" in text or text[:1] == text[-1:] == '"'


def _string(text: str) -> str | None:
    """What `text` says if it is one string of JSON, as a tool's answer in text is passed on."""
    try:
        value, end = _scan(text, 0)
    except (ValueError, StopIteration):
        return None
    return value if end == len(text) else None


def rewritten(text: str, start: int, old: Any, new: Any, visit: Visit) -> str:
    """The JSON value `old` at `start` of a text with `new` in its place; `visit` redacts a value that a repeated key hides."""
    whole = _CUT_CANDIDATE.match(text, start) if isinstance(old, str) else None
    if whole is not None and not whole["closed"]:
        part = _PART_OF_ESCAPE.search(text, start, whole.end("text"))
        end = part.start() if part else whole.end("text")
        return _spelled(text, start, end, old, new)[:-1] + text[end:]
    parts: list[str] = []
    at = start
    changes: list[tuple[int, int, Any, Any]] = []
    end = _compare(text, start, old, new, visit, changes)
    for first, last, before, value in changes:
        parts += text[at:first], _spelled(text, first, last - 1, before, value)
        at = last
    parts.append(text[at:end])
    return "".join(parts)


def _spelled(text: str, start: int, end: int, old: Any, new: Any) -> str:
    """`new` as JSON. What of a string is as it was before keeps the escapes that it has in the text, where it ends at `end`."""
    is_ascii = text.isascii()
    written = text[start + 1 : end]
    if not (isinstance(old, str) and isinstance(new, str) and any(map(written.__contains__, _OTHER_ESCAPES))):
        return json.dumps(new, ensure_ascii=is_ascii)
    first = _common(old, new)
    last = _common(old[first:][::-1], new[first:][::-1])
    characters = _WRITTEN.findall(written)
    changed = json.dumps(new[first : len(new) - last], ensure_ascii=is_ascii)[1:-1]
    return f'"{"".join(characters[:first])}{changed}{"".join(characters[len(characters) - last :])}"'


def _common(one: str, other: str) -> int:
    """How many characters two strings begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (first, second) in pairs if first != second), min(len(one), len(other)))


def _compare(text: str, start: int, old: Any, new: Any, visit: Visit, changes: list[tuple[int, int, Any, Any]]) -> int:
    """Where the value at `start` ends; `changes` gets where what is new in it stands, and what it is."""
    if type(old) is dict and type(new) is dict and len(old) == len(new) and new is not old:  # pyright: ignore[reportUnknownArgumentType]
        return _compare_members(text, start, old, new, visit, changes)  # pyright: ignore[reportUnknownArgumentType]
    if type(old) is list and type(new) is list and len(old) == len(new) and new is not old:  # pyright: ignore[reportUnknownArgumentType]
        at = start + 1
        for old_item, new_item in zip(old, new, strict=True):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            at = _compare(text, _after_space(text, at), old_item, new_item, visit, changes)
            at = _after_space(text, at) + 1
        return at
    end = _scan(text, start)[1]
    if new is not old:
        changes.append((start, end, cast("Any", old), cast("Any", new)))
    return end


def _compare_members(
    text: str,
    start: int,
    old: dict[str, Any],
    new: dict[str, Any],
    visit: Visit,
    changes: list[tuple[int, int, Any, Any]],
) -> int:
    renamed = dict(zip(old, new, strict=True))
    at = start
    while text[at] != "}":
        at = _after_space(text, at + 1)
        key, end = _scan(text, at)
        name = renamed[key]
        if name != key:
            changes.append((at, end, key, name))
        at = _after_space(text, _after_space(text, end) + 1)
        value, end = _scan(text, at)
        if value != old[key]:
            # Of a repeated key `old` holds the last value only: the others are redacted as they are met.
            end = _compare(text, at, value, visit({key: value})[key], visit, changes)
        elif old[key] is not new[name]:
            end = _compare(text, at, old[key], new[name], visit, changes)
        at = _after_space(text, end)
    return at + 1


def _after_space(text: str, at: int) -> int:
    if text[at] > " ":
        return at
    match = _SPACE.match(text, at)
    return match.end() if match else at
