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
    """Who said so: the caller ("provider"), your own prices, or genai-prices."""
    provider: str
    """The provider whose price was taken."""
    model: str
    """The model whose price was taken."""


class ModelToolDefinition(TypedDict, total=False):
    """A tool that a model was offered."""

    type: Required[str]
    """"function", or the provider's own kind."""
    name: Required[str]
    """The name that the model calls."""
    description: str
    """What the model is told of it."""
    parameters: dict[str, Any]
    """The arguments as a JSON Schema."""
    id: str
    """The provider's own id of a tool that it runs itself."""


class ModelParameters(TypedDict, total=False):
    """The parameters of a model call, under the names that providers share. Others are kept."""

    max_tokens: int
    """Upper bound of the answer, in tokens."""
    temperature: float
    """Sampling temperature."""
    top_p: float
    """Nucleus sampling: the probability mass that is kept."""
    top_k: int
    """How many of the likeliest tokens are kept."""
    presence_penalty: float
    """Penalty for tokens that occurred."""
    frequency_penalty: float
    """Penalty by how often a token occurred."""
    stop_sequences: list[str]
    """Texts at which the model stops."""
    seed: int
    """Seed for repeatable sampling."""
    max_retries: int
    """How often the client tries again."""
    headers: dict[str, str]
    """Extra request headers; sensitive ones are redacted."""
    reasoning_effort: str
    """"low", "medium", "high" or the provider's own word."""


class TripwireAbort(TypedDict, total=False):
    """A processor that stopped a run."""

    reason: str
    """Why the run was stopped."""
    processor_id: str
    """The processor that did it."""
    retry: bool
    """Whether the run may be tried again."""
    metadata: dict[str, Any]
    """What the processor added."""


class MessageListMutation(TypedDict, total=False):
    """One change that a processor made to the list of messages."""

    type: Required[Literal["add", "add_system", "remove_by_ids", "clear"]]
    """What was done."""
    source: str
    """Who did it: a processor's name."""
    count: int
    """How many messages it touched."""
    ids: list[str]
    """Ids of the messages it touched."""
    text: str
    """Text of the message."""
    tag: str
    """Tag of the message."""
    message: dict[str, Any]
    """The message as it was added."""


class SpanAttributes(TypedDict, total=False):
    """Attributes that a span of any type may have."""

    hidden: list[Literal["input", "output"]]
    """What is hidden on purpose; written by spanbridge."""
    internal: bool
    """Whether it is a framework's own span, as it was opened; no exit gets it unless the configuration asks for it."""
    internal_usage: UsageDict
    """Tokens of hidden descendants, rolled up onto their nearest visible ancestor."""
    internal_cost: float
    """What those of them cost that no visible span reports, in US dollars."""
    incomplete: Literal["closed", "garbage_collected", "cancelled", "cut"]
    """Why a stream or generator ended before it was exhausted."""
    chunk_count: int
    """Chunks that a stream passed on."""
    attempt: int
    """Which attempt at its parent's step the span is, from 1."""
    max_attempts: int
    """How many attempts there are at most."""
    retry_delay_ms: float
    """Time since the attempt before ended, in milliseconds."""
    retry_reason: str
    """Why that one was not the last: the class of its exception, or "result"."""
    retry_count: int
    """How many attempts at the step were retries."""


class ProcessorPipelineAttributes(SpanAttributes, total=False):
    """Attributes of steps that run as processors around a model."""

    processor_executor: Literal["workflow", "legacy"]
    """What ran the processor."""
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
    """Where in the chain it ran."""
    hook_duration_ms: float
    """Time in the processor's own code, in milliseconds."""
    message_list_mutations: list[MessageListMutation]
    """What it changed in the list of messages."""
    tripwire_abort: TripwireAbort
    """Set where a processor stopped the run."""


class AgentRunAttributes(SpanAttributes, total=False):
    agent_id: str
    """Stable id of the agent; becomes the span's `entity_id`."""
    agent_version: str
    """Version of the agent's definition that ran."""
    conversation_id: str
    """The conversation that the run belongs to."""
    instructions: str
    """The system prompt."""
    prompt: str
    """The user's prompt, where it is one text."""
    available_tools: list[str]
    """Names of the tools that the agent may call."""
    max_steps: int
    """Upper bound of the agent's loop, in steps."""
    tripwire_abort: TripwireAbort
    """Set where a processor stopped the run."""


