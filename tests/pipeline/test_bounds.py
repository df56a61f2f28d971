"""What bounds memory and time holds against an application and processors that do not care."""

import gc
import threading
import time

import pytest

import spanbridge as sb
from recording import ScriptedExporter, accounted


class Hostile:
    """An object that cannot be compared."""

    def __eq__(self, other):
        raise ValueError("not comparable")

    __hash__ = None


def test_a_value_that_cannot_be_compared_costs_nothing_else():
    """A processor may assign anything: its span is recorded or withheld, all others are delivered, and the flush returns."""

    def assign(record):
        if record.name == "bad":
            record.output = Hostile()
        return record

    memory = sb.InMemoryExporter()
    with sb.Observability(store=False, exporters=[memory], processors=[assign]) as observability:
        for name in ("a", "bad", "b"):
            with observability.generic(name):
                pass

        assert observability.flush()
        assert {"a", "b"} <= {span.name for span in memory.spans}
        assert observability.stats()["spans"]["open"] == 0


def test_a_replaced_payload_gives_its_bytes_back():
    """A long span that sets its output again and again holds the last one only, and keeps no other span out."""
    memory = sb.InMemoryExporter()
    with sb.Observability(store=False, exporters=[memory], queue_max_bytes=4 * 1024 * 1024) as observability:
        with observability.agent_run("long") as run:
            for _ in range(20):
                run.set(output="x" * 1024 * 1024)
                assert observability.flush()
            with observability.generic("other") as other:
                recording = other.is_recording

        assert recording
        assert observability.flush()
        assert observability._pipeline.intake.pending_bytes == 0


def test_small_updates_are_bounded_too():
    """When memory is full, updates are counted and left out, however small they are."""
    entered, release = threading.Event(), threading.Event()

    def hold(record):
        entered.set()
        release.wait(30)
        return record

    memory = sb.InMemoryExporter()
    limit = 1024 * 1024
    with sb.Observability(store=False, exporters=[memory], processors=[hold], queue_max_bytes=limit) as observability:
        with observability.generic("first"):
            pass
        assert entered.wait(30)
        with observability.agent_run("run") as run:
            for number in range(20_000):
                run.event("tick", {"number": number})
            pending = observability._pipeline.intake.pending_bytes
        release.set()

        assert pending < 1.1 * limit
        assert observability.stats()["ignored"]["payload_overflow"] > 1000


def test_what_a_shutdown_leaves_is_counted():
    """A processor that hangs costs what it holds; the shutdown says so, and the account has no open span."""
    release = threading.Event()

    def hang(record):
        release.wait(30)
        return record

    observability = sb.Observability(store=False, processors=[hang])
    with observability.generic("a"):
        pass

    complete = observability.shutdown(timeout=0.2)
    spans = observability.stats()["spans"]
    release.set()

    assert not complete
    assert spans == {"started": 1, "open": 0, "stored": 0, "abandoned": 0, "dropped": {"shutdown_deadline": 1}}


class Late:
    """Lets `free` calls through; those after hang until `release` is set. A processor, or what stands before a store's writes."""

    def __init__(self, free):
        self.free = free
        self.entered, self.release = threading.Event(), threading.Event()

    def __call__(self, record):
        self.free -= 1
        if self.free < 0:
            self.entered.set()
            assert self.release.wait(60)
        return record


