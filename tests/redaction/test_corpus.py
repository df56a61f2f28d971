"""The sensitive-data filter against the labelled corpus: the goals that the README quotes."""

from __future__ import annotations

import json
import random
import sys
from typing import Any

import pytest

from spanbridge import SensitiveDataFilter
from spanbridge.processors import text_search
from spanbridge.processors.re_prefilter import RePrefilter

from .negatives import negatives
from .payloads import FULL_OF_SECRETS, HOSTILE
from .personal import personal_negatives, personal_positives
from .positives import positives
from .scoring import Score, changed_chunks, library_chunks, remains, score, visible

FILTER = SensitiveDataFilter()
POSITIVES = positives()
NEGATIVES = negatives()


def names(faults: list[tuple[Any, Any]]) -> list[str]:
    """The cases at fault, for the message of a failing test."""
    return [case.name for case, _ in faults]


@pytest.fixture(scope="module")
def figures() -> Score:
    """The corpus, run once."""
    return score(FILTER.redact, POSITIVES, NEGATIVES)


def test_the_corpus_has_hundreds_of_each() -> None:
    """And it is the same in every run."""
    assert len(POSITIVES) > 2000
    assert len(NEGATIVES) > 2000
    assert positives() == POSITIVES
    assert negatives() == NEGATIVES


def test_secrets_go(figures: Score) -> None:
    """Recall of at least 99 %."""
    assert figures.recall >= 0.99, names(figures.missed)


def test_look_alikes_stay(figures: Score) -> None:
    """At most 0.5 % false positives."""
    assert figures.false_positives <= 0.005, names(figures.changed)


def test_what_stands_around_a_secret_stays(figures: Score) -> None:
    """Collateral damage in at most 0.3 % of the cases."""
    assert figures.collateral_share <= 0.003, names(figures.collateral)


def test_nothing_breaks(figures: Score) -> None:
    """JSON stays JSON, inputs are not changed, a second pass finds nothing."""
    assert names(figures.broken) == []
    assert names(figures.mutated) == []
    assert names(figures.unstable) == []


def test_personal_data_goes_where_it_is_asked_for() -> None:
    """98 % recall at 1 % false positives."""
    figures = score(SensitiveDataFilter(pii=True).redact, personal_positives(), personal_negatives())

    assert figures.recall >= 0.98, names(figures.missed)
    assert figures.false_positives <= 0.01, names(figures.changed)


def test_personal_data_stays_where_it_is_not_asked_for() -> None:
    """The default leaves it alone."""
    changed = [case.name for case in personal_positives() if FILTER.redact(case.value) != case.value]

    assert changed == []


@pytest.mark.parametrize("limit", [1500, pytest.param(None, marks=pytest.mark.slow)])
def test_real_text_stays(limit: int | None) -> None:
    """At most 0.03 % of the standard library's source changes: what changes there are passwords in examples."""
    chunks = library_chunks(limit)

    assert len(changed_chunks(FILTER.redact, chunks)) <= max(1, 0.0003 * len(chunks))


def test_every_split_of_a_stream_survives() -> None:
    """Whatever the pieces, no secret that is found goes out with them, and little text differs from that of the whole."""
    rng = random.Random(5)
    leaks: list[str] = []
    runs = differences = 0
    for case in POSITIVES[::10]:
        text = case.value
        if not isinstance(text, str) or not 2 < len(text) < 3000:
            continue
        whole = FILTER.redact(text)
        found = [secret for secret in case.secrets if not remains(secret, visible(whole))]
        for count in (1, 2, 7, len(text)):
            cuts = sorted(rng.sample(range(1, len(text)), min(count, len(text) - 1)))
            stream = FILTER.stream()
            pieces = [stream.feed(text[start:end]) for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
            result = "".join([*pieces, stream.flush()])
            runs += 1
            differences += result != whole
            shown = visible(result)
            leaks += [case.name for secret in found if remains(secret, shown)]

    assert leaks == []
    assert differences <= 0.002 * runs


def test_a_stream_of_harmless_text_comes_out_as_it_is() -> None:
    """Nothing is lost or added where there is nothing to redact, but for what only the rest of the text would tell."""
    texts = [case.value for case in NEGATIVES[::5] if isinstance(case.value, str)]
    texts = [text for text in texts if FILTER.redact(text) == text and not text.lstrip().startswith(("{", "["))]
    changed: list[str] = []
    for text in texts:
        stream = FILTER.stream()
        if "".join([*map(stream.feed, text), stream.flush()]) != text:
            changed.append(text)

    assert len(texts) > 100
    assert len(changed) <= 0.005 * len(texts), changed


def test_both_engines_give_the_same_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    """google-re2 and the standard library: on the corpus, on hostile input and on real text."""
    monkeypatch.setattr(text_search, "make_prefilter", RePrefilter)
    plain = SensitiveDataFilter()
    values = [case.value for case in (*POSITIVES[::4], *NEGATIVES[::4])]
    values += [make(2000) for make in HOSTILE.values()]
    values += library_chunks(300)

    assert [plain.redact(value) for value in values] == [FILTER.redact(value) for value in values]


@pytest.mark.parametrize("name", [*HOSTILE, *FULL_OF_SECRETS])
def test_hostile_input_comes_back(name: str) -> None:
    """As JSON of its own kind, and not much longer than it was."""
    value = {**HOSTILE, **FULL_OF_SECRETS}[name](4000)

    result = FILTER.redact(value)

    assert type(result) is type(value)
    assert len(json.dumps(result)) <= 2 * len(json.dumps(value))
    assert FILTER.redact(result) == result


@pytest.mark.parametrize("name", [*HOSTILE, *FULL_OF_SECRETS])
def test_twice_as_much_takes_no_more_than_twice_as_many_calls(name: str) -> None:
    """Also of much that is alike: what is told of a whole is not told anew for each of its parts."""
    make = {**HOSTILE, **FULL_OF_SECRETS}[name]
    once, twice = make(4000), make(8000)

    assert _calls_for(twice) <= 2.3 * _calls_for(once) + 100


def _calls_for(value: Any) -> int:
    """How many functions are called for a value that was looked at before."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    FILTER.redact(value)
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        FILTER.redact(value)
    finally:
        sys.setprofile(before)
    return calls
