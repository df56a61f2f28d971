"""What the chunks of a model's stream say: one small reader per provider's form, chosen by the first chunk that is no plain text.

Forms: OpenAI chat completions and completions (and the many that copy them), OpenAI responses (also within the Agents SDK's events),
Anthropic messages, Google Gemini, Amazon Bedrock converse and the bodies of its further models, Ollama, Cohere, LangChain message chunks;
as objects of the providers' packages or as decoded JSON. What a model thinks on its way is not recorded, only that it began. Sources:
their API references.
"""

# Chunks of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

from orjson import Fragment, loads

from spanbridge.model.payload import encode, snapshot
from spanbridge.model.provider_usage import read_usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanbridge.model.usage import Usage

MAX_TOOL_CALLS = 256
MAX_PART_BYTES = 6 * 1024 * 1024
"""Of an answer's parts that are no text, as JSON: what the usual limit of one payload has room for."""


class Answer:
    """What is known of a streamed answer beside its text."""

    def __init__(self) -> None:
        self.finish_reason: str | None = None
        self.response_model: str | None = None
        self.response_id: str | None = None
        self.has_begun = False
        """Whether a part of the answer has arrived: text, reasoning or a tool call."""
        self.must_finish = False
        """Whether a stream of this form says so when it is complete."""
        self.is_finished = False
        self.reports: list[Any] = []
        """What was said of the usage; later reports complete earlier ones."""
        self.tool_calls: dict[Any, dict[str, Any]] = {}
        """Tool calls by their place, their arguments in parts under "arguments"."""
        self._parts: list[Fragment] = []
        self._audio: list[bytes] = []
        self._part_bytes_left = MAX_PART_BYTES
        self._parts_left_out = 0

    @property
    def usage(self) -> Usage | None:
        """The usage that the chunks state."""
        return read_usage(*self.reports)

    def is_named(self, source: Any) -> None:
        """Takes model and id of the response from `source`."""
        model, identifier = _get(source, "model"), _get(source, "id")
        self.response_model = model if isinstance(model, str) and model else self.response_model
        self.response_id = identifier if isinstance(identifier, str) and identifier else self.response_id

    def finishes(self, reason: Any) -> None:
        """The answer is complete."""
        self.is_finished = True
        if reason is not None:
            self.finish_reason = reason if isinstance(reason, str) else str(getattr(reason, "value", reason))

    def calls_tool(self, place: Any, identifier: Any = None, name: Any = None, arguments: Any = None) -> None:
        """A part of a tool call."""
        self.has_begun = True
        if place not in self.tool_calls:
            if len(self.tool_calls) >= MAX_TOOL_CALLS:
                return
            self.tool_calls[place] = {"id": None, "name": None, "arguments": []}
        call = self.tool_calls[place]
        call["id"] = identifier or call["id"]
        call["name"] = name or call["name"]
        if isinstance(arguments, str):
            call["arguments"].append(arguments)
        elif arguments is not None:  # all at once, as Gemini and Ollama give them
            call["arguments"].append(encode(snapshot(arguments)).decode())

    def brings(self, part: Any) -> None:
        """A part of the answer that is no text: an image, a recording."""
        data = encode(snapshot(part))
        if self._has_room(len(data)):
            self._parts.append(Fragment(data))

    def speaks(self, piece: str) -> None:
        """The next piece of a recording, as base64 by itself."""
        if self._has_room(len(piece)):
            self._audio.append(b64decode(piece))

    def _has_room(self, size: int) -> bool:
        self.has_begun = True
        self._part_bytes_left -= size
        self._parts_left_out += self._part_bytes_left < 0
        return self._part_bytes_left >= 0

    def output(self, text: Any) -> Any:
        """`text`, with the tool calls and with what is no text where there are any."""
        parts: list[Any] = [*self._parts]
        if self._audio:
            data = b64encode(b"".join(self._audio)).decode()
            parts.append({"type": "audio", "data": data, "format": "pcm16"})  # the one format that is streamed
        if self._parts_left_out:
            parts.append({"truncated": {"items": self._parts_left_out}})
        if not self.tool_calls and not parts:
            return text
        output: dict[str, Any] = {"content": text}
        if parts:
            output["parts"] = parts
        if self.tool_calls:
            calls = [{**call, "arguments": "".join(call["arguments"])} for call in self.tool_calls.values()]
            output["tool_calls"] = calls
        return output


Reader = "Callable[[Answer, Any], str | None]"
"""Reads one chunk into the answer and returns its text, if it has any."""


