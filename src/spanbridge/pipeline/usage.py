"""Tokens and cost of model spans: normalised, priced, and counted once per trace."""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from spanbridge.model.payload import decode
from spanbridge.model.provider_usage import read_usage
from spanbridge.model.span_types import SpanType
from spanbridge.model.usage import normalize_usage, sum_usage
from spanbridge.pipeline.open_record import Below

if TYPE_CHECKING:
    from spanbridge.model.attributes import CostContext
    from spanbridge.model.span import SpanRecord
    from spanbridge.model.usage import UsageDict
    from spanbridge.pipeline.open_record import OpenRecord

Price = Callable[..., "CostContext"]
Amount = tuple[int, int, float]
"""Input tokens, output tokens, cost."""
_OWN_DETAILS = frozenset({"input_details", "output_details"})
_OWN_WORDS = _OWN_DETAILS | {"input_tokens", "output_tokens"}
_MODEL_NAMES = frozenset({"model", "provider", "response_model"})


def account_usage(record: OpenRecord, price: Price) -> None:
    """Normalises `usage` of an ended model span, prices it, and settles what the span adds to its trace's sums."""
    attributes = record.own_attributes()
    if record.reports_to is not None:
        _take_over_model(record, attributes, record.reports_to)
    model = _text(attributes.get("model"))
    response_model = _text(attributes.get("response_model"))
    record.model = model or response_model
    usage: Any = attributes.get("usage")
    if usage is not None:
        usage = normalize_usage(_in_our_words(decode(usage)))
    cost: Any = decode(attributes.get("cost_context"))
    reported = isinstance(cost, dict) and _is_number(cost.get("estimated_cost"))
    if usage is None and not reported:
        if record.rolled_up is not None:
            _bill(record, record.rolled_up)
        elif record.type is SpanType.MODEL_GENERATION:
            attributes["cost_context"] = b'{"estimated_cost":null,"reason":"no_usage"}'
            record.touch("attributes")
        return
    record.touch("attributes")
    if usage is None:
        usage = {}
    else:
        attributes["usage"] = usage
    if reported:
        cost = {"cost_unit": "usd", "reason": None, "source": "provider", **cost}
    else:
        provider = _text(attributes.get("provider"))
        started_at = record.started_at
        cost = price(model=response_model or model, provider=provider, usage=usage, started_at=started_at)
        if cost["estimated_cost"] is None and response_model and model and model != response_model:
            cost = price(model=model, provider=provider, usage=usage, started_at=started_at)
    attributes["cost_context"] = cost
    record.input_tokens = input_tokens = usage.get("input_tokens")
    record.output_tokens = output_tokens = usage.get("output_tokens")
    record.cost = amount = None if cost["estimated_cost"] is None else float(cost["estimated_cost"])
    _bill(record, (input_tokens or 0, output_tokens or 0, amount or 0.0))


def _in_our_words(usage: Any) -> Any:
    """Usage as a provider reports it (`usage=response.usage`) as ours: the same words may count other tokens there."""
    if type(usage) is not dict or usage.keys() <= _OWN_WORDS or not _OWN_DETAILS.isdisjoint(usage):
        return usage
    return read_usage(usage) or usage


def _take_over_model(record: OpenRecord, attributes: dict[str, Any], above: OpenRecord) -> None:
    """A step or an inference that names no model of its own is one of its generation's: no price and no exit knows it otherwise."""
    if not _MODEL_NAMES.isdisjoint(attributes):
        return
    around: OpenRecord | None = above
    while around is not None and around.ended_at is None:
        theirs: Any = around.content().get("attributes")
        theirs = decode(theirs) if type(theirs) is bytes else theirs
        if theirs and "model" in theirs:
            attributes.update((name, theirs[name]) for name in ("model", "provider") if name in theirs)
            record.touch("attributes")
            return
        around = around.reports_to


