import os
import signal
import threading

import pytest

from forking import in_child, needs_fork, until_a_fork_waits
from spanbridge.exporters.memory import InMemoryExporter
from spanbridge.protocols import Rejected


def test_spans_come_back_as_records(make_span):
    """A span read back has all that was exported."""
    exporter = InMemoryExporter()
    root = make_span("root", input={"q": "x"}, metadata={"k": [1]}, tags=["vip"], redactions={"email": 2})
    root.model, root.input_tokens, root.billed_cost = "gpt", 5, 0.25

    exporter.export([root])
    exporter.export([make_span("child", parent=root)])

    first, second = exporter.spans
    assert first.to_dict() == root.to_dict()
    assert (first.model, first.input_tokens, first.billed_cost, first.phase) == ("gpt", 5, 0.25, "ended")
    assert second.parent_span_id == root.span_id


def test_copies_are_independent(make_span):
    """What a test does to a span changes neither the exporter's nor the record that other exporters share."""
    exporter = InMemoryExporter()
    record = make_span("a", input={"q": "x"}, redactions={})
    exporter.export([record])

    copy = exporter.spans[0]
    copy.input["q"] = "changed"
    copy.name = "changed"
    copy.redactions["email"] = 1

    assert record.input == {"q": "x"}
    assert exporter.spans[0].to_dict() == record.to_dict()


@needs_fork
def test_a_child_that_is_forked_while_a_batch_comes(make_span):
    """It has what its parent had, and its own."""
    exporter = InMemoryExporter()

    class Slow(list):
        def __iter__(self):
            coming.set()
            until_a_fork_waits()
            return super().__iter__()

    coming = threading.Event()
    other = threading.Thread(target=exporter.export, args=(Slow([make_span("the parent's")]),))
    other.start()
    assert coming.wait(60)

    def export_in_child() -> bool:
        exporter.export([make_span("the child's")])
        return [span.name for span in exporter.spans] == ["the parent's", "the child's"]

    assert in_child(export_in_child)
    other.join()


def test_clear(make_span):
    """`clear` forgets what came before."""
    exporter = InMemoryExporter()
    exporter.export([make_span()])

    exporter.clear()

    assert exporter.spans == []


def test_full(make_span):
    """What does not fit is rejected with a reason, not lost in silence."""
    exporter = InMemoryExporter(max_spans=2)
    exporter.export([make_span("a"), make_span("b")])

    assert exporter.export([make_span("c")]) == Rejected("memory_full")
    assert [span.name for span in exporter.spans] == ["a", "b"]


def test_wait_for(make_span):
    """`wait_for` returns when another thread has exported what is asked for."""
    exporter = InMemoryExporter()
    waiting = threading.Event()

    def export() -> None:
        waiting.wait(5)
        for name in ("a", "b", "a"):
            exporter.export([make_span(name)])

    thread = threading.Thread(target=export)
    thread.start()
    waiting.set()
    found = exporter.wait_for(2, name="a")
    everything = exporter.wait_for(3)
    thread.join()

    assert [span.name for span in found] == ["a", "a"]
    assert [span.name for span in everything] == ["a", "b", "a"]


def test_wait_for_says_what_came(make_span):
    """When the time is up, the error says what was waited for and what is there."""
    exporter = InMemoryExporter()
    exporter.export([make_span("a")])

    with pytest.raises(TimeoutError, match=r"1 span\(s\) named 'b' did not come within 0 s; there are: a"):
        exporter.wait_for(name="b", timeout=0)


def test_flush_and_shutdown_keep_the_spans(make_span):
    """Spans can be read after the shutdown."""
    exporter = InMemoryExporter()
    exporter.export([make_span("a")])

    exporter.flush(0)
    exporter.shutdown(0)

    assert [span.name for span in exporter.spans] == ["a"]


@pytest.mark.skipif(os.name != "posix", reason="the signal is one of POSIX")
def test_a_signal_handler_may_read_in_the_middle_of_a_read():
    """The lock is met again by the thread that holds it."""
    memory = InMemoryExporter()
    seen: list[object] = []
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.append(memory.spans))
    try:
        with memory._changed:  # pyright: ignore[reportPrivateUsage] - as a read does, at any of its steps
            signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert seen == [[]]
