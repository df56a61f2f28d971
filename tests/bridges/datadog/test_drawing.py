"""The reference's drawing, against the real agent: one tree in the store, in APM and in LLM Observability, and no secret in any."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from bridges.datadog.conftest import Agent, Tree, free_port, wait_for_port

pytest.importorskip("ddtrace")


@pytest.fixture(scope="module")
def redis_port():
    """A redis server of our own."""
    port = free_port()
    process = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def test_the_drawing(run: Any, agent: Agent, redis_port: int):
    """Every foreign span is under its true parent, ids agree everywhere, and each kind has what it is to have."""
    result = run("drawing", str(redis_port))

    tree = Tree(agent.spans())
    spans = {span["name"]: span for span in result["spans"]}
    assert result["stats"]["bridge"] == {"name": "datadog", "open": 0, "finished": 7, "released": {}}
    # Where foreign spans are.
    assert tree.misplaced() == []
    assert len(tree.requests()) == 5
    assert tree.parent_of(tree["support"]) == "/chat"
    assert tree.parent_of(tree["SELECT 7"]) == "search"
    assert tree.parent_of(next(span for span in tree.spans if span["service"] == "redis")) == "search"
    assert [span for span in tree.spans if span["name"].startswith("sqlite")] == [tree["SELECT 7"]]
    # Ids.
    for name, span in spans.items():
        assert int(span["span_id"], 16) == tree[name]["span_id"]
        assert int(span["trace_id"][16:], 16) == tree[name]["trace_id"]
    root = spans["support"]
    assert (root["parent_span_id"], int(root["external_parent_span_id"], 16)) == (None, tree["support"]["parent_id"])
    assert [name for name, _ in result["roots"]] == ["support"]
    # What APM shows.
    assert tree["support"]["name"] == "spanbridge.agent_run"
    assert tree["support"]["service"] == "support-bot"
    assert tree["search"]["start"] == spans["search"]["started_at"]
    assert tree["search"]["start"] + tree["search"]["duration"] == spans["search"]["ended_at"]
    refund = tree["refund"]
    assert refund["error"] == 1
    assert refund["meta"]["error.type"] == "PermissionError"
    assert "raise PermissionError" in refund["meta"]["error.stack"]
    # What LLM Observability shows.
    events = {event["name"]: event for event in agent.events()}
    kinds = {name: event["meta"]["span"]["kind"] for name, event in events.items()}
    assert kinds == {
        "support": "agent",
        "guard": "task",
        "chat gpt-5.4": "llm",
        "search": "tool",
        "rag_embedding embed-3": "embedding",
        "recall": "retrieval",
        "refund": "tool",
    }
    assert {event["span_id"] for event in events.values()} == {str(int(span["span_id"], 16)) for span in spans.values()}
    assert events["support"]["parent_id"] == "undefined"
    assert {event["parent_id"] for name, event in events.items() if name != "support"} == {events["support"]["span_id"]}
    assert len({event["trace_id"] for event in events.values()}) == 1
    assert {event["session_id"] for event in events.values()} == {"s1"}
    chat = events["chat gpt-5.4"]
    assert chat["meta"]["output"]["messages"] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"name": "search", "arguments": {"q": "order 7"}, "tool_id": "c1", "type": "function"}],
        }
    ]
    assert [message["role"] for message in chat["meta"]["input"]["messages"]] == ["system", "user"]
    assert (chat["meta"]["model_name"], chat["meta"]["model_provider"]) == ("gpt-5.4", "openai")
    assert chat["meta"]["metadata"] == {"temperature": 0.2, "response_model": "gpt-5.4-2026"}
    assert chat["meta"]["tool_definitions"][0]["name"] == "search"
    assert {key: chat["metrics"][key] for key in chat["metrics"] if key != "total_cost"} == {
        "input_tokens": 812,
        "output_tokens": 96,
        "total_tokens": 908,
        "cache_read_input_tokens": 12,
        "reasoning_output_tokens": 0,
    }
    assert events["rag_embedding embed-3"]["meta"]["input"]["documents"] == [{"text": "order 7"}]
    assert events["rag_embedding embed-3"]["meta"]["output"]["value"] == "[1 embedding(s) returned with size 3]"
    assert events["recall"]["meta"]["output"]["documents"] == [{"text": "order 7", "score": 0.5, "id": "7"}]
    assert events["support"]["meta"]["output"]["value"] == "It is on its way."
    tags = events["support"]["tags"]
    assert {
        key: tags[key] for key in ("vip", "team", "tenant_id", "user.plan", "usr.id", "env", "service", "ml_app")
    } == {
        "vip": "true",
        "team": "blue",
        "tenant_id": "t1",
        "user.plan": "pro",
        "usr.id": "u1",
        "env": "prod",
        "service": "support-bot",
        "ml_app": "shop",
    }
    assert "tenant_id" not in events["support"]["meta"]["metadata"]
    assert events["refund"]["status"] == "error"
    assert events["refund"]["tags"]["error_type"] == "PermissionError"
    # Nothing leaves unredacted.
    assert result["secret"] not in agent.everything()
