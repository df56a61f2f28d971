"""Many records at once: the same result as one by one, with few looks of the engine; and an engine that cannot be made."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbridge.model.payload import snapshot
from spanbridge.model.span import SpanRecord
from spanbridge.model.span_types import SpanType
from spanbridge.pacing import Pace
from spanbridge.pipeline.chain import Chain
from spanbridge.processors import sensitive_data, text_search
from spanbridge.processors.limits import Limits
from spanbridge.processors.matcher import make_prefilter
from spanbridge.processors.re_prefilter import RePrefilter
from spanbridge.processors.sensitive_data import SensitiveDataFilter

GITHUB = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
TEXTS = st.text(max_size=20) | st.sampled_from(
    [
        f"use {GITHUB} for it",
        'password = "hunter2"',
        "Authorization: Bearer abc123def456",
        "https://bob:hunter2@host/path",
        "the token limit is 4096",
        "密码: hunter2 and\nmore",
        '\\"api_key\\": \\"x1y2z3w4\\"',
    ]
)
NAMES = st.sampled_from(["password", "apiKey", "auth", "note", "headers", "password=hunter2", "x: " + GITHUB])
VALUES = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4) | st.builds(json.dumps, inner)
    ),
    max_leaves=10,
)
FILTERS = {
    "built-in rules": SensitiveDataFilter(),
    "all options": SensitiveDataFilter(
        pii=True, extra_keys=["tax number"], extra_patterns={"plain": "T-[0-9]{4}", "always": r"\bE-\d{4}\b"}
    ),
}


def make_record(number: int, content: dict[str, Any]) -> SpanRecord:
    encoded = {field: snapshot(value) for field, value in content.items()}
    return SpanRecord("a" * 32, f"{number:016x}", SpanType.TOOL_CALL, 1, encoded)


class CountingEngine:
    """The engine, and how often it was asked."""

    def __init__(self) -> None:
        self.looks = 0

    def make(self, probes: Any) -> Any:
        self._engine = make_prefilter(probes)
        return self

    def match(self, data: bytes) -> Any:
        self.looks += 1
        return self._engine.match(data)

    def match_each(self, pieces: Any) -> Any:
        self.looks += 1
        return self._engine.match_each(pieces)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> CountingEngine:
    """What filters that are made in this test search with."""
    engine = CountingEngine()
    monkeypatch.setattr(text_search, "make_prefilter", engine.make)
    return engine


@given(
    contents=st.lists(
        st.fixed_dictionaries({"name": TEXTS, "input": VALUES, "output": VALUES, "metadata": VALUES}), max_size=6
    ),
    name=st.sampled_from(list(FILTERS)),
    hurries=st.booleans(),
)
@settings(max_examples=75)
def test_many_records_come_out_as_each_alone(contents: list[dict[str, Any]], name: str, hurries: bool) -> None:
    """What is found, what is written and what is counted does not depend on who else is looked at."""
    together = [make_record(number, content) for number, content in enumerate(contents)]
    alone = [make_record(number, content) for number, content in enumerate(contents)]

    for record in FILTERS[name].prescan(together, hurries=hurries):
        FILTERS[name].process(record)
    for record in alone:
        FILTERS[name].process(record)

    assert [record.encode_fields() for record in together] == [record.encode_fields() for record in alone]
    assert [record.redactions for record in together] == [record.redactions for record in alone]
    assert all(record.processed == set(record.content()) for record in together)


def test_a_backlog_needs_few_looks_of_the_engine(engine: CountingEngine) -> None:
    """For all documents, for the fields of the dirty ones, for the texts of those, for the JSON in texts: not for each on its own."""
    redactor = SensitiveDataFilter()
    clean = {"name": "t", "input": [{"role": "user", "content": f"line {n}\n{n}"} for n in range(5)]}
    dirty = {**clean, "output": [f"a {GITHUB}", json.dumps({"headers": {"authorization": "Bearer abc123def456"}})]}
    records = [make_record(number, dirty if number % 20 == 3 else clean) for number in range(64)]

    redactor.prescan(records, hurries=True)
    looks = engine.looks
    for record in records:
        redactor.process(record)

    assert looks == 4
    assert engine.looks == looks
    assert sum("[REDACTED]" in str(record.output) for record in records) == 4
    assert not any(GITHUB.encode() in record.encode_fields() for record in records)


def test_json_in_strings_costs_one_look_more(engine: CountingEngine) -> None:
    """However many strings there are."""
    text = json.dumps({"password": "one", "list": [f"{'clean text. ' * 9}{n}" for n in range(20)], "api_key": GITHUB})
    records = [make_record(number, {"name": "t", "input": [text, f"{text} "]}) for number in range(5)]

    SensitiveDataFilter().prescan(records, hurries=True)

    assert engine.looks == 4
    assert not any(GITHUB.encode() in record.encode_fields() for record in records)


def test_a_clean_backlog_needs_one_look(engine: CountingEngine) -> None:
    """However many records there are, as long as they are not large."""
    records = [make_record(number, {"name": "t", "input": f"text {number}"}) for number in range(256)]

    SensitiveDataFilter().prescan(records, hurries=True)

    assert engine.looks == 1
    assert all(record.processed for record in records)


def test_the_records_of_a_slice_are_looked_at_together(engine: CountingEngine) -> None:
    """Clean ones are done with after one look at all of them; a dirty one is left to `process`, and so is one with a secret in pieces."""
    clean = [make_record(number, {"name": "t", "input": ["a", f"text {number}"]}) for number in range(16)]
    whole = make_record(16, {"name": "t", "input": f"use {GITHUB}"})
    in_pieces = make_record(17, {"name": "t", "input": [GITHUB[:9], GITHUB[9:]]})
    redactor = SensitiveDataFilter()

    assert redactor.prescan(clean) == []
    assert engine.looks == 1
    assert all(record.processed for record in clean)
    assert redactor.prescan(clean) == clean
    for dirty in (whole, in_pieces):
        beside = make_record(0, {"name": "t", "input": "x"})
        assert redactor.prescan([beside, dirty]) == [dirty]
        assert beside.processed
        assert not dirty.processed


def test_the_standard_library_looks_at_each_record_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A literal in one of them would have it go through all."""
    monkeypatch.setattr(text_search, "make_prefilter", RePrefilter)
    records = [make_record(number, {"name": "t", "input": f"text {number}"}) for number in range(4)]

    assert SensitiveDataFilter().prescan(records) == records


