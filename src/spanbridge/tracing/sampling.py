"""Samplers: whether a trace is recorded, decided once at its root on the caller's thread.

All of them answer `sample_by_context(trace_id, tracestate, parent_sampled)`: the decision, where the trace's context alone makes it. A
dropped root then costs a comparison, and its `SamplingInput` is never built.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from spanbridge.containment import contain
from spanbridge.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanbridge.protocols import SamplerLike, SamplingInput

_RANDOM_VALUES = 1 << 56
_MAX_MEMBER_LENGTH = 256
"""Characters that the value of `ot` in a tracestate may have; a longer one is not looked at."""
_RANDOM_VALUE = re.compile(r"[0-9a-fA-F]{14}")


class AlwaysSampling:
    """Keeps every trace: the default."""

    def sample_by_context(
        self,
        trace_id: int,  # noqa: ARG002
        tracestate: str = "",  # noqa: ARG002
        parent_sampled: bool | None = None,  # noqa: ARG002
    ) -> bool:
        """True."""
        return True

    def should_sample(self, sampling_input: SamplingInput, /) -> bool:  # noqa: ARG002
        """True."""
        return True

    def __repr__(self) -> str:
        return "AlwaysSampling()"


class NeverSampling:
    """Keeps no trace."""

    def sample_by_context(
        self,
        trace_id: int,  # noqa: ARG002
        tracestate: str = "",  # noqa: ARG002
        parent_sampled: bool | None = None,  # noqa: ARG002
    ) -> bool:
        """False."""
        return False

    def should_sample(self, sampling_input: SamplingInput, /) -> bool:  # noqa: ARG002
        """False."""
        return False

    def __repr__(self) -> str:
        return "NeverSampling()"


class RatioSampling:
    """Keeps a share of the traces, chosen by trace id, so that services which share a trace agree.

    The decision is that of OpenTelemetry's consistent probability sampling (OTEP 235), to the last bit: the low 56 bits of the trace id,
    or the explicit randomness that an incoming tracestate carries (`ot=rv:` and 14 hex digits), are compared with a threshold.
    OpenTelemetry's older `TraceIdRatioBased`, its SDKs' default, compares other bits and disagrees: where services share traces, give
    them the consistent samplers (in Python `composable_traceid_ratio_based`).
    """

    def __init__(self, ratio: float) -> None:
        """`ratio`: from 0.0 (none) to 1.0 (all)."""
        self.ratio = checked_ratio(ratio, "RatioSampling(0.25)")
        self._threshold = _RANDOM_VALUES - round(self.ratio * _RANDOM_VALUES)

    def sample_by_context(
        self,
        trace_id: int,
        tracestate: str = "",
        parent_sampled: bool | None = None,  # noqa: ARG002
    ) -> bool:
        """Whether the trace's randomness reaches the threshold."""
        randomness = _explicit_randomness(tracestate) if tracestate else None
        return (trace_id % _RANDOM_VALUES if randomness is None else randomness) >= self._threshold

    def should_sample(self, sampling_input: SamplingInput, /) -> bool:
        """As `sample_by_context`."""
        return self.sample_by_context(int(sampling_input.trace_id, 16), sampling_input.tracestate)

    def __repr__(self) -> str:
        return f"RatioSampling({self.ratio})"


class ParentBasedSampling:
    """Follows the sampled flag of the parent that a trace came in with from another process; a trace that begins here asks `root`."""

    def __init__(self, root: SamplerLike | float | None = None) -> None:
        """`root`: a sampler, a function of SamplingInput or a ratio; absent: what begins here is kept."""
        self.root: SamplerLike = AlwaysSampling() if root is None else as_sampler(root, "ParentBasedSampling(root=...)")
        self._root_by_context = getattr(self.root, "sample_by_context", None)
        self._root_should_sample = should_sample_of(self.root)

    def sample_by_context(self, trace_id: int, tracestate: str = "", parent_sampled: bool | None = None) -> bool | None:
        """The parent's decision, or that of `root`; None where that wants to see the root span."""
        if parent_sampled is not None:
            return parent_sampled
        return None if self._root_by_context is None else self._root_by_context(trace_id, tracestate, None)

    def should_sample(self, sampling_input: SamplingInput, /) -> bool:
        """The parent's decision, or that of `root`."""
        if sampling_input.parent_sampled is not None:
            return sampling_input.parent_sampled
        return self._root_should_sample(sampling_input)

    def __repr__(self) -> str:
        return f"ParentBasedSampling({self.root!r})"


class ContainedSampler:
    """A sampler that never raises: an error means "keep", and is counted."""

    __slots__ = ("_by_context", "_count_error", "_should_sample")

    def __init__(self, sampler: SamplerLike, count_error: Callable[[], None] | None = None) -> None:
        self._count_error = count_error
        self._by_context = getattr(sampler, "sample_by_context", None)
        self._should_sample = should_sample_of(sampler)

    def by_context(self, trace_id: int, tracestate: str = "", parent_sampled: bool | None = None) -> bool | None:
        """The decision by the trace's context alone; None: ask with the root's `SamplingInput`."""
        if self._by_context is None:
            return None
        try:
            decision = self._by_context(trace_id, tracestate, parent_sampled)
            return None if decision is None else bool(decision)
        except Exception as error:  # noqa: BLE001
            self._failed(error)
            return True

    def _failed(self, error: Exception) -> None:
        contain("sampler", error)
        if self._count_error is not None:
            self._count_error()

    def __call__(self, sampling_input: SamplingInput) -> bool:
        try:
            return bool(self._should_sample(sampling_input))
        except Exception as error:  # noqa: BLE001
            self._failed(error)
            return True


def contained_sampler(
    sampler: SamplerLike | None, count_error: Callable[[], None] | None = None
) -> ContainedSampler | None:
    """`sampler` so that it never raises; None where everything is kept."""
    if sampler is None or isinstance(sampler, AlwaysSampling):
        return None
    return ContainedSampler(sampler, count_error)


def should_sample_of(sampler: Any) -> Callable[[SamplingInput], bool]:
    """What a sampler, or a plain function, is asked by."""
    return getattr(sampler, "should_sample", sampler)


def as_sampler(value: Any, where: str) -> SamplerLike:
    """The sampler that a number, a sampler or a function stands for; ConfigurationError, which names `where`, for anything else."""
    if isinstance(value, (int, float)):
        return RatioSampling(value)
    sampler: Any = value
    if isinstance(value, type) or not (callable(value) or hasattr(value, "should_sample")):
        raise ConfigurationError(
            f"{where}: {value!r} is not a number from 0 to 1, a sampler or a function of SamplingInput"
        )
    return sampler


def checked_ratio(ratio: Any, example: str) -> float:
    """`ratio` as it is, if it is one; ConfigurationError for anything else."""
    if isinstance(ratio, bool) or not isinstance(ratio, (int, float)) or not 0 <= ratio <= 1:
        raise ConfigurationError(
            f"sampling ratio: {ratio!r} is not a number from 0 to 1; write {example} for a quarter"
        )
    return float(ratio)


def _explicit_randomness(tracestate: str) -> int | None:
    """The 56 random bits that a tracestate carries; None where it has none that are well-formed."""
    for member in tracestate.split(","):
        key, _, value = member.strip(" \t").partition("=")
        if key == "ot" and len(value) <= _MAX_MEMBER_LENGTH:
            for field in value.split(";"):
                if field.startswith("rv:"):
                    digits = field[3:]
                    return int(digits, 16) if _RANDOM_VALUE.fullmatch(digits) else None
    return None
