# ruff: noqa: E501 - a row of a table is one line
"""Personal data, off by default: one row per kind, each with the rule of its own that tells it from a look-alike."""

from __future__ import annotations

import ipaddress
import re
from itertools import pairwise
from typing import TYPE_CHECKING

from spanbridge.processors.key_names import split_words
from spanbridge.processors.matcher import Probe
from spanbridge.processors.text_rule import Budget, Span, TextRule, compiled, matches, pattern_rule

if TYPE_CHECKING:
    from collections.abc import Iterator

_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|35\d{14}|6(?:011|4[4-9]\d|5\d\d|2\d\d)\d{12,15}"
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}|220[0-4]\d{12}"
)
"""Prefixes of the issuers, with their numbers' lengths."""


def is_card(value: str) -> bool:
    """Whether the digits of `value` have an issuer's prefix and length and a valid Luhn sum."""
    text = re.sub(r"\D", "", value)
    if _ISSUERS.fullmatch(text) is None:
        return False
    digits = [int(character) for character in text]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


_IBAN_LENGTHS: dict[str, int] = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ DJ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST", 26: "IS TR", 27: "BI FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV", 29: "BR EG PS QA UA",
        30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
"""Characters of an IBAN by country: the registry of ISO 13616."""


def is_iban(value: str) -> bool:
    """Whether `value` is an IBAN: as long as its country's are, and its remainder modulo 97 is 1."""
    compact = re.sub(r"\W", "", value).upper()
    return (
        len(compact) == _IBAN_LENGTHS.get(compact[:2])
        and int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1
    )


def _find_iban(text: str, budget: Budget) -> Iterator[Span]:
    for match in matches(compiled(_IBAN, re.IGNORECASE), text, budget):
        # The words behind it may look like more of it: its country says where it ends.
        end, left = match.start(), _IBAN_LENGTHS.get(match[0][:2].upper(), 0)
        while left and end < match.end():
            left -= text[end].isalnum()
            end += 1
        if not left and is_iban(text[match.start() : end]) and _AT_END.match(text, end):
            yield Span(match.start(), end, "iban")


def is_ssn(value: str) -> bool:
    """Whether `value` keeps the rules of a US social security number: area, group and serial."""
    digits = re.sub(r"\D", "", value)
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def is_phone(value: str) -> bool:
    """Whether `value` has as many digits as a telephone number, and neither counts nor repeats itself."""
    digits = re.sub(r"\D", "", value)
    groups = [int(group) for group in re.findall(r"\d+", value)]
    if value.startswith("00") and {len(group) for group in re.findall(r"\d+", value)} == {2}:
        return False  # bytes
    counts = len(groups) > 2 and all(after - before == 1 for before, after in pairwise(groups))
    return (8 if value.startswith("+") else 9) <= len(digits) <= 15 and len(set(digits)) > 2 and not counts


_NETWORKS = tuple(map(ipaddress.IPv6Network, ("2000::/3", "fc00::/7", "fe80::/10", "64:ff9b::/96", "::ffff:0:0/96")))
"""Where machines have their IPv6 addresses; elsewhere, as in `a::b2`, it is a name of some language."""


