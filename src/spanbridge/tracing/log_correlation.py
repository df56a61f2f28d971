"""Log records and spans: ids of the current span on each record, and what is worth it stored with the span.

    sb.instrument_logging()                                           # both, for all loggers
    handler.addFilter(sb.TraceContextFilter())                        # ids only: "%(trace_id)s %(span_id)s"
    logging.getLogger("app").addHandler(sb.SpanLogHandler("ERROR"))   # stored only
    structlog.configure(processors=[sb.StructlogProcessor(), ...])    # both, for structlog

A stored record is an event of the span, named "log", with the attributes level, logger, message, and where there are any `extra` and
`exception`; it passes the processors and the sensitive-data filter as all content does.
"""

# Log records and event dictionaries hold values of any type; it is a part of the span, in a file of its own.
# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import logging
import sys
from functools import wraps
from threading import Lock
from time import time_ns
from typing import TYPE_CHECKING, Any

from spanbridge.containment import contain, logger
from spanbridge.errors import ConfigurationError
from spanbridge.model.conversions import type_marker
from spanbridge.model.hidden_exceptions import HIDDEN, may_quote
from spanbridge.model.identifiers import span_id_hex
from spanbridge.tracing.captured import capture_mapping, own_mapping, text
from spanbridge.tracing.context import ENDED, RECORDING, innermost
from spanbridge.tracing.exceptions import capture_exception
from spanbridge.tracing.intake import EVENT_OVERHEAD_BYTES
from spanbridge.tracing.visibility import QUOTES_NOTHING, visible_id

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from spanbridge.tracing.active_span import Span

UNFORMATTED = " [its arguments cannot be formatted]"
"""After a message that stands as it was written."""


class TraceContextFilter(logging.Filter):
    """Puts `trace_id` and `span_id` of the current span on every record that passes; both are "" outside of spans.

    A record that has them already keeps them: one that a queue brought here, or whose logger was given an `extra` of that name.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets every record pass."""
        _identify(record)
        return True


class SpanLogHandler(logging.Handler):
    """Stores records with the span that is current where they are handled: not behind a queue, whose listener has none.

    Those of spanbridge itself are left out.
    """

    def __init__(self, level: int | str = logging.WARNING) -> None:
        """`level`: the lowest that is stored, as a number or a name. Raises ConfigurationError for another."""
        super().__init__(_checked_level(level))

    def handle(self, record: logging.LogRecord) -> Any:
        """Without the lock of other handlers: storing appends to a queue, and a signal handler may log while its thread is in here."""
        passes: Any = self.filter(record)  # since Python 3.12 a filter may return another record
        if passes:
            self.emit(passes if isinstance(passes, logging.LogRecord) else record)
        return passes

    def emit(self, record: logging.LogRecord) -> None:
        """Never raises, and waits for nothing."""
        _store_record(record)


