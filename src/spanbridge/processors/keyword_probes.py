# ruff: noqa: E501 - a pattern broken over lines can neither be read nor searched
"""What the prefilter looks for on behalf of the keyword rule: the words, and how a value may follow them."""

from __future__ import annotations

from spanbridge.processors.key_names import ALONE, CODE_OWNERS, KEY_OWNERS, PASS_OWNERS, QUALIFIERS, TOKEN_OWNERS
from spanbridge.processors.matcher import Probe

_TAIL = r"[A-Za-z0-9_./*\[\]-]{0,24}"
_CLOSE = r"(?:[\\\"'`\])]|&quot;|&#34;|%22)*"


def _probes_for(words: str, gates: tuple[str, ...], owners: tuple[str, ...] = ()) -> tuple[Probe, ...]:
    """How a value may follow one of `words`, with one of `owners` before it: operator, next item, prose, quote or bracket."""
    tails = (
        rf"{_TAIL}(?: [A-Za-z0-9()]{{1,12}})?{_CLOSE}[ \t]{{0,8}}(?:[:=>|]|%3[AaDd])",
        r"[A-Za-z0-9_.-]{0,24}(?: (?:field|input|box|textbox|entry))?[\\\"'`\])>]+[ \t]{0,4},",
        rf"{_TAIL}[\"'`]?(?: (?:for|of|to)(?: [A-Za-z0-9.@'_-]{{1,40}}){{1,4}})? {{1,2}}(?:is|was|are|ist|lautet|es|est|to|now|will be|set to|equals)[: ](?:now|set to|currently|still)?[: ]{{0,3}}(?:[\\\"'`*]|[^ \\\"]{{0,40}}[0-9!@#$%^&*_])",
        rf"{_TAIL} {{1,2}}[A-Za-z0-9+/_=.-]{{16}}",
        rf"{_TAIL}(?:[ \t]{{1,4}}(?:by |as )?|\([ \t]{{0,2}})\\*[\"'`]",
    )
    if not owners:
        return tuple(Probe(gates, f"(?i)(?:{words}){tail}", 0) for tail in tails)
    owned = f"(?i)(?:{'|'.join(owners)})[ _./-]{{0,2}}"
    reach = max(map(len, owners)) + 2
    return tuple(Probe(gates, f"{owned}{words}{tail}", reach, f"(?i){words}{tail}", owners) for tail in tails)


def _owned_probes(word: str, owners: frozenset[str]) -> tuple[Probe, ...]:
    """A word that is secret by its owner, in any spelling of the two."""
    return _probes_for(word, (word,), tuple(sorted(owners)))


_WORDS = ("passphrase", "passcode", "kennwort", "pwd", "secret", "credential", "creds", "cookie", "senha", "wachtwoord",
          "jwt", "otp", "mot de passe", "connstr", "mdp")  # fmt: skip
_NATIVE_WORDS = tuple(
    sorted({spelled for word in ALONE if not word.isascii() for spelled in (word, word.capitalize(), word.upper())})
)
_QUALIFIED = rf"(?:[_./ -]{{0,2}}(?:{'|'.join(sorted(QUALIFIERS))}|v?[0-9]{{1,2}})){{0,2}}[_:\[\]/*]{{0,2}}{_CLOSE}[ \t]{{0,4}}[:=>,][ \t]{{0,4}}"
_GENERATED = r"(?:[\[{]|[\\\"'`bBrR(]*[A-Za-z0-9+/_.~=:@!#$%^&*-]{4})"
_NAME_END = rf"[A-Za-z0-9_./ *\[\]-]{{0,24}}{_CLOSE}[ \t]{{0,8}}[:=>]"


def _owned_names(word: str, *owners: str) -> Probe:
    """As above, of names alone: what an operator follows."""
    end = f"{word}{_NAME_END}"
    return Probe(
        (word,), f"(?i)(?:{'|'.join(owners)})[ _./-]{{0,2}}{end}", max(map(len, owners)) + 2, f"(?i){end}", owners
    )


_RARE = ("mnemonic", "csrf", "xsrf", "cred", "psk", "cvv", "cvc", "heslo", "lozinka", "jelszo", "salasana", "adgangskode", "kodeord", "passord", "sifre",
         "motdepasse")  # fmt: skip
