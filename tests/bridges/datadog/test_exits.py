"""How a process ends, and what had ended by then: it arrives, and what was open ends in a known state."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from bridges.datadog.conftest import Agent, Tree

pytest.importorskip("ddtrace")


@pytest.mark.parametrize(
    ("how", "status"),
    [
        pytest.param("return", 0, marks=pytest.mark.slow),
        ("exception", 1),
        ("shutdown", 0),
        ("sigterm", -signal.SIGTERM),
    ],
)
def test_an_open_agent_run_is_sent_as_abandoned(run: Any, agent: Agent, how: str, status: int):
    """With what was recorded of it, and everything below and above it."""
    run("exits", how, status=status)

    tree = Tree(agent.spans())
    assert tree.misplaced() == []
    assert {"request", "open", "search"} <= {span["resource"] for span in tree.spans}
    assert tree["open"]["meta"]["error.type"] == "abandoned"
    assert tree["open"]["meta"]["spanbridge.status"] == "abandoned"
    events = {event["name"]: event for event in agent.events()}
    assert events["open"]["meta"]["input"]["value"] == "what was asked"
    assert events["search"]["parent_id"] == events["open"]["span_id"]


def test_a_process_that_ends_inside_of_a_request(run: Any, agent: Agent):
    """What had ended arrives, although ddtrace's own span around it never ends."""
    run("exits", "in the request")

    tree = Tree(agent.spans())
    assert tree.misplaced() == []
    assert {"done", "search", "GET /in/search"} == {span["resource"] for span in tree.spans}
    assert {event["name"] for event in agent.events()} == {"done", "search"}


@pytest.mark.parametrize("how", ["flushed in a loop", "left alone in a loop"])
def test_what_ended_below_a_span_that_stays_open(run: Any, agent: Agent, how: str):
    """It arrives while that goes on: with a flush, and after a while without."""
    ended = {"done", "search", "GET /in/search"}

    run("exits", how, until=lambda: ended <= {span["resource"] for span in agent.spans()})

    tree = Tree(agent.spans())
    assert {span["resource"] for span in tree.spans} == ended
    assert tree.misplaced() == []
    assert {event["name"] for event in agent.events()} == {"done", "search"}


def test_a_flush_while_a_span_ends(run: Any, agent: Agent):
    """It takes no span before all of it is there, and none twice."""
    run("exits", "flushed while a span ends")

    tree = Tree(agent.spans())
    assert sorted(span["resource"] for span in tree.spans) == ["GET /in/search", "done", "request", "search"]
    assert tree.misplaced() == []
    assert {event["name"] for event in agent.events()} == {"done", "search"}


def test_a_stuck_agent_does_not_hold_back_its_web_request(run: Any, agent: Agent):
    """The request and its calls arrive while the agent run is open; it dies with the process, as after a kill."""

    def resources() -> set[str]:
        return {span["resource"] for span in agent.spans()}

    run("exits", "stuck", until=lambda: "request" in resources())

    assert resources() == {"request", "GET /in/request"}


@pytest.mark.parametrize(
    "how", ["fork", pytest.param("fork that exits", marks=pytest.mark.slow), "fork that exits inside of its span"]
)
def test_a_forked_child_has_its_own(run: Any, agent: Agent, how: str):
    """It ends what it started, under the parent's span and with what was recorded, and nothing of the parent's."""
    still_open = run("exits", how)

    tree = Tree(agent.spans())
    assert still_open == (0 if how == "fork" else None)
    assert tree.misplaced() == []
    assert tree.parent_of(tree["in child"]) == "parent"
    assert sorted(span["resource"] for span in tree.spans if "http.url" not in span["meta"]) == [
        "in child",
        "parent",
        "request",
    ]
    events = {event["name"]: event for event in agent.events()}
    assert events.keys() == {"in child", "parent"}
    assert events["in child"]["parent_id"] == events["parent"]["span_id"]


@pytest.mark.parametrize(
    "missing",
    [
        "_traces",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("_span_aggregator", "_lock", "on_span_finish")),
    ],
)
def test_a_ddtrace_that_buffers_in_another_way(run: Any, agent: Agent, missing: str):
    """What is complete arrives, one line says that nothing else does, and the bridge leaves ddtrace as it was."""
    result = run("unknown_buffer", missing)

    tree = Tree(agent.spans())
    assert tree.misplaced() == []
    assert {"first", "second", "request"} <= {span["resource"] for span in tree.spans}
    assert run.log.count("buffers spans in another way") == 1
    assert (result["left"], result["ignored"]) == ([], {})
