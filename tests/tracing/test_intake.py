import gc
import signal
import sys
import threading

import pytest

import spanbridge as sb
from spanbridge.tracing.intake import END, Intake

set_is_not_reentrant = pytest.mark.skipif(
    sys.version_info < (3, 12),
    reason="before 3.12 CPython collects garbage inside ContextVar.set, and crashes if what runs then sets a variable too",
)


@pytest.fixture
def hurried_threads():
    """The interpreter is handed over as often as it can be."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def together(count, work):
    start = threading.Barrier(count)

    def run(number):
        start.wait()
        work(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_counters_are_exact_under_threads(hurried_threads):
    """Counters that many threads write without a lock lose nothing."""
    intake = Intake(1 << 40, lambda: None)

    def work(number):
        for _ in range(5_000):
            intake.started += 1
            intake.pending_bytes += 3
            intake.pending_bytes -= 2
            intake.drop("a")
            intake.drop("b")
            intake.ignore("c")

    together(8, work)

    assert (intake.started, intake.pending_bytes) == (40_000, 40_000)
    assert (intake.dropped, intake.ignored) == ({"a": 40_000, "b": 40_000}, {"c": 40_000})


def test_events_stay_whole_under_threads(hurried_threads):
    """The parts of an event are never parted by another thread's, also while the pipeline takes from the other end."""
    intake = Intake(1 << 40, lambda: None)
    count, torn = 8 * 2_000, []

    def take():
        part = intake.events.popleft
        for _ in range(count):
            while not intake.events:
                pass
            kind = part()
            event = [part() for _ in range(kind.part_count)]
            if event != [event[0]] * END.part_count:
                torn.append(event)

    def work(number):
        for index in range(2_000):
            mark = (number, index)
            intake.events.extend((END, mark, mark, mark, mark))

    taker = threading.Thread(target=take)
    taker.start()
    together(8, work)
    taker.join()

    assert torn == []
    assert not intake.events


def test_spans_of_many_threads_are_counted_exactly(hurried_threads):
    """Started, stored and dropped are exact, and no byte stays accounted for, when many threads hammer one pipeline."""
    memory = sb.InMemoryExporter()
    with sb.Observability(
        store=False, exporters=[memory], sampling=lambda given: given.metadata["keep"]
    ) as observability:

        def work(number):
            for index in range(200):
                with observability.agent_run("a", input=[index], metadata={"keep": index % 4 != 0}) as run:
                    run.set(output={"n": number})

        together(8, work)
        assert observability.flush()
        stats = observability.stats()["spans"]
        pending = observability._pipeline.intake.pending_bytes

    assert stats == {"started": 1600, "open": 0, "stored": 1200, "abandoned": 0, "dropped": {"sample_rate": 400}}
    assert len(memory.spans) == 1200
    assert pending == 0


@pytest.mark.parametrize("attempt", range(10))
def test_one_pipeline_thread(attempt, hurried_threads):
    """Threads that open the first spans at once start one pipeline thread and one runner."""
    before = set(threading.enumerate())
    names = []
    with sb.Observability(store=False, exporters=[sb.InMemoryExporter()]) as observability:

        def work(number):
            with observability.agent_run("a"):
                pass

        together(8, work)
        assert observability.flush()
        names = sorted(
            thread.name for thread in set(threading.enumerate()) - before if thread.name.startswith("spanbridge")
        )

    assert names == ["spanbridge-memory", "spanbridge-pipeline"]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a signal that comes at any moment")
@set_is_not_reentrant
def test_spans_in_a_signal_handler(captured_spans):
    """A handler that opens spans wherever it interrupts, spanbridge's own code too, neither blocks nor loses anything."""
    handled = []

    def handler(number, frame):
        with sb.tool_call("in handler", input=[1]) as tool:
            tool.set(output=2)
        handled.append(1)

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        opened = 0
        while len(handled) < 100:
            with sb.agent_run("interrupted", input={"x": [1]}) as run:
                run.set(output={"y": 2})
            opened += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert captured_spans.observability.flush()
    stats = captured_spans.observability.stats()["spans"]
    assert stats == {
        "started": opened + len(handled),
        "open": 0,
        "stored": opened + len(handled),
        "abandoned": 0,
        "dropped": {},
    }


@set_is_not_reentrant
def test_spans_in_finalisers(captured_spans):
    """An object that opens spans when it is collected, at any moment, blocks nothing."""
    collected = []

    class Final:
        def __init__(self):
            self.cycle = self

        def __del__(self):
            with sb.generic("in finaliser") as span:
                span.set(output=[1])
            collected.append(1)

    threshold = gc.get_threshold()
    gc.set_threshold(10, 2, 2)
    try:
        for _ in range(200):
            Final()
            with sb.agent_run("a", input=[{}, []]) as run:
                run.set(output=[{}, []])
    finally:
        gc.set_threshold(*threshold)
    gc.collect()

    assert len(collected) == 200
    assert len(captured_spans.spans) == 400


def test_a_finaliser_in_the_pipeline_thread(captured_spans):
    """A finaliser may open spans on the pipeline's own thread, and holds nothing up; what opens in a processor is not recorded."""

    opened = []

    class Final:
        def __del__(self):
            opened.append(sb.start_span("generic", "late"))
            opened[-1].end()

    def process(record):
        Final()
        return record

    memory = sb.InMemoryExporter()
    with sb.Observability(store=False, exporters=[memory], processors=[process]) as observability:
        with observability.agent_run("a"):
            pass
        assert observability.flush()

    assert [span.is_recording for span in opened] == [False]
    assert captured_spans.tree() == ""
    assert [span.name for span in memory.spans] == ["a"]
