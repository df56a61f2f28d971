# ruff: noqa: E501, RUF001 - a pattern broken over lines can neither be read nor searched; full-width signs are what some languages write
r"""Where a value ends and whether it is a secret, once a word and an operator before it said that one comes.

Quotes may be escaped to any depth, so the same code reads JSON inside strings, cut off or not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spanbridge.processors.generated_words import is_generated
from spanbridge.processors.key_names import (
    Sensitivity,
    is_path,
    looks_like_credential,
    looks_like_password,
)
from spanbridge.processors.native_words import NATIVE_NOUNS
from spanbridge.processors.placeholders import is_placeholder, is_plain

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_QUOTED = 4096
"""A quoted value that is longer is text, not a secret; nor is it searched for its end."""
MAX_UNQUOTED = 8192
"""As above, of one that is not quoted: what the patterns below take at most."""
_WRAPPER = (
    r"(?:new )?(?:[\w.]{1,24}(?:::|\.))?(?:Secret(?:Str|String|Bytes)?|String|str|bytes|Some|Ok|Just|from|of|Field|text|quote|strdup)\((?:default\s?=\s?)?"
    r"|\[\]byte\(|\(ConvertTo-SecureString |string\(\d{1,4}\) |!!str |&\w{1,16} "
)
"""What makes a value of the string in it, as the types of languages do."""
_SPACE = re.compile(r"\s")
_SCHEME = re.compile(r"(?i)(?:Bearer|Basic|Token|Bot|ApiKey) +")
_WORD_OF_PROSE = re.compile(r"[a-z]+[.,:;!?]?")
QUOTE = re.compile(
    rf"""(?:\((?:\s|\\n){{0,40}}|\\\s{{0,2}}(?:\n|\\n)\s{{0,40}})?(?:[fFbBrRuU@$]{{1,2}}(?=["'])|{_WRAPPER}|\[)?(\\{{0,15}})("{{3}}|'{{3}}|["'`]|&quot;|&apos;|&#3[49];|&#x2[27];|%22)"""
)
_ANCHOR = re.compile(r"(?:&\w{1,16}|!!str) (?=[^\s&|])")
"""Of YAML: `password: &name x`, `password: !!str x`."""
_NEXT_PART = re.compile(r"""(?:&quot;|["'`])\)?[ \t]{0,4}(?:\+|\.\.?|&)\s{0,40}(?=[fFbBrRuU]?\\{0,15}["'`])""")
_NEXT_LINE = re.compile(r"""["'`]\s{0,4}\n\s{0,40}(?=["'`])""")
"""From one part of a string to the next: `"ab" + "cd"`."""
_NEXT_ITEM = re.compile(r"""\\{0,15}["'`],(?:\s|\\n){0,40}(?=\\{0,15}["'`])""")
_MAX_PARTS = 16
_FALLBACK = re.compile(
    r"""(?P<lead>[A-Za-z_$!@(\[][\w$]{0,60}(?:[.(\[:)]|[ ]{1,2}(?:or|\|\||\?\?|if|\?:?)\b|[ ]{1,2}[|?])[^\n;]{0,160}?|)(?:,|\|\||\?\?|\bor\b|\?:|\belse\b|\?[^\n;:]{1,60}:|\.unwrap_or(?:_else)?\(|\.or(?:Else|_else)\(|default\s?[=:])\s{0,3}(?=[fbru]?\\{0,15}["'`])"""
)
"""What is looked up, and what is taken where it is missing: `os.getenv("K", "x")`, `process.env.K || "x"`."""
_MAX_FALLBACK = 400
"""Characters among which its quote stands."""
_ANY_QUOTE = re.compile("[\"'`]")
_UNQUOTED = re.compile(r"""[^\s"'`<>\\,;&|(){}\[\]“”„«»‘’、。，；）\x1b\u200b]{1,8192}""")
_LEADING_SIGN = re.compile(r"&(?![#\s]|\w{2,6};)")
_LEAD_IN = re.compile(r"[“„«‘「『][ \u00a0]?|\*{2,3}(?=[^\s*]{3,200}\*\*)")
"""Before a value: quotes of letters, stress."""
_AMONG_SETTINGS = re.compile(r"(?:host|user|dbname|port|hostaddr)=[^\s=]{1,64}[ ](?:\w{1,20}=[^\s=]{1,64}[ ]){0,2}\Z")
"""Of libpq: `host=db user=app password=x`."""
_SET_FLAG = re.compile(r"--set(?:-string)?[ =][\"']?(?:[\w.\[\]-]{1,40}=[^\s,=]{0,40},){0,4}\Z")
"""Of Helm: `--set user=bob,password=x`."""
_SERVER = re.compile(r"[\w-]\.[\w.-]{1,60}:\d{2,5},(?:\w{1,20}=\w{1,20},){0,3}\Z")
"""Of a connection string that begins with its host: `cache.internal:6380,password=x,ssl=True`."""
_SECTION = re.compile(r"(?:\A|\n)\[[\w .:-]{1,40}\]\n(?:[\w.-]{1,30}[ ]?[=:][ ]?[^\n]{0,40}\n){0,4}\Z")
"""Of an INI file: in one, a word without quotes is a value."""
_LAST_SETTING = re.compile(
    r"(?:\A|\n)(?:\+[ \t]{0,40}|stringData:\n[ \t]{1,8}|(?P<i>[ \t]{0,40})(?:user(?:_?name)?|login|host|server|port|database): ?[^\s:]{1,60}\n(?P=i))\Z"
)
"""Of YAML or of a diff, where a text ends with its value: a name alone is also what a form's field is called."""
_GO_VALUE = re.compile(r"(?:map\[|\{[\w.-]{1,40}:\S{0,60} )(?:[\w.-]{1,40}:\S{0,60} ){0,4}\Z")
"""In a map or a struct as Go prints them: `map[password:x user:bob]`."""
_INI_VALUE = re.compile(r"""[^\s"'`\\;#]{1,8192}""")
_CELL = re.compile(r"""[ \t*`]{0,80}(?P<v>[^\s"'`<>\\|*]{3,8192})[ \t*`]{0,80}\|""")
_CELL_START = re.compile(r"\|[ \t*`]{0,40}\Z")
_OWNED_CELL = re.compile(r"\|[ \t*`]{0,40}(?:[A-Za-z]{2,20} )?\Z")
_UNQUOTED_LINE = re.compile(r"""[^\s"'`\\<>]{1,8192}""")
_UNQUOTED_PARAMETER = re.compile(r"""[^\s"'`\\<>&;#]{1,8192}""")
_NEXT_FIELD = re.compile(r"[&;,|](?=[A-Za-z_][\w.\-\[\]%]{0,64}=)|&&|\|\||;\Z|\|(?=[a-z]{2,12}\Z)")
"""Where a form's next field, or a shell's next command, begins."""
_LINE_START = re.compile(
    r"""(?:^|[\n\r]|\\[nr])[ \t+-]{0,40}(?:(?:export|set|ENV|ARG|SET|setx|declare -x|env|-)[ ]|\$env:)?["']?\Z"""
)
_ENVIRONMENT = re.compile(r"(?:^|\s)(?:export|setx?|env|-e|--env|--build-arg|ENV|ARG)[ ][\"']?\Z")
_LINE_END = re.compile(r"(?:[ \t]*(?:\#[^\n]*)?(?:$|[\n\r]|\\[nr]))|\\{0,15}[\"']")
_HEADER_VALUE = re.compile(
    r"""(?:(?:Bearer|Basic|Token|Bot|ApiKey|Api-Key|SSWS|Digest|Negotiate|NTLM|Key|OAuth|GoogleLogin|AWS4-HMAC-SHA256|[A-Z][\w-]{2,24})(?:[ \t]{1,8}|%20|\+|\\[ ]))?(?P<v>[^\s"'`\\<>]{6,8192})""",
    re.IGNORECASE,
)
_HEADER_REST = re.compile(
    r"""(?:AWS4-HMAC-SHA256|Digest|OAuth|Hawk)[ ]+(?P<v>(?:[^\n\r"'\\]|\\?"){8,8192})""", re.IGNORECASE
)
_COOKIES = re.compile(r"""(?:[;, ]{0,3}[\w.$!*~-]{1,80}(?:=[^\s"'`\\;,\]]*)?(?=[;,\s"'`\\\]]|\Z))*""")
_COOKIE = re.compile(
    r"""(?P<n>(?i:sess|sid|auth|token|csrf|xsrf|login|jwt|remember|identity)[\w.$!*~-]*)?=(?P<v>(?(n)[^\s"'`\\;,]+|[^\s"'`\\;,]{8,}))"""
)
"""The cookies that may hold a session: by their name, else by their value."""
NATIVE = re.compile(
    r"passwort|kennwort|mot de passe|contrase[nñ]a|senha|wachtwoord|lösenord|пароль|密码|密碼|口令|パスワード|비밀번호|hasło|heslo|jelszó|adgangskode|salasana|şifre|kata sandi|mật khẩu|पासवर्ड|كلمة المرور",
    re.IGNORECASE,
)
_PROSE_VALUE_WORDS = re.compile(
    rf"(?i){'|'.join(NATIVE_NOUNS)}|\b(?:passw|secret|token|key|must|should|enter|please|your|the|required|invalid|cannot|not|is|a|an|for|and|or|with|use|to)\b"
)


_BRACED = re.compile(r"""\{(?P<v>[^{}\n"']{3,200})\}(?=;|\\{0,15}["']|\s|\Z)""")
"""How connection strings quote: `Pwd={a;b}`."""
_METAVARIABLE = re.compile(r"[A-Z][A-Z_-]*\]?|[a-z_-]+\]")
"""What stands for a value in a program's usage: `[--token TOKEN]`."""
GOES_ON = re.compile(r" [+*] \w")
"""An expression, of which a name is the first part."""
_FILE_OF = re.compile(r"[\w.-]{1,40}:/[\w./-]*\Z")
"""A name and the file that holds its value."""
_VERSION = re.compile(r"[\^~<>=!]{0,2}v?\d+(?:\.\d+){1,3}[\w.+-]{0,16}")
_SHELL_VARIABLE = re.compile(r"\$[A-Za-z_]\w*")
_ARN = re.compile(r"arn:[\w-]{0,12}:[\w-]{0,24}:[\w-]{0,16}:\d{0,14}:\Z")
_TECHNICAL_TERM = re.compile(
    r"[\d.,:%/-]{1,5}|[a-z]+-[a-z-]+|\d+(?-i:[a-z-]+|[A-Z]{1,4})|[A-Za-z]{1,3}-?\d{1,4}"
    r"|(?:sha|md|base|utf|rfc|argon|oauth|http|pkcs|blake|ipv|tls|ssl|gpt|llama|step|level|version|chapter|section|python|type|rot|hmac|scrypt|ascii|latin|win|line|page|case|item|step|part|phase|team|room|unit|slot|port|field|input|box|form|hash|policy|file|column|rule|check|group|param|attempt|option|stage|round|iso|nist|pci|soc|aes|pbkdf|bcrypt|html|web|day|week|q)-?\d{1,5}(?:[.:-]\d{1,4})?"
    r"|(?:user|test|node|host|mode)-?\d{1,3}",
    re.IGNORECASE,
)
"""What may follow "the token is" without being one: numbers, counted things, algorithms."""


def operand(
    text: str, at: int, op: str, right: int, name: str, level: Sensitivity, head: str, *, spaced: bool
) -> Iterator[tuple[int, int]]:
    """The value behind `=`, `:` and their relatives."""
    if op == "|":
        yield from _cell(text, at, level, name, head)
        return
    if QUOTE.match(text, at):
        yield from quoted_value(text, at, level, name)
        return
    if (anchor := _ANCHOR.match(text, at)) is not None and op == ":":
        at = anchor.end()
    if op == ":" and not spaced and (head.endswith("://") or _ARN.search(head)):
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
    if (lead_in := _LEAD_IN.match(text, at)) is not None:
        at = lead_in.end()
    if (fallback := _fallback_value(text, at, level)) is not None:
        yield fallback
        return
    line = _LINE_START.search(head) is not None or _ENVIRONMENT.search(head) is not None
    parameter = head.endswith(("?", "&", ";", "&amp;")) or text[right:at] in ("%3D", "%3A")
    setting = op == "=" and _SECTION.search(head) is not None
    pattern = (
        _UNQUOTED_PARAMETER
        if parameter
        else _INI_VALUE
        if setting
        else _UNQUOTED_LINE
        if line and op == "=" and not spaced
        else _UNQUOTED
    )
    # A sign that has a meaning in YAML, where it had to be quoted.
    match = pattern.match(text, at + (op == ":" and _LEADING_SIGN.match(text, at) is not None))
    if match is None:
        return
    start, end = match.span()
    if (other := _NOT_LATIN.search(text, start, end)) is not None:
        end = other.start()
    if text[at] == "&" and looks_like_credential(text[at:end]):
        start = at
    if text[right:at] == "%3D" and (ampersand := text.find("%26", start, end)) >= 0:
        end = ampersand
    if ("?" in head or "&" in text[end : end + 1]) and not parameter:
        end = start + len(re.split("[&#]", match[0], maxsplit=1)[0])
    elif pattern is _UNQUOTED_LINE and (following := _NEXT_FIELD.search(text, start, end)) is not None:
        end = following.start()
    while end > start and text[end - 1] in ".,;:?)*":
        end -= 1
    value = text[start:end]
    environment = line and not spaced and op == "=" and name.isupper()
    if text[end : end + 1] in ("(", "[") or not value or (names_itself(value.partition("=")[0]) and not environment):
        return
    if value.isidentifier() and "_" in value and GOES_ON.match(text, end):
        return
    if (
        (text[start : start + 2] in ("//", "/*") and not head.rstrip().endswith(";"))
        or value.startswith(("$", "{", "%(", "this.", "self."))
        or (value.startswith("@") and value[1:].replace(".", "").isalpha())
        or (head.endswith("$") and value.isalpha())
        or _FILE_OF.match(value)
    ):
        return
    if re.match(r"(?i)(?:Bearer|Basic|Token)\Z", value) and text[end : end + 1] == " ":
        return
    token = "token" in name.lower()
    if token and value.replace(".", "").isdigit():
        return
    if level is Sensitivity.WEAK:
        certain = op == "=" or (
            op == ":" and line and name in ("pass", "Pass") and _LINE_END.match(text, end) is not None
        )
        is_pass = name.lower().endswith("pass") and certain and "test" not in value.lower() and is_mixed_word(value)
        is_likely = looks_like_credential(value) or (environment and len(value) >= 8 and looks_like_password(value))
        if (is_pass or is_likely) and not is_placeholder(value):
            yield start, end
        return
    if is_path(value) and ("pwd" in name.lower() or "/" in value[1:]):
        return
    delimited = (op in ("=", "%3D", "=>") and len(value) >= 3) and (
        parameter
        or text[end : end + 1] in ("&", ";")
        or head.rstrip().endswith(";")
        or re.search(r"[\w\]]=[^\s=;]{1,200};[ ]?\Z", head) is not None
        or _AMONG_SETTINGS.search(head) is not None
        or _SET_FLAG.search(head) is not None
        or (
            text[end : end + 1] == ","
            and re.match(r",[ ]?[\w.]{1,40}=", text[end : end + 48]) is not None
            and _SERVER.search(head) is not None
        )
        or (op == "=>" and head.endswith("[") and text[right : right + 1] == "]")
        or (op == "=" and (head.endswith("-D") or (head.endswith("-") and name.startswith("D"))))
        or (op == "=" and line and name.count(".") > (1 if spaced else 0) and _LINE_END.match(text, end) is not None)
        or (setting and _LINE_END.match(text, end) is not None)
    )
    is_likely = (
        delimited
        or looks_like_password(value)
        or (looks_like_credential(value) and len(value) >= 16)
        or (
            line
            and not spaced
            and op == "="
            and len(value) >= 4
            and (name.isupper() or "-" in value)
            and not re.fullmatch(r"[A-Za-z_]+(?:\.[A-Za-z_]+)+", value)
        )
        or (op == ":" and not spaced and text[end : end + 1] in (" ", "]", "}") and _GO_VALUE.search(head) is not None)
        or (
            line
            and op == ":"
            and not head.endswith(("'", '"'))
            and len(value) >= 5
            and re.fullmatch(r"[A-Za-z_][\w]*(?:[.\-/][\w]+)*", value) is not None
            and (value == value.lower() or name.islower() or name.isupper())
            and "." not in value
            and _LINE_END.match(text, end)
            and (
                text[end : end + 1] != "" or (name.isupper() and "_" in name) or _LAST_SETTING.search(head) is not None
            )
        )
    )
    if is_likely and not is_placeholder(value):
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
        (level is Sensitivity.STRONG and looks_like_password(value)) or looks_like_credential(value)
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
    parts = list(_further_parts(text, end, in_brackets="(" in opening[0])) if text[end : end + 1] else ()
    value = text[start:end]
    if opening[0][:1] in "[(" and _KEY_END.match(text, end):
        return  # the first name of a mapping
    if opening[0] == "`" and text[at - 1 : at] == "=" and is_placeholder(f"`{value}`"):
        return  # a command of a shell
    if parts and not is_placeholder(value):
        whole = value + "".join(text[part_start:part_end] for part_start, part_end in parts)
        if accepts_quoted(whole, level, name):
            yield start, end
            yield from parts
        return
    if (strict and re.search(r"\s|^\$\w+=", value)) or (value[:1].isspace() and text[end : end + 1] in ("", "\n")):
        return
    if level is Sensitivity.WEAK and (scheme := _SCHEME.match(value)) is not None:
        start += scheme.end()
        value = text[start:end]
    if accepts_quoted(value, level, name):
        yield start, end
    if opening[0][:1] == "[":
        for item in _further_items(text, end):
            if accepts_quoted(text[slice(*item)], level, name):
                yield item


def _further_items(text: str, end: int) -> Iterator[tuple[int, int]]:
    """The strings of a list behind its first, which ends at `end`."""
    for _ in range(_MAX_PARTS):
        joint = _NEXT_ITEM.match(text, end)
        opening = QUOTE.match(text, joint.end()) if joint else None
        if opening is None:
            return
        end = _closing(text, opening.end(), opening[1], opening[2])
        yield opening.end(), end


def _further_parts(text: str, end: int, *, in_brackets: bool) -> Iterator[tuple[int, int]]:
    """The strings that are joined to one that ends at `end`."""
    for _ in range(_MAX_PARTS):
        joint = _NEXT_PART.match(text, end) or (_NEXT_LINE.match(text, end) if in_brackets else None)
        opening = QUOTE.match(text, joint.end()) if joint else None
        if opening is None:
            return
        end = _closing(text, opening.end(), opening[1], opening[2])
        yield opening.end(), end


_LOOKS_UP = re.compile(r"(?i)(?:env\w*|\bget|fetch|default|property|setting|param|coalesce|option|field)\([^()]*\Z")
"""What takes a name and a default."""


def _fallback_value(text: str, at: int, level: Sensitivity) -> tuple[int, int] | None:
    """The value that an expression takes where what it looks up is missing."""
    fallback = _FALLBACK.match(text, at) if _ANY_QUOTE.search(text, at, at + _MAX_FALLBACK) else None
    opening = QUOTE.match(text, fallback.end()) if fallback else None
    if fallback is None or opening is None:
        return None
    lead = fallback["lead"]
    if text[fallback.end("lead")] == "," and not _LOOKS_UP.search(lead):
        return None  # the next argument, the next member
    start, end = opening.end(), _closing(text, opening.end(), opening[1], opening[2])
    value = text[start:end]
    if is_placeholder(value) or names_itself(value) or _SPACE.search(value):
        return None
    is_secret = (level is Sensitivity.STRONG and looks_like_password(value)) or looks_like_credential(value)
    return (start, end) if is_secret else None


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


_KEY_END = re.compile(r"""["'`]\s{0,4}(?::|=>)""")
_NO_VALUE = re.compile(r"[;,)\]}](?:\s|\Z)")
"""Code: the quote before it was the end of a string, as in `"Password:"`."""


def accepts_quoted(value: str, level: Sensitivity, name: str) -> bool:
    if is_placeholder(value) or len(value) < 2 or _NO_VALUE.match(value) or _VERSION.fullmatch(value):
        return False
    if level is Sensitivity.WEAK:
        return looks_like_credential(value)
    if names_itself(value) or (is_path(value) and "pwd" in name.lower()):
        return False
    if "token" in name.lower() and value.replace(".", "").isdigit():
        return False
    if _SPACE.search(value):
        if len(value) > 200 or value.rstrip().endswith((":", "?")) or re.search(r"[\n{}()<>]|\\n", value):
            return False
        return (re.search(r"\d", value) is not None and len(value) < 60) or _PROSE_VALUE_WORDS.search(value) is None
    if re.fullmatch(r".*[\[(\\]\S*[\])*+].*", value):
        return "\\" not in value and not is_plain(value)  # no call, no regular expression
    return re.fullmatch(r"[\[\]\\/^$(){}|.*+?,:=<>;-]*|[^\w]*|https?://\S*", value) is None


_NAME = re.compile(r"(?:[^\W\d]|[.\-:$/]){1,60}|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+){1,8}")
_OF_SECRET = re.compile(
    rf"(?i){'|'.join(NATIVE_NOUNS)}|passw|secret|token|credential|(?:^|[_.\-a-z])(?:key|pwd|auth)(?:$|s$|[_.\-])|[a-z]Key|cookie|authori"
)


def names_itself(value: str) -> bool:
    """Whether a value is a name of a secret, not a secret: `password=user_password`, `token: access_token`."""
    return _NAME.fullmatch(value) is not None and _OF_SECRET.search(value) is not None


def header_value(text: str, at: int, cookie: bool, op: str) -> Iterator[tuple[int, int]]:
    """The value of an Authorization or Cookie header in text."""
    opening = QUOTE.match(text, at)
    limit = len(text)
    if opening is not None:
        at = opening.end()
        limit = _closing(text, at, opening[1], opening[2])
        if re.fullmatch(r"\w{1,24} ", text[at:limit]) and (joint := _NEXT_PART.match(text, limit)):
            yield from header_value(text, joint.end(), cookie, op)
            return
    elif text.startswith("[", at):
        at += 1  # a list of values, as Go prints headers
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
    if opening is None:
        following = _NEXT_FIELD.search(text, start, end) if op == "=" else None
        end = following.start() if following else end
        value = text[start:end]
        end = start + len(value.rstrip(",;" if re.search(r"[\[{(]", value) else ",;)]}"))
    value = text[start:end]
    if (
        is_placeholder(value)
        or _SHELL_VARIABLE.fullmatch(value)
        or names_itself(value.rstrip(".,:;"))
        or (op == "=" and re.match(r"[A-Za-z_][\w.]*[(\[]", value))
    ):
        return
    if start > at and _WORD_OF_PROSE.fullmatch(value):
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
    if match is None or match[0].startswith("-") or is_placeholder(match[0]) or _SHELL_VARIABLE.fullmatch(match[0]):
        return
    if _METAVARIABLE.fullmatch(match[0]) and not is_generated(match[0]):
        return
    value = match[0]
    if looks_like_credential(value) or (
        level is Sensitivity.STRONG
        and (
            looks_like_password(value)
            or text.startswith(" -", match.end())
            or (re.fullmatch(r"[a-z]{6,}", value) is None and not names_itself(value))
        )
    ):
        yield match.span()


_NOT_LATIN = re.compile("[\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7af\uff00-\uffef]")
"""Where a sentence goes on that has no spaces."""
_OPENING = re.compile(r"[(*_「『“„«‘]{0,3}\u00a0?")
_PROSE_WORD = re.compile(r"""[^\s"'`<>\\」』”“»’\x1b\u200b]{4,8192}""")


def prose_value(text: str, at: int, level: Sensitivity, *, only_likely: bool = False) -> Iterator[tuple[int, int]]:
    """`the password is hunter2`: one word that is no word of the language, `only_likely` not even in quotes."""
    if (before := _OPENING.match(text, at)) is not None:
        at = before.end()
    opening = QUOTE.match(text, at)
    if opening is not None:
        start, end = opening.end(), _closing(text, opening.end(), opening[1], opening[2])
        value = text[start:end]
        if (
            level is Sensitivity.STRONG
            and 4 <= len(value) <= 200
            and not _SPACE.search(value)
            and not is_placeholder(value)
            and not names_itself(value)
            and (not only_likely or is_mixed_word(value))
        ) or (looks_like_credential(value) and not is_placeholder(value)):
            yield start, end
        return
    match = _PROSE_WORD.match(text, at)
    if match is None:
        return
    start, end = match.span()
    if (other := _NOT_LATIN.search(text, start, end)) is not None:
        end = other.start()
    while end > start and text[end - 1] in ".,;:!?)*_。，":
        if text[end - 1] == "!" and text[end : end + 1] == " " and not text[end + 1 : end + 2].isupper():
            break  # no end of a sentence
        end -= 1
    value = text[start:end]
    is_likely = (level is Sensitivity.STRONG and looks_like_password(value)) or looks_like_credential(value)
    if is_likely and not (names_itself(value) or _TECHNICAL_TERM.fullmatch(value) or is_placeholder(value)):
        yield start, end


def is_mixed_word(value: str) -> bool:
    """Whether a word beside "password" is one: letters with digits or symbols between, as no term of the trade has them."""
    return (
        5 <= len(value) <= 200
        and looks_like_password(value)
        and not value.isdigit()
        and value[-1] != "@"
        and re.search("[A-Za-z]", value) is not None
        and not is_placeholder(value)
        and not names_itself(value)
        and _TECHNICAL_TERM.fullmatch(value) is None
    )
