"""Decorated async generators, under asyncio, uvloop and trio: as the sync ones, whichever task goes on with them or closes them."""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import AsyncGenerator
from contextlib import aclosing

import anyio
import anyio.lowlevel
import pytest

import spanbridge as sb


def reasons(captured_spans):
    return [(span.name, str(span.status), span.attributes.get("incomplete")) for span in captured_spans.spans]


@sb.generic
async def count(n=3):
    for i in range(n):
        async with sb.tool_call(f"body {i}"):
            await anyio.lowlevel.checkpoint()
        yield i


def test_only_the_body_is_inside(captured_spans, run):
    """What the body opens is below the span; what the consumer opens between items is not."""

    async def main():
        with sb.agent_run("consumer"):
            async for i in count(2):
                assert sb.current_span().name == "consumer"
                with sb.tool_call(f"between {i}"):
                    await anyio.lowlevel.checkpoint()

    run(main)
    captured_spans.assert_tree("""
        agent_run consumer [ok]
          generic count [ok]
            tool_call body 0 [ok]
            tool_call body 1 [ok]
          tool_call between 0 [ok]
          tool_call between 1 [ok]
    """)
    assert captured_spans.spans[1].output == [0, 1]


def test_send_and_throw(captured_spans, run):
    """Values and exceptions pass both ways."""

    @sb.generic
    async def talk():
        got = yield "first"
        try:
            yield got
        except ValueError as error:
            yield str(error)

    async def main():
        iterator = talk()
        assert await anext(iterator) == "first"
        assert await iterator.asend("sent") == "sent"
        assert await iterator.athrow(ValueError("thrown")) == "thrown"
        with pytest.raises(StopAsyncIteration):
            await anext(iterator)
        with pytest.raises(StopAsyncIteration):
            await anext(iterator)

    run(main)
    assert reasons(captured_spans) == [("talk", "ok", None)]


def test_an_exception(captured_spans, run):
    """The span ends as an error, with what was yielded until then."""

    @sb.generic
    async def fails():
        yield "a"
        raise KeyError("x")

    async def main():
        iterator = fails()
        assert await anext(iterator) == "a"
        with pytest.raises(KeyError):
            await anext(iterator)
        assert [item async for item in iterator] == []
        await iterator.aclose()

    run(main)
    (span,) = captured_spans.spans
    assert (str(span.status), span.error["type"], span.output) == ("error", "KeyError", "a")


def test_closed(captured_spans, run):
    """By hand and by `aclosing`; the clean-up is a part of the body."""

    @sb.generic
    async def careful():
        try:
            yield 1
        finally:
            with sb.tool_call("clean up"):
                await anyio.lowlevel.checkpoint()

    async def main():
        async with aclosing(careful()) as iterator:
            async for _ in iterator:
                break
        await iterator.aclose()

    run(main)
    captured_spans.assert_tree("generic careful [ok]\n  tool_call clean up [ok]")
    assert reasons(captured_spans)[0] == ("careful", "ok", "closed")


def test_never_started(captured_spans, run, silence):
    """No span; what a method returned need not be awaited."""

    async def main():
        count()
        await count().aclose()
        iterator = count()
        iterator.asend(None)
        await iterator.aclose()
        assert [item async for item in iterator] == []
        with pytest.raises(ValueError):
            await count().athrow(ValueError())

    run(main)
    assert captured_spans.spans == []
    assert captured_spans.observability.stats()["spans"]["started"] == 0


def test_dropped(captured_spans, run_asyncio):
    """The span ends at once; the loop runs the clean-up later, in a task of its own, and inside the body nevertheless."""
    cleaned = []

    @sb.generic
    async def careful():
        with sb.model_generation(model="m"):
            try:
                yield 1
            finally:
                await asyncio.sleep(0)
                with sb.tool_call("clean up"):
                    cleaned[0].set()

    async def main():
        cleaned.append(asyncio.Event())
        with sb.agent_run("consumer"):
            async for _ in careful():
                break
            gc.collect()
            assert sb.current_span().name == "consumer"
            await cleaned[0].wait()
            assert sb.current_span().name == "consumer"

    run_asyncio(main)
    captured_spans.assert_tree("""
        agent_run consumer [ok]
          generic careful [ok]
            model_generation chat m [ok]
              tool_call clean up [ok]
    """)
    assert reasons(captured_spans)[1] == ("careful", "ok", "garbage_collected")


