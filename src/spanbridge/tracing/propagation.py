"""Context between processes: W3C Trace Context (https://www.w3.org/TR/trace-context/) and Baggage (https://www.w3.org/TR/baggage/).

A carrier is whatever takes text by name to the other side: HTTP headers, the headers of a queue's message, the `_meta` of an MCP request.
What comes in is a stranger's: it is read within bounds, and what is malformed is passed over and counted.
"""

# Carriers of any type pass through here; their types are unknown on purpose.
# It is a part of the span, in a file of its own.
# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, overload
from urllib.parse import quote, unquote

from spanbridge.containment import contain
from spanbridge.model.identifiers import new_span_id
from spanbridge.model.span import CORRELATION_FIELDS
from spanbridge.tracing.context import (
    ENDED,
    RECORDING,
    REMOTE,
    SILENT,
    SUPPRESSED,
    Block,
    Scope,
    first_in_force,
    innermost,
)
from spanbridge.tracing.tracer import default_slot
from spanbridge.tracing.visibility import visible_id

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from spanbridge.tracing.tracer import Inherited

Carrier = TypeVar("Carrier")

MAX_HEADER_LENGTH = 8192
"""Of `tracestate` and `baggage`, in characters; the specifications ask for at least 512 and 8,192."""
MAX_BAGGAGE_ENTRIES = 180
MAX_TRACESTATE_ENTRIES = 32
MAX_CARRIER_ENTRIES = 1000
"""How many entries of a carrier are looked at."""
MAX_PARTS = 64
"""How many headers of one name are joined."""
NAMES = ("traceparent", "tracestate", "baggage")
CORRELATION_PREFIX = "spanbridge."
"""Before the names of correlation fields in `baggage`."""

_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_TRACESTATE_ENTRY = re.compile(
    r"(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})=[ -+\--<>-~]{0,255}[!-+\--<>-~]"
)
_BAGGAGE_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BAGGAGE_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]*")
_BAGGAGE_PROPERTIES = re.compile(r"[ -~\t]*")


class RemoteParent(Scope):
    """A parent in another process, or of another tracer: spans that start under it are local roots of its trace."""

    _state = REMOTE
    is_own = False
    """Whether a span of this configuration started it: the other tracer brought it to where ours was not ambient."""

    def __init__(self, trace_id: int, span_id: int, *, sampled: bool, tracestate: str = "", baggage: str = "") -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.sampled = sampled
        self.tracestate = tracestate
        self.baggage = baggage
        self.inherited: Inherited | None = _correlation(baggage) if CORRELATION_PREFIX in baggage else None


class extract(Block):  # noqa: N801 - reads as a statement, like `suppress`
    """`with extract(carrier):` continues the trace that `carrier` names: spans that start inside are local roots of it.

    `carrier` is a mapping (names in any case, values text or bytes), a list of pairs, an ASGI scope's `headers`, a WSGI environment, or an
    object with these attributes, as a request's MCP `_meta`. Where it names no trace, or nothing that can be read, the block changes
    nothing; malformed values are counted in `stats()["ignored"]`. `async with` works too.
    """

    def __init__(self, carrier: Any) -> None:
        try:
            self._parent = read_carrier(carrier)
        except Exception:  # noqa: BLE001 - whatever a stranger hands in
            _ignore("malformed_carrier")
            self._parent = None

    def _was_left(self, wrong: str) -> None:
        _ignore(wrong)

    def _scope(self) -> Scope | None:
        around = innermost()
        # Whoever suppresses recording around this block keeps it suppressed.
        if self._parent is None or (around is not None and around._state == SUPPRESSED):
            return None
        return copy(self._parent)


@overload
def inject(carrier: None = None, *, baggage: Mapping[str, str] | None = None) -> dict[str, str]: ...
@overload
def inject(carrier: Carrier, *, baggage: Mapping[str, str] | None = None) -> Carrier: ...
def inject(carrier: Any = None, *, baggage: Mapping[str, str] | None = None) -> Any:
    """Writes `traceparent`, `tracestate` and `baggage` of the current span into `carrier`, and returns it.

    Outside of a span, what `extract` read is passed on; with neither, the carrier stays as it is. Never raises.

    Args:
        carrier: A mutable mapping, or a list of `(name, value)` pairs as message queues have them (values are then bytes); absent: a new
            dict.
        baggage: Entries for the other side beside those that came in. They leave as they are, past every processor: no secrets.
    """
    carrier = {} if carrier is None else carrier
    try:
        for name, value in _current(baggage).items():
            _write(carrier, name, value)
    except Exception as error:  # noqa: BLE001 - a foreign carrier
        contain("inject", error)
    return carrier


