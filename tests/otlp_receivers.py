"""OTLP receivers on 127.0.0.1 for tests: one that answers as it is told over HTTP or gRPC, and real ones in processes of their own."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import sysconfig
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from spanbridge_otlp.decoding import decode_spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from spanbridge.conventions.otel_span import OtelSpan

READY_TIMEOUT_S = 120.0


class Answer(NamedTuple):
    """What a receiver says to one request; over gRPC `status` is a code's name."""

    status: int | str = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}


def partial_success(rejected: int, message: str = "over quota") -> bytes:
    """The body of an answer that refuses some spans."""
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = rejected
    response.partial_success.error_message = message
    return response.SerializeToString()


class Request(NamedTuple):
    """One request that came."""

    path: str
    headers: dict[str, str]
    message: ExportTraceServiceRequest


class Receiver:
    """Answers each request with the next of `answers`, or with what a callable there makes of it, then with success."""

    def __init__(self) -> None:
        self.answers: list[Answer | Callable[[Request], Answer]] = []
        self.always: Callable[[Request], Answer] | None = None
        self.requests: list[Request] = []
        self.endpoint = ""
        self.log_requests: list[ExportLogsServiceRequest] = []
        self.log_answers: list[Answer] = []
        """As `answers`, for requests with log records."""
        self.always_logs: Callable[[bytes], Answer] | None = None
        """What answers them then, by the message's bytes."""
        self.stalled = threading.Event()
        """Set by a test to let go of requests that `stall` holds."""
        self._accepted: list[Request] = []
        self._changed = threading.Condition()

    @property
    def spans(self) -> list[OtelSpan]:
        """The spans of the requests that were answered with success."""
        return [span for request in list(self._accepted) for span in decode_spans(request.message)]

    def wait_for(self, count: int, timeout: float = 10.0) -> list[OtelSpan]:
        """The spans, as soon as there are `count` of them."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.spans) >= count, timeout), [s.name for s in self.spans]
        return self.spans

    def wait_for_requests(self, count: int, timeout: float = 10.0) -> list[Request]:
        """The requests, as soon as there are `count` of them."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.requests) >= count, timeout), len(self.requests)
        return self.requests

    def stall(self, _request: Any) -> Answer:
        """An answer that does not come before `stalled` is set."""
        self.stalled.wait(30)
        return Answer()

    @property
    def logs(self) -> list[Any]:
        """The log records of the requests that were answered with success."""
        return [
            log
            for request in list(self.log_requests)
            for group in request.resource_logs
            for scope in group.scope_logs
            for log in scope.log_records
        ]

    def wait_for_logs(self, count: int, timeout: float = 10.0) -> list[Any]:
        """The log records, as soon as there are `count` of them."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.logs) >= count, timeout), self.logs
        return self.logs

    def answer_logs(self, request: ExportLogsServiceRequest) -> Answer:
        """Called by the servers."""
        with self._changed:
            answer: Any = self.log_answers.pop(0) if self.log_answers else self.always_logs or Answer()
        answer = answer(request.SerializeToString()) if not isinstance(answer, Answer) else answer
        with self._changed:
            if answer.status in (200, "OK"):
                self.log_requests.append(request)
            self._changed.notify_all()
        return answer

    def answer(self, request: Request) -> Answer:
        """Called by the servers."""
        with self._changed:
            self.requests.append(request)
            answer: Any = self.answers.pop(0) if self.answers else self.always or Answer()
            self._changed.notify_all()
        answer = answer(request) if not isinstance(answer, Answer) else answer
        if answer.status in (200, "OK"):
            with self._changed:
                self._accepted.append(request)
                self._changed.notify_all()
        return answer


class Mutual(NamedTuple):
    """Files (PEM) of a receiver with TLS: the certificate that it has, and the only one that it takes; and its key."""

    certificate: Path
    key: Path


@contextmanager
def http_receiver(mutual: Mutual | None = None) -> Iterator[Receiver]:
    """A receiver of OTLP over HTTP."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            decompress = {"gzip": gzip.decompress, "deflate": zlib.decompress}.get(
                self.headers.get("Content-Encoding", "")
            )
            body = body if decompress is None else decompress(body)
            headers = {name.lower(): value for name, value in self.headers.items()}
            if self.path.endswith("/v1/logs"):
                answer = receiver.answer_logs(ExportLogsServiceRequest.FromString(body))
            else:
                answer = receiver.answer(Request(self.path, headers, ExportTraceServiceRequest.FromString(body)))
            try:
                self.send_response(int(answer.status))
                for name, value in {"Content-Type": "application/x-protobuf", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)
            except ConnectionError:
                pass  # whoever asked has given up

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            if mutual is None:
                super().handle_error(request, client_address)

    with Server(("127.0.0.1", 0), Handler) as server:
        receiver.endpoint = f"http://127.0.0.1:{server.server_port}"
        if mutual is not None:
            receiver.endpoint = f"https://localhost:{server.server_port}"
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=mutual.certificate)
            context.load_cert_chain(*mutual)
            context.verify_mode = ssl.CERT_REQUIRED
            # The handshake is left to the thread of the connection: a client that breaks it off stops nobody.
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.stalled.set()
            server.shutdown()
            thread.join(5)


