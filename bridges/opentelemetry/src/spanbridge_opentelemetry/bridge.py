"""The bridge: each of our spans is a live span of the application's TracerProvider, and active in OpenTelemetry's context while it runs."""

from __future__ import annotations

import atexit
import time
from threading import RLock
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from spanbridge.bounded_calls import BoundedCalls
from spanbridge.containment import contain, warn
from spanbridge.conventions import genai
from spanbridge.conventions.writing import write_span
from spanbridge.model.identifiers import new_span_id
from spanbridge.protocols import BridgeSettings, NativeContext
from spanbridge_opentelemetry.activation import Activation, Native, activate, span_between
from spanbridge_opentelemetry.provider import Recorder, is_shut_down, stands_first

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, TracerProvider

    from spanbridge.model.span import SpanRecord
    from spanbridge.protocols import ExternalParent, NativeStart

RELEASED = genai.PREFIX + "released"
"""On a span that ended without content: why."""
SHUT_DOWN_FIX = "Shut it down after the last span, or leave it to the provider, which shuts itself down at exit"
W3C_HEADERS = frozenset({"traceparent", "tracestate", "baggage"})

_KINDS = {kind.name.lower(): kind for kind in SpanKind}
_STATUS_CODES = {code.name.lower(): code for code in StatusCode}
_SAMPLED, _NOT_SAMPLED = TraceFlags(TraceFlags.SAMPLED), TraceFlags(TraceFlags.DEFAULT)
_STARTS = {
    span_type: (
        span_type.value,
        _KINDS[convention.kind],
        {genai.SPAN_TYPE: span_type.value}
        | ({genai.OPERATION: operation} if (operation := convention.operation) else {}),
    )
    for span_type, convention in genai.CONVENTIONS.items()
}
"""Name, kind and attributes that a span of each type starts with, for samplers to see."""


