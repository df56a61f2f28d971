"""Text that was encoded for transport: what is no character, and what stands behind an encoded secret, stays."""

from __future__ import annotations

import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge import SensitiveDataFilter

FILTER = SensitiveDataFilter()


@pytest.mark.parametrize(
    "reference", ["&#xFFFE;", "&amp;#xFDD0;", "&amp;amp;#11;", "&#1;", "&#xD800;", "&#0;", "&#1114112;"]
)
def test_references_to_no_character(reference):
    """HTML decodes them to nothing."""
    assert FILTER.redact(f"a {reference} b") == f"a {reference} b"
    assert FILTER.redact(f"a password=tangerine9 {reference} b") == f"a password=[REDACTED] {reference} b"


@given(code=st.integers(0, 0x110010), levels=st.integers(0, 3), is_hex=st.booleans())
def test_any_reference(code, levels, is_hex):
    """However often it was escaped."""
    reference = f"&{'amp;' * levels}#{f'x{code:X}' if is_hex else code};"

    assert FILTER.redact(f"password=tangerine9 {reference} b") == f"password=[REDACTED] {reference} b"


@pytest.mark.parametrize("encode", [lambda text: quote(text, safe=""), quote_plus])
@pytest.mark.parametrize("separators", [(", ", ": "), (",", ":")])
@pytest.mark.parametrize("name", ["password", "api_key", "clientSecret"])
def test_what_follows_a_secret_in_encoded_json_stays(encode, separators, name):
    """With spaces or without."""
    value = {"user": "bob", name: "0PVuXp6ecKQgpTUR", "limit": 1, "region": "eu"}

    text, kept = (
        f"payload={encode(json.dumps(value | held, separators=separators))}&v=2" for held in ({}, {name: "[REDACTED]"})
    )

    assert FILTER.redact(text) == kept.replace(encode("[REDACTED]"), "[REDACTED]")


LINES = (
    ("DB_PASSWORD=§\nCACHE_TTL=60\n", "Gandalf_1954"),
    ("ansible_user: root\nansible_ssh_pass: §\nport: 22\n", "hunter2"),
    ("X-Auth-Token: §\r\nX-Auth-User: bob\r\n", "62FfYrm17oWCxFCek9Tge5"),
    ("Proxy-Authorization: Basic §\nVia: 1.1 proxy\n", "YW5hOjFhYVg2ZmJwek1TQw=="),
    ('curl -H "Authorization: token §" https://api.example.com/user\nmake test\n', "a1B2c3D4e5F6g7H8i9J0k1"),
    ("post('/login', { password: '§' });\nrun()", "hunter2x9"),
    ("machine h1\nlogin ana\npassword §\nmachine h2", "hunter2x9"),
)


@pytest.mark.parametrize("encode", [lambda text: quote(text, safe=""), quote_plus])
@pytest.mark.parametrize(("template", "secret"), LINES)
def test_an_encoded_value_ends_where_the_reader_of_its_layer_ends_it(encode, template, secret):
    """At an encoded line break, quote or blank, not at the next parameter; and nothing more is found the second time."""
    before, after = (encode(part) for part in template.split("§"))
    masked = FILTER.redact(f"q={before}{encode(secret)}{after}&v=2")

    assert masked == f"q={before}[REDACTED]{after}&v=2"
    assert FILTER.redact(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "curl -H &quot;Authorization: Bearer §&quot; https://x",
        "&lt;password&gt;§&lt;/password&gt; there",
        "user ana password §</pre><p>there",
        "nmcli dev wifi connect &quot;Office&quot; password §</pre> there",
        "export DB_PASSWORD=&#39;§&#39; there",
    ],
)
def test_escaped_quotes_and_tags_end_a_value(text):
    """Where the value stands in HTML."""
    assert FILTER.redact(text.replace("§", "hunter2moose9")) == text.replace("§", "[REDACTED]")


@pytest.mark.parametrize("template", ["<password>§</password>", '<a password="§">', "password='§'"])
def test_escaped_signs_in_quotes_and_elements_are_a_part_of_a_value(template):
    """XML writes them so."""
    assert FILTER.redact(template.replace("§", "nUKu&lt;ljm&gt;Byg4")) == template.replace("§", "[REDACTED]")


@pytest.mark.parametrize("prefix", ["app-1  | ", "db_1         | ", "api-server-12 | "])
@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        (["DB_PASSWORD=marmalade", "PORT=80"], ["DB_PASSWORD=[REDACTED]", "PORT=80"]),
        (["db:", "  password: marmalade", "  port: 80"], ["db:", "  password: [REDACTED]", "  port: 80"]),
        (["Password:", "user bob"], ["Password:", "user bob"]),
        (["starting", "ready in 12 ms"], ["starting", "ready in 12 ms"]),
    ],
)
def test_lines_behind_the_name_of_a_container(prefix, lines, kept):
    """They are read as if they stood alone; the name is no value."""
    text, expected = ("\n".join(prefix + line for line in some) for some in (lines, kept))

    assert FILTER.redact(text) == expected


def test_what_follows_a_private_key_of_putty_stays():
    line = "AAAAgQCq3ZzrPzDBv0n5Tn0YqzPVGm0lGz7n8UTpFRR8OYeXGLhXA3zEo1JmyLq9"
    text = f"Private-Lines: 3\n{line}\n{line}\nAAAA\nPrivate-MAC: 0123456789"

    assert FILTER.redact(text) == "Private-Lines: 3\n[REDACTED]\nPrivate-MAC: 0123456789"
