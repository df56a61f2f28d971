"""The bridge on the caller's thread: native spans start, are active while ours are current, and are kept until the pipeline ends them.

Whatever the bridge raises ends here: it is counted, and the span goes on without its native one.
"""

# It is a part of the span, in a file of its own.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from spanbridge.containment import contain
from spanbridge.model.identifiers import new_span_id
from spanbridge.model.span_types import SpanType
from spanbridge.protocols import NativeStart
from spanbridge.tracing.context import REMOTE, first_in_force, innermost
from spanbridge.tracing.propagation import RemoteParent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spanbridge.protocols import Bridge
    from spanbridge.tracing.active_span import Span
    from spanbridge.tracing.intake import Intake
    from spanbridge.tracing.tracer import TraceState

MAX_OPEN_NATIVE_SPANS = 50_000
"""Open native spans of one configuration; beyond, spans start without one ("bridge_overflow") until some of them ended."""


class OpenNative(NamedTuple):
    """A native span that the pipeline has to end."""

    native: Any
    trace: TraceState
    is_root: bool
    started_s: float
    """On the monotonic clock."""


class Bridging:
    """One configuration's bridge, every call of it contained."""

    def __init__(self, bridge: Bridge, intake: Intake) -> None:
        self.bridge = bridge
        self.name = str(getattr(bridge, "name", None) or type(bridge).__name__)
        self.header_names: tuple[str, ...] = tuple(getattr(bridge, "header_names", ()))
        self.open: dict[int, OpenNative] = {}
        """By span id. Callers add, the pipeline takes out; each is one step of the interpreter."""
        self._intake = intake

    def failed(self, what: str, error: BaseException) -> None:
        """Counts an exception of the bridge's."""
        self._intake.ignore("bridge_error")
        contain(f"bridge {self.name} {what}", error)

    def external_parent(self, remote: RemoteParent | None, trace_id: int | None) -> RemoteParent | None:
        """The parent of a local root: what is active in the other tracer, unless `remote` or `trace_id` ask for another trace."""
        if remote is not None and remote.is_own:
            return remote
        try:
            active = self.bridge.active()
        except Exception as error:  # noqa: BLE001
            self.failed("active", error)
            return remote
        if active is None:
            return remote
        wanted = trace_id if trace_id is not None else None if remote is None else remote.trace_id
        is_own = active.span_id in self.open
        if wanted is not None and (wanted != active.trace_id or is_own):
            return remote
        found = RemoteParent(active.trace_id, active.span_id, sampled=active.sampled, tracestate=active.tracestate)
        if remote is not None:
            found.tracestate, found.baggage, found.inherited = remote.tracestate, remote.baggage, remote.inherited
        found.native = active.native
        found.is_own = is_own
        found.sampled = found.sampled or is_own  # what is sampled out has no native span
        return found

    def start(self, span: Span, parent: Any, started_at: int) -> int:
        """Starts the native span of a span that is about to start; the span's id."""
        trace = span._trace
        above = None if parent is None else parent.native
        if self._goes_without(span):
            span.native = above  # what starts inside attaches to the nearest span that has one
            return new_span_id()
        try:
            external = trace.remote_parent if above is None else None
            native = self.bridge.start(NativeStart(span._opener.type, trace.trace_id, started_at, above, external))
            span_id: int = native.span_id
            if parent is None:
                trace.trace_id = native.trace_id
            else:
                span.between = getattr(native, "between", None)
        except Exception as error:  # noqa: BLE001
            self.failed("start", error)
            span.native = above
            return new_span_id()
        span.native = native
        span.has_native = True
        is_root = parent is None and not (external is not None and external.is_own)
        self.open[span_id] = OpenNative(native, trace, is_root, monotonic())
        return span_id

    def _goes_without(self, span: Span) -> bool:
        """Whether a span starts no native span."""
        if span._is_hidden or (span._opener.type is SpanType.SCORER_RUN and "score" in span._options):
            return True  # a score is told as one, see `pipeline.bridge_finish`
        if len(self.open) < MAX_OPEN_NATIVE_SPANS:
            return False
        self._intake.ignore("bridge_overflow")
        return True

    def activate(self, native: Any, *, plainly: bool) -> Any:
        """Makes `native` active here; what `deactivate` takes. `plainly`: no generator's body is about."""
        try:
            return self.bridge.activate(native, None if plainly else self.in_force)
        except Exception as error:  # noqa: BLE001
            self.failed("activate", error)
            return None

    def deactivate(self, token: Any) -> None:
        """Ends what `activate` began."""
        if token is not None:
            try:
                self.bridge.deactivate(token)
            except Exception as error:  # noqa: BLE001
                self.failed("deactivate", error)

    def in_force(self) -> Any:
        """The native span that is in force here and now; None where none is."""
        scope = innermost()
        # What is not recorded changes nothing of what is active.
        while scope is not None and scope._state != REMOTE:
            if scope.native is not None and scope._tracer is not None and scope._tracer.bridging is self:
                return scope.native
            scope = first_in_force(scope._outer())
        return None

    def inject(self, native: Any, headers: dict[str, str]) -> None:
        """Adds the other tracer's headers to `headers`."""
        try:
            self.bridge.inject(native, headers)
        except Exception as error:  # noqa: BLE001
            self.failed("inject", error)

    def extract(self, headers: Mapping[str, str], remote: RemoteParent | None) -> RemoteParent | None:
        """The remote parent in a stranger's headers, of which the W3C ones are `remote`."""
        try:
            found = self.bridge.extract(headers)
        except Exception as error:  # noqa: BLE001
            self.failed("extract", error)
            return remote
        if found is None:
            return remote
        if remote is None or (found.trace_id, found.span_id) != (remote.trace_id, remote.span_id):
            baggage = "" if remote is None else remote.baggage
            remote = RemoteParent(
                found.trace_id, found.span_id, sampled=found.sampled, tracestate=found.tracestate, baggage=baggage
            )
        remote.native = found.native
        return remote

    def take(self, span_id: int) -> OpenNative | None:
        """Takes a native span out, to be ended."""
        return self.open.pop(span_id, None)
