"""Each span a live OpenTelemetry span: ids, nesting, content, and providers of every kind."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import subprocess
import sys
import threading
import weakref
from typing import Any

import httpx
import pytest
import requests
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

import spanbridge as sb
from otlp_receivers import http_receiver
from spanbridge.conventions import genai
from spanbridge.conventions.writing import write_span
from spanbridge.model.span_types import SpanType
from spanbridge_opentelemetry import OpenTelemetryBridge
from spanbridge_otlp import OTLPExporter


def hex_id(span) -> str:
    """The span id of an OpenTelemetry span."""
    return f"{span.get_span_context().span_id:016x}"


def exported(otel) -> dict:
    """OpenTelemetry's ended spans by name."""
    sb.flush()
    return {span.name: span for span in otel.get_finished_spans()}


def app_span(name: str = "app") -> None:
    """A span that the application's own code records with OpenTelemetry."""
    with trace.get_tracer("app").start_as_current_span(name):
        pass


def test_one_trace_with_the_same_ids(bridged, otel, memory) -> None:
    """The application's spans, ours and what is called inside are one trace; ours have the same ids everywhere."""
    with trace.get_tracer("app").start_as_current_span("request") as request, sb.agent_run("support") as run:
        app_span("between")
        with sb.tool_call("search") as tool:
            app_span("inside")
    spans = exported(otel)
    recorded = {span.name: span for span in memory.wait_for(2)}

    assert {span.context.trace_id for span in spans.values()} == {request.get_span_context().trace_id}
    parents = {name: span.parent and f"{span.parent.span_id:016x}" for name, span in spans.items()}
    assert parents == {
        "request": None,
        "invoke_agent support": hex_id(request),
        "between": run.span_id,
        "execute_tool search": run.span_id,
        "inside": tool.span_id,
    }
    assert recorded["support"].external_parent_span_id == hex_id(request)
    assert recorded["search"].span_id == hex_id(spans["execute_tool search"])
    assert run.trace_id == f"{request.get_span_context().trace_id:032x}"


def test_a_root_keeps_the_trace_id_that_was_sampled_by(bridged, otel) -> None:
    """A root's trace id is ours; the application's own roots get theirs from its provider."""
    with sb.agent_run("given", trace_id="0af7651916cd43dd8448eb211c80319c"):
        pass
    app_span()
    spans = exported(otel)

    assert f"{spans['invoke_agent given'].context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert spans["app"].context.trace_id not in {0, spans["invoke_agent given"].context.trace_id}


def test_finished_with_processed_data_only(provider, otel, memory) -> None:
    """Name, attributes, events and errors are those that came out of the processors; before the end there is none."""
    trace.set_tracer_provider(provider)

    def shorten(record):
        record.output = "shortened"
        return record

    sb.configure(store=False, exporters=[memory], bridge="opentelemetry", processors=[shorten])
    key = "sk-proj-" + "a1B2c3D4e5" * 4
    with pytest.raises(ValueError), sb.tool_call("charge", input={"api_key": "hunter2"}, start_time=5_000) as tool:
        live = trace.get_current_span()
        assert dict(live.attributes) == {genai.SPAN_TYPE: "tool_call", genai.OPERATION: "execute_tool"}
        assert live.name == "tool_call"
        tool.event("asked", {"token": key})
        raise ValueError(f"refused {key}")
    (record,) = memory.wait_for(1)
    span = exported(otel)["execute_tool charge"]

    assert span.attributes["gen_ai.tool.call.arguments"] == '{"api_key":"[REDACTED]"}'
    assert span.attributes["gen_ai.tool.call.result"] == "shortened"
    assert (span.kind, span.status.status_code) == (SpanKind.INTERNAL, StatusCode.ERROR)
    asked, error = span.events
    assert error.attributes["exception.type"] == "ValueError"
    assert "ValueError: refused" in error.attributes["exception.stacktrace"]
    assert key not in span.to_json()
    assert "hunter2" not in span.to_json()
    assert asked.timestamp == record.events[0]["time"]
    assert (span.start_time, span.end_time) == (5_000, record.ended_at)


