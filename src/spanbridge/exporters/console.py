"""Spans for people: each trace as a tree, live on a terminal."""

from __future__ import annotations

import logging
import sys
from collections import OrderedDict
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from spanbridge import forks
from spanbridge.exporters.span_tree import line_text, render, summarize
from spanbridge.protocols import Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from rich.console import Console, RenderableType
    from rich.live import Live

    from spanbridge.exporters.span_tree import SpanLine
    from spanbridge.model.span import SpanRecord
    from spanbridge.protocols import ExportResult

MAX_OPEN_TRACES = 64
MAX_OPEN_SPANS = 5000
MAX_LIVE_TRACES = 8
MAX_REMEMBERED_SPANS = 20_000
FILE_WIDTH = 200
"""Columns of a line where the output is not a terminal."""


class ConsoleExporter:
    """Prints each trace as a tree when its root has ended.

    On a terminal the trees of running traces grow live below the output; meanwhile `sys.stdout` and `sys.stderr` are
    redirected, and so are the log handlers that were made with them: the application's prints and log lines appear above
    the trees. What goes to the terminal past all of these may be drawn over: use `live=False` there.

    A span that comes after its trace was printed gets a line of its own. Memory is bounded: of more than 64 open traces or
    5,000 open spans the oldest trace is printed as it stands.

    Args:
        file: Where to print; default: standard output, as it is at each print.
        show_content: Whether the beginnings of input, output and error message are printed.
        width: Columns of a line; default: the terminal's, 200 where the output is not a terminal.
        live: Whether running traces are drawn on a terminal; False: a tree is printed when its root has ended.
    """

    name = "console"
    accepts_running = True

    def __init__(
        self, file: TextIO | None = None, show_content: bool = True, width: int | None = None, live: bool = True
    ) -> None:
        self._file = file
        self._show_content = show_content
        self._width = width
        self._draws_live = live
        self._begin()
        forks.register(self)

    def _begin(self) -> None:
        self._at_work = Lock()
        self._console: Console | None = None
        self._live: Live | None = None
        self._moved_handlers: list[tuple[logging.StreamHandler[Any], Any]] = []
        """Log handlers that write above the live trees for now, and the streams that they were made with."""
        self._open: OrderedDict[str, dict[str, SpanLine]] = OrderedDict()
        """Lines by span id, by trace id; the trace that changed last is the last."""
        self._printed: OrderedDict[str, set[str]] = OrderedDict()
        """Span ids of traces that were printed."""
        self._printed_spans = 0

    def export(self, batch: Sequence[SpanRecord], /) -> ExportResult | None:
        forks.let_go_first()
        with self._at_work:
            return self._export(batch)

    def _export(self, batch: Sequence[SpanRecord]) -> ExportResult | None:
        # All lines before anything changes: what raises here comes again, and must find the trees as they were.
        summaries = [(summarize(record, show_content=self._show_content), record.phase) for record in batch]
        late = [line for line, phase in summaries if self._apply(line, phase)]
        finished = [trace_id for trace_id, lines in self._open.items() if _has_ended(lines.values())]
        trees = [self._close(trace_id) for trace_id in finished] + self._close_oldest()
        console = self._console = self._console or self._make_console()
        encoding = console.encoding
        finished_output = [render(lines, encoding=encoding) for lines in trees]
        try:
            self._refresh(console)
            _print_whole(console, [*finished_output, *(line_text(line, encoding) for line in late)])
        except (BrokenPipeError, ValueError) as error:
            if isinstance(error, ValueError) and not _is_closed(console):
                raise
            return Rejected("stream_closed")
        return None

    def flush(self, _deadline: float, /) -> None:
        """Nothing is held back but the trees of open traces, which stay open."""

    def shutdown(self, _deadline: float, /) -> None:
        """Prints the trees of open traces as they stand."""
        with self._at_work:
            self._print_open()

    def locks(self) -> tuple[Lock, ...]:
        """For `forks`: held while something is printed."""
        return (self._at_work,)

    def forget_parent(self, *, was_at_work: bool) -> None:  # noqa: ARG002 - it prints anew in any case
        """For `forks`: a child prints on its own, past the trees that its parent draws."""
        if self._live is not None:
            for handler, stream in self._moved_handlers:
                handler.stream = stream  # `setStream` flushes the one before, which prints on the parent's console
            sys.stdout, sys.stderr = (getattr(file, "rich_proxied_file", file) for file in (sys.stdout, sys.stderr))
        self._begin()

    def _print_open(self) -> None:
        trees = [self._close(trace_id) for trace_id in tuple(self._open)]
        console = self._console
        if console is None or _is_closed(console):
            return
        self._refresh(console)
        _print_whole(console, [render(lines, encoding=console.encoding) for lines in trees])

    def _apply(self, line: SpanLine, phase: str) -> bool:
        """Puts a span into its trace; whether that was printed already, so that the line stands alone."""
        if phase == "dropped":
            self._drop(line)
            return False
        printed = self._printed.get(line.trace_id, ())
        if line.span_id in printed or line.parent_span_id in printed:
            self._remember(line.trace_id, {line.span_id})
            return True
        self._open.setdefault(line.trace_id, {})[line.span_id] = line
        self._open.move_to_end(line.trace_id)
        return False

    def _drop(self, dropped: SpanLine) -> None:
        """Takes a span back; its children attach to its parent."""
        lines = self._open.get(dropped.trace_id)
        if lines is None:
            return
        lines.pop(dropped.span_id, None)
        for span_id, line in lines.items():
            if line.parent_span_id == dropped.span_id:
                lines[span_id] = replace(line, parent_span_id=dropped.parent_span_id)
        if not lines:
            del self._open[dropped.trace_id]

    def _close(self, trace_id: str) -> list[SpanLine]:
        lines = self._open.pop(trace_id)
        self._remember(trace_id, set(lines))
        return list(lines.values())

    def _close_oldest(self) -> list[list[SpanLine]]:
        """The traces that are too many to wait for: a root may never come."""
        closed: list[list[SpanLine]] = []
        spans = sum(map(len, self._open.values()))
        while len(self._open) > MAX_OPEN_TRACES or spans > MAX_OPEN_SPANS:
            closed.append(self._close(next(iter(self._open))))
            spans -= len(closed[-1])
        return closed

    def _remember(self, trace_id: str, span_ids: set[str]) -> None:
        remembered = self._printed.setdefault(trace_id, set())
        self._printed.move_to_end(trace_id)
        self._printed_spans -= len(remembered)
        remembered |= span_ids
        self._printed_spans += len(remembered)
        while self._printed_spans > MAX_REMEMBERED_SPANS and len(self._printed) > 1:
            self._printed_spans -= len(self._printed.popitem(last=False)[1])

    def _refresh(self, console: Console) -> None:
        """Draws the open traces below the output of a terminal."""
        if not self._draws_live or not _is_terminal(console):
            return
        from rich.console import Group  # noqa: PLC0415 - heavy, and needed for output only

        newest = list(self._open.values())[-MAX_LIVE_TRACES:]
        trees: list[RenderableType] = [render(lines.values(), encoding=console.encoding) for lines in newest]
        if self._live is None and trees:
            from rich.live import Live  # noqa: PLC0415

            # No refresh thread: what is drawn changes only here.
            self._live = Live(console=console, auto_refresh=False, transient=True)
            streams = (sys.stdout, sys.stderr)
            self._live.start()
            self._moved_handlers = _move_handlers(dict(zip(streams, (sys.stdout, sys.stderr), strict=True)))
        if self._live is not None:
            self._live.update(Group(*trees), refresh=True)
            if not trees:
                for handler, stream in self._moved_handlers:
                    handler.setStream(stream)
                self._live.stop()
                self._live = None

    def _make_console(self) -> Console:
        from rich.console import Console  # noqa: PLC0415 - heavy, and needed for output only

        class SafeConsole(Console):
            """A console that reports a broken pipe; rich's own points standard output to nowhere and exits."""

            def on_broken_pipe(self) -> None:
                raise BrokenPipeError

        console = SafeConsole(
            file=self._file, width=self._width, markup=False, emoji=False, highlight=False, force_jupyter=False
        )
        if self._width is None and not console.file.isatty():
            console.width = FILE_WIDTH
        return console


