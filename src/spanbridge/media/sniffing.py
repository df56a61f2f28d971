"""Which media format bytes are, told from the bytes alone.

Sources: the magic numbers of the WHATWG MIME Sniffing Standard and of each format's specification. The small libraries that know them
(filetype, puremagic) look at two or three bytes of some formats, which ordinary text has too: here a short magic number counts only where
the structure behind it fits, or where the message declares that kind of content, and text is never media. What is no media stays where it
is, goes through the redaction, and must: it may hold secrets.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD_BYTES = 512
"""How many bytes tell the format; the structure behind a short magic number may need more of them."""


class Format(NamedTuple):
    """A media format."""

    media_type: str
    extension: str
    """Of files, without the dot. It follows from the content alone: one content is one file, whatever a message declares."""


class _Signature(NamedTuple):
    format: Format
    magic: bytes
    offset: int = 0
    rest: bytes = b""
    """What stands 4 bytes behind the magic number: the form type of a RIFF or IFF file."""
    confirms: Callable[[bytes], bool] | None = None
    """For a magic number that other data may have too: whether the structure fits."""


UNKNOWN = Format("application/octet-stream", "bin")
"""Of what only a declaration tells: samples without a header (PCM), formats that are not in the table."""


def media_format(data: bytes, declared: str | None = None) -> Format | None:
    """The format of `data`; None for text and for what is no known media.

    `declared`: the media type that the message gives, without parameters. Its kind (image, audio, ...) is enough for a short magic number.
    """
    found = _by_magic(data, declared)
    if found is None or found == _PDF:
        # A PDF may consist of letters only.
        return found
    return None if is_text(data) else found


def is_text(data: bytes) -> bool:
    """Whether `data` is UTF-8 without NUL."""
    if b"\0" in data:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def may_be_media(head: bytes) -> bool:
    """Whether data that begins with `head`, some 30 bytes or more, may be media; sure only where it says no."""
    return head.startswith(_FIRST_BYTES) or head[4:8] == b"ftyp"


def _by_magic(data: bytes, declared: str | None) -> Format | None:
    kind = declared.partition("/")[0] if declared else None
    for signature in _SIGNATURES:
        at = signature.offset
        if not data.startswith(signature.magic, at):
            continue
        behind = at + len(signature.magic) + 4
        if signature.rest and not data.startswith(signature.rest, behind):
            continue
        declares = signature.format.media_type.partition("/")[0] == kind
        if signature.confirms is None or declares or signature.confirms(data):
            return signature.format
    if data[4:8] == b"ftyp":
        return _iso_base_media(data)
    if data.startswith(b"\x1a\x45\xdf\xa3"):
        return _WEBM if b"webm" in data[:64] else _MATROSKA
    return _zip_based(data) if data.startswith(b"PK\x03\x04") else None


def _is_bmp(data: bytes) -> bool:
    # The size of the file, two reserved fields, and the size of one of the known headers.
    return (
        int.from_bytes(data[2:6], "little") == len(data)
        and data[6:10] == b"\0\0\0\0"
        and int.from_bytes(data[14:18], "little") in (12, 40, 52, 56, 64, 108, 124)
    )


def _is_mpeg_audio(data: bytes) -> bool:
    """Whether a second frame stands where the first one ends."""
    size = _mpeg_frame_bytes(data)
    return bool(size) and (len(data) == size or bool(_mpeg_frame_bytes(data[size : size + 4])))


# ISO/IEC 11172-3 and 13818-3, layer III: kbit/s by index for MPEG-1, and for MPEG-2 and 2.5; Hz by index for MPEG-1.
_MPEG_1_KBITS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG_2_KBITS = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MPEG_1_HZ = (44_100, 48_000, 32_000)


def _mpeg_frame_bytes(head: bytes) -> int:
    """The length of the layer III frame that begins with these 4 bytes; 0 where none does."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return 0
    version, rate, frequency = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or rate in (0, 15) or frequency == 3:
        return 0
    is_mpeg_1 = version == 3
    kbits = (_MPEG_1_KBITS if is_mpeg_1 else _MPEG_2_KBITS)[rate]
    hz = _MPEG_1_HZ[frequency] // {3: 1, 2: 2, 0: 4}[version]
    return (144_000 if is_mpeg_1 else 72_000) * kbits // hz + (head[2] >> 1 & 1)


def _is_adts(data: bytes) -> bool:
    """Whether a second frame stands where the first one ends (ISO/IEC 13818-7, section 6.2)."""
    size = (data[3] & 3) << 11 | data[4] << 3 | data[5] >> 5 if len(data) > 6 else 0
    following = data[size : size + 2]
    return size > 6 and (
        len(data) == size or (len(following) == 2 and following[0] == 0xFF and following[1] & 0xF6 == 0xF0)
    )


