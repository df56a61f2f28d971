"""Beside ddtrace's own integration of a model's package: no token counts twice."""

from __future__ import annotations

from typing import Any

import pytest

from bridges.datadog.conftest import Agent, Tree

pytest.importorskip("ddtrace")


def summary(agent: Agent) -> dict[str, list[Any]]:
    """By the parent's name: kind and tokens of each event of a model call."""
    events = agent.events()
    names = {event["span_id"]: event["name"] for event in events}
    calls: dict[str, list[Any]] = {}
    for event in events:
        if event["meta"]["span"]["kind"] in ("llm", "workflow"):
            parent = names[event["parent_id"]]
            calls.setdefault(parent, []).append((event["meta"]["span"]["kind"], event["metrics"].get("total_tokens")))
    return calls


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("drop", {"agent": [("llm", 15)], "tool that thinks": [("llm", 15)]}),
        ("demote", {"agent": [("workflow", None)], "ours": [("llm", 15)], "tool that thinks": [("llm", 15)]}),
        ("keep", {"agent": [("llm", 15)], "ours": [("llm", 15)], "tool that thinks": [("llm", 15)]}),
    ],
)
def test_one_call_is_one_call(run: Any, agent: Agent, policy: str, expected: dict[str, list[Any]]):
    """In APM the integration's span and its request stay, under ours."""
    run("native_llm", policy)

    tree = Tree(agent.spans())
    assert summary(agent) == expected
    native = [span for span in tree.spans if span["name"] == "openai.request"]
    assert [tree.parent_of(span) for span in native] == ["ours", "tool that thinks"]