def _print_whole(console: Console, renderables: Sequence[RenderableType]) -> None:
    """Prints all of it or, where it cannot be rendered, none."""
    if renderables:
        from rich.segment import Segments  # noqa: PLC0415 - heavy, and needed for output only

        console.print(Segments([segment for item in renderables for segment in console.render(item)]))


def _move_handlers(streams: dict[Any, Any]) -> list[tuple[logging.StreamHandler[Any], Any]]:
    """Points log handlers that write to a stream of `streams` to the one in its place; gives them with their own streams."""
    moved: list[tuple[logging.StreamHandler[Any], Any]] = []
    logger: Any
    handler: Any
    for logger in (logging.root, *tuple(logging.root.manager.loggerDict.values())):
        for handler in tuple(getattr(logger, "handlers", ())):
            if issubclass(type(handler), logging.StreamHandler):
                own = handler.stream
                place = next((new for old, new in streams.items() if old is own and new is not own), None)
                if place is not None and handler.setStream(place) is not None:
                    moved.append((handler, own))
    return moved


def _has_ended(lines: Any) -> bool:
    """Whether the trace has a root, and no root that still runs."""
    roots = [line for line in lines if line.parent_span_id is None]
    return bool(roots) and all(line.duration_ns is not None for line in roots)


def _is_closed(console: Console) -> bool:
    return bool(getattr(console.file, "closed", False))


def _is_terminal(console: Console) -> bool:
    # Not `console.is_terminal`: FORCE_COLOR makes that true for a file, and colours are all that is asked for then.
    return not _is_closed(console) and console.file.isatty() and not console.is_dumb_terminal
