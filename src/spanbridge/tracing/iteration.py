"""Decorated generators: the span covers the whole iteration, and is ambient only while the generator's own body runs.

The wrapper stands for the generator in every respect (`wrapt.ObjectProxy`): `isinstance`, `inspect.isgenerator`, `yield from`, `send`,
`throw`, `close`. The span starts when the body starts; its parent is what was current when the function was called, else what is
current then. Its output is what was yielded.
"""

# Values of any type pass through here; their types are unknown on purpose.
# It is a part of the span, in a file of its own.
# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

import sys
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from spanbridge.containment import contain
from spanbridge.tracing.body import Body
from spanbridge.tracing.context import CONTEXT, NEW, RECORDING, ambient, in_force
from spanbridge.tracing.exceptions import status_of
from spanbridge.tracing.proxies import ObjectProxy

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanbridge.tracing.active_span import Span
    from spanbridge.tracing.collected import Collected, Reduced


class Iteration(Body):
    """One run of a decorated generator's body."""

    def __init__(self, span: Span, items: Collected | Reduced | None) -> None:
        """`items` takes what is yielded; None: nothing is recorded of it."""
        super().__init__(span)
        self._items = items
        self._called_in: Any = in_force()
        self.is_running = span._state == RECORDING
        """Whether the span has started, with the body or before it, and the body has not ended."""
        self.is_over = False
        self.is_dropped = False
        """Whether nobody holds the generator any more."""

    def resume(self) -> None:
        """Before the body starts or goes on."""
        span = self._span
        if span._state == NEW:
            called_in, self._called_in = self._called_in, None
            if called_in is not None and called_in._state == CONTEXT:
                span._open(called_in)
            else:
                if called_in is not None:
                    span._options.setdefault("parent", called_in)
                span._open(ambient.get())
            self.is_running = True
        super().resume()

    def is_thrown_into(self) -> None:
        """Before an exception is thrown in: a body that has not started never will."""
        self.is_over = self.is_over or not self.is_running

    def yielded(self, item: Any) -> None:
        """The body has yielded `item`."""
        if self._items is not None:
            self._items.add(item)

    def returned(self) -> None:
        """The body has come to its end."""
        self._is_done()
        self._end(None)

    def raised(self, error: BaseException) -> None:
        """An exception has left the body."""
        self._is_done()
        if self._span._state == RECORDING and status_of(error) == "cancelled":
            self._span.set(incomplete="cancelled")
        self._end(error)

    def closed(self) -> None:
        """The body was closed before it came to its end."""
        self._is_done()
        self.broken_off("garbage_collected" if self.is_dropped else "closed")

    def broken_off(self, reason: str) -> None:
        """Nobody will take another item: "closed" or "garbage_collected"."""
        if self._span._state == RECORDING:
            self._record()
            self._span.set(incomplete=reason)
            self._span.end()

    def _is_done(self) -> None:
        self.is_running, self.is_over = False, True

    def _record(self) -> None:
        if self._items is None:
            return
        try:
            self._span.set(output=self._items.value())
        except Exception as error:  # noqa: BLE001 - the application's reducer
            contain("reduce_output", error)

    def _end(self, error: BaseException | None) -> None:
        if self._span._state != RECORDING:
            return
        self._record()
        if error is None:
            self._span.end()
        else:
            self._span._end_with(error)


class TracedGenerator(ObjectProxy):
    """A generator whose iteration is a span."""

    def __init__(self, generator: Any, iteration: Iteration) -> None:
        super().__init__(generator)
        self._self_iteration = iteration

    def __iter__(self) -> TracedGenerator:
        return self

    def __next__(self) -> Any:
        return self._self_step(self.__wrapped__.__next__)

    def send(self, value: Any) -> Any:
        """As the generator's."""
        return self._self_step(self.__wrapped__.send, value)

    def throw(self, *exception: Any) -> Any:
        """As the generator's."""
        self._self_iteration.is_thrown_into()
        return self._self_step(self.__wrapped__.throw, *exception)

    def close(self) -> Any:
        """As the generator's; the span ends as incomplete where the body had not come to its end."""
        iteration: Iteration = self._self_iteration
        if not iteration.is_running or self.__wrapped__.gi_running:
            iteration.is_over = iteration.is_over or not iteration.is_running
            return self.__wrapped__.close()
        iteration.resume()
        try:
            value = self.__wrapped__.close()
        except BaseException as error:
            iteration.rest()
            iteration.raised(error)
            raise
        iteration.rest()
        iteration.closed()
        return value

    def __del__(self) -> None:
        # In a context of its own: a finaliser may run in the midst of a change to the current one.
        if self._self_iteration.is_running:
            copy_context().run(self._self_drop)

    def _self_drop(self) -> None:
        self._self_iteration.is_dropped = True
        self.close()

    def _self_step(self, step: Callable[..., Any], *args: Any) -> Any:
        iteration: Iteration = self._self_iteration
        generator = self.__wrapped__
        if iteration.is_over or generator.gi_running:
            return step(*args)
        iteration.resume()
        try:
            item = step(*args)
        except BaseException as error:
            iteration.rest()
            if isinstance(error, StopIteration):
                iteration.returned()
            elif generator.gi_frame is None:
                iteration.raised(error)
            raise
        iteration.rest()
        iteration.yielded(item)
        return item


