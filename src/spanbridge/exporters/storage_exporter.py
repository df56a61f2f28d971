"""From the pipeline to a store: the exit that is on by default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spanbridge.containment import contain, warn
from spanbridge.errors import StoreError
from spanbridge.protocols import Delivered, ExportResult, Rejected, Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spanbridge.model.media import MediaContent
    from spanbridge.model.span import SpanRecord

_FINAL = frozenset({"invalid_span", "store_forked"})
"""Reasons that are the same for every later try."""


class StorageExporter:
    """Writes spans, running ones too, to a store.

    Args:
        store: An address (`sqlite:///traces.db`; absent: the file in the user's state directory), or a store that is open already.
        max_bytes: With an address, the size above which the oldest ended traces go; absent: the store's own default.

    An address where other users could read or replace the file is a ConfigurationError. It is opened at the first batch, and created where
    nothing is there. A store that cannot be opened or written gives `Retry` with its reason, and is tried again with the next batch: it
    never stops the other exporters. What no later try can change is `Rejected`: a batch that cannot be written even with every odd value
    left out ("invalid_span"), and any batch of a process that was forked while the store was at work ("store_forked").

    Media go into `store.media` before their spans are written, where the store has such a part (see `protocols.Store`). What cannot be
    kept there is counted, and never stops a span.
    """

    name = "store"
    accepts_running = True
    keeps_media = True
    """Asked by the runner: the records that wait here hold media."""

    def __init__(self, store: str | Any = None, *, max_bytes: int | None = None) -> None:
        self._max_bytes = max_bytes
        self.media_lost: Callable[[], object] | None = None
        """Called for each content that could not be kept."""
        if store is None or isinstance(store, str):
            from spanbridge.storage.location import check_place, default_address  # noqa: PLC0415 - only for an address

            self.address: str = store or default_address()
            self._store: Any = None
            if store is not None:  # an application that names none starts in any place
                check_place(store)
        else:
            self.address = getattr(store, "address", type(store).__name__)
            self._store = store

    @property
    def store(self) -> Any:
        """The store behind it, opened now if it was not yet; StoreError where that fails."""
        if self._store is None:
            from spanbridge.storage.location import open_store  # noqa: PLC0415 - as above

            self._store = open_store(self.address, create=True, max_bytes=self._max_bytes)
        return self._store

    def export(self, batch: Sequence[SpanRecord]) -> ExportResult:
        """Writes the batch, whole or not at all, after its media."""
        try:
            store = self.store
            for record in batch:
                if record.media:
                    # Once: the record may wait for other exits, or come again, without them.
                    contents, record.media = record.media, ()
                    for content in contents if record.phase != "dropped" else ():
                        self._keep(store, content)
            store.write(batch)
        except StoreError as error:
            # The runner counts and tells a word; what the store says names the file, and how to mend it.
            warn(f"store {error.reason}", str(error))
            return Rejected(error.reason) if error.reason in _FINAL else Retry(reason=error.reason)
        return Delivered()

    def _keep(self, store: Any, content: MediaContent) -> None:
        try:
            store.media.put(content.sha256, content.extension, content.data)
        except Exception as error:  # noqa: BLE001 - a store of the application's may raise anything
            if self.media_lost is not None:
                self.media_lost()
            if isinstance(error, StoreError):
                warn(f"media {error.reason}", f"{error}; spans are stored without")
            else:
                contain("keeping media", error)

    def flush(self, deadline: float) -> None:
        """Nothing to do: a batch is in the store when `export` returns."""

    def shutdown(self, deadline: float) -> None:  # noqa: ARG002 - the contract's
        """Closes the store; it may be opened again to read."""
        if self._store is not None:
            self._store.close()

    def __repr__(self) -> str:
        return f"StorageExporter({self.address!r})"
