import asyncio
import contextvars
import datetime
import decimal
import enum
import pathlib
import sys
import threading
import traceback
import uuid
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import spanbridge as sb
from spanbridge.model.identifiers import is_span_id, is_trace_id

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SPAN_ID = "b7ad6b7169203331"


class Hostile:
    """Raises wherever it can."""

    def _raise(self, *args):
        raise RuntimeError("hostile")

    __repr__ = __str__ = __bool__ = __len__ = __iter__ = __eq__ = __getattr__ = __fspath__ = _raise
    __hash__ = object.__hash__


def only(captured):
    (span,) = captured.spans
    return span


def by_name(captured):
    return {span.name: span for span in captured.spans}


# --- opening and ending ---------------------------------------------------------------------------------------------------


def test_with(captured_spans):
    """A `with` block is a span: what it was given is recorded, and the block's end ends it."""
    with sb.tool_call("search", input={"q": "x"}, metadata={"m": 1}, tool_type="function") as tool:
        assert tool.is_recording
        tool.set(output=[1, 2])

    span = only(captured_spans)
    assert not tool.is_recording
    assert (span.name, span.type, span.status) == ("search", "tool_call", "ok")
    assert (span.input, span.output, span.metadata, span.attributes) == (
        {"q": "x"},
        [1, 2],
        {"m": 1},
        {"tool_type": "function"},
    )
    assert (span.trace_id, span.span_id) == (tool.trace_id, tool.span_id)
    assert is_trace_id(span.trace_id)
    assert is_span_id(span.span_id)
    assert span.parent_span_id is None
    assert span.started_at <= span.ended_at


async def test_async_with(captured_spans):
    """`async with` does the same, and holds over awaits."""
    async with sb.agent_run("a") as outer:
        await asyncio.sleep(0)
        async with sb.tool_call("b") as inner:
            assert sb.current_span() is inner
        assert sb.current_span() is outer

    captured_spans.assert_tree("agent_run a [ok]\n  tool_call b [ok]")


def test_by_hand(captured_spans):
    """`start_span` opens a span that is no ambient parent, and `end` ends it with what it is given."""
    span = sb.start_span(sb.SpanType.TOOL_CALL, "search", input="q")
    assert sb.current_span() is None
    with sb.generic("elsewhere"):
        pass
    with sb.generic("child", parent=span):
        pass
    span.end(output="o", metadata={"m": 1}, success=True)

    spans = by_name(captured_spans)
    assert (spans["search"].input, spans["search"].output, spans["search"].metadata) == ("q", "o", {"m": 1})
    assert spans["search"].attributes == {"success": True}
    assert spans["child"].parent_span_id == span.span_id
    assert spans["elsewhere"].trace_id != span.trace_id


def test_a_span_that_was_started_by_hand_may_be_entered(captured_spans):
    """`with` on a started span makes it ambient and ends it."""
    span = sb.start_span("tool_call", "search")
    with span, sb.generic("child"):
        pass

    captured_spans.assert_tree("tool_call search [ok]\n  generic child [ok]")


def test_nesting(captured_spans):
    """Spans nest as blocks do; siblings share their parent, and a trace its id."""
    with sb.agent_run("root"):
        with sb.workflow_step("first"), sb.tool_call("inner"):
            pass
        with sb.workflow_step("second"):
            pass
    with sb.agent_run("other"):
        pass

    captured_spans.assert_tree(
        """
        agent_run root [ok]
          workflow_step first [ok]
            tool_call inner [ok]
          workflow_step second [ok]
        agent_run other [ok]
        """
    )
    spans = by_name(captured_spans)
    assert len({spans[name].trace_id for name in ("root", "first", "inner", "second")}) == 1
    assert spans["other"].trace_id != spans["root"].trace_id


async def test_parallel_tasks(captured_spans):
    """Tasks that run side by side each nest under the span that was current where they were created."""
    ready = asyncio.Barrier(3) if hasattr(asyncio, "Barrier") else None

    async def work(name):
        with sb.tool_call(name):
            if ready is not None:
                await ready.wait()
            await asyncio.sleep(0)
            with sb.generic(f"{name}-inner"):
                await asyncio.sleep(0)

    with sb.agent_run("root"):
        await asyncio.gather(*(work(name) for name in "abc"))

    spans = by_name(captured_spans)
    for name in "abc":
        assert spans[name].parent_span_id == spans["root"].span_id
        assert spans[f"{name}-inner"].parent_span_id == spans[name].span_id


