# ruff: noqa: E501 - a row of a table is one line
"""Personal data, off by default: one row per kind, each with the rule of its own that tells it from a look-alike."""

from __future__ import annotations

import ipaddress
import re

from spanbridge.processors.matcher import Probe
from spanbridge.processors.text_rule import TextRule, pattern_rule

_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|35\d{14}|6(?:011|4[4-9]\d|5\d\d|2\d\d)\d{12,15}"
)
"""Prefixes of the issuers, with their numbers' lengths."""


def is_card(value: str) -> bool:
    """Whether the digits of `value` have an issuer's prefix and length and a valid Luhn sum."""
    text = re.sub(r"[ -]", "", value)
    if _ISSUERS.fullmatch(text) is None:
        return False
    digits = [int(character) for character in text]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_iban(value: str) -> bool:
    """Whether `value` is an IBAN: its remainder modulo 97 is 1."""
    compact = re.sub(r"[ -]", "", value).upper()
    return 15 <= len(compact) <= 34 and int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1


def is_ssn(value: str) -> bool:
    """Whether `value` keeps the rules of a US social security number: area, group and serial."""
    area, group, serial = re.split(r"[- ]", value)
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def is_phone(value: str) -> bool:
    """Whether `value` has as many digits as a telephone number, and not all the same."""
    digits = re.sub(r"\D", "", value)
    return 9 <= len(digits) <= 15 and len(set(digits)) > 2


def is_ip(value: str) -> bool:
    """Whether `value` is the address of another machine."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or address.is_multicast)


_START = r"(?:(?<![\w.+/-])|(?<=\\[nrt]))"
_END = r"(?![\w-])"

PERSONAL_KINDS = ("email", "card_number", "iban", "ssn", "phone", "ip_address")
PERSONAL_DATA: tuple[TextRule, ...] = (
    pattern_rule("email", (Probe(("@",), r"[A-Za-z0-9_%+-]@[A-Za-z0-9-]{1,63}\.[A-Za-z]"),), r"(?:(?<![\w.%+/:-])|(?<=\\[nrt])|(?<=mailto:)|(?<=://))(?P<v>[\w.%+-]{1,64}@(?:[\w-]{1,63}\.){1,6}[A-Za-z]{2,24})(?![\w-]|:\w)"),
    pattern_rule("card_number", (Probe(("",), r"[0-9](?:[ -]?[0-9]){12}"),), rf"{_START}(?P<v>\d(?:[ -]?\d){{12,18}}){_END}(?!\.\d)", is_card),
    pattern_rule("iban", (Probe(("",), r"[A-Za-z]{2}[0-9]{2} ?[A-Za-z0-9]{4} ?[0-9A-Za-z]{4}"),), rf"{_START}(?P<v>[A-Z]{{2}}\d\d(?:[ -]?[A-Z0-9]{{4}}){{2,7}}(?:[ -]?[A-Z0-9]{{1,3}})?){_END}", is_iban),
    pattern_rule("ssn", (Probe(("",), r"[0-9]{3}[- ][0-9]{2}[- ][0-9]{4}"),), rf"{_START}(?P<v>\d{{3}}([- ])\d{{2}}\2\d{{4}}){_END}(?!\.\d)", is_ssn),
    pattern_rule("phone", (Probe(("",), r"(?:\+[0-9(]|\([0-9]{2,4}\)|[0-9]{3}[-. ][0-9]{3}[-. ][0-9]{4})"),),
                 rf"{_START}(?P<v>\+\d{{1,3}}(?:[ .-]?\(?\d{{1,4}}\)?){{2,6}}|\(\d{{2,4}}\) ?\d{{3,4}}[ .-]\d{{3,4}}|[2-9]\d{{2}}([-. ])\d{{3}}\2\d{{4}}){_END}(?!\.\d)", is_phone),
    pattern_rule("ip_address", (Probe((".",), r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}"), Probe((":",), r"(?i)[0-9a-f]{1,4}:[0-9a-f:]{1,39}:[0-9a-f]")),
                 r"(?:(?<![\w.:-])(?<!ersion )|(?<=\\[nrt])|(?<=://))(?P<v>\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\d)|(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4}){1,6}(?![\w:.-]))", is_ip),
)  # fmt: skip
