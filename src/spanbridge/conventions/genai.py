"""The one table between our typed attributes and OpenTelemetry's names.

Sources: the GenAI semantic conventions (https://github.com/open-telemetry/semantic-conventions-genai, model/gen-ai and model/mcp,
November 2026; all of `gen_ai.*` is in development) and the general ones (`server.*`, `error.type`, `session.id`, `user.id`). The newest
spelling is written, and the older ones are read. What no convention has a name for stands under `spanbridge.` and our own name.

    CONVENTIONS   by span type: operation, kind, what the span's name names, where payloads stand
    ROWS          by attribute: the convention's key and the form of its value
    FIELDS        by field of the record: likewise
    DERIVED       keys that are written beside, and repeat what another key says
"""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from typing_extensions import get_type_hints

from spanbridge.conventions.values import AS_THEY_ARE, from_json, is_whole, json_text
from spanbridge.model.attributes import ATTRIBUTES
from spanbridge.model.span_types import SpanType

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanbridge.conventions.otel_span import Kind

PREFIX = "spanbridge."
SPAN_TYPE = PREFIX + "span.type"
"""The attribute that says which type a span has; it is on every span that we write."""
NAME = PREFIX + "name"
"""Our own name of the span, where OpenTelemetry's differs."""
METADATA = PREFIX + "metadata."
ALL_METADATA = PREFIX + "metadata"
"""The metadata, where they are many, or where a processor made something else than a mapping of them."""
CUSTOM = PREFIX + "attributes."
"""Before attributes of your own whose names are taken by a convention or by us; any other is written under its own name."""
ALL_ATTRIBUTES = PREFIX + "attributes"
"""Attributes of your own, where they are many; all, where a processor made something else than a mapping of them."""
MANY = 40
"""More metadata, or more attributes beside the typed ones, are written as one: backends and OpenTelemetry's SDK keep 128 of a span."""
REDACTIONS = PREFIX + "redactions."


# --- the forms of values ------------------------------------------------------------------------------------------------


class Form(NamedTuple):
    """How a value is written under a convention's key. A value that it does not accept goes under `spanbridge.` as it is."""

    accepts: Callable[[Any], bool]
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]
    as_it_is: type | None = None
    """The class whose values are all accepted, and written as they are."""


def _same(value: Any) -> Any:
    return value


def _first(value: Any) -> Any:
    """The first finish reason; some write the list as JSON text."""
    if isinstance(value, str) and value.startswith("["):
        value = from_json(value)
    return value[0] if isinstance(value, (list, tuple)) and value else value


def _instructions(value: Any) -> Any:
    """System instructions as one text; parts that are no text stay as they are."""
    parts = from_json(value)
    if isinstance(parts, list) and all(
        isinstance(part, dict) and part.keys() == {"type", "content"} and part["type"] == "text" for part in parts
    ):
        return "\n".join(str(part["content"]) for part in parts)
    return parts


def _is_number(value: Any) -> bool:
    return type(value) is float or (type(value) is int and abs(value) <= 2**53)


TEXT = Form(lambda value: type(value) is str, _same, _same, str)
TEXT_OR_NULL = Form(
    lambda value: value is None or (type(value) is str and value != ""),
    lambda value: value or "",
    lambda value: value or None,
)
"""An attribute cannot be null: the empty text stands for it."""
WHOLE = Form(is_whole, _same, _same)
NUMBER = Form(_is_number, float, _same, float)
SWITCH = Form(lambda value: type(value) is bool, _same, _same, bool)
TEXTS = Form(
    lambda value: type(value) is list and bool(value) and all([type(item) is str for item in value]),  # noqa: C419 - short lists
    _same,
    lambda value: list(value) if isinstance(value, tuple) else from_json(value),
)
FIRST = Form(lambda value: type(value) is str, lambda value: [value], _first)
"""One text as a list of one: there may be several answers, of which we record one."""
JSON = Form(lambda value: type(value) in (list, dict), json_text, from_json)
DEFINITIONS = Form(lambda _: False, json_text, from_json)
"""What `definitions` can convert is written by `writing`, with its form under `TOOLS_FORM`."""
INSTRUCTIONS = Form(
    lambda value: type(value) is str, lambda value: json_text([{"type": "text", "content": value}]), _instructions
)


