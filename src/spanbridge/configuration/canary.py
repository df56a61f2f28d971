"""The doctor's canary: a span with a planted secret in each of its places, through the real chain to every exit.

The pipeline is built from the configuration as `configure` builds it, with two changes: every trace is kept, and the span is stored in
a file of its own that is deleted afterwards. It lies beside the user's store, on the same file system under the same rules; in the
user's store itself nothing is written, since a secret that did get through would stay in the free pages of its file. A store of another
kind gets no canary, for it could not be taken out again. Exporters get theirs: a span named "spanbridge doctor canary" arrives where they
send.
"""

from __future__ import annotations

import io
import os
import secrets
import time
from contextlib import redirect_stdout
from contextvars import Context
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from spanbridge.configuration.assembly import build_bridge, build_exporters, build_pipeline
from spanbridge.configuration.doctor import Check, nearest_folder, store_address
from spanbridge.errors import ConfigurationError, SpanbridgeError
from spanbridge.exporters.storage_exporter import StorageExporter
from spanbridge.protocols import Delivered, Rejected, Retry
from spanbridge.storage.location import open_store, sqlite_path
from spanbridge.tracing.openers import Openers
from spanbridge.tracing.tracer import Tracer, TracerSlot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanbridge.configuration.settings import Settings
    from spanbridge.model.span import SpanRecord
    from spanbridge.protocols import Exporter, ExportResult

DELIVERY_TIMEOUT_S = 3.0
SHUTDOWN_TIMEOUT_S = 1.0
NAME = "spanbridge doctor canary"
_UNREDACTED_FIX = "switch the sensitive-data filter on, and look at processors and exporters that add content"

_OUTCOMES = {Retry: "it was tried again until the time was over", Rejected: "it was rejected"}


def send_canary(settings: Settings) -> list[Check]:
    """What arrived at each exit, within a few seconds. Exporters are built, or used as they are, and shut down."""
    planted = _Secrets()
    try:
        watched = {name: _Watched(exporter, planted) for name, exporter in build_exporters(settings).items()}
    except Exception as error:  # noqa: BLE001 - an exporter's constructor may raise anything
        return [
            Check("canary", "problem", f"an exporter cannot be made: {planted.described(error)}", "see its check above")
        ]
    if settings.store is False or not store_address(settings).startswith("sqlite:"):
        checks = _send(settings, watched, None, planted)
        if settings.store is not False:
            checks.append(
                Check("canary in the store", "off", "not sent: it could not be taken out of this store again")
            )
        return checks
    folder = nearest_folder(sqlite_path(store_address(settings)))
    # Where the folder cannot be written, the check of the store has said so.
    with TemporaryDirectory(prefix=".spanbridge-doctor-", dir=folder if os.access(folder, os.W_OK) else None) as name:
        return _send(settings, watched, Path(name) / "canary.db", planted)


def _send(settings: Settings, watched: dict[str, _Watched], path: Path | None, planted: _Secrets) -> list[Check]:
    store = False if path is None else StorageExporter(f"sqlite:///{path}")
    try:
        build_bridge(settings)  # only made: the canary is nobody else's business
        pipeline = build_pipeline(replace(settings, store=store, exporters=list(watched.values())))
    except ConfigurationError as error:
        return [
            Check("canary", "problem", f"spanbridge.configure(...) refuses it: {error}", "correct the configuration")
        ]
    # Exporters print to the terminal: here it is looked at, and belongs to the report.
    with redirect_stdout(io.StringIO()) as printed:
        openers = Openers(TracerSlot(Tracer(pipeline.intake, None, settings.max_payload_bytes)))
        Context().run(_record, openers, planted)  # no ambient span, and not under `suppress()`
        pipeline.flush(time.monotonic() + DELIVERY_TIMEOUT_S)
        dropped = pipeline.stats()["spans"]["dropped"]
        pipeline.shutdown(time.monotonic() + SHUTDOWN_TIMEOUT_S)
    if dropped:
        reasons = ", ".join(dropped)
        return [
            Check(
                "canary",
                "off",
                f"dropped on its way ({reasons}): nothing could be checked",
                "let the processors pass it",
            )
        ]
    checks = [] if path is None else [_check_stored(path, planted)]
    checks += [exporter.check(name) for name, exporter in watched.items()]
    if places := planted.found_in(printed.getvalue()):
        why = f"the secret was printed, from {', '.join(places)}"
        checks.append(Check("canary on standard output", "problem", why, _UNREDACTED_FIX))
    return checks


class _Secrets:
    """A secret for each place of a span: wherever one shows up, it says where it came from."""

    def __init__(self) -> None:
        # In the form of a provider's key, made up anew each time.
        self._by_place = {place: f"sk-proj-{secrets.token_hex(24)}" for place in PLACES}

    def __getitem__(self, place: str) -> str:
        return self._by_place[place]

    def found_in(self, text: str) -> list[str]:
        """The places whose secret stands in `text`."""
        return [place for place, secret in self._by_place.items() if secret in text]

    def described(self, error: BaseException) -> str:
        """An error for the report. Its message may quote what was sent."""
        message = str(error)
        for secret in self._by_place.values():
            message = message.replace(secret, "[REDACTED]")
        return f"{type(error).__name__}: {message}"


