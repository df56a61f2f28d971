"""Context in and out of the process: all kinds of carriers, strangers' headers, and what spans make of a remote parent."""

from __future__ import annotations

from collections import UserDict
from email.message import Message
from types import MappingProxyType, SimpleNamespace
from wsgiref.headers import Headers

import pytest

import spanbridge as sb
from spanbridge.testing import capture_spans

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"


def ignored(captured_spans):
    captured_spans.flush()
    return captured_spans.observability.stats()["ignored"]


def child_of(carrier):
    with sb.extract(carrier), sb.agent_run("a") as span:
        return span.trace_id


def test_a_remote_parent(captured_spans):
    """The trace goes on; the span is the root of it here."""
    with sb.extract({"traceparent": TRACEPARENT}), sb.agent_run("a"), sb.tool_call("t"):
        pass

    root, child = captured_spans.spans
    assert (root.trace_id, root.parent_span_id, root.external_parent_span_id) == (TRACE, None, SPAN)
    assert (child.trace_id, child.parent_span_id, child.external_parent_span_id) == (TRACE, root.span_id, None)


def test_it_is_listed(tmp_path):
    """A store lists the trace by its local root; two local roots of one trace are one trace."""
    with sb.Observability(store=f"sqlite:///{tmp_path / 't.db'}", exporters=[]) as observability:
        for name in ("first", "second"):
            with sb.extract({"traceparent": TRACEPARENT}), observability.agent_run(name):
                pass
        observability.flush()
        (trace,) = observability.store.list_traces()
        assert trace.trace_id == TRACE
        assert [span.name for span in observability.store.get_trace(TRACE).spans] == ["first", "second"]


CARRIERS = {
    "dict": {"traceparent": TRACEPARENT},
    "other case": {"TraceParent": TRACEPARENT},
    "bytes": {b"traceparent": TRACEPARENT.encode()},
    "pairs": [("Traceparent", TRACEPARENT)],
    "tuple of pairs": (("traceparent", TRACEPARENT.encode()),),
    "ASGI": [(b"host", b"x"), (b"traceparent", TRACEPARENT.encode())],
    "WSGI": {"REQUEST_METHOD": "GET", "HTTP_TRACEPARENT": TRACEPARENT, "wsgi.input": object()},
    "read-only": MappingProxyType({"traceparent": TRACEPARENT}),
    "UserDict": UserDict(traceparent=TRACEPARENT),
    "wsgiref": Headers([("Traceparent", TRACEPARENT)]),
    "object": SimpleNamespace(traceparent=TRACEPARENT),
    "list of values": {"traceparent": [TRACEPARENT]},
    "generator": ((name, value) for name, value in [("traceparent", TRACEPARENT)]),
    "spaces": {"traceparent": f" {TRACEPARENT} "},
}


@pytest.mark.parametrize("kind", CARRIERS)
def test_carriers(captured_spans, kind):
    """Whatever has names and values."""
    assert child_of(CARRIERS[kind]) == TRACE
    assert ignored(captured_spans) == {}


def test_email_headers(captured_spans):
    """A collection that adds where a mapping replaces."""
    carrier = Message()
    carrier["Traceparent"] = "to be replaced"
    with sb.agent_run("a"):
        sb.inject(carrier)
    assert len(carrier.get_all("traceparent")) == 1
    assert child_of(carrier) == captured_spans.spans[0].trace_id


