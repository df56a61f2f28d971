"""A word where a value is expected: where it ends, whether it only names a secret, whether it is one."""

from __future__ import annotations

import re

from spanbridge.processors.key_names import Sensitivity, looks_like_credential, looks_like_password
from spanbridge.processors.native_words import NATIVE_NOUNS
from spanbridge.processors.placeholders import is_placeholder

GAP = r"[ \t\u00a0\u202f\u200b-\u200d\u2060\ufeff]"
"""Blanks, also those that nobody sees."""
GOES_ON = re.compile(r" [+*] \w")
"""Behind a name that is the first part of an expression: `key_size * 2`."""
_OTHER_SCRIPT = re.compile("[\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7af\uff00-\uffef]")
"""Where a sentence goes on that has no spaces."""
_NAME = re.compile(r"(?:[^\W\d]|[.\-:$/]){1,60}|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+){1,8}")
_OF_SECRET = re.compile(
    rf"(?i){'|'.join(NATIVE_NOUNS)}|passw|secret|token|credential|(?:^|[_.\-a-z])(?:key|pwd|auth)(?:$|s$|[_.\-])|[a-z]Key|cookie|authori"
)
_TECHNICAL_TERM = re.compile(
    r"[\d.,:%/-]{1,5}|[a-z]+-[a-z-]+|\d+(?-i:[a-z-]+|[A-Z]{1,4})|[A-Za-z]{1,3}-?\d{1,4}"
    r"|(?:sha|md|base|utf|rfc|argon|oauth|http|pkcs|blake|ipv|tls|ssl|gpt|llama|step|level|version|chapter|section|python|type|rot|hmac|scrypt|ascii|latin|win|line|page|case|item|step|part|phase|team|room|unit|slot|port|field|input|box|form|hash|policy|file|column|rule|check|group|param|attempt|option|stage|round|iso|nist|pci|soc|aes|pbkdf|bcrypt|html|web|day|week|q)-?\d{1,5}(?:[.:-]\d{1,4})?"
    r"|(?:user|test|node|host|mode)-?\d{1,3}",
    re.IGNORECASE,
)
"""What may follow "the token is" without being one: numbers, counted things, algorithms."""


def before_other_script(text: str, start: int, end: int) -> int:
    """Where the word between `start` and `end` ends, if a sentence of East Asia goes on behind it: `hunter2吗`."""
    other = _OTHER_SCRIPT.search(text, start, end)
    return other.start() if other else end


def names_itself(value: str) -> bool:
    """Whether a value is a name of a secret, not a secret: `password=user_password`, `token: access_token`."""
    return _NAME.fullmatch(value) is not None and _OF_SECRET.search(value) is not None


def is_secret_word(value: str, level: Sensitivity) -> bool:
    """Whether a word has the shape of what a name of this level says: of a password or of a generated key."""
    return (level is Sensitivity.STRONG and looks_like_password(value)) or looks_like_credential(value)


def is_technical_term(value: str) -> bool:
    """Whether a word is none in spite of its digits: `the token is SHA-256`."""
    return _TECHNICAL_TERM.fullmatch(value) is not None


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
        and not is_technical_term(value)
    )
