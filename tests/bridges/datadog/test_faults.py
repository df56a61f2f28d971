"""Nothing leaks: whatever happens to spans, none of the native ones stays open, and every request is under its true parent."""

from __future__ import annotations

from typing import Any

import pytest

from bridges.datadog.conftest import Agent, Tree

pytest.importorskip("ddtrace")


@pytest.mark.parametrize(
    "count", [300, pytest.param(10_000, marks=pytest.mark.slow)], ids=["few traces", "ten thousand traces"]
)
def test_random_faults_leave_nothing_open(run: Any, agent: Agent, count: int):
    """Never ended, dropped, excluded, orphaned, cancelled, late: each native span ends, and ddtrace holds no trace back."""
    result = run("faults", str(count), "1")

    tree = Tree(agent.spans())
    bridge = result["before"]["bridge"]
    assert bridge["open"] == 0
    assert result["aggregated"] == 0
    assert bridge["released"].keys() == {"processor", "trace_ended"}
    assert 0 < bridge["released"]["trace_ended"] <= result["held"]
    assert result["stats"]["ignored"] == {}
    assert tree.misplaced() == []
    assert len(tree.requests()) > count / 50
    # Every span of ours arrived: those that no exit of spanbridge's gets too, bare.
    dropped = result["before"]["spans"]["dropped"]
    # Once each: ddtrace sends a payload again where the agent was slow to answer.
    ours = list({span["span_id"]: span for span in tree.spans if span["name"].startswith("spanbridge.")}.values())
    assert len(ours) == result["before"]["spans"]["started"] - dropped["excluded_type"]
    bare = [span for span in ours if span["meta"].get("spanbridge.released") == "processor"]
    assert len(bare) == dropped["processor"]
    assert {span["resource"] for span in bare} == {"spanbridge.generic"}
    if count > 1000:
        assert result["memory"][-1] < result["memory"][2] * 1.1, result["memory"]  # KiB, every thousand traces
