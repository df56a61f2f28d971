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
