"""Spans that no exit gets: of excluded types, and internal ones. Their children and their tokens stay."""

from __future__ import annotations

import contextvars
import logging
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

import spanbridge as sb
from spanbridge.testing import capture_spans
from visibility.conftest import parents

EXITS = ("store", "memory", "jsonl")


def record_an_agent():
    """A run whose workflow is the framework's own, with a tool inside of it and a model call that only the framework makes."""
    with sb.agent_run("agent"), sb.workflow_run("plumbing", internal=True), sb.workflow_step("inner", internal=True):
        with sb.tool_call("tool"):
            pass
        with sb.model_generation(model="gpt-4o", provider="openai", internal=True) as generation:
            generation.set(output="x", usage=sb.Usage(1000, 10))


def test_internal_spans_stay_out_of_every_exit(exits):
    """The tool hangs below the agent, the hidden tokens count for the agent."""
    exits.configure()
    record_an_agent()
    assert sb.flush(30)
    stats = sb.stats()
    seen = exits.read()

    for exit in EXITS:
        assert parents(getattr(seen, exit)) == {"agent": None, "tool": "agent"}
    assert "plumbing" not in seen.console
    assert "tool" in seen.console
    attributes = seen.store["agent"].attributes
    assert attributes["internal_usage"] == {"input_tokens": 1000, "output_tokens": 10}
    assert attributes["internal_cost"] == pytest.approx(0.0026)
    assert stats["spans"]["dropped"] == {"internal": 3}
    assert stats["spans"]["started"] == 5 == stats["spans"]["stored"] + 3
    for hidden in (b"plumbing", b"inner", b"gpt-4o"):
        assert hidden not in exits.all_bytes()


def test_hidden_tokens_count_for_the_trace(tmp_path):
    """The sums of a trace are the same, whether the span that reports them is hidden or not."""
    sums = set()
    for shows in (True, False):
        address = f"sqlite:///{tmp_path}/{shows}.db"
        sb.configure(store=address, include_internal_spans=shows)
        record_an_agent()
        assert sb.shutdown(30)
        with sb.open_store(address) as store:
            (trace,) = store.list_traces()
            sums.add((trace.input_tokens, trace.output_tokens, trace.cost))
    assert len(sums) == 1
    assert sums.pop()[:2] == (1000, 10)


def test_asked_for():
    """With `include_internal_spans` they are spans like others, and say what they are."""
    with capture_spans(include_internal_spans=True) as captured:
        record_an_agent()

        assert [span.name for span in captured.spans] == ["agent", "plumbing", "inner", "tool", "chat gpt-4o"]
        assert captured.spans[1].attributes["internal"] is True


def test_chunks_are_left_out_unless_asked_for(captured_spans):
    """MODEL_CHUNK is noise by default."""
    with sb.model_generation(model="m"), sb.model_chunk("chunk"):
        pass

    assert [span.name for span in captured_spans.spans] == ["chat m"]
    with capture_spans(include_model_chunks=True) as captured:
        with sb.model_generation(model="m"), sb.model_chunk("chunk"):
            pass
        assert [span.name for span in captured.spans] == ["chat m", "chunk"]


def test_excluded_types(exits):
    """By configuration, at every exit; a root of an excluded type leaves its children as roots of the same trace."""
    exits.configure(exclude_span_types=["agent_run", sb.SpanType.WORKFLOW_STEP])
    with sb.agent_run("root"), sb.workflow_run("run"), sb.workflow_step("step"), sb.tool_call("tool"):
        pass
    seen = exits.read()

    for exit in EXITS:
        assert parents(getattr(seen, exit)) == {"run": None, "tool": "run"}
    assert sb.stats()["spans"]["dropped"] == {"excluded_type": 2}
    assert b"step" not in seen.store["tool"].document


def test_a_child_that_ends_and_one_that_starts_after_the_hidden_span(captured_spans):
    """Late children know their visible ancestor too."""
    with sb.agent_run("agent"):
        hidden = sb.start_span("workflow_run", "hidden", internal=True)
        open_longer = sb.start_span("tool_call", "ends later", parent=hidden)
        hidden.end()
        assert sb.flush(30)
        open_longer.end()
        with sb.tool_call("starts later", parent=hidden):
            pass
    deep = sb.start_span("workflow_step", "hidden too", parent=hidden, internal=True)
    deep.end()
    sb.start_span("tool_call", "deep", parent=deep).end()

    agent, *others = captured_spans.spans
    assert [span.name for span in others] == ["ends later", "starts later", "deep"]
    assert {span.parent_span_id for span in others} == {agent.span_id}