def _is_id3(data: bytes) -> bool:
    return len(data) > 10 and data[3] < 5 and data[4] < 0xFF and all(byte < 0x80 for byte in data[6:10])


def _is_pdf(data: bytes) -> bool:
    return re.match(rb"%PDF-\d\.\d", data) is not None and (b"obj" in data or b"%%EOF" in data or not is_text(data))


_PDF = Format("application/pdf", "pdf")
_WEBM = Format("video/webm", "webm")
_MATROSKA = Format("video/x-matroska", "mkv")
_MP3 = Format("audio/mpeg", "mp3")
_AAC = Format("audio/aac", "aac")

_SIGNATURES = (
    _Signature(Format("image/png", "png"), b"\x89PNG\r\n\x1a\n"),
    _Signature(Format("image/jpeg", "jpg"), b"\xff\xd8\xff"),
    _Signature(Format("image/gif", "gif"), b"GIF87a"),
    _Signature(Format("image/gif", "gif"), b"GIF89a"),
    _Signature(Format("image/webp", "webp"), b"RIFF", rest=b"WEBP"),
    _Signature(Format("audio/wav", "wav"), b"RIFF", rest=b"WAVE"),
    _Signature(Format("video/x-msvideo", "avi"), b"RIFF", rest=b"AVI "),
    _Signature(Format("image/tiff", "tif"), b"II*\0"),
    _Signature(Format("image/tiff", "tif"), b"MM\0*"),
    _Signature(Format("image/bmp", "bmp"), b"BM", confirms=_is_bmp),
    _Signature(_PDF, b"%PDF-", confirms=_is_pdf),
    _Signature(Format("audio/ogg", "ogg"), b"OggS"),
    _Signature(Format("audio/flac", "flac"), b"fLaC"),
    _Signature(Format("audio/aiff", "aiff"), b"FORM", rest=b"AIFF"),
    _Signature(_MP3, b"ID3", confirms=_is_id3),
    *(
        _Signature(_AAC, b"\xff" + bytes([second]), confirms=_is_adts)
        for second in range(0xF0, 0x100)
        if second & 0xF6 == 0xF0
    ),
    *(
        _Signature(_MP3, b"\xff" + bytes([second]), confirms=_is_mpeg_audio)
        for second in range(0xE0, 0x100)
        if second & 0xE6 == 0xE2
    ),
    # The legacy office formats: an OLE2 compound file.
    _Signature(Format("application/x-ole-storage", "ole"), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
)
_FIRST_BYTES = (*{signature.magic for signature in _SIGNATURES}, b"\x1a\x45\xdf\xa3", b"PK\x03\x04")

_BRANDS = {
    b"avif": Format("image/avif", "avif"),
    b"avis": Format("image/avif", "avif"),
    **dict.fromkeys(
        (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), Format("image/heic", "heic")
    ),
    **dict.fromkeys((b"M4A ", b"M4B ", b"M4P "), Format("audio/mp4", "m4a")),
    b"qt  ": Format("video/quicktime", "mov"),
}
_MP4 = Format("video/mp4", "mp4")


def _iso_base_media(data: bytes) -> Format:
    """By the major brand (ISO/IEC 14496-12, section 4.3); an AVIF file may name HEIF's, and itself among the compatible ones."""
    size = min(int.from_bytes(data[:4], "big"), HEAD_BYTES)
    return _BRANDS[b"avif"] if b"avif" in data[8:size] else _BRANDS.get(data[8:12], _MP4)


_OPEN_DOCUMENT = re.compile(rb"application/(?:vnd\.oasis\.opendocument\.(?:text|spreadsheet|presentation)|epub\+zip)")
_PACKED = {
    b"application/vnd.oasis.opendocument.text": "odt",
    b"application/vnd.oasis.opendocument.spreadsheet": "ods",
    b"application/vnd.oasis.opendocument.presentation": "odp",
    b"application/epub+zip": "epub",
}
_OFFICE_TYPE = "application/vnd.openxmlformats-officedocument."
_OFFICE = (
    (b"word/document", Format(_OFFICE_TYPE + "wordprocessingml.document", "docx")),
    (b"xl/workbook", Format(_OFFICE_TYPE + "spreadsheetml.sheet", "xlsx")),
    (b"ppt/presentation", Format(_OFFICE_TYPE + "presentationml.presentation", "pptx")),
)


def _zip_based(data: bytes) -> Format | None:
    """Office documents; any other archive may hold anything."""
    named = _OPEN_DOCUMENT.match(data, 38)  # the first entry, stored: its name is "mimetype"
    if named is not None:
        return Format(named[0].decode(), _PACKED[named[0]])
    if b"[Content_Types].xml" not in data:
        return None
    # The names of all entries stand in the directory at the end.
    return next((office for name, office in _OFFICE if name in data), None)
