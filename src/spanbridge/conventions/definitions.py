"""Tools that a model was offered as the conventions' tool definitions, and lists of memories and documents as theirs; and back.

The schemas are those beside the GenAI conventions (model/gen-ai/gen-ai-tool-definitions.json, gen-ai-memory-records.json and
gen-ai-retrieval-documents.json of open-telemetry/semantic-conventions-genai, November 2026):

    [{"type": "function", "name": "search", "description": "...", "parameters": {...}}]
    [{"id": "m1", "content": ..., "score": 0.9, "metadata": {...}}]

What is written is read back by the form that it had, which is noted beside.
"""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

NESTED, ANTHROPIC, UNTYPED, FLAT = "nested", "anthropic", "untyped", None
"""Forms of tools: OpenAI's Chat Completions; Anthropic's, with an `input_schema`; the schema's own without its type, and with it."""
CONTENT, CONTENTS = "content", "contents"
"""Forms of records: a payload that is no list, and a list of something else."""

_FUNCTION = "function"


def to_definitions(tools: Any) -> tuple[list[dict[str, Any]], str | None] | None:
    """The definitions and their form; None where a tool has no name that can be found, or the tools are of several forms."""
    if type(tools) is not list or not tools:
        return None
    for form, convert in _TO_FLAT.items():
        flat = [convert(tool) if type(tool) is dict else None for tool in tools]
        if all(map(_is_definition, flat)):
            return flat, form  # pyright: ignore[reportReturnType] - none of them is None
    return None


def from_definitions(definitions: Any, form: Any) -> Any:
    """The tools that `to_definitions` was given."""
    back = _FROM_FLAT.get(form)
    if back is None or type(definitions) is not list:
        return definitions
    return [back(tool) if type(tool) is dict else tool for tool in definitions]


def _from_nested(tool: dict[str, Any]) -> dict[str, Any] | None:
    inner = tool.get(_FUNCTION)
    if tool.keys() != {"type", _FUNCTION} or tool["type"] != _FUNCTION or type(inner) is not dict or "type" in inner:
        return None
    return {"type": _FUNCTION, **inner}


def _from_anthropic(tool: dict[str, Any]) -> dict[str, Any] | None:
    if "input_schema" not in tool or "type" in tool or "parameters" in tool:
        return None
    return {
        "type": _FUNCTION,
        **{"parameters" if key == "input_schema" else key: value for key, value in tool.items()},
    }


def _from_untyped(tool: dict[str, Any]) -> dict[str, Any] | None:
    return None if "type" in tool else {"type": _FUNCTION, **tool}


def _without_type(tool: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in tool.items() if key != "type"}


def _is_definition(tool: dict[str, Any] | None) -> bool:
    return (
        tool is not None
        and type(tool.get("name")) is str
        and type(tool.get("type")) is str
        and type(tool.get("description")) in (str, type(None))
        and type(tool.get("parameters")) in (dict, type(None))
    )


_TO_FLAT: dict[str | None, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
    NESTED: _from_nested,
    ANTHROPIC: _from_anthropic,
    UNTYPED: _from_untyped,
    FLAT: lambda tool: tool,
}
_FROM_FLAT: dict[Any, Callable[[dict[str, Any]], dict[str, Any]]] = {
    NESTED: lambda tool: {"type": _FUNCTION, _FUNCTION: _without_type(tool)},
    ANTHROPIC: lambda tool: {
        "input_schema" if key == "parameters" else key: value for key, value in _without_type(tool).items()
    },
    UNTYPED: _without_type,
}


def to_records(payload: Any, *, has_content: bool) -> tuple[list[Any], str | None]:
    """Records and their form.

    Args:
        payload: Any JSON value.
        has_content: Whether each record must have a `content`, as memories must, and documents need not.
    """
    if type(payload) is not list:
        return [{"content": payload}], CONTENT
    if all([_is_record(item, has_content=has_content) for item in payload]):  # noqa: C419 - short lists
        return payload, None
    return [{"content": item} for item in payload], CONTENTS


def from_records(records: Any, form: Any) -> Any:
    """The payload that `to_records` was given."""
    if form is None or type(records) is not list or not all(type(record) is dict for record in records):
        return records
    payload = [record.get("content") for record in records]
    return payload[0] if form == CONTENT and len(payload) == 1 else payload


def _is_record(item: Any, *, has_content: bool) -> bool:
    return (
        type(item) is dict
        and ("content" in item or not has_content)
        and type(item.get("id", "")) is str
        and type(item.get("score", 0)) in (int, float)
        and (not has_content or type(item.get("metadata", _NO_METADATA)) is dict)
    )


_NO_METADATA: dict[str, Any] = {}
