"""Secrets that stand after a word: an identifier that says "secret" (`key_names.py`), what connects it with a value (`connectors.py`:
`password = `, `"apiKey": `, `--token `, `password is `, `<password>`), then the value
(`quoted_values.py`, `unquoted_values.py`, `header_values.py`, `prose_values.py`)."""

from __future__ import annotations

import re
from functools import lru_cache, partial
from string import ascii_letters, digits
from typing import TYPE_CHECKING, NamedTuple

from spanbridge.processors.argument_readers import MATCHER
from spanbridge.processors.connectors import COPULAS, READERS
from spanbridge.processors.key_names import OF_VOCABULARY, Classifier, Sensitivity, split_words
from spanbridge.processors.keyword_probes import KEYWORD_PROBES
from spanbridge.processors.matcher import Probe
from spanbridge.processors.native_words import NATIVE_PASSWORD
from spanbridge.processors.places import Place
from spanbridge.processors.quoted_values import MAX_QUOTED
from spanbridge.processors.text_rule import Budget, Find, Span, TextRule, compiled, slices
from spanbridge.processors.unquoted_values import MAX_UNQUOTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

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
_USER_SETTING = re.compile(r"(?i)(?:user(?:_?name)?|login|e-?mail)[=:]")
_USER_BEFORE = re.compile(r"[A-Za-z][\w.@-]{0,40}[:/](?=[^\s/]{4})")
"""Where credentials are written as one: `bob/x`."""
_WORD_BEFORE = re.compile(r"[a-z][a-z._-]{0,30}:(?=[^\s/]{4})")
"""As above, of letters alone: `auth` may be followed by a token that has a colon."""
_SHORTEST_NATIVE = "mdp"
"""Random characters hold it too."""
_PUBLIC = "public key "
"""Before a `token` that a .NET assembly is known by."""
_BELOW = re.compile(r"\n|\\n")
"""What stands on lines below a name has names of its own."""
_ENTITY = re.compile("&(?:quot|apos|lt|gt|#3[49]|#x2[27]);?")
_RUN = re.compile(r"[^\s\"'`<>\\&;,]*")
_OFTEN = 8
"""Equal surroundings of names in a row after which it is looked how far they go on."""
_MAX_SEEN = 1024
"""Surroundings of names whose verdict is remembered within a text: a text that repeats itself is looked at once."""
_KEY = 24
"""Characters from a name on by which they are remembered; to hash all that surrounds it would cost more than to compare."""
_IDENTIFIER_LEFT = 64
_RIGHT = 48
_JOINTS = ".-$"
_COMPARES = re.compile(rf"(?:\.(?:to|should|must|be|not|is)){{0,3}}\.{MATCHER}\Z")
"""A method that a name calls, which is no part of it: `password.equals(`."""
_OF_IDENTIFIER = ascii_letters + digits + "_" + _JOINTS
_WORD_BACKWARDS = re.compile(r"[ ]([A-Za-z]{2,20})")
_STEMS = {
    "pass": "passw?", "pw": "pwd?", "pat": "pat", "psk": "psk", "secret": "secret", "senha": "senha", "cred": "cred", "cookie": "cookie",
    "code": "code", "conn": "conn(?:ection.?string)?", "contrase": "contrase[nñ]a", "phrase": "(?:seed|recovery) phrase", "token": "token",
    "key": "key", "kennwort": "kennwort", "auth": "auth", "jwt": "jwt", "otp": "otp", "dsn": "dsn", "bearer": "bearer", "mdp": "mdp",
    "mot": "mot de passe", "wachtwoord": "wachtwoord", "lösenord": "lösenord", "пароль": "пароль", "密码": "密码", "密碼": "密碼",
    "口令": "口令", "パスワード": "パスワード", "비밀번호": "비밀번호", "hasło": "hasło", "heslo": "heslo", "jelszó": "jelszó",
    "adgangskode": "adgangskode", "salasana": "salasana", "şifre": "şifre", "kata sandi": "kata sandi", "mật khẩu": "mật khẩu",
    "पासवर्ड": "पासवर्ड", "كلمة المرور": "كلمة المرور", "jelszo": "jelszo", "sifre": "sifre", "kodeord": "kodeord", "lozinka": "lozinka",
    "parola": "parola", "mnemonic": "mnemonic", "csrf": "csrf", "xsrf": "xsrf", "cvv": "cvv", "cvc": "cvc", "pin": "pin", "puk": "puk",
    "seed": "seed", "sas": "sas", "sid": "sid", "answer": "answer", "crumb": "crumb", "assertion": "assertion", "haslo": "haslo",
}  # fmt: skip
"""What to look for in a text in lower case, by the part of it that always stands there. Signatures have rules of their own."""
_MAX_NARROWED = 256
"""Sets of probes whose stems are remembered."""
_MAX_STEM = 1024
"""Characters of the longest stem, the application's own included."""


