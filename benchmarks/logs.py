"""What a log call costs with ids on its record, and stored with its span, beside `logging` and structlog alone.

The application's own handler formats each record and writes it nowhere. Calls are made inside of a span.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from time import thread_time
from typing import TYPE_CHECKING, Any

import structlog

import spanbridge as sb
from benchmarks import peers
from benchmarks.subject import Comparison, Figures, Subject

if TYPE_CHECKING:
    from collections.abc import Callable

LOGGING, LOGGING_IDS, LOGGING_STORED = "logging", "logging, ids", "logging, ids and stored"
STRUCTLOG, STRUCTLOG_IDS, STRUCTLOG_STORED = "structlog", "structlog, ids", "structlog, ids and stored"
BURST_CALLS = 500


def measure(variant: str, quick: bool) -> Figures:
    """Microseconds of the thread's CPU per log call ("caller")."""
    logging.disable(logging.NOTSET)
    peer = peers.open_peer(peers.SPANBRIDGE)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        call = _structlog_call(variant, nowhere) if variant.startswith("structlog") else _logging_call(variant, nowhere)
        bursts = 2 if quick else 40
        spent = 0.0
        for _ in range(bursts):
            with sb.tool_call("search"):
                start = thread_time()
                for number in range(BURST_CALLS):
                    call("request %d took %s ms", number, 3.5)
                spent += thread_time() - start
            peer.flush()
        sb.uninstrument_logging()
    peer.close()
    return {"caller": 1e6 * spent / (bursts * BURST_CALLS)}


def _logging_call(variant: str, nowhere: Any) -> Callable[..., Any]:
    handler = logging.StreamHandler(nowhere)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    log = logging.getLogger("application")
    log.addHandler(handler)
    if variant != LOGGING:
        sb.instrument_logging(logging.WARNING if variant == LOGGING_STORED else None)
    return log.warning


def _structlog_call(variant: str, nowhere: Any) -> Callable[..., Any]:
    ours = {STRUCTLOG_IDS: [sb.StructlogProcessor(None)], STRUCTLOG_STORED: [sb.StructlogProcessor()]}
    return structlog.wrap_logger(
        structlog.WriteLogger(nowhere),
        processors=[
            structlog.processors.add_log_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *ours.get(variant, []),
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    ).warning


SUBJECT = Subject(
    "logs",
    (LOGGING, LOGGING_IDS, LOGGING_STORED, STRUCTLOG, STRUCTLOG_IDS, STRUCTLOG_STORED),
    measure,
    tuple(
        Comparison("log call", variant, "caller", "us", beside=alone)
        for alone, variants in (
            (LOGGING, (LOGGING_IDS, LOGGING_STORED)),
            (STRUCTLOG, (STRUCTLOG_IDS, STRUCTLOG_STORED)),
        )
        for variant in variants
    ),
)
