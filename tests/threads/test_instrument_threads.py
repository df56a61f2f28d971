"""`instrument_threads`: what is carried to which thread, what is not, and that it can be undone."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextvars import ContextVar
from decimal import getcontext
from functools import partial
from multiprocessing import get_context
from multiprocessing.dummy import Process as DummyProcess
from multiprocessing.pool import ThreadPool

import anyio.to_thread
import pytest
import trio
import wrapt

import spanbridge as sb
from spanbridge.tracing.tracer import default_slot

try:
    import uvloop
except ImportError:  # no such platform
    uvloop = None

TIMEOUT_S = 20
of_application = ContextVar("of_application", default="unset")


def job(name="job"):
    with sb.generic(name):
        return name


def started(thread):
    thread.start()
    thread.join(TIMEOUT_S)


class Subclass(ThreadPoolExecutor):
    """A pool that does something of its own first."""

    def submit(self, fn, /, *args, **kwargs):
        return super().submit(partial(fn, *args, **kwargs))


class Wrapper(Executor):
    """Not a pool, but in front of one."""

    def __init__(self, executor):
        self._executor = executor

    def submit(self, fn, /, *args, **kwargs):
        return self._executor.submit(fn, *args, **kwargs)

    def shutdown(self, wait=True, *, cancel_futures=False):
        self._executor.shutdown(wait, cancel_futures=cancel_futures)


class OwnWorkers(ThreadPoolExecutor):
    """A pool that starts workers of its own."""

    def _adjust_thread_count(self):
        if not self._threads:
            worker = threading.Thread(target=self.work)
            self._threads.add(worker)
            worker.start()

    def work(self):
        while (item := self._work_queue.get()) is not None:
            item.run()
            del item


class ThreadWithRun(threading.Thread):
    """A thread that has its work in `run`."""

    def run(self):
        job()


def in_executor(executor, call):
    with executor:
        call(executor)


def in_thread_pool(call):
    with ThreadPool(2) as pool:
        call(pool)


def in_loop(new_event_loop, executor=None):
    async def main():
        await asyncio.get_running_loop().run_in_executor(executor, job)

    loop = new_event_loop()
    try:
        loop.run_until_complete(main())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
        if executor is not None:
            executor.shutdown()


async def in_anyio():
    await anyio.to_thread.run_sync(job)


async def in_trio():
    await trio.to_thread.run_sync(job)


def call_soon_from_thread():
    """A coroutine that a thread hands to a loop runs in the context of that thread."""

    async def main():
        loop = asyncio.get_running_loop()

        async def late():
            job()

        def hand_over():
            asyncio.run_coroutine_threadsafe(late(), loop).result(TIMEOUT_S)

        await loop.run_in_executor(None, hand_over)

    asyncio.run(main())


WAYS = {
    "submit": lambda: in_executor(ThreadPoolExecutor(1), lambda pool: pool.submit(job).result(TIMEOUT_S)),
    "submit by keyword": lambda: in_executor(ThreadPoolExecutor(1), lambda pool: pool.submit(job, name="job").result()),
    "map": lambda: in_executor(ThreadPoolExecutor(1), lambda pool: list(pool.map(job, ["job"]))),
    "subclass": lambda: in_executor(Subclass(1), lambda pool: pool.submit(job).result(TIMEOUT_S)),
    "wrapper": lambda: in_executor(Wrapper(ThreadPoolExecutor(1)), lambda pool: pool.submit(job).result(TIMEOUT_S)),
    "own workers": lambda: in_executor(OwnWorkers(1), lambda pool: pool.submit(job).result(TIMEOUT_S)),
    "unbound": lambda: in_executor(ThreadPoolExecutor(1), lambda pool: ThreadPoolExecutor.submit(pool, job).result()),
    "asyncio": lambda: in_loop(asyncio.new_event_loop),
    "asyncio, own executor": lambda: in_loop(asyncio.new_event_loop, ThreadPoolExecutor(1)),
    "to_thread": lambda: asyncio.run(asyncio.to_thread(job)),
    "run_coroutine_threadsafe": call_soon_from_thread,
    "anyio": lambda: anyio.run(in_anyio),
    "trio": lambda: trio.run(in_trio),
    "Thread": lambda: started(threading.Thread(target=job, args=("job",))),
    "Thread with run": lambda: started(ThreadWithRun()),
    "Timer": lambda: started(threading.Timer(0, job)),
    "dummy process": lambda: started(DummyProcess(target=job)),
    "apply": lambda: in_thread_pool(lambda pool: pool.apply(job)),
    "apply_async": lambda: in_thread_pool(lambda pool: pool.apply_async(job, ("job",)).get(TIMEOUT_S)),
    "pool map": lambda: in_thread_pool(lambda pool: pool.map(job, ["job"])),
    "map_async": lambda: in_thread_pool(lambda pool: pool.map_async(func=job, iterable=["job"]).get(TIMEOUT_S)),
    "imap": lambda: in_thread_pool(lambda pool: list(pool.imap(job, ["job"]))),
    "imap, chunks": lambda: in_thread_pool(lambda pool: list(pool.imap(job, ["job"], chunksize=2))),
    "imap_unordered": lambda: in_thread_pool(lambda pool: list(pool.imap_unordered(job, ["job"]))),
    "starmap": lambda: in_thread_pool(lambda pool: pool.starmap(job, [("job",)])),
    "starmap_async": lambda: in_thread_pool(lambda pool: pool.starmap_async(job, [("job",)]).get(TIMEOUT_S)),
}
if uvloop is not None:
    WAYS["uvloop"] = lambda: in_loop(uvloop.new_event_loop)
    WAYS["uvloop, own executor"] = lambda: in_loop(uvloop.new_event_loop, ThreadPoolExecutor(1))
COPY_THE_CONTEXT_THEMSELVES = {"to_thread", "anyio", "trio"}


@pytest.mark.parametrize("way", WAYS)
def test_work_runs_inside_the_span_that_handed_it_over(captured_spans, instrumented, way):
    """Whichever way work goes to another thread, its spans are children of the current one."""
    with sb.agent_run("a"):
        WAYS[way]()

    captured_spans.assert_tree("agent_run a [ok]\n  generic job [ok]")


@pytest.mark.parametrize("way", sorted(WAYS.keys() - COPY_THE_CONTEXT_THEMSELVES))
def test_nothing_is_carried_without_the_instrumentation(captured_spans, way):
    """Before `instrument_threads`, and after `uninstrument_threads`, threads are what Python makes them."""
    sb.instrument_threads()
    sb.uninstrument_threads()

    with sb.agent_run("a"):
        WAYS[way]()

    captured_spans.assert_tree("agent_run a [ok]\ngeneric job [ok]")


@pytest.mark.parametrize("pool_type", [ThreadPoolExecutor, OwnWorkers, Subclass])
def test_a_worker_keeps_nothing_of_who_made_it_start(captured_spans, instrumented, pool_type):
    """A worker that was started inside a span does later work outside of it, and the idle worker does not keep the span alive."""
    with pool_type(1) as pool:
        with sb.agent_run("first") as span:
            pool.submit(job, "inside").result(TIMEOUT_S)
        pool.submit(job, "outside").result(TIMEOUT_S)
        with sb.agent_run("second"):
            pool.submit(job, "inside second").result(TIMEOUT_S)
        pool.submit(job, "again outside").result(TIMEOUT_S)
        kept = weakref.ref(span)
        del span
        gc.collect()

        assert kept() is None
    captured_spans.assert_tree(
        "agent_run first [ok]\n  generic inside [ok]\ngeneric outside [ok]\n"
        "agent_run second [ok]\n  generic inside second [ok]\ngeneric again outside [ok]"
    )


def test_a_thread_pool_keeps_nothing_of_who_made_it(captured_spans, instrumented):
    """Workers and handlers that the pool's constructor starts are outside of the span that was current there."""
    with sb.agent_run("first") as span:
        pool = ThreadPool(1)
    with pool:
        pool.apply(job, ("outside",))
        kept = weakref.ref(span)
        del span
        gc.collect()

        assert kept() is None
    captured_spans.assert_tree("agent_run first [ok]\ngeneric outside [ok]")


