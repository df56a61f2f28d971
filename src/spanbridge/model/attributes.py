"""The typed attributes of every span type: defined here, once.

From these definitions come the openers' keyword arguments that a type checker sees (`tracing/openers.pyi`), the
validation at the borders (`model/validation.py`) and the table in `docs/span-types.md`. Every attribute is optional unless its
type is wrapped in `Required`, and an attribute that a type does not define is kept as it is.

Names are snake_case and carry their unit: `_ms` milliseconds, `_count` a number of things; `_time` is a time in
nanoseconds since the epoch. The set of types and attributes follows Mastra's span model (`@mastra/core` 1.71), with names that
OpenTelemetry's GenAI conventions share where they have one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from typing_extensions import Required, TypedDict

from spanbridge.model.span_types import SpanType
from spanbridge.model.usage import Usage, UsageDict


class CostContext(TypedDict, total=False):
    """What a span's tokens cost. Written by spanbridge from its price table unless the caller reports a cost."""

    estimated_cost: Required[float | None]
    """Cost in `cost_unit`; None where it is unknown, with the `reason`."""
    cost_unit: str
    """ISO 4217 currency, lower case: "usd"."""
    reason: str | None
    """Why there is no cost, or None."""
    source: Literal["provider", "user_prices", "genai_prices"]
    provider: str
    model: str


class ModelToolDefinition(TypedDict, total=False):
    """A tool that a model was offered."""

    type: Required[str]
    name: Required[str]
    description: str
    parameters: dict[str, Any]
    """The arguments as a JSON Schema."""
    id: str
    """The provider's own id of a tool that it runs itself."""


class ModelParameters(TypedDict, total=False):
    """The parameters of a model call, under the names that providers share. Others are kept."""

    max_tokens: int
    temperature: float
    top_p: float
    top_k: int
    presence_penalty: float
    frequency_penalty: float
    stop_sequences: list[str]
    seed: int
    max_retries: int
    headers: dict[str, str]
    reasoning_effort: str


class TripwireAbort(TypedDict, total=False):
    """A processor that stopped a run."""

    reason: str
    processor_id: str
    retry: bool
    metadata: dict[str, Any]


class MessageListMutation(TypedDict, total=False):
    """One change that a processor made to the list of messages."""

    type: Required[Literal["add", "add_system", "remove_by_ids", "clear"]]
    source: str
    count: int
    ids: list[str]
    text: str
    tag: str
    message: dict[str, Any]


class SpanAttributes(TypedDict, total=False):
    """Attributes that a span of any type may have."""

    internal_usage: UsageDict
    """Tokens of hidden descendants, rolled up onto their nearest visible ancestor."""
    incomplete: Literal["closed", "garbage_collected", "cancelled", "cut"]
    """Why a stream or generator ended before it was exhausted."""


class ProcessorPipelineAttributes(SpanAttributes, total=False):
    """Attributes of steps that run as processors around a model."""

    processor_executor: Literal["workflow", "legacy"]
    processor_index: int
    """Position in the chain of processors, from 0."""
    processor_phase: Literal[
        "input",
        "input_step",
        "llm_request",
        "llm_response",
        "output_stream",
        "output_result",
        "output_step",
        "tool_result",
        "request_error",
    ]
    hook_duration_ms: float
    message_list_mutations: list[MessageListMutation]
    tripwire_abort: TripwireAbort


class AgentRunAttributes(SpanAttributes, total=False):
    agent_id: str
    """Stable id of the agent; becomes the span's `entity_id`."""
    agent_version: str
    """Version of the agent's definition that ran."""
    conversation_id: str
    instructions: str
    """The system prompt."""
    prompt: str
    available_tools: list[str]
    """Names of the tools that the agent may call."""
    max_steps: int
    tripwire_abort: TripwireAbort


class ModelGenerationAttributes(SpanAttributes, total=False):
    model: str
    """The model as requested: "gpt-5.4"."""
    provider: str
    """The provider as OpenTelemetry names it: "openai", "anthropic", "aws.bedrock"."""
    tools: list[ModelToolDefinition]
    tool_choice: str | dict[str, Any]
    result_type: Literal["tool_selection", "response_generation", "reasoning", "planning"]
    usage: Usage | UsageDict
    cost_context: CostContext
    parameters: ModelParameters
    streaming: bool
    finish_reason: str
    completion_start_time: int
    """When the first token arrived, in nanoseconds since the epoch."""
    response_model: str
    """The model that answered, where it differs from the one requested."""
    response_id: str
    server_address: str
    server_port: int
    prompt_name: str
    """Name of the managed prompt that the input was made from."""
    prompt_version: str
    """Version of that prompt."""


class ModelStepAttributes(SpanAttributes, total=False):
    model: str
    provider: str
    step_index: int
    """Turn of the loop, from 0."""
    usage: Usage | UsageDict
    cost_context: CostContext
    finish_reason: str
    is_continued: bool
    """Whether another turn follows."""
    warnings: list[Any]
    message_id: str
    prompt_name: str
    prompt_version: str


