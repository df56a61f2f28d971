"""The sensitive-data filter: no credential leaves in a span, and nothing else is changed.

One prefilter pass over a span's encoded content decides; about 98 of 100 spans end there. Where it fires, the fields are looked at one by
one: names decide over values (`key_names.py`), formats and words find secrets in text (`credential_patterns.py`, `text_rules.py`), JSON
inside strings is read and changed in place (`json_text.py`). What fails or takes too much is withheld whole, and the span says so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, cast

from orjson import dumps

from spanbridge.model.payload import decode, encode
from spanbridge.processors import json_text
from spanbridge.processors.filter_options import check_options, checked_patterns, own_rule
from spanbridge.processors.key_names import (
    Classifier,
    Sensitivity,
    classifier_with,
    is_path,
    is_placeholder,
    looks_like_credential,
    looks_like_password,
    split_words,
)
from spanbridge.processors.masking_styles import Masker, Tokens
from spanbridge.processors.matcher import Prefilter, Probe, make_prefilter
from spanbridge.processors.text_rules import (
    FORMAT_RULES,
    PATTERN_RULES,
    Span,
    TextRule,
    keyword_rule,
    name_value_rule,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from spanbridge.model.span import SpanRecord

MAX_DEPTH = 64
"""Levels of a field; deeper ones withhold it."""
MAX_VALUES = 500_000
"""Strings and containers of a field; more withhold it."""
MAX_JSON_LEVELS = 4
"""How often JSON in a string in JSON is read; what lies deeper is still read as text."""
WITHHELD = "[WITHHELD]"


class LimitExceeded(Exception):  # noqa: N818 - its name is the reason that a withheld field states
    """A field is deeper or larger than the filter looks at."""


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
        self._classify = classifier_with(extra_keys)
        own = tuple(own_rule(name, pattern) for name, pattern in checked_patterns(extra_patterns))
        stems = "|".join(r"[\W_]?".join(map(re.escape, split_words(key))) for key in extra_keys)
        self._rules: tuple[TextRule, ...] = (
            *own,
            *FORMAT_RULES,
            *PATTERN_RULES,
            keyword_rule(self._classify, stems),
            name_value_rule(self._classify),
        )
        if pii:
            from spanbridge.processors.personal_data import PERSONAL_DATA  # noqa: PLC0415 - an option, off by default

            self._rules += PERSONAL_DATA
        probes = [(probe, rule) for rule in self._rules for probe in rule.probes]
        probes += [(probe, None) for probe in _STRUCTURE_PROBES]
        self._rule_of = [rule for _, rule in probes]
        self._probes = tuple(probe for probe, _ in probes)
        self._prefilter: Prefilter = make_prefilter(self._probes)
        self._always = tuple(rule for rule in own if not rule.probes)

    def redact(self, value: Any) -> Any:
        """`value`, any JSON-like value, with its secrets replaced: the same shape, never mutated, equal where nothing was found.

        What cannot be looked at (deeper than 64 levels, a rule that fails) becomes "[WITHHELD]" or `{"withheld": {...}}`.
        """
        try:
            if not self._always and not self._may_hold(value):
                return value
            return _Walk(self, Tokens(), {}).value(value, 0)
        except Exception as error:  # noqa: BLE001 - fails closed, whatever it was
            return WITHHELD if isinstance(value, str) else {"withheld": _reason(error)}

    def process(self, record: SpanRecord) -> SpanRecord:
        """Redacts the content of `record` that was not looked at yet, and counts it in `record.redactions`."""
        content = record.content()
        fields: Collection[str] = content.keys() - record.processed if record.processed else list(content)
        if not fields:
            return record
        if self._always or self._prefilter.match(record.encode_fields(fields if record.processed else None)):
            for field in fields:
                self._process_field(record, field, content[field])
        record.processed.update(fields)
        return record

    def _process_field(self, record: SpanRecord, field: str, snapshot: Any) -> None:
        try:
            encoded = encode(snapshot)
            if not self._always and not self._prefilter.match(encoded):
                return
            value = decode(encoded)
            counts: dict[str, int] = {}
            redacted = _Walk(self, self._masker.tokens(record.trace_id), counts).value(value, 0)
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
            return bool(self._prefilter.match(value.encode("utf-8", "surrogatepass")))
        try:
            return bool(self._prefilter.match(dumps(value)))
        except (TypeError, ValueError, RecursionError):
            return True

    def may_hold_text(self, text: str) -> bool:
        """Whether any rule may find something in `text`."""
        return bool(self._always) or bool(self._prefilter.match(text.encode("utf-8", "surrogatepass")))

    def spans(self, text: str) -> list[Span]:
        """The secrets in a text that is not JSON, in order, none overlapping another."""
        matched = self._prefilter.match(text.encode("utf-8", "surrogatepass"))
        if not matched and not self._always:
            return []
        found: list[Span] = []
        previous: TextRule | None = None
        for rule in (*self._always, *(self._rule_of[index] for index in sorted(matched or ()))):
            if rule is not None and rule is not previous:
                found.extend(rule.find(text))
                previous = rule
        found.sort(key=lambda span: (span.start, -span.end))
        result: list[Span] = []
        for span in found:
            if self.is_masked(text[span.start : span.end]):
                continue
            if result and span.start < result[-1].end:
                if span.end > result[-1].end:
                    result[-1] = result[-1]._replace(end=span.end)
                continue
            result.append(span)
        return result

    def is_masked(self, value: str) -> bool:
        """Whether `value` is what this filter, or another, put in place of a secret."""
        return self._masker.marker in value or value == WITHHELD

    def mask(self, rule: str, value: str, tokens: Tokens) -> str:
        """What stands for `value`."""
        return self._masker.mask(rule, value, tokens)

    @property
    def probes(self) -> tuple[Probe, ...]:
        """What the prefilter looks for."""
        return self._probes

    def classify(self, name: str) -> Sensitivity:
        """What a name says of its value."""
        return self._classify(name)


class _Walk:
    """One pass over one decoded value. Unchanged parts come back as the same objects."""

    def __init__(self, owner: SensitiveDataFilter, tokens: Tokens, counts: dict[str, int]) -> None:
        self._owner = owner
        self._tokens = tokens
        self._counts = counts
        self._json_level = 0
        self._visited = 0
        self._classify: Classifier = owner.classify

    def value(self, value: Any, depth: int, parent: str = "") -> Any:
        if value is None or isinstance(value, (int, float)):
            return self._number(value)
        self._visited += 1
        if depth > MAX_DEPTH or self._visited > MAX_VALUES:
            raise LimitExceeded
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return self._mapping(value, depth, parent)  # pyright: ignore[reportUnknownArgumentType]
        if isinstance(value, (list, tuple)):
            items = self._sequence(value, depth, parent)  # pyright: ignore[reportUnknownArgumentType]
            return tuple(items) if items is not value and isinstance(value, tuple) else items
        return value

    def _number(self, value: Any) -> Any:
        if type(value) is int and value >= 10**12:
            text = str(value)
            spans = self._owner.spans(text) if value < 10**19 else []
            if spans and spans[0].start == 0 and spans[0].end == len(text):
                return self._mask(spans[0].rule, text)
        return value

    def _mask(self, rule: str, value: str) -> str:
        self._counts[rule] = self._counts.get(rule, 0) + 1
        return self._owner.mask(rule, value, self._tokens)

    # ── text ──────────────────────────────────────────────────────────────────────────────────────────

    def _text(self, text: str) -> str:
        if len(text) < 6:
            return text
        if self._json_level >= MAX_JSON_LEVELS or ("{" not in text and "[" not in text):
            return self._plain(text)
        if not self._owner.may_hold_text(text):
            return text
        parts: list[str] = []
        at = 0
        for start, end, value in json_text.regions(text):
            redacted = self._inner(value)
            if redacted is value and text[start] == "[" and "{" not in text[start:end]:
                continue  # a subscript, as in `os.environ["API_KEY"] = ...`: it belongs to the text around it
            # Text before JSON is its own; where both have something to say, as in `Authorization: {...}`, the JSON decides.
            parts.append(self._plain(text[at:start]))
            parts.append(
                text[start:end] if redacted is value else json_text.splice(text, start, value, redacted, self._inner)[0]
            )
            at = end
        if not parts:
            return self._plain(text)
        parts.append(self._plain(text[at:]))
        result = "".join(parts)
        return text if result == text else result

    def _inner(self, value: Any) -> Any:
        """A value of JSON inside a string."""
        self._json_level += 1
        try:
            return self.value(value, 0)
        finally:
            self._json_level -= 1

    def _plain(self, text: str) -> str:
        spans = self._owner.spans(text) if len(text) >= 6 else []
        if not spans:
            return text
        parts: list[str] = []
        at = 0
        for start, end, rule in spans:
            parts.append(text[at:start])
            parts.append(self._mask(rule, text[start:end]))
            at = end
        parts.append(text[at:])
        return "".join(parts)

    # ── mappings ──────────────────────────────────────────────────────────────────────────────────────────

    def _mapping(self, value: dict[Any, Any], depth: int, parent: str) -> dict[Any, Any]:
        labels = not _LABEL_PARENTS.isdisjoint(split_words(parent)[-1:])
        named = self._named_value(value)
        key_set = "kty" in value
        result: dict[Any, Any] | None = None
        for key, item in value.items():
            name = key if isinstance(key, str) else ""
            level = self._classify(name) if name else Sensitivity.NONE
            if (
                parent
                and level is not Sensitivity.STRONG
                and parent.rstrip("s").lower().endswith(("token", "auth", "cookie"))
            ):
                level = max(level, self._classify(f"{name} {parent}"), self._classify(f"{parent} {name}"))
            rule = "key_name"
            if named is not None and name == named[0]:
                level = max(level, named[1])
            elif key_set and name in _JWK_PRIVATE and isinstance(item, str) and len(item) >= 16:
                level, rule = Sensitivity.STRONG, "private_key"
            if level and not (labels and (not isinstance(item, str) or re.search(r"\s", item))):
                redacted = self._secret(item, level, name, depth, rule)
            else:
                redacted = self.value(item, depth + 1, name)
            new_key: Any = self._key(name) if len(name) >= 16 else key
            if redacted is not item or (new_key is not key and new_key != key):
                if result is None:
                    result = {}
                    for before, unchanged in value.items():
                        if before is key:
                            break
                        result[before] = unchanged
                while new_key != key and (new_key in result or new_key in value):
                    new_key += "_"
                result[new_key] = redacted
            elif result is not None:
                result[key] = item
        return value if result is None else result

    def _key(self, name: str) -> str:
        """A key that is itself a credential."""
        spans = [span for span in self._owner.spans(name) if span.rule not in _CONTEXT_RULES]
        if not spans:
            return name
        return (
            name[: spans[0].start]
            + self._mask(spans[0].rule, name[spans[0].start : spans[-1].end])
            + name[spans[-1].end :]
        )

    def _named_value(self, value: dict[Any, Any]) -> tuple[str, Sensitivity] | None:
        """Which key of `{"name": K, "value": V}` holds a value that K says is secret, and how surely."""
        target = next((key for key in _VALUE_KEYS if key in value), None)
        if target is None or len(value) > 12:
            return None
        level = Sensitivity.STRONG if value.get("type") == "password" else Sensitivity.NONE
        for key in _NAME_KEYS:
            name = value.get(key)
            if isinstance(name, str) and key != target:
                level = max(level, self._classify(name))
        item = value[target]
        if target in ("content", "text") and (not isinstance(item, str) or re.search(r"[\s{]", item)):
            return None
        return (target, level) if level else None

    def _secret(self, value: Any, level: Sensitivity, name: str, depth: int, rule: str = "key_name") -> Any:
        """A value under a name that says it is secret."""
        if value is None or isinstance(value, bool):
            return value
        words = split_words(name)
        token = bool(words) and words[-1].startswith("token")
        if isinstance(value, str):
            scheme, _, rest = value.partition(" ")
            if (
                is_placeholder(value)
                or self._owner.is_masked(value)
                or (rest and scheme.isalpha() and _IS_VARIABLE.match(rest))
            ):
                return self.value(value, depth + 1, name) if len(value) > 64 else value
            if level is Sensitivity.WEAK:
                return self._mask(rule, value) if looks_like_credential(value) else self.value(value, depth + 1, name)
            if ("pwd" in name.lower() and is_path(value)) or (token and value.isdigit()):
                return value
            return self._mask(rule, value)
        if isinstance(value, (int, float)):
            plural = bool(words) and words[-1].endswith("s") and words[-1] != "pass"
            return (
                value
                if level is Sensitivity.WEAK or token or plural or abs(value) < 10
                else self._mask(rule, str(value))
            )
        if not value or level is Sensitivity.WEAK or _is_schema(value):
            return (
                self._weak_items(cast("list[Any]", value), name, depth)
                if isinstance(value, list) and level
                else self.value(value, depth + 1, name)
            )
        return self._mask(rule, repr(value))

    def _weak_items(self, items: list[Any], name: str, depth: int) -> list[Any]:
        result = (
            [self._secret(item, Sensitivity.WEAK, name, depth + 1) for item in items]
            if len(items) <= 1000
            else self.value(items, depth + 1)
        )
        return items if all(new is old for new, old in zip(result, items, strict=True)) else result

    # ── sequences ──────────────────────────────────────────────────────────────────────────────────────────

    def _sequence(self, items: Sequence[Any], depth: int, parent: str) -> Any:
        result: list[Any] | None = None
        pair = len(items) == 2 and isinstance(items[0], str)
        for index, item in enumerate(items):
            level = Sensitivity.NONE
            before = items[index - 1] if index else None
            if isinstance(before, str) and isinstance(item, str):
                level = self._argument(before, item, items)
                if pair and not level:
                    named = self._classify(before)
                    level = (
                        named
                        if parent == _PAIRS or (" " not in item and looks_like_credential(item))
                        else Sensitivity.NONE
                    )
            if level:
                redacted = self._secret(item, level, str(before), depth)
            else:
                redacted = self.value(item, depth + 1, self._item_parent(items, parent, item))
            if redacted is not item and result is None:
                result = list(items[:index])
            if result is not None:
                result.append(redacted)
        return items if result is None else result

    @staticmethod
    def _item_parent(items: Sequence[Any], parent: str, item: Any) -> str:
        """What an item of a list is told about the name that the list stands under."""
        if type(item) is list or type(item) is tuple:
            return _PAIRS if all(type(other) in (list, tuple) and len(other) == 2 for other in items[:8]) else ""
        return parent if _names_credentials(parent) else ""

    def _argument(self, flag: str, value: str, items: Sequence[Any]) -> Sensitivity:
        """How secret an argument is that follows `flag` on a command line."""
        if not flag.startswith("-") or value.startswith("-") or len(flag) > 64:
            return Sensitivity.NONE
        if flag.startswith("--") or len(flag) > 3:
            level = self._classify(flag.lstrip("-")) if "=" not in flag else Sensitivity.NONE
            return Sensitivity.STRONG if level and looks_like_password(value) else level
        program = str(items[0]).rsplit("/", 1)[-1]
        return Sensitivity.STRONG if flag in _SHORT_FLAGS.get(program, ()) else Sensitivity.NONE


_PAIRS = "\0pairs"
_SHORT_FLAGS = {
    "sshpass": ("-p",),
    "redis-cli": ("-a",),
    "sqlcmd": ("-P",),
    "ldapsearch": ("-w",),
    "mongo": ("-p",),
    "mongosh": ("-p",),
    "docker": ("-p",),
    "plink": ("-pw",),
}
"""Programs and their flags that a password follows."""
_NAME_KEYS = (
    "name",
    "key",
    "header",
    "field",
    "label",
    "selector",
    "id",
    "variable",
    "parameter",
    "param",
    "element",
    "locator",
    "property",
    "k",
    "target",
)
_VALUE_KEYS = ("value", "val", "v", "text", "content")
_JWK_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "k"})
_LABEL_PARENTS = frozenset(
    {
        "errors",
        "error",
        "labels",
        "label",
        "messages",
        "validation",
        "translations",
        "i18n",
        "descriptions",
        "placeholders",
        "hints",
        "help",
        "properties",
        "tooltips",
        "titles",
        "locales",
    }
)
"""Names of mappings whose values are text about their keys."""
_IS_VARIABLE = re.compile(r"\$\{?[\w.]+\}?\Z|\{\{?[^{}]*\}\}?\Z|<[^<>]*>\Z")
"""A variable behind the scheme of a header: `Bearer ${TOKEN}`."""
_CONTEXT_RULES = frozenset({"assignment", "authorization", "cookie"})
_SCHEMA_TYPES = frozenset(
    {"string", "object", "array", "integer", "number", "boolean", "null", "password", "text", "str"}
)
_STRUCTURE_PROBES = (Probe(("kty",), r"kty[\\\"']{1,9}[ ]?:"), Probe(("password",), r"password[\\\"']{1,9}[ ]?[,}]"))


def _names_credentials(parent: str) -> bool:
    """Whether a mapping under this name holds credentials beside other things: `auth`, `tokens`, `cookies`."""
    return parent.rstrip("s").lower().endswith(("token", "auth", "cookie"))


def _is_schema(value: Any) -> bool:
    """Whether a mapping describes a value instead of holding one."""
    if not isinstance(value, dict):
        return False
    kind: Any = value.get("type")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return (
        (isinstance(kind, str) and kind.lower() in _SCHEMA_TYPES and "value" not in value)
        or "$ref" in value
        or "anyOf" in value
    )


def _reason(error: Exception) -> dict[str, str]:
    """What a withheld field says: the class of the error, never its message, which may quote data."""
    return {"processor": SensitiveDataFilter.name, "reason": type(error).__name__}


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
