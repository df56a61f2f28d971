"""Personal data, and what looks like it: for a filter with `pii=True`."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

from . import personal_places
from .cases import HOLE, Case, words_around
from .generating import characters

if TYPE_CHECKING:
    from collections.abc import Iterator


def card(rng: random.Random, prefix: str, length: int) -> str:
    """A number with a valid Luhn sum."""
    body = prefix + characters(rng, "d", length - len(prefix) - 1)
    total = sum(
        sum(divmod(int(digit) * 2, 10)) if index % 2 == 0 else int(digit) for index, digit in enumerate(reversed(body))
    )
    return body + str(-total % 10)


def iban(rng: random.Random, country: str, template: str) -> str:
    """An account number with valid check digits; in the template `n` is a digit and `a` a letter."""
    body = "".join(rng.choice("0123456789") if kind == "n" else rng.choice("ABCDEFGHKLMNP") for kind in template)
    number = int("".join(str(int(character, 36)) for character in body + country + "00"))
    return f"{country}{98 - number % 97:02d}{body}"


def _grouped(text: str, separator: str, size: int = 4) -> str:
    return separator.join(text[at : at + size] for at in range(0, len(text), size))


def values(rng: random.Random) -> Iterator[tuple[str, str]]:
    names, domains = (
        ("jane.doe", "j", "ana+shop", "o_brien", "user-17", "first.last"),
        ("example.com", "mail.example.co.uk", "sub-domain.example.org", "firma.example.de"),
    )
    for _ in range(3):
        yield "email", f"{rng.choice(names)}{rng.randint(1, 99)}@{rng.choice(domains)}"
    for prefix, length in (
        ("4", 16),
        ("51", 16),
        ("2221", 16),
        ("34", 15),
        ("37", 15),
        ("6011", 16),
        ("65", 16),
        ("3566", 16),
        ("36", 14),
        ("4", 13),
    ):
        number = card(rng, prefix, length)
        yield "card_number", number
        yield "card_number", _grouped(number, rng.choice((" ", "-")))
    for country, template in (
        ("DE", "n" * 18),
        ("GB", "aaaa" + "n" * 14),
        ("FR", "n" * 10 + "an" * 5 + "a" + "nn"),
        ("ES", "n" * 20),
        ("NL", "aaaa" + "n" * 10),
        ("CH", "n" * 17),
        ("NO", "n" * 11),
        ("MT", "aaaa" + "n" * 23),
        ("BE", "n" * 12),
        ("IT", "a" + "n" * 22),
        ("PL", "n" * 24),
    ):
        number = iban(rng, country, template)
        yield "iban", number
        yield "iban", _grouped(number, " ")
    for _ in range(4):
        area = rng.choice([str(number) for number in range(100, 665)])
        yield "ssn", f"{area}-{rng.randint(1, 99):02d}-{rng.randint(1, 9999):04d}"
    for number in (
        "+1 415 555 2671",
        "+14155552671",
        "(415) 555-2671",
        "415-555-2671",
        "415.555.2671",
        "+44 20 7946 0958",
        "+44 7911 123456",
        "+49 30 901820",
        "+49 (0)30 901820",
        "+4915112345678",
        "+33 1 42 68 53 00",
        "+33612345678",
        "+34 612 345 678",
        "+39 06 6982",
        "+41 44 668 18 00",
        "+81 3-1234-5678",
        "+86 138 0013 8000",
        "+91 98765 43210",
        "+55 11 91234-5678",
        "+61 2 9374 4000",
        "1-800-356-9377",
        "+1 (415) 555-2671",
        "+31 20 123 4567",
        "020 7946 0958",
        "06 12 34 56 78",
        "0151 12345678",
    ):
        yield "phone", number
    for number in (
        "203.0.113.42",
        "8.8.8.8",
        "192.168.17.4",
        "10.1.2.3",
        "2001:db8:85a3::8a2e:370:7334",
        "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
        "fe80::1ff:fe23:4567:890a",
        "2a00:1450:4001:81b::200e",
    ):
        yield "ip_address", number


_PLACES: dict[str, tuple[str, ...]] = {
    "email": (
        "Contact § today.",
        "From: Jane <§>",
        "mailto:§?subject=hi",
        '{"email": "§", "n": 1}',
        "user=§ status=ok",
        "§",
    ),
    "card_number": ("Paid with § yesterday.", "card: §, exp 12/27", '{"pan": "§", "n": 1}', "§"),
    "iban": ("Transfer to § please.", "IBAN: §\nBIC: ABCDEF", '{"iban": "§", "n": 1}', "§"),
    "ssn": ("SSN § on file.", "ssn=§ status=ok", '{"ssn": "§", "n": 1}', "§"),
    "phone": ("Call me at § tomorrow.", "Phone: §\nCity: Berlin", '{"phone": "§", "n": 1}', "tel: §"),
    "ip_address": (
        "Request from § refused.",
        "client=§ status=ok",
        '{"remote_addr": "§", "n": 1}',
        "§ - - [02/May/2026] GET",
    ),
}


def personal_positives(seed: int = 20260521) -> list[Case]:
    rng = random.Random(seed + 300)
    cases: list[Case] = []
    for kind, value in values(rng):
        for place, template in enumerate(_PLACES[kind]):
            cases.append(
                Case(f"personal/{kind}/{place}", template.replace(HOLE, value), (value,), words_around(template))
            )
    number = card(rng, "4", 16)
    cases.append(Case("personal/card_number/number", {"card": int(number), "n": 7}, (number,), ("7",)))
    for name, text in (
        ("ssn", "219099999"),
        ("phone", "5551234567"),
        ("homePhone", "0301234567"),
        ("mobile_number", 4155552671),
    ):
        cases.append(Case(f"personal/named/{name}", {name: text, "n": 7}, (str(text),), ("7",)))
    cases += personal_places.positives(rng, values(rng))
    return cases


def personal_negatives(seed: int = 20260521) -> list[Case]:
    rng = random.Random(seed + 400)
    texts = [
        "The run took 1234.567 ms on 2026-05-02T10:11:12.123456Z.",
        "timestamp 1767225600123 and 1767225600123456789",
        "version 1.2.3.4 of the driver",
        "python 3.11.4, numpy 1.26.4.1",
        "v10.20.30.40-beta",
        "listening on 127.0.0.1:8080 and ::1",
        "bind 0.0.0.0:80",
        "@decorator and @media queries",
        "git@github.com:acme/app.git",
        "npm i @acme/tool@1.2.3",
        "pkg@1.2.3",
        "coordinates 52.520008, 13.404954",
        "score 0.123456789012345",
        "tokens 128000 of 200000 used",
        "order 1234-5678 shipped",
        "ISBN 978-3-16-148410-0",
        "tracking 00340434161094042557",
        "range 100-200-3000",
        "phone plan with 500 minutes",
        "2026-05-02 10:11:12",
        "2026-05-02",
        "10:11:12.345",
        "page 12 of 345",
        "1,234,567.89 EUR",
        "ratio 16:9",
        "hash 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "id 550e8400-e29b-41d4-a716-446655440000",
        "MAC 00:1B:44:11:3A:B7",
        "time 12:34:56:78",
        "std::vector<int> a::b::c",
        "dead:beef is no address",
        "user@host",
        "foo@bar",
        "5@7",
        "a1b2c3d4e5f6",
        "SSN 000-12-3456 is invalid",
        "666-12-3456",
        "123-00-4567",
        "123-45-0000",
        "912-34-5678",
        "seed 42, batch 64, lr 1e-4",
        "0x7fff5fbff8a0",
        "1e10 2.5e-3",
        "build 20260502.1",
        "level 1.1.1.1.1",
        "chapter 3.2.1.4",
        "10.0.0 release",
        "+1 for this idea",
        "+10 -3 lines",
        "@@ -100,200 +100,210 @@",
        "cost 0.000123 USD",
        "RFC 7231 section 6.5.1",
        "RFC 2616",
        "line 911",
        "CSS #336699",
        "DE is a country",
        "GB12 is short",
        "call(415)",
        "tok/s 84.2 p99 1200",
        "prefix 2001",
        "rgb(203, 113, 42)",
        "1234 5678 9012",
        "4111 1111 1111 1112",
        "4111111111111112",
        "DE89370400440532013001",
        "GB82WEST12345698765433",
        "5500-0000-0000-0005",
        "epoch_ns=1767225600123456000",
        "span 7b6c1f0e2d3c4b5a",
        "duration_ms: 415555.2671",
    ]
    cases = [Case(f"personal_negative/{number}/text", text) for number, text in enumerate(texts)]
    cases += [
        Case(f"personal_negative/{number}/json", json.dumps({"t": text, "n": 1})) for number, text in enumerate(texts)
    ]
    for number in range(40):
        cases.append(
            Case(
                f"personal_negative/number/{number}",
                {
                    "started_at": 1767225600_000000000 + rng.getrandbits(50),
                    "id": rng.getrandbits(53),
                    "ratio": rng.random(),
                    "n": rng.randint(0, 10**6),
                },
            )
        )
        cases.append(
            Case(
                f"personal_negative/hex/{number}",
                {
                    "trace_id": characters(rng, "hex", 32),
                    "sha": characters(rng, "hex", 40),
                    "id": f"call_{characters(rng, 'AN', 24)}",
                },
            )
        )
        cases.append(
            Case(f"personal_negative/table/{number}", " | ".join(f"{rng.random() * 1000:.3f}" for _ in range(8)))
        )
        cases.append(
            Case(
                f"personal_negative/digits/{number}",
                f"order {characters(rng, 'd', rng.choice((6, 8, 10, 12, 17, 20)))} done",
            )
        )
    cases += personal_places.negatives(rng)
    return cases
