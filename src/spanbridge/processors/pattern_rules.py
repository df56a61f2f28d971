# ruff: noqa: E501 - a pattern broken over lines can neither be read nor searched
"""Rules with a pattern of their own: private keys, headers, addresses, command lines, name and value apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spanbridge.processors.credential_patterns import at_left, is_basic
from spanbridge.processors.key_names import Classifier, Sensitivity, looks_like_credential
from spanbridge.processors.matcher import Probe
from spanbridge.processors.placeholders import is_placeholder
from spanbridge.processors.text_rule import Budget, Span, TextRule, compiled, matches, pattern_rule

if TYPE_CHECKING:
    from collections.abc import Iterator

_PEM_BEGIN = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY\Z"
)
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_PEM_BODY = re.compile(
    r"""(?:(?:\\{1,8}[nrt]|[\s"'+>|,#])+|[A-Za-z0-9+/=]{12,}|[A-Za-z0-9+/=]{1,11}(?=[\s\\"',]|\Z)|(?:Proc-Type|DEK-Info|Version|Comment):[^\n\\]{0,120})"""
)
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
            if done - begin.end() < 16:
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
    r"""[\s\\nr"'+>|,#]*(?:-{1,5}(?:E(?:N(?:D[A-Z -]*)?)?)?|[A-Za-z0-9+/=]{1,11}|[A-Z][\w-]{0,30}:[^\n]{0,120})?"""
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
    r"""(?:,|\s|\\n|\\r|-|/?>\s{0,8}<){1,24}\\{0,7}["']?value\\{0,7}["']?(?:\s{0,3}[:=]\s{0,3}|>)(?P<q>\\{0,7}["']?)(?P<v>[^\s"'\\<>,}]{2,2048})"""
)
"""`name: DB_PASSWORD` then `value: x`, as in Kubernetes, XML and Python reprs."""
_SETX = r"""setx (?P<k>[\w.]{2,64}) {1,4}\\{0,7}["']?(?P<v>(?<=["'])[^"'\\\n]{1,2048}|[^\s"'\\%]{1,2048})"""


_LINE = r"(?:\r|\\{1,8}r)?(?:\n|\\{1,8}n)"
_FORM_DATA = rf"""form-data; ?name=\\{{0,7}}["'](?P<k>[\w.\[\]-]{{2,64}})\\{{0,7}}["'](?:;[^\n\\]{{0,80}})?{_LINE}(?:Content-[^\n\\]{{1,100}}{_LINE}){{0,3}}{_LINE}(?P<v>[^\r\n\\]{{1,2048}})"""
_DOCKER_ENV = r"ENV (?P<k>\w{2,64}) {1,4}\\{0,7}[\"']?(?P<v>[^\s\"'\\=]{2,2048})"


_ELEMENT = r"""name=\\{0,7}["'](?P<k>[\w.-]{2,64})\\{0,7}["'][^<>]{0,80}>(?P<v>[^\s<>]{2,512})</"""


def named_value_rules(classify: Classifier) -> tuple[TextRule, ...]:
    """Names and values with no operator between them that the keyword rule would know."""
    return (
        _named_value_rule(
            classify, Probe(("value",), r"(?i)(?:[\",' \t\\n/><-])value[\\\"'> ]{0,9}[:=>]", 2), _NAME_VALUE
        ),
        _named_value_rule(classify, Probe(("setx",), r"(?i)setx [A-Za-z0-9_]{2,64} ", 0), _SETX),
        _named_value_rule(classify, Probe(("env ",), r"ENV [A-Za-z0-9_]{2,64} {1,4}[^ =]", 0), _DOCKER_ENV),
        _named_value_rule(
            classify,
            Probe(("name=",), r"name=[\\\"']{1,9}[A-Za-z0-9_.-]{2,64}[\\\"']{1,9}[^<>]{0,80}>[^ <>]{2}", 0),
            _ELEMENT,
        ),
        _named_value_rule(classify, Probe(("form-data",), r"(?i)form-data; ?name=", 0), _FORM_DATA),
    )


def _named_value_rule(classify: Classifier, probe: Probe, pattern: str) -> TextRule:
    """Every group `v` of a pattern that its group `k` says is secret."""

    def find(text: str, budget: Budget) -> Iterator[Span]:
        for match in matches(compiled(pattern, re.IGNORECASE), text, budget):
            level = classify(match["k"])
            value = match["v"]
            if level and not is_placeholder(value) and (level is Sensitivity.STRONG or looks_like_credential(value)):
                yield Span(*match.span("v"), "assignment")

    return TextRule((probe,), find)


def _basic(value: str) -> bool:
    return is_basic(value) and len(value) >= 6


def _bearer(value: str) -> bool:
    return re.fullmatch(r"[A-Za-z]+(?:[-_.][A-Za-z]+)*[.]?", value) is None or (
        len(value) >= 24 and not value.islower()
    )


PATTERN_RULES: tuple[TextRule, ...] = (
    TextRule((Probe(("kty",), r"kty[\\\"']{1,9}[ ]?:"),), _find_jwk),
    TextRule((Probe(("private key",), r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY"),), _find_pem),
    pattern_rule("private_key", (Probe(("private-lines",), "Private-Lines: [0-9]"),), r"Private-Lines: \d{1,3}(?:\s|\\[nr]){1,4}(?P<v>(?:[A-Za-z0-9+/=]{20,80}(?:\s|\\[nr]){0,4}){1,60})"),
    pattern_rule("authorization", (Probe(("bearer",), r"(?i)bearer(?: |%20|\+)[A-Za-z0-9._~+/=-]{10}", 0),), at_left("[Bb]", r"(?i:earer)(?: {1,3}|%20|\+)(?P<v>[A-Za-z0-9._~+/-]{10,8192}={0,2})"), _bearer, 0),
    pattern_rule("authorization", (Probe(("basic",), r"(?i)basic(?: |%20|\+)[A-Za-z0-9+/]{10}", 0),), at_left("[Bb]", r"(?i:asic)(?: {1,3}|%20|\+)(?P<v>[A-Za-z0-9+/_-]{7,4096}={0,2})"), _basic, 0),
    pattern_rule(
        "url_password", (Probe(("@",), r":(?://|\\/\\/|%2F%2F)[^ /\"'<>@\\]{0,256}(?:[:]|%3A)[^ \"'<>\\]{1,512}@"),),
        r"(?:://|:\\/\\/|:%2F%2F|%3A%2F%2F)[^\s/:@\"'<>\\?#]{0,256}(?::|%3A)(?P<v>[^\s\"'<>\\@]{1,512}(?:@[^\s\"'<>\\@/]{1,128}(?=@))?)(?:@|%40)(?=[\w\[$.{-])", _url_password,
    ),
    pattern_rule("url_token", (Probe(("@",), r"://[A-Za-z0-9_-]{20,128}(?::x-oauth-basic|:)?@"),), r"://(?P<v>[A-Za-z0-9_-]{20,128})(?::x-oauth-basic|:)?@(?![\w.]*sentry)", looks_like_credential),
    pattern_rule(
        "url_parameter",
        (Probe(("sig=", "signature=", "security-token=", "hmac=", "access_key="), r"(?i)(?:(?:[?&;#]|%3F|%26|u0026)(?:sig|signature|hmac|access_key)|x-(?:amz|goog|oss)-(?:signature|security-token))=[^&\"' ]{6}"),),
        r"(?:(?:[?&;#]|%3F|%26|u0026)(?:sig|signature|hmac|access_key)|x-(?:amz|goog|oss)-(?:signature|security-token))=(?P<v>[^&\s\"'<>\\#]{6,4096})",
    ),
    pattern_rule("url_parameter", (Probe(("key=", "auth=", "code="), r"(?i)(?:[?&;#]|%3F|%26|u0026)(?:key|auth|code)=[^&\"' ]{12}"),), r"(?:[?&;#]|%3F|%26|u0026)(?:key|auth|code)=(?P<v>[^&\s\"'<>\\#]{12,4096})", looks_like_credential),
    pattern_rule("command_line", (Probe(("-u", "user"), r"(?:-u|--user|--proxy-user)[ =]{0,2}[\\\"']{0,6}[^ \"':]{1,64}:[^ \"']"),), r"(?:(?<=\s)-u|--user|--proxy-user)[ =]{0,2}\\{0,3}[\"']?[^\s\"':/]{1,64}:(?P<v>[^\s\"'\\]{2,256})", lambda value: not value.isdigit(), 0),
    pattern_rule("command_line", (Probe(("mysql", "mariadb", "7z"), r"(?:mysql|mariadb|7z)[^\n\"|;]{0,128} -p"),), r"(?:(?:mysql|mariadb)[a-z]{0,8}|7z)(?: (?!-p)[^\s|;]{1,64}){0,12} -p\\{0,3}['\"]?(?P<v>[^\s'\"\\]{2,128})|(?!)", None, 0),
    pattern_rule("command_line", (Probe(("sshpass",), r"sshpass -p"),), r"sshpass -p ?\\{0,3}['\"]?(?P<v>[^\s'\"\\]{2,128})", None, 0),
    pattern_rule("command_line", (Probe(("redis-cli",), r"redis-cli[^\n|;]{0,128} -a "),), r"redis-cli(?: (?!-a)[^\s|;]{1,64}){0,8} -a \\{0,3}['\"]?(?P<v>[^\s'\"\\]{2,128})", None, 0),
    pattern_rule("command_line", (Probe(("docker", "sqlcmd", "pgcli", "az login", "mongo", "ldap", "podman", "helm registry"), r"(?:docker login|podman login|helm registry login|sqlcmd|mongo|mongosh|mongodump|ldapsearch|az login)[^\n|;]{0,200} -(?:p|P|w) "),), r"(?:docker login|podman login|helm registry login|sqlcmd|mongo(?:sh|dump|restore)?|ldapsearch|az login)(?: (?!-[pPw] )[^\s|;]{1,128}){0,16} -[pPw] \\{0,3}['\"]?(?P<v>[^\s'\"\\]{3,128})", None, 0),
    pattern_rule("command_line", (Probe(("echo", "printf"), r"(?:echo|printf)[^\n|]{1,200}\|[^\n]{0,80}(?:--password-stdin|sudo -S|chpasswd)"),), r"(?:echo|printf)(?: -[ne]{1,2})? (?:['\"]?%s(?:\\\\?n)?['\"]? )?\\{0,3}['\"]?(?P<v>[^\s'\"|\\]{2,200})\\{0,3}['\"]? ?\|[^\n]{0,80}?(?:--password-stdin|sudo -S|chpasswd)", None, 0),
    pattern_rule("sql_password", (Probe(("identified",), r"(?i)identified (?:with [a-z0-9_'\"]{1,40} )?by "),), r"identified (?:with [\w'\"]{1,40} )?by (?:password )?\\{0,3}['\"](?P<v>[^\s'\"\\;]{2,128})"),
    pattern_rule("command_line", (Probe(("vault login",), r"vault login "),), r"vault login (?:-\S{1,40} ){0,4}\\{0,3}['\"]?(?P<v>[A-Za-z0-9._-]{16,256})", looks_like_credential, 0),
    pattern_rule("command_line", (Probe(("zip -", "openssl", "encrypt_string", "/user:"), r"(?:zip -P|openssl [^\n\"|;]{0,128} -(?:k|K|pass(?:in|out)? pass:)|encrypt_string [\\'\"]|net use [^\n\"|;]{0,128}/user:[^ \n]{1,64}) ?[^ ]{2}"),), r"(?:zip -P |openssl [^\n\"|;]{0,128}? -(?:[kK] |pass(?:in|out)? pass:)|encrypt_string |net use [^\n\"|;]{0,128}/user:\S{1,64} )\\{0,3}['\"]?(?P<v>[^\s'\"\\]{2,128})", None, 0),
    pattern_rule("wifi_password", (Probe(("wifi:",), r"WIFI:[^\n\"]{0,128};P:"),), r"WIFI:[^\n\"]{0,128}?;P:(?P<v>[^;\n\"]{1,64});", None, 0),
    pattern_rule("recovery_phrase", (Probe(("phrase", "mnemonic"), r"(?i)(?:phrase|mnemonic)[^\n]{0,12}[ \\\"':=](?:[a-z]{3,8} ){4}", 0),), r"(?:phrase|mnemonic)[^\n]{0,12}?[ \\\"':=](?P<v>(?-i:(?:[a-z]{3,8} ){11,23}[a-z]{3,8}))(?![a-z])"),
    pattern_rule("sql_password", (Probe(("set password",), r"(?i)set password (?:for [^ ]{1,80} )?=? ?(?:password\()?[\\'\"]", 0),), r"set password (?:for \S{1,80} )?=? ?(?:password\()?\\{0,3}['\"](?P<v>[^\s'\"\\;]{2,128})"),
    pattern_rule("command_line", (Probe(("securestring",), r"(?i)securestring[^\n]{1,40}[\"'][^\n\"']{1,80}"),), r"securestring(?: -string)? {1,4}\\{0,3}[\"'](?P<v>[^\n\"'\\]{1,200})\\{0,3}[\"']"),
    pattern_rule("form_password", (Probe(("password",), r"(?i)type=[\\\"']{0,4}password[^<>]{0,200}value="),), r"type=\\{0,3}[\"']?password\\{0,3}[\"']?[^<>]{0,200}?value=\\{0,3}[\"'](?P<v>[^\"'\\>]{1,200})"),
    pattern_rule("form_password", (Probe(("password",), r"(?i)value=[^<>]{0,200}type=[\\\"']{0,4}password"),), r"value=\\{0,3}[\"'](?P<v>[^\"'\\>]{1,200})\\{0,3}[\"'][^<>]{0,200}?type=\\{0,3}[\"']?password"),
    pattern_rule("pgpass", (Probe((":543", ":6432"), r":(?:5432|543[0-9]|6432):[^: \n]{1,64}:[^: \n]{1,64}:[^ \n]"),), r"(?:^|\n|\\n)[^\s:/]{1,128}:(?:\d{4,5}|\*):[^:\s]{1,64}:[^:\s]{1,64}:(?P<v>[^\s\"\\]{2,128})"),
)  # fmt: skip
