"""A span while the application holds it: everything here runs on the caller's thread.

The caller's side keeps no data: it takes snapshots and appends events (`intake.py`); the pipeline holds what was recorded. Nothing
raises into the application, and a call that cannot be honoured is counted.
"""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from sys import _getframe  # pyright: ignore[reportPrivateUsage] - the documented one; a name of the module, because it is called for every block
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from spanbridge.containment import contain
from spanbridge.model.identifiers import getrandbits, is_span_id, is_trace_id, new_trace_id, span_id_hex
from spanbridge.model.payload import Snapshot, snapshot, string_bytes
from spanbridge.model.span import CORRELATION_FIELDS, ENTITY_FIELDS
from spanbridge.tracing.captured import (
    capture_mapping,
    is_on,
    is_time,
    own_mapping,
    snapshot_bytes,
    tag_list,
    text,
    without_payload,
)
from spanbridge.tracing.clock import clock_offset_ns
from spanbridge.tracing.context import (
    ENDED,
    GENERATOR_FLAGS,
    NEW,
    RECORDING,
    SILENT,
    SUPPRESSED,
    Ready,
    Scope,
    ambient,
    first_in_force,
)
from spanbridge.tracing.exceptions import capture_exception, status_of
from spanbridge.tracing.intake import END, EVENT_OVERHEAD_BYTES, SET, SPAN_OVERHEAD_BYTES, START
from spanbridge.tracing.tracer import TraceState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from weakref import ref

    from typing_extensions import Self

    from spanbridge.model.span_types import SpanType
    from spanbridge.tracing.intake import Intake
    from spanbridge.tracing.opener import Opener
    from spanbridge.tracing.propagation import RemoteParent
    from spanbridge.tracing.tracer import Entity, Inherited, Tracer

P = ParamSpec("P")
R = TypeVar("R")

_IDENTIFIED = frozenset({RECORDING, ENDED})
_END_STATUSES = frozenset({"ok", "error", "cancelled"})
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


