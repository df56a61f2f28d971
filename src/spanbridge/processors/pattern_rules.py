# ruff: noqa: E501 - a pattern broken over lines can neither be read nor searched
"""Rules with a pattern of their own: private keys, headers, addresses, command lines, name and value apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spanbridge.processors.credential_patterns import at_left, is_basic
from spanbridge.processors.header_values import header_value
from spanbridge.processors.key_names import Classifier, Sensitivity, looks_like_credential
from spanbridge.processors.matcher import Probe
from spanbridge.processors.placeholders import is_placeholder
from spanbridge.processors.secret_manifests import MANIFEST_RULE
from spanbridge.processors.text_rule import Budget, Span, TextRule, compiled, matches, pattern_rule
from spanbridge.processors.value_words import is_mixed_word, names_itself

if TYPE_CHECKING:
    from collections.abc import Iterator

_PEM_BEGIN = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY\Z"
)
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_PEM_BODY = re.compile(
    r"""(?:(?:\\{1,8}[nrt]|[\s"'+>|,#])+(?:\d{1,6}(?:\t|\\{1,8}t|→|: ?)(?=[A-Za-z0-9+/=]{12}|[A-Za-z0-9+/=]{1,11}(?:[\r\n\\"]|\Z)|\Z))?|[A-Za-z0-9+/=]{12,}|[A-Za-z0-9+/=]{1,11}(?=[\r\n\\"',]|\Z)|(?:Proc-Type|DEK-Info|Version|Comment):[^\n\\]{0,120})"""
)
_PEM_LINE = re.compile(r"[A-Za-z0-9+/=]{12}")
_MAX_PEM = 64 * 1024


def _find_pem(text: str, budget: Budget) -> Iterator[Span]:
    done = 0
    for begin in matches(_PEM_BEGIN, text, budget):
        if begin.start() < done:
            continue
        limit = begin.end() + _MAX_PEM
        following = _PEM_BEGIN.search(text, begin.end(), limit)
        end = _PEM_END.search(text, begin.end(), following.start() if following else limit)
        if end is not None:
            if re.search(r"[A-Za-z0-9+/]{8}", text[begin.end() : end.start()]) is None:
                continue
            done = end.end()
        else:
            done = _pem_body(text, begin.end())
            if _PEM_LINE.search(text, begin.end(), done) is None:
                continue
        yield Span(begin.start(), done, "private_key")


def _pem_body(text: str, at: int) -> int:
    """How far the lines of a key reach that has no end."""
    end = at
    while (match := _PEM_BODY.match(text, at)) is not None and match.end() > at:
        at = match.end()
        if len(match[0]) >= 12 or text[end:at].strip():
            end = at if not match[0].isspace() else end
    return end


def unfinished_key(text: str) -> int | None:
    """Where a private key starts that reaches to the end of a text and has no end there."""
    begin = text.rfind("-----BEGIN ")
    if begin < 0 or len(text) - begin > _MAX_PEM:
        return None
    head = _PEM_BEGIN.match(text, begin)
    if head is None or _PEM_END.search(text, head.end()) is not None:
        return None
    rest = text[_pem_body(text, head.end()) :]
    return begin if _PEM_REST.fullmatch(rest) else None


_PEM_REST = re.compile(
    r"""[\s\\nrt"'+>|,#]*(?:\d{1,6}[\t→:\\t ]{0,9})?(?:-{1,5}(?:E(?:N(?:D[A-Z -]*)?)?)?|[A-Za-z0-9+/=]{1,11}|[A-Z][\w-]{0,30}:[^\n]{0,120})?"""
)
"""What may stand behind the lines of a key that goes on: part of a line, a header, part of its end."""
_JWK_MEMBER = re.compile(
    r"""[{,\s]\\{0,7}["'](?:d|p|q|dp|dq|qi|k)\\{0,7}["']\s{0,4}:\s{0,4}\\{0,7}["'](?P<v>[A-Za-z0-9_-]{16,8192})(?![A-Za-z0-9_-])"""
)


def _find_jwk(text: str, budget: Budget) -> Iterator[Span]:
    """The private members of a JSON Web Key, where the JSON around them is cut off; the walk knows them in whole JSON."""
    for match in matches(_JWK_MEMBER, text, budget):
        yield Span(*match.span("v"), "private_key")


def _url_password(value: str) -> bool:
    return not is_placeholder(value) and re.match(r"//|\{|\d{1,5}/", value) is None


_NAME_VALUE = (
    r"""[nkfhvl](?:(?<=n)ame|(?<=k)ey|(?<=f)ield|(?<=h)eader|(?<=v)ariable|(?<=l)abel)\\{0,7}["']?\s{0,3}[:=]\s{0,3}\\{0,7}["']?(?P<k>[\w.$-]{2,64}(?: [\w-]{2,20})?)\\{0,7}["']?"""
    r"""(?:\s[a-z-]{2,16}=\\{0,3}["'][^"'<>\n]{0,40}\\{0,3}["']){0,3}(?:,|\s|\\n|\\r|-|/?>\s{0,8}<){1,24}\\{0,7}["']?(?:parameter|field|header|input|option)?_?value\\{0,7}["']?(?:\s{0,3}[:=]\s{0,3}|>)(?P<q>\\{0,7}["']?)(?P<v>(?!\{\w)[^\s"'\\<>,}]{2,2048})"""
)
"""`name: DB_PASSWORD` then `value: x`, as in Kubernetes, XML and Python reprs."""
_SETX = r"""set(?:x|env) (?P<k>[\w.]{2,64}) {1,4}\\{0,7}["']?(?P<v>(?<=["'])[^"'\\\n]{1,2048}|[^\s"'\\%]{1,2048})"""


_LINE = r"(?:\r|\\{1,8}r)?(?:\n|\\{1,8}n)"
_PROMPT = r"(?:[>$] ?|[CS]: ?|-+> ?)?"
"""Before what a client sends, in a transcript."""
_FORM_DATA = rf"""form-data; ?name=\\{{0,7}}["'](?P<k>[\w.\[\]-]{{2,64}})\\{{0,7}}["'](?:;[^\n\\]{{0,80}})?{_LINE}(?:Content-[^\n\\]{{1,100}}{_LINE}){{0,3}}{_LINE}(?P<v>[^\r\n\\]{{1,2048}})"""
_REG_ADD = r"""/v \\{0,7}["']?(?P<k>[\w.-]{2,64})\\{0,7}["']? [^\n]{0,32}?/d \\{0,7}["']?(?P<v>[^\s"'\\]{2,2048})"""
_HERE = r"<<[-~]? ?\\{0,7}[\"']?\w{2,24}\\{0,7}[\"']?(?:\n|\\{1,7}n)[ \t]{0,40}"
"""Up to the first line of a here-document."""
_HERE_DOCUMENT = rf"""(?<!\w)(?P<k>\w{{2,64}})(?:=\$\(cat)? ?{_HERE}(?P<v>[^\s"'\\]{{2,2048}})"""
"""`PASSWORD=$(cat <<EOF`, `read -r PASSWORD <<EOF`, `tee password <<EOF`."""
_DOCKER_ENV = r"ENV (?P<k>\w{2,64}) {1,4}\\{0,7}[\"']?(?P<v>[^\s\"'\\=]{2,2048})"


_ELEMENT = r"""(?:name|key|id)=\\{0,7}["'](?P<k>[\w.-]{2,64})\\{0,7}["'][^<>]{0,80}>(?:\s{0,40}<value>)?(?P<v>[^\s<>]{2,512})</"""
_CONTENT = r"""name=\\{0,7}["'](?P<k>[\w.-]{2,64})\\{0,7}["'] content=\\{0,7}["'](?P<v>[^\s"'\\<>]{2,2048})"""
_VALUE_NAME = r"""value=\\{0,7}["'](?P<v>[^\s"'\\<>]{2,2048})\\{0,7}["'][^<>"'\n]{0,80} name=\\{0,7}["'](?P<k>[\w.\[\]-]{2,64})\\{0,7}["']"""
_DEFAULT = r"""["'](?:--?)?(?P<k>[\w.-]{2,64})\\{0,7}["'](?:[^"'<>]{0,120}?[\s,({;])default(?:Value|_value)?\s{0,4}[:=]\s{0,4}\\{0,7}["'](?P<v>[^"'\\\n]{2,512})"""
"""`variable "db_password" { default = "x" }`, `add_argument("--password", default="x")`."""


_UPDATED = r"""set [`"\[]?\w{0,24}value[`"\]]? ?= ?N?'(?P<v>[^'\n]{2,2048})'[^;\n]{0,200}? where [^;\n]{0,120}?= ?N?'(?P<k>[\w.-]{2,64})'"""
_PREFERENCE = r"""defaults write \S{1,128} (?P<k>[\w.-]{2,64}) (?:-string )?\\{0,7}["']?(?P<v>[^\s"'\\]{2,2048})"""


def named_value_rules(classify: Classifier) -> tuple[TextRule, ...]:
    """Names and values with no operator between them that the keyword rule would know."""
    return (
        _named_value_rule(
            classify,
            Probe(("value",), r"(?i)(?:[\",' \t\\n/><\n-]|er_?|ld_?|ut_?|on_?)value[\\\"'> ]{0,9}[:=>]", 3),
            _NAME_VALUE,
        ),
        _named_value_rule(classify, Probe(("setx", "setenv"), r"(?i)set(?:x|env) [A-Za-z0-9_]{2,64} ", 0), _SETX),
        _named_value_rule(classify, Probe(("reg_sz", "/v "), r"(?i)/v [A-Za-z0-9_]{2,64} [^\n]{0,32}/d ", 0), _REG_ADD),
        _named_value_rule(
            classify,
            Probe(("<<",), r"<<[-~]?[ ]?[\\\"']{0,8}[A-Za-z]", 0),
            _HERE_DOCUMENT,
        ),
        _named_value_rule(classify, Probe(("env ",), r"ENV [A-Za-z0-9_]{2,64} {1,4}[^ =]", 0), _DOCKER_ENV),
        _named_value_rule(
            classify,
            Probe(
                ("name=", "key=", "id="),
                r"(?i)(?:name|key|id)=[\\\"']{1,9}[A-Za-z0-9_.-]{2,64}[\\\"']{1,9}[^<>]{0,80}>(?:[^ <>]{2}|[^<>]{0,40}<value>)",
                0,
            ),
            _ELEMENT,
        ),
        _named_value_rule(
            classify,
            Probe(("set ",), r"(?i)set [`\"\[\\]{0,4}(?:[a-z]{1,12}_)?value[`\"\]\\]{0,4} ?= ?N?'", 0),
            _UPDATED,
        ),
        _named_value_rule(classify, Probe(("defaults write ",), "defaults write ", 0), _PREFERENCE),
        _named_value_rule(classify, Probe((" content=",), r" content=[\\\"']", 0), _CONTENT),
        _named_value_rule(
            classify,
            Probe(
                (" name=",), r" name=[\\\"']{1,9}[A-Za-z0-9_.\[-]{0,40}(?i:pass|pw|secret|token|key|cred|auth|otp)", 0
            ),
            _VALUE_NAME,
        ),
        _named_value_rule(
            classify,
            Probe(
                ("default",),
                r"(?i)(?:pass(?:word|wd|phrase)|pwd|secret|token|key|credentials?)[A-Za-z0-9_-]{0,16}[\\\"']{1,9}[^\"'<>]{0,120}[ ,(;nt\n\t]default(?:_?value)?[ ]{0,4}[:=]",
            ),
            _DEFAULT,
        ),
        _named_value_rule(classify, Probe(("form-data",), r"(?i)form-data; ?name=", 0), _FORM_DATA),
    )


def _named_value_rule(classify: Classifier, probe: Probe, pattern: str) -> TextRule:
    """Every group `v` of a pattern that its group `k` says is secret."""

    def find(text: str, budget: Budget) -> Iterator[Span]:
        for match in matches(compiled(pattern, re.IGNORECASE), text, budget):
            level = classify(match["k"])
            value = match["v"]
            if (
                level
                and not is_placeholder(value)
                and (level is Sensitivity.STRONG or looks_like_credential(value))
                and not names_itself(value)
            ):
                yield Span(*match.span("v"), "assignment")

    return TextRule((probe,), find)


def _basic(value: str) -> bool:
    return is_basic(value) and len(value) >= 6


def _bearer(value: str) -> bool:
    return (len(value) >= 24 and not value.islower()) or _WORDS.fullmatch(value) is None


_WORDS = re.compile(r"[A-Za-z]+(?:[-_.][A-Za-z]+)*[.=]?")
_KEYED_CALL = r"(?:jwt\.(?:sign|encode|verify|decode)|createHmac|hmac\.new|pgp_sym_(?:en|de)crypt(?:_bytea)?|Fernet|Secret(?:Str|Bytes)|(?:make|check|verify|hash|validate)_password|(?:check|hash)pw|bearer_?[aA]uth|basic_auth|keyring\.set_password|WiFi\.begin|AESGCM|AES\.new|ChaCha20Poly1305|SecretBox)"
"""What is called with a secret, whatever its variables are called."""
_CODE_KINDS = r"(?:log-?in|sign-?in|verification|authentication|security|one-?time|2fa|mfa|two-?factor|sms|access)"
"""Whose codes of digits are secret in a sentence."""
_COOKIE_FLAG = re.compile(
    r"(?:(?<=\s)(?:-b|--cookie)[ =]|document\.cookie;?(?:\n|\\n)(?:< ?)?)(?=\\{0,7}[\"']?[\w.%-]{1,64}=)"
)


def _find_cookie_flag(text: str, budget: Budget) -> Iterator[Span]:
    for flag in matches(_COOKIE_FLAG, text, budget):
        for start, end in header_value(text, flag.end(), ":", cookie=True):
            yield Span(start, end, "cookie")


_CODE_PROBE = Probe(("code", "pin"), r"(?i)(?:code|pin)(?: to [a-z]{2,12})?(?: is)?:? [0-9]{3}[ -]?[0-9]", 0)


def _is_code(value: str) -> bool:
    """Whether digits after "code" are no year."""
    return len(value) != len("2026") or not value.startswith(("19", "20"))


_STORES = r"(?:postgres(?:ql)?|mysql2?|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|mssql|sqlserver|clickhouse|cockroachdb|nats|ldaps?|s?ftps?|smtps?|imaps?)"
"""Schemes of addresses that hold a user and a password."""
_LONGER_THAN_IDS = 6
"""Digits behind a user's name that are no number of a group or a port, as in `-u 1000:1000`."""
_READS_SECRETS = r"(?:-stdin|--with-token|sudo -S|passwd|kinit|gcloud secrets|secret (?:create|put|set)|smbpasswd|cryptsetup|env add)"
"""What a shell pipes a secret into."""

_BEHIND_AWS_ID = (
    r"""(?:\\{0,7}["']?[ ,;:|\t]{1,4}\\{0,7}["']?|[ ]?/[ ]?|(?:\t|\\{1,7}t)[0-9T:Z+-]{10,30}(?:\t|\\{1,7}t))"""
)
"""From an access key's id to its secret: items, a slash, the date between two tabs that the command line prints."""
_NO_USER = (
    r"(?:mailto|sips?|xmpp|acct|ssh|scp|sftp|git|rsync|e-?mail|from|to|cc|user(?:name)?|login|host|remote|image|npm)"
)
"""Before a colon, what an address of a person or a machine follows: `ssh:bob@host:22`."""

PATTERN_RULES: tuple[TextRule, ...] = (
    pattern_rule("login", (Probe(("(pass", "(pw"), r"(?i)\((?:pass(?:word|wd|phrase|code)?|pwd?)\)", 0),), r"[/:,] ?(?P<v>[^\s\"'`/]{5,80}) \((?:pass(?:word|wd|phrase|code)?|pwd?)\)", is_mixed_word),
    pattern_rule("login", (Probe(("` is ", "` as ", "` was ", "' is ", "' as ", "' was ", "\" is ", "\" as ", "\" was "), r"(?i)[\"'`] (?:is|as|was) (?:the|your|my|our|its|his|her|a) (?:[a-z]{2,12} ){0,2}pass(?:word|wd|phrase|code)", 0),), r"\\{0,3}[\"'`](?P<v>[^\s\"'`\\]{5,80})\\{0,3}[\"'`] (?:is|as|was) (?:the|your|my|our|its|his|her|a) (?:[a-z]{2,12} ){0,2}pass(?:word|wd|phrase|code)", is_mixed_word),
    pattern_rule("command_line", (Probe(("password-command", "password_command", "askpass"), r"(?i)(?:password[-_]command|askpass)[ =][\\\"']{0,6}(?:echo|printf) "),), r"(?:password[-_]command|askpass)[ =]\\{0,3}[\"']?(?:echo|printf)(?: -[ne]{1,2})? \\{0,3}[\"']?(?P<v>[^\s'\"|\\]{2,200})"),
    pattern_rule(
        "assignment",
        (Probe(("jwt.", "hmac", "pgp_sym", "fernet", "_password", "checkpw", "hashpw", "secretstr", "secretbytes", "bearer", "basic_auth", "keyring.", "wifi.begin", "aesgcm(", "aes.new(", "poly1305(", "secretbox("), rf"{_KEYED_CALL}\([^)\n]{{0,160}}[\"'][A-Za-z0-9_+/.!@#$%^&*=?~-]{{0,24}}[0-9]"),),
        rf"{_KEYED_CALL}\((?:[^()\n\"'=]{{0,80}}[\"'][^\"'\n\\]{{0,160}}\\{{0,3}}[\"'] ?, ?){{0,2}}?[^()\n\"'={{[]{{0,80}}(?:(?:Some|fromhex|unhexlify|b64decode|Buffer\.from)\()?\\{{0,3}}[\"'](?!(?i:sha|md5|hs|rs|es)-?\d)(?P<v>(?=[^\s\"'\\]{{0,80}}\d)[^\s\"'\\]{{4,4096}})\\{{0,3}}[\"']", is_mixed_word, 0,
    ),
    pattern_rule("assignment", (Probe(("assert", "compare_digest", "strcmp"), r"(?:assert|compare_digest|strcmp)[A-Za-z_.:!]{0,32}\((?:t, ?)?[\\\"']{1,6}[^\"'\n]{4,200}[\"'], ?[A-Za-z0-9_.>()-]{0,40}(?i:passw|secret|token|key)"),), r"(?-i:assert|compare_digest|strcmp)[\w.:!]{0,32}\((?:t, ?)?\\{0,3}[\"'](?P<v>[^\s\"'\\]{4,200})\\{0,3}[\"'], ?[\w.>()-]{0,40}?(?:password|passwd|passphrase|secret|(?:api|auth|access|bearer|refresh|secret)_?(?:token|key))(?:\(\))?[,)]", is_mixed_word),
    pattern_rule("assignment", (Probe(("userpwd",), r"USERPWD, ?[\\\"']{1,4}[^:\"'\n]{1,64}:"),), r"USERPWD, ?\\{0,3}[\"'][^\s\"':]{1,64}:(?P<v>[^\s\"'\\]{2,200})", None, 0),
    pattern_rule("url_token", (Probe(("reset", "magic"), r"(?i)/(?:reset[-_]?password|password[-_]?reset|magic[-_]?link)/[A-Za-z0-9_-]{20}"),), r"/(?:reset[-_]?password|password[-_]?reset|magic[-_]?link)/(?P<v>[\w-]{20,512})", looks_like_credential),
    pattern_rule("command_line", (Probe(("file", ), r"(?:password|passphrase|token|secret|key)[-_]?file[ =]<\((?:echo|printf) "),), r"file[ =]<\((?:echo|printf)(?: -[ne]{1,2})?(?: ['\"]?%s(?:\\\\?n)?['\"]?)? \\{0,3}['\"]?(?P<v>[^\s'\"|\\)]{2,200})"),
    TextRule((Probe((" -b ", "--cookie"), r"(?: -b |--cookie[ =])[\\\"']{0,8}[A-Za-z0-9_.%-]{1,64}=", 0), Probe(("document.cookie",), r"document\.cookie;?(?:\n|\\{1,8}n)[< \\\"']{1,9}[A-Za-z0-9_.%-]{1,64}=", 0)), _find_cookie_flag),
    TextRule((Probe(("kty",), r"kty[\\\"']{1,9}[ ]?:"),), _find_jwk),
    TextRule((Probe(("private key",), r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY"),), _find_pem),
    pattern_rule("private_key", (Probe(("private-lines",), "(?i)Private-Lines: [0-9]"),), r"Private-Lines: \d{1,3}(?:\s|\\[nr]){1,4}(?P<v>[A-Za-z0-9+/=]{20,80}(?:(?:\s|\\[nr]){1,4}(?![\w-]{1,24}:)[A-Za-z0-9+/=]{1,80}){0,60})"),
    pattern_rule("authorization", (Probe(("bearer",), r"(?i)bearer(?:[ \t\n]{1,8}|\\{1,8}[nt]|%20|\+|\\+ |\xc2\xa0)[A-Za-z0-9._~+/=-]{10}", 0),), at_left("[Bb]", r"(?i:earer)(?:[\s\u00a0]{1,8}|%20|\+|\\{1,7}[ nt])(?P<v>[A-Za-z0-9._~+/-]{10,}={0,2})"), _bearer, 0),
    pattern_rule("authorization", (Probe(("basic",), r"(?i)basic(?:[ \t]{1,8}|%20|\+)[A-Za-z0-9+/]{10}", 0),), at_left("[Bb]", r"(?i:asic)(?:[ \t]{1,8}|%20|\+)(?P<v>[A-Za-z0-9+/_-]{7,4096}={0,2})"), _basic, 0),
    pattern_rule(
        "url_password", (Probe(("@",), r":(?://|\\/\\/|%2F%2F)[^ /\"'<>@\\]{0,512}(?:@[A-Za-z0-9_.-]{1,64})?(?:[:]|%3A)[^ \"'<>\\]{1,900}@"),),
        r"(?:://|:\\/\\/|:%2F%2F|%3A%2F%2F)[^\s/:@\"'<>\\?#]{0,512}(?:@[\w.-]{1,64})?(?::|%3A)(?P<v>(?:[^\s\"'<>\\@]{1,512}|[^\s\"'<>\\@/:]{513,900})(?:@[^\s\"'<>\\@/]{1,128}(?=@))?)(?:@|%40)(?=[\w\[$.{-])", _url_password,
    ),
    pattern_rule("url_password", (Probe(("@",), r"@(?:[A-Za-z0-9.-]{3,64}:[0-9]{2}|[0-9]{1,3}\.[0-9]{1,3}\.[0-9]|(?:tcp|unix)\()"),), rf"(?<![\w./:@%+-])(?:[A-Za-z][\w.-]{{0,40}}/(?=[^\s/@]{{3,120}}@\d))?(?!{_NO_USER}:)[A-Za-z][\w.-]{{0,40}}:(?P<v>[^\s:/@\"'<>\\,;(){{}}]{{6,80}})@(?=[A-Za-z0-9][\w.-]{{2,127}}:\d{{2,5}}(?![\w.])|\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?![\w.])|(?:tcp|unix)\()", is_mixed_word),
    # Cut off before its host.
    pattern_rule("url_password", (Probe(("://",), rf"(?i){_STORES}://[A-Za-z0-9_.%+-]{{1,64}}:[^ /:@\"'<>]{{6}}", 12),), rf"{_STORES}://[\w.%+-]{{1,64}}:(?P<v>(?=[^\s\d]{{0,200}}\d)[^\s/:@\"'<>\\?#,;]{{6,512}}?)(?=\.{{0,3}}(?:\s|\Z)|…|\.{{3}})", is_mixed_word),
    pattern_rule("url_token", (Probe(("@",), r"://[A-Za-z0-9_-]{20,128}(?::[^ /\"'@]{0,128})?@"),), r"://(?P<v>[A-Za-z0-9_-]{20,128})(?::[\w.-]{0,16})?@", looks_like_credential),
    pattern_rule("aws_secret_key", (Probe(("akia", "asia"), rf"(?:AKIA|ASIA)[A-Z2-7]{{16}}{_BEHIND_AWS_ID}[A-Za-z0-9+/]{{8}}", 0),), rf"(?:AKIA|ASIA)[A-Z2-7]{{16}}{_BEHIND_AWS_ID}(?P<v>[A-Za-z0-9+/]{{40}})(?![A-Za-z0-9+/=])", looks_like_credential, 0),
    pattern_rule(
        "url_parameter",
        (Probe(("sig=", "signature=", "security-token=", "hmac=", "access_key="), r"(?i)(?:(?:[?&;#]|%3F|%26|u0026)(?:sig|signature|hmac|access_key)|x-(?:amz|goog|oss)-(?:signature|security-token))=[^&\"' ]{6}", 7),),
        r"(?:(?:[?&;#]|%3F|%26|u0026)(?:sig|signature|hmac|access_key)|x-(?:amz|goog|oss)-(?:signature|security-token))=(?P<v>[^&\s\"'<>\\#]{6,4096})",
    ),
    pattern_rule("url_parameter", (Probe(("key=", "auth=", "code="), r"(?i)(?:[?&;#]|%3F|%26|u0026)(?:key|auth|code)=[^&\"' ]{12}", 5),), r"(?:[?&;#]|%3F|%26|u0026)(?:key|auth|code)=(?P<v>[^&\s\"'<>\\#]{12,4096})", looks_like_credential),
    pattern_rule("command_line", (Probe(("-u",), r"(?:-u|--user|--proxy-user)[ =]{0,2}[\\\"']{0,6}[^ \"':]{1,64}:[^ \"']", len("--proxy"), r"-u(?:ser)?[ =]{0,2}[\\\"']{0,6}[^ \"':]{1,64}:[^ \"']"), Probe(("curl",), r"curl[^\n]{0,120} -[sSkLifvG]{1,6}u[ ]?[^ \"':]{1,64}:[^ \"']", 0)), r"(?:(?<=\s)-(?:[sSkLifvG]{1,6})?u|--user|--proxy-user)[ =]{0,2}\\{0,3}[\"']?[^\s\"':/<]{1,64}:(?!//|:)(?P<v>[^\s\"'\\]{2,256})", lambda value: not value.isdigit() or len(value) >= _LONGER_THAN_IDS, 0),
    pattern_rule("command_line", (Probe(("-u", "user"), r"(?:-u|user)[ =]{1,2}[\\\"']{0,6}(?::[A-Za-z0-9_.-]{8}|[A-Za-z0-9_-]{16,128}:[\\\"' ])", 0),), r"(?:(?<=\s)-u|--user)[ =]{1,2}\\{0,3}[\"']?(?::|(?=[\w-]{16,256}:(?:[\s\"'\\]|\Z)))(?P<v>[\w.+/=~-]{8,256})(?=:?(?:[\s\"'\\]|\Z))", looks_like_credential, 0),
    pattern_rule("command_line", (Probe(("echo", "printf"), rf"(?:echo|printf)[^\n|]{{1,200}}\|[^\n]{{0,80}}{_READS_SECRETS}"),), rf"(?:echo|printf)(?: -[ne]{{1,2}})? (?:['\"]?%s(?:\\\\?n)?['\"]? )?\\{{0,3}}['\"]?(?:[\w.-]{{1,32}}:(?=[^\n|]{{1,200}}\|[^\n]{{0,40}}chpasswd))?(?P<v>[^\s'\"|\\]{{2,200}}(?:\\{{1,7}}n[^\s'\"|\\]{{2,200}})?)\\{{0,3}}['\"]? ?\|[^\n]{{0,80}}?{_READS_SECRETS}", None, 0),
    pattern_rule("sql_password", (Probe(("identified",), r"(?i)identified (?:with [a-z0-9_'\"]{1,40} )?by "),), r"(?:(?-i:IDENTIFIED)|user \S{1,80} identified|identified(?= (?:with|by) [^\n\"]{0,60}'))(?: with [\w'\"]{1,40})? by (?:password )?\\{0,3}['\"](?P<v>[^\s'\"\\;]{2,128})"),
    pattern_rule("command_line", (Probe(("encrypt_string", "/user:"), r"(?:encrypt_string [\\'\"] ?[^ ]{2}|net use [^\n\"|;]{0,200}/user:)"),), r"(?:encrypt_string |net use (?:[^\n\"|;]{0,128}/user:\S{1,64} |(?:\w: )?\\{2,8}[^\s\"]{1,128} (?=\S{2,128} /user:)))\\{0,3}['\"]?(?P<v>[^\s'\"\\]{2,128})", None, 0),
    pattern_rule("command_line", (Probe(("<<",), r"(?:--with-token|--password-stdin|sudo -S|secret (?:put|create)|smbpasswd)[^\n<]{0,60}<<"),), rf"(?:--with-token|--password-stdin|sudo -S|secret (?:put|create)|smbpasswd)[^\n<]{{0,60}}(?:<<< ?\\{{0,3}}[\"']?|{_HERE})(?P<v>[^\s\"'\\]{{2,512}})", None, 0),
    pattern_rule("assignment", (Probe(("auth", "credential", "login", "connection", "pdo("), r"(?:[Bb]asic_?[Aa]uth(?:entication)?|[Cc]redentials?(?:\.basic)?|[Ll]ogin|[Aa]uthenticate|getConnection|PDO|auth)[ ]?=?[ ]?[(][^()\n]{0,160}?[\"'][ ]?,[ ]?\\*[\"']", 6),), r"(?:[Bb]asic_?[Aa]uth(?:entication)?|[Cc]redentials?(?:\.basic)?|[Ll]ogin|[Aa]uthenticate|getConnection|PDO|auth)(?: ?= ?)?\((?:[^()\n\"']{0,40}\\{0,3}[\"'][^\"'\n\\]{0,160}\\{0,3}[\"'] ?, ?){1,2}\\{0,3}[\"'](?P<v>[^\s\"'\\]{4,200})\\{0,3}[\"'] ?\)", is_mixed_word, 0),
    pattern_rule("login", (Probe(("login", "cred", "log in", "logged in", "loggedin", "signed in", "/password", "/pass"), r"(?i)(?:log(?:ged)? ?in|signed in|cred(?:ential)?s|user(?:name)?/pass(?:word)?)(?: failed| succeeded)?(?: with| is| are)?:? {1,2}[A-Za-z0-9_.@-]{1,64} ?[/:] ?[^ ]{4}", 8),), r"(?<![\w.-])(?:log(?:ged)? ?in|signed in|cred(?:ential)?s|user(?:name)?/pass(?:word)?)(?: failed| succeeded)?(?: with| is| are)?:? {1,2}[A-Za-z][\w.@-]{0,63} ?[/:] ?(?!/)(?P<v>[^\s\"'`<>\\,;]{4,128}?)(?=[.,;]?(?:\s|</|\Z))", is_mixed_word),
    pattern_rule("url_password", (Probe(("jdbc:oracle", ":15"), r"(?i)(?:jdbc:oracle:[a-z]{2,5}:[^ /\"'@]{1,64}/[^ @\"']{2,128}@|@(?://)?[A-Za-z0-9_.-]{1,128}:15[0-9]{2})"),), r"(?:jdbc:oracle:[a-z]{2,5}:[\w.$-]{1,64}/(?=[^\s@\"']{2,128}@)|(?<![\w./-])\w{1,32}/(?=[^\s@/\"']{2,128}@(?://)?[\w.-]{1,128}:15\d\d[:/]))(?P<v>[^\s@\"']{2,128})@"),
    pattern_rule("session_cookie", (Probe(("jsessionid", "phpsessid", "aspsessionid", "asp.net_sessionid", "connect.sid", "_session="), r"(?i)(?:(?:jsessionid|phpsessid|aspsessionid[a-z]{0,12}|asp\.net_sessionid|connect\.sid)[\\\"' ]{0,6}[=:]|_session=)[\\\"' ]{0,6}[A-Za-z0-9%._-]{16}"),), r"(?:jsessionid|phpsessid|aspsessionid[a-z]{0,12}|asp\.net_sessionid|connect\.sid|[a-z]_session(?==))\\{0,7}[\"']?\s?[=:]\s?\\{0,7}[\"']?(?P<v>[\w%.+/=-]{16,4096})", looks_like_credential),
    pattern_rule("one_time_code", (Probe(("is your", "is the", "as your", "as the"), r"(?i)[0-9] (?:is|as) (?:your|the) (?:[A-Za-z0-9-]{1,24} ){0,4}(?:code|otp|passcode|pin|password)", 2, r"(?i)(?:is|as) (?:your|the) (?:[A-Za-z0-9-]{1,24} ){0,4}(?:code|otp|passcode|pin|password)"),), r"(?<![\w.-])(?:[A-Z]-)?(?P<v>\d{4,8}|\d{3}[ -]\d{3}) (?:is|as) (?:your|the) (?:(?!error|status|zip|country|exit|area|postal|promo|discount)[\w-]{1,24} ){0,4}(?:code|otp|passcode|(?:one-time|login|temporary) password|(?:login|security|access) pin)\b"),
    pattern_rule("one_time_code", (Probe(("use ", "enter ", "type "), r"(?i)(?:use|enter|type) [0-9]{3}[ -]?[0-9]{1,5} to "),), r"\b(?:use|enter|type) (?P<v>\d{4,8}|\d{3}[ -]\d{3}) (?:to (?:verify|confirm|authenticate|(?:sign|log) ?in|(?:complete|finish) (?:your )?(?:log|sign)[ -]?in))\b"),
    pattern_rule("one_time_code", (_CODE_PROBE,), r"\b(?:(?:log-?in|security|access|account) pin|enter this code[^\n:\d]{0,30})(?: is)?:? (?P<v>\d{4,8})(?![\w-])(?!\.\d)"),
    pattern_rule("one_time_code", (_CODE_PROBE,), r"(?<!error )(?<!status )(?<!exit )(?<!promo )(?<!discount )(?<!zip )\bcode(?: is:?|:)? (?P<v>\d{4,8}|\d{3}[ -]\d{3})(?![\w-])(?=[^\n]{0,80}?(?:share|expire|valid for|minute|to (?:sign|log) in|to verify))", _is_code),
    pattern_rule("one_time_code", (Probe(("code",), rf"(?i){_CODE_KINDS}[ -]code[^0-9\n\"]{{0,60}}[0-9]{{3}}", 15, r"(?i)code[^0-9\n\"]{0,60}[0-9]{3}"),), rf"\b{_CODE_KINDS}[ -]code(?: (?:for|to) [^\n.:\d]{{1,40}})?(?: (?:is|was):?|:|=|\*\*:|:\*\*)?[*` ]{{1,4}}(?P<v>\d{{4,8}}|\d{{3}}[ -]\d{{3}})(?![\w-])(?!\.\d)"),
    pattern_rule("one_time_code", (Probe(("pin", "puk", "tan"), r"(?:PIN|PUK|TAN)(?:-?[CcNn](?:ode|ummer))?(?: (?:for|to|of|f[^ -~]{2}r)[^\n0-9]{1,30})?[ :=*`\\\"]{1,5}(?:(?:is|ist|lautet|es|est|now)[ :*`\\\"]{1,5})?[0-9]{4}", 0),), r"(?<![A-Za-z0-9_])(?:PIN|PUK|[imp]?TAN)(?:-?[Cc]odes?|-?[Nn]ummer)?(?: (?:for|to|of|für)(?: [^\s\d:]{1,24}){1,4})?(?:\*{0,2}[:=]\*{0,2} ?| (?:is|ist|lautet|es|est)(?: now)?:? )[*`\"]{0,3}(?P<v>\d{4,8})(?![\w-])(?!\.\d)", None, 0),
    pattern_rule("url_parameter", (Probe(("code=", "samlresponse=", "samlrequest=", "assertion="), r"(?i)(?:code=[^&\"' \n]{12,800}&(?:grant_type|client_id|redirect_uri|state|client_secret|code_verifier)=|(?:samlresponse|samlrequest|client_assertion|assertion)=[A-Za-z0-9%+/_.-]{40})", 7),), r"(?:(?<![\w.-])code=(?=[^&\"'\s]{12,800}&(?:grant_type|client_id|redirect_uri|state|client_secret|code_verifier)=)|(?:samlresponse|samlrequest|assertion)=(?=[A-Za-z0-9%+/_.-]{40}))(?P<v>[^&\"'\s]{12,})"),
    pattern_rule("sql_password", (Probe(("identified by",), r"(?i)identified by [A-Za-z0-9_!@#$%^&*.-]{4}"),), r"identified by (?P<v>\w[\w!@#$%^&*.-]{3,127})", is_mixed_word),
    pattern_rule("assignment", (Probe(("requirepass", "masterauth", "bindpw", "rootpw", "auth ", " on >"), r"(?:(?:requirepass|masterauth|bindpw|rootpw|AUTH(?: default)?)(?:[ \t]|\\t){1,16}[^ \t]{4}|(?:user|SETUSER|setuser) [A-Za-z0-9_.-]{1,40} on >)"),), r"(?:(?<![\w.-])(?:requirepass|masterauth|bindpw|rootpw)[ \t]{1,16}\\{0,3}[\"']?(?=\S{3,512})|(?:\A|\n|\\n|> )AUTH (?:[\w.-]{1,40} )?(?=[^\s\"']*\d)|(?:user|SETUSER|setuser) [\w.-]{1,40} on (?:[~&+@*\w-]{1,40} ){0,4}>)(?P<v>[^\s\"'\\]{4,512})", None, 0),
    pattern_rule("assignment", (Probe(("pass ", "auth "), r"(?:USER [^ \n]{1,64}[^\"]{1,240}PASS|HELLO [23] AUTH [^ \n]{1,64}|AUTH PLAIN) [^ ]{2}"),), rf"(?:USER \S{{1,64}}{_LINE}(?:[^\n]{{0,120}}{_LINE}){{0,2}}{_PROMPT}PASS|HELLO [23] AUTH \S{{1,64}}|AUTH PLAIN(?= [\w+/]{{8,4096}}={{0,2}}(?:[\s\"'\\]|\Z))) (?P<v>[^\s\"'\\]{{2,4096}})", None, 0),
    pattern_rule("assignment", (Probe(("pass ", "login ", "identify "), r"(?:PASS|LOGIN [^ \n]{1,64}|IDENTIFY) [^ ]{5}", 0),), rf"(?:\A|\n|\\n){_PROMPT}(?:PASS(?! (?:\S{{0,80}}(?:[Tt]est|[Ss]pec)|[a-z]{{1,40}}_))|(?:\w{{1,8}} )?LOGIN \S{{1,64}}|(?:(?i:NickServ )|PRIVMSG NickServ :)?IDENTIFY) (?P<v>[^\s\"'\\/]{{5,200}})(?=[ \t]{{0,8}}(?:[\r\n\"]|\\[rn]|\Z))", is_mixed_word, 0),
    pattern_rule("cookie", (Probe(("<cookie ",), r"<Cookie [A-Za-z0-9_.-]{1,80}=[^ ]{8}", 0),), r"<Cookie [\w.-]{1,80}=(?P<v>[^\s<>]{8,4096}) for ", looks_like_credential, 0),
    pattern_rule("cookie", (Probe(("true", "false"), r"(?:TRUE|FALSE)(?:\t|\\+t)[0-9]{1,12}(?:\t|\\+t)[A-Za-z0-9_.-]{1,80}(?:\t|\\+t)[^ \n]{8}", 0),), r"(?:TRUE|FALSE)(?:\t|\\{1,7}t)\d{1,12}(?:\t|\\{1,7}t)[\w.-]{1,80}(?:\t|\\{1,7}t)(?P<v>[^\s\"'\\]{8,4096})", looks_like_credential, 0),
    pattern_rule("private_key", (Probe(("client-key-data",), r"client-key-data[\\\"']{0,9} ?: ?[\\\"']{0,9}[A-Za-z0-9+/]{20}"),), r"client-key-data\\{0,7}[\"']? ?: ?\\{0,7}[\"']?(?P<v>[A-Za-z0-9+/]{20,65536}={0,2})", None, 0),
    pattern_rule("wifi_password", (Probe(("wifi:",), r"WIFI:[^\n\"]{0,128};P:"),), r"WIFI:[^\n\"]{0,128}?;P:(?P<v>[^;\n\"]{1,64});", None, 0),
    pattern_rule("recovery_phrase", (Probe(("phrase", "mnemonic"), r"(?i)(?:phrase|mnemonic)[^\n]{0,12}[ \\\"':=](?:[a-z]{3,8} ){4}", 0),), r"(?:phrase|mnemonic)[^\n]{0,12}?[ \\\"':=](?P<v>(?-i:(?:[a-z]{3,8} ){11,23}[a-z]{3,8}))(?![a-z])"),
    pattern_rule("sql_password", (Probe(("set password",), r"(?i)set password (?:for [^ ]{1,80} )?=? ?(?:password\()?[\\'\"]", 0),), r"set password (?:for \S{1,80} )?=? ?(?:password\()?\\{0,3}['\"](?P<v>[^\s'\"\\;]{2,128})"),
    pattern_rule("command_line", (Probe(("securestring",), r"(?i)securestring[^\n]{1,40}[\"'][^\n\"']{1,80}"),), r"securestring(?: -string)? {1,4}\\{0,3}[\"'](?P<v>[^\n\"'\\]{1,200})\\{0,3}[\"']"),
    pattern_rule("pgpass", (Probe((":543", ":6432", ":6543", ":*:"), r":(?:543[0-9]|6432|6543|\*):[^: \n]{1,64}:[^: \n]{1,64}:[^ \n]"),), r"(?:^|\n|\\n)[^\s:/]{1,128}:(?:\d{4,5}|\*):[^:\s]{1,64}:[^:\s]{1,64}:(?P<v>[^\s:\"\\]{2,128})(?=[\s\"]|\\|\Z)"),
    pattern_rule("sql_password", (Probe(("gen_salt",), r"(?i)crypt\([\\]*'[^'\n]{4,200}', ?gen_salt"),), r"\bcrypt\(\\{0,3}'(?P<v>[^\s'\\]{4,200})\\{0,3}', ?gen_salt"),
    pattern_rule("assignment", (Probe(("334 ",), "334 UGFzc3dvcmQ6"),), rf"334 UGFzc3dvcmQ6{_LINE}{_PROMPT}(?P<v>[A-Za-z0-9+/]{{4,4096}}={{0,2}})", None, 0),
    pattern_rule("command_line", (Probe(("base64",), r"(?:echo|printf)[^\n|]{1,160}\| ?base64"),), r"(?:echo|printf)(?: -n)? \\{0,3}['\"]?[\w.@-]{1,64}:(?P<v>[^\s'\"|\\:]{4,200})\\{0,3}['\"]? ?\| ?base64", is_mixed_word),
    pattern_rule("command_line", (Probe(("::add-mask::",), "::add-mask::"),), r"::add-mask::(?P<v>[^\s\"'\\]{4,4096})"),
    MANIFEST_RULE,
)  # fmt: skip
