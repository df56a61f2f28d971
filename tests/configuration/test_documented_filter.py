"""The documentation says of the sensitive-data filter what the code does: its options, its names, its formats."""

import inspect
import re
from pathlib import Path

import pytest

import spanbridge as sb
from spanbridge.processors import key_names
from spanbridge.processors.credential_patterns import FORMATS
from spanbridge.processors.personal_data import PERSONAL_DATA

SECTION = (Path(__file__).parents[2] / "docs/redaction.md").read_text(encoding="utf-8")

LISTS = {
    "by itself": key_names.ALONE,
    "by itself, where its value looks generated": key_names._WEAK_ALONE,
    "`key` after": key_names.KEY_OWNERS,
    "`token` after": key_names.TOKEN_OWNERS,
    "`code` after": key_names.CODE_OWNERS,
    "`pass` after": key_names.PASS_OWNERS,
    "never: `key` after": key_names._NOT_KEY_OWNERS,
    "never: `token` after": key_names._NOT_TOKEN_OWNERS,
    "not looked at, at a name's end": key_names.QUALIFIERS,
}
KINDS = {
    "email": "ann@example.com",
    "card_number": "4111 1111 1111 1111",
    "iban": "DE89 3704 0044 0532 0130 00",
    "ssn": "078-05-1120",
    "phone": "+49 30 901820",
    "ip_address": "203.0.113.7",
}


def words(row: set[str] | frozenset[str]) -> str:
    """The words of a table as the documentation writes them."""
    return ", ".join(sorted(row))


@pytest.mark.parametrize("row", LISTS)
def test_names_are_documented(row):
    """Each table of words stands in the documentation, whole and with no other word."""
    assert f"| {row} | {words(LISTS[row])} |" in SECTION.splitlines()


def test_formats_are_documented():
    """So do the names of all formats, as `redactions` counts them."""
    assert f"| {words({row.rule for row in FORMATS})} |" in SECTION.splitlines()


def test_options_are_documented():
    """Each option of SensitiveDataFilter has a row, with its default."""
    rows = dict(re.findall(r"^\| `(\w+)` \| `(.*?)` \|", SECTION, re.MULTILINE))
    options = inspect.signature(sb.SensitiveDataFilter).parameters.values()

    assert rows == {
        option.name: f'"{option.default}"' if isinstance(option.default, str) else repr(option.default)
        for option in options
    }


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_personal_data_are_documented(kind):
    """Each kind is named, is redacted where it is asked for, and stays where it is not."""
    text = f"it is {KINDS[kind]}"

    assert f"`{kind}`" in SECTION
    assert sb.SensitiveDataFilter(pii=True).redact(text) == "it is [REDACTED]"
    assert sb.SensitiveDataFilter().redact(text) == text
    assert len(KINDS) == len(PERSONAL_DATA)
