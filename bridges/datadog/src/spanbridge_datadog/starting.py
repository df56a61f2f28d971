"""How a native span starts: its parents in both contexts, its kind, its trace id. The caller's context stays as it is."""

# ddtrace's own types are partly unknown to a type checker.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownArgumentType=false

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from ddtrace.llmobs import LLMObs
from ddtrace.trace import Context, tracer

from spanbridge.model.span_types import SpanType
from spanbridge_datadog import native
from spanbridge_datadog.activation import starting
from spanbridge_datadog.handle import NativeSpan
from spanbridge_llmobs.kinds import KINDS

if TYPE_CHECKING:
    from spanbridge.protocols import NativeStart

OPERATIONS = {span_type: f"spanbridge.{span_type.value}" for span_type in SpanType}
"""Names of operations, as APM's metrics are named by: stable, and few."""


def start_native(start: NativeStart, *, service: str | None) -> NativeSpan:
    """A started native span that is not active."""
    parent: NativeSpan | None = start.parent
    if parent is not None:
        apm, llm = parent.span, parent.llm
    elif start.external is not None:
        apm, llm = start.external.native or (_remote(start.external), None)
    else:
        apm, llm = Context(trace_id=start.trace_id, span_id=None), None
    kind = KINDS[start.type] if LLMObs.enabled else None
    if kind is None:
        span = tracer.start_span(OPERATIONS[start.type], child_of=apm, service=service)
    else:
        span = copy_context().run(_start_llm, kind, OPERATIONS[start.type], apm, llm)
        if service is not None:
            span.service = service
        llm = span
    span.start_ns = start.started_at
    return NativeSpan(span, start.type, parent, llm)


def _start_llm(kind: str, name: str, apm: Any, llm: Any) -> Any:
    """Starts a span of LLM Observability, in a context of its own: it takes its parents from what is active, and becomes active."""
    starting.set(True)
    # Of what has ended, the contexts: ddtrace would fall back on an ancestor.
    if hasattr(apm, "duration_ns") and apm.duration_ns is not None:
        apm = apm.context
    _make_active(tracer.context_provider, apm)
    provider = native.llm_provider()
    if provider is not None:
        if hasattr(llm, "duration_ns") and llm.duration_ns is not None:
            llm = native.context_of_ended(llm)
        _make_active(provider, llm)
    return getattr(LLMObs, kind)(name=name)


def _make_active(provider: Any, parent: Any) -> None:
    if provider.active() is not parent:  # mostly it is: to look costs less than to have all of ddtrace told once more
        provider.activate(parent)


def _remote(external: Any) -> Any:
    return Context(trace_id=external.trace_id, span_id=external.span_id, sampling_priority=1 if external.sampled else 0)