# --- by attribute -------------------------------------------------------------------------------------------------------


class Row(NamedTuple):
    """One attribute, wherever a type defines it; `attribute` is a path into nested ones."""

    attribute: str
    key: str
    form: Form = TEXT
    older: tuple[str, ...] = ()
    """Older spellings, and those of other instrumentations: read, never written."""


ROWS: tuple[Row, ...] = (
    # who answers
    Row("model", "gen_ai.request.model"),
    Row("provider", "gen_ai.provider.name", older=("gen_ai.system",)),
    Row("response_model", "gen_ai.response.model"),
    Row("response_id", "gen_ai.response.id"),
    Row("server_address", "server.address"),
    Row("server_port", "server.port", WHOLE),
    # the request
    Row("parameters.max_tokens", "gen_ai.request.max_tokens", WHOLE),
    Row("parameters.temperature", "gen_ai.request.temperature", NUMBER),
    Row("parameters.top_p", "gen_ai.request.top_p", NUMBER),
    Row("parameters.top_k", "gen_ai.request.top_k", WHOLE),
    Row("parameters.presence_penalty", "gen_ai.request.presence_penalty", NUMBER),
    Row("parameters.frequency_penalty", "gen_ai.request.frequency_penalty", NUMBER),
    Row("parameters.stop_sequences", "gen_ai.request.stop_sequences", TEXTS),
    Row("parameters.seed", "gen_ai.request.seed", WHOLE, older=("gen_ai.openai.request.seed",)),
    Row("parameters.reasoning_effort", "gen_ai.request.reasoning.level"),
    Row("parameters.max_retries", "spanbridge.parameters.max_retries", WHOLE),
    Row("streaming", "gen_ai.request.stream", SWITCH, older=("gen_ai.is_streaming",)),
    Row("tools", "gen_ai.tool.definitions", DEFINITIONS),
    Row("prompt_name", "gen_ai.prompt.name"),
    Row("prompt_version", "gen_ai.prompt.version"),
    # the answer
    Row("finish_reason", "gen_ai.response.finish_reasons", FIRST),
    Row(
        "usage.input_tokens",
        "gen_ai.usage.input_tokens",
        WHOLE,
        older=("gen_ai.usage.prompt_tokens",),
    ),
    Row(
        "usage.output_tokens",
        "gen_ai.usage.output_tokens",
        WHOLE,
        older=("gen_ai.usage.completion_tokens",),
    ),
    Row(
        "usage.input_details.cache_read",
        "gen_ai.usage.cache_read.input_tokens",
        WHOLE,
        older=("gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.cache_read_tokens"),
    ),
    Row(
        "usage.input_details.cache_write",
        "gen_ai.usage.cache_write.input_tokens",
        WHOLE,
        older=("gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens"),
    ),
    Row("usage.input_details.cache_write_5m", "spanbridge.usage.input_details.cache_write_5m", WHOLE),
    Row("usage.input_details.cache_write_1h", "spanbridge.usage.input_details.cache_write_1h", WHOLE),
    # Not gen_ai.usage.text.*: that counts cached text too, ours does not.
    Row("usage.input_details.text", "spanbridge.usage.input_details.text", WHOLE),
    Row("usage.input_details.audio", "gen_ai.usage.audio.input_tokens", WHOLE),
    Row("usage.input_details.image", "gen_ai.usage.image.input_tokens", WHOLE),
    Row("usage.output_details.text", "spanbridge.usage.output_details.text", WHOLE),
    Row(
        "usage.output_details.reasoning",
        "gen_ai.usage.reasoning.output_tokens",
        WHOLE,
        older=("gen_ai.usage.reasoning_tokens",),
    ),
    Row("usage.output_details.audio", "gen_ai.usage.audio.output_tokens", WHOLE),
    Row("usage.output_details.image", "gen_ai.usage.image.output_tokens", WHOLE),
    Row("cost_context.estimated_cost", "spanbridge.cost_context.estimated_cost", NUMBER),
    Row("cost_context.cost_unit", "spanbridge.cost_context.cost_unit"),
    Row("cost_context.reason", "spanbridge.cost_context.reason", TEXT_OR_NULL),
    Row("cost_context.source", "spanbridge.cost_context.source"),
    Row("cost_context.provider", "spanbridge.cost_context.provider"),
    Row("cost_context.model", "spanbridge.cost_context.model"),
    # agents
    Row("agent_id", "gen_ai.agent.id"),
    Row("agent_version", "gen_ai.agent.version"),
    Row("conversation_id", "gen_ai.conversation.id"),
    Row("instructions", "gen_ai.system_instructions", INSTRUCTIONS),
    # tools
    Row("tool_type", "gen_ai.tool.type"),
    Row("tool_description", "gen_ai.tool.description"),
    Row("tool_call_id", "gen_ai.tool.call.id"),
    # MCP
    Row("mcp_method", "mcp.method.name"),
    Row("mcp_protocol_version", "mcp.protocol.version"),
    Row("mcp_session_id", "mcp.session.id"),
    # retrieval
    Row("index_name", "gen_ai.data_source.id"),
    Row("top_k", "gen_ai.request.top_k", WHOLE),
    Row("dimensions", "gen_ai.embeddings.dimension.count", WHOLE),
    # workflows: `spanbridge.status` is the span's own
    Row("status", "spanbridge.workflow.status"),
    # what spanbridge says where a processor failed
    Row("withheld", "spanbridge.withheld", JSON),
)

