"""A ddtrace that keeps unfinished traces in another way: the first argument says which of its private names is not there."""

import ddtrace.auto  # noqa: F401, I001 - first, as it must be

import sys
from typing import Any

from ddtrace.trace import tracer
from spanbridge_datadog import buffer
from tools import call, report, serve

import spanbridge as sb


class Without:
    """Something of ddtrace's, as the bridge sees it."""

    def __init__(self, of: Any, missing: str) -> None:
        self._of = of
        self._missing = missing

    def __getattr__(self, name: str) -> Any:
        if name == self._missing:
            raise AttributeError(name)
        value = getattr(self._of, name)
        return Without(value, self._missing) if name == "_span_aggregator" else value


buffer.tracer = Without(tracer, sys.argv[1])
url = serve()
observability = sb.configure(service_name="unknown", store="sqlite:///traces.db", bridge="datadog")
for name in ("first", "second"):
    with tracer.trace("web.request", resource="request"):
        with sb.agent_run(name):
            call(url, name)
        sb.flush(10)
sb.shutdown(10)
parts = (tracer.context_provider, *tracer._span_aggregator.dd_processors)
left = [type(part).__name__ for part in parts if type(part).__module__.startswith("spanbridge")]
report(left=left, ignored=observability.stats()["ignored"])
