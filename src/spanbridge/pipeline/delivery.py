"""One exit: a queue bounded in bytes, a thread, retries with back-off, and an account of every record.

Full: the newest record is rejected and counted ("queue_overflow"). Late: a batch is tried again until `expiry_s` after its first failure,
then counted as expired (the store's never expires). Broken: where an exporter keeps raising, the record that makes it raise is looked for,
and rejected alone ("export_error"), if others of its batch go through. Refused: where the exporter says that one record may be to blame,
the batch is halved until it is found. Stopped: what could not be delivered until the deadline is counted
("shutdown_deadline"), unless a late exporter still delivers it. Forked: the child starts with an empty queue and a thread of its own.
"""

from __future__ import annotations

import random
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from threading import Condition, Thread, current_thread, main_thread
from typing import TYPE_CHECKING, Any

from spanbridge.containment import contain, warn
from spanbridge.model.span import SpanRecord
from spanbridge.pipeline.accounting import LATE, MAX_REASONS, ExitAccount, printable
from spanbridge.pipeline.waiting_children import RECORD_OVERHEAD_BYTES, WaitingChildren
from spanbridge.protocols import Delivered, Rejected, Retry
from spanbridge.tracing.context import suppress

if TYPE_CHECKING:
    from spanbridge.pipeline.waiting_children import Parents
    from spanbridge.protocols import Exporter, ExportResult

MAX_BATCH_RECORDS = 512
MAX_BATCH_BYTES = 4 * 1024 * 1024
FIRST_RETRY_S = 0.1
MAX_RETRY_S = 30.0
CLOSING_RETRY_S = 0.25
CLOSING_MARGIN_S = 0.05
"""How long before its exit's deadline an exporter is to have closed: what it gives up and counts then belongs into the last account."""
MAX_REQUESTED_PAUSE_S = 300.0
RAISES_BEFORE_HALVING = 3
"""How often an exporter raises before its batch is halved."""
MAX_FUTILE_TRIES = 16
"""Parts of a batch that are tried until one goes through; if none does, it is the exit that is broken and not a record."""
LONE_TRIES = 16
"""Records of a batch that is refused in each of those parts that are tried by themselves: the guilty ones may be spread all over it."""

Settled = Callable[[Sequence[SpanRecord], "str | None"], None]


