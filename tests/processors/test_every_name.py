"""A name that the classifier calls secret makes its value go, alone in a mapping and in every spelling, whichever engine looks first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from spanbridge import SensitiveDataFilter
from spanbridge.processors import key_names, text_search
from spanbridge.processors.re_prefilter import RePrefilter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VALUE = "aB3dE6gH9jK2mN5p"
SPELLINGS: dict[str, Callable[[list[str]], str]] = {
    "snake": "_".join,
    "kebab": "-".join,
    "dotted": ".".join,
    "spaced": " ".join,
    "path": "/".join,
    "doubled": "__".join,
    "camel": lambda words: words[0] + "".join(map(str.capitalize, words[1:])),
    "Pascal": lambda words: "".join(map(str.capitalize, words)),
    "SCREAMING": lambda words: "_".join(words).upper(),
    "prefixed": lambda words: "my_" + "_".join(words),
    "glued prefix": lambda words: "my" + "".join(map(str.capitalize, words)),
    "form list": lambda words: "_".join(words) + "[]",
    "form member": lambda words: f"user[{'_'.join(words)}]",
    "required": lambda words: "_".join(words) + "*",
    "private": lambda words: "_" + "_".join(words) + "_",
    "quoted": lambda words: '"' + "_".join(words) + '"',
}
QUALIFIERS = ("", "prod", "old", "v2", "2", "value", "b64", "hash")


def names() -> Iterator[list[str]]:
    """The words of every name in the classifier's tables."""
    yield from ([word] for word in (*key_names.ALONE, *key_names._WEAK_ALONE))
    yield from ([*pair] for pair in key_names._PAIRS)
    owned = {
        "key": key_names.KEY_OWNERS,
        "token": key_names.TOKEN_OWNERS,
        "code": key_names.CODE_OWNERS,
        "pass": key_names.PASS_OWNERS,
        "pin": key_names.PIN_OWNERS,
    }
    for word, owners in owned.items():
        yield from ([owner, word] for owner in owners)
    yield from (["acme", word] for word in ("key", "keys", "token", "tokens", "pass"))


@pytest.mark.parametrize("engine", ["re2", "re"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_only_member(spelling: str, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The prefilter finds whatever the classifier knows: a verdict does not depend on the neighbours."""
    if engine == "re":
        monkeypatch.setattr(text_search, "make_prefilter", RePrefilter)
    redact = SensitiveDataFilter().redact
    spell = SPELLINGS[spelling]
    spelled = {spell([*words, *qualifier.split()]) for words in names() for qualifier in QUALIFIERS}

    kept = sorted(name for name in spelled if key_names.classify(name) and redact({name: VALUE}) == {name: VALUE})

    assert kept == []


@pytest.mark.parametrize("value", ["4829", 4829, "48291734"])
@pytest.mark.parametrize("name", ["pin", "PIN", "userPin", "puk"])
def test_numbers_that_open_something(name: str, value: object) -> None:
    """A pin of four to eight digits."""
    assert SensitiveDataFilter().redact({name: value}) == {name: "[REDACTED]"}


@pytest.mark.parametrize("value", [13, "GPIO17", True, "top left", "13"])
def test_pins_of_a_board(value: object) -> None:
    """They stay, as pinned messages do."""
    assert SensitiveDataFilter().redact({"pin": value}) == {"pin": value}


@pytest.mark.parametrize(
    "name",
    [
        "spin", "pinned", "pinterest_board", "seed_count", "random_seed", "saspurilla", "answer", "secret_answer_count", "signature",
        "assertion", "httpw", "credit", "passage", "compass", "turnkey", "psk_length", "seedling", "hub_signature_url", "cvs",
        "mnemonic_count", "login_code_name",
    ],
)  # fmt: skip
def test_names_that_only_look_like_one(name: str) -> None:
    """They stay, whatever their value."""
    value = {name: "harmless text", "n": 1.0}
    assert SensitiveDataFilter().redact(value) is value
