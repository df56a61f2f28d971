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
from spanbridge.processors.native_prefilter import NativePrefilter
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
    """Hyperscan, and how often it was asked."""

    def __init__(self) -> None:
        self.looks = 0

    def make(self, probes: Any) -> Any:
        self._engine = NativePrefilter(probes)
        self._engine.make_hyperscan()
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
)
@settings(max_examples=75)
def test_many_records_come_out_as_each_alone(contents: list[dict[str, Any]], name: str) -> None:
    """What is found, what is written and what is counted does not depend on who else is looked at."""
    together = [make_record(number, content) for number, content in enumerate(contents)]
    alone = [make_record(number, content) for number, content in enumerate(contents)]

    for record in FILTERS[name].prescan(together):
        FILTERS[name].process(record)
    for record in alone:
        FILTERS[name].process(record)

    assert [record.encode_fields() for record in together] == [record.encode_fields() for record in alone]
    assert [record.redactions for record in together] == [record.redactions for record in alone]
    assert all(record.processed == set(record.content()) for record in together)


def test_many_records_need_few_looks_of_the_engine(engine: CountingEngine) -> None:
    """One at all of them, and one at each text in which it found something, however much stands around it."""
    redactor = SensitiveDataFilter()
    clean = {"name": "t", "input": [{"role": "user", "content": f"line {n}\n{n}"} for n in range(5)]}
    dirty = {**clean, "output": {"a": f"a {GITHUB}", "b": json.dumps({"authorization": "Bearer abc123def456"})}}
    records = [make_record(number, dirty if number == 3 else clean) for number in range(64)]

    left = redactor.prescan(records)
    looks = engine.looks
    for record in left:
        redactor.process(record)

    assert left == [records[3]]
    assert looks == 1
    assert engine.looks == 2
    assert records[3].output == {"a": "a [REDACTED]", "b": '{"authorization": "[REDACTED]"}'}


class PlacelessEngine:
    """Hyperscan that does not tell where."""

    def __init__(self, probes: Any) -> None:
        self._engine = CountingEngine().make(probes)

    def match(self, data: bytes) -> Any:
        return self._engine.match(data)

    def match_each(self, pieces: Any) -> Any:
        return self._engine.match_each(pieces)._replace(ends=None)


TELLING, SILENT = SensitiveDataFilter(), SensitiveDataFilter()


@pytest.fixture(scope="module", autouse=True)
def engines() -> None:
    """Two filters that differ in what their engines tell."""
    with pytest.MonkeyPatch.context() as patch:
        for redactor, make in ((TELLING, CountingEngine().make), (SILENT, PlacelessEngine)):
            patch.setattr(text_search, "make_prefilter", make)
            redactor.prepare()


@given(value=VALUES)
@settings(max_examples=300)
def test_what_lies_where_nothing_was_found_is_clean(value: Any) -> None:
    """Where the engine tells in which places something is, the others are passed by, and no secret is left in them."""
    left: list[set[str]] = []

    for redactor in (TELLING, SILENT):
        record = make_record(0, {"name": "t", "input": value, "output": {"one": value, "two": [value, value]}})
        for dirty in redactor.prescan([record]):
            redactor.process(dirty)
        shown = record.encode_fields().decode() + json.dumps(redactor.redact(value))
        left.append({secret for secret in (GITHUB, "hunter2", "abc123def456", "x1y2z3w4") if secret in shown})

    assert left[0] <= left[1]


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        ([{"type": "text", "text": "The password is "}, {"type": "text", "text": "Tr0ub4dor&3x9"}], "Tr0ub4dor"),
        ({"parts": [{"text": "use ghp_a1B2c3D4e5a1B2c3"}, {"text": "D4e5a1B2c3D4e5f6G7h8 ok"}]}, "D4e5a1B2c3"),
        ({"system": [{"text": "DB_PASSWORD="}, {"text": "hunter2Xy9"}]}, "hunter2"),
        ({"logs": [{"value": "password: "}, {"value": "hunter2Xy9"}]}, "hunter2"),
        ([1, "password=", "hunter2Xy9"], "hunter2"),
        ([None, "pass", "word=hunter2Xy9"], "hunter2"),
        ([{"type": "image"}, "The password is ", "Tr0ub4dor&3x9"], "Tr0ub4dor"),
        (["password=hun", "ter2Xy9zz"], "ter2Xy9zz"),
    ],
)
def test_a_secret_in_several_items_goes_where_places_are_told(value: Any, secret: str) -> None:
    """What was found in one of them is what the next one goes on with."""
    record = make_record(0, {"name": "t", "input": {"content": value}})

    TELLING.process(record)

    assert secret not in str(TELLING.redact(value))
    assert secret not in str(record.input)


