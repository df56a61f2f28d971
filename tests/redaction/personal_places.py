"""Personal data in more places and spellings, and more that only looks like it."""

# ruff: noqa: E501, RUF001 - a row of a table is one line; some separators look like others

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .cases import HOLE, Case, words_around
from .generating import characters, fill

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

PLACES: dict[str, tuple[str, ...]] = {
    "email": (
        "email:§", "§:hello", "to=§;cc=nobody", "<a href=\"mailto:§\">write</a>", "[§](mailto:§)", "login as §, please", "INSERT INTO users VALUES (7, '§')", "user §\n",
        "E-Mail：§", "{'email': '§', 'age': 40}", "Contact(email='§', n=1)", "name,email\nJane,§\n", "| Jane | § |", "commit abc\nAuthor: Jane <§>\nDate: today", "https://example.com/u?email=§&x=1", "\"§\"",
        "(§)", "用户§。", "From: §\\nTo: nobody", "sent to §.", "§ opened the ticket", "jane/§/x", "联系§谢谢",
    ),
    "card_number": ("card:§", "Card number: §.", "pan=§&cvc=x", "(§)", "'§'", "VISA § exp 12/27", "name,card\nJane,§\n", "| Jane | § |", "{'card': '§'}", "#§", "card no. §", "支付§完成"),
    "iban": ("IBAN:§", "iban=§&x=1", "(§)", "'§'", "| Jane | § |", "to account § by Friday", "name,iban\nJane,§\n", "{'iban': '§'}", "口座§です"),
    "ssn": ("SSN:§", "(§)", "'§'", "social security number §", "| Jane | § |", "name,ssn\nJane,§\n", "his SSN is §.", "号码§谢谢"),
    "phone": ("phone:§ x", "(call §)", "'§'", "Tel. §, fax none", "| Jane | § |", "name,phone\nJane,§\n", "reach me on § after six", "WhatsApp: §", "{'phone': '§'}", "电话§谢谢"),
    "ip_address": ("ip=§", "(§)", "'§'", "from § to nowhere", "X-Forwarded-For: §", "{'ip': '§'}", "| Jane | § |", "client § connected", "src=§ dst=none", "peer: §\n", "host,ip\na,§\n", "来自§的请求"),
}  # fmt: skip

SPELLINGS: tuple[tuple[str, str, str], ...] = (
    ("card_number", "4242.4242.4242.4242", "paid with § today"),
    ("card_number", "4242\u00a04242\u00a04242\u00a04242", "paid with § today"),
    ("card_number", "4242\u20114242\u20114242\u20114242", "paid with § today"),
    ("iban", "DE89-3704-0044-0532-0130-00", "IBAN §"),
    ("iban", "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000", "IBAN §"),
    ("ssn", "219\u201109\u20119999", "SSN § on file"),
    ("ssn", "219 09 9999", "my ssn is §"),
    ("ssn", "219099999", "ssn=§"),
    ("email", "jane@exämple.de", "write to § today"),
    ("email", "müller@example.de", "write to § today"),
    ("email", "o'brien@example.com", "write to § today"),
    ("email", "jane%40example.com", "?email=§&x=1"),
    ("phone", "4155552671", "call me at §"),
    ("phone", "4155552671", "text her on § please"),
    ("phone", "4155552671", "my number is §"),
    ("phone", "4155552671", "phone number is §"),
    ("phone", "+1\u00a0415\u00a0555\u00a02671", "ring § please"),
    ("phone", "+1\u2011415\u2011555\u20112671", "ring § please"),
    ("phone", "(415)555-2671", "ring § please"),
    ("phone", "+49 (30) 901820", "ring § please"),
    ("phone", "0049 30 901820", "ring § please"),
    ("phone", "+1.415.555.2671", "ring § please"),
    ("phone", "tel:+14155552671", "link § here"),
    ("ip_address", "::ffff:203.0.113.7", "from §"),
    ("ip_address", "2001:db8::1", "from § port 22"),
    ("ip_address", "203.0.113.0/24", "from § to"),
)  # fmt: skip

NAMED: tuple[tuple[Any, str], ...] = (
    ({"phone_numbers": ["4155552671", "4155552672"]}, "415555267"),
    ({"phones": [4155552671]}, "4155552671"),
    ({"phone": {"number": "4155552671"}}, "4155552671"),
    ({"contact": {"mobile": "04155552671"}}, "04155552671"),
    ({"telephoneNumber": "4155552671"}, "4155552671"),
    ({"ssns": ["219099999"]}, "219099999"),
    ({"card": {"number": 4242424242424242}}, "4242424242424242"),
    ({"name": "phone", "value": "4155552671"}, "4155552671"),
)  # fmt: skip

