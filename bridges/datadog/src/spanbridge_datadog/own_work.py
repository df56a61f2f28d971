"""Spanbridge's own calls never become traces: what an exporter sends is on its thread, and ddtrace instruments the client that it uses."""

# ddtrace's own types are partly unknown to a type checker.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownArgumentType=false
# pyright: reportUntypedBaseClass=false, reportUnknownParameterType=false

from __future__ import annotations

from threading import current_thread
from typing import Any

from ddtrace.trace import TraceFilter

from spanbridge_datadog import native

_OWN_WORK = "spanbridge.own_work"


def mark_own_work(span: Any) -> None:
    """Called with every span of ddtrace's that starts."""
    if current_thread().name.startswith("spanbridge-"):
        native.mark(span, _OWN_WORK)


class WithoutOwnWork(TraceFilter):
    """Takes such spans out before they are sent."""

    def process_trace(self, trace: Any) -> Any:
        """What is left; None where nothing is."""
        if not any(native.mark_of(span, _OWN_WORK) for span in trace):
            return trace
        return [span for span in trace if not native.mark_of(span, _OWN_WORK)] or None
