"""A record as an OpenTelemetry span: complete, so that `reading.read_span` gives the same record back."""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from spanbridge.conventions import genai
from spanbridge.conventions.definitions import to_definitions, to_records
from spanbridge.conventions.messages import MESSAGES, to_messages
from spanbridge.conventions.otel_span import SCOPE, OtelEvent, OtelLink, OtelSpan, StatusCode
from spanbridge.conventions.values import Attributes, written
from spanbridge.model.identifiers import is_span_id, is_trace_id
from spanbridge.model.payload import decode
from spanbridge.model.span import CONTENT_FIELDS, Status
from spanbridge.model.span_types import SpanType

if TYPE_CHECKING:
    from spanbridge.conventions.genai import Convention, Plan, Row, TypeTable
    from spanbridge.model.span import SpanRecord

EXCEPTION = "exception"
"""The event that holds the error, as OpenTelemetry's conventions name it."""
SPAN_ERROR = "spanbridge.span_error"
"""On the exception event that is the span's own error, and none that the application recorded."""
DERIVED_EVENT = "spanbridge.derived"
"""On an event that repeats what the span's attributes say."""
CAUSES = "spanbridge.exception.causes"
LINK_TYPE = "spanbridge.link.type"
MAX_NAME_LENGTH = 256
"""Of a span's name, in characters; backends group by it. The whole name stands in `spanbridge.name`."""

# Members of an enumeration cost a call each time they are looked up.
_MCP_TOOL_CALL, _MCP_SERVER_REQUEST, _SCORER_RUN = (
    SpanType.MCP_TOOL_CALL,
    SpanType.MCP_SERVER_REQUEST,
    SpanType.SCORER_RUN,
)
_OK, _ERROR = Status.OK, Status.ERROR

_STATUS: dict[Status, StatusCode] = {
    Status.ERROR: "error",
    Status.CANCELLED: "error",
    Status.ABANDONED: "error",
}
"""Others are unset. A span that was cancelled or abandoned did not do what it was asked to."""


def write_span(record: SpanRecord) -> OtelSpan:
    """`record`, which has ended, as an OpenTelemetry span."""
    # Decoded here and not kept: records wait for other exits, and theirs is the encoded form.
    content: dict[str, Any] = (
        decode(record.document)
        if record.document
        else {field: value for field in CONTENT_FIELDS if (value := record.get_content(field)) is not None}
    )
    span_type = record.type
    typed: Any = content.get("attributes", _NONE)
    attributes = Attributes()
    table = genai.table_of(span_type)
    if not isinstance(typed, dict):  # a processor put something else there
        attributes.put(genai.ALL_ATTRIBUTES, typed)
        typed = {}
    elif len(typed) > genai.MANY:
        typed = _fold_own(attributes, table, typed)
    convention = genai.convention_of(table, typed)
    attributes[genai.SPAN_TYPE] = table.type_name
    if convention.operation:
        attributes[genai.OPERATION] = convention.operation
    parameters = table.parameters and table.parameters.keys() & typed.keys()
    others = {name: value for name, value in typed.items() if name not in parameters} if parameters else typed
    _write_typed(attributes, table, others, usage_is_above=_is_reported_above(record))
    if parameters:
        _write_parameters(attributes, table, {name: typed[name] for name in sorted(parameters)})
    if "provider" in typed and "provider" in table.names:
        _use_well_known_provider(attributes, typed["provider"])
    name = _write_name(attributes, span_type, content.get("name"), convention, typed)
    _write_payloads(attributes, content, convention, typed)
    _write_fields(attributes, record, content)
    _write_derived(attributes, record, content, typed)
    status, message = _write_status(attributes, record, content)
    links = _write_links(attributes, content["links"]) if "links" in content else []
    has_events = "events" in content or "error" in content or span_type is _SCORER_RUN
    events = _write_events(attributes, record, content) if has_events else []
    parent = record.parent_span_id
    external = record.external_parent_span_id
    if external is not None:
        attributes[genai.EXTERNAL_PARENT] = external
        if parent is not None:
            attributes[genai.PARENT] = parent
        parent = external
    return OtelSpan(
        record.trace_id,
        record.span_id,
        parent,
        name,
        convention.kind,
        record.started_at,
        record.started_at if record.ended_at is None else record.ended_at,
        attributes.finish(),
        events,
        links,
        status,
        message,
        resource_of(record.service_name, record.environment),
        SCOPE,
        False if external is None else None,
    )


def _fold_own(attributes: Attributes, table: TypeTable, typed: dict[str, Any]) -> dict[str, Any]:
    """Writes attributes that no type defines as one, if they are many; the others."""
    own = {name: value for name, value in typed.items() if name not in table.names}
    if len(own) <= genai.MANY:
        return typed
    attributes.put_json(genai.ALL_ATTRIBUTES, own)
    return {name: value for name, value in typed.items() if name in table.names}


