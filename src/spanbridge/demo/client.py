"""HTTP to the demo's server: plain `http.client`, which asks no proxy for 127.0.0.1."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any

import spanbridge as sb
from spanbridge.demo.model_server import MODEL

TIMEOUT_S = 10.0


class ServerError(Exception):
    """The server did not do what it was asked to; the message says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"HTTP {status}: {message}")
        self.status = status


def post(host: str, port: int, path: str, document: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
    """Posts JSON and gives back the reply's; raises ServerError for a status of 400 or more."""
    connection = HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        connection.request("POST", path, json.dumps(document), {"Content-Type": "application/json", **(headers or {})})
        response = connection.getresponse()
        reply = json.loads(response.read())
    finally:
        connection.close()
    if response.status >= 400:
        raise ServerError(response.status, reply["error"]["message"])
    return reply


class ModelClient:
    """Chat completions, each as a model span."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port

    def complete(self, messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> dict[str, Any]:
        """The assistant's message."""
        functions = [tool["function"] for tool in tools]
        with sb.model_generation(
            model=MODEL,
            provider="openai",
            input=messages,
            tools=[{"type": "function", "name": function["name"]} for function in functions],
            parameters={"temperature": 0.0},
            server_address=self._host,
            server_port=self._port,
        ) as generation:
            request: dict[str, Any] = {"model": MODEL, "messages": messages, "temperature": 0.0}
            if tools:
                request["tools"] = tools
            reply = post(self._host, self._port, "/v1/chat/completions", request)
            choice, usage = reply["choices"][0], reply["usage"]
            generation.set(
                output=choice["message"],
                finish_reason=choice["finish_reason"],
                result_type="tool_selection" if choice["finish_reason"] == "tool_calls" else "response_generation",
                response_model=reply["model"],
                response_id=reply["id"],
                usage=sb.Usage(
                    input_tokens=usage["prompt_tokens"],
                    output_tokens=usage["completion_tokens"],
                    input_details={"cache_read": usage["prompt_tokens_details"]["cached_tokens"]},
                ),
            )
            return choice["message"]
