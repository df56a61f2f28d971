"""What is found, wherever it stands, and what is left alone."""

from __future__ import annotations

import base64
import json
import os
import random
import textwrap
from hashlib import sha256
from typing import TYPE_CHECKING

import orjson
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.samples import FORMATS, data_url, jpeg, mp3, pcm, pdf, png, text_of, wav
from spanbridge.media import step
from spanbridge.media.finder import Finder
from spanbridge.media.references import as_text, reference
from spanbridge.model.media import MediaContent
from spanbridge.model.payload import decode, snapshot
from spanbridge.model.span import SpanRecord
from spanbridge.model.span_types import SpanType

if TYPE_CHECKING:
    from anthropic.types import ImageBlockParam, MessageParam
    from openai.types.chat import ChatCompletionUserMessageParam
    from openai.types.responses import EasyInputMessageParam

PNG, JPEG, WAV, MP3, PDF, PCM = png(), jpeg(), wav(), mp3(), pdf(), pcm()


def refer(data, media_type, **more):
    """The reference to `data`."""
    return reference(sha256(data).hexdigest(), media_type, len(data), **more)


@pytest.fixture
def moved(media_step):
    """Gives what a payload becomes in a span, and the contents that left it."""

    def move(value, field="input"):
        record = SpanRecord("1" * 32, "2" * 16, SpanType.GENERIC, 1, {field: snapshot(value)})
        media_step.process(record, lambda: None)
        document = record.encode_document()
        return record.get_content(field), list(record.media), document

    return move


def openai_chat(part) -> ChatCompletionUserMessageParam:
    return {"role": "user", "content": [{"type": "text", "text": "what is it?"}, part]}


def openai_responses(part) -> EasyInputMessageParam:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "what is it?"}, part]}


def anthropic(block) -> MessageParam:
    return {"role": "user", "content": [{"type": "text", "text": "what is it?"}, block]}


def anthropic_image(media_type, data) -> ImageBlockParam:
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}


