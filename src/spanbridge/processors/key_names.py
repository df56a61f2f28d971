# ruff: noqa: E501 - a row of a table is one line
"""Whether a name says that its value is secret, and whether a value has the shape of one: the same two questions for mappings, text, argv, headers.

A name is split at separators and changes of case (`x-api-key`, `dbPasswd`, `OPENAI_API_KEY_V2`, `client secret`), qualifiers at its end are
dropped, and the last one or two words decide. `next_page_token` and its relatives (page, sync, continuation) are cursors, not credentials: they stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import IntEnum
from functools import lru_cache

from spanbridge.processors.generated_words import is_generated


class Sensitivity(IntEnum):
    """What a name says of its value."""

    NONE = 0
    WEAK = 1
    """Secret where the value looks like a credential."""
    STRONG = 2
    """Secret whatever the value is, placeholders aside."""


Classifier = Callable[[str], Sensitivity]


def word_set(text: str) -> frozenset[str]:
    """The words of a text, as a table."""
    return frozenset(text.split())


QUALIFIERS = word_set(
    "old new current previous prev prod production dev development staging stage test testing live sandbox primary secondary confirm "
    "confirmation confirmed again repeat repeated verify value values plain plaintext cleartext raw text string str hash hashed encrypted enc "
    "b64 base64 binary pem backup override default header input main local global one two eu us uk emea apac east west north south central northeast southeast qa uat preprod nonprod"
)
"""Words at the end of a name that say which one, not what it is."""
ALONE = word_set(
    "password passwords passwd passwds passphrase passphrases passcode passcodes pwd pwds pw secret secrets credential credentials creds cred "
    "authorization cookie apikey apikeys jwt otp totp passwort kennwort contraseña contrasena senha wachtwoord lösenord hasło пароль 密码 密碼 口令 "
    "パスワード 비밀번호 mdp privatekey secretkey accesskey connectionstring connstr userpass htpasswd mnemonic "
    "psk cvv cvc cvv2 cvc2 motdepasse heslo haslo lozinka jelszó jelszo salasana adgangskode kodeord passord şifre sifre requirepass masterauth bindpw sshpass"
)
_WEAK_ALONE = word_set(
    "token tokens auth auths dsn cookies pat pass bearer sid jwts csrf xsrf authtoken sas seed parola"
)
_LOGINS = word_set("auth credential credentials cred creds login")
_PINS = word_set("pin puk")
"""Secret where the value is a number of four to eight digits: other pins are parts of a board."""
KEY_OWNERS = word_set(
    "api private secret signing signature encryption decryption master access account subscription storage license licence auth "
    "authentication authorization deploy deployment ssh shared admin hmac symmetric webhook jwt rsa aes session crypto bearer role "
    "apikey application"
)
_NOT_KEY_OWNERS = word_set(
    "authorized known trusted model feature experiment flag topic document record entity property option tab chart theme asset file image template case step workflow node edge "
    "language currency country region job task run queue lock tenant dimension segment campaign menu section "
    "gpg pgp recv install import export fetch send trusted "
    "primary foreign sort partition cache object s3 routing idempotency by answer legend translation project issue public host hot shortcut "
    "row column index dict map group unique composite join shard message config setting event context lookup hash natural surrogate arrow "
    "enter escape function modifier next prev start end min max last first any no all each per color data json i18n locale label metric state "
    "storage_key socket websocket site recaptcha captcha scope field search query ssm bucket store blob registry kms log trace span dedup deduplication error widget react publishable publish anon"
)
TOKEN_OWNERS = word_set(
    "access refresh id auth authentication bearer bot deploy session csrf xsrf api security oauth oauth2 identity jwt secret app registration "
    "reset invite invitation device webhook sas account admin personal service verification install installation user login magic "
    "vault private csrfmiddleware authenticity requestverification sso saml impersonation federation"
)
_NOT_TOKEN_OWNERS = word_set(
    "page next continuation sync stop eos bos pad unk mask cls sep special max min total input output prompt completion cached reasoning "
    "budget cursor start end first last per num number cache read write creation used remaining available context new text audio image video "
    "thinking thought candidates candidate billed estimated prev previous resume top current unknown begin tool accepted rejected prediction "
    "delta chunk avg average mean logit sampled generated vocab byte lexer parser syntax design keyword "
    "progress idempotency client request key"
)
CODE_OWNERS = word_set(
    "mfa otp totp 2fa recovery backup security auth authorization access scratch sms verification onetime passcode pin login signin reset activation unlock authenticator door alarm device "
    "factor twofactor multifactor tfa authentication bypass disarm gate keypad lockbox pairing"
)
PASS_OWNERS = word_set(
    "db database user smtp mail email ftp sftp redis mysql postgres pg admin root login imap auth proxy http https mongo rabbitmq ldap ssh vpn wifi default become sudo bind "
    "prod production staging dev app api service svc server remote cluster crm erp git jenkins nexus artifactory vault jira wordpress wp grafana kibana elastic elasticsearch kafka mq amqp oracle "
    "mssql sql sqlserver mariadb postgresql mongodb clickhouse snowflake smb samba rdp vnc snmp radius router account portal guest keystore truststore"
)
_OF_SYSTEMS = word_set("password passwd passphrase pwd pass pw secret token apikey")
_KEYS_OF_SYSTEMS = frozenset(
    {
        ("api", "key"),
        ("api", "token"),
        ("api", "secret"),
        ("secret", "key"),
        ("access", "token"),
        ("auth", "token"),
        ("access", "key"),
        ("client", "secret"),
    }
)
_QUALIFIERS_OF_SYSTEMS = QUALIFIERS | word_set(
    "db database app smtp ftp sftp redis mysql postgres postgresql pg imap mongo mongodb rabbitmq ldap ssh vpn wifi github gitlab openai slack aws "
    "admin root azure gcp google anthropic gemini mistral cohere huggingface stripe twilio sendgrid mailgun jira notion hubspot salesforce discord telegram npm pypi docker "
    "cloudflare datadog sentry vercel heroku netlify"
)
"""Behind a name that begins with one or two of these words they say whose it is: `PWD_DB`, `API_KEY_STRIPE`."""
PIN_OWNERS = word_set(
    "user card unlock security sim atm device door bank account login voicemail wallet transaction debit my"
)
_PW_OWNERS = word_set("user root bind old new my sudo key store keystore truststore master")
"""Beside those of `pass`: `rootpw`."""
_OF_PIECES = word_set("text str string")
"""Behind a bare `token` they say that it is a piece of text."""
_SID_OWNERS = word_set("connect session sess php php4 asp aspsession user login auth")
"""Whose `sid` is a session; elsewhere it is an id, as the `AccountSid` of a telephone company."""
_SENDS_CLIENT_TOKEN = word_set("aws ec2 ecs idempotency request datadog dd")
"""Whose `client_token` is no credential: it says that a request is the same one, or is published; `OKTA_CLIENT_TOKEN` is one."""
_LIMITS = word_set("ratelimit limit limits rate quota usage")
"""Beside these, tokens are counted: `x-ratelimit-reset-tokens`."""
_PAIRS = frozenset({("connection", "string"), ("conn", "string"), ("conn", "str"), ("seed", "phrase"), ("recovery", "phrase"), ("pass", "word"),
                    ("pass", "phrase"), ("recovery", "phrases"), ("mot", "passe"), ("connection", "strings"), ("secret", "base"), ("amz", "signature"), ("goog", "signature"), ("oss", "signature"), ("hub", "signature"), ("slack", "signature"),
                    ("stripe", "signature"), ("twilio", "signature"), ("svix", "signature"), ("webhook", "signature"), ("client", "assertion"), ("code", "verifier"), ("access", "signature"), ("security", "answer"), ("secret", "answer"),
                    ("recovery", "answer"), ("jenkins", "crumb"), ("wallet", "seed"), ("master", "seed"), ("totp", "seed")})  # fmt: skip
_OF_OTHERS = frozenset(
    {("existing", "secret"), ("pull", "secret"), ("pull", "secrets"), ("load", "credential"), ("import", "credential")}
)
"""Names of objects of Kubernetes and of systemd that hold secrets."""
_GLUED = re.compile(r"(.+?)(passwords?|passwd|passphrase|secrets?|tokens?|keys?|credentials|cookie|pwd|auth|pw)")
_GLUED_KEY_OWNERS = re.compile(r"\w+(?:account|access|api|private|secret|signing|encryption)")
"""What stands before `key` at the end of a word of several: `serviceaccountkey`."""
_GLUED_LOOKALIKES = word_set(
    "oldpwd monkey turkey donkey hockey whiskey jockey hotkey passkey compwd mkpasswd chpasswd gpasswd kpasswd ldappasswd yppasswd"
)
_SPLIT = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_ASCII_WORD = re.compile(
    r"[a-z0-9]+(?![A-Za-z0-9])|(?<![A-Za-z0-9])[A-Z0-9]+(?![A-Za-z0-9])|[A-Z]+(?=[A-Z][a-z])|[A-Z]*[a-z0-9]+|[A-Z]+"
)
"""The same of ASCII alone, at a third of the cost: random characters change their case everywhere."""
_REPETITION = re.compile(r"v?\d+")
OF_VOCABULARY = frozenset("ĠĊ▁")
"""How tokenizers mark the space before a word: `Ġpassword` is an entry of a vocabulary."""
_MAX_NAME = 200
"""Characters at a name's end that decide; a cache of names has a bound in bytes too."""


