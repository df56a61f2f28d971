"""An exit that gets a part of the spans: which, when, and that every span of it is accounted for."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import textwrap
import time

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import spanbridge as sb
from recording import ScriptedExporter, accounted
from spanbridge.model.span import SpanRecord
from spanbridge.pipeline import dropped_spans, routing
from spanbridge.pipeline.routing import RoutedRunner

FAR = 1e12
"""A deadline that does not come."""
SECOND = 1_000_000_000
SHARED = "1" * 18 + "f" * 14
"""A trace that every ratio above 0 keeps."""
OTHER = "1" * 18 + "0" * 13 + "1"
"""A trace that no ratio below 1 keeps."""


def span(name, parent="root", *, trace_id=OTHER, phase="ended", size=0, **fields):
    """A finished record as the pipeline hands it on; spans are known by their names."""
    values = {
        "started_at": 0,
        "ended_at": 1,
        "status": sb.Status.OK,
        "phase": phase,
        "parent_span_id": parent,
        **fields,
    }
    record = SpanRecord(
        trace_id=trace_id,
        span_id=name,
        type=sb.SpanType.GENERIC,
        content={"name": name, "input": "x" * size, "attributes": {"plan": "free"}, "metadata": {"m": [1]}},
        **values,
    )
    record.encode_document()
    return record


def root(name="root", **fields):
    return span(name, None, **fields)


class Exit:
    """A routed exit, its exporter, and what arrived there."""

    def __init__(self, *, running=False, waiting_bytes=1_000_000, **route_options):
        self.exporter = ScriptedExporter(name="exit")
        self.exporter.accepts_running = running
        self.route = sb.route(self.exporter, **route_options)
        self.runner = RoutedRunner(self.route, self.exporter, "exit", max_bytes=1_000_000_000)
        self.runner._max_waiting_bytes = waiting_bytes

    def offer(self, *records):
        self.runner.offer(records)

    def queued(self):
        return [record.span_id for record in self.runner._queue]

    def account(self):
        return {key: value for key, value in self.runner.account.report().items() if value}

    def stop(self):
        """Ends as the pipeline does; the names that were delivered."""
        self.runner.finish()
        assert self.runner.shutdown(time.monotonic() + 60)
        return self.exporter.delivered


# --- decided at once ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sampling", [0.5, sb.RatioSampling(0.5), sb.ParentBasedSampling(0.5), sb.TailSampling(0.5)], ids=repr
)
def test_the_share_passes_at_once(sampling):
    """What the trace id alone decides is not held back, its running spans neither."""
    exit = Exit(sampling=sampling, running=True)
    exit.offer(span("running", trace_id=SHARED, phase="running"), span("child", trace_id=SHARED))

    assert exit.queued() == ["running", "child"]
    assert exit.account() == {"pending": 1}


@pytest.mark.parametrize("sampling", [0.5, sb.NeverSampling(), sb.TailSampling(0.5, errors=False)], ids=repr)
def test_the_rest_is_left_out_at_once(sampling):
    """Where nothing else can keep a trace, its spans do not wait, and are counted."""
    exit = Exit(sampling=sampling, running=True)
    exit.offer(span("running", phase="running"), span("child", status=sb.Status.ERROR), root())

    assert exit.stop() == []
    assert exit.account() == {"rejected": {"sample_rate": 2}}


@pytest.mark.parametrize("sampling", [None, 1, sb.AlwaysSampling(), sb.TailSampling(1)], ids=repr)
def test_everything_passes(sampling):
    """An exit without sampling, or that keeps all, gets all."""
    exit = Exit(sampling=sampling)
    exit.offer(span("child"), root())

    assert exit.stop() == ["child", "root"]
    assert exit.account() == {"delivered": 2}


# --- decided when the root ends ---------------------------------------------------------------------------------------------


def test_a_trace_without_errors_is_left_out():
    """The spans of a trace wait until its root has ended, and are counted then."""
    exit = Exit(sampling=sb.TailSampling(0.5))
    exit.offer(span("child"))
    assert exit.account() == {"pending": 1}
    exit.offer(root())

    assert exit.account() == {"rejected": {"sample_rate": 2}}
    assert exit.stop() == []


@pytest.mark.parametrize("failing", ["child", "root", "other"])
def test_a_trace_with_an_error_is_kept_whole(failing):
    """An error of any span keeps every span, in their order."""
    exit = Exit(sampling=sb.TailSampling(0.5))
    for name in ("child", "other", "root"):
        status = sb.Status.ERROR if name == failing else sb.Status.OK
        exit.offer(span(name, None if name == "root" else "root", status=status))

    assert exit.stop() == ["child", "other", "root"]
    assert exit.account() == {"delivered": 3}


@pytest.mark.parametrize(("lasted_ns", "kept"), [(2 * SECOND, False), (2 * SECOND + 1, True)])
def test_a_slow_trace_is_kept_whole(lasted_ns, kept):
    """A trace that lasts longer than the bound, from its first start to its last end, is kept."""
    exit = Exit(sampling=sb.TailSampling(0, errors=False, slower_than_s=2))
    exit.offer(span("late end", started_at=10, ended_at=lasted_ns))
    exit.offer(span("failed", started_at=20, ended_at=30, status=sb.Status.ERROR))
    exit.offer(root(started_at=0, ended_at=50))

    assert exit.stop() == (["late end", "failed", "root"] if kept else [])


def test_late_spans_follow_the_decision():
    """What ends after the root goes where its trace went, unless it failed."""
    exit = Exit(sampling=sb.TailSampling(0.5), running=True)
    kept = "2" * 18 + "0" * 14
    exit.offer(root())
    exit.offer(root("kept", trace_id=kept, status=sb.Status.ERROR))
    exit.offer(span("late"), span("late running", trace_id=kept, phase="running"))
    exit.offer(span("late kept", trace_id=kept))
    exit.offer(span("late error", status=sb.Status.ERROR))

    assert exit.stop() == ["kept", "late running", "late kept", "late error"]
    assert exit.account() == {"delivered": 3, "rejected": {"sample_rate": 2}}


def test_spans_handed_on_with_the_root_count():
    """A span that ended just after its root, and comes with it, still keeps the trace."""
    exit = Exit(sampling=sb.TailSampling(0))
    exit.offer(root(), span("just after", status=sb.Status.ERROR))

    assert exit.stop() == ["root", "just after"]


def test_a_root_with_an_external_parent_decides():
    """A span whose parent another tracer owns is the root here."""
    exit = Exit(sampling=sb.TailSampling(0))
    exit.offer(span("child"), root(external_parent_span_id="elsewhere"))

    assert exit.account() == {"rejected": {"sample_rate": 2}}


def test_running_spans_of_an_undecided_trace_do_not_pass():
    """An exit that takes running spans gets those of kept traces only."""
    exit = Exit(sampling=sb.TailSampling(0), running=True)
    exit.offer(span("early", phase="running"))
    exit.offer(span("failed", status=sb.Status.ERROR))
    exit.offer(span("later", phase="running"))

    assert exit.stop() == ["failed", "later"]
    assert exit.account() == {"delivered": 1}


def test_what_takes_a_span_back_passes():
    """A span that a processor dropped is taken back whatever was decided: its content must not stay."""
    exit = Exit(sampling=sb.TailSampling(0), running=True)
    exit.offer(span("vetoed", phase="dropped"))

    assert exit.stop() == ["vetoed"]
    assert exit.account() == {}


def test_a_flush_does_not_force_a_decision():
    """A flush delivers what is decided, and leaves what waits."""
    exit = Exit(sampling=sb.TailSampling(0.5))
    exit.offer(span("waits"), span("passes", trace_id=SHARED))
    exit.runner.start()

    assert exit.runner.flush(FAR)
    assert exit.exporter.delivered == ["passes"]
    assert exit.account() == {"delivered": 1, "pending": 1}
    exit.stop()
    assert exit.account() == {"delivered": 1, "rejected": {"sample_rate": 1}}


def test_dropped_roots_end_the_waiting():
    """Where a processor drops a root, its trace is decided without it."""
    exit = Exit(sampling=sb.TailSampling(0))
    exit.offer(span("child"))
    exit.runner.roots_dropped([OTHER, SHARED])

    assert exit.account() == {"rejected": {"sample_rate": 1}}


# --- within bounded memory ----------------------------------------------------------------------------------------------------


def test_the_oldest_trace_goes_first():
    """Beyond the bound the oldest trace is decided by what is known; its later spans follow, the others still wait."""
    traces = [f"{number}" * 18 + "0" * 14 for number in range(1, 5)]
    exit = Exit(sampling=sb.TailSampling(0.5), waiting_bytes=7000)
    for number, trace_id in enumerate(traces):
        exit.offer(span(f"child {number}", trace_id=trace_id, size=1000))

    assert exit.account() == {"pending": 3, "rejected": {"sample_rate": 1}}
    for number, trace_id in enumerate(traces):
        exit.offer(root(f"root {number}", trace_id=trace_id, status=sb.Status.ERROR))

    assert exit.stop() == ["child 1", "root 1", "child 2", "root 2", "child 3", "root 3"]
    assert exit.account() == {"delivered": 6, "rejected": {"sample_rate": 2}}


def test_a_trace_larger_than_the_bound():
    """A single span that does not fit is decided at once."""
    exit = Exit(sampling=sb.TailSampling(0), waiting_bytes=1000)
    exit.offer(span("large", size=5000))

    assert exit.account() == {"rejected": {"sample_rate": 1}}
    assert exit.runner._undecided_bytes == 0


def test_decisions_are_forgotten(monkeypatch):
    """The memory of decisions is bounded; a span of a trace that was forgotten waits again, until it is decided anew."""
    monkeypatch.setattr(routing, "MAX_DECISIONS", 2)
    exit = Exit(sampling=sb.TailSampling(0))
    for number in range(4):
        exit.offer(root(f"{number}", trace_id=f"{number}" * 32))
    exit.offer(span("remembered", trace_id="2" * 32))
    assert exit.account() == {"rejected": {"sample_rate": 5}}
    exit.offer(span("forgotten", trace_id="0" * 32))

    assert exit.account() == {"pending": 1, "rejected": {"sample_rate": 5}}
    assert exit.stop() == []
    assert exit.account() == {"rejected": {"sample_rate": 6}}


def test_a_forked_child_starts_empty():
    """What waits in the parent, and what was decided there, is the parent's."""
    exit = Exit(sampling=sb.TailSampling(0))
    exit.offer(root("decided"), span("waits", trace_id="3" * 32))
    exit.runner.after_fork_in_child()
    exit.offer(span("new"))

    assert exit.account() == {"pending": 1}
    assert exit.stop() == []
    assert exit.account() == {"rejected": {"sample_rate": 1}}