# By name: the shape around a content, the content as it stands there, its bytes, its media type.
SHAPES = {
    "openai image_url": (
        lambda c: [openai_chat({"type": "image_url", "image_url": {"url": c, "detail": "low"}})],
        data_url(PNG, "image/png"),
        PNG,
        "image/png",
    ),
    "openai input_audio": (
        lambda c: [openai_chat({"type": "input_audio", "input_audio": {"data": c, "format": "wav"}})],
        text_of(WAV),
        WAV,
        "audio/wav",
    ),
    "openai input_audio mp3": (
        lambda c: [openai_chat({"type": "input_audio", "input_audio": {"data": c, "format": "mp3"}})],
        text_of(MP3),
        MP3,
        "audio/mpeg",
    ),
    "openai file": (
        lambda c: [openai_chat({"type": "file", "file": {"file_data": c, "filename": "a.pdf"}})],
        data_url(PDF, "application/pdf"),
        PDF,
        "application/pdf",
    ),
    "openai responses image": (
        lambda c: [openai_responses({"type": "input_image", "image_url": c, "detail": "auto"})],
        data_url(JPEG, "image/jpeg"),
        JPEG,
        "image/jpeg",
    ),
    "openai responses file": (
        lambda c: [openai_responses({"type": "input_file", "file_data": c, "filename": "a.pdf"})],
        data_url(PDF, "application/pdf"),
        PDF,
        "application/pdf",
    ),
    "openai image generation": (
        lambda c: {"type": "image_generation_call", "id": "ig_1", "result": c, "status": "completed"},
        text_of(PNG),
        PNG,
        "image/png",
    ),
    "openai images": (
        lambda c: {"created": 1, "data": [{"b64_json": c, "revised_prompt": "a cat"}], "output_format": "png"},
        text_of(PNG),
        PNG,
        "image/png",
    ),
    "openai answer in audio": (
        lambda c: {"role": "assistant", "audio": {"id": "audio_" + "0a" * 30, "data": c, "transcript": "hello"}},
        text_of(MP3),
        MP3,
        "audio/mpeg",
    ),
    "openai realtime": (
        lambda c: {"type": "input_audio_buffer.append", "event_id": "e" * 60, "audio": c},
        text_of(PCM),
        PCM,
        "audio/pcm",
    ),
    "anthropic image": (
        lambda c: [anthropic(anthropic_image("image/jpeg", c))],
        text_of(JPEG),
        JPEG,
        "image/jpeg",
    ),
    "anthropic document": (
        lambda c: [
            anthropic(
                {
                    "type": "document",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": c},
                    "title": "t",
                }
            )
        ],
        text_of(PDF),
        PDF,
        "application/pdf",
    ),
    "anthropic tool result": (
        lambda c: [
            anthropic({"type": "tool_result", "tool_use_id": "t", "content": [anthropic_image("image/png", c)]})
        ],
        text_of(PNG),
        PNG,
        "image/png",
    ),
    "gemini inline_data": (
        lambda c: {"role": "user", "parts": [{"text": "?"}, {"inline_data": {"mime_type": "image/png", "data": c}}]},
        base64.urlsafe_b64encode(PNG).decode(),
        PNG,
        "image/png",
    ),
    "gemini inlineData": (
        lambda c: {"parts": [{"inlineData": {"mimeType": "audio/wav", "data": c}}]},
        text_of(WAV),
        WAV,
        "audio/wav",
    ),
    "gemini bytes": (
        lambda c: {"parts": [{"inline_data": {"mime_type": "image/jpeg", "data": c}}]},
        JPEG,
        JPEG,
        "image/jpeg",
    ),
    "gemini speech": (
        lambda c: {"parts": [{"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": c}}]},
        PCM,
        PCM,
        "audio/L16;codec=pcm;rate=24000",
    ),
    "bedrock image": (
        lambda c: [{"role": "user", "content": [{"image": {"format": "png", "source": {"bytes": c}}}, {"text": "?"}]}],
        PNG,
        PNG,
        "image/png",
    ),
    "bedrock document": (
        lambda c: [{"content": [{"document": {"format": "pdf", "name": "a", "source": {"bytes": c}}}]}],
        PDF,
        PDF,
        "application/pdf",
    ),
    "bedrock video": (
        lambda c: [{"content": [{"video": {"format": "mp4", "source": {"bytes": c}}}]}],
        FORMATS["mp4"][0],
        FORMATS["mp4"][0],
        "video/mp4",
    ),
    "vercel file": (
        lambda c: [
            {"role": "user", "content": [{"type": "file", "mediaType": "audio/mpeg", "data": c, "filename": "a"}]}
        ],
        text_of(MP3),
        MP3,
        "audio/mpeg",
    ),
    "vercel image": (
        lambda c: [{"role": "user", "content": [{"type": "image", "image": c, "mimeType": "image/png"}]}],
        text_of(PNG),
        PNG,
        "image/png",
    ),
    "langchain": (
        lambda c: {"type": "image", "source_type": "base64", "mime_type": "image/jpeg", "data": c},
        text_of(JPEG),
        JPEG,
        "image/jpeg",
    ),
    "langchain 1": (
        lambda c: {"type": "audio", "base64": c, "mime_type": "audio/wav"},
        text_of(WAV),
        WAV,
        "audio/wav",
    ),
    "mcp": (
        lambda c: {"content": [{"type": "image", "data": c, "mimeType": "image/png"}], "isError": False},
        text_of(PNG),
        PNG,
        "image/png",
    ),
    "opentelemetry": (
        lambda c: [{"parts": [{"type": "blob", "modality": "image", "mime_type": "image/png", "content": c}]}],
        text_of(PNG),
        PNG,
        "image/png",
    ),
    "bytes anywhere": (lambda c: {"attachments": [("a.pdf", c)]}, PDF, PDF, "application/pdf"),
    "a bytearray alone": (lambda c: c, bytearray(PNG), PNG, "image/png"),
    "base64 without a shape": (lambda c: {"screenshot": c}, text_of(PNG), PNG, "image/png"),
    "base64 alone": (lambda c: c, text_of(JPEG), JPEG, "image/jpeg"),
    "a data URL alone": (lambda c: c, data_url(WAV, "audio/x-wav"), WAV, "audio/wav"),
    "a data URL with parameters": (
        lambda c: [c],
        f'DATA:image/png;charset=utf-8;name="a.png";base64,{text_of(PNG)}',
        PNG,
        "image/png",
    ),
    "without padding": (lambda c: [c], text_of(JPEG).rstrip("="), JPEG, "image/jpeg"),
    "wrapped": (lambda c: [c], base64.encodebytes(PNG).decode(), PNG, "image/png"),
    "wrapped in CRLF": (lambda c: [c], "\r\n".join(textwrap.wrap(text_of(PNG), 64)), PNG, "image/png"),
}


