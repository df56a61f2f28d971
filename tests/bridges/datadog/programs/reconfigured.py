"""Many configurations one after the other, and two at once."""

import ddtrace.auto  # noqa: F401, I001 - first, as it must be

from ddtrace.llmobs import LLMObs
from ddtrace.trace import tracer
from tools import call, report, serve

import spanbridge as sb

url = serve()
before = type(tracer.context_provider).__name__


def depth(provider: object) -> int:
    return 1 + depth(provider.plain) if hasattr(provider, "plain") else 0


for number in range(30):
    sb.configure(service_name="again", store="sqlite:///traces.db", bridge="datadog")
    with sb.agent_run(f"agent {number}"):
        call(url, f"agent {number}")
depths = [depth(tracer.context_provider), depth(LLMObs._instance._llmobs_context_provider)]
with (
    sb.Observability(service_name="other", store="sqlite:///other.db", bridge="datadog") as other,
    sb.agent_run("ours"),
    other.agent_run("theirs"),
):
    call(url, "theirs")
with sb.agent_run("after"):
    call(url, "after")
sb.shutdown(10)
report(depths=depths, providers=[before, type(tracer.context_provider).__name__])
