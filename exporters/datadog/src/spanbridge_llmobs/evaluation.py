"""A score as an evaluation of LLM Observability (https://docs.datadoghq.com/llm_observability/evaluations/external_evaluations/)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from spanbridge.model.span_types import SpanType

if TYPE_CHECKING:
    from spanbridge.model.span import SpanRecord

SPAN_ID_TAG = "spanbridge_span_id"
"""A tag that each event has: by it a score finds its span where the trace's id in LLM Observability is not known. No dot: agentless,
ddtrace writes an underscore for one."""


class Evaluation(NamedTuple):
    """One evaluation of one span."""

    trace_id: str
    """Of spanbridge's trace, 32 hex characters."""
    span_id: str
    """Of the span that is judged, 16 hex characters."""
    label: str
    metric_type: Literal["score", "categorical", "boolean"]
    value: float | str | bool
    reason: str | None
    timestamp_ms: int


def evaluation(record: SpanRecord) -> Evaluation | None:
    """The evaluation that a record stands for; None where it is no score, or nobody's."""
    if record.type is not SpanType.SCORER_RUN or record.parent_span_id is None:
        return None
    attributes: dict[str, Any] = record.attributes
    value, reason = attributes.get("score"), attributes.get("reason")
    metric_type: Literal["score", "categorical", "boolean"]
    if isinstance(value, bool):
        metric_type = "boolean"
    elif isinstance(value, (int, float)):
        metric_type = "score"
    elif isinstance(value, str):
        metric_type = "categorical"
    else:
        return None
    return Evaluation(
        record.trace_id,
        record.parent_span_id,
        record.name.replace(".", "_"),  # a dot is refused
        metric_type,
        value,
        reason if isinstance(reason, str) else None,
        record.started_at // 1_000_000,
    )