def roll_up(hidden: OpenRecord, ancestor: OpenRecord | None) -> bool:
    """Counts what a hidden span used for the visible span above it; False where there is none that is open."""
    billed = (hidden.billed_input_tokens, hidden.billed_output_tokens, hidden.billed_cost)
    usage: Any = hidden.own_attributes().get("usage")
    if any(billed):
        if ancestor is None:
            return False
        if usage is None or hidden.shown is not None:
            usage = _totals(billed)
        below = _below(ancestor)
        below.billed = _sum(below.billed, billed)
        below.usage = sum_usage(below.usage, usage)
    elif ancestor is not None and hidden.reports_to is ancestor:
        below = _below(ancestor)
        below.reported = sum_usage(below.reported, usage or _totals(hidden.rolled_up))
    return True


def pass_on(below: Below, ancestor: OpenRecord | None) -> bool:
    """Counts what hidden descendants of a span used, which was dropped, for the one above it; False where there is none."""
    if ancestor is None:
        return not any(below.billed)
    into = _below(ancestor)
    into.billed = _sum(into.billed, below.billed)
    into.usage = sum_usage(into.usage, below.usage)
    return True


def report_below(record: OpenRecord) -> None:
    """Adds what hidden descendants used to an ended span: to its attribute `internal_usage`, and to what it adds to its trace's sums."""
    below = record.below
    if below is None:
        return
    usage = below.usage
    if record.input_tokens is None and record.output_tokens is None:
        usage = sum_usage(usage, below.reported)
    if usage is not None:
        attributes = record.own_attributes()
        attributes["internal_usage"] = sum_usage(normalize_usage(decode(attributes.get("internal_usage"))), usage)
        record.touch("attributes")
    if below.billed[2]:
        record.own_attributes()["internal_cost"] = below.billed[2]
        record.touch("attributes")
    billed = _sum(below.billed, (record.billed_input_tokens, record.billed_output_tokens, record.billed_cost))
    record.billed_input_tokens, record.billed_output_tokens, record.billed_cost = billed


def _below(record: OpenRecord) -> Below:
    if record.below is None:
        record.below = Below()
    return record.below


def _totals(amount: Amount | None) -> UsageDict | None:
    """Usage without details; None where there are no tokens."""
    return {"input_tokens": amount[0], "output_tokens": amount[1]} if amount is not None and any(amount[:2]) else None


def model_of(record: SpanRecord) -> str | None:
    """The model that the record's attributes name."""
    attributes: Any = record.content().get("attributes")
    if type(attributes) is bytes:
        attributes = decode(attributes)
    if not isinstance(attributes, dict):
        return None
    return _text(attributes.get("model")) or _text(attributes.get("response_model"))


def _bill(record: OpenRecord, amount: Amount) -> None:
    """Adds `amount` to the trace, or to the ancestor that will report it; tokens that an ancestor has reported count there."""
    record.has_usage = True
    if record.shown is not None:
        amount = tuple([max(0, mine - theirs) for mine, theirs in zip(amount, record.shown, strict=True)])  # pyright: ignore[reportAssignmentType]
    above = record.reports_to
    if above is not None and above.ended_at is None and above.hidden_as is not None and record.hidden_as is None:
        # Visible: it shows what it used itself.
        above.shown = amount if above.shown is None else _sum(above.shown, amount)
        above = None
    if above is None or (above.ended_at is not None and not above.has_usage):
        record.billed_input_tokens, record.billed_output_tokens, record.billed_cost = amount
    elif above.ended_at is None:
        above.rolled_up = amount if above.rolled_up is None else _sum(above.rolled_up, amount)


def _sum(first: Amount, second: Amount) -> Amount:
    return first[0] + second[0], first[1] + second[1], first[2] + second[2]


def _text(value: Any) -> str | None:
    """The text of a snapshot; None where it is anything else."""
    if type(value) is bytes:
        value = decode(value)
    return value if isinstance(value, str) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
