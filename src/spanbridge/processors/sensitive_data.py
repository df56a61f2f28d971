"""The sensitive-data filter: no credential leaves in a span, and nothing else is changed.

One prefilter pass over the encoded content of some spans together decides; most end there. Where it fires, each span is looked at alone,
and of a dirty one the fields one by one (`walk.py`): names decide over values (`key_names.py`, `structures.py`), formats and words find
secrets in text (`text_search.py`), JSON inside strings is read and changed in place (`json_text.py`). What fails or takes too much is
withheld whole, and the span says so.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from orjson import dumps

from spanbridge.model.payload import decode, encode
from spanbridge.model.span import chunks
from spanbridge.processors.allowing import Allowed, checked_texts, value_hash
from spanbridge.processors.candidates import Candidates
from spanbridge.processors.filter_options import (
    check_options,
    checked_index_key,
    checked_kinds,
    checked_patterns,
    checked_recognizers,
)
from spanbridge.processors.masking_styles import Masker
from spanbridge.processors.plain_values import plain_value
from spanbridge.processors.redacting_stream import RedactingStream
from spanbridge.processors.text_rule import Budget, BudgetExceeded
from spanbridge.processors.text_search import WITHHELD, TextSearch
from spanbridge.processors.walk import Finding, Walk

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from spanbridge.model.span import SpanRecord
    from spanbridge.processors.filter_options import Recognizer
    from spanbridge.processors.matcher import Probe

BUDGET_S = 0.25
"""Processor seconds for the fields of one span; those that are not done by then are withheld, with the reason "budget"."""
PRESCAN_BYTES = 1024 * 1024
"""Bytes of a backlog's records that are looked at together, unless a single one is larger."""
SLICE_BYTES = 16 * 1024
"""The same where there is no backlog: what is done beside the engine's look holds the interpreter."""


