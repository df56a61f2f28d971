"""How a span starts, on the caller's thread: its parent, whether it is recorded, snapshots of what it is given, and the START event."""

# It is a part of the span, in a file of its own; values of any type pass through here, their types are unknown on purpose.
# pyright: reportPrivateUsage=false, reportOptionalMemberAccess=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from spanbridge.model.identifiers import getrandbits, is_span_id, is_trace_id, new_trace_id, span_id_hex, trace_id_hex
from spanbridge.model.payload import decode, snapshot
from spanbridge.model.span import CORRELATION_FIELDS, ENTITY_FIELDS
from spanbridge.tracing.captured import (
    capture_mapping,
    is_on,
    is_time,
    misused,
    own_mapping,
    snapshot_bytes,
    tag_list,
    text,
)
from spanbridge.tracing.clock import clock_offset_ns
from spanbridge.tracing.context import (
    CONTEXT,
    ENDED,
    NEW,
    RECORDING,
    REMOTE,
    SILENT,
    SUPPRESSED,
    Scope,
    ambient,
    first_in_force,
)
from spanbridge.tracing.intake import SPAN_OVERHEAD_BYTES, START
from spanbridge.tracing.tracer import TraceState
from spanbridge.tracing.visibility import (
    NO_INPUT,
    NO_OUTPUT,
    NOT_SEEN,
    QUOTES_NOTHING,
    hidden_by,
    hidden_names,
    visible_id,
    without_content,
)

if TYPE_CHECKING:
    from spanbridge.model.payload import Snapshot
    from spanbridge.tracing.active_span import Span
    from spanbridge.tracing.intake import Intake
    from spanbridge.tracing.propagation import RemoteParent
    from spanbridge.tracing.sampling import ContainedSampler
    from spanbridge.tracing.tracer import Entity, Inherited, Tracer

_CAPTURE_OPTIONS = frozenset({"capture_input", "capture_output", "ignore_arguments", "reduce_output"})
_VISIBILITY_OPTIONS = frozenset({"hide_input", "hide_output", "internal"})
_CORRELATION_FIELDS, _ENTITY_FIELDS = frozenset(CORRELATION_FIELDS), frozenset(ENTITY_FIELDS)
_RARE_OPTIONS = frozenset(
    {
        "metadata",
        "output",
        "parent",
        "start_time",
        "tags",
        "links",
        "is_event",
        "trace_id",
        "external_parent_span_id",
        *ENTITY_FIELDS,
        *CORRELATION_FIELDS,
        *_CAPTURE_OPTIONS,
        *_VISIBILITY_OPTIONS,
    }
)
"""Options that few spans are given; looked for together, so that the others do not pay for them."""


