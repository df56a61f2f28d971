"""ddtrace's buffer: it hands a trace on when all of its spans have ended. Here what has ended is handed on before.

All of it is private to ddtrace. Where a version has another buffer, nothing is handed on early, and one line of the log says so.
"""

# ddtrace's own types are partly unknown to a type checker, and its private names are this module's subject.
# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownMemberType=false, reportMissingTypeStubs=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import ddtrace
from ddtrace.trace import tracer

from spanbridge_datadog import native

if TYPE_CHECKING:
    from collections.abc import Generator

logger = logging.getLogger("spanbridge")

_IS_OPEN = "spanbridge.is_open"


def started(span: Any) -> None:
    """A span of LLM Observability has started."""
    native.mark(span, _IS_OPEN)


def ended(span: Any) -> None:
    """It has ended, with all that is to be sent of it: for a moment before that it only looks so."""
    native.mark(span, _IS_OPEN, False)


def flush_finished(trace_id: int) -> None:
    """Hands on the finished spans of a trace that is held back by open ones, as if they were a trace that is complete.

    Not by ddtrace's partial flush: that loses a span that ends on another thread meanwhile, and one of LLM Observability its event.
    """
    with _as_known():
        aggregator: Any = tracer._span_aggregator
        hand_on = type(aggregator).on_span_finish
        with aggregator._lock:
            trace = aggregator._traces.get(trace_id)
            ready = [] if trace is None else [span for span in trace.spans if _is_ready(span)]
            if trace is None or not ready:
                return
            part = _Part(aggregator, trace_id, type(trace)(ready, len(ready) - 1))
            taken = set(map(id, ready))
            trace.spans[:] = [span for span in trace.spans if id(span) not in taken]
            trace.num_finished -= len(ready)  # one that is not counted yet is so in a moment
        hand_on(part, ready[-1])


def flush_all_finished() -> None:
    """The same for all traces: before the process ends, which takes with it what open spans hold back."""
    with _as_known():
        for trace_id in tuple(tracer._span_aggregator._traces):
            flush_finished(trace_id)


def is_held_back(trace_id: int) -> bool:
    """Whether a span of this trace has started that was not handed on."""
    with _as_known():
        return trace_id in tracer._span_aggregator._traces
    return False


def pass_over(span: Any) -> None:
    """Has a span that is about to end not counted where it did not start here: in a forked child, a copy of one of the parent's.

    ddtrace would count it among those of the child, and send the trace while as many of them are open.
    """
    with _as_known():
        aggregator: Any = tracer._span_aggregator
        with aggregator._lock:
            trace = aggregator._traces.get(span.trace_id)
            if trace is not None and not any(started is span for started in trace.spans):
                trace.num_finished -= 1


def _is_ready(span: Any) -> bool:
    return span.duration_ns is not None and not native.mark_of(span, _IS_OPEN)


class _Part:
    """The aggregator, as if a part of one trace were all that it has."""

    def __init__(self, aggregator: Any, trace_id: int, part: Any) -> None:
        self._aggregator = aggregator
        self._traces = {trace_id: part}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._aggregator, name)


@contextmanager
def _as_known() -> Generator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - private names, which a version may lack
        _say_unknown(type(error).__name__)


@cache
def _say_unknown(error: str) -> None:
    logger.warning(
        "ddtrace %s buffers spans in another way than the versions that the bridge knows (%s): what has ended in a trace is sent "
        "when all of it has ended, and not before",
        ddtrace.__version__,
        error,
    )