@pytest.mark.parametrize(("shape", "content", "data", "media_type"), SHAPES.values(), ids=SHAPES)
def test_shapes(moved, shape, content, data, media_type):
    """The content leaves whole; a reference stands in its place, and all around it is as it was."""
    value, contents, document = moved(shape(content))

    expected = shape(refer(data, media_type))
    assert value == json.loads(json.dumps(expected))
    assert [item.data for item in contents] == [data]
    assert text_of(data)[8:40].encode() not in document


@pytest.mark.parametrize(("data", "media_type", "extension"), FORMATS.values(), ids=FORMATS)
def test_formats(moved, data, media_type, extension):
    """Every format, as bytes and as base64, under the name of its content."""
    for content in (data, text_of(data), data_url(data, media_type)):
        value, contents, _ = moved({"x": content})

        assert value == {"x": refer(data, media_type)}
        assert contents == [MediaContent(sha256(data).hexdigest(), extension, data)]


class Blob(pydantic.BaseModel):
    """As the types of google-genai are configured."""

    model_config = pydantic.ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")
    data: bytes
    mime_type: str


class PlainBlob(pydantic.BaseModel):
    data: bytes
    mime_type: str


@pytest.mark.parametrize("model", [Blob, PlainBlob])
@pytest.mark.parametrize("data", [PNG, PDF], ids=["png", "pdf"])
def test_bytes_in_models(moved, model, data):
    """However a model writes its bytes."""
    value, contents, _ = moved([model(data=data, mime_type="application/octet-stream")])

    if data == PDF and model is PlainBlob:
        assert contents == []  # pydantic wrote it as text, which it is
    else:
        assert [item.data for item in contents] == [data]
        assert value[0]["data"] == refer(data, "image/png" if data == PNG else "application/pdf")


def test_the_same_content_twice_is_one(moved):
    """Two references, one content."""
    value, contents, _ = moved([text_of(PNG), {"bytes": PNG}])

    assert value == [refer(PNG, "image/png"), {"bytes": refer(PNG, "image/png")}]
    assert len(contents) == 1


@pytest.mark.parametrize(
    ("declared", "data", "media_type", "kept"),
    [
        ("image/jpeg", PNG, "image/png", "image/jpeg"),
        ("text/plain", PNG, "image/png", "text/plain"),
        ("audio/pcm", WAV, "audio/wav", "audio/pcm"),
        ("image/jpg", JPEG, "image/jpeg", None),
        ("IMAGE/PNG; q=1", PNG, "image/png", None),
        ("image/*", PNG, "image/png", None),
        ("application/octet-stream", PDF, "application/pdf", None),
        ("audio/mp4", FORMATS["mp4"][0], "audio/mp4", None),
        ("audio/webm", FORMATS["webm"][0], "audio/webm", None),
        ("application/msword", FORMATS["doc"][0], "application/msword", None),
    ],
)
def test_a_wrong_declared_type(moved, declared, data, media_type, kept):
    """What the bytes say wins; what was declared stays beside it. Other names of one format are not wrong."""
    expected = refer(data, media_type) if kept is None else refer(data, media_type, declared=kept)

    for value in (
        {"media_type": declared, "data": text_of(data)},
        {"mimeType": declared, "data": data},
        {"media_type": "x/y", "source": {"url": data_url(data, declared.replace(" ", ""))}},
    ):
        result, _, _ = moved(value)

        found = result["data"] if "data" in result else result["source"]["url"]
        assert found == expected


