"""CPU per span: of the thread that opens it, and of the whole process with what runs behind."""

from __future__ import annotations

from time import process_time, thread_time

from benchmarks import peers
from benchmarks.subject import Comparison, Figures, Goal, Subject
from benchmarks.workload import SPANS_PER_TURN, make_turns

BURST_TURNS = 100
"""Turns between two flushes: 800 spans, fewer than any peer's queue holds, so that nothing is dropped."""


def measure(variant: str, quick: bool) -> Figures:
    """Microseconds per span on the caller's thread ("caller") and in the whole process, background work and flush included ("process")."""
    return measure_turns(peers.open_peer(variant), 2 if quick else 10)


def measure_turns(peer: peers.Peer, bursts: int) -> Figures:
    """The same of any peer, which is closed afterwards. Raises RuntimeError where it lost spans."""
    turns = make_turns()
    for turn in turns:
        peer.turn(turn)
    peer.flush()
    caller = 0.0
    index = 0
    process_start = process_time()
    for _ in range(bursts):
        start = thread_time()
        for _ in range(BURST_TURNS):
            peer.turn(turns[index])
            index = (index + 1) % len(turns)
        caller += thread_time() - start
        peer.flush()
    process = process_time() - process_start
    peer.close()
    if peer.account()["dropped"]:
        raise RuntimeError(f"spans were dropped: {peer.account()}")
    spans = bursts * BURST_TURNS * SPANS_PER_TURN
    return {"caller": 1e6 * caller / spans, "process": 1e6 * process / spans}


def _row(what: str, variant: str, figure: str, goal: Goal | None = None) -> Comparison:
    return Comparison(what, variant, figure, "us", beside=peers.OTEL_NOOP, goal=goal)


VARIANTS = (
    peers.NOTHING,
    peers.OTEL_NOOP,
    peers.OTEL_OTLP,
    peers.SPANBRIDGE,
    peers.WITHOUT_STORE,
    peers.WITHOUT_FILTER,
    peers.WITHOUT_BOTH,
    peers.WITH_STDLIB_RE,
)
_GOALS = {
    ("caller", peers.SPANBRIDGE): Goal(0.15, 0.20),
    ("process", peers.SPANBRIDGE): Goal(0.6, 0.8),
}

SUBJECT = Subject(
    "cpu",
    VARIANTS,
    measure,
    (
        *(
            _row("caller's CPU per span", variant, "caller", _GOALS.get(("caller", variant)))
            for variant in VARIANTS[:4]
        ),
        *(_row("process CPU per span", variant, "process", _GOALS.get(("process", variant))) for variant in VARIANTS),
    ),
)
