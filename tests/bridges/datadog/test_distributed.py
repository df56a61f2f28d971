"""Two services show one tree, in APM and in LLM Observability, whoever carries the context."""

from __future__ import annotations

from typing import Any

import pytest

from bridges.datadog.conftest import Agent, Tree

pytest.importorskip("ddtrace")

_ONLY_OURS = {"DD_TRACE_REQUESTS_ENABLED": "false", "DD_TRACE_FLASK_ENABLED": "false"}


@pytest.mark.parametrize("how", ["ddtrace", "spanbridge"])
def test_two_services_show_one_tree(run: Any, agent: Agent, how: str):
    """Both of the callee's agents are in the caller's trace, and in LLM Observability its children."""
    result = run("distributed", how, **(_ONLY_OURS if how == "spanbridge" else {}))

    tree = Tree(agent.spans())
    events = {event["name"]: event for event in agent.events()}
    assert result["trace_id"] == result["caller"]
    assert tree.misplaced() == []
    assert {tree[name]["trace_id"] for name in ("caller", "first", "second")} == {int(result["caller"][16:], 16)}
    assert len({event["trace_id"] for event in events.values()}) == 1
    assert {events[name]["parent_id"] for name in ("first", "second")} == {events["caller"]["span_id"]}
    if how == "spanbridge":
        caller_id = int(result["caller_id"], 16)
        assert result["headers"]["traceparent"].split("-")[1:3] == [result["caller"], result["caller_id"]]
        assert result["headers"]["x-datadog-parent-id"] == str(caller_id)
        assert {tree[name]["parent_id"] for name in ("first", "second")} == {caller_id}
