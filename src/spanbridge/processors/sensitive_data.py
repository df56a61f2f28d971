"""The sensitive-data filter: no credential leaves in a span, and nothing else is changed.

One prefilter pass over a span's encoded content decides; about 98 of 100 spans end there. Where it fires, the fields are looked at one by
one (`walk.py`): names decide over values (`key_names.py`, `structures.py`), formats and words find secrets in text (`text_search.py`), JSON
inside strings is read and changed in place (`json_text.py`). What fails or takes too much is withheld whole, and the span says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from orjson import dumps

from spanbridge.model.payload import decode, encode
from spanbridge.processors.filter_options import check_options, checked_patterns
from spanbridge.processors.masking_styles import Masker, Tokens
from spanbridge.processors.text_rule import Budget, BudgetExceeded
from spanbridge.processors.text_search import WITHHELD, TextSearch
from spanbridge.processors.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from spanbridge.model.span import SpanRecord
    from spanbridge.processors.matcher import Probe

BUDGET_S = 0.25
"""Processor seconds for the fields of one span; those that are not done by then are withheld, with the reason "budget"."""


PRESCAN_RECORDS = 8
"""Records that are looked at together."""
PRESCAN_MAX_BYTES = 256 * 1024
"""If they are larger, each is looked at alone."""


class SensitiveDataFilter:
    """Replaces secrets in everything that a span records; also usable on its own, through `redact`.

    Args:
        pii: Also e-mail addresses, card numbers, IBANs, US social security numbers, telephone numbers and IP addresses.
        style: "full": the marker. "partial": the first and last three characters of values longer than 12. "indexed": `[RULE_n]`, the same
            token for the same value within one trace.
        marker: What stands for a value: 1 to 64 characters without white space, quotes and backslashes.
        extra_keys: More names whose values are secret, in any spelling, also behind a prefix.
        extra_patterns: More formats: rule name to regular expression, which may not look around, refer back or repeat a repetition.

    Raises:
        ConfigurationError: A value is not usable; the message names the key, the value and the fix.
    """

    name = "sensitive_data"

    def __init__(
        self,
        *,
        pii: bool = False,
        style: Literal["full", "partial", "indexed"] = "full",
        marker: str = "[REDACTED]",
        extra_keys: Sequence[str] = (),
        extra_patterns: Mapping[str, str] = {},
    ) -> None:
        check_options(pii, style, marker, extra_keys)
        self._masker = Masker(style, marker)
        self._search = TextSearch(self._masker, extra_keys, checked_patterns(extra_patterns), pii)

    @property
    def probes(self) -> tuple[Probe, ...]:
        """What the prefilter looks for."""
        return self._search.probes

    def redact(self, value: Any) -> Any:
        """`value`, any JSON-like value, with its secrets replaced: the same shape, never mutated, equal where nothing was found.

        What cannot be looked at (deeper than 64 levels, a rule that fails) becomes "[WITHHELD]" or `{"withheld": {...}}`. Takes the time
        that it takes: the budget of a span does not hold here.
        """
        try:
            if not self._may_hold(value):
                return value
            return Walk(self._search, Tokens(), {}, Budget(None)).value(value, 0)
        except Exception as error:  # noqa: BLE001 - fails closed, whatever it was
            return WITHHELD if isinstance(value, str) else {"withheld": _reason(error)}

    def process(self, record: SpanRecord) -> SpanRecord:
        """Redacts the content of `record` that was not looked at yet, and counts it in `record.redactions`."""
        content = record.content()
        processed = record.processed
        fields: Collection[str] = content.keys() - processed if processed else content
        if not fields:
            return record
        matched = self._search.match(record.encode_fields(fields if processed else None))
        if matched:
            self._process_fields(record, {field: content[field] for field in fields}, matched)
        processed.update(fields)
        return record

    def prescan(self, records: Sequence[SpanRecord]) -> None:
        """Marks records in which nothing can match as processed, looking at a few together; `process` looks at the others.

        The engine lets go of the interpreter for each look, and beside a busy application waits to get it back: in a backlog, fewer looks
        mean more spans in the same time.
        """
        for start in range(0, len(records), PRESCAN_RECORDS):
            unseen = [record for record in records[start : start + PRESCAN_RECORDS] if not record.processed]
            documents = [record.encode_fields() for record in unseen]
            if sum(map(len, documents)) <= PRESCAN_MAX_BYTES and not self._search.match(b"\n".join(documents)):
                for record in unseen:
                    record.processed.update(record.content())

    def _process_fields(self, record: SpanRecord, snapshots: dict[str, Any], matched: Sequence[int]) -> None:
        """Redacts those of the fields in which a probe matches, given the probes that match in all of them together."""
        budget = Budget(BUDGET_S)
        encoded = [(data if type(data) is bytes else encode(data), field) for field, data in snapshots.items()]
        encoded.sort(key=lambda item: len(item[0]))
        unseen = set(matched)
        last = len(encoded) - 1
        for index, (data, field) in enumerate(encoded):
            # What no smaller field explains stands in the largest: it need not be searched again to know that.
            found = unseen if index == last and unseen else self._search.match(data)
            if found:
                self._process_field(record, field, data, budget)
                unseen.difference_update(found)

    def _process_field(self, record: SpanRecord, field: str, encoded: bytes, budget: Budget) -> None:
        counts: dict[str, int] = {}
        try:
            value = decode(encoded)
            redacted = Walk(self._search, self._masker.tokens(record.trace_id), counts, budget).value(value, 0)
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
            return bool(self._search.match(dumps(value)))
        except (TypeError, ValueError, RecursionError):
            return True


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