@contextmanager
def grpc_receiver(mutual: Mutual | None = None) -> Iterator[Receiver]:
    """A receiver of OTLP over gRPC. `Answer.headers` are trailing metadata, those whose name ends in -bin as bytes in hex."""
    import grpc
    from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc

    receiver = Receiver()

    class Servicer(trace_service_pb2_grpc.TraceServiceServicer):
        def Export(self, request: Any, context: Any) -> Any:
            headers = {str(name): str(value) for name, value in context.invocation_metadata()}
            answer = receiver.answer(Request("", headers, request))
            if answer.status in (200, "OK"):
                return ExportTraceServiceResponse.FromString(answer.body)
            context.set_trailing_metadata(
                [
                    (name, bytes.fromhex(text) if name.endswith("-bin") else text)
                    for name, text in answer.headers.items()
                ]
            )
            context.abort(grpc.StatusCode[str(answer.status)], answer.body.decode())
            raise AssertionError

    class LogsServicer(logs_service_pb2_grpc.LogsServiceServicer):
        def Export(self, request: Any, context: Any) -> Any:
            answer = receiver.answer_logs(request)
            if answer.status not in (200, "OK"):
                context.abort(grpc.StatusCode[str(answer.status)], "")
            return ExportLogsServiceResponse.FromString(answer.body)

    server = grpc.server(ThreadPoolExecutor(4))
    logs_service_pb2_grpc.add_LogsServiceServicer_to_server(LogsServicer(), server)
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Servicer(), server)
    if mutual is None:
        receiver.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    else:
        certificate, key = (path.read_bytes() for path in mutual)
        credentials = grpc.ssl_server_credentials([(key, certificate)], certificate, require_client_auth=True)
        receiver.endpoint = f"https://localhost:{server.add_secure_port('127.0.0.1:0', credentials)}"
    server.start()
    try:
        yield receiver
    finally:
        receiver.stalled.set()
        server.stop(0).wait(5)


# --- real receivers -----------------------------------------------------------------------------------------------------


class Rotel(NamedTuple):
    """A running rotel, which passes on what it gets."""

    http_endpoint: str
    grpc_endpoint: str


