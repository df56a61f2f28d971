"""The format of bytes, told from the bytes."""

from __future__ import annotations

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from media.samples import FORMATS, aac, mp3
from spanbridge.media.sniffing import is_text, may_be_media, media_format


@pytest.mark.parametrize(("data", "media_type", "extension"), FORMATS.values(), ids=FORMATS)
def test_known_formats(data, media_type, extension):
    """Each format is known from its content alone, and from its first 30 bytes that it may be one."""
    assert media_format(data) == (media_type, extension)
    assert may_be_media(data[:30])


TEXTS = [
    "BM is a company, BMW another",
    "GIF89a is the format of 1989; the password is hunter2",
    "RIFF and WAVE: RIFF\x01\x02\x03\x04WAVE",
    "ID3 tags hold titles",
    "OggS begins a page of Ogg",
    "fLaC is a magic number",
    "%PDF-1.4 begins a document",
    "%PDF- and so on",
    "PK\x03\x04 is a zip",
    "0000ftypisom with a secret in it",
    "",
    "plain",
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_no_media(text):
    """Also where it begins with a magic number: text goes through the redaction."""
    assert media_format(text.encode()) is None


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
@example("II*")
def test_any_text_is_no_media(text):
    """No text at all, but a whole PDF."""
    assert is_text(text.encode())
    assert media_format(text.encode()) is None or text.startswith("%PDF-")


@pytest.mark.parametrize(
    "data",
    [
        b"BM\xff\xfe and more of it" * 4,
        b"\xff\xfb\x90\xc4" + b"\xfe\xfd" * 300,
        b"\xff\xf1\x50\x80\x08\x1f\xfc" + b"\xfe" * 100,
        b"ID3\xff\xff",
        b"RIFF\x10\0\0\0XXXX\0",
        b"PK\x03\x04" + bytes(100),
        b"\x1f\x8b\x08" + bytes(50),
        b"\x7fELF" + bytes(50),
        bytes(range(256)),
    ],
)
def test_what_only_begins_alike(data):
    """Short magic numbers count where the structure behind them fits; archives and programs are no media."""
    assert media_format(data) is None


@pytest.mark.parametrize(
    ("data", "declared", "media_type"),
    [
        (b"\xff\xfb\x90\xc4" + b"\xfe\xfd" * 300, "audio/mpeg", "audio/mpeg"),
        (b"\xff\xf1\x50\x80\x08\x1f\xfc" + b"\xfe" * 100, "audio/aac", "audio/aac"),
        (b"BM\xff\xfe" + bytes(60), "image/bmp", "image/bmp"),
    ],
)
def test_a_declaration_makes_up_for_a_short_magic_number(data, declared, media_type):
    """A recording that was cut is one, where the message says so."""
    assert media_format(data) is None
    assert media_format(data, declared).media_type == media_type


@pytest.mark.parametrize("data", [data for data, _, _ in FORMATS.values()], ids=FORMATS)
def test_files_that_were_cut(data):
    """At any length something is answered, and once 30 bytes are there no other format."""
    answers = [media_format(data[:length]) for length in range(min(len(data), 700))]

    assert set(answers[30:]) <= {None, media_format(data)}


MAGIC = sorted({data[:length] for data, _, _ in FORMATS.values() for length in (2, 3, 4, 8, 12)})


@given(st.sampled_from(MAGIC), st.binary(max_size=100), st.sampled_from([None, "image/x", "audio/x", "video/x", ""]))
def test_anything_behind_a_magic_number(magic, rest, declared):
    """Nothing raises."""
    media_format(magic + rest, declared)
    may_be_media((magic + rest)[:30])


@given(st.integers(1, 6), st.sampled_from([mp3, aac]), st.binary(max_size=3))
def test_frames(frames, make, rest):
    """One frame, many, and what is cut in the last one."""
    data = make(frames)

    assert media_format(data) is not None
    assert media_format(data + data[:20]) is not None
    assert may_be_media(base64.b64decode(base64.b64encode(data)[:52]))