def reader_of(chunk: Any) -> Callable[[Answer, Any], str | None] | None:
    """The reader for streams that hold `chunk`; None for a form that is not known."""
    if _has(chunk, "choices"):
        return _chat_completion
    kind = _get(chunk, "type")
    if isinstance(kind, str):
        if kind == "chunk" and _has(_get(chunk, "chunk"), "choices"):
            return _helper_event
        if kind.startswith("response."):
            return _response
        if kind in _AGENT_EVENTS:
            return _agent_event
        if kind in _MESSAGE_EVENTS:
            return _cohere if _get(_get(chunk, "delta"), "message") is not None else _message
        if kind in _COHERE_EVENTS:
            return _cohere
    if _has(chunk, "candidates"):
        return _gemini
    if _has(chunk, "done") and (_has(chunk, "message") or _has(chunk, "response")):
        return _ollama
    if isinstance(chunk, dict) and not chunk.keys().isdisjoint(_CONVERSE_EVENTS):
        return _converse
    if isinstance(chunk, dict) and not chunk.keys().isdisjoint(_BODY_TEXTS):
        return _body
    if isinstance(_get(_get(chunk, "chunk"), "bytes"), bytes):
        return _InvokedModel()
    if isinstance(chunk, tuple) and len(chunk) == 2 and reader_of(chunk[0]) is _langchain:
        return lambda answer, pair: _langchain(answer, pair[0])  # LangGraph's, with what it knows of the step
    if _has(chunk, "usage_metadata") and _has(chunk, "content"):
        return _langchain
    if _get(chunk, "data") is not None and _has(_get(chunk, "data"), "choices"):
        return lambda answer, event: _chat_completion(answer, _get(event, "data"))  # Mistral's package wraps its chunks
    return None


_MESSAGE_EVENTS = frozenset(
    {"message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop", "ping"}
)  # fmt: skip
_AGENT_EVENTS = frozenset({"raw_response_event", "run_item_stream_event", "agent_updated_stream_event"})
_COHERE_EVENTS = frozenset(
    {"message-start", "content-start", "content-delta", "message-end", "tool-plan-delta", "tool-call-start", "tool-call-delta"}
)  # fmt: skip
_BODY_TEXTS = ("outputText", "generation", "completion")
"""Where bodies of Titan, Llama and Claude 2 have the text."""
_CONVERSE_EVENTS = frozenset(
    {"messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"}
)


def _chat_completion(answer: Answer, chunk: Any) -> str | None:
    # The form that most streams have, and most of its chunks are nothing but a part of the text: these are read without a call. The
    # fields of an object are looked up in its `__dict__`: the packages' classes have a `__getattr__`, which makes the usual way slow.
    if answer.response_id is not None:
        try:
            fields = chunk if type(chunk) is dict else chunk.__dict__
            choice = fields["choices"][0]
            choice = choice if type(choice) is dict else choice.__dict__
            delta = choice["delta"]
            delta = delta if type(delta) is dict else delta.__dict__
            if (
                ("index" not in choice or choice["index"] == 0)
                and ("usage" not in fields or fields["usage"] is None)
                and ("finish_reason" not in choice or choice["finish_reason"] is None)
                and ("tool_calls" not in delta or delta["tool_calls"] is None)
                and (text := delta["content"])
                and type(text) is str
            ):
                answer.must_finish = True
                return text
        except (AttributeError, IndexError, KeyError, TypeError):
            pass  # another form of it, or less plain
    return _chat_completion_in_full(answer, chunk)


def _chat_completion_in_full(answer: Answer, chunk: Any) -> str | None:
    # What `_get` does, without its calls.
    get = dict.get if isinstance(chunk, dict) else _attribute
    usage = get(chunk, "usage")
    if usage is not None:
        answer.reports = [usage]
    if answer.response_id is None:
        answer.is_named(chunk)
    choices = get(chunk, "choices")
    if not choices:
        return None
    # Of several answers to one request, which come mixed, the first is recorded.
    choice = next((choice for choice in choices if not _get(choice, "index")), None)
    if choice is None:
        return None
    answer.must_finish = True
    get = dict.get if isinstance(choice, dict) else _attribute
    reason = get(choice, "finish_reason")
    if reason is not None:
        answer.finishes(reason)
    delta = get(choice, "delta")
    if delta is None:
        return get(choice, "text")
    get = dict.get if isinstance(delta, dict) else _attribute
    calls = get(delta, "tool_calls")
    if calls:
        for call in calls:
            function = _get(call, "function")
            answer.calls_tool(
                _get(call, "index"), _get(call, "id"), _get(function, "name"), _get(function, "arguments")
            )
    text = get(delta, "content")
    if isinstance(text, list):  # Mistral's, which has its thoughts there too
        answer.has_begun = True
        text = _joined(text)
    audio = get(delta, "audio")
    if audio is not None:
        if isinstance(piece := _get(audio, "data"), str):
            answer.speaks(piece)
        text = text or _get(audio, "transcript")
    if text is None:
        text = get(delta, "refusal")
        if not answer.has_begun:
            answer.has_begun = bool(get(delta, "reasoning_content") or get(delta, "reasoning"))
    return text


