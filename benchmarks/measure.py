"""One measurement in a process of its own: `python -m benchmarks.measure SUBJECT VARIANT [--quick]` prints its figures as JSON."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.subject import Figures, Subject

TIMEOUT_S = 120.0
_FOREIGN_VARIABLES = ("DD_", "OTEL_", "SPANBRIDGE_")


def subject(name: str) -> Subject:
    """The subject that stands in the module of that name; only that module is imported."""
    return import_module(f"benchmarks.{name}").SUBJECT


def measure_in_process(name: str, variant: str, *, quick: bool) -> Figures:
    """The figures of one variant, measured where nothing of this process, its configuration or its folder reaches.

    Raises RuntimeError with the process's error output if it fails.
    """
    variables = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN_VARIABLES)}
    root = str(Path(__file__).resolve().parent.parent)
    variables["PYTHONPATH"] = os.pathsep.join(filter(None, (root, variables.get("PYTHONPATH"))))
    with tempfile.TemporaryDirectory(prefix="spanbridge-benchmark-") as folder:
        variables["XDG_STATE_HOME"] = folder
        result = subprocess.run(
            [sys.executable, "-m", "benchmarks.measure", name, variant, *(["--quick"] if quick else [])],
            capture_output=True,
            check=False,
            cwd=folder,
            env=variables,
            text=True,
            timeout=TIMEOUT_S,
        )
    if result.returncode:
        raise RuntimeError(f"measuring {name} of {variant!r} failed:\n{result.stderr}")
    return json.loads(result.stdout)


def _main() -> None:
    name, variant, *options = sys.argv[1:]
    # Peers that drop spans say so in their account; their log lines would cost time.
    logging.disable(logging.CRITICAL)
    print(json.dumps(subject(name).measure(variant, "--quick" in options)))


if __name__ == "__main__":
    _main()
