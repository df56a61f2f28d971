"""Tasks, threads and cancellations: each opens its spans where it was started, whatever has ended since."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import anyio.lowlevel
import pytest

import spanbridge as sb


def current():
    span = sb.current_span()
    return None if span is None else span.name


def ignored(captured_spans):
    captured_spans.flush()
    return captured_spans.observability.stats()["ignored"]


async def work(name, error=None):
    async with sb.tool_call(name):
        await anyio.lowlevel.checkpoint()
        assert current() == name
        if error is not None:
            raise error


def test_gather(captured_spans, run_asyncio):
    """Parallel tasks are siblings."""

    async def main():
        async with sb.agent_run("a"):
            await asyncio.gather(*(work(f"w{i}") for i in range(3)))
            assert current() == "a"

    run_asyncio(main)
    captured_spans.assert_tree("agent_run a [ok]\n  tool_call w0 [ok]\n  tool_call w1 [ok]\n  tool_call w2 [ok]")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.TaskGroup is newer")
def test_task_group(captured_spans, run_asyncio):
    """A task that fails cancels its siblings: their spans say so."""

    async def hangs():
        async with sb.tool_call("hangs"):
            await asyncio.Event().wait()

    async def main():
        with pytest.raises(ExceptionGroup), sb.agent_run("a"):  # noqa: F821 - newer than the oldest Python
            async with asyncio.TaskGroup() as group:
                group.create_task(hangs())
                group.create_task(work("fails", KeyError("x")))

    run_asyncio(main)
    captured_spans.assert_tree("""
        agent_run a [error] ExceptionGroup
          tool_call hangs [cancelled] asyncio.exceptions.CancelledError
          tool_call fails [error] KeyError
    """)


def test_any_task_group(captured_spans, run):
    """Nurseries and task groups of anyio, nested."""

    async def branch(name):
        async with sb.workflow_step(name), anyio.create_task_group() as group:
            for i in range(2):
                group.start_soon(work, f"{name}{i}")

    async def main():
        async with sb.agent_run("a"), anyio.create_task_group() as group:
            group.start_soon(branch, "b")
            group.start_soon(branch, "c")
        assert current() is None

    run(main)
    parents = {span.name: span.parent_span_id for span in captured_spans.spans}
    ids = {span.name: span.span_id for span in captured_spans.spans}
    assert parents == {
        "a": None,
        "b": ids["a"],
        "c": ids["a"],
        "b0": ids["b"],
        "b1": ids["b"],
        "c0": ids["c"],
        "c1": ids["c"],
    }


def test_trio_nursery(captured_spans):
    """trio itself, without anyio."""
    import trio

    async def main():
        async with sb.agent_run("a"), trio.open_nursery() as nursery:
            nursery.start_soon(work, "one")
            with trio.move_on_after(60):
                await work("two")
            nursery.start_soon(trio.to_thread.run_sync, lambda: sb.tool_call("three")(lambda: None)())

    trio.run(main)
    spans = captured_spans.spans
    assert {span.name for span in spans if span.parent_span_id == spans[0].span_id} == {"one", "two", "three"}


@pytest.mark.parametrize("how", ["scope", "timeout"])
def test_cancelled(captured_spans, run, how):
    """The inner span is cancelled; the span around the scope is not."""

    async def main():
        async with sb.agent_run("a"):
            with anyio.CancelScope() if how == "scope" else anyio.move_on_after(0) as scope:
                async with sb.tool_call("t"):
                    if how == "scope":
                        scope.cancel()
                    await anyio.sleep_forever()
            assert current() == "a"

    run(main)
    assert [(span.name, str(span.status)) for span in captured_spans.spans] == [("a", "ok"), ("t", "cancelled")]


def test_wait_for(captured_spans, run_asyncio):
    """A timeout that becomes an exception is an error where it leaves, and a cancellation below."""

    async def hangs():
        with sb.tool_call("t"):
            await asyncio.Event().wait()

    async def main():
        with pytest.raises(asyncio.TimeoutError), sb.agent_run("a"):
            await asyncio.wait_for(hangs(), 0.001)

    run_asyncio(main)
    assert [(span.name, str(span.status)) for span in captured_spans.spans] == [("a", "error"), ("t", "cancelled")]


def test_to_thread(captured_spans, run):
    """A thread that the loop runs for a task has the task's span."""

    def blocking():
        with sb.tool_call("in thread"):
            return current()

    async def main():
        with sb.agent_run("a"):
            assert await anyio.to_thread.run_sync(blocking) == "in thread"
            assert current() == "a"

    run(main)
    captured_spans.assert_tree("agent_run a [ok]\n  tool_call in thread [ok]")


