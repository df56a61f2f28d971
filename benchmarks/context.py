"""What it costs to carry a context: spans that are dropped, decorated calls, streams, and headers in and out.

Each beside what it would cost without, or beside the OpenTelemetry SDK, with an exporter that takes everything.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from time import process_time, thread_time
from typing import TYPE_CHECKING, Any, NamedTuple

import spanbridge as sb
from benchmarks import peers
from benchmarks.subject import Comparison, Figures, Goal, Subject
from benchmarks.workload import make_turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

BURST = 500
"""Spans, calls or headers between two flushes; fewer than any peer's queue holds."""
CHUNKS = 1000
STREAMS = 5
"""Streams between two flushes."""
TEXT = ["chunk "] * CHUNKS
OPENAI = [
    {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "model": "gpt-5.4",
        "choices": [{"index": 0, "delta": {"content": "chunk "}, "finish_reason": None}],
    }
] * (CHUNKS - 1) + [
    {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "model": "gpt-5.4",
        "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 12, "completion_tokens": CHUNKS, "total_tokens": CHUNKS + 12},
    }
]
HEADERS = {
    "host": "example.com",
    "accept": "*/*",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "vendor=t61rcWkgMzE,other=00f067aa0ba902b7",
    "baggage": "tenant=acme,region=eu-west-1",
}


class Work(NamedTuple):
    """What is measured."""

    burst: Callable[[], None]
    units: int
    """How many spans, calls, chunks or headers a burst is."""
    flush: Callable[[], None] = lambda: None


def measure(variant: str, quick: bool) -> Figures:
    """Microseconds of CPU per unit, of the calling thread ("caller") and of the whole process, what runs behind included ("process")."""
    bursts = 2 if quick else 40
    spent = 0.0
    with ExitStack() as cleanup:
        work = _WORK[variant](cleanup)
        work.burst()
        work.flush()
        process_start = process_time()
        for _ in range(bursts):
            start = thread_time()
            work.burst()
            spent += thread_time() - start
            work.flush()
        process = process_time() - process_start
    return {"caller": 1e6 * spent / (bursts * work.units), "process": 1e6 * process / (bursts * work.units)}


def _spanbridge(cleanup: ExitStack, **settings: Any) -> Callable[[], None]:
    """Configures spanbridge, and gives its flush."""
    peer = peers.open_peer(peers.SPANBRIDGE, **settings)
    cleanup.callback(peer.close)
    return peer.flush


