"""The application's TracerProvider as our spans are recorded by it: used as it is, never replaced, never shut down by us."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.trace import Tracer, TracerProvider

SCOPE = "spanbridge"
VERSION = version("spanbridge")
DRAIN_AT_SHUTDOWN_S = 5.0
"""How long a provider that is shut down waits for our spans that have ended."""


class Recorder:
    """One TracerProvider in use: its tracer of our scope, which gives roots the trace ids that it is told."""

    def __init__(self, provider: TracerProvider, drain: Callable[[float], bool]) -> None:
        self.provider = provider
        self.tracer: Tracer = provider.get_tracer(SCOPE, VERSION)
        self.trace_ids = _GivenTraceIds(self.tracer)
        self._vanguard = _Vanguard(drain)
        self._vanguard.was_shut_down = is_shut_down(provider)
        self._vanguard.is_first = _put_first(provider, self._vanguard)

    @property
    def is_over(self) -> bool:
        """Whether the provider was shut down: it records nothing any more, and logs a warning for each span that it is given."""
        return self._vanguard.was_shut_down

    def leave(self) -> None:
        """Leaves the provider as it was found."""
        _take_out(self.provider, self._vanguard)


class _Vanguard:
    """Stands before the provider's span processors: whoever flushes it or shuts it down gets our spans that have ended, too.

    They end for the provider when the pipeline has processed them; a program that ends with `provider.force_flush()` or
    `provider.shutdown()` asks for all that has ended for it. An SDK's span processor in form.
    """

    def __init__(self, drain: Callable[[float], bool]) -> None:
        self._drain = drain
        self.is_first = False
        self.was_shut_down = False

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        """Nothing: the bridge has started the span."""

    def _on_ending(self, span: Any) -> None:
        """Nothing, as `on_end`."""

    def on_end(self, span: Any) -> None:
        """Nothing: the span has been recorded."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Has our spans end that are on their way."""
        return not self.is_first or self._drain(time.monotonic() + timeout_millis / 1000)

    def shutdown(self) -> None:
        """As `force_flush`, for the last time."""
        if not self.was_shut_down:
            self.force_flush(int(1000 * DRAIN_AT_SHUTDOWN_S))
            self.was_shut_down = True


def is_shut_down(provider: Any) -> bool:
    """Whether an SDK's provider was shut down, as far as its span processors tell; the provider itself says nothing of it."""
    processors: Any = getattr(getattr(provider, "_active_span_processor", None), "_span_processors", ())
    # SimpleSpanProcessor keeps the flag itself, BatchSpanProcessor in a part of it; "done" was its name up to 1.33.
    return any(
        getattr(part, name, False) is True
        for processor in processors
        for part in (processor, getattr(processor, "_batch_processor", None))
        for name in ("_shutdown", "done")
    )


def stands_first(provider: Any) -> bool:
    """Whether `Recorder` can have the provider's own `force_flush` and `shutdown` wait for our spans."""
    return _sequence_of(provider) is not None


def _put_first(provider: Any, processor: _Vanguard) -> bool:
    """Adds `processor` to an SDK's provider, before all others if that can be; whether it was."""
    add = getattr(provider, "add_span_processor", None)
    if add is None:
        return False
    add(processor)
    sequence = _sequence_of(provider)
    if sequence is None:
        return False
    with sequence._lock:
        sequence._span_processors = (processor, *(each for each in sequence._span_processors if each is not processor))
    return True


def _take_out(provider: Any, processor: _Vanguard) -> None:
    sequence = _sequence_of(provider)
    if sequence is not None:
        with sequence._lock:
            sequence._span_processors = tuple(each for each in sequence._span_processors if each is not processor)


def _sequence_of(provider: Any) -> Any:
    """The SDK's list of span processors that are called one after the other; None where the provider has another.

    The SDK has no public way to add one before the others.
    """
    with suppress(ImportError):
        from opentelemetry.sdk.trace import SynchronousMultiSpanProcessor  # noqa: PLC0415 - the API alone may be installed

        sequence = getattr(provider, "_active_span_processor", None)
        if isinstance(sequence, SynchronousMultiSpanProcessor) and isinstance(
            getattr(sequence, "_span_processors", None), tuple
        ):
            return sequence if hasattr(sequence, "_lock") else None
    return None


class _GivenTraceIds:
    """Gives our own tracer, and no other, the trace id of a root: the sampler has decided by it, and the store has it."""

    def __init__(self, tracer: Any) -> None:
        self._next = threading.local()
        # A tracer that is not the SDK's makes its own ids.
        generator = getattr(tracer, "id_generator", None)
        if generator is not None:
            self._generator: Any = generator._generator if isinstance(generator, _GivenTraceIds) else generator
            tracer.id_generator = self

    def next_is(self, trace_id: int | None) -> None:
        """Of the next root of this thread; None: whatever the application's own generator makes."""
        self._next.trace_id = trace_id

    def generate_trace_id(self) -> int:
        return getattr(self._next, "trace_id", None) or self._generator.generate_trace_id()

    def generate_span_id(self) -> int:
        return self._generator.generate_span_id()

    def is_trace_id_random(self) -> bool:
        return True
