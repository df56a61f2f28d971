# ruff: noqa: E501, RUF001 - a pattern broken over lines can neither be read nor searched; full-width signs are what some languages write
r"""Where a value ends and whether it is a secret, once a word and an operator before it said that one comes.

Quotes may be escaped to any depth, so the same code reads JSON inside strings, cut off or not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spanbridge.processors.key_names import (
    Sensitivity,
    is_path,
    looks_like_credential,
    looks_like_password,
)
from spanbridge.processors.placeholders import is_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_QUOTED = 4096
"""A quoted value that is longer is text, not a secret; nor is it searched for its end."""
MAX_UNQUOTED = 8192
"""As above, of one that is not quoted: what the patterns below take at most."""
QUOTE = re.compile(
    r"""(?:[bBrRuU]|(?:pydantic\.)?Secret(?:Str|String|Bytes)?\(|String\(|str\(|\[)?(\\{0,15})("{3}|'{3}|["'`]|&quot;|&apos;|&#3[49];|&#x2[27];|%22)"""
)
_UNQUOTED = re.compile(r"""[^\s"'`<>\\,;&|(){}\[\]]{1,8192}""")
_CELL = re.compile(r"""[ \t*`]{0,80}(?P<v>[^\s"'`<>\\|*]{3,8192})[ \t*`]{0,80}\|""")
_CELL_START = re.compile(r"\|[ \t*`]{0,40}\Z")
_OWNED_CELL = re.compile(r"\|[ \t*`]{0,40}(?:[A-Za-z]{2,20} )?\Z")
_UNQUOTED_LINE = re.compile(r"""[^\s"'`\\<>]{1,8192}""")
_UNQUOTED_PARAMETER = re.compile(r"""[^\s"'`\\<>&;#]{1,8192}""")
_LINE_START = re.compile(
    r"""(?:^|[\n\r]|\\[nr])[ \t+-]{0,40}(?:(?:export|set|ENV|ARG|SET|setx|declare -x|env|-)[ ]|\$env:)?["']?\Z"""
)
_ENVIRONMENT = re.compile(r"(?:^|\s)(?:export|setx?|env|-e|--env|--build-arg|ENV|ARG)[ ][\"']?\Z")
_LINE_END = re.compile(r"(?:[ \t]*(?:\#[^\n]*)?(?:$|[\n\r]|\\[nr]))|\\{0,15}[\"']")
_HEADER_VALUE = re.compile(
    r"""(?:(?:Bearer|Basic|Token|Bot|ApiKey|Api-Key|SSWS|Digest|Negotiate|NTLM|Key|OAuth|GoogleLogin|AWS4-HMAC-SHA256|[A-Z][\w-]{2,24})(?:[ ]{1,3}|%20|\+))?(?P<v>[^\s"'`\\<>]{6,8192})""",
    re.IGNORECASE,
)
_HEADER_REST = re.compile(
    r"""(?:AWS4-HMAC-SHA256|Digest|OAuth|Hawk)[ ]+(?P<v>(?:[^\n\r"'\\]|\\?"){8,8192})""", re.IGNORECASE
)
_COOKIES = re.compile(r"""(?:[;, ]{0,3}[\w.$!*~-]{1,80}(?:=[^\s"'`\\;,]{0,8192})?(?=[;,\s"'`\\]|\Z))*""")
_COOKIE = re.compile(
    r"""(?P<n>(?i:sess|sid|auth|token|csrf|xsrf|login|jwt|remember|identity)[\w.$!*~-]*)?=(?P<v>(?(n)[^\s"'`\\;,]{1,8192}|[^\s"'`\\;,]{8,8192}))"""
)
"""The cookies that may hold a session: by their name, else by their value."""
NATIVE = re.compile(
    r"passwort|kennwort|mot de passe|contrase[nñ]a|senha|wachtwoord|lösenord|пароль|密码|密碼|パスワード|비밀번호",
    re.IGNORECASE,
)
_PROSE_VALUE_WORDS = re.compile(
    r"(?i)\b(?:passw|secret|token|key|must|should|enter|please|your|the|required|invalid|cannot|not|is|a|an|for|and|or|with|use|to)\b"
)


_BRACED = re.compile(r"""\{(?P<v>[^{}\n"']{3,200})\}(?=;|\\{0,15}["']|\s|\Z)""")
"""How connection strings quote: `Pwd={a;b}`."""
_METAVARIABLE = re.compile(r"[A-Z][A-Z_-]*\]?|[a-z_-]+\]")
"""What stands for a value in a program's usage: `[--token TOKEN]`."""
_ARN = re.compile(r"arn:[\w-]{0,12}:[\w-]{0,24}:[\w-]{0,16}:\d{0,14}:\Z")
_TECHNICAL_TERM = re.compile(
    r"[\d.,:%/-]{1,5}|[a-z]+-[a-z-]+|\d+[a-z-]+|[A-Za-z]{1,3}-?\d{1,4}"
    r"|(?:sha|md|base|utf|rfc|argon|oauth|http|pkcs|blake|ipv|tls|ssl|gpt|llama|step|level|version|chapter|section|python|type|rot|hmac|scrypt|ascii|latin|win|line|page|case|item|user|test|step|part|phase|team|room|unit|slot|node|host|port)-?\d{1,4}",
    re.IGNORECASE,
)
"""What may follow "the token is" without being one: numbers, counted things, algorithms."""


def operand(
    text: str, at: int, op: str, right: int, name: str, level: Sensitivity, head: str, *, spaced: bool
) -> Iterator[tuple[int, int]]:
    """The value behind `=`, `:` and their relatives."""
    if QUOTE.match(text, at):
        yield from quoted_value(text, at, level, name)
        return
    if op == ":" and not spaced and (head.endswith("//") or _ARN.search(head)):
        return  # the user of an address, whose password another rule knows
    if op == "|":
        yield from _cell(text, at, level, name, head)
        return
    if op in ("==", "===", "!=", "!=="):
        return
    braced = _BRACED.match(text, at) if op == "=" else None
    if braced is not None:
        # Between semicolons it is no variable of a format string.
        is_value = head.rstrip().endswith(";") or not is_placeholder(braced[0])
        if level is Sensitivity.STRONG and is_value and looks_like_password(braced["v"]):
            yield braced.span("v")
        return
    line = _LINE_START.search(head) is not None or _ENVIRONMENT.search(head) is not None
    parameter = head.endswith(("?", "&", ";", "&amp;")) or text[right:at] in ("%3D", "%3A")
    pattern = _UNQUOTED_PARAMETER if parameter else _UNQUOTED_LINE if line and op == "=" and not spaced else _UNQUOTED
    match = pattern.match(text, at)
    if match is None:
        return
    start, end = match.span()
    if ("?" in head or "&" in text[end : end + 1]) and not parameter:
        end = start + len(re.split("[&#]", match[0], maxsplit=1)[0])
    while end > start and text[end - 1] in ".,;:?)*":
        end -= 1
    value = text[start:end]
    environment = line and not spaced and op == "=" and name.isupper()
    if (
        text[end : end + 1] in ("(", "[")
        or not value
        or is_placeholder(value)
        or (_names_itself(value) and not environment)
    ):
        return
    if text[start : start + 2] in ("//", "/*") or value.startswith(("$", "{", "%(", "@")):
        return
    if re.match(r"(?i)(?:Bearer|Basic|Token)\Z", value) and text[end : end + 1] == " ":
        return
    token = re.search(r"(?i)token", name) is not None
    if token and value.replace(".", "").isdigit():
        return
    if level is Sensitivity.WEAK:
        if looks_like_credential(value) or (environment and len(value) >= 8 and looks_like_password(value)):
            yield start, end
        return
    if is_path(value) and ("pwd" in name.lower() or "/" in value[1:]):
        return
    delimited = (
        parameter
        or text[end : end + 1] in ("&", ";")
        or head.rstrip().endswith(";")
        or re.search(r"[\w\]]=[^\s=;]{1,200};[ ]?\Z", head) is not None
    )
    words = re.fullmatch(r"[A-Za-z_][\w]*(?:[.\-/][\w]+)*", value) is not None
    if (
        looks_like_password(value)
        or (looks_like_credential(value) and len(value) >= 16)
        or (delimited and len(value) >= 3 and op in ("=", "%3D"))
        or (
            line
            and not spaced
            and op == "="
            and len(value) >= 4
            and (name.isupper() or "-" in value)
            and not re.fullmatch(r"[A-Za-z_]+(?:\.[A-Za-z_]+)+", value)
        )
        or (
            line
            and op == ":"
            and len(value) >= 5
            and words
            and value == value.lower()
            and "." not in value
            and _LINE_END.match(text, end)
            and text[end : end + 1] != ""
        )
    ):
        yield start, end


def _cell(text: str, at: int, level: Sensitivity, name: str, head: str) -> Iterator[tuple[int, int]]:
    """The next cell of a table's row, `| password | hunter2 |`; a pipe of a shell has no bar before its first word."""
    match = _CELL.match(text, at)
    if (
        match is None
        or (_OWNED_CELL if name.lower().startswith(("key", "token", "code")) else _CELL_START).search(head) is None
    ):
        return
    value = match["v"]
    if not is_placeholder(value) and (
        looks_like_credential(value) or (level is Sensitivity.STRONG and looks_like_password(value))
    ):
        yield match.span("v")


def quoted_value(
    text: str, at: int, level: Sensitivity, name: str, *, strict: bool = False
) -> Iterator[tuple[int, int]]:
    """A value in quotes; the closing quote has as many backslashes as the opening one."""
    opening = QUOTE.match(text, at)
    if opening is None:
        return
    start = opening.end()
    end = _closing(text, start, opening[1], opening[2])
    value = text[start:end]
    if strict and re.search(r"\s|^\$\w+=", value):
        return
    scheme = re.match(r"(?i)(?:Bearer|Basic|Token|Bot|ApiKey) +", value)
    if scheme is not None and level is Sensitivity.WEAK:
        start += scheme.end()
        value = text[start:end]
    if accepts_quoted(value, level, name):
        yield start, end


def _closing(text: str, start: int, backslashes: str, quote: str) -> int:
    """Where a quoted value ends: at its quote, or where the text or the line was cut."""
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
    cut = re.compile(r"[\n\r]").search(text, start, limit)
    return cut.start() if cut else limit


def accepts_quoted(value: str, level: Sensitivity, name: str) -> bool:
    if is_placeholder(value) or len(value) < 2:
        return False
    if level is Sensitivity.WEAK:
        return looks_like_credential(value)
    if _names_itself(value) or (is_path(value) and "pwd" in name.lower()):
        return False
    if re.search(r"(?i)token", name) and value.replace(".", "").isdigit():
        return False
    if re.search(r"\s", value):
        if len(value) > 200 or value.rstrip().endswith((":", "?")) or re.search(r"[\n{}()<>]|\\n", value):
            return False
        return (re.search(r"\d", value) is not None and len(value) < 60) or _PROSE_VALUE_WORDS.search(value) is None
    return re.fullmatch(r"[\[\]\\/^$(){}|.*+?,:=<>;-]*|[^\w]*|https?://\S*|.*[\[(\\]\S*[\])*+].*", value) is None


def _names_itself(value: str) -> bool:
    """Whether a value is a name of a secret, not a secret: `password=user_password`, `token: access_token`."""
    return (
        re.fullmatch(r"[A-Za-z_.\-:$/]{1,60}", value) is not None
        and re.search(
            r"(?i)passw|secret|token|credential|(?:^|[_.\-a-z])(?:key|pwd|auth)(?:$|s$|[_.\-])|[a-z]Key|cookie|authori",
            value,
        )
        is not None
    )


def header_value(text: str, at: int, cookie: bool, op: str) -> Iterator[tuple[int, int]]:
    """The value of an Authorization or Cookie header in text."""
    opening = QUOTE.match(text, at)
    limit = len(text)
    if opening is not None:
        at = opening.end()
        limit = _closing(text, at, opening[1], opening[2])
    if cookie:
        if opening is not None and looks_like_credential(text[at:limit]) and "=" not in text[at:limit].rstrip("="):
            yield at, limit
            return
        end = _COOKIES.match(text, at, limit)
        for pair in _COOKIE.finditer(text, at, end.end() if end else at):
            if not is_placeholder(pair["v"]) and (
                pair["n"] or len(pair["v"]) >= 20 or looks_like_credential(pair["v"])
            ):
                yield pair.span("v")
        return
    match = _HEADER_REST.match(text, at, limit) or _HEADER_VALUE.match(text, at, limit)
    if match is None:
        return
    start, end = match.span("v")
    value = text[start:end]
    if (
        is_placeholder(value)
        or _names_itself(value.rstrip(".,:;"))
        or (op == "=" and re.match(r"[A-Za-z_][\w.]*[(\[]", value))
    ):
        return
    if start > at and re.fullmatch(r"[a-z]+[.,:;!?]?", value):
        return
    if opening is not None or start > at or looks_like_password(value) or looks_like_credential(value):
        yield start, end


def flag_value(text: str, right: int, level: Sensitivity) -> Iterator[tuple[int, int]]:
    """`--password value`."""
    at = right + 1
    if QUOTE.match(text, at):
        yield from quoted_value(text, at, level, "flag")
        return
    match = re.compile(r"""[^\s"'`\\|<>]{3,8192}""").match(text, at)
    if match is None or match[0].startswith("-") or is_placeholder(match[0]) or _METAVARIABLE.fullmatch(match[0]):
        return
    value = match[0]
    if looks_like_credential(value) or (
        level is Sensitivity.STRONG
        and (looks_like_password(value) or (re.fullmatch(r"[a-z]{6,}", value) is None and not _names_itself(value)))
    ):
        yield match.span()


def prose_value(text: str, at: int, level: Sensitivity) -> Iterator[tuple[int, int]]:
    """`the password is hunter2`: one word that is no word of the language."""
    opening = QUOTE.match(text, at)
    if opening is not None:
        start, end = opening.end(), _closing(text, opening.end(), opening[1], opening[2])
        value = text[start:end]
        if (
            level is Sensitivity.STRONG
            and 4 <= len(value) <= 200
            and not re.search(r"\s", value)
            and not is_placeholder(value)
            and not _names_itself(value)
        ) or looks_like_credential(value):
            yield start, end
        return
    match = re.compile(r"""[^\s"'`<>\\]{4,8192}""").match(text, at)
    if match is None:
        return
    start, end = match.span()
    while end > start and text[end - 1] in ".,;:!?)*。，":
        if text[end - 1] == "!" and text[end : end + 1] == " " and not text[end + 1 : end + 2].isupper():
            break  # no end of a sentence
        end -= 1
    value = text[start:end]
    if is_placeholder(value) or _names_itself(value) or _TECHNICAL_TERM.fullmatch(value):
        return
    if looks_like_credential(value) or (level is Sensitivity.STRONG and looks_like_password(value)):
        yield start, end
