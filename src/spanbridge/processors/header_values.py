# ruff: noqa: E501 - a pattern broken over lines can neither be read nor searched
"""The values of `Authorization` and `Cookie` headers in text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spanbridge.processors.key_names import looks_like_credential, looks_like_password
from spanbridge.processors.placeholders import is_placeholder
from spanbridge.processors.quoted_values import NEXT_PART, QUOTE, closing
from spanbridge.processors.unquoted_values import NEXT_FIELD
from spanbridge.processors.value_words import names_itself

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanbridge.processors.places import Found

_VALUE = re.compile(
    r"""(?:(?:Bearer|Basic|Token|Bot|ApiKey|Api-Key|SSWS|Digest|Negotiate|NTLM|Key|OAuth|GoogleLogin|AWS4-HMAC-SHA256|[A-Z][\w-]{2,24})(?:[ \t]{1,8}|%20|\+|\\[ ]))?(?P<v>[^\s"'`\\<>]{6,8192})""",
    re.IGNORECASE,
)
_REST = re.compile(r"""(?:AWS4-HMAC-SHA256|Digest|OAuth|Hawk)[ ]+(?P<v>(?:[^\n\r"'\\]|\\?"){8,8192})""", re.IGNORECASE)
"""Of schemes whose value is a list of parameters."""
_SCHEME_ALONE = re.compile(r"\w{1,24} ")
"""Before what is joined to it: `"Bearer " + "x"`."""
_WORD_OF_PROSE = re.compile(r"[a-z]+[.,:;!?]?")
_BRACKET = re.compile(r"[\[{(]")
_SHELL_VARIABLE = re.compile(r"\$[A-Za-z_]\w*")
_CALL = re.compile(r"[A-Za-z_][\w.]*[(\[]")
_COOKIES = re.compile(r"""(?:[;, ]{0,3}[\w.$!*~-]{1,80}(?:=[^\s"'`\\;,\]]*)?(?=[;,\s"'`\\\]]|\Z))*""")
_COOKIE = re.compile(
    r"""(?P<n>(?i:sess|sid|auth|token|csrf|xsrf|login|jwt|remember|identity)[\w.$!*~-]*)?=(?P<v>(?(n)[^\s"'`\\;,]+|[^\s"'`\\;,]{8,}))"""
)
"""The cookies that may hold a session: by their name, else by their value."""
_LONG_COOKIE = 20


def header_value(text: str, at: int, op: str, *, cookie: bool) -> Found:
    """The value of an Authorization or Cookie header at `at`, behind the operator `op`."""
    opening = QUOTE.match(text, at)
    limit = len(text)
    if opening is not None:
        at, limit = opening.end(), closing(text, opening)
        if _SCHEME_ALONE.fullmatch(text, at, limit) and (joint := NEXT_PART.match(text, limit)):
            return header_value(text, joint.end(), op, cookie=cookie)
    elif text.startswith("[", at):
        at += 1  # a list of values, as Go prints headers
    if cookie:
        return _cookies(text, at, limit, quoted=opening is not None)
    return _authorization(text, at, limit, op, quoted=opening is not None)


def _cookies(text: str, at: int, limit: int, *, quoted: bool) -> Iterator[tuple[int, int]]:
    """Of `theme=dark; sid=a1b2` the `a1b2`; in quotes a cookie's value may stand alone."""
    if quoted and looks_like_credential(text[at:limit]) and "=" not in text[at:limit].rstrip("="):
        yield at, limit
        return
    cookies = _COOKIES.match(text, at, limit)
    for pair in _COOKIE.finditer(text, at, cookies.end() if cookies else at):
        if not is_placeholder(pair["v"]) and (
            pair["n"] or len(pair["v"]) >= _LONG_COOKIE or looks_like_credential(pair["v"])
        ):
            yield pair.span("v")


def _authorization(text: str, at: int, limit: int, op: str, *, quoted: bool) -> Found:
    """Of `Bearer a1b2` the `a1b2`, of `Digest username="bob", response="x"` all that follows the scheme."""
    match = _REST.match(text, at, limit) or _VALUE.match(text, at, limit)
    if match is None:
        return ()
    start, end = match.span("v")
    if not quoted:
        following = NEXT_FIELD.search(text, start, end) if op == "=" else None
        end = following.start() if following else end
        value = text[start:end]
        end = start + len(value.rstrip(",;" if _BRACKET.search(value) else ",;)]}"))
    value = text[start:end]
    if (
        is_placeholder(value)
        or _SHELL_VARIABLE.fullmatch(value)
        or names_itself(value.rstrip(".,:;"))
        or (op == "=" and _CALL.match(value))
    ):
        return ()
    behind_scheme = start > at
    if behind_scheme and _WORD_OF_PROSE.fullmatch(value):
        return ()
    if quoted or behind_scheme or looks_like_password(value) or looks_like_credential(value):
        return ((start, end),)
    return ()