class Step:
    """What a method of an async generator returns: as those of Python's own, it may be left without being awaited, and nothing is said."""

    __slots__ = ("_args", "_coroutine", "_function")

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self._function = function
        self._args = args
        self._coroutine: Any = None

    def _started(self) -> Any:
        if self._coroutine is None:
            self._coroutine = self._function(*self._args)
        return self._coroutine

    def __await__(self) -> Any:
        return self._started().__await__()

    def send(self, value: Any) -> Any:
        return self._started().send(value)

    def throw(self, *exception: Any) -> Any:
        return self._started().throw(*exception)

    def close(self) -> None:
        if self._coroutine is not None:
            self._coroutine.close()


class TracedAsyncGenerator(ObjectProxy):
    """An async generator whose iteration is a span."""

    def __init__(self, generator: Any, iteration: Iteration) -> None:
        super().__init__(generator)
        self._self_iteration = iteration
        self._self_finalizer: Callable[[Any], object] | None = None
        """The event loop's, for generators that nobody holds any more."""

    def __aiter__(self) -> TracedAsyncGenerator:
        return self

    def __anext__(self) -> Any:
        return Step(self._self_step, self.__wrapped__.__anext__)

    def asend(self, value: Any) -> Any:
        """As the generator's."""
        return Step(self._self_step, self.__wrapped__.asend, value)

    def athrow(self, *exception: Any) -> Any:
        """As the generator's."""
        self._self_iteration.is_thrown_into()
        return Step(self._self_step, self.__wrapped__.athrow, *exception)

    def aclose(self) -> Any:
        """As the generator's; the span ends as incomplete where the body had not come to its end."""
        return Step(self._self_close)

    async def _self_close(self) -> None:
        iteration: Iteration = self._self_iteration
        if not iteration.is_running or self.__wrapped__.ag_running:
            iteration.is_over = iteration.is_over or not iteration.is_running
            await self.__wrapped__.aclose()
            return
        iteration.resume()
        try:
            await self.__wrapped__.aclose()
        except BaseException as error:
            iteration.rest()
            iteration.raised(error)
            raise
        iteration.rest()
        iteration.closed()

    def __del__(self) -> None:
        iteration: Iteration = self._self_iteration
        if not iteration.is_running:
            return
        # The event loop runs the body to its end in a task of its own and at a time of its own, if it still runs: the span ends now.
        copy_context().run(iteration.broken_off, "garbage_collected")
        if (finalizer := self._self_finalizer) is not None:
            finalizer(self)

    async def _self_step(self, step: Callable[..., Any], *args: Any) -> Any:
        iteration: Iteration = self._self_iteration
        generator = self.__wrapped__
        if iteration.is_over or generator.ag_running:
            return await step(*args)
        if not iteration.is_running:
            step = self._self_first(step)
        iteration.resume()
        try:
            item = await step(*args)
        except BaseException as error:
            iteration.rest()
            if isinstance(error, StopAsyncIteration):
                iteration.returned()
            elif generator.ag_frame is None:
                iteration.raised(error)
            raise
        iteration.rest()
        iteration.yielded(item)
        return item

    def _self_first(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """`step`, where it is the first: the event loop gets to know this wrapper in place of the generator, so that closing runs here."""

        def first_step(*args: Any) -> Any:
            first_iteration, self._self_finalizer = sys.get_asyncgen_hooks()
            if first_iteration is None:
                return step(*args)
            sys.set_asyncgen_hooks(firstiter=lambda _: first_iteration(self), finalizer=None)
            try:
                return step(*args)
            finally:
                sys.set_asyncgen_hooks(first_iteration, self._self_finalizer)

        return first_step
