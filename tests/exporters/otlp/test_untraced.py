"""Sending spans makes no spans: instrumentations of the libraries that carry them see nothing of it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from otlp_receivers import grpc_receiver, http_receiver

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
from spanbridge_otlp import OTLPExporter

endpoint, protocol, when = sys.argv[1:4]
if when == "before":
    instrument()
exporter = OTLPExporter(endpoint=endpoint, protocol=protocol, timeout_s=5)
sb.configure(store=False, exporters=[exporter])
if when == "first":
    with sb.generic("first"):
        pass
    sb.flush()
if when != "before":
    instrument()
with sb.generic("second"):
    pass
assert sb.flush()
assert sb.stats()["exporters"]["otlp"]["delivered"] == (2 if when == "first" else 1), sb.stats()
names = list(traced())
assert names == [], names

# The instrumentation works: what the application itself sends is traced.
requests.get(sys.argv[4], timeout=5)
assert traced()
"""


@pytest.mark.parametrize("when", ["before", "after", "first"])
@pytest.mark.parametrize("tracer", ["opentelemetry", "ddtrace"])
def test_exports_are_not_traced(tracer, when, protocol) -> None:
    """Whether the libraries are instrumented before the exporter is made, after it, or after its first batch."""
    if tracer == "ddtrace":
        pytest.importorskip("ddtrace.version")
    program = textwrap.dedent((OPENTELEMETRY if tracer == "opentelemetry" else DDTRACE) + PROGRAM)
    with http_receiver() as other, http_receiver() if protocol == "http/protobuf" else grpc_receiver() as receiver:
        result = subprocess.run(
            [sys.executable, "-c", program, receiver.endpoint, protocol, when, other.endpoint],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    assert result.returncode == 0, result.stderr
    headers = [request.headers for request in receiver.requests]
    assert headers
    assert not any("traceparent" in names or "x-datadog-trace-id" in names for names in headers)


def test_exports_through_a_proxy_are_not_traced() -> None:
    """The receiver stands in for the proxy: it is asked for the whole address."""
    program = textwrap.dedent(OPENTELEMETRY + PROGRAM)
    with http_receiver() as other, http_receiver() as receiver:
        result = subprocess.run(
            [sys.executable, "-c", program, "http://collector.test:4318", "http/protobuf", "before", other.endpoint],
            env={
                **os.environ,
                "HTTP_PROXY": receiver.endpoint,
                "http_proxy": receiver.endpoint,
                "no_proxy": "127.0.0.1",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    assert result.returncode == 0, result.stderr
    assert receiver.requests
    assert not any("traceparent" in request.headers for request in receiver.requests)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_sends_on_connections_of_its_own() -> None:
    """A child of a process that has sent spans sends its own; the parent goes on."""
    program = textwrap.dedent("""
        import os
        import sys
        import warnings
        warnings.simplefilter("ignore")  # of later Pythons, about forks beside threads
        import spanbridge as sb
        from spanbridge_otlp import OTLPExporter

        sb.configure(store=False, exporters=[OTLPExporter(endpoint=sys.argv[1], timeout_s=5)])

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
    """)
    with http_receiver() as receiver:
        result = subprocess.run(
            [sys.executable, "-c", program, receiver.endpoint], capture_output=True, text=True, check=False, timeout=60
        )

        assert result.returncode == 0, result.stderr
        assert sorted(span.name for span in receiver.spans) == ["before", "child", "parent"]
