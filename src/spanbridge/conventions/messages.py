"""Payloads of models and agents as GenAI messages, and back.

The schema is the one that OpenTelemetry publishes beside the GenAI conventions (gen-ai-input-messages.json, gen-ai-output-messages.json):

    [{"role": "user", "parts": [{"type": "text", "content": "Where is order 7?"}]}]

Understood are a plain text, a message or a list of messages in the forms of OpenAI's Chat Completions, of Anthropic's Messages and of the
schema itself, and what carries such a list (`{"messages": [...]}`, `{"choices": [...]}`, `{"text": ..., "tool_calls": [...]}`).
"""

# Payloads of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from spanbridge.conventions.values import from_json, json_text

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT, MESSAGE, MESSAGES = "text", "message", "messages"
"""The forms that a payload can be read back to from its messages alone."""

_PLAIN_MESSAGE = {"role", "content"}
_OWN_KEYS = frozenset({"role", "content", "parts", "tool_calls", "tool_call_id"})


class Conversion(NamedTuple):
    """A payload as messages."""

    messages: list[dict[str, Any]]
    form: str | None
    """What it is read back to; None where the messages do not tell all that the payload did."""


def to_messages(payload: Any, role: str, finish_reason: str | None = None) -> Conversion | None:
    """`payload` as messages; None where it is nothing like that.

    Args:
        payload: Any JSON value.
        role: Whose message a plain text is: "user" or "assistant".
        finish_reason: Why the model stopped; written on the last message of an answer.
    """
    cls = type(payload)
    conversion = None
    if cls is str:
        conversion = Conversion([{"role": role, "parts": [{"type": "text", "content": payload}]}], TEXT)
    elif cls is list:
        conversion = _list(payload)
    elif cls is dict:
        conversion = _mapping(payload, role)
    if conversion is not None and finish_reason is not None and conversion.messages:
        last = conversion.messages[-1]
        if last.setdefault("finish_reason", finish_reason) != finish_reason:
            return conversion._replace(form=None)
    return conversion


def from_messages(messages: Any, form: str = MESSAGES) -> Any:
    """The payload that `messages` stands for: in the form of Chat Completions, as text, or as one message."""
    messages = from_json(messages)
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        return messages
    payload = [_back(message) for message in messages]
    if form == MESSAGES or len(payload) != 1:
        return payload
    return payload[0].get("content") if form == TEXT else payload[0]


def _list(payload: list[Any]) -> Conversion | None:
    if not payload:
        return None
    messages: list[dict[str, Any]] = []
    exact = True
    for item in payload:
        if type(item) is not dict or type(role := item.get("role")) is not str:
            return None
        # As most messages are, without the way through the general case and back.
        if item.keys() == _PLAIN_MESSAGE and type(content := item["content"]) is str and role != "tool":
            messages.append({"role": role, "parts": [{"type": "text", "content": content}]})
            continue
        message = _message(item)
        exact = exact and _back(message) == item
        messages.append(message)
    return Conversion(messages, MESSAGES if exact else None)


def _mapping(payload: dict[str, Any], role: str) -> Conversion | None:
    if isinstance(payload.get("role"), str):
        message = _message(payload)
        return Conversion([message], MESSAGE if _back(message) == payload else None)
    if isinstance(listed := payload.get("messages"), list):
        conversion = _list(listed)
        return conversion and conversion._replace(form=None)
    if isinstance(choices := payload.get("choices"), list):
        return _choices(choices)
    if isinstance(text := payload.get("text"), str):
        calls = payload.get("tool_calls") or payload.get("toolCalls")
        message = {"role": role, "content": text, "tool_calls": calls if isinstance(calls, list) else []}
        return Conversion([_message(message)], None)
    return None


def _choices(choices: list[Any]) -> Conversion | None:
    messages: list[dict[str, Any]] = []
    for choice in choices:
        if not isinstance(choice, dict) or not isinstance(inner := choice.get("message"), dict):
            return None
        message = _message({"role": "assistant", **inner})
        if isinstance(reason := choice.get("finish_reason"), str):
            message["finish_reason"] = reason
        messages.append(message)
    return Conversion(messages, None)


