"""`span.stream(...)`: the items pass unchanged, and however the stream ends, the span has what was received."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import threading
from collections import OrderedDict

import anyio
import anyio.lowlevel
import pytest

import spanbridge as sb


def gen(**options):
    return sb.start_span("model_generation", model="m", **options)


def only(captured_spans):
    (span,) = captured_spans.spans
    return str(span.status), span.attributes.get("incomplete"), span.output


async def agen(items, wait=False):
    for item in items:
        yield item
    if wait:
        await anyio.sleep_forever()


def test_exhausted(captured_spans):
    """The text, when its first part came, how many chunks."""
    span = gen()
    assert list(span.stream(iter(["", "Hel", "lo"]))) == ["", "Hel", "lo"]

    (record,) = captured_spans.spans
    first = record.attributes.pop("completion_start_time")
    assert record.started_at <= first <= record.ended_at
    record.attributes.pop("cost_context")
    assert record.attributes == {"model": "m", "chunk_count": 3, "streaming": True}
    assert only(captured_spans) == ("ok", None, "Hello")


def test_empty(captured_spans):
    """No chunk: no output, and no first token."""
    assert list(gen().stream([])) == []

    (record,) = captured_spans.spans
    record.attributes.pop("cost_context")
    assert record.attributes == {"model": "m", "chunk_count": 0, "streaming": True}
    assert record.output is None


def test_async(captured_spans, run):
    """The same for `async for`."""

    async def main():
        assert [item async for item in gen().stream(agen("ab"))] == ["a", "b"]

    run(main)
    assert only(captured_spans) == ("ok", None, "ab")


def test_other_span_types(captured_spans):
    """What is known of models only is recorded of models only."""
    assert list(sb.start_span("tool_call", "t").stream([{"n": 1}, {"n": 2}])) == [{"n": 1}, {"n": 2}]

    (record,) = captured_spans.spans
    assert (record.output, record.attributes) == ([{"n": 1}, {"n": 2}], {"chunk_count": 2})


def test_items_are_the_same_objects(captured_spans):
    """Whatever they are, also where nothing can be read from them."""
    items = [object(), None, 3, b"bytes", {"choices": []}, {"choices": [3]}, {"type": "response.completed"}]
    passed = list(gen().stream(iter(items)))
    assert all(a is b for a, b in zip(passed, items, strict=True))
    assert only(captured_spans)[0] == "ok"


def test_chunks_that_cannot_be_read(captured_spans, contained_places, silence):
    """They pass; the fault is contained."""

    class Awkward:
        @property
        def choices(self):
            raise RuntimeError("no")

        def __bool__(self):
            raise RuntimeError("no")

    items = [Awkward(), {"choices": 3}, "text"]
    assert list(gen().stream(items)) == items
    assert only(captured_spans)[0::2] == ("ok", "text")
    assert contained_places() == {"reading a chunk"}
    silence.clear()


def test_chunks_without_a_truth(captured_spans):
    """As arrays are: none is asked for, and they are the output."""

    class Samples(dict):
        def __bool__(self):
            raise ValueError("ambiguous")

    items = [Samples(n=1), Samples(n=2)]
    assert list(gen().stream(items)) == items
    (record,) = captured_spans.spans
    assert (record.output, "completion_start_time" in record.attributes) == ([{"n": 1}, {"n": 2}], True)


def test_bytes(captured_spans):
    """UTF-8 whose characters are split over chunks."""
    data = "Grüße 🙂".encode()
    list(gen().stream([data[:3], bytearray(data[3:9]), memoryview(data[9:])]))
    assert only(captured_spans) == ("ok", None, "Grüße 🙂")


@pytest.mark.parametrize("how", ["close", "with", "break and del", "cycle"])
def test_left_early(captured_spans, how):
    """Closed or collected: ended, incomplete, with what was received; the source is closed too."""
    closed = []

    def source():
        try:
            yield from "abc"
        finally:
            closed.append(True)

    stream = gen().stream(source())
    if how == "with":
        with stream as entered:
            assert entered is stream
            next(stream)
    else:
        next(stream)
    if how == "close":
        stream.close()
        stream.close()
    if how == "cycle":
        stream.me = stream
    del stream
    if how == "with":
        del entered
    gc.collect()

    assert only(captured_spans) == ("ok", "closed" if how in {"close", "with"} else "garbage_collected", "a")
    assert closed == [True]
    assert captured_spans.observability.stats()["ignored"] == {}


def test_never_started(captured_spans):
    """A stream that nobody took anything from is incomplete as well."""
    gen().stream(iter("abc"))
    assert only(captured_spans) == ("ok", "garbage_collected", None)


@pytest.mark.parametrize("how", ["aclose", "async with", "del"])
def test_async_left_early(captured_spans, run_asyncio, how):
    """Likewise."""

    async def main():
        stream = gen().stream(agen("abc"))
        if how == "async with":
            async with stream:
                await anext(stream)
        else:
            await anext(stream)
        if how == "aclose":
            await stream.aclose()
        del stream
        gc.collect()

    run_asyncio(main)
    assert only(captured_spans) == ("ok", "garbage_collected" if how == "del" else "closed", "a")


def test_cancelled(captured_spans, run):
    """By a timeout, while the next chunk is awaited."""

    async def main():
        with anyio.CancelScope() as scope:
            async for chunk in gen().stream(agen("ab", wait=True)):
                if chunk == "b":
                    scope.cancel()

    run(main)
    assert only(captured_spans) == ("cancelled", "cancelled", "ab")


def test_cut(captured_spans):
    """An exception of the source passes unchanged; the span has it, and what was received before."""
    error = ConnectionResetError("by peer")

    def source():
        yield "part"
        raise error

    with pytest.raises(ConnectionResetError) as raised:
        list(gen().stream(source()))

    assert raised.value is error
    assert only(captured_spans) == ("error", "cut", "part")
    assert captured_spans.spans[0].error["type"] == "ConnectionResetError"


def test_the_consumer_raises(captured_spans):
    """The consumer's own failure is not the stream's."""
    with pytest.raises(KeyError):
        for _ in gen().stream(iter("ab")):
            raise KeyError

    gc.collect()
    assert only(captured_spans)[0] == "ok"
    assert only(captured_spans)[1] == "garbage_collected"


def test_in_a_block(captured_spans):
    """Only the block ends the span, also where the stream ended long before."""
    with sb.model_generation(model="m") as span:
        assert "".join(span.stream(iter("ab"))) == "ab"
        assert span.is_recording
        span.set(finish_reason="mine")

    assert only(captured_spans) == ("ok", None, "ab")
    assert captured_spans.spans[0].attributes["finish_reason"] == "mine"


def test_unfinished_when_the_block_ends(captured_spans):
    """What was received is recorded; the rest passes, and is counted nowhere."""
    with sb.model_generation(model="m") as span:
        stream = span.stream(iter("abc"))
        next(stream)
    assert list(stream) == ["b", "c"]
    stream.close()

    assert only(captured_spans) == ("ok", "closed", "a")
    assert captured_spans.observability.stats()["ignored"] == {}


def test_ended_by_hand_before_the_stream(captured_spans):
    """Likewise."""
    span = gen()
    stream = span.stream(iter("abc"))
    next(stream)
    span.end(finish_reason="enough")
    assert list(stream) == ["b", "c"]

    assert only(captured_spans) == ("ok", "closed", "a")


def test_the_block_fails(captured_spans):
    """The block's exception is the span's; what was received is kept."""
    with pytest.raises(KeyError), sb.model_generation(model="m") as span:
        stream = span.stream(iter("abc"))
        next(stream)
        raise KeyError("x")

    assert only(captured_spans) == ("error", "closed", "a")


def test_returned_from_a_decorated_function(captured_spans):
    """The span goes on until the stream ends, outside of the function; the consumer is not inside."""

    @sb.model_generation(model="m")
    def ask(question):
        return sb.current_span().stream(iter("ab"))

    with sb.agent_run("agent"):
        stream = ask("q")
        assert sb.current_span().name == "agent"
        for chunk in stream:
            assert sb.current_span().name == "agent"
            with sb.tool_call(f"use {chunk}"):
                pass

    captured_spans.assert_tree("""
        agent_run agent [ok]
          model_generation chat m [ok]
          tool_call use a [ok]
          tool_call use b [ok]
    """)
    record = captured_spans.spans[1]
    assert (record.input, record.output, record.attributes["chunk_count"]) == ({"question": "q"}, "ab", 2)


def test_returned_from_a_decorated_coroutine_function(captured_spans, run):
    """Likewise, and left early."""

    @sb.model_generation(model="m")
    async def ask():
        return sb.current_span().stream(agen("ab"))

    async def main():
        async with await ask() as stream:
            await anext(stream)
            assert sb.current_span() is None

    run(main)
    assert only(captured_spans) == ("ok", "closed", "a")


def test_returned_when_it_was_exhausted(captured_spans):
    """The function ends the span then."""

    @sb.model_generation(model="m")
    def ask():
        stream = sb.current_span().stream(iter("ab"))
        list(stream)
        return stream

    assert list(ask()) == []
    assert only(captured_spans)[:2] == ("ok", None)


def test_what_the_source_does_is_inside(captured_spans):
    """The spans of the source's own work are below the span that was opened by hand, also inside blocks that it holds open."""

    def source():
        with sb.generic("request"):
            for chunk in "ab":
                with sb.generic(f"read {chunk}"):
                    pass
                yield chunk

    for chunk in gen().stream(source()):
        assert sb.current_span() is None
        with sb.tool_call(f"use {chunk}"):
            pass

    captured_spans.assert_tree("""
        model_generation chat m [ok]
          generic request [ok]
            generic read a [ok]
            generic read b [ok]
        tool_call use a [ok]
        tool_call use b [ok]
    """)


