import os
import random
import subprocess
import sys
import textwrap
import threading

import pytest

import spanbridge as sb
from recording import HangingExporter, ScriptedExporter, accounted
from spanbridge.pipeline import pipeline
from spanbridge.protocols import Rejected, Retry

MIB = 1024 * 1024


class LiveExporter(ScriptedExporter):
    """Takes running spans too; keeps (name, phase, status, output) of each."""

    accepts_running = True

    def __init__(self):
        super().__init__(name="live")
        self.seen = []

    def export(self, batch):
        self.seen += [(record.name, record.phase, record.status.value, record.output) for record in batch]
        return super().export(batch)


def run_python(code, **variables):
    """Runs a script in a process of its own, and gives its output."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **variables}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- running and ended ----------------------------------------------------------------------------------------------------


def test_a_short_span_is_written_once():
    """A span that starts and ends within one write interval is handed on once, ended."""
    live = LiveExporter()
    with sb.Observability(store=False, exporters=[live], write_interval_ms=5000) as observability:
        with observability.agent_run("a"):
            pass
        observability.flush()

    assert live.seen == [("a", "ended", "ok", None)]


def test_a_long_span_is_visible_as_running_then_replaced():
    """A span that outlives the write interval is handed on as running, and again when it has ended."""
    live = LiveExporter()
    with sb.Observability(store=False, exporters=[live], write_interval_ms=10) as observability:
        with observability.agent_run("a", output="so far") as run:
            live.called.acquire()
            run.set(output="all")
        observability.flush()

    assert live.seen[0] == ("a", "running", "running", "so far")
    assert live.seen[-1] == ("a", "ended", "ok", "all")


def test_a_quiet_pipeline_sleeps_until_something_happens():
    """A span that is shown as running and does not change costs nothing; its next change is handed on soon, without a flush."""
    live = LiveExporter()
    with sb.Observability(store=False, exporters=[live], write_interval_ms=10) as observability:
        intake = observability._pipeline.intake
        asleep = threading.Semaphore(0)
        wait = intake.wait

        def watched_wait(timeout_s):
            if timeout_s < 0:
                asleep.release()
            wait(timeout_s)

        intake.wait = watched_wait
        with observability.agent_run("a") as run:
            live.called.acquire()
            asleep.acquire()
            run.set(output="changed")
            live.called.acquire()

    assert [output for _, phase, _, output in live.seen if phase == "running"] == [None, "changed"]


def test_flush_writes_open_spans_to_the_store():
    """After a flush the store shows open spans as running; when they have ended, their last state."""
    with sb.Observability(store="sqlite:///traces.db", write_interval_ms=5000) as observability:
        with observability.agent_run("a", input="i") as run:
            assert observability.flush()
            running = observability.store.get_span(run.trace_id, run.span_id)
            run.set(output="o")
        assert observability.flush()
        ended = observability.store.get_span(run.trace_id, run.span_id)

    assert (running.status, running.input, running.output, running.ended_at) == ("running", "i", None, None)
    assert (ended.status, ended.input, ended.output) == ("ok", "i", "o")


def test_only_what_changed_is_written_again():
    """A span that runs on without a change is not handed on again."""
    live = LiveExporter()
    with (
        sb.Observability(store=False, exporters=[live], write_interval_ms=5000) as observability,
        observability.agent_run("quiet"),
        observability.tool_call("busy") as tool,
    ):
        observability.flush()
        tool.event("e")
        observability.flush()
        names = [name for name, *_ in live.seen]

    assert names == ["quiet", "busy", "busy"]


def test_running_spans_stay_redacted():
    """What comes before, between and after writes of a running span is redacted, and what was redacted is not redacted again."""
    memory = sb.InMemoryExporter()
    live = LiveExporter()
    with sb.Observability(store=False, exporters=[memory, live], write_interval_ms=5000) as observability:
        with observability.agent_run("a", input={"password": "hunter2"}) as run:
            assert observability.flush()
            run.set(output={"password": "hunter2"}, metadata={"note": "password=hunter2hunter2"})
            run.event("e", {"password": "hunter2"})
            assert observability.flush()
            run.set(metadata={"api_key": "hunter2", "deep": [{"password": "hunter2"}]}, client_secret="hunter2")
            run.event("f", {"password": "hunter2"})
        assert observability.flush()

    (span,) = memory.spans
    assert b"hunter2" not in span.document
    assert "hunter2" not in str(live.seen)
    assert span.input == span.output == {"password": "[REDACTED]"}
    assert span.metadata["deep"] == [{"password": "[REDACTED]"}]
    assert [event["attributes"] for event in span.events] == [{"password": "[REDACTED]"}] * 2


def test_shutdown_abandons_open_spans():
    """What is open at the shutdown is handed on as abandoned, with an end, and counted."""
    memory = sb.InMemoryExporter()
    observability = sb.Observability(store=False, exporters=[memory])
    span = observability.start_span("agent_run", "open", input="i")
    assert observability.shutdown()

    (record,) = memory.spans
    assert (record.name, record.status, record.input) == ("open", "abandoned", "i")
    assert record.ended_at >= record.started_at
    assert observability.stats()["spans"] == {"started": 1, "open": 0, "stored": 0, "abandoned": 1, "dropped": {}}
    assert not span.end()


# --- bounds ---------------------------------------------------------------------------------------------------------------


class Gate:
    """A processor that holds the pipeline until it is opened."""

    def __init__(self):
        self.entered = threading.Event()
        self.opened = threading.Event()

    def process(self, record):
        self.entered.set()
        self.opened.wait()
        return record


@pytest.mark.parametrize(
    "given",
    [
        lambda text: {"input": text},
        lambda text: {"input": [text]},
        lambda text: {"output": {"x": text}},
        lambda text: {"anything": text},
        lambda text: {"metadata": {"m": [text]}},
        lambda text: {"tags": [text]},
        lambda text: {"name": text},
        lambda text: {"user_id": text},
        lambda text: {"links": [{"trace_id": text, "span_id": "1"}]},
    ],
    ids=["input", "list", "output", "attribute", "metadata", "tags", "name", "user_id", "links"],
)
def test_memory_is_bounded(given):
    """While the pipeline is stuck, what callers hold is bounded in bytes, wherever they put them; the newest are dropped and counted."""
    gate, memory = Gate(), sb.InMemoryExporter()
    with sb.Observability(
        store=False, exporters=[memory], processors=[gate], queue_max_bytes=2 * MIB, sensitive_data=False
    ) as observability:
        with observability.agent_run("first"):
            pass
        gate.entered.wait()
        for _ in range(100):
            with observability.agent_run(**given("x" * 100_000)):
                pass
        held = observability._pipeline.intake.pending_bytes
        dropped = observability.stats()["spans"]["dropped"]
        gate.opened.set()
        assert observability.flush()

        assert held < 3 * MIB
        assert dropped == {"queue_overflow": 101 - observability.stats()["spans"]["stored"]}
        assert 15 <= observability.stats()["spans"]["stored"] <= 30
        assert observability._pipeline.intake.pending_bytes == 0
        accounted(observability.stats())


def test_updates_are_bounded_too():
    """When memory is full, an open span's updates keep their structure and lose their payload, and that is counted."""
    gate, memory = Gate(), sb.InMemoryExporter()
    with sb.Observability(store=False, exporters=[memory], processors=[gate], queue_max_bytes=MIB) as observability:
        with observability.agent_run("first"):
            pass
        gate.entered.wait()
        with observability.agent_run("a") as run:
            for number in range(100):
                run.set(output="x" * 100_000, metadata={f"m{number}": "x" * 10_000})
        held = observability._pipeline.intake.pending_bytes
        gate.opened.set()
        assert observability.flush()

        span = next(span for span in memory.spans if span.name == "a")
        assert held < 2 * MIB
        assert set(span.output) == {"truncated"}
        assert observability.stats()["ignored"]["payload_overflow"] > 80


