"""Scores: of open and ended spans, of spans known by their ids only, and what is none."""

from __future__ import annotations

import decimal
import enum
import fractions

import numpy as np
import pytest

import spanbridge as sb


@pytest.fixture
def store(tmp_path):
    address = f"sqlite:///{tmp_path}/traces.db"
    sb.configure(service_name="app", store=address)
    return address


def scores(address):
    """Parent's name, score's name, value and reason."""
    sb.flush()
    with sb.open_store(address) as store:
        spans = [span for trace in store.list_traces() for span in store.get_trace(trace.trace_id).spans]
    names = {span.span_id: span.name for span in spans}
    return [
        (names.get(span.parent_span_id), span.name, span.attributes["score"], span.attributes.get("reason"))
        for span in spans
        if span.type == "scorer_run"
    ]


def test_scores_of_the_current_span_and_of_others(store):
    """Open, ended, and known by ids; numbers, labels and verdicts."""
    with sb.agent_run("run"):
        with sb.tool_call("search") as tool:
            sb.score("speed", 0.5, "slow")
        sb.score("found", True, span=tool)
    sb.score("mood", "friendly", trace_id=tool.trace_id, span_id=tool.span_id)

    assert scores(store) == [
        ("search", "speed", 0.5, "slow"),
        ("search", "found", True, None),
        ("search", "mood", "friendly", None),
    ]
    with sb.open_store(store) as opened:
        (trace,) = opened.list_traces()
        assert trace.name == "run"


class Verdict(enum.Enum):
    GOOD = "good"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float32(0.5), 0.5),
        (np.float64(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(1), True),
        (np.array(0.5), 0.5),
        (decimal.Decimal("0.5"), 0.5),
        (fractions.Fraction(1, 2), 0.5),
        (Verdict.GOOD, "good"),
    ],
)
def test_what_evaluations_compute_with(store, value, plain):
    """A score is a number, a switch or a label, whatever class it comes as."""
    with sb.agent_run("run"):
        sb.score("s", value)

    ((_, _, recorded, _),) = scores(store)
    assert (recorded, type(recorded)) == (plain, type(plain))


def test_a_score_of_a_hidden_span_is_its_visible_ancestors(store):
    with sb.agent_run("run"), sb.generic("helper", internal=True):
        sb.score("speed", 1)

    assert scores(store) == [("run", "speed", 1, None)]


def test_a_score_passes_the_filter(store):
    with sb.agent_run("run"):
        sb.score("safe", False, "it said sk-proj-" + "Q7" * 24)

    assert "Q7Q7" not in repr(scores(store))


@pytest.mark.parametrize("name", ["", " ", None, 7], ids=repr)
def test_what_is_no_name_of_a_score_is_counted(store, name):
    with sb.agent_run("run"):
        sb.score(name, 1)

    assert scores(store) == []
    assert sb.stats()["ignored"] == {"invalid_name": 1}


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63) + 1, 1e300], ids=str)
def test_a_large_number_stays_one(store, value):
    with sb.agent_run("run"):
        sb.score("size", value)

    assert scores(store) == [("run", "size", value, None)]


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), 2**64, "", " ", [1], Ellipsis], ids=repr)
def test_what_is_no_score_is_counted(store, value):
    with sb.agent_run("run"):
        sb.score("speed", value)

    assert scores(store) == []
    assert sb.stats()["ignored"] == {"invalid_value": 1}


def test_without_a_span_a_score_is_counted(store):
    sb.score("speed", 1)
    sb.score("speed", 1, trace_id="12", span_id="34")
    sb.score("speed", 1, trace_id="a" * 32)

    assert sb.stats()["spans"]["started"] == 0
    assert sb.stats()["ignored"] == {"invalid_span": 1, "invalid_span_id": 2}


def test_what_is_not_recorded_has_no_score(tmp_path):
    sb.configure(store=f"sqlite:///{tmp_path}/traces.db", sampling=0)
    with sb.agent_run("run"):
        sb.score("speed", 1)

    assert sb.stats()["spans"]["dropped"] == {"sample_rate": 1}
    assert sb.stats()["ignored"] == {}
    sb.shutdown()
    sb.score("speed", 1)
