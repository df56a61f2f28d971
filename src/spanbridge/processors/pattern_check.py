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
"""A repetition that may be longer counts as one without an end; it has as many ways to match."""
_MOST_STEPS = 2048
"""Characters that `re` may look at from one place of a text on, going back again and again, before it knows that a pattern does not match
there: some milliseconds for each KB of text."""
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
    items = [*parser.parse(pattern).data]
    try:
        if _starts_anywhere(items, [], may_fail=False):
            return (
                "has a repetition without an end that can start at every place of a text; "
                "bound it, as in {1,64}, or begin with a character that it does not repeat"
            )
        if _ways(items, frozenset(), may_fail=False) > _MOST_STEPS:
            return (
                "has too many ways to match: repetitions that hand characters to each other, or repeated alternatives that begin alike; "
                "make them shorter, or keep what follows one apart from it"
            )
    except _Unclear as unclear:
        return str(unclear)
    return None


def matches_nothing(pattern: str) -> bool:
    """Whether a pattern may match without a character of the text: `a?`, `\\b`."""
    return parser.parse(pattern).getwidth()[0] == 0


class _Unclear(Exception):  # noqa: N818 - the reason is its message
    """The pattern has a part that is refused wherever it stands."""


def _starts_anywhere(items: list[Any], before: list[frozenset[int]], *, may_fail: bool) -> bool:
    """Whether a long repetition of a sequence can begin at every character that it repeats: `before` must precede it."""
    before = [*before]
    for index, (code, argument) in enumerate(items):
        fails = may_fail or _can_fail(items[index + 1 :])
        inner: list[list[Any]] = []
        if code in _REPEATS:
            least, most, body = argument
            repeated = _within(body)
            if _number(most) > MANY and fails and all(part & repeated for part in before):
                return True
            inner = [list(body)]
            required = [_first(body)] if _number(least) else []
        elif code is codes.SUBPATTERN:
            inner = [list(argument[-1])]
            required = [_first(argument[-1])]
        elif code is codes.BRANCH:
            inner = [list(branch) for branch in argument[1]]
            required = [frozenset().union(*map(_first, inner))]
        elif code is codes.AT:
            required = [frozenset()] if argument in _STARTS else []  # there is one place only where it may begin
        else:
            required = [_characters(code, argument)]
        if any(_starts_anywhere(body, before, may_fail=fails) for body in inner):
            return True
        before += required
    return False


def _ways(items: list[Any], after: frozenset[int], *, may_fail: bool) -> int:
    """In how many ways a sequence can match that `after` may follow, where what follows may not match; no more than some."""
    ways = 1
    for index, (code, argument) in enumerate(items):
        if ways > 1 and ways * _length([(code, argument)]) > _MOST_STEPS:
            return _MOST_STEPS + 1
        rest = items[index + 1 :]
        if not may_fail and not _can_fail(rest):
            break  # the first way is the one
        follow = _first(rest) | (after if _is_optional(rest) else frozenset())
        if code in _REPEATS:
            least, most, body = argument
            own, times = _first(body), min(_number(most), MANY)
            if own & follow:
                ways *= max(times - _number(least), 0) + 1
            ways *= min(_ways(list(body), follow | (own if times > 1 else frozenset()), may_fail=True), 1 << 8) ** times
        elif code is codes.SUBPATTERN:
            ways *= _ways(list(argument[-1]), follow, may_fail=True)
        elif code is codes.BRANCH:
            branches = [list(branch) for branch in argument[1]]
            firsts = [*map(_first, branches)]
            alike = any(one & two for number, one in enumerate(firsts) for two in firsts[:number])
            alike = alike or sum(map(_is_optional, branches)) > 1
            each = [_ways(branch, follow, may_fail=True) for branch in branches]
            ways *= sum(each) if alike else max(each)
        if ways > _MOST_STEPS:
            break
    return ways


def _can_fail(items: list[Any]) -> bool:
    return any(code is codes.AT or not _is_optional([(code, argument)]) for code, argument in items)


_STARTS = {codes.AT_BEGINNING, codes.AT_BEGINNING_STRING}
_REPEATS = {codes.MAX_REPEAT, codes.MIN_REPEAT, getattr(codes, "POSSESSIVE_REPEAT", None)}


def _number(count: Any) -> int:
    return 1 << 30 if count is codes.MAXREPEAT else int(count)


def _within(items: Any) -> frozenset[int]:
    """The characters that a sequence may hold."""
    return frozenset().union(*(_first([item]) | _within(_inside(*item)) for item in items))


def _inside(code: Any, argument: Any) -> list[Any]:
    """The parts of a part, one after the other."""
    if code in _REPEATS:
        return list(argument[2])
    if code is codes.SUBPATTERN:
        return list(argument[-1])
    return [item for branch in argument[1] for item in branch] if code is codes.BRANCH else []


def _length(items: Any) -> int:
    """How many characters a sequence may hold; a repetition without an end holds some."""
    return sum(
        min(_number(argument[1]), MANY) * _length(argument[2])
        if code in _REPEATS
        else max(1, _length(_inside(code, argument)))
        for code, argument in items
    )


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
