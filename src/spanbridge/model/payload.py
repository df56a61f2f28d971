"""A payload to JSON bytes: the encoding is the snapshot.

`snapshot` runs on the caller's thread. Immutable scalars are kept by reference; everything else is encoded once, so nothing that the
application does later changes what was recorded. It never raises, never calls a foreign `__repr__` or property, and its work has a
bound: what is too large is replaced whole by a marker (never cut here: a cut inside a secret would hide it from the redaction).

    a Snapshot is    str, int, float, bool, None      the value itself
                     bytes                            the JSON encoding of any other value

Values that JSON has no word for become: bytes that are UTF-8 -> text, other bytes -> {"bytes": n}; sets -> lists; Decimal, UUID,
paths, integers beyond 64 bits -> strings; NaN and infinities -> strings, in larger payloads null; numpy arrays ->
{"dtype", "shape", "values"}; exceptions -> {"type", "message"}; known models (pydantic, attrs, dataclasses, named tuples) -> mappings;
anything else -> "<module.Class>".
"""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

import sys
import time
from collections import ChainMap, UserDict, UserList, UserString, deque
from contextlib import suppress
from datetime import date, timedelta
from datetime import time as clock_time
from decimal import Decimal
from enum import Enum
from itertools import islice
from math import isfinite, isnan
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MappingProxyType, MemberDescriptorType, MethodType
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from orjson import OPT_PASSTHROUGH_DATACLASS, OPT_PASSTHROUGH_DATETIME, Fragment, dumps, loads  # pyright: ignore[reportAttributeAccessIssue] - Fragment is missing in its stubs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Scalar: TypeAlias = str | int | float | bool | None
Snapshot: TypeAlias = Scalar | bytes

MAX_PAYLOAD_BYTES = 8 * 1024 * 1024
"""A payload that is larger is replaced by `{"truncated": {"bytes": n}}` before anything is copied."""
MAX_DEPTH = 64
"""A deeper subtree is replaced by `{"truncated": {"depth": 64}}`."""
SLOW_PATH_BUDGET_S = 0.020
"""How long a payload that orjson cannot encode may take on the caller's thread; the rest of each container becomes one `UNSERIALISED`."""
UNSERIALISED = "<unserialised>"
ARRAY_PREVIEW = 32
"""How many values of a numpy array are kept."""

# orjson's own way with these ends the process where an attribute or a time zone raises.
_OPTIONS = OPT_PASSTHROUGH_DATACLASS | OPT_PASSTHROUGH_DATETIME
# Those that it does not let pass, and the attribute that it reads of each.
_READ_BY_ORJSON: tuple[tuple[type, str], ...] = ((Enum, "value"), (UUID, "int"))
_PLAIN_CONTAINERS = frozenset({dict, list})
_SCALARS = frozenset({str, int, float, bool, type(None)})
_JSON_TYPES = _SCALARS | _PLAIN_CONTAINERS
# What orjson writes as numbers.
_MIN_INT, _MAX_INT = -(2**63), 2**64 - 1
_ITEMS_LOOKED_AT = 1000
_LARGE_BYTES = 1024 * 1024
_NON_FINITE_SEARCH_BYTES = 128
"""Payloads above this size are not searched for NaN and infinities: they keep orjson's null for them."""


def snapshot(value: Any, max_bytes: int = MAX_PAYLOAD_BYTES) -> Snapshot:
    """The recorded form of `value`, from now on independent of it. Never raises."""
    cls = type(value)
    if cls is str:
        return value if len(value) <= max_bytes else truncated(string_bytes(value))
    if cls in _SCALARS:
        return value if cls is not float or isfinite(value) else dumps(_non_finite(value))
    try:
        if _large_payloads.seen and (size := _size_within_two_levels(value)) > max_bytes:
            return truncated(size)
        if cls is not dict and cls is not list:
            _refuse_unreadable(value)
        data = dumps(value, _encode_unknown, _OPTIONS)
    except Exception:  # noqa: BLE001 - any class of foreign error may come out of a payload
        return _encode_slowly(value, max_bytes)
    size = len(data)
    if size > max_bytes or size > _LARGE_BYTES:
        _large_payloads.seen = True
        if size > max_bytes:
            return truncated(size)
    elif size < _NON_FINITE_SEARCH_BYTES and b"null" in data and _holds_non_finite(value):
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

    seen = False


_large_payloads = _LargePayloads()


def _size_within_two_levels(value: Any) -> int:
    """A lower bound of the encoded size: the strings and the number of items in a container and in the containers within."""
    cls = type(value)
    if cls is bytes or cls is bytearray:
        return len(value)
    if cls is not dict and cls is not list and cls is not tuple:
        return 0
    size = 2 * len(value)
    for item in islice(value.values() if cls is dict else value, _ITEMS_LOOKED_AT):
        cls = type(item)
        if cls is str or cls is bytes:
            size += len(item)
        elif cls is dict or cls is list:
            size += 2 * len(item)
            for inner in islice(item.values() if cls is dict else item, _ITEMS_LOOKED_AT):
                if type(inner) is str:
                    size += len(inner)
    return size