UNKNOWN = random.Random(7).randbytes(300)


@pytest.mark.parametrize(
    ("shape", "content", "media_type"),
    [
        (lambda c: {"image_url": {"url": c}}, data_url(UNKNOWN, "image/jxl"), "image/jxl"),
        (lambda c: {"source": {"type": "base64", "media_type": "image/png", "data": c}}, text_of(UNKNOWN), "image/png"),
        (lambda c: {"input_audio": {"data": c, "format": "wav"}}, text_of(UNKNOWN), "audio/wav"),
        (lambda c: {"inline_data": {"mime_type": "video/x-flv", "data": c}}, UNKNOWN, "video/x-flv"),
        (lambda c: {"document": {"format": "xls", "source": {"bytes": c}}}, UNKNOWN, "application/vnd.ms-excel"),
        (lambda c: f"![]({c})", data_url(UNKNOWN, "image/jp2"), "image/jp2"),
    ],
)
def test_bytes_that_only_the_message_knows(moved, shape, content, media_type):
    """Declared as media and no text: nobody could redact them where they stand."""
    value, contents, _ = moved(shape(content))

    expected = refer(UNKNOWN, media_type)
    assert value == shape(as_text(expected) if isinstance(shape(content), str) else expected)
    assert contents == [MediaContent(sha256(UNKNOWN).hexdigest(), "bin", UNKNOWN)]


SECRET_TEXT = "the password is hunter2, and this goes on for a while so that it is long enough to be looked at"
KEPT = {
    "text": SECRET_TEXT,
    "base64 of text": text_of(SECRET_TEXT.encode()),
    "base64 of text that begins like an image": text_of(b"GIF89a " + SECRET_TEXT.encode()),
    "base64 of text, declared as an image": {"media_type": "image/png", "data": text_of(SECRET_TEXT.encode())},
    "base64 of text, declared as samples": {"mime_type": "audio/pcm", "data": text_of(SECRET_TEXT.encode())},
    "a transcript, declared as samples": {"mime_type": "audio/pcm", "content": "just some words " * 10},
    "an id beside samples": {"mime_type": "audio/pcm", "id": "a" * 64},
    "a data URL of text": data_url(SECRET_TEXT.encode(), "text/plain"),
    "a data URL of text that claims to be an image": data_url(SECRET_TEXT.encode(), "image/png"),
    "a data URL that is not base64": "data:image/svg+xml," + "%3Csvg%3E" * 20,
    "a data URL of an SVG": data_url(b"<svg>" + b" " * 100 + b"</svg>", "image/svg+xml"),
    "broken base64": data_url(PNG, "image/png")[:-9] + "*!*" + text_of(PNG)[:40],
    "base64 with a space in it": f"{text_of(PNG)[:200]} {text_of(PNG)[200:]}",
    "base64 with a length that none has": data_url(PNG, "image/png").rstrip("=")[
        : -(len(text_of(PNG).rstrip("=")) % 4) or None
    ]
    + "A",
    "base64 of an archive": text_of(b"PK\x03\x04" + bytes(100)),
    "random base64": text_of(UNKNOWN),
    "random base64, declared as anything": {"mime_type": "application/octet-stream", "data": text_of(UNKNOWN)},
    "random base64 beside an image": {"mime_type": "image/png", "file_id": text_of(UNKNOWN), "url": "https://x.org"},
    "a token": "eyJhbGciOiJIUzI1NiJ9." + "a" * 200 + "." + "b" * 43,
    "a signature": {"type": "thinking", "thinking": "", "signature": text_of(os.urandom(300))},
    "a hash": "ab12" * 16,
    "a URL": "https://example.org/" + "a" * 100,
    "mappings of the application": {"bytes": 5, "base64": "a" * 60},
    "its own base64 of text": {"bytes": 60, "base64": text_of(b"x" * 60)},
    "a list": [[text_of(b"a" * 90)], {"data": {"x": text_of(b"b" * 90)}}],
}


