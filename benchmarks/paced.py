"""How late a paced application wakes up: a turn, then 1 ms of sleep. What holds the interpreter shows here, not in a span's latency.

A timer is late by itself, and on a busy machine a thread that is ready waits for a processor. So stretches with turns and stretches of
pauses alone take turns within one process, and what the thread waited for a processor (as Linux accounts it; see `waiting`) is taken off:
what is left is the timer and the wait for the interpreter. The raw figure stands beside it.
"""

from __future__ import annotations

from time import perf_counter_ns, sleep

from benchmarks import peers
from benchmarks.subject import Comparison, Figures, Goal, Subject
from benchmarks.waiting import ProcessorWait
from benchmarks.workload import make_turns

PAUSE_S = 0.001
STRETCH = 100
"""Pauses of a stretch: some 120 ms, in which background work comes round at least twice."""
STRETCHES = 15


def measure(variant: str, quick: bool) -> Figures:
    """Milliseconds beyond the pause at the 99th percentile of 1,500 turns.

    "raw": by the clock. "p99": without waits for a processor. "over": by how much that exceeds pauses alone.
    """
    turns = make_turns()
    peer = peers.open_peer(variant)
    for turn in turns:
        peer.turn(turn)
    peer.flush()
    waiting = ProcessorWait()
    traced: list[tuple[float, float]] = []
    untraced: list[tuple[float, float]] = []
    for stretch in range(2 if quick else STRETCHES):
        for index in range(STRETCH):
            peer.turn(turns[(stretch * STRETCH + index) % len(turns)])
            traced.append(_lateness_ms(waiting))
        peer.flush()
        untraced += [_lateness_ms(waiting) for _ in range(STRETCH)]
    waiting.close()
    peer.close()
    (raw, p99), (_, untraced_p99) = _p99s(traced), _p99s(untraced)
    return {"raw": raw, "p99": p99, "over": p99 - untraced_p99}


def _lateness_ms(waiting: ProcessorWait) -> tuple[float, float]:
    """Sleeps; how much later than asked for the thread went on: by the clock, and without what it waited for a processor."""
    waited_ns, start = waiting.total_ns(), perf_counter_ns()
    sleep(PAUSE_S)
    late_ms = (perf_counter_ns() - start) / 1e6 - PAUSE_S * 1e3
    return late_ms, late_ms - (waiting.total_ns() - waited_ns) / 1e6


def _p99s(values: list[tuple[float, float]]) -> tuple[float, ...]:
    return tuple(sorted(column)[len(column) * 99 // 100] for column in zip(*values, strict=True))


VARIANTS = (peers.NOTHING, peers.OTEL_NOOP, peers.OTEL_OTLP, peers.SPANBRIDGE, peers.WITH_STDLIB_RE)
_GOALS = {peers.SPANBRIDGE: Goal(0.1, 0.1), peers.WITH_STDLIB_RE: Goal(0.5, 1.0)}

SUBJECT = Subject(
    "paced",
    VARIANTS,
    measure,
    (
        *(Comparison("late wake-up p99, raw", variant, "raw", "ms") for variant in VARIANTS),
        *(Comparison("late wake-up p99", variant, "p99", "ms") for variant in VARIANTS),
        *(
            Comparison("late wake-up p99, over untraced", variant, "over", "ms", goal=_GOALS.get(variant))
            for variant in VARIANTS
        ),
    ),
    max_rounds=3,
)
