"""Payloads of models and agents as GenAI messages, and back.

The schema is the one that OpenTelemetry publishes beside the GenAI conventions (model/gen-ai/gen-ai-input-messages.json and
gen-ai-output-messages.json of open-telemetry/semantic-conventions-genai, November 2026):

    [{"role": "user", "parts": [{"type": "text", "content": "Where is order 7?"}]}]

Understood are a plain text, a message or a list of messages in the forms of OpenAI's Chat Completions, of Anthropic's Messages, of
Gemini's contents, of Bedrock's Converse, of LangChain and of the schema itself, the items of OpenAI's Responses, parts of a content
without their message, and what carries such messages (`{"messages": [...]}`, `{"choices": [...]}`, `{"contents": [...]}`,
`{"message": {...}}`, `{"text": ..., "tool_calls": [...]}`). A part that is not in the form that its type promises is one of our own
type, "json", with all that it was.
"""

# Payloads of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from spanbridge.conventions.message_forms import SERVER_ANSWERS, SERVER_CALLS, known_form
from spanbridge.conventions.values import from_json, json_text

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT, MESSAGE, MESSAGES = "text", "message", "messages"
"""The forms that a payload can be read back to from its messages alone."""

_PLAIN_MESSAGE = ("role", "content")
_PLAIN_ANSWER = {"role", "tool_call_id", "content"}
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
    else:
        known = known_form(payload, role)
        if type(known) is list:
            conversion = _list(known, role)
        elif type(known) is dict:
            conversion = _mapping(known, role)
        if known is not payload and conversion is not None:
            conversion = conversion._replace(form=None)
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


def _list(payload: list[Any], role: str) -> Conversion | None:
    if not any([type(item) is dict for item in payload]):  # noqa: C419 - short lists
        return None
    messages: list[dict[str, Any]] = []
    exact = True
    loose: dict[str, Any] | None = None  # a message made of what has none, while more of it comes
    for item in payload:
        if type(item) is str:
            item = {"type": "text", "text": item}  # noqa: PLW2901 - Gemini's contents
        if type(item) is not dict:
            return None
        speaker = item.get("role")
        if type(speaker) is not str and (speaker := _said_by(item)) is not None:
            item = {"role": speaker, **{key: item[key] for key in _LANGCHAIN_KEYS if item.get(key) is not None}}  # noqa: PLW2901
            exact = False
        elif type(speaker) is not str or item.get("type") == "message":
            found = _without_message(item, role)
            if found is None:
                return None
            exact = False
            speaker, parts = found
            if loose is None or loose["role"] != speaker:
                messages.append(loose := {"role": speaker, "parts": []})
            loose["parts"] += parts
            continue
        loose = None
        message, is_exact = _converted(item)
        exact = exact and is_exact
        messages.append(message)
    return Conversion(messages, MESSAGES if exact else None)


def _without_message(item: dict[str, Any], role: str) -> tuple[str, list[dict[str, Any]]] | None:
    """The role and the parts of an item of OpenAI's Responses, or of a part of a content; None where it is neither."""
    kind = item.get("type")
    if kind == "message":
        message = _message({**item, "role": own if isinstance(own := item.get("role"), str) else role})
        return message["role"], message["parts"]
    if not isinstance(kind, str):
        return (role, [_part(item)]) if _key_of(item) is not None else None
    if kind in ("function_call", "custom_tool_call"):
        return "assistant", [_fitting(_tool_call(item), item)]
    if kind.endswith("_call_output"):
        answer = {"type": "tool_call_response", "id": item.get("call_id"), "response": item.get("output")}
        return "tool", [_fitting(answer, item)]
    if kind.endswith("_call") and kind not in _FORMS:
        call = {"type": "server_tool_call", "name": kind.removesuffix("_call"), "server_tool_call": item}
        return "assistant", [_fitting({**call, "id": item.get("id")}, item)]
    if kind == "reasoning":
        return "assistant", [_part(item)]
    return (role, [_part(item)]) if kind in _PARTS or kind in _FORMS or kind in _ITEMS else None