def test_what_an_async_source_does_is_inside(captured_spans, run):
    """Likewise, with tasks of its own."""

    async def read(chunk):
        async with sb.generic(f"read {chunk}"):
            await anyio.lowlevel.checkpoint()

    async def source():
        async with sb.generic("request"):
            for chunk in "ab":
                async with anyio.create_task_group() as group:
                    group.start_soon(read, chunk)
                yield chunk

    async def main():
        async for chunk in gen().stream(source()):
            assert sb.current_span() is None
            with sb.tool_call(f"use {chunk}"):
                await anyio.lowlevel.checkpoint()

    run(main)
    captured_spans.assert_tree("""
        model_generation chat m [ok]
          generic request [ok]
            generic read a [ok]
            generic read b [ok]
        tool_call use a [ok]
        tool_call use b [ok]
    """)


def test_consumed_in_threads_and_tasks(captured_spans, run_asyncio):
    """Each chunk in another one."""

    async def main():
        stream = gen().stream(iter("abc"))
        assert await asyncio.to_thread(next, stream) == "a"
        thread = threading.Thread(target=next, args=(stream,))
        thread.start()
        thread.join()
        assert await asyncio.to_thread(list, stream) == ["c"]
        astream = gen().stream(agen("ab"))
        assert await asyncio.gather(*(anext_in_task(astream) for _ in range(1))) == ["a"]
        assert [item async for item in astream] == ["b"]

    async def anext_in_task(stream):
        return await anext(stream)

    run_asyncio(main)
    assert [(span.output, str(span.status)) for span in captured_spans.spans] == [("abc", "ok"), ("ab", "ok")]


