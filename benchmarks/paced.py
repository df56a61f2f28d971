"""How late a paced application wakes up: a turn, then 1 ms of sleep. What holds the interpreter shows here, not in a span's latency."""

from __future__ import annotations

from time import perf_counter_ns, sleep

from benchmarks import peers
from benchmarks.subject import Comparison, Figures, Goal, Subject
from benchmarks.workload import make_turns

PAUSE_S = 0.001
TURNS = 600


def measure(variant: str, quick: bool) -> Figures:
    """Milliseconds beyond the pause at the median ("p50") and the 99th percentile ("p99") of 600 turns."""
    turns = make_turns()
    peer = peers.open_peer(variant)
    for turn in turns:
        peer.turn(turn)
    peer.flush()
    late: list[float] = []
    for index in range(60 if quick else TURNS):
        peer.turn(turns[index % len(turns)])
        start = perf_counter_ns()
        sleep(PAUSE_S)
        late.append((perf_counter_ns() - start) / 1e6 - PAUSE_S * 1e3)
    peer.close()
    late.sort()
    return {"p50": late[len(late) // 2], "p99": late[len(late) * 99 // 100]}


VARIANTS = (peers.NOTHING, peers.OTEL_NOOP, peers.OTEL_OTLP, peers.SPANBRIDGE, peers.WITH_STDLIB_RE)
_GOALS = {peers.SPANBRIDGE: Goal(0.1, 0.1), peers.WITH_STDLIB_RE: Goal(0.5, 1.0)}

SUBJECT = Subject(
    "paced",
    VARIANTS,
    measure,
    tuple(
        Comparison(
            "late wake-up p99",
            variant,
            "p99",
            "ms",
            beside=peers.NOTHING,
            difference=True,
            goal=_GOALS.get(variant),
        )
        for variant in VARIANTS
    ),
    max_rounds=3,
)
