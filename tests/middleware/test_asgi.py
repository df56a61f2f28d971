"""The ASGI middleware under uvicorn, with real requests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from websockets.sync.client import connect

import spanbridge as sb
from middleware.serving import TIMEOUT_S, asgi_server, belongs_to, get, get_many, traceparent

if TYPE_CHECKING:
    from spanbridge.testing import CapturedSpans

PARENT = 0xABCDEF
LOOPS = ["asyncio"]
try:
    import uvloop  # noqa: F401 - whether it is there
except ImportError:  # no such platform
    pass
else:
    LOOPS.append("uvloop")


class App:
    """Answers `/NAME` with a span of that name, in two parts; keeps what lifespan gave it."""

    def __init__(self, parts: int = 2, meet: int = 0) -> None:
        self.events: list[str] = []
        self.scopes: list[str] = []
        self._parts = parts
        self._meet = meet
        self._arrived = 0
        self._all_there: asyncio.Event | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope["type"])
        await getattr(self, scope["type"])(scope, receive, send)

    async def lifespan(self, scope: Any, receive: Any, send: Any) -> None:
        while True:
            event = (await receive())["type"]
            self.events.append(event)
            with sb.generic(event):
                await send({"type": f"{event}.complete"})
            if event == "lifespan.shutdown":
                return

    async def http(self, scope: Any, receive: Any, send: Any) -> None:
        name = scope["path"].removeprefix("/")
        with sb.generic(name):
            await self._meeting()
            if name == "fail":
                raise ZeroDivisionError
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for number in range(self._parts):
                await asyncio.sleep(0)
                with sb.generic(f"part {number}"):
                    await send(
                        {"type": "http.response.body", "body": name.encode(), "more_body": number < self._parts - 1}
                    )

    async def websocket(self, scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            with sb.generic(message["text"]):
                await send({"type": "websocket.send", "text": message["text"]})

    async def _meeting(self) -> None:
        """Waits until as many requests are here as are to run side by side."""
        if self._meet:
            self._all_there = self._all_there or asyncio.Event()
            self._arrived += 1
            if self._arrived == self._meet:
                self._all_there.set()
            await asyncio.wait_for(self._all_there.wait(), TIMEOUT_S)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_request_continues_its_trace(captured_spans: CapturedSpans, loop: str) -> None:
    """Spans of a request are local roots of the trace that its headers name; one without headers starts its own."""
    with asgi_server(sb.ASGIMiddleware(App()), loop) as port:
        assert get(port, "/continued", traceparent(PARENT)) == (200, "continuedcontinued")
        assert get(port, "/own") == (200, "ownown")

    spans = {span.name: span for span in captured_spans.spans}
    assert belongs_to(spans["continued"], PARENT)
    assert spans["own"].external_parent_span_id is None
    assert spans["own"].trace_id != spans["continued"].trace_id
    captured_spans.assert_tree(
        "generic lifespan.startup [ok]\n"
        "generic continued [ok]\n  generic part 0 [ok]\n  generic part 1 [ok]\n"
        "generic own [ok]\n  generic part 0 [ok]\n  generic part 1 [ok]\n"
        "generic lifespan.shutdown [ok]"
    )


@pytest.mark.parametrize("loop", LOOPS)
def test_requests_at_once_do_not_mix(captured_spans: CapturedSpans, loop: str) -> None:
    """Twelve requests of different traces, all in the application at the same time."""
    numbers = list(range(1, 13))
    with asgi_server(sb.ASGIMiddleware(App(parts=20, meet=len(numbers))), loop) as port:
        assert get_many(port, numbers) == [(200, str(number) * 20) for number in numbers]

    spans = captured_spans.spans
    for number in numbers:
        (root,) = [span for span in spans if span.name == str(number)]
        assert belongs_to(root, number)
        assert len([span for span in spans if span.parent_span_id == root.span_id]) == 20


def test_websocket(captured_spans: CapturedSpans) -> None:
    """A websocket's whole life belongs to the trace that its handshake names."""
    with (
        asgi_server(sb.ASGIMiddleware(App())) as port,
        connect(f"ws://127.0.0.1:{port}/", additional_headers=traceparent(PARENT), proxy=None) as client,
    ):
        for message in ("one", "two"):
            client.send(message)
            assert client.recv(TIMEOUT_S) == message

    spans = {span.name: span for span in captured_spans.spans}
    assert belongs_to(spans["one"], PARENT)
    assert belongs_to(spans["two"], PARENT)


def test_lifespan_passes_through(captured_spans: CapturedSpans) -> None:
    """Startup and shutdown reach the application as the server sent them, and belong to no trace."""
    app = App()
    with asgi_server(sb.ASGIMiddleware(app)):
        pass

    assert app.events == ["lifespan.startup", "lifespan.shutdown"]
    assert app.scopes == ["lifespan"]
    assert all(span.external_parent_span_id is None for span in captured_spans.spans)


def test_exceptions_reach_the_server(captured_spans: CapturedSpans) -> None:
    """What the application raises is the server's: it answers 500; the request's span is an error of its trace."""
    with asgi_server(sb.ASGIMiddleware(App())) as port:
        assert get(port, "/fail", traceparent(PARENT)) == (500, "Internal Server Error")
        assert get(port, "/next") == (200, "nextnext")

    spans = {span.name: span for span in captured_spans.spans}
    assert belongs_to(spans["fail"], PARENT)
    assert spans["fail"].status == "error"
    assert spans["next"].external_parent_span_id is None


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"traceparent": "nonsense"}, "malformed_traceparent"),
        ({"traceparent": f"00-{'0' * 32}-{'b' * 16}-01"}, "malformed_traceparent"),
        ({"traceparent": "x" * 30_000}, "malformed_traceparent"),
        ({**traceparent(PARENT), "tracestate": "=,;"}, "malformed_tracestate"),
        ({**traceparent(PARENT), "baggage": "\xff\xfe"}, "malformed_baggage"),
    ],
)
def test_malformed_headers_are_counted(captured_spans: CapturedSpans, headers: dict[str, str], reason: str) -> None:
    """A request with headers that cannot be read is served as if it had none of them; each is counted."""
    with asgi_server(sb.ASGIMiddleware(App())) as port:
        assert get(port, "/x", headers) == (200, "xx")

    (span,) = [span for span in captured_spans.spans if span.name == "x"]
    assert belongs_to(span, PARENT) == (reason != "malformed_traceparent")
    assert captured_spans.observability.stats()["ignored"] == {reason: 1}


@pytest.mark.parametrize("scope", [{"type": "http"}, {"type": "http", "headers": None}, {"type": "other"}, {}])
async def test_odd_scopes(captured_spans: CapturedSpans, scope: dict[str, Any]) -> None:
    """A scope without headers, of an unknown type or of none goes to the application unchanged."""
    calls: list[Any] = []

    async def app(*arguments: Any) -> None:
        calls.append(arguments)

    await sb.ASGIMiddleware(app)(scope, max, min)

    assert calls == [(scope, max, min)]
    assert calls[0][0] is scope


def test_not_configured() -> None:
    """Without a configuration the application is served as it is."""
    with asgi_server(sb.ASGIMiddleware(App())) as port:
        assert get(port, "/x", traceparent(PARENT)) == (200, "xx")
        assert get(port, "/x", {"traceparent": "nonsense"}) == (200, "xx")
