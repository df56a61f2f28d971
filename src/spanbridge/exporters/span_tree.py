"""A trace as a tree: how its spans are arranged, and how each is written on one line.

`render` makes a coloured tree for terminals, `to_text` a plain one without times and ids, for tests. Both take spans in any
order, of a trace that may be incomplete: a span whose parent is not there stands at the level of the roots.

Content is hostile: what a model or a tool wrote may hold terminal escapes. Every text goes through `clean`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from spanbridge.media.references import readable
from spanbridge.model.span import Status
from spanbridge.model.span_types import SpanType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.text import Text
    from rich.tree import Tree

    from spanbridge.model.span import SpanRecord

PREVIEW_CHARACTERS = 60
NAME_CHARACTERS = 120
MAX_INDENT = 12
"""Deeper spans are drawn at this level, so that a line keeps room for its text."""


class Look(NamedTuple):
    """How spans of one type are drawn."""

    label: str
    style: str


LOOKS: dict[SpanType, Look] = {
    SpanType.AGENT_RUN: Look("agent", "bold cyan"),
    SpanType.MODEL_GENERATION: Look("model", "bold magenta"),
    SpanType.MODEL_STEP: Look("model step", "magenta"),
    SpanType.MODEL_INFERENCE: Look("inference", "magenta"),
    SpanType.MODEL_CHUNK: Look("chunk", "dim magenta"),
    SpanType.TOOL_CALL: Look("tool", "bold yellow"),
    SpanType.MCP_TOOL_CALL: Look("mcp tool", "bold yellow"),
    SpanType.MCP_SERVER_REQUEST: Look("mcp request", "yellow"),
    SpanType.CLIENT_TOOL_CALL: Look("client tool", "yellow"),
    SpanType.PROVIDER_TOOL_CALL: Look("provider tool", "yellow"),
    SpanType.PROCESSOR_RUN: Look("processor", "blue"),
    SpanType.WORKFLOW_RUN: Look("workflow", "bold blue"),
    SpanType.WORKFLOW_STEP: Look("step", "blue"),
    SpanType.WORKFLOW_CONDITIONAL: Look("branch", "blue"),
    SpanType.WORKFLOW_CONDITIONAL_EVAL: Look("condition", "dim blue"),
    SpanType.WORKFLOW_PARALLEL: Look("parallel", "blue"),
    SpanType.WORKFLOW_LOOP: Look("loop", "blue"),
    SpanType.WORKFLOW_SLEEP: Look("sleep", "dim blue"),
    SpanType.WORKFLOW_WAIT_EVENT: Look("wait", "dim blue"),
    SpanType.MEMORY_OPERATION: Look("memory", "green"),
    SpanType.WORKSPACE_ACTION: Look("workspace", "yellow"),
    SpanType.RAG_INGESTION: Look("ingestion", "bold green"),
    SpanType.RAG_EMBEDDING: Look("embedding", "green"),
    SpanType.RAG_VECTOR_OPERATION: Look("vectors", "green"),
    SpanType.RAG_ACTION: Look("retrieval", "green"),
    SpanType.GRAPH_ACTION: Look("graph", "green"),
    SpanType.SCORER_RUN: Look("scorer", "bold white"),
    SpanType.SCORER_STEP: Look("scorer step", "white"),
    SpanType.CLASSIFIER_EVALUATION: Look("classifier", "magenta"),
    SpanType.MAPPING: Look("mapping", "dim"),
    SpanType.SKILL_ACTION: Look("skill", "yellow"),
    SpanType.AGENT_SIGNAL: Look("signal", "cyan"),
    SpanType.GENERIC: Look("span", "white"),
}

STATUS_STYLES: dict[Status, str] = {
    Status.RUNNING: "bold blue",
    Status.OK: "green",
    Status.ERROR: "bold red",
    Status.CANCELLED: "yellow",
    Status.SUSPENDED: "blue",
    Status.ABANDONED: "red",
}


@dataclass(frozen=True)
class SpanLine:
    """What one line says about a span. Small, whatever the span holds: it can be kept while its trace runs."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    started_at: int
    type: SpanType
    name: str
    status: Status
    duration_ns: int | None
    figures: tuple[str, ...]
    """Tokens and cost, as far as they are known."""
    error_type: str
    preview: str
    """The error's message, or the beginnings of input and output; empty where content is not shown."""
    incomplete: str = ""
    """Why a stream or generator ended early: "closed", "cut", ...; empty where it did not."""
    withheld_by: str = ""
    """The processor that failed on the span, so that its content was withheld; empty otherwise."""