def start(span: Span, tracer: Tracer, parent: Any) -> None:
    """Starts `span` in what is ambient, `parent`, or in the parent that it was given; sets its state.

    Most spans go straight through; what few have stands in functions of its own.
    """
    intake = tracer.intake
    # The opener's keyword arguments; without the options, taken out here, they are the typed attributes.
    attributes = span._options
    input = attributes.pop("input", None)
    rare = metadata = remote = contexts = start_time = None
    if not _RARE_OPTIONS.isdisjoint(attributes):
        rare = {}
        for option in _RARE_OPTIONS.intersection(attributes):
            rare[option] = attributes.pop(option)
        metadata, start_time = rare.pop("metadata", None), rare.pop("start_time", None)
    if (
        parent is None
        or parent._parent_for is not tracer
        or parent._state > ENDED
        or (rare is not None and "parent" in rare)
    ):
        parent, contexts = _find_parent(tracer, parent, rare)
        if parent is not None and parent._state > ENDED:
            if parent._state == SUPPRESSED:
                span._state = SUPPRESSED
                return
            if parent._state == SILENT:
                _share_fate(span, parent)
                return
            parent, remote = None, parent
    if intake.pending_bytes > intake.max_bytes:
        drop(span, intake, "shutdown" if intake.closed else "queue_overflow")
        return

    if parent is None:
        parent_id = inherited = entity = None
        parent_hides = 0
        trace, remote = _new_trace(span, tracer, remote, rare, attributes, metadata, contexts)
        if trace is None:
            return
        if remote is not None:
            inherited = remote.inherited
            if remote.is_own:
                parent_id = remote.span_id
            else:
                rare = {} if rare is None else rare
                rare.setdefault("external_parent_span_id", span_id_hex(remote.span_id))
    else:
        trace = parent._trace
        parent_id = parent._id
        inherited = parent._inherited
        entity = parent._entity
        parent_hides = parent._hides
    span._trace = trace
    opener = span._opener
    name = span.name
    if type(name) is not str:
        if name is None:
            name = attributes.pop("name", None)  # given by keyword
        span.name = name = opener.default_name(attributes) if name is None else text(name)
    span._hides = hides = trace.hides
    span_type = opener.type
    if (
        hides
        or parent_hides
        or span_type in tracer.excluded_types
        or not (rare is None or _VISIBILITY_OPTIONS.isdisjoint(rare))
    ):
        attributes, rare = _with_visibility(span, tracer, parent, attributes, rare)
        hides = span._hides

    max_bytes = tracer.max_payload_bytes
    size = SPAN_OVERHEAD_BYTES + len(name)
    if attributes:
        size += capture_mapping(attributes, max_bytes)
    if opener.entity_type is not None and (rare is None or not span._is_hidden):
        entity_id = attributes.get(opener.entity_id_attribute)
        if entity_id is not None and type(entity_id) is not str:
            entity_id = text(decode(entity_id))
        entity = (opener.entity_type, entity_id, name)
    if contexts is not None:
        inherited = _request_context().stamped(inherited, contexts, tracer)
    if rare:
        inherited, entity, size = _take_rare(span, rare, inherited, entity, name, size)
    span._inherited = inherited
    span._entity = entity
    if metadata is not None:
        metadata = own_mapping(metadata)
    if inherited is not None and "metadata" in inherited:
        inherited, stamped_bytes = _request_context().with_stamped_metadata(inherited, metadata, max_bytes)
        metadata = None
        size += stamped_bytes
    elif metadata is not None:
        size += capture_mapping(metadata, max_bytes)
    if input is not None:
        input = None if hides & NO_INPUT else snapshot(input, max_bytes)
        size += len(input) if type(input) is bytes else snapshot_bytes(input)

    time = trace.clock_offset_ns + perf_counter_ns()
    if start_time is not None:
        time = _given_time(intake, start_time, time)
    bridging = tracer.bridging
    if bridging is None:
        span_id = getrandbits(64) or 1
    else:
        span_id = bridging.start(span, parent, time)
        if span.between is not None:
            rare = {**(rare or {}), "between": span_id_hex(span.between)}
    span._id = span_id
    span._state = RECORDING
    intake.started += 1
    intake.pending_bytes += size
    # fmt: off
    intake.events.extend(
        (START, (span_id, trace, parent_id, span_type, name, time, inherited, entity, input, attributes or None, metadata, rare, size))
    )
    # fmt: on
    if intake.pending_bytes > intake.wake_bytes:
        intake.wake()


def _find_parent(tracer: Tracer, ambient: Any, rare: dict[str, Any] | None) -> tuple[Any, list[Any] | None]:
    """What the span starts in, a scope of any state, and the request contexts to stamp it with."""
    parent, contexts = ambient, None
    if parent is not None and parent._parent_for is not tracer:
        parent, contexts = _usable_parent(tracer, parent)
    given = None if rare is None else rare.pop("parent", None)
    if (
        given is not None
        and (parent is None or parent._state != SUPPRESSED)
        and (chosen := _given_parent(tracer, given)) is not None
    ):
        return chosen, _contexts_around()
    return parent, contexts


def _new_trace(
    span: Span,
    tracer: Tracer,
    remote: RemoteParent | None,
    rare: dict[str, Any] | None,
    attributes: dict[str, Any],
    metadata: Any,
    contexts: list[Any] | None,
) -> tuple[TraceState | None, RemoteParent | None]:
    """The trace of a local root and its parent elsewhere; no trace where the root is sampled out."""
    trace_id = _given_trace_id(tracer.intake, rare) if rare and "trace_id" in rare else None
    if tracer.bridging is not None:
        remote = tracer.bridging.external_parent(remote, trace_id)
    if trace_id is None:
        trace_id = new_trace_id() if remote is None else remote.trace_id
    sampler = tracer.sampler
    if sampler is not None and not _is_sampled(span, sampler, trace_id, remote, attributes, metadata, contexts):
        span._trace = TraceState(trace_id, 0, remote)  # what `inject` tells the other side
        drop(span, tracer.intake, "sample_rate")
        return None, remote
    hides = tracer.hides | tracer.hiding_traces.get(trace_id, 0) if tracer.hiding_traces else tracer.hides
    return TraceState(trace_id, clock_offset_ns(), remote, hides), remote


