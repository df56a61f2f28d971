"""How long one tool-call span keeps the application, from opening it to having left it; without waits for a processor."""

from __future__ import annotations

from time import perf_counter_ns

from benchmarks import peers
from benchmarks.subject import Comparison, Figures, Goal, Subject
from benchmarks.waiting import ProcessorWait
from benchmarks.workload import make_turns

BURST_SPANS = 100
"""Timed spans between two flushes."""


def measure(variant: str, quick: bool) -> Figures:
    """Microseconds of one span at the median ("p50") and the 99th percentile ("p99"), clock included."""
    calls = [call for turn in make_turns() for call in turn.tools]
    bursts = 2 if quick else 80
    peer = peers.open_peer(variant)
    for call in calls:
        peer.tool_call(call)
    peer.flush()
    durations: list[int] = []
    at = iter(calls * (1 + bursts * BURST_SPANS // len(calls)))

    waiting = ProcessorWait()

    def burst() -> None:
        for _ in range(BURST_SPANS):
            call = next(at)
            waited = waiting.total_ns()
            start = perf_counter_ns()
            peer.tool_call(call)
            duration = perf_counter_ns() - start
            durations.append(duration - (waiting.total_ns() - waited))

    for _ in range(bursts):
        peer.in_agent_run(burst)
        peer.flush()
    waiting.close()
    peer.close()
    durations.sort()
    return {"p50": durations[len(durations) // 2] / 1e3, "p99": durations[len(durations) * 99 // 100] / 1e3}


VARIANTS = (peers.NOTHING, peers.OTEL_NOOP, peers.OTEL_OTLP, peers.SPANBRIDGE)
_GOALS = {("p50", peers.SPANBRIDGE): Goal(0.15, 0.15), ("p99", peers.SPANBRIDGE): Goal(0.20, 0.20)}

SUBJECT = Subject(
    "latency",
    VARIANTS,
    measure,
    tuple(
        Comparison(
            f"tool-call span {figure}",
            variant,
            figure,
            "us",
            beside=peers.OTEL_NOOP,
            goal=_GOALS.get((figure, variant)),
        )
        for figure in ("p50", "p99")
        for variant in VARIANTS
    ),
)
