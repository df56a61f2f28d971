"""The ambient span: one context variable, right in threads and tasks because `contextvars` is."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar, Token
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


class suppress(contextlib.AbstractContextManager[None]):  # noqa: N801 - reads as a statement, like contextlib.suppress
    """`with suppress():` records no span that starts inside, in this task or thread and what it starts."""

    _token: Token[Any]

    def __enter__(self) -> None:
        self._token = ambient.set(SUPPRESSED)

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Left in another context than it was entered in: that context ends with its own value.
        with contextlib.suppress(ValueError, RuntimeError):
            ambient.reset(self._token)