# --- functions -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keeps", [True, False])
def test_a_function_decides_on_the_ended_root(keeps):
    """A function is asked once, with the root as it ended; nothing that it is given is kept with the record."""
    asked = []
    exit = Exit(sampling=lambda given: asked.append(given) or keeps)
    ended = root(status=sb.Status.ERROR)
    exit.offer(span("child"))
    exit.offer(ended)
    exit.offer(span("late"))

    assert asked == [sb.SamplingInput(OTHER, "root", sb.SpanType.GENERIC, {"plan": "free"}, {"m": [1]})]
    assert not ended._live
    assert exit.stop() == (["child", "root", "late"] if keeps else [])


def test_a_trace_that_waits_is_not_decided_by_its_context_again():
    """A sampler whose answers change splits no trace."""

    class Changing:
        def __init__(self):
            self.answers = [None, True]

        def sample_by_context(self, trace_id, tracestate, parent_sampled):
            return self.answers.pop(0)

        def should_sample(self, given):
            return False

    exit = Exit(sampling=Changing())
    exit.offer(span("child"), span("other"), root())

    assert exit.stop() == []


def test_a_function_that_could_not_be_asked_keeps():
    """Without a root to ask about, spans are kept: at the bound, where the root was dropped, and at the end."""
    exit = Exit(sampling=lambda given: False, waiting_bytes=4000)
    exit.offer(span("large", size=5000))
    exit.offer(span("dropped root", trace_id="2" * 32))
    exit.runner.roots_dropped(["2" * 32])
    exit.offer(span("end", trace_id="3" * 32))

    assert exit.stop() == ["large", "dropped root", "end"]


