"""The request context: what is known about a request, stamped on every span that starts while it is handled.

Correlation fields (`user_id`, `session_id`, ...) become fields of the spans. Of everything else only the keys that the configuration
names (`request_context_keys`, dotted for nested ones) are copied, into the spans' metadata. What a span is given itself wins.
"""

# It is a part of the span, in a file of its own; values of any type pass through here.
# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from spanbridge.containment import contain
from spanbridge.model.payload import decode, snapshot
from spanbridge.model.span import CORRELATION_FIELDS
from spanbridge.tracing.captured import capture_mapping, own_mapping, text
from spanbridge.tracing.context import CONTEXT, Block, Scope
from spanbridge.tracing.tracer import default_slot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanbridge.tracing.tracer import Inherited, Tracer


class request_context(Block):  # noqa: N801 - reads as a statement, like `suppress`
    """`with request_context(tenant_id="t1", user={"plan": "pro"}):` stamps what it is given on every span below.

    Keys that are no identifiers go into a mapping: `request_context({"tenant.id": "t1"})`. Blocks nest, the inner one wins; `async with`
    works too. Values are taken as they are when the block is entered.
    """

    def __init__(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        self._values = {**own_mapping(values or {}), **more}

    def _scope(self) -> _Values:
        scope = _Values(self._values)
        if (tracer := default_slot.tracer) is not None:
            scope.stamps(tracer)
        return scope


class _Values(Scope):
    """One block's values. Spans look through it for their parent and take its stamps."""

    _state = CONTEXT

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values
        self._stamps: Stamps | None = None
        self._stamped_for: Tracer | None = None

    def stamps(self, tracer: Tracer) -> Stamps:
        """What spans of `tracer` get from here."""
        if self._stamps is None or self._stamped_for is not tracer:
            self._stamps, self._stamped_for = Stamps(self._values, tracer), tracer
        return self._stamps


class Stamps:
    """The part of a request context that one configuration records, as plain values."""

    def __init__(self, values: dict[str, Any], tracer: Tracer) -> None:
        self.correlation = {field: text(values[field]) for field in CORRELATION_FIELDS if values.get(field) is not None}
        self.metadata: dict[str, Any] = {}
        for path in tracer.request_context_keys:
            try:
                value = _at(values, path)
                if value is not None:
                    _put(self.metadata, path, decode(snapshot(value, tracer.max_payload_bytes)))
            except Exception as error:  # noqa: BLE001, PERF203 - a mapping of the application's
                contain(f"request context: {'.'.join(path)}", error)


def stamped(inherited: Inherited | None, scopes: Sequence[Any], tracer: Tracer) -> Inherited | None:
    """What a span inherits, with the stamps of `scopes`, the innermost first."""
    for scope in reversed(scopes):
        stamps: Stamps = scope.stamps(tracer)
        if stamps.correlation or stamps.metadata:
            inherited = {**(inherited or {}), **stamps.correlation}
            if stamps.metadata:
                inherited["metadata"] = _merged(inherited.get("metadata") or {}, stamps.metadata)
    return inherited


def with_stamped_metadata(
    inherited: Inherited, metadata: dict[str, Any] | None, max_bytes: int
) -> tuple[Inherited, int]:
    """What one span gets of `inherited`, its own metadata merged over the stamps; and the size of that metadata in bytes."""
    merged = _merged(inherited["metadata"], metadata or {})
    size = capture_mapping(merged, max_bytes)
    return {**inherited, "metadata": merged}, size


def _at(values: dict[str, Any], path: tuple[str, ...]) -> Any:
    """The value at a dotted path; one under the whole path as a key comes first."""
    whole = values.get(".".join(path))
    if whole is not None:
        return whole
    value: Any = values
    for name in path:
        # Mappings only: a property of an application's object may do anything.
        if not isinstance(value, Mapping) or (value := value.get(name)) is None:
            return None
    return value


def _put(target: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Sets a value at a dotted path, unless what is there already holds it."""
    for name in path[:-1]:
        within: Any = target.setdefault(name, {})
        if type(within) is not dict:
            return
        target = within
    target.setdefault(path[-1], value)


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Both mappings in one, `over` first, mappings within them likewise."""
    result = {**under, **over}
    for name in under.keys() & over.keys():
        if type(under[name]) is dict and type(over[name]) is dict:
            result[name] = _merged(under[name], over[name])
    return result
