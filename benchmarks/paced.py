"""How late a paced application wakes up: a turn, then 1 ms of sleep. What holds the interpreter shows here, not in a span's latency.

A timer is late by itself, and on a busy machine a thread that is ready waits for a processor. So stretches with turns and stretches of
pauses alone take turns within one process, and what the thread waited for a processor (as Linux accounts it) is taken off: what is left
is the timer and the wait for the interpreter.
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
    """Milliseconds beyond the pause at the 99th percentile of 1,500 turns ("p99"), and by how much they exceed pauses alone ("over")."""
    turns = make_turns()
    peer = peers.open_peer(variant)
    for turn in turns:
        peer.turn(turn)
    peer.flush()
    waiting = ProcessorWait()
    traced: list[float] = []
    untraced: list[float] = []
    for stretch in range(2 if quick else STRETCHES):
        for index in range(STRETCH):
            peer.turn(turns[(stretch * STRETCH + index) % len(turns)])
            traced.append(_lateness_ms(waiting))
        peer.flush()
        untraced += [_lateness_ms(waiting) for _ in range(STRETCH)]
    waiting.close()
    peer.close()
    return {"p99": _p99(traced), "over": _p99(traced) - _p99(untraced)}


def _lateness_ms(waiting: ProcessorWait) -> float:
    """Sleeps; how much later than asked for the thread went on, without what it waited for a processor."""
    waited_ns, start = waiting.total_ns(), perf_counter_ns()
    sleep(PAUSE_S)
    late_ns = perf_counter_ns() - start - (waiting.total_ns() - waited_ns)
    return late_ns / 1e6 - PAUSE_S * 1e3


def _p99(values: list[float]) -> float:
    return sorted(values)[len(values) * 99 // 100]


VARIANTS = (peers.NOTHING, peers.OTEL_NOOP, peers.OTEL_OTLP, peers.SPANBRIDGE, peers.WITH_STDLIB_RE)
_GOALS = {peers.SPANBRIDGE: Goal(0.1, 0.1), peers.WITH_STDLIB_RE: Goal(0.5, 1.0)}

SUBJECT = Subject(
    "paced",
    VARIANTS,
    measure,
    (
        *(Comparison("late wake-up p99", variant, "p99", "ms") for variant in VARIANTS),
        *(
            Comparison("late wake-up p99, over untraced", variant, "over", "ms", goal=_GOALS.get(variant))
            for variant in VARIANTS
        ),
    ),
    max_rounds=3,
)
