"""An exporter and a processor that call with an instrumented client, beside the bridge; the application replaces ddtrace's filters."""

import ddtrace.auto  # noqa: F401, I001 - first, as it must be

from typing import ClassVar

import requests
from ddtrace.trace import TraceFilter, tracer
from tools import call, report, serve

import spanbridge as sb

url = serve()
sent = []


def post(what):
    sent.append(requests.get(f"{url}/own/{what}", timeout=30).status_code)


class Exporter:
    name = "posting"

    def export(self, batch):
        post("export")

    def flush(self, deadline):
        post("flush")

    def shutdown(self, deadline):
        post("shutdown")


class Seen(TraceFilter):
    names: ClassVar[set[str]] = set()

    def process_trace(self, trace):
        self.names |= {span.get_tag("http.url") or span.resource for span in trace}
        return trace


def look(record):
    post("process")
    return record


sb.configure(
    service_name="own", store="sqlite:///traces.db", exporters=[Exporter()], processors=[look], bridge="datadog"
)
tracer.configure(trace_processors=[Seen()])
for number in range(3):
    with tracer.trace("web.request", resource=f"request {number}"):
        with sb.agent_run(f"agent {number}"):
            call(url, f"agent {number}")
        sb.flush(10)
report(sent=sent, seen=sorted(Seen.names))