class ModelInferenceAttributes(SpanAttributes, total=False):
    model: str
    provider: str
    step_index: int
    """Turn of the loop that this call belongs to, from 0."""
    usage: Usage | UsageDict
    cost_context: CostContext
    finish_reason: str
    streaming: bool
    completion_start_time: int
    """When the first token arrived, in nanoseconds since the epoch."""
    warnings: list[Any]
    response_model: str
    response_id: str
    parameters: ModelParameters
    provider_options: dict[str, Any]
    available_tools: list[str]
    tool_choice: str | dict[str, Any]
    response_format: str | dict[str, Any]
    server_address: str
    server_port: int
    prompt_name: str
    prompt_version: str


class ModelChunkAttributes(SpanAttributes, total=False):
    chunk_type: str
    """"text", "reasoning", "tool-call", "object", "tool-result", "tool-call-approval"."""
    sequence_number: int
    """Position in the stream, from 0."""


class ToolCallAttributes(SpanAttributes, total=False):
    tool_type: str
    tool_description: str
    tool_call_id: str
    """The id that the model gave to the call."""
    success: bool


class McpToolCallAttributes(ToolCallAttributes, total=False):
    mcp_server: Required[str]
    """Name or address of the MCP server."""
    server_version: str
    mcp_protocol_version: str
    mcp_session_id: str


class McpServerRequestAttributes(SpanAttributes, total=False):
    mcp_method: Required[str]
    """"tools/call", "resources/list", ..."""
    mcp_server: Required[str]
    target_name: str
    server_version: str
    mcp_protocol_version: str
    mcp_session_id: str
    client_name: str
    client_version: str


class ClientToolCallAttributes(SpanAttributes, total=False):
    tool_type: str
    tool_description: str
    tool_call_id: str
    client_environment: str


class ProviderToolCallAttributes(ToolCallAttributes, total=False):
    pass


class ProcessorRunAttributes(ProcessorPipelineAttributes, total=False):
    pass


class WorkflowRunAttributes(SpanAttributes, total=False):
    workflow_id: str
    """Stable id of the workflow; becomes the span's `entity_id`."""
    status: str
    """The engine's own word for how the run stands."""


class WorkflowStepAttributes(SpanAttributes, total=False):
    step_id: str
    status: str
    """The engine's own word for how the step stands."""
    entry_description: str
    entry_metadata: dict[str, Any]


class WorkflowEntryAttributes(SpanAttributes, total=False):
    """Attributes of the entries of a workflow's graph."""

    entry_id: str
    entry_description: str
    entry_metadata: dict[str, Any]


class WorkflowConditionalAttributes(WorkflowEntryAttributes, total=False):
    condition_count: Required[int]
    truthy_indexes: list[int]
    """Positions of the conditions that held, from 0."""
    selected_steps: list[str]


class WorkflowConditionalEvalAttributes(SpanAttributes, total=False):
    condition_index: Required[int]
    """Position of the condition, from 0."""
    result: bool


class WorkflowParallelAttributes(WorkflowEntryAttributes, total=False):
    branch_count: Required[int]
    parallel_steps: list[str]


class WorkflowLoopAttributes(WorkflowEntryAttributes, total=False):
    loop_type: Literal["foreach", "dowhile", "dountil"]
    iteration: int
    """The turn that this span is, from 0."""
    total_iterations: int
    concurrency: int


class WorkflowSleepAttributes(WorkflowEntryAttributes, total=False):
    duration_ms: float
    until_date: datetime | str
    """End of the pause: a datetime, or ISO 8601."""
    sleep_type: Literal["fixed", "dynamic"]


class WorkflowWaitEventAttributes(SpanAttributes, total=False):
    event_name: str
    timeout_ms: float
    event_received: bool
    wait_duration_ms: float


class MemoryOperationAttributes(ProcessorPipelineAttributes, total=False):
    operation_type: Literal["recall", "save", "delete", "update", "observe", "reflect"]
    message_count: int
    embedding_tokens: int
    semantic_recall_enabled: bool
    vector_result_count: int
    working_memory_enabled: bool
    last_messages: int | Literal[False]
    """How many recent messages were asked for; False: none."""
    input_tokens: int
    selected_model: str
    multi_thread: bool


class WorkspaceActionAttributes(ProcessorPipelineAttributes, total=False):
    category: Required[Literal["filesystem", "sandbox", "search", "skill", "mount", "computer"]]
    workspace_id: str
    workspace_name: str
    sandbox_provider: str
    filesystem_provider: str
    success: bool


class RagIngestionAttributes(SpanAttributes, total=False):
    pipeline_name: str
    source_count: int
    vector_store: str
    index_name: str
    embedding_model: str
    embedding_provider: str


class RagEmbeddingAttributes(SpanAttributes, total=False):
    model: str
    provider: str
    dimensions: int
    input_count: int
    """How many texts were embedded."""
    mode: Literal["ingest", "query"]
    usage: Usage | UsageDict
    cost_context: CostContext


