"""Log records of spans that have arrived: sent beside them, and never at their expense."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanbridge.containment import warn
from spanbridge.conventions.logs import write_logs
from spanbridge.protocols import Rejected, Retry
from spanbridge_otlp.encoding import encode_logs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanbridge.conventions.logs import OtelLog
    from spanbridge.model.span import SpanRecord
    from spanbridge_otlp.exporter import Transport
    from spanbridge_otlp.settings import OTLPSettings

MAX_WAITING = 2_000
"""Log records that wait for a receiver; the oldest go first, and they are events of their spans all the same."""
OFF_REASONS = frozenset({"not_found", "unsupported_media_type"})
"""Answers of a receiver that takes no log records: it is not asked again."""


class LogDelivery:
    """Sends the log records of each batch; what did not arrive goes with the next one."""

    def __init__(self, settings: OTLPSettings, transport: Transport, name: str) -> None:
        self.settings = settings
        self._transport = transport
        self._name = name
        self._waiting: list[OtelLog] = []
        self._is_off = False

    def send_of(self, batch: Sequence[SpanRecord]) -> None:
        """Sends what is stored with the spans of `batch`."""
        if self._is_off:
            return
        logs = self._waiting + [log for record in batch for log in write_logs(record)]
        if not logs:
            return
        self._waiting = []
        settings = self.settings
        request = encode_logs(logs, settings.variable_attributes, settings.resource_attributes)
        result = self._transport.send(request)
        if isinstance(result, Retry):
            self._waiting = logs[-MAX_WAITING:]
            self._tell(f"retries {len(self._waiting)} log records", result)
        elif isinstance(result, Rejected):
            self._is_off = result.reason in OFF_REASONS
            self._tell("sends no log records" if self._is_off else f"could not send {len(logs)} log records", result)

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def _tell(self, what: str, result: Retry | Rejected) -> None:
        warn(f"{self._name} logs", f"exporter {self._name} {what}: {result.reason}. {result.advice}")