def read_carrier(carrier: Any) -> RemoteParent | None:
    """The parent that `carrier` names; None where it names none that can be read."""
    bridging = None if (tracer := default_slot.tracer) is None else tracer.bridging
    found = _read(carrier, () if bridging is None else bridging.header_names)
    remote = _remote_parent(found)
    return remote if bridging is None or not found else bridging.extract(found, remote)


def _remote_parent(found: dict[str, str]) -> RemoteParent | None:
    """The parent that the W3C headers among `found` name."""
    traceparent = found.get("traceparent")
    if traceparent is None:
        return None
    match = _TRACEPARENT.fullmatch(traceparent.strip()) if len(traceparent) <= MAX_HEADER_LENGTH else None
    # A later version may add fields after a dash; version 00 has none.
    if match is None or (match[1] == "00" and match[5] is not None):
        _ignore("malformed_traceparent")
        return None
    return RemoteParent(
        int(match[2], 16),
        int(match[3], 16),
        sampled=bool(int(match[4], 16) & 1),
        tracestate=_entries("tracestate", found.get("tracestate"), _is_tracestate, MAX_TRACESTATE_ENTRIES),
        baggage=_entries("baggage", found.get("baggage"), _is_baggage, MAX_BAGGAGE_ENTRIES),
    )


def _current(baggage: Mapping[str, str] | None) -> dict[str, str]:
    """The headers that stand for the current context."""
    scope: Any = innermost()
    context = None
    # What is not recorded here hands on what came in.
    while (
        scope is not None
        and scope._state != SUPPRESSED
        and (context := scope if scope._state == REMOTE else _of_span(scope)) is None
    ):
        scope = first_in_force(scope._outer())
    if context is None:
        return {}
    headers = {"traceparent": f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.sampled):02x}"}
    if context.tracestate:
        headers["tracestate"] = context.tracestate
    entries = [context.baggage] if context.baggage else []
    added = [
        f"{quote(str(name), safe='')}={quote(str(value), safe='')}"
        for name, value in islice((baggage or {}).items(), MAX_BAGGAGE_ENTRIES)
        if name
    ]
    length = len(context.baggage)
    for entry in added:
        length += len(entry) + 1
        if length <= MAX_HEADER_LENGTH:
            entries.append(entry)
        else:
            _ignore("baggage_overflow")
    if entries:
        headers["baggage"] = ",".join(entries)
    # A span of ours that is not recorded has no native one, and is not sampled there either.
    if context.native is not None and (tracer := default_slot.tracer) is not None and tracer.bridging is not None:
        tracer.bridging.inject(context.native, headers)
    return headers


def _of_span(span: Any) -> RemoteParent | None:
    """What a span is to the other side. One that was sampled out goes on as an unsampled trace, so that all services agree.

    Another tracer's trace that it is a part of goes on as that tracer says: what is left out here says nothing about its spans.
    """
    if span._state in (RECORDING, ENDED):
        span_id, sampled = visible_id(span) or span._id, True
    elif span._state == SILENT and span._dropped_as == "sample_rate":
        span_id, sampled = new_span_id(), False
    else:
        return None
    trace = span._trace
    remote = trace.remote_parent
    if not sampled and remote is not None and remote.native is not None:
        return remote
    context = RemoteParent(trace.trace_id, span_id, sampled=sampled)
    if remote is not None:
        context.tracestate, context.baggage = remote.tracestate, remote.baggage
    if sampled:
        context.native = span.native
    return context