class ModelGenerationAttributes(SpanAttributes, ModelParameters, total=False):
    model: str
    """The model as requested: "gpt-5.4"."""
    provider: str
    """The provider as OpenTelemetry names it: "openai", "anthropic", "aws.bedrock"."""
    tools: list[ModelToolDefinition]
    """The tools that the model was offered."""
    tool_choice: str | dict[str, Any]
    """"auto", "none", "required", or the tool that was demanded."""
    result_type: Literal["tool_selection", "response_generation", "reasoning", "planning"]
    """What the generation was for."""
    usage: Usage | UsageDict
    """Tokens used; totals include their details."""
    cost_context: CostContext
    """What the tokens cost; filled in where it is not given."""
    parameters: ModelParameters
    """The parameters of the call, together; each may also be given as an attribute of its own."""
    streaming: bool
    """Whether the answer was streamed."""
    finish_reason: str
    """Why the model stopped: "stop", "length", "tool_calls", ..."""
    completion_start_time: int
    """When the first token arrived, in nanoseconds since the epoch."""
    response_model: str
    """The model that answered, where it differs from the one requested."""
    response_id: str
    """The provider's id of the answer."""
    server_address: str
    """Host that answered."""
    server_port: int
    """Its port."""
    prompt_name: str
    """Name of the managed prompt that the input was made from."""
    prompt_version: str
    """Version of that prompt."""


class ModelStepAttributes(SpanAttributes, total=False):
    model: str
    """The model as requested: "gpt-5.4"; where no model is named, its generation's model and provider."""
    provider: str
    """The provider as OpenTelemetry names it: "openai", "anthropic", "aws.bedrock"."""
    step_index: int
    """Turn of the loop, from 0."""
    usage: Usage | UsageDict
    """Tokens used; totals include their details."""
    cost_context: CostContext
    """What the tokens cost; filled in where it is not given."""
    finish_reason: str
    """Why the model stopped: "stop", "length", "tool_calls", ..."""
    is_continued: bool
    """Whether another turn follows."""
    warnings: list[Any]
    """What the provider warned of."""
    message_id: str
    """Id of the message that the step produced."""
    prompt_name: str
    """Name of the managed prompt that the input was made from."""
    prompt_version: str
    """Version of that prompt."""


class ModelInferenceAttributes(SpanAttributes, ModelParameters, total=False):
    model: str
    """The model as requested: "gpt-5.4"; where no model is named, its generation's model and provider."""
    provider: str
    """The provider as OpenTelemetry names it: "openai", "anthropic", "aws.bedrock"."""
    step_index: int
    """Turn of the loop that this call belongs to, from 0."""
    usage: Usage | UsageDict
    """Tokens used; totals include their details."""
    cost_context: CostContext
    """What the tokens cost; filled in where it is not given."""
    finish_reason: str
    """Why the model stopped: "stop", "length", "tool_calls", ..."""
    streaming: bool
    """Whether the answer was streamed."""
    completion_start_time: int
    """When the first token arrived, in nanoseconds since the epoch."""
    warnings: list[Any]
    """What the provider warned of."""
    response_model: str
    """The model that answered, where it differs from the one requested."""
    response_id: str
    """The provider's id of the answer."""
    parameters: ModelParameters
    """The parameters of the call, together; each may also be given as an attribute of its own."""
    provider_options: dict[str, Any]
    """Options that only this provider knows."""
    available_tools: list[str]
    """Names of the tools that the model was offered."""
    tool_choice: str | dict[str, Any]
    """"auto", "none", "required", or the tool that was demanded."""
    response_format: str | dict[str, Any]
    """"text", "json", "json_schema", or the schema's description."""
    server_address: str
    """Host that answered."""
    server_port: int
    """Its port."""
    prompt_name: str
    """Name of the managed prompt that the input was made from."""
    prompt_version: str
    """Version of that prompt."""


class ModelChunkAttributes(SpanAttributes, total=False):
    chunk_type: str
    """"text", "reasoning", "tool-call", "object", "tool-result", "tool-call-approval"."""
    sequence_number: int
    """Position in the stream, from 0."""


class ToolCallAttributes(SpanAttributes, total=False):
    tool_type: str
    """"function", "extension", or the framework's own word."""
    tool_description: str
    """What the model is told of the tool."""
    tool_call_id: str
    """The id that the model gave to the call."""
    success: bool
    """Whether it did what it was asked to."""


class McpToolCallAttributes(ToolCallAttributes, total=False):
    mcp_server: Required[str]
    """Name or address of the MCP server."""
    server_version: str
    """Version of the MCP server."""
    mcp_protocol_version: str
    """Version of the protocol."""
    mcp_session_id: str
    """The MCP session."""


class McpServerRequestAttributes(SpanAttributes, total=False):
    mcp_method: Required[str]
    """"tools/call", "resources/list", ..."""
    mcp_server: Required[str]
    """Name or address of the MCP server."""
    target_name: str
    """The tool, prompt or resource that was asked for."""
    server_version: str
    """Version of the MCP server."""
    mcp_protocol_version: str
    """Version of the protocol."""
    mcp_session_id: str
    """The MCP session."""
    client_name: str
    """Name of the MCP client."""
    client_version: str
    """Version of the MCP client."""


