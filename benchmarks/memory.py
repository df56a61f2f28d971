"""Memory held per queued byte: how much the process grows while spans wait behind something that does not return.

A queued byte is one of what a span records, as the compact JSON that the exits get: its payloads with their names, attributes and
metadata. Beside it stands the growth per byte of the payloads alone, which the peer can be compared by.
"""

from __future__ import annotations

import ctypes
import gc
import os
from pathlib import Path
from threading import Event
from time import process_time, sleep
from typing import TYPE_CHECKING, Any

from benchmarks import peers
from benchmarks.subject import Comparison, Figures, Goal, Subject
from benchmarks.workload import fresh_copy, make_turns, payload_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.workload import Turn

SETTLED_CPU_S = 0.01
"""CPU within 0.2 s below which a process is at rest."""
_C_LIBRARY = ctypes.CDLL(None)
BEHIND_PROCESSOR = "spanbridge, behind a processor"
BEHIND_EXPORTER = "spanbridge, behind an exporter"
BEHIND_OTEL_EXPORTER = "otel, behind an exporter"


class _Gate:
    """Holds whoever calls it from `close` to `open`."""

    def __init__(self) -> None:
        self._opened = Event()
        self._opened.set()
        self.exported_bytes = 0
        self.open = self._opened.set
        self.close = self._opened.clear

    def process(self, record: Any) -> Any:
        """As a processor."""
        self._opened.wait()
        return record

    def export(self, batch: Any) -> None:
        """As an exporter."""
        self.exported_bytes += sum(len(record.document) for record in batch)
        self._opened.wait()

    def flush(self, deadline: float) -> None:
        """Nothing waits here."""

    def shutdown(self, deadline: float) -> None:
        """Nothing to close."""


def _behind_processor(gate: _Gate) -> peers.Peer:
    return peers.open_peer(peers.SPANBRIDGE, processors=[gate])


def _behind_exporter(gate: _Gate) -> peers.Peer:
    return peers.open_peer(peers.WITHOUT_STORE, exporters=[gate])


def _behind_otel_exporter(gate: _Gate) -> peers.Peer:
    # Its queue counts spans, 2,048 by default: raised so that it holds as much as the others.
    os.environ["OTEL_BSP_MAX_QUEUE_SIZE"] = "1000000"
    peer = peers.open_peer(peers.OTEL_NOOP)
    assert isinstance(peer, peers.OpenTelemetry)
    export: Callable[[Any], Any] = peer.exporter.export

    def wait_and_export(spans: Any) -> Any:
        return export(gate.process(spans))

    peer.exporter.export = wait_and_export
    return peer


_PEERS: dict[str, Callable[[_Gate], peers.Peer]] = {
    BEHIND_PROCESSOR: _behind_processor,
    BEHIND_EXPORTER: _behind_exporter,
    BEHIND_OTEL_EXPORTER: _behind_otel_exporter,
}


def measure(variant: str, quick: bool) -> Figures:
    """Growth of the resident memory per byte of content ("held") and of payload ("per payload"); each turn's payloads are its own.

    What is free already, before and after, is given back to the system first: what earlier turns left to be used again would be most of
    the figure else.
    """
    turns = make_turns()
    rounds = 1 if quick else 12
    content = _content_bytes(turns)
    gate = _Gate()
    peer = _PEERS[variant](gate)
    _play(peer, turns)
    peer.flush()
    dropped = peer.account()["dropped"]
    gate.close()
    before = _resident_bytes()
    for _ in range(rounds):
        _play(peer, turns)
        _settle()
    grown = _resident_bytes() - before
    gate.open()
    peer.flush()
    peer.close()
    if peer.account()["dropped"] > dropped:
        raise RuntimeError(f"{variant} did not hold all spans: {peer.account()}")
    return {"held": grown / (rounds * content), "per payload": grown / (rounds * sum(map(payload_bytes, turns)))}


def _play(peer: peers.Peer, turns: list[Turn]) -> None:
    for turn in turns:
        peer.turn(fresh_copy(turn))


def _content_bytes(turns: list[Turn]) -> int:
    """Of the spans of these turns, as an exporter gets them."""
    gate = _Gate()
    peer = _behind_exporter(gate)
    _play(peer, turns)
    peer.flush()
    peer.close()
    return gate.exported_bytes


def _settle() -> None:
    """Waits until the background threads have gone as far as they get: how far they were behind is not what they hold."""
    used = -1.0
    while process_time() - used > SETTLED_CPU_S:
        used = process_time()
        sleep(0.2)


def _resident_bytes() -> int:
    """This process's resident memory without what is free; Linux only."""
    gc.collect()
    if hasattr(_C_LIBRARY, "malloc_trim"):  # glibc
        _C_LIBRARY.malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


_GOALS = {BEHIND_PROCESSOR: Goal(1.5, 1.5), BEHIND_EXPORTER: Goal(1.5, 1.5)}

SUBJECT = Subject(
    "memory",
    tuple(_PEERS),
    measure,
    (
        *(
            Comparison("memory per queued byte", variant, "held", "bytes", goal=goal)
            for variant, goal in _GOALS.items()
        ),
        *(Comparison("memory per byte of payload", variant, "per payload", "bytes") for variant in _PEERS),
    ),
    max_rounds=3,
)