@pytest.mark.parametrize("deciding", [{}, {"operation": "query"}, {"operation_type": "recall"}])
@pytest.mark.parametrize("span_type", list(SpanType))
def test_as_over_otlp(span_type, deciding, provider, otel, memory) -> None:
    """A native span of any type has the name, kind and attributes that the OTLP exporter would send, and no others."""
    sb.configure(store=False, exporters=[memory], bridge=OpenTelemetryBridge(provider), include_model_chunks=True)
    with sb.span(span_type, "step", input={"q": "x"}, **deciding) as span:
        span.set(output=["a", "b"])
    (native,) = exported(otel).values()
    written = write_span(*memory.wait_for(1))

    assert (native.name, native.kind.name.lower()) == (written.name, written.kind)
    assert {
        key: list(value) if isinstance(value, tuple) else value for key, value in native.attributes.items()
    } == written.attributes


def test_what_is_dropped_has_no_content(provider, otel, memory) -> None:
    """A span that a processor drops ends without content at its recorded end, and says so."""
    ends: list[int | None] = []

    def drop(record: Any) -> None:
        ends.append(record.ended_at)

    trace.set_tracer_provider(provider)
    sb.configure(store=False, exporters=[memory], bridge="opentelemetry", processors=[drop])
    with sb.tool_call("secret", input="secret"):
        pass
    sb.flush()
    (span,) = otel.get_finished_spans()

    assert span.attributes["spanbridge.released"] == "processor"
    assert [span.end_time] == ends
    assert "secret" not in span.to_json()


def test_sampled_out_traces_start_nothing(provider, otel, memory) -> None:
    """A trace that is not recorded is not recorded by OpenTelemetry either."""
    trace.set_tracer_provider(provider)
    sb.configure(store=False, exporters=[memory], bridge="opentelemetry", sampling=0)
    with sb.agent_run("a"):
        pass

    assert exported(otel) == {}


def test_an_open_span_is_ended_at_shutdown(bridged, otel) -> None:
    """Everything that the bridge starts it ends."""
    sb.start_span(sb.SpanType.AGENT_RUN, "long")
    sb.shutdown()

    assert [span.status.description for span in otel.get_finished_spans()] == ["abandoned"]


# --- instrumentations ---------------------------------------------------------------------------------------------------


@pytest.fixture
def instrumented(bridged, provider):
    """httpx, requests and sqlite3 record spans by themselves."""
    instrumentors = [HTTPXClientInstrumentor(), RequestsInstrumentor(), SQLite3Instrumentor()]
    for instrumentor in instrumentors:
        instrumentor.instrument(tracer_provider=provider)
    yield
    for instrumentor in instrumentors:
        instrumentor.uninstrument()


async def test_what_instrumentations_record_nests(instrumented, otel) -> None:
    """HTTP calls and queries are children of the step that made them, and carry its context to the other side."""
    with http_receiver() as other:
        with sb.agent_run("support") as run:
            with sb.tool_call("sync") as sync:
                await asyncio.to_thread(requests.post, other.endpoint, timeout=5)
            async with sb.tool_call("async") as asynchronous, httpx.AsyncClient() as client:
                await client.post(other.endpoint)
            with sb.memory_operation("recall") as recall:
                with sqlite3.connect(":memory:") as connection:
                    connection.cursor().execute("SELECT 1")
                connection.close()
        sb.flush()
        headers = [request.headers["traceparent"].split("-") for request in other.requests]
    spans = otel.get_finished_spans()
    posts = [span for span in spans if span.name == "POST"]
    (query,) = [span for span in spans if span.name.startswith("SELECT")]

    assert [f"{span.parent.span_id:016x}" for span in posts] == [sync.span_id, asynchronous.span_id]
    assert f"{query.parent.span_id:016x}" == recall.span_id
    assert [(parts[1], parts[2]) for parts in headers] == [(run.trace_id, hex_id(span)) for span in posts]