def words_of(text: str) -> list[str]:
    """The words of a text, in lower case: split at separators and changes of case."""
    if text.isascii():
        return [word.lower() for word in _ASCII_WORD.findall(text)]
    words: list[str] = []
    for part in _SPLIT.findall(text):
        if part.islower() or part.isupper():
            words.append(part.lower())
        else:
            words.extend(word.lower() for word in _CAMEL.sub(" ", part).split())
    return words


@lru_cache(maxsize=4096)
def split_words(name: str) -> tuple[str, ...]:
    """The words of a name, remembered: names come again, and are no secrets."""
    return tuple(words_of(name))


def classify(name: str) -> Sensitivity:
    """What `name` says of its value, by the built-in tables."""
    return _classify(name if len(name) <= _MAX_NAME else name[-_MAX_NAME:])


@lru_cache(maxsize=8192)
def _classify(name: str) -> Sensitivity:
    if name[:1] in OF_VOCABULARY:
        return Sensitivity.NONE
    words = [*split_words(name)]
    begins_secret = words[:1] and (words[0] in _OF_SYSTEMS or tuple(words[:2]) in _KEYS_OF_SYSTEMS)
    qualifiers = _QUALIFIERS_OF_SYSTEMS if begins_secret else QUALIFIERS
    while len(words) > 1 and (
        words[-1] in qualifiers or words[-1].rstrip("0123456789") in qualifiers or _REPETITION.fullmatch(words[-1])
    ):
        if len(words) > 1 and (words[-2], words[-1]) in _PAIRS:
            break
        words.pop()
    if not words:
        return Sensitivity.NONE
    last = words[-1].rstrip("0123456789") or words[-1]
    owner = words[-2] if len(words) > 1 else ""
    if owner == "time" and words[-3:-2] == ["one"]:
        owner = "onetime"
    if (owner, last) in _OF_OTHERS:
        return Sensitivity.NONE
    if last in ALONE or (owner, last) in _PAIRS or (len(words) > 2 and (words[-3], last) in _PAIRS):
        return Sensitivity.STRONG
    if (
        len(words) == 1
        and words != [*split_words(name)]
        and last in ("token", "tokens")
        and split_words(name)[1] in _OF_PIECES
    ):
        return Sensitivity.NONE
    if last in ("key", "keys", "token", "tokens", "code", "codes", "pass"):
        if owner == "client" and len(words) > 2 and words[-3] not in _SENDS_CLIENT_TOKEN:
            owner = words[-3]
        return Sensitivity.NONE if not _LIMITS.isdisjoint(words) else _owned(owner, last, glued=False)
    glued = _GLUED.fullmatch(last)
    if glued is not None and last not in _GLUED_LOOKALIKES:
        rest, stem = glued.groups()
        if stem.startswith(("key", "token")):
            return _owned(rest, stem, glued=True)
        if stem == "auth":
            return Sensitivity.WEAK
        if stem == "pw":
            return Sensitivity.STRONG if rest in PASS_OWNERS or rest in _PW_OWNERS else Sensitivity.NONE
        return Sensitivity.STRONG
    if last in _PINS:
        return Sensitivity.STRONG if owner in PIN_OWNERS else Sensitivity.WEAK
    if last == "sid" and owner and owner not in _SID_OWNERS:
        return Sensitivity.NONE
    return Sensitivity.WEAK if last in _WEAK_ALONE else Sensitivity.NONE


