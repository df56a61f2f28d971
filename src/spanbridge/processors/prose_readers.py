# ruff: noqa: E501, RUF001 - a pattern broken over lines can neither be read nor searched; full-width signs are what some languages write
"""Values in sentences and by their layout: `the password is x`, `PASSWORD 'x'`, `password x`, cells of HTML, the next line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spanbridge.processors.header_values import header_value
from spanbridge.processors.key_names import Sensitivity, looks_like_credential, looks_like_password
from spanbridge.processors.native_words import NATIVE_PASSWORD
from spanbridge.processors.placeholders import is_placeholder
from spanbridge.processors.prose_values import prose_value
from spanbridge.processors.quoted_values import MAX_QUOTED, accepts_quoted, quoted_value
from spanbridge.processors.value_words import GAP, GOES_ON, is_mixed_word

if TYPE_CHECKING:
    from spanbridge.processors.places import Place, Spans

_SPACE_QUOTED = re.compile(r"""[ \t]{1,16}(?:AS[ ]|BY[ ])?[(]?(?=\\{0,7}['"`])""")
_ALONE = re.compile(r"(?:\A|\n|\\n)[ \t]*\Z")
_CAMEL = re.compile("[a-z](?:[A-Z]|_[a-z])")
"""A setting's name, not a word: `storePassword 'x'`."""
_TAKES_QUOTED = re.compile(r"(?i)(?:(?:with|set|encrypted|user|alter)\s|[ {(]:)\Z|OPTIONS ?\([^()]{0,48}\Z")
_USES_QUOTED = re.compile(r"(?i)\b(?:us(?:e|ing)|with|enter|try) (?:the|this|my|your) \Z")
_NAMES_THING = re.compile(r"""["'`] (?!(?:to|and|or|for|when|if|on|in|at|with|then|does|did|is|was)\b)[a-z]""")
"""Behind a quoted word: `the password "reset" link`."""
_CELLS = re.compile(
    r"</(?:t[dh]|dt|key|label|b|strong|span|[\w:.-]{0,24}name)>(?:\s|\\[nrt]){0,40}<(?:t[dh]|dd|string|data|span|code|[\w:.-]{0,24}value)[^<>]{0,80}>(?:(?:\s|\\[nrt]){0,40}<(?:string|code|b|strong|span)[^<>]{0,80}>)?(?:\s|\\[nrt]){0,40}"
)
"""From one cell or term of HTML to the next, from a key of a property list to its value."""
_COPULA = r"(?:is|was|should be|are|ist|lautet|es|c['’]est|est|é|è|\\{1,7}u00e[89]|be|being|now|to|as|equals|(?:has|have|had)[ ]been|will[ ]be)"
_SET_TO = r"(?:(?:changed|set|reset|updated|rotated)[ ]to|(?:is[ ]|werd[ ])?(?:gewijzigd|veranderd)[ ](?:in|naar)|(?:ha[ ]sido[ ])?(?:cambiada|actualizada)[ ](?:a|por)|(?:è[ ]stata[ ])?(?:cambiata|modificata)[ ]in|(?:wurde[ ])?(?:ge(?:ä|ae)ndert|zur(?:ü|ue)ckgesetzt|gesetzt)[ ]auf|wurde[ ]auf|(?:a[ ])?(?:été[ ])?(?:changé|réinitialisé|modifié)e?[ ](?:en|à|pour)|(?:se[ ])?(?:cambió|cambiada|cambiata)[ ](?:a|in)|(?:foi[ ])?alterada[ ]para)"
_CHANGED = r"(?:now|set|changed|reset|updated|rotated|generated|currently|still|simply|just|to|as)"
_FILLER = r"(?:,?[ ](?:for|of|to|you(?:['’]\w{1,4})?|we|I|he|she|they|that|which|provided|given|used|supplied|entered|sent|below|above|here|on|in|at|by|from|with|is|was|has|will|must|should|it|f(?:ue|ü)r|von|zum|zur|du|de|pour|para|del|di|per|da|do)(?:[ ]\(?[\w.@'/-]{1,40}\)?){0,6}?)"
_PROSE = re.compile(
    rf"""[*_"'`]{{0,3}}{_FILLER}??(?:[ ]{{1,2}}(?:{_SET_TO}|{_COPULA})(?:[ ]{_CHANGED}){{0,3}}:?{GAP}{{1,2}}|['’]s:?[ ]{{1,2}}|(?:[ ][a-z]{{2,12}}ed)?[ ]{{1,3}}(?:-{{1,2}}>?|–|—|→|⇒|=>|\.{{3,40}})[ ]{{1,3}})|(?:是|は|为|為|改成|改为|改為|设为|設為|입니다|는|은)[：: ]{{0,2}}"""
)
_WORDS = re.compile(r"""\\{0,7}["'“](?P<v>(?:[A-Za-z0-9]{3,12}[ -]){2,23}[A-Za-z0-9]{3,12})\\{0,7}["'”]""")
"""What a pass phrase is made of."""
_CHANGED_FROM = re.compile(r"(?:[ ](?:was|is|has been|been))?[ ](?:changed|updated|rotated|reset)[ ]from[ ]")
_FROM = re.compile("[ ]from[ ]")
_CHANGES = re.compile(r"(?i)\b(?:chang|updat|rotat|reset)\w{0,4} (?:[a-z]{2,12} ){0,3}\Z")
"""`changed the password`, in front of `from x to y`."""
_TO = re.compile(r"""["'`*]{0,2}[ ]to[ ]""")
_ANNOUNCED = re.compile(rf"""[*_"'`]{{0,3}}{_FILLER}[ ]?:(?:[ ]|\n|\\n){{1,6}}""")
_BREAK = re.compile(r"\n|\\n")
_ENDS_LINE = re.compile(r"""["'`*_)」』”.,;!?]{0,4}[ \t]{0,8}(?:\r|\n|\\[rn]|["']|\Z)""")
_IS = "ist|lautet|est|es|é|è|on|jest|är|er|is|это|to|on|je"
_OF_OTHERS = re.compile(
    rf"""[*_"'`]{{0,3}}(?:[ ](?!(?:{_IS})[ ])[^\s:：=.,;!?"'`]{{1,24}}){{0,5}}?(?:{GAP}?[:：]|[ ](?:{_IS}))[ ]{{1,3}}"""
)
"""Behind a password's name in another language, which says with cases and prepositions whose it is: `Passwort der Datenbank: `."""
_DIRECTIVE_START = re.compile(
    r"(?:\A|\n|\\n|<(?:pre|code)>|(?i:CONFIG SET|enable) |(?i:username) \S{1,40} (?:privilege \d{1,2} )?)[ \t]*(?i:requirepass |[a-z]{2,16}[_-])?\Z"
)
_DIRECTIVE = re.compile(
    r"""[ \t]{1,16}(?:[057][ ])?(?P<v>(?!\*|--)[^\s"'`\\<>;{}()]{4,512})[ \t]{0,8}(?=;|\n|\r|\\[nr]|</|\Z)"""
)
"""`requirepass x`, `bindpw x`: a line that is a setting's name and its value."""
_LOGIN = re.compile(
    r"(?:login|log in|sign in|user(?:name)?|machine|as|ssid|connect)(?:[ ](?:with|as|using))?[: ]\s{0,4}\S{1,80}?[,;/]?(?:\s|\\[nrt]){1,8}(?:and\s|with\s|/\s)?\Z",
    re.IGNORECASE,
)
_NETRC = re.compile(r"machine\s{1,4}\S{1,80}?(?:\s|\\[nrt]){1,8}login\s{1,4}\S{1,80}?(?:\s|\\[nrt]){1,8}\Z")
_AFTER_LOGIN = re.compile(r"""[ \t]{1,4}[(]?(?P<v>(?:(?!</)[^\s"'`\\]){3,200})""")
_SPACED = re.compile(
    r"[ ]{1,2}[(\[]?(?P<v>(?=[A-Za-z+/_=.-]{0,60}\d[A-Za-z0-9+/_=.-]{3})[A-Za-z0-9+/_=.-]{16,512})(?=[\s,;.!?)\]]|\Z)"
)
"""`use the token a1B2... to log in`."""
_NOUN = re.compile(r"(?i)key|token|secret|passw|passphrase|pwd|cred|cookie|code|jwt|otp")
_SIDE_BY_SIDE = re.compile(r"""[ ]{1,2}[(]?(?P<v>[^\s"'`<>\\(){}\[\],;|=:]{6,200}?)(?=[.,;!?)]{0,3}(?:\s|\Z))""")
_LEADS_IN = re.compile(
    r"(?i)\b(?:with|using|use|the|my|your|our|his|her|their|mein|dein|ihr|mon|votre|mi|tu|mia|meu|minha|mijn|moje|мой|твой|ваш|as|and|password|wrong|incorrect|invalid|bad|a|temporary|new|root|admin|try|enter|by)[ ][*_]{0,2}\Z|[,(/]\s?\Z|(?:\A|\n)\s{0,8}\Z"
)
_PASSWORD_NAME = re.compile(rf"(?i)(?:passw(?:or)?d|pwd|passphrase|passcode|otp|pw|{NATIVE_PASSWORD.pattern})\Z")
_CODE = re.compile(r"[ ](?P<v>\d{4,8})(?=[\s.,;!?)]|\Z)")


def read_quoted_beside(place: Place) -> Spans:
    """`PASSWORD 'x'`, `wrong password "x"`, `token ('x')`."""
    quoted = _SPACE_QUOTED.match(place.text, place.right)
    if quoted is None:
        return None
    if place.is_header:
        return header_value(place.text, quoted.end(), ":", cookie=place.is_cookie)
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


def read_cells(place: Place) -> Spans:
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


def read_prose(place: Place) -> Spans:
    """`the password for bob is x`, `password -> x`, `the key that you asked for: x`."""
    changed = (_FROM if _CHANGES.search(place.head) else _CHANGED_FROM).match(place.text, place.right)
    if changed is not None and (values := list(prose_value(place.text, changed.end(), place.level))):
        to = _TO.match(place.text, values[-1][1])
        return [*values, *prose_value(place.text, to.end(), place.level)] if to else values
    connections = (_PROSE, _ANNOUNCED, _OF_OTHERS) if NATIVE_PASSWORD.match(place.name) else (_PROSE, _ANNOUNCED)
    for connection in connections:
        said = connection.match(place.text, place.right)
        if said is None:
            continue
        values = list(prose_value(place.text, said.end(), place.level))
        if values and (_BREAK.search(said[0]) is None or _ENDS_LINE.match(place.text, values[-1][1])):
            return values  # on the next line it stands alone: what a program writes behind its prompt goes on
        words = _WORDS.match(place.text, said.end()) if place.name.lower().endswith("phrase") else None
        if words is not None and not is_placeholder(words["v"]):
            return (words.span("v"),)
    return None


def read_beside(place: Place) -> Spans:
    """`password x`: as a line of its own, after a user's name, in a sentence."""
    word = _directive(place) or _after_login(place) or _after_password(place)
    if word is not None:
        return (word,)
    spaced = _SPACED.match(place.text, place.right) if _NOUN.search(place.name) else None
    if spaced is None or GOES_ON.match(place.text, spaced.end()) or place.name.lower() in spaced["v"].lower():
        return None
    in_brackets = place.text[spaced.start("v") - 1 : spaced.end("v") + 1]
    if is_placeholder(spaced["v"]) or (in_brackets[0] == "[" and is_placeholder(in_brackets)):
        return None
    return (spaced.span("v"),) if looks_like_credential(spaced["v"]) else None


def _directive(place: Place) -> tuple[int, int] | None:
    """`requirepass hunter2` as a line."""
    if place.level is not Sensitivity.STRONG:
        return None
    directive = _DIRECTIVE.match(place.text, place.right)
    if directive is None or not _DIRECTIVE_START.search(place.head):
        return None
    value = directive["v"]
    is_secret = value.isdigit() or is_mixed_word(value) or looks_like_credential(value)
    return directive.span("v") if is_secret else None


def _after_login(place: Place) -> tuple[int, int] | None:
    """`login bob password hunter2`."""
    if place.level is not Sensitivity.STRONG and place.name.lower() not in ("pass", "pw"):
        return None
    word = _AFTER_LOGIN.match(place.text, place.right)
    if word is None:
        return None
    value = word["v"].rstrip(".,;)") if word["v"][-1] != "@" else ""
    is_netrc = _NETRC.search(place.head) is not None and not is_placeholder(value)
    is_secret = is_netrc or (_LOGIN.search(place.head) is not None and _is_likely(value))
    return (word.start("v"), word.start("v") + len(value)) if is_secret else None


def _after_password(place: Place) -> tuple[int, int] | None:
    """`with the password hunter2`, `passcode 482913`."""
    if not _PASSWORD_NAME.search(place.name):
        return None
    code = _CODE.match(place.text, place.right)
    if code is not None and place.name.lower().endswith(("passcode", "otp")):
        return code.span("v")
    word = _SIDE_BY_SIDE.match(place.text, place.right)
    is_secret = word is not None and is_mixed_word(word["v"]) and _LEADS_IN.search(place.head) is not None
    return word.span("v") if word is not None and is_secret else None


def _is_likely(value: str) -> bool:
    return not is_placeholder(value) and (looks_like_password(value) or looks_like_credential(value))


_ANSWER = re.compile(
    r"""[^\n"\\?]{0,40}\?[*_"')’]{0,3}[ \t]{0,4}(?:\r?\n|(?:\\r)?\\n)[ \t>]{0,8}(?:\[[^\[\]\n]{1,24}\][ ])?(?:[A-Za-z][\w.-]{0,24}(?:[ ][A-Z]\w{0,24})?:[ ])?(?:(?i:it)(?:['’]s|[ ]is)[ ]|(?i:try|use)[ ])?[*`]{0,3}(?P<v>[^\s"'`\\<>*]{5,200}?)[*`]{0,3}\.?[ \t]{0,4}(?=[\r\n]|\\[rn]|["']|\Z)"""
)


def read_answer(place: Place) -> Spans:
    """`what is the password?`, and on the next line the answer, perhaps of somebody who is named there."""
    answer = _ANSWER.match(place.text, place.right) if _PASSWORD_NAME.search(place.name) else None
    return (answer.span("v"),) if answer is not None and is_mixed_word(answer["v"]) else None


_ON_A_LINE = re.compile(r"(?:\A|\n|\\n)[ \t>*#-]{0,16}(?:[A-Za-z-]{1,16} )?\Z")
_NEXT_LINE_ALONE = re.compile(
    r"""[*_]{0,3}[ \t]{0,8}(?:\r?\n|(?:\\r)?\\n)[ \t>]{0,16}(?P<v>[^\s"'`\\<>]{6,200})[ \t]{0,8}(?=[\r\n]|\\[rn]|["']|\Z)"""
)


def read_below(place: Place) -> Spans:
    """`Password`, and on the next line its value, as forms are copied."""
    value = _NEXT_LINE_ALONE.match(place.text, place.right) if _PASSWORD_NAME.search(place.name) else None
    if value is None or not _ON_A_LINE.search(place.head) or not is_mixed_word(value["v"]):
        return None
    if _NOUN.search(value["v"]) or re.fullmatch(r"[A-Z][a-z]+\d", value["v"]):
        return None  # the next name of a list
    return (value.span("v"),)
