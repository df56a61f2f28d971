"""One processed record as LLM Observability sees it: what bridge and exporter both send."""

# Values of any shape pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spanbridge.model.span import Status
from spanbridge.model.span_types import SPAN_TYPES
from spanbridge_llmobs.caps import MAX_METADATA_CHARACTERS, Budget, json_text
from spanbridge_llmobs.documents import documents, embedding_text
from spanbridge_llmobs.kinds import KINDS, MODEL_CALLS, Kind, kind_of
from spanbridge_llmobs.messages import input_messages, output_messages
from spanbridge_llmobs.metrics import time_to_first_token, usage_metrics
from spanbridge_llmobs.tags import promote, span_tags

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spanbridge.model.span import SpanRecord

_ELSEWHERE = frozenset({"usage", "model", "provider", "tools", "cost_context", "parameters", "completion_start_time"})
"""Attributes of a model call that have a field of their own."""
_ERROR_STATUSES = frozenset({Status.ERROR, Status.ABANDONED})


@dataclass
class Annotation:
    """What LLM Observability is told of one span. Everything is plain JSON of the shapes that ddtrace takes."""

    name: str
    kind: Kind | None
    metrics: dict[str, float]
    metadata: dict[str, Any]
    tags: dict[str, str]
    session_id: str | None
    input: Any = None
    """Messages for "llm", documents for "embedding", else text or a JSON value."""
    output: Any = None
    """Messages for "llm", documents for "retrieval", else text or a JSON value."""
    model_name: str | None = None
    model_provider: str | None = None
    tool_definitions: Sequence[dict[str, Any]] = ()
    error: dict[str, str] | None = None
    """`type`, `message`, `stack`; below the stack, a line for each exception behind the error."""

    @property
    def reports_usage(self) -> bool:
        """Whether it has tokens."""
        return "input_tokens" in self.metrics or "output_tokens" in self.metrics


def annotate(
    record: SpanRecord,
    *,
    has_model_child: bool = False,
    children_report_usage: bool = False,
    promoted_keys: Sequence[str] = (),
) -> Annotation:
    """
    Args:
        record: A span that left the processor chain; it is only read.
        has_model_child: Whether a span of the same model call started right below it.
        children_report_usage: Whether such a span sent tokens: then this one sends none, so that none count twice.
        promoted_keys: Request-context keys that become tags; dotted ones stand for nested values.
    """
    content = record.decoded()
    attributes: dict[str, Any] = content.get("attributes") or {}
    metadata: dict[str, Any] = content.get("metadata") or {}
    promoted: dict[str, Any] = {}
    if promoted_keys:
        attributes, metadata = dict(attributes), dict(metadata)
        promoted = promote(promoted_keys, metadata, attributes)
    kind = kind_of(record.type, attributes, has_model_child=has_model_child)
    is_model = SPAN_TYPES[record.type].is_model
    metrics: dict[str, float] = {}
    if is_model and not children_report_usage:
        metrics = usage_metrics(attributes, has_no_output=KINDS[record.type] == "embedding")
    if kind == "llm" and "completion_start_time" in attributes:
        metrics.update(time_to_first_token(attributes, record.started_at))
    annotation = Annotation(
        name=content.get("name", ""),
        kind=kind,
        metrics=metrics,
        metadata=_metadata(metadata, attributes, is_model=is_model),
        tags=span_tags(record, content, promoted),
        session_id=content.get("session_id") or None,
    )
    annotation.input, annotation.output = _io(content.get("input"), content.get("output"), kind)
    if record.status is not Status.OK:
        annotation.error = _error(record.status, content.get("error"))
    if is_model:
        annotation.model_name = _word(attributes.get("model")) or _word(attributes.get("response_model"))
        annotation.model_provider = _word(attributes.get("provider"))
    if kind == "llm" and "tools" in attributes and record.type in MODEL_CALLS:
        annotation.tool_definitions = _tool_definitions(attributes["tools"])
    return annotation


def _io(given: Any, gave: Any, kind: Kind | None) -> tuple[Any, Any]:
    if kind == "llm":
        return input_messages(given) or None, output_messages(gave) or None
    if kind == "embedding":
        return documents(given) or None, None if gave is None else embedding_text(gave)
    if kind == "retrieval":
        return _text(given), documents(gave) or None
    return _text(given), _text(gave)


def _text(value: Any) -> str | None:
    return None if value is None else Budget().text(json_text(value))


def _metadata(metadata: dict[str, Any], attributes: dict[str, Any], *, is_model: bool) -> dict[str, Any]:
    """The span's metadata and typed attributes together; the attribute wins. A model's parameters stand beside them."""
    merged = metadata.copy()
    if not is_model:
        merged.update(attributes)
    else:
        if isinstance(parameters := attributes.get("parameters"), dict):
            merged.update(parameters)
        for name, value in attributes.items():
            if name not in _ELSEWHERE:
                merged[name] = value
    merged = {str(name): value for name, value in merged.items() if value is not None and name != "_dd"}
    if merged and len(json_text(merged)) > MAX_METADATA_CHARACTERS:
        budget = Budget(MAX_METADATA_CHARACTERS)
        merged = {name: budget.text(json_text(value)) for name, value in merged.items() if not budget.is_spent}
    return merged


def _error(status: Status, error: Any) -> dict[str, str] | None:
    if status not in _ERROR_STATUSES:
        return None
    if not isinstance(error, dict):
        return {"type": status.value, "message": "", "stack": ""}
    told = {key: json_text(error.get(key) or "") for key in ("type", "message", "stack")}
    causes = error.get("causes")
    behind = [
        f"{cause.get('relation', 'cause')} {cause.get('type')}: {cause.get('message')}"
        for cause in (causes if isinstance(causes, list) else [])
        if isinstance(cause, dict)
    ]
    if behind:
        told["stack"] = "\n".join([told["stack"].rstrip(), *behind])
    return told


_DECLARATIONS = ("functionDeclarations", "function_declarations")
"""Where Gemini's tool holds its functions."""
_TOOL = ("function", "toolSpec")
"""What OpenAI and Bedrock wrap a tool in."""
_SCHEMAS = ("parameters", "input_schema", "inputSchema", "schema", "parameters_json_schema", "parametersJsonSchema")


def _each_tool(tools: Any) -> Iterator[dict[str, Any]]:
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, str):
            yield {"name": tool}
        elif isinstance(tool, dict):
            declared = next((tool[key] for key in _DECLARATIONS if isinstance(tool.get(key), list)), None)
            if declared is None:
                yield next((tool[key] for key in _TOOL if isinstance(tool.get(key), dict)), tool)
            else:
                yield from (function for function in declared if isinstance(function, dict))


def _tool_definitions(tools: Any) -> list[dict[str, Any]]:
    definitions: list[dict[str, Any]] = []
    for tool in _each_tool(tools):
        if not isinstance(name := tool.get("name"), str) or not name:
            continue
        definition: dict[str, Any] = {"name": name}
        if isinstance(tool.get("description"), str):
            definition["description"] = tool["description"]
        schema = next((tool[key] for key in _SCHEMAS if isinstance(tool.get(key), dict)), None)
        if schema is not None:
            definition["schema"] = schema["json"] if schema.keys() == {"json"} else schema  # Bedrock's
        definitions.append(definition)
    if len(json_text(definitions)) > MAX_METADATA_CHARACTERS:
        return [{"name": definition["name"]} for definition in definitions]
    return definitions


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