class _Placed(Protocol):
    """What `arrange` needs to know of a span."""

    @property
    def trace_id(self) -> str: ...

    @property
    def span_id(self) -> str: ...

    @property
    def parent_span_id(self) -> str | None: ...

    @property
    def started_at(self) -> int: ...


_PlacedT = TypeVar("_PlacedT", bound=_Placed)


def render(spans: Iterable[SpanRecord | SpanLine], *, show_content: bool = True, encoding: str = "utf-8") -> Tree:
    """The spans of one trace as a tree for a terminal.

    `encoding` is the terminal's: a character that it does not know becomes "?". The tree's own line names the trace.
    """
    from rich.text import Text  # noqa: PLC0415 - heavy, and needed for output only
    from rich.tree import Tree  # noqa: PLC0415

    lines = [span if isinstance(span, SpanLine) else summarize(span, show_content=show_content) for span in spans]
    trace_id = clean(lines[0].trace_id) if lines else "(no spans)"
    tree = Tree(Text(f"trace {trace_id}", style="dim"), guide_style="dim")
    branches = [tree]
    for depth, line in arrange(lines):
        level = min(depth, MAX_INDENT)
        del branches[level + 1 :]
        branches.append(branches[level].add(line_text(line, encoding)))
    return tree


def to_text(spans: Iterable[SpanRecord]) -> str:
    """The spans as indented text that is the same for every run: type, name, status, error, links; no times, no ids.

    A link names its target by the number of its line, from 1, or says that it stands in another trace.
    """
    arranged = list(arrange(spans))
    numbers = {(span.trace_id, span.span_id): number for number, (_, span) in enumerate(arranged, 1)}
    return "\n".join(f"{'  ' * depth}{_plain_line(span, numbers)}" for depth, span in arranged)


def summarize(record: SpanRecord, *, show_content: bool = True) -> SpanLine:
    """The line of a span."""
    return SpanLine(
        trace_id=record.trace_id,
        span_id=record.span_id,
        # A parent of another process may be in the same store.
        parent_span_id=record.parent_span_id or record.external_parent_span_id,
        started_at=record.started_at,
        type=SpanType(record.type),
        name=_shorten(clean(str(record.name or "")), NAME_CHARACTERS),
        status=Status(record.status),
        duration_ns=record.duration_ns,
        figures=_figures(record),
        error_type=_shorten(clean(str(_mapping(record.error).get("type") or "")), NAME_CHARACTERS),
        incomplete=_shorten(clean(str(_mapping(record.attributes).get("incomplete") or "")), NAME_CHARACTERS),
        withheld_by=_withheld_by(record),
        preview=_previews(record) if show_content else "",
    )


def arrange(spans: Iterable[_PlacedT]) -> Iterator[tuple[int, _PlacedT]]:
    """Every span once, parents before children and siblings by start, each with its depth from 0.

    Of several with one id the last holds. Spans whose parents form a circle are kept too: the earliest of them stands as a root.
    """
    by_id = {(span.trace_id, span.span_id): span for span in spans}
    ordered = sorted(by_id.values(), key=lambda span: span.started_at)
    roots: list[_PlacedT] = []
    children: dict[tuple[str, str | None], list[_PlacedT]] = {}
    for span in ordered:
        parent = (span.trace_id, span.parent_span_id)
        siblings = children.setdefault(parent, []) if parent in by_id else roots
        siblings.append(span)
    seen: set[tuple[str, str]] = set()
    # After the roots, what is left can be reached from no root: circles.
    for start in (*roots, *ordered):
        stack = [(0, start)]
        while stack:
            depth, span = stack.pop()
            key = (span.trace_id, span.span_id)
            if key not in seen:
                seen.add(key)
                yield depth, span
                stack.extend((depth + 1, child) for child in reversed(children.get(key, ())))


def line_text(line: SpanLine, encoding: str = "utf-8") -> Text:
    """A span's line with its colours; one line, cut at the terminal's edge."""
    from rich.text import Text  # noqa: PLC0415 - heavy, and needed for output only

    look = LOOKS[line.type]
    status = f"{line.status.value} {line.error_type}".rstrip()
    if line.incomplete:
        status += f" ({line.incomplete})"
    parts = [
        (look.label, look.style),
        (f" {line.name}", "bold"),
        (f"  {format_duration(line.duration_ns)}" if line.duration_ns is not None else "", "cyan"),
        ("".join(f"  {figure}" for figure in line.figures), "cyan"),
        (f"  {status}", STATUS_STYLES[line.status]),
        (f"  [content withheld: {line.withheld_by} failed]" if line.withheld_by else "", "bold red"),
        (f"  {line.preview}" if line.preview else "", "dim"),
    ]
    known = [(text.encode(encoding, "replace").decode(encoding), style) for text, style in parts if text]
    return Text.assemble(*known, no_wrap=True, overflow="ellipsis")