class ClientToolCallAttributes(SpanAttributes, total=False):
    tool_type: str
    """"function", "extension", or the framework's own word."""
    tool_description: str
    """What the model is told of the tool."""
    tool_call_id: str
    """The id that the model gave to the call."""
    client_environment: str
    """Where it ran: "browser", a device."""


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
    """Id of the step in its workflow."""
    status: str
    """The engine's own word for how the step stands."""
    entry_description: str
    """What the entry is for."""
    entry_metadata: dict[str, Any]
    """What the workflow's author attached to it."""


class WorkflowEntryAttributes(SpanAttributes, total=False):
    """Attributes of the entries of a workflow's graph."""

    entry_id: str
    """Id of the entry in the workflow's graph."""
    entry_description: str
    """What the entry is for."""
    entry_metadata: dict[str, Any]
    """What the workflow's author attached to it."""


class WorkflowConditionalAttributes(WorkflowEntryAttributes, total=False):
    condition_count: Required[int]
    """How many conditions the branch has."""
    truthy_indexes: list[int]
    """Positions of the conditions that held, from 0."""
    selected_steps: list[str]
    """Ids of the steps that were chosen."""


class WorkflowConditionalEvalAttributes(SpanAttributes, total=False):
    condition_index: Required[int]
    """Position of the condition, from 0."""
    result: bool
    """Whether the condition held."""


class WorkflowParallelAttributes(WorkflowEntryAttributes, total=False):
    branch_count: Required[int]
    """How many branches run."""
    parallel_steps: list[str]
    """Ids of the steps that run."""


class WorkflowLoopAttributes(WorkflowEntryAttributes, total=False):
    loop_type: Literal["foreach", "dowhile", "dountil"]
    """What kind of loop."""
    iteration: int
    """The turn that this span is, from 0."""
    total_iterations: int
    """How many turns in all."""
    concurrency: int
    """How many turns may run at once."""


class WorkflowSleepAttributes(WorkflowEntryAttributes, total=False):
    duration_ms: float
    """Length of the pause, in milliseconds."""
    until_date: datetime | str
    """End of the pause: a datetime, or ISO 8601."""
    sleep_type: Literal["fixed", "dynamic"]
    """Whether the pause was fixed or computed."""


class WorkflowWaitEventAttributes(SpanAttributes, total=False):
    event_name: str
    """The event that is waited for."""
    timeout_ms: float
    """How long it may wait, in milliseconds."""
    event_received: bool
    """Whether the event came."""
    wait_duration_ms: float
    """How long it waited, in milliseconds."""


class MemoryOperationAttributes(ProcessorPipelineAttributes, total=False):
    operation_type: Literal["recall", "save", "delete", "update", "observe", "reflect"]
    """What was done with the memory."""
    message_count: int
    """How many messages were read or written."""
    embedding_tokens: int
    """Tokens that were embedded for it."""
    semantic_recall_enabled: bool
    """Whether messages were searched by meaning."""
    vector_result_count: int
    """How many messages the search found."""
    working_memory_enabled: bool
    """Whether working memory was used."""
    last_messages: int | Literal[False]
    """How many recent messages were asked for; False: none."""
    input_tokens: int
    """Tokens of the messages that were looked at."""
    selected_model: str
    """The model that observed or reflected."""
    multi_thread: bool
    """Whether more than one thread was read."""


class WorkspaceActionAttributes(ProcessorPipelineAttributes, total=False):
    category: Required[Literal["filesystem", "sandbox", "search", "skill", "mount", "computer"]]
    """What kind of action."""
    workspace_id: str
    """Id of the workspace."""
    workspace_name: str
    """Name of the workspace."""
    sandbox_provider: str
    """What runs the sandbox."""
    filesystem_provider: str
    """What holds the files."""
    success: bool
    """Whether it did what it was asked to."""


class RagIngestionAttributes(SpanAttributes, total=False):
    pipeline_name: str
    """Name of the pipeline; becomes the span's `entity_id`."""
    source_count: int
    """How many sources went in."""
    vector_store: str
    """The store that is filled."""
    index_name: str
    """The index in the vector store."""
    embedding_model: str
    """The model that embeds."""
    embedding_provider: str
    """Its provider."""


