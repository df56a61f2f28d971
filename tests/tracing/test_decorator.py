import asyncio
import functools
import inspect
import pickle

import pytest

import spanbridge as sb


def calls(captured):
    return [(span.name, span.input, span.output) for span in captured.spans]


def test_bare_and_called(captured_spans):
    """An opener decorates with and without arguments; the span is named after the function, or as it is told."""

    @sb.tool_call
    def first(x):
        return x + 1

    @sb.tool_call("named", tool_type="function")
    def second(x):
        return x + 2

    @sb.model_generation(model="m")
    def third():
        return "answer"

    assert (first(1), second(1), third()) == (2, 3, "answer")
    assert calls(captured_spans) == [("first", {"x": 1}, 2), ("named", {"x": 1}, 3), ("chat m", {}, "answer")]
    assert captured_spans.spans[1].attributes == {"tool_type": "function"}


def test_the_wrapper_is_like_the_function():
    """Name, documentation, signature, kind and identity stay."""

    @sb.tool_call
    def plain(a: int, *, b: str = "x") -> bool:
        """Says."""
        return True

    @sb.tool_call
    async def coroutine(a):
        return a

    assert (plain.__name__, plain.__doc__, plain.__module__, plain.__wrapped__.__name__) == (
        "plain",
        "Says.",
        __name__,
        "plain",
    )
    assert str(inspect.signature(plain)) == "(a: int, *, b: str = 'x') -> bool"
    assert inspect.isfunction(plain)
    assert inspect.iscoroutinefunction(coroutine)
    assert asyncio.iscoroutinefunction(coroutine) if not hasattr(inspect, "markcoroutinefunction") else True
    assert not inspect.iscoroutinefunction(plain)


async def test_async(captured_spans):
    """A coroutine function's span lasts until its result is there."""

    @sb.tool_call
    async def search(q):
        with sb.generic("inside"):
            await asyncio.sleep(0)
        return [q]

    assert await search("x") == ["x"]
    captured_spans.assert_tree("tool_call search [ok]\n  generic inside [ok]")


def test_concurrent_and_recursive_calls(captured_spans):
    """Each call is a span of its own."""

    @sb.tool_call
    def countdown(n):
        return n if n == 0 else countdown(n - 1)

    countdown(2)

    captured_spans.assert_tree("tool_call countdown [ok]\n  tool_call countdown [ok]\n    tool_call countdown [ok]")


class Service:
    base = 10

    @sb.tool_call
    def method(self, x, y=2):
        return self.base + x + y

    @sb.tool_call
    async def coroutine(self, x):
        return self.base + x

    @sb.tool_call
    @classmethod
    def outside_classmethod(cls, x):
        return cls.base + x

    @classmethod
    @sb.tool_call
    def inside_classmethod(cls, x):
        return cls.base + x

    @sb.tool_call
    @staticmethod
    def outside_staticmethod(x):
        return x

    @staticmethod
    @sb.tool_call
    def inside_staticmethod(x):
        return x


class Child(Service):
    base = 20


@pytest.mark.parametrize("target", [Service(), Child()], ids=["own", "inherited"])
async def test_methods(target, captured_spans):
    """Methods of every kind are decorated in either order; `self` and `cls` are no input."""
    base = target.base

    assert target.method(1) == base + 3
    assert await target.coroutine(1) == base + 1
    assert target.outside_classmethod(1) == type(target).outside_classmethod(1) == base + 1
    assert target.inside_classmethod(1) == type(target).inside_classmethod(1) == base + 1
    assert target.outside_staticmethod(1) == type(target).outside_staticmethod(1) == 1
    assert target.inside_staticmethod(1) == type(target).inside_staticmethod(1) == 1
    assert type(target).method(target, 1) == base + 3

    spans = calls(captured_spans)
    assert [span for span in spans if span[0] == "method"] == [("method", {"x": 1, "y": 2}, base + 3)] * 2
    assert [span[:2] for span in spans if span[0] != "method"] == [
        ("coroutine", {"x": 1}),
        *[("outside_classmethod", {"x": 1})] * 2,
        *[("inside_classmethod", {"x": 1})] * 2,
        *[("outside_staticmethod", {"x": 1})] * 2,
        *[("inside_staticmethod", {"x": 1})] * 2,
    ]


def test_arguments_are_bound_as_python_binds_them(captured_spans):
    """The input names each argument, with defaults, `*args` and `**kwargs`, as `inspect.signature` would."""

    @sb.generic
    def function(a, b=2, /, c=3, *rest, d=4, **others):
        return None

    @sb.generic
    def shadowed(a, /, **others):
        return None

    @sb.generic
    def keyword_only(*, key):
        return None

    function(1)
    function(1, 20, 30, 40, 50, d=60, e=70)
    function(1, c=5, a=6)
    shadowed(1, a=2)
    keyword_only(key="k")

    assert [span.input for span in captured_spans.spans] == [
        {"a": 1, "b": 2, "c": 3, "d": 4},
        {"a": 1, "b": 20, "c": 30, "d": 60, "rest": [40, 50], "others": {"e": 70}},
        {"a": 1, "b": 2, "c": 5, "d": 4, "others": {"a": 6}},
        {"a": 1, "others": {"a": 2}},
        {"key": "k"},
    ]


def test_the_input_is_taken_before_the_call(captured_spans):
    """What the function does to its arguments does not show in its input."""

    @sb.generic
    def consume(items):
        items.clear()

    consume([1, 2])

    assert captured_spans.spans[0].input == {"items": [1, 2]}


