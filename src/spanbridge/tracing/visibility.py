"""What an application keeps out of its traces: whole spans, and what a span was given or gave back.

A hidden span (of an excluded type, or internal) is still an ambient parent, and its tokens still count, but no exit ever gets it: its
children attach to its nearest visible ancestor, which is known when they start.

Hidden input and output never leave the caller's thread: they are not captured, and neither are the copies that might quote them, which
are the attributes that hold content, what events say, and the messages of exceptions, also on the spans that such an exception passes
through afterwards.
"""

# It is a part of the span, in a file of its own.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spanbridge.tracing.captured import is_on

if TYPE_CHECKING:
    from spanbridge.tracing.active_span import Span
    from spanbridge.tracing.tracer import TraceState

HIDE_INPUT, HIDE_OUTPUT = 1, 2
"""What a span hides, as the sum of these."""
NOT_SEEN = 4
"""Added for a hidden span: its payloads are not captured, because nobody would see them."""
NO_INPUT, NO_OUTPUT, QUOTES_NOTHING = HIDE_INPUT | NOT_SEEN, HIDE_OUTPUT | NOT_SEEN, HIDE_INPUT | HIDE_OUTPUT
"""What is looked for: whether input or output is captured, and whether messages may quote them."""

_INPUT_ATTRIBUTES = frozenset(
    {
        "arguments",
        "input_messages",
        "instructions",
        "message_list_mutations",
        "messages",
        "prompt",
        "query",
        "system_instructions",
        "system_prompt",
        "tripwire_abort",
    }
)
_OUTPUT_ATTRIBUTES = frozenset(
    {"completion", "message_list_mutations", "output_messages", "reasoning", "result_text", "tool_calls"}
)
# Of the dialects of OpenTelemetry's GenAI conventions, OpenInference, OpenLLMetry and the Vercel AI SDK.
_INPUT_PREFIXES = (
    "ai.prompt",
    "ai.toolCall.args",
    "gen_ai.input.",
    "gen_ai.prompt",
    "gen_ai.retrieval.query",
    "gen_ai.system_instructions",
    "gen_ai.tool.call.arguments",
    "input.",
    "llm.input_messages",
    "llm.prompts",
    "traceloop.entity.input",
)
_OUTPUT_PREFIXES = (
    "ai.response.text",
    "ai.response.toolCalls",
    "ai.toolCall.result",
    "gen_ai.completion",
    "gen_ai.output.",
    "gen_ai.retrieval.documents",
    "gen_ai.tool.call.result",
    "llm.completions",
    "llm.output_messages",
    "output.",
    "retrieval.documents",
    "traceloop.entity.output",
)


def hidden_by(options: dict[str, Any], trace: TraceState) -> int:
    """What the options `hide_input` and `hide_output` hide; "trace" hides it on all spans of the trace that start from now on."""
    hides = 0
    for option, flag in (("hide_input", HIDE_INPUT), ("hide_output", HIDE_OUTPUT)):
        value = options.pop(option, False)
        if isinstance(value, str) and value == "trace":
            trace.hides |= flag
        if is_on(value):
            hides |= flag
    return hides


def without_content(attributes: dict[str, Any], hides: int) -> dict[str, Any]:
    """The attributes without those that hold what is hidden."""
    return {name: value for name, value in attributes.items() if not _holds(name, hides)}


def hidden_names(hides: int) -> list[str]:
    """For the attribute `hidden`."""
    return [name for name, flag in (("input", HIDE_INPUT), ("output", HIDE_OUTPUT)) if hides & flag]


def visible_id(span: Span) -> int:
    """The id to name to others: a hidden span's nearest visible ancestor's, and its own only where there is none."""
    if not span._is_hidden:
        return span._id
    ancestor, external = span._visible_parent
    return ancestor or (int(external, 16) if external else span._id)


def _holds(name: str, hides: int) -> bool:
    return bool(
        (hides & HIDE_INPUT and (name in _INPUT_ATTRIBUTES or name.startswith(_INPUT_PREFIXES)))
        or (hides & HIDE_OUTPUT and (name in _OUTPUT_ATTRIBUTES or name.startswith(_OUTPUT_PREFIXES)))
    )
