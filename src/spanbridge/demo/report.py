"""Delivering the report: a tool with credentials in its arguments, tried again when it fails, one span for each attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import spanbridge as sb
from spanbridge.demo.client import ServerError, post

if TYPE_CHECKING:
    from spanbridge.model.span import Link

MAX_ATTEMPTS = 3


class ReportDelivery:
    """Sends reports to the server that takes them."""

    def __init__(self, host: str, port: int, key: str) -> None:
        self._host = host
        self._port = port
        self._key = key

    def publish(self, report: str) -> dict[str, Any]:
        """Delivers a report; each attempt is a span, linked to the one that it repeats."""
        links: list[Link] = []
        for attempt in range(1, MAX_ATTEMPTS + 1):
            # By hand, since the span of a failed attempt ends before the decision to try again. The ambient span is its parent.
            span = sb.start_span(
                sb.SpanType.TOOL_CALL,
                "publish_report",
                input=self._arguments(report),
                metadata={"attempt": attempt},
                links=links,
            )
            try:
                receipt = self._send(report)
            except (ServerError, OSError) as error:
                span.event("attempt failed", {"will_retry": attempt < MAX_ATTEMPTS})
                span.error(error, end=True)
                if attempt == MAX_ATTEMPTS:
                    raise
                links = _retry_of(span)
            else:
                span.end(output=receipt, success=True)
                return receipt
        raise AssertionError("the last attempt returns or raises")

    def _send(self, report: str) -> dict[str, Any]:
        return post(
            self._host,
            self._port,
            "/reports",
            {"report": report},
            {"Authorization": f"Bearer {quote(self._key, safe='')}"},
        )

    def _arguments(self, report: str) -> dict[str, Any]:
        """What tools are called with in practice: the key as an argument, in a header, in an address and in a command line."""
        encoded = quote(self._key, safe="")
        address = f"http://reports:{encoded}@{self._host}:{self._port}/reports"
        return {
            "report": report,
            "api_key": self._key,
            "headers": {"Authorization": f"Bearer {self._key}"},
            "endpoint": address,
            "equivalent": f"curl -X POST -H 'Authorization: Bearer {encoded}' {address}",
        }


def _retry_of(span: sb.Span) -> list[Link]:
    if span.trace_id is None or span.span_id is None:
        return []
    return [{"trace_id": span.trace_id, "span_id": span.span_id, "type": "retry_of"}]