def test_children_of_a_dropped_span_are_dropped():
    """A trace whose root found no room is dropped whole: its children would have no parent."""
    gate, memory = Gate(), sb.InMemoryExporter()
    with sb.Observability(store=False, exporters=[memory], processors=[gate], queue_max_bytes=MIB) as observability:
        with observability.agent_run("first", output="x" * 2 * MIB):
            pass
        gate.entered.wait()
        with observability.agent_run("root") as root, observability.tool_call("child"):
            gate.opened.set()
            assert observability.flush()
            with observability.tool_call("late child", parent=root):
                pass
        observability.flush()

        assert [span.name for span in memory.spans] == ["first"]
        assert observability.stats()["spans"]["dropped"] == {"queue_overflow": 3}


def test_the_queue_of_one_exporter_does_not_touch_another():
    """A hanging exporter loses its own spans, with a reason, and the other gets all."""
    hanging, memory = HangingExporter(), sb.InMemoryExporter()
    with sb.Observability(
        store=False, exporters=[hanging, memory], queue_max_bytes=MIB, sensitive_data=False, write_interval_ms=10
    ) as observability:
        for _ in range(40):
            with observability.agent_run("a", input="x" * 100_000):
                pass
            memory.wait_for(_ + 1)
        exporters = observability.stats()["exporters"]
        hanging.release.set()
        observability.flush()
        accounted(observability.stats())

    assert exporters["memory"]["delivered"] + exporters["memory"]["pending"] == 40
    assert exporters["hanging"]["rejected"]["queue_overflow"] > 20


