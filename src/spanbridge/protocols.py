"""All that a plugin implements, each rule written down. Protocols are duck-typed: inherit from them or not.

Processor   changes or drops a record on its way to every exit
Exporter    delivers batches of records to one exit
Store       keeps spans and gives them back
Sampler     decides at a trace's root whether it is recorded
Bridge      keeps another tracer's span active while one of ours runs
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from spanbridge.model.span import SpanRecord
    from spanbridge.model.span_types import SpanType
    from spanbridge.storage.filters import TraceFilters
    from spanbridge.storage.reading import Page, StoreSummary, Tail, Trace


class Processor(Protocol):
    """Sees each record as it will be written. A plain callable `record -> record | None` is a processor too.

    Called on the pipeline's thread, once per write: at the end (`record.phase == "ended"`), and before that only for a span that outlives
    the write interval (`"running"`); fields that an earlier call has changed come back changed, so it must be idempotent.
    Returning the record (the same or another) passes it on; returning None drops the span: what was stored of it goes, and its
    children attach to its parent. Raising withholds the span's content and says so on the span: the chain fails closed.
    Spans that open inside it are not recorded.
    """

    def process(self, record: SpanRecord) -> SpanRecord | None: ...


@dataclass(frozen=True)
class Delivered:
    """The batch has arrived, or is the exporter's own responsibility from here."""

    rejected: int = 0
    """How many of its records the other side refused, without saying which; counted under `reason`."""
    reason: str = "partial_success"
    advice: str = ""
    """What happened and how to mend it, for people; it must hold no data and no secret."""


@dataclass(frozen=True)
class Retry:
    """The batch did not arrive and is worth another try, after `after_s` seconds where the other side asked for a pause."""

    after_s: float | None = None
    reason: str = "send_error"
    advice: str = ""
    """What happened and how to mend it, for people; it must hold no data and no secret."""
    divide: bool = False
    """Whether one record may be to blame, as where an exporter raises: if it happens again and again, the record is looked for."""


@dataclass(frozen=True)
class Rejected:
    """The batch will never arrive: counted under `reason`, not tried again."""

    reason: str
    advice: str = ""
    """What happened and how to mend it, for people; it must hold no data and no secret."""
    divide: bool = False
    """Whether one record may be to blame: the batch is halved until that record is found, and it alone is rejected."""


ExportResult: TypeAlias = Delivered | Retry | Rejected


class Exporter(Protocol):
    """Pure delivery. Queue, batches, retries, back-off, sampling and counting belong to the runner around it.

    All of it is called from one thread, the exit's own; `export` never with an empty batch. The records are copies for this exporter
    alone, and spans that open inside it are not recorded. Returning None means Delivered; an exception means Retry. A batch that was
    retried may have arrived in part: delivery is at least once.
    `flush` and `shutdown` get a deadline on the `time.monotonic()` clock; `flush` returns False where not all went out; `shutdown` is
    called once, and `export` never after it.

    Optional attributes: `name: str` (else the class's name), `kind: str` (what it sends, whatever its name: "otlp"),
    `accepts_running: bool` (False: only ended spans are passed in; True: also spans that still run, and for a span that a processor dropped
    after it was passed in as running, a record with `phase == "dropped"`),
    `only_reads: bool` (True: it changes no record and reads content from `document` alone, and needs no copies),
    `examine() -> iterable of (part, "on" | "off" | "problem", why, fix)` for the doctor, `accounts() -> dict`: of further exits of its
    own, by name, for `stats()["exporters"]`.
    """

    def export(self, batch: Sequence[SpanRecord], /) -> ExportResult | None: ...

    def flush(self, deadline: float, /) -> Any: ...

    def shutdown(self, deadline: float, /) -> Any: ...


