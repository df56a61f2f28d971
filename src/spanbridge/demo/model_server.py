"""A small OpenAI-compatible server on 127.0.0.1: `POST /v1/chat/completions`, and `POST /reports` for finished reports.

Token counts come from the length of the text; a prompt that begins like an earlier one counts its common beginning as cached.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from contextlib import contextmanager
from hashlib import sha256
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from os.path import commonprefix  # of any strings, character by character
from typing import TYPE_CHECKING, Any

from spanbridge.demo.policy import next_step

if TYPE_CHECKING:
    from collections.abc import Generator

    from spanbridge.demo.policy import Step

MODEL = "gpt-4o-mini"
SNAPSHOT = "gpt-4o-mini-2024-07-18"
"""The version of the model that says it answered."""
CHARACTERS_PER_TOKEN = 4
CACHE_BLOCK_TOKENS = 128
"""Cached prompts are counted in whole blocks."""
SECONDS_PER_TOKEN = 0.0005
"""A longer answer takes longer."""
MAX_REMEMBERED_PROMPTS = 64
MAX_BODY_BYTES = 4 * 1024 * 1024
SHUTDOWN_POLL_S = 0.02


class ModelServer(ThreadingHTTPServer):
    """Answers on an ephemeral port of 127.0.0.1 until it is shut down."""

    daemon_threads = True

    def __init__(self, report_key: str) -> None:
        """`report_key`: the key without which no report is taken."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.report_key = report_key
        self.reports: list[str] = []
        self._prompts: list[str] = []
        self._report_attempts = 0
        self._lock = threading.Lock()

    @property
    def host(self) -> str:
        return str(self.server_address[0])

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of a client that went away."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def complete(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply to a chat completion request. Raises KeyError, TypeError or ValueError where the request is none."""
        step = next_step(request["messages"], request.get("tools", []))
        prompt = json.dumps([request.get("tools", []), request["messages"]])
        message, finish_reason = _assistant_message(step, prompt)
        prompt_tokens = _tokens(prompt)
        completion_tokens = _tokens(json.dumps(message))
        cached_tokens = self._remember(prompt) // CACHE_BLOCK_TOKENS * CACHE_BLOCK_TOKENS
        time.sleep(completion_tokens * SECONDS_PER_TOKEN)
        return {
            "id": f"chatcmpl-{_digest(prompt)}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": SNAPSHOT,
            "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
            "usage": {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": completion_tokens,
                "total_tokens": prompt_tokens + completion_tokens,
                "prompt_tokens_details": {"cached_tokens": cached_tokens},
            },
        }

    def take_report(self, text: str) -> dict[str, Any] | None:
        """Keeps a report; None at the first try, when the place for reports is still being prepared."""
        with self._lock:
            self._report_attempts += 1
            if self._report_attempts == 1:
                return None
            self.reports.append(text)
            return {"report_id": f"report-{len(self.reports)}", "characters": len(text)}

    def _remember(self, prompt: str) -> int:
        """How many tokens of `prompt` some earlier prompt began with."""
        with self._lock:
            cached = max((len(commonprefix([prompt, earlier])) for earlier in self._prompts), default=0)  # noqa: RUF071 - prompts, no paths
            self._prompts = [*self._prompts, prompt][-MAX_REMEMBERED_PROMPTS:]
            return cached // CHARACTERS_PER_TOKEN


@contextmanager
def running_server(report_key: str) -> Generator[ModelServer]:
    """A server that answers inside the block."""
    with ModelServer(report_key) as server:
        thread = threading.Thread(
            target=server.serve_forever, args=(SHUTDOWN_POLL_S,), name="demo-model-server", daemon=True
        )
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer  # pyright: ignore[reportIncompatibleVariableOverride] - made by this server only
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            self._error(400, "the body is not a JSON object")
        elif self.path == "/v1/chat/completions":
            self._complete(body)
        elif self.path == "/reports":
            self._take_report(body)
        else:
            self._error(404, f"there is nothing at {self.path}")

    def _complete(self, body: dict[str, Any]) -> None:
        try:
            reply = self.server.complete(body)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            self._error(400, f"not a chat completion request: {error!r}")
        else:
            self._reply(200, reply)

    def _take_report(self, body: dict[str, Any]) -> None:
        # Compared as bytes: a header may hold any Latin-1 character.
        key = self.headers.get("Authorization", "").removeprefix("Bearer ").encode()
        if not compare_digest(key, self.server.report_key.encode()):
            self._error(401, "the key is wrong")
            return
        reply = self.server.take_report(str(body.get("report", "")))
        if reply is None:
            self._error(503, "the place for reports is being prepared, try again")
        else:
            self._reply(201, reply)

    def _body(self) -> dict[str, Any] | None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or not 0 < int(length) <= MAX_BODY_BYTES:
            # What was not read would be taken for the next request.
            self.close_connection = True
            return None
        try:
            body = json.loads(self.rfile.read(int(length)))
        except ValueError:
            return None
        return body if isinstance(body, dict) else None  # pyright: ignore[reportUnknownVariableType]

    def _error(self, status: int, message: str) -> None:
        self._reply(
            status, {"error": {"message": message, "type": "invalid_request_error" if status < 500 else "server_error"}}
        )

    def _reply(self, status: int, document: dict[str, Any]) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """The demo's output is its trace."""


def _assistant_message(step: Step, prompt: str) -> tuple[dict[str, Any], str]:
    """The message and its finish reason."""
    if isinstance(step, str):
        return {"role": "assistant", "content": step}, "stop"
    calls = [
        {
            "id": f"call_{_digest(prompt + str(number))}",
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
        }
        for number, call in enumerate(step)
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls}, "tool_calls"


def _tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
