"""The openers: one per span type, named after it. Their typed signatures stand in `openers.pyi`, generated from the attributes' definition.

with spanbridge.tool_call("search", input=query) as tool: ...      # also `async with`
@spanbridge.tool_call                                              # or @spanbridge.tool_call("search", capture_output=False)
span = spanbridge.start_span(SpanType.TOOL_CALL, "search")         # by hand; span.end(...)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from spanbridge.containment import warn
from spanbridge.model.span_types import SpanType
from spanbridge.tracing.context import NEW, ambient
from spanbridge.tracing.opener import Opener
from spanbridge.tracing.tracer import TracerSlot, default_slot

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanbridge.tracing.active_span import Span


def _opener_function(opener: Opener) -> Callable[..., Any]:
    """The public opener: a function, because calling one costs less than calling an object."""
    new, slot = object.__new__, opener.slot

    def open_span(name: Any = None, /, **options: Any) -> Any:
        # By its type: an object's own attributes may be anything.
        if (
            name is not None
            and type(name) is not str
            and (callable(name) or hasattr(cast("Any", type(name)), "__get__"))
        ):
            return slot.span_class(opener, None, options)(name)
        # What slot.span_class(opener, name, options) does, without the detour through type.__call__.
        span = new(slot.span_class)
        span._opener = opener  # pyright: ignore[reportPrivateUsage]
        span._options = options  # pyright: ignore[reportPrivateUsage]
        span.name = name
        # What is always looked up is found sooner on the instance.
        span._state, span._plain = NEW, True  # pyright: ignore[reportPrivateUsage]
        span._stream = span._error_status = span._token = None  # pyright: ignore[reportPrivateUsage]
        return span

    open_span.__name__ = open_span.__qualname__ = opener.type.value
    open_span.__doc__ = opener.info.description
    return open_span


class Openers:
    """All openers of one configuration, as methods: `agent_run`, `tool_call`, ..., `span`, `start_span`."""

    def __init__(self, slot: TracerSlot) -> None:
        slot.fill(slot.tracer)
        self._openers = {span_type: _opener_function(Opener(span_type, slot)) for span_type in SpanType}
        for span_type, opener in self._openers.items():
            setattr(self, span_type.value, opener)

    def span(self, type: SpanType | str, name: Any = None, /, **options: Any) -> Any:
        """A span of any type, to be used like any opener's; an unknown type is recorded as GENERIC, with the word under "type"."""
        try:
            opener = self._openers[SpanType(type)]
        except Exception:  # noqa: BLE001 - ValueError, or what hash() and repr() of a foreign value raise
            opener = self._openers[SpanType.GENERIC]
            options.setdefault("type", type)
            warn("span type", "a span of an unknown type is recorded as GENERIC; the types are those of SpanType")
        return opener(name, **options)

    def start_span(self, type: SpanType | str, name: str | None = None, /, **options: Any) -> Span:
        """A span that has started and is ended by hand with `span.end(...)`. It is no ambient parent: hand it on as `parent=`."""
        span: Span = self.span(type, name, **options)
        span._by_hand = True  # pyright: ignore[reportPrivateUsage]
        span._open(ambient.get())  # pyright: ignore[reportPrivateUsage]
        return span


_default = Openers(default_slot)
span = _default.span
start_span = _default.start_span
globals().update({span_type.value: getattr(_default, span_type.value) for span_type in SpanType})