def _helper_event(answer: Answer, event: Any) -> str | None:
    """Of OpenAI's `chat.completions.stream`: its events repeat in other words what its chunks say."""
    return _chat_completion(answer, _get(event, "chunk")) if _get(event, "type") == "chunk" else None


def _agent_event(answer: Answer, event: Any) -> str | None:
    """Of OpenAI's Agents SDK: its further events repeat in other words what those of the responses say."""
    return _response(answer, _get(event, "data")) if _get(event, "type") == "raw_response_event" else None


def _response(answer: Answer, event: Any) -> str | None:
    kind: str = _get(event, "type")
    answer.must_finish = True
    if kind in {"response.output_text.delta", "response.refusal.delta"}:
        return _get(event, "delta")
    if kind.endswith(".delta"):
        answer.has_begun = True
        if kind in _ARGUMENT_DELTAS:
            answer.calls_tool(_get(event, "item_id"), arguments=_get(event, "delta"))
    elif kind == "response.output_item.done":
        item = _get(event, "item")
        if _get(item, "type") == "image_generation_call":
            answer.brings(item)
    elif kind == "response.output_item.added":
        item = _get(event, "item")
        if _get(item, "type") in {"function_call", "custom_tool_call", "mcp_call"}:
            answer.calls_tool(_get(item, "id"), _get(item, "call_id") or _get(item, "id"), _get(item, "name"))
    elif kind in {"response.created", "response.completed", "response.incomplete", "response.failed"}:
        response = _get(event, "response")
        answer.is_named(response)
        if kind != "response.created":
            answer.finishes(_get(_get(response, "incomplete_details"), "reason") or _get(response, "status"))
            answer.reports = [_get(response, "usage")]
    return None


_ARGUMENT_DELTAS = frozenset(
    f"response.{kind}.delta" for kind in ("function_call_arguments", "custom_tool_call_input", "mcp_call_arguments")
)


def _message(answer: Answer, event: Any) -> str | None:
    kind = _get(event, "type")
    answer.must_finish = True
    if kind == "content_block_delta":
        delta = _get(event, "delta")
        text = _get(delta, "text")
        if text is None:
            answer.has_begun = True
            if (part := _get(delta, "partial_json")) is not None:
                answer.calls_tool(_get(event, "index"), arguments=part)
        return text
    if kind == "content_block_start":
        block = _get(event, "content_block")
        if _get(block, "type") in {"tool_use", "server_tool_use", "mcp_tool_use"}:
            answer.calls_tool(_get(event, "index"), _get(block, "id"), _get(block, "name"))
    elif kind == "message_start":
        message = _get(event, "message")
        answer.is_named(message)
        answer.reports.append(_get(message, "usage"))
    elif kind == "message_delta":
        answer.reports = [*answer.reports[:1], _get(event, "usage")]
        answer.finish_reason = _get(_get(event, "delta"), "stop_reason") or answer.finish_reason
    elif kind == "message_stop":
        answer.finishes(answer.finish_reason)
    return None


def _gemini(answer: Answer, chunk: Any) -> str | None:
    usage = _get(chunk, "usage_metadata") or _get(chunk, "usageMetadata")
    if usage is not None:
        answer.reports = [usage]
    answer.response_id = _get(chunk, "response_id") or _get(chunk, "responseId") or answer.response_id
    answer.response_model = _get(chunk, "model_version") or _get(chunk, "modelVersion") or answer.response_model
    candidates = _get(chunk, "candidates")
    if not candidates:
        return None
    reason = _get(candidates[0], "finish_reason") or _get(candidates[0], "finishReason")
    if reason is not None:
        answer.finishes(reason)
    texts: list[str] = []
    for part in _get(_get(candidates[0], "content"), "parts") or ():
        call = _get(part, "function_call") or _get(part, "functionCall")
        if call is not None:
            place = len(answer.tool_calls)
            answer.calls_tool(place, _get(call, "id"), _get(call, "name"), _get(call, "args"))
        elif _get(part, "thought"):
            answer.has_begun = True
        elif isinstance(text := _get(part, "text"), str):
            texts.append(text)
        elif _get(part, "inline_data") is not None or _get(part, "inlineData") is not None:
            answer.brings(part)
    return "".join(texts) or None


