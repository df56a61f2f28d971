"""`uv run python -m benchmarks [NAME ...] [--rounds N] [--quick]`: measures and prints the table."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from importlib.metadata import version
from typing import TYPE_CHECKING

from benchmarks.measure import measure_in_process, subject
from benchmarks.subject import HEADINGS, table

if TYPE_CHECKING:
    from benchmarks.subject import Round, Subject

NAMES = (
    "cpu",
    "latency",
    "paced",
    "throughput",
    "memory",
    "imports",
    "switched_off",
    "context",
    "logs",
    "media",
    "otlp",
    "datadog",
    "redaction",
)
ROUNDS = 5


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What tracing costs.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(NAMES)} (default: all)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help=f"rounds of each (default: {ROUNDS})")
    parser.add_argument(
        "--quick", action="store_true", help="one round of small counts: shows that it runs, not what it costs"
    )
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(NAMES))
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; known are {', '.join(NAMES)}")
    if options.rounds < 1:
        parser.error("--rounds: at least 1")
    start = time.monotonic()
    rows: list[tuple[str, ...]] = []
    for name in options.names or NAMES:
        measured = subject(name)
        rounds = 1 if options.quick else min(options.rounds, measured.max_rounds)
        results = [_round(measured, quick=options.quick, label=f"{number + 1}/{rounds}") for number in range(rounds)]
        rows += (comparison.row(results) for comparison in measured.comparisons)
    print(_machine())
    print(table(HEADINGS, rows))
    print(f"Medians [min..max] of ratios within a round; {time.monotonic() - start:.0f} s.")


def _round(measured: Subject, *, quick: bool, label: str) -> Round:
    """All variants one after the other, so that a noisy minute meets them alike."""
    result: Round = {}
    for variant in measured.variants:
        print(f"{measured.name} {label}: {variant}", file=sys.stderr)
        result[variant] = measure_in_process(measured.name, variant, quick=quick)
    return result


def _machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("spanbridge", "opentelemetry-sdk", "orjson"))
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"Python {platform.python_version()}, {os.cpu_count()} CPUs{load}; {packages}\n"


if __name__ == "__main__":
    main()