class OpenTelemetryBridge:
    """Keeps a live span of OpenTelemetry active while one of ours runs, so that what instrumentations record nests under it.

    The application's TracerProvider is used as it is, also where it is set later or is another vendor's. Where there is none, or it is
    switched off or shut down, and where an OTLP exporter sends the spans already, they are contexts only: ids and nesting are the same, and
    nothing is recorded twice.

    Args:
        tracer_provider: The provider; absent: the global one, looked up at each span.
        record: Whether the provider records the spans; absent: unless an OTLP exporter is among `exporters`.
    """

    name = "opentelemetry"

    def __init__(self, tracer_provider: TracerProvider | None = None, *, record: bool | None = None) -> None:
        self._given_provider = tracer_provider
        self._record = record
        self._settings = BridgeSettings("", "", is_service_named=False, is_environment_named=False)
        self._records = record is not False
        self._recorder: Recorder | None = None
        self._recorder_lock = RLock()
        """For the first span of each provider only. Reentrant: a signal's handler may open a span in the middle of it."""
        self._flush_within = BoundedCalls(self._flush, "spanbridge-provider-flush")
        self._is_flushed = False
        """Whether a flush got through, and nothing has ended since."""
        self._not_recorded = 0

    @property
    def header_names(self) -> tuple[str, ...]:
        """The headers of the application's propagators, beside W3C's."""
        return tuple({name.lower() for name in propagate.get_global_textmap().fields} - W3C_HEADERS)

    def open(self, settings: BridgeSettings, /) -> None:
        """Decides whether spans are recorded here."""
        self._settings = settings
        self._records = self._records_beside(settings.exporter_names)

    def _records_beside(self, exporter_names: Iterable[str]) -> bool:
        return "otlp" not in exporter_names if self._record is None else self._record

    # --- on the caller's thread ---------------------------------------------------------------------------------------

    def active(self) -> ExternalParent | None:
        """The span that is active, if it is valid and has not ended."""
        span = trace.get_current_span()
        context = span.get_span_context()
        if not context.is_valid or getattr(span, "end_time", None) is not None:
            return None
        return _external(context, span)

    def start(self, start: NativeStart, /) -> Native:
        """A span of the application's TracerProvider; a mere context with the same ids where that records nothing.

        Where a span of the application's own is active inside of the parent's, it is the one that this starts under.
        """
        current = otel_context.get_current()
        active = trace.get_current_span(current)
        above: Native | None = start.parent
        between = None
        if above is None:
            parent = _external_parent_of(start)
        elif active is above.span:
            parent = active
        else:
            between = span_between(active, current, above)
            parent = above.span if between is None else between
        provider = self._given_provider or trace.get_tracer_provider()
        recorder = self._recorder_of(provider) if self._records else None
        is_lost = recorder is not None and recorder.is_over
        native = None
        if recorder is not None and not is_lost:
            # Explicit, also where there is no parent: what is current may have ended.
            if active is not parent:
                current = trace.set_span_in_context(trace.INVALID_SPAN if parent is None else parent, current)
            native = _start_recorded(recorder, start, parent, current)
        if native is None:
            context = _new_context(parent, start, None if self._records else provider)
            native = Native(NonRecordingSpan(context), context)
            native.is_lost = is_lost
        if between is not None:
            native.between = between.get_span_context().span_id
        return native

    def _recorder_of(self, provider: TracerProvider) -> Recorder:
        recorder = self._recorder
        if recorder is not None and recorder.provider is provider:
            return recorder
        with self._recorder_lock:
            recorder = self._recorder
            if recorder is None or recorder.provider is not provider:
                if recorder is not None:
                    recorder.leave()
                self._recorder = recorder = Recorder(provider, self._settings.drain)
                # Exit handlers run in the reverse order of their registration: ours before that of a provider that was made later.
                atexit.unregister(self._settings.shutdown)
                atexit.register(self._settings.shutdown)
        return recorder

    def activate(self, native: Native, in_force: Callable[[], Any] | None = None, /) -> Activation:
        """Makes the span current in OpenTelemetry's context."""
        return activate(native, in_force)

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
        self._is_flushed = False
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
            native.is_lost = self._recorder is not None and self._recorder.is_over
        if native.is_lost:
            self._not_recorded += 1
            warn(
                "opentelemetry provider",
                f"the TracerProvider was shut down: it does not get spans that end after that. {SHUT_DOWN_FIX}.",
            )
        span.end(record.ended_at)

    def release(self, native: Native, reason: str, /) -> None:
        """As `release_at`, now."""
        self.release_at(native, reason, time.time_ns())

    def release_at(self, native: Native, reason: str, ended_at: int, /) -> None:
        """Ends the span without content."""
        self._is_flushed = False
        native.span.set_attribute(RELEASED, reason)
        native.span.end(ended_at)

    def flush(self, deadline: float, /) -> bool:
        """Lets the provider export what has ended; False where it did not until `deadline`, whose processors may take longer."""
        if (
            self._provider_flush() is None
            or not self._records
            or (self._recorder is not None and self._recorder.is_over)
        ):
            return True
        self._is_flushed = self._flush_within(deadline)
        return self._is_flushed

    def _provider_flush(self) -> Any:
        return getattr(self._given_provider or trace.get_tracer_provider(), "force_flush", None)

    def _flush(self, deadline: float) -> bool:
        """Whether the provider's flush says that all went out."""
        try:
            return self._provider_flush()(max(1, int(1000 * (deadline - time.monotonic())))) is not False
        except Exception as error:  # noqa: BLE001 - a processor of the application's
            contain("flushing the TracerProvider", error)
            return False

    def close(self, deadline: float, /) -> bool:
        """As `flush`, for the last time, unless that is done; then leaves the provider, which is the application's: it is not shut down."""
        atexit.unregister(self._settings.shutdown)
        try:
            return self._is_flushed or self.flush(deadline)
        finally:
            if self._recorder is not None:
                self._recorder.leave()

    def after_fork_in_child(self) -> None:
        """Who held the lock is the parent's."""
        self._recorder_lock = RLock()
        self._not_recorded = 0

    def stats(self) -> dict[str, Any]:
        """How many spans the provider did not get, because it was shut down."""
        return {"not_recorded": {"provider_shut_down": self._not_recorded}} if self._not_recorded else {}

    def examine(self, exporter_names: Sequence[str] = (), /) -> Iterator[tuple[str, str, str, str]]:
        """What `spanbridge doctor` shows."""
        provider, recorder = self._given_provider or trace.get_tracer_provider(), self._recorder
        shown = f"{type(provider).__module__}.{type(provider).__qualname__}"
        if isinstance(provider, trace.ProxyTracerProvider):
            yield (
                "TracerProvider",
                "off",
                "none is set in this process: spans are contexts only, until the application sets one",
                "call opentelemetry.trace.set_tracer_provider(...) where the application starts, in any order with spanbridge",
            )
        elif is_shut_down(provider) or (recorder is not None and recorder.provider is provider and recorder.is_over):
            yield "TracerProvider", "problem", f"{shown} was shut down: it gets no spans any more", SHUT_DOWN_FIX
        else:
            yield "TracerProvider", "on", shown, ""
            if not stands_first(provider):
                why = "the provider's own force_flush() and shutdown() do not wait for spans that have just ended"
                yield "flush", "off", why, "call spanbridge.flush() before them"
        if not self._records_beside(exporter_names):
            why = "record=False" if self._record is False else "an OTLP exporter sends the spans"
            fix = "pass OpenTelemetryBridge(record=True) where the provider is to export them too"
            yield "recording", "off", f"{why}: they are contexts for the provider, and it does not export them", fix


