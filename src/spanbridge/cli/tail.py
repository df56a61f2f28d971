"""`spanbridge tail`: spans as they are written."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from spanbridge.cli.options import opened_store, reading_options
from spanbridge.cli.output import ID_CHARACTERS, cell, local_time, make_console, print_json
from spanbridge.exporters.span_tree import line_text, summarize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from spanbridge.model.span import SpanRecord

POLL_S = 0.2
BATCH_SPANS = 200


@click.command(short_help="Follows the spans that are written.")
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="Ends after N spans; default: when interrupted.")
@click.option("--all", "from_start", is_flag=True, help="Begins with the spans that the store already holds.")
@reading_options
def tail(address: str | None, as_json: bool, count: int | None, from_start: bool) -> None:
    """Follows the spans that are written to a store, from any process. A span that runs for long comes more than once.

    With --json each line is a JSON document.
    """
    console = None if as_json else make_console()
    with opened_store(address) as store:
        after = 0 if from_start else store.last_sequence()
        click.echo("Following new spans; Ctrl-C ends.", err=True)
        try:
            for number, span in enumerate(_follow(store, after), 1):
                _print(span, console)
                if number == count:
                    return
        except KeyboardInterrupt:
            return


def _follow(store: Any, after: int) -> Iterator[SpanRecord]:
    """Spans in the order of their writing, for ever."""
    while True:
        spans, after = store.tail(after, limit=BATCH_SPANS)
        yield from spans
        if not spans:
            time.sleep(POLL_S)


def _print(span: SpanRecord, console: Console | None) -> None:
    if console is None:
        print_json(span.to_dict(), indent=False)
        return
    line = cell(f"{local_time(span.started_at)}  {span.trace_id[:ID_CHARACTERS]}  ", "dim")
    line.append_text(line_text(summarize(span), console.encoding))
    console.print(line)
