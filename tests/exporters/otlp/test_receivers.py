"""Real receivers: rotel, a collector, and Datadog's test agent, over HTTP and gRPC. What comes out behind them is what was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import spanbridge as sb
from otlp_receivers import ddapm_test_agent, http_receiver, rotel
from spanbridge.conventions.reading import read_span
from spanbridge_otlp import OTLPExporter

if TYPE_CHECKING:
    from collections.abc import Iterator


def one_turn() -> None:
    """A turn of an agent, with what spans can have."""
    with sb.agent_run(
        "support",
        input="Where is order 7?",
        agent_id="support-v3",
        session_id="s1",
        tags=["vip"],
        metadata={"n": [1, None]},
    ) as run:
        with sb.model_generation(
            model="gpt-5.4",
            provider="openai",
            input=[{"role": "user", "content": "Where is order 7? \u2603"}],
            parameters={"temperature": 0, "stop_sequences": ["."]},
        ) as generation:
            generation.set(
                output={"role": "assistant", "content": None, "tool_calls": []},
                usage=sb.Usage(812, 96, {"cache_read": 12}),
                finish_reason="tool_calls",
            )
        with pytest.raises(LookupError), sb.tool_call("search", input={"q": "order 7", "deep": {"er": []}}) as tool:
            tool.event("asked", {"shard": 3, "list": []})
            raise LookupError("no such index") from KeyError("7")
        with sb.mcp_tool_call("track", mcp_server="parcels", links=[run]) as track:
            track.set(output=["a", "b"])
        run.set(output="On its way.")


@pytest.fixture(params=["http/protobuf", "grpc"])
def collector(request, tmp_path) -> Iterator[tuple]:
    """A running rotel, and the receiver that it sends on to."""
    with http_receiver() as behind, rotel(behind, tmp_path) as running:
        endpoint = running.http_endpoint if request.param == "http/protobuf" else running.grpc_endpoint
        yield OTLPExporter(endpoint=endpoint, protocol=request.param), behind


def test_through_a_collector(collector, configured, tmp_path) -> None:
    """Whatever a trace holds goes through a collector and comes out as the same records, with the ids of the store."""
    exporter, behind = collector
    memory = configured(exporter)

    one_turn()
    assert sb.flush(timeout=20)

    recorded = {record.span_id: record.to_dict() for record in memory.wait_for(4)}
    arrived = {record.span_id: record.to_dict() for record in map(read_span, behind.wait_for(4))}
    assert arrived == recorded
    (root,) = sb.open_store(f"sqlite:///{tmp_path / 'traces.db'}").list_traces()
    stored = sb.open_store(f"sqlite:///{tmp_path / 'traces.db'}").get_trace(root.trace_id)
    assert {span.span_id for span in stored.spans} == set(arrived)


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    """A running ddapm-test-agent."""
    with ddapm_test_agent(tmp_path_factory.mktemp("ddapm")) as running:
        yield running


def test_datadogs_test_agent(agent, protocol, configured) -> None:
    """Datadog's own receiver of OTLP reads the spans as they were meant."""
    endpoint = agent.http_endpoint if protocol == "http/protobuf" else agent.grpc_endpoint
    configured(OTLPExporter(endpoint=endpoint, protocol=protocol))

    one_turn()
    assert sb.flush(timeout=20)

    observability = sb.stats()["exporters"]["otlp"]
    assert observability["delivered"] == 4
    text = str(agent.traces())
    for expected in ("invoke_agent support", "chat gpt-5.4", "execute_tool search", "tools/call track", "LookupError"):
        assert expected in text
