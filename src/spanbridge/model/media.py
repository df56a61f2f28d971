"""Content that was moved out of a span."""

from __future__ import annotations

from typing import NamedTuple


class MediaContent(NamedTuple):
    """One media file's content, on its way from the processor chain to the store."""

    sha256: str
    """Of the content, 64 lower-case hex characters: its name everywhere."""
    extension: str
    """Of its file, without the dot."""
    data: bytes
