import collections
import dataclasses
import datetime
import decimal
import enum
import json
import math
import pathlib
import sys
import threading
import types
import uuid
from typing import ClassVar
from unittest import mock

import attrs
import numpy as np
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge.model import payload
from spanbridge.model.payload import MAX_DEPTH, decode, encode, snapshot, truncated

SURROGATE = "\ud800"


class Explosive:
    """Every hook that a snapshot must not call."""

    calls: ClassVar[list[str]] = []

    def _called(self, *args):
        self.calls.append("called")
        raise RuntimeError("must not be called")

    __repr__ = __str__ = __len__ = __iter__ = __bool__ = __eq__ = __format__ = __getstate__ = __reduce__ = _called
    __hash__ = object.__hash__

    @property
    def value(self):
        return self._called()


class Pretender:
    """Lies about its class."""

    @property
    def __class__(self):
        raise RuntimeError("no class")


@dataclasses.dataclass
class Guarded:
    a: int

    def __getattribute__(self, name):
        raise RuntimeError("no attributes")


class BadZone(datetime.tzinfo):
    """A time zone without an offset."""


class BadMeta(type):
    def __getattribute__(cls, name):
        raise ValueError(name)


class Unknowable(metaclass=BadMeta):
    pass


@dataclasses.dataclass
class Plain:
    a: int
    b: object = None


@dataclasses.dataclass(slots=True)
class Slotted:
    a: int
    b: object = None


@dataclasses.dataclass(frozen=True)
class Key:
    a: int


@attrs.define
class WithAttrs:
    a: int
    b: object = None


class Point(collections.namedtuple("Point", "x y")):
    pass


class Model(pydantic.BaseModel):
    a: int
    b: object = None


class Failing(pydantic.BaseModel):
    a: int

    @pydantic.field_serializer("a")
    def fail(self, value):
        raise ValueError("no serializer")


class Colour(enum.Enum):
    RED = 5


class Word(str):
    __slots__ = ()

    def __str__(self):
        raise RuntimeError("no str")


class BadItems(dict):
    def items(self):
        raise RuntimeError("no items")


class BadIter(list):
    def __iter__(self):
        raise RuntimeError("no iter")


class BadMessage(Exception):
    def __str__(self):
        raise RuntimeError("no str")


def nested(depth, leaf=1):
    value = leaf
    for _ in range(depth):
        value = [value]
    return value


def deep_tuple_key():
    key = ()
    for _ in range(5000):
        key = (key,)
    return {key: 1}


def cyclic_list():
    value = [1]
    value.append(value)
    return value


def cyclic_dict():
    value = {"a": 1}
    value["self"] = {"again": value}
    return value


def cyclic_model():
    value = Model(a=1)
    value.b = value
    return value


def generator():
    raise AssertionError("consumed")
    yield


