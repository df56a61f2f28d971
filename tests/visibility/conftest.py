"""All exits of the core at once, and their bytes."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace

import pytest

import spanbridge as sb


@pytest.fixture
def exits(tmp_path):
    """`configure(**settings)` with the store, JSON Lines, the console and memory; afterwards `read()` gives what each of them has."""
    screen, memory = io.StringIO(), sb.InMemoryExporter()
    lines = tmp_path / "spans.jsonl"

    def configure(also=(), **settings):
        sb.configure(
            store=f"sqlite:///{tmp_path}/traces.db",
            exporters=[sb.JsonLinesExporter(lines), sb.ConsoleExporter(file=screen), memory, *also],
            **settings,
        )

    def read():
        assert sb.shutdown(30)
        with sb.open_store(f"sqlite:///{tmp_path}/traces.db") as store:
            stored = [span for row in store.list_traces() for span in store.get_trace(row.trace_id).spans]
        return SimpleNamespace(
            store={span.name: span for span in stored},
            memory={span.name: span for span in memory.spans},
            jsonl={span["name"]: span for span in map(json.loads, lines.read_text().splitlines())},
            console=screen.getvalue(),
        )

    def all_bytes():
        files = [path.read_bytes() for path in tmp_path.iterdir() if path.is_file()]
        return b"".join(files) + screen.getvalue().encode() + b"".join(span.document for span in memory.spans)

    return SimpleNamespace(configure=configure, read=read, all_bytes=all_bytes)


def parents(spans):
    """By name: the name of the parent, from any of the exits."""

    def field(span, name):
        return span[name] if isinstance(span, dict) else getattr(span, name)

    names = {field(span, "span_id"): name for name, span in spans.items()}
    return {
        name: None if field(span, "parent_span_id") is None else names[field(span, "parent_span_id")]
        for name, span in spans.items()
    }