def test_our_own_store_is_not_traced(instrumented, provider, otel, tmp_path) -> None:
    """Recording makes no spans: neither the store nor an exporter shows up."""
    with http_receiver() as receiver:
        sb.configure(
            store=f"sqlite:///{tmp_path / 'traces.db'}",
            exporters=[OTLPExporter(endpoint=receiver.endpoint)],
            bridge=OpenTelemetryBridge(record=True),
        )
        with sb.agent_run("support"):
            pass
        sb.flush()
        receiver.wait_for(1)
        sb.shutdown()

    assert [span.name for span in otel.get_finished_spans()] == ["invoke_agent support"]


# --- context ------------------------------------------------------------------------------------------------------------


def test_blocks_left_in_any_order(bridged, caplog) -> None:
    """Blocks that are left out of turn leave nothing active behind, and no word in the log."""
    outer, inner = sb.agent_run("outer"), sb.tool_call("inner")
    outer.__enter__()
    inner.__enter__()
    outer.__exit__(None, None, None)
    assert hex_id(trace.get_current_span()) == inner.span_id
    inner.__exit__(None, None, None)

    assert trace.get_current_span() is trace.INVALID_SPAN
    assert caplog.records == []


def test_baggage_and_foreign_spans_stay(bridged) -> None:
    """What the application puts into OpenTelemetry's context around our block is there again after it."""
    token = context.attach(baggage.set_baggage("tenant", "t1"))
    with trace.get_tracer("app").start_as_current_span("app") as span:
        with sb.agent_run("run"):
            assert baggage.get_baggage("tenant") == "t1"
        assert trace.get_current_span() is span
    context.detach(token)

    assert baggage.get_baggage("tenant") is None


async def test_tasks(bridged, otel) -> None:
    """Tasks that run side by side each see their own span."""

    async def work(name: str) -> str:
        async with sb.tool_call(name) as tool:
            await asyncio.sleep(0)
            app_span(f"inside {name}")
            await asyncio.sleep(0)
            return tool.span_id

    with sb.agent_run("run"):
        ids = await asyncio.gather(work("a"), work("b"), asyncio.create_task(work("c")))
    spans = exported(otel)

    assert [f"{spans[f'inside {name}'].parent.span_id:016x}" for name in "abc"] == ids


def test_generators_rest_without_their_span(bridged, otel) -> None:
    """While a generator rests its span is not active; inside its body it is."""

    @sb.tool_call
    def rows():
        app_span("body 1")
        yield 1
        app_span("body 2")
        yield 2

    with sb.agent_run("run") as run:
        for number in rows():
            app_span(f"consumer {number}")
    app_span("after")
    spans = exported(otel)
    own = hex_id(spans["execute_tool rows"])

    parents = {name: span.parent and f"{span.parent.span_id:016x}" for name, span in spans.items()}
    assert (parents["body 1"], parents["body 2"]) == (own, own)
    assert (parents["consumer 1"], parents["consumer 2"]) == (run.span_id, run.span_id)
    assert parents["after"] is None


def test_blocks_of_the_application_in_generators(bridged, otel) -> None:
    """A span of the application's that is active while a generator rests leaves nothing of ours behind when it ends."""

    @sb.tool_call
    def rows():
        with trace.get_tracer("app").start_as_current_span("page"):
            yield 1
            yield 2

    with sb.agent_run("run") as run:
        assert list(rows()) == [1, 2]
        app_span("later")
    app_span("after")
    spans = exported(otel)

    assert f"{spans['later'].parent.span_id:016x}" == run.span_id
    assert spans["after"].parent is None


