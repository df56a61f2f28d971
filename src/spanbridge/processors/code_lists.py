# ruff: noqa: E501 - a pattern broken over lines can neither be read nor searched
"""Codes that a text announces: recovery codes in lists, one-time codes in the sentences of the messages that bring them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spanbridge.processors.matcher import Probe
from spanbridge.processors.text_rule import Budget, Span, TextRule, matches, pattern_rule

if TYPE_CHECKING:
    from collections.abc import Iterator

_ANNOUNCED = re.compile(
    r"(?:backup|recovery|scratch|emergency|restore|single-use|one-time)[ -](?:access |login |sign-in |2fa |mfa )?codes?\b[^\n:\\]{0,60}:?[*_ ]{0,3}",
    re.IGNORECASE,
)
_ITEM = re.compile(
    r"(?:[,;|]?[ \t]{1,4}|[,;]|[,; \t]{0,4}(?:(?:\r?\n|\\n)[ \t>+]{0,16}){1,2})(?:[-*•] |\d{1,2}[.):] |\[[ x]\] )?[`\"']?(?P<v>[A-Za-z0-9]{3,12}(?:(?:-|[ ](?=[A-Za-z0-9]{0,11}\d))[A-Za-z0-9]{3,12}){0,5})[`\"']?(?![A-Za-z0-9:=])"
)
_MAX_CODES = 32
_SHORTEST_CODE = 8
"""Characters of a recovery code without the signs between."""


def _shape(code: str) -> tuple[int, ...]:
    return tuple(map(len, re.split("[- ]", code)))


def _is_recovery_code(code: str) -> bool:
    """Whether a word is one: groups as long as each other with digits among them, no date, no number of a telephone."""
    return len(set(_shape(code))) == 1 and sum(_shape(code)) >= _SHORTEST_CODE and any(map(str.isdigit, code))


def _find_lists(text: str, budget: Budget) -> Iterator[Span]:
    for announced in matches(_ANNOUNCED, text, budget):
        at = announced.end()
        shape: tuple[int, ...] = ()
        for _ in range(_MAX_CODES):
            item = _ITEM.match(text, max(at - 1, announced.start()) if not shape and text[at - 1 : at] == " " else at)
            if item is None or not _is_recovery_code(item["v"]) or (shape and _shape(item["v"]) != shape):
                break
            shape, at = _shape(item["v"]), item.end()
            yield Span(*item.span("v"), "recovery_code")


_KIND = r"(?:log-?in|sign-?in|verification|confirmation|authentication|authorization|auth|security|one-?time|2fa|mfa|two-?factor|sms|access|activation|alarm|door|gate|entry|unlock|reset|pairing|device)"
_NOUN = r"(?:codes?|tokens?|passcodes?|pins?|otp)"
_DIGITS = r"(?P<v>\d{4,8}|\d{3}[ -]\d{3})(?![\w-])(?!\.\d)(?! (?:digit|character|line|word|byte|second|minute|time|day|hour|percent)s?\b)"

CODE_RULES: tuple[TextRule, ...] = (
    pattern_rule("one_time_code", (Probe(("code",), r"[Yy]our [A-Z][A-Za-z0-9-]{1,24}(?: [A-Z][A-Za-z0-9-]{1,24})? code(?: is:?|:) [0-9]{4}", None),), rf"(?-i:[Yy]our [A-Z][\w-]{{1,24}}(?: [A-Z][\w-]{{1,24}})?) code(?: is:?|:) {_DIGITS}"),
    TextRule((Probe(("code",), r"(?i)(?:backup|recovery|scratch|emergency|restore|single-use|one-time)[ -](?:[a-z0-9-]{2,8} )?code", 18, "(?i)code"),), _find_lists),
    pattern_rule(
        "one_time_code",
        (Probe(("code", "token", "pin", "otp"), rf"(?i){_KIND}[ -](?:{_NOUN})[^0-9\n\"]{{0,16}}[0-9]{{3}}", 15, rf"(?i)(?:{_NOUN})[^0-9\n\"]{{0,16}}[0-9]{{3}}"),),
        rf"\b{_KIND}[ -]{_NOUN}(?: (?:is|was)(?: now)?:?|:|=|\*\*:|:\*\*)?[*` ]{{1,4}}{_DIGITS}",
    ),
    pattern_rule(
        "one_time_code",
        (Probe(("code ",), r"(?i)code (?:to|for|in|on|at|below|when|within)[^0-9\n\":]{0,40}:? ?[0-9]{3}", 0),),
        rf"\b(?:enter|use|type|input|provide|with|is|here(?: is|['\u2019]s)) (?:this|the following|your|the) (?:[\w-]{{2,16}} )?code (?:to|for|in|on|at|below|when|within)[^\n:\d]{{0,40}}: ?{_DIGITS}",
    ),
)  # fmt: skip
