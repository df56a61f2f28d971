"""The ambient span: one context variable, right in threads and tasks because `contextvars` is."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

    from spanbridge.tracing.active_span import Span

ambient: ContextVar[Any] = ContextVar("spanbridge_span", default=None)
"""The innermost span that is entered in this context, or `SUPPRESSED`, or None."""


class _Suppressed:
    """Stands in `ambient` for a stretch of code in which no span is recorded."""

    def __repr__(self) -> str:
        return "<spanbridge: suppressed>"


SUPPRESSED = _Suppressed()


def current_span() -> Span | None:
    """The innermost span that is entered in this task or thread; None outside of every span and under `suppress()`.

    While spanbridge is not configured or switched off, it is a span that records nothing: code that uses it runs unchanged.
    """
    span = ambient.get()
    return None if span is SUPPRESSED else span


def update_current(**changes: Any) -> None:
    """`current_span().set(**changes)`, and nothing where there is no current span."""
    span = ambient.get()
    if span is not None and span is not SUPPRESSED:
        span.set(**changes)


_suppressions: ContextVar[tuple[tuple[suppress, Any], ...]] = ContextVar("spanbridge_suppressions", default=())
"""The suppressions that are entered in this context, each with what it found in `ambient`; the innermost is the last."""


class suppress(contextlib.AbstractContextManager[None]):  # noqa: N801 - reads as a statement, like contextlib.suppress
    """`with suppress():` records no span that starts inside, in this task or thread and what it starts.

    One object may be entered again, also inside of itself and by several threads: what it found is kept in the context, not in the object.
    """

    def __enter__(self) -> None:
        _suppressions.set((*_suppressions.get(), (self, ambient.get())))
        ambient.set(SUPPRESSED)

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        entered = _suppressions.get()
        index = next((index for index in reversed(range(len(entered))) if entered[index][0] is self), None)
        if index is None:  # left in another context than it was entered in: that context ends with its own value
            return
        found, inner = entered[index][1], entered[index + 1 :]
        if (
            inner
        ):  # left before one that was entered later, as generators do: that one restores what was there before both
            inner = ((inner[0][0], found), *inner[1:])
        elif ambient.get() is SUPPRESSED:
            ambient.set(found)
        _suppressions.set((*entered[:index], *inner))
