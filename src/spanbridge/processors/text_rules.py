# ruff: noqa: E501, RUF001 - a pattern broken over lines can neither be read nor searched; full-width signs are what some languages write
r"""The exact rules for text: where in a string secrets stand.

Each rule has probes for the prefilter and a `find` that yields the spans of values. Most secrets are found from a word: an identifier that says
"secret" (`key_names.py`), then an operator (`password = `, `"apiKey": `, `--token `, `password is `, `<password>`), then a value. Quotes may be
escaped to any depth, so the same rule reads JSON inside strings, cut off or not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from spanbridge.processors.credential_patterns import FORMATS, LEFT, Format, is_basic
from spanbridge.processors.key_names import (
    CODE_OWNERS,
    KEY_OWNERS,
    PASS_OWNERS,
    TOKEN_OWNERS,
    Classifier,
    Sensitivity,
    is_path,
    is_placeholder,
    looks_like_credential,
    looks_like_password,
    split_words,
)
from spanbridge.processors.matcher import Probe


class Span(NamedTuple):
    """A secret in a text: where it starts, where it ends, and the rule that found it."""

    start: int
    end: int
    rule: str


Find = Callable[[str], Iterator[Span]]


class TextRule(NamedTuple):
    """One way to find secrets in a text."""

    probes: tuple[Probe, ...]
    find: Find


MAX_QUOTED = 4096
"""A quoted value that is longer is text, not a secret; nor is it searched for its end."""
_LEFT = 64
_IDENTIFIER_END = re.compile(r"[A-Za-z0-9_.\-$]{0,64}\Z")
_IDENTIFIER = re.compile(r"[A-Za-z0-9_.\-$]{0,48}")
_PREVIOUS_WORD = re.compile(r"([A-Za-z]{2,20})[ ]\Z")
_QUOTE = re.compile(
    r"""(?:[bBrRuU]|(?:pydantic\.)?Secret(?:Str|String|Bytes)?\(|String\(|str\(|\[)?(\\{0,15})("{3}|'{3}|["'`]|&quot;|&#34;|&#39;|%22)"""
)
_OPERATOR = re.compile(
    r"""(?P<close>\\{0,15}(?:["'`]|&quot;|&#34;|%22)?[\])]?\)?)[ \t]{0,8}(?:(?P<op>===?|!==?|=>|:=|\?=|\+=|=|:(?!:)|：|＝|%3D|%3A|\|)|(?P<xml>>))(?P<space>(?:\s|\\[nrt]){0,4})"""
)
_ANNOTATED = re.compile(r"[ \t]{0,3}:[ \t]{0,3}[A-Za-z][\w.\[\]| ,?]{0,40}?[ \t]{0,3}=[ \t]{0,3}(?=\\{0,15}[\"'])")
_PROSE = re.compile(
    r"""["'`]?(?:[ ](?:for|of|to)[ ][\w.@'-]{1,40}(?:[ ][\w.@'-]{1,40}){0,3}?)?[ ]{1,2}(?:is|was|are|ist|lautet|es|est|é|è|now|to|will be|set to|equals)(?:[ ](?:now|set to|currently|still))?:?[ ]{1,2}|(?:是|は|为|為|입니다|는|은)[：: ]{0,2}"""
)
_SPACE_QUOTED = re.compile(r"""[ \t]{1,4}(?:AS[ ]|BY[ ])?(?=\\{0,7}['"`])""")
_CALL = re.compile(r"""\([ \t]{0,2}(?=\\{0,7}["'])""")
_CALL_PAIR = re.compile(r"""\\{0,7}["'][ \t]{0,2},[ \t]{0,2}(?=\\{0,7}["'])""")
_CALL_NAME = re.compile(
    r"(?:set|put|add|append|setdefault|setenv|header|putenv|property|setitem|with\w*|set\w*)\(\s{0,2}\\{0,7}[\"']\Z",
    re.IGNORECASE,
)
_UNQUOTED = re.compile(r"""[^\s"'`<>\\,;&|(){}\[\]]{1,2048}""")
_UNQUOTED_LINE = re.compile(r"""[^\s"'`\\<>]{1,2048}""")
_UNQUOTED_PARAMETER = re.compile(r"""[^\s"'`\\<>&;#]{1,2048}""")
_LINE_START = re.compile(
    r"""(?:^|[\n\r]|\\[nr])[ \t+-]{0,40}(?:(?:export|set|ENV|ARG|SET|setx|declare -x|env|-)[ ]|\$env:)?["']?\Z"""
)
_ENVIRONMENT = re.compile(r"(?:^|\s)(?:export|setx?|env|-e|--env|--build-arg|ENV|ARG)[ ][\"']?\Z")
_LINE_END = re.compile(r"(?:[ \t]*(?:\#[^\n]*)?(?:$|[\n\r]|\\[nr]))|\\{0,15}[\"']")
_HEADER_VALUE = re.compile(
    r"""(?:(?:Bearer|Basic|Token|Bot|ApiKey|Api-Key|SSWS|Digest|Negotiate|NTLM|Key|OAuth|GoogleLogin|AWS4-HMAC-SHA256|[A-Z][\w-]{2,24})(?:[ ]{1,3}|%20|\+))?(?P<v>[^\s"'`\\<>]{6,4096})""",
    re.IGNORECASE,
)
_HEADER_REST = re.compile(
    r"""(?:AWS4-HMAC-SHA256|Digest|OAuth|Hawk)[ ]+(?P<v>(?:[^\n\r"'\\]|\\?"){8,4096})""", re.IGNORECASE
)
_COOKIE = re.compile(r"""[;, ]{0,3}(?P<n>[\w.$!*~-]{1,80})(?:=(?P<v>[^\s"'`\\;,]{0,4096}))?(?=[;,\s"'`\\]|\Z)""")
_SESSION_COOKIE = re.compile(r"(?i)sess|sid|auth|token|csrf|xsrf|login|jwt|remember|identity")
_STEMS = (
    "passw|pass|pwd|pw|secret|cred|token|key|cookie|auth|jwt|otp|dsn|pat|code|connection.?string|conn|bearer|recovery phrase|seed phrase"
    "|kennwort|mdp|mot de passe|contrase[nñ]a|senha|wachtwoord|lösenord|пароль|密码|密碼|パスワード|비밀번호"
)
"""In lower case and each with a first letter of its own, so that `re` skips from one possible start to the next."""
_NATIVE = re.compile(
    r"passwort|kennwort|mot de passe|contrase[nñ]a|senha|wachtwoord|lösenord|пароль|密码|密碼|パスワード|비밀번호",
    re.IGNORECASE,
)
_PROSE_VALUE_WORDS = re.compile(
    r"(?i)\b(?:passw|secret|token|key|must|should|enter|please|your|the|required|invalid|cannot|not|is|a|an|for|and|or|with|use|to)\b"
)


def keyword_rule(classify: Classifier, extra_stems: str = "") -> TextRule:
    """Values that stand after a word that says "secret"."""
    stems = re.compile(f"{_STEMS}|{extra_stems}" if extra_stems else _STEMS)
    stems_of_any_case = re.compile(stems.pattern, re.IGNORECASE)

    def find(text: str) -> Iterator[Span]:
        done = -1
        lower = text.lower()
        # A few letters change their length with their case; positions must be those of the text.
        for stem in stems.finditer(lower) if len(lower) == len(text) else stems_of_any_case.finditer(text):
            if stem.start() < done:
                continue
            left, right, name = _identifier(text, stem)
            done = right
            level = _level(classify, text, left, name, stem)
            if level is Sensitivity.NONE:
                continue
            for start, end in _value_after(text, left, right, name, level):
                yield Span(
                    start,
                    end,
                    "authorization"
                    if name.lower().endswith("authorization")
                    else "cookie"
                    if name.lower().endswith("cookie")
                    else "assignment",
                )
                done = max(done, end)

    return TextRule(_KEYWORD_PROBES + ((Probe(("",), f"(?i)(?:{extra_stems})"),) if extra_stems else ()), find)


def _identifier(text: str, stem: re.Match[str]) -> tuple[int, int, str]:
    """The whole identifier around a stem."""
    before = _IDENTIFIER_END.search(text[max(0, stem.start() - _LEFT) : stem.start()])
    left = stem.start() - len(before[0] if before else "")
    after = _IDENTIFIER.match(text, stem.end())
    right = after.end() if after else stem.end()
    while right > stem.end() and text[right - 1] in ".-$":
        right -= 1
    if left and text[left - 1] == "\\" and left < stem.start() and text[left] in "nrtbf":
        left += 1
    while left < stem.start() and text[left] in ".-$":
        left += 1
    return left, right, text[left:right]


def _level(classify: Classifier, text: str, left: int, name: str, stem: re.Match[str]) -> Sensitivity:
    if _NATIVE.fullmatch(stem[0]):
        return Sensitivity.STRONG
    level = classify(name)
    previous = _PREVIOUS_WORD.search(text[max(0, left - 21) : left])
    if previous is not None and level is not Sensitivity.STRONG:
        level = max(level, classify(f"{previous[1]} {name}")) if level or len(split_words(name)) == 1 else level
    return level


def _value_after(text: str, left: int, right: int, name: str, level: Sensitivity) -> Iterator[tuple[int, int]]:
    """The span of the value that follows an identifier, if one does."""
    head = text[max(0, left - 48) : left]
    annotated = _ANNOTATED.match(text, right)
    operator = annotated or _OPERATOR.match(text, right)
    if operator is not None and (
        annotated or operator["op"] or (operator["xml"] and head.rstrip("!").endswith(("<", ":")))
    ):
        at = operator.end()
        op = "=" if annotated else operator["op"] or ">"
        lowered = name.lower().rstrip("0123456789")
        if lowered.endswith(("authorization", "cookie")) and op in (":", "=", "=>"):
            yield from _header(text, at, "cookie" in lowered, op)
            return
        if op == ">":
            end = text.find("<", at, at + MAX_QUOTED)
            if end > at and _accept_quoted(text[at:end], level, name):
                yield at, end
            return
        yield from _operand(text, at, op, right, name, level, head, spaced=not annotated and bool(operator["space"]))
        return
    if head.endswith("-") and text[right : right + 1] == " ":
        yield from _flag(text, right, level)
        return
    call = _CALL.match(text, right)
    if call is not None and ("." in f"{head[-1:]}{name}" or name.lower().startswith(("set", "with", "using"))):
        yield from _quoted(text, call.end(), level, name, strict=True)
        return
    if _CALL_NAME.search(head):
        pair = _CALL_PAIR.match(text, right)
        if pair is not None:
            yield from _quoted(text, pair.end(), level, name, strict=True)
        return
    quoted = _SPACE_QUOTED.match(text, right)
    if (
        quoted is not None
        and level is Sensitivity.STRONG
        and (name.isupper() or re.search(r"(?i)(?:with|set|encrypted|user|alter)\s\Z", head))
    ):
        yield from _quoted(text, quoted.end(), level, name, strict=True)
        return
    prose = _PROSE.match(text, right)
    if prose is not None:
        yield from _prose(text, prose.end(), level)
        return
    netrc = (
        re.compile(r"[ \t]{1,4}(\S{3,200})").match(text, right)
        if re.search(r"(?:login|user)\s{1,4}\S{1,80}\s{1,8}\Z", head)
        else None
    )
    if netrc is not None and level is Sensitivity.STRONG:
        yield netrc.span(1)


def _operand(
    text: str, at: int, op: str, right: int, name: str, level: Sensitivity, head: str, *, spaced: bool
) -> Iterator[tuple[int, int]]:
    """The value behind `=`, `:` and their relatives."""
    if _QUOTE.match(text, at):
        yield from _quoted(text, at, level, name)
        return
    if op in ("==", "===", "!=", "!==", "|"):
        return
    native = not name.isascii() or _NATIVE.search(name) is not None
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
    if level is Sensitivity.WEAK or (native and op == "|"):
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


def _quoted(text: str, at: int, level: Sensitivity, name: str, *, strict: bool = False) -> Iterator[tuple[int, int]]:
    """A value in quotes; the closing quote has as many backslashes as the opening one."""
    opening = _QUOTE.match(text, at)
    if opening is None:
        return
    start = opening.end()
    end = _closing(text, start, opening[1], opening[2])
    value = text[start:end]
    if strict and re.search(r"\s", value):
        return
    scheme = re.match(r"(?i)(?:Bearer|Basic|Token|Bot|ApiKey) +", value)
    if scheme is not None and level is Sensitivity.WEAK:
        start += scheme.end()
        value = text[start:end]
    if _accept_quoted(value, level, name):
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


def _accept_quoted(value: str, level: Sensitivity, name: str) -> bool:
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


def _header(text: str, at: int, cookie: bool, op: str) -> Iterator[tuple[int, int]]:
    """The value of an Authorization or Cookie header in text."""
    opening = _QUOTE.match(text, at)
    limit = len(text)
    if opening is not None:
        at = opening.end()
        limit = _closing(text, at, opening[1], opening[2])
    if cookie:
        while (pair := _COOKIE.match(text, at, limit)) is not None:
            at = pair.end()
            value = pair["v"]
            if (
                value
                and not is_placeholder(value)
                and (looks_like_credential(value) or len(value) >= 20 or _SESSION_COOKIE.search(pair["n"]))
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


def _flag(text: str, right: int, level: Sensitivity) -> Iterator[tuple[int, int]]:
    """`--password value`."""
    at = right + 1
    if _QUOTE.match(text, at):
        yield from _quoted(text, at, level, "flag")
        return
    match = re.compile(r"""[^\s"'`\\|<>]{3,2048}""").match(text, at)
    if match is None or match[0].startswith("-") or is_placeholder(match[0]):
        return
    value = match[0]
    if looks_like_credential(value) or (
        level is Sensitivity.STRONG
        and (looks_like_password(value) or (re.fullmatch(r"[a-z]{6,}", value) is None and not _names_itself(value)))
    ):
        yield match.span()


def _prose(text: str, at: int, level: Sensitivity) -> Iterator[tuple[int, int]]:
    """`the password is hunter2`: one word that is no word of the language."""
    opening = _QUOTE.match(text, at)
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
    match = re.compile(r"""[^\s"'`<>\\]{4,2048}""").match(text, at)
    if match is None:
        return
    start, end = match.span()
    while end > start and text[end - 1] in ".,;:!?)*。，":
        end -= 1
    value = text[start:end]
    if (
        is_placeholder(value)
        or _names_itself(value)
        or (
            re.fullmatch(r"[\d.,:%/-]{1,5}|[a-z]+-[a-z-]+|\d+[a-z-]+|[A-Za-z]{2,8}-?\d{1,4}", value)
            and not re.fullmatch(r"[a-z]{4,}\d+", value)
        )
    ):
        return
    if looks_like_credential(value) or (level is Sensitivity.STRONG and looks_like_password(value)):
        yield start, end


# ── rules with a pattern of their own ───────────────────────────────────────────────────────────────────────────────────

_TAIL = r"[A-Za-z0-9_.-]{0,24}"
_CLOSE = r"(?:[\\\"'`\])]|&quot;|&#34;|%22){0,9}"


def _probes_for(words: str, gates: tuple[str, ...], reach: int) -> tuple[Probe, ...]:
    """How a value may follow one of `words`: operator, next item, prose, quote or bracket."""
    tails = (
        rf"{_TAIL}(?: [A-Za-z0-9()]{{1,12}})?{_CLOSE}[ \t]{{0,8}}(?:[:=>|]|%3[AaDd])",
        r"[A-Za-z0-9_.-]{0,24}[\\\"'`\])>]{1,9}[ \t]{0,4},",
        rf"{_TAIL}[\"'`]?(?: (?:for|of|to)(?: [A-Za-z0-9.@'_-]{{1,40}}){{1,4}})? {{1,2}}(?:is|was|are|ist|lautet|es|est|to|now|will be|set to|equals)[: ](?:now|set to|currently|still)?[: ]{{0,3}}(?:[\\\"'`*]|[^ \\\"]{{0,40}}[0-9!@#$%^&*_])",
        rf"{_TAIL}(?:[ \t]{{1,4}}(?:by |as )?|\([ \t]{{0,2}})\\{{0,7}}[\"'`]",
    )
    rest = "|".join(gates) if reach else ""
    return tuple(
        Probe(gates, f"(?i)(?:{words}){tail}", reach, f"(?i)(?:{rest}){tail}" if rest else "") for tail in tails
    )


def _owned_probes(word: str, owners: frozenset[str]) -> tuple[Probe, ...]:
    """A word that is secret by its owner, in any spelling of the two."""
    return _probes_for(f"(?:{'|'.join(sorted(owners))})[ _.-]?{word}", (word,), max(map(len, owners)) + 1)


_WORDS = ("passphrase", "passcode", "kennwort", "pwd", "secret", "credential", "creds", "authorization", "cookie", "senha", "wachtwoord",
          "jwt", "otp", "mot de passe", "connstr", "mdp")  # fmt: skip
_NATIVE_WORDS = (
    "密码",
    "密碼",
    "パスワード",
    "비밀번호",
    "hasło",
    "пароль",
    "Пароль",
    "ПАРОЛЬ",
    "lösenord",
    "Lösenord",
    "contraseña",
    "Contraseña",
)
_KEYWORD_PROBES = (
    *_probes_for("passw(?:or)?[dt]|" + "|".join(_WORDS), ("passw", *_WORDS), 0),
    *_probes_for("contrase.{1,2}a|connection.?string|conn_str|(?:recovery|seed)[ _-]?phrase", ("contrase", "conn", "recovery", "seed"), 0),
    *_owned_probes("key", KEY_OWNERS),
    *_owned_probes("token", TOKEN_OWNERS),
    *_owned_probes("code", CODE_OWNERS),
    *_owned_probes("pass", PASS_OWNERS),
    Probe(("login", "user"), r"(?i)(?:login|user)[ \t\\nr]{1,4}[^ \t\n\"]{1,80}[ \t\n\\nr]{1,8}password[ \t]", 0),
    Probe(("passw", "secret", "token", "key", "auth", "pwd", "credential", "pass"), r"(?i)-[A-Za-z0-9-]{0,24}(?:passw(?:or)?d|passphrase|pass|pwd|secret|token|key|auth|credentials?)[A-Za-z0-9-]{0,12}[\\\"', =]{1,9}[^ ]"),
    Probe(("token",), rf"(?i)token(?:s|[_a-z0-9]{{0,12}}){_CLOSE}[ \t]{{0,4}}(?:[:=>|]|%3[Dd])[ \t\\n]{{0,4}}[\\\"'`bBrR({{]{{0,9}}(?:[A-Za-z]{{3,8}} )?[A-Za-z0-9+/_.~=-]{{6}}", 0),
    Probe(("token",), r"(?i)token (?:is|was|to|now|=|:)[: ]{1,2}[^ ]{0,40}[0-9]", 0),
    Probe(("token",), r"(?i)tokens?[\\\"']{1,9}[ \t]{0,4}(?::[ \t]{0,4}[\[{]|,[ \t]{0,4}[\\\"'\[{]|\))", 0),
    Probe(("key",), rf"(?i)key[A-Za-z0-9_]{{0,8}}{_CLOSE}[ \t]{{0,4}}(?:[:=>,]|is )[ \t]{{0,4}}[\\\"'`bBrR(]{{0,9}}[A-Za-z0-9+/_.~=:-]{{16}}", 0),
    Probe(("auth", "dsn", "pass", "pat", "bearer", "sid", "pw"), rf"(?i)(?:auths?|dsn|pass|pat|bearer|sid|pw){_CLOSE}[ \t]{{0,4}}[:=>,][ \t]{{0,4}}(?:[\[{{]|[\\\"'`bBrR(]{{0,9}}[A-Za-z0-9+/_.~=:@!#$%^&*-]{{4}})", 0),
    Probe(tuple(sorted({word.lower() if word.isascii() else word for word in _NATIVE_WORDS})), "|".join(_NATIVE_WORDS), 0),
)  # fmt: skip


def format_rule(row: Format) -> TextRule:
    """A provider's format, a token or a key by its shape."""
    pattern = re.compile(row.pattern)
    group = "v" if "v" in pattern.groupindex else 0
    check = row.check

    def find(text: str) -> Iterator[Span]:
        for match in pattern.finditer(text):
            if check is None or check(match[group]):
                yield Span(*match.span(group), row.rule)

    return TextRule((Probe(tuple(row.gate.split("|")), row.probe, row.reach),), find)


def pattern_rule(
    rule: str,
    probes: tuple[Probe, ...],
    pattern: str,
    check: Callable[[str], bool] | None = None,
    flags: int = re.IGNORECASE,
) -> TextRule:
    """Every group `v` of a pattern that is neither a placeholder nor refused by `check`."""
    compiled = re.compile(pattern, flags)

    def find(text: str) -> Iterator[Span]:
        for match in compiled.finditer(text):
            value = match["v"]
            if not is_placeholder(value) and (check is None or check(value)):
                yield Span(*match.span("v"), rule)

    return TextRule(probes, find)


_PEM_BEGIN = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY\Z"
)
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_PEM_BODY = re.compile(
    r"""(?:(?:\\{1,8}[nrt]|[\s"'+>|,#])+|[A-Za-z0-9+/=]{12,}|[A-Za-z0-9+/=]{1,11}(?=[\s\\"',]|\Z)|(?:Proc-Type|DEK-Info|Version|Comment):[^\n\\]{0,120})"""
)
_MAX_PEM = 64 * 1024


def _find_pem(text: str) -> Iterator[Span]:
    done = 0
    for begin in _PEM_BEGIN.finditer(text):
        if begin.start() < done:
            continue
        limit = begin.end() + _MAX_PEM
        following = _PEM_BEGIN.search(text, begin.end(), limit)
        end = _PEM_END.search(text, begin.end(), following.start() if following else limit)
        if end is not None:
            if re.search(r"[A-Za-z0-9+/]{8}", text[begin.end() : end.start()]) is None:
                continue
            done = end.end()
        else:
            done = _pem_body(text, begin.end())
            if done - begin.end() < 16:
                continue
        yield Span(begin.start(), done, "private_key")


def _pem_body(text: str, at: int) -> int:
    """How far the lines of a key reach that has no end."""
    end = at
    while (match := _PEM_BODY.match(text, at)) is not None and match.end() > at:
        at = match.end()
        if len(match[0]) >= 12 or text[end:at].strip():
            end = at if not match[0].isspace() else end
    return end


def _url_password(value: str) -> bool:
    return not is_placeholder(value) and not value.startswith(("//", "{"))


_NAME_VALUE = (
    r"""(?:name|key|field|header|variable|label)\\{0,7}["']?\s{0,3}[:=]\s{0,3}\\{0,7}["']?(?P<k>[\w.$-]{2,64}(?: [\w-]{2,20})?)\\{0,7}["']?"""
    r"""(?:,|\s|\\n|\\r|-|/?>\s{0,8}<){1,24}\\{0,7}["']?value\\{0,7}["']?(?:\s{0,3}[:=]\s{0,3}|>)(?P<q>\\{0,7}["']?)(?P<v>[^\s"'\\<>,}]{2,2048})"""
)


def name_value_rule(classify: Classifier) -> TextRule:
    """`name: DB_PASSWORD` then `value: x`, as in Kubernetes, XML and Python reprs."""
    compiled = re.compile(_NAME_VALUE, re.IGNORECASE)

    def find(text: str) -> Iterator[Span]:
        for match in compiled.finditer(text):
            level = classify(match["k"])
            value = match["v"]
            if level and not is_placeholder(value) and (level is Sensitivity.STRONG or looks_like_credential(value)):
                yield Span(*match.span("v"), "assignment")

    return TextRule((Probe(("value",), r"(?i)(?:[\",' \t\\n/><-])value[\\\"'> ]{0,9}[:=>]", 2),), find)


def _basic(value: str) -> bool:
    return is_basic(value) and len(value) >= 6


def _bearer(value: str) -> bool:
    return re.fullmatch(r"[A-Za-z]+(?:[-_.][A-Za-z]+)*[.]?", value) is None or (
        len(value) >= 24 and not value.islower()
    )


PATTERN_RULES: tuple[TextRule, ...] = (
    TextRule((Probe(("private key",), r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY"),), _find_pem),
    pattern_rule("private_key", (Probe(("private-lines",), "Private-Lines: [0-9]"),), r"Private-Lines: \d{1,3}(?:\s|\\[nr]){1,4}(?P<v>(?:[A-Za-z0-9+/=]{20,80}(?:\s|\\[nr]){0,4}){1,60})"),
    pattern_rule("authorization", (Probe(("bearer",), r"(?i)bearer(?: |%20|\+)[A-Za-z0-9._~+/=-]{10}", 0),), rf"{LEFT}bearer(?: {{1,3}}|%20|\+)(?P<v>[A-Za-z0-9._~+/-]{{10,8192}}={{0,2}})", _bearer),
    pattern_rule("authorization", (Probe(("basic",), r"(?i)basic(?: |%20|\+)[A-Za-z0-9+/]{10}", 0),), rf"{LEFT}basic(?: {{1,3}}|%20|\+)(?P<v>[A-Za-z0-9+/_-]{{7,4096}}={{0,2}})", _basic),
    pattern_rule(
        "url_password", (Probe(("@",), r":(?://|\\/\\/|%2F%2F)[^ /\"'<>@\\]{0,128}(?:[:]|%3A)[^ \"'<>\\]{1,128}@"),),
        r"(?:://|:\\/\\/|:%2F%2F|%3A%2F%2F)[^\s/:@\"'<>\\?#]{0,256}(?::|%3A)(?P<v>[^\s\"'<>\\@]{1,512}(?:@[^\s\"'<>\\@/]{1,128}(?=@))?)(?:@|%40)(?=[\w\[$.{-])", _url_password,
    ),
    pattern_rule("url_token", (Probe(("@",), r"://[A-Za-z0-9_-]{20,128}(?::x-oauth-basic|:)?@"),), r"://(?P<v>[A-Za-z0-9_-]{20,128})(?::x-oauth-basic|:)?@(?![\w.]*sentry)", looks_like_credential),
    pattern_rule(
        "url_parameter",
        (Probe(("sig=", "signature=", "security-token=", "hmac=", "access_key="), r"(?i)(?:[?&;#]|%3F|%26|u0026)(?:sig|signature|(?:x-amz-|x-goog-|x-oss-)(?:signature|security-token)|hmac|access_key)=[^&\"' ]{6}"),),
        r"(?:[?&;#]|%3F|%26|u0026)(?:sig|signature|(?:x-amz-|x-goog-|x-oss-)(?:signature|security-token)|hmac|access_key)=(?P<v>[^&\s\"'<>\\#]{6,4096})",
    ),
    pattern_rule("url_parameter", (Probe(("key=", "auth=", "code="), r"(?i)(?:[?&;#]|%3F|%26|u0026)(?:key|auth|code)=[^&\"' ]{12}"),), r"(?:[?&;#]|%3F|%26|u0026)(?:key|auth|code)=(?P<v>[^&\s\"'<>\\#]{12,4096})", looks_like_credential),
    pattern_rule("command_line", (Probe(("-u", "user"), r"(?:-u|--user|--proxy-user)[ =]{0,2}[\\\"']{0,6}[^ \"':]{1,64}:[^ \"']"),), r"(?:(?<=\s)-u|--user|--proxy-user)[ =]{0,2}\\{0,3}[\"']?[^\s\"':/]{1,64}:(?P<v>[^\s\"'\\]{2,256})", lambda value: not value.isdigit(), 0),
    pattern_rule("command_line", (Probe(("mysql", "mariadb", "7z"), r"(?:mysql|mariadb|7z)[^\n\"|;]{0,128} -p"),), r"(?:(?:mysql|mariadb)[a-z]{0,8}|7z)(?: (?!-p)[^\s|;]{1,64}){0,12} -p\\{0,3}['\"]?(?P<v>[^\s'\"\\]{2,128})|(?!)", None, 0),
    pattern_rule("command_line", (Probe(("sshpass",), r"sshpass -p"),), r"sshpass -p ?\\{0,3}['\"]?(?P<v>[^\s'\"\\]{2,128})", None, 0),
    pattern_rule("command_line", (Probe(("redis-cli",), r"redis-cli[^\n|;]{0,128} -a "),), r"redis-cli(?: (?!-a)[^\s|;]{1,64}){0,8} -a \\{0,3}['\"]?(?P<v>[^\s'\"\\]{2,128})", None, 0),
    pattern_rule("command_line", (Probe(("docker", "sqlcmd", "pgcli", "az login", "mongo", "ldap", "podman", "helm registry"), r"(?:docker login|podman login|helm registry login|sqlcmd|mongo|mongosh|mongodump|ldapsearch|az login)[^\n|;]{0,200} -(?:p|P|w) "),), r"(?:docker login|podman login|helm registry login|sqlcmd|mongo(?:sh|dump|restore)?|ldapsearch|az login)(?: (?!-[pPw] )[^\s|;]{1,128}){0,16} -[pPw] \\{0,3}['\"]?(?P<v>[^\s'\"\\]{3,128})", None, 0),
    pattern_rule("command_line", (Probe(("echo", "printf"), r"(?:echo|printf)[^\n|]{1,200}\|[^\n]{0,80}(?:--password-stdin|sudo -S|chpasswd)"),), r"(?:echo|printf)(?: -[ne]{1,2})? (?:['\"]?%s(?:\\\\?n)?['\"]? )?\\{0,3}['\"]?(?P<v>[^\s'\"|\\]{2,200})\\{0,3}['\"]? ?\|[^\n]{0,80}?(?:--password-stdin|sudo -S|chpasswd)", None, 0),
    pattern_rule("sql_password", (Probe(("identified",), r"(?i)identified (?:with [a-z0-9_'\"]{1,40} )?by "),), r"identified (?:with [\w'\"]{1,40} )?by (?:password )?\\{0,3}['\"](?P<v>[^\s'\"\\;]{2,128})"),
    pattern_rule("form_password", (Probe(("password",), r"(?i)type=[\\\"']{0,4}password[^>]{0,200}value="),), r"type=\\{0,3}[\"']?password\\{0,3}[\"']?[^>]{0,200}?value=\\{0,3}[\"'](?P<v>[^\"'\\>]{1,200})"),
    pattern_rule("form_password", (Probe(("password",), r"(?i)value=[^>]{0,200}type=[\\\"']{0,4}password"),), r"value=\\{0,3}[\"'](?P<v>[^\"'\\>]{1,200})\\{0,3}[\"'][^>]{0,200}?type=\\{0,3}[\"']?password"),
    pattern_rule("pgpass", (Probe((":543", ":6432"), r":(?:5432|543[0-9]|6432):[^: \n]{1,64}:[^: \n]{1,64}:[^ \n]"),), r"(?:^|\n|\\n)[^\s:/]{1,128}:(?:\d{4,5}|\*):[^:\s]{1,64}:[^:\s]{1,64}:(?P<v>[^\s\"\\]{2,128})"),
)  # fmt: skip

FORMAT_RULES: tuple[TextRule, ...] = tuple(format_rule(row) for row in FORMATS)
