"""Records as LLM Observability sees them: kinds, messages, documents, tags, metrics, sizes; what comes out is what ddtrace takes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbridge.conventions.message_forms import SERVER_ANSWERS
from spanbridge.model.payload import snapshot
from spanbridge.model.span import SpanRecord, Status
from spanbridge.model.span_types import SpanType

pytest.importorskip("spanbridge_llmobs")

from spanbridge_llmobs import messages
from spanbridge_llmobs.annotation import annotate
from spanbridge_llmobs.caps import MAX_IO_CHARACTERS
from spanbridge_llmobs.documents import documents, embedding_text
from spanbridge_llmobs.kinds import KINDS, kind_of
from spanbridge_llmobs.messages import input_messages, output_messages
from spanbridge_llmobs.tags import own_tags


def record(span_type: SpanType = SpanType.GENERIC, *, status: Status = Status.OK, **content: Any) -> SpanRecord:
    made = SpanRecord(
        "a" * 32,
        "b" * 16,
        span_type,
        1_000_000_000,
        {key: snapshot(value) for key, value in {"name": "x", **content}.items()},
    )
    made.ended_at, made.status = 2_000_000_000, status
    return made


def test_every_type_has_a_kind():
    assert KINDS.keys() == set(SpanType)


@pytest.mark.parametrize(
    ("span_type", "attributes", "has_child", "kind"),
    [
        (SpanType.MODEL_GENERATION, {}, False, "llm"),
        (SpanType.MODEL_GENERATION, {}, True, "workflow"),
        (SpanType.MODEL_STEP, {}, True, "workflow"),
        (SpanType.RAG_EMBEDDING, {}, False, "embedding"),
        (SpanType.RAG_EMBEDDING, {}, True, "workflow"),
        (SpanType.AGENT_RUN, {}, True, "agent"),
        (SpanType.MEMORY_OPERATION, {"operation_type": "recall"}, False, "retrieval"),
        (SpanType.MEMORY_OPERATION, {"operation_type": "save"}, False, "task"),
        (SpanType.RAG_VECTOR_OPERATION, {"operation": "query"}, False, "retrieval"),
        (SpanType.RAG_VECTOR_OPERATION, {"operation": "upsert"}, False, "task"),
        (SpanType.PROVIDER_TOOL_CALL, {}, False, "tool"),
    ],
)
def test_kinds(span_type: SpanType, attributes: dict[str, Any], has_child: bool, kind: str):
    assert kind_of(span_type, attributes, has_model_child=has_child) == kind


CALL = {"name": "search", "arguments": {"q": 1}, "tool_id": "c1", "type": "function"}
NO_PART = dict.fromkeys(("text", "thought", "function_call", "function_response", "inline_data", "file_data"))
"""A part of Gemini's as its Python client writes it: with null for all that it does not hold."""
USER = {"role": "user", "content": "hi"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("hi", [USER]),
        ([USER], [USER]),
        ({"messages": [USER]}, [USER]),
        ({"model": "m", "input": "hi", "instructions": "be kind"}, [{"role": "system", "content": "be kind"}, USER]),
        ({"system": "be kind", "messages": [USER]}, [{"role": "system", "content": "be kind"}, USER]),
        ([{"role": "user", "content": [{"type": "text", "text": "hi"}]}], [USER]),
        ([{"role": "user", "parts": [{"text": "hi"}]}], [USER]),
        ({"contents": [{"role": "model", "parts": [{"text": "yes"}]}]}, [{"role": "assistant", "content": "yes"}]),
        ([{"type": "human", "content": "hi"}], [USER]),
        (["hi", "there"], [{"role": "user", "content": "hi\nthere"}]),
        ([{"type": "input_text", "text": "hi"}], [USER]),
        ([{"role": "user", "content": "  "}], []),
        ({"question": 1}, [{"role": "user", "content": '{"question":1}'}]),
        (
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {"url": "data:..."}},
                        {"type": "text", "text": "hi"},
                    ],
                }
            ],
            [{"role": "user", "content": "[image_url]\nhi"}],
        ),
        (
            [{"role": "user", "content": [{"type": "image", "source": {"media_type": "image/png", "data": "QQ=="}}]}],
            [{"role": "user", "content": "[image/png]"}],
        ),
        (
            [
                {
                    "role": "user",
                    "content": [{"type": "image_url", "image_url": {"url": {"media": {"media_type": "image/png"}}}}],
                }
            ],
            [{"role": "user", "content": "[image/png]"}],
        ),
        (
            [{"role": "tool", "tool_call_id": "c1", "content": "sent"}],
            [
                {
                    "role": "tool",
                    "content": "",
                    "tool_results": [{"result": "sent", "type": "tool_result", "tool_id": "c1"}],
                }
            ],
        ),
        (
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "sent"}]}
                    ],
                }
            ],
            [
                {
                    "role": "user",
                    "content": "",
                    "tool_results": [{"result": "sent", "type": "tool_result", "tool_id": "c1"}],
                }
            ],
        ),
        (
            [
                {"type": "function_call", "call_id": "c1", "name": "search", "arguments": '{"q": 1}'},
                {"type": "function_call_output", "call_id": "c1", "output": "sent"},
            ],
            [
                {"role": "assistant", "content": "", "tool_calls": [CALL]},
                {
                    "role": "tool",
                    "content": "",
                    "tool_results": [{"result": "sent", "type": "tool_result", "tool_id": "c1"}],
                },
            ],
        ),
        (
            [
                {"role": "user", "parts": [{**NO_PART, "text": "hi"}]},
                {
                    "role": "user",
                    "parts": [
                        {**NO_PART, "function_response": {"id": "c1", "name": "s", "response": "sent"}},
                        {**NO_PART, "inline_data": {"data": "QQ==", "mime_type": "image/png"}},
                    ],
                },
            ],
            [
                USER,
                {
                    "role": "user",
                    "content": "[image/png]",
                    "tool_results": [{"result": "sent", "type": "tool_result", "name": "s", "tool_id": "c1"}],
                },
            ],
        ),
        (
            {
                "systemInstruction": {"parts": [{"text": "be kind"}]},
                "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
            },
            [{"role": "system", "content": "be kind"}, USER],
        ),
        (
            {"contents": "hi", "config": {"system_instruction": "be kind"}},
            [{"role": "system", "content": "be kind"}, USER],
        ),
        ([{"kind": "request", "parts": [{"part_kind": "user-prompt", "content": "hi"}]}], [USER]),
        *(
            (
                [{"role": "tool", "content": [part]}],
                [
                    {
                        "role": "tool",
                        "content": "",
                        "tool_results": [{"result": "sent", "type": "tool_result", "name": "s", "tool_id": "c1"}],
                    }
                ],
            )
            for part in (
                {
                    "type": "tool-result",
                    "toolCallId": "c1",
                    "toolName": "s",
                    "output": {"type": "text", "value": "sent"},
                },
                {"type": "tool_call_response", "id": "c1", "name": "s", "result": "sent"},
                {"part_kind": "tool-return", "tool_name": "s", "tool_call_id": "c1", "content": "sent"},
            )
        ),
        (None, []),
    ],
    ids=range(27),
)
def test_input_messages(value: Any, expected: Any):
    assert input_messages(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "function": {"name": "search", "arguments": '{"q": 1}'}}],
        },
        {
            "choices": [
                {
                    "message": {
                        "role": "assistant",
                        "tool_calls": [{"id": "c1", "function": {"name": "search", "arguments": '{"q":1}'}}],
                    }
                }
            ]
        },
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "search", "input": {"q": 1}}]},
        {"text": "", "toolCalls": [{"toolCallId": "c1", "toolName": "search", "args": {"q": 1}}]},
        {"output": [{"type": "function_call", "call_id": "c1", "name": "search", "arguments": '{"q": 1}'}]},
        {
            "output": {
                "message": {
                    "role": "assistant",
                    "content": [{"toolUse": {"toolUseId": "c1", "name": "search", "input": {"q": 1}}}],
                }
            }
        },
        {
            "candidates": [
                {
                    "content": {
                        "role": "model",
                        "parts": [{"functionCall": {"id": "c1", "name": "search", "args": {"q": 1}}}],
                    }
                }
            ]
        },
        {
            "candidates": [
                {
                    "content": {
                        "role": "model",
                        "parts": [{**NO_PART, "function_call": {"id": "c1", "name": "search", "args": {"q": 1}}}],
                    }
                }
            ]
        },
        [{"type": "ai", "content": "", "tool_calls": [{"id": "c1", "name": "search", "args": {"q": 1}}]}],
        {
            "generations": [
                [
                    {
                        "text": "",
                        "message": {
                            "type": "ai",
                            "content": "",
                            "tool_calls": [{"id": "c1", "name": "search", "args": {"q": 1}}],
                        },
                    }
                ]
            ]
        },
        {
            "kind": "response",
            "parts": [{"part_kind": "tool-call", "tool_call_id": "c1", "tool_name": "search", "args": '{"q":1}'}],
        },
    ],
    ids=[
        *("openai", "openai response", "anthropic", "ai sdk", "responses", "bedrock", "gemini"),
        *("gemini's python client", "langchain"),
        *("langchain's result", "pydantic ai"),
    ],
)
def test_every_providers_tool_call_is_one(value: Any):
    assert output_messages(value) == [{"role": "assistant", "content": "", "tool_calls": [CALL]}]


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ("yes", "yes"),
        ({"text": "yes"}, "yes"),
        ({"object": {"a": 1}}, '{"a":1}'),
        ([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "yes"}], "hm\nyes"),
        ({"choices": [{"message": {"role": "assistant", "content": None, "refusal": "no"}}]}, "no"),
        ({"choices": [{"message": {"role": "assistant", "content": None, "audio": {"transcript": "yes"}}}]}, "yes"),
        (
            {"generations": [[{"text": "", "type": "ChatGeneration", "message": {"type": "ai", "content": "yes"}}]]},
            "yes",
        ),
        ({"a": 1}, '{"a":1}'),
        (7, "7"),
    ],
)
def test_output_text(value: Any, content: str):
    assert output_messages(value) == [{"role": "assistant", "content": content}]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", [{"text": "a"}]),
        (["a", "b"], [{"text": "a"}, {"text": "b"}]),
        ({"documents": [{"page_content": "a", "metadata": {"source": "s.txt"}}]}, [{"text": "a", "name": "s.txt"}]),
        ({"matches": [{"id": 7, "score": 0.5, "metadata": {"text": "a"}}]}, [{"text": "a", "id": "7", "score": 0.5}]),
        ([[{"page_content": "a"}, 0.1]], [{"text": "a", "score": 0.1}]),
        ([{"x": 1}], [{"text": '{"x":1}'}]),
        (
            {
                "ids": [["1"], ["2"]],
                "documents": [["a"], ["b"]],
                "metadatas": [[{"source": "s"}], [None]],
                "distances": [[0.5], [1]],
            },
            [{"text": "a", "name": "s", "id": "1", "score": 0.5}, {"text": "b", "id": "2", "score": 1}],
        ),
        ({"ids": ["1"], "documents": ["a"]}, [{"text": "a"}]),
        ({"ids": [[]], "documents": [[]]}, []),
        ({"points": [{"id": 1, "payload": {"text": "a"}}]}, [{"text": "a", "id": "1"}]),
        ({"objects": [{"uuid": "1", "properties": {"text": "a"}}]}, [{"text": "a", "id": "1"}]),
        ({"hits": {"hits": [{"_id": "1", "_source": {"body": "a"}}]}}, [{"text": "a", "id": "1"}]),
        ({"data": [{"file_id": "1", "content": [{"type": "text", "text": "a"}]}]}, [{"text": "a", "id": "1"}]),
        ({"retrievalResults": [{"content": {"text": "a"}, "score": 1}]}, [{"text": "a", "score": 1}]),
        ({"source_nodes": [{"node": {"text": "a"}, "score": 1}]}, [{"text": "a", "score": 1}]),
        ([[{"id": 1, "entity": {"text": "a"}}]], [{"text": "a", "id": "1"}]),
        ([{"text": "a", "score": "0.5"}, {"text": "b", "score": "high"}], [{"text": "a", "score": 0.5}, {"text": "b"}]),
        (
            [{"text": "a", "vector_distance": "0.25"}, {"text": "b", "score": "nan"}],
            [{"text": "a", "score": 0.25}, {"text": "b"}],
        ),
        ([{"text": "a", "score": True}], [{"text": "a"}]),
    ],
    ids=range(19),
)
def test_documents(value: Any, expected: Any):
    assert documents(value) == expected