def test_threads(captured_spans):
    """A thread nests where the context was handed on, or a parent was given; else it starts a trace."""
    with sb.agent_run("root") as root, ThreadPoolExecutor(1) as pool:
        pool.submit(contextvars.copy_context().run, sb.tool_call("copied").__enter__().end).result()
        pool.submit(lambda: sb.start_span("generic", "given", parent=root).end()).result()
        pool.submit(lambda: sb.start_span("generic", "alone").end()).result()

        def copied():
            with sb.generic("in the copied context"):
                pass

        pool.submit(contextvars.copy_context().run, copied).result()

    spans = by_name(captured_spans)
    assert spans["given"].parent_span_id == root.span_id
    assert spans["alone"].trace_id != root.trace_id
    assert spans["in the copied context"].trace_id == root.trace_id


def test_an_ended_span_may_be_a_parent(captured_spans):
    """A parent that has ended still gives its trace and id."""
    with sb.agent_run("root") as root:
        pass
    with sb.tool_call("late", parent=root):
        pass

    captured_spans.assert_tree("agent_run root [ok]\n  tool_call late [ok]")


@pytest.mark.parametrize("parent", ["x", 5, None, object(), Hostile()], ids=lambda value: type(value).__name__)
def test_what_is_no_parent_is_passed_over(parent, captured_spans):
    """A parent that is no span leaves the ambient one in force."""
    with sb.agent_run("root") as root, sb.tool_call("child", parent=parent):
        pass

    assert by_name(captured_spans)["child"].parent_span_id == root.span_id


def test_end_twice(captured_spans):
    """A second end, and an end inside of a block, are harmless and counted."""
    with sb.tool_call("search") as tool:
        tool.end(output="first")
        tool.end(output="second")

    assert only(captured_spans).output == "first"
    assert captured_spans.observability.stats()["ignored"] == {"end_after_end": 1}


def test_entering_a_span_that_has_ended(captured_spans):
    """A span is one: entered again after its end, by whichever block, it records nothing more, and that is counted."""

    async def again():
        async with step:
            pass

    step = sb.generic("step")
    for _ in range(3):
        with step:
            pass
    asyncio.run(again())

    assert only(captured_spans).name == "step"
    assert captured_spans.observability.stats()["ignored"] == {"enter_after_end": 3}


@sb.tool_call
def decorated_without_end(depth):
    return decorated_without_end(depth + 1)


def block_without_end(depth):
    with sb.generic("block", input={"depth": depth}) as span:
        span.set(output=[depth])
        return block_without_end(depth + 1)


async def async_block_without_end(depth):
    async with sb.generic("block"):
        return await async_block_without_end(depth + 1)


@pytest.mark.parametrize("extra", range(8))
@pytest.mark.parametrize(
    "recurse",
    [decorated_without_end, block_without_end, lambda depth: asyncio.run(async_block_without_end(depth))],
    ids=["decorated", "block", "async block"],
)
def test_a_recursion_without_end_leaves_no_span_open(recurse, extra, captured_spans, contained_places):
    """Where the application is as deep as it may be, its blocks end their spans all the same, at whichever depth that is."""

    def at_depth(levels):
        return recurse(0) if levels == 0 else at_depth(levels - 1)

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(400)  # at the end of which there is room for all that a span does, or for a part of it
    try:
        with pytest.raises(RecursionError):
            at_depth(extra)
    finally:
        sys.setrecursionlimit(limit)

    assert captured_spans.observability.flush(30)
    assert captured_spans.observability.stats()["spans"]["open"] == 0
    assert sb.current_span() is None