LOOK_ALIKES: tuple[str, ...] = (
    "build(deps): bump foo from 1.2.3.4 to 1.2.3.5",
    "Upgraded the driver from 1.2.3.4 to v1.2.3.5",
    # Versions and sections.
    "python==3.11.4.1", "nginx/1.25.3.1", "pkg@1.2.3.4", "Chrome/120.0.6099.109", "Edge 120.0.2210.91", "curl/8.4.0.1", "v10.2.3.4", "version 10.2.3.4", "driver 31.0.15.4601", "SNMP 1.3.6.1.4.1",
    "firmware 2.4.1.7", "release 4.3.2.1", "see 4.3.2.1 above", "build 415.555.2671", "1.2.3.4-beta", "assembly Foo, Version=1.0.0.0, Culture=neutral", "OpenSSL 1.1.1.1w",
    "log4j-2.17.1.4.jar", "pip install x==1.2.3.4", "Mozilla/5.0 (Windows NT 10.0; Win64) Gecko/20100101 Firefox/121.0",
    # Addresses of nobody.
    "127.0.0.1", "0.0.0.0", "::1", "255.255.255.0", "255.255.255.255", "0.1.2.3", "224.0.0.1", "netmask 255.255.240.0", "localhost:8080", "999.1.2.3", "256.256.256.256",
    # Colons.
    "a1::b2", "std::vector<int>", "1:2:3:4:5:6:7:8", "10:20:30:40", "00:11:22:33:44:55", "12:30:45", "Foo::Bar::baz2", "ab:cd:ef:12", "ratio 16:9:4", "face::b00k is no name", "2026-05-02T10:11:12+02:00", "::before", "a::after2",
    "50 00 1c 2d:3e", "urn:uuid:550e8400-e29b-41d4-a716-446655440000", "x::y1::z2", "ec2::i1", "sha256:9b2c5d1e0c1f4f8a", "SHA1 Fingerprint=9F:CE:B0:2D:0A:E5",
    # At signs.
    "logo@2x.png", "icon@3x.webp", "style@media.css", "photo@1024.jpg", "git@github.com:acme/app.git", "npm i @acme/tool@1.2.3", "user@host", "root@localhost", "@media (min-width: 3px)", "foo@bar", "x@y.z=1", "deploy@web-1:/srv/app",
    "img@4x.jpeg 2x", "actions/checkout@v4.1", "uses: acme/x@main.yml", "ubuntu@ip-10-0-0-1", "kernel@6.1.0", "Foo@1a2b3c4d", "java.lang.Object@6d06d69c", "com.acme.Foo@1f32e575", "a@b", "chunk@hash.js", "page@2.tsx", "@decorator.name",
    "oauth2@token", "s3@bucket", "module@1.0.0.min.js",
    # Digits.
    "order 123456789", "invoice 2026-0001-4711", "PO 4500012345", "ISBN 978-3-16-148410-0", "ISBN-10 3-16-148410-0", "EAN 4006381333931", "UPS 1Z999AA10123456784", "tracking 00340434161094042557", "VIN 1HGCM82633A004352",
    "serial 5CD1234XYZ", "ticket 555-1234", "case 12-34567", "FedEx 7712 3456 7890", "DOI 10.5281/zenodo.1234567", "arXiv:2301.12345", "CVE-2024-12345", "RFC 2119", "PMID 31452104", "ORCID 0000-0002-1825-0097",
    "1767225600123", "1767225600", "1767225600.123", "20260502101112", "2026-05-02 10:11:12.123456", "05/02/2026", "02.05.2026", "10.11.2026 12:30", "1,234,567.89", "$1,234.56", "EUR 12.345.678,90", "3.14159265358979",
    "52.520008, 13.404954", "-33.8688, 151.2093", "lat=37.7749&lng=-122.4194", "0x7ffeefbff5c8", "1e-10", "+1", "+100%", "1+1=2", "+10 -3", "x = (123) 456", "(1) 2 3", "call(415)", "bytes 0-1023/4096", "line 100-200", "100-200-300", "12-34-56", "1-2-3-4",
    "10 20 30 40", "1 000 000 000", "00 01 02 03 04 05 06 07", "1234 5678 9012", "123 456 7890123", "price 030 12", "5:30-6:30", "555-555-5555", "+1 2 3 4 5 6 7 8", "page 12 of 345", "GMT+0200", "UTC+02:00", "p < 0.05, n = 1234",
    "score 0.123456789012345", "port 8080", "rgb(203, 113, 42)", "#336699", "1920x1080", "ratio 1.7777777777", "4111111111111112", "4242424242424243", "1234567890123456", "1111111111111111", "0000000000000000", "5500-0000-0000-0005",
    "DE89370400440532013001", "GB12ABCD", "AB12 3456 7890 1234", "DE is a country", "ES6 2015 module syntax", "MD5 hash 1234 5678 9012", "GB82WEST12345698765433", "SE 2.0.1",
    "666-12-3456", "900-12-3456", "000-12-3456", "123-00-4567", "123-45-0000", "id 123-45-678", "K-123-45-6789-X", "part 12-345-6789",
    "IMEI 49-015420-323751-8", "duration_ms: 415555.2671", "tokens: 128000 of 200000", "usage 1234 567 8901", "chapter 3.2.1.4", "step 1.2.3.4: mix", "table 1 2 3 4 5 6 7 8 9", "M 10 10 L 20 20 L 30 10 Z", "0 0 24 24",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8", "trace 4bf92f3577b34da6a3ce929d0e0e4736", "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]", "1714557600123456789", "phase 1-2-3", "zip 94110-1234", "10115 Berlin", "ext. 4711", "room 415-555", "gate 12-34-56",
    "call 911", "call 3 times", "dial 112", "call number 5", "phone plan 500 minutes", "mobile first design 2026", "telephone game", "fax machines of 1998", "cell 12 of 30", "cell phone tower 5",
)  # fmt: skip

