"""Everything of ddtrace that is used and not public, each with its way out where a version lacks it. 3.19 to 4.x."""

# ddtrace's own types are partly unknown to a type checker, and its private names are this module's subject.
# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportMissingImports=false, reportUnknownParameterType=false, reportMissingTypeStubs=false, reportAttributeAccessIssue=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import ddtrace
from ddtrace.llmobs import LLMObs
from ddtrace.trace import Context, tracer

from spanbridge.errors import BridgeUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

OLDEST, BELOW = (3, 19), (5, 0)


def require_known_version(version: str = ddtrace.__version__) -> None:
    """Raises BridgeUnavailableError for a ddtrace that the bridge was not tried with."""
    match = re.match(r"(\d+)\.(\d+)", version)
    if match is None or not OLDEST <= (int(match[1]), int(match[2])) < BELOW:
        raise BridgeUnavailableError(
            f"ddtrace {version} is installed, and the Datadog bridge works with 3.19 to 4.x: pip install 'ddtrace>=3.19,<5'"
        )


def llm_provider() -> Any:
    """What says which span of LLM Observability is active; None where this version has none to ask."""
    return getattr(getattr(LLMObs, "_instance", None), "_llmobs_context_provider", None)


def replace_llm_provider(provider: Any) -> None:
    """Puts `provider` in its place."""
    LLMObs._instance._llmobs_context_provider = provider


def apm_variable() -> Any:
    """The context variable behind APM's provider; None where this version has none."""
    from ddtrace._trace import provider  # noqa: PLC0415 - private

    return getattr(provider, "_DD_CONTEXTVAR", None)


def llm_variable() -> Any:
    """The context variable behind LLM Observability's provider; None where this version has none."""
    from ddtrace.llmobs import _context  # noqa: PLC0415 - private

    return getattr(_context, "_DD_LLMOBS_CONTEXTVAR", None)


def is_default(provider: Any) -> bool:
    """Whether a provider is one of ddtrace's own, which keep in these variables."""
    return type(provider).__module__.startswith("ddtrace")


def finish(span: Any, ended_at: int) -> None:
    """Finishes at exactly `ended_at`, nanoseconds since the epoch."""
    finish_ns = getattr(span, "_finish_ns", None)
    if finish_ns is None:
        span.finish(finish_time=ended_at / 1e9)
    else:
        finish_ns(ended_at)


def _annotator() -> Callable[[Any, dict[str, Any]], None]:
    """Sets what only the start of a span of LLM Observability takes in public, name, kind, model and provider; and tags, at any time."""
    try:
        from ddtrace.llmobs._utils import _annotate_llmobs_span_data as annotate  # noqa: PLC0415 - not in 3.x

        if {"name", "kind", "model_name", "model_provider", "tags"} <= set(inspect.signature(annotate).parameters):
            return lambda span, fields: annotate(span, **fields)
    except ImportError:
        pass
    from ddtrace.llmobs import _constants  # noqa: PLC0415 - where the above is not

    keys = {
        "name": _constants.NAME,
        "kind": _constants.SPAN_KIND,
        "model_name": _constants.MODEL_NAME,
        "model_provider": _constants.MODEL_PROVIDER,
        "tags": _constants.TAGS,
    }

    def set_items(span: Any, fields: dict[str, Any]) -> None:
        for name, value in fields.items():
            before = span._get_ctx_item(keys[name]) if name == "tags" else None
            span._set_ctx_item(keys[name], {**before, **value} if before else value)

    return set_items


set_llm_fields = _annotator()


def _reader() -> Callable[[Any], tuple[str | None, str | None]]:
    try:
        from ddtrace.llmobs._utils import get_llmobs_span_kind, get_llmobs_tags  # noqa: PLC0415 - not in 3.x
    except ImportError:
        from ddtrace.llmobs._constants import INTEGRATION, SPAN_KIND  # noqa: PLC0415 - where the above is not

        return lambda span: (span._get_ctx_item(INTEGRATION), span._get_ctx_item(SPAN_KIND))
    return lambda span: ((get_llmobs_tags(span) or {}).get("integration"), get_llmobs_span_kind(span))


integration_and_kind = _reader()
"""Which of ddtrace's integrations opened a span of LLM Observability (known from the start; None: somebody else), and its kind by now."""


