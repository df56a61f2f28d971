"""A model call's input and output as LLM Observability's messages.

Taken are what the providers' and frameworks' own interfaces take and return (OpenAI's Chat Completions and Responses, Anthropic,
Gemini, Bedrock's Converse, the AI SDK, LangChain); anything else is one message with its JSON. What comes out ddtrace never refuses:

    {"role": str, "content": str, "tool_calls": [{"name", "arguments": dict, "tool_id", "type"}],
     "tool_results": [{"name", "result": str, "tool_id", "type"}]}
"""

# Values of any shape pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import Any

import orjson

from spanbridge.conventions.message_forms import SERVER_ANSWERS, SERVER_CALLS, known_form
from spanbridge_llmobs.caps import MAX_IO_CHARACTERS, Budget, json_text

Message = dict[str, Any]

MAX_MESSAGES = 1000
_ROLES = {"model": "assistant", "ai": "assistant", "human": "user", "developer": "system", "function": "tool"}
"""Other words for the roles."""
_PLAIN_ROLES = ("user", "assistant", "system")
_SYSTEM = ("system", "instructions", "system_instruction", "systemInstruction", "preamble")
"""Where a request, or its `config`, holds what stands before its messages."""
_CONTENTS = ("content", "parts", "text", "refusal", "audio")
"""Where a message holds what it says."""
_LISTS = ("messages", "contents", "input", "prompt")
"""Where a request holds its messages."""
_CHOICES = ("choices", "candidates", "generations")
"""Where a response holds its alternatives, each with a message."""
_TEXTS = ("text", "content", "output_text", "refusal", "thinking", "reasoning", "summary", "transcript")
_CALLS = frozenset(
    {
        "tool_use",
        "tool_call",
        "tool-call",
        "function_call",
        "functionCall",
        "toolUse",
        *SERVER_CALLS,
        "mcp_call",
        "custom_tool_call",
    }
)
_RESULTS = frozenset(
    {
        "tool_result",
        "tool-result",
        "tool-return",
        "tool_call_response",
        "function_call_output",
        "custom_tool_call_output",
        "computer_call_output",
        "functionResponse",
        "toolResult",
        *SERVER_ANSWERS,
    }
)
_ITEMS = {
    "function_call": "assistant",
    "custom_tool_call": "assistant",
    "function_call_output": "tool",
    "custom_tool_call_output": "tool",
    "computer_call_output": "tool",
}
"""Items of OpenAI's Responses that have no role, and theirs."""
_KEYED_CALLS = ("functionCall", "function_call", "toolUse")
_KEYED_RESULTS = ("functionResponse", "function_response", "toolResult")
_KEYED = (
    *_KEYED_CALLS,
    *_KEYED_RESULTS,
    "inlineData",
    "inline_data",
    "fileData",
    "file_data",
    "executableCode",
    "executable_code",
    "codeExecutionResult",
    "code_execution_result",
)
"""What a part without a type holds: in the spelling of Gemini's interface or of its Python client, or Bedrock's."""


def _plain(value: Any, role: str) -> list[Message] | None:
    """The messages of a text, or of a list in which all are in this form already, as most are; None: this takes a closer look."""
    if type(value) is str:
        value = [{"role": role, "content": value}]
    if type(value) is not list or not 0 < len(value) <= MAX_MESSAGES:
        return None
    messages: list[Message] = []
    characters = 0
    for message in value:
        if type(message) is not dict or len(message) != 2:
            return None
        said, content = message.get("role"), message.get("content")
        if said not in _PLAIN_ROLES or type(content) is not str or not content or content.isspace():
            return None
        characters += len(content)
        messages.append({"role": said, "content": content})
    return messages if characters < MAX_IO_CHARACTERS else None


def input_messages(value: Any) -> list[Message]:
    """What a model was given."""
    if (plain := _plain(value, "user")) is not None:
        return plain
    messages: list[Message] = []
    value = known_form(value, "user")
    if isinstance(value, dict) and not _is_message(value):
        for holder in (value, value.get("config")):
            for name in _SYSTEM if isinstance(holder, dict) else ():
                messages.extend(_messages(holder.get(name) or None, "system"))
        value = next((value[name] for name in _LISTS if value.get(name)), value)
    messages.extend(_messages(value, "user"))
    kept = [
        message for message in messages if message["role"] != "user" or message["content"].strip() or len(message) > 2
    ]
    return _capped(kept)


def output_messages(value: Any) -> list[Message]:
    """What a model answered."""
    if (plain := _plain(value, "assistant")) is not None:
        return plain
    return _answered(known_form(value, "assistant"))