@lru_cache(64)
def resource_of(service_name: str, environment: str) -> dict[str, Any]:
    """The attributes of a process; one mapping for all its spans, not to be changed."""
    return {"service.name": service_name, "deployment.environment.name": environment}


def _is_reported_above(record: SpanRecord) -> bool:
    """Whether an ancestor reports the span's tokens too: backends sum over all spans, so only one may have them under their usual names."""
    return bool(record.input_tokens or record.output_tokens) and not (
        record.billed_input_tokens or record.billed_output_tokens
    )


def _write_typed(attributes: Attributes, table: TypeTable, typed: dict[str, Any], *, usage_is_above: bool) -> None:
    (rows, keys), names, taken = table.plan, table.names, table.taken
    put = attributes.put
    for name, value in typed.items():
        key = keys.get((name, type(value)))
        if key is not None:
            attributes[key] = value
            continue
        row = rows.get(name)
        if row is None:
            if name in names:
                put(genai.PREFIX + name, value)
            elif name in taken or name.startswith(genai.PREFIX):
                put(genai.CUSTOM + name, value)
            else:
                put(name, value)
        elif type(row) is genai.Plan:
            if type(value) is not dict or (usage_is_above and name == "usage"):
                attributes.put_json(genai.PREFIX + name, value)
            else:
                rest = _write_parts(attributes, row, value)
                if rest or not value:
                    put(genai.PREFIX + name, rest)
        else:
            _write_row(attributes, row, value)  # pyright: ignore[reportArgumentType] - no plan, so a row


def _write_row(attributes: Attributes, row: Row, value: Any) -> None:
    form = row.form
    if form.accepts(value):
        attributes[row.key] = form.write(value)
    elif form is genai.DEFINITIONS and (found := to_definitions(value)) is not None:
        definitions, tools_form = found
        attributes.put_messages(row.key, definitions)
        if tools_form is not None:
            attributes[genai.TOOLS_FORM] = tools_form
    else:
        # The name of a field of the record is taken, as that of an attribute of the application would be.
        key = genai.PREFIX + row.attribute
        attributes.put_json(genai.CUSTOM + row.attribute if key in genai.OWN_KEYS else key, value)


def _write_parameters(attributes: Attributes, table: TypeTable, parameters: dict[str, Any]) -> None:
    """Writes parameters of a model's call that are attributes of their own: where those in `parameters` stand, unless they do."""
    noted: list[str] = []
    for name, value in parameters.items():
        row = table.parameters[name]
        if row.key not in attributes and row.form.accepts(value):
            attributes[row.key] = row.form.write(value)
            noted.append(name)
        else:
            attributes.put(genai.PREFIX + name, value)
    if noted:
        attributes[genai.PARAMETERS_FORM] = noted


def _write_parts(attributes: Attributes, plan: Plan, value: dict[str, Any]) -> dict[str, Any]:
    """Writes the parts of a nested attribute that have rows; the others, in a mapping of the same form."""
    rest: dict[str, Any] = {}
    rows, keys = plan
    for name, part in value.items():
        key = keys.get((name, type(part)))
        if key is not None:
            attributes[key] = part
            continue
        row = rows.get(name)
        if row is None:
            rest[name] = part
        elif type(row) is genai.Plan:
            left = _write_parts(attributes, row, part) if type(part) is dict else part
            if left or not part:
                rest[name] = left
        elif row.form.accepts(part):  # pyright: ignore[reportAttributeAccessIssue] - no plan, so a row
            attributes[row.key] = row.form.write(part)  # pyright: ignore[reportAttributeAccessIssue]
        else:
            rest[name] = part
    return rest


def _use_well_known_provider(attributes: Attributes, provider: Any) -> None:
    if not isinstance(provider, str):
        return
    known = genai.PROVIDERS.get("".join(filter(str.isalnum, provider)).lower())
    if known is not None and known != provider:
        attributes["gen_ai.provider.name"] = known
        attributes[genai.PREFIX + "provider"] = provider


def _write_name(
    attributes: Attributes, span_type: SpanType, own: Any, convention: Convention, typed: dict[str, Any]
) -> str:
    """The span's name: `{operation} {target}`; ours stands beside where it says something else."""
    text = own if isinstance(own, str) else ""
    if convention.name_key is not None and text:
        attributes[convention.name_key] = text
    operation = convention.operation
    if not operation:
        name = text or span_type.value
    elif convention.target == "" or not (target := _target(convention, typed, text)):
        name = operation
    else:
        name = target if target == operation or target.startswith(f"{operation} ") else f"{operation} {target}"
    if span_type is _MCP_TOOL_CALL and text:
        # The conventions of MCP name its spans by the method.
        name = f"tools/call {text}"
        attributes["mcp.method.name"] = "tools/call"
    elif span_type is _MCP_SERVER_REQUEST and isinstance(method := typed.get("mcp_method"), str):
        name = " ".join(filter(None, (method, _target(convention, typed, ""))))
    name = name[:MAX_NAME_LENGTH]
    if own != name and (convention.name_key is None or not text):
        attributes.put(genai.NAME, own)
    return name