async def test_blocks_in_async_generators(bridged, otel) -> None:
    """A block inside a generator's body that rests is not active for who consumes it."""

    async def tokens():
        with sb.model_generation(model="m"):
            yield "a"
            app_span("body")
            yield "b"

    with trace.get_tracer("app").start_as_current_span("request") as request:
        async for token in tokens():
            app_span(f"consumer {token}")
    gc.collect()
    spans = exported(otel)

    assert f"{spans['body'].parent.span_id:016x}" == hex_id(spans["chat m"])
    assert f"{spans['consumer a'].parent.span_id:016x}" == hex_id(request)
    assert f"{spans['consumer b'].parent.span_id:016x}" == hex_id(request)


def test_work_in_other_threads(bridged, otel) -> None:
    """What `wrap_context` carries along is active there too."""
    with sb.agent_run("run") as run:
        thread = threading.Thread(target=sb.wrap_context(lambda: app_span("in thread")))
        thread.start()
        thread.join()

    assert f"{exported(otel)['in thread'].parent.span_id:016x}" == run.span_id


def test_incoming_context_continues(bridged, otel, memory) -> None:
    """A context that the application's propagator read is the parent; ours goes out by it."""
    headers = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": "v=1"}
    token = context.attach(propagate.extract(headers))
    with sb.agent_run("run") as run:
        sent: dict[str, str] = {}
        propagate.inject(sent)
        ours = sb.inject({})
    context.detach(token)
    with sb.extract(headers), sb.agent_run("other"):
        pass
    spans = exported(otel)

    assert run.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert sent["traceparent"] == ours["traceparent"] == f"00-{run.trace_id}-{run.span_id}-01"
    assert sent["tracestate"] == "v=1"
    for name in ("run", "other"):
        assert f"{spans[f'invoke_agent {name}'].parent.span_id:016x}" == "b7ad6b7169203331"
    assert {record.external_parent_span_id for record in memory.wait_for(2)} == {"b7ad6b7169203331"}


@pytest.mark.parametrize("record", [True, False])
def test_nothing_waits_for_the_garbage_collector(record, provider, otel) -> None:
    """A native span is freed when it has ended: in a circle of references each would stay until a collection, and cost one."""
    sb.configure(store=False, bridge=OpenTelemetryBridge(provider, record=record))
    gc.collect()
    gc.disable()
    try:
        with sb.agent_run("run"), sb.tool_call("tool"):
            freed = weakref.ref(trace.get_current_span())
        sb.flush()

        assert freed() is None
    finally:
        gc.enable()


# --- providers ----------------------------------------------------------------------------------------------------------


def test_no_provider(memory) -> None:
    """Without a TracerProvider spans are recorded as ever, and are OpenTelemetry's context all the same."""
    sb.configure(store=False, exporters=[memory], bridge="opentelemetry")
    with sb.agent_run("run") as run, sb.tool_call("tool") as tool:
        assert hex_id(trace.get_current_span()) == tool.span_id
        sent: dict[str, str] = {}
        propagate.inject(sent)
    root, child = sorted(memory.wait_for(2), key=lambda record: record.started_at)

    assert sent["traceparent"] == f"00-{run.trace_id}-{tool.span_id}-01"
    assert (root.span_id, child.parent_span_id) == (run.span_id, run.span_id)
    assert root.span_id != child.span_id


def test_a_provider_that_is_set_later(provider, otel, memory) -> None:
    """From when it is set, it is used; also for children of spans that began before."""
    sb.configure(store=False, exporters=[memory], bridge="opentelemetry")
    with sb.agent_run("before") as before:
        trace.set_tracer_provider(provider)
        with sb.tool_call("after"):
            app_span()
    spans = exported(otel)

    assert set(spans) == {"execute_tool after", "app"}
    assert f"{spans['execute_tool after'].parent.span_id:016x}" == before.span_id


