"""The loop: events in, the table of open spans, the processor chain, records out to every exit.

    Intake.events ─► OpenSpans.apply ─► usage and cost ─► Chain (yours ─► filter ─► limits) ─► outbox ─► Runner.offer (each exit)

It wakes rarely: while an application records, some twenty times a second, or when much has come. Each time it works off what has come,
in slices (`pacing`): an application that was idle finds the interpreter free, one that computes loses it seldom. What is done is handed
on once per write interval.
"""

from __future__ import annotations

import sys
import time
from threading import Event, Lock, Thread, current_thread
from typing import TYPE_CHECKING, Any

from spanbridge.containment import contain, logger
from spanbridge.model.span import SpanRecord, Status
from spanbridge.own_work import own_work
from spanbridge.pacing import Pace, awaited, is_awaited
from spanbridge.pipeline.accounting import SpanAccount
from spanbridge.pipeline.completion import Completion
from spanbridge.pipeline.dropped_spans import DroppedSpans
from spanbridge.pipeline.open_spans import OpenSpans
from spanbridge.pipeline.span_filter import SpanFilter
from spanbridge.pipeline.usage import Price, model_of
from spanbridge.tracing.clock import now_ns
from spanbridge.tracing.intake import FLUSH, START, Intake

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spanbridge.pipeline.bridge_finish import BridgeFinish
    from spanbridge.pipeline.chain import Chain
    from spanbridge.pipeline.delivery import Runner
    from spanbridge.pipeline.open_record import OpenRecord
    from spanbridge.protocols import Store

BACKLOG_PARTS = 17_000
"""More waiting parts of events than this, some 4,000 events, are worked off without pauses, in larger slices."""
SLICE_SPANS, BACKLOG_SLICE_SPANS, AWAITED_SLICE_SPANS = 16, 512, 64
"""Ended spans that are processed together. In a backlog each slice waits for the interpreter some times; while the application waits none
does, and a slice had better fit into the processor's cache."""
STEP_PARTS, LARGE_STEP_PARTS = 32, 256
"""Parts of events, a span has some 13, that are applied between two looks at the clock."""
POLL_S = 0.05
"""How long events wait at most until the pipeline looks at them; less where the write interval is shorter."""
MAX_OUTBOX_RECORDS = 1024
"""Records that are handed on before the write interval is over."""
MAX_EXITS_SHARE_S = 0.5
"""How much of a shutdown's time the exits have to themselves, at most; else a quarter. In the rest the pipeline works too."""
LEFT_OUT_ON_PURPOSE = frozenset({"excluded_type", "internal", "not_taken", "processor", "sample_rate", "span_filter"})


def _sizes(pace: Pace) -> tuple[int, int]:
    """Spans of a slice, and parts of events of a step."""
    if is_awaited():
        return AWAITED_SLICE_SPANS, LARGE_STEP_PARTS
    return (BACKLOG_SLICE_SPANS, LARGE_STEP_PARTS) if pace.hurries else (SLICE_SPANS, STEP_PARTS)


class _FlushReply:
    """What a flushing thread waits for."""

    def __init__(self) -> None:
        self.done = Event()


