"""The openers' signatures, as a type checker sees them in an application."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


@cache
def errors_by_file() -> dict[str, list[tuple[int, str]]]:
    """(line, message) of every error that pyright finds in the sample files."""
    pytest.importorskip("pyright")
    files = [str(HERE / "good.py"), str(HERE / "bad.py")]
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, *files]
    result = json.loads(subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout)
    assert result["summary"]["filesAnalyzed"] == len(files)
    errors: dict[str, list[tuple[int, str]]] = {path: [] for path in files}
    for diagnostic in result["generalDiagnostics"]:
        errors[diagnostic["file"]].append((diagnostic["range"]["start"]["line"] + 1, diagnostic["message"]))
    return errors


def test_right_uses_are_accepted() -> None:
    """Every way to open, change and end a span type-checks, and decorated functions keep their types."""
    assert errors_by_file()[str(HERE / "good.py")] == []


def test_wrong_uses_are_errors() -> None:
    """A wrong name, type or literal and a missing required attribute are errors where they are written, and nowhere else."""
    path = HERE / "bad.py"
    lines = path.read_text().splitlines()
    marked = {number for number, line in enumerate(lines, start=1) if line.endswith("# error")}

    assert {line for line, _ in errors_by_file()[str(path)]} == marked
