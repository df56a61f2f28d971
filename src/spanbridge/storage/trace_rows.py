"""A trace's row: its root's fields and the sums of its spans, and what a batch changes in it."""

from __future__ import annotations

from hashlib import sha256
from math import inf, isfinite
from typing import TYPE_CHECKING, Any

import orjson

from spanbridge.model.span import CORRELATION_FIELDS, ENTITY_FIELDS, SpanRecord
from spanbridge.storage.filters import metadata_paths, scalar_text
from spanbridge.storage.span_rows import decode_or_empty

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RUNNING_DURATION = -1
"""`duration_ns` of a trace whose root has not ended: a number, so that lists can be ordered by it and continued."""
MAX_METADATA_PATHS = 256
"""How many metadata values of one trace can be found by a filter; all of them are stored."""

CONTENT_COLUMNS = (*ENTITY_FIELDS, *CORRELATION_FIELDS)
_ROOT_COLUMNS = (
    "span_id",
    "is_root",
    "external_parent_span_id",
    "name",
    "type",
    "status",
    "started_at",
    "ended_at",
    "duration_ns",
    "environment",
    "service_name",
    *CONTENT_COLUMNS,
)
_SUM_COLUMNS = (
    "span_count",
    "error_count",
    "has_error",
    "input_tokens",
    "output_tokens",
    "tokens",
    "cost",
    "priced_count",
)
TRACE_COLUMNS = (*_ROOT_COLUMNS, *_SUM_COLUMNS)
_STARTED_AT = TRACE_COLUMNS.index("started_at")

# No views: of what stands in the schema of a file, older SQLites trust no JSON function.
_EXTRACTED = ", ".join(f"json_extract(fields, '$[{place}]') AS {name}" for place, name in enumerate(TRACE_COLUMNS))
RECENT_FIELDS = f"(SELECT number, trace_id, {_EXTRACTED} FROM recent_traces)"  # noqa: S608 - our own names
"""`recent_traces` with the columns of `traces`."""
RECENT_TERMS = """(
    SELECT number AS trace_number, json_extract(term.value, '$[0]') AS field, json_extract(term.value, '$[1]') AS value
    FROM recent_traces, json_each(terms) AS term
)"""
"""`recent_traces` with the columns of `trace_terms`."""

Term = tuple[str, str]
"""Field and value of a row of `trace_terms`."""


