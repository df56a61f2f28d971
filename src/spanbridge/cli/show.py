"""`spanbridge show`: one trace, or one of its spans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from spanbridge.cli.options import opened_store, reading_options
from spanbridge.cli.output import cell, json_text, local_time, make_console, print_json
from spanbridge.errors import TraceNotFoundError
from spanbridge.exporters.span_tree import (
    MAX_INDENT,
    STATUS_STYLES,
    arrange,
    clean,
    format_cost,
    format_duration,
    line_text,
    preview,
    summarize,
)
from spanbridge.media.references import readable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text
    from rich.tree import Tree

    from spanbridge.model.span import SpanRecord
    from spanbridge.storage.reading import Trace

PREVIEW_CHARACTERS = 400
"""Of an input, an output or a message below its span; the terminal's edge cuts it shorter."""

_ROOT_FIELDS = ("session_id", "user_id", "organization_id", "thread_id", "run_id", "request_id", "resource_id")


@click.command(short_help="Shows a trace as a tree, or one span in full.")
@click.argument("trace_id", metavar="[TRACE_ID]", required=False)
@click.option("--last", is_flag=True, help="The trace that started last.")
@click.option(
    "--span", "span_id", metavar="ID", help="One span of the trace in full, by its id or the beginning of it."
)
@click.option("--ids", "with_ids", is_flag=True, help="With the id of each span, for --span.")
@reading_options
def show(
    address: str | None, as_json: bool, trace_id: str | None, last: bool, span_id: str | None, with_ids: bool
) -> None:
    """Shows a trace as a tree: by its id, the beginning of its id, or --last."""
    if (trace_id is None) != last:
        raise click.UsageError("Name one trace: give its id, the beginning of its id, or --last.")
    with opened_store(address) as store:
        trace: Trace = store.get_trace(_last(store) if trace_id is None else store.find_trace_id(trace_id))
    if span_id is not None:
        span = _find_span(trace, span_id)
        if as_json:
            print_json(span.to_dict())
        else:
            _print_span(span)
    elif as_json:
        print_json(trace.to_dict())
    else:
        _print_trace(trace, with_ids=with_ids)


def _last(store: Any) -> str:
    page = store.list_traces(limit=1)
    if not page:
        raise TraceNotFoundError(
            "the store holds no traces yet: run an application that is traced with it (`spanbridge demo` does)"
        )
    return page[0].trace_id


def _find_span(trace: Trace, prefix: str) -> SpanRecord:
    found = [span for span in trace.spans if span.span_id.startswith(prefix.lower())]
    if len(found) != 1:
        which = f"{len(found)} spans" if found else "no span"
        raise TraceNotFoundError(
            f"the trace {trace.trace_id} has {which} whose id begins with {prefix!r}: "
            f"`spanbridge show {trace.trace_id} --ids` gives the ids"
        )
    return found[0]


def _print_trace(trace: Trace, *, with_ids: bool) -> None:
    console = make_console()
    console.print(_heading(trace))
    console.print(_tree(trace.spans, console, with_ids=with_ids))


def _heading(trace: Trace) -> Text:
    """What holds for the whole trace, as words and their values."""
    from rich.text import Text  # noqa: PLC0415 - heavy, and needed for people only

    root = trace.root
    usage = trace.usage
    facts: list[tuple[str, Any]] = [
        ("trace", trace.trace_id),
        ("started", local_time(root.started_at)),
        ("service", root.service_name),
        ("environment", root.environment),
        ("spans", len(trace.spans)),
        ("tokens", f"{usage.input_tokens:,} in {usage.output_tokens:,} out" if any(usage) else None),
        ("cost", None if trace.cost is None else format_cost(trace.cost)),
        *((field.removesuffix("_id"), root.get_content(field)) for field in _ROOT_FIELDS),
        ("tags", ", ".join(str(tag) for tag in root.tags)),
        ("redacted values", sum(sum(span.redactions.values()) for span in trace.spans) or None),
    ]
    heading = Text()
    for word, value in facts:
        if value not in (None, ""):
            heading.append(f"{word} ", style="dim").append(clean(str(value))).append("   ")
    heading.rstrip()
    return heading


def _tree(spans: list[SpanRecord], console: Console, *, with_ids: bool) -> Tree:
    from rich.tree import Tree  # noqa: PLC0415 - as above

    tree = Tree("", hide_root=True, guide_style="dim")
    branches = [tree]
    for depth, span in arrange(spans):
        level = min(depth, MAX_INDENT)
        del branches[level + 1 :]
        branches.append(branches[level].add(_node(span, console, with_ids=with_ids)))
    return tree


def _node(span: SpanRecord, console: Console, *, with_ids: bool) -> RenderableType:
    """A span's line, and below it the beginnings of what it holds."""
    from rich.console import Group  # noqa: PLC0415 - as above

    line = line_text(summarize(span, show_content=False), console.encoding)
    # In front: the line's end may not fit.
    lines = [cell(f"{span.span_id}  ", "dim").append_text(line) if with_ids else line]
    error = _error(span)
    lines += [
        cell(f"{label} {preview(value, PREVIEW_CHARACTERS)}", style)
        for label, value, style in (
            ("in ", span.input, "dim"),
            ("out", span.output, "dim"),
            ("error", error.get("message"), "red"),
        )
        if value not in (None, "")
    ]
    lines += [cell(preview(cause, PREVIEW_CHARACTERS), "red") for cause in _causes(error)]
    lines += [
        cell(f"event {event.get('name')} {preview(event.get('attributes'), PREVIEW_CHARACTERS)}", "dim")
        for event in span.events
    ]
    return Group(*lines)


def _error(span: SpanRecord) -> dict[str, Any]:
    """The error of a span; nothing where a span that came from elsewhere holds something else in its place."""
    error: Any = span.error
    return error if isinstance(error, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _causes(error: dict[str, Any]) -> list[str]:
    """What is behind an error, one text for each: "cause ValueError: no luck"."""
    found: Any = error.get("causes")
    causes: list[Any] = found if isinstance(found, list) else []  # pyright: ignore[reportUnknownVariableType]
    mappings: list[dict[str, Any]] = [cause for cause in causes if isinstance(cause, dict)]
    return [f"{cause.get('relation', 'cause')} {cause.get('type')}: {cause.get('message')}" for cause in mappings]


def _error_text(error: dict[str, Any]) -> str:
    """The stack as Python prints it, else type and message; below it what is behind the error."""
    stack = error.get("stack") or f"{error.get('type')}: {error.get('message')}"
    return "\n".join([str(stack).rstrip(), *_causes(error)])


def _print_span(span: SpanRecord) -> None:
    """Every field that holds something, whole."""
    from rich.text import Text  # noqa: PLC0415 - as above

    console = make_console()
    for field, value in span.to_dict().items():
        if value in (None, "", [], {}, False):
            continue
        line = Text(field, style="bold cyan")
        error = _error(span) if field == "error" else {}
        shown = readable(value, whole=True)
        text = shown if isinstance(shown, str) else _error_text(error) if error else json_text(shown)
        lines = [clean(part) for part in text.splitlines()]
        if field in ("started_at", "ended_at"):
            lines = [f"{value} ({local_time(int(value))})"]
        if len(lines) == 1:
            line.append(f" {lines[0]}", STATUS_STYLES[span.status] if field == "status" else "none")
        else:
            line.append("".join(f"\n  {part}" for part in lines), "none")
        console.print(line, soft_wrap=True)
    if span.duration_ns is not None:
        console.print(Text("duration", style="bold cyan").append(f" {format_duration(span.duration_ns)}", "none"))
