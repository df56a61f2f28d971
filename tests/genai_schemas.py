"""The schemas that OpenTelemetry publishes for the GenAI conventions' structured attributes, as checks.

Told in our own words after model/gen-ai/gen-ai-{input-messages,output-messages,system-instructions,tool-definitions,memory-records,
retrieval-documents}.json of https://github.com/open-telemetry/semantic-conventions-genai (November 2026). Stricter in one respect: there,
any part with a type is a "generic" one, so that nothing could be wrong with a part; here a part whose type the schema knows has to be one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Check = Callable[[Any], bool]


def text(value: Any) -> bool:
    return isinstance(value, str)


def text_or_null(value: Any) -> bool:
    return value is None or isinstance(value, str)


def number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def mapping(value: Any) -> bool:
    return isinstance(value, dict)


def anything(_value: Any) -> bool:
    return True


def typed(value: Any) -> bool:
    return isinstance(value, dict) and text(value.get("type"))


def is_object(value: Any, required: dict[str, Check], optional: dict[str, Check]) -> bool:
    """Whether `value` has all that is required, and nothing of the wrong type; anything else may stand beside."""
    return (
        isinstance(value, dict)
        and all(key in value and check(value[key]) for key, check in required.items())
        and all(check(value[key]) for key, check in optional.items() if key in value)
    )


MEDIA: dict[str, Check] = {"mime_type": text_or_null, "transcript": text_or_null}
PARTS: dict[str, tuple[dict[str, Check], dict[str, Check]]] = {
    "text": ({"content": text}, {}),
    "reasoning": ({"content": text}, {}),
    "compaction": ({}, {"id": text_or_null, "content": text_or_null}),
    "tool_call": ({"name": text}, {"id": text_or_null, "arguments": anything}),
    "tool_call_response": ({"response": anything}, {"id": text_or_null}),
    "server_tool_call": ({"name": text, "server_tool_call": typed}, {"id": text_or_null}),
    "server_tool_call_response": ({"server_tool_call_response": typed}, {"id": text_or_null}),
    "blob": ({"modality": text, "content": text}, MEDIA),
    "uri": ({"modality": text, "uri": text}, MEDIA),
    "file": ({"modality": text, "file_id": text}, MEDIA),
}
"""Required and optional properties by type."""


def is_part(value: Any) -> bool:
    return typed(value) and is_object(value, *PARTS.get(value["type"], ({}, {})))


def is_message(value: Any) -> bool:
    parts: Check = lambda parts: isinstance(parts, list) and all(map(is_part, parts))  # noqa: E731 - one of the checks
    return is_object(value, {"role": text, "parts": parts}, {"name": text_or_null, "finish_reason": text_or_null})


def is_instruction(value: Any) -> bool:
    return typed(value) and (value["type"] != "text" or text(value.get("content")))


def is_definition(value: Any) -> bool:
    parameters: Check = lambda schema: schema is None or isinstance(schema, (dict, bool))  # noqa: E731 - as above
    is_function = mapping(value) and value.get("type") == "function"
    optional = {"description": text_or_null, "parameters": parameters} if is_function else {}
    return is_object(value, {"type": text, "name": text}, optional)


def is_record(value: Any) -> bool:
    return is_object(value, {"content": anything}, {"id": text, "score": number, "metadata": mapping})


def is_document(value: Any) -> bool:
    return is_object(value, {}, {"id": text, "score": lambda score: score is None or number(score)})


ITEMS: dict[str, Check] = {
    "gen_ai.input.messages": is_message,
    "gen_ai.output.messages": is_message,
    "gen_ai.system_instructions": is_instruction,
    "gen_ai.tool.definitions": is_definition,
    "gen_ai.memory.records": is_record,
    "gen_ai.retrieval.documents": is_document,
}
"""What the items of each attribute must be; its value is a list of them, as JSON text."""


def invalid(attributes: dict[str, Any]) -> dict[str, Any]:
    """The attributes that do not follow their schema."""
    return {key: attributes[key] for key in ITEMS.keys() & attributes.keys() if not is_valid(key, attributes[key])}


def is_valid(key: str, value: Any) -> bool:
    """Whether an attribute's value follows the schema of its key."""
    items = json.loads(value)
    return isinstance(items, list) and all(map(ITEMS[key], items))