def keyword_rule(classify: Classifier, extra_stems: str = "") -> TextRule:
    """Values that stand after a word that says "secret"."""
    own = Probe(("",), f"(?i)(?:{extra_stems})")
    probes = (*KEYWORD_PROBES, own) if extra_stems else KEYWORD_PROBES

    @lru_cache(maxsize=_MAX_NARROWED)
    def narrowed(numbers: tuple[int, ...]) -> Find:
        chosen = [probes[number] for number in numbers]
        stems = {word: _STEMS[word] for word in _words(chosen)}
        if own in chosen:
            stems[""] = extra_stems
        return partial(find, stems)

    def find(stems: Mapping[str, str], text: str, budget: Budget) -> Iterator[Span]:
        done, previous, again = -1, (-1, ""), 0
        seen: dict[str, tuple[int, str, _Verdict]] = {}
        for offset, stop, end in slices(text, _MAX_STEM):
            if offset:
                budget.pause()
            for first, last in _places(stems, text[offset:end]):
                at = offset + first
                if at >= stop:
                    break
                if at < done:
                    continue
                start = at - _LEFT if at > _LEFT else 0
                key = text[at : at + _KEY]
                before, surroundings, verdict = seen.get(key, _UNSEEN)
                if before != at - start or not text.startswith(surroundings, start):
                    before, surroundings = at - start, text[start : at + _NEAR]
                    length = last - first
                    verdict = _look(classify, surroundings, before, length)
                    if verdict.spans and verdict.spans[-1][1] == len(surroundings) and at + _NEAR < len(text):
                        # It may go on; how far is looked at without an end to what surrounds it.
                        window = text[start : at + _FAR]
                        verdict = _look(classify, window, before, length)
                        long = verdict.spans[-1] if verdict.spans else (0, 0)
                        if long[1] == len(window) or long[1] - long[0] in _LONGEST:
                            run = _RUN.match(text, start + long[1])
                            end_of_run = (run.end() if run else start + long[1]) - start
                            verdict = verdict._replace(
                                done=end_of_run, spans=[*verdict.spans[:-1], (long[0], end_of_run)]
                            )
                    elif len(seen) < _MAX_SEEN:
                        seen[key] = before, surroundings, verdict
                reach, rule, spans = verdict
                done = start + reach
                again = again + 1 if surroundings is previous[1] and not spans else 0
                if again == _OFTEN:
                    # The same once more, so the text repeats itself from there to here; as long as it does, so does the verdict.
                    done = max(done, _end_of_repetition(text, at, at - previous[0]) - _NEAR)
                    again = 0
                previous = at, surroundings
                for value_start, value_end in spans:
                    yield Span(start + value_start, start + value_end, rule)

    return TextRule(probes, narrowed(tuple(range(len(probes)))), narrowed)


def _end_of_repetition(text: str, at: int, period: int) -> int:
    """Up to where each character from `at` on is the one that stands `period` before it."""
    end, step = at, period
    while step:
        if text[end : end + step] == text[end - period : end - period + step] and end + step <= len(text):
            end += step
            step *= 2
        else:
            step //= 2
    return end


