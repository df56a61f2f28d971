"""One walk over a decoded payload: media become references, all else stays the same object."""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from spanbridge.media import base64_text
from spanbridge.media.declarations import CONTENT_KEYS, base_type, declared_type, is_media_type
from spanbridge.media.references import as_text, referred
from spanbridge.media.sniffing import UNKNOWN, Format, is_text, may_be_media, media_format

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_VALUES = 200_000
"""Values of one field that are looked at; in what lies behind, only bytes that are no text are still taken out."""
MAX_DEPTH = 128

_DATA_URL = re.compile(r"\s*data:([\w.+*/-]*)((?:;[\w.+*=\"-]+)*);base64,", re.IGNORECASE)
_DATA_URL_BEFORE = re.compile(r"data:([\w.+*/-]*)((?:;[\w.+*=-]+)*);base64,\Z", re.IGNORECASE)
_MAX_URL_HEAD = 200
_WRAPPED_CHARACTERS = 80
_NEXT_LINE = re.compile(r"(?:\r?\n|\\r\\n|\\n)[\w+/-]")
_PADDED_END = re.compile(r"={0,2}(?=[\s\"'`()\[\]{}<>,;&|\\]|\Z)(?! [\w+/-]{20})")
"""How base64 in a text ends: what follows is no part of it, and is not what a broken part left of it."""
_RAW_BYTES = re.compile(rb'(\{"bytes":\d+),"base64":"[A-Za-z0-9+/]*={0,2}"\}')


def without_raw_bytes(encoded: bytes) -> bytes:
    """An encoded payload without the base64 of bytes, as `snapshot` writes it: where the payload cannot be looked through."""
    return _RAW_BYTES.sub(rb"\1}", encoded)


class Finder:
    """Finds the media of one field.

    Args:
        take: Called with content, format and the declared media type of each; returns the reference that takes its place.
        pause: Called between pieces of work that keep the interpreter.
        only_text: Whether the field is one in which every string must stay one.
    """

    def __init__(
        self,
        take: Callable[[bytes, Format, str | None], dict[str, Any]],
        pause: Callable[[], object],
        *,
        only_text: bool = False,
    ) -> None:
        self._take = take
        self._pause = pause
        self._only_text = only_text
        self._left = MAX_VALUES
        self.is_complete = True
        """Whether all was looked at."""

    def value(self, value: Any, declared: str | None = None, key: str = "", depth: int = 0) -> Any:
        """`value` with references in it, copied only on the way to them; the same object where nothing was found.

        `declared` is the media type that holds for a string or bytes here, `key` what it stands under.
        """
        if type(value) is str:
            return self._text(value, declared, key) if len(value) >= base64_text.SHORTEST_RUN else value
        if type(value) is not dict and type(value) is not list:
            return value
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            self.is_complete = False
            return value
        if type(value) is dict:
            return self._mapping(value, declared, depth)
        copy = None
        for index, item in enumerate(value):
            found = self.value(item, declared, key, depth + 1)
            if found is not item:
                copy = list(value) if copy is None else copy
                copy[index] = found
        return value if copy is None else copy

    def _mapping(self, mapping: dict[str, Any], outer: str | None, depth: int) -> Any:
        if len(mapping) == 1 and referred(mapping) is not None:
            return mapping
        if len(mapping) == 2 and (data := _raw_bytes(mapping, self._pause)) is not None:
            return self._reference(data, outer, is_content=True) or {"bytes": len(data)}
        own = declared_type(mapping)
        here = own or outer
        copy = None
        for key, item in mapping.items():
            # What a mapping declares holds for what it holds itself, and one level below, as in Bedrock's `source`.
            is_leaf = type(item) is not dict or item.keys() == _RAW_KEYS
            found = self.value(item, here if is_leaf else own, key, depth + 1)
            if found is not item:
                copy = dict(mapping) if copy is None else copy
                copy[key] = found
        return mapping if copy is None else copy

    def _text(self, text: str, declared: str | None, key: str) -> Any:
        url = _DATA_URL.match(text)
        if url is not None:
            data = base64_text.decode(text[url.end() :], self._pause)
            found = None if data is None else self._reference(data, url[1] + url[2], is_content=True)
            if found is not None:
                return found
        else:
            head = base64_text.decoded_head(text)
            is_content = key in CONTENT_KEYS
            is_declared = is_content and declared is not None and is_media_type(declared)
            if head and (is_declared or may_be_media(head)):
                data = base64_text.decode(text, self._pause)
                found = None if data is None else self._reference(data, declared, is_content=is_content)
                if found is not None:
                    return found
        return self._within(text)

    def _within(self, text: str) -> str:
        """Media in the middle of a text: data URLs, and base64 that begins as media do, as in JSON that is passed as a string."""
        parts: list[str] = []
        at = 0
        for start, end in base64_text.runs(text):
            if end - start <= _WRAPPED_CHARACTERS and _NEXT_LINE.match(text, end):
                continue  # where it ends cannot be told
            padded = _PADDED_END.match(text, end)
            if padded is None:
                continue  # broken
            url = _DATA_URL_BEFORE.search(text, max(at, start - _MAX_URL_HEAD), start)
            run = text[start:end]
            if url is None and not may_be_media(base64_text.decoded_head(run)):
                continue
            declared = None if url is None else url[1] or None
            data = base64_text.decode(run, self._pause)
            format = None if data is None else _format(data, declared, is_content=True)
            if data is None or format is None:
                continue
            reference = self._take(data, format, declared)
            parts += (text[at : start if url is None else url.start()], as_text(reference))
            at = padded.end()
        return "".join((*parts, text[at:])) if parts else text

    def _reference(self, data: bytes, declared: str | None, *, is_content: bool) -> Any:
        """What takes the place of `data`; None where it is no media."""
        format = _format(data, declared, is_content=is_content)
        if format is None:
            return None
        reference = self._take(data, format, declared or None)
        return as_text(reference) if self._only_text else reference


def _format(data: bytes, declared: str | None, *, is_content: bool) -> Format | None:
    """The format of `data`, also of what only its declaration tells: nobody could redact it where it stands. None for what is no media."""
    format = media_format(data, base_type(declared) if declared else None)
    if format is None and declared and is_content and is_media_type(declared) and not is_text(data):
        return UNKNOWN
    return format


_RAW_KEYS = {"bytes", "base64"}


def _raw_bytes(mapping: dict[str, Any], pause: Callable[[], object]) -> bytes | None:
    """The bytes that `snapshot` wrote as this mapping; None where it is another one."""
    size, text = mapping.get("bytes"), mapping.get("base64")
    if type(size) is not int or type(text) is not str or not size <= len(text) <= 4 * (size // 3 + 1):
        return None
    data = base64_text.decode(text, pause)
    return data if data is not None and len(data) == size and not (is_text(data) and data[:5] != b"%PDF-") else None
