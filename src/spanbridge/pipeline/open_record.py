"""A span in the pipeline's table: its record while it is open, changed by the events that arrive."""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spanbridge.model.hidden_exceptions import HIDDEN
from spanbridge.model.identifiers import span_id_hex
from spanbridge.model.payload import decode, encode
from spanbridge.model.span import SpanRecord, Status
from spanbridge.model.span_types import SpanType
from spanbridge.model.usage import Usage, normalize_usage
from spanbridge.tracing.exceptions import render_exception
from spanbridge.tracing.visibility import HIDE_INPUT, HIDE_OUTPUT, without_content

if TYPE_CHECKING:
    from spanbridge.model.usage import UsageDict


MAX_EVENTS = 10_000
"""Of one span; what comes then is left out, and counted. Without an end of it one span that logs for ever would hold all memory."""


class OpenRecord(SpanRecord):
    """A record plus what only the pipeline needs to know of it. Defaults stand on the class, as in `SpanRecord`."""

    status = Status.RUNNING
    phase = "running"
    held_bytes = 0
    """What the span counts for in the intake's `pending_bytes`."""
    replaced_bytes = 0
    """What later values took the place of; the table takes it off `held_bytes`."""
    seen_at_ns = 0
    """When the pipeline first saw it, on its own monotonic clock."""
    written = False
    """Whether it was handed on as running."""
    reports_to: OpenRecord | None = None
    """The parent, where its usage includes this one's."""
    hidden_as: str | None = None
    """Why no exit gets the span, where that was known when it started."""
    above: OpenRecord | None = None
    """Of a hidden span: its parent, hidden or not."""
    below: Below | None = None
    """What hidden descendants used."""
    shown: tuple[int, int, float] | None = None
    """Of a hidden span: what visible spans that report to it show and add to the trace themselves."""
    has_shown_children = False
    """Whether an exit has got a child of it."""
    refused_event = False
    """Whether the last event was one too many."""
    has_usage = False
    rolled_up: tuple[int, int, float] | None = None
    """Tokens and cost that children reported to it."""

    @classmethod
    def from_event(
        cls, event: tuple[Any, ...], parent: OpenRecord | None, service_name: str, environment: str, seen_at_ns: int
    ) -> OpenRecord:
        """The record that a START event opens; `parent` where it is open too."""
        # fmt: off
        (span_id, trace, parent_id, span_type, name, time, inherited, entity, input_, attributes, metadata, rare, size) = event
        # fmt: on
        content: dict[str, Any] = {"name": name}
        if input_ is not None:
            content["input"] = input_
        if attributes:
            content["attributes"] = attributes
        if metadata:
            content["metadata"] = metadata
        if entity is not None:
            content["entity_type"], entity_id, entity_name = entity
            content["entity_id"] = entity_id or entity_name
            content["entity_name"] = entity_name
        if inherited is not None:
            content.update(inherited)
        # What the constructor does, without the call.
        record = object.__new__(cls)
        record.trace_id = trace.trace_id_hex if parent is None else parent.trace_id
        record.span_id = span_id_hex(span_id)
        record.type = span_type
        record.started_at = time
        record._content = content
        record.processed = set()
        record.redactions = {}
        record.service_name = service_name
        record.environment = environment
        record.held_bytes = size
        record.seen_at_ns = seen_at_ns
        if rare and "visible_parent" in rare:
            visible_id, record.external_parent_span_id = rare.pop("visible_parent")
            record.parent_span_id = None if visible_id is None else span_id_hex(visible_id)
        elif parent_id is not None:
            record.parent_span_id = parent.span_id if parent is not None else span_id_hex(parent_id)
        if parent is not None and span_type in ROLLS_UP_TO:
            above: OpenRecord | None = parent
            while above is not None and above.type not in ROLLS_UP_TO[span_type]:
                above = above.above
            record.reports_to = above
        if rare:
            record.apply(rare)
            if record.hidden_as is not None:
                record.above = parent
        return record

    def apply_set(self, attributes: dict[str, Any] | None, output: Any, changes: dict[str, Any] | None) -> None:
        """What a SET event changed."""
        content = self._content
        if attributes:
            held = content.get("attributes")
            if type(held) is dict and not self.written:
                held.update(attributes)
            else:
                self._merge("attributes", attributes)
        if output is not None:
            if "output" in content or self.written:
                self._replace("output", output)
            else:
                content["output"] = output
        if changes:
            self.apply(changes)

    def apply(self, changes: dict[str, Any]) -> None:
        """What is rare in a SET event, and the rare options of a START."""
        for field, value in changes.items():
            if field == "metadata":
                self._merge(field, value)
            elif field == "event":
                self._add_event(*value)
            elif field == "log":
                time, attributes, error = value
                if error is not None:
                    attributes["exception"] = encode(render_exception(error))
                self._add_event("log", time, encode(attributes))
            elif field == "error":
                self._replace("error", encode(render_exception(value)))
            elif field == "hide":
                self._hide(value)
            elif field == "hidden":
                self.hidden_as = value
            elif field == "is_event":
                self.is_event = bool(value)
            elif field == "external_parent_span_id":
                if self.parent_span_id is None:
                    self.external_parent_span_id = value
            elif field == "between":
                self.external_parent_span_id = value
            elif field != "tags" or self.parent_span_id is None:
                self._replace(field, value)

    def _hide(self, hides: int) -> None:
        """Takes back what was recorded before it was hidden, and what may quote it."""
        for field, flag in (("input", HIDE_INPUT), ("output", HIDE_OUTPUT)):
            if hides & flag and field in self._content:
                del self._content[field]
                self.touch(field)
        attributes = without_content(self.own_attributes(), hides)
        events = [{**event, "attributes": {}} for event in decode(self._content.get("events")) or []]
        for field, value in (("attributes", attributes), ("events", events)):
            if field in self._content:
                self._content[field] = value
                self.touch(field)
        error = decode(self._content.get("error"))
        if error is not None:
            self._replace("error", encode({"type": error["type"], "message": HIDDEN}))

    def _add_event(self, name: str, time: int, attributes: Any) -> None:
        events = self._content.get("events")
        events = events if type(events) is list else decode(events) or []
        if len(events) >= MAX_EVENTS:
            self.refused_event = True
            return
        # In place: a copy for every event would take time quadratic in their number.
        events.append({"name": name, "time": time, "attributes": attributes})
        self._replace("events", events)

    def _replace(self, field: str, value: Any) -> None:
        before = self._content.get(field)
        if type(before) is bytes or type(before) is str:
            self.replaced_bytes += len(before)
        self._content[field] = value
        if self.written:
            self.touch(field)

    def _merge(self, field: str, values: dict[str, Any]) -> None:
        content = self._content
        merged = content.get(field)
        if merged is None:
            content[field] = values
        elif type(merged) is dict:
            merged.update(values)
        else:  # the chain has seen it while the span ran: it is encoded whole
            content[field] = {**decode(merged), **values}
        if self.written:
            self.touch(field)

    def own_attributes(self) -> dict[str, Any]:
        """The attributes as a mapping of snapshots that may be changed; `touch("attributes")` says that they were."""
        content = self._content
        attributes = content.get("attributes")
        if type(attributes) is not dict:
            attributes = content["attributes"] = {} if attributes is None else decode(attributes)
        return attributes

    def make_usage_plain(self) -> None:
        """Writes a `Usage` among the attributes as plain data."""
        attributes = self._content.get("attributes")
        if type(attributes) is dict and type(usage := attributes.get("usage")) is Usage:
            attributes["usage"] = normalize_usage(usage) or {}

    def snapshot_as_running(self) -> OpenRecord:
        """A copy to be written now, while this one goes on changing."""
        self.make_usage_plain()
        copy = object.__new__(OpenRecord)
        copy.__dict__.update(self.__dict__)
        content = dict(self.content())
        for field in ("attributes", "metadata"):
            if type(content.get(field)) is dict:
                content[field] = dict(content[field])
        if type(content.get("events")) is list:
            content["events"] = list(content["events"])
        copy.replace_content(content)
        copy.processed = set(self.processed)
        copy.redactions = dict(self.redactions)
        copy.reports_to = None
        return copy

    def release_content(self) -> None:
        """As `SpanRecord.release_content`, and of what only the pipeline needed."""
        SpanRecord.release_content(self)  # `super()` costs more, and every span comes here
        self.held_bytes = 0

    def adopt(self, processed: SpanRecord) -> None:
        """Takes over what the chain made of a copy, so that no payload is looked at twice."""
        self.replace_content(dict(processed.content()))
        self.processed = set(processed.processed)
        self.redactions = dict(processed.redactions)
        self.media = processed.media  # until the end: what was written as running may not have arrived


