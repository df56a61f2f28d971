"""Whether a regular expression can run away: take more than a time in proportion to a text. Told from its parts, before it is used.

The standard library's `re` tries one way after the other. It has many ways where one repetition can hand characters to another one, and it
starts anew at every place of a text where a long repetition may begin.
"""

# The parser's opcodes and trees have no types.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownParameterType=false

from __future__ import annotations

import sys
from typing import Any

if sys.version_info >= (3, 11):
    from re import _constants as codes
    from re import _parser as parser
else:  # their place before 3.11
    import sre_constants as codes
    import sre_parse as parser

MANY = 256
"""A repetition that may be longer counts as one without an end."""
_NESTED = 8
"""How often something with several ways may be repeated."""
_LETTER, _DIGIT, _SPACE, _OTHER = range(256, 260)
_BEYOND = frozenset((_LETTER, _DIGIT, _SPACE, _OTHER))
_ANY = frozenset(range(256)) | _BEYOND
"""Every ASCII and Latin-1 character, and four that stand for all others of a kind."""
_CLASSES: dict[Any, frozenset[int]] = {
    codes.CATEGORY_DIGIT: frozenset(b"0123456789") | {_DIGIT},
    codes.CATEGORY_SPACE: frozenset(b" \t\n\r\f\v\x1c\x1d\x1e\x1f\x85\xa0") | {_SPACE},
    codes.CATEGORY_WORD: frozenset(code for code in range(256) if chr(code).isalnum()) | {ord("_"), _LETTER, _DIGIT},
}
for _positive, _negative in (
    (codes.CATEGORY_DIGIT, codes.CATEGORY_NOT_DIGIT),
    (codes.CATEGORY_SPACE, codes.CATEGORY_NOT_SPACE),
    (codes.CATEGORY_WORD, codes.CATEGORY_NOT_WORD),
):
    _CLASSES[_negative] = _ANY - _CLASSES[_positive]


def run_away(pattern: str) -> str | None:
    """Why a pattern can run away; None where it cannot. The pattern compiles."""
    try:
        return _check([*parser.parse(pattern).data], frozenset(), [], repeated=1, may_fail=False)
    except _Unclear as unclear:
        return str(unclear)


class _Unclear(Exception):  # noqa: N818 - the reason is its message
    """The pattern has a part that is refused wherever it stands."""


def _check(
    items: list[Any], after: frozenset[int], before: list[frozenset[int]], *, repeated: int, may_fail: bool
) -> str | None:
    """Why a sequence can run away: `after` may follow it, which may not match, `before` must precede it, and it is repeated so often."""
    before = [*before]
    for index, (code, argument) in enumerate(items):
        rest = items[index + 1 :]
        fails = may_fail or not all(_is_optional([item]) and item[0] is not codes.AT for item in rest)
        follow = _first(rest) | (after if _is_optional(rest) else frozenset())
        if code in _REPEATS:
            least, most, body = argument
            own = _first(body)
            most = _number(most)
            if most > MANY and fails and all(part & own for part in before):
                return (
                    "has a repetition without an end that can start at every place of a text; "
                    "bound it, as in {1,64}, or begin with a character that it does not repeat"
                )
            if (
                _number(least) != most
                and own & follow
                and (repeated > _NESTED or (most > MANY and _leads_to_many(rest, own)))
            ):
                return "repeats a repetition, so it has too many ways to match; keep what follows one apart from it"
            inner = _check(list(body), own | follow, before, repeated=repeated * max(1, most), may_fail=fails)
            if inner:
                return inner
            before += [own] * (1 if _number(least) else 0)
        elif code is codes.SUBPATTERN:
            inner = _check(list(argument[-1]), follow, before, repeated=repeated, may_fail=fails)
            if inner:
                return inner
            before.append(_first(argument[-1]))
        elif code is codes.BRANCH:
            firsts = [_first(branch) for branch in argument[1]]
            alike = any(one & two for number, one in enumerate(firsts) for two in firsts[:number])
            if repeated > _NESTED and (alike or sum(map(_is_optional, argument[1])) > 1):
                return "repeats alternatives that begin alike; make them begin with different characters"
            for branch in argument[1]:
                inner = _check(list(branch), follow, before, repeated=repeated, may_fail=fails)
                if inner:
                    return inner
            before.append(frozenset().union(*firsts))
        elif code is codes.AT:
            if argument in _STARTS:
                before.append(frozenset())  # there is one place only where it may begin
        else:
            before.append(_characters(code, argument))
    return None


_STARTS = {codes.AT_BEGINNING, codes.AT_BEGINNING_STRING}
_REPEATS = {codes.MAX_REPEAT, codes.MIN_REPEAT, getattr(codes, "POSSESSIVE_REPEAT", None)}


def _number(count: Any) -> int:
    return 1 << 30 if count is codes.MAXREPEAT else int(count)


def _leads_to_many(items: list[Any], own: frozenset[int]) -> bool:
    """Whether another repetition without an end may take over the characters of one before it."""
    for code, argument in items:
        if code in _REPEATS and _number(argument[1]) > MANY:
            return bool(_first(argument[2]) & own)
        if not _first([(code, argument)]) & own and not _is_optional([(code, argument)]):
            return False
    return False


def _first(items: Any) -> frozenset[int]:
    """The characters that a sequence may begin with."""
    result: frozenset[int] = frozenset()
    for code, argument in items:
        result |= _characters(code, argument)
        if not _is_optional([(code, argument)]):
            break
    return result


def _characters(code: Any, argument: Any) -> frozenset[int]:
    if code in _REPEATS:
        return _first(argument[2])
    if code is codes.SUBPATTERN:
        return _first(argument[-1])
    if code is codes.BRANCH:
        return frozenset().union(*(_first(branch) for branch in argument[1]))
    if code is codes.LITERAL:
        return _both_cases(argument)
    if code is codes.NOT_LITERAL:
        return _ANY - {argument}
    if code is codes.ANY:
        return _ANY
    if code is codes.IN:
        return _set(argument)
    if code is codes.AT:
        return frozenset()
    if getattr(codes, "ATOMIC_GROUP", None) is code:
        return _first(argument)
    raise _Unclear(
        "looks around or refers back, which no engine does in a time in proportion to the text; rewrite it without"
    )


def _set(members: Any) -> frozenset[int]:
    result: frozenset[int] = frozenset()
    negated = False
    for code, argument in members:
        if code is codes.NEGATE:
            negated = True
        elif code is codes.LITERAL:
            result |= _both_cases(argument)
        elif code is codes.RANGE:
            low, high = argument
            result |= frozenset().union(*(_both_cases(number) for number in range(low, min(high, 255) + 1)))
            result |= _BEYOND if high > 255 else frozenset()
        else:
            result |= _CLASSES[argument]
    return (_ANY - result) | _BEYOND if negated else result


def _both_cases(character: int) -> frozenset[int]:
    text = chr(character)
    return frozenset(map(_kind, {text, text.lower()[:1], text.upper()[:1]}))


def _kind(character: str) -> int:
    if ord(character) < 256:
        return ord(character)
    return (
        _DIGIT if character.isdigit() else _LETTER if character.isalnum() else _SPACE if character.isspace() else _OTHER
    )


def _is_optional(items: Any) -> bool:
    """Whether a sequence may match nothing."""
    return all(
        code is codes.AT
        or (code in _REPEATS and (_number(argument[0]) == 0 or _is_optional(argument[2])))
        or (code is codes.SUBPATTERN and _is_optional(argument[-1]))
        or (code is codes.BRANCH and any(_is_optional(branch) for branch in argument[1]))
        for code, argument in items
    )
