"""Who traces the workload: the same turns, carried by nothing, by the OpenTelemetry SDK and by spanbridge.

Variants are data (`OTEL_EXPORTERS`, `SPANBRIDGE_SETTINGS`); modules load with the peer that needs them, in the process that measures it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from benchmarks.sink import running_sink
from benchmarks.workload import INSTRUCTIONS, MODEL, PROVIDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.workload import MemoryOperation, ModelCall, ToolCall, Turn

NOTHING = "nothing"
OTEL_NOOP = "otel:noop"
OTEL_OTLP = "otel:otlp"
SPANBRIDGE = "spanbridge"
WITHOUT_STORE = "spanbridge, no store"
WITHOUT_FILTER = "spanbridge, no filter"
WITHOUT_BOTH = "spanbridge, neither"
WITH_STDLIB_RE = "spanbridge, stdlib re"

SPANBRIDGE_SETTINGS: dict[str, dict[str, Any]] = {
    SPANBRIDGE: {},
    WITHOUT_STORE: {"store": False},
    WITHOUT_FILTER: {"sensitive_data": False},
    WITHOUT_BOTH: {"store": False, "sensitive_data": False},
    WITH_STDLIB_RE: {},
}
"""What each variant changes of the default configuration, in which the store is a fresh file."""

AGENT = "support"
FLUSH_TIMEOUT_S = 60.0


class Peer(Protocol):
    """A tracer at work."""

    def turn(self, turn: Turn) -> None:
        """Records one turn of 8 spans."""
        ...

    def in_agent_run(self, body: Callable[[], None]) -> None:
        """Calls `body` while an agent run is open."""
        ...

    def tool_call(self, call: ToolCall) -> None:
        """Records one tool call."""
        ...

    def flush(self) -> None:
        """Waits until all is delivered."""
        ...

    def account(self) -> dict[str, int]:
        """Spans offered, delivered and dropped so far; exact after `close`."""
        ...

    def close(self) -> None:
        """Ends the tracer and what was started for it."""
        ...


def open_peer(name: str, **settings: Any) -> Peer:
    """The peer of that name; `settings` are added to spanbridge's configuration."""
    if name == NOTHING:
        return Nothing()
    if name in OTEL_EXPORTERS:
        return OpenTelemetry(OTEL_EXPORTERS[name])
    if name == WITH_STDLIB_RE:
        sys.modules["re2"] = None  # type: ignore[assignment] - how a platform without its wheel looks
    return Spanbridge({**SPANBRIDGE_SETTINGS[name], **settings})


class Nothing:
    """The harness: the calls, and nothing in them."""

    def turn(self, turn: Turn) -> None:
        pass

    def in_agent_run(self, body: Callable[[], None]) -> None:
        body()

    def tool_call(self, call: ToolCall) -> None:
        pass

    def flush(self) -> None:
        pass

    def account(self) -> dict[str, int]:
        return {"offered": 0, "delivered": 0, "dropped": 0}

    def close(self) -> None:
        pass


class Spanbridge:
    """The public openers with keyword attributes."""

    def __init__(self, settings: dict[str, Any]) -> None:
        import spanbridge as sb

        self._cleanup = ExitStack()
        if "store" not in settings:
            folder = Path(self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="spanbridge-benchmark-")))
            settings = {**settings, "store": f"sqlite:///{folder / 'traces.db'}"}
        self._observability = sb.configure(service_name="benchmark", **settings)
        self._sb = sb

    def turn(self, turn: Turn) -> None:
        sb = self._sb
        with sb.agent_run(
            AGENT,
            input=turn.question,
            agent_id="support-v3",
            instructions=INSTRUCTIONS,
            session_id=turn.session_id,
            metadata={"tenant": turn.tenant},
            tags=["vip"],
        ) as run:
            self._memory("recall", turn.recall)
            self._generation(turn.choice)
            with sb.workflow_step("gather", input=turn.step_input, step_id="gather-1") as step:
                for call in turn.tools:
                    self.tool_call(call)
                step.set(output=turn.step_output, status="success")
            self._generation(turn.answer)
            self._memory("save", turn.save)
            run.set(output=turn.reply)

    def in_agent_run(self, body: Callable[[], None]) -> None:
        with self._sb.agent_run(AGENT, agent_id="support-v3"):
            body()

    def tool_call(self, call: ToolCall) -> None:
        with self._sb.tool_call(
            call.name, input=call.arguments, tool_call_id=call.call_id, tool_type="function"
        ) as tool:
            tool.set(output=call.result, success=True)

    def _memory(self, name: str, operation: MemoryOperation) -> None:
        with self._sb.memory_operation(name, input=operation.query) as memory:
            memory.set(output=operation.result)

    def _generation(self, call: ModelCall) -> None:
        sb = self._sb
        with sb.model_generation(
            model=MODEL, provider=PROVIDER, input=call.messages, parameters={"temperature": 0.2, "max_tokens": 1024}
        ) as generation:
            generation.set(
                output=call.answer,
                usage=sb.Usage(input_tokens=call.input_tokens, output_tokens=call.output_tokens),
                finish_reason=call.finish_reason,
                response_model=MODEL,
            )

    def flush(self) -> None:
        if not self._observability.flush(FLUSH_TIMEOUT_S):
            raise RuntimeError(f"spanbridge did not flush in {FLUSH_TIMEOUT_S} s: {self._observability.stats()}")

    def account(self) -> dict[str, int]:
        spans = self._observability.stats()["spans"]
        return {
            "offered": spans["started"],
            "delivered": spans["stored"],
            "dropped": sum(spans["dropped"].values()) + spans["abandoned"] + spans["open"],
        }

    def close(self) -> None:
        self._observability.shutdown(FLUSH_TIMEOUT_S)
        self._cleanup.close()


