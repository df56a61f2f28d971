"""The sensitive-data filter: no credential leaves in a span, and nothing else is changed.

One look at the encoded content of some spans together decides; most end there. It tells where something was found, and of a dirty span
only what holds such a place is gone through (`walk.py`): names decide over values (`key_names.py`, `structures.py`), formats and words find
secrets in text (`text_search.py`), JSON inside strings is read and changed in place (`json_text.py`). What fails or takes too much is
withheld whole, and the span says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from orjson import dumps, loads

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
from spanbridge.processors.found_probes import Look, ends_within
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
LOOK_BYTES = 16 * 1024
"""Bytes of records that are looked at together, unless a single one is larger: what is done beside the look holds the interpreter."""


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
        look = self._look_at(value)
        if look is None:
            return value

        def walk() -> Walk:
            return Walk(
                self._search, Candidates(self._search), trace_id, {}, Budget(None), self._allowed, path, findings
            )

        try:
            return walk().document(value, look.ends)
        except TypeError:
            # Something that JSON has no word for; what was found on the way to it is found again.
            if findings:
                findings.clear()
            return walk().document(plain_value(value), None)

    def process(self, record: SpanRecord) -> SpanRecord:
        """Redacts the content of `record` that was not looked at yet, and counts it in `record.redactions`."""
        content = record.content()
        processed = record.processed
        fields = [field for field in content if field not in processed]
        if fields:
            document = record.encode_fields(fields)
            seen: SeenDocument | None = record.look
            if seen is None or seen.document is not document:
                seen = SeenDocument(document, self._search.look([document])[0], Candidates(self._search))
            if seen.look is not None:
                self._redact_fields(record, fields, seen.look, seen)
            processed.update(fields)
            record.look = None
        return record

    def prescan(self, records: Sequence[SpanRecord]) -> list[SpanRecord]:
        """Looks at many records together; returns those that `process` has to look at. With the others it is done: they are clean.

        The engine lets go of the interpreter for each look, and beside a busy application waits to get it back: fewer looks mean more
        spans in the same time.
        """
        if not self._search.is_for_many:
            return [*records]
        left = [record for record in records if record.processed]
        fresh = [record for record in records if not record.processed] if left else records
        candidates = Candidates(self._search)  # the same for all: a conversation comes again with each call of a model
        for chunk, documents in chunks(fresh, LOOK_BYTES):
            for record, document, look in zip(chunk, documents, self._search.look(documents), strict=True):
                if look is None:
                    record.processed.update(record.content())
                else:
                    record.look = SeenDocument(document, look, candidates)
                    left.append(record)
        return left

    def _redact_fields(self, record: SpanRecord, fields: Sequence[str], look: Look, seen: SeenDocument) -> None:
        """Redacts those of the fields, which the document holds, in which something was found."""
        content = record.content()
        encoded = {field: _encoded(content[field]) for field in fields}
        found = None if look.ends is None else _found_in(encoded, look.ends, len(seen.document))
        if found is None:
            looks = zip(encoded, self._search.look([*encoded.values()]), strict=True)
            found = {field: look.ends for field, look in looks if look is not None}
        budget = Budget(BUDGET_S)
        # The short ones first: they are done within the budget that a long one may exceed.
        for field in sorted(found, key=lambda field: len(encoded[field])):
            self._redact_field(record, field, encoded[field], found[field], seen.candidates, budget)

    def _redact_field(
        self,
        record: SpanRecord,
        field: str,
        encoded: bytes,
        ends: Sequence[int] | None,
        candidates: Candidates,
        budget: Budget,
    ) -> None:
        counts: dict[str, int] = {}
        try:
            value = decode(encoded)
            walk = Walk(self._search, candidates, record.trace_id, counts, budget, self._allowed, (field,))
            redacted = walk.document(value, ends if ends and dumps(value) == encoded else None)
            if redacted is value:
                return
            replacement = redacted if isinstance(redacted, str) else encode(redacted)
        except Exception as error:  # noqa: BLE001 - fails closed, whatever it was
            replacement = _withheld(field, _reason(error), record)
            counts = {"withheld": 1}
        record.replace_encoded(field, replacement)
        for rule, count in counts.items():
            record.redactions[rule] = record.redactions.get(rule, 0) + count

    def _look_at(self, value: Any) -> Look | None:
        """What a look at `value` tells; None where it is clean."""
        if isinstance(value, str):
            return Look(None) if self._search.candidates(value) else None
        try:
            document = dumps(value)
            (look,) = self._search.look([document])
        except (TypeError, ValueError, RecursionError):
            return Look(None)  # it cannot be read
        # Places in the document are places in what it was made of only if that is JSON through and through.
        return look if look is None or loads(document) == value else Look(None)


class SeenDocument(NamedTuple):
    """What was seen of a record before it is redacted."""

    document: bytes
    """Its content, as it stood then."""
    look: Look | None
    candidates: Candidates
    """What was found out about texts, perhaps with other records together."""


def _found_in(encoded: Mapping[str, bytes], ends: Sequence[int], size: int) -> dict[str, Sequence[int] | None] | None:
    """Which of the fields of a document of `size` bytes hold one of the places `ends`, and where in themselves; None where they do not
    make up the document."""
    found: dict[str, Sequence[int] | None] = {}
    before = len("{")
    for field, data in encoded.items():
        start = before + len(f'"{field}":')
        stop = start + len(data)
        if inside := ends_within(ends, before, stop):
            # What is found in its name concerns it whole.
            found[field] = [end - start for end in inside] if inside[0] > start else None
        before = stop + len(",")
    return found if before == size else None


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
