"""What values become that JSON has no word for.

Bytes that are text (UTF-8 without NUL) -> text, other bytes -> {"bytes": n, "base64": "..."} until the pipeline has moved media out (see
`spanbridge.media`), then {"bytes": n}; sets -> lists; Decimal, UUID, paths, integers beyond 64 bits -> strings; NaN and infinities ->
strings, in larger payloads null; numpy arrays -> {"dtype", "shape", "values"}; exceptions -> {"type", "message"}; known models (pydantic,
attrs, dataclasses, named tuples) -> mappings; anything else -> "<module.Class>".
"""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from binascii import b2a_base64
from collections import ChainMap, UserDict, UserList, UserString, deque
from contextlib import suppress
from datetime import date, timedelta
from datetime import time as clock_time
from decimal import Decimal
from enum import Enum
from math import isnan
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MappingProxyType, MemberDescriptorType, MethodType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from orjson import Fragment

from spanbridge.model.hidden_exceptions import HIDDEN, may_quote

if TYPE_CHECKING:
    from collections.abc import Callable

SCALARS = frozenset({str, int, float, bool, type(None)})
ARRAY_PREVIEW = 32
"""How many values of a numpy array are kept."""
MIN_RAW_BYTES = 42
"""Fewer bytes that are no text are only counted: no file of any media format is so short."""


def as_json_type(value: Any) -> Any:
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
    data = value if type(value) is bytes else bytes(value)
    decoded = text_in(data)
    if decoded is not None:
        return decoded
    if len(data) < MIN_RAW_BYTES:
        return {"bytes": len(data)}
    return Fragment(b'{"bytes":%d,"base64":"%b"}' % (len(data), b2a_base64(data, newline=False)))


def text_in(data: bytes) -> str | None:
    """The text that bytes are in UTF-8. Text holds no NUL; a PDF may hold nothing but letters, and is none all the same."""
    if b"\0" not in data and not data.startswith(b"%PDF-"):
        with suppress(UnicodeDecodeError):
            return data.decode("utf-8")
    return None


def _exception(value: BaseException) -> dict[str, Any]:
    return {"type": type_name(type(value)), "message": exception_message(value)}


def _numpy(value: Any) -> Any:
    if hasattr(value, "shape") and value.shape == () and hasattr(value, "item"):
        item = value.item()
        return item if type(item) in SCALARS else str(item)
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        values = value.flat[:ARRAY_PREVIEW].tolist()  # unlike ravel() it never copies the whole array
        return {"dtype": str(value.dtype), "shape": list(value.shape), "values": values}
    return type_marker(value)


SEQUENCES = (set, frozenset, deque, UserList)
MAPPINGS = (MappingProxyType, UserDict, ChainMap)
_CONVERSIONS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    ((bytes, bytearray, memoryview), _bytes),
    (str, str.__str__),
    (bool, bool),
    (int, lambda value: int.__add__(value, 0)),
    (float, lambda value: float.__add__(value, 0.0)),
    (Enum, lambda value: value.value),
    (BaseException, _exception),
    (SEQUENCES, list),
    (MAPPINGS, dict),
    ((Decimal, PurePath, UserString, complex), str),
    ((date, clock_time), lambda value: value.isoformat()),
    (UUID, str),
    (timedelta, lambda value: value.total_seconds()),
    (range, lambda value: {"start": value.start, "stop": value.stop, "step": value.step}),
)


def exception_message(value: BaseException) -> str:
    """`str(value)`, or a marker if that raises, or if it may quote what a span hides."""
    try:
        return HIDDEN if may_quote(value) else encodable(str(value))
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


def non_finite(value: float) -> str:
    """The word for NaN or an infinity."""
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"


def encodable(value: str) -> str:
    """`value` with lone surrogates, which UTF-8 cannot encode, written as escapes."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "backslashreplace").decode()
    return value


def large_int(value: int) -> str:
    """The digits of an integer that JSON's readers may not hold; of a huge one, whose digits take long, its size."""
    return str(value) if value.bit_length() <= 4096 else f"<int of {value.bit_length()} bits>"
