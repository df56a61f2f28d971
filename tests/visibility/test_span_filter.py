"""The application's choice of ended spans: what it leaves out takes no child with it, at any exit."""

from __future__ import annotations

import threading

import pytest

import spanbridge as sb
from spanbridge.testing import capture_spans
from visibility.conftest import parents

EXITS = ("store", "memory", "jsonl")


class Watch:
    """An exit that says when a span has come, running or ended."""

    accepts_running = True

    def __init__(self, name):
        self._name = name
        self.came = threading.Event()

    def export(self, batch):
        """Looks at the names."""
        if any(record.name == self._name for record in batch):
            self.came.set()

    def flush(self, deadline):
        """Nothing waits here."""

    shutdown = flush


def is_wanted(record):
    """For the tests below."""
    return record.name != "left out"


def drop_unwanted(record):
    """The same as a processor."""
    return record if is_wanted(record) else None


@pytest.mark.parametrize(
    "settings", [{"span_filter": is_wanted}, {"processors": [drop_unwanted]}], ids=["span filter", "processor"]
)
def test_children_that_ended_long_before(exits, settings):
    """The child is written before the span that is left out ends; every exit has it below the nearest span that stays."""
    watch = Watch("tool")
    exits.configure(also=[watch], **settings)
    with sb.agent_run("agent"), sb.workflow_step("left out"):
        with sb.tool_call("tool"):
            pass
        assert watch.came.wait(30)
    seen = exits.read()

    for exit in EXITS:
        assert parents(getattr(seen, exit)) == {"agent": None, "tool": "agent"}
    reason = "span_filter" if "span_filter" in settings else "processor"
    stats = sb.stats()
    assert stats["spans"]["dropped"] == {reason: 1}
    assert {name: exporter["delivered"] for name, exporter in stats["exporters"].items()} == {
        "store": 2,
        "jsonl": 2,
        "console": 2,
        "memory": 2,
        "Watch": 2,
    }


def test_what_waits_is_pending():
    """A span that waits for its parent's end is not lost from the account, and a flush sends it."""
    with capture_spans(span_filter=is_wanted) as captured:
        with sb.agent_run("agent"):
            with sb.tool_call("tool"):
                pass
            spans = sb.stats()["spans"]
            assert spans["started"] == 2 == spans["open"] + spans["stored"]
            assert [span.name for span in captured.spans] == ["tool"]
            assert sb.stats()["exporters"]["memory"]["pending"] == 0
        assert len(captured.spans) == 2


class Gate:
    """A span filter that waits at the span of one name until it is let through."""

    def __init__(self, name):
        self._name = name
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, record):
        if record.name == self._name:
            self.reached.set()
            self.opened.wait(30)
        return True


def test_the_account_while_a_filter_takes_its_time():
    """Each span is counted where it is, also those that were processed together with the one that waits."""
    gate = Gate("third")
    with capture_spans(span_filter=gate) as captured:
        for name in ("first", "second", "third", "fourth"):
            with sb.tool_call(name):
                pass
        assert gate.reached.wait(30)
        spans = sb.stats()["spans"]
        gate.opened.set()

        assert spans["started"] == 4 == spans["open"] + spans["stored"] + sum(spans["dropped"].values())
        assert len(captured.spans) == 4


def test_the_account_of_a_shutdown_that_a_filter_outlasts(contained_places):
    """What could not be decided is dropped, once, whatever the filter says later."""
    gate, memory = Gate("third"), sb.InMemoryExporter()
    observability = sb.configure(store=False, exporters=[memory], span_filter=gate)
    for name in ("first", "second", "third", "fourth"):
        with sb.tool_call(name):
            pass
    assert gate.reached.wait(30)
    assert not sb.shutdown(0.1)
    before = sb.stats()["spans"]
    gate.opened.set()
    observability._pipeline._thread.join(30)

    assert before == sb.stats()["spans"]
    assert before["started"] == 4 == before["stored"] + sum(before["dropped"].values())
    assert len(memory.spans) == before["stored"]


def test_running_spans_are_not_asked_about():
    """A filter may look at the end of every span that it gets."""
    watch = Watch("agent")
    with capture_spans(
        exporters=[watch], span_filter=lambda record: record.ended_at > record.started_at - 1
    ) as captured:
        with sb.agent_run("agent"):
            assert watch.came.wait(30)
        assert [span.name for span in captured.spans] == ["agent"]
        assert sb.stats()["ignored"] == {}


