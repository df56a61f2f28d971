"""The forms of chunks that streams are read from: text, usage, finish reason, model, id; as dictionaries and as objects."""

from __future__ import annotations

import json
from pkgutil import resolve_name
from types import SimpleNamespace

import pytest
from pydantic import TypeAdapter

import spanbridge as sb


def chat(delta=None, finish_reason=None, **more):
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-x", "choices": choices}
    return {**chunk, **more}


CHAT = [
    chat({"role": "assistant", "content": ""}),
    chat({"content": "Hel"}),
    chat({"content": "lo"}),
    chat({}, "stop"),
    chat(
        usage={
            "prompt_tokens": 20,
            "completion_tokens": 9,
            "total_tokens": 29,
            "prompt_tokens_details": {"cached_tokens": 8},
            "completion_tokens_details": {"reasoning_tokens": 4},
        }
    ),
]
CHAT_TOOLS = [
    chat({"tool_calls": [{"index": 0, "id": "call_1", "function": {"name": "search", "arguments": ""}}]}),
    chat({"tool_calls": [{"index": 0, "function": {"arguments": '{"q":'}}]}),
    chat({"tool_calls": [{"index": 1, "id": "call_2", "function": {"name": "now", "arguments": "{}"}}]}),
    chat({"tool_calls": [{"index": 0, "function": {"arguments": '"x"}'}}]}),
    chat({}, "tool_calls"),
]
TOOL_OUTPUT = {
    "content": None,
    "tool_calls": [
        {"id": "call_1", "name": "search", "arguments": '{"q":"x"}'},
        {"id": "call_2", "name": "now", "arguments": "{}"},
    ],
}


def response(status, **more):
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "gpt-x",
        "status": status,
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        **more,
    }


def text_delta(text, number):
    place = {"item_id": "i", "output_index": 0, "content_index": 0, "sequence_number": number}
    return {"type": "response.output_text.delta", "delta": text, "logprobs": [], **place}


RESPONSE_USAGE = {
    "input_tokens": 20,
    "output_tokens": 9,
    "total_tokens": 29,
    "input_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 0},
    "output_tokens_details": {"reasoning_tokens": 4},
}
RESPONSE = [
    {"type": "response.created", "response": response("in_progress"), "sequence_number": 0},
    text_delta("Hel", 1),
    text_delta("lo", 2),
    {"type": "response.completed", "response": response("completed", usage=RESPONSE_USAGE), "sequence_number": 3},
]


def message_events(*content, stop_reason="end_turn"):
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": []}
    usage = {"input_tokens": 12, "output_tokens": 1, "cache_read_input_tokens": 8, "cache_creation_input_tokens": 0}
    return [
        {"type": "message_start", "message": {**message, "stop_reason": None, "stop_sequence": None, "usage": usage}},
        *content,
        {
            "type": "message_delta",
            "delta": {"stop_reason": stop_reason, "stop_sequence": None},
            "usage": {"output_tokens": 9},
        },
        {"type": "message_stop"},
    ]


def block_delta(**delta):
    return {"type": "content_block_delta", "index": 0, "delta": delta}


MESSAGES = message_events(
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    block_delta(type="text_delta", text="Hel"),
    block_delta(type="text_delta", text="lo"),
    {"type": "content_block_stop", "index": 0},
)
MESSAGE_TOOLS = message_events(
    {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "tool_use", "id": "call_1", "name": "search", "input": {}},
    },
    block_delta(type="input_json_delta", partial_json='{"q":'),
    block_delta(type="input_json_delta", partial_json='"x"}'),
    {"type": "content_block_stop", "index": 0},
    stop_reason="tool_use",
)

GEMINI_USAGE = {
    "prompt_token_count": 20,
    "candidates_token_count": 5,
    "thoughts_token_count": 4,
    "cached_content_token_count": 8,
}


def gemini(text, **more):
    candidate = {"content": {"parts": [{"text": text}]}, **more.pop("candidate", {})}
    return {"candidates": [candidate], "response_id": "g1", "model_version": "gemini-x", **more}


