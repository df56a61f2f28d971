# ruff: noqa: E501, RUF001 - a pattern broken over lines can neither be read nor searched; full-width signs are what some languages write
"""Secrets that stand after a word: an identifier that says "secret" (`key_names.py`), an operator (`password = `, `"apiKey": `,
`--token `, `password is `, `<password>`), then a value (`following_values.py`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from spanbridge.processors.following_values import (
    MAX_QUOTED,
    MAX_UNQUOTED,
    NATIVE,
    accepts_quoted,
    flag_value,
    header_value,
    operand,
    prose_value,
    quoted_value,
)
from spanbridge.processors.key_names import (
    Classifier,
    Sensitivity,
    looks_like_credential,
    looks_like_password,
    split_words,
)
from spanbridge.processors.keyword_probes import KEYWORD_PROBES
from spanbridge.processors.matcher import Probe
from spanbridge.processors.placeholders import is_placeholder
from spanbridge.processors.text_rule import Budget, Span, TextRule, slices

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEFT = 136
"""Characters before a stem that may count: an identifier, what stands before it."""
_NEAR = 192
"""Characters behind a name that are looked at first."""
_FAR = 3 * MAX_QUOTED
_QUOTES = frozenset("\"'`")
_RANDOM = re.compile(r"(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])(?=(?:[^0-9]*[0-9]){2})[A-Za-z0-9_-]{16,512}")
"""What a mere "key:" is followed by where it means a credential: no digest, no identifier, no path."""
_LONGEST = frozenset((MAX_QUOTED, MAX_UNQUOTED))
"""Lengths of values that were cut off: they are no secrets, but data."""
_RUN = re.compile(r"[^\s\"'`<>]*")
_MAX_SEEN = 1024
"""Surroundings of names whose verdict is remembered within a text: a text that repeats itself is looked at once."""
_IDENTIFIER_LEFT = 64
_RIGHT = 48
_IDENTIFIER = re.compile(r"[A-Za-z0-9_.\-$]*")
_WORD_BACKWARDS = re.compile(r"[ ]([A-Za-z]{2,20})")
_OPERATOR = re.compile(
    r"""(?P<close>\\{0,15}(?:["'`]|&quot;|&#34;|%22)?[\])]?\)?)[ \t]{0,8}(?:(?P<op>===?|!==?|=>|:=|\?=|\+=|=|:(?!:)|：|＝|%3D|%3A|\|)|(?P<xml>>))(?P<space>(?:\s|\\[nrt]){0,4})"""
)
_ANNOTATED = re.compile(r"[ \t]{0,3}:[ \t]{0,3}[A-Za-z&*][\w.\[\]| ,?&*']{0,40}?[ \t]{0,3}=[ \t]{0,3}(?=\\{0,15}[\"'])")
_PROSE = re.compile(
    r"""["'`]?(?:[ ](?:for|of|to)[ ][\w.@'-]{1,40}(?:[ ][\w.@'-]{1,40}){0,3}?)?[ ]{1,2}(?:is|was|are|ist|lautet|es|est|é|è|now|to|will be|set to|equals)(?:[ ](?:now|set to|currently|still))?:?[ ]{1,2}|(?:是|は|为|為|입니다|는|은)[：: ]{0,2}"""
)
_SPACE_QUOTED = re.compile(r"""[ \t]{1,4}(?:AS[ ]|BY[ ])?(?=\\{0,7}['"`])""")
_CALL = re.compile(r"""\([ \t]{0,2}(?=\\{0,7}["'])""")
_CALL_PAIR = re.compile(r"""\\{0,7}["'][ \t]{0,2},[ \t]{0,2}(?=\\{0,7}["'])""")
_CALL_NAME = re.compile(
    r"(?:set|put|add|append|setdefault|(?:set|put|get)env|header|property|setitem|with\w*|set\w*|define|config|environ\.get|env|env\.get)\(\s{0,2}\\{0,7}[\"']\Z",
    re.IGNORECASE,
)
_SPACED = re.compile(r"[ ]{1,2}(?P<v>(?=[A-Za-z._-]*\d)[A-Za-z0-9+/_=.-]{16,512})(?=[\s,;.!?)]|\Z)")
"""`use the token a1B2... to log in`."""
_ITEM = re.compile(
    r"""(?P<open>\\{0,7}["'])[ \t]{0,2},[ \t]{0,2}(?P<value>(?P=open)(?P<v>[^\s"'\\]{3,8192})(?P=open))(?P<last>[ \t]{0,2}[)\]])?"""
)
"""The next item of a list in text."""
_PAIR_START = re.compile(r"""[(\[]\\{0,7}["']\Z""")
_FLAG_START = re.compile(r"""[\[, (]\\{0,7}["']--?\Z""")
_STEMS = (
    "p(?:assw?|wd?|at)|se(?:cret|ed phrase|nha)|c(?:red|o(?:okie|de|nn(?:ection.?string)?|ntrase[nñ]a))|token|ke(?:y|nnwort)|auth|jwt|otp|dsn"
    "|bearer|recovery phrase|m(?:dp|ot de passe)|wachtwoord|lösenord|пароль|密码|密碼|パスワード|비밀번호"
)
"""In lower case and each with a first letter of its own, so that `re` skips from one possible start to the next."""
_MAX_STEM = 1024
"""Characters of the longest stem, the application's own included."""


def keyword_rule(classify: Classifier, extra_stems: str = "") -> TextRule:
    """Values that stand after a word that says "secret"."""
    stems = re.compile(f"{_STEMS}|{extra_stems}" if extra_stems else _STEMS)
    stems_of_any_case = re.compile(stems.pattern, re.IGNORECASE)

    def find(text: str, budget: Budget) -> Iterator[Span]:
        done = -1
        seen: dict[tuple[str, int], _Verdict] = {}
        for offset, stop, end in slices(text, _MAX_STEM):
            if offset:
                budget.pause()
            part = text[offset:end]
            lower = part.lower()
            # A few letters change their length with their case; positions must be those of the text.
            for stem in stems.finditer(lower) if len(lower) == len(part) else stems_of_any_case.finditer(part):
                at = offset + stem.start()
                if at >= stop:
                    break
                if at < done:
                    continue
                start = at - _LEFT if at > _LEFT else 0
                surroundings = (text[start : at + _NEAR], at - start)
                verdict = seen.get(surroundings)
                if verdict is None:
                    length = stem.end() - stem.start()
                    verdict = _look(classify, *surroundings, length)
                    if verdict.spans and verdict.spans[-1][1] == len(surroundings[0]) and at + _NEAR < len(text):
                        # It may go on; how far is looked at without an end to what surrounds it.
                        verdict = _within_bounds(_look(classify, text[start : at + _FAR], at - start, length))
                        if not verdict.spans:
                            run = _RUN.match(text, start + verdict.done)
                            done = run.end() if run else done
                            continue
                    elif len(seen) < _MAX_SEEN:
                        seen[surroundings] = verdict
                done = start + verdict.done
                for value_start, value_end in verdict.spans:
                    yield Span(start + value_start, start + value_end, verdict.rule)

    return TextRule(KEYWORD_PROBES + ((Probe(("",), f"(?i)(?:{extra_stems})"),) if extra_stems else ()), find)


class _Verdict(NamedTuple):
    """What a name in a text says, in positions of its surroundings."""

    done: int
    """Up to where the text has been looked at."""
    rule: str
    spans: list[tuple[int, int]]


def _within_bounds(verdict: _Verdict) -> _Verdict:
    """Without the values that are longer than a secret."""
    spans = [(start, end) for start, end in verdict.spans if end - start not in _LONGEST]
    return verdict if len(spans) == len(verdict.spans) else verdict._replace(spans=spans)


def _look(classify: Classifier, text: str, at: int, length: int) -> _Verdict:
    """The values that follow the identifier around the stem at `at`."""
    left, right = _identifier(text, at, at + length)
    name = text[left:right]
    level = _level(classify, text, left, name, text[at : at + length])
    is_bare_key = level is Sensitivity.NONE and name in ("key", "Key", "KEY") and text[left - 1 : left] not in _QUOTES
    if level is Sensitivity.NONE and not is_bare_key:
        return _Verdict(right, "", [])
    spans = list(_value_after(text, left, right, name, level or Sensitivity.WEAK))
    if is_bare_key:
        spans = [span for span in spans if _RANDOM.fullmatch(text, *span)]
    return _Verdict(max(right, *(end for _, end in spans)) if spans else right, _rule(name), spans)


def _rule(name: str) -> str:
    name = name.lower()
    return "authorization" if name.endswith("authorization") else "cookie" if name.endswith("cookie") else "assignment"


def _identifier(text: str, start: int, end: int) -> tuple[int, int]:
    """Where the whole identifier around a stem starts and ends."""
    # Backwards from the stem: searching for what ends there would try every place before it.
    before = _IDENTIFIER.match(text[max(0, start - _IDENTIFIER_LEFT) : start][::-1])
    left = start - (before.end() if before else 0)
    after = _IDENTIFIER.match(text, end, end + _RIGHT)
    right = after.end() if after else end
    while right > end and text[right - 1] in ".-$":
        right -= 1
    if left and text[left - 1] == "\\" and left < start and text[left] in "nrtbf":
        left += 1
    while left < start and text[left] in ".-$":
        left += 1
    return left, right


def _level(classify: Classifier, text: str, left: int, name: str, stem: str) -> Sensitivity:
    if NATIVE.fullmatch(stem):
        return Sensitivity.STRONG
    level = classify(name)
    if level is not Sensitivity.STRONG and left and text[left - 1] == " ":
        previous = _WORD_BACKWARDS.match(text[max(0, left - 21) : left][::-1])
        if previous is not None and (level or len(split_words(name)) == 1):
            level = max(level, classify(f"{previous[1][::-1]} {name}"))
    return level


def _value_after(text: str, left: int, right: int, name: str, level: Sensitivity) -> Iterator[tuple[int, int]]:
    """The span of the value that follows an identifier, if one does."""
    head = text[max(0, left - 48) : left]
    lowered = name.lower().rstrip("0123456789")
    is_header = lowered.endswith(("authorization", "cookie"))
    annotated = None if is_header else _ANNOTATED.match(text, right)
    operator = annotated or _OPERATOR.match(text, right)
    if operator is not None and (
        annotated or operator["op"] or (operator["xml"] and head.rstrip("!").endswith(("<", ":")))
    ):
        at = operator.end()
        op = "=" if annotated else operator["op"] or ">"
        if is_header and op in (":", "=", "=>"):
            yield from header_value(text, at, "cookie" in lowered, op)
            return
        if op == ">":
            end = text.find("<", at, at + MAX_QUOTED)
            if end > at and accepts_quoted(text[at:end], level, name):
                yield at, end
            return
        yield from operand(text, at, op, right, name, level, head, spaced=not annotated and bool(operator["space"]))
        return
    if (item := _ITEM.match(text, right)) is not None and not _CALL_NAME.search(head):
        yield from _item(item, level, head)
        return
    if head.endswith("-") and text[right : right + 1] == " ":
        yield from flag_value(text, right, level)
        return
    call = _CALL.match(text, right)
    if call is not None and ("." in f"{head[-1:]}{name}" or name.lower().startswith(("set", "with", "using"))):
        yield from quoted_value(text, call.end(), level, name, strict=True)
        return
    if head.endswith(("'", '"')) and _CALL_NAME.search(head):
        pair = _CALL_PAIR.match(text, right)
        if pair is not None:
            yield from quoted_value(text, pair.end(), level, name, strict=True)
        return
    quoted = _SPACE_QUOTED.match(text, right)
    if (
        quoted is not None
        and level is Sensitivity.STRONG
        and (name.isupper() or re.search(r"(?i)(?:with|set|encrypted|user|alter)\s\Z", head))
    ):
        yield from quoted_value(text, quoted.end(), level, name, strict=True)
        return
    prose = _PROSE.match(text, right)
    if prose is not None:
        yield from prose_value(text, prose.end(), level)
        return
    netrc = (
        re.compile(r"[ \t]{1,4}(\S{3,200})").match(text, right)
        if re.search(r"(?:login|user)\s{1,4}\S{1,80}\s{1,8}\Z", head)
        else None
    )
    if netrc is not None and level is Sensitivity.STRONG:
        yield netrc.span(1)
        return
    spaced = _SPACED.match(text, right)
    if spaced is not None and looks_like_credential(spaced["v"]) and not is_placeholder(spaced["v"]):
        yield spaced.span("v")


def _item(item: re.Match[str], level: Sensitivity, head: str) -> Iterator[tuple[int, int]]:
    """The item behind a flag or a name in a list or tuple of strings: `["--token", "x"]`, `("X-Api-Key", "x")`."""
    value = item["v"]
    if is_placeholder(value) or value.startswith("-"):
        return
    is_pair = item["last"] is not None and _PAIR_START.search(head) is not None
    if (is_pair or _FLAG_START.search(head)) and (
        looks_like_credential(value) or (level is Sensitivity.STRONG and looks_like_password(value))
    ):
        yield item.span("v")
