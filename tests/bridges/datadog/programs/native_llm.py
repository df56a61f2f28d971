"""Model calls that ddtrace's integration of OpenAI's package traces too, under each policy."""

import ddtrace.auto  # noqa: F401, I001 - first, as it must be

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ddtrace.llmobs import LLMObs
from openai import OpenAI
from spanbridge_datadog import DatadogBridge
from tools import report

import spanbridge as sb


USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
CHUNKS = [
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "hello"}}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"choices": [], "usage": USAGE},
]
STREAM = b"".join(
    b"data: %s\n\n"
    % json.dumps(
        {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-5.4-2026", **chunk}
    ).encode()
    for chunk in CHUNKS
)
STREAM += b"data: [DONE]\n\n"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if asked.get("stream"):
            self.answer("text/event-stream", STREAM)
            return
        is_embedding = self.path.endswith("/embeddings")
        body = json.dumps(
            {
                "object": "list",
                "model": "text-embedding",
                "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.5]}],
                "usage": {"prompt_tokens": 4, "total_tokens": 4},
            }
            if is_embedding
            else {
                "id": "c1",
                "object": "chat.completion",
                "created": 1,
                "model": "gpt-5.4-2026",
                "choices": [
                    {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}
                ],
                "usage": USAGE,
            }
        ).encode()
        self.answer("application/json", body)

    def answer(self, content_type: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="sk-none")
messages = [{"role": "user", "content": "hi"}]


def calls() -> None:
    """A generation, a call that is not ours, an embedding and a classifier's."""
    with sb.model_generation("ours", model="gpt-5.4", provider="openai", input=messages) as generation:
        answer = client.chat.completions.create(model="gpt-5.4", messages=messages)
        generation.set(output=answer.choices[0].message.content, usage=sb.Usage(input_tokens=10, output_tokens=5))
    with sb.tool_call("tool that thinks"):  # it keeps its native span
        client.chat.completions.create(model="gpt-5.4", messages=messages)
    with sb.start_span("rag_embedding", "embeds", model="text-embedding", provider="openai", input="hi") as embedding:
        client.embeddings.create(model="text-embedding", input="hi")
        embedding.set(usage=sb.Usage(input_tokens=4))
    with sb.start_span("classifier_evaluation", "judge", model="gpt-5.4", provider="openai", input=messages) as judge:
        client.chat.completions.create(model="gpt-5.4", messages=messages)
        judge.set(usage=sb.Usage(input_tokens=10, output_tokens=5))


def late_stream(usage: sb.Usage | None) -> None:
    """A stream that is read after its generation, of which this is known."""
    with sb.model_generation("ours", model="gpt-5.4", provider="openai", input=messages) as generation:
        stream = client.chat.completions.create(
            model="gpt-5.4", messages=messages, stream=True, stream_options={"include_usage": True}
        )
        if usage is not None:
            generation.set(usage=usage)
    sb.flush(10)
    for _ in stream:
        pass


for policy in ("drop", "demote", "keep"):
    sb.configure(service_name="native", store="sqlite:///traces.db", bridge=DatadogBridge(native_llm=policy))
    with sb.agent_run(f"{policy}: calls"):
        calls()
    with sb.agent_run(f"{policy}: stream with tokens"):
        late_stream(sb.Usage(input_tokens=10, output_tokens=5))
    with sb.agent_run(f"{policy}: stream without"):
        late_stream(None)
report(llmobs=LLMObs.enabled)
