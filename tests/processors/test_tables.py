"""Tables whose columns are named apart from their rows: in text, and in JSON."""

from __future__ import annotations

import json

import pytest

from spanbridge import SensitiveDataFilter

FILTER = SensitiveDataFilter()
KEY = "vDakyHVKRddwsatt4Y4QrY6Spy6S8DUk"


@pytest.mark.parametrize(
    ("head", "body"), [("columns", "rows"), ("headers", "data"), ("fields", "values"), ("header", "records")]
)
@pytest.mark.parametrize("name", ["password", "api_key", "clientSecret", "db.pwd"])
@pytest.mark.parametrize("indent", [None, 2])
def test_columns_beside_rows(head, body, name, indent):
    """The cells below a secret name go, whatever they are; those of the other columns stay, and placeholders."""
    rows = [[1, "bob", "galaxy-gandalf-47", True], [2, "eve", KEY, None], [3, "ann", "", True], [4, "joe", None, True]]
    masked = [[1, "bob", "[REDACTED]", True], [2, "eve", "[REDACTED]", None], *rows[2:]]
    table = {head: ["id", "user", name, "enabled"], body: rows, "n": 4}
    expected = {head: ["id", "user", name, "enabled"], body: masked, "n": 4}

    assert FILTER.redact(table) == expected
    text = f"```json\n{json.dumps(table, indent=indent)}\n```"
    assert FILTER.redact({"text": text}) == {"text": f"```json\n{json.dumps(expected, indent=indent)}\n```"}


def test_columns_that_are_described():
    """As the interfaces of databases do."""
    table = {
        "columns": [{"name": "id", "type": "int"}, {"name": "password", "type": "text"}],
        "rows": [[1, "tangerine"]],
    }

    assert FILTER.redact(table)["rows"] == [[1, "[REDACTED]"]]


@pytest.mark.parametrize(
    "table",
    [
        {"columns": ["id", "max_tokens"], "rows": [[1, 4096]]},
        {"columns": ["name", "type"], "rows": [["password", "varchar"], ["api_key", "text"]]},
        {"columns": ["id", "password"], "rows": [[1, "${PASSWORD}"], [2, None]]},
        {"columns": ["id", "token"], "rows": [[1, "the"], [2, " cat"]]},
        {"columns": ["id", "password"], "rows": [{"id": 1, "note": "fine"}, [1, 2, 3]]},
    ],
)
def test_tables_without_secrets_stay(table):
    """Counts, descriptions, placeholders, other shapes."""
    assert FILTER.redact(table) == table


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('"id","client_secret","enabled"\n"1","§","true"\n', '"1"'),
        ('"id";"password"\n"1";"§"\n', '"1"'),
        ("id;name;client_secret;x\n1;bob;§;2\n", ";2"),
        ("port,openai_passwd_v2\n80,§\n", "80,"),
        ("port,passphrase_dev\n80,§\n", "80,"),
        ("port,db.pwd\n80,§\n", "80,"),
        ("port,db_pwd_backup\n80,§\n", "80,"),
        ("Benutzer;Passwort\nbob;§\n", "bob;"),
    ],
)
@pytest.mark.parametrize("secret", [KEY, "ab071cc9f1e8e4d6256567eeaba1631773e398b1", "tangerine9x"])
def test_columns_of_text(text, kept, secret):
    """Quoted or not, with any delimiter; a name may have parts and say which one it is."""
    redacted = text.replace("§", "[REDACTED]")

    assert kept in redacted
    assert FILTER.redact(text.replace("§", secret)) == redacted
    assert FILTER.redact({"csv": text.replace("§", secret)}) == {"csv": redacted}
