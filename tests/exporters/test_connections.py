"""Sending spans makes no spans: instrumentations of the libraries that carry them see nothing of it. Nor do forks mix it up."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from otlp_receivers import grpc_receiver

OPENTELEMETRY = """
import sys
import requests
from opentelemetry.instrumentation.grpc import GrpcInstrumentorClient
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import set_tracer_provider

memory = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(memory))
set_tracer_provider(provider)


def instrument():
    for instrumentor in (RequestsInstrumentor, URLLib3Instrumentor, GrpcInstrumentorClient):
        instrumentor().instrument()


def traced():
    return [span.name for span in memory.get_finished_spans()]
"""

DDTRACE = """
import os
import re
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, HTTPServer

sent = b""


class Agent(BaseHTTPRequestHandler):
    def do_PUT(self):
        global sent
        sent += self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST = do_PUT

    def do_GET(self):
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_):
        pass


agent = HTTPServer(("127.0.0.1", 0), Agent)
threading.Thread(target=agent.serve_forever, daemon=True).start()
os.environ.update(
    DD_TRACE_AGENT_URL=f"http://127.0.0.1:{agent.server_port}",
    DD_TRACE_API_VERSION="v0.4",
    DD_TRACE_STARTUP_LOGS="false",
    DD_INSTRUMENTATION_TELEMETRY_ENABLED="false",
    DD_REMOTE_CONFIGURATION_ENABLED="false",
)
import requests
import ddtrace


def instrument():
    ddtrace.patch(requests=True, urllib3=True, httplib=True, grpc=True)


def traced():
    ddtrace.tracer.flush()
    return re.findall(rb"requests.request|urllib3.request|http.client.request|grpc", sent)
"""

PROGRAM = """
import spanbridge as sb
from spanbridge_llmobs import DatadogExporter
from spanbridge_otlp import OTLPExporter

http, grpc, other = sys.argv[1:4]


def exits():
    for exporter in (
        OTLPExporter(endpoint=http, timeout_s=5),
        OTLPExporter(endpoint=grpc, protocol="grpc", timeout_s=5),
        DatadogExporter(agent_url=http, agentless=False),
    ):
        yield sb.Observability(store=False, exporters=[exporter])


def send(exit, batch):
    with exit.generic("span"):
        pass
    assert exit.flush(20), exit.stats()
    (account,) = exit.stats()["exporters"].values()
    assert account["delivered"] == batch, account


used, unused = list(exits()), list(exits())
for exit in used:
    send(exit, 1)
instrument()
for when, several in (("in use before", used), ("made before", unused), ("made after", exits())):
    for exit in several:
        send(exit, 2 if when == "in use before" else 1)
        names = list(traced())
        assert names == [], (when, exit.settings.exporters, names)

# The instrumentation works: what the application itself sends is traced.
requests.get(other, timeout=5)
assert traced()
"""


class Anything(ThreadingHTTPServer):
    """Takes whatever comes, and keeps the headers."""

    daemon_threads = True

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                where = {"path": self.path, "connection from": str(self.client_address[1])}
                headers.append(where | {name.lower(): value for name, value in self.headers.items()})
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_: object) -> None: ...

        self.headers = headers = list[dict[str, str]]()
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"


def _server():
    with Anything() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


anything, other = pytest.fixture(_server), pytest.fixture(_server)


def send(program: str, *arguments: str, **variables: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("tracer", ["opentelemetry", "ddtrace"])
def test_exports_are_not_traced(tracer, anything, other) -> None:
    """Whether the libraries are instrumented before an exporter is made, after it, or after its first batch."""
    if tracer == "ddtrace":
        pytest.importorskip("ddtrace.version")
    with grpc_receiver() as receiver:
        send(
            (OPENTELEMETRY if tracer == "opentelemetry" else DDTRACE) + PROGRAM,
            anything.url,
            receiver.endpoint,
            other.url,
        )

    headers = [*anything.headers, *(request.headers for request in receiver.requests)]
    assert len(headers) == 3 * 4
    assert not any("traceparent" in names or "x-datadog-trace-id" in names for names in headers)


def test_exports_through_a_proxy_are_not_traced(anything) -> None:
    """The receiver stands in for the proxy: it is asked for the whole address."""
    program = (
        OPENTELEMETRY
        + """
instrument()
import spanbridge as sb
from spanbridge_otlp import OTLPExporter

sb.configure(store=False, exporters=[OTLPExporter(endpoint="http://collector.test:4318", timeout_s=5)])
with sb.generic("span"):
    pass
assert sb.flush(20)
assert traced() == [], traced()
"""
    )
    send(program, HTTP_PROXY=anything.url, http_proxy=anything.url, no_proxy="127.0.0.1")

    (headers,) = anything.headers
    assert headers["path"] == "http://collector.test:4318/v1/traces"
    assert "traceparent" not in headers


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_sends_on_connections_of_its_own(anything) -> None:
    """A child of a process that has sent spans sends its own; the parent goes on, on the connection that it has."""
    program = """
        import os
        import sys
        import warnings
        warnings.simplefilter("ignore")  # of later Pythons, about forks beside threads
        import spanbridge as sb
        from spanbridge_llmobs import DatadogExporter
        from spanbridge_otlp import OTLPExporter

        url = sys.argv[1]
        sb.configure(
            store=False,
            exporters=[OTLPExporter(endpoint=url, timeout_s=5), DatadogExporter(agent_url=url, agentless=False)],
        )

        def record(name):
            with sb.generic(name):
                pass
            assert sb.flush(10), sb.stats()

        record("before")
        child = os.fork()
        record("child" if child == 0 else "parent")
        if child == 0:
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    """
    send(program, anything.url)

    connections: dict[str, list[str]] = {}
    for headers in anything.headers:
        connections.setdefault(headers["path"], []).append(headers["connection from"])
    assert set(connections) == {"/v1/traces", "/evp_proxy/v2/api/v2/llmobs"}
    for ports in connections.values():
        assert sorted(Counter(ports).values()) == [1, 2]
        assert ports[0] in ports[1:]
