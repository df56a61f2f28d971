"""What an import costs: wall time and modules, in a fresh interpreter."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.subject import Comparison, Figures, Goal, Subject

if TYPE_CHECKING:
    from collections.abc import Callable

OTEL = "otel SDK + OTLP/HTTP"
IMPORTED = "import spanbridge"
CONFIGURED = "import + configure"


def _import_otel(_: Path) -> None:
    import_module("opentelemetry.sdk.trace.export")
    import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")


def _import_spanbridge(_: Path) -> None:
    import_module("spanbridge")


def _configure_spanbridge(folder: Path) -> None:
    import spanbridge as sb

    sb.configure(service_name="benchmark", store=f"sqlite:///{folder / 'traces.db'}")


_ACTIONS: dict[str, Callable[[Path], None]] = {
    OTEL: _import_otel,
    IMPORTED: _import_spanbridge,
    CONFIGURED: _configure_spanbridge,
}


def measure(variant: str, quick: bool) -> Figures:  # noqa: ARG001 - an import has no count
    """Milliseconds ("wall") and modules loaded ("modules")."""
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="spanbridge-benchmark-")))
        modules = len(sys.modules)
        start = perf_counter()
        _ACTIONS[variant](folder)
        wall = perf_counter() - start
        modules = len(sys.modules) - modules
        if variant == CONFIGURED:
            import spanbridge as sb

            cleanup.callback(sb.shutdown)
        return {"wall": wall * 1e3, "modules": modules}


_WALL_GOALS = {IMPORTED: Goal(0.5, 0.5)}

SUBJECT = Subject(
    "imports",
    tuple(_ACTIONS),
    measure,
    (
        *(Comparison("import time", name, "wall", "ms", beside=OTEL, goal=_WALL_GOALS.get(name)) for name in _ACTIONS),
        *(Comparison("modules imported", name, "modules", "modules", beside=OTEL) for name in _ACTIONS),
    ),
)
