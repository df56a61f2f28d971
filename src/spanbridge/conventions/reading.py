"""An OpenTelemetry span as a record: the inverse of `writing`, and the reader of spans that follow the GenAI conventions.

A span that we wrote (`spanbridge.span.type` is on it) comes back as it was. Of any other, the attributes that the table knows, in their
newest or an older spelling, become typed ones, and all others stay as they are, under their own names: nothing is left out.
"""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from spanbridge.conventions import genai
from spanbridge.conventions.definitions import from_definitions, from_records
from spanbridge.conventions.messages import MESSAGES, from_messages
from spanbridge.conventions.values import JSON_KEYS, from_json, read
from spanbridge.conventions.writing import CAUSES, DERIVED_EVENT, EXCEPTION, LINK_TYPE, SPAN_ERROR
from spanbridge.model.payload import snapshot
from spanbridge.model.span import SpanRecord, Status
from spanbridge.model.span_types import SpanType

if TYPE_CHECKING:
    from spanbridge.conventions.genai import Convention, Row
    from spanbridge.conventions.otel_span import OtelEvent, OtelLink, OtelSpan


def read_span(span: OtelSpan) -> SpanRecord:
    """The record of an ended OpenTelemetry span. Its ids must be valid."""
    attributes = _Read(span.attributes)
    span_type = _own_type(attributes.values)
    is_ours = span_type is not None
    if span_type is None:
        span_type = _foreign_type(span, attributes.values)
    content = _read_fields(attributes, span_type, is_ours=is_ours)
    typed = content["attributes"]
    if not is_ours and isinstance(typed, dict):
        _read_told_otherwise(attributes, span, typed, genai.table_of(span_type).names)
    convention = genai.convention_of(genai.table_of(span_type), typed if isinstance(typed, dict) else {})
    _read_payloads(attributes, convention, content, is_ours=is_ours)
    content["name"] = attributes.take(genai.NAME, _own_name(attributes, span, convention))
    _read_events(span.events, content, is_ours=is_ours, failed=span.status == "error")
    if not is_ours and span.status == "error" and "error" not in content:
        content["error"] = _error_without_event(span)
    if "links" not in content and span.links:
        content["links"] = [_read_link(link) for link in span.links]
    status = _status(span, attributes.take(genai.STATUS))
    external, parent = attributes.take(genai.EXTERNAL_PARENT), attributes.take(genai.PARENT)
    record = SpanRecord(
        span.trace_id,
        span.span_id,
        span_type,
        span.start_ns,
        {},
        parent_span_id=parent if external is not None and external == span.parent_span_id else span.parent_span_id,
        external_parent_span_id=external,
        is_event=attributes.take(genai.IS_EVENT, False) is True,
        ended_at=span.end_ns,
        status=status,
        service_name=_text(span.resource.get("service.name")),
        environment=_text(
            span.resource.get("deployment.environment.name", span.resource.get("deployment.environment"))
        ),
        source=_text(attributes.take(genai.SOURCE, "spanbridge" if is_ours else span.scope)),
        redactions=attributes.take_prefixed(genai.REDACTIONS),
    )
    _read_sums(record, content, rolled_up=attributes.take(genai.ROLLED_UP) is True, span=span)
    if isinstance(typed, dict):
        _read_rest(attributes, typed, is_ours=is_ours)
    record.replace_content({field: snapshot(value) for field, value in content.items() if value is not None})
    record.encode_document()
    return record


class _Read:
    """Attributes that have not been taken yet, JSON as its value."""

    def __init__(self, attributes: dict[str, Any]) -> None:
        self._is_ours = genai.SPAN_TYPE in attributes
        noted = attributes.get(JSON_KEYS)
        self.json_keys = frozenset(noted) if isinstance(noted, (list, tuple)) else frozenset[Any]()
        self.values = {
            key: from_json(value) if key in self.json_keys else list(value) if isinstance(value, tuple) else value
            for key, value in attributes.items()
            if key != JSON_KEYS
        }

    def take(self, key: str, default: Any = None) -> Any:
        return self.values.pop(key, default)

    def take_prefixed(self, prefix: str) -> dict[str, Any]:
        return {key.removeprefix(prefix): self.values.pop(key) for key in list(self.values) if key.startswith(prefix)}

    def take_row(self, row: Row) -> tuple[bool, Any]:
        """Whether a row's attribute is there, and its value."""
        # What we write has the newest spelling; another is an attribute of the application's.
        for key in (row.key,) if self._is_ours else (row.key, *row.older):
            if key in self.values:
                value = self.values.pop(key)
                return True, value if key in self.json_keys else row.form.read(value)
        return False, None


def _own_type(values: dict[str, Any]) -> SpanType | None:
    with suppress(ValueError):
        return SpanType(values.pop(genai.SPAN_TYPE, None))
    return None