class RagVectorOperationAttributes(SpanAttributes, total=False):
    operation: Required[Literal["query", "upsert", "delete", "fetch"]]
    store: str
    index_name: str
    top_k: int
    dimensions: int


class RagActionAttributes(SpanAttributes, total=False):
    action: Required[Literal["chunk", "extract_metadata", "rerank"]]
    strategy: str
    """chunk: how the text was cut."""
    chunk_size: int
    chunk_overlap: int
    extractor: str
    """extract_metadata: what ran, with `model` and `provider`."""
    model: str
    provider: str
    candidate_count: int
    """rerank: how many went in."""
    top_n: int
    scorer: str


class GraphActionAttributes(SpanAttributes, total=False):
    action: Required[Literal["build", "traverse", "update", "prune"]]
    node_count: int
    edge_count: int
    threshold: float
    start_nodes: list[str]
    max_depth: int


class ScorerRunAttributes(SpanAttributes, total=False):
    scorer_id: str
    """Stable id of the scorer; becomes the span's `entity_id`."""
    scorer_name: str
    score_source: Literal["live", "trace", "experiment"]
    target_scope: Literal["span", "trajectory"]
    target_entity_type: str
    scorer_definition: Literal["code", "stored", "fs"]


class ScorerStepAttributes(SpanAttributes, total=False):
    step: str
    step_type: Literal["function", "prompt"]
    prompt: str
    judge_model: str


class ClassifierEvaluationAttributes(SpanAttributes, total=False):
    classifier_id: str
    model: str
    provider: str
    question_count: int
    question_types: list[str]
    max_retries: int
    attempt_count: int
    retry_count: int
    duration_ms: float
    usage: Usage | UsageDict
    cost_context: CostContext
    error_type: str


class MappingAttributes(SpanAttributes, total=False):
    mapping_type: str
    """What was mapped: "to_model_output", ..."""
    tool_call_id: str


class SkillActionAttributes(ProcessorPipelineAttributes, total=False):
    operation: Required[Literal["resolve", "inject", "activate", "search", "read"]]
    agent_id: str
    skill_count: int
    skill_format: str
    skill_name: str
    success: bool


class AgentSignalAttributes(SpanAttributes, total=False):
    state_id: str
    mode: Literal["snapshot", "delta"]
    tag_name: str
    processor_id: str


class GenericAttributes(SpanAttributes, total=False):
    pass


ATTRIBUTES: dict[SpanType, type] = {
    SpanType.AGENT_RUN: AgentRunAttributes,
    SpanType.MODEL_GENERATION: ModelGenerationAttributes,
    SpanType.MODEL_STEP: ModelStepAttributes,
    SpanType.MODEL_INFERENCE: ModelInferenceAttributes,
    SpanType.MODEL_CHUNK: ModelChunkAttributes,
    SpanType.TOOL_CALL: ToolCallAttributes,
    SpanType.MCP_TOOL_CALL: McpToolCallAttributes,
    SpanType.MCP_SERVER_REQUEST: McpServerRequestAttributes,
    SpanType.CLIENT_TOOL_CALL: ClientToolCallAttributes,
    SpanType.PROVIDER_TOOL_CALL: ProviderToolCallAttributes,
    SpanType.PROCESSOR_RUN: ProcessorRunAttributes,
    SpanType.WORKFLOW_RUN: WorkflowRunAttributes,
    SpanType.WORKFLOW_STEP: WorkflowStepAttributes,
    SpanType.WORKFLOW_CONDITIONAL: WorkflowConditionalAttributes,
    SpanType.WORKFLOW_CONDITIONAL_EVAL: WorkflowConditionalEvalAttributes,
    SpanType.WORKFLOW_PARALLEL: WorkflowParallelAttributes,
    SpanType.WORKFLOW_LOOP: WorkflowLoopAttributes,
    SpanType.WORKFLOW_SLEEP: WorkflowSleepAttributes,
    SpanType.WORKFLOW_WAIT_EVENT: WorkflowWaitEventAttributes,
    SpanType.MEMORY_OPERATION: MemoryOperationAttributes,
    SpanType.WORKSPACE_ACTION: WorkspaceActionAttributes,
    SpanType.RAG_INGESTION: RagIngestionAttributes,
    SpanType.RAG_EMBEDDING: RagEmbeddingAttributes,
    SpanType.RAG_VECTOR_OPERATION: RagVectorOperationAttributes,
    SpanType.RAG_ACTION: RagActionAttributes,
    SpanType.GRAPH_ACTION: GraphActionAttributes,
    SpanType.SCORER_RUN: ScorerRunAttributes,
    SpanType.SCORER_STEP: ScorerStepAttributes,
    SpanType.CLASSIFIER_EVALUATION: ClassifierEvaluationAttributes,
    SpanType.MAPPING: MappingAttributes,
    SpanType.SKILL_ACTION: SkillActionAttributes,
    SpanType.AGENT_SIGNAL: AgentSignalAttributes,
    SpanType.GENERIC: GenericAttributes,
}