def test_late_tasks(captured_spans, run_asyncio):
    """A task outlives the span it was started in: its spans are below it nevertheless."""

    async def late(gate):
        await gate.wait()
        assert current() == "a"
        with sb.tool_call("late"):
            pass

    async def main():
        gate = asyncio.Event()
        with sb.agent_run("a"):
            task = asyncio.create_task(late(gate))
        gate.set()
        await task

    run_asyncio(main)
    captured_spans.assert_tree("agent_run a [ok]\n  tool_call late [ok]")
    assert ignored(captured_spans) == {}


def test_ended_elsewhere(captured_spans, run_asyncio):
    """A span that is opened by hand is ended by another task, and one by another thread."""

    async def end(span):
        span.end(output="by a task")

    async def main():
        await asyncio.create_task(end(sb.start_span("tool_call", "first")))
        await asyncio.to_thread(sb.start_span("tool_call", "second").end)

    run_asyncio(main)
    assert [str(span.status) for span in captured_spans.spans] == ["ok", "ok"]
    assert ignored(captured_spans) == {}


def test_blocks_left_out_of_order(captured_spans):
    """Nothing raised, each counted, and nothing stays current."""
    outer, inner = sb.agent_run("outer"), sb.tool_call("inner")
    outer.__enter__()
    inner.__enter__()
    outer.__exit__(None, None, None)
    inner.__exit__(None, None, None)

    assert current() is None
    captured_spans.assert_tree("agent_run outer [ok]\n  tool_call inner [ok]")
    assert sum(ignored(captured_spans).values()) >= 1
    assert ignored(captured_spans).keys() <= {"left_out_of_order", "wrong_context"}


def test_a_block_left_in_another_thread(captured_spans):
    """It ends there; where it was entered, it is nobody's parent any more."""
    span = sb.agent_run("a")
    span.__enter__()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(span.__exit__, None, None, None).result()

    assert current() is None
    with sb.tool_call("after"):
        pass
    captured_spans.assert_tree("agent_run a [ok]\ntool_call after [ok]")
    assert ignored(captured_spans) == {"wrong_context": 1}


def test_a_block_left_in_a_copied_context(captured_spans):
    """Likewise: the copy says that the block is entered, the original must not keep it."""
    span = sb.agent_run("a")
    span.__enter__()
    contextvars.copy_context().run(span.__exit__, None, None, None)

    assert current() is None
    with sb.tool_call("after"):
        pass
    captured_spans.assert_tree("agent_run a [ok]\ntool_call after [ok]")
    assert ignored(captured_spans) == {"wrong_context": 1}


def test_ended_inside_its_block(captured_spans):
    """A second end changes nothing, and is counted; the block's own end is none."""
    with sb.agent_run("a") as span:
        span.end()
        span.end()
        span.set(output="late")
        assert current() == "a"
    assert ignored(captured_spans) == {"end_after_end": 1, "update_after_end": 1}


def test_threads_do_not_inherit_by_themselves(captured_spans):
    """A bare thread has a context of its own: a root, unless the context was copied or the parent is given."""

    def in_thread(name, **options):
        with sb.tool_call(name, **options):
            pass

    with sb.agent_run("a") as parent:
        for target, options in (
            ((in_thread, "bare"), {}),
            ((in_thread, "given"), {"parent": parent}),
            ((contextvars.copy_context().run, in_thread, "copied"), {}),
        ):
            thread = threading.Thread(target=target[0], args=target[1:], kwargs=options)
            thread.start()
            thread.join()

    captured_spans.assert_tree("agent_run a [ok]\n  tool_call given [ok]\n  tool_call copied [ok]\ntool_call bare [ok]")


def test_many_threads(captured_spans):
    """Each thread has its own chain."""
    barrier = threading.Barrier(8)

    def chain(i):
        barrier.wait()
        for j in range(50):
            with sb.agent_run(f"{i}-{j}"), sb.tool_call("child"):
                assert current() == "child"
        return current()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(chain, range(8))) == [None] * 8
    spans = captured_spans.spans
    roots = {span.span_id for span in spans if span.name != "child"}
    assert len(roots) == 400
    assert {span.parent_span_id for span in spans if span.name == "child"} == roots


def test_callbacks(captured_spans, run_asyncio):
    """`call_soon` and `call_later` take the context along."""
    seen = []

    async def main():
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        with sb.agent_run("a"):
            loop.call_soon(lambda: seen.append(current()))
            loop.call_later(0, lambda: (seen.append(current()), done.set()))
        await done.wait()

    run_asyncio(main)
    assert seen == ["a", "a"]
