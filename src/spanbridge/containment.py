"""The one place that catches everything: count it, log it once a minute with the number skipped, go on.

Tracing never breaks the application. Whatever a processor, an exporter, a sampler or spanbridge itself raises after configuration ends
here. The log line names the place and the exception's class, never its message: messages hold data.
"""

from __future__ import annotations

import logging
import sys
import time
from threading import current_thread, main_thread

logger = logging.getLogger("spanbridge")
if logger.level == logging.NOTSET:
    logger.setLevel(logging.WARNING)  # an application that logs at a lower level has not asked for ours

REPEAT_AFTER_S = 60.0

_last_logged: dict[str, float] = {}
_skipped: dict[str, int] = {}
counts: dict[str, int] = {}
"""How often each place failed since the process started."""


def contain(place: str, error: BaseException) -> None:
    """Counts and logs `error`, which happened at `place` ("processor drop_health_checks", "exporter otlp").

    What a signal handler of the application has raised, as a time limit does, is the application's: it is raised again.
    """
    if _is_of_a_signal_handler(error):
        raise error
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f" ({frame.tb_frame.f_code.co_filename}:{frame.tb_lineno})" if frame is not None else ""
    warn(place, f"{place} failed: {type(error).__module__}.{type(error).__qualname__}{where}")


def _is_of_a_signal_handler(error: BaseException) -> bool:
    """Whether a handler that `signal.signal` was given has raised `error`: it runs in the middle of whatever the main thread does."""
    signals = sys.modules.get("signal")
    if signals is None or current_thread() is not main_thread():
        return False
    frame = error.__traceback__
    codes: set[object] = set()
    while frame is not None:
        codes.add(frame.tb_frame.f_code)
        frame = frame.tb_next
    for number in signals.valid_signals():
        handler = signals.getsignal(number)
        function = getattr(handler, "__func__", handler)  # of a method
        if getattr(function, "__code__", None) in codes:
            return True
    return False


def warn(place: str, message: str) -> None:
    """Logs `message` as a warning, at most once a minute per `place`."""
    counts[place] = counts.get(place, 0) + 1
    now = time.monotonic()
    if now - _last_logged.get(place, -REPEAT_AFTER_S) < REPEAT_AFTER_S:
        _skipped[place] = _skipped.get(place, 0) + 1
        return
    _last_logged[place] = now
    skipped = _skipped.pop(place, 0)
    suffix = f" ({skipped} more in the last minute)" if skipped else ""
    try:
        logger.warning("%s%s", message, suffix)
    except Exception:  # noqa: BLE001 - an application's log handler may raise
        counts["logging"] = counts.get("logging", 0) + 1
