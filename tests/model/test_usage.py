import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge.model.usage import MAX_TOKENS, Usage, normalize_usage

COUNTS = st.integers(0, 10**9)
INPUT_DETAILS = st.dictionaries(
    st.sampled_from(["text", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "audio", "image"]), COUNTS
)
OUTPUT_DETAILS = st.dictionaries(st.sampled_from(["text", "reasoning", "audio", "image"]), COUNTS)
ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.lists(st.integers())
    | st.dictionaries(st.text(), st.integers())
)


def test_totals_that_are_given_stand():
    """A detail is part of its total and is never added to it."""
    usage = Usage(
        input_tokens=100, output_tokens=50, input_details={"cache_read": 80}, output_details={"reasoning": 40}
    )

    assert normalize_usage(usage) == {
        "input_tokens": 100,
        "output_tokens": 50,
        "input_details": {"cache_read": 80},
        "output_details": {"reasoning": 40},
    }


@given(INPUT_DETAILS, OUTPUT_DETAILS)
def test_absent_totals_are_the_sum_of_their_parts(input_details, output_details):
    """Without totals, each token of the details counts once: lifetimes of the cache are part of `cache_write`."""
    result = normalize_usage({"input_details": input_details, "output_details": output_details}) or {}

    written = max(
        input_details.get("cache_write", 0),
        input_details.get("cache_write_5m", 0) + input_details.get("cache_write_1h", 0),
    )
    others = sum(input_details.get(name, 0) for name in ("text", "cache_read", "audio", "image"))
    assert result.get("input_tokens", 0) == written + others
    assert result.get("output_tokens", 0) == sum(output_details.values())


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "input_tokens": COUNTS,
            "output_tokens": COUNTS,
            "input_details": INPUT_DETAILS,
            "output_details": OUTPUT_DETAILS,
        },
    )
)
def test_normalising_twice_changes_nothing(usage):
    """Normal usage stays as it is."""
    once = normalize_usage(usage)

    assert once is None or normalize_usage(once) == once


@given(
    ANYTHING
    | st.fixed_dictionaries(
        {},
        optional={
            "input_tokens": ANYTHING,
            "output_tokens": ANYTHING,
            "input_details": ANYTHING,
            "output_details": ANYTHING,
        },
    )
)
def test_only_counts_count(usage):
    """Whatever is passed, only whole numbers that fit are kept, and nothing raises."""
    result = normalize_usage(usage)

    numbers = [] if result is None else [*_numbers(result)]
    assert all(type(number) is int and number >= 0 for number in numbers)


def _numbers(usage):
    for value in usage.values():
        yield from value.values() if isinstance(value, dict) else [value]


@pytest.mark.parametrize("value", [-1, 1.5, "12", True, None, MAX_TOKENS + 1, 2**63, []])
def test_what_is_no_count_is_left_out(value):
    """Negative, broken and absurd numbers are no counts of tokens."""
    assert normalize_usage({"input_tokens": value, "output_tokens": 3}) == {"output_tokens": 3}


@pytest.mark.parametrize("usage", [None, {}, Usage(), "many", 5, {"input_tokens": None}, {"input_details": {}}])
def test_no_count(usage):
    """Usage without a count is None, not zero."""
    assert normalize_usage(usage) is None


def test_zero_is_a_count():
    """Zero tokens were measured: they are kept."""
    assert normalize_usage(Usage(input_tokens=0)) == {"input_tokens": 0}