def test_hidden_roots_of_a_trace_that_came_in(captured_spans):
    """The other side's span is the parent of what is visible, on the way in and on the way out."""
    incoming = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    with sb.extract(incoming), sb.workflow_run("hidden", internal=True):
        outgoing = sb.inject()
        with sb.tool_call("tool"):
            pass

    assert outgoing["traceparent"] == incoming["traceparent"]
    (tool,) = captured_spans.spans
    assert (tool.trace_id, tool.parent_span_id, tool.external_parent_span_id) == ("a" * 32, None, "b" * 16)


def test_inject_and_links_name_the_visible_ancestor(captured_spans):
    """No other service is told of a span that nobody will ever see."""
    with sb.agent_run("agent") as agent, sb.workflow_run("hidden", internal=True) as hidden:
        assert sb.inject()["traceparent"].split("-")[2] == agent.span_id
    with sb.tool_call("linked", links=[hidden]):
        pass

    assert captured_spans.spans[1].links == [{"trace_id": agent.trace_id, "span_id": agent.span_id}]


def test_a_hidden_span_that_fails(captured_spans):
    """The exception passes as ever, and shows where it is visible."""
    with pytest.raises(ValueError, match="boom"), sb.agent_run("agent"), sb.workflow_run("hidden", internal=True):
        raise ValueError("boom")

    (agent,) = captured_spans.spans
    assert (str(agent.status), agent.error["message"]) == ("error", "boom")


def test_decorators_generators_and_threads(captured_spans):
    """Hidden is hidden, however the span is opened."""

    @sb.workflow_step(internal=True)
    def step():
        with sb.tool_call("in function"):
            return 1

    @sb.workflow_step(internal=True)
    def items():
        with sb.tool_call("in generator"):
            yield 1

    with sb.agent_run("agent"):
        assert step() == 1
        assert list(items()) == [1]
        with sb.workflow_step("hidden", internal=True):
            thread = threading.Thread(target=contextvars.copy_context().run, args=(step,))
            thread.start()
            thread.join()

    captured_spans.assert_tree("""
        agent_run agent [ok]
          tool_call in function [ok]
          tool_call in generator [ok]
          tool_call in function [ok]
    """)


def test_tokens_of_a_hidden_step_count_once(captured_spans):
    """A hidden inference whose visible generation reports the same tokens adds nothing."""
    with sb.agent_run("agent"), sb.model_generation(model="m", usage=sb.Usage(10, 1)):
        with sb.model_inference(model="m", usage=sb.Usage(10, 1), internal=True):
            pass
        with sb.tool_call("tool"), sb.model_generation(model="n", usage=sb.Usage(5, 2), internal=True):
            pass

    agent, generation, tool = captured_spans.spans
    assert "internal_usage" not in agent.attributes
    assert "internal_usage" not in generation.attributes
    assert tool.attributes["internal_usage"] == {"input_tokens": 5, "output_tokens": 2}
    assert [(span.billed_input_tokens, span.billed_output_tokens) for span in (agent, generation, tool)] == [
        (0, 0),
        (10, 1),
        (5, 2),
    ]


def test_tokens_that_only_the_hidden_step_reports(captured_spans):
    """They show on the visible generation."""
    with sb.model_generation(model="m"), sb.model_inference(model="m", usage=sb.Usage(10, 1), internal=True):
        pass

    (generation,) = captured_spans.spans
    assert generation.attributes["internal_usage"] == {"input_tokens": 10, "output_tokens": 1}
    assert (generation.billed_input_tokens, generation.billed_output_tokens) == (10, 1)


def test_tokens_of_a_hidden_span_that_outlives_its_ancestors(captured_spans):
    """Nobody is left to report them: that is counted."""
    with sb.agent_run("agent"):
        late = sb.start_span("model_generation", model="m", internal=True)
    assert sb.flush(30)
    late.end(usage=sb.Usage(1, 1))

    assert len(captured_spans.spans) == 1
    assert sb.stats()["ignored"] == {"hidden_usage_lost": 1}


