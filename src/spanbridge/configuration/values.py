"""The kinds of value that a setting may have: what is expected, and how it is read from code, a file and a variable.

A reader raises `ValueError` for a value that is not of its kind, `UnfitValueError` where it knows more than what was
expected. Nothing is guessed: `1` is not True, `"5"` in a file is not 5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from spanbridge.model.span_types import SpanType
from spanbridge.tracing.sampling import ParentBasedSampling

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})
_OFF = _FALSE | {"none"}


class UnfitValueError(ValueError):
    """A value that is not of its kind; the message says what to do about it."""


@dataclass(frozen=True)
class Kind:
    """A kind of value; each reader takes what its source holds and gives the setting's value."""

    expected: str
    """Completes "expected ..."."""
    from_code: Callable[[Any], Any]
    from_file: Callable[[Any], Any]
    from_variable: Callable[[str], Any]
    only_in_code: bool = False


def _reject(*_: Any) -> Any:
    raise UnfitValueError("It holds Python objects: pass it to spanbridge.configure(...).")


# Simple values: text, switches, numbers, lists of names.


def text() -> Kind:
    return Kind("text that is not blank", _text, _text, _text)


def switch() -> Kind:
    return Kind("true or false", _boolean, _boolean, _boolean_word)


def whole_number(minimum: int, maximum: int | None = None) -> Kind:
    def check(value: Any) -> int:
        if type(value) is not int:
            raise ValueError
        return _in_range(value, minimum, maximum)

    return Kind(f"a whole number {_range(minimum, maximum)}", check, check, lambda word: check(int(word)))


def number(minimum: float, maximum: float) -> Kind:
    def check(value: Any) -> float:
        if type(value) not in (int, float):
            raise ValueError
        return float(_in_range(value, minimum, maximum))

    return Kind(f"a number {_range(minimum, maximum)}", check, check, lambda word: check(float(word)))


def names() -> Kind:
    return Kind("a list of names (in a variable: separated by commas)", _names, _names, _split)


def span_types() -> Kind:
    def types(value: Any) -> list[SpanType]:
        known = {str(span_type): span_type for span_type in SpanType}
        for name in (given := _names(value)):
            if name not in known:
                raise UnfitValueError(f"There is no span type {name!r}; the types are {', '.join(known)}.")
        return [known[name] for name in given]

    return Kind(
        "a list of span types (in a variable: separated by commas)", types, types, lambda word: types(_split(word))
    )


def span_filter() -> Kind:
    def from_code(value: Any) -> Any:
        if isinstance(value, type) or not callable(value):
            raise ValueError  # noqa: TRY004 - every reader raises ValueError
        return value

    return Kind("a function of a SpanRecord", from_code, _reject, _reject, only_in_code=True)


# What a setting may switch off by name, and what may be a Python object.


def store() -> Kind:
    def from_code(value: Any) -> Any:
        if value is False:
            return False
        return _address(value) if isinstance(value, str) else _instance(value, "write", "export")

    def from_file(value: Any) -> Any:
        return value is not False and from_variable(value)

    def from_variable(value: Any) -> Any:
        return False if isinstance(value, str) and value.lower() in _OFF else _address(value)

    expected = 'an address such as "sqlite:///traces.db", a store (in code), or False (in a variable: "off")'
    return Kind(expected, from_code, from_file, from_variable)


def exporters() -> Kind:
    def from_code(value: Any) -> list[Any]:
        if not isinstance(value, (list, tuple)):
            raise UnfitValueError("Write a list, also around a single exporter.")
        items: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType]
        return [item if _is_text(item) else _instance(item, "export", "exporter") for item in items]

    def from_variable(word: str) -> list[str]:
        return [] if word.lower() in _OFF else _split(word)

    return Kind("a list of exporters: names, or (in code) exporters", from_code, _names, from_variable)


def bridge() -> Kind:
    def from_code(value: Any) -> Any:
        return None if value is False else _text(value) if isinstance(value, str) else _instance(value, "activate")

    def from_file(value: Any) -> str | None:
        return None if value is False else from_variable(_text(value))

    def from_variable(word: str) -> str | None:
        return None if word.lower() in _OFF else _text(word)

    return Kind('a name such as "datadog", a bridge (in code), or False for none', from_code, from_file, from_variable)