# --- the account under load and faults --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("store", [False, "sqlite:///traces.db"])
def test_the_account_is_exact_under_load_and_faults(seed, store, contained_places):
    """Many threads, a sampler, processors and exporters that fail at random: nothing is lost without a reason, and no byte leaks."""
    chance = random.Random(seed)
    fails = threading.Lock()

    def often(share):
        with fails:
            return chance.random() < share

    def sampler(given):
        if often(0.1):
            raise ValueError
        return not often(0.1)

    def processor(record):
        if often(0.05):
            raise ValueError
        if often(0.05):
            return "nonsense"
        return None if often(0.1) else record

    class Flaky(ScriptedExporter):
        def export(self, batch):
            if often(0.1):
                raise ConnectionError
            if often(0.1):
                return Rejected("no")
            return Retry(after_s=0.0) if often(0.1) else super().export(batch)

    memory = sb.InMemoryExporter()
    settings = {
        "store": store,
        "sampling": sampler,
        "processors": [processor],
        "write_interval_ms": 10,
        "queue_max_bytes": MIB,
    }
    observability = sb.Observability(exporters=[Flaky(), memory], **settings)
    by_hand = []

    def work(number):
        for index in range(60):
            try:
                with observability.agent_run("root", input={"n": [number] * index}) as root:
                    with observability.tool_call("child", input="x" * 3000) as tool:
                        tool.set(output=index)
                        by_hand.append(observability.start_span("generic", "by hand", parent=tool))
                    if index % 10 == 0:
                        raise KeyError(index)
            except KeyError:
                pass
            if index % 20 == 0:
                observability.flush()
                accounted_at_any_time(observability.stats()["spans"])
        root.end()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for span in by_hand[::2]:
        span.end()
    observability.shutdown(30)

    stats = observability.stats()
    accounted(stats)
    assert stats["spans"]["started"] == 6 * 60 * 3
    assert stats["spans"]["open"] == 0
    assert observability._pipeline.intake.pending_bytes == 0
    assert len(memory.spans) == stats["exporters"]["memory"]["delivered"]
    if store:
        stored = stats["spans"]["stored"] + stats["spans"]["abandoned"]
        assert stored == sum(
            len(sb.open_store(store).get_trace(trace.trace_id).spans)
            for trace in sb.open_store(store).list_traces(limit=1000)
        )


