"""How our spans look to readers of OpenTelemetry: names, kinds, attributes of the conventions, messages, errors."""

from __future__ import annotations

from typing import Any

import pytest

from otel_records import OTHER_ID, START, TRACE_ID, record
from spanbridge.conventions import genai
from spanbridge.conventions.reading import read_span
from spanbridge.conventions.values import from_json
from spanbridge.conventions.writing import write_span
from spanbridge.model.span import Status
from spanbridge.model.span_types import SpanType


@pytest.mark.parametrize(
    ("span_type", "name", "attributes", "expected", "operation", "kind"),
    [
        (SpanType.AGENT_RUN, "support", {}, "invoke_agent support", "invoke_agent", "internal"),
        (SpanType.MODEL_GENERATION, "chat gpt-5.4", {"model": "gpt-5.4"}, "chat gpt-5.4", "chat", "client"),
        (SpanType.MODEL_GENERATION, "draft", {"model": "gpt-5.4"}, "chat gpt-5.4", "chat", "client"),
        (SpanType.MODEL_GENERATION, "draft", {}, "chat draft", "chat", "client"),
        (SpanType.MODEL_INFERENCE, "i", {"response_model": "gpt-5.4-1"}, "chat gpt-5.4-1", "chat", "client"),
        (SpanType.MODEL_STEP, "model_step gpt-5.4", {}, "model_step gpt-5.4", "model_step", "internal"),
        (SpanType.TOOL_CALL, "search", {}, "execute_tool search", "execute_tool", "internal"),
        (SpanType.CLIENT_TOOL_CALL, "pick", {}, "execute_tool pick", "execute_tool", "internal"),
        (SpanType.MCP_TOOL_CALL, "weather", {"mcp_server": "s"}, "tools/call weather", "execute_tool", "client"),
        (
            SpanType.MCP_SERVER_REQUEST,
            "mcp_server_request",
            {"mcp_method": "resources/read", "mcp_server": "s", "target_name": "file:///a"},
            "resources/read file:///a",
            "mcp_server_request",
            "server",
        ),
        (SpanType.WORKFLOW_RUN, "refund", {}, "invoke_workflow refund", "invoke_workflow", "internal"),
        (SpanType.WORKFLOW_STEP, "gather", {}, "workflow_step gather", "workflow_step", "internal"),
        (SpanType.WORKFLOW_STEP, "workflow_step", {}, "workflow_step", "workflow_step", "internal"),
        (SpanType.RAG_EMBEDDING, "e", {"model": "emb-3"}, "embeddings emb-3", "embeddings", "client"),
        (
            SpanType.RAG_VECTOR_OPERATION,
            "find",
            {"operation": "query", "index_name": "docs"},
            "retrieval docs",
            "retrieval",
            "client",
        ),
        (
            SpanType.MEMORY_OPERATION,
            "recall",
            {"operation_type": "recall"},
            "search_memory",
            "search_memory",
            "internal",
        ),
        (SpanType.MEMORY_OPERATION, "recall", {}, "memory_operation recall", "memory_operation", "internal"),
        (SpanType.GENERIC, "load file", {}, "load file", None, "internal"),
    ],
)
def test_names_and_kinds(span_type, name, attributes, expected, operation, kind) -> None:
    """A span is named `{operation} {target}`, as the conventions have it; our own name is read back."""
    original = record(span_type, name=name, attributes=attributes)
    span = write_span(original)

    assert (span.name, span.kind, span.attributes.get(genai.OPERATION)) == (expected, kind, operation)
    assert read_span(span).name == name