def test_update_after_the_end(captured_spans):
    """An update after the end changes nothing and is counted."""
    with sb.tool_call("search", input="i") as tool:
        pass
    tool.set(output="late", late=True)
    tool.event("late")
    tool.error(ValueError("late"))

    span = only(captured_spans)
    assert (span.output, span.attributes, span.events, span.error, span.status) == (None, {}, [], None, "ok")
    assert captured_spans.observability.stats()["ignored"] == {
        "update_after_end": 1,
        "event_after_end": 1,
        "error_after_end": 1,
    }


def test_left_in_another_context(captured_spans):
    """A block that is left in another context than it was entered in ends its span, and is counted."""
    span = sb.agent_run("root")
    contextvars.copy_context().run(span.__enter__)
    span.__exit__(None, None, None)

    assert only(captured_spans).status == "ok"
    assert captured_spans.observability.stats()["ignored"] == {"wrong_context": 1}


def test_left_out_of_order(captured_spans):
    """Blocks that are left in the wrong order end their spans."""
    outer, inner = sb.agent_run("outer"), sb.tool_call("inner")

    def use():
        outer.__enter__()
        inner.__enter__()
        outer.__exit__(None, None, None)
        inner.__exit__(None, None, None)

    contextvars.copy_context().run(use)

    captured_spans.assert_tree("agent_run outer [ok]\n  tool_call inner [ok]")


def test_repr_names_the_span():
    """A span shows its type, name and state."""
    assert repr(sb.tool_call("search")) == "<Span tool_call 'search' not started>"


# --- recording -------------------------------------------------------------------------------------------------------------


def test_set_merges_and_replaces(captured_spans):
    """Attributes and metadata merge, everything else is replaced; None means "not given"."""
    with sb.tool_call(
        "a", input=1, output=1, metadata={"x": 1, "y": 1}, tags=["t"], tool_type="f", success=False
    ) as tool:
        tool.set(output=2, metadata={"y": 2, "z": 2}, success=True)
        tool.set(input=2, output=None, metadata=None, tool_description=None)
        tool.set(name="b", tags=["u", "v"])

    span = only(captured_spans)
    assert (span.name, span.input, span.output, span.tags) == ("b", 2, 2, ["u", "v"])
    assert span.metadata == {"x": 1, "y": 2, "z": 2}
    assert {key: value for key, value in span.attributes.items() if value is not None} == {
        "tool_type": "f",
        "success": True,
    }


def test_merging_after_it_was_written_as_running(captured_spans, tmp_path):
    """What was recorded before a flush merges with what comes after it."""
    captured = captured_spans
    with sb.tool_call("a", metadata={"x": {"deep": [1]}}, tool_type="f") as tool:
        tool.event("one")
        captured.flush()
        tool.set(metadata={"y": {"deep": [2]}}, success=True)
        tool.event("two")

    span = only(captured)
    assert span.metadata == {"x": {"deep": [1]}, "y": {"deep": [2]}}
    assert span.attributes == {"tool_type": "f", "success": True}
    assert [event["name"] for event in span.events] == ["one", "two"]


def test_falsy_payloads_are_recorded(captured_spans):
    """Empty and zero payloads are payloads."""
    for value in (0, "", [], {}, False):
        with sb.generic("g", input=value) as span:
            span.set(output=value)

    assert [(span.input, span.output) for span in captured_spans.spans] == [
        (value, value) for value in (0, "", [], {}, False)
    ]


def test_later_changes_do_not_show(captured_spans):
    """The application may go on with what it passed."""
    payload, metadata, tags, limits = [1], {"m": [1]}, ["t"], {"x": [1]}
    with sb.agent_run("a", input=payload, metadata=metadata, tags=tags, agent_id="i", limits=limits) as span:
        payload.append(2)
        metadata["m"].append(2)
        metadata["n"] = 1
        tags.append("u")
        limits["x"].append(2)
        span.set(output=payload)
        span.event("e", metadata)
        payload.append(3)
        metadata["m"].append(3)

    span = only(captured_spans)
    assert (span.input, span.output, span.metadata, span.tags) == ([1], [1, 2], {"m": [1]}, ["t"])
    assert span.attributes["limits"] == {"x": [1]}
    assert span.events[0]["attributes"] == {"m": [1, 2], "n": 1}


