"""How a list of traces is filtered, ordered and continued, and how all of that is checked: the same for every store.

A cursor is opaque to callers: it names the last trace of its page, so pages stay stable while traces are added.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypedDict

import orjson

from spanbridge.errors import FilterError
from spanbridge.model.span import CORRELATION_FIELDS, ENTITY_FIELDS, Status
from spanbridge.model.span_types import SpanType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

Time: TypeAlias = int | datetime
"""Nanoseconds since the epoch, or a datetime with a time zone."""

MAX_LIMIT = 1000
"""The most traces in one page."""

ORDERS = ("started_at", "duration", "tokens", "cost")
"""What a list can be ordered by; with a leading "-": the largest first."""

_MAX_INT = 2**63 - 1


class TraceFilters(TypedDict, total=False):
    """What `list_traces` takes, each by keyword. All filters that are given must hold; None is as good as absent."""

    status: str | None
    """The root's status ("running", "ok", "error", ...); a trace without a root is running."""
    type: str | None
    """The root's type, as in `SpanType`."""
    name: str | None
    """The root's name."""
    entity_type: str | None
    """What the root stands for, with `entity_id` and `entity_name`."""
    entity_id: str | None
    entity_name: str | None
    user_id: str | None
    """The root's correlation fields, this one and those up to `resource_id`."""
    organization_id: str | None
    session_id: str | None
    thread_id: str | None
    run_id: str | None
    request_id: str | None
    resource_id: str | None
    tags: str | Sequence[str] | None
    """One tag or several; the root has all of them."""
    metadata: dict[str, Any] | None
    """Values of the root's metadata, nested or by dotted path; they are compared as text."""
    environment: str | None
    """The root's environment."""
    service_name: str | None
    """The root's service."""
    model: str | None
    """A model that any span of the trace used."""
    has_error: bool | None
    """Whether any span of the trace ended in an error."""
    started_after: Time | None
    """Inclusive; nanoseconds since the epoch, or a datetime with a time zone."""
    started_before: Time | None
    """Exclusive; likewise."""
    min_duration_s: float | None
    """Seconds from the root's start to its end; a running trace has none."""
    min_tokens: int | None
    """Billed tokens, input and output together."""
    min_cost: float | None
    """The estimated cost."""
    order: str
    """One of `ORDERS`, with a leading "-" for the largest first; absent: "-started_at"."""
    limit: int
    """Traces on the page, 1 to 1,000; absent: 100."""
    cursor: str | None
    """`next_cursor` of the page before, with the same filters and order."""


def scalar_text(value: Any) -> str:
    """The text under which a scalar is found by a filter: `3` and `"3"` are the same, `True` is `"true"`, None is `"null"`."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def metadata_paths(metadata: dict[str, Any]) -> list[tuple[str, str]]:
    """The scalars of a nested mapping as (dotted path, text); lists cannot be filtered by and are left out."""
    paths: list[tuple[str, str]] = []
    stack: list[tuple[str, Any]] = [("", metadata)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict):
            prefix = f"{path}." if path else ""
            stack += [(f"{prefix}{key}", item) for key, item in reversed(value.items())]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        elif not isinstance(value, (list, tuple)):
            paths.append((path, scalar_text(value)))
    return paths


class Position(NamedTuple):
    """Where a page ended: the order's value of its last trace, and what tells apart traces of equal value."""

    value: int | float
    tie: int | str


@dataclass(frozen=True)
class TraceQuery:
    """The arguments of `list_traces`, checked: what a store has to translate, and nothing that it has to check again."""

    equal: dict[str, str] = field(default_factory=dict[str, str])
    """Field of `TraceSummary` -> the value that it must have."""
    tags: tuple[str, ...] = ()
    """All must be present."""
    metadata: tuple[tuple[str, str], ...] = ()
    """Dotted path and text of the root's metadata; all must be equal."""
    model: str | None = None
    has_error: bool | None = None
    started_after: int | None = None
    """Inclusive, nanoseconds."""
    started_before: int | None = None
    """Exclusive, nanoseconds."""
    min_duration_ns: int | None = None
    min_tokens: int | None = None
    min_cost: float | None = None
    order: str = "started_at"
    descending: bool = True
    limit: int = 100
    position: Position | None = None

    @classmethod
    def from_arguments(cls, **arguments: Unpack[TraceFilters]) -> TraceQuery:
        """Checks the arguments of `list_traces`; raises `FilterError`, and TypeError for a name that is no filter."""
        unknown = arguments.keys() - TraceFilters.__annotations__
        if unknown:
            raise TypeError(
                f"list_traces() has no filter {min(unknown)!r}; there are: {', '.join(TraceFilters.__annotations__)}"
            )
        given: dict[str, Any] = dict(arguments)
        equal = {
            "status": _one_of("status", given.get("status"), Status),
            "type": _one_of("type", given.get("type"), SpanType),
        }
        equal.update((name, _text(name, given.get(name))) for name in _TEXT_FILTERS)
        has_error = given.get("has_error")
        if has_error not in {None, True, False}:
            raise FilterError(f"has_error={has_error!r}: give True or False")
        min_duration = _number("min_duration_s", given.get("min_duration_s"))
        min_tokens = given.get("min_tokens")
        order = given.get("order", "-started_at")
        if not isinstance(order, str) or order.removeprefix("-") not in ORDERS:
            raise FilterError(
                f'order={order!r}: give one of {", ".join(ORDERS)}, with a leading "-" for the largest first'
            )
        limit = given.get("limit", 100)
        if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
            raise FilterError(f"limit={limit!r}: give a whole number from 1 to {MAX_LIMIT}")
        cursor = given.get("cursor")
        return cls(
            equal={key: value for key, value in equal.items() if value is not None},
            tags=_tags(given.get("tags")),
            metadata=_metadata(given.get("metadata")),
            model=_text("model", given.get("model")),
            has_error=has_error,
            started_after=_time("started_after", given.get("started_after")),
            started_before=_time("started_before", given.get("started_before")),
            min_duration_ns=None if min_duration is None else _in_range("min_duration_s", min_duration * 1e9),
            min_tokens=None if min_tokens is None else _in_range("min_tokens", _number("min_tokens", min_tokens)),
            min_cost=_number("min_cost", given.get("min_cost")),
            order=order.removeprefix("-"),
            descending=order.startswith("-"),
            limit=limit,
            position=None if cursor is None else _decode_cursor(cursor, order),
        )

    def cursor(self, position: Position) -> str:
        """The opaque text of `position` for `Page.next_cursor`."""
        document = orjson.dumps(["-" * self.descending + self.order, *position])
        return base64.urlsafe_b64encode(document).decode().rstrip("=")