def _answered(value: Any) -> list[Message]:
    if isinstance(value, dict) and not _is_message(value):
        for name in _CHOICES:
            if isinstance(choices := value.get(name), list) and choices:
                # LangChain has a list of them for each prompt.
                each = [one for choice in choices for one in (choice if isinstance(choice, list) else [choice])]
                return _capped([message for choice in each for message in _answered(_of_choice(choice))])
        if isinstance(listed := value.get("messages"), list):  # the state of an agent
            return _capped(_messages(listed, "assistant"))
        inner = value.get("output")
        if not isinstance(inner, list) and not (isinstance(inner, dict) and ("message" in inner or _is_message(inner))):
            inner = value.get("message")
        if inner:
            return _answered(inner)
        if "object" in value and not isinstance(value["object"], str):
            return _capped([{"role": "assistant", "content": json_text(value["object"])}])
    return _capped(_messages(value, "assistant"))


def _of_choice(choice: Any) -> Any:
    if not isinstance(choice, dict):
        return choice
    return next((choice[name] for name in ("message", "content", "delta") if choice.get(name)), choice)


def _messages(value: Any, role: str) -> list[Message]:
    if value is None:
        return []
    if (plain := _plain(value, role)) is not None:
        return plain
    if isinstance(value, list):
        if (
            value
            and all(_is_part(item) or isinstance(item, str) for item in value)
            and not any(_is_message(item) or _is_item(item) for item in value)
        ):
            return [_message({"content": value}, role)]  # the parts of one message
        return [message for item in value[:MAX_MESSAGES] for message in _messages(item, role)]
    if _is_message(value):
        return [_message(value, role)]
    if _is_part(value):
        return [_message({"content": [value]}, _ITEMS.get(str(value.get("type")), role))]
    return [{"role": role, "content": json_text(value)}]


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and (
        isinstance(value.get("role"), str)
        or isinstance(value.get("parts"), list)
        or ("content" in value and isinstance(value.get("type"), str) and value["type"] in {*_ROLES, "system", "tool"})
        or (bool(_calls_of(value)) and ("function_call" not in value or "content" in value))  # else a part of Gemini's
    )


def _is_item(value: Any) -> bool:
    """Whether it is a message of its own in OpenAI's Responses, without saying whose."""
    return isinstance(value, dict) and isinstance(kind := value.get("type"), str) and kind in _ITEMS


def _is_part(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("type"), str):
        return (
            value["type"] in _CALLS
            or value["type"] in _RESULTS
            or any(name in value for name in (*_TEXTS, "data", "image_url", "source"))
        )
    return any(value.get(name) is not None for name in _KEYED) or (
        isinstance(value.get("text"), str) and len(value) <= 3
    )


def _message(value: dict[str, Any], role: str) -> Message:
    said = value.get("role") if isinstance(value.get("role"), str) else value.get("type")
    role = (
        _ROLES.get(said, said)
        if isinstance(said, str) and (value.get("role") or said in _ROLES or said in {"system", "tool"})
        else role
    )
    content = next((value[name] for name in _CONTENTS if value.get(name) is not None), None)
    calls = _calls_of(value)
    texts: list[str] = []
    results: list[dict[str, Any]] = []
    for part in content if isinstance(content, list) else [content]:
        _take_part(part, texts, calls, results)
    if role == "tool" and not results and (tool_id := value.get("tool_call_id") or value.get("toolCallId")):
        results.append(_result({"name": value.get("name"), "id": tool_id, "output": "\n".join(texts)}))
        texts = []
    message: Message = {"role": role, "content": "\n".join(texts)}
    if calls:
        message["tool_calls"] = calls
    if results:
        message["tool_results"] = results
    return message


def _calls_of(value: dict[str, Any]) -> list[dict[str, Any]]:
    calls = value.get("tool_calls") or value.get("toolCalls")
    calls = [calls] if isinstance(calls, dict) else calls if isinstance(calls, list) else []
    if isinstance(value.get("function_call"), dict):  # OpenAI's, before tools
        calls = [*calls, value["function_call"]]
    return [_call(call) for call in calls if isinstance(call, dict)]