def test_unknown_attributes_are_kept(captured_spans):
    """An attribute that the type does not define is recorded as it is."""
    with sb.tool_call("a", vendor={"x": 1}) as tool:
        tool.set(other=[1])

    assert only(captured_spans).attributes == {"vendor": {"x": 1}, "other": [1]}


def test_events(captured_spans):
    """Events keep their order, attributes and times."""
    with sb.agent_run("a") as span:
        span.event("first")
        span.event("second", {"x": [1]}, time=123)

    span = only(captured_spans)
    assert [(event["name"], event["attributes"]) for event in span.events] == [("first", {}), ("second", {"x": [1]})]
    assert span.started_at <= span.events[0]["time"] <= span.ended_at
    assert span.events[1]["time"] == 123


def test_many_events(captured_spans):
    """A span with many events keeps the first ones, and says how many were cut."""
    with sb.agent_run("a") as span:
        for number in range(1500):
            span.event(f"e{number}")

    events = only(captured_spans).events
    assert [event["name"] for event in events[:1000]] == [f"e{number}" for number in range(1000)]
    assert events[1000:] == [{"name": "…[500 more items]", "time": events[999]["time"], "attributes": {}}]


def test_links(captured_spans):
    """A link is a span, or a mapping with its ids."""
    with sb.agent_run("a") as first:
        pass
    with sb.agent_run("b", links=[first, {"trace_id": TRACE_ID, "span_id": SPAN_ID, "type": "retry_of"}]):
        pass
    with sb.agent_run("c", links=first):
        pass

    spans = by_name(captured_spans)
    itself = {"trace_id": first.trace_id, "span_id": first.span_id}
    assert spans["b"].links == [itself, {"trace_id": TRACE_ID, "span_id": SPAN_ID, "type": "retry_of"}]
    assert spans["c"].links == [itself]


@pytest.mark.parametrize("links", [5, [1], "ab", [["x"]], [None], [object()], [b"{"], [{"span_id": SPAN_ID}]])
def test_what_is_no_link_is_ignored(links, captured_spans):
    """It is counted; the span and its other links are recorded."""
    good = {"trace_id": TRACE_ID, "span_id": SPAN_ID}
    with sb.agent_run("a", links=links):
        pass
    with sb.agent_run("b", links=[good, *(links if isinstance(links, list) else [links])]):
        pass

    assert [span.links for span in captured_spans.spans] == [[], [good]]
    assert sb.stats()["ignored"] == {"invalid_links": 2}


def test_hide(captured_spans):
    """`hide_input` and `hide_output` record neither, whenever they come."""
    with sb.tool_call("a", input="secret", output="secret", hide_input=True, hide_output=True) as tool:
        tool.set(input="secret", output="secret")
        tool.end(input="secret", output="secret")

    span = only(captured_spans)
    assert (span.input, span.output) == (None, None)
    assert b"secret" not in span.document


def test_tags_stand_on_the_root(captured_spans):
    """Tags belong to a trace: those of a child are left out."""
    with sb.agent_run("root", tags=("a", "b")), sb.tool_call("child", tags=["c"]) as tool:
        tool.set(tags=["d"])

    spans = by_name(captured_spans)
    assert (spans["root"].tags, spans["child"].tags) == (["a", "b"], [])


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("vip", ["vip"]),
        (("a", "b"), ["a", "b"]),
        ({"a"}, ["a"]),
        ({"team": "search", "beta": True, "tier": 2}, ["team:search", "beta:True", "tier:2"]),
        (7, ["7"]),
    ],
    ids=repr,
)
def test_forms_of_tags(tags, expected, captured_spans):
    """Whatever holds tags, they are texts; those of a mapping are "key:value", as Datadog writes them."""
    with sb.agent_run("a", tags=tags):
        pass
    with sb.agent_run("b") as run:
        run.set(tags=tags)

    assert [span.tags for span in captured_spans.spans] == [expected, expected]


