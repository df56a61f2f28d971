"""What all spans of one type and one configuration share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spanbridge.model.span_types import SPAN_TYPES, SpanType

if TYPE_CHECKING:
    from types import CodeType

    from spanbridge.tracing.tracer import TracerSlot


class Opener:
    """What an opener knows: its span type, and the slot that holds the tracer in force."""

    __slots__ = ("_model_prefix", "entity_id_attribute", "entity_type", "info", "plain_code", "slot", "type")

    def __init__(self, span_type: SpanType, slot: TracerSlot) -> None:
        self.type = span_type
        self.info = SPAN_TYPES[span_type]
        self.entity_type = self.info.entity_type
        self.entity_id_attribute = self.info.entity_id_attribute or ""
        self.slot = slot
        self.plain_code: CodeType | None = None
        """Where a span of the type was entered last, if that is no generator's body: most are always entered at one place."""
        self._model_prefix = None
        if self.info.is_model:
            self._model_prefix = "chat " if span_type is SpanType.MODEL_GENERATION else f"{span_type.value} "

    def default_name(self, attributes: dict[str, Any]) -> str:
        """The name of a span that was given none."""
        prefix = self._model_prefix
        if prefix is not None and isinstance(model := attributes.get("model"), str):
            return prefix + model
        return self.type.value