def _target(convention: Convention, typed: dict[str, Any], own: str) -> str:
    if convention.target is None:
        return own
    value = typed.get(convention.target)
    if convention.target == "model" and not value:
        value = typed.get("response_model")
    return value if isinstance(value, str) else own


def _write_payloads(
    attributes: Attributes, content: dict[str, Any], convention: Convention, typed: dict[str, Any]
) -> None:
    payload = content.get("input")
    if payload is not None:
        _write_payload(attributes, convention.input_key, genai.INPUT, genai.INPUT_FORM, payload, None)
    payload = content.get("output")
    if payload is not None:
        finish = typed.get("finish_reason")
        finish = finish if isinstance(finish, str) else None
        _write_payload(attributes, convention.output_key, genai.OUTPUT, genai.OUTPUT_FORM, payload, finish)


def _write_payload(
    attributes: Attributes, key: str, own_key: str, form_key: str, payload: Any, finish_reason: str | None
) -> None:
    if key in (genai.INPUT_MESSAGES, genai.OUTPUT_MESSAGES):
        conversion = to_messages(payload, "user" if key == genai.INPUT_MESSAGES else "assistant", finish_reason)
        if conversion is not None:
            attributes.put_messages(key, conversion.messages)
            if conversion.form == MESSAGES:
                return
            if conversion.form is not None:
                attributes[form_key] = conversion.form
                return
        key = own_key
    elif key in genai.TEXT_ONLY_KEYS and type(payload) is not str:
        key = own_key
    elif key in genai.RECORD_KEYS:
        records, form = to_records(payload, has_content=genai.RECORD_KEYS[key])
        attributes.put_messages(key, records)
        if form is not None:
            attributes[form_key] = form
        return
    attributes.put(key, payload)


def _write_fields(attributes: Attributes, record: SpanRecord, content: dict[str, Any]) -> None:
    for field, value in content.items():
        row = _FIELDS.get(field)
        if row is None:
            continue
        key, as_it_is, accepts = row
        if type(value) is as_it_is or accepts(value):
            attributes[key] = value
        elif value is not None and value != []:
            attributes.put_json(key, value)
    metadata: Any = content.get("metadata")
    if isinstance(metadata, dict) and len(metadata) <= genai.MANY:
        for key, value in metadata.items():
            attributes.put(genai.METADATA + key, value)
    elif metadata is not None:
        attributes.put(genai.ALL_METADATA, metadata)
    if record.is_event:
        attributes[genai.IS_EVENT] = True
    if record.source != "spanbridge":
        attributes[genai.SOURCE] = record.source
    for rule, count in record.redactions.items():
        attributes[genai.REDACTIONS + rule] = count


_NONE: dict[str, Any] = {}
_FIELDS = {
    row.attribute: (row.key, row.form.as_it_is, row.form.accepts)
    for row in genai.FIELDS
    if row.attribute not in ("events", "links", "error")
}
"""Those that have no form of OpenTelemetry's own."""


def _write_derived(attributes: Attributes, record: SpanRecord, content: dict[str, Any], typed: dict[str, Any]) -> None:
    """What the conventions ask for beside, in their own units."""
    thread = content.get("thread_id")
    if thread is not None and isinstance(thread, str):
        given = attributes.setdefault(genai.CONVERSATION, thread)
        if given == thread and typed.get("conversation_id") == thread:
            attributes[genai.PREFIX + "conversation_id"] = thread  # else it would be taken for what is derived
    first = typed.get("completion_start_time")
    if type(first) is int and first >= record.started_at:
        attributes[genai.FIRST_CHUNK] = (first - record.started_at) / 1e9
    response_format = typed.get("response_format")
    if response_format is not None:
        name = response_format.get("type") if isinstance(response_format, dict) else response_format
        if isinstance(name, str) and name in genai.OUTPUT_TYPES:
            attributes[genai.OUTPUT_TYPE] = genai.OUTPUT_TYPES[name]
    if "usage" not in typed and (record.billed_input_tokens or record.billed_output_tokens):
        attributes["gen_ai.usage.input_tokens"] = record.billed_input_tokens
        attributes["gen_ai.usage.output_tokens"] = record.billed_output_tokens
        attributes[genai.ROLLED_UP] = True


