"""How a pattern begins: what the prefilter's automaton looks for in its place."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge import SensitiveDataFilter
from spanbridge.processors.beginnings import beginning

MOST = 16
PROBES = [probe.pattern for probe in SensitiveDataFilter(pii=True, extra_keys=["tax number"]).probes]


@pytest.mark.parametrize(
    ("pattern", "begins"),
    [
        ("ghp_[A-Za-z0-9]{10}", "ghp_[A-Za-z0-9]{10}"),
        ("ghp_[A-Za-z0-9]{60}", "ghp_[A-Za-z0-9]{48}"),
        ("WIFI:[^\\n]{0,128};P:", "WIFI:(?:[^\\n]|;)"),
        ("(?i)key[a-z]*=", "(?i)key(?:[a-z]|=)"),
        ("(?i)key[a-z]+=", "(?i)key[a-z]{1}"),
        ("(?i)key[\"'`]{0,80}=", "(?i)key[\"'`]{0,80}="),
        ("a(?:b|c[^\\n]{0,99}d)e", "a(?:b|c(?:[^\\n]|d))"),
        ("a(?:b[^\\n]{0,99})?e", "a(?:b|e)"),
        ("x[^\\n]{0,99}a|x[^\\n]{0,99}b", "x(?:[^\\n]|a)|x(?:[^\\n]|b)"),
        ("(?:[)]|\\\\[(]|[^]])x", "(?:[)]|\\\\[(]|[^]])x"),
        ("(?i:pass)(?P<n>x)\\x41", "(?i:pass)(?:x)\\x41"),
    ],
)
def test_what_is_left(pattern, begins) -> None:
    """Up to the first long or open repetition of what text is made of."""
    assert beginning(pattern, 48).pattern == begins


@given(st.data())
def test_a_beginning_stands_wherever_its_pattern_does(data) -> None:
    """Else something that a probe finds would never be looked at."""
    pattern = data.draw(st.sampled_from(PROBES))
    found = data.draw(st.from_regex(pattern))
    assert re.search(beginning(pattern, MOST).pattern, found)


def test_no_beginning_stands_everywhere() -> None:
    """Its whole probe would be looked for in all that is recorded."""
    assert [pattern for pattern in PROBES if re.search(beginning(pattern, MOST).pattern, "")] == []


def test_what_cannot_be_read() -> None:
    with pytest.raises(ValueError, match="cannot be read at 1"):
        beginning("a)", MOST)


@given(st.data())
def test_a_beginning_is_no_longer_than_it_says(data) -> None:
    """Whoever knows where one ends knows where it may have begun. In bytes."""
    begins = beginning(data.draw(st.sampled_from(PROBES)), MOST)
    pattern = re.compile(begins.pattern.encode())
    found = data.draw(st.from_regex(begins.pattern, fullmatch=True)).encode("utf-8", "surrogatepass")

    assert pattern.fullmatch(found) is None or begins.shortest <= len(found) <= begins.longest
