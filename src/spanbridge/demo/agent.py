"""The agent's loop: ask the model, run the tools that it calls, until it answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import spanbridge as sb
from spanbridge.demo.packages import TOOLS

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanbridge.demo.client import ModelClient
    from spanbridge.demo.memory import Memory
    from spanbridge.demo.packages import PackageDatabase

MAX_STEPS = 6
INSTRUCTIONS = (
    "You answer questions about the Python distributions that are installed on this machine. "
    "Use the tools; never guess a version, a size or a requirement. Answer in one or two sentences."
)


class PackageAgent:
    """Answers questions about installed distributions."""

    def __init__(self, client: ModelClient, database: PackageDatabase, memory: Memory) -> None:
        self._client = client
        self._memory = memory
        self._tools: dict[str, Callable[..., Any]] = {
            "list_distributions": database.list_distributions,
            "describe_distribution": database.describe_distribution,
            "query_packages": database.query_packages,
        }

    def answer(self, question: str) -> str:
        """The answer, found with tools and remembered."""
        with sb.agent_run(
            "package-expert",
            input=question,
            agent_id="package-expert-v1",
            instructions=INSTRUCTIONS,
            available_tools=list(self._tools),
            max_steps=MAX_STEPS,
        ) as run:
            facts = self._memory.recall(question)
            if facts:
                run.event("recalled", {"facts": len(facts)})
            answer = self._loop(_messages(question, facts))
            self._memory.save(question, answer)
            run.set(output=answer)
            return answer

    def _loop(self, messages: list[dict[str, Any]]) -> str:
        for _ in range(MAX_STEPS):
            message = self._client.complete(messages, TOOLS)
            if not message.get("tool_calls"):
                return message["content"]
            messages.append(message)
            messages.extend(self._call_tool(call) for call in message["tool_calls"])
        raise RuntimeError(f"no answer after {MAX_STEPS} steps")

    def _call_tool(self, call: dict[str, Any]) -> dict[str, Any]:
        """Runs a tool; its message to the model. An error of the tool is the model's to deal with."""
        name, arguments = call["function"]["name"], json.loads(call["function"]["arguments"])
        try:
            with sb.tool_call(name, input=arguments, tool_type="function", tool_call_id=call["id"]) as tool:
                result = self._tools[name](**arguments)
                tool.set(output=result, success=True)
        except Exception as error:  # noqa: BLE001 - recorded on the span, and told to the model
            result = {"error": str(error)}
        return {"role": "tool", "tool_call_id": call["id"], "content": json.dumps(result)}


def _messages(question: str, facts: list[str]) -> list[dict[str, Any]]:
    known = "".join(f"\n- {fact}" for fact in facts)
    system = f"{INSTRUCTIONS}\nWhat you found out before:{known}" if facts else INSTRUCTIONS
    return [{"role": "system", "content": system}, {"role": "user", "content": question}]
