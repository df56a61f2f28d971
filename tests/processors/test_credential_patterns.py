"""The table of credential formats, row by row, on credentials made from the patterns themselves."""

from __future__ import annotations

import base64
import json
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge.processors.credential_patterns import FORMATS, Format, is_basic, is_jwt
from spanbridge.processors.sensitive_data import SensitiveDataFilter

FILTER = SensitiveDataFilter()


def example(row: Format) -> str:
    """A credential of this format, none that was ever issued."""
    chance = random.Random(row.head + row.body)
    if row.rule == "jwt":
        part = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
        return f"{part}.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlMTIzNDU2Nzg5MA"
    if row.rule == "private_key":
        return base64.b64encode(b"-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA1c7\n").decode()
    if row.rule == "discord_token":
        return base64.b64encode(b"123456789012345678").decode() + ".GaBcDe." + "aB3_" * 7
    text = ""
    for token in re.finditer(
        r"\(\?(?:P<v>|:)|\)\??|\||(\\.|\[[^\]]*\]|[^\\])(?:\{(\d+)(?:,\d*)?\}|([?*]))?", row.head + row.body
    ):
        text = _append(text, token, chance)
        if token[0] in (")", ")?"):
            text = _close(text, chance, optional=token[0] == ")?")
    assert re.fullmatch(f"(?:{row.head}){row.body}", text), (row, text)
    return text


OPEN, BAR = "\0", "\1"


def _append(text: str, token: re.Match[str], chance: random.Random) -> str:
    if token[0].startswith("(?"):
        return text + OPEN
    if token[0] == "|":
        return text + BAR
    if token[1] is None or token[3] is not None:
        return text
    unit, count = token[1], int(token[2] or 1)
    if unit.startswith("["):
        alphabet = [
            c
            for c in map(chr, range(33, 127))
            if re.fullmatch(unit, c) and (c.isalnum() or not re.fullmatch(unit, "a"))
        ]
        return text + "".join(chance.choice(alphabet) for _ in range(count))
    if unit == "\\d":
        return text + "".join(chance.choice("123456789") for _ in range(count))
    return text + unit.removeprefix("\\") * count


def _close(text: str, chance: random.Random, *, optional: bool) -> str:
    before, _, group = text.rpartition(OPEN)
    return before if optional else before + chance.choice(group.split(BAR))


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: f"{row.rule}:{row.gate}")
def test_each_format_is_found_in_prose_in_json_and_after_an_escape(row: Format) -> None:
    """The secret part is gone and counted under the row's rule, whatever stands before it."""
    secret = example(row)
    body = secret[-20:]

    for value in (f"it is {secret} there", json.dumps({"a": f"\n{secret}\n"}), {"x": [secret]}, f"密{secret}。"):
        redacted = json.dumps(FILTER.redact(value), ensure_ascii=False)
        assert body not in redacted
        assert "[REDACTED]" in redacted


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: f"{row.rule}:{row.gate}")
def test_each_row_is_consistent(row: Format) -> None:
    """It names its source; a match holds one of the row's gates in lower case, and the row's probe matches it."""
    secret = example(row)

    assert row.source
    assert any(gate in secret.lower() for gate in row.gate.split("|"))
    assert re.search(row.probe, secret)


@pytest.mark.parametrize(
    "row", [row for row in FORMATS if row.rule != "stripe_key"], ids=lambda row: f"{row.rule}:{row.gate}"
)
def test_each_pattern_needs_a_boundary_on_its_left(row: Format) -> None:
    """What is glued to a letter before it is part of another word; escapes and percent codes are no letters."""
    pattern = re.compile(row.pattern)
    secret = example(row)

    assert [pattern.search(f"{before}{secret} ") is not None for before in ("", "\\n", "%3D", "\\u003d", ".")] == [
        True
    ] * 5
    assert pattern.match(f"x{secret}", 1) is None


@given(
    user=st.text(alphabet="abcxyz", min_size=1, max_size=8),
    password=st.text(alphabet="abc123!", min_size=3, max_size=12),
)
def test_basic_credentials_decode_to_a_user_and_a_password(user: str, password: str) -> None:
    """Base64 is Basic authentication only if a colon and readable text are behind it."""
    assert is_basic(base64.b64encode(f"{user}:{password}".encode()).decode())
    assert not is_basic(base64.b64encode(f"{user}{password}".encode()).decode())


def test_a_jwt_needs_a_jose_header() -> None:
    """Text that merely begins with `eyJ` is not enough."""
    assert is_jwt("eyJhbGciOiJIUzI1NiJ9.e30.c2ln")
    assert not is_jwt("eyJmb28iOiJiYXIifQ.e30.c2ln")


@pytest.mark.parametrize(
    "row", [row for row in FORMATS if re.fullmatch(r"[A-Za-z0-9+/]+", example(row))], ids=lambda row: row.rule
)
def test_a_format_is_not_looked_for_within_base64(row: Format) -> None:
    """Of an image: what begins or ends it there is a sign of the same alphabet, and the run is long."""
    key, chance = example(row), random.Random(row.rule)
    data = base64.b64encode(chance.randbytes(300)).decode()

    for text in (f"{data}+{key}/{data}", f"{data}{data}/{key}"):
        assert FILTER.redact({"type": "image", "data": text}) == {"type": "image", "data": text}
    address = f"https://example.com/{'path/' * 8}{key}/end"
    assert key not in FILTER.redact(address)
