"""`wrap_context`: the context of the moment of wrapping, for every kind of function, wherever it runs."""

from __future__ import annotations

import asyncio
import gc
import inspect
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from functools import partial

import pytest
import trio

import spanbridge as sb

TIMEOUT_S = 20
variable = ContextVar("variable", default="unset")


def job(name="job"):
    with sb.generic(name):
        return variable.get()


def wrapped_inside(*functions):
    """The functions, wrapped inside a span "a" where `variable` is "inside"; afterwards it is "outside"."""

    def wrap():
        variable.set("inside")
        with sb.agent_run("a"):
            return [sb.wrap_context(function) for function in functions]

    wrapped = copy_context().run(wrap)
    variable.set("outside")
    return wrapped[0] if len(wrapped) == 1 else wrapped


def test_function(captured_spans):
    """Span and variables are those of the moment of wrapping: here, in a thread, in a pool, as often as it is called."""
    function = wrapped_inside(job)

    seen = [function("here")]
    thread = threading.Thread(target=lambda: seen.append(function("thread")))
    thread.start()
    thread.join(TIMEOUT_S)
    with ThreadPoolExecutor(1) as pool:
        seen.append(pool.submit(function, "pool").result(TIMEOUT_S))

    assert seen == ["inside"] * 3
    assert job("plain") == "outside"
    captured_spans.assert_tree(
        "agent_run a [ok]\n  generic here [ok]\n  generic thread [ok]\n  generic pool [ok]\ngeneric plain [ok]"
    )


def test_calls_at_once_and_inside_each_other(captured_spans):
    """One wrapper may be entered in several threads at once, and by itself; what a call changes, only that call sees."""
    meet = threading.Barrier(4)

    @wrapped_inside
    def work(number, depth):
        meet.wait(TIMEOUT_S)
        with sb.generic(f"work {number}.{depth}"):
            before = variable.get()
            variable.set(f"{number}.{depth}")
            below = work(number, depth - 1) if depth else []
            meet.wait(TIMEOUT_S)
            return [(before, variable.get()), *below]

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(work, range(4), [1] * 4))

    assert results == [[("inside", f"{number}.1"), ("inside", f"{number}.0")] for number in range(4)]
    spans = captured_spans.spans
    assert len(spans) == 9
    assert {span.parent_span_id for span in spans[1:]} == {spans[0].span_id}  # the moment of wrapping, not of calling


async def test_coroutine_function(captured_spans):
    """The body runs in the context of wrapping on both sides of every await, and so do the tasks that it starts."""

    async def child():
        return job("in task")

    @wrapped_inside
    async def work(name):
        with sb.generic(name):
            await asyncio.sleep(0)
            seen = [variable.get(), await asyncio.create_task(child())]
            variable.set(name)
            await asyncio.sleep(0)
            return [*seen, variable.get()]

    first, second = await asyncio.gather(work("one"), work("two"))
    in_task = await asyncio.create_task(work("three"))

    assert first == ["inside", "inside", "one"]
    assert second == ["inside", "inside", "two"]
    assert in_task == ["inside", "inside", "three"]
    assert variable.get() == "outside"
    spans = {span.name: span for span in captured_spans.spans}
    assert {spans[name].parent_span_id for name in ("one", "two", "three")} == {spans["a"].span_id}
    assert sorted(span.name for span in captured_spans.spans) == ["a", *["in task"] * 3, "one", "three", "two"]


async def test_coroutine_function_cancelled_and_failing(captured_spans):
    """Cancellation, timeouts and exceptions go through to the body, and out of it."""
    entered = asyncio.Event()
    error = ValueError("x")

    async def wait(name):
        with sb.generic(name):
            try:
                entered.set()
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                assert variable.get() == "inside"

    async def fail():
        with sb.generic("failing"):
            await asyncio.sleep(0)
            raise error

    wait, fail = wrapped_inside(wait, fail)
    task = asyncio.create_task(wait("cancelled"))
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(wait("timed out"), 0.01)
    with pytest.raises(ValueError, match="x") as raised:
        await fail()

    assert raised.value is error
    captured_spans.assert_tree(
        "agent_run a [ok]\n  generic cancelled [cancelled] asyncio.exceptions.CancelledError\n"
        "  generic timed out [cancelled] asyncio.exceptions.CancelledError\n  generic failing [error] ValueError"
    )