def _words(probes: Sequence[Probe]) -> Iterable[str]:
    """Which stems stand in the names that the probes look for: any may, where one looks for a word without a stem (`sid`)."""
    chosen: set[str] = set()
    for probe in probes:
        gates, owners = (
            [{word for word in _STEMS if word in text} for text in texts] for texts in (probe.gates, probe.owners)
        )
        if not (all(gates) or (owners and all(owners))):
            return _STEMS
        chosen.update(*gates, *owners)
    return chosen


def _places(stems: Mapping[str, str], text: str) -> list[tuple[int, int]]:
    """Where the stems stand in a text, in order; `stems`: the pattern of each by what is always in it."""
    lower = text.lower()
    if len(lower) == len(text):
        found = [compiled(stem).finditer(lower) for word, stem in stems.items() if word in lower]
    else:  # a few letters change their length with their case; positions must be those of the text
        found = [compiled(stem, re.IGNORECASE).finditer(text) for stem in stems.values()]
    places = [match.span() for matched in found for match in matched]
    return sorted(places) if len(found) > 1 else places


class _Verdict(NamedTuple):
    """What a name in a text says, in positions of its surroundings."""

    done: int
    """Up to where the text has been looked at."""
    rule: str
    spans: list[tuple[int, int]]


_UNSEEN = (-1, "", _Verdict(0, "", []))


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
    if name.lower().endswith(("creds", "credentials")):
        spans = [span for span in spans if not _USER_SETTING.match(text, *span)]
    if name.lower().endswith(("creds", "credentials")) or text[:left].endswith(("user/", "username/")):
        spans = [(user.end() if (user := _USER_BEFORE.match(text, start, end)) else start, end) for start, end in spans]
    if name.lower().endswith("auth"):
        spans = [(user.end() if (user := _WORD_BEFORE.match(text, start, end)) else start, end) for start, end in spans]
    if is_bare_key:
        spans = [span for span in spans if _RANDOM.fullmatch(text, *span)]
    spans = [(start, _before_entity(text, start, end)) for start, end in spans]
    is_below = bool(spans) and _BELOW.search(text, right, spans[0][0]) is not None
    # Values on the lines below may have names of their own.
    done = right if is_below or not spans else max(right, *(end for _, end in spans))
    return _Verdict(done, _rule(name), spans)


def _before_entity(text: str, start: int, end: int) -> int:
    """Where a value ends that runs into a quote or a tag of escaped HTML: `Bearer a1B2&quot;`; elsewhere it is a part of the value."""
    if text[end : end + 1] in _QUOTES or text[start - 1] == ">":
        return end
    entity = _ENTITY.search(text, start, end)
    return entity.start() if entity is not None and entity.start() > start else end


def _rule(name: str) -> str:
    name = name.lower()
    return "authorization" if name.endswith("authorization") else "cookie" if name.endswith("cookie") else "assignment"


def _identifier(text: str, start: int, end: int) -> tuple[int, int]:
    """Where the whole identifier around a stem starts and ends."""
    before = text[max(0, start - _IDENTIFIER_LEFT) : start]
    left = start - len(before) + len(before.rstrip(_OF_IDENTIFIER))
    after = text[end : end + _RIGHT]
    right = end + len(after[: len(after) - len(after.lstrip(_OF_IDENTIFIER))].rstrip(_JOINTS))
    if left and text[left - 1] == "\\" and left < start and text[left] in "nrtbf":
        left += 1
    while left < start and text[left] in _JOINTS:
        left += 1
    if text[right : right + 1] == "(" and (compares := _COMPARES.search(text, end, right)) is not None:
        right = compares.start()
    return left, right


def _level(classify: Classifier, text: str, left: int, name: str, stem: str) -> Sensitivity:
    if left and (text[left - 1] in OF_VOCABULARY or text[max(0, left - len(_PUBLIC)) : left].lower() == _PUBLIC):
        return Sensitivity.NONE
    if NATIVE_PASSWORD.fullmatch(stem) and (stem != _SHORTEST_NATIVE or name.lower() == stem):
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
    following = text[right : right + 1]
    if following.isalnum() and following not in COPULAS:
        return
    place = Place(text, left, right, name, level, text[max(0, left - 64) : left])
    for begins, read in READERS:
        spans = read(place) if not begins or following in begins else None
        if spans is not None:
            yield from spans
            return
