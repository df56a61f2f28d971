"""A web request that ddtrace samples, with an agent that spanbridge does not: what both say to the next service."""

import ddtrace.auto  # noqa: F401, I001 - first, as it must be

import json

from ddtrace.propagation.http import HTTPPropagator
from ddtrace.trace import tracer

import spanbridge as sb

sb.configure(service_name="out", store="sqlite:///traces.db", bridge="datadog", sampling=sb.NeverSampling())
native: dict[str, str] = {}
with tracer.trace("web.request", resource="request") as web:
    HTTPPropagator.inject(web.context, native)
    with sb.agent_run("agent"), sb.tool_call("tool"):
        inside = sb.inject()
with sb.agent_run("alone"):
    alone = sb.inject()
sb.shutdown(10)
print(json.dumps({"native": native, "inside": inside, "alone": alone}))