ZOO = {
    "explosive": Explosive,
    "explosive nested": lambda: {"a": [Explosive(), {"b": Explosive()}], SURROGATE: 1},
    "explosive in a key": lambda: {frozenset([Explosive()]): 1, Key(1): 2},
    "pretender": lambda: [Pretender()],
    "metaclass": lambda: [Unknowable(), Unknowable],
    "dataclass": lambda: [Plain(1, Explosive()), Slotted(1, Explosive()), Plain],
    "half a dataclass": lambda: [object.__new__(Plain), object.__new__(Slotted)],
    "guarded dataclass": lambda: [Guarded(1)],
    "bad time zone": lambda: [datetime.datetime(2020, 1, 1, tzinfo=BadZone()), datetime.time(1, tzinfo=BadZone())],
    "attrs": lambda: WithAttrs(1, [WithAttrs(2)]),
    "pydantic": lambda: [Model(a=1, b=Explosive()), Failing(a=1), Model],
    "pydantic cycle": cyclic_model,
    "named tuple": lambda: Point(1, Explosive()),
    "numpy": lambda: [
        np.float32(1.5),
        np.int64(3),
        np.arange(12).reshape(3, 4),
        np.array([Explosive()], dtype=object),
        np.bool_(1),
    ],
    "numpy records": lambda: np.zeros(3, dtype=[("a", "i4"), ("b", "O")]),
    "numpy empty": lambda: [np.array([]), np.array(5), np.datetime64("2020")],
    "bytes": lambda: [
        b"\xff\x00",
        b"text",
        bytearray(b"abc"),
        memoryview(b"abc"),
        memoryview(np.arange(6).reshape(2, 3)),
    ],
    "cycles": lambda: [cyclic_list(), cyclic_dict()],
    "depth": lambda: nested(1000),
    "depth of mappings": lambda: {"a": {"b": nested(5000, Explosive())}},
    "deep key": deep_tuple_key,
    "mocks": lambda: [mock.Mock(), mock.MagicMock(), {"m": mock.AsyncMock()}],
    "surrogates": lambda: {SURROGATE: [SURROGATE, Word(SURROGATE)], Word(SURROGATE): 1},
    "non-finite": lambda: [math.nan, math.inf, -math.inf, {"x": math.nan}],
    "huge integers": lambda: [2**63, -(2**63), 2**64, 10**400, 1 << 1_000_000],
    "keys": lambda: {
        1: 1,
        1.5: 2,
        None: 3,
        False: 4,
        (1, "a"): 5,
        b"k": 6,
        b"\xff": 7,
        Colour.RED: 8,
        uuid.UUID(int=1): 9,
        Point(1, 2): 10,
    },
    "generator": generator,
    "locks": lambda: [threading.Lock(), threading.RLock(), threading.Event(), threading.current_thread()],
    "known": lambda: [
        Colour.RED,
        datetime.datetime(2020, 1, 1),
        decimal.Decimal("1.10"),
        pathlib.Path("/a"),
        3 + 4j,
        range(3),
    ],
    "exceptions": lambda: [ValueError("x"), BadMessage(), KeyError],
    "subclasses": lambda: [
        Word("x"),
        BadItems(a=1),
        BadIter([1]),
        collections.OrderedDict(a=1),
        collections.Counter("aab"),
    ],
    "collections": lambda: [
        {1, 2},
        frozenset([3]),
        collections.deque([4]),
        collections.ChainMap({"a": 1}),
        types.MappingProxyType({"b": 2}),
    ],
    "callables": lambda: [len, lambda: 1, str.upper, Plain, sys],
}


def as_json(value):
    """The snapshot of `value` as plain JSON, checked to be valid and free of lone surrogates when encoded."""
    document = encode({"value": snapshot(value)})
    return json.loads(document.decode("utf-8"), parse_constant=pytest.fail)["value"]


@pytest.mark.parametrize("name", ZOO)
def test_zoo(name):
    """Anything can be recorded: the result is valid JSON, nothing raises, and no foreign hook is called."""
    Explosive.calls.clear()

    as_json(ZOO[name]())
    as_json({"nested": [ZOO[name]()]})

    assert Explosive.calls == []


@pytest.mark.parametrize("name", ZOO)
def test_one_strange_value_does_not_cost_the_others(name):
    """What stands beside a strange value is recorded as it is."""
    value = as_json({"id": 7, "strange": ZOO[name](), "question": "why?"})

    assert (value["id"], value["question"]) == (7, "why?")


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
JSON_VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(JSON_VALUES)
def test_plain_json_round_trips(value):
    """A plain JSON value comes back exactly."""
    result = decode(snapshot(value))

    assert result == value
    assert json.dumps(result) == json.dumps(value)


HASHABLE = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.binary()
    | st.decimals().filter(lambda value: not value.is_snan())  # cannot be hashed
    | st.uuids()
    | st.datetimes(timezones=st.none() | st.just(datetime.timezone.utc))
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.complex_numbers()
    | st.sampled_from([Colour.RED, Explosive, Key(3), Word("w"), Point(1, 2), Ellipsis, len])
    | st.builds(Explosive)
)
ANYTHING = st.recursive(
    HASHABLE | st.builds(ValueError, st.text()) | st.builds(bytearray, st.binary()),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(HASHABLE | st.tuples(HASHABLE, HASHABLE) | st.frozensets(HASHABLE), inner)
        | st.sets(HASHABLE)
        | st.builds(Plain, inner, inner)
        | st.builds(Slotted, inner, inner)
        | st.builds(WithAttrs, inner, inner)
        | st.builds(Point, inner, inner)
        | st.builds(collections.deque, st.lists(inner))
    ),
    max_leaves=15,
)