class OpenTelemetry:
    """Spans made by hand after OpenTelemetry's GenAI conventions, their content JSON in attributes, behind a BatchSpanProcessor."""

    def __init__(self, make_exporter: Callable[[ExitStack], Any]) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._cleanup = ExitStack()
        self.exporter = make_exporter(self._cleanup)
        self._provider = TracerProvider(resource=Resource.create({"service.name": "benchmark"}))
        self._provider.add_span_processor(BatchSpanProcessor(self.exporter))
        self._tracer = self._provider.get_tracer("benchmark")
        self._offered = 0

    def turn(self, turn: Turn) -> None:
        self._offered += 8
        with self._tracer.start_as_current_span(
            f"invoke_agent {AGENT}",
            attributes={
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": AGENT,
                "gen_ai.agent.id": "support-v3",
                "gen_ai.conversation.id": turn.session_id,
                "gen_ai.system_instructions": INSTRUCTIONS,
                "gen_ai.input.messages": json.dumps(turn.question),
                "tenant": turn.tenant,
                "tags": ["vip"],
            },
        ) as run:
            self._memory("recall", turn.recall)
            self._generation(turn.choice)
            with self._tracer.start_as_current_span(
                "gather",
                attributes={"workflow.step.id": "gather-1", "workflow.step.input": json.dumps(turn.step_input)},
            ) as step:
                for call in turn.tools:
                    self._call(call)
                step.set_attribute("workflow.step.output", json.dumps(turn.step_output))
                step.set_attribute("workflow.step.status", "success")
            self._generation(turn.answer)
            self._memory("save", turn.save)
            run.set_attribute("gen_ai.output.messages", json.dumps(turn.reply))

    def in_agent_run(self, body: Callable[[], None]) -> None:
        self._offered += 1
        with self._tracer.start_as_current_span(f"invoke_agent {AGENT}", attributes={"gen_ai.agent.id": "support-v3"}):
            body()

    def tool_call(self, call: ToolCall) -> None:
        self._offered += 1
        self._call(call)

    def _call(self, call: ToolCall) -> None:
        with self._tracer.start_as_current_span(
            f"execute_tool {call.name}",
            attributes={
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": call.name,
                "gen_ai.tool.type": "function",
                "gen_ai.tool.call.id": call.call_id,
                "gen_ai.tool.call.arguments": json.dumps(call.arguments),
            },
        ) as span:
            span.set_attribute("gen_ai.tool.call.result", json.dumps(call.result))
            span.set_attribute("success", value=True)

    def _memory(self, name: str, operation: MemoryOperation) -> None:
        with self._tracer.start_as_current_span(
            name, attributes={"gen_ai.operation.name": name, "memory.input": json.dumps(operation.query)}
        ) as span:
            span.set_attribute("memory.output", json.dumps(operation.result))

    def _generation(self, call: ModelCall) -> None:
        with self._tracer.start_as_current_span(
            f"chat {MODEL}",
            attributes={
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": PROVIDER,
                "gen_ai.request.model": MODEL,
                "gen_ai.request.temperature": 0.2,
                "gen_ai.request.max_tokens": 1024,
                "gen_ai.input.messages": json.dumps(call.messages),
            },
        ) as span:
            span.set_attribute("gen_ai.output.messages", json.dumps(call.answer))
            span.set_attribute("gen_ai.response.model", MODEL)
            span.set_attribute("gen_ai.response.finish_reasons", [call.finish_reason])
            span.set_attribute("gen_ai.usage.input_tokens", call.input_tokens)
            span.set_attribute("gen_ai.usage.output_tokens", call.output_tokens)

    def flush(self) -> None:
        if not self._provider.force_flush(int(FLUSH_TIMEOUT_S * 1000)):
            raise RuntimeError(f"the OpenTelemetry SDK did not flush in {FLUSH_TIMEOUT_S} s")

    def account(self) -> dict[str, int]:
        delivered = self.exporter.delivered
        return {"offered": self._offered, "delivered": delivered, "dropped": self._offered - delivered}

    def close(self) -> None:
        self._provider.shutdown()
        self._cleanup.close()


def _noop_exporter(_: ExitStack) -> Any:
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class NoopExporter(SpanExporter):
        delivered = 0

        def export(self, spans: Any) -> Any:
            self.delivered += len(spans)
            return SpanExportResult.SUCCESS

    return NoopExporter()


def _otlp_exporter(cleanup: ExitStack) -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import SpanExportResult

    class CountingExporter(OTLPSpanExporter):
        delivered = 0

        def export(self, spans: Any) -> Any:
            result = super().export(spans)
            if result is SpanExportResult.SUCCESS:
                self.delivered += len(spans)
            return result

    return CountingExporter(endpoint=f"{cleanup.enter_context(running_sink())}/v1/traces")


OTEL_EXPORTERS: dict[str, Callable[[ExitStack], Any]] = {OTEL_NOOP: _noop_exporter, OTEL_OTLP: _otlp_exporter}
"""Where the SDK's spans go: nowhere, or to a collector on this machine that takes everything."""
