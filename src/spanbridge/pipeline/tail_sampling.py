"""Sampling of an exit by what became of a trace: a share of all, and besides it each that failed or was slow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spanbridge.errors import ConfigurationError
from spanbridge.model.span import Status
from spanbridge.tracing.sampling import RatioSampling, checked_ratio

if TYPE_CHECKING:
    from spanbridge.model.span import SpanRecord


class TailSampling:
    """For `spanbridge.route`: keeps a share of the traces, and of the others those with an error or slower than a bound.

    The share is chosen as by `RatioSampling`, so that services agree on it; its traces are passed on without delay. The spans of another
    trace wait in memory until one of them keeps the trace, or its root in this process ends and it is dropped.
    """

    def __init__(self, ratio: float = 0.1, *, errors: bool = True, slower_than_s: float | None = None) -> None:
        """
        Args:
            ratio: The share, from 0.0 (none) to 1.0 (all).
            errors: Whether a trace is kept in which a span ended with status "error".
            slower_than_s: Seconds from the earliest start to the latest end of a trace's spans, above which it is kept; None: no bound.

        Raises ConfigurationError for anything else.
        """
        self.ratio = checked_ratio(ratio, "TailSampling(0.25)")
        if not isinstance(errors, bool):  # pyright: ignore[reportUnnecessaryIsInstance] - callers need not use a type checker
            raise ConfigurationError(f"TailSampling(errors=...): {errors!r} is not True or False")
        if slower_than_s is not None and not _is_duration(slower_than_s):
            raise ConfigurationError(
                f"TailSampling(slower_than_s=...): {slower_than_s!r} is not a number of seconds of at least 0"
            )
        self.errors = errors
        self.slower_than_s = slower_than_s
        self._share = RatioSampling(self.ratio)

    def sample_by_context(self, trace_id: int, tracestate: str = "", parent_sampled: bool | None = None) -> bool | None:
        """Whether the share has the trace; None where it has not and something else may keep it."""
        if self._share.sample_by_context(trace_id, tracestate, parent_sampled):
            return True
        return None if self.errors or self.slower_than_s is not None else False

    def keeps(self, record: SpanRecord, duration_ns: int) -> bool:
        """Whether an ended span keeps its trace, which has lasted `duration_ns` with it."""
        if self.errors and record.status == Status.ERROR:
            return True
        return self.slower_than_s is not None and duration_ns > self.slower_than_s * 1e9

    def __repr__(self) -> str:
        return f"TailSampling({self.ratio}, errors={self.errors}, slower_than_s={self.slower_than_s})"


def _is_duration(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, (int, float)) and value >= 0
