"""`wrap_context(function)`: a function that remembers the context it was wrapped in."""

# Functions of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import inspect
from contextvars import copy_context
from types import coroutine
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from spanbridge.tracing.context import in_force, pinned
from spanbridge.tracing.proxies import ObjectProxy
from spanbridge.tracing.wrapping import WrappedFunction

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextvars import Context

P = ParamSpec("P")
R = TypeVar("R")


def wrap_context(function: Callable[P, R], /) -> Callable[P, R]:
    """`function`, to be called anywhere, any number of times and at once, with the context of this moment: all context variables.

    Each call runs in a copy of its own: what it changes in context variables stays in it. The bodies of coroutine functions, generators
    and async generators run in that copy too, wherever they are awaited or iterated over, and only they: the code between two items keeps
    its own context. Name, signature and kind of the function stay. The wrapper holds what was current for as long as it exists.
    """
    context = copy_context()
    # A block in a generator's body is in force for what was wrapped inside, also while the generator rests.
    context.run(pinned.set, in_force())
    plain: Any = function
    kinds = (plain, type(plain).__call__)  # an object may be called by a method of another kind

    if any(map(inspect.iscoroutinefunction, kinds)):

        async def call_async(wrapped: Any, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            own = context.copy()
            return await _steps(own, own.run(wrapped, *args, **kwargs))

        return WrappedFunction(plain, call_async)

    is_generator = any(map(inspect.isgeneratorfunction, kinds))
    is_async_generator = any(map(inspect.isasyncgenfunction, kinds))

    def call(wrapped: Any, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        own = context.copy()
        result = own.run(wrapped, *args, **kwargs)
        if is_generator:
            return _steps(own, result)
        return _AsyncGenerator(own, result) if is_async_generator else result

    return WrappedFunction(plain, call)


@coroutine
def _steps(context: Context, source: Any) -> Generator[Any, Any, Any]:
    """`yield from source`, or `await source`, with each of its steps inside `context`."""
    if not hasattr(source, "send"):
        source = source.__await__()
    step, value = source.send, None
    while True:
        try:
            item = context.run(step, value)
        except StopIteration as stop:
            return stop.value
        try:
            step, value = source.send, (yield item)
        except GeneratorExit:
            context.run(source.close)
            raise
        except BaseException as error:  # noqa: BLE001 - it goes where the source stands
            step, value = source.throw, error


class _AsyncGenerator(ObjectProxy):
    """An async generator whose body runs in a context of its own."""

    def __init__(self, context: Context, generator: Any) -> None:
        super().__init__(generator)
        self._self_context = context

    def __aiter__(self) -> _AsyncGenerator:
        return self

    def __anext__(self) -> Any:
        return self._self_inside(self.__wrapped__.__anext__())

    def asend(self, value: Any) -> Any:
        """As the generator's."""
        return self._self_inside(self.__wrapped__.asend(value))

    def athrow(self, *exception: Any) -> Any:
        """As the generator's."""
        return self._self_inside(self.__wrapped__.athrow(*exception))

    def aclose(self) -> Any:
        """As the generator's."""
        return self._self_inside(self.__wrapped__.aclose())

    async def _self_inside(self, step: Any) -> Any:
        return await _steps(self._self_context, step)
