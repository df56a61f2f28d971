"""Whatever is wrong around it: the application runs on, the store has everything, and one line says what is off."""

from __future__ import annotations

from typing import Any

import pytest

import spanbridge as sb
from bridges.datadog.conftest import Agent, free_port
from spanbridge.errors import BridgeUnavailableError, ConfigurationError

pytest.importorskip("ddtrace")


@pytest.mark.parametrize(
    "status", ["refused", *(pytest.param(status, marks=pytest.mark.slow) for status in (None, 400, 413, 503))], ids=str
)
def test_an_agent_that_does_not_work(run: Any, bad_agent: Any, status: Any):
    """None that refuses, stalls or answers with an error keeps the application waiting for longer than it said it would."""
    url = f"http://127.0.0.1:{free_port()}" if status == "refused" else bad_agent(status)

    result = run("minimal", DD_TRACE_AGENT_URL=url)

    assert result["names"] == ["run", "search"]
    assert result["flush_s"] < 15  # two seconds were given; ddtrace alone would wait for twenty
    assert not result["flushed"] or status is not None  # who stalls has not got it
    assert result["stats"]["bridge"]["open"] == 0


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"DD_LLMOBS_ML_APP": ""}, "LLM Observability is off (no ml_app): spans go to APM only; set DD_LLMOBS_ML_APP"),
        pytest.param(
            {"DD_LLMOBS_ENABLED": "false"},
            "LLM Observability is off (DD_LLMOBS_ENABLED=false): spans go to APM only",
            marks=pytest.mark.slow,
        ),
        (
            {"DD_LLMOBS_AGENTLESS_ENABLED": "1"},
            "LLM Observability is off, spans go to APM only: ddtrace says DD_API_KEY",
        ),
    ],
    ids=["no ml_app", "disabled", "no key"],
)
def test_without_llm_observability_spans_go_to_apm(run: Any, agent: Agent, variables: dict[str, str], line: str):
    """As plain spans, and the log says how to turn it on."""
    result = run("minimal", **variables)

    assert result["names"] == ["run", "search"]
    assert {span["resource"]: span["name"] for span in agent.spans()} == {
        "run": "spanbridge.agent_run",
        "search": "spanbridge.tool_call",
    }
    assert agent.events() == []
    assert run.log.count(line) == 1


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DD_LLMOBS_ENABLED", "perhaps", "true, 1, false or 0"),
        ("DD_LLMOBS_AGENTLESS_ENABLED", "2", "true, 1, false or 0"),
        ("DD_SITE", "https://datadoghq.eu", "a site such as datadoghq.eu"),
    ],
)
def test_a_wrong_variable_is_an_error(monkeypatch: Any, name: str, value: str, expected: str):
    """At configuration, with its name, its value and the fix."""
    monkeypatch.setenv(name, value)

    with pytest.raises(
        ConfigurationError, match=f"The environment variable {name} cannot be '{value}': expected {expected}."
    ):
        sb.configure(bridge="datadog", store=False)


def test_without_ddtrace(run: Any):
    """The bridge is off, and says what to install."""
    result = run("minimal", "import sys; sys.modules['ddtrace'] = None")

    assert result["names"] == ["run", "search"]
    assert "bridge" not in result["stats"]
    assert "the bridge is off: ddtrace cannot be imported" in run.log
    assert "pip install 'spanbridge[datadog]'" in run.log


def test_ddtrace_is_not_imported_before_the_bridge_opens(run: Any):
    result = run(
        "minimal", "import sys, spanbridge_datadog as d; d.DatadogBridge(); assert 'ddtrace' not in sys.modules"
    )

    assert result["loaded"]


def test_an_unknown_ddtrace_is_named():
    from spanbridge_datadog.native import require_known_version

    for version in ("3.18.2", "5.0.0", "unknown"):
        with pytest.raises(BridgeUnavailableError, match=rf"ddtrace {version} is installed, .* 3\.19 to 4\.x"):
            require_known_version(version)
    for version in ("3.19.0", "4.0.1", "4.99.0rc1"):
        require_known_version(version)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ml_app": " "}, r"ml_app=' '\): expected text that is not blank"),
        ({"native_llm": "both"}, r'native_llm=\'both\'\): expected "drop", "demote" or "keep"'),
        ({"agentless": 1}, r"agentless=1\): expected True or False"),
        ({"request_context_keys": "tenant"}, r"request_context_keys='tenant'\): expected a list of names"),
        ({"agentless": True}, r"needs a key: pass api_key=\.\.\., or set DD_API_KEY"),
        ({"api_key": 5}, r"api_key='\*\*\*'\): expected text"),
        ({"api_key": "a\nb"}, r"api_key='\*\*\*'\): expected printable"),
        ({"site": "datadoghq .eu"}, r"site='datadoghq \.eu'\): expected a site such as"),
    ],
    ids=lambda value: "" if isinstance(value, str) else next(iter(value)),
)
def test_a_wrong_argument_is_an_error(arguments: dict[str, Any], message: str, monkeypatch: Any):
    from spanbridge_datadog import DatadogBridge

    monkeypatch.delenv("DD_API_KEY", raising=False)
    with pytest.raises(ConfigurationError, match=message):
        DatadogBridge(**arguments)


def test_arguments_win_over_variables(monkeypatch: Any):
    """A blank variable is absent."""
    from spanbridge_datadog import DatadogBridge

    monkeypatch.setenv("DD_LLMOBS_ML_APP", "from-variable")
    monkeypatch.setenv("DD_ENV", " ")
    monkeypatch.setenv("DD_LLMOBS_AGENTLESS_ENABLED", "true")

    options = DatadogBridge(ml_app="from-argument", agentless=False, api_key="secret-key").options

    assert (options.ml_app, options.env, options.agentless) == ("from-argument", None, False)
    assert "secret-key" not in repr(options)
