"""References as people and programs see them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge.exporters.span_tree import preview
from spanbridge.media.references import as_text, describe, format_bytes, readable, reference, referred

SHA256 = "ab12" * 16
REFERENCE = reference(SHA256, "image/png", 2_000_000)


def test_format_bytes():
    """Sizes in powers of 1000."""
    assert [format_bytes(count) for count in (0, 999, 20_500, 3_000_000, 12_345_678_901)] == [
        "0 B",
        "999 B",
        "20.5 KB",
        "3.0 MB",
        "12.3 GB",
    ]


def test_what_people_read():
    """The type, the size, the beginning of the hash; what is unusual about it."""
    odd = reference(SHA256, "image/png", 1, declared="image/gif", omitted="too_large")

    assert describe(REFERENCE["media"]) == "[image/png, 2.0 MB, sha256 ab12ab12ab12...]"
    assert describe(REFERENCE["media"], whole=True) == f"[image/png, 2.0 MB, sha256 {SHA256}]"
    assert describe(odd["media"]) == (
        "[image/png, declared image/gif, 1 B, sha256 ab12ab12ab12..., not kept: too_large]"
    )
    assert as_text(REFERENCE) == f"[media image/png 2000000 bytes sha256:{SHA256}]"
    assert preview([{"image": REFERENCE}]) == '[{"image": "[image/png, 2.0 MB, sha256 ab12ab12ab12...]"}]'


@pytest.mark.parametrize(
    "value",
    [
        {"media": "a newspaper"},
        {"media": {"sha256": "short", "media_type": "image/png", "bytes": 1}},
        {"media": {"sha256": SHA256, "bytes": 1}},
        {"media": {**REFERENCE["media"], "data": "x"}},
        {**REFERENCE, "more": 1},
        [REFERENCE["media"]],
        None,
    ],
)
def test_what_is_no_reference(value):
    """Mappings of the application that look alike are its own."""
    assert referred(value) is None
    assert readable(value) == value


@given(st.lists(st.integers() | st.just(REFERENCE) | st.dictionaries(st.text(), st.just([REFERENCE])), max_size=20))
def test_readable_is_bounded_and_changes_nothing_else(value):
    """With little to look at the rest stays as it is."""
    before = repr(value)

    readable(value)
    few = readable(value, max_values=3)

    assert repr(value) == before
    assert len(few) == len(value)
    assert few[5:] == value[5:]
