"""What the other side's answer means for a batch: one table for HTTP, one for gRPC.

Sources: the OTLP specification (https://opentelemetry.io/docs/specs/otlp/, "Failures" and "Throttling"). Differing from it on purpose: a
refused key (401, 403) is waited for, since it is mended from outside and the spans are not lost meanwhile; a 500, which may come from one
span or from a moment, is tried again, and the span is looked for if it stays.
"""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError, Message

from spanbridge.containment import warn
from spanbridge.model.payload import decode
from spanbridge.protocols import Delivered, Rejected, Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from spanbridge.protocols import ExportResult

AUTHORIZATION_PAUSE_S = 30.0
"""Between two tries with a key that was refused."""
MAX_MESSAGE_READ, MAX_MESSAGE_SHOWN = 4096, 200
"""Characters of what a receiver says."""


class Answer(NamedTuple):
    """What a status means: the reason that is counted, and how to mend it."""

    reason: str
    fix: str
    result: type[Retry] | type[Rejected] = Rejected
    divide: bool = False
    pause_s: float | None = None

    def about(self, what: str, after_s: float | None = None) -> ExportResult:
        """The result for a batch; `what` happened."""
        advice = f"{what}: {self.fix}."
        if self.result is Retry:
            return Retry(self.pause_s if after_s is None else after_s, self.reason, advice, self.divide)
        return Rejected(self.reason, advice, self.divide)


_KEY = "see whether the key is right and may write: headers=, the preset's variables, or OTEL_EXPORTER_OTLP_HEADERS"
_ENDPOINT = "see whether the address is that of an OTLP receiver: endpoint=, or OTEL_EXPORTER_OTLP_ENDPOINT"
_BUSY = "it asks for time; what is to be sent waits here meanwhile"

UNREACHABLE = Answer("unreachable", "start the collector, or correct endpoint= or OTEL_EXPORTER_OTLP_ENDPOINT", Retry)
TIMED_OUT = Answer("timeout", "see why the collector is slow, or raise timeout_s= or OTEL_EXPORTER_OTLP_TIMEOUT", Retry)
TLS_FAILED = Answer(
    "tls_error",
    "see whether the address begins with the right scheme, and give certificate= for a private authority",
    Retry,
)
GARBLED = Answer("garbled_answer", f"this is no answer of an OTLP receiver; {_ENDPOINT}", Retry)
TOO_LARGE = Answer(
    "too_large", "raise the receiver's limit, or lower max_span_bytes or max_request_bytes=", divide=True
)

HTTP_ANSWERS: dict[int, Answer] = {
    400: Answer("bad_request", "the receiver does not accept a record; it is left out", divide=True),
    401: Answer("unauthorized", _KEY, Retry, pause_s=AUTHORIZATION_PAUSE_S),
    403: Answer("forbidden", _KEY, Retry, pause_s=AUTHORIZATION_PAUSE_S),
    404: Answer("not_found", _ENDPOINT),
    405: Answer("not_found", _ENDPOINT),
    408: TIMED_OUT,
    413: TOO_LARGE,
    415: Answer(
        "unsupported_media_type", "it does not take protobuf over HTTP; give another endpoint=, or protocol='grpc'"
    ),
    422: Answer(
        "unprocessable", "the receiver misses something, such as a header (MLflow: x-mlflow-experiment-id)", divide=True
    ),
    429: Answer("rate_limited", _BUSY, Retry),
    500: Answer(
        "server_error",
        "look into the receiver's log; if one record causes it, it is found and left out",
        Retry,
        divide=True,
    ),
    501: Answer("not_implemented", _ENDPOINT),
    502: Answer("unavailable", _BUSY, Retry),
    503: Answer("unavailable", _BUSY, Retry),
    504: Answer("unavailable", _BUSY, Retry),
    505: Answer("http_505", "it does not take HTTP/1.1; give another endpoint=, or protocol='grpc'"),
}
"""Other 5xx are those of proxies before a receiver that cannot be reached, as 520 to 530: as 503."""

