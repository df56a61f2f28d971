"""What one configuration gives the caller's thread: where events go, who samples, how large a payload may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spanbridge.model.identifiers import trace_id_hex
from spanbridge.model.payload import MAX_PAYLOAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from spanbridge.model.span_types import SpanType
    from spanbridge.tracing.active_span import Span
    from spanbridge.tracing.bridging import Bridging
    from spanbridge.tracing.intake import Intake
    from spanbridge.tracing.propagation import RemoteParent
    from spanbridge.tracing.sampling import ContainedSampler


class Tracer:
    """The caller-side half of a configuration."""

    __slots__ = (
        "bridging",
        "excluded_types",
        "hides",
        "hiding_traces",
        "intake",
        "max_payload_bytes",
        "request_context_keys",
        "sampler",
        "shows_internal",
    )

    def __init__(
        self,
        intake: Intake,
        sampler: ContainedSampler | None = None,
        max_payload_bytes: int = MAX_PAYLOAD_BYTES,
        request_context_keys: Sequence[str] = (),
        *,
        excluded_types: Iterable[SpanType] = (),
        shows_internal: bool = False,
        hides: int = 0,
    ) -> None:
        """
        Args:
            excluded_types: Types whose spans no exit gets; see `visibility`.
            shows_internal: Whether the exits get spans that were opened with `internal=True`.
            hides: What all spans hide: HIDE_INPUT, HIDE_OUTPUT, or both.
        """
        self.intake = intake
        self.sampler = sampler
        self.max_payload_bytes = max_payload_bytes
        self.bridging: Bridging | None = None
        """The bridge on the caller's thread, where one is on."""
        self.request_context_keys = [tuple(key.split(".")) for key in request_context_keys]
        self.excluded_types = frozenset(excluded_types)
        self.shows_internal = shows_internal
        self.hides = hides
        self.hiding_traces: dict[int, int] = {}
        """By trace id: what the trace's spans hide from now on."""


class TracerSlot:
    """Where openers look for the tracer in force; empty while spanbridge is not configured or switched off."""

    __slots__ = ("span_class", "tracer")

    span_class: type[Span]

    def __init__(self, tracer: Tracer | None = None) -> None:
        self.tracer = tracer

    def fill(self, tracer: Tracer | None) -> None:
        """Puts `tracer` in force, and the class of its spans: those that have native spans cost the others nothing."""
        if tracer is None or tracer.bridging is None:
            from spanbridge.tracing.active_span import Span  # noqa: PLC0415 - it needs this module

            self.span_class = Span
        else:
            from spanbridge.tracing.bridged_span import BridgedSpan  # noqa: PLC0415 - loads with a bridge

            self.span_class = BridgedSpan
        self.tracer = tracer


class TraceState:
    """What the spans of one trace in this process share."""

    __slots__ = ("_trace_id_hex", "clock_offset_ns", "hides", "remote_parent", "trace_id")

    def __init__(
        self, trace_id: int, clock_offset_ns: int, remote_parent: RemoteParent | None = None, hides: int = 0
    ) -> None:
        self.trace_id = trace_id
        self._trace_id_hex: str | None = None
        self.clock_offset_ns = clock_offset_ns
        self.remote_parent = remote_parent
        self.hides = hides
        """What its spans hide that start from now on; see `visibility`."""

    @property
    def trace_id_hex(self) -> str:
        """The trace id as text, written once."""
        text = self._trace_id_hex
        if text is None:
            self._trace_id_hex = text = trace_id_hex(self.trace_id)
        return text


default_slot = TracerSlot()
"""The slot of the module-level openers (`spanbridge.agent_run`, ...); `spanbridge.configure` fills it."""

Inherited = dict[str, Any]
"""Correlation fields that flow to children, and under "metadata" what the request context stamps on them; replaced, never changed."""
Entity = tuple[Any, ...]
"""(entity_type, entity_id or None, entity_name) of the nearest span that stands for an entity."""