GEMINI = [gemini("Hel"), gemini("lo", candidate={"finish_reason": "STOP"}, usage_metadata=GEMINI_USAGE)]
GEMINI_JSON = [
    {
        "candidates": [{"content": {"parts": [{"text": "Hel"}]}}],
        "responseId": "g1",
        "modelVersion": "gemini-x",
    },
    {
        "candidates": [{"content": {"parts": [{"text": "lo"}]}, "finishReason": "STOP"}],
        "usageMetadata": {
            "promptTokenCount": 20,
            "candidatesTokenCount": 5,
            "thoughtsTokenCount": 4,
            "cachedContentTokenCount": 8,
        },
    },
]
CONVERSE = [
    {"messageStart": {"role": "assistant"}},
    {"contentBlockDelta": {"delta": {"text": "Hel"}, "contentBlockIndex": 0}},
    {"contentBlockDelta": {"delta": {"text": "lo"}, "contentBlockIndex": 0}},
    {"contentBlockStop": {"contentBlockIndex": 0}},
    {"messageStop": {"stopReason": "end_turn"}},
    {"metadata": {"usage": {"inputTokens": 12, "outputTokens": 9, "totalTokens": 29, "cacheReadInputTokens": 8}}},
]
OLLAMA = [
    {"model": "llama-x", "message": {"role": "assistant", "content": "Hel"}, "done": False},
    {"model": "llama-x", "message": {"role": "assistant", "content": "lo"}, "done": False},
    {
        "model": "llama-x",
        "message": {"role": "assistant", "content": ""},
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": 20,
        "eval_count": 9,
    },
]
COHERE = [
    {"type": "message-start", "id": "c1", "delta": {"message": {"role": "assistant"}}},
    {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
    {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "Hel"}}}},
    {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "lo"}}}},
    {"type": "content-end", "index": 0},
    {
        "type": "message-end",
        "delta": {"finish_reason": "COMPLETE", "usage": {"tokens": {"input_tokens": 20, "output_tokens": 9}}},
    },
]


def langchain(content, **more):
    empty = {"id": "run-1", "response_metadata": {}, "usage_metadata": None, "tool_call_chunks": []}
    return SimpleNamespace(content=content, **{**empty, **more})


LANGCHAIN = [
    langchain("Hel"),
    langchain([{"type": "text", "text": "lo"}]),
    langchain("", response_metadata={"finish_reason": "stop", "model_name": "gpt-x"}),
    langchain(
        "",
        usage_metadata={
            "input_tokens": 20,
            "output_tokens": 9,
            "total_tokens": 29,
            "input_token_details": {"cache_read": 8},
            "output_token_details": {"reasoning": 4},
        },
    ),
]


def as_objects(value):
    """What packages with their own classes give, here without them."""
    if isinstance(value, dict):
        return SimpleNamespace(**{name: as_objects(item) for name, item in value.items()})
    return [as_objects(item) for item in value] if isinstance(value, list) else value


def typed(form, chunks):
    """The chunks as a client's objects, made by whoever needs them: the clients take a second to import."""

    def make():
        adapter = TypeAdapter(resolve_name(form))
        return [adapter.validate_python(chunk) for chunk in chunks]

    return make


ONE_CALL = {"content": "Hello", "tool_calls": TOOL_OUTPUT["tool_calls"][:1]}
"""A text, and a call whose arguments the chunks give as text or all at once."""
GEMINI_TOOLS = [
    gemini("Hello"),
    {
        "candidates": [
            {
                "content": {"parts": [{"functionCall": {"id": "call_1", "name": "search", "args": {"q": "x"}}}]},
                "finishReason": "STOP",
            }
        ]
    },
]
OLLAMA_TOOLS = [
    {
        "model": "llama-x",
        "message": {
            "role": "assistant",
            "content": "Hello",
            "tool_calls": [{"id": "call_1", "function": {"name": "search", "arguments": {"q": "x"}}}],
        },
        "done": False,
    },
    OLLAMA[-1],
]
COHERE_TOOLS = [
    *COHERE[:-1],
    {
        "type": "tool-call-start",
        "index": 0,
        "delta": {
            "message": {
                "tool_calls": {"id": "call_1", "type": "function", "function": {"name": "search", "arguments": ""}}
            }
        },
    },
    *(
        {"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": {"function": {"arguments": part}}}}}
        for part in ('{"q":', '"x"}')
    ),
    {"type": "tool-call-end", "index": 0},
    COHERE[-1],
]
SERVER_TOOLS = [
    MESSAGES[0],
    {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "server_tool_use", "id": "call_1", "name": "search", "input": {}},
    },
    block_delta(type="input_json_delta", partial_json='{"q":"x"}'),
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hello"}},
    *MESSAGES[-2:],
]
CUSTOM_TOOLS = [
    *RESPONSE[:-1],
    {
        "type": "response.output_item.added",
        "item": {"type": "custom_tool_call", "id": "i1", "call_id": "call_1", "name": "search", "input": ""},
    },
    {"type": "response.custom_tool_call_input.delta", "item_id": "i1", "delta": '{"q":"x"}'},
    RESPONSE[-1],
]
MISTRAL = [
    chat({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}),
    chat({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}),
    chat({"content": [{"type": "text", "text": "Hel"}]}),
    *CHAT[2:],
]
TITAN = [
    {"outputText": "Hel", "index": 0, "completionReason": None, "inputTextTokenCount": 20},
    {"outputText": "lo", "index": 0, "completionReason": "FINISH", "totalOutputTextTokenCount": 9},
]
LLAMA = [
    {"generation": "Hel", "prompt_token_count": 20, "generation_token_count": 1, "stop_reason": None},
    {"generation": "lo", "prompt_token_count": None, "generation_token_count": 9, "stop_reason": "stop"},
]


