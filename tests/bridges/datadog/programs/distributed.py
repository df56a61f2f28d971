"""Two services, each a process: the caller's agent calls the callee, whose agent goes on with its trace.

The first argument says who carries the context: ddtrace's instrumentation of both sides, or spanbridge's `inject` and `extract`, where
ddtrace's own is off. The callee has "callee" as the second, and says at which port it listens.
"""

import ddtrace.auto  # noqa: F401, I001 - first, as it must be

import subprocess
import sys

import requests
from flask import Flask, request
from tools import call, report, serve
from werkzeug.serving import make_server

import spanbridge as sb

how, role = (*sys.argv[1:], "caller")[:2]
sb.configure(service_name=role, store=f"sqlite:///{role}.db", bridge="datadog")

if role == "callee":
    url = serve()
    app = Flask("callee")

    @app.get("/answer")
    def answer() -> str:
        with sb.extract(request.headers if how == "spanbridge" else {}):
            for name in ("first", "second"):
                with sb.agent_run(name) as run:
                    call(url, name)
        sb.flush(10)
        return f"{run.trace_id}"

    @app.get("/flush")
    def flush() -> str:
        """The trace of the request before is complete only now."""
        sb.flush(10)
        return ""

    server = make_server("127.0.0.1", 0, app)
    print(server.port, flush=True)
    server.serve_forever()
else:
    callee = subprocess.Popen([sys.executable, __file__, how, "callee"], stdout=subprocess.PIPE, text=True)
    address = f"http://127.0.0.1:{int(callee.stdout.readline())}"
    try:
        with sb.agent_run("caller", session_id="s1") as run:
            headers = {} if how == "ddtrace" else sb.inject({})
            trace_id = requests.get(f"{address}/answer", headers=headers, timeout=30).text
        requests.get(f"{address}/flush", timeout=30)
        sb.flush(10)
    finally:
        callee.terminate()
        callee.wait(10)
    report("sqlite:///caller.db", trace_id=trace_id, caller=run.trace_id, caller_id=run.span_id, headers=headers)
