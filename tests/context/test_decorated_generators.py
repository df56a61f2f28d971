"""Decorated generators: the span covers the whole iteration, and is current only while the body runs."""

from __future__ import annotations

import contextvars
import gc
import inspect
import itertools
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

import spanbridge as sb


def incomplete(captured_spans):
    return {span.name: span.attributes.get("incomplete") for span in captured_spans.spans}


@sb.generic
def count(n=3):
    for i in range(n):
        with sb.tool_call(f"body {i}"):
            pass
        yield i


def test_only_the_body_is_inside(captured_spans):
    """What the body opens is below the span; what the consumer opens between items is not."""
    with sb.agent_run("consumer"):
        for i in count(2):
            assert sb.current_span().name == "consumer"
            with sb.tool_call(f"between {i}"):
                pass

    captured_spans.assert_tree("""
        agent_run consumer [ok]
          generic count [ok]
            tool_call body 0 [ok]
            tool_call body 1 [ok]
          tool_call between 0 [ok]
          tool_call between 1 [ok]
    """)


def test_the_span_covers_the_iteration(captured_spans):
    """It starts with the first item and ends after the last; the parent is what was current at the call."""
    with sb.agent_run("caller"):
        iterator = count(1)
    with sb.agent_run("other"):
        assert list(iterator) == [0]

    spans = {span.name: span for span in captured_spans.spans}
    assert spans["count"].parent_span_id == spans["caller"].span_id
    assert spans["caller"].ended_at <= spans["count"].started_at <= spans["body 0"].started_at
    assert spans["body 0"].ended_at <= spans["count"].ended_at <= spans["other"].ended_at


def test_a_call_outside_of_every_span(captured_spans):
    """Its parent is what is current when the body starts."""
    iterator = count(0)
    with sb.agent_run("consumer"):
        list(iterator)

    captured_spans.assert_tree("agent_run consumer [ok]\n  generic count [ok]")


def test_send_throw_and_return(captured_spans):
    """Values and exceptions pass both ways, and `yield from` returns what the body returns."""

    @sb.generic(capture_input=False)
    def talk():
        try:
            got = yield "first"
        except ValueError as error:
            got = str(error)
        sb.update_current(metadata={"got": got})
        return got * 2

    def outer():
        return (yield from talk())

    def drive(iterator, last):
        assert next(iterator) == "first"
        with pytest.raises(StopIteration) as stop:
            last(iterator)
        return stop.value.value

    assert drive(talk(), lambda iterator: iterator.send("sent")) == "sentsent"
    assert drive(talk(), lambda iterator: iterator.throw(ValueError("thrown"))) == "thrownthrown"
    assert drive(outer(), lambda iterator: iterator.send("through")) == "throughthrough"
    assert [span.metadata for span in captured_spans.spans] == [{"got": "sent"}, {"got": "thrown"}, {"got": "through"}]
    assert [str(span.status) for span in captured_spans.spans] == ["ok"] * 3
    assert set(incomplete(captured_spans).values()) == {None}


def test_an_exception(captured_spans):
    """The span ends as an error, with what was yielded until then; the generator is over as any other."""

    @sb.generic
    def fails():
        yield "a"
        raise KeyError("x")

    iterator = fails()
    assert next(iterator) == "a"
    with pytest.raises(KeyError):
        next(iterator)
    assert list(iterator) == []
    iterator.close()

    (span,) = captured_spans.spans
    assert (str(span.status), span.error["type"], span.output) == ("error", "KeyError", "a")


def test_a_thrown_exception_that_nobody_catches(captured_spans):
    """It comes out of `throw` unchanged."""
    iterator = count()
    next(iterator)
    error = ValueError("mine")
    with pytest.raises(ValueError) as raised:
        iterator.throw(error)

    assert raised.value is error
    assert captured_spans.spans[0].error["message"] == "mine"


def test_closed(captured_spans):
    """A consumer that leaves early closes it: ok, incomplete, with what was yielded."""
    iterator = count()
    assert next(iterator) == 0
    assert next(iterator) == 1
    iterator.close()
    iterator.close()

    span = captured_spans.spans[0]
    assert (str(span.status), span.attributes, span.output) == ("ok", {"incomplete": "closed"}, [0, 1])
    assert len(captured_spans.spans) == 3
    assert captured_spans.observability.stats()["ignored"] == {}


def test_closing_runs_the_rest_of_the_body_inside(captured_spans):
    """Clean-up is a part of the body, whoever causes it."""

    @sb.generic
    def careful():
        try:
            yield 1
        finally:
            with sb.tool_call("clean up"):
                pass

    with sb.agent_run("consumer"):
        iterator = careful()
        next(iterator)
        iterator.close()
        iterator = careful()
        next(iterator)
        del iterator
        gc.collect()

    captured_spans.assert_tree("""
        agent_run consumer [ok]
          generic careful [ok]
            tool_call clean up [ok]
          generic careful [ok]
            tool_call clean up [ok]
    """)
    assert [s.attributes["incomplete"] for s in captured_spans.spans if s.name == "careful"] == [
        "closed",
        "garbage_collected",
    ]


