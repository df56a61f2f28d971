"""What an answer of the agent, or of Datadog's intake, means for a batch, and how people mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from urllib3 import exceptions

from spanbridge.protocols import Delivered, ExportResult, Rejected, Retry

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_PAUSE_S = 30.0
"""Between two tries with a key that was refused: it is mended from outside, and the spans are not lost meanwhile."""

_WORTH_ANOTHER_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})
_ONE_MAY_BE_TO_BLAME = frozenset({400, 413, 422})

_ADDRESS = "see whether agent_url= (DD_TRACE_AGENT_URL) or site= (DD_SITE) is right"
_KEY = "see whether api_key= (DD_API_KEY), or the agent's own key, is right for site= (DD_SITE)"
_ADVICE = {
    400: "it does not accept a record, which is left out",
    401: _KEY,
    403: _KEY,
    404: f"{_ADDRESS}, and whether the agent is of release 7.49 or later",
    413: "lower max_span_bytes",
    422: "it does not accept a record, which is left out",
}
_BUSY = "it asks for time; what is to be sent waits here meanwhile"

_UNREACHABLE = f"start the agent, or {_ADDRESS}"
_ERRORS: tuple[tuple[type[exceptions.HTTPError], str, str], ...] = (
    (exceptions.NewConnectionError, "unreachable", _UNREACHABLE),  # of urllib3's timeouts, though nothing ran out
    (exceptions.TimeoutError, "timeout", "see why it is slow"),
    (exceptions.SSLError, "tls_error", "see whether this machine trusts the certificate that it shows"),
    (exceptions.HTTPError, "unreachable", _UNREACHABLE),
)


def of_status(where: str, status: int, headers: Mapping[str, str]) -> ExportResult:
    """The result of an answer; `where`: host and port, as people are told."""
    if status < 300:
        if headers.get("Content-Type", "").startswith("text/html"):  # of something that stands between
            return Retry(reason="garbled_answer", advice=f"{where} answered {status}: it is a web page; {_ADDRESS}.")
        return Delivered()
    reason = "too_large" if status == 413 else f"http_{status}"
    if status in _WORTH_ANOTHER_TRY:
        retry_after = headers.get("Retry-After")
        after_s = float(retry_after) if retry_after is not None and retry_after.isdecimal() else None
        return Retry(after_s, reason, f"{where} answered {status}: {_BUSY}.")
    advice = f"{where} answered {status}: {_ADVICE.get(status, _ADDRESS)}."
    if status in (401, 403):
        return Retry(KEY_PAUSE_S, reason, advice)
    return Rejected(reason, advice, divide=status in _ONE_MAY_BE_TO_BLAME)


def of_error(where: str, error: exceptions.HTTPError) -> Retry:
    """The result where there was no answer."""
    reason, fix = next((reason, fix) for kind, reason, fix in _ERRORS if isinstance(error, kind))
    return Retry(reason=reason, advice=f"{where} did not answer ({type(error).__name__}): {fix}.")
