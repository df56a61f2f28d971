# ruff: noqa: E501 - a pattern broken over lines can neither be read nor searched
"""What the prefilter looks for on behalf of the keyword rule: the words, and how a value may follow them."""

from __future__ import annotations

from spanbridge.processors.key_names import (
    ALONE,
    CODE_OWNERS,
    KEY_OWNERS,
    PASS_OWNERS,
    PIN_OWNERS,
    QUALIFIERS,
    TOKEN_OWNERS,
)
from spanbridge.processors.matcher import Probe
from spanbridge.processors.native_words import NATIVE_WORDS

_TAIL = r"[A-Za-z0-9_./*\[\]-]{0,24}"
_SHORT_TAIL = rf"s?(?:v?[0-9]{{1,2}}|{'|'.join(sorted(QUALIFIERS))}){{0,2}}(?:[_./*\[\]-]{_TAIL})?"
"""Behind words of three letters, which random characters hold often."""
_CLOSE = r"(?:[\\\"'`\])]|&quot;|&#34;|%22)*"
_MARKS = r"(?:[\\\"'`\])*_ \t\n]|\\[nt]|&quot;|&#34;|%22|</[A-Za-z]{1,10}>|\xe2\x80[\x8b-\x8d]){0,80}"
_QUOTE = r"\\*[\"'`]"
_FILLER = r"(?: [A-Za-z0-9.@'/_-]{1,40}){0,7}"
_BEGINS = rf"(?: (?:for|of|to|you|we|I|he|she|they|that|which|provided|given|used|supplied|entered|sent|below|above|here|on|in|at|by|from|with|is|was|has|d[aei]l?|para){_FILLER})?"
_LEADS_TO = r"(?: {1,2}(?:is|was|are|ist|lautet|es|est|be|now|to|as|equals|\xc3[\xa8\xa9]|\\{1,8}u00e[89])(?: [a-z]{2,10}){0,3}:? {1,2}| ?:[ \\n]{1,6}|(?: [a-z]{2,12}ed)? {1,3}(?:-{1,2}>?|\xe2..|\\{1,8}u2[01]..|=>|\.{3,40}) {1,3})"
_CONNECTED = "|".join(
    (
        # An operator, a bracket, an arrow; the next item; quotes, arguments, cells, attributes; what a sentence says is no word; what it quotes.
        rf"(?: [A-Za-z0-9(){{]{{1,12}}){{0,2}}{_MARKS}(?:[:=>|;]|\?\?=|%3[AaDd]|<-)",
        r"(?: (?:field|input|box|textbox|entry))?[\\\"'`\])>]+[ \t]{0,4}[,}]",
        rf"(?:[ \t]{{1,16}}(?:by |as )?\(?|(?:\.[A-Za-z]{{2,20}})?[({{][ \t]{{0,2}}){_QUOTE}|</[a-z]{{1,8}}>[^<\"]{{0,40}}<|[ \t][^<>\n]{{1,200}}>",
        r"(?:[^A-Za-z0-9+/\"][^\"]{0,80})?[0-9!@#$%^&*_]",
        r",[ ]{0,4}(?:<<)?\\*\"",
        rf"[\\\"'`*_]{{0,8}}{_FILLER}{_LEADS_TO}[(*]{{0,2}}{_QUOTE}",
    )
)
"""How a value may follow a name: wider than the readers of `connectors.py`, which look closely."""


def _probe_for(words: str, gates: tuple[str, ...], name_tail: str = _TAIL) -> Probe:
    """How a value may follow one of `words`: operator, next item, prose, quote or bracket."""
    return Probe(gates, f"(?i)(?:{words}){name_tail}(?:{_CONNECTED})", 0)


def _owned_probe(word: str, owners: frozenset[str]) -> Probe:
    """A word that is secret by its owner, in any spelling of the two."""
    rest = f"{word}{_TAIL}(?:{_CONNECTED})"
    reach = max(map(len, owners)) + 2
    before = tuple(sorted(owners))
    return Probe((word,), f"(?i)(?:{'|'.join(before)})[ _./-]{{0,2}}{rest}", reach, f"(?i){rest}", before)


_WORDS = ("passphrase", "passcode", "kennwort", "secret", "credential", "creds", "cookie", "senha", "wachtwoord",
          "mot de passe", "connstr", "requirepass", "masterauth", "bindpw", "rootpw", "sshpass")  # fmt: skip
