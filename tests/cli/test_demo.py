import json
import re
import subprocess
from urllib.parse import quote

import pytest

import spanbridge as sb
from spanbridge.cli.demo import MAX_QUESTIONS
from spanbridge.demo import inventory
from spanbridge.exporters.span_tree import to_text

from .conftest import command

MADE_UP_KEY = rb"sk-[0-9a-f]{20}"


def recorded_bytes(folder) -> bytes:
    """All bytes of all files of the stores in a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()) if ".db" in path.name)


def forms_of(secret: str) -> list[bytes]:
    """The ways in which a text may be written in a trace."""
    forms = {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return [form.encode() for form in forms]


@pytest.mark.parametrize("secret", ["tr0ub4dor&3", 'correct "horse" b\\ttery <staple>', "pässwörter-2024", "x9" * 60])
def test_a_given_secret_is_recorded_nowhere(cli, tmp_path, secret):
    """The key that a tool is called with stands neither in the database's files nor in the output; what replaces it does."""
    result = cli("demo", "--questions", "1", "--store", "sqlite:///demo.db", "--secret", secret)
    stored = recorded_bytes(tmp_path)

    assert result.exit_code == 0
    assert "The secret that publish_report was called with stands there 0 times." in result.stdout
    assert b"[REDACTED]" in stored
    assert not [form for form in forms_of(secret) if form in stored or form in result.stdout.encode()]


def test_the_made_up_secret_is_recorded_nowhere(tmp_path):
    """The same for the key that the demo makes up, in a process of its own."""
    process = subprocess.run(
        command("demo", "--questions", "1", "--store", "sqlite:///demo.db"), capture_output=True, check=True
    )
    stored = recorded_bytes(tmp_path)

    assert process.stderr == b""
    assert b"[REDACTED]" in stored
    assert re.search(MADE_UP_KEY, stored + process.stdout) is None


def test_the_demo_prints_its_trace_and_says_where_it_is(tmp_path):
    """The output is the tree, the answers, and commands that work as they are printed."""
    address = f"sqlite:///{tmp_path}/a store.db"
    process = subprocess.run(command("demo", "--store", address), capture_output=True, text=True, check=True)
    tree, _, rest = process.stdout.partition("\nQ: ")
    (trace_id,) = re.findall(r"The trace ([0-9a-f]{32}) is in ", rest)
    shown = re.findall(r"^  spanbridge (.*)$", rest, re.MULTILINE)

    assert tree.startswith(f"trace {trace_id}\n└── workflow inventory ")
    assert f"is in {address}." in rest
    assert shown == [f"{words} --store '{address}'" for words in ("traces", f"show {trace_id[:12]}", "stats", "doctor")]
    assert rest.count("\nA: ") == 3


def test_the_default_store_takes_the_demo(cli):
    """Without --store the trace is in the user's state folder, where `show` finds it."""
    demo = cli("demo", "--questions", "1")
    (trace_id,) = re.findall(r"The trace ([0-9a-f]{32}) is in ", demo.stdout)

    assert demo.exit_code == 0
    assert json.loads(cli("show", "--last", "--json").stdout)["trace_id"] == trace_id


def test_questions_are_as_many_as_the_demo_has():
    """The command's bound is the job's."""
    assert MAX_QUESTIONS == inventory.MAX_QUESTIONS


def test_the_recorded_tree(demo_store):
    """The trace is the job: a workflow of steps, agents with memory, models and tools, and a tool that failed once."""
    with sb.open_store(demo_store) as store:
        (summary,) = store.list_traces()
        spans = store.get_trace(summary.trace_id).spans

    assert to_text(spans).splitlines() == [
        "workflow_run inventory [ok]",
        "  workflow_step gather [ok]",
        "    tool_call read_metadata [ok]",
        "    tool_call fill_database [ok]",
        "  workflow_step analyse [ok]",
        "    agent_run package-expert [ok]",
        "      memory_operation recall [ok]",
        "      model_generation chat gpt-4o-mini [ok]",
        "      tool_call query_packages [ok]",
        "      model_generation chat gpt-4o-mini [ok]",
        "      memory_operation save [ok]",
        "    agent_run package-expert [ok]",
        "      memory_operation recall [ok]",
        "      model_generation chat gpt-4o-mini [ok]",
        "      tool_call query_packages [ok]",
        "      model_generation chat gpt-4o-mini [ok]",
        "      tool_call describe_distribution [ok]",
        "      model_generation chat gpt-4o-mini [ok]",
        "      memory_operation save [ok]",
        "    agent_run package-expert [ok]",
        "      memory_operation recall [ok]",
        "      model_generation chat gpt-4o-mini [ok]",
        "      tool_call describe_distribution [ok]",
        "      tool_call query_packages [ok]",
        "      model_generation chat gpt-4o-mini [ok]",
        "      memory_operation save [ok]",
        "  workflow_step answer [ok]",
        "    model_generation chat gpt-4o-mini [ok]",
        "    tool_call publish_report [error] spanbridge.demo.client.ServerError",
        "    tool_call publish_report [ok] (retry_of line 29)",
    ]