class Raises:
    """A carrier that raises at every touch."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __iter__(self):
        raise RuntimeError

    def __len__(self):
        raise RuntimeError

    def __contains__(self, name):
        raise RuntimeError

    def __getitem__(self, name):
        raise RuntimeError


STRANGE = [
    None,
    {},
    [],
    "",
    "traceparent",
    b"x",
    3,
    object(),
    [3],
    [()],
    [("traceparent",)],
    [("traceparent", 1, 2)],
    {"traceparent": None},
    {"traceparent": 3},
    {"traceparent": []},
    {3: 4},
    Raises(),
    {"traceparent": Raises()},
]


@pytest.mark.parametrize("carrier", STRANGE, ids=lambda carrier: type(carrier).__name__)
def test_strange_carriers(captured_spans, carrier):
    """Never raises; the block changes nothing."""
    with sb.agent_run("outer") as outer:
        assert child_of(carrier) == outer.trace_id
    assert ignored(captured_spans).keys() <= {"malformed_carrier", "malformed_traceparent"}


@pytest.mark.parametrize(
    "carrier", [(), "text", 3, object(), Raises(), MappingProxyType({})], ids=lambda carrier: type(carrier).__name__
)
def test_carriers_that_take_nothing(captured_spans, contained_places, silence, carrier):
    """Never raises; what cannot be written is told once."""
    with sb.agent_run("a"):
        assert sb.inject(carrier) is carrier
    assert contained_places() == {"inject"}
    silence.clear()


@pytest.mark.parametrize("name", ["traceparent", "tracestate", "baggage"])
def test_huge_headers(captured_spans, name):
    """A megabyte in one header is passed over and counted."""
    for value in ("a" * 2**20, "a=b," * 2**18, b"a" * 2**20, TRACEPARENT + "-" + "0" * 2**20):
        with sb.extract({"traceparent": TRACEPARENT, name: value}), sb.agent_run("a"):
            assert len("".join(sb.inject().values())) < 200
    assert ignored(captured_spans) == {f"malformed_{name}": 4}


def test_huge_carriers(captured_spans):
    """Looked at within a bound, however many entries there are."""
    touched = []

    class Endless:
        def __iter__(self):
            while True:
                touched.append(1)
                yield ("x", "y")

    child_of(Endless())
    child_of([("x-header", "value")] * 10**6)
    assert len(touched) < 2000
    assert child_of({**{f"x{i}": "y" for i in range(10**5)}, "traceparent": TRACEPARENT}) == TRACE


def test_round_trip(captured_spans):
    """What one side injects, the other extracts; tracestate and baggage pass through."""
    carrier = {"traceparent": TRACEPARENT, "tracestate": "a=1,b=2", "baggage": "k=v;p=1, spanbridge.user_id=u%201"}
    with sb.extract(carrier), sb.agent_run("a"), sb.tool_call("t") as span:
        headers = sb.inject(baggage={"added": "x y"})
    with sb.extract(headers), sb.agent_run("other side"):
        assert sb.inject()["tracestate"] == "a=1,b=2"

    assert headers == {
        "traceparent": f"00-{TRACE}-{span.span_id}-01",
        "tracestate": "a=1,b=2",
        "baggage": "k=v;p=1,spanbridge.user_id=u%201,added=x%20y",
    }
    assert {span.user_id for span in captured_spans.spans} == {"u 1"}
    assert captured_spans.spans[2].external_parent_span_id == span.span_id


def test_pass_through(captured_spans):
    """Outside of a span, what came in goes on as it is; with nothing, nothing is written."""
    assert sb.inject() == {}
    assert sb.inject({"x": "y"}) == {"x": "y"}
    with sb.extract({"traceparent": f"00-{TRACE}-{SPAN}-00", "tracestate": "a=1"}):
        assert sb.inject([]) == [("traceparent", f"00-{TRACE}-{SPAN}-00".encode()), ("tracestate", b"a=1")]


def test_nested(captured_spans):
    """The innermost holds, and what was before is in force again after it; a span inside a span's block likewise."""
    other = f"00-{'1' * 32}-{'2' * 16}-01"
    with sb.extract({"traceparent": TRACEPARENT}):
        with sb.extract({"traceparent": other}):
            assert sb.inject()["traceparent"] == other
            with sb.extract({}):
                assert sb.inject()["traceparent"] == other
        assert sb.inject()["traceparent"] == TRACEPARENT
    with sb.agent_run("a") as outer:
        assert child_of({"traceparent": TRACEPARENT}) == TRACE
        assert sb.inject()["traceparent"].split("-")[2] == outer.span_id
    assert sb.inject() == {}


def test_suppressed(captured_spans):
    """Nothing is recorded inside `suppress`, whoever the parent is, and nothing goes out."""
    with sb.suppress(), sb.extract({"traceparent": TRACEPARENT}), sb.agent_run("a") as span:
        assert not span.is_recording
        assert sb.inject() == {}
    with sb.extract({"traceparent": TRACEPARENT}), sb.suppress(), sb.agent_run("a"):
        assert sb.inject() == {}
    assert captured_spans.spans == []


def test_sampled_out():
    """An unsampled trace goes on as unsampled: the other side must not record a half of it."""
    with capture_spans(sampling=0.0) as captured:
        with sb.agent_run("a"), sb.tool_call("t"):
            version, trace_id, span_id, flags = sb.inject()["traceparent"].split("-")
        with sb.extract({"traceparent": TRACEPARENT, "tracestate": "a=1"}), sb.agent_run("a"):
            headers = sb.inject()
        assert captured.spans == []

    assert (version, flags, len(trace_id), len(span_id)) == ("00", "00", 32, 16)
    assert headers["traceparent"].startswith(f"00-{TRACE}-")
    assert headers["traceparent"].endswith("-00")
    assert headers["tracestate"] == "a=1"


def test_lists_are_replaced_in(captured_spans):
    """Injecting twice leaves one header, whatever its case was."""
    carrier = [("TraceParent", b"old"), (b"x", b"y")]
    with sb.agent_run("a"):
        sb.inject(sb.inject(carrier))
    assert [name for name, _ in carrier] == [b"x", "traceparent"]


def test_baggage_is_bounded(captured_spans):
    """What does not fit is left out and counted; no value breaks out of its entry."""
    with sb.agent_run("a"):
        header = sb.inject(baggage={"k,;=": "v\r\n,;=", **{f"k{i}": "v" * 4000 for i in range(3)}})["baggage"]
    assert header.startswith("k%2C%3B%3D=v%0D%0A%2C%3B%3D,k0=")
    assert len(header) < 8192
    assert ignored(captured_spans) == {"baggage_overflow": 1}


def test_unconfigured():
    """Passes through, and counts nothing."""
    assert sb.inject() == {}
    with sb.extract({"traceparent": TRACEPARENT}):
        assert sb.inject() == {"traceparent": TRACEPARENT}
    with sb.extract({"traceparent": "bad"}), sb.agent_run("a"):
        assert sb.inject() == {}


def test_left_in_another_context(captured_spans):
    """Counted, and nobody's parent any more."""
    import contextvars

    block = sb.extract({"traceparent": TRACEPARENT})
    block.__enter__()
    contextvars.copy_context().run(block.__exit__)
    with sb.agent_run("after") as span:
        assert span.trace_id != TRACE
    assert ignored(captured_spans) == {"wrong_context": 1}


async def test_async_with(captured_spans):
    """As `with`."""
    async with sb.extract({"traceparent": TRACEPARENT}) as block, sb.agent_run("a") as span:
        assert isinstance(block, sb.extract)
        assert span.trace_id == TRACE
    assert sb.inject() == {}
