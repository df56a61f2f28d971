# ruff: noqa: E501 - a pattern broken over lines can neither be read nor searched
r"""Values in quotes: where they end, and whether they are secrets.

Quotes may be escaped to any depth, so the same code reads JSON inside strings, cut off or not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spanbridge.processors.key_names import Sensitivity, is_path, looks_like_credential, names_login
from spanbridge.processors.native_words import NATIVE_NOUNS
from spanbridge.processors.placeholders import is_placeholder, is_plain
from spanbridge.processors.value_words import is_secret_word, names_itself

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_QUOTED = 4096
"""A quoted value that is longer is text, not a secret; nor is it searched for its end."""
_WRAPPER = (
    r"(?:new )?(?:[\w.]{1,24}(?:::|\.))?(?:Secret(?:Str|String|Bytes)?|String|str|bytes|Some|Optional|Ok|Just|from|of|Field|text|quote|strdup)\((?:default\s?=\s?)?"
    r"|\(\w{1,24}\) \(len=\d{1,5}\) |\[\]byte\(|\(ConvertTo-SecureString |Sensitive\(|pack |string\(\d{1,4}\) |!!str |&\w{1,16} "
)
"""What makes a value of the string in it, as the types of languages do."""
QUOTE = re.compile(
    rf"""(?:\((?:\s|\\n){{0,40}}|\\\s{{0,2}}(?:\n|\\n)\s{{0,40}})?(?:(?:[fFbBrRuULN@$]{{1,2}}|u8)(?=["']|&quot;|&#)|b?r\#{{1,3}}(?=")|{_WRAPPER}|\[)?(\\{{0,15}})("{{3}}|'{{3}}|["'`]|&quot;|&apos;|&#3[49];|&#x2[27];|%22)"""
)
"""How a value begins that is quoted; its groups are the backslashes and the quote."""
_SPACE = re.compile(r"\s")
_DIGIT = re.compile(r"\d")
_LINE_END = re.compile(r"[\n\r]")
_SCHEME = re.compile(r"(?i)(?:Bearer|Basic|Token|Bot|ApiKey) +")
_KEY_END = re.compile(r"""["'`]\s{0,4}(?::|=>)""")
_COMMAND = re.compile(r"\s|^\$\w+=")
"""What no value of a call holds, but a command that is quoted."""

# ── strings in several parts ──────────────────────────────────────────────────────────────────────────────────────────

NEXT_PART = re.compile(r"""(?:&quot;|["'`])\)?[ \t]{0,4}(?:\+|\.\.?|&)\s{0,40}(?=[fFbBrRuU]?\\{0,15}["'`])""")
"""From one part of a string to the next: `"ab" + "cd"`."""
_NEXT_LINE = re.compile(r"""["'`]\s{0,4}\n\s{0,40}(?=["'`])""")
"""As above, in brackets."""
_NEXT_ITEM = re.compile(r"""\\{0,15}["'`],(?:\s|\\n){0,40}(?=\\{0,15}["'`])""")
"""From one item of a list to the next."""
_COMMA = re.compile(r"""\\{0,15}["'`]\s{0,4},""")
_MAX_PARTS = 16


def quoted_value(
    text: str, at: int, level: Sensitivity, name: str, *, strict: bool = False
) -> Iterator[tuple[int, int]]:
    """The value that is quoted at `at`, also in parts (`"ab" + "cd"`) or as a list of strings, a user's name aside; `strict`: if it is one word."""
    opening = QUOTE.match(text, at)
    if opening is None:
        return
    start = opening.end()
    end = closing(text, opening)
    begins = opening[0][:1]
    value = text[start:end]
    if begins in ("[", "(") and _KEY_END.match(text, end):
        return  # the first name of a mapping
    if opening[0] == "`" and text[at - 1 : at] == "=" and is_placeholder(f"`{value}`"):
        return  # a command of a shell
    joints = (NEXT_PART, _NEXT_LINE) if "(" in opening[0] else (NEXT_PART,)
    parts = list(_further(text, end, *joints))
    if parts and not is_placeholder(value):
        whole = value + "".join(text[slice(*part)] for part in parts)
        if accepts_quoted(whole, level, name):
            yield start, end
            yield from parts
        return
    if (strict and _COMMAND.search(value)) or (value[:1].isspace() and text[end : end + 1] in ("", "\n")):
        return
    if level is Sensitivity.WEAK and (scheme := _SCHEME.match(value)) is not None:
        start += scheme.end()
        value = text[start:end]
    is_user = begins == "(" and names_login(name) and not is_secret_word(value, Sensitivity.STRONG)
    if not (is_user and _COMMA.match(text, end)) and accepts_quoted(value, level, name):
        yield start, end
    if begins in ("[", "("):
        yield from _accepted(text, _further(text, end, _NEXT_ITEM), level, name)


def quoted_items(text: str, at: int, level: Sensitivity, name: str) -> Iterator[tuple[int, int]]:
    """The strings of an array that begins at `at`: `"x", "y"}`."""
    opening = QUOTE.match(text, at)
    if opening is not None:
        first = opening.end(), closing(text, opening)
        yield from _accepted(text, (first, *_further(text, first[1], _NEXT_ITEM)), level, name)


def _accepted(text: str, items: Iterable[tuple[int, int]], level: Sensitivity, name: str) -> Iterator[tuple[int, int]]:
    return (item for item in items if accepts_quoted(text[slice(*item)], level, name))


def _further(text: str, end: int, *joints: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """The strings that one of the joints leads to behind a string that ends at `end`."""
    for _ in range(_MAX_PARTS):
        joint = next(filter(None, (pattern.match(text, end) for pattern in joints)), None)
        opening = QUOTE.match(text, joint.end()) if joint else None
        if opening is None:
            return
        end = closing(text, opening)
        yield opening.end(), end


def closing(text: str, opening: re.Match[str]) -> int:
    """Where a quoted value ends: at its quote, which has as many backslashes as the opening one, or where the text or the line was cut."""
    start, backslashes, quote = opening.end(), opening[1], opening[2]
    limit = min(len(text), start + MAX_QUOTED)
    at = start
    while True:
        at = text.find(quote, at, limit)
        if at < 0:
            break
        count = 0
        while count < 16 and at - count - 1 >= start and text[at - count - 1] == "\\":
            count += 1
        if count <= len(backslashes):
            return at - count
        at += len(quote)
    cut = _LINE_END.search(text, start, limit)
    return cut.start() if cut else limit


# ── what an expression takes where nothing is found ───────────────────────────────────────────────────────────────────

_FALLBACK = re.compile(
    r"""(?P<lead>[A-Za-z_$!@(\[][\w$]{0,60}(?:[.(\[:)]|[ ]{1,2}(?:or|\|\||\?\?|if|\?:?)\b|[ ]{1,2}[|?])[^\n;]{0,160}?|)(?:,|\|\||\?\?|\bor\b|\?:|\belse\b|\?[^\n;:]{1,60}:|\.unwrap_or(?:_else)?\(|\.or(?:Else|_else)\(|default\s?[=:])\s{0,3}(?=[fbru]?\\{0,15}["'`])"""
)
"""What is looked up, and what is taken where it is missing: `os.getenv("K", "x")`, `process.env.K || "x"`."""
_MAX_FALLBACK = 400
"""Characters among which its quote stands."""
_ANY_QUOTE = re.compile("[\"'`]")
_LOOKS_UP = re.compile(r"(?i)(?:env\w*|\bget|fetch|default|property|setting|param|coalesce|option|field)\([^()]*\Z")
"""What takes a name and a default."""


def fallback_value(text: str, at: int, level: Sensitivity) -> tuple[int, int] | None:
    """The value that an expression takes where what it looks up is missing."""
    fallback = _FALLBACK.match(text, at) if _ANY_QUOTE.search(text, at, at + _MAX_FALLBACK) else None
    opening = QUOTE.match(text, fallback.end()) if fallback else None
    if fallback is None or opening is None:
        return None
    if text[fallback.end("lead")] == "," and not _LOOKS_UP.search(fallback["lead"]):
        return None  # the next argument, the next member
    start, end = opening.end(), closing(text, opening)
    value = text[start:end]
    if is_placeholder(value) or names_itself(value) or _SPACE.search(value):
        return None
    return (start, end) if is_secret_word(value, level) else None


# ── whether a quoted value is a secret ────────────────────────────────────────────────────────────────────────────────

_NO_VALUE = re.compile(r"[;,)\]}](?:\s|\Z)")
"""Code: the quote before it was the end of a string, as in `"Password:"`."""
_VERSION = re.compile(r"[\^~<>=!]{0,2}v?\d+(?:\.\d+){1,3}[\w.+-]{0,16}")
_CODE = re.compile(r"[\n{}()<>]|\\n")
"""In a value with blanks: it is code or text, not a pass phrase."""
_CALL_OR_EXPRESSION = re.compile(r".*[\[(\\]\S*[\])*+].*")
_SIGNS_OR_ADDRESS = re.compile(r"[\[\]\\/^$(){}|.*+?,:=<>;-]*|[^\w]*|https?://\S*")
_MAX_PHRASE = 200
_MAX_PHRASE_WITH_DIGITS = 60
_WORDS_OF_PROSE = re.compile(
    rf"(?i){'|'.join(NATIVE_NOUNS)}|\b(?:passw|secret|token|key|must|should|enter|please|your|the|required|invalid|cannot|not|is|a|an|for|and|or|with|use|to)\b"
)


def accepts_quoted(value: str, level: Sensitivity, name: str) -> bool:
    """Whether a string is a secret under a name: nearly all are under one that says so, `{"password": "summer rain"}`."""
    if is_placeholder(value) or len(value) < 2 or _NO_VALUE.match(value) or _VERSION.fullmatch(value):
        return False
    if level is Sensitivity.WEAK:
        return looks_like_credential(value)
    name = name.lower()
    if names_itself(value) or (is_path(value) and "pwd" in name):
        return False
    if "token" in name and value.replace(".", "").isdigit():
        return False
    if _SPACE.search(value):
        return _is_phrase(value) and (
            "pass" in name or not name.endswith(("token", "key")) or _DIGIT.search(value) is not None
        )
    if _CALL_OR_EXPRESSION.fullmatch(value):
        return "\\" not in value and not is_plain(value)
    return _SIGNS_OR_ADDRESS.fullmatch(value) is None


def _is_phrase(value: str) -> bool:
    """Whether words are a pass phrase, `summer rain 42`, not a sentence about one: `Your password is required`."""
    if len(value) > _MAX_PHRASE or value.rstrip().endswith((":", "?")) or _CODE.search(value):
        return False
    has_digits = re.search(r"\d", value) is not None
    return (has_digits and len(value) < _MAX_PHRASE_WITH_DIGITS) or _WORDS_OF_PROSE.search(value) is None