def _owned(owner: str, last: str, *, glued: bool) -> Sensitivity:
    """A word that is secret by its owner: whose key, token, code or pass it is."""
    if last.startswith("key"):
        if owner in KEY_OWNERS or (glued and _GLUED_KEY_OWNERS.fullmatch(owner)):
            return Sensitivity.STRONG
        return Sensitivity.NONE if glued or not owner or owner in _NOT_KEY_OWNERS else Sensitivity.WEAK
    if last.startswith("token"):
        if owner in _NOT_TOKEN_OWNERS:
            return Sensitivity.NONE
        return Sensitivity.STRONG if owner in TOKEN_OWNERS else Sensitivity.WEAK
    if last.startswith("code"):
        return Sensitivity.STRONG if owner in CODE_OWNERS else Sensitivity.NONE
    return Sensitivity.STRONG if owner in PASS_OWNERS else Sensitivity.WEAK


def classifier_with(extra_keys: Sequence[str], allow_keys: Sequence[str] = ()) -> Classifier:
    """The classifier that also takes `extra_keys`, in any spelling, also behind a prefix, and lets `allow_keys` pass."""
    if not extra_keys and not allow_keys:
        return classify
    allowed = frozenset(map(split_words, allow_keys))
    extra = [split_words(key) for key in extra_keys]
    glued = frozenset("".join(words) for words in extra)

    @lru_cache(maxsize=8192)
    def cached(name: str) -> Sensitivity:
        words = split_words(name)
        if words in allowed:
            return Sensitivity.NONE
        if "".join(words) in glued or any(words[-len(key) :] == key for key in extra):
            return Sensitivity.STRONG
        return _classify(name)

    return lambda name: cached(name[-_MAX_NAME:])


