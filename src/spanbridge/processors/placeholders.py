# ruff: noqa: E501 - a row of a table is one line; some signs that maskers write look like others
"""Whether a value only stands for a secret: a variable, a template, a reference to a vault, a type, words that say "none", something masked.

Whatever a placeholder is made of, it holds no word that mixes letters and digits as secrets do: `${DB_PASSWORD}` stands for one,
`${USER}-hunter2moose`, `${DB_PASSWORD:-hunter2moose}` and `<hunter2moose>` hold one.
"""

from __future__ import annotations

import re

from spanbridge.processors.key_names import word_set, words_of

_HEAD = 300
"""Characters of a value that are looked at."""
_STAND_INS = word_set(
    # None.
    "none null nil undefined empty unset missing na tbd todo unknown unavailable absent not no without never "
    # Masked.
    "redacted masked hidden filtered removed omitted withheld scrubbed sanitized censored obfuscated "
    # Made up.
    "dummy fake sample example demo mock placeholder test testing changeme unused ignored anything "
    # Of the reader.
    "your yours insert enter put paste replace fill change update edit add set provide supply "
    # A type, a rule or a state of it.
    "str string text bytes int integer float number bool boolean object array dict list any optional required nullable varchar char type void "
    "secretstr sensitive invalid valid expired revoked enabled disabled rotated verified unverified pending sent accepted rejected denied granted "
    "true false yes on off read write always self include omit inherit default prompt ask session external managed essential strict lax "
    # Servers of models at home, whose clients insist on a key.
    "ollama lmstudio lm vllm llamacpp localai"
)
"""Words that say that a value is none."""
_AROUND = word_set(
    "api key keys apikey token tokens password passwd pwd pass secret secrets credential credentials user username client access auth bearer basic "
    "oauth oauth2 digest jwt iam cookie app private signing webhook sk pk ant proj ghp xoxb hf gsk me my the a an this that it here with to be in of or "
    "and value please now later needed set provided given defined found used applicable configured specified supplied stored available present studio "
    "env environment variable varying unique min max same origin read only"
)
"""Words that may stand around them."""
_NO_VALUES = word_set("password pass pwd pw secret token basic bearer oauth oauth2 digest jwt iam same-origin n/a")
"""Names of kinds, which are no values of the kind."""
_ASKS = re.compile(
    r"(?i)(?:your|(?:the|insert|put|enter|replace|add|paste|set|some|fake|dummy|sample|example)(?=[-_ .]))|my[-_ .]?(?:api[-_ .]?)?(?:key|token)\Z"
)
_ASKED_FOR = re.compile(r"(?i)key|token|secret|passw|pwd|pass\b|credential|here\W*\Z")
_SAYS = word_set(
    "the a an your for of to is are was used with must should be can will may if this that from when our its when which optional required"
)
_NOUN = re.compile(
    r"(?i)key|token|secret|passw|pass ?phrase|pwd|credential|cookie|auth|jwt|\botp\b|code|header|characters"
)
_VERDICT = re.compile(
    r"(?i)(?:is|are|was|must|should|can(?:no|')t|cannot|can (?:not|only)|has (?:already|been|expired|to)|do(?:es)? ?n[o']t|may (?:not|only)|too|at least|please|this field)\b.+"
)
"""How a message about a field begins: `is too short`."""

_PLAIN_WORD = re.compile(
    r"""(?x)
    [^\W\d_]{1,40} | \d{1,4} | [A-Za-z]{1,3}\d{1,4}[A-Za-z]? | \d{1,4}[A-Za-z]{1,3}  # db, 32, s3, k8s, v2, 16ch
    | [A-Z]{1,16}\d{1,2}                                                             # TOKEN2
    | (?i: [A-Za-z]{0,20}(?:key|token|secret|password|passwd|pwd|pass|user|name|value|arg|param|var|id|account|client|env|app|host)\d{1,2}
    | (?:sha|md|utf|aes|rsa|base|argon|oauth|auth|uuid|scrypt|http|x|tls|ed|curve|secp|pkcs|pbkdf|rfc|ipv|int|varchar|blake|bcrypt)\d{1,5}[a-z]{0,2}\d?)
    """
)
_WORD = re.compile(r"[^\W_]+")
_ALGORITHM = re.compile(
    r"(?i)[HREP]S(?:256|384|512)|EdDSA|ES256K|RSA-OAEP(?:-256)?|A\d{3}(?:GCM|KW|CBC)(?:-HS\d{3})?|(?:hmac-)?sha-?\d{1,3}|md5|aes-?\d{3}(?:-[a-z]{3})?|argon2(?:id|i|d)?|bcrypt|scrypt|pbkdf2|ed25519|x25519|secp256[kr]1|rsa-?\d{4}"
    r"|amd64|arm64|aarch64|x86_64|i[36]86|noarch|ppc64le|s390x"
)