@given(ANYTHING)
def test_anything_is_recorded(value):
    """A snapshot never raises and always gives valid JSON."""
    Explosive.calls.clear()

    as_json(value)

    assert Explosive.calls == []


@given(ANYTHING)
def test_a_snapshot_of_a_snapshot_is_the_same(value):
    """What was decoded and is encoded again does not change."""
    first = decode(snapshot(value))

    assert as_json(first) == as_json(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Plain(1, [2]), {"a": 1, "b": [2]}),
        (Slotted(1, [2]), {"a": 1, "b": [2]}),
        (WithAttrs(1, [2]), {"a": 1, "b": [2]}),
        (Model(a=1, b=[2]), {"a": 1, "b": [2]}),
        (Failing(a=1), {"a": 1}),
        (Point(1, [2]), {"x": 1, "y": [2]}),
        (np.float32(1.5), 1.5),
        (np.int64(3), 3),
        (np.arange(4).reshape(2, 2), {"dtype": "int64", "shape": [2, 2], "values": [0, 1, 2, 3]}),
        (b"text", "text"),
        (b"\xff\xfe\x00", {"bytes": 3}),
        (b"\xff" * 42, {"bytes": 42, "base64": "/" * 56}),
        (bytearray(b"\0" * 42), {"bytes": 42, "base64": "A" * 56}),
        (memoryview(b"%PDF-1.4\n" + b"x" * 33), {"bytes": 42, "base64": "JVBERi0xLjQK" + "eHh4" * 11}),
        (bytearray(b"abc"), "abc"),
        (memoryview(b"abc"), "abc"),
        ({1}, [1]),
        (decimal.Decimal("1.10"), "1.10"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (pathlib.PurePosixPath("/a/b"), "/a/b"),
        (datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc), "2020-01-02T03:04:05+00:00"),
        (datetime.date(2020, 1, 2), "2020-01-02"),
        (datetime.timedelta(seconds=90), 90.0),
        (Colour.RED, 5),
        (ValueError("x"), {"type": "ValueError", "message": "x"}),
        (range(1, 9, 2), {"start": 1, "stop": 9, "step": 2}),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (2**64 - 1, 2**64 - 1),
        (2**64, str(2**64)),
        (-(2**63), -(2**63)),
        (-(2**63) - 1, str(-(2**63) - 1)),
        (1 << 5000, "<int of 5001 bits>"),
        (SURROGATE, "\\ud800"),
    ],
)
@pytest.mark.parametrize("company", ["alone", "in plain company", "beside what no encoder takes"])
def test_words_for_values(value, expected, company):
    """A value that JSON has no word for is recorded the same way, whatever stands beside it."""
    if company == "alone":
        assert as_json(value) == expected
    elif company == "in plain company":
        assert as_json([value, {"v": value}]) == [expected, {"v": expected}]
    else:
        assert as_json([SURROGATE, {(1, 2): value}]) == ["\\ud800", {"(1, 2)": expected}]


def test_unknown_objects_are_named():
    """An object of an unknown class is recorded as its class."""
    marker = as_json([Explosive(), generator(), threading.Lock()])

    assert marker == [f"<{__name__}.Explosive>", "<builtins.generator>", "<_thread.lock>"]


def test_a_generator_is_not_consumed():
    """Recording an iterator leaves it to the application."""
    numbers = iter([1, 2, 3])

    as_json({"n": numbers})

    assert list(numbers) == [1, 2, 3]


def test_files_are_not_read(tmp_path):
    """An open file is named, not read."""
    path = tmp_path / "f"
    path.write_text("content")
    with path.open() as file:
        as_json([file])

        assert file.read() == "content"


MUTABLE = [
    lambda inner: inner,
    lambda inner: {"a": inner},
    lambda inner: [1, [inner]],
    lambda inner: Plain(1, inner),
    lambda inner: Slotted(1, inner),
    lambda inner: WithAttrs(1, inner),
    lambda inner: Model(a=1, b=inner),
    lambda inner: Point(1, inner),
    lambda inner: (inner,),
    lambda inner: [SURROGATE, inner],
]


