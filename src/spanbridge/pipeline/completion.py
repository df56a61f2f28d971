"""What an ended span gets before the processors see it: tokens and cost, what hidden spans below it used, and a check of its attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spanbridge.containment import contain, warn
from spanbridge.errors import AttributesError
from spanbridge.model.span_types import SPAN_TYPES
from spanbridge.pipeline.usage import Price, account_usage, pass_on, report_below, roll_up

if TYPE_CHECKING:
    from spanbridge.pipeline.open_record import OpenRecord
    from spanbridge.pipeline.open_spans import OpenSpans
    from spanbridge.tracing.intake import Intake

MODEL_TYPES = frozenset(span_type for span_type, info in SPAN_TYPES.items() if info.is_model)


class Completion:
    """Completes the spans of one table as they end, while those above them are still open."""

    def __init__(self, spans: OpenSpans, intake: Intake, price: Price, validate: Any) -> None:
        """`validate`: `validate_attributes` where attributes are checked against their definition, else None."""
        self._spans = spans
        self._intake = intake
        self._price = price
        self._validate = validate

    def complete(self, record: OpenRecord) -> None:
        """Completes `record`, which has ended. Never raises."""
        try:
            if record.type in MODEL_TYPES:
                account_usage(record, self._price)
            else:
                record.make_usage_plain()
            if record.below is not None:
                report_below(record)
            if record.hidden_as is not None:
                if record.has_usage and not roll_up(record, self._ancestor_of(record)):
                    self._intake.ignore("hidden_usage_lost")
            elif self._validate is not None:
                self._check(record)
        except Exception as error:  # noqa: BLE001 - the span goes on without
            contain("completing a span", error)

    def pass_on(self, record: OpenRecord) -> None:
        """What hidden spans below `record` used goes to the span above it: it was dropped itself."""
        if record.below is not None and not pass_on(record.below, self._ancestor_of(record)):
            self._intake.ignore("hidden_usage_lost")

    def _ancestor_of(self, record: OpenRecord) -> OpenRecord | None:
        """The span that shows what `record` used: its parent, or where that has ended an open root of its trace."""
        parent = None if record.parent_span_id is None else self._spans.find(record.parent_span_id)
        return parent or self._spans.find_root(record.trace_id)

    def _check(self, record: OpenRecord) -> None:
        """Strict attributes: says what is wrong, records it all the same."""
        try:
            self._validate(record.type, record.attributes)
        except AttributesError as error:
            self._intake.ignore("invalid_attributes")
            # Names of the definition and ids: values, and names of the application's, stay out of logs.
            names = ", ".join(error.names)
            warn(
                f"attributes of {record.type.value}: {names}",
                f"attributes of the {record.type.value} span {record.span_id} (trace {record.trace_id}) do not match its type: {names}",
            )
