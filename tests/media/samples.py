"""Real media, small: made by their formats' own rules."""

from __future__ import annotations

import base64
import io
import math
import random
import struct
import wave
import zipfile
import zlib


def png(seed: int = 0, pixels: int = 16) -> bytes:
    """A square image of random colours."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + random.Random(seed + row).randbytes(3 * pixels) for row in range(pixels))
    header = struct.pack(">IIBBBBB", pixels, pixels, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")


def jpeg(seed: int = 0) -> bytes:
    """One pixel; the seed goes into a comment."""
    start, rest = _JPEG[:2], _JPEG[2:]
    comment = f"comment {seed}".encode()
    return start + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + rest


def wav(seconds: float = 0.05) -> bytes:
    """A tone of 440 Hz, 16 bit, 8 kHz."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(pcm(int(8000 * seconds)))
    return file.getvalue()


def pcm(samples: int = 400) -> bytes:
    """The same tone without a header."""
    return b"".join(
        struct.pack("<h", int(20_000 * math.sin(2 * math.pi * 440 * number / 8000))) for number in range(samples)
    )


def mp3(frames: int = 4) -> bytes:
    """Silence: MPEG-1 layer III, 128 kbit/s, 44.1 kHz, without a tag."""
    return (b"\xff\xfb\x90\xc4" + bytes(413)) * frames


def aac(frames: int = 4) -> bytes:
    """ADTS frames of 64 bytes."""
    size = 64
    header = bytes([0xFF, 0xF1, 0x50, 0x80 | size >> 11, size >> 3 & 0xFF, (size & 7) << 5 | 0x1F, 0xFC])
    return (header + bytes(size - 7)) * frames


def bmp() -> bytes:
    """Two by two pixels, 24 bit."""
    pixels = bytes(range(16))
    info = struct.pack("<IiiHHIIiiII", 40, 2, 2, 1, 24, 0, len(pixels), 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", 14 + len(info) + len(pixels), 0, 0, 54) + info + pixels


def pdf(text: str = "a page") -> bytes:
    """A document of letters only."""
    return (
        b"%PDF-1.4\n1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj\n2 0 obj <</Type /Pages /Kids [] /Count 0>> endobj\n"
        + b"%% "
        + text.encode()
        + b"\nxref\n0 3\ntrailer <</Root 1 0 R /Size 3>>\nstartxref\n0\n%%EOF\n"
    )


def _zip(*names: str, first: tuple[str, str] | None = None) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        if first is not None:
            archive.writestr(zipfile.ZipInfo(first[0]), first[1])
        for name in names:
            archive.writestr(name, "<xml/>" * 20)
    return file.getvalue()


def _riff(form: bytes, body: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + form + body


def _ftyp(*brands: bytes) -> bytes:
    body = brands[0] + b"\0\0\0\0" + b"".join(brands[1:])
    return struct.pack(">I", 8 + len(body)) + b"ftyp" + body + struct.pack(">I", 24) + b"mdat" + bytes(range(200, 232))


_JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////"
    "wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA="
)
_GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument.text"

FORMATS: dict[str, tuple[bytes, str, str]] = {
    "png": (png(), "image/png", "png"),
    "jpeg": (jpeg(), "image/jpeg", "jpg"),
    "gif": (_GIF, "image/gif", "gif"),
    "webp": (_riff(b"WEBP", b"VP8L" + struct.pack("<I", 30) + bytes(30)), "image/webp", "webp"),
    "bmp": (bmp(), "image/bmp", "bmp"),
    "tiff, little": (b"II*\0\x08\0\0\0" + bytes(60), "image/tiff", "tif"),
    "tiff, big": (b"MM\0*\0\0\0\x08" + bytes(60), "image/tiff", "tif"),
    "heic": (_ftyp(b"heic", b"mif1", b"heic"), "image/heic", "heic"),
    "avif": (_ftyp(b"mif1", b"avif", b"miaf"), "image/avif", "avif"),
    "pdf": (pdf(), "application/pdf", "pdf"),
    "wav": (wav(), "audio/wav", "wav"),
    "mp3": (mp3(), "audio/mpeg", "mp3"),
    "mp3 with a tag": (b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + mp3(), "audio/mpeg", "mp3"),
    "ogg": (b"OggS\0\x02" + bytes(60), "audio/ogg", "ogg"),
    "flac": (b"fLaC\0\0\0\x22" + bytes(60), "audio/flac", "flac"),
    "aiff": (b"FORM\0\0\0\x40AIFF" + bytes(60), "audio/aiff", "aiff"),
    "aac": (aac(), "audio/aac", "aac"),
    "m4a": (_ftyp(b"M4A ", b"isom"), "audio/mp4", "m4a"),
    "mp4": (_ftyp(b"isom", b"mp41"), "video/mp4", "mp4"),
    "mov": (_ftyp(b"qt  "), "video/quicktime", "mov"),
    "avi": (_riff(b"AVI ", bytes(60)), "video/x-msvideo", "avi"),
    "webm": (b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm" + bytes(60), "video/webm", "webm"),
    "mkv": (b"\x1a\x45\xdf\xa3\xa3\x42\x82\x88matroska" + bytes(60), "video/x-matroska", "mkv"),
    "docx": (_zip("[Content_Types].xml", "word/document.xml"), _OFFICE + "wordprocessingml.document", "docx"),
    "xlsx": (_zip("[Content_Types].xml", "xl/workbook.xml"), _OFFICE + "spreadsheetml.sheet", "xlsx"),
    "pptx": (_zip("[Content_Types].xml", "ppt/presentation.xml"), _OFFICE + "presentationml.presentation", "pptx"),
    "odt": (_zip("content.xml", first=("mimetype", _OPEN)), _OPEN, "odt"),
    "epub": (_zip("x.opf", first=("mimetype", "application/epub+zip")), "application/epub+zip", "epub"),
    "doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(60), "application/x-ole-storage", "ole"),
}
"""By name: content, media type, extension."""


def text_of(data: bytes) -> str:
    """Its base64."""
    return base64.b64encode(data).decode()


def data_url(data: bytes, media_type: str) -> str:
    """Its data URL."""
    return f"data:{media_type};base64,{text_of(data)}"
