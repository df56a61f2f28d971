"""Random programs as Python source, and a model that knows the true tree of the spans that each opens.

A program is a tuple of operations; an operation is a tuple that starts with its name (`OPERATIONS`). `source_of` writes them as the
`with` blocks, generators and tasks that a person would write. Each piece of running code carries an `Env`, which is told of everything
by plain calls: the model knows what is current without a context variable.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

import spanbridge as sb


class Boom(Exception):
    """What programs raise."""


@dataclass
class Expected:
    """A span as the model knows it."""

    name: str
    parent: str | None
    status: str = "running"
    incomplete: str | None = None

    def ends_with(self, error: BaseException | None) -> None:
        if isinstance(error, GeneratorExit):
            self.status, self.incomplete = "ok", "closed"
        elif isinstance(error, asyncio.CancelledError):
            self.status = "cancelled"
        else:
            self.status = "ok" if error is None else "error"


class Model:
    """What is true of one run of a program."""

    def __init__(self) -> None:
        self.spans: dict[str, Expected] = {}
        self.ended_twice = 0
        self.by_hand: list[Any] = []
        self.late_tasks: list[Any] = []
        self.kept: list[GeneratorEnv] = []
        self.blocks_over_resting = 0
        """Blocks that were entered while a plain generator rested inside one of its own."""

    def opens(self, name: str, parent: str | None) -> Expected:
        # A program may run the same operation several times.
        name = name if name not in self.spans else f"{name}.{len(self.spans)}"
        self.spans[name] = span = Expected(name, parent)
        return span

    def ends_by_hand(self, span: Any) -> None:
        span.end()
        self.spans[span.name].status = "ok"

    def ends_all_by_hand(self) -> None:
        while self.by_hand:
            self.ends_by_hand(self.by_hand.pop())

    def closes_kept(self, reason: str, *, is_async: bool) -> None:
        """The async generators that were kept are about to be closed by the loop; the others are dropped now."""
        for env in self.kept:
            if hasattr(env.iterator, "__anext__") == is_async:
                env.driver, env.closing = Env(self), reason
                if not is_async:
                    env.iterator = None


class Env:
    """Where a piece of code runs: the blocks that it has entered, and what is current outside of them."""

    def __init__(self, model: Model, base: str | None = None) -> None:
        self.model = model
        self.base = base
        self.blocks: list[str] = []
        self.iterates_over: list[GeneratorEnv] = []

    def outside(self) -> str | None:
        return self.base

    def current(self) -> str | None:
        return self.blocks[-1] if self.blocks else self.outside()

    def check(self) -> None:
        span = sb.current_span()
        assert (None if span is None else span.name) == self.current()

    def block(self, name: str) -> Block:
        return Block(self, name)

    def opens_by_hand(self, name: str) -> None:
        span = sb.start_span("generic", self.model.opens(name, self.current()).name)
        self.check()
        self.model.by_hand.append(span)

    def ends_by_hand(self, place: int, again: bool) -> None:
        if self.model.by_hand:
            span = self.model.by_hand.pop(place % len(self.model.by_hand))
            self.model.ends_by_hand(span)
            if again:
                span.end()
                self.model.ended_twice += 1

    def task(self) -> Env:
        """The environment of a task or thread that starts here."""
        return Env(self.model, self.current())

    def rests_in_block(self, besides: Env | None = None) -> bool:
        """Whether a plain generator that is iterated over here rests inside a block. To whom a task belongs that starts now cannot be
        told from its copy of the context, so programs start none."""
        return any(env is not besides and env.is_inside_block() for env in self.iterates_over)

    def iterate(self, name: str, function: Any, *, is_decorated: bool) -> GeneratorEnv:
        env = GeneratorEnv(self.model, name, self.current(), is_decorated)
        env.iterator = (sb.generic(name, capture_input=False)(function) if is_decorated else function)(env)
        self.iterates_over.append(env)
        return env

    def step(self, env: GeneratorEnv, error: type[BaseException] | None = None) -> None:
        with env.driven_by(self):
            if error is None or not env.has_started:
                next(env.iterator, None)
            else:
                with contextlib.suppress(StopIteration):
                    env.iterator.throw(error())

    async def astep(self, env: GeneratorEnv, error: type[BaseException] | None = None) -> None:
        with env.driven_by(self), contextlib.suppress(StopAsyncIteration):
            await (env.iterator.__anext__() if error is None or not env.has_started else env.iterator.athrow(error()))

    def close(self, env: GeneratorEnv) -> None:
        with env.driven_by(self, "closed"):
            env.iterator.close()

    async def aclose(self, env: GeneratorEnv) -> None:
        with env.driven_by(self, "closed"):
            await env.iterator.aclose()

    def drop(self, env: GeneratorEnv) -> None:
        """A plain generator runs to its end here; that of an async one is run by the loop, in a task that starts here."""
        with env.driven_by(self, "garbage_collected"):
            env.iterator = None
        env.driver = Env(self.model, self.current())

    def keep(self, env: GeneratorEnv) -> None:
        """Nobody closes it before the end of the program."""
        self.model.kept.append(env)


class GeneratorEnv(Env):
    """The body of a generator. A decorated one has a span; in a plain one that of the code which iterates over it is current."""

    def __init__(self, model: Model, name: str, called_in: str | None, is_decorated: bool) -> None:
        super().__init__(model)
        self.name = name
        self.called_in = called_in
        self.is_decorated = is_decorated
        self.iterator: Any = None
        self.span: Expected | None = None
        self.driver: Env | None = None
        self.has_started = self.is_over = False
        self.closing: str | None = None
        """Why the body is made to end."""

    def outside(self) -> str | None:
        if self.span is not None:
            return self.span.name
        return None if self.driver is None else self.driver.current()

    def is_inside_block(self) -> bool:
        return not self.is_decorated and (bool(self.blocks) or super().rests_in_block())

    def rests_in_block(self, besides: Env | None = None) -> bool:
        # Nor can it be told where a body that goes on inside a block of the consumer's starts a task: there, or in its own block.
        if not self.is_decorated and self.model.blocks_over_resting:
            return True
        around = not self.is_decorated and self.driver is not None and self.driver.rests_in_block(self)
        return around or super().rests_in_block(besides)

    @contextlib.contextmanager
    def driven_by(self, driver: Env, closing: str | None = None) -> Any:
        """While the body runs because `driver` goes on with it, or makes it end."""
        self.driver, self.closing = driver, closing
        yield

    def __enter__(self) -> None:
        """The body starts."""
        self.has_started = True
        if self.is_decorated:
            assert self.driver is not None
            self.span = self.model.opens(self.name, self.called_in or self.driver.current())
        self.check()

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        self.is_over = True
        self.check()
        if self.span is not None:
            self.span.ends_with(error)
            if error is None or isinstance(error, (GeneratorExit, asyncio.CancelledError)):
                self.span.incomplete = "cancelled" if self.span.status == "cancelled" else self.closing


class Block:
    """What the model sees of a `with` block; it stands around the block."""

    def __init__(self, env: Env, name: str) -> None:
        self.env = env
        self.name = name

    def __enter__(self) -> str:
        self.span = self.env.model.opens(self.name, self.env.current())
        self.env.check()
        self.is_over_resting = self.env.rests_in_block()
        self.env.model.blocks_over_resting += self.is_over_resting
        self.env.blocks.append(self.span.name)
        return self.span.name

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        self.env.blocks.pop()
        self.env.model.blocks_over_resting -= self.is_over_resting
        self.span.ends_with(error)
        self.env.check()


# --- programs -------------------------------------------------------------------------------------------------------

_STEPS = st.sampled_from(["step", "step", "step", "throw"])
_ENDS = st.sampled_from(["exhaust", "close", "close elsewhere", "drop", "keep"])


def _iterations(operations: st.SearchStrategy[Any], body: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    generator = st.tuples(st.booleans(), st.booleans(), body, _ENDS)
    item = st.tuples(st.integers(0, 2), st.one_of(_STEPS, _STEPS, st.just("elsewhere"), operations))
    # Blocks of the code that iterates, around some of its steps.
    within = st.tuples(st.just("within"), st.lists(item, min_size=1, max_size=4))
    script = st.lists(st.one_of(item, item, within), min_size=2, max_size=6)
    return st.tuples(st.just("iterate"), st.lists(generator, min_size=1, max_size=3), script)


def _operations(operations: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    body = st.lists(operations, min_size=1, max_size=4)
    return st.one_of(
        st.tuples(st.just("block"), st.booleans(), body),
        st.tuples(st.just("manager"), st.booleans(), body),
        st.tuples(st.just("try"), body),
        st.tuples(st.just("finally"), body, body),
        st.tuples(st.just("task"), st.sampled_from(["awaited", "late", "cancelled"]), body),
        st.tuples(st.just("thread"), body),
        _iterations(body, body),
    )


def _resting(operations: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Bodies of generators that rest inside blocks, and open others when they go on."""
    inner = st.one_of(st.just(("yield",)), st.just(("block", False, [("yield",)])), operations)
    block = st.tuples(
        st.sampled_from(["block", "manager"]),
        st.booleans(),
        st.lists(inner, max_size=3).map(lambda body: [("yield",), *body]),
    )
    return st.lists(st.one_of(block, block, inner), min_size=1, max_size=3)