_ITEMS = frozenset({"mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "item_reference"})
"""Further items of OpenAI's Responses, which are generic parts."""


def _said_by(item: dict[str, Any]) -> str | None:
    """Whose message one of LangChain's is: its type says so."""
    kind = item.get("type")
    return _LANGCHAIN_ROLES.get(kind) if "content" in item and isinstance(kind, str) else None


_LANGCHAIN_ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool"}
_LANGCHAIN_KEYS = ("content", "tool_calls", "tool_call_id")


def _mapping(payload: dict[str, Any], role: str) -> Conversion | None:
    if _said_by(payload) is not None and "role" not in payload:
        return _list([payload], role)
    if isinstance(payload.get("role"), str):
        message, is_exact = _converted(payload)
        return Conversion([message], MESSAGE if is_exact else None)
    if isinstance(choices := payload.get("choices"), list):
        return _choices(choices, "message")
    if isinstance(candidates := payload.get("candidates"), list):
        return _choices(candidates, "content")
    if isinstance(generations := payload.get("generations"), list):  # a list of them for each prompt
        return _choices(
            [one for each in generations for one in (each if isinstance(each, list) else [each])], "message"
        )
    around = output if isinstance(output := payload.get("output"), dict) else payload
    if isinstance(around.get("message"), dict):
        return _choices([around], "message")
    for key in _CARRIERS:
        if isinstance(listed := payload.get(key), list):
            listed = [{"role": role, "content": item} if type(item) is str else item for item in listed]
            conversion = _list(listed, role)
            return conversion and Conversion([*_instructions(payload), *conversion.messages], None)
    if isinstance(text := payload.get("text"), str):
        calls = payload.get("tool_calls") or payload.get("toolCalls")
        message = {"role": role, "content": text, "tool_calls": calls if isinstance(calls, list) else []}
        return Conversion([_message(message)], None)
    return None


_CARRIERS = ("messages", "contents", "output", "input")
"""Where a list of messages stands: in a request of most providers; of Gemini's; in an answer and in a request of OpenAI's Responses."""


def _instructions(request: dict[str, Any]) -> list[dict[str, Any]]:
    """What a request, or its `config`, says to the model before its messages."""
    config = request.get("config")
    holders = (request, config) if isinstance(config, dict) else (request,)
    said = next((holder[key] for holder in holders for key in _INSTRUCTIONS if holder.get(key)), None)
    parts = said.get("parts") if isinstance(said, dict) and "parts" in said else said
    parts = parts if isinstance(parts, list) else [parts]
    return [{"role": "system", "parts": [_part(part) for part in parts]}] if said else []


_INSTRUCTIONS = ("system", "instructions", "system_instruction", "systemInstruction", "preamble")


def _choices(choices: list[Any], message_key: str) -> Conversion | None:
    messages: list[dict[str, Any]] = []
    for choice in choices:
        if not isinstance(choice, dict) or not isinstance(inner := choice.get(message_key), dict):
            return None
        message = _message({**inner, "role": role if isinstance(role := inner.get("role"), str) else "assistant"})
        if isinstance(reason := choice.get("finish_reason") or choice.get("finishReason"), str):
            message["finish_reason"] = reason
        messages.append(message)
    return Conversion(messages, None)


def _converted(item: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """A message in the schema's form, and whether it tells all that `item` did."""
    # As most messages are, without the way through the general case and back.
    role, content = item["role"], item.get("content")
    if len(item) == len(_PLAIN_MESSAGE) and type(content) is str and role not in _SPECIAL_ROLES:
        return {"role": role, "parts": [{"type": "text", "content": content}]}, True
    if role == "tool" and item.keys() == _PLAIN_ANSWER and type(call_id := item["tool_call_id"]) is str:
        return {
            "role": role,
            "parts": [{"type": "tool_call_response", "id": call_id, "response": content}],
        }, True
    message = _message(item)
    calls = item.get("tool_calls")
    if isinstance(calls, list) and not all([isinstance(call, dict) and "function" in call for call in calls]):  # noqa: C419 - short lists
        return message, False  # flat ones come back nested
    return message, _back(message) == item


def _message(item: dict[str, Any]) -> dict[str, Any]:
    """One message of any form in the schema's; what the schema does not know stays beside, as it allows."""
    role = item["role"]
    content = item.get("content")
    parts: list[Any] = []
    if role == "tool" and "tool_call_id" in item:
        answer = {"type": "tool_call_response", "id": item["tool_call_id"], "response": content}
        parts.append(_fitting(answer, item))
    elif isinstance(content, str):
        parts.append({"type": "text", "content": content})
    elif isinstance(content, list):
        parts += map(_part, content)
    elif content is None and isinstance(refusal := item.get("refusal"), str):
        parts.append({"type": "text", "content": refusal})
    if isinstance(own := item.get("parts"), list):
        parts += map(_part, own)
    if isinstance(calls := item.get("tool_calls"), list):
        parts += [_fitting(_tool_call(call), call) for call in calls]
    beside = {
        key: value
        for key, value in item.items()
        if key not in _OWN_KEYS and (key not in _TEXTS_BESIDE or value is None or isinstance(value, str))
    }
    return {"role": _ROLES.get(role, role), "parts": parts, **beside}


_ROLES = {"model": "assistant"}
"""Gemini's word."""
_SPECIAL_ROLES = frozenset({"tool", *_ROLES})
_TEXTS_BESIDE = frozenset({"name", "finish_reason"})


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_typed(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("type"), str)


_FORMS: dict[str, dict[str, Callable[[Any], bool]]] = {
    "text": {"content": _is_text},
    "reasoning": {"content": _is_text},
    "tool_call": {"name": _is_text},
    "tool_call_response": {"response": lambda _: True},
    "server_tool_call": {"name": _is_text, "server_tool_call": _is_typed},
    "server_tool_call_response": {"server_tool_call_response": _is_typed},
    "blob": {"modality": _is_text, "content": _is_text},
    "uri": {"modality": _is_text, "uri": _is_text},
    "file": {"modality": _is_text, "file_id": _is_text},
}
"""The parts that the schema knows, and what each must hold; a part of another type may hold anything."""
_OPTIONAL_TEXTS = ("id", "mime_type", "transcript")
_TEXT_OR_NONE = (str, type(None))


def _fitting(part: dict[str, Any], item: Any) -> dict[str, Any]:
    """`part`, if it is what the schema calls so; else `item`, of which it was made, as a part of our own type."""
    form = _FORMS.get(part["type"])
    if form is None:
        return part
    for key, accepts in form.items():
        if key not in part or not accepts(part[key]):
            return {"type": "json", "content": item}
    for key in _OPTIONAL_TEXTS:
        if not isinstance(part.get(key, ""), _TEXT_OR_NONE):
            return {"type": "json", "content": item}
    return part


def _part(item: Any) -> Any:
    if isinstance(item, str):
        return {"type": "text", "content": item}
    if not isinstance(item, dict):
        return {"type": "json", "content": item}
    kind = item.get("type")
    if isinstance(kind, str):
        convert = _PARTS.get(kind)
    else:
        key = _key_of(item)
        convert = None if key is None else _KEYED[key]
    try:
        part = item if convert is None else convert(item)
    except (KeyError, TypeError, AttributeError):  # not in the form that its type promises
        part = item
    if not isinstance(part.get("type"), str):
        return {"type": "json", "content": item}
    return _fitting(part, item)


def _key_of(item: dict[str, Any]) -> str | None:
    """What a part without a type holds. Clients that are models write all that it might hold, and null for the rest."""
    return next((key for key in _KEYED if item.get(key) is not None), None)


def _tool_call(call: Any) -> dict[str, Any]:
    """A call of a tool: OpenAI's nested forms, and flat ones."""
    if not isinstance(call, dict):
        return {"type": "json", "content": call}
    inner = nested if isinstance(nested := call.get("function") or call.get("custom"), dict) else call
    arguments = next((inner[key] for key in ("arguments", "args", "input", "parameters") if key in inner), None)
    call_id = call.get("call_id") or call.get("tool_call_id") or call.get("toolCallId") or call.get("id") or None
    name = inner.get("name") or inner.get("toolName") or inner.get("tool_name")
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": from_json(arguments)}


def _media(item: dict[str, Any]) -> dict[str, Any]:
    """An image, a sound or a document as OpenAI or Anthropic writes it, or as what spanbridge put in its place."""
    moved = _moved_out(item)
    if moved is not None:
        mime_type = moved.get("media_type")
        modality = mime_type.partition("/")[0] if isinstance(mime_type, str) else ""
        modality = modality if modality in _MODALITIES else "document"
        return {"type": "uri", "modality": modality, "mime_type": mime_type, "uri": f"sha256:{moved['sha256']}"}
    if isinstance(sound := item.get("input_audio"), dict):
        return {"type": "blob", "modality": "audio", "mime_type": f"audio/{sound['format']}", "content": sound["data"]}
    modality = "document" if item["type"] == "document" else "image"
    source: Any = item.get("source", item.get("image_url", item.get("url")))
    if isinstance(source, dict) and source.get("type") in ("base64", "text"):
        return {"type": "blob", "modality": modality, "mime_type": source.get("media_type"), "content": source["data"]}
    if isinstance(source, dict) and "file_id" in source:
        return {"type": "file", "modality": modality, "file_id": source["file_id"]}
    if source is None:  # LangChain's and the AI SDK's
        mime_type = item.get("mime_type") or item.get("mediaType") or item.get("mimeType")
        data = next((item[key] for key in ("base64", "data", "image") if isinstance(item.get(key), str)), None)
        return {"type": "blob", "modality": modality, "mime_type": mime_type, "content": data}
    return {"type": "uri", "modality": modality, "uri": source if isinstance(source, str) else source["url"]}


def _moved_out(value: Any, levels: int = 4) -> dict[str, Any] | None:
    """The reference to bytes that were moved out of the payload to be kept beside it, where there is one a few levels deep."""
    if not isinstance(value, dict) or levels == 0:
        return None
    reference = value.get("media")
    if isinstance(reference, dict) and isinstance(reference.get("sha256"), str):
        return reference
    return next((found for item in value.values() if (found := _moved_out(item, levels - 1)) is not None), None)


def _text(item: dict[str, Any]) -> dict[str, Any]:
    text = item["content"] if "content" in item else item["text"]
    return {"type": "text", "content": text["value"] if isinstance(text, dict) else text}  # OpenAI's Assistants


def _reasoning(item: dict[str, Any]) -> dict[str, Any]:
    """A part of the schema, a block of Anthropic's, LangChain's or the AI SDK's, or of OpenAI's or Mistral's, with its texts in lists."""
    if isinstance(item.get("content"), str):
        return item
    for key in ("thinking", "reasoning", "text"):
        if isinstance(item.get(key), str):
            return {"type": "reasoning", "content": item[key]}
    texts = [entry for key in ("summary", "thinking", "content") for entry in item.get(key) or ()]
    return {"type": "reasoning", "content": "\n".join(entry["text"] for entry in texts)}


def _file(item: dict[str, Any]) -> dict[str, Any]:
    """A document as OpenAI writes it, or the schema's own part."""
    file = item.get("file", item)
    if "modality" in file:
        return item
    if (media_type := file.get("mediaType") or file.get("mimeType")) is not None:  # the AI SDK's
        modality = media_type.partition("/")[0]
        about = {"modality": modality if modality in _MODALITIES else "document", "mime_type": media_type}
        if "url" in file:
            return {"type": "uri", **about, "uri": file["url"]}
        return {"type": "blob", **about, "content": file["data"]}
    if (uri := file.get("file_url")) is not None:
        return {"type": "uri", "modality": "document", "uri": uri}
    if (data := file.get("file_data")) is not None:
        return {"type": "blob", "modality": "document", "content": data}
    return {"type": "file", "modality": "document", "file_id": file["file_id"]}


def _gemini_data(key: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def convert(item: dict[str, Any]) -> dict[str, Any]:
        data = item[key]
        mime_type = data.get("mimeType", data.get("mime_type"))
        modality = mime_type.partition("/")[0] if isinstance(mime_type, str) else ""
        about = {"modality": modality if modality in _MODALITIES else "document", "mime_type": mime_type}
        if "data" in data:
            return {"type": "blob", **about, "content": data["data"]}
        return {"type": "uri", **about, "uri": data.get("fileUri", data.get("file_uri"))}

    return convert


def _nested_call(key: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def convert(item: dict[str, Any]) -> dict[str, Any]:
        call = item[key]
        return {**_tool_call(call), "id": call.get("id", call.get("toolUseId"))}

    return convert


def _nested_answer(key: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def convert(item: dict[str, Any]) -> dict[str, Any]:
        answer = item[key]
        response = answer["response"] if "response" in answer else answer["content"]
        return {
            "type": "tool_call_response",
            "id": answer.get("id") or answer.get("toolUseId") or answer.get("name"),
            "response": response,
        }

    return convert


def _of_ai_sdk(output: Any) -> Any:
    """The AI SDK's result of a tool, without the word for its kind."""
    return output["value"] if isinstance(output, dict) and output.keys() == {"type", "value"} else output


def _server_call(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "server_tool_call", "id": item.get("id"), "name": item["name"], "server_tool_call": item}


def _server_answer(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "server_tool_call_response", "id": item.get("tool_use_id"), "server_tool_call_response": item}


def _code(item: dict[str, Any]) -> dict[str, Any]:
    """Code that Gemini ran."""
    code = item.get("executableCode") or item["executable_code"]
    return {
        "type": "server_tool_call",
        "name": "code_execution",
        "server_tool_call": {"type": "executable_code", **code},
    }


def _code_result(item: dict[str, Any]) -> dict[str, Any]:
    result = item.get("codeExecutionResult") or item["code_execution_result"]
    return {
        "type": "server_tool_call_response",
        "server_tool_call_response": {"type": "code_execution_result", **result},
    }


def _bedrock_data(modality: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def convert(item: dict[str, Any]) -> dict[str, Any]:
        if (moved := _moved_out(item)) is not None:
            return {**_media({"type": modality, "media": moved}), "modality": modality}
        data = item[modality]
        about = {"modality": modality, "mime_type": _MIME_TYPES.get(modality, modality + "/") + data["format"]}
        source = data["source"]
        if "s3Location" in source:
            return {"type": "uri", **about, "uri": source["s3Location"]["uri"]}
        return {"type": "blob", **about, "content": source.get("bytes", source.get("text"))}

    return convert


_MIME_TYPES = {"document": "application/"}
_MODALITIES = frozenset({"image", "audio", "video"})
_PARTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "reasoning": _reasoning,
    "thinking": _reasoning,
    "tool_use": lambda item: {"type": "tool_call", "id": item["id"], "name": item["name"], "arguments": item["input"]},
    "tool_result": lambda item: {
        "type": "tool_call_response",
        "id": item["tool_use_id"],
        "response": item.get("content"),
    },
    "tool-call": _tool_call,
    "tool-result": lambda item: {
        "type": "tool_call_response",
        "id": item["toolCallId"],
        "response": _of_ai_sdk(item.get("output", item.get("result"))),
    },
    **dict.fromkeys(SERVER_CALLS, _server_call),
    **dict.fromkeys(SERVER_ANSWERS, _server_answer),
    "refusal": lambda item: {"type": "text", "content": item["refusal"]},
    "image": _media,
    "image_url": _media,
    "input_image": _media,
    "input_audio": _media,
    "document": _media,
    "file": _file,
    "input_file": _file,
}
"""Parts of content by their type; others have the schema's form already, or stay as they are, as its generic part."""
_KEYED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "text": lambda item: {"type": "reasoning" if item.get("thought") is True else "text", "content": item["text"]},
    **{key: _gemini_data(key) for key in ("inlineData", "inline_data", "fileData", "file_data")},
    **{key: _nested_call(key) for key in ("functionCall", "function_call", "toolUse")},
    **{key: _nested_answer(key) for key in ("functionResponse", "function_response", "toolResult")},
    **dict.fromkeys(("executableCode", "executable_code"), _code),
    **dict.fromkeys(("codeExecutionResult", "code_execution_result"), _code_result),
    **{key: _bedrock_data(key) for key in ("image", "document", "video")},
    "reasoningContent": lambda item: {
        "type": "reasoning",
        "content": item["reasoningContent"]["reasoningText"]["text"],
    },
}
"""Parts that have no type, by what they hold instead: Gemini's, and those of Bedrock's Converse."""


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
