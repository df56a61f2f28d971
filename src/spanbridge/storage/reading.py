"""What stores give back, and how a list's filters, order and cursor are checked: the same for every store.

A cursor is opaque to callers: it names the last trace of its page, so pages stay stable while traces are added.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any, NamedTuple, TypeAlias, overload

import orjson

from spanbridge.errors import FilterError
from spanbridge.model.span import SpanRecord, Status
from spanbridge.model.span_types import SpanType

Time: TypeAlias = int | datetime
"""Nanoseconds since the epoch, or a datetime with a time zone."""

MAX_LIMIT = 1000
"""The most traces in one page."""

ORDERS = ("started_at", "duration", "tokens", "cost")
"""What a list can be ordered by; with a leading "-": the largest first."""

_MAX_INT = 2**63 - 1


@dataclass(frozen=True)
class TraceSummary:
    """One trace as a list shows it: its root's fields, and sums over its spans.

    While a trace has no root yet, its earliest span stands in, and the trace is running. Of several roots the earliest counts.
    """

    trace_id: str
    span_id: str
    """The root's."""
    external_parent_span_id: str | None
    """The root's parent, where some other tracer owns it."""
    name: str
    type: str
    status: str
    started_at: int
    """Nanoseconds since the epoch, as every time here."""
    ended_at: int | None
    duration_ns: int | None
    """From the root's start to its end; None while it runs."""
    span_count: int
    error_count: int
    """Spans whose status is error."""
    input_tokens: int
    output_tokens: int
    """Tokens that were billed: a model's call counts once, though its generation and its steps report it too."""
    cost: float | None
    """The estimated cost of all calls with a known price; None where none has one."""
    environment: str
    service_name: str
    entity_type: str | None = None
    entity_id: str | None = None
    entity_name: str | None = None
    user_id: str | None = None
    organization_id: str | None = None
    session_id: str | None = None
    thread_id: str | None = None
    run_id: str | None = None
    request_id: str | None = None
    resource_id: str | None = None
    tags: tuple[str, ...] = ()
    """The root's, sorted."""
    models: tuple[str, ...] = ()
    """All models that the trace's spans used, sorted."""

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready mapping of all fields."""
        return {**asdict(self), "tags": list(self.tags), "models": list(self.models)}


class Page(Sequence[TraceSummary]):
    """One page of a list of traces."""

    def __init__(self, traces: Sequence[TraceSummary], next_cursor: str | None) -> None:
        self._traces = tuple(traces)
        self.next_cursor = next_cursor
        """Pass it as `cursor=` for the next page; None on the last one."""

    def __len__(self) -> int:
        return len(self._traces)

    def __iter__(self) -> Iterator[TraceSummary]:
        return iter(self._traces)

    @overload
    def __getitem__(self, index: int) -> TraceSummary: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[TraceSummary, ...]: ...
    def __getitem__(self, index: int | slice) -> TraceSummary | tuple[TraceSummary, ...]:
        return self._traces[index]


class Usage(NamedTuple):
    """The tokens that a trace was billed for."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class Trace:
    """One trace with all its spans, in the order of their starts; at equal starts parents come before their children."""

    trace_id: str
    spans: list[SpanRecord]

    @property
    def root(self) -> SpanRecord:
        """The earliest span without a parent of ours; the earliest span where every parent is still missing."""
        return next((span for span in self.spans if span.parent_span_id is None), self.spans[0])

    @property
    def usage(self) -> Usage:
        """Billed tokens, each call once."""
        return Usage(
            sum(span.billed_input_tokens for span in self.spans), sum(span.billed_output_tokens for span in self.spans)
        )

    @property
    def cost(self) -> float | None:
        """The estimated cost of all calls with a known price; None where none has one."""
        if all(span.cost is None for span in self.spans):
            return None
        return sum(span.billed_cost for span in self.spans)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready mapping: `{"trace_id": ..., "spans": [...]}`."""
        return {"trace_id": self.trace_id, "spans": [span.to_dict() for span in self.spans]}


@dataclass(frozen=True)
class StoreSummary:
    """What a store holds as a whole."""

    traces: int
    spans: int
    traces_by_status: dict[str, int]
    error_count: int
    """Spans whose status is error."""
    input_tokens: int
    output_tokens: int
    cost: float | None
    """None where no span has a known price."""
    size_bytes: int
    """What the store takes on disk."""
    oldest: int | None
    newest: int | None
    """The starts of the first and the last trace, nanoseconds since the epoch; None in an empty store."""

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready mapping of all fields."""
        return asdict(self)


