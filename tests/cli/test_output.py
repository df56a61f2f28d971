import json

from hypothesis import given
from hypothesis import strategies as st

from spanbridge.cli.options import Age
from spanbridge.cli.output import format_bytes, json_text, local_time

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(
    st.recursive(
        TEXT | st.integers(-(2**53), 2**53) | st.booleans() | st.none(),
        lambda items: st.lists(items) | st.dictionaries(TEXT, items),
    )
)
def test_json_text_is_safe_and_says_the_same(value):
    """Any value comes back from its JSON, in which no character controls a terminal."""
    text = json_text(value)

    assert json.loads(text) == value
    assert all(character == "\n" or character.isprintable() or ord(character) > 0x9F for character in text)
    assert not set(text) & set("\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@given(st.integers())
def test_local_time_takes_any_number(time_ns):
    """A time that no calendar has is shown as its number."""
    assert local_time(time_ns)


def test_format_bytes():
    """Sizes in powers of 1000."""
    assert [format_bytes(count) for count in (0, 999, 20_500, 3_000_000, 12_345_678_901)] == [
        "0 B",
        "999 B",
        "20.5 KB",
        "3.0 MB",
        "12.3 GB",
    ]


def test_ages():
    """A time ago is a number and a unit."""
    ages = [Age().convert(text, None, None) for text in ("90s", "30m", "2h", "7d", "1w")]

    assert ages == [90, 1800, 7200, 604_800, 604_800]
