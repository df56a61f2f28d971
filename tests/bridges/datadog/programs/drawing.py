"""The drawing of the reference: a web request > an agent > a model, a tool > HTTP, SQL and cache, a processor > HTTP."""

import ddtrace.auto  # noqa: F401, I001 - first, as it must be

import sqlite3
import sys
import threading

import redis
import requests
from flask import Flask
from tools import call, report, serve
from werkzeug.serving import make_server

import spanbridge as sb

SECRET = "sk-proj-" + "Q7" * 24

url = serve()
cache = redis.Redis(port=int(sys.argv[1]))
sb.configure(
    service_name="support-bot",
    environment="prod",
    store="sqlite:///traces.db",
    bridge="datadog",
    request_context_keys=["tenant_id", "user.plan"],
)
app = Flask("web")


@app.get("/chat")
def chat() -> str:
    call(url, "/chat")
    with (
        sb.request_context(tenant_id="t1", user={"plan": "pro"}),
        sb.agent_run(
            "support",
            input=f"my key is {SECRET}",
            agent_id="support-v3",
            session_id="s1",
            user_id="u1",
            tags=["vip", "team:blue", SECRET],
        ) as run,
    ):
        with sb.processor_run("guard"):
            call(url, "guard")
        with sb.model_generation(
            model="gpt-5.4",
            provider="OpenAI",
            input=[
                {"role": "system", "content": "be kind"},
                {"role": "user", "content": [{"type": "text", "text": f"use {SECRET}"}]},
            ],
            tools=[{"type": "function", "name": "search", "description": "finds", "parameters": {"type": "object"}}],
            parameters={"temperature": 0.2},
        ) as generation:
            call(url, "chat gpt-5.4")
            generation.set(
                output={
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": "c1",
                            "type": "function",
                            "function": {"name": "search", "arguments": '{"q": "order 7"}'},
                        }
                    ],
                },
                usage=sb.Usage(
                    input_tokens=812,
                    output_tokens=96,
                    input_details={"cache_read": 12},
                    output_details={"reasoning": 0},
                ),
                response_model="gpt-5.4-2026",
            )
        with sb.tool_call("search", input={"q": "order 7", "password": SECRET}) as tool:
            call(url, "search")
            connection = sqlite3.connect(":memory:")
            connection.execute("SELECT 7").fetchall()
            connection.close()
            cache.get("order 7")
            tool.set(output=["sent"])
        with sb.rag_embedding(model="embed-3", provider="openai", input=["order 7"]) as embedding:
            embedding.set(output=[[0.1, 0.2, 0.3]], usage=sb.Usage(input_tokens=3))
        with sb.memory_operation("recall", operation_type="recall", input="orders") as memory:
            memory.set(output=[{"text": "order 7", "score": 0.5, "id": 7}])
        try:
            with sb.tool_call("refund"):
                raise PermissionError(f"{SECRET} may not refund")
        except PermissionError:
            pass
        run.set(output="It is on its way.")
    call(url, "/chat")
    return run.span_id or ""


server = make_server("127.0.0.1", 0, app, threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
run_id = requests.get(f"http://127.0.0.1:{server.port}/chat", timeout=30).text
report(run_id=run_id, secret=SECRET)