class SensitiveDataFilter:
    """Replaces secrets in everything that a span records; also usable on its own, through `redact`, `explain` and `stream`.

    Args:
        pii: Also personal data: True for all kinds, or some of "email", "card_number", "iban", "ssn" (US), "phone", "ip_address".
        style: "full": the marker. "partial": the first and last three characters of values longer than 12. "indexed": `[RULE_hash]`, the
            same token for the same value within one trace, made with a key that this process alone knows.
        marker: What stands for a value: 3 to 64 characters, none of them white space, a quote, a backslash or one of `&;,=#%?@/|`.
        extra_keys: More names whose values are secret, in any spelling, also behind a prefix.
        extra_patterns: More formats: rule name to regular expression, which may not look around, refer back or repeat a repetition.
        recognizers: Functions that are given each text and answer with (start, end, rule) of what must go. They see every text of every
            span, so they should be fast; one that raises withholds the value.
        allow_keys: Names whose values pass as they are, in any spelling.
        allow_paths: Places whose values pass as they are: keys and indexes joined by dots, `*` for any one, `**` for any number, as in
            "attributes.build.*" or "input.messages.*.content". In a record a path begins with the field's name.
        allow_values: Hashes of values that pass, as `SensitiveDataFilter.value_hash` makes them.
        index_key: At least 16 bytes from which the tokens of the style "indexed" are made in every process that is given them.
        index_across_traces: Whether the same value has the same token in all traces.

    Raises:
        ConfigurationError: A value is not usable; the message names the key, the value and the fix.
    """

    name = "sensitive_data"

    def __init__(
        self,
        *,
        pii: bool | Collection[str] = False,
        style: Literal["full", "partial", "indexed"] = "full",
        marker: str = "[REDACTED]",
        extra_keys: Sequence[str] = (),
        extra_patterns: Mapping[str, str] = {},
        recognizers: Sequence[Recognizer] = (),
        allow_keys: Sequence[str] = (),
        allow_paths: Sequence[str] = (),
        allow_values: Sequence[str] = (),
        index_key: bytes | str | None = None,
        index_across_traces: bool = False,
    ) -> None:
        check_options(style, marker, extra_keys)
        self._masker = Masker(style, marker, checked_index_key(index_key), across_traces=index_across_traces)
        self._search = TextSearch(
            self._masker,
            extra_keys,
            checked_patterns(extra_patterns),
            checked_kinds(pii),
            checked_recognizers(recognizers),
            checked_texts("allow_keys", allow_keys, "names"),
        )
        has_lists = any(map(len, (allow_keys, allow_paths, allow_values)))
        self._allowed = Allowed(allow_keys, allow_paths, allow_values) if has_lists else None

    value_hash = staticmethod(value_hash)

    @property
    def probes(self) -> tuple[Probe, ...]:
        """What the prefilter looks for."""
        return self._search.probes

    def prepare(self) -> None:
        """Builds the engine that searches first, which takes some 30 ms: better as an application starts than with its first span."""
        self._search.match(b"")

    def redact(self, value: Any, trace_id: str = "") -> Any:
        """`value`, any JSON-like value, with its secrets replaced: the same shape, never mutated, equal where nothing was found.

        Where something may be, what JSON has no word for (bytes, sets, dataclasses, models, ...) comes back as a span would record it. What
        cannot be looked at (deeper than 64 levels, a rule that fails) becomes "[WITHHELD]" or `{"withheld": {...}}`. Takes the time that it
        takes: the budget of a span does not hold here. `trace_id` is the trace that tokens of the style "indexed" belong to.
        """
        try:
            return self._redact(value, trace_id, None)
        except Exception as error:  # noqa: BLE001 - fails closed, whatever it was
            return WITHHELD if isinstance(value, str) else {"withheld": _reason(error)}

    def explain(self, value: Any, path: Sequence[Any] = ()) -> list[Finding]:
        """What `redact` would replace in `value`: rule, path, where in the string and how long; never the value itself.

        `path` leads to the value, where it is a part of something. Raises what `redact` would withhold the value for.
        """
        findings: list[Finding] = []
        self._redact(value, "", findings, path)
        return findings

    def stream(self, trace_id: str = "") -> RedactingStream:
        """A filter for one text that arrives in pieces, such as a model's answer on its way to a user; see `RedactingStream`."""
        return RedactingStream(self._search, trace_id)

    def _redact(self, value: Any, trace_id: str, findings: list[Finding] | None, path: Sequence[Any] = ()) -> Any:
        if not self._may_hold(value):
            return value

        def walk() -> Walk:
            return Walk(
                self._search, Candidates(self._search), trace_id, {}, Budget(None), self._allowed, path, findings
            )

        try:
            return walk().value(value, 0)
        except TypeError:
            # Something that JSON has no word for; what was found on the way to it is found again.
            if findings:
                findings.clear()
            return walk().value(plain_value(value), 0)

    def process(self, record: SpanRecord) -> SpanRecord:
        """Redacts the content of `record` that was not looked at yet, and counts it in `record.redactions`."""
        content = record.content()
        processed = record.processed
        fields: Collection[str] = content.keys() - processed if processed else content
        if not fields:
            return record
        self._redact_one(record, {field: content[field] for field in fields})
        processed.update(fields)
        return record

    def prescan(self, records: Sequence[SpanRecord], *, hurries: bool = False) -> list[SpanRecord]:
        """Looks at many records together; returns those that `process` has to look at. With the others it is done: they are clean.

        `hurries`: redacts the dirty ones too, and returns those only that somebody has looked at before. The engine lets go of the
        interpreter for each look, and beside a busy application waits to get it back: in a backlog, fewer looks mean more spans in the
        same time. So all records are looked at together, then all dirty ones.
        """
        if not hurries and not self._search.is_for_many:
            return [*records]
        left = [record for record in records if record.processed]
        fresh = [record for record in records if not record.processed] if left else records
        for chunk, documents in chunks(fresh, PRESCAN_BYTES if hurries else SLICE_BYTES):
            found = self._search.match_documents(documents)
            if hurries:
                self._redact_dirty([record for record, matched in zip(chunk, found, strict=True) if matched])
            for record, matched in zip(chunk, found, strict=True):
                if matched and not hurries:
                    left.append(record)
                else:
                    record.processed.update(record.content())
        return left

    def _redact_one(self, record: SpanRecord, snapshots: dict[str, Any]) -> None:
        """Redacts those of the fields in which a probe matches."""
        # The short ones first: they are done within the budget that a long one may exceed.
        fields = sorted([(_encoded(data), field) for field, data in snapshots.items()], key=_first_length)
        found = self._search.match_documents([data for data, _ in fields])
        candidates, budget = Candidates(self._search), Budget(BUDGET_S)
        for (data, field), matched in zip(fields, found, strict=True):
            if matched:
                self._redact_field(record, field, data, candidates, budget)

    def _redact_dirty(self, records: list[SpanRecord]) -> None:
        """Redacts records, with as few looks of the engine as can be."""
        if not records:
            return
        fields = [(record, field, _encoded(data)) for record in records for field, data in record.content().items()]
        found = self._search.match_documents([data for _, _, data in fields])
        fields = [item for item, matched in zip(fields, found, strict=True) if matched]
        candidates = Candidates(self._search)
        with suppress(Exception):  # what fails here fails again for its field alone, which is withheld then
            candidates.learn(decode(data) for _, _, data in fields)
        budget, current = Budget(BUDGET_S), None
        for record, field, data in fields:
            if record is not current:
                budget, current = Budget(BUDGET_S, hurries=True), record
            self._redact_field(record, field, data, candidates, budget)

    def _redact_field(
        self, record: SpanRecord, field: str, encoded: bytes, candidates: Candidates, budget: Budget
    ) -> None:
        counts: dict[str, int] = {}
        try:
            value = decode(encoded)
            redacted = Walk(self._search, candidates, record.trace_id, counts, budget, self._allowed, (field,)).value(
                value, 0
            )
            if redacted is value:
                return
            replacement = redacted if isinstance(redacted, str) else encode(redacted)
        except Exception as error:  # noqa: BLE001 - fails closed, whatever it was
            replacement = _withheld(field, _reason(error), record)
            counts = {"withheld": 1}
        record.replace_encoded(field, replacement)
        for rule, count in counts.items():
            record.redactions[rule] = record.redactions.get(rule, 0) + count

    def _may_hold(self, value: Any) -> bool:
        """Whether the prefilter fires on `value`; also true of what it cannot read."""
        if isinstance(value, str):
            return bool(self._search.candidates(value))
        try:
            return bool(self._search.match_document(dumps(value)))
        except (TypeError, ValueError, RecursionError):
            return True


def _first_length(item: tuple[bytes, str]) -> int:
    return len(item[0])


def _encoded(snapshot: Any) -> bytes:
    return snapshot if type(snapshot) is bytes else encode(snapshot)


def _reason(error: Exception) -> dict[str, str]:
    """What a withheld field says: the class of the error, never its message, which may quote data."""
    reason = "budget" if isinstance(error, BudgetExceeded) else type(error).__name__
    return {"processor": SensitiveDataFilter.name, "reason": reason}


def _withheld(field: str, reason: dict[str, str], record: SpanRecord) -> str | bytes:
    """What stands for a whole field, in the field's own shape."""
    if field in ("input", "output", "attributes", "metadata"):
        return dumps({"withheld": reason})
    if field == "error":
        return dumps({"type": "Error", "message": WITHHELD, "withheld": reason})
    if field == "events":
        return dumps([{"name": WITHHELD, "time": record.started_at, "attributes": {"withheld": reason}}])
    if field == "links":
        return b"[]"
    return dumps([WITHHELD]) if field == "tags" else WITHHELD