class Pipeline:
    """One configuration's pipeline: applies events on a thread of its own."""

    def __init__(
        self,
        *,
        chain: Chain,
        runners: Sequence[Runner],
        store_runner: Runner | None,
        store: Store | None = None,
        price: Price,
        hurry: Callable[[float], None] | None = None,
        service_name: str,
        environment: str,
        write_interval_s: float = 0.05,
        exit_timeout_s: float = 2.0,
        max_bytes: int = 64 * 1024 * 1024,
        validate: Any = None,
        span_filter: Callable[[SpanRecord], bool] | None = None,
    ) -> None:
        """
        Args:
            runners: All exits, the store's among them.
            store_runner: The store's exit; None where the store is off.
            store: The store behind it, for reading.
            price: See `cost.PriceTable.cost`.
            hurry: Called at shutdown with its deadline (monotonic clock): `price` should not make it wait.
            write_interval_s: How often records are handed on; a span that outlives it is handed on as running.
            exit_timeout_s: How long a child process of `multiprocessing` waits for deliveries at its exit.
            max_bytes: Bytes of events and open spans that may wait; beyond it new spans are dropped and counted.
            validate: `validate_attributes` where attributes are checked against their definition.
            span_filter: Which ended spans the exits get.
        """
        self.intake = Intake(max_bytes, self._start_threads)
        self.runners = list(runners)
        self.store = store
        self.bridge: BridgeFinish | None = None
        """Ends native spans, where a bridge is on."""
        self._store_runner = store_runner
        if store_runner is not None:
            store_runner.settled = self.settle
        self._chain = chain
        self._price = price
        self._hurry = hurry
        self._service_name = service_name
        self._environment = environment
        self._interval_s = write_interval_s
        self._interval_ns = int(write_interval_s * 1e9)
        self._exit_timeout_s = exit_timeout_s
        self._validate = validate
        self._span_filter = None
        if span_filter is not None:
            self._span_filter = SpanFilter(
                span_filter, "the span filter", lambda: self.intake.ignore("span_filter_error")
            )
        self._drops = chain.has_own_processors or span_filter is not None
        """Whether the application may drop a span at its end."""
        for runner in self.runners:
            if runner.may_leave_out_parents or (self._drops and not runner.accepts_running):
                runner.wait_for_parents(max_bytes // 4, self)
        self._shows_running = any(runner.accepts_running for runner in self.runners)
        self._closing = False
        self._reset()

    def _reset(self) -> None:
        self.account = SpanAccount()
        self._starting = Lock()
        self._thread: Thread | None = None
        self._spans = OpenSpans(self.intake, self.account, self._service_name, self._environment, self._complete)
        self._completion = Completion(self._spans, self.intake, self._price, self._validate)
        self._outbox: list[SpanRecord] = []
        self._next_write_ns = 0
        self._pace = Pace()
        self._dropped = DroppedSpans()
        self._has_dropped = False
        """Whether spans were dropped since the outbox was handed on."""
        self._dropped_roots: list[str] = []
        """Traces whose root was dropped since the outbox was handed on."""
        self._in_process = 0
        """Ended spans that are in the processor chain."""
        self._behind: dict[str, OpenRecord] = {}
        """Those of them that come after records which are handed on, by their ids."""
        self._hand_on_at_ns = 0
        """When the outbox is handed on even though others of its slice are not done."""
        self._stop_at: float | None = None
        """When a shutdown has no more time for what is not processed (monotonic clock)."""

    # --- from callers -------------------------------------------------------------------------------------------------

    def flush(self, deadline: float) -> bool:
        """Hands on everything recorded so far, open spans as running, and waits for delivery until `deadline`."""
        if current_thread() is self._thread:
            return False
        with awaited(), own_work():
            return self._flush(deadline)

    def _flush(self, deadline: float) -> bool:
        if not self._drain_events(deadline):
            return False
        # One that fails or hangs must not keep the others waiting.
        asked = [(runner, runner.ask_flush(deadline)) for runner in self.runners]
        results = [] if self.bridge is None or self._closing else [self.bridge.flush(deadline)]
        results += [runner.wait_for(flush) for runner, flush in asked]
        return all(results)

    def drain(self, deadline: float) -> bool:
        """Ends the native spans of all that was recorded so far; waits for no exit. Whether it was done by `deadline`."""
        if current_thread() is self._thread:
            return False
        with awaited():
            return self._drain_events(deadline)

    def _drain_events(self, deadline: float) -> bool:
        intake = self.intake
        if not intake.started or self._closing:
            return True
        reply = _FlushReply()
        intake.events.extend((FLUSH, reply))
        intake.is_awaited = True
        intake.wake()
        self._turn_without_thread(deadline)
        return reply.done.wait(max(0.0, deadline - time.monotonic()))

    def _turn_without_thread(self, deadline: float) -> None:
        """Does the pipeline's work here where no thread could be started; never beside one that another caller starts."""
        if self._thread is None and self._starting.acquire(timeout=max(0.0, deadline - time.monotonic())):
            try:
                if self._thread is None and not self._closing:
                    self._turn()
            finally:
                self._starting.release()

    def shutdown(self, deadline: float) -> bool:
        """Ends what is open as abandoned, delivers what it can until `deadline`, and counts the rest; whether all went out."""
        if self._closing:
            return True
        self._closing = True
        with awaited(), own_work():
            return self._shutdown(deadline)

    def _shutdown(self, deadline: float) -> bool:
        if self._hurry is not None:
            self._hurry(deadline)
        exits_share_s = min(max(0.0, deadline - time.monotonic()) / 4, MAX_EXITS_SHARE_S)
        self._stop_at = deadline - exits_share_s
        self.intake.close()
        self.intake.is_awaited = True
        self.intake.signal()
        # Whoever starts the thread, or works in its place, is done then; nobody begins after `_closing` is set.
        is_alone = self._starting.acquire(timeout=max(0.0, deadline - time.monotonic()))
        if is_alone:
            self._starting.release()
        thread = self._thread
        if thread is not None and thread.is_alive() and thread is not current_thread():
            # A little longer than it may work: it stops between two records.
            thread.join(max(0.0, deadline - exits_share_s / 2 - time.monotonic()))
        has_stopped = is_alone and (thread is None or not thread.is_alive())
        if has_stopped:
            self._last_turn()  # already done, unless no thread could be started
        else:
            logger.warning("the pipeline did not stop in time")
        for runner in self.runners:
            runner.close(deadline)
        if self.bridge is not None:
            # Half of the time: another tracer that stalls must not take the exits' share.
            self.bridge.release_all((time.monotonic() + deadline) / 2)
        results = [runner.shutdown(deadline) for runner in self.runners]
        if self.bridge is not None:
            # After the exits: until then it keeps their calls out of the other tracer.
            results.append(self.bridge.close(deadline))
        left = self._count_on_way()
        self.account.close()
        self._report()
        return has_stopped and all(results) and left <= 0

    def stats(self) -> dict[str, Any]:
        """`{"spans": ..., "exporters": {name: ...}, "ignored": {reason: n}}`; see `accounting`."""
        stats = {
            "spans": self.account.report(self.intake, self._count_on_way, self._count_at_store),
            "exporters": {name: entry for runner in self.runners for name, entry in runner.report().items()},
            "ignored": dict(self.intake.ignored),
        }
        if self.bridge is not None:
            stats["bridge"] = self.bridge.stats()
        return stats

    def after_fork_in_child(self) -> None:
        """The child starts empty: queued and open spans, threads and counters are the parent's."""
        intake = Intake(self.intake.max_bytes, self._start_threads)
        if self.intake.closed:
            intake.close()
        # The tracer and open spans of the parent refer to this object: it is emptied in place, not replaced.
        self.intake.__dict__.update(intake.__dict__)
        self._reset()
        for runner in self.runners:
            runner.after_fork_in_child()
        if self.bridge is not None:
            self.bridge.after_fork_in_child()

    def _start_threads(self) -> None:
        # Only tried: another caller, or the code that this signal handler interrupted, is starting them.
        starting = self._starting
        if self._is_started() or not starting.acquire(blocking=False):
            return
        try:
            if self._is_started() or self._closing or sys.is_finalizing():
                return
            self._thread = thread = Thread(target=self._run, name="spanbridge-pipeline", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # no thread can be started: `shutdown` does the work
                self._thread = None
                # Tried again when as much has come.
                self.intake.wake_bytes = self.intake.pending_bytes + self.intake.backlog_bytes
                contain("starting the pipeline's thread", error)
                return
            # From 3.12 on no thread starts once the interpreter ends, which a short program's may before the pipeline's has begun.
            for runner in self.runners:
                runner.start()
            self._shutdown_at_multiprocessing_exit()
        finally:
            starting.release()

    def _is_started(self) -> bool:
        """Whether the thread runs, or is about to: one without an identity was being started when a signal handler raised."""
        thread = self._thread
        return thread is not None and (thread.is_alive() or thread.ident is None)

    def _shutdown_at_multiprocessing_exit(self) -> None:
        """A child process of `multiprocessing` ends with `os._exit`: its finalizers run, atexit handlers do not."""
        process, util = sys.modules.get("multiprocessing.process"), sys.modules.get("multiprocessing.util")
        if process is not None and util is not None and process.parent_process() is not None:
            util.Finalize(None, lambda: self.shutdown(time.monotonic() + self._exit_timeout_s), exitpriority=-10)

    # --- the loop -----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        # Also here: a signal handler may have raised in the middle of it.
        for runner in self.runners:
            runner.start()
        intake = self.intake
        poll_s = min(POLL_S, self._interval_s)
        while not self._closing:
            self._turn()
            if self._closing:
                break
            if not self._has_news():
                intake.wake_bytes = -1  # the next event wakes the pipeline
                if not intake.events:
                    intake.wait(-1 if self.bridge is None else self.bridge.until_sweep_s())
                if intake.is_awaited:
                    continue
            intake.wake_bytes = intake.pending_bytes + intake.backlog_bytes
            # Also after the first event: more will come, and who has just begun to work should not be interrupted.
            intake.wait(poll_s)
        self._last_turn()

    def _has_news(self) -> bool:
        """Whether something is left to do without another event."""
        handed_on_later = self._outbox or self._dropped_roots or self._has_dropped
        if self.bridge is not None and self.bridge.has_settled:
            return True
        return bool(handed_on_later or self.intake.events or (self._shows_running and self._spans.has_news))

    def _turn(self) -> None:
        """Processes the events that wait, and hands on when it is time to."""
        self.intake.is_awaited = False
        count = len(self.intake.events)
        try:
            self._spans.now_ns = now = time.perf_counter_ns()
            self._hand_on_at_ns = now + self._interval_ns
            self._pace = Pace()
            self._drain(count)
            if self.bridge is not None:
                self.bridge.sweep()
            flushes = bool(self._spans.flushes)
            if flushes or self._spans.now_ns >= self._next_write_ns or len(self._outbox) >= MAX_OUTBOX_RECORDS:
                self._write(everything=flushes)
        except Exception as error:  # noqa: BLE001
            contain("the pipeline", error)
        finally:
            self._answer_flushes()

    def _last_turn(self) -> None:
        """Ends what is open and hands on all that there is. On the pipeline's thread: a processor that hangs must not hang a shutdown."""
        try:
            self._drain(len(self.intake.events))
            if not self._is_late():
                self._spans.end_all(now_ns(), Status.ABANDONED)
                self._process_ended()
            self._give_to_exits(everything=True)
            for runner in self.runners:
                runner.finish()
            if self.bridge is not None:
                self.bridge.finish_settled(self._pace)
        except Exception as error:  # noqa: BLE001
            contain("the pipeline", error)
        finally:
            self._answer_flushes()

    def _is_late(self) -> bool:
        """Whether a shutdown has no more time for what is not processed."""
        return self._stop_at is not None and time.monotonic() >= self._stop_at

    def _answer_flushes(self) -> None:
        flushes, self._spans.flushes = self._spans.flushes, []
        for reply in flushes:
            reply.done.set()

    def _drain(self, count: int) -> None:
        """Applies events of `count` parts, a few at a time, and processes the spans that they end."""
        events, spans, pace = self.intake.events, self._spans, self._pace
        while count > 0 and not self._is_late():
            if len(events) > BACKLOG_PARTS:
                pace.hurries = True
            slice_spans, step_parts = _sizes(pace)
            count -= spans.apply(events, min(step_parts, count))
            if len(spans.ended) >= slice_spans:
                self._process_ended()
                if self._closing or len(self._outbox) >= MAX_OUTBOX_RECORDS:
                    self._hand_on()
            pace.pause()
        self._process_ended()

    def _process_ended(self) -> None:
        """Runs the spans that have ended through the chain, all together, and puts what comes out into the outbox.

        Where that takes longer than the write interval, what is done is handed on meanwhile.
        """
        ended = self._spans.ended
        if not ended or self._is_late():
            return
        self._in_process, self._spans.ended = len(ended), []
        # Summed before: between reading and writing a counter that callers write too, no Python code may run.
        held_bytes = sum([record.held_bytes for record in ended])
        done = 0
        try:
            for result in self._chain.run(ended, self._pace, hold_s=self._interval_s):
                self._take_result(ended[done], result)
                done += 1
                if time.perf_counter_ns() >= self._hand_on_at_ns and done < len(ended):
                    self._behind = {record.span_id: record for record in ended[done:]}
                    self._hand_on()
                    self._hand_on_at_ns = time.perf_counter_ns() + self._interval_ns
                if self._stop_at is not None and self._is_late():
                    return
        except Exception as error:  # noqa: BLE001 - the chain contains what fails in it; this is for our own faults
            contain("the processor chain", error)
            left, self._in_process = self._in_process, 0
            self.account.add_dropped("internal_error", left)
        finally:
            self._behind = {}
            self.intake.pending_bytes -= held_bytes

    def _take_result(self, record: OpenRecord, result: SpanRecord | None) -> None:
        """Puts what the chain made of a span that has ended into the outbox, unless it was dropped."""
        dropped_by = None
        if result is None:
            dropped_by = "processor"
        elif self._span_filter is not None and not self._span_filter.passes(result):
            dropped_by = "span_filter"
        if self.bridge is not None:
            self.bridge.settle(record, result, dropped_by)
        if result is None or dropped_by is not None:
            self._in_process -= 1
            self._drop(record, dropped_by or "processor")
            return
        if result.model is not None and (self._chain.has_own_processors or result.model_may_differ()):
            result.model = model_of(result)  # as the chain left it
        result.release_content()
        self._in_process -= 1
        self._outbox.append(result)

    def _complete(self, record: OpenRecord) -> None:
        """Called for each span as it ends."""
        self._completion.complete(record)
        if record.hidden_as is not None and record.parent_span_id is None:
            self._dropped_roots.append(record.trace_id)

    def _drop(self, record: OpenRecord, reason: str) -> None:
        """The application dropped the span at its end: what was written of it is taken back, its children attach to its parent."""
        self.account.add_dropped(reason)
        self._dropped.reattach(record)
        self._dropped.add(record)
        self._has_dropped = True
        if record.parent_span_id is None:
            self._dropped_roots.append(record.trace_id)
        self._completion.pass_on(record)
        if record.written or record.has_shown_children:
            record.phase = "dropped"
            record.model = None
            record.replace_content({"name": record.type.value})
            record.encode_document()
            record.release_content()
            self._outbox.append(record)

    # --- what exits that wait for parents ask: see `waiting_children.Parents` -------------------------------------------

    def is_open(self, span_id: str) -> bool:
        """Whether the span of that id has started here, and may still be dropped."""
        return self._find_undecided(span_id) is not None

    def _find_undecided(self, span_id: str) -> OpenRecord | None:
        """The span of that id, if it has not come out of the processors."""
        return self._spans.find(span_id) or self._behind.get(span_id)

    def reattach(self, record: SpanRecord) -> SpanRecord:
        """Puts a record, in place, under its nearest ancestor that was not dropped."""
        return self._dropped.reattach(record)

    def count_early(self, count: int) -> None:
        """So many records went to an exit before their parent ended."""
        for _ in range(count):
            self.intake.ignore("parent_not_waited_for")

    # --- out ------------------------------------------------------------------------------------------------------------

    def _write(self, *, everything: bool) -> None:
        """Hands on the outbox, and with it spans that have outlived the write interval; all open ones if `everything`."""
        if self._shows_running:
            now = self._spans.now_ns
            self._show_running(self._spans.due_as_running(now if everything else now - self._interval_ns))
        self._hand_on(everything=everything)
        self._next_write_ns = time.perf_counter_ns() + self._interval_ns

    def _show_running(self, records: list[OpenRecord]) -> None:
        if not records:
            return
        copies = [record.snapshot_as_running() for record in records]
        results = self._chain.run(copies, self._pace, hold_s=self._interval_s)
        for record, copy, result in zip(records, copies, results, strict=True):
            if self._closing:  # it will end, and has no time to lose
                return
            if result is None:
                continue
            if result is copy and not copy.is_withheld:
                record.adopt(copy)
            record.written = True
            result.release_content()
            self._outbox.append(result)

    def _hand_on(self, *, everything: bool = False) -> None:
        """Gives the outbox to every exit, and what has ended to the bridge."""
        self._give_to_exits(everything=everything)
        if self.bridge is not None:
            self.bridge.finish_settled(self._pace)

    def _give_to_exits(self, *, everything: bool) -> None:
        """Gives the outbox to every exit; with `everything` also what waits for its parent's end."""
        outbox, dropped_roots = self._outbox, self._dropped_roots
        if self.account.is_closed:  # a processor took too long: nobody delivers any more, and they count as dropped
            self._outbox = []
            return
        if not (outbox or dropped_roots or self._has_dropped or everything):
            return
        self._dropped_roots, self._has_dropped = [], False
        if self._drops:
            for record in outbox:
                self._dropped.reattach(record)
                parent = None if record.parent_span_id is None else self._find_undecided(record.parent_span_id)
                if parent is not None:
                    parent.has_shown_children = True
        for runner in self.runners:
            runner.offer(outbox, everything=everything)
            runner.roots_dropped(dropped_roots)
        self._outbox = []
        if self._store_runner is None:
            self.settle([record for record in outbox if record.phase == "ended"], None)

    def settle(self, records: Sequence[SpanRecord], reason: str | None) -> None:
        """Counts ended spans that reached their floor (None) or never will (the reason); the store's runner calls it."""
        if reason is not None:
            self.account.add_dropped(f"store_{reason}" if not reason.startswith("store") else reason, len(records))
            return
        abandoned = sum([record.status is Status.ABANDONED for record in records])
        self.account.add_stored(len(records) - abandoned, abandoned)

    def _count_on_way(self) -> int:
        """Spans that have started and have not come to the exit that is their floor: counted where they are."""
        queued = tuple(self.intake.events).count(START)
        in_outbox = [record.phase for record in tuple(self._outbox)].count("ended")
        return queued + len(self._spans) + len(self._spans.ended) + self._in_process + in_outbox

    def _count_at_store(self) -> int:
        """Spans that the store has still to write."""
        return 0 if self._store_runner is None else self._store_runner.account.pending

    def _report(self) -> None:
        """Logs the account; as a warning where something was lost."""
        stats = self.stats()
        lost = not stats["spans"]["dropped"].keys() <= LEFT_OUT_ON_PURPOSE or any(
            exporter["expired"] or exporter["pending"] or not exporter["rejected"].keys() <= LEFT_OUT_ON_PURPOSE
            for exporter in stats["exporters"].values()
        )
        (logger.warning if lost else logger.info)("spans at shutdown: %s", stats)
