"""Memory held per queued byte: how much the process grows while payloads wait behind something that does not return."""

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
        self.open = self._opened.set
        self.close = self._opened.clear

    def process(self, record: Any) -> Any:
        """As a processor."""
        self._opened.wait()
        return record

    def export(self, batch: Any) -> None:  # noqa: ARG002 - the contract's
        """As an exporter."""
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
    """Growth of the resident memory per byte of payload as compact JSON ("held"); each turn's payloads are its own.

    What is free already, before and after, is given back to the system first: how far the background was behind at the worst moment,
    and what earlier turns left to be used again, would be most of the figure else.
    """
    turns = make_turns()
    count = 100 if quick else 1500
    gate = _Gate()
    peer = _PEERS[variant](gate)
    for turn in turns:
        peer.turn(fresh_copy(turn))
    peer.flush()
    dropped = peer.account()["dropped"]
    gate.close()
    before = _resident_bytes()
    for index in range(count):
        peer.turn(fresh_copy(turns[index % len(turns)]))
    _settle()
    grown = _resident_bytes() - before
    gate.open()
    peer.flush()
    peer.close()
    if peer.account()["dropped"] > dropped:
        raise RuntimeError(f"{variant} did not hold all spans: {peer.account()}")
    payload = sum(payload_bytes(turns[index % len(turns)]) for index in range(count))
    return {"held": grown / payload}


def _settle() -> None:
    """Waits until the background threads have gone as far as they get: none of them uses the processor any more."""
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
    tuple(
        Comparison("memory per queued byte", variant, "held", "bytes", goal=_GOALS.get(variant)) for variant in _PEERS
    ),
    max_rounds=3,
)
