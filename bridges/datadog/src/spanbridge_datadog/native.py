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

from spanbridge.containment import warn
from spanbridge.errors import BridgeUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

OLDEST, BELOW = (3, 19), (5, 0)


def _nothing(*_: Any) -> None:
    pass


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


_LLM_FIELDS = {
    *("name", "kind", "model_name", "model_provider", "session_id", "metadata", "metrics", "tags", "tool_definitions"),
    *("input_messages", "input_documents", "input_value", "output_messages", "output_documents", "output_value"),
}


def _setter() -> Callable[[Any, dict[str, Any]], None]:
    try:
        from ddtrace.llmobs._utils import _annotate_llmobs_span_data as annotate  # noqa: PLC0415 - not in 3.x

        if set(inspect.signature(annotate).parameters) >= _LLM_FIELDS:
            return lambda span, fields: annotate(span, **fields)
    except ImportError:
        pass
    from ddtrace.llmobs import _constants  # noqa: PLC0415 - where the above is not

    # `annotate` takes all but these, which in public only the start of a span takes.
    items = {
        "name": _constants.NAME,
        "kind": _constants.SPAN_KIND,
        "model_name": _constants.MODEL_NAME,
        "model_provider": _constants.MODEL_PROVIDER,
        "session_id": _constants.SESSION_ID,
        "tags": _constants.TAGS,
    }

    def set_fields(span: Any, fields: dict[str, Any]) -> None:
        for name, value in fields.items():
            if name in items:
                before = span._get_ctx_item(items[name]) if name == "tags" else None
                span._set_ctx_item(items[name], {**before, **value} if before else value)
        for name, value in fields.items():
            if name not in items:
                argument = re.sub("_(messages|documents|value)$", "_data", name)
                try:
                    LLMObs.annotate(span=span, **{argument: value})
                except Exception as error:  # noqa: BLE001 - the other fields are still worth it
                    warn(f"bridge datadog {name}", f"ddtrace refused the {name} of a span: {type(error).__name__}")

    return set_fields


set_llm_fields = _setter()
"""Sets what LLM Observability is to show of a span that has not ended: any of `_LLM_FIELDS`, in the shapes of `Annotation`.

Not by `LLMObs.annotate`, where there is another way: that takes no name and no kind, and checks and copies once more what
`spanbridge_llmobs` has made.
"""


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
    trace_id = llm_trace_id(span)
    context = Context(trace_id=span.trace_id, span_id=span.span_id)
    if trace_id is not None:
        # In headers, and so in contexts, it is decimal.
        context._meta["_dd.p.llmobs_trace_id"] = str(int(trace_id, 16))
    return context


def llm_trace_id(span: Any) -> str | None:
    """The id of the trace in LLM Observability that a span belongs to."""
    data = span._get_struct_tag("_llmobs") if hasattr(span, "_get_struct_tag") else None
    if data and "trace_id" in data:
        return data["trace_id"]
    exported = LLMObs.export_span(span) if LLMObs.enabled else None
    return exported["trace_id"] if exported else None


def local_root_has_ended(span: Any) -> bool:
    """Whether the first span of the trace in this process has ended."""
    root = getattr(span, "_local_root", None)
    return root is not None and root.duration_ns is not None


def span_hooks(
    on_start: Callable[[Any], None],
    on_finish: Callable[[Any], None] = _nothing,
    on_shutdown: Callable[[], None] = _nothing,
) -> Callable[[], None]:
    """Calls `on_start` with each span that starts, `on_finish` with each that ends, before it is counted in ddtrace's buffer, and
    `on_shutdown` before the tracer stops; returns what ends that."""
    from ddtrace._trace.processor import SpanProcessor  # noqa: PLC0415 - as late as ddtrace itself

    class Hooks(SpanProcessor):
        def on_span_start(self, span: Any) -> None:
            on_start(span)

        def on_span_finish(self, span: Any) -> None:
            on_finish(span)

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
