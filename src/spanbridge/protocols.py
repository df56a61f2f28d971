"""All that a plugin implements, each rule written down. Protocols are duck-typed: inherit from them or not.

Processor   changes or drops a record on its way to every exit
Exporter    delivers batches of records to one exit
Store       keeps spans and gives them back
Sampler     decides at a trace's root whether it is recorded
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spanbridge.model.span import SpanRecord
    from spanbridge.model.span_types import SpanType


class Processor(Protocol):
    """Sees each record as it will be written. A plain callable `record -> record | None` is a processor too.

    Called on the pipeline's thread, once per write: at the end (`record.phase == "ended"`), and before that only for a span that outlives
    the write interval (`"running"`); fields that an earlier call has changed come back changed, so it must be idempotent.
    Returning the record (the same or another) passes it on; returning None drops the span: what was stored of it goes, and its
    children attach to its parent. Raising withholds the span's content and says so on the span: the chain fails closed.
    """

    def process(self, record: SpanRecord) -> SpanRecord | None: ...


@dataclass(frozen=True)
class Delivered:
    """The batch has arrived, or is the exporter's own responsibility from here."""


@dataclass(frozen=True)
class Retry:
    """The batch did not arrive and is worth another try, after `after_s` seconds where the other side asked for a pause."""

    after_s: float | None = None
    reason: str = "send_error"


@dataclass(frozen=True)
class Rejected:
    """The batch will never arrive: counted under `reason`, not tried again."""

    reason: str


ExportResult: TypeAlias = Delivered | Retry | Rejected


class Exporter(Protocol):
    """Pure delivery. Queue, batches, retries, back-off, sampling and counting belong to the runner around it.

    `export` is called from one thread at a time, never with an empty batch. Records are shared with other exporters: do not change them.
    Returning None means Delivered; an exception means Retry. A batch that was retried may have arrived in part: delivery is at least once.
    `flush` and `shutdown` get a deadline on the `time.monotonic()` clock; `shutdown` is called once, and `export` never after it.

    Optional attributes: `name: str` (else the class's name), `accepts_running: bool` (False: only ended spans are passed in; True: also
    spans that still run, and for a span that a processor dropped after it was passed in as running, a record with `phase == "dropped"`).
    """

    def export(self, batch: Sequence[SpanRecord], /) -> ExportResult | None: ...

    def flush(self, deadline: float, /) -> Any: ...

    def shutdown(self, deadline: float, /) -> Any: ...


class Store(Protocol):
    """Keeps spans and gives them back. One suite of contract tests runs against every store (`tests/storage/contract.py`)."""

    def write(self, batch: Sequence[SpanRecord], /) -> None: ...

    def list_traces(self, **filters: Any) -> Any: ...

    def get_trace(self, trace_id: str, /) -> Any: ...

    def get_span(self, trace_id: str, span_id: str, /) -> SpanRecord: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class SamplingInput:
    """What a sampler decides on: the root span as it starts."""

    trace_id: str
    name: str
    type: SpanType
    attributes: dict[str, Any]
    metadata: dict[str, Any]


@runtime_checkable
class Sampler(Protocol):
    """Decides at the root, on the caller's thread, whether a trace is recorded; its spans follow. It holds for every exit, the store too.

    A plain callable `SamplingInput -> bool` is a sampler too. If it raises, the trace is kept and the error is counted.
    """

    def should_sample(self, sampling_input: SamplingInput, /) -> bool: ...


if TYPE_CHECKING:
    ProcessorLike: TypeAlias = Processor | Callable[[SpanRecord], SpanRecord | None]
    SamplerLike: TypeAlias = Sampler | Callable[[SamplingInput], bool]
