"""What an application keeps out of its traces: whole spans, and what a span was given or gave back.

A hidden span (of an excluded type, or internal) is still an ambient parent, and its tokens still count, but no exit ever gets it: its
children attach to its nearest visible ancestor, which is known when they start.

Hidden input and output never leave the caller's thread: they are not captured, and neither are the copies that might quote them, which
are attributes that hold content or may, what events and log records say, and the messages of exceptions, also on the spans that such an
exception passes through afterwards.
"""

# It is a part of the span, in a file of its own.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from spanbridge.tracing.captured import is_on, misused

if TYPE_CHECKING:
    from spanbridge.tracing.active_span import Span
    from spanbridge.tracing.tracer import Tracer, TraceState

HIDE_INPUT, HIDE_OUTPUT = 1, 2
"""What a span hides, as the sum of these."""
NOT_SEEN = 4
"""Added for a hidden span: its payloads are not captured, because nobody would see them."""
NO_INPUT, NO_OUTPUT, QUOTES_NOTHING = HIDE_INPUT | NOT_SEEN, HIDE_OUTPUT | NOT_SEEN, HIDE_INPUT | HIDE_OUTPUT
"""What is looked for: whether input or output is captured, and whether messages may quote them."""

_CONTENT = {
    "instructions": HIDE_INPUT,
    "message_list_mutations": HIDE_INPUT | HIDE_OUTPUT,
    "prompt": HIDE_INPUT,
    "tripwire_abort": HIDE_INPUT | HIDE_OUTPUT,
}
"""Typed attributes that hold content of the input or the output."""
MAX_TRACES = 10_000
"""Traces of which it is remembered that they hide something, for spans that start under another local root."""


def hidden_by(options: dict[str, Any], trace: TraceState, tracer: Tracer) -> int:
    """What the options `hide_input` and `hide_output` hide; "trace" hides it on all spans of the trace that start from now on."""
    hides = 0
    for option, flag in (("hide_input", HIDE_INPUT), ("hide_output", HIDE_OUTPUT)):
        value = options.pop(option, None)
        if value is None:
            continue
        if isinstance(value, str):
            if value != "trace":  # as what was meant may be
                misused(tracer.intake, option, value, 'True, False or "trace"')
            hide_in_trace(trace, tracer, flag)
        if is_on(value):
            hides |= flag
    return hides


def hide_in_trace(trace: TraceState, tracer: Tracer, flag: int) -> None:
    """Spans of the trace that start from now on hide it."""
    trace.hides |= flag
    hiding = tracer.hiding_traces
    hiding[trace.trace_id] = hiding.get(trace.trace_id, 0) | flag
    if len(hiding) > MAX_TRACES:
        with suppress(RuntimeError):  # another thread has added one meanwhile
            hiding.pop(next(iter(hiding), 0), None)


def without_content(attributes: dict[str, Any], hides: int) -> dict[str, Any]:
    """The attributes that do not hold what is hidden: typed ones, and of others numbers and truth values."""
    if not hides & QUOTES_NOTHING:
        return attributes
    known = _typed_names()
    return {
        name: value
        for name, value in attributes.items()
        if (not _CONTENT[name] & hides if name in _CONTENT else name in known or type(value) in _NUMBERS)
    }


@cache
def _typed_names() -> frozenset[str]:
    from spanbridge.model.attributes import ATTRIBUTES  # noqa: PLC0415 - loads where something is hidden

    names: frozenset[str] = frozenset()
    return names.union(*(definition.__annotations__ for definition in ATTRIBUTES.values()))


_NUMBERS = frozenset({bool, float, int})


def hidden_names(hides: int) -> list[str]:
    """For the attribute `hidden`."""
    return [name for name, flag in (("input", HIDE_INPUT), ("output", HIDE_OUTPUT)) if hides & flag]


def visible_id(span: Span) -> int | None:
    """The id to name to others: a hidden span's nearest visible ancestor's; None where there is none."""
    if not span._is_hidden:
        return span._id
    ancestor, external = span._visible_parent
    return ancestor or (int(external, 16) if external else None)