def test_an_exception_while_closing(captured_spans):
    """It comes out of `close`, and is recorded."""

    @sb.generic
    def stubborn():
        try:
            yield 1
        finally:
            raise RuntimeError("no")

    iterator = stubborn()
    next(iterator)
    with pytest.raises(RuntimeError, match="no"):
        iterator.close()

    (span,) = captured_spans.spans
    assert (str(span.status), span.error["message"]) == ("error", "no")


def test_a_body_that_ignores_the_end(captured_spans):
    """Python's own error; the span ends with the generator."""

    @sb.generic
    def ignores():
        try:
            yield 1
        except GeneratorExit:
            yield 2

    iterator = ignores()
    next(iterator)
    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        iterator.close()
    assert list(iterator) == []
    captured_spans.assert_tree("generic ignores [error] RuntimeError")


def test_never_started(captured_spans):
    """No span: nothing has happened."""
    count()
    count().close()
    iterator = count()
    iterator.close()
    assert list(iterator) == []
    with pytest.raises(ValueError):
        count().throw(ValueError())

    assert captured_spans.spans == []
    assert captured_spans.observability.stats()["spans"]["started"] == 0


def test_dropped(captured_spans):
    """Collected as garbage: ended, incomplete, with what was yielded."""
    next(count())

    span = captured_spans.spans[0]
    assert (str(span.status), span.attributes, span.output) == ("ok", {"incomplete": "garbage_collected"}, [0])


def test_dropped_in_a_cycle(captured_spans):
    """The collector runs wherever it likes; what is current there stays current."""
    holder = [count()]
    next(holder[0])
    holder.append(holder)
    del holder
    with sb.agent_run("elsewhere"):
        gc.collect()
        assert sb.current_span().name == "elsewhere"

    assert incomplete(captured_spans)["count"] == "garbage_collected"


def test_re_entrancy(captured_spans):
    """A body that goes on with itself gets Python's error, and its span goes on."""

    @sb.generic
    def selfish():
        for call in (next, lambda it: it.send(1), lambda it: it.throw(KeyError), lambda it: it.close()):
            with pytest.raises(ValueError, match="already executing"):
                call(iterator)
            assert sb.current_span().name == "selfish"
        yield 1

    iterator = selfish()
    assert list(iterator) == [1]
    captured_spans.assert_tree("generic selfish [ok]")
    assert incomplete(captured_spans) == {"selfish": None}


def test_interleaved_and_nested(captured_spans):
    """Two at once do not see each other; one inside the other does."""

    @sb.generic
    def doubled(n):
        for i in count(n):
            with sb.tool_call(f"double {i}"):
                pass
            yield 2 * i

    assert list(zip(count(2), doubled(2), strict=True)) == [(0, 0), (1, 2)]
    captured_spans.assert_tree("""
        generic count [ok]
          tool_call body 0 [ok]
          tool_call body 1 [ok]
        generic doubled [ok]
          generic count [ok]
            tool_call body 0 [ok]
            tool_call body 1 [ok]
          tool_call double 0 [ok]
          tool_call double 1 [ok]
    """)


def test_spans_held_open_across_yields(captured_spans):
    """The body's blocks stay the body's."""

    @sb.generic
    def holds():
        with sb.model_generation(model="m"):
            yield 1
            with sb.tool_call("inside"):
                pass
            yield 2
        with sb.tool_call("after"):
            pass

    for _ in holds():
        assert sb.current_span() is None
        with sb.tool_call("consumer"):
            pass

    captured_spans.assert_tree("""
        generic holds [ok]
          model_generation chat m [ok]
            tool_call inside [ok]
          tool_call after [ok]
        tool_call consumer [ok]
        tool_call consumer [ok]
    """)


@pytest.mark.parametrize("leave", ["exhausted", "closed", "dropped"])
def test_another_thread_and_context_for_each_item(captured_spans, leave):
    """As a web server does that iterates in a thread pool: each step runs in a fresh copy of the context."""

    @sb.generic
    def holds():
        with sb.tool_call("open"):
            for i in range(3):
                with sb.tool_call(f"step {i}"):
                    yield i

    with sb.agent_run("request"), ThreadPoolExecutor(2) as pool:
        iterator = holds()
        for i in range(2):
            assert pool.submit(contextvars.copy_context().run, next, iterator).result() == i
            assert sb.current_span().name == "request"
        if leave == "exhausted":
            assert pool.submit(list, iterator).result() == [2]
        elif leave == "closed":
            pool.submit(iterator.close).result()
        del iterator

    steps = "".join(f"    tool_call step {i} [ok]\n" for i in range(3 if leave == "exhausted" else 2))
    assert captured_spans.tree().rstrip() == (
        f"agent_run request [ok]\n  generic holds [ok]\n    tool_call open [ok]\n{steps.replace('    ', '      ')}".rstrip()
    )
    assert captured_spans.observability.stats()["ignored"] == {}


