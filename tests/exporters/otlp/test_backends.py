"""Real backends: Phoenix and MLflow take the spans, and show them as what they are."""

from __future__ import annotations

import json
import os
import uuid
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest

import spanbridge as sb
from otlp_receivers import free_ports, running, tool
from spanbridge_otlp import OTLPExporter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow


def one_turn() -> str:
    """An agent that asks a model and a tool, which fails; the trace's id."""
    with sb.agent_run("support", input="Where is order 7?", agent_id="support-v3", session_id="s1") as run:
        with sb.model_generation(
            model="gpt-5.4", provider="openai", input=[{"role": "user", "content": "Where is order 7?"}]
        ) as generation:
            generation.set(output="I will look.", usage=sb.Usage(812, 96), finish_reason="stop")
        with pytest.raises(LookupError), sb.tool_call("search", input={"q": "order 7"}):
            raise LookupError("no such index")
        run.set(output="On its way.")
    return run.trace_id


def fetch(url: str, body: Any = None) -> Any:
    """The JSON that `url` answers with."""
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data, {"Content-Type": "application/json"}), timeout=60) as response:
        return json.load(response)


@pytest.fixture(scope="module")
def phoenix(tmp_path_factory) -> Iterator[tuple[str, str]]:
    """A running Phoenix: its addresses over HTTP and gRPC."""
    folder: Path = tmp_path_factory.mktemp("phoenix")
    port, grpc_port = free_ports(2)
    environment = {
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(grpc_port),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_AGENTS_DISABLE_BASH": "true",
    }
    command = [*tool("arize-phoenix==20.26.1", "phoenix"), "serve"]
    url = f"http://127.0.0.1:{port}"
    with running(command, folder / "log", ports=(port, grpc_port), environment=environment, url=f"{url}/v1/projects"):
        yield url, f"http://127.0.0.1:{grpc_port}"


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_phoenix(protocol, phoenix, configured, monkeypatch) -> None:
    """Phoenix reads kinds, tokens, messages and errors; over HTTP into the project that the preset names."""
    url, grpc_endpoint = phoenix
    project = f"p-{uuid.uuid4().hex[:8]}" if protocol == "http/protobuf" else "default"
    monkeypatch.setenv("PHOENIX_COLLECTOR_ENDPOINT", url)
    monkeypatch.setenv("PHOENIX_PROJECT_NAME", project)
    if protocol == "grpc":
        configured(OTLPExporter(endpoint=grpc_endpoint, protocol="grpc"))
    else:
        configured(OTLPExporter("phoenix"))

    trace_id = one_turn()
    assert sb.flush(timeout=60), sb.stats()
    assert sb.stats()["exporters"]["otlp"]["delivered"] == 3

    spans = wait_for_spans(url, project, trace_id)
    assert set(spans) == {"invoke_agent support", "chat gpt-5.4", "execute_tool search"}
    assert {name: span["span_kind"] for name, span in spans.items()} == {
        "invoke_agent support": "AGENT",
        "chat gpt-5.4": "LLM",
        "execute_tool search": "TOOL",
    }
    assert spans["execute_tool search"]["status_code"] == "ERROR"
    assert spans["chat gpt-5.4"]["attributes"]["llm.token_count.prompt"] == 812


def wait_for_spans(url: str, project: str, trace_id: str) -> dict[str, Any]:
    """The three spans of a trace, by name, as soon as Phoenix has written them."""
    for _ in range(200):
        found = fetch(f"{url}/v1/projects/{project}/spans?limit=100")["data"] if has_project(url, project) else []
        spans = {span["name"]: span for span in found if span["context"]["trace_id"] == trace_id}
        if len(spans) == 3:
            return spans
    raise AssertionError(found)


def has_project(url: str, name: str) -> bool:
    """Whether Phoenix knows the project yet."""
    return any(project["name"] == name for project in fetch(f"{url}/v1/projects?limit=100")["data"])


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory) -> Iterator[str]:
    """A running MLflow."""
    folder: Path = tmp_path_factory.mktemp("mlflow")
    (port,) = free_ports(1)
    (command,) = tool("mlflow==3.17.2", "mlflow")
    arguments = [
        *("server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
    ]
    url = f"http://127.0.0.1:{port}"
    # It starts its server by name, from its own environment.
    environment = {"PATH": f"{os.path.dirname(command)}{os.pathsep}{os.environ['PATH']}"}  # noqa: PTH120
    with running([command, *arguments], folder / "log", ports=(port,), environment=environment, url=f"{url}/health"):
        yield url


def test_mlflow(mlflow, configured, monkeypatch) -> None:
    """MLflow takes them with the header that it asks for, and finds the trace."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow)
    configured(OTLPExporter("mlflow", timeout_s=60))

    trace_id = one_turn()
    assert sb.flush(timeout=90), sb.stats()
    assert sb.stats()["exporters"]["otlp"]["delivered"] == 3

    location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}
    found = fetch(f"{mlflow}/api/3.0/mlflow/traces/search", {"locations": [location], "max_results": 10})
    (trace,) = [trace for trace in found["traces"] if trace_id in trace["trace_id"]]
    assert "Where is order 7?" in trace["request_preview"]
    assert "On its way." in trace["response_preview"]
