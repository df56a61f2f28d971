"""ASGI and WSGI middleware: a request's spans continue the trace that its headers name. It opens no span itself."""

# Applications of any framework pass through here; their types are unknown on purpose.
# It is a part of `extract`, in a file of its own.
# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spanbridge.tracing.context import ambient
from spanbridge.tracing.propagation import extract
from spanbridge.tracing.proxies import ObjectProxy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping

    ASGIApplication = Callable[[MutableMapping[str, Any], Callable[..., Any], Callable[..., Any]], Awaitable[None]]
    WSGIApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class ASGIMiddleware:
    """`app = ASGIMiddleware(app)`: `with extract(headers)` around each HTTP request and each websocket; all else passes through."""

    def __init__(self, app: ASGIApplication) -> None:
        self.app = app

    async def __call__(
        self, scope: MutableMapping[str, Any], receive: Callable[..., Any], send: Callable[..., Any]
    ) -> None:
        if scope.get("type") not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        with extract(scope.get("headers")):
            await self.app(scope, receive, send)


class WSGIMiddleware:
    """`app = WSGIMiddleware(app)`: `with extract(environ)` around each request, and around what runs of its response afterwards.

    The server's own code, which takes the response item by item, runs outside.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        remote = extract(environ)
        if remote._parent is None:
            return self.app(environ, start_response)
        around = ambient.get()
        parent = remote._scope()
        if parent is not None:
            parent._set_outer(around)
        # No block of `extract`: what the application opens in the call may stay open until its response is closed.
        # Without a parent, recording is suppressed here, and in what the response runs.
        token = ambient.set(parent or around)
        try:
            response = self.app(environ, start_response)
            inside = ambient.get()
        finally:
            ambient.reset(token)
        # No code of the application runs while the server takes a list.
        return response if type(response) in {list, tuple} else _Response(response, inside)


class _Response(ObjectProxy):
    """The application's iterable, whose code runs inside, and only that."""

    def __init__(self, response: Iterable[bytes], inside: Any) -> None:
        super().__init__(response)
        self._self_ambient = inside

    def __iter__(self) -> Iterator[bytes]:
        iterator = self._self_run(iter, self.__wrapped__)
        while True:
            try:
                item = self._self_run(next, iterator)
            except StopIteration:
                return
            yield item

    def close(self) -> None:
        """As the application's, where it has one."""
        close = getattr(self.__wrapped__, "close", None)
        if close is not None:
            self._self_run(close)

    def _self_run(self, step: Callable[..., Any], *args: Any) -> Any:
        """Calls `step` inside; what it leaves open there is ambient at the next step, and not in between."""
        token = ambient.set(self._self_ambient)
        try:
            return step(*args)
        finally:
            self._self_ambient = ambient.get()
            ambient.reset(token)
