"""Which spans stand for the same model call: only one of them is of kind "llm", and only one sends tokens.

Spans arrive one by one, children before their parents as a rule: what is known of a call is kept for a while, by the span's id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from spanbridge_llmobs.kinds import MODEL_CALLS, is_part_of_call

if TYPE_CHECKING:
    from spanbridge.model.span import SpanRecord
    from spanbridge.model.span_types import SpanType

MAX_REMEMBERED = 10_000


class Known(NamedTuple):
    """What is known of a span before it is sent."""

    has_model_child: bool = False
    children_report_usage: bool = False


_NOTHING = Known()


class ModelCalls:
    """Looks at each span before it is sent."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, SpanType], Known] = {}
        """By the id that a span below names, and that one's type: what it is to its parent is known when the parent comes."""

    def known(self, record: SpanRecord) -> Known:
        """What the spans that were sent before say of `record`."""
        told = [
            known
            for inner in MODEL_CALLS
            if is_part_of_call(inner, record.type) and (known := self._known.get((record.span_id, inner))) is not None
        ]
        return Known(True, any(known.children_report_usage for known in told)) if told else _NOTHING

    def sent(self, record: SpanRecord, *, reports_usage: bool) -> None:
        """Remembers what `record` says of its parent."""
        if record.type not in MODEL_CALLS or record.parent_span_id is None:
            return
        key = record.parent_span_id, record.type
        before = self._known.pop(key, _NOTHING)
        self._known[key] = Known(
            has_model_child=True, children_report_usage=before.children_report_usage or reports_usage
        )
        if len(self._known) > MAX_REMEMBERED:
            del self._known[next(iter(self._known))]
