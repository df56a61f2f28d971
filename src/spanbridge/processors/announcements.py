# ruff: noqa: E501, RUF001 - a pattern broken over lines can neither be read nor searched; full-width signs are what some languages write
"""Passwords and keys that a sentence announces without a name right before them: logins as `bob / x`, `the key you gave me (x)`, `x is the password`."""

from __future__ import annotations

from spanbridge.processors.key_names import looks_like_credential
from spanbridge.processors.matcher import Probe
from spanbridge.processors.text_rule import TextRule, pattern_rule
from spanbridge.processors.value_words import is_mixed_word

_LOGINS = {
    "de": "zugangsdaten anmeldedaten logindaten login-daten", "fr": "identifiants_de_connexion identifiants identifiant", "es": "credenciales_de_acceso credenciales",
    "pt": "credenciais_de_acesso credenciais", "it": "credenziali_di_accesso credenziali", "nl": "inloggegevens", "pl": "dane_logowania",
    "ru": "учетные_данные данные_для_входа", "zh": "账号密码 帐号密码", "ja": "ログイン情報", "": "wifi wi-fi wlan ssid",
}  # fmt: skip
"""What a user's name and a password are called together, by language, the longest first; also a network's."""
_WORDS = [word.replace("_", " ") for words in _LOGINS.values() for word in words.split()]
_LOGIN = "|".join(word if word.isascii() else f"{word}|{word.capitalize()}" for word in _WORDS)
"""In either case; ASCII as patterns compare it, other letters as they are written."""
_LOGIN_GATES = (
    "daten", "identifiant", "creden", "inloggegevens", "dane logowania", "анные", "密码", "ログイン情報", "wifi", "wi-fi", "wlan", "ssid",
)  # fmt: skip
_BEFORE_GATE = 18
"""Bytes, as in "учетные д" before "анные"."""
_VALUE = r"(?P<v>[^\s\"'`<>\\,;/]{4,80}[^\s\"'`<>\\,;.:!?)/])"
_GIVER = r"(?:that |which )?(?:you|we|I|he|she|they) (?:have |had |has |just )?(?:gave|sent|shared|posted|pasted|provided|used|got|received|generated|created|given)(?: (?:me|us|you|him|her|them|to me|above|earlier))?"
_NAME = r"(?:api[ -]?key|secret(?: key)?|access key|access token|api token|token|password|passphrase)"

ANNOUNCEMENT_RULES: tuple[TextRule, ...] = (
    pattern_rule("login", (Probe(_LOGIN_GATES, rf"(?i)(?:{_LOGIN})[ \xc2\xa0]{{0,2}}(?::|\xef\xbc\x9a)[^\n\"]{{1,70}}/", _BEFORE_GATE),), rf"(?<![\w-])(?:{_LOGIN})[ \u00a0]?[:：] ?[^\s/:,;\"]{{1,40}}(?: [^\s/:,;\"]{{1,24}})? ?/ ?{_VALUE}", is_mixed_word),
    pattern_rule("assignment", (Probe(("clave",), r"[cC]lave(?: [^\n0-9]{1,32})?(?: es|:)[^0-9\n]{1,16}[0-9]", 0),), rf"(?<!palabra )\bclave(?: (?:temporal|nueva|actual))?(?: (?:de|del|para) [^\s:]{{1,24}}(?: [^\s:]{{1,24}})?)?(?: es:?|:) {_VALUE}", is_mixed_word),
    pattern_rule("assignment", (Probe(("key", "secret", "token", "passw", "passphrase"), rf"(?i){_NAME}(?: that| which)? (?:you|we|I|he|she|they) [a-z ]{{3,30}}(?:\(|: ?|[\"'`])", len("access ")),), rf"\b{_NAME} {_GIVER} ?(?:\(|: ?)?[\"'`]?{_VALUE}", looks_like_credential),
    pattern_rule("login", (Probe(tuple(f" {word} {whose} {kind}pass" for word in ("is", "as") for whose in ("the", "my", "your", "our") for kind in ("", "new ")), r"(?i) (?:is|as) (?:the|my|your|our)(?: new)? pass(?:word|phrase|code)", 0),), r"(?<!\S)(?P<v>[^\s\"'`<>\\,;/:=()]{6,80}) (?:is|as) (?:the|my|your|our)(?: new)? pass(?:word|phrase|code)(?=[.,;!)]|\Z|\n|\\n| (?:for|to|of|now|btw|and|but|again|if|on|in)\b)", is_mixed_word),
)  # fmt: skip
