"""`spanbridge scan`: what is stored already, looked at again, and rewritten where asked."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from spanbridge.cli.filtering import filter_options, make_filter
from spanbridge.cli.options import opened_store, reading_options
from spanbridge.cli.output import ID_CHARACTERS, cell, make_console, print_json
from spanbridge.model.span import CONTENT_FIELDS
from spanbridge.storage.filters import MAX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanbridge.model.span import SpanRecord
    from spanbridge.processors.sensitive_data import SensitiveDataFilter

_MAX_ROWS = 1000
"""Findings that are printed for people; all are counted, and in the JSON."""


class _Found(NamedTuple):
    trace_id: str
    span_id: str
    rule: str
    path: str


@click.command(short_help="Looks for secrets in what is stored; --rewrite takes them out.")
@click.option("--rewrite", is_flag=True, help="Write the spans anew without what was found.")
@filter_options
@reading_options
def scan(address: str | None, as_json: bool, rewrite: bool, **options: Any) -> None:
    """Looks at every stored span with today's rules: spans of older versions, or recorded with the filter switched off.

    Prints rule and place, never the value; exits with 1 where something was found and not taken out.
    """
    redactor = make_filter(style="full", **options)
    found: list[_Found] = []
    spans = 0
    with opened_store(address) as store:
        for trace_id in _trace_ids(store):
            changed: list[SpanRecord] = []
            for span in store.get_trace(trace_id).spans:
                spans += 1
                in_span = _findings(redactor, span)
                found += in_span
                if in_span and rewrite:
                    changed.append(_redacted(redactor, span))
            if changed:
                store.write(changed)
        compact = getattr(store, "compact", None)
        if rewrite and found and compact is not None:
            # What was replaced would stay in the file's free pages.
            compact()
    summary: dict[str, Any] = {
        "spans": spans,
        "spans_with_findings": len({(item.trace_id, item.span_id) for item in found}),
        "rewritten": rewrite,
        "rules": dict(Counter(item.rule for item in found).most_common()),
    }
    if as_json:
        print_json({**summary, "findings": [item._asdict() for item in found]})
    else:
        _print(summary, found)
    if found and not rewrite:
        raise SystemExit(1)


def _trace_ids(store: Any) -> Iterator[str]:
    # All at once: rewriting moves traces in the list that a cursor walks through.
    ids: list[str] = []
    cursor: str | None = None
    while True:
        page = store.list_traces(limit=MAX_LIMIT, cursor=cursor)
        ids += (trace.trace_id for trace in page)
        cursor = page.next_cursor
        if cursor is None:
            return iter(ids)


def _findings(redactor: SensitiveDataFilter, span: SpanRecord) -> list[_Found]:
    result: list[_Found] = []
    for field in CONTENT_FIELDS:
        value = getattr(span, field)
        if not value:
            continue
        try:
            rules = [(finding.rule, finding.path) for finding in redactor.explain(value, (field,))]
        except Exception as error:  # noqa: BLE001 - what cannot be looked at is withheld when it is rewritten
            rules = [(f"withheld: {type(error).__name__}", field)]
        result += (_Found(span.trace_id, span.span_id, *finding) for finding in rules)
    return result


def _redacted(redactor: SensitiveDataFilter, span: SpanRecord) -> SpanRecord:
    record = redactor.process(span.unfinished_copy())
    record.encode_document()
    return record


def _print(summary: dict[str, Any], found: list[_Found]) -> None:
    from rich.table import Table  # noqa: PLC0415 - heavy, and needed for people only

    if found:
        table = Table(box=None, pad_edge=False)
        for heading in ("trace", "span", "rule", "where"):
            table.add_column(heading)
        for item in found[:_MAX_ROWS]:
            table.add_row(*map(cell, (item.trace_id[:ID_CHARACTERS], item.span_id, item.rule, item.path)))
        make_console().print(table)
        if len(found) > _MAX_ROWS:
            click.echo(f"and {len(found) - _MAX_ROWS:,} more (all with --json)")
    what = "rewritten" if summary["rewritten"] else "left as they are (--rewrite takes them out)"
    click.echo(
        f"{len(found):,} findings in {summary['spans_with_findings']:,} of {summary['spans']:,} spans"
        + (f", {what}" if found else "")
    )