def _write_status(attributes: Attributes, record: SpanRecord, content: dict[str, Any]) -> tuple[StatusCode, str]:
    status = record.status
    if status is _OK:
        return "unset", ""  # as the conventions ask of instrumentations; "ok" is for the application to say
    if status is not _ERROR:
        attributes[genai.STATUS] = status.value
    code = _STATUS.get(status, "unset")
    if code != "error":
        return code, ""
    error: Any = content.get("error")
    error = error if isinstance(error, dict) else {}
    kind, message = error.get("type"), error.get("message")
    attributes[genai.ERROR_TYPE] = (
        kind if isinstance(kind, str) and kind else status.value if status is not _ERROR else "_OTHER"
    )
    return code, message if isinstance(message, str) else "" if status is _ERROR else status.value


_EVENT_KEYS = {"name", "time", "attributes"}


def _write_events(attributes: Attributes, record: SpanRecord, content: dict[str, Any]) -> list[OtelEvent]:
    result: list[OtelEvent] = []
    recorded: Any = content.get("events", result)
    if not isinstance(recorded, list):
        attributes.put_json(genai.PREFIX + "events", recorded)  # a processor put it there
    else:
        for event in recorded:
            if (
                not isinstance(event, dict)
                or event.keys() != _EVENT_KEYS
                or type(event["name"]) is not str
                or type(event["time"]) is not int
                or not 0 <= event["time"] < 2**64
                or type(event["attributes"]) is not dict
                or SPAN_ERROR in event["attributes"]
                or DERIVED_EVENT in event["attributes"]
            ):
                attributes.put_json(genai.PREFIX + "events", recorded)
                break
            result.append(OtelEvent(event["name"], event["time"], written(event["attributes"])))
    if record.type is _SCORER_RUN:
        result += _evaluation(record, content)
    error: Any = content.get("error")
    if error is not None:
        event = _exception_event(record, error) if isinstance(error, dict) else None
        if event is None:
            attributes.put_json(genai.PREFIX + "error", error)
        else:
            result.append(event)
    return result


def _evaluation(record: SpanRecord, content: dict[str, Any]) -> list[OtelEvent]:
    """A score as the conventions' event for it; the span's own attributes hold it too."""
    typed = content.get("attributes")
    score = typed.get("score") if isinstance(typed, dict) else None
    name, reason = content.get("name"), typed.get("reason") if isinstance(typed, dict) else None
    attributes: dict[str, Any] = {DERIVED_EVENT: True}
    if isinstance(score, (bool, int, float)):
        attributes["gen_ai.evaluation.score.value"] = float(score)
    if isinstance(score, (bool, str)):
        attributes["gen_ai.evaluation.score.label"] = score if isinstance(score, str) else str(score).lower()
    if len(attributes) == 1 or not isinstance(name, str):
        return []
    attributes["gen_ai.evaluation.name"] = name
    if isinstance(reason, str):
        attributes["gen_ai.evaluation.explanation"] = reason
    return [OtelEvent("gen_ai.evaluation.result", record.started_at, attributes)]


_ERROR_FIELDS = {"type": "exception.type", "message": "exception.message", "stack": "exception.stacktrace"}


def _exception_event(record: SpanRecord, error: dict[str, Any]) -> OtelEvent | None:
    attributes = Attributes()
    for field, value in error.items():
        if field in _ERROR_FIELDS and type(value) is str:
            attributes[_ERROR_FIELDS[field]] = value
        elif field == "causes":
            attributes.put_json(CAUSES, value)
        else:
            return None
    attributes[SPAN_ERROR] = True
    at = record.started_at if record.ended_at is None else record.ended_at
    return OtelEvent(EXCEPTION, at, attributes.finish())


def _write_links(attributes: Attributes, links: Any) -> list[OtelLink]:
    result: list[OtelLink] = []
    exact = isinstance(links, list)
    for link in links if exact else ():
        if not isinstance(link, dict) or not is_trace_id(link.get("trace_id")) or not is_span_id(link.get("span_id")):
            exact = False
            continue
        link_attributes = link.get("attributes", {})
        kind = link.get("type")
        known = (
            {"trace_id", "span_id"}
            | ({"type"} if type(kind) is str else set())
            | ({"attributes"} if link_attributes else set())
        )
        if type(link_attributes) is not dict or link.keys() != known or LINK_TYPE in link_attributes:
            exact = False
            link_attributes = link_attributes if isinstance(link_attributes, dict) else {}
        values = written(link_attributes)
        if type(kind) is str:
            values[LINK_TYPE] = kind
        result.append(OtelLink(link["trace_id"], link["span_id"], values))
    if not exact:
        attributes.put_json(genai.PREFIX + "links", links)
    return result