@pytest.mark.parametrize("error", [RuntimeError(), SystemExit(), KeyboardInterrupt()], ids=repr)
def test_a_sampler_that_raises_keeps(error, contained_places):
    """Whatever a sampler raises keeps the trace, and is counted."""

    def fails(given):
        raise error

    class Early:
        def sample_by_context(self, *given):
            raise error

        should_sample = None

    for sampling in (fails, Early()):
        exit = Exit(sampling=sampling)
        exit.offer(span("child"), root())

        assert exit.stop() == ["child", "root"]
        assert exit.account() == {"delivered": 2}
    assert contained_places() == {"sampler of exit"}


@pytest.mark.parametrize("field", ["trace_id", "parent_span_id", "span_id", "started_at", "ended_at", "status"])
@pytest.mark.parametrize("value", ["nonsense", 5, [], None], ids=repr)
def test_a_processor_that_writes_nonsense(field, value, contained_places):
    """Fields of any value lose no span, and no other trace."""
    exit = Exit(sampling=sb.TailSampling(0, slower_than_s=1), span_filter=lambda record: record.name != "hidden")
    odd, hidden = span("odd"), span("hidden", trace_id=SHARED)
    setattr(odd, field, value)
    setattr(hidden, field, value)
    exit.offer(odd, hidden, span("child", "hidden", trace_id=SHARED), root(trace_id=SHARED, status=sb.Status.ERROR))
    delivered = exit.stop()

    assert {"child", "root"} <= set(delivered)
    account = exit.runner.account.report()
    assert account["pending"] == 0
    assert account["delivered"] + sum(account["rejected"].values()) == 4