FIELDS: tuple[Row, ...] = (
    Row("user_id", "user.id", older=("enduser.id",)),
    Row("session_id", "session.id"),
    Row("organization_id", "spanbridge.organization_id"),
    Row("thread_id", "spanbridge.thread_id"),
    Row("run_id", "spanbridge.run_id"),
    Row("request_id", "spanbridge.request_id"),
    Row("resource_id", "spanbridge.resource_id"),
    Row("entity_type", "spanbridge.entity_type"),
    Row("entity_id", "spanbridge.entity_id"),
    Row("entity_name", "spanbridge.entity_name"),
    Row("tags", "spanbridge.tags", TEXTS),
    Row("events", "spanbridge.events", JSON),
    Row("links", "spanbridge.links", JSON),
    Row("error", "spanbridge.error", JSON),
)
"""Events, links and the error stand here only where OpenTelemetry's own forms cannot hold them."""


# --- by span type -------------------------------------------------------------------------------------------------------

INPUT, OUTPUT = PREFIX + "input", PREFIX + "output"
INPUT_MESSAGES, OUTPUT_MESSAGES = "gen_ai.input.messages", "gen_ai.output.messages"
TOOL_ARGUMENTS, TOOL_RESULT = "gen_ai.tool.call.arguments", "gen_ai.tool.call.result"


class Convention(NamedTuple):
    """How spans of one type look."""

    operation: str
    """`gen_ai.operation.name`; our own word where no convention has one, "" for none."""
    kind: Kind = "internal"
    target: str | None = None
    """The attribute that the span's name names after the operation; absent: the span's own name."""
    name_key: str | None = None
    """Where the span's own name stands beside."""
    input_key: str = INPUT
    output_key: str = OUTPUT


_TOOL = Convention("execute_tool", name_key="gen_ai.tool.name", input_key=TOOL_ARGUMENTS, output_key=TOOL_RESULT)
_CHAT = Convention("chat", "client", target="model", input_key=INPUT_MESSAGES, output_key=OUTPUT_MESSAGES)

CONVENTIONS: dict[SpanType, Convention] = {
    **{span_type: Convention(span_type.value) for span_type in SpanType},
    SpanType.AGENT_RUN: Convention(
        "invoke_agent", name_key="gen_ai.agent.name", input_key=INPUT_MESSAGES, output_key=OUTPUT_MESSAGES
    ),
    SpanType.MODEL_GENERATION: _CHAT,
    SpanType.MODEL_INFERENCE: _CHAT,
    SpanType.MODEL_STEP: _CHAT._replace(operation="model_step", kind="internal", target=None),
    SpanType.TOOL_CALL: _TOOL,
    SpanType.CLIENT_TOOL_CALL: _TOOL,
    SpanType.PROVIDER_TOOL_CALL: _TOOL,
    SpanType.MCP_TOOL_CALL: _TOOL._replace(kind="client"),
    SpanType.MCP_SERVER_REQUEST: Convention("mcp_server_request", "server", target="target_name"),
    SpanType.WORKFLOW_RUN: Convention("invoke_workflow", name_key="gen_ai.workflow.name"),
    SpanType.RAG_EMBEDDING: Convention("embeddings", "client", target="model"),
    SpanType.RAG_VECTOR_OPERATION: Convention("rag_vector_operation", "client", target="index_name"),
    SpanType.CLASSIFIER_EVALUATION: Convention("classifier_evaluation", "client"),
    SpanType.GENERIC: Convention(""),
}

