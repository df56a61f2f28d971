# ruff: noqa: E501, RUF001 - a pattern broken over lines can neither be read nor searched; full-width signs are what some languages write
"""Values behind operators: `name = x`, `"name": "x"`, `name: str = "x"`, `<name>x</name>`, `| name | x |`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spanbridge.processors.header_values import header_value
from spanbridge.processors.key_names import Sensitivity, classify, looks_like_credential
from spanbridge.processors.placeholders import is_placeholder
from spanbridge.processors.quoted_values import MAX_QUOTED, QUOTE, accepts_quoted, closing, quoted_items, quoted_value
from spanbridge.processors.structures import is_beside_secrets, names_credentials, names_group, names_owner
from spanbridge.processors.unquoted_values import operand
from spanbridge.processors.value_words import GAP, is_secret_word

if TYPE_CHECKING:
    from spanbridge.processors.places import Found, Place, Spans

_MARKUP = r"(?:\*{1,3}|_{1,3}|</[A-Za-z]{1,10}>)?"
_OPERATOR = re.compile(
    rf"""(?P<close>\\{{0,15}}(?:["'`]|&quot;|&#34;|%22)?[\])]?\)?{_MARKUP}(?:[ ]\([\w .-]{{1,24}}\)|[ ]\[[^\[\]\n]{{1,40}}\](?=:)|[ ][vV]alue(?=[ ]?:)|（[^\s（）]{{1,24}}）)?)(?:{GAP}{{0,40}}|\.{{2,40}})(?P<op>\|\|=|\?\?=|\|\||\?\?|===?|!==?|=>|:=|\?=|\+=|=|<-(?= ?["'])|:(?!:)|::(?= )|：|＝|%3D|%3A|\||;s:\d{{1,5}}:){_MARKUP}(?P<space>(?:{GAP}|\\t|(?:%20|\+)(?=%2)){{0,8}})"""
)
_ASSIGNS = re.compile(r"=|;.*")
_FALLBACKS = ("||", "??")
"""What is taken where a variable is missing: `process.env.API_KEY || "x"`."""
_ASSIGNS_MISSING = ("||=", "??=")
"""The same as an assignment: `ENV["API_KEY"] ||= "x"`."""
_STRING_END = re.compile(r"""\\{0,15}["'](?=[ ;)])""")
_ARRAY = re.compile(r"""\{\s{0,8}(?=\\{0,15}["'][^"'\n]{0,4096}["']\s{0,8}[,}])""")
"""Before its first string, as C and Java write one: `{"x", "y"}`."""
_TAGS = re.compile(r"(?:\s{0,40}<(?:b|strong|i|em|code|kbd|tt|span|mark|dd|td)\b[^<>\n]{0,60}>){1,3}(?=[^<\s])")
_BECOMES = re.compile(r"""\\{0,15}["'`]?[ ]{1,3}(?:->|=>|→|⇒)[ ]{1,3}""")
"""From the old value to the new one."""
_TAG_END = re.compile(r"(?:\s[\w:.-]{1,40}=[^<>\n]{1,200})?>(?:<!\[CDATA\[)?")
_NEW_LINE = re.compile(r"(?:\s|\\[nrt]|#{1,3}[^\n]{0,40}\n|```\w{0,10}\n){1,60}")
_NEXT_NAME = re.compile(r"""[\w.\-"'\[\] ]{1,80}[:=]|[-#<>|+{}\[\]]|[\w.-]{1,52} {1,24}\|""")
_ANNOTATED = re.compile(
    r"""(?:[ \t]{0,3}:[ \t]{0,3}(?!\w{16,80}=)[A-Za-z&*][\w.\[\]()| ,?&*']{0,48}?|[ ]As[ ]\w{1,20}|(?:\[\w{0,24}\]){1,2}|[ ]\*?(?:string|\[\]byte|n?varchar\(\w{1,4}\))|\s{0,3}\{\s{0,3}get;[\w\s;]{0,40}\})[ \t]{0,3}=[ \t]{0,3}(?=\{?(?:[LuURN]|u8)?\\{0,15}["']|[A-Za-z_.]{1,30}\()""",
)
_BLOCK = re.compile(
    r"(?:[|>][-+]?\d?[ \t]*|<<[-~]?[\"']?[A-Z]{2,12}[\"']?)(?:\n|\\n)(?P<indent>[ \t]*)(?P<v>[^\s][^\n\\]{2,2000})"
)
"""Text on lines of its own: YAML's `|` and `>`, here-documents."""
_ITEM_OF_LIST = re.compile(
    r"(?:\n|\\n)[ \t]{0,40}(?:- |(?<=[ \t])(?P<name>[\w.-]{1,64}): )[\"']?(?P<v>[^\s\"'\\:]{4,200})[\"']?(?=\s|\\n|\Z)"
)


_MAPPING = re.compile(r"(?:dict\(|\{)")
_MEMBER_KEY = re.compile(
    r"""(?:\s|\\n|,){0,40}\\{0,7}["']?(?P<name>[\w.$-]{1,64})\\{0,7}["']?[ ]{0,4}(?::|=>|=)[ ]{0,4}"""
)
_OTHER_VALUE = re.compile(r"""[^\s,{}()\[\]"'`\\]{1,80}""")
_MAX_MEMBERS = 16
_FUNCTION = ")"
"""In a name's end with a colon: what follows on the next lines is its body."""
_MASK = "***"
_VARIABLE_OF_SQL = re.compile(r"'[A-Za-z_]\w*'")
"""As psql writes it: `PASSWORD :'new_pw'`."""


def read_operator(place: Place) -> Spans:
    """`name = `, `"name": `, `name: str = `, `<name>`, `| name |`."""
    text, right = place.text, place.right
    if place.head.rstrip("!").endswith(("<", ":")) and (tag := _TAG_END.match(text, right)) is not None:
        return _element(place, tag.end())
    annotated = _ANNOTATED.match(text, right)
    if annotated is not None and not place.is_header:
        return () if _MASK in annotated[0] else _behind(place, annotated.end(), "=", spaced=True)
    operator = _OPERATOR.match(text, right)
    if operator is None:
        return None
    if _connects_nothing(place, operator):
        return ()
    at, op = operator.end(), operator["op"]
    if op.startswith(";") or op in _ASSIGNS_MISSING:
        op = "="  # of PHP: `s:8:"password";s:1:"x"`
    if op in _FALLBACKS:
        return quoted_value(text, at, place.level, place.name, strict=True)
    line = _NEW_LINE.match(text, at)
    if place.is_header and op in (":", "=", "=>"):
        at = line.end() if line and QUOTE.match(text, line.end()) else at
        return header_value(text, at, op, cookie=place.is_cookie)
    if line is None:
        return _behind(place, at, op, spaced=bool(operator["space"]))
    if op == ":" and _FUNCTION in operator[0]:
        return ()
    if op == ":" and (items := _items_below(place, at)):
        return items
    if not QUOTE.match(text, line.end()) and (op not in (":", "：") or _NEXT_NAME.match(text, line.end())):
        return ()
    return _behind(place, line.end(), op, spaced=True)


def _connects_nothing(place: Place, operator: re.Match[str]) -> bool:
    """Whether an operator leads to no value: JSON in an address, which is decoded; the text of a question; what was masked before."""
    close = operator["close"]
    if "%22" in close:
        return True
    if _ASSIGNS.fullmatch(operator["op"]) and _MASK in operator[0]:
        return True
    if operator[0] == " :" and _VARIABLE_OF_SQL.match(place.text, operator.end()):
        return True
    end = None if close else _STRING_END.match(place.text, operator.end())
    return end is not None and place.head.endswith(end[0])  # `read -p "Password: " name`


def _behind(place: Place, at: int, op: str, *, spaced: bool) -> Found:
    """The value behind an operator on its line, or on the next one, also as a block of lines or in tags."""
    if op in (":", "="):
        if (block := _BLOCK.match(place.text, at)) is not None:
            return _block(place, block)
        if (array := _ARRAY.match(place.text, at)) is not None:
            return quoted_items(place.text, array.end(), place.level, place.name)
        if (tags := _TAGS.match(place.text, at)) is not None:
            at = tags.end()
    if (
        op in (":", "=", "=>")
        and (mapping := _MAPPING.match(place.text, at)) is not None
        and _holds_secrets(place.name)
    ):
        return _members(place, mapping.end())
    return _values(place, at, op, spaced=spaced)


def _values(place: Place, at: int, op: str, *, spaced: bool) -> Found:
    """The value behind an operator, and what it becomes: `password: old -> new`."""
    values = list(operand(place, at, op, spaced=spaced))
    becomes = _BECOMES.match(place.text, values[-1][1]) if values else None
    return values if becomes is None else [*values, *operand(place, becomes.end(), "=", spaced=True)]


def _holds_secrets(name: str) -> bool:
    """Whether the values of a mapping under this name are secrets, as in `walk.py`: `cookies`, `api_keys`, `credentials`."""
    return names_group(name) or names_credentials(name)


def _members(place: Place, at: int) -> Found:
    """The secrets among the strings of a mapping as source writes it: `cookies={'sid': 'x'}`, `cookies=dict(sid="x")`."""
    for _ in range(_MAX_MEMBERS):
        key = _MEMBER_KEY.match(place.text, at)
        if key is None:
            return
        at = key.end()
        opening = QUOTE.match(place.text, at)
        if opening is None:
            other = _OTHER_VALUE.match(place.text, at)
            if other is None:
                return
            at = other.end()
            continue
        start, end = opening.end(), closing(place.text, opening)
        name = key["name"]
        level = classify(name) if is_beside_secrets(name) else max(classify(name), place.level)
        if names_credentials(place.name):
            level = max(level, classify(f"{name} {place.name}"))
        if level and accepts_quoted(place.text[start:end], level, name):
            yield start, end
        at = end + len(opening[1]) + len(opening[2])


def _block(place: Place, block: re.Match[str]) -> Found:
    """The first of the lines that a name leads to."""
    value = block["v"].rstrip()
    start = block.start("v")
    is_secret = place.level is Sensitivity.STRONG or looks_like_credential(value)
    return ((start, start + len(value)),) if is_secret and not is_placeholder(value) else ()


_CUT_OFF = 48
"""Characters of an element that does not end where the text does; fewer are what follows a placeholder, as in `<password>@host`."""


def _element(place: Place, at: int) -> Found:
    """`<password>x</password>`, with attributes, lines or a CDATA section."""
    text = place.text
    while text[at : at + 1].isspace():
        at += 1
    end = text.find("<", at, at + MAX_QUOTED)
    if end < 0:
        end = min(len(text), at + MAX_QUOTED)
        if end - at < _CUT_OFF or re.search(r"\s", text[at:end]):
            return ()
    elif text[end + 1 : end + 3].lstrip("\\")[:1] != "/":
        return ()  # a type's parameter
    cdata = text.find("]]>", at, end) if end > at else -1
    end = cdata if cdata > at else end
    value = text[at:end].rstrip() if end > at else ""
    return ((at, at + len(value)),) if value and accepts_quoted(value, place.level, place.name) else ()


def _items_below(place: Place, at: int) -> list[tuple[int, int]]:
    """The items of a YAML list that a name of several secrets stands above."""
    result: list[tuple[int, int]] = []
    level = Sensitivity.WEAK if place.name.lower().endswith("secrets") else place.level
    while (item := _ITEM_OF_LIST.match(place.text, at)) is not None:
        value = item["v"]
        if not (is_placeholder(value) or names_owner(item["name"] or "")) and is_secret_word(value, level):
            result.append(item.span("v"))
        at = item.end()
    return result


_COMPLEX_KEY_START = re.compile(r"(?:\A|\n|\\n)[ \t-]{0,40}\? [\"']?\Z")
_COMPLEX_KEY = re.compile(r"""["']?[ \t]{0,4}(?:\n|\\n)[ \t]{0,40}:[ ]""")


def read_complex_key(place: Place) -> Spans:
    """`? password`, then `: x` on the next line, as YAML writes keys that are long."""
    key = _COMPLEX_KEY.match(place.text, place.right) if _COMPLEX_KEY_START.search(place.head) else None
    if key is None:
        return None
    return operand(place._replace(right=key.end(), head="\n"), key.end(), ":", spaced=False)
