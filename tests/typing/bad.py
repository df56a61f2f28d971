"""What a type checker must refuse, one mistake on each marked line. Checked by test_typing.py, never run."""

from __future__ import annotations

import spanbridge as sb
from spanbridge.model.usage import Usage
from spanbridge.tracing.openers import (
    Openers,
    agent_run,
    mcp_server_request,
    mcp_tool_call,
    model_generation,
    rag_vector_operation,
    tool_call,
    workflow_run,
)

agent_run("support", agentid="v3")  # error
agent_run("support", max_steps="5")  # error
agent_run("support", parent="0123456789abcdef")  # error
agent_run("support", model="gpt-5.4")  # error
mcp_tool_call("read")  # error
mcp_tool_call("read", mcp_server=None)  # error
mcp_server_request("call", mcp_server="files")  # error
rag_vector_operation("find", operation="drop")  # error
model_generation(model="gpt-5.4", usage=812)  # error
model_generation(model="gpt-5.4", usage={"tokens": 812})  # error
model_generation(model="gpt-5.4", parameters={"temperature": "hot"})  # error
model_generation(model="gpt-5.4", result_type="poem")  # error
model_generation(usage=Usage(input_tokens="812"))  # error
model_generation(model="gpt-5.4", temperature="hot")  # error
model_generation(model="gpt-5.4", temprature=0.5)  # error
sb.configure(servce_name="support")  # error
sb.configure(service_name=5)  # error
sb.configure("support")  # error
sb.open_store("sqlite:///traces.db").list_traces(state="error")  # error
sb.open_store("sqlite:///traces.db").lst_traces()  # error
str(sb.open_store("sqlite:///traces.db").get_trace("0" * 32).span)  # error


@mcp_tool_call  # error
def read(path: str) -> str:
    return path


@tool_call
def lookup(order_id: str) -> int:
    return len(order_id)


def wrong_calls(openers: Openers) -> None:
    lookup(5)  # error
    with tool_call("search") as tool:
        tool.set(tool_name="search")  # error
        tool.set(success="yes")  # error
        tool.end(status="done")  # error
    with openers.tool_call("search", start_time=1.5):  # error
        pass
    with workflow_run("import") as run:
        run.set(status=5)  # error
        run.set(model="gpt-5.4")  # error
