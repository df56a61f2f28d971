"""What a span costs that records nothing: unconfigured, switched off, or under `suppress()`, beside one that is recorded."""

from __future__ import annotations

from contextlib import nullcontext
from time import thread_time

import spanbridge as sb
from benchmarks import peers
from benchmarks.subject import Comparison, Figures, Subject
from benchmarks.workload import make_turns

RECORDED = "recorded"
UNCONFIGURED = "not configured"
DISABLED = "switched off"
SUPPRESSED = "suppressed"
BURST_SPANS = 500


def measure(variant: str, quick: bool) -> Figures:
    """Microseconds of the thread's CPU per tool-call span with input and output ("caller")."""
    calls = [call for turn in make_turns() for call in turn.tools]
    peer = peers.open_peer(peers.SPANBRIDGE, disabled=variant in {UNCONFIGURED, DISABLED})
    if variant == UNCONFIGURED:
        # As before the first `configure`: the openers find no tracer.
        peer.close()
    bursts = 2 if quick else 40
    spent = 0.0
    for _ in range(bursts):
        with sb.suppress() if variant == SUPPRESSED else nullcontext():
            start = thread_time()
            for index in range(BURST_SPANS):
                peer.tool_call(calls[index % len(calls)])
            spent += thread_time() - start
        peer.flush()
    peer.close()
    return {"caller": 1e6 * spent / (bursts * BURST_SPANS)}


VARIANTS = (RECORDED, UNCONFIGURED, DISABLED, SUPPRESSED)

SUBJECT = Subject(
    "switched_off",
    VARIANTS,
    measure,
    tuple(Comparison("span that records nothing", variant, "caller", "us", beside=RECORDED) for variant in VARIANTS),
)
