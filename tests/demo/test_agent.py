import json
from contextlib import closing

import pytest

import spanbridge as sb
from spanbridge.demo.agent import MAX_STEPS, PackageAgent
from spanbridge.demo.client import ModelClient, ServerError
from spanbridge.demo.memory import Memory
from spanbridge.demo.model_server import running_server
from spanbridge.demo.packages import PackageDatabase
from spanbridge.demo.report import ReportDelivery

from .test_packages import PACKAGES


class Scripted(ModelClient):
    """A model that calls one tool again and again."""

    def __init__(self, name: str, arguments: dict, last: str | None = None):
        self.call = {"id": "c1", "function": {"name": name, "arguments": json.dumps(arguments)}}
        self.last = last
        self.seen = []

    def complete(self, messages, tools):
        self.seen = list(messages)
        if self.last is not None and messages[-1]["role"] == "tool":
            return {"role": "assistant", "content": self.last}
        return {"role": "assistant", "content": None, "tool_calls": [self.call]}


@pytest.fixture
def agent_with():
    with closing(PackageDatabase(PACKAGES)) as database, closing(Memory()) as memory:
        yield lambda client: PackageAgent(client, database, memory)


def test_answers_come_from_the_tools(agent_with):
    """Over real HTTP the agent finds out what the database says, and remembers it."""
    with running_server("key") as server:
        agent = agent_with(ModelClient(server.host, server.port))
        answers = [
            agent.answer("Which installed distribution is the largest, and which follow?"),
            agent.answer("Which distribution is required by the most others?"),
            agent.answer("What does beta require, and which distributions require it?"),
            agent.answer("What does delta require?"),
        ]

    assert answers == [
        "The largest is alpha 1.0 with 0.0 MB, followed by gamma 3.0 with 0.0 MB, beta 2.0 with 0.0 MB.",
        "gamma is required by 2 distributions. It says of itself: no summary",
        "beta 2.0 requires gamma. It is required by alpha.",
        "delta is not installed.",
    ]


def test_a_tool_that_fails_is_the_models_to_deal_with(agent_with, captured_spans):
    """Its span has the error, and the model is told."""
    client = Scripted("query_packages", {"sql": "SELECT size FROM distributions"}, last="sorry")

    assert agent_with(client).answer("How large?") == "sorry"
    assert client.seen[-1]["content"] == '{"error": "no such column: size"}'
    captured_spans.assert_tree("""
        agent_run package-expert [ok]
          memory_operation recall [ok]
          tool_call query_packages [error] sqlite3.OperationalError
          memory_operation save [ok]
    """)


def test_an_agent_that_finds_no_end(agent_with, captured_spans):
    """It stops after its steps, and its run is an error."""
    with pytest.raises(RuntimeError, match=f"no answer after {MAX_STEPS} steps"):
        agent_with(Scripted("list_distributions", {})).answer("And?")

    assert captured_spans.tree().splitlines()[0] == "agent_run package-expert [error] RuntimeError"


def test_each_attempt_is_a_span_under_one_parent(captured_spans):
    """The failed attempt has the error, the next one is linked to it, and both belong to the same step."""
    with running_server("key") as server, sb.workflow_step("answer"):
        ReportDelivery(server.host, server.port, "key").publish("text")

    step, first, second = captured_spans.spans
    assert (first.status, second.status) == ("error", "ok")
    assert first.parent_span_id == second.parent_span_id == step.span_id
    assert second.links == [{"trace_id": first.trace_id, "span_id": first.span_id, "type": "retry_of"}]
    assert first.events[0]["attributes"] == {"will_retry": True}


def test_a_delivery_that_never_succeeds(captured_spans):
    """After the last attempt the error is the caller's."""
    with running_server("key") as server, pytest.raises(ServerError, match="HTTP 401"):
        ReportDelivery(server.host, server.port, "another").publish("text")

    assert captured_spans.tree().splitlines()[-1].endswith("(retry_of line 2)")
    assert [span.status for span in captured_spans.spans] == ["error"] * 3