def _converse(answer: Answer, event: Any) -> str | None:
    answer.must_finish = True
    if (delta := event.get("contentBlockDelta")) is not None:
        content = delta.get("delta") or {}
        if "toolUse" in content:
            answer.calls_tool(delta.get("contentBlockIndex"), arguments=content["toolUse"].get("input"))
        answer.has_begun = True
        return content.get("text")
    if (start := event.get("contentBlockStart")) is not None:
        tool = (start.get("start") or {}).get("toolUse")
        if tool:
            answer.calls_tool(start.get("contentBlockIndex"), tool.get("toolUseId"), tool.get("name"))
    elif (stop := event.get("messageStop")) is not None:
        answer.finishes(stop.get("stopReason"))
    elif (metadata := event.get("metadata")) is not None:
        answer.reports = [metadata.get("usage")]
    return None


def _ollama(answer: Answer, chunk: Any) -> str | None:
    answer.must_finish = True
    answer.response_model = _get(chunk, "model") or answer.response_model
    if _get(chunk, "done"):
        answer.finishes(_get(chunk, "done_reason"))
        answer.reports = [chunk]
    message = _get(chunk, "message")
    for call in _get(message, "tool_calls") or ():
        function = _get(call, "function")
        answer.calls_tool(len(answer.tool_calls), _get(call, "id"), _get(function, "name"), _get(function, "arguments"))
    return _get(chunk, "response") if message is None else _get(message, "content")


def _cohere(answer: Answer, event: Any) -> str | None:
    kind = _get(event, "type")
    answer.must_finish = True
    delta = _get(event, "delta")
    if kind == "content-delta":
        return _get(_get(_get(delta, "message"), "content"), "text")
    if kind in {"tool-call-start", "tool-call-delta"}:
        call = _get(_get(delta, "message"), "tool_calls")
        function = _get(call, "function")
        answer.calls_tool(_get(event, "index"), _get(call, "id"), _get(function, "name"), _get(function, "arguments"))
    if kind == "message-start":
        answer.response_id = _get(event, "id") or answer.response_id
    elif kind == "message-end":
        answer.finishes(_get(delta, "finish_reason"))
        answer.reports = [_get(delta, "usage")]
    return None


def _langchain(answer: Answer, chunk: Any) -> str | None:
    usage = _get(chunk, "usage_metadata")
    if usage is not None:
        answer.reports.append(usage)
    metadata = _get(chunk, "response_metadata") or {}
    reason = metadata.get("finish_reason") or metadata.get("stop_reason")
    if reason is not None:
        answer.finishes(reason)
    answer.response_model = metadata.get("model_name") or answer.response_model
    answer.response_id = _get(chunk, "id") or answer.response_id
    for call in _get(chunk, "tool_call_chunks") or ():
        answer.calls_tool(_get(call, "index"), _get(call, "id"), _get(call, "name"), _get(call, "args"))
    content = _get(chunk, "content")
    return _joined(content) if isinstance(content, list) else content


def _joined(parts: list[Any]) -> str:
    """The texts among the parts of a content."""
    texts = (part if isinstance(part, str) else _get(part, "text") for part in parts)
    return "".join(text for text in texts if isinstance(text, str))


def _body(answer: Answer, chunk: Any) -> str | None:
    answer.must_finish = True
    reason = _get(chunk, "completionReason") or _get(chunk, "stop_reason")
    if reason is not None:
        answer.finishes(reason)
    answer.reports.append(chunk)
    del answer.reports[1:-1]  # the first and the last say it
    return next((text for name in _BODY_TEXTS if (text := _get(chunk, name)) is not None), None)


class _InvokedModel:
    """Reads what Bedrock's `invoke_model_with_response_stream` gives: chunks of the model's own form, as bytes of JSON."""

    def __init__(self) -> None:
        self._read: Callable[[Answer, Any], str | None] | None = None

    def __call__(self, answer: Answer, event: Any) -> str | None:
        data = _get(_get(event, "chunk"), "bytes")
        if data is None:  # an error of the stream
            return None
        chunk = loads(data)
        if self._read is None:
            self._read = reader_of(chunk)
        return None if self._read is None else self._read(answer, chunk)


def _attribute(value: Any, name: str) -> Any:
    return getattr(value, name, None)


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else getattr(value, name, None)


def _has(value: Any, name: str) -> bool:
    return name in value if isinstance(value, dict) else hasattr(value, name)
