"""A real test agent of Datadog's, and programs that run against it, each in a process of its own: ddtrace patches one for good."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from base64 import b64decode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from urllib.request import urlopen

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAMS = Path(__file__).parent / "programs"
READY_TIMEOUT_S = 60
PROGRAM_TIMEOUT_S = 300
TEST_AGENT = "ddapm-test-agent==1.69.1"
"""In an environment of its own: it wants older packages than the others here."""


class Agent:
    """ddapm-test-agent, and what arrived at it since the last `clear`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str) -> Any:
        with urlopen(self.url + path, timeout=30) as response:
            body = response.read()
        return json.loads(body) if body else None

    def clear(self) -> None:
        with urlopen(f"{self.url}/test/session/clear", timeout=30) as response:
            response.read()

    def spans(self) -> list[dict[str, Any]]:
        """All APM spans; ids are integers, `parent_id` is 0 where there is none."""
        spans = [span for trace in self.get("/test/session/traces") for span in trace]
        for span in spans:
            span["parent_id"] = span.get("parent_id") or 0
        return sorted(spans, key=lambda span: span["start"])

    def events(self) -> list[dict[str, Any]]:
        """All events of LLM Observability, in the order of their starts."""
        events: list[dict[str, Any]] = []
        for body in self._bodies("/api/v2/llmobs"):
            for envelope in body if isinstance(body, list) else [body]:
                events.extend(envelope.get("spans", ()))
        for event in events:  # 3.x writes some of them flat
            meta = event["meta"]
            meta.setdefault("span", {"kind": meta.get("span.kind")})
            event["tags"] = dict(tag.split(":", 1) for tag in event["tags"])
        return sorted({event["span_id"]: event for event in events}.values(), key=lambda event: event["start_ns"])

    def evaluations(self) -> list[dict[str, Any]]:
        """All evaluations."""
        return [metric for body in self._bodies("eval-metric") for metric in body["data"]["attributes"]["metrics"]]

    def everything(self) -> str:
        """Every byte that arrived, as text: to look for what must not be there."""
        requests = self.get("/test/session/requests")
        return "\n".join(
            f"{request['url']} {request['headers']} {b64decode(request['body']).decode('latin-1')}"
            for request in requests
        )

    def _bodies(self, path: str) -> list[Any]:
        requests = self.get("/test/session/requests")
        return [json.loads(b64decode(request["body"])) for request in requests if request["url"].endswith(path)]


class Tree:
    """The APM spans that arrived, by the name that APM shows them under."""

    def __init__(self, spans: list[dict[str, Any]]) -> None:
        self.spans = spans
        self._by_id = {span["span_id"]: span for span in spans}

    def __getitem__(self, resource: str) -> dict[str, Any]:
        (span,) = [span for span in self.spans if span["resource"] == resource]
        return span

    def parent_of(self, span: dict[str, Any]) -> str | None:
        """The name of the parent; None where it has none."""
        if not span["parent_id"]:
            return None
        parent = self._by_id.get(span["parent_id"])
        return f"not here: {span['parent_id']}" if parent is None else parent["resource"]

    def misplaced(self) -> list[tuple[str, str | None]]:
        """HTTP requests to `/in/<name>` whose parent is not called that."""
        wrong: list[tuple[str, str | None]] = []
        for span in self.requests():
            expected = unquote(span["meta"]["http.url"].partition("/in/")[2])
            if (parent := self.parent_of(span)) != (expected if expected != "nothing" else None):
                wrong.append((expected, parent))
        return wrong

    def requests(self) -> list[dict[str, Any]]:
        """Spans of HTTP requests to `/in/<name>`, on the client's side."""
        return [
            span
            for span in self.spans
            if "/in/" in span.get("meta", {}).get("http.url", "") and span["meta"].get("span.kind") == "client"
        ]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port: int, process: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)  # a stranger's process: it says nothing but by listening
    raise TimeoutError(f"nothing listens at {port}")


@pytest.fixture(scope="session")
def agent_process(tmp_path_factory):
    """The agent, started once."""
    python = subprocess.run(
        [
            sys.executable,
            "-m",
            "uv",
            "tool",
            "run",
            "--quiet",
            "--from",
            TEST_AGENT,
            "python",
            "-c",
            "import sys; print(sys.executable)",
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.strip()
    port, otlp_http, otlp_grpc = free_port(), free_port(), free_port()
    folder = tmp_path_factory.mktemp("agent")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                python,
                "-c",
                "from ddapm_test_agent.agent import main; main()",
                *("--host", "127.0.0.1", "--port", str(port)),
                *("--otlp-http-port", str(otlp_http), "--otlp-grpc-port", str(otlp_grpc)),
                *("--snapshot-dir", str(folder), "--disable-llmobs-data-forwarding"),
            ],
            stdout=log,
            stderr=log,
        )
        try:
            wait_for_port(port, process)
            yield Agent(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture
def agent(agent_process):
    """The agent, empty."""
    agent_process.clear()
    return agent_process


@pytest.fixture
def bad_agent():
    """Starts an agent that answers everything with one status; None: never."""
    servers: list[ThreadingHTTPServer] = []
    release = threading.Event()

    def start(status: int | None) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_any(self) -> None:
                if status is None:
                    release.wait()
                    return
                self.rfile.read(int(self.headers.get("content-length") or 0))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            do_GET = do_POST = do_PUT = do_any

            def log_message(self, *args: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    release.set()
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def run(agent, tmp_path):
    """Runs one of the `programs` and returns what it printed as its last line, from JSON."""

    def run(
        name: str,
        *arguments: str,
        under: tuple[str, ...] = (),
        status: int = 0,
        until: Callable[[], bool] | None = None,
        timeout_s: float = PROGRAM_TIMEOUT_S,
        **variables: str,
    ) -> Any:
        """`until`: the program reads its standard input to the end, which comes when this is true."""
        environ = {
            name: value for name, value in os.environ.items() if not name.startswith(("DD_", "SPANBRIDGE_", "OTEL_"))
        }
        environ |= {
            "DD_TRACE_AGENT_URL": agent.url,
            "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
            "DD_REMOTE_CONFIGURATION_ENABLED": "false",
            "DD_LLMOBS_ML_APP": "shop",
            "DD_TRACE_GIT_METADATA_ENABLED": "false",
            "PYTHONPATH": str(PROGRAMS),
        }
        environ |= variables
        with subprocess.Popen(
            [*under, sys.executable, str(PROGRAMS / f"{name}.py"), *arguments],
            env={name: value for name, value in environ.items() if value},
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                deadline = time.monotonic() + timeout_s
                while until is not None and not until() and time.monotonic() < deadline and process.poll() is None:
                    time.sleep(0.05)  # the agent only answers questions
                output, run.log = process.communicate(timeout=timeout_s)
            finally:
                process.kill()
        assert process.returncode == status, run.log[-4000:]
        lines = output.strip().splitlines()
        return json.loads(lines[-1]) if lines else None

    run.log = ""
    return run
