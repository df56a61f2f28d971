"""Code that is not simply nested: each request names the span that it is to be a child of."""

import ddtrace.auto  # noqa: F401, I001 - first, as it must be

import asyncio
import contextlib
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from ddtrace.trace import tracer
from tools import call, report, serve

import spanbridge as sb

url = serve()
sb.configure(service_name="contexts", store="sqlite:///traces.db", bridge="datadog")


def generators() -> None:
    """Decorated or not, as streams, abandoned, and with blocks of their consumer's open while they go on."""

    @sb.tool_call
    def decorated():
        call(url, "decorated")
        with sb.generic("inner block"):
            call(url, "inner block")
            yield 1
            call(url, "inner block")
        yield 2

    def plain():
        with sb.tool_call("plain"):
            with tracer.trace("foreign in plain"):
                call(url, "foreign in plain")
            call(url, "plain")
            yield 1
            call(url, "plain")
            with sb.generic("deep"):
                call(url, "deep")
                yield 2
            call(url, "plain")

    with sb.agent_run("generators"):
        for _ in decorated():
            call(url, "generators")
        for _ in plain():
            call(url, "generators")
            with sb.generic("consumer"):
                call(url, "consumer")
        rests = plain()
        next(rests)
        with sb.generic("around"):
            call(url, "around")
            next(rests)
            call(url, "around")
            with tracer.trace("foreign around"):
                call(url, "foreign around")
                list(rests)
                call(url, "foreign around")
            call(url, "around")
        abandoned = plain()
        next(abandoned)
        call(url, "generators")
        del abandoned
        call(url, "generators")
    call(url, "nothing")


async def asynchronous() -> None:
    """Tasks, async generators, streams, late children."""

    async def items():
        with sb.memory_operation("items"):
            for item in range(3):
                await asyncio.to_thread(call, url, "items")
                call(url, "items")
                yield item

    @sb.tool_call
    async def tool(number: int) -> None:
        await asyncio.sleep(0)
        call(url, "tool")
        async with sb.generic(f"step {number}"):
            await asyncio.sleep(0)
            call(url, f"step {number}")
            await asyncio.to_thread(call, url, f"step {number}")

    ended = asyncio.Event()

    async def late() -> None:
        await ended.wait()
        with sb.tool_call("late"):
            call(url, "late")
        call(url, "asynchronous")
        call(url, "asynchronous")

    async def chunks():
        for chunk in ("a", "b"):
            call(url, "chat")
            yield chunk

    async with sb.agent_run("asynchronous"):
        task = asyncio.create_task(late())
        await asyncio.gather(*(tool(number) for number in range(3)))
        async for item in items():
            call(url, "asynchronous")
            if item == 1:
                break
        call(url, "asynchronous")
        generation = sb.start_span(sb.SpanType.MODEL_GENERATION, "chat")
        async for _ in generation.stream(chunks()):
            call(url, "asynchronous")
        call(url, "asynchronous")
    sb.flush()
    call(url, "nothing")
    ended.set()
    await task


def threads() -> None:
    """Pools whose workers serve many, threads, and functions that take their context along."""
    sb.instrument_threads()
    pool = ThreadPoolExecutor(1)
    with sb.agent_run("threads"):

        def tool(name: str) -> None:
            call(url, "threads")
            with sb.tool_call(name):
                call(url, name)
            call(url, "threads")

        for name in ("first job", "second job"):
            pool.submit(tool, name).result()
        thread = threading.Thread(target=tool, args=("own thread",))
        thread.start()
        thread.join()
    pool.submit(call, url, "nothing").result()
    with sb.agent_run("other"):
        wrapped = sb.wrap_context(lambda: call(url, "other"))
    thread = threading.Thread(target=wrapped)
    thread.start()
    thread.join()
    pool.shutdown()


def parents() -> None:
    """Explicit parents, under another active span of ours and of ddtrace's, and suppressed recording."""
    with tracer.trace("request"):
        with sb.agent_run("parent") as parent:
            pass
        with sb.agent_run("elsewhere"):
            with sb.tool_call("explicit", parent=parent):
                call(url, "explicit")
                with sb.suppress(), sb.tool_call("suppressed"):
                    call(url, "explicit")
            call(url, "elsewhere")
        sb.flush()
        with sb.tool_call("late explicit", parent=parent):
            call(url, "late explicit")
        with contextlib.ExitStack() as stack:
            stack.enter_context(sb.workflow_run("stacked"))
            call(url, "stacked")
        call(url, "request")


generators()
asyncio.run(asynchronous())
threads()
parents()
left = tracer.current_span()
report(left=None if left is None else left.name, version=sys.modules["ddtrace"].__version__)