def invoked(chunks):
    """The chunks of a model as Bedrock's `invoke_model_with_response_stream` hands them on."""
    return [{"chunk": {"bytes": json.dumps(chunk).encode()}} for chunk in chunks]


USAGE = {"input_tokens": 20, "output_tokens": 9}
DETAILS = {**USAGE, "input_details": {"cache_read": 8}, "output_details": {"reasoning": 4}}
CACHED = {**USAGE, "input_details": {"cache_read": 8}}

FORMS = {
    "chat": (CHAT, "Hello", "stop", "gpt-x", "chatcmpl-1", DETAILS),
    "chat objects": (as_objects(CHAT), "Hello", "stop", "gpt-x", "chatcmpl-1", DETAILS),
    "chat openai": (
        typed("openai.types.chat.ChatCompletionChunk", CHAT),
        "Hello",
        "stop",
        "gpt-x",
        "chatcmpl-1",
        DETAILS,
    ),
    "chat wrapped": (
        [SimpleNamespace(data=c) for c in as_objects(CHAT)],
        "Hello",
        "stop",
        "gpt-x",
        "chatcmpl-1",
        DETAILS,
    ),
    "chat tools": (CHAT_TOOLS, TOOL_OUTPUT, "tool_calls", "gpt-x", "chatcmpl-1", None),
    "chat tools openai": (
        typed("openai.types.chat.ChatCompletionChunk", CHAT_TOOLS),
        TOOL_OUTPUT,
        "tool_calls",
        "gpt-x",
        "chatcmpl-1",
        None,
    ),
    "completions": (
        [
            {"id": "1", "model": "m", "choices": [{"text": text, "finish_reason": end}]}
            for text, end in (("Hel", None), ("lo", "stop"))
        ],
        "Hello",
        "stop",
        "m",
        "1",
        None,
    ),
    "responses": (RESPONSE, "Hello", "completed", "gpt-x", "resp_1", DETAILS),
    "responses openai": (
        typed("openai.types.responses.ResponseStreamEvent", RESPONSE),
        "Hello",
        "completed",
        "gpt-x",
        "resp_1",
        DETAILS,
    ),
    "messages": (MESSAGES, "Hello", "end_turn", "claude-x", "msg_1", CACHED),
    "messages anthropic": (
        typed("anthropic.types.RawMessageStreamEvent", MESSAGES),
        "Hello",
        "end_turn",
        "claude-x",
        "msg_1",
        CACHED,
    ),
    "messages tools": (
        typed("anthropic.types.RawMessageStreamEvent", MESSAGE_TOOLS),
        {"content": None, "tool_calls": TOOL_OUTPUT["tool_calls"][:1]},
        "tool_use",
        "claude-x",
        "msg_1",
        CACHED,
    ),
    "gemini": (as_objects(GEMINI), "Hello", "STOP", "gemini-x", "g1", DETAILS),
    "gemini json": (GEMINI_JSON, "Hello", "STOP", "gemini-x", "g1", DETAILS),
    "converse": (CONVERSE, "Hello", "end_turn", None, None, CACHED),
    "ollama": (OLLAMA, "Hello", "stop", "llama-x", None, USAGE),
    "ollama objects": (as_objects(OLLAMA), "Hello", "stop", "llama-x", None, USAGE),
    "cohere": (as_objects(COHERE), "Hello", "COMPLETE", None, "c1", USAGE),
    "langchain": (LANGCHAIN, "Hello", "stop", "gpt-x", "run-1", DETAILS),
    "langgraph": ([(chunk, {"step": 1}) for chunk in LANGCHAIN], "Hello", "stop", "gpt-x", "run-1", DETAILS),
    "responses of agents": (
        as_objects(
            [
                {"type": "agent_updated_stream_event", "new_agent": {"name": "a"}},
                *({"type": "raw_response_event", "data": event} for event in RESPONSE),
                {"type": "run_item_stream_event", "name": "message_output_created", "item": {}},
            ]
        ),
        "Hello",
        "completed",
        "gpt-x",
        "resp_1",
        DETAILS,
    ),
    "gemini tools": (GEMINI_TOOLS, ONE_CALL, "STOP", "gemini-x", "g1", None),
    "ollama tools": (OLLAMA_TOOLS, ONE_CALL, "stop", "llama-x", None, USAGE),
    "cohere tools": (as_objects(COHERE_TOOLS), ONE_CALL, "COMPLETE", None, "c1", USAGE),
    "messages server tools": (SERVER_TOOLS, ONE_CALL, "end_turn", "claude-x", "msg_1", CACHED),
    "responses custom tools": (CUSTOM_TOOLS, ONE_CALL, "completed", "gpt-x", "resp_1", DETAILS),
    "mistral thoughts": (MISTRAL, "Hello", "stop", "gpt-x", "chatcmpl-1", DETAILS),
    "titan": (TITAN, "Hello", "FINISH", None, None, USAGE),
    "llama invoked": (invoked(LLAMA), "Hello", "stop", None, None, USAGE),
    "messages invoked": (invoked(MESSAGES), "Hello", "end_turn", "claude-x", "msg_1", CACHED),
}


