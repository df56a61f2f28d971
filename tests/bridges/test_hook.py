"""What the core does with a bridge: ids, parents, what is active where, and that every native span ends exactly once."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest

import spanbridge as sb
from bridges.toy_tracer import ToyBridge, ToySpan
from spanbridge.errors import BridgeUnavailableError, ConfigurationError


@pytest.fixture
def memory():
    return sb.InMemoryExporter()


@pytest.fixture
def bridge(memory):
    bridge = ToyBridge()
    sb.configure(service_name="app", store=False, exporters=[memory], bridge=bridge)
    return bridge


def ended(memory):
    """The recorded spans by name, after everything has been delivered."""
    sb.flush()
    return {span.name: span for span in memory.spans}


def test_ids_are_the_native_ones(bridge, memory):
    """Of a root, which mints its trace id, and of its child."""
    with sb.agent_run("run") as run, sb.tool_call("search") as tool:
        pass

    root, child = bridge.spans
    assert (run.span_id, tool.span_id) == (f"{root.span_id:016x}", f"{child.span_id:016x}")
    assert {root.trace_id, child.trace_id} == {int(run.trace_id, 16)}
    assert child.parent_id == root.span_id
    assert ended(memory)["search"].span_id == tool.span_id


def test_what_is_called_inside_nests_under_the_innermost_span(bridge):
    with bridge.foreign("request") as request:
        with sb.agent_run("run") as run:
            bridge.call("in run")
            with sb.tool_call("search") as tool:
                bridge.call("in tool")
            bridge.call("in run again")
        bridge.call("after")

    assert bridge.parent_of("in run") == bridge.parent_of("in run again") == run.span_id
    assert bridge.parent_of("in tool") == tool.span_id
    assert bridge.foreign_spans["after"].parent_id == request.span_id


def test_under_a_foreign_parent_its_trace_goes_on(bridge, memory):
    """The span stays a root here, and says whose child it is."""
    with bridge.foreign("request") as request, sb.agent_run("run"):
        pass

    run = ended(memory)["run"]
    assert run.trace_id == f"{request.trace_id:032x}"
    assert (run.parent_span_id, run.external_parent_span_id) == (None, f"{request.span_id:016x}")
    assert bridge.spans[0].parent_id == request.span_id


def test_a_given_trace_id_and_remote_headers_win_over_another_active_trace(bridge):
    remote = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    with bridge.foreign("request"):
        with sb.agent_run("given", trace_id="c" * 32) as given:
            pass
        with sb.extract(remote), sb.agent_run("remote") as remote_run:
            pass

    assert (given.trace_id, remote_run.trace_id) == ("c" * 32, "a" * 32)
    assert [span.parent_id for span in bridge.spans] == [None, int("b" * 16, 16)]


def test_an_unsampled_trace_starts_no_native_span(memory):
    bridge = ToyBridge()
    sb.configure(store=False, exporters=[memory], bridge=bridge, sampling=0)
    with bridge.foreign("request") as request, sb.agent_run("run"), sb.tool_call("search"):
        bridge.call("inside")

    assert bridge.spans == []
    assert bridge.foreign_spans["inside"].parent_id == request.span_id


def test_nothing_starts_where_recording_is_suppressed(bridge):
    with sb.agent_run("run") as run, sb.suppress(), sb.tool_call("search"):
        bridge.call("inside")

    assert len(bridge.spans) == 1
    assert bridge.parent_of("inside") == run.span_id


def test_a_native_span_ends_with_processed_data(memory):
    bridge = ToyBridge()
    sb.configure(store=False, exporters=[memory], bridge=bridge)
    with sb.tool_call("login", input={"password": "hunter2-hunter2"}):
        pass
    sb.flush()

    (record,) = bridge.spans[0].ends
    assert record.name == "login"
    assert "hunter2" not in repr(record.to_dict())
    assert record.ended_at == memory.spans[0].ended_at


def test_a_dropped_span_is_released(memory):
    """And its child keeps the native parent that it started under."""
    bridge = ToyBridge()
    drop = lambda record: None if record.name == "noise" else record  # noqa: E731
    sb.configure(store=False, exporters=[memory], bridge=bridge, processors=[drop])
    with sb.agent_run("run"), sb.generic("noise"), sb.tool_call("search"):
        pass
    sb.flush()

    assert [span.ends[0] if span.ends == ["processor"] else "finished" for span in bridge.spans] == [
        "finished",
        "processor",
        "finished",
    ]
    assert sb.stats()["bridge"] == {"name": "toy", "open": 0, "finished": 2, "released": {"processor": 1}}


def test_a_bridge_may_ask_when_a_dropped_span_ended(memory):
    released, recorded = [], []

    class Exact(ToyBridge):
        def release_at(self, native: ToySpan, reason: str, ended_at: int) -> None:
            self.release(native, reason)
            released.append(ended_at)

    sb.configure(
        store=False, exporters=[memory], bridge=Exact(), processors=[lambda record: recorded.append(record.ended_at)]
    )
    with sb.tool_call("search"):
        pass
    sb.flush()

    assert len(released) == 1
    assert released == recorded


def test_a_hidden_span_starts_no_native_span(memory):
    """What starts inside attaches to the nearest visible span, or to the parent that the other tracer owns."""
    bridge = ToyBridge()
    sb.configure(store=False, exporters=[memory], bridge=bridge, exclude_span_types=["workflow_run"])
    with bridge.foreign("request") as request:
        with sb.agent_run("run") as run, sb.generic("helper", internal=True):
            bridge.call("in helper")
            with sb.tool_call("search"):
                pass
        with sb.workflow_run("hidden root"), sb.agent_run("below"):
            pass

    assert bridge.parent_of("in helper") == run.span_id
    assert [span.parent_id for span in bridge.spans] == [request.span_id, int(run.span_id, 16), request.span_id]
    assert ended(memory)["below"].external_parent_span_id == f"{request.span_id:016x}"
    assert {span.trace_id for span in bridge.spans} == {request.trace_id}


def test_an_explicit_parent_wins_over_what_is_active(bridge):
    with sb.agent_run("a") as a:
        pass
    with sb.agent_run("b"), sb.tool_call("late", parent=a) as late:
        bridge.call("in late")

    assert bridge.spans[2].parent_id == int(a.span_id, 16)
    assert bridge.parent_of("in late") == late.span_id


def test_a_span_opened_by_hand_is_not_active(bridge):
    with bridge.foreign("request") as request:
        span = sb.start_span(sb.SpanType.TOOL_CALL, "by hand")
        bridge.call("beside")
        span.end()

    assert bridge.foreign_spans["beside"].parent_id == request.span_id


def test_a_dropped_handle_is_abandoned(bridge, memory):
    """Nobody can end the span any more: it ends, and so does its native span."""
    with sb.agent_run("run"):
        sb.start_span(sb.SpanType.TOOL_CALL, "forgotten")
        gc.collect()
    sb.flush()

    assert ended(memory)["forgotten"].status == "abandoned"
    assert sb.stats()["bridge"]["open"] == 0


async def test_tasks_and_async_blocks(bridge):
    """Each task has its own; a late one its ended parent."""
    done = asyncio.Event()

    async def tool(name: str) -> str:
        async with sb.tool_call(name) as span:
            await asyncio.sleep(0)
            bridge.call(f"in {name}")
        return span.span_id

    async def late() -> None:
        await done.wait()
        async with sb.tool_call("late"):
            pass

    async with sb.agent_run("run") as run:
        first, second = await asyncio.gather(tool("first"), tool("second"))
        task = asyncio.create_task(late())
    done.set()
    await task

    assert (bridge.parent_of("in first"), bridge.parent_of("in second")) == (first, second)
    assert bridge.spans[-1].parent_id == int(run.span_id, 16)
    assert bridge.current() is None


def test_work_in_other_threads(bridge):
    """Where it is handed over with its context, and where only ours goes along."""
    from concurrent.futures import ThreadPoolExecutor

    sb.instrument_threads()
    try:
        with sb.agent_run("run") as run:
            thread = threading.Thread(target=sb.wrap_context(lambda: bridge.call("wrapped")))
            thread.start()
            thread.join()
            with ThreadPoolExecutor(1) as pool:
                for name in ("first", "second"):
                    pool.submit(bridge.call, name).result()
                with sb.request_context(user_id="u"):
                    pool.submit(bridge.call, "in request").result()
    finally:
        from spanbridge.tracing.threads import uninstrument_threads

        uninstrument_threads()

    assert {bridge.parent_of(name) for name in ("wrapped", "first", "second", "in request")} == {run.span_id}


@pytest.mark.parametrize("decorated", [True, False])
def test_generators_rest_without_a_native_span(bridge, decorated):
    def body():
        bridge.call("in body")
        with sb.memory_operation("recall") as recall:
            bridge.call("in recall")
            yield recall
            bridge.call("in recall again")

    @sb.tool_call("pages")
    def pages():
        yield from body()

    def plain():
        with sb.tool_call("pages"):
            yield from body()

    with sb.agent_run("run") as run:
        iterator = (pages if decorated else plain)()
        recall = next(iterator)
        bridge.call("between")
        with sb.tool_call("consumer") as consumer:
            bridge.call("in consumer")
            for _ in iterator:
                pass
            bridge.call("in consumer again")
        bridge.call("after")

    assert bridge.parent_of("in recall") == bridge.parent_of("in recall again") == recall.span_id
    assert bridge.parent_of("between") == bridge.parent_of("after") == run.span_id
    assert bridge.parent_of("in consumer") == bridge.parent_of("in consumer again") == consumer.span_id
    assert bridge.parent_of("in body") == f"{bridge.spans[1].span_id:016x}"
    assert bridge.current() is None


async def test_async_generators_and_streams_rest_too(bridge):
    async def source():
        for number in range(2):
            bridge.call(f"source {number}")
            yield str(number)

    span = sb.start_span(sb.SpanType.MODEL_GENERATION, "chat")
    async with sb.agent_run("run") as run:
        async for item in span.stream(source()):
            bridge.call(f"consumer {item}")

    assert {bridge.parent_of(f"source {n}") for n in range(2)} == {span.span_id}
    assert {bridge.parent_of(f"consumer {n}") for n in range(2)} == {run.span_id}
    sb.flush()
    assert sb.stats()["bridge"]["open"] == 0


def test_an_abandoned_async_generator_leaves_nothing_active(bridge):
    async def items():
        with sb.tool_call("search"):
            yield 1
            yield 2

    async def main():
        with sb.agent_run("run") as run:
            async for _ in items():
                break
            bridge.call("after break")
        bridge.call("after run")
        return run.span_id

    run_id = asyncio.run(main())

    assert bridge.parent_of("after break") == run_id
    assert bridge.parent_of("after run") is None


def test_headers(bridge):
    """The bridge's own travel beside W3C's, and come back in any form."""
    with sb.agent_run("caller") as caller:
        headers = sb.inject({})
    with sb.extract({"HTTP_X_TOY": "abc/def"}), sb.agent_run("callee") as callee:
        pass

    assert headers["x-toy"] == f"{int(caller.trace_id, 16):x}/{int(caller.span_id, 16):x}"
    assert callee.trace_id == f"{0xABC:032x}"
    assert bridge.spans[1].parent_id == 0xDEF


def test_what_the_other_tracer_carries_to_another_thread_is_our_own_parent(bridge, memory):
    """Its instrumentation of threads brings our native span along where our own context does not go."""
    from bridges.toy_tracer import _active

    with sb.agent_run("run") as run:

        def work() -> None:
            _active.set(bridge.spans[0])
            with sb.tool_call("search"):
                pass

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    search = ended(memory)["search"]
    assert (search.parent_span_id, search.external_parent_span_id) == (run.span_id, None)


FAULTS = ("active", "start", "activate", "deactivate", "finish", "release", "inject", "extract", "flush", "close")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bridge_that_raises_costs_the_application_nothing(fault, memory, contained_places):
    """Everything is recorded, and the fault is counted."""
    bridge = ToyBridge()

    def fail(*args):
        raise OSError("no such host")

    setattr(bridge, fault, fail)
    drop = lambda record: None if record.name == "noise" else record  # noqa: E731
    observability = sb.configure(store=False, exporters=[memory], bridge=bridge, processors=[drop])
    with sb.extract({"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}), sb.agent_run("run"):
        sb.inject({})
        with sb.generic("noise"):
            pass
    sb.flush()
    sb.shutdown()

    assert [span.name for span in memory.spans] == ["run"]
    stats = observability.stats()
    assert stats["ignored"]["bridge_error"] > 0
    assert stats["bridge"]["open"] == 0
    assert contained_places() == {f"bridge toy {fault}"}


def test_what_a_bridge_is_told(memory):
    bridge = ToyBridge()
    sb.configure(
        service_name="app",
        environment="prod",
        store=False,
        exporters=[memory],
        bridge=bridge,
        request_context_keys=["a"],
    )

    assert (bridge.settings.service_name, bridge.settings.environment) == ("app", "prod")
    assert bridge.settings.exporter_names == ("memory",)
    assert bridge.settings.request_context_keys == ("a",)


def test_a_bridge_that_cannot_work_leaves_the_application_running(memory, caplog):
    class Absent(ToyBridge):
        def open(self, settings):
            raise BridgeUnavailableError("toys are not installed: pip install toys")

    sb.configure(store=False, exporters=[memory], bridge=Absent())
    with sb.agent_run("run"):
        pass

    assert "run" in ended(memory)
    assert "the bridge is off: toys are not installed: pip install toys" in caplog.text
    assert "bridge" not in sb.stats()


def test_a_tracer_that_hangs_holds_back_no_exit(tmp_path, memory):
    """One that exports as spans end, to somebody who does not answer, keeps the pipeline: the exits have the spans by then."""
    is_asked, answers = threading.Event(), threading.Event()

    class Hanging(ToyBridge):
        def finish(self, native, record):
            is_asked.set()
            answers.wait(60)

    address = f"sqlite:///{tmp_path}/traces.db"
    sb.configure(service_name="app", store=address, exporters=[memory], bridge=Hanging(), exit_timeout_s=0.1)
    try:
        with sb.agent_run("run"), sb.tool_call("search"):
            pass
        assert is_asked.wait(60)

        assert sorted(span.name for span in memory.wait_for(2)) == ["run", "search"]
        assert not sb.shutdown(timeout=1)
        assert sb.stats()["spans"] == {"started": 2, "open": 0, "stored": 2, "abandoned": 0, "dropped": {}}
    finally:
        answers.set()


def test_what_is_no_bridge_is_refused():
    class Half:
        def activate(self, native):
            return native

    with pytest.raises(ConfigurationError, match="it has no open, active, start, deactivate"):
        sb.configure(store=False, bridge=Half())


def test_shutdown_ends_what_is_open(memory):
    """With the record of the abandoned span, before the bridge closes."""
    bridge = ToyBridge()
    sb.configure(store=False, exporters=[memory], bridge=bridge)
    span = sb.start_span(sb.SpanType.AGENT_RUN, "stuck")
    sb.shutdown()

    assert bridge.spans[0].ends[0].status == "abandoned"
    assert bridge.calls[-1] == "close"
    span.end()


def test_native_spans_of_ended_traces_are_given_up(memory, monkeypatch):
    """After a grace, while the span itself stays open."""
    from spanbridge.pipeline import bridge_finish

    bridge = ToyBridge()
    clock = [0.0]
    monkeypatch.setattr(bridge_finish, "monotonic", lambda: clock[0])
    monkeypatch.setattr("spanbridge.tracing.bridging.monotonic", lambda: clock[0])
    observability = sb.configure(store=False, exporters=[memory], bridge=bridge)
    with sb.agent_run("run") as run:
        stuck = sb.start_span(sb.SpanType.TOOL_CALL, "stuck", parent=run)
    other = sb.start_span(sb.SpanType.AGENT_RUN, "other")
    sb.flush()
    assert observability.stats()["bridge"]["open"] == 2
    clock[0] += bridge_finish.GRACE_S + 2
    sb.flush()
    assert bridge.spans[1].ends == ["trace_ended"]
    clock[0] += bridge_finish.MAX_AGE_S
    sb.flush()
    assert bridge.spans[2].ends == ["expired"]
    stuck.end()
    other.end()
    sb.flush()

    assert all(len(span.ends) == 1 for span in bridge.spans)
    assert {span.name for span in memory.spans} == {"run", "stuck", "other"}


def test_open_native_spans_are_tended_while_nothing_else_happens(memory, monkeypatch):
    """The pipeline has nothing to do then, and rests for no longer than that."""
    from spanbridge.pipeline import bridge_finish

    monkeypatch.setattr(bridge_finish, "SWEEP_INTERVAL_S", 0.01)
    tended = threading.Semaphore(0)

    class Tending(ToyBridge):
        def tend(self, opened):
            self.opened = opened
            tended.release()

    bridge = Tending()
    sb.configure(store=False, exporters=[memory], bridge=bridge)
    span = sb.start_span(sb.SpanType.AGENT_RUN, "run")

    assert all(tended.acquire(timeout=30) for _ in range(3))
    assert bridge.opened[0][0] is bridge.spans[0]
    span.end()


def test_native_spans_are_bounded_in_number(memory, monkeypatch):
    monkeypatch.setattr("spanbridge.tracing.bridging.MAX_OPEN_NATIVE_SPANS", 2)
    bridge = ToyBridge()
    sb.configure(store=False, exporters=[memory], bridge=bridge)
    with sb.agent_run("run"), sb.tool_call("search") as tool, sb.generic("one too many"):
        bridge.call("inside")

    assert bridge.parent_of("inside") == tool.span_id
    assert sb.stats()["ignored"] == {"bridge_overflow": 1}
    assert "one too many" in ended(memory)