_RARE_NAMES = (
    Probe(_RARE, f"(?i)(?:{'|'.join(_RARE)}){_NAME_END}", 0),
    _owned_names("word", "pass"),
    _owned_names("phrase", "pass", "seed", "recovery"),
    _owned_names("passe", "mot", "mot de", "mot_de", "mot-de", "mot.de", "mot/de"),
    _owned_names("base", "secret"),
    _owned_names("pw", "user", "root"),
    _owned_names("assertion", "client"),
    _owned_names("answer", "security", "secret", "recovery"),
    _owned_names("str", "conn", "connection"),
    _owned_names("signature", "amz", "goog", "oss", "hub", "slack", "stripe", "twilio", "svix", "webhook"),
    Probe(("pin", "puk"), rf"(?i)p(?:in|uk){_CLOSE}[ \t]{{0,4}}:[ \t]{{0,4}}[\\\"']*[0-9]{{4}}", 0),
    Probe(("seed", "sas", "pw"), rf"(?i)(?:seed|sas|pw){_QUALIFIED}{_GENERATED}", 0),
    Probe(("token", "key"), rf"(?i)(?:token|key)s?[_./ \[*-]{_QUALIFIED}[\\\"'`bBrR(]*[A-Za-z0-9+/_.~=-]{{8}}", 0),
)
KEYWORD_PROBES = (
    # Apart, so that a match tells which of the frequent words to look for; each set makes the automaton larger.
    *_probes_for("authorization", ("authorization",)),
    *_probes_for("passw(?:or)?[dt]|" + "|".join(_WORDS), ("passw", *_WORDS)),
    *_probes_for("contrase.{1,2}a|connection.?string|conn_str|(?:recovery|seed)[ _-]?phrase", ("contrase", "conn", "recovery", "seed")),
    *_RARE_NAMES,
    *_owned_probes("key", KEY_OWNERS),
    *_owned_probes("token", TOKEN_OWNERS),
    *_owned_probes("code", CODE_OWNERS),
    *_owned_probes("pass", PASS_OWNERS),
    Probe(("login", "user"), r"(?i)(?:login|user)[ \t\\nr]{1,4}[^ \t\n\"]{1,80}[ \t\n\\nr]{1,8}password[ \t]", 0),
    Probe(("passw", "secret", "token", "key", "auth", "pwd", "credential", "pass"), r"(?i)-[A-Za-z0-9-]{0,24}(?:passw(?:or)?d|passphrase|pass|pwd|secret|token|key|auth|credentials?)[A-Za-z0-9-]{0,12}[\\\"', =]+[^ ]"),
    Probe(("token",), rf"(?i)token(?:s|[_a-z0-9]{{0,12}}){_CLOSE}[ \t]{{0,4}}(?:[:=>|]|%3[Dd])[ \t\\n]{{0,4}}[\\\"'`bBrR({{]*(?:[A-Za-z]{{3,8}} )?[A-Za-z0-9+/_.~=-]{{6}}", 0),
    Probe(("token",), r"(?i)token {1,2}[A-Za-z0-9+/_=.-]{16}", 0),
    Probe(("token",), r"(?i)token (?:is|was|to|now|=|:)[: ]{1,2}[^ ]{0,40}[0-9]", 0),
    Probe(("token",), r"(?i)tokens?[\\\"']+[ \t]{0,4}(?::[ \t]{0,4}[\[{]|,[ \t]{0,4}[\\\"'\[{]|\))", 0),
    Probe(("key",), rf"(?i)key[A-Za-z0-9_]{{0,8}}{_CLOSE}[ \t]{{0,4}}(?:[:=>,]|is )[ \t]{{0,4}}[\\\"'`bBrR(]*[A-Za-z0-9+/_.~=:-]{{16}}", 0),
    # The shortest words begin where a word or a part of a name does: random characters hold them often.
    Probe(("auth", "pass", "bearer"), rf"(?i)(?:auths?|pass|bearer){_QUALIFIED}{_GENERATED}", 0),
    Probe(("dsn", "pat", "sid", "pw"), rf"(?:(?:^|[^A-Za-z0-9]|\\[nrt])(?:[dD][sS][nN]|[pP][aA][tT]|[sS][iI][dD]|[pP][wW])|[a-z0-9](?:Dsn|DSN|Pat|PAT|Sid|SID|Pw|PW))(?i:{_QUALIFIED}){_GENERATED}", 3),
    Probe(("pw",), r"(?i)pw[\\\"']+[ \t]{0,4}[:=]", 0),
    Probe(tuple(word.encode().lower().decode() for word in _NATIVE_WORDS), "|".join(_NATIVE_WORDS), 0),
)  # fmt: skip