class RagEmbeddingAttributes(SpanAttributes, total=False):
    model: str
    """The model as requested: "gpt-5.4"."""
    provider: str
    """The provider as OpenTelemetry names it: "openai", "anthropic", "aws.bedrock"."""
    dimensions: int
    """Length of a vector."""
    input_count: int
    """How many texts were embedded."""
    mode: Literal["ingest", "query"]
    """What the vectors are for."""
    usage: Usage | UsageDict
    """Tokens used; totals include their details."""
    cost_context: CostContext
    """What the tokens cost; filled in where it is not given."""


class RagVectorOperationAttributes(SpanAttributes, total=False):
    operation: Required[Literal["query", "upsert", "delete", "fetch"]]
    """What was done."""
    store: str
    """The vector store."""
    index_name: str
    """The index in the vector store."""
    top_k: int
    """How many neighbours were asked for."""
    dimensions: int
    """Length of a vector."""


class RagActionAttributes(SpanAttributes, total=False):
    action: Required[Literal["chunk", "extract_metadata", "rerank"]]
    """What was done; it decides which attributes apply."""
    strategy: str
    """chunk: how the text was cut."""
    chunk_size: int
    """chunk: upper bound of a piece, in the strategy's unit."""
    chunk_overlap: int
    """chunk: how much two pieces share, in the strategy's unit."""
    extractor: str
    """extract_metadata: what ran, with `model` and `provider`."""
    model: str
    """The model as requested: "gpt-5.4"."""
    provider: str
    """The provider as OpenTelemetry names it: "openai", "anthropic", "aws.bedrock"."""
    candidate_count: int
    """rerank: how many went in."""
    top_n: int
    """rerank: how many were kept."""
    scorer: str
    """rerank: what scored them."""


class GraphActionAttributes(SpanAttributes, total=False):
    action: Required[Literal["build", "traverse", "update", "prune"]]
    """What was done with the graph."""
    node_count: int
    """Nodes of the graph."""
    edge_count: int
    """Edges of the graph."""
    threshold: float
    """Similarity above which two nodes are joined."""
    start_nodes: list[str]
    """Where the walk began."""
    max_depth: int
    """How far it may go, in edges."""


class ScorerRunAttributes(SpanAttributes, total=False):
    scorer_id: str
    """Stable id of the scorer; becomes the span's `entity_id`."""
    scorer_name: str
    """Name of the scorer."""
    score: float | bool | str
    """What it says: a number, a verdict or a label."""
    reason: str
    """Why."""
    score_source: Literal["live", "trace", "experiment"]
    """What is scored: live traffic, a stored trace, an experiment."""
    target_scope: Literal["span", "trajectory"]
    """Whether a span or a whole trajectory is scored."""
    target_entity_type: str
    """The kind of entity that is scored."""
    scorer_definition: Literal["code", "stored", "fs"]
    """Where the scorer is defined."""


class ScorerStepAttributes(SpanAttributes, total=False):
    step: str
    """Name of the step."""
    step_type: Literal["function", "prompt"]
    """Whether it runs code or asks a model."""
    prompt: str
    """The prompt of a step that asks a model."""
    judge_model: str
    """The model that is asked."""


class ClassifierEvaluationAttributes(SpanAttributes, total=False):
    classifier_id: str
    """Stable id of the classifier."""
    model: str
    """The model as requested: "gpt-5.4"."""
    provider: str
    """The provider as OpenTelemetry names it: "openai", "anthropic", "aws.bedrock"."""
    question_count: int
    """How many questions were asked."""
    question_types: list[str]
    """Their kinds."""
    max_retries: int
    """How often the call may be tried again."""
    attempt_count: int
    """How many attempts were made."""
    duration_ms: float
    """Time of the evaluation, in milliseconds."""
    usage: Usage | UsageDict
    """Tokens used; totals include their details."""
    cost_context: CostContext
    """What the tokens cost; filled in where it is not given."""
    error_type: str
    """Kind of failure, where it failed."""


class MappingAttributes(SpanAttributes, total=False):
    mapping_type: str
    """What was mapped: "to_model_output", ..."""
    tool_call_id: str
    """The id that the model gave to the call."""


class SkillActionAttributes(ProcessorPipelineAttributes, total=False):
    operation: Required[Literal["resolve", "inject", "activate", "search", "read"]]
    """What was done with the skill."""
    agent_id: str
    """The agent that uses the skill."""
    skill_count: int
    """How many skills were found."""
    skill_format: str
    """Format of the skill's description."""
    skill_name: str
    """Name of the skill."""
    success: bool
    """Whether it did what it was asked to."""


class AgentSignalAttributes(SpanAttributes, total=False):
    state_id: str
    """Id of the state that the signal is about."""
    mode: Literal["snapshot", "delta"]
    """Whether it carries a whole state or a change."""
    tag_name: str
    """Tag of the signal."""
    processor_id: str
    """The processor that sent it."""


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
