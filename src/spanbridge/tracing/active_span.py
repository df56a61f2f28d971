"""A span while the application holds it: everything here runs on the caller's thread.

The caller's side keeps no data: it takes snapshots and appends events (`intake.py`); the pipeline holds what was recorded. Nothing
raises into the application, and a call that cannot be honoured is counted.
"""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from sys import (
    _getframe,  # pyright: ignore[reportPrivateUsage] - the documented one; a name of the module, because it is called for every block
    exc_info,
)
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from spanbridge.containment import contain
from spanbridge.model.conversions import type_name
from spanbridge.model.hidden_exceptions import HIDDEN, may_quote
from spanbridge.model.identifiers import span_id_hex
from spanbridge.model.payload import Snapshot, snapshot
from spanbridge.tracing.body import Body
from spanbridge.tracing.captured import (
    capture_mapping,
    is_time,
    misused,
    own_mapping,
    snapshot_bytes,
    tag_list,
    text,
    without_payload,
)
from spanbridge.tracing.context import (
    ENDED,
    ENTERING,
    GENERATOR_FLAGS,
    NEW,
    RECORDING,
    SILENT,
    Ready,
    Scope,
    get_ambient,
    reset_ambient,
    set_ambient,
)
from spanbridge.tracing.exceptions import capture_exception, status_of
from spanbridge.tracing.intake import END, EVENT_OVERHEAD_BYTES, SET
from spanbridge.tracing.starting import drop, start
from spanbridge.tracing.visibility import NO_INPUT, NO_OUTPUT, QUOTES_NOTHING, hidden_by, hidden_names, without_content

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from spanbridge.model.span_types import SpanType
    from spanbridge.tracing.iteration import Iteration
    from spanbridge.tracing.opener import Opener
    from spanbridge.tracing.tracer import Entity, Inherited, Tracer, TraceState

P = ParamSpec("P")
R = TypeVar("R")

_IDENTIFIED = frozenset({RECORDING, ENDED})
_END_STATUSES = frozenset({"ok", "error", "cancelled"})
_RARE_CHANGES = frozenset({"hide_input", "hide_output", "input", "metadata", "name", "tags"})
"""What few calls of `set` give; looked for together, so that the others do not pay for them."""


