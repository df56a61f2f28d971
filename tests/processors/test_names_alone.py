"""A name that is sensitive is so whatever stands beside it: the prefilter knows every name that the rules know."""

from __future__ import annotations

import pytest

from spanbridge import SensitiveDataFilter

VALUE = "aB3dE6gH9jK2mN5p"


@pytest.mark.parametrize(
    "name",
    [
        "auth_prod", "bearer_old", "conn-string", "cred", "csrf", "dsn_prod", "mfa__code", "mnemonic", "mot_passe", "pass_phrase",
        "pass_word", "password[]", "passwords/prod", "pw_prod", "seed.phrase", "sid_prod", "user_cred", "xsrf",
    ],
)  # fmt: skip
def test_the_only_member(name):
    """Alone, and beside one that every probe finds."""
    redact = SensitiveDataFilter().redact
    assert redact({name: VALUE}) == {name: "[REDACTED]"}
    assert redact({name: VALUE, "x": "password=tangerine9"})[name] == "[REDACTED]"


@pytest.mark.parametrize(
    "name", ["path_prod", "credit", "passage", "pat_count", "seed", "connection", "recovery_time", "accredited"]
)
def test_names_that_only_look_like_it(name):
    """They stay."""
    assert SensitiveDataFilter().redact({name: "harmless text"}) == {name: "harmless text"}