def accounted_at_any_time(spans):
    assert spans["open"] >= 0
    assert spans["started"] == spans["open"] + spans["stored"] + spans["abandoned"] + sum(spans["dropped"].values())


def test_an_error_of_ones_own_costs_one_span(monkeypatch, contained_places):
    """Where spanbridge itself fails on a span, that span is accounted for, its bytes are given back, and all others go on."""
    memory = sb.InMemoryExporter()
    with sb.Observability(store=False, exporters=[memory]) as observability:
        pipeline = observability._pipeline
        monkeypatch.setattr(pipeline._completion, "_price", lambda **usage: 1 / 0)
        with (
            observability.agent_run("a"),
            observability.model_generation(model="m", usage={"input_tokens": 1}, input="x" * 10_000),
        ):
            pass
        assert observability.flush()

        accounted(observability.stats())
        assert "a" in {span.name for span in memory.spans}
        assert observability.stats()["spans"]["open"] == 0
        assert contained_places() != set()
        assert pipeline.intake.pending_bytes == 0


def test_one_exit_that_fails_does_not_keep_the_others_from_their_end():
    """At the shutdown every exporter is waited for, also behind one that cannot deliver."""
    failing, slow = ScriptedExporter(*[Retry()] * 1000, name="failing"), HangingExporter("slow")
    observability = sb.Observability(store=False, exporters=[failing, slow])
    with observability.agent_run("a"):
        pass
    slow.entered.wait(0)
    threading.Timer(0, slow.release.set).start()

    assert observability.shutdown(1) is False
    assert slow.delivered == ["a"]
    assert failing.calls == slow.calls == ["shutdown"]
    accounted(observability.stats())


def test_strict_attributes(caplog, monkeypatch):
    """With `strict_attributes` what does not match its type is counted, logged by span and attribute, and recorded all the same."""
    memory = sb.InMemoryExporter()
    with sb.Observability(store=False, exporters=[memory], strict_attributes=True) as observability:
        with observability.tool_call("good", success=True):
            pass
        with observability.tool_call("bad", success="s3cret"):
            pass
        observability.flush()
        ignored = observability.stats()["ignored"]

    assert ignored == {"invalid_attributes": 1}
    assert [span.attributes["success"] for span in memory.spans] == [True, "s3cret"]
    bad = memory.spans[1]
    assert (
        f"attributes of the tool_call span {bad.span_id} (trace {bad.trace_id}) do not match its type: success"
        in caplog.text
    )
    assert "s3cret" not in caplog.text


def test_flush_from_an_exporter_and_a_processor():
    """A flush that cannot succeed, because it is called from the pipeline's or the exporter's own thread, returns at once."""
    results = []

    class Flushing(ScriptedExporter):
        def export(self, batch):
            results.append(("exporter", observability.flush(0)))
            return super().export(batch)

    def process(record):
        results.append(("processor", observability.flush(60)))
        return record

    observability = sb.Observability(store=False, exporters=[Flushing()], processors=[process])
    with observability.agent_run("a"):
        pass

    assert observability.flush()
    assert results == [("processor", False), ("exporter", False)]
    observability.shutdown()


# --- processes ------------------------------------------------------------------------------------------------------------