def _encode_unknown(value: Any) -> Any:
    """What orjson asks for a value that it does not know. Raising sends the whole payload to the slow path."""
    serializer = getattr(type(value), "__pydantic_serializer__", None)
    if serializer is not None:
        return Fragment(serializer.to_json(value))
    plain = _plain(value)
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
        return b"".join((data, b"")) if len(data) <= max_bytes else truncated(len(data))
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
            return self._string(value)
        if cls is int:
            return value if _MIN_INT <= value <= _MAX_INT else _large_int(value)
        if cls is float:
            return value if isfinite(value) else _non_finite(value)
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
        plain = self.plain(key, depth)
        return plain if type(plain) is str else dumps(plain).decode()

    def _container(self, value: Any, depth: int) -> Any:
        cls = type(value)
        if issubclass(cls, dict):
            return self._mapping(value.items(), depth)
        if issubclass(cls, _MAPPINGS):
            return self._mapping(((key, value[key]) for key in value), depth)
        if issubclass(cls, (list, tuple, *_SEQUENCES)) and not hasattr(cls, "_fields"):
            return self._sequence(value, depth)
        if issubclass(cls, (bytes, bytearray, memoryview)) and not self._has_room(memoryview(value).nbytes):
            return UNSERIALISED
        plain = _plain(value)
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
        return _text(value) if self._has_room(len(value)) else UNSERIALISED

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


def _plain(value: Any) -> Any:
    """One level of `value` as a type that JSON knows. Known types by table, unknown ones by name only."""
    cls = type(value)
    if cls.__module__ == "numpy":
        return _numpy(value)
    for known, convert in _CONVERSIONS:
        if issubclass(cls, known):
            return convert(value)
    if hasattr(cls, "_fields") and issubclass(cls, tuple):
        names: Any = cls._fields  # pyright: ignore[reportAttributeAccessIssue] - a named tuple
        return dict(zip(names, value, strict=False))
    fields = getattr(cls, "__attrs_attrs__", None) or getattr(cls, "__dataclass_fields__", None)
    if fields is not None:
        return _fields(value, [field if isinstance(field, str) else field.name for field in fields])
    serializer = getattr(cls, "__pydantic_serializer__", None)
    if serializer is not None:
        try:
            return Fragment(serializer.to_json(value))
        except Exception:  # noqa: BLE001 - a field that its own serializer refuses
            return dict(value.__dict__)
    if issubclass(cls, (type, FunctionType, BuiltinFunctionType, MethodType)):
        return f"<{value.__module__}.{value.__qualname__}>"
    return f"<{cls.__module__}.{cls.__qualname__}>"


def _fields(value: Any, names: list[str]) -> dict[str, Any]:
    """The fields that are set, without running code of the class; names that begin with an underscore are private."""
    cls = type(value)
    instance: dict[str, Any] = object.__getattribute__(value, "__dict__") if cls.__dictoffset__ else {}
    result: dict[str, Any] = {}
    for name in names:
        if name.startswith("_"):
            continue
        if name in instance:
            result[name] = instance[name]
        elif type(slot := getattr(cls, name, None)) is MemberDescriptorType:
            with suppress(AttributeError):  # not set yet
                result[name] = slot.__get__(value, cls)
    return result


def _bytes(value: bytes | bytearray | memoryview) -> Any:
    try:
        return bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        return {"bytes": len(value)}


def _exception(value: BaseException) -> dict[str, Any]:
    return {"type": type_name(type(value)), "message": exception_message(value)}


def _numpy(value: Any) -> Any:
    if hasattr(value, "shape") and value.shape == () and hasattr(value, "item"):
        item = value.item()
        return item if type(item) in _SCALARS else str(item)
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        values = value.flat[:ARRAY_PREVIEW].tolist()  # unlike ravel() it never copies the whole array
        return {"dtype": str(value.dtype), "shape": list(value.shape), "values": values}
    return type_marker(value)


_SEQUENCES = (set, frozenset, deque, UserList)
_MAPPINGS = (MappingProxyType, UserDict, ChainMap)
_CONVERSIONS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    ((bytes, bytearray, memoryview), _bytes),
    (str, str.__str__),
    (bool, bool),
    (int, lambda value: int.__add__(value, 0)),
    (float, lambda value: float.__add__(value, 0.0)),
    (Enum, lambda value: value.value),
    (BaseException, _exception),
    (_SEQUENCES, list),
    (_MAPPINGS, dict),
    ((Decimal, PurePath, UserString, complex), str),
    ((date, clock_time), lambda value: value.isoformat()),
    (UUID, str),
    (timedelta, lambda value: value.total_seconds()),
    (range, lambda value: {"start": value.start, "stop": value.stop, "step": value.step}),
)


def exception_message(value: BaseException) -> str:
    """`str(value)`, or a marker if that raises."""
    try:
        return _text(str(value))
    except Exception:  # noqa: BLE001
        return "<no message: str() of the exception raised>"


def type_name(cls: type) -> str:
    """`ValueError` for a built-in class, `package.module.Class` for any other."""
    try:
        return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    except Exception:  # noqa: BLE001 - a metaclass may answer anything
        return "unknown"


def type_marker(value: Any) -> str:
    """What stands for a value that cannot be recorded: its class."""
    cls = type(value)
    try:
        return f"<{cls.__module__}.{cls.__qualname__}>"
    except Exception:  # noqa: BLE001 - a metaclass may answer anything
        return "<unknown>"


def _non_finite(value: float) -> str:
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _text(value: str) -> str:
    """`value` with lone surrogates, which UTF-8 cannot encode, written as escapes."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "backslashreplace").decode()
    return value


def _large_int(value: int) -> str:
    return str(value) if value.bit_length() <= 4096 else f"<int of {value.bit_length()} bits>"
