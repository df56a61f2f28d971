"""Which native span is active where, in both of ddtrace's contexts: APM's, and LLM Observability's.

ddtrace has no tokens: what was active before has to be remembered and made active again. Two things it does not do at all, and so its two
providers, which are asked whenever ddtrace looks what is active, are wrapped while the bridge is open:

- A span of ours that has ended is still the parent of what a late task or thread calls; ddtrace falls back on an ancestor.
- Where the body of a generator is about, nothing is made active, because no code of ours runs when the body rests: the wrapper asks what
  is in force.
"""

# ddtrace's own types are partly unknown to a type checker.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownArgumentType=false
# pyright: reportUntypedBaseClass=false, reportUnknownParameterType=false, reportPrivateUsage=false

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
        self.resting: dict[int, Activation] = {}
        """By span id: spans that are active only while a generator's body runs, as long as their blocks are open."""
        self.is_closed = False
        self.in_force: Callable[[], NativeSpan | None] | None = None
        """Says what is, where some of them are about."""
        self._apm: Provider = Provider(tracer.context_provider, self, native.apm_variable(), "span", "before")
        tracer.context_provider = self._apm
        self._llm: Provider | None = None

    def active(self) -> tuple[Any, Any]:
        """What is active in APM, and in LLM Observability."""
        llm = self._llm_provider()
        return tracer.context_provider.active(), None if llm is None else llm.active()

    def activate(self, handle: NativeSpan, in_force: Callable[[], NativeSpan | None] | None) -> Activation:
        """Makes `handle` active here; where `in_force` is given, wherever that says so."""
        apm, llm = self._apm.plain, self._llm_provider()
        before, before_llm = self._apm.item(), None if llm is None else llm.item()
        if in_force is not None:
            self.in_force = in_force
            activation = Activation(handle, before, before_llm, None)
            self.resting[handle.span_id] = activation
            return activation
        activation = Activation(handle, before, before_llm, _innermost.get())
        _innermost.set(activation)
        apm.activate(handle.span)
        if llm is not None and handle.llm is not before_llm:
            llm.plain.activate(handle.llm)
        return activation

    def deactivate(self, activation: Activation) -> None:
        """Makes active again what was before, if this is the innermost one here; else it is passed over when the inner ones end."""
        span_id, llm = activation.handle.span_id, self._llm_provider()
        if self.resting.get(span_id) is activation:
            # Spans that were children of it have ended, and may have left it active.
            self._apm.leave(activation)
            if llm is not None:
                llm.leave(activation)
            del self.resting[span_id]
            return
        if _innermost.get() is not activation:
            activation.is_over = (
                True  # for whoever is inside of it; copies of this context that it is the innermost in keep it
            )
            return
        last, outer = activation, activation.outer
        while outer is not None and outer.is_over:
            last, outer = outer, outer.outer
        _innermost.set(outer)
        self._apm.plain.activate(last.before)
        if llm is not None and last.before_llm is not last.handle.llm:
            llm.plain.activate(last.before_llm)

    def after_fork_in_child(self) -> None:
        """The open blocks are copies of the parent's."""
        self.resting.clear()

    def close(self) -> None:
        """Takes the wrappers out again, also from inside of those of another configuration that came later."""
        self.is_closed = True
        tracer.context_provider = _without_closed(tracer.context_provider)
        if native.llm_provider() is not None:
            native.replace_llm_provider(_without_closed(native.llm_provider()))

    def _llm_provider(self) -> Provider | None:
        """LLM Observability's provider, wrapped; another one since it was enabled again."""
        provider = native.llm_provider()
        if provider is not None and provider is not self._llm and not self.is_closed and not self._stands_in(provider):
            self._llm = Provider(provider, self, native.llm_variable(), "llm", "before_llm")
            native.replace_llm_provider(self._llm)
        return self._llm

    def _stands_in(self, provider: Any) -> bool:
        """Whether ours stands somewhere inside of `provider`."""
        while isinstance(provider, Provider):
            if provider is self._llm:
                return True
            provider = provider.plain
        return False


class Provider(BaseContextProvider):
    """One of ddtrace's providers, asked for what is really active."""

    def __new__(cls, *_: Any) -> Provider:
        return super().__new__(cls)  # since 4.x a class of Rust's, which takes no arguments

    def __init__(
        self, plain: Any, activations: Activations, variable: ContextVar[Any] | None, span: str, before: str
    ) -> None:
        """
        Args:
            plain: The provider that was there.
            activations: Ours.
            variable: What it keeps in; None where it keeps elsewhere.
            span: The attribute of a handle that it is about: "span" or "llm".
            before: The attribute of an activation that it is about: "before" or "before_llm".
        """
        self._activations = activations
        self._variable = variable
        self.wrap(plain)
        self._span = span
        self._before = before

    def wrap(self, plain: Any) -> None:
        """Stands around `plain` from now on."""
        self.plain = plain
        variable = self._variable
        self._get: Callable[[], Any] = (
            plain.active if variable is None or not native.is_default(plain) else variable.get
        )

    @property
    def is_closed(self) -> bool:
        """Whether its configuration is over."""
        return self._activations.is_closed

    def _has_active_context(self) -> bool:
        return self.active() is not None

    def active(self) -> Any:
        """What is active here; of a span of ours that has ended, its context."""
        item = self._get()
        activations = self._activations
        if activations.resting and not starting.get():
            item = self._resolved(item)
        if item is None or not isinstance(item, Span) or item.duration_ns is None:
            return item
        if item.name.startswith("spanbridge."):
            return native.lasting_context(item) if self._span == "span" else native.context_of_ended(item)
        return self.plain.active()

    def activate(self, ctx: Any) -> None:
        """As the provider's."""
        resting = self._activations.resting
        # A span starts below one that is not really active, and falls back on it when it ends: not on what it displaces.
        if (
            resting
            and isinstance(ctx, Span)
            and (activation := resting.get(ctx.parent_id or 0)) is not None
            and not starting.get()
        ):
            item = self.item()
            if not _descends(item, activation.handle.span):
                setattr(activation, self._before, item)
        self.plain.activate(ctx)

    def item(self) -> Any:
        """What was made active here last and is not over."""
        item = self._get()
        for _ in range(len(self._activations.resting)):
            if not isinstance(item, Span) or (activation := self._activations.resting.get(item.span_id)) is None:
                break
            item = getattr(activation, self._before)
        return item

    def leave(self, activation: Activation) -> None:
        """Makes active again what was before a span that was never made active, but may be so."""
        if self._get() is getattr(activation.handle, self._span):
            self.plain.activate(self.item())

    def _resolved(self, item: Any) -> Any:
        """What is in force, unless something below it is active."""
        activations = self._activations
        item = self.item()
        handle = None if activations.in_force is None else activations.in_force()
        if handle is None or handle.span_id not in activations.resting or _descends(item, handle.span):
            return item
        return getattr(handle, self._span)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["plain"], name)


def _without_closed(provider: Any) -> Any:
    """`provider` without the wrappers of configurations that are over."""
    while isinstance(provider, Provider) and provider.is_closed:
        provider = provider.plain
    if isinstance(provider, Provider):
        provider.wrap(_without_closed(provider.plain))
    return provider


def _descends(item: Any, span: Any) -> bool:
    """Whether `item` is `span`, or a span that started below it here."""
    while isinstance(item, Span):
        if item is span:
            return True
        item = item._parent
    return False