def test_embeddings_are_told_by_their_size():
    assert (
        embedding_text({"data": [{"embedding": [0.1, 0.2]}, {"embedding": [0.3, 0.4]}]})
        == "[2 embedding(s) returned with size 2]"
    )
    assert embedding_text([0.1, 0.2, 0.3]) == "[1 embedding(s) returned with size 3]"
    assert embedding_text({"count": 3}) == '{"count":3}'


def test_tags_split_at_the_first_colon():
    assert own_tags(["vip", "team:blue", "url:http://x", ":x", "a:"]) == {
        "vip": "true",
        "team": "blue",
        "url": "http://x",
        ":x": "true",
        "a": "",
    }


def test_tokens_count_once_and_zero_is_a_number():
    usage = {"input_tokens": 8, "output_tokens": 0, "input_details": {"cache_write_1h": 2}}
    made = record(SpanType.MODEL_GENERATION, attributes={"usage": usage, "completion_start_time": 1_250_000_000})

    assert annotate(made).metrics == {
        "input_tokens": 8,
        "output_tokens": 0,
        "total_tokens": 8,
        "ephemeral_1h_input_tokens": 2,
        "time_to_first_token": 0.25,
    }
    assert annotate(made, has_model_child=True, children_report_usage=True).metrics == {}


