"""Typed attributes checked against their definition: strict about types, open to attributes that no type defines.

For the borders (reading a store, taking spans from elsewhere, strict mode); recording never validates. pydantic is
imported when the first span is checked, and each type's checks are compiled once.
"""

from __future__ import annotations

from functools import cache
from reprlib import Repr
from typing import TYPE_CHECKING, Any, NamedTuple, Union, cast, get_args, get_origin

from typing_extensions import Required, get_type_hints

from spanbridge.errors import AttributesError
from spanbridge.model.attributes import ATTRIBUTES
from spanbridge.model.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import TypeAdapter, ValidationError
    from pydantic_core import ErrorDetails

    from spanbridge.model.span_types import SpanType

_MAX_SHOWN = 80


class _Check(NamedTuple):
    adapter: TypeAdapter[Any]
    required: bool


def validate_attributes(span_type: SpanType, attributes: Mapping[str, Any]) -> None:
    """Checks the attributes of a span of `span_type`: as a caller passes them, or as they are read back (plain JSON).

    Attributes that the type does not define are allowed; None stands for an optional attribute that is absent. A str is
    no int, a bool is no int; an int is a float.

    Raises:
        AttributesError: Names every wrong attribute with its value and what is expected, and every missing one.
    """
    problems: dict[str, list[str]] = {}
    for name, (adapter, required) in _checks(span_type).items():
        value = attributes.get(name)
        if value is None:
            if required:
                problems[name] = [f"{name} is missing, and required"]
            continue
        if isinstance(value, Usage):
            value = {field: part for field, part in vars(value).items() if part is not None}
        if found := _problems(name, value, adapter):
            problems[name] = found
    if problems:
        described = "; ".join(problem for found in problems.values() for problem in found)
        raise AttributesError(f"attributes of a {span_type.value} span: {described}", tuple(problems))


@cache
def _checks(span_type: SpanType) -> dict[str, _Check]:
    """The checks of a type's attributes, by name."""
    hints = get_type_hints(ATTRIBUTES[span_type], include_extras=True)
    return {name: _Check(_adapter(_inner(hint)), get_origin(hint) is Required) for name, hint in hints.items()}


def _inner(hint: Any) -> Any:
    """`hint` without `Required`, and without Usage, which is checked as plain data: pydantic trusts an instance."""
    if get_origin(hint) is Required:
        (hint,) = get_args(hint)
    choices = get_args(hint)
    return Union[tuple(choice for choice in choices if choice is not Usage)] if Usage in choices else hint  # noqa: UP007


@cache
def _adapter(hint: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - heavy, and most applications never validate

    return TypeAdapter(hint)


def _problems(name: str, value: Any, adapter: TypeAdapter[Any]) -> list[str]:
    from pydantic import ValidationError  # noqa: PLC0415 - as above

    try:
        adapter.validate_python(value, strict=True)
    except ValidationError as error:
        return _describe(name, value, error)
    return []


def _describe(name: str, value: Any, error: ValidationError) -> list[str]:
    """One line for each wrong part: `usage.input_tokens is 'many', expected a valid integer`."""
    problems: list[str] = []
    expected: dict[str, list[str]] = {}
    for detail in error.errors(include_url=False, include_context=False):
        path, part = _locate(name, value, detail)
        if detail["type"] == "missing":
            problems.append(f"{path} is missing, and required")
        else:
            # A union that fails reports each of its choices.
            expected.setdefault(f"{path} is {_shown(part)}", []).append(detail["msg"].removeprefix("Input should be "))
    return problems + [f"{what}, expected {' or '.join(wanted)}" for what, wanted in expected.items()]


def _locate(name: str, value: Any, detail: ErrorDetails) -> tuple[str, Any]:
    """The path and the value that `detail` is about."""
    for step in detail["loc"]:
        # A step that does not lead into the value names a choice of a union.
        if isinstance(value, dict) and (step in value or detail["type"] == "missing"):
            name, value = f"{name}.{step}", cast("Any", value).get(step)
        elif isinstance(value, list) and isinstance(step, int):
            name, value = f"{name}[{step}]", cast("Any", value)[step]
    return name, cast("Any", value)


def _shown(value: Any) -> str:
    # reprlib, because the value is foreign: its own repr may raise, and may be as long as memory allows.
    short = Repr()
    short.maxstring = short.maxother = short.maxlong = _MAX_SHOWN
    try:
        text = short.repr(value)
    except ValueError:  # an integer beyond sys.get_int_max_str_digits()
        text = f"<{type(value).__name__}>"
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."