def processors() -> Kind:
    def from_code(value: Any) -> list[Any]:
        if not isinstance(value, (list, tuple)):
            raise UnfitValueError("Write a list, also around a single processor.")
        items: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType]
        return [_callable_or(item, "process") for item in items]

    return Kind(
        "a list of processors: callables, or objects with `process`", from_code, _reject, _reject, only_in_code=True
    )


def sensitive_data() -> Kind:
    def from_code(value: Any) -> Any:
        return value if isinstance(value, bool) else _callable_or(value, "process")

    return Kind("True, False, or a SensitiveDataFilter (in code)", from_code, _boolean, _boolean_word)


def sampling() -> Kind:
    words = {"always": 1.0, "never": 0.0}
    share = number(0, 1)

    def from_file(value: Any) -> Any:
        return named(value) if isinstance(value, str) else share.from_code(value)

    def from_code(value: Any) -> Any:
        return from_file(value) if isinstance(value, (int, float, str)) else _callable_or(value, "should_sample")

    def from_variable(word: str) -> Any:
        try:
            return named(word)
        except ValueError:
            return share.from_variable(word)

    def named(word: str) -> Any:
        name, colon, root = word.lower().partition(":")
        if name == "parent_based":
            return ParentBasedSampling(share.from_variable(root) if colon else None)
        if word.lower() not in words:
            raise ValueError
        return words[word.lower()]

    expected = 'a share of the traces from 0 to 1, "always", "never", "parent_based", "parent_based:0.25", or a sampler (in code)'
    return Kind(expected, from_code, from_file, from_variable)


def prices() -> Kind:
    def table(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):  # pyright: ignore[reportUnknownVariableType]
            raise ValueError
        return dict(value)  # pyright: ignore[reportUnknownArgumentType]

    return Kind(
        "a table of prices by model (in a variable: the path of a .json or .toml file)",
        table,
        table,
        lambda path: table(_read_table(path)),
    )


# Readers.


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _text(value: Any) -> str:
    if not _is_text(value):
        raise ValueError
    return value.strip()


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError  # noqa: TRY004 - every reader raises ValueError
    return value


def _boolean_word(word: str) -> bool:
    word = word.lower()
    if word not in _TRUE | _FALSE:
        raise ValueError
    return word in _TRUE


def _in_range(value: Any, minimum: float, maximum: float | None) -> Any:
    # In this form NaN is out of every range.
    if not minimum <= value or not (maximum is None or value <= maximum):
        raise ValueError
    return value


def _range(minimum: float, maximum: float | None) -> str:
    return f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"


def _names(value: Any) -> list[str]:
    if not isinstance(value, (list, tuple)) or not all(map(_is_text, value)):  # pyright: ignore[reportUnknownArgumentType]
        raise ValueError
    return [name.strip() for name in value]  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]


def _split(word: str) -> list[str]:
    return _names([name for name in word.split(",") if name.strip()])


_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.+", re.DOTALL)


def _address(value: Any) -> str:
    if not _is_text(value) or not _ADDRESS.fullmatch(value.strip()):
        raise UnfitValueError(
            'An address begins with its scheme; a file is "sqlite:///relative.db" or "sqlite:////absolute.db".'
        )
    return value.strip()


def _instance(value: Any, *attributes: str) -> Any:
    """`value`, if it is an instance with one of `attributes`."""
    if isinstance(value, type):
        raise UnfitValueError(f"This is the class itself: call it, {value.__name__}(...).")
    if not any(hasattr(value, attribute) for attribute in attributes):
        raise ValueError
    return value


def _callable_or(value: Any, method: str) -> Any:
    if isinstance(value, type) or not callable(value):
        return _instance(value, method)
    return value


def _read_table(path: str) -> Any:
    from pathlib import Path  # noqa: PLC0415 - only a variable that names a file needs these

    file = Path(path)
    try:
        content = file.read_text(encoding="utf-8")
        if file.suffix == ".json":
            import json  # noqa: PLC0415

            return json.loads(content)
        from spanbridge.configuration.sources import parse_toml  # noqa: PLC0415

        return parse_toml(content)
    except OSError as error:
        raise UnfitValueError(f"The file cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise UnfitValueError(
            f"The file is not valid {'JSON' if file.suffix == '.json' else 'TOML'}: {error}."
        ) from error
