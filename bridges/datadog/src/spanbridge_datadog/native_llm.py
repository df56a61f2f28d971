"""ddtrace's own LLM integrations beside the bridge: one model call is not two calls with twice the tokens.

A span of kind llm that an integration (openai, anthropic, langchain, ...) opens below the span of a model call of ours, or in a frame
that it opened there itself, stands for the same call; below an embedding of ours, one of kind embedding. By policy it is dropped from LLM
Observability (its APM span stays, and so does its HTTP request), or ours becomes the frame of the call ("demote"), or both are kept. Ours
that has been sent before can be no frame any more: then that one of them stays which has the tokens. What the application opens there with
ddtrace's own functions is its own.
"""

# ddtrace's own types are partly unknown to a type checker.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ddtrace.llmobs import LLMObs

from spanbridge_datadog import native
from spanbridge_llmobs.kinds import KINDS

if TYPE_CHECKING:
    from spanbridge_datadog.handle import NativeSpan
    from spanbridge_datadog.options import NativeLLM

_DUPLICATE = "spanbridge.duplicate"
_CALL = "spanbridge.model_call"


class NativeLLMPolicy:
    """Finds the integrations' spans as they start, and takes them out as they end."""

    def __init__(self, policy: NativeLLM) -> None:
        self._policy = policy
        self._calls: dict[int, NativeSpan] = {}
        """Open model calls of ours, by span id."""
        self._before: Any = None

    def uninstall(self) -> None:
        """Gives the place for processors back, if nobody has taken it since."""
        if native.user_processor() == self._process:
            LLMObs.register_processor(self._before)

    def started(self, handle: NativeSpan) -> None:
        """A native span of ours has started."""
        if handle.is_model_call and handle.is_llm and self._policy != "keep":
            self._calls[handle.span_id] = handle

    def ended(self, handle: NativeSpan) -> None:
        """It is about to end."""
        self._calls.pop(handle.span_id, None)

    def foreign_started(self, span: Any) -> None:
        """A span of LLM Observability that is not ours has started."""
        if self._calls and (call := self._call_around()) is not None:
            native.mark(span, _CALL, call)

    def foreign_ended(self, span: Any) -> None:
        """It has ended, and LLM Observability does not know yet: what opened it and its kind are certain now."""
        call: NativeSpan | None = native.mark_of(span, _CALL)
        if call is None:
            return
        integration, kind = native.integration_and_kind(span)
        if integration is None or kind != KINDS[call.span_type]:
            return
        is_over = call.span.duration_ns is not None  # as of a stream that is read after its generation
        if self._policy == "demote" and not is_over:
            call.has_model_child = call.children_report_usage = True
        elif self._policy == "drop" or call.reports_usage:
            native.set_llm_fields(span, {"tags": {_DUPLICATE: "1"}})
            self._install()

    def _call_around(self) -> NativeSpan | None:
        """The call of ours that a span which starts here is a part of."""
        provider = native.llm_provider()
        around = None if provider is None else provider.active()
        if around is None:
            return None
        # In a pool's thread the span that is active there may be known by its ids only.
        call = self._calls.get(around.span_id)
        if call is None and hasattr(around, "span_type") and native.integration_and_kind(around)[0] is not None:
            return native.mark_of(around, _CALL)
        return call

    def _install(self) -> None:
        """Takes the one place for processors of LLM Observability's spans; one that the application put there goes on behind it."""
        before = native.user_processor()
        if before != self._process:
            self._before = before
            LLMObs.register_processor(self._process)

    def _process(self, span: Any) -> Any:
        if span.get_tag(_DUPLICATE):
            return None
        return span if self._before is None else self._before(span)