class ProviderStream:
    """As the providers' packages have them: iterable, a context manager, with attributes of its own."""

    def __init__(self):
        self.response = "the response"
        self.entered = self.exited = self.closed = False
        self._chunks = iter("ab")

    def __iter__(self):
        return self._chunks

    def __enter__(self):
        self.entered = True
        return self

    def __exit__(self, *exc_info):
        self.exited = True

    def close(self):
        self.closed = True
        return "closed"

    def get_final_message(self):
        return "final"


def test_the_source_shines_through(captured_spans):
    """Attributes, methods, context manager, close."""
    source = ProviderStream()
    stream = gen().stream(source)
    assert (stream.response, stream.get_final_message()) == ("the response", "final")
    with pytest.raises(AttributeError, match="no_such"):
        stream.no_such  # noqa: B018 - what it raises is the point
    with stream as entered:
        assert list(entered) == ["a", "b"]
    assert (source.entered, source.exited) == (True, True)
    other = ProviderStream()
    assert gen().stream(other).close() == "closed"
    assert other.closed
    assert [span.attributes.get("incomplete") for span in captured_spans.spans] == [None, "closed"]


def test_not_iterable(captured_spans):
    """Comes back as it is: Python's own error where it is iterated over, as without us, and a span that can still be ended."""
    span = gen()
    with pytest.raises(TypeError, match="not iterable"):
        for _ in span.stream(3):
            pass
    span.end()
    assert only(captured_spans) == ("ok", None, None)


