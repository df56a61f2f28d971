"""Values of any type, as `redact` is given them, in the types that JSON knows."""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import sys
from typing import Any

from spanbridge.media.finder import without_raw_bytes
from spanbridge.model.payload import decode, encode, snapshot

MAX_DEPTH = 64
"""Levels of a value; deeper ones withhold it."""
_SCALARS = (str, int, float, type(None))


class LimitExceeded(Exception):  # noqa: N818 - its name is the reason that a withheld field states
    """A value is deeper or larger than the filter looks at."""


def plain_value(value: Any, depth: int = 0) -> Any:
    """`value` with everything that JSON has no word for (bytes, sets, named tuples, dataclasses, models, ...) as a span would record it.

    The same object where there is nothing of the kind; never mutated. Raises LimitExceeded beyond 64 levels of plain containers.
    """
    if isinstance(value, _SCALARS):
        return value
    if depth > MAX_DEPTH:
        raise LimitExceeded
    if isinstance(value, dict):
        result = {_key(key): plain_value(item, depth + 1) for key, item in value.items()}
        same = len(result) == len(value) and all(
            new is old and result[new] is value[old] for new, old in zip(result, value, strict=True)
        )
        return value if same else result
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        items = [plain_value(item, depth + 1) for item in value]
        if all(new is old for new, old in zip(items, value, strict=True)):
            return value
        return tuple(items) if isinstance(value, tuple) else items
    recorded = snapshot(value, sys.maxsize)
    return decode(without_raw_bytes(recorded) if type(recorded) is bytes else recorded)


def _key(key: Any) -> Any:
    return key if isinstance(key, _SCALARS) else next(iter(decode(encode({key: None}))))