def _write(carrier: Any, name: str, value: str) -> None:
    if isinstance(carrier, list):
        # As the pairs that are there already; a queue's headers are text and bytes.
        names_are_bytes = bool(carrier) and all(isinstance(pair[0], bytes) for pair in carrier[:MAX_PARTS])
        values_are_text = bool(carrier) and all(isinstance(pair[1], str) for pair in carrier[:MAX_PARTS])
        carrier[:] = [pair for pair in carrier if _text(pair[0]).lower() != name]
        carrier.append((name.encode() if names_are_bytes else name, value if values_are_text else value.encode()))
        return
    # Whatever its case: two headers of one name are none, and a collection like an e-mail's adds where a mapping replaces.
    for key in [key for key in islice(carrier, MAX_CARRIER_ENTRIES) if _is_named(key, name)]:
        del carrier[key]
    carrier[name] = value


def _is_named(key: Any, name: str) -> bool:
    return isinstance(key, (str, bytes)) and len(key) == len(name) and _text(key).lower() == name


def _read(carrier: Any, more_names: Collection[str] = ()) -> dict[str, str]:
    """The headers of `carrier` that matter here, by their lower-case names; those that came twice are joined, as HTTP does.

    `more_names`: those of a bridge, beside W3C's.
    """
    names = (*NAMES, *more_names)
    max_length = len("http_") + max(map(len, names))
    found: dict[str, list[str]] = {}
    if carrier is None:
        return {}
    if isinstance(carrier, Mapping) or hasattr(carrier, "items"):
        # Not by name: a collection of headers gives one of several that way, and only in one case.
        pairs: Any = carrier.items()
    elif isinstance(carrier, (list, tuple)) or (hasattr(carrier, "__iter__") and not hasattr(carrier, "traceparent")):
        pairs = carrier
    else:
        pairs = [(name, getattr(carrier, name, None)) for name in names]
    for name, value in islice(pairs, MAX_CARRIER_ENTRIES):
        if value is None or not isinstance(name, (str, bytes)) or len(name) > max_length:
            continue
        header = _text(name).lower().removeprefix("http_").replace("_", "-")
        if header not in names:
            continue
        parts = found.setdefault(header, [])
        for part in value[:MAX_PARTS] if isinstance(value, (list, tuple)) else (value,):
            if isinstance(part, (str, bytes)) and len(parts) < MAX_PARTS:
                parts.append(_text(part[: MAX_HEADER_LENGTH + 1]))
    if not found and isinstance(carrier, Mapping):  # among more entries than are looked at, in its usual form
        found = {name: [value] for name in names if isinstance(value := carrier.get(name), str)}
    return {header: ",".join(parts) for header, parts in found.items() if parts}


def _entries(header: str, value: str | None, is_valid: Callable[[str], object], most: int) -> str:
    """A list header as it goes on: whole, or without the entries that are malformed or too many."""
    if not value:
        return ""
    if len(value) > MAX_HEADER_LENGTH:
        _ignore(f"malformed_{header}")
        return ""
    entries = [entry for entry in map(str.strip, value.split(",")) if entry]
    valid = [entry for entry in entries if is_valid(entry)][:most]
    if len(valid) != len(entries):
        _ignore(f"malformed_{header}")
    return ",".join(valid)


def _is_tracestate(entry: str) -> bool:
    return _TRACESTATE_ENTRY.fullmatch(entry) is not None


def _is_baggage(entry: str) -> bool:
    # Taken apart before it is matched: one pattern for all would try each place of a long stretch of white space.
    name, equals, rest = entry.partition("=")
    value, _, properties = rest.partition(";")
    return bool(
        equals
        and _BAGGAGE_NAME.fullmatch(name.strip())
        and _BAGGAGE_VALUE.fullmatch(value.strip())
        and _BAGGAGE_PROPERTIES.fullmatch(properties)
    )


def _correlation(baggage: str) -> Inherited | None:
    """The correlation fields in a `baggage` header."""
    fields: dict[str, Any] = {}
    for entry in baggage.split(","):
        name, _, value = entry.partition(";")[0].partition("=")
        field = name.strip().removeprefix(CORRELATION_PREFIX)
        if field in CORRELATION_FIELDS and field != name.strip():
            fields[field] = unquote(value.strip())
    return fields or None


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _ignore(reason: str) -> None:
    """Counts it, where anything is configured."""
    if (tracer := default_slot.tracer) is not None:
        tracer.intake.ignore(reason)