def test_a_manager_of_a_stream(captured_spans):
    """What gives the stream when it is entered, as providers' helpers do, is recorded from there."""

    @contextlib.contextmanager
    def manager():
        yield iter(["a", "b"])

    with sb.model_generation(model="m") as span, span.stream(manager()) as stream:
        assert list(stream) == ["a", "b"]
    assert only(captured_spans) == ("ok", None, "ab")


def test_output_that_is_not_captured(captured_spans):
    """A decorated function that returns its span's stream and captures no output records everything but the text."""

    @sb.model_generation(model="m", capture_output=False)
    def answer():
        return sb.current_span().stream(iter(["secret"]))

    assert list(answer()) == ["secret"]
    assert only(captured_spans) == ("ok", None, None)


def test_one_of_several_answers(captured_spans):
    """Of several choices, which come mixed, the first is recorded."""

    def chunk(index, text):
        return OrderedDict(choices=[OrderedDict(index=index, delta=OrderedDict(content=text))])

    with sb.model_generation(model="m") as span:
        for _ in span.stream(
            [chunk(0, "A"), chunk(1, "x"), chunk(0, "B"), {"choices": [{"index": 0, "finish_reason": "stop"}]}]
        ):
            pass
    assert only(captured_spans) == ("ok", None, "AB")


def test_a_second_stream(captured_spans):
    """One after the other in a block: the last one's output stands."""
    with sb.model_generation(model="m") as span:
        list(span.stream("ab"))
        list(span.stream("cd"))
    assert only(captured_spans) == ("ok", None, "cd")


def test_not_recorded(captured_spans):
    """Suppressed, ended, unconfigured: the iterable itself."""
    with sb.suppress():
        source = iter("ab")
        assert gen().stream(source) is source
    span = gen()
    span.end()
    assert span.stream("ab") == "ab"
    sb.shutdown()


def test_endless(captured_spans):
    """What is kept is bounded, and says so."""
    list(itertools.islice(gen().stream(itertools.repeat({"k": "v" * 1000})), 2000))
    (record,) = captured_spans.spans
    assert record.attributes["chunk_count"] == 2000
    assert len(record.output) < 2000


def test_ends_during_a_step(captured_spans):
    """The source itself ends the span: the chunk passes."""
    span = gen()

    def source():
        yield "a"
        span.end()
        yield "b"

    assert list(span.stream(source())) == ["a", "b"]
    assert only(captured_spans) == ("ok", "closed", "a")
    assert captured_spans.observability.stats()["ignored"] == {}


def test_throw_and_send_of_the_source(captured_spans):
    """A generator's other methods are the source's."""

    def source():
        got = yield "a"
        yield got

    stream = gen().stream(source())
    next(stream)
    assert stream.send("sent") == "sent"
    stream.close()
    assert only(captured_spans)[0] == "ok"
