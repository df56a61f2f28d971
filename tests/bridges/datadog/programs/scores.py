"""Scores of open and of ended spans, and later ones: after another configuration, and with "later" from another process."""

import ddtrace.auto  # noqa: F401, I001 - first, as it must be

import sys

from ddtrace.trace import tracer
from tools import report

import spanbridge as sb


def configure():
    sb.configure(service_name="scores", store="sqlite:///traces.db", bridge="datadog")


configure()
if sys.argv[1:2] == ["later"]:
    sb.score("from another process", True, trace_id=sys.argv[2], span_id=sys.argv[3])
else:
    with tracer.trace("web.request", resource="request"):
        with sb.agent_run("run") as run:
            sb.score("help.fulness", 0.5, "my key is sk-proj-" + "Q7" * 24)
        sb.flush()
        sb.score("found", False, span=run)
        sb.score("mood", "friendly", trace_id=run.trace_id, span_id=run.span_id)
    configure()
    sb.score("after another configuration", 1, trace_id=run.trace_id, span_id=run.span_id)
report()
