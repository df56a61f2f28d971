"""Two services, each a process: the caller's agent calls the callee, whose agent goes on with its trace.

The first argument says who carries the context: ddtrace's instrumentation of both sides, or spanbridge's `inject` and `extract`, where
ddtrace's own is off. The callee is started with the port to listen at as the second.
"""

import ddtrace.auto  # noqa: F401, I001 - first, as it must be

import socket
import subprocess
import sys
import time

import requests
from flask import Flask, request
from tools import call, report, serve

import spanbridge as sb

how, *port = sys.argv[1:]
sb.configure(
    service_name="callee" if port else "caller",
    store=f"sqlite:///{'callee' if port else 'caller'}.db",
    bridge="datadog",
)

if port:
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

    app.run("127.0.0.1", int(port[0]))
else:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        chosen = probe.getsockname()[1]
    callee = subprocess.Popen([sys.executable, __file__, how, str(chosen)])
    address = f"http://127.0.0.1:{chosen}/answer"
    try:
        for _ in range(200):
            try:
                requests.get(f"http://127.0.0.1:{chosen}/nothing", timeout=5)
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        with sb.agent_run("caller", session_id="s1") as run:
            headers = {} if how == "ddtrace" else sb.inject({})
            trace_id = requests.get(address, headers=headers, timeout=30).text
        requests.get(f"http://127.0.0.1:{chosen}/flush", timeout=30)
        sb.flush(10)
    finally:
        callee.terminate()
        callee.wait(10)
    report("sqlite:///caller.db", trace_id=trace_id, caller=run.trace_id, caller_id=run.span_id, headers=headers)
