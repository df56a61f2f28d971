"""Which spans stand for the same model call: only one of them is of kind "llm", and only one sends tokens.

Spans arrive one by one, children before their parents as a rule: what is known of a call is kept for a while, by the span's id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from spanbridge_llmobs.kinds import MODEL_CALLS

if TYPE_CHECKING:
    from spanbridge.model.span import SpanRecord

MAX_REMEMBERED = 10_000


class Known(NamedTuple):
    """What is known of a span before it is sent."""

    has_model_child: bool = False
    children_report_usage: bool = False


_NOTHING = Known()


class ModelCalls:
    """Looks at each span before it is sent."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}

    def known(self, record: SpanRecord) -> Known:
        """What the spans that were sent before say of `record`."""
        return self._known.get(record.span_id, _NOTHING)

    def sent(self, record: SpanRecord, *, reports_usage: bool) -> None:
        """Remembers what `record` says of its parent."""
        if record.type not in MODEL_CALLS or record.parent_span_id is None:
            return
        before = self._known.pop(record.parent_span_id, _NOTHING)
        self._known[record.parent_span_id] = Known(
            has_model_child=True, children_report_usage=before.children_report_usage or reports_usage
        )
        if len(self._known) > MAX_REMEMBERED:
            del self._known[next(iter(self._known))]