def _message(item: dict[str, Any]) -> dict[str, Any]:
    """One message of any form in the schema's; what the schema does not know stays beside, as it allows."""
    role = item["role"]
    content = item.get("content")
    parts: list[Any] = []
    if role == "tool" and "tool_call_id" in item:
        parts.append({"type": "tool_call_response", "id": item["tool_call_id"], "response": content})
    elif isinstance(content, str):
        parts.append({"type": "text", "content": content})
    elif isinstance(content, list):
        parts += map(_part, content)
    if isinstance(own := item.get("parts"), list):
        parts += map(_part, own)
    if isinstance(calls := item.get("tool_calls"), list):
        parts += map(_tool_call, calls)
    return {"role": role, "parts": parts, **{key: value for key, value in item.items() if key not in _OWN_KEYS}}


def _part(item: Any) -> Any:
    if isinstance(item, str):
        return {"type": "text", "content": item}
    if not isinstance(item, dict):
        return {"type": "json", "content": item}
    kind = item.get("type")
    if not isinstance(kind, str):
        return (
            {"type": "text", "content": item["text"]} if isinstance(item.get("text"), str) else {"type": "json", **item}
        )
    convert = _PARTS.get(kind)
    try:
        return item if convert is None else convert(item)
    except (KeyError, TypeError, AttributeError):  # not in the form that its type promises
        return item


def _tool_call(call: Any) -> Any:
    """A call of a tool: OpenAI's nested form, and flat ones."""
    if not isinstance(call, dict):
        return {"type": "json", "content": call}
    inner = call.get("function")
    inner = inner if isinstance(inner, dict) else call
    arguments = next((inner[key] for key in ("arguments", "args", "input") if key in inner), None)
    call_id = next((call[key] for key in ("id", "tool_call_id", "toolCallId", "call_id") if key in call), None)
    name = inner.get("name") or inner.get("toolName") or inner.get("tool_name")
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": from_json(arguments)}


def _media(item: dict[str, Any]) -> dict[str, Any]:
    """An image as OpenAI or Anthropic writes it."""
    source = item.get("source", item.get("image_url"))
    if isinstance(source, dict) and source.get("type") == "base64":
        return {"type": "blob", "modality": "image", "mime_type": source.get("media_type"), "content": source["data"]}
    return {"type": "uri", "modality": "image", "uri": source if isinstance(source, str) else source["url"]}  # pyright: ignore[reportOptionalSubscript] - `_part` contains it


def _text(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "text", "content": item["content"] if "content" in item else item["text"]}


_PARTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "thinking": lambda item: {"type": "reasoning", "content": item["thinking"]},
    "tool_use": lambda item: {"type": "tool_call", "id": item["id"], "name": item["name"], "arguments": item["input"]},
    "tool_result": lambda item: {
        "type": "tool_call_response",
        "id": item["tool_use_id"],
        "response": item.get("content"),
    },
    "image": _media,
    "image_url": _media,
    "input_image": _media,
}
"""Parts of content by their type; others have the schema's form already, or stay as they are, as its generic part."""


def _back(message: dict[str, Any]) -> dict[str, Any]:
    """A message of the schema in the form of Chat Completions; parts that this form does not know stay as they are."""
    parts = message.get("parts")
    rest = {key: value for key, value in message.items() if key not in ("parts", "finish_reason")}
    if not isinstance(parts, list):
        return rest
    if rest.get("role") == "tool" and len(parts) == 1 and _type_of(parts[0]) == "tool_call_response":
        answer = parts[0]
        response = answer.get("response", answer.get("result"))  # older schemas said "result"
        return {**rest, "tool_call_id": answer.get("id"), "content": response}
    calls = [part for part in parts if _type_of(part) == "tool_call"]
    others = [part for part in parts if _type_of(part) != "tool_call"]
    if not others:
        content: Any = None
    elif len(others) == 1 and _type_of(others[0]) == "text" and len(others[0]) == 2:
        content = others[0].get("content")
    else:
        content = others
    back = {**rest, "content": content}
    if calls:
        back["tool_calls"] = [
            {
                "id": call.get("id"),
                "type": "function",
                "function": {"name": call.get("name"), "arguments": _argument_text(call.get("arguments"))},
            }
            for call in calls
        ]
    return back


def _argument_text(arguments: Any) -> Any:
    return arguments if arguments is None or isinstance(arguments, str) else json_text(arguments)


def _type_of(part: Any) -> Any:
    return part.get("type") if isinstance(part, dict) else None
