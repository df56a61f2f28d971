"""What OTLP costs beside the OpenTelemetry SDK's own pipeline to the same collector, and what the bridge adds to the SDK's own spans.

What the SDK's own span costs, the bridge is measured by: the SDK alone makes the spans that the bridge makes ("the bridge's spans"), with
the same attributes, written at once, and its own processor and exporter behind. It is given payloads as the bridge is, as plain data, and
writes them as JSON with the standard library, as in the spans that are traced by hand.

Those ("otel:noop", "otel:otlp") hold two fifths of the attributes, and where nothing is exported, most of what the SDK does for a span is
left out. What the bridge adds is shown beside them too, without a goal.
"""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks import peers
from benchmarks.cpu import measure_turns
from benchmarks.sink import running_sink
from benchmarks.subject import Comparison, Figures, Goal, Subject
from benchmarks.workload import SPANS_PER_TURN, make_turns
from spanbridge.conventions.values import from_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.peers import Peer
    from benchmarks.workload import Turn

OTLP = "spanbridge, store, filter, OTLP"
OTLP_ALONE = "spanbridge, OTLP alone"
BRIDGE = "spanbridge, bridge"
BRIDGE_OTLP = "spanbridge, bridge, the SDK's OTLP"
CONTEXT_ONLY = "spanbridge, bridge, context only"
SAME_SPANS = "otel:otlp, the bridge's spans"

BRIDGES = {BRIDGE: peers.OTEL_NOOP, BRIDGE_OTLP: peers.OTEL_OTLP, CONTEXT_ONLY: peers.OTEL_NOOP}
"""Where the spans of the bridge's provider go."""


def measure(variant: str, quick: bool) -> Figures:
    """Microseconds of CPU per span: of the thread that opens it ("caller"), and of the whole process ("process").

    For the bridge what it adds to the same process without it ("added_caller", "added_process"); for the SDK these are its own spans.
    """
    bursts = 2 if quick else 10
    if variant not in BRIDGES:
        with ExitStack() as cleanup:
            own = measure_turns(_open(variant, cleanup), bursts)
        return {**own, "added_caller": own["caller"], "added_process": own["process"]}
    # One after the other in one process, and again the other way round: what the first leaves warm the second finds.
    figures = []
    for with_bridge in (False, True, True, False):
        with ExitStack() as cleanup:
            figures.append(measure_turns(_open(variant if with_bridge else peers.SPANBRIDGE, cleanup), bursts))
    result: Figures = {}
    for name in ("caller", "process"):
        without, *bridged, without_again = [figure[name] for figure in figures]
        result[name] = sum(bridged) / 2
        result[f"added_{name}"] = result[name] - (without + without_again) / 2
    return result


def _open(variant: str, cleanup: ExitStack) -> Peer:
    if variant in (OTLP, OTLP_ALONE):
        from spanbridge_otlp import OTLPExporter

        exporter = OTLPExporter(endpoint=cleanup.enter_context(running_sink()))
        settings: dict[str, Any] = {} if variant == OTLP else {"store": False, "sensitive_data": False}
        return peers.Spanbridge({**settings, "exporters": [exporter]})
    if variant in BRIDGES:
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        processor = BatchSpanProcessor(peers.OTEL_EXPORTERS[BRIDGES[variant]](cleanup))
        return _bridged(processor, cleanup, record=variant != CONTEXT_ONLY)
    return _SameSpans() if variant == SAME_SPANS else peers.open_peer(variant)


def _bridged(processor: Any, cleanup: ExitStack, *, record: bool = True) -> Peer:
    """spanbridge with a bridge to a TracerProvider of its own, which `cleanup` shuts down."""
    from opentelemetry.sdk.trace import TracerProvider

    from spanbridge_opentelemetry import OpenTelemetryBridge

    provider = TracerProvider()
    provider.add_span_processor(processor)
    cleanup.callback(provider.shutdown)
    return peers.Spanbridge({"bridge": OpenTelemetryBridge(provider, record=record)})


