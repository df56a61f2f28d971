"""How patterns begin: what the prefilter's automata look for in their place."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge import SensitiveDataFilter
from spanbridge.processors.beginnings import Group, beginnings, by_beginning
from spanbridge.processors.matcher import Probe

PROBES = SensitiveDataFilter(pii=True, extra_keys=["tax number"]).probes
GROUPS = {max_repeated: by_beginning(PROBES, max_repeated) for max_repeated in (16, 48)}
OPEN_GROUPS = by_beginning(PROBES, 16, 40)


def groups_of(*patterns: str, max_repeated: int = 16, open_from: int | None = None) -> list[Group]:
    return by_beginning([Probe(("",), pattern) for pattern in patterns], max_repeated, open_from)


@pytest.mark.parametrize(
    ("pattern", "begin"),
    [
        ("ghp_[A-Za-z0-9]{10}", ["ghp_[A-Za-z0-9]{10}"]),
        ("ghp_[A-Za-z0-9]{60}", ["ghp_[A-Za-z0-9]{48}"]),
        ("WIFI:[^\\n]{0,128};P:", ["WIFI:(?:[^\\n]|;)"]),
        ("(?i)key[a-z]*=", ["(?i)key(?:[a-z]|=)"]),
        ("(?i)key[a-z]+=", ["(?i)key[a-z]{1}"]),
        ("(?i)key[\"'`]{0,80}=", ["(?i)key[\"'`]{0,80}="]),
        ("a(?:b|c[^\\n]{0,99}d)e", ["abe", "ac(?:[^\\n]|d)"]),
        ("a(?:b[^\\n]{0,99})?e", ["a(?:b|e)"]),
        ("a(?:b[^\\n]{0,99})?", ["a"]),
        ("x[^\\n]{0,99}a|x[^\\n]{0,99}b", ["x(?:[^\\n]|a|b)"]),
        ("(?:[)]|\\\\[(]|[^]])x", ["(?:[)]|\\\\[(]|[^]])x"]),
        ("(?i:pass)(?P<n>x)\\x41", ["(?i:pass)(?P<n>x)\\x41"]),
        ("a(?i:b[^\\n]{0,99}c)", ["a(?i:b)"]),
    ],
)
def test_what_is_left(pattern, begin):
    """Up to the first long or open repetition of what text is made of, with what must follow there."""
    assert [group.pattern for group in groups_of(pattern, max_repeated=48)] == begin


@pytest.mark.parametrize(
    ("pattern", "begin"),
    [
        ("WIFI:[^\\n]{0,128};P:", ["WIFI:[^\\n]{0,};P:"]),
        ("key[a-z]{1,40}=", ["key[a-z]{1,}="]),
        ("key[a-z]{1,39}=", ["key[a-z]{1}"]),
        ("key[a-z]*=", ["key[a-z]{0,}="]),
        ("key[a-z]{17,80}=", ["key[a-z]{16}"]),
        ("a(?i:b[^\\n]{0,99}c|d){0,2}e", ["a(?i:b[^\\n]{0,}c|d){0,2}e"]),
        ("a(?: [a-z]{1,40}){0,99}e", ["a(?: |e)"]),
    ],
)
def test_what_is_left_open(pattern, begin):
    """A repetition of one character that may be long goes on, and so does the beginning."""
    assert [group.pattern for group in groups_of(pattern, open_from=40)] == begin


def test_patterns_that_begin_alike_are_looked_for_once():
    """With whatever may follow in one of them; with nothing where that is not known of all."""
    assert [group.pattern for group in groups_of("ab[^\\n]{0,99}c", "ab[a-z]{0,99}d", "q")] == [
        "ab(?:[^\\n]|c|[a-z]|d)",
        "q",
    ]
    assert [group.pattern for group in groups_of("ab[^\\n]{0,99}c", "ab(?:[a-z]{0,99})?")] == ["ab"]


def is_told(groups: list[Group], number: int, data: bytes) -> bool:
    """Whether a probe matches in data, by the places where its beginnings end and what follows there."""
    for group in groups:
        begins = re.compile(group.pattern.encode())
        others = [re.compile(other.rest.encode()) for other in group.others if other.number == number]
        if number not in group.done and not others:
            continue
        for end in range(len(data) + 1):
            if any(begins.fullmatch(data, start, end) for start in range(end)) and (
                number in group.done or any(rest.match(data, end - group.back) for rest in others)
            ):
                return True
    return False


def drawn_texts(data: st.DataObject, number: int) -> Iterator[bytes]:
    """What a probe matches, and what is left of it when a piece is cut out."""
    found = data.draw(st.from_regex(PROBES[number].pattern)).encode("utf-8", "surrogatepass")[:200]
    at = data.draw(st.integers(0, len(found)))
    yield from (found, found[:at], found[at:], found[:at] + found[at + 1 :])


@pytest.mark.parametrize("max_repeated", GROUPS)
@given(data=st.data())
def test_a_beginning_and_what_follows_are_the_whole(max_repeated, data):
    """No more and no less."""
    number = data.draw(st.integers(0, len(PROBES) - 1))
    pattern = re.compile(PROBES[number].pattern.encode())

    for text in drawn_texts(data, number):
        assert is_told(GROUPS[max_repeated], number, text) == bool(pattern.search(text))


@given(data=st.data())
def test_an_open_beginning_is_wherever_the_whole_is(data):
    """And in few other places."""
    number = data.draw(st.integers(0, len(PROBES) - 1))
    pattern = re.compile(PROBES[number].pattern.encode())

    for text in drawn_texts(data, number):
        assert is_told(OPEN_GROUPS, number, text) or not pattern.search(text)


def test_no_beginning_stands_everywhere():
    """Its whole probe would be looked for in all that is recorded."""
    groups = [*GROUPS[16], *OPEN_GROUPS]

    everywhere = [group.pattern for group in groups if re.search(group.pattern, "")]
    short = [group.pattern for group in groups if re.fullmatch(group.pattern, "e|a| |:")]

    assert (everywhere, short) == ([], [])


def test_what_cannot_be_read():
    with pytest.raises(ValueError, match="cannot be read at 1"):
        beginnings("a)", 16)