class Store(Protocol):
    """Keeps spans and gives them back. One suite of contract tests runs against every store (`tests/storage/contract.py`).

    Every method may be called from any thread, in any process that shares the store, and in a child after a fork. What cannot be done
    raises a `StoreError` whose `reason` is a word for counters. A reading method sees one moment of the store: whole batches, never a
    part of one, and never what a failed write left; readers and writers do not wait for each other.

    As a context manager it closes itself.

    Optional: `media`, an object with `put(sha256, extension, data)`, called before the spans that refer to the content are written, by any
    number of threads and processes, also for what is kept already. A store without `media` gets references only, which say so.
    """

    def write(self, batch: Sequence[SpanRecord], /) -> None:
        """Writes the batch whole, or raises and leaves nothing of it. When it returns, other processes read it.

        Idempotent: a span is known by its trace id and span id; writing it again replaces it and counts once in its trace. An ended span
        replaces a running one, never the other way round. Order does not matter: children may come before their parents.
        A record whose phase is "dropped" takes its span back (it need not be there): the span's children attach to the parent that the
        record names, past every ancestor that the same batch drops, and with no parent left they become roots, with the record's external
        parent. A trace without spans is gone. A value that the store cannot hold is left out or limited: no span takes others with it.
        """
        ...

    def list_traces(self, **filters: Unpack[TraceFilters]) -> Page:
        """One page of traces whose fields fit every filter given; `FilterError` where an argument is wrong.

        Fields are the root's: the earliest span without a parent of ours, until one arrives the earliest span, as running. Sums are those
        of all spans. Pages follow one another by `next_cursor` and stay stable while traces are added. An unknown filter is a TypeError.
        """
        ...

    def get_trace(self, trace_id: str, /) -> Trace:
        """All spans of a trace, in the order of their starts, parents before children; `TraceNotFoundError` where there is none."""
        ...

    def get_span(self, trace_id: str, span_id: str, /) -> SpanRecord:
        """One span; `TraceNotFoundError` where there is none. A span whose stored content is damaged comes marked, never as an error."""
        ...

    def find_trace_id(self, prefix: str, /) -> str:
        """The one trace id that begins with `prefix`: `FilterError` where it is too short or fits several, else `TraceNotFoundError`."""
        ...

    def tail(self, after: int = 0, /, *, limit: int = 1000) -> Tail:
        """Up to `limit` spans written after the sequence number `after`, in the order of writing, each in its latest state.

        Numbers grow with every write and are never given twice, so that going on from `Tail.sequence` neither skips nor repeats a write.
        """
        ...

    def last_sequence(self) -> int:
        """The sequence number of the last write, 0 in a new store: `tail` goes on from here."""
        ...

    def aggregate(self) -> StoreSummary:
        """Counts and sums over the whole store."""
        ...

    def get_media(self, sha256: str, /) -> bytes | None:
        """The content that a reference names by its hash; None where it is not kept."""
        ...

    def close(self) -> None:
        """Lets go of connections and files; may be called twice, and a later call of another method opens them again."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...


def _nothing() -> None:
    """What `BridgeSettings.shutdown` does where nobody gave anything."""


def _drained(_deadline: float) -> bool:
    """Likewise `BridgeSettings.drain`."""
    return True


class ExternalParent(Protocol):
    """A span that another tracer owns, here or in another process: the parent of a local root."""

    @property
    def trace_id(self) -> int: ...
    @property
    def span_id(self) -> int: ...
    @property
    def sampled(self) -> bool: ...
    @property
    def tracestate(self) -> str:
        """The W3C tracestate that came in with it, or ""."""
        ...

    @property
    def native(self) -> Any:
        """What the bridge that found it keeps of it; None where it was read from W3C headers only."""
        ...


@dataclass(frozen=True)
class NativeContext:
    """An `ExternalParent` as a bridge finds it."""

    trace_id: int
    span_id: int
    sampled: bool = True
    native: Any = None
    tracestate: str = ""


class NativeStart(NamedTuple):
    """What a native span starts with. Nothing that the application wrote is among it: that comes with the processed record."""

    type: SpanType
    trace_id: int
    """The trace that the native span must be in: a new one where it has no parent."""
    started_at: int
    """Nanoseconds since the epoch."""
    parent: Any
    """The native span of the nearest visible ancestor, as `Bridge.start` returned it; it may have ended. None at a local root."""
    external: ExternalParent | None
    """The parent where `parent` is None and another tracer owns it."""


class Bridge(Protocol):
    """Keeps a span of another tracer active while one of ours runs; found by name under the entry points `spanbridge.bridges`.

    Everything that it starts it ends: each native span is given back exactly once, to `finish` or to `release`. `start`, `activate`,
    `deactivate`, `active`, `inject` and `extract` run on the caller's thread, where nothing may block or look at the application's
    objects; `finish`, `flush` and `close` on the pipeline's or a closing thread; `release` on any. Whatever raises is contained and
    counted (`stats()["ignored"]["bridge_error"]`), and the span is recorded without its native one.

    Optional:

    - `name: str`; else the class's name.
    - `header_names`: lower-case names of the headers that `extract` reads beside W3C's.
    - `release_at(native, reason, ended_at)`: called instead of `release` where the span's end was recorded, in nanoseconds since the epoch.
    - `stats() -> dict`: numbers that `spanbridge.stats()["bridge"]` shows beside the core's.
    - `tend(opened)`: called about once a second on the pipeline's thread while native spans are open, which come as pairs of the native
      span and its age in seconds; after the last of them has ended, as long as it returns True.
    - `score(record)`: called on the pipeline's thread with the record of each score, an ended span of type scorer_run whose attributes have
      `score` and perhaps `reason`, and whose parent is the span that is judged; a score has no native span.
    - `after_fork_in_child()`: the open native spans are the parent's; forget them, end none.
    - `examine(exporter_names)`: for the doctor, an iterable of `(part, "on" | "off" | "problem", why, fix)`; the names are those of
      `BridgeSettings`.
    """

    def open(self, settings: BridgeSettings, /) -> None:
        """Called once, before anything else, when the configuration takes effect: imports the other tracer and gets ready.

        Raises `BridgeUnavailableError` where that cannot be: it is logged with its message, and the application runs without a bridge.
        """
        ...

    def active(self) -> ExternalParent | None:
        """What is active in the other tracer here, if anything is and has not ended; asked at local roots only."""
        ...

    def start(self, start: NativeStart, /) -> Any:
        """A native span, started but not active: an object whose `trace_id` and `span_id` (integers) are the span's ids from here.

        Optional on it: `between: int | None`, the id of a span of the other tracer's own that stands between `start.parent` and this one.
        """
        ...

    def activate(self, native: Any, in_force: Callable[[], Any] | None = None, /) -> Any:
        """Makes `native` active here, until `deactivate` gets what this returns.

        `in_force` is given where a generator's body is about: the native span is then to be seen as active only while that body runs, and
        no code runs of ours when it rests. Called at any time, anywhere, `in_force()` says which native span is in force there and then,
        None where none is: whatever this makes active has to ask it whenever the other tracer looks. A bridge that cannot do that makes
        nothing active.
        """
        ...

    def deactivate(self, token: Any, /) -> None:
        """Makes active again what was before `activate`: perhaps in another context, or out of order; then nothing else changes."""
        ...

    def finish(self, native: Any, record: SpanRecord, /) -> None:
        """Ends `native` at `record.ended_at` with what the processors left of the span; `record` is the bridge's own copy."""
        ...

    def release(self, native: Any, reason: str, /) -> None:
        """Ends `native` without content.

        `reason`: what dropped the span ("processor", "span_filter"), or why it is given up ("trace_ended", "expired", "shutdown",
        "internal_error").
        """
        ...

    def inject(self, native: Any, headers: dict[str, str], /) -> None:
        """Adds the headers of the other tracer's own formats for `native`, or an external parent's `native`, to those of W3C."""
        ...

    def extract(self, headers: Mapping[str, str], /) -> ExternalParent | None:
        """The remote parent in headers (names in lower case, a stranger's); None where the other tracer finds none."""
        ...

    def flush(self, deadline: float, /) -> Any:
        """Hands on what was finished, until `deadline` (monotonic seconds); False where not all of it went out."""
        ...

    def close(self, deadline: float, /) -> Any:
        """As `flush`, for the last time: no native span is open any more, and nothing but `inject` and `deactivate` is called after it."""
        ...


