"""OTLP over gRPC. Imported only where the protocol asks for it: grpcio comes with `spanbridge[otlp-grpc]`."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from spanbridge_otlp import answers
from spanbridge_otlp.encoding import VERSION

if TYPE_CHECKING:
    from spanbridge.protocols import ExportResult
    from spanbridge_otlp.settings import OTLPSettings
    from spanbridge_otlp.signals import Signal

_COMPRESSION = {
    "none": grpc.Compression.NoCompression,
    "gzip": grpc.Compression.Gzip,
    "deflate": grpc.Compression.Deflate,
}
_OPTIONS = (
    ("grpc.primary_user_agent", f"spanbridge-otlp/{VERSION}"),
    # Retries belong to the runner; a channel of our own, not one that other parts of the process share.
    ("grpc.enable_retries", 0),
    ("grpc.use_local_subchannel_pool", 1),
)


class GRPCTransport:
    """Sends requests to one endpoint. Used by one thread at a time; a forked child makes a channel of its own."""

    def __init__(self, settings: OTLPSettings, signal: Signal) -> None:
        self._settings = settings
        self._signal = signal
        self._where = settings.shown_endpoint
        self._metadata = tuple((name.lower(), value) for name, value in settings.headers.items())
        self._channel: Any = None
        self._export: Any = None
        self._process = os.getpid()

    def send(self, request: bytes) -> ExportResult:
        """What became of an encoded request; a call that fails is an answer too."""
        try:
            response = self._open()(request, timeout=self._settings.timeout_s, metadata=self._metadata)
        except grpc.RpcError as error:
            call: Any = error
            return answers.of_grpc(self._where, call.code().name, call.details() or "", _asked_pause_s(call))
        return answers.of_response(self._where, response)

    def _open(self) -> Any:
        if self._export is None or self._process != os.getpid():
            self._process = os.getpid()
            self._channel = self._new_channel()
            # Without a serializer: requests come as bytes.
            self._export = self._channel.unary_unary(
                self._signal.method, response_deserializer=self._signal.response.FromString
            )
        return self._export

    def _new_channel(self) -> Any:
        settings = self._settings
        target = urlsplit(settings.endpoint).netloc.rpartition("@")[2]
        options: dict[str, Any] = {"options": _OPTIONS, "compression": _COMPRESSION[settings.compression]}
        # As they were before an instrumentation wrapped them: no span about sending spans.
        if settings.insecure:
            return inspect.unwrap(grpc.insecure_channel)(target, **options)
        credentials = grpc.ssl_channel_credentials(
            *map(_content, (settings.certificate, settings.client_key, settings.client_certificate))
        )
        return inspect.unwrap(grpc.secure_channel)(target, credentials, **options)

    def close(self) -> None:
        """Closes the channel; of this process only."""
        if self._channel is not None and self._process == os.getpid():
            self._channel.close()
        self._channel = self._export = None


def _content(path: str | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()


def _asked_pause_s(call: Any) -> float | None:
    """The pause that a server asks for, in either of the two places where it may stand."""
    info = RetryInfo()
    metadata = {key: value for key, value in call.trailing_metadata() or () if isinstance(value, bytes)}
    try:
        found = "google.rpc.retryinfo-bin" in metadata
        if found:
            info.ParseFromString(metadata["google.rpc.retryinfo-bin"])
        elif "grpc-status-details-bin" in metadata:
            details = Status.FromString(metadata["grpc-status-details-bin"]).details
            found = any(detail.Unpack(info) for detail in details)
    except DecodeError:
        return None
    return info.retry_delay.ToNanoseconds() / 1e9 if found else None