_SHORT_WORDS = ("pwd", "jwt", "otp", "mdp")
_PHRASES = ("mật khẩu", "पासवर्ड", "كلمة المرور")
_NATIVE_WORDS = tuple(
    sorted(
        {
            spelled
            for word in (*ALONE, *_PHRASES)
            if not word.isascii()
            for spelled in (word, word.capitalize(), word.upper())
        }
    )
)
_QUALIFIED = rf"(?:[_./ -]{{0,2}}(?:{'|'.join(sorted(QUALIFIERS))}|v?[0-9]{{1,2}})){{0,2}}[_:\[\]/*]{{0,2}}{_CLOSE}[ \t]{{0,4}}[:=>,][ \t]{{0,4}}"
_GENERATED = r"(?:[\[{]|[\\\"'`bBrR(]*[A-Za-z0-9+/_.~=:@!#$%^&*-]{4})"
_NAME_END = rf"[A-Za-z0-9_./ *\[\]-]{{0,24}}{_CLOSE}(?:[ \t]{{0,8}}[:=>,}}]|[ \t]{{1,8}}{_QUOTE})"


def _owned_names(word: str, *owners: str) -> Probe:
    """As above, of names alone: what an operator follows."""
    end = f"{word}{_NAME_END}"
    return Probe(
        (word,), f"(?i)(?:{'|'.join(owners)})[ _./-]{{0,2}}{end}", max(map(len, owners)) + 2, f"(?i){end}", owners
    )


_RARE = ("mnemonic", "csrf", "xsrf", "cred", "psk", "cvv", "cvc", "heslo", "haslo", "lozinka", "jelszo", "salasana", "adgangskode", "kodeord", "passord", "sifre",
         "motdepasse", "kata sandi", "parola")  # fmt: skip
_OF_OTHERS = (*_RARE, "passwort", "kennwort", "senha", "wachtwoord", "contrase", "mot de passe")
"""Passwords in other languages: their names may have cases and prepositions behind them."""
_RARE_NAMES = (
    Probe(_RARE, f"(?i)(?:{'|'.join(_RARE)}){_NAME_END}", 0),
    Probe(
        _OF_OTHERS,
        rf"(?i)(?:{'|'.join(_OF_OTHERS)})[^ :\n\"]{{0,4}}(?: [^ :\n\"]{{1,24}}){{0,5}}(?: :|:| (?:er|je|is|ist|est|on|\xc3[\xa8\xa9\xa4]r?) )",
        0,
    ),
    _owned_names("word", "pass"),
    _owned_names("phrase", "pass", "seed", "recovery"),
    _owned_names("passe", "mot", "mot de", "mot_de", "mot-de", "mot.de", "mot/de"),
    _owned_names("base", "secret"),
    _owned_names("pw", "user", "root"),
    _owned_names("pin", *sorted(PIN_OWNERS)),
    _owned_names("puk", "sim", "card"),
    _owned_names("assertion", "client"),
    _owned_names("verifier", "code"),
    _owned_names("crumb", "jenkins"),
    _owned_names("answer", "security", "secret", "recovery"),
    _owned_names("str", "conn", "connection"),
    _owned_names("signature", "access", "amz", "goog", "oss", "hub", "slack", "stripe", "twilio", "svix", "webhook"),
    Probe(("pin", "puk"), rf"(?i)p(?:in|uk){_CLOSE}[ \t]{{0,4}}:[ \t]{{0,4}}[\\\"']*[0-9]{{4}}", 0),
    Probe(("seed", "sas", "pw"), rf"(?i)(?:seed|sas|pw){_QUALIFIED}{_GENERATED}", 0),
    Probe(("token", "key"), rf"(?i)(?:token|key)s?[_./ \[*-]{_QUALIFIED}[\\\"'`bBrR(]*[A-Za-z0-9+/_.~=-]{{8}}", 0),
)

