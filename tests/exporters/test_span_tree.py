import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from spanbridge.exporters.span_tree import (
    LOOKS,
    STATUS_STYLES,
    SpanLine,
    arrange,
    clean,
    format_cost,
    format_duration,
    preview,
    render,
    to_text,
)
from spanbridge.model.span import Status
from spanbridge.model.span_types import SpanType


def printed(tree, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    Console(file=file, width=200, color_system=None).print(tree)
    file.flush()
    return file.buffer.getvalue().decode(encoding)


def test_every_type_and_status_has_a_look():
    """No span type and no status is missing from the tables."""
    assert set(LOOKS) == set(SpanType)
    assert set(STATUS_STYLES) == set(Status)


def test_render(make_span):
    """A line has label, name, duration, tokens, cost, status and the beginnings of the content."""
    root = make_span("support", type=SpanType.AGENT_RUN, input={"q": "hi"}, output="hello", ended_at=3_240_000_000)
    model = make_span(
        "chat gpt-5.4",
        parent=root,
        type=SpanType.MODEL_GENERATION,
        attributes={
            "usage": {"input_tokens": 1812, "output_tokens": 96},
            "cost_context": {"estimated_cost": 0.0031, "cost_unit": "usd"},
        },
    )
    tool = make_span(
        "search",
        parent=root,
        type=SpanType.TOOL_CALL,
        status=Status.ERROR,
        error={"type": "ValueError", "message": "no such index"},
    )
    inner = make_span("inner", parent=tool, status=Status.RUNNING)

    assert printed(render([inner, tool, model, root])).splitlines() == [
        "trace 0af7651916cd43dd8448eb211c80319c",
        '└── agent support  2.24s  ok  in: {"q": "hi"}  out: hello',
        "    ├── model chat gpt-5.4  20ms  1,812 in 96 out  $0.0031  ok",
        "    └── tool search  20ms  error ValueError  no such index",
        "        └── span inner  running",
    ]


@pytest.mark.parametrize(
    ("score", "shown"),
    [(0.9, "score 0.9  "), (1, "score 1  "), (True, "score true  "), ("good\n", "score good"), (None, ""), ([1], "")],
)
def test_a_score_is_shown(make_span, score, shown):
    """What a scorer said stands in its line."""
    scorer = make_span("helpful", type=SpanType.SCORER_RUN, attributes={"score": score})
    tool = make_span("search", type=SpanType.TOOL_CALL, attributes={"score": score})

    assert shown in printed(render([scorer]))
    assert shown or "score " not in printed(render([scorer]))
    assert "score" not in printed(render([tool]))


def test_render_without_content(make_span):
    """Without content a line keeps its name and its error's type."""
    span = make_span(
        "s", input="in", output="out", status=Status.ERROR, error={"type": "ValueError", "message": "secret"}
    )

    assert printed(render([span], show_content=False)).splitlines()[1] == "└── span s  20ms  error ValueError"


def test_render_in_ascii(make_span):
    """On a terminal that knows no Unicode the tree is drawn in ASCII, and what it cannot show is a question mark."""
    root = make_span("größe")
    child = make_span("→", parent=root)

    assert printed(render([root, child], encoding="ascii"), "ascii").splitlines()[1:] == [
        "`-- span gr??e  20ms  ok",
        "    `-- span ?  20ms  ok",
    ]


def test_markup_is_not_interpreted(make_span):
    """Names and content that look like rich's markup are printed as they are."""
    text = printed(render([make_span("[bold]x[/bold] :smile:", input="[link=https://x]y[/link]")]))

    assert "[bold]x[/bold] :smile:" in text
    assert "[link=https://x]y[/link]" in text


@pytest.mark.parametrize("field", ["usage", "cost_context"])
@pytest.mark.parametrize("value", ["text", 5, ["x"], None, {"input_tokens": "many", "estimated_cost": None}])
def test_foreign_attributes(make_span, field, value):
    """A span from elsewhere may hold anything under our attributes' names: no figure is shown then."""
    assert printed(render([make_span("s", attributes={field: value})])).splitlines()[1] == "└── span s  20ms  ok"


def test_deep_trees_stay_readable(make_span):
    """Below twelve levels the tree grows no further to the right, and every span still has its line."""
    spans = [make_span("s0")]
    for number in range(1, 400):
        spans.append(make_span(f"s{number}", parent=spans[-1]))

    lines = printed(render(spans)).splitlines()

    assert [re.search(r"span (s\d+)  20ms  ok$", line).group(1) for line in lines[1:]] == [f"s{n}" for n in range(400)]
    assert max(map(len, lines)) < 80


def test_nothing_to_draw():
    """No spans make an empty tree and an empty text."""
    assert printed(render([])).strip() == "trace (no spans)"
    assert to_text([]) == ""


def test_to_text(make_span):
    """The text has type, name, status and error's type, in start order, without times and ids."""
    root = make_span("support", type=SpanType.AGENT_RUN)
    model = make_span("chat gpt-5.4", parent=root, type=SpanType.MODEL_GENERATION, input="secret")
    tool = make_span(
        "search",
        parent=root,
        type=SpanType.TOOL_CALL,
        status=Status.ERROR,
        error={"type": "ValueError", "message": "m"},
    )

    assert to_text([tool, root, model]) == (
        "agent_run support [ok]\n  model_generation chat gpt-5.4 [ok]\n  tool_call search [error] ValueError"
    )


def test_links_in_text(make_span):
    """A link names the line of its target, or another trace."""
    root = make_span("run")
    first = make_span("try", parent=root)
    second = make_span("try", parent=root, links=[{"span_id": first.span_id, "type": "retry_of"}])
    third = make_span("go", parent=root, links=[{"trace_id": "f" * 32, "span_id": "e" * 16, "type": "resumed_from"}])

    assert to_text([root, first, second, third]).splitlines()[2:] == [
        "  generic try [ok] (retry_of line 2)",
        "  generic go [ok] (resumed_from another trace)",
    ]


def test_orphans_stand_with_the_roots(make_span):
    """A span whose parent is not there is a root of the tree; its children stay below it."""
    lost = make_span("lost")
    orphan = make_span("orphan", parent=lost)
    child = make_span("child", parent=orphan)
    root = make_span("root")

    assert to_text([child, root, orphan]) == "generic orphan [ok]\n  generic child [ok]\ngeneric root [ok]"


def line(span_id: str, parent_span_id: str | None, started_at: int) -> SpanLine:
    return SpanLine("t", span_id, parent_span_id, started_at, SpanType.GENERIC, span_id, Status.OK, 0, (), "", "")


SPAN_IDS = st.sampled_from("abcdefgh")


@given(st.lists(st.builds(line, SPAN_IDS, st.none() | SPAN_IDS, st.integers(0, 5))))
def test_arrange_keeps_every_span_once(lines):
    """Whatever the parents are, circles included, each span comes once, one level below its parent or at a place of its own."""
    arranged = list(arrange(lines))

    last = {span.span_id: span for span in lines}
    assert sorted(span.span_id for _, span in arranged) == sorted(last)
    path: list[SpanLine] = []
    for depth, span in arranged:
        assert span is last[span.span_id]
        assert depth <= len(path)
        path = [*path[:depth], span]
        if depth:
            assert path[depth - 1].span_id == span.parent_span_id
        else:
            # A root, an orphan, or the way into a circle.
            ancestors = set()
            while span is not None and span.span_id not in ancestors:
                ancestors.add(span.span_id)
                span = last.get(span.parent_span_id)
            assert len(ancestors) == 1 or span is not None


@given(st.text())
def test_clean_leaves_nothing_to_act_on(text):
    """What is printed holds no control character, no bidirectional control and no lone surrogate; all else is kept."""
    cleaned = clean(text)

    assert not re.search("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", cleaned)
    cleaned.encode()
    if text.isprintable():
        assert cleaned == text


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2J\x1b]0;title\x07x", "[2J]0;titlex"),
        ("\x9b31mred", "31mred"),
        ("\x1b]52;c;aGk=\x07", "]52;c;aGk="),
        ("\x1b]8;;http://x\x1b\\link", "]8;;http://x\\link"),
        ("a\r\nb\tc", "a b c"),
        ("abc\x08\x08\x7f", "abc"),
        ("user\u202etxt.exe", "usertxt.exe"),
    ],
)
def test_clean(hostile, shown):
    """Escape sequences lose what makes them act; lines become one."""
    assert clean(hostile) == shown


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(JSON)
def test_preview_is_short_and_clean(value):
    """A preview has at most its number of characters, on one line, whatever the value is."""
    text = preview(value, 40)

    assert len(text) <= 40
    assert text == clean(text)