def is_ip(value: str) -> bool:
    """Whether `value` is the address of another machine."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    if address.version == 6:
        return any(address in network for network in _NETWORKS)
    # Neither this network, nor many machines, nor a mask of networks.
    return 0 < address.packed[0] < 224 and not address.is_loopback


_ADDRESS_BEFORE = re.compile(
    r"(?i)(?:ip|addr(?:ess)?|from|host|client|remote|server|dns|peer|source|src|dst|dest(?:ination)?|ping|at|to|for|by|connect(?:ed|ing)?|proxy|gateway|forwarded|origin|via|user|of)"
    r"[\"'=:,\s([/-]{1,4}\Z|://\Z|^[\s\"'(\[]*\Z|[\n,][\s\"'(\[]*\Z|\d[,\s]+\Z"
)
_VERSION_BEFORE = re.compile(
    r"(?i)(?:version|ver|v|release|chapter|section|build|rev(?:ision)?|level|update|driver|firmware|python|sdk|api|[a-z]+[/@=-]=?)[ :.]{0,2}\Z"
)
_NEW_VERSION_BEFORE = re.compile(r"(?i)\b(?:bump|upgrad|downgrad)[a-z]{0,3}\b[^\n]{0,64}\Z")
_KNOWN_SERVERS = frozenset(("8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9"))
_LARGEST_VERSION = 31


def _find_ip(text: str, budget: Budget) -> Iterator[Span]:
    for match in matches(compiled(_IP, re.IGNORECASE), text, budget):
        value = match["v"]
        if not is_ip(value):
            continue
        start = match.start("v")
        # Four small numbers are as often a version or a chapter: what stands before them tells.
        if (
            ":" in value
            or any(int(part) > _LARGEST_VERSION for part in value.split("."))
            or (
                (value.startswith("10.") or value in _KNOWN_SERVERS)
                and not _VERSION_BEFORE.search(text, max(0, start - 24), start)
            )
            or (
                _ADDRESS_BEFORE.search(text, max(0, start - 24), start)
                and not _NEW_VERSION_BEFORE.search(text, max(0, start - 80), start)
            )
        ):
            yield Span(*match.span("v"), "ip_address")


_FILES = frozenset(
    [
        "png",
        "jpg",
        "jpeg",
        "gif",
        "svg",
        "webp",
        "ico",
        "bmp",
        "css",
        "scss",
        "less",
        "js",
        "jsx",
        "mjs",
        "ts",
        "tsx",
        "json",
        "html",
        "htm",
        "xml",
        "yaml",
        "yml",
        "toml",
        "txt",
        "pdf",
        "csv",
        "log",
        "sql",
        "wasm",
        "woff",
        "woff2",
        "ttf",
        "mp3",
        "mp4",
    ]
)
"""Endings of files that no name of a machine has: `logo@2x.png`."""
_OF_MACHINE = re.compile("(?:git|hg|svn|root)(?:@|%40)")
"""Who is logged in as, not written to: `git@github.com:acme`."""
_PATH_BEHIND = re.compile(r":[\w.~-]{1,80}/")


def _find_email(text: str, budget: Budget) -> Iterator[Span]:
    for match in matches(compiled(_EMAIL), text, budget):
        start, end = match.span("v")
        if text[text.rfind(".", start, end) + 1 : end].lower() in _FILES:
            continue
        if text[start - 1 : start] == ":" and re.search(r"://\S*\Z", text[max(0, start - 200) : start]):
            continue  # a password and a machine
        if text[end : end + 1] == ":" and (_OF_MACHINE.match(text, start) or _PATH_BEHIND.match(text, end)):
            continue
        yield Span(start, end, "email")


_YEAR = re.compile(r"\((?:19|20)\d\d\)")
"""In brackets, where telephone numbers have an area's code: of a paper, `(2024) 100-2000`."""


def _find_phone(text: str, budget: Budget) -> Iterator[Span]:
    for match in matches(compiled(_PHONE), text, budget):
        is_version = "." in match["v"] and _VERSION_BEFORE.search(text, max(0, match.start("v") - 24), match.start("v"))
        if is_phone(match["v"]) and not is_version and not _YEAR.match(match["v"]):
            yield Span(*match.span("v"), "phone")


_LETTERS = r"A-Za-z0-9_\u00aa-\u0dff"
"""As `\\w` of scripts that write spaces between words; characters of the others do not belong to a number or address beside them."""
_START = rf"(?:(?<![{_LETTERS}.+/-])|(?<=\\[nrt]))"
_END = rf"(?![{_LETTERS}-])"

