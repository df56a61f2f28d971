"""`spanbridge traces`: a list of traces."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from spanbridge.cli.options import opened_store, reading_options, seconds_ago
from spanbridge.cli.output import ID_CHARACTERS, cell, local_time, make_console, print_json
from spanbridge.exporters.span_tree import STATUS_STYLES, format_cost, format_duration
from spanbridge.model.span import Status
from spanbridge.model.span_types import SpanType
from spanbridge.storage.filters import MAX_LIMIT, ORDERS

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from spanbridge.storage.reading import Page, TraceSummary

_COLUMNS = (
    "started",
    "trace",
    "type",
    "name",
    "status",
    "duration",
    "spans",
    "errors",
    "tokens",
    "cost",
    "session",
)
_DROPPED_FIRST = ("session", "errors", "spans", "cost", "tokens", "duration", "started")
"""What goes, one after the other, where the terminal is too narrow for all."""
_TEXTS = frozenset({"name", "type", "session"})
"""What is cut at its end: beyond `TEXT_CHARACTERS` before a column goes, further where no more can go."""
TEXT_CHARACTERS = 24
SPACE = 2
"""Characters between columns."""
_FIGURES = frozenset({"duration", "spans", "errors", "tokens", "cost"})


@click.command()
@click.option("--status", type=click.Choice([item.value for item in Status]), help="How the trace stands or ended.")
@click.option(
    "--type", metavar="TYPE", type=click.Choice([item.value for item in SpanType]), help="The root's span type."
)
@click.option("--name", help="The root's name.")
@click.option("--session", "session_id", help="The root's session id.")
@click.option("--user", "user_id", help="The root's user id.")
@click.option("--tag", "tags", multiple=True, help="A tag of the root; may be given again, then all must be there.")
@click.option("--environment", help="The environment that it was recorded in.")
@click.option("--model", help="A model that one of its spans used.")
@click.option("--errors", is_flag=True, help="Only traces with a span that failed.")
@click.option("--min-duration", "min_duration_s", type=click.FloatRange(min=0), metavar="S", help="At least S seconds.")
@click.option("--min-tokens", type=click.IntRange(min=0), metavar="N", help="At least N tokens, input and output.")
@click.option("--min-cost", type=click.FloatRange(min=0), metavar="X", help="At least this estimated cost.")
@click.option("--since", callback=seconds_ago, metavar="AGE", help="Started at most so long ago: 90s, 30m, 2h, 7d, 1w.")
@click.option("--limit", type=click.IntRange(1, MAX_LIMIT), default=20, show_default=True, help="Traces in the list.")
@click.option(
    "--order",
    type=click.Choice([f"{sign}{order}" for order in ORDERS for sign in ("-", "")]),
    default="-started_at",
    show_default=True,
    help='With a leading "-" the largest first.',
)
@click.option("--cursor", help="Goes on where an earlier list ended.")
@reading_options
def traces(
    address: str | None, as_json: bool, since: int | None, errors: bool, tags: tuple[str, ...], **filters: Any
) -> None:
    """Lists traces, the newest first. All the given filters must hold."""
    started_after = None if since is None else max(0, time.time_ns() - since * 1_000_000_000)
    with opened_store(address) as store:
        page = store.list_traces(
            **filters, tags=tags or None, has_error=True if errors else None, started_after=started_after
        )
    if as_json:
        print_json([trace.to_dict() for trace in page])
    elif page:
        console = make_console()
        console.print(_table(page, console.width))
    else:
        click.echo("No traces.", err=True)
    if page.next_cursor is not None:
        click.echo(f"There are more: --cursor {page.next_cursor}", err=True)


def _table(page: Page, width: int) -> Table:
    from rich.table import Table  # noqa: PLC0415 - heavy, and needed for people only

    rows = [_cells(trace) for trace in page]
    columns = _fitting(rows, width)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in columns:
        table.add_column(name, justify="right" if name in _FIGURES else "left", no_wrap=name not in _TEXTS)
    for cells in rows:
        table.add_row(*(cells[name] for name in columns))
    return table


def _fitting(rows: list[dict[str, Text]], width: int) -> list[str]:
    """The columns that fit into `width` characters."""
    needed: dict[str, int] = {}
    for name in _COLUMNS:
        longest = max(cells[name].cell_len for cells in rows)
        needed[name] = SPACE + max(len(name), min(longest, TEXT_CHARACTERS) if name in _TEXTS else longest)
    for name in _DROPPED_FIRST:
        if sum(needed.values()) - SPACE <= width:
            break
        del needed[name]
    return list(needed)


def _cells(trace: TraceSummary) -> dict[str, Text]:
    tokens = trace.input_tokens + trace.output_tokens
    return {
        "started": cell(local_time(trace.started_at), "dim"),
        "trace": cell(trace.trace_id[:ID_CHARACTERS]),
        "type": cell(trace.type),
        "name": cell(trace.name, "bold"),
        "status": cell(trace.status, STATUS_STYLES[Status(trace.status)]),
        "duration": cell(None if trace.duration_ns is None else format_duration(trace.duration_ns), "cyan"),
        "spans": cell(trace.span_count),
        "errors": cell(trace.error_count or None, "red"),
        "tokens": cell(f"{tokens:,}" if tokens else None),
        "cost": cell(None if trace.cost is None else format_cost(trace.cost)),
        "session": cell(trace.session_id, "dim"),
    }
