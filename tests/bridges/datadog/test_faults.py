"""Nothing leaks: whatever happens to spans, none of the native ones stays open, and every request is under its true parent."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bridges.datadog.conftest import Agent, Tree

pytest.importorskip("ddtrace")


@pytest.mark.parametrize(
    "count", [300, pytest.param(10_000, marks=pytest.mark.slow)], ids=["few traces", "ten thousand traces"]
)
def test_random_faults_leave_nothing_open(run: Any, agent: Agent, count: int):
    """Never ended, dropped, excluded, orphaned, cancelled, late: each native span ends, and ddtrace holds no trace back."""
    result = run("faults", str(count), "1", timeout_s=1800)

    tree = Tree(agent.spans())
    bridge = result["before"]["bridge"]
    assert bridge["open"] == 0
    assert result["aggregated"] == 0
    assert bridge["released"].keys() == {"processor", "trace_ended"}
    assert 0 < bridge["released"]["trace_ended"] <= result["held"]
    assert result["stats"]["ignored"] == {}
    assert tree.misplaced() == []
    assert len(tree.requests()) > count / 50
    # Every span of ours arrived: those that no exit of spanbridge's gets too, bare.
    dropped = result["before"]["spans"]["dropped"]
    # Once each: ddtrace sends a payload again where the agent was slow to answer.
    ours = list({span["span_id"]: span for span in tree.spans if span["name"].startswith("spanbridge.")}.values())
    assert len(ours) == result["before"]["spans"]["started"] - dropped["excluded_type"]
    bare = [span for span in ours if span["meta"].get("spanbridge.released") == "processor"]
    assert len(bare) == dropped["processor"]
    assert {span["resource"] for span in bare} == {"spanbridge.generic"}
    assert {str(span["span_id"]): span["start"] + span["duration"] for span in bare} == result["dropped_ends"]
    if count > 1000:
        assert result["memory"][-1] < result["memory"][2] * 1.1, result["memory"]  # KiB, every thousand traces


@pytest.fixture
def sink() -> Any:
    """The address of something that takes everything and keeps nothing."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST = do_PUT

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.slow
def test_memory_is_flat_over_a_hundred_thousand_traces(run: Any, sink: str):
    """With the same faults; sent to a sink, because the test agent keeps what it gets."""
    result = run("faults", "100000", "1", timeout_s=1800, DD_TRACE_AGENT_URL=sink)

    memory = [kib // 1024 for kib in result["memory"]]  # every thousand traces
    assert memory[-1] < memory[10] * 1.1, memory
    assert (result["before"]["bridge"]["open"], result["aggregated"]) == (0, 0)
    assert result["stats"]["ignored"] == {}
