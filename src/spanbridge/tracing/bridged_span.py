"""A span that has a native one: the caller's side of a span where a bridge is on. Without a bridge nothing of this is loaded."""

# It is a part of the span, in a file of its own.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from spanbridge.tracing.active_span import Span
from spanbridge.tracing.body import Body
from spanbridge.tracing.context import ENDED, RECORDING
from spanbridge.tracing.intake import END
from spanbridge.tracing.iteration import Iteration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from typing_extensions import Self

    from spanbridge.tracing.context import Ready


class BridgedSpan(Span):
    """Keeps its native span active exactly where it is current itself."""

    _activations: tuple[Any, ...] = ()
    """One for each block that was entered and not left."""

    def __enter__(self) -> Self:
        super().__enter__()
        if self.has_native:
            self._activations = (*self._activations, self.activate())
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._activations:
            *others, token = self._activations
            self._activations = tuple(others)
            self.deactivate(token)
        super().__exit__(exc_type, exc, traceback)

    def __aenter__(self) -> Ready[Any]:
        ready = super().__aenter__()
        if self.has_native:
            self._activations = (*self._activations, self.activate())
        return ready

    def activate(self) -> Any:
        """Makes the native span active here; what `deactivate` takes."""
        return self._tracer.bridging.activate(self.native, plainly=self._plain)  # pyright: ignore[reportOptionalMemberAccess]

    def deactivate(self, token: Any) -> None:
        """Ends what `activate` began."""
        self._tracer.bridging.deactivate(token)  # pyright: ignore[reportOptionalMemberAccess]

    def activate_elsewhere(self) -> Callable[[], None] | None:
        """As `Scope.activate_elsewhere`."""
        if self.native is None:
            return super().activate_elsewhere()
        bridging: Any = self._tracer.bridging  # pyright: ignore[reportOptionalMemberAccess]
        token = bridging.activate(self.native, plainly=True)
        return lambda: bridging.deactivate(token)

    def new_body(self) -> Body:
        """As `Span.new_body`."""
        return _BridgedBody(self)

    def new_iteration(self, items: Any) -> Iteration:
        """As `Span.new_iteration`."""
        return _BridgedIteration(self, items)

    def __del__(self) -> None:
        # Nobody holds the span any more, so nobody will end it, and its native span would stay open. A finaliser only appends.
        if self.has_native and self._state == RECORDING and self._tracer is not None:
            self._state = ENDED
            intake = self._tracer.intake
            if not intake.closed:
                time = self._trace.clock_offset_ns + perf_counter_ns()
                intake.events.extend((END, self._id, time, "abandoned", None))


class _BridgedBody(Body):
    """The native span is active while the body runs."""

    _span: BridgedSpan
    _activation: Any = None

    def resume(self) -> None:
        super().resume()
        span = self._span
        if span.has_native:
            # Without blocks inside that are open over a rest, what is active is told step by step.
            plainly = self._inside is span
            self._activation = span._tracer.bridging.activate(span.native, plainly=plainly)  # pyright: ignore[reportOptionalMemberAccess]

    def rest(self) -> None:
        token, self._activation = self._activation, None
        if token is not None:
            self._span.deactivate(token)
        super().rest()

    def next_of(self, iterator: Iterator[Any]) -> Any:
        self.resume()
        try:
            return next(iterator)
        finally:
            self.rest()


class _BridgedIteration(_BridgedBody, Iteration):  # pyright: ignore[reportIncompatibleVariableOverride]
    """As `_BridgedBody`, for a decorated generator."""