def test_a_provider_of_its_own(provider, otel, memory) -> None:
    """A provider may be given; the global one is left alone."""
    sb.configure(store=False, exporters=[memory], bridge=OpenTelemetryBridge(provider))
    with sb.agent_run("run"):
        pass

    assert set(exported(otel)) == {"invoke_agent run"}
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def test_a_provider_that_was_shut_down(bridged, provider, otel, memory) -> None:
    """Spans go on being recorded by us; the application notices nothing."""
    provider.shutdown()
    with sb.agent_run("run") as run, sb.tool_call("tool"):
        pass

    assert {record.trace_id for record in memory.wait_for(2)} == {run.trace_id}
    assert sb.stats()["ignored"] == {}


def test_an_sdk_that_is_switched_off(monkeypatch, memory) -> None:
    """OTEL_SDK_DISABLED switches OpenTelemetry off, and not us."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    trace.set_tracer_provider(TracerProvider())
    sb.configure(store=False, exporters=[memory], bridge="opentelemetry")
    with sb.agent_run("run"), sb.tool_call("tool"):
        pass

    assert len({record.span_id for record in memory.wait_for(2)}) == 2
    assert sb.stats()["ignored"] == {}


def test_a_provider_that_samples_nothing(otel, memory) -> None:
    """The provider's sampler holds for what it exports; ours holds for what we record. The ids agree."""
    provider = TracerProvider(sampler=ALWAYS_OFF)
    provider.add_span_processor(SimpleSpanProcessor(otel))
    sb.configure(store=False, exporters=[memory], bridge=OpenTelemetryBridge(provider))
    with sb.agent_run("run") as run:
        assert hex_id(trace.get_current_span()) == run.span_id

    assert exported(otel) == {}
    assert memory.wait_for(1)[0].span_id == run.span_id


def test_a_provider_whose_processor_raises(otel, memory, contained_places) -> None:
    """A span processor of the application's that raises costs nobody a span of ours."""

    class Broken(SimpleSpanProcessor):
        def on_start(self, span, parent_context=None):
            raise RuntimeError("broken")

    provider = TracerProvider()
    provider.add_span_processor(Broken(otel))
    sb.configure(store=False, exporters=[memory], bridge=OpenTelemetryBridge(provider))
    with sb.agent_run("run"):
        pass

    assert memory.wait_for(1)
    assert sb.stats()["ignored"] == {"bridge_error": 1}


def test_no_double_export(provider, otel, tmp_path) -> None:
    """With the OTLP exporter on, it sends our spans, the provider sends the application's: each span once, in one trace."""
    trace.set_tracer_provider(provider)
    with http_receiver() as receiver:
        sb.configure(
            store=f"sqlite:///{tmp_path / 'traces.db'}",
            exporters=[OTLPExporter(endpoint=receiver.endpoint)],
            bridge="opentelemetry",
        )
        with trace.get_tracer("app").start_as_current_span("request") as request, sb.agent_run("support") as run:
            app_span("inside")
        sb.flush()
        (ours,) = receiver.wait_for(1)
    spans = exported(otel)
    stored = sb.open_store(f"sqlite:///{tmp_path / 'traces.db'}").get_trace(run.trace_id)

    assert set(spans) == {"request", "inside"}
    assert f"{spans['inside'].parent.span_id:016x}" == ours.span_id == run.span_id == stored.root.span_id
    assert ours.parent_span_id == hex_id(request)
    assert ours.trace_id == f"{spans['inside'].context.trace_id:032x}"


def test_both_where_both_are_wanted(provider, otel) -> None:
    """`record=True` lets the provider record too, for another backend."""
    with http_receiver() as receiver:
        sb.configure(
            store=False,
            exporters=[OTLPExporter(endpoint=receiver.endpoint)],
            bridge=OpenTelemetryBridge(provider, record=True),
        )
        with sb.agent_run("support"):
            pass
        sb.flush()

        assert receiver.wait_for(1)[0].span_id == hex_id(exported(otel)["invoke_agent support"])


