"""Messages as frameworks and older interfaces write them, in the forms that the exits read: messages with a role, a content and calls.

Taken are: Pydantic AI's requests and responses, LangChain's messages as its serialisers write them and as pairs, LlamaIndex's blocks, an
answer's alternatives without the answer, reasoning beside a message's content (DeepSeek, Groq, LiteLLM, Ollama, Cohere), and the bodies of
completions (Bedrock's Titan, Llama, Mistral, Claude 2 and Jurassic, Ollama's generate, Cohere's first chat). Anything else stays what it
is, the same object. Sources: the packages' own types, and the providers' API references.
"""

# Values of any shape pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from spanbridge.conventions.values import from_json

if TYPE_CHECKING:
    from collections.abc import Callable

_REASONING = ("reasoning_content", "reasoning", "thinking", "reasoningText", "tool_plan")
"""Where a message holds what the model thought, as a text."""
_ALTERNATIVES = ("choices", "candidates", "generations", "results", "outputs", "completions")
"""Where a body holds its alternatives, each with a text or a message."""
_LISTS = ("messages", "contents", "input")
"""Where a request, or a state, holds its messages."""
_TEXTS = {
    "user": ("prompt", "inputText", "input", "message"),
    "assistant": ("text", "completion", "generation", "outputText", "output_text", "response"),
}
"""Where a body holds a text, by whose it is."""
_CALLS = ("tool_calls", "toolCalls")
SERVER_CALLS = ("server_tool_use", "mcp_tool_use")
SERVER_ANSWERS = (
    "mcp_tool_result",
    "web_search_tool_result",
    "web_fetch_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
)
"""Types of the parts in which Anthropic's own servers call tools, and answer."""
_MEMBERS = frozenset({"role", "type", "messages", "contents", *_ALTERNATIVES})
"""What the exits look for themselves."""


def known_form(payload: Any, role: str) -> Any:
    """`payload`, of a model or an agent, in a form that the exits read; `role`: whose a text is, "user" or "assistant"."""
    if type(payload) is list:
        return _list(payload)
    if type(payload) is not dict:
        return payload
    told = _messages_of(payload)
    if told[0] is not payload:
        return told[0] if len(told) == 1 else told
    if type(payload.get("message")) is dict:
        return {"choices": [{**payload, "message": _message_of(payload)}]}
    for name in _LISTS:
        if type(listed := payload.get(name)) is list:
            known = _list(listed)
            return payload if known is listed else {**payload, name: known}
    for name in _ALTERNATIVES:
        if type(listed := payload.get(name)) is list:
            listed = [
                one for each in listed for one in (each if type(each) is list else [each])
            ]  # LangChain's, for each prompt
            if listed and all(map(_is_alternative, listed)):
                return {**payload, "choices": [{**item, "message": _message_of(item)} for item in listed]}
    return _body(payload, role) if _MEMBERS.isdisjoint(payload) else payload


def _list(payload: list[Any]) -> Any:
    if len(payload) == 1 and type(payload[0]) is list and str not in map(type, payload[0]):  # LangChain's batches
        payload = payload[0]
    if payload and all(map(_is_alternative, payload)):
        return {"choices": [{**item, "message": _message_of(item)} for item in payload]}
    told: list[Any] = []
    is_same = True
    for item in payload:
        if type(item) is dict and len(item) == 2 and "role" in item and type(item.get("content")) is str:  # as most are
            told.append(item)
            continue
        messages = _messages_of(item)
        is_same = is_same and len(messages) == 1 and messages[0] is item
        told += messages
    return payload if is_same else told


def _body(payload: dict[str, Any], role: str) -> Any:
    if "content" in payload:
        has_form = type(payload["content"]) is list or any(payload.get(key) for key in (*_CALLS, "parts"))
        return _with_reasoning({"role": role, **payload}) if has_form else payload
    for name in _TEXTS.get(role, ()):
        if type(text := payload.get(name)) is str:
            if role == "user":
                return {**payload, "messages": [{"role": role, "content": text}]}
            calls = next((payload[key] for key in _CALLS if payload.get(key)), None)
            message = {"role": role, "content": text, **({"tool_calls": calls} if calls else {})}
            return _with_reasoning(
                {**message, **{key: payload[key] for key in _REASONING if type(payload.get(key)) is str}}
            )
    return payload


def _is_alternative(item: Any) -> bool:
    """Whether it is one of an answer's, and no message: with a reason to stop or a place among them, or the text of a body."""
    return type(item) is dict and "role" not in item and _message_of(item) is not None


def _message_of(item: dict[str, Any]) -> dict[str, Any] | None:
    if type(inner := item.get("message", item.get("content"))) is dict:
        return _messages_of({"role": "assistant", **{key: value for key, value in inner.items() if value is not None}})[
            0
        ]
    inner = data if type(data := item.get("data")) is dict else item
    text = next((inner[key] for key in ("text", "outputText") if type(inner.get(key)) is str), None) if inner else None
    if text is None or not (inner is not item or any(key in item for key in _REASONS)):
        return None
    return {"role": "assistant", "content": text}