# --- the filter ------------------------------------------------------------------------------------------------------------------


def test_spans_that_are_filtered_out():
    """Only spans that the filter wants go out; the others are counted."""
    exit = Exit(span_filter=lambda record: record.name.startswith("a"))
    exit.offer(span("a1"), span("b"), span("a2"))

    assert exit.stop() == ["a1", "a2"]
    assert exit.account() == {"delivered": 2, "rejected": {"span_filter": 1}}


def test_the_filter_is_asked_about_kept_traces_only():
    """Spans that are sampled out count as that, and the filter is not asked about them."""
    asked = []
    exit = Exit(sampling=sb.TailSampling(0.5), span_filter=lambda record: asked.append(record.name))
    exit.offer(span("out"), root(), span("kept", trace_id=SHARED))

    assert exit.stop() == []
    assert asked == ["kept"]
    assert exit.account() == {"rejected": {"sample_rate": 2, "span_filter": 1}}


@pytest.mark.parametrize("error", [RuntimeError(), SystemExit()], ids=repr)
def test_a_filter_that_raises_keeps(error, contained_places):
    """A filter's error keeps the span, and is counted."""

    def fails(record):
        raise error

    exit = Exit(span_filter=fails)
    exit.offer(span("a"))

    assert exit.stop() == ["a"]
    assert contained_places() == {"span filter of exit"}


def test_a_filter_gets_a_copy():
    """What a filter does to its record reaches no exit, and what it reads is not held with the record."""

    def meddles(record):
        record.input = record.name
        record.status = "broken"
        return True

    exit = Exit(span_filter=meddles)
    record = span("a", size=3)
    exit.offer(record)

    assert (record.status, bool(record._live)) == ("ok", False)
    assert record.input == "xxx"


def test_a_filtered_exit_gets_no_running_spans():
    """A span that would be left out at its end is not shown as running."""
    exit = Exit(span_filter=lambda record: False, running=True)
    exit.offer(span("a", phase="running"))

    assert exit.queued() == []
    assert exit.account() == {}