def test_a_large_backlog_is_looked_at_in_parts(engine: CountingEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory has a bound; what is larger than it is looked at alone; a secret in any part is found."""
    monkeypatch.setattr(sensitive_data, "PRESCAN_BYTES", 1000)
    texts = ["a" * 400, "b" * 400, f"c{'.' * 2000} {GITHUB}", "d" * 400, f"e {GITHUB}"]
    records = [make_record(number, {"name": "t", "input": text}) for number, text in enumerate(texts)]

    SensitiveDataFilter().prescan(records, hurries=True)

    assert engine.looks == 3 + 2 * 2
    assert [record.input for record in records] == [text.replace(GITHUB, "[REDACTED]") for text in texts]


def test_long_texts_of_a_backlog_are_left_to_the_engine(engine: CountingEngine) -> None:
    """The standard library would hold other threads up for too long; the result is the same."""
    text = f"{'clean text. ' * 5000}password = 'hunter2' {'and more. ' * 5000}"
    records = [make_record(number, {"name": "t", "input": [text, f"short {number}"]}) for number in range(3)]

    SensitiveDataFilter().prescan(records, hurries=True)

    assert [record.input for record in records] == [
        [text.replace("hunter2", "[REDACTED]"), f"short {number}"] for number in range(3)
    ]


def test_what_fails_in_one_record_of_a_backlog_withholds_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """The field whose JSON cannot be read goes whole, the other records are redacted."""
    broken = make_record(0, {"name": "t", "input": "x"})
    broken.replace_encoded("input", b'{"password": NaN}')
    broken.processed.clear()
    records = [broken, make_record(1, {"name": "t", "input": {"password": "one"}})]

    SensitiveDataFilter().prescan(records, hurries=True)

    assert records[0].input == {"withheld": {"processor": "sensitive_data", "reason": "JSONDecodeError"}}
    assert records[1].input == {"password": "[REDACTED]"}


@given(pieces=st.lists(TEXTS | st.builds(json.dumps, VALUES), min_size=1, max_size=6))
@settings(max_examples=75)
def test_probes_are_located_where_they_match(pieces: list[str]) -> None:
    """Telling pieces apart gives for each what looking at it alone gives."""
    encoded = [piece.encode("utf-8", "surrogatepass") for piece in pieces]

    located = LOCATOR.locate(frozenset(LOCATOR.match(b"\n".join(encoded))), encoded)

    assert [sorted(found) for found in located] == [LOCATOR.match(piece) for piece in encoded]


LOCATOR = RePrefilter(SensitiveDataFilter(pii=True).probes)


# ── an engine that cannot be made ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("hurries", [False, True])
def test_an_engine_that_cannot_be_made_withholds_everything(
    hurries: bool, monkeypatch: pytest.MonkeyPatch, contained_errors: list[tuple[str, BaseException]]
) -> None:
    """It is made when the first span is looked at; if that fails, no span leaves with its content."""

    def fail(probes: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(text_search, "make_prefilter", fail)
    chain = Chain([SensitiveDataFilter()], Limits())
    records = [make_record(number, {"name": "t", "input": "hello"}) for number in range(2)]

    results = list(chain.run(records, Pace(hurries=hurries)))

    assert [result is not None and json.loads(result.document) for result in results] == [
        {
            "name": "tool_call",
            "attributes": {"withheld": {"processor": "sensitive_data", "reason": "MemoryError"}},
        }
    ] * 2
    assert {type(error) for _, error in contained_errors} == {MemoryError}
    contained_errors.clear()


def test_making_a_filter_compiles_nothing(engine: CountingEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Configuring an application does not wait for the engine; wrong options are still told at once."""
    made: list[Any] = []
    monkeypatch.setattr(text_search, "make_prefilter", lambda probes: made.append(probes) or engine.make(probes))
    redactor = SensitiveDataFilter()
    assert not made

    assert redactor.redact({"password": "x"}) == {"password": "[REDACTED]"}
    assert redactor.redact({"password": "y"}) == {"password": "[REDACTED]"}
    assert len(made) == 1