def _text(key: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        raise FilterError(f"{key}={value!r}: give a string")
    text = str(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise FilterError(
                f"{key}={value!r}: it holds half of a surrogate pair; give text that UTF-8 can encode"
            ) from None
    return text


def _one_of(key: str, value: Any, known: type[Status] | type[SpanType]) -> str | None:
    if value is None:
        return None
    try:
        return known(value).value
    except ValueError:
        raise FilterError(f"{key}={value!r}: give one of {', '.join(item.value for item in known)}") from None


def _tags(tags: Any) -> tuple[str, ...]:
    if tags is None:
        return ()
    if isinstance(tags, str):
        tags = (tags,)
    if not isinstance(tags, (list, tuple, set, frozenset)):
        raise FilterError(f"tags={tags!r}: give one tag or a list of tags")
    texts = [_text("tags", tag) for tag in tags]  # pyright: ignore[reportUnknownVariableType]
    if None in texts:
        raise FilterError(f"tags={tags!r}: give strings")
    return tuple(text for text in texts if text is not None)


def _metadata(metadata: Any) -> tuple[tuple[str, str], ...]:
    if metadata is None:
        return ()
    fix = (
        'give a mapping such as {"plan": "pro"} or {"user.plan": "pro"} with text, numbers, booleans or None as values'
    )
    if not isinstance(metadata, dict):
        raise FilterError(f"metadata={metadata!r}: {fix}")
    stack: list[Any] = [metadata]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            stack += value.values()
        elif not isinstance(value, (str, int, float, bool, type(None))):
            raise FilterError(f"metadata={metadata!r}: {fix}")
    try:
        paths = metadata_paths(metadata)  # pyright: ignore[reportUnknownArgumentType]
        return tuple((_text("metadata", path) or "", _text("metadata", text) or "") for path, text in paths)
    except (TypeError, ValueError) as error:
        raise FilterError(f"metadata={metadata!r}: {fix}") from error


def _number(key: str, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        raise FilterError(f"{key}={value!r}: give a finite number")
    return value


def _in_range(key: str, value: float) -> int:
    if not -_MAX_INT <= value <= _MAX_INT:
        raise FilterError(f"{key}={value!r}: the number is too large")
    return round(value)


def _time(key: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise FilterError(f"{key}={value!r}: give the datetime a time zone, as in datetime.now(timezone.utc)")
        # In whole microseconds: a float of nanoseconds since the epoch would not be exact.
        whole, micro = int(value.replace(microsecond=0).timestamp()), value.microsecond
        return whole * 1_000_000_000 + micro * 1000
    if isinstance(value, bool) or not isinstance(value, int):
        raise FilterError(
            f"{key}={value!r}: give nanoseconds since the epoch as an int, or a datetime with a time zone"
        )
    return _in_range(key, value)


def _decode_cursor(cursor: Any, order: str) -> Position:
    try:
        text = cursor.encode("ascii")
        found, value, tie = orjson.loads(
            base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        )
        plausible = (
            type(value) in {int, float}
            and type(tie) in {int, str}
            and all(type(item) is not int or abs(item) <= _MAX_INT for item in (value, tie))
        )
    except (AttributeError, TypeError, ValueError, binascii.Error):
        plausible, found, value, tie = False, "", 0, 0
    if not plausible:
        raise FilterError(f"cursor={cursor!r}: give the next_cursor of an earlier page, unchanged")
    if found != order:
        raise FilterError(
            f"cursor={cursor!r}: it belongs to order={found!r}, not to order={order!r}; keep the order between pages"
        )
    return Position(value, tie)


_TEXT_FILTERS = ("name", *ENTITY_FIELDS, *CORRELATION_FIELDS, "environment", "service_name")
"""Filters that a field of the same name must equal."""
