"""Generators, streams, tasks, threads, late and explicit parents: what is called inside a span is its child, and nothing stays active."""

from __future__ import annotations

from typing import Any

import pytest

from bridges.datadog.conftest import Agent, Tree

pytest.importorskip("ddtrace")


@pytest.mark.parametrize("patched", [True, False], ids=["patched", "unpatched"])
def test_every_request_is_under_its_true_parent(run: Any, agent: Agent, patched: bool):
    """Whether ddtrace's own instrumentation of tasks and pools is on or off; in APM, in LLM Observability and in the store alike."""
    switches = {} if patched else {"DD_TRACE_ASYNCIO_ENABLED": "false", "DD_TRACE_FUTURES_ENABLED": "false"}

    result = run("contexts", **switches)

    tree = Tree(agent.spans())
    assert tree.misplaced() == []
    assert len(tree.requests()) == 71
    assert result["left"] is None
    assert result["stats"]["bridge"]["open"] == 0
    assert result["stats"]["bridge"]["released"] == {}
    assert "bridge_error" not in result["stats"]["ignored"]
    # The parents of our own spans are the same everywhere.
    ours = {int(span["span_id"], 16): span for span in result["spans"]}
    apm = {span["span_id"]: span for span in tree.spans if span["span_id"] in ours}
    assert apm.keys() == ours.keys()
    for span_id, span in ours.items():
        parent = span["parent_span_id"] or span["external_parent_span_id"]
        assert apm[span_id]["parent_id"] == (int(parent, 16) if parent else 0), span["name"]
    for event in agent.events():
        parent = ours[int(event["span_id"])]["parent_span_id"]
        assert event["parent_id"] == (str(int(parent, 16)) if parent else "undefined"), event["name"]


def test_configurations_leave_nothing_behind(run: Any, agent: Agent):
    """Neither those that were replaced, nor one beside the default; ddtrace has its own provider again at the end."""
    result = run("reconfigured")

    assert Tree(agent.spans()).misplaced() == []
    assert result["depths"] == [1, 1]
    before, after = result["providers"]
    assert before == after
