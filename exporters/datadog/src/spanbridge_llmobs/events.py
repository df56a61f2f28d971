"""What goes over the wire: events of LLM Observability's intake, as ddtrace writes them.

Their trace is spanbridge's own, and so are their ids: a span finds its parent whenever it arrives, late ones and several roots too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spanbridge_llmobs.evaluation import SPAN_ID_TAG
from spanbridge_llmobs.kinds import HOLDS

if TYPE_CHECKING:
    from spanbridge.model.span import SpanRecord
    from spanbridge_llmobs.annotation import Annotation
    from spanbridge_llmobs.evaluation import Evaluation

ROOT = "undefined"
"""The parent's id of a root."""


def span_event(record: SpanRecord, annotation: Annotation, *, ml_app: str, version: str | None) -> dict[str, Any]:
    """One span, with the envelope that it travels in."""
    kind = annotation.kind or "task"
    span_id = str(int(record.span_id, 16))
    meta: dict[str, Any] = {"span": {"kind": kind}, "metadata": annotation.metadata}
    for side, value in (("input", annotation.input), ("output", annotation.output)):
        if value is not None:
            meta[side] = {HOLDS.get((kind, side), "value"): value}
    if kind in {"llm", "embedding"}:
        meta["model_name"] = annotation.model_name or "unknown"
        meta["model_provider"] = (annotation.model_provider or "unknown").lower()
    if annotation.tool_definitions:
        meta["tool_definitions"] = annotation.tool_definitions
    if annotation.error is not None:
        meta["error"] = annotation.error
    tags = {
        **annotation.tags,
        SPAN_ID_TAG: record.span_id,
        "ml_app": ml_app,
        "service": record.service_name,
        "env": record.environment,
        "version": version,
        "language": "python",
        "source": "spanbridge",
        "error": "0" if annotation.error is None else "1",
    }
    if annotation.error is not None:
        tags["error_type"] = annotation.error["type"]
    if annotation.session_id is not None:
        tags["session_id"] = annotation.session_id
    event: dict[str, Any] = {
        "trace_id": record.trace_id,
        "span_id": span_id,
        "parent_id": ROOT if record.parent_span_id is None else str(int(record.parent_span_id, 16)),
        "name": annotation.name,
        "start_ns": record.started_at,
        "duration": record.duration_ns or 0,
        "status": "ok" if annotation.error is None else "error",
        "meta": meta,
        "metrics": annotation.metrics,
        "tags": sorted(f"{key}:{value}" for key, value in tags.items() if value is not None),
        "_dd": {"span_id": span_id, "trace_id": record.trace_id, "apm_trace_id": record.trace_id},
    }
    if annotation.session_id is not None:
        event["session_id"] = annotation.session_id
    return {"_dd.stage": "raw", "_dd.tracer_version": "spanbridge", "event_type": "span", "spans": [event]}


def evaluation_event(told: Evaluation, *, ml_app: str) -> dict[str, Any]:
    """One score."""
    event: dict[str, Any] = {
        "join_on": {"span": {"span_id": str(int(told.span_id, 16)), "trace_id": told.trace_id}},
        "label": told.label,
        "metric_type": told.metric_type,
        "timestamp_ms": told.timestamp_ms,
        f"{told.metric_type}_value": told.value,
        "ml_app": ml_app,
        "tags": [f"ml_app:{ml_app}"],
    }
    if told.reason is not None:
        event["reasoning"] = told.reason
    return event