GRPC_ANSWERS: dict[str, Answer] = {
    "ABORTED": Answer("unavailable", _BUSY, Retry),
    "CANCELLED": Answer("unavailable", _BUSY, Retry),
    "DATA_LOSS": Answer("unavailable", _BUSY, Retry),
    "DEADLINE_EXCEEDED": TIMED_OUT,
    "INTERNAL": HTTP_ANSWERS[500],
    "INVALID_ARGUMENT": HTTP_ANSWERS[400],
    "OUT_OF_RANGE": Answer("unavailable", _BUSY, Retry),
    "PERMISSION_DENIED": HTTP_ANSWERS[403],
    "RESOURCE_EXHAUSTED": HTTP_ANSWERS[429],
    "UNAUTHENTICATED": HTTP_ANSWERS[401],
    "UNAVAILABLE": UNREACHABLE,
    "UNIMPLEMENTED": Answer("not_found", _ENDPOINT),
    "UNKNOWN": HTTP_ANSWERS[500],
}


def of_http(where: str, status: int, headers: Mapping[str, str], body: bytes, response: Message) -> ExportResult:
    """The result of an answer over HTTP; `response` is an empty message of the signal's response type."""
    if 200 <= status < 300:
        return _of_success(where, headers, body, response)
    known = HTTP_ANSWERS.get(status)
    if known is None:
        known = HTTP_ANSWERS[503] if status > 500 else Answer(f"http_{status}", _ENDPOINT)
    return known.about(f"{where} answered {status}", retry_after_s(headers.get("Retry-After")))


def _of_success(where: str, headers: Mapping[str, str], body: bytes, response: Message) -> ExportResult:
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    try:
        # Some answer with JSON and do not say so, or with a word.
        if kind == "application/json" or (kind in ("", "text/plain") and body.lstrip()[:1] == b"{"):
            # Fields that a later version adds are none of our business; a backend's own are not either.
            fields: Any = decode(body) if body.strip() else {}
            if type(fields) is not dict:
                return GARBLED.about(f"{where} answered 200 with something else than OTLP")
            ParseDict(cast("dict[str, Any]", fields), response, ignore_unknown_fields=True)
        elif kind in ("text/html", "application/xhtml+xml"):
            return GARBLED.about(f"{where} answered with a web page")
        elif kind != "text/plain":
            response.ParseFromString(body)
    except (ValueError, DecodeError, ParseError):
        return GARBLED.about(f"{where} answered 200 with something else than OTLP")
    return of_response(where, response)


def of_response(where: str, response: Any) -> ExportResult:
    """The result of a response message: a part of the records may have been refused; with none of them, its message is a warning."""
    partial = response.partial_success
    rejected: int = getattr(partial, "rejected_spans", 0) or getattr(partial, "rejected_log_records", 0)
    said = _shown(partial.error_message)
    if rejected <= 0:
        if said:
            warn(f"{where} warns", f"{where} took everything, and warns{said}")
        return Delivered()
    return Delivered(rejected, "partial_success", f"{where} refused them{said or '; its log says why'}")


def _shown(message: str) -> str:
    """What a receiver says, for a log line: redacted, on one line and short."""
    if not message.strip():
        return ""
    text = " ".join(str(_filter().redact(message[:MAX_MESSAGE_READ])).split())
    return f": {''.join(filter(str.isprintable, text))[:MAX_MESSAGE_SHOWN]!r}"


@cache
def _filter() -> Any:
    from spanbridge.processors.sensitive_data import SensitiveDataFilter  # noqa: PLC0415 - few receivers say anything

    return SensitiveDataFilter()


_NO_TLS = re.compile(r"handshake failed|peer certificate|SSL_ERROR", re.IGNORECASE)
"""What gRPC says where a server is there, and no connection with TLS comes about: it has no status for that."""


def of_grpc(where: str, code: str, details: str, after_s: float | None) -> ExportResult:
    """The result of a call over gRPC that failed with `code`."""
    if code == "RESOURCE_EXHAUSTED" and "larger than max" in details:
        return TOO_LARGE.about(f"{where} refused a message of this size")
    if code == "UNAVAILABLE" and _NO_TLS.search(details):
        return TLS_FAILED.about(f"no TLS with {where}")
    known = GRPC_ANSWERS.get(code, Answer(code.lower(), _ENDPOINT))
    what = f"{where} cannot be reached" if code == "UNAVAILABLE" else f"{where} answered {code}"
    return known.about(what, after_s)


def retry_after_s(value: str | None, now: Callable[[], float] = time.time) -> float | None:
    """The seconds that a `Retry-After` header asks for: a number, or a date; None where it asks for nothing that can be read."""
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now())
    except (ValueError, OverflowError):
        return None
