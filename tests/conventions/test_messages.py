"""Payloads as messages of the published schema, and back."""

from __future__ import annotations

import pytest

from spanbridge.conventions.messages import from_messages, to_messages

CALL = {"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q":"x"}'}}
CALL_PART = {"type": "tool_call", "id": "c1", "name": "search", "arguments": {"q": "x"}}


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