def test_promoted_keys_leave_the_metadata():
    made = record(metadata={"tenant": "t1", "user": {"plan": "pro", "age": 3}, "other": 1})

    annotation = annotate(made, promoted_keys=["tenant", "user.plan", "missing"])

    assert annotation.metadata == {"user": {"age": 3}, "other": 1}
    assert {"tenant": "t1", "user.plan": "pro"}.items() <= annotation.tags.items()
    assert made.metadata == {"tenant": "t1", "user": {"plan": "pro", "age": 3}, "other": 1}


def test_what_is_behind_an_error_stands_below_its_stack():
    causes = [{"type": "KeyError", "message": "'q'", "relation": "cause"}, "not a cause"]
    error = {"type": "ValueError", "message": "no", "stack": "Traceback\nValueError: no\n", "causes": causes}

    told = annotate(record(status=Status.ERROR, error=error)).error
    assert told is not None
    assert told["stack"] == "Traceback\nValueError: no\ncause KeyError: 'q'"


def test_an_error_without_an_exception():
    assert annotate(record(status=Status.ABANDONED)).error == {"type": "abandoned", "message": "", "stack": ""}
    assert annotate(record(status=Status.CANCELLED)).error is None


def test_payloads_are_capped():
    large = "x" * (MAX_IO_CHARACTERS + 1)
    annotation = annotate(
        record(SpanType.MODEL_INFERENCE, input=[{"role": "user", "content": large}] * 3, metadata={"large": large})
    )

    assert sum(len(message["content"]) for message in annotation.input) < MAX_IO_CHARACTERS + 100
    assert annotation.input[-1]["content"] == "[2 more messages truncated]"
    assert len(annotation.metadata["large"]) < 300_000