# ── values ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

_CREDENTIAL = re.compile(r"[A-Za-z0-9_\-.+/=~:%$!@#^&*|]{8,8192}")
_TWO_WORDS = r"[A-Za-z]{3,16}\.(?!(?:sha|utf|int|uint|float|base|encode|decode|blake|crc|ascii|version|pass|key|token|secret|field|item|value|arg|param|var|user|name|test|step)\d)[A-Za-z]{3,16}\d{1,4}"
"""Two words and a number, as people make passwords; hardly an attribute ends so."""
_DISGUISED = r"(?!(?:s|h|p|v|sha|md|log|web|boto|py)\d)[a-z]{1,6}[013457][a-z]{3,12}\.[a-z]{4,16}"
"""Two words, a letter of the first as a digit: `k1tten.mittens`."""
_IDENTIFIER = re.compile(
    r"[A-Za-z]+(?:[_.\-:/ ][A-Za-z]+)*[_.\-]?\d{0,3}|(?!SK)[A-Z]{2}[0-9a-f]{32}|0x[0-9a-fA-F]{40}|[A-Za-z_]\w{0,24}(?:(?:\.|::)[A-Za-z_]\w{0,24})+|v?\d+(?:[.,:/-]\d+)*(?:[a-z%]{0,3}|[+-][a-z]{2,16}(?:\.\d+)?)"
)
_DIGITS = re.compile("[0-9](?:[^0-9]*([0-9]))?")
_MEMBER = re.compile(rf"(?!(?:{_TWO_WORDS}|{_DISGUISED})\Z)[A-Za-z_]\w*(?:(?:\.|::)(?!\d\d)\w+|\[\w*\]|->\w+)+")
_NUMBER = re.compile(r"\d{1,2}-\d{1,3}|0x[0-9A-Fa-f]{1,8}")
"""Of a length, `8-64 characters`, and of code."""
_SIGN_INSIDE = re.compile(r"[!@#$%^&*+~?=](?:(?<=\w.)[!@#$%^&*+~?=]*\w|(?<=[A-Za-z]{3}[!@#$%^&*])$)")
"""Between letters, or behind them at the end; the sign first, to which `re` skips quickly."""
_NOT_CREDENTIAL = re.compile(
    r"(?i)[a-z][a-z0-9+.-]{1,24}://\S*|data:.*|(?:s3|gs|file):/\S*|sha\d+[:-].*|[/~.][\w./-]*/[\w./-]*|[\w.+-]+@[\w-]+\.[\w.]+|\d{4}-\d\d-\d\d[T ]?.*|[a-z]:\\.*|arn:.*|\d{1,5}/(?:tcp|udp|sctp)"
)
_SIGN_OF_ADDRESS = re.compile("[:/@-]")
"""What each of these holds."""


