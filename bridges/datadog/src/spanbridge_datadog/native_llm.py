"""ddtrace's own LLM integrations beside the bridge: one model call is not two calls with twice the tokens.

A span of LLM Observability that an integration (openai, anthropic, langchain, ...) opens right below the span of a model call of ours
stands for the same call. By policy it is dropped from LLM Observability (its APM span stays, and so does its HTTP request), or ours
becomes the frame of the call ("demote"), or both are kept.
"""

# ddtrace's own types are partly unknown to a type checker.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ddtrace.llmobs import LLMObs

from spanbridge_datadog import native
from spanbridge_datadog.activation import starting

if TYPE_CHECKING:
    from spanbridge_datadog.handle import NativeSpan
    from spanbridge_datadog.options import NativeLLM

_DUPLICATE = "spanbridge.duplicate"


class NativeLLMPolicy:
    """Finds the integrations' spans as they start, and takes them out as they end."""

    def __init__(self, policy: NativeLLM) -> None:
        self._policy = policy
        self._calls: dict[int, NativeSpan] = {}
        """Open model calls of ours, by span id."""
        self._before: Any = None

    def install(self) -> None:
        """Takes the one place for processors of LLM Observability's spans; one that the application put there goes on behind it."""
        if self._policy == "drop" and LLMObs.enabled:
            self._before = native.user_processor()
            LLMObs.register_processor(self._process)

    def uninstall(self) -> None:
        """Gives the place back, if nobody has taken it since."""
        if native.user_processor() == self._process:
            LLMObs.register_processor(self._before)

    def started(self, handle: NativeSpan) -> None:
        """A native span of ours has started."""
        if handle.is_model_call and handle.is_llm and self._policy != "keep":
            self._calls[handle.span_id] = handle

    def ended(self, handle: NativeSpan) -> None:
        """It is about to end."""
        self._calls.pop(handle.span_id, None)

    def span_started(self, span: Any) -> None:
        """Any span of ddtrace's has started; LLM Observability has not seen it yet."""
        if span.span_type != "llm" or starting.get() or not self._calls:
            return
        provider = native.llm_provider()
        around = None if provider is None else provider.active()
        if around is None:
            return
        # In a pool's thread the span that is active there may be known by its ids only.
        call = self._calls.get(around.span_id)
        if call is None and not (hasattr(around, "span_type") and native.is_marked(around, _DUPLICATE)):
            return
        native.mark(span, _DUPLICATE)  # and so is what it opens for the same call
        if call is not None and self._policy == "demote":
            call.has_model_child = call.children_report_usage = True
        elif self._policy == "drop":
            native.tag_early(span, {_DUPLICATE: "1"})

    def _process(self, span: Any) -> Any:
        if span.get_tag(_DUPLICATE):
            return None
        return span if self._before is None else self._before(span)
