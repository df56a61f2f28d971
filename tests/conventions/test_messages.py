"""Payloads as messages of the published schema, and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge.conventions.messages import from_messages, to_messages

CALL = {"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q":"x"}'}}
CALL_PART = {"type": "tool_call", "id": "c1", "name": "search", "arguments": {"q": "x"}}

NO_PART = dict.fromkeys(("text", "thought", "function_call", "function_response", "inline_data", "file_data"))
"""A part of Gemini's as its Python client writes it: with null for all that it does not hold."""


def text(content: str, role: str = "user") -> dict:
    """A message with one text."""
    return {"role": role, "parts": [{"type": "text", "content": content}]}


@pytest.mark.parametrize(
    ("payload", "messages", "is_exact"),
    [
        ("Hi", [text("Hi")], True),
        ([{"role": "user", "content": "Hi"}], [text("Hi")], True),
        ({"role": "assistant", "content": "Hi"}, [text("Hi", "assistant")], True),
        (
            [{"role": "assistant", "content": None, "tool_calls": [CALL]}],
            [{"role": "assistant", "parts": [CALL_PART]}],
            True,
        ),
        (
            [{"role": "tool", "tool_call_id": "c1", "content": "found"}],
            [{"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "found"}]}],
            True,
        ),
        (
            [{"role": "user", "name": "ann", "content": "Hi"}],
            [{**text("Hi"), "name": "ann"}],
            True,
        ),
        (
            [
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "u"}}],
                }
            ],
            [
                {
                    "role": "user",
                    "parts": [{"type": "text", "content": "a"}, {"type": "uri", "modality": "image", "uri": "u"}],
                }
            ],
            False,
        ),
        (
            [
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "hm", "signature": "s"},
                        {"type": "tool_use", "id": "c1", "name": "search", "input": {"q": "x"}},
                    ],
                },
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "found"}]},
            ],
            [
                {"role": "assistant", "parts": [{"type": "reasoning", "content": "hm"}, CALL_PART]},
                {"role": "user", "parts": [{"type": "tool_call_response", "id": "c1", "response": "found"}]},
            ],
            False,
        ),
        (
            {
                "role": "user",
                "content": [
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QQ=="}},
                    {"type": "image", "source": 5},
                    {"type": "odd"},
                    7,
                ],
            },
            [
                {
                    "role": "user",
                    "parts": [
                        {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "QQ=="},
                        {"type": "image", "source": 5},
                        {"type": "odd"},
                        {"type": "json", "content": 7},
                    ],
                }
            ],
            False,
        ),
        ({"messages": [{"role": "user", "content": "Hi"}], "schema": {}}, [text("Hi")], False),
        (
            {"choices": [{"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "length"}]},
            [{**text("Hi", "assistant"), "finish_reason": "length"}],
            False,
        ),
        (
            {"text": "Hi", "tool_calls": [{"toolCallId": "c1", "toolName": "search", "args": {"q": "x"}}]},
            [{"role": "user", "parts": [{"type": "text", "content": "Hi"}, CALL_PART]}],
            False,
        ),
        ([text("Hi")], [text("Hi")], False),
        (
            [
                {"role": "user", "parts": [{**NO_PART, "text": "Hi"}]},
                {"role": "model", "parts": [{**NO_PART, "function_call": {"name": "search", "args": {"q": "x"}}}]},
                {
                    "role": "user",
                    "parts": [
                        {**NO_PART, "function_response": {"id": None, "name": "search", "response": {"n": 1}}},
                        {**NO_PART, "inline_data": {"mime_type": "image/png", "data": "QQ=="}},
                        NO_PART,
                    ],
                },
            ],
            [
                text("Hi"),
                {"role": "assistant", "parts": [{**CALL_PART, "id": None}]},
                {
                    "role": "user",
                    "parts": [
                        {"type": "tool_call_response", "id": "search", "response": {"n": 1}},
                        {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "QQ=="},
                        {"type": "json", "content": {}},
                    ],
                },
            ],
            False,
        ),
        (
            {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]}, "finish_reason": "STOP"}]},
            [{**text("Hi", "assistant"), "finish_reason": "STOP"}],
            False,
        ),
        (
            [
                {"type": "system", "content": "Be kind.", "additional_kwargs": {}, "id": None},
                {"type": "human", "content": [{"type": "text", "text": "Hi"}]},
                {"type": "ai", "content": "", "tool_calls": [{"id": "c1", "name": "search", "args": {"q": "x"}}]},
                {"type": "tool", "content": "found", "tool_call_id": "c1", "status": "success"},
            ],
            [
                text("Be kind.", "system"),
                text("Hi"),
                {"role": "assistant", "parts": [{"type": "text", "content": ""}, CALL_PART]},
                {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "found"}]},
            ],
            False,
        ),
        ({"type": "ai", "content": "Hi", "response_metadata": {}}, [text("Hi", "assistant")], False),
        (
            {"generations": [[{"text": "Hi", "message": {"content": "Hi"}}]]},
            [text("Hi", "assistant")],
            False,
        ),
        *(
            (answer, [text("Hi", "assistant")], False)
            for answer in (
                {"message": {"role": "assistant", "content": "Hi"}, "done": True},
                {"output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}}, "stopReason": "end_turn"},
            )
        ),
    ],
)
def test_forms_of_payloads(payload, messages, is_exact) -> None:
    """Each form becomes messages; where they tell all that the payload did, the payload is read back from them."""
    conversion = to_messages(payload, "user")

    assert conversion is not None
    assert conversion.messages == messages
    assert (conversion.form is not None) == is_exact
    if conversion.form is not None:
        assert from_messages(conversion.messages, conversion.form) == payload


