"""The application's TracerProvider: flushed in time, shut down at any time, set at any time, and never asked for more than it records."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ConcurrentMultiSpanProcessor, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, TraceIdRatioBased

import spanbridge as sb
from otlp_receivers import http_receiver
from spanbridge_opentelemetry import OpenTelemetryBridge
from spanbridge_otlp import OTLPExporter


def exported(otel) -> list[str]:
    """The names of OpenTelemetry's ended spans."""
    return sorted(span.name for span in otel.get_finished_spans())


def examined(**settings) -> dict[str, tuple[str, str]]:
    """What the doctor says of the bridge: state and fix by part."""
    from spanbridge.configuration.doctor import examine

    checks = examine({"bridge": "opentelemetry", "store": False, **settings})
    return {check.part: (check.state, check.fix) for check in checks if check.part.startswith("bridge")}


# --- flush and shutdown -------------------------------------------------------------------------------------------------


class Stalling(SpanExporter):
    """A receiver that does not answer before it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def export(self, spans):
        self.let_go.wait(30)
        return SpanExportResult.SUCCESS


@pytest.fixture
def stalling():
    exporter = Stalling()
    yield exporter
    exporter.let_go.set()


@pytest.mark.parametrize("stop", [sb.flush, sb.shutdown])
def test_a_provider_that_stalls(stop, stalling) -> None:
    """`flush` and `shutdown` come back at their deadline and say that not all went out; nothing waits for the provider's exporter."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(stalling))
    sb.configure(store=False, bridge=OpenTelemetryBridge(provider))
    with sb.agent_run("a"):
        pass

    assert stop(timeout=0.3) is False
    assert not stalling.let_go.is_set()


def test_flushes_do_not_pile_up(stalling) -> None:
    """A flush that is still under way is waited for, and no second one begins beside it; after it all is well."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(stalling))
    sb.configure(store=False, bridge=OpenTelemetryBridge(provider))
    with sb.agent_run("a"):
        pass
    for _ in range(3):
        assert sb.flush(timeout=0.1) is False
    flushing = [thread for thread in threading.enumerate() if thread.name == "spanbridge-provider-flush"]
    assert len(flushing) == 1

    stalling.let_go.set()
    flushing[0].join(10)

    assert sb.flush() is True


def test_a_provider_whose_flush_fails(memory, contained_places) -> None:
    """What its processors raise is contained, and the flush says that it did not succeed."""

    class Broken(SimpleSpanProcessor):
        def force_flush(self, timeout_millis=0):
            raise RuntimeError("broken")

    provider = TracerProvider()
    provider.add_span_processor(Broken(Stalling()))
    sb.configure(store=False, exporters=[memory], bridge=OpenTelemetryBridge(provider))

    assert sb.flush() is False
    assert sb.shutdown() is False
    assert "flushing the TracerProvider" in contained_places()


@pytest.mark.parametrize(
    ("answers", "is_done", "count"), [([True], True, 1), ([False, True], True, 2), ([False], False, 2)]
)
def test_the_last_flush(answers, is_done, count, memory) -> None:
    """A shutdown flushes the provider once; again only where that did not get through, and then it says how that went."""
    asked = []

    class Asked(SimpleSpanProcessor):
        def force_flush(self, timeout_millis=0):
            asked.append(timeout_millis)
            return answers[min(len(asked), len(answers)) - 1]

    provider = TracerProvider()
    provider.add_span_processor(Asked(Stalling()))
    sb.configure(store=False, exporters=[memory], bridge=OpenTelemetryBridge(provider))

    assert sb.shutdown() is is_done
    assert len(asked) == count


def test_the_providers_own_flush_and_shutdown(provider, otel) -> None:
    """`provider.force_flush()` and `provider.shutdown()` at the end of a program wait for our spans that have ended."""
    trace.set_tracer_provider(provider)
    sb.configure(store=False, bridge="opentelemetry")
    for number in range(20):
        with sb.agent_run(f"a{number}"):
            pass
    assert provider.force_flush() is True
    assert len(exported(otel)) == 20
    with sb.agent_run("last"):
        pass

    provider.shutdown()

    assert "invoke_agent last" in exported(otel)
    assert sb.stats()["bridge"].get("not_recorded") is None


def test_a_provider_with_another_order(otel) -> None:
    """Where span processors have no order nothing can stand before them: nothing breaks, and the doctor says what to do."""
    provider = TracerProvider(active_span_processor=ConcurrentMultiSpanProcessor())
    provider.add_span_processor(SimpleSpanProcessor(otel))
    trace.set_tracer_provider(provider)
    sb.configure(store=False, bridge="opentelemetry")
    with sb.agent_run("a"):
        pass
    assert sb.flush() is True
    assert provider.force_flush() is True

    assert exported(otel) == ["invoke_agent a"]
    assert examined()["bridge: flush"] == ("off", "call spanbridge.flush() before them")
    provider.shutdown()


def test_nothing_of_ours_stays_in_the_provider(provider) -> None:
    """A configuration that is over leaves the provider's span processors as it found them."""
    before = provider._active_span_processor._span_processors
    for _ in range(3):
        sb.configure(store=False, bridge=OpenTelemetryBridge(provider))
        with sb.agent_run("a"):
            pass
    sb.shutdown()

    assert provider._active_span_processor._span_processors == before


