"""The benchmarks run: small counts, every row of the table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
COLUMNS = 7


def run_benchmarks(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m benchmarks` in the repository's folder."""
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        capture_output=True,
        check=False,
        cwd=REPOSITORY,
        text=True,
        timeout=120,
    )


def table_rows(output: str) -> list[list[str]]:
    """The cells of the Markdown table in `output`, without its heading."""
    lines = [line for line in output.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
def test_quick_run_prints_every_row() -> None:
    """`--quick` measures every variant of every subject, and each comparison is a complete row."""
    from benchmarks.__main__ import NAMES
    from benchmarks.measure import subject

    result = run_benchmarks("--quick")

    assert result.returncode == 0, result.stderr
    rows = table_rows(result.stdout)
    expected = [(row.what, row.variant) for name in NAMES for row in subject(name).comparisons]
    assert [(row[0], row[1]) for row in rows] == expected
    assert all(len(row) == COLUMNS and row[2] for row in rows)
    assert all(row[6] in {"met", "within the limit", "MISSED"} for row in rows if row[5])


def test_unknown_subject_is_refused_with_the_known_ones() -> None:
    """A name that is no subject ends with an error that lists the subjects, before anything is measured."""
    result = run_benchmarks("speed")

    assert result.returncode == 2
    assert "unknown: speed; known are cpu, latency" in result.stderr
    assert not result.stdout


def test_workload_is_the_same_every_time_and_about_12_kb_a_turn() -> None:
    """128 different turns of about 12 KB, equal whenever they are made; two of each 16 hold secrets."""
    from benchmarks.workload import VARIANTS, make_turns, payload_bytes

    turns = make_turns()

    assert turns == make_turns()
    assert len({turn.question for turn in turns}) == VARIANTS == 128
    assert all(11_000 < payload_bytes(turn) < 14_000 for turn in turns)
    assert sum("AKIA" in str(turn) for turn in turns) == VARIANTS * 2 // 16
