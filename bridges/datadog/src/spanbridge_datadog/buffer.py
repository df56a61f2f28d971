"""ddtrace's buffer: it hands a trace on when all of its spans have ended. Here what has ended is handed on before, as a partial flush does.

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

if TYPE_CHECKING:
    from collections.abc import Generator

logger = logging.getLogger("spanbridge")


def flush_finished(trace_id: int) -> None:
    """Hands on the finished spans of a trace that is held back by open ones."""
    with _as_known():
        aggregator: Any = tracer._span_aggregator
        hand_on = type(aggregator).on_span_finish
        with aggregator._lock:
            trace = aggregator._traces.get(trace_id)
            finished = (
                None if trace is None else next((span for span in trace.spans if span.duration_ns is not None), None)
            )
            if trace is None or finished is None or not trace.num_finished:
                return
            trace.num_finished -= 1  # it is counted again
        hand_on(_Eager(aggregator), finished)


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


class _Eager:
    """The aggregator, as if it were configured to hand on as soon as one span of a trace has ended; it itself stays as it is."""

    partial_flush_enabled = True
    partial_flush_min_spans = 1

    def __init__(self, aggregator: Any) -> None:
        self._aggregator = aggregator

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
