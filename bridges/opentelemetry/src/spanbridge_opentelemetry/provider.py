"""The application's TracerProvider as our spans are recorded by it: used as it is, never replaced, never shut down by us."""

from __future__ import annotations

import sys
import threading
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.trace import Tracer, TracerProvider

    from spanbridge_opentelemetry.vanguard import Vanguard

SCOPE = "spanbridge"
VERSION = version("spanbridge")


class Recorder:
    """One TracerProvider in use: its tracer of our scope, which gives roots the trace ids that it is told."""

    def __init__(self, provider: TracerProvider, drain: Callable[[float], bool]) -> None:
        self.provider = provider
        self.tracer: Tracer = provider.get_tracer(SCOPE, VERSION)
        self.trace_ids = _GivenTraceIds(self.tracer)
        self._was_over = is_shut_down(provider)
        self._vanguard = _before(provider, drain)

    @property
    def is_over(self) -> bool:
        """Whether the provider was shut down: it records nothing any more, and logs a warning for each span that it is given."""
        return self._was_over or (self._vanguard is not None and self._vanguard.was_shut_down)

    def leave(self) -> None:
        """Leaves the provider as it was found."""
        if self._vanguard is not None:
            self._vanguard.leave()


def _before(provider: Any, drain: Callable[[float], bool]) -> Vanguard | None:
    """What stands before the provider's span processors; None where it has none, being no SDK's."""
    if not (hasattr(provider, "add_span_processor") and _has_sdk()):
        return None
    from spanbridge_opentelemetry.vanguard import Vanguard  # noqa: PLC0415 - the API alone may be installed

    return Vanguard(provider, drain)


def _has_sdk() -> bool:
    """Whether the SDK is loaded, as it is where a provider of its is."""
    return "opentelemetry.sdk.trace" in sys.modules


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
    if not _has_sdk():
        return False
    from spanbridge_opentelemetry.vanguard import sequence_of  # noqa: PLC0415 - as above

    return sequence_of(provider) is not None


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
