"""Secrets among the strings of one list: each masked where it stands, what follows it left as it is."""

from __future__ import annotations

import pytest

from spanbridge import SensitiveDataFilter

KEY = "aB3dE6gH9jK2mN5p" * 2


@pytest.mark.parametrize(
    ("items", "redacted"),
    [
        (
            ["DB_PASSWORD=tangerine9", "PATH=/usr/bin", "HOME=/root"],
            ["DB_PASSWORD=[REDACTED]", "PATH=/usr/bin", "HOME=/root"],
        ),
        (
            ["curl", "-H", f"Authorization: Bearer {KEY}", "https://a.com/x"],
            ["curl", "-H", "Authorization: Bearer [REDACTED]", "https://a.com/x"],
        ),
        (
            ["app", "--password=tangerine9", "--verbose", "out.txt"],
            ["app", "--password=[REDACTED]", "--verbose", "out.txt"],
        ),
        (["a", "API_KEY=a1B2c3D4e5F6g7H8", "user:42"], ["a", "API_KEY=[REDACTED]", "user:42"]),
        ([f"sk-proj-{KEY}{KEY}", "gpt-4o"], ["[REDACTED]", "gpt-4o"]),
        (["password: tangerine9", "user-2"], ["password: [REDACTED]", "user-2"]),
    ],
)
def test_what_follows_a_secret_stays(items, redacted):
    """Arguments, environments, tags: a string that holds a whole secret does not reach into the next one."""
    assert SensitiveDataFilter().redact(items) == redacted
    assert SensitiveDataFilter().redact({"list": items}) == {"list": redacted}


@pytest.mark.parametrize("cut", [6, 12, 20])
def test_a_secret_in_several_strings(cut):
    """None of them holds it alone: the first gets the mask, the others lose their part."""
    secret = f"sk-proj-{KEY}{KEY}"
    assert SensitiveDataFilter().redact([secret[:cut], secret[cut:]]) == ["[REDACTED]", ""]
