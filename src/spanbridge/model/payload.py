"""A payload to JSON bytes: the encoding is the snapshot.

`snapshot` runs on the caller's thread. Immutable scalars are kept by reference; everything else is encoded once, so nothing that the
application does later changes what was recorded. It never raises, never calls a foreign `__repr__` or property, and its work has a
bound: what is too large is replaced whole by a marker (never cut here: a cut inside a secret would hide it from the redaction).

    a Snapshot is    str, int, float, bool, None      the value itself
                     bytes                            the JSON encoding of any other value

What values become that JSON has no word for stands in `conversions`.

A payload over the limit loses its largest strings and bytes, one marker in the place of each, as far as it must: a message with a large
image keeps its text. Where that does not help, or takes too much, one marker stands for the whole payload.
"""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

import re
import sys
import time
from enum import Enum
from functools import partial
from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from orjson import OPT_PASSTHROUGH_DATACLASS, OPT_PASSTHROUGH_DATETIME, Fragment, dumps, loads  # pyright: ignore[reportAttributeAccessIssue] - Fragment is missing in its stubs

from spanbridge.model.conversions import (
    MAPPINGS,
    SCALARS,
    SEQUENCES,
    as_json_type,
    encodable,
    large_int,
    non_finite,
    text_in,
    type_marker,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

Scalar: TypeAlias = str | int | float | bool | None
Snapshot: TypeAlias = Scalar | bytes

MAX_PAYLOAD_BYTES = 8 * 1024 * 1024
"""A larger payload loses strings and bytes, or is replaced whole, by `{"truncated": {"bytes": n}}`."""
MAX_DEPTH = 64
"""A deeper subtree is replaced by `{"truncated": {"depth": 64}}`."""
SLOW_PATH_BUDGET_S = 0.020
"""How long a payload that orjson cannot encode may take on the caller's thread; the rest of each container becomes one `UNSERIALISED`."""
UNSERIALISED = "<unserialised>"

# orjson's own way with these ends the process where an attribute or a time zone raises.
_OPTIONS = OPT_PASSTHROUGH_DATACLASS | OPT_PASSTHROUGH_DATETIME
# Those that it does not let pass, and the attribute that it reads of each.
_READ_BY_ORJSON: tuple[tuple[type, str], ...] = ((Enum, "value"), (UUID, "int"))
_PLAIN_CONTAINERS = frozenset({dict, list})
_JSON_TYPES = SCALARS | _PLAIN_CONTAINERS
_RAW_TYPES = frozenset({bytes, bytearray, memoryview})
# What orjson writes as numbers.
_MIN_INT, _MAX_INT = -(2**63), 2**64 - 1
_VALUES_LOOKED_AT = 1000
_LEVELS_LOOKED_AT = 16
_QUOTES_LOOKED_AT = 50_000
_SHORTEST_LEFT_OUT = 256
_MARKER_BYTES = 40
_LARGE_BYTES = 1024 * 1024
_COPIED_BYTES = 64 * 1024
"""A larger result of orjson is kept as it is: the buffer behind it is little larger, and a copy costs as much as the encoding."""
_NON_FINITE_SEARCH_BYTES = 128
"""Payloads above this size are not searched for NaN and infinities: they keep orjson's null for them."""


def snapshot(value: Any, max_bytes: int = MAX_PAYLOAD_BYTES) -> Snapshot:
    """The recorded form of `value`, from now on independent of it. Never raises."""
    cls = type(value)
    if cls is not dict and cls is not list:
        if cls is str:
            return value if len(value) <= max_bytes else truncated(string_bytes(value))
        if cls in SCALARS:
            return value if cls is not float or isfinite(value) else dumps(non_finite(value))
        try:
            _refuse_unreadable(value)
        except Exception:  # noqa: BLE001 - any class of foreign error may come out of a payload
            return _encode_slowly(value, max_bytes)
    try:
        if _large_payloads.seen:
            value = _without_oversized(value, max_bytes)
        data = dumps(value, _encode_unknown, _OPTIONS)
    except Exception as error:  # noqa: BLE001 - as above
        data = _encode_large_bytes(value, max_bytes) if type(error.__cause__) is _LargeBytes else None
        if data is None:
            return _encode_slowly(value, max_bytes)
    size = len(data)
    if size > _COPIED_BYTES or size > max_bytes:
        if size > max_bytes or size > _LARGE_BYTES:
            _large_payloads.seen = True
        return data if size <= max_bytes else _without_large_strings(data, max_bytes)
    # `find`, because `in` first tries the bytes as a number, and fails.
    if size < _NON_FINITE_SEARCH_BYTES and data.find(b"null") >= 0 and _holds_non_finite(value):
        return _encode_slowly(value, max_bytes)
    # orjson's result keeps a buffer of several KB alive, however short it is; the copy does not.
    return b"%b" % data


def encode(value: Any) -> bytes:
    """`value` as JSON bytes, whatever it is. Snapshots (`bytes`) are spliced in, at the top and as values of a mapping."""
    try:
        return dumps(value, Fragment)
    except Exception:  # noqa: BLE001
        if type(value) is dict:
            walk = _Walk(sys.maxsize)
            return dumps({walk.key(key, 0): Fragment(encode(item)) for key, item in value.items()})
        result = _encode_slowly(value, sys.maxsize)
        return result if type(result) is bytes else dumps(result)


def decode(data: Snapshot) -> Any:
    """The plain JSON value of a snapshot."""
    return loads(data) if type(data) is bytes else data


def key_text(key: Any) -> str:
    """A mapping's key as it is recorded. Never raises."""
    return key if type(key) is str else _Walk(MAX_PAYLOAD_BYTES).key(key, 0)


def truncated(size: int) -> bytes:
    """The marker that stands for a payload of `size` bytes."""
    return b'{"truncated":{"bytes":%d}}' % size


def string_bytes(value: str) -> int:
    """Bytes of a string: of its UTF-8 form if it is ASCII, else of its form in memory (no pass over its characters)."""
    return len(value) if value.isascii() else value.__sizeof__()


class _LargePayloads:
    """Whether this process has met a payload of over 1 MiB.

    Looking through a payload costs as much as encoding it, and few applications record large ones: so the first large one is noticed
    by its encoding (some 50 ms for 50 MB), and from then on all are looked through before.
    """

    def __init__(self) -> None:
        self.seen = False


_large_payloads = _LargePayloads()


def _without_oversized(value: Any, max_bytes: int) -> Any:
    """`value` with a marker for each string that is over the limit alone, as far as it stands in plain containers and is soon found."""
    left = _VALUES_LOOKED_AT

    def lightened(item: Any, level: int) -> Any:
        nonlocal left
        cls = type(item)
        if cls is str or cls is bytes or cls is bytearray:
            return {"truncated": {"bytes": len(item)}} if len(item) > max_bytes else item
        if (cls is not dict and cls is not list and cls is not tuple) or level == _LEVELS_LOOKED_AT:
            return item
        copy: Any = None
        for key, inner in islice(item.items() if cls is dict else enumerate(item), left):
            left -= 1
            light = lightened(inner, level + 1)
            if light is not inner:
                copy = (dict(item) if cls is dict else list(item)) if copy is None else copy
                copy[key] = light
        return item if copy is None else copy

    return lightened(value, 0)


def _without_large_strings(data: bytes, max_bytes: int) -> bytes:
    """An encoding without its largest strings, as many as it must lose to be within the limit; a marker for all where that is not enough.

    The strings are found in the encoding: what they stand in (models, dataclasses, ...) does not matter then. No key is taken.
    """
    strings: list[tuple[int, int, int]] = []
    quotes_left = _QUOTES_LOOKED_AT
    start = data.find(b'"')
    while start >= 0:
        end = data.find(b'"', start + 1)
        while data[end - 1] == 0x5C and _is_escaped(data, end) and quotes_left:
            end = data.find(b'"', end + 1)
            quotes_left -= 1
        quotes_left -= 1
        if quotes_left <= 0:
            return truncated(len(data))
        if end - start > _SHORTEST_LEFT_OUT and data[end + 1 : end + 2] != b":":
            strings.append((end - start - 1, start, end + 1))
        start = data.find(b'"', end + 1)
    left_out: list[tuple[int, int, bytes]] = []
    excess = len(data) - max_bytes
    for size, start, end in sorted(strings, reverse=True):
        if excess <= 0:
            break
        raw = _RAW_BYTES_HEAD.search(data, max(0, start - 40), start)
        if raw is not None and data[end : end + 1] == b"}":
            left_out.append((raw.start(), end + 1, truncated(int(raw[1]))))
        else:
            left_out.append((start, end, truncated(size)))
        excess -= left_out[-1][1] - left_out[-1][0] - len(left_out[-1][2])
    if excess > 0:
        return truncated(len(data))
    parts: list[bytes] = []
    at = 0
    for start, end, marker in sorted(left_out):
        parts += (data[at:start], marker)
        at = end
    return b"".join((*parts, data[at:]))


_RAW_BYTES_HEAD = re.compile(rb'\{"bytes":(\d+),"base64":\Z')


def _is_escaped(data: bytes, at: int) -> bool:
    """Whether the quote at `at` is a part of its string: an odd number of backslashes stands before it."""
    before = at
    while data[before - 1] == 0x5C:
        before -= 1
    return (at - before) % 2 == 1


class _LargeBytes(Exception):  # noqa: N818 - it states a fact
    """Bytes that are encoded only where there is room for them."""


def _encode_large_bytes(value: Any, max_bytes: int) -> bytes | None:
    """The encoding of a payload with large bytes, those that exceed the limit as markers; None where orjson refuses it for more."""
    try:
        return dumps(value, partial(_encode_unknown, max_raw_bytes=max_bytes), _OPTIONS)
    except Exception:  # noqa: BLE001 - as in `snapshot`
        return None


def _encode_unknown(value: Any, max_raw_bytes: int = 0) -> Any:
    """What orjson asks for a value that it does not know. Raising sends the whole payload to the slow path.

    Bytes of over 1 MiB are refused, unless `max_raw_bytes` says how many may be encoded.
    """
    serializer = getattr(type(value), "__pydantic_serializer__", None)
    if serializer is not None:
        return Fragment(serializer.to_json(value))
    cls = type(value)
    if cls in _RAW_TYPES and (size := memoryview(value).nbytes) > _LARGE_BYTES:
        if not max_raw_bytes:
            raise _LargeBytes
        if size > max_raw_bytes:
            return {"truncated": {"bytes": size}}
    plain = as_json_type(value)
    cls = type(plain)
    for item in plain.values() if cls is dict else plain if cls is list else (plain,):
        if type(item) not in _JSON_TYPES:
            _refuse_unreadable(item)
    return plain


def _refuse_unreadable(value: Any) -> None:
    """Raises where orjson would end the process: its attribute of `value` is missing or raises.

    Called for a payload itself, and for the fields of the objects in it. Values of plain containers reach orjson unseen: to look at each
    would cost more than to encode it.
    """
    for known, attribute in _READ_BY_ORJSON:
        if issubclass(type(value), known):
            _refuse_unreadable(getattr(value, attribute))


def _holds_non_finite(value: Any) -> bool:
    """Whether a NaN or infinity stands in plain containers; orjson writes both as null."""
    stack = [value]
    while stack:
        item = stack.pop()
        cls = type(item)
        if cls is float:
            if not isfinite(item):
                return True
        elif cls is dict:
            stack.extend(item.values())
        elif cls is list or cls is tuple:
            stack.extend(item)
    return False


def _encode_slowly(value: Any, max_bytes: int) -> Snapshot:
    """For what orjson refuses: cycles, depth, foreign keys, lone surrogates, huge integers, types that it does not know."""
    try:
        walk = _Walk(max_bytes)
        plain = walk.plain(value, 0)
        if walk.bytes_left < 0:
            return truncated(max_bytes - walk.bytes_left)
        data = dumps(plain)
        return b"".join((data, b"")) if len(data) <= max_bytes else _without_large_strings(data, max_bytes)
    except Exception:  # noqa: BLE001 - a payload changed by another thread, a container that lies about itself
        return type_marker(value)


class _Walk:
    """One pass over a payload that orjson cannot encode, with its bounds: depth, bytes and time. Every value and key counts.

    Where time or bytes are spent, each container that is not finished gets one `UNSERIALISED` for all that it still holds.
    """

    def __init__(self, max_bytes: int) -> None:
        self.bytes_left = max_bytes
        """Below zero: the payload is larger than it may be. A lower bound of the encoded size has been taken off."""
        self._deadline = time.perf_counter() + SLOW_PATH_BUDGET_S
        self._is_late = False
        self._path: set[int] = set()
        self._visited = 0

    def plain(self, value: Any, depth: int) -> Any:
        cls = type(value)
        if cls is str:
            return self._left_out(len(value)) or self._string(value)
        if cls is int:
            return value if _MIN_INT <= value <= _MAX_INT else large_int(value)
        if cls is float:
            return value if isfinite(value) else non_finite(value)
        if cls is bool or value is None:
            return value
        if depth >= MAX_DEPTH:
            return {"truncated": {"depth": MAX_DEPTH}}
        if id(value) in self._path:
            return {"truncated": {"cycle": True}}
        self._path.add(id(value))
        try:
            return self._container(value, depth)
        except Exception:  # noqa: BLE001 - foreign containers may do anything
            return type_marker(value)
        finally:
            self._path.discard(id(value))

    def key(self, key: Any, depth: int) -> str:
        """A mapping's key as text: JSON where it is not a string, a tuple in parentheses."""
        cls = type(key)
        if cls is str:
            return self._string(key)
        if cls is tuple and depth < MAX_DEPTH:
            parts: list[str] = []
            for part in key:
                if self._is_spent():
                    parts.append(UNSERIALISED)
                    break
                parts.append(self.key(part, depth + 1))
            return f"({', '.join(parts)})"
        if cls is bytes:
            text = text_in(key)
            return f'{{"bytes":{len(key)}}}' if text is None else self._string(text)
        plain = self.plain(key, depth)
        return plain if type(plain) is str else dumps(plain).decode()

    def _container(self, value: Any, depth: int) -> Any:
        cls = type(value)
        if issubclass(cls, dict):
            return self._mapping(value.items(), depth)
        if issubclass(cls, MAPPINGS):
            return self._mapping(((key, value[key]) for key in value), depth)
        if issubclass(cls, (list, tuple, *SEQUENCES)) and not hasattr(cls, "_fields"):
            return self._sequence(value, depth)
        if issubclass(cls, (bytes, bytearray, memoryview)):
            size = memoryview(value).nbytes
            marker = self._left_out(size)
            if marker is not None or not self._has_room(size):
                return marker or UNSERIALISED
        plain = as_json_type(value)
        if type(plain) in _PLAIN_CONTAINERS:
            return self._container(plain, depth)
        return plain if type(plain) is Fragment else self.plain(plain, depth + 1)

    def _mapping(self, entries: Iterable[tuple[Any, Any]], depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, item in entries:
            if self._is_spent():
                result[UNSERIALISED] = UNSERIALISED
                break
            self.bytes_left -= 3  # quotes and colon
            name = self.key(key, depth + 1)
            result[name] = self.plain(item, depth + 1)
        return result

    def _sequence(self, items: Iterable[Any], depth: int) -> list[Any]:
        result: list[Any] = []
        for item in items:
            if self._is_spent():
                result.append(UNSERIALISED)
                break
            result.append(self.plain(item, depth + 1))
        return result

    def _string(self, value: str) -> str:
        return encodable(value) if self._has_room(len(value)) else UNSERIALISED

    def _left_out(self, size: int) -> dict[str, Any] | None:
        """The marker for a string or bytes for which there is no room, so that the rest is recorded; None where there is."""
        if size <= self.bytes_left or size <= _SHORTEST_LEFT_OUT:
            return None
        self.bytes_left -= _MARKER_BYTES
        return {"truncated": {"bytes": size}}

    def _has_room(self, size: int) -> bool:
        """Takes `size` bytes off what is left."""
        self.bytes_left -= size
        return self.bytes_left >= 0

    def _is_spent(self) -> bool:
        """Counts one more value, and says whether it is one too many."""
        self.bytes_left -= 2  # one character and a comma
        self._visited += 1
        if self._visited & 63 == 0 and time.perf_counter() > self._deadline:
            self._is_late = True
        return self._is_late or self.bytes_left < 0