def test_coroutine_function_under_trio(captured_spans):
    """It does not depend on asyncio."""

    @wrapped_inside
    async def work(name):
        with sb.generic(name):
            await trio.lowlevel.checkpoint()
            with trio.CancelScope() as scope:
                scope.cancel()
                await trio.sleep_forever()
            assert scope.cancelled_caught
            await trio.to_thread.run_sync(job, f"below {name}")
            return variable.get()

    async def main():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(work, "one")
            assert await work("two") == "inside"

    trio.run(main)

    spans = {span.name: span for span in captured_spans.spans}
    for name in ("one", "two"):
        assert spans[name].parent_span_id == spans["a"].span_id
        assert spans[f"below {name}"].parent_span_id == spans[name].span_id


def numbers(name="numbers"):
    with sb.generic(name):
        received = []
        try:
            while len(received) < 3:
                try:
                    received.append((yield len(received)))
                except KeyError as error:
                    received.append(error.args[0])
                assert variable.get() == "inside"
        finally:
            job("cleanup")
    return received


def test_generator_function(captured_spans):
    """The body runs inside, the code that iterates does not; sending, throwing and returning are as ever."""
    function = wrapped_inside(numbers)
    generator = function()

    assert next(generator) == 0
    assert job("between") == "outside"
    assert generator.send("x") == 1
    assert generator.throw(KeyError("y")) == 2
    with pytest.raises(StopIteration) as stop:
        generator.send("z")

    assert stop.value.value == ["x", "y", "z"]
    assert list(function("again")) == [0, 1, 2]
    captured_spans.assert_tree(
        "agent_run a [ok]\n  generic numbers [ok]\n    generic cleanup [ok]\n"
        "  generic again [ok]\n    generic cleanup [ok]\ngeneric between [ok]"
    )


def test_generator_closed_failing_and_in_other_threads(captured_spans):
    """Closing runs the clean-up inside; an exception comes out as it is; another thread may go on with it."""
    function = wrapped_inside(numbers)
    closed, failing, moved = function("closed"), function("failing"), function("moved")
    next(closed)
    closed.close()
    next(failing)
    with pytest.raises(ZeroDivisionError):
        failing.throw(ZeroDivisionError())
    next(moved)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(list, moved).result(TIMEOUT_S) == [1, 2]
    unstarted = function("unstarted")
    unstarted.close()
    assert list(unstarted) == []
    with pytest.raises(TypeError):
        function(1, 2)

    captured_spans.assert_tree(
        "agent_run a [ok]\n  generic closed [ok]\n    generic cleanup [ok]\n"
        "  generic failing [error] ZeroDivisionError\n    generic cleanup [ok]\n"
        "  generic moved [ok]\n    generic cleanup [ok]"
    )


async def test_async_generator_function(captured_spans):
    """As a generator: inside while the body runs, outside in between."""
    cleaned_up = asyncio.Event()

    @wrapped_inside
    async def items(name):
        with sb.generic(name):
            try:
                for number in range(2):
                    await asyncio.sleep(0)
                    received = yield number
                    assert variable.get() == "inside"
                    if received:
                        yield received
            except KeyError:
                yield "caught"
            finally:
                await asyncio.sleep(0)
                job("cleanup")
                cleaned_up.set()

    assert [(item, job("between")) async for item in items("exhausted")] == [(0, "outside"), (1, "outside")]
    closed = items("closed")
    assert await anext(closed) == 0
    assert await closed.asend("x") == "x"
    await closed.aclose()
    thrown = items("thrown")
    await anext(thrown)
    assert await thrown.athrow(KeyError()) == "caught"
    with pytest.raises(StopAsyncIteration):
        await anext(thrown)
    left = items("left")
    await anext(left)
    cleaned_up.clear()
    del left
    gc.collect()
    await asyncio.wait_for(cleaned_up.wait(), TIMEOUT_S)

    spans = {span.name: span for span in captured_spans.spans if span.name not in {"cleanup", "between"}}
    assert {spans[name].parent_span_id for name in ("exhausted", "closed", "thrown", "left")} == {spans["a"].span_id}
    cleanups = [span for span in captured_spans.spans if span.name == "cleanup"]
    assert len(cleanups) == 4
    assert [span.parent_span_id for span in captured_spans.spans if span.name == "between"] == [None, None]


