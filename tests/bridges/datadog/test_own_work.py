"""What spanbridge and its exporters do themselves is no trace of the application's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bridges.datadog.conftest import Tree

if TYPE_CHECKING:
    from bridges.datadog.conftest import Agent

pytest.importorskip("ddtrace")


def test_exporters_and_processors_make_no_spans(run: Any, agent: Agent):
    """On whatever thread they work, and whatever filters the application has; its own requests stay."""
    result = run("own_work")

    tree = Tree(agent.spans())
    assert len(result["sent"]) >= 3 * len(("process", "export", "flush"))
    assert len(tree.requests()) == 3
    assert tree.misplaced() == []
    assert "agent 2" in result["seen"]
    assert not any("/own/" in str(span) for span in (*tree.spans, *result["seen"]))
