"""Tags in APM and in LLM Observability: all of the application's, and none in the place of Datadog's own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bridges.datadog.conftest import Agent

pytest.importorskip("ddtrace")

RESERVED = (
    *("env", "Version", "service", "session_id", "ml_app", "error", "language", "source", "host", "span_id"),
    *("_dd.p.dm", "_sampling_priority_v1", "manual.drop", "manual.keep", "service.name", "resource.name", "span.kind"),
    *(
        "error.type",
        "http.status_code",
        "sampling.priority",
        "llmobs_trace_id",
        "spanbridge_span_id",
        "spanbridge.type",
    ),
)


def test_tags_take_no_place_of_datadog_s_own(run: Any, agent: Agent):
    """They are there under another name, and what Datadog files the span by is as without them; others are on both."""
    several = ["team.name:blue", "vip"], ["team.name:blue", "vip", *(f"{name}:evil" for name in RESERVED)]
    run("tags", *map(json.dumps, several), DD_ENV="prod", DD_VERSION="7")
    (plain_span, span), (plain_event, event) = agent.spans(), agent.events()

    added = {f"tag.{name}": "evil" for name in RESERVED}
    changing = {"runtime-id", "_dd.p.tid", "llmobs_trace_id", "llmobs_parent_id", "spanbridge_span_id"}
    for tags, plain in ((span["meta"], plain_span["meta"]), (event["tags"], plain_event["tags"])):
        assert {"team.name": "blue", "user.plan": "pro", "vip": "true"}.items() <= tags.items()
        assert {name: tags[name] for name in added} == added
        assert {name for name in tags if name not in added} == set(plain)
        assert {name: tags[name] for name in plain if name not in changing} == {
            name: value for name, value in plain.items() if name not in changing
        }
    assert span["metrics"]["_sampling_priority_v1"] == plain_span["metrics"]["_sampling_priority_v1"]
    assert (span["service"], span.get("error", 0), event["session_id"]) == ("bot", 0, "s1")
