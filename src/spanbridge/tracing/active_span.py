"""A span while the application holds it: everything here runs on the caller's thread.

The caller's side keeps no data: it takes snapshots and appends events (`intake.py`); the pipeline holds what was recorded. Nothing
raises into the application, and a call that cannot be honoured is counted.
"""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from spanbridge.containment import contain
from spanbridge.model.identifiers import is_span_id, is_trace_id, new_span_id, new_trace_id, span_id_hex, trace_id_hex
from spanbridge.model.payload import Snapshot, decode, snapshot, string_bytes, truncated, type_marker
from spanbridge.model.span import CORRELATION_FIELDS, ENTITY_FIELDS
from spanbridge.tracing.clock import clock_offset_ns
from spanbridge.tracing.context import SUPPRESSED, ambient
from spanbridge.tracing.exceptions import capture_exception, status_of
from spanbridge.tracing.intake import END, EVENT_OVERHEAD_BYTES, SET, SPAN_OVERHEAD_BYTES, START
from spanbridge.tracing.tracer import TraceState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextvars import Token
    from types import TracebackType

    from typing_extensions import Self

    from spanbridge.model.span_types import SpanType
    from spanbridge.tracing.intake import Intake
    from spanbridge.tracing.openers import Opener
    from spanbridge.tracing.tracer import Entity, Inherited, Tracer

P = ParamSpec("P")
R = TypeVar("R")

_NEW, _RECORDING, _ENDED, _SILENT = range(4)
_SMALL = frozenset({int, bool, type(None)})


