# ruff: noqa: E501 - a pattern broken over lines can neither be read nor searched
"""Calls that take a secret at a place of their own, whatever its variable is called: connections, signatures of tokens, hashes."""

from __future__ import annotations

from spanbridge.processors.matcher import Probe
from spanbridge.processors.text_rule import TextRule, pattern_rule
from spanbridge.processors.value_words import is_mixed_word

_QUOTED = r"[bNu]?\\{0,7}[\"'](?P<v>[^\s\"'\\]{4,200})\\{0,7}[\"']"
_ARGUMENT = r"(?:[bNu]?\\{0,7}[\"'][^\"'\n\\]{0,160}\\{0,7}[\"']|[^\"'(),\n]{1,48})\s{0,2},\s{0,16}"
_OBJECT = r"(?:\{[^{}\n]{0,200}\}|[^\"'(){},\n]{1,48})\s{0,2},\s{0,16}"


def _call(gates: str, name: str, before: str, *, any_word: bool = False) -> TextRule:
    """A string in a call of `name` behind the arguments `before`; `any_word`: whatever it looks like."""
    check = None if any_word else is_mixed_word
    probe = Probe(tuple(gates.split("|")), rf"(?:{name})\\{{0,3}}[( ]")
    return pattern_rule("assignment", (probe,), rf"(?:{name}) ?\(\s{{0,16}}{before}{_QUOTED}", check, 0)


_ENCODES = r"(?:btoa|Buffer\.from|[eE]ncode(?:64|ToString)?|GetBytes)"
"""What writes a user and a password in base64, as a header holds them."""
CALL_RULES: tuple[TextRule, ...] = (
    pattern_rule(
        "assignment",
        (Probe(("btoa(", "buffer.from(", "encode(", "encode64(", "encodetostring(", "getbytes("), rf"{_ENCODES}\((?:\[\]byte\()?[bf]?[\\]{{0,7}}[\"'`][^ \"'`:\n]{{1,64}}:[^ \"'`\n/]{{4}}", 40),),
        rf"{_ENCODES}\((?:\[\]byte\()?[bf]?\\{{0,7}}[\"'`](?!(?:data|https?|urn|sha\d+|md5|file|arn):)[^\s\"'`:]{{1,64}}:(?P<v>[^\s\"'`\\]{{4,200}})\\{{0,7}}[\"'`]", is_mixed_word, 0,
    ),
    # A server, a user, the password.
    _call("mysqli|mysql_connect|mysqldb.|pymysql.|pg8000.|dbi->|ftp_login|ssh2_auth_|credentials(|ldap_bind|setcredentials", "mysqli|mysqli_connect|mysqli_real_connect|mysql_connect|MySQLdb\\.connect|pymysql\\.connect|DBI->connect", f"{_ARGUMENT}{_ARGUMENT}", any_word=True),
    _call("ftp_login|ssh2_auth_password|ldap_bind", "ftp_login|ssh2_auth_password|ldap_bind", f"{_ARGUMENT}{_ARGUMENT}"),
    _call("plainauth(", "PlainAuth", f"{_ARGUMENT}{_ARGUMENT}"),
    _call("ldap3.connection(", r"ldap3\.Connection", f"{_ARGUMENT}{_ARGUMENT}"),
    _call("oauthhandler(|oauth1(", "OAuthHandler|OAuth1", _ARGUMENT),
    _call("ftp(|ftp_tls(", "FTP|FTP_TLS", f"{_ARGUMENT}{_ARGUMENT}"),
    _call(".connect(", r"\.connect", rf"{_ARGUMENT}\d{{1,5}}\s{{0,2}},\s{{0,16}}{_ARGUMENT}"),
    _call("credentials(", "Credentials", f"{_ARGUMENT}{_ARGUMENT}{_ARGUMENT}"),
    pattern_rule("sql_password", (Probe(("sp_addlogin", "sp_password"), "sp_(?:addlogin|password) "),), rf"sp_(?:addlogin (?:@\w{{1,16}} ?= ?)?|password )N?\\{{0,3}}'[^'\n\\]{{0,128}}\\{{0,3}}', ?(?:@\w{{1,16}} ?= ?)?{_QUOTED}", None, 0),
    _call("create_user(|create_superuser(", "create_(?:super)?user", f"{_ARGUMENT}{_ARGUMENT}"),
    _call(".login(", r"\.login", _ARGUMENT),
    # What signs and what is hashed.
    _call("hash::make", "Hash::make", ""),
    _call("jwt.sign|jwt.encode|jwt.decode|jwt.verify", r"jwt\.(?:sign|encode|decode|verify)", _OBJECT),
    _call(".hmac256|.hmac384|.hmac512|hmacshakeyfor|setsigningkey|signwith|verifywith", r"Algorithm\.HMAC\d{3}|hmacShaKeyFor|setSigningKey", ""),
    _call("bcrypt.hash|bcrypt.compare|argon2.hash|password_hash|password_verify|generatefrompassword", r"bcrypt\.(?:hash|hashSync|compare|compareSync)|argon2\.(?:hash|verify)|password_hash|password_verify", ""),
    pattern_rule("assignment", (Probe(("jwt.parse",), r"jwt\.Parse(?:WithClaims)?\("),), rf"jwt\.Parse(?:WithClaims)?\([^\n]{{0,200}}?\[\]byte\({_QUOTED}", is_mixed_word, 0),
    pattern_rule("twilio_key", (Probe(('"ac', "'ac"), r"[\"']AC[0-9a-f]{32}[\\]{0,7}[\"'], ?[\\]{0,7}[\"'][0-9a-f]{32}", 0),), r"[\"']AC[0-9a-f]{32}\\{0,7}[\"'], ?\\{0,7}[\"'](?P<v>[0-9a-f]{32})(?![0-9a-f])", None, 0),
)  # fmt: skip