def test_model_spans_have_tokens_and_cost(demo_store):
    """Each model call is priced, also by what was cached; the trace's sums are theirs."""
    with sb.open_store(demo_store) as store:
        (summary,) = store.list_traces()
        spans = store.get_trace(summary.trace_id).spans
    calls = [span.attributes for span in spans if span.type == "model_generation"]

    assert all(call["cost_context"]["estimated_cost"] > 0 for call in calls)
    assert any(call["usage"]["input_details"]["cache_read"] > 0 for call in calls)
    assert summary.input_tokens == sum(call["usage"]["input_tokens"] for call in calls)
    assert summary.output_tokens == sum(call["usage"]["output_tokens"] for call in calls)
    assert summary.session_id == "demo-session"


def test_arguments_that_hold_the_key_are_redacted(demo_store):
    """What stands around the key is kept."""
    with sb.open_store(demo_store) as store:
        (summary,) = store.list_traces()
        span = next(span for span in store.get_trace(summary.trace_id).spans if span.name == "publish_report")

    assert span.input["api_key"] == "[REDACTED]"
    assert span.input["headers"] == {"Authorization": "[REDACTED]"}
    assert re.fullmatch(r"http://reports:\[REDACTED\]@127\.0\.0\.1:\d+/reports", span.input["endpoint"])
    assert span.input["equivalent"] == f"curl -X POST -H 'Authorization: Bearer [REDACTED]' {span.input['endpoint']}"


def test_the_demo_asks_no_proxy(cli, monkeypatch):
    """Its traffic stays on 127.0.0.1, whatever proxy the machine has."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")

    assert cli("demo", "--questions", "1").exit_code == 0


def test_settings_of_applications_do_not_change_the_demo(cli, monkeypatch, tmp_path):
    """Exporters, sampling and the filter of the environment are meant for applications: the demo keeps its promises."""
    for name, value in {"EXPORTERS": "jsonl", "SAMPLING": "0", "SENSITIVE_DATA": "off"}.items():
        monkeypatch.setenv(f"SPANBRIDGE_{name}", value)
    demo = cli("demo", "--questions", "1", "--secret", "tr0ub4dor&3")

    assert demo.exit_code == 0
    assert "stands there 0 times" in demo.stdout
    assert not list(tmp_path.glob("*.jsonl"))


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("SPANBRIDGE_DISABLED", "1", "tracing is switched off (environment variable SPANBRIDGE_DISABLED)"),
        ("SPANBRIDGE_STORE", "off", "the store is switched off (environment variable SPANBRIDGE_STORE)"),
    ],
)
def test_what_is_switched_off_is_said(cli, monkeypatch, variable, value, message):
    """A demo that would record nothing does not run."""
    monkeypatch.setenv(variable, value)
    result = cli("demo")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {message}")


def test_a_store_that_cannot_be_created(cli, tmp_path):
    """The demo does not begin, and says why."""
    (tmp_path / "folder").write_text("not a folder")
    result = cli("demo", "--store", "sqlite:///folder/demo.db")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Error: cannot create the store {tmp_path}/folder/demo.db: Not a directory\n"


def test_a_trace_that_is_not_written(cli, monkeypatch, contained_errors):
    """Where the store fails later, the demo says that its trace is lost, and who knows more."""

    def fail(store, batch):
        raise sb.StoreError("the disk is full", reason="store_full")

    monkeypatch.setattr("spanbridge.storage.sqlite.SQLiteStore.write", fail)
    monkeypatch.setattr("spanbridge.cli.demo.SHUTDOWN_TIMEOUT_S", 0.1)
    result = cli("demo", "--questions", "1")
    contained_errors.clear()

    assert result.exit_code == 1
    assert (
        "Error: the trace was not written whole; `spanbridge doctor` says whether the store can be used\n"
        in result.stderr
    )