def test_a_generator_that_rests_inside_goes_along(captured_spans):
    """What an inner generator holds open stays out of the body's way also where another thread goes on with the body."""

    def inner():
        with sb.tool_call("inner"):
            yield 1
            yield 2

    @sb.generic
    def outer():
        iterator = inner()
        for _ in iterator:
            yield
            with sb.tool_call("outer's"):
                pass

    iterator = outer()
    next(iterator)
    thread = threading.Thread(target=list, args=(iterator,))
    thread.start()
    thread.join()

    captured_spans.assert_tree("""
        generic outer [ok]
          tool_call inner [ok]
          tool_call outer's [ok]
          tool_call outer's [ok]
    """)


def test_methods(captured_spans):
    """Methods, class methods and static methods; `self` and `cls` are no input."""

    class Source:
        @sb.generic
        def method(self, n):
            yield n

        @classmethod
        @sb.generic
        def inside_class_method(cls, n):
            yield cls.__name__, n

        @sb.generic
        @classmethod
        def around_class_method(cls, n):
            yield cls.__name__, n

        @staticmethod
        @sb.generic
        def inside_static_method(n):
            yield n

        @sb.generic
        @staticmethod
        def around_static_method(n):
            yield n

    source = Source()
    assert list(source.method(1)) == list(source.inside_static_method(1)) == list(Source.around_static_method(1)) == [1]
    assert list(source.inside_class_method(1)) == list(Source.around_class_method(1)) == [("Source", 1)]
    assert [span.input for span in captured_spans.spans] == [{"n": 1}] * 5


def test_input_and_output(captured_spans):
    """Text is joined, anything else is a list; both as they were when they passed."""

    @sb.generic
    def words(language="en"):
        yield from ("Hel", "lo")

    @sb.generic
    def items():
        item = {"n": 1}
        yield item
        item["n"] = 2
        yield item
        yield "text"

    @sb.generic
    def nothing():
        yield from ()

    for function in (words, items, nothing):
        list(function())
    assert [(span.input, span.output) for span in captured_spans.spans] == [
        ({"language": "en"}, "Hello"),
        ({}, [{"n": 1}, {"n": 2}, "text"]),
        ({}, None),
    ]


def test_capture_options(captured_spans):
    """`capture_output=False` keeps nothing of the items, `reduce_output` gets all of them."""

    @sb.generic(capture_input=False, capture_output=False)
    def quiet(secret):
        yield secret

    @sb.generic(reduce_output=sum)
    def numbers():
        yield from range(5)

    assert list(quiet("s")) == ["s"]
    assert list(numbers()) == [0, 1, 2, 3, 4]
    closed = numbers()
    next(itertools.islice(closed, 2, None))
    closed.close()
    assert [(span.input, span.output) for span in captured_spans.spans] == [(None, None), ({}, 10), ({}, 3)]


def test_a_reducer_that_raises(captured_spans, contained_places, silence):
    """The iteration is as it was, the span ends, the fault is told once."""

    @sb.generic(reduce_output=lambda items: 1 / 0)
    def numbers():
        yield 1

    assert list(numbers()) == [1]
    captured_spans.assert_tree("generic numbers [ok]")
    assert contained_places() == {"reduce_output"}
    silence.clear()


def test_it_is_a_generator(captured_spans):
    """The wrapper stands for the generator in every respect."""
    iterator = count()
    assert inspect.isgeneratorfunction(count)
    assert inspect.isgenerator(iterator)
    assert isinstance(iterator, Generator)
    assert iter(iterator) is iterator
    assert inspect.getgeneratorstate(iterator) == "GEN_CREATED"
    next(iterator)
    assert inspect.getgeneratorstate(iterator) == "GEN_SUSPENDED"
    assert inspect.getgeneratorlocals(iterator)["i"] == 0
    assert iterator.gi_code is count.__wrapped__.__code__
    assert iterator.gi_frame is not None
    assert iterator.__name__ == "count"
    iterator.close()
    assert iterator.gi_frame is None
    assert inspect.getgeneratorstate(iterator) == "GEN_CLOSED"


def test_suppressed_and_unconfigured(captured_spans):
    """Nothing is recorded, and what is returned is Python's own generator."""
    with sb.suppress():
        assert type(count()) is type(x for x in ())
        assert list(count(2)) == [0, 1]
    sb.shutdown()
    iterator = count(2)
    assert list(iterator) == [0, 1]


def test_ended_or_changed_by_the_body(captured_spans):
    """The body may end its span, or record its own output: what it said stays unless items come after."""

    @sb.generic(capture_output=False)
    def ends():
        yield 1
        sb.current_span().end(output="mine")
        yield 2

    assert list(ends()) == [1, 2]
    (span,) = captured_spans.spans
    assert span.output == "mine"
    assert captured_spans.observability.stats()["ignored"] == {}
