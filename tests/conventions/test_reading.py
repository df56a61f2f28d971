"""Spans of other instrumentations that follow the GenAI conventions."""

from __future__ import annotations

from typing import Any

import pytest

from otel_records import OTHER_ID, SPAN_ID, START, TRACE_ID
from spanbridge.conventions.otel_span import OtelEvent, OtelSpan
from spanbridge.conventions.reading import read_span
from spanbridge.model.span import Status
from spanbridge.model.span_types import SpanType


def foreign(attributes: dict[str, Any], name: str = "span", **fields: Any) -> OtelSpan:
    """A span of another instrumentation."""
    fields = {"kind": "client", "scope": "opentelemetry.instrumentation.genai.openai", **fields}
    return OtelSpan(TRACE_ID, SPAN_ID, OTHER_ID, name, fields.pop("kind"), START, START + 9, attributes, **fields)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"gen_ai.operation.name": "chat"}, SpanType.MODEL_GENERATION),
        ({"gen_ai.operation.name": "text_completion"}, SpanType.MODEL_GENERATION),
        ({"gen_ai.operation.name": "invoke_agent"}, SpanType.AGENT_RUN),
        ({"gen_ai.operation.name": "create_agent"}, SpanType.AGENT_RUN),
        ({"gen_ai.operation.name": "execute_tool"}, SpanType.TOOL_CALL),
        ({"gen_ai.operation.name": "embeddings"}, SpanType.RAG_EMBEDDING),
        ({"gen_ai.operation.name": "retrieval"}, SpanType.RAG_VECTOR_OPERATION),
        ({"gen_ai.operation.name": "search_memory"}, SpanType.MEMORY_OPERATION),
        ({"gen_ai.operation.name": "invoke_workflow"}, SpanType.WORKFLOW_RUN),
        ({"mcp.method.name": "tools/list"}, SpanType.MCP_TOOL_CALL),
        ({"gen_ai.operation.name": "new_thing"}, SpanType.GENERIC),
        ({"http.request.method": "GET"}, SpanType.GENERIC),
    ],
)
def test_types(attributes, expected) -> None:
    """The operation says the type; what is unknown stays, untyped."""
    assert read_span(foreign(attributes)).type is expected


def test_a_model_call_in_older_words() -> None:
    """Older spellings become the same typed attributes; what no row knows keeps its own name."""
    back = read_span(
        foreign(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.system": "openai",
                "gen_ai.request.model": "gpt-4o",
                "gen_ai.usage.prompt_tokens": 12,
                "gen_ai.usage.completion_tokens": 3,
                "gen_ai.usage.cache_creation.input_tokens": 4,
                "gen_ai.response.finish_reasons": '["tool_calls"]',
                "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"Hi"}]}]',
                "gen_ai.conversation.id": "c1",
                "vendor.extra": ("a", "b"),
            }
        )
    )

    assert back.attributes["provider"] == "openai"
    assert back.attributes["usage"] == {"input_tokens": 12, "output_tokens": 3, "input_details": {"cache_write": 4}}
    assert back.attributes["finish_reason"] == "tool_calls"
    assert back.attributes["vendor.extra"] == ["a", "b"]
    assert back.input == [{"role": "user", "content": "Hi"}]
    assert (back.name, back.thread_id, back.model) == ("span", "c1", "gpt-4o")
    assert (back.input_tokens, back.billed_input_tokens) == (12, 12)
    assert back.source == "opentelemetry.instrumentation.genai.openai"
    assert (back.parent_span_id, back.ended_at) == (OTHER_ID, START + 9)


def test_a_failed_tool() -> None:
    """The exception of a span that failed is its error; its own name is the tool's."""
    event = OtelEvent("exception", START + 1, {"exception.type": "ValueError", "exception.message": "bad"})
    back = read_span(
        foreign(
            {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"},
            "execute_tool search",
            status="error",
            events=[OtelEvent("retried", START, {}), event],
        )
    )

    assert back.status is Status.ERROR
    assert back.error == {"type": "ValueError", "message": "bad"}
    assert [item["name"] for item in back.events] == ["retried"]
    assert back.name == "search"


def test_an_exception_that_was_handled_stays_an_event() -> None:
    """A span that did not fail has no error."""
    back = read_span(foreign({}, events=[OtelEvent("exception", START, {"exception.type": "ValueError"})]))

    assert back.status is Status.OK
    assert back.error is None
    assert len(back.events) == 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [('{"q": "x"}', {"q": "x"}), ("[1, 2]", [1, 2]), ("plain", "plain"), ("5", "5"), ('"x"', '"x"'), ("{cut", "{cut")],
)
def test_arguments_and_results_that_had_to_be_text(given, expected) -> None:
    """An attribute cannot hold a mapping: instrumentations write a tool's arguments and result as JSON."""
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.call.arguments": given,
        "gen_ai.tool.call.result": given,
    }
    back = read_span(foreign(attributes))

    assert (back.input, back.output) == (expected, expected)


@pytest.mark.parametrize(
    ("operation", "attributes", "expected"),
    [
        ("retrieval", ("gen_ai.retrieval.query.text", "gen_ai.retrieval.documents"), {"operation": "query"}),
        ("search_memory", ("gen_ai.memory.query.text", "gen_ai.memory.records"), {"operation_type": "recall"}),
    ],
)
def test_what_a_search_was_asked_and_found(operation, attributes, expected) -> None:
    """The operation says what our attribute says, and so where the query and the records stand."""
    query, records = attributes
    back = read_span(
        foreign({"gen_ai.operation.name": operation, query: "order 7", records: '[{"id":"d1","content":"x"}]'})
    )

    assert (back.input, back.output) == ("order 7", [{"id": "d1", "content": "x"}])
    assert expected.items() <= back.attributes.items()


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("create_memory", "save"),
        ("upsert_memory", "save"),
        ("update_memory", "update"),
        ("delete_memory", "delete"),
        ("create_memory_store", None),
    ],
)
def test_what_was_done_to_a_memory(operation, kind) -> None:
    """Each operation on memories is one of ours; one on their store is none."""
    assert read_span(foreign({"gen_ai.operation.name": operation})).attributes.get("operation_type") == kind


@pytest.mark.parametrize(("seconds", "expected"), [(0.5, START + 500_000_000), (0, START), (-1.0, None), ("x", None)])
def test_the_first_chunk(seconds, expected) -> None:
    """The time to the first chunk, in seconds, is a moment here; what is no such time says nothing."""
    back = read_span(foreign({"gen_ai.operation.name": "chat", "gen_ai.response.time_to_first_chunk": seconds}))

    assert back.attributes.get("completion_start_time") == expected


@pytest.mark.parametrize(
    ("attributes", "message", "expected"),
    [
        ({"error.type": "timeout"}, "took too long", {"type": "timeout", "message": "took too long"}),
        ({"error.type": "timeout"}, "", {"type": "timeout", "message": ""}),
        ({"error.type": 5}, "bad", {"type": "Error", "message": "bad"}),
        ({}, "", {"type": "Error", "message": ""}),
    ],
)
def test_a_failure_without_an_exception(attributes, message, expected) -> None:
    """Many instrumentations tell of a failure by the status and `error.type` alone."""
    back = read_span(foreign({"gen_ai.operation.name": "chat", **attributes}, status="error", status_message=message))

    assert (back.status, back.error) == (Status.ERROR, expected)
    assert read_span(foreign({"gen_ai.operation.name": "chat", **attributes})).error is None