def test_the_last_flush_reaches_the_backend(memory) -> None:
    """A flush of ours is one of the provider's too: it exports what has ended."""
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    otel = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(otel, schedule_delay_millis=60_000))
    sb.configure(store=False, exporters=[memory], bridge=OpenTelemetryBridge(provider))
    with sb.agent_run("run"):
        pass
    sb.flush()

    assert [span.name for span in otel.get_finished_spans()] == ["invoke_agent run"]
    provider.shutdown()


def test_doctor(provider) -> None:
    """The doctor says which provider is used, and what to do where there is none."""
    from spanbridge.configuration.doctor import examine

    def check():
        checks = examine({"bridge": "opentelemetry", "store": False})
        return next(item for item in checks if item.part == "bridge: TracerProvider")

    without = check()
    trace.set_tracer_provider(provider)

    assert (without.state, "set_tracer_provider" in without.fix) == ("off", True)
    assert (check().state, check().why) == ("on", "opentelemetry.sdk.trace.TracerProvider")


def test_doctor_says_where_nothing_is_recorded(provider) -> None:
    """Beside an OTLP exporter the provider records nothing, and the doctor says how to change it."""
    from spanbridge.configuration.doctor import examine

    with http_receiver() as receiver:
        exporter = OTLPExporter(endpoint=receiver.endpoint)
        checks = examine({"bridge": OpenTelemetryBridge(provider), "exporters": [exporter], "store": False})
    check = next(item for item in checks if item.part == "bridge: recording")

    assert (check.state, "record=True" in check.fix) == ("off", True)


DDTRACE = """
import os
os.environ.update(
    DD_TRACE_OTEL_ENABLED="true",
    DD_TRACE_STARTUP_LOGS="false",
    DD_INSTRUMENTATION_TELEMETRY_ENABLED="false",
    DD_REMOTE_CONFIGURATION_ENABLED="false",
    DD_TRACE_AGENT_URL="http://127.0.0.1:9",
    DD_TRACE_ENABLED="true",
)
import ddtrace
from ddtrace.opentelemetry import TracerProvider
from opentelemetry import trace
import spanbridge as sb

trace.set_tracer_provider(TracerProvider())
memory = sb.InMemoryExporter()
sb.configure(store=False, exporters=[memory], bridge="opentelemetry")
with trace.get_tracer("app").start_as_current_span("request") as request:
    with sb.agent_run("support") as run:
        with sb.tool_call("search", input={"q": "x"}) as tool:
            active = ddtrace.tracer.current_span()
            assert f"{active.span_id:016x}" == tool.span_id, (active, tool.span_id)
            assert f"{active.trace_id:032x}" == tool.trace_id
            child = ddtrace.tracer.trace("query")
            child.finish()
    assert ddtrace.tracer.current_span().span_id == request.get_span_context().span_id
assert ddtrace.tracer.current_span() is None
with sb.agent_run("root") as root:
    assert ddtrace.tracer.current_span().span_id == int(root.span_id, 16)
assert ddtrace.tracer.current_span() is None
later = ddtrace.tracer.trace("later")
later.finish()
assert later.parent_id in (None, 0) and later.trace_id not in (0, int(root.trace_id, 16)), later
sb.flush()
records = {record.name: record for record in memory.wait_for(3)}
assert records["root"].external_parent_span_id is None
assert f"{child.parent_id:016x}" == records["search"].span_id
assert records["search"].parent_span_id == records["support"].span_id
assert records["support"].external_parent_span_id == f"{request.get_span_context().span_id:016x}"
assert active.finished and active.get_tag("gen_ai.tool.name") == "search", active
assert sb.stats()["ignored"] == {}, sb.stats()
"""


def test_ddtraces_provider() -> None:
    """ddtrace's own TracerProvider serves too: our spans are Datadog's, and what ddtrace records nests under them."""
    pytest.importorskip("ddtrace.version")

    result = subprocess.run([sys.executable, "-c", DDTRACE], capture_output=True, text=True, check=False, timeout=60)

    assert result.returncode == 0, result.stderr