_LEAVES = st.one_of(
    st.sampled_from([("yield",), ("yield",), ("sleep",), ("yield",), ("raise",)]),
    st.tuples(st.just("by hand")),
    st.tuples(st.just("end"), st.integers(0, 3), st.booleans()),
)
_ANY = st.recursive(_LEAVES, _operations, max_leaves=12)
PROGRAMS = st.one_of(
    st.lists(_ANY, min_size=1, max_size=4),
    st.tuples(_iterations(st.lists(_ANY, min_size=1, max_size=2), _resting(_ANY))),
)


class Source:
    """Writes a program as Python source."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.count = 0

    def name(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def write(self, depth: int, *lines: str) -> None:
        self.lines += ["    " * depth + line for line in lines]

    def body(self, depth: int, operations: Any, *, is_async: bool, yields: bool) -> None:
        for operation in operations:
            getattr(self, f"_{operation[0].replace(' ', '_')}")(depth, *operation[1:], is_async=is_async, yields=yields)
            self.write(depth, "env.check()")
        if not operations:
            self.write(depth, "pass")

    def _yield(self, depth: int, *, is_async: bool, yields: bool) -> None:
        if yields:
            # A body that catches the GeneratorExit must not yield again.
            self.write(depth, "if not env.closing: yield")

    def _sleep(self, depth: int, *, is_async: bool, yields: bool) -> None:
        if is_async:
            self.write(depth, "await asyncio.sleep(0)")

    def _raise(self, depth: int, *, is_async: bool, yields: bool) -> None:
        # What follows is reachable for Python.
        self.write(depth, "if env: raise Boom")

    def _by_hand(self, depth: int, *, is_async: bool, yields: bool) -> None:
        self.write(depth, f"env.opens_by_hand('{self.name('hand')}')")

    def _end(self, depth: int, place: int, again: bool, *, is_async: bool, yields: bool) -> None:
        self.write(depth, f"env.ends_by_hand({place}, {again})")

    def _block(self, depth: int, is_async_block: bool, body: Any, *, is_async: bool, yields: bool) -> None:
        name = self.name("block")
        if is_async and is_async_block:
            self.write(depth, f"with env.block('{name}') as name:")
            self.write(depth + 1, "async with sb.generic(name):")
            depth += 1
        else:
            self.write(depth, f"with env.block('{name}') as name, sb.generic(name):")
        self.write(depth + 1, "env.check()")
        self.body(depth + 1, body, is_async=is_async, yields=yields)

    def _manager(self, depth: int, is_async_manager: bool, body: Any, *, is_async: bool, yields: bool) -> None:
        a = "async " if is_async and is_async_manager else ""
        name = self.name("manager")
        self.write(depth, f"@contextlib.{'async' if a else ''}contextmanager", f"{a}def {name}(env):")
        self.write(depth + 1, f"with env.block('{name}') as name, sb.generic(name):", "    yield")
        self.write(depth, f"{a}with {name}(env):")
        self.write(depth + 1, "env.check()")
        self.body(depth + 1, body, is_async=is_async, yields=yields)

    def _try(self, depth: int, body: Any, *, is_async: bool, yields: bool) -> None:
        self.write(depth, "try:")
        self.body(depth + 1, body, is_async=is_async, yields=yields)
        self.write(depth, "except Boom:", "    env.check()")

    def _finally(self, depth: int, body: Any, cleanup: Any, *, is_async: bool, yields: bool) -> None:
        self.write(depth, "try:")
        self.body(depth + 1, body, is_async=is_async, yields=yields)
        self.write(depth, "finally:", "    env.check()")
        # A generator that yields while it is being closed is an error of its own.
        self.body(depth + 1, cleanup, is_async=is_async, yields=False)

    def _task(self, depth: int, mode: str, body: Any, *, is_async: bool, yields: bool) -> None:
        if not is_async:
            return
        name = self.name("task")
        self.write(depth, f"async def {name}(env):", "    with contextlib.suppress(Boom):", "        env.check()")
        self.body(depth + 2, body, is_async=True, yields=False)
        self.write(depth, "if not env.rests_in_block():", f"    task = asyncio.create_task({name}(env.task()))")
        if mode == "late":
            self.write(depth + 1, "env.model.late_tasks.append(task)")
            return
        if mode == "cancelled":
            self.write(depth + 1, "await asyncio.sleep(0)", "task.cancel()")
        self.write(depth + 1, "await asyncio.wait([task])")

    def _thread(self, depth: int, body: Any, *, is_async: bool, yields: bool) -> None:
        name = self.name("thread")
        self.write(depth, f"def {name}(env):", "    with contextlib.suppress(Boom):", "        env.check()")
        self.body(depth + 2, body, is_async=False, yields=False)
        self.write(depth, "if not env.rests_in_block():", f"    in_thread({name}, env.task())")

    def _iterate(self, depth: int, generators: Any, script: Any, *, is_async: bool, yields: bool) -> None:
        entries: list[tuple[str, str, str, bool]] = []
        self.write(depth, "try:")
        for is_decorated, is_async_generator, body, end in generators:
            a = is_async and is_async_generator
            name = self.name("generator")
            self.write(depth + 1, f"{'async ' if a else ''}def {name}_body(env):", "    with env:")
            self.body(depth + 3, [*body, ("yield",)], is_async=a, yields=True)
            self.write(depth + 1, f"{name} = env.iterate('{name}', {name}_body, is_decorated={is_decorated})")
            entries.append((name, end, "await env.a" if a else "env.", is_decorated))
        self._script(depth + 1, entries, script, is_async=is_async, yields=yields)
        self.write(depth, "finally:")
        for name, end, call, is_decorated in reversed(entries):
            self.write(depth + 1, "try:")
            if end == "exhaust":
                self.write(depth + 2, f"while not {name}.is_over:", f"    {call}step({name})")
            elif end == "close elsewhere":
                self.write(depth + 2, f"if env.rests_in_block({name}):", f"    {call}close({name})", "else:")
                in_task = f"await asyncio.gather(env.task().aclose({name}))"
                self.write(depth + 3, in_task if "await" in call else f"in_thread(env.task().close, {name})")
            elif end == "keep" and not is_decorated:
                # A plain body that is ended in a context without its blocks does not find them there.
                self.write(depth + 2, f"{call}close({name})")
            elif end == "drop" and "await" in call:
                # The loop closes it in a task that starts now.
                self.write(depth + 2, f"if env.rests_in_block({name}):", f"    {call}close({name})")
                self.write(depth + 2, "else:", f"    env.drop({name})")
            else:
                self.write(depth + 2, f"{call if end == 'close' else 'env.'}{end}({name})")
            self.write(depth + 1, "finally:", "    env.check()")
            depth += 1

    def _script(self, depth: int, entries: Any, script: Any, *, is_async: bool, yields: bool) -> None:
        """What is done with the generators."""
        self.write(depth, "pass")
        for place, what in script:
            if place == "within":
                self.write(depth, f"with env.block('{self.name('around')}') as name, sb.generic(name):")
                self._script(depth + 1, entries, what, is_async=is_async, yields=yields)
                continue
            name, _, call, is_decorated = entries[place % len(entries)]
            if what == "step":
                self.write(depth, f"{call}step({name})")
            elif what == "throw":
                self.write(depth, f"{call}step({name}, Boom)")
            elif what != "elsewhere":
                self.body(depth, what, is_async=is_async, yields=yields)
            elif is_decorated:
                self._elsewhere(depth, name, call.startswith("await"), is_async)
            self.write(depth, "env.check()")

    def _elsewhere(self, depth: int, name: str, is_async_generator: bool, is_async: bool) -> None:
        """The next item of a decorated generator, taken in another task or thread."""
        self.write(depth, "if not env.rests_in_block():")
        if is_async_generator:
            self.write(depth + 1, f"await asyncio.gather(env.task().astep({name}))")
        else:
            self.write(depth + 1, f"in_thread(env.task().step, {name})")


def in_thread(function: Any, *args: Any) -> None:
    """Calls `function` in a thread that has a copy of this context."""
    raised: list[BaseException] = []

    def call() -> None:
        try:
            context.run(function, *args)
        except BaseException as error:
            raised.append(error)

    context = contextvars.copy_context()
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


def source_of(program: Any, *, is_async: bool) -> str:
    """The program as the source of a function `program(env)`."""
    source = Source()
    source.write(0, f"{'async ' if is_async else ''}def program(env):")
    source.body(1, program, is_async=is_async, yields=False)
    return "\n".join(source.lines)


def compiled(source: str) -> Any:
    """The function that `source` defines."""
    names: dict[str, Any] = {
        "asyncio": asyncio,
        "Boom": Boom,
        "contextlib": contextlib,
        "in_thread": in_thread,
        "sb": sb,
    }
    exec(compile(source, "<program>", "exec"), names)
    return names["program"]