def test_a_text_that_comes_again_is_looked_at_once(engine: CountingEngine) -> None:
    """As a conversation does, with each call of a model."""
    redactor = SensitiveDataFilter()
    messages = [{"role": "user", "content": f"use {GITHUB} {number}"} for number in range(4)]
    records = [make_record(number, {"name": "t", "input": messages[: number + 1]}) for number in range(4)]

    for record in redactor.prescan(records):
        redactor.process(record)

    assert engine.looks == 1 + len(messages)
    assert not any(GITHUB.encode() in record.encode_fields() for record in records)


def test_json_in_a_string_costs_one_look(engine: CountingEngine) -> None:
    """However many strings it holds."""
    text = json.dumps({**{f"key{n}": f"{'clean text. ' * 9}{n}" for n in range(20)}, "api_key": "x1y2z3w4"})
    record = make_record(0, {"name": "t", "input": [text]})

    SensitiveDataFilter().process(record)

    assert engine.looks == 2
    assert record.input == [text.replace("x1y2z3w4", "[REDACTED]")]


def test_many_clean_records_need_one_look(engine: CountingEngine) -> None:
    """However many there are, as long as they are not large."""
    records = [make_record(number, {"name": "t", "input": f"text {number}"}) for number in range(256)]

    SensitiveDataFilter().prescan(records)

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


def test_many_large_records_are_looked_at_in_parts(engine: CountingEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory has a bound; what is larger than it is looked at alone; a secret in any part is found."""
    monkeypatch.setattr(sensitive_data, "LOOK_BYTES", 1000)
    texts = ["a" * 400, "b" * 400, f"c{'.' * 2000} {GITHUB}", "d" * 400, f"e {GITHUB}"]
    records = [make_record(number, {"name": "t", "input": text}) for number, text in enumerate(texts)]
    redactor = SensitiveDataFilter()

    left = redactor.prescan(records)
    looks = engine.looks
    for record in left:
        redactor.process(record)

    assert looks == 3
    assert [record.input for record in records] == [text.replace(GITHUB, "[REDACTED]") for text in texts]


def test_what_changed_after_the_look_is_looked_at_again(engine: CountingEngine) -> None:
    """What the look at all of them told does not hold for it."""
    record = make_record(0, {"name": "t", "input": f"use {GITHUB}"})
    redactor = SensitiveDataFilter()

    redactor.prescan([record])
    record.output = {"password": "hunter2"}
    redactor.process(record)

    assert (record.input, record.output) == ("use [REDACTED]", {"password": "[REDACTED]"})


def test_what_fails_in_one_record_withholds_nothing_else() -> None:
    """The field whose JSON cannot be read goes whole, the other records are redacted."""
    broken = make_record(0, {"name": "t", "input": "x"})
    broken.replace_encoded("input", b'{"password": NaN}')
    broken.processed.clear()
    records = [broken, make_record(1, {"name": "t", "input": {"password": "one"}})]
    redactor = SensitiveDataFilter()

    for record in redactor.prescan(records):
        redactor.process(record)

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


def test_an_engine_that_cannot_be_made_withholds_everything(
    monkeypatch: pytest.MonkeyPatch, contained_errors: list[tuple[str, BaseException]]
) -> None:
    """It is made when the first span is looked at; if that fails, no span leaves with its content."""

    def fail(probes: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(text_search, "make_prefilter", fail)
    chain = Chain([SensitiveDataFilter()], Limits())
    records = [make_record(number, {"name": "t", "input": "hello"}) for number in range(2)]

    results = list(chain.run(records, Pace()))

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