PLACES = (
    "name",
    "input",
    "text",
    "mapping keys",
    "output",
    "attributes",
    "metadata",
    "tags",
    "correlation fields",
    "entity fields",
    "links",
    "events",
    "error",
    "error causes",
)
"""Where a span can hold a secret; the canary holds one in each."""


def _record(openers: Any, planted: _Secrets) -> None:
    """One span with a secret in each of `PLACES`."""
    in_text = planted["text"]
    span = openers.tool_call(
        f"{NAME} {planted['name']}",
        input={
            "api_key": planted["input"],
            "command": f"curl -H 'Authorization: Bearer {in_text}' https://user:{in_text}@example.com/",
            "clients": {planted["mapping keys"]: "active"},
        },
        tool_description=f"password={planted['attributes']}",
        metadata={"credentials": {"token": planted["metadata"]}},
        tags=[f"key {planted['tags']}"],
        session_id=f"session {planted['correlation fields']}",
        entity_id=f"tool {planted['entity fields']}",
        entity_name=f"tool {planted['entity fields']}",
        links=[{"trace_id": "1" * 32, "span_id": "1" * 16, "attributes": {"authorization": planted["links"]}}],
    )
    with span:
        span.event(f"used {planted['events']}", {"client_secret": planted["events"]})
        span.set(output=[f"the key is {planted['output']}"])
        error = PermissionError(f"the key {planted['error']} was refused")
        error.__cause__ = ValueError(f"no account for {planted['error causes']}")
        span.error(error)


class _Watched:
    """An exporter whose deliveries are looked at as they go out."""

    def __init__(self, exporter: Exporter, planted: _Secrets) -> None:
        self.name = str(getattr(exporter, "name", None) or type(exporter).__name__)
        self.accepts_running = bool(getattr(exporter, "accepts_running", False))
        self._exporter = exporter
        self._planted = planted
        self._outcome = f"nothing was delivered within {DELIVERY_TIMEOUT_S:.0f} s"
        self._advice = ""
        self._record: SpanRecord | None = None
        self._delivered = False

    def export(self, batch: Sequence[SpanRecord], /) -> ExportResult | None:
        self._record = batch[-1]
        try:
            result = self._exporter.export(batch)
        except Exception as error:
            self._outcome = f"it raised {self._planted.described(error)}"
            raise
        if result is None or isinstance(result, Delivered):
            self._delivered = True
        else:
            words = _OUTCOMES.get(type(result), "it returned what is no result")
            self._outcome = f"{words}: {getattr(result, 'reason', type(result).__name__)}"
            self._advice = str(getattr(result, "advice", ""))
        return result

    def flush(self, deadline: float, /) -> Any:
        return self._exporter.flush(deadline)

    def shutdown(self, deadline: float, /) -> Any:
        return self._exporter.shutdown(deadline)

    def check(self, name: str) -> Check:
        """What became of the canary."""
        part = f"canary at {name}"
        if self._record is not None and (check := _check_content(part, self._record, self._planted)):
            return check
        if not self._delivered or self._record is None:
            fix = self._advice or "see whether the exporter's endpoint and credentials are right"
            return Check(part, "problem", self._outcome, fix)
        return Check(part, "on", f"delivered, {_redacted(self._record)}")


def _check_stored(path: Path, planted: _Secrets) -> Check:
    """Reads the canary back, and looks for the secret in every byte of the store's files."""
    part = "canary in the store"
    try:
        with open_store(f"sqlite:///{path}") as store:
            (summary,) = store.list_traces()
            record: SpanRecord = store.get_trace(summary.trace_id).root
            files = {file.name: planted.found_in(file.read_bytes().decode("latin-1")) for file in path.parent.iterdir()}
    except (SpanbridgeError, ValueError) as error:
        return Check(part, "problem", f"it was not stored: {error}", "see the check of the store above")
    if found := [f"{name} ({', '.join(places)})" for name, places in files.items() if places]:
        why = f"the secret arrived unredacted, in the bytes of {', '.join(found)}"
        return Check(part, "problem", why, _UNREDACTED_FIX)
    return _check_content(part, record, planted) or Check(
        part, "on", f"read back, {_redacted(record)}; no byte of the secret in a file of the same kind beside it"
    )


def _check_content(part: str, record: SpanRecord, planted: _Secrets) -> Check | None:
    """What is wrong with the canary as it went out; None where nothing is."""
    if unredacted := planted.found_in(repr(record.to_dict())):
        redacted = [place for place in PLACES if place not in unredacted]
        why = f"the secret went out unredacted in {', '.join(unredacted)}; redacted in {', '.join(redacted) or 'none'}"
        return Check(part, "problem", why, _UNREDACTED_FIX)
    withheld = record.attributes.get("withheld")
    if withheld:
        return Check(
            part,
            "problem",
            f"a processor failed, and the content was withheld: {withheld.get('processor')} ({withheld.get('reason')})",
            "correct the processor",
        )
    return None


def _redacted(record: SpanRecord) -> str:
    count = sum(record.redactions.values())
    how = f"{count} values by {', '.join(sorted(record.redactions))}" if count else "by a processor"
    return f"redacted in {', '.join(PLACES)}: {how}"