@pytest.mark.parametrize("free", [0, 1])
@pytest.mark.parametrize("slow", ["processor", "store", "both"])
def test_a_shutdown_that_misses_its_deadline_leaves_an_exact_account(slow, free, contained_places):
    """Nothing is counted twice or forgotten, at once and when the late threads are done; "stored" is what the file holds."""
    processor, writes = Late(free), Late(1000 * free)
    store, memory = sb.StorageExporter("sqlite:///traces.db"), sb.InMemoryExporter()
    if slow != "processor":
        export = store.export
        store.export = lambda batch: export(writes(batch))
    held = {"processor": [processor], "store": [writes], "both": [processor, writes]}[slow]
    observability = sb.Observability(
        store=store,
        exporters=[memory, sb.route(ScriptedExporter(), sampling=sb.TailSampling(ratio=0.5))],
        processors=[processor] if slow != "store" else [],
        write_interval_ms=10,
    )
    for number in range(100):
        with observability.agent_run("run", input=str(number)), observability.tool_call("tool"):
            pass
        if number == 50 and slow == "store" and free:  # the rest in another batch
            assert observability.flush()
    writes.free = 0
    open_one = observability.start_span("generic", "open")

    assert observability.shutdown(0.2) is False
    accounted(observability.stats())
    for late in held:
        late.release.set()
    pipeline = observability._pipeline
    for thread in (pipeline._thread, *(runner._thread for runner in pipeline.runners)):
        thread.join(60)
    open_one.end()

    stats = observability.stats()
    accounted(stats)
    written = [span for trace in observability.store.list_traces(limit=1000) for span in spans_of(observability, trace)]
    assert len(written) == stats["spans"]["stored"] + stats["spans"]["abandoned"]
    assert len(memory.spans) == stats["exporters"]["memory"]["delivered"]


def spans_of(observability, trace):
    return [span for span in observability.store.get_trace(trace.trace_id).spans if span.status != "running"]


def test_a_span_that_starts_as_the_shutdown_ends_is_counted():
    """A caller that was interrupted between its look at the intake and its event leaves nothing open for ever."""
    observability = sb.Observability(store=False)
    intake = observability._pipeline.intake
    room = intake.max_bytes
    assert observability.shutdown()
    intake.closed, intake.max_bytes = False, room  # as that caller saw it
    with observability.generic("late"):
        intake.close()

    stats = observability.stats()
    accounted(stats)
    assert stats["spans"]["dropped"] == {"shutdown_deadline": 1}


def test_a_slow_processor_holds_back_only_what_it_has_not_seen():
    """What it is done with goes on while it is busy with the next span of the same slice, and is kept when the time is over."""
    memory = sb.InMemoryExporter()
    arrived = []

    def slow(record):
        time.sleep(0.011)  # longer than the write interval
        if record.name != "0":
            arrived.append(bool(memory.wait_for(1, timeout=30)))
        return record

    with sb.Observability(store=False, exporters=[memory], processors=[slow], write_interval_ms=10) as observability:
        for number in range(10):
            with observability.agent_run(str(number)):
                pass
        assert observability.flush(30)

    assert arrived == [True] * 9


def test_a_parent_in_the_same_slice_may_still_be_dropped():
    """Children that are handed on before their parent has passed a slow processor are attached to where they belong, everywhere."""
    exported = []

    class Collecting(ScriptedExporter):
        def export(self, batch):
            exported.extend((record.name, record.parent_span_id) for record in batch)

    def drop_middle(record):
        time.sleep(0.011)
        return None if record.name == "middle" else record

    with sb.Observability(
        store="sqlite:///traces.db", exporters=[Collecting()], processors=[drop_middle], write_interval_ms=10
    ) as observability:
        with observability.agent_run("top") as top, observability.generic("middle"), observability.generic("leaf"):
            pass
        assert observability.flush(30)
        stored = {span.name: span.parent_span_id for span in observability.store.get_trace(top.trace_id).spans}

    assert stored == {"top": None, "leaf": top.span_id}
    assert sorted(exported) == [("leaf", top.span_id), ("top", None)]


def test_an_instance_lives_as_long_as_it_is_not_shut_down():
    """Who keeps nothing but an opener loses no span."""
    memory = sb.InMemoryExporter()

    def make():
        return sb.Observability(store=False, exporters=[memory]).generic

    opener = make()
    gc.collect()
    with opener("a"):
        pass

    assert memory.wait_for(1)
    from spanbridge import observability

    for item in list(observability._at_work):
        item.shutdown()
