"""Streams of a real server on this machine, through the providers' own clients: whole, closed, and cut in the middle."""

from __future__ import annotations

import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import spanbridge as sb
from context.test_stream_forms import CHAT, MESSAGES

# The clients take a second to import, which each process that collects tests would take.


class Handler(BaseHTTPRequestHandler):
    """Sends what is asked for as server-sent events; `/cut/...` closes the connection in the middle of the body."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        events = MESSAGES if self.path.endswith("/messages") else CHAT
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        cut = self.path.startswith("/cut/")
        for event in events[:3] if cut else events:
            name = f"event: {event['type']}\n" if "type" in event else ""
            self.chunk(f"{name}data: {json.dumps(event)}\n\n")
        if cut:
            self.close_connection = True
            return
        if events is CHAT:
            self.chunk("data: [DONE]\n\n")
        self.chunk("")

    def chunk(self, text):
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def ask_openai(address, gen):
    import openai

    with (
        openai.OpenAI(api_key="none", base_url=f"{address}/v1", max_retries=0) as client,
        client.chat.completions.create(model="m", messages=[], stream=True) as source,
    ):
        yield from gen.stream(source)


def ask_anthropic(address, gen):
    import anthropic

    with anthropic.Anthropic(api_key="none", base_url=address, max_retries=0) as client:
        message = {"role": "user", "content": "hi"}
        with client.messages.create(model="m", max_tokens=9, messages=[message], stream=True) as source:
            yield from gen.stream(source)


def ask_openai_helper(address, gen):
    import openai

    with openai.OpenAI(api_key="none", base_url=f"{address}/v1", max_retries=0) as client:
        message = {"role": "user", "content": "hi"}
        with gen.stream(client.chat.completions.stream(model="m", messages=[message])) as events:
            yield from events


def ask_anthropic_helper(address, gen):
    import anthropic

    with anthropic.Anthropic(api_key="none", base_url=address, max_retries=0) as client:
        message = {"role": "user", "content": "hi"}
        with gen.stream(client.messages.stream(model="m", max_tokens=9, messages=[message])) as events:
            yield from events


ASK = pytest.mark.parametrize("ask", [ask_openai, ask_anthropic])
ASK_HELPER = pytest.mark.parametrize("ask", [ask_openai_helper, ask_anthropic_helper])


@ASK
def test_whole(captured_spans, server, ask):
    """As it came."""
    assert len(list(ask(server, sb.start_span("model_generation", model="m")))) >= len(CHAT)

    (record,) = captured_spans.spans
    assert (record.output, str(record.status), record.attributes["usage"]["output_tokens"]) == ("Hello", "ok", 9)
    assert "incomplete" not in record.attributes


@ASK_HELPER
def test_helper_objects(captured_spans, server, ask):
    """Of the clients' own `stream` methods, which tell everything several times in other words."""
    assert list(ask(server, sb.start_span("model_generation", model="m")))

    (record,) = captured_spans.spans
    assert (record.output, str(record.status), record.attributes["usage"]["output_tokens"]) == ("Hello", "ok", 9)
    assert "incomplete" not in record.attributes


@ASK_HELPER
def test_helper_objects_that_are_left_early(captured_spans, server, ask):
    """The consumer leaves in the middle."""
    events = ask(server, sb.start_span("model_generation", model="m"))
    next(events)
    events.close()

    (record,) = captured_spans.spans
    assert (str(record.status), record.attributes["incomplete"]) == ("ok", "closed")


@ASK
def test_cut(captured_spans, server, ask):
    """The client's exception passes; the span has it, and what was received before."""
    passed = []
    with pytest.raises(Exception, match=r"peer closed|incomplete|Connection"):
        passed.extend(ask(f"{server}/cut", sb.start_span("model_generation", model="m")))

    (record,) = captured_spans.spans
    assert len(passed) == record.attributes["chunk_count"] == 3
    assert (str(record.status), record.attributes["incomplete"]) == ("error", "cut")
    assert record.output == ("Hello" if ask is ask_openai else "Hel")


@ASK
def test_closed(captured_spans, server, ask):
    """The consumer leaves in the middle."""
    chunks = ask(server, sb.start_span("model_generation", model="m"))
    next(chunks)
    chunks.close()

    (record,) = captured_spans.spans
    assert (str(record.status), record.attributes["incomplete"], record.attributes["chunk_count"]) == (
        "ok",
        "closed",
        1,
    )


async def test_async_client(captured_spans, server):
    """The same through an asynchronous client."""
    import openai

    async with openai.AsyncOpenAI(api_key="none", base_url=f"{server}/v1", max_retries=0) as client:
        source = await client.chat.completions.create(model="m", messages=[], stream=True)
        async with sb.start_span("model_generation", model="m").stream(source) as stream:
            assert stream.response.status_code == 200
            assert [chunk async for chunk in stream]

    (record,) = captured_spans.spans
    assert (record.output, record.attributes["finish_reason"]) == ("Hello", "stop")


def test_bytes_of_a_response(captured_spans, server):
    """A bare response is a stream of bytes, cut in the middle of the body."""
    connection = http.client.HTTPConnection(server.removeprefix("http://"))
    connection.request("POST", "/cut/chat", b"{}")
    response = connection.getresponse()
    with pytest.raises(http.client.IncompleteRead):
        list(sb.start_span("model_generation", model="m").stream(iter(lambda: response.read(64) or None, None)))
    connection.close()

    (record,) = captured_spans.spans
    assert record.attributes["incomplete"] == "cut"
    assert record.output is None or record.output.startswith("data: ")