SCHEMA = {"type": "object", "properties": {"q": {"type": "string"}}}


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "function": {"name": "search", "description": "finds", "parameters": SCHEMA}},
        {"type": "function", "name": "search", "description": "finds", "parameters": SCHEMA},
        {"name": "search", "description": "finds", "input_schema": SCHEMA},
        {"name": "search", "description": "finds", "inputSchema": SCHEMA},
        {"function_declarations": [{"name": "search", "description": "finds", "parameters": SCHEMA}]},
        {"functionDeclarations": [{"name": "search", "description": "finds", "parametersJsonSchema": SCHEMA}]},
        {"toolSpec": {"name": "search", "description": "finds", "inputSchema": {"json": SCHEMA}}},
    ],
    ids=["openai", "responses", "anthropic", "mcp", "gemini's python client", "gemini", "bedrock"],
)
def test_every_providers_tool_is_one(tool: Any):
    tools = [tool, "refund", {"type": "web_search"}, None, 5, {"functionDeclarations": [5]}]

    assert annotate(record(SpanType.MODEL_GENERATION, attributes={"tools": tools})).tool_definitions == [
        {"name": "search", "description": "finds", "schema": SCHEMA},
        {"name": "refund"},
    ]


@pytest.mark.parametrize(
    "value",
    [
        [[0.1, 0.2]],
        [0.1, 0.2],
        {"data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}], "model": "e"},
        {"embeddings": [{"values": [0.1, 0.2], "statistics": None}]},
        {"embeddings": {"float": [[0.1, 0.2]]}},
    ],
    ids=["vectors", "one vector", "openai", "gemini", "cohere"],
)
def test_vectors_are_told_by_their_number_and_size(value: Any):
    assert annotate(record(SpanType.RAG_EMBEDDING, output=value)).output == "[1 embedding(s) returned with size 2]"


def test_tools_that_are_too_large_are_named():
    tools = [{"name": name, "description": "x" * 150_000} for name in ("search", "refund")]

    assert annotate(record(SpanType.MODEL_GENERATION, attributes={"tools": tools})).tool_definitions == [
        {"name": "search"},
        {"name": "refund"},
    ]
    assert annotate(record(SpanType.MODEL_GENERATION, attributes={"tools": tools[:1]})).tool_definitions == tools[:1]


@pytest.mark.parametrize("value", [2**70, -(2**64), 1e400, "\ud800 alone", b"\xff", {1: "a", None: 2}, {"a": {1, 2}}])
@pytest.mark.parametrize("field", ["input", "output", "metadata"])
@pytest.mark.parametrize("span_type", [SpanType.MODEL_GENERATION, SpanType.TOOL_CALL, SpanType.RAG_EMBEDDING])
def test_values_that_json_does_not_know(span_type: SpanType, field: str, value: Any):
    annotation = annotate(record(span_type, **{field: {"value": value}, "tags": [str(value)[:9]]}))

    orjson.dumps([annotation.input, annotation.output, annotation.metadata, annotation.tags])


# fmt: off
_KEYS = [
    "role", "content", "type", "text", "parts", "tool_calls", "function", "name",
    "arguments", "id", "messages", "choices", "message", "output", "input", "score",
    "documents", "metadata", "data", "source", "media_type", "toolCalls", "functionCall", "image_url",
    "tool_call_id", "embedding", "system", "ids", "hits", "refusal", "audio", "config", "generations", "part_kind", "value",
]
# fmt: on
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(_KEYS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@settings(max_examples=100)
@given(given=JSON, gave=JSON, span_type=st.sampled_from(list(SpanType)))
def test_ddtrace_takes_whatever_comes_out(given: Any, gave: Any, span_type: SpanType):
    """Its own validation, of both versions, is the judge."""
    utils = pytest.importorskip("ddtrace.llmobs.utils")
    annotation = annotate(
        record(span_type, input=given, output=gave, attributes={"usage": {"input_tokens": 1}, "tools": given})
    )

    for side, value in (("input", annotation.input), ("output", annotation.output)):
        if value is None:
            continue
        if annotation.kind == "llm":
            assert len(utils.Messages(value).messages) == len(value)
        elif (annotation.kind, side) in {("embedding", "input"), ("retrieval", "output")}:
            assert len(utils.Documents(value).documents) == len(value)
        else:
            assert isinstance(value, str)
    assert all(isinstance(value, (int, float)) for value in annotation.metrics.values())
    assert all(isinstance(key, str) and isinstance(value, str) for key, value in annotation.tags.items())


MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "system", "tool", "human", None])},
        optional={"content": st.sampled_from(["", " ", "yes", "x" * (MAX_IO_CHARACTERS // 2)]) | JSON, "name": JSON},
    ),
    max_size=4,
)


@settings(max_examples=100)
@given(value=MESSAGES | st.text(max_size=3))
def test_plain_messages_are_what_a_closer_look_makes_of_them(value: Any):
    plain = [input_messages(value), output_messages(value)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(messages, "_plain", lambda value, role: None)
        assert plain == [input_messages(value), output_messages(value)]


CALLED = [{"name": "search", "arguments": {"q": "x"}, "type": "function", "tool_id": "c1"}]


@pytest.mark.parametrize(
    ("answer", "messages"),
    [
        pytest.param(
            {"role": "assistant", "content": "Hi", "reasoning_content": "hm"},
            [{"role": "assistant", "content": "hm\nHi"}],
            id="DeepSeek",
        ),
        pytest.param(
            {"messages": [{"type": "human", "content": "q"}, {"type": "ai", "content": "Hi"}]},
            [{"role": "user", "content": "q"}, {"role": "assistant", "content": "Hi"}],
            id="the state of an agent",
        ),
        pytest.param(
            {"content": [{"type": "text", "text": "Hi"}], "finishReason": "stop"},
            [{"role": "assistant", "content": "Hi"}],
            id="AI SDK's provider",
        ),
        pytest.param(
            {
                "message": {
                    "role": "assistant",
                    "blocks": [
                        {"block_type": "text", "text": "Hi"},
                        {
                            "block_type": "tool_call",
                            "tool_call_id": "c1",
                            "tool_name": "search",
                            "tool_kwargs": {"q": "x"},
                        },
                    ],
                }
            },
            [{"role": "assistant", "content": "Hi", "tool_calls": CALLED}],
            id="LlamaIndex",
        ),
        pytest.param(
            [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}],
            [{"role": "assistant", "content": "Hi"}],
            id="choices",
        ),
        pytest.param({"generation": "Hi"}, [{"role": "assistant", "content": "Hi"}], id="Llama"),
        pytest.param(
            {"results": [{"outputText": "Hi", "completionReason": "FINISH"}]},
            [{"role": "assistant", "content": "Hi"}],
            id="Titan",
        ),
        pytest.param(
            {"kind": "response", "parts": [{"part_kind": "text", "content": "Hi"}]},
            [{"role": "assistant", "content": "Hi"}],
            id="Pydantic AI",
        ),
        pytest.param(
            [{"type": "custom_tool_call", "call_id": "c1", "name": "search", "input": '{"q":"x"}'}],
            [{"role": "assistant", "content": "", "tool_calls": CALLED}],
            id="a custom tool",
        ),
        pytest.param(
            [{"type": "custom_tool_call_output", "call_id": "c1", "output": "found"}],
            [{"role": "tool", "content": "", "tool_results": [{"result": "found", "type": "tool_result", "tool_id": "c1"}]}],
            id="what it gave",
        ),
    ],
)  # fmt: skip
def test_answers_of_frameworks_and_older_interfaces(answer: Any, messages: list[dict[str, Any]]):
    """What is no message by itself is read as over OTLP."""
    assert output_messages(answer) == messages


def test_pydantic_ai_requests_have_the_roles_of_their_parts():
    parts = [{"part_kind": "system-prompt", "content": "kind"}, {"part_kind": "user-prompt", "content": "Hi"}]
    expected = [{"role": "system", "content": "kind"}, {"role": "user", "content": "Hi"}]

    assert input_messages([{"kind": "request", "parts": parts}]) == expected
    assert input_messages({"preamble": "kind", "message": "Hi"}) == expected


def test_parts_of_geminis_client():
    """They have null for all that they do not hold, which hides nothing of what they do."""
    empty = dict.fromkeys(("text", "thought", "function_call", "function_response", "inline_data", "executable_code"))
    parts = [
        {**empty, "text": "Hi"},
        {**empty, "function_call": {"id": "c1", "name": "search", "args": {"q": "x"}}},
        {**empty, "executable_code": {"code": "1+1"}},
    ]
    expected = [
        {"role": "assistant", "content": 'Hi\n{"executable_code":{"code":"1+1"}}', "tool_calls": CALLED},
    ]

    assert output_messages({"candidates": [{"content": {"role": "model", "parts": parts}}]}) == expected
    assert output_messages([{"content": {"role": "model", "parts": parts}, "finish_reason": "STOP"}]) == expected
    assert output_messages({"role": "model", "parts": parts}) == expected
    assert output_messages(parts) == expected


@pytest.mark.parametrize("kind", SERVER_ANSWERS)
def test_answers_of_a_providers_own_tools(kind):
    """What Anthropic's servers found is a tool's result, beside what the model says."""
    answer = {"type": kind, "tool_use_id": "s1", "content": [{"type": "text", "text": "found"}]}

    (message,) = output_messages([{"role": "assistant", "content": [answer, {"type": "text", "text": "Hi"}]}])

    assert message["content"] == "Hi"
    assert [result["tool_id"] for result in message["tool_results"]] == ["s1"]