_VARIABLE = re.compile(
    r"""(?x)
    \$\{\{[^{}]*(?:\}\}|\Z) | \$\{(?:[^{}]|\{[^{}]*\})*(?:\}|\Z) | \$\((?:[^()]|\([^()]*\))*(?:\)|\Z)      # ${{ secrets.X }}, ${X}, $(cmd)
    | (?i:\$env:\w+) | (?<![^\W_])\$[A-Z_][A-Z0-9_]*(?![a-z0-9]) | \$__\w+\{[^{}]*\}
    | \{\{[^{}]*(?:\}\}|\Z) | \{%.*?(?:%\}|\Z) | \#\{[^{}]*(?:\}|\Z) | @\{[^{}]*(?:\}|\Z) | <%.*?(?:%>|\Z)    # template engines
    | %\(\w+\)[sdr]
    """
)
_HOLES = re.compile(
    r"(?:[a-z]{1,8}[-_]){0,3}(?:\W{0,3}(?:\{[^{}\s\"',]{0,60}\}|%\w+%|@\w+@|%[sdrv]\b|<[^<>\n]*(?:>|\Z)|&lt;.*?(?:&gt;|\Z)|\[[^\[\]\n]{0,60}\])){1,4}\W{0,3}"
)
"""<your-key>, [your key], {key}: nothing but them, behind a format's prefix perhaps."""
_PATH = re.compile(
    r"(?:~|\.{1,2}|[A-Za-z]:)?(?:[\\/][\w.@+-]+){2,}[\\/]?|[\w.-]+\.(?:pem|key|crt|cer|p12|pfx|jks|json|txt|env|ya?ml)|(?:~|\.{1,2})[\\/][\w.@+-]+"
)
_REFERENCE = re.compile(
    r"""(?xi)
    (?:ref\+[a-z]+|vault|op|(?:aws|gcp|az)?-?(?:ssm|sm|secrets?|secrets?-?manager|kv)|aws|gcp|azure|azurekv|keyvault|doppler|env|file|keyring|keychain
        |bws?|bitwarden|lastpass|1password|infisical|conjur|sops|k8s|kubernetes|param(?:eter)?store|chamber|berglas|akeyless):{1,2}(?://)?(?P<rest>.+)
    | @Microsoft\.KeyVault\(.*\) | \{\{resolve:[\w:/.-]+\}\} | arn:aws[\w-]*:[\w-]+:[\w-]*:\d*:[\w:/.-]* | projects/[\w-]+/secrets/[\w-]+(?:/versions/\w+)?
    | ENC\[AES256_GCM,.* | (?-i:\$ANSIBLE_VAULT);.* | os\.environ/\w+
    """,
    re.DOTALL,
)
_ADDRESS = re.compile(r"(?i)[a-z][a-z0-9+.-]{1,24}://[^\s@?#;&=]*")
"""Of a machine or a file, without a user and parameters."""
_LOOK_UP = re.compile(
    r"""(?x)
    (?:await\ )?[A-Za-z_$][\w.$:]*(?:(?:\[[^\[\]]*\])+(?:\.\w+)*|!?\((?:[^()]|\([^()]*\))*\)(?:\.\w+(?:\([^()]*\))?)*)          # os.environ["X"], get_token()
    | (?:env|vault|secrets?|ssm|var|local|module|config|settings|self|this|args|params|options|opts|ctx|context|request|req|input|props|state|data|process\.env|import\.meta(?:\.env)?|os\.environ|cfg|conf|creds?)\.[A-Za-z_]\w*(?:\.\w+)*
    | (?:vault|secrets?|env)/[A-Za-z_][\w./-]*
    | process\.env | import\.meta\.env | ![A-Za-z]+(?:[ ].*)?
    """
)
_MASKED = re.compile(
    r"""(?x)
    (?:[A-Za-z]{1,12}\ )?(?:[A-Za-z0-9]{1,12}[-_]){0,4}[A-Za-z0-9]{0,6}   # Bearer sk-ant-ab
    (?:(?:\*{3,}|\.\.\.|…|•{3,}|●{3,}|█{3,}|[xX]{6,}|\[(?i:REDACTED|FILTERED|MASKED|HIDDEN|WITHHELD|SECRET|REMOVED)[^\]]{0,40}\]
        |<(?i:redacted|hidden|masked|secret|removed)[^>]{0,40}>)[-;,.\ ]*)+
    (?P<end>[A-Za-z0-9]{0,6})                                             # wxyz
    """
)
"""Something that was masked before, with what maskers leave at its ends."""
_FILLED = re.compile(
    r"(?i)(?:[a-z]{1,8}\d{0,2}[-_]){1,4}|(?:[a-z]{1,8}\d{0,2}[-_]){0,4}(?:x{3,}|y{3,}|z{3,}|0{3,}|\#{3,}|\*{2,}|\.{2,}|•{2,}|…)(?:[-x0*.…]*)[>\]]?"
)
"""xxxx, 0000, sk-xxxx, ghp_..., or a format's beginning alone."""
_FORMAT_ONLY = re.compile(r"(?:\W|%\(?\w*\)?[sdr]|\\{0,8}u20[0-9a-f]{2})*")
_INDEXED = re.compile(r"\[[A-Z][A-Z0-9_]*_[0-9a-f]{10}\]")
_MOST_SIGNS = 4
"""Different signs of a value that is nothing but punctuation; more of them were typed as a password."""
_SPAN_OF_MASK = 8
_LONGEST_END = 5