def test_correlation_fields_flow_to_children(captured_spans):
    """Correlation fields flow down, are replaced one by one, and do not flow to siblings."""
    with sb.agent_run("root", session_id="s1", user_id="u1"):
        with sb.workflow_step("step", session_id="s2", run_id=7), sb.tool_call("inner"):
            pass
        with sb.tool_call("sibling"):
            pass

    spans = by_name(captured_spans)
    fields = {name: (span.user_id, span.session_id, span.run_id) for name, span in spans.items()}
    assert fields == {
        "root": ("u1", "s1", None),
        "step": ("u1", "s2", "7"),
        "inner": ("u1", "s2", "7"),
        "sibling": ("u1", "s1", None),
    }


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Lazy:
    """A proxy that would evaluate itself where it is asked for anything, its class included."""

    def __getattribute__(self, name):
        raise RuntimeError("evaluated")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (pathlib.PurePosixPath("/a"), "/a"),
        (decimal.Decimal("1.50"), "1.50"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (Colour.RED, "red"),
        (Level.HIGH, "3"),
        (np.int64(7), "7"),
        (b"id", "id"),
        (7, "7"),
        (1.5, "1.5"),
        (10**5000, "<int of 16610 bits>"),
        ([1], "<builtins.list>"),
        (Lazy(), f"<{__name__}.Lazy>"),
    ],
    ids=range(13),
)
def test_what_should_have_been_a_text(value, text, captured_spans):
    """Ids of an application are often no text: they are recorded as payloads record them, and can be told apart."""
    with sb.request_context(user_id=value), sb.agent_run("a", session_id=value, tags=[value], entity_id=value) as run:
        run.event(value)
        run.set(name=value)

    span = only(captured_spans)
    assert [span.user_id, span.session_id, span.entity_id, *span.tags, span.events[0]["name"]] == [text] * 5
    assert span.name == text


def test_keys_are_those_of_payloads(captured_spans):
    """The outermost keys of metadata become the texts that inner keys become."""
    keys = {uuid.UUID(int=1): 1, (1, 2): 2, (3, 4): 3, None: 4, 5: 5, True: 6, Colour.RED: 7, b"b": 8}
    with sb.generic("a", input=keys, metadata=keys):
        pass

    span = only(captured_spans)
    assert span.metadata == span.input
    assert len(span.metadata) == len(keys)


def test_a_type_that_cannot_be_asked(captured_spans):
    """A value in the place of a type is foreign: its `hash` and `repr` may raise."""

    class Odd:
        def __hash__(self):
            raise RuntimeError("hash")

    for value in (Odd(), Hostile()):
        with sb.span(value, "odd"):
            pass

    assert [span.type for span in captured_spans.spans] == ["generic", "generic"]


@pytest.mark.parametrize(
    ("agent_id", "entity_id"),
    [
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (5, "5"),
        (0, "0"),
        ([1], "<builtins.list>"),
        ("", "a"),
    ],
    ids=range(5),
)
def test_an_entitys_id_is_a_text(agent_id, entity_id, captured_spans):
    """Also where the attribute that it comes from is none: exits and the store have the same."""
    with sb.agent_run("a", agent_id=agent_id):
        pass

    assert only(captured_spans).entity_id == entity_id


def test_entities(captured_spans):
    """A span belongs to the nearest entity: its own, or its parent's; given fields win."""
    with sb.agent_run("support", agent_id="support-v3"):
        with sb.model_generation(model="m"):
            pass
        with sb.tool_call("search"):
            pass
        with sb.generic("given", entity_type="robot", entity_id="r2", entity_name="R2"):
            pass
    with sb.generic("none"):
        pass

    entities = {
        name: (span.entity_type, span.entity_id, span.entity_name) for name, span in by_name(captured_spans).items()
    }
    assert entities == {
        "support": ("agent", "support-v3", "support"),
        "chat m": ("agent", "support-v3", "support"),
        "search": ("tool", "search", "search"),
        "given": ("robot", "r2", "R2"),
        "none": (None, None, None),
    }


def test_names(captured_spans):
    """The name is positional or `name=`; where it is absent, the type and the model name the span."""
    for opened in (
        sb.tool_call("a"),
        sb.tool_call(name="b"),
        sb.tool_call(),
        sb.model_generation(model="m"),
        sb.rag_embedding(model="e"),
    ):
        with opened:
            pass

    assert [span.name for span in captured_spans.spans] == ["a", "b", "tool_call", "chat m", "rag_embedding e"]


