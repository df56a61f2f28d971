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


def test_an_agent_that_is_sampled_out_does_not_cut_the_request_s_trace(run: Any):
    """Its calls go on with ddtrace's trace, as ddtrace decided; without one they belong to a trace that nobody samples."""
    result = run("sampled_out")

    names = ("traceparent", "x-datadog-trace-id", "x-datadog-parent-id", "x-datadog-sampling-priority")
    assert {name: result["inside"][name] for name in names} == {name: result["native"][name] for name in names}
    assert result["inside"]["traceparent"].endswith("-01")
    assert result["alone"]["traceparent"].endswith("-00")
