"""Beside ddtrace's own integration of a model's package: no token counts twice."""

from __future__ import annotations

from typing import Any

import pytest

from bridges.datadog.conftest import Agent, Tree

pytest.importorskip("ddtrace")


POLICIES = ("drop", "demote", "keep")
CALLS = [("llm", 15), ("embedding", 4), ("llm", 15)]
"""A generation, an embedding and a classifier's."""
INSIDE = {"ours": CALLS[:1], "embeds": CALLS[1:2], "judge": CALLS[2:]}
OURS = CALLS[:1]


def by_trace(agent: Agent) -> dict[str, list[dict[str, Any]]]:
    """The events of each trace, by the name of its root."""
    traces: dict[str, list[dict[str, Any]]] = {}
    for event in agent.events():
        traces.setdefault(event["trace_id"], []).append(event)
    return {events[0]["name"]: events for events in traces.values()}


def summary(root: str, events: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """By the parent's name: kind and tokens of each event of a model call."""
    names = {event["span_id"]: "agent" if event["name"] == root else event["name"] for event in events}
    calls: dict[str, list[Any]] = {}
    for event in events:
        if event["meta"]["span"]["kind"] in ("llm", "embedding", "workflow"):
            parent = names[event["parent_id"]]
            calls.setdefault(parent, []).append((event["meta"]["span"]["kind"], event["metrics"].get("total_tokens")))
    return calls


def test_one_call_is_one_call(run: Any, agent: Agent):
    """In APM the integration's span and its request stay, under ours.

    A stream that is read after its generation: ours has been sent by then. To demote it is too late, and the integration's
    stays only where ours had no tokens.
    """
    run("native_llm")

    assert {root: summary(root, events) for root, events in by_trace(agent).items()} == {
        "drop: calls": {"agent": CALLS, "tool that thinks": OURS},
        "drop: stream with tokens": {"agent": OURS},
        "drop: stream without": {"agent": [("llm", None)]},
        "demote: calls": {"agent": [("workflow", None)] * 3, "tool that thinks": OURS, **INSIDE},
        "demote: stream with tokens": {"agent": OURS},
        "demote: stream without": {"agent": [("llm", None)], "ours": OURS},
        "keep: calls": {"agent": CALLS, "tool that thinks": OURS, **INSIDE},
        "keep: stream with tokens": {"agent": OURS, "ours": OURS},
        "keep: stream without": {"agent": [("llm", None)], "ours": OURS},
    }
    tree = Tree(agent.spans())
    native = [span for span in tree.spans if span["name"] == "openai.request"]
    assert [tree.parent_of(span) for span in native] == [
        "ours",
        "tool that thinks",
        "embeds",
        "judge",
        "ours",
        "ours",
    ] * 3


def test_what_the_application_opens_itself_is_its_own(run: Any, agent: Agent):
    """It stays in LLM Observability with all below it, takes ours its kind and tokens under no policy, and no mark is left on it.

    The agent's name is not known before it ends: ddtrace's attribution has its id only, and never our operation.
    """
    run("native_own")

    traces = by_trace(agent)
    assert set(traces) == set(POLICIES)
    for policy in POLICIES:
        events = {event["name"]: event for event in traces[policy]}
        names = {event["span_id"]: event["name"] for event in events.values()}
        kinds = ("llm", "tool", "retrieval", "workflow", "task", "agent", "embedding")
        parents = {name: names.get(event["parent_id"]) for name, event in events.items()}
        assert parents == {
            policy: None,
            "ours": policy,
            "spanbridge.tool_call": "ours",  # what is left of the one that was filtered out
            **{f"own {kind}": "ours" for kind in kinds},
            **{f"inside {kind}": f"own {kind}" for kind in kinds},
        }
        assert [events[f"own {kind}"]["meta"]["span"]["kind"] for kind in kinds] == list(kinds)
        assert events["ours"]["meta"]["span"]["kind"] == "llm"
        assert events["ours"]["metrics"]["total_tokens"] == 15
        assert not any("spanbridge.duplicate" in event["tags"] for event in events.values())
        attributions = {name: event["meta"].get("agent_attribution") for name, event in events.items()}
        assert "spanbridge." not in str(list(attributions.values()))
        if attributions["own tool"] is not None:  # not in older versions
            assert attributions["inside agent"]["pagent_name"] == "own agent"
            assert attributions["own tool"]["pagent_span_id"] == events[policy]["span_id"]


def test_nested_calls_are_one_only_where_one_is_a_part_of_the_other(run: Any, agent: Agent):
    """A step of a generation has its tokens; a generation, or a step, inside of another one is a call of its own."""
    run("nested_calls")

    events = {event["name"]: event for event in agent.events()}
    told = {
        name: (event["meta"]["span"]["kind"], event["metrics"].get("total_tokens")) for name, event in events.items()
    }
    depths = {"generation": 0, "step": 1, "inference": 2}
    for outer, outer_depth in depths.items():
        for inner, inner_depth in depths.items():
            expected = ("workflow", None) if inner_depth > outer_depth else ("llm", 30)
            assert (outer, inner, told[f"{outer} around {inner}"]) == (outer, inner, expected)
            assert (outer, inner, told[f"{inner} in {outer}"]) == (outer, inner, ("llm", 3))