@dataclass(frozen=True)
class BridgeSettings:
    """What a bridge takes over from the configuration where it was not told itself."""

    service_name: str
    environment: str
    is_service_named: bool
    """False where nobody named the service: `service_name` is the script's name."""
    is_environment_named: bool
    request_context_keys: tuple[str, ...] = ()
    exporter_names: tuple[str, ...] = ()
    """Of each exporter its `kind`, or its name where it has none."""
    shutdown: Callable[[], object] = _nothing
    """Ends the configuration: for a tracer that is stopped before Python's exit handlers run, as by a signal."""
    drain: Callable[[float], bool] = _drained
    """Ends the native spans of all that was recorded until now; whether that was done by the deadline it is given (monotonic seconds)."""


@dataclass(frozen=True)
class SamplingInput:
    """What a sampler decides on: the root span as it starts, or for one exit (`spanbridge.route`) as it ended."""

    trace_id: str
    name: str
    type: SpanType
    attributes: dict[str, Any]
    metadata: dict[str, Any]
    parent_sampled: bool | None = None
    """The sampled flag of the parent in another process; None where the trace begins here."""
    tracestate: str = ""
    """The W3C tracestate that came in with it."""


@runtime_checkable
class Sampler(Protocol):
    """Decides at the root, on the caller's thread, whether a trace is recorded; its spans follow. It holds for every exit, the store too.

    A plain callable `SamplingInput -> bool` is a sampler too. If it raises, the trace is kept and the error is counted.
    Optional: `sample_by_context(trace_id: int, tracestate: str, parent_sampled: bool | None) -> bool | None` is asked first, before
    anything is built; None means that `should_sample` is to decide.
    """

    def should_sample(self, sampling_input: SamplingInput, /) -> bool: ...


if TYPE_CHECKING:
    ProcessorLike: TypeAlias = Processor | Callable[[SpanRecord], SpanRecord | None]
    SamplerLike: TypeAlias = Sampler | Callable[[SamplingInput], bool]