class Tail(NamedTuple):
    """Spans in the order in which they were written; one that was written while it ran comes again when it is written again."""

    spans: list[SpanRecord]
    sequence: int
    """Pass it as `after=` to go on from here."""


def sort_spans(spans: Sequence[SpanRecord]) -> list[SpanRecord]:
    """`spans`, given in the order of their writing, in the order of a `Trace`."""
    parents = {span.span_id: span.parent_span_id for span in spans}
    depths: dict[str, int] = {}
    for span_id in parents:
        path: list[str] = []
        current: str | None = span_id
        # A parent may be missing, or (in an imported trace) a descendant of its child.
        while current is not None and current in parents and current not in depths and current not in path:
            path.append(current)
            current = parents[current]
        depth = depths.get(current, -1) if current is not None else -1
        for known in reversed(path):
            depth += 1
            depths[known] = depth
    return sorted(spans, key=lambda span: (span.started_at, depths[span.span_id]))


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
    def from_arguments(
        cls,
        *,
        status: str | None = None,
        type: str | None = None,
        name: str | None = None,
        entity_type: str | None = None,
        entity_id: str | None = None,
        entity_name: str | None = None,
        user_id: str | None = None,
        organization_id: str | None = None,
        session_id: str | None = None,
        thread_id: str | None = None,
        run_id: str | None = None,
        request_id: str | None = None,
        resource_id: str | None = None,
        tags: str | Sequence[str] | None = None,
        metadata: dict[str, Any] | None = None,
        environment: str | None = None,
        service_name: str | None = None,
        model: str | None = None,
        has_error: bool | None = None,
        started_after: Time | None = None,
        started_before: Time | None = None,
        min_duration_s: float | None = None,
        min_tokens: int | None = None,
        min_cost: float | None = None,
        order: str = "-started_at",
        limit: int = 100,
        cursor: str | None = None,
    ) -> TraceQuery:
        """Checks the arguments of `list_traces`; raises `FilterError`."""
        equal = {
            "status": _one_of("status", status, Status),
            "type": _one_of("type", type, SpanType),
            "name": _text("name", name),
            "entity_type": _text("entity_type", entity_type),
            "entity_id": _text("entity_id", entity_id),
            "entity_name": _text("entity_name", entity_name),
            "user_id": _text("user_id", user_id),
            "organization_id": _text("organization_id", organization_id),
            "session_id": _text("session_id", session_id),
            "thread_id": _text("thread_id", thread_id),
            "run_id": _text("run_id", run_id),
            "request_id": _text("request_id", request_id),
            "resource_id": _text("resource_id", resource_id),
            "environment": _text("environment", environment),
            "service_name": _text("service_name", service_name),
        }
        if has_error not in {None, True, False}:
            raise FilterError(f"has_error={has_error!r}: give True or False")
        min_duration = _number("min_duration_s", min_duration_s)
        if order.removeprefix("-") not in ORDERS:
            raise FilterError(
                f'order={order!r}: give one of {", ".join(ORDERS)}, with a leading "-" for the largest first'
            )
        if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise FilterError(f"limit={limit!r}: give a whole number from 1 to {MAX_LIMIT}")
        return cls(
            equal={key: value for key, value in equal.items() if value is not None},
            tags=_tags(tags),
            metadata=_metadata(metadata),
            model=_text("model", model),
            has_error=has_error,
            started_after=_time("started_after", started_after),
            started_before=_time("started_before", started_before),
            min_duration_ns=None if min_duration is None else _in_range("min_duration_s", min_duration * 1e9),
            min_tokens=None if min_tokens is None else _in_range("min_tokens", _number("min_tokens", min_tokens)),
            min_cost=_number("min_cost", min_cost),
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
