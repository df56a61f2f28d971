"""Decorated generators: the span covers the whole iteration, and is ambient only while the generator's own body runs.

The wrapper stands for the generator in every respect (`wrapt.ObjectProxy`): `isinstance`, `inspect.isgenerator`, `yield from`, `send`,
`throw`, `close`. The span starts when the body starts; its parent is what was current when the function was called, else what is
current then. Its output is what was yielded.
"""

# Values of any type pass through here; their types are unknown on purpose.
# It is a part of the span, in a file of its own.
# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import wrapt

from spanbridge.containment import contain
from spanbridge.tracing.context import CONTEXT, NEW, RECORDING, ambient, in_force
from spanbridge.tracing.exceptions import status_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanbridge.tracing.active_span import Span
    from spanbridge.tracing.collected import Collected, Reduced


class Iteration:
    """One run of a generator's body: its span, and what is ambient inside while it rests."""

    def __init__(self, span: Span, items: Collected | Reduced | None) -> None:
        """`items` takes what is yielded; None: nothing is recorded of it."""
        self._span = span
        self._items = items
        self._called_in: Any = in_force()
        self._inside: Any = span
        self._token: Any = None
        self.is_running = False
        """Whether the body has started and not ended."""
        self.is_over = False

    def resume(self) -> None:
        """Before the body goes on."""
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
        # Looked up outwards from inside the body, what stands around it is the code that iterates over it now.
        span._outer_scope, span._has_outer_scope = ambient.get(), True
        self._token = ambient.set(self._inside)

    def rest(self) -> None:
        """After the body has stopped, for an item or for good."""
        self._inside = ambient.get()
        token, self._token = self._token, None
        try:
            ambient.reset(token)
        except (ValueError, RuntimeError):  # the body was resumed in one context and stopped in another
            ambient.set(self._span._outer_scope)
        self._span._outer_scope = None

    def yielded(self, item: Any) -> None:
        """The body has yielded `item`."""
        if self._items is not None:
            self._items.add(item)

    def returned(self) -> None:
        """The body has come to its end."""
        self._record()
        self._end(None)

    def raised(self, error: BaseException) -> None:
        """An exception has left the body."""
        self._record()
        if self._span._state == RECORDING and status_of(error) == "cancelled":
            self._span.set(incomplete="cancelled")
        self._end(error)

    def broken_off(self, reason: str) -> None:
        """The body will not go on: "closed" or "garbage_collected"."""
        self._record()
        if self._span._state == RECORDING:
            self._span.set(incomplete=reason)
        self._end(None)

    def _record(self) -> None:
        if self._items is None or self._span._state != RECORDING:
            return
        try:
            self._span.set(output=self._items.value())
        except Exception as error:  # noqa: BLE001 - the application's reducer
            contain("reduce_output", error)

    def _end(self, error: BaseException | None) -> None:
        self.is_running, self.is_over = False, True
        if self._span._state == RECORDING:
            if error is None:
                self._span.end()
            else:
                self._span._end_with(error)


class TracedGenerator(wrapt.ObjectProxy[Any]):
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
        return self._self_step(self.__wrapped__.throw, *exception)

    def close(self) -> Any:
        """As the generator's; the span ends as incomplete where the body had not come to its end."""
        return self._self_close("closed")

    def __del__(self) -> None:
        # In a context of its own: a finaliser may run in the midst of a change to the current one.
        if self._self_iteration.is_running:
            copy_context().run(self._self_close, "garbage_collected")

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

    def _self_close(self, reason: str) -> Any:
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
        iteration.broken_off(reason)
        return value


class TracedAsyncGenerator(wrapt.ObjectProxy[Any]):
    """An async generator whose iteration is a span."""

    def __init__(self, generator: Any, iteration: Iteration) -> None:
        super().__init__(generator)
        self._self_iteration = iteration

    def __aiter__(self) -> TracedAsyncGenerator:
        return self

    def __anext__(self) -> Any:
        return self._self_step(self.__wrapped__.__anext__)

    def asend(self, value: Any) -> Any:
        """As the generator's."""
        return self._self_step(self.__wrapped__.asend, value)

    def athrow(self, *exception: Any) -> Any:
        """As the generator's."""
        return self._self_step(self.__wrapped__.athrow, *exception)

    async def aclose(self) -> None:
        """As the generator's; the span ends as incomplete where the body had not come to its end."""
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
        iteration.broken_off("closed")

    def __del__(self) -> None:
        # The event loop closes the generator itself, in a task of its own and at a time of its own.
        if self._self_iteration.is_running:
            copy_context().run(self._self_iteration.broken_off, "garbage_collected")

    async def _self_step(self, step: Callable[..., Any], *args: Any) -> Any:
        iteration: Iteration = self._self_iteration
        generator = self.__wrapped__
        if iteration.is_over or generator.ag_running:
            return await step(*args)
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
