"""An opener as a decorator: one span per call, its input from the arguments, its output from the result."""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

import functools
import inspect
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any

from spanbridge.containment import contain
from spanbridge.tracing.collected import Collected, Reduced
from spanbridge.tracing.context import is_suppressed
from spanbridge.tracing.wrapping import WrappedFunction

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from spanbridge.tracing.active_span import Span
    from spanbridge.tracing.opener import Opener


def traced(function: Any, opener: Opener, name: str | None, options: Mapping[str, Any]) -> Any:
    """Wraps a function, method, classmethod or staticmethod, sync, async, generator or async generator; see `iteration` for the last two.

    The wrapper keeps signature, name and kind. A function that returns `span.stream(...)` of the span it runs in leaves it to the stream
    to end the span.

    Options besides the opener's own: `capture_input` and `capture_output` (default True), `ignore_arguments` (names left out of the
    input), `reduce_output` (a function from the result, or from the list of what was yielded, to what is recorded).
    """
    options = dict(options)
    capture_input: bool = options.pop("capture_input", True) and "input" not in options
    capture_output: bool = options.pop("capture_output", True)
    ignored = _names(options.pop("ignore_arguments", ()))
    reduce_output: Callable[[Any], Any] | None = options.pop("reduce_output", None)
    plain = function.__func__ if isinstance(function, (classmethod, staticmethod)) else function
    arguments = _Arguments(plain, ignored) if capture_input else None
    first = None if arguments is None else arguments.first
    if name is None:
        name = options.pop("name", None)
    if name is None and not ("model" in options and opener.info.is_model):
        named = plain
        while isinstance(named, functools.partial):
            named = named.func
        name = getattr(named, "__name__", None)

    def open_span(args: tuple[Any, ...], kwargs: dict[str, Any], bound: bool) -> Span:
        if arguments is None:
            return opener.slot.span_class(opener, name, dict(options))
        # A property calls what it wraps with the instance, and since Python 3.13 a classmethod with the class, without binding it.
        if not bound and args and (first == "self" or (first == "cls" and isinstance(args[0], type))):
            args, bound = args[1:], True
        return opener.slot.span_class(opener, name, {**options, "input": arguments.captured(args, kwargs, bound)})

    def record(span: Span, result: Any) -> None:
        if span.is_recording and span.leave_to_stream(result, with_output=capture_output):
            return
        if capture_output and span.is_recording:
            try:
                span.set(output=result if reduce_output is None else reduce_output(result))
            except Exception as error:  # noqa: BLE001 - the application's reducer
                contain("reduce_output", error)

    if inspect.iscoroutinefunction(plain):

        async def call_async(wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            if opener.slot.tracer is None:
                return await wrapped(*args, **kwargs)
            with open_span(args, kwargs, instance is not None) as span:
                result = await wrapped(*args, **kwargs)
                record(span, result)
            return result

        return WrappedFunction(function, call_async)  # pyright: ignore[reportArgumentType] - it takes descriptors too

    def traced_iteration(generator: Any, span: Span, max_text_bytes: int) -> Any:
        from spanbridge.tracing.iteration import TracedAsyncGenerator, TracedGenerator  # noqa: PLC0415 - few need it

        items = None
        if capture_output:
            items = Collected(max_text_bytes) if reduce_output is None else Reduced(reduce_output)
        iteration = span.new_iteration(items)
        return (TracedGenerator if hasattr(generator, "gi_frame") else TracedAsyncGenerator)(generator, iteration)

    if inspect.isgeneratorfunction(plain) or inspect.isasyncgenfunction(plain):

        def iterate(wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            generator = wrapped(*args, **kwargs)
            tracer = opener.slot.tracer
            if tracer is None or is_suppressed():
                return generator
            return traced_iteration(generator, open_span(args, kwargs, instance is not None), tracer.max_payload_bytes)

        return WrappedFunction(function, iterate)  # pyright: ignore[reportArgumentType]

    async def awaited(span: Span, coroutine: Any) -> Any:
        with span:
            result = await coroutine
            record(span, result)
        return result

    def call(wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        tracer = opener.slot.tracer
        if tracer is None:
            return wrapped(*args, **kwargs)
        with open_span(args, kwargs, instance is not None) as span:
            result = wrapped(*args, **kwargs)
            if type(result) not in _RUN_LATER or not span.is_recording:
                record(span, result)
                return result
            span.go_on_later()
        # Another decorator stands in between, or the function only makes what runs: the result tells.
        if type(result) is CoroutineType:
            return awaited(span, result)
        return traced_iteration(result, span, tracer.max_payload_bytes)

    return WrappedFunction(function, call)  # pyright: ignore[reportArgumentType]


_RUN_LATER = frozenset({AsyncGeneratorType, CoroutineType, GeneratorType})
"""Types of results whose code has not run when the function returns."""


class _Arguments:
    """Binds a call's arguments to parameter names; several times faster than `inspect.Signature.bind`."""

    def __init__(self, function: Any, ignored: frozenset[str]) -> None:
        parameters = _parameters(function)
        self.first = parameters[0].name if parameters else None
        self._positional = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        self._rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
        self._keywords = next((p.name for p in parameters if p.kind is p.VAR_KEYWORD), None)
        self._by_keyword = frozenset(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))
        self._names = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        self._defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        self._ignored = ignored

    def captured(self, args: tuple[Any, ...], kwargs: dict[str, Any], bound: bool) -> dict[str, Any]:
        """The arguments by name in the signature's order, defaults included, without `self` or `cls` of a bound call."""
        positional = self._positional[1:] if bound else self._positional
        given = dict(zip(positional, args, strict=False))
        rest = args[len(positional) :]
        others: dict[str, Any] = {}
        for name, value in kwargs.items():
            # A name that is taken by position goes to **kwargs: the parameter is positional-only.
            (others if name in given or name not in self._by_keyword else given)[name] = value
        result: dict[str, Any] = {}
        for name in self._names:
            if name in given:
                result[name] = given[name]
            elif name in self._defaults:
                result[name] = self._defaults[name]
        if rest:
            result[self._rest or "args"] = list(rest)
        if self._ignored:
            for name in self._ignored:
                result.pop(name, None)
                others.pop(name, None)
        if others:
            result[self._keywords or "kwargs"] = others
        return result


def _names(names: Any) -> frozenset[str]:
    """The names that `ignore_arguments` lists; one name may stand for itself."""
    return frozenset([names] if isinstance(names, str) else names)


def _parameters(function: Any) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a built-in without a signature
        return []