FORK = """
    import os, sys, warnings
    warnings.simplefilter("ignore")
    import spanbridge as sb
    memory = sb.InMemoryExporter()
    sb.configure(store="sqlite:///traces.db", exporters=[memory], write_interval_ms=5000)
    with sb.agent_run("before"):
        pass
    assert sb.flush()
    with sb.agent_run("root") as root:
        with sb.tool_call("queued in the parent"):
            pass
        pid = os.fork()
        with sb.tool_call("child" if pid == 0 else "parent") as tool:
            pass
        if pid == 0:
            assert sb.flush(20), sb.stats()
            spans = sb.stats()["spans"]
            assert spans == {"started": 1, "open": 0, "stored": 1, "abandoned": 0, "dropped": {}}, spans
            print(tool.span_id, tool.trace_id, flush=True)
            os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert sb.flush(20)
    spans = sb.stats()["spans"]
    assert spans == {"started": 4, "open": 0, "stored": 4, "abandoned": 0, "dropped": {}}, spans
    print(tool.span_id, tool.trace_id, root.span_id)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_fork():
    """A forked child records on its own: empty queues, other ids, the open span of its parent as parent; both reach the store."""
    child, parent = (line.split() for line in run_python(FORK).splitlines())

    spans = {span.name: span for span in sb.open_store("sqlite:///traces.db").get_trace(parent[1]).spans}
    assert child[0] != parent[0]
    assert set(spans) == {"root", "queued in the parent", "child", "parent"}
    assert spans["child"].span_id == child[0]
    assert spans["child"].parent_span_id == spans["parent"].parent_span_id == parent[2]
    assert spans["root"].status == "ok"


MULTIPROCESSING = """
    import multiprocessing, warnings
    warnings.simplefilter("ignore")
    import spanbridge as sb

    def work(number):
        with sb.tool_call(f"in child {number}"):
            pass

    if __name__ == "__main__":
        sb.configure(store="sqlite:///traces.db", write_interval_ms=5000)
        with sb.agent_run("root") as root:
            assert sb.flush(20)
            processes = [multiprocessing.get_context("fork").Process(target=work, args=(number,)) for number in range(3)]
            for process in processes:
                process.start()
            for process in processes:
                process.join()
                assert process.exitcode == 0
        print(root.trace_id)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_multiprocessing():
    """Spans of processes that `multiprocessing` forks reach the store without a flush, under the span that started them."""
    trace_id = run_python(MULTIPROCESSING).strip()

    spans = sb.open_store("sqlite:///traces.db").get_trace(trace_id).spans
    assert sorted(span.name for span in spans) == ["in child 0", "in child 1", "in child 2", "root"]
    assert len({span.span_id for span in spans}) == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_multiprocessing_child_waits_as_long_as_it_was_told():
    """Its exits have the configured time to deliver."""
    code = """
        import multiprocessing, time
        import spanbridge as sb

        class Exit:
            def export(self, batch): pass
            def flush(self, deadline): pass
            def shutdown(self, deadline): print(deadline - time.monotonic(), flush=True)

        def work():
            with sb.tool_call("in the child"):
                pass

        sb.configure(store=False, exporters=[Exit()], exit_timeout_s=100)
        process = multiprocessing.get_context("fork").Process(target=work)
        process.start()
        process.join()
        sb.shutdown(10)
    """
    child, parent = map(float, run_python(code).split())

    assert parent < 10 < child < 100


def test_spans_are_delivered_at_exit():
    """A program that ends without a flush loses nothing; what it left open is abandoned."""
    code = """
        import spanbridge as sb
        sb.configure(store="sqlite:///traces.db")
        with sb.agent_run("done") as run:
            pass
        sb.start_span("generic", "open", parent=run)
        print(run.trace_id)
    """
    trace_id = run_python(code).strip()

    spans = sb.open_store("sqlite:///traces.db").get_trace(trace_id).spans
    assert {span.name: span.status.value for span in spans} == {"done": "ok", "open": "abandoned"}


# --- what is open is counted, not derived -----------------------------------------------------------------------------------


def test_a_span_that_gets_lost_shows():
    """Were a span lost on its way, the counts would not add up: `open` is counted where spans are."""
    with sb.Observability(store=False) as observability:
        span = observability.start_span("generic", "lost")
        observability.flush()
        accounted(observability.stats(), open_spans=1)
        observability._pipeline._spans._young.clear()

        with pytest.raises(AssertionError):
            accounted(observability.stats())
        observability._pipeline.account.add_dropped("test")
        span.end()


