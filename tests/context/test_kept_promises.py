"""What a traced function, carrier or block must not change about an application."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import functools
import gc
import pickle
import threading

import pytest

import spanbridge as sb
from spanbridge.tracing.active_span import Span

TRACEPARENT = f"00-{'a' * 31}1-{'b' * 16}-01"


@sb.tool_call
def double(number):
    return number * 2


class Agent:
    @sb.tool_call
    def answer(self):
        return 42


def test_decorated_functions_are_copied_and_pickled_as_functions_are():
    """By reference, and by name; methods with their object."""
    assert copy.copy(double) is copy.deepcopy({"tools": [double]})["tools"][0] is double
    assert pickle.loads(pickle.dumps(double)) is double
    assert copy.deepcopy(Agent().answer)() == pickle.loads(pickle.dumps(Agent().answer))() == 42


class Entering:
    """A context manager of an application's, which holds a span."""

    def __enter__(self):
        self.span = sb.tool_call("tool")
        self.span.__enter__()

    def __exit__(self, *exc_info):
        self.span.__exit__(*exc_info)


def with_stack():
    with contextlib.ExitStack() as stack:
        stack.enter_context(sb.tool_call("tool"))
        yield
        with sb.generic("inside"):
            pass
        yield


def with_own_manager():
    with Entering():
        yield
        with sb.generic("inside"):
            pass
        yield


@pytest.mark.parametrize("generator", [with_stack, with_own_manager])
def test_blocks_that_others_enter_for_a_generator(generator, captured_spans):
    """A stack's or another manager's block in a generator's body is current in the body only, as the body's own."""
    with sb.agent_run("root"):
        for _ in generator():
            with sb.generic("consumer"):
                pass

    captured_spans.assert_tree(
        "agent_run root [ok]\n  tool_call tool [ok]\n    generic inside [ok]\n  generic consumer [ok]\n  generic consumer [ok]"
    )


def test_ended_spans_are_let_go():
    """A chain of tasks, each started by the one before it, does not keep its spans in memory."""
    sb.configure(store=False, exporters=[sb.InMemoryExporter()])

    async def tick(left):
        with sb.generic("tick"):
            if left:
                asyncio.get_running_loop().create_task(tick(left - 1))
            else:
                done.set()

    async def main():
        nonlocal done
        done = asyncio.Event()
        asyncio.get_running_loop().create_task(tick(300))
        await done.wait()
        await asyncio.sleep(0)
        gc.collect()
        return sum(type(thing) is Span for thing in gc.get_objects())

    done = None
    assert asyncio.run(main()) < 100


@pytest.mark.parametrize(
    "baggage", [["a=" + "x" * 8000] * 20_000, "a=" + " " * 8180 + "\u00e9", "a" * 10**6, " =" * 4000], ids=range(4)
)
def test_large_headers_take_bounded_work(baggage, captured_spans):
    """However a header is built, reading it ends at once, and the trace goes on."""
    with sb.extract({"traceparent": TRACEPARENT, "baggage": baggage}), sb.agent_run("a") as span:
        pass

    assert span.trace_id == TRACEPARENT[3:35]


def test_headers_in_any_case(captured_spans):
    """Injecting replaces a header whatever its case, and extracting finds each in its own."""
    carrier = {"Traceparent": "old", "Baggage": "k=v", "X": "y"}
    with sb.agent_run("a"):
        sb.inject(carrier)
    assert sorted(carrier) == ["Baggage", "X", "traceparent"]

    with sb.extract({"traceparent": TRACEPARENT, "Baggage": "k=v", "TraceState": "a=1"}):
        assert sb.inject() == {"traceparent": TRACEPARENT, "baggage": "k=v", "tracestate": "a=1"}


def test_request_context_around_extract_and_parent():
    """Stamped on every span below, also where the span's parent is another process's or given by hand."""
    memory = sb.InMemoryExporter()
    sb.configure(store=False, exporters=[memory], request_context_keys=["tenant"])
    root = sb.start_span("generic", "root")

    with sb.request_context(tenant="t", user_id="u"):
        with sb.extract({"traceparent": TRACEPARENT}), sb.agent_run("remote"):
            pass
        with sb.agent_run("around"), sb.tool_call("given", parent=root):
            pass
    root.end()
    sb.flush()

    found = {span.name: span for span in memory.spans}
    for name in ("remote", "around", "given"):
        assert (found[name].user_id, found[name].metadata) == ("u", {"tenant": "t"})
    assert found["root"].user_id is None


def test_loops_in_instrumented_threads(captured_spans):
    """A thread whose target is `asyncio.run` runs the application, not a pool's worker."""

    async def work():
        with sb.tool_call("work"):
            pass

    sb.instrument_threads()
    try:
        with sb.agent_run("root"):
            coroutine = work()
            thread = threading.Thread(target=asyncio.run, args=(coroutine,))
            thread.start()
            thread.join()
    finally:
        sb.uninstrument_threads()

    captured_spans.assert_tree("agent_run root [ok]\n  tool_call work [ok]")


def test_a_failing_sampler_is_counted(contained_places, silence):
    """It keeps the trace, and shows in the counts."""
    with sb.Observability(store=False, exporters=[sb.InMemoryExporter()], sampling=lambda _: 1 / 0) as own:
        with own.agent_run("a"):
            pass
        assert own.stats()["ignored"] == {"sampler_error": 1}
    silence.clear()  # it is told, too


def between(function):
    """A decorator that keeps the name and the signature, but not the kind."""
    return functools.wraps(function)(lambda *args: function(*args))


@sb.tool_call
@between
def items(count):
    with sb.generic("in items"):
        pass
    yield from range(count)


@sb.tool_call
@between
async def later(value):
    with sb.generic("in later"):
        await asyncio.sleep(0)
    if value is None:
        raise ValueError
    return value


@sb.tool_call
@between
async def async_items(count):
    for number in range(count):
        with sb.generic("in async_items"):
            yield number


def test_functions_whose_kind_only_the_result_tells(captured_spans):
    """Under a decorator that hides the kind, a span covers the run of what is returned, as without it."""

    async def main():
        with sb.agent_run("root"):
            assert list(items(2)) == [0, 1]
            assert await later(5) == 5
            with pytest.raises(ValueError):
                await later(None)
            async for _ in async_items(1):
                with sb.generic("consumer"):
                    pass

    asyncio.run(main())

    captured_spans.assert_tree(
        "agent_run root [ok]\n"
        "  tool_call items [ok]\n    generic in items [ok]\n"
        "  tool_call later [ok]\n    generic in later [ok]\n"
        "  tool_call later [error] ValueError\n    generic in later [ok]\n"
        "  tool_call async_items [ok]\n    generic in async_items [ok]\n"
        "  generic consumer [ok]"
    )
    outputs = {span.name: span.output for span in captured_spans.spans if span.output is not None}
    assert outputs == {"items": [0, 1], "later": 5, "async_items": [0]}
