"""An exporter that sends with an instrumented client, beside the bridge."""

import ddtrace.auto  # noqa: F401, I001 - first, as it must be

import requests
from tools import call, report, serve

import spanbridge as sb

url = serve()
sent = []


class Exporter:
    name = "posting"

    def export(self, batch):
        sent.append(requests.get(f"{url}/own/work", timeout=30).status_code)

    def flush(self, deadline):
        pass

    def shutdown(self, deadline):
        pass


sb.configure(service_name="own", store="sqlite:///traces.db", exporters=[Exporter()], bridge="datadog")
for number in range(3):
    with sb.agent_run(f"agent {number}"):
        call(url, f"agent {number}")
    sb.flush(10)
report(sent=sent)