async def test_an_idle_worker_of_anyio_keeps_no_span(captured_spans, instrumented):
    """anyio copies contexts itself; the worker that it started in a span, and keeps, does not hold the span."""
    with sb.agent_run("first") as span:
        await anyio.to_thread.run_sync(job)
    await anyio.to_thread.run_sync(job, "outside")
    kept = weakref.ref(span)
    del span
    gc.collect()

    assert kept() is None
    captured_spans.assert_tree("agent_run first [ok]\n  generic job [ok]\ngeneric outside [ok]")


def test_our_own_threads_keep_no_span(captured_spans, instrumented):
    """The pipeline's threads start with the first span, inside of it, and belong to nobody."""
    with sb.agent_run("first") as span:
        captured_spans.flush()
    names = {thread.name for thread in threading.enumerate()}
    kept = weakref.ref(span)
    del span
    captured_spans.flush()
    gc.collect()

    assert "spanbridge-pipeline" in names
    assert kept() is None


def test_a_thread_that_ended_keeps_no_span(captured_spans, instrumented):
    """The application may hold the thread's object for longer; it is as it would be without the instrumentation."""
    thread = threading.Thread(target=job)
    with sb.agent_run("first") as span:
        started(thread)
    kept = weakref.ref(span)
    del span
    captured_spans.flush()
    gc.collect()

    assert kept() is None
    assert "run" not in vars(thread)