def is_placeholder(value: str) -> bool:
    """Whether `value` stands for a secret without being one."""
    value = value.strip()
    if len(value) > 2 and value[0] == value[-1] == "`" and " " in value:
        return is_plain(value)  # a command
    head = value.strip("\"'`\\").strip()[:_HEAD]
    if head[-1:] in (">", "]") and "<" not in head and "[" not in head:
        head = head[:-1]  # of a usage: `<user:password>`
    if head.isalnum():  # as most secrets are: one word
        return _is_filled(head) or _says_none(head) or _ALGORITHM.fullmatch(head) is not None
    return not head or was_masked(head) or _stands_for_one(head)


def was_masked(value: str) -> bool:
    """Whether `value` is what a filter leaves of a secret: `sk-…wxyz`, `[RULE_0123456789]`, `***`."""
    match = _MASKED.fullmatch(value)
    if match is not None:
        return True
    return "[" in value and _INDEXED.search(value) is not None and left_by_masker(_INDEXED.sub("", value))


def left_by_masker(rest: str) -> bool:
    """Whether no more than this stands around a mask: a scheme, a prefix, the last few characters of the secret."""
    return len(rest.strip()) <= _SPAN_OF_MASK and all(
        len(word) < _LONGEST_END or word.isalpha() for word in _WORD.findall(rest)
    )


def is_plain(text: str) -> bool:
    """Whether no word of a text mixes letters and digits as a secret does."""
    return all(map(_PLAIN_WORD.fullmatch, _WORD.findall(text)))


def _is_filled(word: str) -> bool:
    """Whether a word is filled with one character: `xxxx`, `0000`, perhaps between its ends, as in `abxxxxxxyz`."""
    return len(set(word)) < len(word) // 2 + 1 and (_FILLED.fullmatch(word) or _MASKED.fullmatch(word)) is not None


def _stands_for_one(value: str) -> bool:
    if _FORMAT_ONLY.fullmatch(value):
        return len(set(value)) <= _MOST_SIGNS or any(map(str.isalpha, value))
    if _FILLED.fullmatch(value) or _ALGORITHM.fullmatch(value) or value.lower() in _NO_VALUES:
        return True
    reference = _REFERENCE.fullmatch(value)
    if reference is not None:
        rest = reference["rest"]
        return rest is None or "/" in rest or is_plain(rest)
    return is_plain(value) and (
        _VARIABLE.search(value) is not None
        or _HOLES.fullmatch(value) is not None
        or _PATH.fullmatch(value) is not None
        or _LOOK_UP.fullmatch(value) is not None
        or _ADDRESS.fullmatch(value) is not None
        or _says_none(value)
        or _describes(value)
    )


def _says_none(value: str) -> bool:
    """Whether the words of a value say that it is none: `not set`, `YOUR_API_KEY`, `dummy-token-1`, `str | None`."""
    if value.isalpha() and value.lower() in _NO_VALUES:
        return True
    words = words_of(value)
    # A number at its end may count.
    if len(words) > 1:
        words = [*words[:-1], *filter(None, [words[-1].rstrip("0123456789")])]
    if any(word in _STAND_INS for word in words) and all(word in _STAND_INS or word in _AROUND for word in words):
        return True
    if not words or (len(words) == 1 and value[:4].lower() != "your"):
        return False
    # An environment variable's name, and `your-acme-key`.
    if value.isupper() and "_" in value and _ASKED_FOR.search(value.rsplit("_", 1)[-1]):
        return True
    if words[-1] == "here" and _NOUN.search(value):
        return True
    return _ASKS.match(value) is not None and _ASKED_FOR.search(value) is not None


def _describes(value: str) -> bool:
    """Whether a value is a sentence about the secret: `The API key of the service`, `must have a digit`."""
    words = value.lower().split()
    if len(words) < 2:
        return False
    if _VERDICT.fullmatch(value):
        return True
    return len(words) > 2 and not _SAYS.isdisjoint(words) and _NOUN.search(value) is not None
