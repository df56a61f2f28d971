"""One agent run with a tool; the first argument, if any, is Python code that runs first."""

import json
import sys
import time

exec(sys.argv[1] if len(sys.argv) > 1 else "")

import spanbridge as sb  # noqa: E402 - after what was to run first

sb.configure(service_name="minimal", store="sqlite:///traces.db", bridge="datadog")
loaded = "ddtrace" in sys.modules
with sb.agent_run("run", input="question") as run, sb.tool_call("search", input={"q": 1}):
    pass
started = time.monotonic()
flushed = sb.flush(2)
flush_s = time.monotonic() - started
store = sb.open_store("sqlite:///traces.db")
names = [span.name for span in store.get_trace(run.trace_id).spans]
print(json.dumps({"names": names, "flushed": flushed, "flush_s": flush_s, "stats": sb.stats(), "loaded": loaded}))
