"""`with` blocks in the bodies of generators that are not decorated: current in the body, and nowhere else."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
from contextlib import AsyncExitStack, ExitStack, aclosing, asynccontextmanager, contextmanager

import anyio
import anyio.lowlevel
import pytest

import spanbridge as sb


def current():
    span = sb.current_span()
    return None if span is None else span.name


def steps(name, n=2):
    with sb.agent_run(name):
        for i in range(n):
            with sb.tool_call(f"{name} {i}"):
                pass
            yield i
            assert current() == name


async def asteps(name, n=2):
    async with sb.agent_run(name):
        for i in range(n):
            async with sb.tool_call(f"{name} {i}"):
                await anyio.lowlevel.checkpoint()
            yield i
            assert current() == name


def test_the_consumer_is_outside(captured_spans):
    """Its spans between items are not below the block."""
    for i in steps("a"):
        assert current() is None
        with sb.tool_call(f"between {i}"):
            assert current() == f"between {i}"
    assert current() is None

    captured_spans.assert_tree("""
        agent_run a [ok]
          tool_call a 0 [ok]
          tool_call a 1 [ok]
        tool_call between 0 [ok]
        tool_call between 1 [ok]
    """)


def test_interleaved(captured_spans):
    """zip: each body sees its own block, whoever was entered or left last."""
    for _ in zip(steps("a", 3), steps("b", 2), strict=False):
        assert current() is None
    gc.collect()
    assert current() is None

    captured_spans.assert_tree("""
        agent_run a [ok]
          tool_call a 0 [ok]
          tool_call a 1 [ok]
          tool_call a 2 [ok]
        agent_run b [ok]
          tool_call b 0 [ok]
          tool_call b 1 [ok]
    """)
    assert captured_spans.observability.stats()["ignored"] == {}


def test_a_body_goes_on_inside_a_block_of_the_consumer(captured_spans):
    """Entered after the body's block, and around its next step: the body's own block is nearer to the body."""
    iterator = steps("body")
    next(iterator)
    with sb.agent_run("consumer"):
        next(iterator)
        assert current() == "consumer"
        assert next(iterator, "over") == "over"
        with sb.tool_call("consumer's"):
            pass
    assert current() is None

    captured_spans.assert_tree("""
        agent_run body [ok]
          tool_call body 0 [ok]
          tool_call body 1 [ok]
        agent_run consumer [ok]
          tool_call consumer's [ok]
    """)
    assert captured_spans.observability.stats()["ignored"] == {}


def test_entered_inside_and_left_outside_of_a_block_of_the_consumer(captured_spans):
    """The body outlives the block that its first step stood in."""
    iterator = steps("body")
    with sb.agent_run("consumer"):
        next(iterator)
    assert current() is None
    assert list(iterator) == [1]

    captured_spans.assert_tree("""
        agent_run consumer [ok]
          agent_run body [ok]
            tool_call body 0 [ok]
            tool_call body 1 [ok]
    """)


@pytest.mark.parametrize("leave", ["close", "drop", "throw"])
def test_left_early(captured_spans, leave):
    """The block ends with the body, as incomplete where it was closed; what was current before is current again."""
    with sb.agent_run("consumer"):
        iterator = steps("body")
        next(iterator)
        if leave == "close":
            iterator.close()
        elif leave == "throw":
            with pytest.raises(KeyError):
                iterator.throw(KeyError("x"))
        del iterator
        gc.collect()
        assert current() == "consumer"

    body = captured_spans.spans[1]
    assert str(body.status) == ("error" if leave == "throw" else "ok")
    assert body.attributes.get("incomplete") == (None if leave == "throw" else "closed")


def test_handed_to_another_thread(captured_spans):
    """Entered here, finished there, with the context and without it."""
    for context in (contextvars.Context(), contextvars.copy_context()):
        iterator = steps("body")
        next(iterator)
        thread = threading.Thread(target=context.run, args=(iterator.close,))
        thread.start()
        thread.join()
        assert current() is None

    assert [(span.name, str(span.status)) for span in captured_spans.spans] == [("body", "ok"), ("body 0", "ok")] * 2
    assert captured_spans.observability.stats()["ignored"] == {}


def test_by_yield_from(captured_spans):
    """A block around `yield from` and one inside of what it delegates to."""

    def outer():
        with sb.agent_run("outer"):
            yield from steps("inner", 1)
            with sb.tool_call("after"):
                pass

    for _ in outer():
        assert current() is None

    captured_spans.assert_tree("""
        agent_run outer [ok]
          agent_run inner [ok]
            tool_call inner 0 [ok]
          tool_call after [ok]
    """)


def test_suppress_and_extract_in_a_body(captured_spans):
    """They hold in the body only."""

    def body():
        with sb.suppress():
            yield
            with sb.tool_call("suppressed"):
                pass
        with sb.extract({"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}):
            yield
            with sb.tool_call("continued"):
                pass

    for _ in body():
        with sb.tool_call("consumer's"):
            pass

    spans = captured_spans.spans
    assert [span.name for span in spans] == ["consumer's", "consumer's", "continued"]
    assert [span.external_parent_span_id for span in spans] == [None, None, "b" * 16]


def test_a_context_manager_made_of_a_generator(captured_spans):
    """What stands in its block is inside."""

    @contextmanager
    def phase(name):
        with sb.workflow_step(name):
            with sb.tool_call("set up"):
                pass
            yield

    with phase("one"):
        assert current() == "one"
        with sb.tool_call("first"), phase("two"), sb.tool_call("second"):
            pass
    with ExitStack() as stack:
        stack.enter_context(phase("three"))
        stack.enter_context(sb.tool_call("third"))
        assert current() == "third"
    assert current() is None

    captured_spans.assert_tree("""
        workflow_step one [ok]
          tool_call set up [ok]
          tool_call first [ok]
            workflow_step two [ok]
              tool_call set up [ok]
              tool_call second [ok]
        workflow_step three [ok]
          tool_call set up [ok]
          tool_call third [ok]
    """)


def test_a_context_manager_in_the_body_of_a_generator(captured_spans):
    """Its block is the body's, and rests with it."""

    @contextmanager
    def phase(name):
        with sb.workflow_step(name):
            yield

    def body():
        with phase("one"):
            yield
            with sb.tool_call("inside"):
                pass
        with ExitStack() as stack:
            stack.enter_context(phase("two"))
            yield

    for _ in body():
        assert current() is None
    assert current() is None
    captured_spans.assert_tree("workflow_step one [ok]\n  tool_call inside [ok]\nworkflow_step two [ok]")


