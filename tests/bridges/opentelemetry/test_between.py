"""Spans of the application's between two of ours: native parent, parent over OTLP, `external_parent_span_id` in the store."""

from __future__ import annotations

import threading

import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

import spanbridge as sb
from otlp_receivers import http_receiver
from spanbridge_opentelemetry import OpenTelemetryBridge
from spanbridge_otlp import OTLPExporter


def id_of(span) -> str:
    """The span id of an OpenTelemetry span, which may have ended."""
    return f"{span.get_span_context().span_id:016x}"


def foreign(name: str = "step"):
    """A block of the application's own that OpenTelemetry records."""
    return trace.get_tracer("framework").start_as_current_span(name)


def parents(otel) -> dict[str, str | None]:
    """The parent of each of OpenTelemetry's spans, by name."""
    spans = {span.context.span_id: span for span in otel.get_finished_spans()}
    return {span.name: span.parent and getattr(spans.get(span.parent.span_id), "name", "?") for span in spans.values()}


def stored(memory, count: int) -> dict[str, tuple[str | None, str | None]]:
    """Parent and external parent of each of our spans, by name."""
    return {span.name: (span.parent_span_id, span.external_parent_span_id) for span in memory.wait_for(count)}


def test_between_two_of_ours(bridged, otel, memory) -> None:
    """It is the native parent; the store keeps the nearest parent of ours, and names it beside."""
    with sb.agent_run("agent") as agent:
        with foreign("outer"), foreign("inner") as inner, sb.tool_call("tool") as tool, sb.generic("deep"):
            pass
        with sb.tool_call("beside"):
            pass
    sb.flush()

    assert parents(otel) == {
        "invoke_agent agent": None,
        "outer": "invoke_agent agent",
        "inner": "outer",
        "execute_tool tool": "inner",
        "deep": "execute_tool tool",
        "execute_tool beside": "invoke_agent agent",
    }
    assert stored(memory, 4) == {
        "agent": (None, None),
        "tool": (agent.span_id, id_of(inner)),
        "deep": (tool.span_id, None),
        "beside": (agent.span_id, None),
    }


@pytest.mark.parametrize("record", [True, False])
def test_over_otlp(record, provider, otel, tmp_path) -> None:
    """Over OTLP it is the parent too, whoever records; from the spans that arrived both parents are read back."""
    from spanbridge.conventions.reading import read_span

    trace.set_tracer_provider(provider)
    address = f"sqlite:///{tmp_path / 'traces.db'}"
    with http_receiver() as receiver:
        sb.configure(
            store=address,
            exporters=[OTLPExporter(endpoint=receiver.endpoint)],
            bridge=OpenTelemetryBridge(record=record),
        )
        with sb.agent_run("agent") as agent, foreign() as step, sb.tool_call("tool"):
            pass
        sb.flush()
        received = {span.name: span for span in receiver.wait_for(2)}
    tool = received["execute_tool tool"]
    trace_read = sb.open_store(address).get_trace(agent.trace_id)

    assert tool.parent_span_id == id_of(step)
    assert received["invoke_agent agent"].parent_span_id is None
    for span in (read_span(tool), next(span for span in trace_read.spans if span.name == "tool")):
        assert (span.parent_span_id, span.external_parent_span_id) == (agent.span_id, id_of(step))
    assert trace_read.root.name == "agent"


def test_what_does_not_stand_between(bridged, otel, memory) -> None:
    """A span that has ended, one of another trace, and one that is active elsewhere than under the parent are no parents."""
    tracer = trace.get_tracer("app")
    with sb.agent_run("agent") as agent:
        with trace.use_span(tracer.start_span("ended"), end_on_exit=False) as ended:
            ended.end()
            with sb.tool_call("after the end"):
                pass
        other = tracer.start_span("other trace", context.Context())
        with trace.use_span(other, end_on_exit=True), sb.tool_call("in another trace"):
            pass
        with sb.tool_call("holder") as holder:
            pass
        with foreign("step"), sb.tool_call("given", parent=holder):
            pass
    sb.flush()

    assert stored(memory, 5) == {
        "agent": (None, None),
        "after the end": (agent.span_id, None),
        "in another trace": (agent.span_id, None),
        "holder": (agent.span_id, None),
        "given": (holder.span_id, None),
    }


def test_one_that_is_not_recorded(memory) -> None:
    """A span that the application's sampler left out is in no backend: ours stay under ours."""
    provider = TracerProvider(sampler=ALWAYS_OFF)
    sb.configure(store=False, exporters=[memory], bridge=OpenTelemetryBridge(provider))
    with sb.agent_run("agent") as agent, provider.get_tracer("app").start_as_current_span("step"), sb.tool_call("tool"):
        pass

    assert stored(memory, 2)["tool"] == (agent.span_id, None)


def test_in_other_threads_and_generators(bridged, otel, memory) -> None:
    """Carried into a thread, and around a generator's body, what stands between is what was active there."""
    steps = {}

    def work() -> None:
        with foreign("in thread") as steps["thread"], sb.tool_call("thread tool"):
            pass

    @sb.tool_call
    def rows():
        with sb.generic("body"):
            yield 1

    with sb.agent_run("agent") as agent:
        thread = threading.Thread(target=sb.wrap_context(work))
        thread.start()
        thread.join()
        with foreign("around") as steps["around"]:
            assert list(rows()) == [1]
    spans = stored(memory, 4)

    assert spans["thread tool"] == (agent.span_id, id_of(steps["thread"]))
    assert spans["rows"] == (agent.span_id, id_of(steps["around"]))
    assert spans["body"][1] is None


def test_a_dropped_parent(provider, otel, memory) -> None:
    """Where a processor drops the parent, its children go to the next of ours."""
    trace.set_tracer_provider(provider)
    sb.configure(
        store=False,
        exporters=[memory],
        bridge="opentelemetry",
        processors=[lambda record: None if record.name == "dropped" else record],
    )
    with sb.agent_run("agent") as agent, sb.generic("dropped"), foreign(), sb.tool_call("tool"):
        pass
    sb.flush()

    assert stored(memory, 2)["tool"][0] == agent.span_id