class Span(Scope):
    """One span: a context manager (`with`, `async with`), a decorator, or opened by hand and ended with `end()`.

    Made by the openers (`spanbridge.agent_run`, `spanbridge.tool_call`, ...) and by `spanbridge.start_span`. All methods may be called
    from any thread, at any time, also where nothing is recorded.
    """

    # Defaults stand on the class: a span sets only what it needs.
    name: str | None
    _by_hand = False
    """Opened with `start_span`: ended by hand, or by the stream that it records."""
    _dropped_as = "internal_error"
    _entity: Entity | None
    _error_status: str | None = None
    _hides_input = False
    _hides_output = False
    _id: int
    _inherited: Inherited | None
    _stream: ref[Any] | None = None
    """The stream that the span records, while it is not exhausted."""
    _trace: TraceState

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
        return self._state == RECORDING

    def __repr__(self) -> str:
        state = ("not started", "recording", "ended", "not recorded", "not recorded")[self._state]
        return f"<Span {self._opener.type.value} {self.name!r} {state}>"

    # --- context manager and decorator ------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        if self._state == NEW:
            self._open()
        # What `_enter_block` does, without the call.
        outer = ambient.get()
        token = ambient.set(self)
        if self._token is None:
            self._token = token
        if outer is not None and not outer._plain:
            self._stand_over(outer)
        frame = _getframe(1)
        if frame.f_code.co_flags & GENERATOR_FLAGS:
            self._stand_in(frame)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._plain and ambient.get() is self:
            try:
                ambient.reset(self._token)  # pyright: ignore[reportArgumentType] - None, where it was not entered, is caught too
            except (ValueError, RuntimeError, TypeError):  # entered in the context that this one is a copy of
                self._leave_block()
        else:
            self._leave_block()
        if self._state == RECORDING:
            if self._stream is not None and self._is_left_to_stream():
                return
            if exc is None:
                # What self._end("ok") does, without the call.
                self._state = ENDED
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

    def __aenter__(self) -> Ready[Self]:
        if self._state == NEW:
            self._open()
        self._enter_block(_getframe(1))
        return Ready(self)

    def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> Ready[None]:
        self.__exit__(exc_type, exc, traceback)
        return Ready(None)

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
        if self._state != RECORDING:
            self._ignore("update")
            return
        try:
            max_bytes = self._tracer.max_payload_bytes  # pyright: ignore[reportOptionalMemberAccess]
            size = EVENT_OVERHEAD_BYTES
            if attributes:
                size += capture_mapping(attributes, max_bytes)
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
                    size += snapshot_bytes(data)
                if metadata is not None:
                    changes["metadata"] = owned = own_mapping(metadata)
                    size += capture_mapping(owned, max_bytes)
                if tags is not None:
                    changes["tags"] = tags = tag_list(tags)
                    size += sum(map(len, tags))
                if name is not None:
                    changes["name"] = self.name = name = text(name)
                    size += len(name)
            self._emit(attributes, output, changes, size)
        except Exception as error:  # noqa: BLE001
            contain("span.set", error)

    def event(self, name: str, attributes: Mapping[str, Any] | None = None, *, time: int | None = None) -> None:
        """Records that something happened now, or at `time` (nanoseconds since the epoch)."""
        if self._state != RECORDING:
            self._ignore("event")
            return
        try:
            data = snapshot({} if attributes is None else attributes, self._tracer.max_payload_bytes)  # pyright: ignore[reportOptionalMemberAccess]
            at = time if is_time(time) else self._trace.clock_offset_ns + perf_counter_ns()
            self._emit(None, None, {"event": (text(name), at, data)}, EVENT_OVERHEAD_BYTES + snapshot_bytes(data))
        except Exception as error:  # noqa: BLE001
            contain("span.event", error)

    def error(self, error: BaseException | str, *, end: bool = False) -> None:
        """Records an exception (or a message) on the span and sets its status; ends it too if `end` is true."""
        if self._state != RECORDING:
            self._ignore("error")
            return
        try:
            self._error_status = "error"
            is_exception = isinstance(error, BaseException)
            captured = capture_exception(error) if is_exception else {"type": "Error", "message": text(error)}
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
        if self._state != RECORDING:
            self._ignore("end")
            return
        if attributes or not (input is None and output is None and metadata is None and tags is None and name is None):
            self.set(input=input, output=output, metadata=metadata, tags=tags, name=name, **attributes)
        if self._stream is not None and (stream := self._stream()) is not None:
            stream.break_off()
        given = isinstance(status, str) and status in _END_STATUSES
        self._end(str(status) if given else self._error_status or "ok", end_time)

    def stream(self, iterable: Any) -> Any:
        """Passes the items of a model's stream on, unchanged, and records what they hold; for `for` or `async for`, as `iterable` is.

        Recorded are the joined text as the output, `chunk_count`, `incomplete` where the stream was not exhausted, and for a model's span
        `streaming`, `completion_start_time`, and what the chunks say of usage, finish reason, model and response id. A span that was
        opened by hand ends with the stream; inside a `with` block only the block ends the span.
        """
        from spanbridge.tracing.stream import open_stream  # noqa: PLC0415 - loads with the first stream

        return open_stream(self, iterable)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _leave_block(self) -> None:
        """Leaves a block that is not simply the innermost one."""
        wrong = self._leave_counted()
        if self._tracer is not None and wrong is not None:
            self._tracer.intake.ignore(wrong)

    def _open(self) -> None:
        self._state = SILENT
        self._tracer = self._parent_for = tracer = self._opener.slot.tracer
        if tracer is None:
            return
        try:
            self._start(tracer)
        except Exception as error:  # noqa: BLE001
            contain("span start", error)
            self._drop(tracer.intake, "internal_error")

    def _start(self, tracer: Tracer) -> None:
        intake = tracer.intake
        parent = ambient.get()
        if parent is not None and parent._parent_for is not tracer:
            parent = _usable_parent(tracer, parent)
        # The opener's keyword arguments; without the options, taken out here, they are the typed attributes.
        attributes = self._options
        input = metadata = start_time = rare = None
        if attributes:
            if parent is not None and parent._state == SILENT and "parent" not in attributes:
                self._share_fate(parent)
                return
            input = attributes.pop("input", None)
            if not _RARE_OPTIONS.isdisjoint(attributes):
                rare = {option: attributes.pop(option) for option in _RARE_OPTIONS if option in attributes}
                metadata, start_time = rare.pop("metadata", None), rare.pop("start_time", None)
                given = rare.pop("parent", None)
                if given is not None and (parent is None or parent._state != SUPPRESSED):
                    parent = _given_parent(tracer, given) or parent
        remote = None
        if parent is not None and parent._state > ENDED:
            if parent._state == SUPPRESSED:
                self._state = SUPPRESSED
                return
            if parent._state == SILENT:
                self._share_fate(parent)
                return
            parent, remote = None, parent
        if intake.pending_bytes > intake.max_bytes or intake.closed:
            self._drop(intake, "shutdown" if intake.closed else "queue_overflow")
            return

        opener = self._opener
        name = self.name
        if type(name) is not str:
            if name is None:
                name = attributes.pop("name", None)  # given by keyword
            self.name = name = opener.default_name(attributes) if name is None else text(name)
        if parent is None:
            self._trace = trace = TraceState(_trace_number(rare, remote), clock_offset_ns(), remote)
            if tracer.sample is not None and not self._is_sampled(tracer, trace, name, attributes, metadata):
                self._drop(intake, "sample_rate")
                return
            parent_id = inherited = entity = None
            if remote is not None:
                inherited = remote.inherited
                rare = {} if rare is None else rare
                rare.setdefault("external_parent_span_id", span_id_hex(remote.span_id))
        else:
            parent_id = parent._id
            inherited = parent._inherited
            entity = parent._entity
            self._trace = trace = parent._trace
        size = SPAN_OVERHEAD_BYTES + len(name)
        max_bytes = tracer.max_payload_bytes
        if attributes:
            size += capture_mapping(attributes, max_bytes)
        if metadata is not None:
            metadata = own_mapping(metadata)
            size += capture_mapping(metadata, max_bytes)

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
            trace.clock_offset_ns + perf_counter_ns() if start_time is None or not is_time(start_time) else start_time
        )

        self._id = span_id = getrandbits(64) or 1
        self._state = RECORDING
        intake.started += 1
        intake.pending_bytes += size
        # fmt: off
        intake.events.append(
            (START, span_id, trace, parent_id, opener.type, name, time, inherited, entity, input, attributes, metadata, rare, size)
        )
        # fmt: on
        if intake.pending_bytes > intake.wake_bytes:
            intake.wake()

    def _share_fate(self, parent: Span) -> None:
        """The parent is not recorded, so this span is not either, for the same reason."""
        if parent._dropped_as == "sample_rate":
            self._trace = parent._trace  # what `inject` tells the other side
        self._drop(self._tracer.intake, parent._dropped_as)  # pyright: ignore[reportOptionalMemberAccess]

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
        correlation = {field: text(rare.pop(field)) for field in CORRELATION_FIELDS if rare.get(field) is not None}
        if correlation:
            inherited = correlation if inherited is None else {**inherited, **correlation}
            size += sum(map(len, correlation.values()))
        given = [rare.pop(field, None) for field in ENTITY_FIELDS]
        if any(value is not None for value in given):
            entity_type, entity_id, entity_name = (None if value is None else text(value) for value in given)
            entity = (entity_type or self._opener.info.entity_type, entity_id, entity_name or name)
        self._hides_input = is_on(rare.pop("hide_input", False))
        self._hides_output = is_on(rare.pop("hide_output", False))
        if "is_event" in rare:
            rare["is_event"] = is_on(rare["is_event"])
        output = rare.pop("output", None)
        if output is not None and not self._hides_output:
            rare["output"] = data = snapshot(output, self._tracer.max_payload_bytes)  # pyright: ignore[reportOptionalMemberAccess]
            size += snapshot_bytes(data)
        tags, links = rare.pop("tags", None), rare.pop("links", None)
        if tags is not None and (tags := tag_list(tags)):
            rare["tags"] = tags
            size += sum(map(len, tags))
        if links is not None:
            links = links if isinstance(links, (list, tuple)) else [links]
            if links := [link for link in map(_link, links) if link is not None]:
                rare["links"] = links
                size += sum(map(snapshot_bytes, links))
        if not is_span_id(rare.get("external_parent_span_id")):
            rare.pop("external_parent_span_id", None)
        return inherited, entity, size

    def _is_sampled(
        self, tracer: Tracer, trace: TraceState, name: str, attributes: dict[str, Any], metadata: Any
    ) -> bool:
        """Asks the sampler, before anything is captured; `trace` is the span's, which is a local root."""
        from spanbridge.protocols import SamplingInput  # noqa: PLC0415 - loads with the first sampler

        return tracer.sample is None or tracer.sample(
            SamplingInput(trace.trace_id_hex, name, self._opener.type, dict(attributes), own_mapping(metadata or {}))
        )

    def _emit(
        self, attributes: dict[str, Any] | None, output: Snapshot, changes: dict[str, Any] | None, size: int
    ) -> None:
        intake = self._tracer.intake  # pyright: ignore[reportOptionalMemberAccess]
        if intake.closed:
            intake.ignore("update_after_shutdown")
            return
        if intake.pending_bytes > intake.max_bytes:
            intake.ignore("payload_overflow")
            attributes, output, changes = without_payload(output, changes, size)
            size = EVENT_OVERHEAD_BYTES
            if (output is None and not changes) or intake.pending_bytes > 2 * intake.max_bytes:
                return
        intake.pending_bytes += size
        intake.events.append((SET, self._id, attributes, output, changes, size))
        if intake.pending_bytes > intake.wake_bytes:
            intake.wake()

    def _end(self, status: str, end_time: int | None = None, error: dict[str, Any] | None = None) -> None:
        self._state = ENDED
        intake = self._tracer.intake  # pyright: ignore[reportOptionalMemberAccess]
        if intake.closed:
            intake.ignore("end_after_shutdown")
            return
        time = (
            self._trace.clock_offset_ns + perf_counter_ns() if end_time is None or not is_time(end_time) else end_time
        )
        intake.events.append((END, self._id, time, status, error))
        if intake.pending_bytes > intake.wake_bytes:
            intake.wake()

    def _end_with(self, error: BaseException) -> None:
        """Ends the span that `error` leaves."""
        try:
            status = status_of(error)
            if isinstance(error, GeneratorExit):
                self.set(incomplete="closed")
            if status == "ok":
                self._end(self._error_status or status)
            else:
                self._end(status, None, capture_exception(error))
        except Exception as failure:  # noqa: BLE001
            contain("span end", failure)
            self._end("error")

    def leave_to_stream(self, result: Any) -> bool:
        """Leaves the span to `result` to end, if that is the stream which the span records."""
        stream = None if self._stream is None else self._stream()
        return stream is not None and result is stream and stream.take_span()

    def _is_left_to_stream(self) -> bool:
        """Called where the span ends while the stream that it records is open: what was received is recorded first.

        True where the stream goes on and ends the span.
        """
        stream = None if self._stream is None else self._stream()
        if stream is not None and stream.owns_span:
            return True
        self._stream = None
        if stream is not None:
            stream.break_off()
        return False

    def _ignore(self, what: str) -> None:
        """Counts a call that changes nothing, unless nothing is recorded anyway."""
        if self._state == ENDED:
            self._tracer.intake.ignore(f"{what}_after_end")  # pyright: ignore[reportOptionalMemberAccess]