VARIANTS: dict[tuple[SpanType, str, str], Convention] = {
    (SpanType.RAG_VECTOR_OPERATION, "operation", "query"): Convention(
        "retrieval",
        "client",
        target="index_name",
        input_key="gen_ai.retrieval.query.text",
        output_key="gen_ai.retrieval.documents",
    ),
    (SpanType.MEMORY_OPERATION, "operation_type", "recall"): Convention(
        "search_memory", target="", input_key="gen_ai.memory.query.text", output_key="gen_ai.memory.records"
    ),
    (SpanType.MEMORY_OPERATION, "operation_type", "save"): Convention("upsert_memory", target=""),
    (SpanType.MEMORY_OPERATION, "operation_type", "update"): Convention("update_memory", target=""),
    (SpanType.MEMORY_OPERATION, "operation_type", "delete"): Convention("delete_memory", target=""),
}
"""Where one attribute's value decides: (type, attribute, value)."""
_DECIDING = {span_type: attribute for span_type, attribute, _ in VARIANTS}

DECIDED: dict[str, tuple[str, str]] = {
    "create_memory": ("operation_type", "save"),
    **{convention.operation: (attribute, value) for (_, attribute, value), convention in VARIANTS.items()},
}
"""What the operation of a span that was recorded by somebody else says about such an attribute."""

RECORD_KEYS = {"gen_ai.retrieval.documents": False, "gen_ai.memory.records": True}
"""Keys whose values are lists of records, and whether each must have a content."""
TEXT_ONLY_KEYS = frozenset({"gen_ai.retrieval.query.text", "gen_ai.memory.query.text"})
"""Keys whose values are one text; another input stands under `spanbridge.input`."""

OPERATIONS: dict[str, SpanType] = {
    "create_agent": SpanType.AGENT_RUN,
    "generate_content": SpanType.MODEL_GENERATION,
    "text_completion": SpanType.MODEL_GENERATION,
    "fetch_response": SpanType.MODEL_GENERATION,
    "plan": SpanType.WORKFLOW_STEP,
    "create_memory": SpanType.MEMORY_OPERATION,
    "create_memory_store": SpanType.MEMORY_OPERATION,
    "delete_memory_store": SpanType.MEMORY_OPERATION,
    **{convention.operation: span_type for (span_type, _, _), convention in VARIANTS.items()},
    # The first type of those that share an operation.
    **{CONVENTIONS[span_type].operation: span_type for span_type in reversed(SpanType)},
}
"""The type of a span that was recorded by somebody else, by its `gen_ai.operation.name`."""

PROVIDERS: dict[str, str] = {
    "azure": "azure.ai.openai",
    "azureopenai": "azure.ai.openai",
    "azureaiinference": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "awsbedrock": "aws.bedrock",
    "amazonbedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "googlegemini": "gcp.gemini",
    "google": "gcp.gen_ai",
    "googlegenai": "gcp.gen_ai",
    "vertexai": "gcp.vertex_ai",
    "googlevertexai": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "moonshot": "moonshot_ai",
    "moonshotai": "moonshot_ai",
    "watsonx": "ibm.watsonx.ai",
    "watsonxai": "ibm.watsonx.ai",
    "xai": "x_ai",
    "grok": "x_ai",
}
"""Other words for the convention's well-known providers, in letters and digits only."""

CONVERSATION = "gen_ai.conversation.id"
OPERATION = "gen_ai.operation.name"
FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
OUTPUT_TYPE = "gen_ai.output.type"
ERROR_TYPE = "error.type"
STATUS = PREFIX + "status"
IS_EVENT = PREFIX + "is_event"
SOURCE = PREFIX + "source"
INPUT_FORM, OUTPUT_FORM, TOOLS_FORM = PREFIX + "input_form", PREFIX + "output_form", PREFIX + "tools_form"
PARAMETERS_FORM = PREFIX + "parameters_form"
"""Which parameters of a model's call were attributes of their own, and not parts of `parameters`."""
EXTERNAL_PARENT = PREFIX + "external_parent_span_id"
PARENT = PREFIX + "parent_span_id"
"""Our own parent, where a span of another tracer's stands between."""
ROLLED_UP = PREFIX + "usage_rolled_up"
"""Whether the tokens on a span are those of its descendants, which then have none of their own under `gen_ai.usage`."""

