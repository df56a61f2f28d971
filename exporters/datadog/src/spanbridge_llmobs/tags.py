"""Tags: what a span is found by. Free text stays in the metadata."""

# Values of any shape pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spanbridge.model.span import Status
from spanbridge_llmobs.caps import MAX_TAG_CHARACTERS, json_text
from spanbridge_llmobs.evaluation import SPAN_ID_TAG

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from spanbridge.model.span import SpanRecord

_CORRELATION = {
    "user_id": "usr.id",
    "organization_id": "organization_id",
    "thread_id": "thread_id",
    "run_id": "run_id",
    "request_id": "request_id",
    "resource_id": "resource_id",
}
"""Correlation fields and their tags; `usr.id` is what Datadog calls the user everywhere. The session is a field of its own."""
_RESERVED = frozenset(
    {
        "agent_service",
        "component",
        "env",
        "error",
        "error_type",
        "host",
        "integration",
        "language",
        "ml_app",
        "parent_id",
        "runtime-id",
        "service",
        "session_id",
        "source",
        "span_id",
        "trace_id",
        "version",
        SPAN_ID_TAG,
    }
)
_RESERVED_PREFIXES = (
    "_",
    "analytics.",
    "ddtrace.",
    "error.",
    "gen_ai.",
    "git.",
    "http.",
    "llmobs_",
    "manual.",
    "net.",
    "network.",
    "out.",
    "peer.",
    "resource.",
    "sampling.",
    "service.",
    "span.",
    "spanbridge.",
)
"""By these names Datadog files a span, samples it, computes with it, or joins it with others."""
_MISSING = object()


def span_tags(record: SpanRecord, content: Mapping[str, Any], promoted: dict[str, Any]) -> dict[str, str]:
    """The tags of a span: promoted context keys, then its own, then what it belongs to.

    Those of the application that have a name which means something to Datadog are called `tag.<name>`. `content`: as the record has it
    `decoded`.
    """
    tags = {_unreserved(key): _text(value) for key, value in promoted.items()}
    if own := content.get("tags"):
        tags.update((_unreserved(key), value) for key, value in own_tags(own).items())
    for field, tag in _CORRELATION.items():
        if value := content.get(field):
            tags[tag] = _text(value)
    if "usr.id" in tags:
        tags.setdefault("user_id", tags["usr.id"])
    tags["spanbridge.type"] = str(record.type)
    if entity_id := content.get("entity_id"):
        tags["entity_id"] = _text(entity_id)
    if record.status not in (Status.OK, Status.ERROR):
        tags["spanbridge.status"] = str(record.status)
    for key, value in tags.items():
        if len(key) + len(value) > MAX_TAG_CHARACTERS:
            tags[key] = value[: max(0, MAX_TAG_CHARACTERS - len(key))]
    return tags


def _unreserved(key: str) -> str:
    name = key.lower()  # as Datadog writes it
    return f"tag.{key}" if name in _RESERVED or name.startswith(_RESERVED_PREFIXES) else key


def own_tags(tags: Iterable[Any]) -> dict[str, str]:
    """`key:value` is split at the first colon, unless it comes first; a bare tag is true."""
    split: dict[str, str] = {}
    for tag in tags:
        key, colon, value = str(tag).partition(":")
        if colon and key:
            split[key.strip()] = value.strip()
        else:
            split[str(tag).strip()] = "true"
    return split


def promote(keys: Sequence[str], metadata: dict[str, Any], attributes: dict[str, Any]) -> dict[str, Any]:
    """Takes the values of `keys` (dotted: nested) out of the metadata, else out of the attributes, to become tags."""
    promoted: dict[str, Any] = {}
    for key in keys:
        for values in (metadata, attributes):
            value = _taken(values, key.split("."))
            if value is not _MISSING and value is not None:
                promoted[key] = value
                break
    return promoted


def _taken(values: dict[str, Any], path: list[str]) -> Any:
    name, *rest = path
    if name not in values:
        return _MISSING
    if not rest:
        return values.pop(name)
    inner = values[name]
    if not isinstance(inner, dict):
        return _MISSING
    inner = values[name] = dict(inner)
    value = _taken(inner, rest)
    if not inner:
        del values[name]
    return value


def _text(value: Any) -> str:
    return value if type(value) is str else str(value).lower() if isinstance(value, bool) else json_text(value)