def test_left_at_loop_shutdown(captured_spans, run):
    """The loop closes it, in a task and context of its own."""
    kept = []

    @sb.generic
    async def careful():
        with sb.model_generation(model="m"):
            try:
                yield 1
            finally:
                with sb.tool_call("clean up"):
                    pass

    async def main():
        kept.append(careful())
        await anext(kept[0])

    run(main)
    captured_spans.assert_tree("generic careful [ok]\n  model_generation chat m [ok]\n    tool_call clean up [ok]")
    assert reasons(captured_spans)[0] == ("careful", "ok", "closed")


def test_dropped_after_the_loop(captured_spans):
    """Nobody closes it any more; its span ends nevertheless."""

    async def main():
        iterator = count()
        await anext(iterator)
        return iterator

    loop = asyncio.new_event_loop()
    iterator = loop.run_until_complete(main())
    loop.close()
    del iterator
    gc.collect()

    assert reasons(captured_spans)[0] == ("count", "ok", "garbage_collected")


def test_without_a_loop(captured_spans):
    """Driven by hand, as a coroutine is."""

    @sb.generic
    async def items():
        yield 1
        yield 2

    iterator = items()
    with pytest.raises(StopIteration) as stop:
        anext(iterator).send(None)
    assert stop.value.value == 1
    with pytest.raises(StopIteration):
        iterator.aclose().send(None)

    assert reasons(captured_spans) == [("items", "ok", "closed")]


def test_cancelled(captured_spans, run_asyncio):
    """A task that is cancelled while the body waits: status cancelled, with what was yielded."""
    waiting = []

    @sb.generic
    async def waits():
        yield "part"
        waiting[0].set()
        await asyncio.Event().wait()

    async def consume():
        async for _ in waits():
            pass

    async def main():
        waiting.append(asyncio.Event())
        task = asyncio.create_task(consume())
        await waiting[0].wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_asyncio(main)
    assert reasons(captured_spans) == [("waits", "cancelled", "cancelled")]
    assert captured_spans.spans[0].output == "part"


def test_cancelled_by_a_scope(captured_spans, run):
    """The same by a cancel scope, under every loop."""

    @sb.generic
    async def waits():
        yield "part"
        await anyio.sleep_forever()

    async def main():
        with anyio.CancelScope() as scope:
            async for _ in waits():
                scope.cancel()

    run(lambda: main())
    assert reasons(captured_spans) == [("waits", "cancelled", "cancelled")]


def test_cancelled_between_two_items(captured_spans, run):
    """The consumer is cancelled, not the body: closed."""

    async def main():
        with anyio.CancelScope() as scope:
            async with aclosing(count()) as iterator:
                async for _ in iterator:
                    scope.cancel()
                    await anyio.lowlevel.checkpoint()

    run(main)
    assert reasons(captured_spans)[0][:2] in {("count", "ok"), ("count", "cancelled")}
    assert reasons(captured_spans)[0][2] == "closed"


def test_each_item_in_another_task(captured_spans, run_asyncio):
    """As `asyncio.wait_for` did before Python 3.12: each step is a task. Spans that the body holds open stay the body's."""

    @sb.generic
    async def holds():
        async with sb.tool_call("open"):
            for i in range(3):
                async with sb.tool_call(f"step {i}"):
                    yield i

    async def step(iterator):
        return await anext(iterator)

    async def main():
        with sb.agent_run("consumer"):
            iterator = holds()
            for i in range(2):
                assert await asyncio.create_task(step(iterator)) == i
                assert sb.current_span().name == "consumer"
        await asyncio.create_task(iterator.aclose())
        assert sb.current_span() is None

    run_asyncio(main)
    captured_spans.assert_tree("""
        agent_run consumer [ok]
          generic holds [ok]
            tool_call open [ok]
              tool_call step 0 [ok]
              tool_call step 1 [ok]
    """)
    assert captured_spans.observability.stats()["ignored"] == {}