def test_a_model_call() -> None:
    """A generation has the attributes of the newest conventions, lists as lists, tokens with their details, messages in their schema."""
    original = record(
        SpanType.MODEL_GENERATION,
        name="chat gpt-5.4",
        input=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        output={"role": "assistant", "content": "Hello."},
        session_id="s1",
        user_id="u1",
        thread_id="t1",
        attributes={
            "model": "gpt-5.4",
            "provider": "azure",
            "response_model": "gpt-5.4-2026",
            "response_id": "r1",
            "streaming": True,
            "completion_start_time": START + 250_000_000,
            "finish_reason": "stop",
            "parameters": {
                "temperature": 0,
                "seed": 0,
                "max_tokens": 9,
                "stop_sequences": ["."],
                "reasoning_effort": "low",
            },
            "usage": {
                "input_tokens": 10,
                "output_tokens": 5,
                "input_details": {"cache_read": 4, "cache_write": 2},
                "output_details": {"reasoning": 3},
            },
            "tools": [{"type": "function", "name": "search"}],
            "response_format": "json_schema",
        },
    )
    attributes = write_span(original).attributes

    expected = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-5.4",
        "gen_ai.provider.name": "azure.ai.openai",
        "gen_ai.response.model": "gpt-5.4-2026",
        "gen_ai.response.id": "r1",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.request.stream": True,
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.seed": 0,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.stop_sequences": ["."],
        "gen_ai.request.reasoning.level": "low",
        "gen_ai.output.type": "json",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.cache_write.input_tokens": 2,
        "gen_ai.usage.reasoning.output_tokens": 3,
        "gen_ai.conversation.id": "t1",
        "session.id": "s1",
        "user.id": "u1",
        "spanbridge.provider": "azure",
    }
    assert {key: attributes.get(key) for key in expected} == expected
    assert from_json(attributes["gen_ai.input.messages"]) == [
        {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
        {"role": "user", "parts": [{"type": "text", "content": "Hi"}]},
    ]
    assert from_json(attributes["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Hello."}], "finish_reason": "stop"}
    ]
    assert from_json(attributes["gen_ai.tool.definitions"]) == [{"type": "function", "name": "search"}]
    assert "spanbridge.input" not in attributes


@pytest.mark.parametrize("span_type", [SpanType.MODEL_GENERATION, SpanType.MODEL_INFERENCE])
def test_parameters_as_attributes(span_type: SpanType) -> None:
    """A parameter that is given by its own keyword stands where one in `parameters` does; where both are, none is lost."""
    original = record(
        span_type,
        name="chat m",
        attributes={
            "model": "m",
            "temperature": 0.5,
            "max_tokens": 9,
            "top_k": "many",
            "max_retries": 2,
            "seed": 7,
            "parameters": {"seed": 8, "top_p": 0.9},
        },
    )
    span = write_span(original)

    assert {key: value for key, value in span.attributes.items() if key.startswith("gen_ai.request.")} == {
        "gen_ai.request.model": "m",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.seed": 8,
        "gen_ai.request.top_p": 0.9,
    }
    assert not {"temperature", "max_tokens"} & span.attributes.keys()
    assert read_span(span).to_dict() == original.to_dict()


def test_an_agent_and_its_tool() -> None:
    """Agents have their identity and instructions, tools their arguments and result as JSON."""
    agent = write_span(
        record(
            SpanType.AGENT_RUN,
            name="support",
            input="Where is order 7?",
            attributes={"agent_id": "a1", "agent_version": "3", "conversation_id": "c1", "instructions": "Be kind."},
        )
    ).attributes
    tool = write_span(
        record(
            SpanType.TOOL_CALL,
            name="search",
            input={"q": "x"},
            output=["y"],
            attributes={"tool_call_id": "call_1", "tool_type": "function", "tool_description": "Finds."},
        )
    ).attributes

    assert [agent[f"gen_ai.{key}"] for key in ("agent.name", "agent.id", "agent.version", "conversation.id")] == [
        "support",
        "a1",
        "3",
        "c1",
    ]
    assert from_json(agent["gen_ai.system_instructions"]) == [{"type": "text", "content": "Be kind."}]
    assert from_json(agent["gen_ai.input.messages"])[0]["role"] == "user"
    assert [tool[f"gen_ai.tool.{key}"] for key in ("name", "call.id", "type", "description")] == [
        "search",
        "call_1",
        "function",
        "Finds.",
    ]
    assert (tool["gen_ai.tool.call.arguments"], tool["gen_ai.tool.call.result"]) == ('{"q":"x"}', ["y"])


def test_an_error() -> None:
    """The exception is an event with its real type, message and stack; the status is an error, with its message."""
    error = {
        "type": "shop.errors.OutOfStock",
        "message": "none left",
        "stack": "Traceback ...\n",
        "causes": [{"type": "KeyError", "message": "7", "relation": "cause"}],
    }
    span = write_span(record(status=Status.ERROR, error=error))
    (event,) = span.events

    assert (span.status, span.status_message, span.attributes["error.type"]) == (
        "error",
        "none left",
        "shop.errors.OutOfStock",
    )
    assert (event.name, event.time_ns) == ("exception", START + 5_000_000)
    assert [event.attributes[f"exception.{key}"] for key in ("type", "message", "stacktrace")] == [
        "shop.errors.OutOfStock",
        "none left",
        "Traceback ...\n",
    ]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status.OK, ("unset", "", None)),
        (Status.ERROR, ("error", "", "_OTHER")),
        (Status.CANCELLED, ("error", "cancelled", "cancelled")),
        (Status.ABANDONED, ("error", "abandoned", "abandoned")),
        (Status.SUSPENDED, ("unset", "", None)),
    ],
)
def test_statuses(status, expected) -> None:
    """What did not do what it was asked to is an error; all six of ours are read back."""
    span = write_span(record(status=status))

    assert (span.status, span.status_message, span.attributes.get("error.type")) == expected
    assert read_span(span).status is status