class Below:
    """What hidden descendants of a span used, in tokens and cost."""

    __slots__ = ("billed", "reported", "usage")

    def __init__(self) -> None:
        self.usage: UsageDict | None = None
        self.reported: UsageDict | None = None
        """Of those whose tokens are part of the span's own, where it reports any."""
        self.billed: tuple[int, int, float] = (0, 0, 0.0)


ROLLS_UP_TO = {
    SpanType.MODEL_STEP: frozenset({SpanType.MODEL_GENERATION}),
    SpanType.MODEL_INFERENCE: frozenset({SpanType.MODEL_GENERATION, SpanType.MODEL_STEP}),
}
"""A step's tokens are part of its generation's, an inference's of its step's or generation's: the outermost that reports them counts."""


def _lay_out() -> None:
    """Lets the records of open spans share one table of attribute names.

    CPython makes that table from what the first few instances of a class are given, before the first span has ended: without this every
    record would get a dictionary of its own for what comes later, some 600 bytes.
    """
    record = OpenRecord("", "", SpanType.GENERIC, 0, {})
    for name in _USUAL_ATTRIBUTES:
        setattr(record, name, getattr(record, name))


_USUAL_ATTRIBUTES = (
    "parent_span_id",
    "service_name",
    "environment",
    "held_bytes",
    "seen_at_ns",
    "reports_to",
    "ended_at",
    "status",
    "phase",
    "document",
    "_encoded",
    "_live",
    "written",
    "model",
    "input_tokens",
    "output_tokens",
    "cost",
    "has_usage",
    "billed_input_tokens",
    "billed_output_tokens",
    "billed_cost",
)
"""Beside those of `SpanRecord.__init__`; the table has room for 30."""
_lay_out()
