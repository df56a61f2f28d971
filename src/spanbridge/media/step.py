"""The step of the processor chain that takes media out of a record, after the application's processors and before the redaction."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from spanbridge.containment import contain
from spanbridge.media.base64_text import holds_run
from spanbridge.media.declarations import MAX_DECLARED, settled_type
from spanbridge.media.finder import Finder, without_raw_bytes
from spanbridge.media.references import reference
from spanbridge.media.sniffing import UNKNOWN
from spanbridge.model.media import MediaContent
from spanbridge.model.payload import decode, encode
from spanbridge.model.span import chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spanbridge.media.sniffing import Format
    from spanbridge.model.span import SpanRecord

_STRUCTURED = frozenset({"input", "output", "attributes", "metadata", "events", "links"})
"""Fields in which a string may become a mapping."""

LOOK_BYTES = 16 * 1024
"""Bytes of records that are looked at together, unless a single one is larger."""


class MediaStep:
    """Moves media out of records.

    Args:
        max_bytes: Of one content; a larger one is not kept.
        omitted: Why no content is kept at all: "disabled" or "store_off"; None where the store keeps it.
    """

    def __init__(self, *, max_bytes: int, omitted: str | None = None) -> None:
        self._max_bytes = max_bytes
        self._omitted = omitted

    def process_all(self, records: Sequence[SpanRecord], pause: Callable[[], object]) -> None:
        """As `process` of each: most hold nothing that may be media, and one look at many together tells that."""
        for chunk, documents in chunks(records, LOOK_BYTES):
            if holds_run(b"\n".join(documents), pause):
                for record in chunk:
                    self.process(record, pause)
                    pause()
            pause()

    def process(self, record: SpanRecord, pause: Callable[[], object]) -> None:
        """Replaces the media in those content fields that were not processed yet, and puts their content into `record.media`.

        Never raises: a field that cannot be looked through stays as it is, without the bytes that are no text.
        """
        content, processed = record.content(), record.processed
        fields = content.keys() - processed if processed else content.keys()
        if not fields or not holds_run(record.encode_fields(fields if processed else None), pause):
            return
        for field in sorted(fields):
            snapshot = content[field]
            encoded = snapshot if type(snapshot) is bytes else encode(snapshot)
            if not holds_run(encoded, pause):
                continue
            found: list[MediaContent] = []
            try:
                changed = self._without_media(field, encoded, found, pause)
            except Exception as error:  # noqa: BLE001 - the redaction and the limits still hold for what is left
                contain("moving media", error)
                found, changed = [], without_raw_bytes(encoded)
            if changed is not encoded:
                content[field] = changed
                record.touch(field)
                known = {item.sha256 for item in record.media}
                record.media += tuple(item for item in found if item.sha256 not in known)

    def _without_media(
        self, field: str, encoded: bytes, found: list[MediaContent], pause: Callable[[], object]
    ) -> bytes | str:
        def take(data: bytes, format: Format, declared: str | None) -> dict[str, Any]:
            return self._take(data, format, declared, found)

        finder = Finder(take, pause, only_text=field not in _STRUCTURED)
        value = decode(encoded)
        pause()
        changed = finder.value(value)
        result = encoded if changed is value else changed if isinstance(changed, str) else encode(changed)
        return result if finder.is_complete or isinstance(result, str) else without_raw_bytes(result)

    def _take(self, data: bytes, format: Format, declared: str | None, found: list[MediaContent]) -> dict[str, Any]:
        digest = sha256(data).hexdigest()
        if format == UNKNOWN and declared:
            media_type, wrong = declared[:MAX_DECLARED], None  # with its parameters: they say how samples are played
        else:
            media_type, wrong = settled_type(format.media_type, declared)
        omitted = self._omitted or ("too_large" if len(data) > self._max_bytes else None)
        if omitted is None and all(item.sha256 != digest for item in found):
            found.append(MediaContent(digest, format.extension, data))
        return reference(digest, media_type, len(data), declared=wrong, omitted=omitted)
