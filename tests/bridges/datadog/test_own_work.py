"""What spanbridge and its exporters do themselves is no trace of the application's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bridges.datadog.conftest import Tree

if TYPE_CHECKING:
    from bridges.datadog.conftest import Agent

pytest.importorskip("ddtrace")


def test_exporters_make_no_spans(run: Any, agent: Agent):
    """Also where they send with a client that ddtrace instruments; the application's own requests stay."""
    result = run("own_work")

    tree = Tree(agent.spans())
    assert len(result["sent"]) == 3
    assert len(tree.requests()) == 3
    assert tree.misplaced() == []
    assert not any("/own/work" in str(span) for span in tree.spans)
