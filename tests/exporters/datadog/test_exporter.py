"""The exporter against the real test agent: the same events as the bridge's, in one tree, and what it does with errors."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest

import spanbridge as sb
from spanbridge.errors import ConfigurationError
from spanbridge.protocols import Delivered, Rejected, Retry

pytest.importorskip("spanbridge_llmobs")

from spanbridge_llmobs import DatadogExporter

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "sk-proj-" + "Q7" * 24


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in (
        "DD_API_KEY",
        "DD_SITE",
        "DD_LLMOBS_ML_APP",
        "DD_LLMOBS_AGENTLESS_ENABLED",
        "DD_TRACE_AGENT_URL",
        "DD_ENV",
    ):
        monkeypatch.delenv(name, raising=False)


def test_one_tree_whenever_spans_arrive(agent: Any):
    """A late span, and a second root in the same trace, keep their parents; scores are evaluations; nothing leaves unredacted."""
    sb.configure(
        service_name="bot",
        environment="prod",
        store=False,
        exporters=[DatadogExporter(ml_app="shop", agent_url=agent.url, request_context_keys=["tenant_id"])],
        request_context_keys=["tenant_id"],
    )
    with (
        sb.request_context(tenant_id="t1"),
        sb.agent_run("run", input=f"use {SECRET}", session_id="s1", tags=["vip", "blank:"]) as run,
    ):
        with sb.model_generation("chat", model="gpt-5.4", provider="openai", input="hi") as generation:
            with sb.model_step("step", model="gpt-5.4") as step:
                step.set(output="hello", usage=sb.Usage(input_tokens=2, output_tokens=1))
            generation.set(output="hello", usage=sb.Usage(input_tokens=2, output_tokens=1))
        late = sb.start_span(sb.SpanType.TOOL_CALL, "late", parent=run)
        with pytest.raises(ValueError), sb.memory_operation("save", operation_type="save"):
            raise ValueError("full")
    sb.flush()
    late.end(output="done")
    with sb.workflow_run("resumed", trace_id=run.trace_id):
        pass
    sb.score("quality", 0.5, "fine", span=run)
    sb.flush()

    events = {event["name"]: event for event in agent.events()}
    names = {event["span_id"]: name for name, event in events.items()}
    assert {name: names.get(event["parent_id"], event["parent_id"]) for name, event in events.items()} == {
        "run": "undefined",
        "chat": "run",
        "step": "chat",
        "late": "run",
        "save": "run",
        "resumed": "undefined",
    }
    assert {event["trace_id"] for event in events.values()} == {run.trace_id}
    assert {
        name: (event["meta"]["span"]["kind"], event["metrics"].get("total_tokens")) for name, event in events.items()
    } == {
        "run": ("agent", None),
        "chat": ("workflow", None),
        "step": ("llm", 3),
        "late": ("tool", None),
        "save": ("task", None),
        "resumed": ("workflow", None),
    }
    assert events["step"]["meta"]["output"]["messages"] == [{"role": "assistant", "content": "hello"}]
    assert events["run"]["session_id"] == "s1"
    expected = {
        "ml_app": "shop",
        "service": "bot",
        "env": "prod",
        "tenant_id": "t1",
        "vip": "true",
        "blank": "",
        "session_id": "s1",
    }
    assert expected.items() <= events["run"]["tags"].items()
    assert (events["save"]["status"], events["save"]["meta"]["error"]["type"]) == ("error", "ValueError")
    assert [(told["label"], told["score_value"], told["reasoning"]) for told in agent.evaluations()] == [
        ("quality", 0.5, "fine")
    ]
    assert SECRET not in agent.everything()
    assert sb.stats()["exporters"]["datadog"] == {"delivered": 7, "pending": 0, "rejected": {}, "expired": 0}


def test_a_scorers_run_is_a_span(intake: Any):
    """With what it calls below it, though it has a score: only `sb.score` judges what is above it."""
    sb.configure(store=False, exporters=[DatadogExporter(ml_app="shop", agent_url=intake.url)])
    with sb.agent_run("run"), sb.scorer_run("judge") as judge:
        with sb.tool_call("look up"):
            pass
        judge.set(score=0.5)
    sb.flush()

    spans = [envelope["spans"][0] for body in intake.bodies for envelope in orjson.loads(body)]
    names = {span["span_id"]: span["name"] for span in spans}
    assert {span["name"]: names.get(span["parent_id"]) for span in spans} == {
        "run": None,
        "judge": "run",
        "look up": "judge",
    }


@pytest.mark.parametrize("outer", ["model_generation", "model_step", "model_inference"])
@pytest.mark.parametrize("inner", ["model_generation", "model_step", "model_inference"])
def test_nested_calls_are_one_only_where_one_is_a_part_of_the_other(intake: Any, outer: str, inner: str):
    sb.configure(store=False, exporters=[DatadogExporter(ml_app="shop", agent_url=intake.url)])
    with getattr(sb, outer)("outer", model="m") as call:
        with getattr(sb, inner)("inner", model="n") as part:
            part.set(usage=sb.Usage(input_tokens=2, output_tokens=1))
        call.set(usage=sb.Usage(input_tokens=20, output_tokens=10))
    sb.flush()

    spans = [envelope["spans"][0] for body in intake.bodies for envelope in orjson.loads(body)]
    told = {span["name"]: (span["meta"]["span"]["kind"], span["metrics"].get("total_tokens")) for span in spans}
    order = ["model_generation", "model_step", "model_inference"]
    is_part = order.index(inner) > order.index(outer)
    assert told == {"outer": ("workflow", None) if is_part else ("llm", 30), "inner": ("llm", 3)}


def test_ddtrace_is_not_needed(agent: Any):
    """Found by its name, configured by variables."""
    program = (
        "import sys; sys.modules['ddtrace'] = None\n"
        "import spanbridge as sb\n"
        "sb.configure(service_name='app', store=False, exporters=['datadog'])\n"
        "with sb.agent_run('run'): pass\n"
        "sb.flush(); print(sb.stats()['exporters']['datadog']['delivered'])"
    )
    import os

    environ = {**os.environ, "DD_TRACE_AGENT_URL": agent.url, "DD_LLMOBS_ML_APP": "from-variable"}
    completed = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)

    assert completed.stdout.strip() == "1"
    (event,) = agent.events()
    assert event["tags"]["ml_app"] == "from-variable"


@pytest.mark.parametrize(
    ("status", "headers", "expected", "told"),
    [
        (202, {}, Delivered(), ""),
        (200, {"Content-Type": "text/html; charset=utf-8"}, Retry(None, "garbled_answer"), "DD_TRACE_AGENT_URL"),
        (429, {"Retry-After": "7"}, Retry(7.0, "http_429"), "it asks for time"),
        (503, {}, Retry(None, "http_503"), "it asks for time"),
        (413, {}, Rejected("too_large", divide=True), "max_span_bytes"),
        (400, {}, Rejected("http_400", divide=True), "left out"),
        (401, {}, Retry(30.0, "http_401"), "DD_API_KEY"),
        (403, {}, Retry(30.0, "http_403"), "DD_API_KEY"),
        (404, {}, Rejected("http_404"), "the agent is of release"),
        (307, {"Location": "http://127.0.0.1:9/"}, Rejected("http_307"), "DD_TRACE_AGENT_URL"),
    ],
)
def test_answers(intake: Any, status: int, headers: dict[str, str], expected: Any, told: str):
    """What is worth another try gets one; a key that was refused is waited for; people are told what to do."""
    intake.answers = [(status, headers)]

    result = DatadogExporter(agent_url=intake.url).export([make_record()])

    assert isinstance(result, type(expected))
    if isinstance(result, (Retry, Rejected)):
        assert replace(result, advice="") == expected
        assert f"{intake.url} answered {status}: " in result.advice
        assert told in result.advice


def test_nobody_there():
    """Not even a name: the line in the log says where, and what to do."""
    result = DatadogExporter(agent_url="http://127.0.0.1:9").export([make_record()])

    assert isinstance(result, Retry)
    assert result.reason == "unreachable"
    assert result.advice.startswith("http://127.0.0.1:9 did not answer")
    assert "start the agent, or see whether agent_url=" in result.advice


def test_one_that_stalls(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("spanbridge_llmobs.exporter.TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        result = DatadogExporter(agent_url=f"http://127.0.0.1:{listener.getsockname()[1]}").export([make_record()])

    assert isinstance(result, Retry)
    assert result.reason == "timeout"


def test_the_doctor_says_where_it_sends(intake: Any):
    """And what is wrong there; no secret."""
    from spanbridge.configuration.doctor import examine

    intake.answers = [(404, {})]
    url = intake.url.replace("//", "//user:hunter2@")
    exporter = DatadogExporter(agent_url=url, agentless=False, ml_app="shop", api_key="secret-key")
    checks = {check.part: check for check in examine({"exporters": [exporter], "store": False})}

    assert checks["exporter datadog: target"].why == f"{intake.url}, through the agent, ml_app: 'shop'"
    assert "the agent is of release" in checks["canary at datadog"].fix
    assert not {"hunter2", "secret-key"} & set(re.findall(r"[\w-]+", str(checks)))


def test_large_batches_are_sent_in_parts(intake: Any):
    records = [make_record(input="x" * 100_000) for _ in range(100)]

    assert DatadogExporter(agent_url=intake.url).export(records) == Delivered()
    assert len(intake.bodies) == 3
    assert all(len(body) < 5_000_000 for body in intake.bodies)


def send_run_and_score(intake: Any, *, size: int = 0) -> tuple[Counter[str], dict[str, Any]]:
    """How often the intake took each span and score of two runs and a score; and the account."""
    sb.configure(store=False, exporters=[DatadogExporter(ml_app="shop", agent_url=intake.url)])
    for name in ("first", "second"):
        with sb.agent_run(name, input="x" * size):
            sb.score(f"{name} score", 1)
    sb.flush(30)
    return Counter(intake.taken()), sb.stats()["exporters"]["datadog"]


@pytest.mark.parametrize("part", ["llmobs", "eval-metric"])
@pytest.mark.parametrize("failures", [1, 2])
def test_what_has_arrived_is_not_sent_again(intake: Any, part: str, failures: int):
    """While the other part of the batch is tried again."""
    intake.answers = [(503, {})] * failures
    intake.at = part

    taken, account = send_run_and_score(intake)

    assert taken == dict.fromkeys(("first", "second", "first score", "second score"), 1)
    assert account == {"delivered": 4, "pending": 0, "rejected": {}, "expired": 0}


def test_the_second_request_of_a_batch_is_tried_again_alone(intake: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("spanbridge_llmobs.exporter.MAX_REQUEST_BYTES", 10_000)
    intake.answers = [(202, {}), (503, {})]
    intake.at = "llmobs"

    taken, account = send_run_and_score(intake, size=9_000)

    assert taken == dict.fromkeys(("first", "second", "first score", "second score"), 1)
    assert account["delivered"] == 4


@pytest.mark.parametrize("status", [400, 404, 413])
@pytest.mark.parametrize(
    ("part", "refused"), [("eval-metric", {"first score", "second score"}), ("llmobs", {"first", "second"})]
)
def test_what_has_arrived_counts_as_delivered(intake: Any, part: str, refused: set[str], status: int):
    """Where the other part of the batch is refused for good."""
    intake.answers = [(status, {})] * 20
    intake.at = part

    taken, account = send_run_and_score(intake)

    reason = "too_large" if status == 413 else f"http_{status}"
    assert not refused & set(taken)
    assert set(taken.values()) <= {1}
    assert account == {"delivered": len(taken), "pending": 0, "rejected": {reason: 4 - len(taken)}, "expired": 0}
    assert len(taken) == 2 or status == 404  # an agent that is too old is so for scores too


def test_straight_to_datadog():
    """With the key, and never in what is shown."""
    exporter = DatadogExporter(api_key="secret-key", site="datadoghq.eu")

    assert exporter.target.spans == "https://llmobs-intake.datadoghq.eu/api/v2/llmobs"
    assert exporter.target.evaluations == "https://api.datadoghq.eu/api/intake/llm-obs/v2/eval-metric"
    assert exporter.target.headers == {"DD-API-KEY": "secret-key"}
    assert "secret-key" not in repr(exporter.target)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"agentless": True}, "needs a key to send to Datadog itself: set DD_API_KEY"),
        ({"agent_url": "unix:///run/agent"}, "sockets are not supported"),
        ({"agent_url": "http://"}, "expected an address such as"),
        ({"agent_url": "http://[bad"}, "expected an address such as"),
        ({"agent_url": "http://127.0.0.1:99999"}, "expected an address such as"),
        ({"site": "https://datadoghq.eu"}, "expected a site such as datadoghq.eu"),
        ({"site": "datadog hq.eu"}, "expected a site such as datadoghq.eu"),
        ({"api_key": "a\nb"}, r"api_key='\*\*\*'\): expected printable"),
        ({"ml_app": ""}, r"ml_app=''\): expected text"),
        ({"api_key": 5}, r"api_key='\*\*\*'\): expected text"),
        ({"request_context_keys": "a"}, "expected a list of names"),
    ],
    ids=lambda value: "" if isinstance(value, str) else next(iter(value)),
)
def test_wrong_arguments(arguments: dict[str, Any], message: str):
    with pytest.raises(ConfigurationError, match=message):
        DatadogExporter(**arguments)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DD_SITE", "https://datadoghq.eu"),
        ("DD_TRACE_AGENT_URL", "unix:///run/agent"),
        ("DD_TRACE_AGENT_URL", "http://localhost:no"),
        ("DD_LLMOBS_AGENTLESS_ENABLED", "perhaps"),
        ("DD_API_KEY", "secret\tkey"),
    ],
)
def test_wrong_variables(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    """The error names the variable, and what it held; a key is not shown."""
    monkeypatch.setenv(name, value)

    with pytest.raises(ConfigurationError, match=f"The environment variable {name} cannot be '") as error:
        DatadogExporter()
    assert (value in str(error.value)) == (name != "DD_API_KEY")


def test_both_would_send_everything_twice():
    """The bridge says so, at configuration."""
    pytest.importorskip("ddtrace")
    with pytest.raises(ConfigurationError, match="would send every span twice"):
        sb.configure(store=False, bridge="datadog", exporters=[DatadogExporter(agent_url="http://127.0.0.1:9")])


def make_record(**content: Any) -> Any:
    from spanbridge.model.payload import snapshot
    from spanbridge.model.span import SpanRecord

    record = SpanRecord(
        "a" * 32,
        "b" * 16,
        sb.SpanType.GENERIC,
        1,
        {"name": "x", **{key: snapshot(value) for key, value in content.items()}},
    )
    record.ended_at = 2
    record.encode_document()
    return record


@pytest.fixture
def intake():
    """A server that keeps what it gets, and answers as it is told."""
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Intake(ThreadingHTTPServer):
        at = ""
        """A part of the address at which `answers` are given, one after the other; 202 elsewhere and after that."""
        answers: list[tuple[int, dict[str, str]]]
        bodies: list[bytes]

        @property
        def url(self) -> str:
            return f"http://127.0.0.1:{self.server_port}"

        def taken(self) -> Iterator[str]:
            """The names of the spans and scores that were taken."""
            for body in map(orjson.loads, self.bodies):
                if isinstance(body, list):
                    yield from (span["name"] for envelope in body for span in envelope["spans"])
                else:
                    yield from (metric["label"] for metric in body["data"]["attributes"]["metrics"])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            server = self.server
            status, headers = server.answers.pop(0) if server.answers and server.at in self.path else (202, {})
            if status == 202:
                server.bodies.append(body)
            self.send_response(status)
            for name, value in {**headers, "content-length": "0"}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = Intake(("127.0.0.1", 0), Handler)
    server.bodies, server.answers = [], []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()
