"""Scores of open and of ended spans."""

import ddtrace.auto  # noqa: F401, I001 - first, as it must be

from ddtrace.trace import tracer
from tools import report

import spanbridge as sb

sb.configure(service_name="scores", store="sqlite:///traces.db", bridge="datadog")
with tracer.trace("web.request", resource="request"):
    with sb.agent_run("run") as run:
        sb.score("help.fulness", 0.5, "my key is sk-proj-" + "Q7" * 24)
    sb.flush()
    sb.score("found", False, span=run)
    sb.score("mood", "friendly", trace_id=run.trace_id, span_id=run.span_id)
report()