class AskedFlush:
    """What somebody waits for who flushes an exit."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.succeeded: bool | None = None
        """None until it is known."""


class Runner:
    """Delivers records to one exporter from a thread of its own."""

    def __init__(
        self,
        exporter: Exporter,
        name: str,
        *,
        max_bytes: int = 32 * 1024 * 1024,
        max_batch_records: int = MAX_BATCH_RECORDS,
        expiry_s: float | None = 300.0,
    ) -> None:
        """
        Args:
            exporter: See `protocols.Exporter`.
            name: Its name in `stats()` and in log lines.
            max_bytes: Bytes of records that may wait.
            max_batch_records: Records of one batch; its documents have at most 4 MiB together, or it is one record.
            expiry_s: Seconds after which a batch that keeps failing is given up; None: never.
        """
        self.name = name
        self.exporter = exporter
        self.account = ExitAccount()
        self.accepts_running: bool = bool(getattr(exporter, "accepts_running", False))
        self._keeps_media = bool(getattr(exporter, "keeps_media", False))
        # Other exits have the same records, and a batch may be tried again; but who keeps media lets go of them on the record itself.
        self._makes_copies = not (self._keeps_media or getattr(exporter, "only_reads", False))
        self.may_leave_out_parents = False
        """Whether a filter of this exit may leave out a span whose children it gets."""
        self._max_bytes = max_bytes
        self._max_batch_records = max_batch_records
        self._expiry_s = expiry_s
        self.settled: Settled | None = None
        """Called with ended records and None when they were delivered, or with the reason why they never will be."""
        self._make_waiting: Callable[[], WaitingChildren] | None = None
        self._reset()

    def _reset(self) -> None:
        self._waiting = None if self._make_waiting is None else self._make_waiting()
        """Ended spans whose parent may still be left out."""
        self._queue: deque[SpanRecord] = deque()
        self._queued_bytes = 0
        self._in_flight: list[SpanRecord] | None = None
        """The batch at the exporter."""
        self._asked_flushes: deque[AskedFlush] = deque()
        self._state = Condition()
        self._thread: Thread | None = None
        self._closing = False
        self._deadline: float | None = None
        self._cut_short = False
        """Whether a batch was given up because the deadline came."""
        self._retry_reasons: set[str] = set()
        self._partial: Delivered | None = None
        """What the last try said, where the other side took a part of the records only."""
        self._stopped = False

    # --- called from the pipeline's thread ---------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the thread, unless it runs. Where no thread can be started, records are delivered by `shutdown`."""
        with self._state:  # it may be started from two threads
            thread = self._thread
            if sys.is_finalizing() or (thread is not None and (thread.is_alive() or thread.ident is None)):
                return
            self._thread = thread = Thread(target=self._run, name=f"spanbridge-{self.name}", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                self._thread = None
                if main_thread().is_alive():  # at exit no thread starts any more, and `shutdown` is about to be called
                    contain(f"starting the thread of {self.name}", error)

    def wait_for_parents(self, max_bytes: int, parents: Parents) -> None:
        """From now on the exit gets a span when its parent has ended; see `WaitingChildren`."""
        self._make_waiting = lambda: WaitingChildren(max_bytes, parents, lambda record: self._under(parents, record))
        self._waiting = self._make_waiting()

    def _under(self, parents: Parents, record: SpanRecord) -> SpanRecord:
        """The record under its nearest ancestor that this exit gets."""
        return parents.reattach(record)

    def offer(self, records: Sequence[SpanRecord], *, everything: bool = False) -> None:
        """Queues records for delivery; what does not fit is rejected and counted. Never waits for the exporter.

        `everything`: also what waits for its parent's end.
        """
        ended_count = [record.phase for record in records].count("ended")
        with self._state:
            self.account.pending += ended_count
        self._pass_on(self._select(records), everything=everything)

    def _pass_on(self, records: Sequence[SpanRecord], *, everything: bool = False) -> None:
        """Queues selected records, as far as they need not wait for their parents."""
        if self._waiting is not None:
            records = self._waiting.sort_out(records, everything=everything)
        self._enqueue(records)

    def finish(self) -> None:
        """No record will be offered again."""
        self._pass_on((), everything=True)

    def roots_dropped(self, trace_ids: Iterable[str]) -> None:
        """A processor dropped the roots of these traces."""

    def _select(self, records: Sequence[SpanRecord]) -> Sequence[SpanRecord]:
        """What of `records` this exit gets now; what it never will is settled here. See `routing`."""
        return records

    def _enqueue(self, records: Sequence[SpanRecord]) -> None:
        """Queues records that count as pending."""
        if not self.accepts_running:
            records = [record for record in records if record.phase == "ended"]
        reason = "queue_overflow"
        total = sum([len(record.document) for record in records]) + len(records) * RECORD_OVERHEAD_BYTES
        if self._keeps_media:
            total += sum([_media_bytes(record) for record in records if record.media])
        refused: Sequence[SpanRecord] = ()
        with self._state:
            if self.account.is_closed:
                refused, reason = records, LATE
            elif self._queued_bytes + total <= self._max_bytes:
                self._queue.extend(records)
                self._queued_bytes += total
            else:
                refused = self._enqueue_what_fits(records)
            self._state.notify_all()
        self._settle(refused, reason)

    def _size(self, record: SpanRecord) -> int:
        size = len(record.document) + RECORD_OVERHEAD_BYTES
        return size + _media_bytes(record) if record.media and self._keeps_media else size

    def _enqueue_what_fits(self, records: Sequence[SpanRecord]) -> list[SpanRecord]:
        """Returns the ended records that do not."""
        refused: list[SpanRecord] = []
        for record in records:
            size = self._size(record)
            # What takes a span back always fits: its content was vetoed, and must not stay.
            if self._queued_bytes + size <= self._max_bytes or not self._queued_bytes or record.phase == "dropped":
                self._queue.append(record)
                self._queued_bytes += size
            elif record.phase == "ended":
                refused.append(record)
        return refused

    # --- called from any thread --------------------------------------------------------------------------------------

    def report(self) -> dict[str, Any]:
        """Entries of `stats()["exporters"]`: its own, and those of exits that the exporter has itself."""
        entries = {self.name: self.account.report()}
        try:
            entries.update(getattr(self.exporter, "accounts", dict)())
        except Exception as error:  # noqa: BLE001
            contain(f"accounts of {self.name}", error)
        return entries

    def flush(self, deadline: float) -> bool:
        """Delivers what is queued until `deadline` (`time.monotonic()`); whether all of it went out."""
        return self.wait_for(self.ask_flush(deadline))

    def ask_flush(self, deadline: float) -> AskedFlush:
        """Has the exit's thread deliver what is queued, then flush the exporter; `wait_for` tells when it has."""
        asked = AskedFlush(deadline)
        with self._state:
            if self._is_running():
                self._asked_flushes.append(asked)
                self._state.notify_all()
            else:
                asked.succeeded = not (self._queue or self._in_flight)
        return asked

    def wait_for(self, asked: AskedFlush) -> bool:
        """Whether all went out until the flush's deadline."""
        with self._state:
            while asked.succeeded is None:
                left = asked.deadline - time.monotonic()
                if left <= 0 or not self._is_running():
                    return False
                self._state.wait(min(left, 0.5))
            return asked.succeeded

    def _is_running(self) -> bool:
        """Whether another thread delivers; False in an exporter's own call."""
        return self._thread is not None and self._thread.is_alive() and self._thread is not current_thread()

    def close(self, deadline: float) -> None:
        """Begins to stop: what is queued is still delivered until `deadline`. `shutdown` waits for it."""
        with self._state:
            self._closing = True
            self._deadline = deadline
            self._state.notify_all()

    def shutdown(self, deadline: float) -> bool:
        """Delivers what it can until `deadline`, closes the exporter, counts the rest; whether all went out."""
        self.close(deadline)
        if not self._stopped:
            self.start()  # an exporter that hangs as it closes must not hang its caller
        thread = self._thread
        if thread is None or not thread.is_alive():
            if not self._stopped:
                self._run()
        elif thread is not current_thread():
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._state:
            left, is_late = [*self._queue], bool(self._queue or self._in_flight)
            self._queue.clear()
            self._queued_bytes = 0
            self.account.is_closed = True
        self._settle(left, LATE)
        return not is_late and not self._cut_short

    def after_fork_in_child(self) -> None:
        """The parent's records, thread and counters are the parent's."""
        self.account = ExitAccount()
        self._reset()

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        # An exporter that calls what the application traces would make spans about spans, without end.
        with suppress():
            self._loop()

    def _loop(self) -> None:
        while True:
            with self._state:
                while not self._queue and not self._asked_flushes and not self._closing:
                    self._state.wait()
                if self._is_late() or not (self._queue or self._asked_flushes):
                    break
                batch = self._in_flight = self._take_batch() if self._queue else None
            if batch is None:
                self._flush_exporter()
                continue
            reason = self._deliver(batch)
            with self._state:
                self._cut_short = reason == LATE
                self._settle(batch, reason)
                self._in_flight = None
            # Before somebody who waits goes on, and not when the next batch comes: it takes time and holds memory.
            del batch
        self._stopped = True
        try:
            self.exporter.shutdown((self._deadline or time.monotonic()) - CLOSING_MARGIN_S)
        except (Exception, SystemExit) as error:  # noqa: BLE001
            contain(f"shutting down {self.name}", error)

    def _flush_exporter(self) -> None:
        """Does what the longest waiting `ask_flush` asked for; nothing is queued."""
        asked = self._asked_flushes.popleft()
        if time.monotonic() >= asked.deadline:
            return  # nobody waits for it any more
        try:
            asked.succeeded = self.exporter.flush(asked.deadline) is not False
        except BaseException as error:  # noqa: BLE001 - as of `export`
            contain(f"flushing {self.name}", error)
            asked.succeeded = False
        with self._state:
            self._state.notify_all()

    def _is_late(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _take_batch(self) -> list[SpanRecord]:
        queue = self._queue
        batch: list[SpanRecord]
        if len(queue) <= self._max_batch_records and self._queued_bytes <= MAX_BATCH_BYTES:
            batch = [*queue]
            queue.clear()
            self._queued_bytes = 0
            return batch
        batch = []
        size = 0
        while queue and len(batch) < self._max_batch_records and size < MAX_BATCH_BYTES:
            record = queue.popleft()
            batch.append(record)
            size += self._size(record)
        self._queued_bytes -= size
        return batch

    def _deliver(self, batch: list[SpanRecord]) -> str | None:
        """Tries until the batch is delivered (None), rejected or given up (the reason). What was settled before is not in it any more."""
        first_failure: float | None = None
        pause_s = FIRST_RETRY_S
        raised = 0
        while True:
            result = self._export(batch)
            if isinstance(result, Rejected):
                refused, result = result, self._divide(batch, result)
                if not batch:
                    return None
                if result is None:
                    return self._rejected(batch, refused)
            if not isinstance(result, Retry):
                return None
            if result.divide:
                raised += 1
                if raised % RAISES_BEFORE_HALVING == 0:
                    self._halve(batch)
                    if not batch:
                        return None
            reason = printable(result.reason)
            warn(
                f"{self.name} retries {self._known(reason)}",
                _told(f"exporter {self.name} retries {len(batch)} records: {reason}", result.advice),
            )
            now = time.monotonic()
            first_failure = now if first_failure is None else first_failure
            if self._expiry_s is not None and now - first_failure > self._expiry_s:
                return "expired"
            jittered_s = pause_s * random.uniform(0.75, 1.25)  # noqa: S311 - spreads retries, keeps no secret
            if not self._pause(jittered_s, _requested_pause_s(result.after_s)):
                return LATE
            pause_s = min(2 * pause_s, MAX_RETRY_S)

    def _rejected(self, records: Sequence[SpanRecord], result: Rejected) -> str:
        reason = self.account.reason(result.reason)
        warn(
            f"{self.name} rejects {reason}",
            _told(f"exporter {self.name} rejected {len(records)} records: {reason}", result.advice),
        )
        return reason

    def _known(self, reason: str) -> str:
        """`reason`, one of a bounded number: each has its own line in the log."""
        if reason not in self._retry_reasons and len(self._retry_reasons) >= MAX_REASONS:
            return "other"
        self._retry_reasons.add(reason)
        return reason

    def _divide(self, batch: list[SpanRecord], refused: Rejected) -> Retry | None:
        """Looks for the records that make the other side refuse the batch: they and what went through leave it.

        What it still holds afterwards is to be tried again, as the result says, or (None) refused as a whole.
        """
        if not refused.divide:
            return None
        parts = _halves(batch) if len(batch) > 1 else []
        futile = 0
        goes_through = False
        while parts and (goes_through or futile < MAX_FUTILE_TRIES + LONE_TRIES) and not self._is_late():
            part = parts.pop() if goes_through else _sample(parts, futile)
            result = self._export(part)
            if isinstance(result, Retry):
                return result
            if not isinstance(result, Rejected):
                goes_through = True
                self._settle_part(batch, part, None)
                continue
            futile += 1
            if result.divide and len(part) > 1:
                parts += _halves(part)
            else:
                self._settle_part(batch, part, self._rejected(part, result))
        return Retry(reason=refused.reason) if goes_through or self._is_late() else None

    def _halve(self, batch: list[SpanRecord]) -> None:
        """Delivers what it can of a batch that makes the exporter raise, and rejects the records that make it; both leave the batch.

        A record is only found guilty where others go through, so a lone one is tried beside those that wait behind it.
        """
        if len(batch) == 1:
            with self._state:
                batch += self._take_batch()
            if len(batch) == 1:
                return
        guilty: list[SpanRecord] = []
        parts = _halves(batch)
        futile = 0
        goes_through = False
        while parts and (goes_through or futile < MAX_FUTILE_TRIES) and not self._is_late():
            part = parts.pop() if goes_through else parts.pop(0)  # the largest first: guilty ones may be neighbours
            result = self._export(part)
            if isinstance(result, Retry) and result.divide:
                futile += 1
                if len(part) == 1:
                    guilty += part
                else:
                    parts += _halves(part)
            elif isinstance(result, Retry):
                break  # the exit asks for time: what is left comes again
            else:
                goes_through = True
                self._settle_part(batch, part, self._rejected(part, result) if isinstance(result, Rejected) else None)
        if goes_through and guilty:
            warn(f"{self.name} raises", f"exporter {self.name} raises on {len(guilty)} records, which are rejected")
            self._settle_part(batch, guilty, "export_error")

    def _settle_part(self, batch: list[SpanRecord], part: list[SpanRecord], reason: str | None) -> None:
        """Takes a part out of the batch in flight, and accounts for it."""
        settled = {id(record) for record in part}
        with self._state:
            batch[:] = [record for record in batch if id(record) not in settled]
            self._settle(part, reason)

    def _export(self, batch: list[SpanRecord]) -> ExportResult | None:
        """One try: what the exporter returned; an exception, and what is no result, mean `Retry`."""
        try:
            result: Any = self.exporter.export([record.own_copy() for record in batch] if self._makes_copies else batch)
        except OSError as error:  # the other side cannot be reached
            contain(f"exporter {self.name}", error)
            return Retry()
        except BaseException as error:  # noqa: BLE001 - SystemExit or CancelledError would end this thread
            contain(f"exporter {self.name}", error)
            return _RAISED
        self._partial = None
        if result is None:
            return None
        if isinstance(result, (Delivered, Rejected, Retry)):
            result = self._sound(result)
            if isinstance(result, Delivered) and result.rejected > 0:
                self._partial = result
            return result
        contain(f"exporter {self.name}", TypeError("export returns Delivered, Retry, Rejected or None"))
        return Retry()

    def _sound(self, result: ExportResult) -> ExportResult:
        """The exporter's answer, without what is not of its type: everything here relies on that."""
        given = vars(result)
        wrong = [name for name, cls in _TYPES.items() if name in given and type(given[name]) is not cls]
        if not wrong:
            return result
        contain(f"exporter {self.name}", TypeError(f"{type(result).__name__} has the wrong type in {', '.join(wrong)}"))
        return replace(result, **{name: _TYPES[name]() for name in wrong})

    def _pause(self, wait_s: float, requested_s: float) -> bool:
        """Waits before the next try; False when there is no time for one. When closing, own waits get short, requested ones do not."""
        start = time.monotonic()
        with self._state:
            while True:
                own_s = min(wait_s, CLOSING_RETRY_S) if self._closing else wait_s
                until = start + max(own_s, requested_s)
                now = time.monotonic()
                if self._deadline is not None and (now >= self._deadline or until >= self._deadline):
                    return False
                if now >= until:
                    return True
                self._state.wait(until - now)

    def _refused_of(self, ended: Sequence[SpanRecord]) -> int:
        """How many of the records that have just been delivered the other side refused, all the same; they are counted here."""
        partial, self._partial = self._partial, None
        if partial is None:
            return 0
        refused = min(partial.rejected, len(ended))
        reason = self.account.reason(partial.reason)
        self.account.rejected[reason] += refused
        warn(
            f"{self.name} rejects {reason}",
            _told(f"exporter {self.name} rejected {refused} records: {reason}", partial.advice),
        )
        return refused

    def _settle(self, records: Sequence[SpanRecord], reason: str | None) -> None:
        """Accounts for ended records: delivered (None), or never delivered for a reason."""
        ended = [record for record in records if record.phase == "ended"]
        if not ended:
            return
        account = self.account
        with self._state:
            account.pending -= len(ended)
            if reason is None:
                refused = self._refused_of(ended)
                account.delivered += len(ended) - refused
            elif reason == "expired":
                account.expired += len(ended)
            else:
                account.rejected[reason] += len(ended)
        if self.settled is not None:
            self.settled(ended, reason)


_RAISED = Retry(reason="error", divide=True)
"""The result of a try in which the exporter raised."""


_TYPES: dict[str, type] = {"rejected": int, "advice": str, "divide": bool}
"""Of fields of answers; of the others anything is understood."""


def _told(what: str, advice: str) -> str:
    return f"{what}. {advice}" if advice else what


def _media_bytes(record: SpanRecord) -> int:
    return sum(len(content.data) for content in record.media)


def _sample(parts: list[list[SpanRecord]], futile: int) -> list[SpanRecord]:
    """Takes a part, where none has gone through yet: the largest, since guilty records may be neighbours; then one record of it."""
    part = parts.pop(0)
    if futile < MAX_FUTILE_TRIES or len(part) == 1:
        return part
    lone = random.randrange(len(part))  # noqa: S311 - looks where it may, keeps no secret
    parts.append(part[:lone] + part[lone + 1 :])
    return part[lone : lone + 1]


def _halves(records: list[SpanRecord]) -> list[list[SpanRecord]]:
    middle = (len(records) + 1) // 2
    return [part for part in (records[:middle], records[middle:]) if part]


def _requested_pause_s(after_s: Any) -> float:
    """The pause that the other side asked for, within bounds; 0.0 where it asked for none, or for nonsense."""
    if isinstance(after_s, (int, float)) and after_s > 0:
        return min(after_s, MAX_REQUESTED_PAUSE_S)
    return 0.0
