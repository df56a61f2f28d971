# ruff: noqa: E501 - a pattern broken over lines can neither be read nor searched
"""Settings whose files have a way of their own to hold a secret: routers, mail servers, VPNs, networks, first boots, signatures of webhooks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spanbridge.processors.key_names import looks_like_credential
from spanbridge.processors.matcher import Probe
from spanbridge.processors.placeholders import is_placeholder
from spanbridge.processors.text_rule import Budget, Span, TextRule, matches, pattern_rule
from spanbridge.processors.value_words import is_mixed_word, names_itself

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINE = r"(?:\r?\n|\\{1,7}n)"
_LOGINS_BELOW = re.compile(rf"chpasswd:{_LINE}[ \t]{{1,16}}list: ?(?:\|-?|>)?(?={_LINE}|\\|\n)")
_LOGIN = re.compile(rf"{_LINE}[ \t]{{1,24}}(?:- )?[\"']?[\w.-]{{1,32}}:(?P<v>[^\s\"'\\]{{2,200}})[\"']?")
_MAX_LOGINS = 64


def _find_logins(text: str, budget: Budget) -> Iterator[Span]:
    """`root:x` on the lines below `chpasswd:`, as cloud-init reads them."""
    for head in matches(_LOGINS_BELOW, text, budget):
        at = head.end()
        for _ in range(_MAX_LOGINS):
            login = _LOGIN.match(text, at)
            if login is None:
                break
            at = login.end()
            if login["v"] not in ("R", "RANDOM") and not is_placeholder(login["v"]):
                yield Span(*login.span("v"), "assignment")


def _is_community(value: str) -> bool:
    return value.lower() not in ("public", "private") and not names_itself(value)


SETTING_RULES: tuple[TextRule, ...] = (
    TextRule((Probe(("chpasswd:",), "chpasswd:", 0),), _find_logins),
    pattern_rule("assignment", (Probe(("community",), r"(?:snmp-server community|r[ow]community6?) [^ \n]{3}"),), r"(?:snmp-server community|r[ow]community6?) (?P<v>[^\s\"'\\<>]{4,64})", _is_community, 0),
    pattern_rule("assignment", (Probe(("-server ",), r"(?:radius|tacacs)-server [^\n]{0,80}key ", 6),), r"(?:radius|tacacs)-server [^\n]{0,80}?\bkey (?:[057] )?(?P<v>[^\s\"'\\<>]{4,128})", None, 0),
    pattern_rule("assignment", (Probe(("psk",), r"PSK[ \t]{1,8}[\\]{0,7}[\"'][^\"\n]{2}", 0),), r"(?::|\b)[ \t]?PSK[ \t]{1,8}\\{0,7}[\"'](?P<v>[^\"'\n\\]{2,200})\\{0,7}[\"']", None, 0),
    pattern_rule("wifi_password", (Probe(("keymaterial>",), "(?i)keyMaterial>[^<]{4}", 0),), r"<keyMaterial>(?P<v>[^<>\n]{4,128})<"),
    pattern_rule("assignment", (Probe(("stats auth",), r"stats auth [^ :\n]{1,64}:", 0),), r"stats auth [^\s:]{1,64}:(?P<v>[^\s\"'\\]{3,128})", None, 0),
    pattern_rule("assignment", (Probe(("random_password",), r"random_password.{0,160}result", 0),), r"random_password[^\n]{0,160}?\bresult\\{0,7}[\"']?\s{0,12}[:=]\s{0,4}\\{0,7}[\"'](?P<v>[^\"'\n]{4,200}?)\\{0,7}[\"']", None, 0),
    pattern_rule("assignment", (Probe(("<auth-user-pass>",), "<auth-user-pass>", 0),), rf"<auth-user-pass>{_LINE}[ \t]{{0,16}}[^\s\\]{{1,64}}{_LINE}[ \t]{{0,16}}(?P<v>[^\s\\<>]{{2,128}})", None, 0),
    pattern_rule("assignment", (Probe(("static:",), r"static:[^ :\n]{1,64}:[^ \n]{3}", 0),), r"\bstatic:[^\s:]{1,64}:(?P<v>[^\s:\"'\\<>]{3,128})", is_mixed_word, 0),
    pattern_rule("assignment", (Probe(("]:",), r"\]:[0-9]{2,5}[ \t]{1,8}[^ :\n]{1,80}:[^ \n]{3}", 0),), r"\[[\w.-]{1,128}\]:\d{2,5}(?:[ \t]|\\t){1,8}[^\s:\"]{1,80}:(?P<v>[^\s:\"'\\<>]{3,128})", None, 0),
    pattern_rule("assignment", (Probe(("rootpw --",), "rootpw --(?:plaintext|iscrypted) ", 0),), r"rootpw --(?:plaintext|iscrypted) (?P<v>[^\s\"'\\]{3,200})", None, 0),
    pattern_rule("assignment", (Probe(("basic_auth", "basicauth", "basic-auth"), r"(?i)basic[_-]?auth[\\\"']{0,4} ?[:=] ?[\\\"']{0,4}[^ \"':{\[]{1,64}:[^ ]{3}", 0),), r"basic[_-]?auth\\{0,7}[\"']? ?[:=] ?\\{0,7}[\"']?[\w.@-]{1,64}:(?P<v>[^\s\"'\\,;/]{3,128})", is_mixed_word),
    pattern_rule("encryption_key", (Probe(("encryption",), r"(?i)encryption[\\\"']{0,4}:[\\ nrt\n{]{1,40}[\\\"']{0,4}key[\\\"']{0,4}:", 0),), r"encryption\\{0,7}[\"']?:(?:\s|\\{1,7}[nrt]|\{){1,40}\\{0,7}[\"']?key\\{0,7}[\"']?: ?\\{0,7}[\"']?(?P<v>[A-Za-z0-9+/=_-]{16,512})", looks_like_credential),
    pattern_rule("webhook_signature", (Probe(("signature",), r"(?i)signature(?:-[0-9]{3})?[\\\"']{0,4}: ?[\\\"']{0,4}(?:sha[0-9]{1,3}=|t=[0-9]{6})", 0),), r"signature(?:-\d{3})?\\{0,7}[\"']?: ?\\{0,7}[\"']?(?:sha\d{1,3}=|t=\d{6,12},v\d=)(?P<v>[A-Za-z0-9+/=]{16,512})"),
    pattern_rule("url_parameter", (Probe(("appid=", "subscription-key="), r"(?i)[?&](?:appid|subscription-key)=[0-9a-f]{16}", 1),), r"[?&](?:appid|subscription-key)=(?P<v>[0-9a-f]{16,64})(?![\w-])"),
)  # fmt: skip