def test_links_and_events() -> None:
    """Links keep their type, events their time."""
    span = write_span(
        record(
            links=[{"trace_id": TRACE_ID, "span_id": OTHER_ID, "type": "retry_of", "attributes": {"n": 2}}],
            events=[{"name": "approved", "time": START + 7, "attributes": {"by": "policy"}}],
        )
    )

    assert span.links == [(TRACE_ID, OTHER_ID, {"n": 2, "spanbridge.link.type": "retry_of"})]
    assert span.events == [("approved", START + 7, {"by": "policy"})]


@pytest.mark.parametrize(
    ("score", "value", "label"), [(0.5, 0.5, None), (3, 3.0, None), ("good", None, "good"), (True, 1.0, "true")]
)
def test_scores(score, value, label) -> None:
    """A score is an evaluation's result too; read back, it is there once."""
    original = record(
        SpanType.SCORER_RUN, name="helpful", is_event=True, attributes={"score": score, "reason": "because"}
    )
    span = write_span(original)
    (event,) = span.events

    assert event.name == "gen_ai.evaluation.result"
    assert [event.attributes.get(f"gen_ai.evaluation.{key}") for key in ("name", "score.value", "score.label")] == [
        "helpful",
        value,
        label,
    ]
    assert event.attributes["gen_ai.evaluation.explanation"] == "because"
    assert read_span(span).to_dict() == original.to_dict()


def test_attributes_of_your_own_keep_their_names() -> None:
    """An attribute that no type defines is not renamed, unless a convention or we use its name."""
    attributes = write_span(
        record(
            SpanType.TOOL_CALL,
            name="t",
            attributes={"shop.id": 7, "flags": [True], "nested": {"a": [1, "x"]}, "gen_ai.tool.name": "other"},
            metadata={"tenant": "t1"},
        )
    ).attributes

    assert attributes["shop.id"] == 7
    assert attributes["flags"] == [True]
    assert from_json(attributes["nested"]) == {"a": [1, "x"]}
    assert attributes["spanbridge.json"] == ["nested"]
    assert attributes["gen_ai.tool.name"] == "t"
    assert attributes["spanbridge.attributes.gen_ai.tool.name"] == "other"
    assert attributes["spanbridge.metadata.tenant"] == "t1"


def test_tokens_are_counted_once_in_a_trace() -> None:
    """Of spans that report the same tokens one has them under `gen_ai.usage`; the others keep them under our name."""
    usage = {"input_tokens": 10, "output_tokens": 5}
    own = record(
        SpanType.MODEL_GENERATION,
        attributes={"usage": usage},
        input_tokens=10,
        output_tokens=5,
        billed_input_tokens=10,
        billed_output_tokens=5,
    )
    above = record(SpanType.MODEL_INFERENCE, attributes={"usage": usage}, input_tokens=10, output_tokens=5)
    rolled_up = record(SpanType.MODEL_GENERATION, billed_input_tokens=10, billed_output_tokens=5)

    def summed(*records: Any) -> int:
        return sum(write_span(item).attributes.get("gen_ai.usage.input_tokens", 0) for item in records)

    assert summed(own, above) == 10
    assert summed(above, rolled_up) == 10
    for original in (own, above, rolled_up):
        back = read_span(write_span(original))
        assert back.to_dict() == original.to_dict()
        assert (back.input_tokens, back.billed_input_tokens) == (original.input_tokens, original.billed_input_tokens)


def test_long_names_are_cut_and_kept() -> None:
    """A name is short, for backends group by it; the whole of it is read back."""
    original = record(name="n" * 5000)
    span = write_span(original)

    assert len(span.name) == 256
    assert read_span(span).name == "n" * 5000


@pytest.mark.parametrize(
    ("parents", "expected"),
    [
        ({}, False),
        ({"parent_span_id": OTHER_ID}, False),
        ({"external_parent_span_id": OTHER_ID}, None),
        ({"parent_span_id": OTHER_ID, "external_parent_span_id": "1" * 16}, None),
    ],
)
def test_whether_the_parent_is_remote(parents, expected) -> None:
    """A parent of ours is in this process; where another tracer's is nobody has told."""
    assert write_span(record(**parents)).parent_is_remote is expected
