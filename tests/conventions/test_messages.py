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
                        {"type": "json", "content": NO_PART},
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