@pytest.mark.parametrize(
    "payload", [7, None, True, [], {}, ["a", "b"], {"q": "x"}, [{"content": "no role"}], {"choices": [5]}]
)
def test_what_is_no_message(payload) -> None:
    """Anything else is no message."""
    assert to_messages(payload, "user") is None


MOVED = {"media": {"sha256": "e4d0", "media_type": "image/png", "bytes": 5008}}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"type": "image_url", "image_url": {"url": MOVED}},
            {"type": "uri", "modality": "image", "mime_type": "image/png", "uri": "sha256:e4d0"},
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": MOVED}},
            {"type": "uri", "modality": "image", "mime_type": "image/png", "uri": "sha256:e4d0"},
        ),
        (
            {"type": "document", "source": {"data": {"media": {"sha256": "f0", "media_type": "application/pdf"}}}},
            {"type": "uri", "modality": "document", "mime_type": "application/pdf", "uri": "sha256:f0"},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}},
            {"type": "blob", "modality": "audio", "mime_type": "audio/wav", "content": "QQ=="},
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
            {"type": "uri", "modality": "image", "uri": "https://example.com/a.png"},
        ),
    ],
)
def test_media(part, expected) -> None:
    """Media are parts of the schema: inline, by address, or by the hash of what was moved out of the payload."""
    conversion = to_messages([{"role": "user", "content": [part]}], "user")

    assert conversion is not None
    assert conversion.messages[0]["parts"] == [expected]
    assert conversion.form is None


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
parts = st.lists(st.dictionaries(st.sampled_from(["type", "text", "content", "id"]), texts, max_size=3), max_size=2)
messages = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool", "model"])},
    optional={
        "content": st.none() | texts | parts | st.integers(),
        "tool_call_id": st.none() | texts | st.integers(),
        "tool_calls": st.lists(st.just(CALL) | st.dictionaries(texts, texts, max_size=2), max_size=2),
        "name": st.none() | texts | st.integers(),
    },
)


@given(st.lists(messages, min_size=1, max_size=3))
def test_what_is_said_to_come_back_does(payload: list[dict[str, Any]]) -> None:
    """Messages with any of the usual keys, whatever they hold, are converted; those that have a form are read back by it."""
    conversion = to_messages(payload, "user")

    assert conversion is not None
    assert len(conversion.messages) == len(payload)
    if conversion.form is not None:
        assert from_messages(conversion.messages, conversion.form) == payload


def test_finish_reason() -> None:
    """The reason is written on the answer, and not on a message that gives another."""
    exact = to_messages("Hi", "assistant", "stop")
    other = to_messages([{"role": "assistant", "content": "Hi", "finish_reason": "length"}], "assistant", "stop")

    assert exact is not None
    assert other is not None
    assert (exact.messages[0]["finish_reason"], exact.form) == ("stop", "text")
    assert (other.messages[0]["finish_reason"], other.form) == ("length", None)


def test_older_schema() -> None:
    """Tool results stood under `result` once."""
    message = {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "result": 5}]}

    assert from_messages([message]) == [{"role": "tool", "tool_call_id": "c1", "content": 5}]