def test_a_thread_may_have_a_run_of_its_own(captured_spans, instrumented):
    """`thread.run = ...`, as some do, runs inside, and is there again afterwards."""
    thread = threading.Thread()
    thread.run = job
    with sb.agent_run("a"):
        started(thread)

    assert thread.run is job
    captured_spans.assert_tree("agent_run a [ok]\n  generic job [ok]")


def test_work_handed_over_inside_work(captured_spans, instrumented):
    """What a job hands over goes under the job's span; jobs side by side do not mix."""
    meet = threading.Barrier(2)

    def outer(pool, number):
        with sb.generic(f"outer {number}"):
            meet.wait(TIMEOUT_S)
            pool.submit(job, f"inner {number}").result(TIMEOUT_S)
            meet.wait(TIMEOUT_S)

    def parent(number, pool, inner):
        with sb.agent_run(f"agent {number}"):
            pool.submit(outer, inner, number).result(TIMEOUT_S)

    with ThreadPoolExecutor(2) as pool, ThreadPoolExecutor(2) as inner:
        threads = [threading.Thread(target=parent, args=(number, pool, inner)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(TIMEOUT_S)

    spans = {span.name: span for span in captured_spans.spans}
    for number in range(2):
        assert spans[f"outer {number}"].parent_span_id == spans[f"agent {number}"].span_id
        assert spans[f"inner {number}"].parent_span_id == spans[f"outer {number}"].span_id


def test_work_may_outlive_its_parent(captured_spans, instrumented):
    """The parent may have ended when the work begins; it is the parent nevertheless."""
    ended = threading.Event()

    def late():
        ended.wait(TIMEOUT_S)
        job()

    with ThreadPoolExecutor(1) as pool:
        with sb.agent_run("a"):
            future = pool.submit(late)
        ended.set()
        future.result(TIMEOUT_S)

    captured_spans.assert_tree("agent_run a [ok]\n  generic job [ok]")


@pytest.mark.parametrize("way", ["submit", "Thread", "map_async"])
def test_suppression_and_remote_parents_are_carried(captured_spans, instrumented, way):
    """What is ambient is not only a span: a suppressed block stays suppressed, an incoming trace goes on."""
    with sb.suppress():
        WAYS[way]()
    with sb.extract({"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}):
        WAYS[way]()

    (span,) = captured_spans.spans
    assert (span.trace_id, span.external_parent_span_id) == ("a" * 32, "b" * 16)


@pytest.mark.parametrize("in_pool", [True, False], ids=["pool", "thread"])
def test_the_applications_variables_are_not_carried(captured_spans, instrumented, in_pool):
    """Other context variables stay what they are in a new thread: those of frameworks, and the decimal context."""
    of_application.set("set")
    seen = []

    def look():
        seen.append((of_application.get(), getcontext().prec, sb.current_span().name))

    precision = getcontext().prec
    getcontext().prec = precision + 3
    try:
        with sb.agent_run("a"):
            if in_pool:
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(look).result(TIMEOUT_S)
            else:
                started(threading.Thread(target=look))
    finally:
        getcontext().prec = precision

    assert seen == [("unset", precision, "a")]


def test_results_exceptions_and_callbacks(captured_spans, instrumented):
    """A future gives the job's own result or exception; its callbacks run outside of the job's span."""
    error, result = ValueError("x"), object()
    in_callback = []
    release = threading.Event()

    def fail():
        release.wait(TIMEOUT_S)
        raise error

    with ThreadPoolExecutor(1) as pool, sb.agent_run("a"):
        future = pool.submit(fail)
        future.add_done_callback(lambda done: in_callback.append(sb.current_span()))
        release.set()
        assert future.exception(TIMEOUT_S) is error
        assert pool.submit(lambda: result).result(TIMEOUT_S) is result
        blocker = threading.Event()
        pool.submit(blocker.wait, TIMEOUT_S)
        assert pool.submit(job).cancel()
        blocker.set()
    with ThreadPool(1) as pool, sb.agent_run("b"):
        callback = threading.Event()
        outcome = pool.apply_async(
            fail, error_callback=lambda _: (in_callback.append(sb.current_span()), callback.set())
        )
        with pytest.raises(ValueError, match="x") as raised:
            outcome.get(TIMEOUT_S)
        assert raised.value is error
        assert callback.wait(TIMEOUT_S)

    assert in_callback == [None, None]
    captured_spans.assert_tree("agent_run a [ok]\nagent_run b [ok]")


def test_misuse_raises_what_it_always_raised(captured_spans, instrumented):
    """Wrong calls fail as without the instrumentation, and leave nothing behind."""
    finished = threading.Thread(target=job)
    with sb.agent_run("a"):
        pool = ThreadPoolExecutor(1)
        with pytest.raises(TypeError):
            pool.submit()
        assert isinstance(pool.submit(None).exception(TIMEOUT_S), TypeError)
        pool.shutdown()
        with pytest.raises(RuntimeError, match="after shutdown"):
            pool.submit(job)
        started(finished)
        with pytest.raises(RuntimeError, match="once"):
            finished.start()
        with pytest.raises(RuntimeError, match=r"__init__\(\) not called"):
            threading.Thread.__new__(threading.Thread).start()
        with ThreadPool(1) as threads, pytest.raises(TypeError):
            threads.map()
        with pytest.raises(ValueError, match="not running"):
            threads.apply(job)

    assert "run" not in vars(finished)
    captured_spans.assert_tree("agent_run a [ok]\n  generic job [ok]")


def test_an_exception_in_a_thread_goes_to_the_hook(captured_spans, instrumented, monkeypatch):
    """What a thread's target raises reaches `threading.excepthook`."""
    reported = []
    monkeypatch.setattr(threading, "excepthook", lambda args: reported.append((args.exc_type, args.thread)))
    thread = threading.Thread(target=lambda: 1 / 0)
    with sb.agent_run("a"):
        started(thread)

    assert reported == [(ZeroDivisionError, thread)]


def test_process_pools_are_left_alone(captured_spans, instrumented):
    """Functions still travel to other processes; the thread that manages them keeps no span."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        with sb.agent_run("a") as span:
            assert pool.submit(pow, 2, 10).result(TIMEOUT_S) == 1024
            assert list(pool.map(abs, [-1, -2])) == [1, 2]
        kept = weakref.ref(span)
        del span
        captured_spans.flush()
        gc.collect()

        assert kept() is None


@pytest.mark.parametrize("way", WAYS)
def test_nothing_happens_where_nothing_is_configured(instrumented, way):
    """Without a configuration everything runs as before, inside a span that records nothing and outside of every span."""
    assert default_slot.tracer is None
    WAYS[way]()
    with sb.agent_run("a"):
        WAYS[way]()

    assert sb.stats()["spans"]["started"] == 0


def methods():
    return (
        threading.Thread.__dict__["start"],
        ThreadPoolExecutor.__dict__["submit"],
        *(ThreadPool.__dict__.get(name) for name in ("apply_async", "map", "imap", "starmap_async")),
    )


def test_it_can_be_switched_on_and_off_any_number_of_times(captured_spans):
    """Twice on is on, twice off is off, and off leaves every method as it was found."""
    before = methods()
    sb.uninstrument_threads()
    for _ in range(2):
        sb.instrument_threads()
        once = methods()
        sb.instrument_threads()
        assert methods() == once
        assert all(now is not was for now, was in zip(once, before, strict=True))
        sb.uninstrument_threads()
        sb.uninstrument_threads()
        assert methods() == before


def test_work_handed_over_before_it_was_switched_off(captured_spans):
    """Work that waits in a queue when the instrumentation ends still runs inside its span."""
    sb.instrument_threads()
    release = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(release.wait, TIMEOUT_S)
        with sb.agent_run("a"):
            future = pool.submit(job)
        sb.uninstrument_threads()
        release.set()
        future.result(TIMEOUT_S)

    captured_spans.assert_tree("agent_run a [ok]\n  generic job [ok]")


def test_somebody_elses_wrapper_stays(captured_spans, monkeypatch):
    """A wrapper that came after ours is not taken away with it; ours stays under it, and does nothing until it is switched on again."""
    calls = []

    def count(wrapped, instance, args, kwargs):
        calls.append(wrapped)
        return wrapped(*args, **kwargs)

    original = ThreadPoolExecutor.__dict__["submit"]
    sb.instrument_threads()
    theirs = wrapt.FunctionWrapper(ThreadPoolExecutor.__dict__["submit"], count)
    try:
        ThreadPoolExecutor.submit = theirs
        sb.uninstrument_threads()
        assert ThreadPoolExecutor.__dict__["submit"] is theirs
        with sb.agent_run("off"):
            WAYS["submit"]()
        sb.instrument_threads()
        assert ThreadPoolExecutor.__dict__["submit"] is theirs
        with sb.agent_run("on"):
            WAYS["submit"]()
    finally:
        ThreadPoolExecutor.submit = theirs.__wrapped__
        sb.uninstrument_threads()

    assert len(calls) == 2
    assert ThreadPoolExecutor.__dict__["submit"] is original
    captured_spans.assert_tree("agent_run off [ok]\ngeneric job [ok]\nagent_run on [ok]\n  generic job [ok]")


def test_switched_from_many_threads_at_once(captured_spans):
    """Threads that switch it on and off while others hand work over: no work is lost, and the end is as it was."""
    before = methods()
    stop = threading.Event()
    problems = []

    def switch():
        try:
            while not stop.is_set():
                sb.instrument_threads()
                sb.uninstrument_threads()
        except BaseException as error:
            problems.append(error)

    switchers = [threading.Thread(target=switch) for _ in range(4)]
    for thread in switchers:
        thread.start()
    with ThreadPoolExecutor(2) as pool, sb.agent_run("a"):
        results = list(pool.map(job, map(str, range(200))))
    stop.set()
    for thread in switchers:
        thread.join(TIMEOUT_S)
    sb.uninstrument_threads()

    assert problems == []
    assert results == [str(number) for number in range(200)]
    assert methods() == before


def test_a_target_that_raises_when_looked_at(captured_spans, instrumented, contained_places):
    """A callable whose attributes raise is run all the same; that it could not be looked at is counted."""

    class Hostile:
        @property
        def __module__(self):
            raise RuntimeError("no")

        def __call__(self):
            job()

    with sb.agent_run("a"):
        started(threading.Thread(target=Hostile(), name="hostile"))

    assert contained_places() == {"instrument_threads"}
    captured_spans.assert_tree("agent_run a [ok]\n  generic job [ok]")
