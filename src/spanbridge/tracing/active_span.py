"""A span while the application holds it: everything here runs on the caller's thread.

The caller's side keeps no data: it takes snapshots and appends events (`intake.py`); the pipeline holds what was recorded. Nothing
raises into the application, and a call that cannot be honoured is counted.
"""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from itertools import islice
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from spanbridge.containment import contain
from spanbridge.model.identifiers import getrandbits, is_span_id, is_trace_id, new_trace_id, span_id_hex
from spanbridge.model.payload import Snapshot, decode, snapshot, string_bytes, truncated, type_marker
from spanbridge.model.span import CORRELATION_FIELDS, ENTITY_FIELDS
from spanbridge.model.usage import Usage
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
    from spanbridge.tracing.opener import Opener
    from spanbridge.tracing.tracer import Entity, Inherited, Tracer

P = ParamSpec("P")
R = TypeVar("R")

_NEW, _RECORDING, _ENDED, _SILENT, _SUPPRESSED = range(5)
_IDENTIFIED = frozenset({_RECORDING, _ENDED})
_END_STATUSES = frozenset({"ok", "error", "cancelled"})
_SMALL = frozenset({int, bool, type(None), Usage})
"""Immutable values that are kept by reference and count for nothing."""
_CAPTURE_OPTIONS = ("capture_input", "capture_output", "ignore_arguments", "reduce_output")
_RARE_OPTIONS = frozenset(
    {
        "metadata",
        "output",
        "parent",
        "start_time",
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
"""Options that few spans are given; looked for together, so that the others do not pay for them."""


class Span:
    """One span: a context manager (`with`, `async with`), a decorator, or opened by hand and ended with `end()`.

    Made by the openers (`spanbridge.agent_run`, `spanbridge.tool_call`, ...) and by `spanbridge.start_span`. All methods may be called
    from any thread, at any time, also where nothing is recorded.
    """

    # Defaults stand on the class: a span sets only what it needs.
    name: str | None
    _dropped_as = "internal_error"
    _entity: Entity | None
    _error_status: str | None = None
    _hides_input = False
    _hides_output = False
    _id: int
    _inherited: Inherited | None
    _state = _NEW
    _token: Token[Any] | None = None
    _trace: TraceState
    _tracer: Tracer | None = None

    def __init__(self, opener: Opener, name: str | None, options: dict[str, Any]) -> None:
        """For openers: `options` are the opener's keyword arguments; the span owns them."""
        self._opener = opener
        self._options = options
        self.name = name

    # --- what it is -------------------------------------------------------------------------------------------------

    @property
    def type(self) -> SpanType:
        """The span's type."""
        return self._opener.type

    @property
    def trace_id(self) -> str | None:
        """32 hex characters; None where nothing is recorded."""
        return self._trace.trace_id_hex if self._state in _IDENTIFIED else None

    @property
    def span_id(self) -> str | None:
        """16 hex characters; None where nothing is recorded."""
        return span_id_hex(self._id) if self._state in _IDENTIFIED else None

    @property
    def is_recording(self) -> bool:
        """Whether the span has started, has not ended, and is not sampled out, suppressed or unconfigured."""
        return self._state == _RECORDING

    def __repr__(self) -> str:
        state = ("not started", "recording", "ended", "not recorded", "not recorded")[self._state]
        return f"<Span {self._opener.type.value} {self.name!r} {state}>"

    # --- context manager and decorator ------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        if self._state == _NEW:
            self._open()
        # What starts inside a suppressed span is suppressed too, also for another configuration.
        self._token = ambient.set(self if self._state != _SUPPRESSED else SUPPRESSED)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            ambient.reset(self._token)  # pyright: ignore[reportArgumentType] - None, where it was not entered, is caught too
        except (ValueError, RuntimeError, TypeError):
            self._leave_foreign_context()
        if self._state == _RECORDING:
            if exc is None:
                # What self._end("ok") does, without the call.
                self._state = _ENDED
                intake = self._tracer.intake  # pyright: ignore[reportOptionalMemberAccess]
                time = self._trace.clock_offset_ns + perf_counter_ns()
                if intake.closed:
                    intake.ignore("end_after_shutdown")
                    return
                intake.events.append((END, self._id, time, self._error_status or "ok", None))
                if intake.pending_bytes > intake.wake_bytes:
                    intake.wake()
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
            max_bytes = self._tracer.max_payload_bytes  # pyright: ignore[reportOptionalMemberAccess]
            size = EVENT_OVERHEAD_BYTES
            if attributes:
                size += _capture_mapping(attributes, max_bytes)
            if output is not None:
                output = None if self._hides_output else snapshot(output, max_bytes)
                if type(output) is bytes:
                    size += len(output)
                elif type(output) is str:
                    size += string_bytes(output)
            changes: dict[str, Any] | None = None
            if not (input is None and metadata is None and tags is None and name is None):
                changes = {}
                if input is not None and not self._hides_input:
                    changes["input"] = data = snapshot(input, max_bytes)
                    size += _size(data)
                if metadata is not None:
                    changes["metadata"] = owned = _own_mapping(metadata)
                    size += _capture_mapping(owned, max_bytes)
                if tags is not None:
                    changes["tags"] = tags = _tags(tags)
                    size += sum(map(len, tags))
                if name is not None:
                    changes["name"] = self.name = name = _name(name)
                    size += len(name)
            self._emit(attributes, output, changes, size)
        except Exception as error:  # noqa: BLE001
            contain("span.set", error)

    def event(self, name: str, attributes: Mapping[str, Any] | None = None, *, time: int | None = None) -> None:
        """Records that something happened now, or at `time` (nanoseconds since the epoch)."""
        if self._state != _RECORDING:
            self._ignore("event")
            return
        try:
            data = snapshot({} if attributes is None else attributes, self._tracer.max_payload_bytes)  # pyright: ignore[reportOptionalMemberAccess]
            at = time if _is_time(time) else self._trace.clock_offset_ns + perf_counter_ns()
            self._emit(None, None, {"event": (_name(name), at, data)}, EVENT_OVERHEAD_BYTES + _size(data))
        except Exception as error:  # noqa: BLE001
            contain("span.event", error)

    def error(self, error: BaseException | str, *, end: bool = False) -> None:
        """Records an exception (or a message) on the span and sets its status; ends it too if `end` is true."""
        if self._state != _RECORDING:
            self._ignore("error")
            return
        try:
            self._error_status = "error"
            is_exception = isinstance(error, BaseException)
            captured = capture_exception(error) if is_exception else {"type": "Error", "message": _name(error)}
            self._emit(None, None, {"error": captured}, EVENT_OVERHEAD_BYTES + len(captured["message"]))
            if end:
                self._end("error")
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
        if attributes or not (input is None and output is None and metadata is None and tags is None and name is None):
            self.set(input=input, output=output, metadata=metadata, tags=tags, name=name, **attributes)
        given = isinstance(status, str) and status in _END_STATUSES
        self._end(str(status) if given else self._error_status or "ok", end_time)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._state = _SILENT
        self._tracer = tracer = self._opener.slot.tracer
        if tracer is None:
            return
        try:
            self._start(tracer)
        except Exception as error:  # noqa: BLE001
            contain("span start", error)
            self._drop(tracer.intake, "internal_error")

    def _start(self, tracer: Tracer) -> None:
        intake = tracer.intake
        # The opener's keyword arguments; without the options, taken out here, they are the typed attributes.
        attributes = self._options
        input = metadata = start_time = rare = None
        parent = ambient.get()
        if attributes:
            input = attributes.pop("input", None)
            if not _RARE_OPTIONS.isdisjoint(attributes):
                rare = {option: attributes.pop(option) for option in _RARE_OPTIONS if option in attributes}
                metadata, start_time = rare.pop("metadata", None), rare.pop("start_time", None)
                given = rare.pop("parent", None)
                if given is not None and parent is not SUPPRESSED:
                    parent = _given_parent(given) or parent
        if parent is not None and (parent is SUPPRESSED or parent._tracer is not tracer or parent._state == _SILENT):
            parent = parent if parent is SUPPRESSED else _ancestor_of(tracer, parent)
            if parent is SUPPRESSED:
                self._state = _SUPPRESSED
                return
            if parent is not None and parent._state == _SILENT:
                self._drop(intake, parent._dropped_as)
                return
        if intake.pending_bytes > intake.max_bytes or intake.closed:
            self._drop(intake, "shutdown" if intake.closed else "queue_overflow")
            return

        opener = self._opener
        name = self.name
        if type(name) is not str:
            if name is None:
                name = attributes.pop("name", None)  # given by keyword
            self.name = name = opener.default_name(attributes) if name is None else _name(name)
        size = SPAN_OVERHEAD_BYTES + len(name)
        max_bytes = tracer.max_payload_bytes
        if attributes:
            size += _capture_mapping(attributes, max_bytes)
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
        entity_type, entity_id_attribute = opener.entity
        if entity_type is not None:
            entity = (entity_type, attributes.get(entity_id_attribute), name)
        if rare is not None:
            inherited, entity, size = self._take_rare(rare, inherited, entity, name, size)
        self._inherited = inherited
        self._entity = entity

        if input is not None:
            input = None if self._hides_input else snapshot(input, max_bytes)
            if type(input) is bytes:
                size += len(input)
            elif type(input) is str:
                size += string_bytes(input)
        time = (
            trace.clock_offset_ns + perf_counter_ns() if start_time is None or not _is_time(start_time) else start_time
        )

        self._id = span_id = getrandbits(64) or 1
        self._state = _RECORDING
        intake.started += 1
        intake.pending_bytes += size
        # fmt: off
        intake.events.append(
            (START, span_id, trace, parent_id, opener.type, name, time, inherited, entity, input, attributes, metadata, rare, size)
        )
        # fmt: on
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
            size += sum(map(len, correlation.values()))
        given = [rare.pop(field, None) for field in ENTITY_FIELDS]
        if any(value is not None for value in given):
            entity_type, entity_id, entity_name = (None if value is None else _name(value) for value in given)
            entity = (entity_type or self._opener.info.entity_type, entity_id, entity_name or name)
        self._hides_input = _is_on(rare.pop("hide_input", False))
        self._hides_output = _is_on(rare.pop("hide_output", False))
        if "is_event" in rare:
            rare["is_event"] = _is_on(rare["is_event"])
        output = rare.pop("output", None)
        if output is not None and not self._hides_output:
            rare["output"] = data = snapshot(output, self._tracer.max_payload_bytes)  # pyright: ignore[reportOptionalMemberAccess]
            size += _size(data)
        tags, links = rare.pop("tags", None), rare.pop("links", None)
        if tags is not None and (tags := _tags(tags)):
            rare["tags"] = tags
            size += sum(map(len, tags))
        if links is not None:
            links = links if isinstance(links, (list, tuple)) else [links]
            if links := [link for link in map(_link, links) if link is not None]:
                rare["links"] = links
                size += sum(map(_size, links))
        if not is_span_id(rare.get("external_parent_span_id")):
            rare.pop("external_parent_span_id", None)
        return inherited, entity, size

    def _sampled(self, tracer: Tracer, name: str, attributes: dict[str, Any], metadata: Any) -> bool:
        from spanbridge.protocols import SamplingInput  # noqa: PLC0415 - loads with the first sampler

        sampling_input = SamplingInput(
            self._trace.trace_id_hex,
            name,
            self._opener.type,
            {key: decode(value) for key, value in attributes.items()},
            {key: decode(value) for key, value in (metadata or {}).items()},
        )
        return tracer.sample is None or tracer.sample(sampling_input)

    def _emit(
        self, attributes: dict[str, Any] | None, output: Snapshot, changes: dict[str, Any] | None, size: int
    ) -> None:
        intake = self._tracer.intake  # pyright: ignore[reportOptionalMemberAccess]
        if intake.closed:
            intake.ignore("update_after_shutdown")
            return
        if intake.pending_bytes > intake.max_bytes:
            intake.ignore("payload_overflow")
            attributes, output, changes = _without_payload(output, changes, size)
            size = EVENT_OVERHEAD_BYTES
            if (output is None and not changes) or intake.pending_bytes > 2 * intake.max_bytes:
                return
        intake.pending_bytes += size
        intake.events.append((SET, self._id, attributes, output, changes, size))
        if intake.pending_bytes > intake.wake_bytes:
            intake.wake()

    def _end(self, status: str, end_time: int | None = None, error: dict[str, Any] | None = None) -> None:
        self._state = _ENDED
        intake = self._tracer.intake  # pyright: ignore[reportOptionalMemberAccess]
        if intake.closed:
            intake.ignore("end_after_shutdown")
            return
        time = (
            self._trace.clock_offset_ns + perf_counter_ns() if end_time is None or not _is_time(end_time) else end_time
        )
        intake.events.append((END, self._id, time, status, error))
        if intake.pending_bytes > intake.wake_bytes:
            intake.wake()

    def _end_with(self, error: BaseException) -> None:
        """Ends the span that `error` leaves."""
        try:
            status = status_of(error)
            if status == "ok":
                self._end(self._error_status or status)
            else:
                self._end(status, None, capture_exception(error))
        except Exception as failure:  # noqa: BLE001
            contain("span end", failure)
            self._end("error")

    def _leave_foreign_context(self) -> None:
        """The block was left in another context than it was entered in: undo there only what is ours."""
        if self._tracer is not None:
            self._tracer.intake.ignore("wrong_context")
        if ambient.get() is self:
            before = None if self._token is None else self._token.old_value
            ambient.set(None if self._token is None or before is self._token.MISSING else before)

    def _ignore(self, what: str) -> None:
        """Counts a call that changes nothing, unless nothing is recorded anyway."""
        if self._state == _ENDED:
            self._tracer.intake.ignore(f"{what}_after_end")  # pyright: ignore[reportOptionalMemberAccess]


def _given_parent(value: Any) -> Any:
    """The parent that the application gave; anything but a span that has started is passed over."""
    state = value._state if isinstance(value, Span) else _NEW  # pyright: ignore[reportPrivateUsage]
    return None if state == _NEW else SUPPRESSED if state == _SUPPRESSED else value


def _is_time(value: Any) -> bool:
    """Whether `value` is nanoseconds since the epoch that every store can hold."""
    return type(value) is int and 0 <= value < 2**63


def _is_on(value: Any) -> bool:
    """Whether an option is switched on; one that has no truth value is: what may have been meant to be hidden stays hidden."""
    try:
        return bool(value)
    except Exception:  # noqa: BLE001
        return True


def _trace_number(rare: dict[str, Any] | None) -> int:
    """The trace id that the application gave, or a new one."""
    given: Any = None if rare is None else rare.pop("trace_id", None)
    return int(given, 16) if is_trace_id(given) else new_trace_id()


def _ancestor_of(tracer: Tracer, span: Any) -> Any:
    """The nearest entered span of `tracer` (or `SUPPRESSED`), looking outwards from one that another configuration made."""
    while span is not None and span is not SUPPRESSED and span._tracer is not tracer:
        token = span._token
        span = None if token is None or token.old_value is token.MISSING else token.old_value
    return span


def _capture_mapping(values: dict[str, Any], max_bytes: int) -> int:
    """Replaces each value of an own mapping by its snapshot; returns their size in bytes."""
    size = 0
    for key, value in values.items():
        cls = type(value)
        if cls is str and len(value) <= max_bytes:
            size += len(value)
        elif cls not in _SMALL:
            values[key] = data = snapshot(value, max_bytes)
            size += _size(data)
    return size


def _size(data: Snapshot) -> int:
    """Bytes that a snapshot holds."""
    cls = type(data)
    return len(data) if cls is bytes else string_bytes(data) if cls is str else 0  # pyright: ignore[reportArgumentType]


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
    """Up to 1,000 tags as strings; what is no collection is one tag."""
    if not isinstance(tags, (list, tuple, set, frozenset)):
        return [_name(tags)]
    return [_name(tag) for tag in islice(tags, 1000)]


def _link(link: Any) -> Snapshot:
    """A link as JSON bytes: of a span, or of a mapping with trace_id and span_id."""
    if isinstance(link, Span):
        return snapshot({"trace_id": link.trace_id, "span_id": link.span_id}) if link.trace_id else None
    return snapshot(link)


def _name(value: Any) -> str:
    """A text from anything that should have been one."""
    cls = type(value)
    if cls is str:
        return value
    if cls is int or cls is float or cls is bool:
        return str(value)
    return str.__str__(value) if isinstance(value, str) else type_marker(value)


def _without_payload(
    output: Snapshot, changes: dict[str, Any] | None, size: int
) -> tuple[None, Snapshot, dict[str, Any]]:
    """The same change when memory is full: payloads withheld whole, the structure kept."""
    changes = changes or {}
    kept = {key: value for key, value in changes.items() if key in {"name", "tags", "error"}}
    if "input" in changes:
        kept["input"] = truncated(size)
    return None, None if output is None else truncated(size), kept