def test_first_spans_in_several_threads(otel, memory) -> None:
    """Spans that start at once, the first of a provider, have it asked once; it is left as it was found."""
    meeting = threading.Barrier(2)

    class Slow(TracerProvider):
        def get_tracer(self, *args, **options):
            with suppress(threading.BrokenBarrierError):
                meeting.wait(0.2)
            return super().get_tracer(*args, **options)

    provider = Slow(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(otel))
    before = provider._active_span_processor._span_processors
    sb.configure(store=False, exporters=[memory], bridge=OpenTelemetryBridge(provider))

    def run() -> None:
        with sb.agent_run("a"):
            pass

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sb.shutdown()

    assert exported(otel) == ["invoke_agent a"] * 2
    assert provider._active_span_processor._span_processors == before


def test_a_provider_that_looks_at_its_span_processors(otel) -> None:
    """What stands in the provider is a span processor of the SDK's: with every method that a release of it may call."""

    class Strict(TracerProvider):
        def add_span_processor(self, span_processor):
            if not isinstance(span_processor, SpanProcessor):
                raise TypeError(span_processor)
            super().add_span_processor(span_processor)

    provider = Strict(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(otel))
    sb.configure(store=False, bridge=OpenTelemetryBridge(provider))
    with sb.agent_run("a"):
        pass
    assert provider.force_flush() is True

    assert exported(otel) == ["invoke_agent a"]
    assert sb.stats()["ignored"] == {}


# --- a provider that was shut down --------------------------------------------------------------------------------------


@pytest.mark.parametrize("known_before", [True, False])
@pytest.mark.parametrize("processor", [SimpleSpanProcessor, BatchSpanProcessor])
def test_shut_down(processor, known_before, otel, memory, caplog) -> None:
    """Spans go on as contexts, one line says so and how to mend it, each is counted, and the doctor knows."""
    provider = TracerProvider()
    provider.add_span_processor(processor(otel))
    trace.set_tracer_provider(provider)
    if not known_before:
        provider.shutdown()
    sb.configure(store=False, exporters=[memory], bridge="opentelemetry")
    if known_before:
        with sb.agent_run("before"):
            pass
        provider.shutdown()
    for _ in range(3):
        with sb.agent_run("after") as run, sb.tool_call("tool"):
            context = trace.get_current_span().get_span_context()
            assert f"{context.trace_id:032x}" == run.trace_id
    sb.flush()

    assert exported(otel) == (["invoke_agent before"] if known_before else [])
    assert sb.stats()["bridge"]["not_recorded"] == {"provider_shut_down": 6}
    assert sb.stats()["ignored"] == {}
    (line,) = caplog.messages
    assert "the TracerProvider was shut down" in line
    state, fix = examined()["bridge: TracerProvider"]
    assert (state, "after the last span" in fix) == ("problem", True)


def test_shut_down_while_a_span_is_open(provider, otel, memory) -> None:
    """A span that was open then is counted too, and is over for whoever holds it."""
    trace.set_tracer_provider(provider)
    sb.configure(store=False, exporters=[memory], bridge="opentelemetry")
    with sb.agent_run("open"):
        held = trace.get_current_span()
        provider.shutdown()
    sb.flush()

    assert exported(otel) == []
    assert not held.is_recording()
    assert sb.stats()["bridge"]["not_recorded"] == {"provider_shut_down": 1}


# --- set late -----------------------------------------------------------------------------------------------------------

AT_EXIT = """
import sys
import spanbridge as sb
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor

def set_provider():
    provider = TracerProvider()
    for processor in (BatchSpanProcessor, SimpleSpanProcessor):
        told = processor.__name__
        exporter = ConsoleSpanExporter(formatter=lambda span, told=told: f"{told}: {span.name}\\n")
        provider.add_span_processor(processor(exporter))
    trace.set_tracer_provider(provider)

if sys.argv[1] == "before":
    set_provider()
sb.configure(store=False, bridge="opentelemetry")
if sys.argv[1] == "after a span":
    with sb.agent_run("early"):
        pass
if sys.argv[1] != "before":
    set_provider()
with sb.agent_run("a"):
    with sb.tool_call("t"):
        with trace.get_tracer("app").start_as_current_span("inside"):
            pass
"""