def test_children_attach_to_the_nearest_visible_ancestor():
    """Spans whose parents were left out get the nearest one that was not, in records of their own."""
    exit = Exit(sampling=sb.TailSampling(0), span_filter=lambda record: not record.name.startswith("hidden"))
    leaf, other = span("leaf", "hidden 1"), span("other", "root")
    exit.offer(leaf, other, span("hidden 1", "hidden 2"), span("hidden 2", "root"))
    exit.offer(root(status=sb.Status.ERROR))
    exit.offer(span("late", "hidden 2"))
    parents = {record.span_id: record.parent_span_id for record in exit.runner._queue}

    assert parents == {"leaf": "root", "other": "root", "root": None, "late": "root"}
    assert leaf.parent_span_id == "hidden 1"
    assert any(record is other for record in exit.runner._queue)


def test_children_of_a_root_that_is_left_out():
    """They become roots, under the parent that another tracer owns."""
    exit = Exit(span_filter=lambda record: record.name != "root")
    exit.offer(span("child"), root(external_parent_span_id="elsewhere"))
    (child,) = exit.runner._queue

    assert (child.name, child.parent_span_id, child.external_parent_span_id) == ("child", None, "elsewhere")
    assert child.to_dict() == {
        **span("child").to_dict(),
        "parent_span_id": None,
        "external_parent_span_id": "elsewhere",
    }


def test_parents_in_a_circle():
    """Ids that a processor turned into a circle end the search."""
    exit = Exit(span_filter=lambda record: record.name not in "ab")
    exit.offer(span("a", "b"), span("b", "a"), span("child", "a"))
    (child,) = exit.runner._queue

    assert child.parent_span_id is None


def test_the_memory_of_filtered_spans_is_bounded(monkeypatch):
    """The oldest is forgotten: its late children keep the id of the parent that was left out."""
    monkeypatch.setattr(dropped_spans, "MAX_REMEMBERED", 2)
    exit = Exit(span_filter=lambda record: record.name.startswith("child"))
    exit.offer(*[span(f"{number}") for number in range(3)], span("child 0", "0"), span("child 2", "2"))

    assert [record.parent_span_id for record in exit.runner._queue] == ["0", "root"]


# --- arguments ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: sb.route(""),
        lambda: sb.route(5),
        lambda: sb.route(sb.InMemoryExporter),
        lambda: sb.route(sb.route("memory")),
        lambda: sb.route("memory", sampling="always"),
        lambda: sb.route("memory", sampling=1.5),
        lambda: sb.route("memory", sampling=sb.TailSampling),
        lambda: sb.route("memory", span_filter="name"),
        lambda: sb.TailSampling(2),
        lambda: sb.TailSampling(True),
        lambda: sb.TailSampling(errors="yes"),
        lambda: sb.TailSampling(slower_than_s=-1),
        lambda: sb.TailSampling(slower_than_s=float("nan")),
        lambda: sb.TailSampling(slower_than_s="5"),
        lambda: sb.TailSampling(slower_than_s=True),
    ],
)
def test_wrong_arguments(make):
    """What is not understood is an error when the route is made."""
    with pytest.raises(sb.ConfigurationError):
        make()


def test_repr():
    """A route and its sampling say what they are."""
    route = sb.route("memory", sampling=sb.TailSampling(slower_than_s=5))

    assert repr(route) == (
        "Route('memory', sampling=TailSampling(0.1, errors=True, slower_than_s=5), span_filter=None)"
    )
    assert route.name == sb.route(sb.InMemoryExporter()).name == "memory"


# --- any program -----------------------------------------------------------------------------------------------------------------------


SPANS = st.fixed_dictionaries(
    {
        "trace": st.integers(0, 7),
        "is_root": st.sampled_from([False, False, True]),
        "status": st.sampled_from([sb.Status.OK, sb.Status.OK, sb.Status.OK, sb.Status.CANCELLED, sb.Status.ERROR]),
        "ended_at": st.sampled_from([1, SECOND, 3 * SECOND]),
        "size": st.sampled_from([0, 100, 3000]),
        "phase": st.sampled_from(["ended", "ended", "ended", "running"]),
    }
)
BATCHES = st.lists(st.lists(SPANS, min_size=1, max_size=6), max_size=25)
SAMPLINGS = st.builds(
    sb.TailSampling,
    st.sampled_from([0, 0.5, 1]),
    errors=st.booleans(),
    slower_than_s=st.sampled_from([None, 0.5, 2]),
)