def test_given_times(captured_spans):
    """`start_time` and `end_time` are nanoseconds since the epoch; an end before the start is the start."""
    sb.start_span("generic", "a", start_time=100).end(end_time=250)
    sb.start_span("generic", "b", start_time=100).end(end_time=50)

    spans = by_name(captured_spans)
    assert (spans["a"].started_at, spans["a"].ended_at) == (100, 250)
    assert (spans["b"].started_at, spans["b"].ended_at) == (100, 100)


def test_is_event(captured_spans):
    """An event span has no duration."""
    with sb.agent_signal("stop", is_event=True):
        pass

    span = only(captured_spans)
    assert span.is_event
    assert span.duration_ns == 0


def test_given_identity(captured_spans):
    """A root takes the trace id and the external parent that it is given; a child has its parent's."""
    given = {"trace_id": "f" * 32, "external_parent_span_id": "f" * 16}
    with sb.agent_run("root", trace_id=TRACE_ID, external_parent_span_id=SPAN_ID), sb.tool_call("child", **given):
        pass

    spans = by_name(captured_spans)
    assert {span.trace_id for span in spans.values()} == {TRACE_ID}
    assert (spans["root"].external_parent_span_id, spans["root"].parent_span_id) == (SPAN_ID, None)
    assert spans["child"].external_parent_span_id is None


def test_given_status(captured_spans):
    """`end(status=)` takes the statuses that a span can end with; any other word leaves it ok."""
    for status in ("ok", "error", "cancelled", sb.Status.ERROR, "running", "nonsense", 5, [], Hostile()):
        sb.start_span("generic", "g").end(status=status)

    assert [span.status for span in captured_spans.spans] == [
        "ok",
        "error",
        "cancelled",
        "error",
        "ok",
        "ok",
        "ok",
        "ok",
        "ok",
    ]


WRONG = [
    5,
    "x",
    [],
    {},
    object(),
    Hostile(),
    np.arange(3),
    2**80,
    -1,
    float("nan"),
    "\ud800",
    (item for item in ()),
    b"\xff",
]
OPTIONS = [
    "input", "output", "metadata", "tags", "parent", "links", "start_time", "hide_input", "is_event", "trace_id",
    "external_parent_span_id", "entity_type", "entity_id", "user_id", "session_id", "agent_id", "usage", "name",
    "capture_input", "ignore_arguments", "anything",
]  # fmt: skip


@pytest.mark.parametrize("option", OPTIONS)
def test_wrong_types_never_raise(option, captured_spans):
    """Whatever an option is given, nothing raises and the span is recorded, with all else that it was given."""
    for value in WRONG:
        given = {"beside": 7, option: value}
        with sb.agent_run(**given) as span:
            span.set(**given)
            span.event(value, value, time=value)
        sb.start_span("agent_run", "b", **{"beside": 7, option: value}).end(end_time=value, **given)

    spans = captured_spans.spans
    assert len(spans) == 2 * len(WRONG)
    assert all(span.attributes["beside"] == 7 for span in spans)
    assert all(0 <= span.started_at < 2**63 for span in spans)


# --- errors ----------------------------------------------------------------------------------------------------------------


def test_an_exception_is_recorded_and_raised_untouched(captured_spans):
    """The block's exception is recorded, and leaves the block as the same object with the same frames."""
    error = ValueError("no index")

    def fail():
        raise error

    with pytest.raises(ValueError, match="no index") as caught, sb.tool_call("search"):
        fail()

    span = only(captured_spans)
    assert caught.value is error
    assert [frame.name for frame in traceback.extract_tb(error.__traceback__)] == [
        "test_an_exception_is_recorded_and_raised_untouched",
        "fail",
    ]
    assert error.__context__ is error.__cause__ is None
    assert not getattr(error, "__notes__", [])
    assert (span.status, span.error["type"], span.error["message"]) == ("error", "ValueError", "no index")
    assert span.error["stack"].startswith("Traceback (most recent call last):\n")
    assert "in fail" in span.error["stack"]
    assert span.error["stack"].endswith("ValueError: no index\n")


