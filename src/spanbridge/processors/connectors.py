# ruff: noqa: E501, RUF001 - a pattern broken over lines can neither be read nor searched; full-width signs are what some languages write
"""What connects a name that says "secret" with its value: operators, flags, items of lists, calls, prose, layout.

`READERS` are tried in order on the text behind a name. Each knows one kind of connection and answers with the values it leads to; None:
the text is connected otherwise. The probes of `keyword_probes.py` must let pass all that is read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from spanbridge.processors.following_values import (
    GOES_ON,
    MAX_QUOTED,
    NATIVE,
    QUOTE,
    accepts_quoted,
    flag_value,
    header_value,
    is_mixed_word,
    operand,
    prose_value,
    quoted_value,
)
from spanbridge.processors.key_names import Sensitivity, looks_like_credential, looks_like_password
from spanbridge.processors.placeholders import is_placeholder

if TYPE_CHECKING:
    from collections.abc import Callable


class Place(NamedTuple):
    """A name in a text."""

    text: str
    left: int
    right: int
    """Where it starts and ends."""
    name: str
    level: Sensitivity
    head: str
    """What stands before it."""

    @property
    def is_header(self) -> bool:
        """Whether the value is that of an `Authorization` or `Cookie` header."""
        return self.name.lower().rstrip("0123456789").endswith(("authorization", "cookie"))

    @property
    def is_cookie(self) -> bool:
        return self.name.lower().rstrip("0123456789").endswith("cookie")


Spans = Iterable[tuple[int, int]] | None
"""Where the values stand that a name leads to; None: it is connected otherwise."""

# ── operators ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_GAP = r"[ \t\u00a0\u202f\u200b-\u200d\u2060\ufeff]"
"""Blanks, also those that nobody sees."""
_COLOUR = r"(?:\x1b|\\{1,8}(?:x1b|u001b|033|e))\[[\d;]{0,8}m"
"""Of a terminal."""
_MARKUP = rf"(?:{_COLOUR}|\*{{1,3}}|_{{1,3}}|</[A-Za-z]{{1,10}}>)?"
_OPERATOR = re.compile(
    rf"""(?P<close>\\{{0,15}}(?:["'`]|&quot;|&#34;|%22)?[\])]?\)?{_MARKUP}(?:[ ]\([\w .-]{{1,24}}\))?)(?:{_GAP}{{0,40}}|\.{{2,40}})(?P<op>\|\||\?\?|===?|!==?|=>|:=|\?=|\+=|=|<-(?= ?["'])|:(?!:)|：|＝|%3D|%3A|\||;s:\d{{1,5}}:){_MARKUP}(?P<space>(?:{_GAP}|\\t|(?:%20|\+)(?=%2)){{0,8}})(?:{_COLOUR})?"""
)
_STRING_END = re.compile(r"""\\{0,15}["'](?=[ ;)])""")
_TAGS = re.compile(r"(?:<(?:b|strong|i|em|code|kbd|tt|span|mark)\b[^<>\n]{0,60}>){1,3}(?=[^<\s])")
_BECOMES = re.compile(r"""\\{0,15}["'`]?[ ]{1,3}(?:->|=>|→|⇒)[ ]{1,3}""")
"""From the old value to the new one."""
_TAG_END = re.compile(r"(?:\s[\w:.-]{1,40}=[^<>\n]{1,200})?>(?:<!\[CDATA\[)?")
_NEW_LINE = re.compile(r"(?:\s|\\[nrt]|#{1,3}[^\n]{0,40}\n|```\w{0,10}\n){1,60}")
_NEXT_NAME = re.compile(r"""[\w.\-"'\[\] ]{1,80}[:=]|[-#<>|+{}\[\]]""")
_ANNOTATED = re.compile(
    r"""(?:[ \t]{0,3}:[ \t]{0,3}[A-Za-z&*][\w.\[\]| ,?&*']{0,40}?|[ ]As[ ]\w{1,20}|[ ]\*?(?:string|\[\]byte|n?varchar\(\w{1,4}\))|\s{0,3}\{\s{0,3}get;[\w\s;]{0,40}\})[ \t]{0,3}=[ \t]{0,3}(?=\\{0,15}["']|[A-Za-z_.]{1,30}\()""",
)
_BLOCK = re.compile(
    r"(?:[|>][-+]?\d?[ \t]*|<<[-~]?[\"']?[A-Z]{2,12}[\"']?)(?:\n|\\n)(?P<indent>[ \t]*)(?P<v>[^\s][^\n\\]{2,2000})"
)
"""Text on lines of its own: YAML's `|` and `>`, here-documents."""
_ITEM_OF_LIST = re.compile(
    r"(?:\n|\\n)[ \t]{0,40}(?:- |(?<=[ \t])[\w.-]{1,64}: )[\"']?(?P<v>[^\s\"'\\:]{4,200})[\"']?(?=\s|\\n|\Z)"
)


def _operator(place: Place) -> Spans:
    """`name = `, `"name": `, `name: str = `, `<name>`, `| name |`."""
    text, right = place.text, place.right
    if place.head.rstrip("!").endswith(("<", ":")) and (tag := _TAG_END.match(text, right)) is not None:
        return _element(place, tag.end())
    annotated = _ANNOTATED.match(text, right)
    if annotated is not None and place.is_header:
        annotated = None
    operator = annotated or _OPERATOR.match(text, right)
    if operator is None:
        return None
    at = operator.end()
    op = "=" if annotated else operator["op"]
    if not annotated and "%22" in operator["close"]:
        return ()  # JSON in an address, which is decoded
    if not annotated and not operator["close"] and (end := _STRING_END.match(text, at)) and place.head.endswith(end[0]):
        return ()  # the text of a question: `read -p "Password: " name`
    if op.startswith(";"):
        op = "="
    if op == "=" and "***" in operator[0]:
        return ()  # what was masked before
    if op in ("||", "??"):  # what is taken where a variable is missing: `process.env.API_KEY || "x"`
        return quoted_value(text, at, place.level, place.name, strict=True)
    spaced = bool(annotated or operator["space"])
    if place.is_header and op in (":", "=", "=>"):
        line = _NEW_LINE.match(text, at)
        return header_value(text, line.end() if line and QUOTE.match(text, line.end()) else at, place.is_cookie, op)
    line = _NEW_LINE.match(text, at)
    if line is not None:
        if op == ":" and ")" in operator[0]:
            return ()  # a function: what follows is its body
        if op == ":" and (items := _items_below(place, at)):
            return items
        if not QUOTE.match(text, line.end()) and (op not in (":", "：") or _NEXT_NAME.match(text, line.end())):
            return ()
        at, spaced = line.end(), True
    if op in (":", "=") and (block := _BLOCK.match(text, at)) is not None:
        value = block["v"].rstrip()
        start = block.start("v")
        is_secret = place.level is Sensitivity.STRONG or looks_like_credential(value)
        return ((start, start + len(value)),) if is_secret and not is_placeholder(value) else ()
    if op in (":", "=") and (tags := _TAGS.match(text, at)) is not None:
        at = tags.end()
    values = list(operand(text, at, op, right, place.name, place.level, place.head, spaced=spaced))
    becomes = _BECOMES.match(text, values[-1][1]) if values else None
    if becomes is not None:
        values += operand(text, becomes.end(), "=", right, place.name, place.level, place.head, spaced=True)
    return values


_CUT_OFF = 48
"""Characters of an element that does not end where the text does; fewer are what follows a placeholder, as in `<password>@host`."""


def _element(place: Place, at: int) -> Spans:
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
    strong = place.level is Sensitivity.STRONG and not place.name.lower().endswith("secrets")
    while (item := _ITEM_OF_LIST.match(place.text, at)) is not None:
        value = item["v"]
        if not is_placeholder(value) and (looks_like_credential(value) or (strong and looks_like_password(value))):
            result.append(item.span("v"))
        at = item.end()
    return result


# ── lists and calls ───────────────────────────────────────────────────────────────────────────────────────────────────

_ITEM = re.compile(
    r"""(?P<open>\\{0,7}["'])[ \t]{0,2},[ \t]{0,2}(?P<value>[bru]?(?P=open)(?P<v>[^\s"'\\]{3,8192})(?P=open))(?P<last>[ \t]{0,2}[)\]])?"""
)
"""The next item of a list in text."""
_FLAG_HEAD = re.compile(r"(?:^|[\s\"'`=(\[,])-{1,2}\Z")
_PAIR_START = re.compile(r"""[(\[][bru]?\\{0,7}["']\Z""")
_FLAG_START = re.compile(r"""[\[, (][bru]?\\{0,7}["']--?\Z""")
_MAP_START = re.compile(r"(?:Map(?:\.of|\.entry|Entries)?|Pair(?:\.of)?|Entry|Tuple|hash)\([^()]{0,48}\Z")
_CALL = re.compile(r"""(?:\.(?:equals|equalsIgnoreCase|compareTo|eq))?[({][ \t]{0,2}(?=\\{0,7}["'])""")
_FIRST_ARGUMENT = re.compile(r"""\\{0,7}["'][\w.-]{1,64}""")
_ONLY_ARGUMENT = re.compile(r"""\\{0,7}["'] ?\)""")
_OF_KEYS = ("KeyCredential", "TokenCredential", "SasCredential", "SecretCredential")
_CALL_PAIR = re.compile(
    r"""\\{0,7}["'][ \t]{0,2},[ \t]{0,16}(?:\\{0,7}["'](?=\\{1,15}["']\w|(?<=')"\w))?(?=(?:["'\\]|[fbru@$]["']))"""
)
"""Up to the value, which may be quoted twice: Gradle's `buildConfigField "String", "KEY", "\\"x\\""`."""
_CALL_NAME = re.compile(
    r"(?:(?:buildConfigField|resValue)[ (]{1,2}\\{0,7}[\"']String\\{0,7}[\"'],|string(?:var|p|varp)?\(&\w{1,24}, |(?:string(?:p)?|set|put|add|append|setdefault|(?:set|put|get)_?env|set_var|header|property|setitem|with\w*|set\w*|define|config|environ\.get|env|env\.get)\()\s{0,2}\\{0,7}[\"']\Z",
    re.IGNORECASE,
)
_FETCHES = re.compile(
    r"(?i)(?:\b|_)(?:get|fetch|read|find|load|lookup|has|delete|remove|describe|list|use|require|validate|check)_?[a-z_]*\Z|\b(?:get|fetch|read|find|load)[A-Z]\w*\Z"
)
_DECLARED = re.compile(r"(?:string|String|char|auto|str|const|CString|QString)[ &*]{1,3}\Z")


def _item(place: Place) -> Spans:
    """The item behind a flag or a name in a list or tuple of strings: `["--token", "x"]`, `("X-Api-Key", "x")`."""
    if (item := _ITEM.match(place.text, place.right)) is None or _CALL_NAME.search(place.head):
        return None
    value, head = item["v"], place.head
    if is_placeholder(value) or value.startswith("-"):
        return ()
    if (entries := _MAP_START.search(head)) is not None and entries[0].count(",") % 2 == 0:
        return quoted_value(place.text, item.start("value"), place.level, place.name, strict=True)
    is_pair = item["last"] is not None and _PAIR_START.search(head) is not None
    is_secret = (place.level is Sensitivity.STRONG and looks_like_password(value)) or looks_like_credential(value)
    return (item.span("v"),) if (is_pair or _FLAG_START.search(head)) and is_secret else ()


def _flag(place: Place) -> Spans:
    """`--password value`."""
    if not place.head.endswith("-") or not _FLAG_HEAD.search(place.head):
        return None
    if place.is_cookie:
        return header_value(place.text, place.right + 1, True, ":")
    return flag_value(place.text, place.right, place.level)


def _call(place: Place) -> Spans:
    """`.password("x")`, `setPassword("x")`, `password.equals("x")`, `std::string password("x")`."""
    call = _CALL.match(place.text, place.right)
    if call is None:
        return None
    if place.name.endswith("redential"):
        # Of a user and a password, or of a key alone.
        values = list(quoted_value(place.text, call.end(), place.level, place.name, strict=True))
        is_alone = bool(values) and _ONLY_ARGUMENT.match(place.text, values[0][1]) is not None
        return values if is_alone and place.name.endswith(_OF_KEYS) else ()
    if place.name.startswith("setCookie"):
        named = _FIRST_ARGUMENT.match(place.text, call.end())
        pair = _CALL_PAIR.match(place.text, named.end()) if named else None
        return quoted_value(place.text, pair.end(), Sensitivity.WEAK, place.name) if pair else ()
    takes_value = (
        not _FETCHES.search(place.name)
        and not place.name.startswith("keyring.")
        and not place.name.endswith(("redentials", "reds"))
        and (
            "." in f"{place.head[-1:]}{place.name}{call[0]}"
            or place.name.lower().startswith(("set", "with", "using"))
            or _DECLARED.search(place.head)
        )
    )
    if not takes_value:
        return None
    values = list(quoted_value(place.text, call.end(), place.level, place.name, strict=True))
    further = _CALL_PAIR.match(place.text, values[-1][1]) if values else None
    if further is not None:  # `set_password("bob", "x")`
        return quoted_value(place.text, further.end(), place.level, place.name, strict=True)
    return values


def _argument(place: Place) -> Spans:
    """`put("password", "x")`."""
    if not place.head.endswith(("'", '"')) or not _CALL_NAME.search(place.head):
        return None
    pair = _CALL_PAIR.match(place.text, place.right)
    if pair is None:
        return ()
    if place.is_header:
        return header_value(place.text, pair.end(), place.is_cookie, ":")
    return quoted_value(place.text, pair.end(), place.level, place.name, strict=True)


# ── layout and prose ──────────────────────────────────────────────────────────────────────────────────────────────────

_SPACE_QUOTED = re.compile(r"""[ \t]{1,16}(?:AS[ ]|BY[ ])?[(]?(?=\\{0,7}['"`])""")
_ALONE = re.compile(r"(?:\A|\n|\\n)[ \t]*\Z")
_CAMEL = re.compile("[a-z](?:[A-Z]|_[a-z])")
"""A setting's name, not a word: `storePassword 'x'`."""
_TAKES_QUOTED = re.compile(r"(?i)(?:(?:with|set|encrypted|user|alter)\s|[ {(]:)\Z|OPTIONS ?\([^()]{0,48}\Z")
_USES_QUOTED = re.compile(r"(?i)\b(?:us(?:e|ing)|with|enter|try) (?:the|this|my|your) \Z")
_NAMES_THING = re.compile(r"""["'`] (?!(?:to|and|or|for|when|if|on|in|at|with|then|does|did|is|was)\b)[a-z]""")
"""Behind a quoted word: `the password "reset" link`."""
_CELLS = re.compile(
    r"</(?:t[dh]|dt|key|name|label|b|strong|span)>\s{0,40}<(?:t[dh]|dd|string|value|span|code)[^<>]{0,80}>\s{0,40}"
)
"""From one cell or term of HTML to the next, from a key of a property list to its value."""
_COPULA = r"(?:is|was|should be|are|ist|lautet|es|est|é|è|be|now|to|as|equals|(?:has|have|had)[ ]been|will[ ]be)"
_SET_TO = r"(?:(?:wurde[ ])?(?:ge(?:ä|ae)ndert|zur(?:ü|ue)ckgesetzt|gesetzt)[ ]auf|wurde[ ]auf|(?:a[ ])?(?:été[ ])?(?:changé|réinitialisé|modifié)e?[ ](?:en|à|pour)|(?:se[ ])?(?:cambió|cambiada|cambiata)[ ](?:a|in)|(?:foi[ ])?alterada[ ]para)"
_CHANGED = r"(?:now|set|changed|reset|updated|rotated|generated|currently|still|simply|just|to|as)"
_FILLER = r"(?:[ ](?:for|of|to|you|we|I|he|she|they|that|which|provided|given|used|supplied|entered|sent|below|above|here|on|in|at|by|from|with|is|was|has|f(?:ue|ü)r|von|zum|zur|du|de|pour|para|del)(?:[ ][\w.@'/-]{1,40}){0,6}?)"
_PROSE = re.compile(
    rf"""[*_"'`]{{0,3}}{_FILLER}??(?:[ ]{{1,2}}(?:{_COPULA}|{_SET_TO})(?:[ ]{_CHANGED}){{0,3}}:?{_GAP}{{1,2}}|['’]s:?[ ]{{1,2}}|(?:[ ][a-z]{{2,12}}ed)?[ ]{{1,3}}(?:-{{1,2}}>?|–|—|→|⇒|=>|\.{{3,40}})[ ]{{1,3}})|(?:是|は|为|為|입니다|는|은)[：: ]{{0,2}}"""
)
_WORDS = re.compile(r"""\\{0,7}["'“](?P<v>(?:[A-Za-z0-9]{3,12}[ -]){2,23}[A-Za-z0-9]{3,12})\\{0,7}["'”]""")
"""What a pass phrase is made of."""
_CHANGED_FROM = re.compile(r"(?:[ ](?:was|is|has been|been))?[ ](?:changed|updated|rotated|reset)[ ]from[ ]")
_TO = re.compile(r"""["'`*]{0,2}[ ]to[ ]""")
_ANNOUNCED = re.compile(rf"""[*_"'`]{{0,3}}{_FILLER}[ ]?:(?:[ ]|\n|\\n){{1,6}}""")
_DIRECTIVE_START = re.compile(
    r"(?:\A|\n|\\n|(?i:CONFIG SET|enable) |(?i:username) \S{1,40} (?:privilege \d{1,2} )?)[ \t]*(?i:requirepass |[a-z]{2,16}[_-])?\Z"
)
_DIRECTIVE = re.compile(
    r"""[ \t]{1,16}(?:[057][ ])?(?P<v>(?!\*)[^\s"'`\\<>;{}()]{4,512})[ \t]{0,8}(?=;|\n|\r|\\[nr]|\Z)"""
)
"""`requirepass x`, `bindpw x`: a line that is a setting's name and its value."""
_LOGIN = re.compile(
    r"(?:login|log in|sign in|user(?:name)?|machine|as|ssid|connect)(?:[ ](?:with|as|using))?[: ]\s{0,4}\S{1,80}[,;/]?\s{1,8}(?:and\s|with\s|/\s)?\Z",
    re.IGNORECASE,
)
_NETRC = re.compile(r"machine\s{1,4}\S{1,80}\s{1,8}login\s{1,4}\S{1,80}\s{1,8}\Z")
_AFTER_LOGIN = re.compile(r"""[ \t]{1,4}[(]?(?P<v>[^\s"'`\\]{3,200})""")
_SPACED = re.compile(
    r"[ ]{1,2}[(]?(?P<v>(?=[A-Za-z+/_=.-]{0,60}\d[A-Za-z0-9+/_=.-]{3})[A-Za-z0-9+/_=.-]{16,512})(?=[\s,;.!?)]|\Z)"
)
"""`use the token a1B2... to log in`."""
_NOUN = re.compile(r"(?i)key|token|secret|passw|passphrase|pwd|cred|cookie|code|jwt|otp")
_SIDE_BY_SIDE = re.compile(r"""[ ]{1,2}[(]?(?P<v>[^\s"'`<>\\(){}\[\],;|=:]{6,200}?)(?=[.,;!?)]{0,2}(?:\s|\Z))""")
_LEADS_IN = re.compile(
    r"(?i)\b(?:with|using|use|the|my|your|our|his|her|their|as|and|password|wrong|incorrect|invalid|bad|a|temporary|new|root|admin|try|enter|by)[ ][*_]{0,2}\Z|[,(/]\s?\Z|(?:\A|\n)\s{0,8}\Z"
)
_PASSWORD_NAME = re.compile(rf"(?i)(?:passw(?:or)?d|pwd|passphrase|passcode|otp|pw|{NATIVE.pattern})\Z")
_CODE = re.compile(r"[ ](?P<v>\d{4,8})(?=[\s.,;!?)]|\Z)")


def _quoted_beside(place: Place) -> Spans:
    """`PASSWORD 'x'`, `wrong password "x"`, `token ('x')`."""
    quoted = _SPACE_QUOTED.match(place.text, place.right)
    if quoted is None:
        return None
    if place.is_header:
        return header_value(place.text, quoted.end(), place.is_cookie, ":")
    if place.level is Sensitivity.STRONG and (
        place.name.isupper()
        or _TAKES_QUOTED.search(place.head)
        or (_ALONE.search(place.head) and _CAMEL.search(place.name))
    ):
        return quoted_value(place.text, quoted.end(), place.level, place.name, strict=True)
    if place.level is Sensitivity.STRONG and _USES_QUOTED.search(place.head):
        values = list(quoted_value(place.text, quoted.end(), place.level, place.name, strict=True))
        if values and not _NAMES_THING.match(place.text, values[-1][1]):
            return values
    return prose_value(place.text, quoted.end(), place.level, only_likely=True)


def _cells(place: Place) -> Spans:
    """The next cell of HTML; the next element of a property list."""
    cells = _CELLS.match(place.text, place.right)
    if cells is None:
        return None
    end = place.text.find("<", cells.end(), cells.end() + MAX_QUOTED)
    value = place.text[cells.end() : end]
    return (
        ((cells.end(), end),)
        if end > cells.end() and not re.search(r"\s", value) and accepts_quoted(value, place.level, place.name)
        else ()
    )


def _prose(place: Place) -> Spans:
    """`the password for bob is x`, `password -> x`, `the key that you asked for: x`."""
    for connection in (_PROSE, _ANNOUNCED):
        said = connection.match(place.text, place.right)
        if said is None:
            continue
        if values := list(prose_value(place.text, said.end(), place.level)):
            return values
        words = _WORDS.match(place.text, said.end()) if place.name.lower().endswith("phrase") else None
        if words is not None and not is_placeholder(words["v"]):
            return (words.span("v"),)
    changed = _CHANGED_FROM.match(place.text, place.right)
    if changed is not None and (values := list(prose_value(place.text, changed.end(), place.level))):
        to = _TO.match(place.text, values[-1][1])
        return [*values, *prose_value(place.text, to.end(), place.level)] if to else values
    return None


def _beside(place: Place) -> Spans:
    """`password x`: as a line of its own, after a user's name, in a sentence."""
    text, right, head = place.text, place.right, place.head
    if place.level is Sensitivity.STRONG:
        directive = _DIRECTIVE.match(text, right)
        if (
            directive is not None
            and _DIRECTIVE_START.search(head)
            and (directive["v"].isdigit() or is_mixed_word(directive["v"]) or looks_like_credential(directive["v"]))
        ):
            return (directive.span("v"),)
    if place.level is Sensitivity.STRONG or place.name.lower() in ("pass", "pw"):
        login = _AFTER_LOGIN.match(text, right)
        value = login["v"].rstrip(".,;)") if login and login["v"][-1] != "@" else ""
        if login is not None and (
            (_NETRC.search(head) and not is_placeholder(value)) or (_LOGIN.search(head) and _is_likely(value))
        ):
            return ((login.start("v"), login.start("v") + len(value)),)
    if _PASSWORD_NAME.search(place.name):
        code = _CODE.match(text, right)
        if code is not None and place.name.lower().endswith(("passcode", "otp")):
            return (code.span("v"),)
        word = _SIDE_BY_SIDE.match(text, right)
        if word is not None and is_mixed_word(word["v"]) and _LEADS_IN.search(head):
            return (word.span("v"),)
    spaced = _SPACED.match(text, right) if _NOUN.search(place.name) else None
    if spaced is None or GOES_ON.match(text, spaced.end()) or place.name.lower() in spaced["v"].lower():
        return None
    return (spaced.span("v"),) if looks_like_credential(spaced["v"]) and not is_placeholder(spaced["v"]) else None


def _is_likely(value: str) -> bool:
    return not is_placeholder(value) and (looks_like_password(value) or looks_like_credential(value))


_ON_A_LINE = re.compile(r"(?:\A|\n|\\n)[ \t>*#-]{0,16}(?:[A-Za-z-]{1,16} )?\Z")
_NEXT_LINE_ALONE = re.compile(
    r"""[*_]{0,3}[ \t]{0,8}(?:\n|\\n)[ \t>]{0,16}(?P<v>[^\s"'`\\<>]{6,200})[ \t]{0,8}(?=\n|\\n|["']|\Z)"""
)


def _below(place: Place) -> Spans:
    """`Password`, and on the next line its value, as forms are copied."""
    value = _NEXT_LINE_ALONE.match(place.text, place.right) if _PASSWORD_NAME.search(place.name) else None
    if value is None or not _ON_A_LINE.search(place.head) or not is_mixed_word(value["v"]):
        return None
    if _NOUN.search(value["v"]) or re.fullmatch(r"[A-Z][a-z]+\d", value["v"]):
        return None  # the next name of a list
    return (value.span("v"),)


_COMPLEX_KEY_START = re.compile(r"(?:\A|\n|\\n)[ \t-]{0,40}\? [\"']?\Z")
_COMPLEX_KEY = re.compile(r"""["']?[ \t]{0,4}(?:\n|\\n)[ \t]{0,40}:[ ]""")


def _complex_key(place: Place) -> Spans:
    """`? password`, then `: x` on the next line, as YAML writes keys that are long."""
    key = _COMPLEX_KEY.match(place.text, place.right) if _COMPLEX_KEY_START.search(place.head) else None
    if key is None:
        return None
    return operand(place.text, key.end(), ":", key.end(), place.name, place.level, "\n", spaced=False)


_NAMES_SECRETS = re.compile(
    r"\b(?:gcloud|docker|podman|buildah|kubectl|oc|helm|nomad) [^\n|;&]{0,128}--?(?:[a-z]{2,10}-)?\Z"
)


def _name_of_secret(place: Place) -> Spans:
    """`gcloud secrets versions access latest --secret=name`: programs whose flag says which secret, not what it is."""
    is_flag = place.name in ("secret", "secrets", "set-secrets", "update-secrets") and place.head.endswith("-")
    return () if is_flag and _NAMES_SECRETS.search(place.text, 0, place.left) else None


READERS: tuple[tuple[str, Callable[[Place], Spans]], ...] = (
    ("= ", _name_of_secret),
    ("", _operator),
    ("\"'\n\\ ", _complex_key),
    ("\\\"'", _item),
    (" ", _flag),
    (".({", _call),
    ("", _argument),
    (" \t", _quoted_beside),
    ("<", _cells),
    ("", _prose),
    (" \t", _beside),
    (" \t*_\n\\", _below),
)
"""Each behind the characters of which one follows the name; none: any may but a letter, these aside:"""
COPULAS = frozenset("是は为為입는은")
"""Letters that `_prose` reads; others go on with a word of which the name is a part."""
