"""A web request with an agent run inside, and different ends: the first argument says which."""

import ddtrace.auto  # noqa: F401, I001 - first, as it must be

import os
import signal
import sys

import spanbridge_datadog.bridge
from ddtrace.trace import tracer
from spanbridge_datadog import buffer, native
from tools import call, serve

import spanbridge as sb

how = sys.argv[1]
url = serve()
observability = sb.configure(service_name="exits", store="sqlite:///traces.db", bridge="datadog")

if how == "stuck":  # the agent goes on after its request, and never ends
    with tracer.trace("web.request", resource="request"):
        run = sb.start_span(sb.SpanType.AGENT_RUN, "stuck")
        call(url, "request")
    sys.stdin.read()  # until the request has arrived
    os._exit(0)

if how in (
    "flushed in a loop",
    "left alone in a loop",
):  # below a span that stays open for as long as the process lives
    tracer.trace("worker", resource="loop")
    spanbridge_datadog.bridge.HELD_BACK_S = 60.0 if how == "flushed in a loop" else 0.0
    with sb.agent_run("done"), sb.tool_call("search"):
        call(url, "search")
    if how == "flushed in a loop":
        sb.flush(10)
    sys.stdin.read()  # until it has arrived
    os._exit(0)

if how == "in the request":  # the process ends in the midst of it
    tracer.trace("web.request", resource="request")
    with sb.agent_run("done"), sb.tool_call("search"):
        call(url, "search")
    sys.exit()

if how == "flushed while a span ends":
    with tracer.trace("web.request", resource="request") as request:
        with sb.agent_run("done"):
            with sb.tool_call("search"):
                call(url, "search")
                native.before_finish(tracer.current_span(), lambda span: buffer.flush_finished(span.trace_id))
            native.before_finish(tracer.current_span(), lambda span: buffer.flush_finished(span.trace_id))
        sb.flush(10)
        native.before_finish(request, lambda span: buffer.flush_finished(span.trace_id))
    sys.exit()

with tracer.trace("web.request", resource="request"):
    if how.startswith("fork"):
        with sb.agent_run("parent"):
            child = os.fork()
            if child == 0:
                with sb.tool_call("in child"):
                    call(url, "in child")
                    if how == "fork that exits inside of its span":
                        sys.exit()
                if how == "fork that exits":  # through the blocks that are the parent's
                    sys.exit()
                sb.flush(10)
                print(sb.stats()["bridge"]["open"], flush=True)
                os._exit(0)
            os.waitpid(child, 0)
            call(url, "parent")
    else:
        run = sb.start_span(sb.SpanType.AGENT_RUN, "open", input="what was asked")
        with sb.tool_call("search", parent=run):
            call(url, "search")
if how == "exception":
    raise ValueError("the application ends")
if how == "sigterm":
    os.kill(os.getpid(), signal.SIGTERM)
    signal.pause()
if how == "shutdown":
    sb.shutdown()
    print(observability.stats()["bridge"]["open"])