NAMED_LOOK_ALIKES: tuple[Any, ...] = (
    {"version": "1.2.3.4"}, {"appVersion": "10.20.30.40"}, {"file_version": "1.0.0.0"}, {"oid": "1.3.6.1"}, {"release": "4.3.2.1"}, {"build": "1.2.3.4"}, {"firmware": "2.4.1.7"},
    {"id": 4242424242424242}, {"user_id": 4242424242424242}, {"timestamp_ns": 1714557600123456789}, {"created_at": 1714557600000}, {"trace_ids": [4242424242424242]},
    {"phone_id": "4155552671"}, {"mobile": True}, {"tel_count": 123456789}, {"usage": {"prompt_tokens": 123456789}}, {"n": 4155552671}, {"created": 1714557600}, {"cell": 5}, {"phone": None}, {"ssn": None},
    {"seed": 4242424242424242}, {"sequence_number": 4155552671}, {"size_bytes": 4242424242424242}, {"duration_ns": 4242424242424242},
)  # fmt: skip


def positives(rng: random.Random, values: Iterator[tuple[str, str]]) -> Iterator[Case]:
    for number, (kind, value) in enumerate(values):
        for place in rng.sample(PLACES[kind], 4):
            yield Case(f"personal_places/{kind}/{number}", place.replace(HOLE, value), (value,), words_around(place))
    for number, (kind, value, place) in enumerate(SPELLINGS):
        yield Case(
            f"personal_spellings/{kind}/{number}",
            place.replace(HOLE, value),
            (value.removeprefix("tel:"),),
            words_around(place),
        )
        text = json.dumps({"t": place.replace(HOLE, value), "n": 1}, ensure_ascii=False)
        yield Case(f"personal_spellings/{kind}/{number}/json", text, (value.removeprefix("tel:"),), words_around(place))
    for number, (value, secret) in enumerate(NAMED):
        yield Case(f"personal_named/{number}", {**value, "n": 1}, (secret,))
        yield Case(f"personal_named/{number}/json", json.dumps({**value, "n": 1}), (secret,))


def negatives(rng: random.Random) -> Iterator[Case]:
    for number, text in enumerate(LOOK_ALIKES):
        yield Case(f"personal_look_alikes/{number}", text)
        yield Case(f"personal_look_alikes/{number}/sentence", f"Look at {text} again")
        yield Case(f"personal_look_alikes/{number}/json", json.dumps({"t": text, "n": 1.0}))
    for number, value in enumerate(NAMED_LOOK_ALIKES):
        yield Case(f"personal_named_look_alikes/{number}", value)
        yield Case(f"personal_named_look_alikes/{number}/json", json.dumps(value))
    for number in range(60):
        value = {
            "id": rng.getrandbits(53), "at": 1767225600000 + rng.getrandbits(30), "sha": characters(rng, "hex", 40), "ulid": fill("01{UN:24}", rng), "call": fill("call_{AN:24}", rng),
            "order": fill("ORD-{d:10}", rng), "sku": fill("{UN:3}-{d:5}-{UN:2}", rng), "etag": fill('"{hex:32}"', rng), "price": round(rng.random() * 1e6, 2), "range": f"{rng.randint(1, 999)}-{rng.randint(1000, 9999)}",
            "embedding": [round(rng.uniform(-1, 1), 8) for _ in range(6)], "uuid": fill("{uuid}", rng), "b64": fill("{B:88}==", rng),
        }  # fmt: skip
        yield Case(f"personal_ids/{number}", value)
        yield Case(f"personal_ids/{number}/json", json.dumps(value))
