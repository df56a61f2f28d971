"""What a bridged span costs, beside the same span made with ddtrace alone; needs `spanbridge[datadog]`.

Each trace is one agent run with model calls, or one plain span with plain ones, in a process of its own, sent to a local sink. What
Datadog gets of a model call is the same: messages, session, parameters, tokens, cost, a tag. The caller's CPU is that of the thread that
opens the spans; the process's is all of it: the pipeline's, the store's and ddtrace's threads too. Beside it stands what the same process
uses for both without a bridge: the span made with ddtrace, and once more recorded, redacted and stored here.
"""

from __future__ import annotations

import os
import sys
from time import process_time, thread_time
from typing import TYPE_CHECKING

import spanbridge as sb
from benchmarks.sink import running_sink
from benchmarks.subject import Comparison, Figures, Goal, Subject

if TYPE_CHECKING:
    from collections.abc import Callable

RAW_LLM, BRIDGED_LLM = "LLMObs.llm() and annotate()", "bridged model call"
BOTH_LLM = "both, without a bridge"
RAW_PLAIN, BRIDGED_PLAIN = "tracer.trace()", "bridged plain span"
SPANS = 100
MESSAGES = [{"role": "system", "content": "be kind " * 20}, {"role": "user", "content": "where is order 7? " * 10}]
ANSWER = [{"role": "assistant", "content": "it is on its way " * 20}]
METRICS = {"input_tokens": 812, "output_tokens": 96, "total_tokens": 908, "total_cost": 0.00347}


def measure(variant: str, quick: bool) -> Figures:
    """Microseconds of CPU per span: of the thread ("caller"), and of the whole process ("process")."""
    with running_sink() as url:
        os.environ |= {
            "DD_TRACE_AGENT_URL": url.partition("/v1")[0],
            "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
            "DD_REMOTE_CONFIGURATION_ENABLED": "false",
            "DD_TRACE_STARTUP_LOGS": "false",
            "DD_LLMOBS_ML_APP": "benchmark" if variant in (RAW_LLM, BRIDGED_LLM, BOTH_LLM) else "",
        }
        trace, flush = _VARIANTS[variant]()
        trace()
        flush()
        traces = 2 if quick else 40
        caller, started = 0.0, process_time()
        for _ in range(traces):
            before = thread_time()
            trace()
            caller += thread_time() - before
            flush()
        whole = process_time() - started
        sys.stdout.flush()
    return {"caller": 1e6 * caller / (traces * SPANS), "process": 1e6 * whole / (traces * SPANS)}


Parts = tuple["Callable[[], object]", "Callable[[], object]"]
"""Makes one trace; has all of it sent."""


def _raw_llm() -> Parts:
    from ddtrace.llmobs import LLMObs
    from ddtrace.trace import tracer

    LLMObs.enable(agentless_enabled=False, integrations_enabled=False)

    def trace() -> None:
        with LLMObs.agent("support", session_id="s1") as agent:
            for _ in range(SPANS):
                with LLMObs.llm("gpt-5.4", name="chat", model_provider="openai") as span:
                    LLMObs.annotate(
                        span=span,
                        input_data=MESSAGES,
                        output_data=ANSWER,
                        metadata={"temperature": 0.2},
                        metrics=METRICS,
                        tags={"entity_id": "support"},
                    )
            LLMObs.annotate(span=agent, input_data="question", output_data="answer")

    return trace, tracer.flush


def _bridged_llm(bridge: str | None = "datadog") -> Parts:
    sb.configure(service_name="benchmark", store="sqlite:///traces.db", bridge=bridge)

    def trace() -> None:
        with sb.agent_run("support", input="question", session_id="s1") as run:
            for _ in range(SPANS):
                with sb.model_generation(
                    "chat", model="gpt-5.4", provider="openai", input=MESSAGES, parameters={"temperature": 0.2}
                ) as span:
                    span.set(output=ANSWER, usage=sb.Usage(input_tokens=812, output_tokens=96))
            run.set(output="answer")

    return trace, lambda: sb.flush(30)


def _both_llm() -> Parts:
    (trace, flush), (own_trace, own_flush) = _raw_llm(), _bridged_llm(bridge=None)
    return lambda: (trace(), own_trace()), lambda: (flush(), own_flush())


def _raw_plain() -> Parts:
    from ddtrace.trace import tracer

    def trace() -> None:
        with tracer.trace("support"):
            for _ in range(SPANS):
                with tracer.trace("step", resource="step") as span:
                    span.set_tag("session", "s1")

    return trace, tracer.flush


def _bridged_plain() -> Parts:
    sb.configure(service_name="benchmark", store="sqlite:///traces.db", bridge="datadog")

    def trace() -> None:
        with sb.agent_run("support", session_id="s1"):
            for _ in range(SPANS):
                with sb.generic("step"):
                    pass

    return trace, lambda: sb.flush(30)


_VARIANTS: dict[str, Callable[[], Parts]] = {
    RAW_LLM: _raw_llm,
    BRIDGED_LLM: _bridged_llm,
    BOTH_LLM: _both_llm,
    RAW_PLAIN: _raw_plain,
    BRIDGED_PLAIN: _bridged_plain,
}

SUBJECT = Subject(
    "datadog",
    tuple(_VARIANTS),
    measure,
    (
        Comparison("Datadog, caller", BRIDGED_LLM, "caller", "us", beside=RAW_LLM, goal=Goal(0.95, 0.95)),
        Comparison("Datadog, process", BRIDGED_LLM, "process", "us", beside=RAW_LLM, goal=Goal(1.15, 1.15)),
        Comparison("Datadog, process", BRIDGED_LLM, "process", "us", beside=BOTH_LLM),
        Comparison("Datadog, caller", BRIDGED_PLAIN, "caller", "us", beside=RAW_PLAIN, goal=Goal(1.6, 1.6)),
    ),
)