class StructlogProcessor:
    """A structlog processor: ids on every event dictionary, and those of a level stored with the current span.

    It stands before the processors that render, so that it sees values as they were logged.
    """

    def __init__(self, level: int | str | None = logging.WARNING) -> None:
        """`level`: the lowest that is stored; None: none, as where structlog's events reach a `SpanLogHandler` anyway."""
        self._level = sys.maxsize if level is None else _checked_level(level)

    def __call__(self, _logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Returns `event`, with trace_id and span_id where there is a current span."""
        span = _recording_span()
        if span is None:
            return event
        level = _LEVELS.get(method, logging.INFO)
        if level >= self._level and not _reaches_logging(_logger, level):
            try:
                extra = {name: value for name, value in event.items() if name not in {"event", "exc_info"}}
                error = _error_of(event.get("exc_info"), method)
                name = "" if (named := getattr(_logger, "name", None)) is None else text(named)
                _store(span, logging.getLevelName(level), name, text(event.get("event", "")), time_ns(), extra, error)
            except Exception as failure:  # noqa: BLE001 - a foreign dictionary
                contain("storing a log record", failure)
        trace_id, span_id = current_ids()
        event.setdefault("trace_id", trace_id)
        if span_id:
            event.setdefault("span_id", span_id)
        return event


def current_ids() -> tuple[str, str]:
    """Trace id and span id of the current span, as they are stored; "" where there is none that an exit gets."""
    span = innermost()
    if span is None or not RECORDING <= span._state <= ENDED:
        return "", ""
    shown = visible_id(span)
    return span._trace.trace_id_hex, "" if shown is None else span_id_hex(shown)


def instrument_logging(level: int | str | None = logging.WARNING) -> None:
    """Puts ids on the records of all loggers, and stores those of at least `level` with the current span.

    The application's own handlers and their settings stay as they are: records are looked at before any handler gets them. Calling it
    again changes the level; `uninstrument_logging` undoes it. Raises ConfigurationError for an unknown level.

    Args:
        level: The lowest level that is stored, as a number or a name ("ERROR"); None: nothing is.
    """
    checked = sys.maxsize if level is None else _checked_level(level)
    with _instrumenting:
        _uninstrument()
        _instrumented.append(_Instrumentation(checked))


def uninstrument_logging() -> None:
    """Undoes `instrument_logging`; does nothing where it was not called."""
    with _instrumenting:
        _uninstrument()


class _Instrumentation:
    """In the place of `logging.Logger.callHandlers`, which every record of every logger passes."""

    def __init__(self, level: int) -> None:
        self.level = level
        """The lowest that is stored; above every level where nothing is, or where it is undone and others stand around it."""
        self.is_on = True
        self.original = original = logging.Logger.callHandlers

        @wraps(original)
        def call_handlers(log: logging.Logger, record: logging.LogRecord) -> None:
            if self.is_on:
                _identify(record)
                if record.levelno >= self.level:
                    _store_record(record)
            original(log, record)

        self.installed = call_handlers
        logging.Logger.callHandlers = call_handlers  # pyright: ignore[reportAttributeAccessIssue] - `self` is this object's

    def undo(self) -> None:
        """Puts the method back; where somebody else stands around ours, it stays and does nothing."""
        self.is_on = False
        if logging.Logger.callHandlers is self.installed:
            logging.Logger.callHandlers = self.original


_instrumenting = Lock()
_instrumented: list[_Instrumentation] = []


def _uninstrument() -> None:
    while _instrumented:
        _instrumented.pop().undo()


def _identify(record: logging.LogRecord) -> None:
    known = vars(record)
    if "trace_id" not in known or "span_id" not in known:
        trace_id, span_id = current_ids()
        known.setdefault("trace_id", trace_id)
        known.setdefault("span_id", span_id)


def _store_record(record: logging.LogRecord) -> None:
    """Stores a record of logging with the current span, once."""
    if record.name == logger.name or record.name.startswith(logger.name + "."):
        return
    span = _recording_span()
    if span is None or vars(record).get(_STORED):
        return
    try:
        extra = {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
        error = _error_of(record.exc_info, "")
        quoted = [argument for argument in record.args or () if isinstance(argument, BaseException)]
        _store(
            span,
            record.levelname,
            record.name,
            _message_of(record),
            int(record.created * 1e9),
            extra,
            error,
            quotes=any(map(may_quote, quoted)),
        )
        vars(record)[_STORED] = True
    except Exception as failure:  # noqa: BLE001 - a foreign record
        contain("storing a log record", failure)


def _recording_span() -> Span | None:
    span = innermost()
    return span if span is not None and span._state == RECORDING else None


def _store(
    span: Span,
    level: str,
    name: str,
    message: str,
    time: int,
    extra: dict[str, Any],
    error: BaseException | None,
    *,
    quotes: bool = False,
) -> None:
    """Sends the record after the span. `quotes`: what it says may quote what a span hides."""
    hides = bool(span._hides & QUOTES_NOTHING) or quotes or may_quote(error) or may_quote(sys.exc_info()[1])
    attributes: dict[str, Any] = {"level": level, "logger": name, "message": HIDDEN if hides else message}
    if extra and not hides:
        attributes["extra"] = own_mapping(extra)
    size = EVENT_OVERHEAD_BYTES + capture_mapping(attributes, span._tracer.max_payload_bytes)  # pyright: ignore[reportOptionalMemberAccess]
    captured = None if error is None else capture_exception(error, hides=hides)
    if captured is not None:
        size += len(captured["message"])
    # Of a hidden span, to whoever is seen in its place.
    span._emit(None, None, {"log": (time, attributes, captured)}, size, to=visible_id(span))


def _reaches_logging(target: Any, level: int) -> bool:
    """Whether a structlog event goes on to a logger of logging whose records are stored anyway."""
    return isinstance(target, logging.Logger) and any(level >= one.level for one in _instrumented)


def _message_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - arguments that do not fit the message, or whose `__str__` raises
        message = record.msg
        return (message if type(message) is str else type_marker(message)) + UNFORMATTED


def _error_of(given: Any, method: str) -> BaseException | None:
    """What `exc_info` names: an exception, a tuple of `sys.exc_info()`, or the one that is handled now."""
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple) and len(given) == 3:
        return given[1] if isinstance(given[1], BaseException) else None
    return sys.exc_info()[1] if given or method == "exception" else None


def _checked_level(level: int | str) -> int:
    try:
        # The names that there are, those of the application's too, are known to `setLevel` only.
        return logging.Logger("", level.upper() if isinstance(level, str) else level).level
    except (ValueError, TypeError):
        raise ConfigurationError(
            f"The log level {level!r} is unknown: give a number or a name, as logging.ERROR or 'ERROR'."
        ) from None


_STORED = "spanbridge_stored"
_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {
    _STORED,
    "asctime",
    "message",
    "span_id",
    "taskName",
    "trace_id",
}
_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "msg": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "err": logging.ERROR,
    "error": logging.ERROR,
    "exception": logging.ERROR,
    "critical": logging.CRITICAL,
    "fatal": logging.CRITICAL,
    "failure": logging.CRITICAL,
}
"""By the method of a structlog logger."""