@pytest.mark.parametrize("wrap", MUTABLE)
def test_later_changes_do_not_show(wrap):
    """What the application does to a payload later does not change what was recorded."""
    inner = [1, 2]
    data = snapshot(wrap(inner))
    before = decode(data)

    inner.append("later")

    assert decode(data) == before
    assert b"later" not in (data if isinstance(data, bytes) else b"")


@pytest.mark.parametrize("buffer", [bytearray(b"abc"), memoryview(bytearray(b"abc")), np.arange(3)])
def test_later_changes_of_buffers_do_not_show(buffer):
    """Buffers are copied."""
    data = snapshot(buffer)
    before = decode(data)

    buffer[0] = 9

    assert decode(data) == before


def test_immutable_values_are_kept_by_reference():
    """A string is not copied, however long."""
    text = "x" * 1_000_000

    assert snapshot(text) is text


WRAPS = {
    "mapping": (lambda v: {"a": v, "kept": 1}, lambda v: v["a"]),
    "lists": (lambda v: [[v], "kept"], lambda v: v[0][0]),
    "deep": (lambda v: {"a": [{"b": {"c": (v,)}}], "kept": 1}, lambda v: v["a"][0]["b"]["c"][0]),
    "dataclass": (lambda v: {"kept": Plain(1, v)}, lambda v: v["kept"]["b"]),
    "model": (lambda v: [Model(a=1, b={"kept": v})], lambda v: v[0]["b"]["kept"]),
    "slow path": (lambda v: ["kept", SURROGATE, {"a": v}], lambda v: v[2]["a"]),
}
LARGE = {
    "str": "x" * 50_000_000,
    "escapes": '"\\' * 100 + "x" * 50_000_000,
    "text as bytes": b"x" * 50_000_000,
    "bytes": b"\xff" * 50_000_000,
    "bytearray": bytearray(b"\xff" * 50_000_000),
}


@pytest.mark.parametrize("value", LARGE.values(), ids=LARGE)
def test_too_large(value):
    """A payload that is one string or bytes above the limit becomes a marker with its size, and no part of it is kept."""
    data = snapshot(value)

    assert set(decode(data)) == {"truncated"}
    assert 50_000_000 <= decode(data)["truncated"]["bytes"] <= 50_001_000


@pytest.mark.parametrize("value", LARGE.values(), ids=LARGE)
@pytest.mark.parametrize(("wrap", "unwrap"), WRAPS.values(), ids=WRAPS)
@pytest.mark.parametrize("seen", [False, True], ids=["the first", "a later one"])
def test_large_strings_do_not_cost_what_stands_beside_them(monkeypatch, value, wrap, unwrap, seen):
    """Only the string or bytes that is too large is replaced, whole, wherever it stands."""
    monkeypatch.setattr(payload._large_payloads, "seen", seen)

    result = as_json(wrap(value))

    marker = unwrap(result)
    assert set(marker) == {"truncated"}
    assert 50_000_000 <= marker["truncated"]["bytes"] <= 50_001_000
    assert "kept" in json.dumps(result)
    assert len(json.dumps(result)) < 200


def test_the_largest_strings_go_first():
    """As many strings are replaced as must be; keys and small ones stay."""
    value = {"k" * 3000: ["a" * 1000, "b" * 3000, "c" * 4000, "d" * 2000], "text": "e" * 200}

    result = decode(snapshot(value, max_bytes=7000))

    assert result == {
        "k" * 3000: ["a" * 1000, {"truncated": {"bytes": 3000}}, {"truncated": {"bytes": 4000}}, "d" * 2000],
        "text": "e" * 200,
    }


def test_raw_bytes_that_are_left_out_leave_one_marker():
    """Of bytes over the limit the marker says how many they were, not how long their base64 was."""
    result = decode(snapshot({"image": b"\xff" * 6000, "text": "a cat"}, max_bytes=5000))

    assert result == {"image": {"truncated": {"bytes": 6000}}, "text": "a cat"}