def trace_id_of(number):
    """Traces 0 to 3 are in the share of one half, the others are not."""
    return f"{number + 1:018x}" + ("f" if number < 4 else "0") * 14


def wanted(sampling, trace, batch):
    """Whether something that the exit has got so far keeps a trace; `batch`: its ended spans up to and with the root's batch."""
    return (
        sampling.ratio == 1
        or (sampling.ratio == 0.5 and trace < 4)
        or (sampling.errors and any(item["status"] == "error" for item in batch))
        or (
            sampling.slower_than_s is not None
            and any(item["ended_at"] > sampling.slower_than_s * SECOND for item in batch)
        )
    )


def late_part(sampling, trace, names, items, decided_count):
    """Of a trace that was left out when its root had ended: what came from the first late span on that should be kept by itself."""
    if not isinstance(sampling, sb.TailSampling):
        return set()
    for index in range(decided_count, len(items)):
        if wanted(sampling, trace, [items[index]]):
            return set(names[index:])
    return set()


@given(SAMPLINGS, BATCHES, st.sampled_from([0, 2000, 6000, 1_000_000]))
def test_any_program(sampling, batches, waiting_bytes):
    """Accounts are exact after every batch, memory stays bounded, a trace goes out whole or not at all, or from a late span on that should
    be kept, and what should be kept is: exactly that without a bound, and with one nothing beside it."""
    exit = Exit(sampling=sampling, running=True, waiting_bytes=waiting_bytes)
    ended: dict[int, list[str]] = {}
    seen: dict[int, list[dict]] = {}
    with_root: dict[int, list[dict]] = {}
    """What decides a trace: all of its spans until the batch that ended its first root."""
    for number, batch in enumerate(batches):
        records = []
        for position, item in enumerate(batch):
            name = f"{number}.{position}"
            trace_id = trace_id_of(item["trace"])
            fields = {key: item[key] for key in ("status", "ended_at", "size", "phase")}
            records.append(span(name, None if item["is_root"] else "root", trace_id=trace_id, **fields))
            if item["phase"] == "ended":
                ended.setdefault(item["trace"], []).append(name)
                seen.setdefault(item["trace"], []).append(item)
        for trace in {item["trace"] for item in batch if item["is_root"] and item["phase"] == "ended"}:
            with_root.setdefault(trace, list(seen[trace]))
        exit.offer(*records)

        account = exit.runner.account.report()
        assert account["pending"] + account["delivered"] + sum(account["rejected"].values()) == sum(
            map(len, ended.values())
        )
        waiting = [record for trace in exit.runner._undecided.values() for record in trace.records]
        assert exit.runner._undecided_bytes <= waiting_bytes
        assert account["pending"] == len(waiting) + sum(record.phase == "ended" for record in exit.runner._queue)

    expected = {trace for trace in ended if wanted(sampling, trace, with_root.get(trace, seen[trace]))}
    went_out = set(exit.stop())
    kept = {trace for trace, names in ended.items() if went_out.issuperset(names)}
    for trace, names in ended.items():
        if trace not in kept:
            late = late_part(sampling, trace, names, seen[trace], len(with_root.get(trace, names)))
            out = went_out.intersection(names)
            assert out == late if waiting_bytes == 1_000_000 else out <= late
    assert kept == expected if waiting_bytes == 1_000_000 else kept <= expected
    assert not exit.runner._undecided
    assert exit.account().get("pending") is None


PROGRAMS = st.lists(
    st.tuples(st.sampled_from(["open", "end", "fail", "late", "flush"]), st.integers(0, 5)), max_size=40
)


