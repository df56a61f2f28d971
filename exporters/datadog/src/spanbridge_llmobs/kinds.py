"""Span types as kinds of LLM Observability (https://docs.datadoghq.com/llm_observability/terms/): one row per type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from spanbridge.model.span_types import SPAN_TYPES, SpanType

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["agent", "workflow", "llm", "tool", "task", "embedding", "retrieval"]

KINDS: dict[SpanType, Kind | None] = {
    SpanType.AGENT_RUN: "agent",
    SpanType.MODEL_GENERATION: "llm",
    SpanType.MODEL_STEP: "llm",
    SpanType.MODEL_INFERENCE: "llm",
    SpanType.MODEL_CHUNK: None,
    SpanType.TOOL_CALL: "tool",
    SpanType.MCP_TOOL_CALL: "tool",
    SpanType.MCP_SERVER_REQUEST: "task",
    SpanType.CLIENT_TOOL_CALL: "tool",
    SpanType.PROVIDER_TOOL_CALL: "tool",
    SpanType.PROCESSOR_RUN: "task",
    SpanType.WORKFLOW_RUN: "workflow",
    SpanType.WORKFLOW_STEP: "task",
    SpanType.WORKFLOW_CONDITIONAL: "task",
    SpanType.WORKFLOW_CONDITIONAL_EVAL: "task",
    SpanType.WORKFLOW_PARALLEL: "task",
    SpanType.WORKFLOW_LOOP: "task",
    SpanType.WORKFLOW_SLEEP: "task",
    SpanType.WORKFLOW_WAIT_EVENT: "task",
    SpanType.MEMORY_OPERATION: "retrieval",
    SpanType.WORKSPACE_ACTION: "task",
    SpanType.RAG_INGESTION: "workflow",
    SpanType.RAG_EMBEDDING: "embedding",
    SpanType.RAG_VECTOR_OPERATION: "retrieval",
    SpanType.RAG_ACTION: "task",
    SpanType.GRAPH_ACTION: "task",
    SpanType.SCORER_RUN: "workflow",
    SpanType.SCORER_STEP: "task",
    SpanType.CLASSIFIER_EVALUATION: "llm",
    SpanType.MAPPING: "task",
    SpanType.SKILL_ACTION: "task",
    SpanType.AGENT_SIGNAL: "task",
    SpanType.GENERIC: "task",
}
"""The kind with which a span starts; None: a plain APM span, no event of LLM Observability. `kind_of` says the final one."""

HOLDS: dict[tuple[str, str], Literal["messages", "documents"]] = {
    ("llm", "input"): "messages",
    ("llm", "output"): "messages",
    ("embedding", "input"): "documents",
    ("retrieval", "output"): "documents",
}
"""What the input or output of a kind is held as, where it is no "value": a text."""

MODEL_CALLS = {SpanType.MODEL_GENERATION: 0, SpanType.MODEL_STEP: 1, SpanType.MODEL_INFERENCE: 2}
"""Types of model calls, and how far inside of a call they stand: only the innermost of one call is of kind "llm"."""


def is_part_of_call(inner: SpanType, outer: SpanType) -> bool:
    """Whether a span right below another one stands for the same model call: a generation inside of a generation is a call of its own."""
    return inner in MODEL_CALLS and outer in MODEL_CALLS and MODEL_CALLS[inner] > MODEL_CALLS[outer]


_RETRIEVING = {
    SpanType.MEMORY_OPERATION: ("operation_type", frozenset({"recall"})),
    SpanType.RAG_VECTOR_OPERATION: ("operation", frozenset({"query", "fetch"})),
}
"""Types that retrieve or write, and the attribute that says which."""


def kind_of(span_type: SpanType, attributes: Mapping[str, Any], *, has_model_child: bool) -> Kind | None:
    """The kind of an ended span.

    Args:
        span_type: Its type.
        attributes: Its typed attributes.
        has_model_child: Whether a span of the same call started right below it: it then is the frame of a call, not the call.
    """
    kind = KINDS[span_type]
    if SPAN_TYPES[span_type].is_model and has_model_child:
        return "workflow"
    if span_type in _RETRIEVING:
        attribute, words = _RETRIEVING[span_type]
        said = attributes.get(attribute)
        return "task" if isinstance(said, str) and said not in words else kind
    return kind