def test_open_spans_are_counted_wherever_they_are():
    """In the queue, in the table, in a processor, and at a store that hangs, a span counts as open, once."""
    gate, hanging = Gate(), HangingExporter("store")
    store = sb.StorageExporter("sqlite:///traces.db")
    write, store.export = store.export, lambda batch: hanging.export(batch) or write(batch)
    with sb.Observability(store=store, processors=[gate], write_interval_ms=10) as observability:
        with observability.generic("in the processor"):
            pass
        gate.entered.wait()
        accounted(observability.stats(), open_spans=1)
        with observability.generic("in the queue"):
            accounted(observability.stats(), open_spans=2)
        gate.opened.set()
        hanging.entered.wait()
        accounted(observability.stats(), open_spans=2)
        with observability.generic("in the table"):
            accounted(observability.stats(), open_spans=3)
            hanging.release.set()
            assert observability.flush()
            accounted(observability.stats(), open_spans=1)
        assert observability.flush()
        accounted(observability.stats())


def test_a_flush_does_not_work_beside_a_thread_that_starts():
    """While another caller starts the thread, a flush does not do the thread's work."""
    with sb.Observability(store=False) as observability:
        pipeline = observability._pipeline
        pipeline._starting.acquire()  # as a caller does that starts the thread
        with observability.generic("a"):
            pass
        assert not observability.flush(timeout=0)
        accounted(observability.stats(), open_spans=1)
        pipeline._starting.release()
        assert observability.flush()
        accounted(observability.stats())


def test_numbers_of_an_unconfigured_instance_are_the_callers_own():
    """Changing what `stats` returned changes nothing else."""
    with sb.Observability(disabled=True) as observability:
        observability.stats()["spans"]["dropped"]["x"] = 1

        assert observability.stats()["spans"]["dropped"] == {}


@pytest.mark.parametrize("runs_at_once", [True, False])
def test_an_interrupted_first_span(monkeypatch, runs_at_once):
    """What a signal handler raises while the thread is being started is the application's; there is one thread, and it delivers."""
    memory = sb.InMemoryExporter()
    observability = sb.Observability(store=False, exporters=[memory])
    started, proceed = [], threading.Event()

    class Interrupted(threading.Thread):
        def start(self):
            started.append(self)
            if runs_at_once:
                super().start()
            else:
                threading.Thread(target=lambda: (proceed.wait(), threading.Thread.start(self))).start()
            raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "Thread", Interrupted)
    with pytest.raises(KeyboardInterrupt), observability.agent_run("interrupted"):
        pass
    monkeypatch.setattr(pipeline, "Thread", threading.Thread)
    with observability.agent_run("next"):
        pass
    proceed.set()

    memory.wait_for(1, name="next")
    assert observability._pipeline._thread is started[0]
    assert observability.shutdown()


class Traced:
    """Calls a traced function of the application in everything that it is asked for."""

    name = "traced"

    def __init__(self):
        self.spans = []

    def _call(self, *_arguments):
        with sb.generic("inside") as span:
            self.spans.append(span.is_recording)

    def process(self, record):
        self._call()
        return record

    export = flush = shutdown = _call


def test_spans_of_the_spans_way_out():
    """Neither a processor nor an exporter makes spans about spans, without end: what it calls is not recorded."""
    processor, exporter, memory = Traced(), Traced(), sb.InMemoryExporter()
    observability = sb.configure(store=False, exporters=[exporter, memory], processors=[processor])
    with sb.agent_run("x"):
        pass
    assert sb.flush()
    assert sb.shutdown()

    assert [span.name for span in memory.spans] == ["x"]
    assert observability.stats()["spans"]["started"] == 1
    assert len(exporter.spans) >= 3
    assert not any(processor.spans + exporter.spans)
