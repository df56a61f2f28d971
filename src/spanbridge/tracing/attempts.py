"""Retries: one span per attempt, side by side under the step that is tried.

    for attempt in attempts(3):                                  # the application's own loop
        with attempt:
            ...
    for attempt in attempts(tenacity.Retrying(...)):             # tenacity decides; `async for` with AsyncRetrying
        with attempt:
            ...
    @attempts(tenacity.Retrying(...))                            # or attempts(3)
    def fetch(): ...

When to try again, and how long to wait before, is the business of the loop or of tenacity.
"""

# Functions and options of any type pass through here; it is a part of the span, in a file of its own.
# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from spanbridge.errors import ConfigurationError
from spanbridge.model.conversions import type_name
from spanbridge.model.span_types import SpanType
from spanbridge.tracing.context import current_span
from spanbridge.tracing.openers import span as open_span
from spanbridge.tracing.visibility import HIDE_INPUT, HIDE_OUTPUT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import TracebackType

    from typing_extensions import Self

    from spanbridge.tracing.active_span import Span

P = ParamSpec("P")
R = TypeVar("R")

_NEVER = "an attempt without another one after it returns or raises"


class attempts:  # noqa: N801 - reads as a function of the loop
    """The attempts at one step, each a span under the current one, which gets `retry_count`.

    An attempt's span has the attributes `attempt` (from 1), `max_attempts` where it is known, and from the second on `retry_delay_ms` (the
    time since the attempt before it ended), `retry_reason` (the class of the exception that ended it; "result" where there was none) and a
    link of the type "retry_of" to it. An attempt that fails is an error; the step is one only if the last attempt's exception leaves it.
    """

    def __init__(
        self,
        source: Any = None,
        *,
        name: str | None = None,
        type: SpanType | str = SpanType.GENERIC,
        retry_on: type[BaseException] | tuple[type[BaseException], ...] = Exception,
        **options: Any,
    ) -> None:
        """
        Args:
            source: How many attempts there are at most; or tenacity's `Retrying` or `AsyncRetrying`; or None: one attempt after the other
                until one succeeds or the loop is left, and exceptions are the loop's. Only tenacity can retry because of a result.
            name: Of each attempt's span; absent: "attempt 1", ..., or the decorated function's name.
            type: Of each attempt's span.
            retry_on: With a number of attempts: exceptions after which there is another one. All others, and the last one, leave the block.
            options: What the opener of that type takes.

        Raises ConfigurationError for a `source` of another kind.
        """
        is_number = isinstance(source, int) and not isinstance(source, bool)
        if (is_number and source < 1) or not (source is None or is_number or _is_retrying(source)):
            raise ConfigurationError(
                f"attempts({source!r}): expected a number of attempts of at least 1, tenacity's Retrying or AsyncRetrying, or nothing"
            )
        if not _are_exceptions(retry_on):
            raise ConfigurationError(f"attempts(retry_on={retry_on!r}): expected an exception class or a tuple of them")
        self._retrying: Any = source if _is_retrying(source) else None
        self._most: int | None = source if is_number else None
        self._retry_on = retry_on
        self._name = name
        self._type = type
        self._options = options

    def __iter__(self) -> Iterator[Attempt]:
        return _Series(self, None if self._retrying is None else iter(self._retrying))

    def __aiter__(self) -> AsyncIterator[Attempt]:
        return _Series(self, None if self._retrying is None else aiter(self._retrying))

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorates a sync or async function: each call is a series of attempts at it."""
        if isgeneratorfunction(function) or isasyncgenfunction(function):
            raise ConfigurationError(
                "attempts(...) cannot decorate a generator, which has begun when its first exception comes: put the loop inside of it"
            )
        name = self._name or getattr(function, "__name__", None)
        if iscoroutinefunction(function):
            return self._decorated_async(function, name)
        if self._retrying is not None and _is_async(self._retrying):
            raise ConfigurationError("attempts(AsyncRetrying(...)) decorates an async function; use Retrying(...) here")

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            series = _Series(self, None, name)
            if self._retrying is not None:

                @wraps(function)  # tenacity tells its callbacks what it calls, and with which arguments
                def once(*args: P.args, **kwargs: P.kwargs) -> R:
                    with series.attempt():
                        return function(*args, **kwargs)
                    raise AssertionError(_NEVER)

                return self._retrying.copy()(once, *args, **kwargs)
            for attempt in series:
                with attempt:
                    return function(*args, **kwargs)
            raise AssertionError(_NEVER)

        return call

    def _decorated_async(self, function: Any, name: str | None) -> Any:
        if self._retrying is not None and not _is_async(self._retrying):
            raise ConfigurationError("attempts(Retrying(...)) decorates a sync function; use AsyncRetrying(...) here")

        @wraps(function)
        async def call(*args: Any, **kwargs: Any) -> Any:
            series = _Series(self, None, name)
            if self._retrying is not None:

                @wraps(function)
                async def once(*args: Any, **kwargs: Any) -> Any:
                    with series.attempt():
                        return await function(*args, **kwargs)
                    raise AssertionError(_NEVER)

                return await self._retrying.copy()(once, *args, **kwargs)
            for attempt in series:
                with attempt:
                    return await function(*args, **kwargs)
            raise AssertionError(_NEVER)

        return call

    def open(self, series: _Series) -> Span:
        """The span of the attempt that begins now."""
        attributes: dict[str, Any] = {"attempt": series.number}
        if self._most is not None:
            attributes["max_attempts"] = self._most
        if series.number > 1:
            attributes["retry_delay_ms"] = (perf_counter_ns() - series.last_ended_ns) / 1e6
            attributes["retry_reason"] = series.last_reason
            if series.last is not None and series.last.span_id is not None:
                link = {"trace_id": series.last.trace_id, "span_id": series.last.span_id, "type": "retry_of"}
                given = self._options.get("links", ())
                attributes["links"] = [link, *(given if isinstance(given, (list, tuple)) else (given,))]
        options: dict[str, Any] = {**series.hiding, **self._options, **attributes}
        return open_span(self._type, self._name or series.name or f"attempt {series.number}", **options)

    def goes_on_after(self, error: BaseException, number: int) -> bool:
        """Whether an attempt's exception ends there, because another attempt follows."""
        return self._most is not None and number < self._most and isinstance(error, self._retry_on)