class Slots:
    """An object without a `__dict__`."""

    __slots__ = ("choices", "content", "delta", "finish_reason", "id", "model", "usage")

    def __init__(self, **fields):
        for name, value in fields.items():
            setattr(self, name, value)


def all_in_one(made_by):
    """Some servers send with the last part of the text, or with each, what others send after it."""
    usage = [None, {"prompt_tokens": 20, "completion_tokens": 4}, {"prompt_tokens": 20, "completion_tokens": 9}]
    return [
        made_by(
            id="1",
            model="m",
            choices=[made_by(delta=made_by(content=text), finish_reason=end)],
            usage=used,
        )
        for text, end, used in zip(("H", "el", "lo"), (None, None, "stop"), usage, strict=True)
    ]


FORMS |= {
    f"chat all in one {made_by.__name__}": (all_in_one(made_by), "Hello", "stop", "m", "1", USAGE)
    for made_by in (dict, SimpleNamespace, Slots)
}


def streamed(captured_spans, chunks):
    assert list(sb.start_span("model_generation", model="m").stream(chunks)) == chunks
    (record,) = captured_spans.spans
    return record


@pytest.mark.parametrize("form", FORMS)
def test_a_whole_stream(captured_spans, form):
    """Everything that the chunks say is on the span."""
    chunks, output, finish_reason, model, identifier, usage = FORMS[form]
    chunks = chunks() if callable(chunks) else chunks
    record = streamed(captured_spans, chunks)

    found = record.attributes
    assert record.output == output
    assert found["chunk_count"] == len(chunks)
    assert (found.get("finish_reason"), found.get("response_model"), found.get("response_id")) == (
        finish_reason,
        model,
        identifier,
    )
    assert found.get("usage") == usage
    assert "incomplete" not in found
    assert "completion_start_time" in found


@pytest.mark.parametrize(
    "form", [form for form in FORMS if not form.startswith(("gemini", "langchain", "langgraph", "responses of agents"))]
)
def test_a_stream_that_ends_too_early(captured_spans, form):
    """These say when they are complete; one that did not was cut, though no exception tells."""
    chunks, *_ = FORMS[form]
    chunks = chunks() if callable(chunks) else chunks
    record = streamed(captured_spans, chunks[:1])
    assert record.attributes["incomplete"] == "cut"
    assert str(record.status) == "ok"


def test_first_token(captured_spans):
    """The first part of the answer counts, not the first chunk: reasoning and tool calls too."""
    for chunks in (CHAT[:1], [*CHAT[:1], chat({"reasoning_content": "hm"})], CHAT_TOOLS[:1]):
        list(sb.start_span("model_generation", model="m").stream(chunks))
    assert ["completion_start_time" in span.attributes for span in captured_spans.spans] == [False, True, True]


def test_usage_so_far(captured_spans):
    """A stream of messages that was closed has the input's tokens, and what was said of the output."""
    stream = sb.start_span("model_generation", model="m").stream(MESSAGES)
    for _ in range(3):
        next(stream)
    stream.close()
    (record,) = captured_spans.spans
    assert (record.output, record.attributes["usage"]["input_tokens"]) == ("Hel", 20)
