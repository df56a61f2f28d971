"""The bridge: each of our spans is a live span of the application's TracerProvider, and active in OpenTelemetry's context while it runs."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from opentelemetry import propagate, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from spanbridge.conventions import genai
from spanbridge.conventions.writing import write_span
from spanbridge.model.identifiers import new_span_id
from spanbridge.protocols import NativeContext
from spanbridge_opentelemetry.activation import Activation, activate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from opentelemetry.trace import Span, Tracer, TracerProvider

    from spanbridge.model.span import SpanRecord
    from spanbridge.protocols import BridgeSettings, ExternalParent, NativeStart

SCOPE = "spanbridge"
RELEASED = genai.PREFIX + "released"
"""On a span that ended without content: why."""
W3C_HEADERS = frozenset({"traceparent", "tracestate", "baggage"})

_KINDS = {kind.name.lower(): kind for kind in SpanKind}
_STATUS_CODES = {code.name.lower(): code for code in StatusCode}
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_STARTS = {
    span_type: (
        span_type.value,
        _KINDS[convention.kind],
        {genai.SPAN_TYPE: span_type.value, genai.OPERATION: convention.operation},
    )
    for span_type, convention in genai.CONVENTIONS.items()
}
"""Name, kind and attributes that a span of each type starts with, for samplers to see."""


class Native:
    """A span of OpenTelemetry that belongs to one of ours."""

    __slots__ = ("span", "span_id", "trace_id")

    def __init__(self, span: Span, trace_id: int, span_id: int) -> None:
        self.span = span
        self.trace_id = trace_id
        self.span_id = span_id


class OpenTelemetryBridge:
    """Keeps a live span of OpenTelemetry active while one of ours runs, so that what instrumentations record nests under it.

    The application's TracerProvider is used as it is, also where it is set later or is another vendor's. Where there is none, or it is
    switched off, and where an OTLP exporter sends the spans already, they are contexts only: ids and nesting are the same, and nothing is
    recorded twice.

    Args:
        tracer_provider: The provider; absent: the global one, looked up at each span.
        record: Whether the provider records the spans; absent: unless `exporters` has an "otlp".
    """

    name = "opentelemetry"

    def __init__(self, tracer_provider: TracerProvider | None = None, *, record: bool | None = None) -> None:
        self._given_provider = tracer_provider
        self._record = record
        self._records = record is not False
        self._tracers: tuple[TracerProvider, Tracer] | None = None
        self._trace_ids = _GivenTraceIds()

    @property
    def header_names(self) -> tuple[str, ...]:
        """The headers of the application's propagators, beside W3C's."""
        return tuple({name.lower() for name in propagate.get_global_textmap().fields} - W3C_HEADERS)

    def open(self, settings: BridgeSettings, /) -> None:
        """Decides whether spans are recorded here."""
        self._records = self._records_beside(settings.exporter_names)

    def _records_beside(self, exporter_names: Iterable[str]) -> bool:
        if self._record is not None:
            return self._record
        return not any(name == "otlp" or name.startswith("otlp-") for name in exporter_names)

    # --- on the caller's thread ---------------------------------------------------------------------------------------

    def active(self) -> ExternalParent | None:
        """The span that is active, if it is valid and has not ended."""
        span = trace.get_current_span()
        context = span.get_span_context()
        if not context.is_valid or getattr(span, "end_time", None) is not None:
            return None
        return _external(context, span)

    def start(self, start: NativeStart, /) -> Native:
        """A span of the application's TracerProvider; a mere context with the same ids where that records nothing."""
        parent = _parent_of(start)
        trace_id = start.trace_id if parent is None else parent.get_span_context().trace_id
        span = self._start_recorded(start, parent, trace_id) if self._records else None
        if span is None:
            span = NonRecordingSpan(_new_context(parent, trace_id))
        context = span.get_span_context()
        return Native(span, context.trace_id, context.span_id)

    def _start_recorded(self, start: NativeStart, parent: Span | None, trace_id: int) -> Span | None:
        """None where nothing answers that would give the span ids of its own."""
        name, kind, attributes = _STARTS[start.type]
        with self._trace_ids.next_is(trace_id):
            span = self._tracer().start_span(
                # Nothing that the application wrote: the name comes with the processed record.
                name,
                # Explicit, also where there is no parent: what is current may have ended.
                trace.set_span_in_context(trace.INVALID_SPAN if parent is None else parent),
                kind,
                attributes,
                start_time=start.started_at,
            )
        context: Any = span.get_span_context()  # None from an SDK that is switched off
        if context is None or not context.is_valid:
            return None
        # A tracer without an SDK behind it hands its parent back.
        return None if parent is not None and context.span_id == parent.get_span_context().span_id else span

    def _tracer(self) -> Tracer:
        provider = self._given_provider or trace.get_tracer_provider()
        known = self._tracers
        if known is None or known[0] is not provider:
            tracer = provider.get_tracer(SCOPE)
            self._trace_ids.take_over(tracer)
            self._tracers = known = (provider, tracer)
        return known[1]

    def activate(self, native: Native, in_force: Callable[[], Any] | None = None, /) -> Activation:
        """Makes the span current in OpenTelemetry's context."""
        return activate(native.span, in_force)

    def deactivate(self, token: Activation, /) -> None:
        """Makes current again what was before."""
        token.leave()

    def inject(self, native: Native | Span, headers: dict[str, str], /) -> None:
        """Adds the headers of the application's propagators to those of W3C, which are written already."""
        span = native.span if isinstance(native, Native) else native
        written: dict[str, str] = {}
        propagate.inject(written, trace.set_span_in_context(span))
        for name, value in written.items():
            if name.lower() not in headers:
                headers[name] = value

    def extract(self, headers: Mapping[str, str], /) -> ExternalParent | None:
        """The remote parent that the application's propagators find."""
        span = trace.get_current_span(propagate.extract(headers, trace.set_span_in_context(trace.INVALID_SPAN)))
        context = span.get_span_context()
        return _external(context, span) if context.is_valid else None

    # --- on other threads ---------------------------------------------------------------------------------------------

    def finish(self, native: Native, record: SpanRecord, /) -> None:
        """Ends the span with what the processors left of ours."""
        span = native.span
        if span.is_recording():
            written = write_span(record)
            span.update_name(written.name)
            span.set_attributes(written.attributes)
            for event in written.events:
                span.add_event(event.name, event.attributes, event.time_ns)
            for link in written.links:
                context = SpanContext(
                    int(link.trace_id, 16), int(link.span_id, 16), is_remote=True, trace_flags=_SAMPLED
                )
                span.add_link(context, link.attributes)
            if written.status != "unset":
                span.set_status(Status(_STATUS_CODES[written.status], written.status_message or None))
        span.end(record.ended_at)

    def release(self, native: Native, reason: str, /) -> None:
        """Ends the span without content."""
        native.span.set_attribute(RELEASED, reason)
        native.span.end()

    def flush(self, deadline: float, /) -> None:
        """Lets the provider export what has ended."""
        flush: Any = getattr(self._given_provider or trace.get_tracer_provider(), "force_flush", None)
        if flush is not None and self._records:
            flush(max(1, int(1000 * (deadline - time.monotonic()))))

    close = flush
    """The provider is the application's: it is not shut down."""

    def examine(self, exporter_names: Sequence[str] = (), /) -> Iterator[tuple[str, str, str, str]]:
        """What `spanbridge doctor` shows."""
        provider = self._given_provider or trace.get_tracer_provider()
        shown = f"{type(provider).__module__}.{type(provider).__qualname__}"
        if isinstance(provider, trace.ProxyTracerProvider):
            yield (
                "TracerProvider",
                "off",
                "none is set in this process: spans are contexts only, until the application sets one",
                "call opentelemetry.trace.set_tracer_provider(...) where the application starts, in any order with spanbridge",
            )
        else:
            yield "TracerProvider", "on", shown, ""
        if not self._records_beside(exporter_names):
            why = "record=False" if self._record is False else 'the exporter "otlp" sends the spans'
            fix = "pass OpenTelemetryBridge(record=True) where the provider is to export them too"
            yield "recording", "off", f"{why}: they are contexts for the provider, and it does not export them", fix


