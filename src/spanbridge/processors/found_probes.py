"""Which probes match in which of some pieces of data."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Found(NamedTuple):
    """What one look at some pieces together tells."""

    in_each: Sequence[Sequence[int]]
    """For each piece the indexes of the probes that match there; perhaps one that a piece and the next one make up together."""
    anywhere: Sequence[int] = ()
    """The indexes of others that match in some of the pieces; in which ones is left to be told."""