_REASONS = ("finish_reason", "finishReason", "stop_reason", "completionReason", "generation_info")
"""What an alternative has, where a part of a content has not."""


def _messages_of(item: Any) -> list[Any]:
    """One message, or what a framework writes in the place of one or several."""
    if type(item) is list and len(item) == 2 and all(type(each) is str for each in item) and item[0] in _PAIRED:
        return [{"role": _PAIRED[item[0]], "content": item[1]}]
    if type(item) is not dict:
        return [item]
    if item.get("kind") in ("request", "response") and type(item.get("parts")) is list:
        return _pydantic_ai(item)
    if type(inner := item.get("kwargs")) is dict and "lc" in item and "content" in inner:
        return [inner]
    if type(inner := item.get("data")) is dict and "content" in inner and str(item.get("type")) in _PAIRED:
        return [{"type": item["type"], **inner}]
    if type(parts := item.get("parts")) is list and any(map(_has_nulls, parts)):
        item = {**item, "parts": [_without_nulls(part) for part in parts]}
    elif _has_nulls(item) and "function_call" in item and "inline_data" in item:
        return [_without_nulls(item)]
    if type(blocks := item.get("blocks")) is list and "role" in item:
        return [{"role": item["role"], "content": [_block(block) for block in blocks]}]
    return [_with_reasoning(item)] if "role" in item else [item]


def _has_nulls(part: Any) -> bool:
    """Whether it may be a part of Gemini's as its Python client writes it, with null for all that it does not hold."""
    return type(part) is dict and "type" not in part and "role" not in part and None in part.values()


def _without_nulls(part: Any) -> Any:
    return {key: value for key, value in part.items() if value is not None} if _has_nulls(part) else part


_PAIRED = {
    "system": "system",
    "developer": "system",
    "human": "user",
    "user": "user",
    "ai": "assistant",
    "assistant": "assistant",
    "tool": "tool",
}
"""The first of a pair, or the type, and its role."""


def _with_reasoning(message: dict[str, Any]) -> dict[str, Any]:
    """What stands beside the content, in it."""
    key = next((key for key in _REASONING if type(message.get(key)) is str and message[key]), None)
    if key is None:
        return message
    content = message.get("content")
    content = [{"type": "text", "text": content}] if type(content) is str and content else content or []
    if type(content) is not list:
        return message
    rest = {name: value for name, value in message.items() if name != key}
    return {**rest, "content": [{"type": "thinking", "thinking": message[key]}, *content]}


def _pydantic_ai(message: dict[str, Any]) -> list[dict[str, Any]]:
    """A request, whose parts have roles of their own, or a response."""
    told: list[dict[str, Any]] = []
    parts = [part for part in message["parts"] if type(part) is dict]
    for role, group in groupby(parts, lambda part: _PART_ROLES.get(str(part.get("part_kind")), "assistant")):
        if role == "tool":
            told += [
                {"role": role, "tool_call_id": part.get("tool_call_id"), "content": part.get("content")}
                for part in group
            ]
        else:
            told.append({"role": role, "content": [inner for part in group for inner in _of_part(part)]})
    return told


_PART_ROLES = {"system-prompt": "system", "user-prompt": "user", "tool-return": "tool", "retry-prompt": "tool"}


def _of_part(part: dict[str, Any]) -> list[Any]:
    content = part.get("content")
    if part.get("part_kind") in ("system-prompt", "user-prompt"):
        return [_prompted(item) for item in content] if type(content) is list else [content]
    convert = _PARTS.get(str(part.get("part_kind")))
    return [part if convert is None else convert(part)]


def _prompted(item: Any) -> Any:
    if type(item) is not dict or "kind" not in item:
        return item
    kind, media_type = str(item["kind"]), item.get("media_type")
    if "url" in item:
        return {"type": "image_url" if kind == "image-url" else kind, "image_url": item["url"]}
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": item.get("data")}}


def _called(name: str, arguments: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda part: {
        "type": "tool_use",
        "id": part.get("tool_call_id"),
        "name": part.get(name),
        "input": from_json(part.get(arguments)),
    }


_PARTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "text": lambda part: {"type": "text", "text": part.get("content", part.get("text"))},
    "thinking": lambda part: {"type": "thinking", "thinking": part.get("content")},
    "tool-call": _called("tool_name", "args"),
    "tool_call": _called("tool_name", "tool_kwargs"),
    "image": lambda part: {"type": "image_url", "image_url": part.get("url") or part.get("path")},
}
"""Parts by the word of Pydantic AI (`part_kind`) and LlamaIndex (`block_type`)."""


def _block(block: Any) -> Any:
    convert = _PARTS.get(str(block.get("block_type"))) if type(block) is dict else None
    return block if convert is None else convert(block)
