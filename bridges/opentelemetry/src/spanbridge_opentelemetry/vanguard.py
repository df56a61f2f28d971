"""Before the span processors of an SDK's TracerProvider; imported only where there is an SDK, since the API alone may be installed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace import SpanProcessor, SynchronousMultiSpanProcessor

if TYPE_CHECKING:
    from collections.abc import Callable

DRAIN_AT_SHUTDOWN_S = 5.0
"""How long a provider that is shut down waits for our spans that have ended."""


class Vanguard(SpanProcessor):
    """Stands before the provider's span processors: whoever flushes it or shuts it down gets our spans that have ended, too.

    They end for the provider when the pipeline has processed them; a program that ends with `provider.force_flush()` or
    `provider.shutdown()` asks for all that has ended for it.
    """

    def __init__(self, provider: Any, drain: Callable[[float], bool]) -> None:
        self._provider = provider
        self._drain = drain
        self.was_shut_down = False
        provider.add_span_processor(self)
        self._is_first = self._put_first()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Has our spans end that are on their way."""
        return not self._is_first or self._drain(time.monotonic() + timeout_millis / 1000)

    def shutdown(self) -> None:
        """As `force_flush`, for the last time."""
        if not self.was_shut_down:
            self.force_flush(int(1000 * DRAIN_AT_SHUTDOWN_S))
            self.was_shut_down = True

    def _put_first(self) -> bool:
        """Moves this before all others, if that can be; whether it was."""
        sequence = sequence_of(self._provider)
        if sequence is None:
            return False
        with sequence._lock:
            sequence._span_processors = (self, *self._others(sequence))
        return True

    def leave(self) -> None:
        """Leaves the provider as it was found."""
        sequence = sequence_of(self._provider)
        if sequence is not None:
            with sequence._lock:
                sequence._span_processors = self._others(sequence)

    def _others(self, sequence: Any) -> tuple[Any, ...]:
        return tuple(each for each in sequence._span_processors if each is not self)


def sequence_of(provider: Any) -> Any:
    """The SDK's list of span processors that are called one after the other; None where the provider has another.

    The SDK has no public way to add one before the others.
    """
    sequence = getattr(provider, "_active_span_processor", None)
    if isinstance(sequence, SynchronousMultiSpanProcessor) and isinstance(
        getattr(sequence, "_span_processors", None), tuple
    ):
        return sequence if hasattr(sequence, "_lock") else None
    return None