def forget_agent_name(span: Any) -> None:
    """Takes out the name that a span has of the agent around it where that is the operation of ours: the agent has no name yet."""
    data = span._get_struct_tag("_llmobs") if hasattr(span, "_get_struct_tag") else None
    if data and str(data.get("pagent_name", "")).startswith("spanbridge."):
        del data["pagent_name"]
        span._set_struct_tag("_llmobs", data)


def before_finish(span: Any, call: Callable[[Any], None]) -> None:
    """Has `call` called with the span when it ends, before anybody else in ddtrace hears of that."""
    span._on_finish_callbacks.insert(0, call)


def mark(span: Any, key: str, value: Any = True) -> None:
    """Leaves a mark on a foreign span, which nobody else sees."""
    span._set_ctx_item(key, value)


def mark_of(span: Any, key: str) -> Any:
    """What `mark` left; None where it was not called."""
    return span._get_ctx_item(key)


def lasting_context(span: Any) -> Any:
    """The context of an ended span, for what starts late: it is active again when a child of it has ended."""
    context = span.context.copy(span.trace_id, span.span_id)
    context._reactivate = True
    return context


def context_of_ended(span: Any) -> Any:
    """A context that stands for an ended span of LLM Observability, so that what starts late is still its child."""
    exported = LLMObs.export_span(span)
    context = Context(trace_id=span.trace_id, span_id=span.span_id)
    if exported:
        # In headers, and so in contexts, it is decimal.
        context._meta["_dd.p.llmobs_trace_id"] = str(int(exported["trace_id"], 16))
    return context


def flush_finished(trace_id: int) -> None:
    """Hands on the finished spans of a trace that is held back by open ones, as a partial flush does."""
    aggregator: Any = tracer._span_aggregator
    with aggregator._lock:
        trace = aggregator._traces.get(trace_id)
        finished = None if trace is None else next((span for span in trace.spans if span.duration_ns is not None), None)
        if trace is None or finished is None or not trace.num_finished:
            return
        enabled, least = aggregator.partial_flush_enabled, aggregator.partial_flush_min_spans
        aggregator.partial_flush_enabled, aggregator.partial_flush_min_spans = True, 1
        try:
            trace.num_finished -= 1  # it is counted again
            aggregator.on_span_finish(finished)
        finally:
            aggregator.partial_flush_enabled, aggregator.partial_flush_min_spans = enabled, least


def is_held_back(trace_id: int) -> bool:
    """Whether a span of this trace has started that was not handed on."""
    return trace_id in tracer._span_aggregator._traces


def flush_all_finished() -> None:
    """The same for all traces: before the process ends, which takes with it what open spans hold back."""
    for trace_id in tuple(tracer._span_aggregator._traces):
        flush_finished(trace_id)


def local_root_has_ended(span: Any) -> bool:
    """Whether the first span of the trace in this process has ended."""
    root = getattr(span, "_local_root", None)
    return root is not None and root.duration_ns is not None


def span_hooks(on_start: Callable[[Any], None], on_shutdown: Callable[[], None]) -> Callable[[], None]:
    """Calls `on_start` with each span that starts, and `on_shutdown` before the tracer stops; returns what ends that."""
    from ddtrace._trace.processor import SpanProcessor  # noqa: PLC0415 - as late as ddtrace itself

    class Hooks(SpanProcessor):
        def on_span_start(self, span: Any) -> None:
            on_start(span)

        def on_span_finish(self, span: Any) -> None:
            pass

        def shutdown(self, timeout: float | None) -> None:  # noqa: ARG002 - ddtrace's signature
            on_shutdown()

    hooks = Hooks()
    hooks.register()
    return hooks.unregister


def add_filter(trace_filter: Any) -> Callable[[], None]:
    """Puts a filter before all others; returns what takes it out.

    Beside ddtrace's own: `tracer.configure` throws away what is open where it takes an application's filters, and those that were there
    before.
    """
    filters: list[Any] = tracer._span_aggregator.dd_processors
    filters.insert(0, trace_filter)

    def remove() -> None:
        if trace_filter in filters:
            filters.remove(trace_filter)

    return remove


def user_processor() -> Any:
    """The application's own processor of LLM Observability's spans: there is one place for it."""
    return getattr(getattr(LLMObs, "_instance", None), "_user_span_processor", None)


def patched_modules() -> set[str]:
    """The integrations that are on."""
    try:
        from ddtrace._monkey import _get_patched_modules  # noqa: PLC0415 - only the doctor asks

        return set(_get_patched_modules())
    except Exception:  # noqa: BLE001 - a private function
        return set()