@pytest.mark.parametrize("ignored", [["key", "token"], ("key", "token"), {"key", "token", "absent"}])
def test_ignore_arguments(ignored, captured_spans):
    """Ignored arguments are left out of the input, also where they come through `**kwargs`."""

    @sb.tool_call(ignore_arguments=ignored)
    def call(q, key, **others):
        return q

    call("x", "s3cret", token="s3cret", page=1)
    call("x", key="s3cret")

    assert [span.input for span in captured_spans.spans] == [{"q": "x", "others": {"page": 1}}, {"q": "x"}]


def test_ignore_one_argument(captured_spans):
    """A single name stands for itself, not for its letters."""

    @sb.tool_call(ignore_arguments="key")
    def call(k, key):
        return k

    call(1, "s3cret")

    assert captured_spans.spans[0].input == {"k": 1}


def test_capture_nothing(captured_spans):
    """`capture_input` and `capture_output` switch input and output off."""

    @sb.tool_call(capture_input=False, capture_output=False)
    def call(q):
        return "answer"

    assert call("x") == "answer"
    assert calls(captured_spans) == [("call", None, None)]


def test_a_given_input_wins(captured_spans):
    """An input that the decorator was given stands for the arguments."""

    @sb.tool_call("call", input="given")
    def call(q):
        return q

    call("x")

    assert captured_spans.spans[0].input == "given"


def test_reduce_output(captured_spans):
    """The reducer's result is recorded, the function's is returned."""

    @sb.tool_call(reduce_output=len)
    def call():
        return [1, 2, 3]

    assert call() == [1, 2, 3]
    assert captured_spans.spans[0].output == 3


def test_a_reducer_that_raises(captured_spans, contained_places):
    """A reducer that raises loses the output, which is not recorded unreduced, and nothing else."""

    @sb.tool_call(reduce_output=lambda result: result["absent"])
    def call():
        return {"secret": 1}

    assert call() == {"secret": 1}
    assert calls(captured_spans) == [("call", {}, None)]
    assert captured_spans.spans[0].status == "ok"
    assert contained_places() == {"reduce_output"}


async def test_exceptions(captured_spans):
    """An exception of the function is recorded and raised untouched, sync and async."""
    error = ValueError("no")

    @sb.tool_call
    def fail():
        raise error

    @sb.tool_call
    async def fail_later():
        raise error

    with pytest.raises(ValueError, match="no") as caught:
        fail()
    assert caught.value is error
    with pytest.raises(ValueError, match="no") as caught:
        await fail_later()
    assert caught.value is error
    assert [span.status for span in captured_spans.spans] == ["error", "error"]


def test_a_call_that_does_not_fit(captured_spans):
    """Wrong arguments raise what Python raises, and the span records it."""

    @sb.tool_call
    def call(a):
        return a

    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        call()
    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        call(1, 2)
    assert [(span.input, span.status) for span in captured_spans.spans] == [
        ({}, "error"),
        ({"a": 1, "args": [2]}, "error"),
    ]


def test_the_span_inside(captured_spans):
    """Inside the function its span is current."""

    @sb.tool_call
    def call():
        sb.update_current(metadata={"m": 1})

    call()

    assert captured_spans.spans[0].metadata == {"m": 1}


def test_decorated_before_it_is_configured():
    """A function that was decorated at import is recorded from the configuration on, and only then."""

    @sb.tool_call
    def call(x):
        return x

    assert call(1) == 1
    memory = sb.InMemoryExporter()
    sb.configure(store=False, exporters=[memory])
    assert call(2) == 2
    sb.flush()
    assert [span.input for span in memory.spans] == [{"x": 2}]
    sb.shutdown()


def test_one_opener_decorates_many(captured_spans):
    """An opener with options may be kept and used again."""
    traced = sb.tool_call(metadata={"m": 1})

    @traced
    def one():
        return 1

    @traced
    def two():
        return 2

    one(), two(), one()

    assert [(span.name, span.metadata) for span in captured_spans.spans] == [
        ("one", {"m": 1}),
        ("two", {"m": 1}),
        ("one", {"m": 1}),
    ]


def test_builtins(captured_spans):
    """A function without a signature can be decorated."""
    assert sb.generic("max")(max)(1, 2) == 2
    assert captured_spans.spans[0].input == {"args": [1, 2]}


def module_level(x):
    return x


def test_instances_can_be_pickled_when_their_methods_are_decorated():
    """Decorating a method does not stop its class from being pickled."""
    assert pickle.loads(pickle.dumps(Child())).method(1) == 23


class WithProperties:
    @property
    @sb.tool_call
    def computed(self):
        return 1

    @functools.cached_property
    @sb.tool_call
    def computed_once(self):
        return 2

    @sb.tool_call
    def method(self, x):
        return x


def test_properties(captured_spans):
    """A property passes the instance as an argument; it is none of the span's input."""
    instance = WithProperties()

    assert (instance.computed, instance.computed_once, instance.computed_once) == (1, 2, 2)
    assert WithProperties.method(instance, 3) == 3

    assert [(span.name, span.input) for span in captured_spans.spans] == [
        ("computed", {}),
        ("computed_once", {}),
        ("method", {"x": 3}),
    ]


def test_partials(captured_spans):
    """A partial has the name of the function that it calls, however many are around each other."""
    decorated = sb.tool_call(functools.partial(functools.partial(divmod_of, 7), y=2))

    assert decorated() == (3, 1)
    assert [(span.name, span.input) for span in captured_spans.spans] == [("divmod_of", {"y": 2})]


def divmod_of(x, y):
    return divmod(x, y)
