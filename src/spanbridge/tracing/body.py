"""A generator's body, or a stream's source: ambient inside is what it entered itself, around it what is around whoever goes on with it."""

# It is a part of the span, in a file of its own.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spanbridge.tracing.context import execution, get_ambient, reset_ambient, set_ambient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanbridge.tracing.active_span import Span


class Body:
    """What is ambient inside a body while it rests; its span is the outermost."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._inside: Any = span
        self._stepped_by: Any = None
        self._token: Any = None

    def resume(self) -> None:
        """Before the body goes on."""
        span = self._span
        # Looked up outwards from inside the body, what stands around it is the code that iterates over it now.
        if span._has_outer_scope:
            span._outer_scope = get_ambient()
        else:
            span._set_outer(get_ambient())
        if self._inside is not span:
            self._is_stepped_by(execution())
        self._token = set_ambient(self._inside)

    def rest(self) -> None:
        """After the body has stopped, for an item or for good."""
        self._inside = get_ambient()
        token = self._token
        self._token = None
        try:
            reset_ambient(token)
        except (ValueError, RuntimeError):  # the body was resumed in one context and stopped in another
            set_ambient(self._span._outer_scope)
        self._span._outer_scope = None

    def next_of(self, iterator: Iterator[Any]) -> Any:
        """`next(iterator)`, which goes on with the body: what `resume` and `rest` do, without the calls, for each chunk of a stream."""
        span = self._span
        if span._has_outer_scope:
            span._outer_scope = get_ambient()
        else:
            span._set_outer(get_ambient())
        if self._inside is not span:
            self._is_stepped_by(execution())
        token = set_ambient(self._inside)
        try:
            return next(iterator)
        finally:
            self._inside = get_ambient()
            try:
                reset_ambient(token)
            except (ValueError, RuntimeError):  # greenlets may have changed the context
                set_ambient(span._outer_scope)
            span._outer_scope = None

    def _is_stepped_by(self, stepping: Any) -> None:
        """Blocks of generators that rest inside this body belong to the task that goes on with it."""
        if stepping != self._stepped_by:
            self._stepped_by = stepping
            scope = self._inside
            while scope is not None and scope is not self._span:
                if scope._frame is not None:
                    scope._entered_by = stepping
                scope = scope._outer()