def _foreign_type(span: OtelSpan, values: dict[str, Any]) -> SpanType:
    operation = values.get(genai.OPERATION)
    if isinstance(operation, str) and operation in genai.OPERATIONS:
        return genai.OPERATIONS[operation]
    if "mcp.method.name" in values:
        return SpanType.MCP_SERVER_REQUEST if span.kind == "server" else SpanType.MCP_TOOL_CALL
    return SpanType.GENERIC


def _own_name(attributes: _Read, span: OtelSpan, convention: Convention) -> str:
    """The tool's or the agent's own name, where the span has one."""
    own = None if convention.name_key is None else attributes.values.get(convention.name_key)
    return own if isinstance(own, str) else span.name


# --- content ------------------------------------------------------------------------------------------------------------


def _read_fields(attributes: _Read, span_type: SpanType, *, is_ours: bool) -> dict[str, Any]:
    """Typed attributes, metadata, correlation and entity fields."""
    content: dict[str, Any] = {}
    for row in genai.FIELDS:
        found, value = attributes.take_row(row)
        if found:
            content[row.attribute] = value
    table = genai.table_of(span_type)
    own = attributes.take(genai.ALL_ATTRIBUTES, {})
    if not isinstance(own, dict):
        content["attributes"] = own
    else:
        typed: dict[str, Any] = {}
        if attributes.values.get(genai.ROLLED_UP) is True:
            attributes.take_prefixed("gen_ai.usage.")
        own_parameters = attributes.take(genai.PARAMETERS_FORM, ())
        for path, row in table.by_key.values():
            if row.key == genai.CONVERSATION and _is_derived_conversation(attributes, content):
                continue
            found, value = attributes.take_row(row)
            if found and row.form is genai.DEFINITIONS:
                value = from_definitions(value, attributes.take(genai.TOOLS_FORM))
            if found:
                _set(typed, path[1:] if path[0] == "parameters" and path[1] in own_parameters else path, value)
        # What no convention can hold says more than what stands beside.
        for key in [key for key in attributes.values if key.startswith(genai.PREFIX)]:
            if (name := key.removeprefix(genai.PREFIX)) in table.names and key not in genai.OWN_KEYS:
                _merge(typed, name, attributes.take(key))
        typed.update(attributes.take_prefixed(genai.CUSTOM), **own)
        content["attributes"] = typed
    metadata = attributes.take_prefixed(genai.METADATA)
    content["metadata"] = attributes.take(genai.ALL_METADATA, metadata)
    if not is_ours:
        _name_conversation(attributes, content, table.names)
    return content


def _is_derived_conversation(attributes: _Read, content: dict[str, Any]) -> bool:
    thread = content.get("thread_id")
    return thread is not None and attributes.values.get(genai.CONVERSATION) == thread


def _name_conversation(attributes: _Read, content: dict[str, Any], names: frozenset[str]) -> None:
    """The conversation that a span of another instrumentation belongs to, whose type here has no attribute for it."""
    if "conversation_id" not in names and isinstance(value := attributes.values.get(genai.CONVERSATION), str):
        content.setdefault("thread_id", value)


def _read_told_otherwise(attributes: _Read, span: OtelSpan, typed: dict[str, Any], names: frozenset[str]) -> None:
    """What our attributes say and other instrumentations tell by the operation, or in other units."""
    operation, first = attributes.values.get(genai.OPERATION), attributes.values.get(genai.FIRST_CHUNK)
    if isinstance(operation, str) and operation in genai.DECIDED:
        attribute, value = genai.DECIDED[operation]
        typed.setdefault(attribute, value)
    if "completion_start_time" in names and isinstance(first, (int, float)) and 0 <= first < 1e9:
        typed.setdefault("completion_start_time", span.start_ns + round(first * 1e9))


