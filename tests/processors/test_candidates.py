"""The prefilter lets pass whatever a rule finds, in any spelling of the text, whichever engine searches."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from tests.redaction.places import places
from tests.redaction.positives import positives

from spanbridge import SensitiveDataFilter
from spanbridge.processors import text_search
from spanbridge.processors.native_prefilter import NativePrefilter
from spanbridge.processors.re_prefilter import RePrefilter
from spanbridge.processors.text_rule import Budget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts_of(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from texts_of(item)


CASES = [*places(random.Random(11)), *positives()[::5]]
TEXTS = [text for text in dict.fromkeys(text for case in CASES for text in texts_of(case.value)) if len(text) < 2000]
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "other quotes": lambda text: text.replace('"', "'"),
    "more space": lambda text: text.replace(": ", ":  ").replace(" = ", "  =  "),
    "in JSON": lambda text: json.dumps(text)[1:-1],
    "in JSON in JSON": lambda text: json.dumps(json.dumps(text)),
}


def hyperscan(probes):
    """What searches once Hyperscan's automaton is made."""
    prefilter = NativePrefilter(probes)
    prefilter.make_hyperscan()
    assert prefilter.engine == "hyperscan"
    return prefilter


@pytest.mark.parametrize("engine", [hyperscan, RePrefilter])
@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("step", [40, pytest.param(4, marks=pytest.mark.slow)])
def test_what_a_rule_finds_is_admitted(spelling, engine, step, monkeypatch):
    """Every secret that all rules together find is found by those whose probes match."""
    monkeypatch.setattr(text_search, "make_prefilter", engine)
    search = SensitiveDataFilter()._search  # pyright: ignore[reportPrivateUsage]
    rules = range(len(search.probes))
    missed = []

    for text in map(SPELLINGS[spelling], TEXTS[:: 4 * step if engine is RePrefilter else step]):
        found = search.spans(text, Budget(None), rules)
        admitted = search.spans(text, Budget(None), search.candidates(text) or ()) if found else []
        missed += [
            text for span in found if not any(other.start < span.end and span.start < other.end for other in admitted)
        ]

    assert missed == [], missed


@pytest.mark.parametrize(
    ("template", "length"),
    [
        (template, length)
        for template in (
            'password="{}"',
            "password={}",
            '{{"private_key":"{}',
            '"refresh_token": "{}"',
            "api_key: {}",
            "Authorization: Bearer {}",
            "bearer {}",
            "Cookie: session={}; theme=dark",
            "deploy --token {} --region eu",
            "https://example.com/cb?access_token={}&x=1",
            "<password>{}</password>",
        )
        for length in (4096, 5000, 8192, 20_000)
    ],
)
def test_a_value_of_any_length_goes_whole(template, length):
    """No tail of it stays, and what follows does."""
    value = "".join(random.Random(length).choices("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=length))

    result = SensitiveDataFilter().redact(template.format(value))

    assert not any(value[at : at + 16] in result for at in range(0, length - 16, 16))
    assert result.endswith(template.rsplit("}", 1)[1].replace("}}", "}"))


@pytest.mark.parametrize(("user", "password"), [(300, 20), (10, 600), (300, 800)])
def test_long_user_information(user, password):
    """In an address."""
    address = f"https://{'u' * user}:{'a1B2' * (password // 4)}@db.internal/orders"

    assert SensitiveDataFilter().redact(address) == f"https://{'u' * user}:[REDACTED]@db.internal/orders"


@pytest.mark.parametrize("spelling", ["Bearer  {}", "Bearer\t{}", "Bearer\n{}", "Bearer\u00a0{}", "BEARER {}"])
def test_any_space_behind_a_scheme(spelling):
    """A token is one whatever stands between."""
    token = "aB3dE6gH9jK2mN5pQ8sT"

    assert token not in SensitiveDataFilter().redact(spelling.format(token))


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_strings_of_strings_stay_json(levels):
    """A JSON string of a JSON string keeps its quotes, at any depth that is read."""
    for value in (
        {"password": 12345678},
        {"command": "htpasswd -b f bob tangerine9"},
        {"x": "machine h login bob password tangerine9"},
    ):
        text: Any = value
        for _ in range(levels):
            text = json.dumps(text)

        result: Any = SensitiveDataFilter().redact(text)

        for _ in range(levels):
            result = json.loads(result)
        assert result != value
        assert result.keys() == value.keys()
