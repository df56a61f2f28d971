"""Samplers: whether a trace is recorded, decided once at its root on the caller's thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spanbridge.containment import contain
from spanbridge.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanbridge.protocols import SamplerLike, SamplingInput

_RANDOM_BITS = 56


class AlwaysSampling:
    """Keeps every trace: the default."""

    def should_sample(self, sampling_input: SamplingInput, /) -> bool:  # noqa: ARG002
        """True."""
        return True


class NeverSampling:
    """Keeps no trace."""

    def should_sample(self, sampling_input: SamplingInput, /) -> bool:  # noqa: ARG002
        """False."""
        return False


class RatioSampling:
    """Keeps a share of the traces, chosen by trace id, so that services which share a trace agree.

    The decision is that of OpenTelemetry's consistent probability sampling (OTEP 235): the low 56 bits of the trace id are compared
    with a threshold. OpenTelemetry's older `TraceIdRatioBased` looks at other bits and may disagree.
    """

    def __init__(self, ratio: float) -> None:
        """`ratio`: from 0.0 (none) to 1.0 (all)."""
        if isinstance(ratio, bool) or not isinstance(ratio, (int, float)) or not 0 <= ratio <= 1:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(
                f"sampling ratio: {ratio!r} is not a number from 0 to 1; write RatioSampling(0.25) for a quarter"
            )
        self.ratio = float(ratio)
        self._threshold = round((1 - self.ratio) * (1 << _RANDOM_BITS))

    def should_sample(self, sampling_input: SamplingInput, /) -> bool:
        """Whether the trace id's random part reaches the threshold."""
        return int(sampling_input.trace_id[-14:], 16) >= self._threshold

    def __repr__(self) -> str:
        return f"RatioSampling({self.ratio})"


def contained_sampler(sampler: SamplerLike | None) -> Callable[[SamplingInput], bool] | None:
    """A function that never raises: an error of `sampler` means "keep", and is counted. None where everything is kept."""
    if sampler is None or isinstance(sampler, AlwaysSampling):
        return None
    decide: Any = getattr(sampler, "should_sample", sampler)

    def sample(sampling_input: SamplingInput) -> bool:
        try:
            return bool(decide(sampling_input))
        except Exception as error:  # noqa: BLE001
            contain("sampler", error)
            return True

    return sample
