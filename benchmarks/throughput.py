"""Flat out: a producer that never rests, and what reaches the end; every span that was offered is delivered or counted as dropped."""

from __future__ import annotations

from time import monotonic

from benchmarks import peers
from benchmarks.subject import Comparison, Figures, Goal, Subject
from benchmarks.workload import make_turns

PRODUCING_S = 4.0


def measure(variant: str, quick: bool) -> Figures:
    """Spans per second from the first until all are delivered ("offered", "delivered", "dropped"); the seconds of that ("wall")."""
    turns = make_turns()
    peer = peers.open_peer(variant)
    for turn in turns[:16]:
        peer.turn(turn)
    peer.flush()
    before = peer.account()
    start = monotonic()
    end = start + (0.2 if quick else PRODUCING_S)
    while monotonic() < end:
        for turn in turns:
            peer.turn(turn)
    peer.flush()
    wall = monotonic() - start
    peer.close()
    counts = {name: count - before[name] for name, count in peer.account().items()}
    if counts["offered"] != counts["delivered"] + counts["dropped"]:
        raise RuntimeError(f"{variant} lost spans without a count: {counts}")
    return {**{name: count / wall for name, count in counts.items()}, "wall": wall}


VARIANTS = (peers.OTEL_OTLP, peers.SPANBRIDGE)

SUBJECT = Subject(
    "throughput",
    VARIANTS,
    measure,
    (
        *(
            Comparison(
                "flat out: delivered",
                variant,
                "delivered",
                "spans/s",
                beside=peers.OTEL_OTLP,
                goal=Goal(4, 4, at_least=True) if variant == peers.SPANBRIDGE else None,
            )
            for variant in VARIANTS
        ),
        *(
            Comparison(f"flat out: {figure}", variant, figure, "spans/s")
            for figure in ("offered", "dropped")
            for variant in VARIANTS
        ),
    ),
    max_rounds=3,
)
