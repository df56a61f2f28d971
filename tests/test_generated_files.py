"""Files that follow from the definition of the typed attributes."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from spanbridge.model.span_types import SpanType
from spanbridge.tracing import openers

ROOT = Path(__file__).parent.parent


def test_generated_files_are_up_to_date() -> None:
    """Stub and documentation are what the generator would write now."""
    command = [sys.executable, "scripts/generate.py", "--check"]

    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert (result.returncode, result.stderr) == (0, "")


def test_stub_and_module_have_the_same_names() -> None:
    """What a type checker sees of the openers is there at run time: one for each span type, `span` and `start_span`."""
    stub = ast.parse((ROOT / "src/spanbridge/tracing/openers.pyi").read_text())
    typed = {
        target.id
        for statement in stub.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name) and target.id not in {"P", "R"}
    }

    assert typed == {span_type.value for span_type in SpanType} | {"span", "start_span"}
    assert {name for name in typed if callable(getattr(openers, name, None))} == typed
