"""The record of a span: what processors, exporters and stores see, and what a store gives back."""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from copy import copy
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from spanbridge.containment import warn
from spanbridge.model.payload import Snapshot, decode, encode, snapshot

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from spanbridge.model.media import MediaContent
    from spanbridge.model.span_types import SpanType


class Status(str, Enum):
    """How a span stands or ended. Compares equal to its string."""

    RUNNING = "running"
    OK = "ok"
    ERROR = "error"
    CANCELLED = "cancelled"
    SUSPENDED = "suspended"
    ABANDONED = "abandoned"

    __str__ = str.__str__


class Link(TypedDict, total=False):
    """A relation to a span outside the parent chain."""

    trace_id: str
    span_id: str
    type: str
    """"resumed_from", "recovered_from", "retry_of", "triggered_by", "scheduled_by", ..."""
    attributes: dict[str, Any]


class SpanEvent(TypedDict):
    """Something that happened at one moment of a span."""

    name: str
    time: int
    """Nanoseconds since the epoch."""
    attributes: dict[str, Any]


class ErrorInfo(TypedDict, total=False):
    """The exception that a span recorded."""

    type: str
    """`ValueError` for a built-in class, `package.module.Class` for any other."""
    message: str
    stack: str
    """The traceback as Python prints it."""
    causes: list[dict[str, Any]]
    """`{"type", "message", "relation"}` of the exceptions behind it, nearest first; relation is "cause", "context" or "member"."""


Phase = Literal["running", "ended", "dropped"]

CORRELATION_FIELDS = (
    "user_id",
    "organization_id",
    "session_id",
    "thread_id",
    "run_id",
    "request_id",
    "resource_id",
)
"""Fields that flow from a span to its children."""

ENTITY_FIELDS = ("entity_type", "entity_id", "entity_name")

CONTENT_FIELDS = (
    "name",
    "input",
    "output",
    "attributes",
    "metadata",
    "tags",
    "error",
    "events",
    "links",
    *ENTITY_FIELDS,
    *CORRELATION_FIELDS,
)
"""All that the application wrote: what the sensitive-data filter looks at, and what is withheld when a processor fails."""


