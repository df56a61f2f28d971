"""Real servers on the loopback interface, and real requests to them."""

from __future__ import annotations

import http.client
import io
import threading
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT_S = 20


def traceparent(number: int) -> dict[str, str]:
    """The header of an incoming trace, and its ids: the number, written as hex."""
    return {"traceparent": f"00-{number:032x}-{number:016x}-01"}


@contextmanager
def asgi_server(app: Any, loop: str = "asyncio") -> Iterator[int]:
    """The port of a uvicorn that serves `app`, lifespan events included."""
    started = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            started.set()

    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, loop=loop, lifespan="on", log_config=None, ws="websockets-sansio"
    )
    server = Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert started.wait(TIMEOUT_S)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(TIMEOUT_S)


@contextmanager
def wsgi_server(app: Any) -> Iterator[int]:
    """The port of a server of the standard library that serves `app`, each request in a thread."""

    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = False

    class Handler(WSGIRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def get_stderr(self) -> Any:
            return io.StringIO()

    server = Server(("127.0.0.1", 0), Handler)
    server.set_app(app)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join(TIMEOUT_S)
        server.server_close()


def get(port: int, path: str = "/", headers: dict[str, str] | None = None) -> tuple[int, str]:
    """Status and body of a GET request; what came of a body that was cut."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        try:
            return response.status, response.read().decode()
        except http.client.IncompleteRead as error:
            return response.status, error.partial.decode()
    finally:
        connection.close()


def get_many(port: int, numbers: list[int]) -> list[tuple[int, str]]:
    """Requests of many traces at once, one for each number."""
    results: dict[int, tuple[int, str]] = {}

    def request(number: int) -> None:
        results[number] = get(port, f"/{number}", traceparent(number))

    threads = [threading.Thread(target=request, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)
    return [results[number] for number in numbers]


def belongs_to(span: Any, number: int) -> bool:
    """Whether the span is a local root of the incoming trace of that number."""
    return (span.trace_id, span.external_parent_span_id, span.parent_span_id) == (
        f"{number:032x}",
        f"{number:016x}",
        None,
    )
