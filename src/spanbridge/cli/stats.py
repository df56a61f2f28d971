"""`spanbridge stats`: what a store holds as a whole."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from spanbridge.cli.options import opened_store, reading_options
from spanbridge.cli.output import cell, local_time, make_console, print_json
from spanbridge.exporters.span_tree import format_cost
from spanbridge.media.references import format_bytes
from spanbridge.storage.filters import MAX_LIMIT


@click.command(short_help="Sums up what a store holds.")
@reading_options
def stats(address: str | None, as_json: bool) -> None:
    """Sums up a store: traces by status, type and model, spans, tokens, cost, size, age."""
    with opened_store(address) as store:
        summary = {"store": store.address, **store.aggregate().to_dict(), **_counts(store)}
    if as_json:
        print_json(summary)
    else:
        _print(summary)


def _counts(store: Any) -> dict[str, dict[str, int]]:
    """How many traces have each root type, and how many used each model. Reads the whole list, page by page."""
    types: Counter[str] = Counter()
    models: Counter[str] = Counter()
    cursor: str | None = None
    while True:
        page = store.list_traces(limit=MAX_LIMIT, cursor=cursor)
        for trace in page:
            types[trace.type] += 1
            models.update(trace.models)
        cursor = page.next_cursor
        if cursor is None:
            break
    return {"traces_by_type": dict(types.most_common()), "traces_by_model": dict(models.most_common())}


def _print(summary: dict[str, Any]) -> None:
    from rich.table import Table  # noqa: PLC0415 - heavy, and needed for people only

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for key, value in summary.items():
        if isinstance(value, dict):
            counts: dict[str, int] = value  # pyright: ignore[reportUnknownVariableType] - as `_counts` and the store make them
            text = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        else:
            text = _text(key, value)
        table.add_row(key.removesuffix("_bytes").replace("_", " "), cell(text or "none"))
    make_console().print(table)


def _text(key: str, value: Any) -> str:
    if value is None:
        return "unknown" if key == "cost" else "none"
    if key in ("oldest", "newest"):
        return local_time(value)
    if key == "size_bytes":
        return format_bytes(value)
    if key == "cost":
        return format_cost(value)
    return f"{value:,}" if isinstance(value, int) else str(value)
