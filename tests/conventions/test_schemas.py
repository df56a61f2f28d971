"""Whatever a span holds, what stands under a key of the conventions follows the schema that is published for it, and is read back."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genai_schemas import ITEMS, invalid
from otel_records import record
from spanbridge.conventions.reading import read_span
from spanbridge.conventions.writing import write_span
from spanbridge.model.span_types import SpanType

SCHEMA = {"type": "object", "properties": {"q": {"type": "string"}}}


def written(span_type: SpanType = SpanType.MODEL_GENERATION, **fields: Any) -> dict[str, Any]:
    """The attributes of a span, which follow their schemas and are read back."""
    original = record(span_type, **fields)
    span = write_span(original)

    assert invalid(span.attributes) == {}
    assert read_span(span).to_dict() == original.to_dict()
    return {key: json.loads(value) if key in ITEMS else value for key, value in span.attributes.items()}


# --- messages -----------------------------------------------------------------------------------------------------------

CALL = {"type": "tool_call", "id": "c1", "name": "search", "arguments": {"q": "x"}}
ANSWER = {"type": "tool_call_response", "id": "c1", "response": "found"}


def said(content: str) -> dict:
    """A part that is text."""
    return {"type": "text", "content": content}


def by(role: str, *parts: dict, **beside: Any) -> dict:
    """A message."""
    return {"role": role, "parts": [*parts], **beside}


RESPONSES_ITEMS = [
    {"role": "user", "content": "Where is it?"},
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Look it up."}]},
    {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "search", "arguments": '{"q":"x"}'},
    {"type": "function_call_output", "call_id": "c1", "output": "found"},
    {"type": "web_search_call", "id": "ws_1", "status": "completed"},
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "There.", "annotations": []}],
    },
]
THOUGHT = {"type": "reasoning", "content": "Look it up."}
SEARCH = {"type": "server_tool_call", "name": "web_search", "id": "ws_1", "server_tool_call": RESPONSES_ITEMS[4]}
GEMINI = {
    "contents": [
        "Where is it?",
        {"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "QQ=="}}]},
        {"role": "model", "parts": [{"functionCall": {"id": "c1", "name": "search", "args": {"q": "x"}}}]},
        {"role": "user", "parts": [{"functionResponse": {"id": "c1", "name": "search", "response": "found"}}]},
        {"role": "model", "parts": [{"text": "Look it up.", "thought": True}, {"text": "There."}]},
    ]
}


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (
            RESPONSES_ITEMS,
            [
                by("user", said("Where is it?")),
                by("assistant", THOUGHT, CALL),
                by("tool", ANSWER),
                by("assistant", SEARCH, said("There.")),
            ],
        ),
        (
            {"id": "resp_1", "object": "response", "output": RESPONSES_ITEMS[4:]},
            [by("assistant", SEARCH, said("There."))],
        ),
        ({"model": "m", "input": RESPONSES_ITEMS[:1]}, [by("user", said("Where is it?"))]),
        (
            GEMINI,
            [
                by("user", said("Where is it?")),
                by("user", {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "QQ=="}),
                by("assistant", CALL),
                by("user", ANSWER),
                by("assistant", THOUGHT, said("There.")),
            ],
        ),
        (
            {"candidates": [{"content": {"role": "model", "parts": [{"text": "There."}]}, "finishReason": "STOP"}]},
            [by("assistant", said("There."), finish_reason="STOP")],
        ),
        ([{"type": "text", "text": "There."}], [by("user", said("There."))]),
        (
            {"messages": [{"role": "assistant", "content": [{"toolUse": {"toolUseId": "c1", "name": "search", "input": {"q": "x"}}}]}]},
            [by("assistant", CALL)],
        ),
        (
            [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f1"}}]}],
            [by("user", {"type": "file", "modality": "document", "file_id": "f1"})],
        ),
        (
            [{"role": "assistant", "tool_calls": [{"type": "custom", "id": "c1", "custom": {"name": "search", "input": '{"q":"x"}'}}]}],
            [by("assistant", CALL)],
        ),
        (
            [{"role": "assistant", "tool_calls": [{"id": "c1", "function": {"arguments": "{}"}}]}],
            [by("assistant", {"type": "json", "content": {"id": "c1", "function": {"arguments": "{}"}}})],
        ),
        (
            [{"role": "user", "content": [{"type": "text", "text": 5}, {"type": "image", "source": 5}]}],
            [by("user", {"type": "json", "content": {"type": "text", "text": 5}}, {"type": "image", "source": 5})],
        ),
        ([{"role": "user", "content": "Hi", "name": 5}], [by("user", said("Hi"))]),
    ],
)  # fmt: skip
def test_messages(payload, expected) -> None:
    """The forms of all providers become messages of the schema; what it cannot tell stands beside."""
    assert written(input=payload)["gen_ai.input.messages"] == expected


def test_an_answer_of_responses_is_one_message() -> None:
    """The items of an answer are the parts of one message, which has the finish reason."""
    attributes = written(output=RESPONSES_ITEMS[1:3], attributes={"finish_reason": "tool_calls"})

    assert attributes["gen_ai.output.messages"] == [by("assistant", THOUGHT, CALL, finish_reason="tool_calls")]


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=4)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
KINDS = re.findall(
    r"\w+",
    """
    text input_text output_text reasoning thinking tool_use tool_result image image_url input_image input_audio document file input_file
    blob uri tool_call tool_call_response server_tool_call server_tool_call_response compaction function_call function_call_output
    custom_tool_call computer_call_output web_search_call message function custom odd
    """,
)
KEYS = re.findall(
    r"\w+",
    """
    type role content parts text tool_calls tool_call_id id name finish_reason function custom arguments args input output call_id
    summary source image_url input_audio format data url media sha256 media_type file file_id file_url file_data modality mime_type
    inlineData fileData functionCall functionResponse toolUse toolResult response server_tool_call transcript thinking thought
    """,
)
hostile = st.recursive(
    anything | st.sampled_from(KINDS) | st.sampled_from(("user", "assistant", "tool", "model")),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    | st.fixed_dictionaries({"type": st.sampled_from(KINDS)}, optional=dict.fromkeys(KEYS[2:], inner))
    | st.fixed_dictionaries({"role": st.sampled_from(("user", "tool", "model"))}, optional=dict.fromkeys(KEYS[2:9], inner)),
    max_leaves=12,
)  # fmt: skip
carried = st.builds(
    lambda key, value: {key: value},
    st.sampled_from(("messages", "contents", "output", "input", "choices", "candidates", "text")),
    hostile,
)


@settings(max_examples=150, deadline=None)
@given(payload=hostile | st.lists(hostile, min_size=1, max_size=3) | carried, output=hostile)
def test_any_payload(payload: Any, output: Any) -> None:
    """Payloads that look like messages and are none quite: valid, and read back."""
    written(input=payload, output=output)
    written(SpanType.AGENT_RUN, input=payload, output=output, attributes={"finish_reason": "stop"})


# --- definitions, records, documents ------------------------------------------------------------------------------------

FLAT = {"type": "function", "name": "search", "description": "Looks.", "parameters": SCHEMA}
UNTYPED = {"name": "search", "description": "Looks.", "parameters": SCHEMA}


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        (FLAT, FLAT),
        ({"type": "function", "function": UNTYPED}, FLAT),
        (UNTYPED, FLAT),
        ({"name": "search", "description": "Looks.", "input_schema": SCHEMA}, FLAT),
        ({"name": "search"}, {"type": "function", "name": "search"}),
        ({"type": "web_search_20250305", "name": "web_search"}, {"type": "web_search_20250305", "name": "web_search"}),
        ({"type": "function", "function": {"description": "no name"}}, None),
        ({"type": "web_search"}, None),
        ("search", None),
        ({"name": "search", "parameters": "no schema"}, None),
    ],
)
def test_tools(tool, expected) -> None:
    """Tools in the forms of OpenAI, Anthropic and the schema become its definitions; others stand under our own name."""
    attributes = written(attributes={"tools": [tool]})

    assert attributes.get("gen_ai.tool.definitions") == (None if expected is None else [expected])


def test_tools_of_several_forms() -> None:
    """They stand under our own name, as they are."""
    assert "spanbridge.tools" in written(attributes={"tools": [FLAT, UNTYPED]})


@settings(max_examples=60, deadline=None)
@given(
    tools=st.lists(
        st.dictionaries(st.sampled_from(("type", "name", "function", "input_schema", "parameters", "description")), hostile),
        max_size=3,
    )
)  # fmt: skip
def test_any_tools(tools: Any) -> None:
    """Whatever stands for tools is read back."""
    written(attributes={"tools": tools})


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ([{"id": "m1", "content": "likes tea", "score": 0.9}], [{"id": "m1", "content": "likes tea", "score": 0.9}]),
        (["likes tea", 5], [{"content": "likes tea"}, {"content": 5}]),
        ("likes tea", [{"content": "likes tea"}]),
        ({"facts": ["likes tea"]}, [{"content": {"facts": ["likes tea"]}}]),
        ([{"id": 1, "content": "likes tea"}], [{"content": {"id": 1, "content": "likes tea"}}]),
        ([{"text": "likes tea"}], [{"content": {"text": "likes tea"}}]),
        ([], []),
    ],
)
def test_memories(payload, expected) -> None:
    """What a memory gave are records with a content, in whatever form it gave them."""
    attributes = written(SpanType.MEMORY_OPERATION, output=payload, attributes={"operation_type": "recall"})

    assert attributes["gen_ai.memory.records"] == expected


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ([{"id": "d1", "score": 0.5, "text": "Tea"}], [{"id": "d1", "score": 0.5, "text": "Tea"}]),
        ([{"text": "Tea"}], [{"text": "Tea"}]),
        ([{"id": 7}], [{"content": {"id": 7}}]),
        (["Tea"], [{"content": "Tea"}]),
    ],
)
def test_documents(payload, expected) -> None:
    """What was retrieved are documents."""
    attributes = written(SpanType.RAG_VECTOR_OPERATION, output=payload, attributes={"operation": "query"})

    assert attributes["gen_ai.retrieval.documents"] == expected


@settings(max_examples=60, deadline=None)
@given(payload=anything | st.lists(st.dictionaries(st.sampled_from(("content", "id", "score", "metadata")), anything)))
def test_any_records(payload: Any) -> None:
    """Whatever was found is valid, and read back."""
    written(SpanType.MEMORY_OPERATION, output=payload, attributes={"operation_type": "recall"})
    written(SpanType.RAG_VECTOR_OPERATION, output=payload, attributes={"operation": "query"})


def test_instructions() -> None:
    """Instructions are parts."""
    attributes = written(SpanType.AGENT_RUN, attributes={"instructions": "Be kind."})

    assert attributes["gen_ai.system_instructions"] == [said("Be kind.")]
