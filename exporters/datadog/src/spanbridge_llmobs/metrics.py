"""A span's numbers under LLM Observability's names (https://docs.datadoghq.com/llm_observability/instrumentation/sdk/?tab=python#annotating-a-span)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_COUNTS: dict[str | None, tuple[tuple[str, str], ...]] = {
    None: (("input_tokens", "input_tokens"), ("output_tokens", "output_tokens")),
    "input_details": (
        ("cache_read_input_tokens", "cache_read"),
        ("cache_write_input_tokens", "cache_write"),
        ("ephemeral_5m_input_tokens", "cache_write_5m"),
        ("ephemeral_1h_input_tokens", "cache_write_1h"),
    ),
    "output_details": (("reasoning_output_tokens", "reasoning"),),
}
"""Datadog's names, and where `usage` has the numbers. Totals include their details on both sides."""


def usage_metrics(attributes: Mapping[str, Any], *, has_no_output: bool = False) -> dict[str, float]:
    """Tokens and cost (US dollars); empty where the span reports none. A zero is a number, not an absence.

    `has_no_output`: an embedding's tokens are those of its input.
    """
    usage: Any = attributes.get("usage")
    metrics: dict[str, float] = {}
    if isinstance(usage, dict):
        for group, names in _COUNTS.items():
            counts: Any = usage if group is None else usage.get(group)  # pyright: ignore[reportUnknownVariableType,reportUnknownMemberType]
            if isinstance(counts, dict):
                for name, key in names:
                    if key in counts and _is_number(counts[key]):
                        metrics[name] = counts[key]
        if "input_tokens" in metrics and (has_no_output or "output_tokens" in metrics):
            metrics["total_tokens"] = metrics["input_tokens"] + metrics.get("output_tokens", 0)
    cost: Any = attributes.get("cost_context")
    if (
        isinstance(cost, dict)
        and cost.get("cost_unit", "usd") == "usd"
        and _is_number(amount := cost.get("estimated_cost"))
    ):  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]
        metrics["total_cost"] = amount
    return metrics


def time_to_first_token(attributes: Mapping[str, Any], started_at: int) -> dict[str, float]:
    """Seconds from the span's start to the first token, where it is known."""
    first = attributes.get("completion_start_time")
    if not _is_number(first) or first < started_at:
        return {}
    return {"time_to_first_token": (first - started_at) / 1e9}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
