"""Token usage: totals and what they consist of.

A total includes its details: `input_tokens` counts cached, audio and image tokens too, `output_tokens` counts reasoning. So a sum
over totals never counts a token twice, and a detail is never added to a total that is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from typing_extensions import TypedDict


class InputTokenDetails(TypedDict, total=False):
    """What the input consists of; all in tokens."""

    text: int
    """Neither cached nor audio nor image."""
    cache_read: int
    cache_write: int
    """All tokens written to the cache, whatever their lifetime."""
    cache_write_5m: int
    """Part of `cache_write` that lives five minutes."""
    cache_write_1h: int
    """Part of `cache_write` that lives an hour."""
    audio: int
    image: int


class OutputTokenDetails(TypedDict, total=False):
    """What the output consists of; all in tokens."""

    text: int
    reasoning: int
    audio: int
    image: int


class UsageDict(TypedDict, total=False):
    """`Usage` as plain data: what a caller may pass instead, and what is read back."""

    input_tokens: int
    output_tokens: int
    input_details: InputTokenDetails
    output_details: OutputTokenDetails


@dataclass(frozen=True, init=False)
class Usage:
    """The tokens that a model call used. What a provider reports (`response.usage`) is read where it stands in its place.

    Args:
        input_tokens: All input tokens, cached ones included. Absent: the sum of `input_details`.
        output_tokens: All output tokens, reasoning included. Absent: the sum of `output_details`.
        input_details: text, cache_read, cache_write (of which cache_write_5m, cache_write_1h), audio, image.
        output_details: text, reasoning, audio, image.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_details: InputTokenDetails | None = None
    output_details: OutputTokenDetails | None = None

    def __init__(
        self,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        input_details: InputTokenDetails | None = None,
        output_details: OutputTokenDetails | None = None,
    ) -> None:
        # A fraction of the cost of the initialiser of a frozen dataclass, which every model call pays; what is absent stands on the class.
        given = self.__dict__
        if input_tokens is not None:
            given["input_tokens"] = input_tokens
        if output_tokens is not None:
            given["output_tokens"] = output_tokens
        if input_details is not None:
            given["input_details"] = input_details
        if output_details is not None:
            given["output_details"] = output_details


def normalize_usage(usage: Any) -> UsageDict | None:
    """Plain usage with its totals filled in; None where `usage` holds no count.

    Only whole numbers from 0 to `MAX_TOKENS` count; anything else is left out.
    """
    if isinstance(usage, Usage):
        usage = vars(usage)
        if "input_details" not in usage and "output_details" not in usage:
            return _totals(usage.get("input_tokens"), usage.get("output_tokens"))
    if not isinstance(usage, dict):
        return None
    given: dict[str, Any] = usage  # pyright: ignore[reportUnknownVariableType]
    result: dict[str, Any] = {}
    for total, details in (("input_tokens", "input_details"), ("output_tokens", "output_details")):
        count = _count(given.get(total))
        counts = _counts(given[details]) if given.get(details) else None
        if counts:
            if count is None:
                count = sum(part for name, part in counts.items() if name not in _PARTS_OF_CACHE_WRITE)
            result[details] = counts
        if count is not None:
            result[total] = count
    return result or None  # pyright: ignore[reportReturnType] - built by its keys


def sum_usage(first: UsageDict | None, second: UsageDict | None) -> UsageDict | None:
    """The normalised usage of two calls together."""
    if first is None or second is None:
        return first or second
    result: dict[str, Any] = {}
    for part in (first, second):
        for name, count in part.items():
            if isinstance(count, dict):
                details: dict[str, int] = count  # pyright: ignore[reportUnknownVariableType]
                into: dict[str, int] = result.setdefault(name, {})
                for detail, amount in details.items():
                    into[detail] = into.get(detail, 0) + amount
            else:
                result[name] = result.get(name, 0) + count
    return result  # pyright: ignore[reportReturnType] - built by its keys


MAX_TOKENS = 10**12
"""A larger number is no count of tokens, and sums of such numbers would not fit into 64 bits."""

_PARTS_OF_CACHE_WRITE = frozenset({"cache_write_5m", "cache_write_1h"})


def _totals(input_tokens: Any, output_tokens: Any) -> UsageDict | None:
    totals: UsageDict = {}
    if _count(input_tokens) is not None:
        totals["input_tokens"] = input_tokens
    if _count(output_tokens) is not None:
        totals["output_tokens"] = output_tokens
    return totals or None


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= MAX_TOKENS else None


def _counts(details: Any) -> dict[str, int]:
    if not isinstance(details, dict):
        return {}
    counts: dict[str, int] = {name: count for name, count in details.items() if _count(count) is not None}  # pyright: ignore[reportUnknownVariableType]
    lifetimes = counts.get("cache_write_5m", 0) + counts.get("cache_write_1h", 0)
    if lifetimes > counts.get("cache_write", 0):
        counts["cache_write"] = lifetimes
    return counts