def _opentelemetry(cleanup: ExitStack, *, sampled: bool = True) -> tuple[Any, Callable[[], None]]:
    """A tracer of the SDK, and its flush."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

    provider = TracerProvider(sampler=ALWAYS_ON if sampled else ALWAYS_OFF)
    provider.add_span_processor(BatchSpanProcessor(peers.OTEL_EXPORTERS[peers.OTEL_NOOP](cleanup)))
    cleanup.callback(provider.shutdown)
    return provider.get_tracer("benchmark"), provider.force_flush


# --- spans ----------------------------------------------------------------------------------------------------------


def _spans(flush: Callable[[], None] = lambda: None) -> Work:
    calls = [call for turn in make_turns() for call in turn.tools]

    def burst() -> None:
        for call in calls[:BURST]:
            with sb.tool_call(call.name, input=call.arguments, tool_call_id=call.call_id, tool_type="function") as tool:
                tool.set(output=call.result, success=True)

    return Work(burst, min(BURST, len(calls)), flush)


def _dropped_children(cleanup: ExitStack) -> Work:
    work = _spans(_spanbridge(cleanup, sampling=0.0))
    cleanup.enter_context(sb.agent_run("a"))
    return work


def _otel_spans(cleanup: ExitStack) -> Work:
    """Without the content, which an application would not encode for a span that does not record."""
    calls = [call for turn in make_turns() for call in turn.tools]
    tracer, flush = _opentelemetry(cleanup, sampled=False)

    def burst() -> None:
        for call in calls[:BURST]:
            with tracer.start_as_current_span(
                call.name, attributes={"gen_ai.tool.call.id": call.call_id, "gen_ai.tool.type": "function"}
            ) as span:
                span.set_attribute("success", value=True)

    return Work(burst, min(BURST, len(calls)), flush)


# --- calls ----------------------------------------------------------------------------------------------------------


def _called(x: int) -> int:
    return x + 1


def _calls(function: Callable[[int], int], flush: Callable[[], None] = lambda: None) -> Work:
    def burst() -> None:
        for number in range(BURST):
            function(number)

    return Work(burst, BURST, flush)


def _otel_calls(cleanup: ExitStack, *, sampled: bool) -> Work:
    tracer, flush = _opentelemetry(cleanup, sampled=sampled)
    return _calls(tracer.start_as_current_span("called")(_called), flush)


# --- streams --------------------------------------------------------------------------------------------------------


def _loop(chunks: list[Any]) -> Work:
    def burst() -> None:
        for _ in range(STREAMS):
            for _ in iter(chunks):
                pass

    return Work(burst, STREAMS * CHUNKS)


def _streams(cleanup: ExitStack, chunks: list[Any], *, by_hand: bool = False) -> Work:
    flush = _spanbridge(cleanup)

    def consume(stream: Iterable[Any]) -> None:
        for _ in stream:
            pass

    def burst() -> None:
        for _ in range(STREAMS):
            if by_hand:
                consume(sb.start_span(sb.SpanType.MODEL_GENERATION, "chat").stream(chunks))
            else:
                with sb.model_generation(model="gpt-5.4") as generation:
                    consume(generation.stream(chunks))

    return Work(burst, STREAMS * CHUNKS, flush)


def _async_streams(chunks: list[Any], cleanup: ExitStack | None = None) -> Work:
    """Through a loop that is at hand; without `cleanup`, bare."""
    flush = None if cleanup is None else _spanbridge(cleanup)

    async def source() -> AsyncIterator[Any]:
        for chunk in chunks:
            yield chunk

    async def consume() -> None:
        for _ in range(STREAMS):
            if flush is None:
                async for _ in source():
                    pass
            else:
                with sb.model_generation(model="gpt-5.4") as generation:
                    async for _ in generation.stream(source()):
                        pass

    return Work(lambda: asyncio.run(consume()), STREAMS * CHUNKS, flush or (lambda: None))


# --- headers --------------------------------------------------------------------------------------------------------


def _inject(cleanup: ExitStack) -> Work:
    _spanbridge(cleanup)
    cleanup.enter_context(sb.extract(HEADERS))
    cleanup.enter_context(sb.agent_run("a"))

    def burst() -> None:
        for _ in range(BURST):
            sb.inject({})

    return Work(burst, BURST)


def _extract(cleanup: ExitStack) -> Work:
    _spanbridge(cleanup)

    def burst() -> None:
        for _ in range(BURST):
            with sb.extract(HEADERS):
                pass

    return Work(burst, BURST)


def _otel_inject(cleanup: ExitStack) -> Work:
    from opentelemetry import context, propagate

    tracer, _ = _opentelemetry(cleanup)
    cleanup.callback(context.detach, context.attach(propagate.extract(HEADERS)))
    cleanup.enter_context(tracer.start_as_current_span("a"))

    def burst() -> None:
        for _ in range(BURST):
            propagate.inject({})

    return Work(burst, BURST)


def _otel_extract(cleanup: ExitStack) -> Work:
    from opentelemetry import context, propagate

    _opentelemetry(cleanup)

    def burst() -> None:
        for _ in range(BURST):
            context.detach(context.attach(propagate.extract(HEADERS)))

    return Work(burst, BURST)


RECORDED, UNCONFIGURED, OTEL_DROPPED = "recorded", "not configured", "otel: sampled out"
DROPPED, DROPPED_CHILD = "sampled out", "sampled out, not the root"
BARE_CALL, CALL, CALL_UNCONFIGURED, CALL_DROPPED = "bare call", "call", "call, not configured", "call, sampled out"
OTEL_CALL, OTEL_CALL_DROPPED = "otel: call", "otel: call, sampled out"
BARE_LOOP, TEXT_STREAM, TEXT_BY_HAND, OPENAI_STREAM = "bare loop", "text", "text, by hand", "OpenAI chunks"
BARE_ASYNC_LOOP, ASYNC_STREAM = "bare async loop", "OpenAI chunks, async"
INJECT, OTEL_INJECT, EXTRACT, OTEL_EXTRACT = "inject", "otel: inject", "extract", "otel: extract"

_WORK: dict[str, Callable[[ExitStack], Work]] = {
    RECORDED: lambda cleanup: _spans(_spanbridge(cleanup)),
    UNCONFIGURED: lambda _: _spans(),
    DROPPED: lambda cleanup: _spans(_spanbridge(cleanup, sampling=0.0)),
    DROPPED_CHILD: _dropped_children,
    OTEL_DROPPED: _otel_spans,
    BARE_CALL: lambda _: _calls(_called),
    CALL: lambda cleanup: _calls(sb.tool_call(_called), _spanbridge(cleanup)),
    CALL_UNCONFIGURED: lambda _: _calls(sb.tool_call(_called)),
    CALL_DROPPED: lambda cleanup: _calls(sb.tool_call(_called), _spanbridge(cleanup, sampling=0.0)),
    OTEL_CALL: lambda cleanup: _otel_calls(cleanup, sampled=True),
    OTEL_CALL_DROPPED: lambda cleanup: _otel_calls(cleanup, sampled=False),
    BARE_LOOP: lambda _: _loop(OPENAI),
    TEXT_STREAM: lambda cleanup: _streams(cleanup, TEXT),
    TEXT_BY_HAND: lambda cleanup: _streams(cleanup, TEXT, by_hand=True),
    OPENAI_STREAM: lambda cleanup: _streams(cleanup, OPENAI),
    BARE_ASYNC_LOOP: lambda _: _async_streams(OPENAI),
    ASYNC_STREAM: lambda cleanup: _async_streams(OPENAI, cleanup),
    INJECT: _inject,
    OTEL_INJECT: _otel_inject,
    EXTRACT: _extract,
    OTEL_EXTRACT: _otel_extract,
}
_A_TENTH, _A_MICROSECOND = Goal(0.1, 0.1), Goal(1.0, 1.0)


def _row(
    what: str, variant: str, beside: str, goal: Goal | None = None, *, figure: str = "caller", difference: bool = False
) -> Comparison:
    return Comparison(what, variant, figure, "us", beside=beside, goal=goal, difference=difference)


SUBJECT = Subject(
    "context",
    tuple(_WORK),
    measure,
    (
        _row("span with input and output", RECORDED, RECORDED),
        _row("span, whole process", RECORDED, RECORDED, figure="process"),
        _row("dropped span, whole process", UNCONFIGURED, RECORDED, _A_TENTH, figure="process"),
        _row("dropped span, whole process", DROPPED, RECORDED, _A_TENTH, figure="process"),
        _row("dropped span, whole process", DROPPED_CHILD, RECORDED, _A_TENTH, figure="process"),
        _row("span that is dropped", UNCONFIGURED, RECORDED),
        _row("span that is dropped", DROPPED, RECORDED),
        _row("span that is dropped", DROPPED_CHILD, RECORDED),
        _row("span that is dropped", UNCONFIGURED, OTEL_DROPPED),
        _row("span that is dropped", DROPPED, OTEL_DROPPED),
        _row("decorated call", CALL, BARE_CALL, difference=True),
        _row("decorated call", CALL_UNCONFIGURED, BARE_CALL, difference=True),
        _row("decorated call", CALL_DROPPED, BARE_CALL, difference=True),
        _row("decorated call", CALL, OTEL_CALL),
        _row("decorated call", CALL_DROPPED, OTEL_CALL_DROPPED),
        _row("stream, per chunk", TEXT_STREAM, BARE_LOOP, _A_MICROSECOND, difference=True),
        _row("stream, per chunk", TEXT_BY_HAND, BARE_LOOP, _A_MICROSECOND, difference=True),
        _row("stream, per chunk", OPENAI_STREAM, BARE_LOOP, _A_MICROSECOND, difference=True),
        _row("stream, per chunk", ASYNC_STREAM, BARE_ASYNC_LOOP, _A_MICROSECOND, difference=True),
        _row("headers out", INJECT, OTEL_INJECT),
        _row("headers in", EXTRACT, OTEL_EXTRACT),
    ),
)