DERIVED = frozenset(
    {
        OPERATION,
        FIRST_CHUNK,
        OUTPUT_TYPE,
        ERROR_TYPE,
        CONVERSATION,
        "mcp.method.name",
        *(convention.name_key for convention in CONVENTIONS.values() if convention.name_key),
    }
)
OUTPUT_TYPES = {"text": "text", "json": "json", "json_object": "json", "json_schema": "json"}
"""`gen_ai.output.type` by our `response_format`."""

OWN_KEYS = frozenset(
    {
        SPAN_TYPE,
        NAME,
        INPUT,
        OUTPUT,
        INPUT_FORM,
        OUTPUT_FORM,
        TOOLS_FORM,
        PARAMETERS_FORM,
        STATUS,
        IS_EVENT,
        SOURCE,
        EXTERNAL_PARENT,
        PARENT,
        ROLLED_UP,
        ALL_METADATA,
        ALL_ATTRIBUTES,
        *(row.key for row in FIELDS),
    }
)


def convention_of(table: TypeTable, attributes: dict[str, Any]) -> Convention:
    """How a span of the table's type, with these attributes, looks."""
    deciding = table.deciding
    if deciding is not None and isinstance(value := attributes.get(deciding), str):
        return table.variants.get(value, table.convention)
    return table.convention


# --- the table, as both directions look things up -----------------------------------------------------------------------


class Plan(NamedTuple):
    """How attributes are written, or the parts of one."""

    rows: dict[str, Row | Plan]
    """An attribute's row by its name, or the plan of its parts."""
    keys: dict[tuple[str, type], str]
    """The convention's key by the attribute's name and the class of its value, where that is written as it is: most are."""


class TypeTable(NamedTuple):
    """The rows of one span type."""

    type_name: str
    plan: Plan
    by_key: dict[str, tuple[tuple[str, ...], Row]]
    """Path and row by the convention's key."""
    names: frozenset[str]
    """Typed attributes, with or without a row."""
    parameters: dict[str, Row]
    """The rows of the parts of `parameters`, which may be attributes of their own as well."""
    taken: frozenset[str]
    """Keys that an attribute of your own must not have."""
    convention: Convention
    deciding: str | None
    """The attribute whose value decides for one of `variants`."""
    variants: dict[str, Convention]


@cache
def table_of(span_type: SpanType) -> TypeTable:
    """What of the table concerns spans of `span_type`: attributes without a row stand under `spanbridge.` and their name."""
    names = {*get_type_hints(ATTRIBUTES[span_type]), "withheld"}
    plan = Plan({}, {(name, cls): PREFIX + name for name in names for cls in AS_THEY_ARE})
    by_key: dict[str, tuple[tuple[str, ...], Row]] = {}
    paths = {row: tuple(row.attribute.split(".")) for row in ROWS}
    parameters = {path[1]: row for row, path in paths.items() if path[0] == "parameters" and "parameters" in names}
    for row, path in paths.items():
        if path[0] not in names or path[0] in parameters:
            continue
        by_key[row.key] = (path, row)
        level = plan
        for step in path[:-1]:
            level = cast("Plan", level.rows.setdefault(step, Plan({}, {})))
        level.rows[path[-1]] = row
        for cls in AS_THEY_ARE:
            plan.keys.pop((path[0], cls), None)
        if row.form.as_it_is is not None:
            level.keys[path[-1], row.form.as_it_is] = row.key
    payloads = {
        key for item in (CONVENTIONS[span_type], *VARIANTS.values()) for key in (item.input_key, item.output_key)
    }
    taken = frozenset({*by_key, *DERIVED, *payloads, *(row.key for row in FIELDS), ""})
    variants = {value: variant for (of_type, _, value), variant in VARIANTS.items() if of_type is span_type}
    convention, deciding = CONVENTIONS[span_type], _DECIDING.get(span_type)
    return TypeTable(span_type.value, plan, by_key, frozenset(names), parameters, taken, convention, deciding, variants)
