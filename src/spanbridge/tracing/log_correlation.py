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
from threading import Lock
from time import time_ns
from typing import TYPE_CHECKING, Any

from spanbridge.containment import contain, logger
from spanbridge.errors import ConfigurationError
from spanbridge.model.identifiers import span_id_hex
from spanbridge.model.payload import type_marker
from spanbridge.tracing.captured import capture_mapping, own_mapping, text
from spanbridge.tracing.context import ENDED, RECORDING, innermost
from spanbridge.tracing.exceptions import HIDDEN, capture_exception
from spanbridge.tracing.intake import EVENT_OVERHEAD_BYTES
from spanbridge.tracing.visibility import QUOTES_NOTHING, visible_id

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from spanbridge.tracing.active_span import Span

UNFORMATTED = " [its arguments cannot be formatted]"
"""After a message that stands as it was written."""


class TraceContextFilter(logging.Filter):
    """Puts `trace_id` and `span_id` of the current span on every record that passes; both are "" outside of spans."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets every record pass."""
        record.trace_id, record.span_id = current_ids()
        return True


class SpanLogHandler(logging.Handler):
    """Stores records with the span that is current where they are logged. Those of spanbridge itself are left out."""

    def __init__(self, level: int | str = logging.WARNING) -> None:
        """`level`: the lowest that is stored, as a number or a name. Raises ConfigurationError for another."""
        super().__init__(_checked_level(level))

    def emit(self, record: logging.LogRecord) -> None:
        """Never raises, and waits for nothing."""
        if record.name == logger.name or record.name.startswith(logger.name + "."):
            return
        span = _recording_span()
        if span is None:
            return
        try:
            error = None if record.exc_info is None else record.exc_info[1]
            extra = {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
            _store(span, record.levelname, record.name, _message_of(record), int(record.created * 1e9), extra, error)
        except Exception as failure:  # noqa: BLE001 - a foreign record
            contain("storing a log record", failure)

    def createLock(self) -> None:  # noqa: N802 - logging's name
        """None is needed: storing appends to a queue. A signal handler may log while its thread is in here."""
        self.lock = None


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
        if level >= self._level:
            try:
                extra = {name: value for name, value in event.items() if name not in {"event", "exc_info"}}
                error = _error_of(event.get("exc_info"), method)
                name = "" if (named := getattr(_logger, "name", None)) is None else text(named)
                _store(span, logging.getLevelName(level), name, text(event.get("event", "")), time_ns(), extra, error)
            except Exception as failure:  # noqa: BLE001 - a foreign dictionary
                contain("storing a log record", failure)
        event["trace_id"], event["span_id"] = span._trace.trace_id_hex, span_id_hex(visible_id(span))
        return event


def current_ids() -> tuple[str, str]:
    """Trace id and span id of the current span, as they are stored; ("", "") outside of spans."""
    span = innermost()
    if span is None or not RECORDING <= span._state <= ENDED:
        return "", ""
    return span._trace.trace_id_hex, span_id_hex(visible_id(span))


def instrument_logging(level: int | str | None = logging.WARNING) -> None:
    """Puts ids on the records of all loggers, and stores those of at least `level` with the current span.

    Calling it again changes the level; `uninstrument_logging` undoes it. Raises ConfigurationError for an unknown level.

    Args:
        level: The lowest level that is stored, as a number or a name ("ERROR"); None: nothing is.
    """
    handler = None if level is None else SpanLogHandler(level)
    with _instrumenting:
        _uninstrument()
        factory = _IdentifyingFactory(logging.getLogRecordFactory())
        logging.setLogRecordFactory(factory)
        _instrumented.append((factory, handler))
        if handler is not None:
            logging.getLogger().addHandler(handler)


def uninstrument_logging() -> None:
    """Undoes `instrument_logging`; does nothing where it was not called."""
    with _instrumenting:
        _uninstrument()


class _IdentifyingFactory:
    """Makes log records as the factory before it does, and puts ids on them."""

    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self.make = make
        self.is_on = True
        """Whether it still does, where another factory was put around it, so that it cannot be taken out."""

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self.make(*args, **kwargs)
        if self.is_on:
            record.trace_id, record.span_id = current_ids()
        return record


_instrumenting = Lock()
_instrumented: list[tuple[_IdentifyingFactory, SpanLogHandler | None]] = []


def _uninstrument() -> None:
    for factory, handler in _instrumented:
        factory.is_on = False
        if logging.getLogRecordFactory() is factory:
            logging.setLogRecordFactory(factory.make)
        if handler is not None:
            logging.getLogger().removeHandler(handler)
    _instrumented.clear()


def _recording_span() -> Span | None:
    span = innermost()
    return span if span is not None and span._state == RECORDING else None


def _store(
    span: Span, level: str, name: str, message: str, time: int, extra: dict[str, Any], error: BaseException | None
) -> None:
    """Sends the record after the span."""
    hides = bool(span._hides & QUOTES_NOTHING)
    attributes: dict[str, Any] = {"level": level, "logger": name, "message": HIDDEN if hides else message}
    if extra and not hides:
        attributes["extra"] = own_mapping(extra)
    size = EVENT_OVERHEAD_BYTES + capture_mapping(attributes, span._tracer.max_payload_bytes)  # pyright: ignore[reportOptionalMemberAccess]
    captured = None if error is None else capture_exception(error, hides=hides)
    if captured is not None:
        size += len(captured["message"])
    # Of a hidden span, to whoever is seen in its place.
    span._emit(None, None, {"log": (time, attributes, captured)}, size, to=visible_id(span))


def _message_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - arguments that do not fit the message, or whose `__str__` raises
        message = record.msg
        return (message if type(message) is str else type_marker(message)) + UNFORMATTED


def _error_of(given: Any, method: str) -> BaseException | None:
    """What structlog's `exc_info` names: an exception, a tuple of `sys.exc_info()`, or the one that is handled now."""
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


_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {
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
