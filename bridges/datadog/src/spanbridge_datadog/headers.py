"""Context between processes, in the formats that ddtrace is configured for: Datadog's and W3C's by default."""

# ddtrace's own types are partly unknown to a type checker.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownArgumentType=false

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from ddtrace.llmobs import LLMObs
from ddtrace.propagation.http import HTTPPropagator
from ddtrace.trace import tracer

from spanbridge.protocols import NativeContext
from spanbridge_datadog import native
from spanbridge_datadog.activation import starting
from spanbridge_datadog.handle import NativeSpan

if TYPE_CHECKING:
    from collections.abc import Mapping


def inject(parent: Any, headers: dict[str, str]) -> None:
    """The headers of `parent`, a native span, or what is active of an external parent."""
    if isinstance(parent, NativeSpan):
        apm, llm = parent.span.context, parent.llm
    else:
        apm, llm = parent
        apm = apm.context if hasattr(apm, "duration_ns") else apm
    copy_context().run(_inject, apm, llm, headers)


def _inject(apm: Any, llm: Any, headers: dict[str, str]) -> None:
    """In a context of its own: ddtrace takes LLM Observability's part from what is active, whatever it is asked for."""
    starting.set(True)
    provider = native.llm_provider()
    if provider is not None:
        provider.activate(llm)
    HTTPPropagator.inject(apm, headers)


def extract(headers: Mapping[str, str]) -> NativeContext | None:
    """The remote parent in a stranger's headers."""
    return copy_context().run(_extract, dict(headers))


def _extract(headers: dict[str, str]) -> NativeContext | None:
    starting.set(True)
    provider = native.llm_provider()
    if provider is not None:
        provider.activate(None)
    if LLMObs.enabled:
        LLMObs.activate_distributed_headers(headers)
        context = tracer.context_provider.active()
    else:
        context = HTTPPropagator.extract(headers)
    if context is None or not context.trace_id or not context.span_id:
        return None
    priority = context.sampling_priority
    llm = None if provider is None else provider.active()
    return NativeContext(
        context.trace_id, context.span_id, sampled=priority is None or priority > 0, native=(context, llm)
    )
