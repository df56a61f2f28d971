"""What `spanbridge doctor` says of the bridge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bridges.datadog.conftest import Agent

pytest.importorskip("ddtrace")

AUTO = "import ddtrace.auto"


def states(findings: dict[str, list[str]]) -> dict[str, str]:
    return {part: state for part, (state, _, _) in findings.items()}


def test_all_is_well(run: Any, agent: Agent):
    """And asking the agent is no trace."""
    findings = run("doctor", f"{AUTO}, requests")

    assert states(findings) == {
        "ddtrace": "on",
        "ddtrace's instrumentation": "on",
        "LLM Observability": "on",
        "Datadog agent": "on",
    }
    assert findings["LLM Observability"][1] == "ml_app 'shop', through the agent"
    assert agent.spans() == []


def test_llm_observability_that_ddtrace_was_told_to_enable_itself(run: Any):
    """It is on, also where spanbridge knows no ml_app."""
    findings = run("doctor", AUTO, DD_LLMOBS_ML_APP="", DD_LLMOBS_ENABLED="1", DD_SERVICE="svc")

    assert findings["LLM Observability"] == ["on", "ml_app 'svc': ddtrace was told so itself", ""]


def test_ddtrace_imported_too_late(run: Any):
    """What was imported before cannot be patched: it says so, by name."""
    findings = run("doctor", "import requests, redis, ddtrace")

    state, why, fix = findings["ddtrace's instrumentation"]
    assert state == "problem"
    assert "redis, requests" in why
    assert fix.startswith("run the application under ddtrace-run")


def test_what_is_off_or_missing(run: Any):
    """No agent, no ml_app."""
    findings = run("doctor", AUTO, DD_LLMOBS_ML_APP="", DD_TRACE_AGENT_URL="http://127.0.0.1:9")

    assert findings["LLM Observability"] == [
        "off",
        "no ml_app: spans go to APM only",
        "set DD_LLMOBS_ML_APP, or pass DatadogBridge(ml_app=...)",
    ]
    assert findings["Datadog agent"][0] == "problem"
    assert "http://127.0.0.1:9 does not answer" in findings["Datadog agent"][1]


@pytest.mark.parametrize("status", [200, 404, 503])
def test_something_else_listens_where_the_agent_should(run: Any, bad_agent: Any, status: int):
    state, why, _ = run("doctor", AUTO, DD_TRACE_AGENT_URL=bad_agent(status))["Datadog agent"]

    assert state == "problem"
    assert why.endswith(f"answers ({status}), and does not pass LLM Observability on")


def test_disabled_by_its_variable(run: Any):
    assert run("doctor", AUTO, DD_LLMOBS_ENABLED="false")["LLM Observability"][2] == "unset DD_LLMOBS_ENABLED"


def test_agentless_without_a_key(run: Any):
    findings = run("doctor", AUTO, DD_LLMOBS_AGENTLESS_ENABLED="true")

    assert findings["LLM Observability"][0] == "problem"
    assert "Datadog agent" not in findings


def test_without_ddtrace(run: Any):
    assert run("doctor", "sys.modules['ddtrace'] = None") == {
        "ddtrace": [
            "problem",
            "cannot be imported: import of ddtrace halted; None in sys.modules",
            "pip install 'spanbridge[datadog]'",
        ]
    }


def test_double_emission(run: Any):
    assert run("doctor", AUTO, "datadog")["double emission"][0] == "problem"