@contextmanager
def rotel(to: Receiver, folder: Path) -> Iterator[Rotel]:
    """rotel, a collector in a wheel, that sends everything on to `to` over HTTP."""
    package = pytest.importorskip("rotel")
    agent = Path(package.__file__).parent / "rotel-agent"
    http_port, grpc_port = free_ports(2)
    command = [
        str(agent),
        "start",
        "--otlp-grpc-endpoint",
        f"127.0.0.1:{grpc_port}",
        "--otlp-http-endpoint",
        f"127.0.0.1:{http_port}",
        "--exporter",
        "otlp",
        "--otlp-exporter-endpoint",
        to.endpoint,
        "--otlp-exporter-protocol",
        "http",
    ]
    # The agent is linked to the library of the Python that its wheel is for, which need not be where the system looks.
    library_path = os.pathsep.join(
        filter(None, (sysconfig.get_config_var("LIBDIR"), os.environ.get("LD_LIBRARY_PATH")))
    )
    environment = {"LD_LIBRARY_PATH": library_path}
    with running(command, folder / "rotel.log", ports=(http_port, grpc_port), environment=environment):
        yield Rotel(f"http://127.0.0.1:{http_port}", f"http://127.0.0.1:{grpc_port}")


class TestAgent(NamedTuple):
    """A running ddapm-test-agent."""

    __test__ = False

    http_endpoint: str
    grpc_endpoint: str

    def traces(self) -> list[dict[str, Any]]:
        """The OTLP requests that it got, as OTLP's JSON."""
        with urlopen(f"{self.http_endpoint}/test/session/traces", timeout=10) as response:
            return json.load(response)


@contextmanager
def ddapm_test_agent(folder: Path) -> Iterator[TestAgent]:
    """Datadog's test agent, which receives OTLP too."""
    port, http_port, grpc_port = free_ports(3)
    command = [
        *tool("ddapm-test-agent==1.69.1", "ddapm-test-agent"),
        *("--port", str(port), "--otlp-http-port", str(http_port), "--otlp-grpc-port", str(grpc_port)),
    ]
    with running(command, folder / "ddapm.log", ports=(port, http_port, grpc_port)):
        yield TestAgent(f"http://127.0.0.1:{http_port}", f"http://127.0.0.1:{grpc_port}")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for item in sockets:
        item.bind(("127.0.0.1", 0))
    ports = [item.getsockname()[1] for item in sockets]
    for item in sockets:
        item.close()
    return ports


@cache
def tool(requirement: str, command: str, *, python: str | None = None) -> tuple[str, ...]:
    """The command of a package that has an environment of its own, because its dependencies do not go with ours.

    Skips the test where it cannot be installed; not in the project's checks, where it has to be.
    """
    uv = os.environ.get("UV") or shutil.which("uv")
    runner = [uv] if uv else [sys.executable, "-m", "uv"]
    options = ["--python", python] if python else []
    found = subprocess.run(
        [
            *runner,
            "tool",
            "run",
            "--quiet",
            *options,
            "--from",
            requirement,
            "python",
            "-c",
            "import sys; print(sys.prefix)",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if found.returncode != 0:
        if os.environ.get("REQUIRE_TEST_TOOLS"):
            raise RuntimeError(f"{requirement} cannot be installed:\n{found.stderr}")
        pytest.skip(f"{requirement} cannot be installed here")
    return (str(Path(found.stdout.strip()) / "bin" / command),)


@contextmanager
def running(
    command: list[str],
    log: Path,
    *,
    ports: tuple[int, ...],
    environment: dict[str, str] | None = None,
    url: str | None = None,
) -> Iterator[None]:
    """A process that runs inside the block and listens on all of `ports`; `url` answers too, where it is given."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, **(environment or {})}, cwd=log.parent
        )
        try:
            deadline = time.monotonic() + READY_TIMEOUT_S
            while not all(map(is_open, ports)) or (url is not None and not answers(url)):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command[0]} does not run:\n{log.read_text(errors='replace')[-4000:]}")
                time.sleep(0.02)
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def is_open(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


def answers(url: str) -> bool:
    """Whether `url` is served."""
    try:
        with urlopen(url, timeout=5):
            return True
    except (URLError, OSError):
        return False