def test_an_error_passes_through_every_block(captured_spans):
    """Each block that an exception leaves records it."""
    with pytest.raises(KeyError), sb.agent_run("a"), sb.tool_call("b"):
        raise KeyError("k")

    captured_spans.assert_tree("agent_run a [error] KeyError\n  tool_call b [error] KeyError")


def test_error_by_hand(captured_spans):
    """`error` records an exception that the application handles, or a message; the span goes on unless it ends it."""
    with sb.tool_call("a") as tool:
        tool.error(ValueError("x"))
        tool.set(output="partial")
    with sb.tool_call("b") as tool:
        tool.error("in words", end=True)
        assert not tool.is_recording

    spans = by_name(captured_spans)
    assert (spans["a"].status, spans["a"].error["message"], spans["a"].output) == ("error", "x", "partial")
    assert (spans["b"].status, spans["b"].error) == ("error", {"type": "Error", "message": "in words"})


@pytest.mark.parametrize(
    ("error", "type"), [(ValueError, "ValueError"), (asyncio.TimeoutError, asyncio.TimeoutError.__name__)]
)
def test_an_error_by_its_class(error, type, captured_spans):
    """As `raise` takes one."""
    with sb.tool_call("a") as tool:
        tool.error(error)

    recorded = captured_spans.spans[0].error
    assert (recorded["type"].rpartition(".")[2], recorded["message"]) == (type, "")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("x"), "error"),
        (KeyboardInterrupt(), "cancelled"),
        (asyncio.CancelledError(), "cancelled"),
        (SystemExit(0), "ok"),
        (SystemExit(None), "ok"),
        (SystemExit(1), "error"),
        (SystemExit("message"), "error"),
        (GeneratorExit(), "ok"),
    ],
    ids=repr,
)
def test_statuses_of_exceptions(error, status, captured_spans):
    """Cancellation is no error, and neither is an orderly exit; all are raised untouched."""
    with pytest.raises(type(error)) as caught, sb.agent_run("a"):
        raise error

    assert caught.value is error
    assert only(captured_spans).status == status


async def test_cancelled_task(captured_spans):
    """A task that is cancelled leaves its spans cancelled."""
    started = asyncio.Event()

    async def work():
        with sb.agent_run("a"), sb.tool_call("b"):
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert {span.status for span in captured_spans.spans} == {"cancelled"}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups are new in Python 3.11")
def test_exception_group(captured_spans):
    """A group is recorded with its members."""
    group = eval("ExceptionGroup('several', [ValueError('a'), TypeError('b')])")
    with pytest.raises(type(group)), sb.agent_run("a"):
        raise group

    error = only(captured_spans).error
    assert error["type"] == "ExceptionGroup"
    assert [(cause["relation"], cause["type"], cause["message"]) for cause in error["causes"]] == [
        ("member", "ValueError", "a"),
        ("member", "TypeError", "b"),
    ]


# --- what is current --------------------------------------------------------------------------------------------------------


def test_current_span(captured_spans):
    """The innermost span that is entered is current; there is none outside of all."""
    assert sb.current_span() is None
    with sb.agent_run("a") as outer:
        with sb.tool_call("b") as inner:
            assert sb.current_span() is inner
        assert sb.current_span() is outer
    assert sb.current_span() is None


def test_update_current(captured_spans):
    """`update_current` is `set` on the current span, and nothing outside of every span."""
    sb.update_current(output="nowhere")
    with sb.agent_run("a"):
        sb.update_current(output="here", metadata={"m": 1})

    assert (only(captured_spans).output, only(captured_spans).metadata) == ("here", {"m": 1})


def test_many_threads_use_one_span(captured_spans):
    """A span may be updated from many threads at once."""
    start = threading.Barrier(8)
    with sb.agent_run("root") as root:

        def work(number):
            start.wait()
            for index in range(50):
                root.set(metadata={f"{number}-{index}": index})
                with sb.tool_call("t", parent=root):
                    pass

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))

    spans = captured_spans.spans
    assert len(spans) == 401
    assert len(next(span for span in spans if span.name == "root").metadata) == 400