class Span:
    """One span: a context manager (`with`, `async with`), a decorator, or opened by hand and ended with `end()`.

    Made by the openers (`spanbridge.agent_run`, `spanbridge.tool_call`, ...) and by `spanbridge.start_span`. All methods may be called from
    any thread, at any time, also where nothing is recorded.
    """

    __slots__ = (
        "__weakref__",
        "_dropped_as",
        "_entity",
        "_error_status",
        "_hidden",
        "_id",
        "_inherited",
        "_opener",
        "_options",
        "_state",
        "_token",
        "_trace",
        "_tracer",
        "name",
    )

    name: str | None
    _dropped_as: str
    _entity: Entity | None
    _error_status: str | None
    _hidden: tuple[bool, bool]
    _id: int
    _inherited: Inherited | None
    _token: Token[Any]
    _trace: TraceState
    _tracer: Tracer | None

    def __init__(self, opener: Opener, name: str | None, options: dict[str, Any]) -> None:
        """For openers: `options` are the keyword arguments of `_start`."""
        self._opener = opener
        self._options = options
        self._state = _NEW
        self.name = name

    # --- what it is -------------------------------------------------------------------------------------------------

    @property
    def type(self) -> SpanType:
        """The span's type."""
        return self._opener.type

    @property
    def trace_id(self) -> str | None:
        """32 hex characters; None where nothing is recorded."""
        return trace_id_hex(self._trace.trace_id) if self._state in _IDENTIFIED else None

    @property
    def span_id(self) -> str | None:
        """16 hex characters; None where nothing is recorded."""
        return span_id_hex(self._id) if self._state in _IDENTIFIED else None

    @property
    def is_recording(self) -> bool:
        """Whether the span has started, has not ended, and is not sampled out, suppressed or unconfigured."""
        return self._state == _RECORDING

    def __repr__(self) -> str:
        state = ("not started", "recording", "ended", "not recorded")[self._state]
        return f"<Span {self._opener.type.value} {self.name!r} {state}>"

    # --- context manager and decorator ------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        if self._state == _NEW:
            self._open()
        self._token = ambient.set(self)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            ambient.reset(self._token)
        except (ValueError, RuntimeError, AttributeError):
            self._leave_foreign_context()
        if self._state == _RECORDING:
            if exc is None:
                self._end(self._error_status or "ok", None, 0, None)
            else:
                self._end_with(exc)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(exc_type, exc, traceback)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorates a function or method, sync or async: each call is a span of its own."""
        from spanbridge.tracing.decorator import traced  # noqa: PLC0415 - wrapt and inspect load when they are used

        return traced(function, self._opener, self.name, self._options)

    # --- recording --------------------------------------------------------------------------------------------------

    def set(
        self,
        *,
        input: Any = None,
        output: Any = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Iterable[str] | None = None,
        name: str | None = None,
        **attributes: Any,
    ) -> None:
        """Records what is known now: replaces `input`, `output`, `tags` and `name`, merges `metadata` and the typed attributes.

        None means "not given".
        """
        if self._state != _RECORDING:
            self._ignore("update")
            return
        try:
            changes, size = self._capture(input, output, metadata, tags, name, attributes)
            if changes:
                self._emit(SET, changes, size)
        except Exception as error:  # noqa: BLE001
            contain("span.set", error)

    def event(self, name: str, attributes: Mapping[str, Any] | None = None, *, time: int | None = None) -> None:
        """Records that something happened now, or at `time` (nanoseconds since the epoch)."""
        if self._state != _RECORDING:
            self._ignore("event")
            return
        try:
            data = snapshot(dict(attributes or ()))
            at = time if type(time) is int else self._trace.clock_offset_ns + perf_counter_ns()
            self._emit(SET, {"event": (_name(name), at, data)}, len(data) if type(data) is bytes else 0)
        except Exception as error:  # noqa: BLE001
            contain("span.event", error)

    def error(self, error: BaseException | str, *, end: bool = False) -> None:
        """Records an exception (or a message) on the span and sets its status; ends it too if `end` is true."""
        if self._state != _RECORDING:
            self._ignore("error")
            return
        try:
            if isinstance(error, BaseException):
                captured, self._error_status = capture_exception(error), "error"
            else:
                captured, self._error_status = {"type": "Error", "message": _name(error)}, "error"
            self._emit(SET, {"error": captured}, len(captured["message"]))
            if end:
                self._end("error", None, 0, None)
        except Exception as failure:  # noqa: BLE001
            contain("span.error", failure)

    def end(
        self,
        *,
        output: Any = None,
        input: Any = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Iterable[str] | None = None,
        name: str | None = None,
        end_time: int | None = None,
        status: str | None = None,
        **attributes: Any,
    ) -> None:
        """Ends the span, recording what `set` takes. A second call changes nothing and is counted.

        Args:
            end_time: Nanoseconds since the epoch; absent: now.
            status: "ok", "error" or "cancelled"; absent: "error" after `span.error(...)`, else "ok".
        """
        if self._state != _RECORDING:
            self._ignore("end")
            return
        try:
            changes, size = self._capture(input, output, metadata, tags, name, attributes)
            if status not in _END_STATUSES:
                status = None
            self._end(status or self._error_status or "ok", changes, size, end_time)
        except Exception as error:  # noqa: BLE001
            contain("span.end", error)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        options, self._options = self._options, {}
        self._state = _SILENT
        self._dropped_as = "internal_error"
        self._tracer = tracer = self._opener.slot.tracer
        if tracer is None:
            return
        try:
            self._start(tracer, **options)
        except Exception as error:  # noqa: BLE001
            contain("span start", error)
            self._drop(tracer.intake, "internal_error")

    def _start(
        self,
        tracer: Tracer,
        /,
        *,
        input: Any = None,
        metadata: Mapping[str, Any] | None = None,
        parent: Any = None,
        start_time: int | None = None,
        **attributes: Any,
    ) -> None:
        """`attributes` holds the typed attributes and what few spans are given (`_RARE_OPTIONS`)."""
        intake = tracer.intake
        if parent is None:
            parent = ambient.get()
        if parent is not None and (parent is SUPPRESSED or parent._tracer is not tracer or parent._state == _SILENT):
            if parent is SUPPRESSED:
                return
            parent = _ancestor_of(tracer, parent)
            if parent is not None and parent._state == _SILENT:
                self._drop(intake, parent._dropped_as)
                return
        if intake.pending_bytes > intake.max_bytes or intake.closed:
            self._drop(intake, "shutdown" if intake.closed else "queue_overflow")
            return

        opener = self._opener
        rare = None
        if attributes and not _RARE_OPTIONS.isdisjoint(attributes):
            rare = {option: attributes.pop(option) for option in _RARE_OPTIONS if option in attributes}
        name = self.name
        if type(name) is not str:
            self.name = name = opener.default_name(attributes) if name is None else _name(name)
        max_bytes = tracer.max_payload_bytes
        size = _capture_mapping(attributes, max_bytes) if attributes else 0
        if metadata is not None:
            metadata = _own_mapping(metadata)
            size += _capture_mapping(metadata, max_bytes)

        if parent is None:
            parent_id = inherited = entity = None
            self._trace = trace = TraceState(_trace_number(rare), clock_offset_ns())
            if tracer.sample is not None and not self._sampled(tracer, name, attributes, metadata):
                self._drop(intake, "sample_rate")
                return
        else:
            parent_id = parent._id
            inherited = parent._inherited
            entity = parent._entity
            self._trace = trace = parent._trace
        entity_type = opener.info.entity_type
        if entity_type is not None:
            entity = (entity_type, attributes.get(opener.info.entity_id_attribute or ""), name)
        self._error_status = None
        self._hidden = _NOTHING_HIDDEN
        if rare is not None:
            inherited, entity, size = self._take_rare(rare, inherited, entity, name, size)
        self._inherited = inherited
        self._entity = entity

        if input is not None:
            input = None if self._hidden[0] else snapshot(input, max_bytes)  # noqa: A001
            if type(input) is bytes:
                size += len(input)
            elif type(input) is str:
                size += string_bytes(input)
        time = start_time if type(start_time) is int else trace.clock_offset_ns + perf_counter_ns()

        self._id = span_id = new_span_id()
        self._state = _RECORDING
        size += SPAN_OVERHEAD_BYTES
        intake.started += 1
        intake.pending_bytes += size
        intake.events.append(
            (
                START,
                span_id,
                trace,
                parent_id,
                opener.type,
                name,
                time,
                inherited,
                entity,
                input,
                attributes,
                metadata,
                rare,
                size,
            )
        )
        if intake.pending_bytes > intake.wake_bytes:
            intake.wake()

    def _drop(self, intake: Intake, reason: str) -> None:
        """The span has started for the application and is recorded nowhere; its children share its fate."""
        self._dropped_as = reason
        intake.started += 1
        intake.drop(reason)

    def _take_rare(
        self, rare: dict[str, Any], inherited: Inherited | None, entity: Entity | None, name: str, size: int
    ) -> tuple[Inherited | None, Entity | None, int]:
        """Makes snapshots of what few spans are given, in place; what stays in `rare` goes with the start event."""
        for option in _CAPTURE_OPTIONS:  # they matter to a decorated function only
            rare.pop(option, None)
        correlation = {field: _name(rare.pop(field)) for field in CORRELATION_FIELDS if rare.get(field) is not None}
        if correlation:
            inherited = correlation if inherited is None else {**inherited, **correlation}
        if not _ENTITY_OPTIONS.isdisjoint(rare):
            given = [rare.pop(field, None) for field in ENTITY_FIELDS]
            entity = (given[0] or self._opener.info.entity_type, given[1], given[2] or name)
        self._hidden = (bool(rare.pop("hide_input", False)), bool(rare.pop("hide_output", False)))
        output = rare.pop("output", None)
        if output is not None and not self._hidden[1]:
            rare["output"] = data = snapshot(output, self._tracer.max_payload_bytes)  # pyright: ignore[reportOptionalMemberAccess]
            size += len(data) if isinstance(data, (bytes, str)) else 0
        if rare.get("tags"):
            rare["tags"] = _tags(rare["tags"])
        if rare.get("links"):
            rare["links"] = [link for link in map(_link, rare["links"]) if link is not None]
        if not is_span_id(rare.get("external_parent_span_id")):
            rare.pop("external_parent_span_id", None)
        return inherited, entity, size

    def _sampled(self, tracer: Tracer, name: str, attributes: dict[str, Any], metadata: Any) -> bool:
        from spanbridge.protocols import SamplingInput  # noqa: PLC0415 - loads with the first sampler

        sampling_input = SamplingInput(
            trace_id_hex(self._trace.trace_id),
            name,
            self._opener.type,
            {key: decode(value) for key, value in attributes.items()},
            {key: decode(value) for key, value in (metadata or {}).items()},
        )
        return tracer.sample is None or tracer.sample(sampling_input)

    def _capture(
        self,
        input: Any,
        output: Any,
        metadata: Any,
        tags: Any,
        name: Any,
        attributes: dict[str, Any],
    ) -> tuple[dict[str, Any], int]:
        """Snapshots of what `set` and `end` were given, and their size in bytes."""
        max_bytes = self._tracer.max_payload_bytes  # pyright: ignore[reportOptionalMemberAccess]
        changes: dict[str, Any] = {}
        size = 0
        if output is not None and not self._hidden[1]:
            changes["output"] = data = snapshot(output, max_bytes)
            if type(data) is bytes:
                size = len(data)
            elif type(data) is str:
                size = string_bytes(data)
        if attributes:
            size += _capture_mapping(attributes, max_bytes)
            changes["attributes"] = attributes
        if input is not None and not self._hidden[0]:
            changes["input"] = data = snapshot(input, max_bytes)
            size += len(data) if isinstance(data, (str, bytes)) else 0
        if metadata is not None:
            changes["metadata"] = owned = _own_mapping(metadata)
            size += _capture_mapping(owned, max_bytes)
        if tags is not None:
            changes["tags"] = _tags(tags)
        if name is not None:
            changes["name"] = self.name = _name(name)
        return changes, size

    def _emit(self, kind: int, changes: dict[str, Any], size: int) -> None:
        intake = self._tracer.intake  # pyright: ignore[reportOptionalMemberAccess]
        if intake.closed:
            intake.ignore("update_after_shutdown")
            return
        if size > 1024 and intake.pending_bytes > intake.max_bytes:
            changes = _without_payload(changes, size)
            size = 0
            intake.ignore("payload_overflow")
        size += EVENT_OVERHEAD_BYTES
        intake.pending_bytes += size
        intake.events.append((kind, self._id, changes, size))
        if intake.pending_bytes > intake.wake_bytes:
            intake.wake()

    def _end(self, status: str, changes: dict[str, Any] | None, size: int, end_time: int | None) -> None:
        self._state = _ENDED
        time = end_time if type(end_time) is int else self._trace.clock_offset_ns + perf_counter_ns()
        intake = self._tracer.intake  # pyright: ignore[reportOptionalMemberAccess]
        if intake.closed:
            intake.ignore("end_after_shutdown")
            return
        if size > 1024 and intake.pending_bytes > intake.max_bytes:
            changes = _without_payload(changes or {}, size)
            size = 0
            intake.ignore("payload_overflow")
        intake.pending_bytes += size
        intake.events.append((END, self._id, time, status, changes, size))
        if intake.pending_bytes > intake.wake_bytes:
            intake.wake()

    def _end_with(self, error: BaseException) -> None:
        """Ends the span that `error` leaves."""
        try:
            status = status_of(error)
            if status == "ok":
                self._end(self._error_status or status, None, 0, None)
                return
            captured = capture_exception(error)
            self._end(status, {"error": captured}, len(captured["message"]), None)
        except Exception as failure:  # noqa: BLE001
            contain("span end", failure)

    def _leave_foreign_context(self) -> None:
        """The block was left in another context than it was entered in: undo there only what is ours."""
        self._ignore("wrong_context")
        if ambient.get() is self:
            ambient.set(None)

    def _ignore(self, what: str) -> None:
        """Counts a call that changes nothing, unless nothing is recorded anyway."""
        if self._state == _ENDED:
            self._tracer.intake.ignore(f"{what}_after_end" if what != "wrong_context" else what)  # pyright: ignore[reportOptionalMemberAccess]


_CAPTURE_OPTIONS = ("capture_input", "capture_output", "ignore_arguments", "reduce_output")
_ENTITY_OPTIONS = frozenset(ENTITY_FIELDS)
_RARE_OPTIONS = frozenset(
    {
        "output",
        "tags",
        "links",
        "hide_input",
        "hide_output",
        "is_event",
        "trace_id",
        "external_parent_span_id",
        *ENTITY_FIELDS,
        *CORRELATION_FIELDS,
        *_CAPTURE_OPTIONS,
    }
)
_NOTHING_HIDDEN = (False, False)
_IDENTIFIED = frozenset({_RECORDING, _ENDED})
_END_STATUSES = frozenset({"ok", "error", "cancelled"})


def _trace_number(rare: dict[str, Any] | None) -> int:
    """The trace id that the application gave, or a new one."""
    given: Any = None if rare is None else rare.pop("trace_id", None)
    return int(given, 16) if is_trace_id(given) else new_trace_id()


def _ancestor_of(tracer: Tracer, span: Any) -> Any:
    """The nearest entered span of `tracer`, looking outwards from one that another configuration made."""
    while span is not None and span is not SUPPRESSED and span._tracer is not tracer:
        token = getattr(span, "_token", None)
        span = None if token is None or token.old_value is token.MISSING else token.old_value
    return None if span is SUPPRESSED else span


def _capture_mapping(values: dict[str, Any], max_bytes: int) -> int:
    """Replaces each value of an own mapping by its snapshot; returns their size in bytes."""
    size = 0
    for key, value in values.items():
        cls = type(value)
        if cls is str and len(value) <= max_bytes:
            size += len(value)
        elif cls not in _SMALL:
            values[key] = data = snapshot(value, max_bytes)
            if type(data) is bytes:
                size += len(data)
    return size


def _own_mapping(values: Any) -> dict[str, Any]:
    """A shallow copy whose keys are strings; what is no mapping goes under "value"."""
    if type(values) is dict:
        copy: dict[Any, Any] = values.copy()
        for key in copy:
            if type(key) is not str:
                return {_name(name): value for name, value in copy.items()}
        return copy
    try:
        return {_name(name): values[name] for name in values.keys()}  # noqa: SIM118 - any mapping, not only dict
    except Exception:  # noqa: BLE001
        return {"value": values}


def _tags(tags: Any) -> list[str]:
    """Up to 1,000 tags as strings; a single string is one tag."""
    if isinstance(tags, str):
        return [tags]
    result: list[str] = []
    for tag in tags:
        result.append(_name(tag))
        if len(result) == 1000:
            break
    return result


def _link(link: Any) -> Snapshot:
    """A link as JSON bytes: of a span, or of a mapping with trace_id and span_id."""
    if isinstance(link, Span):
        return snapshot({"trace_id": link.trace_id, "span_id": link.span_id}) if link.trace_id else None
    return snapshot(link)


def _name(value: Any) -> str:
    """A text from anything that should have been one."""
    if type(value) is str:
        return value
    if type(value) in _SMALL or type(value) is float:
        return str(value)
    return str.__str__(value) if isinstance(value, str) else type_marker(value)


def _without_payload(changes: dict[str, Any], size: int) -> dict[str, Any]:
    """The same change when memory is full: payloads withheld whole, the structure kept."""
    kept = {key: value for key, value in changes.items() if key in {"name", "tags", "error"}}
    for key in ("input", "output"):
        if key in changes:
            kept[key] = truncated(size)
    return kept
