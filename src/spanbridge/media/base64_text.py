"""Base64 as it stands in messages: found at little cost, decoded whole or not at all."""

from __future__ import annotations

from binascii import Error, a2b_base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHORTEST_RUN = 56
"""Characters of base64 on end without which there is no media: the shortest file of any format is as long."""
_STEP_BYTES = 64 * 1024
_DECODED_CHARACTERS = 128 * 1024
"""How much is decoded between two pauses; a multiple of four."""

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_MARKED = bytes(0 if byte in _ALPHABET else 1 for byte in range(256))
_RUN = bytes(SHORTEST_RUN)
_RUN_AFTER_MARK = b"\1" + _RUN
"""A run and the byte before it: a search that looks for the first byte first (`rfind`) goes from mark to mark, not from byte to byte."""
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_LINE_BREAKS = b"\r\n"


def _go_on() -> None:
    """In the place of a pause, for what is short."""


def holds_run(data: bytes, pause: Callable[[], object]) -> bool:
    """Whether `data` holds base64 that is long enough to be media. It is asked of every span; `pause` is called between parts of 64 KiB."""
    if len(data) <= _STEP_BYTES:
        return _has_run(data)
    for at in range(0, len(data), _STEP_BYTES):
        if _has_run(data[at : at + _STEP_BYTES + SHORTEST_RUN]):
            return True
        pause()
    return False


def _has_run(data: bytes) -> bool:
    marked = data.translate(_MARKED)
    return marked.rfind(_RUN_AFTER_MARK) >= 0 or marked.startswith(_RUN)


def runs(text: str) -> Iterator[tuple[int, int]]:
    """Where in `text` base64 of that length begins and ends, its padding left out."""
    marked = text.encode("ascii", "replace").translate(_MARKED)
    at = marked.find(_RUN)
    while at >= 0:
        end = marked.find(1, at)
        if end < 0:
            end = len(marked)
        yield at, end
        at = marked.find(_RUN, end)


def decode(text: str, pause: Callable[[], object] = _go_on) -> bytes | None:
    """The bytes of base64 in either alphabet, with or without padding and line breaks; None where anything else is in it.

    `pause` is called between parts of 128 Ki characters.
    """
    try:
        data = text.strip().encode("ascii")
    except UnicodeEncodeError:
        return None
    if b"\n" in data:
        data = data.translate(None, _LINE_BREAKS)
    if b"-" in data or b"_" in data:
        data = data.translate(_URL_SAFE)
    data = data.rstrip(b"=") if data.endswith(b"=") else data
    missing = -len(data) % 4
    if missing == 3:
        return None
    parts: list[bytes] = []
    try:
        for at in range(0, len(data), _DECODED_CHARACTERS):
            part = data[at : at + _DECODED_CHARACTERS]
            decoded = a2b_base64(part if len(part) % 4 == 0 else part + b"=" * missing)
            # It skips what is not of the alphabet; what it skipped is missing.
            if len(decoded) != len(part) * 3 // 4:
                return None
            parts.append(decoded)
            pause()
    except Error:
        return None
    return parts[0] if len(parts) == 1 else b"".join(parts)


def decoded_head(text: str) -> bytes:
    """The first 30 bytes and more of what may be base64; nothing where it is not."""
    return decode("".join(text[:80].split())[:52]) or b""
