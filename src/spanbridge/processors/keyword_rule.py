"""Secrets that stand after a word: an identifier that says "secret" (`key_names.py`), what connects it with a value (`connectors.py`:
`password = `, `"apiKey": `, `--token `, `password is `, `<password>`), then the value (`following_values.py`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from spanbridge.processors.connectors import READERS, Place
from spanbridge.processors.following_values import MAX_QUOTED, MAX_UNQUOTED, NATIVE
from spanbridge.processors.key_names import OF_VOCABULARY, Classifier, Sensitivity, split_words
from spanbridge.processors.keyword_probes import KEYWORD_PROBES
from spanbridge.processors.matcher import Probe
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
"""Lengths of values that the patterns cut off."""
_AFTER_USER = re.compile(r"""(?i)(?:user(?:_?name)?|login|e-?mail)["']?\s?[:=]>?\s?\S{1,60}\s{0,8}["']?\Z""")
_USER_BEFORE = re.compile(r"[A-Za-z][\w.@-]{0,40}[:/](?=[^\s/]{4})")
"""Where credentials are written as one: `bob/x`."""
_RUN = re.compile(r"[^\s\"'`<>\\&;,]*")
_MAX_SEEN = 1024
"""Surroundings of names whose verdict is remembered within a text: a text that repeats itself is looked at once."""
_IDENTIFIER_LEFT = 64
_RIGHT = 48
_IDENTIFIER = re.compile(r"[A-Za-z0-9_.\-$]*")
_WORD_BACKWARDS = re.compile(r"[ ]([A-Za-z]{2,20})")
_STEMS = (
    "p(?:assw?|wd?|at|sk)|s(?:e(?:cret|ed phrase|nha)|alasana)|c(?:red|o(?:okie|de|nn(?:ection.?string)?|ntrase[nñ]a))|token"
    "|k(?:e(?:y|nnwort)|ata sandi)|a(?:uth|dgangskode)|j(?:wt|elszó)|otp|dsn|bearer|recovery phrase|m(?:dp|ot de passe|ật khẩu)|wachtwoord"
    "|lösenord|пароль|密码|密碼|パスワード|비밀번호|h(?:asło|eslo)|şifre|पासवर्ड|كلمة المرور"
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
                        window = text[start : at + _FAR]
                        verdict = _look(classify, window, at - start, length)
                        long = verdict.spans[-1] if verdict.spans else (0, 0)
                        if long[1] == len(window) or long[1] - long[0] in _LONGEST:
                            run = _RUN.match(text, start + long[1])
                            end_of_run = (run.end() if run else start + long[1]) - start
                            verdict = verdict._replace(
                                done=end_of_run, spans=[*verdict.spans[:-1], (long[0], end_of_run)]
                            )
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


def _look(classify: Classifier, text: str, at: int, length: int) -> _Verdict:
    """The values that follow the identifier around the stem at `at`."""
    left, right = _identifier(text, at, at + length)
    name = text[left:right]
    level = _level(classify, text, left, name, text[at : at + length])
    is_bare_key = level is Sensitivity.NONE and name in ("key", "Key", "KEY") and text[left - 1 : left] not in _QUOTES
    if level is Sensitivity.NONE and not is_bare_key:
        return _Verdict(right, "", [])
    spans = list(_value_after(text, left, right, name, level or Sensitivity.WEAK))
    if not spans:
        return _Verdict(right, "", spans)
    if name.lower().endswith(("creds", "credentials")) or text[:left].endswith(("user/", "username/")):
        spans = [(user.end() if (user := _USER_BEFORE.match(text, start, end)) else start, end) for start, end in spans]
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
    if left and text[left - 1] in OF_VOCABULARY:
        return Sensitivity.NONE
    if NATIVE.fullmatch(stem):
        return Sensitivity.STRONG
    level = classify(name)
    if level is not Sensitivity.STRONG and left and text[left - 1] == " ":
        previous = _WORD_BACKWARDS.match(text[max(0, left - 21) : left][::-1])
        if previous is not None and (level or len(split_words(name)) == 1):
            level = max(level, classify(f"{previous[1][::-1]} {name}"))
    if (
        level is Sensitivity.WEAK
        and name.lower() in ("pass", "pw")
        and _AFTER_USER.search(text[max(0, left - 64) : left])
    ):
        return Sensitivity.STRONG
    return level


def _value_after(text: str, left: int, right: int, name: str, level: Sensitivity) -> Iterator[tuple[int, int]]:
    """The spans of the values that follow an identifier: what stands behind it says how to read them."""
    place = Place(text, left, right, name, level, text[max(0, left - 64) : left])
    following = text[right : right + 1]
    for begins, read in READERS:
        spans = read(place) if not begins or following in begins else None
        if spans is not None:
            yield from spans
            return