@pytest.mark.parametrize(
    "value",
    [
        lambda: ["x" * 1000] * 50_000,
        lambda: {"a": [[0.123456789] * 1_000_000]},
        lambda: ['"' * 200] * 50_000,
        lambda: {f"{number}" * 300: 1 for number in range(10_000)},
        lambda: {(1, "x" * 10_000_000): 1},
    ],
    ids=["many strings", "numbers", "many quotes", "keys", "a long key"],
)
def test_too_much_of_what_is_small(value):
    """Where it would take too much, or would not help, a marker stands for the whole payload."""
    data = snapshot(value())

    assert set(decode(data)) == {"truncated"}
    assert decode(data)["truncated"]["bytes"] > payload.MAX_PAYLOAD_BYTES


def test_limit_is_configurable():
    """`max_bytes` is the size from which the marker stands in."""
    assert snapshot("x" * 10, max_bytes=10) == "x" * 10
    assert snapshot("x" * 11, max_bytes=10) == truncated(11) == b'{"truncated":{"bytes":11}}'
    assert set(decode(snapshot(["x" * 11], max_bytes=10))) == {"truncated"}


def test_too_large_where_the_encoder_gives_up():
    """The limit holds for payloads of the slow path too."""
    data = snapshot([SURROGATE, *("x" * 1000 for _ in range(100))], max_bytes=10_000)

    assert set(decode(data)) == {"truncated"}


@pytest.mark.parametrize("key", ["a", SURROGATE])
def test_too_deep(key):
    """A subtree below 64 levels is replaced by a marker, what lies above it is kept."""
    value = "bottom"
    for _ in range(1000):
        value = {key: value, "kept": 1}

    result = as_json(value)

    depth = 0
    while "truncated" not in result:
        assert result["kept"] == 1
        result = result[key if key == "a" else "\\ud800"]
        depth += 1
    assert result == {"truncated": {"depth": MAX_DEPTH}}
    assert depth == MAX_DEPTH


def test_cycles():
    """A cycle is cut where it closes; the same object twice side by side is no cycle."""
    shared = [1]

    assert as_json(cyclic_list()) == [1, {"truncated": {"cycle": True}}]
    assert as_json({"a": shared, "b": shared, SURROGATE: 1})["b"] == [1]


class Clock:
    """Says that the budget is used up from its `late_from`-th reading on."""

    def __init__(self, late_from):
        self.readings = 0
        self._late_from = late_from

    def __call__(self):
        self.readings += 1
        return 1e6 if self.readings >= self._late_from else 0.0


def count(numbers, total):
    """Yields 0 to `total`, and says in `numbers` how far it came."""
    for number in range(total):
        numbers.append(number)
        yield number


class Counted(collections.UserList):
    """A long sequence that says how much of it was read."""

    def __init__(self, length):
        super().__init__()
        self.read = []
        self._length = length

    def __iter__(self):
        return count(self.read, self._length)


@pytest.mark.parametrize(
    "item",
    [lambda i: [i], lambda i: i, lambda i: i / 2, lambda i: None],
    ids=["lists", "integers", "floats", "nothing"],
)
def test_slow_payloads_have_a_bound(item):
    """A payload that takes long to encode is recorded in part; one mark stands for the rest, which is not visited."""
    clock = Clock(late_from=5)
    value = [SURROGATE, *(item(i) for i in range(100_000))]

    with mock.patch("spanbridge.model.payload.time.perf_counter", clock):
        result = as_json({"long": value, "after": 1, (1,): 2})

    assert result["long"][:3] == ["\\ud800", item(0), item(1)]
    assert result["long"][-1] == "<unserialised>"
    assert result["long"].count("<unserialised>") == 1
    assert result["<unserialised>"] == "<unserialised>"
    assert "after" not in result
    assert len(result["long"]) < 500
    assert clock.readings == 5


@pytest.mark.parametrize(
    "value",
    [
        lambda: {(1, i): i for i in range(100_000)},
        lambda: {(SURROGATE, *range(100_000)): 1},
        lambda: {frozenset([(1, i)]): i for i in range(10_000)},
    ],
    ids=["many", "one long", "containers"],
)
def test_slow_keys_have_a_bound(value):
    """Keys count as values do."""
    clock = Clock(late_from=5)

    with mock.patch("spanbridge.model.payload.time.perf_counter", clock):
        result = as_json([value(), SURROGATE])

    assert "<unserialised>" in json.dumps(result)
    assert len(json.dumps(result)) < 10_000
    assert clock.readings == 5


