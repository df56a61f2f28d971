"""What a type checker must accept: the openers as an application uses them. Checked by test_typing.py, never run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timezone

from typing_extensions import assert_type

import spanbridge as sb
from spanbridge.model.span import Link
from spanbridge.model.span_types import SpanType
from spanbridge.model.usage import Usage
from spanbridge.tracing.active_span import Span
from spanbridge.tracing.openers import (
    Openers,
    agent_run,
    generic,
    mcp_tool_call,
    memory_operation,
    model_generation,
    span,
    start_span,
    tool_call,
    workflow_run,
    workflow_sleep,
    workspace_action,
)


@tool_call
def lookup(order_id: str, *, verbose: bool = False) -> dict[str, int]:
    return {order_id: int(verbose)}


@tool_call
async def fetch(url: str) -> bytes:
    return url.encode()


@tool_call
def stream(n: int) -> Iterator[int]:
    yield from range(n)


@agent_run("support", agent_id="support-v3", capture_output=False, ignore_arguments=["question"])
async def answer(question: str) -> str:
    return question


@mcp_tool_call(mcp_server="files", reduce_output=len)
def read(path: str) -> str:
    return path


class Agent:
    @agent_run
    def run(self, question: str) -> str:
        return question

    @tool_call("remember", tool_type="function")
    async def remember(self, fact: str) -> AsyncIterator[str]:
        yield fact


async def decorated_functions_keep_their_types() -> None:
    assert_type(lookup("1", verbose=True), dict[str, int])
    assert_type(await fetch("https://example.com"), bytes)
    assert_type(stream(3), Iterator[int])
    assert_type(await answer("?"), str)
    assert_type(read("a.txt"), str)
    assert_type(Agent().run("?"), str)
    async for fact in Agent().remember("x"):
        assert_type(fact, str)


def context_managers(messages: list[dict[str, str]], parent: Span, model: str | None) -> None:
    with agent_run("support", input=messages, agent_id="v3", session_id="s1", tags=["vip"], parent=parent) as run:
        with model_generation(
            model=model, provider="openai", input=messages, parameters={"temperature": 0}
        ) as generation:
            generation.set(output="reply", usage=Usage(input_tokens=812, output_tokens=96), finish_reason="stop")
            generation.set(usage={"input_tokens": 1, "input_details": {"cache_read": 1}}, streaming=True)
        run.set(output="reply", metadata={"tenant": "t1"}, available_tools=["lookup"])
    with tool_call("search", links=[run, Link(trace_id="0" * 32, span_id="0" * 16, type="retry_of")]):
        pass
    with memory_operation(operation_type="recall", last_messages=False):
        pass
    with workflow_sleep(until_date=datetime.now(timezone.utc), sleep_type="fixed"):
        pass
    with workspace_action("write", category="filesystem", success=None) as action:
        action.set(success=True)


async def asynchronous() -> None:
    async with tool_call("search", hide_input=True) as tool:
        tool.event("retry", {"attempt": 2})
        tool.set(success=True)


def by_hand() -> None:
    run = workflow_run("import", status="pending", start_time=1)
    run.set(status="waiting")
    run.end(output=1, end_time=2, status="ok", workflow_id="w1")
    assert_type(start_span(SpanType.GENERIC, "x", anything=1), Span)
    with span("tool_call", "x", tool_type="function") as opened:
        assert_type(opened, Span)
    with generic("x") as other:
        other.error(ValueError("x"))


def own_openers(openers: Openers) -> None:
    with openers.tool_call("search") as tool:
        tool.set(tool_call_id="call_1")


def configuration_and_store() -> None:
    assert_type(
        sb.configure(service_name="support", store=False, exporters=["console"], sampling=0.5), sb.Observability
    )
    with sb.open_store("sqlite:///traces.db") as store:
        page = store.list_traces(status="error", limit=10)
        for trace in page:
            assert_type(trace.trace_id, str)
        assert_type(store.get_trace("0" * 32).spans, list[sb.SpanRecord])
        assert_type(store.get_media("0" * 64), bytes | None)


def parameters_by_their_own_names() -> None:
    with model_generation(model="gpt-5.4", max_tokens=5, temperature=0.1, stop_sequences=["."], seed=7) as generation:
        generation.set(top_p=0.9)
