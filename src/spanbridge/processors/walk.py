"""One pass over a decoded value: names decide over values, text and JSON in it are looked at, unchanged parts stay the same objects.

What a look at the document found, it found in some places (`found_probes.Look`); a part without one is clean and is passed by, unless
what stands around it says what it holds.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from orjson import dumps, loads

from spanbridge.processors import chunked_text, json_text
from spanbridge.processors.allowing import Allowed, path_text
from spanbridge.processors.candidates import MAX_JSON_LEVELS, Candidates, is_text
from spanbridge.processors.command_lines import secret_arguments
from spanbridge.processors.found_probes import Look, list_place
from spanbridge.processors.key_names import (
    Sensitivity,
    is_path,
    is_pin,
    looks_like_credential,
    names_login,
    split_words,
)
from spanbridge.processors.masking_styles import quoted
from spanbridge.processors.members import Members
from spanbridge.processors.personal_data import is_counted, is_version, named_rule
from spanbridge.processors.piece_masker import PieceMasker
from spanbridge.processors.placeholders import is_placeholder, is_placeholder_of_cookies, is_placeholder_of_scheme
from spanbridge.processors.plain_values import MAX_DEPTH, LimitExceeded
from spanbridge.processors.secret_manifests import MANIFEST_DATA, holds_secret_data
from spanbridge.processors.structures import (
    ROWS,
    argument_level,
    columns_of,
    holds_headers,
    holds_no_secret,
    is_pair_of,
    is_schema,
    names_credentials,
    names_group,
    typed_member,
    values_of_schema,
)
from spanbridge.processors.value_words import is_mixed_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanbridge.processors.text_rule import Budget
    from spanbridge.processors.text_search import TextSearch

MAX_VALUES = 500_000
"""Strings and containers of a field; more withhold it."""

_NONE, _WEAK, _STRONG = Sensitivity  # an enumeration looks its members up anew each time
_TOGETHER = 64
"""Items of a list that are looked at together."""
_UNKNOWN = -1
"""In the place of where a value begins in the document that was looked at."""


class Finding(NamedTuple):
    """What a rule found, and where; never the value."""

    rule: str
    path: str
    """The keys and indexes that lead to the string, joined by dots; empty for a string that stands alone."""
    start: int
    """Where in the string it starts, in characters; in JSON inside of a string, counted from the start of its own string."""
    length: int
    """Characters of the value."""
    offset: int
    """Where in the outermost string it starts, or the JSON document inside of it that holds it."""


class Walk:
    """Redacts one value; `candidates` may have learned its texts before, `counts` gets how many values each rule found.

    `scope` is the trace that indexed tokens belong to, `path` leads to the value; `findings`, if given, gets all that is found.
    """

    def __init__(
        self,
        search: TextSearch,
        candidates: Candidates,
        scope: str,
        counts: dict[str, int],
        budget: Budget,
        allowed: Allowed | None = None,
        path: Sequence[Any] = (),
        findings: list[Finding] | None = None,
    ) -> None:
        self._search = search
        self._candidates = candidates
        self._classify = search.classify
        self._scope = scope
        self._counts = counts
        self._budget = budget
        self._allowed = allowed
        self._has_paths = allowed is not None and allowed.has_paths
        self._path: list[Any] = [*path]
        self._findings = findings
        self._json_level = 0
        self._document: int | None = None
        """Where in the outermost string the JSON document starts that is being gone through."""
        self._visited = 0
        self._ends: Sequence[int] = ()

    def document(self, value: Any, ends: Sequence[int] | None, depth: int = 0) -> Any:
        """`value` with its secrets replaced. `ends`: what a look at it told (see `found_probes.Look`); None: it is gone through whole."""
        outer, self._ends = self._ends, ends or ()
        try:
            return self.value(value, depth, "", _UNKNOWN if ends is None else 0)
        finally:
            self._ends = outer

    def _looks_at(self, values: Sequence[Any]) -> list[Look | None]:
        """What one look at some containers tells of each, in which it was not known where something is; None for clean ones."""
        try:
            documents = [dumps(value) for value in values]
        except (TypeError, ValueError, RecursionError):
            return [Look(None)] * len(values)
        return [
            look if look is None or loads(document) == value else Look(None)
            for look, document, value in zip(self._search.look(documents), documents, values, strict=True)
        ]

    def value(self, value: Any, depth: int, parent: str = "", at: int = _UNKNOWN) -> Any:
        """A value that begins at `at` of the document."""
        if self._has_paths and self._allowed is not None and self._allowed.path(self._path):
            return value
        if isinstance(value, str):
            return self._text(value)
        if value is None or isinstance(value, (int, float)):
            return self._number(value, parent) if type(value) is int else value
        if depth > MAX_DEPTH:
            raise LimitExceeded
        if isinstance(value, dict):
            return self._mapping(value, depth, parent, at)  # pyright: ignore[reportUnknownArgumentType]
        if isinstance(value, (list, tuple)) and not hasattr(cast("Any", value), "_fields"):
            items = self._sequence(value, depth, parent, at)  # pyright: ignore[reportUnknownArgumentType]
            return tuple(items) if items is not value and isinstance(value, tuple) else items
        raise TypeError  # no JSON value: it cannot be looked at

    def _is_clean(self, start: int, stop: int) -> bool:
        """Whether nothing was found in a part of the document."""
        ends = self._ends
        first = bisect_right(ends, start)
        return first == len(ends) or ends[first] > stop

    def _was_found(self, place: int) -> bool:
        """Whether something was found at a place of the document."""
        ends = self._ends
        index = bisect_left(ends, place)
        return index < len(ends) and ends[index] == place

    def _count(self) -> None:
        self._visited += 1
        if self._visited & 15 == 1:
            self._pause()

    def _pause(self) -> None:
        if self._visited > MAX_VALUES:
            raise LimitExceeded
        self._budget.pause()

    def _number(self, value: int, name: str) -> Any:
        if self._search.finds_numbers and 10**12 <= value < 10**19 and not is_counted(name):
            text = str(value)
            spans = self._search.spans(text, self._budget, self._candidates[text] or ())
            if spans and spans[0].start == 0 and spans[0].end == len(text):
                return self._masked(spans[0].rule, value, text)
        return value

    def _mask(self, rule: str, value: str, start: int = 0) -> str:
        """What stands for `value`: itself, where it is allowed."""
        if self._allowed is not None and self._allowed.value(value):
            return value
        self._counts[rule] = self._counts.get(rule, 0) + 1
        if self._findings is not None:
            offset = start if self._document is None else self._document
            self._findings.append(Finding(rule, path_text(self._path), start, len(value), offset))
        return self._search.mask(rule, value, self._scope)

    def _masked(self, rule: str, value: Any, text: str) -> Any:
        """As `_mask`, of a value that is no text."""
        masked = self._mask(rule, text)
        return value if masked == text else masked

    # ── text ──────────────────────────────────────────────────────────────────────────────────────────

    def _text(self, text: str, *, is_suspect: bool = False) -> str:
        """A string; `is_suspect`: a look at the document found something in it, which spares one at the whole string."""
        self._visited += 1
        if self._visited & 15 == 1:
            self._pause()
        if len(text) < self._search.shortest or not (is_suspect or self._candidates[text]):
            return text
        if self._json_level >= MAX_JSON_LEVELS or not json_text.holds_json(text):
            return self._part(text, 0, len(text))
        parts: list[str] = []
        at = 0
        regions = self._candidates.regions(text)
        documents = [value for _, _, value in regions]
        values = self._joined(documents) if len(documents) > 1 and not any(map(_is_plain_text, documents)) else None
        for index, (start, end, value) in enumerate(regions):
            if self._json_level == 0:
                self._document = start
            name = _name_before(text, start)
            if name and _is_plain_text(value) and self._classify(name):
                continue  # of a document that was cut off: what its name says is read in the text
            redacted = self._inner(values[index] if values else value, name)
            if self._json_level == 0:
                self._document = None
            if redacted is value and (
                text[start - 1 : start] == "(" or (text[start] == "[" and "{" not in text[start:end])
            ):
                continue  # a subscript, as in `os.environ["API_KEY"] = ...`, or an argument: it belongs to the text around it
            # Text before JSON is its own; where both have something to say, as in `Authorization: {...}`, the JSON decides.
            parts.append(self._part(text, at, start))
            parts.append(
                text[start:end]
                if redacted is value
                else json_text.rewritten(text, start, value, redacted, partial(self._inner, name=name))
            )
            at = end
        if not parts:
            return self._part(text, 0, len(text))
        parts.append(self._part(text, at, len(text)))
        result = "".join(parts)
        return text if result == text else result

    def _inner(self, value: Any, name: str = "") -> Any:
        """A value of JSON inside a string, where a name may stand before it: `cookies={"sid": "x"}`."""
        self._json_level += 1
        try:
            if name or not _holds_more_than_one(value):
                return self.value(value, 0, name)
            (look,) = self._looks_at((value,))
            return value if look is None else self.document(value, look.ends)
        finally:
            self._json_level -= 1

    def _part(self, text: str, start: int, end: int) -> str:
        """A part of a text."""
        part = text[start:end]
        found = self._candidates[part] if len(part) >= self._search.shortest else None
        return self._plain(part, found, start) if found else part

    def _plain(self, text: str, matched: Sequence[int], offset: int = 0) -> str:
        spans = self._candidates.spans(text, matched, self._budget)
        if not spans:
            return text
        parts: list[str] = []
        at = 0
        for span in spans:
            parts.append(text[at : span.start])
            parts.append(quoted(self._mask(span.rule, text[span.start : span.end], offset + span.start), text, span))
            at = span.end
        parts.append(text[at:])
        return "".join(parts)

    # ── mappings ──────────────────────────────────────────────────────────────────────────────────────────

    def _mapping(self, value: dict[Any, Any], depth: int, parent: str, at: int = _UNKNOWN) -> dict[Any, Any]:
        self._count()
        members = Members(value, parent, self._classify)
        result: dict[Any, Any] | None = None
        path = self._path
        path.append("")
        is_clean = False
        stop = at
        for key, item in value.items():
            path[-1] = key
            name = key if isinstance(key, str) else _plain_key(key)
            if at != _UNKNOWN:
                start = stop + 1
                at = start + len(dumps(key)) + 1
                stop = at + len(dumps(item))
                is_clean = self._is_clean(start, stop)
            redacted = self._member(members, name, item, value, depth, parent, at, is_clean=is_clean)
            new_key: Any = key
            if not is_clean and is_text(name) and (matched := self._candidates[name]):
                new_key = self._plain(name, matched)
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
        path.pop()
        return value if result is None else result

    def _member(
        self,
        members: Members,
        name: str,
        item: Any,
        siblings: dict[Any, Any],
        depth: int,
        parent: str,
        at: int,
        *,
        is_clean: bool,
    ) -> Any:
        """The value of a member of a mapping: by its name, else by what it holds, unless that is known to be clean."""
        if self._allowed is not None and (
            self._allowed.key(name) or (self._has_paths and self._allowed.path(self._path))
        ):
            return item
        if (secrecy := members.secrecy(name, item)) is not None:
            return self._secret(item, secrecy.level, secrecy.called, depth, secrecy.rule)
        kinds = self._search.kinds
        if kinds and type(item) in _NUMERALS and (found := self._personal(str(item), name, parent, siblings)):
            return self._masked(found, item, str(item))
        if type(item) is str:
            if is_clean or (kinds and is_version(name, item)):
                return item
            return self._text(item, is_suspect=at != _UNKNOWN)
        if type(item) is list and name in ROWS and (columns := columns_of(siblings)) is not None:
            return self._rows(cast("list[Any]", item), columns, depth + 1)
        if holds_secret_data(siblings, name):
            return self.value(item, depth + 1, MANIFEST_DATA)
        if is_clean:
            return item  # pyright: ignore[reportUnknownVariableType]
        return self.value(item, depth + 1, name, at)

    def _rows(self, rows: list[Any], columns: list[str], depth: int) -> list[Any]:
        """The rows of a table whose columns have these names: each as if it were a mapping."""
        result: list[Any] = []
        for row in rows:
            if type(row) in _LISTS and len(row) == len(columns):
                cells = dict(zip(columns, row, strict=True))
                redacted = self._mapping(cells, depth + 1, "")
                result.append(row if redacted is cells else [*redacted.values()])
            else:
                result.append(self.value(row, depth + 1))
        return rows if all(new is old for new, old in zip(result, rows, strict=True)) else result

    def _personal(self, text: str, name: str, parent: str, siblings: dict[Any, Any]) -> str | None:
        """The rule by which digits are personal because of what they are called, here or around them."""
        label = siblings.get("name") if name == "value" else None
        called = label if isinstance(label, str) else f"{parent} {name}" if name in ("number", "value") else name
        return named_rule(self._search.kinds, called, text)

    def _secret(self, value: Any, level: Sensitivity, name: str, depth: int, rule: str = "key_name") -> Any:
        """A value under a name that says it is secret."""
        if value is None or isinstance(value, bool):
            return value
        words = split_words(name)
        token = bool(words) and words[-1].startswith("token")
        if isinstance(value, str):
            if self._stands_for_one(value, words):
                return self._text(value) if len(value) > 64 else value
            if level is _WEAK:
                login = _LOGIN.fullmatch(value) if words and words[-1] == "auth" else None
                if login is not None and is_mixed_word(login["v"]):
                    return value[: login.start("v")] + self._mask(rule, login["v"], login.start("v"))
                is_secret = looks_like_credential(value) or is_pin(name, value)
                return self._mask(rule, value) if is_secret else self._text(value)
            if ("pwd" in name.lower() and is_path(value)) or (token and value.isdigit()):
                return value
            return self._mask(rule, value)
        if isinstance(value, (int, float)):
            plural = bool(words) and words[-1].endswith("s") and words[-1] != "pass"
            kept = (level is _WEAK and not is_pin(name, str(value))) or token or plural or abs(value) < 10
            return value if kept else self._masked(rule, value, str(value))
        if not value or level is _WEAK:
            if isinstance(value, list):
                return self._weak_items(cast("list[Any]", value), name, depth)
            return self.value(value, depth + 1, name)
        if isinstance(value, dict) and is_schema(mapping := cast("dict[Any, Any]", value)):
            return self._schema(mapping, name, depth)
        if holds_no_secret(value, lambda text: self._stands_for_one(text, words)):
            return self.value(value, depth + 1)
        if isinstance(value, dict) and (member := typed_member(mapping := cast("dict[Any, Any]", value))):
            held = self._secret(mapping[member], level, name, depth + 1, rule)
            return mapping if held is mapping[member] else {member: held}
        if names_group(name):
            return self._group(cast("Any", value), level, name, depth)
        return self._masked(rule, cast("Any", value), repr(cast("Any", value)))

    def _group(self, value: Any, level: Sensitivity, name: str, depth: int) -> Any:
        """Several secrets with what belongs to them: leaf by leaf."""
        if isinstance(value, dict):
            return self.value(value, depth + 1, name)
        items = cast("list[Any]", value)
        if all(type(item) in _LISTS and len(item) == 2 for item in items) and any(
            self._classify(str(pair[0])) for pair in items
        ):
            return self.value(items, depth + 1)
        result = [
            self._masked("key_name", item, str(item))
            if type(item) in _NUMBERS
            else self._secret(item, level, name, depth + 1)
            for item in items
        ]
        if all(new is old for new, old in zip(result, items, strict=True)):
            return items
        return tuple(result) if isinstance(items, tuple) else result

    def _stands_for_one(self, value: str, words: Sequence[str]) -> bool:
        """Whether a value under a name of these words stands for a secret."""
        scheme, _, rest = value.partition(" ")
        return (
            is_placeholder(value)
            or self._search.is_masked(value)
            or (scheme.isalpha() and _IS_VARIABLE.match(rest) is not None)
            or is_placeholder_of_scheme(value)
            or ("=" in value and words[-1:] == ("cookie",) and is_placeholder_of_cookies(value))
        )

    def _schema(self, value: dict[Any, Any], name: str, depth: int) -> Any:
        """What describes a secret: without the values that it holds, its default and its examples."""
        result = self.value(value, depth + 1, name)
        for key in values_of_schema(value):
            self._path.append(key)
            held = self._secret(value[key], _STRONG, name, depth + 1)
            self._path.pop()
            if held is not value[key]:
                result = {**result, key: held}
        return result

    def _weak_items(self, items: list[Any], name: str, depth: int) -> list[Any]:
        if len(items) == 2 and names_login(name) and all(type(item) is str for item in items):
            user, password = items  # as clients of HTTP take them
            masked = self._mask("key_name", password) if is_mixed_word(password) else password
            return items if masked is password else [user, masked]
        result = [self._secret(item, _WEAK, name, depth + 1) for item in items]
        return items if all(new is old for new, old in zip(result, items, strict=True)) else result

    # ── sequences ──────────────────────────────────────────────────────────────────────────────────────────

    def _sequence(self, items: Sequence[Any], depth: int, parent: str, at: int) -> Any:
        self._count()
        if at != _UNKNOWN and self._was_found(list_place(at)):
            at = _UNKNOWN  # in which of its strings is not told
        joined = None if len(items) < 2 or parent == _PAIRS or self._is_pair(items, parent) else self._joined(items)
        if joined is not None:
            items, at = joined, _UNKNOWN  # they stand elsewhere now
        result = joined
        path = self._path
        path.append("")
        named = parent if names_credentials(parent) else ""
        arguments = {argument.number: argument for argument in secret_arguments(items)}
        kinds = self._search.kinds
        pairs: str | None = None
        before: Any = None
        pairs_up = len(items) == 2 or (bool(parent) and holds_headers(parent))
        # A clean mapping is none where what stands around it says what it holds.
        passes_by = not named and parent != _PAIRS
        looks: dict[int, Look | None] = {}
        looks_first = at == _UNKNOWN and passes_by and len(items) > 1 and dict in map(type, items)
        is_clean = False
        stop = at
        for index, item in enumerate(items):
            path[-1] = index
            if looks_first and index % _TOGETHER == 0:
                mappings: list[Any] = [item for item in items[index : index + _TOGETHER] if type(item) is dict]
                looks = dict(zip(map(id, mappings), self._looks_at(mappings), strict=True))
            if at != _UNKNOWN:
                at = stop + 1
                stop = at + len(dumps(item))
                is_clean = self._is_clean(at, stop)
            cls: type[Any] = type(item)  # pyright: ignore[reportUnknownVariableType]
            if cls is str:
                level = _NONE
                if type(before) is str and (pairs_up or before[:1] == "-"):
                    level = self._item_level(before, index, items, parent)
                if level:
                    redacted = self._secret(item, level, str(before), depth)
                elif index in arguments:
                    _, start, end = arguments[index]
                    redacted = item[:start] + self._mask("command_line", item[start:end], start) + item[end:]
                    redacted = item if redacted == item else redacted
                elif kinds and (found := named_rule(kinds, parent, item)):
                    redacted = self._masked(found, item, item)
                else:
                    redacted = item if is_clean else self._text(item, is_suspect=at != _UNKNOWN)
            elif cls is dict and passes_by and (is_clean or id(item) in looks):
                look = None if is_clean else looks[id(item)]
                redacted = item if look is None else self.document(item, look.ends, depth + 1)
            elif cls is int and type(before) is str and parent == _PAIRS and self._classify(before) is _STRONG:
                redacted = self._secret(item, _STRONG, before, depth)
            elif cls is int:
                found = named_rule(kinds, parent, str(item)) if kinds else None
                redacted = self._masked(found, item, str(item)) if found else self.value(item, depth + 1, parent)
            elif cls in _LISTS:
                if pairs is None:
                    pairs = _PAIRS if all(type(other) in _LISTS and len(other) == 2 for other in items[:8]) else ""
                redacted = item if is_clean and not pairs else self.value(item, depth + 1, pairs, at)
            else:
                redacted = self.value(item, depth + 1, named, at)
            if redacted is not item and (result is None or result is joined):
                result = list(items[:index])
            if result is not None and result is not joined:
                result.append(redacted)
            before = item
        path.pop()
        return items if result is None else result

    def _joined(self, items: Sequence[Any]) -> list[Any] | None:
        """The items with the secrets masked that stand in several of them; None where there are none."""
        # Made anew each time: what holds this walk must not be held by it.
        return PieceMasker(self._search, self._candidates, self._budget, self._mask, self._inner).masked(items)

    def _is_pair(self, items: Sequence[Any], parent: str) -> bool:
        """Whether the second of two strings is the value of the first."""
        return (
            len(items) == 2
            and all(type(item) is str for item in items)
            and bool(self._item_level(items[0], 1, items, parent))
        )

    def _item_level(self, before: str, index: int, items: Sequence[Any], parent: str) -> Sensitivity:
        """How secret a string is by the item before it: a flag and its value, a name and its value."""
        item: str = items[index]
        level = argument_level(before, item, self._classify)
        if level or not (named := self._classify(before)):
            return level
        if chunked_text.are_complete(before, item):
            is_pair = False
        elif len(items) == 2:
            is_pair = parent == _PAIRS or is_pair_of(named, item, parent, self._classify)
        else:
            is_pair = index % 2 == 1 and len(items) % 2 == 0 and holds_headers(parent)
        return named if is_pair else level


def _is_plain_text(value: Any) -> bool:
    """Whether what was found in text is no document but a text of one that was cut off."""
    return type(value) is str and not json_text.holds_document(value)


def _name_before(text: str, start: int) -> str:
    """The name of a JSON value that begins at `start` of a text; empty where none stands before it."""
    before = text[max(0, start - _MAX_NAME_BEFORE) : start].rstrip(" ")
    found = _NAME_BEFORE.search(before) if before.endswith(_LEADS_TO_VALUE) else None
    return found["name"] if found else ""


def _holds_more_than_one(value: Any) -> bool:
    """Whether a value may hold more than one string."""
    if type(value) not in _CONTAINERS:
        return False
    items = cast("dict[Any, Any]", value).values() if type(value) is dict else cast("list[Any]", value)
    return len(items) > 1 or any(type(item) in _CONTAINERS for item in items)


def _plain_key(key: Any) -> str:
    """The text of a key that is none; raises TypeError for one that JSON has no word for."""
    if key is None or isinstance(key, (int, float)):
        return ""
    raise TypeError


_NAME_BEFORE = re.compile(r"""(?:^|[\s({\[,"'])(?P<name>[A-Za-z_][\w.-]{1,63})["']?[ ]?(?::|=>|:?=)\Z""")
_LEADS_TO_VALUE = (":", "=", "=>")
_MAX_NAME_BEFORE = 80
_PAIRS = "\0pairs"
"""Stands for the name of a list whose items are pairs."""
_LISTS = frozenset({list, tuple})
_CONTAINERS = frozenset({dict, list})
_NUMERALS = frozenset({str, int})
_NUMBERS = frozenset({int, float})
_LOGIN = re.compile(r"[A-Za-z][\w.@-]{0,63}:(?P<v>[^\s:/]{4,128})")
"""A user's name and password in one, as clients of HTTP take them under `auth`."""
_IS_VARIABLE = re.compile(r"\$\{?[\w.]+\}?\Z|\{\{?[^{}]*\}\}?\Z|<[^<>]*>\Z")
"""A variable behind the scheme of a header: `Bearer ${TOKEN}`."""
