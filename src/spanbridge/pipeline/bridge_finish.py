"""The bridge on the pipeline's thread: native spans end with what the processors left, or without content; none stays open.

A native span that nobody ends holds back the whole trace in some tracers. So each of them has three ends: that of its span; that of
its trace, whose root has ended `GRACE_S` ago; and `MAX_AGE_S`.
"""

from __future__ import annotations

from collections import Counter
from copy import copy
from time import monotonic
from typing import TYPE_CHECKING, Any

from spanbridge.model.span_types import SpanType

if TYPE_CHECKING:
    from spanbridge.model.span import SpanRecord
    from spanbridge.pacing import Pace
    from spanbridge.tracing.bridging import Bridging, OpenNative
    from spanbridge.tracing.tracer import TraceState

GRACE_S = 60.0
"""How long spans of a trace whose root has ended keep their native spans: tasks that outlive their agent end well within."""
MAX_AGE_S = 6 * 3600.0
"""How long any span keeps its native span."""
SWEEP_INTERVAL_S = 1.0


class BridgeFinish:
    """Ends native spans. Its methods are called from one thread at a time, and never raise."""

    def __init__(self, bridging: Bridging) -> None:
        self._bridging = bridging
        self._tend = getattr(bridging.bridge, "tend", None)
        self._release_at = getattr(bridging.bridge, "release_at", None)
        self._is_tending = False
        """Whether the bridge has something to look after though nothing is open."""
        self._next_sweep_s = 0.0
        self._settled: list[tuple[SpanRecord, SpanRecord | None, str | None]] = []
        self._finished = 0
        self._released: Counter[str] = Counter()
        self._ended_traces: dict[TraceState, float] = {}
        """Traces whose root has ended, and when on the monotonic clock, in that order."""

    def settle(self, record: SpanRecord, result: SpanRecord | None, dropped_by: str | None) -> None:
        """Has `finish_settled` end the native span of `record`, which has ended.

        Args:
            record: As it ended.
            result: What the processors made of it.
            dropped_by: "processor" or "span_filter", where no exit gets it.
        """
        # A copy: what it decodes is not to stay with a record that waits for a slow exit.
        self._settled.append((record, None if result is None else copy(result), dropped_by))

    @property
    def has_settled(self) -> bool:
        """Whether `finish_settled` has something to do."""
        return bool(self._settled)

    def finish_settled(self, pace: Pace) -> None:
        """Ends native spans, after the exits got theirs: another tracer that exports at once, to nobody, must not hold those back."""
        settled, self._settled = self._settled, []
        for record, result, dropped_by in settled:
            self._finish(record, result, dropped_by)
            pace.pause()

    def _finish(self, record: SpanRecord, result: SpanRecord | None, dropped_by: str | None) -> None:
        opened = self._bridging.take(int(record.span_id, 16))
        if opened is None:
            if record.type is SpanType.SCORER_RUN and result is not None and dropped_by is None:
                self._tell_score(result)
            return
        if opened.is_root:
            self._ended_traces[opened.trace] = monotonic()
        if result is None or dropped_by is not None:
            self._release(opened, dropped_by or "processor", record.ended_at)
            return
        try:
            self._bridging.bridge.finish(opened.native, result)
        except BaseException as error:  # noqa: BLE001 - as of processors: nobody waits for a SystemExit here
            self._bridging.failed("finish", error)
            self._release(opened, "internal_error", record.ended_at)
        else:
            self._finished += 1
            self._is_tending = self._tend is not None

    def sweep(self) -> None:
        """Gives up native spans that are open for too long; looks at them once a second."""
        now = monotonic()
        if now < self._next_sweep_s:
            return
        self._next_sweep_s = now + SWEEP_INTERVAL_S
        ended = self._ended_traces
        for span_id, opened in tuple(self._bridging.open.items()):
            if now - opened.started_s > MAX_AGE_S:
                reason = "expired"
            elif now - ended.get(opened.trace, now) > GRACE_S:
                reason = "trace_ended"
            else:
                continue
            taken = self._bridging.take(span_id)
            if taken is not None:
                self._release(taken, reason)
        if self._tend is not None and (self._is_tending or self._bridging.open):
            opened_now = tuple(self._bridging.open.values())
            self._is_tending = False
            try:
                self._is_tending = (
                    self._tend([(opened.native, now - opened.started_s) for opened in opened_now]) is True
                )
            except BaseException as error:  # noqa: BLE001 - as of processors
                self._bridging.failed("tend", error)
        while ended and now - ended[oldest := next(iter(ended))] > GRACE_S + SWEEP_INTERVAL_S:
            del ended[oldest]

    def until_sweep_s(self) -> float:
        """How long the pipeline may rest before the next `sweep`; -1: until something happens."""
        return SWEEP_INTERVAL_S if self._bridging.open or self._is_tending else -1

    def flush(self, deadline: float) -> bool:
        """Has the bridge hand on what was finished; whether all of it went out."""
        try:
            return self._bridging.bridge.flush(deadline) is not False
        except BaseException as error:  # noqa: BLE001 - as above
            self._bridging.failed("flush", error)
            return False

    def release_all(self, deadline: float) -> None:
        """Ends what is still open, and has the bridge hand it on; `close` says whether all of it went out."""
        for span_id in tuple(self._bridging.open):
            taken = self._bridging.take(span_id)
            if taken is not None:
                self._release(taken, "shutdown")
        self.flush(deadline)

    def close(self, deadline: float) -> bool:
        """Ends the bridge; whether all that was finished went out."""
        try:
            return self._bridging.bridge.close(deadline) is not False
        except BaseException as error:  # noqa: BLE001 - as above
            self._bridging.failed("close", error)
            return False

    def stats(self) -> dict[str, Any]:
        """`{"name", "open", "finished", "released": {reason: n}}`, and what the bridge counts itself."""
        own: dict[str, Any] = {}
        try:
            own = dict(getattr(self._bridging.bridge, "stats", dict)())
        except Exception as error:  # noqa: BLE001
            self._bridging.failed("stats", error)
        return {
            **own,
            "name": self._bridging.name,
            "open": len(self._bridging.open),
            "finished": self._finished,
            "released": dict(self._released),
        }

    def after_fork_in_child(self) -> None:
        """Open native spans are the parent's."""
        self._bridging.open.clear()
        self._ended_traces.clear()
        self._settled = []
        self._is_tending = False
        self._finished = 0
        self._released.clear()
        try:
            getattr(self._bridging.bridge, "after_fork_in_child", _nothing)()
        except Exception as error:  # noqa: BLE001
            self._bridging.failed("fork", error)

    def _tell_score(self, record: SpanRecord) -> None:
        """A score is no native span: a bridge that knows scores is told."""
        tell = getattr(self._bridging.bridge, "score", None)
        if tell is None or "score" not in record.attributes:
            return
        try:
            tell(copy(record))
        except BaseException as error:  # noqa: BLE001 - as above
            self._bridging.failed("score", error)

    def _release(self, opened: OpenNative, reason: str, ended_at: int | None = None) -> None:
        self._released[reason] += 1
        self._is_tending = self._tend is not None
        try:
            if self._release_at is None or ended_at is None:
                self._bridging.bridge.release(opened.native, reason)
            else:
                self._release_at(opened.native, reason, ended_at)
        except BaseException as error:  # noqa: BLE001 - as above
            self._bridging.failed("release", error)


def _nothing() -> None:
    pass
