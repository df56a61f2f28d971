"""Scores arrive as evaluations of the span that they judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bridges.datadog.conftest import Agent

pytest.importorskip("ddtrace")


def test_scores_are_evaluations(run: Any, agent: Agent):
    """Redacted, joined to the event of LLM Observability, and no spans of APM.

    What does not know the trace's id in LLM Observability names a tag that only that span's event has.
    """
    result = run("scores")
    judged = next(span for span in result["spans"] if span["name"] == "run")
    run("scores", "later", judged["trace_id"], judged["span_id"])

    (event,) = agent.events()
    evaluations = {evaluation["label"]: evaluation for evaluation in agent.evaluations()}
    from_elsewhere = [evaluations.pop(label) for label in ("after another configuration", "from another process")]
    assert {label: evaluation["metric_type"] for label, evaluation in evaluations.items()} == {
        "help_fulness": "score",
        "found": "boolean",
        "mood": "categorical",
    }
    assert evaluations["help_fulness"]["score_value"] == 0.5
    assert evaluations["found"]["boolean_value"] is False
    assert evaluations["mood"]["categorical_value"] == "friendly"
    assert "Q7Q7" not in agent.everything()
    joins = [evaluation["join_on"]["span"] for evaluation in evaluations.values()]
    assert joins == [{"span_id": event["span_id"], "trace_id": event["trace_id"]}] * 3
    for evaluation in from_elsewhere:
        tag = evaluation["join_on"]["tag"]
        assert event["tags"][tag["key"]] == tag["value"] == judged["span_id"]
    assert {span["resource"] for span in agent.spans()} == {"request", "run"}
    assert len(result["spans"]) == 5
