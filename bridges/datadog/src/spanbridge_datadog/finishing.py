"""How a native span ends: with what left the processor chain, and nothing else."""

# ddtrace's own types are partly unknown to a type checker.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ddtrace.llmobs import LLMObs

from spanbridge.model.span_types import SpanType
from spanbridge_datadog import native
from spanbridge_llmobs.annotation import annotate
from spanbridge_llmobs.evaluation import SPAN_ID_TAG
from spanbridge_llmobs.kinds import HOLDS, KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanbridge.model.span import SpanRecord
    from spanbridge_datadog.handle import NativeSpan
    from spanbridge_llmobs.annotation import Annotation

_CLIENTS = frozenset(
    {SpanType.MODEL_GENERATION, SpanType.MODEL_INFERENCE, SpanType.MCP_TOOL_CALL, SpanType.RAG_EMBEDDING}
)
_SPAN_KINDS = {
    **dict.fromkeys(SpanType, "internal"),
    **dict.fromkeys(_CLIENTS, "client"),
    SpanType.MCP_SERVER_REQUEST: "server",
}
"""APM's `span.kind`."""
_SIDES = {
    kind: tuple(f"{side}_{HOLDS.get((str(kind), side), 'value')}" for side in ("input", "output"))
    for kind in set(KINDS.values())
}
"""By kind, the fields of the input and the output."""


def finish_native(
    handle: NativeSpan, record: SpanRecord, *, promoted_keys: Sequence[str], version: str | None, env: str | None
) -> None:
    """Annotates the span and finishes it at the record's end."""
    span = handle.span
    if span.duration_ns is not None:
        return
    annotation = annotate(
        record,
        has_model_child=handle.has_model_child,
        children_report_usage=handle.children_report_usage,
        promoted_keys=promoted_keys,
    )
    try:
        _tag(span, record, annotation, version=version, env=env)
        if handle.is_llm and LLMObs.enabled:
            _annotate(span, record, annotation, version=version, env=env)
        handle.reports_usage = handle.children_report_usage or annotation.reports_usage
        if handle.parent is not None and handle.reports_usage:
            handle.parent.children_report_usage = True
    finally:
        native.finish(span, record.ended_at or span.start_ns)


def release_native(handle: NativeSpan, reason: str, ended_at: int) -> None:
    """Finishes the span without content, at `ended_at`, nanoseconds since the epoch."""
    span = handle.span
    if span.duration_ns is None:
        span.resource = span.name
        span.set_tag("spanbridge.released", reason)
        native.forget_agent_name(span)
        native.finish(span, max(ended_at, span.start_ns))


def _tag(span: Any, record: SpanRecord, annotation: Annotation, *, version: str | None, env: str | None) -> None:
    """What APM shows."""
    span.resource = annotation.name
    span.set_tag("span.kind", _SPAN_KINDS[record.type])
    span.set_tags(annotation.tags)
    if annotation.session_id is not None:
        span.set_tag("session_id", annotation.session_id)
    if version is not None:
        span.set_tag("version", version)
    if env is not None:
        span.set_tag("env", env)
    if annotation.error is not None:
        # `set_exc_info` does nothing without a traceback object.
        span.error = 1
        for key, value in annotation.error.items():
            span.set_tag(f"error.{key}", value)


def _annotate(span: Any, record: SpanRecord, annotation: Annotation, *, version: str | None, env: str | None) -> None:
    """What LLM Observability shows."""
    kind = annotation.kind
    tags = annotation.tags | {SPAN_ID_TAG: record.span_id}
    if service := span.service:
        tags["service"] = service
    if version:
        tags["version"] = version
    if env:
        tags["env"] = env
    if annotation.session_id:
        tags["session_id"] = annotation.session_id
    given, gave = _SIDES[kind]
    fields = {
        "name": annotation.name,
        "kind": kind,
        "metadata": annotation.metadata,
        "metrics": annotation.metrics,
        "tags": tags,
        "session_id": annotation.session_id,
        given: annotation.input,
        gave: annotation.output,
    }
    if kind in {"llm", "embedding"}:
        fields["model_name"], fields["model_provider"] = annotation.model_name, annotation.model_provider
        fields["tool_definitions"] = annotation.tool_definitions
    native.forget_agent_name(span)
    native.set_llm_fields(span, {name: value for name, value in fields.items() if value})