@hypothesis_settings(max_examples=25)
@given(PROGRAMS, st.sampled_from([sb.TailSampling(0.5), sb.TailSampling(0, slower_than_s=3600), sb.RatioSampling(0.5)]))
def test_any_application(program, sampling):
    """Through the whole pipeline: another exit gets every span, the routed one whole traces, with each that failed before its root ended;
    both accounts are exact."""
    everything, part = sb.InMemoryExporter(), sb.InMemoryExporter()
    observability = sb.Observability(store=False, exporters=[everything, sb.route(part, sampling=sampling)])
    open_spans: list[list[sb.Span]] = []
    ended_roots: list[sb.Span] = []
    failed: set[str | None] = set()
    for step, number in program:
        if step == "open" and (not open_spans or number > 2):
            open_spans.append([observability.start_span("generic", "root")])
        elif step == "open":
            trace = open_spans[number % len(open_spans)]
            trace.append(observability.start_span("generic", "child", parent=trace[-1]))
        elif step == "flush":
            assert observability.flush(60)
        elif step == "late" and ended_roots:
            observability.start_span("generic", "late", parent=ended_roots[number % len(ended_roots)]).end()
        elif open_spans and step in {"end", "fail"}:
            trace = open_spans[number % len(open_spans)]
            ended = trace.pop()
            if step == "fail":
                ended.error("failed")
                failed.add(ended.trace_id)
            ended.end()
            if not trace:
                open_spans.remove(trace)
                ended_roots.append(ended)
    assert observability.shutdown(60)

    stats = observability.stats()
    accounted(stats)
    assert {exporter["pending"] for exporter in stats["exporters"].values()} == {0}
    all_traces = _by_trace(everything)
    assert sum(map(len, all_traces.values())) == stats["spans"]["started"]
    kept = _by_trace(part)
    share = {
        trace_id for trace_id in all_traces if sb.RatioSampling(sampling.ratio).sample_by_context(int(trace_id, 16))
    }
    by_error = failed if isinstance(sampling, sb.TailSampling) else set()
    assert kept == {trace_id: all_traces[trace_id] for trace_id in share | by_error}


def _by_trace(exporter):
    traces: dict[str, set[str]] = {}
    for record in exporter.spans:
        traces.setdefault(record.trace_id, set()).add(record.span_id)
    return traces


# --- from configure to the exit ---------------------------------------------------------------------------------------------------------


def work(count=40):
    """`count` traces of two spans; every tenth fails, in its child. The trace ids of those."""
    failed = set()
    for number in range(count):
        with sb.agent_run(f"run {number}") as run, sb.tool_call("tool") as tool:
            if number % 10 == 0:
                tool.error("failed")
                failed.add(run.trace_id)
    return failed


def test_the_store_has_all_and_the_exit_a_part(caplog):
    """The store keeps every trace; the exit gets the share and whole traces with an error; the report at shutdown calls that no loss."""
    caplog.set_level(logging.INFO, logger="spanbridge")
    memory = sb.InMemoryExporter()
    sb.configure(store="sqlite:///traces.db", exporters=[sb.route(memory, sampling=sb.TailSampling(0.25))])
    failed = work()
    assert sb.flush(60)
    store = sb.open_store("sqlite:///traces.db")
    stored = {item.trace_id for item in store.list_traces()}

    share = {trace_id for trace_id in stored if sb.RatioSampling(0.25).sample_by_context(int(trace_id, 16))}
    assert len(stored) == 40
    assert {trace_id: len(spans) for trace_id, spans in _by_trace(memory).items()} == dict.fromkeys(share | failed, 2)
    kept = 2 * len(share | failed)
    assert sb.stats()["exporters"] == {
        "store": {"delivered": 80, "pending": 0, "rejected": {}, "expired": 0},
        "memory": {"delivered": kept, "pending": 0, "rejected": {"sample_rate": 80 - kept}, "expired": 0},
    }
    assert sb.shutdown(60)
    assert [record.levelname for record in caplog.records] == ["INFO"]


def test_waiting_spans_are_pending_until_their_root_ends():
    """A flush in the middle of a trace leaves its spans waiting; a shutdown decides them."""
    memory = sb.InMemoryExporter()
    with sb.Observability(store=False, exporters=[sb.route(memory, sampling=sb.TailSampling(0))]) as observability:
        open_root = observability.start_span("generic", "open")
        observability.start_span("generic", "child", parent=open_root).end()
        assert observability.flush(60)
        assert observability.stats()["exporters"]["memory"]["pending"] == 1
        accounted(observability.stats(), open_spans=1)

    assert memory.spans == []
    assert observability.stats()["exporters"]["memory"]["rejected"] == {"sample_rate": 2}
    accounted(observability.stats())


