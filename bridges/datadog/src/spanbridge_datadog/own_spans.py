"""Spanbridge's own calls never become traces, though ddtrace instruments the client that an exporter sends with."""

# ddtrace's own types are partly unknown to a type checker.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownArgumentType=false
# pyright: reportUntypedBaseClass=false, reportUnknownParameterType=false

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from ddtrace.trace import TraceFilter

from spanbridge.own_work import is_own_work, own_work
from spanbridge_datadog import native

if TYPE_CHECKING:
    from collections.abc import Generator

_IS_OWN = "spanbridge.is_own"


class WithoutOwnSpans(TraceFilter):
    """Takes such spans out before they are sent."""

    _has_found = False
    """As long as there was none, traces go through unseen."""

    def span_started(self, span: Any) -> None:
        """Any span of ddtrace's has started."""
        if is_own_work():
            native.mark(span, _IS_OWN)
            self._has_found = True

    def process_trace(self, trace: Any) -> Any:
        """What is left; None where nothing is."""
        if not self._has_found or not any(native.mark_of(span, _IS_OWN) for span in trace):
            return trace
        return [span for span in trace if not native.mark_of(span, _IS_OWN)] or None


@contextmanager
def without_spans() -> Generator[None]:
    """Where no bridge is open: ddtrace sends nothing of what is done in this block."""
    without = WithoutOwnSpans()
    with ExitStack() as undo:
        undo.callback(native.span_hooks(without.span_started))
        undo.callback(native.add_filter(without))
        with own_work():
            yield