_to_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class _Model(NamedTuple):
    """A span of the bridge's, as plain data."""

    name: str
    kind: Any
    attributes: dict[str, Any]
    payloads: dict[str, Any]
    """Attributes that are JSON, decoded."""
    inside: list[_Model]


class _SameSpans(peers.OpenTelemetry):
    """The SDK alone, making the spans that the bridge makes of the workload."""

    def __init__(self) -> None:
        super().__init__(peers.OTEL_EXPORTERS[peers.OTEL_OTLP])
        self._models = {turn.session_id: model for turn, model in zip(make_turns(), _models(), strict=True)}

    def turn(self, turn: Turn) -> None:
        self._offered += SPANS_PER_TURN
        self._make(self._models[turn.session_id])

    def _make(self, model: _Model) -> None:
        with self._tracer.start_as_current_span(model.name, kind=model.kind) as span:
            for inner in model.inside:
                self._make(inner)
            payloads = {key: _to_json(payload) for key, payload in model.payloads.items()}
            span.set_attributes({**model.attributes, **payloads})


def _models() -> Iterator[_Model]:
    """What the bridge makes of each turn of the workload."""
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    with ExitStack() as cleanup:
        peer = _bridged(SimpleSpanProcessor(exporter), cleanup)
        for turn in make_turns():
            peer.turn(turn)
        peer.close()
    inside: dict[int | None, list[Any]] = defaultdict(list)
    for span in sorted(exporter.get_finished_spans(), key=lambda span: span.start_time or 0):
        inside[span.parent and span.parent.span_id].append(span)

    def model(span: Any) -> _Model:
        values = {key: from_json(value) for key, value in span.attributes.items()}
        payloads = {key: value for key, value in values.items() if isinstance(value, (dict, list))}
        attributes = {key: value for key, value in span.attributes.items() if key not in payloads}
        return _Model(
            span.name, span.kind, attributes, payloads, [model(each) for each in inside[span.context.span_id]]
        )

    return map(model, inside[None])


def _row(what: str, variant: str, figure: str, beside: str | None, goal: Goal | None = None) -> Comparison:
    return Comparison(what, variant, figure, "us", beside=beside, goal=goal)


SUBJECT = Subject(
    "otlp",
    (peers.OTEL_NOOP, peers.OTEL_OTLP, OTLP, OTLP_ALONE, SAME_SPANS, *BRIDGES),
    measure,
    (
        _row("caller's CPU per span", peers.OTEL_OTLP, "caller", None),
        _row("caller's CPU per span", OTLP, "caller", peers.OTEL_OTLP, Goal(0.25, 0.25)),
        _row("process CPU per span", peers.OTEL_OTLP, "process", None),
        _row("process CPU per span", OTLP, "process", peers.OTEL_OTLP, Goal(1.0, 1.0)),
        _row("process CPU per span", OTLP_ALONE, "process", peers.OTEL_OTLP),
        _row("caller's CPU per span, the SDK alone", SAME_SPANS, "caller", None),
        _row("process CPU per span, the SDK alone", SAME_SPANS, "process", None),
        # The live span itself is the SDK's: 1.0 of it, and what the bridge adds on top.
        _row("added to the caller's by a live span", BRIDGE_OTLP, "added_caller", SAME_SPANS, Goal(1.3, 1.3)),
        _row("added to the process's by a live span", BRIDGE_OTLP, "added_process", SAME_SPANS, Goal(1.3, 1.3)),
        _row("... beside spans traced by hand", BRIDGE_OTLP, "added_process", peers.OTEL_OTLP),
        _row("... and none exported", BRIDGE, "added_process", peers.OTEL_NOOP),
        _row("added to the caller's by a context", CONTEXT_ONLY, "added_caller", SAME_SPANS),
    ),
)
