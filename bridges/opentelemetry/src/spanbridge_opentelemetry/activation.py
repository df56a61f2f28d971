"""What is active in OpenTelemetry's context while one of our spans is: left in any order, in any context, without a word in the log.

OpenTelemetry's own `detach` logs an error where a token comes from another context or out of turn; blocks of ours may be left so. Here a
context that is over is replaced by the one before it, and nothing else is touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_OURS = otel_context.create_key("spanbridge")
"""Where a context names the activation that it belongs to."""
(_SPAN,) = trace.set_span_in_context(trace.INVALID_SPAN, Context())
"""Where it has its span. The key has no public name; with it a context is made at once, and not copied for each value."""


class Native:
    """A span of OpenTelemetry that belongs to one of ours."""

    __slots__ = ("between", "is_lost", "span", "span_id", "trace_id")

    def __init__(self, span: Span, context: trace.SpanContext) -> None:
        """`context` is the span's own."""
        self.span = span
        self.trace_id = context.trace_id
        self.span_id = context.span_id
        self.is_lost = False
        """Whether the provider was shut down, and so does not get it."""
        self.between: int | None = None
        """The id of the application's span that stands between this and the one above."""


class Activation:
    """One span, active in the context where this was made, until `leave`."""

    __slots__ = ("_before", "_context_id", "_is_over", "_span", "native")

    def __init__(self, native: Native, span: Span) -> None:
        self.native = native
        self._span = span
        self._before = before = otel_context.get_current()
        self._is_over = False
        context = Context({**before, _SPAN: span, _OURS: self})
        # Not the context itself, which holds this: in a circle each span would wait for the garbage collector.
        self._context_id = id(context)
        otel_context.attach(context)

    def leave(self) -> None:
        """Makes active what was before; where something else is active by now, that stays, and this is passed over later."""
        self._is_over = True
        current = otel_context.get_current()
        innermost = current.get(_OURS)
        # Not only this one: an application's own block in a generator, left after it rested, makes one current again that is over.
        if isinstance(innermost, Activation):
            if innermost._is_over and current.get(_SPAN) is innermost._span:
                otel_context.attach(innermost._in_force_before())
        elif trace.get_current_span(current).get_span_context().span_id == self.native.span_id:
            self._leave_foreign_context()

    def _in_force_before(self) -> Context:
        before = self._before
        while isinstance(outer := before.get(_OURS), Activation) and outer._is_over and id(before) == outer._context_id:
            before = outer._before
        return before

    def _leave_foreign_context(self) -> None:
        """For an implementation of the context that keeps nothing but the span, as ddtrace's does; it takes no INVALID_SPAN."""
        before = self._before
        if trace.get_current_span(before) is trace.INVALID_SPAN:
            before = trace.set_span_in_context(trace.NonRecordingSpan(trace.INVALID_SPAN_CONTEXT), before)
        otel_context.attach(before)


class SpanInForce(Span):
    """Stands for whichever of our spans is in force where somebody looks; for what was active before, where none is.

    For the body of a generator: while it rests its context stays as it is, and our span must not be seen there.
    """

    def __init__(self, in_force: Callable[[], Any], before: Span) -> None:
        self._in_force = in_force
        self._before = before

    def _span(self) -> Span:
        native = self._in_force()
        return self._before if native is None else native.span

    def get_span_context(self) -> trace.SpanContext:
        return self._span().get_span_context()

    def is_recording(self) -> bool:
        return self._span().is_recording()

    def end(self, end_time: int | None = None) -> None:
        self._span().end(end_time)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        self._span().set_attributes(attributes)

    def set_attribute(self, key: str, value: Any) -> None:
        self._span().set_attribute(key, value)

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        self._span().add_event(name, attributes, timestamp)

    def add_link(self, context: trace.SpanContext, attributes: Any = None) -> None:
        self._span().add_link(context, attributes)

    def update_name(self, name: str) -> None:
        self._span().update_name(name)

    def set_status(self, status: Any, description: str | None = None) -> None:
        self._span().set_status(status, description)

    def record_exception(
        self, exception: BaseException, attributes: Any = None, timestamp: int | None = None, escaped: bool = False
    ) -> None:
        self._span().record_exception(exception, attributes, timestamp, escaped)


def activate(native: Native, in_force: Callable[[], Any] | None) -> Activation:
    """Makes the span of `native` active; see `spanbridge.protocols.Bridge.activate`."""
    return Activation(native, native.span if in_force is None else SpanInForce(in_force, trace.get_current_span()))


def span_between(span: Span, context: Context, above: Native) -> Span | None:
    """`span`, which is active in `context`, if it is the application's own, stands inside of `above` and records."""
    inner = span.get_span_context()
    if inner.trace_id != above.trace_id or inner.span_id == above.span_id or not span.is_recording():
        return None
    innermost = context.get(_OURS)
    return span if isinstance(innermost, Activation) and innermost.native is above else None
