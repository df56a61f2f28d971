"""`score(...)`: what somebody thinks of a span: a number, a label or a verdict.

A score is a span of its own: an event of type scorer_run right below the span that it judges, in the same trace. So it passes the same
processors, reaches every exit, and may come at any time, from any process: hours later, from a person or from a judge.
"""

# It is a part of the span, in a file of its own.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from fractions import Fraction
from math import isfinite
from typing import TYPE_CHECKING, Any

from spanbridge.containment import contain
from spanbridge.model.conversions import as_json_type
from spanbridge.model.identifiers import is_span_id, is_trace_id
from spanbridge.model.span_types import SpanType
from spanbridge.tracing.captured import misused
from spanbridge.tracing.context import ENDED, RECORDING, Scope, current_span
from spanbridge.tracing.openers import start_span
from spanbridge.tracing.propagation import RemoteParent
from spanbridge.tracing.tracer import default_slot
from spanbridge.tracing.visibility import visible_id

if TYPE_CHECKING:
    from spanbridge.tracing.active_span import Span
    from spanbridge.tracing.intake import Intake


def score(
    name: str,
    value: float | str | bool,
    reason: str | None = None,
    *,
    span: Span | None = None,
    trace_id: str | None = None,
    span_id: str | None = None,
) -> None:
    """Records a score of a span. Never raises; what cannot be recorded is counted.

    Args:
        name: What is judged: "helpfulness".
        value: A finite number (a whole one of 64 bits), a label (text), or True or False; also numpy's, or an enumeration's member.
        reason: Why.
        span: The span that is judged, open or ended; absent: the one that `trace_id` and `span_id` name, else the current one.
        trace_id: Of the span that is judged, 32 hex characters, as `Span.trace_id` and the store have it.
        span_id: 16 hex characters.
    """
    tracer = default_slot.tracer
    if tracer is None:
        return
    try:
        if not isinstance(name, str) or not name.strip():  # pyright: ignore[reportUnnecessaryIsInstance] - callers do
            misused(tracer.intake, "name", name, "a text that is not blank")
            return
        value = _plain(value)
        if not _is_score(value):
            misused(tracer.intake, "value", value, "a finite number, a text, True or False")
            return
        parent: Any = _judged(tracer.intake, span, trace_id, span_id)
        if parent is None:
            return
        recorded = start_span(
            SpanType.SCORER_RUN, name, parent=parent, is_event=True, score=value, reason=reason or None
        )
        recorded.end()
    except Exception as error:  # noqa: BLE001
        contain("score", error)


def _plain(value: Any) -> Any:
    """What evaluations compute with in the place of plain numbers, switches and labels, as those."""
    if isinstance(value, (Decimal, Fraction)):
        return float(value)
    return as_json_type(value) if isinstance(value, Enum) or type(value).__module__ == "numpy" else value


def _is_score(value: object) -> bool:
    if isinstance(value, int):
        return value.bit_length() < 64  # what a number can be in the store, and everywhere else
    return (isinstance(value, float) and isfinite(value)) or (isinstance(value, str) and bool(value.strip()))


def _judged(intake: Intake, span: Any, trace_id: Any, span_id: Any) -> Scope | None:
    """The span that is judged; None where there is none, or it is not recorded."""
    if span is None and (trace_id is not None or span_id is not None):
        if is_trace_id(trace_id) and is_span_id(span_id):
            return _named(int(str(trace_id), 16), int(str(span_id), 16))
        misused(intake, "span_id", span_id, "16 lower-case hex characters, beside a trace_id of 32")
        return None
    span = current_span() if span is None else span
    if not isinstance(span, Scope) or span._state not in (RECORDING, ENDED):
        if span is None or not isinstance(span, Scope):
            misused(intake, "span", span, "a span, or absent inside of one")
        return None
    judged: Any = span
    span_id = visible_id(judged)
    return None if span_id is None else _named(judged._trace.trace_id, span_id)


def _named(trace_id: int, span_id: int) -> RemoteParent:
    """Stands for a span that is known by its ids."""
    parent = RemoteParent(trace_id, span_id, sampled=True)
    parent.is_own = True
    return parent