@pytest.mark.parametrize("value", KEPT.values(), ids=KEPT)
def test_what_is_no_media_stays(moved, value):
    """Byte for byte: it goes through the redaction."""
    result, contents, document = moved(value)

    assert result == value
    assert contents == []
    assert document == b'{"input":%b}' % (snapshot(value) if isinstance(value, dict | list) else orjson.dumps(value))


@pytest.mark.parametrize(
    "data",
    [os.urandom(1000), SECRET_TEXT.encode("utf-16"), b"PK\x03\x04" + bytes(60), b"\xff" * 42, b"%PDF-what? " * 9],
)
def test_bytes_of_no_known_format_are_counted(moved, data):
    """Nobody could redact them."""
    value, contents, document = moved({"x": data, "kept": [1.5, "é"]})

    assert value == {"x": {"bytes": len(data)}, "kept": [1.5, "é"]}
    assert contents == []
    assert b"base64" not in document


TEXT_REFERENCE = f"[media image/png {len(PNG)} bytes sha256:{sha256(PNG).hexdigest()}]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"![a cat]({data_url(PNG, 'image/png')}) and more", f"![a cat]({TEXT_REFERENCE}) and more"),
        (
            f"<img src=\"{data_url(PNG, 'image/png')}\"><img src='{data_url(PNG, 'image/jpeg')}'>",
            f"<img src=\"{TEXT_REFERENCE}\"><img src='{TEXT_REFERENCE}'>",
        ),
        (
            json.dumps({"url": data_url(PNG, "image/png"), "b64": text_of(PNG), "é": "password"}),
            json.dumps({"url": TEXT_REFERENCE, "b64": TEXT_REFERENCE, "é": "password"}),
        ),
        (f"a screenshot: {text_of(PNG)}", f"a screenshot: {TEXT_REFERENCE}"),
        (f"é{text_of(PNG)}\nnext", f"é{TEXT_REFERENCE}\nnext"),
    ],
)
def test_media_in_the_middle_of_a_text(moved, text, expected):
    """Markdown, HTML, JSON that is passed as a string: the text around stays, and JSON stays JSON."""
    value, contents, _ = moved({"t": text})

    assert value == {"t": expected}
    assert [item.data for item in contents] == [PNG]
    if text.startswith("{"):
        assert json.loads(value["t"])


def test_fields_that_are_text_stay_text(moved):
    """A name, a message or a tag never becomes a mapping."""
    for field, value in (
        ("name", data_url(PNG, "image/png")),
        ("tags", [data_url(PNG, "image/png")]),
        ("error", {"type": "Error", "message": f"cannot read {text_of(PNG)}"}),
        ("session_id", text_of(PNG)),
    ):
        result, contents, document = moved(value, field)

        assert TEXT_REFERENCE in json.dumps(result)
        assert type(result) is type(value)
        assert [item.data for item in contents] == [PNG]
        assert text_of(PNG).encode() not in document


def test_a_span_that_refers_is_not_looked_at_twice(moved):
    """References are never media, also where they stand in the places of media."""
    once, _, _ = moved([shape(content) for shape, content, _, _ in SHAPES.values()])

    twice, contents, _ = moved(once)

    assert twice == once
    assert contents == []