def test_a_filter_of_one_exit(exits):
    """The span that it leaves out ends long after its child, and its own parent later still."""
    watch, routed = Watch("noise ended"), sb.InMemoryExporter()
    exits.configure(also=[watch, sb.route(routed, span_filter=lambda record: record.name != "noise")])
    with sb.agent_run("agent"):
        with sb.workflow_step("noise"), sb.tool_call("tool"):
            pass
        with sb.tool_call("noise ended"):
            pass
        assert watch.came.wait(30)
        assert sb.stats()["exporters"]["memory-2"]["pending"] == 2
    exits.read()

    assert parents({span.name: span for span in routed.spans}) == {
        "agent": None,
        "tool": "agent",
        "noise ended": "agent",
    }


def test_a_processor_that_shows_nothing_of_the_parent(exits):
    """It drops the running span too, whose child the store has by then."""
    exits.configure(processors=[drop_unwanted])
    with sb.agent_run("agent"), sb.workflow_step("left out"):
        with sb.tool_call("tool"):
            pass
        assert sb.flush(30)
    seen = exits.read()

    assert parents(seen.store) == {"agent": None, "tool": "agent"}
    assert "left out" not in seen.console


def test_the_external_parent_of_a_root_that_is_left_out():
    """Its children have it then."""
    with capture_spans(span_filter=is_wanted) as captured:
        with (
            sb.extract({"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}),
            sb.agent_run("left out"),
            sb.tool_call("tool"),
        ):
            pass
        (tool,) = captured.spans
    assert (tool.parent_span_id, tool.external_parent_span_id) == (None, "b" * 16)


def test_nested_and_all(captured_spans):
    """Chains of left out spans, and a filter that leaves out everything."""
    with capture_spans(span_filter=lambda record: record.type == "tool_call") as captured:
        with sb.agent_run("a"), sb.tool_call("b"), sb.workflow_run("c"), sb.workflow_step("d"), sb.tool_call("e"):
            pass
        assert parents({span.name: span for span in captured.spans}) == {"b": None, "e": "b"}
    with capture_spans(span_filter=lambda record: False) as captured:
        with sb.agent_run("a"), sb.tool_call("b"):
            pass
        assert captured.spans == []
        assert sb.stats()["spans"]["dropped"] == {"span_filter": 2}


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_filter_that_raises(error, contained_places):
    """The span is kept, and the error counted."""

    def raise_error(record):
        raise error("no opinion")

    with capture_spans(span_filter=raise_error) as captured:
        with sb.agent_run("agent"):
            pass
        assert [span.name for span in captured.spans] == ["agent"]
        assert sb.stats()["ignored"] == {"span_filter_error": 1}
    assert contained_places() == {"the span filter"}


def test_a_filter_sees_what_would_leave_and_changes_nothing():
    """It gets a copy, after the sensitive-data filter."""
    seen = []

    def spoil(record):
        seen.append(record.input)
        record.input = "spoiled"
        record.attributes["x"] = 1
        return True

    with capture_spans(span_filter=spoil) as captured:
        with sb.tool_call("tool", input={"api_key": "sk-abc"}):
            pass
        (span,) = captured.spans
        assert span.input == {"api_key": "[REDACTED]"} == seen[0]
        assert "x" not in span.attributes


def test_a_running_span_that_is_left_out_at_its_end(tmp_path):
    """The exits show it while it runs, and forget it then."""
    watch, address = Watch("left out"), f"sqlite:///{tmp_path}/traces.db"
    sb.configure(store=address, exporters=[watch], span_filter=is_wanted)
    with sb.agent_run("left out"):
        assert watch.came.wait(30)
    assert sb.shutdown(30)

    with sb.open_store(address) as store:
        assert list(store.list_traces()) == []


@pytest.mark.parametrize("value", ["name", 1, SystemExit])
def test_what_is_no_filter(value):
    """It is refused by name."""
    with pytest.raises(sb.ConfigurationError, match="span_filter"):
        sb.configure(store=False, span_filter=value)


@pytest.mark.parametrize("value", [["tool"], "tool_call", [1]])
def test_what_is_no_list_of_types(value):
    """Likewise, with the types that there are."""
    with pytest.raises(sb.ConfigurationError, match="exclude_span_types"):
        sb.configure(store=False, exclude_span_types=value)
