"""Log records of spans that have arrived: an exit of their own beside that of the spans, by the same rules, and never at their expense."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from spanbridge.conventions.logs import write_logs
from spanbridge.pipeline.delivery import Runner
from spanbridge.protocols import Rejected
from spanbridge_otlp import answers
from spanbridge_otlp.encoding import encode_log, encode_logs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanbridge.model.span import SpanRecord
    from spanbridge.protocols import ExportResult
    from spanbridge_otlp.exporter import Transport
    from spanbridge_otlp.settings import OTLPSettings

MAX_WAITING_BYTES = 8 * 1024 * 1024
"""Log records that wait for a receiver; they are events of their spans all the same."""
OFF_REASONS = frozenset({"not_found", "unsupported_media_type"})
"""Answers of a receiver that takes no log records: it is not asked again."""
NOT_TAKEN = "not_taken"
"""What such records are counted under."""


class _Encoded(NamedTuple):
    """One log record as the runner knows records."""

    document: bytes
    resource: dict[str, Any]
    phase: str = "ended"
    media: tuple[()] = ()


class LogDelivery:
    """Queue, thread, retries and account of the log records of one exporter."""

    def __init__(self, settings: OTLPSettings, transport: Transport, name: str) -> None:
        self.settings = settings
        self.name = f"{name} logs"
        self._exporter = _LogExporter(settings, transport)
        self._runner = Runner(self._exporter, self.name, max_bytes=MAX_WAITING_BYTES)
        self._process = os.getpid()

    def send_of(self, batch: Sequence[SpanRecord]) -> None:
        """Queues what is stored with the spans of `batch`."""
        logs: list[Any] = [_Encoded(encode_log(log), log.resource) for record in batch for log in write_logs(record)]
        if not logs:
            return
        runner = self._runner_here()
        if self._exporter.is_off:
            runner.account.rejected[NOT_TAKEN] += len(logs)
            return
        runner.offer(logs)
        runner.start()

    def flush(self, deadline: float) -> bool:
        """Delivers what is queued until `deadline`; whether all of it went out."""
        return self._runner_here().flush(deadline)

    def shutdown(self, deadline: float) -> None:
        """Delivers what it can until `deadline`, and closes the connections; what is left is counted."""
        self._runner_here().shutdown(deadline)

    def accounts(self) -> dict[str, Any]:
        """An entry of `stats()["exporters"]`; none where there were no log records."""
        report = self._runner_here().account.report()
        return {self.name: report} if any(report.values()) else {}

    def _runner_here(self) -> Runner:
        """The runner; in a forked child an empty one."""
        if self._process != os.getpid():
            self._process = os.getpid()
            self._runner.after_fork_in_child()
        return self._runner


class _LogExporter:
    """Sends encoded log records."""

    only_reads = True

    def __init__(self, settings: OTLPSettings, transport: Transport) -> None:
        self._settings = settings
        self._transport = transport
        self.is_off = False
        """Whether the receiver takes no log records."""

    def export(self, batch: Sequence[Any], /) -> ExportResult:
        """Sends a batch in one request; one that is too large is given back to be divided."""
        settings = self._settings
        if self.is_off:
            return Rejected(NOT_TAKEN)
        request = encode_logs(
            ((log.resource, log.document) for log in batch), settings.variable_attributes, settings.resource_attributes
        )
        if len(batch) > 1 and len(request) > settings.max_request_bytes:
            return answers.TOO_LARGE.about("a batch is larger than max_request_bytes")
        result = self._transport.send(request)
        if isinstance(result, Rejected) and result.reason in OFF_REASONS:
            self.is_off = True
            advice = f"{settings.shown_endpoint} takes no log records, and gets none from here on; they stay events of their spans. "
            return Rejected(NOT_TAKEN, f"{advice}logs=False says so beforehand.")
        return result

    def flush(self, _deadline: float, /) -> None:
        """Every batch has been answered when `export` returns."""

    def shutdown(self, _deadline: float, /) -> None:
        """Closes the connections."""
        self._transport.close()
