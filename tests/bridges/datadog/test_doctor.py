"""What `spanbridge doctor` says of the bridge."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bridges.datadog.conftest import Agent

pytest.importorskip("ddtrace")

AUTO = "import ddtrace.auto"


def test_all_is_well_and_what_is_switched_off(run: Any, agent: Agent):
    """Asking the agent is no trace, whatever the configuration."""
    configurations: list[tuple[list[str], dict[str, str]]] = [
        ([], {}),
        ([], {"DD_LLMOBS_ML_APP": ""}),
        ([], {"DD_LLMOBS_ENABLED": "false"}),
        ([], {"DD_LLMOBS_AGENTLESS_ENABLED": "true"}),
        (["datadog"], {}),
    ]
    well, no_ml_app, disabled, no_key, double = run("doctor", f"{AUTO}, requests", *map(json.dumps, configurations))

    assert {part: state for part, (state, _, _) in well.items()} == {
        "ddtrace": "on",
        "ddtrace's instrumentation": "on",
        "LLM Observability": "on",
        "Datadog agent": "on",
    }
    assert well["LLM Observability"][1] == "ml_app 'shop', through the agent"
    assert no_ml_app["LLM Observability"] == [
        "off",
        "no ml_app: spans go to APM only",
        "set DD_LLMOBS_ML_APP, or pass DatadogBridge(ml_app=...)",
    ]
    assert disabled["LLM Observability"][2] == "unset DD_LLMOBS_ENABLED"
    assert no_key["LLM Observability"][0] == "problem"
    assert "Datadog agent" not in no_key
    assert double["double emission"][0] == "problem"
    assert agent.spans() == []


def test_llm_observability_that_ddtrace_was_told_to_enable_itself(run: Any):
    """It is on, also where spanbridge knows no ml_app."""
    (findings,) = run("doctor", AUTO, DD_LLMOBS_ML_APP="", DD_LLMOBS_ENABLED="1", DD_SERVICE="svc")

    assert findings["LLM Observability"] == ["on", "ml_app 'svc': ddtrace was told so itself", ""]


def test_ddtrace_imported_too_late(run: Any):
    """What was imported before cannot be patched: it says so, by name."""
    (findings,) = run("doctor", "import requests, redis, ddtrace")

    state, why, fix = findings["ddtrace's instrumentation"]
    assert state == "problem"
    assert "redis, requests" in why
    assert fix.startswith("run the application under ddtrace-run")


def test_nobody_there(run: Any):
    (findings,) = run("doctor", AUTO, DD_TRACE_AGENT_URL="http://127.0.0.1:9")

    assert findings["Datadog agent"][0] == "problem"
    assert "http://127.0.0.1:9 does not answer" in findings["Datadog agent"][1]


@pytest.mark.parametrize("status", [200, *(pytest.param(status, marks=pytest.mark.slow) for status in (404, 503))])
def test_something_else_listens_where_the_agent_should(run: Any, bad_agent: Any, status: int):
    (findings,) = run("doctor", AUTO, DD_TRACE_AGENT_URL=bad_agent(status))
    state, why, _ = findings["Datadog agent"]

    assert state == "problem"
    assert why.endswith(f"answers ({status}), and does not pass LLM Observability on")


def test_without_ddtrace(run: Any):
    assert run("doctor", "sys.modules['ddtrace'] = None") == [
        {
            "ddtrace": [
                "problem",
                "cannot be imported: import of ddtrace halted; None in sys.modules",
                "pip install 'spanbridge[datadog]'",
            ]
        }
    ]