@pytest.mark.parametrize("when", ["before", "after", "after a span"])
def test_what_ends_just_before_exit(when) -> None:
    """Spans that end just before the process does reach the provider, whenever it was set, and all its span processors."""
    command = [sys.executable, "-c", AT_EXIT, when]

    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    assert sorted(result.stdout.split("\n")[:-1]) == [
        f"{processor}: {name}"
        for processor in ("BatchSpanProcessor", "SimpleSpanProcessor")
        for name in ("execute_tool t", "inside", "invoke_agent a")
    ]
    assert "shutdown" not in result.stderr


# --- what it records ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["otlp", "otlp-eu", "collector", "langfuse"])
@pytest.mark.parametrize("routed", [False, True])
def test_an_otlp_exporter_of_any_name(name, routed, provider, otel) -> None:
    """No span goes out twice: what an exporter sends decides, and not what it is called."""
    with http_receiver() as receiver:
        exporter = OTLPExporter(endpoint=receiver.endpoint, name=name)
        settings = {"exporters": [sb.route(exporter, sampling=1.0) if routed else exporter]}
        sb.configure(store=False, bridge=OpenTelemetryBridge(provider), **settings)
        with sb.agent_run("support"):
            pass
        sb.flush()

        assert len(receiver.wait_for(1)) == 1
        assert exported(otel) == []
        assert examined(**settings)["bridge: recording"][0] == "off"


def test_an_exporter_that_is_merely_called_so(provider, otel, memory) -> None:
    """An exporter of the application's that has the name sends no OTLP."""
    memory.name = "otlp-like"
    sb.configure(store=False, exporters=[memory], bridge=OpenTelemetryBridge(provider))
    with sb.agent_run("support"):
        pass
    sb.flush()

    assert exported(otel) == ["invoke_agent support"]


@pytest.mark.parametrize(
    ("sampler", "expected"),
    [
        (ALWAYS_ON, 20),
        (ALWAYS_OFF, 0),
        (ParentBased(ALWAYS_OFF), 0),
        (ParentBased(TraceIdRatioBased(0.0)), 0),
        (ParentBased(TraceIdRatioBased(1.0)), 20),
        (TraceIdRatioBased(0.0), 0),
    ],
)
@pytest.mark.parametrize("record", [True, False])
def test_the_applications_sampler_holds(sampler, expected, record, otel, memory) -> None:
    """What the provider exports inside our spans is what its own sampler takes, whether it records ours or not; we record all."""
    provider = TracerProvider(sampler=sampler)
    provider.add_span_processor(SimpleSpanProcessor(otel))
    sb.configure(store=False, exporters=[memory], bridge=OpenTelemetryBridge(provider, record=record))
    for _ in range(20):
        with sb.agent_run("a"), provider.get_tracer("app").start_as_current_span("inside"), sb.tool_call("t"):
            pass
    sb.flush()

    assert exported(otel).count("inside") == expected
    assert exported(otel).count("invoke_agent a") == (expected if record else 0)
    assert len(memory.wait_for(40)) == 40


def test_scope_and_status(provider, otel) -> None:
    """The scope has our version, and a span that succeeded leaves its status to the application."""
    sb.configure(store=False, bridge=OpenTelemetryBridge(provider))
    with sb.agent_run("a"):
        pass
    sb.flush()
    (span,) = otel.get_finished_spans()

    assert (span.instrumentation_scope.name, bool(span.instrumentation_scope.version)) == ("spanbridge", True)
    assert span.status.status_code is trace.StatusCode.UNSET


@pytest.mark.parametrize("many", ["metadata", "attributes", "both"])
def test_many_attributes(many, provider, otel, memory, caplog) -> None:
    """Where a span has more than the SDK keeps, nothing conventional goes for it, and nothing of it is lost."""
    sb.configure(store=False, exporters=[memory], bridge=OpenTelemetryBridge(provider))
    values = {f"key.{number}": number for number in range(200)}
    metadata = values if many != "attributes" else {"tenant": "t1"}
    attributes = values if many != "metadata" else {"own": 1}
    with sb.agent_run("a", input="hello", agent_id="a1", metadata=metadata, **attributes) as run:
        run.set(output="hi")
    sb.flush()
    (span,) = otel.get_finished_spans()
    (recorded,) = memory.wait_for(1)

    assert span.dropped_attributes == 0
    assert caplog.messages == []
    assert {"gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.agent.id", "spanbridge.span.type"} <= set(
        span.attributes
    )
    assert (recorded.metadata, recorded.attributes) == (metadata, {"agent_id": "a1", **attributes})
