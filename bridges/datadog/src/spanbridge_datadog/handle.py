"""What the bridge keeps of one native span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spanbridge.model.span_types import SPAN_TYPES
from spanbridge_llmobs.kinds import is_part_of_call

if TYPE_CHECKING:
    from spanbridge.model.span_types import SpanType


class NativeSpan:
    """One ddtrace span, and how it stands to its neighbours."""

    __slots__ = (
        "children_report_usage",
        "has_model_child",
        "is_model_call",
        "llm",
        "parent",
        "reports_usage",
        "span",
        "span_id",
        "span_type",
        "trace_id",
    )

    def __init__(self, span: Any, span_type: SpanType, parent: NativeSpan | None, llm: Any) -> None:
        self.span = span
        self.trace_id: int = span.trace_id
        self.span_id: int = span.span_id
        self.llm = llm
        """The nearest span of LLM Observability, itself or one further out."""
        self.span_type = span_type
        self.is_model_call = SPAN_TYPES[span_type].is_model
        self.parent = parent if parent is not None and is_part_of_call(span_type, parent.span_type) else None
        """The frame of the same model call."""
        self.has_model_child = False
        self.children_report_usage = False
        self.reports_usage = False
        """Whether it was sent with tokens, or a span of the same call below it."""
        if self.parent is not None:
            self.parent.has_model_child = True

    @property
    def is_llm(self) -> bool:
        """Whether it is a span of LLM Observability itself."""
        return self.llm is self.span
