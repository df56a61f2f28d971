"""Beside ddtrace's own integration of a model's package: no token counts twice."""

from __future__ import annotations

from typing import Any

import pytest

from bridges.datadog.conftest import Agent, Tree

pytest.importorskip("ddtrace")


CALLS = [("llm", 15), ("embedding", 4), ("llm", 15)]
"""A generation, an embedding and a classifier's."""
INSIDE = {"ours": CALLS[:1], "embeds": CALLS[1:2], "judge": CALLS[2:]}


def summary(agent: Agent) -> dict[str, list[Any]]:
    """By the parent's name: kind and tokens of each event of a model call."""
    events = agent.events()
    names = {event["span_id"]: event["name"] for event in events}
    calls: dict[str, list[Any]] = {}
    for event in events:
        if event["meta"]["span"]["kind"] in ("llm", "embedding", "workflow"):
            parent = names[event["parent_id"]]
            calls.setdefault(parent, []).append((event["meta"]["span"]["kind"], event["metrics"].get("total_tokens")))
    return calls


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("drop", {"agent": CALLS, "tool that thinks": CALLS[:1]}),
        ("demote", {"agent": [("workflow", None)] * 3, "tool that thinks": CALLS[:1], **INSIDE}),
        ("keep", {"agent": CALLS, "tool that thinks": CALLS[:1], **INSIDE}),
    ],
)
def test_one_call_is_one_call(run: Any, agent: Agent, policy: str, expected: dict[str, list[Any]]):
    """In APM the integration's span and its request stay, under ours."""
    run("native_llm", policy)

    tree = Tree(agent.spans())
    assert summary(agent) == expected
    native = [span for span in tree.spans if span["name"] == "openai.request"]
    assert [tree.parent_of(span) for span in native] == ["ours", "tool that thinks", "embeds", "judge"]


@pytest.mark.parametrize(
    ("policy", "known", "expected"),
    [
        pytest.param("drop", "tokens", {"agent": CALLS[:1]}, marks=pytest.mark.slow),
        pytest.param("drop", "nothing", {"agent": [("llm", None)]}, marks=pytest.mark.slow),
        ("demote", "tokens", {"agent": CALLS[:1]}),
        pytest.param("demote", "nothing", {"agent": [("llm", None)], "ours": CALLS[:1]}, marks=pytest.mark.slow),
        pytest.param("keep", "tokens", {"agent": CALLS[:1], "ours": CALLS[:1]}, marks=pytest.mark.slow),
    ],
)
def test_a_stream_that_is_read_after_its_generation(
    run: Any, agent: Agent, policy: str, known: str, expected: dict[str, list[Any]]
):
    """Ours has been sent by then. To demote it is too late: the integration's stays only where ours had no tokens."""
    run("native_llm", policy, known)

    assert summary(agent) == expected


@pytest.mark.parametrize("policy", ["drop", "demote", "keep"])
def test_what_the_application_opens_itself_is_its_own(run: Any, agent: Agent, policy: str):
    """It stays in LLM Observability with all below it, takes ours its kind and tokens under no policy, and no mark is left on it."""
    run("native_own", policy)

    events = {event["name"]: event for event in agent.events()}
    names = {event["span_id"]: event["name"] for event in events.values()}
    kinds = ("llm", "tool", "retrieval", "workflow", "task", "agent", "embedding")
    parents = {name: names.get(event["parent_id"]) for name, event in events.items()}
    assert parents == {
        "agent": None,
        "ours": "agent",
        "spanbridge.tool_call": "ours",  # what is left of the one that was filtered out
        **{f"own {kind}": "ours" for kind in kinds},
        **{f"inside {kind}": f"own {kind}" for kind in kinds},
    }
    assert [events[f"own {kind}"]["meta"]["span"]["kind"] for kind in kinds] == list(kinds)
    assert events["ours"]["meta"]["span"]["kind"] == "llm"
    assert events["ours"]["metrics"]["total_tokens"] == 15
    assert not any("spanbridge.duplicate" in event["tags"] for event in events.values())


def test_no_event_names_the_agent_by_our_operation(run: Any, agent: Agent):
    """Its name is not known before it ends: ddtrace's attribution has its id only."""
    run("native_own", "keep")

    attributions = {event["name"]: event["meta"].get("agent_attribution") for event in agent.events()}
    assert "spanbridge." not in str(list(attributions.values()))
    if attributions["own tool"] is not None:  # not in older versions
        assert attributions["inside agent"]["pagent_name"] == "own agent"
        (run_of_agent,) = [event for event in agent.events() if event["name"] == "agent"]
        assert attributions["own tool"]["pagent_span_id"] == run_of_agent["span_id"]


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
