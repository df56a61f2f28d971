"""Images and recordings in streamed answers leave the span as those in messages do."""

from __future__ import annotations

from base64 import b64encode

import spanbridge as sb
from media.samples import png
from spanbridge.testing import capture_spans


def recorded(chunks):
    """The output of a span that passes `chunks` on."""
    with capture_spans() as captured:
        with sb.model_generation(model="m") as generation:
            assert list(generation.stream(iter(chunks))) == chunks
        (span,) = captured.spans
        assert sb.stats()["ignored"] == {}
        return span


def test_gemini_images():
    """A part with inline data beside text, as JSON and as bytes."""
    image = png()
    for data, name in ((b64encode(image).decode(), "inlineData"), (image, "inline_data")):
        parts = [{"text": "Here: "}, {name: {"mimeType": "image/png", "mime_type": "image/png", "data": data}}]
        span = recorded([{"candidates": [{"content": {"parts": parts}}]}, {"candidates": [{"finishReason": "STOP"}]}])

        assert span.output["content"] == "Here: "
        (part,) = span.output["parts"]
        assert part[name]["data"]["media"]["media_type"] == "image/png"
        assert part[name]["data"]["media"]["bytes"] == len(image)


def test_openai_audio():
    """Pieces that are base64 each become one recording; the transcript is the text."""
    samples = bytes(range(256)) * 5
    pieces = [samples[start : start + 100] for start in range(0, len(samples), 100)]
    chunks = [
        {"choices": [{"index": 0, "delta": {"audio": {"data": b64encode(piece).decode(), "transcript": "la "}}}]}
        for piece in pieces
    ]
    span = recorded([*chunks, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}])

    assert span.output["content"] == "la " * len(pieces)
    (part,) = span.output["parts"]
    assert part["data"]["media"]["bytes"] == len(samples)
    assert part["data"]["media"]["media_type"].startswith("audio/")


def test_openai_images():
    """The finished item of an image generation, once."""
    image = png()
    item = {"type": "image_generation_call", "id": "ig_1", "result": b64encode(image).decode()}
    span = recorded(
        [
            {"type": "response.created", "response": {"id": "r", "model": "m"}},
            {"type": "response.image_generation_call.partial_image", "partial_image_b64": item["result"]},
            {"type": "response.output_item.done", "item": item},
            {"type": "response.completed", "response": {"id": "r", "model": "m", "status": "completed"}},
        ]
    )

    (part,) = span.output["parts"]
    assert part["result"]["media"]["bytes"] == len(image)


def test_too_much_of_it(monkeypatch):
    """The first parts stay, the end says how many did not."""
    from spanbridge.tracing import chunks

    monkeypatch.setattr(chunks, "MAX_PART_BYTES", 300)
    part = {"inlineData": {"mimeType": "image/png", "data": b64encode(png()).decode()}}
    span = recorded([{"candidates": [{"content": {"parts": [part] * 4}}]}, {"candidates": [{"finishReason": "STOP"}]}])

    assert span.output["parts"][-1] == {"truncated": {"items": 4 - len(span.output["parts"]) + 1}}


def test_broken_audio(contained_places):
    """What cannot be decoded is left out; the text stays."""
    delta = {"audio": {"data": "a", "transcript": "la"}}
    chunks = [{"choices": [{"index": 0, "delta": delta}]}, {"choices": [{"index": 0, "delta": {"content": "li"}}]}]
    span = recorded([*chunks, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}])

    assert span.output == "li"
    assert contained_places() == {"reading a chunk"}
