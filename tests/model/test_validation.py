"""Validation of typed attributes at the borders."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timezone
from typing import Any

import pytest

from spanbridge.errors import AttributesError
from spanbridge.model.attributes import ATTRIBUTES
from spanbridge.model.span_types import SpanType
from spanbridge.model.usage import Usage
from spanbridge.model.validation import validate_attributes

REQUIRED = {
    SpanType.MCP_TOOL_CALL: ["mcp_server"],
    SpanType.MCP_SERVER_REQUEST: ["mcp_method", "mcp_server"],
    SpanType.WORKFLOW_CONDITIONAL: ["condition_count"],
    SpanType.WORKFLOW_CONDITIONAL_EVAL: ["condition_index"],
    SpanType.WORKFLOW_PARALLEL: ["branch_count"],
    SpanType.WORKSPACE_ACTION: ["category"],
    SpanType.RAG_VECTOR_OPERATION: ["operation"],
    SpanType.RAG_ACTION: ["action"],
    SpanType.GRAPH_ACTION: ["action"],
    SpanType.SKILL_ACTION: ["operation"],
}


def problems_of(span_type: SpanType, **attributes: Any) -> list[str]:
    """What validation has to say, one entry for each problem."""
    try:
        validate_attributes(span_type, attributes)
    except AttributesError as error:
        prefix = f"attributes of a {span_type.value} span: "
        assert str(error).startswith(prefix)
        return str(error).removeprefix(prefix).split("; ")
    return []


@pytest.mark.parametrize("span_type", list(ATTRIBUTES))
def test_every_type_says_what_it_requires(span_type: SpanType) -> None:
    """A span without attributes is valid unless its type requires some, and then each missing one is named."""
    missing = problems_of(span_type)

    assert sorted(missing) == [f"{name} is missing, and required" for name in REQUIRED.get(span_type, [])]


def test_attributes_as_a_caller_passes_them() -> None:
    """Usage objects, nested definitions, attributes of no definition and None are all valid."""
    problems = problems_of(
        SpanType.MODEL_GENERATION,
        model="gpt-5.4",
        usage=Usage(input_tokens=812, input_details={"cache_read": 5}),
        tools=[{"type": "function", "name": "search", "parameters": {"type": "object"}}],
        tool_choice={"type": "any"},
        parameters={"temperature": 1, "stop_sequences": ["."], "reasoning_budget": 5},
        finish_reason=None,
        my_own_attribute=object(),
    )

    assert problems == []


def test_attributes_as_they_are_read_back() -> None:
    """Plain JSON values of a valid span are valid: usage and cost as dicts, an unknown cost as None."""
    problems = problems_of(
        SpanType.MODEL_GENERATION,
        usage={"input_tokens": 812, "output_tokens": 96, "input_details": {"cache_read": 5}},
        cost_context={"estimated_cost": None, "cost_unit": "usd", "reason": "no_matching_model"},
        streaming=False,
        completion_start_time=1_700_000_000_000_000_000,
    )

    assert problems == []


@pytest.mark.parametrize("until", ["2026-11-21T10:00:00Z", datetime(2026, 11, 21, tzinfo=timezone.utc)])
def test_a_date_is_a_datetime_or_text(until: object) -> None:
    """`until_date` is what a caller has, or what JSON keeps of it."""
    assert problems_of(SpanType.WORKFLOW_SLEEP, until_date=until, duration_ms=5) == []


@pytest.mark.parametrize(
    ("span_type", "attributes", "problem"),
    [
        (SpanType.MODEL_STEP, {"step_index": "1"}, "step_index is '1', expected a valid integer"),
        (SpanType.MODEL_STEP, {"step_index": True}, "step_index is True, expected a valid integer"),
        (SpanType.MODEL_STEP, {"step_index": 1.0}, "step_index is 1.0, expected a valid integer"),
        (SpanType.MODEL_STEP, {"is_continued": 1}, "is_continued is 1, expected a valid boolean"),
        (SpanType.MODEL_STEP, {"model": b"m"}, "model is b'm', expected a valid string"),
        (SpanType.WORKFLOW_SLEEP, {"duration_ms": True}, "duration_ms is True, expected a valid number"),
        (SpanType.WORKFLOW_SLEEP, {"sleep_type": "long"}, "sleep_type is 'long', expected 'fixed' or 'dynamic'"),
        (SpanType.WORKFLOW_SLEEP, {"until_date": 5}, "until_date is 5, expected a valid datetime or a valid string"),
        (SpanType.AGENT_RUN, {"available_tools": ["a", 2]}, "available_tools[1] is 2, expected a valid string"),
        (SpanType.AGENT_RUN, {"available_tools": "a"}, "available_tools is 'a', expected a valid list"),
        (SpanType.AGENT_RUN, {"incomplete": "no"}, "incomplete is 'no', expected 'closed', "),
        (
            SpanType.MEMORY_OPERATION,
            {"last_messages": True},
            "last_messages is True, expected a valid integer or False",
        ),
        (SpanType.MODEL_STEP, {"usage": 5}, "usage is 5, expected a valid dictionary"),
        (
            SpanType.MODEL_STEP,
            {"usage": {"input_tokens": "5"}},
            "usage.input_tokens is '5', expected a valid integer",
        ),
        (
            SpanType.MODEL_STEP,
            {"usage": Usage(input_details={"text": "5"})},  # type: ignore[typeddict-item] - that is the point
            "usage.input_details.text is '5', expected a valid integer",
        ),
        (
            SpanType.MODEL_GENERATION,
            {"tools": [{"type": "function"}]},
            "tools[0].name is missing, and required",
        ),
        (
            SpanType.MODEL_GENERATION,
            {"tool_choice": 5},
            "tool_choice is 5, expected a valid string or a valid dictionary",
        ),
    ],
)
def test_a_wrong_attribute_is_named(span_type: SpanType, attributes: dict[str, Any], problem: str) -> None:
    """The error names the wrong part, its value and what is expected; no type is taken for another."""
    problems = problems_of(span_type, **attributes)

    assert len(problems) == 1
    assert problems[0].startswith(problem)


def test_all_problems_are_reported_at_once() -> None:
    """Every wrong attribute and every missing one is in the one error."""
    problems = problems_of(SpanType.MCP_SERVER_REQUEST, mcp_method=5, target_name=[], client_name="cli")

    assert sorted(problems) == [
        "mcp_method is 5, expected a valid string",
        "mcp_server is missing, and required",
        "target_name is [], expected a valid string",
    ]


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("x" * 1_000_000, id="long text"),
        pytest.param(["y" * 50] * 50, id="long list"),
        pytest.param({f"k{i}": i for i in range(1_000)}, id="long dict"),
        pytest.param(Hostile(), id="repr raises"),
        pytest.param([10**5_000], id="huge integer"),
    ],
)
def test_the_value_is_shown_short(value: object) -> None:
    """Whatever the value is, at most 80 characters of it are shown."""
    with pytest.raises(AttributesError) as caught:
        validate_attributes(SpanType.MODEL_STEP, {"step_index": value})

    shown = str(caught.value).partition("step_index is ")[2].removesuffix(", expected a valid integer")
    assert 0 < len(shown) <= 80


def test_pydantic_is_loaded_by_the_first_check() -> None:
    """Importing the module does not import pydantic; checking does."""
    script = (
        "import sys; from spanbridge.model.validation import validate_attributes as v;"
        "from spanbridge.model.span_types import SpanType; print('pydantic' in sys.modules);"
        "v(SpanType.GENERIC, {}); print('pydantic' in sys.modules)"
    )

    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert output.split() == ["False", "True"]