def _is_address(value: str) -> bool:
    """Whether `value` leads to something: an address, a path, a digest, a date."""
    return _SIGN_OF_ADDRESS.search(value) is not None and _NOT_CREDENTIAL.fullmatch(value) is not None


def looks_like_credential(value: str) -> bool:
    """Whether `value` has the shape of a generated key: one word, letters and digits mixed, neither an identifier, a path nor a date."""
    if value[:7].lower() in ("bearer ", "basic c") or value[:6].lower() in ("basic ", "token "):
        value = value.split(" ", 1)[1]
    value = value.strip("<>[]{}")
    if _CREDENTIAL.fullmatch(value) is None:
        return False
    if _IDENTIFIER.fullmatch(value):
        return (
            len(value) >= 16
            and value not in (value.lower(), value.upper())
            and is_generated(value.rstrip("0123456789"))
        )
    if _is_address(value):
        return False
    found = _DIGITS.search(value)
    digits = 0 if found is None else 2 if found[1] else 1  # or more
    lower = value != value.upper()
    upper = value != value.lower()
    if len(value) >= 16:
        return len(set(value)) >= 6 and (
            (digits >= 2 and (lower or upper))
            or (lower and upper and digits > 0)
            or (lower and upper and len(value) >= 24 and "_" not in value)
        )
    return digits >= 2 and lower and upper and len(set(value)) >= 6


def names_login(name: str) -> bool:
    """Whether a name is one of a user and a password together: `auth=("bob", "x")`."""
    return not _LOGINS.isdisjoint(split_words(name)[-1:])


def is_pin(name: str, value: str) -> bool:
    """Whether a number is secret by its name alone: `{"pin": "4829"}`."""
    return not _PINS.isdisjoint(split_words(name)[-1:]) and value.isdigit() and 4 <= len(value) <= 8


def looks_like_password(value: str) -> bool:
    """Whether an unquoted word after a word such as "password" can be one: it holds a digit or a symbol, or was generated, and is no code."""
    if len(value) < 4 or _is_address(value) or _NUMBER.fullmatch(value):
        return False
    if value.isdigit():
        return True
    if any(map(str.isdigit, value)):
        return _MEMBER.fullmatch(value) is None
    return is_generated(value) or (_SIGN_INSIDE.search(value) is not None and re.search(r"[a-z]\.[a-z]", value) is None)


def is_path(value: str) -> bool:
    """Whether `value` is a directory, as `pwd` and `oldpwd` hold."""
    if re.match(r"[/~]|\.{1,2}/|[A-Za-z]:[\\/]", value) is None:
        return False
    return not any(len(part) >= 12 and looks_like_credential(part) for part in value.split("/"))  # base64
