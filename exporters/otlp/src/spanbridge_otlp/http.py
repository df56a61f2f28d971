"""OTLP over HTTP: one POST for a request, through `requests`, past every instrumentation.

`OTLPSpanExporter` of opentelemetry-exporter-otlp-proto-http says only whether a batch went out: not its status, not the pause that was
asked for, not the part that was refused. So its packages serve here (messages, `requests` with proxies and TLS), and the POST is our own.
"""

from __future__ import annotations

import gzip
import os
import time
import zlib
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, TimeoutError  # noqa: A004 - the read of a body raises urllib3's own

from spanbridge.exporters.untraced import untraced_pool_classes, without_wrappers
from spanbridge_otlp import answers
from spanbridge_otlp.encoding import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanbridge.protocols import ExportResult
    from spanbridge_otlp.settings import OTLPSettings
    from spanbridge_otlp.signals import Signal

MAX_ANSWER_BYTES = 64 * 1024
"""How much of an answer is read."""

_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    # The first level makes JSON nearly as small as the last, in a sixth of the time.
    "gzip": lambda data: gzip.compress(data, compresslevel=1, mtime=0),
    "deflate": lambda data: zlib.compress(data, level=1),
}


def _is_garbled(error: BaseException | None) -> bool:
    """Whether something answered, and it was no HTTP; `requests` has the cause somewhere behind its own error."""
    while error is not None:
        if isinstance(error, HTTPException) and not isinstance(error, ConnectionError):
            return True
        error = error.__cause__ or error.__context__
    return False


class HTTPTransport:
    """Sends requests to one endpoint. Used by one thread at a time; a forked child makes connections of its own."""

    def __init__(self, settings: OTLPSettings, signal: Signal) -> None:
        self._settings = settings
        self._signal = signal
        self._where = settings.shown_endpoint
        self._compress = _COMPRESS.get(settings.compression)
        self._headers = {
            "User-Agent": f"spanbridge-otlp/{VERSION}",
            "Content-Type": "application/x-protobuf",
            "Accept-Encoding": "identity",
            **({"Content-Encoding": settings.compression} if self._compress else {}),
            **settings.headers,
        }
        self._session: requests.Session | None = None
        self._process = os.getpid()

    def send(self, request: bytes) -> ExportResult:
        """What became of an encoded request; connection errors are answers too."""
        try:
            return self._post(request if self._compress is None else self._compress(request))
        except requests.exceptions.SSLError:
            return answers.TLS_FAILED.about(f"no TLS with {self._where}")
        except (requests.exceptions.Timeout, TimeoutError):
            return answers.TIMED_OUT.about(f"{self._where} did not answer within {self._settings.timeout_s:g} s")
        except (requests.exceptions.RequestException, HTTPError) as error:
            if _is_garbled(error):
                return answers.GARBLED.about(f"{self._where} answered with something else than HTTP")
            return answers.UNREACHABLE.about(f"{self._where} cannot be reached")

    def _post(self, data: bytes) -> ExportResult:
        timeout_s = self._settings.timeout_s
        deadline = time.monotonic() + timeout_s
        with self._open_session().post(
            self._settings.endpoint,
            data=data,
            headers=self._headers,
            timeout=timeout_s,
            # The headers, with the key in them, go nowhere else than where they were meant to.
            allow_redirects=False,
            stream=True,
        ) as response:
            body = _read(response, deadline)
            return answers.of_http(
                self._where,
                response.status_code,
                response.headers,
                body,
                self._signal.response(),
            )

    def _open_session(self) -> requests.Session:
        if self._session is None or self._process != os.getpid():
            # A parent's connections are the parent's: in a forked child they are neither used nor closed.
            self._process = os.getpid()
            self._session = _untraced_session()
            _take_environment(self._session, self._settings)
            if self._settings.client_certificate is not None:
                key = self._settings.client_key
                certificate = self._settings.client_certificate
                self._session.cert = certificate if key is None else (certificate, key)
        return self._session

    def close(self) -> None:
        """Closes the connections; of this process only."""
        if self._session is not None and self._process == os.getpid():
            self._session.close()
        self._session = None


def _read(response: requests.Response, deadline: float) -> bytes:
    """The answer's body, as much of it as matters. Raises Timeout at `deadline`: the session's own timeout begins anew with each drop."""
    body = b""
    while len(body) < MAX_ANSWER_BYTES and (part := response.raw.read1(MAX_ANSWER_BYTES - len(body))):
        body += part
        if time.monotonic() > deadline:
            raise requests.exceptions.Timeout
    return body


def _untraced_session() -> requests.Session:
    """A session that no instrumentation of requests, urllib3 or http.client sees: no span about sending spans."""
    session: requests.Session = without_wrappers(requests.Session, "request", "send")()
    # No credentials of a .netrc file in place of the headers.
    session.auth = _no_authentication
    adapter: Any = without_wrappers(_Adapter, "send")(pool_maxsize=1)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _take_environment(session: requests.Session, settings: OTLPSettings) -> None:
    """Sets proxies and authorities as the variables of the process and `certificate`, which wins, have them.

    Once: `requests` would go through all variables for each request, which costs a third of it.
    """
    environment = session.merge_environment_settings(settings.endpoint, {}, True, settings.certificate, None)
    session.proxies, session.verify = environment["proxies"], environment["verify"]
    session.trust_env = False


class _Adapter(HTTPAdapter):
    """Makes its connections, to the receiver or to a proxy before it, of classes that nobody has wrapped."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        manager: Any = self.poolmanager  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue, reportUnknownVariableType]
        manager.pool_classes_by_scheme = untraced_pool_classes()

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager: Any = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = untraced_pool_classes()
        return manager


def _no_authentication(request: Any) -> Any:
    return request
