"""Which native span is active where, in both of ddtrace's contexts: APM's, and LLM Observability's.

ddtrace has no tokens: what was active before has to be remembered and made active again. Where the body of a generator is about, nothing
is made active at all, because no code of ours runs when the body rests. There the two providers, which ddtrace asks whenever it looks,
are wrapped: they ask what is in force.
"""

# ddtrace's own types are partly unknown to a type checker.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownArgumentType=false
# pyright: reportUntypedBaseClass=false, reportUnknownParameterType=false

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from ddtrace.trace import BaseContextProvider, Span, tracer

from spanbridge_datadog import native

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanbridge_datadog.handle import NativeSpan

_innermost: ContextVar[Activation | None] = ContextVar("spanbridge_datadog_activation", default=None)

starting: ContextVar[bool] = ContextVar("spanbridge_datadog_starting", default=False)
"""Whether a native span is about to start here, under a parent that was made active just for that."""


class Activation:
    """A native span between `activate` and `deactivate`."""

    __slots__ = ("before", "before_llm", "handle", "is_over", "outer")

    def __init__(self, handle: NativeSpan, before: Any, before_llm: Any, outer: Activation | None) -> None:
        self.handle = handle
        self.before = before
        self.before_llm = before_llm
        self.outer = outer
        self.is_over = False


class Activations:
    """Makes native spans active, and what was active before them."""

    def __init__(self) -> None:
        self._in_force: Callable[[], NativeSpan | None] | None = None
        self._resting: dict[int, Activation] = {}
        """By span id: spans that are active only while a generator's body runs, as long as their blocks are open."""

    def active(self) -> tuple[Any, Any]:
        """What is active in APM, and in LLM Observability."""
        provider = native.llm_provider()
        return tracer.context_provider.active(), None if provider is None else provider.active()

    def activate(self, handle: NativeSpan, in_force: Callable[[], NativeSpan | None] | None) -> Activation:
        """Makes `handle` active here; where `in_force` is given, wherever that says so."""
        apm, llm = _plain(tracer.context_provider), _plain(native.llm_provider())
        before, before_llm = apm.active(), None if llm is None else llm.active()
        if in_force is not None:
            self._ask(in_force)
            activation = self._resting[handle.span_id] = Activation(handle, before, before_llm, None)
            return activation
        activation = Activation(handle, before, before_llm, _innermost.get())
        _innermost.set(activation)
        apm.activate(_unfinished(handle.span))
        if llm is not None and handle.llm is not before_llm:
            llm.activate(handle.llm)
        return activation

    def deactivate(self, activation: Activation) -> None:
        """Makes active again what was before, if this is the innermost one here; else it is passed over when the inner ones end."""
        apm, llm = _plain(tracer.context_provider), _plain(native.llm_provider())
        if self._resting.get(activation.handle.span_id) is activation:
            del self._resting[activation.handle.span_id]
            # A span that was a child of it has ended, and left it active.
            if apm.active() is activation.handle.span:
                apm.activate(activation.before)
            if llm is not None and llm.active() is activation.handle.span:
                llm.activate(activation.before_llm)
            return
        activation.is_over = True
        if _innermost.get() is not activation:
            return
        outermost, outer = activation, activation.outer
        while outer is not None and outer.is_over:
            outermost, outer = outer, outer.outer
        _innermost.set(outer)
        apm.activate(outermost.before)
        if llm is not None:
            llm.activate(outermost.before_llm)

    def after_fork_in_child(self) -> None:
        """The open blocks are copies of the parent's."""
        self._resting.clear()

    def close(self) -> None:
        """Takes the wrappers out again, where nobody has put others around them."""
        if isinstance(tracer.context_provider, _Asking):
            tracer.context_provider = tracer.context_provider.plain
        if isinstance(provider := native.llm_provider(), _Asking):
            native.replace_llm_provider(provider.plain)

    def _ask(self, in_force: Callable[[], NativeSpan | None]) -> None:
        """From now on the providers ask what is in force."""
        self._in_force = in_force
        if not isinstance(tracer.context_provider, _Asking):
            tracer.context_provider = _Asking(tracer.context_provider, self, _apm_span)
        provider = native.llm_provider()
        if provider is not None and not isinstance(provider, _Asking):
            native.replace_llm_provider(_Asking(provider, self, _llm_span))

    def resolve(self, item: Any, span_of: Callable[[NativeSpan], Any]) -> Any:
        """What is really active where a provider has `item`."""
        if starting.get():
            return item
        resting, is_llm = self._resting, span_of is _llm_span
        while isinstance(item, Span) and (activation := resting.get(item.span_id)) is not None:
            item = activation.before_llm if is_llm else activation.before
        handle = None if self._in_force is None else self._in_force()
        if handle is None or handle.span_id not in resting:
            return item
        return item if _descends(item, handle.span) else span_of(handle)


class _Asking(BaseContextProvider):
    """A provider of ddtrace's that looks at what is in force before it answers."""

    def __init__(self, plain: Any, activations: Activations, span_of: Callable[[NativeSpan], Any]) -> None:
        self.plain = plain
        self._activations = activations
        self._span_of = span_of

    def _has_active_context(self) -> bool:
        return self.active() is not None

    def activate(self, ctx: Any) -> None:
        self.plain.activate(ctx)

    def active(self) -> Any:
        return self._activations.resolve(self.plain.active(), self._span_of)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)


def _plain(provider: Any) -> Any:
    return provider.plain if isinstance(provider, _Asking) else provider


def _apm_span(handle: NativeSpan) -> Any:
    return _unfinished(handle.span)


def _llm_span(handle: NativeSpan) -> Any:
    return handle.llm


def _unfinished(span: Any) -> Any:
    """What can be active for a span: of one that has ended, its context; ddtrace would fall back on an ancestor."""
    return span if span.duration_ns is None else span.context


def _descends(item: Any, span: Any) -> bool:
    """Whether `item` is `span`, or a span that started below it here."""
    while isinstance(item, Span):
        if item is span:
            return True
        item = item._parent
    return False
