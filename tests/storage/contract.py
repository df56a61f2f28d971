"""The battery that every store passes. A test module of a store inherits `StoreContract` and gives the fixture `store`.

class TestSQLiteStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path): ...      # an empty store, created and closed again by the fixture
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from spanbridge.errors import FilterError, StoreError, TraceNotFoundError
from spanbridge.model.span import SpanRecord, Status
from spanbridge.model.span_types import SpanType
from spanbridge.protocols import Store

START = 1_763_000_000_000_000_000
SECOND = 1_000_000_000
TRACE = "a" * 32


def span(
    number: int = 1,
    *,
    trace_id: str = TRACE,
    parent: int | None = None,
    at: float = 0,
    seconds: float | None = 1,
    status: str = "ok",
    type: str = "generic",
    external: str | None = None,
    service_name: str = "bot",
    environment: str = "test",
    model: str | None = None,
    tokens: tuple[int, int] | None = None,
    cost: float | None = None,
    billed: bool = True,
    phase: str | None = None,
    **content: Any,
) -> SpanRecord:
    """A record as the pipeline hands it over: times in seconds after START, ids from small numbers."""
    running = status == "running"
    started_at = START + round(at * SECOND)
    record = SpanRecord(
        trace_id=trace_id,
        span_id=f"{number:016x}",
        parent_span_id=None if parent is None else f"{parent:016x}",
        external_parent_span_id=external,
        type=SpanType(type),
        phase=phase or ("running" if running else "ended"),
        started_at=started_at,
        ended_at=None if running else started_at + round((seconds or 0) * SECOND),
        status=Status(status),
        service_name=service_name,
        environment=environment,
        content={},
    )
    record.name = content.pop("name", f"span {number}")
    for field, value in content.items():
        setattr(record, field, value)
    record.model = model
    if tokens is not None:
        record.input_tokens, record.output_tokens = tokens
        if billed:
            record.billed_input_tokens, record.billed_output_tokens = tokens
    record.cost = cost
    if cost is not None and billed:
        record.billed_cost = cost
    record.encode_document()
    return record


def trace_ids(page: Any) -> list[str]:
    return [trace.trace_id for trace in page]


def hex_id(number: int) -> str:
    return f"{number:032x}"


MATCHING: dict[str, Any] = {
    "status": "error",
    "type": "agent_run",
    "name": "support",
    "entity_type": "agent",
    "entity_id": "support-v3",
    "entity_name": "Support",
    "user_id": "u1",
    "organization_id": "o1",
    "session_id": "s1",
    "thread_id": "t1",
    "run_id": "r1",
    "request_id": "q1",
    "resource_id": "x1",
    "tags": "vip",
    "metadata": {"user": {"plan": "pro"}},
    "environment": "production",
    "service_name": "support-bot",
    "model": "gpt-5.4",
    "has_error": True,
    "started_after": START + 50 * SECOND,
    "min_duration_s": 5,
    "min_tokens": 100,
    "min_cost": 0.5,
}
"""For each filter the value that the trace `matching()` has, and the other traces do not."""


def matching(trace_id: str) -> SpanRecord:
    fields = {
        name: value
        for name, value in MATCHING.items()
        if name not in {"tags", "has_error", "started_after", "min_duration_s", "min_tokens", "min_cost"}
    }
    return span(
        trace_id=trace_id,
        at=100,
        seconds=10,
        tags=["beta", "vip"],
        tokens=(90, 20),
        cost=0.75,
        input={"q": 1},
        **fields,
    )


class StoreContract:
    """What a store promises. The fixture `store` gives an empty one."""

    def test_a_span_comes_back_as_it_was_written(self, store: Any) -> None:
        """Every field of a record survives the round trip."""
        written = span(
            type="model_generation",
            status="error",
            external="b" * 16,
            input=[{"role": "user", "content": "grüße \u2028 \0"}],
            output={"text": "x" * 5000},
            attributes={"model": "gpt-5.4", "usage": {"input_tokens": 3}},
            metadata={"plan": {"name": "pro"}, "n": 1.5},
            tags=["a", "b"],
            error={"type": "ValueError", "message": "no"},
            events=[{"name": "e", "time": START, "attributes": {}}],
            links=[{"trace_id": TRACE, "span_id": "c" * 16, "type": "retry_of"}],
            entity_type="agent",
            session_id="s",
            model="gpt-5.4",
            tokens=(3, 4),
            cost=0.25,
        )
        written.redactions = {"email": 2}
        store.write([written])

        read = store.get_span(TRACE, written.span_id)
        assert read.to_dict() == written.to_dict()
        assert (read.model, read.input_tokens, read.output_tokens, read.cost) == ("gpt-5.4", 3, 4, 0.25)
        assert read.phase == "ended"

    def test_spans_come_in_start_order_with_parents_first(self, store: Any) -> None:
        """Spans are written as they end, children first, and read as they started."""
        store.write([span(4, parent=3), span(3, parent=1), span(2, parent=1, at=-0.5), span(5, parent=1, at=2)])
        store.write([span(1)])

        trace = store.get_trace(TRACE)
        assert [item.name for item in trace.spans] == ["span 2", "span 1", "span 3", "span 4", "span 5"]
        assert trace.root.name == "span 1"
        assert trace.to_dict()["spans"][1]["name"] == "span 1"

    def test_a_cycle_of_parents_can_be_read(self, store: Any) -> None:
        """An imported trace may name each of two spans as the other's parent."""
        store.write([span(1, parent=2), span(2, parent=1)])

        assert len(store.get_trace(TRACE).spans) == 2

    def test_a_running_span_is_replaced_by_its_end(self, store: Any) -> None:
        """While it runs, the trace is listed as running; its end replaces it, in place and in the sums."""
        store.write([span(1, status="running", tokens=(1, 1), model="a", tags=["early"], metadata={"k": "early"})])
        running = store.list_traces()[0]
        store.write([span(1, tokens=(10, 20), cost=0.5, model="b", tags=["late"], metadata={"k": "late"})])

        assert (running.status, running.ended_at, running.duration_ns, running.cost) == ("running", None, None, None)
        (ended,) = store.list_traces()
        assert (ended.status, ended.duration_ns, ended.span_count) == ("ok", SECOND, 1)
        assert (ended.input_tokens, ended.output_tokens, ended.cost) == (10, 20, 0.5)
        assert (ended.models, ended.tags) == (("b",), ("late",))
        assert trace_ids(store.list_traces(tags="early")) == []
        assert trace_ids(store.list_traces(metadata={"k": "early"})) == []
        assert len(store.list_traces(metadata={"k": "late"}, model="b")) == 1

    def test_a_late_running_write_does_not_undo_an_end(self, store: Any) -> None:
        """A repeated earlier write of a span that has ended since changes nothing."""
        store.write([span(1, output="done")])
        store.write([span(1, status="running")])
        store.write([span(2, parent=1), span(2, parent=1, status="running")])

        assert [item.status for item in store.get_trace(TRACE).spans] == ["ok", "ok"]
        assert store.list_traces()[0].span_count == 2

    def test_a_span_written_twice_counts_once(self, store: Any) -> None:
        """A batch that is written again (a retry, an import) changes no count and no sum."""
        batch = [
            span(2, parent=1, status="error", tokens=(5, 6), cost=0.1, model="m"),
            span(3, parent=1),
            span(1, tags=["t"], metadata={"a": 1}),
        ]
        store.write(batch)
        once = store.list_traces()[0].to_dict()
        store.write(batch)
        store.write([*batch, *batch])

        assert store.list_traces()[0].to_dict() == once
        assert (once["span_count"], once["error_count"], once["input_tokens"], once["cost"]) == (3, 1, 5, 0.1)
        assert len(store.get_trace(TRACE).spans) == 3

    def test_sums_count_what_is_billed(self, store: Any) -> None:
        """A generation and its step report the same tokens: the trace counts them once."""
        store.write([span(2, parent=1, tokens=(5, 6), cost=0.5, billed=False), span(1, tokens=(5, 6), cost=0.5)])

        summary = store.list_traces()[0]
        assert (summary.input_tokens, summary.output_tokens, summary.cost) == (5, 6, 0.5)
        trace = store.get_trace(TRACE)
        assert (trace.usage.input_tokens, trace.usage.output_tokens, trace.cost) == (5, 6, 0.5)

    def test_an_unknown_price_is_no_cost(self, store: Any) -> None:
        """A trace without any known price has the cost None, not zero."""
        store.write([span(1, tokens=(5, 6))])

        assert store.list_traces()[0].cost is None
        assert store.get_trace(TRACE).cost is None
        assert store.aggregate().cost is None

    def test_a_trace_without_a_root_is_running(self, store: Any) -> None:
        """Until the root arrives the earliest span stands in."""
        store.write([span(3, parent=1, at=2), span(2, parent=1, at=1, tags=["early"])])
        before = store.list_traces()[0]
        store.write([span(1, at=3, seconds=7)])

        assert (before.name, before.status, before.duration_ns) == ("span 2", "running", None)
        (after,) = store.list_traces()
        assert (after.name, after.status, after.duration_ns, after.span_count) == ("span 1", "ok", 7 * SECOND, 3)
        assert after.tags == ()

    def test_of_several_roots_the_earliest_counts(self, store: Any) -> None:
        """Whatever the order of writing."""
        store.write([span(1, at=5)])
        store.write([span(2, at=3)])
        store.write([span(3, at=9)])

        assert store.list_traces()[0].name == "span 2"

    def test_a_root_under_an_external_parent_is_listed(self, store: Any) -> None:
        """A parent that another tracer owns does not hide the trace."""
        store.write([span(1, external="c" * 16)])

        assert store.list_traces()[0].external_parent_span_id == "c" * 16

    def test_a_dropped_span_goes_and_its_children_move_up(self, store: Any) -> None:
        """Also where two spans of one chain are dropped in one batch, in either order."""
        store.write([span(1), span(2, parent=1, status="running", tokens=(9, 9)), span(3, parent=2, status="running")])
        store.write([span(4, parent=3), span(5, parent=2)])
        store.write([span(2, parent=1, phase="dropped"), span(3, parent=2, phase="dropped")])

        parents = {item.name: item.parent_span_id for item in store.get_trace(TRACE).spans}
        assert parents == {"span 1": None, "span 4": f"{1:016x}", "span 5": f"{1:016x}"}
        summary = store.list_traces()[0]
        assert (summary.span_count, summary.input_tokens) == (3, 0)

    def test_a_dropped_root_makes_its_children_roots(self, store: Any) -> None:
        """The trace takes over the fields of its new root; a trace without spans is gone."""
        store.write([span(1, status="running", external="d" * 16), span(2, parent=1, tags=["second"])])
        store.write([span(1, phase="dropped", external="d" * 16)])
        summary = store.list_traces()[0]
        store.write([span(2, phase="dropped")])

        assert (summary.name, summary.status, summary.tags) == ("span 2", "ok", ("second",))
        assert summary.external_parent_span_id == "d" * 16
        assert len(store.list_traces()) == 0
        assert len(store.list_traces(tags="second")) == 0

    def test_dropping_what_was_never_written_is_harmless(self, store: Any) -> None:
        """A drop may come for a span or a trace that the store has never seen."""
        store.write([span(1), span(9, parent=1, phase="dropped"), span(1, trace_id=hex_id(7), phase="dropped")])

        assert trace_ids(store.list_traces()) == [TRACE]

    @pytest.mark.parametrize("key", MATCHING)
    def test_each_filter_selects(self, store: Any, key: str) -> None:
        """Every filter finds the trace that matches it and no other."""
        store.write(
            [span(trace_id=hex_id(1), tags=["other"], metadata={"user": {"plan": "free"}}, model="m", cost=0.1)]
        )
        store.write([matching(hex_id(2)), span(trace_id=hex_id(3), seconds=None, status="running")])

        assert trace_ids(store.list_traces(**{key: MATCHING[key]})) == [hex_id(2)]

    def test_all_filters_hold_together(self, store: Any) -> None:
        """Filters are joined by "and"; so are several tags and several metadata keys."""
        store.write([matching(hex_id(2)), span(trace_id=hex_id(3), tags=["vip"], metadata={"user": {"plan": "pro"}})])

        assert trace_ids(store.list_traces(**MATCHING)) == [hex_id(2)]
        assert trace_ids(store.list_traces(tags=["vip", "beta"])) == [hex_id(2)]
        assert trace_ids(store.list_traces(metadata={"user.plan": "pro", "x": 1})) == []
        assert trace_ids(store.list_traces(has_error=False)) == [hex_id(3)]

    def test_metadata_is_compared_as_text(self, store: Any) -> None:
        """Numbers, booleans and None are found by their value and by its JSON text; long values whole."""
        long = "x" * 5000
        store.write([span(metadata={"n": 3, "yes": True, "nothing": None, "long": long, "list": [1]})])

        for metadata in ({"n": 3}, {"n": "3"}, {"yes": True}, {"yes": "true"}, {"nothing": None}, {"long": long}):
            assert len(store.list_traces(metadata=metadata)) == 1, metadata
        for metadata in ({"n": 4}, {"long": long + "x"}, {"yes": False}, {"missing": None}):
            assert len(store.list_traces(metadata=metadata)) == 0, metadata

    def test_a_nul_in_a_text_is_found(self, store: Any) -> None:
        """No character ends a name, a tag or a value early."""
        store.write(
            [span(name="a\0b", tags=["t\0u", "t"], metadata={"k": "v\0w", "escaped": "\\u0000"}, session_id="s\0")]
        )

        for filters in (
            {"name": "a\0b"},
            {"tags": ["t\0u", "t"]},
            {"metadata": {"k": "v\0w"}},
            {"metadata": {"escaped": "\\u0000"}},
            {"session_id": "s\0"},
        ):
            assert len(store.list_traces(**filters)) == 1, filters
        assert len(store.list_traces(name="a")) == 0
        assert store.get_trace(TRACE).root.name == "a\0b"

    def test_times_are_a_half_open_range(self, store: Any) -> None:
        """`started_after` is inclusive, `started_before` exclusive; both take nanoseconds or a datetime."""
        store.write([span(trace_id=hex_id(number), at=number) for number in range(1, 5)])
        second = datetime.fromtimestamp(START // SECOND, timezone.utc) + timedelta(seconds=2)

        assert trace_ids(store.list_traces(started_after=second, started_before=second + timedelta(seconds=2))) == [
            hex_id(3),
            hex_id(2),
        ]
        assert trace_ids(store.list_traces(started_before=START + 2 * SECOND)) == [hex_id(1)]

    @pytest.mark.parametrize("order", ["started_at", "duration", "tokens", "cost"])
    def test_pages_cover_everything_once_in_order(self, store: Any, order: str) -> None:
        """Keyset pages, in both directions, with many equal values and traces written between two pages."""
        store.write(
            [
                span(trace_id=hex_id(n), at=n % 3, seconds=n % 4, tokens=(n % 5, 1), cost=float(n % 2))
                if n % 7
                else span(trace_id=hex_id(n), status="running")
                for n in range(1, 24)
            ]
        )
        key = {
            "started_at": lambda trace: trace.started_at,
            "duration": lambda trace: -1 if trace.duration_ns is None else trace.duration_ns,
            "tokens": lambda trace: trace.input_tokens + trace.output_tokens,
            "cost": lambda trace: trace.cost or 0,
        }[order]
        added = 100
        for direction in ("", "-"):
            seen: list[Any] = []
            cursor = None
            while True:
                page = store.list_traces(order=direction + order, limit=5, cursor=cursor)
                seen += page
                cursor = page.next_cursor
                if cursor is None:
                    break
                added += 1
                # Before every page's end in both directions would be a new first trace: it must not shift the others.
                store.write([span(trace_id=hex_id(added), at=-9 if direction == "" else 99, seconds=0)])

            old = [trace for trace in seen if int(trace.trace_id, 16) <= 23]
            assert sorted(trace_ids(old)) == [hex_id(n) for n in range(1, 24)]
            values = [key(trace) for trace in old]
            assert values == sorted(values, reverse=direction == "-")

    def test_an_exactly_full_page_is_the_last(self, store: Any) -> None:
        """No cursor leads to an empty page."""
        store.write([span(trace_id=hex_id(number)) for number in (1, 2)])

        assert store.list_traces(limit=2).next_cursor is None
        assert store.list_traces(limit=1).next_cursor is not None

    @pytest.mark.parametrize(
        "arguments",
        [
            {"status": "failed"},
            {"type": "llm"},
            {"name": True},
            {"user_id": "\ud800"},
            {"tags": 3},
            {"tags": [None]},
            {"metadata": "x"},
            {"metadata": {"a": [1]}},
            {"metadata": {"a": "\ud800"}},
            {"has_error": "yes"},
            {"started_after": "2026-01-01"},
            {"started_after": datetime(2026, 1, 1)},
            {"started_before": 2**64},
            {"min_duration_s": float("nan")},
            {"min_duration_s": 1e300},
            {"min_tokens": "many"},
            {"min_cost": float("inf")},
            {"order": "name"},
            {"limit": 0},
            {"limit": 1001},
            {"limit": True},
            {"cursor": "x"},
            {"cursor": 5},
            {"cursor": "WyItc3RhcnRlZF9hdCIsbnVsbCwxXQ"},
        ],
        ids=str,
    )
    def test_a_wrong_argument_is_named(self, store: Any, arguments: dict[str, Any]) -> None:
        """The error is a ValueError and a StoreError, names the key and says what to give."""
        with pytest.raises(FilterError, match=rf"^{next(iter(arguments))}=.*(give|too large)") as caught:
            store.list_traces(**arguments)

        assert isinstance(caught.value, ValueError)
        assert isinstance(caught.value, StoreError)

    def test_a_cursor_belongs_to_its_order(self, store: Any) -> None:
        """A cursor of one order is refused by another, instead of giving a wrong page."""
        store.write([span(trace_id=hex_id(number)) for number in (1, 2)])
        cursor = store.list_traces(limit=1).next_cursor

        with pytest.raises(FilterError, match="keep the order"):
            store.list_traces(limit=1, cursor=cursor, order="cost")

    def test_an_unknown_filter_is_refused(self, store: Any) -> None:
        """A misspelt filter never silently selects everything."""
        with pytest.raises(TypeError, match="sesion_id"):
            store.list_traces(sesion_id="s1")

    def test_every_method_of_the_protocol_is_there(self, store: Any) -> None:
        """Names, parameters, kinds and defaults are those of `protocols.Store`."""
        import inspect

        methods = {name: value for name, value in vars(Store).items() if inspect.isfunction(value) and name[0] != "_"}
        assert set(methods) >= {"write", "list_traces", "get_trace", "get_span", "find_trace_id", "tail", "close"}
        for name, method in methods.items():
            wanted = [item for item in inspect.signature(method).parameters.values() if item.name != "self"]
            found = [*inspect.signature(getattr(store, name)).parameters.values()]
            assert [(item.name, item.default) for item in found] == [(item.name, item.default) for item in wanted], name
            positional = {item.name for item in wanted if item.kind is not item.KEYWORD_ONLY}
            assert positional == {item.name for item in found if item.kind is not item.KEYWORD_ONLY}, name

    def test_what_is_missing_is_named(self, store: Any) -> None:
        """A missing trace or span is a KeyError and a StoreError with a sentence."""
        store.write([span(1)])

        for read in (lambda: store.get_trace("0" * 32), lambda: store.get_span(TRACE, "f" * 16)):
            with pytest.raises(TraceNotFoundError, match="holds no") as caught:
                read()
            assert isinstance(caught.value, KeyError)
            assert not str(caught.value).startswith("'")

    def test_a_trace_is_found_by_its_prefix(self, store: Any) -> None:
        """Four characters or more, upper or lower case, if they fit one trace only."""
        store.write([span(trace_id=prefix.ljust(32, "0")) for prefix in ("abcd1", "abcd2", "ffff")])

        assert store.find_trace_id("FFFF") == "ffff".ljust(32, "0")
        assert store.find_trace_id("abcd2") == "abcd2".ljust(32, "0")
        for prefix, message in (("abcd", "several"), ("fff", "4 hexadecimal"), ("%%%%", "hexadecimal")):
            with pytest.raises(FilterError, match=message):
                store.find_trace_id(prefix)
        with pytest.raises(TraceNotFoundError):
            store.find_trace_id("1234")

    def test_tail_follows_writes(self, store: Any) -> None:
        """It gives what was written since, running spans again whenever they are written again, and never the same write twice."""
        store.write([span(1, status="running"), span(2, parent=1)])
        first = store.tail(0)
        again = store.tail(first.sequence)
        store.write([span(1), span(1, trace_id=hex_id(5))])
        second = store.tail(first.sequence)

        assert [(item.name, item.status) for item in first.spans] == [("span 1", "running"), ("span 2", "ok")]
        assert again == ([], first.sequence)
        assert [(item.trace_id, item.status) for item in second.spans] == [(TRACE, "ok"), (hex_id(5), "ok")]
        assert store.last_sequence() == second.sequence
        assert len(store.tail(0, limit=1).spans) == 1

    def test_tail_never_skips_what_follows_a_drop(self, store: Any) -> None:
        """Sequence numbers are not given twice, even when the last row was deleted."""
        store.write([span(1), span(2, parent=1, status="running")])
        after = store.tail(0).sequence
        store.write([span(2, parent=1, phase="dropped")])
        store.write([span(3, parent=1)])

        assert [item.name for item in store.tail(after).spans] == ["span 3"]

    def test_aggregate_sums_the_store(self, store: Any) -> None:
        """An empty store has zeros and no times."""
        empty = store.aggregate()
        store.write([span(2, parent=1, status="error", tokens=(1, 2), cost=0.5), span(1)])
        store.write([span(1, trace_id=hex_id(2), status="running", at=9)])
        summary = store.aggregate()

        assert (empty.traces, empty.spans, empty.oldest) == (0, 0, None)
        assert (summary.traces, summary.spans, summary.error_count) == (2, 3, 1)
        assert summary.traces_by_status == {"ok": 1, "running": 1}
        assert (summary.input_tokens, summary.output_tokens, summary.cost) == (1, 2, 0.5)
        assert (summary.oldest, summary.newest) == (START, START + 9 * SECOND)
        assert summary.to_dict()["size_bytes"] > 0

    def test_everything_given_back_is_json_ready(self, store: Any) -> None:
        """`to_dict` of a summary and of a trace hold plain values only."""
        import json

        store.write([matching(TRACE)])

        assert json.loads(json.dumps(store.list_traces()[0].to_dict()))["tags"] == ["beta", "vip"]
        assert json.loads(json.dumps(store.get_trace(TRACE).to_dict()))["spans"][0]["type"] == "agent_run"

    def test_a_page_is_a_sequence(self, store: Any) -> None:
        """It has a length, iterates and indexes."""
        store.write([span(trace_id=hex_id(number), at=number) for number in (1, 2, 3)])
        page = store.list_traces()

        assert len(page) == 3
        assert trace_ids(page) == [page[0].trace_id, page[1].trace_id, page[-1].trace_id]
        assert trace_ids(page[:2]) == trace_ids(page)[:2]

    def test_a_closed_store_opens_again(self, store: Any) -> None:
        """`close` lets go of everything and loses nothing; it may be called twice."""
        store.write([span(1)])
        store.close()
        store.close()

        assert trace_ids(store.list_traces()) == [TRACE]
