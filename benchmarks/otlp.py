"""What OTLP costs beside the OpenTelemetry SDK's own pipeline to the same collector, and what the bridge adds to the SDK's own spans."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from benchmarks import peers
from benchmarks.cpu import measure_turns
from benchmarks.sink import running_sink
from benchmarks.subject import Comparison, Figures, Goal, Subject

if TYPE_CHECKING:
    from benchmarks.peers import Peer

OTLP = "spanbridge, store, filter, OTLP"
OTLP_ALONE = "spanbridge, OTLP alone"
BRIDGE = "spanbridge, bridge"
CONTEXT_ONLY = "spanbridge, bridge, context only"


def measure(variant: str, quick: bool) -> Figures:
    """Microseconds of CPU per span: of the thread that opens it ("caller"), and of the whole process ("process").

    For the bridge what it adds to the same process without it ("added_caller", "added_process"); for the SDK these are its own spans.
    """
    bursts = 2 if quick else 10
    if variant not in (BRIDGE, CONTEXT_ONLY):
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
    if variant in (BRIDGE, CONTEXT_ONLY):
        return peers.Spanbridge({"bridge": _bridge(record=variant == BRIDGE)})
    return peers.open_peer(variant)


def _bridge(*, record: bool) -> Any:
    """A bridge to the SDK, whose spans go nowhere, as those of the SDK that it is compared with."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from spanbridge_opentelemetry import OpenTelemetryBridge

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(peers.OTEL_EXPORTERS[peers.OTEL_NOOP](ExitStack())))
    return OpenTelemetryBridge(provider, record=record)


def _row(what: str, variant: str, figure: str, beside: str | None, goal: Goal | None = None) -> Comparison:
    return Comparison(what, variant, figure, "us", beside=beside, goal=goal)


SUBJECT = Subject(
    "otlp",
    (peers.OTEL_NOOP, peers.OTEL_OTLP, OTLP, OTLP_ALONE, BRIDGE, CONTEXT_ONLY),
    measure,
    (
        _row("caller's CPU per span", peers.OTEL_OTLP, "caller", None),
        _row("caller's CPU per span", OTLP, "caller", peers.OTEL_OTLP, Goal(0.25, 0.25)),
        _row("process CPU per span", peers.OTEL_OTLP, "process", None),
        _row("process CPU per span", OTLP, "process", peers.OTEL_OTLP, Goal(1.0, 1.0)),
        _row("process CPU per span", OTLP_ALONE, "process", peers.OTEL_OTLP),
        _row("caller's CPU per span, the SDK alone", peers.OTEL_NOOP, "caller", None),
        # The live span itself is the SDK's: 1.0 of it, and what the bridge adds on top.
        _row("added to the caller's by a live span", BRIDGE, "added_caller", peers.OTEL_NOOP, Goal(1.3, 1.3)),
        _row("added to the process's by a live span", BRIDGE, "added_process", peers.OTEL_NOOP, Goal(1.3, 1.3)),
        _row("added to the caller's by a context", CONTEXT_ONLY, "added_caller", peers.OTEL_NOOP),
    ),
)
