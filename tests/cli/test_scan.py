"""`spanbridge scan`: secrets that are stored already, found and taken out."""

import json
from pathlib import Path

import pytest

import spanbridge as sb
from spanbridge.observability import Observability

TOKEN = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"


@pytest.fixture
def unredacted(tmp_path) -> str:
    """A store that was written with the filter switched off."""
    address = f"sqlite:///{tmp_path}/old.db"
    unfiltered = Observability(store=address, service_name="tests", environment="test", sensitive_data=False)
    with unfiltered as tracing, tracing.agent_run("run", input={"password": "tangerine-42"}) as run:
        with tracing.tool_call("clean", input={"q": "weather"}) as tool:
            tool.set(output="sunny")
        run.event("note", {"text": f"used {TOKEN}"})
        run.set(output="mail ana@example.com")
    return address


def test_findings_are_told_by_rule_and_place_never_by_value(cli, unredacted):
    """And the exit code says that there are some."""
    result = cli("scan", "--store", unredacted)
    found = json.loads(cli("scan", "--store", unredacted, "--json").output)

    assert result.exit_code == 1
    assert "2 findings in 1 of 2 spans, left as they are" in result.output
    assert TOKEN not in result.output
    assert found["rules"] == {"key_name": 1, "github_token": 1}
    assert {item["path"] for item in found["findings"]} == {"input.password", "events.0.attributes.text"}


def test_rewriting_takes_them_out_of_the_file(cli, unredacted):
    """Counted in the spans, gone from the bytes on the disk, and nothing else changed."""
    before = sb.open_store(unredacted).list_traces()[0]

    result = cli("scan", "--store", unredacted, "--rewrite")

    assert result.exit_code == 0
    store = sb.open_store(unredacted)
    (trace,) = store.list_traces()
    root = store.get_trace(trace.trace_id).root
    assert (trace.trace_id, trace.started_at, trace.status) == (before.trace_id, before.started_at, before.status)
    assert root.input == {"password": "[REDACTED]"}
    assert root.output == "mail ana@example.com"
    assert root.redactions == {"key_name": 1, "github_token": 1}
    path = Path(unredacted.removeprefix("sqlite:///"))
    assert not any(b"tangerine-42" in file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    assert "0 findings in 0 of 2 spans" in cli("scan", "--store", unredacted).output


def test_options_reach_the_filter(cli, unredacted):
    """Personal data where it is asked for, allow-lists by the path in the span."""
    personal = json.loads(cli("scan", "--store", unredacted, "--json", "--pii").output)
    allowed = json.loads(cli("scan", "--store", unredacted, "--json", "--allow-path", "input.password").output)

    assert personal["rules"]["email"] == 1
    assert allowed["rules"] == {"github_token": 1}
