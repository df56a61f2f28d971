"""What stands around a secret stays byte for byte: escapes as they were written, colours of a terminal, the end of what was cut off."""

from __future__ import annotations

import random

import pytest

from spanbridge import SensitiveDataFilter

from .cases import HOLE
from .positives import positives
from .scoring import remains

FILTER = SensitiveDataFilter()
PERSONAL = SensitiveDataFilter(pii=True)
MASK = "[REDACTED]"
SECRET = "a1B2c3D4e5F6g7H8i9J0"

AROUND = (
    # Escapes that JSON need not be written with, as Go and PHP write them.
    r'{"url": "https:\/\/example.com\/?a\u003d1\u0026api_key\u003d§\u0026b\u003d2"}',
    r'{"html": "\u003cinput type=\u0027password\u0027 value=\u0027§\u0027\u003e \ud83d\ude00 \u00e9"}',
    r'{"n": 1.0, "note": "caf\u00e9\/bar: the token is § \ud83d\ude00\u2026", "u": "\u0041"}',
    r'{"body": "{\"url\": \"https://example.com/?a=1\\u0026api_key=§\\u0026b=2\"}"}',
    # JSON that was cut off behind the secret, also within an escape.
    r'{"cmd": "export API_KEY=§ && run \u00',
    '{"cmd": "export API_KEY=§ && run \\',
    r'"{\"cmd\": \"export API_KEY=§ && run ' + "\\",
    # Colours.
    "token: \x1b[1m§\x1b[0m done",
    "\x1b[32mAPI_KEY\x1b[0m=\x1b[33m§\x1b[0m\n",
    "\x1b[36mpassword\x1b[39m: \x1b[32m'§'\x1b[39m,",
    # Signs that are escaped in text that is no JSON.
    r"password\u003d\u0022§\u0022",
    r"{\x22password\x22:\x22§\x22,\x22n\x22:1}",
    r"var cfg = JSON.parse('{\u0022apiKey\u0022:\u0022§\u0022}');",
)


@pytest.mark.parametrize("template", AROUND)
def test_the_surroundings_of_a_secret(template: str) -> None:
    """In a text of its own and in a message."""
    text, expected = template.replace(HOLE, SECRET), template.replace(HOLE, MASK)

    assert FILTER.redact(text) == expected
    assert FILTER.redact({"content": [{"text": text}]}) == {"content": [{"text": expected}]}


@pytest.mark.parametrize(
    ("before", "secret", "behind"),
    [
        ("It is ", f"ya29.{SECRET}_-x", "."),
        ("It is ", f"pscale_pw_{SECRET * 2}", "..."),
        ("It is ", f"abc8Q~{SECRET}~x.y-_{SECRET[:9]}", ". Really."),
        ("https://hooks.zapier.com/hooks/catch/1234567/", "a1b2c3d", "/"),
        ("https://hooks.slack.com/workflows/T01ABCDEF/A02ABCDEFGH/391234567890123456/", SECRET, ""),
        ("$ cat k\n", f"-----BEGIN PRIVATE KEY-----\n{SECRET * 3}Ab\n{SECRET * 3}Ab", "\nListening on port 8080"),
    ],
)
def test_where_a_secret_ends(before: str, secret: str, behind: str) -> None:
    """The sign behind it, the slash of an address, the line of a program that printed a key; a second pass finds nothing more."""
    text, expected = f"{before}{secret}{behind}", f"{before}{MASK}{behind}"

    assert FILTER.redact(text) == expected
    assert FILTER.redact(expected) == expected


@pytest.mark.parametrize("number", ["{:6}\t", "{:6}→", "{}: ", "{}:"])
@pytest.mark.parametrize("rest", ["password: none", "Listening on port 8080", ""])
def test_a_key_with_numbers_before_its_lines(number: str, rest: str) -> None:
    """As tools print files, where it was cut off, also as it flows."""
    lines = ["-----BEGIN RSA PRIVATE KEY-----", f"{SECRET * 3}Ab", f"{SECRET * 3}Cd", f"{SECRET * 3}Ef"]
    text = "".join(f"{number.format(at)}{line}\n" for at, line in enumerate([*lines, rest], 1))

    redacted = FILTER.redact(text)

    assert not remains(f"{SECRET * 3}Cd", redacted)
    assert redacted.endswith(f"{rest}\n")
    for at in range(1, len(text)):
        stream = FILTER.stream()
        assert not remains(f"{SECRET * 3}Cd", stream.feed(text[:at]) + stream.feed(text[at:]) + stream.flush())


def test_what_stands_for_a_value_is_no_value() -> None:
    """The tokens of the style "indexed", wherever values stand."""
    indexed = SensitiveDataFilter(style="indexed")
    for case in positives()[::2]:
        redacted = indexed.redact(case.value)
        assert indexed.redact(redacted) == redacted, case


NUMBERS = (
    "card 5559 9617 5261 3148 expires 04/29",
    "Kreditkarte: 6011 4057 8422 6370",
    "IBAN: FR07 2184 1939 9195 0994 3883 951",
    "please pay to GB75 GOHZ 9887 4202 8150 21, thanks",
    "call +44 20 7946 0123 or (212) 555-1234 now",
    "we have 12 cats, 3 dogs and 4111 1111 1111 1112 other things",
)


@pytest.mark.parametrize("text", NUMBERS)
def test_groups_of_digits_that_flow(text: str) -> None:
    """A number is held until it has ended, wherever it is cut."""
    rng = random.Random(text)
    expected = PERSONAL.redact(text)
    cuts = [[at] for at in range(1, len(text))] + [sorted(rng.sample(range(1, len(text)), 9)) for _ in range(40)]
    for places in cuts:
        stream = PERSONAL.stream()
        pieces = [stream.feed(text[a:b]) for a, b in zip([0, *places], [*places, len(text)], strict=True)]
        assert "".join([*pieces, stream.flush()]) == expected, places


@pytest.mark.parametrize("lead", ["seed phrase: ", "recovery phrase is ", 'the mnemonic: "'])
def test_a_recovery_phrase_that_flows(lead: str) -> None:
    """None of its words goes on before the phrase is known."""
    text = lead + "able absurd across acquire about absorb access action acid absent accuse above"
    for at in range(1, len(text)):
        stream = FILTER.stream()
        assert stream.feed(text[:at]) + stream.feed(text[at:]) + stream.flush() == FILTER.redact(text)