def _with_visibility(
    span: Span, tracer: Tracer, parent: Span | None, attributes: dict[str, Any], rare: dict[str, Any] | None
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Sets what `span` hides, and whether it is hidden itself; its attributes without what is, and its rare options, which say so."""
    if parent is not None and parent._is_hidden:
        rare = {} if rare is None else rare
        rare["visible_parent"] = parent._visible_parent
    if span._opener.type in tracer.excluded_types:
        rare = _hidden(span, parent, rare, "excluded_type")
    elif rare is not None and "internal" in rare and is_on(rare.pop("internal")):
        if tracer.shows_internal:
            attributes["internal"] = True
        else:
            rare = _hidden(span, parent, rare, "internal")
    hides = span._hides
    if rare is not None and ("hide_input" in rare or "hide_output" in rare):
        span._hides = hides = hides | hidden_by(rare, span._trace, tracer)
    if hides:
        attributes = without_content(attributes, hides)
        if not span._is_hidden:
            attributes = {**attributes, "hidden": hidden_names(hides)}
    return attributes, rare


def _hidden(span: Span, parent: Span | None, rare: dict[str, Any] | None, reason: str) -> dict[str, Any]:
    """Makes `span` one that no exit gets; its rare options, which say so to the pipeline."""
    rare = {} if rare is None else rare
    rare["hidden"] = reason
    span._is_hidden = True
    if parent is None:
        remote = span._trace.remote_parent
        own = remote.span_id if remote is not None and remote.is_own else None
        span._visible_parent = (own, rare.get("external_parent_span_id"))
    else:
        span._visible_parent = parent._visible_parent if parent._is_hidden else (parent._id, None)
    # What is told of it in its place may quote what its parent hides.
    span._hides |= NOT_SEEN | (0 if parent is None else parent._hides & QUOTES_NOTHING)
    return rare


def _share_fate(span: Span, parent: Span) -> None:
    """The parent is not recorded, so this span is not either, for the same reason."""
    if parent._dropped_as == "sample_rate":
        span._trace = parent._trace  # what `inject` tells the other side
    drop(span, span._tracer.intake, parent._dropped_as)


def drop(span: Span, intake: Intake, reason: str) -> None:
    """The span has started for the application and is recorded nowhere; its children share its fate."""
    span._dropped_as = reason
    intake.started += 1
    intake.drop(reason)


def _take_rare(
    span: Span, rare: dict[str, Any], inherited: Inherited | None, entity: Entity | None, name: str, size: int
) -> tuple[Inherited | None, Entity | None, int]:
    """Makes snapshots of what few spans are given, in place; what stays in `rare` goes with the start event."""
    for option in _CAPTURE_OPTIONS.intersection(rare):  # they matter to a decorated function only
        del rare[option]
    if not _CORRELATION_FIELDS.isdisjoint(rare):
        correlation: dict[str, str] = {}
        for field in _CORRELATION_FIELDS.intersection(rare):
            if (value := rare.pop(field)) is not None:
                correlation[field] = value = text(value)
                size += len(value)
        if correlation:
            inherited = correlation if inherited is None else {**inherited, **correlation}
    if not _ENTITY_FIELDS.isdisjoint(rare):
        given = [rare.pop(field, None) for field in ENTITY_FIELDS]
        if any(value is not None for value in given):
            entity_type, entity_id, entity_name = (None if value is None else text(value) for value in given)
            entity = (entity_type or span._opener.entity_type, entity_id, entity_name or name)
    if "is_event" in rare:
        rare["is_event"] = is_on(rare["is_event"])
    output = rare.pop("output", None)
    if output is not None and not span._hides & NO_OUTPUT:
        rare["output"] = data = snapshot(output, span._tracer.max_payload_bytes)
        size += snapshot_bytes(data)
    tags, links = rare.pop("tags", None), rare.pop("links", None)
    if tags is not None and (tags := tag_list(tags)):
        rare["tags"] = tags
        size += sum(map(len, tags))
    if links is not None:
        links = links if isinstance(links, (list, tuple)) else [links]
        if links := [link for item in links if (link := _link(span._tracer.intake, item)) is not None]:
            rare["links"] = links
            size += sum(map(snapshot_bytes, links))
    if "external_parent_span_id" in rare and not is_span_id(external := rare["external_parent_span_id"]):
        del rare["external_parent_span_id"]
        if external is not None:
            misused(span._tracer.intake, "external_parent_span_id", external, "16 lower-case hex characters")
    return inherited, entity, size


def _given_time(intake: Intake, value: Any, now: int) -> int:
    """The start that the application gave; `now` where that is no time."""
    if is_time(value):
        return value
    misused(intake, "start_time", value, "nanoseconds since the epoch, a whole number")
    return now


def _is_sampled(
    span: Span,
    sampler: ContainedSampler,
    trace_id: int,
    remote: RemoteParent | None,
    attributes: dict[str, Any],
    metadata: Any,
    contexts: list[Any] | None,
) -> bool:
    """Asks the sampler about a local root, before anything is captured."""
    tracestate, parent_sampled = ("", None) if remote is None else (remote.tracestate, remote.sampled)
    decision = sampler.by_context(trace_id, tracestate, parent_sampled)
    if decision is not None:
        return decision
    from spanbridge.protocols import SamplingInput  # noqa: PLC0415 - loads with the first sampler that wants to see it

    name = span.name
    if name is None:
        name = attributes.get("name") or span._opener.default_name(attributes)
    metadata = own_mapping(metadata or {})
    if contexts:
        stamps = _request_context().stamped(None, contexts, span._tracer) or {}
        metadata = {**stamps.get("metadata", {}), **metadata}
    return sampler(
        SamplingInput(
            trace_id_hex(trace_id),
            text(name),
            span._opener.type,
            dict(attributes),
            metadata,
            parent_sampled,
            tracestate,
        )
    )


def _usable_parent(tracer: Tracer, scope: Any) -> tuple[Any, list[Any] | None]:
    """The nearest scope from `scope` outwards that a span of `tracer` can start in, and the request contexts inside of it.

    A span of another configuration is passed over.
    """
    contexts: list[Any] | None = None
    while (scope := first_in_force(scope)) is not None:
        if scope._state == CONTEXT:
            contexts = contexts or []
            contexts.append(scope)
        elif scope._tracer is tracer or scope._state >= SUPPRESSED:
            break
        scope = scope._outer()
    if scope is not None and scope._state == REMOTE:
        contexts = _contexts_around()  # it hands nothing of ours down
    return scope, contexts


def _contexts_around() -> list[Any] | None:
    """All request contexts in force here, the innermost first: for a span whose parent hands none of them down."""
    contexts: list[Any] = []
    scope: Scope | None = ambient.get()
    while (scope := first_in_force(scope)) is not None:
        if scope._state == CONTEXT:
            contexts.append(scope)
        scope = scope._outer()
    return contexts or None


def _request_context() -> Any:
    from spanbridge.tracing import request_context  # noqa: PLC0415 - loads with the first request context

    return request_context


def _given_parent(tracer: Tracer, value: Any) -> Any:
    """The parent that the application gave; anything but a span that has started is passed over."""
    if not isinstance(value, Scope) or value._state == NEW:
        misused(tracer.intake, "parent", value, "a span that has started")
        return None
    return value if value._tracer is tracer or value._state >= SUPPRESSED else _usable_parent(tracer, value._outer())[0]


def _given_trace_id(intake: Intake, rare: dict[str, Any]) -> int | None:
    """The trace id that the application gave."""
    given: Any = rare.pop("trace_id", None)
    if is_trace_id(given):
        return int(given, 16)
    if given is not None:
        misused(intake, "trace_id", given, "32 lower-case hex characters, not all zero")
    return None


def _link(intake: Intake, link: Any) -> Snapshot:
    """A link as JSON bytes: of a span, or of a mapping with trace_id and span_id. None where it is neither."""
    if isinstance(link, Scope):
        span: Any = link
        return (
            snapshot({"trace_id": span.trace_id, "span_id": span_id_hex(visible_id(span) or span._id)})
            if link._state in (RECORDING, ENDED)
            else None
        )
    data = snapshot(link)
    found: Any = decode(data)
    if type(found) is dict and {"trace_id", "span_id"} <= found.keys():  # pyright: ignore[reportUnknownMemberType]
        return data
    misused(intake, "links", link, "a list of spans, or of mappings with trace_id and span_id")
    return None