OF_OTHER_LETTERS = (
    *_NATIVE_WORDS,
    *(spelled for word in NATIVE_WORDS if not word.isascii() for spelled in (word, word.capitalize())),
)
"""Words that are escaped where text is written in ASCII."""
KEYWORD_PROBES = (
    # Apart, so that a match tells which of the frequent words to look for; each set makes the automaton larger.
    _probe_for("authorization", ("authorization",)),
    _probe_for("passw(?:or)?[dt]|" + "|".join(_WORDS), ("passw", *_WORDS)),
    _probe_for("|".join(_SHORT_WORDS), _SHORT_WORDS, name_tail=_SHORT_TAIL),
    _probe_for("contrase.{1,2}a|connection.?string|conn_str|(?:recovery|seed)[ _-]?phrase", ("contrase", "conn", "recovery", "seed")),
    # A word of letters alone behind one of them: by a change of its case.
    Probe(("passw", "mot de passe", "passphrase", "pwd", "secret", "key"), r"(?i)(?:passw(?:or)?d|mot de passe|passphrase|pwd|secret|api[ _-]?key)[\\\"'`*:]{0,3} (?:(?:[a-z]{2,3}|\xe2..|[=-]>) )?(?-i:[A-Za-z]{0,12}[a-z][A-Z])", len("api ")),
    *_RARE_NAMES,
    _owned_probe("key", KEY_OWNERS),
    _owned_probe("token", TOKEN_OWNERS),
    _owned_probe("code", CODE_OWNERS | {"time"}),
    _owned_probe("pass", PASS_OWNERS),
    Probe(("login", "user", "mail"), r"(?i)(?:login|user(?:_?name)?|mail)[\\\"']{0,4} ?[:=> \t\\nr]{1,4}[^ \t\n]{1,80}[ \t\n\\nr,;/]{1,8}(?:and |with )?[\\\"']{0,4}(?:password|pass|pw)[\\\"' \t:=]", 0),
    Probe(("passw", "secret", "token", "key", "auth", "pw", "credential", "pass"), r"(?i)-[A-Za-z]{0,16}[0-9]?(?:passw(?:or)?d|passphrase|pass|pwd?|secret|token|key|auth|credentials?)[A-Za-z0-9-]{0,12}[\\\"', =]+[^ ]"),
    Probe(("token",), rf"(?i)token(?:s|[_a-z0-9]{{0,12}}){_CLOSE}[ \t]{{0,4}}(?:[:=>|]{{1,3}}|%3[Dd])[ \t\\nr\n]{{0,48}}[\\\"'`bBrRNL({{\[]*[ \t\\n\n]{{0,48}}[\\\"'`]*(?:[A-Za-z]{{3,8}} )?[A-Za-z0-9+/_.~=-]{{6}}", 0),
    *(
        Probe((word,), rf"(?i){word}[\"'`*_]{{0,3}}{_BEGINS}(?:{_LEADS_TO}|[ \t]{{1,16}})[(\[*_]{{0,3}}(?:{_QUOTE})?[A-Za-z+/_=.-]{{0,60}}[0-9][A-Za-z0-9+/_=.-]{{3}}", 0)
        for word in ("token", "key")
    ),
    *(Probe((word,), rf"(?i){word}[({{]{_QUOTE}[A-Za-z0-9+/_.~=-]{{8}}", 0) for word in ("token", "auth")),
    Probe(("token",), r"(?i)token (?:is|was|to|now|=|:)[: ]{1,2}[^ ]{0,40}[0-9]", 0),
    Probe(("token",), r"(?i)tokens?[\\\"']+[ \t]{0,4}(?::[ \t]{0,4}[\[{]|,[ \t]{0,4}[\\\"'\[{]|\))", 0),
    Probe(("key",), rf"(?i)key[A-Za-z0-9_]{{0,8}}[*_]{{0,3}}{_CLOSE}[ \t]{{0,4}}(?:[:=>,]|is )[ \t*_]{{0,6}}[\\\"'`bBrR(\n]*[ \t\n]{{0,40}}[\\\"'`]*[A-Za-z0-9+/_.~=:-]{{16}}", 0),
    # What a test compares with: by the words of tests, which are rarer than the names.
    Probe(("tobe", "equal", "eq(", "eql(", "tohavevalue", "compareto"), r"(?i)(?:tobe|equal|equals|equalto|eql?|tohavevalue|ignorecase|compareto)\([\\]*[\"'`]", 0),
    Probe(("assert", "expect_eq", "strcmp", "strcasecmp", "compare_digest", "equal"), r"(?i)(?:assert|expect_eq|strcmp|strcasecmp|compare_digest|equals?\()[^\n;]{0,60}(?:passw|passphrase|pwd|secret|token|key)[A-Za-z0-9_]{0,8}[\\\"'`\])]{0,9},[ \\n]{0,9}[\\]*[\"'`]", 0),
    # The shortest words begin where a word or a part of a name does: random characters hold them often.
    Probe(("auth", "pass", "bearer"), rf"(?i)(?:auth[s2]?|pass|bearer){_QUALIFIED}{_GENERATED}", 0),
    Probe(("dsn", "pat", "sid", "pw"), rf"(?:(?:^|[^A-Za-z0-9]|\\[nrt])(?:[dD][sS][nN]|[pP][aA][tT]|[sS][iI][dD]|[pP][wW])|[a-z0-9](?:Dsn|DSN|Pat|PAT|Sid|SID|Pw|PW))(?i:{_QUALIFIED}){_GENERATED}", 3),
    Probe(("pw",), r"(?i)pw[\\\"']+[ \t]{0,4}[:=]", 0),
    Probe(("token",), r"(?i)token(?:: {0,3}[&'a-z.]{1,16}(?:\[[a-z]{1,12}\]|(?: \|)? [a-z]{1,8})? {0,3}=| ?!==?) {0,3}[\\]{0,7}[\"'][A-Za-z0-9+/_.~=-]{8}", 0),
    Probe(("pat is", "pat was"), r"PAT (?:is|was) [^ ]{0,40}[0-9]", 0),
    Probe(("pw",), r"pw (?:for|of|to|is|was)[^\"]{0,80}[0-9!@#$%^&*_]", 0),
    Probe(("pw is", "pw was"), r"pw (?:is|was):? [\\]{0,7}[\"'`]", 0),
    Probe(tuple(word.encode().lower().decode() for word in _NATIVE_WORDS), "|".join(_NATIVE_WORDS), 0),
)  # fmt: skip
