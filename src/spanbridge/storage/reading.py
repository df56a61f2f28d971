"""What stores give back: the same for every store.

Payloads come back as the plain JSON values that were recorded. What JSON has no word for was given one when it was recorded (see
`model.payload`): whole numbers beyond 64 bits (2**64 and more, less than -2**63), NaN, infinities, decimals, UUIDs and paths are text
("18446744073709551616", "NaN", "Infinity", "-Infinity"), but NaN and infinities inside a payload of more than some 100 bytes are None;
bytes are text where they are UTF-8 without NUL, references where they are media (see `spanbridge.media`), else `{"bytes": <how many>}`;
sets are lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, overload

if TYPE_CHECKING:
    from spanbridge.model.span import SpanRecord


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
