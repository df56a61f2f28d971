"""What an application gives a span, as the events carry it: own copies whose values are snapshots. Nothing here raises for odd values."""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from spanbridge.containment import warn
from spanbridge.model.conversions import as_json_type, large_int, type_marker
from spanbridge.model.payload import key_text, snapshot, string_bytes, truncated
from spanbridge.model.usage import Usage

if TYPE_CHECKING:
    from spanbridge.model.payload import Snapshot
    from spanbridge.tracing.intake import Intake

MAX_TAGS = 1000
_TEXT_LIKE = frozenset({str, int, float, bool})
_SMALL = frozenset({int, bool, type(None), Usage})
"""Immutable values that are kept by reference and count for nothing."""


def capture_mapping(values: dict[str, Any], max_bytes: int) -> int:
    """Replaces each value of an own mapping by its snapshot; returns their size in bytes."""
    size = 0
    for key, value in values.items():
        cls = type(value)
        if cls is str:
            size += len(value)
        elif cls not in _SMALL:
            values[key] = data = snapshot(value, max_bytes)
            size += snapshot_bytes(data)
    if size > max_bytes:
        for key, value in values.items():
            if type(value) is str and len(value) > max_bytes:
                values[key] = data = snapshot(value, max_bytes)
                size += snapshot_bytes(data) - len(value)
    return size


def snapshot_bytes(data: Snapshot) -> int:
    """Bytes that a snapshot holds."""
    cls = type(data)
    return len(data) if cls is bytes else string_bytes(data) if cls is str else 0  # pyright: ignore[reportArgumentType]


def own_mapping(values: Any) -> dict[str, Any]:
    """A shallow copy whose keys are strings; what is no mapping goes under "value"."""
    if type(values) is dict:
        copy: dict[Any, Any] = values.copy()
        for key in copy:
            if type(key) is not str:
                return {key_text(name): value for name, value in copy.items()}
        return copy
    try:
        return {key_text(name): values[name] for name in values.keys()}  # noqa: SIM118 - any mapping, not only dict
    except Exception:  # noqa: BLE001
        return {"value": values}


def tag_list(tags: Any) -> list[str]:
    """Up to `MAX_TAGS` tags as strings, of a mapping as "key:value"; what is no collection is one tag."""
    cls = type(tags)  # a lazy proxy's own: asking for another would evaluate it
    if issubclass(cls, dict):
        return [f"{text(name)}:{text(value)}" for name, value in islice(dict.items(tags), MAX_TAGS)]
    if not issubclass(cls, (list, tuple, set, frozenset)):
        return [text(tags)]
    return [text(tag) for tag in islice(tags, MAX_TAGS)]


def text(value: Any) -> str:
    """A text from anything that should have been one: a UUID, a path, a number. What is recorded as a container stays its class."""
    cls = type(value)
    if cls is str:
        return value
    if cls is int:
        return large_int(value)
    if cls is float or cls is bool:
        return str(value)
    try:
        plain = as_json_type(value)
    except Exception:  # noqa: BLE001 - a class of the application's
        plain = None
    return text(plain) if type(plain) in _TEXT_LIKE else type_marker(value)


def is_time(value: Any) -> bool:
    """Whether `value` is nanoseconds since the epoch that every store can hold."""
    return type(value) is int and 0 <= value < 2**63


def is_on(value: Any) -> bool:
    """Whether an option is switched on; one that has no truth value is: what may have been meant to be hidden stays hidden."""
    try:
        return bool(value)
    except Exception:  # noqa: BLE001
        return True


def misused(intake: Intake, option: str, value: Any, wanted: str) -> None:
    """Counts and logs an option that is passed over; its value may be anybody's data, so only its kind is told."""
    intake.ignore(f"invalid_{option}")
    kind = f"a text of {len(value)} characters" if type(value) is str else type_marker(value)
    warn(f"option {option}", f"{option}: {kind} is passed over; it must be {wanted}")


def without_payload(
    output: Snapshot, changes: dict[str, Any] | None, size: int
) -> tuple[None, Snapshot, dict[str, Any]]:
    """The parts of a SET event when memory is full: payloads withheld whole, the structure kept."""
    changes = changes or {}
    kept = {key: value for key, value in changes.items() if key in {"name", "tags", "error"}}
    if "input" in changes:
        kept["input"] = truncated(size)
    return None, None if output is None else truncated(size), kept
