import json

from hypothesis import given, settings
from hypothesis import strategies as st

from spanbridge.cli.output import json_text, local_time

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@settings(max_examples=50)
@given(TEXT | st.lists(TEXT) | st.dictionaries(TEXT, TEXT | st.none() | st.booleans() | st.integers(-(2**53), 2**53)))
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
