"""One exit that gets a part of what is recorded: its own sampling, its own filter. The store and the other exits still get all.

    records of the pipeline ─► the trace sampled? ─► the span wanted? ─► queue of the exit (`delivery`)
                                │ not known yet
                                └─► waits, in bounded memory, until the trace's root has ended

All of it runs on the pipeline's thread, between the chain and the exit's queue. What waits is pending; what is left out is rejected
on purpose: "sample_rate", "span_filter".
"""

from __future__ import annotations

from collections import OrderedDict
from copy import copy
from math import inf
from typing import TYPE_CHECKING, Any

from spanbridge.containment import contain
from spanbridge.errors import ConfigurationError
from spanbridge.model.payload import decode
from spanbridge.pacing import Pace
from spanbridge.pipeline.delivery import Runner
from spanbridge.pipeline.dropped_spans import DroppedSpans
from spanbridge.pipeline.span_filter import SpanFilter
from spanbridge.pipeline.tail_sampling import TailSampling
from spanbridge.pipeline.waiting_children import RECORD_OVERHEAD_BYTES
from spanbridge.tracing.sampling import as_sampler, should_sample_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from spanbridge.model.span import SpanRecord
    from spanbridge.pipeline.waiting_children import Parents
    from spanbridge.protocols import Exporter, SamplerLike

MAX_DECISIONS = 10_000
"""Traces whose decision late spans still find."""
PACED_RECORDS = 256
"""More records than this at once are filtered without pauses."""


class Route:
    """An exporter and the part of the spans that it gets. Made by `spanbridge.route`, stands in `exporters=[...]`."""

    def __init__(
        self,
        exporter: str | Exporter,
        *,
        sampling: SamplerLike | TailSampling | float | None = None,
        span_filter: Callable[[SpanRecord], bool] | None = None,
    ) -> None:
        """See `spanbridge.route`."""
        if not _is_exporter(exporter):
            raise ConfigurationError(f"route(exporter): {exporter!r} is neither an exporter's name nor an exporter")
        if span_filter is not None and not callable(span_filter):
            raise ConfigurationError(f"route(span_filter=...): {span_filter!r} is not a function of a SpanRecord")
        self.exporter = exporter
        self.sampling: SamplerLike | TailSampling | None = (
            sampling
            if sampling is None or isinstance(sampling, TailSampling)
            else as_sampler(sampling, "route(sampling=...)")
        )
        self.span_filter = span_filter

    @property
    def name(self) -> str:
        """The exporter's name."""
        exporter = self.exporter
        return (
            exporter if isinstance(exporter, str) else str(getattr(exporter, "name", None) or type(exporter).__name__)
        )

    def __repr__(self) -> str:
        return f"Route({self.exporter!r}, sampling={self.sampling!r}, span_filter={self.span_filter!r})"


def route(
    exporter: str | Exporter,
    *,
    sampling: SamplerLike | TailSampling | float | None = None,
    span_filter: Callable[[SpanRecord], bool] | None = None,
) -> Route:
    """An exit that gets a part of the spans, for `configure(exporters=[...])`.

    The store and the other exits are not concerned. Raises ConfigurationError for arguments of another kind.

    Args:
        exporter: An exporter's name, or an exporter.
        sampling: Which traces it gets: a ratio from 0 to 1, a sampler, `TailSampling`, or a function of SamplingInput. `RatioSampling` and
            others that decide by trace id do so at once. With `TailSampling`, or a function, the spans of a trace wait until it is decided:
            a function is asked with the trace's root in this process, when that has ended. They wait within half of the setting
            `queue_max_bytes`. Beyond it the oldest trace is decided with what is known: `TailSampling` drops it, because neither its ratio
            nor a span so far keeps it; one whose function could not be asked is kept. Late spans follow the decision on their trace, unless
            one of them fails or is slow; spans that start later, of another root of the trace in this process, are decided anew.
        span_filter: Which spans it gets: `record -> bool`, asked for each ended span of its traces with a copy of its own. Children of a
            span that is left out attach to its parent: a span goes out when its parent has ended, or at a flush. With a filter the exit
            gets no running spans.

    A sampler or filter that raises keeps the trace or span, and the error is counted. Left out spans are counted in `stats()`, as rejected:
    "sample_rate", "span_filter".
    """
    return Route(exporter, sampling=sampling, span_filter=span_filter)


