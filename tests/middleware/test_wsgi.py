"""The WSGI middleware under servers of the standard library, with real requests."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, Any
from wsgiref.handlers import SimpleHandler
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest

import spanbridge as sb
from middleware.serving import TIMEOUT_S, belongs_to, get, get_many, traceparent, wsgi_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanbridge.testing import CapturedSpans

PARENT = 0xABCDEF


def streaming(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    """A generator: all of it runs while the server takes items."""
    name = environ["PATH_INFO"].removeprefix("/")
    with sb.generic(name):
        start_response("200 OK", [("Content-Type", "text/plain")])
        for number in range(3):
            with sb.generic(f"part {number}"):
                yield name.encode()


def plain(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """A list: nothing of it runs after the call."""
    name = environ["PATH_INFO"].removeprefix("/")
    with sb.generic(name):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [name.encode()]


def writing(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """The old way: `write`."""
    with sb.generic("writing"):
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        with sb.generic("written"):
            write(b"writ")
            write(b"ten")
    return []


class Closing:
    """An iterable that opens a span when it is made, and ends it in `close`, as frameworks do with their contexts."""

    closed = 0

    def __init__(self, environ: dict[str, Any], start_response: Any) -> None:
        start_response("200 OK", [("Content-Type", "text/plain")])
        self._span = sb.generic("request")
        self._span.__enter__()

    def __iter__(self) -> Iterator[bytes]:
        for number in range(2):
            with sb.generic(f"part {number}"):
                pass
            yield b"x"

    def close(self) -> None:
        with sb.generic("closing"):
            type(self).closed += 1
        self._span.__exit__(None, None, None)


def served(app: Any, environ: dict[str, Any] | None = None) -> tuple[bytes, list[Any]]:
    """What a server, here, that takes the response in this thread sends, and what was current there between two items."""
    seen: list[Any] = []
    output = io.BytesIO()

    class Handler(SimpleHandler):
        def _write(self, data: bytes) -> Any:
            seen.append(sb.current_span())
            seen.append(sb.inject())
            return super()._write(data)

    everything: dict[str, Any] = {"HTTP_TRACEPARENT": traceparent(PARENT)["traceparent"], **(environ or {})}
    setup_testing_defaults(everything)
    errors = io.StringIO()
    handler = Handler(io.BytesIO(), output, errors, everything, multithread=False)
    handler.run(app)
    assert sb.current_span() is None
    assert sb.inject() == {}
    return output.getvalue(), seen


@pytest.mark.parametrize("app", [streaming, plain])
def test_a_request_continues_its_trace(captured_spans: CapturedSpans, app: Any) -> None:
    """Spans of a request are local roots of the trace that its headers name; one without headers starts its own."""
    with wsgi_server(sb.WSGIMiddleware(validator(app))) as port:
        continued = get(port, "/continued", traceparent(PARENT))
        own = get(port, "/own")

    times = 3 if app is streaming else 1
    assert (continued, own) == ((200, "continued" * times), (200, "own" * times))
    spans = {span.name: span for span in captured_spans.spans}
    assert belongs_to(spans["continued"], PARENT)
    assert spans["own"].external_parent_span_id is None
    assert spans["own"].trace_id != spans["continued"].trace_id


def test_a_streamed_response(captured_spans: CapturedSpans) -> None:
    """A generator's blocks nest as they are written, over all items."""
    with wsgi_server(validator(sb.WSGIMiddleware(validator(streaming)))) as port:
        assert get(port, "/x", traceparent(PARENT)) == (200, "xxx")

    captured_spans.assert_tree("generic x [ok]\n  generic part 0 [ok]\n  generic part 1 [ok]\n  generic part 2 [ok]")
    assert belongs_to(captured_spans.spans[0], PARENT)


def test_requests_at_once_do_not_mix(captured_spans: CapturedSpans) -> None:
    """Eight requests of different traces, all between two items at the same time."""
    numbers = list(range(1, 9))
    meet = threading.Barrier(len(numbers))

    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        for item in streaming(environ, start_response):
            meet.wait(TIMEOUT_S)
            with sb.generic("beside"):
                pass
            yield item

    with wsgi_server(sb.WSGIMiddleware(app)) as port:
        assert get_many(port, numbers) == [(200, str(number) * 3) for number in numbers]

    spans = captured_spans.spans
    for number in numbers:
        (root,) = [span for span in spans if span.name == str(number)]
        assert belongs_to(root, number)
        assert len([span for span in spans if span.parent_span_id == root.span_id]) == 3
        beside = [span for span in spans if span.name == "beside" and span.trace_id == root.trace_id]
        assert [belongs_to(span, number) for span in beside] == [True] * 3


@pytest.mark.parametrize("app", [streaming, Closing])
def test_the_servers_code_runs_outside(captured_spans: CapturedSpans, app: Any) -> None:
    """Between two items nothing of the request is current, whether the application holds its span in a generator or an object."""
    body, seen = served(sb.WSGIMiddleware(app))

    assert body.startswith(b"HTTP/1.0 200 OK")
    assert len(seen) > 4
    assert all(value in (None, {}) for value in seen)
    assert belongs_to(captured_spans.spans[0], PARENT)


