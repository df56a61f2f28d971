"""Secrets among the strings of one list: each masked where it stands, what follows it left as it is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge import SensitiveDataFilter
from spanbridge.processors.chunked_text import joined_lists

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


@pytest.mark.parametrize(
    "items",
    [
        ["API_KEY=", "DB_HOST=h.example.com", "PASSWORD=", "LANG=C"],
        ["A=1", "REDIS_PASSWORD=REPLACE_ME", "TZ=Europe/Berlin"],
        ["API_KEY=<your-key>", "REGION=eu-central-1"],
        ["api_key=", "region=eu-central-1"],
        ["MYSQL_ALLOW_EMPTY_PASSWORD=", "PATH=/usr/local/sbin:/usr/bin", "GOSU_VERSION=1.17"],
        ["--password=", "--region=eu-central-1"],
        ["Authorization: Bearer <token>", "X-Request-Id: 8f14e45fceea167a5a36dedd4bea2543"],
    ],
)
def test_what_follows_an_empty_value_stays(items):
    """Strings that are things of their own are no stream: a name at the end of one says nothing of the next."""
    assert SensitiveDataFilter().redact(items) == items
    assert SensitiveDataFilter().redact({"Env": items, "text": json.dumps(items)}) == {
        "Env": items,
        "text": json.dumps(items),
    }


def test_a_name_of_words_and_its_value():
    """A pair is no stream: the name stays whole."""
    items = ["x secret key", "be3c975b71305aac49c156cb1f646411"]

    assert SensitiveDataFilter().redact(items) == ["x secret key", "[REDACTED]"]


@pytest.mark.parametrize("cut", [6, 12, 20])
def test_a_secret_in_several_strings(cut):
    """None of them holds it alone: the first gets the mask, the others lose their part."""
    secret = f"sk-proj-{KEY}{KEY}"
    assert SensitiveDataFilter().redact([secret[:cut], secret[cut:]]) == ["[REDACTED]", ""]


@pytest.mark.parametrize("written", [lambda value: value, json.dumps], ids=["value", "JSON"])
def test_a_secret_in_several_strings_of_one_of_many_mappings(written):
    """What has no secret in any of its strings alone is not passed over."""
    secret = f"sk-proj-{KEY}{KEY}"

    def items(parts):
        return [{"id": 1}, {"chunks": written(parts)}, {"id": 2}]

    assert SensitiveDataFilter().redact(items([secret[:12], secret[12:]])) == items(["[REDACTED]", ""])


@pytest.mark.parametrize(
    "first", ["htpasswd -b .htpasswd bob Tang3rine", "use --password Tang3rine", "password: Tang3rine"]
)
def test_the_arguments_of_calls_are_texts_of_their_own(first):
    """A secret at the end of one does not go on in the next: each stays JSON."""

    def calls(query):
        arguments = [json.dumps({"q": query}), json.dumps({"z": "the weather"})]
        return [arguments, [{"function": {"name": "search", "arguments": text}} for text in arguments]]

    assert SensitiveDataFilter().redact(calls(first)) == calls(first.replace("Tang3rine", "[REDACTED]"))


@given(
    items=st.lists(st.text(st.sampled_from("aB. "), max_size=6), min_size=2, max_size=5),
    compact=st.booleans(),
    times=st.integers(0, 2),
)
def test_the_pieces_of_a_list_stand_together(items, compact, times):
    """However the list was written, and however often as a string of JSON: what stood between the strings is gone, outer quotes stay."""
    text = json.dumps(items, separators=(",", ":") if compact else None)
    for _ in range(times):
        text = json.dumps({"inner": text})

    ((start, data),) = joined_lists(text.encode())
    joined = data.decode()

    assert text[start] == "["
    quote = joined[1 : joined.index('"') + 1]
    assert joined == f"[{quote}{''.join(items)}{quote}"