def _nothing_yet() -> None:
    """In the place of a stream: what the span records has not run yet, see `go_on_later`."""


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
    _hides = 0
    """What is not captured; see `visibility`."""
    _id: int
    _inherited: Inherited | None
    _is_hidden = False
    """Whether no exit gets the span; its children attach to `_visible_parent`."""
    _retries = 0
    """Of the attempts at it; see `attempts`."""
    _stream: Callable[[], Any] | None = None
    """The stream that the span records, while it is not exhausted."""
    _trace: TraceState
    _visible_parent: tuple[int | None, str | None]
    """Of a hidden span: the id of the nearest visible ancestor; where there is none, that of a parent that another tracer owns."""

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
        outer = get_ambient()
        if self._state == NEW:
            tracer = self._opener.slot.tracer
            if (
                outer is not None
                and outer._state == SILENT
                and outer._parent_for is tracer
                and "parent" not in self._options
            ):
                # Its parent stays ambient in its place: to what starts inside they are the same.
                self._state = SILENT
                if tracer is not None:
                    intake = tracer.intake
                    intake.started += 1
                    intake.dropped[outer._dropped_as] += 1
                return self
            self._state = SILENT
            self._tracer = self._parent_for = tracer
            if tracer is not None:
                # What `_open` does, without the call.
                try:
                    start(self, tracer, outer)
                except Exception as error:  # noqa: BLE001
                    contain("span start", error)
                    drop(self, tracer.intake, "internal_error")
        elif self._state == ENDED:
            self._ignore("enter")
        # What `_enter_block` does, without the call.
        token = set_ambient(self)
        if self._token is None:
            self._token = token
        if outer is not None and not outer._plain:
            self._stand_over(outer)
        code = _getframe(1).f_code
        if code is not self._opener.plain_code:
            if code.co_flags & GENERATOR_FLAGS or code.co_name in ENTERING:
                self._stand_in(_getframe(1))
            else:
                self._opener.plain_code = code
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._plain and get_ambient() is self:
            try:
                reset_ambient(self._token)  # pyright: ignore[reportArgumentType] - None, where it was not entered, is caught too
                # It holds the span around, that one's the next, and so on, for as long as a late task holds this one.
                self._token = None
            except (ValueError, RuntimeError, TypeError):  # entered in the context that this one is a copy of
                self._leave_block()
        elif self._state != SILENT or self._token is not None:
            self._leave_block()
        if self._state != RECORDING or (self._stream is not None and self._is_left_to_stream()):
            return
        if exc is not None:
            try:
                self._end_with(exc)
            except RecursionError:  # as deep as the application is, nothing else can be called
                self._state = ENDED
                time = self._trace.clock_offset_ns + perf_counter_ns()
                self._tracer.intake.events.extend((END, self._id, time, "error", None))  # pyright: ignore[reportOptionalMemberAccess]
            return
        # What self._end("ok") does, without the call.
        self._state = ENDED
        intake = self._tracer.intake  # pyright: ignore[reportOptionalMemberAccess]
        time = self._trace.clock_offset_ns + perf_counter_ns()
        if intake.closed:
            intake.ignore("end_after_shutdown")
            return
        intake.events.extend((END, self._id, time, self._error_status or "ok", None))
        if intake.pending_bytes > intake.wake_bytes:
            intake.wake()

    def __aenter__(self) -> Ready[Self]:
        if self._state == NEW:
            self._open(get_ambient())
        elif self._state == ENDED:
            self._ignore("enter")
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

    def set(self, *, output: Any = None, **attributes: Any) -> None:
        """Records what is known now: replaces `input`, `output`, `tags` and `name`, merges `metadata` and the typed attributes.

        None means "not given". `hide_input` and `hide_output` are the opener's; what was recorded before goes too, unless the span was
        written while it runs.
        """
        if self._state != RECORDING:
            self._ignore("update")
            return
        try:
            tracer: Tracer = self._tracer  # pyright: ignore[reportAssignmentType] - what records has one
            max_bytes = tracer.max_payload_bytes
            size = EVENT_OVERHEAD_BYTES
            changes: dict[str, Any] | None = None
            if attributes:
                if not _RARE_CHANGES.isdisjoint(attributes):
                    changes, rare_bytes = self._take_rare_changes(attributes, max_bytes)
                    size += rare_bytes
                if self._hides:
                    attributes = without_content(attributes, self._hides)
                size += capture_mapping(attributes, max_bytes)
            if output is not None:
                output = None if self._hides & NO_OUTPUT else snapshot(output, max_bytes)
                size += len(output) if type(output) is bytes else snapshot_bytes(output)
            intake = tracer.intake
            if intake.pending_bytes > intake.max_bytes:
                self._emit(attributes, output, changes, size)
                return
            # What `_emit` does else, without the call.
            intake.pending_bytes += size
            intake.events.extend((SET, self._id, attributes or None, output, changes, size))
            if intake.pending_bytes > intake.wake_bytes:
                intake.wake()
        except Exception as error:  # noqa: BLE001
            contain("span.set", error)

    def event(self, name: str, attributes: Mapping[str, Any] | None = None, *, time: int | None = None) -> None:
        """Records that something happened now, or at `time` (nanoseconds since the epoch)."""
        if self._state != RECORDING:
            self._ignore("event")
            return
        try:
            if attributes is None or self._hides:
                attributes = {}
            data = snapshot(attributes, self._tracer.max_payload_bytes)  # pyright: ignore[reportOptionalMemberAccess]
            at = time if is_time(time) else self._trace.clock_offset_ns + perf_counter_ns()
            self._emit(None, None, {"event": (text(name), at, data)}, EVENT_OVERHEAD_BYTES + snapshot_bytes(data))
        except Exception as error:  # noqa: BLE001
            contain("span.event", error)

    def error(self, error: BaseException | type[BaseException] | str, *, end: bool = False) -> None:
        """Records an exception (or its class, or a message) on the span and sets its status; ends it too if `end` is true."""
        if self._state != RECORDING:
            self._ignore("error")
            return
        try:
            self._error_status = "error"
            if isinstance(error, BaseException):
                captured = capture_exception(error, hides=bool(self._hides & QUOTES_NOTHING))
            elif isinstance(error, type) and issubclass(error, BaseException):  # pyright: ignore[reportUnnecessaryIsInstance] - any class may come
                captured = {"type": type_name(error), "message": ""}
            else:
                hides = self._hides & QUOTES_NOTHING or may_quote(exc_info()[1])
                captured = {"type": "Error", "message": HIDDEN if hides else text(error)}
            self._emit(None, None, {"error": captured}, EVENT_OVERHEAD_BYTES + len(captured["message"]))
            if end:
                self._end("error")
        except Exception as failure:  # noqa: BLE001
            contain("span.error", failure)

    def end(self, *, end_time: int | None = None, status: str | None = None, **changes: Any) -> None:
        """Ends the span, recording what `set` takes. A second call changes nothing and is counted.

        Args:
            end_time: Nanoseconds since the epoch; absent: now.
            status: "ok", "error" or "cancelled"; absent: "error" after `span.error(...)`, else "ok".
        """
        if self._state != RECORDING:
            self._ignore("end")
            return
        if changes:
            self.set(**changes)
        if self._stream is not None and (stream := self._stream()) is not None:
            stream.break_off()
        intake = self._tracer.intake  # pyright: ignore[reportOptionalMemberAccess]
        given = isinstance(status, str) and status in _END_STATUSES
        if status is not None and not given:
            misused(intake, "status", status, '"ok", "error" or "cancelled"')
        if end_time is not None and not is_time(end_time):
            misused(intake, "end_time", end_time, "nanoseconds since the epoch, a whole number")
            end_time = None
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

    def _take_rare_changes(self, given: dict[str, Any], max_bytes: int) -> tuple[dict[str, Any], int]:
        """Takes what few calls give `set` out of what it was given: the snapshots of it, and their bytes."""
        changes: dict[str, Any] = {}
        size = 0
        if "hide_input" in given or "hide_output" in given:
            self._hide(given)
        input, metadata, tags, name = [given.pop(option, None) for option in ("input", "metadata", "tags", "name")]
        if input is not None and not self._hides & NO_INPUT:
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
        return changes, size

    def _leave_block(self) -> None:
        """Leaves a block that is not simply the innermost one."""
        wrong = self._leave_counted()
        if self._tracer is not None and wrong is not None:
            self._tracer.intake.ignore(wrong)

    def _open(self, parent: Any) -> None:
        """Starts the span; `parent` is what is ambient."""
        self._state = SILENT
        self._tracer = self._parent_for = tracer = self._opener.slot.tracer
        if tracer is None:
            return
        try:
            start(self, tracer, parent)
        except Exception as error:  # noqa: BLE001
            contain("span start", error)
            drop(self, tracer.intake, "internal_error")

    def _emit(
        self,
        attributes: dict[str, Any] | None,
        output: Snapshot,
        changes: dict[str, Any] | None,
        size: int,
        to: int | None = None,
    ) -> None:
        """Sends a change after the span, or after the one with the id `to`."""
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
        intake.events.extend((SET, to or self._id, attributes, output, changes, size))
        if intake.pending_bytes > intake.wake_bytes:
            intake.wake()

    def _hide(self, options: dict[str, Any]) -> None:
        """Hides what two of `options` say, from now on, and takes back what the pipeline holds of it; takes them out."""
        before = self._hides
        self._hides |= hidden_by(options, self._trace, self._tracer)  # pyright: ignore[reportArgumentType]
        if self._hides != before:
            self._emit(
                {"hidden": snapshot(hidden_names(self._hides))}, None, {"hide": self._hides}, EVENT_OVERHEAD_BYTES
            )

    def _end(self, status: str, end_time: int | None = None, error: dict[str, Any] | None = None) -> None:
        self._state = ENDED
        intake = self._tracer.intake  # pyright: ignore[reportOptionalMemberAccess]
        if intake.closed:
            intake.ignore("end_after_shutdown")
            return
        time = self._trace.clock_offset_ns + perf_counter_ns() if end_time is None else end_time
        intake.events.extend((END, self._id, time, status, error))
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
                self._end(status, None, capture_exception(error, hides=bool(self._hides & QUOTES_NOTHING)))
        except Exception as failure:  # noqa: BLE001
            self._end("error")
            contain("span end", failure)

    def new_body(self) -> Body:
        """For a stream's source that the span is to be current in."""
        return Body(self)

    def new_iteration(self, items: Any) -> Iteration:
        """For the body of a decorated generator; `items` takes what it yields."""
        from spanbridge.tracing.iteration import Iteration  # noqa: PLC0415 - loads with the first decorated generator

        return Iteration(self, items)

    def go_on_later(self) -> None:
        """Within the span's own block: the block's end does not end the span, which is entered again."""
        self._stream = _nothing_yet

    def leave_to_stream(self, result: Any, *, with_output: bool) -> bool:
        """Leaves the span to `result` to end, if that is the stream which the span records."""
        stream = None if self._stream is None else self._stream()
        return stream is not None and result is stream and stream.take_span(with_output=with_output)

    def _is_left_to_stream(self) -> bool:
        """Called where the span ends while the stream that it records is open: what was received is recorded first.

        True where the stream goes on and ends the span.
        """
        if self._stream is _nothing_yet:
            self._stream = None
            return True
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
