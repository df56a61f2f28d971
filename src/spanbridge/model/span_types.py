"""The span types: one row per type, from which every other table of types is checked."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class SpanType(str, Enum):
    """What an agent's step is. Values are stable: they are stored, exported and compared as strings."""

    AGENT_RUN = "agent_run"
    MODEL_GENERATION = "model_generation"
    MODEL_STEP = "model_step"
    MODEL_INFERENCE = "model_inference"
    MODEL_CHUNK = "model_chunk"
    TOOL_CALL = "tool_call"
    MCP_TOOL_CALL = "mcp_tool_call"
    MCP_SERVER_REQUEST = "mcp_server_request"
    CLIENT_TOOL_CALL = "client_tool_call"
    PROVIDER_TOOL_CALL = "provider_tool_call"
    PROCESSOR_RUN = "processor_run"
    WORKFLOW_RUN = "workflow_run"
    WORKFLOW_STEP = "workflow_step"
    WORKFLOW_CONDITIONAL = "workflow_conditional"
    WORKFLOW_CONDITIONAL_EVAL = "workflow_conditional_eval"
    WORKFLOW_PARALLEL = "workflow_parallel"
    WORKFLOW_LOOP = "workflow_loop"
    WORKFLOW_SLEEP = "workflow_sleep"
    WORKFLOW_WAIT_EVENT = "workflow_wait_event"
    MEMORY_OPERATION = "memory_operation"
    WORKSPACE_ACTION = "workspace_action"
    RAG_INGESTION = "rag_ingestion"
    RAG_EMBEDDING = "rag_embedding"
    RAG_VECTOR_OPERATION = "rag_vector_operation"
    RAG_ACTION = "rag_action"
    GRAPH_ACTION = "graph_action"
    SCORER_RUN = "scorer_run"
    SCORER_STEP = "scorer_step"
    CLASSIFIER_EVALUATION = "classifier_evaluation"
    MAPPING = "mapping"
    SKILL_ACTION = "skill_action"
    AGENT_SIGNAL = "agent_signal"
    GENERIC = "generic"

    __str__ = str.__str__


class SpanTypeInfo(NamedTuple):
    """One row of the table of span types."""

    description: str
    entity_type: str | None = None
    """The kind of entity that a span of this type stands for; None: it belongs to its parent's entity."""
    entity_id_attribute: str | None = None
    """The typed attribute that names the entity; the span's own name where it is absent."""
    is_model: bool = False
    """Whether `usage` on such a span is spent tokens, and so is priced and summed."""


SPAN_TYPES: dict[SpanType, SpanTypeInfo] = {
    SpanType.AGENT_RUN: SpanTypeInfo("One run of an agent, from its input to its answer.", "agent", "agent_id"),
    SpanType.MODEL_GENERATION: SpanTypeInfo("A model's work for one request, all its steps together.", is_model=True),
    SpanType.MODEL_STEP: SpanTypeInfo(
        "One turn of a model loop: an inference and the tools it asked for.", is_model=True
    ),
    SpanType.MODEL_INFERENCE: SpanTypeInfo("One call of a model provider, and nothing else.", is_model=True),
    SpanType.MODEL_CHUNK: SpanTypeInfo("A piece of a model's stream."),
    SpanType.TOOL_CALL: SpanTypeInfo("A tool that ran in this application.", "tool"),
    SpanType.MCP_TOOL_CALL: SpanTypeInfo("A tool of an MCP server, seen from the client.", "tool"),
    SpanType.MCP_SERVER_REQUEST: SpanTypeInfo("A request that an MCP server handled.", "mcp_server", "mcp_server"),
    SpanType.CLIENT_TOOL_CALL: SpanTypeInfo("A tool that ran in the client (a browser, a device).", "tool"),
    SpanType.PROVIDER_TOOL_CALL: SpanTypeInfo("A tool that the model's provider ran.", "tool"),
    SpanType.PROCESSOR_RUN: SpanTypeInfo("A step that changes messages before or after a model.", "processor"),
    SpanType.WORKFLOW_RUN: SpanTypeInfo("One run of a workflow.", "workflow_run", "workflow_id"),
    SpanType.WORKFLOW_STEP: SpanTypeInfo("One step of a workflow.", "workflow_step"),
    SpanType.WORKFLOW_CONDITIONAL: SpanTypeInfo("A branch of a workflow, with all its conditions."),
    SpanType.WORKFLOW_CONDITIONAL_EVAL: SpanTypeInfo("The evaluation of one condition."),
    SpanType.WORKFLOW_PARALLEL: SpanTypeInfo("Steps of a workflow that run side by side."),
    SpanType.WORKFLOW_LOOP: SpanTypeInfo("A loop of a workflow."),
    SpanType.WORKFLOW_SLEEP: SpanTypeInfo("A pause of a workflow."),
    SpanType.WORKFLOW_WAIT_EVENT: SpanTypeInfo("A workflow that waits for an event."),
    SpanType.MEMORY_OPERATION: SpanTypeInfo("Reading or writing an agent's memory.", "memory"),
    SpanType.WORKSPACE_ACTION: SpanTypeInfo("An action on a workspace: files, a sandbox, a search, a computer."),
    SpanType.RAG_INGESTION: SpanTypeInfo("A pipeline that fills a vector store.", "rag_ingestion", "pipeline_name"),
    SpanType.RAG_EMBEDDING: SpanTypeInfo("A call of an embedding model.", is_model=True),
    SpanType.RAG_VECTOR_OPERATION: SpanTypeInfo("A query or a write of a vector store."),
    SpanType.RAG_ACTION: SpanTypeInfo("Chunking, metadata extraction or reranking."),
    SpanType.GRAPH_ACTION: SpanTypeInfo("Building, changing or walking a graph."),
    SpanType.SCORER_RUN: SpanTypeInfo("One run of a scorer.", "scorer", "scorer_id"),
    SpanType.SCORER_STEP: SpanTypeInfo("One step of a scorer."),
    SpanType.CLASSIFIER_EVALUATION: SpanTypeInfo("A classifier model that answers questions.", is_model=True),
    SpanType.MAPPING: SpanTypeInfo("Turning one step's result into another's input."),
    SpanType.SKILL_ACTION: SpanTypeInfo("Finding, reading or activating a skill."),
    SpanType.AGENT_SIGNAL: SpanTypeInfo("A signal that an agent received."),
    SpanType.GENERIC: SpanTypeInfo("Anything else."),
}