class _ContentField:
    """A field of `SpanRecord` that is decoded when it is read and encoded again when the record is written."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, record: SpanRecord | None, owner: type) -> Any:
        return self if record is None else record.get_content(self._name)

    def __set__(self, record: SpanRecord, value: Any) -> None:
        record.set_content(self._name, value)


class SpanRecord:
    """One span as it will be written, or as it was read back.

    Content fields are plain JSON values, decoded when they are first read. A processor may assign them or change them in place: what was
    read or assigned is encoded again before the record goes on. After the chain it is finished: each exporter gets a copy of its own.

    Content: name, input, output, attributes (dict), metadata (dict), tags (list of str), error (`ErrorInfo` or None), events (list of
    `SpanEvent`), links (list of `Link`), entity_type/_id/_name, and the correlation fields. Times are integer nanoseconds since the epoch.
    """

    # Defaults stand on the class: most spans never set them, and a record is made for every span.
    trace_id: str
    span_id: str
    parent_span_id: str | None = None
    external_parent_span_id: str | None = None
    """The parent, where some other tracer owns it: without a `parent_span_id` the span is still the root of its trace here, with one the
    other tracer's span stands between the two."""
    type: SpanType
    phase: Phase = "ended"
    """"running" for a write before the end, "ended" for the last one; "dropped" takes back what was written as running."""
    is_event: bool = False
    started_at: int
    ended_at: int | None = None
    status: Status = Status.OK
    service_name: str = ""
    environment: str = ""
    source: str = "spanbridge"
    """Where the span was recorded: "spanbridge", or the instrumentation that it was read from."""
    redactions: dict[str, int]
    """How many values each rule of the sensitive-data filter withheld."""
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None
    """The span's own model, tokens and estimated cost, for lists and filters; the full figures are in `attributes`."""
    billed_input_tokens: int = 0
    billed_output_tokens: int = 0
    billed_cost: float = 0.0
    """What the span adds to its trace's sums: zero where an ancestor reports the same tokens."""
    processed: set[str]
    """Content fields that the sensitive-data filter has already seen, in the form that they have now."""
    look: Any = None
    """What the sensitive-data filter saw in the content as it stood, and will redact: its own, see `sensitive_data.SeenDocument`."""
    is_withheld: bool = False
    """Whether a processor failed on it, and its content was taken away."""
    document: bytes = b""
    """All content fields as one JSON object; set when the chain is done."""
    media: tuple[MediaContent, ...] = ()
    """Content that the record refers to and that the store is to keep; the store's exporter lets go of it when it is kept."""

    _live: dict[str, Any] | None = None
    """Content fields as plain values: those that were read or assigned since they were last encoded."""
    _encoded: bytes | None = None
    """`encode_fields()` of all fields, while nothing has changed since."""

    name = _ContentField()
    input = _ContentField()
    output = _ContentField()
    attributes = _ContentField()
    metadata = _ContentField()
    tags = _ContentField()
    error = _ContentField()
    events = _ContentField()
    links = _ContentField()
    entity_type = _ContentField()
    entity_id = _ContentField()
    entity_name = _ContentField()
    user_id = _ContentField()
    organization_id = _ContentField()
    session_id = _ContentField()
    thread_id = _ContentField()
    run_id = _ContentField()
    request_id = _ContentField()
    resource_id = _ContentField()

    def __init__(
        self, trace_id: str, span_id: str, type: SpanType, started_at: int, content: dict[str, Any], **fields: Any
    ) -> None:
        """`content` maps content fields to snapshots (see `model.payload`), absent fields are empty; the record owns it. `fields` are the
        other fields by name."""
        self.trace_id = trace_id
        self.span_id = span_id
        self.type = type
        self.started_at = started_at
        self._content = content
        self.processed = set()
        self.redactions = {}
        if fields:
            self.__dict__.update(fields)

    @classmethod
    def from_document(cls, document: bytes, **fields: Any) -> SpanRecord:
        """A record whose content is `document`, as `encode_document` wrote it."""
        record = cls(content={}, **fields)
        record.document = document
        return record

    @property
    def duration_ns(self) -> int | None:
        """Nanoseconds from start to end; None while the span runs."""
        return None if self.ended_at is None else self.ended_at - self.started_at

    def get_content(self, field: str) -> Any:
        """The plain JSON value of a content field; an empty container where a container field is absent."""
        live = self._live
        if live is not None and field in live:
            return live[field]
        if self.document:
            return self._decode_document().get(field)
        value = self._content.get(field)
        if value is None:
            if field not in _EMPTY:
                return None
            value = _EMPTY[field]()
        elif type(value) is bytes:
            value = decode(value)
        elif type(value) is dict:
            # A mapping of snapshots, as attributes are recorded.
            value = {key: decode(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
        elif type(value) not in _IMMUTABLE:
            value = decode(encode(value))
        self._set_live(field, value)
        return value

    def decoded(self) -> Mapping[str, Any]:
        """The content fields by name, decoded: as their attributes, for who reads many; fields that are absent may be left out."""
        if self.document:
            return decode(self.document) if self._live is None else self._live
        return {field: self.get_content(field) for field in CONTENT_FIELDS}

    def set_content(self, field: str, value: Any) -> None:
        """Replaces a content field; any value is taken, as in `span.set`."""
        if self.document:
            self._decode_document()[field] = value
        else:
            self._set_live(field, value)

    def _set_live(self, field: str, value: Any) -> None:
        self.processed.discard(field)
        if self._live is None:
            self._live = {field: value}
        else:
            self._live[field] = value

    def replace_encoded(self, field: str, value: Snapshot) -> None:
        """Replaces a content field by a snapshot and marks it as processed. For the sensitive-data filter."""
        if self._live is not None:
            self._live.pop(field, None)
        self._encoded = None
        if value is None:
            self._content.pop(field, None)
        else:
            self._content[field] = value
        self.processed.add(field)

    def encode_fields(self, fields: Collection[str] | None = None) -> bytes:
        """The given content fields (default: all) as one JSON object; absent and empty fields are left out."""
        content = self._content if self._live is None else self.content()
        if fields is not None and any(field not in fields for field in content):
            return encode({field: content[field] for field in fields if field in content})
        encoded = self._encoded
        if encoded is None:
            self._encoded = encoded = encode(content)
        return encoded

    def encode_document(self) -> bytes:
        """Writes `document` from the content."""
        # A copy: orjson's result keeps a buffer of several KB alive.
        encoded = self._encoded
        if encoded is None or self._live is not None:
            encoded = self.encode_fields()
        self.document = document = b"%b" % encoded
        return document

    def __copy__(self) -> SpanRecord:
        # Without the detour that `copy` takes for objects of any kind: a bridge gets one of each span.
        duplicate = object.__new__(type(self))
        duplicate.__dict__.update(self.__dict__)
        return duplicate

    def own_copy(self) -> SpanRecord:
        """A finished record once more, without its media: what is read from it, or done to it, concerns no exit."""
        duplicate = object.__new__(SpanRecord)
        fields = duplicate.__dict__
        fields.update(self.__dict__)
        for name in _DECODED:
            fields.pop(name, None)
        duplicate._content = _NO_CONTENT
        duplicate.redactions = dict(self.redactions)
        duplicate.phase, duplicate.status = self.phase, self.status  # of an open span they stand on its class
        return duplicate

    def unfinished_copy(self) -> SpanRecord:
        """A copy whose content may be changed and written, also where this record is finished and shared by the exits."""
        duplicate = copy(self)
        duplicate.processed = set(self.processed)
        duplicate.redactions = dict(self.redactions)
        duplicate._content = dict(self._content)
        if self.document:
            content = self._decode_document()
            duplicate._live = {field: content[field] for field in CONTENT_FIELDS if field in content}
            duplicate.processed = set()
        elif self._live is not None:
            duplicate._live = dict(self._live)
        duplicate._encoded = None
        duplicate.document = b""
        return duplicate

    def release_content(self) -> None:
        """Lets go of everything that `document` holds too: many records may wait for a slow exit."""
        self._content = _NO_CONTENT
        self._encoded = None
        if self.look is not None:  # most never had one
            self.look = None
        self.processed = _NOTHING_PROCESSED
        if not self.redactions:
            self.redactions = _NO_REDACTIONS

    def touch(self, field: str) -> None:
        """Says that a field of `content()` was changed in place. For the pipeline."""
        self._encoded = None
        self.processed.discard(field)

    def had_error(self) -> bool:
        """Whether an error is held, told without looking at what a processor may have put in its place."""
        return "error" in self._content or (self._live is not None and "error" in self._live)

    def replace_content(self, content: dict[str, Any]) -> None:
        """Replaces all content fields by snapshots. For the chain."""
        self._content = content
        self._live = None
        self._encoded = None
        self.processed = set()

    def model_may_differ(self) -> bool:
        """Whether the attributes were replaced, so that they may name another model than `model`. For the pipeline."""
        return type(self._content.get("attributes")) is not dict

    def content(self) -> dict[str, Any]:
        """All content fields that are present, as held. For the chain."""
        if self._live is not None:
            self._encode_live(self._live)
        return self._content

    def to_dict(self) -> dict[str, Any]:
        """The span as one JSON-ready mapping, every field under its name; empty fields as None, {} or []."""
        result: dict[str, Any] = {
            "trace_id": self.trace_id,
            "span_id": self.span_id,
            "parent_span_id": self.parent_span_id,
            "external_parent_span_id": self.external_parent_span_id,
            "type": self.type.value,
            "is_event": self.is_event,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "status": self.status.value,
        }
        for field in CONTENT_FIELDS:
            result[field] = self.get_content(field)
        result["service_name"] = self.service_name
        result["environment"] = self.environment
        result["source"] = self.source
        result["redactions"] = dict(self.redactions)
        return result

    def __repr__(self) -> str:
        return f"<SpanRecord {self.type.value} {self.trace_id}/{self.span_id} {self.status.value}>"

    def _decode_document(self) -> dict[str, Any]:
        """All content fields of a finished record, decoded once."""
        live = self._live
        if live is None:
            # Complete before it is shown: exporters on other threads read the same record.
            live = {name: empty() for name, empty in _EMPTY.items()}
            live.update(decode(self.document))
            self._live = live
        return live

    def _encode_live(self, live: dict[str, Any]) -> None:
        """Turns what was read or assigned back into snapshots."""
        if not self.document:
            self._encoded = None
            for field, value in live.items():
                # By its type: the value is a processor's, and its `__eq__` may do anything.
                if value is None or (field in _EMPTY and type(value) in (dict, list) and not value):
                    self._content.pop(field, None)
                    continue
                data = snapshot(value)
                bracket = _BRACKETS.get(field)
                if bracket is None or (type(data) is bytes and data.startswith(bracket)):
                    self._content[field] = data
                else:
                    self._content.pop(field, None)
                    warn(f"content {field}", f"a processor gave a span {field} that are none; it has no {field}")
            self._live = None


def chunks(records: Sequence[SpanRecord], max_bytes: int) -> Iterator[tuple[list[SpanRecord], list[bytes]]]:
    """Records with their `encode_fields()`, of at most that many bytes together, unless it is a single one. For the chain."""
    chunk: list[SpanRecord] = []
    documents: list[bytes] = []
    left = max_bytes
    for record in records:
        document = record.encode_fields()
        size = len(document)
        if size > left and chunk:
            yield chunk, documents
            chunk, documents, left = [], [], max_bytes
        chunk.append(record)
        documents.append(document)
        left -= size
    if chunk:
        yield chunk, documents


_DECODED = ("_content", "_live", "_encoded", "media", "look")
"""What a finished record may hold beside its document, and a copy for a reader does not."""
_NO_CONTENT: dict[str, Any] = {}
_NOTHING_PROCESSED: Any = frozenset()
_NO_REDACTIONS: dict[str, int] = {}
_EMPTY: dict[str, Any] = {"attributes": dict, "metadata": dict, "tags": list, "events": list, "links": list}
_BRACKETS = {"attributes": b"{", "metadata": b"{", "tags": b"[", "error": b"{", "events": b"[", "links": b"["}
"""How the JSON of the fields begins that every reader takes for a mapping or for a list."""
_IMMUTABLE = frozenset({str, int, float, bool})