def format_duration(duration_ns: int) -> str:
    """ "0.34ms", "12ms", "1.24s", "2m03s", "1h02m"."""
    seconds = max(duration_ns, 0) / 1e9
    if seconds < 0.01:
        return f"{seconds * 1e3:.2f}ms"
    if seconds < 1:
        return f"{seconds * 1e3:.0f}ms"
    if seconds < 60:
        return f"{seconds:.2f}s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest:02}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}m"


def format_cost(cost: float, unit: str = "usd") -> str:
    """ "$0.0031"; of another currency "0.0031 eur". At least two significant digits."""
    digits = next((digits for digits in (2, 4, 6) if abs(cost) >= 10 ** (1 - digits)), 8) if cost else 2
    amount = f"{cost:,.{digits}f}"
    return f"${amount}" if unit == "usd" else f"{amount} {unit}"


_SPACES = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_CONTROLS = re.compile(
    r"[\x00-\x1f\x7f-\x9f"  # C0 with ESC, DEL, C1
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    r"\ud800-\udfff]"  # lone surrogates, which no terminal can be sent
)


def clean(text: str) -> str:
    """`text` on one line, without what a terminal would act on: C0 and C1 controls, escapes, bidirectional controls."""
    return _CONTROLS.sub("", _SPACES.sub(" ", text))


def preview(value: Any, characters: int = PREVIEW_CHARACTERS) -> str:
    """The beginning of a JSON value, on one line and clean; work and result are bounded, whatever the value's size."""
    if isinstance(value, str):
        # Four times as long: cleaning makes it shorter.
        return _shorten(clean(value[: 4 * characters]), characters)
    value = readable(value, max_values=4 * characters)
    from json import JSONEncoder  # noqa: PLC0415 - the only encoder that can stop early

    text = ""
    for chunk in JSONEncoder(ensure_ascii=False).iterencode(value):
        text += chunk[: 4 * characters]
        if len(text) > 4 * characters:
            break
    return _shorten(clean(text), characters)


def _withheld_by(record: SpanRecord) -> str:
    withheld = _mapping(record.attributes).get("withheld")
    return _shorten(clean(str(_mapping(withheld).get("processor") or "")), PREVIEW_CHARACTERS)


def _previews(record: SpanRecord) -> str:
    parts = (("", _mapping(record.error).get("message")), ("in: ", record.input), ("out: ", record.output))
    return "  ".join(f"{label}{preview(value)}" for label, value in parts if value not in (None, ""))


def _figures(record: SpanRecord) -> tuple[str, ...]:
    attributes = _mapping(record.attributes)
    usage, cost_context = _mapping(attributes.get("usage")), _mapping(attributes.get("cost_context"))
    tokens = ((usage.get("input_tokens"), "in"), (usage.get("output_tokens"), "out"))
    figures = [" ".join(f"{count:,} {way}" for count, way in tokens if type(count) is int)]
    cost, unit = cost_context.get("estimated_cost"), cost_context.get("cost_unit")
    if isinstance(cost, (int, float)):
        figures.append(format_cost(cost, clean(unit)[:8] if isinstance(unit, str) else "usd"))
    score = attributes.get("score")
    if record.type in _SCORED and isinstance(score, (int, float, str)):
        figures.append(f"score {preview(score if isinstance(score, str) else str(score).lower(), NAME_CHARACTERS)}")
    return tuple(figure for figure in figures if figure)


_SCORED = (SpanType.SCORER_RUN, SpanType.SCORER_STEP)


def _mapping(value: Any) -> dict[str, Any]:
    """`value`, or nothing where a span that came from elsewhere holds something else in its place."""
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _shorten(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: characters - 3] + "..."


def _plain_line(span: SpanRecord, numbers: dict[tuple[str, str], int]) -> str:
    line = summarize(span, show_content=False)
    text = f"{line.type.value} {line.name} [{line.status.value}] {line.error_type}".rstrip()
    if line.withheld_by:
        text += f" (content withheld: {line.withheld_by} failed)"
    for link in span.links:
        target = numbers.get((link.get("trace_id", span.trace_id), link.get("span_id", "")))
        place = f"line {target}" if target else "another trace"
        text += f" ({clean(str(link.get('type', 'linked to')))} {place})"
    return text