def test_tokens_of_a_hidden_span_that_outlives_its_parent(captured_spans):
    """The root of the trace is open, and reports them."""
    with sb.agent_run("agent"):
        with sb.workflow_step("step"):
            late = sb.start_span("model_generation", model="m", internal=True)
        assert sb.flush(30)
        late.end(usage=sb.Usage(3, 1))

    agent, step = captured_spans.spans
    assert agent.attributes["internal_usage"] == {"input_tokens": 3, "output_tokens": 1}
    assert "internal_usage" not in step.attributes


def test_tokens_that_a_visible_step_of_a_hidden_generation_shows(captured_spans):
    """They are told once: by the step. What the generation has beside goes to the agent."""
    with (
        sb.agent_run("agent"),
        sb.model_generation(model="m", usage=sb.Usage(100, 10), internal=True),
        sb.model_step(model="m", usage=sb.Usage(80, 10)),
    ):
        pass

    agent, step = captured_spans.spans
    assert agent.attributes["internal_usage"] == {"input_tokens": 20, "output_tokens": 0}
    assert [(span.billed_input_tokens, span.billed_output_tokens) for span in (agent, step)] == [(20, 0), (80, 10)]


def test_tokens_through_hidden_spans_between(captured_spans):
    """A generation whose hidden step, or inference, reports what it does not; or the same again."""
    with (
        sb.model_generation(model="silent"),
        sb.model_step(internal=True),
        sb.model_inference(model="m", usage=sb.Usage(10, 1), internal=True),
    ):
        pass
    with (
        sb.model_generation(model="m", usage=sb.Usage(10, 1)),
        sb.generic("between", internal=True),
        sb.model_step(model="m", usage=sb.Usage(10, 1), internal=True),
    ):
        pass

    silent, other = captured_spans.spans
    assert silent.attributes["internal_usage"] == {"input_tokens": 10, "output_tokens": 1}
    assert "internal_usage" not in other.attributes
    assert [(span.billed_input_tokens, span.billed_output_tokens) for span in (silent, other)] == [(10, 1), (10, 1)]


def test_tokens_below_a_span_that_is_dropped():
    """They go on to the one above it, as long as that is open."""
    with capture_spans(span_filter=lambda record: record.name != "dropped") as captured:
        with sb.agent_run("agent"):
            with (
                sb.workflow_run("dropped"),
                sb.model_generation(model="m", usage=sb.Usage(3, 1), internal=True),
            ):
                pass
            assert sb.flush(30)
        (agent,) = captured.spans
        assert agent.attributes["internal_usage"] == {"input_tokens": 3, "output_tokens": 1}
        assert agent.billed_input_tokens == 3


def test_logs_of_a_hidden_root_name_no_span(captured_spans):
    """There is none that anybody could look up."""
    with sb.agent_run("hidden", internal=True) as hidden:
        record = logging.makeLogRecord({})
        sb.TraceContextFilter().filter(record)

    assert (record.trace_id, record.span_id) == (hidden.trace_id, "")


TREES = st.recursive(
    st.tuples(st.booleans(), st.just([])),
    lambda children: st.tuples(st.booleans(), st.lists(children, max_size=3)),
    max_leaves=12,
)


@given(TREES)
def test_any_tree_is_the_same_without_its_hidden_spans(tree):
    """Contracting the hidden spans of a tree gives the tree that is seen; the account is exact."""
    expected: dict[str, str | None] = {}
    hidden_count = 0

    def record(node, visible_parent):
        nonlocal hidden_count
        is_hidden, children = node
        name = str(len(expected) + hidden_count)
        hidden_count += is_hidden
        if not is_hidden:
            expected[name] = visible_parent
        with sb.tool_call(name, internal=is_hidden):
            for child in children:
                record(child, visible_parent if is_hidden else name)

    with capture_spans() as captured:
        record(tree, None)
        spans = captured.spans
        stats = sb.stats()["spans"]

    assert parents({span.name: span for span in spans}) == expected
    assert stats["dropped"].get("internal", 0) == hidden_count
    assert stats["started"] == stats["stored"] + hidden_count