def test_a_root_that_a_processor_drops():
    """Its children are decided all the same, without another span to come."""
    memory = sb.InMemoryExporter()

    def drop_root(record):
        return None if record.name == "root" else record

    settings = {"exporters": [sb.route(memory, sampling=lambda given: False)], "processors": [drop_root]}
    with sb.Observability(store=False, write_interval_ms=200, **settings) as observability:
        parent = observability.start_span("generic", "root")
        observability.start_span("generic", "child", parent=parent).end()
        assert observability.flush(60)
        assert memory.spans == []
        parent.end()
        (child,) = memory.wait_for(1, timeout=60)

    assert child.name == "child"
    accounted(observability.stats())


def test_exits_by_name_and_side_by_side():
    """A name stands for its exporter in a route too, and two routes to one kind of exporter are two exits."""
    second = sb.InMemoryExporter()
    routes = [sb.route("memory", sampling=0), sb.route(second, span_filter=lambda record: record.type == "tool_call")]
    with sb.Observability(store=False, exporters=routes) as observability:
        with observability.agent_run("a"), observability.tool_call("t"):
            pass
        assert observability.flush(60)
        exits = observability.stats()["exporters"]

    assert exits["memory"]["rejected"] == {"sample_rate": 2}
    assert (exits["memory-2"]["delivered"], exits["memory-2"]["rejected"]) == (1, {"span_filter": 1})
    assert [record.name for record in second.spans] == ["t"]


def test_an_unknown_name_in_a_route():
    """It is refused by `configure`, as anywhere else."""
    with pytest.raises(sb.ConfigurationError, match="There is no exporter 'memmory'"):
        sb.Observability(store=False, exporters=[sb.route("memmory")])


MULTIPROCESSING = """
    import multiprocessing, warnings
    warnings.simplefilter("ignore")
    import spanbridge as sb

    def work():
        sb.start_span("generic", "in child").end()

    if __name__ == "__main__":
        exit = sb.route(sb.JsonLinesExporter("spans.jsonl"), sampling=lambda given: True)
        sb.configure(store=False, exporters=[exit])
        with sb.agent_run("root"):
            process = multiprocessing.get_context("fork").Process(target=work)
            process.start()
            process.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_multiprocessing_child_whose_root_is_its_parents(tmp_path):
    """A span whose root ends in another process waits until its own one ends, and is delivered then."""
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MULTIPROCESSING)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
        timeout=60,
    )

    assert (tmp_path / "spans.jsonl").read_text().count('"name":"in child"') == 1


def test_each_root_of_a_trace_is_decided():
    """Requests of one distributed trace, one after the other: the one that fails is kept, though the one before it was not."""
    memory = sb.InMemoryExporter()
    headers = {"traceparent": f"00-{'1' * 31}0-{'2' * 16}-01"}
    with sb.Observability(
        store=False, exporters=[sb.route(memory, sampling=sb.TailSampling(0.0, errors=True))]
    ) as observability:
        for number in range(3):
            with sb.extract(headers), contextlib.suppress(ValueError), observability.agent_run(f"request {number}"):
                with observability.tool_call(f"call {number}"):
                    pass
                if number == 1:
                    raise ValueError
            assert observability.flush(60)
    assert {span.name for span in memory.spans} >= {"request 1", "call 1"}
    assert "request 0" not in {span.name for span in memory.spans}


def test_a_late_error_overturns():
    """A child that fails after its root was left out is kept, and so is what comes then."""
    memory = sb.InMemoryExporter()
    with sb.Observability(
        store=False, exporters=[sb.route(memory, sampling=sb.TailSampling(0.0, errors=True))]
    ) as observability:
        root = observability.start_span("generic", "root")
        late = observability.start_span("generic", "late", parent=root)
        root.end()
        assert observability.flush(60)
        late.error(ValueError(), end=True)
        assert observability.flush(60)
    assert [span.name for span in memory.spans] == ["late"]