class TraceRow:
    """One trace as the store holds it, and what a batch changes in it."""

    __slots__ = (
        "cost",
        "error_count",
        "first",
        "first_started_at",
        "input_tokens",
        "is_indexed",
        "models",
        "must_recompute",
        "number",
        "output_tokens",
        "priced_count",
        "root",
        "span_count",
        "terms",
        "trace_id",
        "values",
    )

    def __init__(
        self,
        trace_id: str,
        number: int,
        is_indexed: bool = False,
        values: Sequence[Any] | None = None,
        terms: Iterable[Term] = (),
    ) -> None:
        """`values` are those of `TRACE_COLUMNS`; absent for a new trace."""
        self.trace_id = trace_id
        self.number = number
        self.is_indexed = is_indexed
        """Whether the row is in `traces` now, not in `recent_traces`."""
        self.values: Sequence[Any] | None = values
        self.terms = terms
        self.root: SpanRecord | None = None
        """The earliest root of the batch."""
        self.first: SpanRecord | None = None
        """The batch's earliest span that is not a root, and when it started."""
        self.first_started_at: float = inf
        self.models: set[str] = set()
        """Models of the batch's spans."""
        self.must_recompute = False
        """Whether the changes cannot be told by increments: a root or a model that went, a parent that changed."""
        self.span_count = 0
        """This and the next five: what the batch adds."""
        self.error_count = 0
        self.input_tokens = 0
        self.output_tokens = 0
        self.cost = 0.0
        self.priced_count = 0

    def add(self, status: str, details: dict[str, Any], sign: int = 1) -> None:
        """Adds the share of one span; with sign -1 takes it off."""
        self.span_count += sign
        if status == "error":
            self.error_count += sign
        if details:
            self.input_tokens += sign * (details.get("billed_input_tokens") or 0)
            self.output_tokens += sign * (details.get("billed_output_tokens") or 0)
            self.cost += sign * (details.get("billed_cost") or 0.0)
            if details.get("cost") is not None or details.get("billed_cost"):
                self.priced_count += sign
            if sign > 0 and "model" in details:
                self.models.add(details["model"])

    def place_root(self, record: SpanRecord) -> None:
        """Takes note of a root; of several the earliest counts."""
        if self.root is None or record.started_at < self.root.started_at:
            self.root = record

    def update(self) -> None:
        """Brings `values` and `terms` up to date.

        Raises:
            OverflowError: A sum is not a finite number.
        """
        record = self._new_root()
        known = _NO_VALUES if self.values is None else self.values
        if record is None:
            root = known[: -len(_SUM_COLUMNS)]
            terms = {(field, value) for field, value in self.terms}
        else:
            content = decode_or_empty(record.document)
            root = _root_values(record, content)
            terms = _root_terms(content)
            if self.terms:
                terms.update([(field, value) for field, value in self.terms if field == "model"])
        if self.models:
            terms.update([("model", model) for model in self.models])
        self.terms = terms
        span_count, error_count, _, input_tokens, output_tokens, _, cost, priced_count = known[-len(_SUM_COLUMNS) :]
        error_count += self.error_count
        input_tokens += self.input_tokens
        output_tokens += self.output_tokens
        cost += self.cost
        if not isfinite(cost):
            raise OverflowError("a cost is not a finite number")
        self.values = [
            *root,
            span_count + self.span_count,
            error_count,
            int(error_count > 0),
            input_tokens,
            output_tokens,
            input_tokens + output_tokens,
            cost,
            priced_count + self.priced_count,
        ]

    def _new_root(self) -> SpanRecord | None:
        """The record whose fields the row must take over, if any: the earliest root, else the earliest span."""
        known = self.values
        if known is None:
            return self.root or self.first
        span_id, is_root = known[:2]
        record = self.root
        if record is not None and not is_root:
            return record
        if record is None and not is_root:
            record = self.first
        if record is not None and (record.span_id == span_id or record.started_at < known[_STARTED_AT]):
            return record
        return None

    def recent_row(self) -> tuple[int, str, str, str]:
        """The row of `recent_traces`."""
        return (self.number, self.trace_id, _json(self.values), _json([*self.terms]))


_NO_VALUES: Sequence[Any] = (*[None] * len(_ROOT_COLUMNS), 0, 0, 0, 0, 0, 0, 0.0, 0)


def _root_values(record: SpanRecord, content: dict[str, Any]) -> list[Any]:
    """The values of `_ROOT_COLUMNS`. A trace without a root is running, whatever its earliest span says."""
    is_root = record.parent_span_id is None
    ended_at = record.ended_at if is_root else None
    started_at = record.started_at
    return [
        record.span_id,
        int(is_root),
        record.external_parent_span_id,
        scalar_text(content.get("name", "")),
        str(record.type),
        str(record.status) if is_root else "running",
        started_at,
        ended_at,
        RUNNING_DURATION if ended_at is None else ended_at - started_at,
        record.environment,
        record.service_name,
        *[
            value if value is None or type(value) is str else scalar_text(value)
            for value in map(content.get, CONTENT_COLUMNS)
        ],
    ]


def _root_terms(content: dict[str, Any]) -> set[Term]:
    terms = {("tag", scalar_text(tag)) for tag in content["tags"]} if "tags" in content else set[Term]()
    if "metadata" in content:
        paths = metadata_paths(content["metadata"])[:MAX_METADATA_PATHS]
        terms.update([(f"metadata.{path}", indexed_text(value)) for path, value in paths])
    return terms


def indexed_text(text: str) -> str:
    """`text`, or its hash where it is long: an index of long texts would be as large as what it points to."""
    return text if len(text) <= 200 else f"sha256:{sha256(text.encode()).hexdigest()}"


def _json(value: Any) -> str:
    text = orjson.dumps(value).decode()
    # SQLite's JSON functions end a text where they find this character.
    return text if "\\u0000" not in text else orjson.dumps(_without_nul(value)).decode()


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return visible_nul(value)
    if isinstance(value, dict):
        return {key: _without_nul(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, (list, tuple)):
        return [_without_nul(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return value


def visible_nul(text: str) -> str:
    """`text` as a trace's row holds it and is found by: with the character U+2400 for each NUL."""
    return text.replace("\0", "\u2400")