def test_tasks_that_the_body_starts(captured_spans, run):
    """They are inside; tasks that the consumer starts between items are not."""

    async def work(name):
        with sb.tool_call(name):
            await anyio.lowlevel.checkpoint()

    @sb.generic
    async def parallel():
        async with anyio.create_task_group() as group:
            group.start_soon(work, "inside")
        yield 1

    async def main():
        async for _ in parallel():
            async with anyio.create_task_group() as group:
                group.start_soon(work, "outside")

    run(main)
    captured_spans.assert_tree("""
        generic parallel [ok]
          tool_call inside [ok]
        tool_call outside [ok]
    """)


def test_two_consumers_at_once(captured_spans, run_asyncio):
    """Python's own error for the second, and the span goes on."""
    gate = []

    @sb.generic
    async def slow():
        await gate[0].wait()
        yield 1

    async def main():
        gate.append(asyncio.Event())
        iterator = slow()
        first = asyncio.ensure_future(anext(iterator))
        await asyncio.sleep(0)
        for call in (iterator.__anext__, iterator.aclose):
            with pytest.raises(RuntimeError, match="asynchronous generator is already running"):
                await call()
        gate[0].set()
        assert await first == 1
        assert [item async for item in iterator] == []

    run_asyncio(main)
    assert reasons(captured_spans) == [("slow", "ok", None)]


def test_interleaved_and_nested(captured_spans, run):
    """Two at once do not see each other; one inside the other does."""

    @sb.generic
    async def doubled():
        async for i in count(1):
            with sb.tool_call("double"):
                pass
            yield 2 * i

    async def main():
        first, second = count(1), doubled()
        assert (await anext(first), await anext(second)) == (0, 0)
        assert [i async for i in first] + [i async for i in second] == []

    run(main)
    captured_spans.assert_tree("""
        generic count [ok]
          tool_call body 0 [ok]
        generic doubled [ok]
          generic count [ok]
            tool_call body 0 [ok]
          tool_call double [ok]
    """)


def test_methods(captured_spans, run):
    """Methods, class methods and static methods; `self` and `cls` are no input."""

    class Source:
        @sb.generic
        async def method(self, n):
            yield n

        @classmethod
        @sb.generic
        async def class_method(cls, n):
            yield n

        @sb.generic
        @staticmethod
        async def static_method(n):
            yield n

    async def main():
        source = Source()
        for method in (source.method, source.class_method, Source.class_method, Source.static_method):
            assert [item async for item in method(1)] == [1]

    run(main)
    assert [(span.input, span.output) for span in captured_spans.spans] == [({"n": 1}, [1])] * 4


def test_it_is_an_async_generator(captured_spans, run):
    """The wrapper stands for the generator in every respect."""
    assert inspect.isasyncgenfunction(count)

    async def main():
        iterator = count()
        assert inspect.isasyncgen(iterator)
        assert isinstance(iterator, AsyncGenerator)
        assert aiter(iterator) is iterator
        await anext(iterator)
        assert iterator.ag_frame.f_locals["i"] == 0
        assert iterator.ag_code is count.__wrapped__.__code__
        await iterator.aclose()
        assert iterator.ag_frame is None

    run(main)


def test_suppressed_and_unconfigured(captured_spans, run):
    """Nothing is recorded, and what is returned is Python's own generator."""

    async def main():
        with sb.suppress():
            assert type(count()).__name__ == "async_generator"
            assert [item async for item in count(1)] == [0]
        sb.shutdown()
        assert [item async for item in count(1)] == [0]

    run(main)