def test_an_object_that_is_closed(captured_spans: CapturedSpans) -> None:
    """What the application opened in the call is still open at every item, and ended in `close`, which is called once."""
    before = Closing.closed
    body, _ = served(sb.WSGIMiddleware(Closing))

    assert body.endswith(b"xx")
    assert Closing.closed == before + 1
    captured_spans.assert_tree(
        "generic request [ok]\n  generic part 0 [ok]\n  generic part 1 [ok]\n  generic closing [ok]"
    )
    assert captured_spans.observability.stats()["ignored"] == {}


def test_write(captured_spans: CapturedSpans) -> None:
    """`write` takes what it always took."""
    with wsgi_server(sb.WSGIMiddleware(writing)) as port:
        assert get(port, "/", traceparent(PARENT)) == (200, "written")

    captured_spans.assert_tree("generic writing [ok]\n  generic written [ok]")
    assert belongs_to(captured_spans.spans[0], PARENT)


def test_what_servers_look_at_stays(captured_spans: CapturedSpans) -> None:
    """Lists go through as they are; a file wrapper is recognised; a length is the application's; a missing `close` is no error."""
    environ = {"HTTP_TRACEPARENT": traceparent(PARENT)["traceparent"]}
    answer = [b"x"]
    assert sb.WSGIMiddleware(lambda *_: answer)(environ, max) is answer

    wrapper = FileWrapper(io.BytesIO(b"content"))
    response = sb.WSGIMiddleware(lambda *_: wrapper)(environ, max)
    assert isinstance(response, FileWrapper)
    assert response.filelike is wrapper.filelike
    assert b"".join(response) == b"content"

    class Sized:
        def __len__(self) -> int:
            return 1

        def __iter__(self) -> Iterator[bytes]:
            return iter(answer)

    sized: Any = sb.WSGIMiddleware(lambda *_: Sized())(environ, max)
    assert (len(sized), list(sized), list(sized)) == (1, answer, answer)
    assert sized.close() is None

    iterable = streaming({"PATH_INFO": "/x"}, lambda *_: None)
    assert sb.WSGIMiddleware(lambda *_: iterable)({}, max) is iterable


@pytest.mark.parametrize("at", ["call", "start", "middle", "close"])
def test_exceptions_reach_the_server(captured_spans: CapturedSpans, at: str) -> None:
    """What the application raises, wherever it stands, is the server's; nothing of the request stays current."""

    class Failing(Closing):
        def __init__(self, environ: dict[str, Any], start_response: Any) -> None:
            if at == "call":
                raise ZeroDivisionError
            super().__init__(environ, start_response)

        def __iter__(self) -> Iterator[bytes]:
            if at == "start":
                raise ZeroDivisionError
            yield b"x"
            if at == "middle":
                raise ZeroDivisionError

        def close(self) -> None:
            super().close()
            if at == "close":
                raise ZeroDivisionError

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        with sb.generic("app"):
            return Failing(environ, start_response)

    middleware = sb.WSGIMiddleware(app)
    environ = {"HTTP_TRACEPARENT": traceparent(PARENT)["traceparent"]}
    with pytest.raises(ZeroDivisionError):
        response: Any = middleware(environ, lambda *_: None)
        try:
            list(response)
        finally:
            response.close()

    assert sb.current_span() is None
    assert sb.inject() == {}
    assert belongs_to(captured_spans.spans[0], PARENT)


def test_a_client_that_goes_away(captured_spans: CapturedSpans) -> None:
    """A response that the server gives up in the middle is closed: its span ends, inside the trace."""
    middleware: Any = sb.WSGIMiddleware(streaming)
    response = middleware({"PATH_INFO": "/x", "HTTP_TRACEPARENT": traceparent(PARENT)["traceparent"]}, lambda *_: None)
    assert next(iter(response)) == b"x"
    response.close()

    root, part = captured_spans.spans
    assert belongs_to(root, PARENT)
    assert (root.attributes["incomplete"], part.attributes["incomplete"]) == ("closed", "closed")


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"traceparent": "nonsense"}, "malformed_traceparent"),
        ({"traceparent": "x" * 30_000}, "malformed_traceparent"),
        ({**traceparent(PARENT), "baggage": "\xff\xfe"}, "malformed_baggage"),
    ],
)
def test_malformed_headers_are_counted(captured_spans: CapturedSpans, headers: dict[str, str], reason: str) -> None:
    """A request with headers that cannot be read is served as if it had none of them; each is counted."""
    with wsgi_server(sb.WSGIMiddleware(streaming)) as port:
        assert get(port, "/x", headers) == (200, "xxx")

    assert belongs_to(captured_spans.spans[0], PARENT) == (reason != "malformed_traceparent")
    assert captured_spans.observability.stats()["ignored"] == {reason: 1}


def test_suppression_around_the_server_stays(captured_spans: CapturedSpans) -> None:
    """Whoever suppresses recording around a request suppresses what the response runs too."""
    with sb.suppress():
        response = sb.WSGIMiddleware(streaming)(
            {"PATH_INFO": "/x", "HTTP_TRACEPARENT": traceparent(PARENT)["traceparent"]}, lambda *_: None
        )
    assert list(response) == [b"x"] * 3

    assert captured_spans.spans == []


def test_not_configured() -> None:
    """Without a configuration the application is served as it is."""
    with wsgi_server(sb.WSGIMiddleware(streaming)) as port:
        assert get(port, "/x", traceparent(PARENT)) == (200, "xxx")
        assert get(port, "/x", {"traceparent": "nonsense"}) == (200, "xxx")