def test_preview_stops_early():
    """Of a large value only the beginning is encoded: what cannot be encoded further on is never reached."""
    assert preview([*range(100_000), object()], 12) == "[0, 1, 2,..."


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [
        (-5, "0.00ms"),
        (340_000, "0.34ms"),
        (12_400_000, "12ms"),
        (1_240_000_000, "1.24s"),
        (123_000_000_000, "2m03s"),
        (3_725_000_000_000, "1h02m"),
    ],
)
def test_format_duration(duration_ns, text):
    """Durations have the unit that fits."""
    assert format_duration(duration_ns) == text


@pytest.mark.parametrize(
    ("cost", "unit", "text"),
    [
        (0.0031, "usd", "$0.0031"),
        (0.00045, "usd", "$0.000450"),
        (0, "usd", "$0.00"),
        (1234.5, "usd", "$1,234.50"),
        (0.00000123, "usd", "$0.00000123"),
        (0.05, "eur", "0.0500 eur"),
    ],
)
def test_format_cost(cost, unit, text):
    """Small amounts keep digits that count."""
    assert format_cost(cost, unit) == text


def test_a_withheld_span_is_marked(make_span):
    """A span whose content a failing processor withheld says so, and names the processor."""
    span = make_span("tool_call", attributes={"withheld": {"processor": "broken\x1b[2J", "reason": "ValueError"}})

    assert printed(render([span])).splitlines()[1] == (
        "└── span tool_call  20ms  ok  [content withheld: broken[2J failed]"
    )
    assert to_text([span]) == "generic tool_call [ok] (content withheld: broken[2J failed)"


def test_a_parent_of_another_process(make_span):
    """A span whose parent another process owns stands under it, where that one is there too; a stream that was cut says so."""
    caller = make_span("caller", span_id="a" * 16)
    callee = make_span(
        "callee", span_id="b" * 16, external_parent_span_id="a" * 16, attributes={"incomplete": "cut"}, started_at=5
    )

    lines = printed(render([callee, caller])).splitlines()

    assert [line.split("  ")[0].strip() for line in lines[1:2]] == ["└── span caller"]
    assert lines[2].startswith("    └── span callee")
    assert lines[2].endswith("ok (cut)")