class _Series:
    """One loop: its attempts in their order."""

    def __init__(self, attempts: attempts, managers: Any, name: str | None = None) -> None:
        """`managers`: tenacity's, one for each attempt; None where there are none."""
        self.attempts = attempts
        self.name = name
        self.number = 0
        self.last: Span | None = None
        self.last_ended_ns = 0
        self.last_reason: str | None = None
        self.failed = True
        """Whether the last attempt did: without tenacity, that is when there is another one."""
        self._managers = managers
        self._step = step = current_span()
        hides = 0 if step is None else step._hides
        self.hiding = (
            {"hide_input": bool(hides & HIDE_INPUT), "hide_output": bool(hides & HIDE_OUTPUT)} if hides else {}
        )
        """What an attempt hides as its step does: its exceptions quote the same."""

    def attempt(self, manager: Any = None) -> Attempt:
        """The next attempt."""
        return Attempt(self, manager)

    def begin(self) -> Span:
        """Counts an attempt, here and on the step; its span."""
        self.number += 1
        step = self._step
        if self.number > 1 and step is not None:
            step._retries += 1
            step.set(retry_count=step._retries)
        return self.attempts.open(self)

    def end(self, span: Span, error: BaseException | None) -> None:
        """Remembers what the next attempt says of this one."""
        self.last = span
        self.last_ended_ns = perf_counter_ns()
        self.last_reason = "result" if error is None else type_name(type(error))
        self.failed = error is not None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Attempt:
        if self._managers is not None:
            return self.attempt(next(self._managers))
        if not self.failed:
            raise StopIteration
        self.failed = False  # one that is not entered is no reason for another
        return self.attempt()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Attempt:
        if self._managers is not None:
            return self.attempt(await anext(self._managers))
        if not self.failed:
            raise StopAsyncIteration
        self.failed = False
        return self.attempt()


class Attempt:
    """`with attempt:`, or `async with`; gives the span. It has the attributes of tenacity's attempt (`retry_state`) where that decides."""

    def __init__(self, series: _Series, manager: Any) -> None:
        self._series = series
        self._manager = manager
        self._span: Span | None = None

    @property
    def number(self) -> int:
        """From 1; before the block is entered, that of the attempt before."""
        return self._series.number

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "_manager"), name)

    def __enter__(self) -> Span:
        if self._manager is not None:
            self._manager.__enter__()
        self._span = self._series.begin().__enter__()
        return self._span

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        span, series = self._span, self._series
        if span is not None:
            span.__exit__(exc_type, exc, traceback)
            series.end(span, exc)
        if self._manager is not None:
            return bool(self._manager.__exit__(exc_type, exc, traceback))
        return exc is not None and series.attempts.goes_on_after(exc, series.number)

    async def __aenter__(self) -> Span:
        return self.__enter__()

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        return self.__exit__(exc_type, exc, traceback)


def _is_retrying(source: Any) -> bool:
    """tenacity's `Retrying` and `AsyncRetrying`, known without importing it."""
    return (
        not isinstance(source, type)
        and callable(source)
        and hasattr(source, "copy")
        and (hasattr(source, "__iter__") or hasattr(source, "__aiter__"))
    )


def _are_exceptions(classes: Any) -> bool:
    """Whether `except` takes it."""
    given: tuple[Any, ...] = classes if isinstance(classes, tuple) else (classes,)
    return all(isinstance(item, type) and issubclass(item, BaseException) for item in given)


def _is_async(source: Any) -> bool:
    return hasattr(source, "__aiter__")
