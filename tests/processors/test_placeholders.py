"""What is told at once to be generated is told so by the whole look too."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge.processors import placeholders
from spanbridge.processors.key_names import word_set
from spanbridge.processors.placeholders import is_placeholder

WORDS = st.sampled_from(
    sorted(
        word_set(
            "your here my not set none test api key token secret password vault env changeme xxxxxx XXXXXXXX 000000 0x oauth2 sha256 "
            "aes128 k8s 16ch v2 s3 eyJ amd64 x86_64 u2022 a1b2c3d4e5f6a7b8 AB12CD34EF56GH78 pk_live"
        )
    )
)
PIECES = WORDS | WORDS.map(str.upper) | WORDS.map(str.title) | st.text("abXx01259ZyHKe", max_size=12)
VALUES = st.builds(str.join, st.sampled_from(["", "_", "-"]), st.lists(PIECES, min_size=1, max_size=6))


@given(VALUES)
def test_a_generated_value_is_never_a_placeholder(value: str) -> None:
    """The pattern of generated values spares the other patterns and decides nothing."""
    quick = is_placeholder(value)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(placeholders, "_GENERATED", re.compile("(?!)"))
        assert is_placeholder(value) == quick