def _set(typed: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for step in path[:-1]:
        inner = typed.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        typed = inner
    typed[path[-1]] = value


def _merge(typed: dict[str, Any], name: str, value: Any) -> None:
    """Adds a nested attribute's parts without rows to those with."""
    there = typed.get(name)
    if isinstance(there, dict) and isinstance(value, dict):
        for inner, part in value.items():
            _merge(there, inner, part)
    else:
        typed[name] = value


def _read_payloads(attributes: _Read, convention: Convention, content: dict[str, Any], *, is_ours: bool) -> None:
    for field, key, own_key, form_key in (
        ("input", convention.input_key, genai.INPUT, genai.INPUT_FORM),
        ("output", convention.output_key, genai.OUTPUT, genai.OUTPUT_FORM),
    ):
        form = attributes.take(form_key)
        found, value = key in attributes.values, attributes.take(key)
        if own_key in attributes.values:
            content[field] = attributes.take(own_key)
        elif found and key in (genai.INPUT_MESSAGES, genai.OUTPUT_MESSAGES) and key not in attributes.json_keys:
            content[field] = from_messages(value, form or MESSAGES)
        elif found:
            content[field] = (
                from_records(from_json(value), form)
                if key in genai.RECORD_KEYS
                else value
                if is_ours
                else _structure(value)
            )


def _structure(value: Any) -> Any:
    """A mapping or a list that an instrumentation had to write as JSON; other text may be text."""
    parsed = from_json(value)
    return parsed if isinstance(parsed, (dict, list)) else value


def _read_rest(attributes: _Read, typed: dict[str, Any], *, is_ours: bool) -> None:
    """Whatever nobody took is an attribute, under its own name."""
    for key, value in attributes.values.items():
        if key not in genai.DERIVED or not is_ours:
            typed.setdefault(key, value)


# --- events, links, status ----------------------------------------------------------------------------------------------


class _Error(NamedTuple):
    field: str
    key: str


_ERROR_FIELDS = (
    _Error("type", "exception.type"),
    _Error("message", "exception.message"),
    _Error("stack", "exception.stacktrace"),
)


def _read_events(events: list[OtelEvent], content: dict[str, Any], *, is_ours: bool, failed: bool) -> None:
    """Events, and among them the error: the one that we marked, or the last exception of a span that failed."""
    error = None
    for number, event in enumerate(events):
        if event.name == EXCEPTION and (event.attributes.get(SPAN_ERROR) is True if is_ours else failed):
            error = number
    if error is not None and "error" not in content:
        content["error"] = _read_error(events[error])
    if "events" not in content:
        kept = [
            {"name": event.name, "time": event.time_ns, "attributes": read(event.attributes)}
            for number, event in enumerate(events)
            if number != error and not (is_ours and event.attributes.get(DERIVED_EVENT) is True)
        ]
        if kept:
            content["events"] = kept


def _read_error(event: OtelEvent) -> dict[str, Any]:
    attributes = read(event.attributes)
    error: dict[str, Any] = {field.field: attributes[field.key] for field in _ERROR_FIELDS if field.key in attributes}
    if CAUSES in attributes:
        error["causes"] = attributes[CAUSES]
    return error


def _error_without_event(span: OtelSpan) -> dict[str, Any]:
    """The error of a failed span that only its status and `error.type` tell of."""
    told = {"type": span.attributes.get(genai.ERROR_TYPE), "message": span.status_message}
    return {
        "type": "Error",
        "message": "",
        **{name: text for name, text in told.items() if isinstance(text, str) and text},
    }


def _read_link(link: OtelLink) -> dict[str, Any]:
    attributes = read(link.attributes)
    result: dict[str, Any] = {"trace_id": link.trace_id, "span_id": link.span_id}
    if LINK_TYPE in attributes:
        result["type"] = attributes.pop(LINK_TYPE)
    if attributes:
        result["attributes"] = attributes
    return result


@cache
def _statuses() -> dict[str, Status]:
    return {status.value: status for status in Status}


def _status(span: OtelSpan, own: Any) -> Status:
    """Unset is success: few instrumentations set it."""
    if isinstance(own, str) and own in _statuses():
        return _statuses()[own]
    return Status.ERROR if span.status == "error" else Status.OK


def _read_sums(record: SpanRecord, content: dict[str, Any], *, rolled_up: bool, span: OtelSpan) -> None:
    """The figures that lists and filters use."""
    typed = content["attributes"]
    if not isinstance(typed, dict):
        return
    model = typed.get("model", typed.get("response_model"))
    record.model = model if isinstance(model, str) else None
    usage = typed.get("usage")
    if rolled_up:
        record.billed_input_tokens = _count(span.attributes.get("gen_ai.usage.input_tokens")) or 0
        record.billed_output_tokens = _count(span.attributes.get("gen_ai.usage.output_tokens")) or 0
    elif isinstance(usage, dict):
        record.input_tokens, record.output_tokens = (
            _count(usage.get("input_tokens")),
            _count(usage.get("output_tokens")),
        )
        if any(key.startswith("gen_ai.usage.") for key in span.attributes):
            record.billed_input_tokens = record.input_tokens or 0
            record.billed_output_tokens = record.output_tokens or 0
    cost = typed.get("cost_context")
    amount = cost.get("estimated_cost") if isinstance(cost, dict) else None
    if isinstance(amount, (int, float)) and not isinstance(amount, bool):
        record.cost = float(amount)
        if record.billed_input_tokens or record.billed_output_tokens:
            record.billed_cost = record.cost


def _count(value: Any) -> int | None:
    return value if type(value) is int else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