THOUGHT = {"type": "reasoning", "content": "hm"}
ANSWER = [{"role": "assistant", "parts": [THOUGHT, {"type": "text", "content": "Hi"}]}]
ANSWER_AND_CALL = [{"role": "assistant", "parts": [*ANSWER[0]["parts"], CALL_PART]}]
FLAT_CALL = {"id": "c1", "name": "search", "args": {"q": "x"}}


@pytest.mark.parametrize(
    ("payload", "messages"),
    [
        pytest.param({"role": "assistant", "content": "Hi", "reasoning_content": "hm"}, ANSWER, id="DeepSeek"),
        pytest.param({"message": {"role": "assistant", "content": "Hi", "thinking": "hm"}}, ANSWER, id="Ollama"),
        pytest.param({"response": "Hi", "thinking": "hm", "done": True}, ANSWER, id="Ollama's generate"),
        pytest.param({"text": "Hi", "reasoningText": "hm", "reasoning": []}, ANSWER, id="AI SDK"),
        pytest.param(
            {"content": [{"type": "reasoning", "text": "hm"}, {"type": "text", "text": "Hi"}], "finishReason": "stop"},
            [{**ANSWER[0], "finishReason": "stop"}],
            id="AI SDK's provider",
        ),
        pytest.param(
            {"content": "Hi", "tool_calls": [{"id": "c1", "name": "search", "arguments": '{"q":"x"}'}]},
            [{"role": "assistant", "parts": [{"type": "text", "content": "Hi"}, CALL_PART]}],
            id="a stream's answer",
        ),
        pytest.param(
            [{"type": "ai", "content": [{"type": "reasoning", "reasoning": "hm"}, "Hi"], "tool_calls": [FLAT_CALL]}],
            ANSWER_AND_CALL,
            id="LangChain",
        ),
        pytest.param(
            {"lc": 1, "type": "constructor", "id": ["AIMessage"], "kwargs": {"type": "ai", "content": "Hi"}},
            [text("Hi", "assistant")],
            id="LangChain's dump",
        ),
        pytest.param(
            [{"type": "ai", "data": {"content": "Hi"}}], [text("Hi", "assistant")], id="LangChain's dictionary"
        ),
        pytest.param(["ai", "Hi"], None, id="no pair by itself"),
        pytest.param(
            {"role": "assistant", "content": None, "refusal": "no"},
            [{**text("no", "assistant"), "refusal": "no"}],
            id="a refusal",
        ),
        pytest.param([["ai", "Hi"]], [text("Hi", "assistant")], id="a pair"),
        pytest.param(
            {"generations": [[{"text": "Hi", "generation_info": None}]]},
            [text("Hi", "assistant")],
            id="a text of LangChain",
        ),
        pytest.param(
            [
                {
                    "kind": "response",
                    "parts": [
                        {"part_kind": "thinking", "content": "hm"},
                        {"part_kind": "text", "content": "Hi"},
                        {"part_kind": "tool-call", "tool_name": "search", "args": '{"q":"x"}', "tool_call_id": "c1"},
                    ],
                }
            ],
            ANSWER_AND_CALL,
            id="Pydantic AI",
        ),
        pytest.param(
            [
                {
                    "kind": "request",
                    "parts": [
                        {"part_kind": "system-prompt", "content": "kind"},
                        {"part_kind": "user-prompt", "content": ["Hi", {"kind": "image-url", "url": "u"}]},
                        {"part_kind": "tool-return", "tool_name": "search", "content": "found", "tool_call_id": "c1"},
                    ],
                }
            ],
            [
                text("kind", "system"),
                {
                    "role": "user",
                    "parts": [{"type": "text", "content": "Hi"}, {"type": "uri", "modality": "image", "uri": "u"}],
                },
                {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "found"}]},
            ],
            id="Pydantic AI's request",
        ),
        pytest.param(
            {
                "message": {
                    "role": "assistant",
                    "blocks": [
                        {"block_type": "thinking", "content": "hm"},
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
            ANSWER_AND_CALL,
            id="LlamaIndex",
        ),
        pytest.param(
            [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}],
            [{**text("Hi", "assistant"), "finish_reason": "stop"}],
            id="choices",
        ),
        pytest.param(
            [{"finishReason": "STOP", "content": {"role": "model", "parts": [{"text": "Hi"}]}}],
            [{**text("Hi", "assistant"), "finish_reason": "STOP"}],
            id="candidates",
        ),
        *(
            pytest.param(body, [text("Hi", "assistant")], id=name)
            for name, body in {
                "Titan": {"inputTextTokenCount": 5, "results": [{"outputText": "Hi", "completionReason": "FINISH"}]},
                "Llama": {"generation": "Hi", "stop_reason": "stop"},
                "Mistral's body": {"outputs": [{"text": "Hi", "stop_reason": "stop"}]},
                "Claude 2": {"completion": "Hi", "stop_reason": "stop_sequence"},
                "Jurassic": {"completions": [{"data": {"text": "Hi"}, "finishReason": {"reason": "endoftext"}}]},
                "Bedrock's thought": {"output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}}},
            }.items()
        ),
        pytest.param(
            {
                "output": {
                    "message": {"content": [{"reasoningContent": {"reasoningText": {"text": "hm"}}}, {"text": "Hi"}]}
                }
            },
            ANSWER,
            id="Converse",
        ),
        pytest.param(
            {
                "role": "assistant",
                "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, "Hi"],
            },
            ANSWER,
            id="Mistral",
        ),
        pytest.param(
            {"role": "assistant", "content": [{"type": "text", "text": {"value": "Hi", "annotations": []}}]},
            [text("Hi", "assistant")],
            id="Assistants",
        ),
    ],
)
def test_answers_of_frameworks_and_older_interfaces(payload: Any, messages: Any):
    """What a model answered, as its client or framework gives it, has its texts, thoughts and calls in parts of the schema."""
    conversion = to_messages(payload, "assistant")

    assert (conversion and conversion.messages) == messages


@pytest.mark.parametrize(
    "request_",
    [
        {"system": "kind", "messages": [{"role": "user", "content": "Hi"}]},
        {"system": [{"text": "kind"}], "messages": [{"role": "user", "content": [{"text": "Hi"}]}]},
        {"instructions": "kind", "input": "Hi"},
        {"systemInstruction": {"parts": [{"text": "kind"}]}, "contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
        {"contents": "Hi", "config": {"system_instruction": "kind"}} | {"contents": ["Hi"]},
        {"preamble": "kind", "message": "Hi"},
        {"system": "kind", "prompt": "Hi"},
    ],
)
def test_what_a_request_says_before_its_messages(request_):
    """Instructions that stand beside the messages of a request are its first message."""
    conversion = to_messages(request_, "user")

    assert conversion is not None
    assert conversion.messages == [text("kind", "system"), text("Hi")]
    assert conversion.form is None


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ({"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}}, "server_tool_call"),
        ({"type": "mcp_tool_use", "id": "s1", "name": "roll", "input": {}}, "server_tool_call"),
        ({"type": "web_search_tool_result", "tool_use_id": "s1", "content": []}, "server_tool_call_response"),
        ({"executableCode": {"code": "1+1", "language": "PYTHON"}}, "server_tool_call"),
        ({**NO_PART, "code_execution_result": {"output": "2"}}, "server_tool_call_response"),
        ({"type": "file", "mediaType": "image/png", "data": "AAAA"}, "blob"),
        ({"type": "image", "base64": "AAAA", "mime_type": "image/png"}, "blob"),
        ({"type": "image", "url": "https://x"}, "uri"),
        ({"type": "image", "source": {"type": "file", "file_id": "f"}}, "file"),
        ({"image": {"format": "png", "source": {"bytes": "AAAA"}}}, "blob"),
        ({"document": {"format": "pdf", "name": "d", "source": {"s3Location": {"uri": "s3://b/k"}}}}, "uri"),
        ({"type": "refusal", "refusal": "no"}, "text"),
        ({"type": "tool-call", "toolCallId": "c1", "toolName": "search", "input": {}}, "tool_call"),
        ({"type": "tool-result", "toolCallId": "c1", "output": {"type": "json", "value": 1}}, "tool_call_response"),
    ],
)
def test_further_parts(part, kind):
    """Parts that the schema has a type for have it."""
    conversion = to_messages([{"role": "assistant", "content": [part]}], "assistant")

    assert conversion is not None
    assert [one["type"] for one in conversion.messages[0]["parts"]] == [kind]


@pytest.mark.parametrize(
    "hostile",
    [
        {"results": [{"data": "x", "text": 5}]},
        {"type": ["ai"], "data": {"content": "Hi"}},
        {"kind": "request", "parts": [None, {"part_kind": ["x"]}]},
        {"role": "user", "blocks": [5, {"block_type": {}}]},
        {"type": "image", "role": "user"},
    ],
)
def test_what_only_looks_like_a_form(hostile: Any):
    """Fields of other types than a form has cost nothing but the form."""
    to_messages(hostile, "user")
    to_messages([hostile], "assistant")