def deep(value, levels):
    """`value` in so many lists."""
    for _ in range(levels):
        value = [value]
    return value


def test_bounds(moved, monkeypatch):
    """What lies too deep or behind too many values is left, but for bytes that are no text."""
    monkeypatch.setattr("spanbridge.media.finder.MAX_VALUES", 50)
    raw = {"bytes": 500, "base64": text_of(b"\xff" * 500)}

    for value in ([*([[]] * 100), raw, {"x": PNG}], deep([raw, PNG], 150)):
        result, contents, document = moved(value)

        assert contents == []
        assert b"base64" not in document
        assert b'{"bytes":500}' in document
        assert result


def test_a_failure_is_contained(moved, monkeypatch, contained_places):
    """A payload that cannot be looked through stays, without bytes that nobody could redact."""
    monkeypatch.setattr(Finder, "value", lambda *_: 1 / 0)

    value, contents, _ = moved({"a": "kept", "x": b"\xff" * 500, "y": text_of(PNG)})

    assert value == {"a": "kept", "x": {"bytes": 500}, "y": text_of(PNG)}
    assert contents == []
    assert contained_places() == {"moving media"}


JSON_TEXT = st.text(st.characters(exclude_categories=["Cs"])) | st.text("ABCab01+/-_=", min_size=40, max_size=200)
NO_MEDIA = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | JSON_TEXT
    | st.builds(lambda text: text_of(text.encode()), st.text(st.characters(exclude_categories=["Cs"]), min_size=60))
    | st.builds(
        lambda text: data_url(text.encode(), "image/png"),
        st.text(st.characters(exclude_categories=["Cs"]), min_size=60),
    ),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["data", "media_type", "type", "bytes", "base64", "media", "format"]) | JSON_TEXT, inner
        )
    ),
    max_leaves=15,
)
MEDIA = st.sampled_from([data for data, _, _ in FORMATS.values()])


def find(value, taken):
    """What the finder makes of a decoded payload."""

    def take(data, format, declared):
        taken.append(data)
        return refer(data, format.media_type)

    return Finder(take, lambda: None).value(value)


@given(NO_MEDIA)
def test_nothing_is_found_where_nothing_is(value):
    """The same object comes back; no magic number is so short that text or numbers fall for it."""
    taken: list[bytes] = []

    result = find(value, taken)

    if not taken:
        assert result is value
    else:  # base64 that hypothesis made up may be media: then it was, byte for byte
        assert all(text_of(data)[:40] in orjson.dumps(value).decode().translate({45: 43, 95: 47}) for data in taken)


@given(NO_MEDIA, MEDIA, st.sampled_from([text_of, lambda data: data_url(data, "image/png"), bytes]))
def test_media_are_found_anywhere(value, data, spell):
    """Beside anything, at any place; a second look finds nothing more."""
    around = decode(snapshot([value, {"x": [spell(data)]}, value]))
    taken: list[bytes] = []

    once = find(around, taken)

    assert data in taken
    assert set(once[1]["x"][0]) == {"media"}
    again: list[bytes] = []
    assert find(once, again) is once
    assert again == []


def test_many_records_are_looked_at_together(media_step, monkeypatch):
    """One that holds media is found among others, wherever it stands; the others stay as they are, and so do clean ones alone."""
    monkeypatch.setattr(step, "LOOK_BYTES", 400)
    values = [*(f"clean {number} " * 10 for number in range(12)), {"image": data_url(PNG, "image/png")}, "last"]
    records = [SpanRecord("1" * 32, "2" * 16, SpanType.GENERIC, 1, {"input": snapshot(value)}) for value in values]
    pauses = []

    media_step.process_all(records, lambda: pauses.append(1))

    assert [bool(record.media) for record in records] == [False] * 12 + [True, False]
    assert [record.get_content("input") for record in records[:12]] == values[:12]
    assert records[12].media[0].data == PNG
    assert PNG not in records[12].encode_fields()
    assert len(pauses) > 3
