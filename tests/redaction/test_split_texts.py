"""A secret cut over the items of a list goes from all of them, wherever it is cut and however the stream was recorded."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from spanbridge import SensitiveDataFilter

from .formats import FORMATS
from .generating import characters, fill
from .scoring import remains, visible

if TYPE_CHECKING:
    from collections.abc import Callable

FILTER = SensitiveDataFilter()
SHAPES: dict[str, Callable[[str], Any]] = {
    "strings": lambda text: text,
    "OpenAI": lambda text: {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}}]},
    "OpenAI tool": lambda text: {
        "choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": text}}]}}]
    },
    "OpenAI response": lambda text: {"type": "response.output_text.delta", "item_id": "msg_1", "delta": text},
    "Anthropic": lambda text: {
        "type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text},
    },
    "Anthropic tool": lambda text: {
        "type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": text},
    },
    "Gemini": lambda text: {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}]},
    "Bedrock": lambda text: {"contentBlockDelta": {"delta": {"text": text}, "contentBlockIndex": 0}},
    "Bedrock tool": lambda text: {
        "contentBlockDelta": {"delta": {"toolUse": {"input": text}}, "contentBlockIndex": 0}
    },
    "A2A": lambda text: {
        "kind": "artifact-update", "artifact": {"artifactId": "a1", "parts": [{"kind": "text", "text": text}]},
    },
    "LangChain": lambda text: {"event": "on_chat_model_stream", "data": {"chunk": {"content": text}}, "run_id": "r1"},
    "LangChain content": lambda text: {
        "type": "AIMessageChunk", "content": [{"type": "text", "text": text, "index": 0}],
    },
    "Vercel": lambda text: {"type": "text-delta", "id": "t1", "textDelta": text},
    "Ollama": lambda text: {"model": "m", "message": {"role": "assistant", "content": text}, "done": False},
    "tokens": lambda text: {"event": "token", "data": text},
    "SSE": lambda text: "data: " + json.dumps({"choices": [{"delta": {"content": text}}]}) + "\n\n",
}  # fmt: skip
HOLDERS: dict[str, Callable[[list[Any]], Any]] = {
    "list": lambda items: items,
    "member": lambda items: {"run": {"events": items}},
    "JSON": json.dumps,
    "JSON twice": lambda items: json.dumps({"output": json.dumps(items)}),
}


def pieces(text: str, rng: random.Random) -> list[str]:
    cuts = sorted(rng.sample(range(1, len(text)), min(len(text) - 1, len(text) // 5)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_stream_of_any_shape(shape: str, holder: str) -> None:
    """Small pieces, or two: a key of each kind, a password in prose, a header, JSON."""
    rng = random.Random(f"{shape} {holder}")
    missed: list[Any] = []
    for number in range(30):
        secret = fill(rng.choice(FORMATS)[1], rng) if number % 2 else characters(rng, "AN", 20)
        text = f"Sure: DB_PASSWORD={secret} is it, then restart." if number % 4 < 2 else f"Use {secret} now."
        if number % 2 == 0 and number % 4 >= 2:
            text = json.dumps({"user": "bob", "password": secret, "n": 1})
        at = text.index(secret) + rng.randint(1, len(secret) - 1)
        value = HOLDERS[holder](
            [SHAPES[shape](piece) for piece in (pieces(text, rng) if number % 3 else (text[:at], text[at:]))]
        )

        redacted = FILTER.redact(value)

        if remains(secret, _text(redacted)) or FILTER.redact(redacted) != redacted:
            missed.append((value, redacted))
    assert missed == []


def _text(value: Any) -> str:
    """All text of a value, JSON in strings read, the pieces as they were put together."""
    while isinstance(value, str) and value[:1] in "[{":
        value = json.loads(value)
        value = value["output"] if isinstance(value, dict) and "output" in value else value
    if isinstance(value, list):
        value = [
            json.loads(item[6:]) if isinstance(item, str) and item.startswith("data: ") else item for item in value
        ]
    return visible(value)


EVERY_SPLIT = ("strings", "OpenAI", "Gemini", "SSE")


@pytest.mark.parametrize("shape", EVERY_SPLIT)
@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 29])
def test_every_split(shape: str, step: int) -> None:
    """Of every format in two pieces."""
    rng = random.Random(7)
    missed: list[tuple[str, int]] = []
    for name, template in FORMATS:
        secret = fill(template, rng)
        for cut in range(1 + rng.randrange(step), len(secret), step):
            items = [SHAPES[shape](f"Use {secret[:cut]}"), SHAPES[shape](f"{secret[cut:]} now")]
            if remains(secret, _text(FILTER.redact(items))):
                missed.append((name, cut))
    assert missed == []


TEXTS_IN_PIECES = (
    "az login --service-principal -u app1 -p §",
    "https://example.com/i.png?sig=§",
    'req.SetBasicAuth("bob", "§")',
    'print("a", "b"); api_key = "§", "c"',
    "ID=bob;Password=§;Encrypt=True",
)


@pytest.mark.parametrize("text", TEXTS_IN_PIECES)
@pytest.mark.parametrize("holder", HOLDERS)
def test_strings_of_a_text(text: str, holder: str) -> None:
    """Whatever the pieces look like alone: a program, an assignment, quotes with a comma between."""
    rng = random.Random(text)
    missed: list[Any] = []
    for _ in range(20):
        secret = characters(rng, "AN", 24)
        items = pieces(text.replace("§", secret), rng)
        redacted = FILTER.redact(HOLDERS[holder](items))
        if remains(secret, _text(redacted)):
            missed.append((items, redacted))
    assert missed == []


@pytest.mark.parametrize(
    "first",
    [
        "DELETE /users/42/password 200",
        "Incorrect API key provided: sk-proj-********************1234.",
        "The token is ***",
        "The next page of the password is 42",
    ],
)
def test_texts_of_their_own(first: str) -> None:
    """What the first ends with is no beginning of the second."""
    items = [{"type": "text", "text": first}, {"type": "text", "text": "Anything else?"}]

    assert FILTER.redact(items) == items
    assert FILTER.redact([first, "Anything else?"]) == [first, "Anything else?"]
