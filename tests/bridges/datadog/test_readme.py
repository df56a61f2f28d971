"""The README's web application, as it stands there, under `ddtrace-run`: what a user of ddtrace pastes."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

import spanbridge as sb
from bridges.datadog.conftest import Tree, free_port, wait_for_port
from run_document import read_blocks

if TYPE_CHECKING:
    from bridges.datadog.conftest import Agent

pytest.importorskip("ddtrace")

README = Path(__file__).parents[3] / "README.md"


def test_the_readme_section(agent: Agent, tmp_path: Path):
    """One request: the web span, the agent below it, its HTTP call under the tool; the same in LLM Observability and in the store."""
    program, command = [
        block.text
        for block in read_blocks(README.read_text(encoding="utf-8"))
        if block.run_by and "test_readme" in block.run_by
    ]
    (tmp_path / "web.py").write_text(program, encoding="utf-8")
    port = free_port()
    environ: dict[str, Any] = {name: value for name, value in os.environ.items() if not name.startswith("DD_")} | {
        "PATH": os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]]),
        "UVICORN_PORT": str(port),
        "DD_TRACE_AGENT_URL": agent.url,
        "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
        "DD_REMOTE_CONFIGURATION_ENABLED": "false",
    }
    server = subprocess.Popen(
        ["bash", "-c", f"exec env {command.strip()}"], cwd=tmp_path, env=environ, stderr=subprocess.PIPE
    )
    try:
        wait_for_port(port, server)
        with urlopen(f"http://127.0.0.1:{port}/chat?question=How+many%3F", timeout=30) as response:
            assert response.read() == b'"3 left"'
    finally:
        server.terminate()
        _, log = server.communicate(timeout=30)

    tree = Tree(agent.spans())
    web = tree.parent_of(tree["support"])
    assert web is not None, log
    assert web.startswith("GET /chat")
    assert tree.parent_of(tree["stock"]) == "support"
    (request,) = [span for span in tree.spans if span["name"] == "requests.request"]
    assert tree.parent_of(request) == "stock"
    events = {event["name"]: event for event in agent.events()}
    assert {name: event["meta"]["span"]["kind"] for name, event in events.items()} == {
        "support": "agent",
        "chat gpt-5.4": "llm",
        "stock": "tool",
    }
    assert [told["label"] for told in agent.evaluations()] == ["helpful"]
    with sb.open_store(f"sqlite:///{tmp_path}/traces.db") as store:
        (trace,) = store.list_traces()
        assert int(trace.trace_id[16:], 16) == tree["support"]["trace_id"]