def _take_part(part: Any, texts: list[str], calls: list[dict[str, Any]], results: list[dict[str, Any]]) -> None:
    """Adds one part of a message's content to what it holds."""
    if part is None:
        return
    if isinstance(part, str):
        texts.append(part)
        return
    if not isinstance(part, dict):
        texts.append(json_text(part))
        return
    word = next((part[name] for name in ("type", "part_kind") if isinstance(part.get(name), str)), None)
    for name in _KEYED_CALLS:
        if isinstance(part.get(name), dict):
            calls.append(_call(part[name]))
            return
    for name in _KEYED_RESULTS:
        if isinstance(part.get(name), dict):
            results.append(_result(part[name]))
            return
    if word in _CALLS:
        calls.append(_call(part))
    elif word in _RESULTS:
        results.append(_result(part))
    elif (text := next((part[name] for name in _TEXTS if part.get(name)), None)) is not None:
        if isinstance(text, list):
            for inner in text:
                _take_part(inner, texts, calls, results)
        else:
            texts.append(json_text(text))
    elif (medium := _medium(part, word)) is not None:
        texts.append(medium)
    elif not any(name in part for name in _TEXTS):
        texts.append(json_text(part))


def _medium(part: dict[str, Any], word: str | None) -> str | None:
    """What stands for an image, a sound or a file: its kind, not its bytes."""
    kind = _media_type(part)
    if kind is None and (word is None or not any(name in part for name in _MEDIA)):
        return None
    return f"[{kind or word}]"


_MEDIA = (
    "media",  # spanbridge's own reference to what it moved out
    "source",
    "inlineData",
    "inline_data",
    "fileData",
    "file_data",
    "file",
    "input_audio",
    "audio",
    "image",
    "image_url",
    "url",
    "data",
    "file_id",
)
"""Where a part of a message holds a medium, or says where it is."""
_MEDIA_TYPES = ("media_type", "mime_type", "mimeType", "format")


def _media_type(holder: Any, levels: int = 4) -> str | None:
    """The type of the medium that stands here or a few levels deeper."""
    if not isinstance(holder, dict):
        return None
    said = next((holder[name] for name in _MEDIA_TYPES if isinstance(holder.get(name), str)), None)
    if said is not None or not levels:
        return said
    inner = (_media_type(holder[name], levels - 1) for name in _MEDIA if name in holder)
    return next((found for found in inner if found is not None), None)


def _call(call: dict[str, Any]) -> dict[str, Any]:
    inner = call.get("function") if isinstance(call.get("function"), dict) else call
    name = next(
        (inner[key] for key in ("name", "toolName", "tool_name") if isinstance(inner.get(key), str) and inner[key]),
        "unknown",
    )
    arguments = next(
        (inner[key] for key in ("arguments", "args", "input", "parameters") if inner.get(key) is not None), None
    )
    result = {"name": name, "arguments": _object(arguments), "type": "function"}
    if (tool_id := _id_of(call)) is not None:
        result["tool_id"] = tool_id
    return result


def _result(part: dict[str, Any]) -> dict[str, Any]:
    value = next((part[name] for name in ("content", "output", "result", "response") if part.get(name) is not None), "")
    if isinstance(value, dict) and value.keys() == {"type", "value"}:  # the AI SDK's
        value = value["value"]
    if isinstance(value, list):
        texts: list[str] = []
        for item in value:
            _take_part(item, texts, [], [])
        value = "\n".join(texts)
    result = {"result": json_text(value), "type": "tool_result"}
    if isinstance(name := part.get("name") or part.get("toolName") or part.get("tool_name"), str):
        result["name"] = name
    if (tool_id := _id_of(part)) is not None:
        result["tool_id"] = tool_id
    return result


def _id_of(call: dict[str, Any]) -> str | None:
    names = ("tool_call_id", "toolCallId", "tool_use_id", "toolUseId", "toolId", "tool_id", "call_id", "id")
    return next((str(call[name]) for name in names if call.get(name)), None)


def _object(value: Any) -> dict[str, Any]:
    """Arguments as an object: JSON text is read, anything else goes under "value"."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value) if value.strip() else {}
        except orjson.JSONDecodeError:
            return {"value": value}
    if value is None:
        return {}
    return value if isinstance(value, dict) else {"value": value}


def _capped(messages: list[Message]) -> list[Message]:
    """The messages within one budget; what does not fit is said in one more."""
    budget = Budget()
    kept: list[Message] = []
    for message in messages[:MAX_MESSAGES]:
        if budget.is_spent:
            break
        message["content"] = budget.text(message["content"])
        if len(message) > 2:
            _cap_tools(message, budget)
        kept.append(message)
    if len(kept) < len(messages):
        kept.append({"role": "system", "content": f"[{len(messages) - len(kept)} more messages truncated]"})
    return kept


def _cap_tools(message: Message, budget: Budget) -> None:
    for call in message.get("tool_calls", ()):
        text = json_text(call["arguments"])
        if len(text) > budget.left:
            call["arguments"] = {"value": budget.text(text)}
        else:
            budget.left -= len(text)
    for result in message.get("tool_results", ()):
        result["result"] = budget.text(result["result"])
