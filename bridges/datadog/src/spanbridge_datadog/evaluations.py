"""Scores as evaluations of LLM Observability.

An evaluation names the span that it judges and its trace, which has an id of its own there; or a tag that only that span has. The first
where this process knows the trace's id, the second for spans of other processes, of configurations before this one, and of long ago.
"""

# ddtrace's own types are partly unknown to a type checker.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ddtrace.llmobs import LLMObs

from spanbridge_datadog import native
from spanbridge_llmobs.evaluation import SPAN_ID_TAG, evaluation

if TYPE_CHECKING:
    from spanbridge.model.span import SpanRecord
    from spanbridge_datadog.handle import NativeSpan

MAX_REMEMBERED = 10_000
"""Ended spans whose trace in LLM Observability is known: it has an id of its own there."""


class Evaluations:
    """Submits scores."""

    def __init__(self) -> None:
        self.open: dict[int, NativeSpan] = {}
        """Open spans of LLM Observability by their ids."""
        self._traces: dict[int, str] = {}

    def ended(self, handle: NativeSpan) -> None:
        """Keeps the id under which LLM Observability has the span's trace."""
        if self.open.pop(handle.span_id, None) is not None and (trace_id := native.llm_trace_id(handle.span)):
            self._traces[handle.span_id] = trace_id
            if len(self._traces) > MAX_REMEMBERED:
                del self._traces[next(iter(self._traces))]

    def submit(self, record: SpanRecord) -> None:
        """Sends one score."""
        told = evaluation(record)
        if told is None or not LLMObs.enabled:
            return
        span_id = int(told.span_id, 16)
        judged = self.open.get(span_id)
        trace_id = self._traces.get(span_id) if judged is None else native.llm_trace_id(judged.span)
        joined: dict[str, Any]
        if trace_id is None:
            joined = {"span_with_tag_value": {"tag_key": SPAN_ID_TAG, "tag_value": told.span_id}}
        else:
            joined = {"span": {"span_id": str(span_id), "trace_id": trace_id}}
        LLMObs.submit_evaluation(
            label=told.label,
            metric_type=told.metric_type,
            value=told.value,
            timestamp_ms=told.timestamp_ms,
            **joined,
            **({} if told.reason is None else {"reasoning": told.reason}),
        )