class _GivenTraceIds:
    """Gives our own tracer, and no other, the trace id of a root: the sampler has decided by it, and the store has it."""

    def __init__(self) -> None:
        self._next = threading.local()
        self._generator: Any = None

    def take_over(self, tracer: Any) -> None:
        """From here `tracer` asks this for ids; a tracer that is not the SDK's makes its own."""
        generator = getattr(tracer, "id_generator", None)
        if generator is not None:
            self._generator = generator._generator if isinstance(generator, _GivenTraceIds) else generator
            tracer.id_generator = self

    def next_is(self, trace_id: int) -> _NextTraceId:
        return _NextTraceId(self._next, trace_id)

    def generate_trace_id(self) -> int:
        return getattr(self._next, "trace_id", None) or self._generator.generate_trace_id()

    def generate_span_id(self) -> int:
        return self._generator.generate_span_id()

    def is_trace_id_random(self) -> bool:
        return True


class _NextTraceId:
    """A block in which a root of this thread gets a given trace id."""

    __slots__ = ("_before", "_next", "_trace_id")

    def __init__(self, next_ids: threading.local, trace_id: int) -> None:
        self._next = next_ids
        self._trace_id = trace_id

    def __enter__(self) -> None:
        self._before = getattr(self._next, "trace_id", None)
        self._next.trace_id = self._trace_id

    def __exit__(self, *_: object) -> None:
        self._next.trace_id = self._before


def _parent_of(start: NativeStart) -> Span | None:
    if start.parent is not None:
        return start.parent.span
    external = start.external
    if external is None:
        return None
    # A span that another bridge or W3C headers named: its ids are all that there is.
    return (
        external.native
        if isinstance(external.native, trace.Span)
        else NonRecordingSpan(
            SpanContext(
                external.trace_id,
                external.span_id,
                is_remote=True,
                trace_flags=_SAMPLED if external.sampled else TraceFlags(TraceFlags.DEFAULT),
                trace_state=TraceState.from_header([external.tracestate]) if external.tracestate else None,
            )
        )
    )


def _new_context(parent: Span | None, trace_id: int) -> SpanContext:
    """The context of a span that no SDK records."""
    if parent is None:
        return SpanContext(trace_id, new_span_id(), is_remote=False, trace_flags=_SAMPLED)
    above = parent.get_span_context()
    return SpanContext(
        trace_id, new_span_id(), is_remote=False, trace_flags=above.trace_flags, trace_state=above.trace_state
    )


def _external(context: SpanContext, span: Span) -> NativeContext:
    return NativeContext(
        context.trace_id, context.span_id, context.trace_flags.sampled, span, context.trace_state.to_header()
    )