def _start_recorded(recorder: Recorder, start: NativeStart, parent: Span | None, context: Context) -> Native | None:
    """A span under `parent`, which is the one in `context`; None where nothing answers that would give the span ids of its own."""
    name, kind, attributes = _STARTS[start.type]
    if parent is None:
        recorder.trace_ids.next_is(start.trace_id)
    try:
        # Nothing that the application wrote: the name comes with the processed record.
        span = recorder.tracer.start_span(name, context, kind, attributes, start_time=start.started_at)
    finally:
        if parent is None:
            recorder.trace_ids.next_is(None)
    own: Any = span.get_span_context()  # None from an SDK that is switched off
    if own is None or not own.is_valid:
        return None
    # A tracer without an SDK behind it hands its parent back.
    return None if parent is not None and own.span_id == parent.get_span_context().span_id else Native(span, own)


def _external_parent_of(start: NativeStart) -> Span | None:
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
                trace_flags=_SAMPLED if external.sampled else _NOT_SAMPLED,
                trace_state=TraceState.from_header([external.tracestate]) if external.tracestate else None,
            )
        )
    )


def _new_context(parent: Span | None, start: NativeStart, provider: Any) -> SpanContext:
    """The context of a span that no SDK records; `provider` is one that decides what is recorded inside of it."""
    if parent is None:
        return SpanContext(start.trace_id, new_span_id(), is_remote=False, trace_flags=_flags_of_root(start, provider))
    above = parent.get_span_context()
    return SpanContext(
        above.trace_id, new_span_id(), is_remote=False, trace_flags=above.trace_flags, trace_state=above.trace_state
    )


def _flags_of_root(start: NativeStart, provider: Any) -> TraceFlags:
    """Whether the application's sampler would take a root of ours: by it most samplers decide on what the application records inside."""
    sampler = getattr(provider, "sampler", None)
    if sampler is None:
        return _SAMPLED
    name, kind, attributes = _STARTS[start.type]
    decision = sampler.should_sample(None, start.trace_id, name, kind, attributes, ()).decision
    return _SAMPLED if decision.is_sampled() else _NOT_SAMPLED


def _external(context: SpanContext, span: Span) -> NativeContext:
    return NativeContext(
        context.trace_id, context.span_id, context.trace_flags.sampled, span, context.trace_state.to_header()
    )
