"""What the message shapes of providers say of the bytes in them, and what else they call the same format.

Whether something is media is told from its bytes, wherever it stands. What is declared beside it decides about bytes that nothing tells,
such as samples without a header (PCM), and is kept where it is wrong.

    OpenAI          {"type": "input_audio", "input_audio": {"data", "format": "wav"}}; {"file": {"file_data": "data:..."}};
                    {"image_url": {"url": "data:..."}}; {"type": "input_image", "image_url"}; {"b64_json"}; realtime events
    Anthropic       {"type": "image", "source": {"type": "base64", "media_type", "data"}}
    Gemini          {"inline_data": {"mime_type", "data"}}, {"inlineData": {"mimeType", "data"}}
    Bedrock         {"image": {"format": "png", "source": {"bytes"}}}
    Vercel, Mastra  {"type": "file", "mediaType", "data"}, {"type": "image", "image", "mimeType"}
    LangChain       {"type": "image", "source_type": "base64", "mime_type", "data"}, {"type": "image", "base64", "mime_type"}
    MCP             {"type": "image", "data", "mimeType"}
    OpenTelemetry   {"type": "blob", "modality": "image", "mime_type", "content"} (GenAI semantic conventions)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_TYPE_KEYS = ("media_type", "mime_type", "mimeType", "mediaType", "contentType", "content_type", "mime")
_EVENT_TYPES = {
    "input_audio_buffer.append": "audio/pcm",
    "response.audio.delta": "audio/pcm",
    "response.output_audio.delta": "audio/pcm",
}
_FORMATS = {
    **{name: f"image/{name}" for name in ("png", "jpeg", "gif", "webp", "bmp", "tiff", "heic", "heif", "avif")},
    **{name: f"audio/{name}" for name in ("wav", "flac", "ogg", "opus", "aac", "aiff", "pcm")},
    **{name: f"video/{name}" for name in ("mp4", "webm", "mpeg")},
    "jpg": "image/jpeg",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "pcm16": "audio/pcm",
    "g711_ulaw": "audio/basic",
    "g711_alaw": "audio/x-alaw-basic",
    "mov": "video/quicktime",
    "mkv": "video/x-matroska",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
}
CONTENT_KEYS = frozenset(
    {"data", "audio", "image", "content", "delta", "base64", "bytes", "body", "blob", "file_data", "fileData", "source"}
)
"""Under which of its keys a shape holds the bytes that it declares."""
_MEDIA_KINDS = (
    "image/",
    "audio/",
    "video/",
    "application/pdf",
    "application/msword",
    "application/vnd.ms-",
    "application/vnd.openxmlformats-officedocument.",
    "application/vnd.oasis.opendocument.",
)
_SAME = (
    {"image/jpeg", "image/jpg", "image/pjpeg"},
    {"image/heic", "image/heif", "image/heic-sequence", "image/heif-sequence"},
    {"image/bmp", "image/x-bmp", "image/x-ms-bmp"},
    {"image/tiff", "image/tif"},
    {"audio/wav", "audio/wave", "audio/x-wav", "audio/vnd.wave"},
    {"audio/mpeg", "audio/mp3", "audio/x-mp3", "audio/mpeg3", "audio/mpga"},
    {"audio/flac", "audio/x-flac"},
    {"audio/aac", "audio/x-aac", "audio/aacp"},
    {"audio/aiff", "audio/x-aiff"},
    {"audio/ogg", "video/ogg", "application/ogg", "audio/opus", "audio/vorbis"},
    {
        "video/mp4",
        "audio/mp4",
        "audio/m4a",
        "audio/x-m4a",
        "video/x-m4v",
        "application/mp4",
        "video/3gpp",
        "audio/3gpp",
    },
    {"video/webm", "audio/webm"},
    {"video/x-matroska", "audio/x-matroska", "video/matroska"},
    {"video/quicktime", "video/mp4", "video/mov"},
    {"video/x-msvideo", "video/avi", "video/msvideo"},
    {"application/pdf", "application/x-pdf"},
    {"application/x-ole-storage", "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"},
)
"""Names of one format."""
_CONTAINERS = frozenset(
    {"video/mp4", "video/webm", "video/x-matroska", "audio/ogg", "image/heic", "application/x-ole-storage"}
)
MAX_DECLARED = 100
"""Characters of a declared media type that are kept."""


def declared_type(mapping: Mapping[str, Any]) -> str | None:
    """The media type that a mapping declares for its content, as it is written there."""
    for key in _TYPE_KEYS:
        value = mapping.get(key)
        if isinstance(value, str) and "/" in value:
            return value
    value = mapping.get("format")
    if isinstance(value, str) and (found := _FORMATS.get(value.lower())) is not None:
        return found
    value = mapping.get("type")
    return _EVENT_TYPES.get(value) if isinstance(value, str) else None


def base_type(media_type: str) -> str:
    """A media type in lower case without its parameters: `audio/l16` of `audio/L16;rate=24000`."""
    return media_type.partition(";")[0].strip().lower()


_MEDIA_TYPE = re.compile(r"[A-Za-z]+/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}(;[ A-Za-z0-9_=.+\"-]*)*")
"""RFC 6838, section 4.2; parameters as they are usual."""


def is_media_type(declared: str) -> bool:
    """Whether this is the type of an image, a recording or a document, not of text or of anything."""
    return _MEDIA_TYPE.fullmatch(declared.strip()) is not None and base_type(declared).startswith(_MEDIA_KINDS)


def settled_type(found: str, declared: str | None) -> tuple[str, str | None]:
    """The media type of a content of the type `found`, and the declared one where that was wrong.

    A container may be named for what it holds: an MP4 file that is declared as audio is taken for that.
    """
    if declared is None:
        return found, None
    base = base_type(declared)
    if base in (found, "application/octet-stream") or base.endswith("/*"):
        return found, None
    if any(base in names and found in names for names in _SAME):
        return base if found in _CONTAINERS else found, None
    return found, declared[:MAX_DECLARED]
