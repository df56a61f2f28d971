"""The keyword rule looks only for the words whose probes match: it finds what a search for all of them finds."""

from __future__ import annotations

import random
from typing import Any

import pytest
from tests.redaction.negatives import negatives
from tests.redaction.positives import positives

from spanbridge.processors.key_names import classifier_with
from spanbridge.processors.keyword_rule import keyword_rule
from spanbridge.processors.matcher import make_prefilter
from spanbridge.processors.text_rule import Budget

RULE = keyword_rule(classifier_with(["tax number"]), r"tax[\W_]?number")
TEXTS = [
    case.value
    for case in (*positives()[::5], *negatives()[::5])
    if isinstance(case.value, str) and len(case.value) < 2000
] + ["tax_number = 48-1516-2342", "TaxNumber: 48-1516-2342 and the key point", "İ password = hunter2moose"]


def found(find: Any, text: str) -> set[tuple[int, int, str]]:
    """What a search finds."""
    return {tuple(span) for span in find(text, Budget(None))}


def test_the_words_of_the_probes_that_match_are_enough() -> None:
    """In texts alone, and in two that stand together, of which each has words that the other does not."""
    engine = make_prefilter(RULE.probes)
    rng = random.Random(1)
    texts = [*TEXTS, *(f"{one}\n{rng.choice(TEXTS)}" for one in TEXTS)]
    narrowed = RULE.narrowed
    assert narrowed is not None

    looked_at = finding = 0
    for text in texts:
        matched = sorted(engine.match(text.encode()) or ())
        if matched:
            looked_at += 1
            everything = found(RULE.find, text)
            finding += bool(everything)
            assert found(narrowed(tuple(matched)), text) == everything, text

    assert looked_at > 300
    assert finding > 200


def test_a_word_that_no_probe_that_matches_has_is_not_looked_for() -> None:
    """The key of a sentence costs nothing where only the password's probe matches."""
    narrowed = RULE.narrowed
    assert narrowed is not None
    of_passwords = next(number for number, probe in enumerate(RULE.probes) if probe.gates[0] == "passw")
    text = "api_key = 'Zx9Yw8Vu7Ts6Rq5P', password = 'hunter2moose'"

    assert len(found(narrowed((of_passwords,)), text)) == 1
    assert len(found(RULE.find, text)) == 2


@pytest.mark.parametrize(
    "repeated", ["password:", "password=", "the token, ", "'secret', ", "| api_key ", "密码", "Cookie: a; "]
)
def test_what_follows_a_long_repetition_is_looked_at(repeated: str) -> None:
    """However often a name stands there in the same surroundings: they end, and a secret follows."""
    secret = "\npassword = 'Zx9Yw8Vu7Ts6Rq5P'\n"
    for times in (0, 1, 7, 8, 9, 10, 11, 40, 200):
        text = f"{repeated * times}{secret}{repeated * 2 * times}{secret}"

        values = {text[start:end] for start, end, _ in found(RULE.find, text)}
        ends = {end for _, end, _ in found(RULE.find, text)}

        assert "Zx9Yw8Vu7Ts6Rq5P" in values, times
        assert {text.index(secret) + len(secret) - 2, len(text) - 2} <= ends, times