def _usable_parent(tracer: Tracer, scope: Any) -> Any:
    """The nearest scope from `scope` outwards that a span of `tracer` can start in; a span of another configuration is passed over."""
    while (scope := first_in_force(scope)) is not None and scope._tracer is not tracer and scope._state < SUPPRESSED:
        scope = scope._outer()
    return scope


def _given_parent(tracer: Tracer, value: Any) -> Any:
    """The parent that the application gave; anything but a span that has started is passed over."""
    if not isinstance(value, Scope) or value._state == NEW:  # pyright: ignore[reportPrivateUsage]
        return None
    return value if value._tracer is tracer or value._state >= SUPPRESSED else _usable_parent(tracer, value._outer())  # pyright: ignore[reportPrivateUsage]


def _trace_number(rare: dict[str, Any] | None, remote: RemoteParent | None) -> int:
    """The trace id that the application gave, the remote parent's, or a new one."""
    given: Any = None if rare is None else rare.pop("trace_id", None)
    return int(given, 16) if is_trace_id(given) else new_trace_id() if remote is None else remote.trace_id


def _link(link: Any) -> Snapshot:
    """A link as JSON bytes: of a span, or of a mapping with trace_id and span_id."""
    if isinstance(link, Span):
        return snapshot({"trace_id": link.trace_id, "span_id": link.span_id}) if link.trace_id else None
    return snapshot(link)