def test_wrapped_in_a_generators_body(captured_spans):
    """A block in a generator is in force for what is wrapped inside of it, also when that is called while the generator rests."""

    def generator():
        with sb.agent_run("in generator"):
            yield sb.wrap_context(job)

    running = generator()
    function = next(running)
    job("outside")
    function("inside")
    assert list(running) == []
    function("after the end")

    captured_spans.assert_tree(
        "agent_run in generator [ok]\n  generic inside [ok]\n  generic after the end [ok]\ngeneric outside [ok]"
    )


class Callable:
    """Objects to be called, and methods."""

    def __call__(self, name):
        return job(name)

    def method(self, name):
        return job(name)

    @classmethod
    def of_class(cls, name):
        return job(name)


class AsyncCallable:
    """An object whose call is a coroutine."""

    async def __call__(self, name):
        await asyncio.sleep(0)
        return job(name)


async def test_whatever_can_be_called(captured_spans):
    """Methods, partial functions, built-ins, classes, objects, and traced functions."""

    @sb.tool_call
    def traced(name):
        return job(name)

    @sb.tool_call
    async def traced_coroutine(name):
        return job(name)

    plain = wrapped_inside(Callable(), Callable().method, Callable.of_class, partial(job, "partial"), traced)
    for number, function in enumerate(plain):
        assert function(*() if number == 3 else ("x",)) == "inside"
    for function in wrapped_inside(AsyncCallable(), partial(AsyncCallable().__call__), traced_coroutine):
        assert await function("x") == "inside"
    of_type, of_builtin = wrapped_inside(AsyncCallable, len)

    assert isinstance(of_type(), AsyncCallable)
    assert of_builtin([1, 2]) == 2
    roots = [span.name for span in captured_spans.spans if span.parent_span_id is None]
    assert roots == ["a"] * 3


def test_in_a_class(captured_spans):
    """As a decorator of a method it binds like one."""

    class Agent:
        name = "agent"

        @sb.wrap_context
        def act(self, what):
            return f"{self.name} {what}"

    assert Agent().act("acts") == "agent acts"
    assert Agent.act(Agent(), what="acts") == "agent acts"


def test_the_wrapper_is_like_the_function():
    """Name, documentation, signature and kind stay."""

    async def coroutine(a, *, b=1):
        """Says."""

    async def async_generator():
        yield

    coroutine, async_generator, generator = map(sb.wrap_context, (coroutine, async_generator, numbers))

    assert (coroutine.__name__, coroutine.__doc__, str(inspect.signature(coroutine))) == (
        "coroutine",
        "Says.",
        "(a, *, b=1)",
    )
    assert inspect.iscoroutinefunction(coroutine)
    assert inspect.isasyncgenfunction(async_generator)
    assert inspect.isgeneratorfunction(generator)
    assert inspect.isgenerator(generator())
    assert inspect.isasyncgen(async_generator())


def test_it_carries_suppression_and_remote_parents(captured_spans):
    """What is ambient is not only a span."""
    with sb.suppress():
        suppressed = sb.wrap_context(job)
    with sb.extract({"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}):
        continued = sb.wrap_context(job)
    suppressed()
    continued()

    (span,) = captured_spans.spans
    assert (span.trace_id, span.external_parent_span_id) == ("a" * 32, "b" * 16)


def test_the_span_lives_as_long_as_the_wrapper(captured_spans):
    """The wrapper holds the span, and nothing else does."""
    with sb.agent_run("a") as span:
        function = sb.wrap_context(job)
    function()
    kept = weakref.ref(span)
    del span
    captured_spans.flush()
    gc.collect()
    assert kept() is not None
    del function
    gc.collect()

    assert kept() is None


def test_not_configured():
    """Without a configuration it carries the context all the same."""
    assert wrapped_inside(job)() == "inside"
    assert sb.stats()["spans"]["started"] == 0