class _WaitingTrace:
    """The ended spans so far of a trace that is not decided."""

    __slots__ = ("ended_at", "records", "size", "started_at")

    def __init__(self) -> None:
        self.records: list[SpanRecord] = []
        self.size = 0
        self.started_at: int | None = None
        self.ended_at = 0


class RoutedRunner(Runner):
    """Delivers to one exporter what its route lets through."""

    def __init__(
        self,
        route: Route,
        exporter: Exporter,
        name: str,
        *,
        max_bytes: int,
        count_filter_error: Callable[[], None] = lambda: None,
        **options: Any,
    ) -> None:
        """`exporter`: what `route.exporter` names. `max_bytes`: of its queue; half as much may wait for decisions."""
        self._max_waiting_bytes = max_bytes // 2
        self._tail = route.sampling if isinstance(route.sampling, TailSampling) else None
        self._by_context = getattr(route.sampling, "sample_by_context", None)
        self._should_sample = should_sample_of(route.sampling)
        self._samples = route.sampling is not None
        super().__init__(exporter, name, max_bytes=max_bytes, **options)
        self._span_filter = None
        if route.span_filter is not None:
            self._span_filter = SpanFilter(route.span_filter, f"span filter of {name}", count_filter_error)
            self.may_leave_out_parents = True
            # A span that is let through while it runs, and left out at its end, would stay there as running.
            self.accepts_running = False

    def _reset(self) -> None:
        super()._reset()
        self._undecided: OrderedDict[str, _WaitingTrace] = OrderedDict()
        self._undecided_bytes = 0
        self._decisions: OrderedDict[str, bool] = OrderedDict()
        self._left_out_at: dict[str, int] = {}
        """Of traces that were left out when their root had ended: when that was, in nanoseconds since the epoch."""
        self._left_out = DroppedSpans()
        """By the filter."""

    # --- called from the pipeline's thread ---------------------------------------------------------------------------

    def roots_dropped(self, trace_ids: Iterable[str]) -> None:
        """A processor dropped the roots of these traces: nobody need wait for them."""
        self._give_up(trace_ids)

    def finish(self) -> None:
        """No record will be offered again: what waits is decided with what is known."""
        self._give_up(list(self._undecided))
        super().finish()

    def _select(self, records: Sequence[SpanRecord]) -> Sequence[SpanRecord]:
        kept: list[SpanRecord] = []
        sampled_out: list[SpanRecord] = []
        ended_roots: list[str] = []
        for record in records:
            decision = self._decision(record)
            if decision or record.phase == "dropped":  # it takes a span back; where that never went, it changes nothing
                kept.append(record)
            elif decision is False:
                (kept if self._is_overturned_by(record) else sampled_out).append(record)
            elif record.phase == "ended":
                trace_id = record.trace_id
                decision = self._wait(record)
                if decision is not None:
                    self._decide(trace_id, decision, kept, sampled_out)
                elif record.parent_span_id is None:
                    # Spans that ended just after their root may come with it.
                    ended_roots.append(trace_id)
                while self._undecided_bytes > self._max_waiting_bytes:
                    self._decide(next(iter(self._undecided)), self._tail is None, kept, sampled_out)
        for trace_id in ended_roots:
            if self._tail is not None and (waiting := self._undecided.get(trace_id)) is not None:
                self._left_out_at[trace_id] = waiting.ended_at
            self._decide(trace_id, False, kept, sampled_out)
        self._settle(sampled_out, "sample_rate")
        return self._visible(kept)

    def _give_up(self, trace_ids: Iterable[str]) -> None:
        """Decides traces with what is known: nothing that keeps them under `TailSampling`; a function that cannot be asked keeps."""
        kept: list[SpanRecord] = []
        sampled_out: list[SpanRecord] = []
        for trace_id in trace_ids:
            self._decide(trace_id, self._tail is None, kept, sampled_out)
        self._settle(sampled_out, "sample_rate")
        self._pass_on(self._visible(kept))

    # --- sampling -----------------------------------------------------------------------------------------------------

    def _decision(self, record: SpanRecord) -> bool | None:
        """Whether the record's trace is kept; None while it is not decided."""
        if not self._samples:
            return True
        try:
            trace_id = record.trace_id
            decision = self._decisions.get(trace_id)
            if decision is False and record.started_at >= self._left_out_at.get(trace_id, inf):
                return None  # another request of the trace, which began after the one that was left out
            if decision is None and self._by_context is not None and trace_id not in self._undecided:
                decision = self._by_context(int(trace_id, 16), "", None)
            return None if decision is None else bool(decision)
        except BaseException as error:  # noqa: BLE001 - SystemExit or CancelledError would end the pipeline's thread
            contain(f"sampler of {self.name}", error)
            return True

    def _wait(self, record: SpanRecord) -> bool | None:
        """Keeps an ended record until its trace is decided; the decision, if it makes it."""
        trace = self._undecided.get(record.trace_id)
        if trace is None:
            trace = self._undecided[record.trace_id] = _WaitingTrace()
        size = len(record.document) + RECORD_OVERHEAD_BYTES
        trace.records.append(record)
        trace.size += size
        self._undecided_bytes += size
        try:
            if self._tail is None:
                return None if record.parent_span_id is not None else bool(self._should_sample(_sampling_input(record)))
            started_at, ended_at = record.started_at, record.ended_at or record.started_at
            trace.started_at = started_at if trace.started_at is None else min(trace.started_at, started_at)
            trace.ended_at = max(trace.ended_at, ended_at)
            return self._tail.keeps(record, trace.ended_at - trace.started_at) or None
        except BaseException as error:  # noqa: BLE001 - as above
            contain(f"sampler of {self.name}", error)
            return True

    def _decide(self, trace_id: str, decision: bool, kept: list[SpanRecord], sampled_out: list[SpanRecord]) -> None:
        """Adds what waits of a trace to `kept` or `sampled_out`; nothing waits where it was decided already."""
        trace = self._undecided.pop(trace_id, None)
        if trace is None:
            return
        self._undecided_bytes -= trace.size
        (kept if decision else sampled_out).extend(trace.records)
        self._decisions[trace_id] = decision
        if len(self._decisions) > MAX_DECISIONS:
            forgotten, _ = self._decisions.popitem(last=False)
            self._left_out_at.pop(forgotten, None)

    def _is_overturned_by(self, record: SpanRecord) -> bool:
        """Whether a late span keeps its trace after all: what was left out of it is gone, what comes is kept."""
        if self._tail is None or record.phase != "ended" or record.trace_id not in self._left_out_at:
            return False
        try:
            if not self._tail.keeps(record, (record.ended_at or record.started_at) - record.started_at):
                return False
        except BaseException as error:  # noqa: BLE001 - as above
            contain(f"sampler of {self.name}", error)
            return True
        self._decisions[record.trace_id] = True
        return True

    # --- the filter ---------------------------------------------------------------------------------------------------

    def _visible(self, records: list[SpanRecord]) -> list[SpanRecord]:
        """The records that the filter lets through, their parents among them where it left some out."""
        span_filter = self._span_filter
        if span_filter is None:
            return records
        visible: list[SpanRecord] = []
        left_out: list[SpanRecord] = []
        pace = Pace(hurries=len(records) > PACED_RECORDS)
        for record in records:
            passes = record.phase != "ended" or span_filter.passes(record)
            try:
                if not passes:
                    self._left_out.add(record)
            except TypeError as error:  # processors may have put anything in place of an id
                contain(f"parents at {self.name}", error)
            (visible if passes else left_out).append(record)
            pace.pause()
        self._settle(left_out, "span_filter")
        return [self._reattached(record) for record in visible] if self._left_out else visible

    def _under(self, parents: Parents, record: SpanRecord) -> SpanRecord:
        return self._reattached(super()._under(parents, record))

    def _reattached(self, record: SpanRecord) -> SpanRecord:
        """The record under its nearest ancestor that was not left out: a copy, because the exits share their records."""
        try:
            return self._left_out.reattach(copy(record)) if record.parent_span_id in self._left_out else record
        except Exception as error:  # noqa: BLE001 - processors may have put anything in place of an id
            contain(f"parents at {self.name}", error)
            return record


def _is_exporter(exporter: Any) -> bool:
    if isinstance(exporter, str):
        return bool(exporter.strip())
    return not isinstance(exporter, type) and hasattr(exporter, "export")


def _sampling_input(root: SpanRecord) -> Any:
    """What a function decides on, from a finished root; the record, which others hold too, keeps nothing of what is decoded here."""
    from spanbridge.protocols import SamplingInput  # noqa: PLC0415 - loads with the first sampler

    content: dict[str, Any] = decode(root.document)
    return SamplingInput(
        root.trace_id,
        content.get("name") or root.type.value,
        root.type,
        content.get("attributes") or {},
        content.get("metadata") or {},
    )
