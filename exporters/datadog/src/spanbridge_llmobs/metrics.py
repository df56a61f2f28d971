"""A span's numbers under LLM Observability's names (https://docs.datadoghq.com/llm_observability/instrumentation/sdk/?tab=python#annotating-a-span)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_COUNTS = (
    ("input_tokens", None, "input_tokens"),
    ("output_tokens", None, "output_tokens"),
    ("cache_read_input_tokens", "input_details", "cache_read"),
    ("cache_write_input_tokens", "input_details", "cache_write"),
    ("ephemeral_5m_input_tokens", "input_details", "cache_write_5m"),
    ("ephemeral_1h_input_tokens", "input_details", "cache_write_1h"),
    ("reasoning_output_tokens", "output_details", "reasoning"),
)
"""Datadog's name, and where `usage` has the number. Totals include their details on both sides."""


def usage_metrics(attributes: Mapping[str, Any]) -> dict[str, float]:
    """Tokens and cost (US dollars); empty where the span reports none. A zero is a number, not an absence."""
    usage = attributes.get("usage")
    metrics: dict[str, float] = {}
    if isinstance(usage, dict):
        for name, group, key in _COUNTS:
            counts: Any = usage if group is None else usage.get(group)  # pyright: ignore[reportUnknownVariableType,reportUnknownMemberType]
            value = counts.get(key) if isinstance(counts, dict) else None  # pyright: ignore[reportUnknownVariableType,reportUnknownMemberType]
            if _is_number(value):
                metrics[name] = value  # pyright: ignore[reportArgumentType] - `_is_number` said so
        if "input_tokens" in metrics and "output_tokens" in metrics:
            metrics["total_tokens"] = metrics["input_tokens"] + metrics["output_tokens"]
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
