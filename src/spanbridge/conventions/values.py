"""JSON values as attribute values and back.

OpenTelemetry's attributes hold text, switches, 64-bit integers, doubles, and lists of one of these. Anything else (mappings, nested or
mixed or empty lists, null, larger integers) is written as JSON text, and its key is noted under `JSON_KEYS`, so that a reader knows it
from a text that merely looks like JSON.
"""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import Any

from orjson import dumps

from spanbridge.model.payload import decode, encode

JSON_KEYS = "spanbridge.json"
"""The attribute that lists the keys whose values are JSON."""

_MIN_INT, _MAX_INT = -(2**63), 2**63 - 1
AS_THEY_ARE = frozenset({str, bool, float})
"""Classes whose values an attribute holds as they are."""


def json_text(value: Any) -> str:
    """`value` as compact JSON."""
    return encode(value).decode()


def from_json(text: Any) -> Any:
    """The value of a JSON text; `text` itself where it is none."""
    if not isinstance(text, str):
        return text
    try:
        return decode(text.encode())
    except (ValueError, UnicodeEncodeError):
        return text


def is_whole(value: Any) -> bool:
    """Whether `value` is an integer that an attribute can hold."""
    return type(value) is int and _MIN_INT <= value <= _MAX_INT


class Attributes(dict[str, Any]):
    """Attributes that are being written."""

    __slots__ = ("json_keys",)

    def __init__(self) -> None:
        self.json_keys: list[str] = []

    def put(self, key: str, value: Any) -> None:
        """Writes any JSON value under `key`."""
        cls = type(value)
        if cls in AS_THEY_ARE or (cls is int and _MIN_INT <= value <= _MAX_INT) or (cls is list and _is_uniform(value)):
            self[key] = value
        else:
            self.put_json(key, value)

    def put_json(self, key: str, value: Any) -> None:
        """Writes `value` as JSON text."""
        try:
            self[key] = dumps(value).decode()
        except TypeError:  # deeper than orjson goes
            self[key] = json_text(value)
        self.json_keys.append(key)

    def put_messages(self, key: str, messages: list[Any]) -> None:
        """Writes messages as JSON text, as their readers expect it: not noted, since the key says so."""
        self[key] = dumps(messages).decode()

    def finish(self) -> dict[str, Any]:
        """The attributes, with the list of those that are JSON."""
        if self.json_keys:
            self[JSON_KEYS] = self.json_keys
        return self


def written(mapping: Any) -> dict[str, Any]:
    """A mapping of any JSON values as attributes."""
    attributes = Attributes()
    for key, value in mapping.items():
        # Our own key, and the empty one that no attribute may have, are taken: they go under a longer one.
        attributes.put(f"{_ESCAPE}{key}" if not key or key == JSON_KEYS or key.startswith(_ESCAPE) else key, value)
    return attributes.finish()


def read(attributes: dict[str, Any]) -> dict[str, Any]:
    """What `written` was given."""
    return {key.removeprefix(_ESCAPE): value for key, value in plain(attributes).items()}


def plain(attributes: dict[str, Any]) -> dict[str, Any]:
    """`attributes` with lists as lists, and with the values instead of their JSON texts."""
    noted = attributes.get(JSON_KEYS)
    json_keys = frozenset(noted) if isinstance(noted, (list, tuple)) else frozenset[Any]()
    return {
        key: from_json(value) if key in json_keys else list(value) if isinstance(value, tuple) else value
        for key, value in attributes.items()
        if key != JSON_KEYS
    }


_ESCAPE = "spanbridge.key."


def _is_uniform(values: list[Any]) -> bool:
    if not values:
        return False
    cls = type(values[0])
    if cls is int:
        return all([is_whole(value) for value in values])  # noqa: C419 - lists are short, and a generator costs more
    return cls in AS_THEY_ARE and all([type(value) is cls for value in values])  # noqa: C419 - as above
