"""Spans that the application opens itself with ddtrace's functions, inside of a model call of ours, under each policy."""

import ddtrace.auto  # noqa: F401, I001 - first, as it must be

from ddtrace.llmobs import LLMObs
from spanbridge_datadog import DatadogBridge
from tools import report

import spanbridge as sb

for policy in ("drop", "demote", "keep"):
    sb.configure(
        service_name="native",
        store="sqlite:///traces.db",
        bridge=DatadogBridge(native_llm=policy),
        span_filter=lambda record: record.name != "filtered",
    )
    with (
        sb.agent_run(policy),
        sb.model_generation("ours", model="gpt-5.4", provider="openai", input="hi") as generation,
    ):
        for kind in ("llm", "tool", "retrieval", "workflow", "task", "agent", "embedding"):
            with getattr(LLMObs, kind)(name=f"own {kind}"):
                LLMObs.annotate(input_data="in", output_data="out")
                with LLMObs.retrieval(name=f"inside {kind}"):
                    pass
        with sb.tool_call("filtered"):
            pass
        generation.set(output="hello", usage=sb.Usage(input_tokens=10, output_tokens=5))
report()