_PHONE_WORD = r"(?:phone|mobile|tel(?:ephone)?|fax|cell|whatsapp)"
_JOINT = "[ \u00a0\u202f\u2010-\u2015-]"
_DOT = "[ .\u00a0\u202f\u2010-\u2015-]"
"""What stands between groups of digits: also the space and the hyphens that do not break."""
_JOINT_BYTES = r"(?:[ .-]|\xc2\xa0|\xe2\x80[\x90-\x95\xaf])"
_EMAIL = rf"(?:(?<![{_LETTERS}.%+-])|(?<=\\[nrt]))(?P<v>[{_LETTERS}.%+-]{{1,64}}(?:@|%40)(?:[{_LETTERS}-]{{1,63}}\.){{1,6}}[A-Za-z]{{2,24}}){_END}"
_SPOKEN = r"(?:(?:call|text|ring|dial|reach|sms|contact)(?: (?:me|us|him|her|them|back))?(?: (?:at|on|under))?(?<!call)(?<!text)(?<!ring)(?<!dial)(?<!reach)(?<!sms)(?<!contact)|my (?:cell |mobile |phone )?number(?:'s| is))"
"""After these words digits alone are a telephone number."""
_AT_END = re.compile(_END)
_IBAN = rf"{_START}[A-Z]{{2}}\d\d(?:{_JOINT}?[A-Z0-9]){{11,31}}"
_PHONE = (
    rf"{_START}(?P<v>(?:\+\d{{1,3}}|(?<!\d[ .-])00 ?[1-9]\d{{0,2}})(?:{_DOT}?\(?\d{{1,4}}\)?){{2,6}}"
    rf"|\(0\d{{1,4}}\) ?\d{{5,8}}|\(\d{{2,4}}\) ?\d{{3,4}}{_DOT}\d{{3,4}}|(?:1{_DOT})?[2-9]\d{{2}}({_DOT})\d{{3}}\2\d{{4}}"
    rf"|(?<!\d[ .-])0[1-9]\d{{0,3}}(?:({_JOINT})\d{{2,4}}(?:\3\d{{2,4}}){{1,4}}|[ /-]\d{{5,8}})){_END}(?!\.\d)"
)
_IP = rf"(?:(?<![{_LETTERS}.:-])(?<!ersion )|(?<=\\[nrt])|(?<=://))(?P<v>(?:::(?:ffff:)?)?\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?![{_LETTERS}-]|\.\d)|(?:[0-9a-f]{{1,4}}:){{1,7}}(?::?[0-9a-f]{{1,4}}){{1,7}}(?![{_LETTERS}:.-]))"
PERSONAL_DATA: dict[str, tuple[TextRule, ...]] = {
    "email": (
        TextRule((Probe(("@", "%40"), r"[^ \"'<>@\\/:,;()](?:@|%40)[A-Za-z0-9\x80-\xff-]{1,63}\.[A-Za-z]"),), _find_email),
    ),
    "card_number": (
        pattern_rule("card_number", (Probe(("",), rf"[0-9](?:{_JOINT_BYTES}?[0-9]){{12}}"),), rf"{_START}(?P<v>\d(?:{_JOINT}?\d){{12,18}}|\d{{4}}(?:\.\d{{4}}){{3}}){_END}(?!\.\d)", is_card),
    ),
    "iban": (
        TextRule((Probe(("",), rf"(?:^|[^A-Za-z0-9_]|\\[nrtbf]|\\u[0-9A-Fa-f]{{4}})[A-Za-z]{{2}}[0-9]{{2}}{_JOINT_BYTES}?[A-Za-z0-9]{{4}}{_JOINT_BYTES}?[0-9A-Za-z]{{4}}"),), _find_iban),
    ),
    "ssn": (
        pattern_rule("ssn", (Probe(("",), rf"[0-9]{{3}}{_JOINT_BYTES}[0-9]{{2}}{_JOINT_BYTES}[0-9]{{4}}"),), rf"{_START}(?P<v>\d{{3}}({_JOINT})\d{{2}}\2\d{{4}}){_END}(?!\.\d)", is_ssn),
        pattern_rule("ssn", (Probe(("ssn", "social"), r"(?i)(?:ssn|social.security)[^0-9]{1,16}[0-9]{9}", 0),), rf"(?:ssn|social.security(?:.(?:number|no\.?))?)[\\\"']*[ :=#]{{1,3}}[\\\"']*(?:is )?(?P<v>\d{{9}}){_END}", is_ssn),
    ),
    "phone": (
        TextRule((Probe(("",), rf"(?:\+[0-9(]|\([0-9]{{2,4}}\)|[0-9]{{3}}{_JOINT_BYTES}[0-9]{{3}}{_JOINT_BYTES}[0-9]{{4}}|0[1-9][0-9]{{0,3}}(?:/|{_JOINT_BYTES})[0-9]{{2,8}}|00 ?[1-9][0-9]{{0,2}}{_JOINT_BYTES}?[0-9(])"),), _find_phone),
        pattern_rule("phone", (Probe(("phone", "mobile", "tel", "fax", "cell", "whatsapp"), rf"(?i){_PHONE_WORD}[^0-9+(]{{1,18}}[0-9+(]", 0),), rf"{_PHONE_WORD}(?:[ _-]?(?:number|no\.?|nr\.?))?[\\\"']*[ :=]{{1,3}}[\\\"']*(?:is )?(?P<v>[+(]?\d[\d ().-]{{7,18}}\d){_END}", is_phone),
        pattern_rule("phone", (Probe(("call", "text", "ring", "dial", "reach", "sms", "contact", "number"), r"(?i)(?:call|text|ring|dial|reach|sms|contact|number)[a-z' ]{1,16} [0-9]{10}", 0),), rf"\b{_SPOKEN} (?P<v>\d{{10,11}}){_END}", is_phone),
    ),
    "ip_address": (
        TextRule((Probe((".",), r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}"), Probe((":",), r"(?i)[0-9a-f]{1,4}:[0-9a-f:]{0,39}:[0-9a-f]")), _find_ip),
    ),
}  # fmt: skip
PERSONAL_KINDS = tuple(PERSONAL_DATA)


def _is_bare_ssn(value: str) -> bool:
    return len(value) == 9 and is_ssn(value)


_NUMBER = re.compile(r"[+(]?\d[\d ().-]{5,20}\d")
_NAMED = (
    (
        "ssn",
        re.compile(r"(?i)ssns?|social.?security(?:.?(?:number|no))?s?"),
        _is_bare_ssn,
    ),
    ("phone", re.compile(rf"(?i){_PHONE_WORD}(?:[ _.-]?(?:number|no|nr))?s?"), is_phone),
)
_COUNTED = re.compile(r"(?i)ids?|ns|us|ms|time|timestamp|at|count|size|bytes|seed|hash|offset|version")
"""Names of numbers that may look like a card's by chance."""
_OF_VERSIONS = re.compile(r"(?i)version|ver|release|build|revision|firmware|oid|section|chapter|sdk|driver")


def named_rule(kinds: frozenset[str], name: str, value: str) -> str | None:
    """The rule by which a number is personal because of the name that it stands under: `{"home_phone": "5551234567"}`."""
    if _NUMBER.fullmatch(value) is None:
        return None
    words = split_words(name)
    ends = (" ".join(words[-2:]), "".join(words[-1:]))
    for rule, names, check in _NAMED:
        if rule in kinds and any(names.fullmatch(end) for end in ends) and check(value):
            return rule
    return None


def is_counted(name: str) -> bool:
    """Whether a whole number under this name is none of a card: an id, a time, a size."""
    words = split_words(name)
    return bool(words) and _COUNTED.fullmatch(words[-1]) is not None


def is_version(name: str, value: str) -> bool:
    """Whether four numbers under this name are no address."""
    words = split_words(name)
    return (
        bool(words)
        and _OF_VERSIONS.fullmatch(words[-1]) is not None
        and re.fullmatch(r"\d+(?:\.\d+){1,5}", value) is not None
    )
