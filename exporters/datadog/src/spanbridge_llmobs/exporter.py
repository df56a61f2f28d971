"""`DatadogExporter`: spans to LLM Observability, through the agent or straight to Datadog, for applications without ddtrace."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson
import urllib3

from spanbridge.exporters.untraced import untraced_pool_classes
from spanbridge.protocols import Delivered, Rejected, Retry
from spanbridge_llmobs import answers
from spanbridge_llmobs.annotation import annotate
from spanbridge_llmobs.evaluation import evaluation
from spanbridge_llmobs.events import evaluation_event, span_event
from spanbridge_llmobs.model_calls import ModelCalls
from spanbridge_llmobs.options import resolve_target
from spanbridge_llmobs.variables import Values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spanbridge.model.span import SpanRecord
    from spanbridge.protocols import ExportResult

MAX_REQUEST_BYTES = 4_500_000
"""The intake takes 5 MB."""
TIMEOUT_S = 5.0
MAX_REMEMBERED = 10_000
"""Records that have arrived while others of their batch have not."""

Key: TypeAlias = "tuple[str, str]"
"""A record's trace and span id."""
Events: TypeAlias = "list[tuple[Key, bytes]]"
"""As they go over the wire."""


class DatadogExporter:
    """Each ended span is sent when it ends, under its own ids: whatever arrives late still finds its parent.

    Args:
        ml_app: The application's name in LLM Observability; absent: `DD_LLMOBS_ML_APP`, else the service's name.
        site: Datadog's site; absent: `DD_SITE`, else datadoghq.com.
        agentless: Whether to send straight to Datadog, past the agent; absent: `DD_LLMOBS_AGENTLESS_ENABLED`, else whether there is a key.
        api_key: Absent: `DD_API_KEY`.
        agent_url: Absent: `DD_TRACE_AGENT_URL`, else made of `DD_AGENT_HOST` and `DD_TRACE_AGENT_PORT`, else http://localhost:8126.
        version: The application's; absent: `DD_VERSION`.
        request_context_keys: Context keys that become tags, dotted ones of nested values.

    Raises ConfigurationError for an argument or a variable that is wrong, and where the key is missing.
    """

    name = "datadog"
    accepts_running = False

    def __init__(
        self,
        *,
        ml_app: str | None = None,
        site: str | None = None,
        agentless: bool | None = None,
        api_key: str | None = None,
        agent_url: str | None = None,
        version: str | None = None,
        request_context_keys: Sequence[str] = (),
    ) -> None:
        values = Values("DatadogExporter")
        self.target = resolve_target(values, site=site, agentless=agentless, api_key=api_key, agent_url=agent_url)
        self._ml_app = values.text("ml_app", ml_app, "DD_LLMOBS_ML_APP")
        self._version = values.text("version", version, "DD_VERSION")
        self._keys = values.names("request_context_keys", request_context_keys) or ()
        self._calls = ModelCalls()
        self._arrived: dict[Key, None] = {}
        """Of batches that are tried again, in whole or in part: what is not to be sent twice."""
        self._pool = _new_pool()
        self._process = os.getpid()

    def export(self, batch: Sequence[SpanRecord], /) -> ExportResult | None:
        """Sends spans, then scores; of a batch that comes again, what has not arrived before."""
        spans: Events = []
        evaluations: Events = []
        for record in batch:
            if (key := _key(record)) in self._arrived:
                continue
            ml_app = self._ml_app or record.service_name
            # A scorer's run that is no event, but has a score, is a span with spans below it.
            if record.is_event and (told := evaluation(record)) is not None:
                evaluations.append((key, orjson.dumps(evaluation_event(told, ml_app=ml_app))))
            else:
                spans.append((key, orjson.dumps(self._event(record, ml_app), option=orjson.OPT_NON_STR_KEYS)))
        headers = {"X-Datadog-EVP-Subdomain": "llmobs-intake"}
        result = self._send(self.target.spans, headers, b"[", spans, b"]")
        if isinstance(result, Delivered):
            headers = {"X-Datadog-EVP-Subdomain": "api"}
            before = b'{"data":{"type":"evaluation_metric","attributes":{"metrics":['
            result = self._send(self.target.evaluations, headers, before, evaluations, b"]}}}")
        if isinstance(result, Retry) or (isinstance(result, Rejected) and result.divide):
            return result
        missing = [key for key in map(_key, batch) if key not in self._arrived]
        for key in map(_key, batch):
            self._arrived.pop(key, None)
        if isinstance(result, Rejected) and len(missing) < len(batch):
            return Delivered(len(missing), result.reason)
        return result

    def flush(self, deadline: float, /) -> Any:
        """Nothing waits here."""

    def shutdown(self, deadline: float, /) -> Any:  # noqa: ARG002 - the protocol's
        """Closes the connections."""
        self._pool.clear()

    def examine(self) -> Iterator[tuple[str, str, str, str]]:
        """What `spanbridge doctor` shows: where it sends; no secrets. Whether anything arrives, its canary tells."""
        how = "straight to Datadog" if self.target.headers else "through the agent"
        ml_app = "the service's name" if self._ml_app is None else repr(self._ml_app)
        yield "target", "on", f"{self.target.shown}, {how}, ml_app: {ml_app}", ""

    def _event(self, record: SpanRecord, ml_app: str) -> dict[str, Any]:
        known = self._calls.known(record)
        annotation = annotate(
            record,
            has_model_child=known.has_model_child,
            children_report_usage=known.children_report_usage,
            promoted_keys=self._keys,
        )
        self._calls.sent(record, reports_usage=known.children_report_usage or annotation.reports_usage)
        return span_event(record, annotation, ml_app=ml_app, version=self._version)

    def _send(self, url: str, headers: dict[str, str], before: bytes, events: Events, after: bytes) -> ExportResult:
        """Sends the events in as many requests as their size asks for; the first that fails decides."""
        for part in _parts(events, MAX_REQUEST_BYTES - len(before) - len(after)):
            result = self._post(url, headers, before + b",".join(event for _, event in part) + after)
            if not isinstance(result, Delivered):
                return result
            self._arrived.update(dict.fromkeys(key for key, _ in part))
            while len(self._arrived) > MAX_REMEMBERED:
                del self._arrived[next(iter(self._arrived))]
        return Delivered()

    def _post(self, url: str, headers: dict[str, str], body: bytes) -> ExportResult:
        if self._process != os.getpid():
            # A parent's connections are the parent's: a forked child makes its own.
            self._pool, self._process = _new_pool(), os.getpid()
        try:
            response = self._pool.request(
                "POST", url, body=body, headers={"Content-Type": "application/json", **headers, **self.target.headers}
            )
        except urllib3.exceptions.HTTPError as error:
            return answers.of_error(self.target.shown, error)
        return answers.of_status(self.target.shown, response.status, response.headers)


def _new_pool() -> urllib3.PoolManager:
    pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=TIMEOUT_S))
    pool.pool_classes_by_scheme = untraced_pool_classes()
    return pool


def _key(record: SpanRecord) -> Key:
    return record.trace_id, record.span_id


def _parts(events: Events, max_bytes: int) -> Iterator[Events]:
    """The events in parts of at most `max_bytes`, or of one event."""
    part: Events = []
    size = 0
    for event in events:
        if part and size + len(event[1]) > max_bytes:
            yield part
            part, size = [], 0
        part.append(event)
        size += len(event[1]) + 1
    if part:
        yield part
