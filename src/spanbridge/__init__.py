"""spanbridge: observability for AI agents.

    import spanbridge as sb

    sb.configure(service_name="support-bot")
    with sb.agent_run("support", input=question) as run:
        with sb.tool_call("search", input={"q": question}) as tool:
            tool.set(output=search(question))
        run.set(output=reply)

Importing it is cheap: what configuration, stores, exporters and processors need loads when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from spanbridge.errors import AttributesError, ConfigurationError, SpanbridgeError, StoreError
from spanbridge.model.span_types import SpanType
from spanbridge.model.usage import Usage
from spanbridge.tracing.active_span import Span
from spanbridge.tracing.context import current_span, suppress, update_current
from spanbridge.tracing.openers import (
    agent_run,
    agent_signal,
    classifier_evaluation,
    client_tool_call,
    generic,
    graph_action,
    mapping,
    mcp_server_request,
    mcp_tool_call,
    memory_operation,
    model_chunk,
    model_generation,
    model_inference,
    model_step,
    processor_run,
    provider_tool_call,
    rag_action,
    rag_embedding,
    rag_ingestion,
    rag_vector_operation,
    scorer_run,
    scorer_step,
    skill_action,
    span,
    start_span,
    tool_call,
    workflow_conditional,
    workflow_conditional_eval,
    workflow_loop,
    workflow_parallel,
    workflow_run,
    workflow_sleep,
    workflow_step,
    workflow_wait_event,
    workspace_action,
)

if TYPE_CHECKING:
    from spanbridge.configuration.configure import configure
    from spanbridge.exporters.console import ConsoleExporter
    from spanbridge.exporters.jsonl import JsonLinesExporter
    from spanbridge.exporters.memory import InMemoryExporter
    from spanbridge.exporters.storage_exporter import StorageExporter
    from spanbridge.model.span import Link, SpanRecord, Status
    from spanbridge.observability import Observability, flush, shutdown, stats
    from spanbridge.pipeline.routing import Route, route
    from spanbridge.pipeline.tail_sampling import TailSampling
    from spanbridge.processors.sensitive_data import SensitiveDataFilter
    from spanbridge.protocols import Delivered, Rejected, Retry, SamplingInput
    from spanbridge.storage.location import open_store
    from spanbridge.tracing.attempts import attempts
    from spanbridge.tracing.log_correlation import (
        SpanLogHandler,
        StructlogProcessor,
        TraceContextFilter,
        instrument_logging,
        uninstrument_logging,
    )
    from spanbridge.tracing.middleware import ASGIMiddleware, WSGIMiddleware
    from spanbridge.tracing.propagation import extract, inject
    from spanbridge.tracing.request_context import request_context
    from spanbridge.tracing.sampling import AlwaysSampling, NeverSampling, ParentBasedSampling, RatioSampling
    from spanbridge.tracing.scoring import score
    from spanbridge.tracing.threads import instrument_threads, uninstrument_threads
    from spanbridge.tracing.wrap_context import wrap_context

__version__ = "0.1.0"

_LAZY = {
    "ASGIMiddleware": "spanbridge.tracing.middleware",
    "AlwaysSampling": "spanbridge.tracing.sampling",
    "ConsoleExporter": "spanbridge.exporters.console",
    "Delivered": "spanbridge.protocols",
    "InMemoryExporter": "spanbridge.exporters.memory",
    "JsonLinesExporter": "spanbridge.exporters.jsonl",
    "Link": "spanbridge.model.span",
    "NeverSampling": "spanbridge.tracing.sampling",
    "Observability": "spanbridge.observability",
    "ParentBasedSampling": "spanbridge.tracing.sampling",
    "RatioSampling": "spanbridge.tracing.sampling",
    "Rejected": "spanbridge.protocols",
    "Retry": "spanbridge.protocols",
    "Route": "spanbridge.pipeline.routing",
    "SamplingInput": "spanbridge.protocols",
    "SensitiveDataFilter": "spanbridge.processors.sensitive_data",
    "SpanRecord": "spanbridge.model.span",
    "Status": "spanbridge.model.span",
    "SpanLogHandler": "spanbridge.tracing.log_correlation",
    "StorageExporter": "spanbridge.exporters.storage_exporter",
    "StructlogProcessor": "spanbridge.tracing.log_correlation",
    "TailSampling": "spanbridge.pipeline.tail_sampling",
    "TraceContextFilter": "spanbridge.tracing.log_correlation",
    "WSGIMiddleware": "spanbridge.tracing.middleware",
    "attempts": "spanbridge.tracing.attempts",
    "configure": "spanbridge.configuration.configure",
    "extract": "spanbridge.tracing.propagation",
    "flush": "spanbridge.observability",
    "inject": "spanbridge.tracing.propagation",
    "instrument_logging": "spanbridge.tracing.log_correlation",
    "instrument_threads": "spanbridge.tracing.threads",
    "open_store": "spanbridge.storage.location",
    "request_context": "spanbridge.tracing.request_context",
    "route": "spanbridge.pipeline.routing",
    "score": "spanbridge.tracing.scoring",
    "shutdown": "spanbridge.observability",
    "stats": "spanbridge.observability",
    "uninstrument_logging": "spanbridge.tracing.log_correlation",
    "uninstrument_threads": "spanbridge.tracing.threads",
    "wrap_context": "spanbridge.tracing.wrap_context",
}
"""Public names that load on first use, and the module that each stands in."""


def __getattr__(name: str) -> Any:
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})


__all__ = [
    "ASGIMiddleware",
    "AlwaysSampling",
    "AttributesError",
    "ConfigurationError",
    "ConsoleExporter",
    "Delivered",
    "InMemoryExporter",
    "JsonLinesExporter",
    "Link",
    "NeverSampling",
    "Observability",
    "ParentBasedSampling",
    "RatioSampling",
    "Rejected",
    "Retry",
    "Route",
    "SamplingInput",
    "SensitiveDataFilter",
    "Span",
    "SpanLogHandler",
    "SpanRecord",
    "SpanType",
    "SpanbridgeError",
    "Status",
    "StorageExporter",
    "StoreError",
    "StructlogProcessor",
    "TailSampling",
    "TraceContextFilter",
    "Usage",
    "WSGIMiddleware",
    "__version__",
    "agent_run",
    "agent_signal",
    "attempts",
    "classifier_evaluation",
    "client_tool_call",
    "configure",
    "current_span",
    "extract",
    "flush",
    "generic",
    "graph_action",
    "inject",
    "instrument_logging",
    "instrument_threads",
    "mapping",
    "mcp_server_request",
    "mcp_tool_call",
    "memory_operation",
    "model_chunk",
    "model_generation",
    "model_inference",
    "model_step",
    "open_store",
    "processor_run",
    "provider_tool_call",
    "rag_action",
    "rag_embedding",
    "rag_ingestion",
    "rag_vector_operation",
    "request_context",
    "route",
    "score",
    "scorer_run",
    "scorer_step",
    "shutdown",
    "skill_action",
    "span",
    "start_span",
    "stats",
    "suppress",
    "tool_call",
    "uninstrument_logging",
    "uninstrument_threads",
    "update_current",
    "workflow_conditional",
    "workflow_conditional_eval",
    "workflow_loop",
    "workflow_parallel",
    "workflow_run",
    "workflow_sleep",
    "workflow_step",
    "workflow_wait_event",
    "workspace_action",
    "wrap_context",
]
