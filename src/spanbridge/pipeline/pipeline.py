"""The loop: events in, the table of open spans, the processor chain, records out to every exit.

    Intake.events ─► _apply ─► table of OpenRecords ─► _finish: usage, cost, Chain (yours ─► filter ─► limits) ─► Runner.offer (each exit)

It works in short slices: between two spans it lets go of the interpreter, so that the application never waits long for it.
"""

from __future__ import annotations

import sys
import time
from threading import Event, Lock, Thread, current_thread
from typing import TYPE_CHECKING, Any

from spanbridge.containment import contain, logger
from spanbridge.model.span import SpanRecord, Status
from spanbridge.model.span_types import SPAN_TYPES
from spanbridge.pipeline.accounting import SpanAccount
from spanbridge.pipeline.open_record import OpenRecord
from spanbridge.pipeline.usage import Price, account_usage, model_of, reports_to
from spanbridge.tracing.clock import now_ns
from spanbridge.tracing.intake import END, FLUSH, SET, START, Intake

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanbridge.pipeline.chain import Chain
    from spanbridge.pipeline.delivery import Runner
    from spanbridge.protocols import Store

MAX_OUTBOX_RECORDS = 256
"""Records handed on at once; more events may wait behind them."""
CHILD_EXIT_TIMEOUT_S = 2.0
MAX_REPARENTED = 10_000
"""Dropped spans whose late children still find their parent's parent."""


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
        service_name: str,
        environment: str,
        write_interval_s: float = 0.05,
        max_bytes: int = 64 * 1024 * 1024,
        validate: Any = None,
    ) -> None:
        """
        Args:
            runners: All exits, the store's among them.
            store_runner: The store's exit; None where the store is off.
            store: The store behind it, for reading.
            price: See `cost.PriceTable.cost`.
            write_interval_s: How often records are handed on; a span that outlives it is handed on as running.
            max_bytes: Bytes of events and open spans that may wait; beyond it new spans are dropped and counted.
            validate: `validate_attributes` where attributes are checked against their definition.
        """
        self.intake = Intake(max_bytes, self._start_threads)
        self.account = SpanAccount()
        self.runners = list(runners)
        self.store = store
        self._store_runner = store_runner
        if store_runner is not None:
            store_runner.settled = self.settle
        self._chain = chain
        self._price = price
        self._service_name = service_name
        self._environment = environment
        self._interval_s = write_interval_s
        self._interval_ns = int(write_interval_s * 1e9)
        self._validate = validate
        self._is_model = {span_type: info.is_model for span_type, info in SPAN_TYPES.items()}
        self._thread: Thread | None = None
        self._closing = False
        self._reset()

    def _reset(self) -> None:
        self._starting = Lock()
        self._table: dict[int, OpenRecord] = {}
        self._unwritten: dict[int, OpenRecord] = {}
        self._changed: dict[int, OpenRecord] = {}
        self._outbox: list[SpanRecord] = []
        self._reparented: dict[str, str | None] = {}
        self._now_ns = time.perf_counter_ns()

    # --- from callers -------------------------------------------------------------------------------------------------

    def flush(self, deadline: float) -> bool:
        """Hands on everything recorded so far, open spans as running, and waits for delivery until `deadline`."""
        if current_thread() is self._thread:
            return False
        intake = self.intake
        if intake.started and not self._closing:
            reply = _FlushReply()
            intake.events.append((FLUSH, reply))
            intake.wake()
            if self._thread is None:
                self._turn()
            if not reply.done.wait(max(0.0, deadline - time.monotonic())):
                return False
        return all([runner.flush(deadline) for runner in self.runners])  # noqa: C419 - one that fails must not keep the others waiting

    def shutdown(self, deadline: float) -> bool:
        """Ends what is open as abandoned, delivers what it can until `deadline`, and counts the rest; whether all went out."""
        if self._closing:
            return True
        self._closing = True
        self.intake.closed = True
        self.intake.signal()
        thread = self._thread
        if thread is not None and thread.is_alive() and thread is not current_thread():
            thread.join(max(0.0, deadline - time.monotonic()))
        if thread is None or not thread.is_alive():
            self._last_turn()  # already done, unless no thread could be started
        else:
            logger.warning("the pipeline did not stop in time; spans that it still held are lost")
        for runner in self.runners:
            runner.close(deadline)
        complete = all([runner.shutdown(deadline) for runner in self.runners])  # noqa: C419 - as in `flush`
        self._report()
        return complete and not self._table

    def stats(self) -> dict[str, Any]:
        """`{"spans": ..., "exporters": {name: ...}, "ignored": {reason: n}}`; see `accounting`."""
        return {
            "spans": self.account.report(self.intake),
            "exporters": {runner.name: runner.account.report() for runner in self.runners},
            "ignored": dict(self.intake.ignored),
        }

    def after_fork_in_child(self) -> None:
        """The child starts empty: queued and open spans, threads and counters are the parent's."""
        intake = Intake(self.intake.max_bytes, self._start_threads)
        intake.closed = self.intake.closed
        # The tracer and open spans of the parent refer to this object: it is emptied in place, not replaced.
        self.intake.__dict__.update(intake.__dict__)
        self.account = SpanAccount()
        self._thread = None
        self._reset()
        for runner in self.runners:
            runner.after_fork_in_child()

    def _start_threads(self) -> None:
        # Only tried: another caller, or the code that this signal handler interrupted, is starting them.
        starting = self._starting
        if not starting.acquire(blocking=False):
            return
        try:
            if (self._thread is not None and self._thread.is_alive()) or self._closing or sys.is_finalizing():
                return
            self._thread = thread = Thread(target=self._run, name="spanbridge-pipeline", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # no thread can be started: `shutdown` does the work
                self._thread = None
                contain("starting the pipeline's thread", error)
                return
            for runner in self.runners:
                runner.start()
            self._flush_at_multiprocessing_exit()
        finally:
            starting.release()

    def _flush_at_multiprocessing_exit(self) -> None:
        """A child process of `multiprocessing` ends with `os._exit`: its finalizers run, atexit handlers do not."""
        process, util = sys.modules.get("multiprocessing.process"), sys.modules.get("multiprocessing.util")
        if process is not None and util is not None and process.parent_process() is not None:
            util.Finalize(None, lambda: self.flush(time.monotonic() + CHILD_EXIT_TIMEOUT_S), exitpriority=-10)

    # --- the loop -----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        intake = self.intake
        while not self._closing:
            self._turn()
            if self._closing:
                break
            if self._table or intake.events:
                intake.wake_bytes = intake.pending_bytes + _WAKE_BYTES
                intake.wait(self._interval_s)
            else:
                # Nothing is open: the next event wakes the pipeline, which then waits out its interval.
                intake.wake_bytes = -1
                if not intake.events:
                    intake.wait(-1)
                intake.wake_bytes = intake.pending_bytes + _WAKE_BYTES
                if not self._closing and intake.pending_bytes < _WAKE_BYTES:
                    intake.wait(self._interval_s)
        self._last_turn()

    def _last_turn(self) -> None:
        """Ends what is open and hands on all that there is.

        On the pipeline's thread: a processor that hangs must not hang whoever shuts down.
        """
        try:
            replies = self._drain()
            self._abandon_open()
            self._hand_on()
            for reply in replies:
                reply.done.set()
        except Exception as error:  # noqa: BLE001
            contain("the pipeline", error)

    def _turn(self) -> None:
        """All that waits: events, spans to be shown as running, flushes."""
        try:
            replies = self._drain()
            self._write_running(everything=bool(replies))
            self._hand_on()
            for reply in replies:
                reply.done.set()
        except Exception as error:  # noqa: BLE001
            contain("the pipeline", error)

    def _drain(self) -> list[_FlushReply]:
        """Applies the events that wait; returns the flushes among them."""
        self._now_ns = time.perf_counter_ns()
        events = self.intake.events
        replies: list[_FlushReply] = []
        for count in range(len(events)):
            if count & _YIELD_MASK == 0:
                time.sleep(0)  # lets go of the interpreter, for whoever waits for it
            event = events.popleft()
            if event[0] == FLUSH:
                replies.append(event[1])
                continue
            try:
                self._apply(event)
            except Exception as error:  # noqa: BLE001
                contain("applying an event", error)
                if event[0] == START:
                    self._table.pop(event[1], None)
                    self._unwritten.pop(event[1], None)
                    self.intake.pending_bytes -= event[-1]
                    self.account.add_dropped("internal_error")
            if len(self._outbox) >= MAX_OUTBOX_RECORDS:
                self._hand_on()
        return replies

    def _apply(self, event: tuple[Any, ...]) -> None:
        kind = event[0]
        if kind == START:
            span_id = event[1]
            parent = None if event[3] is None else self._table.get(event[3])
            record = OpenRecord.from_event(event, parent, self._service_name, self._environment)
            if parent is not None and self._is_model[record.type]:
                record.reports_to = reports_to(record, parent)
            record.seen_at_ns = self._now_ns
            self._table[span_id] = record
            self._unwritten[span_id] = record
        elif kind == SET:
            _, span_id, attributes, output, changes, size = event
            record = self._table.get(span_id)
            if record is None:  # opened before a fork, in the parent
                self.intake.pending_bytes -= size
                return
            record.held_bytes += size
            record.apply_set(attributes, output, changes)
            if record.written:
                self._changed[span_id] = record
        elif kind == END:
            _, span_id, time_ns, status, error = event
            record = self._table.pop(span_id, None)
            if record is None:
                return
            self._unwritten.pop(span_id, None)
            self._changed.pop(span_id, None)
            self._end(record, time_ns, _STATUSES[status], error)

    def _end(self, record: OpenRecord, ended_at: int, status: Status, error: dict[str, Any] | None = None) -> None:
        """Ends a record and runs it through the chain; one on which spanbridge itself fails is counted as dropped."""
        held_bytes = record.held_bytes
        try:
            if error is not None:
                record.apply({"error": error})
            record.ended_at = record.started_at if record.is_event else max(ended_at, record.started_at)
            record.status = status
            self._finish(record)
        except Exception as failure:  # noqa: BLE001
            contain("ending a span", failure)
            self.account.add_dropped("internal_error")
        finally:
            self.intake.pending_bytes -= held_bytes

    def _finish(self, record: OpenRecord) -> None:
        """Runs an ended record through the chain and puts it into the outbox."""
        record.phase = "ended"
        if self._is_model[record.type]:
            account_usage(record, self._price)
        if self._validate is not None:
            self._check(record)
        # Taken before the processors see the record: they may change it.
        written, span_id, parent_span_id = record.written, record.span_id, record.parent_span_id
        result = self._chain.run(record)
        if result is None:
            self.account.add_dropped("processor")
            self._reparented[span_id] = parent_span_id
            if len(self._reparented) > MAX_REPARENTED:
                del self._reparented[next(iter(self._reparented))]
            if not written:
                return
            record.phase = "dropped"
            record.model = None
            record.replace_content({"name": record.type.value})
            record.encode_document()
            result = record
        elif result.model is not None and (result.redactions or self._chain.has_own_processors):
            result.model = model_of(result)  # as the chain left it
        result.release_content()
        self._outbox.append(result)

    def _check(self, record: OpenRecord) -> None:
        """Strict attributes: says what is wrong, records it all the same."""
        from spanbridge.containment import warn  # noqa: PLC0415
        from spanbridge.errors import AttributesError  # noqa: PLC0415

        try:
            self._validate(record.type, record.attributes)
        except AttributesError:
            self.intake.ignore("invalid_attributes")
            warn(
                f"attributes of {record.type.value}",
                f"a {record.type.value} span has attributes that do not match its type",
            )

    def _write_running(self, *, everything: bool) -> None:
        """Hands on spans that have outlived the write interval, and those that changed since they were handed on."""
        if not any(runner.accepts_running for runner in self.runners):
            return
        due = list(self._changed.values())
        self._changed.clear()
        horizon = time.perf_counter_ns() - self._interval_ns
        for span_id, record in list(self._unwritten.items()):  # in the order in which they were seen
            if record.seen_at_ns > horizon and not everything:
                break
            del self._unwritten[span_id]
            due.append(record)
        for record in due:
            copy = record.snapshot_as_running()
            result = self._chain.run(copy)
            if result is None:
                continue
            if result is copy and "withheld" not in copy.attributes_in_place():
                record.adopt(copy)
            record.written = True
            result.release_content()
            self._outbox.append(result)

    def _abandon_open(self) -> None:
        """Ends what the application left open when the pipeline shuts down."""
        end = now_ns()
        for record in self._table.values():
            self._end(record, end, Status.ABANDONED)
        self._table.clear()
        self._unwritten.clear()
        self._changed.clear()

    def _hand_on(self) -> None:
        """Gives the outbox to every exit."""
        outbox = self._outbox
        if not outbox:
            return
        self._outbox = []
        if self._reparented:
            for record in outbox:
                while record.parent_span_id in self._reparented:
                    record.parent_span_id = self._reparented[record.parent_span_id]
        for runner in self.runners:
            runner.offer(outbox)
        if self._store_runner is None:
            self.settle([record for record in outbox if record.phase == "ended"], None)

    def settle(self, records: Sequence[SpanRecord], reason: str | None) -> None:
        """Counts ended spans that reached their floor (None) or never will (the reason); the store's runner calls it."""
        if reason is not None:
            self.account.add_dropped(f"store_{reason}" if not reason.startswith("store") else reason, len(records))
            return
        abandoned = sum(record.status is Status.ABANDONED for record in records)
        self.account.add_stored(len(records) - abandoned, abandoned)

    def _report(self) -> None:
        """Logs the account; as a warning where something was lost."""
        stats = self.stats()
        lost = stats["spans"]["dropped"] or any(
            exporter["rejected"] or exporter["expired"] or exporter["pending"]
            for exporter in stats["exporters"].values()
        )
        (logger.warning if lost else logger.info)("spans at shutdown: %s", stats)


_WAKE_BYTES = 1024 * 1024
_YIELD_MASK = 31
"""Events between two moments at which another thread may run: some 0.1 ms."""
_STATUSES = {status.value: status for status in Status}