@pytest.mark.parametrize(
    "value",
    [
        lambda: [SURROGATE, *range(10_000)],
        lambda: [SURROGATE, *([0.5] * 10_000)],
        lambda: {SURROGATE: 1, **{f"key {i}": None for i in range(1000)}},
        lambda: {(1, "x" * 6000): 1},
    ],
    ids=["integers", "floats", "keys", "a long key"],
)
def test_the_limit_holds_for_all_that_counts(value):
    """Numbers, keys and bytes of the slow path count too."""
    data = snapshot(value(), max_bytes=5000)

    assert set(decode(data)) == {"truncated"}
    assert decode(data)["truncated"]["bytes"] > 5000


@pytest.mark.parametrize(
    "value",
    [b"x" * 6000, b"\xff" * 6000, SURROGATE * 1000, '"' * 3000],
    ids=["bytes", "no text", "surrogates", "escapes"],
)
def test_what_is_longer_as_it_is_written(value):
    """The limit is that of the encoding."""
    result = decode(snapshot([SURROGATE, value, "kept"], max_bytes=5000))

    assert set(result[1]) == {"truncated"}
    assert result[1]["truncated"]["bytes"] >= 6000
    assert result[2] == "kept"


def test_what_is_too_large_is_not_read_to_its_end():
    """Beyond the limit nothing more of a payload is visited."""
    value = Counted(1_000_000)

    assert set(decode(snapshot([SURROGATE, value], max_bytes=5000))) == {"truncated"}
    assert len(value.read) < 5000


class Unreadable(enum.Enum):
    RED = 5

    @property
    def value(self):
        raise RuntimeError("no value")


class Endless(enum.Enum):
    RED = 5

    @property
    def value(self):
        return self


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Unreadable.RED, f"<{__name__}.Unreadable>"),
        (object.__new__(Colour), f"<{__name__}.Colour>"),
        (object.__new__(uuid.UUID), "<uuid.UUID>"),
        (Endless.RED, {"truncated": {"cycle": True}}),
    ],
    ids=["a value that raises", "half a member", "half a UUID", "a value without end"],
)
@pytest.mark.parametrize(
    ("wrap", "unwrap"),
    [
        (lambda v: v, lambda v: v),
        (lambda v: Plain(1, v), lambda v: v["b"]),
        (lambda v: [WithAttrs(1, v)], lambda v: v[0]["b"]),
        (lambda v: {"a": Point(1, v)}, lambda v: v["a"]["y"]),
        (lambda v: collections.deque([v]), lambda v: v[0]),
        (lambda v: [SURROGATE, v], lambda v: v[1]),
    ],
    ids=["alone", "dataclass", "attrs", "named tuple", "deque", "slow path"],
)
def test_what_ends_the_process_in_the_encoder(value, expected, wrap, unwrap):
    """An enumeration or UUID that cannot be read is named; the encoder, which does not survive it, never sees it."""
    assert unwrap(as_json(wrap(value))) == expected


def test_changed_by_other_threads_meanwhile():
    """A mapping that another thread changes is recorded in some state, or named; nothing raises."""
    shared = {str(i): [i] for i in range(100)}
    stop = threading.Event()

    def change():
        number = 0
        while not stop.is_set():
            number += 1
            shared[f"n{number % 500}"] = [number]
            shared.pop(f"n{(number + 250) % 500}", None)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(300):
            as_json([shared, SURROGATE])
            as_json(shared)
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(interval)


def test_encode_splices_snapshots():
    """Snapshots stand in a document as they are, beside plain values."""
    assert encode({"a": b'{"x":1}', "b": 2, "c": snapshot("s")}) == b'{"a":{"x":1},"b":2,"c":"s"}'
    assert encode({"a": b'{"x":1}', "b": SURROGATE}) == b'{"a":{"x":1},"b":"\\\\ud800"}'