def test_async(captured_spans, run):
    """The same for `async with` in async generators, interleaved and around each other."""

    @asynccontextmanager
    async def phase(name):
        await anyio.lowlevel.checkpoint()
        async with sb.workflow_step(name):
            yield

    async def body():
        async with phase("managed"), AsyncExitStack() as stack:
            await stack.enter_async_context(phase("stacked"))
            assert current() == "stacked"
            yield

    async def main():
        async with phase("phase"):
            first, second = asteps("a"), asteps("b")
            async for i in first:
                assert current() == "phase"
                assert await anext(second) == i
                assert current() == "phase"
                async for _ in body():
                    assert current() == "phase"
            await second.aclose()
            assert current() == "phase"
        assert current() is None

    run(main)
    captured_spans.assert_tree("""
        workflow_step phase [ok]
          agent_run a [ok]
            tool_call a 0 [ok]
            tool_call a 1 [ok]
          agent_run b [ok]
            tool_call b 0 [ok]
            tool_call b 1 [ok]
          workflow_step managed [ok]
            workflow_step stacked [ok]
          workflow_step managed [ok]
            workflow_step stacked [ok]
    """)
    assert captured_spans.observability.stats()["ignored"] == {}


def test_closed_by_another_task(captured_spans, run_asyncio):
    """By a task, by the loop after it was dropped, by the loop at its end."""
    kept = []

    async def main():
        with sb.agent_run("consumer"):
            iterator = asteps("by a task")
            await anext(iterator)
            await asyncio.create_task(iterator.aclose())
            assert current() == "consumer"
            iterator = asteps("by the loop")
            await anext(iterator)
            del iterator
            gc.collect()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert current() == "consumer"
            kept.append(asteps("at the end"))
            await anext(kept[0])

    run_asyncio(main)
    spans = {span.name: span for span in captured_spans.spans if span.type == "agent_run"}
    assert {span.attributes.get("incomplete") for span in spans.values() if span.name != "consumer"} == {"closed"}
    assert len(spans) == 4
    assert captured_spans.observability.stats()["ignored"] == {}


def test_tasks_and_threads_started_in_the_body(captured_spans, run):
    """They are inside the block, also while the generator rests, and after it ended."""
    seen = []

    async def work(name):
        with sb.tool_call(name):
            await anyio.lowlevel.checkpoint()

    async def body():
        async with sb.agent_run("body"):
            context = contextvars.copy_context()
            async with anyio.create_task_group() as group:
                group.start_soon(work, "task")
            with sb.generic("to_thread"):
                await anyio.to_thread.run_sync(lambda: seen.append(current()))
            yield context

    def late():
        with sb.tool_call("late"):
            pass

    async def main():
        async with aclosing(body()) as iterator:
            async for context in iterator:
                thread = threading.Thread(target=context.run, args=(late,))
                thread.start()
                thread.join()

    run(main)
    assert seen == ["to_thread"]
    captured_spans.assert_tree("""
        agent_run body [ok]
          tool_call task [ok]
          generic to_thread [ok]
          tool_call late [ok]
    """)
